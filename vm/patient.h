/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that are compiled for any kernel, and run on a slow one (cc -include): their
 * time is up when they have had as much longer as the kernel is slower, see vm/run.
 */
#ifndef VM_PATIENT_H
#define VM_PATIENT_H

#include <stdlib.h>
#include <unistd.h>

static inline unsigned int patient_alarm(unsigned int seconds)
{
	const char *slow = getenv("MUSTER_SLOW");

	return alarm(slow ? seconds * atoi(slow) : seconds);
}

#define alarm	patient_alarm

#endif /* VM_PATIENT_H */
