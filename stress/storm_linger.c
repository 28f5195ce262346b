// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names in the storm that outlive those who use them, while a result is kept. See storm.h.
 *
 * The object is a flight group. Whoever opens it may have a result kept in it, look for
 * one, or drop it, which are calls of one or two ioctls.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "storm.h"

/* How much longer results are kept than calls wait. */
#define KEEP_FACTOR	4

static void make_keep(struct storm_turn *turn)
{
	turn->rec->arg[LINGER_NS] = 1 + storm_random_span(turn->rng) * KEEP_FACTOR;
}

static int note(struct storm_turn *turn, int ret)
{
	turn->rec->ret = ret;
	if (ret == -EBADF && fcntl(turn->fd, F_GETFD) < 0)
		turn->rec->how |= HOW_LOST;
	return ret;
}

static int join(struct storm_turn *turn, __u32 flags, struct muster_flight_join *join)
{
	*join = (struct muster_flight_join){
		.size = sizeof(*join),
		.flags = MUSTER_WAIT_NONBLOCK | flags,
		.key = (__u64)(unsigned long)"k",
		.key_len = 1,
	};
	return note(turn, storm_call(turn->fd, MUSTER_FLIGHT_JOIN, join));
}

static void run_keep(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct muster_flight_finish finish = {
		.size = sizeof(finish),
		.key = (__u64)(unsigned long)"k",
		.key_len = 1,
		.keep = rec->arg[LINGER_NS],
	};
	struct muster_flight_join args;

	if (join(turn, 0, &args))
		return;
	rec->out[LINGER_OUT_TOKEN] = args.token;
	rec->ret = LINGER_IS_KEPT;
	if (args.role != MUSTER_ROLE_LEADER)
		return;
	finish.token = args.token;
	note(turn, storm_call(turn->fd, MUSTER_FLIGHT_FINISH, &finish));
}

static void run_look(struct storm_turn *turn)
{
	struct muster_flight_join args;

	if (join(turn, MUSTER_JOIN_NO_LEAD, &args))
		return;
	turn->rec->out[LINGER_OUT_TOKEN] = args.token;
	storm_count(COUNT_KEPT);
}

static void run_drop(struct storm_turn *turn)
{
	struct muster_flight_key args = {
		.size = sizeof(args),
		.key = (__u64)(unsigned long)"k",
		.key_len = 1,
	};

	note(turn, storm_call(turn->fd, MUSTER_FLIGHT_FORGET, &args));
	turn->rec->out[LINGER_OUT_COUNT] = args.count;
}

/* Whoever finds it looks what is kept there. */
static void run_open(struct storm_turn *turn)
{
	if (!storm_run_open(turn))
		return;
	if (rnd_percent(turn->rng, 60))
		storm_later(turn, LINGER_LOOK, 0, 0, 0);
	if (rnd_percent(turn->rng, 60))
		storm_later(turn, LINGER_KEEP, 0, 0, 0);
	if (rnd_percent(turn->rng, 15))
		storm_later(turn, LINGER_DROP, 0, 0, 0);
}

static const struct storm_op linger_ops[] = {
	{ NAME_OPEN, 10, false, storm_make_open, run_open },
	{ LINGER_KEEP, 0, false, NULL, run_keep, make_keep },
	{ LINGER_LOOK, 0, false, NULL, run_look },
	{ LINGER_DROP, 0, false, NULL, run_drop },
	{ 0 }
};

static void linger_setup(struct storm_rng *rng, struct history_object *object, unsigned int n)
{
}

/* After all who had it, and the time of what is kept, the name is free. */
static void linger_gone(const struct storm_object *object, unsigned int number)
{
	__u64 until = storm_clock(CLOCK_MONOTONIC) + storm->patience;
	int fd;

	/* To look is to have it, until that is closed. */
	while ((fd = storm_open(object, O_CREAT | O_EXCL | O_CLOEXEC, NULL)) == -EEXIST &&
	       storm_clock(CLOCK_MONOTONIC) < until)
		storm_nap(1000);
	storm_check(CLAIM_GONE, fd >= 0, "name %s lingers: %d", object->name, fd);
	if (fd >= 0)
		close(fd);
}

const struct storm_type storm_linger = {
	.name = "linger",
	.id = MUSTER_FLIGHT,
	.by_name = true,
	.ops = linger_ops,
	.setup = linger_setup,
	.gone = linger_gone,
};
