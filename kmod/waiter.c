// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiters: deadlines, sleep, and being granted
 *
 * How a waiter and the one who grants meet without a lock is drawn at struct
 * muster_waiter.
 */
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "muster.h"
#include "trace.h"

/**
 * muster_deadline_set - how long a request may wait
 * @until:	to be set
 * @req:	the request; O_NONBLOCK of its file counts
 * @flags:	MUSTER_WAIT_*
 * @ns:		the deadline as the caller sees time
 */
void muster_deadline_set(struct muster_deadline *until,
			 const struct muster_request *req, u32 flags, u64 ns)
{
	until->nonblock = muster_nonblock(req, flags);
	until->clock = flags & MUSTER_WAIT_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	until->forever = ns >= KTIME_MAX;
	until->at = ns;
	if (!until->forever && until->clock == CLOCK_MONOTONIC) {
		s64 at;

		/* Both are less than 2^63 in size: what overflows never comes. */
		if (check_sub_overflow((s64)ns, (s64)muster_timens_offset(), &at))
			until->forever = true;
		until->at = max_t(s64, at, 0);
	}
}

bool muster_deadline_passed(const struct muster_deadline *until)
{
	if (until->forever)
		return false;
	if (until->clock == CLOCK_REALTIME)
		return ktime_get_real() >= until->at;
	return ktime_get() >= until->at;
}

/**
 * muster_waiter_init - prepare to wait
 * @waiter:	on the caller's stack
 * @owner:	on whose behalf
 * @leave:	see struct muster_waiter
 *
 * The caller puts the waiter into its queue, unlocks, and calls muster_wait(); or
 * muster_owner_put() for @owner's reference if it does not wait after all.
 */
void muster_waiter_init(struct muster_waiter *waiter, struct muster_owner *owner,
			enum muster_leave (*leave)(struct muster_waiter *, int))
{
	refcount_inc(&owner->refs);
	INIT_LIST_HEAD(&waiter->node);
	waiter->task = current;
	waiter->ticket = NULL;
	waiter->owner = owner;
	waiter->leave = leave;
	waiter->since = get_jiffies_64();
	waiter->began = 0;
	waiter->verdict = MUSTER_QUEUED;
	waiter->settled = false;
}

/**
 * muster_waiter_queued - somebody has to wait
 * @waiter:	just put into its queue, which is locked
 * @amount:	of what it waits for
 */
void muster_waiter_queued(struct muster_waiter *waiter, u64 amount)
{
	struct muster_object *object = muster_owner_object(waiter->owner);

	muster_count(&object->totals->waits);
	if (trace_muster_wait_end_enabled())
		waiter->began = ktime_get_ns();
	trace_muster_wait_begin(object, waiter, amount);
}

/* For how many ns it has waited; to the tick, if nobody was to know when it began. */
u64 muster_waited(const struct muster_waiter *waiter)
{
	if (waiter->began)
		return ktime_get_ns() - waiter->began;
	return jiffies64_to_nsecs(get_jiffies_64() - waiter->since);
}

/* It has left the queue by itself. */
void muster_waiter_left(struct muster_waiter *waiter, int reason)
{
	if (reason == -ETIMEDOUT)
		muster_count(&muster_owner_object(waiter->owner)->totals->timeouts);
	trace_muster_wait_end(waiter, reason);
}

/* Sleeps until woken. Returns false when the deadline has passed. */
static bool muster_sleep(const struct muster_deadline *until)
{
	ktime_t at = until->at;

	if (until->forever) {
		schedule();
		return true;
	}
	return schedule_hrtimeout_range_clock(&at, current->timer_slack_ns,
					      HRTIMER_MODE_ABS, until->clock);
}

/* Whether that is what it does by default, and there is no handler. */
static bool muster_signal_kills(const struct sighand_struct *sighand, int sig)
{
	return sighand->action[sig - 1].sa.sa_handler == SIG_DFL &&
	       !siginmask(sig, SIG_KERNEL_IGNORE_MASK | SIG_KERNEL_STOP_MASK);
}

/*
 * What becomes of the caller by the signals that are pending. If there are none, and it is
 * not to stop either, another thread has just taken one, and may die of it.
 */
static enum muster_fate muster_fate_locked(const struct sighand_struct *sighand)
{
	struct signal_struct *signal = current->signal;
	sigset_t pending;
	int sig;

	lockdep_assert_held(&sighand->siglock);

	if (fatal_signal_pending(current))
		return signal->flags & SIGNAL_GROUP_EXIT ? MUSTER_DIES : MUSTER_DIES_ALONE;
	/* The first process of a PID namespace does not die of them. */
	if (signal->flags & SIGNAL_UNKILLABLE)
		return MUSTER_LIVES;
	sigorsets(&pending, &current->pending.signal, &signal->shared_pending.signal);
	sigandnsets(&pending, &pending, &current->blocked);
	if (sigisemptyset(&pending))
		return current->jobctl & (JOBCTL_PENDING_MASK | JOBCTL_TRAP_FREEZE) ?
		       MUSTER_LIVES : MUSTER_IN_DOUBT;
	for (sig = 1; sig <= _NSIG; sig++) {
		if (sigismember(&pending, sig) && muster_signal_kills(sighand, sig))
			return current->ptrace ? MUSTER_IN_DOUBT : MUSTER_DIES;
	}
	return MUSTER_LIVES;
}

/**
 * muster_signal_fate - what becomes of the calling process, which has a signal pending?
 *
 * Most signals that kill become SIGKILL on their way. Those that dump core do not, nor do
 * those to a process that is traced, of which the tracer decides.
 *
 * Return: whether it dies, or only the calling thread.
 */
enum muster_fate muster_signal_fate(void)
{
	/* That of the caller itself does not go away. */
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	enum muster_fate fate;

	spin_lock_irq(&sighand->siglock);
	fate = muster_fate_locked(sighand);
	spin_unlock_irq(&sighand->siglock);
	return fate;
}

static int muster_why_leave(const struct muster_waiter *waiter, unsigned int state,
			    bool expired)
{
	if (READ_ONCE(waiter->owner->dead))
		return -EBADF;
	if (signal_pending_state(state, current))
		return -ERESTARTSYS;
	return expired ? -ETIMEDOUT : 0;
}

static void muster_sleepers_add(struct muster_waiter *waiter)
{
	spin_lock(&waiter->owner->lock);
	muster_owner_use(waiter->owner);
	list_add(&waiter->in_owner, &waiter->owner->waiters);
	spin_unlock(&waiter->owner->lock);
}

static void muster_sleepers_del(struct muster_waiter *waiter)
{
	spin_lock(&waiter->owner->lock);
	list_del(&waiter->in_owner);
	spin_unlock(&waiter->owner->lock);
}

/**
 * muster_wait - wait for the verdict
 * @waiter:	in its queue, which is unlocked; or taken out of it already
 * @until:	how long
 *
 * A verdict that is on its way counts, whatever else has happened (T2). On return
 * nobody refers to the waiter any more.
 *
 * Return: the verdict; or, having left the queue, -ETIMEDOUT, -ERESTARTSYS, or
 * -EBADF if the process has closed its last descriptor.
 */
int muster_wait(struct muster_waiter *waiter, const struct muster_deadline *until)
{
	static const struct muster_deadline forever = { .forever = true };
	unsigned int state = TASK_INTERRUPTIBLE | TASK_FREEZABLE;
	bool expired = false;
	int err = 0;

	muster_sleepers_add(waiter);
	for (;;) {
		set_current_state(state);
		/* Pairs with the release in muster_settle(). */
		if (smp_load_acquire(&waiter->settled)) {
			err = waiter->verdict;
			break;
		}
		if (state != TASK_UNINTERRUPTIBLE)
			err = muster_why_leave(waiter, state, expired);
		if (err) {
			enum muster_leave leave;

			__set_current_state(TASK_RUNNING);
			leave = waiter->leave(waiter, err);
			if (leave == MUSTER_LEFT) {
				muster_waiter_left(waiter, err);
				break;
			}
			state = TASK_KILLABLE | TASK_FREEZABLE;
			if (leave == MUSTER_SETTLED) {
				state = TASK_UNINTERRUPTIBLE;
				until = &forever;
			}
			err = 0;
			continue;
		}
		expired = !muster_sleep(until);
	}
	__set_current_state(TASK_RUNNING);
	muster_sleepers_del(waiter);
	muster_owner_put(waiter->owner);
	return err;
}

/**
 * muster_settle - tell a waiter its verdict and wake it
 * @waiter:	taken out of its queue, its verdict written; may be gone on return
 *
 * Called without spinlocks, so that the woken thread finds them free. Of a long queue
 * see muster_let_run().
 */
void muster_settle(struct muster_waiter *waiter)
{
	struct task_struct *task = waiter->task;

	trace_muster_wait_end(waiter, waiter->verdict);
	if (waiter->ticket) {
		muster_ticket_settle(waiter->ticket);
		return;
	}
	get_task_struct(task);
	/* Pairs with the acquire in muster_wait(): the verdict goes first. */
	smp_store_release(&waiter->settled, true);
	wake_up_process(task);
	put_task_struct(task);
}

/* Settles all waiters of a list, in order. */
void muster_settle_all(struct list_head *taken)
{
	struct muster_waiter *waiter, *next;
	unsigned int nr = 0;

	list_for_each_entry_safe(waiter, next, taken, node) {
		muster_settle(waiter);
		muster_let_run(++nr);
	}
	INIT_LIST_HEAD(taken);
}
