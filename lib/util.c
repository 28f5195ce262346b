// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deadlines, errors in words, and memory
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

uint64_t muster_after_ns(uint64_t ns)
{
	struct timespec ts;
	uint64_t now;

	/* Cannot fail: the clock exists and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return ns > MUSTER_FOREVER - now ? MUSTER_FOREVER : now + ns;
}

uint64_t muster_after_ms(uint64_t ms)
{
	if (ms > MUSTER_FOREVER / NSEC_PER_MSEC)
		return MUSTER_FOREVER;
	return muster_after_ns(ms * NSEC_PER_MSEC);
}

/* What the system's own words would mislead about. */
static const struct {
	int err;
	const char *words;
} meanings[] = {
	{ EALREADY,	"the task is done already" },
	{ EACCES,	"no permission for this object" },
	{ EAGAIN,	"it would have to wait" },
	{ EBUSY,	"somebody is doing it already" },
	{ ECANCELED,	"the group is cancelled" },
	{ EDEADLK,	"the thread would wait for itself" },
	{ EEXIST,	"an object of this name exists" },
	{ EFBIG,	"the result is longer than the process's files may be" },
	{ EINVAL,	"a parameter is not valid, or not that of the existing object" },
	{ EMSGSIZE,	"the result is too long" },
	{ ENOBUFS,	"the user has too many results that are kept or wait to be fetched" },
	{ ENODEV,	"the muster module is not loaded" },
	{ ENOENT,	"no such object, or the muster module is not loaded" },
	{ ENOSPC,	"the user has too many objects, calls or tasks" },
	{ ENOTRECOVERABLE, "the mutex could not be locked again" },
	{ ENOTTY,	"not a descriptor of this type of object" },
	{ ENXIO,	"the muster module is not loaded" },
	{ EOPNOTSUPP,	"no leases" },
	{ EOVERFLOW,	"there would be more permits than the limit" },
	{ EOWNERDEAD,	"who did the work died, and no one may take over" },
	{ EPERM,	"the process does not hold that" },
	{ EPIPE,	"the barrier is broken" },
	{ ERANGE,	"more than the limit" },
	{ ETIMEDOUT,	"the deadline has passed" },
};

/* The system's own words, in a manner that is safe in threads. */
static const char *system_words(int err)
{
	const char *words;

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
	words = strerrordesc_np(err);
#else
	/* Static for all errors that exist, in every C library there is. */
	words = strerror(err);
#endif
	return words ? words : "unknown error";
}

const char *muster_strerror(int err)
{
	size_t i;

	/* Negated in unsigned, where the least number of all is no trouble. */
	if (err < 0)
		err = (int)(0U - (unsigned int)err);
	if (err < 0)
		return "unknown error";
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].err == err)
			return meanings[i].words;
	}
	return system_words(err);
}

/* Older C libraries' free() may change errno. */
void muster_free(void *memory)
{
	int saved = errno;

	free(memory);
	errno = saved;
}
