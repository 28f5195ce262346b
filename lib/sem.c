// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The semaphore
 */
#include <string.h>

#include "internal.h"
#include "lease.h"

/* The others are known to the kernel only, or are not for these functions. */
#define KNOWN_FLAGS	(MUSTER_WAIT_NONBLOCK | MUSTER_WAIT_REALTIME | MUSTER_SEM_WAIT_LIMIT)

static int acquire_slow(int fd, uint64_t permits, uint32_t flags, uint64_t deadline,
			struct muster_grant *grant)
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

/* Who wants a token must ask for it. */
int muster_sem_acquire_grant(int fd, uint64_t permits, uint32_t flags,
			     uint64_t deadline, struct muster_grant *grant)
{
	if (!grant && !(flags & ~KNOWN_FLAGS) && muster_lease_take(fd, permits))
		return 0;
	return acquire_slow(fd, permits, flags, deadline, grant);
}

/* Out of line, and with the same arguments, so that the fast path has nothing to save. */
static __attribute__((noinline)) int acquire_wait(int fd, uint64_t permits, uint64_t deadline)
{
	return acquire_slow(fd, permits, 0, deadline, NULL);
}

static __attribute__((noinline)) int acquire_try(int fd, uint64_t permits)
{
	return acquire_slow(fd, permits, MUSTER_WAIT_NONBLOCK, 0, NULL);
}

int muster_sem_acquire(int fd, uint64_t permits, uint64_t deadline)
{
	return muster_lease_take(fd, permits) ? 0 : acquire_wait(fd, permits, deadline);
}

int muster_sem_try_acquire(int fd, uint64_t permits)
{
	return muster_lease_take(fd, permits) ? 0 : acquire_try(fd, permits);
}

static __attribute__((noinline)) int release_slow(int fd, uint64_t permits, uint32_t flags)
{
	struct muster_sem_release release = {
		.size = sizeof(release),
		.flags = flags,
		.permits = permits,
	};

	muster_lease_learn(fd);
	return muster_ioctl(fd, MUSTER_SEM_RELEASE, &release);
}

/* Permits are on loan only where nobody has died, so that there is nothing to say. */
int muster_sem_release_flags(int fd, uint64_t permits, uint32_t flags)
{
	if (!(flags & ~MUSTER_RELEASE_UNCHECKED) && muster_lease_give(fd, permits))
		return 0;
	return release_slow(fd, permits, flags);
}

int muster_sem_release(int fd, uint64_t permits)
{
	return muster_lease_give(fd, permits) ? 0 : release_slow(fd, permits, 0);
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
