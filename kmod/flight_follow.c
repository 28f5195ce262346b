// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who does not lead a call: followers, and who has it forgotten. See flight.h.
 */
#include <linux/ktime.h>
#include <linux/sched.h>

#include "flight.h"
#include "trace.h"

/* ---- forgetting ---- */

/*
 * Takes the call out of the table; its leader and followers do not notice (F4). The
 * leader looks for it without the call's lock, in the table and then among those that
 * are forgotten: so it is to be there before it is gone from the table.
 */
static void flight_forget_led(struct flight_call *call, struct flight_exit *exit)
{
	struct muster_owner *leader = &call->leader->owner;

	lockdep_assert_held(&call->lock);

	spin_lock(&leader->lock);
	flight_add_forgotten(call);
	spin_unlock(&leader->lock);
	flight_unlist(call);
	flight_drop_stale(call, exit);
	atomic64_inc(&call->flight->forgotten);
	muster_count(&call->flight->object.totals->forgotten);
	trace_muster_flight_forgotten(call, NULL);
}

/* @token is not that of the call; it may be that of the one that it refreshes. */
static bool flight_forget_stale(struct flight_call *call, u64 token, struct flight_exit *exit)
{
	lockdep_assert_held(&call->lock);

	return call->stale && call->stale->token == token && flight_drop_stale(call, exit);
}

/* Whether there was one to forget, or -EAGAIN if the call has left the table. */
static int flight_forget_call(struct flight_call *call, u64 token)
{
	struct flight_exit exit;
	int forgotten = 1;

	flight_exit_init(&exit);
	spin_lock(&call->lock);
	if (!call->listed)
		forgotten = -EAGAIN;
	else if (token && token != call->token)
		forgotten = flight_forget_stale(call, token, &exit);
	else if (call->done)
		exit.ended = flight_kept_drop(call);
	else
		flight_forget_led(call, &exit);
	flight_unlock(call, &exit);
	return forgotten;
}

/**
 * flight_forget - let later joins begin a new call (F4)
 * @flight:	the group
 * @key:	the key
 * @token:	of the call to forget, or 0 for any
 *
 * What is kept may be refreshed, or be there again, in between: then it is looked for
 * again, as it is there all the time.
 *
 * Return: whether there was one to forget.
 */
bool flight_forget(struct muster_flight *flight, struct flight_key *key, u64 token)
{
	struct flight_call *call;
	int forgotten;

	do {
		call = flight_find(flight, key);
		if (!call)
			return false;
		forgotten = flight_forget_call(call, token);
		flight_call_put(call);
	} while (forgotten == -EAGAIN);
	return forgotten;
}

/* ---- following ---- */

void flight_remove_follower(struct flight_call *call, struct flight_waiter *fw)
{
	list_del(&fw->waiter.node);
	call->nr_followers--;
	atomic64_dec(&call->flight->followers);
}

enum muster_leave flight_leave(struct muster_waiter *waiter, int reason)
{
	struct flight_waiter *fw = to_flight_waiter(waiter);
	struct flight_call *call = flight_waiter_call(fw);
	struct muster_ticket *leading = NULL;
	bool late;

	if (!call)
		return MUSTER_SETTLED;
	spin_lock(&call->lock);
	late = call->done || fw->taken;
	if (!late) {
		flight_remove_follower(call, fw);
		/* As long as it leads, its file is there. */
		if (!call->nr_followers)
			leading = muster_ticket_hold(call->leader->owner.mfile->ticket);
	}
	spin_unlock(&call->lock);
	muster_ticket_wake(leading);
	if (!late && waiter->ticket)
		flight_ticket_let_go(fw);
	flight_call_put(call);
	return late ? MUSTER_SETTLED : MUSTER_LEFT;
}

static int flight_may_follow(const struct flight_call *call, u32 flags)
{
	lockdep_assert_held(&call->lock);

	if (flags & MUSTER_JOIN_NO_FOLLOW)
		return -EBUSY;
	/* A ticket keeps no thread waiting. */
	if (!(flags & (MUSTER_JOIN_MIGRATORY | MUSTER_WAIT_TICKET)) &&
	    call->leader_tid == current->pid && call->leader_start == current->start_time)
		return -EDEADLK;
	return 0;
}

static int flight_enter_locked(struct flight_call *call, struct flight_waiter *fw,
			       u32 flags, bool nonblock, struct flight_exit *exit)
{
	int err;

	lockdep_assert_held(&call->lock);

	if (!call->listed)
		return -EEXIST;
	if (call->done)
		return flight_kept_answer(call, fw, flags);
	if (call->forget_at && ktime_get_ns() >= call->forget_at) {
		flight_forget_led(call, exit);
		return -EEXIST;
	}
	if (flight_stale_answer(call, fw, flags))
		return 0;
	err = flight_may_follow(call, flags);
	if (err || nonblock)
		return err ?: -EAGAIN;
	fw->call = call;
	if (fw->waiter.ticket)
		refcount_inc(&call->refs);
	list_add_tail(&fw->waiter.node, flags & MUSTER_JOIN_NO_LEAD ? &call->bystanders :
		      &call->followers);
	call->nr_followers++;
	trace_muster_flight_joined(call, fw->waiter.owner);
	muster_waiter_queued(&fw->waiter, 1);
	/* Last: who sees it there finds the rest done. */
	atomic64_inc(&call->flight->followers);
	return MUSTER_QUEUED;
}

/**
 * flight_enter - queue up behind the leader of a call, or get what is kept
 * @call:	the call; the caller keeps its reference
 * @fw:		with the core's part initialised
 * @flags:	MUSTER_JOIN_*, MUSTER_WAIT_TICKET
 * @nonblock:	do not queue up
 *
 * Return: MUSTER_QUEUED; 0 with a kept result, that of @fw->call, which is a reference
 * more; -ESTALE if the caller is to refresh @call; -EEXIST if it can be joined no more;
 * or another error of JOIN.
 */
int flight_enter(struct flight_call *call, struct flight_waiter *fw, u32 flags,
		 bool nonblock)
{
	struct flight_exit exit;
	int err;

	flight_exit_init(&exit);
	spin_lock(&call->lock);
	err = flight_enter_locked(call, fw, flags, nonblock, &exit);
	flight_unlock(call, &exit);
	return err;
}

/**
 * flight_follow - wait for a call to end, or to be led by the caller
 * @call:	the call; the caller keeps its reference
 * @fw:		zeroed; tells whether the caller leads
 * @owner:	the caller
 * @flags:	MUSTER_JOIN_*
 * @until:	how long
 *
 * Return: 0 if the caller leads, or there is a result, that of @fw->call; -EOWNERDEAD if
 * the call ended without; or an error as of flight_enter().
 */
int flight_follow(struct flight_call *call, struct flight_waiter *fw,
		  struct muster_owner *owner, u32 flags,
		  const struct muster_deadline *until)
{
	int err;

	muster_waiter_init(&fw->waiter, owner, flight_leave);
	err = flight_enter(call, fw, flags, until->nonblock);
	if (err == MUSTER_QUEUED)
		return muster_wait(&fw->waiter, until);
	muster_owner_put(owner);
	return err;
}
