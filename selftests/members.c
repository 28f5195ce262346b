// SPDX-License-Identifier: GPL-2.0-only
/*
 * Barriers whose parties change, and whose parties are members (B6)
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

FIXTURE(members) {
	int plain, action, breaks, shrinks, acts;
	struct puppet *a, *b, *c;
};

FIXTURE_SETUP(members)
{
	self->plain = open_barrier(3, 0);
	self->action = open_barrier(3, MUSTER_BARRIER_ACTION);
	self->breaks = open_barrier(3, MUSTER_BARRIER_MEMBERS);
	self->shrinks = open_barrier(3, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK);
	self->acts = open_barrier(3, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK |
				  MUSTER_BARRIER_ACTION);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
}

FIXTURE_TEARDOWN(members)
{
}

#define ARRIVE(p, fd) do {						\
	__u32 _before = barrier_state(fd).waiting;			\
	tell(p, await(fd));						\
	ASSERT_SOON(barrier_state(fd).waiting == _before + 1);		\
} while (0)

#define ENTER_ALL(fd) do {						\
	ASSERT_EQ(0, ask(self->a, enter(fd, 1)));			\
	ASSERT_EQ(0, ask(self->b, enter(fd, 1)));			\
	ASSERT_EQ(0, ask(self->c, enter(fd, 1)));			\
} while (0)

/* B6: fewer parties may trip it; more wait for more. */
TEST_F(members, set_parties)
{
	ARRIVE(self->a, self->plain);
	ARRIVE(self->b, self->plain);
	ASSERT_EQ(0, ask(me, set_parties(self->plain, 4)));
	EXPECT_EQ(3, me->job.set_parties.old_parties);
	ARRIVE(self->c, self->plain);
	ASSERT_EQ(0, ask(me, set_parties(self->plain, 3)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	ASSERT_EQ(0, hear(self->c));
	EXPECT_EQ(2, self->a->job.await.index);
	EXPECT_EQ(0, self->c->job.await.index);
	EXPECT_EQ(-EINVAL, ask(me, set_parties(self->plain, 0)));
	EXPECT_EQ(-EINVAL, ask(me, set_parties(self->plain, 1U << 31)));
	EXPECT_EQ(-EINVAL, ask(me, set_parties(self->breaks, 2)));
	EXPECT_EQ(3, barrier_state(self->plain).parties);
}

/* B6, B1: several generations at once, each with its own number. */
TEST_F(members, several_generations)
{
	ASSERT_EQ(0, ask(me, set_parties(self->plain, 9)));
	ARRIVE(self->a, self->plain);
	ARRIVE(self->b, self->plain);
	ARRIVE(self->c, self->plain);
	ASSERT_EQ(0, ask(me, set_parties(self->plain, 1)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	ASSERT_EQ(0, hear(self->c));
	EXPECT_EQ(self->a->job.await.generation + 1, self->b->job.await.generation);
	EXPECT_EQ(self->b->job.await.generation + 1, self->c->job.await.generation);
	EXPECT_EQ(0, self->a->job.await.index);
}

/* B6, B2: with an action the last of those who wait runs it, and nothing else moves. */
TEST_F(members, fewer_with_an_action)
{
	ARRIVE(self->a, self->action);
	ARRIVE(self->b, self->action);
	ASSERT_EQ(0, ask(me, set_parties(self->action, 2)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, self->b->job.await.outcome);
	EXPECT_TRUE(is_busy(self->a));
	/* The generation that acts is left alone. */
	ASSERT_EQ(0, ask(me, set_parties(self->action, 1)));
	ARRIVE(self->c, self->action);
	ASSERT_EQ(0, ask(self->b, complete(self->action, self->b->job.await.token, 0)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(1, self->a->job.await.index);
	ASSERT_EQ(0, hear(self->c));
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, self->c->job.await.outcome);
}

/* B6: who has no seat does not arrive, nor does anybody twice. */
TEST_F(members, seats)
{
	struct puppet *thread = puppet_thread(self->a);

	EXPECT_EQ(-EPERM, ask(me, await(self->breaks)));
	EXPECT_EQ(-EINVAL, ask(me, enter(self->plain, 1)));
	EXPECT_EQ(-EINVAL, ask(me, enter(self->breaks, 0)));
	ASSERT_EQ(0, ask(self->a, enter(self->breaks, 1)));
	ARRIVE(self->a, self->breaks);
	EXPECT_EQ(-EBUSY, ask(thread, await(self->breaks)));
	EXPECT_EQ(-EBUSY, ask(thread, leave(self->breaks, 1)));
	EXPECT_EQ(-EPERM, ask(thread, leave(self->breaks, 2)));
	/* The free seats are parties that miss. */
	EXPECT_EQ(3, barrier_state(self->breaks).parties);
	EXPECT_EQ(1, barrier_state(self->breaks).seats);
	ASSERT_EQ(0, ask(thread, enter(self->breaks, 3)));
	EXPECT_EQ(4, barrier_state(self->breaks).parties);
	EXPECT_EQ(4, barrier_state(self->breaks).seats);
}

/* B6: members join and leave at run time; to leave may complete a generation. */
TEST_F(members, leave)
{
	ENTER_ALL(self->breaks);
	ARRIVE(self->a, self->breaks);
	ARRIVE(self->b, self->breaks);
	ASSERT_EQ(0, ask(self->c, leave(self->breaks, 1)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(2, barrier_state(self->breaks).parties);
	EXPECT_EQ(0, barrier_state(self->breaks).broken_by);
	/* It has arrived once, and may again in the next. */
	ARRIVE(self->a, self->breaks);
	ASSERT_EQ(0, ask(self->b, await(self->breaks)));
	ASSERT_EQ(0, hear(self->a));
}

/* B6, B3: the death of a member that has not arrived breaks it, and it is named. */
TEST_F(members, death_breaks)
{
	ENTER_ALL(self->breaks);
	ARRIVE(self->a, self->breaks);
	kill_puppet(self->c);
	ASSERT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
	EXPECT_EQ(1, self->a->job.await.arrived);
	EXPECT_EQ(3, self->a->job.await.parties);
	EXPECT_EQ(self->c->pid, barrier_state(self->breaks).broken_pid);
	/* Its seat is free for another. */
	EXPECT_EQ(3, barrier_state(self->breaks).parties);
	EXPECT_EQ(2, barrier_state(self->breaks).seats);
	ASSERT_EQ(0, ask(me, reset(self->breaks)));
	ASSERT_EQ(0, ask(me, enter(self->breaks, 1)));
	EXPECT_EQ(3, barrier_state(self->breaks).parties);
	ARRIVE(self->a, self->breaks);
	ARRIVE(self->b, self->breaks);
	ASSERT_EQ(0, ask(me, await(self->breaks)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
}

/* Kills the puppet, and stops it on its way out, with its descriptors. */
static bool stop_dying(const struct puppet *p)
{
	int status;

	if (ptrace(PTRACE_SEIZE, p->pid, NULL, PTRACE_O_TRACEEXIT) || kill(p->pid, SIGKILL) ||
	    waitpid(p->pid, &status, __WALL) != p->pid)
		return false;
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

static bool let_die(const struct puppet *p)
{
	return !ptrace(PTRACE_CONT, p->pid, NULL, 0) && wait_puppet(p) == SIGKILL;
}

/* B6, B3: who hears of a death finds the seat free: it is there as long as it can be. */
TEST_F(members, death_while_it_waits)
{
	ENTER_ALL(self->breaks);
	ARRIVE(self->a, self->breaks);
	ARRIVE(self->c, self->breaks);
	ASSERT_TRUE(stop_dying(self->c));
	EXPECT_EQ(0, barrier_state(self->breaks).broken_by);
	EXPECT_EQ(1, barrier_state(self->breaks).waiting);
	EXPECT_EQ(3, barrier_state(self->breaks).seats);
	ASSERT_TRUE(let_die(self->c));
	ASSERT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
	EXPECT_EQ(2, self->a->job.await.arrived);
	EXPECT_EQ(self->c->pid, barrier_state(self->breaks).broken_pid);
	EXPECT_EQ(2, barrier_state(self->breaks).seats);
	ASSERT_EQ(0, ask(me, enter(self->breaks, 1)));
	EXPECT_EQ(3, barrier_state(self->breaks).parties);
}

/* B6, B2, B3: the same while the action runs, which breaks then, unless it is over. */
TEST_F(members, death_while_the_action_runs)
{
	int fd = open_barrier(3, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_ACTION), i;
	struct puppet *victim;

	self->a = puppet();
	self->b = puppet();
	ASSERT_EQ(0, ask(self->a, enter(fd, 1)));
	ASSERT_EQ(0, ask(self->b, enter(fd, 1)));
	for (i = 0; i < 2; i++) {
		victim = puppet();
		ASSERT_EQ(0, ask(victim, enter(fd, 1)));
		ARRIVE(self->a, fd);
		ARRIVE(victim, fd);
		ASSERT_EQ(0, ask(self->b, await(fd)));
		ASSERT_EQ(MUSTER_OUTCOME_ACTION, self->b->job.await.outcome);
		ASSERT_TRUE(stop_dying(victim));
		EXPECT_EQ(0, barrier_state(fd).broken_by);
		EXPECT_EQ(1, barrier_state(fd).waiting);
		if (i) {
			ASSERT_EQ(0, ask(self->b, complete(fd, self->b->job.await.token, 0)));
			ASSERT_EQ(0, hear(self->a));
		}
		ASSERT_TRUE(let_die(victim));
		if (!i) {
			ASSERT_EQ(-EPIPE, hear(self->a));
			EXPECT_EQ(3, self->a->job.await.arrived);
			EXPECT_EQ(-EPIPE, ask(self->b, complete(fd, self->b->job.await.token,
								0)));
		}
		EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(fd).broken_by);
		EXPECT_EQ(victim->pid, barrier_state(fd).broken_pid);
		EXPECT_EQ(2, barrier_state(fd).seats);
		EXPECT_EQ(3, barrier_state(fd).parties);
		ASSERT_EQ(0, ask(me, reset(fd)));
	}
}

/* B3: a thread that an exec ends has died, too; the process has its seat still. */
TEST_F(members, exec_ends_a_thread)
{
	struct puppet *thread = puppet_thread(self->a);

	ENTER_ALL(self->breaks);
	ARRIVE(thread, self->breaks);
	ARRIVE(self->b, self->breaks);
	tell(self->a, do_exec_sleep());
	ASSERT_EQ(-EPIPE, hear(self->b));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->b->job.await.broken_by);
	EXPECT_EQ(2, self->b->job.await.arrived);
	EXPECT_EQ(3, barrier_state(self->breaks).seats);
	kill(self->a->pid, SIGKILL);
}

/* B6: or shrinks it, which may trip it. */
TEST_F(members, death_shrinks)
{
	ENTER_ALL(self->shrinks);
	ARRIVE(self->a, self->shrinks);
	ARRIVE(self->b, self->shrinks);
	kill_puppet(self->c);
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(2, barrier_state(self->shrinks).parties);
	EXPECT_EQ(1, barrier_state(self->shrinks).lost);
	/* So does the death of one that has arrived. */
	ARRIVE(self->a, self->shrinks);
	kill_puppet(self->a);
	ASSERT_SOON(barrier_state(self->shrinks).parties == 1);
	EXPECT_EQ(0, barrier_state(self->shrinks).waiting);
	EXPECT_EQ(0, barrier_state(self->shrinks).broken_by);
	ASSERT_EQ(0, ask(self->b, await(self->shrinks)));
}

/* B6, B2: a death while the action runs. */
TEST_F(members, death_in_an_action)
{
	ENTER_ALL(self->acts);
	ARRIVE(self->a, self->acts);
	ARRIVE(self->b, self->acts);
	ASSERT_EQ(0, ask(self->c, await(self->acts)));
	EXPECT_EQ(MUSTER_OUTCOME_ACTION, self->c->job.await.outcome);
	kill_puppet(self->a);
	ASSERT_SOON(barrier_state(self->acts).parties == 2);
	ASSERT_EQ(0, ask(self->c, complete(self->acts, self->c->job.await.token, 0)));
	ASSERT_EQ(0, hear(self->b));
	/* The one who runs it dies: that breaks it all the same. */
	ARRIVE(self->b, self->acts);
	ASSERT_EQ(0, ask(self->c, await(self->acts)));
	kill_puppet(self->c);
	ASSERT_EQ(-EPIPE, hear(self->b));
}

/* B6, W2: one thread waits, another closes the last descriptor: nobody trips for it. */
TEST_F(members, closed_while_it_waits)
{
	struct puppet *thread = puppet_thread(self->a);

	ENTER_ALL(self->shrinks);
	ARRIVE(self->a, self->shrinks);
	ARRIVE(self->b, self->shrinks);
	ASSERT_EQ(0, ask(thread, do_close(self->shrinks)));
	EXPECT_EQ(-EBADF, hear(self->a));
	ASSERT_SOON(barrier_state(self->shrinks).parties == 2);
	EXPECT_EQ(1, barrier_state(self->shrinks).waiting);
	EXPECT_TRUE(is_busy(self->b));
	ASSERT_EQ(0, ask(self->c, await(self->shrinks)));
	ASSERT_EQ(0, hear(self->b));
}

/* B6, W2: the same where a death breaks: it is EBADF to the process itself. */
TEST_F(members, closed_and_breaks)
{
	struct puppet *thread = puppet_thread(self->a);

	ENTER_ALL(self->breaks);
	ARRIVE(self->a, self->breaks);
	ARRIVE(self->b, self->breaks);
	ASSERT_EQ(0, ask(thread, do_close(self->breaks)));
	EXPECT_EQ(-EBADF, hear(self->a));
	EXPECT_EQ(-EPIPE, hear(self->b));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->b->job.await.broken_by);
	EXPECT_EQ(2, self->b->job.await.arrived);
	EXPECT_EQ(2, barrier_state(self->breaks).seats);
}

/* B7: who is there and who is missing. */
TEST_F(members, missing)
{
	struct muster_process list[8];

	ENTER_ALL(self->breaks);
	ASSERT_EQ(0, ask(self->c, enter(self->breaks, 1)));
	ARRIVE(self->b, self->breaks);
	ASSERT_EQ(3, barrier_processes(self->breaks, list, 8));
	EXPECT_EQ(self->b->pid, list[0].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, list[0].role);
	EXPECT_EQ(self->a->pid, list[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_MISSING, list[1].role);
	EXPECT_EQ(1, list[1].amount);
	EXPECT_EQ(self->c->pid, list[2].pid);
	EXPECT_EQ(2, list[2].amount);
}

/* B4, B6: a signal withdraws an arrival, and the seat can arrive again. */
TEST_F(members, signal)
{
	ASSERT_EQ(0, ask(self->a, enter(self->breaks, 1)));
	ARRIVE(self->a, self->breaks);
	signal_puppet(self->a, SIG_EINTR);
	EXPECT_EQ(-EINTR, hear(self->a));
	ARRIVE(self->a, self->breaks);
	EXPECT_EQ(1, barrier_state(self->breaks).waiting);
	EXPECT_EQ(0, barrier_state(self->breaks).broken_by);
}

#define ROUNDS 40

/* B6: deaths and arrivals meet; nobody is stuck, and nobody trips alone. */
TEST_F(members, races)
{
	struct puppet *victim;
	int i;

	ASSERT_EQ(0, ask(self->a, enter(self->shrinks, 1)));
	ASSERT_EQ(0, ask(self->b, enter(self->shrinks, 1)));
	for (i = 0; i < ROUNDS; i++) {
		victim = puppet();
		ASSERT_EQ(0, ask(victim, enter(self->shrinks, 1)));
		ASSERT_EQ(3, barrier_state(self->shrinks).parties);
		tell(self->a, await(self->shrinks));
		tell(self->b, await(self->shrinks));
		if (i & 1)
			tell(victim, await(self->shrinks));
		kill_puppet(victim);
		ASSERT_EQ(0, hear(self->a));
		ASSERT_EQ(0, hear(self->b));
		ASSERT_EQ(self->a->job.await.generation, self->b->job.await.generation);
		ASSERT_SOON(barrier_state(self->shrinks).parties == 2);
	}
}

/* B6, W2: a party that is dead, and has not come to leave, does not count. */
TEST_F(members, dead_in_the_queue)
{
	__u32 options = MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK;
	struct muster_open how = open_how(MUSTER_BARRIER, unique_name(""), O_CREAT, 3);
	struct puppet *thread, *other;
	int closed, fd;

	how.options = options;
	closed = open_object(&how);
	fd = open_object(&how);
	thread = puppet_thread(me);
	other = puppet();
	ASSERT_EQ(0, ask(me, enter(fd, 1)));
	ASSERT_EQ(0, ask(thread, enter(closed, 1)));
	ASSERT_EQ(0, ask(other, enter(fd, 1)));
	ARRIVE(other, fd);
	ARRIVE(thread, closed);
	ASSERT_SOON(is_asleep(thread));
	if (!be_alone(thread)) {
		be_like_others();
		SKIP(return, "may not run in real time");
	}
	/* The thread is woken, and cannot run. */
	close(closed);
	EXPECT_EQ(2, barrier_state(fd).parties);
	EXPECT_EQ(1, barrier_state(fd).waiting);
	EXPECT_EQ(0, ask(me, await(fd)));
	be_like_others();
	EXPECT_EQ(-EBADF, hear(thread));
	EXPECT_EQ(0, hear(other));
	EXPECT_EQ(1, barrier_state(fd).lost);
}

/* Whether a ticket of the puppet's has its verdict, and which. */
static int run_verdict(struct job *job)
{
	struct muster_verdict verdict;
	ssize_t n = read(job->fd, &verdict, sizeof(verdict));

	job->arg[0] = n < 0 ? 0 : verdict.token;
	return n < 0 ? -errno : n != sizeof(verdict) ? -EIO : verdict.error;
}

static struct job verdict_of(int fd)
{
	return (struct job){ .run = run_verdict, .fd = fd };
}

/* B6, T5: to arrive by ticket takes the seat of the process; to close it gives it back. */
TEST_F(members, by_ticket)
{
	int fd = self->breaks, ticket;

	ENTER_ALL(fd);
	EXPECT_EQ(-EPERM, ask(me, as_ticket(await(fd))));
	ticket = ask(self->c, as_ticket(await(fd)));
	ASSERT_LE(0, ticket);
	EXPECT_EQ(1, barrier_state(fd).waiting);
	EXPECT_EQ(-EBUSY, ask(self->c, await(fd)));
	EXPECT_EQ(-EBUSY, ask(self->c, as_ticket(await(fd))));
	EXPECT_EQ(-EBUSY, ask(self->c, leave(fd, 1)));
	ASSERT_EQ(0, ask(self->c, do_close(ticket)));
	EXPECT_EQ(0, barrier_state(fd).waiting);
	EXPECT_EQ(0, barrier_state(fd).broken_by);
	ticket = ask(self->c, as_ticket(await(fd)));
	ASSERT_LE(0, ticket);
	ARRIVE(self->a, fd);
	ASSERT_EQ(0, ask(self->b, await(fd)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(0, ask(self->c, verdict_of(ticket)));
	EXPECT_EQ(1, self->a->job.await.index);
	/* The next generation has its own. */
	ASSERT_LE(0, ask(self->c, as_ticket(await(fd))));
	EXPECT_EQ(1, barrier_state(fd).waiting);
}

/* B6, T5: what a member that dies has arrived at by ticket does not count. */
TEST_F(members, ticket_of_the_dead)
{
	ENTER_ALL(self->breaks);
	ENTER_ALL(self->shrinks);
	ASSERT_LE(0, ask(self->c, as_ticket(await(self->breaks))));
	ASSERT_LE(0, ask(self->c, as_ticket(await(self->shrinks))));
	ARRIVE(self->a, self->breaks);
	ARRIVE(self->b, self->shrinks);
	kill_puppet(self->c);
	EXPECT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
	EXPECT_EQ(2, barrier_state(self->shrinks).parties);
	EXPECT_EQ(1, barrier_state(self->shrinks).waiting);
	ASSERT_EQ(0, ask(self->a, await(self->shrinks)));
	ASSERT_EQ(0, hear(self->b));
}

/* B6, T5, W2: the seat goes with the descriptor, and the ticket with the seat. */
TEST_F(members, ticket_of_a_closed_file)
{
	int fd = self->shrinks, ticket;

	ENTER_ALL(fd);
	ticket = ask(self->c, as_ticket(await(fd)));
	ASSERT_LE(0, ticket);
	ARRIVE(self->a, fd);
	ASSERT_EQ(0, ask(self->c, do_close(fd)));
	EXPECT_EQ(-EBADF, ask(self->c, verdict_of(ticket)));
	EXPECT_EQ(1, barrier_state(fd).waiting);
	ASSERT_EQ(0, ask(self->b, await(fd)));
	ASSERT_EQ(0, hear(self->a));
}

/*
 * B6, B3, T5: a ticket of a member that dies waits for an action, or runs it: that breaks,
 * whichever of its descriptors is closed first.
 */
TEST_F(members, ticket_in_an_action)
{
	int fd = open_barrier(3, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_ACTION), by, i;
	struct puppet *victim;

	self->a = puppet();
	self->b = puppet();
	ASSERT_EQ(0, ask(self->a, enter(fd, 1)));
	ASSERT_EQ(0, ask(self->b, enter(fd, 1)));
	for (i = 0; i < 6; i++) {
		bool ticket_first = i & 1, runs = i & 2, leaves = i & 4;

		victim = puppet();
		by = fd;
		if (ticket_first) {
			by = ask(victim, do_dup(fd));
			ASSERT_LT(fd, by);
			ASSERT_EQ(0, ask(victim, do_close(fd)));
		}
		ASSERT_EQ(0, ask(victim, enter(by, 1)));
		ARRIVE(self->a, fd);
		if (runs)
			ARRIVE(self->b, fd);
		ASSERT_LE(0, ask(victim, as_ticket(await(by))));
		if (!runs)
			ASSERT_EQ(0, ask(self->b, await(fd)));
		EXPECT_EQ(1, barrier_state(fd).acting);
		/* Its seat, which is not needed for that. */
		if (leaves)
			EXPECT_EQ(0, ask(victim, leave(by, 1)));
		kill_puppet(victim);
		ASSERT_EQ(-EPIPE, hear(self->a));
		EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
		EXPECT_EQ(3, self->a->job.await.arrived);
		EXPECT_EQ(2, barrier_state(fd).seats);
		EXPECT_EQ(leaves ? 2 : 3, barrier_state(fd).parties);
		EXPECT_EQ(0, barrier_state(fd).acting);
		EXPECT_EQ(-EPIPE, runs ? hear(self->b) :
			  ask(self->b, complete(fd, self->b->job.await.token, 0)));
		ASSERT_EQ(0, ask(me, reset(fd)));
	}
}

/* B6, B3, W2: a member that waits for the action closes its last descriptor. */
TEST_F(members, closed_while_the_action_runs)
{
	int fd = open_barrier(3, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_ACTION);
	struct puppet *thread;

	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	thread = puppet_thread(self->c);
	ENTER_ALL(fd);
	ARRIVE(self->a, fd);
	ARRIVE(thread, fd);
	ASSERT_EQ(0, ask(self->b, await(fd)));
	ASSERT_EQ(MUSTER_OUTCOME_ACTION, self->b->job.await.outcome);
	ASSERT_EQ(0, ask(self->c, do_close(fd)));
	EXPECT_EQ(-EBADF, hear(thread));
	ASSERT_EQ(-EPIPE, hear(self->a));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, self->a->job.await.broken_by);
	EXPECT_EQ(3, self->a->job.await.arrived);
	EXPECT_EQ(2, barrier_state(fd).seats);
	EXPECT_EQ(-EPIPE, ask(self->b, complete(fd, self->b->job.await.token, 0)));
}

/*
 * B6, B3: the same by ticket, which stays, and may be that of the one who runs the action;
 * or which has given up its seat meanwhile, as it may.
 */
TEST_F(members, ticket_of_a_closed_file_in_an_action)
{
	const __u64 options = MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_ACTION;
	int i, fd, ticket;
	__u64 token;

	for (i = 0; i < 3; i++) {
		bool runs = i == 1, leaves = i == 2;

		fd = open_barrier(3, options);
		self->a = puppet();
		self->b = puppet();
		self->c = puppet();
		ENTER_ALL(fd);
		ARRIVE(self->a, fd);
		if (runs)
			ARRIVE(self->b, fd);
		ticket = ask(self->c, as_ticket(await(fd)));
		ASSERT_LE(0, ticket);
		if (!runs)
			ASSERT_EQ(0, ask(self->b, await(fd)));
		EXPECT_EQ(1, barrier_state(fd).acting);
		if (leaves)
			EXPECT_EQ(0, ask(self->c, leave(fd, 1)));
		EXPECT_EQ(0, barrier_state(fd).broken_by);
		ASSERT_EQ(0, ask(self->c, do_close(fd)));
		EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(fd).broken_by);
		EXPECT_EQ(2, barrier_state(fd).seats);
		EXPECT_EQ(0, barrier_state(fd).acting);
		EXPECT_EQ(-EPIPE, hear(self->a));
		EXPECT_EQ(3, self->a->job.await.arrived);
		if (runs) {
			EXPECT_EQ(-EPIPE, hear(self->b));
			EXPECT_EQ(0, ask(self->c, verdict_of(ticket)));
			token = self->c->job.arg[0];
			EXPECT_EQ(-EPIPE, ask(self->c, complete(ticket, token, 0)));
		} else {
			EXPECT_EQ(-EPIPE, ask(self->c, verdict_of(ticket)));
			token = self->b->job.await.token;
			EXPECT_EQ(-EPIPE, ask(self->b, complete(fd, token, 0)));
		}
	}
	/* Where there is a party less, the generation goes on. */
	fd = open_barrier(3, options | MUSTER_BARRIER_SHRINK);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	ENTER_ALL(fd);
	ARRIVE(self->a, fd);
	ticket = ask(self->c, as_ticket(await(fd)));
	ASSERT_LE(0, ticket);
	ASSERT_EQ(0, ask(self->b, await(fd)));
	ASSERT_EQ(0, ask(self->c, do_close(fd)));
	EXPECT_EQ(2, barrier_state(fd).parties);
	EXPECT_EQ(0, ask(self->b, complete(fd, self->b->job.await.token, 0)));
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, ask(self->c, verdict_of(ticket)));
}

/* B6, W1: processes that share their file table are one member, until the last has gone. */
TEST_F(members, shared_file_table)
{
	int fd = self->breaks;
	struct puppet *c;

	c = puppet_clone(CLONE_FILES);
	ENTER_ALL(fd);
	ASSERT_EQ(0, ask(self->c, leave(fd, 1)));
	ASSERT_EQ(0, ask(me, enter(fd, 1)));
	ARRIVE(c, fd);
	EXPECT_EQ(-EBUSY, ask(me, leave(fd, 1)));
	kill_puppet(c);
	EXPECT_EQ(0, barrier_state(fd).waiting);
	EXPECT_EQ(3, barrier_state(fd).seats);
	ARRIVE(self->a, fd);
	ARRIVE(self->b, fd);
	ASSERT_EQ(0, ask(me, await(fd)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
}

/* B6: who enters while an action runs is no party of it, even if it was in another one. */
TEST_F(members, not_of_that_action)
{
	int fd = open_barrier(2, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_ACTION);

	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	ASSERT_EQ(0, ask(self->a, enter(fd, 1)));
	ASSERT_EQ(0, ask(self->c, enter(fd, 1)));
	ARRIVE(self->a, fd);
	ASSERT_EQ(0, ask(self->c, await(fd)));
	ASSERT_EQ(0, ask(self->c, complete(fd, self->c->job.await.token, 0)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, ask(self->c, leave(fd, 1)));
	ASSERT_EQ(0, ask(self->b, enter(fd, 1)));
	ASSERT_EQ(2, barrier_state(fd).parties);
	ARRIVE(self->a, fd);
	ASSERT_EQ(0, ask(self->b, await(fd)));
	ASSERT_EQ(0, ask(self->c, enter(fd, 1)));
	ASSERT_EQ(0, ask(self->c, do_close(fd)));
	/* The next one breaks, which has begun with it. */
	EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(fd).broken_by);
	EXPECT_EQ(1, barrier_state(fd).acting);
	EXPECT_EQ(0, ask(self->b, complete(fd, self->b->job.await.token, 0)));
	EXPECT_EQ(0, hear(self->a));
}

TEST_HARNESS_MAIN
