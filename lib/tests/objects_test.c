// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The library's conventions, semaphores and barriers
 */
#include "lib_test.h"

static unsigned int barrier_waiting(int fd)
{
	struct muster_barrier_stat stat;

	return muster_barrier_stat(fd, &stat, NULL, 0) < 0 ? 0 : stat.waiting;
}

/* ---- the module, errors, deadlines ---- */

/* T2 */
TEST(deadlines_saturate)
{
	uint64_t now = muster_after_ns(0);

	EXPECT_LE(now, muster_after_ns(0));
	EXPECT_LE(now + 5000000, muster_after_ms(5));
	EXPECT_GT(now + 10000000000ULL, muster_after_ms(5));
	EXPECT_EQ(MUSTER_FOREVER, muster_after_ns(MUSTER_FOREVER));
	EXPECT_EQ(MUSTER_FOREVER, muster_after_ns(MUSTER_FOREVER - 1));
	EXPECT_EQ(MUSTER_FOREVER, muster_after_ms(MUSTER_FOREVER));
	EXPECT_EQ(MUSTER_FOREVER, muster_after_ms(MUSTER_FOREVER / 1000000));
}

/* I3 */
TEST(errors_in_words)
{
	int i;

	EXPECT_STREQ("the barrier is broken", muster_strerror(-EPIPE));
	EXPECT_EQ(muster_strerror(EPIPE), muster_strerror(-EPIPE));
	EXPECT_STREQ("unknown error", muster_strerror(99999));
	EXPECT_STREQ("unknown error", muster_strerror(-2147483647 - 1));
	for (i = -200; i <= 200; i++)
		EXPECT_LT(0, strlen(muster_strerror(i)));
}

/* I1 */
TEST(info)
{
	struct muster_info info;
	int fd;

	ASSERT_EQ(0, muster_info(&info));
	EXPECT_EQ(MUSTER_API_VERSION, info.api_version);
	EXPECT_EQ(0, info.type);
	EXPECT_LT(0, info.result_max);

	fd = muster_barrier_open(NULL, 0, 0, 2, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_fd_info(fd, &info));
	EXPECT_EQ(MUSTER_BARRIER, info.type);
	EXPECT_EQ(-ENOTTY, muster_fd_info(open("/dev/null", O_RDWR), &info));
}

/* ---- opening ---- */

/* O1 */
TEST(descriptors_close_on_exec)
{
	struct muster_open how = { .type = MUSTER_SEM, .limit = 1 };
	int fd[] = {
		muster_flight_open(NULL, 0, 0, 0, 0),
		muster_barrier_open(NULL, 0, 0, 2, 0),
		muster_sem_open(NULL, 0, 0, 1),
		muster_sem_open_signalling(NULL, O_NONBLOCK, 0, 1, 0),
		muster_open(&how),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		ASSERT_LE(0, fd[i]);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd[i], F_GETFD));
	}
	/* The next free one: the device was closed each time. */
	EXPECT_EQ(fd[0] + (int)ARRAY_SIZE(fd) - 1, fd[ARRAY_SIZE(fd) - 1]);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd[3], F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, muster_sem_acquire(fd[3], 1, MUSTER_FOREVER));
}

/* I3 */
TEST(descriptor_0_is_legal)
{
	struct muster_sem_stat stat;

	ASSERT_EQ(0, dup2(muster_sem_open(NULL, 0, 0, 3), 0));
	EXPECT_EQ(0, muster_sem_acquire(0, 2, 0));
	EXPECT_EQ(0, muster_sem_stat(0, &stat, NULL, 0));
	EXPECT_EQ(2, stat.held);
	EXPECT_EQ(0, muster_sem_release(0, 2));
}

/* O2, O3, O4 */
TEST(names)
{
	char name[MUSTER_NAME_MAX + 2];
	int a, b;

	EXPECT_EQ(-ENOENT, muster_sem_open("lib-names", 0, 0, 0));
	a = muster_sem_open("lib-names", O_CREAT, 0600, 3);
	ASSERT_LE(0, a);
	EXPECT_EQ(-EEXIST, muster_sem_open("lib-names", O_CREAT | O_EXCL, 0600, 3));
	EXPECT_EQ(-EINVAL, muster_sem_open("lib-names", O_CREAT, 0600, 4));
	EXPECT_EQ(-EINVAL, muster_sem_open("", O_CREAT, 0600, 4));
	b = muster_sem_open("lib-names", 0, 0, 0);
	ASSERT_LE(0, b);
	ASSERT_EQ(0, muster_sem_acquire(a, 3, 0));
	EXPECT_EQ(-EAGAIN, muster_sem_try_acquire(b, 1));
	/* Another type, another name space. */
	EXPECT_EQ(-ENOENT, muster_barrier_open("lib-names", 0, 0, 0, 0));

	memset(name, 'x', sizeof(name));
	name[MUSTER_NAME_MAX + 1] = 0;
	EXPECT_EQ(-ENAMETOOLONG, muster_sem_open(name, O_CREAT, 0600, 1));
	name[MUSTER_NAME_MAX] = 0;
	EXPECT_LE(0, muster_sem_open(name, O_CREAT, 0600, 1));

	close(a);
	close(b);
	EXPECT_EQ(-ENOENT, muster_sem_open("lib-names", 0, 0, 0));
}

/* ---- conventions ---- */

struct everything {
	struct muster_info info;
	struct muster_grant grant;
	struct muster_arrival arrival;
	struct muster_result result;
	struct muster_flight_join join;
	struct muster_sem_stat sem;
	struct muster_barrier_stat barrier;
	struct muster_flight_stat flight;
	uint64_t old_limit;
	char buf[16];
};

/*
 * Calls every function that takes a descriptor, with the same one, and sets errno
 * before each; returns how many of them said @expected and left errno alone.
 */
#define ONE(call)	(errno = SOME_ERRNO, n += (call) == expected && errno == SOME_ERRNO)

static int call_barrier_and_sem(int fd, int expected, struct everything *e)
{
	int n = 0;

	ONE(muster_fd_info(fd, &e->info));
	ONE(muster_sem_acquire(fd, 1, 0));
	ONE(muster_sem_try_acquire(fd, 1));
	ONE(muster_sem_acquire_grant(fd, 1, 0, 0, &e->grant));
	ONE(muster_sem_release(fd, 1));
	ONE(muster_sem_set_limit(fd, 1, &e->old_limit));
	ONE(muster_sem_stat(fd, &e->sem, NULL, 0));
	ONE(muster_barrier_await(fd, 0, &e->arrival));
	ONE(muster_barrier_complete(fd, 1, 0));
	ONE(muster_barrier_run(fd, 0, NULL, NULL, &e->arrival));
	ONE(muster_barrier_reset(fd));
	ONE(muster_barrier_stat(fd, &e->barrier, NULL, 0));
	ONE(muster_barrier_set_parties(fd, 1, NULL));
	ONE(muster_barrier_enter(fd, 1));
	ONE(muster_barrier_leave(fd, 1));
	return n;
}

static int call_flight(int fd, int expected, struct everything *e)
{
	struct muster_question question = { .fn = answer_42 };
	int n = 0;

	ONE(muster_flight_ask(fd, KEY, &question, &e->result));
	ONE(muster_flight_finish_fd(fd, KEY, 1, 0, 0, 0, 0, 0));
	ONE(muster_flight_followers(fd, KEY, 1));
	ONE(muster_flight_fetch_fd(fd, 1));
	ONE(muster_flight_do(fd, KEY, answer_42, NULL, 0, &e->result));
	ONE(muster_flight_join(fd, KEY, 0, 0, e->buf, sizeof(e->buf), &e->join));
	ONE(muster_flight_finish(fd, KEY, 1, 0, "x", 1));
	ONE(muster_flight_abandon(fd, KEY, 1));
	ONE(muster_flight_forget(fd, KEY, 0));
	ONE(muster_flight_fetch(fd, 1, e->buf, sizeof(e->buf), NULL));
	ONE(muster_flight_discard(fd, 1));
	ONE(muster_flight_stat(fd, &e->flight));
	return n;
}

/* I3 */
TEST(errors_are_returned_and_errno_is_left_alone)
{
	struct everything e;
	int null = open("/dev/null", O_RDWR);

	EXPECT_EQ(15, call_barrier_and_sem(-1, -EBADF, &e));
	EXPECT_EQ(12, call_flight(-1, -EBADF, &e));
	EXPECT_EQ(15, call_barrier_and_sem(null, -ENOTTY, &e));
	EXPECT_EQ(12, call_flight(null, -ENOTTY, &e));

	errno = SOME_ERRNO;
	EXPECT_EQ(-EINVAL, muster_sem_open(NULL, 0, 0, 0));
	EXPECT_EQ(SOME_ERRNO, errno);
	muster_strerror(-EPIPE);
	muster_strerror(99999);
	muster_after_ms(1);
	muster_info(&e.info);
	EXPECT_EQ(SOME_ERRNO, errno);
}

/* I3 */
TEST(no_descriptor_left)
{
	struct rlimit none = { 0, 0 };
	struct muster_info info;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	errno = SOME_ERRNO;
	EXPECT_EQ(-EMFILE, muster_info(&info));
	EXPECT_EQ(-EMFILE, muster_sem_open(NULL, 0, 0, 1));
	EXPECT_EQ(SOME_ERRNO, errno);
}

/* ---- semaphore ---- */

static int acquire_and_die(void *arg)
{
	if (muster_sem_acquire(*(int *)arg, 2, 0))
		return 1;
	raise(SIGKILL);
	return 2;
}

/* S1, S2, S3, T2, T3 */
TEST(sem)
{
	int fd = muster_sem_open(NULL, 0, 0, 4);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, muster_sem_acquire(fd, 3, 0));
	EXPECT_EQ(-ETIMEDOUT, muster_sem_acquire(fd, 2, muster_after_ms(1)));
	EXPECT_EQ(-EAGAIN, muster_sem_try_acquire(fd, 2));
	EXPECT_EQ(-ERANGE, muster_sem_acquire(fd, 5, MUSTER_FOREVER));
	EXPECT_EQ(-EINVAL, muster_sem_acquire(fd, 1ULL << 63, MUSTER_FOREVER));
	EXPECT_EQ(-EINVAL, muster_sem_acquire_grant(fd, 1, 1U << 31, 0, NULL));
	/* Who wants a ticket asks for it by its name (T5). */
	EXPECT_EQ(-EINVAL, muster_sem_acquire_grant(fd, 1, MUSTER_WAIT_TICKET, 0, NULL));
	EXPECT_EQ(0, muster_sem_try_acquire(fd, 1));
	EXPECT_EQ(-EPERM, muster_sem_release(fd, 5));
	EXPECT_EQ(0, muster_sem_release(fd, 4));
	EXPECT_EQ(-EPERM, muster_sem_release(fd, 1));
}

/* W2, W4 */
TEST(sem_grant_tells_of_a_death)
{
	struct muster_grant first, second;
	int fd = muster_sem_open(NULL, 0, 0, 2);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_sem_acquire_grant(fd, 1, 0, 0, &first));
	EXPECT_EQ(0, first.abandoned);
	ASSERT_EQ(0, muster_sem_release(fd, 1));
	ASSERT_EQ(-SIGKILL, reap(spawn(acquire_and_die, &fd)));
	ASSERT_EQ(0, muster_sem_acquire_grant(fd, 2, 0, muster_after_ms(PATIENCE_MS),
					      &second));
	EXPECT_EQ(1, second.abandoned);
	EXPECT_EQ(0, second.reserved);
	EXPECT_LT(first.token, second.token);
	EXPECT_EQ(0, muster_sem_acquire_grant(fd, 0, MUSTER_WAIT_NONBLOCK, 0, NULL));
}

/* S4, S6 */
TEST(sem_set_limit_and_stat)
{
	struct muster_process process = { 0 };
	struct muster_sem_stat stat;
	uint64_t old = 0;
	int fd = muster_sem_open(NULL, 0, 0, 4);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_sem_acquire(fd, 3, 0));
	EXPECT_EQ(0, muster_sem_set_limit(fd, 2, &old));
	EXPECT_EQ(4, old);
	EXPECT_EQ(0, muster_sem_stat(fd, &stat, NULL, 0));
	EXPECT_EQ(1, muster_sem_stat(fd, &stat, &process, 1));
	EXPECT_EQ(2, stat.limit);
	EXPECT_EQ(3, stat.held);
	EXPECT_EQ(0, stat.available);
	EXPECT_EQ(1, stat.nr_processes);
	EXPECT_EQ(getpid(), process.pid);
	EXPECT_EQ(3, process.amount);
	EXPECT_EQ(0, muster_sem_set_limit(fd, 9, NULL));
}

/* S3 */
TEST(sem_signalling)
{
	int fd = muster_sem_open_signalling("lib-signal", O_CREAT, 0600, 2, 1);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, muster_sem_try_acquire(fd, 1));
	EXPECT_EQ(-EAGAIN, muster_sem_try_acquire(fd, 1));
	EXPECT_EQ(0, muster_sem_release(fd, 2));
	EXPECT_EQ(-EOVERFLOW, muster_sem_release(fd, 1));
	EXPECT_LE(0, muster_sem_open("lib-signal", 0, 0, 0));
}

static void on_signal(int sig)
{
}

static void *acquire_thread(void *arg)
{
	return (void *)(long)muster_sem_acquire(*(int *)arg, 1, MUSTER_FOREVER);
}

/* T3 */
TEST(sem_interrupted)
{
	struct sigaction action = { .sa_handler = on_signal };
	int fd = muster_sem_open(NULL, 0, 0, 1);
	pthread_t thread;
	void *ret;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, muster_sem_acquire(fd, 1, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, acquire_thread, &fd));
	ASSERT_SOON(sem_waiters(fd) == 1);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, &ret);
	EXPECT_EQ(-EINTR, (long)ret);
	EXPECT_EQ(0, sem_waiters(fd));
}

/* ---- barrier ---- */

#define PARTIES 5

struct party {
	int fd;
	pthread_t thread;
	int ret;
	struct muster_arrival arrival;
	muster_action_fn action;
	void *arg;
};

static void *party_thread(void *arg)
{
	struct party *p = arg;

	/* What an action that never comes back would leave there. */
	p->ret = 1;
	p->ret = muster_barrier_run(p->fd, MUSTER_FOREVER, p->action, p->arg, &p->arrival);
	return NULL;
}

static void run_parties(struct party *parties, int fd, muster_action_fn action, void *arg)
{
	int i;

	for (i = 0; i < PARTIES; i++) {
		parties[i] = (struct party){ .fd = fd, .action = action, .arg = arg };
		pthread_create(&parties[i].thread, NULL, party_thread, &parties[i]);
	}
	for (i = 0; i < PARTIES; i++)
		pthread_join(parties[i].thread, NULL);
}

/* B1 */
TEST(barrier)
{
	struct party parties[PARTIES];
	int fd = muster_barrier_open(NULL, 0, 0, PARTIES, 0);
	unsigned int seen = 0;
	uint64_t generation, i;

	ASSERT_LE(0, fd);
	for (generation = 0; generation < 3; generation++) {
		run_parties(parties, fd, NULL, NULL);
		for (i = 0, seen = 0; i < PARTIES; i++) {
			EXPECT_EQ(0, parties[i].ret);
			EXPECT_EQ(parties[0].arrival.generation,
				  parties[i].arrival.generation);
			seen |= 1U << parties[i].arrival.index;
		}
		EXPECT_EQ((1U << PARTIES) - 1, seen);
	}
}

static int count_action(void *arg, const struct muster_arrival *arrival)
{
	__atomic_add_fetch((int *)arg, 1 + 100 * arrival->index, __ATOMIC_RELAXED);
	return 0;
}

static int status_action(void *arg, const struct muster_arrival *arrival)
{
	return *(int *)arg;
}

static int exit_action(void *arg, const struct muster_arrival *arrival)
{
	pthread_exit(NULL);
}

static int reset_action(void *arg, const struct muster_arrival *arrival)
{
	return muster_barrier_reset(*(int *)arg);
}

/* B2 */
TEST(barrier_action_runs_once)
{
	struct party parties[PARTIES];
	int fd = muster_barrier_open(NULL, 0, 0, PARTIES, MUSTER_BARRIER_ACTION);
	int count = 0, i;

	ASSERT_LE(0, fd);
	run_parties(parties, fd, count_action, &count);
	EXPECT_EQ(1, count);
	for (i = 0; i < PARTIES; i++)
		EXPECT_EQ(0, parties[i].ret);
	/* No action to run, and nobody who is told: it is done all the same. */
	run_parties(parties, fd, NULL, NULL);
	for (i = 0; i < PARTIES; i++)
		EXPECT_EQ(0, parties[i].ret);
}

/* How many were told so. */
static int broken_count(const struct party *parties, unsigned int by, int status)
{
	int i, n = 0;

	for (i = 0; i < PARTIES; i++) {
		n += parties[i].ret == -EPIPE &&
		     parties[i].arrival.broken_by == by &&
		     parties[i].arrival.status == status &&
		     parties[i].arrival.arrived == PARTIES &&
		     parties[i].arrival.parties == PARTIES;
	}
	return n;
}

/* B2, B3, B5: the runner is told the same as the others */
TEST(barrier_action_fails)
{
	struct party parties[PARTIES];
	struct muster_arrival arrival;
	int fd = muster_barrier_open(NULL, 0, 0, PARTIES, MUSTER_BARRIER_ACTION);
	int status = 77;

	ASSERT_LE(0, fd);
	run_parties(parties, fd, status_action, &status);
	EXPECT_EQ(PARTIES, broken_count(parties, MUSTER_BROKEN_ACTION, 77));
	EXPECT_EQ(-EPIPE, muster_barrier_await(fd, MUSTER_FOREVER, &arrival));
	EXPECT_EQ(77, arrival.status);
	EXPECT_EQ(-EPIPE, muster_barrier_await(fd, MUSTER_FOREVER, NULL));
	EXPECT_EQ(0, muster_barrier_reset(fd));

	run_parties(parties, fd, reset_action, &fd);
	EXPECT_EQ(PARTIES, broken_count(parties, MUSTER_BROKEN_RESET, 0));
	status = 0;
	run_parties(parties, fd, status_action, &status);
	EXPECT_EQ(0, parties[0].ret);
}

/* B2: nobody hangs because the runner's thread ended */
TEST(barrier_action_ends_its_thread)
{
	struct party parties[PARTIES];
	int fd = muster_barrier_open(NULL, 0, 0, PARTIES, MUSTER_BARRIER_ACTION);

	ASSERT_LE(0, fd);
	run_parties(parties, fd, exit_action, NULL);
	EXPECT_EQ(PARTIES - 1, broken_count(parties, MUSTER_BROKEN_ACTION, -ECANCELED));
}

/* B3, B7 */
TEST(barrier_by_hand)
{
	struct muster_process process;
	struct muster_barrier_stat stat;
	struct muster_arrival arrival;
	struct party other = { .ret = 1 };
	int fd = muster_barrier_open(NULL, 0, 0, 2, MUSTER_BARRIER_ACTION);

	ASSERT_LE(0, fd);
	other.fd = fd;
	EXPECT_EQ(-EPERM, muster_barrier_complete(fd, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, muster_barrier_await(fd, 0, &arrival));
	ASSERT_EQ(0, pthread_create(&other.thread, NULL, party_thread, &other));
	ASSERT_SOON(barrier_waiting(fd) == 1);
	EXPECT_EQ(1, muster_barrier_stat(fd, &stat, &process, 1));
	EXPECT_EQ(getpid(), process.pid);
	ASSERT_EQ(1, muster_barrier_await(fd, MUSTER_FOREVER, &arrival));
	EXPECT_EQ(0, arrival.index);
	EXPECT_EQ(1, other.ret);
	EXPECT_EQ(0, muster_barrier_complete(fd, arrival.token, 0));
	pthread_join(other.thread, NULL);
	EXPECT_EQ(0, other.ret);
	EXPECT_EQ(arrival.generation, other.arrival.generation);

	EXPECT_EQ(-ETIMEDOUT, muster_barrier_await(fd, muster_after_ms(1), &arrival));
	EXPECT_EQ(-EPIPE, muster_barrier_await(fd, MUSTER_FOREVER, &arrival));
	EXPECT_EQ(MUSTER_BROKEN_TIMEOUT, arrival.broken_by);
}

TEST_MUSTER_MAIN
