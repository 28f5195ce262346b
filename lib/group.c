// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The group: tasks of many processes, to be waited for
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

int muster_group_add(int fd, uint32_t slots, uint32_t flags, uint64_t deadline,
		     uint64_t *first)
{
	struct muster_group_add add = {
		.size = sizeof(add),
		.flags = flags,
		.slots = slots,
		.deadline = deadline,
	};
	int err = muster_no_ticket(flags);

	if (!err)
		err = muster_ioctl(fd, MUSTER_GROUP_ADD, &add);
	if (!err)
		*first = add.first;
	return err;
}

int muster_group_claim(int fd, uint64_t slot)
{
	struct muster_group_claim claim = { .size = sizeof(claim), .slot = slot };

	return muster_ioctl(fd, MUSTER_GROUP_CLAIM, &claim);
}

int muster_group_done(int fd, uint64_t slot, int status, const void *data, size_t len)
{
	struct muster_group_done done = {
		.size = sizeof(done),
		.slot = slot,
		.data = to_u64(data),
		.data_len = len,
		.status = status,
	};

	return muster_ioctl(fd, MUSTER_GROUP_DONE, &done);
}

int muster_group_wait(int fd, uint32_t until, uint32_t successes, uint64_t deadline,
		      struct muster_group_wait *wait)
{
	struct muster_group_wait args = {
		.size = sizeof(args),
		.until = until,
		.successes = successes,
		.deadline = deadline,
	};
	int err = muster_ioctl(fd, MUSTER_GROUP_WAIT, &args);

	if (err)
		return err;
	if (wait)
		*wait = args;
	return args.met;
}

int muster_group_result(int fd, uint64_t slot, void *buf, size_t len,
			struct muster_group_result *result)
{
	int err;

	memset(result, 0, sizeof(*result));
	result->size = sizeof(*result);
	result->slot = slot;
	result->buf = to_u64(buf);
	result->buf_len = len;
	err = muster_ioctl(fd, MUSTER_GROUP_RESULT, result);
	if (err)
		return err;
	return result->result_len < len ? result->result_len : len;
}

static int group_simple(int fd, unsigned long cmd)
{
	struct muster_group_cancel args = { .size = sizeof(args) };

	return muster_ioctl(fd, cmd, &args);
}

int muster_group_cancel(int fd)
{
	return group_simple(fd, MUSTER_GROUP_CANCEL);
}

int muster_group_reset(int fd)
{
	return group_simple(fd, MUSTER_GROUP_RESET);
}

int muster_group_stat(int fd, struct muster_group_stat *stat,
		      struct muster_process *processes, uint32_t nr)
{
	int err;

	memset(stat, 0, sizeof(*stat));
	stat->size = sizeof(*stat);
	stat->processes = to_u64(processes);
	stat->nr_processes = nr;
	err = muster_ioctl(fd, MUSTER_GROUP_STAT, stat);
	return err ? err : muster_listed(stat->nr_processes, nr);
}

/* In the child: it has the slot before it says so to its parent. */
static void run_task(int fd, uint64_t slot, muster_task_fn fn, void *arg, int ready)
{
	int status;

	if (muster_group_claim(fd, slot))
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	status = fn(fd, slot, arg);
	/* EPERM: it has said so itself. */
	muster_group_done(fd, slot, status, NULL, 0);
	_exit(status ? 1 : 0);
}

/* Not read(2), which would be a cancellation point. */
static int is_ready(int fd)
{
	char byte;
	long got;

	do
		got = syscall(SYS_read, fd, &byte, 1L);
	while (got < 0 && errno == EINTR);
	return got == 1;
}

static int start_task(int fd, uint64_t slot, muster_task_fn fn, void *arg)
{
	int ready[2], pid;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		run_task(fd, slot, fn, arg, ready[1]);
	if (pid < 0)
		pid = -errno;
	syscall(SYS_close, ready[1]);
	/* It died before the task was its own; else this is EPERM. */
	if (pid > 0 && !is_ready(ready[0]))
		muster_group_done(fd, slot, -EOWNERDEAD, NULL, 0);
	syscall(SYS_close, ready[0]);
	return pid;
}

int muster_group_spawn(int fd, muster_task_fn fn, void *arg, uint64_t deadline,
		       uint64_t *slot)
{
	uint64_t number;
	int err, saved;

	err = muster_group_add(fd, 1, 0, deadline, &number);
	if (err)
		return err;
	if (slot)
		*slot = number;
	saved = errno;
	err = start_task(fd, number, fn, arg);
	/* There is no child to do it. */
	if (err < 0)
		muster_group_done(fd, number, err, NULL, 0);
	errno = saved;
	return err;
}
