// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named objects that outlive their descriptors (O3)
 *
 * A type may say that an object is worth being found for a while, though nobody has
 * it any more: a flight group in which results are kept. Then a list takes the place
 * of the last descriptor and holds the one reference that is left, until somebody opens
 * the object, its time is over, or others need the room.
 *
 * Locking: names_mutex guards the lists and when each object goes.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "muster.h"
#include "trace.h"

static unsigned int linger_max = 3600;
module_param(linger_max, uint, 0644);
MODULE_PARM_DESC(linger_max,
		 "Most seconds that kept results outlive a group's descriptors (default 3600)");

static void muster_linger_expire(struct work_struct *work);

static LIST_HEAD(lingering);
static DECLARE_DELAYED_WORK(expiry, muster_linger_expire);
static u64 next_expiry = U64_MAX;
static bool leaving;

static void muster_linger_schedule(u64 now, u64 until)
{
	lockdep_assert_held(&muster_names_mutex);

	if (until >= next_expiry)
		return;
	next_expiry = until;
	mod_delayed_work(muster_work_queue(), &expiry,
			 until > now ? nsecs_to_jiffies(until - now) + 1 : 0);
}

/**
 * muster_linger_begin - the last reference to an object is to be dropped
 * @object:	a named one, in the table
 *
 * Return: whether it lingers; then the reference is not the caller's any more.
 */
bool muster_linger_begin(struct muster_object *object)
{
	u64 now = ktime_get_ns(), max = now + READ_ONCE(linger_max) * (u64)NSEC_PER_SEC;
	u64 until = object->type->linger ? object->type->linger(object) : 0;

	lockdep_assert_held(&muster_names_mutex);

	until = min(until, max);
	if (until <= now || leaving)
		return false;
	object->lingers = true;
	object->linger_until = until;
	list_add_tail(&object->in_linger, &lingering);
	muster_lingers(object->user, &object->in_user);
	muster_linger_schedule(now, until);
	trace_muster_object_lingers(object);
	return true;
}

/* It does not linger any more; its reference is the caller's. */
void muster_linger_end(struct muster_object *object)
{
	lockdep_assert_held(&muster_names_mutex);

	object->lingers = false;
	list_del(&object->in_linger);
	muster_lingers_not(object->user, &object->in_user);
}

/* As muster_linger_end(), and nobody finds it any more. */
static void muster_linger_remove(struct muster_object *object)
{
	muster_linger_end(object);
	muster_object_unlist(object);
}

/* Lets the oldest go that lingers at the cost of the user; false if there is none. */
bool muster_linger_evict(struct muster_user *user)
{
	struct muster_object *object;

	/* Nobody waits for the mutex to learn that there is nothing. */
	if (list_empty_careful(muster_user_lingering(user)))
		return false;
	mutex_lock(&muster_names_mutex);
	object = list_first_entry_or_null(muster_user_lingering(user), struct muster_object,
					  in_user);
	if (object)
		muster_linger_remove(object);
	mutex_unlock(&muster_names_mutex);
	if (object)
		muster_object_put(object);
	return object;
}

/* Takes all out whose time is over at @now, into @over; when the next one's is. */
static u64 muster_linger_collect(u64 now, struct list_head *over)
{
	struct muster_object *object, *next;
	u64 until = U64_MAX;

	lockdep_assert_held(&muster_names_mutex);

	list_for_each_entry_safe(object, next, &lingering, in_linger) {
		if (object->linger_until > now) {
			until = min(until, object->linger_until);
		} else {
			muster_linger_remove(object);
			list_add_tail(&object->in_linger, over);
		}
	}
	return until;
}

static void muster_linger_free(struct list_head *over)
{
	struct muster_object *object, *next;

	list_for_each_entry_safe(object, next, over, in_linger) {
		muster_object_put(object);
		cond_resched();
	}
}

static void muster_linger_expire(struct work_struct *work)
{
	u64 now = ktime_get_ns(), until;
	LIST_HEAD(over);

	mutex_lock(&muster_names_mutex);
	until = muster_linger_collect(now, &over);
	next_expiry = U64_MAX;
	muster_linger_schedule(now, until);
	mutex_unlock(&muster_names_mutex);
	muster_linger_free(&over);
}

/* The module is about to go: no file is open any more, and nothing lingers from now on. */
void muster_linger_exit(void)
{
	LIST_HEAD(over);

	mutex_lock(&muster_names_mutex);
	leaving = true;
	muster_linger_collect(U64_MAX, &over);
	mutex_unlock(&muster_names_mutex);
	cancel_delayed_work_sync(&expiry);
	muster_linger_free(&over);
}
