// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flight group: F1 to F6, F9, F11, F12
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY		"key"
#define BUF_SIZE	0x100000

FIXTURE(flight) {
	int fd;
	char *buf;
	struct puppet *a, *b, *c;
};

FIXTURE_SETUP(flight)
{
	self->fd = open_flight(3);
	/* Before the puppets, so that they have it, too. */
	self->buf = shared_memory(BUF_SIZE);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
}

FIXTURE_TEARDOWN(flight)
{
	close(self->fd);
}

static __u64 token_of(const struct puppet *p)
{
	return p->job.join.token;
}

static bool leads(const struct puppet *p)
{
	return p->job.join.role == MUSTER_ROLE_LEADER;
}

/* A puppet joins and leads. */
#define LEAD(p, key) do {						\
	ASSERT_EQ(0, ask(p, join(self->fd, key)));			\
	ASSERT_TRUE(leads(p));						\
} while (0)

/* A puppet joins by @_job, and is seen to follow. */
#define FOLLOW_BY(p, _job) do {						\
	__u64 _before = flight_state(self->fd).followers;		\
	tell(p, _job);							\
	ASSERT_SOON(flight_state(self->fd).followers == _before + 1);	\
} while (0)

#define FOLLOW(p, key)	FOLLOW_BY(p, join(self->fd, key))

/* The puppet's JOIN has ended with a result. */
#define EXPECT_RESULT(p, _status, text) do {				\
	EXPECT_EQ(0, hear(p));						\
	EXPECT_EQ(MUSTER_ROLE_FOLLOWER, (p)->job.join.role);		\
	EXPECT_EQ(_status, (p)->job.join.status);			\
	EXPECT_EQ(strlen(text), (p)->job.join.result_len);		\
	EXPECT_EQ(0, memcmp((p)->data, text, strlen(text)));		\
} while (0)

/* F1, F2: the first leads; all who join meanwhile get its status and bytes. */
TEST_F(flight, one_leads_the_others_follow)
{
	LEAD(me, KEY);
	EXPECT_EQ(1, me->job.join.attempt);
	EXPECT_EQ(0, me->job.join.shared);
	EXPECT_EQ(0, me->job.join.outcome);
	FOLLOW(self->a, KEY);
	FOLLOW(self->b, KEY);
	EXPECT_TRUE(is_busy(self->a));

	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), -5, "the answer")));
	EXPECT_EQ(2, me->job.finish.followers);
	EXPECT_RESULT(self->a, -5, "the answer");
	EXPECT_RESULT(self->b, -5, "the answer");
	EXPECT_EQ(MUSTER_OUTCOME_SHARED, self->a->job.join.outcome);
	EXPECT_EQ(2, self->a->job.join.shared);
	EXPECT_EQ(2, self->b->job.join.shared);
	EXPECT_EQ(1, self->a->job.join.attempt);
	EXPECT_EQ(token_of(self->b), token_of(self->a));
}

/* F2: without followers FINISH says so. */
TEST_F(flight, nobody_follows)
{
	LEAD(me, KEY);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 0, "unheard")));
	EXPECT_EQ(0, me->job.finish.followers);
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

/* F1, W4: after the end a join begins a new call, with a larger token. */
TEST_F(flight, calls_follow_each_other)
{
	__u64 token = 0;
	int i;

	for (i = 0; i < 20; i++) {
		struct puppet *p = i % 2 ? self->a : self->b;

		LEAD(p, KEY);
		EXPECT_EQ(1, p->job.join.attempt);
		EXPECT_LT(token, token_of(p));
		token = token_of(p);
		ASSERT_EQ(0, ask(p, finish(self->fd, KEY, token, 0, NULL)));
	}
	EXPECT_EQ(20, flight_state(self->fd).led);
}

/* F1: the status is the work's own, any number. */
TEST_F(flight, any_status)
{
	static const int statuses[] = { INT32_MIN, -1, 0, 1, 4711, INT32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		LEAD(me, KEY);
		FOLLOW(self->a, KEY);
		ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), statuses[i],
					    "")));
		EXPECT_RESULT(self->a, statuses[i], "");
	}
}

/* F1: a key is any bytes; keys do not meet, nor do groups. */
TEST_F(flight, keys)
{
	static const char long_key[MUSTER_KEY_MAX] = { 'x' };
	struct job job = join(self->fd, "");
	int other = open_flight(0);

	LEAD(me, "a");
	LEAD(me, "b");
	LEAD(me, "ab");
	job.join.key = to_u64(long_key);
	job.join.key_len = MUSTER_KEY_MAX;
	ASSERT_EQ(0, ask(me, job));
	EXPECT_TRUE(leads(me));
	job.join.key_len = MUSTER_KEY_MAX - 1;
	ASSERT_EQ(0, ask(me, job));
	EXPECT_TRUE(leads(me));
	job.join.key_len = 1;
	ASSERT_EQ(0, ask(me, job));
	EXPECT_TRUE(leads(me));
	EXPECT_EQ(6, flight_state(self->fd).calls);

	ASSERT_EQ(0, ask(me, join(other, "a")));
	EXPECT_TRUE(leads(me));
	EXPECT_EQ(-EAGAIN, ask(self->a, join_by(self->fd, "ab", MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_EQ(-ENOENT, ask(self->a, join_by(self->fd, "abc", MUSTER_JOIN_NO_LEAD, 0)));
	close(other);
}

/* ---- bytes ---- */

/* F3: what does not fit is not lost; its size is told, and it can be fetched. */
TEST_F(flight, short_buffer)
{
	struct job job = join(self->fd, KEY);
	__u64 token;

	job.join.buf_len = 4;
	LEAD(me, KEY);
	token = token_of(me);
	FOLLOW_BY(self->a, job);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token, 7, "0123456789")));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_TRUNCATED,
		  self->a->job.join.outcome);
	EXPECT_EQ(10, self->a->job.join.result_len);
	EXPECT_EQ(7, self->a->job.join.status);
	EXPECT_EQ(token, token_of(self->a));
	EXPECT_EQ(0, memcmp(self->a->data, "0123", 5));

	/* Too short again: it is still there. */
	EXPECT_EQ(-EMSGSIZE, ask(self->a, fetch(self->fd, token, self->buf, 9)));
	EXPECT_EQ(10, self->a->job.fetch.result_len);
	EXPECT_EQ(-EFAULT, ask(self->a, fetch(self->fd, token, NULL, 10)));
	EXPECT_EQ(0, self->buf[0]);
	/* Only its own process has it. */
	EXPECT_EQ(-ENOENT, ask(self->b, fetch(self->fd, token, self->buf, 64)));
	EXPECT_EQ(-ENOENT, ask(self->a, fetch(self->fd, token + 1, self->buf, 64)));

	EXPECT_EQ(0, ask(self->a, fetch(self->fd, token, self->buf, 10)));
	EXPECT_EQ(10, self->a->job.fetch.result_len);
	EXPECT_EQ(0, memcmp(self->buf, "0123456789", 11));
	EXPECT_EQ(-ENOENT, ask(self->a, fetch(self->fd, token, self->buf, 10)));
}

/* F3: without any buffer, and the result dropped instead of fetched. */
TEST_F(flight, discard)
{
	struct job job = join(self->fd, KEY);
	__u64 token;

	job.join.buf_len = 0;
	LEAD(me, KEY);
	token = token_of(me);
	FOLLOW_BY(self->a, job);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, "x")));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_TRUE(self->a->job.join.outcome & MUSTER_OUTCOME_TRUNCATED);

	job = fetch(self->fd, token, NULL, 0);
	job.fetch.flags = MUSTER_FETCH_DISCARD;
	EXPECT_EQ(0, ask(self->a, job));
	EXPECT_EQ(1, self->a->job.fetch.result_len);
	EXPECT_EQ(-ENOENT, ask(self->a, job));
}

/* F3: two threads of a process that both had no room can both fetch. */
TEST_F(flight, fetch_twice)
{
	struct puppet *thread = puppet_thread(self->a);
	struct job job = join(self->fd, KEY);
	__u64 token;

	job.join.buf_len = 0;
	LEAD(me, KEY);
	token = token_of(me);
	FOLLOW_BY(self->a, job);
	FOLLOW_BY(thread, job);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, "result")));
	ASSERT_EQ(0, hear(self->a));
	ASSERT_EQ(0, hear(thread));
	EXPECT_EQ(0, ask(self->a, fetch(self->fd, token, self->buf, 64)));
	EXPECT_EQ(0, ask(self->a, fetch(self->fd, token, self->buf, 64)));
	EXPECT_EQ(-ENOENT, ask(self->a, fetch(self->fd, token, self->buf, 64)));
}

/* F3: who wants the status only is given nothing, and nothing is kept for it. */
TEST_F(flight, status_only)
{
	LEAD(me, KEY);
	FOLLOW_BY(self->a, join_by(self->fd, KEY, MUSTER_JOIN_NO_RESULT, MUSTER_FOREVER));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 3, "result")));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED, self->a->job.join.outcome);
	EXPECT_EQ(3, self->a->job.join.status);
	EXPECT_EQ(6, self->a->job.join.result_len);
	EXPECT_EQ(0, self->a->data[0]);
	EXPECT_EQ(-ENOENT, ask(self->a, fetch(self->fd, token_of(self->a), NULL, 0)));
}

/* F1, F3: results of all sizes up to the limit arrive whole. */
TEST_F(flight, sizes)
{
	static const size_t sizes[] = { 0, 1, 255, 4095, 4096, 4097, 65536, BUF_SIZE };
	size_t max = get_param("result_max");
	char *from = shared_memory(BUF_SIZE);
	struct job job;
	size_t i, j;

	for (i = 0; i < BUF_SIZE; i++)
		from[i] = i ^ i >> 8;
	for (i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= max; i++) {
		LEAD(me, KEY);
		job = join(self->fd, KEY);
		job.join.buf = to_u64(self->buf);
		job.join.buf_len = BUF_SIZE;
		FOLLOW_BY(self->a, job);
		job = finish(self->fd, KEY, token_of(me), 0, NULL);
		job.finish.data = to_u64(from);
		job.finish.data_len = sizes[i];
		ASSERT_EQ(0, ask(me, job));
		ASSERT_EQ(0, hear(self->a));
		EXPECT_EQ(MUSTER_OUTCOME_SHARED, self->a->job.join.outcome);
		EXPECT_EQ(sizes[i], self->a->job.join.result_len);
		EXPECT_EQ(0, memcmp(from, self->buf, sizes[i]));
		for (j = sizes[i]; j < BUF_SIZE && !self->buf[j]; j++)
			;
		EXPECT_EQ(BUF_SIZE, j);
		memset(self->buf, 0, sizes[i]);
	}
}

/* F1, O7: a result beyond the limit is refused, and its leader still leads. */
TEST_F(flight, result_too_long)
{
	size_t max = get_param("result_max");
	struct job job;
	__u64 token;

	LEAD(me, KEY);
	token = token_of(me);
	FOLLOW(self->a, KEY);
	job = finish(self->fd, KEY, token, 0, NULL);
	job.finish.data = to_u64(shared_memory(max + 1));
	job.finish.data_len = max + 1;
	EXPECT_EQ(-EMSGSIZE, ask(me, job));
	job.finish.data_len = UINT64_MAX;
	EXPECT_EQ(-EMSGSIZE, ask(me, job));
	EXPECT_EQ(1, flight_state(self->fd).followers);
	EXPECT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, "short")));
	EXPECT_RESULT(self->a, 0, "short");
}

/* ---- forgetting ---- */

/* F4: later joins begin a new call; who waited gets the old one; they do not meet. */
TEST_F(flight, forget)
{
	struct puppet *d = puppet();
	__u64 old, new;

	LEAD(me, KEY);
	old = token_of(me);
	FOLLOW(self->a, KEY);
	ASSERT_EQ(0, ask(self->c, forget(self->fd, KEY, 0)));
	EXPECT_EQ(1, self->c->job.key.count);
	EXPECT_EQ(0, flight_state(self->fd).calls);

	LEAD(self->b, KEY);
	new = token_of(self->b);
	EXPECT_LT(old, new);
	FOLLOW(d, KEY);
	EXPECT_EQ(1, flight_state(self->fd).calls);

	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, old, 1, "old")));
	EXPECT_EQ(1, me->job.finish.followers);
	EXPECT_RESULT(self->a, 1, "old");
	EXPECT_TRUE(is_busy(d));
	EXPECT_EQ(1, flight_state(self->fd).calls);
	EXPECT_EQ(-EAGAIN, ask(self->c, join_by(self->fd, KEY, MUSTER_WAIT_NONBLOCK, 0)));

	ASSERT_EQ(0, ask(self->b, finish(self->fd, KEY, new, 2, "new")));
	EXPECT_EQ(1, self->b->job.finish.followers);
	EXPECT_RESULT(d, 2, "new");
	EXPECT_EQ(0, flight_state(self->fd).calls);
	EXPECT_EQ(1, flight_state(self->fd).forgotten);
}

/* F4: the same the other way round, in one process that leads both. */
TEST_F(flight, forget_and_lead_again)
{
	__u64 tokens[8];
	int i;

	for (i = 0; i < 8; i++) {
		LEAD(me, KEY);
		tokens[i] = token_of(me);
		ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
		EXPECT_EQ(1, me->job.key.count);
	}
	/* Neither in order nor in reverse. */
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, ask(me, finish(self->fd, KEY, tokens[i ^ 5], 0, NULL)));
		EXPECT_EQ(-EPERM, ask(me, finish(self->fd, KEY, tokens[i ^ 5], 0, NULL)));
	}
	EXPECT_EQ(0, flight_state(self->fd).orphaned);
}

/* F4, I1: a token without its key ends nothing, whether the call can be joined or not. */
TEST_F(flight, another_key)
{
	__u64 token;
	int i;

	LEAD(me, KEY);
	token = token_of(me);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EPERM, ask(me, finish(self->fd, "another", token, 0, NULL)));
		EXPECT_EQ(-EPERM, ask(me, abandon(self->fd, "another", token)));
		ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
		EXPECT_EQ(!i, me->job.key.count);
	}
	EXPECT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, NULL)));
}

/* F4: forget, then rejoin: the new call's end leaves the old one's followers alone. */
TEST_F(flight, forget_then_rejoin)
{
	__u64 old;

	LEAD(me, KEY);
	old = token_of(me);
	FOLLOW(self->a, KEY);
	ASSERT_EQ(0, ask(self->b, forget(self->fd, KEY, 0)));
	LEAD(self->b, KEY);
	ASSERT_EQ(0, ask(self->b, finish(self->fd, KEY, token_of(self->b), 2, "new")));
	EXPECT_EQ(0, self->b->job.finish.followers);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, old, 1, "old")));
	EXPECT_RESULT(self->a, 1, "old");
}

/* F4: by token only that call is forgotten; to find none is no error. */
TEST_F(flight, forget_by_token)
{
	__u64 token;

	EXPECT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
	EXPECT_EQ(0, me->job.key.count);
	LEAD(me, KEY);
	token = token_of(me);
	EXPECT_EQ(0, ask(me, forget(self->fd, KEY, token + 1)));
	EXPECT_EQ(0, me->job.key.count);
	EXPECT_EQ(1, flight_state(self->fd).calls);
	EXPECT_EQ(0, ask(me, forget(self->fd, KEY, token)));
	EXPECT_EQ(1, me->job.key.count);
	EXPECT_EQ(0, ask(me, forget(self->fd, KEY, token)));
	EXPECT_EQ(0, me->job.key.count);
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

/* F4, F6: the leader of a forgotten call dies: its follower takes that call over. */
TEST_F(flight, forgotten_and_handed_over)
{
	LEAD(self->a, KEY);
	FOLLOW(self->b, KEY);
	ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
	LEAD(self->c, KEY);
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	ASSERT_TRUE(leads(self->b));
	EXPECT_EQ(2, self->b->job.join.attempt);
	EXPECT_EQ(1, flight_state(self->fd).calls);
	EXPECT_EQ(0, ask(self->b, finish(self->fd, KEY, token_of(self->b), 0, NULL)));
	EXPECT_EQ(0, ask(self->c, finish(self->fd, KEY, token_of(self->c), 0, NULL)));
}

/* ---- followers leave ---- */

/* F5, T2: a follower's timeout does not touch the flight. */
TEST_F(flight, follower_times_out)
{
	LEAD(me, KEY);
	FOLLOW(self->a, KEY);
	EXPECT_EQ(-ETIMEDOUT, ask(self->b, join_by(self->fd, KEY, 0, in_ms(20))));
	EXPECT_EQ(1, flight_state(self->fd).followers);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 0, "r")));
	EXPECT_EQ(1, me->job.finish.followers);
	EXPECT_RESULT(self->a, 0, "r");
	EXPECT_EQ(1, self->a->job.join.shared);
}

/* F5, T3: nor does a signal to it. */
TEST_F(flight, follower_is_interrupted)
{
	LEAD(me, KEY);
	FOLLOW(self->b, KEY);
	FOLLOW(self->a, KEY);
	signal_puppet(self->b, SIG_EINTR);
	EXPECT_EQ(-EINTR, hear(self->b));
	EXPECT_EQ(1, flight_state(self->fd).followers);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 0, "r")));
	EXPECT_EQ(1, me->job.finish.followers);
	EXPECT_RESULT(self->a, 0, "r");
}

/* F5: nor does its death. */
TEST_F(flight, follower_dies)
{
	LEAD(me, KEY);
	FOLLOW(self->b, KEY);
	FOLLOW(self->a, KEY);
	kill_puppet(self->b);
	EXPECT_EQ(1, flight_state(self->fd).followers);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 0, "r")));
	EXPECT_EQ(1, me->job.finish.followers);
	EXPECT_RESULT(self->a, 0, "r");
	EXPECT_EQ(0, flight_state(self->fd).handed_over);
}

/* F5: the deadline that the leader joined with touches nobody. */
TEST_F(flight, leaders_deadline)
{
	ASSERT_EQ(0, ask(me, join_by(self->fd, KEY, 0, 1)));
	ASSERT_TRUE(leads(me));
	FOLLOW(self->a, KEY);
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 0, "r")));
	EXPECT_RESULT(self->a, 0, "r");
}

/* ---- finishing ---- */

/* W1, F1: only the leading process may finish, and only its call. */
TEST_F(flight, finish_what_one_leads)
{
	__u64 token;

	LEAD(me, KEY);
	token = token_of(me);
	FOLLOW(self->a, KEY);
	EXPECT_EQ(-EPERM, ask(self->b, finish(self->fd, KEY, token, 0, "forged")));
	EXPECT_EQ(-EPERM, ask(self->b, abandon(self->fd, KEY, token)));
	EXPECT_EQ(-EPERM, ask(me, finish(self->fd, KEY, token + 1, 0, "wrong token")));
	EXPECT_EQ(-EPERM, ask(me, finish(self->fd, KEY, 0, 0, "no token")));
	EXPECT_EQ(-EPERM, ask(me, finish(self->fd, "other", token, 0, "wrong key")));
	EXPECT_EQ(-EPERM, ask(me, abandon(self->fd, KEY, token + 1)));
	EXPECT_EQ(1, flight_state(self->fd).followers);
	EXPECT_TRUE(is_busy(self->a));
	EXPECT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, "true")));
	EXPECT_RESULT(self->a, 0, "true");
	EXPECT_EQ(-EPERM, ask(me, finish(self->fd, KEY, token, 0, "twice")));
}

/* W1: any thread of it. */
TEST_F(flight, any_thread_finishes)
{
	struct puppet *thread = puppet_thread(self->a);

	LEAD(self->a, KEY);
	FOLLOW(self->b, KEY);
	EXPECT_EQ(0, ask(thread, finish(self->fd, KEY, token_of(self->a), 0, "r")));
	EXPECT_RESULT(self->b, 0, "r");
}

/* F9: who will not follow gets EBUSY, who will not lead ENOENT. */
TEST_F(flight, refuse_to_follow_or_lead)
{
	EXPECT_EQ(-ENOENT, ask(me, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD,
					   MUSTER_FOREVER)));
	EXPECT_EQ(0, flight_state(self->fd).led);
	ASSERT_EQ(0, ask(me, join_by(self->fd, KEY, MUSTER_JOIN_NO_FOLLOW, 0)));
	ASSERT_TRUE(leads(me));
	EXPECT_EQ(-EBUSY, ask(self->a, join_by(self->fd, KEY, MUSTER_JOIN_NO_FOLLOW,
					       MUSTER_FOREVER)));
	EXPECT_EQ(-EBUSY, ask(self->a, join_by(self->fd, KEY, MUSTER_JOIN_NO_FOLLOW |
					       MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER)));
	FOLLOW_BY(self->b, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token_of(me), 0, "r")));
	EXPECT_RESULT(self->b, 0, "r");
}

/* F6, F9: who will not lead is not made leader, whatever its place in the queue. */
TEST_F(flight, bystander)
{
	LEAD(me, KEY);
	FOLLOW_BY(self->a, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER));
	FOLLOW(self->b, KEY);
	ASSERT_EQ(0, ask(me, abandon(self->fd, KEY, token_of(me))));
	EXPECT_EQ(1, me->job.key.count);
	ASSERT_EQ(0, hear(self->b));
	ASSERT_TRUE(leads(self->b));
	EXPECT_TRUE(is_busy(self->a));

	ASSERT_EQ(0, ask(self->b, abandon(self->fd, KEY, token_of(self->b))));
	EXPECT_EQ(0, self->b->job.key.count);
	EXPECT_EQ(-EOWNERDEAD, hear(self->a));
	EXPECT_EQ(1, flight_state(self->fd).orphaned);
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

/* F11: the thread that leads would wait for itself; other threads follow. */
TEST_F(flight, reentry)
{
	struct puppet *thread = puppet_thread(self->a);
	__u32 nonblock = MUSTER_JOIN_MIGRATORY | MUSTER_WAIT_NONBLOCK;
	__u64 token;

	LEAD(self->a, KEY);
	token = token_of(self->a);
	EXPECT_EQ(-EDEADLK, ask(self->a, join(self->fd, KEY)));
	EXPECT_EQ(0, flight_state(self->fd).followers);
	LEAD(self->a, "another");
	FOLLOW(thread, KEY);
	/* Tasks that wander between threads may well wait here. */
	EXPECT_EQ(-EAGAIN, ask(self->a, join_by(self->fd, KEY, nonblock, 0)));
	EXPECT_EQ(-ETIMEDOUT, ask(self->a, join_by(self->fd, KEY, MUSTER_JOIN_MIGRATORY,
						   in_ms(5))));
	EXPECT_EQ(0, ask(self->a, finish(self->fd, KEY, token, 0, "r")));
	EXPECT_RESULT(thread, 0, "r");
	LEAD(self->a, KEY);
}

/* F11: so it is for the thread that came to lead by a hand-over. */
TEST_F(flight, reentry_after_hand_over)
{
	LEAD(self->a, KEY);
	FOLLOW(self->b, KEY);
	ASSERT_EQ(0, ask(self->a, abandon(self->fd, KEY, token_of(self->a))));
	ASSERT_EQ(0, hear(self->b));
	ASSERT_TRUE(leads(self->b));
	EXPECT_EQ(-EDEADLK, ask(self->b, join(self->fd, KEY)));
	EXPECT_EQ(-EAGAIN, ask(self->a, join_by(self->fd, KEY, MUSTER_WAIT_NONBLOCK, 0)));
}

/* F2: what the counters say. */
TEST_F(flight, counters)
{
	struct muster_flight_stat stat;

	LEAD(self->a, KEY);
	FOLLOW(self->b, KEY);
	FOLLOW(self->c, KEY);
	kill_puppet(self->a);
	ASSERT_EQ(0, hear(self->b));
	ASSERT_EQ(0, ask(self->b, finish(self->fd, KEY, token_of(self->b), 0, NULL)));
	ASSERT_EQ(0, hear(self->c));
	LEAD(me, "2");
	ASSERT_EQ(0, ask(me, forget(self->fd, "2", 0)));
	LEAD(me, "3");
	ASSERT_EQ(0, ask(me, abandon(self->fd, "3", token_of(me))));

	stat = flight_state(self->fd);
	EXPECT_EQ(0, stat.options);
	EXPECT_EQ(3, stat.handovers);
	EXPECT_EQ(0, stat.calls);
	EXPECT_EQ(0, stat.followers);
	EXPECT_EQ(3, stat.led);
	EXPECT_EQ(1, stat.joined);
	EXPECT_EQ(1, stat.handed_over);
	EXPECT_EQ(1, stat.forgotten);
	EXPECT_EQ(1, stat.orphaned);
}

/* ---- the leader goes ---- */

enum how { DEATH, CLOSE, ABANDON, EXIT };

FIXTURE(leaderless) {
	int fd;
	struct puppet *leader, *a, *b, *c;
};

FIXTURE_VARIANT(leaderless) {
	enum how how;
};

FIXTURE_VARIANT_ADD(leaderless, by_death) { .how = DEATH };
FIXTURE_VARIANT_ADD(leaderless, by_close) { .how = CLOSE };
FIXTURE_VARIANT_ADD(leaderless, by_abandon) { .how = ABANDON };
FIXTURE_VARIANT_ADD(leaderless, by_exit) { .how = EXIT };

FIXTURE_SETUP(leaderless)
{
	self->fd = open_flight(2);
	self->leader = puppet();
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
}

FIXTURE_TEARDOWN(leaderless)
{
	close(self->fd);
}

static void end_leading(struct puppet *p, int fd, const char *key, enum how how)
{
	switch (how) {
	case DEATH:
		kill_puppet(p);
		break;
	case CLOSE:
		ask(p, do_close(fd));
		break;
	case ABANDON:
		ask(p, abandon(fd, key, token_of(p)));
		break;
	case EXIT:
		tell(p, do_exit(0));
		wait_puppet(p);
		break;
	}
}

/* F6, W2, W4: exactly one follower leads, the longest waiting; the rest wait on. */
TEST_F(leaderless, handed_over)
{
	__u64 token;

	LEAD(self->leader, KEY);
	token = token_of(self->leader);
	FOLLOW(self->b, KEY);
	FOLLOW(self->a, KEY);
	FOLLOW(self->c, KEY);
	end_leading(self->leader, self->fd, KEY, variant->how);

	ASSERT_EQ(0, hear(self->b));
	ASSERT_TRUE(leads(self->b));
	EXPECT_EQ(2, self->b->job.join.attempt);
	EXPECT_EQ(2, self->b->job.join.shared);
	EXPECT_LT(token, token_of(self->b));
	EXPECT_TRUE(is_busy(self->a));
	EXPECT_TRUE(is_busy(self->c));
	EXPECT_EQ(2, flight_state(self->fd).followers);
	EXPECT_EQ(1, flight_state(self->fd).handed_over);

	ASSERT_EQ(0, ask(self->b, finish(self->fd, KEY, token_of(self->b), 0, "r")));
	EXPECT_EQ(2, self->b->job.finish.followers);
	EXPECT_RESULT(self->a, 0, "r");
	EXPECT_RESULT(self->c, 0, "r");
	EXPECT_EQ(2, self->a->job.join.attempt);
	EXPECT_EQ(1, flight_state(self->fd).led);
}

/* F6, W4: there are only so many hand-overs; past them all get EOWNERDEAD. */
TEST_F(leaderless, too_often)
{
	struct puppet *d = puppet();
	__u64 token;

	LEAD(self->leader, KEY);
	FOLLOW(self->a, KEY);
	FOLLOW(self->b, KEY);
	FOLLOW(self->c, KEY);
	FOLLOW(d, KEY);
	end_leading(self->leader, self->fd, KEY, variant->how);
	ASSERT_EQ(0, hear(self->a));
	token = token_of(self->a);
	end_leading(self->a, self->fd, KEY, variant->how);
	ASSERT_EQ(0, hear(self->b));
	ASSERT_TRUE(leads(self->b));
	EXPECT_EQ(3, self->b->job.join.attempt);
	EXPECT_LT(token, token_of(self->b));
	EXPECT_EQ(2, flight_state(self->fd).followers);

	end_leading(self->b, self->fd, KEY, variant->how);
	EXPECT_EQ(-EOWNERDEAD, hear(self->c));
	EXPECT_EQ(-EOWNERDEAD, hear(d));
	EXPECT_EQ(2, flight_state(self->fd).handed_over);
	EXPECT_EQ(1, flight_state(self->fd).orphaned);
	EXPECT_EQ(0, flight_state(self->fd).calls);
	LEAD(self->c, KEY);
	EXPECT_EQ(1, self->c->job.join.attempt);
}

/* F6: with hand-over off it is as in Go: everybody learns of it at once. */
TEST_F(leaderless, without_hand_over)
{
	struct muster_open how = open_how(MUSTER_FLIGHT, NULL, 0, 0);
	struct puppet *leader, *a, *b;

	close(self->fd);
	how.options = MUSTER_FLIGHT_NO_HANDOVER;
	self->fd = open_object(&how);
	ASSERT_LE(0, self->fd);
	leader = puppet();
	a = puppet();
	b = puppet();
	EXPECT_EQ(0, flight_state(self->fd).handovers);
	LEAD(leader, KEY);
	FOLLOW(a, KEY);
	FOLLOW(b, KEY);
	end_leading(leader, self->fd, KEY, variant->how);
	EXPECT_EQ(-EOWNERDEAD, hear(a));
	EXPECT_EQ(-EOWNERDEAD, hear(b));
	EXPECT_EQ(0, flight_state(self->fd).handed_over);
}

/* F6, F12, W2: a follower that is dead, and has not come to leave, is passed over. */
TEST_F(flight, hand_over_past_the_dead)
{
	const char *name = unique_name("");
	int closed = open_named(MUSTER_FLIGHT, name, O_CREAT, 0);
	int fd = open_named(MUSTER_FLIGHT, name, 0, 0);
	struct puppet *thread = puppet_thread(me), *next = puppet();

	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	tell(thread, join(closed, KEY));
	ASSERT_SOON(is_asleep(thread));
	tell(next, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 2);
	if (!be_alone(thread)) {
		be_like_others();
		SKIP(return, "may not run in real time");
	}
	/* The thread is woken, and cannot run. */
	close(closed);
	EXPECT_EQ(0, ask(me, abandon(fd, KEY, token_of(me))));
	be_like_others();
	EXPECT_EQ(1, me->job.key.count);
	EXPECT_EQ(-EBADF, hear(thread));
	EXPECT_EQ(0, hear(next));
	EXPECT_TRUE(leads(next));
	EXPECT_EQ(2, next->job.join.attempt);
	EXPECT_EQ(0, ask(next, finish(fd, KEY, token_of(next), 0, NULL)));
	close(fd);
}

/* F6: a call that nobody follows is simply over. */
TEST_F(leaderless, nobody_follows)
{
	LEAD(self->leader, KEY);
	end_leading(self->leader, self->fd, KEY, variant->how);
	EXPECT_EQ(0, flight_state(self->fd).calls);
	EXPECT_EQ(1, flight_state(self->fd).orphaned);
	LEAD(self->a, KEY);
}

/* F6: it led many calls, and each is handed over to its own first follower. */
TEST_F(leaderless, many_calls)
{
	static const char * const keys[] = { "1", "2", "3" };
	struct puppet *p[] = { self->a, self->b, self->c };
	__u64 tokens[ARRAY_SIZE(keys)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		LEAD(self->leader, keys[i]);
		tokens[i] = token_of(self->leader);
		FOLLOW(p[i], keys[i]);
	}
	if (variant->how != ABANDON)
		end_leading(self->leader, self->fd, NULL, variant->how);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (variant->how == ABANDON)
			ASSERT_EQ(0, ask(self->leader, abandon(self->fd, keys[i], tokens[i])));
		ASSERT_EQ(0, hear(p[i]));
		ASSERT_TRUE(leads(p[i]));
		EXPECT_EQ(0, ask(p[i], finish(self->fd, keys[i], token_of(p[i]), 0, NULL)));
	}
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

/* F6: the default number of hand-overs is the module's parameter. */
TEST(default_hand_overs)
{
	struct muster_info info = { .size = sizeof(info) };
	int fd = open_flight(0);

	ASSERT_EQ(0, call(fd, MUSTER_INFO, &info));
	EXPECT_EQ(get_param("handovers"), info.handovers_default);
	EXPECT_EQ(info.handovers_default, flight_state(fd).handovers);
	close(fd);
}

/* ---- races ---- */

/* Joins a key time and again. A leader's answer is its token, which nobody else has. */
static int join_and_check(int fd, int rounds, long *running, long *led)
{
	struct job job;
	char text[32];
	__u64 token;
	int i;

	for (i = 0; i < rounds; i++) {
		if (ask(me, join_by(fd, KEY, 0, in_ms(15000))))
			return 1;
		token = token_of(me);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)token);
		if (!leads(me)) {
			if (me->job.join.result_len != strlen(text) ||
			    memcmp(me->data, text, strlen(text)) ||
			    me->job.join.status != (int)token)
				return 2;
			continue;
		}
		if (__atomic_add_fetch(running, 1, __ATOMIC_SEQ_CST) != 1)
			return 3;
		__atomic_add_fetch(led, 1, __ATOMIC_SEQ_CST);
		if (i % 4 == 0)
			sched_yield();
		__atomic_sub_fetch(running, 1, __ATOMIC_SEQ_CST);
		job = finish(fd, KEY, token, token, text);
		if (ask(me, job))
			return 4;
	}
	return 0;
}

/* F1, F4: late joiners get either the result or a new call, never nothing. */
TEST(late_joiners)
{
	enum { CROWD = 5, ROUNDS = 300 };
	long *shared = shared_memory(2 * sizeof(*shared));
	struct muster_flight_stat stat;
	int fd = open_flight(0), status, i;
	pid_t pid[CROWD];

	for (i = 0; i < CROWD; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(join_and_check(fd, ROUNDS, &shared[0], &shared[1]));
	}
	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	stat = flight_state(fd);
	EXPECT_EQ(shared[1], stat.led);
	EXPECT_EQ(CROWD * ROUNDS, stat.led + stat.joined);
	EXPECT_EQ(0, stat.orphaned);
	EXPECT_EQ(0, stat.calls);
	EXPECT_EQ(0, stat.followers);
}

TEST_HARNESS_MAIN
