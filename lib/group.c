// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The group: tasks of many processes, to be waited for
 */
#include <string.h>

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
