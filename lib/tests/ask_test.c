// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Results that are files call by call, and what else one can ask for: F3, F7, F9, F10
 */
#include "scene.h"

/* ---- call by call ---- */

/* Leads, and hands a file or bytes in when somebody follows. */
static int raw_leader(void *arg)
{
	struct muster_flight_join join;
	struct scene *scene = arg;
	int file;

	if (muster_flight_join(scene->fd, KEY, 0, 0, NULL, 0, &join) != MUSTER_ROLE_LEADER)
		return 1;
	__atomic_store_n(&scene->runs, 1, __ATOMIC_SEQ_CST);
	scene->writer = getpid();
	while (muster_flight_followers(scene->fd, KEY, join.token) < 1)
		usleep(1000);
	if (!scene->step)
		return muster_flight_finish(scene->fd, KEY, join.token, 3, "bytes", 5) - 1;
	file = make_memory(scene->len, MFD_ALLOW_SEALING);
	if (muster_flight_finish_fd(scene->fd, KEY, join.token, 3, file, 0, 0, 0) != -EINVAL)
		return 2;
	fcntl(file, F_ADD_SEALS, SEALS);
	if (muster_flight_finish_fd(scene->fd, KEY, join.token, 3, file, 0, 0, 0) != 1)
		return 3;
	raise(SIGKILL);
	return 4;
}

#define FOLLOW_LEADER(flags, buf, len) do {					\
	ASSERT_SOON(scene->runs == 1);						\
	ASSERT_EQ(MUSTER_ROLE_FOLLOWER,						\
		  muster_flight_join(scene->fd, KEY, flags,			\
				     MUSTER_FOREVER, buf, len, &join)); \
	EXPECT_EQ(3, join.status);						\
} while (0)

/* F3: what is handed in is there, whatever becomes of the leader. */
TEST(join_as_descriptor)
{
	struct scene *scene = new_scene(NULL, 5000, 1);
	struct muster_flight_join join;
	pid_t leader;

	ASSERT_NE(NULL, scene);
	scene->step = 1;
	leader = spawn(raw_leader, scene);
	FOLLOW_LEADER(MUSTER_JOIN_FD, NULL, 0);
	EXPECT_EQ(-SIGKILL, reap(leader));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_FD, join.outcome);
	EXPECT_EQ(5000, join.result_len);
	EXPECT_TRUE(file_is_by(join.fd, 5000, leader));
	EXPECT_EQ(-1, write(join.fd, "", 1));
	EXPECT_EQ(-ENOENT, muster_flight_fetch_fd(scene->fd, join.token));
	EXPECT_EQ(-ENOENT, muster_flight_join(scene->fd, KEY,
					      MUSTER_JOIN_FD | MUSTER_JOIN_NO_LEAD, 0, NULL,
					      0, &join));
	EXPECT_EQ(-1, join.fd);
}

TEST(join_as_descriptor_of_bytes)
{
	struct scene *scene = new_scene(NULL, 5000, 1);
	struct muster_flight_join join;
	char buf[8] = "";
	pid_t leader;

	ASSERT_NE(NULL, scene);
	leader = spawn(raw_leader, scene);
	FOLLOW_LEADER(MUSTER_JOIN_FD, buf, 3);
	EXPECT_EQ(0, reap(leader));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_TRUNCATED, join.outcome);
	EXPECT_EQ(-1, join.fd);
	EXPECT_STREQ("byt", buf);
	/* It is no file, and is there still. */
	EXPECT_EQ(-EINVAL, muster_flight_fetch_fd(scene->fd, join.token));
	EXPECT_EQ(0, muster_flight_fetch(scene->fd, join.token, buf, sizeof(buf), NULL));
	EXPECT_STREQ("bytes", buf);
}

TEST(fetch_as_descriptor)
{
	struct scene *scene = new_scene(NULL, 5000, 1);
	struct muster_flight_join join;
	pid_t leader;
	char buf[8];
	int file;

	ASSERT_NE(NULL, scene);
	scene->step = 1;
	leader = spawn(raw_leader, scene);
	FOLLOW_LEADER(0, buf, sizeof(buf));
	EXPECT_EQ(-SIGKILL, reap(leader));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_TRUNCATED, join.outcome);
	EXPECT_TRUE(is_by(buf, sizeof(buf), leader));
	file = muster_flight_fetch_fd(scene->fd, join.token);
	ASSERT_LE(0, file);
	EXPECT_EQ(FD_CLOEXEC, fcntl(file, F_GETFD));
	EXPECT_TRUE(file_is_by(file, 5000, leader));
	EXPECT_EQ(-ENOENT, muster_flight_fetch_fd(scene->fd, join.token));
}

/* T5: from a ticket, as often as one likes */
TEST(ticket_as_descriptor)
{
	struct scene *scene = new_scene(NULL, 5000, 1);
	struct muster_verdict verdict;
	int ticket, i, file;
	pid_t leader;

	ASSERT_NE(NULL, scene);
	scene->step = 1;
	leader = spawn(raw_leader, scene);
	ASSERT_SOON(scene->runs == 1);
	ticket = muster_flight_join_async(scene->fd, KEY, MUSTER_JOIN_FD, MUSTER_FOREVER);
	ASSERT_LE(0, ticket);
	EXPECT_EQ(0, muster_ticket_read(ticket, &verdict, NULL, 0));
	EXPECT_EQ(-SIGKILL, reap(leader));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_FD, verdict.outcome);
	EXPECT_EQ(5000, verdict.result_len);
	for (i = 0; i < 2; i++) {
		file = muster_flight_fetch_fd(ticket, verdict.token);
		ASSERT_LE(0, file);
		EXPECT_TRUE(file_is_by(file, 5000, leader));
	}
}

/* ---- what else one can ask for ---- */

static int follow_and_stay(void *arg)
{
	struct muster_result result;

	while (!__atomic_load_n(&((struct scene *)arg)->runs, __ATOMIC_SEQ_CST))
		usleep(1000);
	return ask(arg, 0, &result);
}

static int work_for_somebody(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;

	begin_work(scene, work);
	scene->step = 1;
	while (muster_work_followers(work))
		usleep(1000);
	muster_flight_abandon(work->fd, work->key, work->key_len, work->token);
	scene->ret = muster_work_followers(work);
	return 5;
}

/* F10: when the last one has left, the work need not go on. */
TEST(nobody_waits_any_more)
{
	struct scene *scene = new_scene(work_for_somebody, 0, 3);
	struct muster_result result;
	pid_t leader, pid[3];
	int i;

	ASSERT_NE(NULL, scene);
	for (i = 0; i < 3; i++)
		pid[i] = spawn(follow_and_stay, scene);
	leader = fork();
	if (!leader) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(ask(scene, 0, &result) == -EPERM ? 0 : 1);
	}
	ASSERT_SOON(__atomic_load_n(&scene->step, __ATOMIC_SEQ_CST));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(3 - i, flight_followers(scene->fd));
		kill(pid[i], SIGKILL);
		EXPECT_EQ(-SIGKILL, reap(pid[i]));
	}
	EXPECT_EQ(0, reap(leader));
	EXPECT_EQ(-EPERM, scene->ret);
}

/* Asks for its own key, which another call has by then. */
static int work_forgotten(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;

	if (scene->runs++)
		return 7;
	scene->ret = ask(scene, 0, NULL);
	return 5;
}

/* F7, F11 */
TEST(forget_after)
{
	struct scene *scene = new_scene(work_forgotten, 0, 0);
	struct muster_question question = {
		.fn = work_forgotten,
		.arg = scene,
		.forget_after = 1,
	};
	struct muster_result result;

	ASSERT_NE(NULL, scene);
	ASSERT_EQ(0, muster_flight_ask(scene->fd, KEY, &question, &result));
	EXPECT_EQ(5, result.status);
	EXPECT_EQ(0, scene->ret);
	EXPECT_EQ(2, scene->runs);
	muster_result_free(&result);
	scene->runs = 0;
	question.forget_after = 0;
	ASSERT_EQ(0, muster_flight_ask(scene->fd, KEY, &question, NULL));
	EXPECT_EQ(-EDEADLK, scene->ret);
}

/* F9, T3, T5, I1 */
TEST(questions)
{
	struct muster_question question = { .flags = MUSTER_JOIN_NO_LEAD };
	int fd = muster_flight_open(NULL, 0, 0, 0, 0);
	struct muster_flight_join join;
	struct muster_result result;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, muster_flight_ask(fd, KEY, &question, &result));
	question.flags = 0;
	EXPECT_EQ(-EINVAL, muster_flight_ask(fd, KEY, &question, &result));
	EXPECT_EQ(-1, result.fd);
	question.fn = answer_42;
	question.reserved[2] = 1;
	EXPECT_EQ(-EINVAL, muster_flight_ask(fd, KEY, &question, &result));
	question.reserved[2] = 0;
	question.flags = MUSTER_WAIT_TICKET;
	EXPECT_EQ(-EINVAL, muster_flight_ask(fd, KEY, &question, &result));
	question.flags = 1U << 31;
	EXPECT_EQ(-EINVAL, muster_flight_ask(fd, KEY, &question, &result));
	question.flags = MUSTER_JOIN_NO_FOLLOW | MUSTER_JOIN_MIGRATORY;
	ASSERT_EQ(0, muster_flight_ask(fd, KEY, &question, &result));
	EXPECT_STREQ("42", result.data);
	muster_result_free(&result);
	question.flags = MUSTER_JOIN_NO_RESULT;
	ASSERT_EQ(0, muster_flight_ask(fd, KEY, &question, &result));
	EXPECT_EQ(NULL, result.data);

	ASSERT_EQ(MUSTER_ROLE_LEADER, muster_flight_join(fd, KEY, 0, 0, NULL, 0, &join));
	EXPECT_EQ(-1, join.fd);
	question.flags = MUSTER_JOIN_NO_FOLLOW | MUSTER_JOIN_MIGRATORY;
	EXPECT_EQ(-EBUSY, muster_flight_ask(fd, KEY, &question, &result));
	question.flags = MUSTER_WAIT_NONBLOCK | MUSTER_JOIN_MIGRATORY;
	EXPECT_EQ(-EAGAIN, muster_flight_ask(fd, KEY, &question, &result));
	question.flags = MUSTER_WAIT_REALTIME | MUSTER_JOIN_MIGRATORY;
	question.deadline = 1;
	EXPECT_EQ(-ETIMEDOUT, muster_flight_ask(fd, KEY, &question, &result));
	EXPECT_EQ(0, muster_flight_followers(fd, KEY, join.token));
	EXPECT_EQ(-EPERM, muster_flight_followers(fd, KEY, join.token + 1));
}

TEST_MUSTER_MAIN
