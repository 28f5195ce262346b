// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cyclic barrier: B1 to B5, B7
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define PARTIES	3

FIXTURE(barrier) {
	int fd;
	struct puppet *a, *b, *c;
};

FIXTURE_VARIANT(barrier) {
	__u32 options;
};

FIXTURE_VARIANT_ADD(barrier, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(barrier, with_action) { .options = MUSTER_BARRIER_ACTION };

FIXTURE_SETUP(barrier)
{
	self->fd = open_barrier(PARTIES, variant->options);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
}

FIXTURE_TEARDOWN(barrier)
{
	close(self->fd);
}

/* A puppet arrives by @_job, and is seen to wait. */
#define ARRIVE_BY(p, _job) do {						\
	__u32 _before = barrier_state(self->fd).waiting;		\
	tell(p, _job);							\
	ASSERT_SOON(barrier_state(self->fd).waiting == _before + 1);	\
} while (0)

#define ARRIVE(p)	ARRIVE_BY(p, await(self->fd))

/* The puppet's AWAIT has ended in a trip. */
#define EXPECT_PASS(p, _generation, _index) do {			\
	EXPECT_EQ(0, hear(p));						\
	EXPECT_EQ(_generation, (p)->job.await.generation);		\
	EXPECT_EQ(_index, (p)->job.await.index);			\
	EXPECT_EQ(0, (p)->job.await.outcome);				\
} while (0)

/* The puppet's AWAIT has ended, or ends, with a broken barrier. */
#define EXPECT_BROKEN(p, why, how_many) do {				\
	EXPECT_EQ(-EPIPE, hear(p));					\
	EXPECT_EQ(why, (p)->job.await.broken_by);			\
	EXPECT_EQ(how_many, (p)->job.await.arrived);			\
	EXPECT_EQ(barrier_state(self->fd).parties, (p)->job.await.parties); \
} while (0)

/* STAT says that it is broken, and late comers learn the same. */
#define EXPECT_STAYS_BROKEN(why, who, how_many) do {			\
	struct muster_barrier_stat _stat = barrier_state(self->fd);	\
	EXPECT_EQ(why, _stat.broken_by);				\
	EXPECT_EQ(who, _stat.broken_pid);				\
	EXPECT_EQ(how_many, _stat.arrived);				\
	EXPECT_EQ(0, _stat.waiting);					\
	EXPECT_EQ(0, _stat.acting);					\
	ask(me, await(self->fd));					\
	EXPECT_BROKEN(me, why, how_many);				\
} while (0)

#define EXPECT_HEALTHY(_waiting) do {					\
	struct muster_barrier_stat _stat = barrier_state(self->fd);	\
	EXPECT_EQ(0, _stat.broken_by);					\
	EXPECT_EQ(0, _stat.broken_pid);					\
	EXPECT_EQ(_waiting, _stat.waiting);				\
} while (0)

/* The last one arrives, and runs the action if there is one. */
static int arrive_last(struct puppet *p, int fd)
{
	int err = ask(p, await(fd));

	if (!err && p->job.await.outcome & MUSTER_OUTCOME_ACTION) {
		struct muster_barrier_await await = p->job.await;

		err = ask(p, complete(fd, await.token, 0));
		p->job.await = await;
		p->job.await.outcome = 0;
	}
	return err;
}

/* B1, W4: all leave with the same generation and their arrival index. */
TEST_F(barrier, trips)
{
	__u64 token = 0, generation = barrier_state(self->fd).generation;
	int i;

	for (i = 0; i < 3; i++, generation++) {
		EXPECT_EQ(generation, barrier_state(self->fd).generation);
		ARRIVE(self->b);
		ARRIVE(self->a);
		ASSERT_EQ(0, arrive_last(self->c, self->fd));
		EXPECT_PASS(self->b, generation, 2);
		EXPECT_PASS(self->a, generation, 1);
		EXPECT_PASS(self->c, generation, 0);
		EXPECT_LT(token, self->c->job.await.token);
		token = self->c->job.await.token;
		EXPECT_EQ(token, self->a->job.await.token);
		EXPECT_EQ(token, self->b->job.await.token);
		EXPECT_HEALTHY(0);
	}
}

/* T3, B1: who may not wait is let in only as the last. */
TEST_F(barrier, nonblock)
{
	EXPECT_EQ(-EAGAIN, ask(me, await_by(self->fd, MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_HEALTHY(0);
	ARRIVE(self->a);
	EXPECT_EQ(-EAGAIN, ask(me, await_by(self->fd, MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_HEALTHY(1);
	ARRIVE(self->b);
	ASSERT_EQ(0, ask(me, await_by(self->fd, MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_EQ(0, me->job.await.index);
	if (variant->options)
		ASSERT_EQ(0, ask(me, complete(self->fd, me->job.await.token, 0)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
}

/* B3, B7: a timeout: ETIMEDOUT for the one, broken for the others until RESET. */
TEST_F(barrier, timeout)
{
	tell(self->b, await(self->fd));
	ASSERT_SOON(barrier_state(self->fd).waiting == 1);
	EXPECT_EQ(-ETIMEDOUT, break_by_deadline(self->a, self->fd));
	EXPECT_LE(self->a->job.await.deadline, clock_ns(CLOCK_MONOTONIC));
	EXPECT_BROKEN(self->b, MUSTER_BROKEN_TIMEOUT, 2);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_TIMEOUT, self->a->pid, 2);
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_HEALTHY(0);
	ARRIVE(self->a);
	ARRIVE(self->b);
	EXPECT_EQ(0, arrive_last(me, self->fd));
}

/* B3: a deadline that has passed on entry neither joins nor breaks. */
TEST_F(barrier, late_on_entry)
{
	EXPECT_EQ(-ETIMEDOUT, ask(me, await_by(self->fd, 0, 0)));
	EXPECT_EQ(-ETIMEDOUT, ask(me, await_by(self->fd, 0, clock_ns(CLOCK_MONOTONIC))));
	EXPECT_EQ(-ETIMEDOUT, ask(me, await_by(self->fd, MUSTER_WAIT_REALTIME,
					       clock_ns(CLOCK_REALTIME))));
	EXPECT_HEALTHY(0);
	ARRIVE(self->a);
	EXPECT_EQ(-ETIMEDOUT, ask(me, await_by(self->fd, 0, 1)));
	EXPECT_HEALTHY(1);
	ARRIVE(self->b);
	EXPECT_EQ(-ETIMEDOUT, ask(me, await_by(self->fd, 0, 1)));
	EXPECT_HEALTHY(2);
	EXPECT_TRUE(is_busy(self->a));
	EXPECT_EQ(0, arrive_last(me, self->fd));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
}

/* B3, B7: the death of a waiter breaks it, and STAT tells whose. */
TEST_F(barrier, death)
{
	ARRIVE(self->a);
	ARRIVE(self->b);
	kill_puppet(self->a);
	EXPECT_BROKEN(self->b, MUSTER_BROKEN_DEATH, 2);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, self->a->pid, 2);
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_HEALTHY(0);
}

/* A puppet that dies of the signal, and leaves no core. */
static struct puppet *mortal(int sig)
{
	const struct rlimit no_core = {};

	if (setrlimit(RLIMIT_CORE, &no_core) || signal(sig, SIG_DFL) == SIG_ERR)
		abort();
	return puppet();
}

/* B3: so does a death by any signal, whether it would dump core or not. */
TEST_F(barrier, death_by_signal)
{
	const int signals[] = { SIGTERM, SIGQUIT, SIGABRT, SIGSEGV, SIGXCPU, SIGRTMIN };
	struct puppet *p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		p = mortal(signals[i]);
		ARRIVE(self->a);
		ARRIVE(p);
		signal_puppet(p, signals[i]);
		EXPECT_BROKEN(self->a, MUSTER_BROKEN_DEATH, 2);
		EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, p->pid, 2);
		EXPECT_EQ(signals[i], WTERMSIG(wait_puppet(p)));
		ASSERT_EQ(0, ask(me, reset(self->fd)));
	}
	EXPECT_HEALTHY(0);
}

/* Whether @pid, which is traced, has stopped for that signal. */
static bool stops_for(pid_t pid, int sig)
{
	int status;

	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == sig;
}

/* B3, B4: whether a signal kills who is traced is up to the tracer. */
TEST_F(barrier, death_of_the_traced)
{
	const int signals[] = { SIGTERM, SIGQUIT };
	struct puppet *p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		p = mortal(signals[i]);
		ARRIVE(self->a);
		ARRIVE(p);
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, p->pid, NULL, 0));
		signal_puppet(p, signals[i]);
		ASSERT_TRUE(stops_for(p->pid, signals[i]));
		EXPECT_HEALTHY(1);
		/* The tracer keeps the signal for itself: the call restarts. */
		ASSERT_EQ(0, ptrace(PTRACE_CONT, p->pid, NULL, 0));
		ASSERT_SOON(barrier_state(self->fd).waiting == 2);
		signal_puppet(p, signals[i]);
		ASSERT_TRUE(stops_for(p->pid, signals[i]));
		EXPECT_HEALTHY(1);
		ASSERT_EQ(0, ptrace(PTRACE_CONT, p->pid, NULL, (long)signals[i]));
		EXPECT_BROKEN(self->a, MUSTER_BROKEN_DEATH, 1);
		EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, p->pid, 1);
		EXPECT_EQ(signals[i], WTERMSIG(wait_puppet(p)));
		ASSERT_EQ(0, ask(me, reset(self->fd)));
	}
	EXPECT_HEALTHY(0);
}

/* B4: the doubt about one thread is not that about another. */
TEST_F(barrier, two_in_doubt)
{
	struct puppet *p = mortal(SIGQUIT), *thread = puppet_thread(p);

	ARRIVE(self->a);
	ARRIVE(p);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, p->tid, NULL, 0));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, thread->tid, NULL, 0));
	signal_puppet(p, SIGQUIT);
	ASSERT_TRUE(stops_for(p->tid, SIGQUIT));
	EXPECT_HEALTHY(1);
	ARRIVE(thread);
	signal_puppet(thread, SIGQUIT);
	ASSERT_TRUE(stops_for(thread->tid, SIGQUIT));
	EXPECT_HEALTHY(1);
	/* That one is spared, and does something else. */
	ASSERT_EQ(0, ptrace(PTRACE_CONT, thread->tid, NULL, 0));
	ASSERT_SOON(barrier_state(self->fd).waiting == 2);
	signal_puppet(thread, SIG_EINTR);
	ASSERT_TRUE(stops_for(thread->tid, SIG_EINTR));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, thread->tid, NULL, (long)SIG_EINTR));
	EXPECT_EQ(-EINTR, hear(thread));
	EXPECT_HEALTHY(1);
	/* The first one is not. */
	ASSERT_EQ(0, ptrace(PTRACE_CONT, p->tid, NULL, (long)SIGQUIT));
	EXPECT_BROKEN(self->a, MUSTER_BROKEN_DEATH, 1);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, p->pid, 1);
}

/* B4: a doubt ends with those with whom one has waited. */
TEST_F(barrier, doubt_of_old)
{
	struct puppet *p = mortal(SIGTERM);

	ARRIVE(p);
	ASSERT_SOON(is_asleep(p));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, p->pid, NULL, 0));
	if (!be_alone(p)) {
		be_like_others();
		SKIP(return, "may not run in real time");
	}
	/* It cannot run before it has both. */
	signal_puppet(p, SIG_EINTR);
	signal_puppet(p, SIGTERM);
	be_like_others();
	ASSERT_TRUE(stops_for(p->pid, SIG_EINTR));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, p->pid, NULL, (long)SIG_EINTR));
	ASSERT_TRUE(stops_for(p->pid, SIGTERM));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, p->pid, NULL, 0));
	EXPECT_EQ(-EINTR, hear(p));
	/* Others trip without it; and wait again, when it is killed. */
	ARRIVE(self->a);
	ARRIVE(self->b);
	ASSERT_EQ(0, arrive_last(self->c, self->fd));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
	ARRIVE(self->a);
	signal_puppet(p, SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_puppet(p)));
	EXPECT_HEALTHY(1);
	EXPECT_TRUE(is_busy(self->a));
}

/* B3, W2: so does a waiter's loss of its descriptor. */
TEST_F(barrier, closed)
{
	struct puppet *thread = puppet_thread(self->a);

	ARRIVE(thread);
	ARRIVE(self->b);
	ASSERT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_EQ(-EBADF, hear(thread));
	EXPECT_BROKEN(self->b, MUSTER_BROKEN_DEATH, 2);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, self->a->pid, 2);
}

/* B4: a signal withdraws the arrival and restarts it, and breaks nothing. */
TEST_F(barrier, signal_restarts)
{
	struct muster_process list[2];

	ARRIVE(self->a);
	ARRIVE(self->b);
	signal_puppet(self->a, SIG_RESTART);
	/* It is last in the queue now. */
	ASSERT_SOON(barrier_processes(self->fd, list, 2) == 2 &&
		    list[0].pid == self->b->pid && list[1].pid == self->a->pid);
	EXPECT_HEALTHY(2);
	ASSERT_EQ(0, arrive_last(self->c, self->fd));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(2, self->b->job.await.index);
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(1, self->a->job.await.index);
}

/* B4, T3: without SA_RESTART the call ends with EINTR; the arrival is withdrawn. */
TEST_F(barrier, signal_interrupts)
{
	ARRIVE(self->a);
	ARRIVE(self->b);
	signal_puppet(self->a, SIG_EINTR);
	EXPECT_EQ(-EINTR, hear(self->a));
	EXPECT_HEALTHY(1);
	ARRIVE(self->a);
	EXPECT_EQ(0, arrive_last(self->c, self->fd));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
}

/* B5: waiters get the broken error, the new generation is healthy. */
TEST_F(barrier, reset)
{
	__u64 generation = barrier_state(self->fd).generation;

	ARRIVE(self->a);
	ARRIVE(self->b);
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_BROKEN(self->a, MUSTER_BROKEN_RESET, 2);
	EXPECT_BROKEN(self->b, MUSTER_BROKEN_RESET, 2);
	EXPECT_HEALTHY(0);
	EXPECT_LT(generation, barrier_state(self->fd).generation);
	ARRIVE(self->a);
	ARRIVE(self->b);
	EXPECT_EQ(0, arrive_last(self->c, self->fd));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
}

/* B7: how many parties, who is there, in order of arrival. */
TEST_F(barrier, list)
{
	struct muster_process list[3] = { };
	struct muster_barrier_stat stat;

	ARRIVE(self->b);
	ARRIVE(self->a);
	stat = barrier_state(self->fd);
	EXPECT_EQ(variant->options, stat.options);
	EXPECT_EQ(PARTIES, stat.parties);
	EXPECT_EQ(2, stat.waiting);
	EXPECT_EQ(2, stat.nr_processes);
	ASSERT_EQ(2, barrier_processes(self->fd, list, 3));
	EXPECT_EQ(self->b->pid, list[0].pid);
	EXPECT_EQ(self->a->pid, list[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, list[0].role);
	EXPECT_EQ(1, list[0].amount);
	EXPECT_LE(list[0].since, clock_ns(CLOCK_MONOTONIC) + 10 * NSEC_PER_MSEC);
	EXPECT_EQ(0, list[2].pid);
}

/* T6, B3: readable when broken, and only then. */
TEST_F(barrier, poll)
{
	EXPECT_EQ(0, poll_now(self->fd));
	ARRIVE(self->a);
	EXPECT_EQ(0, poll_now(self->fd));
	kill_puppet(self->a);
	EXPECT_EQ(POLLIN | POLLERR, poll_now(self->fd));
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_EQ(0, poll_now(self->fd));
}

/* B1: threads of one process are parties like any other. */
TEST_F(barrier, threads)
{
	struct puppet *x = puppet_thread(self->a), *y = puppet_thread(self->a);

	ARRIVE(x);
	ARRIVE(y);
	EXPECT_EQ(0, arrive_last(self->a, self->fd));
	EXPECT_EQ(0, hear(x));
	EXPECT_EQ(0, hear(y));
}

/* B1: a barrier of one trips at once. */
TEST(alone)
{
	int fd = open_barrier(1, 0);

	EXPECT_EQ(0, ask(me, await(fd)));
	EXPECT_EQ(0, me->job.await.index);
	EXPECT_EQ(0, me->job.await.outcome);
	EXPECT_EQ(1, barrier_state(fd).generation - me->job.await.generation);
	close(fd);
}

/* ---- the action ---- */

FIXTURE(action) {
	int fd;
	struct puppet *a, *b, *c, *d;
};

FIXTURE_SETUP(action)
{
	self->fd = open_barrier(2, MUSTER_BARRIER_ACTION);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	self->d = puppet();
}

FIXTURE_TEARDOWN(action)
{
	close(self->fd);
}

/* One waits, and the other is the last and comes to run the action. */
#define FORM(p, runner) do {						\
	ARRIVE(p);							\
	ASSERT_EQ(0, ask(runner, await(self->fd)));			\
	ASSERT_EQ(MUSTER_OUTCOME_ACTION, (runner)->job.await.outcome);	\
} while (0)

static __u64 token_of(const struct puppet *p)
{
	return p->job.await.token;
}

/* B2: the last returns alone, with the task; the others leave when it is done. */
TEST_F(action, runs_alone)
{
	__u64 generation = barrier_state(self->fd).generation;
	__u64 token;

	FORM(self->a, self->b);
	token = token_of(self->b);
	EXPECT_EQ(generation, self->b->job.await.generation);
	EXPECT_EQ(0, self->b->job.await.index);
	EXPECT_TRUE(is_busy(self->a));
	EXPECT_EQ(1, barrier_state(self->fd).acting);
	EXPECT_HEALTHY(1);
	ASSERT_EQ(0, ask(self->b, complete(self->fd, token, 0)));
	EXPECT_PASS(self->a, generation, 1);
	EXPECT_EQ(token, token_of(self->a));
	EXPECT_EQ(0, barrier_state(self->fd).acting);
	EXPECT_EQ(generation + 1, barrier_state(self->fd).generation);
	EXPECT_HEALTHY(0);
}

/* B2: an action that fails breaks the barrier, and everyone learns its status. */
TEST_F(action, fails)
{
	FORM(self->a, self->b);
	ARRIVE(self->c);
	ASSERT_EQ(0, ask(self->b, complete(self->fd, token_of(self->b), -77)));
	EXPECT_BROKEN(self->a, MUSTER_BROKEN_ACTION, 2);
	EXPECT_EQ(-77, self->a->job.await.status);
	EXPECT_BROKEN(self->c, MUSTER_BROKEN_ACTION, 2);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_ACTION, self->b->pid, 2);
	EXPECT_EQ(-77, me->job.await.status);
	EXPECT_EQ(-77, barrier_state(self->fd).status);
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_EQ(0, barrier_state(self->fd).status);
	FORM(self->a, self->b);
}

/* B2, B3: if its runner dies the barrier breaks, those who queue behind included. */
TEST_F(action, runner_dies)
{
	FORM(self->a, self->b);
	ARRIVE(self->c);
	kill_puppet(self->b);
	EXPECT_BROKEN(self->a, MUSTER_BROKEN_DEATH, 2);
	EXPECT_BROKEN(self->c, MUSTER_BROKEN_DEATH, 2);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, self->b->pid, 2);
}

/* B2, W2: or closes its descriptor. */
TEST_F(action, runner_closes)
{
	FORM(self->a, self->b);
	ASSERT_EQ(0, ask(self->b, do_close(self->fd)));
	EXPECT_BROKEN(self->a, MUSTER_BROKEN_DEATH, 2);
	EXPECT_STAYS_BROKEN(MUSTER_BROKEN_DEATH, self->b->pid, 2);
}

/* B2, W1: any thread of its process may complete it, nobody else, and only by token. */
TEST_F(action, completed_by)
{
	struct puppet *thread = puppet_thread(self->b);
	__u64 token;

	FORM(self->a, self->b);
	token = token_of(self->b);
	EXPECT_EQ(-EPERM, ask(me, complete(self->fd, token, 0)));
	EXPECT_EQ(-EPERM, ask(self->c, complete(self->fd, token, 1)));
	EXPECT_EQ(-EPERM, ask(self->b, complete(self->fd, token + 1, 0)));
	EXPECT_EQ(-EPERM, ask(self->b, complete(self->fd, 0, 1)));
	EXPECT_EQ(1, barrier_state(self->fd).acting);
	EXPECT_HEALTHY(1);
	EXPECT_EQ(0, ask(thread, complete(self->fd, token, 0)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(-EPERM, ask(self->b, complete(self->fd, token, 0)));
	EXPECT_HEALTHY(0);
}

/* B1, B2: while it runs, arrivals queue for the next generation. */
TEST_F(action, next_generation_queues)
{
	__u64 generation;

	FORM(self->a, self->b);
	generation = self->b->job.await.generation;
	ARRIVE(self->c);
	EXPECT_HEALTHY(2);
	ASSERT_EQ(0, ask(self->b, complete(self->fd, token_of(self->b), 0)));
	EXPECT_PASS(self->a, generation, 1);
	EXPECT_HEALTHY(1);
	EXPECT_TRUE(is_busy(self->c));
	ASSERT_EQ(0, ask(self->b, await(self->fd)));
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, self->b->job.await.outcome);
	EXPECT_EQ(generation + 1, self->b->job.await.generation);
}

/* B2: a generation that is complete by then acts in turn, run by its last arrival. */
TEST_F(action, next_generation_acts)
{
	__u64 generation;

	FORM(self->a, self->b);
	generation = self->b->job.await.generation;
	ARRIVE(self->c);
	ARRIVE(self->d);
	EXPECT_EQ(3, barrier_state(self->fd).waiting);
	ASSERT_EQ(0, ask(self->b, complete(self->fd, token_of(self->b), 0)));
	EXPECT_PASS(self->a, generation, 1);

	ASSERT_EQ(0, hear(self->d));
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, self->d->job.await.outcome);
	EXPECT_EQ(generation + 1, self->d->job.await.generation);
	EXPECT_EQ(0, self->d->job.await.index);
	EXPECT_TRUE(is_busy(self->c));
	ASSERT_EQ(0, ask(self->d, complete(self->fd, token_of(self->d), 0)));
	EXPECT_PASS(self->c, generation + 1, 1);
	EXPECT_HEALTHY(0);
}

/* B2, B5: a reset during the action; its end then frees nobody of a later generation. */
TEST_F(action, reset_during_action)
{
	__u64 token;

	FORM(self->a, self->b);
	token = token_of(self->b);
	ARRIVE(self->c);
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_RESET, self->a->job.await.broken_by);
	EXPECT_EQ(-EPIPE, hear(self->c));
	EXPECT_HEALTHY(0);

	ARRIVE(self->a);
	EXPECT_EQ(-EPIPE, ask(self->b, complete(self->fd, token, 0)));
	EXPECT_HEALTHY(1);
	EXPECT_TRUE(is_busy(self->a));
	EXPECT_EQ(-EPERM, ask(self->b, complete(self->fd, token, 1)));
	EXPECT_HEALTHY(1);
	ASSERT_EQ(0, ask(self->c, await(self->fd)));
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, self->c->job.await.outcome);
}

/* B2, B5: not even when a later generation acts already. */
TEST_F(action, late_completion)
{
	__u64 token;

	FORM(self->a, self->b);
	token = token_of(self->b);
	ASSERT_EQ(0, ask(me, reset(self->fd)));
	EXPECT_EQ(-EPIPE, hear(self->a));
	FORM(self->c, self->d);
	EXPECT_EQ(-EPIPE, ask(self->b, complete(self->fd, token, 0)));
	EXPECT_EQ(1, barrier_state(self->fd).acting);
	EXPECT_TRUE(is_busy(self->c));
	kill_puppet(self->b);
	EXPECT_EQ(1, barrier_state(self->fd).acting);
	EXPECT_HEALTHY(1);
	ASSERT_EQ(0, ask(self->d, complete(self->fd, token_of(self->d), 0)));
	EXPECT_EQ(0, hear(self->c));
}

/* B2, B3: a waiter's timeout during the action breaks it; its end frees nobody. */
TEST_F(action, timeout_during_action)
{
	__u64 token;

	ARRIVE_BY(self->a, await_by(self->fd, 0, in_ms(300)));
	ASSERT_EQ(0, ask(self->b, await(self->fd)));
	token = token_of(self->b);
	EXPECT_EQ(-ETIMEDOUT, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_TIMEOUT, barrier_state(self->fd).broken_by);
	EXPECT_EQ(self->a->pid, barrier_state(self->fd).broken_pid);
	EXPECT_EQ(-EPIPE, ask(self->b, complete(self->fd, token, 0)));
	EXPECT_EQ(MUSTER_BROKEN_TIMEOUT, barrier_state(self->fd).broken_by);
}

/* B2, B3: so does the death of a waiter that is part of the complete generation. */
TEST_F(action, death_during_action)
{
	FORM(self->a, self->b);
	kill_puppet(self->a);
	EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(self->fd).broken_by);
	EXPECT_EQ(self->a->pid, barrier_state(self->fd).broken_pid);
	EXPECT_EQ(-EPIPE, ask(self->b, complete(self->fd, token_of(self->b), 0)));
}

/* B2, B3: a timeout in the queue behind leaves the generation that acts alone. */
TEST_F(action, timeout_behind_action)
{
	FORM(self->a, self->b);
	EXPECT_EQ(-ETIMEDOUT, break_by_deadline(self->c, self->fd));
	EXPECT_EQ(MUSTER_BROKEN_TIMEOUT, barrier_state(self->fd).broken_by);
	EXPECT_EQ(1, barrier_state(self->fd).acting);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(self->b, complete(self->fd, token_of(self->b), 0)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(-EPIPE, ask(self->d, await(self->fd)));
}

/* B4: while the action runs a signal waits for its end. */
TEST_F(action, signal_during_action)
{
	long before;

	FORM(self->a, self->b);
	ASSERT_SOON(is_asleep(self->a));
	before = switches(self->a);
	signal_puppet(self->a, SIG_EINTR);
	/* The signal wakes it, and it goes back to sleep. */
	ASSERT_SOON(switches(self->a) > before && is_still(self->a));
	EXPECT_HEALTHY(1);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(self->b, complete(self->fd, token_of(self->b), 0)));
	EXPECT_EQ(0, hear(self->a));
}

/* B7: STAT lists who runs the action last, as the holder. */
TEST_F(action, list)
{
	struct muster_process list[3];

	FORM(self->a, self->b);
	ARRIVE(self->c);
	ASSERT_EQ(3, barrier_processes(self->fd, list, 3));
	EXPECT_EQ(self->a->pid, list[0].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, list[0].role);
	EXPECT_EQ(self->c->pid, list[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, list[1].role);
	EXPECT_EQ(self->b->pid, list[2].pid);
	EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[2].role);
}

/* ---- many rounds ---- */

enum { CROWD = 4, ROUNDS = 150 };

/* One party of CROWD. Everything about each round goes into @seen. */
static int run_rounds(int fd, unsigned int *seen, long *acting)
{
	__u64 generation = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct muster_barrier_await *await_args = &me->job.await;
		__u32 index;

		if (ask(me, await_by(fd, 0, in_ms(15000))))
			return 1;
		index = await_args->index;
		/* Nobody is a round ahead or behind. */
		if (i && await_args->generation != generation + 1)
			return 2;
		generation = await_args->generation;
		if (__atomic_fetch_or(&seen[i], 1U << index, __ATOMIC_SEQ_CST) &
		    1U << index)
			return 3;
		if (!(await_args->outcome & MUSTER_OUTCOME_ACTION))
			continue;
		if (__atomic_add_fetch(acting, 1, __ATOMIC_SEQ_CST) != 1)
			return 4;
		/* The others of this round have not left. */
		if (__atomic_load_n(&seen[i], __ATOMIC_SEQ_CST) != 1)
			return 5;
		__atomic_sub_fetch(acting, 1, __ATOMIC_SEQ_CST);
		if (ask(me, complete(fd, await_args->token, 0)))
			return 6;
	}
	return 0;
}

FIXTURE(rounds) {
};

FIXTURE_VARIANT(rounds) {
	__u32 options;
};

FIXTURE_VARIANT_ADD(rounds, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(rounds, with_action) { .options = MUSTER_BARRIER_ACTION };

FIXTURE_SETUP(rounds)
{
}

FIXTURE_TEARDOWN(rounds)
{
}

/* B1, B2: fast parties arrive again before the slow ones have left; rounds never mix. */
TEST_F(rounds, never_mix)
{
	unsigned int *seen = shared_memory(ROUNDS * sizeof(*seen));
	long *acting = shared_memory(sizeof(*acting));
	int fd = open_barrier(CROWD, variant->options), status, i;
	pid_t pid[CROWD];

	for (i = 0; i < CROWD; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(run_rounds(fd, seen, acting));
	}
	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (i = 0; i < ROUNDS; i++)
		EXPECT_EQ((1 << CROWD) - 1, seen[i]);
	EXPECT_EQ(0, barrier_state(fd).broken_by);
	EXPECT_EQ(0, barrier_state(fd).waiting);
}

TEST_HARNESS_MAIN
