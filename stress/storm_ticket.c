// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets in the storm (T5): any call that waits may return one instead. See storm.h.
 *
 * A ticket is a descriptor like others: it is duplicated, closed, inherited, and passed on.
 * Whoever has it may read it, and try to release or finish what it was granted, which only
 * its owner can.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storm.h"

/* Behind a verdict. */
#define RESULT_ROOM	20000

static __thread struct {
	struct muster_verdict verdict;
	unsigned char result[RESULT_ROOM];
} told;

bool storm_may_have_ticket(const struct storm_turn *turn)
{
	return !(turn->rec->how & HOW_TRY) && storm_has_room(turn->actor, turn->object) &&
	       storm_types[storm->objects[turn->object].type]->verdict;
}

/* ---- to get one ---- */

static void add_ticket(struct storm_turn *turn, int fd)
{
	const struct history_record *rec = turn->rec;
	struct storm_fd *new = storm_add_fd(turn->actor, fd, turn->object, rec->ticket,
					    rnd_percent(turn->rng, 50));

	new->ticket = (struct storm_ticket){
		.code = rec->code,
		.how = rec->how & HOW_TIMED,
		.flags = turn->flags,
		.deadline = turn->deadline,
	};
	memcpy(new->ticket.arg, rec->arg, sizeof(rec->arg));
	if (turn->nr_later < STORM_LATER)
		turn->later[turn->nr_later++] = (struct storm_errand){
			turn->object, rec->ticket, STORM_READ };
	storm_count(COUNT_TICKET);
}

/* Nobody closes, forks, or replaces the process until the descriptor is known. */
int storm_ticket_ioctl(struct storm_turn *turn, unsigned int cmd, void *arg)
{
	struct storm_actor *actor = turn->actor;
	struct history_record *rec = turn->rec;
	int fd;

	storm_lock(actor);
	if (!storm_has_room(actor, turn->object)) {
		/* Not called after all. */
		rec->inv = 0;
		storm_unlock(actor);
		return 1;
	}
	fd = storm_call(turn->fd, cmd, arg);
	if (fd >= 0)
		add_ticket(turn, fd);
	else if (fd == -EBADF && fcntl(turn->fd, F_GETFD) < 0)
		rec->how |= HOW_LOST;
	storm_unlock(actor);
	rec->ret = fd < 0 ? fd : 0;
	storm_check_deadline(turn, rec->ret);
	return 1;
}

/* ---- to read it ---- */

/* As if it were the call itself, so that its answer can be compared. */
static void make_read(struct storm_turn *turn)
{
	const struct storm_ticket *ticket = turn->ticket;
	struct history_record *rec = turn->rec;

	rec->code = ticket->code;
	rec->how = ticket->how | HOW_READ;
	memcpy(rec->arg, ticket->arg, sizeof(rec->arg));
	turn->flags = ticket->flags;
	turn->deadline = ticket->deadline;
	if (rnd_percent(turn->rng, 50))
		rec->how |= HOW_TRY;
}

/* read() waits, poll() waits, or neither. */
static int read_ticket(struct storm_turn *turn, size_t room)
{
	bool waits = !(turn->rec->how & HOW_TRY);
	struct pollfd poll_fd = { .fd = turn->fd, .events = POLLIN };
	ssize_t len;

	if (!waits || rnd_percent(turn->rng, 50)) {
		int n = poll(&poll_fd, 1, waits ? -1 : 0);

		if (n < 0)
			return -errno;
		if (!n)
			return -EAGAIN;
		if (poll_fd.revents & POLLNVAL)
			return -EBADF;
	}
	len = read(turn->fd, &told, sizeof(told.verdict) + room);
	return len < 0 ? -errno : len;
}

static void run_read(struct storm_turn *turn)
{
	__u32 room = rnd_percent(turn->rng, 60) ? rnd_below(turn->rng, 300) :
		     rnd_below(turn->rng, RESULT_ROOM);
	struct history_record *rec = turn->rec;
	const struct storm_type *type = storm_types[storm->objects[turn->object].type];
	int len = read_ticket(turn, room);

	rec->ret = len < 0 ? len : told.verdict.error;
	if (len == -EBADF)
		rec->how |= HOW_LOST;
	if (len == -EAGAIN || len == -EINTR)
		turn->later[turn->nr_later++] = (struct storm_errand){
			turn->object, turn->file, STORM_READ };
	if (len < 0)
		return;
	storm_count(COUNT_READ);
	storm_check(CLAIM_BYTES, len >= (int)sizeof(told.verdict) &&
		    told.verdict.size == sizeof(told.verdict),
		    "a verdict of %d bytes that says it has %u", len, told.verdict.size);
	storm_check_deadline(turn, rec->ret);
	type->verdict(turn, &told.verdict, told.result, len - sizeof(told.verdict));
}

/* Its code is that of what the ticket waits for. */
const struct storm_op storm_read_op = { STORM_READ, 0, false, NULL, run_read, make_read };

/* ---- when nobody runs ---- */

static bool lives(const struct storm_actor *actor)
{
	return __atomic_load_n(&actor->taken, __ATOMIC_ACQUIRE) && actor->process;
}

unsigned int storm_count_tickets(__u32 object)
{
	unsigned int n = 0, i, j;

	for (i = 0; i < STORM_ACTORS; i++) {
		const struct storm_actor *actor = &storm->actors[i];

		for (j = 0; lives(actor) && j < actor->nr_fds; j++)
			n += actor->fds[j].object == object && actor->fds[j].ticket.code;
	}
	return n;
}

/* fdinfo says whether a ticket waits. */
static bool waits(const struct storm_actor *actor, int fd)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", storm_pid(actor), fd);
	f = fopen(path, "r");
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strcmp(line, "muster-ticket:\twaits\n");
	if (f)
		fclose(f);
	return found;
}

/* Its deadline wakes whom it will in the kernel's own time. */
bool storm_has_timed_ticket(const struct storm_actor *actor)
{
	unsigned int i;

	for (i = 0; i < actor->nr_fds; i++) {
		const struct storm_fd *fd = &actor->fds[i];

		if (fd->ticket.code && fd->ticket.how & HOW_TIMED && waits(actor, fd->fd))
			return true;
	}
	return false;
}
