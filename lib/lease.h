/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Permits on loan: acquire and release without a system call (L9)
 *
 * For each descriptor the library has an entry that leads to the word by which the kernel
 * lends permits, or to one that is always 0, so that the fast path has nothing to ask but
 * whether there are so many. All of it is in memory that is 0 in a child of fork(2),
 * where the mappings are not.
 */
#ifndef MUSTER_INTERNAL_LEASE_H
#define MUSTER_INTERNAL_LEASE_H

#include <stdbool.h>

#include "muster.h"

/* Descriptors beyond these have no leases. */
#define LEASE_FDS	4096

/* By descriptor: LEASE_FDS of them, so that the fast path has no other limit to look up. */
extern __attribute__((visibility("hidden"))) struct muster_fast_slot *muster_slots;

static inline struct muster_fast muster_fast_of(int fd)
{
	struct muster_fast_slot *slots = __atomic_load_n(&muster_slots, __ATOMIC_ACQUIRE);

	return (struct muster_fast){ .slot = &slots[(unsigned int)fd], .fd = fd };
}

static inline bool muster_lease_take(int fd, uint64_t permits)
{
	struct muster_fast fast = muster_fast_of(fd);

	return (unsigned int)fd < LEASE_FDS && muster_fast_take(&fast, permits);
}

static inline bool muster_lease_give(int fd, uint64_t permits)
{
	struct muster_fast fast = muster_fast_of(fd);

	return (unsigned int)fd < LEASE_FDS && muster_fast_give(&fast, permits);
}

void muster_lease_learn(int fd);
void muster_lease_forget(int fd);

#endif /* MUSTER_INTERNAL_LEASE_H */
