// SPDX-License-Identifier: GPL-2.0-only
/*
 * One key of a flight group, one call at a time (F1 to F12).
 * See spec.h.
 *
 * Here a "call" is one execution for the key, as the contract says; what processes
 * call is a join, a finish, ...
 *
 * What is kept is kept for a time. The specification knows between which two instants, by
 * the clock, a result was handed in, and a join was made: if it may have come in time, and
 * may have come too late, both are tried.
 */
#include <errno.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"
#include "spec_calls.h"

/* JOIN: it leads, but could not be told so; or it was killed, and nobody knows. */
#define PHASE_UNTOLD	(SPEC_PHASE + 0)
#define PHASE_UNSURE	(SPEC_PHASE + 1)
/* JOIN: it has a result that did not fit, and has yet to put the rest by. */
#define PHASE_LATE	(SPEC_PHASE + 2)

/* What a JOIN does next: see join(). */
enum join_choice {
	JOIN_COMMON,
	JOIN_OTHER,
	JOIN_DROPS,
	JOIN_CHOICES,
};

/* Calls for one key that go on at the same time: one can be joined. */
#define CALLS_MAX	12

/**
 * struct kept - a result that is kept
 * @finish:	by which it was handed in, NULL if there is none
 * @attempt:	of its call
 * @shared:	how many followed
 * @unsure:	its time may have been over before it was served again
 */
struct kept {
	const struct history_record *finish;
	__u32 attempt, shared;
	__u64 unsure;
};

/**
 * struct call - one execution
 * @token:	of the leader, 0 if nobody knows it
 * @thread:	of the leader: process and thread
 * @first:	the JOIN of its first leader
 * @stale:	the result that it is to refresh
 * @attempt:	1, and 1 more for each hand-over
 * @left:	hand-overs that there may be
 * @used:	there is one
 * @listed:	it can be joined
 * @leader:	its owner
 * @followers:	who would lead
 * @bystanders:	who would not
 */
struct call {
	__u64 token;
	__u64 thread;
	const struct history_record *first;
	struct kept stale;
	__u32 attempt, left;
	__u8 used, listed, leader;
	struct spec_queue followers, bystanders;
};

/**
 * struct flight - the state
 * @common:	the search's part
 * @token:	the greatest that is known to have been given
 * @kept:	the result that is kept, while there is no call that can be joined
 * @calls:	the calls
 */
struct flight {
	struct spec_common common;
	__u64 token;
	struct kept kept;
	struct call calls[CALLS_MAX];
};

/**
 * struct ending - how a call ended
 * @ret:	0 or -EOWNERDEAD
 * @call:	the call
 * @shared:	how many follow
 * @finish:	what ended it
 */
struct ending {
	int ret;
	const struct call *call;
	unsigned int shared;
	const struct history_record *finish;
};

/* Of a ticket 0: no thread of its owner is concerned (F11). */
static __u64 thread_of(const struct spec_op *op)
{
	if (op->rec->how & HOW_TICKET)
		return 0;
	return ((__u64)op->rec->process << 32 | op->rec->thread) + 1;
}

static struct call *listed_call(struct flight *f)
{
	unsigned int i;

	for (i = 0; i < CALLS_MAX; i++) {
		if (f->calls[i].used && f->calls[i].listed)
			return &f->calls[i];
	}
	return NULL;
}

static unsigned int nr_waiting(const struct call *call)
{
	return call->followers.nr + call->bystanders.nr;
}

/* ---- time ---- */

static __u64 keep_of(const struct history_record *finish)
{
	return finish->arg[FLIGHT_KEEP];
}

/* Until it is not even served stale. */
static __u64 grace_of(const struct history_record *finish)
{
	return spec_later(keep_of(finish), finish->arg[FLIGHT_GRACE]);
}

static bool is_to_be_kept(const struct history_record *finish)
{
	return finish->arg[FLIGHT_KEEP] &&
	       (!finish->arg[FLIGHT_STATUS] ||
		finish->arg[FLIGHT_FINISH_FLAGS] & MUSTER_FINISH_KEEP_FAILURE);
}

/* ---- leading ---- */

/* The call is led by @op from now on; false if that is not what it was told. */
static bool lead(struct flight *f, struct call *call, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;

	call->leader = op->owner;
	call->thread = thread_of(op);
	call->token = 0;
	if (rec->how & HOW_FAULT || (op->known && rec->ret)) {
		f->common.status[op->slot] = PHASE_UNTOLD;
		return spec_may(op, -EFAULT) && rec->how & HOW_FAULT;
	}
	if (!op->known) {
		/* A ticket leads, whether it is read or not. */
		f->common.status[op->slot] = op->kind == SPEC_TICKET ? SPEC_OK : PHASE_UNSURE;
		return true;
	}
	if (!spec_end(&f->common, op, 0))
		return false;
	call->token = rec->out[FLIGHT_OUT_TOKEN];
	if (rec->out[FLIGHT_OUT_ROLE] != MUSTER_ROLE_LEADER ||
	    rec->out[FLIGHT_OUT_ATTEMPT] != call->attempt ||
	    rec->out[FLIGHT_OUT_SHARED] != nr_waiting(call) || call->token <= f->token)
		return false;
	f->token = call->token;
	return true;
}

/* It takes the place of what is kept. */
static bool begin_call(const struct spec_run *run, struct flight *f,
		       const struct spec_op *op)
{
	unsigned int i;

	for (i = 0; i < CALLS_MAX && f->calls[i].used; i++)
		;
	if (i == CALLS_MAX) {
		*run->full = true;
		return false;
	}
	f->calls[i] = (struct call){
		.first = op->rec,
		.stale = f->kept,
		.attempt = 1,
		.left = run->object->limit,
		.used = 1,
		.listed = 1,
	};
	f->kept = (struct kept){};
	return lead(f, &f->calls[i], op);
}

/* ---- ending ---- */

/* Is it told of a file, or that there was no room for the bytes? */
static bool told_how(const struct spec_op *op, const struct history_record *finish)
{
	const struct history_record *rec = op->rec;
	__u32 flags = rec->arg[FLIGHT_FLAGS];
	bool is_file = finish->arg[FLIGHT_FINISH_FLAGS] & MUSTER_FINISH_FD;
	bool bytes = !(flags & MUSTER_JOIN_NO_RESULT);
	bool file = bytes && is_file && flags & MUSTER_JOIN_FD;

	if (op->kind == SPEC_TICKET)
		return rec->out[FLIGHT_OUT_FILE] == (bytes && is_file);
	return rec->out[FLIGHT_OUT_FILE] == file &&
	       rec->out[FLIGHT_OUT_TRUNCATED] ==
	       (bytes && !file && rec->arg[FLIGHT_ROOM] < finish->arg[FLIGHT_LEN]);
}

static bool told_result(const struct spec_op *op, const struct history_record *finish,
			__u32 attempt, __u32 shared, __u32 kept)
{
	const struct history_record *rec = op->rec;

	if (rec->ret)
		return true;
	return rec->out[FLIGHT_OUT_ROLE] == MUSTER_ROLE_FOLLOWER &&
	       rec->out[FLIGHT_OUT_TOKEN] == finish->arg[FLIGHT_TOKEN] &&
	       rec->out[FLIGHT_OUT_ATTEMPT] == attempt &&
	       rec->out[FLIGHT_OUT_SHARED] == shared &&
	       rec->out[FLIGHT_OUT_KEPT] == kept && told_how(op, finish) &&
	       rec->out[FLIGHT_OUT_STATUS] == finish->arg[FLIGHT_STATUS] &&
	       rec->out[FLIGHT_OUT_LEN] == finish->arg[FLIGHT_LEN] &&
	       !rec->out[FLIGHT_OUT_WRONG];
}

/* It has closed the file before it could put by what did not fit. */
static bool is_late(const struct spec_op *op, const struct history_record *finish)
{
	const struct history_record *rec = op->rec;
	__u32 flags = rec->arg[FLIGHT_FLAGS];

	return op->known && rec->ret == -EBADF && op->kind == SPEC_PLAIN &&
	       !(flags & MUSTER_JOIN_NO_RESULT) &&
	       rec->arg[FLIGHT_ROOM] < finish->arg[FLIGHT_LEN];
}

static bool let_out(const struct spec_run *run, struct flight *f, struct spec_queue *queue,
		    const struct ending *end)
{
	unsigned int i;

	for (i = 0; i < queue->nr; i++) {
		const struct spec_op *op = spec_pending(run, queue->slot[i]);
		int ret = end->ret;

		if (!ret && is_late(op, end->finish)) {
			f->common.status[op->slot] = PHASE_LATE;
			continue;
		}
		if (!ret && op->rec->how & HOW_FAULT)
			ret = -EFAULT;
		if (!spec_end(&f->common, op, ret))
			return false;
		if (op->known && !ret &&
		    !told_result(op, end->finish, end->call->attempt, end->shared, 0))
			return false;
	}
	return true;
}

/* What is kept from now on: the result, or the older one if nothing good came of it. */
static void keep(const struct spec_run *run, struct flight *f, const struct ending *end)
{
	const struct kept *stale = &end->call->stale;

	if (!end->call->listed)
		return;
	if (end->finish && is_to_be_kept(end->finish)) {
		f->kept = (struct kept){ end->finish, end->call->attempt, end->shared };
	} else if (stale->finish && (!end->finish || end->finish->arg[FLIGHT_STATUS])) {
		f->kept = *stale;
		f->kept.unsure |= spec_may_be_after(run, stale->finish, grace_of(stale->finish));
	}
}

/* @finish is NULL if nobody is left to lead. */
static bool end_call(const struct spec_run *run, struct flight *f, struct call *call,
		     const struct history_record *finish)
{
	struct ending end = { finish ? 0 : -EOWNERDEAD, call, nr_waiting(call), finish };
	bool ok = let_out(run, f, &call->followers, &end) &&
		  let_out(run, f, &call->bystanders, &end);

	keep(run, f, &end);
	*call = (struct call){};
	return ok;
}

/*
 * The leader is gone: the first follower leads. @counted unless the leader never
 * learned that it led. @goes_on: somebody leads now.
 */
static bool hand_over(const struct spec_run *run, struct flight *f, struct call *call,
		      bool counted, bool *goes_on)
{
	*goes_on = false;
	while (call->followers.nr && (!counted || call->left)) {
		const struct spec_op *op = spec_pending(run, call->followers.slot[0]);

		spec_remove(&call->followers, op->slot);
		if (spec_is_orphan(&f->common, op)) {
			if (!spec_end(&f->common, op, -EBADF))
				return false;
			continue;
		}
		if (counted) {
			call->attempt++;
			call->left--;
		}
		*goes_on = true;
		return lead(f, call, op);
	}
	return end_call(run, f, call, NULL);
}

/* ---- calls ---- */

static int may_follow(const struct call *call, const struct spec_op *op)
{
	__u32 flags = op->rec->arg[FLIGHT_FLAGS];

	if (flags & MUSTER_JOIN_NO_FOLLOW)
		return -EBUSY;
	if (!(flags & MUSTER_JOIN_MIGRATORY) && call->thread && call->thread == thread_of(op))
		return -EDEADLK;
	return op->rec->how & HOW_TRY ? -EAGAIN : 0;
}

/* Who leads without knowing it passes it on. */
static bool pass_on(const struct spec_run *run, struct flight *f, const struct spec_op *op)
{
	struct call *call;
	bool goes_on;

	f->common.status[op->slot] = SPEC_FAILED;
	for (call = f->calls; call < f->calls + CALLS_MAX; call++) {
		if (call->used && call->leader == op->owner && !call->token &&
		    call->thread == thread_of(op))
			return hand_over(run, f, call, false, &goes_on);
	}
	/* Its owner was closed meanwhile. */
	return true;
}

/* Who is killed when it was made leader may have found out, and passed it on, or not. */
static bool unsure(const struct spec_run *run, struct flight *f, const struct spec_op *op,
		   unsigned int choice)
{
	if (choice)
		return op->dies < run->now && pass_on(run, f, op);
	f->common.status[op->slot] = SPEC_OK;
	return true;
}

/* A ticket does not tell the age. */
static bool told_age(const struct spec_op *op, const struct history_record *finish,
		     __u64 most)
{
	const struct history_record *rec = op->rec;
	__u64 age = rec->out[FLIGHT_OUT_AGE];

	return op->kind == SPEC_TICKET ||
	       (age < most && age + finish->begun <= (rec->over ?: ~0ULL) &&
		(!finish->over || age + finish->over >= rec->begun));
}

/* It gets what is kept. */
static bool answer(struct flight *f, const struct spec_op *op, const struct kept *kept,
		   __u32 how)
{
	const struct history_record *finish = kept->finish;
	__u64 most = how == FLIGHT_IS_STALE ? grace_of(finish) : keep_of(finish);

	if (!spec_may_be_before(op, finish, most))
		return false;
	if (op->rec->how & HOW_FAULT)
		return spec_end(&f->common, op, -EFAULT);
	if (is_late(op, finish)) {
		f->common.status[op->slot] = PHASE_LATE;
		return true;
	}
	return spec_end(&f->common, op, 0) &&
	       (!op->known || (told_result(op, finish, kept->attempt, kept->shared, how) &&
			       told_age(op, finish, most)));
}

/*
 * Something is kept: that answers, at least those who would not lead (JOIN_COMMON); or it
 * is to be refreshed (JOIN_OTHER); or nobody gets it any more (JOIN_DROPS).
 */
static bool join_kept(const struct spec_run *run, struct flight *f, const struct spec_op *op,
		      unsigned int choice)
{
	const struct history_record *finish = f->kept.finish;
	bool fresh = op->rec->arg[FLIGHT_FLAGS] & MUSTER_JOIN_FRESH;
	bool leads = !(op->rec->arg[FLIGHT_FLAGS] & MUSTER_JOIN_NO_LEAD);
	bool told = op->known && !op->rec->ret;
	bool stale = told && op->rec->out[FLIGHT_OUT_KEPT] == FLIGHT_IS_STALE;

	if (choice == JOIN_DROPS) {
		if (!fresh && !spec_may_be_after(run, finish, grace_of(finish)))
			return false;
		f->kept = (struct kept){};
		return true;
	}
	if (fresh)
		return false;
	if (choice == JOIN_OTHER)
		return leads && spec_may_be_after(run, finish, keep_of(finish)) &&
		       spec_may_be_before(op, finish, grace_of(finish)) && begin_call(run, f, op);
	if (!told && !spec_may_be_before(op, finish, keep_of(finish)))
		stale = true;
	if (stale)
		return !leads && spec_may_be_after(run, finish, keep_of(finish)) &&
		       answer(f, op, &f->kept, FLIGHT_IS_STALE);
	return answer(f, op, &f->kept, FLIGHT_IS_KEPT);
}

/* The call can be joined no more; what it was to refresh goes, too. */
static void unlist(struct call *call)
{
	call->listed = 0;
	call->stale = (struct kept){};
}

/* There is a call, and neither what is kept answers, nor is it over-age (F7). */
static bool may_join_call(const struct spec_run *run, const struct call *call,
			  const struct spec_op *op)
{
	const struct history_record *finish = call->stale.finish;
	__u64 forget_after = call->first->arg[FLIGHT_FORGET_AFTER];

	if (forget_after && !spec_may_be_before(op, call->first, forget_after))
		return false;
	return !finish || op->rec->arg[FLIGHT_FLAGS] & MUSTER_JOIN_FRESH ||
	       spec_may_be_after(run, finish, grace_of(finish));
}

/*
 * There is a call. JOIN_COMMON: it is followed; JOIN_OTHER: the result that it is to
 * refresh answers; JOIN_DROPS: its time is over.
 */
static bool join_call(const struct spec_run *run, struct flight *f, struct call *call,
		      const struct spec_op *op, unsigned int choice)
{
	__u64 forget_after = call->first->arg[FLIGHT_FORGET_AFTER];
	__u32 flags = op->rec->arg[FLIGHT_FLAGS];
	int err;

	if (choice == JOIN_DROPS) {
		if (!forget_after || !spec_may_be_after(run, call->first, forget_after))
			return false;
		unlist(call);
		return true;
	}
	if (choice == JOIN_OTHER)
		return call->stale.finish && !(flags & MUSTER_JOIN_FRESH) &&
		       answer(f, op, &call->stale, FLIGHT_IS_STALE);
	if (!may_join_call(run, call, op))
		return false;
	err = may_follow(call, op);
	if (err)
		return spec_end(&f->common, op, err);
	spec_push(flags & MUSTER_JOIN_NO_LEAD ? &call->bystanders : &call->followers,
		  op->slot);
	f->common.status[op->slot] = SPEC_QUEUED;
	return true;
}

static bool join(const struct spec_run *run, struct flight *f, const struct spec_op *op,
		 unsigned int choice)
{
	__u32 flags = op->rec->arg[FLIGHT_FLAGS];
	struct call *call = listed_call(f);

	if (f->common.status[op->slot] == PHASE_UNTOLD)
		return !choice && pass_on(run, f, op);
	if (f->common.dead & 1ULL << op->owner)
		return !choice && spec_end(&f->common, op, -EBADF);
	f->common.orphans &= ~(1ULL << op->slot);
	if (call)
		return join_call(run, f, call, op, choice);
	if (f->kept.finish)
		return join_kept(run, f, op, choice);
	if (choice)
		return false;
	if (flags & MUSTER_JOIN_NO_LEAD)
		return spec_end(&f->common, op, -ENOENT);
	return begin_call(run, f, op);
}

/* The call that the owner leads with that token. */
static struct call *led_call(struct flight *f, const struct spec_op *op)
{
	__u64 token = op->rec->arg[FLIGHT_TOKEN];
	unsigned int i;

	for (i = 0; i < CALLS_MAX; i++) {
		if (f->calls[i].used && f->calls[i].leader == op->owner &&
		    f->calls[i].token == token && token)
			return &f->calls[i];
	}
	return NULL;
}

static bool told_count(const struct spec_op *op, unsigned int count)
{
	return !op->known || op->rec->out[FLIGHT_OUT_COUNT] == count;
}

static bool finish(const struct spec_run *run, struct flight *f, const struct spec_op *op)
{
	struct call *call = led_call(f, op);

	if (op->rec->how & HOW_FAULT)
		return spec_end(&f->common, op, -EFAULT);
	if (op->rec->arg[FLIGHT_FINISH_FLAGS] & FLIGHT_UNSEALED)
		return spec_end(&f->common, op, -EINVAL);
	if (!call)
		return spec_end(&f->common, op, -EPERM);
	return spec_end(&f->common, op, 0) && told_count(op, nr_waiting(call)) &&
	       end_call(run, f, call, op->rec);
}

static bool abandon(const struct spec_run *run, struct flight *f, const struct spec_op *op)
{
	struct call *call = led_call(f, op);
	bool goes_on;

	if (!call)
		return spec_end(&f->common, op, -EPERM);
	return spec_end(&f->common, op, 0) && hand_over(run, f, call, true, &goes_on) &&
	       told_count(op, goes_on);
}

static bool ask_followers(struct flight *f, const struct spec_op *op)
{
	const struct call *call = led_call(f, op);

	if (!call)
		return spec_end(&f->common, op, -EPERM);
	return spec_end(&f->common, op, 0) && told_count(op, nr_waiting(call));
}

/* What is kept, unless its time was over when the call ended that was to refresh it. */
static bool forget_kept(struct flight *f, const struct spec_op *op, unsigned int choice)
{
	__s64 token = op->rec->arg[FLIGHT_TOKEN];
	bool hit = !token || token == f->kept.finish->arg[FLIGHT_TOKEN];

	if (choice && (!hit || !f->kept.unsure))
		return false;
	if (hit)
		f->kept = (struct kept){};
	return spec_end(&f->common, op, 0) && told_count(op, hit && !choice);
}

/* The token is that of what the call is to refresh: that goes, and the call goes on. */
static bool forget_stale(struct flight *f, struct call *call, const struct spec_op *op)
{
	call->stale = (struct kept){};
	return spec_end(&f->common, op, 0) && told_count(op, 1);
}

static bool names_stale(const struct call *call, __u64 token)
{
	return call && call->stale.finish && token &&
	       token == (__u64)call->stale.finish->arg[FLIGHT_TOKEN];
}

/* A token that nobody knows may be the one or not. */
static bool forget(struct flight *f, const struct spec_op *op, unsigned int choice)
{
	__u64 token = op->rec->arg[FLIGHT_TOKEN];
	struct call *call = listed_call(f);
	bool hit = call && (!token || token == call->token || (!call->token && !choice));

	if (f->kept.finish)
		return forget_kept(f, op, choice);
	if (names_stale(call, token))
		return !choice && forget_stale(f, call, op);
	if (choice && (!call || !token || call->token))
		return false;
	if (hit)
		unlist(call);
	return spec_end(&f->common, op, 0) && told_count(op, hit);
}

/* ---- the specification ---- */

static bool flight_step(const struct spec_run *run, void *state, const struct spec_op *op,
			unsigned int choice)
{
	struct flight *f = state;

	if (f->common.status[op->slot] == PHASE_UNSURE)
		return choice < 2 && unsure(run, f, op, choice);
	if (f->common.status[op->slot] == PHASE_LATE)
		return !choice && f->common.dead & 1ULL << op->owner &&
		       spec_end(&f->common, op, -EBADF);
	if (op->code == FLIGHT_JOIN)
		return join(run, f, op, choice);
	if (choice > 1 || (choice && op->code != FLIGHT_FORGET))
		return false;
	switch (op->code) {
	case FLIGHT_FINISH:
		return finish(run, f, op);
	case FLIGHT_ABANDON:
		return abandon(run, f, op);
	case FLIGHT_FOLLOWERS:
		return ask_followers(f, op);
	default:
		return forget(f, op, choice);
	}
}

static bool flight_leave(const struct spec_run *run, void *state, const struct spec_op *op,
			 enum spec_reason reason)
{
	struct flight *f = state;
	unsigned int i;

	for (i = 0; i < CALLS_MAX; i++) {
		spec_remove(&f->calls[i].followers, op->slot);
		spec_remove(&f->calls[i].bystanders, op->slot);
	}
	return true;
}

/* All that the owner leads is handed over, one after the other. */
static bool flight_holds(const struct spec_run *run, const void *state, unsigned int owner)
{
	const struct flight *f = state;

	unsigned int i;

	for (i = 0; i < CALLS_MAX; i++) {
		if (f->calls[i].used && f->calls[i].leader == owner)
			return true;
	}
	return false;
}

static bool flight_drop(const struct spec_run *run, void *state, unsigned int owner,
			bool *ok)
{
	struct flight *f = state;
	bool goes_on;
	unsigned int i;

	for (i = 0; i < CALLS_MAX; i++) {
		if (f->calls[i].used && f->calls[i].leader == owner) {
			*ok = hand_over(run, f, &f->calls[i], true, &goes_on);
			return true;
		}
	}
	return false;
}

/* May it still get what is kept with that token, now or when the call has ended? */
static bool may_be_kept(const struct flight *f, __u64 token)
{
	const struct call *call;

	if (token > f->token || (f->kept.finish &&
				 (__u64)f->kept.finish->arg[FLIGHT_TOKEN] == token))
		return true;
	for (call = f->calls; call < f->calls + CALLS_MAX; call++) {
		const struct history_record *stale = call->stale.finish;

		if (call->listed &&
		    (call->token == token ||
		     (stale && (__u64)stale->arg[FLIGHT_TOKEN] == token)))
			return true;
	}
	return false;
}

/* May it still follow the call with that token? It is there, unless it is to come. */
static bool may_still_follow(const struct flight *f, const struct spec_op *op, __u64 token)
{
	const struct call *call = f->calls;

	if (token > f->token)
		return true;
	while (call < f->calls + CALLS_MAX && call->token != token)
		call++;
	if (call == f->calls + CALLS_MAX)
		return false;
	if (spec_queued(&call->followers, op->slot) ||
	    spec_queued(&call->bystanders, op->slot))
		return true;
	return call->listed && (f->common.status[op->slot] == SPEC_NEW ||
				f->common.restarts[op->slot]);
}

static bool flight_possible(const struct spec_run *run, const void *state,
			    const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	const struct flight *f = state;
	__u64 token = rec->out[FLIGHT_OUT_TOKEN];

	if (op->code != FLIGHT_JOIN || rec->ret || !spec_waits(&f->common, op))
		return true;
	if (rec->out[FLIGHT_OUT_ROLE] == MUSTER_ROLE_LEADER)
		return token > f->token;
	if (rec->out[FLIGHT_OUT_KEPT])
		return may_be_kept(f, token);
	return may_still_follow(f, op, token);
}

/* Tokens are the group's, results are fetched from it as a whole. */
static __u64 flight_part(const struct history_record *rec)
{
	return rec->code == FLIGHT_FETCH || rec->code == FLIGHT_STAT ?
	       SPEC_NO_PART : (__u64)rec->arg[FLIGHT_KEY];
}

static void flight_show(const struct spec_run *run, const void *state, FILE *out)
{
	const struct flight *f = state;
	unsigned int i;

	if (f->kept.finish)
		fprintf(out, "# %lld is kept\n", f->kept.finish->arg[FLIGHT_TOKEN]);
	for (i = 0; i < CALLS_MAX; i++) {
		const struct call *call = &f->calls[i];

		if (!call->used)
			continue;
		fprintf(out, "# call led by p%u with %llu, attempt %u, %s, followers:",
			spec_owner_process(run, call->leader), call->token, call->attempt,
			call->listed ? "listed" : "forgotten");
		spec_show_queue(run, &call->followers, out);
	}
}

static const struct history_call flight_calls[] = {
	{ "join", { "key", "flags", "room", "forget_after" },
	  { "token", "role", "attempt", "shared", "status", "len", "truncated", "wrong",
	    "kept", "age", "file" } },
	{ "finish", { "key", "token", "status", "len", "keep", "grace", "flags" },
	  { "count" } },
	{ "abandon", { "key", "token" }, { "count" } },
	{ "forget", { "key", "token" }, { "count" } },
	{ "fetch", { "flags", "token", "room" }, { "len", "wrong", "file" } },
	{ "stat", { }, { "calls", "followers", "led", "joined", "handed_over", "forgotten",
			 "orphaned" } },
	{ "followers", { "key", "token" }, { "count" } },
};

const struct spec spec_flight = {
	.name = "flight",
	.calls = flight_calls,
	.nr_calls = sizeof(flight_calls) / sizeof(*flight_calls),
	.state_size = sizeof(struct flight),
	.choices = JOIN_CHOICES,
	.part = flight_part,
	.step = flight_step,
	.leave = flight_leave,
	.drop = flight_drop,
	.holds = flight_holds,
	.possible = flight_possible,
	.show = flight_show,
};
