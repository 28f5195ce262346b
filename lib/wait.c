// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for descriptors and for times, with absolute deadlines
 *
 * None of it is a cancellation point, is ended by a signal, or touches errno.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define NSEC_PER_SEC	1000000000ULL

/* What fits into the time_t of any machine, and is as good as for ever. */
#define SECONDS_MAX	0x3fffffffULL

static struct timespec to_timespec(uint64_t ns)
{
	uint64_t seconds = ns / NSEC_PER_SEC;

	return (struct timespec){
		.tv_sec = seconds < SECONDS_MAX ? seconds : SECONDS_MAX,
		.tv_nsec = ns % NSEC_PER_SEC,
	};
}

/* True if it is to be called again. */
static bool poll_once(struct pollfd *fds, unsigned int nr, uint64_t deadline, int *ret)
{
	uint64_t now = muster_after_ns(0), left = deadline > now ? deadline - now : 0;
	struct timespec timeout = to_timespec(left);

	*ret = ppoll(fds, nr, &timeout, NULL);
	if (*ret < 0 && errno == EINTR)
		return true;
	/* What was to last for ever has its limits. */
	return !*ret && left / NSEC_PER_SEC >= SECONDS_MAX;
}

/* How many are ready; 0 the deadline has passed; or an error. */
int muster_poll(struct pollfd *fds, unsigned int nr, uint64_t deadline)
{
	int saved = errno, state, ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (poll_once(fds, nr, deadline, &ret))
		;
	if (ret < 0)
		ret = -errno;
	pthread_setcancelstate(state, NULL);
	errno = saved;
	return ret;
}

void muster_sleep(uint64_t until)
{
	struct timespec ts = to_timespec(until);
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
	pthread_setcancelstate(state, NULL);
}
