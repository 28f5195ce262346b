// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to the slots of a group, and to those who wait. See group.h.
 */
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "group.h"
#include "trace.h"

/**
 * struct group_exit - waiters on their way out
 * @taken:	their verdicts are written
 * @ended:	of those who are let go because no task is left: told @counts
 * @by_count:	more of these
 * @counts:	what they are told
 */
struct group_exit {
	struct list_head taken;
	struct list_head ended;
	struct rb_root by_count;
	struct group_counts counts;
};

/* ---- slots ---- */

void group_slot_free(struct group_slot *slot)
{
	if (slot->result) {
		muster_uncharge(slot->payer, MUSTER_RES_BYTES, slot->result->len);
		muster_user_put(slot->payer);
		muster_result_put(slot->result);
	}
	if (slot->user) {
		muster_uncharge(slot->user, MUSTER_RES_CALLS, 1);
		muster_user_put(slot->user);
	}
	put_pid(slot->pid);
	kfree(slot);
}

void group_slots_free(struct list_head *slots)
{
	struct group_slot *slot, *next;

	list_for_each_entry_safe(slot, next, slots, in_owner)
		group_slot_free(slot);
	INIT_LIST_HEAD(slots);
}

/* Charged to nobody yet. */
static struct group_slot *group_slot_alloc(void)
{
	struct group_slot *slot = kzalloc(sizeof(*slot), MUSTER_GFP);

	if (!slot)
		return NULL;
	slot->state = MUSTER_TASK_PENDING;
	slot->pid = get_pid(task_tgid(current));
	return slot;
}

static int group_slots_fill(struct list_head *slots, u32 nr)
{
	struct group_slot *slot;

	while (nr--) {
		slot = group_slot_alloc();
		if (!slot)
			return -ENOMEM;
		list_add_tail(&slot->in_owner, slots);
	}
	return 0;
}

/**
 * group_slots_alloc - allocate slots for the caller
 * @slots:	where to put them
 * @nr:		how many
 * @req:	where the caller is told; NULL for a ticket
 *
 * Return: 0, -ENOSPC, -ENOMEM or -EFAULT; then there are none.
 */
int group_slots_alloc(struct list_head *slots, u32 nr, const struct muster_request *req)
{
	struct muster_user *user = muster_user_get();
	struct group_slot *slot;
	int err;

	if (!user)
		return -ENOMEM;
	err = group_slots_fill(slots, nr);
	/* What else can fail came first: others may have to go for these. */
	err = err ?: muster_make_room_for(user, nr, req);
	if (err) {
		group_slots_free(slots);
	} else {
		list_for_each_entry(slot, slots, in_owner)
			slot->user = muster_user_hold(user);
	}
	muster_user_put(user);
	return err;
}

/* The slot of that number, or else the next; NULL if there is none. */
struct group_slot *group_slot_find(struct muster_group *group, u64 number)
{
	struct rb_node *node = group->slots.rb_node;
	struct group_slot *slot, *next = NULL;

	lockdep_assert_held(&group->object.lock);

	while (node) {
		slot = rb_entry(node, struct group_slot, by_number);
		if (slot->number < number) {
			node = node->rb_right;
		} else {
			next = slot;
			node = node->rb_left;
		}
	}
	return next;
}

static struct muster_group *group_of(const struct group_owner *go)
{
	return to_group(go->owner.mfile->object);
}

/* A pending slot that belongs to nobody is the owner's. */
static void group_slot_give(struct group_slot *slot, struct group_owner *go)
{
	struct muster_group *group = group_of(go);

	lockdep_assert_held(&group->object.lock);

	if (!go->nr_slots++) {
		go->since = get_jiffies_64();
		list_add_tail(&go->holding, &group->owners);
		group->nr_owners++;
	}
	list_add_tail(&slot->in_owner, &go->slots);
	slot->owner = go;
}

static void group_slot_take(struct group_slot *slot)
{
	struct group_owner *go = slot->owner;
	struct muster_group *group = group_of(go);

	lockdep_assert_held(&group->object.lock);

	list_del(&slot->in_owner);
	slot->owner = NULL;
	if (!--go->nr_slots) {
		list_del(&go->holding);
		group->nr_owners--;
	}
}

/* A pending slot changes hands. */
void group_slot_move(struct group_slot *slot, struct group_owner *go)
{
	group_slot_take(slot);
	group_slot_give(slot, go);
}

static void group_slot_insert(struct muster_group *group, struct group_slot *slot)
{
	struct rb_node *newest = group->newest;

	slot->number = ++group->last;
	rb_link_node(&slot->by_number, newest,
		     newest ? &newest->rb_right : &group->slots.rb_node);
	rb_insert_color(&slot->by_number, &group->slots);
	group->newest = &slot->by_number;
}

static void group_slot_remove(struct muster_group *group, struct group_slot *slot)
{
	if (group->newest == &slot->by_number)
		group->newest = rb_prev(&slot->by_number);
	rb_erase(&slot->by_number, &group->slots);
}

static void group_add(struct muster_group *group, struct group_waiter *gw)
{
	struct group_slot *slot, *next;

	lockdep_assert_held(&group->object.lock);

	gw->first = group->last + 1;
	list_for_each_entry_safe(slot, next, &gw->slots, in_owner) {
		list_del(&slot->in_owner);
		group_slot_insert(group, slot);
		group_slot_give(slot, to_group_owner(gw->waiter.owner));
	}
	group->counts.pending += gw->nr_slots;
	trace_muster_group_added(group, gw->waiter.owner, gw->first, gw->nr_slots);
}

/* The caller never learned of its slots: those that are still its own go (T4). */
void group_take_back(struct muster_group *group, struct group_owner *go, u64 first, u32 nr)
{
	struct group_slot *slot;
	LIST_HEAD(gone);
	u32 i;

	spin_lock(&group->object.lock);
	for (i = 0; i < nr; i++) {
		slot = group_slot_find(group, first + i);
		if (!slot || slot->number != first + i || slot->owner != go)
			continue;
		group_slot_take(slot);
		group_slot_remove(group, slot);
		list_add_tail(&slot->in_owner, &gone);
		group->counts.pending--;
	}
	group_unlock_serve(group);
	group_slots_free(&gone);
}

/* Nothing is added any more. */
void group_set_cancelled(struct muster_group *group)
{
	lockdep_assert_held(&group->object.lock);

	if (!group->cancelled)
		trace_muster_group_cancelled(group);
	group->cancelled = true;
}

/* A task is over. The caller serves those who wait, by group_unlock_serve(). */
void group_end_task(struct muster_group *group, struct group_slot *slot, s32 status,
		    u32 state)
{
	struct group_counts *counts = &group->counts;

	lockdep_assert_held(&group->object.lock);

	group_slot_take(slot);
	slot->status = status;
	slot->state = state;
	slot->order = counts->succeeded + counts->failed + 1;
	counts->pending--;
	muster_count(&group->object.totals->tasks);
	trace_muster_group_done(group, slot);
	if (state == MUSTER_TASK_DIED)
		counts->died++;
	if (state == MUSTER_TASK_DONE && !status) {
		counts->succeeded++;
		return;
	}
	muster_count(&group->object.totals->failures);
	if (!counts->failed++) {
		counts->status = status;
		counts->slot = slot->number;
	}
	if (!(group->object.options & MUSTER_GROUP_KEEP_GOING))
		group_set_cancelled(group);
}

/* ---- those who wait ---- */

bool group_is_met(const struct group_counts *counts, u32 until, u32 successes)
{
	switch (until) {
	case MUSTER_UNTIL_SUCCESSES:
	case MUSTER_UNTIL_COUNT:
		return counts->succeeded >= successes;
	case MUSTER_UNTIL_FAILURE:
		return counts->failed;
	default:
		return !counts->pending;
	}
}

/* Is there nothing to wait for, or nothing any more? */
bool group_is_over(const struct group_counts *counts, u32 until, u32 successes)
{
	if (group_is_met(counts, until, successes))
		return true;
	return until == MUSTER_UNTIL_COUNT ? counts->failed : !counts->pending;
}

static bool group_has_room(const struct muster_group *group, u32 nr)
{
	return nr <= group->limit - min(group->limit, group->counts.pending);
}

static void group_take(struct group_waiter *gw, int verdict, struct group_exit *exit)
{
	gw->waiter.verdict = verdict;
	list_move_tail(&gw->waiter.node, &exit->taken);
}

static struct group_waiter *group_first_adder(struct muster_group *group)
{
	return list_first_entry_or_null(&group->adders, struct group_waiter, waiter.node);
}

/* What is to be told to the first who would add; MUSTER_QUEUED if it has to wait. */
static int group_decide(const struct muster_group *group, const struct group_waiter *gw)
{
	if (gw->waiter.owner->dead)
		return muster_dead_verdict(&gw->waiter);
	if (group->cancelled)
		return -ECANCELED;
	return group_has_room(group, gw->nr_slots) ? 0 : MUSTER_QUEUED;
}

/*
 * Serves the first who would add, if it arrived before number @until: the slots it took,
 * or 0 if it has to wait.
 */
static u32 group_serve_adder(struct muster_group *group, u64 until, struct group_exit *exit)
{
	struct group_waiter *gw = group_first_adder(group);
	int verdict;

	if (!gw || gw->arrival >= until)
		return 0;
	verdict = group_decide(group, gw);
	if (verdict == MUSTER_QUEUED)
		return 0;
	if (!verdict) {
		muster_owner_use(gw->waiter.owner);
		group_add(group, gw);
	}
	group->nr_adders--;
	group_take(gw, verdict, exit);
	return gw->nr_slots;
}

/* One who waits for so many successes, or for a failure, and has it; or NULL. */
static struct group_waiter *group_next_met(struct muster_group *group)
{
	struct rb_node *node = rb_first_cached(&group->by_count);
	struct group_waiter *gw;

	gw = rb_entry_safe(node, struct group_waiter, by_count);
	if (gw && gw->successes <= group->counts.succeeded) {
		rb_erase_cached(node, &group->by_count);
		return gw;
	}
	if (group->counts.failed)
		return list_first_entry_or_null(&group->failure, struct group_waiter,
						waiter.node);
	return NULL;
}

/* Is there one who waits with patience, and has what it waits for, or never will? */
static bool group_has_over(const struct muster_group *group)
{
	struct rb_node *node = rb_first_cached(&group->patient);
	struct group_waiter *gw = rb_entry_safe(node, struct group_waiter, by_count);

	lockdep_assert_held(&group->object.lock);

	return gw && group_is_over(&group->counts, gw->until, gw->successes);
}

/*
 * Nobody is served between two batches, though some might be. With no task left, is
 * there one who would add, or waits, and has yet to be told?
 */
bool group_has_work(const struct muster_group *group)
{
	return group_has_over(group) ||
	       (!group->counts.pending && (group->nr_adders || group->nr_waits));
}

/* Tasks that wait to be added count as left (G1), but not if they are to be refused. */
u32 group_nr_left(const struct muster_group *group)
{
	lockdep_assert_held(&group->object.lock);

	return group->counts.pending + (group->cancelled ? 0 : group->nr_adders);
}

static struct group_waiter *group_next_patient(struct muster_group *group)
{
	struct rb_node *node = rb_first_cached(&group->patient);

	if (!group_has_over(group))
		return NULL;
	rb_erase_cached(node, &group->patient);
	return rb_entry(node, struct group_waiter, by_count);
}

/* @waits: so many more may be served, less the one that was. */
static bool group_serve_wait(struct muster_group *group, u64 *waits, struct group_exit *exit)
{
	struct group_waiter *gw;

	if (!*waits)
		return false;
	gw = group_next_met(group);
	if (gw) {
		group->nr_waits--;
	} else {
		gw = group_next_patient(group);
		if (!gw)
			return false;
		group->nr_patient--;
	}
	--*waits;
	gw->counts = group->counts;
	group_take(gw, 0, exit);
	return true;
}

/* No task is left: all who wait for tasks go, and no waiter is touched for it. */
static void group_serve_ended(struct muster_group *group, struct group_exit *exit)
{
	list_splice_tail_init(&group->all, &exit->ended);
	list_splice_tail_init(&group->failure, &exit->ended);
	exit->by_count = group->by_count.rb_root;
	group->by_count = RB_ROOT_CACHED;
	group->nr_waits = 0;
	group->wait_from = group->arrivals;
	exit->counts = group->counts;
}

/*
 * Serves a batch, of adders those before number @until, and so many @waits; true if there
 * may be more.
 */
static bool group_serve(struct muster_group *group, u64 until, u64 *waits,
			struct group_exit *exit)
{
	u32 n, slots;

	lockdep_assert_held(&group->object.lock);

	for (n = 0; n < MUSTER_BATCH; n += slots) {
		slots = group_serve_adder(group, until, exit);
		if (!slots && !group_nr_left(group) && group->nr_waits)
			group_serve_ended(group, exit);
		if (!slots)
			slots = group_serve_wait(group, waits, exit);
		if (!slots)
			return false;
	}
	return true;
}

static void group_settle(struct group_exit *exit)
{
	struct group_waiter *gw, *next;
	unsigned int nr = 0;

	muster_settle_all(&exit->taken);
	list_for_each_entry_safe(gw, next, &exit->ended, waiter.node) {
		gw->counts = exit->counts;
		gw->waiter.verdict = 0;
		muster_settle(&gw->waiter);
		muster_let_run(++nr);
	}
	rbtree_postorder_for_each_entry_safe(gw, next, &exit->by_count, by_count) {
		gw->counts = exit->counts;
		gw->waiter.verdict = 0;
		muster_settle(&gw->waiter);
		muster_let_run(++nr);
	}
}

/*
 * Unlocks the group after a change, lets in and out who may go, in batches. Who comes
 * to add meanwhile sees to itself (group_queue_add()), so that the caller does not serve
 * for ever those who come again and again. Who comes to wait does so for what is yet to be;
 * whoever brings that about serves as many as there are then, so that nobody is left.
 */
void group_unlock_serve(struct muster_group *group)
	__releases(&group->object.lock)
{
	u64 until = group->added, waits = (u64)group->nr_waits + group->nr_patient;
	struct group_exit exit;
	bool more;

	for (;;) {
		INIT_LIST_HEAD(&exit.taken);
		INIT_LIST_HEAD(&exit.ended);
		exit.by_count = RB_ROOT;
		more = group_serve(group, until, &waits, &exit);
		spin_unlock(&group->object.lock);
		group_settle(&exit);
		if (!more)
			break;
		spin_lock(&group->object.lock);
	}
	muster_object_wake_poll(&group->object);
}

/* Is it on its way out, with all who waited when no task was left? */
static bool group_is_leaving(const struct muster_group *group,
			     const struct group_waiter *gw)
{
	return !gw->nr_slots && gw->until != MUSTER_UNTIL_COUNT &&
	       gw->arrival < group->wait_from;
}

static void group_unqueue_wait(struct muster_group *group, struct group_waiter *gw)
{
	if (gw->until == MUSTER_UNTIL_COUNT) {
		group->nr_patient--;
		rb_erase_cached(&gw->by_count, &group->patient);
		return;
	}
	group->nr_waits--;
	if (gw->until == MUSTER_UNTIL_SUCCESSES)
		rb_erase_cached(&gw->by_count, &group->by_count);
	else
		list_del(&gw->waiter.node);
}

enum muster_leave group_leave(struct muster_waiter *waiter, int reason)
{
	struct muster_group *group = to_group(muster_owner_object(waiter->owner));
	struct group_waiter *gw = to_group_waiter(waiter);

	spin_lock(&group->object.lock);
	/* In this order: of those who leave so the verdict is written without the lock. */
	if (group_is_leaving(group, gw) || waiter->verdict != MUSTER_QUEUED) {
		spin_unlock(&group->object.lock);
		return MUSTER_SETTLED;
	}
	if (gw->nr_slots) {
		list_del(&waiter->node);
		group->nr_adders--;
	} else {
		group_unqueue_wait(group, gw);
	}
	/* Behind one who would add many may be one who adds few. */
	group_unlock_serve(group);
	return MUSTER_LEFT;
}

/* Can so many be added now, or wait for it? 0, MUSTER_QUEUED, or a negative errno. */
static int group_try_add(const struct muster_group *group, u32 nr_slots, bool nonblock)
{
	lockdep_assert_held(&group->object.lock);

	if (group->cancelled)
		return -ECANCELED;
	if (nr_slots > group->limit)
		return -ERANGE;
	if (!group->nr_adders && group_has_room(group, nr_slots))
		return 0;
	return nonblock ? -EAGAIN : MUSTER_QUEUED;
}

/* Is there any use in allocating slots? 0 or a negative errno. */
int group_may_add(struct muster_group *group, u32 nr_slots, bool nonblock)
{
	int err;

	spin_lock(&group->object.lock);
	err = group_try_add(group, nr_slots, nonblock);
	spin_unlock(&group->object.lock);
	return min(err, 0);
}

/* Queues up to add, and unlocks. It may be on its way out on return. */
static void group_queue_add(struct muster_group *group, struct group_waiter *gw)
	__releases(&group->object.lock)
{
	gw->arrival = group->added++;
	list_add_tail(&gw->waiter.node, &group->adders);
	group->nr_adders++;
	muster_waiter_queued(&gw->waiter, gw->nr_slots);
	/* Those before it are being served just now. */
	if (group->nr_adders > 1 &&
	    group_decide(group, group_first_adder(group)) != MUSTER_QUEUED)
		group_unlock_serve(group);
	else
		spin_unlock(&group->object.lock);
}

/* Adds the slots or queues up; 0, MUSTER_QUEUED, or a negative errno. */
int group_enter_add(struct muster_group *group, struct group_waiter *gw, bool nonblock)
{
	int err = -EBADF;

	spin_lock(&group->object.lock);
	if (muster_owner_use(gw->waiter.owner))
		err = group_try_add(group, gw->nr_slots, nonblock);
	if (err == MUSTER_QUEUED) {
		group_queue_add(group, gw);
		return err;
	}
	if (!err)
		group_add(group, gw);
	spin_unlock(&group->object.lock);
	return err;
}

static bool group_count_less(struct rb_node *node, const struct rb_node *parent)
{
	return rb_entry(node, struct group_waiter, by_count)->successes <
	       rb_entry(parent, struct group_waiter, by_count)->successes;
}

static void group_queue_wait(struct muster_group *group, struct group_waiter *gw)
{
	if (gw->until == MUSTER_UNTIL_COUNT) {
		group->nr_patient++;
		rb_add_cached(&gw->by_count, &group->patient, group_count_less);
		return;
	}
	gw->arrival = group->arrivals++;
	group->nr_waits++;
	if (gw->until == MUSTER_UNTIL_SUCCESSES)
		rb_add_cached(&gw->by_count, &group->by_count, group_count_less);
	else if (gw->until == MUSTER_UNTIL_FAILURE)
		list_add_tail(&gw->waiter.node, &group->failure);
	else
		list_add_tail(&gw->waiter.node, &group->all);
}

/* 0 if there is nothing to wait for, MUSTER_QUEUED, or a negative errno. */
int group_enter_wait(struct muster_group *group, struct group_waiter *gw, bool nonblock)
{
	struct group_counts counts;
	int err = 0;

	spin_lock(&group->object.lock);
	counts = group->counts;
	counts.pending = group_nr_left(group);
	if (!muster_owner_use(gw->waiter.owner))
		err = -EBADF;
	else if (group_is_over(&counts, gw->until, gw->successes))
		gw->counts = group->counts;
	else
		err = nonblock ? -EAGAIN : MUSTER_QUEUED;
	if (err == MUSTER_QUEUED) {
		group_queue_wait(group, gw);
		muster_waiter_queued(&gw->waiter, gw->successes);
	}
	spin_unlock(&group->object.lock);
	return err;
}
