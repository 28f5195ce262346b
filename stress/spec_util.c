// SPDX-License-Identifier: GPL-2.0-only
/*
 * What specifications share. See spec.h.
 */
#include <string.h>

#include "spec.h"

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

void spec_show_queue(const struct spec_run *run, const struct spec_queue *queue,
		     FILE *out)
{
	unsigned int i;

	for (i = 0; i < queue->nr; i++)
		fprintf(out, " p%u", run->pending[queue->slot[i]]->rec->process);
	fputc('\n', out);
}
