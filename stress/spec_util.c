// SPDX-License-Identifier: GPL-2.0-only
/*
 * What specifications share. See spec.h.
 */
#include <errno.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"

bool spec_may_come(const struct spec_run *run, const struct spec_common *common,
		   const struct spec_op *op, spec_test_fn is_one)
{
	const struct spec_event *e;
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		if (run->pending[i] && run->pending[i] != op &&
		    common->status[i] != SPEC_OK && common->status[i] != SPEC_FAILED &&
		    is_one(run->pending[i], op, common->status[i]))
			return true;
	}
	for (i = run->event; i < run->nr_events; i++) {
		e = &run->events[i];
		if (e->at >= op->res)
			break;
		if (e->moment == SPEC_BEGINS && e->at > run->now &&
		    is_one(&run->ops[e->op], op, SPEC_NEW))
			return true;
	}
	return false;
}

__u32 spec_owner_process(const struct spec_run *run, unsigned int owner)
{
	unsigned int i;

	for (i = run->nr_tenants; i--;) {
		if (run->tenants[i].owner == owner && run->tenants[i].at <= run->now)
			return run->tenants[i].process;
	}
	return 0;
}

__s32 spec_owner_pid(const struct spec_run *run, unsigned int owner)
{
	return run->history->processes[spec_owner_process(run, owner)].pid;
}

/* Equal queues are to look equal: what is no longer used is 0. */
void spec_remove(struct spec_queue *queue, unsigned int slot)
{
	unsigned int i;

	for (i = 0; i < queue->nr && queue->slot[i] != slot; i++)
		;
	if (i == queue->nr)
		return;
	queue->nr--;
	memmove(&queue->slot[i], &queue->slot[i + 1], queue->nr - i);
	queue->slot[queue->nr] = 0;
}

bool spec_queued(const struct spec_queue *queue, unsigned int slot)
{
	return memchr(queue->slot, slot, queue->nr);
}

/* ---- what the next STAT lists ---- */

/* How far ahead one looks. */
#define OUTLOOK		64

/**
 * struct outlook - what comes until a STAT is over
 * @run:	the search
 * @common:	the state
 * @end:	its last event
 * @ending:	owners that end meanwhile, or may just do so
 * @list:	waiters that it lists
 * @nr:		how many
 */
struct outlook {
	const struct spec_run *run;
	const struct spec_common *common;
	unsigned int end;
	__u64 ending;
	const struct history_entry *list[SPEC_SLOTS];
	unsigned int nr;
};

static bool is_over(const struct spec_common *common, const struct spec_op *op)
{
	return common->status[op->slot] == SPEC_OK || common->status[op->slot] == SPEC_FAILED;
}

static const struct spec_op *event_op(const struct spec_run *run, unsigned int i)
{
	return &run->ops[run->events[i].op];
}

static bool is_pending(const struct spec_run *run, const struct spec_op *op)
{
	return run->pending[op->slot] == op;
}

/* Is there one, and all until then in order? */
static bool look_out(struct outlook *o, __u16 stat, __u16 no_order)
{
	const struct spec_run *run = o->run;
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *op = run->pending[i];

		if (!op)
			continue;
		if (op->code == no_order)
			return false;
		if (op->code == HISTORY_CLOSE || op->code == HISTORY_DEATH)
			o->ending |= 1ULL << op->owner;
	}
	for (i = run->event; i < run->nr_events && i < run->event + OUTLOOK; i++) {
		const struct spec_op *op = event_op(run, i);

		if (op->code == no_order)
			return false;
		if (op->code == HISTORY_CLOSE || op->code == HISTORY_DEATH)
			o->ending |= 1ULL << op->owner;
		if (op->code == stat && op->known && !op->rec->ret &&
		    run->events[i].moment == SPEC_ENDS &&
		    !(is_pending(run, op) && is_over(o->common, op))) {
			o->end = i;
			return true;
		}
	}
	return false;
}

/* False if there are too many. */
static bool take_list(struct outlook *o)
{
	const struct history_record *stat = event_op(o->run, o->end)->rec;
	const struct history_entry *all = &o->run->history->entries[stat->entries];
	unsigned int i;

	for (i = 0; i < stat->nr_entries; i++) {
		if (all[i].role != MUSTER_PROCESS_WAITER)
			continue;
		if (o->nr == SPEC_SLOTS)
			return false;
		o->list[o->nr++] = &all[i];
	}
	return true;
}

static __s32 op_pid(const struct spec_run *run, const struct spec_op *op)
{
	return run->history->processes[op->rec->process].pid;
}

/* May it leave the queue without what it waits for, to come again or not? */
static bool may_leave(const struct outlook *o, const struct spec_op *op)
{
	const struct spec_run *run = o->run;

	if (o->common->restarts[op->slot] || spec_is_orphan(o->common, op) ||
	    o->ending & 1ULL << op->owner)
		return true;
	if (!op->known && op->dies < run->events[o->end].at)
		return true;
	if (op->rec->how & HOW_TIMED && spec_may(op, -ETIMEDOUT))
		return op->rec->until <= run->clock[o->end];
	return op->known && op->rec->ret && op->rec->ret != -ETIMEDOUT;
}

static bool may_be_served(const struct spec_op *op)
{
	return spec_may(op, 0) || op->rec->how & HOW_FAULT;
}

/* Calls of a process that may queue up, or do so again. */
static unsigned int nr_arriving(const struct outlook *o, __s32 pid, __u16 code)
{
	const struct spec_run *run = o->run;
	unsigned int n = 0, i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *op = run->pending[i];
		__u8 status = o->common->status[i];

		n += op && op->code == code && op_pid(run, op) == pid &&
		     (status == SPEC_NEW || (status == SPEC_QUEUED && o->common->restarts[i]));
	}
	for (i = run->event; i < o->end; i++) {
		const struct spec_op *op = event_op(run, i);

		n += run->events[i].moment == SPEC_BEGINS && op->code == code &&
		     op_pid(run, op) == pid;
	}
	return n;
}

/* Are there enough calls for those from @first on? */
static bool may_be_joined(const struct outlook *o, unsigned int first, __u16 code)
{
	unsigned int i, j, wanted;

	for (i = first; i < o->nr; i++) {
		wanted = 0;
		for (j = first; j < o->nr; j++)
			wanted += o->list[j]->pid == o->list[i]->pid;
		if (wanted > nr_arriving(o, o->list[i]->pid, code))
			return false;
	}
	return true;
}

bool spec_queue_is_promising(const struct spec_run *run, const struct spec_common *common,
			     const struct spec_queue *queue, __u16 stat, __u16 code,
			     __u16 no_order)
{
	struct outlook o = { .run = run, .common = common };
	/* So many of the list are those in front: who all have left, or some are there. */
	bool gone[SPEC_SLOTS + 1] = { true }, there[SPEC_SLOTS + 1] = { };
	unsigned int i, j;

	if (!look_out(&o, stat, no_order) || !take_list(&o))
		return true;
	for (i = 0; i < queue->nr; i++) {
		const struct spec_op *op = run->pending[queue->slot[i]];
		bool leaves = may_leave(&o, op), served = may_be_served(op);

		for (j = o.nr + 1; j--;) {
			bool here = j && o.list[j - 1]->pid == op_pid(run, op) &&
				    (gone[j - 1] || there[j - 1]);

			gone[j] = gone[j] && (leaves || served);
			there[j] = (there[j] && leaves) || here;
		}
	}
	for (j = 0; j <= o.nr; j++) {
		if ((gone[j] || there[j]) && may_be_joined(&o, j, code))
			return true;
	}
	return false;
}

/* How many waiters are to leave a queue, or to join it, to make it what STAT lists. */
unsigned int spec_queue_distance(const struct spec_run *run, const struct spec_queue *queue,
				 const struct history_record *stat)
{
	const struct history_entry *list = &run->history->entries[stat->entries];
	unsigned int waiters = 0, same = 0, i;

	for (i = 0; i < stat->nr_entries; i++) {
		if (list[i].role != MUSTER_PROCESS_WAITER)
			continue;
		waiters++;
		if (same == waiters - 1 && same < queue->nr &&
		    run->history->processes[run->pending[queue->slot[same]]->rec->process].pid
		    == list[i].pid)
			same++;
	}
	return waiters + queue->nr - 2 * same;
}

/* How many calls that came before this one have not queued up, where the others have. */
static unsigned int overtaken(const struct spec_run *run, const struct spec_common *common,
			      const struct spec_op *op)
{
	unsigned int n = 0, i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *other = run->pending[i];

		n += other && other->code == op->code && other->inv < op->inv &&
		     other->kind != SPEC_READ &&
		     common->status[i] == SPEC_NEW && !(other->rec->how & HOW_TRY);
	}
	return n;
}

unsigned int spec_queue_disorder(const struct spec_run *run,
				 const struct spec_common *common,
				 const struct spec_queue *queue, __u16 code)
{
	const struct spec_op *last = NULL;
	unsigned int n = 0, i, j;

	for (i = 0; i < queue->nr; i++) {
		const struct spec_op *op = run->pending[queue->slot[i]];

		for (j = 0; j < i && run->pending[queue->slot[j]]->inv <= op->inv; j++)
			;
		n += j < i;
		if (!last || op->inv > last->inv)
			last = op;
	}
	return n + (last && last->code == code ? overtaken(run, common, last) : 0);
}

void spec_show_queue(const struct spec_run *run, const struct spec_queue *queue,
		     FILE *out)
{
	unsigned int i;

	for (i = 0; i < queue->nr; i++)
		fprintf(out, " p%u", run->pending[queue->slot[i]]->rec->process);
	fputc('\n', out);
}
