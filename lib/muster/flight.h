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
 * @token:	fencing token: whoever writes somewhere else can have it refused there, if
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
 * Hands its answer to muster_work_set(), muster_work_take(), muster_work_set_fd() or
 * muster_work_take_fd(), or leaves it empty.
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
 * Any length will do: what is longer than struct muster_info.result_max is handed in as
 * a file in memory, which nobody notices but those who have asked for a descriptor.
 *
 * The last answer set counts. If the last one could not be set, or not be handed in, the
 * function's own status does not count: muster_flight_do() returns the error, and the
 * next of those who wait does the work.
 *
 * Return: 0; -ENOMEM.
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
 * muster_work_set_fd - the answer is a file (F3)
 * @work:	as given to the function
 * @file:	a descriptor of it: a regular file that is open for reading. A file
 *		without a name, as memfd_create(2) makes it, must be sealed against
 *		writing, growing and shrinking. It remains the caller's.
 *
 * Whoever asks for a descriptor gets one; no byte is copied. All others get the bytes.
 *
 * Return: 0; -EBADF it is not open for reading; -EINVAL it is not a regular file;
 * -EMFILE. What else is wrong with it shows when it is handed in: see muster_work_set().
 */
int muster_work_set_fd(struct muster_work *work, int file);

/**
 * muster_work_take_fd - the answer is a file that is given away (F3)
 * @work:	as given to the function
 * @file:	as muster_work_set_fd(), but it belongs to the library from now on, also if
 *		this fails. It is sealed if need be, for which it must have been made with
 *		MFD_ALLOW_SEALING and must not be mapped for writing any more.
 *
 * Return: as muster_work_set_fd().
 */
int muster_work_take_fd(struct muster_work *work, int file);

/**
 * muster_work_followers - does anybody still want it (F10)
 * @work:	as given to the function
 *
 * Return: how many wait for the answer at this instant, besides the caller itself; -EPERM
 * the function has abandoned the work.
 */
int muster_work_followers(const struct muster_work *work);

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
 * @outcome:	MUSTER_OUTCOME_KEPT, MUSTER_OUTCOME_STALE, MUSTER_OUTCOME_FD
 * @fd:		with MUSTER_OUTCOME_FD, which one gets by MUSTER_JOIN_FD only: the answer
 *		is a file, and this is a descriptor of it, to read or to map. It belongs to
 *		the caller and is closed by muster_result_free(), unless the caller sets it
 *		to -1. Else -1.
 * @len:	length of the answer
 * @data:	the answer, and a 0 byte behind it that does not count; the caller's,
 *		to be freed by muster_result_free(). NULL if @fd is the answer.
 */
struct muster_result {
	int32_t status;
	uint32_t role;
	uint32_t attempt;
	uint32_t shared;
	uint64_t token;
	uint64_t age;
	uint32_t outcome;
	int32_t fd;
	size_t len;
	char *data;
};

/**
 * muster_flight_do - get an answer: work it out, or have it from the one that does
 * @fd:		the flight group
 * @key:	what is asked for: any bytes, which must not change meanwhile
 * @key_len:	how many, 1 to MUSTER_KEY_MAX
 * @fn:		does the work, in this thread, unless somebody is doing it already
 * @arg:	for @fn
 * @deadline:	how long to wait for the one that does it. It does not end @fn.
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
 * -ENOMEM, another does the work for those who wait; an answer that is very long can
 * also meet -ENOSPC, and -EFBIG if it is longer than the process's RLIMIT_FSIZE.
 */
int muster_flight_do(int fd, const void *key, size_t key_len, muster_work_fn fn,
		     void *arg, uint64_t deadline, struct muster_result *result);

/**
 * struct muster_question - how to ask
 * @fn:		does the work; may be NULL with MUSTER_JOIN_NO_LEAD
 * @arg:	for @fn
 * @deadline:	how long to wait for the one that does it
 * @forget_after: if the caller does the work: whoever asks so many ns from now or later does
 *		not wait for it, but begins anew (F7); 0 never
 * @flags:	0 or some of
 *		MUSTER_JOIN_FD: an answer that is a file is wanted as a descriptor (F3).
 *		One who does the work gets the descriptor that it has handed in, rewound;
 *		others one that is read-only, with an offset of its own.
 *		MUSTER_JOIN_NO_FOLLOW, MUSTER_JOIN_NO_LEAD: -EBUSY rather than wait, -ENOENT
 *		rather than work (F9).
 *		MUSTER_JOIN_FRESH: an answer that was kept will not do (F8).
 *		MUSTER_JOIN_NO_RESULT: nobody looks at the answer, only at the status.
 *		MUSTER_JOIN_MIGRATORY: no -EDEADLK (F11).
 *		MUSTER_WAIT_NONBLOCK: -EAGAIN rather than wait.
 *		MUSTER_WAIT_REALTIME: @deadline is of CLOCK_REALTIME.
 * @reserved:	0
 */
struct muster_question {
	muster_work_fn fn;
	void *arg;
	uint64_t deadline;
	uint64_t forget_after;
	uint32_t flags;
	uint32_t reserved[3];
};

/**
 * muster_flight_ask - muster_flight_do() with everything
 * @fd:		the flight group
 * @key:	what is asked for: any bytes, which must not change meanwhile
 * @key_len:	how many, 1 to MUSTER_KEY_MAX
 * @question:	how to ask
 * @result:	as of muster_flight_do()
 *
 * Return: as muster_flight_do(); by flag -EBUSY, -ENOENT, -EAGAIN; -EINVAL another flag;
 * -EMFILE no descriptor is left for an answer that is a file.
 */
int muster_flight_ask(int fd, const void *key, size_t key_len,
		      const struct muster_question *question,
		      struct muster_result *result);

/**
 * muster_result_free - free what a result has
 * @result:	the result; it is empty afterwards. One that is all 0 is empty, too. NULL
 *		does nothing.
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
 * With MUSTER_JOIN_FD a result that is a file is @join->fd, which the caller is to
 * close; then MUSTER_OUTCOME_FD is set, and nothing is in @buf. Else @join->fd is -1, also
 * after an error.
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
 * muster_flight_finish_fd - the work is done, and its result is a file (F3)
 * @fd:		the flight group
 * @key:	that was joined
 * @key_len:	its length
 * @token:	as muster_flight_join() gave it
 * @status:	for all who follow
 * @file:	as muster_work_set_fd(); it remains the caller's
 * @keep:	ns, as muster_work_keep(); 0 not at all
 * @grace:	ns, as muster_work_keep()
 * @flags:	as muster_work_keep()
 *
 * Return: as muster_flight_finish_keep(), except -EMSGSIZE: a file may be of any length;
 * -EBADF @file is not open for reading; -EINVAL it is not a regular file, or not sealed,
 * or of a file system that a process serves; what open(2) says. An error leaves the
 * caller leading.
 */
int muster_flight_finish_fd(int fd, const void *key, size_t key_len, uint64_t token,
			    int status, int file, uint64_t keep, uint64_t grace,
			    uint32_t flags);

/**
 * muster_flight_followers - does anybody still wait (F10)
 * @fd:		the flight group
 * @key:	that was joined
 * @key_len:	its length
 * @token:	as muster_flight_join() gave it
 *
 * Return: how many wait for the result at this instant; -EPERM as muster_flight_finish().
 */
int muster_flight_followers(int fd, const void *key, size_t key_len, uint64_t token);

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
 * muster_flight_fetch_fd - get a result that is a file as a descriptor (F3)
 * @fd:		the flight group, or a ticket
 * @token:	as the truncated muster_flight_join() gave it, or the ticket's verdict
 *
 * What was fetched is gone, except that of a ticket.
 *
 * Return: the descriptor, read-only, close-on-exec, with an offset of its own, which the
 * caller is to close; -ENOENT as muster_flight_fetch(); -EINVAL the result is no file;
 * -EMFILE, -ENFILE.
 */
int muster_flight_fetch_fd(int fd, uint64_t token);

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

/**
 * muster_flight_processes - who leads, and who follows
 * @fd:		the flight group
 * @key:	whose call; NULL: all who lead a call that can be joined, in no order
 * @key_len:	its length, 1 to MUSTER_KEY_MAX; 0 if @key is NULL
 * @processes:	where to put them; NULL if @nr is 0
 * @nr:		room there, in structs, of which MUSTER_PROCESSES_MAX are used at most
 *
 * Of a key first who leads it (MUSTER_PROCESS_HOLDER), then those who follow
 * (MUSTER_PROCESS_WAITER) in the order in which they would lead; nobody if there is no
 * call. @amount of a leader is how many follow.
 *
 * Return: how many were put there; -EINVAL @key_len.
 */
int muster_flight_processes(int fd, const void *key, size_t key_len,
			    struct muster_process *processes, uint32_t nr);

MUSTER_END_DECLS

#endif /* MUSTER_FLIGHT_H */
