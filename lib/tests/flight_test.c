// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The library's flights
 */
#include "lib_test.h"

static int kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	return reap(pid);
}

/* ---- flight: one works it out, all get it ---- */

#define ASKERS 20

/**
 * struct asker - who asks, in memory that all share
 * @ret:	what muster_flight_do() returned
 * @result:	its result, but for the data
 * @sum:	of the data
 */
struct asker {
	int ret;
	struct muster_result result;
	uint32_t sum;
};

/**
 * struct question - what is asked, in memory that all share
 * @fd:		the group
 * @len:	length of the answer
 * @wait_for:	the work goes on when so many follow
 * @runs:	how often the work was begun
 * @leader:	who did it last
 * @die:	the first attempt ends in SIGKILL
 * @asker:	those who ask
 */
struct question {
	int fd;
	size_t len;
	unsigned int wait_for;
	int runs;
	pid_t leader;
	bool die;
	struct asker asker[ASKERS];
};

static uint32_t checksum(const char *data, size_t len)
{
	uint32_t sum = len;

	while (len--)
		sum = sum * 31 + (unsigned char)*data++;
	return sum;
}

/* An answer that depends on who gave it. */
static char *make_answer(size_t len, int seed)
{
	char *data = malloc(len ? len : 1);
	size_t i;

	for (i = 0; data && i < len; i++)
		data[i] = (i >> 8) + i * 7 + seed;
	return data;
}

static bool wait_for_followers(const struct question *q)
{
	uint64_t give_up = muster_after_ms(PATIENCE_MS);

	while (flight_followers(q->fd) < q->wait_for) {
		if (muster_after_ns(0) > give_up)
			return false;
		usleep(1000);
	}
	return true;
}

static int work(struct muster_work *work, void *arg)
{
	struct question *q = arg;

	__atomic_add_fetch(&q->runs, 1, __ATOMIC_SEQ_CST);
	q->leader = getpid();
	if (work->attempt == 1 && !wait_for_followers(q))
		return -1;
	if (q->die && work->attempt == 1)
		raise(SIGKILL);
	if (muster_work_take(work, make_answer(q->len, getpid()), q->len))
		return -2;
	return 7;
}

/* Asks, and tells all that share the memory, but not the data itself. */
static int ask(struct question *q, struct asker *asker)
{
	struct muster_result copy;

	asker->ret = muster_flight_do(q->fd, KEY, work, q, muster_after_ms(PATIENCE_MS),
				      &copy);
	asker->result = copy;
	if (asker->ret)
		return 0;
	asker->sum = checksum(copy.data, copy.len);
	if (copy.data[copy.len])
		asker->ret = 1;
	muster_result_free(&copy);
	return copy.data || copy.len || copy.status;
}

/* ASKERS processes ask; returns how many of them ended well. */
static int ask_by_processes(struct question *q)
{
	pid_t pid[ASKERS];
	int i, good = 0;

	for (i = 0; i < ASKERS; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(ask(q, &q->asker[i]));
	}
	for (i = 0; i < ASKERS; i++)
		good += !reap(pid[i]);
	return good;
}

static struct question *new_question(size_t len, unsigned int wait_for)
{
	struct question *q = share(sizeof(*q));

	if (!q)
		return NULL;
	q->fd = muster_flight_open(NULL, 0, 0, 0, 0);
	q->len = len;
	q->wait_for = wait_for;
	return q->fd < 0 ? NULL : q;
}

/* How many of those who asked got this answer, with these numbers. */
static int same_answers(const struct question *q, uint32_t attempt, uint32_t shared)
{
	char *data = make_answer(q->len, q->leader);
	uint32_t sum = checksum(data, q->len);
	int i, n = 0;

	for (i = 0; i < ASKERS; i++) {
		const struct asker *a = &q->asker[i];

		n += !a->ret && a->sum == sum && a->result.status == 7 &&
		     a->result.len == q->len && a->result.attempt == attempt &&
		     a->result.shared == shared && a->result.token;
	}
	free(data);
	return n;
}

static int leaders(const struct question *q)
{
	int i, n = 0;

	for (i = 0; i < ASKERS; i++)
		n += !q->asker[i].ret && q->asker[i].result.role == MUSTER_ROLE_LEADER;
	return n;
}

FIXTURE(answer) {
};

FIXTURE_VARIANT(answer) {
	size_t len;
};

FIXTURE_SETUP(answer)
{
}

FIXTURE_TEARDOWN(answer)
{
}

FIXTURE_VARIANT_ADD(answer, empty) { .len = 0 };
FIXTURE_VARIANT_ADD(answer, short) { .len = 1 };
FIXTURE_VARIANT_ADD(answer, just_inline) { .len = 4096 };
FIXTURE_VARIANT_ADD(answer, just_not_inline) { .len = 4097 };
FIXTURE_VARIANT_ADD(answer, half_a_megabyte) { .len = 512 << 10 };
/* More than a result of bytes may have: it is a file in between. */
FIXTURE_VARIANT_ADD(answer, three_megabytes) { .len = 3 << 20 };

/* I4, F1, F2, F3 */
TEST_F(answer, once_for_all)
{
	struct question *q = new_question(variant->len, ASKERS - 1);

	ASSERT_NE(NULL, q);
	EXPECT_EQ(ASKERS, ask_by_processes(q));
	EXPECT_EQ(1, q->runs);
	EXPECT_EQ(1, leaders(q));
	EXPECT_EQ(ASKERS, same_answers(q, 1, ASKERS - 1));
}

/* I4, F6: nobody notices but by the attempt */
TEST_F(answer, survives_the_leader)
{
	struct question *q = new_question(variant->len, ASKERS - 1);

	ASSERT_NE(NULL, q);
	q->die = true;
	EXPECT_EQ(ASKERS - 1, ask_by_processes(q));
	EXPECT_EQ(2, q->runs);
	EXPECT_EQ(1, leaders(q));
	EXPECT_EQ(ASKERS - 1, same_answers(q, 2, ASKERS - 2));
}

static void *ask_thread(void *arg)
{
	struct question *q = arg;
	static int next;

	ask(q, &q->asker[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)]);
	return NULL;
}

/* F1, W1: threads are callers like processes */
TEST(flight_among_threads)
{
	struct question *q = new_question(100000, ASKERS - 1);
	pthread_t thread[ASKERS];
	int i;

	ASSERT_NE(NULL, q);
	for (i = 0; i < ASKERS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, ask_thread, q));
	for (i = 0; i < ASKERS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(1, q->runs);
	EXPECT_EQ(ASKERS, same_answers(q, 1, ASKERS - 1));
}

/* F2: alone */
TEST(flight_alone)
{
	struct muster_result result;
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	uint64_t token;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_flight_do(fd, KEY, answer_42, NULL, 0, &result));
	EXPECT_EQ(0, result.status);
	EXPECT_EQ(MUSTER_ROLE_LEADER, result.role);
	EXPECT_EQ(1, result.attempt);
	EXPECT_EQ(0, result.shared);
	EXPECT_EQ(2, result.len);
	EXPECT_STREQ("42", result.data);
	token = result.token;
	muster_result_free(&result);
	EXPECT_EQ(NULL, result.data);
	muster_result_free(&result);
	muster_result_free(NULL);
	ASSERT_EQ(0, muster_flight_do(fd, KEY, answer_42, NULL, 0, &result));
	EXPECT_LT(token, result.token);
	muster_result_free(&result);
	EXPECT_EQ(0, muster_flight_do(fd, KEY, answer_42, NULL, 0, NULL));
}

/* ---- flight: work that goes wrong ---- */

/**
 * struct wrong - work that goes wrong on the first attempt
 * @q:		the question; @q.runs counts
 * @how:	what to do then
 * @ret:	what a setter said
 */
struct wrong {
	struct question q;
	int (*how)(struct muster_work *work, struct wrong *wrong);
	int ret;
};

static int wrong_work(struct muster_work *work, void *arg)
{
	struct wrong *wrong = arg;

	__atomic_add_fetch(&wrong->q.runs, 1, __ATOMIC_SEQ_CST);
	if (work->attempt > 1)
		return answer_42(work, NULL);
	if (!wait_for_followers(&wrong->q))
		return -1;
	return wrong->how(work, wrong);
}

static struct wrong *new_wrong(int (*how)(struct muster_work *, struct wrong *))
{
	struct wrong *wrong = share(sizeof(*wrong));

	if (!wrong)
		return NULL;
	wrong->q.fd = muster_flight_open(NULL, 0, 0, 0, 0);
	wrong->q.wait_for = 1;
	wrong->how = how;
	return wrong->q.fd < 0 ? NULL : wrong;
}

static int wrong_ask(struct wrong *wrong, struct muster_result *result)
{
	return muster_flight_do(wrong->q.fd, KEY, wrong_work, wrong,
				muster_after_ms(PATIENCE_MS), result);
}

/* Exit status 0 if the follower had to do the work and did. */
static int second_attempt(void *arg)
{
	struct muster_result result;
	struct wrong *wrong = arg;

	while (!__atomic_load_n(&wrong->q.runs, __ATOMIC_SEQ_CST))
		usleep(1000);
	if (wrong_ask(wrong, &result))
		return 1;
	if (result.role != MUSTER_ROLE_LEADER || result.attempt != 2)
		return 2;
	return strcmp(result.data, "42") ? 3 : 0;
}

static void *wrong_thread(void *arg)
{
	struct muster_result result = { .status = 99 };

	return (void *)(long)wrong_ask(arg, &result);
}

static int end_thread(struct muster_work *work, struct wrong *wrong)
{
	/* What it has said by now does not count. */
	muster_work_set(work, "half an answer", 14);
	pthread_exit((void *)4711L);
}

static int wait_for_cancel(struct muster_work *work, struct wrong *wrong)
{
	__atomic_store_n(&wrong->ret, 1, __ATOMIC_SEQ_CST);
	return pause();
}

/* F6: a leader whose thread ends, but not its process (Go's defect) */
TEST(flight_leader_ends_its_thread)
{
	struct wrong *wrong = new_wrong(end_thread);
	pthread_t thread;
	pid_t follower;
	void *ret;

	ASSERT_NE(NULL, wrong);
	follower = spawn(second_attempt, wrong);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wrong_thread, wrong));
	pthread_join(thread, &ret);
	EXPECT_EQ(4711, (long)ret);
	EXPECT_EQ(0, reap(follower));
	EXPECT_EQ(2, wrong->q.runs);
}

TEST(flight_leader_is_cancelled)
{
	struct wrong *wrong = new_wrong(wait_for_cancel);
	pthread_t thread;
	pid_t follower;
	void *ret;

	ASSERT_NE(NULL, wrong);
	follower = spawn(second_attempt, wrong);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wrong_thread, wrong));
	ASSERT_SOON(__atomic_load_n(&wrong->ret, __ATOMIC_SEQ_CST));
	pthread_cancel(thread);
	pthread_join(thread, &ret);
	EXPECT_EQ(PTHREAD_CANCELED, ret);
	EXPECT_EQ(0, reap(follower));
}

static int give_up(struct muster_work *work, struct wrong *wrong)
{
	wrong->ret = muster_flight_abandon(work->fd, work->key, work->key_len,
					   work->token);
	return 5;
}

/* F6: ABANDON from within */
TEST(flight_leader_abandons)
{
	struct wrong *wrong = new_wrong(give_up);
	struct muster_result result;
	pid_t follower;

	ASSERT_NE(NULL, wrong);
	follower = spawn(second_attempt, wrong);
	EXPECT_EQ(-EPERM, wrong_ask(wrong, &result));
	EXPECT_EQ(NULL, result.data);
	EXPECT_EQ(1, wrong->ret);
	EXPECT_EQ(0, reap(follower));
}

static int ask_again(struct muster_work *work, struct wrong *wrong)
{
	struct muster_result result;

	wrong->ret = wrong_ask(wrong, &result);
	return 5;
}

/* F11 */
TEST(flight_leader_asks_again)
{
	struct wrong *wrong = new_wrong(ask_again);
	struct muster_result result;

	ASSERT_NE(NULL, wrong);
	wrong->q.wait_for = 0;
	EXPECT_EQ(0, wrong_ask(wrong, &result));
	EXPECT_EQ(5, result.status);
	EXPECT_EQ(-EDEADLK, wrong->ret);
	EXPECT_EQ(1, wrong->q.runs);
	muster_result_free(&result);
}

/* ---- flight: answers that cannot be had ---- */

/* No process has so much memory. */
static int too_long(struct muster_work *work, struct wrong *wrong)
{
	static char data[1];

	/* An answer that was good does not stay. */
	muster_work_set(work, "good", 4);
	wrong->ret = muster_work_set(work, data, SIZE_MAX);
	return 5;
}

static int too_long_then_short(struct muster_work *work, struct wrong *wrong)
{
	too_long(work, wrong);
	muster_work_set(work, "shorter", 7);
	return 5;
}

/* F6: the next one tries */
TEST(flight_answer_too_long)
{
	struct wrong *wrong = new_wrong(too_long);
	struct muster_result result;
	pid_t follower;

	ASSERT_NE(NULL, wrong);
	follower = spawn(second_attempt, wrong);
	EXPECT_EQ(-ENOMEM, wrong_ask(wrong, &result));
	EXPECT_EQ(-ENOMEM, wrong->ret);
	EXPECT_EQ(NULL, result.data);
	EXPECT_EQ(0, reap(follower));
	EXPECT_EQ(2, wrong->q.runs);
}

TEST(flight_answer_shortened)
{
	struct wrong *wrong = new_wrong(too_long_then_short);
	struct muster_result result;

	ASSERT_NE(NULL, wrong);
	wrong->q.wait_for = 0;
	EXPECT_EQ(0, wrong_ask(wrong, &result));
	EXPECT_EQ(-ENOMEM, wrong->ret);
	EXPECT_EQ(5, result.status);
	EXPECT_STREQ("shorter", result.data);
	muster_result_free(&result);
}

/* No more memory for this process than it has now. */
static void freeze_memory(void)
{
	struct rlimit limit = { 0, 0 };
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (statm) {
		if (fscanf(statm, "%lu", &pages) != 1)
			pages = 0;
		fclose(statm);
	}
	limit.rlim_cur = (pages + 16) * getpagesize();
	limit.rlim_max = limit.rlim_cur;
	setrlimit(RLIMIT_AS, &limit);
}

static int out_of_memory(struct muster_work *work, struct wrong *wrong)
{
	/* Half of what is allowed, so that it is memory that is lacking. */
	static char data[512 << 10];

	freeze_memory();
	errno = SOME_ERRNO;
	wrong->ret = muster_work_set(work, data, sizeof(data));
	return errno == SOME_ERRNO ? 5 : 6;
}

static int lead_out_of_memory(void *arg)
{
	struct muster_result result;

	return wrong_ask(arg, &result) == -ENOMEM ? 0 : 1;
}

/* F6: what fails one caller need not fail the next */
TEST(flight_leader_out_of_memory)
{
	struct wrong *wrong = new_wrong(out_of_memory);
	pid_t leader, follower;

	ASSERT_NE(NULL, wrong);
	leader = spawn(lead_out_of_memory, wrong);
	follower = spawn(second_attempt, wrong);
	EXPECT_EQ(0, reap(leader));
	EXPECT_EQ(-ENOMEM, wrong->ret);
	EXPECT_EQ(0, reap(follower));
}

/* Exit status 0 if there was no memory for the result and none is left behind. */
static int follow_out_of_memory(void *arg)
{
	struct muster_result result;
	struct question *q = arg;

	freeze_memory();
	errno = SOME_ERRNO;
	if (muster_flight_do(q->fd, KEY, work, q, muster_after_ms(PATIENCE_MS),
			     &result) != -ENOMEM)
		return 1;
	if (errno != SOME_ERRNO)
		return 2;
	if (result.data)
		return 3;
	/* The group's first call had the token that the leader wrote down. */
	return muster_flight_discard(q->fd, q->asker[0].result.token) == -ENOENT ? 0 : 4;
}

static int lead_half_a_megabyte(struct muster_work *work, void *arg)
{
	static char data[512 << 10];
	struct question *q = arg;

	q->asker[0].result.token = work->token;
	__atomic_add_fetch(&q->runs, 1, __ATOMIC_SEQ_CST);
	if (!wait_for_followers(q))
		return -1;
	return muster_work_set(work, data, sizeof(data));
}

static void *lead_thread(void *arg)
{
	struct question *q = arg;

	return (void *)(long)muster_flight_do(q->fd, KEY, lead_half_a_megabyte, q,
					      MUSTER_FOREVER, NULL);
}

/* F3: a result that cannot be taken is not left in the kernel */
TEST(flight_follower_out_of_memory)
{
	struct question *q = new_question(0, 1);
	pthread_t leader;
	pid_t follower;
	void *ret;

	ASSERT_NE(NULL, q);
	ASSERT_EQ(0, pthread_create(&leader, NULL, lead_thread, q));
	ASSERT_SOON(__atomic_load_n(&q->runs, __ATOMIC_SEQ_CST) == 1);
	follower = spawn(follow_out_of_memory, q);
	pthread_join(leader, &ret);
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(0, reap(follower));
}

/* ---- flight: call by call ---- */

static int raw_leader(void *arg)
{
	struct muster_flight_join join;
	int fd = *(int *)arg;

	if (muster_flight_join(fd, KEY, 0, 0, NULL, 0, &join) != MUSTER_ROLE_LEADER)
		return 1;
	while (!flight_followers(fd))
		usleep(1000);
	return muster_flight_finish(fd, KEY, join.token, -3, "a long answer", 13) == 1 ?
		0 : 2;
}

static uint64_t calls(int fd)
{
	struct muster_flight_stat stat;

	return muster_flight_stat(fd, &stat) ? 0 : stat.calls;
}

/* F1, F3 */
TEST(flight_fetch)
{
	struct muster_flight_join join;
	char buf[16] = "";
	size_t len = 0;
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	pid_t leader;

	ASSERT_LE(0, fd);
	leader = spawn(raw_leader, &fd);
	ASSERT_SOON(calls(fd) == 1);
	ASSERT_EQ(MUSTER_ROLE_FOLLOWER,
		  muster_flight_join(fd, KEY, 0, muster_after_ms(PATIENCE_MS), buf, 6,
				     &join));
	EXPECT_EQ(-3, join.status);
	EXPECT_EQ(13, join.result_len);
	EXPECT_STREQ("a long", buf);
	EXPECT_EQ(-EMSGSIZE, muster_flight_fetch(fd, join.token, buf, 12, &len));
	EXPECT_EQ(13, len);
	EXPECT_EQ(0, muster_flight_fetch(fd, join.token, buf, sizeof(buf), &len));
	EXPECT_STREQ("a long answer", buf);
	EXPECT_EQ(-ENOENT, muster_flight_fetch(fd, join.token, buf, sizeof(buf), NULL));
	EXPECT_EQ(-ENOENT, muster_flight_discard(fd, join.token));
	EXPECT_EQ(0, reap(leader));
}

/* F4, F6, F9 */
TEST(flight_join_forget_abandon)
{
	struct muster_flight_join join;
	int fd = muster_flight_open(NULL, 0, 0, 1, 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, muster_flight_join(fd, KEY, MUSTER_JOIN_NO_LEAD, 0, NULL, 0,
					      &join));
	EXPECT_EQ(-EINVAL, muster_flight_join(fd, KEY, MUSTER_WAIT_TICKET, 0, NULL, 0,
					      &join));
	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(fd, KEY, 0, 0, NULL, 0, &join));
	EXPECT_EQ(1, join.attempt);
	EXPECT_EQ(0, muster_flight_forget(fd, KEY, join.token + 1));
	EXPECT_EQ(1, muster_flight_forget(fd, KEY, 0));
	EXPECT_EQ(0, muster_flight_forget(fd, KEY, 0));
	/* Not standard input. */
	EXPECT_EQ(-EINVAL, muster_flight_finish_keep(fd, KEY, join.token, 0, NULL, 0, 0, 0,
						     MUSTER_FINISH_FD));
	EXPECT_EQ(0, muster_flight_finish(fd, KEY, join.token, 0, NULL, 0));
	EXPECT_EQ(-EPERM, muster_flight_finish(fd, KEY, join.token, 0, NULL, 0));
	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(fd, KEY, 0, 0, NULL, 0, &join));
	EXPECT_EQ(0, muster_flight_abandon(fd, KEY, join.token));
	EXPECT_EQ(-EPERM, muster_flight_abandon(fd, KEY, join.token));
}

/* Lengths of keys that the kernel's 32 bits would cut. */
TEST(flight_key_lengths)
{
	static const char key[MUSTER_KEY_MAX + 1];
	static const size_t cut_to_1 = SIZE_MAX > UINT32_MAX ? (size_t)UINT32_MAX + 2 : 0;
	const size_t wrong[] = { 0, MUSTER_KEY_MAX + 1, SIZE_MAX, cut_to_1 };
	struct muster_flight_join join;
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	unsigned int i;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, muster_flight_do(fd, key, wrong[i], answer_42, NULL, 0,
						    NULL));
		EXPECT_EQ(-EINVAL, muster_flight_join(fd, key, wrong[i], 0, 0, NULL, 0,
						      &join));
		EXPECT_EQ(-EINVAL, muster_flight_finish(fd, key, wrong[i], 1, 0, NULL, 0));
		EXPECT_EQ(-EINVAL, muster_flight_finish_fd(fd, key, wrong[i], 1, 0, 0, 0,
							   0, 0));
		EXPECT_EQ(-EINVAL, muster_flight_followers(fd, key, wrong[i], 1));
		EXPECT_EQ(-EINVAL, muster_flight_abandon(fd, key, wrong[i], 1));
		EXPECT_EQ(-EINVAL, muster_flight_forget(fd, key, wrong[i], 0));
	}
	EXPECT_EQ(0, muster_flight_do(fd, key, MUSTER_KEY_MAX, answer_42, NULL, 0, NULL));
	EXPECT_EQ(0, muster_flight_do(fd, key, 1, answer_42, NULL, 0, NULL));
}

/* F5: a follower's deadline is its own */
TEST(flight_follower_times_out)
{
	struct muster_flight_join join;
	struct muster_result result;
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	pid_t leader;

	ASSERT_LE(0, fd);
	leader = spawn(raw_leader, &fd);
	ASSERT_SOON(calls(fd) == 1);
	kill(leader, SIGSTOP);
	EXPECT_EQ(-ETIMEDOUT, muster_flight_do(fd, KEY, answer_42, NULL,
					       muster_after_ms(5), &result));
	EXPECT_EQ(NULL, result.data);
	EXPECT_EQ(-EBUSY, muster_flight_join(fd, KEY, MUSTER_JOIN_NO_FOLLOW, 0, NULL, 0,
					     &join));
	EXPECT_EQ(-SIGKILL, kill_and_reap(leader));
	EXPECT_EQ(0, muster_flight_do(fd, KEY, answer_42, NULL, MUSTER_FOREVER, &result));
	EXPECT_STREQ("42", result.data);
	muster_result_free(&result);
}

/* F6: no hand-over, as in Go */
TEST(flight_no_handover)
{
	struct wrong *wrong = new_wrong(give_up);
	struct muster_result result;

	ASSERT_NE(NULL, wrong);
	close(wrong->q.fd);
	wrong->q.fd = muster_flight_open(NULL, 0, 0, 0, MUSTER_FLIGHT_NO_HANDOVER);
	ASSERT_LE(0, wrong->q.fd);
	if (!fork()) {
		wrong_ask(wrong, &result);
		_exit(0);
	}
	ASSERT_SOON(__atomic_load_n(&wrong->q.runs, __ATOMIC_SEQ_CST) == 1);
	EXPECT_EQ(-EOWNERDEAD, wrong_ask(wrong, &result));
	wait(NULL);
}

TEST_MUSTER_MAIN
