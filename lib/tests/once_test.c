// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Once: F6, F8, G5a
 */
#include <stdio.h>
#include <string.h>

#include "lib_test.h"

#define NR		8
#define BYTES_MAX_FILE	"/sys/module/muster/parameters/bytes_max"

/**
 * struct deed - what is done once
 * @fd:		the group
 * @runs:	how often the function began
 * @ended:	and how often it ended
 * @deaths:	the function is to die so often
 * @status:	of the function
 * @flags:	of muster_once()
 */
struct deed {
	int fd;
	volatile unsigned int runs;
	volatile unsigned int ended;
	volatile unsigned int deaths;
	volatile int status;
	volatile unsigned int flags;
};

static int run(struct muster_work *work, void *arg)
{
	struct deed *deed = arg;
	char text[16];

	snprintf(text, sizeof(text), "run %u",
		 __atomic_add_fetch(&deed->runs, 1, __ATOMIC_RELAXED));
	if (deed->runs <= deed->deaths)
		raise(SIGKILL);
	muster_work_set(work, text, strlen(text) + 1);
	__atomic_add_fetch(&deed->ended, 1, __ATOMIC_RELAXED);
	return deed->status;
}

static int ask(struct deed *deed, struct muster_result *result)
{
	return muster_once(deed->fd, KEY, run, deed, deed->flags, MUSTER_FOREVER, result);
}

/* Which run it is told of, or 0. */
static int ask_which(void *arg)
{
	struct muster_result result;
	int which = 0;

	if (ask(arg, &result))
		return 100;
	if (!result.status && result.len)
		which = atoi(result.data + 4);
	muster_result_free(&result);
	return which;
}

FIXTURE(once) {
	struct deed *deed;
};

FIXTURE_SETUP(once)
{
	self->deed = share(sizeof(*self->deed));
	ASSERT_NE(NULL, self->deed);
	self->deed->fd = muster_flight_open(NULL, 0, 0, 0, 0);
	ASSERT_LE(0, self->deed->fd);
}

FIXTURE_TEARDOWN(once)
{
}

/* G5a: many processes, at once and later, one run. */
TEST_F(once, many)
{
	struct muster_result result;
	pid_t pid[NR];
	int i;

	for (i = 0; i < NR; i++)
		pid[i] = spawn(ask_which, self->deed);
	for (i = 0; i < NR; i++)
		EXPECT_EQ(1, reap(pid[i]));
	ASSERT_EQ(0, ask(self->deed, &result));
	EXPECT_STREQ("run 1", result.data);
	EXPECT_EQ(MUSTER_OUTCOME_KEPT, result.outcome);
	muster_result_free(&result);
	errno = SOME_ERRNO;
	EXPECT_EQ(0, ask(self->deed, NULL));
	EXPECT_EQ(SOME_ERRNO, errno);
	EXPECT_EQ(1, self->deed->runs);
	EXPECT_EQ(1, muster_flight_forget(self->deed->fd, KEY, 0));
	EXPECT_EQ(2, ask_which(self->deed));
}

/* G5a, F6: who is killed over it has not done it. */
TEST_F(once, killed)
{
	int i, ret, dead = 0;
	pid_t pid[NR];

	self->deed->deaths = 3;
	for (i = 0; i < NR; i++)
		pid[i] = spawn(ask_which, self->deed);
	for (i = 0; i < NR; i++) {
		ret = reap(pid[i]);
		dead += ret == -SIGKILL;
		EXPECT_TRUE(ret == 4 || ret == -SIGKILL);
	}
	EXPECT_EQ(3, dead);
	EXPECT_EQ(4, self->deed->runs);
	EXPECT_EQ(1, self->deed->ended);
	EXPECT_EQ(4, ask_which(self->deed));
}

/* G5a, F8: to have failed is not to have done it, unless that is asked for. */
TEST_F(once, failures)
{
	struct muster_result result;

	self->deed->status = -7;
	ASSERT_EQ(0, ask(self->deed, &result));
	EXPECT_EQ(-7, result.status);
	muster_result_free(&result);
	self->deed->flags = MUSTER_FINISH_KEEP_FAILURE;
	ASSERT_EQ(0, ask(self->deed, &result));
	EXPECT_EQ(0, result.outcome);
	muster_result_free(&result);
	self->deed->status = 0;
	ASSERT_EQ(0, ask(self->deed, &result));
	EXPECT_EQ(MUSTER_OUTCOME_KEPT, result.outcome);
	EXPECT_EQ(-7, result.status);
	EXPECT_STREQ("run 2", result.data);
	muster_result_free(&result);
	EXPECT_EQ(2, self->deed->runs);
	self->deed->flags = 1 << 5;
	EXPECT_EQ(-EINVAL, ask(self->deed, NULL));
}

static int wants_other(struct muster_work *work, void *arg)
{
	muster_work_keep(work, 0, 0, 0);
	return run(work, arg);
}

/* G5a: once is once, whatever the function wishes. */
TEST_F(once, has_other_wishes)
{
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, muster_once(self->deed->fd, KEY, wants_other, self->deed, 0, 0,
					 NULL));
	EXPECT_EQ(1, self->deed->runs);
}

static unsigned long set_bytes_max(unsigned long bytes)
{
	unsigned long old = 0;
	FILE *file = fopen(BYTES_MAX_FILE, "r+");

	if (!file)
		return 0;
	if (fscanf(file, "%lu", &old) == 1) {
		rewind(file);
		fprintf(file, "%lu\n", bytes);
	}
	fclose(file);
	return old;
}

/* G5a, O7: what cannot be kept is not passed off as done. */
TEST_F(once, no_room)
{
	unsigned long old = set_bytes_max(0);
	struct muster_result result;

	if (!old)
		SKIP(return, "no " BYTES_MAX_FILE);
	EXPECT_EQ(-ENOBUFS, ask(self->deed, &result));
	EXPECT_STREQ("run 1", result.data);
	muster_result_free(&result);
	set_bytes_max(old);
	EXPECT_EQ(2, ask_which(self->deed));
	EXPECT_EQ(2, ask_which(self->deed));
}

TEST_MUSTER_MAIN
