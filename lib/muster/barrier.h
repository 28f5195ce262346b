/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The barrier: all leave when all are there (B1 to B7)
 */
#ifndef MUSTER_BARRIER_H
#define MUSTER_BARRIER_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_barrier_open - open a barrier
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 * @parties:	how many it takes, 1 to 2^31-1; with members the seats that there are
 *		at first, which may be 0
 * @options:	0, or MUSTER_BARRIER_ACTION: each time, one of them runs an action
 *		before all leave: see muster_barrier_run() (B2);
 *		MUSTER_BARRIER_MEMBERS: it waits for the processes that have called
 *		muster_barrier_enter(), and breaks if one of them dies;
 *		MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK: a member that dies takes its
 *		seats with it, and nothing breaks, unless that one ran the action (B6)
 *
 * Return: see <muster/open.h>.
 */
int muster_barrier_open(const char *name, int oflags, unsigned int mode,
			uint32_t parties, uint32_t options);

/**
 * struct muster_arrival - what one is told on leaving a barrier
 * @generation:	the same for all who leave together; grows by 1 each time
 * @token:	fencing token of this generation (W4)
 * @index:	the order of arrival: parties-1 the first, 0 the last (B1)
 * @status:	with -EPIPE: what the action said, else 0
 * @broken_by:	with -EPIPE: MUSTER_BROKEN_*, else 0
 * @arrived:	with -EPIPE: how many had arrived when it broke
 * @parties:	with -EPIPE: how many it takes
 * @reserved:	0
 */
struct muster_arrival {
	uint64_t generation;
	uint64_t token;
	uint32_t index;
	int32_t status;
	uint32_t broken_by;
	uint32_t arrived;
	uint32_t parties;
	uint32_t reserved;
};

/**
 * muster_barrier_await - arrive, and wait until all are there
 * @fd:		the barrier
 * @deadline:	how long to wait for the others. If it passes the barrier breaks. If
 *		it has passed already: -ETIMEDOUT, and nothing happens.
 * @arrival:	filled in, also with -EPIPE; NULL where one has no action to run
 *
 * Return: 0 all were there; 1 all are there and wait for the caller to run the
 * action and call muster_barrier_complete() with @arrival->token (B2) - if @arrival
 * is NULL there is taken to be nothing to do, and that is done for the caller, as
 * by muster_barrier_run(); -EPIPE the barrier is broken, or broke or was reset
 * meanwhile (B3, B5); or an error of those that wait. With members: -EPERM the process
 * is none, -EBUSY all of its parties have arrived.
 */
int muster_barrier_await(int fd, uint64_t deadline, struct muster_arrival *arrival);

/**
 * muster_barrier_complete - the action is over (B2)
 * @fd:		the barrier
 * @token:	as muster_barrier_await() gave it
 * @status:	0: all leave; else the barrier breaks and everyone is told it
 *
 * Return: 0; -EPERM the process runs no such action; -EPIPE the barrier was broken or
 * reset meanwhile, nobody was released.
 */
int muster_barrier_complete(int fd, uint64_t token, int status);

/**
 * muster_action_fn - an action
 * @arg:	as given to muster_barrier_run()
 * @arrival:	of the caller, whose @index is 0
 *
 * Return: 0, or a status that breaks the barrier and that everyone is told.
 */
typedef int (*muster_action_fn)(void *arg, const struct muster_arrival *arrival);

/**
 * muster_barrier_run - await, and run the action if it is for the caller to do
 * @fd:		a barrier with MUSTER_BARRIER_ACTION (others never run @action)
 * @deadline:	how long to wait for the others
 * @action:	run by the last one to arrive, before all leave; NULL does nothing
 * @arg:	for @action
 * @arrival:	filled in, also with -EPIPE; or NULL
 *
 * If @action ends its thread (pthread_exit(3), pthread_cancel(3)) or throws a C++
 * exception, the barrier breaks with the status -ECANCELED. It must not longjmp(3)
 * out: then all wait until the process calls muster_barrier_complete(), or ends.
 *
 * Return: 0 all were there and the action said 0; -EPIPE as of
 * muster_barrier_await(), also for the one whose action said something else; or an
 * error of those that wait.
 */
int muster_barrier_run(int fd, uint64_t deadline, muster_action_fn action, void *arg,
		       struct muster_arrival *arrival);

/**
 * muster_barrier_reset - begin anew (B5)
 * @fd:		the barrier
 *
 * Those who wait get -EPIPE, those who come later find it healthy.
 *
 * Return: 0.
 */
int muster_barrier_reset(int fd);

/**
 * muster_barrier_set_parties - change how many it takes (B6)
 * @fd:		a barrier without members
 * @parties:	how many it takes from now on, 1 to 2^31-1
 * @old_parties: set to how many it took, or NULL
 *
 * Fewer may complete a generation, or several. One whose action runs is left alone.
 *
 * Return: 0; -EINVAL @parties, or the barrier has members.
 */
int muster_barrier_set_parties(int fd, uint32_t parties, uint32_t *old_parties);

/**
 * muster_barrier_enter - become a member (B6)
 * @fd:		a barrier with MUSTER_BARRIER_MEMBERS
 * @seats:	how many parties the process is to be more, 1 to 2^31-1
 *
 * Takes seats that are free, and adds what is lacking. From now on the barrier waits for
 * so many arrivals of the process each time. If it dies, or closes its last descriptor,
 * the barrier breaks and the seats are free for others; with MUSTER_BARRIER_SHRINK they
 * are gone instead.
 *
 * Return: 0; -ERANGE there would be too many; -EINVAL @seats, or the barrier has no
 * members.
 */
int muster_barrier_enter(int fd, uint32_t seats);

/**
 * muster_barrier_leave - be a member no more (B6)
 * @fd:		a barrier with MUSTER_BARRIER_MEMBERS
 * @seats:	how many parties the process is to be less, 1 to 2^31-1
 *
 * The barrier takes so many fewer, which may complete a generation.
 *
 * Return: 0; -EPERM the process has not so many seats; -EBUSY they have arrived and
 * wait; -EINVAL @seats, or the barrier has no members.
 */
int muster_barrier_leave(int fd, uint32_t seats);

/**
 * muster_barrier_stat - look at a barrier (B7)
 * @fd:		the barrier
 * @stat:	filled in; @stat->nr_processes tells how many processes there are
 * @processes:	room for @nr processes: those that wait in order, the one that runs the
 *		action, members that are waited for; NULL if @nr is 0
 * @nr:		how many there is room for; MUSTER_PROCESSES_MAX are listed at most
 *
 * Return: how many of @processes were filled in.
 */
int muster_barrier_stat(int fd, struct muster_barrier_stat *stat,
			struct muster_process *processes, uint32_t nr);

MUSTER_END_DECLS

#endif /* MUSTER_BARRIER_H */
