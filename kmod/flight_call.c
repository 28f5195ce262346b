// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a call: who leads it, who follows, how it ends. See flight.h.
 */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/ktime.h>

#include "flight.h"

/**
 * struct flight_exit - what is to be done once the call's lock is dropped
 * @verdict:	what those who are let go are told, if not made leader
 * @taken:	struct flight_waiter that go
 * @refused:	struct flight_waiter that go with EBADF
 * @ended:	the call has ended: drop the reference of its being led
 * @stale:	a call that was refreshed: drop the reference
 */
struct flight_exit {
	int verdict;
	struct list_head taken;
	struct list_head refused;
	bool ended;
	struct flight_call *stale;
};

/* ---- the table ---- */

static u32 flight_key_hash(const void *data, u32 len, u32 seed)
{
	const struct flight_key *key = data;

	return jhash(key->bytes, key->len, seed);
}

static u32 flight_call_hash(const void *data, u32 len, u32 seed)
{
	const struct flight_call *call = data;

	return jhash(call->key, call->key_len, seed);
}

static int flight_call_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct flight_key *key = arg->key;
	const struct flight_call *call = obj;

	return key->len != call->key_len || memcmp(key->bytes, call->key, key->len);
}

static const struct rhashtable_params calls_params = {
	.head_offset = offsetof(struct flight_call, in_group),
	.hashfn = flight_key_hash,
	.obj_hashfn = flight_call_hash,
	.obj_cmpfn = flight_call_cmp,
	.automatic_shrinking = true,
};

void flight_call_put(struct flight_call *call)
{
	if (!refcount_dec_and_test(&call->refs))
		return;
	muster_result_put(call->result);
	muster_uncharge(call->user, MUSTER_RES_CALLS, 1);
	muster_user_put(call->user);
	kfree_rcu(call, rcu);
}

/* A reference to the call for the key that can be joined, or NULL. */
struct flight_call *flight_find(struct muster_flight *flight,
				const struct flight_key *key)
{
	struct flight_call *call;

	rcu_read_lock();
	call = rhashtable_lookup(&flight->calls, key, calls_params);
	if (call && !refcount_inc_not_zero(&call->refs))
		call = NULL;
	rcu_read_unlock();
	return call;
}

/* Takes it out of the table, if it is in there. */
void flight_unlist(struct flight_call *call)
{
	lockdep_assert_held(&call->lock);

	if (!call->listed)
		return;
	call->listed = false;
	muster_table_op(rhashtable_remove_fast(&call->flight->calls, &call->in_group,
					       calls_params));
}

static int flight_table_replace(struct flight_call *old, struct flight_call *new)
{
	return muster_table_op(rhashtable_replace_fast(&new->flight->calls, &old->in_group,
						       &new->in_group, calls_params));
}

/* ---- state changes, under the call's lock ---- */

static void flight_exit_init(struct flight_exit *exit)
{
	*exit = (struct flight_exit){};
	INIT_LIST_HEAD(&exit->taken);
	INIT_LIST_HEAD(&exit->refused);
}

static void flight_settle(struct list_head *taken, int verdict)
{
	struct muster_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, taken, node) {
		waiter->verdict = to_flight_waiter(waiter)->lead ? 0 : verdict;
		muster_settle(waiter);
	}
}

/* Unlocks the call and tells those who go. */
static void flight_unlock(struct flight_call *call, struct flight_exit *exit)
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

/* The call has left the table: its leader has to find it in another way. */
static void flight_add_forgotten(struct flight_call *call)
{
	lockdep_assert_held(&call->lock);
	lockdep_assert_held(&call->leader->owner.lock);

	rb_add(&call->by_token, &call->leader->forgotten, flight_token_less);
}

/*
 * A later leader of a key has a greater token: it is taken while the call is in the
 * table, or was, so that no other leader can have come and gone since.
 */
static void flight_next_token(struct flight_call *call)
{
	lockdep_assert_held(&call->lock);

	WRITE_ONCE(call->token, atomic64_inc_return(&call->flight->token));
}

/* Makes the owner lead the call, by @task or a ticket; false if it is dead. */
static bool flight_attach(struct flight_call *call, struct flight_owner *fo,
			  struct task_struct *task)
{
	bool dead;

	lockdep_assert_held(&call->lock);

	spin_lock(&fo->owner.lock);
	dead = fo->owner.dead;
	if (!dead) {
		call->leader = fo;
		call->leader_tid = task ? task->pid : 0;
		call->leader_start = task ? task->start_time : 0;
		list_add_tail(&call->in_leader, &fo->led);
		if (!call->listed)
			flight_add_forgotten(call);
	}
	spin_unlock(&fo->owner.lock);
	return !dead;
}

static void flight_detach(struct flight_call *call)
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

/* The call that it was to refresh is kept no longer. */
static void flight_drop_stale(struct flight_call *call, struct flight_exit *exit)
{
	struct flight_call *stale = call->stale;

	lockdep_assert_held(&call->lock);

	if (!stale)
		return;
	spin_lock_nested(&stale->lock, SINGLE_DEPTH_NESTING);
	flight_kept_drop(stale);
	spin_unlock(&stale->lock);
	call->stale = NULL;
	exit->stale = stale;
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
		atomic64_dec(&call->flight->refreshed);
	}
	spin_unlock(&stale->lock);
}

/* The call has no leader any more and is over. */
static void flight_end(struct flight_call *call, int verdict, bool keep,
		       struct flight_exit *exit)
{
	struct muster_flight *flight = call->flight;

	lockdep_assert_held(&call->lock);

	if (!keep) {
		if (verdict || call->status)
			flight_restore_stale(call);
		flight_unlist(call);
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
	if (verdict)
		atomic64_inc(&flight->orphaned);
	else
		atomic64_add(call->nr_shared, &flight->joined);
}

static void flight_remove_follower(struct flight_call *call, struct flight_waiter *fw)
{
	list_del(&fw->waiter.node);
	call->nr_followers--;
	atomic64_dec(&call->flight->followers);
}

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
	if (counted) {
		call->attempt++;
		call->handovers_left--;
		atomic64_inc(&call->flight->handed_over);
	}
	fw->lead = true;
	fw->token = call->token;
	fw->attempt = call->attempt;
	fw->shared = call->nr_followers;
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
	struct flight_waiter *fw;
	int n;

	lockdep_assert_held(&call->lock);

	for (n = 0; n < MUSTER_BATCH; n++) {
		fw = list_first_entry_or_null(&call->followers, struct flight_waiter,
					      waiter.node);
		if (!fw || (counted && !call->handovers_left)) {
			flight_detach(call);
			flight_end(call, -EOWNERDEAD, false, exit);
			return 0;
		}
		flight_remove_follower(call, fw);
		fw->taken = true;
		if (flight_promote(call, fw, counted)) {
			list_add_tail(&fw->waiter.node, &exit->taken);
			return 1;
		}
		list_add_tail(&fw->waiter.node, &exit->refused);
	}
	return -EAGAIN;
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

/*
 * A reference to the call that the owner leads with that token, or NULL. A token is
 * given once, so this may be found out without the lock; that the owner still leads
 * it is for the caller to see, under the lock.
 */
static struct flight_call *flight_find_led(struct muster_flight *flight,
					   struct flight_owner *fo,
					   const struct flight_key *key, u64 token)
{
	struct flight_call *call = flight_find(flight, key);

	if (call && READ_ONCE(call->token) == token)
		return call;
	if (call)
		flight_call_put(call);
	return flight_find_forgotten(fo, token);
}

static struct flight_call *flight_call_alloc(struct muster_flight *flight,
					     const struct flight_key *key,
					     struct muster_user *user)
{
	struct flight_call *call;

	call = kzalloc(struct_size(call, key, key->len), MUSTER_GFP);
	if (!call)
		return NULL;
	call->flight = flight;
	call->user = muster_user_hold(user);
	refcount_set(&call->refs, 1);
	spin_lock_init(&call->lock);
	call->attempt = 1;
	call->handovers_left = flight->handovers;
	INIT_LIST_HEAD(&call->followers);
	INIT_LIST_HEAD(&call->bystanders);
	call->key_len = key->len;
	memcpy(call->key, key->bytes, key->len);
	return call;
}

/* Puts a new call into the table; -EEXIST if there is one. */
static int flight_insert(struct flight_call *call, const struct flight_key *key)
{
	struct flight_call *other;

	other = muster_table_op(rhashtable_lookup_get_insert_key(&call->flight->calls, key,
								 &call->in_group,
								 calls_params));
	if (IS_ERR(other))
		/* EBUSY: the table grows just now. */
		return PTR_ERR(other) == -EBUSY ? -EEXIST : -ENOMEM;
	return other ? -EEXIST : 0;
}

/* Puts it into the place of a kept call that it refreshes; -EEXIST if that is gone. */
static int flight_replace(struct flight_call *call, struct flight_call *stale)
{
	lockdep_assert_held(&stale->lock);

	if (!stale->kept || !stale->listed || flight_table_replace(stale, call))
		return -EEXIST;
	/* With the reference of its being kept. */
	call->stale = stale;
	stale->listed = false;
	atomic64_inc(&call->flight->refreshed);
	return 0;
}

/* Puts a new call into the table, led by the owner. */
static int flight_begin_locked(struct flight_call *call, struct flight_owner *fo,
			       const struct flight_plan *plan, u64 *token)
{
	int err;

	call->listed = true;
	if (!flight_attach(call, fo, plan->task))
		return -EBADF;
	err = plan->refreshes ? flight_replace(call, plan->refreshes) :
	      flight_insert(call, plan->key);
	if (err) {
		flight_detach(call);
		return err;
	}
	flight_next_token(call);
	*token = call->token;
	if (plan->ticket) {
		refcount_inc(&call->refs);
		plan->ticket->call = call;
	}
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
 * -ENOSPC, -ENOMEM, or -EBADF.
 */
int flight_lead(struct muster_flight *flight, struct flight_owner *fo,
		const struct flight_plan *plan, u64 *token)
{
	struct muster_user *user = fo->owner.user;
	struct flight_call *call;
	int err;

	if (!flight_make_room(user, MUSTER_RES_CALLS, 1))
		return -ENOSPC;
	call = flight_call_alloc(flight, plan->key, user);
	if (!call) {
		muster_uncharge(user, MUSTER_RES_CALLS, 1);
		return -ENOMEM;
	}
	if (plan->forget_after && plan->forget_after < KTIME_MAX)
		call->forget_at = ktime_get_ns() + plan->forget_after;
	err = plan->refreshes ? flight_begin_refresh(call, fo, plan, token) :
	      flight_begin(call, fo, plan, token);
	if (err)
		flight_call_put(call);
	else
		atomic64_inc(&flight->led);
	return err;
}

/* Ends a call; true if it is kept. */
static bool flight_complete_locked(struct flight_call *call, const struct flight_end *end,
				   bool charged, struct flight_exit *exit)
{
	bool keep = charged && call->listed;

	lockdep_assert_held(&call->lock);

	call->status = end->status;
	call->result = end->result;
	flight_detach(call);
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
		muster_uncharge(call->user, MUSTER_RES_BYTES,
				muster_result_kept_bytes(end->result));
	return followers;
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
		    const struct flight_key *key, u64 token,
		    const struct flight_end *end)
{
	bool keep = end->keep && (!end->status || end->flags & MUSTER_FINISH_KEEP_FAILURE);
	struct flight_call *call;
	int followers;

	call = flight_find_led(flight, fo, key, token);
	if (!call)
		return -EPERM;
	if (keep && end->result &&
	    !flight_make_room(call->user, MUSTER_RES_BYTES,
			      muster_result_kept_bytes(end->result)))
		followers = -ENOBUFS;
	else
		followers = flight_complete_call(call, fo, token, end, keep);
	flight_call_put(call);
	return followers;
}

/* A call that is over without anybody having heard of it never was. */
static void flight_uncount(struct flight_call *call)
{
	if (call->attempt > 1 || call->nr_shared)
		return;
	atomic64_dec(&call->flight->led);
	atomic64_dec(&call->flight->orphaned);
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
		   const struct flight_key *key, u64 token, bool counted)
{
	struct flight_call *call;
	struct flight_exit exit;
	int goes_on;

	call = flight_find_led(flight, fo, key, token);
	if (!call)
		return -EPERM;
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

/* How many follow (F10), or -EPERM if the owner does not lead it. */
int flight_count_followers(struct muster_flight *flight, struct flight_owner *fo,
			   const struct flight_key *key, u64 token)
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

	while ((call = flight_first_led(fo))) {
		flight_exit_init(&exit);
		spin_lock(&call->lock);
		if (call->leader == fo)
			flight_hand_over(call, true, &exit);
		flight_unlock(call, &exit);
		flight_call_put(call);
		cond_resched();
	}
}

/* Takes the call out of the table; its leader and followers do not notice (F4). */
static void flight_forget_led(struct flight_call *call, struct flight_exit *exit)
{
	struct muster_owner *leader = &call->leader->owner;

	lockdep_assert_held(&call->lock);

	flight_unlist(call);
	spin_lock(&leader->lock);
	flight_add_forgotten(call);
	spin_unlock(&leader->lock);
	flight_drop_stale(call, exit);
	atomic64_inc(&call->flight->forgotten);
}

static bool flight_forget_call(struct flight_call *call, u64 token)
{
	struct flight_exit exit;
	bool forget;

	flight_exit_init(&exit);
	spin_lock(&call->lock);
	forget = call->listed && (!token || token == call->token);
	if (forget && call->done)
		exit.ended = flight_kept_drop(call);
	else if (forget)
		flight_forget_led(call, &exit);
	flight_unlock(call, &exit);
	return forget;
}

/**
 * flight_forget - let later joins begin a new call (F4)
 * @flight:	the group
 * @key:	the key
 * @token:	of the call to forget, or 0 for any
 *
 * Return: whether there was one to forget.
 */
bool flight_forget(struct muster_flight *flight, const struct flight_key *key, u64 token)
{
	struct flight_call *call = flight_find(flight, key);
	bool forgotten;

	if (!call)
		return false;
	forgotten = flight_forget_call(call, token);
	flight_call_put(call);
	return forgotten;
}

/* ---- following ---- */

enum muster_leave flight_leave(struct muster_waiter *waiter, int reason)
{
	struct flight_waiter *fw = to_flight_waiter(waiter);
	struct flight_call *call = fw->call;
	struct muster_ticket *leading = NULL;
	bool late;

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
	list_add_tail(&fw->waiter.node, flags & MUSTER_JOIN_NO_LEAD ? &call->bystanders :
		      &call->followers);
	call->nr_followers++;
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

int flight_calls_init(struct muster_flight *flight)
{
	return rhashtable_init(&flight->calls, &calls_params);
}

/* Nobody can reach the group any more: what is left in the table is kept. */
static void flight_destroy_kept(void *ptr, void *arg)
{
	struct flight_call *call = ptr;

	/* The table goes as a whole: nothing is to be taken out of it. */
	spin_lock(&call->lock);
	call->listed = false;
	atomic64_inc(&call->flight->refreshed);
	flight_kept_drop(call);
	spin_unlock(&call->lock);
	flight_call_put(call);
}

void flight_calls_destroy(struct muster_flight *flight)
{
	WARN_ON_ONCE(flight_nr_calls(flight) || atomic64_read(&flight->refreshed));
	WARN_ON_ONCE(atomic64_read(&flight->followers));
	rhashtable_free_and_destroy(&flight->calls, flight_destroy_kept, NULL);
}
