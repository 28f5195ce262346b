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
#include <stdbool.h>

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

int muster_lock_permits(int fd, uint64_t permits, uint32_t flags, uint64_t deadline,
			uint64_t *token);
int muster_mutex_check(int fd);
void muster_wait_readable(int fd);
int muster_ioctl(int fd, unsigned long cmd, void *arg);
int muster_device_open(void);
void muster_close(int fd);
void muster_free(void *memory);
int muster_flight_join_until(int fd, const void *key, size_t key_len, uint32_t flags,
			     uint64_t deadline, uint64_t forget_after, void *buf,
			     size_t buf_len, struct muster_flight_join *join);
void muster_work_must_keep(struct muster_work *work, uint32_t flags, int *kept);

/* file.c */
int muster_file_dup(int file);
int muster_file_check(int file);
void muster_file_own(int file);
int64_t muster_file_len(int file);
void muster_file_rewind(int file);
int muster_file_read(int file, char *data, size_t len);
int muster_file_make(const char *data, size_t len);

/* wait.c */
struct pollfd;

int muster_poll(struct pollfd *fds, unsigned int nr, uint64_t deadline);
void muster_sleep(uint64_t until);

/* group_spawn.c: muster_task_cancelled() is true when the parent has died. */
#define SPAWN_TIED	(1U << 0)

int muster_spawn(int fd, uint64_t slot, muster_task_fn fn, void *arg, uint32_t flags,
		 int cancel_state, int *pidfd);

#endif /* MUSTER_INTERNAL_H */
