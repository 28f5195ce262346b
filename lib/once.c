// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Once: a flight whose result is kept for as long as there is the group
 */
#include <errno.h>

#include "internal.h"

/**
 * struct once - what is to be done once
 * @fn:		does it
 * @arg:	for @fn
 * @flags:	see muster_work_keep()
 * @kept:	0, or why it is not
 */
struct once {
	muster_work_fn fn;
	void *arg;
	uint32_t flags;
	int kept;
};

static int run_once(struct muster_work *work, void *arg)
{
	struct once *once = arg;
	int status = once->fn(work, once->arg);

	/* Behind @fn, which may have had other wishes. */
	muster_work_must_keep(work, once->flags, &once->kept);
	return status;
}

int muster_once(int fd, const void *key, size_t key_len, muster_work_fn fn, void *arg,
		uint32_t flags, uint64_t deadline, struct muster_result *result)
{
	struct once once = { .fn = fn, .arg = arg, .flags = flags };
	int err;

	if (!fn || flags & ~MUSTER_FINISH_KEEP_FAILURE)
		return -EINVAL;
	err = muster_flight_do(fd, key, key_len, run_once, &once, deadline, result);
	return err ? err : once.kept;
}
