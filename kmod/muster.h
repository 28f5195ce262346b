/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * muster - the core, which knows nothing of the primitives
 *
 * Four rooms: the device, its dispatch and the files of objects (device.c, file.c);
 * objects, names and access (object.c, linger.c, list.c) with the limits of each user (quota.c);
 * what has happened in each namespace (space.c), and tracepoints (trace.h);
 * owners, who hold things and whose end gives them back (owner.c); waiters, be they
 * threads (waiter.c) or tickets (ticket.c), how they are listed (roster.c), and the pages
 * by which they need no system call (lease.c). A
 * primitive is a struct muster_type in a file of its own and a line in
 * muster_types[].
 *
 * Locking, outermost first
 * ------------------------
 * muster_names_mutex (object.c) the names, their order, and the last reference to a
 *				named object
 * muster_object.lock		the state of the object: all of a semaphore or
 *				barrier; which owners there are, of every type
 * flight_call.lock (flight.h)	one call of a flight group
 * muster_owner.lock		who sleeps on behalf of the owner; of a flight also
 *				what it leads
 * muster_kept.lock		what is kept for a user
 *
 * spaces_mutex (space.c) is for the namespaces, and nothing is locked inside it.
 *
 * sem.c has a mutex of its own, outside the object's lock.
 *
 * All but the mutexes are spinlocks that are held for a few instructions, or for a
 * bounded number of queue entries; nothing sleeps, allocates or touches user
 * memory under them. Everything runs in process context.
 */
#ifndef MUSTER_H
#define MUSTER_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include <linux/muster.h>

#include "compat.h"

struct muster_object;
struct muster_owner;
struct muster_page;
struct muster_result;
struct muster_space;
struct muster_ticket;
struct muster_user;
struct muster_waiter;

/*
 * For all that a caller makes the module allocate: charged to its memory cgroup,
 * and if that is full the caller gets ENOMEM instead of somebody being killed.
 */
#define MUSTER_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/*
 * For what changes a hash table: the kernel's own guards a bucket by a lock that is a bit
 * of its pointer, and reads the pointer plainly, which KCSAN would take for a race here.
 */
#define muster_table_op(op) data_race(op)

/* ---- device.c: the device and its dispatch ---- */

/**
 * struct muster_file - an open file of an object
 * @object:	the object; the file holds a reference
 * @owners:	struct muster_owner.in_file of all who used this file. Guarded by
 *		@object's lock.
 * @hot:	the owner that used this file first and, as a rule, alone; or NULL.
 *		Written under @object's lock, read under it or RCU.
 * @file:	back pointer, for its flags and as part of an owner's identity
 * @ticket:	what the file waits for, if it is a ticket
 * @no_lease:	its opener does not want any (L2)
 */
struct muster_file {
	struct muster_object *object;
	struct list_head owners;
	struct muster_owner __rcu *hot;
	struct file *file;
	struct muster_ticket *ticket;
	bool no_lease;
};

/**
 * struct muster_request - one ioctl on its way
 * @mfile:	the object's file; NULL on the device itself
 * @arg:	the caller's struct
 * @size:	its size as the caller knows it
 */
struct muster_request {
	struct muster_file *mfile;
	void __user *arg;
	u32 size;
};

/**
 * struct muster_command - an ioctl
 * @cmd:	its number
 * @run:	does it; see MUSTER_HANDLER()
 */
struct muster_command {
	unsigned int cmd;
	int (*run)(struct muster_request *req);
};

int muster_fetch_slow(struct muster_request *req, void *args, size_t size,
		      size_t min_size);
int muster_reply_slow(const struct muster_request *req, const void *args,
		      size_t size, size_t from);

/**
 * muster_fetch - read the struct of an ioctl
 * @req:	the ioctl; its @size is set
 * @args:	where to put the struct
 * @size:	its size in this version, constant
 * @min_size:	size that it must have at least
 *
 * Nearly every caller has the struct of this version, aligned: then it is a few
 * loads. All else is for copy_struct_from_user().
 *
 * Return: 0 or a negative errno.
 */
static __always_inline int muster_fetch(struct muster_request *req, void *args,
					size_t size, size_t min_size)
{
	const unsigned long __user *from = req->arg;
	unsigned long *to = args;
	size_t i;

	BUILD_BUG_ON(size % sizeof(u64));
	if (likely(IS_ALIGNED((unsigned long)from, sizeof(u64)) &&
		   user_read_access_begin(from, size))) {
		unsafe_get_user(to[0], from, out);
		if (likely(*(u32 *)args == size)) {
#pragma GCC unroll 16
			for (i = 1; i < size / sizeof(long); i++)
				unsafe_get_user(to[i], from + i, out);
			user_read_access_end();
			req->size = size;
			return 0;
		}
out:
		user_read_access_end();
	}
	return muster_fetch_slow(req, args, size, min_size);
}

/**
 * muster_copy_short - copy_from_user() for a few bytes
 * @to:		where to
 * @from:	the caller's pointer
 * @len:	how many
 *
 * What copy_from_user() does to be safe with any length costs more than to copy a key.
 *
 * Return: 0 or -EFAULT.
 */
static __always_inline int muster_copy_short(void *to, u64 from, size_t len)
{
	const u8 __user *user = u64_to_user_ptr(from);
	u64 word;

	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return copy_from_user(to, user, len) ? -EFAULT : 0;
	if (!user_read_access_begin(user, len))
		return -EFAULT;
	for (; len >= sizeof(word); len -= sizeof(word)) {
		unsafe_get_user(word, (const u64 __user *)user, fault);
		put_unaligned(word, (u64 *)to);
		user += sizeof(word);
		to += sizeof(word);
	}
	for (; len; len--)
		unsafe_get_user(*(u8 *)to++, user++, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

static __always_inline int muster_reply_from(const struct muster_request *req,
					     const void *args, size_t size, size_t from)
{
	const unsigned long *word = args + from;
	unsigned long __user *to = req->arg + from;
	size_t i;

	BUILD_BUG_ON(from % sizeof(u64));
	if (likely(req->size == size && IS_ALIGNED((unsigned long)to, sizeof(u64)) &&
		   user_write_access_begin(to, size - from))) {
#pragma GCC unroll 16
		for (i = 0; i < (size - from) / sizeof(long); i++)
			unsafe_put_user(word[i], to + i, fault);
		user_write_access_end();
		return 0;
fault:
		user_write_access_end();
		return -EFAULT;
	}
	return muster_reply_slow(req, args, size, from);
}

/*
 * Writes the results of an ioctl, which begin with field @first of its struct, to
 * the caller, as far as its struct has room for them; 0 or -EFAULT.
 */
#define muster_reply(req, args, first)					\
	muster_reply_from(req, args, sizeof(*(args)),			\
			  offsetof(typeof(*(args)), first))

bool muster_can_reply(const struct muster_request *req);

static inline const struct muster_command *
muster_find_command(const struct muster_command *table, unsigned int nr, unsigned int cmd)
{
	unsigned int i = _IOC_NR(cmd) - _IOC_NR(table->cmd);

	return i < nr && table[i].cmd == cmd ? &table[i] : NULL;
}

int muster_info_ioctl(struct muster_request *req);

/*
 * Defines _name_run() for a table of commands: fetches a struct _struct, that must
 * reach as far as field _last, and calls _name(req, args).
 */
#define MUSTER_HANDLER(_name, _struct, _last)				\
static int _name##_run(struct muster_request *req)			\
{									\
	_struct args __uninitialized;					\
	int err = muster_fetch(req, &args, sizeof(args),		\
			       offsetofend(_struct, _last));		\
									\
	return err ?: _name(req, &args);				\
}

/**
 * struct muster_type - a primitive
 * @name:	names the descriptor's kind: anon_inode:[muster-@name]
 * @id:		enum muster_type_id
 * @object_size: size of the struct around struct muster_object
 * @owner_size:	size of the struct around struct muster_owner
 * @options:	the options it knows
 * @commands:	its ioctls, with consecutive numbers
 * @nr_commands: how many
 * @load:	what the type needs, once; 0 or a negative errno. May be NULL
 * @unload:	the opposite; all objects are gone. May be NULL
 * @init:	sets a zeroed object up from what its creator asked for, after
 *		the core has done its part; 0 or a negative errno
 * @matches:	does the object have what a later opener asks for (O4)?
 * @drop:	nobody can reach the object any more: gives back what it still has of its users'.
 *		May be NULL
 * @destroy:	frees what @init made; some time after that, if @may_wait
 * @may_wait:	@destroy may wait for RCU, which who closes a file is not to do
 * @owner_init:	sets a zeroed owner up; may be NULL
 * @owner_drop:	the owner is dead: gives back all that it holds. Called once,
 *		without locks.
 * @owner_end:	nobody refers to the owner any more: frees what it still has of its own.
 *		May be NULL
 * @poll:	what poll(2) sees; the caller has queued itself already
 * @held:	how much the owner holds, for people to see; under the object's lock
 * @fdinfo:	adds lines to /proc/PID/fdinfo/FD
 * @count:	fills in @limit, @used, @kept and @waiters of an entry of LIST
 * @linger:	until when (ns, CLOCK_MONOTONIC) an object is worth being found by
 *		its name, though nobody has it (O3); 0 not at all. May be NULL
 * @evict:	lets the oldest go that it keeps for a user and nobody needs; false if
 *		there is nothing. Called without locks. May be NULL
 * @verdict:	fills in what a ticket's settled waiter was told
 * @ticket_result: the result that goes with that, or NULL; lives as long as the ticket.
 *		May be NULL
 * @ticket_poll: what poll(2) is told of a ticket that is settled, beside that; may be
 *		NULL
 * @waiter_end:	gives back what a ticket's waiter refers to; may be NULL
 * @may_lease:	is there something to lend? NULL if there never is
 * @lease_end:	takes back all that was lent to an owner, under the object's lock
 */
struct muster_type {
	const char *name;
	u32 id;
	size_t object_size;
	size_t owner_size;
	u32 options;
	const struct muster_command *commands;
	unsigned int nr_commands;
	int (*load)(void);
	void (*unload)(void);
	int (*init)(struct muster_object *object, const struct muster_open *how);
	bool (*matches)(struct muster_object *object, const struct muster_open *how);
	void (*drop)(struct muster_object *object);
	void (*destroy)(struct muster_object *object);
	bool may_wait;
	void (*owner_init)(struct muster_owner *owner);
	void (*owner_drop)(struct muster_owner *owner);
	void (*owner_end)(struct muster_owner *owner);
	__poll_t (*poll)(struct muster_object *object);
	u64 (*held)(struct muster_owner *owner);
	void (*fdinfo)(struct muster_object *object, struct seq_file *m);
	void (*count)(struct muster_object *object, struct muster_entry *entry);
	u64 (*linger)(struct muster_object *object);
	bool (*evict)(struct muster_user *user);
	void (*verdict)(const struct muster_waiter *waiter, struct muster_verdict *verdict);
	struct muster_result *(*ticket_result)(const struct muster_waiter *waiter);
	__poll_t (*ticket_poll)(struct muster_waiter *waiter);
	void (*waiter_end)(struct muster_waiter *waiter);
	bool (*may_lease)(const struct muster_object *object);
	void (*lease_end)(struct muster_owner *owner);
};

extern const struct muster_type muster_flight_type;
extern const struct muster_type muster_barrier_type;
extern const struct muster_type muster_sem_type;
extern const struct muster_type muster_group_type;

extern const struct muster_type *const muster_types[];
extern const unsigned int muster_nr_types;

/* ---- file.c: open files of objects ---- */

bool muster_file_room(void);
struct muster_file *muster_file_create(struct muster_object *object, const char *name,
				       const struct file_operations *fops, int flags);
long muster_object_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int muster_object_flush(struct file *file, fl_owner_t files);
int muster_object_release(struct inode *inode, struct file *file);
void muster_object_fdinfo(struct seq_file *m, struct file *file);

extern const struct file_operations muster_object_fops;

/* ---- object.c: objects, names, access ---- */

/**
 * struct muster_name - what a named object is found by (O2, O5)
 * @ns:		IPC namespace; a reference is held
 * @type:	types have name spaces of their own
 * @private:	effective user id of a '~' name, else (uid_t)-1
 * @len:	length of @bytes, 0 for an anonymous object
 * @bytes:	the name, not terminated
 */
struct muster_name {
	struct ipc_namespace *ns;
	const struct muster_type *type;
	uid_t private;
	u32 len;
	u8 bytes[MUSTER_NAME_MAX];
};

/**
 * struct muster_object - what the core knows of an object
 * @type:	its primitive
 * @id:		its number, for people to see: no other object ever has it
 * @totals:	of @space
 * @space:	what has happened in the IPC namespace that it was made in
 * @lock:	see "Locking" above
 * @poll:	who polls it
 * @refs:	one for each open file
 * @pins:	one for having had @refs, and one for each who needs the memory and what
 *		@type->init made, while those who used it may be gone
 * @options:	as created
 * @mode:	permission bits
 * @uid:	the creator's effective user
 * @gid:	the creator's effective group
 * @user:	whom it is charged to
 * @name:	its name, NULL if anonymous
 * @by_name:	link in the table of names, while @listed; this and what follows is
 *		guarded by muster_names_mutex
 * @in_order:	the same in the tree of names
 * @listed:	it is found by its name
 * @lingers:	though nobody has it (O3), ...
 * @linger_until: until then (ns, CLOCK_MONOTONIC)
 * @in_linger:	link in the list of all that linger
 * @in_user:	link in @user's
 * @ending:	nobody can reach it: @type->destroy, and what comes after it
 *
 * All between @poll and @by_name but @refs and @pins is constant once created, and so is
 * what comes before @lock.
 */
struct muster_object {
	const struct muster_type *type;
	u64 id;
	struct muster_totals __percpu *totals;
	struct muster_space *space;
	spinlock_t lock;	/* see "Locking" */
	wait_queue_head_t poll;
	refcount_t refs;
	refcount_t pins;
	u32 options;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	struct muster_user *user;
	struct muster_name *name;
	struct rhash_head by_name;
	struct rb_node in_order;
	bool listed;
	bool lingers;
	u64 linger_until;
	union {
		struct {
			struct list_head in_linger;
			struct list_head in_user;
		};
		struct work_struct ending;
	};
};

int muster_object_check(const struct muster_open *how);
int muster_object_open(struct muster_open *how, struct muster_object **object);
void muster_object_put(struct muster_object *object);
void muster_object_unpin(struct muster_object *object);
void muster_object_unlist(struct muster_object *object);
bool muster_may_open(const struct muster_object *object);
const struct muster_type *muster_find_type(u32 id);

extern struct mutex muster_names_mutex;

/*
 * Its memory, and what its type made, stay until muster_object_unpin(), though the last
 * reference may go. For those who have found it in a list out of which it is taken first.
 */
static inline void muster_object_pin(struct muster_object *object)
{
	refcount_inc(&object->pins);
}

/**
 * muster_object_wake_poll - something changed that poll(2) may be waiting for
 * @object:	called without its lock, after the change was made under it
 *
 * A poller queues itself and then looks at the state under the lock. If it looked
 * before the change it was in the queue before the lock was taken for the change,
 * so it is seen here; else it saw the change itself.
 */
static inline void muster_object_wake_poll(struct muster_object *object)
{
	/* No barrier is needed: see above. */
	if (waitqueue_active(&object->poll))
		wake_up_poll(&object->poll,
			     EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLPRI);
}

int muster_objects_init(void);
void muster_objects_exit(void);

/* ---- space.c: what has happened in each namespace (I5) ---- */

struct muster_space *muster_space_get(void);
void muster_space_put(struct muster_space *space);
struct muster_totals __percpu *muster_space_totals(struct muster_space *space);
unsigned int muster_space_inum(const struct muster_space *space);
int muster_totals_ioctl(struct muster_request *req);
int muster_spaces_init(void);
void muster_spaces_exit(void);

/*
 * Counts so many of something, in a field of an object's totals; one instruction, and no
 * cache line of others'.
 */
static inline void muster_count_n(u64 __percpu *total, u64 n)
{
	this_cpu_add(*total, n);
}

static inline void muster_count(u64 __percpu *total)
{
	this_cpu_inc(*total);
}

/* ---- list.c: what names there are (I5) ---- */

void muster_list_add(struct muster_object *object);
void muster_list_remove(struct muster_object *object);
int muster_list_ioctl(struct muster_request *req);

/* ---- linger.c: named objects that outlive their descriptors (O3) ---- */

bool muster_linger_begin(struct muster_object *object);
void muster_linger_end(struct muster_object *object);
bool muster_linger_evict(struct muster_user *user);
void muster_linger_exit(void);

/* ---- quota.c: limits of each user (O7) ---- */

enum muster_resource {
	MUSTER_RES_OBJECTS,
	MUSTER_RES_CALLS,
	MUSTER_RES_BYTES,
	MUSTER_RES_LEASES,
	MUSTER_NR_RESOURCES,
};

/**
 * struct muster_kept - what is kept for a user, and may go when room is needed
 * @lock:	inside all other locks
 * @list:	the oldest first; objects that linger are not in it
 * @used:	how much of what counts for the user would be there again, by resource
 */
struct muster_kept {
	spinlock_t lock;	/* guards all that follows */
	struct list_head list;
	s64 used[MUSTER_NR_RESOURCES];
};

struct muster_user *muster_user_get(void);
struct muster_kept *muster_user_kept(struct muster_user *user);
struct list_head *muster_user_lingering(struct muster_user *user);
struct muster_user *muster_user_hold(struct muster_user *user);
void muster_user_put(struct muster_user *user);
void muster_keep(struct muster_user *user, struct list_head *entry, u64 bytes);
void muster_unkeep(struct muster_user *user, struct list_head *entry, u64 bytes);
void muster_lingers(struct muster_user *user, struct list_head *entry);
void muster_lingers_not(struct muster_user *user, struct list_head *entry);
bool muster_charge(struct muster_user *user, enum muster_resource res, u64 n);
void muster_charge_over(struct muster_user *user, enum muster_resource res, u64 n);
bool muster_may_have(struct muster_user *user, enum muster_resource res, u64 n);
bool muster_make_room(struct muster_user *user, enum muster_resource res, u64 n);
int muster_make_room_for(struct muster_user *user, u64 n, const struct muster_request *req);
bool muster_make_room_by(struct muster_user *user, enum muster_resource res, u64 n,
			 unsigned int *evictions);
void muster_uncharge(struct muster_user *user, enum muster_resource res, u64 n);
bool muster_leases_on(void);
void muster_quota_info(struct muster_info *info);
u64 muster_result_max(void);
u32 muster_handovers_default(void);
void muster_quota_exit(void);

/* ---- owner.c: who holds what, and what happens when they go ---- */

/**
 * struct muster_owner - a process, as it holds things through one open file (W1)
 * @by_key:	link in the table of owners
 * @mfile:	the open file
 * @object:	its object
 * @files:	the process's file table; compared, never followed
 * @in_file:	link in @mfile->owners, guarded by the object's lock
 * @refs:	one for being in the table, one for each waiter and request
 * @lock:	see "Locking" above
 * @dead:	the process has no descriptor left: nothing may be granted to it
 *		any more. Written under the object's lock and @lock, read under
 *		either.
 * @exited:	if it is dead: it ended, rather than closed the file
 * @closing:	the thread that closes what may be the last descriptor, until the owner
 *		is used again; compared, never followed. Guarded as @dead is; see owner.c
 * @waiters:	struct muster_waiter.in_owner of its sleeping threads; @lock
 * @pid:	the process, for people to see
 * @user:	whom things are charged to
 * @page:	what it shares with the kernel, or NULL; under the object's lock
 * @rcu:	the table is read under RCU
 */
struct muster_owner {
	struct rhash_head by_key;
	struct muster_file *mfile;
	struct muster_object *object;
	fl_owner_t files;
	struct list_head in_file;
	refcount_t refs;
	spinlock_t lock;	/* see "Locking" */
	bool dead;
	bool exited;
	struct task_struct *closing;
	struct list_head waiters;
	struct pid *pid;
	struct muster_user *user;
	struct muster_page *page;
	struct rcu_head rcu;
};

struct muster_owner *muster_owner_find_other(struct muster_file *mfile);
struct muster_owner *muster_owner_find_by(struct muster_object *object,
					  struct muster_file *mfile, fl_owner_t files);
struct muster_owner *muster_owner_create(struct muster_file *mfile, bool check);
struct muster_owner *muster_owner_get(struct muster_file *mfile);
void muster_owner_put(struct muster_owner *owner);
void muster_owner_closed(struct muster_file *mfile, fl_owner_t files);
void muster_owner_drop_all(struct muster_file *mfile);
int muster_owners_init(void);
void muster_owners_exit(void);

static inline struct muster_object *muster_owner_object(struct muster_owner *owner)
{
	return owner->object;
}

/**
 * muster_owner_find - the calling process as an owner
 * @mfile:	the open file
 *
 * The caller holds the lock of the object, or is in an RCU read section, and may
 * use the owner for as long.
 *
 * Return: the owner, or NULL if there is none yet.
 */
static inline struct muster_owner *muster_owner_find(struct muster_file *mfile)
{
	struct muster_owner *owner;

	owner = rcu_dereference_check(mfile->hot,
				      lockdep_is_held(&mfile->object->lock));
	if (likely(owner && owner->files == current->files))
		return owner;
	return muster_owner_find_other(mfile);
}

/**
 * muster_owner_use - may something be granted to a process, or be waited for?
 * @owner:	the process, under a lock under which it dies
 *
 * Return: whether the owner is alive. If so it is for as long as the lock is held, and
 * does not die of a descriptor that was closed before (owner.c).
 */
static inline bool muster_owner_use(struct muster_owner *owner)
{
	WRITE_ONCE(owner->closing, NULL);
	return !owner->dead;
}

/* ---- waiter.c: deadlines, sleep, and being granted ---- */

/**
 * struct muster_deadline - how long a request may wait (T2, T3)
 * @at:		the host's time
 * @clock:	CLOCK_MONOTONIC or CLOCK_REALTIME
 * @forever:	no deadline
 * @nonblock:	do not wait at all
 */
struct muster_deadline {
	ktime_t at;
	clockid_t clock;
	bool forever;
	bool nonblock;
};

void muster_deadline_set(struct muster_deadline *until,
			 const struct muster_request *req, u32 flags, u64 ns);
bool muster_deadline_passed(const struct muster_deadline *until);

/* What becomes of one who leaves. */
enum muster_fate {
	MUSTER_LIVES,
	MUSTER_DIES,
	MUSTER_DIES_ALONE,	/* the thread, as another one execs */
	MUSTER_IN_DOUBT,	/* its tracer decides, or another thread is about to */
};

enum muster_fate muster_signal_fate(void);

static inline bool muster_is_death(enum muster_fate fate)
{
	return fate == MUSTER_DIES || fate == MUSTER_DIES_ALONE;
}

/* Is the request not to wait at all (T3)? */
static inline bool muster_nonblock(const struct muster_request *req, u32 flags)
{
	return flags & MUSTER_WAIT_NONBLOCK || req->mfile->file->f_flags & O_NONBLOCK;
}

/* Are the flags known? @own are those of the ioctl beside MUSTER_WAIT_*. */
static inline bool muster_wait_flags_ok(u32 flags, u32 own)
{
	u32 never = MUSTER_WAIT_NONBLOCK | MUSTER_WAIT_TICKET;

	return !(flags & ~(MUSTER_WAIT_MASK | own)) && (flags & never) != never;
}

/**
 * enum muster_leave - what becomes of a waiter that would rather leave
 * @MUSTER_LEFT:	it was in the queue and no longer is
 * @MUSTER_SETTLED:	too late: its verdict is on the way, and counts
 * @MUSTER_STAY:	not for a signal that does not kill
 */
enum muster_leave {
	MUSTER_LEFT,
	MUSTER_SETTLED,
	MUSTER_STAY,
};

/**
 * struct muster_waiter - a thread in a queue, on that thread's stack; or a ticket
 * @node:	link in the queue of its type, under that queue's lock; once the
 *		waiter is taken out to be settled, the link belongs to the taker
 * @in_owner:	link in @owner->waiters, under @owner->lock
 * @task:	the thread; NULL if nobody sleeps in it
 * @ticket:	what it is part of instead, or NULL
 * @owner:	on whose behalf; holds a reference
 * @leave:	called without locks when the thread would leave for @reason
 *		(-ETIMEDOUT, -ERESTARTSYS, -EBADF; a ticket that is closed: -ECANCELED)
 * @since:	jiffies when it began to wait, for people to see
 * @began:	the same in ns (CLOCK_MONOTONIC) if that is traced, else 0
 * @verdict:	how it ended: 0 or a negative errno; written by the taker before
 *		it says @settled
 * @settled:	the last thing written to the waiter, which may be gone after
 *
 * The thread that grants takes the waiter out of its queue under the lock of the
 * queue, does everything on its behalf, and calls muster_settle() after unlocking
 * (T1). From the taking on the waiter cannot leave: if its deadline passes, or a
 * signal comes, it waits for the verdict, which is a few instructions away. So a
 * grant that was made is never refused, and the taker may touch the waiter
 * without a lock.
 *
 *	granting thread				waiting thread
 *	---------------				--------------
 *	lock, take waiter out, unlock		sets its state to sleep
 *	writes verdict				reads settled (acquire): no
 *	holds the task				sleeps
 *	writes settled (release)
 *	wakes the task				reads settled: yes; reads verdict
 *
 * The store of settled before the wake-up, and that of the task state before the
 * load of settled, order as for any wake-up: one of the two sees the other.
 */
struct muster_waiter {
	struct list_head node;
	struct list_head in_owner;
	struct task_struct *task;
	struct muster_ticket *ticket;
	struct muster_owner *owner;
	enum muster_leave (*leave)(struct muster_waiter *waiter, int reason);
	u64 since;
	u64 began;
	int verdict;
	bool settled;
};

/* struct muster_waiter.verdict of one that is in its queue */
#define MUSTER_QUEUED	1

/* Its owner is dead. A ticket that is closed by one who lives is withdrawn. */
static inline int muster_dead_verdict(const struct muster_waiter *waiter)
{
	return waiter->ticket && !waiter->owner->exited ? -ECANCELED : -EBADF;
}

void muster_waiter_init(struct muster_waiter *waiter, struct muster_owner *owner,
			enum muster_leave (*leave)(struct muster_waiter *, int));
void muster_waiter_queued(struct muster_waiter *waiter, u64 amount);
u64 muster_waited(const struct muster_waiter *waiter);
void muster_waiter_left(struct muster_waiter *waiter, int reason);
int muster_wait(struct muster_waiter *waiter, const struct muster_deadline *until);
void muster_settle(struct muster_waiter *waiter);
void muster_settle_all(struct list_head *taken);

/*
 * How many waiters are woken before they get a chance to run. On the CPU of their waker
 * each of them may preempt it, and two switches for each would cost more than the waking;
 * but the first must not wait for the last.
 */
#define MUSTER_WAKE_BATCH	16

/* After @nr waiters were settled. */
static inline void muster_let_run(unsigned int nr)
{
	if (nr % MUSTER_WAKE_BATCH == 0)
		cond_resched();
}

/* How many waiters are served or examined before a lock is let go for a moment. */
#define MUSTER_BATCH	64

/* ---- ticket.c: waiting without a thread ---- */

struct muster_waiter *muster_ticket_create(const struct muster_request *req, size_t size,
					   enum muster_leave (*leave)(struct muster_waiter *,
								      int),
					   u32 flags, u64 deadline);
int muster_ticket_issue(struct muster_waiter *waiter, int err);
void muster_ticket_settle(struct muster_ticket *ticket);
struct muster_waiter *muster_ticket_waiter(struct muster_ticket *ticket);
struct muster_waiter *muster_ticket_any_waiter(struct muster_ticket *ticket);
struct muster_ticket *muster_ticket_hold(struct muster_ticket *ticket);
void muster_ticket_wake(struct muster_ticket *ticket);
void muster_ticket_drop(struct muster_ticket *ticket, struct muster_owner *owner);

extern const struct file_operations muster_ticket_fops;

/* ---- lease.c: a page that a process shares with the kernel ---- */

/**
 * struct muster_page - a lease, as the kernel has it
 * @refs:	one of the owner, and one of each mapping
 * @user:	whom it is charged to
 * @id:		as the process sees it
 * @lease:	the page itself; what is read there is the process's word
 */
struct muster_page {
	refcount_t refs;
	struct muster_user *user;
	u64 id;
	struct muster_lease *lease;
};

int muster_object_mmap(struct file *file, struct vm_area_struct *vma);
void muster_page_put(struct muster_page *page);
struct muster_page *muster_page_detach(struct muster_owner *owner);

/* The word by which permits are lent. */
static inline atomic64_t *muster_lease_word(const struct muster_owner *owner)
{
	return (atomic64_t *)&owner->page->lease->permits;
}

/* ---- result.c: what one process hands to others ---- */

/**
 * struct muster_result - what somebody handed in
 * @refs:	whoever keeps or copies it
 * @room:	bytes that @data has room for
 * @file:	if it is a file, else NULL
 * @len:	bytes
 * @data:	the bytes, if it is no file; never changed
 */
struct muster_result {
	refcount_t refs;
	u32 room;
	struct file *file;
	size_t len;
	u8 data[];
};

struct muster_result *muster_result_get(u64 data, u64 len, struct muster_result **spare);
struct muster_result *muster_result_get_file(int fd);
void muster_result_put(struct muster_result *result);
void muster_result_put_spare(struct muster_result *result, struct muster_result **spare);
int muster_result_open(struct muster_result *result, struct file **file);
void muster_result_close(int fd, struct file *file);
size_t muster_result_kept_bytes(const struct muster_result *result);
int muster_result_read(struct muster_result *result, struct iov_iter *to, size_t len);
int muster_result_copy(struct muster_result *result, u64 to, size_t len);

/* ---- roster.c: processes as the STAT ioctls list them ---- */

/**
 * struct muster_listed - a process that is to be listed
 * @pid:	a reference
 * @amount:	as of struct muster_process
 * @since:	jiffies
 * @role:	MUSTER_PROCESS_*
 */
struct muster_listed {
	struct pid *pid;
	u64 amount;
	u64 since;
	u32 role;
};

/**
 * struct muster_roster - processes to be listed
 * @entries:	room, or NULL
 * @next:	where the next one goes
 * @end:	of the room
 */
struct muster_roster {
	struct muster_listed *entries;
	struct muster_listed *next;
	struct muster_listed *end;
};

int muster_roster_alloc(struct muster_roster *roster, u64 to, u32 room);
void muster_roster_clear(struct muster_roster *roster);
int muster_roster_copy(struct muster_roster *roster, u64 to);
void muster_roster_free(struct muster_roster *roster);

/**
 * muster_roster_add - list a process
 * @roster:	the list
 * @owner:	the process
 * @role:	MUSTER_PROCESS_*
 * @amount:	as of struct muster_process
 * @since:	jiffies
 *
 * Called under a spinlock, for each of very many: whatever can wait is left to
 * muster_roster_copy().
 *
 * Return: whether there was room. If not, the caller need not go on.
 */
static inline bool muster_roster_add(struct muster_roster *roster,
				     const struct muster_owner *owner,
				     u32 role, u64 amount, u64 since)
{
	struct muster_listed *entry = roster->next;

	if (entry == roster->end)
		return false;
	roster->next = entry + 1;
	entry->pid = get_pid(owner->pid);
	entry->amount = amount;
	entry->since = since;
	entry->role = role;
	return true;
}

#endif /* MUSTER_H */
