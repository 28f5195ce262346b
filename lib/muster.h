/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmuster - coordination between processes that survives crashes
 *
 *	flight		of all who ask the same question at the same time one works
 *			out the answer, and all get it: muster_flight_do()
 *	barrier		all leave when all are there: muster_barrier_await()
 *	semaphore	only so many at a time: muster_sem_acquire()
 *	group		tasks of many processes, to be waited for: muster_group_spawn()
 *	ticket		any of these waits without a thread: muster_ticket_read()
 *	list		what there is, and what has happened: muster_list()
 *
 * And on top of these (G5):
 *
 *	once		done one time, for all who ask, ever: muster_once()
 *	mutex, rwlock	with notice of a holder's death: muster_mutex_lock()
 *	condition	waits for a change of what a mutex protects: muster_cond_wait()
 *	latch		waits until so many things have happened: muster_latch_wait()
 *	tasks		all of them, the first, the last, one by one: muster_all()
 *	retry		until it succeeds, with pauses: muster_retry()
 *	schedule	at a time, or every so often: muster_schedule_add()
 *
 * Each has a header of its own below muster/, where every function is described; this
 * one includes them all.
 *
 * Whatever dies, nobody waits for a dead process and no permit is lost: the kernel
 * takes back what a process held. The kernel interface below this library, with
 * all flags and limits, is described in <linux/muster.h>; rules cited as (F6),
 * (T3), ... are numbered in Documentation/semantics.rst.
 *
 * Conventions, true of every function here
 * ----------------------------------------
 * - Returns 0 or a value >= 0, else a negative errno. muster_strerror() explains
 *   it. Nothing prints, exits, or touches errno.
 * - An object is a file descriptor: an int, 0 included, close-on-exec, to be closed
 *   with close(2). It passes through fork(2) and SCM_RIGHTS. What a process holds
 *   ends when it closes its last descriptor of the object, however it ends.
 * - Any thread may call anything at any time. None of the functions is a
 *   cancellation point. None but muster_flight_do(), muster_flight_ask(), muster_once(),
 *   muster_work_*(), muster_result_free() and those of <muster/task.h>,
 *   <muster/retry.h> and <muster/schedule.h> allocates memory, so the others may
 *   be called from signal handlers and after fork(2).
 * - A deadline is absolute, in ns of CLOCK_MONOTONIC: muster_after_ms(500) is half a
 *   second from now, MUSTER_FOREVER is never. What is free is granted even if the
 *   deadline has passed (T2), except at a barrier (B3).
 * - A pointer to where results go may be NULL if the text says so. After an error what
 *   it points to is undefined, if the text does not say otherwise.
 *
 * Errors that every function with a descriptor can return: -EBADF it is not open,
 * or was closed by another thread meanwhile; -ENOTTY it is not an object of that
 * type; -ENOMEM; -EFAULT a pointer is not valid.
 *
 * Errors of those that wait: -ETIMEDOUT the deadline has passed; -EAGAIN the
 * descriptor has O_NONBLOCK, and it would have to wait; -EINTR a signal handler that
 * was installed without SA_RESTART ran. In all these cases the caller has left the
 * queue and holds nothing.
 */
#ifndef MUSTER_H
#define MUSTER_H

#include "muster/base.h"
#include "muster/open.h"

#include "muster/barrier.h"
#include "muster/fast.h"
#include "muster/flight.h"
#include "muster/group.h"
#include "muster/latch.h"
#include "muster/list.h"
#include "muster/lock.h"
#include "muster/once.h"
#include "muster/retry.h"
#include "muster/schedule.h"
#include "muster/sem.h"
#include "muster/task.h"
#include "muster/ticket.h"

#endif /* MUSTER_H */
