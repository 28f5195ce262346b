// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schedule: G5h
 */
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "lib_test.h"

#define MSEC		1000000ULL
#define HOUR		(3600ULL * 1000 * MSEC)
#define PROCESSES	5
#define THREADS		4
#define INSTANTS	20000
#define ATTEMPTS	8

/* Where everything is a hundred times slower than elsewhere. */
#define SLOW		250
#define ROUNDS		50

/* What runs where all processes can see it. */
struct shared {
	int flight;
	uint64_t base;
	int runs;
	int done;
	int wrong;
	int count[INSTANTS];
};

static struct shared *shared;

FIXTURE(schedule) {
	struct muster_schedule *schedule;
};

FIXTURE_SETUP(schedule)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	shared->flight = muster_flight_open(NULL, 0, 0, ATTEMPTS - 1, 0);
	ASSERT_EQ(0, muster_schedule_open(&self->schedule));
	errno = SOME_ERRNO;
}

FIXTURE_TEARDOWN(schedule)
{
	muster_schedule_close(self->schedule);
	close(shared->flight);
}

static bool is_due(struct muster_schedule *schedule)
{
	struct pollfd p = { .fd = muster_schedule_fd(schedule), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static int add_to(int *counter, int n)
{
	return __atomic_add_fetch(counter, n, __ATOMIC_SEQ_CST);
}

/* ---- one process ---- */

/* What has run, in order. */
struct diary {
	int nr;
	struct muster_occasion entries[600];
	int last;
};

static int note(const struct muster_occasion *occasion, void *arg)
{
	struct diary *diary = arg;

	diary->entries[diary->nr++] = *occasion;
	return diary->nr == diary->last;
}

static struct diary diary;

TEST_F(schedule, at)
{
	uint64_t now = muster_after_ns(0), id[3];

	EXPECT_FALSE(is_due(self->schedule));
	ASSERT_EQ(0, muster_schedule_after(self->schedule, HOUR, note, &diary, &id[0]));
	EXPECT_FALSE(is_due(self->schedule));
	EXPECT_EQ(0, muster_schedule_run(self->schedule));
	ASSERT_EQ(0, muster_schedule_at(self->schedule, now, note, &diary, &id[1]));
	ASSERT_EQ(0, muster_schedule_at(self->schedule, 0, note, &diary, &id[2]));
	ASSERT_SOON(is_due(self->schedule));
	EXPECT_EQ(2, muster_schedule_run(self->schedule));
	EXPECT_FALSE(is_due(self->schedule));
	EXPECT_EQ(id[2], diary.entries[0].id);
	EXPECT_EQ(0, diary.entries[0].instant);
	EXPECT_EQ(id[1], diary.entries[1].id);
	EXPECT_EQ(now, diary.entries[1].instant);
	EXPECT_EQ(1, diary.entries[1].attempt);
	EXPECT_EQ(-ETIMEDOUT, muster_schedule_wait(self->schedule, muster_after_ms(1)));
	EXPECT_EQ(0, muster_schedule_cancel(self->schedule, id[0]));
	EXPECT_EQ(-ENOENT, muster_schedule_cancel(self->schedule, id[0]));
	EXPECT_EQ(-ENOENT, muster_schedule_cancel(self->schedule, id[1]));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_EQ(2, diary.nr);
	EXPECT_EQ(SOME_ERRNO, errno);
}

TEST_F(schedule, after)
{
	uint64_t start = muster_after_ns(0);
	int i;

	ASSERT_EQ(0, muster_schedule_after(self->schedule, 20 * MSEC, note, &diary, NULL));
	ASSERT_EQ(0, muster_schedule_after(self->schedule, 10 * MSEC, note, &diary, NULL));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_LE(start + 20 * MSEC, muster_after_ns(0));
	EXPECT_EQ(2, diary.nr);
	/* Usually the second is the first. */
	EXPECT_LE(diary.entries[0].instant, diary.entries[1].instant);
	for (i = 0; i < 2; i++)
		EXPECT_LE(start + (diary.entries[i].id == 1 ? 20 : 10) * MSEC,
			  diary.entries[i].instant);
}

/* G5h: instants are on their grid, and none is lost count of. */
TEST_F(schedule, every)
{
	uint64_t start = muster_after_ns(0), missed = 0;
	int i;

	diary.last = 10;
	EXPECT_EQ(-EINVAL, muster_schedule_every(self->schedule, 0, note, &diary, NULL));
	ASSERT_EQ(0, muster_schedule_every(self->schedule, MSEC, note, &diary, NULL));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_EQ(10, diary.nr);
	EXPECT_LE(start + MSEC, diary.entries[0].instant - diary.entries[0].missed * MSEC);
	for (i = 1; i < 10; i++) {
		missed += diary.entries[i].missed;
		EXPECT_EQ(diary.entries[0].instant + (i + missed) * MSEC,
			  diary.entries[i].instant);
	}
}

/* G5h: what was before it was added is left out; what it misses is counted. */
TEST_F(schedule, grid)
{
	struct muster_job job = { .fn = note, .arg = &diary, .period = 5 * MSEC };
	uint64_t start = muster_after_ns(0), added;

	diary.last = 1;
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	added = muster_after_ns(0);
	/* So long that it must have missed some. */
	while (muster_after_ns(0) < added + 20 * MSEC)
		;
	EXPECT_EQ(1, muster_schedule_run(self->schedule));
	EXPECT_EQ(0, diary.entries[0].instant % (5 * MSEC));
	EXPECT_LE(added + 15 * MSEC, diary.entries[0].instant);
	EXPECT_LE(2, diary.entries[0].missed);
	EXPECT_LE(start, diary.entries[0].instant - diary.entries[0].missed * 5 * MSEC);
}

static uint64_t realtime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000 * MSEC + ts.tv_nsec;
}

TEST_F(schedule, realtime)
{
	struct muster_job job = {
		.fn = note, .arg = &diary, .flags = MUSTER_WAIT_REALTIME,
		.first = realtime() + 5 * MSEC,
	};

	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_LE(job.first, realtime());
	EXPECT_EQ(1, diary.nr);
	EXPECT_EQ(job.first, diary.entries[0].instant);
	job.first = realtime() + HOUR;
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	job.first = MUSTER_FOREVER;
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	EXPECT_FALSE(is_due(self->schedule));
}

TEST_F(schedule, invalid)
{
	struct muster_job job = { .fn = note };

	job.flags = 1;
	EXPECT_EQ(-EINVAL, muster_schedule_add(self->schedule, &job, NULL));
	job.flags = 0;
	job.reserved[3] = 1;
	EXPECT_EQ(-EINVAL, muster_schedule_add(self->schedule, &job, NULL));
	job.reserved[3] = 0;
	job.flags = MUSTER_JOB_SHARED;
	job.key = "";
	EXPECT_EQ(-EINVAL, muster_schedule_add(self->schedule, &job, NULL));
	job.key_len = MUSTER_KEY_MAX - 7;
	EXPECT_EQ(-EINVAL, muster_schedule_add(self->schedule, &job, NULL));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, 0));
}

static int not_mine(void *arg)
{
	struct muster_schedule *schedule = arg;

	if (muster_schedule_after(schedule, 0, note, &diary, NULL) != -EPERM)
		return 1;
	if (muster_schedule_cancel(schedule, 1) != -EPERM)
		return 2;
	return muster_schedule_run(schedule) != -EPERM;
}

TEST_F(schedule, of_the_parent)
{
	ASSERT_EQ(0, muster_schedule_after(self->schedule, 0, note, &diary, NULL));
	EXPECT_EQ(0, reap(spawn(not_mine, self->schedule)));
	EXPECT_EQ(1, muster_schedule_run(self->schedule));
}

/* In order of time, and of age; and without those that were cancelled in between. */
TEST_F(schedule, order)
{
	uint64_t id[600];
	unsigned int seed = 1;
	int i, cancelled = 0;

	for (i = 0; i < 600; i++)
		ASSERT_EQ(0, muster_schedule_at(self->schedule, rand_r(&seed) % 200, note, &diary,
						&id[i]));
	for (i = 0; i < 600; i++) {
		if (rand_r(&seed) % 3)
			continue;
		ASSERT_EQ(0, muster_schedule_cancel(self->schedule, id[i]));
		cancelled++;
	}
	EXPECT_LT(100, cancelled);
	EXPECT_EQ(600 - cancelled, muster_schedule_run(self->schedule));
	EXPECT_EQ(600 - cancelled, diary.nr);
	for (i = 1; i < diary.nr; i++) {
		struct muster_occasion *a = &diary.entries[i - 1], *b = a + 1;

		ASSERT_TRUE(a->instant < b->instant ||
			    (a->instant == b->instant && a->id < b->id));
	}
}

static struct muster_schedule *in_use;

static int add_another(const struct muster_occasion *occasion, void *arg)
{
	int *left = arg;

	if (occasion->id % 2 && muster_schedule_cancel(in_use, occasion->id) != 1)
		add_to(&shared->wrong, 1);
	return --*left ? muster_schedule_after(in_use, 1, add_another, left, NULL) : 0;
}

/* A job may add others, and cancel itself. */
TEST_F(schedule, jobs_of_jobs)
{
	int left = 7;

	in_use = self->schedule;
	ASSERT_EQ(0, muster_schedule_every(self->schedule, 1, add_another, &left, NULL));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_EQ(0, left);
	EXPECT_EQ(0, shared->wrong);
}

/* ---- threads ---- */

static int count(const struct muster_occasion *occasion, void *arg)
{
	add_to(&shared->runs, 1);
	return 0;
}

static void *wait_in_thread(void *arg)
{
	return (void *)(long)muster_schedule_wait(arg, MUSTER_FOREVER);
}

/* All threads learn that nothing is left: schedgroup's Wait may sleep for ever here. */
TEST_F_TIMEOUT(schedule, threads, SLOW)
{
	pthread_t thread[THREADS];
	int round, i;
	void *ret;
	uint64_t id;

	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, muster_schedule_after(self->schedule, HOUR, count, NULL, &id));
		for (i = 0; i < THREADS; i++)
			pthread_create(&thread[i], NULL, wait_in_thread, self->schedule);
		for (i = 0; i < 20; i++)
			ASSERT_EQ(0, muster_schedule_after(self->schedule, i * 10000, count, NULL,
							   NULL));
		ASSERT_SOON(__atomic_load_n(&shared->runs, __ATOMIC_SEQ_CST) == 20 * (round + 1));
		ASSERT_EQ(0, muster_schedule_cancel(self->schedule, id));
		for (i = 0; i < THREADS; i++) {
			pthread_join(thread[i], &ret);
			ASSERT_EQ(NULL, ret);
		}
	}
	EXPECT_EQ(20 * ROUNDS, shared->runs);
}

static int end_thread(const struct muster_occasion *occasion, void *arg)
{
	int *times = arg;

	if (++*times == 1)
		pthread_exit(times);
	return *times == 3;
}

/* A job that does not come back goes on at its next instant. */
TEST_F(schedule, job_ends_thread)
{
	struct muster_job job = {
		.fn = end_thread, .first = 0, .period = MSEC, .flags = MUSTER_JOB_SHARED,
		.flight = shared->flight, .key = "key", .key_len = 3,
	};
	int times = 0, i;
	pthread_t thread;
	void *ret;

	job.arg = &times;
	for (i = 0; i < 2; i++) {
		job.flags = i ? MUSTER_JOB_SHARED : 0;
		times = 0;
		ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
		pthread_create(&thread, NULL, wait_in_thread, self->schedule);
		pthread_join(thread, &ret);
		EXPECT_EQ(&times, ret);
		EXPECT_EQ(1, times);
		EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
		EXPECT_EQ(3, times);
	}
}

/* ---- many processes ---- */

static struct muster_job shared_job(muster_job_fn fn, uint64_t first, uint64_t period)
{
	return (struct muster_job){
		.fn = fn, .first = first, .period = period, .flags = MUSTER_JOB_SHARED,
		.flight = shared->flight, .key = "key", .key_len = 3,
	};
}

static int run_job(void *arg)
{
	struct muster_schedule *schedule;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ret = muster_schedule_open(&schedule);
	if (!ret)
		ret = muster_schedule_add(schedule, arg, NULL);
	if (!ret)
		ret = muster_schedule_wait(schedule, MUSTER_FOREVER);
	muster_schedule_close(schedule);
	return ret ? 1 : 0;
}

/* Kills the first two. */
static int dangerous(const struct muster_occasion *occasion, void *arg)
{
	struct muster_flight_stat stat;
	int run = add_to(&shared->runs, 1);

	if (run != (int)occasion->attempt || !occasion->token)
		add_to(&shared->wrong, 1);
	do
		usleep(1000);
	while (muster_flight_stat(shared->flight, &stat) || stat.followers < PROCESSES - run);
	if (run <= 2)
		raise(SIGKILL);
	add_to(&shared->done, 1);
	return 0;
}

/* G5h, F6: one runs it; if that dies another one does, and then nobody any more. */
TEST_F(schedule, runner_killed)
{
	struct muster_job job = shared_job(dangerous, muster_after_ns(0), 0);
	pid_t pid[PROCESSES];
	int i, killed = 0;

	for (i = 0; i < PROCESSES; i++)
		pid[i] = spawn(run_job, &job);
	for (i = 0; i < PROCESSES; i++) {
		int ret = reap(pid[i]);

		killed += ret == -SIGKILL;
		EXPECT_TRUE(ret == 0 || ret == -SIGKILL);
	}
	EXPECT_EQ(2, killed);
	EXPECT_EQ(3, shared->runs);
	EXPECT_EQ(1, shared->done);
	EXPECT_EQ(0, shared->wrong);
	/* Who comes now finds that it has been run. */
	EXPECT_EQ(0, reap(spawn(run_job, &job)));
	EXPECT_EQ(3, shared->runs);
}

/* G5h, F8: who is later than can be known has missed it. */
TEST_F(schedule, late)
{
	struct muster_job job = shared_job(count, 0, 0);

	job.window = 1;
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	job.window = muster_after_ns(HOUR);
	job.key_len = 2;
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_EQ(1, shared->runs);
}

/* Of the others, too, the jobs go on; and what cannot be joined is told. */
TEST_F(schedule, others_wait)
{
	struct muster_job job = shared_job(count, 1, 0);
	struct muster_flight_join join;
	char key[11] = "key\0\0\0\0\0\0\0\1";
	int sem;

	job.window = MUSTER_FOREVER;
	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(shared->flight, key, 11, 0, 0, NULL, 0,
							 &join));
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	ASSERT_EQ(0, muster_schedule_after(self->schedule, 0, count, NULL, NULL));
	EXPECT_EQ(1, muster_schedule_run(self->schedule));
	EXPECT_FALSE(is_due(self->schedule));
	EXPECT_EQ(-ETIMEDOUT, muster_schedule_wait(self->schedule, 0));
	EXPECT_EQ(1, muster_flight_abandon(shared->flight, key, 11, join.token));
	ASSERT_SOON(is_due(self->schedule));
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	EXPECT_EQ(2, shared->runs);
	sem = muster_sem_open(NULL, 0, 0, 1);
	job.flight = sem;
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	EXPECT_EQ(-ENOTTY, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
	close(sem);
	EXPECT_EQ(0, muster_schedule_wait(self->schedule, MUSTER_FOREVER));
}

/* A child that frees what it has inherited. */
static void child_closes(struct muster_schedule *schedule)
{
	pid_t pid = fork();

	if (!pid) {
		muster_schedule_close(schedule);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* G5h, I3: a child has no part in the schedule, and to close it takes nothing away. */
TEST_F(schedule, closed_by_a_child)
{
	struct muster_job job = shared_job(count, 1, 0);
	struct muster_flight_join join;
	char key[11] = "key\0\0\0\0\0\0\0\1";

	ASSERT_EQ(0, muster_schedule_after(self->schedule, HOUR, count, NULL, NULL));
	child_closes(self->schedule);
	EXPECT_EQ(-ETIMEDOUT, muster_schedule_wait(self->schedule, muster_after_ms(10)));
	job.window = MUSTER_FOREVER;
	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(shared->flight, key, 11, 0, 0, NULL, 0,
							 &join));
	ASSERT_EQ(0, muster_schedule_add(self->schedule, &job, NULL));
	EXPECT_EQ(0, muster_schedule_run(self->schedule));
	child_closes(self->schedule);
	EXPECT_EQ(1, muster_flight_abandon(shared->flight, key, 11, join.token));
	ASSERT_SOON(is_due(self->schedule));
	EXPECT_EQ(1, muster_schedule_run(self->schedule));
	EXPECT_EQ(1, shared->runs);
}

#define PERIOD		(10 * MSEC)
#define KILLS		12

static int count_instant(const struct muster_occasion *occasion, void *arg)
{
	uint64_t n = (occasion->instant - shared->base) / PERIOD;

	if (occasion->instant % PERIOD || occasion->attempt >= ATTEMPTS)
		add_to(&shared->wrong, 1);
	if (n < INSTANTS)
		add_to(&shared->count[n], 1);
	usleep(500);
	add_to(&shared->runs, 1);
	return 0;
}

/*
 * How often an instant was run that had been run: once for each death at most, as the next
 * attempt of those who wait, or as the first of one who comes when nobody does.
 */
static unsigned int count_again(void)
{
	unsigned int n, again = 0;

	for (n = 0; n < INSTANTS; n++)
		again += shared->count[n] > 1 ? shared->count[n] - 1 : 0;
	return again;
}

/* G5h: processes run the same schedule, and are killed, and others come instead. */
TEST_F_TIMEOUT(schedule, many_processes, SLOW)
{
	struct muster_job job = shared_job(count_instant, 0, PERIOD);
	unsigned int seed = 1;
	pid_t pid[PROCESSES];
	int i, n, runs;

	shared->base = muster_after_ns(0) / PERIOD * PERIOD;
	for (i = 0; i < PROCESSES; i++)
		pid[i] = spawn(run_job, &job);
	for (n = 0; n < KILLS; n++) {
		i = rand_r(&seed) % PROCESSES;
		usleep(rand_r(&seed) % 10000);
		kill(pid[i], SIGKILL);
		EXPECT_EQ(-SIGKILL, reap(pid[i]));
		pid[i] = spawn(run_job, &job);
	}
	/* It goes on after all that. */
	runs = __atomic_load_n(&shared->runs, __ATOMIC_SEQ_CST);
	ASSERT_SOON(__atomic_load_n(&shared->runs, __ATOMIC_SEQ_CST) > runs + 3);
	for (i = 0; i < PROCESSES; i++) {
		kill(pid[i], SIGKILL);
		reap(pid[i]);
	}
	EXPECT_EQ(0, shared->wrong);
	EXPECT_LE(count_again(), KILLS + PROCESSES);
}

TEST_MUSTER_MAIN
