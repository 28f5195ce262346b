// SPDX-License-Identifier: GPL-2.0-only
/*
 * How generations form, act, trip and break. See barrier.h.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>

#include "barrier.h"
#include "trace.h"

/* ---- leaving ---- */

void barrier_exit_init(struct barrier_exit *exit)
{
	*exit = (struct barrier_exit){};
	INIT_LIST_HEAD(&exit->acting.list);
	INIT_LIST_HEAD(&exit->queue.list);
	INIT_LIST_HEAD(&exit->refused);
}

static void barrier_settle(struct barrier_taken *taken)
{
	struct muster_waiter *waiter, *next;
	unsigned int nr = 0;

	list_for_each_entry_safe(waiter, next, &taken->list, node) {
		to_barrier_waiter(waiter)->pass = taken->pass;
		taken->pass.index--;
		waiter->verdict = taken->pass.end.verdict;
		muster_settle(waiter);
		muster_let_run(++nr);
	}
}

/* Unlocks the barrier and lets those out who may leave. */
void barrier_unlock(struct muster_barrier *barrier, struct barrier_exit *exit)
	__releases(&barrier->object.lock)
{
	bool broken = barrier->broken.broken_by;

	spin_unlock(&barrier->object.lock);
	if (exit->runner)
		muster_settle(&exit->runner->waiter);
	barrier_settle(&exit->acting);
	barrier_settle(&exit->queue);
	muster_settle_all(&exit->refused);
	if (broken)
		muster_object_wake_poll(&barrier->object);
}

/* ---- state changes, under the lock ---- */

void barrier_mark_reset(struct muster_barrier *barrier)
{
	barrier->mark = &barrier->queue;
	barrier->nr_marked = 0;
}

/* Those who were in the queue have left it, and none of any member's parties is there. */
static void barrier_next_round(struct muster_barrier *barrier)
{
	lockdep_assert_held(&barrier->object.lock);

	barrier_mark_reset(barrier);
	barrier->round++;
	list_splice_tail_init(&barrier->there, &barrier->missing);
	barrier->nr_missing += barrier->nr_there;
	barrier->nr_there = 0;
}

/* A generation is about to leave, completed by the owner. */
void barrier_tripped(struct muster_barrier *barrier, const struct muster_owner *owner)
{
	muster_count(&barrier->object.totals->tripped);
	trace_muster_barrier_tripped(barrier, owner);
}

/* The generation that is acting is over. */
void barrier_end_acting(struct muster_barrier *barrier,
			const struct barrier_end *end, struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	list_splice_init(&barrier->acting, &exit->acting.list);
	exit->acting.pass = (struct barrier_pass){
		.generation = barrier->generation,
		.token = barrier->token,
		.index = barrier->nr_acting,
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
	barrier_next_round(barrier);
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
	if (end->broken_by != MUSTER_BROKEN_RESET) {
		muster_count(&barrier->object.totals->broken);
		trace_muster_barrier_broken(barrier, end, pid);
	}
	barrier->broken = *end;
	barrier->broken_pid = get_pid(pid);
}

void barrier_break_queue(struct muster_barrier *barrier, u32 broken_by, u32 arrived,
			 struct pid *pid, struct barrier_exit *exit)
{
	struct barrier_end end = {
		.verdict = -EPIPE,
		.broken_by = broken_by,
		.arrived = arrived,
		.parties = barrier->parties,
		.by = pid,
	};

	barrier_break(barrier, &end, pid, exit);
}

/* The generation that is acting breaks, and whoever queues behind it. */
void barrier_break_acting(struct muster_barrier *barrier, u32 broken_by, s32 status,
			  struct pid *pid, struct barrier_exit *exit)
{
	u32 parties = barrier->nr_acting + barrier->nr_gone + 1;
	struct barrier_end end = {
		.verdict = -EPIPE,
		.broken_by = broken_by,
		.status = status,
		.arrived = parties,
		.parties = parties,
		.by = pid,
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

	barrier_next_round(barrier);
	barrier->nr_acting = barrier->parties - 1;
	barrier->nr_gone = 0;
	barrier->acting_from = barrier->queue_from;
	barrier->acting_to = to - 1;
	barrier->queue_from = to;
	barrier->runner = bo;
	barrier->run_since = get_jiffies_64();
	bo->token = ++barrier->token;
	trace_muster_barrier_acting(barrier, &bo->owner);
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
	barrier_tripped(barrier, &bo->owner);
	*pass = (struct barrier_pass){
		.generation = barrier->generation++,
		.token = ++barrier->token,
		.index = barrier->parties - 1,
	};
	barrier_empty_queue(barrier, pass, exit);
	pass->index = 0;
}

/* The front of a complete queue; its last is to run the action. */
static void barrier_act_queued(struct muster_barrier *barrier, struct muster_waiter *last,
			       struct barrier_exit *exit)
{
	struct barrier_waiter *bw = to_barrier_waiter(last);

	lockdep_assert_held(&barrier->object.lock);

	list_cut_position(&barrier->acting, &barrier->queue, &last->node);
	list_del(&last->node);
	muster_owner_use(last->owner);
	barrier_start_action(barrier, to_barrier_owner(last->owner), bw->arrival + 1,
			     &bw->pass);
	last->verdict = 0;
	exit->runner = bw;
}

/* The front of a complete queue trips. */
static void barrier_trip_queued(struct muster_barrier *barrier, struct muster_waiter *last,
				struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	barrier_tripped(barrier, last->owner);
	list_cut_position(&exit->queue.list, &barrier->queue, &last->node);
	exit->queue.pass = (struct barrier_pass){
		.generation = barrier->generation++,
		.token = ++barrier->token,
		.index = barrier->parties - 1,
	};
	barrier_next_round(barrier);
	barrier->queue_from = to_barrier_waiter(last)->arrival + 1;
}

/* Moves the mark on by a batch; true if it is where the next generation ends. */
static bool barrier_move_mark(struct muster_barrier *barrier)
{
	int n;

	lockdep_assert_held(&barrier->object.lock);

	if (barrier->nr_marked > barrier->parties)
		barrier_mark_reset(barrier);
	for (n = 0; n < MUSTER_BATCH && barrier->nr_marked < barrier->parties; n++) {
		barrier->mark = barrier->mark->next;
		barrier->nr_marked++;
	}
	return barrier->nr_marked == barrier->parties;
}

/* Are there enough in the queue for a generation, which may begin? */
static bool barrier_is_complete(const struct muster_barrier *barrier)
{
	return barrier->nr_queued >= barrier->parties && barrier->nr_queued &&
	       !barrier->runner && !barrier->broken.broken_by;
}

/*
 * Nobody has arrived, but the queue may be complete all the same: since the action of
 * the last generation is over, or there are fewer parties.
 */
static void barrier_form_queued(struct muster_barrier *barrier, struct barrier_exit *exit)
{
	struct muster_waiter *last;

	lockdep_assert_held(&barrier->object.lock);

	if (!barrier_is_complete(barrier))
		return;
	exit->more = true;
	if (!barrier_move_mark(barrier))
		return;
	last = list_entry(barrier->mark, struct muster_waiter, node);
	barrier->nr_queued -= barrier->parties;
	if (barrier->object.options & MUSTER_BARRIER_ACTION)
		barrier_act_queued(barrier, last, exit);
	else
		barrier_trip_queued(barrier, last, exit);
}

/*
 * Unlocks the barrier after a change that may make generations complete. Whoever arrives
 * meanwhile and finds the queue complete sees to that itself, so that the caller does not
 * serve for ever those who come again and again.
 */
void barrier_unlock_form(struct muster_barrier *barrier, struct barrier_exit *exit)
	__releases(&barrier->object.lock)
{
	u64 until = barrier->arrivals;
	bool more;

	for (;;) {
		if (list_empty(&exit->queue.list))
			barrier_form_queued(barrier, exit);
		else
			exit->more = true;
		more = exit->more && barrier->queue_from < until;
		barrier_unlock(barrier, exit);
		if (!more)
			return;
		cond_resched();
		barrier_exit_init(exit);
		spin_lock(&barrier->object.lock);
	}
}

/* ---- members ---- */

/* How many arrivals of the owner are in the queue. */
u32 barrier_nr_arrived(const struct muster_barrier *barrier,
		       const struct barrier_owner *bo)
{
	return bo->arrived_in == barrier->round ? bo->arrived : 0;
}

/* And how many were, until it died. */
u32 barrier_nr_gone(const struct muster_barrier *barrier, const struct barrier_owner *bo)
{
	return bo->gone_in == barrier->round ? bo->gone : 0;
}

/*
 * Has it, for the caller, that many seats for which nobody has arrived? Where a thread has
 * died the others of its process do nothing in its place any more.
 */
bool barrier_has_free(const struct muster_barrier *barrier, struct barrier_owner *bo, u32 n)
{
	u64 taken = barrier_nr_arrived(barrier, bo);

	lockdep_assert_held(&barrier->object.lock);

	/* The signal that was to kill it has become another's. */
	if (bo->gone_by == current) {
		bo->gone_by = NULL;
		bo->gone = 0;
	}
	if (bo->gone_of == current->signal)
		taken += barrier_nr_gone(barrier, bo);
	return taken + n <= bo->seats;
}

/*
 * Is it a party of the generation whose action runs? All who had seats when that formed
 * are.
 */
bool barrier_acts(const struct muster_barrier *barrier, const struct barrier_owner *bo)
{
	lockdep_assert_held(&barrier->object.lock);

	return barrier->runner && (bo->acted == barrier->token ||
				   (bo->seats && bo->entered < barrier->token));
}

/* Puts a member where it belongs, after its seats or arrivals have changed. */
void barrier_sort_member(struct muster_barrier *barrier, struct barrier_owner *bo)
{
	bool was_there = bo->there_in == barrier->round;
	bool there = bo->seats && barrier_nr_arrived(barrier, bo) == bo->seats;

	lockdep_assert_held(&barrier->object.lock);

	if (there == was_there && bo->seats)
		return;
	if (was_there)
		barrier->nr_there--;
	else
		barrier->nr_missing--;
	list_del(&bo->member);
	bo->there_in = there ? barrier->round : 0;
	if (there) {
		list_add_tail(&bo->member, &barrier->there);
		barrier->nr_there++;
	} else if (bo->seats) {
		list_add_tail(&bo->member, &barrier->missing);
		barrier->nr_missing++;
	}
}

static void barrier_add_arrival(struct muster_barrier *barrier, struct barrier_waiter *bw)
{
	struct barrier_owner *bo = bw->member;

	lockdep_assert_held(&barrier->object.lock);

	bw->arrival = barrier->arrivals++;
	list_add_tail(&bw->waiter.node, &barrier->queue);
	barrier->nr_queued++;
	trace_muster_barrier_arrived(barrier, bw->waiter.owner);
	muster_waiter_queued(&bw->waiter, 1);
	if (!barrier_has_members(barrier))
		return;
	if (bo->arrived_in != barrier->round) {
		bo->arrived_in = barrier->round;
		bo->arrived = 0;
		INIT_LIST_HEAD(&bo->waiters);
	}
	bo->arrived++;
	list_add_tail(&bw->in_member, &bo->waiters);
	barrier_sort_member(barrier, bo);
}

/* Takes one who waits out of the middle of the queue. */
static void barrier_withdraw(struct muster_barrier *barrier, struct barrier_waiter *bw)
{
	struct barrier_owner *bo = bw->member;

	lockdep_assert_held(&barrier->object.lock);

	if (barrier->nr_marked &&
	    bw->arrival <= to_barrier_waiter(list_entry(barrier->mark, struct muster_waiter,
							node))->arrival) {
		if (barrier->mark == &bw->waiter.node)
			barrier->mark = bw->waiter.node.prev;
		barrier->nr_marked--;
	}
	list_del(&bw->waiter.node);
	barrier->nr_queued--;
	trace_muster_barrier_withdrawn(barrier, bw->waiter.owner);
	if (!barrier_has_members(barrier))
		return;
	list_del(&bw->in_member);
	bo->arrived--;
	barrier_sort_member(barrier, bo);
}

/* Finds the seat that the caller takes, if it needs one (B6). */
static int barrier_may_arrive(const struct muster_barrier *barrier,
			      struct barrier_waiter *bw, struct muster_file *mfile)
{
	struct muster_owner *owner;

	lockdep_assert_held(&barrier->object.lock);

	if (!barrier_has_members(barrier))
		return 0;
	owner = muster_owner_find(mfile);
	if (!owner || !muster_owner_use(owner) || !to_barrier_owner(owner)->seats)
		return -EPERM;
	bw->member = to_barrier_owner(owner);
	bw->mfile = mfile;
	return barrier_has_free(barrier, bw->member, 1) ? 0 : -EBUSY;
}

/*
 * The member is dead, and who waits for it in the queue does not count any more: withdraws
 * a batch of them; how many. Its seats are still there, so that the queue is not complete;
 * nobody arrives for it any more.
 */
u32 barrier_refuse(struct muster_barrier *barrier, struct barrier_owner *bo,
		   struct barrier_exit *exit)
{
	struct barrier_waiter *bw;
	u32 n;

	lockdep_assert_held(&barrier->object.lock);

	for (n = 0; n < MUSTER_BATCH && barrier_nr_arrived(barrier, bo); n++) {
		bw = list_first_entry(&bo->waiters, struct barrier_waiter, in_member);
		barrier_withdraw(barrier, bw);
		bw->refused = true;
		bw->waiter.verdict = -EBADF;
		list_add_tail(&bw->waiter.node, &exit->refused);
	}
	return n;
}

/*
 * A dead member gives up its seats: they are free for others, and the queue breaks, to which
 * @arrived had come; or there are fewer parties.
 */
void barrier_give_up_seats(struct muster_barrier *barrier, struct barrier_owner *bo,
			   u32 arrived, struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	if (!bo->seats)
		return;
	barrier->seats -= bo->seats;
	if (barrier->object.options & MUSTER_BARRIER_SHRINK) {
		barrier->parties -= bo->seats;
		barrier->lost += bo->seats;
	} else if (!barrier->broken.broken_by) {
		barrier_break_queue(barrier, MUSTER_BROKEN_DEATH, arrived, bo->owner.pid,
				    exit);
	}
	trace_muster_member_died(barrier, &bo->owner, bo->seats);
	bo->seats = 0;
	bo->lost = true;
	barrier_sort_member(barrier, bo);
}

/* ---- doubt: does the caller, which leaves for a signal, die of it? ---- */

/* struct barrier_owner.in_doubt: more than one thread */
#define BARRIER_SEVERAL	((const struct task_struct *)ERR_PTR(-EALREADY))

static void barrier_doubt(const struct muster_barrier *barrier, struct barrier_owner *bo)
{
	lockdep_assert_held(&barrier->object.lock);

	if (barrier_has_doubt(barrier, bo) && bo->in_doubt != current)
		bo->in_doubt = BARRIER_SEVERAL;
	else
		bo->in_doubt = current;
	bo->doubted_in = barrier->round;
}

/* Those with whom it waited may still do so. */
bool barrier_has_doubt(const struct muster_barrier *barrier, const struct barrier_owner *bo)
{
	lockdep_assert_held(&barrier->object.lock);

	return bo->in_doubt && bo->doubted_in == barrier->round;
}

/* ---- waiting ---- */

static bool barrier_is_acting(const struct muster_barrier *barrier, u64 arrival)
{
	return barrier->runner && arrival >= barrier->acting_from &&
	       arrival < barrier->acting_to;
}

/* To leave the queue for a signal, or by closing a ticket, harms nobody. */
static enum muster_fate barrier_fate(int reason)
{
	if (reason == -ERESTARTSYS)
		return muster_signal_fate();
	return reason == -ECANCELED ? MUSTER_LIVES : MUSTER_DIES;
}

/*
 * The member of a ticket whose process is closing all its descriptors, if it has not closed
 * that of the member yet; else NULL.
 */
struct barrier_owner *barrier_dying_member(struct muster_barrier *barrier,
					   const struct barrier_waiter *bw)
{
	const struct muster_owner *maker = bw->waiter.owner;
	struct muster_owner *owner;

	lockdep_assert_held(&barrier->object.lock);

	if (!bw->waiter.ticket || !(current->flags & PF_EXITING) ||
	    maker->pid != task_tgid(current))
		return NULL;
	owner = muster_owner_find_by(&barrier->object, bw->mfile, maker->files);
	return owner && to_barrier_owner(owner)->seats ? to_barrier_owner(owner) : NULL;
}

/*
 * A party of a member dies while the action runs. If that shrinks it harms nobody; else it
 * breaks once the member is gone, if it is not.
 */
static void barrier_die_acting(struct muster_barrier *barrier, struct barrier_waiter *bw,
			       int reason, struct barrier_exit *exit)
{
	struct barrier_owner *bo = to_barrier_owner(bw->waiter.owner);
	struct barrier_owner *member;

	lockdep_assert_held(&barrier->object.lock);

	if (barrier->object.options & MUSTER_BARRIER_SHRINK) {
		barrier->nr_acting--;
		return;
	}
	if (reason == -ERESTARTSYS && !bo->owner.dead)
		member = bo;
	else
		member = barrier_dying_member(barrier, bw);
	if (member) {
		barrier->nr_acting--;
		barrier->nr_gone++;
		return;
	}
	barrier_break_acting(barrier, MUSTER_BROKEN_DEATH, 0, bo->owner.pid, exit);
	barrier_give_up_seats(barrier, bo, 0, exit);
}

/* The seat is what counts, and goes with the member. An exec takes only threads away. */
static bool barrier_dies_with_member(const struct muster_barrier *barrier, u32 why,
				     enum muster_fate fate)
{
	return barrier_has_members(barrier) && why == MUSTER_BROKEN_DEATH &&
	       (fate == MUSTER_DIES || barrier->object.options & MUSTER_BARRIER_SHRINK);
}

/* To leave a generation whose action runs. */
static enum muster_leave barrier_leave_acting(struct muster_barrier *barrier,
					      struct barrier_waiter *bw, int reason,
					      u32 why, enum muster_fate fate,
					      struct barrier_exit *exit)
{
	lockdep_assert_held(&barrier->object.lock);

	/* There is nothing to withdraw an arrival from any more (B4). */
	if (reason == -ERESTARTSYS && !muster_is_death(fate))
		return MUSTER_STAY;
	list_del(&bw->waiter.node);
	if (barrier_dies_with_member(barrier, why, fate))
		barrier_die_acting(barrier, bw, reason, exit);
	else
		barrier_break_acting(barrier, why, 0, bw->waiter.owner->pid, exit);
	return MUSTER_LEFT;
}

/* A party dies while it waits, and all of its member with it or not: it is no longer there. */
static void barrier_die_queued(struct muster_barrier *barrier, struct barrier_waiter *bw,
			       enum muster_fate fate)
{
	struct barrier_owner *bo = bw->member;

	lockdep_assert_held(&barrier->object.lock);

	barrier_withdraw(barrier, bw);
	if (fate != MUSTER_DIES)
		return;
	bo->gone = barrier_nr_gone(barrier, bo) + 1;
	bo->gone_in = barrier->round;
	bo->gone_by = current;
	bo->gone_of = current->signal;
}

/* A waiter wants to leave the queue, or the generation that it has completed. */
static enum muster_leave barrier_leave_locked(struct muster_barrier *barrier,
					      struct barrier_waiter *bw, int reason,
					      enum muster_fate fate,
					      struct barrier_exit *exit)
{
	u32 why = reason == -ETIMEDOUT ? MUSTER_BROKEN_TIMEOUT : MUSTER_BROKEN_DEATH;

	lockdep_assert_held(&barrier->object.lock);

	if (bw->refused)
		return MUSTER_SETTLED;
	if (barrier_is_acting(barrier, bw->arrival))
		return barrier_leave_acting(barrier, bw, reason, why, fate, exit);
	if (bw->arrival < barrier->queue_from)
		return MUSTER_SETTLED;
	if (!muster_is_death(fate)) {
		barrier_withdraw(barrier, bw);
		if (fate == MUSTER_IN_DOUBT)
			barrier_doubt(barrier, to_barrier_owner(bw->waiter.owner));
	} else if (barrier_dies_with_member(barrier, why, fate)) {
		barrier_die_queued(barrier, bw, fate);
	} else {
		list_del(&bw->waiter.node);
		barrier_break_queue(barrier, why, barrier->nr_queued, bw->waiter.owner->pid,
				    exit);
	}
	return MUSTER_LEFT;
}

enum muster_leave barrier_leave(struct muster_waiter *waiter, int reason)
{
	struct muster_barrier *barrier = to_barrier(muster_owner_object(waiter->owner));
	enum muster_fate fate = barrier_fate(reason);
	struct barrier_exit exit;
	enum muster_leave leave;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	leave = barrier_leave_locked(barrier, to_barrier_waiter(waiter), reason, fate, &exit);
	barrier_unlock(barrier, &exit);
	return leave;
}

/* MUSTER_QUEUED, 0 if nobody had to be waited for, or a negative errno. */
static int barrier_arrive(struct muster_barrier *barrier, struct barrier_waiter *bw,
			  struct muster_file *mfile, const struct muster_deadline *until,
			  struct barrier_exit *exit)
{
	struct muster_owner *owner = bw->waiter.owner;
	bool last = !barrier->runner && barrier->nr_queued + 1 == barrier->parties;
	int err;

	lockdep_assert_held(&barrier->object.lock);

	if (!muster_owner_use(owner))
		return -EBADF;
	if (to_barrier_owner(owner)->in_doubt == current)
		to_barrier_owner(owner)->in_doubt = NULL;
	err = barrier_may_arrive(barrier, bw, mfile);
	if (err)
		return err;
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
	barrier_add_arrival(barrier, bw);
	return MUSTER_QUEUED;
}

/*
 * @mfile is the file that the caller has come through, which is not that of @bw if that is
 * a ticket's.
 */
int barrier_enter(struct muster_barrier *barrier, struct barrier_waiter *bw,
		  struct muster_file *mfile, const struct muster_deadline *until)
{
	struct barrier_exit exit;
	int err;

	barrier_exit_init(&exit);
	spin_lock(&barrier->object.lock);
	err = barrier_arrive(barrier, bw, mfile, until, &exit);
	if (err == MUSTER_QUEUED && unlikely(barrier_is_complete(barrier)))
		barrier_unlock_form(barrier, &exit);
	else
		barrier_unlock(barrier, &exit);
	return err;
}

int barrier_wait(struct muster_barrier *barrier, struct muster_owner *owner,
		 struct barrier_waiter *bw, const struct muster_deadline *until)
{
	int err;

	muster_waiter_init(&bw->waiter, owner, barrier_leave);
	err = barrier_enter(barrier, bw, owner->mfile, until);
	if (err == MUSTER_QUEUED)
		return muster_wait(&bw->waiter, until);
	muster_owner_put(owner);
	return err;
}
