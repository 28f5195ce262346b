// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group: tasks to wait for, across processes (G1 to G4)
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

FIXTURE(group) {
	int fd, limited, keeps;
	struct puppet *a, *b, *c;
};

FIXTURE_SETUP(group)
{
	struct muster_open how = open_how(MUSTER_GROUP, NULL, 0, 1);

	how.options = MUSTER_GROUP_KEEP_GOING;
	self->keeps = open_object(&how);
	self->fd = open_group(0);
	self->limited = open_group(2);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
}

FIXTURE_TEARDOWN(group)
{
}

static int poll_pri(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI };

	poll(&p, 1, 0);
	return p.revents;
}

/* Adds tasks in @p; the number of the first. */
#define ADD(p, fd, n) ({						\
	ASSERT_EQ(0, ask(p, add(fd, n)));				\
	(p)->job.add.first;						\
})

/* Waits in @p, and is seen to. */
#define WAIT(p, what) do {						\
	struct job _job = (what);					\
	__u32 _before = group_state(_job.fd).waiters;			\
	tell(p, _job);							\
	ASSERT_SOON(group_state(_job.fd).waiters == _before + 1);	\
} while (0)

#define QUEUE_ADD(p, fd, n) do {					\
	__u32 _before = group_state(fd).adders;				\
	tell(p, add(fd, n));						\
	ASSERT_SOON(group_state(fd).adders == _before + 1);		\
} while (0)

/* G1: without tasks there is nothing to wait for. */
TEST_F(group, empty)
{
	ASSERT_EQ(0, ask(me, wait_for(self->fd, MUSTER_UNTIL_ALL, 0)));
	EXPECT_EQ(1, me->job.wait.met);
	EXPECT_EQ(0, me->job.wait.status);
	ASSERT_EQ(0, ask(me, wait_for(self->fd, MUSTER_UNTIL_SUCCESSES, 1)));
	EXPECT_EQ(0, me->job.wait.met);
	ASSERT_EQ(0, ask(me, wait_for(self->fd, MUSTER_UNTIL_FAILURE, 0)));
	EXPECT_EQ(0, me->job.wait.met);
	EXPECT_EQ(POLLIN, poll_pri(self->fd));
	EXPECT_EQ(-EINVAL, ask(me, wait_for(self->fd, MUSTER_UNTIL_SUCCESSES, 0)));
	EXPECT_EQ(-EINVAL, ask(me, wait_for(self->fd, MUSTER_UNTIL_ALL, 1)));
	EXPECT_EQ(-EINVAL, ask(me, wait_for(self->fd, MUSTER_UNTIL_COUNT, 0)));
	EXPECT_EQ(-EINVAL, ask(me, wait_for(self->fd, MUSTER_UNTIL_COUNT + 1, 0)));
	EXPECT_EQ(-EINVAL, ask(me, add(self->fd, 0)));
	EXPECT_EQ(-EINVAL, ask(me, add(self->fd, MUSTER_GROUP_ADD_MAX + 1)));
}

/* G1: who waits for all is let go by the last, and told the first failure. */
TEST_F(group, all)
{
	__u64 first = ADD(me, self->fd, 3);

	EXPECT_EQ(0, poll_pri(self->fd));
	EXPECT_EQ(-EAGAIN, ask(me, wait_by(self->fd, 0, 0, MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_EQ(-ETIMEDOUT, ask(me, wait_by(self->fd, 0, 0, 0, in_ms(5))));
	WAIT(self->a, wait_for(self->fd, MUSTER_UNTIL_ALL, 0));
	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_ALL, 0));
	ASSERT_EQ(0, ask(me, done(self->fd, first + 1, 7, NULL)));
	ASSERT_EQ(0, ask(me, done(self->fd, first, 0, NULL)));
	EXPECT_EQ(2, group_state(self->fd).waiters);
	ASSERT_EQ(0, ask(me, done(self->fd, first + 2, 9, NULL)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(1, self->a->job.wait.met);
	EXPECT_EQ(7, self->a->job.wait.status);
	EXPECT_EQ(first + 1, self->a->job.wait.slot);
	EXPECT_EQ(0, self->a->job.wait.pending);
	EXPECT_EQ(1, self->a->job.wait.succeeded);
	EXPECT_EQ(2, self->a->job.wait.failed);
	EXPECT_EQ(0, self->a->job.wait.died);
}

/* G1: DONE past zero is an error, and changes nothing. */
TEST_F(group, too_many_done)
{
	__u64 slot = ADD(me, self->fd, 1);

	EXPECT_EQ(-EPERM, ask(self->a, done(self->fd, slot, 0, NULL)));
	EXPECT_EQ(-EPERM, ask(self->a, done(self->fd, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(-EPERM, ask(me, done(self->fd, slot + 1, 0, NULL)));
	EXPECT_EQ(1, group_state(self->fd).pending);
	ASSERT_EQ(0, ask(me, done(self->fd, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(-EPERM, ask(me, done(self->fd, slot, 0, NULL)));
	EXPECT_EQ(-EPERM, ask(me, done(self->fd, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(1, group_state(self->fd).succeeded);
	EXPECT_EQ(0, group_state(self->fd).failed);
}

/* G2: a task belongs to who added it, until it is claimed. */
TEST_F(group, claim)
{
	__u64 slot = ADD(self->a, self->fd, 2);
	struct muster_process list[4];
	struct muster_group_stat stat = {
		.size = sizeof(stat),
		.processes = to_u64(list),
		.nr_processes = 4,
	};

	ASSERT_EQ(0, ask(self->b, claim(self->fd, slot)));
	EXPECT_EQ(-EPERM, ask(self->a, done(self->fd, slot, 0, NULL)));
	EXPECT_EQ(-ENOENT, ask(self->b, claim(self->fd, slot + 2)));
	ASSERT_EQ(0, call(self->fd, MUSTER_GROUP_STAT, &stat));
	ASSERT_EQ(2, stat.nr_processes);
	EXPECT_EQ(self->a->pid, list[0].pid);
	EXPECT_EQ(self->b->pid, list[1].pid);
	EXPECT_EQ(1, list[1].amount);
	/* The death of who added it does not concern it any more. */
	kill_puppet(self->a);
	ASSERT_SOON(group_state(self->fd).died == 1);
	EXPECT_EQ(1, group_state(self->fd).pending);
	ASSERT_EQ(0, ask(self->b, done(self->fd, slot, 0, NULL)));
	EXPECT_EQ(-EALREADY, ask(self->c, claim(self->fd, slot)));
}

/* G2: a crashed task is a failed task, not a hang. */
TEST_F(group, death)
{
	__u64 slot = ADD(self->a, self->fd, 2);

	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_ALL, 0));
	ASSERT_EQ(0, ask(self->a, done(self->fd, slot, 0, NULL)));
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(-EOWNERDEAD, self->b->job.wait.status);
	EXPECT_EQ(slot + 1, self->b->job.wait.slot);
	EXPECT_EQ(1, self->b->job.wait.died);
	EXPECT_EQ(1, self->b->job.wait.failed);
	ASSERT_EQ(0, ask(me, result_of(self->fd, slot + 1)));
	EXPECT_EQ(MUSTER_TASK_DIED, me->job.result.state);
	EXPECT_EQ(-EOWNERDEAD, me->job.result.status);
	EXPECT_EQ(2, me->job.result.order);
}

/* G2, W2: as many as a process may have, and it dies. */
TEST_F(group, many_die)
{
	int i;

	for (i = 0; i < 8; i++)
		ADD(self->a, self->fd, MUSTER_GROUP_ADD_MAX);
	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_ALL, 0));
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(8 * MUSTER_GROUP_ADD_MAX, self->b->job.wait.died);
	EXPECT_EQ(0, group_state(self->fd).nr_processes);
}

/* G3: the first failure cancels: POLLPRI, and nothing is added any more. */
TEST_F(group, cancelled_by_failure)
{
	ADD(me, self->limited, 2);
	QUEUE_ADD(self->a, self->limited, 1);
	EXPECT_EQ(0, poll_pri(self->limited));
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 1, NULL)));
	EXPECT_EQ(-ECANCELED, hear(self->a));
	EXPECT_EQ(POLLPRI, poll_pri(self->limited));
	EXPECT_EQ(-ECANCELED, ask(self->a, add(self->limited, 1)));
	EXPECT_EQ(1, group_state(self->limited).cancelled);
	/* The others end as they like. */
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(POLLPRI | POLLIN, poll_pri(self->limited));
	ASSERT_EQ(0, ask(me, reset_group(self->limited)));
	EXPECT_EQ(POLLIN, poll_pri(self->limited));
	EXPECT_EQ(0, group_state(self->limited).failed);
	ASSERT_EQ(0, ask(self->a, add(self->limited, 1)));
}

/* G3: or it is cancelled by hand; or a failure does not. */
TEST_F(group, cancel)
{
	int keeps = self->keeps;

	ADD(me, keeps, 1);
	ASSERT_EQ(0, ask(me, done(keeps, MUSTER_SLOT_ANY, 1, NULL)));
	EXPECT_EQ(POLLIN, poll_pri(keeps));
	ADD(me, keeps, 1);
	QUEUE_ADD(self->a, keeps, 1);
	ASSERT_EQ(0, ask(self->b, cancel(keeps)));
	EXPECT_EQ(-ECANCELED, hear(self->a));
	EXPECT_EQ(POLLPRI, poll_pri(keeps));
	EXPECT_EQ(-EBUSY, ask(me, reset_group(keeps)));
	EXPECT_EQ(1, group_state(keeps).pending);
}

/* G3, T1: a limit; ADD waits its turn, in order, and TRY does not. */
TEST_F(group, limit)
{
	ADD(me, self->limited, 1);
	EXPECT_EQ(-ERANGE, ask(me, add(self->limited, 3)));
	QUEUE_ADD(self->a, self->limited, 2);
	QUEUE_ADD(self->b, self->limited, 1);
	/* There would be room for one, but somebody was first. */
	EXPECT_EQ(-EAGAIN, ask(me, add_by(self->limited, 1, MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_EQ(-ETIMEDOUT, ask(me, add_by(self->limited, 1, 0, in_ms(5))));
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 0, NULL)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_TRUE(is_busy(self->b));
	ASSERT_EQ(0, ask(self->a, done(self->limited, MUSTER_SLOT_ANY, 0, NULL)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(2, group_state(self->limited).pending);
}

/* G3: the front leaves, and the next is looked at. */
TEST_F(group, front_leaves)
{
	ADD(me, self->limited, 1);
	QUEUE_ADD(self->a, self->limited, 2);
	QUEUE_ADD(self->b, self->limited, 1);
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(0, group_state(self->limited).adders);
}

/* G4: until so many have succeeded, or one has failed. */
TEST_F(group, conditions)
{
	__u64 first = ADD(me, self->fd, 6);

	WAIT(self->a, wait_for(self->fd, MUSTER_UNTIL_SUCCESSES, 2));
	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_SUCCESSES, 1));
	WAIT(self->c, wait_for(self->fd, MUSTER_UNTIL_FAILURE, 0));
	ASSERT_EQ(0, ask(me, done(self->fd, first, 0, NULL)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(1, self->b->job.wait.met);
	EXPECT_EQ(5, self->b->job.wait.pending);
	EXPECT_EQ(2, group_state(self->fd).waiters);
	ASSERT_EQ(0, ask(me, done(self->fd, first + 1, 3, NULL)));
	ASSERT_EQ(0, hear(self->c));
	EXPECT_EQ(1, self->c->job.wait.met);
	EXPECT_EQ(3, self->c->job.wait.status);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, done(self->fd, first + 2, 0, NULL)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(2, self->a->job.wait.succeeded);
	/* What cannot come true any more ends with the last task. */
	WAIT(self->a, wait_for(self->fd, MUSTER_UNTIL_SUCCESSES, 9));
	ASSERT_EQ(0, ask(me, done(self->fd, first + 3, 0, NULL)));
	ASSERT_EQ(0, ask(me, done(self->fd, first + 4, 0, NULL)));
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, done(self->fd, first + 5, 0, NULL)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(0, self->a->job.wait.met);
}

/* G4: so many, which others have yet to add. */
TEST_F(group, count)
{
	__u64 first;

	EXPECT_EQ(-EAGAIN, ask(me, wait_by(self->fd, MUSTER_UNTIL_COUNT, 1,
					   MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_EQ(-ETIMEDOUT, ask(me, wait_by(self->fd, MUSTER_UNTIL_COUNT, 1, 0, in_ms(5))));
	WAIT(self->a, wait_for(self->fd, MUSTER_UNTIL_COUNT, 2));
	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_COUNT, 1));
	WAIT(self->c, wait_for(self->fd, MUSTER_UNTIL_COUNT, 2));
	first = ADD(me, self->fd, 1);
	ASSERT_EQ(0, ask(me, done(self->fd, first, 0, NULL)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(1, self->b->job.wait.met);
	EXPECT_EQ(0, self->b->job.wait.pending);
	/* No task is left, and the others wait on, also behind those who do not. */
	ASSERT_EQ(0, ask(me, wait_for(self->fd, MUSTER_UNTIL_ALL, 0)));
	EXPECT_EQ(2, group_state(self->fd).waiters);
	kill_puppet(self->c);
	EXPECT_EQ(1, group_state(self->fd).waiters);
	EXPECT_TRUE(is_busy(self->a));
	first = ADD(me, self->fd, 1);
	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_ALL, 0));
	ASSERT_EQ(0, ask(me, done(self->fd, first, 0, NULL)));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(1, self->a->job.wait.met);
	EXPECT_EQ(2, self->a->job.wait.succeeded);
}

/* G2, G4: who waits for a count does not wait for the dead. */
TEST_F(group, count_and_death)
{
	int ticket = ask(me, wait_by(self->keeps, MUSTER_UNTIL_COUNT, 2, MUSTER_WAIT_TICKET,
				     MUSTER_FOREVER));
	struct pollfd p = { .fd = ticket, .events = POLLIN };
	struct muster_verdict verdict;

	ASSERT_LE(0, ticket);
	WAIT(self->b, wait_for(self->keeps, MUSTER_UNTIL_COUNT, 2));
	ADD(self->a, self->keeps, 1);
	EXPECT_EQ(0, poll(&p, 1, 0));
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(0, self->b->job.wait.met);
	EXPECT_EQ(-EOWNERDEAD, self->b->job.wait.status);
	EXPECT_EQ(1, self->b->job.wait.died);
	ASSERT_EQ(sizeof(verdict), read(ticket, &verdict, sizeof(verdict)));
	EXPECT_EQ(-EOWNERDEAD, verdict.status);
	EXPECT_EQ(0, verdict.outcome);
	ASSERT_EQ(0, ask(me, wait_for(self->keeps, MUSTER_UNTIL_COUNT, 1)));
	EXPECT_EQ(0, me->job.wait.met);
}

/* G3: what was is forgotten by a reset, and so who waits then waits for what comes. */
TEST_F(group, count_and_reset)
{
	__u64 first = ADD(me, self->fd, 1);

	ASSERT_EQ(0, ask(me, done(self->fd, first, 0, NULL)));
	WAIT(self->a, wait_for(self->fd, MUSTER_UNTIL_COUNT, 2));
	ASSERT_EQ(0, ask(me, reset_group(self->fd)));
	EXPECT_EQ(1, group_state(self->fd).waiters);
	first = ADD(me, self->fd, 2);
	ASSERT_EQ(0, ask(me, done(self->fd, first, 0, NULL)));
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, done(self->fd, first + 1, 0, NULL)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(1, self->a->job.wait.met);
}

/* G4: results, in order of ADD, whoever was done first. */
TEST_F(group, results)
{
	static const char *const text[] = { "one", "two", NULL };
	__u64 first = ADD(me, self->fd, 3), slot = 0;
	int i;

	for (i = 2; i >= 0; i--)
		ASSERT_EQ(0, ask(me, done(self->fd, first + i, i, text[i])));
	for (i = 0; i < 3; i++, slot++) {
		struct job job = result_of(self->fd, slot);
		char buf[8] = "";

		job.result.buf = to_u64(buf);
		job.result.buf_len = 2;
		ASSERT_EQ(0, ask(me, job));
		slot = me->job.result.slot;
		EXPECT_EQ(first + i, slot);
		EXPECT_EQ(MUSTER_TASK_DONE, me->job.result.state);
		EXPECT_EQ(i, me->job.result.status);
		EXPECT_EQ(getpid(), me->job.result.pid);
		EXPECT_EQ(text[i] ? 3 : 0, me->job.result.result_len);
		EXPECT_EQ(3 - i, me->job.result.order);
		if (text[i])
			EXPECT_EQ(0, strncmp(text[i], buf, 2));
		EXPECT_EQ(0, buf[2]);
	}
	EXPECT_EQ(-ENOENT, ask(me, result_of(self->fd, slot)));
	ASSERT_EQ(0, ask(me, reset_group(self->fd)));
	EXPECT_EQ(-ENOENT, ask(me, result_of(self->fd, 0)));
	/* Numbers only grow (W4). */
	EXPECT_EQ(first + 3, ADD(me, self->fd, 1));
}

/* G4, O7: a result too many is refused and changes nothing. */
TEST_F(group, result_limits)
{
	__u64 slot = ADD(me, self->fd, 1);
	struct job job = done(self->fd, slot, 0, "x");

	job.done.data_len = get_param("result_max") + 1;
	EXPECT_EQ(-EMSGSIZE, ask(me, job));
	job.done.data_len = 1;
	job.done.data = 8;
	EXPECT_EQ(-EFAULT, ask(me, job));
	EXPECT_EQ(1, group_state(self->fd).pending);
}

/* T4: a fault on telling the number gives the slots back. */
TEST_F(group, fault)
{
	static const struct muster_group_add args = {
		.size = sizeof(args),
		.slots = 2,
	};

	EXPECT_EQ(-EFAULT, call(self->fd, MUSTER_GROUP_ADD, (void *)&args));
	EXPECT_EQ(0, group_state(self->fd).pending);
	EXPECT_EQ(-ENOENT, ask(me, result_of(self->fd, 0)));
}

/* T3: a signal leaves the queue, and the call restarts. */
TEST_F(group, signals)
{
	ADD(me, self->limited, 2);
	QUEUE_ADD(self->a, self->limited, 1);
	signal_puppet(self->a, SIG_EINTR);
	EXPECT_EQ(-EINTR, hear(self->a));
	EXPECT_EQ(0, group_state(self->limited).adders);
	WAIT(self->b, wait_for(self->limited, MUSTER_UNTIL_ALL, 0));
	signal_puppet(self->b, SIG_RESTART);
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 0, NULL)));
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(0, hear(self->b));
}

/* T5: by ticket; a slot that was added through one is done through it. */
TEST_F(group, tickets)
{
	struct muster_verdict v;
	int adds, waits;

	ADD(me, self->limited, 2);
	adds = ask(me, add_by(self->limited, 1, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, adds);
	waits = ask(me, wait_by(self->limited, 0, 0, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, waits);
	EXPECT_EQ(1, group_state(self->limited).adders);
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 0, NULL)));
	ASSERT_EQ(sizeof(v), read(adds, &v, sizeof(v)));
	EXPECT_EQ(0, v.error);
	EXPECT_EQ(3, v.token);
	ASSERT_EQ(0, ask(me, done(adds, v.token, 0, NULL)));
	EXPECT_EQ(0, poll_now(waits));
	ASSERT_EQ(0, ask(me, done(self->limited, MUSTER_SLOT_ANY, 4, NULL)));
	ASSERT_EQ(sizeof(v), read(waits, &v, sizeof(v)));
	EXPECT_EQ(MUSTER_OUTCOME_MET, v.outcome);
	EXPECT_EQ(4, v.status);
	close(adds);
	close(waits);
	EXPECT_EQ(0, group_state(self->limited).died);
}

/* T5, G2: a ticket that is closed takes its task along. */
TEST_F(group, closed_ticket)
{
	int adds = ask(me, add_by(self->limited, 2, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	int more = ask(me, add_by(self->limited, 2, MUSTER_WAIT_TICKET, MUSTER_FOREVER));

	close(more);
	EXPECT_EQ(0, group_state(self->limited).adders);
	close(adds);
	EXPECT_EQ(2, group_state(self->limited).died);
	EXPECT_EQ(0, group_state(self->limited).pending);
}

/* G4, O7: what may not be kept is refused, and so is the result of another's task. */
TEST_F(group, no_room)
{
	long long bytes = get_param("bytes_max");

	ADD(self->a, self->fd, 1);
	ASSERT_EQ(-EPERM, ask(self->b, done(self->fd, 1, 0, "answer")));
	EXPECT_EQ(1, group_state(self->fd).pending);
	if (geteuid() || bytes < 0)
		SKIP(return, "only root may change the module's parameters");
	ASSERT_TRUE(set_param("bytes_max", 5));
	EXPECT_EQ(-ENOBUFS, ask(self->a, done(self->fd, 1, 0, "answer")));
	set_param("bytes_max", bytes);
	EXPECT_EQ(1, group_state(self->fd).pending);
	EXPECT_EQ(0, ask(self->a, done(self->fd, 1, 0, "answer")));
	EXPECT_EQ(1, group_state(self->fd).succeeded);
}

/* G4, F8, O3: tasks and their results are worth more than what a flight group keeps. */
TEST_F(group, room_of_what_is_kept)
{
	long long calls = get_param("calls_max"), bytes = get_param("bytes_max");
	int fd = open_flight(0), i;
	struct job job;

	if (geteuid() || bytes < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ask(self->a, join(fd, i ? "key" : "other")));
		job = finish(fd, i ? "key" : "other", self->a->job.join.token, 0, "answer");
		job.finish.keep = MUSTER_FOREVER;
		ASSERT_EQ(0, ask(self->a, job));
	}
	ASSERT_TRUE(set_param("calls_max", 2));
	EXPECT_EQ(0, ask(self->a, add(self->fd, 1)));
	set_param("calls_max", calls);
	EXPECT_EQ(1, flight_state(fd).kept);
	ASSERT_TRUE(set_param("bytes_max", 6));
	EXPECT_EQ(0, ask(self->a, done(self->fd, MUSTER_SLOT_ANY, 0, "result")));
	set_param("bytes_max", bytes);
	EXPECT_EQ(0, flight_state(fd).kept);
}

/* G4, T2: who waits for successes leaves at its deadline; others are not disturbed. */
TEST_F(group, deadline)
{
	ADD(self->a, self->fd, 2);
	WAIT(self->b, wait_for(self->fd, MUSTER_UNTIL_SUCCESSES, 1));
	EXPECT_EQ(-ETIMEDOUT, ask(self->c, wait_by(self->fd, MUSTER_UNTIL_SUCCESSES, 1, 0,
						   in_ms(10))));
	EXPECT_EQ(1, group_state(self->fd).waiters);
	ASSERT_EQ(0, ask(self->a, done(self->fd, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(1, self->b->job.wait.met);
}

#define ROUNDS	100

/* G1: DONE, a timeout and a new ADD meet; nobody is lost. */
TEST_F(group, races)
{
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		ADD(self->a, self->fd, 1);
		tell(self->a, done(self->fd, MUSTER_SLOT_ANY, 0, NULL));
		tell(self->b, add(self->fd, 1));
		tell(self->c, wait_by(self->fd, 0, 0, 0,
				      clock_ns(CLOCK_MONOTONIC) + i * 10000));
		ASSERT_EQ(0, hear(self->a));
		ASSERT_EQ(0, hear(self->b));
		ASSERT_EQ(0, ask(self->b, done(self->fd, MUSTER_SLOT_ANY, 0, NULL)));
		ret = hear(self->c);
		ASSERT_TRUE(!ret || ret == -ETIMEDOUT);
		ASSERT_EQ(0, group_state(self->fd).waiters);
		ASSERT_EQ(0, group_state(self->fd).pending);
	}
	EXPECT_EQ(2 * ROUNDS, group_state(self->fd).succeeded);
}

TEST_HARNESS_MAIN
