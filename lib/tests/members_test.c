// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Barriers whose parties change, and whose parties are members: B6
 */
#include "lib_test.h"

static struct muster_barrier_stat state(int fd)
{
	struct muster_barrier_stat stat;

	if (muster_barrier_stat(fd, &stat, NULL, 0) < 0)
		memset(&stat, 0xff, sizeof(stat));
	return stat;
}

/**
 * struct party - a thread that arrives
 * @fd:		the barrier
 * @thread:	the thread
 * @ret:	what muster_barrier_await() returned
 * @arrival:	and said
 */
struct party {
	int fd;
	pthread_t thread;
	int ret;
	struct muster_arrival arrival;
};

static void *party_thread(void *arg)
{
	struct party *party = arg;

	party->ret = muster_barrier_await(party->fd, MUSTER_FOREVER, &party->arrival);
	return NULL;
}

/* One more party of this process waits. */
#define ARRIVE(party, barrier) do {						\
	uint32_t before = state(barrier).waiting;				\
	(party)->fd = (barrier);						\
	ASSERT_EQ(0, pthread_create(&(party)->thread, NULL, party_thread, (party))); \
	ASSERT_SOON(state(barrier).waiting == before + 1);			\
} while (0)

static int leaves(struct party *party)
{
	pthread_join(party->thread, NULL);
	return party->ret;
}

/* A member that never arrives. */
static int idle_member(void *arg)
{
	if (muster_barrier_enter(*(int *)arg, 1))
		return 1;
	for (;;)
		pause();
}

/* Comes three times, and leaves. */
static int busy_member(void *arg)
{
	int fd = *(int *)arg, i;

	if (muster_barrier_enter(fd, 1))
		return 1;
	for (i = 0; i < 3; i++) {
		if (muster_barrier_await(fd, MUSTER_FOREVER, NULL))
			return 2;
	}
	return muster_barrier_leave(fd, 1) ? 3 : 0;
}

TEST(set_parties)
{
	int fd = muster_barrier_open(NULL, 0, 0, 3, 0);
	struct party a, b, c, d;
	uint32_t old = 0;

	ASSERT_LE(0, fd);
	ARRIVE(&a, fd);
	ARRIVE(&b, fd);
	EXPECT_EQ(0, muster_barrier_set_parties(fd, 4, &old));
	EXPECT_EQ(3, old);
	ARRIVE(&c, fd);
	EXPECT_EQ(0, muster_barrier_set_parties(fd, 3, &old));
	EXPECT_EQ(4, old);
	EXPECT_EQ(0, leaves(&a));
	EXPECT_EQ(0, leaves(&b));
	EXPECT_EQ(0, leaves(&c));
	EXPECT_EQ(a.arrival.generation, c.arrival.generation);
	ARRIVE(&d, fd);
	EXPECT_EQ(0, muster_barrier_set_parties(fd, 1, NULL));
	EXPECT_EQ(0, leaves(&d));
	EXPECT_EQ(-EINVAL, muster_barrier_set_parties(fd, 0, &old));
	EXPECT_EQ(-EINVAL, muster_barrier_set_parties(fd, 1U << 31, &old));
	EXPECT_EQ(1, state(fd).parties);
	EXPECT_EQ(-EINVAL, muster_barrier_enter(fd, 1));
	EXPECT_EQ(-EINVAL, muster_barrier_leave(fd, 1));
}

TEST(members_come_and_go)
{
	int fd = muster_barrier_open("lib-members", O_CREAT, 0600, 0,
				     MUSTER_BARRIER_MEMBERS);
	pid_t member[2];
	int i;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, muster_barrier_await(fd, MUSTER_FOREVER, NULL));
	ASSERT_EQ(0, muster_barrier_enter(fd, 1));
	for (i = 0; i < 2; i++)
		member[i] = spawn(busy_member, &fd);
	ASSERT_SOON(state(fd).seats == 3);
	EXPECT_EQ(3, state(fd).parties);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, muster_barrier_await(fd, MUSTER_FOREVER, NULL));
	EXPECT_EQ(0, reap(member[0]));
	EXPECT_EQ(0, reap(member[1]));
	EXPECT_EQ(1, state(fd).parties);
	EXPECT_EQ(0, muster_barrier_await(fd, MUSTER_FOREVER, NULL));
	EXPECT_EQ(-EPERM, muster_barrier_leave(fd, 2));
	EXPECT_EQ(0, muster_barrier_leave(fd, 1));
	EXPECT_EQ(0, state(fd).seats);
	EXPECT_EQ(-EINVAL, muster_barrier_enter(fd, 0));
	EXPECT_EQ(-EINVAL, muster_barrier_set_parties(fd, 2, NULL));
}

/* A process of several parties; what has arrived cannot leave, and no more can arrive. */
TEST(member_of_three_seats)
{
	int fd = muster_barrier_open(NULL, 0, 0, 0, MUSTER_BARRIER_MEMBERS);
	struct party a, b;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_barrier_enter(fd, 3));
	EXPECT_EQ(-ERANGE, muster_barrier_enter(fd, (1U << 31) - 1));
	EXPECT_EQ(3, state(fd).parties);
	ARRIVE(&a, fd);
	ARRIVE(&b, fd);
	EXPECT_EQ(-EBUSY, muster_barrier_leave(fd, 2));
	EXPECT_EQ(0, muster_barrier_leave(fd, 1));
	EXPECT_EQ(0, leaves(&a));
	EXPECT_EQ(0, leaves(&b));
	EXPECT_EQ(1, a.arrival.index);
	EXPECT_EQ(0, b.arrival.index);
	EXPECT_EQ(2, state(fd).parties);
}

TEST(member_arrives_once)
{
	int fd = muster_barrier_open(NULL, 0, 0, 2, MUSTER_BARRIER_MEMBERS);
	struct party a;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_barrier_enter(fd, 1));
	ARRIVE(&a, fd);
	EXPECT_EQ(-EBUSY, muster_barrier_await(fd, MUSTER_FOREVER, NULL));
	EXPECT_EQ(0, muster_barrier_reset(fd));
	EXPECT_EQ(-EPIPE, leaves(&a));
	EXPECT_EQ(MUSTER_BROKEN_RESET, a.arrival.broken_by);
}

/* The dead is named, and its seat is free for the next. */
TEST(member_dies)
{
	int fd = muster_barrier_open(NULL, 0, 0, 0, MUSTER_BARRIER_MEMBERS);
	struct muster_process process[2];
	struct muster_barrier_stat stat;
	struct party a, b;
	pid_t member;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_barrier_enter(fd, 1));
	member = spawn(idle_member, &fd);
	ASSERT_SOON(state(fd).seats == 2);
	ARRIVE(&a, fd);
	ASSERT_EQ(2, muster_barrier_stat(fd, &stat, process, 2));
	EXPECT_EQ(getpid(), process[0].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, process[0].role);
	EXPECT_EQ(member, process[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_MISSING, process[1].role);
	kill(member, SIGKILL);
	EXPECT_EQ(-EPIPE, leaves(&a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, a.arrival.broken_by);
	EXPECT_EQ(1, a.arrival.arrived);
	EXPECT_EQ(2, a.arrival.parties);
	EXPECT_EQ(member, state(fd).broken_pid);
	EXPECT_EQ(-SIGKILL, reap(member));
	EXPECT_EQ(1, state(fd).seats);
	EXPECT_EQ(2, state(fd).parties);

	ASSERT_EQ(0, muster_barrier_reset(fd));
	ASSERT_EQ(0, muster_barrier_enter(fd, 1));
	EXPECT_EQ(2, state(fd).parties);
	ARRIVE(&b, fd);
	EXPECT_EQ(0, muster_barrier_await(fd, MUSTER_FOREVER, NULL));
	EXPECT_EQ(0, leaves(&b));
}

TEST(member_dies_and_is_not_missed)
{
	int fd = muster_barrier_open(NULL, 0, 0, 0,
				     MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK);
	pid_t member[2];
	struct party a;
	int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_barrier_enter(fd, 1));
	for (i = 0; i < 2; i++)
		member[i] = spawn(idle_member, &fd);
	ASSERT_SOON(state(fd).seats == 3);
	ARRIVE(&a, fd);
	kill(member[0], SIGKILL);
	EXPECT_EQ(-SIGKILL, reap(member[0]));
	ASSERT_SOON(state(fd).parties == 2);
	EXPECT_EQ(1, state(fd).waiting);
	kill(member[1], SIGKILL);
	EXPECT_EQ(0, leaves(&a));
	EXPECT_EQ(-SIGKILL, reap(member[1]));
	EXPECT_EQ(1, state(fd).parties);
	EXPECT_EQ(2, state(fd).lost);
}

TEST_MUSTER_MAIN
