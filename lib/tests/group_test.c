// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Groups, tickets, and answers that are kept: F8, G1 to G4, T5
 */
#include <stdio.h>
#include <string.h>

#include "lib_test.h"

#define TASKS	6

/* ---- groups ---- */

/* Says its number, or fails, or dies, as @arg tells. */
static int task(int fd, uint64_t slot, void *arg)
{
	long what = (long)arg;
	char text[32];

	if (what < 0)
		raise(-what);
	if (what)
		return what;
	snprintf(text, sizeof(text), "task %d", (int)slot);
	return muster_group_done(fd, slot, 0, text, strlen(text) + 1);
}

/* G1, G4: tasks in processes of their own, their results in order. */
TEST(tasks)
{
	int fd = muster_group_open(NULL, 0, 0, 2, 0), pid[TASKS], i;
	struct muster_group_result result;
	struct muster_group_wait wait;
	uint64_t slot, first = 0;
	char buf[32];

	ASSERT_LE(0, fd);
	errno = SOME_ERRNO;
	for (i = 0; i < TASKS; i++) {
		pid[i] = muster_group_spawn(fd, task, NULL, MUSTER_FOREVER, &slot);
		ASSERT_LT(0, pid[i]);
		first = first ? first : slot;
		EXPECT_EQ(first + i, slot);
	}
	EXPECT_EQ(SOME_ERRNO, errno);
	EXPECT_EQ(1, muster_group_wait(fd, MUSTER_UNTIL_ALL, 0, MUSTER_FOREVER, &wait));
	EXPECT_EQ(TASKS, wait.succeeded);
	EXPECT_EQ(0, wait.status);
	for (i = 0, slot = 0; i < TASKS; i++, slot++) {
		EXPECT_EQ(7, muster_group_result(fd, slot, buf, sizeof(buf), &result));
		slot = result.slot;
		EXPECT_EQ(first + i, slot);
		EXPECT_EQ(pid[i], result.pid);
		EXPECT_EQ(MUSTER_TASK_DONE, result.state);
		EXPECT_EQ(slot, strtoul(buf + 5, NULL, 10));
		EXPECT_EQ(0, reap(pid[i]));
	}
	EXPECT_EQ(-ENOENT, muster_group_result(fd, slot, NULL, 0, &result));
	EXPECT_EQ(0, muster_group_reset(fd));
	EXPECT_EQ(-ENOENT, muster_group_result(fd, 0, NULL, 0, &result));
}

/* G2, G3: one that fails, and one that dies. */
TEST(tasks_that_fail)
{
	int fd = muster_group_open(NULL, 0, 0, 0, MUSTER_GROUP_KEEP_GOING), pid, dies;
	struct muster_group_stat stat;
	struct muster_group_wait wait;
	uint64_t slot;

	ASSERT_LE(0, fd);
	dies = muster_group_spawn(fd, task, (void *)-SIGKILL, MUSTER_FOREVER, &slot);
	ASSERT_LT(0, dies);
	EXPECT_EQ(1, muster_group_wait(fd, MUSTER_UNTIL_FAILURE, 0, MUSTER_FOREVER, &wait));
	EXPECT_EQ(-EOWNERDEAD, wait.status);
	EXPECT_EQ(slot, wait.slot);
	EXPECT_EQ(-SIGKILL, reap(dies));
	pid = muster_group_spawn(fd, task, (void *)3, MUSTER_FOREVER, NULL);
	EXPECT_EQ(1, muster_group_wait(fd, MUSTER_UNTIL_ALL, 0, MUSTER_FOREVER, &wait));
	EXPECT_EQ(2, wait.failed);
	EXPECT_EQ(1, wait.died);
	EXPECT_EQ(1, reap(pid));
	EXPECT_EQ(0, muster_group_wait(fd, MUSTER_UNTIL_SUCCESSES, 1, 0, NULL));
	EXPECT_EQ(0, muster_group_cancel(fd));
	EXPECT_EQ(-ECANCELED, muster_group_spawn(fd, task, NULL, MUSTER_FOREVER, NULL));
	EXPECT_EQ(0, muster_group_stat(fd, &stat, NULL, 0));
	EXPECT_EQ(1, stat.cancelled);
}

/* G1, G2: by hand. */
TEST(group_by_hand)
{
	int fd = muster_group_open("lib-group", O_CREAT, 0600, 2, 0);
	struct muster_process process = { 0 };
	struct muster_group_stat stat;
	uint64_t first;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ERANGE, muster_group_add(fd, 3, 0, MUSTER_FOREVER, &first));
	ASSERT_EQ(0, muster_group_add(fd, 2, 0, MUSTER_FOREVER, &first));
	EXPECT_EQ(-EAGAIN, muster_group_add(fd, 1, MUSTER_WAIT_NONBLOCK, 0, &first));
	EXPECT_EQ(-EINVAL, muster_group_add(fd, 1, MUSTER_WAIT_TICKET, 0, &first));
	EXPECT_EQ(0, muster_group_claim(fd, first));
	EXPECT_EQ(-ENOENT, muster_group_claim(fd, first + 2));
	EXPECT_EQ(1, muster_group_stat(fd, &stat, &process, 1));
	EXPECT_EQ(getpid(), process.pid);
	EXPECT_EQ(2, process.amount);
	EXPECT_EQ(-ETIMEDOUT, muster_group_wait(fd, MUSTER_UNTIL_ALL, 0, 1, NULL));
	EXPECT_EQ(-EBUSY, muster_group_reset(fd));
	EXPECT_EQ(0, muster_group_done(fd, MUSTER_SLOT_ANY, 0, NULL, 0));
	EXPECT_EQ(0, muster_group_done(fd, first + 1, 0, NULL, 0));
	EXPECT_EQ(-EPERM, muster_group_done(fd, first + 1, 0, NULL, 0));
	EXPECT_EQ(-EALREADY, muster_group_claim(fd, first));
}

/* ---- tickets ---- */

/* T5: one thread waits for four things. */
TEST(tickets)
{
	int flight = muster_flight_open(NULL, 0, 0, 0, 0), sem = muster_sem_open(NULL, 0, 0, 1);
	int barrier = muster_barrier_open(NULL, 0, 0, 2, 0);
	int group = muster_group_open(NULL, 0, 0, 1, 0);
	int lead, follow, permit, arrival, tasks;
	struct muster_verdict v;
	char buf[8] = "";

	lead = muster_flight_join_async(flight, KEY, 0, MUSTER_FOREVER);
	follow = muster_flight_join_async(flight, KEY, 0, MUSTER_FOREVER);
	permit = muster_sem_acquire_async(sem, 1, 0, MUSTER_FOREVER);
	arrival = muster_barrier_await_async(barrier, MUSTER_FOREVER);
	ASSERT_LE(0, muster_group_add_async(group, 1, MUSTER_FOREVER));
	tasks = muster_group_wait_async(group, MUSTER_UNTIL_ALL, 0, muster_after_ms(1));
	ASSERT_LE(0, lead);
	ASSERT_LE(0, follow);
	ASSERT_LE(0, permit);
	ASSERT_LE(0, arrival);
	ASSERT_LE(0, tasks);
	EXPECT_FALSE(is_ready(follow));
	EXPECT_FALSE(is_ready(arrival));
	fcntl(follow, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, muster_ticket_read(follow, &v, NULL, 0));

	EXPECT_EQ(0, muster_ticket_read(lead, &v, NULL, 0));
	EXPECT_EQ(MUSTER_ROLE_LEADER, v.role);
	EXPECT_EQ(1, muster_flight_finish(lead, KEY, v.token, 0, "answer", 6));
	EXPECT_EQ(6, muster_ticket_read(follow, &v, buf, sizeof(buf)));
	EXPECT_STREQ("answer", buf);
	EXPECT_EQ(0, muster_ticket_read(permit, &v, NULL, 0));
	EXPECT_EQ(0, muster_sem_release(permit, 1));
	EXPECT_EQ(0, muster_barrier_await(barrier, MUSTER_FOREVER, NULL));
	EXPECT_EQ(0, muster_ticket_read(arrival, &v, NULL, 0));
	EXPECT_EQ(1, v.index);
	EXPECT_EQ(0, muster_ticket_read(tasks, &v, NULL, 0));
	EXPECT_EQ(-ETIMEDOUT, v.error);
	EXPECT_EQ(-EINVAL, muster_ticket_read(sem, &v, NULL, 0));
}

/* ---- answers that are kept ---- */

static int keep_42(struct muster_work *work, void *arg)
{
	uint64_t *times = arg;

	muster_work_keep(work, times[0], times[1], 0);
	times[2]++;
	return muster_work_set(work, "42", 2);
}

/* F8: worked out once, for ever. */
TEST(answer_once)
{
	uint64_t times[3] = { MUSTER_FOREVER, 0, 0 };
	int fd = muster_flight_open(NULL, 0, 0, 0, 0), i;
	struct muster_result result;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, muster_flight_do(fd, KEY, keep_42, times, 0, &result));
		EXPECT_STREQ("42", result.data);
		EXPECT_EQ(i ? MUSTER_OUTCOME_KEPT : 0, result.outcome);
		EXPECT_EQ(!i, !result.age);
		muster_result_free(&result);
	}
	EXPECT_EQ(1, times[2]);
}

/* F8: past its time, and there is grace. */
TEST(answer_stale)
{
	uint64_t times[3] = { 1, MUSTER_FOREVER, 0 };
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	struct muster_flight_join join;
	struct muster_result result;

	ASSERT_EQ(0, muster_flight_do(fd, KEY, keep_42, times, 0, NULL));
	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(fd, KEY, 0, 0, NULL, 0, &join));
	ASSERT_EQ(0, muster_flight_do(fd, KEY, keep_42, times, 0, &result));
	EXPECT_EQ(MUSTER_OUTCOME_KEPT | MUSTER_OUTCOME_STALE, result.outcome);
	muster_result_free(&result);
	EXPECT_EQ(0, muster_flight_finish_keep(fd, KEY, join.token, 0, "43", 2,
					       MUSTER_FOREVER, 0, 0));
	ASSERT_EQ(0, muster_flight_do(fd, KEY, keep_42, times, 0, &result));
	EXPECT_STREQ("43", result.data);
	muster_result_free(&result);
	EXPECT_EQ(1, times[2]);
}

TEST_MUSTER_MAIN
