// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The condition variable: a semaphore whose limit counts signals
 *
 * Its limit is BASE, and SIGNAL more for each signal that was given and is not used up. Who
 * waits asks for SIGNAL permits, by ticket: while no signal is there it is more than the
 * limit, so it waits.
 *
 *	wait		queue up by ticket; unlock the mutex; read the ticket; lock the
 *			mutex; use the signal up: lower the limit, then close the ticket
 *	signal		if somebody is queued, raise the limit: the kernel hands the permits
 *			to the first
 *
 * Who has a signal and dies, before the limit is lowered, leaves its permits to the next in
 * the queue. If there is none the signal lies there, and was for nobody who waits from now
 * on: the next one to wait drops it. From lowering the limit on, death uses the signal up.
 *
 * Only who has the mutex changes the limit, and queues up, so that what STAT has told stays
 * true meanwhile, except that those who wait may leave, or die. So a signal too many may
 * lie there, which is dropped as well, or wakes somebody for nothing; never one too few.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

/* So that the limit tells a condition variable from all that is not one. */
#define BASE	7173491ULL
#define SIGNAL	(BASE + 1)

/* ---- opening ---- */

/* Who creates it does so with O_EXCL: the limit of one that is in use is not known. */
static int open_or_create(const char *name, int oflags, unsigned int mode)
{
	int fd;

	if (!name || !(oflags & O_CREAT) || oflags & O_EXCL)
		return muster_sem_open(name, oflags, mode, !name || oflags & O_CREAT ? BASE : 0);
	do {
		fd = muster_sem_open(name, oflags & ~O_CREAT, mode, 0);
		if (fd == -ENOENT)
			fd = muster_sem_open(name, oflags | O_EXCL, mode, BASE);
	} while (fd == -EEXIST);
	return fd;
}

static int cond_stat(int fd, struct muster_sem_stat *stat)
{
	int err = muster_sem_stat(fd, stat, NULL, 0);

	if (!err && (stat->limit % SIGNAL != BASE || stat->options))
		err = -EINVAL;
	return err;
}

int muster_cond_open(const char *name, int oflags, unsigned int mode)
{
	struct muster_sem_stat stat;
	int fd = open_or_create(name, oflags, mode);
	int err = fd < 0 ? 0 : cond_stat(fd, &stat);

	if (!err)
		return fd;
	muster_close(fd);
	return err;
}

/* ---- signals, with the mutex locked ---- */

/* Looks at the condition variable, for who has locked the mutex. */
static int cond_look(int fd, int mutex, struct muster_sem_stat *stat)
{
	int err = muster_mutex_check(mutex);

	return err ? err : cond_stat(fd, stat);
}

static int cond_give(int fd, int mutex, uint32_t most)
{
	struct muster_sem_stat stat;
	int err = cond_look(fd, mutex, &stat);
	uint32_t nr;

	if (err)
		return err;
	nr = stat.waiters < most ? stat.waiters : most;
	if (nr)
		err = muster_sem_set_limit(fd, stat.limit + nr * SIGNAL, NULL);
	return err ? err : (int)nr;
}

int muster_cond_signal(int fd, int mutex)
{
	return cond_give(fd, mutex, 1);
}

int muster_cond_broadcast(int fd, int mutex)
{
	return cond_give(fd, mutex, INT32_MAX);
}

int muster_cond_done(int fd, int mutex, int *signal)
{
	struct muster_sem_stat stat;
	int err;

	if (*signal < 0)
		return 0;
	err = cond_look(fd, mutex, &stat);
	if (!err)
		err = muster_sem_set_limit(fd, stat.limit - SIGNAL, NULL);
	if (err)
		return err;
	muster_close(*signal);
	*signal = -1;
	return 0;
}

/* Drops what the dead have left when nobody else waited. */
static int cond_drop(int fd, int mutex)
{
	struct muster_sem_stat stat;
	int err = cond_look(fd, mutex, &stat);
	uint64_t unused;

	if (err)
		return err;
	unused = stat.available / SIGNAL;
	if (!unused || stat.waiters)
		return 0;
	return muster_sem_set_limit(fd, stat.limit - unused * SIGNAL, NULL);
}

/* ---- waiting ---- */

/* Queues up, and unlocks the mutex; the ticket. */
static int cond_enter(int fd, int mutex, uint64_t deadline)
{
	int err = cond_drop(fd, mutex), ticket;

	if (err)
		return err;
	ticket = muster_sem_acquire_async(fd, SIGNAL, MUSTER_SEM_WAIT_LIMIT, deadline);
	if (ticket < 0)
		return ticket;
	if (!muster_mutex_unlock(mutex))
		return ticket;
	/* Another thread was faster. */
	muster_close(ticket);
	return -EPERM;
}

static int cond_sleep(int ticket)
{
	struct muster_verdict verdict;
	int err = muster_ticket_read(ticket, &verdict, NULL, 0);

	return err < 0 ? err : verdict.error;
}

/* Locks, whatever handlers run meanwhile, and though the descriptor has O_NONBLOCK. */
static int cond_lock(int mutex)
{
	int ret;

	do {
		ret = muster_mutex_lock(mutex);
		if (ret == -EAGAIN)
			muster_wait_readable(mutex);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret < 0 ? -ENOTRECOVERABLE : ret;
}

int muster_cond_wait_async(int fd, int mutex, uint64_t deadline)
{
	return cond_enter(fd, mutex, deadline);
}

int muster_cond_wait(int fd, int mutex, uint64_t deadline, int *signal)
{
	int none = -1, err, notice, ticket;

	if (!signal)
		signal = &none;
	err = muster_cond_done(fd, mutex, signal);
	if (err)
		return err;
	ticket = cond_enter(fd, mutex, deadline);
	if (ticket < 0)
		return ticket;
	err = cond_sleep(ticket);
	notice = cond_lock(mutex);
	if (notice < 0)
		err = notice;
	if (err) {
		/* What it may have got meanwhile goes to the next. */
		muster_close(ticket);
		return notice > 0 ? notice : err;
	}
	*signal = ticket;
	if (signal == &none && muster_cond_done(fd, mutex, signal))
		muster_close(ticket);
	return notice;
}
