// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A task in a process of its own
 *
 * The slot is the parent's until the child has claimed it, and the parent does not go on
 * before: else it might die as one that holds a task of somebody who lives. The child says so
 * through an eventfd. It may die before it does, which its pidfd tells; the end of a pipe would
 * not, if another thread forks meanwhile and its child has the other end, too. Nor does an
 * eventfd harm a child whose parent has died.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

/**
 * struct spawn - what the child needs to know
 * @fd:		the group
 * @slot:	its task
 * @fn:		the task
 * @arg:	for @fn
 * @ready:	eventfd: the task is the child's
 * @flags:	SPAWN_*
 * @parent:	process ID
 * @cancel_state: of the caller's thread
 */
struct spawn {
	int fd;
	uint64_t slot;
	muster_task_fn fn;
	void *arg;
	int ready;
	uint32_t flags;
	pid_t parent;
	int cancel_state;
};

/* In the process of a task that is to end with its parent: who that was, and who it is. */
static pid_t task_parent, task_self;

/* The function never came back: it ended its thread, or threw an exception. */
static void child_cleanup(void *arg)
{
	struct spawn *spawn = arg;

	muster_group_done(spawn->fd, spawn->slot, -ECANCELED, NULL, 0);
	_exit(1);
}

static int child_call(struct spawn *spawn)
{
	int status;

	pthread_cleanup_push(child_cleanup, spawn);
	pthread_setcancelstate(spawn->cancel_state, NULL);
	status = spawn->fn(spawn->fd, spawn->slot, spawn->arg);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_pop(0);
	return status;
}

static void child_run(struct spawn *spawn)
{
	uint64_t one = 1;
	int status;

	if (muster_group_claim(spawn->fd, spawn->slot))
		_exit(1);
	if (write(spawn->ready, &one, sizeof(one)) != sizeof(one))
		_exit(1);
	close(spawn->ready);
	task_parent = spawn->parent;
	/* In a PID namespace where it is the first it does not see its parent. */
	task_self = spawn->flags & SPAWN_TIED && getppid() ? getpid() : 0;
	status = child_call(spawn);
	/* EPERM: it has said so itself. */
	muster_group_done(spawn->fd, spawn->slot, status, NULL, 0);
	_exit(status ? 1 : 0);
}

/* Until the task is the child's, or the child is dead. */
static bool spawn_is_ready(const struct spawn *spawn, int pidfd)
{
	struct pollfd fds[2] = {
		{ .fd = spawn->ready, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};

	muster_poll(fds, 2, MUSTER_FOREVER);
	return fds[0].revents & POLLIN;
}

/* Numbers of processes are given out in turn: nobody else has this one so soon. */
static int spawn_watch(const struct spawn *spawn, pid_t pid, int *pidfd)
{
	int err;

	*pidfd = syscall(SYS_pidfd_open, pid, 0);
	err = *pidfd < 0 ? -errno : 0;
	/* ESRCH: somebody has waited for it already. */
	if (err && err != -ESRCH) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err;
	}
	/* It died before the task was its own; else this is EPERM. */
	if (err || !spawn_is_ready(spawn, *pidfd))
		muster_group_done(spawn->fd, spawn->slot, -EOWNERDEAD, NULL, 0);
	return 0;
}

static int spawn_fork(struct spawn *spawn, int *pidfd)
{
	pid_t pid;
	int err;

	spawn->ready = eventfd(0, EFD_CLOEXEC);
	if (spawn->ready < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child_run(spawn);
	err = pid < 0 ? -errno : spawn_watch(spawn, pid, pidfd);
	close(spawn->ready);
	return err ? err : pid;
}

/*
 * Runs a task that the caller has a slot for. The process ID, and a descriptor of the process
 * or -1 if it is gone already; or an error: there is no process, and the task has failed.
 * The task runs with @cancel_state, as the caller's caller does; here cancellation is disabled.
 */
int muster_spawn(int fd, uint64_t slot, muster_task_fn fn, void *arg, uint32_t flags,
		 int cancel_state, int *pidfd)
{
	struct spawn spawn = {
		.fd = fd,
		.slot = slot,
		.fn = fn,
		.arg = arg,
		.flags = flags,
		.parent = getpid(),
		.cancel_state = cancel_state,
	};
	int saved = errno, pid;

	*pidfd = -1;
	pid = spawn_fork(&spawn, pidfd);
	if (pid < 0)
		muster_group_done(fd, slot, pid, NULL, 0);
	errno = saved;
	return pid;
}

int muster_group_spawn(int fd, muster_task_fn fn, void *arg, uint64_t deadline,
		       uint64_t *slot)
{
	uint64_t number;
	int err, pidfd, state;

	err = muster_group_add(fd, 1, 0, deadline, &number);
	if (err)
		return err;
	if (slot)
		*slot = number;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	err = muster_spawn(fd, number, fn, arg, 0, state, &pidfd);
	pthread_setcancelstate(state, NULL);
	if (err > 0 && pidfd >= 0)
		muster_close(pidfd);
	return err;
}

/* A child that the task has forked has another parent. */
static bool is_orphan(void)
{
	return task_self && getpid() == task_self && getppid() != task_parent;
}

int muster_task_cancelled(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
	int ret;

	/* To poll(2) that is none to look at. */
	if (fd < 0)
		return -EBADF;
	ret = muster_poll(&poll_fd, 1, 0);
	if (ret < 0)
		return ret;
	if (poll_fd.revents & POLLNVAL)
		return -EBADF;
	return (poll_fd.revents & POLLPRI) || is_orphan();
}
