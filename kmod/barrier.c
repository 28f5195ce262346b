// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a barrier. See barrier.h.
 */
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "barrier.h"
#include "trace.h"

/* ---- ioctls ---- */

/*
 * The owner cannot run the action: it is dead, or never learned of it. By then it may
 * run that of a later generation, if somebody has reset the barrier: another @token.
 */
static bool barrier_runner_lost(struct muster_barrier *barrier, struct barrier_owner *bo,
				u64 token)
{
	struct barrier_exit exit;
	bool lost;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	lost = barrier->runner == bo && (!token || barrier->token == token);
	if (lost)
		barrier_break_acting(barrier, MUSTER_BROKEN_DEATH, 0, bo->owner.pid,
				     &exit);
	/* And who is broken by a death finds the seat free. */
	if (lost && bo->owner.dead)
		barrier_give_up_seats(barrier, bo, 0, &exit);
	barrier_unlock(barrier, &exit);
	return lost;
}

static int barrier_await_reply(const struct muster_request *req,
			       struct muster_barrier_await *await,
			       const struct barrier_pass *pass)
{
	await->generation = pass->generation;
	await->token = pass->token;
	await->index = pass->index;
	await->outcome = pass->outcome;
	await->status = pass->end.status;
	await->broken_by = pass->end.broken_by;
	await->arrived = pass->end.arrived;
	await->parties = pass->end.parties;
	return muster_reply(req, await, generation);
}

static int barrier_await_owner(const struct muster_request *req,
			       struct muster_barrier_await *await,
			       const struct muster_deadline *until,
			       struct muster_owner *owner)
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);
	struct barrier_waiter bw = {};
	int err, fault;

	err = barrier_wait(barrier, owner, &bw, until);
	/* Broken by its own death, as far as others are concerned: another thread's. */
	if (err == -EPIPE && bw.pass.end.broken_by == MUSTER_BROKEN_DEATH &&
	    bw.pass.end.by == owner->pid && READ_ONCE(owner->dead))
		err = -EBADF;
	if (err && err != -EPIPE)
		return err;
	fault = barrier_await_reply(req, await, &bw.pass);
	if (bw.pass.outcome & MUSTER_OUTCOME_ACTION &&
	    (fault || READ_ONCE(owner->dead))) {
		barrier_runner_lost(barrier, to_barrier_owner(owner), bw.pass.token);
		return fault ?: -EBADF;
	}
	return fault ?: err;
}

static int barrier_await_ticket(const struct muster_request *req,
				const struct muster_barrier_await *await)
{
	struct muster_deadline until;
	struct muster_waiter *waiter;
	int err;

	waiter = muster_ticket_create(req, sizeof(struct barrier_waiter), barrier_leave,
				      await->flags, await->deadline);
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	muster_deadline_set(&until, req, await->flags, await->deadline);
	until.nonblock = false;
	err = barrier_enter(to_barrier(req->mfile->object), to_barrier_waiter(waiter),
			    req->mfile, &until);
	return muster_ticket_issue(waiter, err);
}

static int barrier_await(const struct muster_request *req,
			 struct muster_barrier_await *await)
{
	struct muster_deadline until;
	struct muster_owner *owner;
	int err;

	if (!muster_wait_flags_ok(await->flags, 0))
		return -EINVAL;
	if (await->flags & MUSTER_WAIT_TICKET)
		return barrier_await_ticket(req, await);
	/* Who has arrived cannot be taken back: find a bad pointer before (T4). */
	err = muster_reply(req, await, generation);
	if (err)
		return err;
	muster_deadline_set(&until, req, await->flags, await->deadline);
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = barrier_await_owner(req, await, &until, owner);
	muster_owner_put(owner);
	return err;
}

static int barrier_complete_locked(struct muster_barrier *barrier,
				   struct muster_owner *owner,
				   const struct muster_barrier_complete *complete,
				   struct barrier_exit *exit)
{
	static const struct barrier_end tripped;
	struct barrier_owner *bo;

	lockdep_assert_held(&barrier->object.lock);

	if (!owner)
		return -EPERM;
	bo = to_barrier_owner(owner);
	if (!bo->token || bo->token != complete->token)
		return -EPERM;
	bo->token = 0;
	if (barrier->runner != bo || barrier->token != complete->token)
		return -EPIPE;
	if (complete->status) {
		barrier_break_acting(barrier, MUSTER_BROKEN_ACTION, complete->status,
				     owner->pid, exit);
		return 0;
	}
	barrier_tripped(barrier, owner);
	barrier_end_acting(barrier, &tripped, exit);
	barrier->generation++;
	return 0;
}

static int barrier_complete(const struct muster_request *req,
			    struct muster_barrier_complete *complete)
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);
	struct barrier_exit exit;
	int err;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	err = barrier_complete_locked(barrier, muster_owner_find(req->mfile), complete,
				      &exit);
	barrier_unlock_form(barrier, &exit);
	return err;
}

static int barrier_reset(const struct muster_request *req,
			 struct muster_barrier_reset *reset)
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);
	struct barrier_exit exit;
	struct pid *pid;

	if (reset->flags)
		return -EINVAL;
	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	if (barrier->runner)
		barrier_break_acting(barrier, MUSTER_BROKEN_RESET, 0, NULL, &exit);
	else
		barrier_break_queue(barrier, MUSTER_BROKEN_RESET, barrier->nr_queued, NULL,
				    &exit);
	barrier->broken = (struct barrier_end){};
	pid = barrier->broken_pid;
	barrier->broken_pid = NULL;
	barrier->generation++;
	trace_muster_barrier_reset(barrier, NULL);
	barrier_unlock(barrier, &exit);
	put_pid(pid);
	return 0;
}

/* ---- how many parties ---- */

static int barrier_set_parties(const struct muster_request *req,
			       struct muster_barrier_set_parties *set)
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);
	struct barrier_exit exit;
	int err;

	if (set->flags || set->__reserved || !set->parties || set->parties > INT_MAX ||
	    barrier_has_members(barrier))
		return -EINVAL;
	set->__pad = 0;
	/* The result is written first, so that a fault changes nothing. */
	spin_lock(&barrier->object.lock);
	do {
		set->old_parties = barrier->parties;
		spin_unlock(&barrier->object.lock);
		err = muster_reply(req, set, old_parties);
		if (err)
			return err;
		spin_lock(&barrier->object.lock);
	} while (set->old_parties != barrier->parties);

	barrier_exit_init(&exit);
	barrier->parties = set->parties;
	trace_muster_barrier_parties(barrier, NULL);
	barrier_unlock_form(barrier, &exit);
	return 0;
}

/* Takes seats that are free, and adds the rest. */
static int barrier_sit(struct muster_barrier *barrier, struct barrier_owner *bo, u32 n)
{
	u32 parties = max(barrier->parties, barrier->seats + n);

	lockdep_assert_held(&barrier->object.lock);

	if (!muster_owner_use(&bo->owner))
		return -EBADF;
	if (n > INT_MAX - barrier->seats)
		return -ERANGE;
	if (!bo->seats) {
		list_add_tail(&bo->member, &barrier->missing);
		barrier->nr_missing++;
		bo->entered = barrier->token;
	}
	bo->seats += n;
	barrier->seats += n;
	barrier->parties = parties;
	barrier_sort_member(barrier, bo);
	trace_muster_member_entered(barrier, &bo->owner, n);
	return 0;
}

/* Gives up seats whose parties have not arrived. */
static int barrier_stand_up(struct muster_barrier *barrier, struct barrier_owner *bo, u32 n)
{
	lockdep_assert_held(&barrier->object.lock);

	/* Its seats go otherwise. */
	if (bo->owner.dead)
		return -EBADF;
	if (n > bo->seats)
		return -EPERM;
	if (!barrier_has_free(barrier, bo, n))
		return -EBUSY;
	/* A generation whose action runs is not touched by who leaves. */
	if (barrier_acts(barrier, bo))
		bo->acted = barrier->token;
	bo->seats -= n;
	barrier->seats -= n;
	barrier->parties -= n;
	barrier_sort_member(barrier, bo);
	trace_muster_member_left(barrier, &bo->owner, n);
	return 0;
}

static int barrier_member(const struct muster_request *req,
			  struct muster_barrier_member *member,
			  int (*change)(struct muster_barrier *, struct barrier_owner *, u32))
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);
	struct muster_owner *owner;
	struct barrier_exit exit;
	int err;

	if (member->flags || !member->seats || member->seats > INT_MAX ||
	    member->__reserved || !barrier_has_members(barrier))
		return -EINVAL;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	err = change(barrier, to_barrier_owner(owner), member->seats);
	barrier_unlock_form(barrier, &exit);
	muster_owner_put(owner);
	return err;
}

static int barrier_join(const struct muster_request *req,
			struct muster_barrier_member *member)
{
	return barrier_member(req, member, barrier_sit);
}

static int barrier_quit(const struct muster_request *req,
			struct muster_barrier_member *member)
{
	return barrier_member(req, member, barrier_stand_up);
}

/* ---- looking ---- */

/* Lists members whose parties have not all arrived. */
static void barrier_list_missing(struct muster_barrier *barrier,
				 struct muster_roster *roster)
{
	struct barrier_owner *bo;
	u32 missing;

	list_for_each_entry(bo, &barrier->missing, member) {
		missing = bo->seats - barrier_nr_arrived(barrier, bo);
		if (!muster_roster_add(roster, &bo->owner, MUSTER_PROCESS_MISSING,
				       missing, get_jiffies_64()))
			return;
	}
}

/* Lists those who wait, then the runner. How many there are is counted apart. */
static void barrier_list(struct muster_barrier *barrier, struct muster_roster *roster)
{
	struct muster_waiter *waiter;

	lockdep_assert_held(&barrier->object.lock);

	list_for_each_entry(waiter, &barrier->acting, node) {
		if (!muster_roster_add(roster, waiter->owner, MUSTER_PROCESS_WAITER, 1,
				       waiter->since))
			return;
	}
	list_for_each_entry(waiter, &barrier->queue, node) {
		if (!muster_roster_add(roster, waiter->owner, MUSTER_PROCESS_WAITER, 1,
				       waiter->since))
			return;
	}
	if (barrier->runner)
		muster_roster_add(roster, &barrier->runner->owner, MUSTER_PROCESS_HOLDER,
				  1, barrier->run_since);
	barrier_list_missing(barrier, roster);
}

static int barrier_stat(const struct muster_request *req,
			struct muster_barrier_stat *stat)
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);
	struct muster_roster roster;
	int err;

	if (stat->flags || stat->__reserved)
		return -EINVAL;
	err = muster_roster_alloc(&roster, stat->processes, stat->nr_processes);
	if (err)
		return err;

	spin_lock(&barrier->object.lock);
	stat->options = barrier->object.options;
	stat->parties = barrier->parties;
	stat->generation = barrier->generation;
	stat->waiting = barrier->nr_acting + barrier->nr_queued;
	stat->broken_by = barrier->broken.broken_by;
	stat->broken_pid = pid_vnr(barrier->broken_pid);
	stat->status = barrier->broken.status;
	stat->arrived = barrier->broken.arrived;
	stat->acting = !!barrier->runner;
	stat->seats = barrier->seats;
	stat->__pad = 0;
	stat->lost = barrier->lost;
	stat->nr_processes = stat->waiting + stat->acting + barrier->nr_missing;
	barrier_list(barrier, &roster);
	spin_unlock(&barrier->object.lock);

	err = muster_roster_copy(&roster, stat->processes);
	if (!err)
		err = muster_reply(req, stat, options);
	muster_roster_free(&roster);
	return err;
}

MUSTER_HANDLER(barrier_await, struct muster_barrier_await, deadline)
MUSTER_HANDLER(barrier_complete, struct muster_barrier_complete, token)
MUSTER_HANDLER(barrier_reset, struct muster_barrier_reset, flags)
MUSTER_HANDLER(barrier_stat, struct muster_barrier_stat, flags)
MUSTER_HANDLER(barrier_set_parties, struct muster_barrier_set_parties, __reserved)
MUSTER_HANDLER(barrier_join, struct muster_barrier_member, __reserved)
MUSTER_HANDLER(barrier_quit, struct muster_barrier_member, __reserved)

static const struct muster_command barrier_commands[] = {
	{ MUSTER_BARRIER_AWAIT, barrier_await_run },
	{ MUSTER_BARRIER_COMPLETE, barrier_complete_run },
	{ MUSTER_BARRIER_RESET, barrier_reset_run },
	{ MUSTER_BARRIER_STAT, barrier_stat_run },
	{ MUSTER_BARRIER_SET_PARTIES, barrier_set_parties_run },
	{ MUSTER_BARRIER_ENTER, barrier_join_run },
	{ MUSTER_BARRIER_LEAVE, barrier_quit_run },
};

/* ---- the type ---- */

static int barrier_init(struct muster_object *object, const struct muster_open *how)
{
	struct muster_barrier *barrier = to_barrier(object);
	bool members = barrier_has_members(barrier);

	if (how->limit > INT_MAX || how->initial || (!how->limit && !members) ||
	    (how->options & MUSTER_BARRIER_SHRINK && !members))
		return -EINVAL;
	barrier->parties = how->limit;
	barrier->opened = how->limit;
	INIT_LIST_HEAD(&barrier->queue);
	INIT_LIST_HEAD(&barrier->acting);
	INIT_LIST_HEAD(&barrier->missing);
	INIT_LIST_HEAD(&barrier->there);
	barrier_mark_reset(barrier);
	/* No owner has arrived in this one yet. */
	barrier->round = 1;
	return 0;
}

static bool barrier_matches(struct muster_object *object, const struct muster_open *how)
{
	struct muster_barrier *barrier = to_barrier(object);
	u32 parties;

	spin_lock(&object->lock);
	parties = barrier_has_members(barrier) ? barrier->opened : barrier->parties;
	spin_unlock(&object->lock);
	return !how->limit || how->limit == parties;
}

static void barrier_destroy(struct muster_object *object)
{
	struct muster_barrier *barrier = to_barrier(object);

	WARN_ON_ONCE(!list_empty(&barrier->queue) || barrier->nr_queued);
	WARN_ON_ONCE(!list_empty(&barrier->acting) || barrier->runner);
	WARN_ON_ONCE(!list_empty(&barrier->missing) || !list_empty(&barrier->there));
	WARN_ON_ONCE(barrier->nr_missing || barrier->seats);
	put_pid(barrier->broken_pid);
}

/* The member that a ticket runs the action for, if that is about to die, too; else NULL. */
static struct barrier_owner *barrier_heir(struct muster_barrier *barrier,
					  struct barrier_owner *bo)
{
	struct muster_ticket *ticket = bo->owner.mfile->ticket;
	struct muster_waiter *waiter = ticket ? muster_ticket_any_waiter(ticket) : NULL;

	if (!waiter || waiter->owner != &bo->owner)
		return NULL;
	return barrier_dying_member(barrier, to_barrier_waiter(waiter));
}

/*
 * With it goes the generation whose action it runs; and that whose action one of its parties
 * waits for, unless the barrier shrinks.
 */
static bool barrier_lose_action(struct muster_barrier *barrier, struct barrier_owner *bo,
				struct barrier_exit *exit)
{
	bool shrinks = barrier->object.options & MUSTER_BARRIER_SHRINK;
	struct barrier_owner *heir;

	lockdep_assert_held(&barrier->object.lock);

	if (barrier->runner == bo) {
		heir = barrier_heir(barrier, bo);
		if (heir) {
			barrier->runner = heir;
			return false;
		}
	} else if (shrinks || !barrier_acts(barrier, bo)) {
		return false;
	}
	barrier_break_acting(barrier, MUSTER_BROKEN_DEATH, 0, bo->owner.pid, exit);
	return true;
}

/*
 * A member is dead: its seats go, and what it has not arrived at breaks, or shrinks (B6).
 * Whether it had any, or broke an action.
 */
static bool barrier_drop_member(struct muster_barrier *barrier, struct barrier_owner *bo)
{
	struct barrier_exit exit;
	u32 refused, n;
	bool acted;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	refused = barrier_refuse(barrier, bo, &exit);
	for (n = refused; n == MUSTER_BATCH; refused += n) {
		barrier_unlock(barrier, &exit);
		barrier_exit_init(&exit);
		spin_lock(&barrier->object.lock);
		n = barrier_refuse(barrier, bo, &exit);
	}
	refused += barrier_nr_gone(barrier, bo);
	acted = barrier_lose_action(barrier, bo, &exit);
	barrier_give_up_seats(barrier, bo, barrier->nr_queued + refused, &exit);
	barrier_unlock_form(barrier, &exit);
	return acted || bo->lost;
}

/*
 * Does the process of the caller, which is closing its files, die by a signal? That of its
 * threads which is the last to close them may have been ending by itself.
 */
static bool barrier_dies_by_signal(void)
{
	const struct signal_struct *signal = current->signal;

	return current->flags & PF_EXITING && READ_ONCE(signal->flags) & SIGNAL_GROUP_EXIT &&
	       READ_ONCE(signal->group_exit_code) & 0x7f;
}

/* It has left for a signal, its tracer let that through, and so it has died (B3). */
static void barrier_drop_doubt(struct muster_barrier *barrier, struct barrier_owner *bo)
{
	struct barrier_exit exit;

	if (!barrier_dies_by_signal())
		return;
	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	if (barrier_has_doubt(barrier, bo))
		barrier_break_queue(barrier, MUSTER_BROKEN_DEATH, barrier->nr_queued,
				    bo->owner.pid, &exit);
	barrier_unlock(barrier, &exit);
}

static void barrier_owner_drop(struct muster_owner *owner)
{
	struct muster_barrier *barrier = to_barrier(muster_owner_object(owner));
	struct barrier_owner *bo = to_barrier_owner(owner);
	bool held;

	if (barrier_has_members(barrier)) {
		held = barrier_drop_member(barrier, bo);
	} else {
		held = barrier_runner_lost(barrier, bo, 0);
		barrier_drop_doubt(barrier, bo);
	}
	if (held)
		muster_count(&barrier->object.totals->deaths);
}

static __poll_t barrier_poll(struct muster_object *object)
{
	struct muster_barrier *barrier = to_barrier(object);
	bool broken;

	spin_lock(&object->lock);
	broken = barrier->broken.broken_by;
	spin_unlock(&object->lock);
	return broken ? EPOLLIN | EPOLLRDNORM | EPOLLERR : 0;
}

static void barrier_verdict(const struct muster_waiter *waiter,
			    struct muster_verdict *verdict)
{
	const struct barrier_waiter *bw = container_of(waiter, struct barrier_waiter, waiter);

	verdict->generation = bw->pass.generation;
	verdict->token = bw->pass.token;
	verdict->index = bw->pass.index;
	verdict->outcome = bw->pass.outcome;
	verdict->status = bw->pass.end.status;
	verdict->broken_by = bw->pass.end.broken_by;
	verdict->arrived = bw->pass.end.arrived;
	verdict->parties = bw->pass.end.parties;
}

static void barrier_count(struct muster_object *object, struct muster_entry *entry)
{
	struct muster_barrier *barrier = to_barrier(object);

	spin_lock(&object->lock);
	entry->limit = barrier->parties;
	entry->waiters = barrier->nr_acting + barrier->nr_queued;
	entry->used = entry->waiters;
	spin_unlock(&object->lock);
}

static u64 barrier_held(struct muster_owner *owner)
{
	struct barrier_owner *bo = to_barrier_owner(owner);
	struct muster_barrier *barrier = to_barrier(muster_owner_object(owner));

	return bo->seats + (barrier->runner == bo);
}

static void barrier_fdinfo(struct muster_object *object, struct seq_file *m)
{
	struct muster_barrier *barrier = to_barrier(object);
	u32 parties, waiting, broken_by, seats, missing;
	u64 generation;
	bool acting;

	spin_lock(&object->lock);
	parties = barrier->parties;
	acting = barrier->runner;
	seats = barrier->seats;
	missing = barrier->nr_missing;
	generation = barrier->generation;
	waiting = barrier->nr_acting + barrier->nr_queued;
	broken_by = barrier->broken.broken_by;
	spin_unlock(&object->lock);
	seq_printf(m, "muster-parties:\t%u\n", parties);
	seq_printf(m, "muster-waiters:\t%u\n", waiting);
	seq_printf(m, "muster-generation:\t%llu\n", generation);
	seq_printf(m, "muster-acting:\t%d\n", acting);
	seq_printf(m, "muster-broken:\t%u\n", broken_by);
	seq_printf(m, "muster-seats:\t%u\n", seats);
	seq_printf(m, "muster-missing:\t%u\n", missing);
}

const struct muster_type muster_barrier_type = {
	.name = "barrier",
	.id = MUSTER_BARRIER,
	.object_size = sizeof(struct muster_barrier),
	.owner_size = sizeof(struct barrier_owner),
	.options = MUSTER_BARRIER_ACTION | MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK,
	.commands = barrier_commands,
	.nr_commands = ARRAY_SIZE(barrier_commands),
	.init = barrier_init,
	.matches = barrier_matches,
	.destroy = barrier_destroy,
	.owner_drop = barrier_owner_drop,
	.poll = barrier_poll,
	.held = barrier_held,
	.fdinfo = barrier_fdinfo,
	.count = barrier_count,
	.verdict = barrier_verdict,
};
