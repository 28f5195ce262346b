// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thousand processes: only those who are served wake up
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define HERD		1000
#define KEYS		10000
#define RESULT_SIZE	65536
#define KEY		"key"

FIXTURE(herd) {
	int sem, flight, barrier;
	char *result;
	struct puppet **members;
	long *before;
};

FIXTURE_SETUP(herd)
{
	int i;

	self->sem = open_sem(1);
	self->flight = open_flight(0);
	self->barrier = open_barrier(HERD + 1, 0);
	self->result = shared_memory(RESULT_SIZE);
	self->members = calloc(HERD, sizeof(*self->members));
	self->before = calloc(HERD, sizeof(*self->before));
	ASSERT_NE(NULL, self->members);
	ASSERT_NE(NULL, self->before);
	for (i = 0; i < HERD; i++)
		self->members[i] = puppet();
}

FIXTURE_TEARDOWN(herd)
{
	int i;

	for (i = 0; i < HERD; i++)
		kill(self->members[i]->pid, SIGKILL);
	for (i = 0; i < HERD; i++)
		wait_puppet(self->members[i]);
}

/* All sleep in their calls, and have gone to sleep for good: nothing changes. */
static void see_all_asleep(struct puppet **members, long *before, int from)
{
	bool quiet;
	int i;

	do {
		quiet = true;
		for (i = from; i < HERD; i++) {
			long now = switches(members[i]);

			if (now != before[i] || !is_still(members[i]))
				quiet = false;
			before[i] = now;
		}
	} while (!quiet);
}

/* How many have run since. */
static int count_woken(struct puppet **members, const long *before, int from)
{
	int i, woken = 0;

	for (i = from; i < HERD; i++)
		woken += switches(members[i]) != before[i];
	return woken;
}

/* T1, S1: a permit for a thousand waiters wakes exactly one, three wake three. */
TEST_F_TIMEOUT(herd, semaphore, 120)
{
	int i;

	ASSERT_EQ(0, ask(me, acquire(self->sem, 1)));
	for (i = 0; i < HERD; i++) {
		tell(self->members[i], acquire(self->sem, 1));
		ASSERT_SOON(sem_state(self->sem).waiters == i + 1);
	}
	see_all_asleep(self->members, self->before, 0);
	ASSERT_EQ(0, ask(me, release(self->sem, 1)));
	ASSERT_EQ(0, hear(self->members[0]));
	EXPECT_EQ(HERD - 1, sem_state(self->sem).waiters);
	EXPECT_EQ(0, count_woken(self->members, self->before, 1));
	EXPECT_NE(self->before[0], switches(self->members[0]));

	ASSERT_EQ(0, ask(me, set_limit(self->sem, 4)));
	for (i = 1; i < 4; i++)
		ASSERT_EQ(0, hear(self->members[i]));
	EXPECT_EQ(HERD - 4, sem_state(self->sem).waiters);
	EXPECT_EQ(0, count_woken(self->members, self->before, 4));

	/* A death in the middle wakes nobody, that of a holder one. */
	kill(self->members[HERD / 2]->pid, SIGKILL);
	ASSERT_SOON(sem_state(self->sem).waiters == HERD - 5);
	kill(self->members[0]->pid, SIGKILL);
	ASSERT_EQ(0, hear(self->members[4]));
	EXPECT_EQ(1, count_woken(self->members, self->before, 5));

	/* At last all are served, and all the permits are there again. */
	ASSERT_EQ(0, ask(me, set_limit(self->sem, HERD)));
	for (i = 5; i < HERD; i++) {
		if (i != HERD / 2)
			ASSERT_EQ(0, hear(self->members[i]));
	}
	EXPECT_EQ(HERD - 2, sem_state(self->sem).held);
	EXPECT_EQ(0, sem_state(self->sem).waiters);
}

/* Joins, and looks whether all of the result has come. */
static int run_join_and_check(struct job *job)
{
	static char buf[RESULT_SIZE];
	const char *expected = (const char *)job->arg[0];
	struct job joining = join(job->fd, KEY);

	joining.join.buf = to_u64(buf);
	joining.join.buf_len = RESULT_SIZE;
	if (ask(me, joining))
		return me->ret;
	if (me->job.join.role != MUSTER_ROLE_FOLLOWER)
		return 1;
	if (me->job.join.result_len != RESULT_SIZE)
		return 2;
	return memcmp(buf, expected, RESULT_SIZE) ? 3 : 0;
}

/* F1, F2, F3: a thousand followers all get their 64 KiB. */
TEST_F_TIMEOUT(herd, followers, 120)
{
	struct job job = {
		.run = run_join_and_check,
		.fd = self->flight,
		.arg = { (long)self->result },
	};
	int i;

	for (i = 0; i < RESULT_SIZE; i++)
		self->result[i] = i * 31 ^ i >> 8;
	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	for (i = 0; i < HERD; i++)
		tell(self->members[i], job);
	ASSERT_SOON(flight_state(self->flight).followers == HERD);
	job = finish(self->flight, KEY, me->job.join.token, 0, NULL);
	job.finish.data = to_u64(self->result);
	job.finish.data_len = RESULT_SIZE;
	ASSERT_EQ(0, ask(me, job));
	EXPECT_EQ(HERD, me->job.finish.followers);
	for (i = 0; i < HERD; i++)
		EXPECT_EQ(0, hear(self->members[i]));
	EXPECT_EQ(HERD, flight_state(self->flight).joined);
	EXPECT_EQ(0, flight_state(self->flight).followers);
}

/* F6, T1: the death of a leader wakes exactly one of a thousand followers. */
TEST_F_TIMEOUT(herd, leader_dies, 120)
{
	int i;

	ASSERT_EQ(0, ask(self->members[0], join(self->flight, KEY)));
	for (i = 1; i < HERD; i++) {
		tell(self->members[i], join(self->flight, KEY));
		if (i == 1)
			ASSERT_SOON(flight_state(self->flight).followers == 1);
	}
	ASSERT_SOON(flight_state(self->flight).followers == HERD - 1);
	see_all_asleep(self->members, self->before, 1);
	kill(self->members[0]->pid, SIGKILL);
	ASSERT_EQ(0, hear(self->members[1]));
	EXPECT_EQ(MUSTER_ROLE_LEADER, self->members[1]->job.join.role);
	EXPECT_EQ(HERD - 2, self->members[1]->job.join.shared);
	EXPECT_EQ(0, count_woken(self->members, self->before, 2));
}

/* B1: a thousand parties, each with an index of its own. */
TEST_F_TIMEOUT(herd, parties, 120)
{
	struct muster_barrier_await *args;
	bool seen[HERD + 1] = { };
	int i;

	for (i = 0; i < HERD; i++)
		tell(self->members[i], await(self->barrier));
	ASSERT_SOON(barrier_state(self->barrier).waiting == HERD);
	see_all_asleep(self->members, self->before, 0);
	ASSERT_EQ(0, ask(me, await(self->barrier)));
	EXPECT_EQ(0, me->job.await.index);
	for (i = 0; i < HERD; i++) {
		args = &self->members[i]->job.await;
		ASSERT_EQ(0, hear(self->members[i]));
		EXPECT_EQ(me->job.await.generation, args->generation);
		ASSERT_LE(1, args->index);
		ASSERT_GE(HERD, args->index);
		EXPECT_FALSE(seen[args->index]);
		seen[args->index] = true;
	}
}

/* F1, O7: ten thousand keys in flight, ended in another order than begun. */
TEST(keys)
{
	int fd = open_flight(0), i, step = 7919;
	static __u64 token[KEYS];
	static char key[KEYS][8];

	if (get_param("calls_max") < KEYS)
		SKIP(return, "calls_max is less than %d", KEYS);
	for (i = 0; i < KEYS; i++) {
		snprintf(key[i], sizeof(key[i]), "%d", i);
		ASSERT_EQ(0, ask(me, join(fd, key[i])));
		ASSERT_EQ(MUSTER_ROLE_LEADER, me->job.join.role);
		token[i] = me->job.join.token;
	}
	EXPECT_EQ(KEYS, flight_state(fd).calls);
	EXPECT_EQ(-EDEADLK, ask(me, join(fd, key[KEYS / 2])));
	for (i = 0; i < KEYS; i += 2) {
		ASSERT_EQ(0, ask(me, forget(fd, key[i], 0)));
		ASSERT_EQ(1, me->job.key.count);
	}
	EXPECT_EQ(KEYS / 2, flight_state(fd).calls);
	for (i = 0; i < KEYS; i++) {
		int k = (long)i * step % KEYS;

		ASSERT_EQ(0, ask(me, finish(fd, key[k], token[k], 0, NULL)));
	}
	EXPECT_EQ(0, flight_state(fd).calls);
	EXPECT_EQ(0, flight_state(fd).orphaned);
	close(fd);
}

TEST_HARNESS_MAIN
