// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a history to the calls and events that the search goes through. See spec.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

/* Of one object. */
#define OWNERS_MAX	HISTORY_PROCESSES

/**
 * struct owner - a process, through an open file
 * @process:	the process
 * @file:	the file
 * @slot:	its place among those that are there at the same time
 * @marked:	its last call is known
 */
struct owner {
	__u32 process, file;
	__u8 slot;
	bool marked;
};

/**
 * struct prepared - the history of a part, on its way to a struct spec_run
 * @run:	what is made
 * @room:	for how many calls
 * @object:	the object's number
 * @owners:	all there are
 * @nr_owners:	how many
 * @deaths:	records that are made up
 * @problem:	why it cannot be checked, or NULL
 */
struct prepared {
	struct spec_run run;
	size_t room;
	unsigned int object;
	struct owner owners[OWNERS_MAX];
	unsigned int nr_owners;
	struct history_record deaths[OWNERS_MAX];
	const char *problem;
};

static struct owner *find_owner(struct prepared *p, __u32 process, __u32 file)
{
	unsigned int i;

	for (i = p->nr_owners; i--;) {
		if (p->owners[i].process == process && p->owners[i].file == file)
			return &p->owners[i];
	}
	return NULL;
}

static void add_op(struct prepared *p, const struct history_record *rec)
{
	const struct history *h = p->run.history;
	const struct history_process *process = &h->processes[rec->process];
	struct spec_run *run = &p->run;
	struct spec_op *op;

	if (run->nr_ops == p->room) {
		p->room = p->room ? p->room * 2 : 1024;
		run->ops = realloc(run->ops, p->room * sizeof(*run->ops));
		if (!run->ops)
			abort();
	}
	op = &run->ops[run->nr_ops++];
	*op = (struct spec_op){
		.rec = rec,
		.code = rec->code,
		.known = rec->res,
		.inv = rec->inv,
		.res = rec->res ?: rec->gone ?: process->gone ?: h->clock + 1,
		.dies = rec->res ? ~0ULL : rec->dies ?: process->doomed ?: ~0ULL,
	};
}

/* ---- which calls there are ---- */

static bool concerns(const struct prepared *p, const struct history_record *rec, __u64 part)
{
	const struct spec *spec = p->run.spec;

	return rec->inv && rec->object == p->object &&
	       p->run.history->processes[rec->process].pid &&
	       (!spec->part || rec->code < HISTORY_OWN || spec->part(rec) == part);
}

static void note_owner(struct prepared *p, const struct history_record *rec)
{
	struct owner *owner;

	if (rec->code == HISTORY_QUIET || find_owner(p, rec->process, rec->file))
		return;
	if (p->nr_owners == OWNERS_MAX) {
		p->problem = "too many owners";
		return;
	}
	owner = &p->owners[p->nr_owners++];
	*owner = (struct owner){ rec->process, rec->file, SPEC_NONE, false };
}

/* Owners are those who have called something in this part; the rest follows them. */
static void collect(struct prepared *p, __u64 part)
{
	const struct history *h = p->run.history;
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	bool all = !p->run.spec->part;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (concerns(p, rec, part) && (all || rec->code >= HISTORY_OWN))
			note_owner(p, rec);
	}
	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (concerns(p, rec, part) &&
		    (rec->code == HISTORY_QUIET ||
		     find_owner(p, rec->process, rec->file)))
			add_op(p, rec);
	}
}

/* A process that has ended has closed all that it had. */
static void add_deaths(struct prepared *p)
{
	const struct history *h = p->run.history;
	unsigned int i;

	for (i = 0; i < p->nr_owners; i++) {
		const struct history_process *process =
			&h->processes[p->owners[i].process];

		if (!process->gone)
			continue;
		p->deaths[i] = (struct history_record){
			.inv = process->doomed ?: 1,
			.res = process->gone,
			.object = p->object,
			.code = HISTORY_DEATH,
			.process = p->owners[i].process,
			.file = p->owners[i].file,
		};
		add_op(p, &p->deaths[i]);
	}
}

/* ---- signals ---- */

/*
 * How many signals may have interrupted the call: those sent before it was over
 * that were not dealt with at the end of an earlier one of the thread.
 */
static unsigned int count_signals(const struct prepared *p, const struct spec_op *op,
				  __u64 before)
{
	const struct history *h = p->run.history;
	__u32 nr = history_count(&h->nr_signals, HISTORY_SIGNALS), i;
	unsigned int n = 0;

	for (i = 0; i < nr; i++) {
		const struct history_signal *sig = &h->signals[i];

		if (sig->process == op->rec->process && sig->inv && sig->inv < op->res &&
		    (!sig->res || sig->res > before))
			n++;
	}
	return n < 200 ? n : 200;
}

static bool same_thread(const struct spec_op *a, const struct spec_op *b)
{
	return a->rec->process == b->rec->process && a->rec->thread == b->rec->thread;
}

/* When the thread's call before this one began, as far as this part tells. */
static __u64 begin_of_last(const struct spec_run *run, unsigned int i)
{
	const struct spec_op *op = &run->ops[i];
	__u64 before = 0;

	while (i--) {
		if (same_thread(op, &run->ops[i]) && run->ops[i].known) {
			before = run->ops[i].inv;
			break;
		}
	}
	return before;
}

static void add_signals(struct prepared *p)
{
	struct spec_run *run = &p->run;
	unsigned int i;

	for (i = 0; i < run->nr_ops; i++) {
		if (run->ops[i].code >= HISTORY_OWN)
			run->ops[i].restarts = count_signals(p, &run->ops[i],
							     begin_of_last(run, i));
	}
}

/* ---- places ---- */

static int compare_events(const void *a, const void *b)
{
	const struct spec_event *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->begins - y->begins ?: (x->op > y->op) - (x->op < y->op);
}

static int compare_ops(const void *a, const void *b)
{
	const struct spec_op *x = a, *y = b;

	return (x->inv > y->inv) - (x->inv < y->inv);
}

static void make_events(struct spec_run *run)
{
	unsigned int i;

	run->nr_events = 2 * run->nr_ops;
	run->events = calloc(run->nr_events + 1, sizeof(*run->events));
	if (!run->events)
		abort();
	for (i = 0; i < run->nr_ops; i++) {
		run->events[2 * i] = (struct spec_event){ run->ops[i].inv, i, true };
		run->events[2 * i + 1] = (struct spec_event){ run->ops[i].res, i, false };
	}
	qsort(run->events, run->nr_events, sizeof(*run->events), compare_events);
}

/* The last event of an owner that has ended is the one to clear up after. */
static void mark_last(struct prepared *p)
{
	struct spec_run *run = &p->run;
	struct owner *owner;
	unsigned int i;

	for (i = run->nr_events; i--;) {
		struct spec_op *op = &run->ops[run->events[i].op];

		owner = find_owner(p, op->rec->process, op->rec->file);
		if (op->code == HISTORY_QUIET || owner->marked ||
		    !run->history->processes[owner->process].gone)
			continue;
		owner->marked = true;
		op->last = true;
	}
}

static int take_slot(__u64 *used)
{
	int slot = ~*used ? __builtin_ctzll(~*used) : -1;

	if (slot >= 0)
		*used |= 1ULL << slot;
	return slot;
}

static void begin_op(struct prepared *p, struct spec_op *op, __u64 *slots, __u64 *owners)
{
	struct owner *owner;
	int slot = take_slot(slots);

	if (slot < 0)
		p->problem = "too many calls at a time";
	op->slot = slot & (SPEC_SLOTS - 1);
	op->owner = SPEC_NONE;
	if (op->code == HISTORY_QUIET)
		return;
	owner = find_owner(p, op->rec->process, op->rec->file);
	if (owner->slot == SPEC_NONE) {
		slot = take_slot(owners);
		if (slot < 0)
			p->problem = "too many owners at a time";
		owner->slot = slot & (SPEC_OWNERS - 1);
		p->run.tenants[p->run.nr_tenants++] = (struct spec_tenant){
			op->inv, op->rec->process, owner->slot };
	}
	op->owner = owner->slot;
}

/* Gives each call and each owner a number that nobody else has meanwhile. */
static void place(struct prepared *p)
{
	struct spec_run *run = &p->run;
	__u64 slots = 0, owners = 0;
	unsigned int i;

	run->tenants = calloc(p->nr_owners + 1, sizeof(*run->tenants));
	if (!run->tenants)
		abort();

	for (i = 0; i < run->nr_events; i++) {
		struct spec_op *op = &run->ops[run->events[i].op];

		if (run->events[i].begins) {
			begin_op(p, op, &slots, &owners);
			continue;
		}
		slots &= ~(1ULL << op->slot);
		if (op->last)
			owners &= ~(1ULL << op->owner);
	}
}

/* ---- checking ---- */

static void prepare(struct prepared *p, __u64 part)
{
	collect(p, part);
	add_deaths(p);
	qsort(p->run.ops, p->run.nr_ops, sizeof(*p->run.ops), compare_ops);
	add_signals(p);
	make_events(&p->run);
	mark_last(p);
	place(p);
}

static void show_pending(struct spec_run *run, unsigned int event, FILE *out)
{
	__u64 at = run->events[event].at;
	unsigned int i;

	for (i = 0; i < run->nr_ops; i++) {
		if (run->ops[i].inv <= at && run->ops[i].res >= at &&
		    run->ops[i].code != HISTORY_DEATH)
			history_print_record(out, run->history, run->ops[i].rec);
	}
}

static void report(struct prepared *p, __u64 part, FILE *out)
{
	struct spec_run *run = &p->run;
	const struct spec_event *e = &run->events[run->reached];

	fprintf(out, "# object %u, %s", p->object, run->spec->name);
	if (run->spec->part)
		fprintf(out, " of %llu", part);
	fprintf(out, ": no order explains this call up to %llu:\n", e->at);
	history_print_record(out, run->history, run->ops[e->op].rec);
	fprintf(out, "# Under way at that time:\n");
	show_pending(run, run->reached, out);
}

static void check_part(const struct history *h, unsigned int object,
		       const struct spec *spec, __u64 part, __u64 max_states,
		       struct spec_score *score, FILE *out)
{
	struct prepared *p = calloc(1, sizeof(*p));
	enum spec_verdict verdict = SPEC_TOO_HARD;

	if (!p)
		abort();
	p->object = object;
	p->run.history = h;
	p->run.object = &h->objects[object];
	p->run.spec = spec;
	prepare(p, part);
	if (!p->problem)
		verdict = spec_search(&p->run, max_states);
	score->histories++;
	score->calls += p->run.nr_ops;
	score->states += p->run.states;
	if (verdict == SPEC_BAD) {
		score->bad++;
		report(p, part, out);
	} else if (verdict == SPEC_TOO_HARD) {
		score->hard++;
		fprintf(out, "# object %u, %s of %llu: given up: %s, %llu states\n", object,
			spec->name, part, p->problem ?: "too many states", p->run.states);
		report(p, part, out);
	}
	free(p->run.ops);
	free(p->run.events);
	free(p->run.tenants);
	free(p);
}

static int compare_parts(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void spec_check(const struct history *h, unsigned int object, const struct spec *spec,
		__u64 max_states, struct spec_score *score, FILE *out)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), n = 0, i;
	__u64 *parts;

	if (!spec->part) {
		check_part(h, object, spec, 0, max_states, score, out);
		return;
	}
	parts = calloc(nr + 1, sizeof(*parts));
	if (!parts)
		abort();
	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (rec->inv && rec->object == object && rec->code >= HISTORY_OWN &&
		    spec->part(rec) != SPEC_NO_PART)
			parts[n++] = spec->part(rec);
	}
	qsort(parts, n, sizeof(*parts), compare_parts);
	for (i = 0; i < n; i++) {
		if (!i || parts[i] != parts[i - 1])
			check_part(h, object, spec, parts[i], max_states, score, out);
	}
	free(parts);
}
