/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flight group (F1, F2, F4 to F6, F9, F11, F12): of many callers for a key one
 * does the work, and all get the result
 *
 * A call is one execution for one key. It is in the table of its group from the
 * JOIN that begins it until it ends or is forgotten, and always has exactly one
 * leader until it ends:
 *
 *	JOIN, no call there	leads
 *	FINISH			ends it: status and result for every follower
 *				and perhaps it stays in the table, to be had at once
 *	leader dies, ABANDON	the first follower that is willing leads; if there
 *				is none, or no hand-over left, ends it: EOWNERDEAD
 *
 * A call whose result is kept (F8) is done and in the table until it is forgotten,
 * evicted, or found too old. In its grace time the first who joins begins a new call,
 * which takes its place and refers to it as @stale: whoever joins that gets the old
 * result. If nothing good comes of the new call the old one takes its place back.
 *
 * flight.c has the ioctls, flight_join.c JOIN, flight_ticket.c JOIN by ticket. flight_table.c
 * has the calls by key, flight_call.c the life of a call, flight_handover.c what becomes of
 * it when its leader is gone, flight_follow.c those who do not lead it, flight_kept.c its
 * result when that is kept, flight_result.c what waits to be fetched, flight_look.c who leads
 * and who follows.
 *
 * Locking: a call has a lock of its own, so that keys do not meet. It guards the
 * call, and with the leading owner's lock inside it the owner's list of what it
 * leads. The table is an rhashtable: read under RCU, and a call is put in and
 * taken out under its lock. Whoever finds a call that has left the table looks
 * again. The counters are atomic.
 *
 * Two calls are locked at once only where one is the other's @stale, that one last,
 * or new and in nobody's hands.
 *
 * References: one of a call belongs to its being led, and then to its being kept; one
 * to each follower.
 */
#ifndef MUSTER_FLIGHT_H
#define MUSTER_FLIGHT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/rbtree.h>
#include <linux/rhashtable-types.h>

#include "muster.h"

/**
 * struct muster_flight - a flight group
 * @object:	the core's part
 * @calls:	struct flight_call.in_group by key
 * @handovers:	how often a call may be handed over (F6)
 * @replaced:	how often a call took another's place in the table
 * @token:	the latest (W4)
 * @followers:	how many wait
 * @led:	calls begun
 * @joined:	results that followers got
 * @handed_over: hand-overs
 * @forgotten:	calls forgotten
 * @orphaned:	calls that ended for want of a leader
 * @kept:	calls that are kept
 * @refreshed:	those of them that are some other's @stale
 * @served:	joins that got a kept result
 * @linger:	until when results are kept for a stated time, at most (O3)
 *
 * From @token to @kept is one cache line: whoever begins a call needs it for the token
 * anyway, so that counting moves no other between CPUs.
 */
struct muster_flight {
	struct muster_object object;
	struct rhashtable calls;
	u32 handovers;
	atomic_t replaced;
	atomic64_t token ____cacheline_aligned_in_smp;
	atomic64_t followers;
	atomic64_t led;
	atomic64_t joined;
	atomic64_t handed_over;
	atomic64_t forgotten;
	atomic64_t orphaned;
	atomic64_t kept;
	atomic64_t refreshed;
	atomic64_t served;
	atomic64_t linger;
};

/**
 * struct flight_owner - a process that uses a flight group
 * @owner:	the core's part; its lock guards the lists
 * @led:	struct flight_call.in_leader of the calls it leads
 * @forgotten:	struct flight_call.by_token of those of them that are not in the
 *		table any more
 * @parcels:	results that wait to be fetched (F3)
 * @nr_parcels:	how many
 * @spare:	memory of a call that it led, for its next one; or NULL. Taken and put by
 *		xchg(), as is @spare_result
 * @spare_result: the same of a result
 */
struct flight_owner {
	struct muster_owner owner;
	struct list_head led;
	struct rb_root forgotten;
	struct list_head parcels;
	u32 nr_parcels;
	struct flight_call *spare;
	struct muster_result *spare_result;
};

/* Longest key that is called short. */
#define FLIGHT_SHORT_KEY 32

/* How many calls are found in the table before they are looked into. */
#define FLIGHT_FOUND 16

/**
 * struct flight_key - a key
 * @len:	bytes
 * @hash:	of @bytes, made by flight_find()
 * @bytes:	the bytes
 */
struct flight_key {
	u32 len;
	u32 hash;
	u8 bytes[MUSTER_KEY_MAX];
};

/**
 * struct flight_call - one execution for one key
 * @in_group:	link in the table of the group while @listed
 * @refs:	see above
 * @flight:	the group
 * @user:	whom it is charged to: the leader's, under @lock
 * @lock:	guards all that follows, and is held to put it into the table
 * @listed:	can be joined
 * @done:	has ended; @result, @status, @nr_shared do not change any more
 * @kept:	and is kept; guarded by the lock of muster_kept, too
 * @key_len:	length of @key
 * @attempt:	1, and 1 more for each hand-over
 * @handovers_left: how many more there may be
 * @hash:	of @key
 * @leader:	who leads it, while it is not @done
 * @in_leader:	link in the leader's @led, while it is not @done
 * @in_kept:	link in the list of muster_kept, while it is @kept
 * @by_token:	link in the leader's @forgotten, unless @listed
 * @since:	jiffies since when it does, for people to see
 * @leader_tid:	the thread that leads (F11) ...
 * @leader_start: ... and when it began, as thread ids are used again
 * @followers:	struct flight_waiter of those who would lead, in order
 * @bystanders:	of those who would not (F9)
 * @ended:	when it was handed in (ns, CLOCK_MONOTONIC), once @done and kept
 * @keep_until:	it is fresh
 * @stale_until: it is better than nothing
 * @nr_followers: how many in both
 * @nr_shared:	how many followers got the result
 * @status:	the work's own
 * @token:	of the current attempt
 * @result:	NULL if empty
 * @forget_at:	when joins begin a new call (F7); 0 never
 * @stale:	the kept call that this one refreshes, or NULL
 * @refresher:	the call whose @stale this one is, or NULL
 * @rcu:	the table is read under RCU; once the last reference is gone, of one with
 *		a long key
 * @key:	the key
 *
 * One with a short key is used again at once, perhaps for another key of another
 * group, while somebody who reads a table may still look at it: see flight_find().
 */
struct flight_call {
	struct rhash_head in_group;
	refcount_t refs;
	spinlock_t lock;	/* see "Locking" above */
	struct muster_flight *flight;
	struct muster_user *user;
	bool listed;
	bool done;
	bool kept;
	u8 key_len;
	u32 attempt;
	u32 handovers_left;
	u32 hash;
	struct flight_owner *leader;
	union {
		struct list_head in_leader;
		struct list_head in_kept;
	};
	union {
		struct rb_node by_token;
		struct rcu_head rcu;
	};
	u64 since;
	pid_t leader_tid;
	u64 leader_start;
	union {
		struct {
			struct list_head followers;
			struct list_head bystanders;
		};
		struct {
			u64 ended;
			u64 keep_until;
			u64 stale_until;
		};
	};
	u32 nr_followers;
	u32 nr_shared;
	s32 status;
	u64 token;
	struct muster_result *result;
	u64 forget_at;
	struct flight_call *stale;
	struct flight_call *refresher;
	u8 key[];
};

/**
 * struct flight_waiter - a thread that follows
 * @waiter:	the core's part; the verdict is 0, or -EOWNERDEAD
 * @call:	what it follows, or as a ticket leads; NULL when a ticket no longer does. A
 *		ticket's is a reference
 * @taken:	out of the queue, though the call goes on; under the call's lock
 * @lead:	it was made leader
 * @token:	as leader; of a ticket, of the call that it followed as well
 * @attempt:	likewise
 * @shared:	as leader, how many follow; of a ticket, how many did
 * @status:	of a ticket, of the call that it followed
 * @result_len:	likewise, of its result
 * @no_result:	of a ticket that is to have no result
 * @result:	of another one, with a reference and charged to its maker; NULL if empty
 * @outcome:	MUSTER_OUTCOME_KEPT, MUSTER_OUTCOME_STALE: @call is not waited for,
 *		its result is there
 * @age:	of that result, when it was looked at
 */
struct flight_waiter {
	struct muster_waiter waiter;
	struct flight_call *call;
	bool taken;
	bool lead;
	u64 token;
	u32 attempt;
	u32 shared;
	s32 status;
	bool no_result;
	u64 result_len;
	struct muster_result *result;
	u32 outcome;
	u64 age;
};

/**
 * struct flight_plan - how a call is to be begun
 * @key:	its key
 * @task:	the thread that leads it, or NULL
 * @req:	what that thread is told by, or NULL
 * @ticket:	what leads it otherwise: is to have a reference to the call. Or NULL
 * @forget_after: ns until joins begin a new one, 0 never
 * @refreshes:	the kept call whose place it takes, or NULL
 */
struct flight_plan {
	const struct flight_key *key;
	struct task_struct *task;
	const struct muster_request *req;
	struct flight_waiter *ticket;
	u64 forget_after;
	struct flight_call *refreshes;
};

/**
 * struct flight_end - what a leader says at the end
 * @status:	the work's own
 * @flags:	MUSTER_FINISH_*
 * @keep:	ns
 * @grace:	ns
 * @result:	a reference, or NULL
 */
struct flight_end {
	s32 status;
	u32 flags;
	u64 keep;
	u64 grace;
	struct muster_result *result;
};

/**
 * struct flight_exit - what is to be done once the call's lock is dropped
 * @verdict:	what those who are let go are told, if not made leader
 * @taken:	struct flight_waiter that go
 * @refused:	struct flight_waiter that go with EBADF
 * @ended:	the call has ended: drop the reference of its being led
 * @stale:	a call that was refreshed: drop the reference
 */
struct flight_exit {
	int verdict;
	struct list_head taken;
	struct list_head refused;
	bool ended;
	struct flight_call *stale;
};

static inline struct muster_flight *to_flight(struct muster_object *object)
{
	return container_of(object, struct muster_flight, object);
}

static inline struct flight_waiter *to_flight_waiter(struct muster_waiter *waiter)
{
	return container_of(waiter, struct flight_waiter, waiter);
}

static inline struct flight_owner *to_flight_owner(struct muster_owner *owner)
{
	return container_of(owner, struct flight_owner, owner);
}

/* Calls that can be followed: those in the table that are not kept. */
static inline s64 flight_nr_calls(struct muster_flight *flight)
{
	return max_t(s64, 0, atomic_read(&flight->calls.nelems) -
		     (atomic64_read(&flight->kept) - atomic64_read(&flight->refreshed)));
}

/* Does the owner lead the call with that token? */
static inline bool flight_leads(const struct flight_call *call,
				const struct flight_owner *fo, u64 token)
{
	lockdep_assert_held(&call->lock);

	return call->leader == fo && call->token == token;
}

static inline void flight_exit_init(struct flight_exit *exit)
{
	*exit = (struct flight_exit){};
	INIT_LIST_HEAD(&exit->taken);
	INIT_LIST_HEAD(&exit->refused);
}

/*
 * A later leader of a key has a greater token: it is taken while the call is in the
 * table, or was, so that no other leader can have come and gone since.
 */
static inline void flight_next_token(struct flight_call *call)
{
	lockdep_assert_held(&call->lock);

	WRITE_ONCE(call->token, atomic64_inc_return(&call->flight->token));
}

/* ---- flight_table.c ---- */

int flight_calls_load(void);
bool flight_is_for(const struct flight_call *call, const struct muster_flight *flight,
		   const struct flight_key *key);
void flight_calls_unload(void);

int flight_calls_init(struct muster_flight *flight);
void flight_calls_drop(struct muster_flight *flight);
void flight_calls_destroy(struct muster_flight *flight);
struct flight_call *flight_call_alloc(struct muster_flight *flight,
				      const struct flight_key *key,
				      struct flight_owner *fo);
bool flight_call_get(struct flight_call *call);
void flight_call_put(struct flight_call *call);
void flight_call_put_by(struct flight_call *call, struct flight_owner *fo);
void flight_spare_free(struct flight_owner *fo);
struct flight_call *flight_find(struct muster_flight *flight, struct flight_key *key);
int flight_insert(struct flight_call *call, const struct flight_key *key);
int flight_table_replace(struct flight_call *old, struct flight_call *new);
void flight_unlist(struct flight_call *call);

/* ---- flight_call.c ---- */

void flight_unlock(struct flight_call *call, struct flight_exit *exit)
	__releases(&call->lock);
void flight_add_forgotten(struct flight_call *call);
bool flight_attach(struct flight_call *call, struct flight_owner *fo,
		   struct task_struct *task);
void flight_detach(struct flight_call *call);
bool flight_drop_stale(struct flight_call *call, struct flight_exit *exit);
void flight_end(struct flight_call *call, int verdict, bool keep,
		struct flight_exit *exit);
struct flight_call *flight_find_led(struct muster_flight *flight,
				    struct flight_owner *fo,
				    struct flight_key *key, u64 token);
int flight_lead(struct muster_flight *flight, struct flight_owner *fo,
		const struct flight_plan *plan, u64 *token);
int flight_complete(struct muster_flight *flight, struct flight_owner *fo,
		    struct flight_key *key, u64 token,
		    const struct flight_end *end);
int flight_count_followers(struct muster_flight *flight, struct flight_owner *fo,
			   struct flight_key *key, u64 token);

/* ---- flight_handover.c ---- */

int flight_give_up(struct muster_flight *flight, struct flight_owner *fo,
		   struct flight_key *key, u64 token, bool counted);
void flight_drop_led(struct flight_owner *fo);

/* ---- flight_follow.c ---- */

bool flight_forget(struct muster_flight *flight, struct flight_key *key, u64 token);
void flight_remove_follower(struct flight_call *call, struct flight_waiter *fw);
enum muster_leave flight_leave(struct muster_waiter *waiter, int reason);
int flight_enter(struct flight_call *call, struct flight_waiter *fw, u32 flags,
		 bool nonblock);
int flight_follow(struct flight_call *call, struct flight_waiter *fw,
		  struct muster_owner *owner, u32 flags,
		  const struct muster_deadline *until);

/* ---- flight_join.c ---- */

int flight_join(const struct muster_request *req, struct muster_flight_join *join);

/* ---- flight_ticket.c ---- */

int flight_join_ticket(const struct muster_request *req,
		       const struct muster_flight_join *join, struct flight_key *key);
struct flight_call *flight_waiter_call(struct flight_waiter *fw);
void flight_ticket_led(struct flight_call *call, struct flight_owner *fo, u64 token);
int flight_ticket_end(struct flight_waiter *fw, int verdict, unsigned int *evictions);
void flight_ticket_let_go(struct flight_waiter *fw);
void flight_waiter_end(struct muster_waiter *waiter);
void flight_verdict(const struct muster_waiter *waiter, struct muster_verdict *verdict);
struct muster_result *flight_ticket_result(const struct muster_waiter *waiter);
__poll_t flight_ticket_poll(struct muster_waiter *waiter);

/* ---- flight.c ---- */

int flight_key_copy(struct flight_key *key, u64 from, u32 len);

/* ---- flight_kept.c ---- */

bool flight_evict(struct muster_user *user);
void flight_kept_add(struct flight_call *call, const struct flight_end *end);
bool flight_kept_drop(struct flight_call *call);
void flight_kept_let_go(struct flight_call *call);
u64 flight_linger(struct muster_object *object);
int flight_kept_answer(struct flight_call *call, struct flight_waiter *fw, u32 flags);
bool flight_stale_answer(struct flight_call *call, struct flight_waiter *fw, u32 flags);

/* ---- flight_look.c ---- */

u32 flight_list_call(struct muster_flight *flight, struct flight_key *key,
		     struct muster_roster *roster);
u32 flight_list_leaders(struct muster_flight *flight, struct muster_roster *roster);
u64 flight_held(struct muster_owner *owner);

/* ---- flight_result.c ---- */

bool flight_result_charge(struct muster_user *user, const struct muster_result *result,
			  unsigned int *evictions);
void flight_result_uncharge(struct muster_user *user, const struct muster_result *result);
int flight_keep(struct flight_owner *fo, struct muster_result *result, u64 token);
bool flight_unkeep(struct flight_owner *fo, u64 token);
struct muster_result *flight_peek(struct flight_owner *fo, u64 token);
void flight_drop_kept(struct flight_owner *fo);
int flight_fetch(const struct muster_request *req, struct muster_flight_fetch *fetch);

#endif /* MUSTER_FLIGHT_H */
