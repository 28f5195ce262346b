// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histories as text: for people, and for the checker's own test
 *
 *	good: a released permit goes to the waiter
 *	object sem limit=1
 *	process b
 *	1 2 a acquire permits=1 = 0 token=1
 *	3 6 b timed acquire permits=1 = 0 token=2
 *	4 5 a release permits=1 = 0
 *	kill b 7 9
 *
 * A line is a call: when it began and ended, who called, what, what came back. "-"
 * for the end: it never came back. WHO is PROCESS[.THREAD][/FILE]. What is left out
 * is 0. A list of processes that STAT gave is [h:a:2 w:b:1 m:c:1]. "ticket acquire ticket=7"
 * returned the file 7, and "b/7 read acquire" is what b read from it, EAGAIN if that was
 * nothing yet. begun, over and until are times by the clock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"

static const struct {
	int number;
	const char *name;
} errnos[] = {
	{ EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { EINTR, "EINTR" }, { EBADF, "EBADF" },
	{ EAGAIN, "EAGAIN" }, { ENOMEM, "ENOMEM" }, { EFAULT, "EFAULT" },
	{ EBUSY, "EBUSY" }, { EEXIST, "EEXIST" }, { EINVAL, "EINVAL" },
	{ ENOSPC, "ENOSPC" }, { EPIPE, "EPIPE" }, { ERANGE, "ERANGE" },
	{ EDEADLK, "EDEADLK" }, { EOVERFLOW, "EOVERFLOW" }, { EMSGSIZE, "EMSGSIZE" },
	{ ENOBUFS, "ENOBUFS" }, { ETIMEDOUT, "ETIMEDOUT" }, { EOWNERDEAD, "EOWNERDEAD" },
	{ ECANCELED, "ECANCELED" }, { EALREADY, "EALREADY" },
};

#define NR_ERRNOS	(sizeof(errnos) / sizeof(*errnos))

static const struct history_call common_calls[] = {
	[HISTORY_CLOSE] = { "close" },
	[HISTORY_GAIN] = { "gain" },
	[HISTORY_DEATH] = { "death" },
	[HISTORY_QUIET] = { "quiet" },
};

static const struct {
	const char *name;
	__u32 how;
} hows[] = {
	{ "try", HOW_TRY }, { "timed", HOW_TIMED }, { "fault", HOW_FAULT },
	{ "lost", HOW_LOST }, { "ticket", HOW_TICKET }, { "read", HOW_READ },
	{ "lease", HOW_LEASE }, { "blurred", HOW_BLURRED },
};

#define NR_HOWS	(sizeof(hows) / sizeof(*hows))

static const struct history_call *call_of(const struct history *h, unsigned int object,
					  unsigned int code)
{
	static const struct history_call unknown = { "?" };
	const struct spec *spec = *history_types[h->objects[object].type].specs;

	if (code < HISTORY_OWN)
		return &common_calls[code];
	return code - HISTORY_OWN < spec->nr_calls ? &spec->calls[code - HISTORY_OWN] :
	       &unknown;
}

const char *history_call_name(const struct history *h, const struct history_record *rec)
{
	return call_of(h, rec->object, rec->code)->name;
}

/* ---- writing ---- */

static void print_result(FILE *out, int ret)
{
	size_t i;

	for (i = 0; i < NR_ERRNOS; i++) {
		if (ret == -errnos[i].number) {
			fprintf(out, " = %s", errnos[i].name);
			return;
		}
	}
	fprintf(out, " = %d", ret);
}

static void print_values(FILE *out, const char *const *names, const __s64 *values,
			 unsigned int max)
{
	unsigned int i;

	for (i = 0; i < max && names[i]; i++) {
		if (values[i])
			fprintf(out, " %s=%lld", names[i], values[i]);
	}
}

static const char *const time_names[] = { "begun", "over", "until" };

#define NR_TIMES	3

/* By MUSTER_PROCESS_*. */
static const char role_names[] = "?hwml";

#define NR_ROLES	(sizeof(role_names) - 1)

static __u32 process_of(const struct history *h, __s32 pid)
{
	__u32 i = history_count(&h->nr_processes, HISTORY_PROCESSES);

	while (i-- && h->processes[i].pid != pid)
		;
	return i;
}

static void print_entries(FILE *out, const struct history *h,
			  const struct history_record *rec)
{
	__u32 i;

	for (i = 0; i < rec->nr_entries; i++) {
		const struct history_entry *entry = &h->entries[rec->entries + i];

		fprintf(out, "%s%c:p%u:%llu", i ? " " : " [",
			entry->role < NR_ROLES ? role_names[entry->role] : '?',
			process_of(h, entry->pid), entry->amount);
	}
	if (rec->nr_entries)
		fputc(']', out);
}

void history_print_record(FILE *out, const struct history *h,
			  const struct history_record *rec)
{
	const struct history_call *call = call_of(h, rec->object, rec->code);
	size_t i;

	if (rec->res)
		fprintf(out, "%llu %llu ", rec->inv, rec->res);
	else
		fprintf(out, "%llu - ", rec->inv);
	fprintf(out, "p%u.%u/%u ", rec->process, rec->thread, rec->file);
	for (i = 0; i < NR_HOWS; i++) {
		if (rec->how & hows[i].how)
			fprintf(out, "%s ", hows[i].name);
	}
	fputs(call->name, out);
	print_values(out, call->args, rec->arg, HISTORY_ARGS);
	if (rec->ticket)
		fprintf(out, " ticket=%u", rec->ticket);
	print_values(out, time_names, (const __s64[]){ rec->begun, rec->over, rec->until },
		     NR_TIMES);
	if (rec->dies)
		fprintf(out, " dies=%llu gone=%llu", rec->dies, rec->gone);
	if (rec->res) {
		print_result(out, rec->ret);
		print_values(out, call->outs, rec->out, HISTORY_OUTS);
		print_entries(out, h, rec);
	}
	fputc('\n', out);
}

static void print_processes(FILE *out, const struct history *h)
{
	__u32 nr = history_count(&h->nr_processes, HISTORY_PROCESSES), i;

	for (i = 0; i < nr; i++) {
		if (h->processes[i].pid)
			fprintf(out, "process p%u pid=%d\n", i, h->processes[i].pid);
		if (h->processes[i].gone)
			fprintf(out, "kill p%u %llu %llu\n", i, h->processes[i].doomed,
				h->processes[i].gone);
	}
	nr = history_count(&h->nr_signals, HISTORY_SIGNALS);
	for (i = 0; i < nr; i++) {
		if (h->signals[i].inv)
			fprintf(out, "signal p%u %llu %llu\n", h->signals[i].process,
				h->signals[i].inv, h->signals[i].res);
	}
}

/* All of an object, to be read again. */
void history_print(FILE *out, const struct history *h, unsigned int object)
{
	const struct history_object *o = &h->objects[object];
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;

	fprintf(out, "good: object %u\nobject %s limit=%llu options=%u initial=%llu\n", object,
		history_types[o->type].name, o->limit, o->options, o->initial);
	print_processes(out, h);
	for (i = 0; i < nr; i++) {
		if (h->records[i].inv && h->records[i].object == object)
			history_print_record(out, h, &h->records[i]);
	}
}

/* ---- reading ---- */

static struct {
	const char *file;
	unsigned int line;
	char names[HISTORY_PROCESSES][24];
} reader;

static void bad(const char *what, const char *word)
{
	fprintf(stderr, "%s:%u: %s: %s\n", reader.file, reader.line, what,
		word ? word : "missing");
	exit(2);
}

static __s64 number(const char *word)
{
	char *end;
	__s64 value;

	if (!word)
		bad("no number", word);
	value = strtoll(word, &end, 0);
	if (!*word || *end)
		bad("no number", word);
	return value;
}

static int result(const char *word)
{
	size_t i;

	for (i = 0; word && i < NR_ERRNOS; i++) {
		if (!strcmp(word, errnos[i].name))
			return -errnos[i].number;
	}
	return number(word);
}

static __u32 process(struct history *h, const char *name)
{
	__u32 i;

	if (!name || !*name || strlen(name) >= sizeof(*reader.names))
		bad("no process", name);
	for (i = 0; i < h->nr_processes; i++) {
		if (!strcmp(reader.names[i], name))
			return i;
	}
	if (i == HISTORY_PROCESSES)
		bad("too many processes", name);
	strcpy(reader.names[i], name);
	h->processes[i] = (struct history_process){ .pid = i + 1 };
	h->nr_processes++;
	return i;
}

/* PROCESS[.THREAD][/FILE], or - */
static void who(struct history *h, struct history_record *rec, char *word)
{
	char *thread, *file;

	if (!word)
		bad("no process", word);
	file = strchr(word, '/');
	if (file)
		*file++ = 0;
	thread = strchr(word, '.');
	if (thread)
		*thread++ = 0;
	rec->process = process(h, word);
	rec->thread = thread ? number(thread) : 0;
	rec->file = file ? number(file) : 0;
}

static char *next_word(void)
{
	return strtok(NULL, " \t\n");
}

static bool set(const char *const *names, __s64 *values, unsigned int max,
		const char *name, __s64 value)
{
	unsigned int i;

	for (i = 0; i < max && names[i]; i++) {
		if (!strcmp(names[i], name)) {
			values[i] = value;
			return true;
		}
	}
	return false;
}

static unsigned int find_call(const struct history *h, const char *name)
{
	const struct spec *spec = *history_types[h->objects[0].type].specs;
	unsigned int i;

	if (!name)
		bad("no call", name);
	for (i = 0; i < spec->nr_calls + HISTORY_OWN; i++) {
		if (!strcmp(call_of(h, 0, i)->name, name))
			return i;
	}
	bad("no such call", name);
	return 0;
}

static char *read_how(struct history_record *rec)
{
	char *word = next_word();
	size_t i;

	for (i = 0; word && i < NR_HOWS; i++) {
		if (!strcmp(word, hows[i].name)) {
			rec->how |= hows[i].how;
			word = next_word();
			i = -1;
		}
	}
	return word;
}

/* [h:a:2 w:b:1 m:c:1], whose parts are words. */
static void read_entry(struct history *h, struct history_record *rec, char *word)
{
	struct history_entry *entry;
	char *amount = strrchr(word, ':');

	word += *word == '[';
	if (!amount || !*word || !strchr(role_names + 1, *word) || word[1] != ':')
		bad("no list", word);
	*amount++ = 0;
	amount[strcspn(amount, "]")] = 0;
	if (!rec->nr_entries)
		rec->entries = h->nr_entries;
	rec->nr_entries++;
	entry = &h->entries[h->nr_entries++];
	entry->role = strchr(role_names, *word) - role_names;
	entry->pid = h->processes[process(h, word + 2)].pid;
	entry->amount = number(amount);
}

static bool read_time(struct history_record *rec, const char *name, __s64 value)
{
	__s64 times[NR_TIMES] = { rec->begun, rec->over, rec->until };

	if (!set(time_names, times, NR_TIMES, name, value))
		return false;
	rec->begun = times[0];
	rec->over = times[1];
	rec->until = times[2];
	return true;
}

static void read_values(struct history *h, struct history_record *rec)
{
	const struct history_call *call = call_of(h, 0, rec->code);
	bool outs = false;
	char *word, *value;

	while ((word = next_word())) {
		if (!strcmp(word, "=")) {
			rec->ret = result(next_word());
			outs = true;
			continue;
		}
		value = strchr(word, '=');
		if (!value) {
			read_entry(h, rec, word);
			continue;
		}
		*value++ = 0;
		if (!strcmp(word, "dies"))
			rec->dies = number(value);
		else if (!strcmp(word, "gone"))
			rec->gone = number(value);
		else if (!strcmp(word, "ticket"))
			rec->ticket = number(value);
		else if (read_time(rec, word, number(value)))
			continue;
		else if (outs ? !set(call->outs, rec->out, HISTORY_OUTS, word, number(value)) :
			 !set(call->args, rec->arg, HISTORY_ARGS, word, number(value)))
			bad("no such value", word);
	}
	if (rec->res && !outs)
		bad("no result", NULL);
}

static void read_record(struct history *h, char *word)
{
	struct history_record *rec = &h->records[h->nr_records++];
	char *res = next_word();

	if (!h->nr_objects)
		bad("no object", word);
	if (!res)
		bad("no end", res);
	*rec = (struct history_record){ .inv = number(word) };
	if (strcmp(res, "-"))
		rec->res = number(res);
	who(h, rec, next_word());
	rec->code = find_call(h, read_how(rec));
	read_values(h, rec);
	if (h->clock < rec->inv)
		h->clock = rec->inv;
	if (h->clock < rec->res)
		h->clock = rec->res;
}

static void read_object(struct history *h)
{
	static const char *const names[] = { "limit", "options", "initial", NULL };
	struct history_object *o = &h->objects[h->nr_objects++];
	char *word = next_word(), *value;
	__s64 values[3] = { 0 };

	for (o->type = 0; word && o->type < history_nr_types; o->type++) {
		if (!strcmp(word, history_types[o->type].name))
			break;
	}
	if (!word || o->type == history_nr_types)
		bad("no such type", word);
	while ((word = next_word())) {
		value = strchr(word, '=');
		if (!value)
			bad("no value", word);
		*value++ = 0;
		if (!set(names, values, 3, word, number(value)))
			bad("no such value", word);
	}
	o->limit = values[0];
	o->options = values[1];
	o->initial = values[2];
}

static void read_end(struct history *h)
{
	struct history_process *p = &h->processes[process(h, next_word())];

	p->doomed = number(next_word());
	p->gone = number(next_word());
	if (h->clock < p->gone)
		h->clock = p->gone;
}

static void read_signal(struct history *h)
{
	struct history_signal *sig = &h->signals[h->nr_signals++];

	sig->process = process(h, next_word());
	sig->inv = number(next_word());
	sig->res = number(next_word());
}

static void read_process(struct history *h)
{
	struct history_process *p = &h->processes[process(h, next_word())];
	char *word = next_word();

	if (word && !strncmp(word, "pid=", 4))
		p->pid = number(word + 4);
}

static void read_line(struct history *h, char *line)
{
	char *word = strtok(line, " \t\n");

	if (!word || *word == '#')
		return;
	if (!strcmp(word, "object"))
		read_object(h);
	else if (!strcmp(word, "process"))
		read_process(h);
	else if (!strcmp(word, "kill"))
		read_end(h);
	else if (!strcmp(word, "signal"))
		read_signal(h);
	else
		read_record(h, word);
}

static bool is_title(const char *line)
{
	return !strncmp(line, "good:", 5) || !strncmp(line, "bad:", 4);
}

const char *history_read(FILE *in, const char *name, struct history *h)
{
	static char line[4096], next[4096];
	static char title[4096];

	if (reader.file != name) {
		reader.file = name;
		reader.line = 0;
		*next = 0;
	}
	memset(h, 0, offsetof(struct history, objects));
	while (!is_title(next)) {
		reader.line++;
		if (!fgets(next, sizeof(next), in))
			return NULL;
	}
	strcpy(title, next);
	title[strcspn(title, "\n")] = 0;
	*next = 0;
	while (fgets(line, sizeof(line), in)) {
		reader.line++;
		if (is_title(line)) {
			strcpy(next, line);
			break;
		}
		read_line(h, line);
	}
	return title;
}
