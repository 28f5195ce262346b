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
u32 flight_list_call(struct muster_flight *flight, const struct flight_key *key,
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

/*
 * A batch of the table; true if there may be more. A table that is just growing is two, one
 * after the other.
 */
static bool flight_walk(struct rhashtable_iter *iter, struct muster_roster *roster,
			bool *moves)
{
	struct flight_call *call;
	int n;

	for (n = 0; n < MUSTER_BATCH; n++) {
		call = rhashtable_walk_next(iter);
		if (!call)
			return false;
		if (IS_ERR(call))
			*moves = true;
		else if (!flight_list_found(call, roster))
			return false;
	}
	return true;
}

/* Lists all; true if calls were moved to another table meanwhile, and may be in twice. */
static bool flight_walk_all(struct muster_flight *flight, struct muster_roster *roster)
{
	struct rhashtable_iter iter;
	bool moves = false, more;

	rhashtable_walk_enter(&flight->calls, &iter);
	do {
		if (rhashtable_walk_start_check(&iter))
			moves = true;
		more = flight_walk(&iter, roster, &moves);
		rhashtable_walk_stop(&iter);
		cond_resched();
	} while (more);
	rhashtable_walk_exit(&iter);
	return moves;
}

/*
 * Lists the leaders of all calls; how many they are. That the table grows is a matter of
 * moments; where it always does, it is better to tell of somebody twice than not at all.
 */
u32 flight_list_leaders(struct muster_flight *flight, struct muster_roster *roster)
{
	int tries;

	for (tries = 0; roster->room && tries < FLIGHT_WALKS; tries++) {
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
