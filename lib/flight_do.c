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
 *
 * An answer may be a file (F3). One of bytes becomes one if it is longer than what
 * the module takes otherwise. Who has not asked for a descriptor gets the bytes of it.
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
 * @kept:	set to 0 or to why the answer is not kept, or NULL
 * @len:	length of the answer
 * @data:	the answer and a 0 byte, or NULL
 * @file:	the answer if it is a file, or -1
 */
struct lead {
	struct muster_work work;
	bool leads;
	int error;
	uint64_t keep;
	uint64_t grace;
	uint32_t flags;
	int *kept;
	size_t len;
	char *data;
	int file;
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

static void drop_answer(struct lead *lead)
{
	muster_free(lead->data);
	lead->data = NULL;
	lead->len = 0;
	if (lead->file >= 0)
		muster_close(lead->file);
	lead->file = -1;
}

/* The answer is @data, which the library owns, or none if it is NULL. */
static int set_answer(struct lead *lead, char *data, size_t len)
{
	drop_answer(lead);
	lead->error = data ? 0 : -ENOMEM;
	lead->data = data;
	lead->len = len;
	return lead->error;
}

int muster_work_set(struct muster_work *work, const void *data, size_t len)
{
	char *copy = alloc_answer(NULL, len);

	if (copy && len)
		memcpy(copy, data, len);
	return set_answer((struct lead *)work, copy, len);
}

int muster_work_take(struct muster_work *work, void *data, size_t len)
{
	char *own = alloc_answer(data, len);

	if (!own)
		muster_free(data);
	return set_answer((struct lead *)work, own, len);
}

/* The answer is @file, which the library owns, or none if there is an error. */
static int set_file(struct lead *lead, int err, int file)
{
	drop_answer(lead);
	lead->error = err;
	if (!err)
		lead->file = file;
	else if (file >= 0)
		muster_close(file);
	return err;
}

int muster_work_set_fd(struct muster_work *work, int file)
{
	int own = muster_file_dup(file);

	return set_file((struct lead *)work, own < 0 ? own : muster_file_check(own), own);
}

int muster_work_take_fd(struct muster_work *work, int file)
{
	int err = muster_file_check(file);

	if (!err)
		muster_file_own(file);
	return set_file((struct lead *)work, err, file);
}

void muster_work_keep(struct muster_work *work, uint64_t keep, uint64_t grace,
		      uint32_t flags)
{
	struct lead *lead = (struct lead *)work;

	lead->keep = keep;
	lead->grace = grace;
	lead->flags = flags;
}

int muster_work_followers(const struct muster_work *work)
{
	return muster_flight_followers(work->fd, work->key, work->key_len, work->token);
}

/* Keeps the answer for ever; @kept is told if that could not be done. */
void muster_work_must_keep(struct muster_work *work, uint32_t flags, int *kept)
{
	muster_work_keep(work, MUSTER_FOREVER, 0, flags);
	((struct lead *)work)->kept = kept;
}

/* ---- leading ---- */

static void lead_cleanup(void *arg)
{
	struct lead *lead = arg;
	struct muster_work *work = &lead->work;

	if (lead->leads)
		muster_flight_abandon(work->fd, work->key, work->key_len, work->token);
	drop_answer(lead);
}

static int lead_finish_keep(const struct lead *lead, int status, uint64_t keep,
			    uint64_t grace, uint32_t flags)
{
	const struct muster_work *work = &lead->work;

	if (lead->file >= 0)
		return muster_flight_finish_fd(work->fd, work->key, work->key_len,
					       work->token, status, lead->file, keep,
					       grace, flags);
	return muster_flight_finish_keep(work->fd, work->key, work->key_len, work->token,
					 status, lead->data, lead->len, keep, grace, flags);
}

static int lead_try_finish(const struct lead *lead, int status)
{
	int ret = -ENOBUFS;

	if (lead->keep)
		ret = lead_finish_keep(lead, status, lead->keep, lead->grace, lead->flags);
	if (lead->kept)
		*lead->kept = ret == -ENOBUFS ? ret : 0;
	/* To be kept is a wish; to be told is not. */
	if (ret == -ENOBUFS)
		ret = lead_finish_keep(lead, status, 0, 0, 0);
	return ret;
}

/* The number of followers, or an error: then the caller still leads. */
static int lead_finish(struct lead *lead, int status)
{
	int ret = lead->error ? lead->error : lead_try_finish(lead, status);

	if (ret != -EMSGSIZE)
		return ret;
	/* A file may be of any length. */
	ret = muster_file_make(lead->data, lead->len);
	if (ret < 0)
		return ret;
	lead->file = ret;
	return lead_try_finish(lead, status);
}

/* The caller has asked for a descriptor. */
static int lead_give_file(struct lead *lead, struct muster_result *result)
{
	int64_t len = muster_file_len(lead->file);

	if (len < 0)
		return len;
	muster_file_rewind(lead->file);
	result->outcome = MUSTER_OUTCOME_FD;
	result->fd = lead->file;
	result->len = len;
	lead->file = -1;
	return 0;
}

/* The bytes of the file are to be in memory. */
static int lead_read_file(struct lead *lead)
{
	int64_t len = muster_file_len(lead->file);
	char *data;
	int err;

	if (len < 0)
		return len;
	data = (uint64_t)len < SIZE_MAX ? alloc_answer(NULL, len) : NULL;
	if (!data)
		return -ENOMEM;
	err = muster_file_read(lead->file, data, len);
	if (err) {
		muster_free(data);
		return err;
	}
	lead->data = data;
	lead->len = len;
	return 0;
}

/* The answer is the caller's, in the way that it has asked for. */
static int lead_give(struct lead *lead, uint32_t flags, struct muster_result *result)
{
	int err = 0;

	if (flags & MUSTER_JOIN_NO_RESULT)
		return 0;
	if (lead->file >= 0 && flags & MUSTER_JOIN_FD)
		return lead_give_file(lead, result);
	if (!lead->data && lead->file >= 0)
		err = lead_read_file(lead);
	else if (!lead->data)
		err = muster_work_set(&lead->work, NULL, 0);
	if (err)
		return err;
	result->data = lead->data;
	result->len = lead->len;
	lead->data = NULL;
	return 0;
}

static int lead_end(struct lead *lead, int status, uint32_t flags,
		    struct muster_result *result)
{
	int followers = lead_finish(lead, status);

	if (followers < 0)
		return followers;
	lead->leads = false;
	*result = (struct muster_result){
		.status = status,
		.role = MUSTER_ROLE_LEADER,
		.attempt = lead->work.attempt,
		.shared = followers,
		.token = lead->work.token,
		.fd = -1,
	};
	return lead_give(lead, flags, result);
}

static int flight_lead(int fd, const struct muster_flight_join *join,
		       const struct muster_question *question,
		       struct muster_result *result)
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
		.file = -1,
	};
	int err;

	pthread_cleanup_push(lead_cleanup, &lead);
	err = lead_end(&lead, question->fn(&lead.work, question->arg), join->flags, result);
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
		.outcome = join->outcome & (MUSTER_OUTCOME_KEPT | MUSTER_OUTCOME_STALE |
					    MUSTER_OUTCOME_FD),
		.fd = join->fd,
	};
	if (join->flags & MUSTER_JOIN_NO_RESULT)
		return 0;
	if (join->outcome & MUSTER_OUTCOME_FD) {
		result->len = join->result_len;
		return 0;
	}
	return follow_data(fd, join, buf, result);
}

/* ---- both ---- */

static int flight_ask(int fd, const void *key, size_t key_len,
		      const struct muster_question *question, uint32_t flags,
		      struct muster_result *result)
{
	struct muster_flight_join join;
	char buf[INLINE_RESULT];
	int role;

	role = muster_flight_join_until(fd, key, key_len, flags, question->deadline,
					question->forget_after, buf, sizeof(buf), &join);
	if (role < 0)
		return role;
	if (role == MUSTER_ROLE_LEADER)
		return flight_lead(fd, &join, question, result);
	return flight_follow(fd, &join, buf, result);
}

static bool question_ok(const struct muster_question *question)
{
	return !question->reserved[0] && !question->reserved[1] && !question->reserved[2] &&
	       (question->fn || question->flags & MUSTER_JOIN_NO_LEAD);
}

int muster_flight_ask(int fd, const void *key, size_t key_len,
		      const struct muster_question *question,
		      struct muster_result *result)
{
	static const struct muster_result empty = { .fd = -1 };
	struct muster_result got = empty;
	uint32_t flags = question->flags;
	int err = -EINVAL;

	if (!result)
		flags |= MUSTER_JOIN_NO_RESULT;
	/* Empty whatever happens, also if the function throws. */
	else
		*result = empty;
	if (question_ok(question))
		err = flight_ask(fd, key, key_len, question, flags, &got);
	if (!err && result)
		*result = got;
	return err;
}

int muster_flight_do(int fd, const void *key, size_t key_len, muster_work_fn fn,
		     void *arg, uint64_t deadline, struct muster_result *result)
{
	struct muster_question question = { .fn = fn, .arg = arg, .deadline = deadline };

	return muster_flight_ask(fd, key, key_len, &question, result);
}

void muster_result_free(struct muster_result *result)
{
	if (!result)
		return;
	muster_free(result->data);
	/* One that is all 0 has none. */
	if (result->outcome & MUSTER_OUTCOME_FD && result->fd >= 0)
		muster_close(result->fd);
	memset(result, 0, sizeof(*result));
	result->fd = -1;
}
