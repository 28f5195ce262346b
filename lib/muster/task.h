/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many tasks, each in a process of its own: all of them, the first, the first n, the
 * last n, or one after the other (G5)
 */
#ifndef MUSTER_TASK_H
#define MUSTER_TASK_H

#include "base.h"
#include "group.h"

MUSTER_BEGIN_DECLS

/* struct muster_task.state, besides MUSTER_TASK_DONE and MUSTER_TASK_DIED. */
#define MUSTER_TASK_NOT_BEGUN	0

/**
 * struct muster_task - a task, and how it ended
 * @fn:		the task. What it hands to muster_group_done() is its result. The group that
 *		it is given is the caller's: it adds no tasks to it, but may cancel it.
 * @arg:	for @fn
 * @state:	(out) MUSTER_TASK_DONE; MUSTER_TASK_DIED its process ended before it was
 *		done; MUSTER_TASK_NOT_BEGUN it was not to begin any more
 * @status:	(out) what @fn returned, or said by muster_group_done(); -EOWNERDEAD it died;
 *		-ECANCELED it has not begun, or ended its thread, or threw an exception
 * @order:	(out) 1 for the first of all to end, and so on; 0 if it has not begun
 * @rank:	(out) 1 for the first of the successes that were asked for, 2 for the next
 *		in the order in which they ended, and so on; 0 for all other tasks
 * @exit:	(out) exit status of its process; -1 if it was killed, has not begun, or
 *		somebody else has waited for it
 * @signal:	(out) the signal that killed its process, or 0
 * @slot:	(out) its number in the group, or 0
 * @len:	(out) length of @data
 * @data:	(out) its result, and a 0 byte behind it that does not count; the caller's, to
 *		be freed by muster_tasks_free(). NULL if the task was not done.
 *
 * This struct does not grow: it comes in arrays.
 */
struct muster_task {
	muster_task_fn fn;
	void *arg;
	uint32_t state;
	int32_t status;
	uint32_t order;
	uint32_t rank;
	int32_t exit;
	int32_t signal;
	uint64_t slot;
	size_t len;
	char *data;
};

/* struct muster_tasks_how.flags */
#define MUSTER_TASKS_KEEP_GOING		(1U << 0) /* muster_all(): beyond a failure */
#define MUSTER_TASKS_STOP_AT_FAILURE	(1U << 1) /* the others: the first failure ends it */
#define MUSTER_TASKS_PARENT		(1U << 2) /* @parent is valid */

/**
 * struct muster_tasks_how - how tasks are to be run; all 0 is as good as NULL
 * @limit:	how many may run at once; 0: any number
 * @flags:	MUSTER_TASKS_*
 * @grace:	how many ns tasks have to end once they are told to stop; who has not ended
 *		then is killed. 0: they may take as long as they like.
 * @parent:	a group: when it is cancelled the tasks are. So tasks may have tasks, and any
 *		thread, signal handler or process can stop them by muster_group_cancel().
 * @reserved:	0
 */
struct muster_tasks_how {
	uint32_t limit;
	uint32_t flags;
	uint64_t grace;
	int32_t parent;
	uint32_t reserved[5];
};

/*
 * What muster_all(), muster_race(), muster_take() and muster_last() have in common:
 *
 * @tasks:	what is to be done, and where to tell how it went
 * @nr:		how many; 0 is nothing to do
 * @deadline:	when it is to be over. If it has passed already nothing begins.
 * @how:	see above, or NULL
 *
 * Each task has a process of its own, as from fork(2), and they begin in order. When it is
 * decided how it ends, those that have not begun do not begin, and those that run are told
 * to stop: their group has POLLPRI, which muster_task_cancelled() asks for. The function
 * returns when all their processes have ended, and leaves none behind. A crash is a failure
 * like others. If the caller dies, nothing begins any more, and muster_task_cancelled()
 * tells those that run.
 *
 * The processes are children of the caller, which may see SIGCHLD for them; what it does
 * with that is its own affair, even to ignore it or to wait for any child. A signal does not
 * end the function. Each task that runs takes a descriptor.
 *
 * Return: how many of the successes asked for there are: what @rank goes to. The function
 * has an answer if that is @nr or @n, or 1 for a race. Or it is -ETIMEDOUT; -ECANCELED
 * @parent was cancelled; -EINVAL; -ENOSPC, -ENOMEM; what fork(2), pidfd_open(2) and
 * eventfd(2) say, such as -EAGAIN and -EMFILE. In all cases @tasks is filled in, so that
 * muster_tasks_free() is right.
 */

/**
 * muster_all - run all tasks
 *
 * The first failure ends it, as in Go's errgroup; with MUSTER_TASKS_KEEP_GOING all run to
 * their end. muster_tasks_failure() finds that failure.
 *
 * Return: see above.
 */
int muster_all(struct muster_task *tasks, uint32_t nr, uint64_t deadline,
	       const struct muster_tasks_how *how);

/**
 * muster_race - the first task to succeed ends it
 *
 * Failures do not count, unless MUSTER_TASKS_STOP_AT_FAILURE says so. The winner has the
 * @rank 1.
 *
 * Return: see above.
 */
int muster_race(struct muster_task *tasks, uint32_t nr, uint64_t deadline,
		const struct muster_tasks_how *how);

/**
 * muster_take - the first @n tasks to succeed end it
 * @n:		how many, 1 to @nr
 *
 * As muster_race(), which is muster_take() of 1.
 *
 * Return: see above.
 */
int muster_take(struct muster_task *tasks, uint32_t nr, uint32_t n, uint64_t deadline,
		const struct muster_tasks_how *how);

/**
 * muster_last - run all tasks, the last @n to succeed count
 * @n:		how many, 1 to @nr
 *
 * Failures do not count, unless MUSTER_TASKS_STOP_AT_FAILURE says so. The @rank n is that of
 * the very last.
 *
 * Return: see above.
 */
int muster_last(struct muster_task *tasks, uint32_t nr, uint32_t n, uint64_t deadline,
		const struct muster_tasks_how *how);

/**
 * muster_step_fn - a step of a waterfall
 * @fd:		a group, for muster_group_done()
 * @slot:	the step's number in it
 * @data:	what the step before has given to muster_group_done(); never NULL
 * @len:	its length
 * @arg:	for the step
 *
 * Return: 0, or another status if it failed.
 */
typedef int (*muster_step_fn)(int fd, uint64_t slot, const void *data, size_t len,
			      void *arg);

/**
 * struct muster_step - a step of a waterfall
 * @fn:		what is to be done
 * @arg:	for @fn
 */
struct muster_step {
	muster_step_fn fn;
	void *arg;
};

/**
 * muster_waterfall - steps one after the other, each with the result of the one before
 * @steps:	the steps
 * @nr:		how many
 * @data:	for the first step, or NULL if @len is 0
 * @len:	how many bytes
 * @deadline:	when all of it is to be over
 * @how:	see above; @limit says nothing here
 * @last:	the last step that was run: its result is the waterfall's, or it is the one
 *		that failed. To be freed by muster_tasks_free(last, 1) in any case. If there
 *		was none it is MUSTER_TASK_NOT_BEGUN.
 *
 * Each step has a process of its own, as the tasks above have. The first failure ends it.
 *
 * Return: how many steps have succeeded; or an error, as above.
 */
int muster_waterfall(const struct muster_step *steps, uint32_t nr, const void *data,
		     size_t len, uint64_t deadline, const struct muster_tasks_how *how,
		     struct muster_task *last);

/**
 * muster_task_cancelled - is the task to stop?
 * @fd:		its group, as given to its function
 *
 * To wait for that, poll(2) @fd for POLLPRI.
 *
 * Return: 1 if the group is cancelled, or if the task is one of muster_all() and the
 * others here and its caller has died; 0 if not; -EBADF @fd is not open; or another
 * error of poll(2). A task that stops whenever it is not 0 does right.
 */
int muster_task_cancelled(int fd);

/**
 * muster_tasks_ranked - the success of that rank
 * @tasks:	as of muster_race() and the others
 * @nr:		how many
 * @rank:	1 to what that returned
 *
 * Return: one of @tasks, or NULL.
 */
struct muster_task *muster_tasks_ranked(struct muster_task *tasks, uint32_t nr,
					uint32_t rank);

/**
 * muster_tasks_failure - the first task that failed
 * @tasks:	as of muster_all() and the others
 * @nr:		how many
 *
 * Return: one of @tasks, or NULL.
 */
struct muster_task *muster_tasks_failure(struct muster_task *tasks, uint32_t nr);

/**
 * muster_tasks_free - free what the tasks' results have
 * @tasks:	as of muster_all() and the others; they may be run again
 * @nr:		how many
 */
void muster_tasks_free(struct muster_task *tasks, uint32_t nr);

MUSTER_END_DECLS

#endif /* MUSTER_TASK_H */
