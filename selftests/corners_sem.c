// SPDX-License-Identifier: GPL-2.0-only
/*
 * Semaphores at the corners where others fail; Documentation/peers.rst
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "race.h"

#define ROUNDS		100
/* Of those that take longer. */
#define FEW_ROUNDS	20

/* As many as it takes until somebody had to wait. */
#define MANY		rounds(ROUNDS)

static unsigned int rounds_of(enum way way)
{
	return rounds(way == BY_DEATH || way == BY_TIMEOUT ? FEW_ROUNDS : ROUNDS);
}

#define QUEUE(p, fd, permits) do {					\
	__u32 _before = sem_state(fd).waiters;				\
	tell(p, acquire(fd, permits));					\
	ASSERT_QUICK(sem_state(fd).waiters == _before + 1);		\
} while (0)

#define EXPECT_SEM(fd, _held, _waiters) do {				\
	struct muster_sem_stat _stat = sem_state(fd);			\
	EXPECT_EQ(_held, _stat.held);					\
	EXPECT_EQ(_waiters, _stat.waiters);				\
} while (0)

/* ---- one who leaves, in each way ---- */

FIXTURE(leaver) {
	int fd;
	struct puppet *holder, *next, *other;
	struct quitter q;
};

FIXTURE_VARIANT(leaver) {
	enum way way;
};

FIXTURE_VARIANT_ADD(leaver, by_timeout) { .way = BY_TIMEOUT };
FIXTURE_VARIANT_ADD(leaver, by_signal) { .way = BY_SIGNAL };
FIXTURE_VARIANT_ADD(leaver, by_close) { .way = BY_CLOSE };
FIXTURE_VARIANT_ADD(leaver, by_death) { .way = BY_DEATH };

FIXTURE_SETUP(leaver)
{
	self->fd = open_sem(1);
	quitter_init(&self->q, variant->way);
	self->holder = puppet();
	self->next = puppet();
	self->other = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(leaver)
{
}

/*
 * T1, T2, T3, T5, W2: x/sync: "a waiter cancelled as it is granted gives the permits
 * back". A waiter leaves at the instant of the grant; one of the two in the queue gets
 * the permit, and never both.
 */
TEST_F_TIMEOUT(leaver, at_the_grant, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	int fd = self->fd, ret;

	for (i = 0; i < n || !quitter_met_both(&self->q); i++) {
		ASSERT_EQ(0, ask(self->holder, try_acquire(fd, 1)));
		ASSERT_EQ(0, quitter_waits(&self->q, acquire(fd, 1)));
		ASSERT_QUICK(sem_state(fd).waiters == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, acquire(fd, 1));
		tell(self->holder, at_once(self->q.race, release(fd, 1)));
		ret = quitter_leaves(&self->q, 1);
		ASSERT_EQ(0, hear(self->holder));
		if (!ret) {
			EXPECT_EQ(1, sem_state(fd).held);
			ASSERT_TRUE(is_busy(self->next));
			ASSERT_EQ(0, ask(self->q.p, release(fd, 1)));
		} else {
			ASSERT_TRUE(ret == -ECANCELED || ret == GONE);
		}
		ASSERT_EQ(0, hear(self->next));
		EXPECT_SEM(fd, 1, 0);
		ASSERT_EQ(0, ask(self->next, release(fd, 1)));
		EXPECT_SEM(fd, 0, 0);
	}
	TH_LOG("%u granted, %u left", self->q.granted, self->q.left);
}

/*
 * S5, S1: x/sync: "cancelling the front waiter re-examines the queue". With the one at
 * the front those two leave the queue who can be served, at once: a TRY at that instant
 * finds them waiting, or served.
 */
TEST_F_TIMEOUT(leaver, the_front, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	struct puppet *third = puppet();
	int fd = self->fd, ret;
	unsigned int stood = 0;
	bool waiting;

	ASSERT_EQ(0, ask(me, set_limit(fd, 4)));
	for (i = 0; i < n || !stood; i++) {
		ASSERT_EQ(0, ask(self->holder, acquire(fd, 2)));
		ASSERT_EQ(0, quitter_waits(&self->q, acquire(fd, 3)));
		ASSERT_QUICK(sem_state(fd).waiters == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, acquire(fd, 1));
		tell(self->other, acquire(fd, 1));
		/* All three wait, or the first has left already. */
		ASSERT_QUICK((waiting = sem_state(fd).waiters == 3) ||
			     sem_state(fd).held == 4);
		stood += waiting;
		tell(third, at_once(self->q.race, try_acquire(fd, 1)));
		ret = quitter_leaves(&self->q, 1);
		ASSERT_TRUE(ret == -ECANCELED || ret == GONE);
		ASSERT_EQ(-EAGAIN, hear(third));
		ASSERT_EQ(0, hear(self->next));
		ASSERT_EQ(0, hear(self->other));
		EXPECT_SEM(fd, 4, 0);
		ASSERT_EQ(0, ask(self->holder, release(fd, 2)));
		ASSERT_EQ(0, ask(self->next, release(fd, 1)));
		ASSERT_EQ(0, ask(self->other, release(fd, 1)));
	}
	TH_LOG("%u of %u left a queue behind", stood, n);
}

/* ---- on entry, and in a crowd ---- */

/**
 * struct crowd - what a crowd tells of itself, in memory that all share
 * @stop:	all are to end
 * @grants:	how many there were
 * @wrong:	how many went wrong
 * @queued:	the number, from 1, of the large request that is in the queue, else 0
 * @first:	for each of them: the smallest token of the grants asked for since
 */
struct crowd {
	__u32 stop;
	__u64 grants;
	__u64 wrong;
	__u32 queued;
	__u64 first[];
};

FIXTURE(corner) {
	int fd;
	struct crowd *crowd;
	struct race *race;
	struct puppet *a, *b, *c;
};

FIXTURE_SETUP(corner)
{
	self->fd = open_sem(1);
	self->crowd = shared_memory(sizeof(*self->crowd) +
				    (MANY + 1) * sizeof(self->crowd->first[0]));
	self->race = new_race();
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(corner)
{
}

/*
 * T2: x/sync: a context that is done on entry. What is free is granted, what is not is
 * ETIMEDOUT; nobody queues, and at the instant of a release it is the one or the other.
 */
TEST_F_TIMEOUT(corner, expired_on_entry, 120)
{
	unsigned int n = rounds(ROUNDS), i, granted = 0;
	int fd = self->fd, ret;

	for (i = 0; i < n || !granted || granted == i; i++) {
		ASSERT_EQ(0, ask(me, try_acquire(fd, 1)));
		tell(self->a, at_once(self->race, acquire_by(fd, 1, 0, 1)));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(me, release(fd, 1)));
		ret = hear(self->a);
		EXPECT_SEM(fd, !ret, 0);
		lean(self->race, ret);
		if (!ret) {
			granted++;
			ASSERT_EQ(0, ask(self->a, release(fd, 1)));
		} else {
			ASSERT_EQ(-ETIMEDOUT, ret);
		}
	}
}

/*
 * S1: x/sync: TRY fails while anyone is queued, even for 0. At the instant at which the
 * last one is served it is the one or the other, and nobody is overtaken.
 */
TEST_F_TIMEOUT(corner, try_behind_a_queue, 120)
{
	unsigned int n = rounds(ROUNDS), i, late = 0;
	int fd = self->fd, ret;

	for (i = 0; i < n || !late; i++) {
		ASSERT_EQ(0, ask(me, try_acquire(fd, 1)));
		QUEUE(self->a, fd, 1);
		tell(self->b, at_once(self->race, try_acquire(fd, i % 2)));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(me, release(fd, 1)));
		ret = hear(self->b);
		ASSERT_EQ(0, hear(self->a));
		ASSERT_TRUE(ret == -EAGAIN || (!ret && i % 2 == 0));
		if (!ret)
			EXPECT_LT(self->a->job.acquire.token, self->b->job.acquire.token);
		if (i % 2 == 0)
			lean(self->race, ret);
		late += !ret;
		EXPECT_SEM(fd, 1, 0);
		ASSERT_EQ(0, ask(self->a, release(fd, 1)));
	}
}

/*
 * S1: users ask for a TRY for all that there is: it gets all permits or none. At the
 * instant at which the only holder releases it is the one or the other, and who is refused
 * has nothing. Of two that try at once exactly one has them.
 */
TEST_F_TIMEOUT(corner, try_for_all, 120)
{
	unsigned int n = rounds(ROUNDS), i, granted = 0;
	struct puppet *winner;
	int fd = self->fd, ret;

	ASSERT_EQ(0, ask(me, set_limit(fd, 4)));
	for (i = 0; i < n || !granted || granted == i; i++) {
		ASSERT_EQ(0, ask(self->a, try_acquire(fd, 1)));
		EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 4)));
		EXPECT_SEM(fd, 1, 0);
		tell(self->a, at_once(self->race, release(fd, 1)));
		begin(self->race, 1);
		ret = ask(me, try_acquire(fd, 4));
		ASSERT_EQ(0, hear(self->a));
		ASSERT_TRUE(!ret || ret == -EAGAIN);
		EXPECT_SEM(fd, ret ? 0 : 4, 0);
		EXPECT_EQ(ret ? -EPERM : 0, ask(me, release(fd, 4)));
		lean(self->race, !ret);
		granted += !ret;

		tell(self->b, at_once(self->race, try_acquire(fd, 4)));
		begin(self->race, 1);
		ret = ask(me, try_acquire(fd, 4));
		ASSERT_EQ(ret ? 0 : -EAGAIN, hear(self->b));
		EXPECT_SEM(fd, 4, 0);
		winner = ret ? self->b : me;
		EXPECT_EQ(-EPERM, ask(ret ? me : self->b, release(fd, 1)));
		ASSERT_EQ(0, ask(winner, release(fd, 4)));
	}
	TH_LOG("%u of %u granted", granted, i);
}

/* ---- the books ---- */

static void lower_to(__u64 *least, __u64 value)
{
	__u64 old = __atomic_load_n(least, __ATOMIC_RELAXED);

	while (value < old && !__atomic_compare_exchange_n(least, &old, value, false,
							   __ATOMIC_RELAXED,
							   __ATOMIC_RELAXED))
		;
}

/*
 * Takes and gives back small amounts, and tries to give back more than it has, less
 * than nothing, and to take less than nothing.
 */
static int run_crowd(struct job *job)
{
	struct crowd *crowd = job->at;
	__u64 seed = getpid(), permits;
	__u32 queued;
	int fd = job->fd, ret;

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE)) {
		permits = 1 + random_below(&seed, 2);
		queued = __atomic_load_n(&crowd->queued, __ATOMIC_ACQUIRE);
		ret = ask(me, acquire(fd, permits));
		if (ret == -ERANGE)
			continue;
		crowd->wrong += !!ret;
		__atomic_add_fetch(&crowd->grants, 1, __ATOMIC_RELAXED);
		if (queued)
			lower_to(&crowd->first[queued], me->job.acquire.token);
		if (random_below(&seed, 4) == 0)
			sched_yield();
		crowd->wrong += ask(me, release(fd, permits + 1)) != -EPERM;
		crowd->wrong += ask(me, release(fd, -1ULL)) != -EINVAL;
		crowd->wrong += ask(me, try_acquire(fd, -permits)) != -EINVAL;
		crowd->wrong += ask(me, release(fd, permits)) != 0;
	}
	return 0;
}

#define IN_CROWD(crowd_, fd_) \
	((struct job){ .run = run_crowd, .fd = fd_, .at = crowd_ })

/*
 * S3, S4: marusama: shrinking never evicts, usage drains; x/sync: a negative n is not
 * checked, and over-release corrupts the count. While a crowd does all that, usage
 * above the limit only falls, and at last every permit is there.
 */
TEST_F_TIMEOUT(corner, shrink_below_usage, 120)
{
	struct crowd *crowd = self->crowd;
	struct puppet *all[] = { self->a, self->b, self->c };
	unsigned int n = rounds(4 * ROUNDS), i, j, above = 0;
	struct muster_sem_stat before, after;
	int fd = self->fd;
	__u64 limit;

	ASSERT_EQ(0, ask(me, set_limit(fd, 4)));
	for (i = 0; i < ARRAY_SIZE(all); i++)
		tell(all[i], IN_CROWD(crowd, fd));
	for (i = 0; i < n || !above; i++) {
		limit = random_below(&self->race->seed, 6);
		ASSERT_EQ(0, ask(me, set_limit(fd, limit)));
		before = sem_state(fd);
		linger(random_below(&self->race->seed, 500));
		after = sem_state(fd);
		ASSERT_EQ(limit, after.limit);
		ASSERT_EQ(after.held < limit ? limit - after.held : 0, after.available);
		if (before.held > limit) {
			above++;
			ASSERT_LE(after.held, before.held);
		} else {
			ASSERT_LE(after.held, limit);
		}
		if (i % 8 == 0)
			sched_yield();
	}
	__atomic_store_n(&crowd->stop, 1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, ask(me, set_limit(fd, 4)));
	for (j = 0; j < ARRAY_SIZE(all); j++)
		ASSERT_EQ(0, hear(all[j]));
	EXPECT_EQ(0, crowd->wrong);
	EXPECT_EQ(4, sem_state(fd).available);
	EXPECT_SEM(fd, 0, 0);
	TH_LOG("%u of %u times above the limit, %llu grants", above, i,
	       (unsigned long long)crowd->grants);
}

/*
 * S1: marusama: every release wakes all, and large requests starve. Whoever asks after
 * a large request is seen in the queue is served after it, as the tokens tell.
 */
TEST_F_TIMEOUT(corner, large_request_in_a_crowd, 120)
{
	struct crowd *crowd = self->crowd;
	struct puppet *large = puppet(), *all[] = { self->a, self->b, self->c };
	unsigned int n = rounds(ROUNDS), i, j;
	int fd = self->fd;
	__u64 grants, tokens[MANY];

	ASSERT_EQ(0, ask(me, set_limit(fd, 5)));
	for (i = 0; i < ARRAY_SIZE(all); i++)
		tell(all[i], IN_CROWD(crowd, fd));
	for (i = 0; i < n; i++) {
		crowd->first[i + 1] = ~0ULL;
		ASSERT_EQ(0, ask(me, acquire(fd, 1)));
		tell(large, acquire(fd, 5));
		/* The others may wait, too: before it for their turn, or behind it. */
		ASSERT_SOON(is_asleep(large));
		__atomic_store_n(&crowd->queued, i + 1, __ATOMIC_RELEASE);
		linger(random_below(&self->race->seed, 500));
		ASSERT_EQ(0, ask(me, release(fd, 1)));
		ASSERT_EQ(0, hear(large));
		__atomic_store_n(&crowd->queued, 0, __ATOMIC_RELEASE);
		EXPECT_EQ(5, sem_state(fd).held);
		tokens[i] = large->job.acquire.token;
		grants = crowd->grants;
		ASSERT_EQ(0, ask(large, release(fd, 5)));
		/* The crowd gets on as well. */
		ASSERT_QUICK(crowd->grants > grants);
	}
	__atomic_store_n(&crowd->stop, 1, __ATOMIC_RELEASE);
	for (j = 0; j < ARRAY_SIZE(all); j++)
		ASSERT_EQ(0, hear(all[j]));
	EXPECT_EQ(0, crowd->wrong);
	EXPECT_SEM(fd, 0, 0);
	while (i--)
		EXPECT_LT(tokens[i], crowd->first[i + 1]);
}

static int run_nothing(struct job *job)
{
	struct crowd *crowd = job->at;
	int err = 0;

	while (!err && !__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE))
		err = ask(me, acquire(job->fd, 0));
	return err;
}

/*
 * Stays on one CPU. Linux 7.3 moves who is ready to run from one busy CPU to another together
 * with what it has run ahead of the others, and so may not let it run for minutes.
 */
static void stay(const struct puppet *p)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	sched_setaffinity(p->pid, sizeof(here), &here);
}

/*
 * S1, S5: who comes again and again, for what is always there, has nobody serve it for ever:
 * neither who releases nor who dies.
 */
TEST_F_TIMEOUT(corner, endless_queue, 120)
{
	struct puppet *holder = puppet(), *crowd[200];
	struct job nothing = { .run = run_nothing, .fd = self->fd, .at = self->crowd };
	unsigned int i, n = slowness() > 1 ? 100 : ARRAY_SIZE(crowd);

	stay(holder);
	stay(self->a);
	stay(self->b);
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 1)));
	for (i = 0; i < n; i++)
		crowd[i] = puppet();
	ASSERT_EQ(0, ask(holder, acquire(self->fd, 1)));
	QUEUE(self->a, self->fd, 1);
	for (i = 0; i < n; i++)
		tell(crowd[i], nothing);
	ASSERT_SOON(sem_state(self->fd).waiters == n + 1);
	EXPECT_EQ(0, ask(holder, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->a));
	tell(self->b, acquire(self->fd, 1));
	ASSERT_SOON(sem_state(self->fd).waiters == n + 1);
	kill_puppet(self->a);
	EXPECT_EQ(0, hear(self->b));
	__atomic_store_n(&self->crowd->stop, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(0, ask(self->b, release(self->fd, 1)));
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, hear(crowd[i]));
}

/* S1, S4: marusama: limits are cut to 32 bits. */
TEST_F(corner, wide_numbers)
{
	const __u64 wide = (1ULL << 32) + 5;
	int fd = self->fd;

	ASSERT_EQ(0, ask(me, set_limit(fd, wide)));
	EXPECT_EQ(wide, sem_state(fd).limit);
	ASSERT_EQ(0, ask(me, acquire(fd, wide - 1)));
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 2)));
	ASSERT_EQ(0, ask(me, set_limit(fd, wide << 8)));
	EXPECT_EQ(wide, me->job.set_limit.old_limit);
	EXPECT_EQ((wide << 8) - wide + 1, sem_state(fd).available);
	QUEUE(self->a, fd, wide << 8);
	ASSERT_EQ(0, ask(me, release(fd, wide - 1)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_SEM(fd, wide << 8, 0);
}

TEST_HARNESS_MAIN
