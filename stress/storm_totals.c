// SPDX-License-Identifier: GPL-2.0-only
/*
 * What TOTALS says of a round is the sum of what STAT says of its objects (I5). See storm.h.
 *
 * Nobody but the storm has objects here, and the master may know of all of them.
 */
#include <string.h>

#include "storm.h"

static struct muster_totals before;

static struct muster_totals get_totals(void)
{
	struct muster_totals totals = { .size = sizeof(totals) };

	if (storm_call(STORM_DEVICE_FD, MUSTER_TOTALS, &totals))
		storm_die("TOTALS");
	return totals;
}

/* Before the objects of a round are made. */
void storm_totals_begin(void)
{
	before = get_totals();
}

/* @more: so many more there may be, of which nobody knows. */
static void compare(const char *what, __u64 now, __u64 then, __u64 sum, __u64 more)
{
	storm_check(CLAIM_TOTALS, now - then >= sum && now - then <= sum + more,
		    "%s: %llu in TOTALS, %llu by STAT, and up to %llu by others", what,
		    now - then, sum, more);
}

static void add_stat(const struct storm_object *object, struct muster_flight_stat *sum)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };

	if (storm_call(object->fd, MUSTER_FLIGHT_STAT, &stat))
		storm_die("STAT");
	sum->led += stat.led;
	sum->joined += stat.joined;
	sum->served += stat.served;
	sum->handed_over += stat.handed_over;
	sum->orphaned += stat.orphaned;
	sum->forgotten += stat.forgotten;
}

/*
 * Groups whose names linger are gone, and have been several: what their calls have told,
 * and what those may have done that have not. Nobody follows there.
 */
static void add_call(const struct history_record *rec, struct muster_flight_stat *sum,
		     struct muster_flight_stat *more)
{
	bool told = rec->res && rec->ret >= 0;

	switch (rec->code) {
	case LINGER_KEEP:
		sum->led += told && rec->ret != LINGER_IS_KEPT;
		sum->served += told && rec->ret == LINGER_IS_KEPT;
		more->led += !told;
		more->served += !told;
		more->orphaned += !told;
		break;
	case LINGER_LOOK:
		sum->served += told;
		more->served += !told;
		break;
	case LINGER_DROP:
		/* One that was led is forgotten, one that was kept is just gone. */
		more->forgotten += !told || rec->out[LINGER_OUT_COUNT];
		break;
	}
}

static void add_calls(__u32 object, struct muster_flight_stat *sum,
		      struct muster_flight_stat *more)
{
	const struct history *h = &storm->history;
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;

	for (i = 0; i < nr; i++) {
		if (h->records[i].inv && h->records[i].object == object)
			add_call(&h->records[i], sum, more);
	}
}

/* All actors have ended, the objects are still there. */
void storm_totals_objects(void)
{
	struct muster_flight_stat sum = { 0 }, more = { 0 };
	struct muster_totals now = get_totals();
	__u32 i;

	for (i = 0; i < storm->nr_objects; i++) {
		const struct storm_type *type = storm_types[storm->objects[i].type];

		if (type == &storm_flight)
			add_stat(&storm->objects[i], &sum);
		else if (type == &storm_linger)
			add_calls(i, &sum, &more);
	}
	compare("led", now.led, before.led, sum.led, more.led);
	compare("joined", now.joined, before.joined, sum.joined, more.joined);
	compare("served", now.served, before.served, sum.served, more.served);
	compare("handed over", now.handed_over, before.handed_over, sum.handed_over,
		more.handed_over);
	compare("orphaned", now.orphaned, before.orphaned, sum.orphaned, more.orphaned);
	compare("forgotten", now.forgotten, before.forgotten, sum.forgotten, more.forgotten);
}

/* All objects of the round are gone. */
void storm_totals_end(void)
{
	compare("objects", get_totals().objects, before.objects, 0, 0);
}
