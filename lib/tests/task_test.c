// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tasks in processes of their own: G2, G4, G5f
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib_test.h"

#define TASKS	8

/* What all processes of a test see. */
struct shared {
	int begun;
	int told;
	int running;
	int most;
	int alive[TASKS];
	int go;
};

static struct shared *shared;

static int add_to(int *counter, int n)
{
	return __atomic_add_fetch(counter, n, __ATOMIC_SEQ_CST);
}

static int get(const int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

/* Else a test that fails leaves processes that hold its output. */
static void die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void no_children_left(struct __test_metadata *_metadata)
{
	EXPECT_EQ(-1, waitpid(-1, NULL, __WALL));
	EXPECT_EQ(ECHILD, errno);
}

static int fds_open(void)
{
	int fd, nr = 0;

	for (fd = 0; fd < 200; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

FIXTURE(task) {
	struct muster_task tasks[TASKS];
	struct muster_tasks_how how;
	int fds;
};

FIXTURE_SETUP(task)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	self->fds = fds_open();
	errno = SOME_ERRNO;
}

FIXTURE_TEARDOWN(task)
{
	muster_tasks_free(self->tasks, TASKS);
	EXPECT_EQ(self->fds, fds_open());
	no_children_left(_metadata);
}

static void set_tasks(struct muster_task *tasks, muster_task_fn fn)
{
	long i;

	for (i = 0; i < TASKS; i++)
		tasks[i] = (struct muster_task){ .fn = fn, .arg = (void *)i };
}

/* ---- the tasks ---- */

static int say_number(int fd, uint64_t slot, void *arg)
{
	char text[16];

	snprintf(text, sizeof(text), "number %ld", (long)arg);
	return muster_group_done(fd, slot, 0, text, strlen(text));
}

/* Runs until it is told to stop, and says that it was. */
static int until_told(int fd, uint64_t slot, void *arg)
{
	struct pollfd told = { .fd = fd, .events = POLLPRI };

	die_with_parent();
	add_to(&shared->begun, 1);
	poll(&told, 1, -1);
	add_to(&shared->told, muster_task_cancelled(fd));
	return 7;
}

/* Does not look, whatever it is told. */
static int for_ever(int fd, uint64_t slot, void *arg)
{
	die_with_parent();
	signal(SIGTERM, SIG_IGN);
	add_to(&shared->begun, 1);
	while (add_to(&shared->begun, 0))
		pause();
	return 0;
}

/* In order: each waits for those with a greater number to have ended. */
static int in_turn(int fd, uint64_t slot, void *arg)
{
	struct muster_group_stat stat;
	long me = (long)arg;

	die_with_parent();
	do
		usleep(1000);
	while (muster_group_stat(fd, &stat, NULL, 0) ||
	       stat.succeeded + stat.failed != TASKS - 1 - me);
	return 0;
}

static int count_running(int fd, uint64_t slot, void *arg)
{
	int now = add_to(&shared->running, 1), most = get(&shared->most);

	while (now > most && !__atomic_compare_exchange_n(&shared->most, &most, now, false,
							   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	usleep(1000);
	add_to(&shared->running, -1);
	return 0;
}

static int fail(int fd, uint64_t slot, void *arg)
{
	return 33;
}

static int crash(int fd, uint64_t slot, void *arg)
{
	raise(SIGKILL);
	return 0;
}

static int leave(int fd, uint64_t slot, void *arg)
{
	_exit(3);
}

static int end_thread(int fd, uint64_t slot, void *arg)
{
	pthread_exit(NULL);
}

/* Fails when the others run. */
static int fail_late(int fd, uint64_t slot, void *arg)
{
	while (get(&shared->begun) < TASKS - 1)
		usleep(1000);
	return 33;
}

static int succeed_late(int fd, uint64_t slot, void *arg)
{
	fail_late(fd, slot, arg);
	return say_number(fd, slot, arg);
}

/* ---- all ---- */

/* G4, G5f: results in order. */
TEST_F(task, all)
{
	char text[16];
	int i;

	set_tasks(self->tasks, say_number);
	EXPECT_EQ(TASKS, muster_all(self->tasks, TASKS, MUSTER_FOREVER, NULL));
	EXPECT_EQ(SOME_ERRNO, errno);
	EXPECT_EQ(NULL, muster_tasks_failure(self->tasks, TASKS));
	for (i = 0; i < TASKS; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		EXPECT_STREQ(text, self->tasks[i].data);
		EXPECT_EQ(strlen(text), self->tasks[i].len);
		EXPECT_EQ(MUSTER_TASK_DONE, self->tasks[i].state);
		EXPECT_EQ(0, self->tasks[i].status);
		EXPECT_EQ(0, self->tasks[i].exit);
		EXPECT_EQ(self->tasks[i].order, self->tasks[i].rank);
		EXPECT_EQ(&self->tasks[i], muster_tasks_ranked(self->tasks, TASKS,
							       self->tasks[i].rank));
	}
}

/* G3: so many at once. */
TEST_F(task, all_with_limit)
{
	self->how.limit = 2;
	set_tasks(self->tasks, count_running);
	EXPECT_EQ(TASKS, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_LE(get(&shared->most), 2);
	EXPECT_LE(1, get(&shared->most));
}

/* G3: the first failure tells the others. */
TEST_F(task, all_until_failure)
{
	struct muster_task *failure;
	int i;

	set_tasks(self->tasks, until_told);
	self->tasks[2].fn = fail_late;
	EXPECT_EQ(0, muster_all(self->tasks, TASKS, MUSTER_FOREVER, NULL));
	EXPECT_EQ(TASKS - 1, get(&shared->told));
	failure = muster_tasks_failure(self->tasks, TASKS);
	ASSERT_EQ(&self->tasks[2], failure);
	EXPECT_EQ(33, failure->status);
	EXPECT_EQ(1, failure->order);
	EXPECT_EQ(1, failure->exit);
	for (i = 0; i < TASKS; i++)
		EXPECT_EQ(i == 2 ? 33 : 7, self->tasks[i].status);
}

/* G3: what has not begun does not begin. */
TEST_F(task, none_begins_after_failure)
{
	self->how.limit = 1;
	set_tasks(self->tasks, until_told);
	self->tasks[0].fn = fail;
	EXPECT_EQ(0, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(0, get(&shared->begun));
	EXPECT_EQ(33, self->tasks[0].status);
	EXPECT_EQ(MUSTER_TASK_NOT_BEGUN, self->tasks[1].state);
	EXPECT_EQ(-ECANCELED, self->tasks[1].status);
	EXPECT_EQ(-1, self->tasks[1].exit);
}

/* G2: crashes are failures; all of them are told, if they all are to run. */
TEST_F(task, all_beyond_failures)
{
	self->how.flags = MUSTER_TASKS_KEEP_GOING;
	set_tasks(self->tasks, say_number);
	self->tasks[0].fn = fail;
	self->tasks[1].fn = crash;
	self->tasks[2].fn = leave;
	self->tasks[3].fn = end_thread;
	EXPECT_EQ(TASKS - 4, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(33, self->tasks[0].status);
	EXPECT_EQ(MUSTER_TASK_DIED, self->tasks[1].state);
	EXPECT_EQ(-EOWNERDEAD, self->tasks[1].status);
	EXPECT_EQ(SIGKILL, self->tasks[1].signal);
	EXPECT_EQ(-1, self->tasks[1].exit);
	EXPECT_EQ(MUSTER_TASK_DIED, self->tasks[2].state);
	EXPECT_EQ(3, self->tasks[2].exit);
	EXPECT_EQ(0, self->tasks[2].signal);
	EXPECT_EQ(MUSTER_TASK_DONE, self->tasks[3].state);
	EXPECT_EQ(-ECANCELED, self->tasks[3].status);
	EXPECT_STREQ("number 4", self->tasks[4].data);
	EXPECT_EQ(NULL, self->tasks[1].data);
}

/* T2: a deadline; and one that has passed. */
TEST_F(task, deadline)
{
	set_tasks(self->tasks, until_told);
	EXPECT_EQ(-ETIMEDOUT, muster_all(self->tasks, TASKS, 0, NULL));
	EXPECT_EQ(0, get(&shared->begun));
	EXPECT_EQ(-ETIMEDOUT, muster_all(self->tasks, TASKS, muster_after_ms(50), NULL));
	EXPECT_EQ(get(&shared->begun), get(&shared->told));
}

/* Who does not listen is killed, if that is wanted. */
TEST_F(task, grace)
{
	int i;

	self->how.grace = 1000000;
	set_tasks(self->tasks, for_ever);
	self->tasks[TASKS - 1].fn = fail_late;
	EXPECT_EQ(0, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(TASKS - 1, get(&shared->begun));
	for (i = 0; i < TASKS - 1; i++) {
		EXPECT_EQ(MUSTER_TASK_DIED, self->tasks[i].state);
		EXPECT_EQ(SIGKILL, self->tasks[i].signal);
	}
}

/* ---- race, take, last ---- */

/* G5f: the first success ends it. */
TEST_F(task, race)
{
	struct muster_task *winner;

	set_tasks(self->tasks, until_told);
	self->tasks[5].fn = succeed_late;
	EXPECT_EQ(1, muster_race(self->tasks, TASKS, MUSTER_FOREVER, NULL));
	winner = muster_tasks_ranked(self->tasks, TASKS, 1);
	ASSERT_EQ(&self->tasks[5], winner);
	EXPECT_STREQ("number 5", winner->data);
	EXPECT_EQ(TASKS - 1, get(&shared->told));
	EXPECT_EQ(0, muster_race(self->tasks, 0, MUSTER_FOREVER, NULL));
}

/* As gollback: failures do not count. As Hunch: they do. */
TEST_F(task, race_with_failures)
{
	set_tasks(self->tasks, fail);
	self->tasks[2].fn = crash;
	EXPECT_EQ(0, muster_race(self->tasks, TASKS, MUSTER_FOREVER, NULL));
	self->tasks[7].fn = say_number;
	EXPECT_EQ(1, muster_race(self->tasks, TASKS, MUSTER_FOREVER, NULL));
	EXPECT_EQ(1, self->tasks[7].rank);
	muster_tasks_free(self->tasks, TASKS);
	self->how.flags = MUSTER_TASKS_STOP_AT_FAILURE;
	self->how.limit = 1;
	EXPECT_EQ(0, muster_race(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(33, self->tasks[0].status);
	EXPECT_EQ(MUSTER_TASK_NOT_BEGUN, self->tasks[7].state);
}

/* With a limit there are moments at which no task is left. */
TEST_F(task, take)
{
	int i, rank;

	for (i = 1; i <= 4; i++) {
		self->how.limit = i % 3;
		set_tasks(self->tasks, i % 2 ? say_number : in_turn);
		if (i % 2 == 0)
			self->how.limit = 0;
		EXPECT_EQ(i, muster_take(self->tasks, TASKS, i, MUSTER_FOREVER, &self->how));
		for (rank = 1; rank <= i; rank++)
			EXPECT_EQ(rank, muster_tasks_ranked(self->tasks, TASKS, rank)->order);
		EXPECT_EQ(NULL, muster_tasks_ranked(self->tasks, TASKS, i + 1));
		if (i % 2 == 0)
			EXPECT_EQ(1, self->tasks[TASKS - 1].rank);
		muster_tasks_free(self->tasks, TASKS);
	}
	EXPECT_EQ(-EINVAL, muster_take(self->tasks, TASKS, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, muster_take(self->tasks, TASKS, TASKS + 1, 0, NULL));
}

/* G5f: the last to succeed count, in the order that the kernel saw. */
TEST_F(task, last)
{
	set_tasks(self->tasks, in_turn);
	EXPECT_EQ(3, muster_last(self->tasks, TASKS, 3, MUSTER_FOREVER, NULL));
	EXPECT_EQ(3, self->tasks[0].rank);
	EXPECT_EQ(2, self->tasks[1].rank);
	EXPECT_EQ(1, self->tasks[2].rank);
	EXPECT_EQ(0, self->tasks[3].rank);
	set_tasks(self->tasks, fail);
	EXPECT_EQ(0, muster_last(self->tasks, TASKS, 3, MUSTER_FOREVER, NULL));
}

/* ---- how it is run ---- */

static void *cancel_when_all_run(void *arg)
{
	while (get(&shared->begun) < TASKS)
		usleep(1000);
	muster_group_cancel(*(int *)arg);
	return NULL;
}

/* Anybody who has the group can stop it. */
TEST_F(task, parent)
{
	int group = muster_group_open(NULL, 0, 0, 0, 0);
	pthread_t thread;

	set_tasks(self->tasks, until_told);
	self->how = (struct muster_tasks_how){
		.flags = MUSTER_TASKS_PARENT, .parent = group, .limit = TASKS,
	};
	pthread_create(&thread, NULL, cancel_when_all_run, &group);
	EXPECT_EQ(-ECANCELED, muster_last(self->tasks, TASKS, 1, MUSTER_FOREVER, &self->how));
	pthread_join(thread, NULL);
	EXPECT_EQ(TASKS, get(&shared->told));
	EXPECT_EQ(-ECANCELED, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(TASKS, get(&shared->begun));
	close(group);
	EXPECT_EQ(-EBADF, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	/* What could not be opened. */
	self->how.parent = -ENOSPC;
	EXPECT_EQ(-EBADF, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(-EBADF, muster_task_cancelled(-1));
	EXPECT_EQ(TASKS, get(&shared->begun));
}

static int cancels_itself(int fd, uint64_t slot, void *arg)
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return 0;
}

/* G5f: a task runs as from fork(2): it can be cancelled as the caller can. */
TEST_F(task, cancellable)
{
	set_tasks(self->tasks, cancels_itself);
	EXPECT_EQ(0, muster_all(self->tasks, 1, MUSTER_FOREVER, NULL));
	EXPECT_EQ(-ECANCELED, self->tasks[0].status);
}

static int says_cancelled(int fd, uint64_t slot, void *arg)
{
	return muster_task_cancelled(fd);
}

/* G5f: the first of a PID namespace, which does not see who began it. */
TEST_F(task, pid_namespace)
{
	pid_t pid = fork();

	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(77);
		set_tasks(self->tasks, says_cancelled);
		_exit(muster_all(self->tasks, 1, MUSTER_FOREVER, NULL) == 1 ? 0 : 1);
	}
	switch (reap(pid)) {
	case 77:
		SKIP(return, "no PID namespace");
	case 0:
		break;
	default:
		EXPECT_TRUE(false) TH_LOG("it believes that it is an orphan");
	}
}

TEST_F(task, invalid)
{
	set_tasks(self->tasks, until_told);
	self->how.reserved[4] = 1;
	EXPECT_EQ(-EINVAL, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	self->how = (struct muster_tasks_how){ .flags = MUSTER_TASKS_STOP_AT_FAILURE };
	EXPECT_EQ(-EINVAL, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	self->how.flags = MUSTER_TASKS_KEEP_GOING;
	EXPECT_EQ(-EINVAL, muster_race(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	self->how = (struct muster_tasks_how){ .limit = 1U << 31 };
	EXPECT_EQ(-EINVAL, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	EXPECT_EQ(0, get(&shared->begun));
}

static void take_any(int signal)
{
	int saved = errno;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

/* What the caller does with SIGCHLD is its own affair. */
TEST_F(task, sigchld)
{
	struct sigaction act = { .sa_handler = SIG_IGN }, now;
	int i, j;

	for (i = 0; i < 2; i++) {
		act.sa_handler = i ? take_any : SIG_IGN;
		sigaction(SIGCHLD, &act, NULL);
		self->how.limit = i + 1;
		set_tasks(self->tasks, say_number);
		self->tasks[3].fn = crash;
		EXPECT_EQ(7, muster_take(self->tasks, TASKS, 7, MUSTER_FOREVER, &self->how));
		for (j = 0; j < TASKS; j++)
			EXPECT_EQ(j == 3 ? -EOWNERDEAD : 0, self->tasks[j].status);
		sigaction(SIGCHLD, NULL, &now);
		EXPECT_EQ(act.sa_handler, now.sa_handler);
		muster_tasks_free(self->tasks, TASKS);
	}
	signal(SIGCHLD, SIG_DFL);
}

/* A descriptor too many, for each of those it takes: the others end, and nothing is left. */
TEST_F(task, no_descriptor)
{
	struct rlimit was, limit;
	int i;

	getrlimit(RLIMIT_NOFILE, &was);
	limit = was;
	for (i = 0; i < 6; i++) {
		limit.rlim_cur = self->fds + i;
		setrlimit(RLIMIT_NOFILE, &limit);
		set_tasks(self->tasks, until_told);
		EXPECT_EQ(-EMFILE, muster_all(self->tasks, TASKS, MUSTER_FOREVER, NULL));
		/* The one that has no descriptor may have begun before it was killed. */
		EXPECT_LE(get(&shared->told), get(&shared->begun));
		EXPECT_LE(get(&shared->begun), get(&shared->told) + 1);
		EXPECT_EQ(MUSTER_TASK_NOT_BEGUN, self->tasks[TASKS - 1].state);
		shared->begun = 0;
		shared->told = 0;
		muster_tasks_free(self->tasks, TASKS);
	}
	setrlimit(RLIMIT_NOFILE, &was);
}

/* ---- waterfall ---- */

static int one_more(int fd, uint64_t slot, const void *data, size_t len, void *arg)
{
	char text[32];

	if (arg)
		return 33;
	snprintf(text, sizeof(text), "%.*s.", (int)len, (const char *)data);
	return muster_group_done(fd, slot, 0, text, strlen(text));
}

TEST_F(task, waterfall)
{
	struct muster_step steps[4] = {
		{ one_more, NULL }, { one_more, NULL }, { one_more, NULL }, { one_more, NULL },
	};
	struct muster_task last;

	EXPECT_EQ(4, muster_waterfall(steps, 4, "go", 2, MUSTER_FOREVER, NULL, &last));
	EXPECT_STREQ("go....", last.data);
	muster_tasks_free(&last, 1);
	EXPECT_EQ(4, muster_waterfall(steps, 4, NULL, 0, MUSTER_FOREVER, NULL, &last));
	EXPECT_STREQ("....", last.data);
	muster_tasks_free(&last, 1);
	steps[2].arg = steps;
	EXPECT_EQ(2, muster_waterfall(steps, 4, "go", 2, MUSTER_FOREVER, NULL, &last));
	EXPECT_EQ(33, last.status);
	muster_tasks_free(&last, 1);
	EXPECT_EQ(0, muster_waterfall(steps, 0, "go", 2, MUSTER_FOREVER, NULL, &last));
	EXPECT_EQ(MUSTER_TASK_NOT_BEGUN, last.state);
	EXPECT_EQ(-ETIMEDOUT, muster_waterfall(steps, 4, "go", 2, 0, NULL, &last));
	muster_tasks_free(&last, 1);
}

/* ---- death at every instant ---- */

/* What happens right after fork(2), in the parent and in the child. */
static void (*forked_parent)(void), (*forked_child)(void);
static pid_t bystander_pid;

static void in_parent(void)
{
	void (*fn)(void) = forked_parent;

	forked_parent = NULL;
	if (fn)
		fn();
}

static void in_child(void)
{
	if (forked_child)
		forked_child();
}

static void kill_me(void)
{
	raise(SIGKILL);
}

/* As another thread might: a child that has all that its parent has, and stays. */
static void bystander(void)
{
	forked_child = NULL;
	bystander_pid = fork();
	if (bystander_pid)
		return;
	die_with_parent();
	for (;;)
		pause();
}

/* G2: killed before it could claim its task, while another child has the parent's files. */
TEST_F(task, killed_before_claim)
{
	int fd = muster_group_open(NULL, 0, 0, 0, 0), pid, i;
	struct muster_group_result result;
	uint64_t slot;

	ASSERT_EQ(0, pthread_atfork(NULL, in_parent, in_child));
	forked_parent = bystander;
	forked_child = kill_me;
	pid = muster_group_spawn(fd, until_told, NULL, MUSTER_FOREVER, &slot);
	ASSERT_LT(0, pid);
	EXPECT_EQ(-SIGKILL, reap(pid));
	EXPECT_EQ(0, muster_group_result(fd, slot, NULL, 0, &result));
	EXPECT_EQ(-EOWNERDEAD, result.status);
	close(fd);

	kill(bystander_pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, reap(bystander_pid));
	self->how.flags = MUSTER_TASKS_KEEP_GOING;
	set_tasks(self->tasks, until_told);
	forked_child = kill_me;
	EXPECT_EQ(0, muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how));
	for (i = 0; i < TASKS; i++) {
		EXPECT_EQ(-EOWNERDEAD, self->tasks[i].status);
		EXPECT_EQ(SIGKILL, self->tasks[i].signal);
	}
	forked_child = NULL;
	EXPECT_EQ(0, get(&shared->begun));
}

static int caller_dies(void *arg)
{
	int fd = *(int *)arg;

	pthread_atfork(NULL, in_parent, in_child);
	forked_parent = kill_me;
	muster_group_spawn(fd, say_number, NULL, MUSTER_FOREVER, NULL);
	return 0;
}

/* G2: who spawns dies first; the task is over, whoever comes to claim it. */
TEST_F(task, caller_killed_before_claim)
{
	int fd = muster_group_open(NULL, 0, 0, 0, 0);
	struct muster_group_wait wait;

	EXPECT_EQ(-SIGKILL, reap(spawn(caller_dies, &fd)));
	EXPECT_EQ(1, muster_group_wait(fd, MUSTER_UNTIL_ALL, 0, MUSTER_FOREVER, &wait));
	EXPECT_EQ(1, wait.succeeded + wait.failed);
	close(fd);
}

static int ask_in_child(void *arg)
{
	return muster_task_cancelled(*(int *)arg);
}

/* Until it learns, and says so. What it forks has another parent, and is no orphan. */
static int until_orphaned(int fd, uint64_t slot, void *arg)
{
	if (reap(spawn(ask_in_child, &fd)))
		return 1;
	/* Whatever happens it ends: nobody else would end it. */
	alarm(PATIENCE_MS / 1000);
	add_to(&shared->begun, 1);
	while (!muster_task_cancelled(fd))
		usleep(1000);
	add_to(&shared->told, 1);
	return 0;
}

static int run_orphans(void *arg)
{
	struct muster_task *tasks = arg;

	return muster_take(tasks, TASKS, 2, MUSTER_FOREVER, NULL);
}

/* Tasks learn that who called them has died. */
TEST_F(task, caller_killed)
{
	int pid;

	set_tasks(self->tasks, until_orphaned);
	pid = spawn(run_orphans, self->tasks);
	ASSERT_SOON(get(&shared->begun) == TASKS);
	EXPECT_EQ(0, get(&shared->told));
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, reap(pid));
	ASSERT_SOON(get(&shared->told) == TASKS);
}

/* ---- all of it, with kills ---- */

static int work_a_little(int fd, uint64_t slot, void *arg)
{
	long me = (long)arg;
	int ret;

	die_with_parent();
	__atomic_store_n(&shared->alive[me], getpid(), __ATOMIC_SEQ_CST);
	usleep(slot * 37 % 500);
	ret = say_number(fd, slot, arg);
	__atomic_store_n(&shared->alive[me], 0, __ATOMIC_SEQ_CST);
	return ret;
}

/* Kills every other of the processes that have said who they are, at some time. */
static int killer(void *arg)
{
	unsigned int seed = (long)arg;

	die_with_parent();
	while (!get(&shared->go)) {
		int *pid = &shared->alive[rand_r(&seed) % TASKS];
		int victim = __atomic_exchange_n(pid, 0, __ATOMIC_SEQ_CST);

		if (!victim || rand_r(&seed) % 2)
			continue;
		usleep(rand_r(&seed) % 500);
		kill(victim, SIGKILL);
	}
	return 0;
}

/* Whatever is killed, all are accounted for, and what is said of each is so. */
TEST_F_TIMEOUT(task, killed_at_random, 250)
{
	int pid = spawn(killer, (void *)1L), round, i, good, ret, died = 0;

	self->how.flags = MUSTER_TASKS_KEEP_GOING;
	/* Until enough have been killed. */
	for (round = 0; died < 10; round++) {
		set_tasks(self->tasks, work_a_little);
		self->how.limit = round % 5;
		ret = muster_all(self->tasks, TASKS, MUSTER_FOREVER, &self->how);
		memset(shared->alive, 0, sizeof(shared->alive));
		for (i = 0, good = 0; i < TASKS; i++) {
			struct muster_task *task = &self->tasks[i];

			good += !task->status;
			if (task->state == MUSTER_TASK_DONE) {
				EXPECT_EQ(0, task->status);
				EXPECT_EQ('0' + i, task->data[7]);
			} else {
				EXPECT_EQ(MUSTER_TASK_DIED, task->state);
				EXPECT_EQ(-EOWNERDEAD, task->status);
				EXPECT_EQ(SIGKILL, task->signal);
				died++;
			}
		}
		EXPECT_EQ(good, ret);
		muster_tasks_free(self->tasks, TASKS);
	}
	add_to(&shared->go, 1);
	EXPECT_EQ(0, reap(pid));
}

TEST_MUSTER_MAIN
