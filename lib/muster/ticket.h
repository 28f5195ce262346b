/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tickets: any wait without a thread (T5)
 */
#ifndef MUSTER_TICKET_H
#define MUSTER_TICKET_H

#include "base.h"

MUSTER_BEGIN_DECLS

/*
 * What the functions that end in _async have in common: they return at once, with a
 * ticket. That is a descriptor which poll(2), epoll(7) and io_uring see as readable when
 * the wait has ended; muster_ticket_read() tells how. What was granted is held through
 * the ticket: release, finish, complete with the ticket as @fd. To close it gives back
 * what it has been granted and is not given back yet; to close it before leaves the queue.
 *
 * Return: the ticket, which the caller is to close; what the function without _async
 * returns if that can be said at once; -EMFILE, -ENFILE.
 */
int muster_flight_join_async(int fd, const void *key, size_t key_len, uint32_t flags,
			     uint64_t deadline);
int muster_barrier_await_async(int fd, uint64_t deadline);
int muster_sem_acquire_async(int fd, uint64_t permits, uint32_t flags, uint64_t deadline);
int muster_group_add_async(int fd, uint32_t slots, uint64_t deadline);
int muster_group_wait_async(int fd, uint32_t until, uint32_t successes, uint64_t deadline);

/**
 * muster_ticket_read - how a wait ended
 * @ticket:	the ticket
 * @verdict:	filled in. @verdict->error is 0, or what the function without _async
 *		would have returned.
 * @buf:	room for a flight's result, or NULL if @len is 0
 * @len:	how much
 *
 * Waits for the end, unless the ticket has O_NONBLOCK. It can be read again.
 *
 * Return: how many bytes are in @buf; @verdict->result_len tells how many there are.
 * -EAGAIN it has not ended yet; -EINTR; -EINVAL it is no ticket.
 */
int muster_ticket_read(int ticket, struct muster_verdict *verdict, void *buf, size_t len);

MUSTER_END_DECLS

#endif /* MUSTER_TICKET_H */
