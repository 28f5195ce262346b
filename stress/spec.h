/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sequential specifications, and the search for an order that fits one
 *
 * A specification is a state machine. A call changes its state at one or more
 * instants between its invocation and its response; the search finds instants for
 * all calls of a history such that each got the answer it should (linearizability).
 * It is that of Wing and Gong with what Lowe added: an instant is put off until the
 * next response needs it, and no state is looked at twice.
 *
 * A call that waits has two instants of its own: it comes in, when it is answered
 * at once or queued; and it may leave the queue. Being granted is part of somebody
 * else's instant. So a waiter that nobody wakes, or a permit that gets lost, is an
 * answer that no order explains.
 *
 * A ticket is a call, too, that waits from when it was issued until somebody has read
 * how it ended, or its owner is no more. Its answer is what was read; to read is a call
 * of its own, which needs no specification.
 *
 * To describe a new primitive: fill in a struct spec.
 */
#ifndef SPEC_H
#define SPEC_H

#include <errno.h>

#include "history.h"

/* How many calls may be under way at an instant, and how many owners there may be. */
#define SPEC_SLOTS	64
#define SPEC_OWNERS	64
#define SPEC_NONE	0xff

/**
 * enum spec_status - how far a call is
 * @SPEC_NEW:		nothing has happened
 * @SPEC_QUEUED:	it waits
 * @SPEC_OK:		it was granted what it asked for
 * @SPEC_FAILED:	it was not
 * @SPEC_PHASE:		the type's own: between two instants
 */
enum spec_status {
	SPEC_NEW,
	SPEC_QUEUED,
	SPEC_OK,
	SPEC_FAILED,
	SPEC_PHASE,
};

/* Why a waiter leaves: what happens to it. */
enum spec_reason {
	SPEC_TIMEOUT,
	SPEC_SIGNAL,
	SPEC_KILLED,
	SPEC_ALONE,		/* the thread is killed, as another one execs */
	SPEC_CLOSED,
	SPEC_REASONS,
};

/**
 * enum spec_kind - what a call has to do with tickets
 * @SPEC_PLAIN:		nothing
 * @SPEC_TICKET:	it waits without a thread
 * @SPEC_REFUSED:	there is no ticket, as it failed at once
 * @SPEC_READ:		it reads how one ended
 */
enum spec_kind {
	SPEC_PLAIN,
	SPEC_TICKET,
	SPEC_REFUSED,
	SPEC_READ,
};

/**
 * struct spec_op - a call, prepared
 * @rec:	its record; of a ticket one that is made up
 * @ticket:	what is read
 * @code:	its code
 * @kind:	enum spec_kind
 * @slot:	its place while it is under way
 * @owner:	that of its owner: the process, through that file
 * @last:	nothing of its owner comes after it has returned
 * @restarts:	how many signals may have made it queue up again
 * @known:	how it ended is known
 * @inv:	when it began
 * @res:	when it was over, at the latest
 * @dies:	when it was over without result, at the earliest
 */
struct spec_op {
	const struct history_record *rec;
	const struct spec_op *ticket;
	__u16 code;
	__u8 kind;
	__u8 slot;
	__u8 owner;
	bool last;
	__u8 restarts;
	bool known;
	__u64 inv, res, dies;
};

/**
 * struct spec_common - what the state of each type begins with
 * @dead:	owners without a descriptor, by number
 * @exited:	those of them that have ended, and did not just close it
 * @orphans:	calls that were under way when their owner died, by slot
 * @status:	of the call in each slot, enum spec_status
 * @restarts:	how often it may still queue up again
 */
struct spec_common {
	__u64 dead;
	__u64 exited;
	__u64 orphans;
	__u8 status[SPEC_SLOTS];
	__u8 restarts[SPEC_SLOTS];
};

struct spec_run;

/**
 * struct spec - a sequential specification
 * @name:	its name
 * @calls:	its calls, from HISTORY_OWN on; NULL if another one names them
 * @nr_calls:	how many
 * @state_size:	of its state, that begins with struct spec_common
 * @choices:	most choices of @step, 0 means 1
 * @part:	histories of different parts of an object are independent: the part
 *		that a call concerns, SPEC_NO_PART for none. NULL: there is only one
 * @init:	sets up a zeroed state
 * @step:	a call moves on: comes in (SPEC_NEW) or, in a phase of its own, does
 *		the next thing. There may be several choices, from 0 on. False if it
 *		cannot, or if somebody gets another answer than was recorded
 * @leave:	a waiter leaves; false if it cannot for that reason. May be NULL
 * @drop:	the owner is dead: it gives something back. True if there may be more;
 *		@ok is set to false if somebody gets the wrong answer. May be NULL
 * @holds:	has the owner something that @drop would give back? Only saves time. May be
 *		NULL
 * @possible:	may a call that is under way still get its answer? Only saves time.
 *		May be NULL
 * @promising:	may what comes be explained, as far as one can see? Only saves time. May be
 *		NULL
 * @gets:	the token that a call is known to have got, 0 for none. May be NULL
 * @latest:	the latest token; they only grow. Only saves time. NULL if @gets is
 * @distance:	about how many instants away is a state from one where the call gets its
 *		answer? Only saves time. May be NULL
 * @gain:	the owner has come by a descriptor. May be NULL
 * @forget:	nothing of the owner will come any more. May be NULL
 * @show:	describes a state. May be NULL
 */
struct spec {
	const char *name;
	const struct history_call *calls;
	unsigned int nr_calls;
	size_t state_size;
	unsigned int choices;
	__u64 (*part)(const struct history_record *rec);
	void (*init)(const struct spec_run *run, void *state);
	bool (*step)(const struct spec_run *run, void *state, const struct spec_op *op,
		     unsigned int choice);
	bool (*leave)(const struct spec_run *run, void *state, const struct spec_op *op,
		      enum spec_reason reason);
	bool (*drop)(const struct spec_run *run, void *state, unsigned int owner,
		     bool *ok);
	bool (*holds)(const struct spec_run *run, const void *state, unsigned int owner);
	bool (*possible)(const struct spec_run *run, const void *state,
			 const struct spec_op *op);
	bool (*promising)(const struct spec_run *run, const void *state);
	__u64 (*gets)(const struct spec_op *op);
	__u64 (*latest)(const void *state);
	unsigned int (*distance)(const struct spec_run *run, const void *state,
				 const struct spec_op *op);
	void (*gain)(void *state, unsigned int owner);
	void (*forget)(void *state, unsigned int owner);
	void (*show)(const struct spec_run *run, const void *state, FILE *out);
};

#define SPEC_NO_PART	(~0ULL)

/* What happens to a call; in the order in which it does at one time. */
enum spec_moment {
	SPEC_ENDS,
	SPEC_ISSUED,	/* a ticket: from now on it waits */
	SPEC_BEGINS,
};

/**
 * struct spec_event - a call begins or is over
 * @at:		when
 * @op:		which
 * @moment:	what of the two, enum spec_moment
 */
struct spec_event {
	__u64 at;
	__u32 op;
	__u32 moment;
};

/**
 * struct spec_tenant - whose number an owner's is
 * @at:		from when on
 * @process:	the process
 * @owner:	the number
 */
struct spec_tenant {
	__u64 at;
	__u32 process;
	__u8 owner;
};

/**
 * struct spec_run - the search through the history of one part of one object
 * @spec:	the specification
 * @history:	the history
 * @object:	the object
 * @ops:	the calls
 * @nr_ops:	how many
 * @events:	in order of time
 * @nr_events:	how many
 * @clock:	what time it was at each event, by the clock, at the latest
 * @tokens:	the least token that those get who begin after each event
 * @tenants:	whose numbers the owners' are, in order of time
 * @nr_tenants:	how many
 * @pending:	the calls that are under way, by slot
 * @full:	set by a specification whose state has no room for what happens
 * @event:	the event that is to be explained
 * @now:	its time
 * @states:	states looked at so far
 * @reached:	the first event that could not be explained
 */
struct spec_run {
	const struct spec *spec;
	const struct history *history;
	const struct history_object *object;
	struct spec_op *ops;
	unsigned int nr_ops;
	struct spec_event *events;
	unsigned int nr_events;
	__u64 *clock;
	__u64 *tokens;
	struct spec_tenant *tenants;
	unsigned int nr_tenants;
	const struct spec_op *pending[SPEC_SLOTS];
	bool *full;
	unsigned int event;
	__u64 now;
	__u64 states;
	unsigned int reached;
};

enum spec_verdict {
	SPEC_GOOD,
	SPEC_BAD,
	SPEC_TOO_HARD,
};

/**
 * struct spec_score - what was checked
 * @histories:	how many histories, one for each part of each object
 * @calls:	in them
 * @states:	that were looked at
 * @bad:	how many histories no order explains
 * @hard:	how many were given up
 */
struct spec_score {
	__u64 histories;
	__u64 calls;
	__u64 states;
	__u64 bad;
	__u64 hard;
};

/* ---- spec.c: the search ---- */

enum spec_verdict spec_search(struct spec_run *run, __u64 max_states);

/* ---- spec_prepare.c: from a history to calls and events ---- */

/* Checks all parts of an object; says on @out what is wrong. */
void spec_check(const struct history *h, unsigned int object, const struct spec *spec,
		__u64 max_states, struct spec_score *score, FILE *out);

/* ---- for specifications ---- */

static inline const struct spec_op *spec_pending(const struct spec_run *run,
						 unsigned int slot)
{
	return run->pending[slot];
}

/* Does it fit what is known that the call returns @ret? */
static inline bool spec_may(const struct spec_op *op, int ret)
{
	return !op->known || op->rec->ret == ret;
}

/* The call is over; false if it cannot have returned that. */
static inline bool spec_end(struct spec_common *common, const struct spec_op *op, int ret)
{
	common->status[op->slot] = ret < 0 ? SPEC_FAILED : SPEC_OK;
	return spec_may(op, ret);
}

static inline bool spec_is_orphan(const struct spec_common *common,
				  const struct spec_op *op)
{
	return common->orphans & 1ULL << op->slot;
}

/* Does its owner, that is dead, live all the same: it has just closed the ticket. */
static inline bool spec_withdraws(const struct spec_common *common,
				  const struct spec_op *op)
{
	return op->kind == SPEC_TICKET && spec_is_orphan(common, op) &&
	       !(common->exited & 1ULL << op->owner);
}

/* What who waits is told when its owner is dead. */
static inline int spec_why_dead(const struct spec_common *common, const struct spec_op *op)
{
	return spec_withdraws(common, op) ? -ECANCELED : -EBADF;
}

static inline bool spec_waits(const struct spec_common *common, const struct spec_op *op)
{
	return common->status[op->slot] <= SPEC_QUEUED;
}

/* What happens now does so not later than this, by the clock. */
static inline __u64 spec_latest(const struct spec_run *run)
{
	return run->clock[run->event];
}

static inline __u64 spec_later(__u64 at, __u64 ns)
{
	return ns < ~0ULL - at ? at + ns : ~0ULL;
}

/* May what is done now be done so many ns or more after @since was? */
static inline bool spec_may_be_after(const struct spec_run *run,
				     const struct history_record *since, __u64 ns)
{
	__u64 at = spec_later(since->begun, ns);

	return at < ~0ULL && spec_latest(run) >= at;
}

/* May what @op does be done earlier than that? */
static inline bool spec_may_be_before(const struct spec_op *op,
				      const struct history_record *since, __u64 ns)
{
	return !since->over || op->rec->begun < spec_later(since->over, ns);
}

/* A queue of calls, by slot. */
struct spec_queue {
	__u8 nr;
	__u8 slot[SPEC_SLOTS - 1];
};

static inline void spec_push(struct spec_queue *queue, unsigned int slot)
{
	queue->slot[queue->nr++] = slot;
}

/*
 * The owner comes to its end now, all of it; false if that is not under way, or cannot be. A
 * specification for which many owners may end in any order, until it matters that all have,
 * says in @holds that it notices none, and calls this when it matters.
 */
bool spec_end_owner(const struct spec_run *run, struct spec_common *common,
		    unsigned int owner);

/* ---- spec_util.c ---- */

/* Is @other, being that far, one that may do it to @op? */
typedef bool (*spec_test_fn)(const struct spec_op *other, const struct spec_op *op,
			     __u8 status);
/* May such a call do something before @op is over? */
bool spec_may_come(const struct spec_run *run, const struct spec_common *common,
		   const struct spec_op *op, spec_test_fn is_one);
__u32 spec_owner_process(const struct spec_run *run, unsigned int owner);
/* The id of that process. */
__s32 spec_owner_pid(const struct spec_run *run, unsigned int owner);
void spec_remove(struct spec_queue *queue, unsigned int slot);
bool spec_queued(const struct spec_queue *queue, unsigned int slot);
/* How many pairs are not queued in the order in which they came, or one of them is not. */
unsigned int spec_queue_disorder(const struct spec_run *run,
				 const struct spec_common *common,
				 const struct spec_queue *queue, __u16 code);
unsigned int spec_queue_distance(const struct spec_run *run, const struct spec_queue *queue,
				 const struct history_record *stat);
/*
 * Can the queue still become what the next STAT @stat lists, if there is one soon? Those
 * who are served are so from the front; those who come with a call @code stand behind; the
 * others are as they are. A call @no_order takes waiters from the middle.
 */
bool spec_queue_is_promising(const struct spec_run *run, const struct spec_common *common,
			     const struct spec_queue *queue, __u16 stat, __u16 code,
			     __u16 no_order);
void spec_show_queue(const struct spec_run *run, const struct spec_queue *queue,
		     FILE *out);

extern const struct spec spec_sem;
extern const struct spec spec_barrier;
extern const struct spec spec_flight;
extern const struct spec spec_parcel;
extern const struct spec spec_name;
extern const struct spec spec_linger;
extern const struct spec spec_group;

#endif /* SPEC_H */
