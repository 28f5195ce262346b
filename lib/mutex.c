// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mutex: a semaphore of one permit
 */
#include <unistd.h>

#include "internal.h"
#include "lease.h"

int muster_mutex_open(const char *name, int oflags, unsigned int mode)
{
	return muster_sem_open(name, oflags, mode, 1);
}

/* Permits as a lock: 0, or 1 with notice of a holder's death. */
int muster_lock_permits(int fd, uint64_t permits, uint32_t flags, uint64_t deadline,
			uint64_t *token)
{
	struct muster_grant grant;
	int err;

	if (!token && muster_lease_take(fd, permits))
		return 0;
	err = muster_sem_acquire_grant(fd, permits, flags, deadline, &grant);
	if (err)
		return err;
	if (token)
		*token = grant.token;
	return grant.abandoned;
}

/* 0 if the process has locked it, by whatever descriptor; else -EPERM, or another error. */
int muster_mutex_check(int fd)
{
	struct muster_process holder = { 0 };
	struct muster_sem_stat stat;
	int nr = muster_sem_stat(fd, &stat, &holder, 1);

	if (nr < 0)
		return nr;
	return nr == 1 && holder.role == MUSTER_PROCESS_HOLDER && holder.pid == getpid() ?
	       0 : -EPERM;
}

int muster_mutex_lock_until(int fd, uint64_t deadline, uint64_t *token)
{
	return muster_lock_permits(fd, 1, 0, deadline, token);
}

int muster_mutex_lock(int fd)
{
	if (muster_lease_take(fd, 1))
		return 0;
	return muster_mutex_lock_until(fd, MUSTER_FOREVER, NULL);
}

int muster_mutex_trylock(int fd)
{
	return muster_lock_permits(fd, 1, MUSTER_WAIT_NONBLOCK, 0, NULL);
}

int muster_mutex_lock_async(int fd, uint64_t deadline)
{
	return muster_sem_acquire_async(fd, 1, 0, deadline);
}

int muster_mutex_unlock(int fd)
{
	return muster_sem_release(fd, 1);
}

int muster_mutex_abandon(int fd)
{
	return muster_sem_release_flags(fd, 1, MUSTER_RELEASE_ABANDON);
}
