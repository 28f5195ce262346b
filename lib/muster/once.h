/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Once: what is done one time only, whoever asks (F8, G5a)
 */
#ifndef MUSTER_ONCE_H
#define MUSTER_ONCE_H

#include "base.h"
#include "flight.h"

MUSTER_BEGIN_DECLS

/**
 * muster_once - do something once, for all processes
 * @fd:		a flight group: muster_flight_open()
 * @key:	what is done: any bytes, which must not change meanwhile
 * @key_len:	how many, 1 to MUSTER_KEY_MAX
 * @fn:		does it, in this thread, unless it was done, or is being done
 * @arg:	for @fn
 * @flags:	0, or MUSTER_FINISH_KEEP_FAILURE: to have failed counts as done
 * @deadline:	how long to wait for the one that does it. It does not end @fn.
 * @result:	filled in, or NULL: as of muster_flight_do(). Whoever asks later gets the same
 *		status and bytes, with MUSTER_OUTCOME_KEPT in @result->outcome.
 *
 * Of all who ask, at the same time or later, one runs @fn, and that it was run is known
 * for as long as anybody has the group open. A process that dies over it, or an @fn that
 * does not return, has not done it: the next one does. Nor has one whose @fn returns
 * something else than 0: those who wait at that time are told the status, and whoever asks
 * later tries again, unless @flags says otherwise. muster_flight_forget() makes it undone.
 *
 * What is known takes room: it counts for the user who did it, for struct muster_info's
 * calls_max, and the bytes for bytes_max. When a user is at its limits, what it did first
 * is forgotten, and whoever asks does it again. So give such groups few keys.
 *
 * Return: 0, and @result->status tells how it ended; -ENOBUFS the caller did it, and
 * @result tells how, to those who waited, too; but it cannot be kept, so that the next one
 * does it again; -EINVAL a flag; else as muster_flight_do().
 */
int muster_once(int fd, const void *key, size_t key_len, muster_work_fn fn, void *arg,
		uint32_t flags, uint64_t deadline, struct muster_result *result);

MUSTER_END_DECLS

#endif /* MUSTER_ONCE_H */
