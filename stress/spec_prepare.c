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
 * @latest:	when it last began something
 * @closed:	when it had closed its last descriptor
 * @slot:	its place among those that are there at the same time
 * @marked:	its last call is known
 */
struct owner {
	__u32 process, file;
	__u64 latest, closed;
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
 * @tickets:	those of tickets, made up as well
 * @nr_tickets:	how many
 * @problem:	why it cannot be checked, or NULL
 */
struct prepared {
	struct spec_run run;
	size_t room;
	unsigned int object;
	struct owner owners[OWNERS_MAX];
	unsigned int nr_owners;
	struct history_record deaths[OWNERS_MAX];
	struct history_record *tickets;
	unsigned int nr_tickets;
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

static struct spec_op *add_op(struct prepared *p, const struct history_record *rec)
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
	if (rec->how & HOW_READ)
		op->kind = SPEC_READ;
	return op;
}

/* ---- which calls there are ---- */

static bool concerns(const struct prepared *p, const struct history_record *rec, __u64 part)
{
	const struct spec *spec = p->run.spec;

	return rec->inv && rec->object == p->object &&
	       p->run.history->processes[rec->process].pid &&
	       (!spec->part || rec->code < HISTORY_OWN || spec->part(rec) == part);
}

/* Whose call it is: a ticket is a file of its own. */
static __u32 file_of(const struct history_record *rec)
{
	return rec->how & HOW_TICKET ? rec->ticket : rec->file;
}

static void note_owner(struct prepared *p, const struct history_record *rec)
{
	struct owner *owner;

	if (rec->code == HISTORY_QUIET || find_owner(p, rec->process, file_of(rec)))
		return;
	if (p->nr_owners == OWNERS_MAX) {
		p->problem = "too many owners";
		return;
	}
	owner = &p->owners[p->nr_owners++];
	*owner = (struct owner){ rec->process, file_of(rec), 0, 0, SPEC_NONE, false };
}

/* What is known of when the owner's calls began, and whether it has closed the file. */
static void note_time(struct owner *owner, const struct history_record *rec)
{
	__u64 *at = rec->code == HISTORY_CLOSE && rec->res ? &owner->closed : &owner->latest;
	__u64 time = at == &owner->closed ? rec->res : rec->inv;

	if (time > *at)
		*at = time;
}

/* ---- tickets ---- */

/* What was first read from a ticket, NULL if nobody has. */
static const struct history_record *find_verdict(const struct prepared *p, __u32 ticket)
{
	const struct history *h = p->run.history;
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	const struct history_record *first = NULL;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (rec->inv && rec->how & HOW_READ && rec->file == ticket && rec->res &&
		    rec->object == p->object && !(rec->how & HOW_LOST) &&
		    rec->ret != -EAGAIN && rec->ret != -EINTR &&
		    (!first || rec->res < first->res))
			first = rec;
	}
	return first;
}

/* When its owner had closed it for the first time, or was gone. */
static __u64 end_of_ticket(const struct prepared *p, const struct history_record *rec)
{
	const struct history *h = p->run.history;
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	__u64 end = h->processes[rec->process].gone ?: h->clock + 1;

	for (i = 0; i < nr; i++) {
		const struct history_record *close = &h->records[i];

		if (close->inv && close->code == HISTORY_CLOSE && close->res &&
		    close->object == p->object && close->process == rec->process &&
		    close->file == rec->ticket && close->res < end)
			end = close->res;
	}
	return end;
}

static void add_ticket(struct prepared *p, const struct history_record *rec)
{
	const struct history_record *verdict = find_verdict(p, rec->ticket);
	struct history_record *made = &p->tickets[p->nr_tickets++];
	struct spec_op *op;

	*made = *rec;
	made->file = rec->ticket;
	op = add_op(p, made);
	op->kind = SPEC_TICKET;
	if (rec->res && rec->ret < 0) {
		op->kind = SPEC_REFUSED;
		return;
	}
	op->res = end_of_ticket(p, rec);
	op->dies = ~0ULL;
	op->known = verdict;
	if (!verdict)
		return;
	made->ret = verdict->ret;
	memcpy(made->out, verdict->out, sizeof(made->out));
	if (verdict->res < op->res)
		op->res = verdict->res;
}

/* Each that is read finds its ticket, now that the calls are in their places. */
static void find_tickets(struct prepared *p)
{
	struct spec_run *run = &p->run;
	unsigned int i, j;

	for (i = 0; i < run->nr_ops; i++) {
		struct spec_op *op = &run->ops[i];

		if (op->kind != SPEC_READ)
			continue;
		for (j = 0; j < run->nr_ops; j++) {
			if (run->ops[j].kind == SPEC_TICKET &&
			    run->ops[j].rec->ticket == op->rec->file)
				op->ticket = &run->ops[j];
		}
		if (!op->ticket)
			p->problem = "a ticket that nobody issued";
	}
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
	p->tickets = calloc(nr + 1, sizeof(*p->tickets));
	if (!p->tickets)
		abort();
	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];
		struct owner *owner = find_owner(p, rec->process, file_of(rec));

		if (!concerns(p, rec, part) || (rec->code != HISTORY_QUIET && !owner))
			continue;
		if (rec->code != HISTORY_QUIET)
			note_time(owner, rec);
		/* Nothing comes of one that was refused. */
		if (rec->how & HOW_TICKET && rec->res && rec->ret < 0)
			owner->closed = rec->res;
		if (rec->how & HOW_TICKET)
			add_ticket(p, rec);
		else
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

		/* It has ended before. */
		if (!process->gone || p->owners[i].closed > p->owners[i].latest)
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
		if (run->ops[i].code >= HISTORY_OWN && run->ops[i].kind != SPEC_TICKET)
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
	if (x->moment != y->moment)
		return x->moment < y->moment ? -1 : 1;
	return (x->op > y->op) - (x->op < y->op);
}

static int compare_ops(const void *a, const void *b)
{
	const struct spec_op *x = a, *y = b;

	return (x->inv > y->inv) - (x->inv < y->inv);
}

static void add_event(struct spec_run *run, unsigned int op, __u64 at, __u32 moment)
{
	run->events[run->nr_events++] = (struct spec_event){ at, op, moment };
}

static void make_events(struct spec_run *run)
{
	unsigned int i;

	run->events = calloc(3 * run->nr_ops + 1, sizeof(*run->events));
	if (!run->events)
		abort();
	for (i = 0; i < run->nr_ops; i++) {
		const struct spec_op *op = &run->ops[i];

		add_event(run, i, op->inv, SPEC_BEGINS);
		/* It may have been closed before it was known to be there. */
		if (op->kind == SPEC_TICKET && op->rec->res && op->rec->res < op->res)
			add_event(run, i, op->rec->res, SPEC_ISSUED);
		add_event(run, i, op->res, SPEC_ENDS);
	}
	qsort(run->events, run->nr_events, sizeof(*run->events), compare_events);
}

/* A time that was seen after a later event had come later, too. */
static void make_clock(struct spec_run *run)
{
	__u64 latest = ~0ULL;
	unsigned int i;

	run->clock = calloc(run->nr_events + 1, sizeof(*run->clock));
	if (!run->clock)
		abort();
	for (i = run->nr_events; i--;) {
		const struct history_record *rec = run->ops[run->events[i].op].rec;

		if (run->events[i].at == rec->res && rec->over && rec->over < latest)
			latest = rec->over;
		run->clock[i] = latest;
	}
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
		    (!run->history->processes[owner->process].gone &&
		     owner->closed <= owner->latest))
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

		if (run->events[i].moment == SPEC_ISSUED)
			continue;
		if (run->events[i].moment == SPEC_BEGINS) {
			begin_op(p, op, &slots, &owners);
			continue;
		}
		slots &= ~(1ULL << op->slot);
		if (op->last)
			owners &= ~(1ULL << op->owner);
	}
}

static void find_tokens(struct spec_run *run)
{
	__u64 least = ~0ULL, token;
	unsigned int i;

	run->tokens = calloc(run->nr_events + 1, sizeof(*run->tokens));
	if (!run->tokens)
		abort();
	for (i = run->nr_events; i--;) {
		const struct spec_event *e = &run->events[i];

		run->tokens[i] = least;
		token = e->moment == SPEC_BEGINS && run->spec->gets ?
			run->spec->gets(&run->ops[e->op]) : 0;
		if (token && token < least)
			least = token;
	}
}

/* ---- checking ---- */

static void prepare(struct prepared *p, __u64 part)
{
	collect(p, part);
	add_deaths(p);
	qsort(p->run.ops, p->run.nr_ops, sizeof(*p->run.ops), compare_ops);
	find_tickets(p);
	add_signals(p);
	make_events(&p->run);
	make_clock(&p->run);
	find_tokens(&p->run);
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
	free(p->run.clock);
	free(p->run.tokens);
	free(p->run.tenants);
	free(p->tickets);
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
