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

static void compare(const char *what, __u64 now, __u64 then, __u64 sum)
{
	storm_check(CLAIM_TOTALS, now - then == sum, "%s: %llu in TOTALS, %llu by STAT", what,
		    now - then, sum);
}

/* All actors have ended, the objects are still there. */
void storm_totals_objects(void)
{
	struct muster_totals now = get_totals();
	struct muster_flight_stat sum = { 0 };
	__u32 i;

	for (i = 0; i < storm->nr_objects; i++) {
		struct muster_flight_stat stat = { .size = sizeof(stat) };

		if (storm_types[storm->objects[i].type] != &storm_flight)
			continue;
		if (storm_call(storm->objects[i].fd, MUSTER_FLIGHT_STAT, &stat))
			storm_die("STAT");
		sum.led += stat.led;
		sum.joined += stat.joined;
		sum.served += stat.served;
		sum.handed_over += stat.handed_over;
		sum.orphaned += stat.orphaned;
		sum.forgotten += stat.forgotten;
	}
	compare("led", now.led, before.led, sum.led);
	compare("joined", now.joined, before.joined, sum.joined);
	compare("served", now.served, before.served, sum.served);
	compare("handed over", now.handed_over, before.handed_over, sum.handed_over);
	compare("orphaned", now.orphaned, before.orphaned, sum.orphaned);
	compare("forgotten", now.forgotten, before.forgotten, sum.forgotten);
}

/* All objects of the round are gone. */
void storm_totals_end(void)
{
	compare("objects", get_totals().objects, before.objects, 0);
}
