// SPDX-License-Identifier: GPL-2.0-only
/*
 * Barriers at the corners where others fail; Documentation/peers.rst
 */
#include <string.h>

#include "guard.h"
#include "kselftest_harness.h"
#include "race.h"

#define ROUNDS		100
/* Of those that take longer. */
#define FEW_ROUNDS	20

static unsigned int rounds_of(enum way way)
{
	return rounds(way == BY_DEATH || way == BY_TIMEOUT ? FEW_ROUNDS : ROUNDS);
}

/* -EAGAIN rather than wait for one who does not come. */
static struct job try_await(int fd)
{
	return await_by(fd, MUSTER_WAIT_NONBLOCK, 0);
}

#define ARRIVE(p, fd) do {						\
	__u32 _before = barrier_state(fd).waiting;			\
	tell(p, await(fd));						\
	ASSERT_QUICK(barrier_state(fd).waiting == _before + 1);		\
} while (0)

/* Nobody is there, and nothing is broken. */
#define EXPECT_HEALTHY(fd) do {						\
	struct muster_barrier_stat _stat = barrier_state(fd);		\
	EXPECT_EQ(0, _stat.broken_by);					\
	EXPECT_EQ(0, _stat.waiting);					\
	EXPECT_EQ(0, _stat.acting);					\
} while (0)

/* They left together. */
#define EXPECT_TOGETHER(p, q) do {					\
	EXPECT_EQ((p)->job.await.generation, (q)->job.await.generation); \
	EXPECT_EQ((p)->job.await.token, (q)->job.await.token);		\
	EXPECT_NE((p)->job.await.index, (q)->job.await.index);		\
} while (0)

/* ---- one who leaves, in each way ---- */

FIXTURE(leaver) {
	int fd, action;
	struct puppet *last, *next, *other;
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
	self->fd = open_barrier(2, 0);
	self->action = open_barrier(2, MUSTER_BARRIER_ACTION);
	quitter_init(&self->q, variant->way);
	self->last = puppet();
	self->next = puppet();
	self->other = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(leaver)
{
}

/*
 * B1, B3, B4, T2, T5: Java, marusama, C#: a waiter leaves at the instant of the trip.
 * Either all trip, or it has withdrawn (as in C#) and the others wait on, or it broke
 * the barrier for all of them: never one thing for one and another for another.
 */
TEST_F_TIMEOUT(leaver, at_the_trip, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	int fd = self->fd, ret, last;

	ASSERT_EQ(0, ask(me, set_parties(fd, 3)));
	for (i = 0; i < n || !quitter_met_both(&self->q); i++) {
		ASSERT_EQ(0, quitter_waits(&self->q, await(fd)));
		ASSERT_QUICK(barrier_state(fd).waiting == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, await(fd));
		ASSERT_QUICK(barrier_state(fd).waiting == 2 ||
			     quitter_came_too_late(&self->q));
		tell(self->last, at_once(self->q.race, try_await(fd)));
		ret = quitter_leaves(&self->q, 1);
		last = hear(self->last);
		if (!last) {
			ASSERT_TRUE(!ret || ret == GONE);
			ASSERT_EQ(0, hear(self->next));
			EXPECT_TOGETHER(self->last, self->next);
			if (!ret)
				EXPECT_TOGETHER(self->last, self->q.p);
		} else if (barrier_state(fd).broken_by) {
			ASSERT_TRUE(variant->way == BY_TIMEOUT || variant->way == BY_DEATH);
			ASSERT_NE(0, ret);
			ASSERT_TRUE(last == -EPIPE || last == -EAGAIN);
			ASSERT_EQ(-EPIPE, hear(self->next));
			ASSERT_EQ(0, ask(me, reset(fd)));
		} else {
			ASSERT_NE(0, ret);
			ASSERT_EQ(-EAGAIN, last);
			ASSERT_QUICK(barrier_state(fd).waiting == 1);
			ASSERT_TRUE(is_busy(self->next));
			tell(self->last, await(fd));
			ASSERT_QUICK(barrier_state(fd).waiting == 2);
			ASSERT_EQ(0, ask(me, try_await(fd)));
			ASSERT_EQ(0, hear(self->last));
			ASSERT_EQ(0, hear(self->next));
			EXPECT_TOGETHER(self->last, self->next);
		}
		EXPECT_HEALTHY(fd);
	}
	TH_LOG("%u tripped, %u left", self->q.granted, self->q.left);
}

/*
 * B1, B3: marusama: a cancel just after the trip can break the next round (1 in 20,000).
 * One leaves after its generation has tripped, while the next one forms.
 */
TEST_F_TIMEOUT(leaver, after_the_trip, 120)
{
	unsigned int n = rounds_of(variant->way), i, void_rounds = 0;
	int fd = self->fd;

	for (i = 0; i < n || void_rounds == i; i++) {
		ASSERT_EQ(0, quitter_waits(&self->q, await(fd)));
		ASSERT_QUICK(barrier_state(fd).waiting == 1 ||
			     quitter_came_too_late(&self->q));
		if (ask(self->last, try_await(fd))) {
			/* The deadline has passed before. */
			ASSERT_EQ(BY_TIMEOUT, variant->way);
			ASSERT_EQ(-ETIMEDOUT, hear(self->q.p));
			quitter_came_too_late(&self->q);
			void_rounds++;
			ASSERT_EQ(0, ask(me, reset(fd)));
			continue;
		}
		tell(self->next, at_once(self->q.race, await(fd)));
		tell(self->other, at_once(self->q.race, await(fd)));
		ASSERT_LE(0, quitter_leaves(&self->q, 2));
		ASSERT_EQ(0, hear(self->next));
		ASSERT_EQ(0, hear(self->other));
		EXPECT_TOGETHER(self->next, self->other);
		EXPECT_EQ(self->last->job.await.generation + 1,
			  self->next->job.await.generation);
		EXPECT_HEALTHY(fd);
	}
}

/*
 * B2, B3, B4: marusama: a cancel during the action can un-break the barrier, or free a
 * waiter of the next round. What COMPLETE says and what the waiters see is the same;
 * what is broken remains so, and who waits for the next round goes on with that.
 */
TEST_F_TIMEOUT(leaver, during_the_action, 120)
{
	unsigned int n = rounds_of(variant->way), i, tripped = 0, void_rounds = 0;
	int fd = self->action, ret, completed;
	__u64 token, generation;

	for (i = 0; i < n || void_rounds == i; i++) {
		ASSERT_EQ(0, quitter_waits(&self->q, await(fd)));
		ASSERT_QUICK(barrier_state(fd).waiting == 1 ||
			     quitter_came_too_late(&self->q));
		if (ask(self->last, try_await(fd))) {
			ASSERT_EQ(BY_TIMEOUT, variant->way);
			ASSERT_EQ(-ETIMEDOUT, hear(self->q.p));
			quitter_came_too_late(&self->q);
			void_rounds++;
			ASSERT_EQ(0, ask(me, reset(fd)));
			continue;
		}
		token = self->last->job.await.token;
		generation = self->last->job.await.generation;
		tell(self->next, await(fd));
		ASSERT_QUICK(barrier_state(fd).waiting == 2 || !is_busy(self->next) ||
			     (variant->way == BY_TIMEOUT && !is_busy(self->q.p)));
		tell(self->last, at_once(self->q.race, complete(fd, token, 0)));
		ret = quitter_leaves(&self->q, 1);
		completed = hear(self->last);
		lean(self->q.race, !completed);
		if (!completed) {
			tripped++;
			ASSERT_TRUE(!ret || ret == GONE);
			ASSERT_EQ(0, barrier_state(fd).broken_by);
			ASSERT_TRUE(is_busy(self->next));
			ASSERT_EQ(0, ask(self->other, await(fd)));
			/* An old token is nobody's any more. */
			ASSERT_EQ(-EPERM, ask(self->last, complete(fd, token, 0)));
			ASSERT_TRUE(is_busy(self->next));
			ASSERT_LT(token, self->other->job.await.token);
			token = self->other->job.await.token;
			ASSERT_EQ(0, ask(self->other, complete(fd, token, 0)));
			ASSERT_EQ(0, hear(self->next));
			EXPECT_EQ(token, self->next->job.await.token);
			EXPECT_EQ(generation + 1, self->next->job.await.generation);
		} else {
			ASSERT_EQ(-EPIPE, completed);
			ASSERT_NE(0, ret);
			ASSERT_EQ(-EPIPE, hear(self->next));
			ASSERT_EQ(variant->way == BY_TIMEOUT ? MUSTER_BROKEN_TIMEOUT :
				  MUSTER_BROKEN_DEATH, barrier_state(fd).broken_by);
			ASSERT_EQ(-EPERM, ask(self->last, complete(fd, token, 0)));
			ASSERT_EQ(-EPIPE, ask(self->other, await(fd)));
			ASSERT_EQ(0, ask(me, reset(fd)));
		}
		EXPECT_HEALTHY(fd);
	}
	TH_LOG("%u tripped, %u did not begin, of %u", tripped, void_rounds, n);
	if (variant->way == BY_SIGNAL)
		EXPECT_EQ(n, tripped);
}

/* ---- those who do not leave ---- */

FIXTURE(corner) {
	int fd, action, members;
	struct race *race;
	struct puppet *a, *b, *c, *d;
};

FIXTURE_SETUP(corner)
{
	self->fd = open_barrier(2, 0);
	self->action = open_barrier(2, MUSTER_BARRIER_ACTION);
	self->members = open_barrier(0, MUSTER_BARRIER_MEMBERS);
	self->race = new_race();
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	self->d = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(corner)
{
}

/*
 * B3, T5: marusama, Java: a context that is done on entry: its error, without joining
 * and without breaking. Not even at the instant at which the last party arrives, and
 * not by a ticket.
 */
TEST_F_TIMEOUT(corner, expired_on_entry, 120)
{
	unsigned int n = rounds(ROUNDS), i;
	struct job late = await_by(self->fd, 0, 1);

	for (i = 0; i < n; i++) {
		ARRIVE(self->a, self->fd);
		tell(self->b, at_once(self->race, i % 2 ? as_ticket(late) : late));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(me, try_await(self->fd)));
		ASSERT_EQ(-ETIMEDOUT, hear(self->b));
		ASSERT_EQ(0, hear(self->a));
		EXPECT_TOGETHER(me, self->a);
		EXPECT_HEALTHY(self->fd);
	}
}

/*
 * B2, B5: marusama: a reset during the action can un-break the barrier, or free a waiter
 * of the next round. RESET and COMPLETE meet: those of this round all see the same, who
 * waits for the next one is told of the reset, and the barrier is healthy.
 */
TEST_F_TIMEOUT(corner, reset_during_action, 120)
{
	unsigned int n = rounds(ROUNDS), i, tripped = 0;
	int fd = self->action, completed;
	__u64 token, generation;

	for (i = 0; i < n || !tripped || tripped == i; i++) {
		ARRIVE(self->a, fd);
		ASSERT_EQ(0, ask(self->b, try_await(fd)));
		token = self->b->job.await.token;
		generation = self->b->job.await.generation;
		ARRIVE(self->c, fd);
		tell(self->b, at_once(self->race, complete(fd, token, 0)));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(me, reset(fd)));
		completed = hear(self->b);
		lean(self->race, !completed);
		tripped += !completed;
		ASSERT_TRUE(!completed || completed == -EPIPE);
		ASSERT_EQ(completed, hear(self->a));
		if (completed)
			EXPECT_EQ(MUSTER_BROKEN_RESET, self->a->job.await.broken_by);
		ASSERT_EQ(-EPIPE, hear(self->c));
		EXPECT_EQ(MUSTER_BROKEN_RESET, self->c->job.await.broken_by);
		EXPECT_HEALTHY(fd);

		/* The next one is sound, and no business of the last one's runner. */
		ARRIVE(self->a, fd);
		ASSERT_EQ(0, ask(self->c, try_await(fd)));
		ASSERT_EQ(-EPERM, ask(self->b, complete(fd, token, 0)));
		ASSERT_TRUE(is_busy(self->a));
		ASSERT_LT(token, self->c->job.await.token);
		ASSERT_EQ(0, ask(self->c, complete(fd, self->c->job.await.token, 0)));
		ASSERT_EQ(0, hear(self->a));
		EXPECT_LT(generation, self->a->job.await.generation);
		EXPECT_HEALTHY(fd);
	}
	TH_LOG("%u of %u tripped before the reset", tripped, n);
}

/*
 * B1, B2: a late arrival at the instant of completion is of the next generation: never
 * let go with this one, and never forgotten.
 */
TEST_F_TIMEOUT(corner, late_at_completion, 120)
{
	unsigned int n = rounds(ROUNDS), i;
	int fd = self->action;
	__u64 generation, token;

	for (i = 0; i < n; i++) {
		ARRIVE(self->a, fd);
		ASSERT_EQ(0, ask(self->b, try_await(fd)));
		generation = self->b->job.await.generation;
		tell(self->c, at_once(self->race, await(fd)));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(self->b, complete(fd, self->b->job.await.token, 0)));
		ASSERT_EQ(0, hear(self->a));
		EXPECT_EQ(generation, self->a->job.await.generation);
		ASSERT_QUICK(barrier_state(fd).waiting == 1);
		ASSERT_TRUE(is_busy(self->c));
		ASSERT_EQ(0, ask(self->d, await(fd)));
		token = self->d->job.await.token;
		ASSERT_EQ(0, ask(self->d, complete(fd, token, 0)));
		ASSERT_EQ(0, hear(self->c));
		EXPECT_EQ(generation + 1, self->c->job.await.generation);
		EXPECT_EQ(token, self->c->job.await.token);
		EXPECT_HEALTHY(fd);
	}
}

/*
 * B1: two come at once where one is missing: one completes this generation, the other
 * begins the next.
 */
TEST_F_TIMEOUT(corner, one_too_many, 120)
{
	unsigned int n = rounds(ROUNDS), i;
	struct puppet *in, *out;
	int fd = self->fd;

	for (i = 0; i < n; i++) {
		ARRIVE(self->a, fd);
		tell(self->b, at_once(self->race, await(fd)));
		tell(self->c, at_once(self->race, await(fd)));
		begin(self->race, 2);
		ASSERT_EQ(0, hear(self->a));
		ASSERT_QUICK(barrier_state(fd).waiting == 1 &&
			     is_busy(self->b) != is_busy(self->c));
		in = is_busy(self->b) ? self->c : self->b;
		out = is_busy(self->b) ? self->b : self->c;
		EXPECT_EQ(0, hear(in));
		EXPECT_TOGETHER(self->a, in);
		ASSERT_EQ(0, ask(me, try_await(fd)));
		ASSERT_EQ(0, hear(out));
		EXPECT_TOGETHER(me, out);
		EXPECT_EQ(in->job.await.generation + 1, out->job.await.generation);
	}
}

/*
 * B6: C#: participants are removed at run time, and a removal may complete the phase: at
 * the instant of the last arrival, too, and but once.
 */
TEST_F_TIMEOUT(corner, removal_completes, 120)
{
	unsigned int n = rounds(ROUNDS), i;
	int fd = self->members;

	ASSERT_EQ(0, ask(self->a, enter(fd, 1)));
	ASSERT_EQ(0, ask(self->b, enter(fd, 1)));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, ask(self->c, enter(fd, 1)));
		ARRIVE(self->a, fd);
		tell(self->b, at_once(self->race, await(fd)));
		tell(self->c, at_once(self->race, leave(fd, 1)));
		begin(self->race, 2);
		ASSERT_EQ(0, hear(self->c));
		ASSERT_EQ(0, hear(self->b));
		ASSERT_EQ(0, hear(self->a));
		EXPECT_TOGETHER(self->a, self->b);
		EXPECT_EQ(self->a->job.await.generation + 1, barrier_state(fd).generation);
		EXPECT_HEALTHY(fd);
	}
}

/*
 * B2, B5, T2: a thread that is to run the action is held up on its way back, and its
 * memory is gone when it goes on. Meanwhile somebody has reset the barrier, and another
 * thread of the process runs the next action: that one does not break.
 */
TEST_F_TIMEOUT(corner, action_lost_after_a_reset, 120)
{
	size_t size = sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct puppet *thread = puppet_thread(me);
	int fd = self->action, uffd;
	struct uffd_msg msg;
	struct job job;
	__u64 token;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, ask(me, set_parties(fd, 1)));
	ASSERT_EQ(0, ask(me, try_await(fd)));
	token = me->job.await.token;
	job = await(fd);
	memcpy(page, &job.await, sizeof(job.await));
	job.at = page;
	tell(thread, job);
	ASSERT_QUICK(barrier_state(fd).waiting == 1);
	uffd = guard(page, size);
	if (uffd < 0)
		SKIP(return, "no userfaultfd that guards against writing");
	ASSERT_EQ(0, ask(me, complete(fd, token, 0)));
	ASSERT_EQ(sizeof(msg), read(uffd, &msg, sizeof(msg)));
	ASSERT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
	ASSERT_EQ(1, barrier_state(fd).acting);

	ASSERT_EQ(0, ask(me, reset(fd)));
	ASSERT_EQ(0, ask(me, try_await(fd)));
	ASSERT_EQ(0, munmap(page, size));
	close(uffd);
	ASSERT_EQ(-EFAULT, hear(thread));
	EXPECT_EQ(1, barrier_state(fd).acting);
	EXPECT_EQ(0, barrier_state(fd).broken_by);
	EXPECT_EQ(0, ask(me, complete(fd, me->job.await.token, 0)));
	EXPECT_HEALTHY(fd);
}

TEST_HARNESS_MAIN
