// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets of a flight group: JOIN without a thread, and what becomes of it (T5). See
 * flight.h.
 *
 * A ticket may be open for very long. So it refers to a call only as long as it follows it, or
 * leads it; what it tells after that is its own, and a result is charged to its maker like
 * one that waits to be fetched: it is read as often as one likes.
 *
 * Locking: the lock of the ticket's owner guards @call of its struct flight_waiter once
 * others may see it.
 */
#include <linux/limits.h>

#include "flight.h"

/* ---- the call ---- */

/* A reference to the call that is followed, or is led by a ticket; or NULL. */
struct flight_call *flight_waiter_call(struct flight_waiter *fw)
{
	struct muster_owner *owner = fw->waiter.owner;
	struct flight_call *call;

	spin_lock(&owner->lock);
	call = fw->call;
	if (call)
		refcount_inc(&call->refs);
	spin_unlock(&owner->lock);
	return call;
}

/* The ticket follows and leads no more. */
void flight_ticket_let_go(struct flight_waiter *fw)
{
	struct muster_owner *owner = fw->waiter.owner;
	struct flight_call *call;

	spin_lock(&owner->lock);
	call = fw->call;
	fw->call = NULL;
	spin_unlock(&owner->lock);
	if (call)
		flight_call_put(call);
}

/*
 * The owner does not lead the call by that token any more; the caller has a reference to the
 * call. It was the ticket that did so, or a thread that came through it, while the
 * ticket itself may follow, and may be who leads now.
 */
void flight_ticket_led(struct flight_call *call, struct flight_owner *fo, u64 token)
{
	struct muster_ticket *ticket = fo->owner.mfile->ticket;
	struct flight_waiter *fw;

	lockdep_assert_held(&call->lock);

	if (likely(!ticket))
		return;
	fw = to_flight_waiter(muster_ticket_any_waiter(ticket));
	if (fw->waiter.owner != &fo->owner)
		return;
	spin_lock(&fo->owner.lock);
	if (fw->call == call && fw->lead && fw->token == token) {
		fw->call = NULL;
		refcount_dec(&call->refs);
	}
	spin_unlock(&fo->owner.lock);
}

/* ---- the end ---- */

/* Takes from a call that has ended what is to be told of it. */
static int flight_ticket_take(struct flight_waiter *fw, const struct flight_call *call,
			      unsigned int *evictions)
{
	fw->token = call->token;
	fw->attempt = call->attempt;
	fw->shared = call->nr_shared;
	fw->status = call->status;
	fw->result_len = call->result ? call->result->len : 0;
	if (!call->result || fw->no_result)
		return 0;
	if (!flight_result_charge(fw->waiter.owner->user, call->result, evictions))
		return -ENOBUFS;
	refcount_inc(&call->result->refs);
	fw->result = call->result;
	return 0;
}

/**
 * flight_ticket_end - the call that a ticket follows has ended, or was kept
 * @fw:		of the ticket, out of the queue and yet to be told
 * @verdict:	how it has ended
 * @evictions:	so many kept results may go to make room
 *
 * Return: what to tell the ticket: @verdict, or -ENOBUFS if that is 0 and its maker has no
 * room for the result.
 */
int flight_ticket_end(struct flight_waiter *fw, int verdict, unsigned int *evictions)
{
	if (!verdict)
		verdict = flight_ticket_take(fw, fw->call, evictions);
	flight_ticket_let_go(fw);
	return verdict;
}

/* The ticket is gone. */
void flight_waiter_end(struct muster_waiter *waiter)
{
	struct flight_waiter *fw = to_flight_waiter(waiter);

	flight_ticket_let_go(fw);
	if (!fw->result)
		return;
	flight_result_uncharge(waiter->owner->user, fw->result);
	muster_result_put(fw->result);
}

/* ---- what it tells ---- */

void flight_verdict(const struct muster_waiter *waiter,
		    struct muster_verdict *verdict)
{
	const struct flight_waiter *fw = container_of(waiter, struct flight_waiter, waiter);

	if (verdict->error)
		return;
	verdict->token = fw->token;
	verdict->attempt = fw->attempt;
	verdict->shared = fw->shared;
	if (fw->lead) {
		verdict->role = MUSTER_ROLE_LEADER;
		return;
	}
	verdict->role = MUSTER_ROLE_FOLLOWER;
	verdict->outcome = MUSTER_OUTCOME_SHARED | fw->outcome;
	verdict->status = fw->status;
	verdict->result_len = fw->result_len;
	if (fw->result && fw->result->file)
		verdict->outcome |= MUSTER_OUTCOME_FD;
}

struct muster_result *flight_ticket_result(const struct muster_waiter *waiter)
{
	return container_of(waiter, struct flight_waiter, waiter)->result;
}

/* It leads, and nobody waits for it (F10). */
__poll_t flight_ticket_poll(struct muster_waiter *waiter)
{
	struct flight_waiter *fw = to_flight_waiter(waiter);
	struct flight_call *call;
	bool unwanted;

	call = fw->lead ? flight_waiter_call(fw) : NULL;
	if (!call)
		return 0;
	spin_lock(&call->lock);
	unwanted = flight_leads(call, to_flight_owner(waiter->owner), fw->token) &&
		   !call->nr_followers;
	spin_unlock(&call->lock);
	flight_call_put(call);
	return unwanted ? EPOLLPRI : 0;
}

/* ---- joining ---- */

/* A ticket begins a call. */
static int flight_ticket_lead(struct muster_flight *flight,
			      const struct muster_flight_join *join,
			      const struct flight_key *key, struct flight_waiter *fw,
			      struct flight_call *refreshes)
{
	struct flight_plan plan = {
		.key = key,
		.ticket = fw,
		.forget_after = join->forget_after,
		.refreshes = refreshes,
	};

	fw->lead = true;
	fw->attempt = 1;
	return flight_lead(flight, to_flight_owner(fw->waiter.owner), &plan, &fw->token);
}

/* A ticket joins a call: as flight_enter(), and it leads if that is stale. */
static int flight_ticket_follow(struct muster_flight *flight,
				const struct muster_flight_join *join,
				const struct flight_key *key, struct flight_waiter *fw,
				struct flight_call *call)
{
	unsigned int evictions = UINT_MAX;
	int err;

	err = flight_enter(call, fw, join->flags, false);
	if (!err)
		err = flight_ticket_end(fw, 0, &evictions);
	else if (err == -ESTALE)
		err = flight_ticket_lead(flight, join, key, fw, call);
	flight_call_put(call);
	return err;
}

/* Leads, queues up, or has a kept result: 0, MUSTER_QUEUED, or a negative errno. */
static int flight_join_enter(const struct muster_request *req,
			     const struct muster_flight_join *join,
			     struct flight_key *key, struct flight_waiter *fw)
{
	struct muster_flight *flight = to_flight(req->mfile->object);
	struct flight_call *call;
	int err;

	do {
		fw->lead = false;
		call = flight_find(flight, key);
		if (call)
			err = flight_ticket_follow(flight, join, key, fw, call);
		else if (join->flags & MUSTER_JOIN_NO_LEAD)
			err = -ENOENT;
		else
			err = flight_ticket_lead(flight, join, key, fw, NULL);
		if (err == -EEXIST)
			cond_resched();
	} while (err == -EEXIST);
	return err;
}

int flight_join_ticket(const struct muster_request *req,
		       const struct muster_flight_join *join, struct flight_key *key)
{
	struct muster_waiter *waiter;
	int err;

	waiter = muster_ticket_create(req, sizeof(struct flight_waiter), flight_leave,
				      join->flags, join->deadline);
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	to_flight_waiter(waiter)->no_result = join->flags & MUSTER_JOIN_NO_RESULT;
	err = flight_join_enter(req, join, key, to_flight_waiter(waiter));
	return muster_ticket_issue(waiter, err);
}
