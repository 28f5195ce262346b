// SPDX-License-Identifier: GPL-2.0-only
/*
 * The semaphore in the storm. See storm.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storm.h"

/* ---- calls ---- */

/* So many permits that nobody has to wait, as a rule. */
#define MANY	48

static __s64 limit_of(const struct storm_turn *turn)
{
	return storm->history.objects[turn->object].limit;
}

static void make_acquire(struct storm_turn *turn)
{
	__s64 limit = limit_of(turn), permits = 1 + rnd_below(turn->rng, limit);
	__u32 dice = rnd_below(turn->rng, 100);

	if (dice < 4)
		permits = 0;
	else if (dice < 8)
		permits = limit + 1 + rnd_below(turn->rng, 3);
	/* Where there are many, few are asked for: so that there are some to be lent. */
	else if (limit >= MANY && dice >= 14)
		permits = 1 + dice % 3;
	else if (dice < 9)
		permits = 1LL << (31 + rnd_below(turn->rng, 32));
	else if (dice < 50 && limit < MANY)
		permits = 1;
	turn->rec->arg[SEM_PERMITS] = permits;
	turn->rec->arg[SEM_FLAGS] = rnd_percent(turn->rng, 10) ? MUSTER_SEM_WAIT_LIMIT : 0;
	storm_choose_wait(turn);
}

static void acquired(struct storm_turn *turn, __u64 token, __u32 outcome)
{
	struct history_record *rec = turn->rec;

	rec->out[SEM_TOKEN] = token;
	rec->out[SEM_ABANDONED] = !!(outcome & MUSTER_OUTCOME_ABANDONED);
	if (rec->arg[SEM_PERMITS])
		storm_later(turn, SEM_RELEASE, rec->arg[SEM_PERMITS], 0, 0);
}

static void sem_verdict(struct storm_turn *turn, const struct muster_verdict *verdict,
			const unsigned char *result, size_t len)
{
	if (!verdict->error)
		acquired(turn, verdict->token, verdict->outcome);
}

static void run_acquire(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct muster_sem_acquire acquire = {
		.size = sizeof(acquire),
		.flags = turn->flags | rec->arg[SEM_FLAGS],
		.permits = rec->arg[SEM_PERMITS],
		.deadline = turn->deadline,
	};

	if (storm_by_lease(turn, acquire.permits, true))
		acquired(turn, 0, 0);
	else if (!storm_ioctl(turn, MUSTER_SEM_ACQUIRE, &acquire, sizeof(acquire)))
		acquired(turn, acquire.token, acquire.outcome);
}

static void make_release(struct storm_turn *turn)
{
	turn->rec->arg[SEM_PERMITS] = rnd_below(turn->rng, 3);
	if (rnd_percent(turn->rng, 30))
		turn->rec->arg[SEM_FLAGS] = rnd_percent(turn->rng, 50) ?
			MUSTER_RELEASE_ABANDON : MUSTER_RELEASE_UNCHECKED;
}

static void run_release(struct storm_turn *turn)
{
	struct muster_sem_release release = {
		.size = sizeof(release),
		.flags = turn->rec->arg[SEM_FLAGS],
		.permits = turn->rec->arg[SEM_PERMITS],
	};

	if (release.flags & MUSTER_RELEASE_ABANDON ||
	    !storm_by_lease(turn, release.permits, false))
		storm_ioctl(turn, MUSTER_SEM_RELEASE, &release, sizeof(release));
}

static void make_set_limit(struct storm_turn *turn)
{
	/* 0 stops all, until the next. */
	turn->rec->arg[SEM_LIMIT] = rnd_below(turn->rng, limit_of(turn) + 3);
}

static void run_set_limit(struct storm_turn *turn)
{
	struct muster_sem_set_limit set = {
		.size = sizeof(set),
		.limit = turn->rec->arg[SEM_LIMIT],
	};

	storm_ioctl(turn, MUSTER_SEM_SET_LIMIT, &set, sizeof(set));
	turn->rec->out[SEM_OLD_LIMIT] = set.old_limit;
}

static void check_stat(const struct muster_sem_stat *stat,
		       const struct muster_process *list)
{
	__u64 held = 0, waiters = 0, idle = 0, i;

	for (i = 0; i < stat->nr_processes; i++) {
		if (list[i].role == MUSTER_PROCESS_HOLDER)
			held += list[i].amount;
		else if (list[i].role == MUSTER_PROCESS_WAITER)
			waiters++;
		else
			idle += list[i].amount;
	}
	storm_check(CLAIM_STAT, idle == stat->idle && idle <= stat->available,
		    "sem: %llu idle, %llu listed, %llu available", stat->idle, idle,
		    stat->available);
	storm_check(CLAIM_STAT, waiters == stat->waiters, "sem: %u waiters, %llu listed",
		    stat->waiters, waiters);
	if (!(stat->options & MUSTER_SEM_SIGNALLING))
		storm_check(CLAIM_PERMITS, held == stat->held, "sem: %llu held, %llu listed",
			    stat->held, held);
}

static void run_stat(struct storm_turn *turn)
{
	struct muster_process list[STORM_LIST_MAX];
	struct history_record *rec = turn->rec;
	struct muster_sem_stat stat = {
		.size = sizeof(stat),
		.nr_processes = STORM_LIST_MAX,
		.processes = (__u64)(unsigned long)list,
	};

	if (storm_ioctl(turn, MUSTER_SEM_STAT, &stat, sizeof(stat)))
		return;
	rec->out[SEM_STAT_LIMIT] = stat.limit;
	rec->out[SEM_STAT_HELD] = stat.held;
	rec->out[SEM_STAT_AVAILABLE] = stat.available;
	rec->out[SEM_STAT_WAITERS] = stat.waiters;
	rec->out[SEM_STAT_ABANDONED] = stat.abandoned;
	if (storm_is_blurred(rec))
		rec->how |= HOW_BLURRED;
	check_stat(&stat, list);
	storm_list(rec, list, stat.nr_processes);
}

static const struct storm_op sem_ops[] = {
	{ SEM_ACQUIRE, 60, false, make_acquire, run_acquire },
	{ SEM_RELEASE, 6, false, make_release, run_release },
	{ SEM_SET_LIMIT, 4, false, make_set_limit, run_set_limit },
	{ SEM_STAT, 4, true, NULL, run_stat },
	{ 0 }
};

static void sem_setup(struct storm_rng *rng, struct history_object *object, unsigned int n)
{
	bool many = n == 3 || (n == 1 && rnd_percent(rng, 50));

	object->limit = many ? MANY : n ? 1 + rnd_below(rng, 6) : 1;
	if (n == 2) {
		object->options = MUSTER_SEM_SIGNALLING;
		object->initial = rnd_below(rng, object->limit + 1);
	}
}

/* ---- what must always hold ---- */

/**
 * struct change - somebody certainly holds permits from now on, or perhaps no more
 * @at:		when
 * @permits:	how many more
 */
struct change {
	__u64 at;
	__s64 permits;
};

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static bool same_owner(const struct history_record *a, const struct history_record *b)
{
	return a->process == b->process && a->file == b->file && a->object == b->object;
}

/* When the owner may have begun to hold less: its next RELEASE or CLOSE, or its end. */
static __u64 held_until(const struct history *h, const struct history_record *grant)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	__u64 until = h->processes[grant->process].doomed ?: ~0ULL;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (same_owner(rec, grant) && rec->inv < until && rec->inv &&
		    (rec->code == SEM_RELEASE || rec->code == HISTORY_CLOSE) &&
		    (!rec->res || rec->res > grant->inv))
			until = rec->inv;
	}
	return until;
}

/* The greatest limit that there can have been. */
static __s64 greatest_limit(const struct history *h, unsigned int object)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	__s64 limit = h->objects[object].limit;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (rec->inv && rec->object == object && rec->code == SEM_SET_LIMIT &&
		    rec->arg[SEM_LIMIT] > limit)
			limit = rec->arg[SEM_LIMIT];
	}
	return limit;
}

static __u32 collect_changes(const struct history *h, unsigned int object,
			     struct change *changes)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), n = 0, i;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];
		__u64 until;

		/* Whoever reads a ticket need not be the one that has the permits. */
		if (!storm_has_told(rec) || rec->how & HOW_READ || rec->object != object ||
		    rec->code != SEM_ACQUIRE || rec->ret)
			continue;
		until = held_until(h, rec);
		if (until <= rec->res)
			continue;
		changes[n++] = (struct change){ rec->res, rec->arg[SEM_PERMITS] };
		changes[n++] = (struct change){ until, -rec->arg[SEM_PERMITS] };
	}
	qsort(changes, n, sizeof(*changes), compare_changes);
	return n;
}

/* At no time do those who certainly hold permits hold more than the limit. */
static void sem_check(const struct history *h, unsigned int object)
{
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), n, i;
	struct change *changes = calloc(2 * nr + 1, sizeof(*changes));
	__s64 limit = greatest_limit(h, object), held = 0;

	if (!changes)
		abort();
	n = h->objects[object].options & MUSTER_SEM_SIGNALLING ? 0 :
	    collect_changes(h, object, changes);
	for (i = 0; i < n; i++) {
		held += changes[i].permits;
		if (changes[i].permits > 0)
			storm_check(CLAIM_PERMITS, held <= limit,
				    "object %u: %lld permits held at %llu, the limit is %lld",
				    object, held, changes[i].at, limit);
	}
	free(changes);
}

/*
 * Those who sleep are queued, and there is not enough for the first of them; or it is more
 * than the limit, which of a signalling one may be less than there is.
 */
static void sem_asleep(const struct storm_object *object, unsigned int number,
		       unsigned int sleepers, unsigned int tickets)
{
	struct muster_process list[STORM_LIST_MAX];
	struct muster_sem_stat stat = {
		.size = sizeof(stat),
		.nr_processes = STORM_LIST_MAX,
		.processes = (__u64)(unsigned long)list,
	};
	int err = storm_call(object->fd, MUSTER_SEM_STAT, &stat);
	__u64 first = 0;
	__u32 i;

	for (i = 0; !err && !first && i < stat.nr_processes; i++) {
		if (list[i].role == MUSTER_PROCESS_WAITER)
			first = list[i].amount;
	}
	storm_check(CLAIM_STUCK, !err && stat.waiters >= sleepers &&
		    stat.waiters <= sleepers + tickets &&
		    (!stat.waiters || first > stat.available || first > stat.limit),
		    "object %u: %u sleep, %u tickets, %u wait, the first for %llu of %llu, limit %llu",
		    number, sleepers, tickets, stat.waiters, first, stat.available, stat.limit);
}

static void sem_gone(const struct storm_object *object, unsigned int number)
{
	struct muster_sem_stat stat = { .size = sizeof(stat) };
	const struct history_object *o = &storm->history.objects[number];
	int err = storm_call(object->fd, MUSTER_SEM_STAT, &stat);

	storm_check(CLAIM_GONE, !err && !stat.waiters && !stat.nr_processes,
		    "object %u: %u waiters, %u processes", number, stat.waiters,
		    stat.nr_processes);
	if (!(o->options & MUSTER_SEM_SIGNALLING))
		storm_check(CLAIM_PERMITS, !stat.held && stat.available == stat.limit,
			    "object %u: %llu of %llu permits are not back", number, stat.held,
			    stat.limit);
}

const struct storm_type storm_sem = {
	.name = "sem",
	.id = MUSTER_SEM,
	.ops = sem_ops,
	.setup = sem_setup,
	.verdict = sem_verdict,
	.check = sem_check,
	.asleep = sem_asleep,
	.gone = sem_gone,
};
