// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes as the STAT ioctls list them
 *
 * User memory cannot be written under a spinlock: a roster is allocated before,
 * filled under the lock, and copied after.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "muster.h"

/* It comes in arrays, and callers are not asked for the size that they know it by. */
static_assert(sizeof(struct muster_process) == 24);

/**
 * muster_roster_alloc - get room for a list of processes
 * @roster:	to be set up
 * @to:		where the caller wants the list; 0 if it wants none
 * @room:	how many it has room for
 *
 * Return: 0 or -ENOMEM.
 */
int muster_roster_alloc(struct muster_roster *roster, u64 to, u32 room)
{
	*roster = (struct muster_roster){};
	/* Who calls again with what was written to the struct wants no list this time either. */
	room = to ? min_t(u32, room, MUSTER_PROCESSES_MAX) : 0;
	if (!room)
		return 0;
	roster->entries = kvmalloc_array(room, sizeof(*roster->entries), MUSTER_GFP);
	if (!roster->entries)
		return -ENOMEM;
	roster->next = roster->entries;
	roster->end = roster->entries + room;
	return 0;
}

/* Empties the list, for the caller to begin anew. */
void muster_roster_clear(struct muster_roster *roster)
{
	while (roster->next != roster->entries)
		put_pid((--roster->next)->pid);
}

/*
 * Makes of the list what the caller is to see of it, in the same place: each entry becomes
 * smaller. How many there are.
 */
static size_t muster_roster_finish(struct muster_roster *roster)
{
	/* Both move with the tick, however late that is. */
	u64 now = get_jiffies_64(), now_ns = ktime_get_coarse_ns() + muster_timens_offset();
	struct muster_process *process = (struct muster_process *)roster->entries;
	struct muster_listed *end = roster->next, *entry, listed;

	static_assert(sizeof(*process) <= sizeof(*entry));
	for (entry = roster->entries; entry != end; entry++) {
		listed = *entry;
		*process++ = (struct muster_process){
			.pid = pid_vnr(listed.pid),
			.role = listed.role,
			.amount = listed.amount,
			.since = now_ns - jiffies64_to_nsecs(now - listed.since),
		};
		put_pid(listed.pid);
	}
	roster->next = roster->entries;
	return end - roster->entries;
}

/* Copies the list to the caller, and empties it; 0 or -EFAULT. */
int muster_roster_copy(struct muster_roster *roster, u64 to)
{
	size_t size = muster_roster_finish(roster) * sizeof(struct muster_process);

	if (size && copy_to_user(u64_to_user_ptr(to), roster->entries, size))
		return -EFAULT;
	return 0;
}

void muster_roster_free(struct muster_roster *roster)
{
	muster_roster_clear(roster);
	kvfree(roster->entries);
}
