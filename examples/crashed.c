// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crashed workers, and who does their work
 *
 * First a group: each task runs in a process of its own. A task whose process is killed is
 * seen as one that has failed, not as one that never ends, and is given to another, until
 * it is clear that it kills whoever has it. Then a flight: all ask the same, the one that
 * works it out is killed, and one of those who wait takes over. That, too, is done only so
 * often: one bad question must not kill all who ask it.
 *
 *	crashed
 */
#include <errno.h>
#include <muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS		10
#define AT_ONCE		4
#define ATTEMPTS	3
#define ASKERS		6

static int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(1);
}

/* ---- tasks ---- */

struct task {
	int input;
	int crashes;		/* so often its process is killed: that is the show */
	int attempts;
	uint64_t slot;
	unsigned long long output;
	enum { TO_DO, DONE, GIVEN_UP } state;
};

static int factorial(int group, uint64_t slot, void *arg)
{
	const struct task *task = arg;
	unsigned long long output = 1;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 2; i <= task->input; i++) {
		output *= i;
		if (i == task->input / 2 && task->attempts <= task->crashes)
			raise(SIGKILL);
	}
	return muster_group_done(group, slot, 0, &output, sizeof(output));
}

/* Starts what is to be done, waits for all of it; returns how much is still to be done. */
static int run_tasks(int group, struct task *tasks)
{
	struct muster_group_result result;
	int i, left = 0;

	for (i = 0; i < TASKS; i++) {
		if (tasks[i].state != TO_DO)
			continue;
		tasks[i].attempts++;
		must(muster_group_spawn(group, factorial, &tasks[i], MUSTER_FOREVER,
					&tasks[i].slot), "spawn");
	}
	must(muster_group_wait(group, MUSTER_UNTIL_ALL, 0, MUSTER_FOREVER, NULL), "wait");
	for (i = 0; i < TASKS; i++) {
		if (tasks[i].state != TO_DO)
			continue;
		must(muster_group_result(group, tasks[i].slot, &tasks[i].output,
					 sizeof(tasks[i].output), &result), "result");
		if (result.state == MUSTER_TASK_DONE && !result.status)
			tasks[i].state = DONE;
		else if (tasks[i].attempts == ATTEMPTS)
			tasks[i].state = GIVEN_UP;
		left += tasks[i].state == TO_DO;
	}
	return left;
}

static void tasks_that_crash(void)
{
	int group = must(muster_group_open(NULL, 0, 0, AT_ONCE, MUSTER_GROUP_KEEP_GOING),
			 "group"), i;
	struct task tasks[TASKS] = { 0 };

	for (i = 0; i < TASKS; i++)
		tasks[i].input = i + 4;
	tasks[3].crashes = 1;
	tasks[5].crashes = 2;
	tasks[8].crashes = ATTEMPTS;
	while (run_tasks(group, tasks))
		;
	for (i = 0; i < TASKS; i++) {
		if (tasks[i].state == DONE)
			printf("%d! is %llu (attempt %d)\n", tasks[i].input,
			       tasks[i].output, tasks[i].attempts);
		else
			printf("%d! kills whoever computes it\n", tasks[i].input);
	}
	while (wait(NULL) > 0)
		;
	close(group);
}

/* ---- questions ---- */

/* The first @arg attempts end with a SIGKILL, as soon as all others wait for the answer. */
static int answer(struct muster_work *work, void *arg)
{
	const uint32_t *crashes = arg;
	struct muster_flight_stat stat;

	do {
		usleep(1000);
		must(muster_flight_stat(work->fd, &stat), "stat");
	} while (stat.followers < ASKERS - work->attempt);
	if (work->attempt <= *crashes)
		raise(SIGKILL);
	return muster_work_set(work, "42", 2);
}

static void ask(int flight, uint32_t crashes)
{
	struct muster_result result;
	int err = muster_flight_do(flight, "question", 8, answer, &crashes, MUSTER_FOREVER,
				   &result);

	if (err)
		printf("no answer: %s\n", muster_strerror(err));
	else
		printf("answer %s, attempt %u, %s\n", result.data, result.attempt,
		       result.role == MUSTER_ROLE_LEADER ? "worked out" : "shared");
	fflush(stdout);
	muster_result_free(&result);
	_exit(0);
}

static void question_that_crashes(uint32_t crashes)
{
	int flight = must(muster_flight_open(NULL, 0, 0, ATTEMPTS - 1, 0), "flight");
	int i, status, killed = 0;

	printf("%d ask, the first %u that work it out are killed:\n", ASKERS, crashes);
	fflush(stdout);
	for (i = 0; i < ASKERS; i++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ask(flight, crashes);
	}
	while (wait(&status) > 0)
		killed += WIFSIGNALED(status);
	printf("%d killed\n", killed);
	close(flight);
}

int main(void)
{
	tasks_that_crash();
	question_that_crashes(1);
	question_that_crashes(ATTEMPTS);
	return 0;
}
