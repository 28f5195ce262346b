// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a call whose leader has died, or gives it up (F6). See flight.h.
 */
#include "flight.h"
#include "trace.h"

/* What flight_detach() has undone is as it was, since nobody else could lead. */
static void flight_reattach(struct flight_call *call, struct flight_owner *fo)
{
	lockdep_assert_held(&call->lock);

	spin_lock(&fo->owner.lock);
	call->leader = fo;
	list_add(&call->in_leader, &fo->led);
	if (!call->listed)
		flight_add_forgotten(call);
	spin_unlock(&fo->owner.lock);
}

/* From now on it counts for the leader's user, whatever that has already (O7). */
static void flight_recharge(struct flight_call *call, struct muster_user *user)
{
	struct muster_user *was = call->user;

	lockdep_assert_held(&call->lock);

	if (was == user)
		return;
	call->user = muster_user_hold(user);
	muster_charge_over(user, MUSTER_RES_CALLS, 1);
	muster_uncharge(was, MUSTER_RES_CALLS, 1);
	muster_user_put(was);
}

/* The follower leads instead of the present leader; false if its owner is dead. */
static bool flight_promote(struct flight_call *call, struct flight_waiter *fw, bool counted)
{
	struct flight_owner *fo = call->leader;
	u64 token = call->token;

	lockdep_assert_held(&call->lock);

	if (READ_ONCE(fw->waiter.owner->dead))
		return false;
	flight_detach(call);
	flight_next_token(call);
	if (!flight_attach(call, to_flight_owner(fw->waiter.owner), fw->waiter.task)) {
		WRITE_ONCE(call->token, token);
		flight_reattach(call, fo);
		return false;
	}
	flight_recharge(call, fw->waiter.owner->user);
	if (counted) {
		call->attempt++;
		call->handovers_left--;
		atomic64_inc(&call->flight->handed_over);
		muster_count(&call->flight->object.totals->handed_over);
	}
	fw->lead = true;
	fw->token = call->token;
	fw->attempt = call->attempt;
	fw->shared = call->nr_followers;
	trace_muster_flight_handed_over(call, fw->waiter.owner);
	return true;
}

/*
 * The leader is gone: the first follower that can lead does (F6). @counted unless
 * the leader never learned that it led. 1 if the call goes on, 0 if it is over; -EAGAIN
 * if there are very many followers whose owners are dead: then the leader is the old
 * one still, and the caller comes again.
 */
static int flight_hand_over(struct flight_call *call, bool counted,
			    struct flight_exit *exit)
{
	struct flight_owner *fo = call->leader;
	u64 token = call->token;
	struct flight_waiter *fw;
	int n;

	lockdep_assert_held(&call->lock);

	for (n = 0; n < MUSTER_BATCH; n++) {
		fw = list_first_entry_or_null(&call->followers, struct flight_waiter,
					      waiter.node);
		if (!fw || (counted && !call->handovers_left)) {
			trace_muster_flight_orphaned(call, &call->leader->owner);
			flight_detach(call);
			flight_ticket_led(call, fo, token);
			flight_end(call, -EOWNERDEAD, false, exit);
			return 0;
		}
		flight_remove_follower(call, fw);
		fw->taken = true;
		if (flight_promote(call, fw, counted)) {
			flight_ticket_led(call, fo, token);
			list_add_tail(&fw->waiter.node, &exit->taken);
			return 1;
		}
		list_add_tail(&fw->waiter.node, &exit->refused);
	}
	return -EAGAIN;
}

/* ---- giving up, and dying ---- */

/* A call that is over without anybody having heard of it never was. */
static void flight_uncount(struct flight_call *call)
{
	if (call->attempt > 1 || call->nr_shared)
		return;
	atomic64_dec(&call->flight->led);
	atomic64_dec(&call->flight->orphaned);
	muster_count_n(&call->flight->object.totals->led, -1);
	muster_count_n(&call->flight->object.totals->orphaned, -1);
}

/* The leader says so; whether it is the leader still is seen here as well. */
static void flight_trace_abandoned(struct flight_call *call, struct flight_owner *fo, u64 token)
{
	if (!trace_muster_flight_abandoned_enabled())
		return;
	spin_lock(&call->lock);
	if (flight_leads(call, fo, token))
		trace_muster_flight_abandoned(call, &fo->owner);
	spin_unlock(&call->lock);
}

/**
 * flight_give_up - end leading without a result
 * @flight:	the group
 * @fo:		who leads it
 * @key:	its key
 * @token:	its token
 * @counted:	false if the leader never learned that it led
 *
 * Return: 1 if a follower leads now, 0 if the call is over, -EPERM if the owner
 * does not lead it.
 */
int flight_give_up(struct muster_flight *flight, struct flight_owner *fo,
		   struct flight_key *key, u64 token, bool counted)
{
	struct flight_call *call;
	struct flight_exit exit;
	int goes_on;

	call = flight_find_led(flight, fo, key, token);
	if (!call)
		return -EPERM;
	if (counted)
		flight_trace_abandoned(call, fo, token);
	do {
		flight_exit_init(&exit);
		spin_lock(&call->lock);
		goes_on = -EPERM;
		if (flight_leads(call, fo, token))
			goes_on = flight_hand_over(call, counted, &exit);
		flight_unlock(call, &exit);
	} while (goes_on == -EAGAIN);
	if (!counted && !goes_on)
		flight_uncount(call);
	flight_call_put(call);
	return goes_on;
}

/* A reference to some call that the owner leads, or NULL. */
static struct flight_call *flight_first_led(struct flight_owner *fo)
{
	struct flight_call *call;

	spin_lock(&fo->owner.lock);
	call = list_first_entry_or_null(&fo->led, struct flight_call, in_leader);
	if (call)
		refcount_inc(&call->refs);
	spin_unlock(&fo->owner.lock);
	return call;
}

/* The owner is dead: hands over all that it leads, until nothing is left to. */
void flight_drop_led(struct flight_owner *fo)
{
	struct flight_call *call;
	struct flight_exit exit;
	bool died = false;

	while ((call = flight_first_led(fo))) {
		flight_exit_init(&exit);
		spin_lock(&call->lock);
		if (call->leader == fo)
			flight_hand_over(call, true, &exit);
		flight_unlock(call, &exit);
		died = true;
		flight_call_put(call);
		cond_resched();
	}
	if (died)
		muster_count(&muster_owner_object(&fo->owner)->totals->deaths);
}
