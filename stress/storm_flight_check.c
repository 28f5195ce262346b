// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must always hold of a flight group. See storm_flight.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "storm.h"
#include "storm_flight.h"

/**
 * struct lead - a process certainly leads a key
 * @from:	from when on
 * @to:		until when
 * @rec:	its JOIN
 */
struct lead {
	__u64 from, to;
	const struct history_record *rec;
};

static __u32 count(const struct history *h)
{
	return history_count(&h->nr_records, HISTORY_RECORDS);
}

static bool is_call(const struct history_record *rec, unsigned int object, __u32 code)
{
	return rec->inv && rec->object == object && rec->code == code;
}

static bool has_led(const struct history_record *rec)
{
	return storm_has_told(rec) && !rec->ret &&
	       rec->out[FLIGHT_OUT_ROLE] == MUSTER_ROLE_LEADER;
}

static bool has_followed(const struct history_record *rec)
{
	return storm_has_told(rec) && !rec->ret &&
	       rec->out[FLIGHT_OUT_ROLE] == MUSTER_ROLE_FOLLOWER;
}

/* ---- one leader at a time ---- */

/* Until it says FINISH or ABANDON, closes the file, or dies; at the earliest. */
static __u64 leads_until(const struct history *h, const struct history_record *join)
{
	__u64 until = h->processes[join->process].doomed ?: ~0ULL;
	__u32 i;

	for (i = 0; i < count(h); i++) {
		const struct history_record *rec = &h->records[i];
		bool ends = (rec->code == FLIGHT_FINISH || rec->code == FLIGHT_ABANDON) &&
			    rec->arg[FLIGHT_KEY] == join->arg[FLIGHT_KEY] &&
			    rec->arg[FLIGHT_TOKEN] == join->out[FLIGHT_OUT_TOKEN];

		if (!rec->inv || rec->object != join->object || rec->inv >= until)
			continue;
		if (ends || (rec->code == HISTORY_CLOSE && rec->process == join->process &&
			     rec->file == join->file &&
			     (!rec->res || rec->res > join->inv)))
			until = rec->inv;
	}
	return until;
}

/* Was a call for the key forgotten while the two came to lead, or has become too old? */
static bool was_forgotten(const struct history *h, const struct history_record *join,
			  const struct history_record *other, __u64 to)
{
	__u64 from = join->inv < other->inv ? join->inv : other->inv;
	__u32 i;

	for (i = 0; i < count(h); i++) {
		const struct history_record *rec = &h->records[i];

		if (is_call(rec, join->object, FLIGHT_FORGET) &&
		    rec->arg[FLIGHT_KEY] == join->arg[FLIGHT_KEY] && rec->inv < to &&
		    (!rec->res || rec->res > from))
			return true;
		if (is_call(rec, join->object, FLIGHT_JOIN) && rec->inv < to &&
		    rec->arg[FLIGHT_KEY] == join->arg[FLIGHT_KEY] &&
		    rec->arg[FLIGHT_FORGET_AFTER])
			return true;
	}
	return false;
}

static int compare_leads(const void *a, const void *b)
{
	const struct lead *x = a, *y = b;
	__s64 key = x->rec->arg[FLIGHT_KEY] - y->rec->arg[FLIGHT_KEY];

	return (key > 0) - (key < 0) ?: (x->from > y->from) - (x->from < y->from);
}

static void check_leaders(const struct history *h, const struct lead *leads, __u32 nr)
{
	const struct lead *last = &leads[0];
	__u32 i;

	for (i = 1; i < nr; i++) {
		const struct lead *lead = &leads[i];

		if (lead->rec->arg[FLIGHT_KEY] != last->rec->arg[FLIGHT_KEY]) {
			last = lead;
			continue;
		}
		storm_check(CLAIM_LEADER, last->to >= lead->to || last->to <= lead->from ||
			    was_forgotten(h, lead->rec, last->rec, lead->from),
			    "object %u: %lld and %lld lead key %lld at %llu",
			    lead->rec->object, last->rec->out[FLIGHT_OUT_TOKEN],
			    lead->rec->out[FLIGHT_OUT_TOKEN], lead->rec->arg[FLIGHT_KEY],
			    lead->from);
		if (lead->to > last->to)
			last = lead;
	}
}

/* ---- exactly the leader's result ---- */

/* One that nobody was told of may not have happened, and another one have. */
static bool was_finished(const struct history *h, const struct history_record *join)
{
	__u32 i;

	for (i = 0; i < count(h); i++) {
		const struct history_record *rec = &h->records[i];

		if (is_call(rec, join->object, FLIGHT_FINISH) && (!rec->res || !rec->ret) &&
		    rec->arg[FLIGHT_TOKEN] == join->out[FLIGHT_OUT_TOKEN] &&
		    rec->inv < join->res &&
		    rec->arg[FLIGHT_KEY] == join->arg[FLIGHT_KEY] &&
		    rec->arg[FLIGHT_STATUS] == join->out[FLIGHT_OUT_STATUS] &&
		    rec->arg[FLIGHT_LEN] == join->out[FLIGHT_OUT_LEN])
			return true;
	}
	return false;
}

static void check_follower(const struct history *h, const struct history_record *join)
{
	storm_check(CLAIM_BYTES, was_finished(h, join),
		    "object %u: token %lld: status %lld, %lld bytes, which nobody handed in",
		    join->object, join->out[FLIGHT_OUT_TOKEN], join->out[FLIGHT_OUT_STATUS],
		    join->out[FLIGHT_OUT_LEN]);
}

/* Is there a result that has been handed in as a file, or as bytes, with that token? */
static void check_fetch(const struct history *h, const struct history_record *fetch)
{
	bool file = !fetch->ret;
	__u32 i;

	for (i = 0; i < count(h); i++) {
		const struct history_record *rec = &h->records[i];

		if (is_call(rec, fetch->object, FLIGHT_FINISH) && (!rec->res || !rec->ret) &&
		    rec->arg[FLIGHT_TOKEN] == fetch->arg[FLIGHT_TOKEN] &&
		    !(rec->arg[FLIGHT_FINISH_FLAGS] & MUSTER_FINISH_FD) == !file)
			break;
	}
	storm_check(CLAIM_BYTES, i < count(h), "object %u: a result with token %lld is %s file",
		    fetch->object, fetch->arg[FLIGHT_TOKEN], file ? "a" : "no");
}

/* ---- tokens ---- */

static int compare_tokens(const void *a, const void *b)
{
	const struct lead *x = a, *y = b;
	__s64 d = x->rec->out[FLIGHT_OUT_TOKEN] - y->rec->out[FLIGHT_OUT_TOKEN];

	return (d > 0) - (d < 0);
}

/* A token is given once in a group, and a later grant has the greater one. */
static void check_tokens(struct lead *leads, __u32 nr)
{
	__u64 begun = 0;
	__u32 i;

	qsort(leads, nr, sizeof(*leads), compare_tokens);
	for (i = 0; i < nr; i++) {
		const struct history_record *rec = leads[i].rec;

		storm_check(CLAIM_LEADER, rec->res > begun &&
			    (!i || rec->out[FLIGHT_OUT_TOKEN] !=
				   leads[i - 1].rec->out[FLIGHT_OUT_TOKEN]),
			    "object %u: token %lld twice, or out of order", rec->object,
			    rec->out[FLIGHT_OUT_TOKEN]);
		if (rec->inv > begun)
			begun = rec->inv;
	}
}

void flight_check(const struct history *h, unsigned int object)
{
	struct lead *leads = calloc(count(h) + 1, sizeof(*leads));
	__u32 nr = 0, all = 0, i;

	if (!leads)
		abort();
	for (i = 0; i < count(h); i++) {
		const struct history_record *rec = &h->records[i];

		if (is_call(rec, object, FLIGHT_FETCH) && rec->res &&
		    rec->arg[FETCH_FLAGS] & MUSTER_FETCH_FD &&
		    (!rec->ret || rec->ret == -EINVAL))
			check_fetch(h, rec);
		if (!is_call(rec, object, FLIGHT_JOIN))
			continue;
		if (has_followed(rec))
			check_follower(h, rec);
		/* Whoever reads a ticket need not be the one that leads. */
		if (has_led(rec) && !(rec->how & HOW_READ))
			leads[all++] = (struct lead){ rec->res, leads_until(h, rec), rec };
	}
	check_tokens(leads, all);
	for (i = 0; i < all; i++) {
		if (leads[i].to > leads[i].from)
			leads[nr++] = leads[i];
	}
	qsort(leads, nr, sizeof(*leads), compare_leads);
	if (nr)
		check_leaders(h, leads, nr);
	free(leads);
}

/* ---- when nobody runs ---- */

/* Who waits for whom is for the specification to say. */
void flight_asleep(const struct storm_object *object, unsigned int number,
		   unsigned int sleepers, unsigned int tickets)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };
	int err = storm_call(object->fd, MUSTER_FLIGHT_STAT, &stat);

	storm_check(CLAIM_STUCK, !err && stat.followers >= sleepers &&
		    stat.followers <= sleepers + tickets,
		    "object %u: %u sleep, %u tickets, %llu follow", number, sleepers, tickets,
		    stat.followers);
}

/* ---- when all are gone ---- */

/*
 * What was counted agrees with what is known: a call that was begun has a leader
 * who knows it, unless that was killed before it was told, or faulted.
 */
static void check_counters(const struct history *h, unsigned int object,
			   const struct muster_flight_stat *stat)
{
	__u64 led = 0, joined = 0, served = 0, handed = 0, unknown = 0;
	__u32 i;

	for (i = 0; i < count(h); i++) {
		const struct history_record *rec = &h->records[i];

		if (!is_call(rec, object, FLIGHT_JOIN) || rec->how & HOW_READ)
			continue;
		led += has_led(rec) && rec->out[FLIGHT_OUT_ATTEMPT] == 1;
		handed += has_led(rec) && rec->out[FLIGHT_OUT_ATTEMPT] > 1;
		joined += has_followed(rec) && !rec->out[FLIGHT_OUT_KEPT];
		served += has_followed(rec) && rec->out[FLIGHT_OUT_KEPT];
		unknown += !rec->res || rec->how & (HOW_FAULT | HOW_TICKET);
	}
	storm_check(CLAIM_STAT, stat->led + unknown >= led && stat->led <= led + unknown &&
		    stat->joined >= joined && stat->joined <= joined + unknown &&
		    stat->handed_over <= handed + led + unknown &&
		    stat->served >= served && stat->served <= served + unknown,
		    "object %u: led %llu of %llu, joined %llu of %llu, served %llu of %llu, %llu unknown",
		    object, stat->led, led, stat->joined, joined, stat->served, served,
		    unknown);
}

void flight_gone(const struct storm_object *object, unsigned int number)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };
	int err = storm_call(object->fd, MUSTER_FLIGHT_STAT, &stat);

	storm_check(CLAIM_GONE, !err && !stat.calls && !stat.followers,
		    "object %u: %llu calls, %llu followers", number, stat.calls,
		    stat.followers);
	check_counters(&storm->history, number, &stat);
}
