// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group of tasks in the storm. See storm.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storm.h"

#define RESULT_MAX	3000

static __thread unsigned char result[RESULT_MAX];

/* ---- calls ---- */

/* One of the slots that somebody was given lately, or one that nobody was. */
static __u64 random_slot(struct storm_turn *turn)
{
	__u64 latest = __atomic_load_n(&storm->objects[turn->object].latest,
				       __ATOMIC_RELAXED);
	__u64 back = rnd_below(turn->rng, 6);

	return back > latest ? 1 : latest + 1 - back;
}

static void make_add(struct storm_turn *turn)
{
	__u32 limit = storm->history.objects[turn->object].limit;

	turn->rec->arg[GROUP_SLOTS] = rnd_percent(turn->rng, 4) ? limit + 1 :
				      1 + rnd_below(turn->rng, 3);
	storm_choose_wait(turn);
}

/* Most tasks are done some time, a few twice: the second must fail. */
static void added(struct storm_turn *turn, __u64 first, __u32 slots)
{
	struct storm_object *object = &storm->objects[turn->object];
	__u32 i;

	__atomic_store_n(&object->latest, first + slots - 1, __ATOMIC_RELAXED);
	for (i = 0; i < slots; i++) {
		if (rnd_percent(turn->rng, 90))
			storm_later(turn, GROUP_DONE, first + i, 0, 0);
		if (rnd_percent(turn->rng, 3))
			storm_later(turn, GROUP_DONE, first + i, 0, 0);
	}
}

static void run_add(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct muster_group_add add = {
		.size = sizeof(add),
		.flags = turn->flags,
		.slots = rec->arg[GROUP_SLOTS],
		.deadline = turn->deadline,
	};

	if (storm_ioctl(turn, MUSTER_GROUP_ADD, &add, sizeof(add)))
		return;
	rec->out[GROUP_OUT_FIRST] = add.first;
	added(turn, add.first, add.slots);
}

static void group_verdict(struct storm_turn *turn, const struct muster_verdict *verdict,
			  const unsigned char *bytes, size_t len)
{
	__s64 *out = turn->rec->out;

	if (verdict->error)
		return;
	if (turn->rec->code == GROUP_ADD) {
		out[GROUP_OUT_FIRST] = verdict->token;
		added(turn, verdict->token, turn->rec->arg[GROUP_SLOTS]);
		return;
	}
	out[GROUP_OUT_MET] = !!(verdict->outcome & MUSTER_OUTCOME_MET);
	out[GROUP_OUT_STATUS] = verdict->status;
	out[GROUP_OUT_SLOT] = verdict->token;
}

static void make_claim(struct storm_turn *turn)
{
	turn->rec->arg[GROUP_SLOT] = random_slot(turn);
}

static void run_claim(struct storm_turn *turn)
{
	struct muster_group_claim claim = {
		.size = sizeof(claim),
		.slot = turn->rec->arg[GROUP_SLOT],
	};

	if (!storm_ioctl(turn, MUSTER_GROUP_CLAIM, &claim, sizeof(claim)))
		storm_later(turn, GROUP_DONE, claim.slot, 0, 0);
}

static void make_done(struct storm_turn *turn)
{
	turn->rec->arg[GROUP_SLOT] = rnd_percent(turn->rng, 70) ? MUSTER_SLOT_ANY :
				     random_slot(turn);
}

/* What a task leaves behind follows from its slot; of ANY it is not known. */
static void complete_done(struct storm_turn *turn)
{
	__s64 *arg = turn->rec->arg;

	if (rnd_percent(turn->rng, 15))
		arg[GROUP_STATUS] = (__s32)rnd(turn->rng);
	if ((__u64)arg[GROUP_SLOT] != MUSTER_SLOT_ANY)
		arg[GROUP_LEN] = rnd_below(turn->rng, rnd_percent(turn->rng, 80) ? 40 :
							  RESULT_MAX);
}

static void run_done(struct storm_turn *turn)
{
	const __s64 *arg = turn->rec->arg;
	struct muster_group_done done = {
		.size = sizeof(done),
		.slot = arg[GROUP_SLOT],
		.data = (__u64)(unsigned long)result,
		.data_len = arg[GROUP_LEN],
		.status = arg[GROUP_STATUS],
	};

	storm_fill(result, done.slot, done.data_len);
	storm_ioctl(turn, MUSTER_GROUP_DONE, &done, sizeof(done));
}

static void make_wait(struct storm_turn *turn)
{
	turn->rec->arg[GROUP_UNTIL] = rnd_below(turn->rng, 4);
	if (turn->rec->arg[GROUP_UNTIL] == MUSTER_UNTIL_SUCCESSES ||
	    turn->rec->arg[GROUP_UNTIL] == MUSTER_UNTIL_COUNT)
		turn->rec->arg[GROUP_SUCCESSES] = 1 + rnd_below(turn->rng, 12);
	storm_choose_wait(turn);
}

static void run_wait(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct muster_group_wait wait = {
		.size = sizeof(wait),
		.flags = turn->flags,
		.until = rec->arg[GROUP_UNTIL],
		.successes = rec->arg[GROUP_SUCCESSES],
		.deadline = turn->deadline,
	};

	if (storm_ioctl(turn, MUSTER_GROUP_WAIT, &wait, sizeof(wait)))
		return;
	rec->out[GROUP_OUT_MET] = wait.met;
	rec->out[GROUP_OUT_STATUS] = wait.status;
	rec->out[GROUP_OUT_SLOT] = wait.slot;
	rec->out[GROUP_OUT_PENDING] = wait.pending;
	rec->out[GROUP_OUT_SUCCEEDED] = wait.succeeded;
	rec->out[GROUP_OUT_FAILED] = wait.failed;
	rec->out[GROUP_OUT_DIED] = wait.died;
}

static void run_result(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct muster_group_result args = {
		.size = sizeof(args),
		.slot = rec->arg[GROUP_SLOT],
		.buf = (__u64)(unsigned long)result,
		.buf_len = sizeof(result),
	};

	if (storm_ioctl(turn, MUSTER_GROUP_RESULT, &args, sizeof(args)))
		return;
	rec->out[GROUP_OUT_NUMBER] = args.slot;
	rec->out[GROUP_OUT_STATE] = args.state;
	rec->out[GROUP_OUT_TASK_STATUS] = args.status;
	rec->out[GROUP_OUT_LEN] = args.result_len;
	rec->out[GROUP_OUT_WRONG] = !storm_is_filled(result, args.slot, args.result_len,
						     args.result_len);
	storm_check(CLAIM_BYTES, !rec->out[GROUP_OUT_WRONG] && args.slot >= (__u64)rec->arg[0],
		    "slot %llu: a result of %llu bytes is wrong", args.slot,
		    args.result_len);
}

static void run_cancel(struct storm_turn *turn)
{
	struct muster_group_cancel cancel = { .size = sizeof(cancel) };

	storm_ioctl(turn, MUSTER_GROUP_CANCEL, &cancel, sizeof(cancel));
}

static void run_reset(struct storm_turn *turn)
{
	struct muster_group_cancel reset = { .size = sizeof(reset) };

	storm_ioctl(turn, MUSTER_GROUP_RESET, &reset, sizeof(reset));
}

static void run_stat(struct storm_turn *turn)
{
	struct muster_process list[STORM_LIST_MAX];
	struct muster_group_stat stat = {
		.size = sizeof(stat),
		.nr_processes = STORM_LIST_MAX,
		.processes = (__u64)(unsigned long)list,
	};
	__s64 *out = turn->rec->out;
	__u64 slots = 0;
	__u32 i;

	if (storm_ioctl(turn, MUSTER_GROUP_STAT, &stat, sizeof(stat)))
		return;
	out[GROUP_STAT_PENDING] = stat.pending;
	out[GROUP_STAT_SUCCEEDED] = stat.succeeded;
	out[GROUP_STAT_FAILED] = stat.failed;
	out[GROUP_STAT_DIED] = stat.died;
	out[GROUP_STAT_CANCELLED] = stat.cancelled;
	out[GROUP_STAT_STATUS] = stat.status;
	out[GROUP_STAT_SLOT] = stat.slot;
	out[GROUP_STAT_ADDERS] = stat.adders;
	out[GROUP_STAT_WAITERS] = stat.waiters;
	for (i = 0; i < stat.nr_processes; i++)
		slots += list[i].amount;
	storm_check(CLAIM_STAT, slots == stat.pending && stat.died <= stat.failed,
		    "group: %u pending, %llu are listed; %u failed, %u died", stat.pending,
		    slots, stat.failed, stat.died);
	storm_check(CLAIM_PERMITS, stat.pending <= stat.limit,
		    "group: %u tasks, the limit is %u", stat.pending, stat.limit);
	storm_list(turn->rec, list, stat.nr_processes);
}

static const struct storm_op group_ops[] = {
	{ GROUP_ADD, 30, false, make_add, run_add },
	{ GROUP_CLAIM, 6, false, make_claim, run_claim },
	{ GROUP_DONE, 3, false, make_done, run_done, complete_done },
	{ GROUP_WAIT, 15, false, make_wait, run_wait },
	{ GROUP_RESULT, 5, false, make_claim, run_result },
	{ GROUP_CANCEL, 1, false, NULL, run_cancel },
	{ GROUP_RESET, 8, false, NULL, run_reset },
	{ GROUP_STAT, 4, true, NULL, run_stat },
	{ 0 }
};

static void group_setup(struct storm_rng *rng, struct history_object *object,
			unsigned int n)
{
	object->limit = 2 + rnd_below(rng, 5);
	object->options = n ? MUSTER_GROUP_KEEP_GOING : 0;
}

/* ---- what must always hold ---- */

static bool is_of(const struct history_record *rec, unsigned int object, __u32 code)
{
	return rec->inv && rec->object == object && rec->code == code;
}

/* The DONE that a result is of; one of any slot may be. */
static bool was_done(const struct history *h, const struct history_record *seen)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];
		bool any = (__u64)rec->arg[GROUP_SLOT] == MUSTER_SLOT_ANY;

		if (!is_of(rec, seen->object, GROUP_DONE) || (rec->res && rec->ret) ||
		    rec->inv > seen->res)
			continue;
		if ((any || rec->arg[GROUP_SLOT] == seen->out[GROUP_OUT_NUMBER]) &&
		    rec->arg[GROUP_STATUS] == seen->out[GROUP_OUT_TASK_STATUS] &&
		    rec->arg[GROUP_LEN] == seen->out[GROUP_OUT_LEN])
			return true;
	}
	return false;
}

static void group_check(const struct history *h, unsigned int object)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];
		const __s64 *out = rec->out;

		if (!is_of(rec, object, GROUP_RESULT) || !rec->res || rec->ret)
			continue;
		storm_check(CLAIM_BYTES,
			    out[GROUP_OUT_STATE] == MUSTER_TASK_DONE ? was_done(h, rec) :
			    !out[GROUP_OUT_LEN] && out[GROUP_OUT_TASK_STATUS] ==
			    (out[GROUP_OUT_STATE] == MUSTER_TASK_DIED ? -EOWNERDEAD : 0),
			    "object %u: slot %lld: state %lld, status %lld, %lld bytes",
			    object, out[GROUP_OUT_NUMBER], out[GROUP_OUT_STATE],
			    out[GROUP_OUT_TASK_STATUS], out[GROUP_OUT_LEN]);
	}
}

/*
 * Those who sleep would add, or wait for tasks that are there, or for so many successes of
 * some to come, as long as none has failed. (Who of them may, the checker knows.)
 */
static void group_asleep(const struct storm_object *object, unsigned int number,
			 unsigned int sleepers, unsigned int tickets)
{
	struct muster_group_stat stat = { .size = sizeof(stat) };
	int err = storm_call(object->fd, MUSTER_GROUP_STAT, &stat);

	__u32 waiters = stat.adders + stat.waiters;

	storm_check(CLAIM_STUCK, !err && waiters >= sleepers && waiters <= sleepers + tickets &&
		    (stat.pending || (!stat.adders && !(stat.waiters && stat.failed))) &&
		    !(stat.cancelled && stat.adders),
		    "object %u: %u sleep, %u tickets, %u would add, %u wait for %u tasks%s",
		    number, sleepers, tickets, stat.adders, stat.waiters, stat.pending,
		    stat.cancelled ? ", cancelled" : "");
}

static void group_gone(const struct storm_object *object, unsigned int number)
{
	struct muster_group_stat stat = { .size = sizeof(stat) };
	int err = storm_call(object->fd, MUSTER_GROUP_STAT, &stat);

	storm_check(CLAIM_GONE, !err && !stat.pending && !stat.adders && !stat.waiters &&
		    !stat.nr_processes,
		    "object %u: %u tasks, %u would add, %u wait", number, stat.pending,
		    stat.adders, stat.waiters);
}

const struct storm_type storm_group = {
	.name = "group",
	.id = MUSTER_GROUP,
	.ops = group_ops,
	.setup = group_setup,
	.verdict = group_verdict,
	.check = group_check,
	.asleep = group_asleep,
	.gone = group_gone,
};
