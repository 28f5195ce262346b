// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rwlock: a semaphore of which who writes has all permits, who reads one
 *
 * Whether a process writes or reads is seen from what it holds: never will so many of its
 * threads read that they had all.
 */
#include <errno.h>
#include <stdbool.h>

#include "internal.h"
#include "lease.h"

#define ALL	(1ULL << 62)

int muster_rwlock_open(const char *name, int oflags, unsigned int mode)
{
	return muster_sem_open(name, oflags, mode, ALL);
}

int muster_rwlock_rdlock_until(int fd, uint64_t deadline, uint64_t *token)
{
	return muster_lock_permits(fd, 1, 0, deadline, token);
}

int muster_rwlock_wrlock_until(int fd, uint64_t deadline, uint64_t *token)
{
	return muster_lock_permits(fd, ALL, 0, deadline, token);
}

int muster_rwlock_rdlock(int fd)
{
	return muster_rwlock_rdlock_until(fd, MUSTER_FOREVER, NULL);
}

int muster_rwlock_wrlock(int fd)
{
	return muster_rwlock_wrlock_until(fd, MUSTER_FOREVER, NULL);
}

int muster_rwlock_tryrdlock(int fd)
{
	return muster_lock_permits(fd, 1, MUSTER_WAIT_NONBLOCK, 0, NULL);
}

int muster_rwlock_trywrlock(int fd)
{
	return muster_lock_permits(fd, ALL, MUSTER_WAIT_NONBLOCK, 0, NULL);
}

int muster_rwlock_rdlock_async(int fd, uint64_t deadline)
{
	return muster_sem_acquire_async(fd, 1, 0, deadline);
}

int muster_rwlock_wrlock_async(int fd, uint64_t deadline)
{
	return muster_sem_acquire_async(fd, ALL, 0, deadline);
}

int muster_rwlock_unlock(int fd)
{
	int err;

	/* Who writes has not acquired that way. */
	if (muster_lease_give(fd, 1))
		return 0;
	err = muster_sem_release(fd, ALL);
	/* EPERM: it does not write. What a reader found in disorder still is. */
	if (err == -EPERM)
		err = muster_sem_release_flags(fd, 1, MUSTER_RELEASE_UNCHECKED);
	return err;
}

int muster_rwlock_abandon(int fd)
{
	return muster_sem_release_flags(fd, ALL, MUSTER_RELEASE_ABANDON);
}

int muster_rwlock_downgrade(int fd)
{
	return muster_sem_release(fd, ALL - 1);
}

/* Who has all is alone, and so the first that is listed. 0, -EPERM, or another error. */
static int check_writer(int fd)
{
	struct muster_process holder = { 0 };
	struct muster_sem_stat stat;
	int nr = muster_sem_stat(fd, &stat, &holder, 1);

	if (nr < 0)
		return nr;
	return nr == 1 && holder.amount == ALL ? 0 : -EPERM;
}

int muster_rwlock_tryupgrade(int fd)
{
	int ret = muster_lock_permits(fd, ALL - 1, MUSTER_WAIT_NONBLOCK, 0, NULL);
	int err;

	if (ret < 0)
		return ret;
	err = check_writer(fd);
	if (!err) {
		/*
		 * What it reads with may be on loan, and would be given back by
		 * muster_rwlock_unlock() instead of all. Who gives back more than it has
		 * gets EPERM, and its loan is booked.
		 */
		muster_sem_release_flags(fd, INT64_MAX, MUSTER_RELEASE_UNCHECKED);
		return ret;
	}
	/* It did not read, or that cannot be told. */
	muster_sem_release_flags(fd, ALL - 1, MUSTER_RELEASE_UNCHECKED);
	return err;
}
