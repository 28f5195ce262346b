// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is asked of many tasks, and how they ended. tasks.c runs them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tasks.h"

/**
 * struct question - what is asked of tasks
 * @n:		how many successes count
 * @last:	the last ones, not the first
 * @flags:	that struct muster_tasks_how may have
 * @keep_going:	failures do not end it, if @flags are not set
 */
struct question {
	uint32_t n;
	bool last;
	uint32_t flags;
	bool keep_going;
};

/* ---- results ---- */

static int collect(int fd, struct muster_task *task)
{
	struct muster_group_result result;
	int ret = muster_group_result(fd, task->slot, NULL, 0, &result);

	if (ret < 0)
		return ret;
	task->state = result.state;
	task->status = result.status;
	task->order = result.order;
	if (result.state != MUSTER_TASK_DONE)
		return 0;
	task->data = malloc(result.result_len + 1);
	if (!task->data)
		return -ENOMEM;
	task->len = result.result_len;
	task->data[task->len] = 0;
	ret = muster_group_result(fd, task->slot, task->data, task->len, &result);
	return ret < 0 ? ret : 0;
}

static int collect_all(const struct tasks *tasks)
{
	uint32_t i;
	int err = 0, ret;

	for (i = 0; i < tasks->begun; i++) {
		ret = collect(tasks->fd, &tasks->task[i]);
		err = err ? err : ret;
	}
	return err;
}

static bool has_succeeded(const struct muster_task *task)
{
	return task->state == MUSTER_TASK_DONE && !task->status;
}

static int by_order(const void *one, const void *other)
{
	const struct muster_task *const *a = one, *const *b = other;

	return (*a)->order < (*b)->order ? -1 : (*a)->order > (*b)->order;
}

/* The first so many successes, or the last. How many there are, or -ENOMEM. */
static int rank(const struct tasks *tasks, const struct question *question)
{
	struct muster_task **list = malloc(tasks->nr * sizeof(*list));
	uint32_t i, n, from, nr = 0;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < tasks->nr; i++) {
		if (has_succeeded(&tasks->task[i]))
			list[nr++] = &tasks->task[i];
	}
	qsort(list, nr, sizeof(*list), by_order);
	n = question->n < nr ? question->n : nr;
	from = question->last ? nr - n : 0;
	for (i = 0; i < n; i++)
		list[from + i]->rank = i + 1;
	free(list);
	return n;
}

/* ---- asking ---- */

static void clear(struct muster_task *tasks, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		tasks[i] = (struct muster_task){
			.fn = tasks[i].fn,
			.arg = tasks[i].arg,
			.status = -ECANCELED,
			.exit = -1,
		};
}

static int check(const struct muster_tasks_how *how, uint32_t flags)
{
	uint32_t i, reserved = 0;

	for (i = 0; i < sizeof(how->reserved) / sizeof(how->reserved[0]); i++)
		reserved |= how->reserved[i];
	return reserved || (how->flags & ~(flags | MUSTER_TASKS_PARENT)) ? -EINVAL : 0;
}

static int run_in_group(struct tasks *tasks, uint64_t deadline, uint64_t grace)
{
	int err, ret;

	tasks->pidfd = malloc(tasks->nr * sizeof(*tasks->pidfd));
	if (!tasks->pidfd)
		return -ENOMEM;
	err = muster_tasks_run(tasks, deadline);
	muster_tasks_end(tasks, grace);
	ret = collect_all(tasks);
	free(tasks->pidfd);
	return err ? err : ret;
}

static int run(struct tasks *tasks, uint32_t options, uint64_t deadline,
	       const struct muster_tasks_how *how)
{
	int err;

	if (how->flags & MUSTER_TASKS_PARENT) {
		err = muster_task_cancelled(how->parent);
		if (err)
			return err < 0 ? err : -ECANCELED;
		tasks->parent = how->parent;
	}
	tasks->fd = muster_group_open(NULL, 0, 0, how->limit, options);
	if (tasks->fd < 0)
		return tasks->fd;
	err = run_in_group(tasks, deadline, how->grace);
	muster_close(tasks->fd);
	return err;
}

static int ask(struct tasks *tasks, const struct question *question, uint64_t deadline,
	       const struct muster_tasks_how *how)
{
	bool keep_going = question->keep_going == !(how->flags & question->flags);
	int err, ranked;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &tasks->cancel_state);
	err = run(tasks, keep_going ? MUSTER_GROUP_KEEP_GOING : 0, deadline, how);
	ranked = rank(tasks, question);
	pthread_setcancelstate(tasks->cancel_state, NULL);
	return err ? err : ranked;
}

static int ask_tasks(struct muster_task *task, uint32_t nr,
		     const struct question *question, uint64_t deadline,
		     const struct muster_tasks_how *how)
{
	static const struct muster_tasks_how none;
	struct tasks tasks = {
		.task = task,
		.nr = nr,
		/* To know the last ones all have to end. */
		.need = question->last ? nr : question->n,
		.add = -1,
		.met = -1,
		.parent = -1,
	};
	int saved = errno, ret;

	how = how ? how : &none;
	clear(task, nr);
	ret = check(how, question->flags);
	if (!ret && nr)
		ret = ask(&tasks, question, deadline, how);
	errno = saved;
	return ret;
}

int muster_all(struct muster_task *tasks, uint32_t nr, uint64_t deadline,
	       const struct muster_tasks_how *how)
{
	struct question question = { .n = nr, .flags = MUSTER_TASKS_KEEP_GOING };

	return ask_tasks(tasks, nr, &question, deadline, how);
}

static int some_of(struct muster_task *tasks, uint32_t nr, uint32_t n, bool last,
		   uint64_t deadline, const struct muster_tasks_how *how)
{
	struct question question = {
		.n = n,
		.last = last,
		.flags = MUSTER_TASKS_STOP_AT_FAILURE,
		.keep_going = true,
	};

	if (!n || n > nr) {
		clear(tasks, nr);
		return -EINVAL;
	}
	return ask_tasks(tasks, nr, &question, deadline, how);
}

int muster_race(struct muster_task *tasks, uint32_t nr, uint64_t deadline,
		const struct muster_tasks_how *how)
{
	return nr ? some_of(tasks, nr, 1, false, deadline, how) : 0;
}

int muster_take(struct muster_task *tasks, uint32_t nr, uint32_t n, uint64_t deadline,
		const struct muster_tasks_how *how)
{
	return some_of(tasks, nr, n, false, deadline, how);
}

int muster_last(struct muster_task *tasks, uint32_t nr, uint32_t n, uint64_t deadline,
		const struct muster_tasks_how *how)
{
	return some_of(tasks, nr, n, true, deadline, how);
}

/* ---- looking at results ---- */

struct muster_task *muster_tasks_ranked(struct muster_task *tasks, uint32_t nr,
					uint32_t wanted)
{
	uint32_t i;

	for (i = 0; wanted && i < nr; i++) {
		if (tasks[i].rank == wanted)
			return &tasks[i];
	}
	return NULL;
}

struct muster_task *muster_tasks_failure(struct muster_task *tasks, uint32_t nr)
{
	struct muster_task *first = NULL;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (tasks[i].status && tasks[i].order &&
		    (!first || tasks[i].order < first->order))
			first = &tasks[i];
	}
	return first;
}

void muster_tasks_free(struct muster_task *tasks, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		muster_free(tasks[i].data);
	clear(tasks, nr);
}
