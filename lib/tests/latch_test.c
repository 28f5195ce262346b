// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The countdown latch: G1, G2, G5e
 */
#include "lib_test.h"

#define NR	6

static unsigned int waiters(int fd)
{
	struct muster_group_stat stat;

	return muster_group_stat(fd, &stat, NULL, 0) < 0 ? 0 : stat.waiters;
}

/* What muster_latch_wait() says, as an exit status: 0, or the errno. */
static int wait_open(void *arg)
{
	return -muster_latch_wait(*(int *)arg, MUSTER_FOREVER);
}

static int count_down(void *arg)
{
	return -muster_latch_count_down(*(int *)arg);
}

static int take_and_count(void *arg)
{
	int fd = *(int *)arg;

	return -muster_latch_take(fd, 2) ?: -muster_latch_count_down(fd) ?:
	       -muster_latch_count_down(fd);
}

static int take_and_die(void *arg)
{
	if (muster_latch_take(*(int *)arg, 2) || muster_latch_count_down(*(int *)arg))
		return 1;
	raise(SIGKILL);
	return 2;
}

static bool ticket_has(int ticket, uint32_t outcome)
{
	struct muster_verdict v;

	return !muster_ticket_read(ticket, &v, NULL, 0) && !v.error && v.outcome == outcome;
}

/* G5e: it opens with the last part, for all who wait, and stays open. */
TEST(latch)
{
	int fd = muster_latch_open("lib-latch", O_CREAT, 0600, NR), other, ticket, i;
	pid_t pid[NR];

	ASSERT_LE(0, fd);
	other = muster_latch_open("lib-latch", 0, 0, 0);
	ASSERT_LE(0, other);
	EXPECT_EQ(-EINVAL, muster_latch_open("lib-latch", O_CREAT, 0600, NR + 1));
	EXPECT_EQ(-ENOENT, muster_latch_open("lib-no-latch", O_CREAT, 0600, 0));
	EXPECT_EQ(-EINVAL, muster_latch_open(NULL, 0, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, muster_latch_wait(fd, muster_after_ms(1)));
	for (i = 0; i < NR; i++)
		pid[i] = spawn(wait_open, &fd);
	ASSERT_SOON(waiters(fd) == NR);
	ticket = muster_latch_wait_async(other, MUSTER_FOREVER);
	ASSERT_LE(0, ticket);

	EXPECT_EQ(0, reap(spawn(count_down, &fd)));
	EXPECT_EQ(0, reap(spawn(take_and_count, &other)));
	EXPECT_EQ(0, muster_latch_take(fd, 2));
	EXPECT_EQ(-EAGAIN, muster_latch_take(other, 2));
	EXPECT_EQ(-ERANGE, muster_latch_take(other, NR + 1));
	EXPECT_EQ(-EINVAL, muster_latch_take(other, 0));
	EXPECT_EQ(0, muster_latch_count_down(other));
	/* The two that are left are another's. */
	EXPECT_EQ(EAGAIN, reap(spawn(count_down, &fd)));
	EXPECT_EQ(0, muster_latch_count_down(fd));
	EXPECT_EQ(0, muster_latch_is_open(fd));
	EXPECT_EQ(NR + 1, waiters(fd));
	EXPECT_FALSE(is_ready(ticket));
	EXPECT_EQ(0, muster_latch_count_down(fd));

	EXPECT_EQ(1, muster_latch_is_open(fd));
	for (i = 0; i < NR; i++)
		EXPECT_EQ(0, reap(pid[i]));
	EXPECT_TRUE(ticket_has(ticket, MUSTER_OUTCOME_MET));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, muster_latch_count_down(other));
		EXPECT_EQ(0, muster_latch_wait(other, 0));
	}
	EXPECT_EQ(-EAGAIN, muster_latch_take(other, 1));
}

/* G2, G5e: who has taken parts on and dies keeps nobody waiting. */
TEST(latch_broken)
{
	int fd = muster_latch_open(NULL, 0, 0, 9), ticket;
	pid_t pid;

	ASSERT_LE(0, fd);
	/* Who has done what it took on, or took none on, may die. */
	EXPECT_EQ(0, reap(spawn(take_and_count, &fd)));
	pid = spawn(wait_open, &fd);
	ASSERT_SOON(waiters(fd) == 1);
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, reap(pid));
	EXPECT_EQ(0, muster_latch_is_open(fd));

	pid = spawn(wait_open, &fd);
	ticket = muster_latch_wait_async(fd, MUSTER_FOREVER);
	ASSERT_LE(0, ticket);
	ASSERT_SOON(waiters(fd) == 2);
	EXPECT_EQ(-SIGKILL, reap(spawn(take_and_die, &fd)));
	EXPECT_EQ(EOWNERDEAD, reap(pid));
	EXPECT_TRUE(ticket_has(ticket, 0));
	errno = SOME_ERRNO;
	EXPECT_EQ(-EOWNERDEAD, muster_latch_wait(fd, MUSTER_FOREVER));
	EXPECT_EQ(-EOWNERDEAD, muster_latch_is_open(fd));
	EXPECT_EQ(-EOWNERDEAD, muster_latch_count_down(fd));
	EXPECT_EQ(-EOWNERDEAD, muster_latch_take(fd, 1));
	EXPECT_EQ(SOME_ERRNO, errno);
}

/* G5e: what is open stays open, though somebody dies over what was too many. */
TEST(latch_open_for_good)
{
	int fd = muster_latch_open(NULL, 0, 0, 2), group = dup(fd);
	uint64_t slot;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, muster_latch_count_down(fd));
	EXPECT_EQ(0, muster_latch_count_down(fd));
	ASSERT_EQ(0, muster_group_add(group, 1, 0, 0, &slot));
	ASSERT_EQ(0, muster_group_done(group, slot, -EOWNERDEAD, NULL, 0));
	EXPECT_EQ(1, muster_latch_is_open(fd));
	EXPECT_EQ(0, muster_latch_wait(fd, 0));
	EXPECT_EQ(0, muster_latch_count_down(fd));
}

/* G5e: if more were done than it counts, nobody takes on one more. */
TEST(latch_beyond)
{
	int fd = muster_latch_open(NULL, 0, 0, 3), i;
	uint64_t slot;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, muster_group_add(fd, 1, 0, MUSTER_FOREVER, &slot));
		ASSERT_EQ(0, muster_group_done(fd, slot, 0, NULL, 0));
	}
	EXPECT_EQ(1, muster_latch_is_open(fd));
	EXPECT_EQ(-EAGAIN, muster_latch_take(fd, 1));
	EXPECT_EQ(0, muster_latch_count_down(fd));
	EXPECT_EQ(4, ({
		struct muster_group_stat stat;

		muster_group_stat(fd, &stat, NULL, 0);
		stat.succeeded;
	}));
	close(fd);
}

/* I3: what is no latch. */
TEST(not_a_latch)
{
	int group = muster_group_open(NULL, 0, 0, 0, 0), sem = muster_sem_open(NULL, 0, 0, 1);

	EXPECT_EQ(-EINVAL, muster_latch_wait(group, 0));
	EXPECT_EQ(-EINVAL, muster_latch_is_open(group));
	EXPECT_EQ(-ENOTTY, muster_latch_wait(sem, 0));
	EXPECT_EQ(-ENOTTY, muster_latch_wait_async(sem, 0));
	EXPECT_EQ(-ENOTTY, muster_latch_take(sem, 1));
	EXPECT_EQ(-ENOTTY, muster_latch_count_down(sem));
	EXPECT_EQ(-EBADF, muster_latch_is_open(-1));
}

TEST_MUSTER_MAIN
