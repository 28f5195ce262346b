// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What there is, and what has happened: I5
 */
#include <stdio.h>

#include "lib_test.h"

/* More than are asked for in one go. */
#define NR	70

/**
 * struct names - what a list was
 * @prefix:	of the names that count
 * @nr:		how many
 * @stop:	end at this one
 * @last:	the last of them
 * @ordered:	each came behind the one before it
 */
struct names {
	char prefix[32];
	unsigned int nr;
	unsigned int stop;
	struct muster_entry last;
	bool ordered;
};

static void begin(struct names *names)
{
	memset(names, 0, sizeof(*names));
	snprintf(names->prefix, sizeof(names->prefix), "list-%d-", getpid());
	names->ordered = true;
}

static int see(const struct muster_entry *entry, void *arg)
{
	struct names *names = arg;
	size_t len = strlen(names->prefix);

	if (entry->name_len < len || memcmp(entry->name, names->prefix, len))
		return 0;
	if (names->nr && entry->type == names->last.type &&
	    strcmp((char *)names->last.name, (char *)entry->name) >= 0)
		names->ordered = false;
	names->last = *entry;
	names->nr++;
	return names->nr == names->stop ? 4711 : 0;
}

static int open_nth(const struct names *names, unsigned int type, unsigned int i)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%u", names->prefix, i);
	return type == MUSTER_SEM ? muster_sem_open(name, O_CREAT, 0600, 5) :
	       muster_barrier_open(name, O_CREAT, 0600, 2, 0);
}

/* I5 */
TEST(list_all)
{
	struct names names;
	int fd[NR];
	unsigned int i;

	begin(&names);
	for (i = 0; i < NR; i++) {
		fd[i] = open_nth(&names, i & 1 ? MUSTER_SEM : MUSTER_BARRIER, i);
		ASSERT_LE(0, fd[i]);
	}
	ASSERT_EQ(0, muster_list(0, see, &names));
	EXPECT_EQ(NR, names.nr);
	EXPECT_TRUE(names.ordered);

	begin(&names);
	ASSERT_EQ(0, muster_list(MUSTER_SEM, see, &names));
	EXPECT_EQ(NR / 2, names.nr);
	EXPECT_EQ(5, names.last.limit);

	begin(&names);
	names.stop = 3;
	EXPECT_EQ(4711, muster_list(0, see, &names));
	EXPECT_EQ(3, names.nr);

	for (i = 0; i < NR; i++)
		close(fd[i]);
	begin(&names);
	ASSERT_EQ(0, muster_list(0, see, &names));
	EXPECT_EQ(0, names.nr);
	EXPECT_EQ(-EINVAL, muster_list(77, see, &names));
}

/* I5 */
TEST(totals)
{
	struct muster_totals before, after;
	int fd = muster_sem_open(NULL, 0, 0, 1), saved = errno;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_totals(&before));
	EXPECT_LE(1, before.objects);
	ASSERT_EQ(0, muster_sem_acquire(fd, 1, MUSTER_FOREVER));
	ASSERT_EQ(0, muster_totals(&after));
	EXPECT_LT(before.granted, after.granted);
	EXPECT_EQ(saved, errno);
}

static int join_and_wait(void *arg)
{
	struct muster_flight_join join;

	return muster_flight_join(*(int *)arg, KEY, 0, MUSTER_FOREVER, NULL, 0, &join) < 0;
}

/* I5 */
TEST(flight_processes)
{
	struct muster_process list[4];
	struct muster_flight_join join;
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	pid_t follower;

	EXPECT_EQ(0, muster_flight_processes(fd, KEY, list, 4));
	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(fd, KEY, 0, MUSTER_FOREVER, NULL, 0,
							 &join));
	follower = spawn(join_and_wait, &fd);
	ASSERT_SOON(flight_followers(fd) == 1);
	ASSERT_EQ(2, muster_flight_processes(fd, KEY, list, 4));
	EXPECT_EQ(getpid(), list[0].pid);
	EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[0].role);
	EXPECT_EQ(1, list[0].amount);
	EXPECT_EQ(follower, list[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, list[1].role);
	EXPECT_EQ(1, muster_flight_processes(fd, KEY, list, 1));
	EXPECT_EQ(1, muster_flight_processes(fd, NULL, 0, list, 4));
	EXPECT_EQ(getpid(), list[0].pid);
	EXPECT_EQ(0, muster_flight_processes(fd, "other", 5, list, 4));
	EXPECT_EQ(-EINVAL, muster_flight_processes(fd, "x", 256, list, 4));
	ASSERT_EQ(1, muster_flight_finish(fd, KEY, join.token, 0, NULL, 0));
	EXPECT_EQ(0, reap(follower));
}

TEST_MUSTER_MAIN
