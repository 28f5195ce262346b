// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: who holds what, and what happens when they go
 *
 * What is held is held by a process through an open file: the pair of struct file
 * and file table, the way POSIX locks do it (W1). The kernel calls ->flush with
 * that pair whenever a process closes a descriptor, at exit and on SIGKILL too. If
 * it was the last one that the process had of the file, the owner is dead and its
 * type gives back all it held (W2). A forked child has a file table of its own, so
 * it neither inherits holds (W3) nor keeps them alive.
 *
 * A thread may close the descriptor while another is about to use it, so an owner
 * could come to be after the last descriptor went. Its creator looks for that:
 *
 *	creating thread			closing thread
 *	---------------			--------------
 *	puts owner into the table	takes file out of the file table
 *	is file in the file table?	is owner in the table?
 *	  no: drops the owner		  yes: drops the owner
 *
 * The file table's lock is taken on both sides, so one of the two sees the other.
 *
 * A thread may also come by another descriptor of the file while one closes what was the
 * last: it had the file already, for dup(), or gets it by SCM_RIGHTS. What is granted to it
 * then must not be taken back. So who closes leaves a note with the owner, which whoever
 * uses the owner takes away, as does who grants something to one that waits:
 *
 *	closing thread				another thread
 *	--------------				--------------
 *	locks, writes the note, unlocks
 *	is file in the file table? no
 *						puts it there again
 *						locks, takes the note away,
 *						is granted something, unlocks
 *	locks; is the note there?
 *	  no: looks again
 *	  yes: the owner is dead
 *
 * If another thread's note is there that one closes a descriptor, too, came later, and sees
 * to it. What was granted before the note was written was so by a descriptor that is seen in the
 * table. Who locks after the owner is dead gets EBADF, or makes a new one.
 *
 * Locking: the table is an rhashtable, read under RCU. Owners come and go under
 * the lock of their object.
 */
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "muster.h"
#include "trace.h"

static struct rhashtable owners;

struct muster_owner_key {
	const struct muster_file *mfile;
	fl_owner_t files;
};

/* Two pointers that no caller chooses: this is found out with every call (W1). */
static u32 muster_owner_key_hash(const void *data, u32 len, u32 seed)
{
	const struct muster_owner_key *key = data;
	u64 mix = (unsigned long)key->mfile * GOLDEN_RATIO_64 + (unsigned long)key->files;

	return hash_64(mix ^ seed, 32);
}

static u32 muster_owner_hash(const void *obj, u32 len, u32 seed)
{
	const struct muster_owner *owner = obj;
	struct muster_owner_key key = { owner->mfile, owner->files };

	return muster_owner_key_hash(&key, sizeof(key), seed);
}

static int muster_owner_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct muster_owner_key *key = arg->key;
	const struct muster_owner *owner = obj;

	return owner->mfile != key->mfile || owner->files != key->files;
}

static const struct rhashtable_params owners_params = {
	.key_len = sizeof(struct muster_owner_key),
	.head_offset = offsetof(struct muster_owner, by_key),
	.hashfn = muster_owner_key_hash,
	.obj_hashfn = muster_owner_hash,
	.obj_cmpfn = muster_owner_cmp,
	.automatic_shrinking = true,
};

static struct muster_owner *muster_owner_lookup(struct muster_file *mfile,
						fl_owner_t files)
{
	struct muster_owner_key key = { mfile, files };

	return rhashtable_lookup(&owners, &key, owners_params);
}

/* muster_owner_find(), where the file is shared with other processes. */
struct muster_owner *muster_owner_find_other(struct muster_file *mfile)
{
	struct muster_owner *owner;

	rcu_read_lock();
	owner = muster_owner_lookup(mfile, current->files);
	rcu_read_unlock();
	return owner;
}

/*
 * That of a process by a file of the object, or NULL. @mfile is compared, and never followed:
 * it may be gone. As long as the object is locked what is found is not dead.
 */
struct muster_owner *muster_owner_find_by(struct muster_object *object,
					  struct muster_file *mfile, fl_owner_t files)
{
	struct muster_owner *owner;

	lockdep_assert_held(&object->lock);

	rcu_read_lock();
	owner = muster_owner_lookup(mfile, files);
	if (owner && owner->object != object)
		owner = NULL;
	rcu_read_unlock();
	return owner;
}

void muster_owner_put(struct muster_owner *owner)
{
	const struct muster_type *type;

	if (!refcount_dec_and_test(&owner->refs))
		return;
	/* All references end before the file does. */
	type = muster_owner_object(owner)->type;
	WARN_ON_ONCE(!list_empty(&owner->waiters) || owner->page);
	if (type->owner_end)
		type->owner_end(owner);
	put_pid(owner->pid);
	muster_user_put(owner->user);
	kfree_rcu(owner, rcu);
}

static int muster_is_file(const void *file, struct file *f, unsigned int fd)
{
	return f == file;
}

/* Has the calling process a descriptor of the file? */
static bool muster_file_is_open(struct muster_file *mfile)
{
	return iterate_fd(current->files, 0, muster_is_file, mfile->file);
}

/* Takes some tasks out of @asleep, with references; how many. */
static unsigned int muster_owner_pick(struct muster_owner *owner, struct list_head *asleep,
				      struct task_struct **tasks, unsigned int room)
{
	struct muster_waiter *waiter;
	unsigned int n;

	lockdep_assert_held(&owner->lock);

	for (n = 0; n < room && !list_empty(asleep); n++) {
		waiter = list_first_entry(asleep, struct muster_waiter, in_owner);
		list_move(&waiter->in_owner, &owner->waiters);
		tasks[n] = get_task_struct(waiter->task);
	}
	return n;
}

/*
 * Wakes the sleeping threads of a dead owner, which see that and leave with EBADF. There
 * may be very many, so some at a time, and without the lock; they may leave meanwhile
 * from whichever list they are in. Who comes to sleep from now on sees @dead at once.
 */
static void muster_owner_wake(struct muster_owner *owner)
{
	struct task_struct *tasks[16];
	LIST_HEAD(asleep);
	unsigned int i, n;

	spin_lock(&owner->lock);
	list_splice_init(&owner->waiters, &asleep);
	while ((n = muster_owner_pick(owner, &asleep, tasks, ARRAY_SIZE(tasks)))) {
		spin_unlock(&owner->lock);
		for (i = 0; i < n; i++) {
			wake_up_process(tasks[i]);
			put_task_struct(tasks[i]);
		}
		cond_resched();
		spin_lock(&owner->lock);
	}
	spin_unlock(&owner->lock);
}

enum muster_kill {
	MUSTER_KILLED,
	MUSTER_SPARED,		/* it is dead already, or will be by another's hand */
	MUSTER_USED,		/* the note is there no more */
};

/* The owner is dead. With @closing, a note of the caller's, only if that is there still. */
static enum muster_kill muster_owner_kill(struct muster_owner *owner,
					  struct task_struct *closing)
{
	enum muster_kill kill = MUSTER_SPARED;

	lockdep_assert_held(&muster_owner_object(owner)->lock);

	spin_lock(&owner->lock);
	if (!owner->dead && (!closing || owner->closing == closing)) {
		owner->exited = current->flags & PF_EXITING;
		WRITE_ONCE(owner->dead, true);
		kill = MUSTER_KILLED;
	} else if (!owner->dead && !owner->closing) {
		kill = MUSTER_USED;
	}
	spin_unlock(&owner->lock);
	return kill;
}

/* Unless the note @closing is there no more; NULL in any case. */
static enum muster_kill muster_owner_drop(struct muster_owner *owner,
					  struct task_struct *closing)
{
	struct muster_object *object = muster_owner_object(owner);
	struct muster_page *page;
	enum muster_kill kill;

	spin_lock(&object->lock);
	kill = muster_owner_kill(owner, closing);
	if (kill != MUSTER_KILLED) {
		spin_unlock(&object->lock);
		return kill;
	}
	/* Who does not find the owner any more is to know that its lease is over. */
	page = muster_page_detach(owner);
	if (rcu_access_pointer(owner->mfile->hot) == owner)
		RCU_INIT_POINTER(owner->mfile->hot, NULL);
	list_del(&owner->in_file);
	muster_table_op(rhashtable_remove_fast(&owners, &owner->by_key, owners_params));
	spin_unlock(&object->lock);

	trace_muster_owner_gone(object, owner);
	muster_page_put(page);
	muster_owner_wake(owner);
	if (owner->mfile->ticket)
		muster_ticket_drop(owner->mfile->ticket, owner);
	object->type->owner_drop(owner);
	muster_owner_put(owner);
	return kill;
}

/* Who goes by a page takes no note away: so there is none that was there before the note. */
static void muster_owner_note(struct muster_owner *owner)
{
	struct muster_object *object = muster_owner_object(owner);
	struct muster_page *page;

	spin_lock(&object->lock);
	page = muster_page_detach(owner);
	spin_lock(&owner->lock);
	owner->closing = current;
	spin_unlock(&owner->lock);
	spin_unlock(&object->lock);
	muster_page_put(page);
}

/*
 * Drops the owner if the calling process has no descriptor of the file; if it has, false.
 * Another thread may be doing that just now, and not be through with it.
 */
static bool muster_owner_drop_closed(struct muster_owner *owner)
{
	do {
		muster_owner_note(owner);
		if (muster_file_is_open(owner->mfile))
			return false;
	} while (muster_owner_drop(owner, current) == MUSTER_USED);
	return true;
}

static struct muster_owner *muster_owner_alloc(struct muster_file *mfile)
{
	const struct muster_type *type = mfile->object->type;
	struct muster_owner *owner;

	owner = kzalloc(type->owner_size, MUSTER_GFP);
	if (!owner)
		return NULL;
	owner->user = muster_user_get();
	if (!owner->user) {
		kfree(owner);
		return NULL;
	}
	owner->mfile = mfile;
	owner->object = mfile->object;
	owner->files = current->files;
	refcount_set(&owner->refs, 1);
	spin_lock_init(&owner->lock);
	INIT_LIST_HEAD(&owner->waiters);
	owner->pid = get_pid(task_tgid(current));
	if (type->owner_init)
		type->owner_init(owner);
	return owner;
}

/**
 * muster_owner_create - make the calling process an owner
 * @mfile:	the open file
 * @check:	the file has descriptors: see that the process still has one
 *
 * Return: a reference to the owner, or an ERR_PTR: -ENOMEM, -EBADF if another thread
 * has closed its last descriptor meanwhile, -EEXIST if another thread has made it.
 */
struct muster_owner *muster_owner_create(struct muster_file *mfile, bool check)
{
	struct muster_object *object = mfile->object;
	struct muster_owner *owner;
	int err;

	owner = muster_owner_alloc(mfile);
	if (!owner)
		return ERR_PTR(-ENOMEM);

	refcount_inc(&owner->refs);
	spin_lock(&object->lock);
	err = -EEXIST;
	if (!muster_owner_find(mfile))
		err = muster_table_op(rhashtable_insert_fast(&owners, &owner->by_key,
							     owners_params));
	if (!err) {
		list_add(&owner->in_file, &mfile->owners);
		if (!rcu_access_pointer(mfile->hot))
			rcu_assign_pointer(mfile->hot, owner);
	}
	spin_unlock(&object->lock);

	if (err) {
		/* Another thread was faster, or there is no memory for the table. */
		refcount_dec(&owner->refs);
		err = err == -EEXIST ? err : -ENOMEM;
	} else if (check && muster_owner_drop_closed(owner)) {
		err = -EBADF;
	}
	if (!err)
		return owner;
	muster_owner_put(owner);
	return ERR_PTR(err);
}

/**
 * muster_owner_get - a reference to the calling process as an owner
 * @mfile:	the open file
 *
 * Return: the owner, made if need be, or an ERR_PTR as of muster_owner_create().
 */
struct muster_owner *muster_owner_get(struct muster_file *mfile)
{
	struct muster_owner *owner;

	do {
		rcu_read_lock();
		owner = muster_owner_find(mfile);
		if (owner && !refcount_inc_not_zero(&owner->refs))
			owner = NULL;
		rcu_read_unlock();
		if (!owner)
			owner = muster_owner_create(mfile, true);
	} while (owner == ERR_PTR(-EEXIST));
	return owner;
}

/**
 * muster_owner_closed - a process has closed a descriptor of the file
 * @mfile:	the open file
 * @files:	its file table
 *
 * At exit current->files is NULL already, and all its descriptors go. With the only reference
 * to the file, the caller's, there can be no other descriptor: then all those of the
 * process need not be looked at, of which there may be very many. In any case a lease that
 * was mapped by way of this descriptor is over: its number may be another object's in a
 * moment, so who goes by the page is to see that, and map it anew.
 */
void muster_owner_closed(struct muster_file *mfile, fl_owner_t files)
{
	struct muster_owner *owner;

	rcu_read_lock();
	owner = muster_owner_lookup(mfile, files);
	if (owner && !refcount_inc_not_zero(&owner->refs))
		owner = NULL;
	rcu_read_unlock();
	if (!owner)
		return;
	/* dup() takes its reference before it looks again whether the descriptor is there. */
	smp_mb();
	if (files != current->files || file_count(mfile->file) == 1)
		muster_owner_drop(owner, NULL);
	else
		muster_owner_drop_closed(owner);
	muster_owner_put(owner);
}

/* The last reference to the file is gone: so are all who used it. */
void muster_owner_drop_all(struct muster_file *mfile)
{
	struct muster_object *object = mfile->object;
	struct muster_owner *owner;

	for (;;) {
		spin_lock(&object->lock);
		owner = list_first_entry_or_null(&mfile->owners,
						 struct muster_owner, in_file);
		if (owner)
			refcount_inc(&owner->refs);
		spin_unlock(&object->lock);
		if (!owner)
			return;
		muster_owner_drop(owner, NULL);
		muster_owner_put(owner);
	}
}

int muster_owners_init(void)
{
	return rhashtable_init(&owners, &owners_params);
}

void muster_owners_exit(void)
{
	WARN_ON(atomic_read(&owners.nelems));
	rhashtable_destroy(&owners);
}
