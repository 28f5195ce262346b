// SPDX-License-Identifier: GPL-2.0-only
/*
 * The barrier in the storm. See storm.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "storm.h"

/* ---- calls ---- */

static void make_await(struct storm_turn *turn)
{
	storm_choose_wait(turn);
}

/* How it broke, with EPIPE; or that it has not. */
static void told_end(struct storm_turn *turn, __s32 status, __u32 broken_by, __u32 arrived,
		     __u32 parties)
{
	__s64 *out = turn->rec->out;

	out[BARRIER_OUT_STATUS] = status;
	out[BARRIER_OUT_BROKEN_BY] = broken_by;
	out[BARRIER_OUT_ARRIVED] = arrived;
	out[BARRIER_OUT_PARTIES] = parties;
	if (broken_by && rnd_percent(turn->rng, 50))
		storm_later(turn, BARRIER_RESET, 0, 0, 0);
}

static void passed_with(struct storm_turn *turn, __u64 generation, __u64 token, __u32 index,
			__u32 outcome)
{
	__s64 *out = turn->rec->out;

	out[BARRIER_OUT_GENERATION] = generation;
	out[BARRIER_OUT_TOKEN] = token;
	out[BARRIER_OUT_INDEX] = index;
	out[BARRIER_OUT_ACTION] = !!(outcome & MUSTER_OUTCOME_ACTION);
	if (out[BARRIER_OUT_ACTION])
		storm_later(turn, BARRIER_COMPLETE, token,
			    rnd_percent(turn->rng, 20) ? 1 + rnd_below(turn->rng, 5) : 0, 0);
}

static void barrier_verdict(struct storm_turn *turn, const struct muster_verdict *verdict,
			    const unsigned char *result, size_t len)
{
	if (!verdict->error || verdict->error == -EPIPE)
		told_end(turn, verdict->status, verdict->broken_by, verdict->arrived,
			 verdict->parties);
	if (!verdict->error)
		passed_with(turn, verdict->generation, verdict->token, verdict->index,
			    verdict->outcome);
}

static void run_await(struct storm_turn *turn)
{
	struct muster_barrier_await await = {
		.size = sizeof(await),
		.flags = turn->flags,
		.deadline = turn->deadline,
	};
	int ret = storm_ioctl(turn, MUSTER_BARRIER_AWAIT, &await, sizeof(await));

	if (!ret || ret == -EPIPE)
		told_end(turn, await.status, await.broken_by, await.arrived, await.parties);
	if (!ret)
		passed_with(turn, await.generation, await.token, await.index, await.outcome);
}

static void run_complete(struct storm_turn *turn)
{
	struct muster_barrier_complete complete = {
		.size = sizeof(complete),
		.status = turn->rec->arg[BARRIER_STATUS],
		.token = turn->rec->arg[BARRIER_TOKEN],
	};

	storm_ioctl(turn, MUSTER_BARRIER_COMPLETE, &complete, sizeof(complete));
}

static void run_reset(struct storm_turn *turn)
{
	struct muster_barrier_reset reset = { .size = sizeof(reset) };

	storm_ioctl(turn, MUSTER_BARRIER_RESET, &reset, sizeof(reset));
}

static void make_set_parties(struct storm_turn *turn)
{
	turn->rec->arg[BARRIER_PARTIES] = 1 + rnd_below(turn->rng, 4);
}

static void run_set_parties(struct storm_turn *turn)
{
	struct muster_barrier_set_parties set = {
		.size = sizeof(set),
		.parties = turn->rec->arg[BARRIER_PARTIES],
	};

	storm_ioctl(turn, MUSTER_BARRIER_SET_PARTIES, &set, sizeof(set));
	turn->rec->out[BARRIER_OLD_PARTIES] = set.old_parties;
}

/* As others, but many for as long as it takes: else it breaks all the time. */
static void make_member_await(struct storm_turn *turn)
{
	storm_choose_wait(turn);
	if (!(turn->rec->how & HOW_TIMED) || rnd_percent(turn->rng, 30))
		return;
	turn->rec->how &= ~HOW_TIMED;
	turn->rec->until = 0;
	turn->deadline = MUSTER_FOREVER;
}

static void run_member_await(struct storm_turn *turn)
{
	run_await(turn);
	if (!turn->rec->ret && rnd_percent(turn->rng, 50))
		storm_later(turn, BARRIER_AWAIT, 0, 0, 0);
}

/* Most members soon arrive, and leave some time. */
static void make_enter(struct storm_turn *turn)
{
	__u32 seats = rnd_percent(turn->rng, 80) ? 1 : 2, i;

	turn->rec->arg[BARRIER_SEATS] = seats;
	for (i = 0; i < seats; i++) {
		if (rnd_percent(turn->rng, 80))
			storm_later(turn, BARRIER_AWAIT, 0, 0, 0);
	}
	if (rnd_percent(turn->rng, 50))
		storm_later(turn, BARRIER_LEAVE, seats, 0, 0);
}

static void change_seats(struct storm_turn *turn, unsigned int cmd)
{
	struct muster_barrier_member member = {
		.size = sizeof(member),
		.seats = turn->rec->arg[BARRIER_SEATS],
	};

	storm_ioctl(turn, cmd, &member, sizeof(member));
}

static void run_enter(struct storm_turn *turn)
{
	change_seats(turn, MUSTER_BARRIER_ENTER);
}

static void make_leave(struct storm_turn *turn)
{
	turn->rec->arg[BARRIER_SEATS] = 1;
}

/* Who has arrived cannot leave: later. */
static void run_leave(struct storm_turn *turn)
{
	change_seats(turn, MUSTER_BARRIER_LEAVE);
	if (turn->rec->ret == -EBUSY)
		storm_later(turn, BARRIER_LEAVE, turn->rec->arg[BARRIER_SEATS], 0, 0);
}

static void run_stat(struct storm_turn *turn)
{
	struct muster_process list[STORM_LIST_MAX];
	struct history_record *rec = turn->rec;
	struct muster_barrier_stat stat = {
		.size = sizeof(stat),
		.nr_processes = STORM_LIST_MAX,
		.processes = (__u64)(unsigned long)list,
	};

	__u32 missing = 0, i;

	if (storm_ioctl(turn, MUSTER_BARRIER_STAT, &stat, sizeof(stat)))
		return;
	for (i = 0; i < stat.nr_processes; i++)
		missing += list[i].role == MUSTER_PROCESS_MISSING ? list[i].amount : 0;
	rec->out[BARRIER_STAT_GENERATION] = stat.generation;
	rec->out[BARRIER_STAT_WAITING] = stat.waiting;
	rec->out[BARRIER_STAT_BROKEN_BY] = stat.broken_by;
	rec->out[BARRIER_STAT_PID] = stat.broken_pid;
	rec->out[BARRIER_STAT_STATUS] = stat.status;
	rec->out[BARRIER_STAT_ARRIVED] = stat.arrived;
	rec->out[BARRIER_STAT_ACTING] = stat.acting;
	rec->out[BARRIER_STAT_PARTIES] = stat.parties;
	rec->out[BARRIER_STAT_SEATS] = stat.seats;
	rec->out[BARRIER_STAT_LOST] = stat.lost;
	storm_check(CLAIM_STAT, stat.nr_processes >= stat.waiting + stat.acting &&
		    missing <= stat.seats && stat.seats <= stat.parties,
		    "barrier: %u wait, %u act, %u are listed, %u of %u seats missing, %u parties",
		    stat.waiting, stat.acting, stat.nr_processes, missing, stat.seats,
		    stat.parties);
	storm_list(rec, list, stat.nr_processes);
}

static const struct storm_op barrier_ops[] = {
	{ BARRIER_AWAIT, 60, false, make_await, run_await },
	{ BARRIER_COMPLETE, 1, false, NULL, run_complete },
	{ BARRIER_RESET, 3, false, NULL, run_reset },
	{ BARRIER_SET_PARTIES, 2, false, make_set_parties, run_set_parties },
	{ BARRIER_STAT, 4, true, NULL, run_stat },
	{ 0 }
};

static const struct storm_op member_ops[] = {
	{ BARRIER_AWAIT, 10, false, NULL, run_member_await, make_member_await },
	{ BARRIER_COMPLETE, 1, false, NULL, run_complete },
	{ BARRIER_RESET, 3, false, NULL, run_reset },
	{ BARRIER_SET_PARTIES, 1, false, make_set_parties, run_set_parties },
	{ BARRIER_ENTER, 25, false, make_enter, run_enter },
	{ BARRIER_LEAVE, 5, false, make_leave, run_leave },
	{ BARRIER_STAT, 5, true, NULL, run_stat },
	{ 0 }
};

/* The second of a round only shrinks. */
static void member_setup(struct storm_rng *rng, struct history_object *object, unsigned int n)
{
	object->limit = rnd_below(rng, 3);
	object->options = MUSTER_BARRIER_MEMBERS | (n ? MUSTER_BARRIER_SHRINK : 0) |
			  (rnd_percent(rng, 40) ? MUSTER_BARRIER_ACTION : 0);
}

static void barrier_setup(struct storm_rng *rng, struct history_object *object,
			  unsigned int n)
{
	object->limit = rnd_percent(rng, 5) ? 1 : 2 + rnd_below(rng, 3);
	object->options = n ? MUSTER_BARRIER_ACTION : 0;
}

/* ---- what must always hold ---- */

static bool passed(const struct history_record *rec, unsigned int object)
{
	/* A ticket's arrival may be read twice, or long after. */
	return storm_has_told(rec) && !(rec->how & HOW_READ) && rec->object == object &&
	       rec->code == BARRIER_AWAIT && !rec->ret;
}

static int compare_passes(const void *a, const void *b)
{
	const struct history_record *x = *(const struct history_record *const *)a;
	const struct history_record *y = *(const struct history_record *const *)b;
	__s64 g = x->out[BARRIER_OUT_GENERATION] - y->out[BARRIER_OUT_GENERATION];
	__s64 i = x->out[BARRIER_OUT_INDEX] - y->out[BARRIER_OUT_INDEX];

	return (g > 0) - (g < 0) ?: (i > 0) - (i < 0);
}

/*
 * Two who left with one generation: they met, that is neither left before the other
 * came, have the same token, and indices of their own.
 */
static void check_pair(const struct history_record *a, const struct history_record *b,
		       __u32 parties)
{
	bool apart = a->res < b->inv || b->res < a->inv;

	storm_check(CLAIM_GENERATION,
		    a->out[BARRIER_OUT_TOKEN] == b->out[BARRIER_OUT_TOKEN] &&
		    a->out[BARRIER_OUT_INDEX] != b->out[BARRIER_OUT_INDEX] &&
		    a->out[BARRIER_OUT_INDEX] < parties &&
		    b->out[BARRIER_OUT_INDEX] < parties && !apart,
		    "object %u: generation %lld: tokens %lld, %lld, indices %lld, %lld%s",
		    a->object, a->out[BARRIER_OUT_GENERATION], a->out[BARRIER_OUT_TOKEN],
		    b->out[BARRIER_OUT_TOKEN], a->out[BARRIER_OUT_INDEX],
		    b->out[BARRIER_OUT_INDEX], apart ? ", never met" : "");
}

/* Of one generation: the first @nr of @passes. */
static void check_generation(const struct history_record **passes, __u32 nr, __u32 parties)
{
	__u32 i, j;

	storm_check(CLAIM_GENERATION, nr <= parties, "object %u: %u passed generation %lld",
		    passes[0]->object, nr, passes[0]->out[BARRIER_OUT_GENERATION]);
	for (i = 0; i < nr; i++) {
		for (j = 0; j < i; j++)
			check_pair(passes[i], passes[j], parties);
	}
}

/* The most parties that there can have been. */
static __u32 most_parties(const struct history *h, unsigned int object)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	__s64 parties = h->objects[object].limit;

	/* With members the specification knows. */
	if (h->objects[object].options & MUSTER_BARRIER_MEMBERS)
		return INT_MAX;
	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (rec->inv && rec->object == object && rec->code == BARRIER_SET_PARTIES &&
		    rec->arg[BARRIER_PARTIES] > parties)
			parties = rec->arg[BARRIER_PARTIES];
	}
	return parties;
}

static void barrier_check(const struct history *h, unsigned int object)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), n = 0, i, from = 0;
	const struct history_record **passes = calloc(nr + 1, sizeof(*passes));
	__u32 parties = most_parties(h, object);

	if (!passes)
		abort();
	for (i = 0; i < nr; i++) {
		if (passed(&h->records[i], object))
			passes[n++] = &h->records[i];
	}
	qsort(passes, n, sizeof(*passes), compare_passes);
	for (i = 1; i <= n; i++) {
		if (i < n && passes[i]->out[BARRIER_OUT_GENERATION] ==
			     passes[from]->out[BARRIER_OUT_GENERATION])
			continue;
		check_generation(passes + from, i - from, parties);
		from = i;
	}
	free(passes);
}

/* Those who sleep have arrived, and some party is missing or runs the action. */
static void barrier_asleep(const struct storm_object *object, unsigned int number,
			   unsigned int sleepers, unsigned int tickets)
{
	struct muster_barrier_stat stat = { .size = sizeof(stat) };
	int err = storm_call(object->fd, MUSTER_BARRIER_STAT, &stat);

	storm_check(CLAIM_STUCK, !err && stat.waiting >= sleepers &&
		    stat.waiting <= sleepers + tickets &&
		    (!stat.waiting || (!stat.broken_by &&
				       (stat.acting || stat.waiting < stat.parties))),
		    "object %u: %u sleep, %u tickets, %u of %u wait, %u act, broken by %u",
		    number, sleepers, tickets, stat.waiting, stat.parties, stat.acting,
		    stat.broken_by);
}

static void barrier_gone(const struct storm_object *object, unsigned int number)
{
	struct muster_barrier_stat stat = { .size = sizeof(stat) };
	int err = storm_call(object->fd, MUSTER_BARRIER_STAT, &stat);

	storm_check(CLAIM_GONE, !err && !stat.waiting && !stat.acting && !stat.nr_processes &&
		    !stat.seats,
		    "object %u: %u wait, %u act, %u seats are taken", number, stat.waiting,
		    stat.acting, stat.seats);
}

const struct storm_type storm_barrier = {
	.name = "barrier",
	.id = MUSTER_BARRIER,
	.ops = barrier_ops,
	.setup = barrier_setup,
	.verdict = barrier_verdict,
	.check = barrier_check,
	.asleep = barrier_asleep,
	.gone = barrier_gone,
};

/* Nobody has a seat by ticket: a ticket is a file of its own, and who enters has the seat. */
const struct storm_type storm_member = {
	.name = "member",
	.id = MUSTER_BARRIER,
	.ops = member_ops,
	.setup = member_setup,
	.check = barrier_check,
	.asleep = barrier_asleep,
	.gone = barrier_gone,
};
