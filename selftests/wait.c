// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: T1 to T4 and T6
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY	"key"

FIXTURE(waiting) {
	int fd;
	struct puppet *a, *b;
};

FIXTURE_SETUP(waiting)
{
	self->fd = open_sem(1);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(waiting)
{
	close(self->fd);
}

#define WAIT_BY(p, job) do {						\
	__u32 _before = sem_state(self->fd).waiters;			\
	tell(p, job);							\
	ASSERT_SOON(sem_state(self->fd).waiters == _before + 1);	\
} while (0)

#define EXPECT_SEM(_held, _waiters) do {				\
	struct muster_sem_stat _stat = sem_state(self->fd);		\
	EXPECT_EQ(_held, _stat.held);					\
	EXPECT_EQ(1 - (_held), _stat.available);			\
	EXPECT_EQ(_waiters, _stat.waiters);				\
} while (0)

/* ---- deadlines ---- */

/* T2: not before the deadline, by the monotonic clock or the real one. */
TEST_F(waiting, deadline)
{
	static const struct {
		__u32 flags;
		int clock;
	} clocks[] = {
		{ 0, CLOCK_MONOTONIC },
		{ MUSTER_WAIT_REALTIME, CLOCK_REALTIME },
	};
	__u64 deadline;
	unsigned int i;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		deadline = clock_ns(clocks[i].clock) + 30 * NSEC_PER_MSEC;
		EXPECT_EQ(-ETIMEDOUT, ask(self->a, acquire_by(self->fd, 1, clocks[i].flags,
							      deadline)));
		EXPECT_LE(deadline, clock_ns(clocks[i].clock));
		EXPECT_SEM(1, 0);
	}
}

/* T2: what is free is granted even when the deadline has passed. */
TEST_F(waiting, late_but_free)
{
	__u32 flags[] = { 0, MUSTER_WAIT_REALTIME };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(0, ask(self->a, acquire_by(self->fd, 1, flags[i], 0)));
		EXPECT_SEM(1, 0);
		EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
		EXPECT_EQ(0, ask(self->a, acquire_by(self->fd, 1, flags[i], 1)));
		EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	}
}

/* T2: with a deadline in the past it does not wait, and the queue does not notice. */
TEST_F(waiting, late_and_taken)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	EXPECT_EQ(-ETIMEDOUT, ask(self->a, acquire_by(self->fd, 1, 0, 0)));
	EXPECT_EQ(-ETIMEDOUT, ask(self->a, acquire_by(self->fd, 1, 0, in_ms(0))));
	EXPECT_EQ(-ETIMEDOUT, ask(self->a, acquire_by(self->fd, 1, MUSTER_WAIT_REALTIME,
						      1)));
	EXPECT_SEM(1, 0);
	WAIT_BY(self->b, acquire(self->fd, 1));
	EXPECT_EQ(-ETIMEDOUT, ask(self->a, acquire_by(self->fd, 1, 0, 1)));
	EXPECT_SEM(1, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->b));
}

/* T2: the largest values wait for ever, by either clock. */
TEST_F(waiting, forever)
{
	static const __u64 deadlines[] = {
		MUSTER_FOREVER, INT64_MAX, INT64_MAX + 1ULL, INT64_MAX - 1,
	};
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(deadlines); i++) {
		ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
		WAIT_BY(self->a, acquire_by(self->fd, 1, i % 2 ? MUSTER_WAIT_REALTIME : 0,
					    deadlines[i / 2]));
		ASSERT_SOON(is_asleep(self->a));
		ASSERT_EQ(0, ask(me, release(self->fd, 1)));
		EXPECT_EQ(0, hear(self->a));
		ASSERT_EQ(0, ask(self->a, release(self->fd, 1)));
	}
}

/* T2: deadlines are in the time that the caller's time namespace shows. */
TEST_F(waiting, time_namespace)
{
	static const long days = 100;
	struct muster_process list[1];
	__u64 host = clock_ns(CLOCK_MONOTONIC);
	__u64 apart = days * 24 * 3600 * NSEC_PER_SEC;
	struct puppet *c;
	char offset[64];
	int fd, len;

	if (ask(me, do_unshare(CLONE_NEWTIME)))
		SKIP(return, "no time namespace: %s", strerror(-me->ret));
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	ASSERT_LE(0, fd);
	len = snprintf(offset, sizeof(offset), "monotonic %ld 0", days * 24 * 3600);
	ASSERT_EQ(len, write(fd, offset, len));
	close(fd);
	/* Children live there. The test itself does not. */
	c = puppet();

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	/* Long ago by the namespace's clock, far off by the host's. */
	EXPECT_EQ(-ETIMEDOUT, ask(c, acquire_by(self->fd, 1, 0, host + apart / 2)));
	EXPECT_EQ(-ETIMEDOUT, ask(c, acquire_by(self->fd, 1, 0, host + apart)));
	EXPECT_EQ(-ETIMEDOUT, ask(c, acquire_by(self->fd, 1, 0, 1)));
	EXPECT_EQ(-ETIMEDOUT, ask(c, acquire_by(self->fd, 1, 0,
						in_ms(20) + apart)));
	EXPECT_LE(host + 20 * NSEC_PER_MSEC, clock_ns(CLOCK_MONOTONIC));
	WAIT_BY(c, acquire_by(self->fd, 1, 0, in_ms(60000) + apart));
	ASSERT_EQ(1, sem_state(self->fd).waiters);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(c));
	/* What STAT tells is in the reader's time as well. */
	ASSERT_EQ(1, sem_processes(self->fd, list, 1));
	EXPECT_LE(list[0].since, clock_ns(CLOCK_MONOTONIC) + 10 * NSEC_PER_MSEC);
}

/* T2: there, too, what is nearly never does not come. */
TEST_F(waiting, far_off)
{
	const __u64 never = INT64_MAX - 1;
	static const char behind[] = "monotonic -1 0";
	struct puppet *c;
	int fd;

	if (ask(me, do_unshare(CLONE_NEWTIME)))
		SKIP(return, "no time namespace: %s", strerror(-me->ret));
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(strlen(behind), write(fd, behind, strlen(behind)));
	close(fd);
	c = puppet();

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	WAIT_BY(c, acquire_by(self->fd, 1, 0, never));
	WAIT_BY(self->a, acquire_by(self->fd, 1, 0, never));
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(c));
	ASSERT_EQ(0, ask(c, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 1)));
}

/* ---- not waiting ---- */

/* T3: EAGAIN by flag, and by O_NONBLOCK, given at the open or later. */
TEST_F(waiting, nonblock)
{
	const char *name = unique_name("");
	int fd = open_named(MUSTER_SEM, name, O_CREAT, 1);
	int nonblock = open_named(MUSTER_SEM, name, O_NONBLOCK, 0);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, nonblock);
	ASSERT_EQ(0, ask(me, acquire(fd, 1)));
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 1)));
	EXPECT_EQ(-EAGAIN, ask(me, acquire_by(fd, 1, MUSTER_WAIT_NONBLOCK,
					      MUSTER_FOREVER)));
	EXPECT_EQ(-EAGAIN, ask(me, acquire(nonblock, 1)));
	EXPECT_EQ(-ETIMEDOUT, ask(me, acquire_by(fd, 1, 0, 1)));
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ask(me, acquire(fd, 1)));
	ASSERT_EQ(0, fcntl(nonblock, F_SETFL, 0));
	EXPECT_EQ(-ETIMEDOUT, ask(me, acquire_by(nonblock, 1, 0, 1)));
	EXPECT_EQ(1, sem_state(fd).held);
	EXPECT_EQ(0, sem_state(fd).waiters);
	ASSERT_EQ(0, ask(me, release(fd, 1)));
	EXPECT_EQ(0, ask(me, acquire(fd, 1)));
	close(fd);
	close(nonblock);
}

/* T3: the same for a barrier and a flight. */
TEST_F(waiting, nonblock_elsewhere)
{
	int barrier = open_barrier(2, 0), flight = open_flight(0);

	EXPECT_EQ(0, fcntl(barrier, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ask(me, await(barrier)));
	EXPECT_EQ(0, barrier_state(barrier).waiting);
	EXPECT_EQ(0, fcntl(flight, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(0, ask(me, join(flight, KEY)));
	EXPECT_EQ(-EAGAIN, ask(me, join_by(flight, KEY, MUSTER_JOIN_MIGRATORY,
					   MUSTER_FOREVER)));
	EXPECT_EQ(0, flight_state(flight).followers);
	close(barrier);
	close(flight);
}

/* ---- signals ---- */

/* T3: without SA_RESTART a signal ends the wait; the queue is left. */
TEST_F(waiting, interrupted)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	WAIT_BY(self->a, acquire(self->fd, 1));
	signal_puppet(self->a, SIG_EINTR);
	EXPECT_EQ(-EINTR, hear(self->a));
	EXPECT_SEM(1, 0);
}

/* T3: with it the wait begins anew, at the end of the queue, and still ends well. */
TEST_F(waiting, restarted)
{
	struct muster_process list[3];

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	WAIT_BY(self->a, acquire(self->fd, 1));
	WAIT_BY(self->b, acquire(self->fd, 1));
	signal_puppet(self->a, SIG_RESTART);
	ASSERT_SOON(sem_processes(self->fd, list, 3) == 3 &&
		    list[2].pid == self->a->pid);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->b));
	ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
}

/* T3: a restarted wait has its old deadline. */
TEST_F(waiting, restarted_with_its_deadline)
{
	struct muster_process list[2];
	__u64 deadline;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	deadline = in_ms(150);
	tell(self->a, acquire_by(self->fd, 1, 0, deadline));
	while (is_busy(self->a)) {
		signal_puppet(self->a, SIG_RESTART);
		nap();
	}
	EXPECT_EQ(-ETIMEDOUT, hear(self->a));
	EXPECT_LE(deadline, clock_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(1, sem_processes(self->fd, list, 2));
}

static bool is_stopped(const struct puppet *p)
{
	siginfo_t info = { };

	return !waitid(P_PID, p->pid, &info, WSTOPPED | WNOHANG | WNOWAIT) &&
	       info.si_pid == p->pid;
}

/* T3: one who is stopped does not stand in the way of the others. */
TEST_F(waiting, stopped)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	WAIT_BY(self->a, acquire(self->fd, 1));
	WAIT_BY(self->b, acquire(self->fd, 1));
	kill(self->a->pid, SIGSTOP);
	ASSERT_SOON(is_stopped(self->a));
	EXPECT_SEM(1, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->b));
	kill(self->a->pid, SIGCONT);
	ASSERT_SOON(sem_state(self->fd).waiters == 1);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
}

/* T3, T2: nor does one whose deadline passed while it was stopped wait any longer. */
TEST_F(waiting, stopped_beyond_its_deadline)
{
	__u64 deadline = in_ms(100);

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	tell(self->a, acquire_by(self->fd, 1, 0, deadline));
	kill(self->a->pid, SIGSTOP);
	ASSERT_SOON(is_stopped(self->a));
	ASSERT_SOON(clock_ns(CLOCK_MONOTONIC) > deadline);
	EXPECT_SEM(1, 0);
	kill(self->a->pid, SIGCONT);
	EXPECT_EQ(-ETIMEDOUT, hear(self->a));
	EXPECT_SEM(1, 0);
}

/* ---- the instant of the grant ---- */

enum { RACES = 300 };

/* Waits without sleep until then. */
static void spin_until(__u64 when)
{
	while (clock_ns(CLOCK_MONOTONIC) < when)
		;
}

/*
 * T1, T2: a deadline passes at the instant of the grant. Either the waiter has the
 * permit or it is still there. The release is shifted towards the boundary: later
 * after each success, earlier after each timeout.
 */
TEST_F(waiting, grant_races_with_timeout)
{
	long shift = 0, step = 20000;
	int i, verdict;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	for (i = 0; i < RACES; i++) {
		__u64 deadline = clock_ns(CLOCK_MONOTONIC) + NSEC_PER_MSEC;

		tell(self->a, acquire_by(self->fd, 1, 0, deadline));
		spin_until(deadline + shift);
		ASSERT_EQ(0, ask(me, release(self->fd, 1)));
		verdict = hear(self->a);
		if (verdict == 0) {
			EXPECT_SEM(1, 0);
			shift += step;
			ASSERT_EQ(0, ask(self->a, release(self->fd, 1)));
		} else {
			ASSERT_EQ(-ETIMEDOUT, verdict);
			shift -= step;
		}
		EXPECT_SEM(0, 0);
		ASSERT_EQ(0, ask(me, try_acquire(self->fd, 1)));
	}
}

/* T1, T3: the same with a signal. */
TEST_F(waiting, grant_races_with_signal)
{
	int i, verdict;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	for (i = 0; i < RACES; i++) {
		WAIT_BY(self->a, acquire(self->fd, 1));
		tell(self->b, acquire_by(self->fd, 1, 0, 0));
		if (i % 2)
			signal_puppet(self->a, SIG_EINTR);
		ASSERT_EQ(0, ask(me, release(self->fd, 1)));
		if (!(i % 2))
			signal_puppet(self->a, SIG_EINTR);
		verdict = hear(self->a);
		if (hear(self->b) == 0) {
			EXPECT_EQ(-EINTR, verdict);
			ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
		} else if (verdict == 0) {
			EXPECT_SEM(1, 0);
			ASSERT_EQ(0, ask(self->a, release(self->fd, 1)));
		}
		ASSERT_TRUE(verdict == 0 || verdict == -EINTR);
		EXPECT_SEM(0, 0);
		ASSERT_EQ(0, ask(me, try_acquire(self->fd, 1)));
	}
}

/* T1, B1, B3: the same with a barrier: a timeout after the trip is a success. */
TEST_F(waiting, trip_races_with_timeout)
{
	int barrier = open_barrier(2, 0), i, mine, theirs;
	struct puppet *c = puppet();
	long shift = 0, step = 20000;

	for (i = 0; i < RACES; i++) {
		__u64 deadline = clock_ns(CLOCK_MONOTONIC) + NSEC_PER_MSEC;

		tell(c, await_by(barrier, 0, deadline));
		spin_until(deadline + shift);
		mine = ask(me, await_by(barrier, MUSTER_WAIT_NONBLOCK, 0));
		theirs = hear(c);
		if (theirs == 0) {
			EXPECT_EQ(0, mine);
			shift += step;
		} else {
			ASSERT_EQ(-ETIMEDOUT, theirs);
			/* It was too early, just in time to break it, or too late. */
			ASSERT_TRUE(mine == -EPIPE || mine == -EAGAIN);
			shift -= step;
		}
		ASSERT_EQ(0, ask(me, reset(barrier)));
		EXPECT_EQ(0, barrier_state(barrier).waiting);
	}
	close(barrier);
}

/* T1, F5, F12: a follower's deadline passes at the instant that it is made leader. */
TEST_F(waiting, promotion_races_with_timeout)
{
	int flight = open_flight(0), i, verdict;
	struct puppet *c = puppet();
	long shift = 0, step = 20000;

	for (i = 0; i < RACES; i++) {
		__u64 deadline = clock_ns(CLOCK_MONOTONIC) + NSEC_PER_MSEC;

		ASSERT_EQ(0, ask(me, join(flight, KEY)));
		tell(c, join_by(flight, KEY, 0, deadline));
		spin_until(deadline + shift);
		ASSERT_EQ(0, ask(me, abandon(flight, KEY, me->job.join.token)));
		verdict = hear(c);
		if (verdict == 0) {
			ASSERT_EQ(MUSTER_ROLE_LEADER, c->job.join.role);
			EXPECT_EQ(1, flight_state(flight).calls);
			shift += step;
			ASSERT_EQ(0, ask(c, finish(flight, KEY, c->job.join.token, 0, NULL)));
		} else {
			ASSERT_EQ(-ETIMEDOUT, verdict);
			EXPECT_EQ(0, me->job.key.count);
			shift -= step;
		}
		EXPECT_EQ(0, flight_state(flight).calls);
		EXPECT_EQ(0, flight_state(flight).followers);
	}
	close(flight);
}

/* ---- answers that cannot be written ---- */

static int run_protect(struct job *job)
{
	return mprotect(job->at, getpagesize(), job->arg[0]) ? -errno : 0;
}

static struct job protect(void *page, int prot)
{
	return (struct job){ .run = run_protect, .at = page, .arg = { prot } };
}

/* A process with two threads and a page for an ioctl's struct. */
FIXTURE(fault) {
	int sem, flight, barrier, action;
	void *page;
	struct puppet *a, *thread, *b;
};

FIXTURE_SETUP(fault)
{
	self->sem = open_sem(1);
	self->flight = open_flight(3);
	self->barrier = open_barrier(2, 0);
	self->action = open_barrier(2, MUSTER_BARRIER_ACTION);
	self->page = shared_memory(getpagesize());
	self->a = puppet();
	self->thread = puppet_thread(self->a);
	self->b = puppet();
}

FIXTURE_TEARDOWN(fault)
{
}

/* The job with its struct in the page. */
static struct job in_page(struct job job, void *page)
{
	memcpy(page, &job.arg, sizeof(struct job) - offsetof(struct job, arg));
	job.at = page;
	return job;
}

/* T4: a grant at once that cannot be told is none. */
TEST_F(fault, acquire)
{
	struct job job = in_page(acquire(self->sem, 1), self->page);

	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	EXPECT_EQ(-EFAULT, ask(self->a, job));
	EXPECT_EQ(0, sem_state(self->sem).held);
	EXPECT_EQ(1, sem_state(self->sem).available);
	EXPECT_EQ(0, sem_state(self->sem).abandoned);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ | PROT_WRITE)));
	EXPECT_EQ(0, ask(self->a, job));
}

/* T4, S5: after a wait it goes to the next. */
TEST_F(fault, acquire_after_waiting)
{
	ASSERT_EQ(0, ask(me, acquire(self->sem, 1)));
	tell(self->thread, in_page(acquire(self->sem, 1), self->page));
	ASSERT_SOON(sem_state(self->sem).waiters == 1);
	tell(self->b, acquire(self->sem, 1));
	ASSERT_SOON(sem_state(self->sem).waiters == 2);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	ASSERT_EQ(0, ask(me, release(self->sem, 1)));
	EXPECT_EQ(-EFAULT, hear(self->thread));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(1, sem_state(self->sem).held);
	EXPECT_EQ(-EPERM, ask(self->a, release(self->sem, 1)));
}

/* T4: a limit that cannot be answered is not set. */
TEST_F(fault, set_limit)
{
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	EXPECT_EQ(-EFAULT, ask(self->a, in_page(set_limit(self->sem, 5), self->page)));
	EXPECT_EQ(1, sem_state(self->sem).limit);
}

/* T4: a leader that cannot learn that it leads does not. */
TEST_F(fault, lead)
{
	struct job job = in_page(join(self->flight, KEY), self->page);

	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	EXPECT_EQ(-EFAULT, ask(self->a, job));
	EXPECT_EQ(0, flight_state(self->flight).calls);
	EXPECT_EQ(0, ask(self->b, join(self->flight, KEY)));
	EXPECT_EQ(MUSTER_ROLE_LEADER, self->b->job.join.role);
}

/* T4, F12: a promoted follower that cannot learn of it passes it on, uncounted. */
TEST_F(fault, promotion)
{
	struct puppet *c = puppet();

	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	tell(self->thread, in_page(join(self->flight, KEY), self->page));
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	tell(c, join(self->flight, KEY));
	ASSERT_SOON(flight_state(self->flight).followers == 2);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	ASSERT_EQ(0, ask(me, abandon(self->flight, KEY, me->job.join.token)));
	EXPECT_EQ(-EFAULT, hear(self->thread));
	ASSERT_EQ(0, hear(c));
	EXPECT_EQ(MUSTER_ROLE_LEADER, c->job.join.role);
	EXPECT_EQ(2, c->job.join.attempt);
	EXPECT_EQ(1, flight_state(self->flight).handed_over);
}

/* T4, F5: a follower without room where it said there is touches nobody else. */
TEST_F(fault, follow)
{
	struct job job = join(self->flight, KEY);

	job.join.buf = to_u64(self->page);
	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	tell(self->thread, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	tell(self->b, join(self->flight, KEY));
	ASSERT_SOON(flight_state(self->flight).followers == 2);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	ASSERT_EQ(0, ask(me, finish(self->flight, KEY, me->job.join.token, 0, "r")));
	EXPECT_EQ(-EFAULT, hear(self->thread));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(0, memcmp("r", self->b->data, 2));
}

/* T4, F3: one that is not told of a truncated result is not left one to fetch. */
TEST_F(fault, truncated)
{
	struct job job = join(self->flight, KEY);
	__u64 token;

	job.join.buf = to_u64(self->page);
	job.join.buf_len = 0;
	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	tell(self->thread, in_page(job, self->page));
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	ASSERT_EQ(0, ask(me, finish(self->flight, KEY, token, 0, "r")));
	EXPECT_EQ(-EFAULT, hear(self->thread));
	EXPECT_EQ(-ENOENT, ask(self->a, fetch(self->flight, token, NULL, 0)));
}

/* T4: a leader that cannot be told how it finished still leads. */
TEST_F(fault, finish)
{
	__u64 token;

	ASSERT_EQ(0, ask(self->a, join(self->flight, KEY)));
	token = self->a->job.join.token;
	tell(self->b, join(self->flight, KEY));
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	EXPECT_EQ(-EFAULT, ask(self->a, in_page(finish(self->flight, KEY, token, 0, NULL),
						self->page)));
	EXPECT_EQ(-EFAULT, ask(self->a, in_page(abandon(self->flight, KEY, token),
						self->page)));
	EXPECT_EQ(-EFAULT, ask(self->a, in_page(forget(self->flight, KEY, 0),
						self->page)));
	EXPECT_EQ(1, flight_state(self->flight).calls);
	EXPECT_TRUE(is_busy(self->b));
	EXPECT_EQ(0, ask(self->a, finish(self->flight, KEY, token, 0, NULL)));
	EXPECT_EQ(0, hear(self->b));
}

/* T4: who cannot be answered does not arrive. */
TEST_F(fault, arrive)
{
	struct job job = in_page(await(self->barrier), self->page);

	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	EXPECT_EQ(-EFAULT, ask(self->a, job));
	EXPECT_EQ(0, barrier_state(self->barrier).waiting);
	EXPECT_EQ(0, barrier_state(self->barrier).broken_by);
	EXPECT_EQ(0, barrier_state(self->barrier).generation);
}

/*
 * T4, B2: one who waits, comes to run the next action and cannot be told breaks the
 * barrier: nobody else may run it.
 */
TEST_F(fault, action)
{
	struct puppet *c = puppet();

	tell(c, await(self->action));
	ASSERT_SOON(barrier_state(self->action).waiting == 1);
	ASSERT_EQ(0, ask(me, await(self->action)));
	tell(self->b, await(self->action));
	ASSERT_SOON(barrier_state(self->action).waiting == 2);
	tell(self->thread, in_page(await(self->action), self->page));
	ASSERT_SOON(barrier_state(self->action).waiting == 3);
	ASSERT_EQ(0, ask(self->a, protect(self->page, PROT_READ)));
	ASSERT_EQ(0, ask(me, complete(self->action, me->job.await.token, 0)));
	EXPECT_EQ(0, hear(c));
	EXPECT_EQ(-EFAULT, hear(self->thread));
	EXPECT_EQ(-EPIPE, hear(self->b));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(self->action).broken_by);
	EXPECT_EQ(self->a->pid, barrier_state(self->action).broken_pid);
}

/* ---- poll ---- */

/* T6: readable when a try would succeed, and never else. */
TEST_F(waiting, poll)
{
	int fd = open_sem(4);
	struct puppet *c = puppet();

	EXPECT_EQ(POLLIN, poll_now(fd));
	ASSERT_EQ(0, ask(me, acquire(fd, 3)));
	EXPECT_EQ(POLLIN, poll_now(fd));
	/* There is one, but a try behind this queue would fail. */
	tell(c, acquire(fd, 2));
	ASSERT_SOON(sem_state(fd).waiters == 1);
	EXPECT_EQ(0, poll_now(fd));
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 1)));
	ASSERT_EQ(0, ask(me, release(fd, 1)));
	ASSERT_EQ(0, hear(c));
	EXPECT_EQ(0, poll_now(fd));
	/* Usage above the limit. */
	ASSERT_EQ(0, ask(me, set_limit(fd, 2)));
	EXPECT_EQ(0, poll_now(fd));
	ASSERT_EQ(0, ask(c, release(fd, 2)));
	EXPECT_EQ(0, poll_now(fd));
	ASSERT_EQ(0, ask(me, set_limit(fd, 3)));
	EXPECT_EQ(POLLIN, poll_now(fd));
	EXPECT_EQ(0, ask(me, try_acquire(fd, 1)));
	close(fd);
}

static int run_poll(struct job *job)
{
	struct pollfd pfd = { .fd = job->fd, .events = POLLIN };

	return poll(&pfd, 1, -1) < 0 ? -errno : pfd.revents;
}

static int run_epoll(struct job *job)
{
	struct epoll_event event = { .events = EPOLLIN | job->arg[0] };
	int epoll = epoll_create1(EPOLL_CLOEXEC), ret;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, job->fd, &event))
		return -errno;
	ret = epoll_wait(epoll, &event, 1, -1);
	ret = ret < 0 ? -errno : (int)event.events;
	close(epoll);
	return ret;
}

FIXTURE(polling) {
	int sem, barrier;
	struct puppet *a, *b;
};

FIXTURE_VARIANT(polling) {
	int (*run)(struct job *job);
	long flags;
};

FIXTURE_VARIANT_ADD(polling, poll) { .run = run_poll };
FIXTURE_VARIANT_ADD(polling, epoll) { .run = run_epoll };
FIXTURE_VARIANT_ADD(polling, epoll_edge) { .run = run_epoll, .flags = EPOLLET };

FIXTURE_SETUP(polling)
{
	self->sem = open_sem(1);
	self->barrier = open_barrier(3, 0);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(polling)
{
	close(self->sem);
	close(self->barrier);
}

/* The puppet begins to poll, and sleeps. */
#define POLL(p, _fd) do {						\
	struct job _job = {						\
		.run = variant->run,					\
		.fd = _fd,						\
		.arg = { variant->flags },				\
	};								\
	tell(p, _job);							\
	ASSERT_SOON(is_asleep(p));					\
} while (0)

/* T6: who polls a semaphore is woken when a permit comes free, in whatever way. */
TEST_F(polling, semaphore)
{
	ASSERT_EQ(0, ask(me, acquire(self->sem, 1)));
	POLL(self->a, self->sem);
	ASSERT_EQ(0, ask(me, release(self->sem, 1)));
	EXPECT_EQ(POLLIN, hear(self->a));

	ASSERT_EQ(0, ask(me, acquire(self->sem, 1)));
	POLL(self->a, self->sem);
	ASSERT_EQ(0, ask(me, set_limit(self->sem, 2)));
	EXPECT_EQ(POLLIN, hear(self->a));

	ASSERT_EQ(0, ask(self->b, acquire(self->sem, 1)));
	POLL(self->a, self->sem);
	kill_puppet(self->b);
	EXPECT_EQ(POLLIN, hear(self->a));
}

/* T6: the queue is gone, and what it stood for is there. */
TEST_F(polling, semaphore_queue_leaves)
{
	ASSERT_EQ(0, ask(me, set_limit(self->sem, 2)));
	ASSERT_EQ(0, ask(me, acquire(self->sem, 1)));
	tell(self->b, acquire(self->sem, 2));
	ASSERT_SOON(sem_state(self->sem).waiters == 1);
	POLL(self->a, self->sem);
	kill_puppet(self->b);
	EXPECT_EQ(POLLIN, hear(self->a));
}

/* T6: who polls a barrier is woken when it breaks, not when it trips. */
TEST_F(polling, barrier)
{
	struct puppet *c = puppet();

	POLL(self->a, self->barrier);
	tell(self->b, await(self->barrier));
	tell(c, await(self->barrier));
	ASSERT_SOON(barrier_state(self->barrier).waiting == 2);
	ASSERT_EQ(0, ask(me, await(self->barrier)));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(0, hear(c));
	EXPECT_TRUE(is_asleep(self->a));
	EXPECT_EQ(-ETIMEDOUT, break_by_deadline(self->b, self->barrier));
	EXPECT_EQ(POLLIN | POLLERR, hear(self->a));
}

/* ---- after the verdict ---- */

FIXTURE(verdict) {
	int fd;
	struct puppet *a, *b;
};

/**
 * struct _fixture_variant_verdict - waits that one call ends
 * @type:	of the object
 * @limit:	of the object
 * @begin:	what comes first
 * @wait:	what two wait for
 * @end:	ends both waits; by who did @begin
 */
FIXTURE_VARIANT(verdict) {
	__u32 type;
	__u64 limit;
	struct job (*begin)(int fd);
	struct job (*wait)(int fd);
	struct job (*end)(int fd);
};

static struct job acquire_2(int fd)
{
	return acquire(fd, 2);
}

static struct job acquire_1(int fd)
{
	return acquire(fd, 1);
}

static struct job release_2(int fd)
{
	return release(fd, 2);
}

FIXTURE_VARIANT_ADD(verdict, sem) {
	.type = MUSTER_SEM, .limit = 2,
	.begin = acquire_2, .wait = acquire_1, .end = release_2,
};

static struct job add_1(int fd)
{
	return add(fd, 1);
}

static struct job wait_all(int fd)
{
	return wait_for(fd, MUSTER_UNTIL_ALL, 0);
}

static struct job done_any(int fd)
{
	return done(fd, MUSTER_SLOT_ANY, 0, NULL);
}

FIXTURE_VARIANT_ADD(verdict, group) {
	.type = MUSTER_GROUP,
	.begin = add_1, .wait = wait_all, .end = done_any,
};

static struct job join_key(int fd)
{
	struct job job = join(fd, "key");

	job.join.buf_len = 0;
	return job;
}

static struct job finish_key(int fd)
{
	return finish(fd, "key", me->job.join.token, 0, NULL);
}

FIXTURE_VARIANT_ADD(verdict, flight) {
	.type = MUSTER_FLIGHT,
	.begin = join_key, .wait = join_key, .end = finish_key,
};

FIXTURE_VARIANT_ADD(verdict, barrier) {
	.type = MUSTER_BARRIER, .limit = 3,
	.wait = await, .end = await,
};

FIXTURE_SETUP(verdict)
{
	self->fd = open_named(variant->type, NULL, 0, variant->limit);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(verdict)
{
}

/* An ioctl, and then at once a signal to the puppet @at. */
static int run_and_signal(struct job *job)
{
	int ret = call(job->fd, job->cmd, &job->acquire);

	signal_puppet(job->at, SIG_EINTR);
	return ret;
}

/* On one CPU, where it goes before all others. */
static bool goes_first(pid_t tid, int cpu, int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	return !sched_setaffinity(tid, sizeof(here), &here) &&
	       !sched_setscheduler(tid, policy, &param);
}

/*
 * T2, T3: a signal that comes once the verdict is there is too late. Who is told first
 * runs at once, before the second is told, and signals to it.
 */
TEST_F(verdict, beats_signal)
{
	struct job first = variant->wait(self->fd);
	int cpu = sched_getcpu();

	first.run = run_and_signal;
	first.at = self->b;
	if (!goes_first(self->a->tid, cpu, SCHED_FIFO) ||
	    !goes_first(self->b->tid, cpu, SCHED_FIFO) || !goes_first(0, cpu, SCHED_OTHER))
		SKIP(return, "may not run in real time");
	if (variant->begin)
		ASSERT_EQ(0, ask(me, variant->begin(self->fd)));
	tell(self->a, first);
	ASSERT_SOON(is_asleep(self->a));
	tell(self->b, variant->wait(self->fd));
	ASSERT_SOON(is_asleep(self->b));
	EXPECT_EQ(0, ask(me, variant->end(self->fd)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
}

TEST_HARNESS_MAIN
