// SPDX-License-Identifier: GPL-2.0-only
/*
 * The types that there are, and their specifications: a new primitive is a line here
 */
#include "spec.h"

#define SPECS(...)	((const struct spec *const []){ __VA_ARGS__, NULL })

const struct history_type history_types[] = {
	{ "sem", SPECS(&spec_sem) },
	{ "barrier", SPECS(&spec_barrier) },
	{ "flight", SPECS(&spec_flight, &spec_parcel) },
	{ "name", SPECS(&spec_name) },
	{ "group", SPECS(&spec_group) },
	/* Barriers with members. */
	{ "member", SPECS(&spec_barrier) },
	{ "linger", SPECS(&spec_linger) },
};

const unsigned int history_nr_types = sizeof(history_types) / sizeof(*history_types);
