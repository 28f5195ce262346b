// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way to wait. See waits.h.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest.h"
#include "waits.h"

#define KEY	"key"

/* ---- semaphore ---- */

static struct job take_it(int fd)
{
	return acquire(fd, 1);
}

static struct job wait_for_permit(int fd, __u32 flags, __u64 deadline)
{
	return acquire_by(fd, 1, flags, deadline);
}

static unsigned int sem_waiters(int fd)
{
	return sem_state(fd).waiters;
}

static struct job give_it_back(int fd, const struct job *blocked)
{
	return release(fd, 1);
}

/* ---- flight ---- */

static struct job lead(int fd)
{
	return join(fd, KEY);
}

static struct job follow(int fd, __u32 flags, __u64 deadline)
{
	return join_by(fd, KEY, flags, deadline);
}

static unsigned int followers(int fd)
{
	return flight_state(fd).followers;
}

static struct job land(int fd, const struct job *blocked)
{
	return finish(fd, KEY, blocked->join.token, 0, "result");
}

/* ---- barrier ---- */

static unsigned int arrived(int fd)
{
	return barrier_state(fd).waiting;
}

static struct job arrive_last(int fd, const struct job *blocked)
{
	return await(fd);
}

/* ---- group ---- */

static struct job add_task(int fd)
{
	return add(fd, 1);
}

static struct job wait_for_tasks(int fd, __u32 flags, __u64 deadline)
{
	return wait_by(fd, MUSTER_UNTIL_ALL, 0, flags, deadline);
}

static struct job wait_for_slot(int fd, __u32 flags, __u64 deadline)
{
	return add_by(fd, 1, flags, deadline);
}

static unsigned int group_waiters(int fd)
{
	return group_state(fd).waiters;
}

static unsigned int adders(int fd)
{
	return group_state(fd).adders;
}

static struct job end_task(int fd, const struct job *blocked)
{
	return done(fd, blocked->add.first, 0, NULL);
}

const struct wait_kind waits[] = {
	{
		.name = "permit",
		.type = MUSTER_SEM,
		.limit = 1,
		.block = take_it,
		.wait = wait_for_permit,
		.waiting = sem_waiters,
		.grant = give_it_back,
		.ungrant = give_it_back,
	}, {
		.name = "result",
		.type = MUSTER_FLIGHT,
		.block = lead,
		.wait = follow,
		.waiting = followers,
		.grant = land,
		.ungrant = land,
	}, {
		.name = "others",
		.type = MUSTER_BARRIER,
		.limit = 2,
		.wait = await_by,
		.waiting = arrived,
		.grant = arrive_last,
	}, {
		.name = "tasks",
		.type = MUSTER_GROUP,
		.block = add_task,
		.wait = wait_for_tasks,
		.waiting = group_waiters,
		.grant = end_task,
	}, {
		.name = "slot",
		.type = MUSTER_GROUP,
		.limit = 1,
		.block = add_task,
		.wait = wait_for_slot,
		.waiting = adders,
		.grant = end_task,
		/* A task that dies has failed, and that cancels the group (G3). */
		.orphaned = -ECANCELED,
		.ungrant = end_task,
	},
};

const unsigned int nr_waits = ARRAY_SIZE(waits);

static_assert(ARRAY_SIZE(waits) <= MAX_WAITS, "MAX_WAITS");

int give_back(const struct wait_kind *kind, int fd, struct puppet *p)
{
	/* A follower has nothing but its result. */
	if (!kind->ungrant || (p->job.cmd == MUSTER_FLIGHT_JOIN &&
			       p->job.join.role != MUSTER_ROLE_LEADER))
		return 0;
	return ask(p, kind->ungrant(fd, &p->job));
}

void open_waits(int *fds)
{
	unsigned int i;

	for (i = 0; i < nr_waits; i++) {
		fds[i] = open_named(waits[i].type, NULL, 0, waits[i].limit);
		if (fds[i] < 0) {
			fprintf(stderr, "# %s: %s\n", waits[i].name, strerror(-fds[i]));
			abort();
		}
	}
}
