// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fencing tokens, of every type of object (W4)
 *
 * Whoever writes down the tokens of what it was granted, and turns down all that is not
 * greater, is safe from one who was granted something before: a token that was asked
 * for after another was seen is greater. Processes die meanwhile, and hand over.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "race.h"

#define CROWD		4
#define GRANTS		600
#define DEATHS		25

/**
 * struct ledger - the file that the tokens protect, in memory that all share
 * @latest:	the greatest token that was seen
 * @grants:	how many there were
 * @backwards:	how many were not greater than what was seen before they were asked for
 * @wrong:	calls that should not have failed
 * @stop:	all are to end
 */
struct ledger {
	__u64 latest;
	__u64 grants;
	__u64 backwards;
	__u64 wrong;
	__u32 stop;
};

static __u64 look(const struct ledger *ledger)
{
	return __atomic_load_n(&ledger->latest, __ATOMIC_ACQUIRE);
}

/* A grant with this token, asked for after @seen was. */
static void enter_token(struct ledger *ledger, __u64 seen, __u64 token)
{
	__u64 old = look(ledger);

	if (token <= seen)
		__atomic_add_fetch(&ledger->backwards, 1, __ATOMIC_RELAXED);
	while (token > old && !__atomic_compare_exchange_n(&ledger->latest, &old, token,
							   false, __ATOMIC_ACQ_REL,
							   __ATOMIC_ACQUIRE))
		;
	__atomic_add_fetch(&ledger->grants, 1, __ATOMIC_RELAXED);
}

/* Only one can hold this at a time: nobody may have a greater token yet. */
static void enter_exclusive(struct ledger *ledger, __u64 token)
{
	if (look(ledger) >= token)
		__atomic_add_fetch(&ledger->backwards, 1, __ATOMIC_RELAXED);
	enter_token(ledger, 0, token);
}

static void must(struct ledger *ledger, bool good)
{
	if (!good)
		__atomic_add_fetch(&ledger->wrong, 1, __ATOMIC_RELAXED);
}

/* ---- one grant of each type ---- */

static void use_sem(int fd, struct ledger *ledger, __u64 *seed)
{
	int ticket;
	struct muster_verdict v;

	if (random_below(seed, 3)) {
		must(ledger, !ask(me, acquire(fd, 1)));
		enter_exclusive(ledger, me->job.acquire.token);
		must(ledger, !ask(me, release(fd, 1)));
		return;
	}
	ticket = ask(me, as_ticket(acquire(fd, 1)));
	must(ledger, ticket >= 0);
	if (ticket < 0)
		return;
	must(ledger, read(ticket, &v, sizeof(v)) == sizeof(v) && !v.error);
	enter_exclusive(ledger, v.token);
	close(ticket);
}

/* Two keys, so that calls overlap; of one key they do not. */
static void use_flight(int fd, struct ledger *ledger, __u64 *seed)
{
	const char *key = random_below(seed, 2) ? "this" : "that";
	__u64 seen = look(ledger), token;
	int ret = ask(me, join(fd, key));

	if (ret == -EOWNERDEAD || me->job.join.role != MUSTER_ROLE_LEADER)
		return;
	must(ledger, !ret);
	token = me->job.join.token;
	/* One that was handed over has been asked for before. */
	enter_token(ledger, me->job.join.attempt > 1 ? 0 : seen, token);
	if (random_below(seed, 3) == 0) {
		must(ledger, !ask(me, abandon(fd, key, token)));
		return;
	}
	if (random_below(seed, 2))
		must(ledger, !ask(me, forget(fd, key, token)));
	must(ledger, !ask(me, finish(fd, key, token, 0, NULL)));
}

static void use_barrier(int fd, struct ledger *ledger, __u64 *seed)
{
	__u64 seen = look(ledger);
	int ret = ask(me, await(fd));

	if (!ret && me->job.await.outcome & MUSTER_OUTCOME_ACTION) {
		enter_token(ledger, seen, me->job.await.token);
		ret = ask(me, complete(fd, me->job.await.token, random_below(seed, 8) == 0));
		if (ret == -EPIPE)
			ret = ask(me, reset(fd));
	} else if (!ret) {
		enter_token(ledger, seen, me->job.await.token);
	} else if (ret == -EPIPE) {
		ret = ask(me, reset(fd));
	}
	must(ledger, !ret);
}

static void use_group(int fd, struct ledger *ledger, __u64 *seed)
{
	__u64 seen = look(ledger), first;
	__u32 n = 1 + random_below(seed, 3);
	int ret;

	ret = ask(me, add(fd, n));
	must(ledger, !ret);
	first = me->job.add.first;
	enter_token(ledger, seen, first);
	/* As many as there are slots. */
	if (n > 1)
		enter_token(ledger, first, first + n - 1);
	while (n--)
		must(ledger, !ask(me, done(fd, first + n, 0, NULL)));
	/* Numbers go on after a reset. */
	if (random_below(seed, 4) == 0) {
		ret = ask(me, reset_group(fd));
		must(ledger, !ret || ret == -EBUSY);
	}
}

/* ---- a crowd, of which some die ---- */

FIXTURE(tokens) {
	int fd;
	struct ledger *ledger;
	__u64 seed;
};

FIXTURE_VARIANT(tokens) {
	__u32 type;
	__u64 limit;
	__u32 options;
	void (*use)(int fd, struct ledger *ledger, __u64 *seed);
};

FIXTURE_VARIANT_ADD(tokens, sem) { .type = MUSTER_SEM, .limit = 1, .use = use_sem };

FIXTURE_VARIANT_ADD(tokens, flight) { .type = MUSTER_FLIGHT, .use = use_flight };

FIXTURE_VARIANT_ADD(tokens, barrier) {
	.type = MUSTER_BARRIER,
	.limit = 2,
	.options = MUSTER_BARRIER_ACTION,
	.use = use_barrier,
};

FIXTURE_VARIANT_ADD(tokens, group) {
	.type = MUSTER_GROUP,
	.limit = 4,
	.options = MUSTER_GROUP_KEEP_GOING,
	.use = use_group,
};

FIXTURE_SETUP(tokens)
{
	struct muster_open how = open_how(variant->type, NULL, 0, variant->limit);

	how.options = variant->options;
	self->fd = open_object(&how);
	ASSERT_LE(0, self->fd);
	self->ledger = shared_memory(sizeof(*self->ledger));
	self->seed = new_seed();
}

FIXTURE_TEARDOWN(tokens)
{
}

static int run_user(struct job *job)
{
	void (*use)(int fd, struct ledger *ledger, __u64 *seed) =
		(void (*)(int, struct ledger *, __u64 *))job->arg[0];
	struct ledger *ledger = (struct ledger *)job->arg[1];
	__u64 seed = job->arg[2];

	while (!__atomic_load_n(&ledger->stop, __ATOMIC_ACQUIRE))
		use(job->fd, ledger, &seed);
	return 0;
}

/*
 * W4: etcd, redislock: fencing tokens instead of leases that lie. They grow with every
 * grant, whoever dies, hands over, forgets or resets meanwhile.
 */
TEST_F_TIMEOUT(tokens, only_grow, 120)
{
	unsigned int n = rounds(GRANTS), i, deaths = 0;
	struct ledger *ledger = self->ledger;
	struct puppet *crowd[CROWD] = {};
	struct job job = {
		.run = run_user,
		.fd = self->fd,
		.arg = { (long)variant->use, (long)ledger },
	};
	__u64 grants;

	do {
		i = deaths % CROWD;
		if (crowd[i]) {
			kill_puppet(crowd[i]);
			deaths++;
		}
		for (i = 0; i < CROWD; i++) {
			if (crowd[i] && kill(crowd[i]->pid, 0) == 0)
				continue;
			crowd[i] = puppet();
			job.arg[2] = 1 + random_below(&self->seed, 1U << 30);
			tell(crowd[i], job);
		}
		deaths += !deaths;
		grants = ledger->grants;
		ASSERT_SOON(ledger->grants > grants + n / DEATHS);
	} while (ledger->grants < n || deaths < DEATHS);
	for (i = 0; i < CROWD; i++)
		kill_puppet(crowd[i]);
	EXPECT_EQ(0, ledger->backwards);
	EXPECT_EQ(0, ledger->wrong);
	TH_LOG("%llu grants, %u deaths", (unsigned long long)ledger->grants, deaths);
}

/* ---- the notice of a death ---- */

/*
 * W4, T5: PHP, multiprocessing, boost: data that a dead holder has left half done. The
 * next one is told in each way to be granted something: at once, after waiting, by a
 * ticket, by a larger limit; until somebody has released.
 */
TEST(abandoned_notice)
{
	int fd = open_sem(2), ticket, waits;
	struct puppet *a = puppet(), *b = puppet(), *c = puppet();
	struct muster_verdict v;

	ASSERT_EQ(0, ask(a, acquire(fd, 2)));
	EXPECT_EQ(0, a->job.acquire.outcome);
	ASSERT_EQ(0, ask(me, acquire(fd, 0)));
	EXPECT_EQ(0, me->job.acquire.outcome);
	tell(b, acquire(fd, 1));
	ASSERT_SOON(sem_state(fd).waiters == 1);
	waits = ask(me, as_ticket(acquire(fd, 1)));
	ASSERT_LE(0, waits);
	tell(c, acquire(fd, 1));
	ASSERT_SOON(sem_state(fd).waiters == 3);
	kill_puppet(a);
	ASSERT_EQ(0, hear(b));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, b->job.acquire.outcome);
	ASSERT_EQ(sizeof(v), read(waits, &v, sizeof(v)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, v.outcome);
	EXPECT_LT(b->job.acquire.token, v.token);
	ASSERT_EQ(0, ask(me, set_limit(fd, 4)));
	ASSERT_EQ(0, hear(c));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, c->job.acquire.outcome);
	EXPECT_LT(v.token, c->job.acquire.token);
	ticket = ask(me, as_ticket(acquire(fd, 1)));
	ASSERT_LE(0, ticket);
	ASSERT_EQ(sizeof(v), read(ticket, &v, sizeof(v)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, v.outcome);
	/* To close a ticket that was granted is to end without releasing. */
	close(waits);
	EXPECT_EQ(1, sem_state(fd).abandoned);
	ASSERT_EQ(0, ask(me, release(ticket, 1)));
	EXPECT_EQ(0, sem_state(fd).abandoned);
	ASSERT_EQ(0, ask(me, acquire(fd, 1)));
	EXPECT_EQ(0, me->job.acquire.outcome);
}

/*
 * W4: what tells of a death elsewhere: a flight's attempt, a barrier's cause, a group's
 * count and status.
 */
TEST(death_is_told)
{
	int flight = open_flight(3), barrier = open_barrier(2, 0), group = open_group(0);
	struct puppet *a = puppet(), *b = puppet();

	ASSERT_EQ(0, ask(a, join(flight, "key")));
	tell(b, join(flight, "key"));
	ASSERT_SOON(flight_state(flight).followers == 1);
	kill_puppet(a);
	ASSERT_EQ(0, hear(b));
	EXPECT_EQ(2, b->job.join.attempt);

	a = puppet();
	ASSERT_EQ(0, ask(a, add(group, 1)));
	tell(a, await(barrier));
	ASSERT_SOON(barrier_state(barrier).waiting == 1);
	kill_puppet(a);
	ASSERT_EQ(-EPIPE, ask(b, await(barrier)));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, b->job.await.broken_by);
	ASSERT_EQ(0, ask(b, wait_for(group, MUSTER_UNTIL_ALL, 0)));
	EXPECT_EQ(-EOWNERDEAD, b->job.wait.status);
	EXPECT_EQ(1, b->job.wait.died);
}

TEST_HARNESS_MAIN
