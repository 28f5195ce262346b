/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The semaphore: only so many at a time (S1 to S6)
 */
#ifndef MUSTER_SEM_H
#define MUSTER_SEM_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_sem_open - open a semaphore
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 * @limit:	how many permits there are, 1 to 2^63-1
 *
 * Permits belong to the process that acquired them, and come back if it dies.
 *
 * Return: see <muster/open.h>.
 */
int muster_sem_open(const char *name, int oflags, unsigned int mode, uint64_t limit);

/**
 * muster_sem_open_signalling - open a signalling semaphore (S3)
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 * @limit:	the most permits that there may be, 1 to 2^63-1
 * @initial:	how many there are at first, 0 to @limit
 *
 * As between producer and consumer: anyone may release permits, they belong to
 * nobody, and none comes back when a process dies.
 *
 * Return: see <muster/open.h>.
 */
int muster_sem_open_signalling(const char *name, int oflags, unsigned int mode,
			       uint64_t limit, uint64_t initial);

/**
 * struct muster_grant - what one is told with permits
 * @token:	fencing token: grows with every grant of the semaphore, so that one that
 *		is late can be told from one that is not (W4)
 * @abandoned:	1 if, since the last release, a process ended without releasing what
 *		it held: what the semaphore protects may be in disorder. Else 0.
 * @reserved:	0
 */
struct muster_grant {
	uint64_t token;
	uint32_t abandoned;
	uint32_t reserved;
};

/**
 * muster_sem_acquire - take permits, wait for them if need be
 * @fd:		the semaphore
 * @permits:	how many, all or nothing, 0 to 2^63-1
 * @deadline:	how long to wait
 *
 * First come, first served: a large request is never overtaken (S1).
 *
 * Return: 0; -ERANGE it has not so many (S2); -EINVAL more than 2^63-1; or an error
 * of those that wait.
 */
int muster_sem_acquire(int fd, uint64_t permits, uint64_t deadline);

/**
 * muster_sem_try_acquire - take permits if they are there
 * @fd:		the semaphore
 * @permits:	how many, all or nothing, 0 to 2^63-1
 *
 * Return: 0; -EAGAIN they are not, or somebody was first; -ERANGE, -EINVAL.
 */
int muster_sem_try_acquire(int fd, uint64_t permits);

/**
 * muster_sem_acquire_grant - muster_sem_acquire() with everything
 * @fd:		the semaphore
 * @permits:	how many, all or nothing, 0 to 2^63-1
 * @flags:	0 or MUSTER_WAIT_NONBLOCK, MUSTER_WAIT_REALTIME (@deadline is of
 *		CLOCK_REALTIME), MUSTER_SEM_WAIT_LIMIT (wait for a larger limit,
 *		rather than -ERANGE)
 * @deadline:	how long to wait
 * @grant:	filled in, or NULL
 *
 * Return: as muster_sem_acquire(); -EINVAL another flag.
 */
int muster_sem_acquire_grant(int fd, uint64_t permits, uint32_t flags,
			     uint64_t deadline, struct muster_grant *grant);

/**
 * muster_sem_release - give permits back
 * @fd:		the semaphore
 * @permits:	how many, 0 to 2^63-1
 *
 * Any thread of the process may do it, through this descriptor or a duplicate.
 *
 * Return: 0; -EPERM the process has not acquired so many (S3); -EOVERFLOW
 * signalling: there would be more than the limit; -EINVAL. An error changes nothing.
 */
int muster_sem_release(int fd, uint64_t permits);

/**
 * muster_sem_release_flags - muster_sem_release(), and what the next one is told (W4)
 * @fd:		the semaphore
 * @permits:	how many, 0 to 2^63-1
 * @flags:	0: what the semaphore protects is in order, as muster_sem_release() says;
 *		MUSTER_RELEASE_ABANDON: it is not, as if the process had died;
 *		MUSTER_RELEASE_UNCHECKED: it is as it was
 *
 * Return: as muster_sem_release().
 */
int muster_sem_release_flags(int fd, uint64_t permits, uint32_t flags);

/**
 * muster_sem_lease - acquire and release without a system call, or never so
 * @fd:		the semaphore, or what is built on one: a mutex, an rwlock
 * @on:		1: get a lease now; 0: have none, by this descriptor
 *
 * After a few releases a descriptor gets a lease by itself: permits that the process has
 * released and nobody waits for remain with it, and it acquires and releases them without
 * the kernel, until another wants them. That changes nothing else; Documentation/leases.rst
 * has the rules. The functions that tell a token always ask the kernel.
 *
 * 0 is for a program in which one thread closes the descriptor while another gets the
 * number anew by other means than this library, or of which threads have the memory in
 * common and not the descriptors. It lasts until the library opens something by that number.
 *
 * Return: 0; -EOPNOTSUPP there is none (leases_max of the module is 0; signalling; the
 * descriptor's number is too great; MUSTER_OPEN_NO_LEASE; a kernel without
 * MADV_WIPEONFORK); -ENODEV no semaphore, or a ticket; -ENOTTY nor any object of muster's;
 * -ENOSPC the user has too many;
 * -EAGAIN another thread gets it at this moment; -ENOMEM.
 */
int muster_sem_lease(int fd, int on);

/**
 * muster_sem_set_limit - change how many permits there are (S4)
 * @fd:		the semaphore
 * @limit:	how many, 0 to 2^63-1
 * @old_limit:	set to how many there were, or NULL
 *
 * Nothing is taken away from those who have permits.
 *
 * Return: 0; -EINVAL more than 2^63-1.
 */
int muster_sem_set_limit(int fd, uint64_t limit, uint64_t *old_limit);

/**
 * muster_sem_stat - look at a semaphore (S6)
 * @fd:		the semaphore
 * @stat:	filled in; @stat->nr_processes tells how many processes there are
 * @processes:	room for @nr processes, holders first; NULL if @nr is 0
 * @nr:		how many there is room for; MUSTER_PROCESSES_MAX are listed at most
 *
 * Return: how many of @processes were filled in.
 */
int muster_sem_stat(int fd, struct muster_sem_stat *stat,
		    struct muster_process *processes, uint32_t nr);

MUSTER_END_DECLS

#endif /* MUSTER_SEM_H */
