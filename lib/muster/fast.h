/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A semaphore's fast path, compiled into the program
 *
 * What muster_sem_acquire() and muster_sem_release() do where there is a lease, a
 * compare-and-swap of one word, without a call: for those who acquire and release so often that
 * this counts. All else is as with these, to which it turns where there is none.
 */
#ifndef MUSTER_FAST_H
#define MUSTER_FAST_H

#include "base.h"
#include "sem.h"

MUSTER_BEGIN_DECLS

/**
 * struct muster_fast_slot - the library's: where the word is by which permits are lent
 * @to_word:	from @none to that word, in bytes
 * @none:	0
 */
struct muster_fast_slot {
	uintptr_t to_word;
	uint64_t none;
};

/**
 * struct muster_fast - a semaphore with its fast path
 * @slot:	the library's
 * @fd:		the semaphore
 *
 * It may be copied, used by many threads, and used after fork(2). It is worth as much as
 * the descriptor, which it does not keep open.
 */
struct muster_fast {
	const struct muster_fast_slot *slot;
	int fd;
};

/**
 * muster_sem_fast - where the fast path is
 * @fd:		the semaphore
 * @fast:	filled in
 *
 * It also gets a lease, as muster_sem_lease() does.
 *
 * Return: as muster_sem_lease(); @fast is filled in in any case, and to be used.
 */
int muster_sem_fast(int fd, struct muster_fast *fast);

static inline uint64_t *muster_fast_word(const struct muster_fast *fast)
{
	const struct muster_fast_slot *slot = fast->slot;

	return (uint64_t *)((uintptr_t)&slot->none +
			    __atomic_load_n(&slot->to_word, __ATOMIC_ACQUIRE));
}

/* Of no permits it is false, and of more than can be lent. */
static inline int muster_fast_take(const struct muster_fast *fast, uint64_t permits)
{
	uint64_t *word = muster_fast_word(fast);
	uint64_t was = __atomic_load_n(word, __ATOMIC_RELAXED);

	do {
		if (permits - 1 >= (uint32_t)was)
			return 0;
	} while (!__atomic_compare_exchange_n(word, &was, was + permits * MUSTER_LEASE_TAKE,
					      1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return 1;
}

static inline int muster_fast_give(const struct muster_fast *fast, uint64_t permits)
{
	uint64_t *word = muster_fast_word(fast);
	uint64_t was = __atomic_load_n(word, __ATOMIC_RELAXED);

	do {
		if (permits - 1 >= was >> 32)
			return 0;
	} while (!__atomic_compare_exchange_n(word, &was, was - permits * MUSTER_LEASE_TAKE,
					      1, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return 1;
}

/**
 * muster_fast_acquire - muster_sem_acquire()
 * @fast:	the semaphore
 * @permits:	as there
 * @deadline:	as there
 *
 * Return: as muster_sem_acquire().
 */
static inline int muster_fast_acquire(const struct muster_fast *fast, uint64_t permits,
				      uint64_t deadline)
{
	if (muster_fast_take(fast, permits))
		return 0;
	return muster_sem_acquire(fast->fd, permits, deadline);
}

/**
 * muster_fast_release - muster_sem_release()
 * @fast:	the semaphore
 * @permits:	as there
 *
 * Return: as muster_sem_release().
 */
static inline int muster_fast_release(const struct muster_fast *fast, uint64_t permits)
{
	if (muster_fast_give(fast, permits))
		return 0;
	return muster_sem_release(fast->fd, permits);
}

MUSTER_END_DECLS

#endif /* MUSTER_FAST_H */
