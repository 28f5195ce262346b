// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues that are longer than what is done with a lock held at a time (64 waiters): what
 * happens to a whole queue happens in steps, and nobody may see half of it
 */
#include <signal.h>
#include <string.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define CROWD	200
#define KEY	"key"

FIXTURE(deep) {
	char *name;
	struct puppet *process;
	struct puppet *thread[CROWD];
};

/* All threads of one process, so that its end is the end of all of them. */
FIXTURE_SETUP(deep)
{
	int i;

	/* Before the puppet, which is to know it. */
	self->name = strcpy(shared_memory(64), unique_name(""));
	self->process = puppet();
	for (i = 0; i < CROWD; i++)
		self->thread[i] = puppet_thread(self->process);
}

FIXTURE_TEARDOWN(deep)
{
	kill_puppet(self->process);
}

#define TELL_ALL(job) do {						\
	int _i;								\
	for (_i = 0; _i < CROWD; _i++)					\
		tell(self->thread[_i], job);				\
} while (0)

/* Each of them ended so. */
#define EXPECT_ALL(ret) do {						\
	int _i;								\
	for (_i = 0; _i < CROWD; _i++)					\
		EXPECT_EQ(ret, hear(self->thread[_i]));			\
} while (0)

/* The process opens the object by its name; the test has it, too. */
static int run_open_named(struct job *job)
{
	return open_named(job->arg[0], (const char *)job->at, 0, 0);
}

static int open_by(struct puppet *p, __u32 type, char *name)
{
	return ask(p, (struct job){ .run = run_open_named, .arg = { type }, .at = name });
}

/* Opens an object for the test and for its puppet, with a descriptor for each. */
#define OPEN_BOTH(type, limit, how_options) ({				\
	struct muster_open _how = open_how(type, self->name, O_CREAT, limit); \
	_how.options = how_options;					\
	mine = open_object(&_how);					\
	ASSERT_LE(0, mine);						\
	its = open_by(self->process, type, self->name);			\
	ASSERT_LE(0, its);						\
})

/* W2: a process closes its last descriptor while all of its threads wait. */
TEST_F_TIMEOUT(deep, closed_while_all_wait, 60)
{
	int mine, its;

	OPEN_BOTH(MUSTER_SEM, 1, 0);
	ASSERT_EQ(0, ask(me, acquire(mine, 1)));
	TELL_ALL(acquire(its, 1));
	ASSERT_SOON(sem_state(mine).waiters == CROWD);
	ASSERT_EQ(0, ask(self->process, do_close(its)));
	EXPECT_ALL(-EBADF);
	EXPECT_EQ(0, sem_state(mine).waiters);
	ASSERT_EQ(0, ask(me, release(mine, 1)));
	EXPECT_EQ(0, sem_state(mine).held);
}

/* F6, W2: their own process leads, and closes: the one that is left leads, at once. */
TEST_F_TIMEOUT(deep, leader_and_followers_close, 60)
{
	struct puppet *last;
	int mine, its;

	OPEN_BOTH(MUSTER_FLIGHT, 0, 0);
	ASSERT_EQ(0, ask(self->process, join(its, KEY)));
	TELL_ALL(join(its, KEY));
	ASSERT_SOON(flight_state(mine).followers == CROWD);
	/* Bystanders are in another queue. */
	tell(me, join_by(mine, KEY, MUSTER_WAIT_TICKET | MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER));
	ASSERT_LE(0, me->ret);
	last = puppet();
	tell(last, join(mine, KEY));
	ASSERT_SOON(flight_state(mine).followers == CROWD + 2);
	ASSERT_EQ(0, ask(self->process, do_close(its)));
	ASSERT_EQ(0, hear(last));
	EXPECT_EQ(MUSTER_ROLE_LEADER, last->job.join.role);
	EXPECT_EQ(2, last->job.join.attempt);
	EXPECT_ALL(-EBADF);
	EXPECT_EQ(1, flight_state(mine).handed_over);
	EXPECT_EQ(1, flight_state(mine).calls);
	ASSERT_EQ(0, ask(last, finish(mine, KEY, last->job.join.token, 0, NULL)));
	EXPECT_EQ(1, last->job.finish.followers);
	EXPECT_EQ(0, flight_state(mine).followers);
}

/* F6: the same with nobody left: the call is over, and the key is free. */
TEST_F_TIMEOUT(deep, nobody_is_left, 60)
{
	int mine, its;

	OPEN_BOTH(MUSTER_FLIGHT, 0, 0);
	ASSERT_EQ(0, ask(self->process, join(its, KEY)));
	TELL_ALL(join(its, KEY));
	ASSERT_SOON(flight_state(mine).followers == CROWD);
	ASSERT_EQ(0, ask(self->process, do_close(its)));
	EXPECT_ALL(-EBADF);
	ASSERT_SOON(flight_state(mine).calls == 0);
	EXPECT_EQ(0, flight_state(mine).followers);
	EXPECT_EQ(0, flight_state(mine).handed_over);
	ASSERT_EQ(0, ask(me, join(mine, KEY)));
	EXPECT_EQ(MUSTER_ROLE_LEADER, me->job.join.role);
}

/* The indexes of one generation are each there once, 0 to @parties - 1. */
#define EXPECT_GENERATION(from, parties) do {				\
	bool _seen[CROWD] = { };					\
	int _i;								\
	for (_i = 0; _i < (parties); _i++) {				\
		struct muster_barrier_await *_a =			\
			&self->thread[(from) + _i]->job.await;		\
		ASSERT_GT((parties), _a->index);			\
		EXPECT_FALSE(_seen[_a->index]);				\
		_seen[_a->index] = true;				\
		EXPECT_EQ(self->thread[from]->job.await.generation,	\
			  _a->generation);				\
	}								\
} while (0)

/* Each thread in turn, so that their order is known. */
#define ARRIVE_ALL(fd, from, to) do {					\
	int _t;								\
	for (_t = from; _t < (to); _t++) {				\
		tell(self->thread[_t], await(fd));			\
		ASSERT_SOON(barrier_state(fd).waiting == _t + 1);	\
	}								\
} while (0)

/* B6: fewer parties, and the front of a long queue is a generation, or several. */
TEST_F_TIMEOUT(deep, fewer_parties, 60)
{
	int mine, its, i;

	OPEN_BOTH(MUSTER_BARRIER, CROWD + 1, 0);
	ARRIVE_ALL(its, 0, CROWD);
	ASSERT_EQ(0, ask(me, set_parties(mine, CROWD - 60)));
	for (i = 0; i < CROWD - 60; i++)
		ASSERT_EQ(0, hear(self->thread[i]));
	EXPECT_GENERATION(0, CROWD - 60);
	EXPECT_EQ(60, barrier_state(mine).waiting);
	ASSERT_EQ(0, ask(me, set_parties(mine, 30)));
	for (; i < CROWD; i++)
		ASSERT_EQ(0, hear(self->thread[i]));
	EXPECT_GENERATION(CROWD - 60, 30);
	EXPECT_GENERATION(CROWD - 30, 30);
	EXPECT_EQ(3, barrier_state(mine).generation);
	EXPECT_EQ(0, barrier_state(mine).waiting);
}

/* B2: a long queue behind an action is a generation when that is over. */
TEST_F_TIMEOUT(deep, behind_an_action, 60)
{
	int mine, its, half = CROWD / 2, i;
	struct muster_barrier_await *last;
	struct job acting;
	__u64 token;

	OPEN_BOTH(MUSTER_BARRIER, half, MUSTER_BARRIER_ACTION);
	ARRIVE_ALL(its, 0, half - 1);
	ASSERT_EQ(0, ask(me, await(mine)));
	token = me->job.await.token;
	for (i = half; i < CROWD; i++) {
		tell(self->thread[i], await(its));
		ASSERT_SOON(barrier_state(mine).waiting == i);
	}
	ASSERT_EQ(0, ask(me, complete(mine, token, 0)));
	for (i = 0; i < half - 1; i++)
		ASSERT_EQ(0, hear(self->thread[i]));
	/* The last of them is to run the next action. */
	ASSERT_EQ(0, hear(self->thread[CROWD - 1]));
	acting = self->thread[CROWD - 1]->job;
	last = &acting.await;
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, last->outcome);
	ASSERT_EQ(0, ask(self->thread[CROWD - 1], complete(its, last->token, 0)));
	for (i = half; i < CROWD - 1; i++)
		ASSERT_EQ(0, hear(self->thread[i]));
	self->thread[CROWD - 1]->job = acting;
	EXPECT_GENERATION(half, half);
}

/*
 * B4, B6: while the end of a generation is looked for, waiters withdraw and others
 * arrive. Whoever leaves with 0 does so with all of its generation.
 */
TEST_F_TIMEOUT(deep, fewer_parties_and_signals, 120)
{
	int mine, its, i, round, tripped, parties = CROWD - 30;
	struct puppet *setter;

	OPEN_BOTH(MUSTER_BARRIER, CROWD + 1, 0);
	setter = puppet();
	for (round = 0; round < 8; round++) {
		ASSERT_EQ(0, ask(me, set_parties(mine, CROWD + 1)));
		ARRIVE_ALL(its, 0, CROWD);
		tell(setter, set_parties(mine, parties));
		for (i = 0; i < 20; i++)
			signal_puppet(self->thread[(i * 37 + round) % CROWD], SIG_EINTR);
		ASSERT_EQ(0, hear(setter));
		ASSERT_SOON(barrier_state(mine).waiting <= 30);
		EXPECT_EQ(round + 1, barrier_state(mine).generation);
		/* Those behind it. */
		for (i = 0; i < CROWD; i++) {
			if (is_still(self->thread[i]))
				signal_puppet(self->thread[i], SIG_EINTR);
		}
		for (tripped = 0, i = 0; i < CROWD; i++) {
			int ret = hear(self->thread[i]);

			ASSERT_TRUE(!ret || ret == -EINTR);
			tripped += !ret;
		}
		ASSERT_EQ(parties, tripped);
		ASSERT_EQ(0, barrier_state(mine).waiting);
	}
}

/* B6: a member with very many seats closes, and the others trip without it. */
TEST_F_TIMEOUT(deep, member_shrinks, 60)
{
	struct puppet *other;
	int mine, its;

	OPEN_BOTH(MUSTER_BARRIER, 0, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK |
		  MUSTER_BARRIER_ACTION);
	other = puppet();
	ASSERT_EQ(0, ask(me, enter(mine, 1)));
	ASSERT_EQ(0, ask(other, enter(mine, 1)));
	ASSERT_EQ(0, ask(self->process, enter(its, CROWD + 5)));
	tell(other, await(mine));
	ASSERT_SOON(barrier_state(mine).waiting == 1);
	TELL_ALL(await(its));
	ASSERT_SOON(barrier_state(mine).waiting == CROWD + 1);
	EXPECT_EQ(CROWD + 7, barrier_state(mine).parties);
	ASSERT_EQ(0, ask(self->process, do_close(its)));
	EXPECT_EQ(2, barrier_state(mine).parties);
	EXPECT_EQ(2, barrier_state(mine).seats);
	EXPECT_EQ(CROWD + 5, barrier_state(mine).lost);
	EXPECT_ALL(-EBADF);
	EXPECT_EQ(1, barrier_state(mine).waiting);
	EXPECT_EQ(0, barrier_state(mine).broken_by);
	ASSERT_EQ(0, ask(me, await(mine)));
	ASSERT_EQ(0, ask(me, complete(mine, me->job.await.token, 0)));
	ASSERT_EQ(0, hear(other));
}

/* B6: the same by SIGKILL, again and again, while the others trip. */
TEST_F_TIMEOUT(deep, members_die, 120)
{
	struct muster_open how = open_how(MUSTER_BARRIER, NULL, 0, 0);
	struct puppet *other, *victim, *thread;
	int fd, round, i;

	how.options = MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK;
	fd = open_object(&how);
	ASSERT_LE(0, fd);
	other = puppet();
	ASSERT_EQ(0, ask(me, enter(fd, 1)));
	ASSERT_EQ(0, ask(other, enter(fd, 1)));
	for (round = 0; round < 5; round++) {
		victim = puppet();
		ASSERT_EQ(0, ask(victim, enter(fd, 100)));
		for (i = 0; i < 100; i++) {
			thread = puppet_thread(victim);
			tell(thread, await(fd));
		}
		ASSERT_SOON(barrier_state(fd).waiting == 100);
		tell(other, await(fd));
		kill_puppet(victim);
		ASSERT_SOON(barrier_state(fd).waiting == 1);
		ASSERT_EQ(0, ask(me, await(fd)));
		ASSERT_EQ(0, hear(other));
		ASSERT_EQ(2, barrier_state(fd).parties);
		ASSERT_EQ(2, barrier_state(fd).seats);
		ASSERT_EQ(0, barrier_state(fd).broken_by);
	}
}

/* S6: a list is complete however many have held something before. */
TEST_F_TIMEOUT(deep, list_after_many_holders, 60)
{
	enum { OPENED = 400, HOLD = 3 };
	const char *name = unique_name("");
	struct muster_process list[8];
	int fd[OPENED], i;

	for (i = 0; i < OPENED; i++) {
		fd[i] = open_named(MUSTER_SEM, name, O_CREAT, OPENED);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(0, ask(me, acquire(fd[i], 1)));
		if (i < OPENED - HOLD)
			ASSERT_EQ(0, ask(me, release(fd[i], 1)));
	}
	ASSERT_EQ(HOLD, sem_processes(fd[0], list, 8));
	for (i = 0; i < HOLD; i++) {
		EXPECT_EQ(getpid(), list[i].pid);
		EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[i].role);
		EXPECT_EQ(1, list[i].amount);
	}
	/* Who holds again is there again. */
	ASSERT_EQ(0, ask(me, acquire(fd[0], 2)));
	ASSERT_EQ(HOLD + 1, sem_processes(fd[0], list, 8));
	EXPECT_EQ(2, list[HOLD].amount);
}

/* B7: members are listed as missing until all of their parties are there. */
TEST_F_TIMEOUT(deep, missing_members, 60)
{
	struct muster_open how = open_how(MUSTER_BARRIER, NULL, 0, 0);
	struct muster_process list[8];
	struct puppet *a, *b, *second;
	int fd;

	how.options = MUSTER_BARRIER_MEMBERS;
	fd = open_object(&how);
	ASSERT_LE(0, fd);
	a = puppet();
	b = puppet();
	second = puppet_thread(a);
	ASSERT_EQ(0, ask(a, enter(fd, 2)));
	ASSERT_EQ(0, ask(b, enter(fd, 1)));
	ASSERT_EQ(0, ask(me, enter(fd, 1)));
	tell(a, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 1);
	ASSERT_EQ(4, barrier_processes(fd, list, 8));
	EXPECT_EQ(1, list[1].amount);
	/* Fewer seats, and it is there; more, and it is not. */
	ASSERT_EQ(0, ask(second, leave(fd, 1)));
	ASSERT_EQ(3, barrier_processes(fd, list, 8));
	ASSERT_EQ(0, ask(second, enter(fd, 1)));
	ASSERT_EQ(4, barrier_processes(fd, list, 8));
	EXPECT_EQ(a->pid, list[3].pid);
	tell(second, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 2);
	ASSERT_EQ(4, barrier_processes(fd, list, 8));
	EXPECT_EQ(b->pid, list[2].pid);
	EXPECT_EQ(getpid(), list[3].pid);
	/* One of its parties withdraws. */
	signal_puppet(second, SIG_EINTR);
	ASSERT_EQ(-EINTR, hear(second));
	ASSERT_EQ(4, barrier_processes(fd, list, 8));
	EXPECT_EQ(a->pid, list[3].pid);
	EXPECT_EQ(1, list[3].amount);
	tell(second, await(fd));
	tell(b, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 3);
	ASSERT_EQ(0, ask(me, await(fd)));
	ASSERT_EQ(0, hear(a));
	ASSERT_EQ(0, hear(b));
	ASSERT_EQ(0, hear(second));
	/* All are missing again. */
	ASSERT_EQ(3, barrier_processes(fd, list, 8));
	EXPECT_EQ(MUSTER_PROCESS_MISSING, list[0].role);
	kill_puppet(a);
	ASSERT_SOON(barrier_state(fd).broken_by == MUSTER_BROKEN_DEATH);
	EXPECT_EQ(2, barrier_processes(fd, list, 8));
}

TEST_HARNESS_MAIN
