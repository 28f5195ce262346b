// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of calls by key, and calls as such. See flight.h.
 */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "flight.h"

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

struct flight_call *flight_call_alloc(struct muster_flight *flight,
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

/* Puts a new call into the table; -EEXIST if there is one. */
int flight_insert(struct flight_call *call, const struct flight_key *key)
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

int flight_table_replace(struct flight_call *old, struct flight_call *new)
{
	return muster_table_op(rhashtable_replace_fast(&new->flight->calls, &old->in_group,
						       &new->in_group, calls_params));
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
