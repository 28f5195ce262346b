// SPDX-License-Identifier: GPL-2.0-only
/*
 * The weighted semaphore (S1 to S6)
 *
 * Permits that are there go to the front of the queue, all that it asked for or
 * none; nobody overtakes (S1). Who releases, raises the limit, dies or leaves the
 * front serves the queue; those who are served find their permits already theirs.
 *
 * @free is the limit less what is held. It is negative while usage is above a
 * limit that was lowered (S4). A signalling semaphore (S3) has no holders: there
 * @free is simply the permits that are there, and the limit only bounds it.
 *
 * Permits may be lent (sem_lease.c): those are not free, and not held as far as is known
 * here. Nothing is lent while somebody is in the queue.
 *
 * Locking: everything is guarded by the object's lock. The mutex @evicting is taken
 * before it.
 */
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "sem.h"
#include "trace.h"

/* ---- tracepoints, out of the way of what is to be quick ---- */

static noinline __cold void sem_trace_granted(const struct muster_sem *sem,
					      const struct sem_owner *so, s64 permits)
{
	trace_muster_sem_granted(&sem->object, &so->owner, permits, sem->free,
				 sem->nr_waiters, sem->token);
}

static noinline __cold void sem_trace_released(const struct muster_sem *sem,
					       const struct sem_owner *so, s64 permits)
{
	trace_muster_sem_released(&sem->object, so ? &so->owner : NULL, permits, sem->free,
				  sem->nr_waiters, sem->token);
}

/* ---- state changes, under the lock ---- */

/* It holds permits for the first time, or after a STAT that took it off the list. */
static noinline void sem_add_holder(struct muster_sem *sem, struct sem_owner *so)
{
	if (!so->first)
		so->first = sem->token;
	list_add_tail(&so->holding, &sem->holders);
}

/*
 * This and what else an uncontended acquire and release do is in line: that is all that
 * they cost beyond two system calls.
 */
static __always_inline void sem_grant(struct muster_sem *sem, struct sem_owner *so,
				      s64 permits, struct sem_grant *grant)
{
	lockdep_assert_held(&sem->object.lock);

	sem->free -= permits;
	grant->token = ++sem->token;
	grant->abandoned = sem->abandoned;
	muster_count(&sem->object.totals->granted);
	if (trace_muster_sem_granted_enabled())
		sem_trace_granted(sem, so, permits);
	if (sem_is_signalling(sem) || !permits)
		return;
	if (!so->held) {
		so->since = get_jiffies_64();
		sem->nr_holders++;
		if (unlikely(list_empty(&so->holding)))
			sem_add_holder(sem, so);
	}
	so->held += permits;
}

/* Takes up to so many permits back; how many there were to take. */
static __always_inline s64 sem_ungrant(struct muster_sem *sem, struct sem_owner *so,
				       s64 permits)
{
	lockdep_assert_held(&sem->object.lock);

	if (sem_is_signalling(sem)) {
		/* There may be more than the limit by now. */
		permits = min(permits, S64_MAX - sem->free);
	} else if (so && so->held) {
		permits = min(permits, so->held);
		so->held -= permits;
		if (!so->held)
			sem->nr_holders--;
	} else {
		permits = 0;
	}
	sem->free += permits;
	if (trace_muster_sem_released_enabled())
		sem_trace_released(sem, so, permits);
	return permits;
}

/* Are there so many? None always are, even while usage is above the limit (S1). */
static bool sem_has(const struct muster_sem *sem, s64 permits)
{
	return permits <= sem->free || !permits;
}

/* 0 if granted, -ERANGE if that can never be, -EAGAIN if it has to wait. */
static __always_inline int sem_try(struct muster_sem *sem, struct sem_owner *so,
				   s64 permits, bool wait_limit, struct sem_grant *grant)
{
	lockdep_assert_held(&sem->object.lock);

	/* Of a signalling one there may be more than the limit. */
	if (permits > sem->limit)
		return wait_limit ? -EAGAIN : -ERANGE;
	if (sem->nr_waiters || !sem_has(sem, permits))
		return -EAGAIN;
	sem_grant(sem, so, permits, grant);
	return 0;
}

static void sem_take_out(struct muster_sem *sem, struct sem_waiter *sw, int verdict,
			 struct list_head *taken)
{
	sw->waiter.verdict = verdict;
	list_move_tail(&sw->waiter.node, taken);
	sem->nr_waiters--;
}

static struct sem_waiter *sem_front(struct muster_sem *sem)
{
	struct sem_waiter *sw;

	list_for_each_entry(sw, &sem->queue, waiter.node) {
		if (sw->waiter.owner)
			return sw;
	}
	return NULL;
}

/* What is to be told to one at the front of the queue; MUSTER_QUEUED if it has to wait. */
static int sem_decide(const struct muster_sem *sem, const struct sem_waiter *sw)
{
	if (sw->waiter.owner->dead)
		return muster_dead_verdict(&sw->waiter);
	if (sw->permits > sem->limit)
		return sw->wait_limit ? MUSTER_QUEUED : -ERANGE;
	return sem_has(sem, sw->permits) ? 0 : MUSTER_QUEUED;
}

/*
 * Serves a batch of those who arrived before number @until; true if there may be more
 * to serve.
 */
static bool sem_serve(struct muster_sem *sem, u64 until, struct list_head *taken)
{
	struct sem_waiter *sw;
	int n, verdict;

	lockdep_assert_held(&sem->object.lock);

	for (n = 0; n < MUSTER_BATCH; n++) {
		sw = sem_front(sem);
		if (!sw || sw->arrival >= until)
			return false;
		verdict = sem_decide(sem, sw);
		if (verdict == MUSTER_QUEUED)
			return false;
		if (!verdict) {
			muster_owner_use(sw->waiter.owner);
			sem_grant(sem, to_sem_owner(sw->waiter.owner), sw->permits, &sw->grant);
		}
		sem_take_out(sem, sw, verdict, taken);
	}
	return true;
}

/* ---- after a state change ---- */

/*
 * Serves waiters, in batches. A newcomer between two batches queues up, as the queue
 * is not empty, and serves it up to itself (sem_queue()): so that the caller does not
 * serve for ever those who come again and again.
 */
static noinline void sem_serve_all(struct muster_sem *sem)
	__must_hold(&sem->object.lock)
{
	u64 until = sem->arrivals;
	LIST_HEAD(taken);
	bool more;

	do {
		more = sem_serve(sem, until, &taken);
		spin_unlock(&sem->object.lock);
		muster_settle_all(&taken);
		spin_lock(&sem->object.lock);
	} while (more);
}

/* Unlocks the semaphore after a change that may serve waiters. */
static void sem_unlock_serve(struct muster_sem *sem)
	__releases(&sem->object.lock)
{
	if (unlikely(sem->nr_waiters))
		sem_serve_all(sem);
	spin_unlock(&sem->object.lock);
	muster_object_wake_poll(&sem->object);
}

/* Moves on by a batch from the cursor; true at the end of those before number @until. */
static bool sem_evict_batch(struct muster_sem *sem, struct sem_waiter *cursor, u64 until,
			    struct list_head *taken)
{
	struct sem_waiter *sw;
	int n;

	lockdep_assert_held(&sem->object.lock);

	for (n = 0; n < MUSTER_BATCH; n++) {
		if (list_is_last(&cursor->waiter.node, &sem->queue))
			return true;
		sw = list_next_entry(cursor, waiter.node);
		if (sw->arrival >= until)
			return true;
		list_move(&cursor->waiter.node, &sw->waiter.node);
		if (sw->permits > sem->limit && !sw->wait_limit)
			sem_take_out(sem, sw, -ERANGE, taken);
	}
	return false;
}

/*
 * Fails the waiters that a lowered limit puts out of reach (S4). Who comes meanwhile has seen
 * that limit, or a later one.
 */
static void sem_evict(struct muster_sem *sem)
{
	struct sem_waiter cursor = {};
	LIST_HEAD(taken);
	u64 until;
	bool end;

	mutex_lock(&sem->evicting);
	spin_lock(&sem->object.lock);
	until = sem->arrivals;
	list_add(&cursor.waiter.node, &sem->queue);
	for (;;) {
		end = sem_evict_batch(sem, &cursor, until, &taken);
		if (end)
			list_del(&cursor.waiter.node);
		spin_unlock(&sem->object.lock);
		muster_settle_all(&taken);
		if (end)
			break;
		cond_resched();
		spin_lock(&sem->object.lock);
	}
	mutex_unlock(&sem->evicting);
	spin_lock(&sem->object.lock);
	sem_unlock_serve(sem);
}

/* ---- waiting ---- */

static enum muster_leave sem_leave(struct muster_waiter *waiter, int reason)
{
	struct muster_sem *sem = to_sem(muster_owner_object(waiter->owner));

	spin_lock(&sem->object.lock);
	if (waiter->verdict != MUSTER_QUEUED) {
		spin_unlock(&sem->object.lock);
		return MUSTER_SETTLED;
	}
	list_del(&waiter->node);
	sem->nr_waiters--;
	trace_muster_sem_cancelled(&sem->object, waiter->owner,
				   to_sem_waiter(waiter)->permits, sem->free,
				   sem->nr_waiters, sem->token);
	/* The next may ask for less (S5). */
	sem_unlock_serve(sem);
	return MUSTER_LEFT;
}

static int sem_enter_try(struct muster_sem *sem, struct sem_waiter *sw)
{
	struct muster_owner *owner = sw->waiter.owner;

	if (!muster_owner_use(owner))
		return -EBADF;
	return sem_try(sem, to_sem_owner(owner), sw->permits, sw->wait_limit, &sw->grant);
}

/* Tries again with what is lent. */
static noinline int sem_enter_gather(struct muster_sem *sem, struct sem_waiter *sw)
{
	sem_lease_gather(sem, sw->permits);
	return sem_enter_try(sem, sw);
}

/* Is the front of the queue, before the one who is last in it, being served just now? */
static bool sem_is_serving(struct muster_sem *sem)
{
	return sem->nr_waiters > 1 && sem_decide(sem, sem_front(sem)) != MUSTER_QUEUED;
}

/* Queues up, and unlocks. It may be on its way out on return. */
static void sem_queue(struct muster_sem *sem, struct sem_waiter *sw)
	__releases(&sem->object.lock)
{
	/* What a lessee released would not serve it. */
	WARN_ON_ONCE(!list_empty(&sem->lessees));
	sw->arrival = sem->arrivals++;
	list_add_tail(&sw->waiter.node, &sem->queue);
	sem->nr_waiters++;
	trace_muster_sem_queued(&sem->object, sw->waiter.owner, sw->permits, sem->free,
				sem->nr_waiters, sem->token);
	muster_waiter_queued(&sw->waiter, sw->permits);
	if (unlikely(sem_is_serving(sem)))
		sem_unlock_serve(sem);
	else
		spin_unlock(&sem->object.lock);
}

/* 0 if granted, MUSTER_QUEUED, or a negative errno. */
static int sem_enter(struct muster_sem *sem, struct sem_waiter *sw, bool nonblock)
{
	int err;

	spin_lock(&sem->object.lock);
	err = sem_enter_try(sem, sw);
	if (err == -EAGAIN && !list_empty(&sem->lessees))
		err = sem_enter_gather(sem, sw);
	if (err == -EAGAIN && !nonblock) {
		sem_queue(sem, sw);
		return MUSTER_QUEUED;
	}
	spin_unlock(&sem->object.lock);
	return err;
}

/* Queues up, unless what it takes has come free meanwhile. */
static int sem_wait(struct muster_sem *sem, struct muster_owner *owner,
		    struct sem_waiter *sw, const struct muster_deadline *until)
{
	int err;

	muster_waiter_init(&sw->waiter, owner, sem_leave);
	err = sem_enter(sem, sw, until->nonblock);
	if (err == MUSTER_QUEUED)
		return muster_wait(&sw->waiter, until);
	muster_owner_put(owner);
	return err;
}

/* ---- ioctls ---- */

/*
 * The caller never learned of its grant: others may have the permits. Another thread may
 * have released, by ioctl, these rather than those that it had acquired without (L3); or
 * closed the last descriptor, which gave them back, and have got another one and permits since.
 */
static noinline void sem_give_back(struct muster_file *mfile, s64 permits, u64 token)
{
	struct muster_sem *sem = to_sem(mfile->object);
	struct sem_owner *so;

	spin_lock(&sem->object.lock);
	so = to_sem_owner(muster_owner_find(mfile));
	if (so && so->first > token)
		so = NULL;
	if (so && so->lent && so->held < permits)
		sem_lease_take(sem, so);
	sem_ungrant(sem, so, permits);
	sem_unlock_serve(sem);
}

/*
 * As sem_try(), for the calling process; -ESRCH if it is no owner yet, or there is something
 * to be taken back first (L4).
 */
static int sem_try_self(struct muster_file *mfile, s64 permits, bool wait_limit,
			struct sem_grant *grant)
{
	struct muster_sem *sem = to_sem(mfile->object);
	struct muster_owner *owner;
	int err = -ESRCH;

	spin_lock(&sem->object.lock);
	owner = muster_owner_find(mfile);
	if (likely(owner && muster_owner_use(owner)))
		err = sem_try(sem, to_sem_owner(owner), permits, wait_limit, grant);
	if (unlikely(err == -EAGAIN) && !list_empty(&sem->lessees))
		err = -ESRCH;
	spin_unlock(&sem->object.lock);
	return err;
}

static noinline int sem_acquire_slow(const struct muster_request *req,
				     const struct muster_sem_acquire *acquire,
				     struct sem_grant *grant)
{
	struct sem_waiter sw = {
		.permits = acquire->permits,
		.wait_limit = acquire->flags & MUSTER_SEM_WAIT_LIMIT,
	};
	struct muster_deadline until;
	struct muster_owner *owner;
	int err;

	muster_deadline_set(&until, req, acquire->flags, acquire->deadline);
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = sem_wait(to_sem(req->mfile->object), owner, &sw, &until);
	muster_owner_put(owner);
	*grant = sw.grant;
	return err;
}

static noinline int sem_acquire_ticket(const struct muster_request *req,
				       const struct muster_sem_acquire *acquire)
{
	struct muster_waiter *waiter;
	struct sem_waiter *sw;

	waiter = muster_ticket_create(req, sizeof(*sw), sem_leave, acquire->flags,
				      acquire->deadline);
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	sw = to_sem_waiter(waiter);
	sw->permits = acquire->permits;
	sw->wait_limit = acquire->flags & MUSTER_SEM_WAIT_LIMIT;
	return muster_ticket_issue(waiter, sem_enter(to_sem(req->mfile->object), sw, false));
}

static int sem_acquire(const struct muster_request *req,
		       struct muster_sem_acquire *acquire)
{
	struct sem_grant grant;
	int err;

	if (!muster_wait_flags_ok(acquire->flags, MUSTER_SEM_WAIT_LIMIT) ||
	    acquire->permits > S64_MAX)
		return -EINVAL;
	if (unlikely(acquire->flags & MUSTER_WAIT_TICKET))
		return sem_acquire_ticket(req, acquire);

	err = sem_try_self(req->mfile, acquire->permits,
			   acquire->flags & MUSTER_SEM_WAIT_LIMIT, &grant);
	if (unlikely(err == -ESRCH ||
		     (err == -EAGAIN && !muster_nonblock(req, acquire->flags))))
		err = sem_acquire_slow(req, acquire, &grant);
	if (err)
		return err;

	acquire->token = grant.token;
	acquire->outcome = grant.abandoned ? MUSTER_OUTCOME_ABANDONED : 0;
	acquire->__pad = 0;
	err = muster_reply(req, acquire, token);
	if (unlikely(err))
		sem_give_back(req->mfile, acquire->permits, grant.token);
	return err;
}

static int sem_may_release(const struct muster_sem *sem, const struct sem_owner *so,
			   s64 permits)
{
	lockdep_assert_held(&sem->object.lock);

	if (sem_is_signalling(sem))
		return permits > sem->limit - sem->free ? -EOVERFLOW : 0;
	return permits > (so ? so->held : 0) ? -EPERM : 0;
}

/* What a release tells the next holder (W4). */
static void sem_release_notice(struct muster_sem *sem,
			       const struct muster_sem_release *release)
{
	lockdep_assert_held(&sem->object.lock);

	if (!release->permits || release->flags & MUSTER_RELEASE_UNCHECKED)
		return;
	sem->abandoned = release->flags & MUSTER_RELEASE_ABANDON && !sem_is_signalling(sem);
}

/* As sem_may_release(), if some of it may have been acquired without a system call. */
static noinline int sem_may_release_lent(struct muster_sem *sem, struct sem_owner *so,
					 s64 permits)
{
	sem_lease_take(sem, so);
	return sem_may_release(sem, so, permits);
}

static __always_inline int sem_release_do(struct muster_sem *sem,
					  const struct muster_request *req,
					  const struct muster_sem_release *release)
{
	struct sem_owner *so;
	int err;

	spin_lock(&sem->object.lock);
	so = to_sem_owner(muster_owner_find(req->mfile));
	err = sem_may_release(sem, so, release->permits);
	if (unlikely(err)) {
		if (err == -EPERM && so && so->lent)
			err = sem_may_release_lent(sem, so, release->permits);
		if (err) {
			spin_unlock(&sem->object.lock);
			return err;
		}
	}
	sem_release_notice(sem, release);
	if (likely(!so || !so->owner.page) || !sem_lend(sem, so, release->permits))
		sem_ungrant(sem, so, release->permits);
	sem_unlock_serve(sem);
	return 0;
}

static noinline int sem_release_by_flags(struct muster_sem *sem,
					 const struct muster_request *req,
					 const struct muster_sem_release *release)
{
	int err;

	if (release->flags & ~MUSTER_RELEASE_MASK || release->flags == MUSTER_RELEASE_MASK)
		return -EINVAL;
	if (release->flags & MUSTER_RELEASE_UNCHECKED)
		return sem_release_do(sem, req, release);
	/* As at a death: nobody acquires without notice from then on. */
	spin_lock(&sem->object.lock);
	sem_lease_stop(sem);
	spin_unlock(&sem->object.lock);
	err = sem_release_do(sem, req, release);
	spin_lock(&sem->object.lock);
	sem_lease_go(sem);
	spin_unlock(&sem->object.lock);
	return err;
}

static int sem_release(const struct muster_request *req,
		       struct muster_sem_release *release)
{
	struct muster_sem *sem = to_sem(req->mfile->object);

	if (unlikely(release->permits > S64_MAX))
		return -EINVAL;
	if (unlikely(release->flags))
		return sem_release_by_flags(sem, req, release);
	return sem_release_do(sem, req, release);
}

static int sem_set_limit(const struct muster_request *req,
			 struct muster_sem_set_limit *set)
{
	struct muster_sem *sem = to_sem(req->mfile->object);
	s64 limit = set->limit;
	int err;

	if (set->flags || set->limit > S64_MAX)
		return -EINVAL;

	/* The result is written first, so that a fault changes nothing. */
	spin_lock(&sem->object.lock);
	for (;;) {
		set->old_limit = sem->limit;
		spin_unlock(&sem->object.lock);
		err = muster_reply(req, set, old_limit);
		if (err)
			return err;
		spin_lock(&sem->object.lock);
		sem_lease_stop(sem);
		if (set->old_limit == sem->limit)
			break;
		sem_lease_go(sem);
	}

	if (!sem_is_signalling(sem))
		sem->free += limit - sem->limit;
	trace_muster_sem_limit(&sem->object, sem->limit, limit);
	sem->limit = limit;
	sem_lease_go(sem);
	sem_unlock_serve(sem);
	if (limit < (s64)set->old_limit)
		sem_evict(sem);
	return 0;
}

/*
 * Lists holders; false if so many were found that no longer are any that the caller is
 * to let go of the lock and begin anew.
 */
static bool sem_list_holders(struct muster_sem *sem, struct muster_roster *roster)
{
	struct sem_owner *so, *next;
	int gone = 0;
	s64 held;

	list_for_each_entry_safe(so, next, &sem->holders, holding) {
		held = so->held + (so->lent ? so->seen : 0);
		if (!held && !so->lent) {
			list_del_init(&so->holding);
			if (++gone == MUSTER_BATCH)
				return false;
		} else if (held && !muster_roster_add(roster, &so->owner,
						      MUSTER_PROCESS_HOLDER, held,
						      so->held ? so->since : so->lent_at)) {
			break;
		}
	}
	return true;
}

/* Lists holders, waiters, lessees; as sem_list_holders(). They are counted elsewhere. */
static bool sem_list(struct muster_sem *sem, struct muster_roster *roster)
{
	struct sem_waiter *sw;

	lockdep_assert_held(&sem->object.lock);

	if (!sem_list_holders(sem, roster))
		return false;
	list_for_each_entry(sw, &sem->queue, waiter.node) {
		if (sw->waiter.owner &&
		    !muster_roster_add(roster, sw->waiter.owner, MUSTER_PROCESS_WAITER,
				       sw->permits, sw->waiter.since))
			break;
	}
	sem_lease_list(sem, roster);
	return true;
}

/* The limit less what is free, and less what is lent and idle. */
static s64 sem_in_use(const struct muster_sem *sem, s64 idle)
{
	return max_t(s64, sem->limit - sem->free - idle, 0);
}

static u64 sem_own_lease(const struct sem_owner *so)
{
	return so && so->owner.page ? so->owner.page->id : 0;
}

/* Fills the struct and the list in; as sem_list_holders(). */
static bool sem_look(struct muster_file *mfile, struct muster_sem_stat *stat,
		     struct muster_roster *roster)
{
	struct muster_sem *sem = to_sem(mfile->object);
	u32 lessees, holders;
	bool whole;
	s64 idle;

	spin_lock(&sem->object.lock);
	stat->options = sem->object.options;
	stat->abandoned = sem->abandoned;
	stat->limit = sem->limit;
	lessees = sem_lease_look(sem, &idle, &holders);
	stat->held = sem_in_use(sem, idle);
	stat->available = max_t(s64, sem->free + idle, 0);
	stat->waiters = sem->nr_waiters;
	stat->nr_processes = sem->nr_holders + holders + sem->nr_waiters + lessees;
	stat->idle = idle;
	stat->lease = sem_own_lease(to_sem_owner(muster_owner_find(mfile)));
	whole = !roster->entries || sem_list(sem, roster);
	spin_unlock(&sem->object.lock);
	return whole;
}

static int sem_stat(const struct muster_request *req,
		    struct muster_sem_stat *stat)
{
	struct muster_roster roster;
	int err;

	if (stat->flags)
		return -EINVAL;
	err = muster_roster_alloc(&roster, stat->processes, stat->nr_processes);
	if (err)
		return err;

	while (!sem_look(req->mfile, stat, &roster)) {
		muster_roster_clear(&roster);
		if (fatal_signal_pending(current))
			err = -EINTR;
		if (err)
			break;
		cond_resched();
	}
	err = err ?: muster_roster_copy(&roster, stat->processes);
	if (!err)
		err = muster_reply(req, stat, options);
	muster_roster_free(&roster);
	return err;
}

MUSTER_HANDLER(sem_acquire, struct muster_sem_acquire, deadline)
MUSTER_HANDLER(sem_release, struct muster_sem_release, permits)
MUSTER_HANDLER(sem_set_limit, struct muster_sem_set_limit, limit)
MUSTER_HANDLER(sem_stat, struct muster_sem_stat, flags)

static const struct muster_command sem_commands[] = {
	{ MUSTER_SEM_ACQUIRE, sem_acquire_run },
	{ MUSTER_SEM_RELEASE, sem_release_run },
	{ MUSTER_SEM_SET_LIMIT, sem_set_limit_run },
	{ MUSTER_SEM_STAT, sem_stat_run },
};

/* ---- the type ---- */

static int sem_init(struct muster_object *object, const struct muster_open *how)
{
	struct muster_sem *sem = to_sem(object);

	if (!how->limit || how->limit > S64_MAX || how->initial > how->limit)
		return -EINVAL;
	if (how->initial && !sem_is_signalling(sem))
		return -EINVAL;
	sem->limit = how->limit;
	sem->free = sem_is_signalling(sem) ? how->initial : how->limit;
	INIT_LIST_HEAD(&sem->queue);
	INIT_LIST_HEAD(&sem->holders);
	INIT_LIST_HEAD(&sem->lessees);
	mutex_init(&sem->evicting);
	return 0;
}

static bool sem_matches(struct muster_object *object, const struct muster_open *how)
{
	u64 limit;

	spin_lock(&object->lock);
	limit = to_sem(object)->limit;
	spin_unlock(&object->lock);
	return !how->limit || how->limit == limit;
}

static void sem_destroy(struct muster_object *object)
{
	struct muster_sem *sem = to_sem(object);

	WARN_ON_ONCE(sem->nr_waiters || !list_empty(&sem->queue));
	WARN_ON_ONCE(sem->nr_holders || !list_empty(&sem->holders));
	WARN_ON_ONCE(sem->nr_lessees || !list_empty(&sem->lessees));
	WARN_ON_ONCE(!sem_is_signalling(sem) && sem->free != sem->limit);
}

static void sem_owner_init(struct muster_owner *owner)
{
	INIT_LIST_HEAD(&to_sem_owner(owner)->holding);
	INIT_LIST_HEAD(&to_sem_owner(owner)->lessee);
}

static void sem_owner_drop(struct muster_owner *owner)
{
	struct muster_sem *sem = to_sem(muster_owner_object(owner));
	struct sem_owner *so = to_sem_owner(owner);

	spin_lock(&sem->object.lock);
	if (so->held) {
		/* It comes back with the notice: nobody acquires without from then on. */
		sem_lease_stop(sem);
		sem_ungrant(sem, so, S64_MAX);
		sem->abandoned = true;
		sem_lease_go(sem);
		muster_count(&sem->object.totals->deaths);
	}
	list_del_init(&so->holding);
	sem_unlock_serve(sem);
}

static __poll_t sem_poll(struct muster_object *object)
{
	struct muster_sem *sem = to_sem(object);
	bool ready;

	spin_lock(&object->lock);
	/* Who polls is to see each release from now on. */
	sem_lease_stop(sem);
	ready = !sem->nr_waiters && sem->free > 0 && sem->limit;
	sem_lease_go(sem);
	spin_unlock(&object->lock);
	return ready ? EPOLLIN | EPOLLRDNORM : 0;
}

static void sem_verdict(const struct muster_waiter *waiter,
			struct muster_verdict *verdict)
{
	const struct sem_waiter *sw = container_of(waiter, struct sem_waiter, waiter);

	if (verdict->error)
		return;
	verdict->token = sw->grant.token;
	verdict->outcome = sw->grant.abandoned ? MUSTER_OUTCOME_ABANDONED : 0;
}

static void sem_count(struct muster_object *object, struct muster_entry *entry)
{
	struct muster_sem *sem = to_sem(object);
	u32 holders;
	s64 idle;

	spin_lock(&object->lock);
	sem_lease_look(sem, &idle, &holders);
	entry->limit = sem->limit;
	entry->used = sem_in_use(sem, idle);
	entry->waiters = sem->nr_waiters;
	spin_unlock(&object->lock);
}

static u64 sem_held(struct muster_owner *owner)
{
	const struct sem_owner *so = to_sem_owner(owner);

	return so->held + (so->lent ? sem_lease_held(so) : 0);
}

static void sem_fdinfo(struct muster_object *object, struct seq_file *m)
{
	struct muster_sem *sem = to_sem(object);
	s64 limit, free, idle;
	u32 waiters, holders;
	bool abandoned;

	spin_lock(&object->lock);
	sem_lease_look(sem, &idle, &holders);
	abandoned = sem->abandoned;
	limit = sem->limit;
	free = sem->free;
	waiters = sem->nr_waiters;
	spin_unlock(&object->lock);
	seq_printf(m, "muster-limit:\t%lld\n", limit);
	seq_printf(m, "muster-held:\t%lld\n", max_t(s64, limit - free - idle, 0));
	seq_printf(m, "muster-available:\t%lld\n", max_t(s64, free + idle, 0));
	seq_printf(m, "muster-idle:\t%lld\n", idle);
	seq_printf(m, "muster-waiters:\t%u\n", waiters);
	seq_printf(m, "muster-abandoned:\t%d\n", abandoned);
}

const struct muster_type muster_sem_type = {
	.name = "sem",
	.id = MUSTER_SEM,
	.object_size = sizeof(struct muster_sem),
	.owner_size = sizeof(struct sem_owner),
	.options = MUSTER_SEM_SIGNALLING,
	.commands = sem_commands,
	.nr_commands = ARRAY_SIZE(sem_commands),
	.init = sem_init,
	.matches = sem_matches,
	.destroy = sem_destroy,
	.owner_init = sem_owner_init,
	.owner_drop = sem_owner_drop,
	.poll = sem_poll,
	.held = sem_held,
	.fdinfo = sem_fdinfo,
	.count = sem_count,
	.verdict = sem_verdict,
	.may_lease = sem_may_lease,
	.lease_end = sem_lease_end,
};
