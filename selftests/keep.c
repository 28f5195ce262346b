// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are forgotten in time, results that are kept (F7, F8)
 */
#include <string.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY	"key"
#define LONG	(3600 * NSEC_PER_SEC)

FIXTURE(keep) {
	int fd;
	struct puppet *a, *b;
};

FIXTURE_SETUP(keep)
{
	self->fd = open_flight(0);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(keep)
{
}

/* A finish of what @p leads, that keeps the result. */
static struct job keep(struct puppet *p, int fd, int status, const char *text, __u64 ns,
		       __u64 grace)
{
	struct job job = finish(fd, KEY, p->job.join.token, status, text);

	job.finish.keep = ns;
	job.finish.grace = grace;
	return job;
}

#define LEAD(p) do {							\
	ASSERT_EQ(0, ask(p, join(self->fd, KEY)));			\
	ASSERT_EQ(MUSTER_ROLE_LEADER, (p)->job.join.role);		\
} while (0)

/* Joins and gets @text at once, as @how. */
#define GET(p, flags, how, text) do {					\
	struct muster_flight_join *_j = &(p)->job.join;			\
	ASSERT_EQ(0, ask(p, join_by(self->fd, KEY, flags, 0)));	\
	EXPECT_EQ(MUSTER_ROLE_FOLLOWER, _j->role);			\
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_KEPT | (how),	\
		  _j->outcome);						\
	EXPECT_EQ(strlen(text), _j->result_len);			\
	EXPECT_EQ(0, memcmp(text, (p)->data, strlen(text)));		\
} while (0)

/* Keeps "old" until the time is over that it is fresh, with much grace. */
#define KEEP_STALE() do {						\
	LEAD(me);							\
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "old", 1, LONG)));	\
} while (0)

/* F8: what is kept is had at once, with its age, status and token. */
TEST_F(keep, kept)
{
	__u64 before = clock_ns(CLOCK_MONOTONIC), token;

	LEAD(me);
	token = me->job.join.token;
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "answer", LONG, 0)));
	GET(self->a, 0, 0, "answer");
	EXPECT_EQ(token, self->a->job.join.token);
	EXPECT_EQ(0, self->a->job.join.status);
	EXPECT_GT(clock_ns(CLOCK_MONOTONIC) - before, self->a->job.join.age);
	GET(self->a, MUSTER_JOIN_NO_LEAD, 0, "answer");
	GET(self->b, MUSTER_JOIN_NO_FOLLOW, 0, "answer");
	GET(me, MUSTER_WAIT_NONBLOCK, 0, "answer");
	EXPECT_EQ(1, flight_state(self->fd).kept);
	EXPECT_EQ(0, flight_state(self->fd).calls);
	EXPECT_EQ(4, flight_state(self->fd).served);
	EXPECT_EQ(1, flight_state(self->fd).led);
	/* Its leader leads no more. */
	EXPECT_EQ(-EPERM, ask(me, finish(self->fd, KEY, token, 0, NULL)));
	EXPECT_EQ(-EPERM, ask(me, abandon(self->fd, KEY, token)));
}

/* F8: it outlives the process that made it, and those who waited got it as ever. */
TEST_F(keep, leader_is_gone)
{
	LEAD(self->a);
	tell(self->b, join(self->fd, KEY));
	ASSERT_SOON(flight_state(self->fd).followers == 1);
	ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "answer", MUSTER_FOREVER, 0)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED, self->b->job.join.outcome);
	EXPECT_EQ(0, self->b->job.join.age);
	kill_puppet(self->a);
	GET(me, 0, 0, "answer");
}

/* F8: after its time a new call begins. */
TEST_F(keep, expires)
{
	LEAD(me);
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "answer", 1, 0)));
	LEAD(self->a);
	EXPECT_EQ(0, flight_state(self->fd).kept);
	EXPECT_EQ(1, flight_state(self->fd).calls);
}

/* F8: failures are kept only if asked; keeping nothing is no keeping. */
TEST_F(keep, failures)
{
	struct job job;

	LEAD(me);
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 1, "failed", LONG, 0)));
	EXPECT_EQ(0, flight_state(self->fd).kept);
	LEAD(me);
	job = keep(me, self->fd, 1, "failed", LONG, 0);
	job.finish.flags = MUSTER_FINISH_KEEP_FAILURE;
	ASSERT_EQ(0, ask(me, job));
	GET(self->a, 0, 0, "failed");
	EXPECT_EQ(1, self->a->job.join.status);
	job.finish.keep = 0;
	EXPECT_EQ(-EINVAL, ask(me, job));
	EXPECT_EQ(-EINVAL, ask(me, keep(me, self->fd, 0, NULL, 0, 1)));
}

/* F8, F4: FORGET, and a join that wants it fresh. */
TEST_F(keep, forgotten)
{
	__u64 token;

	LEAD(me);
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "one", LONG, 0)));
	EXPECT_EQ(-ENOENT, ask(me, join_by(self->fd, KEY, MUSTER_JOIN_FRESH |
					   MUSTER_JOIN_NO_LEAD, 0)));
	LEAD(me);
	token = me->job.join.token;
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "two", LONG, 0)));
	ASSERT_EQ(0, ask(self->a, forget(self->fd, KEY, token - 1)));
	EXPECT_EQ(0, self->a->job.key.count);
	ASSERT_EQ(0, ask(self->a, forget(self->fd, KEY, token)));
	EXPECT_EQ(1, self->a->job.key.count);
	EXPECT_EQ(0, flight_state(self->fd).kept);
	/* A call that was forgotten keeps nothing. */
	LEAD(me);
	token = me->job.join.token;
	ASSERT_EQ(0, ask(self->a, forget(self->fd, KEY, 0)));
	me->job.join.token = token;
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "three", LONG, 0)));
	EXPECT_EQ(0, flight_state(self->fd).kept);
}

/* F8: in its grace time one refreshes it, the others get the old one meanwhile. */
TEST_F(keep, stale)
{
	KEEP_STALE();
	LEAD(self->a);
	EXPECT_EQ(1, flight_state(self->fd).calls);
	GET(self->b, 0, MUSTER_OUTCOME_STALE, "old");
	GET(self->b, MUSTER_JOIN_NO_FOLLOW, MUSTER_OUTCOME_STALE, "old");
	EXPECT_LT(0, self->b->job.join.age);
	/* One who wants it fresh waits for it. */
	tell(self->b, join_by(self->fd, KEY, MUSTER_JOIN_FRESH, MUSTER_FOREVER));
	ASSERT_SOON(flight_state(self->fd).followers == 1);
	ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "new", LONG, 0)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(0, memcmp("new", self->b->data, 3));
	GET(self->b, 0, 0, "new");
	EXPECT_EQ(1, flight_state(self->fd).kept);
}

/* F8: who may not lead gets the old one, too. */
TEST_F(keep, stale_without_a_leader)
{
	KEEP_STALE();
	GET(self->a, MUSTER_JOIN_NO_LEAD, MUSTER_OUTCOME_STALE, "old");
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

/* F8, F6: the one who refreshes dies, or fails: the old one is there still. */
TEST_F(keep, refresh_fails)
{
	KEEP_STALE();
	LEAD(self->a);
	kill_puppet(self->a);
	ASSERT_SOON(flight_state(self->fd).calls == 0);
	EXPECT_EQ(1, flight_state(self->fd).kept);
	GET(self->b, MUSTER_JOIN_NO_LEAD, MUSTER_OUTCOME_STALE, "old");
	LEAD(self->b);
	GET(me, 0, MUSTER_OUTCOME_STALE, "old");
	ASSERT_EQ(0, ask(self->b, finish(self->fd, KEY, self->b->job.join.token, 1, NULL)));
	LEAD(self->b);
	GET(me, 0, MUSTER_OUTCOME_STALE, "old");
	/* A success that is not to be kept replaces it all the same. */
	ASSERT_EQ(0, ask(self->b, finish(self->fd, KEY, self->b->job.join.token, 0, NULL)));
	EXPECT_EQ(-ENOENT, ask(me, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, 0)));
	EXPECT_EQ(0, flight_state(self->fd).kept);
}

/* F8, F4: FORGET forgets the old one as well. */
TEST_F(keep, refresh_forgotten)
{
	KEEP_STALE();
	LEAD(self->a);
	ASSERT_EQ(0, ask(self->b, forget(self->fd, KEY, 0)));
	EXPECT_EQ(0, flight_state(self->fd).kept);
	EXPECT_EQ(-ENOENT, ask(self->b, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, 0)));
	ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "new", LONG, 0)));
	EXPECT_EQ(0, flight_state(self->fd).kept);
}

/* F8, F4: by its token the old one can be forgotten, and the one that refreshes goes on. */
TEST_F(keep, stale_forgotten)
{
	__u64 old;

	KEEP_STALE();
	LEAD(self->a);
	GET(self->b, 0, MUSTER_OUTCOME_STALE, "old");
	old = self->b->job.join.token;
	EXPECT_LT(old, self->a->job.join.token);
	ASSERT_EQ(0, ask(self->b, forget(self->fd, KEY, old)));
	EXPECT_EQ(1, self->b->job.key.count);
	EXPECT_EQ(0, flight_state(self->fd).kept);
	EXPECT_EQ(1, flight_state(self->fd).calls);
	ASSERT_EQ(0, ask(self->b, forget(self->fd, KEY, old)));
	EXPECT_EQ(0, self->b->job.key.count);
	EXPECT_EQ(-EAGAIN, ask(self->b, join_by(self->fd, KEY, MUSTER_WAIT_NONBLOCK, 0)));
	kill_puppet(self->a);
	ASSERT_SOON(flight_state(self->fd).calls == 0);
	EXPECT_EQ(-ENOENT, ask(self->b, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, 0)));
}

/* F8, T5: tickets get what is kept, and refresh. */
TEST_F(keep, tickets)
{
	struct muster_verdict v;
	int lead, fd;

	KEEP_STALE();
	lead = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, lead);
	ASSERT_EQ(sizeof(v), read(lead, &v, sizeof(v)));
	EXPECT_EQ(MUSTER_ROLE_LEADER, v.role);
	fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(v), read(fd, &v, sizeof(v)));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_KEPT | MUSTER_OUTCOME_STALE,
		  v.outcome);
	EXPECT_EQ(3, v.result_len);
	close(lead);
	ASSERT_EQ(1, flight_state(self->fd).kept);
	close(fd);
}

/* F3, F8: what is kept and does not fit can be fetched. */
TEST_F(keep, truncated)
{
	struct job job = join(self->fd, KEY);
	char buf[16];

	LEAD(me);
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "answer", LONG, 0)));
	job.join.buf = to_u64(buf);
	job.join.buf_len = 2;
	ASSERT_EQ(0, ask(me, job));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_KEPT | MUSTER_OUTCOME_TRUNCATED,
		  me->job.join.outcome);
	ASSERT_EQ(0, ask(self->a, forget(self->fd, KEY, 0)));
	ASSERT_EQ(0, ask(me, fetch(self->fd, me->job.join.token, buf, sizeof(buf))));
	EXPECT_EQ(0, memcmp("answer", buf, 6));
}

/* F7: after its time a call is as good as forgotten. */
TEST_F(keep, age)
{
	struct job job = join(self->fd, KEY);
	__u64 token;

	job.join.forget_after = LONG;
	ASSERT_EQ(0, ask(self->a, job));
	token = self->a->job.join.token;
	EXPECT_EQ(-EAGAIN, ask(me, join_by(self->fd, KEY, MUSTER_WAIT_NONBLOCK, 0)));
	ASSERT_EQ(0, ask(self->a, finish(self->fd, KEY, token, 0, NULL)));

	job.join.forget_after = 1;
	ASSERT_EQ(0, ask(self->a, job));
	token = self->a->job.join.token;
	LEAD(self->b);
	EXPECT_EQ(1, flight_state(self->fd).forgotten);
	/* Both go on. */
	ASSERT_EQ(0, ask(self->a, finish(self->fd, KEY, token, 0, NULL)));
	EXPECT_EQ(-EAGAIN, ask(me, join_by(self->fd, KEY, MUSTER_WAIT_NONBLOCK, 0)));
}

/* O7, F8: kept bytes are bounded; the oldest go. */
TEST_F(keep, eviction)
{
	long long most = get_param("bytes_max"), size = get_param("result_max");
	static char key[64][8];
	struct job job;
	char *data;
	int i, n;

	if (most < 0)
		SKIP(return, "the module's parameters cannot be read");
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, data);
	n = most / size + 4;
	ASSERT_GT(64, n);
	for (i = 0; i < n; i++) {
		snprintf(key[i], sizeof(key[i]), "%d", i);
		ASSERT_EQ(0, ask(me, join(self->fd, key[i])));
		ASSERT_EQ(MUSTER_ROLE_LEADER, me->job.join.role);
		job = finish(self->fd, key[i], me->job.join.token, 0, NULL);
		job.finish.data = to_u64(data);
		job.finish.data_len = size;
		job.finish.keep = MUSTER_FOREVER;
		ASSERT_EQ(0, ask(me, job));
	}
	EXPECT_EQ(most / size, flight_state(self->fd).kept);
	EXPECT_EQ(-ENOENT, ask(me, join_by(self->fd, key[0], MUSTER_JOIN_NO_LEAD, 0)));
	EXPECT_EQ(0, ask(me, join_by(self->fd, key[n - 1], MUSTER_JOIN_NO_LEAD |
				     MUSTER_JOIN_NO_RESULT, 0)));
}

/* O7, F8: what is kept makes room for calls; what can never be kept is refused. */
TEST_F(keep, room_for_calls)
{
	long long calls = get_param("calls_max"), bytes = get_param("bytes_max");

	if (geteuid() || calls < 0)
		SKIP(return, "only root may change the module's parameters");
	/* Users of whom nothing is left from the tests before. */
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->b, do_setids(BOB, BOB)));
	LEAD(self->a);
	ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "answer", LONG, 0)));
	ASSERT_TRUE(set_param("calls_max", 1));
	EXPECT_EQ(0, ask(self->a, join(self->fd, "other")));
	EXPECT_EQ(-ENOSPC, ask(self->a, join(self->fd, "third")));
	set_param("calls_max", calls);
	EXPECT_EQ(0, flight_state(self->fd).kept);

	LEAD(self->b);
	ASSERT_TRUE(set_param("bytes_max", 5));
	EXPECT_EQ(-ENOBUFS, ask(self->b, keep(self->b, self->fd, 0, "answer", LONG, 0)));
	set_param("bytes_max", bytes);
	/* It still leads. */
	EXPECT_EQ(2, flight_state(self->fd).calls);
}

/* I1, O7, F8: what there never is room for makes nothing else go. */
TEST_F(keep, too_long_for_any_room)
{
	long long bytes = get_param("bytes_max");
	int fd = open_flight(0);
	struct job job;

	if (geteuid() || bytes < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->a, join(fd, KEY)));
	ASSERT_EQ(0, ask(self->a, keep(self->a, fd, 0, "answer", LONG, 0)));
	LEAD(self->a);
	job = keep(self->a, self->fd, 0, "answer", LONG, 0);
	ASSERT_TRUE(set_param("bytes_max", 5));
	EXPECT_EQ(-ENOBUFS, ask(self->a, job));
	set_param("bytes_max", bytes);
	EXPECT_EQ(1, flight_state(fd).kept);
	EXPECT_EQ(0, ask(self->a, job));
	EXPECT_EQ(1, flight_state(self->fd).kept);
}

/* F6, F8, O7: a call counts for the user who leads it now, and so does what it keeps. */
TEST_F(keep, handed_over_to_another_user)
{
	long long calls = get_param("calls_max"), bytes = get_param("bytes_max");
	int fd = open_flight(0);
	struct job job;

	if (geteuid() || calls < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	self->b = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->b, do_setids(BOB, BOB)));
	ASSERT_EQ(0, ask(self->a, join(fd, KEY)));
	ASSERT_EQ(0, ask(self->a, keep(self->a, fd, 0, "answer", LONG, 0)));
	LEAD(self->a);
	tell(self->b, join(self->fd, KEY));
	ASSERT_SOON(flight_state(self->fd).followers == 1);
	ASSERT_EQ(0, ask(self->a, abandon(self->fd, KEY, self->a->job.join.token)));
	ASSERT_EQ(1, self->a->job.key.count);
	ASSERT_EQ(0, hear(self->b));
	ASSERT_EQ(MUSTER_ROLE_LEADER, self->b->job.join.role);
	job = keep(self->b, self->fd, 0, "result", LONG, 0);
	/* There is room for one of six bytes: Alice's stays, as Bob has his own. */
	ASSERT_TRUE(set_param("bytes_max", 8));
	EXPECT_EQ(0, ask(self->b, job));
	set_param("bytes_max", bytes);
	EXPECT_EQ(1, flight_state(fd).kept);
	/* And of calls she has one. */
	ASSERT_TRUE(set_param("calls_max", 2));
	EXPECT_EQ(0, ask(self->a, join(fd, "other")));
	set_param("calls_max", calls);
	EXPECT_EQ(1, flight_state(fd).kept);
	EXPECT_EQ(1, flight_state(self->fd).kept);
}

/* O7, F8: nor does what is refused anyway. */
TEST_F(keep, refused_tasks)
{
	long long calls = get_param("calls_max");
	int one = open_group(1), many = open_group(0);

	if (geteuid() || calls < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	LEAD(self->a);
	ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "answer", LONG, 0)));
	ASSERT_EQ(0, ask(me, add(one, 1)));
	ASSERT_TRUE(set_param("calls_max", 1));
	EXPECT_EQ(-ERANGE, ask(self->a, add(one, 2)));
	EXPECT_EQ(-EAGAIN, ask(self->a, add_by(one, 1, MUSTER_WAIT_NONBLOCK, 0)));
	EXPECT_EQ(-ENOSPC, ask(self->a, add(many, 2)));
	EXPECT_EQ(1, flight_state(self->fd).kept);
	EXPECT_EQ(0, ask(self->a, add(many, 1)));
	EXPECT_EQ(0, flight_state(self->fd).kept);
	set_param("calls_max", calls);
}

/* O7, F8: who refreshes a result at the limit has room in its place. */
TEST_F(keep, stale_at_the_limit)
{
	long long calls = get_param("calls_max");
	struct job ask_for[] = {
		join(self->fd, KEY),
		join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER),
	};
	unsigned int i;
	int ret;

	if (geteuid() || calls < 0)
		SKIP(return, "only root may change the module's parameters");
	for (i = 0; i < ARRAY_SIZE(ask_for); i++) {
		self->a = puppet();
		ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
		LEAD(self->a);
		ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "old", 1, LONG)));
		ASSERT_TRUE(set_param("calls_max", 1));
		ret = ask(self->a, ask_for[i]);
		set_param("calls_max", calls);
		EXPECT_LE(0, ret);
		EXPECT_EQ(1, flight_state(self->fd).calls);
		EXPECT_EQ(0, flight_state(self->fd).kept);
		kill_puppet(self->a);
		ASSERT_SOON(!flight_state(self->fd).calls);
	}
}

/* O7, F3: and who gets one that does not fit: that is no longer kept, but waits for it. */
TEST_F(keep, parcel_at_the_limit)
{
	struct job job = join(self->fd, KEY);
	long long calls = get_param("calls_max");
	int ret;

	if (geteuid() || calls < 0)
		SKIP(return, "only root may change the module's parameters");
	job.join.buf_len = 1;
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	LEAD(self->a);
	ASSERT_EQ(0, ask(self->a, keep(self->a, self->fd, 0, "answer", LONG, 0)));
	ASSERT_TRUE(set_param("calls_max", 1));
	ret = ask(self->a, job);
	set_param("calls_max", calls);
	ASSERT_EQ(0, ret);
	EXPECT_TRUE(self->a->job.join.outcome & MUSTER_OUTCOME_TRUNCATED);
	EXPECT_EQ(0, flight_state(self->fd).kept);
	EXPECT_EQ(0, ask(self->a, fetch(self->fd, self->a->job.join.token, self->b->data,
					PUPPET_DATA)));
}

/* What ALICE has kept stays when that fails, with so many bytes and calls for her. */
#define EXPECT_KEPT(bytes, calls, err, _job) do {			\
	struct job _refused = _job;					\
									\
	ASSERT_TRUE(set_param("bytes_max", bytes));			\
	ASSERT_TRUE(set_param("calls_max", calls));			\
	EXPECT_EQ(err, ask(self->a, _refused));				\
	set_param("bytes_max", bytes_max);				\
	set_param("calls_max", calls_max);				\
	EXPECT_EQ(1, flight_state(fd).kept);				\
} while (0)

/* I1, O7: what is refused makes nothing go. */
TEST_F(keep, refused)
{
	long long calls_max = get_param("calls_max"), bytes_max = get_param("bytes_max");
	struct job short_join = join(self->fd, KEY), unwritable = join(self->fd, "new");
	void *page = shared_memory(getpagesize()), *pages = shared_memory(2 * getpagesize());
	int fd = open_flight(0), group = open_group(0);
	struct job job, unwritable_add = add(group, 1);

	if (geteuid() || calls_max < 0)
		SKIP(return, "only root may change the module's parameters");
	memcpy(page, &unwritable.join, sizeof(unwritable.join));
	unwritable.at = page;
	ASSERT_EQ(0, mprotect(page, getpagesize(), PROT_READ));
	/* Of this one only the end, which is on another page. */
	unwritable_add.at = pages + getpagesize() - 8;
	memcpy(unwritable_add.at, &unwritable_add.add, sizeof(unwritable_add.add));
	ASSERT_EQ(0, mprotect(pages + getpagesize(), getpagesize(), PROT_READ));
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->a, join(fd, KEY)));
	job = keep(self->a, fd, 0, "answer", LONG, 0);
	ASSERT_EQ(0, ask(self->a, job));
	/* A second time; by a token of somebody else's. */
	EXPECT_KEPT(8, calls_max, -EPERM, job);
	LEAD(me);
	EXPECT_KEPT(8, calls_max, -EPERM, keep(me, self->fd, 0, "result", LONG, 0));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, me->job.join.token, 0, NULL)));
	/* A task that is not there, and one for the result of which there is no room. */
	ASSERT_EQ(0, ask(self->a, add(group, 2)));
	EXPECT_KEPT(8, calls_max, -EPERM, done(group, 77, 0, "result"));
	ASSERT_EQ(0, ask(self->a, done(group, MUSTER_SLOT_ANY, 0, "task")));
	EXPECT_KEPT(12, calls_max, -ENOBUFS, done(group, MUSTER_SLOT_ANY, 0, "too large"));
	/* Nobody can be told that it leads. */
	EXPECT_KEPT(bytes_max, 3, -EFAULT, unwritable);
	/* Nor which tasks it has. */
	EXPECT_KEPT(bytes_max, 3, -EFAULT, unwritable_add);
	/* A result that does not fit, for which there never is room. */
	LEAD(me);
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "a long result", LONG, 0)));
	short_join.join.buf_len = 1;
	EXPECT_KEPT(12, 3, -ENOBUFS, short_join);
	/* Nobody can be told that one waits to be fetched. */
	ASSERT_EQ(0, mprotect(page, getpagesize(), PROT_READ | PROT_WRITE));
	short_join.join.buf = (uintptr_t)self->a->data;
	memcpy(page, &short_join.join, sizeof(short_join.join));
	short_join.at = page;
	ASSERT_EQ(0, mprotect(page, getpagesize(), PROT_READ));
	EXPECT_KEPT(strlen("taska long result"), calls_max, -EFAULT, short_join);
	short_join.at = NULL;
	ASSERT_TRUE(set_param("bytes_max", strlen("taska long result")));
	EXPECT_EQ(0, ask(self->a, short_join));
	set_param("bytes_max", bytes_max);
	EXPECT_EQ(0, flight_state(fd).kept);
}

/* F7, F8: what is forgotten is not kept, and needs no room. */
TEST_F(keep, forgotten_needs_no_room)
{
	long long bytes = get_param("bytes_max");
	int fd = open_flight(0), ret;
	struct job job;

	if (geteuid() || bytes < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->a, join(fd, KEY)));
	ASSERT_EQ(0, ask(self->a, keep(self->a, fd, 0, "an", LONG, 0)));
	LEAD(self->a);
	job = keep(self->a, self->fd, 0, "answer", LONG, 0);
	ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
	ASSERT_TRUE(set_param("bytes_max", 5));
	ret = ask(self->a, job);
	set_param("bytes_max", bytes);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, flight_state(self->fd).kept);
	EXPECT_EQ(1, flight_state(fd).kept);
}

/* O7, T5: a ticket that has led, or followed for nothing, counts for nobody any more. */
TEST_F(keep, spent_tickets)
{
	const struct job by_ticket = join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER);
	long long calls = get_param("calls_max");
	int i, tickets[8], others[8];

	if (geteuid() || calls < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	self->b = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->b, do_setids(BOB, BOB)));
	ASSERT_TRUE(set_param("calls_max", 2));
	for (i = 0; i < ARRAY_SIZE(tickets); i++) {
		tickets[i] = ask(self->a, by_ticket);
		EXPECT_LE(0, tickets[i]);
		others[i] = ask(self->b, by_ticket);
		EXPECT_LE(0, others[i]);
		EXPECT_EQ(0, ask(self->a, finish(tickets[i], KEY, i + 1, 0, NULL)));
	}
	EXPECT_EQ(0, flight_state(self->fd).calls);
	set_param("calls_max", calls);
}

/* F3, F8, O3: a result that waits to be fetched is worth more than one that is kept. */
TEST_F(keep, room_for_parcels)
{
	long long bytes = get_param("bytes_max");
	int fd = open_flight(0);
	struct job job = join(self->fd, KEY);

	if (geteuid() || bytes < 0)
		SKIP(return, "only root may change the module's parameters");
	self->a = puppet();
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->a, join(fd, KEY)));
	ASSERT_EQ(0, ask(self->a, keep(self->a, fd, 0, "answer", LONG, 0)));
	LEAD(me);
	job.join.buf_len = 1;
	tell(self->a, job);
	ASSERT_SOON(flight_state(self->fd).followers == 1);
	job = finish(self->fd, KEY, me->job.join.token, 0, "result");
	ASSERT_TRUE(set_param("bytes_max", 8));
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(0, hear(self->a));
	set_param("bytes_max", bytes);
	EXPECT_TRUE(self->a->job.join.outcome & MUSTER_OUTCOME_TRUNCATED);
	EXPECT_EQ(0, flight_state(fd).kept);
}

/* F7, F8, T5: past its time a result answers no ticket: that leads a new call. */
TEST_F(keep, expires_for_tickets)
{
	int fd;

	LEAD(me);
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "old", 1, 0)));
	fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flight_state(self->fd).kept);
	EXPECT_EQ(1, flight_state(self->fd).calls);
	close(fd);
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

/* Results of one process that wait for FETCH. */
#define PARCELS_MAX	1024

/* F3, O7: so many results wait to be fetched, and no more. */
TEST_F(keep, parcels)
{
	long long calls = get_param("calls_max");
	struct job job = join(self->fd, KEY);
	__u64 token;
	int i;

	LEAD(me);
	token = me->job.join.token;
	ASSERT_EQ(0, ask(me, keep(me, self->fd, 0, "answer", LONG, 0)));
	job.join.buf_len = 1;
	for (i = 0; i < PARCELS_MAX; i++)
		ASSERT_EQ(0, ask(me, job));
	/* Nothing goes for one that is too many. */
	if (!geteuid() && calls > 0)
		ASSERT_TRUE(set_param("calls_max", PARCELS_MAX + 1));
	EXPECT_EQ(-ENOBUFS, ask(me, job));
	if (!geteuid() && calls > 0)
		set_param("calls_max", calls);
	EXPECT_EQ(1, flight_state(self->fd).kept);
	/* What is there can be had; and then there is room again. */
	EXPECT_EQ(0, ask(me, fetch(self->fd, token, self->a->data, PUPPET_DATA)));
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(-ENOBUFS, ask(me, job));
}

#define ROUNDS	300

/* F8: joins, refreshes, FORGET and eviction meet; nothing leaks (seen on unloading). */
TEST_F(keep, races)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		KEEP_STALE();
		tell(self->a, join(self->fd, KEY));
		tell(self->b, i & 1 ? forget(self->fd, KEY, 0) :
		     join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, 0));
		ask(me, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, in_ms(1)));
		ASSERT_EQ(0, hear(self->a));
		hear(self->b);
		if (self->a->job.join.role == MUSTER_ROLE_LEADER)
			ASSERT_EQ(0, ask(self->a, finish(self->fd, KEY,
							 self->a->job.join.token, i & 2, "x")));
		ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
		ASSERT_EQ(0, flight_state(self->fd).kept);
		ASSERT_EQ(0, flight_state(self->fd).calls);
	}
}

TEST_HARNESS_MAIN
