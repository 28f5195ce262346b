// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at each point where somebody waits or holds: nobody waits for the dead, no
 * permit is lost, no result is torn
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY	"key"
#define LIMIT	4

/* How often a race is run. */
#define ROUNDS	60

FIXTURE(victims) {
	int sem, flight, barrier, action;
	struct puppet *a, *b, *c, *d;
};

FIXTURE_SETUP(victims)
{
	self->sem = open_sem(LIMIT);
	self->flight = open_flight(3);
	self->barrier = open_barrier(3, 0);
	self->action = open_barrier(2, MUSTER_BARRIER_ACTION);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	self->d = puppet();
}

FIXTURE_TEARDOWN(victims)
{
}

#define QUEUE(p, permits) do {						\
	__u32 _before = sem_state(self->sem).waiters;			\
	tell(p, acquire(self->sem, permits));				\
	ASSERT_SOON(sem_state(self->sem).waiters == _before + 1);	\
} while (0)

#define FOLLOW(p) do {							\
	__u64 _before = flight_state(self->flight).followers;		\
	tell(p, join(self->flight, KEY));				\
	ASSERT_SOON(flight_state(self->flight).followers == _before + 1); \
} while (0)

#define LEAD(p) do {							\
	ASSERT_EQ(0, ask(p, join(self->flight, KEY)));			\
	ASSERT_EQ(MUSTER_ROLE_LEADER, (p)->job.join.role);		\
} while (0)

#define ARRIVE(p, fd) do {						\
	__u32 _before = barrier_state(fd).waiting;			\
	tell(p, await(fd));						\
	ASSERT_SOON(barrier_state(fd).waiting == _before + 1);		\
} while (0)

#define EXPECT_SEM(_held, _waiters) do {				\
	struct muster_sem_stat _stat = sem_state(self->sem);		\
	EXPECT_EQ(_held, _stat.held);					\
	EXPECT_EQ(LIMIT - (_held), _stat.available);			\
	EXPECT_EQ(_waiters, _stat.waiters);				\
} while (0)

/* Kills both, as close in time as it gets. */
static void kill_both(struct puppet *p, struct puppet *q)
{
	kill(p->pid, SIGKILL);
	kill(q->pid, SIGKILL);
	kill_puppet(p);
	kill_puppet(q);
}

/* ---- semaphore ---- */

/* W2, W4, S5: a holder; what it held goes to the front of the queue. */
TEST_F(victims, holder)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 4)));
	QUEUE(self->b, 3);
	QUEUE(self->c, 3);
	kill_puppet(self->a);
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, self->b->job.acquire.outcome);
	EXPECT_LT(self->a->job.acquire.token, self->b->job.acquire.token);
	EXPECT_TRUE(is_busy(self->c));
	EXPECT_SEM(3, 1);
}

/* S5: the waiter at the front. */
TEST_F(victims, front_waiter)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 3)));
	QUEUE(self->b, 4);
	QUEUE(self->c, 1);
	kill_puppet(self->b);
	EXPECT_EQ(0, hear(self->c));
	EXPECT_EQ(0, self->c->job.acquire.outcome);
	EXPECT_SEM(4, 0);
}

/* S5: a waiter in the middle. */
TEST_F(victims, middle_waiter)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 4)));
	QUEUE(self->b, 1);
	QUEUE(self->c, 4);
	QUEUE(self->d, 1);
	kill_puppet(self->c);
	EXPECT_SEM(4, 2);
	ASSERT_EQ(0, ask(self->a, release(self->sem, 2)));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(0, hear(self->d));
	EXPECT_SEM(4, 0);
}

/* S5, W2: holder and front waiter together: whatever the order, the next is served. */
TEST_F(victims, holder_and_front_waiter)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *holder = puppet(), *front = puppet();

		ASSERT_EQ(0, ask(holder, acquire(self->sem, 4)));
		QUEUE(front, 4);
		QUEUE(self->c, 4);
		kill_both(i % 2 ? front : holder, i % 2 ? holder : front);
		ASSERT_EQ(0, hear(self->c));
		EXPECT_SEM(4, 0);
		ASSERT_EQ(0, ask(self->c, release(self->sem, 4)));
	}
}

/* T1, W2: a waiter is killed at the instant it is granted. */
TEST_F(victims, waiter_being_granted)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *victim = puppet();

		ASSERT_EQ(0, ask(self->a, acquire(self->sem, 4)));
		QUEUE(victim, 4);
		QUEUE(self->c, 4);
		tell(self->a, release(self->sem, 4));
		kill_puppet(victim);
		ASSERT_EQ(0, hear(self->a));
		ASSERT_EQ(0, hear(self->c));
		EXPECT_SEM(4, 0);
		ASSERT_EQ(0, ask(self->c, release(self->sem, 4)));
	}
}

/* S4: a waiter for a larger limit. */
TEST_F(victims, waiter_for_a_larger_limit)
{
	tell(self->a, acquire_by(self->sem, 9, MUSTER_SEM_WAIT_LIMIT, MUSTER_FOREVER));
	ASSERT_SOON(sem_state(self->sem).waiters == 1);
	QUEUE(self->b, 1);
	kill_puppet(self->a);
	EXPECT_EQ(0, hear(self->b));
	ASSERT_EQ(0, ask(me, set_limit(self->sem, 9)));
	EXPECT_EQ(1, sem_state(self->sem).held);
}

/* ---- flight ---- */

/* F6, W4: a leader. */
TEST_F(victims, leader)
{
	LEAD(self->a);
	FOLLOW(self->b);
	FOLLOW(self->c);
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(MUSTER_ROLE_LEADER, self->b->job.join.role);
	EXPECT_EQ(2, self->b->job.join.attempt);
	EXPECT_LT(self->a->job.join.token, self->b->job.join.token);
	EXPECT_TRUE(is_busy(self->c));
}

/* F5: a follower. */
TEST_F(victims, follower)
{
	LEAD(self->a);
	FOLLOW(self->b);
	FOLLOW(self->c);
	kill_puppet(self->b);
	EXPECT_EQ(1, flight_state(self->flight).followers);
	ASSERT_EQ(0, ask(self->a, finish(self->flight, KEY, self->a->job.join.token, 1,
					 "r")));
	EXPECT_EQ(1, self->a->job.finish.followers);
	EXPECT_EQ(0, hear(self->c));
	EXPECT_EQ(1, self->c->job.join.attempt);
	EXPECT_EQ(0, memcmp("r", self->c->data, 2));
}

/* F6, F12: two leaders, one after the other. */
TEST_F(victims, promoted_follower)
{
	LEAD(self->a);
	FOLLOW(self->b);
	FOLLOW(self->c);
	FOLLOW(self->d);
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	kill_puppet(self->b);
	ASSERT_EQ(0, hear(self->c));
	EXPECT_EQ(MUSTER_ROLE_LEADER, self->c->job.join.role);
	EXPECT_EQ(3, self->c->job.join.attempt);
	EXPECT_LT(self->b->job.join.token, self->c->job.join.token);
	ASSERT_EQ(0, ask(self->c, finish(self->flight, KEY, self->c->job.join.token, 7,
					 "r")));
	EXPECT_EQ(0, hear(self->d));
	EXPECT_EQ(7, self->d->job.join.status);
	EXPECT_EQ(3, self->d->job.join.attempt);
}

/*
 * F12: leader and first follower die together, so that the one is promoted while it
 * is on its way out. The second follower leads. How many hand-overs that took depends
 * on who was faster, and is one or two.
 */
TEST_F(victims, leader_and_follower)
{
	struct muster_flight_stat stat;
	__u64 token = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *leader = puppet(), *follower = puppet();

		LEAD(leader);
		FOLLOW(follower);
		FOLLOW(self->c);
		FOLLOW(self->d);
		kill_both(i % 2 ? leader : follower, i % 2 ? follower : leader);
		ASSERT_EQ(0, hear(self->c));
		ASSERT_EQ(MUSTER_ROLE_LEADER, self->c->job.join.role);
		EXPECT_TRUE(self->c->job.join.attempt == 2 ||
			    self->c->job.join.attempt == 3);
		EXPECT_EQ(1, self->c->job.join.shared);
		EXPECT_LT(token, self->c->job.join.token);
		token = self->c->job.join.token;
		ASSERT_EQ(0, ask(self->c, finish(self->flight, KEY, token, i, NULL)));
		ASSERT_EQ(0, hear(self->d));
		EXPECT_EQ(i, self->d->job.join.status);
		EXPECT_EQ(token, self->d->job.join.token);
	}
	stat = flight_state(self->flight);
	EXPECT_EQ(ROUNDS, stat.led);
	EXPECT_EQ(0, stat.orphaned);
	EXPECT_EQ(0, stat.followers);
	EXPECT_EQ(0, stat.calls);
}

/* F1, F6: the leader is killed at the instant it finishes: a result or a new leader. */
TEST_F(victims, finishing_leader)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *leader = puppet();

		LEAD(leader);
		FOLLOW(self->b);
		tell(leader, finish(self->flight, KEY, leader->job.join.token, 5, "whole"));
		kill_puppet(leader);
		ASSERT_EQ(0, hear(self->b));
		if (self->b->job.join.role == MUSTER_ROLE_LEADER) {
			EXPECT_EQ(2, self->b->job.join.attempt);
			ASSERT_EQ(0, ask(self->b, finish(self->flight, KEY,
							 self->b->job.join.token, 0, NULL)));
		} else {
			EXPECT_EQ(5, self->b->job.join.status);
			EXPECT_EQ(0, memcmp(self->b->data, "whole", 5));
		}
	}
	EXPECT_EQ(0, flight_state(self->flight).calls);
}

/* F3: one who has results to fetch takes them with it. */
TEST_F(victims, one_with_results_to_fetch)
{
	struct job job = join(self->flight, KEY);

	job.join.buf_len = 0;
	LEAD(me);
	tell(self->a, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(me, finish(self->flight, KEY, me->job.join.token, 0, "r")));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_TRUE(self->a->job.join.outcome & MUSTER_OUTCOME_TRUNCATED);
	kill_puppet(self->a);
}

/* ---- barrier ---- */

/* B3, B7: a waiter. */
TEST_F(victims, barrier_waiter)
{
	ARRIVE(self->a, self->barrier);
	ARRIVE(self->b, self->barrier);
	kill_puppet(self->b);
	EXPECT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
	EXPECT_EQ(self->b->pid, barrier_state(self->barrier).broken_pid);
	EXPECT_EQ(0, barrier_state(self->barrier).waiting);
}

/* B1, B3: a waiter at the instant of the trip: all trip, or the barrier is broken. */
TEST_F(victims, waiter_being_tripped)
{
	int i, verdict;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *victim = puppet();

		ARRIVE(self->a, self->barrier);
		ARRIVE(victim, self->barrier);
		tell(self->c, await(self->barrier));
		kill_puppet(victim);
		verdict = hear(self->a);
		ASSERT_TRUE(verdict == 0 || verdict == -EPIPE);
		ASSERT_EQ(verdict, hear(self->c));
		EXPECT_EQ(verdict ? MUSTER_BROKEN_DEATH : 0,
			  barrier_state(self->barrier).broken_by);
		EXPECT_EQ(0, barrier_state(self->barrier).waiting);
		ASSERT_EQ(0, ask(me, reset(self->barrier)));
	}
}

/* B2: the action's runner. */
TEST_F(victims, runner)
{
	ARRIVE(self->a, self->action);
	ASSERT_EQ(0, ask(self->b, await(self->action)));
	ASSERT_EQ(MUSTER_OUTCOME_ACTION, self->b->job.await.outcome);
	kill_puppet(self->b);
	EXPECT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
	EXPECT_EQ(self->b->pid, barrier_state(self->action).broken_pid);
}

/* B2, B3: a waiter of the next generation, while the action runs. */
TEST_F(victims, waiter_behind_action)
{
	ARRIVE(self->a, self->action);
	ASSERT_EQ(0, ask(self->b, await(self->action)));
	ARRIVE(self->c, self->action);
	kill_puppet(self->c);
	EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(self->action).broken_by);
	EXPECT_EQ(self->c->pid, barrier_state(self->action).broken_pid);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(self->b, complete(self->action, self->b->job.await.token, 0)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(-EPIPE, ask(self->d, await(self->action)));
}

/* B2, F12: who comes to run the next action is killed at that instant. */
TEST_F(victims, next_runner)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *victim = puppet();

		ARRIVE(self->a, self->action);
		ASSERT_EQ(0, ask(self->b, await(self->action)));
		ARRIVE(self->c, self->action);
		ARRIVE(victim, self->action);
		tell(self->b, complete(self->action, self->b->job.await.token, 0));
		kill_puppet(victim);
		ASSERT_EQ(0, hear(self->b));
		ASSERT_EQ(0, hear(self->a));
		ASSERT_EQ(-EPIPE, hear(self->c));
		EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(self->action).broken_by);
		EXPECT_EQ(0, barrier_state(self->action).waiting);
		EXPECT_EQ(0, barrier_state(self->action).acting);
		ASSERT_EQ(0, ask(me, reset(self->action)));
	}
}

/* B2: runner and waiter together. */
TEST_F(victims, runner_and_waiter)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct puppet *waiter = puppet(), *runner = puppet();

		ARRIVE(waiter, self->action);
		ASSERT_EQ(0, ask(runner, await(self->action)));
		ARRIVE(self->c, self->action);
		kill_both(i % 2 ? waiter : runner, i % 2 ? runner : waiter);
		ASSERT_EQ(-EPIPE, hear(self->c));
		EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(self->action).broken_by);
		EXPECT_EQ(0, barrier_state(self->action).waiting);
		EXPECT_EQ(0, barrier_state(self->action).acting);
		ASSERT_EQ(0, ask(me, reset(self->action)));
	}
}

/* ---- anywhere ---- */

enum { WORKERS = 4, KILLS = 100 };

static void work_on_sem(int fd)
{
	__u64 n = rand() % LIMIT + 1;

	if (ask(me, acquire(fd, n)))
		_exit(1);
	if (rand() % 4 == 0)
		sched_yield();
	if (ask(me, release(fd, n)))
		_exit(2);
}

static void work_on_flight(int fd)
{
	struct job job = join(fd, rand() % 2 ? "this" : "that");
	int err;

	job.join.buf_len = rand() % 8;
	err = ask(me, job);
	if (err == -EOWNERDEAD)
		return;
	if (err)
		_exit(1);
	if (me->job.join.role == MUSTER_ROLE_LEADER) {
		job.join = me->job.join;
		job = finish(fd, (const char *)(uintptr_t)job.join.key, job.join.token,
			     0, "result");
		if (ask(me, job))
			_exit(2);
	} else if (me->job.join.outcome & MUSTER_OUTCOME_TRUNCATED &&
		   ask(me, fetch(fd, me->job.join.token, me->data, PUPPET_DATA))) {
		_exit(3);
	}
}

static void work_on_barrier(int fd)
{
	int err = ask(me, await(fd));

	if (!err && me->job.await.outcome & MUSTER_OUTCOME_ACTION)
		err = ask(me, complete(fd, me->job.await.token, 0));
	if (err == -EPIPE)
		err = ask(me, reset(fd));
	if (err)
		_exit(1);
}

FIXTURE(anywhere) {
	int fd;
};

FIXTURE_VARIANT(anywhere) {
	__u32 type;
	__u64 limit;
	__u32 options;
	void (*work)(int fd);
};

FIXTURE_VARIANT_ADD(anywhere, sem) {
	.type = MUSTER_SEM,
	.limit = LIMIT,
	.work = work_on_sem,
};

FIXTURE_VARIANT_ADD(anywhere, flight) {
	.type = MUSTER_FLIGHT,
	.work = work_on_flight,
};

FIXTURE_VARIANT_ADD(anywhere, barrier) {
	.type = MUSTER_BARRIER,
	.limit = 2,
	.work = work_on_barrier,
};

FIXTURE_VARIANT_ADD(anywhere, barrier_with_action) {
	.type = MUSTER_BARRIER,
	.limit = 2,
	.options = MUSTER_BARRIER_ACTION,
	.work = work_on_barrier,
};

FIXTURE_SETUP(anywhere)
{
	struct muster_open how = open_how(variant->type, NULL, 0, variant->limit);

	how.options = variant->options;
	self->fd = open_object(&how);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(anywhere)
{
	close(self->fd);
}

static int run_until_killed(struct job *job)
{
	void (*work)(int fd) = (void (*)(int))job->arg[0];
	long *done = (long *)job->arg[1];

	srand(getpid());
	while (getppid() > 1) {
		work(job->fd);
		__atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

/* Nobody is left, and nothing is held. */
static bool is_deserted(int fd, __u32 type)
{
	switch (type) {
	case MUSTER_SEM:
		return !sem_state(fd).held && !sem_state(fd).nr_processes &&
		       sem_state(fd).available == LIMIT;
	case MUSTER_FLIGHT:
		return !flight_state(fd).calls && !flight_state(fd).followers;
	default:
		return !barrier_state(fd).nr_processes;
	}
}

/* W2, F6, F12, B2, B3, S5: a crowd at work, of which one after the other is killed. */
TEST_F_TIMEOUT(anywhere, nobody_is_stuck, 300)
{
	long *done = shared_memory(WORKERS * sizeof(*done));
	struct puppet *worker[WORKERS];
	int i, j;

	for (i = 0; i < WORKERS + KILLS; i++) {
		struct job job = {
			.run = run_until_killed,
			.fd = self->fd,
			.arg = { (long)variant->work, (long)&done[i % WORKERS] },
		};
		long seen[WORKERS];

		if (i >= WORKERS)
			kill_puppet(worker[i % WORKERS]);
		worker[i % WORKERS] = puppet();
		tell(worker[i % WORKERS], job);
		if (i < WORKERS - 1)
			continue;
		/* All get on, the newcomer among them. */
		for (j = 0; j < WORKERS; j++)
			seen[j] = __atomic_load_n(&done[j], __ATOMIC_RELAXED);
		for (j = 0; j < WORKERS; j++)
			ASSERT_SOON(__atomic_load_n(&done[j], __ATOMIC_RELAXED) > seen[j]);
	}
	for (i = 0; i < WORKERS; i++)
		kill_puppet(worker[i]);
	EXPECT_TRUE(is_deserted(self->fd, variant->type));
}

TEST_HARNESS_MAIN
