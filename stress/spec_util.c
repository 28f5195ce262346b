// SPDX-License-Identifier: GPL-2.0-only
/*
 * What specifications share. See spec.h.
 */
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
