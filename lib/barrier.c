// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The barrier
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "internal.h"

static void fill_arrival(struct muster_arrival *arrival,
			 const struct muster_barrier_await *await)
{
	memset(arrival, 0, sizeof(*arrival));
	arrival->generation = await->generation;
	arrival->token = await->token;
	arrival->index = await->index;
	arrival->status = await->status;
	arrival->broken_by = await->broken_by;
	arrival->arrived = await->arrived;
	arrival->parties = await->parties;
}

/* 1 if the caller is to run the action. */
static int barrier_arrive(int fd, uint64_t deadline, struct muster_arrival *arrival)
{
	struct muster_barrier_await await = {
		.size = sizeof(await),
		.deadline = deadline,
	};
	int err = muster_ioctl(fd, MUSTER_BARRIER_AWAIT, &await);

	if (err && err != -EPIPE)
		return err;
	fill_arrival(arrival, &await);
	return err ? err : !!(await.outcome & MUSTER_OUTCOME_ACTION);
}

int muster_barrier_await(int fd, uint64_t deadline, struct muster_arrival *arrival)
{
	if (!arrival)
		return muster_barrier_run(fd, deadline, NULL, NULL, NULL);
	return barrier_arrive(fd, deadline, arrival);
}

int muster_barrier_complete(int fd, uint64_t token, int status)
{
	struct muster_barrier_complete complete = {
		.size = sizeof(complete),
		.status = status,
		.token = token,
	};

	return muster_ioctl(fd, MUSTER_BARRIER_COMPLETE, &complete);
}

/**
 * struct run - an action that runs
 * @fd:		the barrier
 * @token:	of the generation
 * @acting:	the others wait for it
 */
struct run {
	int fd;
	uint64_t token;
	bool acting;
};

/* The action has not come back: nobody shall wait for it. */
static void run_cleanup(void *arg)
{
	struct run *run = arg;

	if (run->acting)
		muster_barrier_complete(run->fd, run->token, -ECANCELED);
}

/* 0, or what muster_barrier_complete() says. */
static int run_action(int fd, muster_action_fn action, void *arg,
		      const struct muster_arrival *arrival, int *status)
{
	struct run run = { .fd = fd, .token = arrival->token, .acting = true };
	int err;

	*status = 0;
	pthread_cleanup_push(run_cleanup, &run);
	if (action)
		*status = action(arg, arrival);
	err = muster_barrier_complete(fd, run.token, *status);
	run.acting = false;
	pthread_cleanup_pop(0);
	return err;
}

/* The one that ran the action is told the same as the others. */
static void tell_broken(int fd, int status, struct muster_arrival *arrival)
{
	struct muster_barrier_stat stat;

	if (muster_barrier_stat(fd, &stat, NULL, 0) < 0)
		return;
	arrival->parties = stat.parties;
	arrival->arrived = stat.parties;
	arrival->status = status;
	if (status)
		arrival->broken_by = MUSTER_BROKEN_ACTION;
	else	/* A reset leaves no trace. */
		arrival->broken_by = stat.broken_by ? stat.broken_by : MUSTER_BROKEN_RESET;
}

int muster_barrier_run(int fd, uint64_t deadline, muster_action_fn action, void *arg,
		       struct muster_arrival *arrival)
{
	struct muster_arrival own;
	int status, ret;

	if (!arrival)
		arrival = &own;
	ret = barrier_arrive(fd, deadline, arrival);
	if (ret <= 0)
		return ret;
	ret = run_action(fd, action, arg, arrival, &status);
	if (ret == -EPIPE)
		status = 0;
	else if (ret || !status)
		return ret;
	tell_broken(fd, status, arrival);
	return -EPIPE;
}

int muster_barrier_reset(int fd)
{
	struct muster_barrier_reset reset = { .size = sizeof(reset) };

	return muster_ioctl(fd, MUSTER_BARRIER_RESET, &reset);
}

int muster_barrier_set_parties(int fd, uint32_t parties, uint32_t *old_parties)
{
	struct muster_barrier_set_parties set = {
		.size = sizeof(set),
		.parties = parties,
	};
	int err = muster_ioctl(fd, MUSTER_BARRIER_SET_PARTIES, &set);

	if (!err && old_parties)
		*old_parties = set.old_parties;
	return err;
}

static int barrier_member(int fd, unsigned long cmd, uint32_t seats)
{
	struct muster_barrier_member member = { .size = sizeof(member), .seats = seats };

	return muster_ioctl(fd, cmd, &member);
}

int muster_barrier_enter(int fd, uint32_t seats)
{
	return barrier_member(fd, MUSTER_BARRIER_ENTER, seats);
}

int muster_barrier_leave(int fd, uint32_t seats)
{
	return barrier_member(fd, MUSTER_BARRIER_LEAVE, seats);
}

int muster_barrier_stat(int fd, struct muster_barrier_stat *stat,
			struct muster_process *processes, uint32_t nr)
{
	int err;

	memset(stat, 0, sizeof(*stat));
	stat->size = sizeof(*stat);
	stat->nr_processes = nr;
	stat->processes = to_u64(processes);
	err = muster_ioctl(fd, MUSTER_BARRIER_STAT, stat);
	return err ? err : muster_listed(stat->nr_processes, nr);
}
