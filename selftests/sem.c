// SPDX-License-Identifier: GPL-2.0-only
/*
 * The weighted semaphore: S1 to S6
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define LIMIT	10

FIXTURE(sem) {
	int fd;
	struct puppet *a, *b, *c;
};

FIXTURE_SETUP(sem)
{
	self->fd = open_sem(LIMIT);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
}

FIXTURE_TEARDOWN(sem)
{
	close(self->fd);
}

/* A puppet begins to wait for permits, and is seen in the queue. */
#define WAIT_IN_QUEUE(p, permits) do {					\
	__u32 _before = sem_state(self->fd).waiters;			\
	tell(p, acquire(self->fd, permits));				\
	ASSERT_SOON(sem_state(self->fd).waiters == _before + 1);	\
} while (0)

#define EXPECT_SEM(_held, _available, _waiters) do {			\
	struct muster_sem_stat _stat = sem_state(self->fd);		\
	EXPECT_EQ(_held, _stat.held);					\
	EXPECT_EQ(_available, _stat.available);				\
	EXPECT_EQ(_waiters, _stat.waiters);				\
} while (0)

/* S1, S6: what is taken is held, what is given back is there again. */
TEST_F(sem, take_and_give_back)
{
	EXPECT_EQ(0, ask(me, acquire(self->fd, 3)));
	EXPECT_SEM(3, 7, 0);
	EXPECT_EQ(0, ask(me, acquire(self->fd, 7)));
	EXPECT_SEM(10, 0, 0);
	EXPECT_EQ(0, ask(me, release(self->fd, 4)));
	EXPECT_SEM(6, 4, 0);
	EXPECT_EQ(0, ask(me, release(self->fd, 6)));
	EXPECT_SEM(0, 10, 0);
}

/* S1: all or nothing. */
TEST_F(sem, all_or_nothing)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 8)));
	EXPECT_EQ(-EAGAIN, ask(self->a, try_acquire(self->fd, 3)));
	EXPECT_SEM(8, 2, 0);
	WAIT_IN_QUEUE(self->a, 3);
	EXPECT_SEM(8, 2, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(10, 0, 0);
}

/* S1, T1: first come, first served; a large request at the front is not overtaken. */
TEST_F(sem, large_request_at_the_front)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	WAIT_IN_QUEUE(self->a, 8);
	WAIT_IN_QUEUE(self->b, 1);
	WAIT_IN_QUEUE(self->c, 1);

	ASSERT_EQ(0, ask(me, release(self->fd, 7)));
	EXPECT_SEM(3, 7, 3);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_SEM(10, 0, 2);
	EXPECT_EQ(0, hear(self->a));
	EXPECT_TRUE(is_busy(self->b));
	EXPECT_TRUE(is_busy(self->c));

	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(0, hear(self->c));
	EXPECT_SEM(10, 0, 0);
}

/* S1, W4: in the order of the queue, which the tokens tell. */
TEST_F(sem, served_in_order)
{
	__u64 token;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	token = me->job.acquire.token;
	WAIT_IN_QUEUE(self->c, 2);
	WAIT_IN_QUEUE(self->a, 3);
	WAIT_IN_QUEUE(self->b, 4);
	ASSERT_EQ(0, ask(me, release(self->fd, 10)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	ASSERT_EQ(0, hear(self->c));
	EXPECT_LT(token, self->c->job.acquire.token);
	EXPECT_LT(self->c->job.acquire.token, self->a->job.acquire.token);
	EXPECT_LT(self->a->job.acquire.token, self->b->job.acquire.token);
	EXPECT_SEM(9, 1, 0);
}

/* S1, T3: a try fails whenever somebody is queued, even if there is enough. */
TEST_F(sem, try_behind_a_queue)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 8)));
	WAIT_IN_QUEUE(self->a, 5);
	EXPECT_EQ(-EAGAIN, ask(self->b, try_acquire(self->fd, 1)));
	EXPECT_EQ(-EAGAIN, ask(self->b, try_acquire(self->fd, 0)));
	EXPECT_SEM(8, 2, 1);

	ASSERT_EQ(0, ask(me, release(self->fd, 8)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(0, ask(self->b, try_acquire(self->fd, 1)));
	EXPECT_SEM(6, 4, 0);
}

/* S1: nothing is to be had whenever nobody is queued, else it waits its turn. */
TEST_F(sem, zero_permits)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	EXPECT_EQ(0, ask(self->a, try_acquire(self->fd, 0)));
	EXPECT_EQ(0, ask(self->a, acquire(self->fd, 0)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 0)));
	EXPECT_SEM(10, 0, 0);

	WAIT_IN_QUEUE(self->a, 10);
	WAIT_IN_QUEUE(self->b, 0);
	ASSERT_EQ(0, ask(me, release(self->fd, 9)));
	EXPECT_SEM(1, 9, 2);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_SEM(10, 0, 0);
}

/* S1, S4: nothing is to be had even while usage is above a limit that was lowered. */
TEST_F(sem, zero_permits_above_the_limit)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 4)));
	EXPECT_EQ(0, ask(self->a, try_acquire(self->fd, 0)));

	WAIT_IN_QUEUE(self->a, 4);
	WAIT_IN_QUEUE(self->b, 0);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 3)));
	EXPECT_EQ(-ERANGE, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_SEM(10, 0, 0);
}

/* S2: more than the limit can never be had, and the queue does not notice. */
TEST_F(sem, more_than_the_limit)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	WAIT_IN_QUEUE(self->a, 10);
	EXPECT_EQ(-ERANGE, ask(self->b, acquire(self->fd, 11)));
	EXPECT_EQ(-ERANGE, ask(self->b, try_acquire(self->fd, 11)));
	EXPECT_EQ(-ERANGE, ask(self->b, acquire(self->fd, INT64_MAX)));
	EXPECT_EQ(-EINVAL, ask(self->b, acquire(self->fd, INT64_MAX + 1ULL)));
	EXPECT_EQ(-EINVAL, ask(self->b, acquire(self->fd, UINT64_MAX)));
	EXPECT_SEM(10, 0, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 10)));
	EXPECT_EQ(0, hear(self->a));
}

/* S2, S4: or it waits for a larger limit, if asked to. */
TEST_F(sem, wait_for_a_larger_limit)
{
	EXPECT_EQ(-EAGAIN, ask(self->a, acquire_by(self->fd, 20, MUSTER_SEM_WAIT_LIMIT |
						   MUSTER_WAIT_NONBLOCK, 0)));
	tell(self->a, acquire_by(self->fd, 20, MUSTER_SEM_WAIT_LIMIT, MUSTER_FOREVER));
	ASSERT_SOON(sem_state(self->fd).waiters == 1);
	WAIT_IN_QUEUE(self->b, 1);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 19)));
	EXPECT_SEM(0, 19, 2);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 5)));
	EXPECT_SEM(0, 5, 2);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 20)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(20, 0, 1);
	ASSERT_EQ(0, ask(self->a, release(self->fd, 20)));
	EXPECT_EQ(0, hear(self->b));
}

/* S1: the largest semaphore there is. */
TEST_F(sem, largest)
{
	int fd = open_sem(INT64_MAX);

	EXPECT_EQ(0, ask(me, acquire(fd, INT64_MAX)));
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 1)));
	EXPECT_EQ(INT64_MAX, sem_state(fd).held);
	EXPECT_EQ(-EINVAL, ask(me, set_limit(fd, INT64_MAX + 1ULL)));
	EXPECT_EQ(0, ask(me, set_limit(fd, 1)));
	EXPECT_EQ(INT64_MAX, sem_state(fd).held);
	EXPECT_EQ(0, ask(me, release(fd, INT64_MAX)));
	EXPECT_EQ(1, sem_state(fd).available);
	close(fd);
}

/* S3: a process gives back only what it holds; more is EPERM and changes nothing. */
TEST_F(sem, release_only_ones_own)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 4)));
	EXPECT_EQ(-EPERM, ask(me, release(self->fd, 1)));
	EXPECT_EQ(-EPERM, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 5)));
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, INT64_MAX)));
	EXPECT_EQ(-EINVAL, ask(self->a, release(self->fd, INT64_MAX + 1ULL)));
	EXPECT_SEM(4, 6, 0);
	EXPECT_EQ(0, ask(self->a, release(self->fd, 4)));
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 1)));
	EXPECT_SEM(0, 10, 0);
}

/* S3, W1: and only through the descriptor that took it. */
TEST_F(sem, release_through_the_same_open_file)
{
	const char *name = unique_name("");
	int fd = open_named(MUSTER_SEM, name, O_CREAT, 5);
	int other = open_named(MUSTER_SEM, name, 0, 0);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, ask(me, acquire(fd, 2)));
	EXPECT_EQ(2, sem_state(other).held);
	EXPECT_EQ(-EPERM, ask(me, release(other, 1)));
	EXPECT_EQ(2, sem_state(other).held);
	EXPECT_EQ(0, ask(me, release(fd, 2)));
	EXPECT_EQ(0, sem_state(other).held);
	close(fd);
	close(other);
}

/* S4: growing wakes those whom it satisfies and no others. */
TEST_F(sem, grow)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	WAIT_IN_QUEUE(self->a, 5);
	WAIT_IN_QUEUE(self->b, 5);
	WAIT_IN_QUEUE(self->c, 5);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 14)));
	EXPECT_EQ(LIMIT, me->job.set_limit.old_limit);
	EXPECT_SEM(10, 4, 3);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 22)));
	EXPECT_EQ(14, me->job.set_limit.old_limit);
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_SEM(20, 2, 1);
	EXPECT_TRUE(is_busy(self->c));
}

/* S4: shrinking takes nothing away; grants wait until usage is below the limit. */
TEST_F(sem, shrink_below_usage)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	WAIT_IN_QUEUE(self->a, 2);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 4)));
	EXPECT_SEM(10, 0, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 5)));
	EXPECT_SEM(5, 0, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	EXPECT_SEM(3, 1, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(4, 0, 0);
	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	EXPECT_EQ(4, sem_state(self->fd).limit);
}

/* S4: waiters that can no longer be served get ERANGE; the others stay, in order. */
TEST_F(sem, shrink_below_requests)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	WAIT_IN_QUEUE(self->a, 3);
	WAIT_IN_QUEUE(self->b, 8);
	WAIT_IN_QUEUE(self->c, 5);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 5)));
	EXPECT_EQ(-ERANGE, hear(self->b));
	EXPECT_SEM(10, 0, 2);
	ASSERT_EQ(0, ask(me, release(self->fd, 8)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(5, 0, 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	EXPECT_SEM(3, 2, 1);
	ASSERT_EQ(0, ask(self->a, release(self->fd, 3)));
	EXPECT_EQ(0, hear(self->c));
}

/* S4, S5: when the front can no longer be served, the next is, if there is enough. */
TEST_F(sem, shrink_evicts_the_front)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 3)));
	WAIT_IN_QUEUE(self->a, 8);
	WAIT_IN_QUEUE(self->b, 2);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 6)));
	EXPECT_EQ(-ERANGE, hear(self->a));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_SEM(5, 1, 0);
}

/* S4: the same in a long queue. */
TEST_F(sem, shrink_below_many_requests)
{
	struct puppet *many[150];
	unsigned int i;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = puppet_thread(self->a);
		WAIT_IN_QUEUE(many[i], i % 3 ? 8 : 1);
	}
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 5)));
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		if (i % 3)
			EXPECT_EQ(-ERANGE, hear(many[i]));
		EXPECT_EQ(i % 3 == 0, is_busy(many[i]));
	}
	EXPECT_SEM(10, 0, 50);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 60)));
	for (i = 0; i < ARRAY_SIZE(many); i += 3)
		EXPECT_EQ(0, hear(many[i]));
	EXPECT_SEM(60, 0, 0);
}

/* S4: a limit of 0 stops all grants. */
TEST_F(sem, limit_of_zero)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 0)));
	EXPECT_EQ(-ERANGE, ask(self->a, acquire(self->fd, 1)));
	tell(self->a, acquire_by(self->fd, 1, MUSTER_SEM_WAIT_LIMIT, MUSTER_FOREVER));
	ASSERT_SOON(sem_state(self->fd).waiters == 1);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_SEM(0, 0, 1);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(1, 0, 0);
}

/* S6, W5: who holds and who waits, for how much, since when; holders come first. */
TEST_F(sem, list)
{
	struct muster_process list[4];
	/* It is told by the kernel's tick, which is 10 ms at most. */
	__u64 before = clock_ns(CLOCK_MONOTONIC_COARSE), after;
	__u64 tick = 10 * NSEC_PER_MSEC;
	unsigned int i;

	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 2)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 4)));
	WAIT_IN_QUEUE(self->c, 7);
	WAIT_IN_QUEUE(self->a, 5);
	after = clock_ns(CLOCK_MONOTONIC_COARSE);

	ASSERT_EQ(4, sem_processes(self->fd, list, 4));
	EXPECT_EQ(self->b->pid, list[0].pid);
	EXPECT_EQ(6, list[0].amount);
	EXPECT_EQ(self->a->pid, list[1].pid);
	EXPECT_EQ(3, list[1].amount);
	EXPECT_EQ(self->c->pid, list[2].pid);
	EXPECT_EQ(7, list[2].amount);
	EXPECT_EQ(self->a->pid, list[3].pid);
	EXPECT_EQ(5, list[3].amount);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i < 2 ? MUSTER_PROCESS_HOLDER : MUSTER_PROCESS_WAITER,
			  list[i].role);
		EXPECT_LE(before, list[i].since + tick);
		EXPECT_LE(list[i].since, after + tick);
	}
}

/* S6: with less room the list is cut, and how many there are is told anyway. */
TEST_F(sem, list_without_room)
{
	struct muster_process list[2] = { { .amount = 1 }, { .amount = 2 } };

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 9)));
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 1)));
	EXPECT_EQ(2, sem_processes(self->fd, NULL, 0));
	EXPECT_EQ(2, sem_processes(self->fd, list, 1));
	EXPECT_EQ(9, list[0].amount);
	EXPECT_EQ(2, list[1].amount);
	EXPECT_EQ(2, sem_processes(self->fd, list, 2));
	EXPECT_EQ(1, list[1].amount);
}

/* W4: tokens only grow, over all holders, with each grant. */
TEST_F(sem, tokens_grow)
{
	struct puppet *who[] = { self->a, self->b, me, self->c };
	__u64 token = 0;
	unsigned int i;

	/* One permit is free at least. */
	for (i = 0; i < 4 * LIMIT; i++) {
		struct puppet *p = who[i % ARRAY_SIZE(who)];

		ASSERT_EQ(0, ask(p, acquire(self->fd, 1)));
		EXPECT_LT(token, p->job.acquire.token);
		token = p->job.acquire.token;
		if (i >= LIMIT - 1)
			ASSERT_EQ(0, ask(p, release(self->fd, 1)));
	}
}

/* W4: after a holder's death grants say so, until somebody has released cleanly. */
TEST_F(sem, abandoned)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 10)));
	EXPECT_EQ(0, self->a->job.acquire.outcome);
	WAIT_IN_QUEUE(self->b, 4);
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, self->b->job.acquire.outcome);
	EXPECT_EQ(1, sem_state(self->fd).abandoned);

	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, me->job.acquire.outcome);
	ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	EXPECT_EQ(0, me->job.acquire.outcome);
}

static struct job release_with(int fd, __u64 permits, __u32 flags)
{
	struct job job = release(fd, permits);

	job.release.flags = flags;
	return job;
}

/* W4: who gives back may say that all is not well, or that it cannot tell. */
TEST_F(sem, release_flags)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 5)));
	ASSERT_EQ(0, ask(me, release_with(self->fd, 1, MUSTER_RELEASE_UNCHECKED)));
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	ASSERT_EQ(0, ask(me, release_with(self->fd, 0, MUSTER_RELEASE_ABANDON)));
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	ASSERT_EQ(0, ask(me, release_with(self->fd, 1, MUSTER_RELEASE_ABANDON)));
	EXPECT_EQ(1, sem_state(self->fd).abandoned);
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 1)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, self->a->job.acquire.outcome);
	ASSERT_EQ(0, ask(self->a, release_with(self->fd, 1, MUSTER_RELEASE_UNCHECKED)));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 0)));
	EXPECT_EQ(1, sem_state(self->fd).abandoned);
	EXPECT_EQ(-EINVAL, ask(me, release_with(self->fd, 1, MUSTER_RELEASE_MASK)));
	EXPECT_EQ(-EPERM, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(1, sem_state(self->fd).abandoned);
	ASSERT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	EXPECT_EQ(2, sem_state(self->fd).held);
}

/* W4: who ends without holding anything abandons nothing. */
TEST_F(sem, not_abandoned)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 3)));
	kill_puppet(self->a);
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 1)));
	EXPECT_EQ(0, self->b->job.acquire.outcome);
}

/* ---- somebody leaves the queue ---- */

enum how { TIMEOUT, SIGNAL, DEATH, CLOSE };

FIXTURE(leaving) {
	int fd;
	struct puppet *leaver, *thread, *first, *last;
};

FIXTURE_VARIANT(leaving) {
	enum how how;
	int verdict;
};

FIXTURE_VARIANT_ADD(leaving, by_timeout) { .how = TIMEOUT, .verdict = -ETIMEDOUT };
FIXTURE_VARIANT_ADD(leaving, by_signal) { .how = SIGNAL, .verdict = -EINTR };
FIXTURE_VARIANT_ADD(leaving, by_death) { .how = DEATH };
FIXTURE_VARIANT_ADD(leaving, by_close) { .how = CLOSE, .verdict = -EBADF };

FIXTURE_SETUP(leaving)
{
	self->fd = open_sem(LIMIT);
	self->first = puppet();
	self->last = puppet();
	self->leaver = puppet();
	self->thread = puppet_thread(self->leaver);
}

FIXTURE_TEARDOWN(leaving)
{
	close(self->fd);
}

/*
 * Has one thread wait for 5 permits and another for 2, so that @waiters are seen. If
 * the machine was so slow that a deadline passed before, again with a later one.
 */
static bool queue_up(int fd, __u32 waiters, struct puppet *leaver, struct puppet *last,
		     enum how how)
{
	unsigned int ms = how == TIMEOUT ? 100 : 1000000;

	for (; ms <= 1000000; ms *= 2) {
		tell(leaver, acquire_by(fd, 5, 0, in_ms(ms)));
		while (sem_state(fd).waiters != waiters - 1 && is_busy(leaver))
			nap();
		tell(last, acquire(fd, 2));
		while (sem_state(fd).waiters != waiters) {
			nap();
			if (!is_busy(leaver) && !is_busy(last))
				break;
		}
		if (is_busy(last))
			return true;
		hear(last);
		ask(last, release(fd, 2));
	}
	return false;
}

/* @thread is the one of @process that waits. */
static void make_leave(int fd, struct puppet *process, struct puppet *thread, enum how how)
{
	if (how == SIGNAL)
		signal_puppet(thread, SIG_EINTR);
	else if (how == DEATH)
		kill_puppet(process);
	else if (how == CLOSE)
		ask(process, do_close(fd));
}

/* S5, T2, T3, W2: when the front leaves, however, the next is served at once. */
TEST_F(leaving, the_front)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 8)));
	ASSERT_TRUE(queue_up(self->fd, 2, self->thread, self->last, variant->how));
	make_leave(self->fd, self->leaver, self->thread, variant->how);
	EXPECT_EQ(0, hear(self->last));
	if (variant->how != DEATH)
		EXPECT_EQ(variant->verdict, hear(self->thread));
	EXPECT_SEM(10, 0, 0);
}

/* S5, T2, T3, W2: when the middle leaves, the others stay in order. */
TEST_F(leaving, the_middle)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 10)));
	WAIT_IN_QUEUE(self->first, 3);
	ASSERT_TRUE(queue_up(self->fd, 3, self->thread, self->last, variant->how));
	make_leave(self->fd, self->leaver, self->thread, variant->how);
	if (variant->how != DEATH)
		EXPECT_EQ(variant->verdict, hear(self->thread));
	ASSERT_SOON(sem_state(self->fd).waiters == 2);
	EXPECT_SEM(10, 0, 2);
	ASSERT_EQ(0, ask(me, release(self->fd, 5)));
	EXPECT_EQ(0, hear(self->first));
	EXPECT_EQ(0, hear(self->last));
	EXPECT_SEM(10, 0, 0);
}

/* ---- signalling ---- */

FIXTURE(signalling) {
	int fd;
	struct puppet *a, *b;
};

FIXTURE_SETUP(signalling)
{
	struct muster_open how = open_how(MUSTER_SEM, NULL, 0, 4);

	how.options = MUSTER_SEM_SIGNALLING;
	how.initial = 2;
	self->fd = open_object(&how);
	ASSERT_LE(0, self->fd);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(signalling)
{
	close(self->fd);
}

/* W4: there are no holders, so nothing is abandoned. */
TEST_F(signalling, nothing_abandoned)
{
	ASSERT_EQ(0, ask(me, release_with(self->fd, 1, MUSTER_RELEASE_ABANDON)));
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
}

/* S3: anyone may release, up to the limit; more is EOVERFLOW and changes nothing. */
TEST_F(signalling, anyone_releases)
{
	EXPECT_SEM(2, 2, 0);
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 1)));
	EXPECT_EQ(0, ask(self->b, release(self->fd, 3)));
	EXPECT_SEM(0, 4, 0);
	EXPECT_EQ(-EOVERFLOW, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(-EOVERFLOW, ask(self->b, release(self->fd, INT64_MAX)));
	EXPECT_SEM(0, 4, 0);
	EXPECT_EQ(0, ask(self->b, release(self->fd, 0)));
}

/* S3: a consumer waits for its producer. */
TEST_F(signalling, producer_and_consumer)
{
	ASSERT_EQ(0, ask(me, acquire(self->fd, 2)));
	WAIT_IN_QUEUE(self->a, 2);
	ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_SEM(3, 1, 1);
	ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(4, 0, 0);
}

/* S3, S6: nobody holds anything, so a death gives nothing back and abandons nothing. */
TEST_F(signalling, nothing_is_held)
{
	struct muster_process list[1];

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 2)));
	EXPECT_EQ(0, sem_processes(self->fd, list, 1));
	kill_puppet(self->a);
	EXPECT_SEM(4, 0, 0);
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
}

/* S4: the limit bounds what may be there; changing it adds and removes nothing. */
TEST_F(signalling, limit)
{
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 1)));
	EXPECT_SEM(0, 2, 0);
	EXPECT_EQ(-EOVERFLOW, ask(me, release(self->fd, 1)));
	EXPECT_EQ(-ERANGE, ask(me, try_acquire(self->fd, 2)));
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	EXPECT_SEM(1, 0, 0);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 100)));
	EXPECT_SEM(100, 0, 0);
	EXPECT_EQ(0, ask(me, release(self->fd, 100)));
	EXPECT_SEM(0, 100, 0);
}

/* S1, T1: a crowd of unequal requests loses and doubles nothing. */
TEST(conservation)
{
	enum { CROWD = 6, ROUNDS = 150, SIZE = 7 };
	long *inside = shared_memory(sizeof(*inside));
	int fd = open_sem(SIZE), status, i, j;
	pid_t pid[CROWD];

	for (i = 0; i < CROWD; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		srand(i);
		for (j = 0; j < ROUNDS; j++) {
			int n = rand() % SIZE + 1;

			if (ask(me, acquire_by(fd, n, 0, in_ms(10000))))
				_exit(1);
			if (__atomic_add_fetch(inside, n, __ATOMIC_SEQ_CST) > SIZE)
				_exit(2);
			if (j % 8 == 0)
				sched_yield();
			__atomic_sub_fetch(inside, n, __ATOMIC_SEQ_CST);
			if (ask(me, release(fd, n)))
				_exit(3);
		}
		_exit(0);
	}
	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, sem_state(fd).held);
	EXPECT_EQ(SIZE, sem_state(fd).available);
	EXPECT_EQ(0, sem_state(fd).abandoned);
}

/* S2 to S4, T6: nobody gets more than the limit at once, though there is more. */
TEST_F(signalling, more_than_the_limit)
{
	struct job large = acquire_by(self->fd, 3, MUSTER_SEM_WAIT_LIMIT, MUSTER_FOREVER);

	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	EXPECT_EQ(POLLIN, poll_now(self->fd) & POLLIN);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 0)));
	EXPECT_EQ(0, poll_now(self->fd));
	EXPECT_EQ(-ERANGE, ask(me, acquire(self->fd, 1)));
	tell(self->a, large);
	ASSERT_SOON(sem_state(self->fd).waiters == 1);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 2)));
	EXPECT_TRUE(is_busy(self->a));
	EXPECT_EQ(1, sem_state(self->fd).waiters);
	EXPECT_EQ(4, sem_state(self->fd).available);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 3)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(1, sem_state(self->fd).available);
}

/* T4: who could not be told of what it was granted has not taken it, whatever the limit. */
TEST_F(signalling, untold)
{
	struct muster_sem_acquire *args;
	struct job job;

	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 2)));
	args = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT_NE(MAP_FAILED, args);
	*args = acquire(self->fd, 2).acquire;
	ASSERT_EQ(0, mprotect(args, getpagesize(), PROT_READ));
	job = acquire(self->fd, 2);
	job.at = args;
	EXPECT_EQ(-EFAULT, ask(me, job));
	EXPECT_EQ(4, sem_state(self->fd).available);
	munmap(args, getpagesize());
}

TEST_HARNESS_MAIN
