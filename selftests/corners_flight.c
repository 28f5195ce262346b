// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flights at the corners where others fail; Documentation/peers.rst
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "race.h"

#define ROUNDS		100
/* Of those that take longer. */
#define FEW_ROUNDS	20
#define KEY		"key"

static unsigned int rounds_of(enum way way)
{
	return rounds(way == BY_DEATH || way == BY_TIMEOUT ? FEW_ROUNDS : ROUNDS);
}

static bool leads(const struct puppet *p)
{
	return p->job.join.role == MUSTER_ROLE_LEADER;
}

static struct job land(const struct puppet *p, int fd, int status, const char *text)
{
	return finish(fd, KEY, p->job.join.token, status, text);
}

#define LEAD(p, fd) do {						\
	ASSERT_EQ(0, ask(p, join(fd, KEY)));				\
	ASSERT_TRUE(leads(p));						\
} while (0)

#define FOLLOW(p, fd) do {						\
	__u64 _before = flight_state(fd).followers;			\
	tell(p, join(fd, KEY));						\
	ASSERT_QUICK(flight_state(fd).followers == _before + 1);	\
} while (0)

/* The puppet has followed, and was told that. */
#define EXPECT_RESULT(p, _status, text) do {				\
	EXPECT_FALSE(leads(p));						\
	EXPECT_EQ(_status, (p)->job.join.status);			\
	EXPECT_EQ(strlen(text), (p)->job.join.result_len);		\
	EXPECT_EQ(0, memcmp(text, (p)->data, strlen(text)));		\
} while (0)

#define EXPECT_IDLE(fd) do {						\
	struct muster_flight_stat _stat = flight_state(fd);		\
	EXPECT_EQ(0, _stat.calls);					\
	EXPECT_EQ(0, _stat.followers);					\
	EXPECT_EQ(0, _stat.orphaned);					\
} while (0)

/* ---- one who leaves, in each way ---- */

FIXTURE(leaver) {
	int fd;
	struct puppet *leader, *next;
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
	self->fd = open_flight(0);
	quitter_init(&self->q, variant->way);
	self->leader = puppet();
	self->next = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(leaver)
{
}

/*
 * F5, F6, F12, T5: singleflight: a joiner cannot leave, and when the leader is gone they
 * hang. Here one leaves at the instant at which it is to lead: it leads or the next does,
 * never both, and never nobody.
 */
TEST_F_TIMEOUT(leaver, at_the_promotion, 120)
{
	unsigned int n = rounds_of(variant->way), i;
	int fd = self->fd, ret;
	bool late;
	__u64 token;

	for (i = 0; i < n || !quitter_met_both(&self->q); i++) {
		LEAD(self->leader, fd);
		token = self->leader->job.join.token;
		ASSERT_EQ(0, quitter_waits(&self->q, join(fd, KEY)));
		ASSERT_QUICK(flight_state(fd).followers == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, join(fd, KEY));
		ASSERT_QUICK((late = quitter_came_too_late(&self->q),
			      flight_state(fd).followers == 2 - late));
		tell(self->leader, at_once(self->q.race, abandon(fd, KEY, token)));
		ret = quitter_leaves(&self->q, 1);
		ASSERT_EQ(0, hear(self->leader));
		EXPECT_EQ(1, self->leader->job.key.count);
		if (!ret) {
			ASSERT_TRUE(leads(self->q.p));
			EXPECT_EQ(2, self->q.p->job.join.attempt);
			EXPECT_LT(token, self->q.p->job.join.token);
			ASSERT_TRUE(is_busy(self->next));
			ASSERT_EQ(0, ask(self->q.p, land(self->q.p, fd, i, "one")));
			ASSERT_EQ(0, hear(self->next));
			EXPECT_RESULT(self->next, i, "one");
			EXPECT_EQ(self->q.p->job.finish.token, self->next->job.join.token);
		} else {
			ASSERT_TRUE(ret == -ECANCELED || ret == GONE);
			ASSERT_EQ(0, hear(self->next));
			ASSERT_TRUE(leads(self->next));
			EXPECT_LE(2, self->next->job.join.attempt);
			EXPECT_GE(ret == GONE ? 3 : 2, self->next->job.join.attempt);
			EXPECT_LT(token, self->next->job.join.token);
			ASSERT_EQ(0, ask(self->next, land(self->next, fd, 0, NULL)));
		}
		EXPECT_IDLE(fd);
	}
	TH_LOG("%u led, %u left", self->q.granted, self->q.left);
}

/*
 * F1, F2, F5, T2: singleflight: a joiner cannot leave. Here one does as the result comes:
 * it has the result, and is counted, or neither; and the others do not notice.
 */
TEST_F_TIMEOUT(leaver, at_the_result, 120)
{
	unsigned int n = rounds_of(variant->way), i, got;
	int fd = self->fd, ret;
	bool late;

	for (i = 0; i < n || !quitter_met_both(&self->q); i++) {
		LEAD(self->leader, fd);
		ASSERT_EQ(0, quitter_waits(&self->q, join(fd, KEY)));
		ASSERT_QUICK(flight_state(fd).followers == 1 ||
			     quitter_came_too_late(&self->q));
		tell(self->next, join(fd, KEY));
		ASSERT_QUICK((late = quitter_came_too_late(&self->q),
			      flight_state(fd).followers == 2 - late));
		tell(self->leader, at_once(self->q.race,
					   land(self->leader, fd, i, "result")));
		ret = quitter_leaves(&self->q, 1);
		ASSERT_EQ(0, hear(self->leader));
		got = self->leader->job.finish.followers;
		ASSERT_EQ(0, hear(self->next));
		EXPECT_RESULT(self->next, i, "result");
		EXPECT_EQ(got, self->next->job.join.shared);
		if (!ret)
			EXPECT_RESULT(self->q.p, i, "result");
		ASSERT_TRUE(ret == GONE ? got == 1 || got == 2 : got == (ret ? 1 : 2));
		EXPECT_IDLE(fd);
	}
	TH_LOG("%u got it, %u left", self->q.granted, self->q.left);
}

/* ---- who comes ---- */

FIXTURE(corner) {
	int fd;
	struct race *race;
	struct puppet *leader, *a, *b, *c;
};

FIXTURE_SETUP(corner)
{
	self->fd = open_flight(0);
	self->race = new_race();
	self->leader = puppet();
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	keep_cpus_busy();
}

FIXTURE_TEARDOWN(corner)
{
}

/*
 * T2, F5: x/sync: a context that is done on entry. Whoever comes too late does not wait:
 * it leads if there is nobody to follow, and has the result if that comes just then.
 */
TEST_F_TIMEOUT(corner, expired_on_entry, 120)
{
	unsigned int n = rounds(ROUNDS), i, led = 0;
	int fd = self->fd, ret;

	for (i = 0; i < n || !led || led == i; i++) {
		LEAD(me, fd);
		tell(self->a, at_once(self->race, join_by(fd, KEY, 0, 1)));
		begin(self->race, 1);
		ASSERT_EQ(0, ask(me, land(me, fd, 1, "result")));
		ret = hear(self->a);
		lean(self->race, ret);
		ASSERT_TRUE(!ret || ret == -ETIMEDOUT);
		if (!ret && leads(self->a)) {
			led++;
			EXPECT_EQ(0, me->job.finish.followers);
			ASSERT_EQ(0, ask(self->a, land(self->a, fd, 0, NULL)));
		} else if (!ret) {
			EXPECT_EQ(1, me->job.finish.followers);
			EXPECT_RESULT(self->a, 1, "result");
		} else {
			EXPECT_EQ(0, me->job.finish.followers);
		}
		EXPECT_IDLE(fd);
	}
}

/*
 * F4: singleflight: Forget in flight: the next call starts a second execution; old
 * joiners still get the old value; the old one's completion removes only its own entry.
 * FORGET, a join and the old one's FINISH meet.
 */
TEST_F_TIMEOUT(corner, forget_then_rejoin, 120)
{
	unsigned int n = rounds(ROUNDS), i, anew = 0;
	int fd = self->fd;
	__u64 old;

	for (i = 0; i < n || !anew || anew == i; i++) {
		LEAD(self->leader, fd);
		old = self->leader->job.join.token;
		FOLLOW(self->a, fd);
		tell(self->leader, at_once(self->race, land(self->leader, fd, 1, "old")));
		tell(self->b, at_once(self->race, join(fd, KEY)));
		begin(self->race, 2);
		ASSERT_EQ(0, ask(me, forget(fd, KEY, i % 2 ? old : 0)));
		ASSERT_EQ(0, hear(self->leader));
		ASSERT_EQ(0, hear(self->a));
		EXPECT_RESULT(self->a, 1, "old");
		ASSERT_EQ(0, hear(self->b));
		EXPECT_EQ(leads(self->b) ? 1 : 2, self->leader->job.finish.followers);
		if (!leads(self->b)) {
			EXPECT_RESULT(self->b, 1, "old");
			EXPECT_IDLE(fd);
			continue;
		}
		/* Without a token it may have been the new one that was forgotten. */
		anew++;
		EXPECT_LT(old, self->b->job.join.token);
		if (i % 2) {
			/* The old one's end has not touched the new one. */
			EXPECT_EQ(1, flight_state(fd).calls);
			ASSERT_EQ(0, ask(me, forget(fd, KEY, old)));
			EXPECT_EQ(0, me->job.key.count);
			FOLLOW(self->c, fd);
		}
		ASSERT_EQ(0, ask(self->b, land(self->b, fd, 2, "new")));
		if (i % 2) {
			EXPECT_EQ(1, self->b->job.finish.followers);
			ASSERT_EQ(0, hear(self->c));
			EXPECT_RESULT(self->c, 2, "new");
		}
		EXPECT_IDLE(fd);
	}
	TH_LOG("%u of %u began anew", anew, n);
}

/* What is kept as "old" is to be refreshed by the next who joins. */
#define KEEP_STALE(p, fd) do {						\
	struct job _job;						\
	LEAD(p, fd);							\
	_job = land(p, fd, 0, "old");					\
	_job.finish.keep = 1;						\
	_job.finish.grace = 3600 * NSEC_PER_SEC;			\
	ASSERT_EQ(0, ask(p, _job));					\
} while (0)

/* The test forgets, and there was something; true if that was who refreshes. */
#define FORGET_IT(fd) ({						\
	__u64 _before = flight_state(fd).forgotten;			\
	ASSERT_EQ(0, ask(me, forget(fd, KEY, 0)));			\
	EXPECT_EQ(1, me->job.key.count);				\
	flight_state(fd).forgotten > _before;				\
})

/* F4, F8: FORGET as somebody begins to refresh what is kept: that is gone all the same. */
TEST_F_TIMEOUT(corner, forget_as_one_refreshes, 120)
{
	unsigned int n = rounds(ROUNDS), i, late = 0;
	int fd = self->fd;

	for (i = 0; i < n; i++) {
		bool refreshes;

		KEEP_STALE(self->leader, fd);
		tell(self->a, at_once(self->race, join(fd, KEY)));
		begin(self->race, 1);
		refreshes = FORGET_IT(fd);
		ASSERT_EQ(0, hear(self->a));
		ASSERT_TRUE(leads(self->a));
		EXPECT_EQ(0, flight_state(fd).kept);
		EXPECT_EQ(!refreshes, flight_state(fd).calls);
		ASSERT_EQ(0, ask(self->a, land(self->a, fd, 1, "failed")));
		EXPECT_EQ(0, flight_state(fd).kept);
		EXPECT_IDLE(fd);
		lean(self->race, refreshes);
		late += refreshes;
	}
	TH_LOG("FORGET was late in %u of %u", late, n);
}

/* F4, F8: FORGET as that fails: the old one is not there again after it. */
TEST_F_TIMEOUT(corner, forget_as_refreshing_fails, 120)
{
	unsigned int n = rounds(ROUNDS), i, late = 0;
	int fd = self->fd;

	for (i = 0; i < n; i++) {
		bool refreshes;

		KEEP_STALE(self->leader, fd);
		LEAD(self->a, fd);
		tell(self->a, at_once(self->race, land(self->a, fd, 1, "failed")));
		begin(self->race, 1);
		refreshes = FORGET_IT(fd);
		ASSERT_EQ(0, hear(self->a));
		EXPECT_EQ(0, flight_state(fd).kept);
		EXPECT_IDLE(fd);
		lean(self->race, !refreshes);
		late += !refreshes;
	}
	TH_LOG("FORGET was late in %u of %u", late, n);
}

/*
 * F1, F4: singleflight: joining is possible until the completion's critical section. Two
 * join as the leader finishes: each gets that result, and is counted, or is of the next
 * call, which one of them leads.
 */
TEST_F_TIMEOUT(corner, late_joiners, 120)
{
	unsigned int n = rounds(ROUNDS), i, in[3] = {};
	struct puppet *two[2] = { self->a, self->b };
	int fd = self->fd;

	for (i = 0; i < n; i++) {
		unsigned int late = 0, k;

		LEAD(self->leader, fd);
		for (k = 0; k < 2; k++)
			tell(two[k], at_once(self->race, join(fd, KEY)));
		begin(self->race, 2);
		ASSERT_EQ(0, ask(self->leader, land(self->leader, fd, 3, "three")));
		late = 2 - self->leader->job.finish.followers;
		in[late]++;
		lean(self->race, late < 2);
		/* One of those who are late leads, and the other waits for it. */
		if (late) {
			ASSERT_QUICK((!is_busy(self->a) && leads(self->a)) ||
				     (!is_busy(self->b) && leads(self->b)));
			k = is_busy(self->b) || !leads(self->b) ? 0 : 1;
			ASSERT_EQ(0, hear(two[k]));
			ASSERT_TRUE(leads(two[k]));
			if (late == 2) {
				ASSERT_QUICK(flight_state(fd).followers == 1);
				ASSERT_TRUE(is_busy(two[!k]));
			}
			ASSERT_EQ(0, ask(two[k], land(two[k], fd, 4, "four")));
			EXPECT_EQ(late - 1, two[k]->job.finish.followers);
			ASSERT_EQ(0, hear(two[!k]));
			EXPECT_RESULT(two[!k], late == 2 ? 4 : 3,
				      late == 2 ? "four" : "three");
		} else {
			for (k = 0; k < 2; k++) {
				ASSERT_EQ(0, hear(two[k]));
				EXPECT_RESULT(two[k], 3, "three");
			}
		}
		EXPECT_IDLE(fd);
	}
	TH_LOG("in time both %u, one %u, none %u", in[0], in[1], in[2]);
}

/* ---- calls are made and used up very fast ---- */

#define GROUPS		2
#define KEYS		3
#define RECYCLERS	4

/* One call; a different number for each thing that can be wrong with it, or 0. */
static int join_one(const int *groups, __u32 group, char key)
{
	char text[2] = { '0' + group, key }, told[2] = {};
	struct muster_flight_join join = {
		.size = sizeof(join), .key = to_u64(&key), .key_len = 1,
		.deadline = MUSTER_FOREVER, .buf = to_u64(told), .buf_len = sizeof(told),
	};
	struct muster_flight_finish finish = {
		.size = sizeof(finish), .key = to_u64(&key), .key_len = 1,
		.data = to_u64(text), .data_len = sizeof(text),
	};

	if (call(groups[group], MUSTER_FLIGHT_JOIN, &join))
		return 1;
	if (join.role == MUSTER_ROLE_FOLLOWER)
		return memcmp(text, told, sizeof(text)) ? 2 : 0;
	sched_yield();
	finish.token = join.token;
	return call(groups[group], MUSTER_FLIGHT_FINISH, &finish) ? 3 : 0;
}

static void recycle(const int *groups, unsigned int nr, __u64 seed, unsigned int n)
{
	int wrong = 0;

	die_with_parent();
	while (n-- && !wrong)
		wrong = join_one(groups, random_below(&seed, nr),
				 'a' + random_below(&seed, KEYS));
	_exit(wrong);
}

/*
 * The same few keys in two groups: whoever looks for a call finds its own, of its group,
 * though the memory of one that is over is another's at once; and who leads can always
 * say that it is done (F1, F4).
 */
TEST_F_TIMEOUT(corner, recycled, 120)
{
	unsigned int i, n = rounds(5000);
	__u64 seed = new_seed(), calls = 0;
	int groups[GROUPS], status;
	pid_t pids[RECYCLERS];

	for (i = 0; i < GROUPS; i++)
		groups[i] = open_flight(0);
	for (i = 0; i < RECYCLERS; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			recycle(groups, GROUPS, seed + i, n);
	}
	for (i = 0; i < RECYCLERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (i = 0; i < GROUPS; i++) {
		struct muster_flight_stat stat = flight_state(groups[i]);

		EXPECT_EQ(0, stat.calls);
		calls += stat.led + stat.joined;
	}
	EXPECT_EQ(RECYCLERS * n, calls);
}

/* How many leaders a group has that are not among every second of @pids from @pids[group] on. */
static int strangers(int fd, unsigned int group, const pid_t *pids)
{
	struct muster_process list[2 * RECYCLERS] = {};
	struct muster_flight_stat stat = {
		.size = sizeof(stat),
		.processes = to_u64(list),
		.nr_processes = ARRAY_SIZE(list),
	};
	unsigned int i, j, n = 0;

	if (call(fd, MUSTER_FLIGHT_STAT, &stat))
		return -1;
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		for (j = group; j < RECYCLERS && pids[j] != list[i].pid; j += GROUPS)
			;
		n += list[i].pid && j >= RECYCLERS;
	}
	return n;
}

/* Who is told of the leaders of a group meanwhile is told of those of that group only (I5). */
TEST_F_TIMEOUT(corner, recycled_and_listed, 120)
{
	unsigned int i, group, left, n = rounds(5000);
	__u64 seed = new_seed();
	int groups[GROUPS], status;
	pid_t pids[RECYCLERS];

	for (i = 0; i < GROUPS; i++)
		groups[i] = open_flight(0);
	for (i = 0; i < RECYCLERS; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			recycle(&groups[i % GROUPS], 1, seed + i, n);
	}
	for (left = RECYCLERS; left;) {
		for (group = 0; group < GROUPS; group++)
			ASSERT_EQ(0, strangers(groups[group], group, pids));
		if (waitpid(-1, &status, WNOHANG) > 0) {
			EXPECT_EQ(0, status);
			left--;
		}
	}
}

TEST_HARNESS_MAIN
