/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The group: tasks to wait for, across processes (G1 to G4)
 *
 * A task is a slot: it is added, belongs to a process, and is done with a status and
 * perhaps a result. Its process may end first, then it is done all the same, as one
 * that died. Slots stay, in order of their numbers, until the group is reset.
 *
 *	ADD	waits its turn, if the group has a limit
 *	DONE	and death: may let adders in and waiters out
 *
 * group.c has the ioctls, group_slot.c what they do to slots and to those who wait.
 *
 * Locking: everything is guarded by the object's lock. Slots are allocated before
 * and freed after it is held.
 */
#ifndef MUSTER_GROUP_H
#define MUSTER_GROUP_H

#include <linux/rbtree.h>

#include "muster.h"

/**
 * struct group_counts - how far the tasks are
 * @pending:	not done
 * @succeeded:	since the last reset
 * @failed:	those that died included
 * @died:	their process ended first
 * @status:	of the first that failed
 * @slot:	its number, 0 if none failed
 */
struct group_counts {
	u32 pending;
	u32 succeeded;
	u32 failed;
	u32 died;
	s32 status;
	u64 slot;
};

/**
 * struct muster_group - a group
 * @object:	the core's part
 * @limit:	most tasks that may be pending
 * @last:	the latest slot's number (W4)
 * @slots:	struct group_slot.by_number
 * @newest:	the last of them, or NULL: whatever is added goes behind it
 * @counts:	how far they are
 * @cancelled:	nothing is added any more
 * @adders:	struct group_waiter of those who would add, in order
 * @nr_adders:	how many
 * @added:	how many ever were: the number of the next
 * @arrivals:	how many ever waited for tasks: the number of the next
 * @wait_from:	those who arrived before are on their way out
 * @by_count:	struct group_waiter.by_count of those who wait for successes
 * @patient:	struct group_waiter.by_count of those who wait for successes, though no task
 *		is left
 * @nr_patient:	how many
 * @all:	of those who wait for all
 * @failure:	of those who wait for a failure
 * @nr_waits:	how many in @by_count, @all and @failure
 * @owners:	struct group_owner.holding of those with pending slots
 * @nr_owners:	how many
 */
struct muster_group {
	struct muster_object object;
	u32 limit;
	u64 last;
	struct rb_root slots;
	struct rb_node *newest;
	struct group_counts counts;
	bool cancelled;
	struct list_head adders;
	u32 nr_adders;
	u64 added;
	u64 arrivals;
	u64 wait_from;
	struct rb_root_cached by_count;
	struct rb_root_cached patient;
	u32 nr_patient;
	struct list_head all;
	struct list_head failure;
	u32 nr_waits;
	struct list_head owners;
	u32 nr_owners;
};

/**
 * struct group_owner - a process that uses a group
 * @owner:	the core's part
 * @slots:	struct group_slot.in_owner of its pending ones, the oldest first
 * @nr_slots:	how many
 * @since:	jiffies since when it has some
 * @holding:	link in @owners of the group
 */
struct group_owner {
	struct muster_owner owner;
	struct list_head slots;
	u32 nr_slots;
	u64 since;
	struct list_head holding;
};

/**
 * struct group_slot - a task
 * @by_number:	link in @slots of the group, once it has a number
 * @in_owner:	link in @slots of @owner while pending; before that in those that are
 *		to be added
 * @number:	its number
 * @owner:	whose it is while pending, else NULL
 * @pid:	the process whose it is or was; a reference
 * @user:	whom it is charged to
 * @payer:	whom @result is charged to
 * @result:	NULL if empty
 * @status:	how it ended
 * @state:	MUSTER_TASK_*
 * @order:	its place among those that have ended, 0 while pending
 */
struct group_slot {
	struct rb_node by_number;
	struct list_head in_owner;
	u64 number;
	struct group_owner *owner;
	struct pid *pid;
	struct muster_user *user;
	struct muster_user *payer;
	struct muster_result *result;
	s32 status;
	u32 state;
	u32 order;
};

/**
 * struct group_waiter - one who waits, to add or for tasks
 * @waiter:	the core's part
 * @slots:	to be added; empty once they are
 * @nr_slots:	how many; 0 for one who waits for tasks
 * @first:	the number of the first, once added
 * @until:	MUSTER_UNTIL_*
 * @successes:	how many it waits for
 * @arrival:	its number, of those who add or of those who wait for tasks
 * @by_count:	link in @by_count, or @patient, of the group
 * @counts:	what it is told
 */
struct group_waiter {
	struct muster_waiter waiter;
	struct list_head slots;
	u32 nr_slots;
	u64 first;
	u32 until;
	u32 successes;
	u64 arrival;
	struct rb_node by_count;
	struct group_counts counts;
};

static inline struct muster_group *to_group(struct muster_object *object)
{
	return container_of(object, struct muster_group, object);
}

static inline struct group_owner *to_group_owner(struct muster_owner *owner)
{
	return container_of(owner, struct group_owner, owner);
}

static inline struct group_waiter *to_group_waiter(struct muster_waiter *waiter)
{
	return container_of(waiter, struct group_waiter, waiter);
}

/* ---- group_slot.c ---- */

int group_slots_alloc(struct list_head *slots, u32 nr, const struct muster_request *req);
void group_slots_free(struct list_head *slots);
void group_slot_free(struct group_slot *slot);
struct group_slot *group_slot_find(struct muster_group *group, u64 number);
void group_slot_move(struct group_slot *slot, struct group_owner *go);
void group_take_back(struct muster_group *group, struct group_owner *go, u64 first,
		     u32 nr);
void group_end_task(struct muster_group *group, struct group_slot *slot, s32 status,
		    u32 state);
void group_set_cancelled(struct muster_group *group);
void group_unlock_serve(struct muster_group *group) __releases(&group->object.lock);
bool group_has_work(const struct muster_group *group);
u32 group_nr_left(const struct muster_group *group);
bool group_is_over(const struct group_counts *counts, u32 until, u32 successes);
bool group_is_met(const struct group_counts *counts, u32 until, u32 successes);
enum muster_leave group_leave(struct muster_waiter *waiter, int reason);
int group_may_add(struct muster_group *group, u32 nr_slots, bool nonblock);
int group_enter_add(struct muster_group *group, struct group_waiter *gw, bool nonblock);
int group_enter_wait(struct muster_group *group, struct group_waiter *gw, bool nonblock);

#endif /* MUSTER_GROUP_H */
