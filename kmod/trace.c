// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code of the tracepoints. See trace.h.
 */
#include <linux/jiffies.h>

#include "barrier.h"
#include "flight.h"
#include "group.h"

/* The process, or who is at it if it is not known. */
static pid_t trace_pid(const struct muster_owner *owner)
{
	return owner ? pid_nr(owner->pid) : task_tgid_nr(current);
}

/* Bytes that are no text become dots, so that every tool can show them. */
static void trace_text(char *to, const u8 *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = bytes[i] < ' ' || bytes[i] == 127 ? '.' : bytes[i];
	to[len] = 0;
}

#define CREATE_TRACE_POINTS
#include "trace.h"
