// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results that are kept, and served stale while somebody refreshes them (F8). See
 * flight.h.
 */
#include <linux/ktime.h>
#include <linux/limits.h>

#include "flight.h"
#include "trace.h"

static u64 flight_later(u64 now, u64 ns)
{
	return now + min(ns, U64_MAX - now);
}

/* The group is worth being found until then (O3). */
static void flight_linger_until(struct muster_flight *flight, u64 until)
{
	s64 was = atomic64_read(&flight->linger);

	while (was < until && !atomic64_try_cmpxchg(&flight->linger, &was, until))
		;
}

u64 flight_linger(struct muster_object *object)
{
	struct muster_flight *flight = to_flight(object);

	return atomic64_read(&flight->kept) ? atomic64_read(&flight->linger) : 0;
}

static u64 flight_kept_bytes(const struct flight_call *call)
{
	return call->result ? muster_result_kept_bytes(call->result) : 0;
}

/* Keeps a call that has just ended, and was in the table; its bytes are charged. */
void flight_kept_add(struct flight_call *call, const struct flight_end *end)
{
	u64 now = ktime_get_ns();

	lockdep_assert_held(&call->lock);

	call->ended = now;
	call->keep_until = flight_later(now, end->keep);
	call->stale_until = flight_later(call->keep_until, end->grace);
	if (call->stale_until < KTIME_MAX)
		flight_linger_until(call->flight, call->stale_until);
	else if (call->keep_until < KTIME_MAX)
		flight_linger_until(call->flight, call->keep_until);
	call->kept = true;
	atomic64_inc(&call->flight->kept);
	muster_keep(call->user, &call->in_kept, flight_kept_bytes(call));
	muster_count(&call->flight->object.totals->kept);
	trace_muster_flight_kept(call);
}

/*
 * Keeps a call no longer. True if it was in the table: then the reference of its being
 * kept is the caller's to drop. Else it is that of the call that refreshes it.
 */
bool flight_kept_drop(struct flight_call *call)
{
	bool listed = call->listed;

	lockdep_assert_held(&call->lock);

	if (!call->kept)
		return false;
	trace_muster_flight_dropped(call, NULL);
	call->kept = false;
	call->keep_until = 0;
	call->stale_until = 0;
	muster_unkeep(call->user, &call->in_kept, flight_kept_bytes(call));
	atomic64_dec(&call->flight->kept);
	if (!listed)
		atomic64_dec(&call->flight->refreshed);
	flight_unlist(call);
	return listed;
}

/*
 * The oldest call that is kept for the user, with a reference, and a pin of its group; or
 * NULL. That group may be about to go: it does not as long as it is in the list.
 */
static struct flight_call *flight_oldest_kept(struct muster_user *user)
{
	struct muster_kept *kept = muster_user_kept(user);
	struct flight_call *oldest;

	spin_lock(&kept->lock);
	oldest = list_first_entry_or_null(&kept->list, struct flight_call, in_kept);
	if (oldest) {
		refcount_inc(&oldest->refs);
		muster_object_pin(&oldest->flight->object);
	}
	spin_unlock(&kept->lock);
	return oldest;
}

/* As flight_kept_let_go(), while @refresher refers to the call; drops that reference, too. */
static void flight_stale_let_go(struct flight_call *call, struct flight_call *refresher)
{
	struct flight_exit exit;

	flight_exit_init(&exit);
	spin_lock(&refresher->lock);
	if (refresher->stale == call)
		flight_drop_stale(refresher, &exit);
	flight_unlock(refresher, &exit);
	flight_call_put(refresher);
}

/*
 * It is kept no longer, if it was; drops the caller's reference. If it has just been put
 * back into its place by the one who refreshed it, it is kept still.
 */
void flight_kept_let_go(struct flight_call *call)
{
	struct flight_call *refresher;
	bool put = false;

	spin_lock(&call->lock);
	refresher = call->refresher;
	/* It has references as long as it refers to this one. */
	if (refresher)
		refcount_inc(&refresher->refs);
	else
		put = flight_kept_drop(call);
	spin_unlock(&call->lock);
	if (refresher)
		flight_stale_let_go(call, refresher);
	if (put)
		flight_call_put(call);
	flight_call_put(call);
}

/* The oldest of what is kept for the user goes; false if there is nothing. */
bool flight_evict(struct muster_user *user)
{
	struct flight_call *call = flight_oldest_kept(user);
	struct muster_object *object;

	if (!call)
		return false;
	object = &call->flight->object;
	flight_kept_let_go(call);
	muster_object_unpin(object);
	return true;
}

/* The age is that of @now, when it was found not to be too great. */
static void flight_answer(struct flight_call *call, struct flight_waiter *fw, u32 outcome,
			  u64 now)
{
	refcount_inc(&call->refs);
	fw->call = call;
	fw->outcome = MUSTER_OUTCOME_KEPT | outcome;
	fw->age = now - call->ended;
	atomic64_inc(&call->flight->served);
	muster_count(&call->flight->object.totals->served);
	trace_muster_flight_served(call, fw->waiter.owner);
}

/*
 * Joins a kept call: 0 if that answers, -ESTALE if the caller is to refresh it, or
 * -EEXIST if it is kept no more; then a reference is dropped that the caller still has.
 */
int flight_kept_answer(struct flight_call *call, struct flight_waiter *fw, u32 flags)
{
	u64 now = ktime_get_ns();

	lockdep_assert_held(&call->lock);

	if (!(flags & MUSTER_JOIN_FRESH) && now < call->keep_until) {
		flight_answer(call, fw, 0, now);
		return 0;
	}
	if (!(flags & MUSTER_JOIN_FRESH) && now < call->stale_until) {
		if (!(flags & MUSTER_JOIN_NO_LEAD))
			return -ESTALE;
		flight_answer(call, fw, MUSTER_OUTCOME_STALE, now);
		return 0;
	}
	if (flight_kept_drop(call))
		refcount_dec(&call->refs);
	return -EEXIST;
}

/* Joins a call that refreshes another: true if the old one answers. */
bool flight_stale_answer(struct flight_call *call, struct flight_waiter *fw, u32 flags)
{
	struct flight_call *stale = call->stale;
	bool answers;
	u64 now;

	lockdep_assert_held(&call->lock);

	if (!stale || flags & MUSTER_JOIN_FRESH)
		return false;
	spin_lock_nested(&stale->lock, SINGLE_DEPTH_NESTING);
	now = ktime_get_ns();
	answers = stale->kept && now < stale->stale_until;
	if (answers)
		flight_answer(stale, fw, MUSTER_OUTCOME_STALE, now);
	spin_unlock(&stale->lock);
	return answers;
}
