// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the histories of a round tell: each object's is searched for an order that
 * explains it, and looked through for what must hold in any case. See storm.h.
 *
 * That is done in two processes, one for each CPU of the test VM.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spec.h"
#include "storm.h"

#define WORKERS		2
/*
 * A history that takes more is searched by whoever has started the VM: that is some
 * twenty times as fast.
 */
#define STATES_MAX	200000

struct spec_score *storm_score;

/*
 * All that is said of one object, at once: the other worker has the same output. It is
 * kept in a file of its own until then.
 */
static void say_all(FILE *from)
{
	static char text[65536];
	size_t len;

	fflush(stdout);
	rewind(from);
	while (__atomic_exchange_n(&storm->saying, 1, __ATOMIC_ACQUIRE))
		storm_nap(100);
	while ((len = fread(text, 1, sizeof(text), from)))
		fwrite(text, 1, len, stdout);
	fflush(stdout);
	__atomic_store_n(&storm->saying, 0, __ATOMIC_RELEASE);
}

/* A copy with the records of one object only. */
static struct history *select_object(const struct history *h, unsigned int object)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	struct history *copy = calloc(1, sizeof(*copy));

	if (!copy)
		abort();
	memcpy(copy, h, offsetof(struct history, entries));
	memcpy(copy->entries, h->entries,
	       history_count(&h->nr_entries, HISTORY_ENTRIES) * sizeof(*h->entries));
	copy->nr_records = 0;
	for (i = 0; i < nr; i++) {
		if (h->records[i].inv && h->records[i].object == object)
			copy->records[copy->nr_records++] = h->records[i];
	}
	return copy;
}

static void add_score(const struct spec_score *score)
{
	__atomic_add_fetch(&storm_score->histories, score->histories, __ATOMIC_RELAXED);
	__atomic_add_fetch(&storm_score->calls, score->calls, __ATOMIC_RELAXED);
	__atomic_add_fetch(&storm_score->states, score->states, __ATOMIC_RELAXED);
	__atomic_add_fetch(&storm_score->hard, score->hard, __ATOMIC_RELAXED);
}

/* storm-run looks for these lines. */
static void dump(const struct history *h, unsigned int object, const char *what, FILE *out)
{
	fprintf(out, "# ---- a history that %s; history_test can read it ----\n", what);
	history_print(out, h, object);
	fprintf(out, "# ---- end of that history ----\n");
}

/* Whole histories, as far as so many were asked for. */
static void dump_bad(const struct history *h, unsigned int object, FILE *out)
{
	if (__atomic_add_fetch(&storm_score->bad, 1, __ATOMIC_RELAXED) <= storm->dumps)
		dump(h, object, "cannot be explained", out);
}

static void judge_object(unsigned int object)
{
	const struct storm_type *type = storm_types[storm->objects[object].type];
	const struct spec *const *spec = history_types[storm->objects[object].type].specs;
	struct history *h = select_object(&storm->history, object);
	struct spec_score score = { 0 };
	FILE *out = fdopen(memfd_create("saying", 0), "w+");

	if (!out)
		storm_die("memfd_create");
	if (type->check)
		type->check(h, object);
	for (; *spec; spec++) {
		__u64 wrong = score.bad;

		spec_check(h, object, *spec, STATES_MAX, &score, out);
		storm_check(CLAIM_ORDER, score.bad == wrong,
			    "object %u: %s: %llu histories cannot be explained", object,
			    (*spec)->name, score.bad - wrong);
	}
	add_score(&score);
	if (score.bad)
		dump_bad(h, object, out);
	else if (score.hard)
		dump(h, object, "is too hard here", out);
	say_all(out);
	fclose(out);
	free(h);
}

static pid_t start_worker(unsigned int worker)
{
	unsigned int i;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		storm_die("fork");
	if (pid)
		return pid;
	for (i = worker; i < storm->nr_objects; i += WORKERS)
		judge_object(i);
	fflush(stdout);
	_exit(0);
}

void storm_judge(void)
{
	pid_t pids[WORKERS];
	unsigned int i;
	int status;

	for (i = 0; i < WORKERS; i++)
		pids[i] = start_worker(i);
	for (i = 0; i < WORKERS; i++) {
		if (waitpid(pids[i], &status, 0) < 0 || status)
			storm_die("the checker failed");
	}
}
