// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cyclic barrier (B1 to B5, B7)
 *
 * Those who arrive stand in a queue. As soon as the first @parties of them are
 * there they form a generation. Without an action it trips at once: they all
 * leave. With one, they stand in @acting while the last of them, the runner, is
 * away to run the action; meanwhile arrivals queue for the next generation.
 *
 *	queue  --form-->  acting  --complete-->  gone	with an action
 *	queue  --form------------------------->  gone	without
 *
 * Arrivals are numbered, and whoever is taken out of the queue is at its head: a
 * generation is the front of the queue, and breaking takes all. So two numbers
 * tell where a waiter is, and no waiter is touched to take many out: from
 * @queue_from on they are in the queue, from @acting_from to @acting_to they act
 * while there is a runner, and all others are on their way out and too late if
 * they want to leave.
 *
 * What breaks the queue leaves an earlier generation, that is acting, alone, and
 * a COMPLETE concerns the generation whose token it has, so nothing ever frees or
 * breaks any other generation than its own.
 *
 * Locking: everything is guarded by the object's lock.
 */
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "muster.h"

/**
 * struct barrier_end - how a generation ended
 * @verdict:	0 if it tripped, else -EPIPE
 * @broken_by:	MUSTER_BROKEN_*
 * @status:	what the action said
 * @arrived:	how many had arrived
 */
struct barrier_end {
	int verdict;
	u32 broken_by;
	s32 status;
	u32 arrived;
};

/**
 * struct muster_barrier - a barrier
 * @object:	the core's part
 * @parties:	how many it takes
 * @generation:	number of the generation that forms, or is acting
 * @token:	of the latest generation that formed (W4)
 * @arrivals:	how many ever arrived: the number of the next
 * @queue_from:	arrivals from this one on are in @queue
 * @acting_from: the first arrival of the generation that is acting
 * @acting_to:	that of its runner, the last of it
 * @queue:	struct barrier_waiter of those who arrived, in order
 * @nr_queued:	how many
 * @acting:	struct barrier_waiter of the generation whose action runs
 * @nr_acting:	how many, without the runner
 * @runner:	who runs the action, NULL if none does
 * @run_since:	jiffies since when
 * @broken:	how it broke; @broken.broken_by is 0 while it is healthy
 * @broken_pid:	who broke it; a reference
 */
struct muster_barrier {
	struct muster_object object;
	u32 parties;
	u64 generation;
	u64 token;
	u64 arrivals;
	u64 queue_from;
	u64 acting_from;
	u64 acting_to;
	struct list_head queue;
	u32 nr_queued;
	struct list_head acting;
	u32 nr_acting;
	struct barrier_owner *runner;
	u64 run_since;
	struct barrier_end broken;
	struct pid *broken_pid;
};

/**
 * struct barrier_owner - a process that uses a barrier
 * @owner:	the core's part
 * @token:	of the action it was last given to run and has not completed, or 0
 */
struct barrier_owner {
	struct muster_owner owner;
	u64 token;
};

/**
 * struct barrier_pass - what one who leaves is told
 * @generation:	its generation
 * @token:	its token
 * @index:	arrival index
 * @outcome:	MUSTER_OUTCOME_ACTION or 0
 * @end:	how it ended
 */
struct barrier_pass {
	u64 generation;
	u64 token;
	u32 index;
	u32 outcome;
	struct barrier_end end;
};

/**
 * struct barrier_waiter - a thread that has arrived
 * @waiter:	the core's part
 * @arrival:	its number
 * @pass:	written by whoever takes it out
 */
struct barrier_waiter {
	struct muster_waiter waiter;
	u64 arrival;
	struct barrier_pass pass;
};

/**
 * struct barrier_taken - waiters on their way out
 * @list:	in order of arrival
 * @pass:	what they are told; the index is that of the first
 */
struct barrier_taken {
	struct list_head list;
	struct barrier_pass pass;
};

/**
 * struct barrier_exit - what is to be done once the lock is dropped
 * @acting:	a generation that is over
 * @queue:	those of the queue who leave
 * @runner:	a waiter who is to run the next action, or NULL
 */
struct barrier_exit {
	struct barrier_taken acting;
	struct barrier_taken queue;
	struct barrier_waiter *runner;
};

static struct muster_barrier *to_barrier(struct muster_object *object)
{
	return container_of(object, struct muster_barrier, object);
}

static struct barrier_owner *to_barrier_owner(struct muster_owner *owner)
{
	return container_of(owner, struct barrier_owner, owner);
}

static struct barrier_waiter *to_barrier_waiter(struct muster_waiter *waiter)
{
	return container_of(waiter, struct barrier_waiter, waiter);
}

/* ---- leaving ---- */

static void barrier_exit_init(struct barrier_exit *exit)
{
	*exit = (struct barrier_exit){};
	INIT_LIST_HEAD(&exit->acting.list);
	INIT_LIST_HEAD(&exit->queue.list);
}

static void barrier_settle(struct barrier_taken *taken)
{
	struct muster_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, &taken->list, node) {
		to_barrier_waiter(waiter)->pass = taken->pass;
		taken->pass.index--;
		waiter->verdict = taken->pass.end.verdict;
		muster_settle(waiter);
	}
}

/* Unlocks the barrier and lets those out who may leave. */
static void barrier_unlock(struct muster_barrier *barrier, struct barrier_exit *exit)
	__releases(&barrier->object.lock)
{
	bool broken = barrier->broken.broken_by;

	spin_unlock(&barrier->object.lock);
	if (exit->runner)
		muster_settle(&exit->runner->waiter);
	barrier_settle(&exit->acting);
	barrier_settle(&exit->queue);
	if (broken)
		muster_object_wake_poll(&barrier->object);
}

/* ---- state changes, under the lock ---- */

/* The generation that is acting is over. */
static void barrier_end_acting(struct muster_barrier *barrier,
			       const struct barrier_end *end, struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	list_splice_init(&barrier->acting, &exit->acting.list);
	exit->acting.pass = (struct barrier_pass){
		.generation = barrier->generation,
		.token = barrier->token,
		.index = barrier->parties - 1,
		.end = *end,
	};
	barrier->nr_acting = 0;
	barrier->runner = NULL;
}

/* Everybody in the queue leaves it. */
static void barrier_empty_queue(struct muster_barrier *barrier,
				const struct barrier_pass *pass,
				struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	list_splice_init(&barrier->queue, &exit->queue.list);
	exit->queue.pass = *pass;
	barrier->nr_queued = 0;
	barrier->queue_from = barrier->arrivals;
}

/* The queue breaks, and with it the barrier until a RESET; the first cause counts. */
static void barrier_break(struct muster_barrier *barrier, const struct barrier_end *end,
			  struct pid *pid, struct barrier_exit *exit)
{
	struct barrier_pass pass = { .end = *end };

	lockdep_assert_held(&barrier->object.lock);

	barrier_empty_queue(barrier, &pass, exit);
	if (barrier->broken.broken_by)
		return;
	barrier->broken = *end;
	barrier->broken_pid = get_pid(pid);
}

static void barrier_break_queue(struct muster_barrier *barrier, u32 broken_by,
				struct pid *pid, struct barrier_exit *exit)
{
	struct barrier_end end = {
		.verdict = -EPIPE,
		.broken_by = broken_by,
		.arrived = barrier->nr_queued,
	};

	barrier_break(barrier, &end, pid, exit);
}

/* The generation that is acting breaks, and whoever queues behind it. */
static void barrier_break_acting(struct muster_barrier *barrier, u32 broken_by,
				 s32 status, struct pid *pid, struct barrier_exit *exit)
{
	struct barrier_end end = {
		.verdict = -EPIPE,
		.broken_by = broken_by,
		.status = status,
		.arrived = barrier->parties,
	};

	barrier_end_acting(barrier, &end, exit);
	barrier_break(barrier, &end, pid, exit);
}

/*
 * The front of the queue, up to but not including arrival @to, is a generation. The
 * last of them is the runner, the others stand in @acting already.
 */
static void barrier_start_action(struct muster_barrier *barrier, struct barrier_owner *bo,
				 u64 to, struct barrier_pass *pass)
{
	lockdep_assert_held(&barrier->object.lock);

	barrier->nr_acting = barrier->parties - 1;
	barrier->acting_from = barrier->queue_from;
	barrier->acting_to = to - 1;
	barrier->queue_from = to;
	barrier->runner = bo;
	barrier->run_since = get_jiffies_64();
	bo->token = ++barrier->token;
	*pass = (struct barrier_pass){
		.generation = barrier->generation,
		.token = barrier->token,
		.outcome = MUSTER_OUTCOME_ACTION,
	};
}

/*
 * The last party has arrived, and does not wait: its generation trips, or it has
 * to run the action.
 */
static void barrier_form(struct muster_barrier *barrier, struct barrier_owner *bo,
			 struct barrier_pass *pass, struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	barrier->arrivals++;
	if (barrier->object.options & MUSTER_BARRIER_ACTION) {
		list_splice_init(&barrier->queue, &barrier->acting);
		barrier->nr_queued = 0;
		barrier_start_action(barrier, bo, barrier->arrivals, pass);
		return;
	}
	*pass = (struct barrier_pass){
		.generation = barrier->generation++,
		.token = ++barrier->token,
		.index = barrier->parties - 1,
	};
	barrier_empty_queue(barrier, pass, exit);
	pass->index = 0;
}

/*
 * A generation has tripped, and the next may be complete already: then its last
 * arrival, which waits, is to run the action.
 */
static void barrier_form_queued(struct muster_barrier *barrier, struct barrier_exit *exit)
{
	struct muster_waiter *last;
	struct barrier_waiter *bw;
	u32 n = 0;

	lockdep_assert_held(&barrier->object.lock);

	if (barrier->nr_queued < barrier->parties)
		return;
	list_for_each_entry(last, &barrier->queue, node) {
		if (++n == barrier->parties)
			break;
	}
	list_cut_position(&barrier->acting, &barrier->queue, &last->node);
	list_del(&last->node);
	barrier->nr_queued -= barrier->parties;

	bw = to_barrier_waiter(last);
	barrier_start_action(barrier, to_barrier_owner(last->owner), bw->arrival + 1,
			     &bw->pass);
	last->verdict = 0;
	exit->runner = bw;
}

/* ---- waiting ---- */

static bool barrier_is_acting(const struct muster_barrier *barrier, u64 arrival)
{
	return barrier->runner && arrival >= barrier->acting_from &&
	       arrival < barrier->acting_to;
}

/* To leave the queue for a signal, or by closing a ticket, harms nobody. */
static bool barrier_leaver_dies(int reason)
{
	if (reason == -ERESTARTSYS)
		return fatal_signal_pending(current);
	return reason != -ECANCELED;
}

/* A waiter wants to leave the queue, or the generation that it has completed. */
static enum muster_leave barrier_leave_locked(struct muster_barrier *barrier,
					      struct barrier_waiter *bw, int reason,
					      struct barrier_exit *exit)
{
	bool queued = bw->arrival >= barrier->queue_from;
	bool dies = barrier_leaver_dies(reason);
	u32 why = reason == -ETIMEDOUT ? MUSTER_BROKEN_TIMEOUT : MUSTER_BROKEN_DEATH;
	struct pid *pid = bw->waiter.owner->pid;

	lockdep_assert_held(&barrier->object.lock);

	if (!queued && !barrier_is_acting(barrier, bw->arrival))
		return MUSTER_SETTLED;
	/* A signal withdraws an arrival (B4), but not from a complete generation. */
	if (!queued && !dies && reason == -ERESTARTSYS)
		return MUSTER_STAY;
	list_del(&bw->waiter.node);
	if (!queued)
		barrier_break_acting(barrier, why, 0, pid, exit);
	else if (dies)
		barrier_break_queue(barrier, why, pid, exit);
	else
		barrier->nr_queued--;
	return MUSTER_LEFT;
}

static enum muster_leave barrier_leave(struct muster_waiter *waiter, int reason)
{
	struct muster_barrier *barrier = to_barrier(muster_owner_object(waiter->owner));
	struct barrier_exit exit;
	enum muster_leave leave;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	leave = barrier_leave_locked(barrier, to_barrier_waiter(waiter), reason, &exit);
	barrier_unlock(barrier, &exit);
	return leave;
}

/* MUSTER_QUEUED, 0 if nobody had to be waited for, or a negative errno. */
static int barrier_arrive(struct muster_barrier *barrier, struct barrier_waiter *bw,
			  const struct muster_deadline *until, struct barrier_exit *exit)
{
	struct muster_owner *owner = bw->waiter.owner;
	bool last = !barrier->runner && barrier->nr_queued + 1 == barrier->parties;

	lockdep_assert_held(&barrier->object.lock);

	if (owner->dead)
		return -EBADF;
	if (barrier->broken.broken_by) {
		bw->pass.end = barrier->broken;
		return -EPIPE;
	}
	if (!until->nonblock && muster_deadline_passed(until))
		return -ETIMEDOUT;
	if (last) {
		barrier_form(barrier, to_barrier_owner(owner), &bw->pass, exit);
		return 0;
	}
	if (until->nonblock)
		return -EAGAIN;
	bw->arrival = barrier->arrivals++;
	list_add_tail(&bw->waiter.node, &barrier->queue);
	barrier->nr_queued++;
	return MUSTER_QUEUED;
}

static int barrier_enter(struct muster_barrier *barrier, struct barrier_waiter *bw,
			 const struct muster_deadline *until)
{
	struct barrier_exit exit;
	int err;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	err = barrier_arrive(barrier, bw, until, &exit);
	barrier_unlock(barrier, &exit);
	return err;
}

static int barrier_wait(struct muster_barrier *barrier, struct muster_owner *owner,
			struct barrier_waiter *bw, const struct muster_deadline *until)
{
	int err;

	muster_waiter_init(&bw->waiter, owner, barrier_leave);
	err = barrier_enter(barrier, bw, until);
	if (err == MUSTER_QUEUED)
		return muster_wait(&bw->waiter, until);
	muster_owner_put(owner);
	return err;
}

/* ---- ioctls ---- */

/* The owner cannot run the action: it is dead, or never learned of it. */
static void barrier_runner_lost(struct muster_barrier *barrier, struct barrier_owner *bo)
{
	struct barrier_exit exit;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	if (barrier->runner == bo)
		barrier_break_acting(barrier, MUSTER_BROKEN_DEATH, 0, bo->owner.pid,
				     &exit);
	barrier_unlock(barrier, &exit);
}

static int barrier_await_reply(const struct muster_request *req,
			       struct muster_barrier_await *await,
			       const struct barrier_pass *pass)
{
	struct muster_barrier *barrier = to_barrier(req->mfile->object);

	await->generation = pass->generation;
	await->token = pass->token;
	await->index = pass->index;
	await->outcome = pass->outcome;
	await->status = pass->end.status;
	await->broken_by = pass->end.broken_by;
	await->arrived = pass->end.arrived;
	await->parties = barrier->parties;
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
	if (err && err != -EPIPE)
		return err;
	fault = barrier_await_reply(req, await, &bw.pass);
	if (bw.pass.outcome & MUSTER_OUTCOME_ACTION &&
	    (fault || READ_ONCE(owner->dead))) {
		barrier_runner_lost(barrier, to_barrier_owner(owner));
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
			    &until);
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
	barrier_end_acting(barrier, &tripped, exit);
	barrier->generation++;
	barrier_form_queued(barrier, exit);
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
	barrier_unlock(barrier, &exit);
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
		barrier_break_queue(barrier, MUSTER_BROKEN_RESET, NULL, &exit);
	barrier->broken = (struct barrier_end){};
	pid = barrier->broken_pid;
	barrier->broken_pid = NULL;
	barrier->generation++;
	barrier_unlock(barrier, &exit);
	put_pid(pid);
	return 0;
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
	stat->nr_processes = stat->waiting + stat->acting;
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

static const struct muster_command barrier_commands[] = {
	{ MUSTER_BARRIER_AWAIT, barrier_await_run },
	{ MUSTER_BARRIER_COMPLETE, barrier_complete_run },
	{ MUSTER_BARRIER_RESET, barrier_reset_run },
	{ MUSTER_BARRIER_STAT, barrier_stat_run },
};

/* ---- the type ---- */

static int barrier_init(struct muster_object *object, const struct muster_open *how)
{
	struct muster_barrier *barrier = to_barrier(object);

	if (!how->limit || how->limit > INT_MAX || how->initial)
		return -EINVAL;
	barrier->parties = how->limit;
	INIT_LIST_HEAD(&barrier->queue);
	INIT_LIST_HEAD(&barrier->acting);
	return 0;
}

static bool barrier_matches(struct muster_object *object, const struct muster_open *how)
{
	return !how->limit || how->limit == to_barrier(object)->parties;
}

static void barrier_destroy(struct muster_object *object)
{
	struct muster_barrier *barrier = to_barrier(object);

	WARN_ON_ONCE(!list_empty(&barrier->queue) || barrier->nr_queued);
	WARN_ON_ONCE(!list_empty(&barrier->acting) || barrier->runner);
	put_pid(barrier->broken_pid);
}

static void barrier_owner_drop(struct muster_owner *owner)
{
	barrier_runner_lost(to_barrier(muster_owner_object(owner)),
			    to_barrier_owner(owner));
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
			    struct muster_verdict *verdict, const void **data, size_t *len)
{
	const struct barrier_waiter *bw = container_of(waiter, struct barrier_waiter, waiter);

	verdict->generation = bw->pass.generation;
	verdict->token = bw->pass.token;
	verdict->index = bw->pass.index;
	verdict->outcome = bw->pass.outcome;
	verdict->status = bw->pass.end.status;
	verdict->broken_by = bw->pass.end.broken_by;
	verdict->arrived = bw->pass.end.arrived;
	verdict->parties = to_barrier(muster_owner_object(waiter->owner))->parties;
}

static void barrier_fdinfo(struct muster_object *object, struct seq_file *m)
{
	struct muster_barrier *barrier = to_barrier(object);
	u32 waiting, broken_by;
	u64 generation;

	spin_lock(&object->lock);
	generation = barrier->generation;
	waiting = barrier->nr_acting + barrier->nr_queued;
	broken_by = barrier->broken.broken_by;
	spin_unlock(&object->lock);
	seq_printf(m, "muster-parties:\t%u\n", barrier->parties);
	seq_printf(m, "muster-waiters:\t%u\n", waiting);
	seq_printf(m, "muster-generation:\t%llu\n", generation);
	seq_printf(m, "muster-broken:\t%u\n", broken_by);
}

const struct muster_type muster_barrier_type = {
	.name = "barrier",
	.id = MUSTER_BARRIER,
	.object_size = sizeof(struct muster_barrier),
	.owner_size = sizeof(struct barrier_owner),
	.options = MUSTER_BARRIER_ACTION,
	.commands = barrier_commands,
	.nr_commands = ARRAY_SIZE(barrier_commands),
	.init = barrier_init,
	.matches = barrier_matches,
	.destroy = barrier_destroy,
	.owner_drop = barrier_owner_drop,
	.poll = barrier_poll,
	.fdinfo = barrier_fdinfo,
	.verdict = barrier_verdict,
};
