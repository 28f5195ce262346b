/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program does with a lease, and jobs for puppets that have one
 *
 * Each process has one lease at a time, of the last semaphore that it has mapped.
 */
#ifndef MUSTER_LEASE_H
#define MUSTER_LEASE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/muster.h>

#include "muster_util.h"

/* So many releases it takes at most until permits are lent (see kmod/sem_lease.c). */
#define LEND_WITHIN	200

static struct muster_lease *lease;

static inline __u32 idle_in(__u64 permits)
{
	return permits;
}

static inline __u32 held_in(__u64 permits)
{
	return permits >> 32;
}

static inline __u64 peek(void)
{
	return __atomic_load_n(&lease->permits, __ATOMIC_RELAXED);
}

/* Without a system call: false if that cannot be. */
static inline bool lease_take(__u32 n)
{
	__u64 was = peek();

	do {
		if (idle_in(was) < n)
			return false;
	} while (!__atomic_compare_exchange_n(&lease->permits, &was,
					      was + n * MUSTER_LEASE_TAKE, false,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

static inline bool lease_give(__u32 n)
{
	__u64 was = peek();

	do {
		if (held_in(was) < n)
			return false;
	} while (!__atomic_compare_exchange_n(&lease->permits, &was,
					      was - n * MUSTER_LEASE_TAKE, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return true;
}

static inline struct muster_lease *lease_map(int fd)
{
	void *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return page == MAP_FAILED ? NULL : page;
}

/* ---- jobs ---- */

static int run_map(struct job *job)
{
	lease = lease_map(job->fd);
	return lease ? 0 : -errno;
}

static int run_take(struct job *job)
{
	return lease_take(job->arg[0]) ? 0 : -EAGAIN;
}

static int run_give(struct job *job)
{
	return lease_give(job->arg[0]) ? 0 : -EPERM;
}

/* Acquires and releases by ioctl until so many are lent; or -EAGAIN. */
static int run_borrow(struct job *job)
{
	struct muster_sem_acquire a = acquire(job->fd, job->arg[0]).acquire;
	struct muster_sem_release r = release(job->fd, job->arg[0]).release;
	int i, err;

	a.flags = MUSTER_WAIT_NONBLOCK;
	for (i = 0; i < LEND_WITHIN && idle_in(peek()) < job->arg[0]; i++) {
		err = call(job->fd, MUSTER_SEM_ACQUIRE, &a);
		if (!err)
			err = call(job->fd, MUSTER_SEM_RELEASE, &r);
		if (err)
			return err;
	}
	return idle_in(peek()) < job->arg[0] ? -EAGAIN : 0;
}

/* Idle ones and held ones, of a few. */
static int run_peek(struct job *job)
{
	__u64 permits = peek();

	return held_in(permits) * 100 + idle_in(permits);
}

static int run_state(struct job *job)
{
	return __atomic_load_n(&lease->state, __ATOMIC_RELAXED);
}

static int run_scribble(struct job *job)
{
	__atomic_store_n(&lease->permits, (__u64)job->arg[0] << 32 | (__u32)job->arg[1],
			 __ATOMIC_RELAXED);
	return 0;
}

static inline struct job map_lease(int fd)
{
	return (struct job){ .run = run_map, .fd = fd };
}

static inline struct job take(__u32 n)
{
	return (struct job){ .run = run_take, .arg = { n } };
}

static inline struct job give(__u32 n)
{
	return (struct job){ .run = run_give, .arg = { n } };
}

static inline struct job borrow(int fd, __u32 n)
{
	return (struct job){ .run = run_borrow, .fd = fd, .arg = { n } };
}

static inline struct job peek_lease(void)
{
	return (struct job){ .run = run_peek };
}

static inline struct job lease_state(void)
{
	return (struct job){ .run = run_state };
}

static inline struct job scribble(__u32 held, __u32 idle)
{
	return (struct job){ .run = run_scribble, .arg = { held, idle } };
}

#define LENT(held, idle)	((held) * 100 + (idle))

#endif /* MUSTER_LEASE_H */
