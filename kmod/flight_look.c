// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who leads, and who follows: for people to see. See flight.h.
 */
#include <linux/rhashtable.h>
#include <linux/sched.h>

#include "flight.h"

/* How often the table is looked at anew, a tick later, if it was growing. */
#define FLIGHT_WALKS 16

static bool flight_list_followers(const struct list_head *followers,
				  struct muster_roster *roster)
{
	struct muster_waiter *waiter;

	list_for_each_entry(waiter, followers, node) {
		if (!muster_roster_add(roster, waiter->owner, MUSTER_PROCESS_WAITER, 1,
				       waiter->since))
			return false;
	}
	return true;
}

static bool flight_list_leader(const struct flight_call *call, struct muster_roster *roster)
{
	lockdep_assert_held(&call->lock);

	return muster_roster_add(roster, &call->leader->owner, MUSTER_PROCESS_HOLDER,
				 call->nr_followers, call->since);
}

/* Lists all of a call; how many they are. */
u32 flight_list_call(struct muster_flight *flight, struct flight_key *key,
		     struct muster_roster *roster)
{
	struct flight_call *call = flight_find(flight, key);
	u32 nr = 0;

	if (!call)
		return 0;
	spin_lock(&call->lock);
	if (call->leader) {
		nr = 1 + call->nr_followers;
		if (flight_list_leader(call, roster) &&
		    flight_list_followers(&call->followers, roster))
			flight_list_followers(&call->bystanders, roster);
	}
	spin_unlock(&call->lock);
	flight_call_put(call);
	return nr;
}

/* Lists the leader of one that was found in the table; false if there is no room. */
static bool flight_list_found(struct flight_call *call, struct muster_roster *roster)
{
	bool room = true;

	spin_lock(&call->lock);
	if (call->leader)
		room = flight_list_leader(call, roster);
	spin_unlock(&call->lock);
	return room;
}

/**
 * struct flight_walk - all calls of a group
 * @flight:	the group
 * @iter:	where the walk is
 * @call:	a batch of what was found, with references. They are dropped, and
 *		looked into, outside RCU; and nobody who stands on one is led astray
 * @nr:		how many
 * @more:	there may be more
 * @full:	there is no room for more
 * @moved:	some may be missing, or be found twice: the table grew, or what
 *		was found was a call of another group by then
 */
struct flight_walk {
	struct muster_flight *flight;
	struct rhashtable_iter iter;
	struct flight_call *call[FLIGHT_FOUND];
	unsigned int nr;
	bool more;
	bool full;
	bool moved;
};

/* The next batch. A table that is just growing is two, one after the other. */
static void flight_walk(struct flight_walk *walk)
{
	struct flight_call *call;
	int n;

	if (rhashtable_walk_start_check(&walk->iter))
		walk->moved = true;
	for (n = 0; n < FLIGHT_FOUND; n++) {
		call = rhashtable_walk_next(&walk->iter);
		if (!call)
			break;
		if (IS_ERR(call))
			walk->moved = true;
		else if (flight_call_get(call))
			walk->call[walk->nr++] = call;
	}
	walk->more = n == FLIGHT_FOUND;
	rhashtable_walk_stop(&walk->iter);
}

/* Lists the leaders of the batch, and drops it. */
static void flight_list_batch(struct flight_walk *walk, struct muster_roster *roster)
{
	struct flight_call *call;

	while (walk->nr) {
		call = walk->call[--walk->nr];
		if (call->flight != walk->flight)
			walk->moved = true;
		else if (!walk->full)
			walk->full = !flight_list_found(call, roster);
		flight_call_put(call);
	}
}

/* Lists all; true if that was not all of them, or some are in twice. */
static bool flight_walk_all(struct muster_flight *flight, struct muster_roster *roster)
{
	struct flight_walk walk = { .flight = flight };

	rhashtable_walk_enter(&flight->calls, &walk.iter);
	do {
		flight_walk(&walk);
		flight_list_batch(&walk, roster);
		cond_resched();
	} while (walk.more && !walk.full);
	rhashtable_walk_exit(&walk.iter);
	return walk.moved;
}

/*
 * Lists the leaders of all calls; how many they are. That the table grows is a matter of
 * moments; where it always does, it is better to tell of some twice than of none at all.
 * Where calls end and begin under the walk's feet, it may also miss some.
 */
u32 flight_list_leaders(struct muster_flight *flight, struct muster_roster *roster)
{
	int tries;

	for (tries = 0; roster->entries && tries < FLIGHT_WALKS; tries++) {
		muster_roster_clear(roster);
		if (!flight_walk_all(flight, roster))
			break;
		schedule_timeout_uninterruptible(1);
	}
	return flight_nr_calls(flight);
}

/* How many calls it leads; one that leads very many, at least so many. */
u64 flight_held(struct muster_owner *owner)
{
	struct flight_owner *fo = to_flight_owner(owner);
	struct list_head *link;
	u64 n = 0;

	spin_lock(&owner->lock);
	list_for_each(link, &fo->led) {
		if (++n == MUSTER_BATCH)
			break;
	}
	spin_unlock(&owner->lock);
	return n;
}
