/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The flight: of all who ask at the same time one does the work (F1 to F12)
 */
#ifndef MUSTER_FLIGHT_H
#define MUSTER_FLIGHT_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_flight_open - open a flight group
 * @name:	see <muster/open.h>
 * @oflags:	see <muster/open.h>
 * @mode:	see <muster/open.h>
 * @handovers:	how often work may be handed over to another process because the
 *		one that did it died, for each call; 0 for the default (F6)
 * @options:	0, or MUSTER_FLIGHT_NO_HANDOVER: never
 *
 * Return: see <muster/open.h>.
 */
int muster_flight_open(const char *name, int oflags, unsigned int mode,
		       uint32_t handovers, uint32_t options);

/**
 * struct muster_work - the work that a caller of muster_flight_do() is to do
 * @fd:		the flight group
 * @attempt:	1, and 1 more each time that somebody died over it (F6)
 * @token:	fencing token: who writes somewhere else can have it refused there, if
 *		a later attempt has already written (W4)
 * @key:	what is asked for
 * @key_len:	its length in bytes
 *
 * Made and owned by the library; more fields may come at its end.
 */
struct muster_work {
	int fd;
	uint32_t attempt;
	uint64_t token;
	const void *key;
	size_t key_len;
};

/**
 * muster_work_fn - does the work
 * @work:	what is to be done, and where the answer goes
 * @arg:	as given to muster_flight_do()
 *
 * Hands its answer to muster_work_set() or muster_work_take(), or leaves it empty.
 * To give the work up, so that one of those who wait tries, it calls
 * muster_flight_abandon() and returns: muster_flight_do() then returns -EPERM.
 *
 * Return: a status, any number, that all who asked are told.
 */
typedef int (*muster_work_fn)(struct muster_work *work, void *arg);

/**
 * muster_work_set - the answer
 * @work:	as given to the function
 * @data:	its bytes, which are copied; may be NULL if @len is 0
 * @len:	how many
 *
 * The last answer set counts. If the last one could not be set, the function's own
 * status does not count: with -EMSGSIZE all who asked are told this as the status,
 * and no bytes, for nobody would fare better; with any other error
 * muster_flight_do() returns it, and the next of those who wait does the work.
 *
 * Return: 0; -EMSGSIZE it is longer than struct muster_info.result_max; -ENOMEM.
 */
int muster_work_set(struct muster_work *work, const void *data, size_t len);

/**
 * muster_work_take - the answer, in memory that is given away
 * @work:	as given to the function
 * @data:	its bytes, from malloc(3); it belongs to the library from now on, also if
 *		this fails. May be NULL if @len is 0.
 * @len:	how many
 *
 * Return: as muster_work_set().
 */
int muster_work_take(struct muster_work *work, void *data, size_t len);

/**
 * muster_work_keep - keep the answer (F8)
 * @work:	as given to the function
 * @keep:	for how many ns whoever asks gets it at once; MUSTER_FOREVER as long as
 *		somebody has the group open, which makes it a "once"
 * @grace:	for how many ns after that one who asks works out a new one while the others
 *		get the old one, marked as stale
 * @flags:	0, or MUSTER_FINISH_KEEP_FAILURE: though the status is not 0
 *
 * What is more than may be kept is not kept.
 */
void muster_work_keep(struct muster_work *work, uint64_t keep, uint64_t grace,
		      uint32_t flags);

/**
 * struct muster_result - what all who asked are told
 * @status:	what the function returned
 * @role:	MUSTER_ROLE_LEADER: the caller did the work. MUSTER_ROLE_FOLLOWER:
 *		somebody else did.
 * @attempt:	which attempt it was: 1, and 1 more for each hand-over (F6)
 * @shared:	how many got the answer without doing the work, the same number for
 *		all who asked; 0: nobody else asked
 * @token:	the fencing token of that attempt (W4)
 * @age:	ns since it was worked out, if it was kept (F8); else 0
 * @outcome:	MUSTER_OUTCOME_KEPT, MUSTER_OUTCOME_STALE
 * @len:	length of @data
 * @data:	the answer, and a 0 byte behind it that does not count; the caller's,
 *		to be freed by muster_result_free()
 */
struct muster_result {
	int32_t status;
	uint32_t role;
	uint32_t attempt;
	uint32_t shared;
	uint64_t token;
	uint64_t age;
	uint32_t outcome;
	size_t len;
	char *data;
};

/**
 * muster_flight_do - get an answer: work it out, or have it from who does
 * @fd:		the flight group
 * @key:	what is asked for: any bytes, which must not change meanwhile
 * @key_len:	how many, 1 to MUSTER_KEY_MAX
 * @fn:		does the work, in this thread, unless somebody is doing it already
 * @arg:	for @fn
 * @deadline:	how long to wait for who does it. It does not end @fn.
 * @result:	filled in, or NULL: then only that it was done is of interest, not how.
 *		On failure it is made empty, so that muster_result_free() does no harm.
 *
 * Of all threads and processes that ask for @key at the same time one runs @fn; the
 * others wait for it and get the same status and bytes, of any length. If the one
 * dies meanwhile, the one that has waited longest runs its own @fn (F6). If @fn ends
 * its thread (pthread_exit(3), pthread_cancel(3)) or throws a C++ exception, it is
 * as if it had died. It must not longjmp(3) out: then the others wait until the
 * process calls muster_flight_abandon() with the token, or ends.
 *
 * What it calls an error is only that the caller got no answer. That the work failed
 * is an answer, and is what @result->status is for.
 *
 * Return: 0; -EINVAL the key's length; -EDEADLK the calling thread is in @fn for the
 * same key (F11); -EOWNERDEAD too many have died over it, or there is no hand-over
 * (F6); -ENOSPC, -ENOBUFS the user's limits are reached; -EPERM @fn abandoned it; or
 * an error of those that wait. After an error in handing in the answer, such as
 * -ENOMEM, another does the work for those who wait.
 */
int muster_flight_do(int fd, const void *key, size_t key_len, muster_work_fn fn,
		     void *arg, uint64_t deadline, struct muster_result *result);

/**
 * muster_result_free - free what a result has
 * @result:	the result; it is empty afterwards. NULL does nothing.
 */
void muster_result_free(struct muster_result *result);

/**
 * muster_flight_join - lead or follow a call
 * @fd:		the flight group
 * @key:	any bytes
 * @key_len:	how many, 1 to MUSTER_KEY_MAX
 * @flags:	0 or MUSTER_WAIT_NONBLOCK, MUSTER_WAIT_REALTIME, MUSTER_JOIN_*
 * @deadline:	how long to follow. A leader does not wait.
 * @buf:	room for the result, or NULL if @buf_len is 0
 * @buf_len:	how much, in bytes
 * @join:	filled in; see <linux/muster.h>
 *
 * A leader must call muster_flight_finish() or muster_flight_abandon(). A follower
 * with MUSTER_OUTCOME_TRUNCATED in @join->outcome should call muster_flight_fetch()
 * or muster_flight_discard().
 *
 * Return: MUSTER_ROLE_LEADER or MUSTER_ROLE_FOLLOWER; -EBUSY, -ENOENT by flag (F9);
 * -EINVAL, -EDEADLK, -EOWNERDEAD, -ENOSPC, -ENOBUFS as muster_flight_do(); or an
 * error of those that wait.
 */
int muster_flight_join(int fd, const void *key, size_t key_len, uint32_t flags,
		       uint64_t deadline, void *buf, size_t buf_len,
		       struct muster_flight_join *join);

/**
 * muster_flight_finish - the work is done
 * @fd:		the flight group
 * @key:	that was joined
 * @key_len:	its length
 * @token:	as muster_flight_join() gave it
 * @status:	for all who follow
 * @data:	the result for all who follow, or NULL if @len is 0
 * @len:	its length in bytes
 *
 * Return: how many followers got it; -EPERM the process does not lead such a call;
 * -EMSGSIZE @len is more than struct muster_info.result_max. An error leaves the
 * caller leading.
 */
int muster_flight_finish(int fd, const void *key, size_t key_len, uint64_t token,
			 int status, const void *data, size_t len);

/**
 * muster_flight_finish_keep - the work is done, and its result is kept (F8)
 * @fd:		the flight group
 * @key:	that was joined
 * @key_len:	its length
 * @token:	as muster_flight_join() gave it
 * @status:	for all who follow
 * @data:	the result, or NULL if @len is 0
 * @len:	its length in bytes
 * @keep:	ns, as muster_work_keep()
 * @grace:	ns, as muster_work_keep()
 * @flags:	as muster_work_keep()
 *
 * Return: as muster_flight_finish(); -ENOBUFS it is more than may be kept.
 */
int muster_flight_finish_keep(int fd, const void *key, size_t key_len, uint64_t token,
			      int status, const void *data, size_t len, uint64_t keep,
			      uint64_t grace, uint32_t flags);

/**
 * muster_flight_abandon - stop leading, as if the process had died (F6)
 * @fd:		the flight group
 * @key:	that was joined
 * @key_len:	its length
 * @token:	as muster_flight_join() gave it
 *
 * Return: 1 a follower leads now; 0 there was none; -EPERM as muster_flight_finish().
 */
int muster_flight_abandon(int fd, const void *key, size_t key_len, uint64_t token);

/**
 * muster_flight_forget - let later joins start a new call (F4)
 * @fd:		the flight group
 * @key:	any bytes
 * @key_len:	how many, 1 to MUSTER_KEY_MAX
 * @token:	0, or that of the call to forget, so that a newer one is left alone
 *
 * Those who wait already still get the result of the old one.
 *
 * Return: 1; 0 there was none to forget; -EINVAL the key's length.
 */
int muster_flight_forget(int fd, const void *key, size_t key_len, uint64_t token);

/**
 * muster_flight_fetch - get a result that did not fit (F3)
 * @fd:		the flight group
 * @token:	as the truncated muster_flight_join() gave it
 * @buf:	room for the result
 * @buf_len:	how much, in bytes
 * @result_len:	set to the size of the result, also with -EMSGSIZE; or NULL
 *
 * What was fetched is gone.
 *
 * Return: 0; -ENOENT the process has no such result; -EMSGSIZE @buf_len is too short,
 * the result is still there.
 */
int muster_flight_fetch(int fd, uint64_t token, void *buf, size_t buf_len,
			size_t *result_len);

/**
 * muster_flight_discard - drop a result that did not fit
 * @fd:		the flight group
 * @token:	as the truncated muster_flight_join() gave it
 *
 * Return: 0; -ENOENT the process has no such result.
 */
int muster_flight_discard(int fd, uint64_t token);

/**
 * muster_flight_stat - look at a flight group
 * @fd:		the flight group
 * @stat:	filled in
 *
 * Return: 0.
 */
int muster_flight_stat(int fd, struct muster_flight_stat *stat);

MUSTER_END_DECLS

#endif /* MUSTER_FLIGHT_H */
