/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every way to wait, for the tests that are true of all of them
 */
#ifndef MUSTER_WAITS_H
#define MUSTER_WAITS_H

#include "muster_util.h"

/**
 * struct wait_kind - a call that waits; a new one joins as an entry of waits[]
 * @name:	for people
 * @type:	of the object
 * @limit:	of the object
 * @block:	makes who comes next wait; NULL if everybody does
 * @wait:	the call; fails with the deadline, or is a ticket by the flags
 * @waiting:	how many wait on the object
 * @grant:	lets the one that waits go on; by who did @blocked
 * @orphaned:	what the wait says when who did @blocked dies
 * @ungrant:	gives back what @granted was; NULL if that is nothing
 */
struct wait_kind {
	const char *name;
	__u32 type;
	__u64 limit;
	struct job (*block)(int fd);
	struct job (*wait)(int fd, __u32 flags, __u64 deadline);
	unsigned int (*waiting)(int fd);
	struct job (*grant)(int fd, const struct job *blocked);
	int orphaned;
	struct job (*ungrant)(int fd, const struct job *granted);
};

extern const struct wait_kind waits[];
extern const unsigned int nr_waits;

#define MAX_WAITS	16

/* Whoever has waited gives back what it got. */
int give_back(const struct wait_kind *kind, int fd, struct puppet *p);
/* All that there are, in @fds. */
void open_waits(int *fds);

#endif /* MUSTER_WAITS_H */
