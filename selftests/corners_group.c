// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups at the corners where others fail; Documentation/peers.rst
 */
#include <poll.h>
#include <string.h>

#include "kselftest_harness.h"
#include "race.h"

#define ROUNDS		100
/* Of those that take longer. */
#define FEW_ROUNDS	20

static unsigned int rounds_of(enum way way)
{
	return rounds(way == BY_DEATH || way == BY_TIMEOUT ? FEW_ROUNDS : ROUNDS);
}

static struct job try_add(int fd)
{
	return add_by(fd, 1, MUSTER_WAIT_NONBLOCK, 0);
}

static struct job end(const struct puppet *p, int fd, int status)
{
	return done(fd, p->job.add.first, status, NULL);
}

static int open_keep_going(__u32 limit)
{
	struct muster_open how = open_how(MUSTER_GROUP, NULL, 0, limit);

	how.options = MUSTER_GROUP_KEEP_GOING;
	return open_object(&how);
}

#define EXPECT_IDLE(fd) do {						\
	struct muster_group_stat _stat = group_state(fd);		\
	EXPECT_EQ(0, _stat.pending);					\
	EXPECT_EQ(0, _stat.adders);					\
	EXPECT_EQ(0, _stat.waiters);					\
} while (0)

/* ---- one who leaves, in each way ---- */

FIXTURE(leaver) {
	int one, two;
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
	self->one = open_keep_going(1);
	self->two = open_keep_going(2);
	ASSERT_LE(0, self->one);
	ASSERT_LE(0, self->two);
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
 * G3, T1, T5, G2: errgroup: Go blocks at the limit; here it can leave. At the instant at
 * which a slot is free one of the two who wait gets it, and never both.
 */
TEST_F_TIMEOUT(leaver, at_the_slot, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	int fd = self->one, ret;

	for (i = 0; i < n || !quitter_met_both(&self->q); i++) {
		ASSERT_EQ(0, ask(self->holder, try_add(fd)));
		ASSERT_EQ(0, quitter_waits(&self->q, add(fd, 1)));
		ASSERT_QUICK(group_state(fd).adders == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, add(fd, 1));
		tell(self->holder, at_once(self->q.race, end(self->holder, fd, 0)));
		ret = quitter_leaves(&self->q, 1);
		ASSERT_EQ(0, hear(self->holder));
		if (!ret) {
			EXPECT_EQ(1, group_state(fd).pending);
			ASSERT_TRUE(is_busy(self->next));
			ASSERT_EQ(0, ask(self->q.p, end(self->q.p, fd, 0)));
		} else {
			ASSERT_TRUE(ret == -ECANCELED || ret == GONE);
		}
		ASSERT_EQ(0, hear(self->next));
		EXPECT_EQ(1, group_state(fd).pending);
		EXPECT_EQ(0, group_state(fd).adders);
		ASSERT_EQ(0, ask(self->next, end(self->next, fd, 0)));
		EXPECT_IDLE(fd);
		ASSERT_EQ(0, ask(me, reset_group(fd)));
	}
	TH_LOG("%u got it, %u left", self->q.granted, self->q.left);
}

/*
 * G1, T1: schedgroup: Wait can hang by a lost wake-up. One who waits leaves as the last
 * task ends: the other always learns of the end.
 */
TEST_F_TIMEOUT(leaver, at_the_end, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	int fd = self->two, ret;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, ask(self->holder, try_add(fd)));
		ASSERT_EQ(0, quitter_waits(&self->q, wait_for(fd, MUSTER_UNTIL_ALL, 0)));
		ASSERT_QUICK(group_state(fd).waiters == 1 ||
			     quitter_came_too_late(&self->q));
		/* At the same instant, too. */
		if (i % 2)
			tell(self->next, at_once(self->q.race,
						 wait_for(fd, MUSTER_UNTIL_ALL, 0)));
		else
			tell(self->next, wait_for(fd, MUSTER_UNTIL_ALL, 0));
		tell(self->holder, at_once(self->q.race, end(self->holder, fd, 5)));
		ret = quitter_leaves(&self->q, 1 + i % 2);
		ASSERT_EQ(0, hear(self->holder));
		ASSERT_TRUE(!ret || ret == -ECANCELED || ret == GONE);
		ASSERT_EQ(0, hear(self->next));
		EXPECT_EQ(1, self->next->job.wait.met);
		/* Who came after the end has no status, unless it sticks. */
		EXPECT_EQ(5, self->next->job.wait.status);
		if (!ret)
			EXPECT_EQ(5, self->q.p->job.wait.status);
		EXPECT_IDLE(fd);
		ASSERT_EQ(0, ask(me, reset_group(fd)));
	}
	TH_LOG("%u heard of the end, %u left", self->q.granted, self->q.left);
}

/*
 * G3: the front of those who want to add leaves, and the next is let in at once; a TRY
 * at that instant does not overtake it.
 */
TEST_F_TIMEOUT(leaver, the_front, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	int fd = self->two, ret;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, ask(self->holder, try_add(fd)));
		ASSERT_EQ(0, quitter_waits(&self->q, add(fd, 2)));
		ASSERT_QUICK(group_state(fd).adders == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, add(fd, 1));
		ASSERT_QUICK(group_state(fd).adders == 2 || group_state(fd).pending == 2);
		tell(self->other, at_once(self->q.race, try_add(fd)));
		ret = quitter_leaves(&self->q, 1);
		ASSERT_TRUE(ret == -ECANCELED || ret == GONE);
		ASSERT_EQ(-EAGAIN, hear(self->other));
		ASSERT_EQ(0, hear(self->next));
		EXPECT_EQ(2, group_state(fd).pending);
		EXPECT_EQ(0, group_state(fd).adders);
		ASSERT_EQ(0, ask(self->next, end(self->next, fd, 0)));
		ASSERT_EQ(0, ask(self->holder, end(self->holder, fd, 0)));
		EXPECT_IDLE(fd);
		ASSERT_EQ(0, ask(me, reset_group(fd)));
	}
}

/* ---- failures ---- */

FIXTURE(corner) {
	int fd, limited, wide, keeps;
	struct race *race;
	struct puppet *a, *b, *c, *d, *e;
};

FIXTURE_SETUP(corner)
{
	self->fd = open_group(0);
	self->limited = open_group(2);
	self->wide = open_group(64);
	self->keeps = open_keep_going(0);
	self->race = new_race();
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	self->d = puppet();
	self->e = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(corner)
{
}

/*
 * G1, G3: errgroup: the first error wins and sticks. Two tasks fail at once: all who
 * wait, then and later, hear of the same one.
 */
TEST_F_TIMEOUT(corner, first_error_sticks, 120)
{
	unsigned int n = rounds(ROUNDS), i, first = 0;
	int fd = self->fd;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, ask(self->a, add(fd, 1)));
		ASSERT_EQ(0, ask(self->b, add(fd, 1)));
		tell(self->c, wait_for(fd, MUSTER_UNTIL_FAILURE, 0));
		ASSERT_QUICK(group_state(fd).waiters == 1);
		tell(self->d, wait_for(fd, MUSTER_UNTIL_ALL, 0));
		tell(self->a, at_once(self->race, end(self->a, fd, 1)));
		tell(self->b, at_once(self->race, end(self->b, fd, 2)));
		begin(self->race, 2);
		ASSERT_EQ(-ECANCELED, ({
			int _ret;

			/* Until it is cancelled. */
			while (!(_ret = ask(me, add(fd, 1))))
				ASSERT_EQ(0, ask(me, end(me, fd, 0)));
			_ret;
		}));
		ASSERT_EQ(0, hear(self->a));
		ASSERT_EQ(0, hear(self->b));
		ASSERT_EQ(0, hear(self->c));
		ASSERT_EQ(0, hear(self->d));
		ASSERT_EQ(0, ask(me, wait_for(fd, MUSTER_UNTIL_ALL, 0)));
		ASSERT_TRUE(me->job.wait.status == 1 || me->job.wait.status == 2);
		first += me->job.wait.status == 1;
		EXPECT_EQ(me->job.wait.status, self->c->job.wait.status);
		EXPECT_EQ(me->job.wait.slot, self->c->job.wait.slot);
		EXPECT_EQ(me->job.wait.status, self->d->job.wait.status);
		EXPECT_EQ(me->job.wait.slot, self->d->job.wait.slot);
		EXPECT_EQ(2, me->job.wait.failed);
		EXPECT_TRUE(poll_now(fd) & POLLPRI);
		ASSERT_EQ(0, ask(me, reset_group(fd)));
		EXPECT_FALSE(poll_now(fd) & POLLPRI);
	}
	TH_LOG("%u of %u times the one", first, n);
}

/*
 * G3: neilotoole's errgroup deadlocks when a worker fails with a full queue, and drops
 * tasks. All who wait to add are told at once, whatever ends at the same instant, and
 * whoever was let in has a task that counts.
 */
TEST_F_TIMEOUT(corner, failure_with_a_full_queue, 120)
{
	unsigned int n = rounds(ROUNDS), i, k, let_in = 0;
	struct puppet *adders[] = { self->c, self->d, self->e };
	int fd = self->limited;

	for (i = 0; i < n; i++) {
		unsigned int now = 0;

		ASSERT_EQ(0, ask(self->a, add(fd, 1)));
		ASSERT_EQ(0, ask(self->b, add(fd, 1)));
		for (k = 0; k < ARRAY_SIZE(adders); k++) {
			tell(adders[k], add(fd, 1));
			ASSERT_QUICK(group_state(fd).adders == k + 1);
		}
		tell(self->a, at_once(self->race, end(self->a, fd, 1)));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(self->b, end(self->b, fd, 0)));
		ASSERT_EQ(0, hear(self->a));
		for (k = 0; k < ARRAY_SIZE(adders); k++) {
			int ret = hear(adders[k]);

			ASSERT_TRUE(!ret || ret == -ECANCELED);
			if (ret)
				continue;
			/* First come, first served. */
			ASSERT_EQ(k, now);
			now++;
			ASSERT_EQ(0, ask(adders[k], end(adders[k], fd, 0)));
		}
		let_in += now;
		EXPECT_IDLE(fd);
		EXPECT_EQ(1, group_state(fd).failed);
		EXPECT_EQ(1 + now, group_state(fd).succeeded);
		ASSERT_EQ(0, ask(me, reset_group(fd)));
	}
	TH_LOG("%u let in", let_in);
}

/*
 * G1, G3: who waits is told in batches. A RESET does not come in between: nobody who
 * waited to add is added to what begins anew, and who waited for all hears of the failure.
 */
TEST_F_TIMEOUT(corner, reset_with_a_full_queue, 120)
{
	unsigned int n = rounds(4 * ROUNDS), i, k;
	int fd = self->wide, adds[8], waits, ret;

	for (i = 0; i < n; i++) {
		struct muster_verdict v = {};

		ASSERT_EQ(0, ask(self->a, add(fd, 1)));
		for (k = 0; k < ARRAY_SIZE(adds); k++) {
			adds[k] = ask(me, as_ticket(add(fd, 64)));
			ASSERT_LE(0, adds[k]);
		}
		waits = ask(me, as_ticket(wait_for(fd, MUSTER_UNTIL_ALL, 0)));
		ASSERT_LE(0, waits);
		tell(self->a, at_once(self->race, end(self->a, fd, 1)));
		begin(self->race, 1);
		do {
			ret = ask(me, reset_group(fd));
		} while (ret == -EBUSY);
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, hear(self->a));
		for (k = 0; k < ARRAY_SIZE(adds); k++) {
			ASSERT_EQ(sizeof(v), read(adds[k], &v, sizeof(v)));
			ASSERT_EQ(-ECANCELED, v.error);
			close(adds[k]);
		}
		ASSERT_EQ(sizeof(v), read(waits, &v, sizeof(v)));
		EXPECT_EQ(0, v.error);
		EXPECT_EQ(1, v.status);
		close(waits);
		EXPECT_IDLE(fd);
	}
}

/* ---- a crowd ---- */

static int run_tasks(struct job *job)
{
	unsigned int n = job->arg[0], i;
	char text[32];

	for (i = 0; i < n; i++) {
		if (ask(me, add(job->fd, 1)))
			return 1;
		snprintf(text, sizeof(text), "%d %u", getpid(), i);
		if (ask(me, done(job->fd, me->job.add.first, i % 3, text)))
			return 2;
	}
	return 0;
}

/*
 * G1, G4: bilibili: excess tasks run only in Wait, and its list is racy; facebook: all
 * errors are collected. Nobody waits here; at last all that was said is there, in order.
 */
TEST_F_TIMEOUT(corner, all_that_was_said, 120)
{
	struct puppet *crowd[] = { self->a, self->b, self->c, self->d };
	unsigned int n = rounds(ROUNDS) / 4, next[4] = {}, seen, i;
	int fd = self->keeps;
	__u64 slot = 0;
	char text[32];

	for (i = 0; i < ARRAY_SIZE(crowd); i++)
		tell(crowd[i], (struct job){ .run = run_tasks, .fd = fd, .arg = { n } });
	for (i = 0; i < ARRAY_SIZE(crowd); i++)
		ASSERT_EQ(0, hear(crowd[i]));
	for (seen = 0; seen < n * ARRAY_SIZE(crowd); seen++) {
		struct job job = result_of(fd, slot);

		job.result.buf = to_u64(me->data);
		job.result.buf_len = sizeof(me->data);
		memset(me->data, 0, sizeof(me->data));
		ASSERT_EQ(0, ask(me, job));
		ASSERT_LE(slot, me->job.result.slot);
		slot = me->job.result.slot + 1;
		EXPECT_EQ(MUSTER_TASK_DONE, me->job.result.state);
		for (i = 0; crowd[i]->pid != me->job.result.pid; i++)
			ASSERT_GT(ARRAY_SIZE(crowd), i);
		snprintf(text, sizeof(text), "%d %u", crowd[i]->pid, next[i]);
		EXPECT_STREQ(text, me->data);
		EXPECT_EQ(next[i] % 3, me->job.result.status);
		next[i]++;
	}
	EXPECT_EQ(-ENOENT, ask(me, result_of(fd, slot)));
	EXPECT_IDLE(fd);
}

TEST_HARNESS_MAIN
