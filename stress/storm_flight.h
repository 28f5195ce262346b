/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORM_FLIGHT_H
#define STORM_FLIGHT_H

#include "storm.h"

/* ---- storm_flight_check.c ---- */

void flight_check(const struct history *h, unsigned int object);
void flight_asleep(const struct storm_object *object, unsigned int number,
		   unsigned int sleepers, unsigned int tickets);
void flight_gone(const struct storm_object *object, unsigned int number);

#endif /* STORM_FLIGHT_H */
