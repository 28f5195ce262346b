/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * muster - coordination between processes that survives crashes
 *
 * The whole kernel interface: one device, /dev/muster, and one descriptor for
 * each object opened through it. The rules cited as (F6), (T3), ... are
 * numbered in Documentation/semantics.rst.
 *
 * Conventions, true of every ioctl here
 * -------------------------------------
 * - The argument points to a struct whose first field is @size. The caller sets
 *   it to sizeof the struct that it was compiled with. A struct that is shorter
 *   than the module's is taken as if the missing fields were 0, and results that
 *   have no room are not written; a longer one is taken if what the module does
 *   not know is 0, else E2BIG (I1). Each struct names its smallest size.
 * - Bits and fields that are reserved or unknown must be 0, else EINVAL.
 * - Layout is the same for 32-bit and 64-bit callers. Pointers are in u64 fields.
 * - Fields marked (out) are written on success only, unless the text says so.
 *   What the caller puts there is ignored, by a module that knows the field: who wants
 *   to run on older ones, too, clears the struct first.
 * - An ioctl that fails has changed nothing, unless the text says so.
 * - Times are absolute, in ns, of CLOCK_MONOTONIC as the caller sees it (time
 *   namespaces included) or, by MUSTER_WAIT_REALTIME, of CLOCK_REALTIME (T2).
 *
 * Errors, the same for every ioctl
 * --------------------------------
 * EFAULT	a pointer is not valid. Nothing stays granted (T4). Of one that was
 *		valid when the ioctl began it may be told too late: FINISH, ABANDON,
 *		FORGET and AWAIT are done then
 * EINVAL	unknown flag, reserved field not 0, @size below the smallest, or
 *		what the text of the ioctl says
 * E2BIG	@size is beyond what the module knows and the rest is not 0, or
 *		@size is more than a page
 * ENOTTY	the descriptor is not of the type that has this ioctl
 * ENOMEM	out of memory, or the caller's memory cgroup is full (O7)
 * EBADF	another thread of the caller closed the descriptor meanwhile (W2)
 *
 * Errors of the ioctls that wait
 * ------------------------------
 * EAGAIN	MUSTER_WAIT_NONBLOCK or O_NONBLOCK was set and it would wait (T3)
 * ETIMEDOUT	the deadline has passed (T2)
 * EINTR	a signal handler without SA_RESTART ran; else the call restarts by
 *		itself (T3). The caller has left the queue.
 */
#ifndef _UAPI_LINUX_MUSTER_H
#define _UAPI_LINUX_MUSTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The version of this interface: it grows with every addition. */
#define MUSTER_API_VERSION	1

#define MUSTER_DEVICE		"/dev/muster"

/* Length of a name and of a key, in bytes. */
#define MUSTER_NAME_MAX		255
#define MUSTER_KEY_MAX		255

/* A deadline that never comes. Values beyond 2^63-1 mean the same. */
#define MUSTER_FOREVER		(~0ULL)

/**
 * enum muster_type_id - the types of objects
 * @MUSTER_FLIGHT:	a group of calls by key; each key runs once (F1 to F12)
 * @MUSTER_BARRIER:	a cyclic barrier (B1 to B7)
 * @MUSTER_SEM:		a weighted semaphore (S1 to S6)
 * @MUSTER_GROUP:	a group of tasks to wait for (G1 to G4)
 */
enum muster_type_id {
	MUSTER_FLIGHT	= 1,
	MUSTER_BARRIER	= 2,
	MUSTER_SEM	= 3,
	MUSTER_GROUP	= 4,
};

/* Flags of every ioctl that waits, in its @flags. */
#define MUSTER_WAIT_NONBLOCK	(1U << 0)	/* do not wait: EAGAIN */
#define MUSTER_WAIT_REALTIME	(1U << 1)	/* @deadline is CLOCK_REALTIME */
#define MUSTER_WAIT_TICKET	(1U << 2)	/* return a ticket: see below (T5) */
#define MUSTER_WAIT_MASK	(MUSTER_WAIT_NONBLOCK | MUSTER_WAIT_REALTIME | \
				 MUSTER_WAIT_TICKET)

/**
 * struct muster_verdict - read(2) from a ticket: how a wait ended (T5)
 * @size:	of this struct. The bytes of a flight's result follow at this offset,
 *		as far as there is room for them, be it a file or not.
 * @error:	0, or a negative errno: what the ioctl would have failed with
 * @token:	fencing token, as in the struct of the ioctl
 * @generation:	barrier
 * @result_len:	flight: size in bytes of the whole result
 * @role:	flight: MUSTER_ROLE_*
 * @outcome:	MUSTER_OUTCOME_*. A result that did not fit the buffer is read again
 *		with a longer one, so that a ticket's is never TRUNCATED. FD: it is
 *		a file, and MUSTER_FLIGHT_FETCH gives a descriptor of it.
 * @status:	flight: the leader's; barrier: the action's
 * @attempt:	flight
 * @shared:	flight
 * @index:	barrier
 * @broken_by:	barrier, with EPIPE
 * @arrived:	barrier, with EPIPE
 * @parties:	barrier, with EPIPE
 * @__reserved:	0
 *
 * Every ioctl that waits can return a ticket instead, with MUSTER_WAIT_TICKET: a
 * descriptor, close-on-exec, that becomes readable when the wait has ended. Nothing
 * is written to the ioctl's struct then; what can be refused at once is an error of
 * the ioctl. O_NONBLOCK of the descriptor is passed on to the ticket and concerns
 * read(2): EAGAIN before the end, else read() waits. MUSTER_WAIT_NONBLOCK together
 * with MUSTER_WAIT_TICKET is EINVAL.
 *
 * A ticket is also a descriptor of the object, with all its ioctls, and what it was
 * granted is held through it (W1): release permits, FINISH or COMPLETE through the
 * ticket. To close it before the end leaves the queue (a barrier is not broken by
 * that, unless its action runs); to close it after gives back what it was granted
 * and was not given back yet. It can be read any number of times, by whoever has it;
 * each time it tells the same. A flight's result counts for the maker until the ticket is
 * closed, as one that waits to be fetched (O7). Of a flight, while it leads and nobody
 * follows, poll(2) also tells POLLPRI (F10).
 *
 * Errors of read(2): EAGAIN; EINTR; EFAULT; EINVAL the buffer is shorter than this
 * struct. Errors of the ioctl, beside its own: EMFILE, ENFILE.
 *
 * This struct does not grow: read(2) does not tell the module which one the reader was
 * compiled with. What it has no room for is for an ioctl on the ticket.
 */
struct muster_verdict {
	__u32 size;
	__s32 error;
	__u64 token;
	__u64 generation;
	__u64 result_len;
	__u32 role;
	__u32 outcome;
	__s32 status;
	__u32 attempt;
	__u32 shared;
	__u32 index;
	__u32 broken_by;
	__u32 arrived;
	__u32 parties;
	__u32 __reserved;
};

#define MUSTER_IOC_MAGIC	0xBE

/* On /dev/muster and on every object. */
#define MUSTER_INFO		_IO(MUSTER_IOC_MAGIC, 0x00)
/* On /dev/muster. */
#define MUSTER_OPEN		_IO(MUSTER_IOC_MAGIC, 0x01)
#define MUSTER_LIST		_IO(MUSTER_IOC_MAGIC, 0x02)
#define MUSTER_TOTALS		_IO(MUSTER_IOC_MAGIC, 0x03)
/* On a flight group. */
#define MUSTER_FLIGHT_JOIN	_IO(MUSTER_IOC_MAGIC, 0x20)
#define MUSTER_FLIGHT_FINISH	_IO(MUSTER_IOC_MAGIC, 0x21)
#define MUSTER_FLIGHT_ABANDON	_IO(MUSTER_IOC_MAGIC, 0x22)
#define MUSTER_FLIGHT_FORGET	_IO(MUSTER_IOC_MAGIC, 0x23)
#define MUSTER_FLIGHT_FETCH	_IO(MUSTER_IOC_MAGIC, 0x24)
#define MUSTER_FLIGHT_STAT	_IO(MUSTER_IOC_MAGIC, 0x25)
#define MUSTER_FLIGHT_FOLLOWERS	_IO(MUSTER_IOC_MAGIC, 0x26)
/* On a barrier. */
#define MUSTER_BARRIER_AWAIT	_IO(MUSTER_IOC_MAGIC, 0x40)
#define MUSTER_BARRIER_COMPLETE	_IO(MUSTER_IOC_MAGIC, 0x41)
#define MUSTER_BARRIER_RESET	_IO(MUSTER_IOC_MAGIC, 0x42)
#define MUSTER_BARRIER_STAT	_IO(MUSTER_IOC_MAGIC, 0x43)
#define MUSTER_BARRIER_SET_PARTIES _IO(MUSTER_IOC_MAGIC, 0x44)
#define MUSTER_BARRIER_ENTER	_IO(MUSTER_IOC_MAGIC, 0x45)
#define MUSTER_BARRIER_LEAVE	_IO(MUSTER_IOC_MAGIC, 0x46)
/* On a semaphore. */
#define MUSTER_SEM_ACQUIRE	_IO(MUSTER_IOC_MAGIC, 0x60)
#define MUSTER_SEM_RELEASE	_IO(MUSTER_IOC_MAGIC, 0x61)
#define MUSTER_SEM_SET_LIMIT	_IO(MUSTER_IOC_MAGIC, 0x62)
#define MUSTER_SEM_STAT		_IO(MUSTER_IOC_MAGIC, 0x63)
/* On a group. */
#define MUSTER_GROUP_ADD	_IO(MUSTER_IOC_MAGIC, 0x80)
#define MUSTER_GROUP_CLAIM	_IO(MUSTER_IOC_MAGIC, 0x81)
#define MUSTER_GROUP_DONE	_IO(MUSTER_IOC_MAGIC, 0x82)
#define MUSTER_GROUP_WAIT	_IO(MUSTER_IOC_MAGIC, 0x83)
#define MUSTER_GROUP_RESULT	_IO(MUSTER_IOC_MAGIC, 0x84)
#define MUSTER_GROUP_CANCEL	_IO(MUSTER_IOC_MAGIC, 0x85)
#define MUSTER_GROUP_RESET	_IO(MUSTER_IOC_MAGIC, 0x86)
#define MUSTER_GROUP_STAT	_IO(MUSTER_IOC_MAGIC, 0x87)

/**
 * struct muster_info - ioctl(MUSTER_INFO): what this module is (I1)
 * @size:		sizeof(struct muster_info); at least 8
 * @flags:		0
 * @api_version:	(out) MUSTER_API_VERSION that the module was built with
 * @type:		(out) enum muster_type_id of the descriptor, 0 for the device
 * @features:		(out) bit n is set if type n is there (1 << MUSTER_SEM, ...)
 * @result_max:		(out) most bytes of one flight's result (O7)
 * @bytes_max:		(out) most result bytes kept for one user (O7)
 * @objects_max:	(out) most objects of one user (O7)
 * @calls_max:		(out) most calls in flight of one user; kept results, results that
 *			wait for MUSTER_FLIGHT_FETCH, and tasks of groups included (O7)
 * @handovers_default:	(out) hand-overs per call where the opener said none (F6)
 * @leases_max:		(out) most leases of one user (O7, L1); 0: there are none
 */
struct muster_info {
	__u32 size;
	__u32 flags;
	__u32 api_version;
	__u32 type;
	__u64 features;
	__u64 result_max;
	__u64 bytes_max;
	__u32 objects_max;
	__u32 calls_max;
	__u32 handovers_default;
	__u32 leases_max;
};

/* struct muster_open.options, by type. */
#define MUSTER_FLIGHT_NO_HANDOVER	(1U << 0)	/* F6: as in Go */
#define MUSTER_BARRIER_ACTION		(1U << 0)	/* B2 */
#define MUSTER_BARRIER_MEMBERS		(1U << 1)	/* B6 */
#define MUSTER_BARRIER_SHRINK		(1U << 2)	/* B6: with MEMBERS, a death takes
							 * a party away, and breaks
							 * nothing
							 */
#define MUSTER_SEM_SIGNALLING		(1U << 0)	/* S3 */
#define MUSTER_GROUP_KEEP_GOING		(1U << 0)	/* a failure does not cancel (G3) */

/* struct muster_open.flags, of this descriptor only. */
#define MUSTER_OPEN_NO_LEASE		(1U << 0)	/* semaphore: no leases (L2) */

/**
 * struct muster_open - ioctl(MUSTER_OPEN): get a descriptor of an object
 * @size:	sizeof(struct muster_open); at least 48
 * @type:	enum muster_type_id
 * @oflags:	O_CREAT, O_EXCL, O_CLOEXEC, O_NONBLOCK with the meaning that
 *		open(2) gives them. Without a name O_CREAT and O_EXCL say nothing.
 * @mode:	permission bits (0777) of a new named object, less the caller's
 *		umask (O6). As for POSIX semaphores, to open an existing object
 *		one needs both read and write permission.
 * @name:	pointer to the name, not terminated; 0 for an anonymous object
 * @name_len:	its length, 1 to MUSTER_NAME_MAX; 0 for an anonymous object. Any
 *		bytes but control characters (below 32, and 127). A name that
 *		begins with '~' is private to the caller's effective user (O2).
 *		Names are per type and per IPC namespace (O5).
 * @options:	options of the type: MUSTER_FLIGHT_NO_HANDOVER, ...
 *		0 on opening an existing object: whatever it has.
 * @limit:	flight: hand-overs per call, 0 for the default (F6);
 *		barrier: parties, 1 to 2^31-1; with MUSTER_BARRIER_MEMBERS the seats
 *		that there are at first, which may be 0;
 *		semaphore: permits, 1 to 2^63-1;
 *		group: tasks that may run at once, to 2^31-1, 0 for any number.
 *		0 on opening an existing object: whatever it has.
 * @initial:	signalling semaphore: permits that are there at first, 0 to
 *		@limit. Ignored on opening an existing one. Else 0.
 * @created:	(out) 1 if the object is new, 0 if it was there
 * @flags:	MUSTER_OPEN_*
 *
 * Returns the descriptor, which is the capability from then on: it passes
 * through fork(2) and SCM_RIGHTS. The object lives as long as a descriptor of
 * it does; there is no unlink (O3).
 *
 * Errors: EACCES the object's mode does not allow it; EEXIST O_CREAT|O_EXCL and
 * it exists; ENOENT it does not exist and O_CREAT was not set; EINVAL the type,
 * name, mode, or a parameter is not valid, or differs from that of the existing
 * object (O4); ENAMETOOLONG; ENOSPC objects_max is reached; EMFILE, ENFILE no
 * descriptor is free.
 */
struct muster_open {
	__u32 size;
	__u32 type;
	__u32 oflags;
	__u32 mode;
	__aligned_u64 name;
	__u32 name_len;
	__u32 options;
	__u64 limit;
	__u64 initial;
	__u32 created;
	__u32 flags;
};

/* A LIST tells of at most so many objects in one call. */
#define MUSTER_LIST_MAX		64

/**
 * struct muster_entry - a named object, as LIST tells of it (I5)
 * @type:	enum muster_type_id
 * @mode:	permission bits
 * @uid:	its creator's effective user, in the caller's user namespace (the overflow
 *		id if it has none there)
 * @gid:	its creator's effective group
 * @options:	options it was created with
 * @files:	open files of it in all processes, tickets included; 0 if it only lingers (O3)
 * @limit:	as struct muster_open has it, and as it is now
 * @used:	flight: keys in flight; barrier: arrived and not left; semaphore: permits held;
 *		group: tasks not done
 * @kept:	flight: results that are kept; group: tasks that are done; else 0
 * @waiters:	callers and tickets that wait
 * @linger_until: CLOCK_MONOTONIC ns until when it lingers, if it does; else 0
 * @name_len:	length of @name
 * @__reserved:	0
 * @name:	not terminated; followed by bytes that are 0
 *
 * This struct does not grow: it comes in arrays.
 */
struct muster_entry {
	__u32 type;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 options;
	__u32 files;
	__u64 limit;
	__u64 used;
	__u64 kept;
	__u64 waiters;
	__u64 linger_until;
	__u32 name_len;
	__u32 __reserved;
	__u8 name[256];
};

/**
 * struct muster_list - ioctl(MUSTER_LIST): what named objects there are (I5)
 * @size:	sizeof(struct muster_list); at least 48
 * @flags:	0
 * @type:	only those of this type; 0 of all
 * @after_type:	0 to begin; else type of the last object one was told of: @type, if that is
 *		not 0
 * @after:	pointer to its name: the list goes on behind it. 0 to begin
 * @entries:	pointer to struct muster_entry[]; may be 0 if @nr_entries is
 * @after_len:	length of the name; 0 to begin
 * @__reserved:	0
 * @nr_entries:	in: room at @entries, in structs, of which MUSTER_LIST_MAX are used at
 *		most; out: how many there are now
 * @more:	(out) 1 if there are more
 *
 * Of the caller's IPC namespace, those that the caller could open now (O6), in order of
 * type and name. Objects without a name are not among them, nor other users' private
 * ones. What comes and goes between two calls is told of, or not; what is there all the
 * time is told of once.
 *
 * Errors: EINTR the caller is being killed; ENAMETOOLONG @after_len.
 */
struct muster_list {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 after_type;
	__aligned_u64 after;
	__aligned_u64 entries;
	__u32 after_len;
	__u32 __reserved;
	__u32 nr_entries;
	__u32 more;
};

/**
 * struct muster_totals - ioctl(MUSTER_TOTALS): what has happened so far (I5)
 * @size:	sizeof(struct muster_totals); at least 8
 * @flags:	0
 * @objects:	(out) objects that there are now, with a name or without
 * @led:	(out) flight: calls begun
 * @joined:	(out) flight: results that followers got
 * @served:	(out) flight: joins that got a kept result
 * @handed_over: (out) flight: hand-overs
 * @orphaned:	(out) flight: calls that ended with EOWNERDEAD or without anyone left
 * @forgotten:	(out) flight: calls forgotten
 * @kept:	(out) flight: results that were kept, now or before
 * @granted:	(out) semaphore: times that permits were granted by the kernel. Those
 *		that are acquired without a system call (L3) it does not count, as it
 *		knows nothing of them
 * @tripped:	(out) barrier: generations that tripped
 * @broken:	(out) barrier: times that one broke; resets do not count
 * @tasks:	(out) group: tasks that have ended
 * @failures:	(out) group: of these, how many failed, those that died included
 * @waits:	(out) times that somebody had to wait, callers and tickets, of all types
 * @timeouts:	(out) how many of them ended because the deadline passed
 * @deaths:	(out) processes that ended, or closed their last descriptor, while they held
 *		something: permits, leadership, an action or a seat, tasks
 * @lent:	(out) semaphore: times that released permits were lent to who released
 *		them (L3)
 * @taken:	(out) semaphore: times that what was lent was taken back from a process:
 *		others needed it, or its lease was over
 * @all:	(out) 1: of all objects of the caller's IPC namespace; 0: of those that the
 *		caller's effective user has made there
 * @__pad:	(out) 0
 *
 * Who has CAP_IPC_OWNER for the namespace is told of all. joined + served of led + joined +
 * served is the share of the work that was saved. What is counted of a user goes with its
 * last object in the namespace, but not in the one that the machine began with: there it
 * stays for the 256 users who had some last, and the sum of all is from the module's
 * beginning. Counters are read one after the other, while others go on.
 */
struct muster_totals {
	__u32 size;
	__u32 flags;
	__u64 objects;
	__u64 led;
	__u64 joined;
	__u64 served;
	__u64 handed_over;
	__u64 orphaned;
	__u64 forgotten;
	__u64 kept;
	__u64 granted;
	__u64 tripped;
	__u64 broken;
	__u64 tasks;
	__u64 failures;
	__u64 waits;
	__u64 timeouts;
	__u64 deaths;
	__u64 lent;
	__u64 taken;
	__u32 all;
	__u32 __pad;
};

/* ---- flight: of all concurrent callers for a key one does the work ---- */

/* struct muster_flight_join.flags, beside MUSTER_WAIT_*. */
#define MUSTER_JOIN_NO_FOLLOW	(1U << 8)	/* EBUSY rather than follow (F9) */
#define MUSTER_JOIN_NO_LEAD	(1U << 9)	/* ENOENT rather than lead (F9) */
#define MUSTER_JOIN_MIGRATORY	(1U << 10)	/* no EDEADLK: tasks wander between
						 * threads (F11)
						 */
#define MUSTER_JOIN_NO_RESULT	(1U << 11)	/* a follower wants the status only:
						 * no bytes are copied or kept
						 */
#define MUSTER_JOIN_FRESH	(1U << 12)	/* a result that was kept will not do:
						 * it is forgotten (F8)
						 */
#define MUSTER_JOIN_FD		(1U << 13)	/* a result that is a file is wanted
						 * as a descriptor (F3)
						 */

/* struct muster_flight_join.role */
#define MUSTER_ROLE_LEADER	1
#define MUSTER_ROLE_FOLLOWER	2

/* struct muster_flight_join.outcome */
#define MUSTER_OUTCOME_SHARED	 (1U << 0)	/* others got this result too */
#define MUSTER_OUTCOME_TRUNCATED (1U << 1)	/* @buf was too short: FETCH it */
#define MUSTER_OUTCOME_KEPT	 (1U << 2)	/* from before: see @age (F8) */
#define MUSTER_OUTCOME_STALE	 (1U << 3)	/* and past its time, while another
						 * process refreshes it (F8)
						 */
#define MUSTER_OUTCOME_FD	 (1U << 4)	/* the result is a file, and @fd a
						 * descriptor of it (F3)
						 */

/**
 * struct muster_flight_join - ioctl(MUSTER_FLIGHT_JOIN): lead or follow a call
 * @size:	sizeof(struct muster_flight_join); at least 48
 * @flags:	MUSTER_WAIT_*, MUSTER_JOIN_*
 * @key:	pointer to the key, any bytes
 * @key_len:	1 to MUSTER_KEY_MAX
 * @__reserved:	0
 * @deadline:	how long to follow. A leader does not wait (F5).
 * @buf:	pointer to room for the result, may be 0 if @buf_len is
 * @buf_len:	its size in bytes
 * @token:	(out) the call's fencing token (W4); it grows with every call
 *		and every hand-over of the group. The leader names its call by it.
 * @result_len:	(out) follower: size of the whole result in bytes
 * @role:	(out) MUSTER_ROLE_LEADER: the caller's process now leads; it must
 *		do the work and FINISH or ABANDON. MUSTER_ROLE_FOLLOWER: the work
 *		is done, @status and @buf hold what its leader said (F1, F2).
 * @outcome:	(out) MUSTER_OUTCOME_*
 * @status:	(out) follower: the status that the leader gave
 * @attempt:	(out) 1, and 1 more for each hand-over (F6)
 * @shared:	(out) follower: how many followers share the result, the caller
 *		included; leader: how many follow at this instant
 * @__pad:	(out) 0
 * @age:	(out) with MUSTER_OUTCOME_KEPT: ns since the result was handed in
 * @forget_after: as leader: joins that come so many ns from now begin a new call, as
 *		after FORGET (F7); 0 never
 * @fd:		(out) with MUSTER_OUTCOME_FD: a descriptor of the result, read-only,
 *		close-on-exec, with a file offset of its own. Else -1.
 * @__pad2:	(out) 0
 *
 * A result that is longer than @buf_len is not lost (F3): as much as fits is
 * copied, MUSTER_OUTCOME_TRUNCATED is set, and the result waits for the process
 * to MUSTER_FLIGHT_FETCH it by @token.
 *
 * A result that is a file (MUSTER_FINISH_FD) reaches those who ask for it by
 * MUSTER_JOIN_FD as a descriptor; nothing is put into @buf then. All others get its
 * bytes, as if they had been handed in.
 *
 * Errors: EBUSY, ENOENT (F9); EDEADLK the calling thread leads this key (F11);
 * EOWNERDEAD the leader died and the call may be handed over no more (F6);
 * ENOSPC calls_max is reached; ENOBUFS the result did not fit and may not be
 * kept either, since bytes_max or calls_max is reached, or 1,024 of the process wait to be
 * fetched through this open file, or that of a ticket may not be kept; EMFILE, ENFILE, and those of
 * open(2) and read(2) where the result is a file; EIO it is shorter than when it was
 * handed in; ETIMEDOUT, EAGAIN, EINTR.
 */
struct muster_flight_join {
	__u32 size;
	__u32 flags;
	__aligned_u64 key;
	__u32 key_len;
	__u32 __reserved;
	__u64 deadline;
	__aligned_u64 buf;
	__u64 buf_len;
	__u64 token;
	__u64 result_len;
	__u32 role;
	__u32 outcome;
	__s32 status;
	__u32 attempt;
	__u32 shared;
	__u32 __pad;
	__u64 age;
	__u64 forget_after;
	__s32 fd;
	__u32 __pad2;
};

#define MUSTER_FINISH_KEEP_FAILURE (1U << 0)	/* keep, though @status is not 0 */
#define MUSTER_FINISH_FD	(1U << 1)	/* the result is a file, @fd (F3) */

/**
 * struct muster_flight_finish - ioctl(MUSTER_FLIGHT_FINISH): the work is done
 * @size:	sizeof(struct muster_flight_finish); at least 48
 * @flags:	MUSTER_FINISH_*
 * @key:	pointer to the key that was joined
 * @key_len:	its length
 * @status:	the work's own status, any number
 * @token:	as JOIN gave it
 * @data:	pointer to the result, may be 0 if @data_len is
 * @data_len:	its size in bytes, up to result_max
 * @followers:	(out) how many got it
 * @__pad:	(out) 0
 * @keep:	for how many ns from now joins get this result at once, without a
 *		leader (F8); 0 not at all, MUSTER_FOREVER as long as the group lives.
 *		A result with a @status that is not 0 is kept only if
 *		MUSTER_FINISH_KEEP_FAILURE says so. Nor is one of a call that was
 *		forgotten.
 * @grace:	for how many ns after that one who joins leads, to refresh it, while
 *		the others get the old one at once, marked as stale
 * @fd:		with MUSTER_FINISH_FD the result, instead of @data, which is 0 then:
 *		a regular file that is open for reading, of any size. One that has no
 *		name, as memfd_create(2) makes them, must be sealed: F_SEAL_WRITE,
 *		F_SEAL_GROW, F_SEAL_SHRINK. Else 0.
 * @__pad2:	0
 *
 * Kept results count as calls and for bytes_max of the leader's user; the oldest go
 * when others need the room. A file counts as a page, or as its size if it is one of
 * shared memory. A named group in which a result is kept for a stated time outlives
 * its last descriptor until that time is over, but not longer than the module's
 * linger_max says (O3).
 *
 * The caller may close or go on using @fd; it is opened anew for each follower, as the
 * one who opened it could. What is later written to a file that has a name is seen by
 * those who got it.
 *
 * Any thread of the leading process may call it (W1). Every follower gets
 * @status and the bytes. A failed FINISH leaves the caller leading.
 *
 * Errors: EPERM the process does not lead such a call through this descriptor;
 * EMSGSIZE @data_len is more than result_max; ENOBUFS it is more than may be kept.
 * With MUSTER_FINISH_FD: EBADF @fd is not open for reading; EINVAL it is not a regular
 * file, or not sealed; and those of open(2).
 */
struct muster_flight_finish {
	__u32 size;
	__u32 flags;
	__aligned_u64 key;
	__u32 key_len;
	__s32 status;
	__u64 token;
	__aligned_u64 data;
	__u64 data_len;
	__u32 followers;
	__u32 __pad;
	__u64 keep;
	__u64 grace;
	__s32 fd;
	__u32 __pad2;
};

/**
 * struct muster_flight_key - ioctl(MUSTER_FLIGHT_ABANDON, MUSTER_FLIGHT_FORGET,
 * MUSTER_FLIGHT_FOLLOWERS)
 * @size:	sizeof(struct muster_flight_key); at least 32
 * @flags:	0
 * @key:	pointer to the key
 * @key_len:	its length
 * @__reserved:	0
 * @token:	ABANDON, FOLLOWERS: as JOIN gave it. FORGET: 0, or the token of the
 *		call to forget, so that a newer one is left alone
 * @count:	(out) ABANDON: 1 if a follower now leads, else 0. FORGET: 1 if a
 *		call was forgotten, 0 if there was none (that is no error).
 *		FOLLOWERS: how many wait for the result
 * @__pad:	(out) 0
 *
 * ABANDON gives up leading as if the process had died (F6). Errors: EPERM as
 * for FINISH.
 *
 * FORGET makes later joins start a new call; those that wait still get the old
 * one (F4). What is kept is gone after it (F8), be it that somebody refreshes it just
 * now; with the token of the kept one the call that refreshes it goes on. Anyone with the
 * descriptor may call it.
 *
 * FOLLOWERS lets a leader ask whether anybody still waits (F10). Errors: EPERM as for
 * FINISH.
 */
struct muster_flight_key {
	__u32 size;
	__u32 flags;
	__aligned_u64 key;
	__u32 key_len;
	__u32 __reserved;
	__u64 token;
	__u32 count;
	__u32 __pad;
};

#define MUSTER_FETCH_DISCARD	(1U << 0)	/* drop it without copying */
#define MUSTER_FETCH_FD		(1U << 1)	/* as a descriptor, if it is a file */

/**
 * struct muster_flight_fetch - ioctl(MUSTER_FLIGHT_FETCH): get a result that did
 * not fit (F3)
 * @size:	sizeof(struct muster_flight_fetch); at least 32
 * @flags:	0, MUSTER_FETCH_DISCARD, or MUSTER_FETCH_FD
 * @token:	as the truncated JOIN gave it, or the ticket
 * @buf:	pointer to room for the result
 * @buf_len:	its size in bytes
 * @result_len:	(out) size of the result; also written with EMSGSIZE
 * @fd:		(out) with MUSTER_FETCH_FD a descriptor, as JOIN's; else -1
 * @__pad:	(out) 0
 *
 * A fetched result is gone. Each truncated JOIN leaves one to fetch; those left
 * are dropped when the process closes its last descriptor of the group. On a ticket
 * that has its verdict the ioctl gives the ticket's own result, which stays.
 *
 * Errors: ENOENT the process has no such result; EMSGSIZE @buf_len is too short,
 * the result is still there; EINVAL with MUSTER_FETCH_FD: it is no file; EMFILE, ENFILE,
 * EIO and others as for JOIN.
 */
struct muster_flight_fetch {
	__u32 size;
	__u32 flags;
	__u64 token;
	__aligned_u64 buf;
	__u64 buf_len;
	__u64 result_len;
	__s32 fd;
	__u32 __pad;
};

/**
 * struct muster_flight_stat - ioctl(MUSTER_FLIGHT_STAT): look at a flight group
 * @size:	sizeof(struct muster_flight_stat); at least 8
 * @flags:	0
 * @options:	(out) options it was created with
 * @handovers:	(out) hand-overs allowed per call
 * @calls:	(out) keys in flight that can be joined
 * @followers:	(out) callers that wait
 * @led:	(out) calls begun since the group was created
 * @joined:	(out) results that followers got; led / (led + joined) is the
 *		share of the work that was really done
 * @handed_over: (out) hand-overs
 * @forgotten:	(out) calls forgotten
 * @orphaned:	(out) calls that ended with EOWNERDEAD or without anyone left
 * @kept:	(out) results that are kept (F8)
 * @served:	(out) joins that got a kept result
 * @nr_processes: in: room at @processes, in structs; out: how many there are,
 *		which may be more
 * @key_len:	length of @key, 1 to MUSTER_KEY_MAX; 0: of all keys
 * @processes:	pointer to struct muster_process[], or 0: none are listed. Without
 *		a key those who lead a call that can be joined, in no order; @amount is how
 *		many follow. (Where very many begin and end all the time one may be missing,
 *		or be there twice.)
 *		With a key who leads it, then those who follow, in the order in which they
 *		would lead, then those who would not, with an @amount of 1.
 * @key:	pointer to a key; 0 if @key_len is
 */
struct muster_flight_stat {
	__u32 size;
	__u32 flags;
	__u32 options;
	__u32 handovers;
	__u64 calls;
	__u64 followers;
	__u64 led;
	__u64 joined;
	__u64 handed_over;
	__u64 forgotten;
	__u64 orphaned;
	__u64 kept;
	__u64 served;
	__u32 nr_processes;
	__u32 key_len;
	__aligned_u64 processes;
	__aligned_u64 key;
};

/* ---- a process, as the STAT ioctls list them ---- */

#define MUSTER_PROCESS_HOLDER	1	/* holds permits; runs the action; leads */
#define MUSTER_PROCESS_WAITER	2	/* waits, in the order of the list */
#define MUSTER_PROCESS_MISSING	3	/* a member that is waited for (B6) */
#define MUSTER_PROCESS_LESSEE	4	/* has permits on loan, and does not use them (L5) */

/**
 * struct muster_process - who holds, who waits
 * @pid:	process id in the caller's PID namespace, 0 if it has none there
 * @role:	MUSTER_PROCESS_*
 * @amount:	permits held or asked for; slots; of a leader how many follow; 1 for a barrier,
 *		of a member that is missing how many of its parties are
 * @since:	CLOCK_MONOTONIC ns since when, to the kernel's tick; now if missing
 *
 * This struct does not grow either: it comes in arrays.
 */
struct muster_process {
	__s32 pid;
	__u32 role;
	__u64 amount;
	__u64 since;
};

/* A STAT lists at most so many processes in one call. */
#define MUSTER_PROCESSES_MAX	1024

/* ---- barrier: all leave when all are there ---- */

/* struct muster_barrier_await.outcome */
#define MUSTER_OUTCOME_ACTION	(1U << 8)	/* run the action, then COMPLETE */

/* struct muster_barrier_await.broken_by, struct muster_barrier_stat.broken_by */
#define MUSTER_BROKEN_TIMEOUT	1	/* a waiter's deadline passed */
#define MUSTER_BROKEN_DEATH	2	/* a waiter, or the action's runner, died */
#define MUSTER_BROKEN_ACTION	3	/* the action said a status that is not 0 */
#define MUSTER_BROKEN_RESET	4	/* MUSTER_BARRIER_RESET */

/**
 * struct muster_barrier_await - ioctl(MUSTER_BARRIER_AWAIT): arrive and wait
 * @size:	sizeof(struct muster_barrier_await); at least 16
 * @flags:	MUSTER_WAIT_*
 * @deadline:	how long to wait for the others. If it passes, the barrier breaks
 *		(B3). One that has passed already on entry neither joins nor
 *		breaks: ETIMEDOUT.
 * @generation:	(out) the same number for all who leave together; grows by 1
 * @token:	(out) fencing token of this generation (W4); names the action
 * @index:	(out) arrival index: parties-1 the first, 0 the last (B1)
 * @outcome:	(out) MUSTER_OUTCOME_ACTION: everybody is there and waits for this
 *		process to run the action and COMPLETE (B2); else 0
 * @status:	(out, with EPIPE) what the action said, else 0
 * @broken_by:	(out, with EPIPE) MUSTER_BROKEN_*
 * @arrived:	(out, with EPIPE) how many had arrived when it broke
 * @parties:	(out, with EPIPE) how many it takes
 *
 * Without MUSTER_OUTCOME_ACTION the barrier has tripped. A signal that does not
 * kill, with or without a core dump, withdraws the arrival and restarts it (B4); once
 * all parties are there and the action runs, it is delivered after the action.
 *
 * Errors: EPIPE the barrier is broken, or broke or was reset while the caller
 * waited (B3, B5); EPERM it has members, and the process has no seat; EBUSY all of the
 * process's parties have arrived (B6); ETIMEDOUT, EAGAIN, EINTR.
 */
struct muster_barrier_await {
	__u32 size;
	__u32 flags;
	__u64 deadline;
	__u64 generation;
	__u64 token;
	__u32 index;
	__u32 outcome;
	__s32 status;
	__u32 broken_by;
	__u32 arrived;
	__u32 parties;
};

/**
 * struct muster_barrier_complete - ioctl(MUSTER_BARRIER_COMPLETE): the action is
 * over (B2)
 * @size:	sizeof(struct muster_barrier_complete); at least 16
 * @status:	0 trips the barrier; anything else breaks it and everyone who
 *		waits learns it
 * @token:	as AWAIT gave it
 *
 * Errors: EPERM the process runs no such action, or has been given a later one since;
 * EPIPE the barrier was broken or reset meanwhile, nobody was released.
 */
struct muster_barrier_complete {
	__u32 size;
	__s32 status;
	__u64 token;
};

/**
 * struct muster_barrier_reset - ioctl(MUSTER_BARRIER_RESET): begin anew (B5)
 * @size:	sizeof(struct muster_barrier_reset); at least 8
 * @flags:	0
 *
 * All who have arrived and not left get EPIPE; the new generation is healthy.
 */
struct muster_barrier_reset {
	__u32 size;
	__u32 flags;
};

/**
 * struct muster_barrier_stat - ioctl(MUSTER_BARRIER_STAT): look at a barrier (B7)
 * @size:	sizeof(struct muster_barrier_stat); at least 8
 * @flags:	0
 * @options:	(out) options it was created with
 * @parties:	(out) how many it takes
 * @generation:	(out) the generation that forms or whose action runs
 * @waiting:	(out) how many have arrived and not left, all generations
 * @broken_by:	(out) 0 if healthy, else MUSTER_BROKEN_*
 * @broken_pid:	(out) the process that broke it, in the caller's PID namespace
 * @status:	(out) what the action said, if that broke it
 * @arrived:	(out) how many had arrived when it broke
 * @acting:	(out) 1 while the action runs
 * @nr_processes: in: room at @processes, in structs; out: how many there are,
 *		which may be more
 * @__reserved:	0
 * @processes:	pointer to struct muster_process[], those that wait in order of
 *		arrival, then the one that runs the action, then members that have not
 *		arrived; or 0: none are listed
 * @seats:	(out) seats that are taken (B6)
 * @__pad:	(out) 0
 * @lost:	(out) seats that went with members that died (MUSTER_BARRIER_SHRINK)
 */
struct muster_barrier_stat {
	__u32 size;
	__u32 flags;
	__u32 options;
	__u32 parties;
	__u64 generation;
	__u32 waiting;
	__u32 broken_by;
	__s32 broken_pid;
	__s32 status;
	__u32 arrived;
	__u32 acting;
	__u32 nr_processes;
	__u32 __reserved;
	__aligned_u64 processes;
	__u32 seats;
	__u32 __pad;
	__u64 lost;
};

/**
 * struct muster_barrier_set_parties - ioctl(MUSTER_BARRIER_SET_PARTIES): resize (B6)
 * @size:	sizeof(struct muster_barrier_set_parties); at least 16
 * @flags:	0
 * @parties:	how many it takes from now on, 1 to 2^31-1
 * @__reserved:	0
 * @old_parties: (out) what it was
 * @__pad:	(out) 0
 *
 * Fewer may complete a generation, or several. One whose action runs is left alone.
 *
 * Errors: EINVAL the barrier has members.
 */
struct muster_barrier_set_parties {
	__u32 size;
	__u32 flags;
	__u32 parties;
	__u32 __reserved;
	__u32 old_parties;
	__u32 __pad;
};

/**
 * struct muster_barrier_member - ioctl(MUSTER_BARRIER_ENTER, MUSTER_BARRIER_LEAVE)
 * @size:	sizeof(struct muster_barrier_member); at least 16
 * @flags:	0
 * @seats:	how many parties the process is to be more, or less; 1 to 2^31-1
 * @__reserved:	0
 *
 * ENTER takes seats that are free, and adds others. From then on the barrier waits for
 * so many arrivals of the process; AWAIT of a process without a seat is EPERM, and of
 * one all of whose parties have arrived EBUSY. Who arrives by ticket takes a seat of the
 * process at the descriptor of the ioctl. Errors: ERANGE there would be too many.
 *
 * LEAVE gives seats up, and the parties are fewer; that may complete a generation.
 * Errors: EPERM the process has not so many; EBUSY they have arrived and wait.
 *
 * When a member dies its seats are free for others, and the barrier breaks, both at the
 * instant at which its process closes its files; with MUSTER_BARRIER_SHRINK the parties
 * are fewer instead.
 *
 * Errors of both: EINVAL the barrier has no members.
 */
struct muster_barrier_member {
	__u32 size;
	__u32 flags;
	__u32 seats;
	__u32 __reserved;
};

/* ---- semaphore: only so many at a time ---- */

/* struct muster_sem_acquire.flags, beside MUSTER_WAIT_*. */
#define MUSTER_SEM_WAIT_LIMIT	(1U << 8)	/* wait for a larger limit, not
						 * ERANGE (S2)
						 */

/* struct muster_sem_acquire.outcome */
#define MUSTER_OUTCOME_ABANDONED (1U << 16)	/* a holder died (W4) */

/**
 * struct muster_sem_acquire - ioctl(MUSTER_SEM_ACQUIRE): take permits
 * @size:	sizeof(struct muster_sem_acquire); at least 24
 * @flags:	MUSTER_WAIT_*, MUSTER_SEM_WAIT_LIMIT
 * @permits:	how many, all or nothing, 0 to 2^63-1. First come, first served,
 *		a large request at the front is never overtaken (S1). 0 succeeds
 *		when nobody is queued.
 * @deadline:	how long to wait
 * @token:	(out) fencing token of this grant (W4)
 * @outcome:	(out) MUSTER_OUTCOME_ABANDONED: since the last RELEASE without a flag a
 *		process ended without releasing what it held
 * @__pad:	(out) 0
 *
 * What is held belongs to the process and comes back when it dies, or closes
 * its last descriptor of the semaphore (W1, W2), unless it is signalling (S3).
 *
 * Errors: ERANGE @permits is more than the limit, or the limit was lowered below
 * it meanwhile (S2, S4); EINVAL @permits is more than 2^63-1; ETIMEDOUT, EAGAIN,
 * EINTR.
 */
struct muster_sem_acquire {
	__u32 size;
	__u32 flags;
	__u64 permits;
	__u64 deadline;
	__u64 token;
	__u32 outcome;
	__u32 __pad;
};

#define MUSTER_RELEASE_ABANDON	(1U << 0)	/* as if the process had died (W4) */
#define MUSTER_RELEASE_UNCHECKED (1U << 1)	/* leave MUSTER_OUTCOME_ABANDONED as it is,
						 * for who can put things right (W4)
						 */
#define MUSTER_RELEASE_MASK	(MUSTER_RELEASE_ABANDON | MUSTER_RELEASE_UNCHECKED)

/**
 * struct muster_sem_release - ioctl(MUSTER_SEM_RELEASE): give permits back
 * @size:	sizeof(struct muster_sem_release); at least 16
 * @flags:	0, or one of MUSTER_RELEASE_*
 * @permits:	how many, 0 to 2^63-1
 *
 * Without a flag it also says that what the semaphore protects is in order; of 0 permits
 * that is not said, and a flag does nothing; nor does it on a signalling semaphore.
 *
 * Errors: EPERM the process does not hold so many through this descriptor (S3);
 * EOVERFLOW signalling: there would be more than the limit; EINVAL @permits is
 * more than 2^63-1, or there are two flags.
 */
struct muster_sem_release {
	__u32 size;
	__u32 flags;
	__u64 permits;
};

/**
 * struct muster_sem_set_limit - ioctl(MUSTER_SEM_SET_LIMIT): resize (S4)
 * @size:	sizeof(struct muster_sem_set_limit); at least 16
 * @flags:	0
 * @limit:	the new limit, 0 to 2^63-1; 0 stops all grants
 * @old_limit:	(out) what it was
 *
 * Growing wakes those who can now be served. Shrinking takes nothing away: new
 * grants wait until usage is below. Waiters that ask for more than @limit get
 * ERANGE. The limit of a signalling semaphore is the most permits there may be;
 * changing it adds and removes none.
 *
 * Errors: EINVAL @limit is more than 2^63-1.
 */
struct muster_sem_set_limit {
	__u32 size;
	__u32 flags;
	__u64 limit;
	__u64 old_limit;
};

/**
 * struct muster_sem_stat - ioctl(MUSTER_SEM_STAT): look at a semaphore (S6)
 * @size:	sizeof(struct muster_sem_stat); at least 8
 * @flags:	0
 * @options:	(out) options it was created with
 * @abandoned:	(out) 1 if a holder died since the last RELEASE without a flag
 * @limit:	(out) the limit
 * @held:	(out) permits held; signalling: @limit less what is there, or 0
 *		if there is more (after the limit was lowered)
 * @available:	(out) permits that are there; 0 while usage is above the limit
 * @waiters:	(out) how many wait
 * @nr_processes: in: room at @processes, in structs; out: how many there are,
 *		which may be more
 * @processes:	pointer to struct muster_process[], holders first, then waiters
 *		in order, then lessees; or 0: none are listed
 * @idle:	(out) permits on loan that are not in use; they count as available (L5)
 * @lease:	(out) @id of the caller's lease, 0 if it has none (L1)
 *
 * All is of one instant, but for what processes do meanwhile by their leases: of each is
 * told what it held at some instant of the call. If two or more acquire or release so
 * during the call, @held, @available, @idle and the list fit each other, but there need
 * have been no instant at which all of that was so (L5).
 */
struct muster_sem_stat {
	__u32 size;
	__u32 flags;
	__u32 options;
	__u32 abandoned;
	__u64 limit;
	__u64 held;
	__u64 available;
	__u32 waiters;
	__u32 nr_processes;
	__aligned_u64 processes;
	__u64 idle;
	__u64 lease;
};

/* struct muster_lease.permits: a permit that is idle, and what makes it a held one. */
#define MUSTER_LEASE_IDLE	1ULL
#define MUSTER_LEASE_HELD	(1ULL << 32)
#define MUSTER_LEASE_TAKE	(MUSTER_LEASE_HELD - MUSTER_LEASE_IDLE)

/* struct muster_lease.state */
#define MUSTER_LEASE_OVER	1	/* map it anew */

/**
 * struct muster_lease - mmap(2) of a semaphore: permits without a system call (L1 to L9)
 * @permits:	on loan: those that are idle in bits 0 to 31, those that are held in bits
 *		32 to 63
 * @id:		of this lease
 * @state:	0 or MUSTER_LEASE_OVER: nothing will be lent here any more
 * @__reserved:	0
 *
 * It is at the beginning of the one page that mmap(2) of a semaphore's descriptor gives,
 * with MAP_SHARED and an offset of 0, and is the process's own. The kernel may lend it
 * permits that it has released, and may take back at any time those that are idle. To
 * acquire n, 1 or more, if so many are idle, is to add n * MUSTER_LEASE_TAKE to @permits
 * by one atomic compare-and-swap; to release n, if so many are held, to subtract that. If
 * there are not so many the ioctl does it: it also knows of what was acquired here. The
 * kernel does not believe what it finds: it lends so many, and takes back no more.
 *
 * The mapping is not there in a child of fork(2). It does not keep the semaphore or its
 * name alive; once the process closes a descriptor of the same open file the lease is
 * over, and what was held of it remains held (W2).
 *
 * Errors of mmap(2): ENODEV no semaphore, or a ticket; EOPNOTSUPP leases are switched off
 * (module parameter leases_max, MUSTER_OPEN_NO_LEASE), or the semaphore is signalling;
 * EINVAL not MAP_SHARED, not one page, or an offset; EPERM PROT_EXEC; ENOSPC leases_max is
 * reached; EBADF; ENOMEM.
 */
struct muster_lease {
	__u64 permits;
	__u64 id;
	__u32 state;
	__u32 __reserved;
};

/* ---- group: tasks to wait for, across processes ---- */

/* Most slots of one MUSTER_GROUP_ADD. */
#define MUSTER_GROUP_ADD_MAX	256

/**
 * struct muster_group_add - ioctl(MUSTER_GROUP_ADD): there are more tasks (G1)
 * @size:	sizeof(struct muster_group_add); at least 24
 * @flags:	MUSTER_WAIT_*
 * @slots:	how many, 1 to MUSTER_GROUP_ADD_MAX
 * @__reserved:	0
 * @deadline:	how long to wait where the group has a limit (G3)
 * @first:	(out) number of the first slot, the others follow it. Numbers only grow:
 *		this is also the fencing token (W4), and a ticket's @token.
 *
 * A slot stands for a task. It belongs to the process that added it until another
 * claims it; if that process ends, so does the task, as one that has failed (G2).
 * Who asks for more slots than may run at once waits its turn, first come, first
 * served.
 *
 * Errors: ERANGE @slots is more than may ever run at once; ECANCELED the group is
 * cancelled, or was meanwhile (G3); ENOSPC calls_max is reached, slots count until the
 * group is reset; ETIMEDOUT, EAGAIN, EINTR.
 */
struct muster_group_add {
	__u32 size;
	__u32 flags;
	__u32 slots;
	__u32 __reserved;
	__u64 deadline;
	__u64 first;
};

/**
 * struct muster_group_claim - ioctl(MUSTER_GROUP_CLAIM): that task is mine (G2)
 * @size:	sizeof(struct muster_group_claim); at least 16
 * @flags:	0
 * @slot:	its number
 *
 * What a forked child does with the slot that its parent added for it. Anyone with
 * the descriptor may.
 *
 * Errors: ENOENT there is no such slot; EALREADY its task is done.
 */
struct muster_group_claim {
	__u32 size;
	__u32 flags;
	__u64 slot;
};

/* struct muster_group_done.slot: the oldest of the process. */
#define MUSTER_SLOT_ANY		(~0ULL)

/**
 * struct muster_group_done - ioctl(MUSTER_GROUP_DONE): a task is done (G1, G4)
 * @size:	sizeof(struct muster_group_done); at least 40
 * @flags:	0
 * @slot:	its number, or MUSTER_SLOT_ANY
 * @data:	pointer to the result, may be 0 if @data_len is
 * @data_len:	its size in bytes, up to result_max
 * @status:	0 is success, anything else a failure
 * @__reserved:	0
 *
 * Errors: EPERM the process has no such slot; EMSGSIZE @data_len is more than
 * result_max; ENOBUFS bytes_max is reached.
 */
struct muster_group_done {
	__u32 size;
	__u32 flags;
	__u64 slot;
	__aligned_u64 data;
	__u64 data_len;
	__s32 status;
	__u32 __reserved;
};

/* struct muster_group_wait.until: each but the last also ends when no task is left. */
#define MUSTER_UNTIL_ALL	0	/* no task is left */
#define MUSTER_UNTIL_SUCCESSES	1	/* so many have succeeded */
#define MUSTER_UNTIL_FAILURE	2	/* one has failed */
#define MUSTER_UNTIL_COUNT	3	/* so many have succeeded, be there tasks now or
					 * not; also ends when one has failed
					 */

/* struct muster_verdict.outcome: as @met. Its @status and @token are @status and @slot. */
#define MUSTER_OUTCOME_MET	(1U << 24)

/**
 * struct muster_group_wait - ioctl(MUSTER_GROUP_WAIT): wait for tasks (G1, G4)
 * @size:	sizeof(struct muster_group_wait); at least 24
 * @flags:	MUSTER_WAIT_*
 * @until:	MUSTER_UNTIL_*
 * @successes:	with MUSTER_UNTIL_SUCCESSES and _COUNT how many, at least 1; else 0
 * @deadline:	how long to wait
 * @met:	(out) 1 if that came true, 0 if no task was left to make it true, or, with
 *		MUSTER_UNTIL_COUNT, one has failed
 * @status:	(out) of the first that failed, or 0 if none did
 * @slot:	(out) its number, or 0
 * @pending:	(out) tasks not done
 * @succeeded:	(out) tasks that succeeded, since the last reset
 * @failed:	(out) tasks that failed, those that died included
 * @died:	(out) tasks whose process ended before they were done
 *
 * With no task at all it returns at once, but for MUSTER_UNTIL_COUNT, which is to wait for
 * tasks that others have yet to add. Errors: ETIMEDOUT, EAGAIN, EINTR.
 */
struct muster_group_wait {
	__u32 size;
	__u32 flags;
	__u32 until;
	__u32 successes;
	__u64 deadline;
	__u32 met;
	__s32 status;
	__u64 slot;
	__u32 pending;
	__u32 succeeded;
	__u32 failed;
	__u32 died;
};

/* struct muster_group_result.state */
#define MUSTER_TASK_PENDING	1
#define MUSTER_TASK_DONE	2
#define MUSTER_TASK_DIED	3	/* its process ended before it was done */

/**
 * struct muster_group_result - ioctl(MUSTER_GROUP_RESULT): how a task ended (G4)
 * @size:	sizeof(struct muster_group_result); at least 32
 * @flags:	0
 * @slot:	where to look: the slot of this number or, with none of this number, the
 *		next. (out) its number. So one loop lists all in order of ADD.
 * @buf:	pointer to room for the result, may be 0 if @buf_len is
 * @buf_len:	its size in bytes
 * @result_len:	(out) size of the whole result; as much as fits is copied
 * @state:	(out) MUSTER_TASK_*
 * @status:	(out) as DONE gave it; died: -EOWNERDEAD
 * @pid:	(out) the process whose task it is or was, in the caller's PID namespace
 * @order:	(out) 1 for the task that was done first since the last reset, 2 for the next,
 *		and so on, those that died included; 0 while it is pending
 *
 * Errors: ENOENT there is no slot with this or a greater number.
 */
struct muster_group_result {
	__u32 size;
	__u32 flags;
	__u64 slot;
	__aligned_u64 buf;
	__u64 buf_len;
	__u64 result_len;
	__u32 state;
	__s32 status;
	__s32 pid;
	__u32 order;
};

/**
 * struct muster_group_cancel - ioctl(MUSTER_GROUP_CANCEL, MUSTER_GROUP_RESET)
 * @size:	sizeof(struct muster_group_cancel); at least 8
 * @flags:	0
 *
 * CANCEL: as the first failure does (G3): nothing is added any more, and the group's
 * descriptors have POLLPRI. Tasks that run go on; they are to look.
 *
 * RESET: begin anew: results, counts and cancellation are forgotten. Errors: EBUSY
 * there are tasks that are not done.
 */
struct muster_group_cancel {
	__u32 size;
	__u32 flags;
};

/**
 * struct muster_group_stat - ioctl(MUSTER_GROUP_STAT): look at a group
 * @size:	sizeof(struct muster_group_stat); at least 8
 * @flags:	0
 * @options:	(out) options it was created with
 * @limit:	(out) how many may run at once, 0 for any number
 * @pending:	(out) tasks not done
 * @succeeded:	(out) tasks that succeeded, since the last reset
 * @failed:	(out) tasks that failed, those that died included
 * @died:	(out) tasks whose process ended before they were done
 * @cancelled:	(out) 1 if it is
 * @status:	(out) of the first that failed, or 0
 * @slot:	(out) its number, or 0
 * @adders:	(out) how many wait to add
 * @waiters:	(out) how many wait for tasks
 * @nr_processes: in: room at @processes, in structs; out: how many there are,
 *		which may be more
 * @__reserved:	0
 * @processes:	pointer to struct muster_process[]: those with tasks, @amount is how
 *		many; or 0: none are listed
 */
struct muster_group_stat {
	__u32 size;
	__u32 flags;
	__u32 options;
	__u32 limit;
	__u32 pending;
	__u32 succeeded;
	__u32 failed;
	__u32 died;
	__u32 cancelled;
	__s32 status;
	__u64 slot;
	__u32 adders;
	__u32 waiters;
	__u32 nr_processes;
	__u32 __reserved;
	__aligned_u64 processes;
};

#endif /* _UAPI_LINUX_MUSTER_H */
