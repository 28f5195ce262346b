// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The countdown latch: a group of which so many tasks are to succeed
 *
 * Its limit is the count, for all to see. To take a part on is to add a task, to count it
 * down is to be done with it; so a process that dies over it has a task that failed, and
 * the first failure cancels the group. That it is open is that so many have succeeded,
 * which no failure after it changes.
 */
#include <errno.h>
#include <fcntl.h>

#include "internal.h"

int muster_latch_open(const char *name, int oflags, unsigned int mode, uint32_t count)
{
	/* A group may have no limit. A latch has a count, if need be that of another. */
	if (!count && (!name || oflags & O_EXCL))
		return -EINVAL;
	if (!count)
		oflags &= ~O_CREAT;
	return muster_group_open(name, oflags, mode, count, 0);
}

static int latch_stat(int fd, struct muster_group_stat *stat)
{
	int err = muster_group_stat(fd, stat, NULL, 0);

	if (err < 0)
		return err;
	return stat->limit ? 0 : -EINVAL;
}

/* 1 open, 0 not, or broken. */
static int latch_state(const struct muster_group_stat *stat)
{
	if (stat->succeeded >= stat->limit)
		return 1;
	return stat->cancelled ? -EOWNERDEAD : 0;
}

int muster_latch_is_open(int fd)
{
	struct muster_group_stat stat;
	int err = latch_stat(fd, &stat);

	return err ? err : latch_state(&stat);
}

/*
 * The kernel sees to it that no more are taken on at a time than the count. That some are
 * done already is only looked at, so that two who are about the last part at one time may
 * both have it: <muster/latch.h> says so.
 */
static int latch_add(int fd, uint32_t parts, uint64_t *first)
{
	struct muster_group_stat stat;
	int err = latch_stat(fd, &stat);

	if (err)
		return err;
	if (parts <= stat.limit && !stat.cancelled &&
	    (uint64_t)parts + stat.succeeded + stat.pending > stat.limit)
		return -EAGAIN;
	err = muster_group_add(fd, parts, MUSTER_WAIT_NONBLOCK, 0, first);
	return err == -ECANCELED ? -EOWNERDEAD : err;
}

int muster_latch_take(int fd, uint32_t parts)
{
	uint64_t first;

	return latch_add(fd, parts, &first);
}

int muster_latch_count_down(int fd)
{
	int err = muster_group_done(fd, MUSTER_SLOT_ANY, 0, NULL, 0);
	uint64_t part;

	if (err != -EPERM)
		return err;
	/* It has taken none on. */
	err = muster_latch_is_open(fd);
	if (err)
		return err > 0 ? 0 : err;
	err = latch_add(fd, 1, &part);
	return err ? err : muster_group_done(fd, part, 0, NULL, 0);
}

int muster_latch_wait(int fd, uint64_t deadline)
{
	struct muster_group_stat stat;
	int ret = latch_stat(fd, &stat);

	if (ret)
		return ret;
	ret = muster_group_wait(fd, MUSTER_UNTIL_COUNT, stat.limit, deadline, NULL);
	if (ret < 0)
		return ret;
	return ret ? 0 : -EOWNERDEAD;
}

int muster_latch_wait_async(int fd, uint64_t deadline)
{
	struct muster_group_stat stat;
	int err = latch_stat(fd, &stat);

	if (err)
		return err;
	return muster_group_wait_async(fd, MUSTER_UNTIL_COUNT, stat.limit, deadline);
}
