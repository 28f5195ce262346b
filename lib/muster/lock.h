/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks of many processes: mutex, rwlock, condition variable (G5)
 *
 * A mutex is a semaphore of one permit, an rwlock one of very many, a condition variable
 * one whose limit counts signals. So all that is true of semaphores is true of them: they
 * belong to processes, are passed on first come, first served, and come back when a
 * process dies, however it does, or closes its last descriptor. A child of fork(2) has the
 * descriptor and holds nothing (W3). Their names are those of semaphores.
 *
 * Threads: what one thread has locked another of the process may unlock. Locking again is
 * to wait for oneself, there is no recursion and nothing that finds it out: only threads
 * and processes that are different can go on.
 *
 * Notice of death: the functions that lock return 1 instead of 0 if a process ended
 * while it had the lock and nobody has put things right since. The caller has the lock,
 * and is to check what it protects. To unlock says that all is well, so that the next
 * one gets 0; a caller that cannot bring that about says so, by muster_mutex_abandon() or
 * muster_rwlock_abandon(), and the next one gets 1, too. (In the words of POSIX: 1 is
 * EOWNERDEAD, unlock is pthread_mutex_consistent(3) at the same time, and there is no
 * ENOTRECOVERABLE: a lock that nobody repairs says so to each, and never becomes useless.)
 */
#ifndef MUSTER_LOCK_H
#define MUSTER_LOCK_H

#include "base.h"

MUSTER_BEGIN_DECLS

/* ---- mutex: one at a time ---- */

/**
 * muster_mutex_open - open a mutex
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 *
 * Return: see <muster/open.h>; -EINVAL what has this name is no mutex.
 */
int muster_mutex_open(const char *name, int oflags, unsigned int mode);

/**
 * muster_mutex_lock - lock, wait for as long as it takes
 * @fd:		the mutex
 *
 * Return: 0; 1 it is locked, too, but a process died that had it locked: see above; or an
 * error of those that wait.
 */
int muster_mutex_lock(int fd);

/**
 * muster_mutex_trylock - lock if that can be done at once
 * @fd:		the mutex
 *
 * Return: as muster_mutex_lock(); -EAGAIN somebody has it, or waits for it.
 */
int muster_mutex_trylock(int fd);

/**
 * muster_mutex_lock_until - lock, wait so long at most
 * @fd:		the mutex
 * @deadline:	how long
 * @token:	set to the fencing token: it grows with every lock, so that whoever writes
 *		somewhere else with a token that is not the greatest can be refused
 *		there (W4); or NULL
 *
 * Return: as muster_mutex_lock().
 */
int muster_mutex_lock_until(int fd, uint64_t deadline, uint64_t *token);

/**
 * muster_mutex_lock_async - lock, by ticket
 * @fd:		the mutex
 * @deadline:	how long to wait
 *
 * When the ticket is readable, and its verdict's @error is 0, the mutex is locked;
 * MUSTER_OUTCOME_ABANDONED in @outcome is the notice of death. It is the ticket then by
 * which to unlock. To close the ticket without is as if the process had died.
 *
 * Return: the ticket; see <muster/ticket.h>.
 */
int muster_mutex_lock_async(int fd, uint64_t deadline);

/**
 * muster_mutex_unlock - unlock; what the mutex protects is in order
 * @fd:		the mutex, by the descriptor, or a duplicate, by which it was locked
 *
 * Return: 0; -EPERM the process has not locked it.
 */
int muster_mutex_unlock(int fd);

/**
 * muster_mutex_abandon - unlock; what the mutex protects is not in order
 * @fd:		the mutex
 *
 * As if the process had died: the next one is told by 1.
 *
 * Return: as muster_mutex_unlock().
 */
int muster_mutex_abandon(int fd);

/* ---- rwlock: one who writes, or many who read ---- */

/**
 * muster_rwlock_open - open an rwlock
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 *
 * Whoever comes first is served first, be it to read or to write: behind a writer that waits
 * wait readers, though others still read, so that neither starves.
 *
 * Notice of death: as of a mutex. It comes of readers' deaths as of writers', is given to
 * readers and to writers, and lasts until a writer unlocks or goes on as a reader: a
 * reader's unlocking says nothing, as it could not put anything right.
 *
 * Return: see <muster/open.h>; -EINVAL what has this name is no rwlock.
 */
int muster_rwlock_open(const char *name, int oflags, unsigned int mode);

/**
 * muster_rwlock_rdlock - lock to read, beside others who read
 * @fd:		the rwlock
 *
 * A process may do it several times, as each of its threads may; but the second time may
 * wait behind a writer that waits for the first.
 *
 * Return: as muster_mutex_lock().
 */
int muster_rwlock_rdlock(int fd);

/**
 * muster_rwlock_wrlock - lock to write, alone
 * @fd:		the rwlock
 *
 * Return: as muster_mutex_lock().
 */
int muster_rwlock_wrlock(int fd);

/*
 * The same if it can be done at once, or else -EAGAIN: a writer has it or waits for it,
 * or, to write, anybody.
 */
int muster_rwlock_tryrdlock(int fd);
int muster_rwlock_trywrlock(int fd);

/* The same until a deadline, and with a fencing token: as muster_mutex_lock_until(). */
int muster_rwlock_rdlock_until(int fd, uint64_t deadline, uint64_t *token);
int muster_rwlock_wrlock_until(int fd, uint64_t deadline, uint64_t *token);

/* The same by ticket: as muster_mutex_lock_async(). */
int muster_rwlock_rdlock_async(int fd, uint64_t deadline);
int muster_rwlock_wrlock_async(int fd, uint64_t deadline);

/**
 * muster_rwlock_unlock - unlock what was locked, to read or to write
 * @fd:		the rwlock, by the descriptor, or a duplicate, by which it was locked
 *
 * A writer says with it that what the lock protects is in order.
 *
 * Return: 0; -EPERM the process has not locked it.
 */
int muster_rwlock_unlock(int fd);

/**
 * muster_rwlock_abandon - unlock after writing; what the lock protects is not in order
 * @fd:		the rwlock
 *
 * Return: 0; -EPERM the process has not locked it to write.
 */
int muster_rwlock_abandon(int fd);

/**
 * muster_rwlock_downgrade - have written, go on reading
 * @fd:		the rwlock, locked to write
 *
 * No writer gets in between. What the lock protects is said to be in order. Readers that
 * wait before any writer come in.
 *
 * Return: 0; -EPERM the process has not locked it to write.
 */
int muster_rwlock_downgrade(int fd);

/**
 * muster_rwlock_tryupgrade - have read, go on writing, if nobody else is there
 * @fd:		the rwlock, locked to read, once
 *
 * There is none that waits: two who read would wait for each other.
 *
 * Return: 0 or 1 as muster_mutex_lock(), locked to write; -EAGAIN others read as well, or
 * somebody waits, -ENOMEM: still locked to read; -EPERM the process has not locked it to read.
 */
int muster_rwlock_tryupgrade(int fd);

/* ---- condition variable: wait for a change of what a mutex protects ---- */

/**
 * muster_cond_open - open a condition variable
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 *
 * All who use it are to use it with the same mutex.
 *
 * Return: see <muster/open.h>; -EINVAL what has this name is no condition variable.
 */
int muster_cond_open(const char *name, int oflags, unsigned int mode);

/**
 * muster_cond_wait - unlock the mutex, wait for a signal, lock the mutex again
 * @fd:		the condition variable
 * @mutex:	the mutex, locked
 * @deadline:	how long to wait for the signal. To lock again has no deadline.
 * @signal:	NULL, or where the signal is kept, -1 at first: see below
 *
 * A signal that comes after the mutex was unlocked is not missed. It goes to whoever
 * has waited longest; if that process dies before it has the mutex again, or leaves, it
 * goes to the next one, so that none is lost. As ever, one waits in a loop:
 *
 *	muster_mutex_lock(mutex);
 *	while (!there_is_work())
 *		muster_cond_wait(cond, mutex, MUSTER_FOREVER, NULL);
 *	take_work();
 *	muster_mutex_unlock(mutex);
 *
 * A process that dies after that, in take_work(), has used its signal up, and those who
 * wait learn of its death only when they lock the mutex for another reason. That can be
 * had better: with @signal the signal is kept until muster_cond_done(), and goes to the
 * next one if the process dies before it:
 *
 *	int signal = -1;
 *	...
 *		muster_cond_wait(cond, mutex, MUSTER_FOREVER, &signal);
 *	take_work();
 *	muster_cond_done(cond, mutex, &signal);
 *	muster_mutex_unlock(mutex);
 *
 * It is a descriptor, and to close it passes the signal on. To wait again uses it up.
 *
 * To unlock says, as ever, that what the mutex protects is in order. There may be a return
 * without a signal, if a process that had got one died when no one else waited; but for
 * each such death no more than one.
 *
 * Return: 0; 1 as muster_mutex_lock(), which there may be instead of any of the following,
 * too; -ETIMEDOUT; -EINTR; -EAGAIN @fd has O_NONBLOCK; -EINVAL, -EMFILE, -ENFILE, -ENOMEM it
 * could not begin. In all these cases the mutex is locked. In these it is not: -EPERM the process
 * has not locked it; -ENOTRECOVERABLE it could not be locked again, as it was closed by
 * another thread, or is no mutex any more.
 */
int muster_cond_wait(int fd, int mutex, uint64_t deadline, int *signal);

/**
 * muster_cond_wait_async - unlock the mutex, wait for a signal, by ticket
 * @fd:		the condition variable
 * @mutex:	the mutex, locked
 * @deadline:	how long to wait for the signal
 *
 * When the ticket is readable, and its verdict's @error is 0, it is the signal, as
 * muster_cond_wait() keeps it: the caller locks the mutex again, looks, and gives the ticket
 * to muster_cond_done(). To close it passes the signal on, or leaves the queue.
 *
 * Return: the ticket, and the mutex is unlocked; -EPERM the process has not locked it; else,
 * as muster_cond_wait(), with the mutex locked.
 */
int muster_cond_wait_async(int fd, int mutex, uint64_t deadline);

/**
 * muster_cond_done - use up a signal that was kept
 * @fd:		the condition variable
 * @mutex:	the mutex, still locked
 * @signal:	as muster_cond_wait() has set it, or the ticket; -1 afterwards. If it is -1, nothing is done.
 *
 * Return: 0; -EPERM the process has not locked the mutex.
 */
int muster_cond_done(int fd, int mutex, int *signal);

/**
 * muster_cond_signal - wake whoever has waited longest, if anybody waits
 * @fd:		the condition variable
 * @mutex:	the mutex, which the caller must have locked, unlike in POSIX
 *
 * Return: how many were woken, 0 or 1; -EPERM the process has not locked the mutex;
 * -EINVAL @fd is no condition variable.
 */
int muster_cond_signal(int fd, int mutex);

/**
 * muster_cond_broadcast - wake all who wait
 * @fd:		the condition variable
 * @mutex:	the mutex, which the caller must have locked
 *
 * Return: how many were woken; or as muster_cond_signal().
 */
int muster_cond_broadcast(int fd, int mutex);

MUSTER_END_DECLS

#endif /* MUSTER_LOCK_H */
