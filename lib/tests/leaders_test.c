// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Leaders that die or fail while the result is to be a file: F3, F6
 */
#include <sys/ptrace.h>

#include "scene.h"

FIXTURE(leader) {
};

FIXTURE_SETUP(leader)
{
}

FIXTURE_TEARDOWN(leader)
{
}

/* The first attempt dies at the step that the scene says. */
static int work_in_steps(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	bool first = work->attempt == 1;
	int file, step = 0;

#define STEP()	do { if (first && step++ == scene->step) raise(SIGKILL); } while (0)
	begin_work(scene, work);
	STEP();
	file = make_memory(scene->len / 2, MFD_ALLOW_SEALING);
	STEP();
	if (write_bytes(file, scene->len) < 0)
		return -2;
	STEP();
	if (muster_work_set_fd(work, file))
		return -3;
	STEP();
	close(file);
	/* What was set does not count, what is set last does. */
	if (muster_work_take_fd(work, make_memory(scene->len, MFD_ALLOW_SEALING)))
		return -4;
	STEP();
	return 7;
#undef STEP
}

#define STEPS	5

static int lead_in_steps(void *arg)
{
	struct muster_result result;

	return ask(arg, MUSTER_JOIN_FD, &result);
}

/* Exit status 1 if it has done the work itself, as second; 0 if it followed. */
static int heir(void *arg)
{
	struct muster_result result;
	struct scene *scene = arg;
	bool leads;

	while (!__atomic_load_n(&scene->runs, __ATOMIC_SEQ_CST))
		usleep(1000);
	if (ask(scene, MUSTER_JOIN_FD, &result))
		return 10;
	leads = result.role == MUSTER_ROLE_LEADER;
	if (result.attempt != 1u + leads || leads != (scene->writer == getpid()))
		return 11;
	if (check_answer(scene, &result, true))
		return 12;
	return leads;
}

/* F6: whenever it dies, the next one does the work, and nothing is torn. */
TEST_F_TIMEOUT(leader, dies_at_each_step, 300)
{
	int step;

	for (step = 0; step < STEPS; step++) {
		struct scene *scene = new_scene(work_in_steps, 9000, 1);
		pid_t leader, follower;

		ASSERT_NE(NULL, scene);
		scene->step = step;
		leader = spawn(lead_in_steps, scene);
		follower = spawn(heir, scene);
		EXPECT_EQ(-SIGKILL, reap(leader));
		EXPECT_EQ(1, reap(follower));
		EXPECT_EQ(2, scene->runs);
	}
}

static int work_traced(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;

	begin_work(scene, work);
	if (work->attempt == 1) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
	}
	/* By way of all there is: it is too long for bytes. */
	if (muster_work_set(work, "to be replaced", 14) ||
	    muster_work_take(work, make_bytes(scene->len), scene->len))
		return -2;
	return 7;
}

static int lead_traced(void *arg)
{
	struct muster_result result;
	int ret = ask(arg, MUSTER_JOIN_FD, &result);

	if (!ret)
		ret = check_answer(arg, &result, true);
	muster_result_free(&result);
	return ret;
}

/* Lets it come to its nth stop, on entry to or exit from a call; false if it ended. */
static bool come_to_stop(pid_t pid, int nth)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return false;
		if (!nth--)
			return true;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			return false;
	}
}

/* F6, F12: it is killed in each of its system calls, before and after. */
TEST_F_TIMEOUT(leader, dies_in_each_call, 300)
{
	struct muster_info info;
	bool followed = false;
	pid_t leader, follower;
	int stop, ret, own = 0;

	ASSERT_EQ(0, muster_info(&info));
	for (stop = 0; ; stop++) {
		struct scene *scene = new_scene(work_traced, info.result_max + 1, 1);

		ASSERT_NE(NULL, scene);
		leader = spawn(lead_traced, scene);
		follower = spawn(heir, scene);
		if (!come_to_stop(leader, stop))
			break;
		kill(leader, SIGKILL);
		EXPECT_EQ(-SIGKILL, reap(leader));
		ret = reap(follower);
		/* Up to one of them it did the work, from then on it got the answer. */
		ASSERT_EQ(!followed && ret == 1, ret);
		followed = !ret;
		own += ret;
		close(scene->fd);
		munmap(scene, sizeof(*scene));
	}
	EXPECT_EQ(0, reap(follower));
	EXPECT_TRUE(followed);
	EXPECT_LT(4, own);
}

/* ---- leaders that fail ---- */

static int work_unsealed(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	int file = make_memory(10, MFD_ALLOW_SEALING);

	begin_work(scene, work);
	if (work->attempt > 1)
		return work_take_memory(work, arg);
	scene->ret = muster_work_set_fd(work, file);
	close(file);
	return 5;
}

/* It can be found out only when it is handed in; the next one may do better. */
TEST(unsealed_memory)
{
	struct scene *scene = new_scene(work_unsealed, 5000, 1);
	struct muster_result result;
	pid_t follower;
	int fds;

	ASSERT_NE(NULL, scene);
	fds = count_fds();
	follower = spawn(heir, scene);
	EXPECT_EQ(-EINVAL, ask(scene, MUSTER_JOIN_FD, &result));
	EXPECT_EQ(0, scene->ret);
	EXPECT_EQ(-1, result.fd);
	EXPECT_EQ(1, reap(follower));
	EXPECT_EQ(fds, count_fds());
}

TEST_MUSTER_MAIN
