// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * All tasks, the first, the first n, the last n
 *
 * They are four questions to one group: a group of the caller's own, whose limit lets so many
 * run at once, which is cancelled when the answer is there, and which keeps the results.
 * To add is one wait, to have enough successes another, both are tickets; the group's
 * descriptor tells when it is cancelled and when no task is left. So one poll(2) waits for all.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tasks.h"

#ifndef P_PIDFD
#define P_PIDFD		3
#endif

#define NOT_YET		1	/* beside 0 and errors */

/* ---- beginning ---- */

static void close_ticket(int *ticket)
{
	if (*ticket >= 0)
		muster_close(*ticket);
	*ticket = -1;
}

/* What the ticket tells: 0, NOT_YET, or an error. */
static int read_ticket(int ticket, struct muster_verdict *verdict)
{
	struct pollfd ready = { .fd = ticket, .events = POLLIN };
	int ret = muster_poll(&ready, 1, 0);

	if (ret <= 0)
		return ret ? ret : NOT_YET;
	do
		ret = muster_ticket_read(ticket, verdict, NULL, 0);
	while (ret == -EINTR);
	return ret < 0 ? ret : verdict->error;
}

/* A slot for the next task; 0, NOT_YET, or an error. */
static int next_slot(struct tasks *tasks, uint64_t *slot)
{
	struct muster_verdict verdict;
	int ret;

	if (tasks->add < 0) {
		ret = muster_group_add(tasks->fd, 1, MUSTER_WAIT_NONBLOCK, 0, slot);
		if (ret != -EAGAIN)
			return ret;
		ret = muster_group_add_async(tasks->fd, 1, MUSTER_FOREVER);
		if (ret < 0)
			return ret;
		tasks->add = ret;
	}
	ret = read_ticket(tasks->add, &verdict);
	if (!ret)
		*slot = verdict.token;
	return ret;
}

/* 1 one has begun; 0 none may, or there is none; or an error. */
static int begin_one(struct tasks *tasks)
{
	struct muster_task *task = &tasks->task[tasks->begun];
	uint64_t slot;
	int ret;

	if (tasks->begun == tasks->nr)
		return 0;
	ret = next_slot(tasks, &slot);
	if (ret)
		return ret == NOT_YET ? 0 : ret;
	task->slot = slot;
	ret = muster_spawn(tasks->fd, slot, task->fn, task->arg, SPAWN_TIED,
			   tasks->cancel_state, &tasks->pidfd[tasks->begun]);
	/* It had the slot until the child had. */
	close_ticket(&tasks->add);
	tasks->begun++;
	return ret < 0 ? ret : 1;
}

/* ---- waiting ---- */

/* Have so many succeeded? 1, 0, or an error. */
static int enough(struct tasks *tasks)
{
	struct muster_verdict verdict;
	int ret;

	if (tasks->met < 0)
		return 0;
	ret = read_ticket(tasks->met, &verdict);
	if (ret)
		return ret == NOT_YET ? 0 : ret;
	/* Else no task was left for a moment, between the last one and the next. */
	close_ticket(&tasks->met);
	return !!(verdict.outcome & MUSTER_OUTCOME_MET);
}

static int ask_for_successes(struct tasks *tasks)
{
	int ticket;

	if (tasks->met >= 0 || tasks->need == tasks->nr || !tasks->begun)
		return 0;
	ticket = muster_group_wait_async(tasks->fd, MUSTER_UNTIL_SUCCESSES, tasks->need,
					 MUSTER_FOREVER);
	if (ticket < 0)
		return ticket;
	tasks->met = ticket;
	return 0;
}

/* Something has happened: 1 that is the end, 0 it goes on; or an error. */
static int look(struct tasks *tasks, uint64_t deadline)
{
	bool all = tasks->begun == tasks->nr;
	struct pollfd fds[] = {
		{ .fd = tasks->fd, .events = POLLPRI | (all ? POLLIN : 0) },
		{ .fd = tasks->parent, .events = POLLPRI },
		{ .fd = tasks->met, .events = POLLIN },
		{ .fd = tasks->add, .events = POLLIN },
	};
	int ret = muster_poll(fds, sizeof(fds) / sizeof(fds[0]), deadline);

	if (ret <= 0)
		return ret;
	if (fds[0].revents & (POLLIN | POLLPRI))
		return 1;
	if (fds[1].revents)
		return fds[1].revents & POLLNVAL ? -EBADF : -ECANCELED;
	return enough(tasks);
}

/*
 * Begins tasks, until it is decided how it ends: 0, or an error. What is decided when the
 * deadline passes counts.
 */
int muster_tasks_run(struct tasks *tasks, uint64_t deadline)
{
	bool late;
	int begun, ret;

	for (;;) {
		late = deadline <= muster_after_ns(0);
		begun = late ? 0 : begin_one(tasks);
		/* Somebody has failed: that is for the results to tell. */
		if (begun < 0)
			return begun == -ECANCELED ? 0 : begun;
		ret = ask_for_successes(tasks);
		if (!ret)
			ret = look(tasks, begun ? 0 : deadline);
		if (ret)
			return ret < 0 ? ret : 0;
		if (late)
			return -ETIMEDOUT;
	}
}

/* ---- the end ---- */

static void kill_all(const struct tasks *tasks)
{
	uint32_t i;

	for (i = 0; i < tasks->begun; i++) {
		if (tasks->pidfd[i] >= 0)
			syscall(SYS_pidfd_send_signal, tasks->pidfd[i], SIGKILL, NULL, 0);
	}
}

/* ECHILD: somebody else has waited for it, or SIGCHLD is ignored. */
static void reap(struct muster_task *task, int pidfd)
{
	siginfo_t info = { 0 };
	int ret;

	do
		ret = waitid((idtype_t)P_PIDFD, pidfd, &info, WEXITED);
	while (ret && errno == EINTR);
	muster_close(pidfd);
	if (ret)
		return;
	if (info.si_code == CLD_EXITED)
		task->exit = info.si_status;
	else
		task->signal = info.si_status;
}

/* Tells them to stop, and waits for their processes. */
void muster_tasks_end(struct tasks *tasks, uint64_t grace)
{
	uint64_t deadline = grace ? muster_after_ns(grace) : MUSTER_FOREVER;
	struct pollfd ended = { .events = POLLIN };
	uint32_t i;

	close_ticket(&tasks->add);
	close_ticket(&tasks->met);
	muster_group_cancel(tasks->fd);
	for (i = 0; i < tasks->begun; i++) {
		ended.fd = tasks->pidfd[i];
		if (ended.fd < 0)
			continue;
		if (!muster_poll(&ended, 1, deadline)) {
			kill_all(tasks);
			deadline = MUSTER_FOREVER;
		}
		reap(&tasks->task[i], ended.fd);
		tasks->pidfd[i] = -1;
	}
	/* Of processes that somebody else has waited for. */
	while (muster_group_wait(tasks->fd, MUSTER_UNTIL_ALL, 0, MUSTER_FOREVER, NULL) == -EINTR)
		;
}
