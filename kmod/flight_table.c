// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of calls by key, and calls as such. See flight.h.
 *
 * Most keys are short. Calls with such a key come from a cache of their own, in which
 * what is freed is there for the next at once, warm: to wait for RCU with each, as for
 * those with a long key, would have the allocator fetch ever new pages, and is a third of
 * what a leader's JOIN and FINISH cost. The cache's memory stays the cache's for as long
 * as somebody may read it under RCU, so that a reader of the table always finds a call;
 * but perhaps one that was freed, or is a new one by now, even of another group:
 *
 *	reader				who frees it	who begins another
 *	------				------------	------------------
 *	finds the call			drops the last
 *					reference
 *							fills in group and key
 *							sets @refs (release)
 *	takes a reference, unless
 *	there is none (acquire)
 *	are group and key right?
 *	  no: drops it, looks again
 *
 * With a reference the call stays what it is. That it may not be in the table yet, or no
 * more, or never was, is what all who find one look at under its lock. The link of the table
 * is never cleared, so that who stands on it goes on; the table finds out when that has led
 * into another chain, and begins anew. Within its chain a call is put at the head, so that
 * who stands on it goes through all of them; but one that takes the place of another
 * (flight_table_replace()) is where that was, and who stands on it would miss what is before.
 * So replacements are counted, and who finds nothing looks again if there was one meanwhile:
 *
 *	reader				who replaces
 *	------				------------
 *	reads the count
 *	stands on a call that is free
 *					counts
 *					puts that call into the middle of the chain
 *	goes on from there: nothing
 *	reads the count: another one
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "flight.h"

static struct kmem_cache *short_calls;

/* No caller is to know which keys collide. */
static u32 hash_secret __ro_after_init;

/* A table that is made anew, as too many are in one chain, has another seed. */
static u32 flight_table_hash(u32 hash, u32 seed)
{
	return hash_64(hash ^ seed, 32);
}

static u32 flight_key_hash(const void *data, u32 len, u32 seed)
{
	const struct flight_key *key = data;

	return flight_table_hash(key->hash, seed);
}

static u32 flight_call_hash(const void *data, u32 len, u32 seed)
{
	const struct flight_call *call = data;

	return flight_table_hash(call->hash, seed);
}

static int flight_call_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct flight_key *key = arg->key;
	const struct flight_call *call = obj;

	/* The call may be turning into another one just now; flight_find() looks again. */
	return data_race(key->len != call->key_len ||
			 memcmp(key->bytes, call->key, key->len));
}

static const struct rhashtable_params calls_params = {
	.head_offset = offsetof(struct flight_call, in_group),
	.hashfn = flight_key_hash,
	.obj_hashfn = flight_call_hash,
	.obj_cmpfn = flight_call_cmp,
	.automatic_shrinking = true,
};

static struct flight_call *flight_call_memory(const struct flight_key *key,
					      struct flight_owner *fo)
{
	struct flight_call *call;

	if (key->len > FLIGHT_SHORT_KEY)
		return kmalloc(struct_size(call, key, key->len), MUSTER_GFP);
	call = READ_ONCE(fo->spare) ? xchg(&fo->spare, NULL) : NULL;
	return call ?: kmem_cache_alloc(short_calls, MUSTER_GFP);
}

/* A call that @fo is to lead. */
struct flight_call *flight_call_alloc(struct muster_flight *flight,
				      const struct flight_key *key,
				      struct flight_owner *fo)
{
	struct flight_call *call = flight_call_memory(key, fo);

	if (!call)
		return NULL;
	/* A reader may stand on the link, and look at the references. */
	memset_after(call, 0, refs);
	call->flight = flight;
	call->user = muster_user_hold(fo->owner.user);
	spin_lock_init(&call->lock);
	call->attempt = 1;
	call->handovers_left = flight->handovers;
	INIT_LIST_HEAD(&call->followers);
	INIT_LIST_HEAD(&call->bystanders);
	call->hash = key->hash;
	call->key_len = key->len;
	memcpy(call->key, key->bytes, key->len);
	/* Pairs with the acquire in flight_call_get(). */
	smp_wmb();
	refcount_set(&call->refs, 1);
	return call;
}

static void flight_call_free(struct flight_call *call)
{
	if (call->key_len <= FLIGHT_SHORT_KEY)
		kmem_cache_free(short_calls, call);
	else
		kfree_rcu(call, rcu);
}

void flight_call_put(struct flight_call *call)
{
	if (!refcount_dec_and_test(&call->refs))
		return;
	muster_result_put(call->result);
	muster_user_put(call->user);
	flight_call_free(call);
}

/*
 * flight_call_put(), by the owner that has led it: as a rule that will soon lead the next.
 * To have the allocator, and the memory cgroup, deal with all of them is an eighth of what
 * a leader's JOIN and FINISH cost.
 */
void flight_call_put_by(struct flight_call *call, struct flight_owner *fo)
{
	if (!refcount_dec_and_test(&call->refs))
		return;
	muster_result_put_spare(call->result, &fo->spare_result);
	muster_user_put(call->user);
	if (call->key_len <= FLIGHT_SHORT_KEY && !READ_ONCE(fo->spare))
		call = xchg(&fo->spare, call);
	if (call)
		flight_call_free(call);
}

/* The owner is gone. */
void flight_spare_free(struct flight_owner *fo)
{
	if (fo->spare)
		flight_call_free(fo->spare);
	muster_result_put(fo->spare_result);
}

/*
 * Takes a reference to what is seen in a table under RCU; false if there is none any more.
 * With it the call's group and key are to be looked at: they may not be what they were.
 */
bool flight_call_get(struct flight_call *call)
{
	if (!refcount_inc_not_zero(&call->refs))
		return false;
	/* Pairs with the barrier in flight_call_alloc(). */
	smp_acquire__after_ctrl_dep();
	return true;
}

bool flight_is_for(const struct flight_call *call, const struct muster_flight *flight,
		   const struct flight_key *key)
{
	return call->flight == flight && call->key_len == key->len &&
	       !memcmp(call->key, key->bytes, key->len);
}

/* Was nothing to be found since one stood on a call that took another's place? */
static bool flight_missed(struct muster_flight *flight, int replaced)
{
	/* Pairs with the barrier in flight_table_replace(). */
	smp_rmb();
	return atomic_read(&flight->replaced) != replaced;
}

/*
 * A reference to what the table has for the key: NULL if nothing, ERR_PTR(-EAGAIN) if
 * that has just ceased to be.
 */
static struct flight_call *flight_look_up(struct muster_flight *flight,
					  const struct flight_key *key)
{
	int replaced = atomic_read(&flight->replaced);
	struct flight_call *call;

	/* Pairs with the barrier in flight_table_replace(). */
	smp_rmb();
	rcu_read_lock();
	call = rhashtable_lookup(&flight->calls, key, calls_params);
	/* What is in the table has references. */
	if (call ? !flight_call_get(call) : flight_missed(flight, replaced))
		call = ERR_PTR(-EAGAIN);
	rcu_read_unlock();
	if (IS_ERR_OR_NULL(call))
		return call;
	if (likely(flight_is_for(call, flight, key)))
		return call;
	flight_call_put(call);
	return ERR_PTR(-EAGAIN);
}

/* A reference to the call for the key that can be joined, or NULL. */
struct flight_call *flight_find(struct muster_flight *flight, struct flight_key *key)
{
	struct flight_call *call;

	key->hash = jhash(key->bytes, key->len, hash_secret);
	do {
		call = flight_look_up(flight, key);
	} while (IS_ERR(call));
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
	atomic_inc(&new->flight->replaced);
	/* Who sees the new link sees that it is counted: see above. */
	smp_wmb();
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

int flight_calls_load(void)
{
	hash_secret = get_random_u32();
	short_calls = kmem_cache_create("muster_call",
					sizeof(struct flight_call) + FLIGHT_SHORT_KEY,
					0, SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT, NULL);
	return short_calls ? 0 : -ENOMEM;
}

void flight_calls_unload(void)
{
	kmem_cache_destroy(short_calls);
}

int flight_calls_init(struct muster_flight *flight)
{
	return rhashtable_init(&flight->calls, &calls_params);
}

/*
 * A batch of what is in the table, with references; its size. It may miss some, and stray
 * into another table, where a call is taken out and its memory used again meanwhile. Sets
 * *@any if it has seen something.
 */
static unsigned int flight_walk_kept(struct rhashtable_iter *iter, struct flight_call **found,
				     bool *any)
{
	struct flight_call *call;
	unsigned int nr = 0;

	rhashtable_walk_start(iter);
	while (nr < FLIGHT_FOUND) {
		call = rhashtable_walk_next(iter);
		if (!call)
			break;
		*any = true;
		if (!IS_ERR(call) && flight_call_get(call))
			found[nr++] = call;
	}
	rhashtable_walk_stop(iter);
	return nr;
}

/*
 * Nobody can reach the group any more: what is in the table is kept. Those at whose cost
 * may take it out at the same time.
 */
void flight_calls_drop(struct muster_flight *flight)
{
	struct flight_call *found[FLIGHT_FOUND], *call;
	struct rhashtable_iter iter;
	bool any = true;
	unsigned int nr;

	while (any && atomic_read(&flight->calls.nelems)) {
		any = false;
		rhashtable_walk_enter(&flight->calls, &iter);
		while ((nr = flight_walk_kept(&iter, found, &any))) {
			while (nr) {
				call = found[--nr];
				if (call->flight == flight)
					flight_kept_let_go(call);
				else
					flight_call_put(call);
			}
			cond_resched();
		}
		rhashtable_walk_exit(&iter);
	}
}

void flight_calls_destroy(struct muster_flight *flight)
{
	WARN_ON_ONCE(flight_nr_calls(flight) || atomic64_read(&flight->refreshed));
	WARN_ON_ONCE(atomic64_read(&flight->followers) || atomic_read(&flight->calls.nelems));
	rhashtable_destroy(&flight->calls);
}
