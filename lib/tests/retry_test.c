// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Trying again: G5g
 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>

#include "lib_test.h"

#define MSEC	1000000ULL
#define PROCESSES 6

/* Fails so many times, with 100 plus the number of the try. */
struct trouble {
	uint32_t times;
	uint32_t tries;
	uint64_t at[10];
	int group;
};

static int try_it(uint32_t attempt, void *arg)
{
	struct trouble *trouble = arg;

	if (attempt <= 10)
		trouble->at[attempt - 1] = muster_after_ns(0);
	if (++trouble->tries != attempt)
		return 0;
	return attempt <= trouble->times ? 100 + attempt : 0;
}

/* G5g: no try follows one that has succeeded. */
TEST(until_success)
{
	struct trouble trouble = { .times = 4 };
	int status = 1;

	errno = SOME_ERRNO;
	EXPECT_EQ(5, muster_retry(try_it, &trouble, MUSTER_FOREVER, NULL, &status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(SOME_ERRNO, errno);
	EXPECT_EQ(5, trouble.tries);
	trouble = (struct trouble){ 0 };
	EXPECT_EQ(1, muster_retry(try_it, &trouble, 0, NULL, NULL));
}

/* G5g: so many times. */
TEST(so_many_tries)
{
	struct muster_retry how = { .tries = 3 };
	struct trouble trouble = { .times = 4 };
	int status;

	EXPECT_EQ(-EAGAIN, muster_retry(try_it, &trouble, MUSTER_FOREVER, &how, &status));
	EXPECT_EQ(103, status);
	EXPECT_EQ(3, trouble.tries);
}

static void no_op(int signal)
{
}

/* Each pause is at least what it should be, and chance takes no more than its part;
 * signals take nothing.
 */
TEST(pauses_grow)
{
	struct muster_retry how = {
		.pause = 4 * MSEC, .pause_max = 10 * MSEC, .tries = 6,
	};
	static const int least[] = { 4, 8, 10, 10, 10 };
	struct trouble trouble;
	struct sigaction act = { .sa_handler = no_op };
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	int i, jitter;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (jitter = 0; jitter <= 50; jitter += 50) {
		how.jitter = jitter;
		trouble = (struct trouble){ .times = 5 };
		EXPECT_EQ(6, muster_retry(try_it, &trouble, MUSTER_FOREVER, &how, NULL));
		for (i = 0; i < 5; i++)
			EXPECT_LE(least[i] * MSEC * (100 - jitter) / 100,
				  trouble.at[i + 1] - trouble.at[i]);
	}
	how.factor = 100;
	how.jitter = 0;
	how.pause = 3 * MSEC;
	trouble = (struct trouble){ .times = 5 };
	EXPECT_EQ(6, muster_retry(try_it, &trouble, MUSTER_FOREVER, &how, NULL));
	for (i = 0; i < 5; i++)
		EXPECT_LE(3 * MSEC, trouble.at[i + 1] - trouble.at[i]);
}

/* G5g: who would try later than that does not sleep until then. */
TEST(deadline)
{
	struct muster_retry how = { .pause = 3600 * 1000 * MSEC };
	struct trouble trouble = { .times = 4 };
	int status;

	EXPECT_EQ(-ETIMEDOUT, muster_retry(try_it, &trouble, muster_after_ms(3000 * 1000), &how,
					   &status));
	EXPECT_EQ(101, status);
	EXPECT_EQ(1, trouble.tries);
	how.pause = 1;
	how.factor = 100;
	trouble = (struct trouble){ .times = UINT32_MAX };
	EXPECT_EQ(-ETIMEDOUT, muster_retry(try_it, &trouble, muster_after_ms(20), &how, &status));
	/* What is too long to be counted is for ever, and later than any deadline. */
	how.pause = MUSTER_FOREVER / 2;
	how.factor = 1000;
	trouble = (struct trouble){ .times = 4 };
	EXPECT_EQ(-ETIMEDOUT, muster_retry(try_it, &trouble, MUSTER_FOREVER / 4, &how, NULL));
}

/* Without the limit the third pause would be beyond the deadline. */
TEST(pause_max)
{
	struct muster_retry how = { .pause = 1, .factor = UINT32_MAX, .pause_max = MSEC };
	struct trouble trouble = { .times = 4 };

	EXPECT_EQ(5, muster_retry(try_it, &trouble, muster_after_ms(1000 * 1000), &how, NULL));
}

static int not_102(int status, uint32_t tries, void *arg)
{
	struct trouble *trouble = arg;

	return trouble->tries == tries && status != 102;
}

TEST(which_status)
{
	struct muster_retry how = { .again = not_102 };
	struct trouble trouble = { .times = 4 };
	int status;

	EXPECT_EQ(-EAGAIN, muster_retry(try_it, &trouble, MUSTER_FOREVER, &how, &status));
	EXPECT_EQ(102, status);
}

static int cancel_at_3(uint32_t attempt, void *arg)
{
	struct trouble *trouble = arg;

	if (attempt == 3)
		muster_group_cancel(trouble->group);
	return attempt;
}

/* G3: it learns, even in a pause that would last. */
TEST(group)
{
	struct trouble trouble = { .group = muster_group_open(NULL, 0, 0, 0, 0) };
	struct muster_retry how = { .flags = MUSTER_RETRY_GROUP, .group = trouble.group };
	int status;

	EXPECT_EQ(-ECANCELED, muster_retry(cancel_at_3, &trouble, MUSTER_FOREVER, &how, &status));
	EXPECT_EQ(3, status);
	how.pause = 3600 * 1000 * MSEC;
	EXPECT_EQ(-ECANCELED, muster_retry(cancel_at_3, &trouble, MUSTER_FOREVER, &how, &status));
	EXPECT_EQ(1, status);
	how.group = 999;
	EXPECT_EQ(-EBADF, muster_retry(cancel_at_3, &trouble, MUSTER_FOREVER, &how, &status));
}

TEST(invalid)
{
	const struct muster_retry bad[] = {
		{ .flags = 2 }, { .jitter = 101 }, { .factor = 99 }, { .reserved = { 1 } },
	};
	struct trouble trouble = { 0 };
	struct muster_result result;
	int status = 1;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-EINVAL, muster_retry(try_it, &trouble, MUSTER_FOREVER, &bad[i],
						&status));
		EXPECT_EQ(0, status);
		EXPECT_EQ(-EINVAL, muster_flight_retry(0, KEY, NULL, NULL, 0, &bad[i], &result));
		EXPECT_EQ(NULL, result.data);
	}
	EXPECT_EQ(0, trouble.tries);
}

/* ---- one tries for all ---- */

struct shared {
	int flight;
	int tries;
	int good;
	int pid;
};

static struct shared *shared;

/* Fails twice; in the first process that has come so far it is killed then. */
static int tedious(struct muster_work *work, void *arg)
{
	int tries = __atomic_add_fetch(&shared->tries, 1, __ATOMIC_SEQ_CST);
	struct muster_flight_stat stat;

	muster_work_set(work, "not yet", 7);
	muster_work_keep(work, MUSTER_FOREVER, 0, MUSTER_FINISH_KEEP_FAILURE);
	do
		usleep(1000);
	while (muster_flight_stat(work->fd, &stat) || stat.followers < PROCESSES - work->attempt);
	if (tries == 2)
		raise(SIGKILL);
	if (tries < 5)
		return tries;
	return muster_work_set(work, "42", 2);
}

static int ask_patiently(void *arg)
{
	struct muster_retry how = { .pause = MSEC, .tries = 3 };
	struct muster_result result;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ret = muster_flight_retry(shared->flight, KEY, tedious, arg, MUSTER_FOREVER, &how, &result);
	if (!ret && !result.status && !strcmp(result.data, "42") && result.attempt == 2)
		__atomic_add_fetch(&shared->good, 1, __ATOMIC_SEQ_CST);
	muster_result_free(&result);
	return ret ? 1 : 0;
}

/* G5g, F6: two tries; killed; three by the next, the last of which is good for all. */
TEST(one_for_all)
{
	pid_t pid[PROCESSES];
	int i, killed = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	shared->flight = muster_flight_open(NULL, 0, 0, 0, 0);
	for (i = 0; i < PROCESSES; i++)
		pid[i] = spawn(ask_patiently, NULL);
	for (i = 0; i < PROCESSES; i++)
		killed += reap(pid[i]) == -SIGKILL;
	EXPECT_EQ(1, killed);
	EXPECT_EQ(5, shared->tries);
	EXPECT_EQ(PROCESSES - 1, shared->good);
}

static int never(struct muster_work *work, void *arg)
{
	uint32_t *tries = arg;

	++*tries;
	return muster_work_set(work, "no", 2) ? -1 : 5;
}

/* What the last try said is what all are told. */
TEST(shared_failure)
{
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	struct muster_retry how = { .tries = 3 };
	struct muster_result result;
	uint32_t tries = 0;

	EXPECT_EQ(0, muster_flight_retry(fd, KEY, never, &tries, MUSTER_FOREVER, &how, &result));
	EXPECT_EQ(5, result.status);
	EXPECT_STREQ("no", result.data);
	EXPECT_EQ(3, tries);
	muster_result_free(&result);
}

static int better(struct muster_work *work, void *arg)
{
	uint32_t *tries = arg;

	if (++*tries == 2)
		return 0;
	muster_work_keep(work, MUSTER_FOREVER, 0, MUSTER_FINISH_KEEP_FAILURE);
	return muster_work_set(work, "no", 2) ? -1 : 5;
}

/* What a try said that failed is forgotten. */
TEST(tries_are_apart)
{
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	struct muster_flight_stat stat;
	struct muster_result result;
	uint32_t tries = 0;

	EXPECT_EQ(0, muster_flight_retry(fd, KEY, better, &tries, MUSTER_FOREVER, NULL, &result));
	EXPECT_EQ(0, result.status);
	EXPECT_EQ(0, result.len);
	EXPECT_EQ(0, muster_flight_stat(fd, &stat));
	EXPECT_EQ(0, stat.kept);
	muster_result_free(&result);
}

TEST_MUSTER_MAIN
