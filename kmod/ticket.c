// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets: waiting without a thread (T5)
 *
 * A ticket is one more open file of an object, with a wait of its own that nobody
 * sleeps in. What it is granted is held through that file: so all that is true of
 * holds (W1 to W3) is true of a ticket's, and to close it gives back what it was
 * granted, or leaves the queue if it has not been yet.
 *
 * Locking: whoever makes the wait leave its queue (the deadline, or the end of the
 * process that it waits for) holds @leaving, which is outside all other locks.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "muster.h"

/**
 * struct muster_ticket - a wait that has a descriptor
 * @mfile:	its file
 * @fd:		the descriptor, until it is installed
 * @refs:	one of the file, and one of whoever settles it
 * @poll:	who polls or reads it
 * @leaving:	see above
 * @until:	its deadline
 * @timer:	for that; it begins @expiry, since a timer may not take the locks
 * @expiry:	makes it leave
 * @waiter:	the wait: the type's own struct begins with it
 *
 * @waiter.owner holds its reference as long as the ticket lives.
 */
struct muster_ticket {
	struct muster_file *mfile;
	int fd;
	refcount_t refs;
	wait_queue_head_t poll;
	struct mutex leaving;	/* see "Locking" above */
	struct muster_deadline until;
	struct hrtimer timer;
	struct work_struct expiry;
	struct muster_waiter waiter;
};

static bool muster_ticket_settled(const struct muster_ticket *ticket)
{
	/* Pairs with the release in muster_ticket_settle(): the verdict is there. */
	return smp_load_acquire(&ticket->waiter.settled);
}

static void muster_ticket_put(struct muster_ticket *ticket)
{
	if (refcount_dec_and_test(&ticket->refs))
		kfree(ticket);
}

/* The wait of a ticket that is settled, else NULL. */
struct muster_waiter *muster_ticket_waiter(struct muster_ticket *ticket)
{
	return muster_ticket_settled(ticket) ? &ticket->waiter : NULL;
}

/* The wait of a ticket, whatever has become of it. */
struct muster_waiter *muster_ticket_any_waiter(struct muster_ticket *ticket)
{
	return &ticket->waiter;
}

/* A reference to a ticket that is not gone, for muster_ticket_wake(); NULL stays NULL. */
struct muster_ticket *muster_ticket_hold(struct muster_ticket *ticket)
{
	if (ticket)
		refcount_inc(&ticket->refs);
	return ticket;
}

/* What the type tells pollers has changed; drops the reference. */
void muster_ticket_wake(struct muster_ticket *ticket)
{
	if (!ticket)
		return;
	wake_up_poll(&ticket->poll, EPOLLPRI);
	muster_ticket_put(ticket);
}

/* muster_settle() of a ticket, which may be closed and gone once it is settled. */
void muster_ticket_settle(struct muster_ticket *ticket)
{
	refcount_inc(&ticket->refs);
	/* Pairs with the acquire in muster_ticket_settled(). */
	smp_store_release(&ticket->waiter.settled, true);
	/* EPOLLPRI: it may lead, with nobody behind it (F10). */
	wake_up_poll(&ticket->poll, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
	muster_ticket_put(ticket);
}

/* Leaves the queue, unless the verdict is there or on its way. */
static void muster_ticket_leave(struct muster_ticket *ticket, int reason)
{
	struct muster_waiter *waiter = &ticket->waiter;

	mutex_lock(&ticket->leaving);
	if (!muster_ticket_settled(ticket) &&
	    waiter->leave(waiter, reason) == MUSTER_LEFT) {
		waiter->verdict = reason;
		muster_waiter_left(waiter, reason);
		muster_ticket_settle(ticket);
	}
	mutex_unlock(&ticket->leaving);
}

/* ---- the deadline ---- */

static enum hrtimer_restart muster_ticket_timer(struct hrtimer *timer)
{
	struct muster_ticket *ticket = container_of(timer, struct muster_ticket, timer);

	queue_work(muster_work_queue(), &ticket->expiry);
	return HRTIMER_NORESTART;
}

static void muster_ticket_expire(struct work_struct *work)
{
	muster_ticket_leave(container_of(work, struct muster_ticket, expiry), -ETIMEDOUT);
}

static void muster_ticket_arm(struct muster_ticket *ticket)
{
	if (!ticket->until.forever)
		hrtimer_start(&ticket->timer, ticket->until.at, HRTIMER_MODE_ABS);
}

/* ---- beginning ---- */

/**
 * muster_ticket_create - begin to wait without a thread
 * @req:	the ioctl, with MUSTER_WAIT_TICKET
 * @size:	of the type's waiter, which begins with a struct muster_waiter
 * @leave:	see struct muster_waiter
 * @flags:	MUSTER_WAIT_*
 * @deadline:	as the caller sees time
 *
 * The caller tries or queues the waiter, and then calls muster_ticket_issue().
 *
 * Return: the waiter, zeroed but for the core's part, or an ERR_PTR.
 */
struct muster_waiter *muster_ticket_create(const struct muster_request *req, size_t size,
					   enum muster_leave (*leave)(struct muster_waiter *,
								      int),
					   u32 flags, u64 deadline)
{
	struct muster_file *from = req->mfile, *mfile;
	struct muster_ticket *ticket;
	struct muster_owner *owner;
	int fd;

	ticket = kzalloc(offsetof(struct muster_ticket, waiter) + size, MUSTER_GFP);
	if (!ticket)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&from->object->refs);
	mfile = muster_file_create(from->object, "[muster-ticket]", &muster_ticket_fops,
				   from->file->f_flags & O_NONBLOCK);
	if (IS_ERR(mfile)) {
		kfree(ticket);
		return ERR_CAST(mfile);
	}
	/* No descriptor refers to the file yet: its owner is not looked for. */
	owner = muster_owner_create(mfile, false);
	fd = IS_ERR(owner) ? PTR_ERR(owner) : get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		if (!IS_ERR(owner))
			muster_owner_put(owner);
		fput(mfile->file);
		kfree(ticket);
		return ERR_PTR(fd);
	}

	ticket->mfile = mfile;
	ticket->fd = fd;
	refcount_set(&ticket->refs, 1);
	init_waitqueue_head(&ticket->poll);
	mutex_init(&ticket->leaving);
	muster_deadline_set(&ticket->until, req, flags, deadline);
	ticket->until.nonblock = false;
	muster_hrtimer_setup(&ticket->timer, muster_ticket_timer, ticket->until.clock,
			     HRTIMER_MODE_ABS);
	INIT_WORK(&ticket->expiry, muster_ticket_expire);
	muster_waiter_init(&ticket->waiter, owner, leave);
	muster_owner_put(owner);
	ticket->waiter.task = NULL;
	ticket->waiter.ticket = ticket;
	mfile->ticket = ticket;
	return &ticket->waiter;
}

/**
 * muster_ticket_issue - give the ticket to the caller
 * @waiter:	of the ticket
 * @err:	MUSTER_QUEUED, 0 if granted at once, or the errno of the ioctl
 *
 * Return: the descriptor, or @err, with the ticket gone.
 */
int muster_ticket_issue(struct muster_waiter *waiter, int err)
{
	struct muster_ticket *ticket = waiter->ticket;
	struct file *file = ticket->mfile->file;
	int fd = ticket->fd;

	if (err < 0) {
		waiter->verdict = err;
		waiter->settled = true;
		fput(file);
		put_unused_fd(fd);
		return err;
	}
	if (err == MUSTER_QUEUED) {
		muster_ticket_arm(ticket);
	} else {
		waiter->verdict = 0;
		muster_ticket_settle(ticket);
	}
	fd_install(fd, file);
	return fd;
}

/* ---- the end ---- */

/**
 * muster_ticket_drop - an owner of a ticket's file is dead
 * @ticket:	the ticket
 * @owner:	who; if it is the one that the ticket waits for the wait ends
 *
 * A process that ends has died, as far as those who wait with it are concerned. One
 * that lives and closes the ticket only withdraws.
 */
void muster_ticket_drop(struct muster_ticket *ticket, struct muster_owner *owner)
{
	if (ticket->waiter.owner == owner)
		muster_ticket_leave(ticket, muster_dead_verdict(&ticket->waiter));
}

/* The file is gone, and all its owners are. */
static void muster_ticket_end(struct muster_ticket *ticket)
{
	const struct muster_type *type = ticket->mfile->object->type;

	hrtimer_cancel(&ticket->timer);
	cancel_work_sync(&ticket->expiry);
	/* Taken out of its queue, it is a few instructions from its verdict. */
	wait_event(ticket->poll, muster_ticket_settled(ticket));
	if (type->waiter_end)
		type->waiter_end(&ticket->waiter);
	muster_owner_put(ticket->waiter.owner);
	muster_ticket_put(ticket);
}

static int muster_ticket_release(struct inode *inode, struct file *file)
{
	struct muster_file *mfile = file->private_data;

	muster_owner_drop_all(mfile);
	if (mfile->ticket)
		muster_ticket_end(mfile->ticket);
	return muster_object_release(inode, file);
}

/* ---- what people do with a ticket ---- */

static int muster_ticket_wait(struct muster_ticket *ticket, const struct kiocb *iocb)
{
	if (muster_ticket_settled(ticket))
		return 0;
	if (iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	return wait_event_interruptible(ticket->poll, muster_ticket_settled(ticket));
}

/* Readers are not asked for the size that they know it by. */
static_assert(sizeof(struct muster_verdict) == 72);

/* The verdict, and behind it as much of a result as there is room for. */
static ssize_t muster_ticket_copy(struct muster_ticket *ticket, struct iov_iter *to)
{
	const struct muster_type *type = ticket->mfile->object->type;
	struct muster_verdict verdict = { .size = sizeof(verdict) };
	size_t room = iov_iter_count(to) - sizeof(verdict);
	struct muster_result *result = NULL;
	size_t len = 0;
	int err = 0;

	verdict.error = ticket->waiter.verdict;
	type->verdict(&ticket->waiter, &verdict);
	if (type->ticket_result)
		result = type->ticket_result(&ticket->waiter);
	if (copy_to_iter(&verdict, sizeof(verdict), to) != sizeof(verdict))
		return -EFAULT;
	if (result) {
		len = min(result->len, room);
		err = muster_result_read(result, to, len);
	}
	return err ?: sizeof(verdict) + len;
}

/* The same at each time. */
static ssize_t muster_ticket_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct muster_file *mfile = iocb->ki_filp->private_data;
	int err;

	if (iov_iter_count(to) < sizeof(struct muster_verdict))
		return -EINVAL;
	err = muster_ticket_wait(mfile->ticket, iocb);
	return err ?: muster_ticket_copy(mfile->ticket, to);
}

static __poll_t muster_ticket_poll(struct file *file, poll_table *wait)
{
	struct muster_file *mfile = file->private_data;
	const struct muster_type *type = mfile->object->type;
	struct muster_waiter *waiter;

	poll_wait(file, &mfile->ticket->poll, wait);
	waiter = muster_ticket_waiter(mfile->ticket);
	if (!waiter)
		return 0;
	return EPOLLIN | EPOLLRDNORM | (type->ticket_poll ? type->ticket_poll(waiter) : 0);
}

static void muster_ticket_fdinfo(struct seq_file *m, struct file *file)
{
	struct muster_file *mfile = file->private_data;

	muster_object_fdinfo(m, file);
	if (muster_ticket_settled(mfile->ticket))
		seq_printf(m, "muster-ticket:\tsettled %d\n", mfile->ticket->waiter.verdict);
	else
		seq_printf(m, "muster-ticket:\twaits %llu\n",
			   muster_waited(&mfile->ticket->waiter));
}

const struct file_operations muster_ticket_fops = {
	.owner = THIS_MODULE,
	.read_iter = muster_ticket_read,
	.poll = muster_ticket_poll,
	.unlocked_ioctl = muster_object_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.flush = muster_object_flush,
	.release = muster_ticket_release,
	.show_fdinfo = muster_ticket_fdinfo,
	.llseek = noop_llseek,
};
