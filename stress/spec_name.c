// SPDX-License-Identifier: GPL-2.0-only
/*
 * One name, that is there as long as something refers to it (O2, O3). See spec.h.
 *
 * An owner is a process that has a descriptor of a file that was got by the name.
 */
#include <errno.h>
#include <fcntl.h>

#include "spec.h"
#include "spec_calls.h"

/**
 * struct name - the state
 * @common:	the search's part
 * @users:	owners that have a descriptor
 */
struct name {
	struct spec_common common;
	__u64 users;
};

static bool name_open(struct name *name, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	bool there = name->users;
	bool creat = rec->arg[NAME_FLAGS] & O_CREAT, excl = rec->arg[NAME_FLAGS] & O_EXCL;

	if (!there && !creat)
		return spec_end(&name->common, op, -ENOENT);
	if (there && creat && excl)
		return spec_end(&name->common, op, -EEXIST);
	name->users |= 1ULL << op->owner;
	return spec_end(&name->common, op, 0) &&
	       (!op->known || !rec->out[NAME_OUT_CREATED] == there);
}

static bool name_step(const struct spec_run *run, void *state, const struct spec_op *op,
		      unsigned int choice)
{
	return name_open(state, op);
}

static bool name_holds(const struct spec_run *run, const void *state, unsigned int owner)
{
	const struct name *name = state;

	return name->users & 1ULL << owner;
}

static bool name_drop(const struct spec_run *run, void *state, unsigned int owner, bool *ok)
{
	struct name *name = state;

	name->users &= ~(1ULL << owner);
	return false;
}

/* Of a call that finds nothing there: how much is left to go. */
static unsigned int name_distance(const struct spec_run *run, const void *state,
				  const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	const struct name *name = state;

	if (rec->ret != -ENOENT && (rec->ret || !rec->out[NAME_OUT_CREATED]))
		return !name->users;
	return 2 * __builtin_popcountll(name->users) -
	       __builtin_popcountll(name->users & name->common.dead);
}

static void name_gain(void *state, unsigned int owner)
{
	struct name *name = state;

	name->users |= 1ULL << owner;
}

static const struct history_call name_calls[] = {
	{ "open", { "flags" }, { "created" } },
};

const struct spec spec_name = {
	.name = "name",
	.calls = name_calls,
	.nr_calls = sizeof(name_calls) / sizeof(*name_calls),
	.state_size = sizeof(struct name),
	.step = name_step,
	.drop = name_drop,
	.holds = name_holds,
	.distance = name_distance,
	.gain = name_gain,
};
