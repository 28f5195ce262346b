// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations of a barrier: none is ever touched by the end of another (B1 to B6)
 *
 * Timeouts, resets, deaths, actions, COMPLETE with old tokens, tickets, signals, members
 * and changes of the parties race. Whoever leaves writes down in memory that all share
 * what it was told, and compares it with what the others were. MUSTER_GENERATIONS in the
 * environment is how many there are to be in all, MUSTER_SEED what chance is made of.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "race.h"

#define GENERATIONS	12000
#define VARIANTS	4
#define WORKERS		4
/* A worker dies each time that there were so many more. */
#define LIFE		50
/* Nobody is so many generations behind. */
#define RING		16384

/* struct generation.action */
#define COMPLETING	1	/* its runner has begun to say that it is complete */
#define BROKEN		2	/* it was not */

/**
 * struct generation - what is known of one; the number is in the upper half of each
 * @token:	its token
 * @left:	the indices of those who left
 * @action:	how its action went
 */
struct generation {
	__u64 token;
	__u64 left;
	__u64 action;
};

/**
 * struct world - what all know
 * @nr:		how many generations were completed
 * @left:	the latest that anybody has left, and 1
 * @broken:	how often by what: MUSTER_BROKEN_*
 * @stale:	COMPLETEs with a token that was old
 * @tickets:	how many there were
 * @wrong:	how many checks have failed
 * @text:	the first of them
 * @ring:	generations, each at its number
 */
struct world {
	__u64 nr;
	__u64 left;
	__u64 broken[MUSTER_BROKEN_RESET + 1];
	__u64 stale;
	__u64 tickets;
	__u32 wrong;
	char text[200];
	struct generation ring[RING];
};

/**
 * struct worker - one who takes part
 * @world:	what all know
 * @fd:		the barrier
 * @options:	of it
 * @seed:	chance
 * @old:	a token whose action is over, or 0
 * @generation:	the latest that it left, and 1
 */
struct worker {
	struct world *world;
	int fd;
	__u32 options;
	__u64 seed;
	__u64 old;
	__u64 generation;
};

/* What one who arrived was told, by the ioctl or by a ticket. */
struct told {
	int fd;
	int error;
	__u64 generation;
	__u64 token;
	__u64 seen;
	__u32 index;
	__u32 outcome;
	__s32 status;
	__u32 broken_by;
};

static void count(__u64 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static __u64 load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void __attribute__((format(printf, 3, 4)))
check(struct world *world, bool good, const char *format, ...)
{
	va_list args;

	if (good || __atomic_fetch_add(&world->wrong, 1, __ATOMIC_ACQ_REL))
		return;
	va_start(args, format);
	vsnprintf(world->text, sizeof(world->text), format, args);
	va_end(args);
}

/* ---- the ring ---- */

static struct generation *generation(struct world *world, __u64 nr)
{
	return &world->ring[nr % RING];
}

/* What is written down of generation @nr, after @bits were added; 0 if that is long ago. */
static __u32 note(__u64 *word, __u32 nr, __u32 bits, __u32 *before)
{
	__u64 old = load(word), new;

	do {
		if (old >> 32 > nr)
			return 0;
		new = old >> 32 == nr ? old : (__u64)nr << 32;
		*before = new;
		new |= bits;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return new;
}

static void raise_to(__u64 *word, __u64 value)
{
	__u64 old = load(word);

	while (old < value && !__atomic_compare_exchange_n(word, &old, value, false,
							   __ATOMIC_ACQ_REL,
							   __ATOMIC_ACQUIRE))
		;
}

/* All of a generation have one token, and none that another has. */
static void check_token(struct worker *w, const struct told *t)
{
	__u32 before = 0, now;

	now = note(&generation(w->world, t->generation)->token, t->generation, t->token,
		   &before);
	check(w->world, !now || now == (__u32)t->token,
	      "generation %llu has token %llu, and %u", t->generation, t->token, before);
	check(w->world, t->token, "no token");
}

/* Somebody leaves a generation that has tripped. */
static void check_left(struct worker *w, const struct told *t)
{
	struct generation *g = generation(w->world, t->generation);
	__u32 before = 0, action, unused;

	check_token(w, t);
	check(w->world, t->index < 32, "index %u", t->index);
	note(&g->left, t->generation, 1U << t->index, &before);
	check(w->world, !(before & 1U << t->index), "two with index %u in %llu", t->index,
	      t->generation);
	check(w->world, t->generation >= w->generation, "left %llu after %llu",
	      t->generation, w->generation - 1);
	w->generation = t->generation + 1;
	check(w->world, t->generation >= t->seen, "left %llu, arrived after %llu",
	      t->generation, t->seen - 1);
	raise_to(&w->world->left, t->generation + 1);
	check(w->world, !t->status && !t->broken_by, "tripped with a cause");
	if (!(w->options & MUSTER_BARRIER_ACTION)) {
		if (!t->index)
			count(&w->world->nr);
		return;
	}
	action = note(&g->action, t->generation, 0, &unused);
	check(w->world, !action ? load(&g->action) >> 32 > t->generation :
	      action == COMPLETING, "left %llu, whose action is %u", t->generation, action);
}

/* ---- actions ---- */

static void check_stale(struct worker *w, int fd, __u64 token)
{
	check(w->world, ask(me, complete(fd, token, 0)) == -EPERM,
	      "COMPLETE of an old token: %d", me->ret);
	count(&w->world->stale);
}

/* The action of its generation, which has one runner and nobody has left. */
static void act(struct worker *w, const struct told *t)
{
	struct generation *g = generation(w->world, t->generation);
	bool fails = !random_below(&w->seed, 16);
	__u32 before = 0;
	int ret;

	check_token(w, t);
	check(w->world, !t->index, "the runner has index %u", t->index);
	note(&g->action, t->generation, fails ? 0 : COMPLETING, &before);
	check(w->world, !before, "%llu has had a runner", t->generation);
	linger(random_below(&w->seed, 1U << random_below(&w->seed, 12)));
	ret = ask(me, complete(t->fd, t->token, fails ? (t->token & 0xffff) + 1 : 0));
	check(w->world, !ret || ret == -EPIPE, "COMPLETE: %d", ret);
	w->old = t->fd == w->fd ? t->token : 0;
	if (!ret && !fails) {
		raise_to(&w->world->left, t->generation + 1);
		count(&w->world->nr);
		note(&g->left, t->generation, 1, &before);
		check(w->world, !(before & 1), "two with index 0 in %llu", t->generation);
		return;
	}
	note(&g->action, t->generation, BROKEN, &before);
	note(&g->left, t->generation, 0, &before);
	check(w->world, !before, "%llu was left by %x, and broken", t->generation, before);
	if (!random_below(&w->seed, 4))
		check_stale(w, t->fd, t->token);
}

/* ---- arrivals ---- */

static void mend(struct worker *w)
{
	if (random_below(&w->seed, 2))
		check(w->world, !ask(me, reset(w->fd)), "RESET: %d", me->ret);
	else
		sched_yield();
}

static void take_in(struct worker *w, const struct told *t)
{
	switch (t->error) {
	case 0:
		if (t->outcome & MUSTER_OUTCOME_ACTION)
			act(w, t);
		else
			check_left(w, t);
		break;
	case -EPIPE:
		check(w->world, t->broken_by && t->broken_by <= MUSTER_BROKEN_RESET,
		      "broken by %u", t->broken_by);
		check(w->world, !t->status == (t->broken_by != MUSTER_BROKEN_ACTION),
		      "broken by %u, status %d", t->broken_by, t->status);
		count(&w->world->broken[t->broken_by % (MUSTER_BROKEN_RESET + 1)]);
		mend(w);
		break;
	case -ETIMEDOUT:
	case -EINTR:
	case -EAGAIN:
		break;
	default:
		check(w->world, false, "AWAIT: %d", t->error);
	}
}

/* Mostly for ever; now and then by a deadline that comes soon, or has passed. */
static struct job some_await(struct worker *w)
{
	switch (random_below(&w->seed, 32)) {
	case 0:
		return await_by(w->fd, 0, 1);
	case 1:
		return await_by(w->fd, MUSTER_WAIT_NONBLOCK, 0);
	case 2:
		return await_by(w->fd, 0, clock_ns(CLOCK_MONOTONIC) +
				random_below(&w->seed, 500000));
	default:
		return await(w->fd);
	}
}

static void arrive(struct worker *w)
{
	const struct muster_barrier_await *await = &me->job.await;
	struct told t = { .fd = w->fd, .seen = load(&w->world->left) };

	t.error = ask(me, some_await(w));
	t.generation = await->generation;
	t.token = await->token;
	t.index = await->index;
	t.outcome = await->outcome;
	t.status = await->status;
	t.broken_by = await->broken_by;
	take_in(w, &t);
}

/* By a ticket, which is closed before its end, or after, or read. */
static void arrive_by_ticket(struct worker *w)
{
	struct told t = { .seen = load(&w->world->left) };
	struct muster_verdict v;
	struct pollfd p;

	t.fd = ask(me, as_ticket(await(w->fd)));
	check(w->world, t.fd >= 0 || t.fd == -EPIPE, "no ticket: %d", t.fd);
	if (t.fd < 0) {
		mend(w);
		return;
	}
	count(&w->world->tickets);
	p = (struct pollfd){ .fd = t.fd, .events = POLLIN };
	if (poll(&p, 1, random_below(&w->seed, 4)) == 1 && random_below(&w->seed, 8)) {
		check(w->world, read(t.fd, &v, sizeof(v)) == sizeof(v), "no verdict");
		t.error = v.error;
		t.generation = v.generation;
		t.token = v.token;
		t.index = v.index;
		t.outcome = v.outcome;
		t.status = v.status;
		t.broken_by = v.broken_by;
		take_in(w, &t);
	}
	close(t.fd);
}

static void move_seat(struct worker *w)
{
	if (!(w->options & MUSTER_BARRIER_MEMBERS))
		return;
	check(w->world, !ask(me, leave(w->fd, 1)), "LEAVE: %d", me->ret);
	check(w->world, ask(me, await(w->fd)) == -EPERM, "no seat: %d", me->ret);
	check(w->world, !ask(me, enter(w->fd, 1)), "ENTER: %d", me->ret);
}

static void work(struct worker *w)
{
	__u32 what = random_below(&w->seed, 128);

	if (what == 0)
		check(w->world, !ask(me, reset(w->fd)), "RESET: %d", me->ret);
	else if (what < 4)
		move_seat(w);
	else if (what < 10 && w->old)
		check_stale(w, w->fd, w->old);
	else if (what < 20)
		arrive_by_ticket(w);
	else
		arrive(w);
}

static pid_t spawn(struct worker *w)
{
	pid_t pid;

	random_below(&w->seed, 2);
	pid = fork();
	if (pid)
		return pid;
	die_with_parent();
	if (w->options & MUSTER_BARRIER_MEMBERS)
		check(w->world, !ask(me, enter(w->fd, 1)), "ENTER: %d", me->ret);
	for (;;)
		work(w);
}

/* ---- the test ---- */

FIXTURE(generations) {
	struct worker w;
	pid_t pid[WORKERS];
};

FIXTURE_VARIANT(generations) {
	__u32 options;
};

FIXTURE_VARIANT_ADD(generations, plain) { .options = 0 };

FIXTURE_VARIANT_ADD(generations, action) { .options = MUSTER_BARRIER_ACTION };

FIXTURE_VARIANT_ADD(generations, members) {
	.options = MUSTER_BARRIER_ACTION | MUSTER_BARRIER_MEMBERS,
};

FIXTURE_VARIANT_ADD(generations, shrink) {
	.options = MUSTER_BARRIER_ACTION | MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK,
};

FIXTURE_SETUP(generations)
{
	self->w.options = variant->options;
	self->w.fd = open_barrier(variant->options & MUSTER_BARRIER_MEMBERS ? 0 : 2,
				  variant->options);
	self->w.world = shared_memory(sizeof(*self->w.world));
	self->w.seed = new_seed();
}

FIXTURE_TEARDOWN(generations)
{
}

static __u64 how_many(void)
{
	const char *given = getenv("MUSTER_GENERATIONS");

	return (given ? strtoull(given, NULL, 0) : rounds(GENERATIONS)) / VARIANTS;
}

static void replace_worker(struct worker *w, pid_t *pid)
{
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = spawn(w);
}

/* Something that only one who does not take part can do. */
static void disturb(struct worker *w, const pid_t *pid)
{
	static const int signals[] = { SIG_EINTR, SIG_RESTART };

	if (random_below(&w->seed, 2))
		kill(pid[random_below(&w->seed, WORKERS)],
		     signals[random_below(&w->seed, 2)]);
	else if (!(w->options & MUSTER_BARRIER_MEMBERS))
		check(w->world, !ask(me, set_parties(w->fd, 2 + random_below(&w->seed, 3))),
		      "SET_PARTIES: %d", me->ret);
}

static void report(const struct world *world, unsigned int deaths)
{
	fprintf(stderr, "# %llu generations, %u deaths, %llu tickets, %llu old tokens\n",
		world->nr, deaths, world->tickets, world->stale);
	fprintf(stderr, "# broken: %llu by a timeout, %llu a death, %llu an action, %llu a reset\n",
		world->broken[MUSTER_BROKEN_TIMEOUT], world->broken[MUSTER_BROKEN_DEATH],
		world->broken[MUSTER_BROKEN_ACTION], world->broken[MUSTER_BROKEN_RESET]);
}

/*
 * B1 to B6, W2, W4, T5: marusama: a cancel or reset can un-break the barrier or free a
 * waiter of the next round, one in 20,000. Java checks the generation at each end.
 */
TEST_F_TIMEOUT(generations, never_touched_by_another, 600)
{
	__u64 n = how_many(), progress = 0, since = clock_ns(CLOCK_MONOTONIC), now;
	struct world *world = self->w.world;
	unsigned int deaths = 0, i;

	for (i = 0; i < WORKERS; i++)
		self->pid[i] = spawn(&self->w);
	while (load(&world->nr) < n && !world->wrong) {
		nap();
		disturb(&self->w, self->pid);
		if (load(&world->nr) >= (deaths + 1) * LIFE) {
			replace_worker(&self->w, &self->pid[random_below(&self->w.seed,
									 WORKERS)]);
			deaths++;
		}
		now = clock_ns(CLOCK_MONOTONIC);
		if (load(&world->nr) != progress) {
			progress = load(&world->nr);
			since = now;
		}
		ASSERT_GT(since + PATIENCE_NS, now) {
			TH_LOG("no generation ends any more after %llu", progress);
		}
	}
	for (i = 0; i < WORKERS; i++) {
		kill(self->pid[i], SIGKILL);
		waitpid(self->pid[i], NULL, 0);
	}
	report(world, deaths);
	EXPECT_EQ(0, world->wrong) {
		TH_LOG("%s", world->text);
	}
	EXPECT_EQ(0, barrier_state(self->w.fd).waiting);
	EXPECT_EQ(0, barrier_state(self->w.fd).acting);
	EXPECT_EQ(0, barrier_state(self->w.fd).nr_processes);
}

TEST_HARNESS_MAIN
