// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permits that are lent: acquire and release without a system call (L1 to L9)
 *
 * An owner that releases permits that nobody waits for keeps them on loan: they count as in
 * use, and its page says so many are idle. By one atomic operation on one word the
 * process makes them held ones, and idle again. Whoever needs permits that are not there
 * takes those that are idle back, by one atomic operation as well. It takes all that an
 * owner has on loan, the held ones, too: they are @held then, as if acquired by
 * ioctl, and the word is 0, so that the process finds nothing there to acquire or to
 * release, and asks the kernel.
 *
 * So an owner is a lessee, of which the kernel knows how much it has lent (@lent), and not
 * how much of it is held; or it is not, and all is known. What the word says is the
 * process's own claim: of @lent permits it may say that it holds some, and no more.
 *
 * That permits are lent is always as if they were not. Whoever is to see a state that a
 * lessee could change behind its back first takes all back, and nothing is lent as long as
 * that lasts (@stopped):
 *
 *	a waiter in the queue		nobody overtakes it (S1), a release serves it
 *	a poller			a release tells it (T6)
 *	a holder has died		the next one to acquire learns of it (W4)
 *	the limit is set		nobody acquires beyond a lower one (S4)
 *
 * Locking: everything is guarded by the object's lock, but for the word. Taking back is done
 * in batches, and who takes finds no lessee twice. Each taking is paid for by a lending,
 * which was a release by ioctl.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "sem.h"
#include "trace.h"

/* One field of the word. */
#define LENT_MAX	S32_MAX

/* A loan that lasts so long was worth it. */
#define WORTH_IT	msecs_to_jiffies(10)
#define PAUSES_MAX	63

/* What a lessee says that it holds, as far as it can be true. */
static s64 sem_word_held(const struct sem_owner *so, u64 word)
{
	return min_t(s64, word >> 32, so->lent);
}

/* The same, as it is now. */
s64 sem_lease_held(const struct sem_owner *so)
{
	return sem_word_held(so, atomic64_read(muster_lease_word(&so->owner)));
}

/**
 * sem_lease_take - take back what is lent to an owner
 * @sem:	the semaphore; nobody is in its queue
 * @so:		a lessee; it is none any more
 */
void sem_lease_take(struct muster_sem *sem, struct sem_owner *so)
{
	s64 held = sem_word_held(so, atomic64_xchg(muster_lease_word(&so->owner), 0));

	lockdep_assert_held(&sem->object.lock);
	WARN_ON_ONCE(sem->nr_waiters);

	list_del_init(&so->lessee);
	sem->nr_lessees--;
	if (held && !so->held) {
		so->since = so->lent_at;
		sem->nr_holders++;
	}
	so->held += held;
	sem->free += so->lent - held;
	muster_count(&sem->object.totals->taken);
	trace_muster_sem_taken(&sem->object, &so->owner, so->lent - held, held, sem->free);
	so->lent = 0;
	so->pauses = get_jiffies_64() - so->lent_at < WORTH_IT ?
		min(so->pauses * 2 + 1, PAUSES_MAX) : 0;
	so->pause = so->pauses;
}

/**
 * sem_lease_gather - take permits back
 * @sem:	the semaphore
 * @permits:	until so many are free, or none are lent
 *
 * The lock is let go now and then. Nothing is lent meanwhile, so this comes to an end.
 */
void sem_lease_gather(struct muster_sem *sem, s64 permits)
{
	int n = 0;

	lockdep_assert_held(&sem->object.lock);

	sem->stopped++;
	while (!list_empty(&sem->lessees) && permits > sem->free) {
		sem_lease_take(sem, list_first_entry(&sem->lessees, struct sem_owner,
						     lessee));
		if (++n < MUSTER_BATCH)
			continue;
		n = 0;
		spin_unlock(&sem->object.lock);
		cond_resched();
		spin_lock(&sem->object.lock);
	}
	sem->stopped--;
}

/* Would the permits be free for whoever comes next, and would nobody else be told? */
static bool sem_may_lend(struct muster_sem *sem, const struct sem_owner *so,
			 s64 permits)
{
	/* No poller is missed: see sem_lend(). */
	if (waitqueue_active(&sem->object.poll))
		return false;
	return !sem->stopped && !sem->nr_waiters && !sem->abandoned && sem->free >= 0 &&
	       permits && permits <= LENT_MAX - so->lent &&
	       (so->lent || sem->nr_lessees < SEM_LESSEES_MAX) && muster_leases_on();
}

/**
 * sem_lend - lend an owner what it releases
 * @sem:	the semaphore
 * @so:		holds @permits, and has a page
 * @permits:	what it releases
 *
 * An owner from which permits are taken back soon after gets none for a while.
 *
 * No poller is missed: it has queued itself before it takes the lock to look, and either
 * it is seen here, or it takes back what is lent here.
 *
 * Return: whether they are lent. If not, they are still held.
 */
bool sem_lend(struct muster_sem *sem, struct sem_owner *so, s64 permits)
{
	lockdep_assert_held(&sem->object.lock);

	if (!sem_may_lend(sem, so, permits))
		return false;
	if (so->pause) {
		so->pause--;
		return false;
	}
	so->held -= permits;
	if (!so->held)
		sem->nr_holders--;
	if (so->lent) {
		/* What its releaser has written is there for who acquires it. */
		atomic64_add_return_release(permits, muster_lease_word(&so->owner));
	} else {
		so->lent_at = get_jiffies_64();
		list_add_tail(&so->lessee, &sem->lessees);
		sem->nr_lessees++;
		atomic64_set_release(muster_lease_word(&so->owner), permits);
	}
	so->lent += permits;
	muster_count(&sem->object.totals->lent);
	trace_muster_sem_lent(&sem->object, &so->owner, permits, sem->free, sem->nr_waiters,
			      sem->token);
	return true;
}

/* ---- looking ---- */

/**
 * sem_lease_look - what is lent
 * @sem:	the semaphore
 * @idle:	set to how many permits are not held
 * @holders:	set to how many lessees hold some, and nothing else
 *
 * Return: how many have idle ones.
 */
u32 sem_lease_look(struct muster_sem *sem, s64 *idle, u32 *holders)
{
	u32 lessees = 0, holding = 0;
	struct sem_owner *so;
	s64 unused = 0, held;

	lockdep_assert_held(&sem->object.lock);

	list_for_each_entry(so, &sem->lessees, lessee) {
		held = sem_lease_held(so);
		so->seen = held;
		unused += so->lent - held;
		holding += held && !so->held;
		lessees += held < so->lent;
	}
	*idle = unused;
	*holders = holding;
	return lessees;
}

/* Lists those with idle permits, as sem_lease_look() has seen them. */
void sem_lease_list(struct muster_sem *sem, struct muster_roster *roster)
{
	struct sem_owner *so;

	lockdep_assert_held(&sem->object.lock);

	list_for_each_entry(so, &sem->lessees, lessee) {
		if (so->seen < so->lent &&
		    !muster_roster_add(roster, &so->owner, MUSTER_PROCESS_LESSEE,
				       so->lent - so->seen, so->lent_at))
			break;
	}
}

/* ---- the type's part ---- */

/* Those of a signalling semaphore belong to nobody (S3). */
bool sem_may_lease(const struct muster_object *object)
{
	return !(object->options & MUSTER_SEM_SIGNALLING);
}

void sem_lease_end(struct muster_owner *owner)
{
	struct sem_owner *so = to_sem_owner(owner);

	if (so->lent)
		sem_lease_take(to_sem(muster_owner_object(owner)), so);
}
