// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Trying again, with pauses that grow
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

#ifndef GRND_INSECURE
#define GRND_INSECURE	4
#endif

#define PERCENT		100

/* Any number; to have a good one it is not waited for entropy. */
static uint64_t some_number(void)
{
	uint64_t number = 0;
	int saved = errno;

	/* Not getrandom(3), which is a cancellation point. */
	if (syscall(SYS_getrandom, &number, sizeof(number), GRND_INSECURE) != sizeof(number))
		number = muster_after_ns(0) * 0x9e3779b97f4a7c15ULL;
	errno = saved;
	return number;
}

static uint64_t percent_of(uint64_t ns, uint32_t percent)
{
	uint64_t whole, rest = ns % PERCENT * percent / PERCENT;

	if (__builtin_mul_overflow(ns / PERCENT, percent, &whole) ||
	    __builtin_add_overflow(whole, rest, &whole))
		return MUSTER_FOREVER;
	return whole;
}

static uint64_t at_most(uint64_t pause, const struct muster_retry *how)
{
	return how->pause_max && pause > how->pause_max ? how->pause_max : pause;
}

static uint64_t next_pause(uint64_t pause, const struct muster_retry *how)
{
	return at_most(percent_of(pause, how->factor ? how->factor : 2 * PERCENT), how);
}

static uint64_t with_jitter(uint64_t pause, const struct muster_retry *how)
{
	uint64_t chance = percent_of(pause, how->jitter);

	return chance ? pause - some_number() % chance : pause;
}

static int check(const struct muster_retry *how)
{
	uint32_t i, reserved = 0;

	for (i = 0; i < sizeof(how->reserved) / sizeof(how->reserved[0]); i++)
		reserved |= how->reserved[i];
	if (reserved || (how->flags & ~MUSTER_RETRY_GROUP) || how->jitter > PERCENT ||
	    (how->factor && how->factor < PERCENT))
		return -EINVAL;
	return 0;
}

/* Until then; or an error, because there is to be no other try. */
static int wait_until(const struct muster_retry *how, uint64_t until)
{
	struct pollfd fd = { .fd = how->group, .events = POLLPRI };
	int ret;

	if (!(how->flags & MUSTER_RETRY_GROUP)) {
		muster_sleep(until);
		return 0;
	}
	/* To poll(2) that is none to look at. */
	if (how->group < 0)
		return -EBADF;
	ret = muster_poll(&fd, 1, until);
	if (ret <= 0)
		return ret;
	return fd.revents & POLLNVAL ? -EBADF : -ECANCELED;
}

/**
 * struct effort - what is tried, and for how long
 * @fn:		what is tried
 * @arg:	for @fn
 * @again_arg:	for @how->again
 * @deadline:	no try begins later
 * @how:	when to try again
 */
struct effort {
	muster_retry_fn fn;
	void *arg;
	void *again_arg;
	uint64_t deadline;
	const struct muster_retry *how;
};

static const struct muster_retry at_once;

static bool is_worth_it(const struct effort *effort, int status, uint32_t tries)
{
	const struct muster_retry *how = effort->how;

	if (how->tries && tries >= how->tries)
		return false;
	return !how->again || how->again(status, tries, effort->again_arg);
}

static int pause_for(const struct effort *effort, uint64_t pause)
{
	uint64_t until = muster_after_ns(with_jitter(pause, effort->how));

	if (until >= effort->deadline && effort->deadline != MUSTER_FOREVER)
		return -ETIMEDOUT;
	return wait_until(effort->how, until);
}

static int try_until(const struct effort *effort, int *status)
{
	uint64_t pause = at_most(effort->how->pause, effort->how);
	uint32_t tries = 1;
	int err;

	for (;;) {
		*status = effort->fn(tries, effort->arg);
		if (!*status)
			return tries;
		if (!is_worth_it(effort, *status, tries))
			return -EAGAIN;
		err = pause_for(effort, pause);
		if (err)
			return err;
		pause = next_pause(pause, effort->how);
		tries += tries < INT32_MAX;
	}
}

int muster_retry(muster_retry_fn fn, void *arg, uint64_t deadline,
		 const struct muster_retry *how, int *status)
{
	struct effort effort = {
		.fn = fn,
		.arg = arg,
		.again_arg = arg,
		.deadline = deadline,
		.how = how ? how : &at_once,
	};
	int ignored, err;

	status = status ? status : &ignored;
	*status = 0;
	err = fn ? check(effort.how) : -EINVAL;
	return err ? err : try_until(&effort, status);
}

/* ---- one for all ---- */

/**
 * struct shared_effort - work that is tried again
 * @effort:	how
 * @fn:		the work
 * @work:	where its answer goes
 */
struct shared_effort {
	struct effort effort;
	muster_work_fn fn;
	struct muster_work *work;
};

static int try_work(uint32_t attempt, void *arg)
{
	struct shared_effort *shared = arg;

	if (attempt > 1) {
		muster_work_set(shared->work, NULL, 0);
		muster_work_keep(shared->work, 0, 0, 0);
	}
	return shared->fn(shared->work, shared->effort.again_arg);
}

static int do_work(struct muster_work *work, void *arg)
{
	struct shared_effort *shared = arg;
	int status;

	shared->work = work;
	try_until(&shared->effort, &status);
	return status;
}

int muster_flight_retry(int fd, const void *key, size_t key_len, muster_work_fn fn, void *arg,
			uint64_t deadline, const struct muster_retry *how,
			struct muster_result *result)
{
	struct shared_effort shared = {
		.effort = {
			.fn = try_work,
			.arg = &shared,
			.again_arg = arg,
			.deadline = deadline,
			.how = how ? how : &at_once,
		},
		.fn = fn,
	};
	int err = fn ? check(shared.effort.how) : -EINVAL;

	if (result)
		*result = (struct muster_result){ 0 };
	if (err)
		return err;
	return muster_flight_do(fd, key, key_len, do_work, &shared, deadline, result);
}
