// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The semaphore
 */
#include <string.h>

#include "internal.h"

int muster_sem_acquire_grant(int fd, uint64_t permits, uint32_t flags,
			     uint64_t deadline, struct muster_grant *grant)
{
	struct muster_sem_acquire acquire = {
		.size = sizeof(acquire),
		.flags = flags,
		.permits = permits,
		.deadline = deadline,
	};
	int err = muster_no_ticket(flags);

	if (!err)
		err = muster_ioctl(fd, MUSTER_SEM_ACQUIRE, &acquire);
	if (!err && grant) {
		grant->token = acquire.token;
		grant->abandoned = !!(acquire.outcome & MUSTER_OUTCOME_ABANDONED);
		grant->reserved = 0;
	}
	return err;
}

int muster_sem_acquire(int fd, uint64_t permits, uint64_t deadline)
{
	return muster_sem_acquire_grant(fd, permits, 0, deadline, NULL);
}

int muster_sem_try_acquire(int fd, uint64_t permits)
{
	return muster_sem_acquire_grant(fd, permits, MUSTER_WAIT_NONBLOCK, 0, NULL);
}

int muster_sem_release_flags(int fd, uint64_t permits, uint32_t flags)
{
	struct muster_sem_release release = {
		.size = sizeof(release),
		.flags = flags,
		.permits = permits,
	};

	return muster_ioctl(fd, MUSTER_SEM_RELEASE, &release);
}

int muster_sem_release(int fd, uint64_t permits)
{
	return muster_sem_release_flags(fd, permits, 0);
}

int muster_sem_set_limit(int fd, uint64_t limit, uint64_t *old_limit)
{
	struct muster_sem_set_limit set = { .size = sizeof(set), .limit = limit };
	int err = muster_ioctl(fd, MUSTER_SEM_SET_LIMIT, &set);

	if (!err && old_limit)
		*old_limit = set.old_limit;
	return err;
}

int muster_sem_stat(int fd, struct muster_sem_stat *stat,
		    struct muster_process *processes, uint32_t nr)
{
	int err;

	memset(stat, 0, sizeof(*stat));
	stat->size = sizeof(*stat);
	stat->nr_processes = nr;
	stat->processes = to_u64(processes);
	err = muster_ioctl(fd, MUSTER_SEM_STAT, stat);
	return err ? err : muster_listed(stat->nr_processes, nr);
}
