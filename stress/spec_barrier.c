// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cyclic barrier, one call at a time (B1 to B7). See spec.h.
 */
#include <errno.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"
#include "spec_calls.h"

/* AWAIT: it is to run the action, but has no descriptor any more. */
#define PHASE_LOST	SPEC_PHASE
/* SET_PARTIES, LEAVE: a generation has formed, and the next may be complete. */
#define PHASE_FORMED	SPEC_PHASE

/**
 * struct end - how a generation ended
 * @broken_by:	MUSTER_BROKEN_*, 0 if it tripped
 * @status:	what the action said
 * @arrived:	how many had arrived
 * @parties:	of how many
 * @pid:	who broke it
 */
struct end {
	__u32 broken_by;
	__s32 status;
	__u32 arrived;
	__u32 parties;
	__s32 pid;
};

/**
 * struct barrier - the state
 * @common:	the search's part
 * @parties:	how many it takes
 * @generation:	that forms or whose action runs
 * @token:	of the latest that formed
 * @lost:	seats that went with members that died
 * @seats:	of each owner
 * @gone:	how many of each owner's parties have left the queue, as it dies
 * @acted:	owners of whom one has died that waited for the action
 * @acting_gone: how many there were of them
 * @actions:	tokens of the actions that owners were given and did not complete
 * @broken:	how it broke
 * @acts:	an action runs
 * @runner:	its owner
 * @queue:	who has arrived
 * @acting:	who waits for the action to end
 */
struct barrier {
	struct spec_common common;
	__u64 parties;
	__u64 generation, token;
	__u64 lost;
	__u32 seats[SPEC_OWNERS];
	__u8 gone[SPEC_OWNERS];
	__u64 acted;
	__u8 acting_gone;
	__u64 actions[SPEC_OWNERS];
	struct end broken;
	__u8 acts, runner;
	struct spec_queue queue, acting;
};

static void barrier_init(const struct spec_run *run, void *state)
{
	struct barrier *b = state;

	b->parties = run->object->limit;
}

static bool has_action(const struct spec_run *run)
{
	return run->object->options & MUSTER_BARRIER_ACTION;
}

static bool has_members(const struct spec_run *run)
{
	return run->object->options & MUSTER_BARRIER_MEMBERS;
}

static bool shrinks(const struct spec_run *run)
{
	return run->object->options & MUSTER_BARRIER_SHRINK;
}

/* How many arrivals of the owner are in the queue. */
static __u32 nr_arrived(const struct spec_run *run, const struct barrier *b,
			unsigned int owner)
{
	__u32 n = 0, i;

	for (i = 0; i < b->queue.nr; i++)
		n += spec_pending(run, b->queue.slot[i])->owner == owner;
	return n;
}

static __u64 nr_seats(const struct barrier *b)
{
	__u64 n = 0;
	unsigned int i;

	for (i = 0; i < SPEC_OWNERS; i++)
		n += b->seats[i];
	return n;
}

/* ---- leaving ---- */

static bool told_end(const struct spec_op *op, const struct end *end)
{
	const struct history_record *rec = op->rec;

	return !op->known || op->kind == SPEC_REFUSED ||
	       (rec->out[BARRIER_OUT_BROKEN_BY] == end->broken_by &&
			      rec->out[BARRIER_OUT_STATUS] == end->status &&
			      rec->out[BARRIER_OUT_ARRIVED] == end->arrived &&
			      rec->out[BARRIER_OUT_PARTIES] == end->parties);
}

static bool told_pass(const struct barrier *b, const struct spec_op *op, __u64 generation,
		      __u32 index, bool action)
{
	const struct history_record *rec = op->rec;

	return !op->known || ((__u64)rec->out[BARRIER_OUT_GENERATION] == generation &&
			      (__u64)rec->out[BARRIER_OUT_TOKEN] == b->token &&
			      rec->out[BARRIER_OUT_INDEX] == index &&
			      rec->out[BARRIER_OUT_ACTION] == action);
}

/* It broke by the process of this waiter closing the file, which that is told instead. */
static bool broke_itself(const struct spec_run *run, const struct spec_op *op,
			 const struct end *end)
{
	return op->known && op->kind == SPEC_PLAIN && op->rec->ret == -EBADF &&
	       end->broken_by == MUSTER_BROKEN_DEATH &&
	       end->pid == run->history->processes[op->rec->process].pid;
}

/*
 * So many at the front of the queue learn how it ended; the first who arrived has the
 * highest index, as the last one of the generation may not be among them @index.
 */
static bool let_out(const struct spec_run *run, struct barrier *b,
		    struct spec_queue *queue, __u32 nr, const struct end *end,
		    __u64 generation, __u32 index)
{
	bool ok = true;

	while (nr-- && ok) {
		const struct spec_op *op = spec_pending(run, queue->slot[0]);

		spec_remove(queue, op->slot);
		if (end->broken_by && broke_itself(run, op, end))
			ok = spec_end(&b->common, op, -EBADF);
		else if (end->broken_by)
			ok = spec_end(&b->common, op, -EPIPE) && told_end(op, end);
		else
			ok = spec_end(&b->common, op, 0) &&
			     told_pass(b, op, generation, index--, false);
	}
	return ok;
}

/* All who were in the queue have left it, or a generation has formed. */
static void next_round(struct barrier *b)
{
	memset(b->gone, 0, sizeof(b->gone));
}

/* The queue breaks, and with it the barrier; the first cause counts. */
static bool break_all(const struct spec_run *run, struct barrier *b, const struct end *end)
{
	if (!b->broken.broken_by)
		b->broken = *end;
	next_round(b);
	return let_out(run, b, &b->queue, b->queue.nr, end, 0, 0);
}

static bool break_queue(const struct spec_run *run, struct barrier *b, __u32 why,
			__u32 arrived, __s32 pid)
{
	struct end end = { why, 0, arrived, b->parties, pid };

	return break_all(run, b, &end);
}

static void stop_acting(struct barrier *b)
{
	b->acts = 0;
	b->runner = 0;
	b->acted = 0;
	b->acting_gone = 0;
}

/* The generation of @parties, and who has died, is acting. It breaks, and the queue does. */
static bool break_acting(const struct spec_run *run, struct barrier *b, __u32 why,
			 __u32 parties, __s32 status, __s32 pid)
{
	struct end end = { why, status, parties + b->acting_gone, parties + b->acting_gone,
			   pid };

	stop_acting(b);
	return let_out(run, b, &b->acting, b->acting.nr, &end, 0, 0) && break_all(run, b, &end);
}

/* ---- arriving ---- */

/* It may return when its process has closed the file, even if it was chosen before. */
static bool may_be_lost(const struct barrier *b, const struct spec_op *op)
{
	return op->known && op->rec->ret == -EBADF &&
	       (op->kind == SPEC_PLAIN || spec_is_orphan(&b->common, op));
}

static bool start_action(struct barrier *b, const struct spec_op *op)
{
	b->acts = 1;
	b->runner = op->owner;
	b->token++;
	b->actions[op->owner] = b->token;
	if (may_be_lost(b, op)) {
		b->common.status[op->slot] = PHASE_LOST;
		return true;
	}
	return spec_end(&b->common, op, 0) && told_pass(b, op, b->generation, 0, true);
}

/* The last has arrived. */
static bool form(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	static const struct end tripped;

	next_round(b);
	if (has_action(run)) {
		b->acting = b->queue;
		b->queue = (struct spec_queue){};
		return start_action(b, op);
	}
	b->token++;
	b->generation++;
	return spec_end(&b->common, op, 0) && told_pass(b, op, b->generation - 1, 0, false) &&
	       let_out(run, b, &b->queue, b->queue.nr, &tripped, b->generation - 1,
		       b->queue.nr);
}

/* Nobody has arrived, but who is there may be enough all the same. */
static bool is_complete(const struct barrier *b)
{
	return !b->acts && b->queue.nr && !b->broken.broken_by && b->queue.nr >= b->parties;
}

/* The front of a complete queue trips, or its last runs the action. */
static bool form_queued(const struct spec_run *run, struct barrier *b)
{
	static const struct end tripped;
	const struct spec_op *last;
	__u32 i;

	if (!is_complete(b))
		return true;
	next_round(b);
	if (!has_action(run)) {
		b->token++;
		b->generation++;
		return let_out(run, b, &b->queue, b->parties, &tripped, b->generation - 1,
			       b->parties - 1);
	}
	last = spec_pending(run, b->queue.slot[b->parties - 1]);
	for (i = 0; i + 1 < b->parties; i++) {
		spec_push(&b->acting, b->queue.slot[0]);
		spec_remove(&b->queue, b->queue.slot[0]);
	}
	spec_remove(&b->queue, last->slot);
	return start_action(b, last);
}

/* 0 if it has a seat from which nobody has arrived. */
static int may_arrive(const struct spec_run *run, const struct barrier *b,
		      const struct spec_op *op)
{
	if (!has_members(run))
		return 0;
	if (!b->seats[op->owner])
		return -EPERM;
	return nr_arrived(run, b, op->owner) < b->seats[op->owner] ? 0 : -EBUSY;
}

/* In which order they are is seen by a STAT that lists two. */
static bool sees_order(const struct spec_op *other, const struct spec_op *op, __u8 status)
{
	return other->code == BARRIER_STAT && other->known &&
	       other->rec->out[BARRIER_STAT_WAITING] > 1;
}

static bool will_fail(const struct spec_op *op)
{
	return op->known && op->rec->ret;
}

/*
 * It is the last in the queue. Those who will fail do so together, whatever their order,
 * if there is no action for some of them and nobody looks: one order stands for all.
 */
static void put_in_order(const struct spec_run *run, struct barrier *b,
			 const struct spec_op *op)
{
	unsigned int i = b->queue.nr - 1;

	if (has_action(run) || !will_fail(op) ||
	    spec_may_come(run, &b->common, op, sees_order))
		return;
	for (; i && b->queue.slot[i - 1] > op->slot &&
	     will_fail(spec_pending(run, b->queue.slot[i - 1])); i--)
		b->queue.slot[i] = b->queue.slot[i - 1];
	b->queue.slot[i] = op->slot;
}

static bool arrive(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	int err;

	if (b->common.dead & 1ULL << op->owner)
		return spec_end(&b->common, op, -EBADF);
	err = may_arrive(run, b, op);
	if (err)
		return spec_end(&b->common, op, err);
	if (b->broken.broken_by)
		return spec_end(&b->common, op, -EPIPE) && told_end(op, &b->broken);
	if (!b->acts && b->queue.nr + 1U == b->parties)
		return form(run, b, op);
	if (op->rec->how & HOW_TRY)
		return spec_end(&b->common, op, -EAGAIN);
	spec_push(&b->queue, op->slot);
	put_in_order(run, b, op);
	b->common.status[op->slot] = SPEC_QUEUED;
	return true;
}

/* A dead member's seats are gone, or free for others. */
static void give_up_seats(const struct spec_run *run, struct barrier *b, unsigned int owner)
{
	__u32 seats = b->seats[owner];

	b->seats[owner] = 0;
	if (!shrinks(run))
		return;
	b->parties -= seats;
	b->lost += seats;
}

static bool await(const struct spec_run *run, struct barrier *b, const struct spec_op *op,
		  unsigned int choice)
{
	const struct history_record *rec = op->rec;
	__s32 pid = run->history->processes[rec->process].pid;

	if (b->common.status[op->slot] == PHASE_LOST) {
		if (choice || !(b->common.dead & 1ULL << op->owner))
			return false;
		b->common.status[op->slot] = SPEC_FAILED;
		if (!b->acts || b->runner != op->owner)
			return true;
		give_up_seats(run, b, op->owner);
		return break_acting(run, b, MUSTER_BROKEN_DEATH, b->acting.nr + 1, 0, pid);
	}
	if (rec->how & HOW_FAULT)
		return !choice && spec_end(&b->common, op, -EFAULT);
	if (!choice)
		return arrive(run, b, op);
	/* A deadline that has passed already neither joins nor breaks. */
	return op->known && op->kind != SPEC_TICKET && rec->how & HOW_TIMED &&
	       !b->broken.broken_by && !may_arrive(run, b, op) &&
	       spec_end(&b->common, op, -ETIMEDOUT);
}

/* A member's seat goes with its process, and that is what counts. */
static bool dies_with_member(const struct spec_run *run, enum spec_reason reason)
{
	return has_members(run) && (reason == SPEC_KILLED || reason == SPEC_CLOSED ||
				    (reason == SPEC_ALONE && shrinks(run)));
}

/* One who waits for an action leaves: it had arrived, as the runner has. */
static bool leave_acting(const struct spec_run *run, struct barrier *b,
			 const struct spec_op *op, enum spec_reason reason)
{
	__s32 pid = run->history->processes[op->rec->process].pid;
	__u32 why = reason == SPEC_TIMEOUT ? MUSTER_BROKEN_TIMEOUT : MUSTER_BROKEN_DEATH;

	if (dies_with_member(run, reason) && shrinks(run))
		return true;
	if (reason == SPEC_KILLED && has_members(run) &&
	    !(b->common.dead & 1ULL << op->owner)) {
		b->acted |= 1ULL << op->owner;
		b->acting_gone++;
		return true;
	}
	if (dies_with_member(run, reason))
		give_up_seats(run, b, op->owner);
	return break_acting(run, b, why, b->acting.nr + 2, 0, pid);
}

static bool barrier_leave(const struct spec_run *run, void *state, const struct spec_op *op,
			  enum spec_reason reason)
{
	__s32 pid = run->history->processes[op->rec->process].pid;
	__u32 why = reason == SPEC_TIMEOUT ? MUSTER_BROKEN_TIMEOUT : MUSTER_BROKEN_DEATH;
	struct barrier *b = state;
	__u32 arrived = b->queue.nr;

	if (spec_queued(&b->acting, op->slot)) {
		spec_remove(&b->acting, op->slot);
		return reason != SPEC_SIGNAL && leave_acting(run, b, op, reason);
	}
	spec_remove(&b->queue, op->slot);
	if (reason == SPEC_SIGNAL ||
	    (reason == SPEC_CLOSED && spec_withdraws(&b->common, op)))
		return true;
	if (!dies_with_member(run, reason))
		return break_queue(run, b, why, arrived, pid);
	b->gone[op->owner]++;
	return true;
}

/* ---- the other calls ---- */

static bool complete(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	static const struct end tripped;
	__u64 token = op->rec->arg[BARRIER_TOKEN];
	__s32 status = op->rec->arg[BARRIER_STATUS];
	__s32 pid = run->history->processes[op->rec->process].pid;

	if (!token || b->actions[op->owner] != token)
		return spec_end(&b->common, op, -EPERM);
	b->actions[op->owner] = 0;
	if (!b->acts || b->runner != op->owner || b->token != token)
		return spec_end(&b->common, op, -EPIPE);
	if (!spec_end(&b->common, op, 0))
		return false;
	if (status)
		return break_acting(run, b, MUSTER_BROKEN_ACTION, b->acting.nr + 1, status, pid);
	stop_acting(b);
	if (!let_out(run, b, &b->acting, b->acting.nr, &tripped, b->generation, b->acting.nr))
		return false;
	b->generation++;
	return form_queued(run, b);
}

static bool reset(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	bool ok;

	if (b->acts)
		ok = break_acting(run, b, MUSTER_BROKEN_RESET, b->acting.nr + 1, 0, 0);
	else
		ok = break_queue(run, b, MUSTER_BROKEN_RESET, b->queue.nr, 0);
	b->broken = (struct end){};
	b->generation++;
	return spec_end(&b->common, op, 0) && ok;
}

/* Several generations may be complete: each is an instant of its own. */
static bool set_parties(const struct spec_run *run, struct barrier *b,
			const struct spec_op *op)
{
	__u8 *status = &b->common.status[op->slot];

	if (has_members(run))
		return spec_end(&b->common, op, -EINVAL);
	if (*status == SPEC_NEW) {
		if (!spec_may(op, 0) ||
		    (op->known && op->rec->out[BARRIER_OLD_PARTIES] != (__s64)b->parties))
			return false;
		b->parties = op->rec->arg[BARRIER_PARTIES];
	}
	if (!form_queued(run, b))
		return false;
	*status = is_complete(b) ? PHASE_FORMED : SPEC_OK;
	return true;
}

/* ---- members ---- */

/* Takes seats that are free, and adds the rest. */
static bool enter(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	__u64 seats;

	if (!has_members(run))
		return spec_end(&b->common, op, -EINVAL);
	if (b->common.dead & 1ULL << op->owner)
		return spec_end(&b->common, op, -EBADF);
	b->seats[op->owner] += op->rec->arg[BARRIER_SEATS];
	seats = nr_seats(b);
	if (b->parties < seats)
		b->parties = seats;
	return spec_end(&b->common, op, 0);
}

static bool leave_seats(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	__s64 n = op->rec->arg[BARRIER_SEATS], seats = b->seats[op->owner];

	if (!has_members(run))
		return spec_end(&b->common, op, -EINVAL);
	if (n > seats)
		return spec_end(&b->common, op, -EPERM);
	if (n > seats - nr_arrived(run, b, op->owner))
		return spec_end(&b->common, op, -EBUSY);
	b->seats[op->owner] -= n;
	b->parties -= n;
	return spec_end(&b->common, op, 0) && form_queued(run, b);
}

/* Those who have arrived for a dead member, and not left yet, do not count any more. */
static bool refuse(const struct spec_run *run, struct barrier *b, unsigned int owner)
{
	unsigned int i = 0;

	while (i < b->queue.nr) {
		const struct spec_op *op = spec_pending(run, b->queue.slot[i]);

		if (op->owner != owner) {
			i++;
			continue;
		}
		spec_remove(&b->queue, op->slot);
		if (!spec_end(&b->common, op, -EBADF))
			return false;
	}
	return true;
}

/* With it goes the generation whose action it runs, or one of its parties waited for. */
static bool drop_action(const struct spec_run *run, struct barrier *b, unsigned int owner)
{
	if (!b->acts || (b->runner != owner && !(b->acted & 1ULL << owner)))
		return true;
	return break_acting(run, b, MUSTER_BROKEN_DEATH, b->acting.nr + 1, 0,
			    spec_owner_pid(run, owner));
}

/* A member is dead: what it breaks goes with its seats. */
static bool drop_member(const struct spec_run *run, struct barrier *b, unsigned int owner)
{
	__u32 arrived = b->queue.nr + b->gone[owner], seats = b->seats[owner];

	if (!refuse(run, b, owner) || !drop_action(run, b, owner))
		return false;
	give_up_seats(run, b, owner);
	if (shrinks(run))
		return form_queued(run, b);
	return !seats || b->broken.broken_by ||
	       break_queue(run, b, MUSTER_BROKEN_DEATH, arrived, spec_owner_pid(run, owner));
}

/* ---- looking ---- */

static bool listed(const struct spec_run *run, const struct spec_queue *queue,
		   const struct history_entry *list)
{
	unsigned int i;

	for (i = 0; i < queue->nr; i++) {
		const struct spec_op *op = spec_pending(run, queue->slot[i]);

		if (list[i].role != MUSTER_PROCESS_WAITER ||
		    list[i].pid != run->history->processes[op->rec->process].pid)
			return false;
	}
	return true;
}

/* Members some of whose parties have not arrived are listed in any order. */
static bool same_missing(const struct spec_run *run, const struct barrier *b,
			 const struct history_entry *list, unsigned int nr)
{
	unsigned int owner, missing, i;
	__u64 seen = 0;

	for (owner = 0; owner < SPEC_OWNERS; owner++) {
		missing = b->seats[owner] ? b->seats[owner] - nr_arrived(run, b, owner) : 0;
		if (!missing)
			continue;
		for (i = 0; i < nr; i++) {
			if (!(seen & 1ULL << i) && list[i].role == MUSTER_PROCESS_MISSING &&
			    list[i].amount == missing &&
			    list[i].pid == spec_owner_pid(run, owner))
				break;
		}
		if (i == nr)
			return false;
		seen |= 1ULL << i;
	}
	return (unsigned int)__builtin_popcountll(seen) == nr;
}

/* Those who wait in order of arrival, then the one that runs the action. */
static bool same_processes(const struct spec_run *run, const struct barrier *b,
			   const struct history_record *rec)
{
	const struct history_entry *list = &run->history->entries[rec->entries];
	unsigned int nr = b->acting.nr + b->queue.nr;

	if (rec->nr_entries < nr + b->acts || !listed(run, &b->acting, list) ||
	    !listed(run, &b->queue, list + b->acting.nr) ||
	    !same_missing(run, b, list + nr + b->acts, rec->nr_entries - nr - b->acts))
		return false;
	return !b->acts || (list[nr].role == MUSTER_PROCESS_HOLDER &&
			    list[nr].pid == spec_owner_pid(run, b->runner));
}

static bool stat(const struct spec_run *run, struct barrier *b, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;

	if (!spec_end(&b->common, op, 0))
		return false;
	return !op->known ||
	       ((__u64)rec->out[BARRIER_STAT_GENERATION] == b->generation &&
		rec->out[BARRIER_STAT_WAITING] == b->acting.nr + b->queue.nr &&
		rec->out[BARRIER_STAT_BROKEN_BY] == b->broken.broken_by &&
		rec->out[BARRIER_STAT_PID] == b->broken.pid &&
		rec->out[BARRIER_STAT_STATUS] == b->broken.status &&
		rec->out[BARRIER_STAT_ARRIVED] == b->broken.arrived &&
		rec->out[BARRIER_STAT_ACTING] == b->acts &&
		(__u64)rec->out[BARRIER_STAT_PARTIES] == b->parties &&
		(__u64)rec->out[BARRIER_STAT_SEATS] == nr_seats(b) &&
		(__u64)rec->out[BARRIER_STAT_LOST] == b->lost && same_processes(run, b, rec));
}

/* ---- the specification ---- */

static bool barrier_step(const struct spec_run *run, void *state, const struct spec_op *op,
			 unsigned int choice)
{
	struct barrier *b = state;

	if (op->code == BARRIER_AWAIT)
		return await(run, b, op, choice);
	if (choice)
		return false;
	switch (op->code) {
	case BARRIER_COMPLETE:
		return complete(run, b, op);
	case BARRIER_RESET:
		return reset(run, b, op);
	case BARRIER_SET_PARTIES:
		return set_parties(run, b, op);
	case BARRIER_ENTER:
		return enter(run, b, op);
	case BARRIER_LEAVE:
		return leave_seats(run, b, op);
	default:
		return stat(run, b, op);
	}
}

static bool barrier_holds(const struct spec_run *run, const void *state, unsigned int owner)
{
	const struct barrier *b = state;

	return b->actions[owner] || b->seats[owner] || (b->acts && b->runner == owner);
}

static bool barrier_drop(const struct spec_run *run, void *state, unsigned int owner,
			 bool *ok)
{
	struct barrier *b = state;

	b->actions[owner] = 0;
	*ok = has_members(run) ? drop_member(run, b, owner) : drop_action(run, b, owner);
	return false;
}

/* ---- who may break it ---- */

static bool is_reset(const struct spec_op *other, const struct spec_op *op, __u8 status)
{
	return other->code == BARRIER_RESET;
}

static bool may_time_out(const struct spec_op *other, const struct spec_op *op, __u8 status)
{
	return other->code == BARRIER_AWAIT && other->rec->how & HOW_TIMED &&
	       spec_may(other, -ETIMEDOUT);
}

/* The runner of an action can be any process that ends. */
static bool may_die(const struct spec_op *other, const struct spec_op *op, __u8 status)
{
	return other->code == HISTORY_CLOSE || other->code == HISTORY_DEATH || !other->known ||
	       other->rec->ret == -EBADF;
}

static bool is_complete_call(const struct spec_op *other, const struct spec_op *op, __u8 status)
{
	return other->code == BARRIER_COMPLETE;
}

/* A call that fails as the barrier is broken: it is, or may be soon. */
static bool may_break(const struct spec_run *run, const struct barrier *b,
		      const struct spec_op *op)
{
	static const spec_test_fn by[] = {
		[MUSTER_BROKEN_TIMEOUT] = may_time_out,
		[MUSTER_BROKEN_DEATH] = may_die,
		[MUSTER_BROKEN_ACTION] = is_complete_call,
		[MUSTER_BROKEN_RESET] = is_reset,
	};
	__u32 why = op->rec->out[BARRIER_OUT_BROKEN_BY];

	if (!why || why > MUSTER_BROKEN_RESET)
		return false;
	return b->broken.broken_by == why || spec_may_come(run, &b->common, op, by[why]);
}

static bool barrier_possible(const struct spec_run *run, const void *state,
			     const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	const struct barrier *b = state;
	__u64 generation = rec->out[BARRIER_OUT_GENERATION];

	if (op->code != BARRIER_AWAIT || op->kind == SPEC_REFUSED ||
	    !spec_waits(&b->common, op))
		return true;
	if (rec->ret == -EPIPE)
		return may_break(run, b, op);
	if (rec->ret)
		return true;
	return generation >= b->generation &&
	       (__u64)rec->out[BARRIER_OUT_TOKEN] + spec_queued(&b->acting, op->slot) >
	       b->token;
}

static __u64 barrier_gets(const struct spec_op *op)
{
	return op->code == BARRIER_AWAIT && op->known && !op->rec->ret &&
	       op->kind != SPEC_READ ? op->rec->out[BARRIER_OUT_TOKEN] : 0;
}

static __u64 barrier_latest(const void *state)
{
	const struct barrier *b = state;

	return b->token;
}

/* Of STAT: as of a semaphore. */
static unsigned int barrier_distance(const struct spec_run *run, const void *state,
				     const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	const struct barrier *b = state;

	return spec_queue_disorder(run, &b->common, &b->queue, BARRIER_AWAIT) +
	       (op->code == BARRIER_STAT ? 2 * spec_queue_distance(run, &b->queue, rec) : 0);
}

static void barrier_forget(void *state, unsigned int owner)
{
	struct barrier *b = state;

	b->actions[owner] = 0;
}

static void barrier_show(const struct spec_run *run, const void *state, FILE *out)
{
	const struct barrier *b = state;

	fprintf(out, "# generation %llu, token %llu, broken by %u, %s, queue:", b->generation,
		b->token, b->broken.broken_by, b->acts ? "acting" : "no action");
	spec_show_queue(run, &b->queue, out);
}

static const struct history_call barrier_calls[] = {
	{ "await", { }, { "generation", "token", "index", "action", "status", "broken_by",
			  "arrived", "parties" } },
	{ "complete", { "token", "status" }, { } },
	{ "reset", { }, { } },
	{ "stat", { }, { "generation", "waiting", "broken_by", "pid", "status", "arrived",
			 "acting", "parties", "seats", "lost" } },
	{ "set_parties", { "parties" }, { "old_parties" } },
	{ "enter", { "seats" }, { } },
	{ "leave", { "seats" }, { } },
};

const struct spec spec_barrier = {
	.name = "barrier",
	.calls = barrier_calls,
	.nr_calls = sizeof(barrier_calls) / sizeof(*barrier_calls),
	.state_size = sizeof(struct barrier),
	.choices = 2,
	.init = barrier_init,
	.step = barrier_step,
	.leave = barrier_leave,
	.drop = barrier_drop,
	.holds = barrier_holds,
	.possible = barrier_possible,
	.gets = barrier_gets,
	.latest = barrier_latest,
	.distance = barrier_distance,
	.forget = barrier_forget,
	.show = barrier_show,
};
