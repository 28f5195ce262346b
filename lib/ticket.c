// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tickets: any wait without a thread
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"
#include "lease.h"

int muster_barrier_await_async(int fd, uint64_t deadline)
{
	struct muster_barrier_await await = {
		.size = sizeof(await),
		.flags = MUSTER_WAIT_TICKET,
		.deadline = deadline,
	};

	return muster_ioctl(fd, MUSTER_BARRIER_AWAIT, &await);
}

int muster_sem_acquire_async(int fd, uint64_t permits, uint32_t flags, uint64_t deadline)
{
	struct muster_sem_acquire acquire = {
		.size = sizeof(acquire),
		.flags = flags | MUSTER_WAIT_TICKET,
		.permits = permits,
		.deadline = deadline,
	};
	int ticket = muster_ioctl(fd, MUSTER_SEM_ACQUIRE, &acquire);

	if (ticket >= 0)
		muster_lease_forget(ticket);
	return ticket;
}

int muster_group_add_async(int fd, uint32_t slots, uint64_t deadline)
{
	struct muster_group_add add = {
		.size = sizeof(add),
		.flags = MUSTER_WAIT_TICKET,
		.slots = slots,
		.deadline = deadline,
	};

	return muster_ioctl(fd, MUSTER_GROUP_ADD, &add);
}

int muster_group_wait_async(int fd, uint32_t until, uint32_t successes, uint64_t deadline)
{
	struct muster_group_wait wait = {
		.size = sizeof(wait),
		.flags = MUSTER_WAIT_TICKET,
		.until = until,
		.successes = successes,
		.deadline = deadline,
	};

	return muster_ioctl(fd, MUSTER_GROUP_WAIT, &wait);
}

int muster_ticket_read(int ticket, struct muster_verdict *verdict, void *buf, size_t len)
{
	struct iovec iov[2] = {
		{ verdict, sizeof(*verdict) },
		{ buf, len },
	};
	int saved = errno;
	long ret;

	/* readv(3) would be a cancellation point. */
	ret = syscall(SYS_readv, ticket, iov, len ? 2 : 1);
	if (ret < 0)
		ret = -errno;
	else if (ret < (long)sizeof(*verdict))
		ret = -EINVAL;
	else
		ret -= (long)sizeof(*verdict);
	errno = saved;
	return ret;
}
