// SPDX-License-Identifier: GPL-2.0-only
/*
 * The types that the storm knows: a new primitive is a line here. See storm.h.
 */
#include "storm.h"

/* In the order of history_types. */
const struct storm_type *const storm_types[] = {
	&storm_sem,
	&storm_barrier,
	&storm_flight,
	&storm_name,
	&storm_group,
	&storm_member,
	&storm_linger,
};

/* The objects of a round, by index of storm_types. */
const __u32 storm_plan_types[] = { 0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6 };
const unsigned int storm_nr_planned = sizeof(storm_plan_types) / sizeof(*storm_plan_types);
