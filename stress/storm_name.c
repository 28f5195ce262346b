// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names in the storm: they come and go with those who use them. See storm.h.
 *
 * The object behind the name is of no interest; it is a semaphore.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "storm.h"

void storm_make_open(struct storm_turn *turn)
{
	static const __u32 flags[] = { 0, O_CREAT, O_CREAT, O_CREAT | O_EXCL };

	turn->rec->arg[NAME_FLAGS] = flags[rnd_below(turn->rng, 4)];
}

/* Whoever has no room for it closes it again, which is a call of its own. */
bool storm_run_open(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct storm_actor *actor = turn->actor;
	__u32 created = 0;
	int fd;

	storm_lock(actor);
	if (!storm_has_room(actor, turn->object)) {
		/* Not called after all. */
		rec->inv = 0;
		storm_unlock(actor);
		return false;
	}
	fd = storm_open(&storm->objects[turn->object], rec->arg[NAME_FLAGS] | O_CLOEXEC,
			&created);
	if (fd >= 0)
		storm_add_fd(actor, fd, turn->object, turn->file,
			     rnd_percent(turn->rng, 50));
	storm_unlock(actor);
	rec->ret = fd < 0 ? fd : 0;
	rec->out[NAME_OUT_CREATED] = created;
	return !rec->ret;
}

static void run_open(struct storm_turn *turn)
{
	storm_run_open(turn);
}

static const struct storm_op name_ops[] = {
	{ NAME_OPEN, 10, false, storm_make_open, run_open },
	{ 0 }
};

static void name_setup(struct storm_rng *rng, struct history_object *object, unsigned int n)
{
	object->limit = 1;
}

/* After all who had it the name is free. */
static void name_gone(const struct storm_object *object, unsigned int number)
{
	int fd = storm_open(object, O_CLOEXEC, NULL);

	storm_check(CLAIM_GONE, fd == -ENOENT, "name %s: %d", object->name, fd);
}

const struct storm_type storm_name = {
	.name = "name",
	.id = MUSTER_SEM,
	.by_name = true,
	.ops = name_ops,
	.setup = name_setup,
	.gone = name_gone,
};
