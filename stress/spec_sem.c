// SPDX-License-Identifier: GPL-2.0-only
/*
 * The weighted semaphore, one call at a time (S1 to S6). See spec.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"
#include "spec_calls.h"

/* SET_LIMIT: the limit is set; waiters out of reach have gone. */
#define PHASE_LIMITED	(SPEC_PHASE + 0)
#define PHASE_EVICTED	(SPEC_PHASE + 1)
/* ACQUIRE: granted, but the caller cannot be told. */
#define PHASE_FAULTS	(SPEC_PHASE + 2)
/* ACQUIRE: granted, and nobody knows whether the caller, which was killed, was told. */
#define PHASE_UNTOLD	(SPEC_PHASE + 3)

/**
 * struct sem - the state
 * @common:	the search's part
 * @limit:	the limit
 * @free:	permits that can be granted; below 0 after the limit was lowered
 * @token:	of the latest grant
 * @held:	permits of each owner
 * @abandoned:	a holder died since the last release
 * @queue:	who waits
 */
struct sem {
	struct spec_common common;
	__s64 limit, free;
	__u64 token;
	__s64 held[SPEC_OWNERS];
	__u8 abandoned;
	struct spec_queue queue;
};

static bool is_signalling(const struct spec_run *run)
{
	return run->object->options & MUSTER_SEM_SIGNALLING;
}

static void sem_init(const struct spec_run *run, void *state)
{
	struct sem *sem = state;

	sem->limit = run->object->limit;
	sem->free = is_signalling(run) ? run->object->initial : run->object->limit;
}

/* ---- granting ---- */

static bool grant(const struct spec_run *run, struct sem *sem, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	__s64 permits = rec->arg[SEM_PERMITS];

	sem->free -= permits;
	sem->token++;
	if (!is_signalling(run))
		sem->held[op->owner] += permits;
	if (rec->how & HOW_FAULT) {
		sem->common.status[op->slot] = PHASE_FAULTS;
		return spec_may(op, -EFAULT);
	}
	if (!op->known && op->kind == SPEC_PLAIN) {
		sem->common.status[op->slot] = PHASE_UNTOLD;
		return true;
	}
	if (!spec_end(&sem->common, op, 0))
		return false;
	return !op->known || ((__u64)rec->out[SEM_TOKEN] == sem->token &&
			      !rec->out[SEM_ABANDONED] == !sem->abandoned);
}

static bool out_of_reach(const struct sem *sem, const struct history_record *rec)
{
	return rec->arg[SEM_PERMITS] > sem->limit &&
	       !(rec->arg[SEM_FLAGS] & MUSTER_SEM_WAIT_LIMIT);
}

static bool is_free(const struct sem *sem, const struct history_record *rec)
{
	__s64 permits = rec->arg[SEM_PERMITS];

	return !permits || (permits <= sem->free && permits <= sem->limit);
}

/* Serves the front of the queue; false if somebody gets the wrong answer. */
static bool serve(const struct spec_run *run, struct sem *sem)
{
	while (sem->queue.nr) {
		unsigned int slot = sem->queue.slot[0];
		const struct spec_op *op = spec_pending(run, slot);
		bool ok;

		if (spec_is_orphan(&sem->common, op))
			ok = spec_end(&sem->common, op, spec_why_dead(&sem->common, op));
		else if (out_of_reach(sem, op->rec))
			ok = spec_end(&sem->common, op, -ERANGE);
		else if (is_free(sem, op->rec))
			ok = grant(run, sem, op);
		else
			break;
		spec_remove(&sem->queue, slot);
		if (!ok)
			return false;
	}
	return true;
}

/* Takes permits back; how many there were to take. */
static __s64 ungrant(const struct spec_run *run, struct sem *sem, unsigned int owner,
		     __s64 permits)
{
	if (!is_signalling(run)) {
		if (permits > sem->held[owner])
			permits = sem->held[owner];
		sem->held[owner] -= permits;
	}
	sem->free += permits;
	return permits;
}

/* ---- calls ---- */

/*
 * It has returned, or could not: a page that is not there cannot be written to by who has
 * been killed. Then it never held anything, and there is no notice of its death.
 */
static bool acquired_untold(const struct spec_run *run, struct sem *sem,
			    const struct spec_op *op, unsigned int choice)
{
	if (!choice)
		return spec_end(&sem->common, op, 0);
	if (op->dies >= run->now)
		return false;
	ungrant(run, sem, op->owner, op->rec->arg[SEM_PERMITS]);
	return spec_end(&sem->common, op, -EFAULT) && serve(run, sem);
}

/*
 * By lease (L6): as if granted, but without a token; never while somebody waits, nor while
 * there is notice of a death.
 */
static bool acquire_lent(struct sem *sem, const struct spec_op *op)
{
	__s64 permits = op->rec->arg[SEM_PERMITS];

	if (sem->queue.nr || sem->abandoned || permits > sem->free ||
	    sem->common.dead & 1ULL << op->owner)
		return false;
	sem->free -= permits;
	sem->held[op->owner] += permits;
	return spec_end(&sem->common, op, 0);
}

static bool acquire(const struct spec_run *run, struct sem *sem, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;

	if (rec->how & HOW_LEASE)
		return acquire_lent(sem, op);
	if (sem->common.status[op->slot] == PHASE_FAULTS) {
		ungrant(run, sem, op->owner, rec->arg[SEM_PERMITS]);
		return spec_end(&sem->common, op, -EFAULT) && serve(run, sem);
	}
	if (sem->common.dead & 1ULL << op->owner)
		return spec_end(&sem->common, op, -EBADF);
	sem->common.orphans &= ~(1ULL << op->slot);
	if (out_of_reach(sem, rec))
		return spec_end(&sem->common, op, -ERANGE);
	if (!sem->queue.nr && is_free(sem, rec))
		return grant(run, sem, op);
	if (rec->how & HOW_TRY)
		return spec_end(&sem->common, op, -EAGAIN);
	spec_push(&sem->queue, op->slot);
	sem->common.status[op->slot] = SPEC_QUEUED;
	return true;
}

static bool release(const struct spec_run *run, struct sem *sem, const struct spec_op *op)
{
	__s64 permits = op->rec->arg[SEM_PERMITS], flags = op->rec->arg[SEM_FLAGS];

	if (op->rec->how & HOW_LEASE && (sem->queue.nr || sem->abandoned))
		return false;
	if (is_signalling(run)) {
		if (permits > sem->limit - sem->free)
			return spec_end(&sem->common, op, -EOVERFLOW);
	} else if (permits > sem->held[op->owner]) {
		return spec_end(&sem->common, op, -EPERM);
	}
	ungrant(run, sem, op->owner, permits);
	if (permits && !(flags & MUSTER_RELEASE_UNCHECKED))
		sem->abandoned = flags & MUSTER_RELEASE_ABANDON && !is_signalling(run);
	return spec_end(&sem->common, op, 0) && serve(run, sem);
}

/* Fails those in the queue who ask for more than the limit. */
static bool evict(const struct spec_run *run, struct sem *sem)
{
	struct spec_queue *queue = &sem->queue;
	unsigned int i = 0;

	while (i < queue->nr) {
		unsigned int slot = queue->slot[i];
		const struct spec_op *op = spec_pending(run, slot);

		if (!out_of_reach(sem, op->rec)) {
			i++;
			continue;
		}
		spec_remove(queue, slot);
		if (!spec_end(&sem->common, op, -ERANGE))
			return false;
	}
	return true;
}

/* It is not one instant when the limit is lowered: waiters go a little later. */
static bool set_limit(const struct spec_run *run, struct sem *sem, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	__s64 old = sem->limit;
	__u8 *status = &sem->common.status[op->slot];

	switch (*status) {
	case SPEC_NEW:
		sem->limit = rec->arg[SEM_LIMIT];
		if (!is_signalling(run))
			sem->free += sem->limit - old;
		*status = sem->limit < old ? PHASE_LIMITED : SPEC_OK;
		return spec_may(op, 0) && (!op->known || rec->out[SEM_OLD_LIMIT] == old) &&
		       serve(run, sem);
	case PHASE_LIMITED:
		*status = PHASE_EVICTED;
		return evict(run, sem);
	default:
		*status = SPEC_OK;
		return serve(run, sem);
	}
}

/* ---- looking ---- */

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct history_entry));
}

/* Holders are listed in any order. */
static unsigned int list_holders(const struct spec_run *run, const struct sem *sem,
				 struct history_entry *list)
{
	unsigned int nr = 0, owner;

	for (owner = 0; owner < SPEC_OWNERS; owner++) {
		if (!sem->held[owner])
			continue;
		list[nr++] = (struct history_entry){
			.pid = spec_owner_pid(run, owner),
			.role = MUSTER_PROCESS_HOLDER,
			.amount = sem->held[owner],
		};
	}
	qsort(list, nr, sizeof(*list), compare_entries);
	return nr;
}

static bool same_holders(const struct spec_run *run, const struct sem *sem,
			 const struct history_record *rec)
{
	struct history_entry seen[SPEC_OWNERS], held[SPEC_OWNERS];
	const struct history_entry *all = &run->history->entries[rec->entries];
	unsigned int nr = 0, i;

	for (i = 0; i < rec->nr_entries; i++) {
		if (all[i].role != MUSTER_PROCESS_HOLDER)
			continue;
		if (nr == SPEC_OWNERS)
			return false;
		seen[nr++] = all[i];
	}
	qsort(seen, nr, sizeof(*seen), compare_entries);
	return nr == list_holders(run, sem, held) && !memcmp(seen, held, nr * sizeof(*seen));
}

static bool same_waiters(const struct spec_run *run, const struct sem *sem,
			 const struct history_record *rec)
{
	const struct history_entry *all = &run->history->entries[rec->entries];
	unsigned int nr = 0, i;

	for (i = 0; i < rec->nr_entries; i++) {
		const struct spec_op *op;

		if (all[i].role != MUSTER_PROCESS_WAITER)
			continue;
		if (nr == sem->queue.nr)
			return false;
		op = spec_pending(run, sem->queue.slot[nr++]);
		if (all[i].pid != run->history->processes[op->rec->process].pid ||
		    all[i].amount != (__u64)op->rec->arg[SEM_PERMITS])
			return false;
	}
	return nr == sem->queue.nr;
}

/* What each of several processes holds by lease is that of another instant (L5). */
static bool blurred(const struct history_record *rec)
{
	__s64 available = rec->out[SEM_STAT_LIMIT] - rec->out[SEM_STAT_HELD];

	return rec->how & HOW_BLURRED && rec->out[SEM_STAT_HELD] >= 0 &&
	       rec->out[SEM_STAT_AVAILABLE] == (available > 0 ? available : 0);
}

static bool stat(const struct spec_run *run, struct sem *sem, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	__s64 held = sem->limit - sem->free;

	if (!spec_end(&sem->common, op, 0))
		return false;
	return !op->known ||
	       (rec->out[SEM_STAT_LIMIT] == sem->limit &&
		rec->out[SEM_STAT_WAITERS] == sem->queue.nr &&
		!rec->out[SEM_STAT_ABANDONED] == !sem->abandoned &&
		same_waiters(run, sem, rec) &&
		(blurred(rec) ||
		 (rec->out[SEM_STAT_HELD] == (held > 0 ? held : 0) &&
		  rec->out[SEM_STAT_AVAILABLE] == (sem->free > 0 ? sem->free : 0) &&
		  same_holders(run, sem, rec))));
}

/* ---- the specification ---- */

static bool sem_step(const struct spec_run *run, void *state, const struct spec_op *op,
		     unsigned int choice)
{
	struct sem *sem = state;

	if (sem->common.status[op->slot] == PHASE_UNTOLD)
		return acquired_untold(run, sem, op, choice);
	if (choice)
		return false;
	switch (op->code) {
	case SEM_ACQUIRE:
		return acquire(run, sem, op);
	case SEM_RELEASE:
		return release(run, sem, op);
	case SEM_SET_LIMIT:
		return set_limit(run, sem, op);
	default:
		return stat(run, sem, op);
	}
}

static bool sem_leave(const struct spec_run *run, void *state, const struct spec_op *op,
		      enum spec_reason reason)
{
	struct sem *sem = state;

	spec_remove(&sem->queue, op->slot);
	return serve(run, sem);
}

static bool sem_holds(const struct spec_run *run, const void *state, unsigned int owner)
{
	const struct sem *sem = state;

	return !is_signalling(run) && sem->held[owner];
}

static bool sem_drop(const struct spec_run *run, void *state, unsigned int owner, bool *ok)
{
	struct sem *sem = state;

	if (!is_signalling(run) && sem->held[owner]) {
		ungrant(run, sem, owner, sem->held[owner]);
		sem->abandoned = 1;
	}
	*ok = serve(run, sem);
	return false;
}

static bool may_put_out_of_reach(const struct spec_op *other, const struct spec_op *op,
				 __u8 status)
{
	return other->code == SEM_SET_LIMIT && status == SPEC_NEW &&
	       other->rec->arg[SEM_LIMIT] < op->rec->arg[SEM_PERMITS];
}

/* Tokens tell the order of grants; and who is behind another one in the queue. */
/* The next STAT: a lower limit would remove waiters from the middle. */
static bool sem_promising(const struct spec_run *run, const void *state)
{
	const struct sem *sem = state;

	return spec_queue_is_promising(run, &sem->common, &sem->queue, SEM_STAT, SEM_ACQUIRE,
				       SEM_SET_LIMIT);
}

static bool sem_possible(const struct spec_run *run, const void *state,
			 const struct spec_op *op)
{
	const struct sem *sem = state;
	const struct history_record *rec = op->rec;
	unsigned int i;

	if (op->code != SEM_ACQUIRE || rec->how & HOW_LEASE || !spec_waits(&sem->common, op))
		return true;
	if (rec->ret == -ERANGE)
		return out_of_reach(sem, rec) ||
		       spec_may_come(run, &sem->common, op, may_put_out_of_reach);
	if (rec->ret)
		return true;
	if ((__u64)rec->out[SEM_TOKEN] <= sem->token)
		return false;
	if (sem->common.status[op->slot] != SPEC_QUEUED)
		return true;
	for (i = 0; sem->queue.slot[i] != op->slot; i++) {
		const struct spec_op *before = spec_pending(run, sem->queue.slot[i]);

		if (before->known && !before->rec->ret &&
		    before->rec->out[SEM_TOKEN] > rec->out[SEM_TOKEN] &&
		    !sem->common.restarts[before->slot])
			return false;
	}
	return true;
}

static __u64 sem_gets(const struct spec_op *op)
{
	return op->code == SEM_ACQUIRE && op->known && !op->rec->ret &&
	       op->kind != SPEC_READ ? op->rec->out[SEM_TOKEN] : 0;
}

static __u64 sem_latest(const void *state)
{
	const struct sem *sem = state;

	return sem->token;
}

/*
 * Waiters have mostly queued up in the order in which they came: how many have not. Of
 * STAT also how many have yet to join the queue that it has seen, or to leave it.
 */
static unsigned int sem_distance(const struct spec_run *run, const void *state,
				 const struct spec_op *op)
{
	const struct sem *sem = state;
	unsigned int n = spec_queue_disorder(run, &sem->common, &sem->queue, SEM_ACQUIRE);

	if (op->code == SEM_STAT)
		n += 2 * spec_queue_distance(run, &sem->queue, op->rec);
	return n;
}

static void sem_show(const struct spec_run *run, const void *state, FILE *out)
{
	const struct sem *sem = state;

	fprintf(out, "# limit %lld, free %lld, token %llu, queue:", sem->limit, sem->free,
		sem->token);
	spec_show_queue(run, &sem->queue, out);
}

static const struct history_call sem_calls[] = {
	{ "acquire", { "permits", "flags" }, { "token", "abandoned" } },
	{ "release", { "permits", "flags" }, { } },
	{ "set_limit", { "limit" }, { "old_limit" } },
	{ "stat", { }, { "limit", "held", "available", "waiters", "abandoned" } },
};

const struct spec spec_sem = {
	.name = "sem",
	.calls = sem_calls,
	.nr_calls = sizeof(sem_calls) / sizeof(*sem_calls),
	.state_size = sizeof(struct sem),
	.choices = 2,
	.init = sem_init,
	.step = sem_step,
	.leave = sem_leave,
	.drop = sem_drop,
	.holds = sem_holds,
	.possible = sem_possible,
	.promising = sem_promising,
	.gets = sem_gets,
	.latest = sem_latest,
	.distance = sem_distance,
	.show = sem_show,
};
