// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a group. See group.h.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "group.h"
#include "trace.h"

/* ---- adding ---- */

static int group_add_enter(const struct muster_request *req, struct group_waiter *gw,
			   const struct muster_group_add *add, bool nonblock)
{
	struct muster_group *group = to_group(req->mfile->object);
	int err;

	INIT_LIST_HEAD(&gw->slots);
	/* Nothing makes room for what is refused. */
	err = group_may_add(group, add->slots, nonblock);
	err = err ?: group_slots_alloc(&gw->slots, add->slots, gw->waiter.ticket ? NULL : req);
	if (err)
		return err;
	gw->nr_slots = add->slots;
	return group_enter_add(group, gw, nonblock);
}

static int group_add_ticket(const struct muster_request *req,
			    const struct muster_group_add *add)
{
	struct muster_waiter *waiter;
	int err;

	waiter = muster_ticket_create(req, sizeof(struct group_waiter), group_leave,
				      add->flags, add->deadline);
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	err = group_add_enter(req, to_group_waiter(waiter), add, false);
	return muster_ticket_issue(waiter, err);
}

static int group_add_owner(const struct muster_request *req, struct muster_group_add *add,
			   struct muster_owner *owner)
{
	struct group_waiter gw = {};
	struct muster_deadline until;
	int err;

	muster_deadline_set(&until, req, add->flags, add->deadline);
	muster_waiter_init(&gw.waiter, owner, group_leave);
	err = group_add_enter(req, &gw, add, until.nonblock);
	if (err == MUSTER_QUEUED)
		err = muster_wait(&gw.waiter, &until);
	else
		muster_owner_put(owner);
	if (err) {
		group_slots_free(&gw.slots);
		return err;
	}
	add->first = gw.first;
	err = muster_reply(req, add, first);
	if (err)
		group_take_back(to_group(req->mfile->object), to_group_owner(owner),
				gw.first, gw.nr_slots);
	return err;
}

static int group_add_ioctl(const struct muster_request *req, struct muster_group_add *add)
{
	struct muster_owner *owner;
	int err;

	if (!muster_wait_flags_ok(add->flags, 0) || add->__reserved || !add->slots ||
	    add->slots > MUSTER_GROUP_ADD_MAX)
		return -EINVAL;
	if (add->flags & MUSTER_WAIT_TICKET)
		return group_add_ticket(req, add);
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = group_add_owner(req, add, owner);
	muster_owner_put(owner);
	return err;
}

/* ---- one task ---- */

static int group_claim_owner(struct muster_group *group, struct group_owner *go, u64 number)
{
	struct pid *pid = NULL;
	struct group_slot *slot;
	int err = 0;

	spin_lock(&group->object.lock);
	slot = group_slot_find(group, number);
	if (!muster_owner_use(&go->owner))
		err = -EBADF;
	else if (!slot || slot->number != number)
		err = -ENOENT;
	else if (!slot->owner)
		err = -EALREADY;
	if (!err && slot->owner != go) {
		group_slot_move(slot, go);
		pid = slot->pid;
		slot->pid = get_pid(go->owner.pid);
		trace_muster_group_claimed(group, slot);
	}
	spin_unlock(&group->object.lock);
	put_pid(pid);
	return err;
}

static int group_claim(const struct muster_request *req, struct muster_group_claim *claim)
{
	struct muster_owner *owner;
	int err;

	if (claim->flags)
		return -EINVAL;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = group_claim_owner(to_group(req->mfile->object), to_group_owner(owner),
				claim->slot);
	muster_owner_put(owner);
	return err;
}

/* The slot of the owner by that number, or its oldest. */
static struct group_slot *group_slot_of(struct muster_group *group, struct group_owner *go,
					u64 number)
{
	struct group_slot *slot;

	if (number == MUSTER_SLOT_ANY)
		return list_first_entry_or_null(&go->slots, struct group_slot, in_owner);
	slot = group_slot_find(group, number);
	return slot && slot->number == number && slot->owner == go ? slot : NULL;
}

/* The reference to @result and what was charged for it are the slot's on success. */
static int group_done_owner(struct muster_group *group, struct group_owner *go,
			    const struct muster_group_done *done,
			    struct muster_result *result)
{
	struct group_slot *slot;

	spin_lock(&group->object.lock);
	slot = group_slot_of(group, go, done->slot);
	if (!slot) {
		spin_unlock(&group->object.lock);
		return -EPERM;
	}
	if (result) {
		slot->result = result;
		slot->payer = muster_user_hold(go->owner.user);
	}
	group_end_task(group, slot, done->status, MUSTER_TASK_DONE);
	group_unlock_serve(group);
	return 0;
}

static bool group_may_end(struct muster_group *group, struct group_owner *go, u64 number)
{
	bool may;

	spin_lock(&group->object.lock);
	may = group_slot_of(group, go, number);
	spin_unlock(&group->object.lock);
	return may;
}

/* With a result, the reference to which is the slot's on success. */
static int group_done_charge(struct muster_group *group, struct group_owner *go,
			     const struct muster_group_done *done,
			     struct muster_result *result)
{
	struct muster_user *user = go->owner.user;
	int err;

	/* Nothing goes for what is refused. */
	if (!group_may_end(group, go, done->slot))
		return -EPERM;
	if (!muster_make_room(user, MUSTER_RES_BYTES, result->len))
		return -ENOBUFS;
	err = group_done_owner(group, go, done, result);
	if (err)
		muster_uncharge(user, MUSTER_RES_BYTES, result->len);
	return err;
}

static int group_done_result(struct muster_group *group, struct group_owner *go,
			     const struct muster_group_done *done)
{
	struct muster_result *result;
	int err;

	result = muster_result_get(done->data, done->data_len, NULL);
	if (IS_ERR(result))
		return PTR_ERR(result);
	if (!result)
		return group_done_owner(group, go, done, NULL);
	err = group_done_charge(group, go, done, result);
	if (err)
		muster_result_put(result);
	return err;
}

static int group_done(const struct muster_request *req, struct muster_group_done *done)
{
	struct muster_owner *owner;
	int err;

	if (done->flags || done->__reserved)
		return -EINVAL;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = group_done_result(to_group(req->mfile->object), to_group_owner(owner), done);
	muster_owner_put(owner);
	return err;
}

/* ---- waiting for tasks ---- */

static int group_wait_ticket(const struct muster_request *req,
			     const struct muster_group_wait *wait)
{
	struct muster_waiter *waiter;
	struct group_waiter *gw;

	waiter = muster_ticket_create(req, sizeof(*gw), group_leave, wait->flags,
				      wait->deadline);
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	gw = to_group_waiter(waiter);
	INIT_LIST_HEAD(&gw->slots);
	gw->until = wait->until;
	gw->successes = wait->successes;
	return muster_ticket_issue(waiter, group_enter_wait(to_group(req->mfile->object),
							    gw, false));
}

static int group_wait_owner(const struct muster_request *req,
			    struct muster_group_wait *wait, struct muster_owner *owner)
{
	struct group_waiter gw = { .until = wait->until, .successes = wait->successes };
	struct muster_deadline until;
	int err;

	muster_deadline_set(&until, req, wait->flags, wait->deadline);
	muster_waiter_init(&gw.waiter, owner, group_leave);
	err = group_enter_wait(to_group(req->mfile->object), &gw, until.nonblock);
	if (err == MUSTER_QUEUED)
		err = muster_wait(&gw.waiter, &until);
	else
		muster_owner_put(owner);
	if (err)
		return err;
	wait->met = group_is_met(&gw.counts, wait->until, wait->successes);
	wait->status = gw.counts.status;
	wait->slot = gw.counts.slot;
	wait->pending = gw.counts.pending;
	wait->succeeded = gw.counts.succeeded;
	wait->failed = gw.counts.failed;
	wait->died = gw.counts.died;
	return muster_reply(req, wait, met);
}

static int group_wait(const struct muster_request *req, struct muster_group_wait *wait)
{
	bool counts = wait->until == MUSTER_UNTIL_SUCCESSES ||
		      wait->until == MUSTER_UNTIL_COUNT;
	struct muster_owner *owner;
	int err;

	if (!muster_wait_flags_ok(wait->flags, 0) || wait->until > MUSTER_UNTIL_COUNT ||
	    counts != !!wait->successes)
		return -EINVAL;
	if (wait->flags & MUSTER_WAIT_TICKET)
		return group_wait_ticket(req, wait);
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = group_wait_owner(req, wait, owner);
	muster_owner_put(owner);
	return err;
}

/* ---- the whole ---- */

static int group_result(const struct muster_request *req, struct muster_group_result *args)
{
	struct muster_group *group = to_group(req->mfile->object);
	struct muster_result *result;
	struct group_slot *slot;
	size_t fits;
	int err = 0;

	if (args->flags)
		return -EINVAL;
	spin_lock(&group->object.lock);
	slot = group_slot_find(group, args->slot);
	if (!slot) {
		spin_unlock(&group->object.lock);
		return -ENOENT;
	}
	result = slot->result;
	if (result)
		refcount_inc(&result->refs);
	args->slot = slot->number;
	args->result_len = result ? result->len : 0;
	args->state = slot->state;
	args->status = slot->status;
	args->pid = pid_vnr(slot->pid);
	args->order = slot->order;
	spin_unlock(&group->object.lock);

	fits = min_t(u64, args->result_len, args->buf_len);
	if (fits && copy_to_user(u64_to_user_ptr(args->buf), result->data, fits))
		err = -EFAULT;
	muster_result_put(result);
	return err ?: muster_reply(req, args, slot);
}

static int group_cancel(const struct muster_request *req, struct muster_group_cancel *cancel)
{
	struct muster_group *group = to_group(req->mfile->object);

	if (cancel->flags)
		return -EINVAL;
	spin_lock(&group->object.lock);
	group_set_cancelled(group);
	group_unlock_serve(group);
	return 0;
}

static void group_free_slots(struct rb_root *slots)
{
	struct group_slot *slot, *next;

	rbtree_postorder_for_each_entry_safe(slot, next, slots, by_number) {
		group_slot_free(slot);
		cond_resched();
	}
}

static int group_reset(const struct muster_request *req, struct muster_group_cancel *reset)
{
	struct muster_group *group = to_group(req->mfile->object);
	struct rb_root slots;

	if (reset->flags)
		return -EINVAL;
	spin_lock(&group->object.lock);
	do {
		/* Those that are about to be let in or out are to be told how it was. */
		group_unlock_serve(group);
		spin_lock(&group->object.lock);
	} while (group_has_work(group));
	if (group->counts.pending) {
		spin_unlock(&group->object.lock);
		return -EBUSY;
	}
	trace_muster_group_reset(group);
	slots = group->slots;
	group->slots = RB_ROOT;
	group->newest = NULL;
	group->counts = (struct group_counts){};
	group->cancelled = false;
	spin_unlock(&group->object.lock);
	group_free_slots(&slots);
	return 0;
}

static void group_list(struct muster_group *group, struct muster_roster *roster)
{
	struct group_owner *go;

	lockdep_assert_held(&group->object.lock);

	list_for_each_entry(go, &group->owners, holding) {
		if (!muster_roster_add(roster, &go->owner, MUSTER_PROCESS_HOLDER,
				       go->nr_slots, go->since))
			return;
	}
}

/* As struct muster_open has it: 0 for any number. */
static u32 group_limit(const struct muster_group *group)
{
	return group->limit == U32_MAX ? 0 : group->limit;
}

static int group_stat(const struct muster_request *req, struct muster_group_stat *stat)
{
	struct muster_group *group = to_group(req->mfile->object);
	struct muster_roster roster;
	int err;

	if (stat->flags || stat->__reserved)
		return -EINVAL;
	err = muster_roster_alloc(&roster, stat->processes, stat->nr_processes);
	if (err)
		return err;

	spin_lock(&group->object.lock);
	stat->options = group->object.options;
	stat->limit = group_limit(group);
	stat->pending = group->counts.pending;
	stat->succeeded = group->counts.succeeded;
	stat->failed = group->counts.failed;
	stat->died = group->counts.died;
	stat->cancelled = group->cancelled;
	stat->status = group->counts.status;
	stat->slot = group->counts.slot;
	stat->adders = group->nr_adders;
	stat->waiters = group->nr_waits + group->nr_patient;
	stat->nr_processes = group->nr_owners;
	group_list(group, &roster);
	spin_unlock(&group->object.lock);

	err = muster_roster_copy(&roster, stat->processes);
	if (!err)
		err = muster_reply(req, stat, options);
	muster_roster_free(&roster);
	return err;
}

MUSTER_HANDLER(group_add_ioctl, struct muster_group_add, deadline)
MUSTER_HANDLER(group_claim, struct muster_group_claim, slot)
MUSTER_HANDLER(group_done, struct muster_group_done, __reserved)
MUSTER_HANDLER(group_wait, struct muster_group_wait, deadline)
MUSTER_HANDLER(group_result, struct muster_group_result, buf_len)
MUSTER_HANDLER(group_cancel, struct muster_group_cancel, flags)
MUSTER_HANDLER(group_reset, struct muster_group_cancel, flags)
MUSTER_HANDLER(group_stat, struct muster_group_stat, flags)

static const struct muster_command group_commands[] = {
	{ MUSTER_GROUP_ADD, group_add_ioctl_run },
	{ MUSTER_GROUP_CLAIM, group_claim_run },
	{ MUSTER_GROUP_DONE, group_done_run },
	{ MUSTER_GROUP_WAIT, group_wait_run },
	{ MUSTER_GROUP_RESULT, group_result_run },
	{ MUSTER_GROUP_CANCEL, group_cancel_run },
	{ MUSTER_GROUP_RESET, group_reset_run },
	{ MUSTER_GROUP_STAT, group_stat_run },
};

/* ---- the type ---- */

static int group_init(struct muster_object *object, const struct muster_open *how)
{
	struct muster_group *group = to_group(object);

	if (how->limit > INT_MAX || how->initial)
		return -EINVAL;
	group->limit = how->limit ?: U32_MAX;
	group->slots = RB_ROOT;
	group->by_count = RB_ROOT_CACHED;
	group->patient = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&group->adders);
	INIT_LIST_HEAD(&group->all);
	INIT_LIST_HEAD(&group->failure);
	INIT_LIST_HEAD(&group->owners);
	return 0;
}

static bool group_matches(struct muster_object *object, const struct muster_open *how)
{
	return !how->limit || how->limit == group_limit(to_group(object));
}

static void group_destroy(struct muster_object *object)
{
	struct muster_group *group = to_group(object);

	WARN_ON_ONCE(group->counts.pending || group->nr_owners);
	WARN_ON_ONCE(group->nr_adders || group->nr_waits || group->nr_patient);
	group_free_slots(&group->slots);
}

static void group_owner_init(struct muster_owner *owner)
{
	INIT_LIST_HEAD(&to_group_owner(owner)->slots);
}

/* Its tasks have ended with the process (G2). */
static void group_owner_drop(struct muster_owner *owner)
{
	struct muster_group *group = to_group(muster_owner_object(owner));
	struct group_owner *go = to_group_owner(owner);
	bool died = false, more;
	u32 n;

	do {
		spin_lock(&group->object.lock);
		/* A dead one gets no more. */
		if (go->nr_slots && !died)
			muster_count(&group->object.totals->deaths);
		died = true;
		for (n = 0; n < MUSTER_BATCH && go->nr_slots; n++)
			group_end_task(group, list_first_entry(&go->slots, struct group_slot,
							       in_owner),
				       -EOWNERDEAD, MUSTER_TASK_DIED);
		more = go->nr_slots;
		group_unlock_serve(group);
	} while (more);
}

static __poll_t group_poll(struct muster_object *object)
{
	struct muster_group *group = to_group(object);
	__poll_t ready = 0;

	spin_lock(&object->lock);
	if (!group_nr_left(group))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (group->cancelled)
		ready |= EPOLLPRI;
	spin_unlock(&object->lock);
	return ready;
}

/* Callers and tickets that wait, for whatever it is. */
static u32 group_nr_waiting(const struct muster_group *group)
{
	lockdep_assert_held(&group->object.lock);

	return group->nr_adders + group->nr_waits + group->nr_patient;
}

static void group_count(struct muster_object *object, struct muster_entry *entry)
{
	struct muster_group *group = to_group(object);

	spin_lock(&object->lock);
	entry->limit = group_limit(group);
	entry->used = group->counts.pending;
	entry->kept = group->counts.succeeded + group->counts.failed;
	entry->waiters = group_nr_waiting(group);
	spin_unlock(&object->lock);
}

static u64 group_held(struct muster_owner *owner)
{
	return to_group_owner(owner)->nr_slots;
}

static void group_fdinfo(struct muster_object *object, struct seq_file *m)
{
	struct muster_group *group = to_group(object);
	struct group_counts counts;
	bool cancelled;
	u32 waiters;

	spin_lock(&object->lock);
	counts = group->counts;
	cancelled = group->cancelled;
	waiters = group_nr_waiting(group);
	spin_unlock(&object->lock);
	seq_printf(m, "muster-limit:\t%u\n", group_limit(group));
	seq_printf(m, "muster-waiters:\t%u\n", waiters);
	seq_printf(m, "muster-pending:\t%u\n", counts.pending);
	seq_printf(m, "muster-succeeded:\t%u\n", counts.succeeded);
	seq_printf(m, "muster-failed:\t%u\n", counts.failed);
	seq_printf(m, "muster-died:\t%u\n", counts.died);
	seq_printf(m, "muster-cancelled:\t%d\n", cancelled);
}

static void group_verdict(const struct muster_waiter *waiter,
			  struct muster_verdict *verdict)
{
	const struct group_waiter *gw = container_of(waiter, struct group_waiter, waiter);

	if (verdict->error)
		return;
	verdict->token = gw->nr_slots ? gw->first : gw->counts.slot;
	verdict->status = gw->counts.status;
	if (!gw->nr_slots && group_is_met(&gw->counts, gw->until, gw->successes))
		verdict->outcome = MUSTER_OUTCOME_MET;
}

static void group_waiter_end(struct muster_waiter *waiter)
{
	group_slots_free(&to_group_waiter(waiter)->slots);
}

const struct muster_type muster_group_type = {
	.name = "group",
	.id = MUSTER_GROUP,
	.object_size = sizeof(struct muster_group),
	.owner_size = sizeof(struct group_owner),
	.options = MUSTER_GROUP_KEEP_GOING,
	.commands = group_commands,
	.nr_commands = ARRAY_SIZE(group_commands),
	.init = group_init,
	.matches = group_matches,
	.destroy = group_destroy,
	.owner_init = group_owner_init,
	.owner_drop = group_owner_drop,
	.poll = group_poll,
	.held = group_held,
	.fdinfo = group_fdinfo,
	.count = group_count,
	.verdict = group_verdict,
	.waiter_end = group_waiter_end,
};
