/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trying again, with pauses that grow (G5)
 */
#ifndef MUSTER_RETRY_H
#define MUSTER_RETRY_H

#include "base.h"
#include "flight.h"

MUSTER_BEGIN_DECLS

/* struct muster_retry.flags */
#define MUSTER_RETRY_GROUP	(1U << 0)	/* @group is valid */

/**
 * muster_again_fn - is a status worth another try?
 * @status:	of the try, not 0
 * @tries:	how many there have been
 * @arg:	as given to muster_retry()
 *
 * Return: 0 it is not; else it is.
 */
typedef int (*muster_again_fn)(int status, uint32_t tries, void *arg);

/**
 * struct muster_retry - when to try again; all 0 is as good as NULL
 * @flags:	MUSTER_RETRY_*
 * @tries:	how many there may be, 0: any number
 * @pause:	ns before the second try. 0: none, ever
 * @pause_max:	most ns of a pause, 0: no limit
 * @factor:	what each pause is of the one before, in percent: 200 doubles it; 0: 200.
 *		100 is always the same; less is -EINVAL.
 * @jitter:	how much of each pause is left to chance, in percent, 0 to 100: with 25 it takes
 *		from 75 to 100 percent of what it would. So those that failed together do not
 *		try together. Chance is getrandom(2).
 * @again:	which statuses to try again for, or NULL: all that are not 0
 * @group:	a group: once it is cancelled, nothing is tried again, and a pause ends at once
 * @reserved:	0
 */
struct muster_retry {
	uint32_t flags;
	uint32_t tries;
	uint64_t pause;
	uint64_t pause_max;
	uint32_t factor;
	uint32_t jitter;
	muster_again_fn again;
	int32_t group;
	uint32_t reserved[5];
};

/**
 * muster_retry_fn - what is to be tried
 * @attempt:	1 for the first time, 2 for the second
 * @arg:	as given to muster_retry()
 *
 * Return: 0, or another status if it failed.
 */
typedef int (*muster_retry_fn)(uint32_t attempt, void *arg);

/**
 * muster_retry - try until it succeeds
 * @fn:		what is to be tried, in this thread. There is a first try in any case.
 * @arg:	for @fn
 * @deadline:	no try begins later. If the next one would, there is no pause, either. It does
 *		not end @fn.
 * @how:	see above, or NULL: again at once, for ever
 * @status:	set to what the last try returned, or NULL
 *
 * Pauses are by the clock of @deadline, to an instant: signals do not make them longer.
 *
 * Return: how many tries it took, the last of which has succeeded; -EAGAIN none of the tries
 * that there may be did, or @again said no; -ETIMEDOUT; -ECANCELED @how->group was
 * cancelled; -EBADF it is not open; -EINVAL, then there was no try, and @status is 0.
 */
int muster_retry(muster_retry_fn fn, void *arg, uint64_t deadline,
		 const struct muster_retry *how, int *status);

/**
 * muster_flight_retry - one tries, for all who ask
 * @fd:		the flight group
 * @key:	what is asked for
 * @key_len:	how many bytes
 * @fn:		does the work; a status that is not 0 is what it is tried again for. What it said
 *		to muster_work_set() and the like in a try that failed is forgotten, but for the
 *		last one.
 * @arg:	for @fn, and for @how->again
 * @deadline:	how long to wait for the one that tries; and no try begins later
 * @how:	see above, or NULL
 * @result:	as muster_flight_do(): what the last try returned, if none succeeded
 *
 * As muster_flight_do() of muster_retry(): however many processes ask, one at a time tries,
 * with its own @fn, @how and @deadline. If it dies the next one goes on, from its own first
 * try. Those who wait are told when it has succeeded, or has given up.
 *
 * Return: as muster_flight_do(); -EINVAL @how is not valid.
 */
int muster_flight_retry(int fd, const void *key, size_t key_len, muster_work_fn fn, void *arg,
			uint64_t deadline, const struct muster_retry *how,
			struct muster_result *result);

MUSTER_END_DECLS

#endif /* MUSTER_RETRY_H */
