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

/**
 * muster_roster_alloc - get room for a list of processes
 * @roster:	to be set up
 * @to:		where the caller wants the list; may be 0
 * @room:	how many it has room for
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int muster_roster_alloc(struct muster_roster *roster, u64 to, u32 room)
{
	*roster = (struct muster_roster){};
	if (!to && room)
		return -EINVAL;
	room = min_t(u32, room, MUSTER_PROCESSES_MAX);
	if (!room)
		return 0;
	roster->entries = kvcalloc(room, sizeof(*roster->entries), MUSTER_GFP);
	if (!roster->entries)
		return -ENOMEM;
	roster->room = room;
	return 0;
}

/**
 * muster_roster_add - list a process
 * @roster:	the list
 * @owner:	the process
 * @role:	MUSTER_PROCESS_*
 * @amount:	as of struct muster_process
 * @since:	jiffies
 *
 * Return: whether there was room. If not, the caller need not go on.
 */
bool muster_roster_add(struct muster_roster *roster, const struct muster_owner *owner,
		       u32 role, u64 amount, u64 since)
{
	u64 age = jiffies64_to_nsecs(get_jiffies_64() - since);

	if (roster->nr == roster->room)
		return false;
	roster->entries[roster->nr++] = (struct muster_process){
		.pid = pid_vnr(owner->pid),
		.role = role,
		.amount = amount,
		.since = ktime_get_ns() - age + muster_timens_offset(),
	};
	return true;
}

/* Copies the list to the caller; 0 or -EFAULT. */
int muster_roster_copy(struct muster_roster *roster, u64 to)
{
	size_t size = roster->nr * sizeof(*roster->entries);

	if (size && copy_to_user(u64_to_user_ptr(to), roster->entries, size))
		return -EFAULT;
	return 0;
}

void muster_roster_free(struct muster_roster *roster)
{
	kvfree(roster->entries);
}
