/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What acquires and releases. See locks.c.
 */
#ifndef MUSTER_PEERS_LOCKS_H
#define MUSTER_PEERS_LOCKS_H

#include <stdbool.h>

/* Most of them in one figure. */
#define LOCKS_MAX 8

/**
 * struct lock - a semaphore or mutex
 * @make:	makes number @i with so many permits, before processes fork
 * @attach:	what each process has to do before it uses them; may be NULL
 * @acquire:	waits for a permit
 * @release:	gives it back
 * @pairs:	acquires and releases so often, with nothing in between
 * @tries:	tries so often to acquire what is not to be had
 */
struct lock {
	void (*make)(unsigned int i, unsigned int permits);
	void (*attach)(void);
	void (*acquire)(unsigned int i);
	void (*release)(unsigned int i);
	void (*pairs)(unsigned long n);
	void (*tries)(unsigned long n);
};

extern const struct lock lock_empty, lock_muster, lock_library, lock_loan, lock_lease, lock_semop,
	lock_semop_undo, lock_sem_t, lock_robust, lock_eventfd, lock_eventfd_nonblock,
	lock_flock, lock_ntsync,
	lock_redis;
/* Those that anyone may release. */
extern const struct lock signal_muster, signal_semop, signal_sem_t, signal_eventfd,
	signal_ntsync;

#endif
