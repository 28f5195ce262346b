// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * muster_flight_do(): one works the answer out, all get it
 *
 * The caller joins, and either leads or follows. Who leads runs the function and
 * finishes; what happens in between is not ours, so a cleanup handler stands by
 * that abandons the call if the function never comes back. This file is compiled
 * with -fexceptions, which makes the handler run for C++ exceptions, too.
 *
 * Who follows has the result in a buffer on the stack if it is short, as most are,
 * and else fetches the rest when its length is known.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Longer results cost a follower a second system call. */
#define INLINE_RESULT	4096

/**
 * struct lead - what this thread leads
 * @work:	what the function sees of it; first, to get from the one to the other
 * @leads:	it still does
 * @error:	0, or why the last answer could not be set
 * @keep:	see muster_work_keep()
 * @grace:	as well
 * @flags:	as well
 * @len:	length of the answer
 * @data:	the answer and a 0 byte, or NULL
 */
struct lead {
	struct muster_work work;
	bool leads;
	int error;
	uint64_t keep;
	uint64_t grace;
	uint32_t flags;
	size_t len;
	char *data;
};

/* ---- the answer ---- */

/* malloc() or realloc() with room for one more byte than @len, which is 0. */
static char *alloc_answer(void *old, size_t len)
{
	int saved = errno;
	char *data = len < SIZE_MAX ? realloc(old, len + 1) : NULL;

	errno = saved;
	if (data)
		data[len] = 0;
	return data;
}

/* Found out at once, so that the function can come up with something shorter. */
static int check_answer(const struct lead *lead, size_t len)
{
	struct muster_info info;
	int err = muster_fd_info(lead->work.fd, &info);

	if (!err && len > info.result_max)
		err = -EMSGSIZE;
	return err;
}

/* The answer is @data, which the library owns, or none if there is an error. */
static int set_answer(struct lead *lead, int err, char *data, size_t len)
{
	muster_free(lead->data);
	lead->error = err;
	lead->data = data;
	lead->len = len;
	return err;
}

int muster_work_set(struct muster_work *work, const void *data, size_t len)
{
	struct lead *lead = (struct lead *)work;
	int err = check_answer(lead, len);
	char *copy;

	if (err)
		return set_answer(lead, err, NULL, 0);
	copy = alloc_answer(NULL, len);
	if (!copy)
		return set_answer(lead, -ENOMEM, NULL, 0);
	if (len)
		memcpy(copy, data, len);
	return set_answer(lead, 0, copy, len);
}

int muster_work_take(struct muster_work *work, void *data, size_t len)
{
	struct lead *lead = (struct lead *)work;
	int err = check_answer(lead, len);
	char *own = NULL;

	if (!err) {
		own = alloc_answer(data, len);
		err = own ? 0 : -ENOMEM;
	}
	if (err)
		muster_free(data);
	return set_answer(lead, err, own, len);
}

void muster_work_keep(struct muster_work *work, uint64_t keep, uint64_t grace,
		      uint32_t flags)
{
	struct lead *lead = (struct lead *)work;

	lead->keep = keep;
	lead->grace = grace;
	lead->flags = flags;
}

/* ---- leading ---- */

static void lead_cleanup(void *arg)
{
	struct lead *lead = arg;
	struct muster_work *work = &lead->work;

	if (lead->leads)
		muster_flight_abandon(work->fd, work->key, work->key_len, work->token);
	muster_free(lead->data);
}

static int lead_try_finish(const struct lead *lead, int status)
{
	const struct muster_work *work = &lead->work;
	int ret = -ENOBUFS;

	if (lead->keep)
		ret = muster_flight_finish_keep(work->fd, work->key, work->key_len,
						work->token, status, lead->data, lead->len,
						lead->keep, lead->grace, lead->flags);
	/* To be kept is a wish; to be told is not. */
	if (ret == -ENOBUFS)
		ret = muster_flight_finish(work->fd, work->key, work->key_len, work->token,
					   status, lead->data, lead->len);
	return ret;
}

/* The number of followers, or an error: then the caller still leads. */
static int lead_finish(struct lead *lead, int *status)
{
	int ret = lead->error;

	/* There is always something to give to the caller. */
	if (!ret && !lead->data)
		ret = muster_work_set(&lead->work, NULL, 0);
	if (!ret)
		ret = lead_try_finish(lead, *status);
	if (ret != -EMSGSIZE)
		return ret;
	/* Nobody else would fare better, so that is what all are told. */
	ret = muster_work_set(&lead->work, NULL, 0);
	if (ret)
		return ret;
	*status = -EMSGSIZE;
	return lead_try_finish(lead, *status);
}

/* Finishes; the answer is the caller's. */
static int lead_end(struct lead *lead, int status, struct muster_result *result)
{
	int followers = lead_finish(lead, &status);

	if (followers < 0)
		return followers;
	lead->leads = false;
	*result = (struct muster_result){
		.status = status,
		.role = MUSTER_ROLE_LEADER,
		.attempt = lead->work.attempt,
		.shared = followers,
		.token = lead->work.token,
		.len = lead->len,
		.data = lead->data,
	};
	lead->data = NULL;
	return 0;
}

static int flight_lead(int fd, const struct muster_flight_join *join,
		       muster_work_fn fn, void *arg, struct muster_result *result)
{
	struct lead lead = {
		.work = {
			.fd = fd,
			.attempt = join->attempt,
			.token = join->token,
			.key = (const void *)(uintptr_t)join->key,
			.key_len = join->key_len,
		},
		.leads = true,
	};
	int err;

	pthread_cleanup_push(lead_cleanup, &lead);
	err = lead_end(&lead, fn(&lead.work, arg), result);
	pthread_cleanup_pop(1);
	return err;
}

/* ---- following ---- */

/* The answer out of @buf, or, if it is not all there, from where it waits. */
static int follow_data(int fd, const struct muster_flight_join *join, const char *buf,
		       struct muster_result *result)
{
	bool truncated = join->outcome & MUSTER_OUTCOME_TRUNCATED;
	size_t len = join->result_len;
	char *data;
	int err = 0;

	data = len == join->result_len ? alloc_answer(NULL, len) : NULL;
	if (!data)
		err = -ENOMEM;
	else if (truncated)
		err = muster_flight_fetch(fd, join->token, data, len, NULL);
	else
		memcpy(data, buf, len);
	if (err) {
		if (truncated)
			muster_flight_discard(fd, join->token);
		muster_free(data);
		return err;
	}
	result->data = data;
	result->len = len;
	return 0;
}

static int flight_follow(int fd, const struct muster_flight_join *join, const char *buf,
			 struct muster_result *result)
{
	*result = (struct muster_result){
		.status = join->status,
		.role = MUSTER_ROLE_FOLLOWER,
		.attempt = join->attempt,
		.shared = join->shared,
		.token = join->token,
		.age = join->age,
		.outcome = join->outcome & (MUSTER_OUTCOME_KEPT | MUSTER_OUTCOME_STALE),
	};
	if (join->flags & MUSTER_JOIN_NO_RESULT)
		return 0;
	return follow_data(fd, join, buf, result);
}

/* ---- both ---- */

static int flight_do(int fd, const void *key, size_t key_len, muster_work_fn fn,
		     void *arg, uint64_t deadline, uint32_t flags,
		     struct muster_result *result)
{
	struct muster_flight_join join;
	char buf[INLINE_RESULT];
	int role;

	role = muster_flight_join(fd, key, key_len, flags, deadline, buf, sizeof(buf),
				  &join);
	if (role < 0)
		return role;
	if (role == MUSTER_ROLE_LEADER)
		return flight_lead(fd, &join, fn, arg, result);
	return flight_follow(fd, &join, buf, result);
}

int muster_flight_do(int fd, const void *key, size_t key_len, muster_work_fn fn,
		     void *arg, uint64_t deadline, struct muster_result *result)
{
	uint32_t flags = result ? 0 : MUSTER_JOIN_NO_RESULT;
	struct muster_result got = { 0 };
	int err;

	/* Empty whatever happens, also if @fn throws. */
	if (result)
		memset(result, 0, sizeof(*result));
	err = flight_do(fd, key, key_len, fn, arg, deadline, flags, &got);
	if (err)
		return err;
	if (result)
		*result = got;
	else
		muster_result_free(&got);
	return 0;
}

void muster_result_free(struct muster_result *result)
{
	if (!result)
		return;
	muster_free(result->data);
	memset(result, 0, sizeof(*result));
}
