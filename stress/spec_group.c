// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group of tasks, one call at a time (G1 to G4). See spec.h.
 *
 * How a task that is done ended is not part of the state: what RESULT says of it is
 * compared with its DONE (storm_group.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"
#include "spec_calls.h"

/* ADD: added, but the caller cannot be told. */
#define PHASE_FAULTS	(SPEC_PHASE + 0)
/* ADD: added, and nobody knows whether the caller, which was killed, was told. */
#define PHASE_UNTOLD	(SPEC_PHASE + 1)

/* Pending at a time: groups have a limit. */
#define TASKS_MAX	32

/**
 * struct task - one that is pending
 * @number:	its slot
 * @owner:	whose it is
 */
struct task {
	__u64 number;
	__u64 owner;
};

/**
 * struct counts - how far the tasks are
 * @pending:	not done
 * @succeeded:	since the last reset
 * @failed:	those that died included
 * @died:	their owner did
 * @status:	of the first that failed
 * @slot:	its number
 */
struct counts {
	__u32 pending, succeeded, failed, died;
	__s64 status;
	__u64 slot;
};

/**
 * struct group - the state
 * @common:	the search's part
 * @last:	number of the latest slot
 * @floor:	slots up to this one were forgotten by RESET
 * @tasks:	those that are pending, in the order in which their owners came by them
 * @counts:	how far they are
 * @cancelled:	nothing is added any more
 * @taken_back:	slots were added that nobody knows of
 * @adders:	who would add
 * @waits:	who waits for tasks
 */
struct group {
	struct spec_common common;
	__u64 last, floor;
	struct task tasks[TASKS_MAX];
	struct counts counts;
	__u8 cancelled, taken_back;
	struct spec_queue adders, waits;
};

/* ---- tasks ---- */

static void push_task(struct group *g, __u64 number, unsigned int owner)
{
	g->tasks[g->counts.pending++] = (struct task){ number, owner };
}

static void drop_task(struct group *g, unsigned int i)
{
	g->counts.pending--;
	memmove(&g->tasks[i], &g->tasks[i + 1],
		(g->counts.pending - i) * sizeof(*g->tasks));
	g->tasks[g->counts.pending] = (struct task){};
}

/* Its place, or TASKS_MAX. */
static unsigned int find_task(const struct group *g, __u64 number)
{
	unsigned int i;

	for (i = 0; i < g->counts.pending; i++) {
		if (g->tasks[i].number == number)
			return i;
	}
	return TASKS_MAX;
}

/* The first of an owner. */
static unsigned int first_task(const struct group *g, unsigned int owner)
{
	unsigned int i;

	for (i = 0; i < g->counts.pending; i++) {
		if (g->tasks[i].owner == owner)
			return i;
	}
	return TASKS_MAX;
}

static void end_task(const struct spec_run *run, struct group *g, unsigned int i,
		     __s64 status, bool died)
{
	__u64 number = g->tasks[i].number;

	drop_task(g, i);
	g->counts.died += died;
	if (!died && !status) {
		g->counts.succeeded++;
		return;
	}
	if (!g->counts.failed++) {
		g->counts.status = status;
		g->counts.slot = number;
	}
	if (!(run->object->options & MUSTER_GROUP_KEEP_GOING))
		g->cancelled = 1;
}

/* ---- those who wait ---- */

static bool is_met(const struct group *g, const struct history_record *rec)
{
	switch (rec->arg[GROUP_UNTIL]) {
	case MUSTER_UNTIL_SUCCESSES:
	case MUSTER_UNTIL_COUNT:
		return g->counts.succeeded >= (__u64)rec->arg[GROUP_SUCCESSES];
	case MUSTER_UNTIL_FAILURE:
		return g->counts.failed;
	default:
		return !g->counts.pending;
	}
}

static bool is_over(const struct group *g, const struct history_record *rec)
{
	if (is_met(g, rec))
		return true;
	return rec->arg[GROUP_UNTIL] == MUSTER_UNTIL_COUNT ? g->counts.failed :
	       !g->counts.pending;
}

static bool told_counts(const struct group *g, const struct spec_op *op)
{
	const __s64 *out = op->rec->out;
	const struct counts *c = &g->counts;

	if (op->known && (out[GROUP_OUT_MET] != is_met(g, op->rec) ||
			  out[GROUP_OUT_STATUS] != c->status ||
			  (__u64)out[GROUP_OUT_SLOT] != c->slot))
		return false;
	/* That is all that a ticket tells. */
	return !op->known || op->kind == SPEC_TICKET ||
	       (out[GROUP_OUT_PENDING] == c->pending &&
		out[GROUP_OUT_SUCCEEDED] == c->succeeded &&
		out[GROUP_OUT_FAILED] == c->failed && out[GROUP_OUT_DIED] == c->died);
}

static bool end_wait(struct group *g, const struct spec_op *op)
{
	if (op->rec->how & HOW_FAULT)
		return spec_end(&g->common, op, -EFAULT);
	return spec_end(&g->common, op, 0) && told_counts(g, op);
}

static bool has_room(const struct spec_run *run, const struct group *g, __u64 slots)
{
	return g->counts.pending + slots <= run->object->limit;
}

/* The slots are the owner's; false if that is not what it was told. */
static bool add(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	__u64 first = g->last + 1, slots = rec->arg[GROUP_SLOTS];

	if (g->counts.pending + slots > TASKS_MAX) {
		*run->full = true;
		return false;
	}
	while (slots--)
		push_task(g, ++g->last, op->owner);
	if (rec->how & HOW_FAULT) {
		g->common.status[op->slot] = PHASE_FAULTS;
		return spec_may(op, -EFAULT);
	}
	if (!op->known && op->kind == SPEC_PLAIN) {
		g->common.status[op->slot] = PHASE_UNTOLD;
		return true;
	}
	return spec_end(&g->common, op, 0) &&
	       (!op->known || (__u64)rec->out[GROUP_OUT_FIRST] == first);
}

/* Lets adders in, in their order; false if somebody gets the wrong answer. */
static bool serve_adders(const struct spec_run *run, struct group *g)
{
	while (g->adders.nr) {
		const struct spec_op *op = spec_pending(run, g->adders.slot[0]);
		bool ok;

		if (spec_is_orphan(&g->common, op))
			ok = spec_end(&g->common, op, spec_why_dead(&g->common, op));
		else if (g->cancelled)
			ok = spec_end(&g->common, op, -ECANCELED);
		else if (has_room(run, g, op->rec->arg[GROUP_SLOTS]))
			ok = add(run, g, op);
		else
			break;
		spec_remove(&g->adders, op->slot);
		if (!ok)
			return false;
	}
	return true;
}

/* Then those out whose tasks have come that far. */
static bool serve(const struct spec_run *run, struct group *g)
{
	unsigned int i = 0;

	if (!serve_adders(run, g))
		return false;
	while (i < g->waits.nr) {
		const struct spec_op *op = spec_pending(run, g->waits.slot[i]);

		if (!is_over(g, op->rec)) {
			i++;
			continue;
		}
		spec_remove(&g->waits, op->slot);
		if (!end_wait(g, op))
			return false;
	}
	return true;
}

/* ---- calls ---- */

/* The caller never learned of its slots: those that are still its own go. */
static bool take_back(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	__u64 slots = op->rec->arg[GROUP_SLOTS];
	unsigned int i;

	/* They are the last that it came by, unless others have claimed them. */
	g->taken_back = 1;
	while (slots--) {
		for (i = g->counts.pending; i--;) {
			if (g->tasks[i].owner == op->owner) {
				drop_task(g, i);
				break;
			}
		}
	}
	return spec_end(&g->common, op, -EFAULT) && serve(run, g);
}

/*
 * It has returned, or could not: a page that is not there cannot be written to by who has
 * been killed. Then the slots never were, and nothing has failed.
 */
static bool added_untold(const struct spec_run *run, struct group *g,
			 const struct spec_op *op, unsigned int choice)
{
	if (!choice)
		return spec_end(&g->common, op, 0);
	return op->dies < run->now && take_back(run, g, op);
}

static bool enter_add(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	__u64 slots = rec->arg[GROUP_SLOTS];

	if (g->common.status[op->slot] == PHASE_FAULTS)
		return take_back(run, g, op);
	if (g->common.dead & 1ULL << op->owner)
		return spec_end(&g->common, op, -EBADF);
	g->common.orphans &= ~(1ULL << op->slot);
	if (g->cancelled)
		return spec_end(&g->common, op, -ECANCELED);
	if (slots > run->object->limit)
		return spec_end(&g->common, op, -ERANGE);
	if (!g->adders.nr && has_room(run, g, slots))
		return add(run, g, op);
	if (rec->how & HOW_TRY)
		return spec_end(&g->common, op, -EAGAIN);
	spec_push(&g->adders, op->slot);
	g->common.status[op->slot] = SPEC_QUEUED;
	return true;
}

static bool enter_wait(struct group *g, const struct spec_op *op)
{
	if (g->common.dead & 1ULL << op->owner)
		return spec_end(&g->common, op, -EBADF);
	if (is_over(g, op->rec))
		return end_wait(g, op);
	if (op->rec->how & HOW_TRY)
		return spec_end(&g->common, op, -EAGAIN);
	spec_push(&g->waits, op->slot);
	g->common.status[op->slot] = SPEC_QUEUED;
	return true;
}

static bool claim(struct group *g, const struct spec_op *op)
{
	__u64 number = op->rec->arg[GROUP_SLOT];
	unsigned int i = find_task(g, number);

	if (g->common.dead & 1ULL << op->owner)
		return spec_end(&g->common, op, -EBADF);
	if (i == TASKS_MAX) {
		if (number <= g->floor || number > g->last ||
		    (g->taken_back && spec_may(op, -ENOENT)))
			return spec_end(&g->common, op, -ENOENT);
		return spec_end(&g->common, op, -EALREADY);
	}
	if (g->tasks[i].owner != op->owner) {
		drop_task(g, i);
		push_task(g, number, op->owner);
	}
	return spec_end(&g->common, op, 0);
}

static bool done(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	__u64 number = op->rec->arg[GROUP_SLOT];
	unsigned int i = number == MUSTER_SLOT_ANY ? first_task(g, op->owner) :
			 find_task(g, number);

	if (i == TASKS_MAX || g->tasks[i].owner != op->owner)
		return spec_end(&g->common, op, -EPERM);
	end_task(run, g, i, op->rec->arg[GROUP_STATUS], false);
	return spec_end(&g->common, op, 0) && serve(run, g);
}

static bool cancel(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	g->cancelled = 1;
	return spec_end(&g->common, op, 0) && serve(run, g);
}

static bool reset(struct group *g, const struct spec_op *op)
{
	if (g->counts.pending)
		return spec_end(&g->common, op, -EBUSY);
	g->counts = (struct counts){};
	g->cancelled = 0;
	g->floor = g->last;
	return spec_end(&g->common, op, 0);
}

/* ---- looking ---- */

static bool result(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	unsigned int i;

	if (!op->known || rec->ret)
		return spec_end(&g->common, op, -ENOENT) ||
		       spec_end(&g->common, op, -EFAULT);
	i = find_task(g, rec->out[GROUP_OUT_NUMBER]);
	return spec_end(&g->common, op, 0) &&
	       (i == TASKS_MAX) == (rec->out[GROUP_OUT_STATE] != MUSTER_TASK_PENDING) &&
	       (__u64)rec->out[GROUP_OUT_NUMBER] > g->floor &&
	       (__u64)rec->out[GROUP_OUT_NUMBER] <= g->last;
}

/* By process and file: how many tasks each has, in any order. */
static bool same_holders(const struct spec_run *run, const struct group *g,
			 const struct history_record *rec)
{
	const struct history_entry *list = &run->history->entries[rec->entries];
	__u64 seen = 0;
	unsigned int owner, i, nr = 0;
	__u64 amount[SPEC_OWNERS] = { 0 };

	for (i = 0; i < g->counts.pending; i++)
		amount[g->tasks[i].owner]++;
	for (owner = 0; owner < SPEC_OWNERS; owner++) {
		if (!amount[owner])
			continue;
		nr++;
		for (i = 0; i < rec->nr_entries; i++) {
			if (!(seen & 1ULL << i) && list[i].amount == amount[owner] &&
			    list[i].pid == spec_owner_pid(run, owner))
				break;
		}
		if (i == rec->nr_entries)
			return false;
		seen |= 1ULL << i;
	}
	return nr == rec->nr_entries;
}

static bool stat(const struct spec_run *run, struct group *g, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	const struct counts *c = &g->counts;
	const __s64 *out = rec->out;

	if (!spec_end(&g->common, op, 0))
		return false;
	return !op->known ||
	       (out[GROUP_STAT_PENDING] == c->pending &&
		out[GROUP_STAT_SUCCEEDED] == c->succeeded &&
		out[GROUP_STAT_FAILED] == c->failed && out[GROUP_STAT_DIED] == c->died &&
		out[GROUP_STAT_CANCELLED] == g->cancelled &&
		out[GROUP_STAT_STATUS] == c->status &&
		(__u64)out[GROUP_STAT_SLOT] == c->slot &&
		out[GROUP_STAT_ADDERS] == g->adders.nr &&
		out[GROUP_STAT_WAITERS] == g->waits.nr && same_holders(run, g, rec));
}

/* ---- the specification ---- */

static bool group_step(const struct spec_run *run, void *state, const struct spec_op *op,
		       unsigned int choice)
{
	struct group *g = state;

	if (g->common.status[op->slot] == PHASE_UNTOLD)
		return added_untold(run, g, op, choice);
	if (choice)
		return false;
	switch (op->code) {
	case GROUP_ADD:
		return enter_add(run, g, op);
	case GROUP_CLAIM:
		return claim(g, op);
	case GROUP_DONE:
		return done(run, g, op);
	case GROUP_WAIT:
		return enter_wait(g, op);
	case GROUP_RESULT:
		return result(run, g, op);
	case GROUP_CANCEL:
		return cancel(run, g, op);
	case GROUP_RESET:
		return reset(g, op);
	default:
		return stat(run, g, op);
	}
}

static bool group_leave(const struct spec_run *run, void *state, const struct spec_op *op,
			enum spec_reason reason)
{
	struct group *g = state;

	spec_remove(&g->adders, op->slot);
	spec_remove(&g->waits, op->slot);
	return serve(run, g);
}

static bool group_drop(const struct spec_run *run, void *state, unsigned int owner, bool *ok)
{
	struct group *g = state;
	unsigned int i;

	while ((i = first_task(g, owner)) != TASKS_MAX)
		end_task(run, g, i, -EOWNERDEAD, true);
	*ok = serve(run, g);
	return false;
}

static bool group_holds(const struct spec_run *run, const void *state, unsigned int owner)
{
	return first_task(state, owner) != TASKS_MAX;
}

static bool may_begin_anew(const struct spec_op *other, const struct spec_op *op,
			   __u8 status)
{
	return other->code == GROUP_RESET;
}

/* Slots are numbered in the order of grants; counts only grow, until a reset. */
static bool group_possible(const struct spec_run *run, const void *state,
			   const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	const struct group *g = state;

	if (rec->ret || !spec_waits(&g->common, op))
		return true;
	if (op->code == GROUP_ADD)
		return (__u64)rec->out[GROUP_OUT_FIRST] > g->last;
	if (op->code != GROUP_WAIT || op->kind == SPEC_TICKET ||
	    (rec->out[GROUP_OUT_SUCCEEDED] >= g->counts.succeeded &&
	     rec->out[GROUP_OUT_FAILED] >= g->counts.failed))
		return true;
	return spec_may_come(run, &g->common, op, may_begin_anew);
}

static void group_show(const struct spec_run *run, const void *state, FILE *out)
{
	const struct group *g = state;

	fprintf(out, "# last %llu, %u pending, %u succeeded, %u failed, adders:", g->last,
		g->counts.pending, g->counts.succeeded, g->counts.failed);
	spec_show_queue(run, &g->adders, out);
}

static const struct history_call group_calls[] = {
	{ "add", { "slots" }, { "first" } },
	{ "claim", { "slot" }, { } },
	{ "done", { "slot", "status", "len" }, { } },
	{ "wait", { "until", "successes" },
	  { "met", "status", "slot", "pending", "succeeded", "failed", "died" } },
	{ "result", { "slot" }, { "number", "state", "status", "len", "wrong" } },
	{ "cancel", { }, { } },
	{ "reset", { }, { } },
	{ "stat", { }, { "pending", "succeeded", "failed", "died", "cancelled", "status",
			 "slot", "adders", "waiters" } },
};

const struct spec spec_group = {
	.name = "group",
	.calls = group_calls,
	.nr_calls = sizeof(group_calls) / sizeof(*group_calls),
	.state_size = sizeof(struct group),
	.choices = 2,
	.step = group_step,
	.leave = group_leave,
	.drop = group_drop,
	.holds = group_holds,
	.possible = group_possible,
	.show = group_show,
};
