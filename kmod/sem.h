/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The weighted semaphore, as its files share it: sem.c, and sem_lease.c for permits that
 * are lent.
 */
#ifndef MUSTER_SEM_H
#define MUSTER_SEM_H

#include "muster.h"

/**
 * struct muster_sem - a semaphore
 * @object:	the core's part
 * @limit:	most permits that may be held; signalling: that may be there
 * @free:	permits that can be granted
 * @queue:	struct sem_waiter.waiter.node, and the cursor of sem_evict()
 * @nr_waiters:	how many wait, without the cursor
 * @arrivals:	how many ever did: the number of the next
 * @evicting:	there is one cursor at a time
 * @holders:	struct sem_owner.holding of those that hold some, and of some that no
 *		longer do: to hold and not to hold again must not cost list work
 * @nr_holders:	how many do
 * @token:	of the latest grant (W4)
 * @abandoned:	a holder died since the last release that says that all is well (W4)
 * @lessees:	struct sem_owner.lessee of those to whom permits are lent
 * @nr_lessees:	how many, up to SEM_LESSEES_MAX
 * @stopped:	how many are about something that nothing may be lent meanwhile
 */
struct muster_sem {
	struct muster_object object;
	s64 limit;
	s64 free;
	struct list_head queue;
	u32 nr_waiters;
	u64 arrivals;
	struct mutex evicting;	/* see @evicting above */
	struct list_head holders;
	u32 nr_holders;
	u64 token;
	bool abandoned;
	struct list_head lessees;
	u32 nr_lessees;
	u32 stopped;
};

/**
 * struct sem_owner - a process that uses a semaphore
 * @owner:	the core's part
 * @held:	permits it holds
 * @first:	the token of the first grant that made it a holder, or 0
 * @since:	jiffies since when it holds some
 * @holding:	link in @holders of the semaphore; empty if not there
 * @lessee:	link in @lessees of the semaphore, while @lent is not 0
 * @lent:	permits that are lent to it, beside those of @held; which of them it holds
 *		its page says
 * @seen:	how many it held when STAT looked
 * @lent_at:	jiffies when it became a lessee
 * @pause:	releases until permits may be lent to it again
 * @pauses:	what @pause began with
 */
struct sem_owner {
	struct muster_owner owner;
	s64 held;
	u64 first;
	u64 since;
	struct list_head holding;
	struct list_head lessee;
	s64 lent;
	s64 seen;
	u64 lent_at;
	u8 pause;
	u8 pauses;
};

/**
 * struct sem_grant - what a grant tells
 * @token:	its fencing token
 * @abandoned:	see struct muster_sem
 */
struct sem_grant {
	u64 token;
	bool abandoned;
};

/**
 * struct sem_waiter - a thread that waits for permits
 * @waiter:	the core's part; @waiter.owner is NULL for the cursor
 * @arrival:	its number
 * @permits:	how many
 * @wait_limit:	wait for a larger limit rather than fail (S2)
 * @grant:	written by whoever grants
 */
struct sem_waiter {
	struct muster_waiter waiter;
	u64 arrival;
	s64 permits;
	bool wait_limit;
	struct sem_grant grant;
};

static inline struct muster_sem *to_sem(struct muster_object *object)
{
	return container_of(object, struct muster_sem, object);
}

static inline struct sem_owner *to_sem_owner(struct muster_owner *owner)
{
	return owner ? container_of(owner, struct sem_owner, owner) : NULL;
}

static inline struct sem_waiter *to_sem_waiter(struct muster_waiter *waiter)
{
	return container_of(waiter, struct sem_waiter, waiter);
}

static inline bool sem_is_signalling(const struct muster_sem *sem)
{
	return sem->object.options & MUSTER_SEM_SIGNALLING;
}

/* ---- sem_lease.c: permits that are lent (L1 to L9) ---- */

/* So many processes have permits of one semaphore on loan at most. */
#define SEM_LESSEES_MAX	512

void sem_lease_take(struct muster_sem *sem, struct sem_owner *so);
void sem_lease_gather(struct muster_sem *sem, s64 permits);
bool sem_lend(struct muster_sem *sem, struct sem_owner *so, s64 permits);
s64 sem_lease_held(const struct sem_owner *so);
u32 sem_lease_look(struct muster_sem *sem, s64 *idle, u32 *holders);
void sem_lease_list(struct muster_sem *sem, struct muster_roster *roster);
bool sem_may_lease(const struct muster_object *object);
void sem_lease_end(struct muster_owner *owner);

/*
 * Takes back all that is lent, and nothing is lent until sem_lease_go(). The lock is let go
 * meanwhile, if there is much to take.
 */
static inline void sem_lease_stop(struct muster_sem *sem)
{
	lockdep_assert_held(&sem->object.lock);

	sem->stopped++;
	if (unlikely(!list_empty(&sem->lessees)))
		sem_lease_gather(sem, S64_MAX);
}

static inline void sem_lease_go(struct muster_sem *sem)
{
	lockdep_assert_held(&sem->object.lock);

	sem->stopped--;
}

#endif /* MUSTER_SEM_H */
