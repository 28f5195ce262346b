/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The countdown latch: wait until so many things have happened, once (G1, G2, G5e)
 */
#ifndef MUSTER_LATCH_H
#define MUSTER_LATCH_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_latch_open - open a latch
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 * @count:	how many parts are to be counted down, 1 to 2^31-1; 0: whatever an
 *		existing one was created with
 *
 * It opens when all parts are counted down, and stays open for as long as somebody has a
 * descriptor. Parts that no process has taken on may be counted down by any. A process
 * that has taken some on and ends before they are counted down breaks the latch: nobody
 * waits for the dead.
 *
 * It is a group whose limit is @count, and its names are those of groups; each part counts
 * as a task, for struct muster_info's calls_max.
 *
 * Return: see <muster/open.h>.
 */
int muster_latch_open(const char *name, int oflags, unsigned int mode, uint32_t count);

/**
 * muster_latch_take - take parts on: others are to know if the process dies over them
 * @fd:		the latch
 * @parts:	how many, 1 to MUSTER_GROUP_ADD_MAX
 *
 * Who takes what is left while others do so may get more than there is, once some parts are
 * done: it is not found out by which of them. The latch opens when as many as the count are
 * done. Where parts are not handed out by the program itself, let each of its processes take
 * its own before any counts down.
 *
 * Return: 0; -EAGAIN not so many are left that nobody has taken on; -ERANGE there never
 * were so many; -EOWNERDEAD the latch is broken; -EINVAL; -ENOSPC.
 */
int muster_latch_take(int fd, uint32_t parts);

/**
 * muster_latch_count_down - a part is done
 * @fd:		the latch
 *
 * That is one that the process has taken on, or else one that nobody has: which it takes on
 * and ends at once, by two system calls, so that its death between them breaks the latch. Of a
 * latch that is open it does nothing.
 *
 * Return: 0; -EAGAIN other processes have taken on all that are left; -EOWNERDEAD
 * the latch is broken; -ENOSPC.
 */
int muster_latch_count_down(int fd);

/**
 * muster_latch_wait - wait until the latch is open
 * @fd:		the latch
 * @deadline:	how long
 *
 * Any number may wait, at any time.
 *
 * Return: 0 it is open; -EOWNERDEAD it is broken: a process died that had taken parts on;
 * or an error of those that wait.
 */
int muster_latch_wait(int fd, uint64_t deadline);

/**
 * muster_latch_wait_async - the same, by ticket
 * @fd:		the latch
 * @deadline:	how long
 *
 * Of a verdict whose @error is 0 the @outcome is MUSTER_OUTCOME_MET if the latch is open,
 * and 0 if it is broken.
 *
 * Return: the ticket; see <muster/ticket.h>.
 */
int muster_latch_wait_async(int fd, uint64_t deadline);

/**
 * muster_latch_is_open - look at a latch
 * @fd:		the latch
 *
 * Return: 1 it is open; 0 it is not; -EOWNERDEAD it is broken.
 */
int muster_latch_is_open(int fd);

MUSTER_END_DECLS

#endif /* MUSTER_LATCH_H */
