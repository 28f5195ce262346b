// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The waterfall: tasks one after the other, each with the result of the one before
 */
#include <errno.h>

#include "internal.h"

/**
 * struct step_call - a step, and what it begins with
 * @step:	the step
 * @data:	result of the one before
 * @len:	its length
 */
struct step_call {
	const struct muster_step *step;
	const void *data;
	size_t len;
};

/* In the step's process: it has a copy of what its parent had. */
static int run_step(int fd, uint64_t slot, void *arg)
{
	const struct step_call *call = arg;

	return call->step->fn(fd, slot, call->data, call->len, call->step->arg);
}

int muster_waterfall(const struct muster_step *steps, uint32_t nr, const void *data,
		     size_t len, uint64_t deadline, const struct muster_tasks_how *how,
		     struct muster_task *last)
{
	struct step_call call = { .data = data ? data : "", .len = len };
	struct muster_task next;
	int ret = 1;
	uint32_t i;

	*last = (struct muster_task){ .status = -ECANCELED, .exit = -1 };
	for (i = 0; i < nr && ret == 1; i++) {
		call.step = &steps[i];
		next = (struct muster_task){ .fn = run_step, .arg = &call };
		ret = muster_all(&next, 1, deadline, how);
		muster_tasks_free(last, 1);
		*last = next;
		/* They are this function's own, and of no use any more. */
		last->fn = NULL;
		last->arg = NULL;
		call.data = last->data;
		call.len = last->len;
	}
	if (ret < 0)
		return ret;
	return ret ? i : i - 1;
}
