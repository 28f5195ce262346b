/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The group: tasks of many processes, to be waited for (G1 to G4)
 */
#ifndef MUSTER_GROUP_H
#define MUSTER_GROUP_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_group_open - open a group
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 * @limit:	how many tasks may run at once, up to 2^31-1; 0: any number
 * @options:	0, or MUSTER_GROUP_KEEP_GOING: a failure does not cancel the group (G3)
 *
 * Return: see <muster/open.h>.
 */
int muster_group_open(const char *name, int oflags, unsigned int mode, uint32_t limit,
		      uint32_t options);

/**
 * muster_task_fn - a task
 * @fd:		the group
 * @slot:	the task's number
 * @arg:	as given to muster_group_spawn()
 *
 * Runs in a process of its own. It may call muster_group_done() with a result; if it
 * does not, that is done for it.
 *
 * Return: 0, or another status if it failed.
 */
typedef int (*muster_task_fn)(int fd, uint64_t slot, void *arg);

/**
 * muster_group_spawn - run a task in a process of its own
 * @fd:		the group
 * @fn:		the task
 * @arg:	for @fn
 * @deadline:	how long to wait for its turn, where the group has a limit
 * @slot:	set to the task's number, or NULL
 *
 * As fork(2): the child has copies of everything, and only the calling thread. The
 * caller is to wait for it with waitpid(2), some time; <muster/task.h> has functions that
 * do. A child that dies is a task that failed (G2), and so is one that ends its thread or
 * throws a C++ exception, with -ECANCELED. It ends with _exit(2): 0, or 1 if @fn did not
 * return 0.
 *
 * Return: the process ID; -ECANCELED the group is cancelled (G3); -ENOSPC; what fork(2),
 * pidfd_open(2) and eventfd(2) say; or an error of those that wait.
 */
int muster_group_spawn(int fd, muster_task_fn fn, void *arg, uint64_t deadline,
		       uint64_t *slot);

/**
 * muster_group_add - there are more tasks (G1)
 * @fd:		the group
 * @slots:	how many, 1 to MUSTER_GROUP_ADD_MAX
 * @flags:	0 or MUSTER_WAIT_NONBLOCK, MUSTER_WAIT_REALTIME
 * @deadline:	how long to wait where the group has a limit
 * @first:	set to the number of the first; the others follow it
 *
 * They are the calling process's, until another claims them.
 *
 * Return: 0; -ERANGE more than may ever run at once; -ECANCELED the group is cancelled;
 * -ENOSPC; -EINVAL; or an error of those that wait.
 */
int muster_group_add(int fd, uint32_t slots, uint32_t flags, uint64_t deadline,
		     uint64_t *first);

/**
 * muster_group_claim - a task is the calling process's from now on (G2)
 * @fd:		the group
 * @slot:	its number
 *
 * Return: 0; -ENOENT there is none; -EALREADY it is done.
 */
int muster_group_claim(int fd, uint64_t slot);

/**
 * muster_group_done - a task is done
 * @fd:		the group
 * @slot:	its number, or MUSTER_SLOT_ANY: the oldest of the process
 * @status:	0 is success, anything else a failure
 * @data:	its result, or NULL if @len is 0
 * @len:	how many bytes
 *
 * Return: 0; -EPERM the process has no such task; -EMSGSIZE, -ENOBUFS the result is
 * too long, or too much is kept: the task is not done.
 */
int muster_group_done(int fd, uint64_t slot, int status, const void *data, size_t len);

/**
 * muster_group_wait - wait for tasks (G1, G4)
 * @fd:		the group
 * @until:	MUSTER_UNTIL_ALL, MUSTER_UNTIL_SUCCESSES, MUSTER_UNTIL_FAILURE,
 *		MUSTER_UNTIL_COUNT: see <linux/muster.h>
 * @successes:	how many, with MUSTER_UNTIL_SUCCESSES and MUSTER_UNTIL_COUNT; else 0
 * @deadline:	how long to wait
 * @wait:	filled in: status of the first failure, counts; or NULL
 *
 * Return: 1 what was waited for came true; 0 no task was left to make it true, or, with
 * MUSTER_UNTIL_COUNT, one has failed; or an error of those that wait.
 */
int muster_group_wait(int fd, uint32_t until, uint32_t successes, uint64_t deadline,
		      struct muster_group_wait *wait);

/**
 * muster_group_result - how a task ended (G4)
 * @fd:		the group
 * @slot:	its number; the next is taken if there is none of that number, so that
 *		0, and then each time @result->slot + 1, lists all in order
 * @buf:	room for its result, or NULL if @len is 0
 * @len:	how much
 * @result:	filled in; see <linux/muster.h>
 *
 * Return: how many bytes are in @buf; -ENOENT there is no further task.
 */
int muster_group_result(int fd, uint64_t slot, void *buf, size_t len,
			struct muster_group_result *result);

/**
 * muster_group_cancel - nothing more is to be added (G3)
 * @fd:		the group
 *
 * Return: 0.
 */
int muster_group_cancel(int fd);

/**
 * muster_group_reset - begin anew
 * @fd:		the group
 *
 * Return: 0; -EBUSY tasks are not done.
 */
int muster_group_reset(int fd);

/**
 * muster_group_stat - look at a group
 * @fd:		the group
 * @stat:	filled in
 * @processes:	room for @nr processes that have tasks; NULL if @nr is 0
 * @nr:		how many there is room for
 *
 * Return: how many of @processes were filled in.
 */
int muster_group_stat(int fd, struct muster_group_stat *stat,
		      struct muster_process *processes, uint32_t nr);

MUSTER_END_DECLS

#endif /* MUSTER_GROUP_H */
