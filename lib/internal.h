/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libmuster share
 *
 * A struct of the kernel interface that grows needs a new symbol version of every
 * function that takes one from the caller: @size is the library's, and a program
 * that was compiled earlier has less room.
 */
#ifndef MUSTER_INTERNAL_H
#define MUSTER_INTERNAL_H

#include <errno.h>

#include "muster.h"

#define to_u64(pointer)	((uint64_t)(uintptr_t)(pointer))

/* How many processes a STAT has listed, of those there are, with room for @nr. */
static inline int muster_listed(uint32_t there_are, uint32_t nr)
{
	if (nr > MUSTER_PROCESSES_MAX)
		nr = MUSTER_PROCESSES_MAX;
	return there_are < nr ? there_are : nr;
}

/* Tickets are what the functions that end in _async return, and no others. */
static inline int muster_no_ticket(uint32_t flags)
{
	return flags & MUSTER_WAIT_TICKET ? -EINVAL : 0;
}

int muster_ioctl(int fd, unsigned long cmd, void *arg);
void muster_free(void *memory);

#endif /* MUSTER_INTERNAL_H */
