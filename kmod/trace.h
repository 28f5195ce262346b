/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: an event for each change of state (I5)
 *
 * Documentation/tracing.rst tells what they are for, and how to read them. Each begins
 * with the object's number, which is "muster-id" in fdinfo; processes are process ids as
 * the kernel itself has them. No event has an address of the kernel.
 *
 * One that is off costs a jump over it: what it tells is worked out when it is on. They
 * may be under any lock.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM muster

#if !defined(MUSTER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MUSTER_TRACE_H

#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

#include <linux/muster.h>

struct barrier_end;
struct flight_call;
struct flight_owner;
struct group_slot;
struct muster_barrier;
struct muster_group;
struct muster_object;
struct muster_owner;
struct muster_waiter;

TRACE_DEFINE_ENUM(MUSTER_FLIGHT);
TRACE_DEFINE_ENUM(MUSTER_BARRIER);
TRACE_DEFINE_ENUM(MUSTER_SEM);
TRACE_DEFINE_ENUM(MUSTER_GROUP);

#define muster_show_type(type)						\
	__print_symbolic(type, { MUSTER_FLIGHT, "flight" },		\
			 { MUSTER_BARRIER, "barrier" },			\
			 { MUSTER_SEM, "sem" }, { MUSTER_GROUP, "group" })

/* As MUSTER_BROKEN_*. */
#define muster_show_broken(by)						\
	__print_symbolic(by, { 1, "timeout" }, { 2, "death" },		\
			 { 3, "action" }, { 4, "reset" })

/* As MUSTER_TASK_*. */
#define muster_show_task(state)						\
	__print_symbolic(state, { 1, "pending" }, { 2, "done" }, { 3, "died" })

/* ---- objects, owners, waiters ---- */

DECLARE_EVENT_CLASS(muster_object,
	TP_PROTO(const struct muster_object *object),
	TP_ARGS(object),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u32, type)
			 __field(u32, ns)
			 __field(u32, uid)
			 __field(u32, mode)
			 __dynamic_array(char, name,
					 (object->name ? object->name->len : 0) + 1)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->type = object->type->id;
		       __entry->ns = muster_space_inum(object->space);
		       __entry->uid = __kuid_val(object->uid);
		       __entry->mode = object->mode;
		       trace_text(__get_str(name),
				  object->name ? object->name->bytes : NULL,
				  object->name ? object->name->len : 0);),
	TP_printk("object=%llu type=%s ns=%u uid=%u mode=%04o name=%s", __entry->object,
		  muster_show_type(__entry->type), __entry->ns, __entry->uid, __entry->mode,
		  __get_str(name))
);

/* Somebody has made it. */
DEFINE_EVENT(muster_object, muster_object_created,
	TP_PROTO(const struct muster_object *object),
	TP_ARGS(object)
);

/* Nobody has it any more, but it is still found by its name (O3). */
DEFINE_EVENT(muster_object, muster_object_lingers,
	TP_PROTO(const struct muster_object *object),
	TP_ARGS(object)
);

/* Somebody has opened it while it lingered. */
DEFINE_EVENT(muster_object, muster_object_found,
	TP_PROTO(const struct muster_object *object),
	TP_ARGS(object)
);

/* It is no more, and nor is its name. */
DEFINE_EVENT(muster_object, muster_object_gone,
	TP_PROTO(const struct muster_object *object),
	TP_ARGS(object)
);

/* A process has no descriptor of the object left: it has exited, or closed the last. */
TRACE_EVENT(muster_owner_gone,
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner),
	TP_ARGS(object, owner),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u32, type)
			 __field(pid_t, pid)
			 __field(bool, exits)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->type = object->type->id;
		       __entry->pid = trace_pid(owner);
		       __entry->exits = current->flags & PF_EXITING;),
	TP_printk("object=%llu type=%s pid=%d exits=%d", __entry->object,
		  muster_show_type(__entry->type), __entry->pid, __entry->exits)
);

DECLARE_EVENT_CLASS(muster_lease,
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner, u64 id),
	TP_ARGS(object, owner, id),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, lease)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->lease = id;
		       __entry->pid = trace_pid(owner);),
	TP_printk("object=%llu pid=%d lease=%llx", __entry->object, __entry->pid,
		  __entry->lease)
);

/* It maps a lease (L1). */
DEFINE_EVENT(muster_lease, muster_lease_begun,
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner, u64 id),
	TP_ARGS(object, owner, id)
);

/* That is over: it has closed a descriptor, or could not map it. */
DEFINE_EVENT(muster_lease, muster_lease_over,
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner, u64 id),
	TP_ARGS(object, owner, id)
);

/* Somebody queues up; @tid is 0 for a ticket. */
TRACE_EVENT(muster_wait_begin,
	TP_PROTO(const struct muster_object *object, const struct muster_waiter *waiter,
		 u64 amount),
	TP_ARGS(object, waiter, amount),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, amount)
			 __field(u32, type)
			 __field(pid_t, pid)
			 __field(pid_t, tid)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->type = object->type->id;
		       __entry->pid = trace_pid(waiter->owner);
		       __entry->tid = waiter->task ? waiter->task->pid : 0;
		       __entry->amount = amount;),
	TP_printk("object=%llu type=%s pid=%d tid=%d amount=%llu", __entry->object,
		  muster_show_type(__entry->type), __entry->pid, __entry->tid,
		  __entry->amount)
);

/* It has its verdict: 0, or a negative errno; @waited is in ns. */
TRACE_EVENT(muster_wait_end,
	TP_PROTO(const struct muster_waiter *waiter, int verdict),
	TP_ARGS(waiter, verdict),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, waited)
			 __field(u32, type)
			 __field(pid_t, pid)
			 __field(pid_t, tid)
			 __field(int, verdict)),
	TP_fast_assign(__entry->object = muster_owner_object(waiter->owner)->id;
		       __entry->type = muster_owner_object(waiter->owner)->type->id;
		       __entry->pid = trace_pid(waiter->owner);
		       __entry->tid = waiter->task ? waiter->task->pid : 0;
		       __entry->verdict = verdict;
		       __entry->waited = muster_waited(waiter);),
	TP_printk("object=%llu type=%s pid=%d tid=%d verdict=%d waited=%llu",
		  __entry->object, muster_show_type(__entry->type), __entry->pid,
		  __entry->tid, __entry->verdict, __entry->waited)
);

/* ---- flights ---- */

DECLARE_EVENT_CLASS(muster_flight,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, token)
			 __field(pid_t, pid)
			 __field(pid_t, leader)
			 __field(u32, attempt)
			 __field(u32, followers)
			 __dynamic_array(char, key, call->key_len + 1)),
	TP_fast_assign(__entry->object = call->flight->object.id;
		       __entry->token = call->token;
		       __entry->pid = trace_pid(owner);
		       __entry->leader = call->leader ? trace_pid(&call->leader->owner) : 0;
		       __entry->attempt = call->attempt;
		       __entry->followers = call->nr_followers;
		       trace_text(__get_str(key), call->key, call->key_len);),
	TP_printk("object=%llu token=%llu pid=%d leader=%d attempt=%u followers=%u key=%s",
		  __entry->object, __entry->token, __entry->pid, __entry->leader,
		  __entry->attempt, __entry->followers, __get_str(key))
);

/* A call begins: @pid leads it. */
DEFINE_EVENT(muster_flight, muster_flight_led,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* @pid queues up behind @leader. */
DEFINE_EVENT(muster_flight, muster_flight_joined,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* @pid, which followed, is made leader, since the last one has gone or gives up. */
DEFINE_EVENT(muster_flight, muster_flight_handed_over,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* The leader says ABANDON. */
DEFINE_EVENT(muster_flight, muster_flight_abandoned,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* The leader is gone, and none follows: the call ends with EOWNERDEAD. */
DEFINE_EVENT(muster_flight, muster_flight_orphaned,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* @pid has the call forgotten: later joins begin a new one. */
DEFINE_EVENT(muster_flight, muster_flight_forgotten,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* @pid gets a result that was kept. */
DEFINE_EVENT(muster_flight, muster_flight_served,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* A result is kept no more: its time is over, or others need the room. */
DEFINE_EVENT(muster_flight, muster_flight_dropped,
	TP_PROTO(const struct flight_call *call, const struct muster_owner *owner),
	TP_ARGS(call, owner)
);

/* The leader hands a result in; a @status that is not 0 is a failure. */
TRACE_EVENT(muster_flight_finished,
	TP_PROTO(const struct flight_call *call),
	TP_ARGS(call),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, token)
			 __field(u64, bytes)
			 __field(u64, led)
			 __field(pid_t, pid)
			 __field(s32, status)
			 __field(u32, attempt)
			 __field(u32, followers)
			 __dynamic_array(char, key, call->key_len + 1)),
	TP_fast_assign(__entry->object = call->flight->object.id;
		       __entry->token = call->token;
		       __entry->bytes = call->result ? call->result->len : 0;
		       __entry->led = jiffies64_to_nsecs(get_jiffies_64() - call->since);
		       __entry->pid = trace_pid(&call->leader->owner);
		       __entry->status = call->status;
		       __entry->attempt = call->attempt;
		       __entry->followers = call->nr_followers;
		       trace_text(__get_str(key), call->key, call->key_len);),
	TP_printk("object=%llu token=%llu pid=%d attempt=%u followers=%u status=%d bytes=%llu led=%llu key=%s",
		  __entry->object, __entry->token, __entry->pid, __entry->attempt,
		  __entry->followers, __entry->status, __entry->bytes, __entry->led,
		  __get_str(key))
);

/* And it is kept: fresh for @keep, then stale for @grace, in ns. */
TRACE_EVENT(muster_flight_kept,
	TP_PROTO(const struct flight_call *call),
	TP_ARGS(call),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, token)
			 __field(u64, keep)
			 __field(u64, grace)
			 __field(s32, status)
			 __dynamic_array(char, key, call->key_len + 1)),
	TP_fast_assign(__entry->object = call->flight->object.id;
		       __entry->token = call->token;
		       __entry->keep = call->keep_until - call->ended;
		       __entry->grace = call->stale_until - call->keep_until;
		       __entry->status = call->status;
		       trace_text(__get_str(key), call->key, call->key_len);),
	TP_printk("object=%llu token=%llu status=%d keep=%llu grace=%llu key=%s",
		  __entry->object, __entry->token, __entry->status, __entry->keep,
		  __entry->grace, __get_str(key))
);

/* ---- semaphores ---- */

DECLARE_EVENT_CLASS(muster_sem,
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner,
		 s64 permits, s64 free, u32 waiters, u64 token),
	TP_ARGS(object, owner, permits, free, waiters, token),
	TP_STRUCT__entry(__field(u64, object)
			 __field(s64, permits)
			 __field(s64, free)
			 __field(u64, token)
			 __field(u32, waiters)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->permits = permits;
		       __entry->free = free;
		       __entry->token = token;
		       __entry->waiters = waiters;
		       __entry->pid = trace_pid(owner);),
	TP_printk("object=%llu pid=%d permits=%lld free=%lld waiters=%u token=%llu",
		  __entry->object, __entry->pid, __entry->permits, __entry->free,
		  __entry->waiters, __entry->token)
);

#define MUSTER_SEM_EVENT(name)						\
DEFINE_EVENT(muster_sem, name,						\
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner, \
		 s64 permits, s64 free, u32 waiters, u64 token),	\
	TP_ARGS(object, owner, permits, free, waiters, token)		\
)

/* @pid queues up for permits. */
MUSTER_SEM_EVENT(muster_sem_queued);
/* It has them; @token is the grant's, else the latest grant's. */
MUSTER_SEM_EVENT(muster_sem_granted);
/* It has left the queue without. */
MUSTER_SEM_EVENT(muster_sem_cancelled);
/* It gives permits back, by RELEASE or by its end. */
MUSTER_SEM_EVENT(muster_sem_released);

/*
 * It releases permits, and they remain with it, on loan (L3). @free and @waiters are not
 * changed by that.
 */
MUSTER_SEM_EVENT(muster_sem_lent);

/* What it had on loan is taken back: @idle are free now, @held it holds. */
TRACE_EVENT(muster_sem_taken,
	TP_PROTO(const struct muster_object *object, const struct muster_owner *owner,
		 s64 idle, s64 held, s64 free),
	TP_ARGS(object, owner, idle, held, free),
	TP_STRUCT__entry(__field(u64, object)
			 __field(s64, idle)
			 __field(s64, held)
			 __field(s64, free)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->idle = idle;
		       __entry->held = held;
		       __entry->free = free;
		       __entry->pid = trace_pid(owner);),
	TP_printk("object=%llu pid=%d idle=%lld held=%lld free=%lld", __entry->object,
		  __entry->pid, __entry->idle, __entry->held, __entry->free)
);

TRACE_EVENT(muster_sem_limit,
	TP_PROTO(const struct muster_object *object, s64 old, s64 new),
	TP_ARGS(object, old, new),
	TP_STRUCT__entry(__field(u64, object)
			 __field(s64, old)
			 __field(s64, new)),
	TP_fast_assign(__entry->object = object->id;
		       __entry->old = old;
		       __entry->new = new;),
	TP_printk("object=%llu old=%lld new=%lld", __entry->object, __entry->old,
		  __entry->new)
);

/* ---- barriers ---- */

DECLARE_EVENT_CLASS(muster_barrier,
	TP_PROTO(const struct muster_barrier *barrier, const struct muster_owner *owner),
	TP_ARGS(barrier, owner),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, generation)
			 __field(u32, arrived)
			 __field(u32, parties)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = barrier->object.id;
		       __entry->generation = barrier->generation;
		       __entry->arrived = barrier->nr_queued;
		       __entry->parties = barrier->parties;
		       __entry->pid = trace_pid(owner);),
	TP_printk("object=%llu pid=%d generation=%llu arrived=%u parties=%u",
		  __entry->object, __entry->pid, __entry->generation, __entry->arrived,
		  __entry->parties)
);

#define MUSTER_BARRIER_EVENT(name)					\
DEFINE_EVENT(muster_barrier, name,					\
	TP_PROTO(const struct muster_barrier *barrier, const struct muster_owner *owner), \
	TP_ARGS(barrier, owner)						\
)

/* @pid has arrived, and waits: @arrived do now. Who completes a generation does not. */
MUSTER_BARRIER_EVENT(muster_barrier_arrived);
/* It takes its arrival back, and harms nobody by that. */
MUSTER_BARRIER_EVENT(muster_barrier_withdrawn);
/* All are there: @pid is to run the action. */
MUSTER_BARRIER_EVENT(muster_barrier_acting);
/* All are there, and leave; @pid came last, or ran the action, or changed the parties. */
MUSTER_BARRIER_EVENT(muster_barrier_tripped);
/* @pid begins anew. */
MUSTER_BARRIER_EVENT(muster_barrier_reset);
/* There are more or fewer parties now. */
MUSTER_BARRIER_EVENT(muster_barrier_parties);

/* All who are there leave with an error, because of @pid. */
TRACE_EVENT(muster_barrier_broken,
	TP_PROTO(const struct muster_barrier *barrier, const struct barrier_end *end,
		 struct pid *pid),
	TP_ARGS(barrier, end, pid),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, generation)
			 __field(u32, by)
			 __field(s32, status)
			 __field(u32, arrived)
			 __field(u32, parties)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = barrier->object.id;
		       __entry->generation = barrier->generation;
		       __entry->by = end->broken_by;
		       __entry->status = end->status;
		       __entry->arrived = end->arrived;
		       __entry->parties = end->parties;
		       __entry->pid = pid ? pid_nr(pid) : task_tgid_nr(current);),
	TP_printk("object=%llu pid=%d generation=%llu by=%s status=%d arrived=%u parties=%u",
		  __entry->object, __entry->pid, __entry->generation,
		  muster_show_broken(__entry->by), __entry->status, __entry->arrived,
		  __entry->parties)
);

DECLARE_EVENT_CLASS(muster_member,
	TP_PROTO(const struct muster_barrier *barrier, const struct muster_owner *owner,
		 u32 seats),
	TP_ARGS(barrier, owner, seats),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u32, seats)
			 __field(u32, taken)
			 __field(u32, parties)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = barrier->object.id;
		       __entry->seats = seats;
		       __entry->taken = barrier->seats;
		       __entry->parties = barrier->parties;
		       __entry->pid = trace_pid(owner);),
	TP_printk("object=%llu pid=%d seats=%u taken=%u parties=%u", __entry->object,
		  __entry->pid, __entry->seats, __entry->taken, __entry->parties)
);

#define MUSTER_MEMBER_EVENT(name)					\
DEFINE_EVENT(muster_member, name,					\
	TP_PROTO(const struct muster_barrier *barrier, const struct muster_owner *owner, \
		 u32 seats),						\
	TP_ARGS(barrier, owner, seats)					\
)

/* @pid takes so many seats more, gives them up, or loses them by its end (B6). */
MUSTER_MEMBER_EVENT(muster_member_entered);
MUSTER_MEMBER_EVENT(muster_member_left);
MUSTER_MEMBER_EVENT(muster_member_died);

/* ---- groups ---- */

/* @pid adds tasks. */
TRACE_EVENT(muster_group_added,
	TP_PROTO(const struct muster_group *group, const struct muster_owner *owner,
		 u64 first, u32 slots),
	TP_ARGS(group, owner, first, slots),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, first)
			 __field(u32, slots)
			 __field(u32, pending)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = group->object.id;
		       __entry->first = first;
		       __entry->slots = slots;
		       __entry->pending = group->counts.pending;
		       __entry->pid = trace_pid(owner);),
	TP_printk("object=%llu pid=%d first=%llu slots=%u pending=%u", __entry->object,
		  __entry->pid, __entry->first, __entry->slots, __entry->pending)
);

DECLARE_EVENT_CLASS(muster_task,
	TP_PROTO(const struct muster_group *group, const struct group_slot *slot),
	TP_ARGS(group, slot),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u64, slot)
			 __field(u32, state)
			 __field(s32, status)
			 __field(u32, pending)
			 __field(pid_t, pid)),
	TP_fast_assign(__entry->object = group->object.id;
		       __entry->slot = slot->number;
		       __entry->state = slot->state;
		       __entry->status = slot->status;
		       __entry->pending = group->counts.pending;
		       __entry->pid = pid_nr(slot->pid);),
	TP_printk("object=%llu pid=%d slot=%llu state=%s status=%d pending=%u",
		  __entry->object, __entry->pid, __entry->slot,
		  muster_show_task(__entry->state), __entry->status, __entry->pending)
);

/* The task is @pid's now. */
DEFINE_EVENT(muster_task, muster_group_claimed,
	TP_PROTO(const struct muster_group *group, const struct group_slot *slot),
	TP_ARGS(group, slot)
);

/* It has ended. */
DEFINE_EVENT(muster_task, muster_group_done,
	TP_PROTO(const struct muster_group *group, const struct group_slot *slot),
	TP_ARGS(group, slot)
);

DECLARE_EVENT_CLASS(muster_group,
	TP_PROTO(const struct muster_group *group),
	TP_ARGS(group),
	TP_STRUCT__entry(__field(u64, object)
			 __field(u32, pending)
			 __field(u32, succeeded)
			 __field(u32, failed)),
	TP_fast_assign(__entry->object = group->object.id;
		       __entry->pending = group->counts.pending;
		       __entry->succeeded = group->counts.succeeded;
		       __entry->failed = group->counts.failed;),
	TP_printk("object=%llu pending=%u succeeded=%u failed=%u", __entry->object,
		  __entry->pending, __entry->succeeded, __entry->failed)
);

/* Nothing is added any more. */
DEFINE_EVENT(muster_group, muster_group_cancelled,
	TP_PROTO(const struct muster_group *group),
	TP_ARGS(group)
);

/* It begins anew: the counts are those that are forgotten. */
DEFINE_EVENT(muster_group, muster_group_reset,
	TP_PROTO(const struct muster_group *group),
	TP_ARGS(group)
);

#endif /* MUSTER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
