/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cyclic barrier (B1 to B7)
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
 * Where the front of the queue that is a generation ends has to be counted, if the
 * queue is longer. A mark moves on to there, by a batch each time that the lock is
 * held: those up to the mark are in the queue like all others.
 *
 * What breaks the queue leaves an earlier generation, that is acting, alone, and
 * a COMPLETE concerns the generation whose token it has, so nothing ever frees or
 * breaks any other generation than its own.
 *
 * Members (B6) are parties by having entered, whether they arrive or not. They arrive
 * once for each seat they have, so the queue never holds more than @parties; and when
 * there are fewer of them, because one left or died, the queue may be complete. One that
 * dies withdraws its arrivals first, in batches, and then its seats, so that nobody
 * trips meanwhile. With its seats, under the same lock, goes what it breaks: who sees it
 * broken by a death finds the seat free. So a thread that dies takes only itself out.
 *
 * barrier.c has the ioctls, barrier_round.c what happens under the lock.
 *
 * Locking: everything is guarded by the object's lock.
 */
#ifndef MUSTER_BARRIER_H
#define MUSTER_BARRIER_H

#include "muster.h"

/**
 * struct barrier_end - how a generation ended
 * @verdict:	0 if it tripped, else -EPIPE
 * @broken_by:	MUSTER_BROKEN_*
 * @status:	what the action said
 * @arrived:	how many had arrived
 * @parties:	of how many
 * @by:		whose death it was; compared, never followed
 */
struct barrier_end {
	int verdict;
	u32 broken_by;
	s32 status;
	u32 arrived;
	u32 parties;
	const struct pid *by;
};

/**
 * struct muster_barrier - a barrier
 * @object:	the core's part
 * @parties:	how many it takes now
 * @opened:	how many its creator said
 * @round:	how often the queue was emptied, since a generation formed or it broke
 * @missing:	struct barrier_owner.member of those with seats, not all of whose
 *		parties are in the queue
 * @there:	of those all of whose parties are
 * @nr_missing:	how many in @missing
 * @nr_there:	how many in @there
 * @seats:	how many are taken; with members, those not taken are parties that miss
 * @lost:	seats of members that died, where that shrinks it
 * @generation:	number of the generation that forms, or is acting
 * @token:	of the latest generation that formed (W4)
 * @arrivals:	how many ever arrived: the number of the next
 * @queue_from:	arrivals from this one on are in @queue
 * @acting_from: the first arrival of the generation that is acting
 * @acting_to:	that of its runner, the last of it
 * @queue:	struct barrier_waiter of those who arrived, in order
 * @nr_queued:	how many
 * @mark:	the last of those in @queue that were counted; @queue itself if none
 * @nr_marked:	how many
 * @acting:	struct barrier_waiter of the generation whose action runs
 * @nr_acting:	how many, without the runner
 * @nr_gone:	how many of its members have died, or are about to
 * @runner:	who runs the action, NULL if none does
 * @run_since:	jiffies since when
 * @broken:	how it broke; @broken.broken_by is 0 while it is healthy
 * @broken_pid:	who broke it; a reference
 */
struct muster_barrier {
	struct muster_object object;
	u32 parties;
	u32 opened;
	u64 round;
	struct list_head missing;
	struct list_head there;
	u32 nr_missing;
	u32 nr_there;
	u32 seats;
	u64 lost;
	u64 generation;
	u64 token;
	u64 arrivals;
	u64 queue_from;
	u64 acting_from;
	u64 acting_to;
	struct list_head queue;
	u32 nr_queued;
	struct list_head *mark;
	u32 nr_marked;
	struct list_head acting;
	u32 nr_acting;
	u32 nr_gone;
	struct barrier_owner *runner;
	u64 run_since;
	struct barrier_end broken;
	struct pid *broken_pid;
};

/**
 * struct barrier_owner - a process that uses a barrier
 * @owner:	the core's part
 * @token:	of the action it was last given to run and has not completed, or 0
 * @in_doubt:	the thread that left for a signal that kills, unless its tracer has it
 *		otherwise, and has not come back; BARRIER_SEVERAL; or NULL
 * @doubted_in:	the round that it left
 * @seats:	how many parties it is, where there are members
 * @arrived:	how many of these are in the queue, if @arrived_in is the current round
 * @arrived_in:	a round
 * @waiters:	struct barrier_waiter.in_member of these, in that round
 * @there_in:	the round in which they all are, else another
 * @gone:	how many of its parties have left round @gone_in, as it dies
 * @gone_in:	a round
 * @gone_by:	the last of these, if it has not come back
 * @gone_of:	the process that dies; another may have the same file table
 * @entered:	the token of the latest generation when it took its first seat
 * @acted:	that of an action while which ran it gave up seats, though it was a party
 * @lost:	it is dead, and had seats
 * @member:	link in @missing or @there of the barrier while it has seats
 */
struct barrier_owner {
	struct muster_owner owner;
	u64 token;
	const struct task_struct *in_doubt;
	u64 doubted_in;
	u32 seats;
	u32 arrived;
	u64 arrived_in;
	struct list_head waiters;
	u64 there_in;
	u32 gone;
	u64 gone_in;
	const struct task_struct *gone_by;
	const struct signal_struct *gone_of;
	u64 entered;
	u64 acted;
	bool lost;
	struct list_head member;
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
 * @member:	whose seat it takes, if there are members: that of the process at the
 *		descriptor that it came through, which is not a ticket's own. Of use
 *		while it is in the queue, which a member that dies takes it out of.
 * @mfile:	that descriptor's file; compared, never followed
 * @in_member:	link in the member's @waiters while it is in the queue; stale after
 * @refused:	taken out because its process has closed its last descriptor
 * @pass:	written by whoever takes it out
 */
struct barrier_waiter {
	struct muster_waiter waiter;
	u64 arrival;
	struct barrier_owner *member;
	struct muster_file *mfile;
	struct list_head in_member;
	bool refused;
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
 * @refused:	of those whose process has closed its last descriptor
 * @more:	another generation may be complete
 * @runner:	a waiter who is to run the next action, or NULL
 */
struct barrier_exit {
	struct barrier_taken acting;
	struct barrier_taken queue;
	struct list_head refused;
	bool more;
	struct barrier_waiter *runner;
};

static inline struct muster_barrier *to_barrier(struct muster_object *object)
{
	return container_of(object, struct muster_barrier, object);
}

static inline struct barrier_owner *to_barrier_owner(struct muster_owner *owner)
{
	return container_of(owner, struct barrier_owner, owner);
}

static inline struct barrier_waiter *to_barrier_waiter(struct muster_waiter *waiter)
{
	return container_of(waiter, struct barrier_waiter, waiter);
}

static inline bool barrier_has_members(const struct muster_barrier *barrier)
{
	return barrier->object.options & MUSTER_BARRIER_MEMBERS;
}

/* ---- barrier_round.c ---- */

void barrier_exit_init(struct barrier_exit *exit);
void barrier_unlock(struct muster_barrier *barrier, struct barrier_exit *exit)
	__releases(&barrier->object.lock);
void barrier_unlock_form(struct muster_barrier *barrier, struct barrier_exit *exit)
	__releases(&barrier->object.lock);
void barrier_tripped(struct muster_barrier *barrier, const struct muster_owner *owner);
void barrier_end_acting(struct muster_barrier *barrier, const struct barrier_end *end,
			struct barrier_exit *exit);
void barrier_break_queue(struct muster_barrier *barrier, u32 broken_by, u32 arrived,
			 struct pid *pid, struct barrier_exit *exit);
void barrier_break_acting(struct muster_barrier *barrier, u32 broken_by, s32 status,
			  struct pid *pid, struct barrier_exit *exit);
u32 barrier_nr_arrived(const struct muster_barrier *barrier,
		       const struct barrier_owner *bo);
void barrier_sort_member(struct muster_barrier *barrier, struct barrier_owner *bo);
u32 barrier_refuse(struct muster_barrier *barrier, struct barrier_owner *bo,
		   struct barrier_exit *exit);
struct barrier_owner *barrier_dying_member(struct muster_barrier *barrier,
					   const struct barrier_waiter *bw);
void barrier_give_up_seats(struct muster_barrier *barrier, struct barrier_owner *bo,
			   u32 arrived, struct barrier_exit *exit);
u32 barrier_nr_gone(const struct muster_barrier *barrier, const struct barrier_owner *bo);
bool barrier_has_free(const struct muster_barrier *barrier, struct barrier_owner *bo, u32 n);
bool barrier_acts(const struct muster_barrier *barrier, const struct barrier_owner *bo);
bool barrier_has_doubt(const struct muster_barrier *barrier, const struct barrier_owner *bo);
void barrier_mark_reset(struct muster_barrier *barrier);
enum muster_leave barrier_leave(struct muster_waiter *waiter, int reason);
int barrier_enter(struct muster_barrier *barrier, struct barrier_waiter *bw,
		  struct muster_file *mfile, const struct muster_deadline *until);
int barrier_wait(struct muster_barrier *barrier, struct muster_owner *owner,
		 struct barrier_waiter *bw, const struct muster_deadline *until);

#endif /* MUSTER_BARRIER_H */
