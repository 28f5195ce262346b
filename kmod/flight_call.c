// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a call: how it begins, who leads it, how it ends. See flight.h.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "flight.h"
#include "trace.h"

/* ---- state changes, under the call's lock ---- */

/* So many results that others keep may go for their tickets' at one FINISH. */
#define FLIGHT_EVICTIONS 1024

/* Tickets that follow come last, as room may have to be made for what they are told. */
static void flight_settle_tickets(struct list_head *tickets, int verdict)
{
	unsigned int nr = 0, evictions = FLIGHT_EVICTIONS;
	struct muster_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, tickets, node) {
		waiter->verdict = flight_ticket_end(to_flight_waiter(waiter), verdict,
						    &evictions);
		muster_settle(waiter);
		muster_let_run(++nr);
	}
}

static void flight_settle(struct list_head *taken, int verdict)
{
	struct muster_waiter *waiter, *next;
	unsigned int nr = 0;
	LIST_HEAD(tickets);

	list_for_each_entry_safe(waiter, next, taken, node) {
		bool lead = to_flight_waiter(waiter)->lead;

		muster_let_run(++nr);
		/* Before it is settled: then it may be gone, and not be beside the next one. */
		list_del(&waiter->node);
		if (waiter->ticket && !lead) {
			list_add_tail(&waiter->node, &tickets);
			continue;
		}
		waiter->verdict = lead ? 0 : verdict;
		muster_settle(waiter);
	}
	flight_settle_tickets(&tickets, verdict);
}

/* Unlocks the call and tells those who go. */
void flight_unlock(struct flight_call *call, struct flight_exit *exit)
	__releases(&call->lock)
{
	spin_unlock(&call->lock);
	flight_settle(&exit->taken, exit->verdict);
	flight_settle(&exit->refused, -EBADF);
	if (exit->ended)
		flight_call_put(call);
	if (exit->stale)
		flight_call_put(exit->stale);
}

static bool flight_token_less(struct rb_node *node, const struct rb_node *parent)
{
	return rb_entry(node, struct flight_call, by_token)->token <
	       rb_entry(parent, struct flight_call, by_token)->token;
}

/* The call leaves the table: its leader has to find it in another way. */
void flight_add_forgotten(struct flight_call *call)
{
	lockdep_assert_held(&call->lock);
	lockdep_assert_held(&call->leader->owner.lock);

	rb_add(&call->by_token, &call->leader->forgotten, flight_token_less);
}

/* Makes the owner lead the call, by @task or a ticket; false if it is dead. */
bool flight_attach(struct flight_call *call, struct flight_owner *fo,
		   struct task_struct *task)
{
	bool alive;

	lockdep_assert_held(&call->lock);

	spin_lock(&fo->owner.lock);
	alive = muster_owner_use(&fo->owner);
	if (alive) {
		call->leader = fo;
		call->since = get_jiffies_64();
		call->leader_tid = task ? task->pid : 0;
		call->leader_start = task ? task->start_time : 0;
		list_add_tail(&call->in_leader, &fo->led);
		if (!call->listed)
			flight_add_forgotten(call);
	}
	spin_unlock(&fo->owner.lock);
	return alive;
}

void flight_detach(struct flight_call *call)
{
	struct flight_owner *fo = call->leader;

	lockdep_assert_held(&call->lock);

	spin_lock(&fo->owner.lock);
	list_del(&call->in_leader);
	if (!call->listed)
		rb_erase(&call->by_token, &fo->forgotten);
	spin_unlock(&fo->owner.lock);
	call->leader = NULL;
}

/* The call that it was to refresh is kept no longer; false if it was not anyway. */
bool flight_drop_stale(struct flight_call *call, struct flight_exit *exit)
{
	struct flight_call *stale = call->stale;
	bool was_kept;

	lockdep_assert_held(&call->lock);

	if (!stale)
		return false;
	spin_lock_nested(&stale->lock, SINGLE_DEPTH_NESTING);
	was_kept = stale->kept;
	stale->refresher = NULL;
	flight_kept_drop(stale);
	spin_unlock(&stale->lock);
	call->stale = NULL;
	exit->stale = stale;
	return was_kept;
}

/* Nothing good came of the call: the one that it was to refresh is back (F8). */
static void flight_restore_stale(struct flight_call *call)
{
	struct flight_call *stale = call->stale;

	lockdep_assert_held(&call->lock);

	if (!stale || !call->listed)
		return;
	spin_lock_nested(&stale->lock, SINGLE_DEPTH_NESTING);
	if (stale->kept && ktime_get_ns() < stale->stale_until &&
	    !flight_table_replace(call, stale)) {
		stale->listed = true;
		call->listed = false;
		call->stale = NULL;
		stale->refresher = NULL;
		atomic64_dec(&call->flight->refreshed);
	}
	spin_unlock(&stale->lock);
}

/* The call has no leader any more and is over. */
void flight_end(struct flight_call *call, int verdict, bool keep,
		struct flight_exit *exit)
{
	struct muster_flight *flight = call->flight;

	lockdep_assert_held(&call->lock);

	if (!keep) {
		if (verdict || call->status)
			flight_restore_stale(call);
		flight_unlist(call);
		muster_uncharge(call->user, MUSTER_RES_CALLS, 1);
	}
	flight_drop_stale(call, exit);
	list_splice_tail_init(&call->followers, &exit->taken);
	list_splice_tail_init(&call->bystanders, &exit->taken);
	call->nr_shared = call->nr_followers;
	call->nr_followers = 0;
	call->done = true;
	exit->verdict = verdict;
	exit->ended = !keep;

	atomic64_sub(call->nr_shared, &flight->followers);
	if (verdict) {
		atomic64_inc(&flight->orphaned);
		muster_count(&flight->object.totals->orphaned);
	} else {
		atomic64_add(call->nr_shared, &flight->joined);
		muster_count_n(&flight->object.totals->joined, call->nr_shared);
	}
}

/* ---- leading ---- */

static struct flight_call *flight_find_forgotten(struct flight_owner *fo, u64 token)
{
	struct flight_call *call = NULL;
	struct rb_node *node;

	spin_lock(&fo->owner.lock);
	node = fo->forgotten.rb_node;
	while (node) {
		call = rb_entry(node, struct flight_call, by_token);
		if (call->token == token) {
			refcount_inc(&call->refs);
			break;
		}
		node = token < call->token ? node->rb_left : node->rb_right;
	}
	spin_unlock(&fo->owner.lock);
	return node ? call : NULL;
}

/* The one that the owner has led for longest, which as a rule is the only one. */
static struct flight_call *flight_find_eldest(struct flight_owner *fo, u64 token)
{
	struct flight_call *call;

	spin_lock(&fo->owner.lock);
	call = list_first_entry_or_null(&fo->led, struct flight_call, in_leader);
	if (call && READ_ONCE(call->token) == token)
		refcount_inc(&call->refs);
	else
		call = NULL;
	spin_unlock(&fo->owner.lock);
	return call;
}

/*
 * The same of the one that the table has for the key. What is found may be one that is not
 * in the table, yet or any more, while the right one is.
 */
static struct flight_call *flight_find_listed(struct muster_flight *flight,
					      struct flight_key *key, u64 token)
{
	struct flight_call *call;
	bool listed;

	do {
		call = flight_find(flight, key);
		if (!call || READ_ONCE(call->token) == token)
			return call;
		spin_lock(&call->lock);
		listed = call->listed;
		spin_unlock(&call->lock);
		flight_call_put(call);
	} while (!listed);
	return NULL;
}

/*
 * A reference to the call that the owner leads with that token, or NULL. A token is
 * given once, so this may be found out without the lock; that the owner still leads
 * it is for the caller to see, under the lock.
 */
struct flight_call *flight_find_led(struct muster_flight *flight,
				    struct flight_owner *fo,
				    struct flight_key *key, u64 token)
{
	struct flight_call *call = flight_find_eldest(fo, token);

	if (!call)
		call = flight_find_listed(flight, key, token);
	if (!call)
		call = flight_find_forgotten(fo, token);
	if (!call || flight_is_for(call, flight, key))
		return call;
	/* The token is right, and the key is not. */
	flight_call_put(call);
	return NULL;
}

/* Puts it into the place of a kept call that it refreshes; -EEXIST if that is gone. */
static int flight_replace(struct flight_call *call, struct flight_call *stale)
{
	lockdep_assert_held(&stale->lock);

	if (!stale->kept || !stale->listed || flight_table_replace(stale, call))
		return -EEXIST;
	/* With the reference of its being kept. */
	call->stale = stale;
	stale->refresher = call;
	stale->listed = false;
	atomic64_inc(&call->flight->refreshed);
	return 0;
}

/* Puts a new call into the table and has it led by the owner; all or nothing. */
static int flight_list(struct flight_call *call, struct flight_owner *fo,
		       const struct flight_plan *plan)
{
	int err;

	lockdep_assert_held(&call->lock);

	call->listed = true;
	if (!flight_attach(call, fo, plan->task)) {
		call->listed = false;
		return -EBADF;
	}
	err = plan->refreshes ? flight_replace(call, plan->refreshes) :
	      flight_insert(call, plan->key);
	if (err) {
		flight_detach(call);
		/* Who stood on its memory in the table may have found it (flight_table.c). */
		call->listed = false;
	}
	return err;
}

/* A new call begins, led by the owner. */
static int flight_begin_locked(struct flight_call *call, struct flight_owner *fo,
			       const struct flight_plan *plan, u64 *token)
{
	int err;

	err = flight_list(call, fo, plan);
	if (err)
		return err;
	flight_next_token(call);
	*token = call->token;
	if (plan->ticket) {
		refcount_inc(&call->refs);
		plan->ticket->call = call;
	}
	trace_muster_flight_led(call, &fo->owner);
	return 0;
}

static int flight_begin(struct flight_call *call, struct flight_owner *fo,
			const struct flight_plan *plan, u64 *token)
{
	int err;

	spin_lock_nested(&call->lock, SINGLE_DEPTH_NESTING);
	err = flight_begin_locked(call, fo, plan, token);
	spin_unlock(&call->lock);
	return err;
}

static int flight_begin_refresh(struct flight_call *call, struct flight_owner *fo,
				const struct flight_plan *plan, u64 *token)
{
	int err;

	spin_lock(&plan->refreshes->lock);
	err = flight_begin(call, fo, plan, token);
	spin_unlock(&plan->refreshes->lock);
	return err;
}

/**
 * flight_lead - begin a call
 * @flight:	the group
 * @fo:		who leads it
 * @plan:	how
 * @token:	its token. That is all there is to know of the call from now on: it
 *		may end any time, as other threads of the process lead it, too.
 *
 * Return: 0, -EEXIST if there is one for the key, or the one to refresh is gone;
 * -ENOSPC, -ENOMEM, -EFAULT, or -EBADF.
 */
int flight_lead(struct muster_flight *flight, struct flight_owner *fo,
		const struct flight_plan *plan, u64 *token)
{
	struct muster_user *user = fo->owner.user;
	struct flight_call *call;
	int err;

	call = flight_call_alloc(flight, plan->key, fo);
	if (!call)
		return -ENOMEM;
	err = muster_make_room_for(user, 1, plan->req);
	if (unlikely(err)) {
		flight_call_put(call);
		return err;
	}
	if (plan->forget_after && plan->forget_after < KTIME_MAX)
		call->forget_at = ktime_get_ns() + plan->forget_after;
	err = plan->refreshes ? flight_begin_refresh(call, fo, plan, token) :
	      flight_begin(call, fo, plan, token);
	if (err) {
		muster_uncharge(user, MUSTER_RES_CALLS, 1);
		flight_call_put(call);
		return err;
	}
	atomic64_inc(&flight->led);
	muster_count(&flight->object.totals->led);
	return 0;
}

/* Ends a call; true if it is kept. */
static bool flight_complete_locked(struct flight_call *call, const struct flight_end *end,
				   bool charged, struct flight_exit *exit)
{
	struct flight_owner *fo = call->leader;
	bool keep = charged && call->listed;

	lockdep_assert_held(&call->lock);

	call->status = end->status;
	call->result = end->result;
	trace_muster_flight_finished(call);
	flight_detach(call);
	flight_ticket_led(call, fo, call->token);
	flight_end(call, 0, keep, exit);
	if (keep)
		flight_kept_add(call, end);
	return keep;
}

static int flight_complete_call(struct flight_call *call, struct flight_owner *fo,
				u64 token, const struct flight_end *end, bool charged)
{
	struct flight_exit exit;
	int followers = -EPERM;
	bool keep = false;

	flight_exit_init(&exit);
	spin_lock(&call->lock);
	if (flight_leads(call, fo, token)) {
		keep = flight_complete_locked(call, end, charged, &exit);
		followers = call->nr_shared;
	}
	flight_unlock(call, &exit);
	if (charged && !keep && end->result)
		muster_uncharge(fo->owner.user, MUSTER_RES_BYTES,
				muster_result_kept_bytes(end->result));
	return followers;
}

/* May the owner end the call? And is it to be @keep kept, in the table as it is? */
static bool flight_may_complete(struct flight_call *call, struct flight_owner *fo, u64 token,
				bool *keep)
{
	bool leads;

	spin_lock(&call->lock);
	leads = flight_leads(call, fo, token);
	*keep = call->listed;
	spin_unlock(&call->lock);
	return leads;
}

/* As flight_complete(), of a result that is to be kept. */
static int flight_complete_kept(struct flight_call *call, struct flight_owner *fo, u64 token,
				const struct flight_end *end)
{
	bool keep;

	/* Nothing goes for what is refused, or not kept. */
	if (!flight_may_complete(call, fo, token, &keep))
		return -EPERM;
	if (keep && end->result &&
	    !muster_make_room(fo->owner.user, MUSTER_RES_BYTES,
			      muster_result_kept_bytes(end->result)))
		return -ENOBUFS;
	return flight_complete_call(call, fo, token, end, keep);
}

/**
 * flight_complete - end a call with a result
 * @flight:	the group
 * @fo:		who leads it
 * @key:	its key
 * @token:	its token
 * @end:	how; the call takes the reference to the result over on success
 *
 * Return: the number of followers, -EPERM if the owner does not lead it, or -ENOBUFS if
 * it is more than may be kept.
 */
int flight_complete(struct muster_flight *flight, struct flight_owner *fo,
		    struct flight_key *key, u64 token,
		    const struct flight_end *end)
{
	bool keep = end->keep && (!end->status || end->flags & MUSTER_FINISH_KEEP_FAILURE);
	struct flight_call *call;
	int followers;

	call = flight_find_led(flight, fo, key, token);
	if (!call)
		return -EPERM;
	followers = keep ? flight_complete_kept(call, fo, token, end) :
		    flight_complete_call(call, fo, token, end, false);
	flight_call_put_by(call, fo);
	return followers;
}

/* How many follow (F10), or -EPERM if the owner does not lead it. */
int flight_count_followers(struct muster_flight *flight, struct flight_owner *fo,
			   struct flight_key *key, u64 token)
{
	struct flight_call *call = flight_find_led(flight, fo, key, token);
	int followers = -EPERM;

	if (!call)
		return -EPERM;
	spin_lock(&call->lock);
	if (flight_leads(call, fo, token))
		followers = call->nr_followers;
	spin_unlock(&call->lock);
	flight_call_put(call);
	return followers;
}
