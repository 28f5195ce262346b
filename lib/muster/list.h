/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What there is, and what has happened (I5)
 */
#ifndef MUSTER_LIST_H
#define MUSTER_LIST_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_list - what named objects there are
 * @type:	MUSTER_FLIGHT, ... for those of one type, 0 for all
 * @see:	called for each, in order of type and name; to return anything but 0 ends
 *		the list
 * @arg:	for @see
 *
 * Of the caller's IPC namespace, those that the caller could open now. What comes and
 * goes meanwhile is told of, or not; what is there all the time is told of once. @see may
 * call anything, and open what it is told of. The entry, described in <linux/muster.h>, is
 * there until it returns.
 *
 * Return: 0; what @see returned, if that is not 0; -EINVAL there is no such type; -EINTR
 * the process is being killed; and as muster_info().
 */
int muster_list(uint32_t type, int (*see)(const struct muster_entry *entry, void *arg),
		void *arg);

/**
 * muster_totals - what has happened so far
 * @totals:	filled in; described in <linux/muster.h>
 *
 * Of the objects that the caller's user has made in its IPC namespace, those that are no
 * more included; with CAP_IPC_OWNER for the namespace, of all objects.
 *
 * Return: 0, and as muster_info().
 */
int muster_totals(struct muster_totals *totals);

MUSTER_END_DECLS

#endif /* MUSTER_LIST_H */
