/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmuster - coordination between processes that survives crashes
 *
 *	flight		of all who ask the same question at the same time one works
 *			out the answer, and all get it: muster_flight_do()
 *	barrier		all leave when all are there: muster_barrier_await()
 *	semaphore	only so many at a time: muster_sem_acquire()
 *	group		tasks of many processes, to be waited for: muster_group_spawn()
 *	ticket		any of these waits without a thread: muster_ticket_read()
 *
 * Whatever dies, nobody waits for a dead process and no permit is lost: the kernel
 * takes back what a process held. The kernel interface below this library, with
 * all flags and limits, is described in <linux/muster.h>; rules cited as (F6),
 * (T3), ... are numbered in Documentation/semantics.rst.
 *
 * Conventions, true of every function here
 * ----------------------------------------
 * - Returns 0 or a value >= 0, else a negative errno. muster_strerror() explains
 *   it. Nothing prints, exits, or touches errno.
 * - An object is a file descriptor: an int, 0 included, close-on-exec, to be closed
 *   with close(2). It passes through fork(2) and SCM_RIGHTS. What a process holds
 *   ends when it closes its last descriptor of the object, however it ends.
 * - Any thread may call anything at any time. None of the functions is a
 *   cancellation point. None but muster_flight_do(), muster_work_set(),
 *   muster_work_take() and muster_result_free() allocates memory, so the others may
 *   be called from signal handlers and after fork(2).
 * - A deadline is absolute, in ns of CLOCK_MONOTONIC: muster_after_ms(500) is half a
 *   second from now, MUSTER_FOREVER is never. What is free is granted even if the
 *   deadline has passed (T2), but for a barrier (B3).
 * - A pointer to where results go may be NULL if the text says so. After an error what
 *   it points to is undefined, if the text does not say otherwise.
 *
 * Errors that every function with a descriptor can return: -EBADF it is not open,
 * or was closed by another thread meanwhile; -ENOTTY it is not an object of that
 * type; -ENOMEM; -EFAULT a pointer is not valid.
 *
 * Errors of those that wait: -ETIMEDOUT the deadline has passed; -EAGAIN the
 * descriptor has O_NONBLOCK, and it would have to wait; -EINTR a signal handler that
 * was installed without SA_RESTART ran. In all these cases the caller has left the
 * queue and holds nothing.
 */
#ifndef MUSTER_H
#define MUSTER_H

#include <stddef.h>
#include <stdint.h>
#include <linux/muster.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- the module, errors, deadlines ---- */

/**
 * muster_info - what the module that is loaded can do, and its limits
 * @info:	filled in; @info->type is 0
 *
 * Return: 0, or what open(2) of /dev/muster says: -ENOENT if the module is not
 * loaded (-ENODEV or -ENXIO if the node is there all the same), -EACCES.
 */
int muster_info(struct muster_info *info);

/**
 * muster_fd_info - the same, through an object
 * @fd:		any object
 * @info:	filled in; @info->type tells what @fd is: MUSTER_FLIGHT, ...
 *
 * Return: 0, or -ENOTTY if it is none of these.
 */
int muster_fd_info(int fd, struct muster_info *info);

/**
 * muster_strerror - an error of this library in words
 * @err:	as returned; the sign does not matter
 *
 * Says what an error means here ("the barrier is broken", not "broken pipe").
 *
 * Return: a static string, never NULL.
 */
const char *muster_strerror(int err);

/**
 * muster_after_ns - a deadline
 * @ns:		how far from now, in ns
 *
 * Return: the deadline; MUSTER_FOREVER if it is too far away to be counted.
 */
uint64_t muster_after_ns(uint64_t ns);

/**
 * muster_after_ms - a deadline
 * @ms:		how far from now, in ms
 *
 * Return: as muster_after_ns().
 */
uint64_t muster_after_ms(uint64_t ms);

/* ---- opening ---- */

/*
 * What the functions that open have in common:
 *
 * @name:	name of the object, 1 to MUSTER_NAME_MAX bytes, none of them a control
 *		character; one that begins with '~' is private to the caller's user.
 *		NULL: an object without a name, for the caller, its children, and whom
 *		it sends the descriptor to. Names are per type and IPC namespace.
 * @oflags:	O_CREAT, O_EXCL, O_NONBLOCK as for open(2), or 0. O_CLOEXEC is always
 *		set. Without a name O_CREAT and O_EXCL say nothing.
 * @mode:	permission bits of a new named object, less the umask (0600, 0666, ...)
 *
 * Numbers and options may be 0 on opening an object that exists: whatever it has.
 * If they are not, they must be its own (O4). An object lives as long as somebody
 * has a descriptor of it; there is nothing to unlink (O3).
 *
 * Return: a descriptor, which the caller is to close, or -ENOENT there is no such
 * object and O_CREAT was not set, or there is no /dev/muster; -EEXIST, with
 * O_CREAT | O_EXCL; -EACCES; -EINVAL a parameter is not valid, or not that of the
 * existing object; -ENAMETOOLONG; -ENOSPC the user has too many objects; -EMFILE,
 * -ENFILE.
 */

/**
 * muster_flight_open - open a flight group
 * @name:	see above
 * @oflags:	see above
 * @mode:	see above
 * @handovers:	how often work may be handed over to another process because the
 *		one that did it died, for each call; 0 for the default (F6)
 * @options:	0, or MUSTER_FLIGHT_NO_HANDOVER: never
 *
 * Return: see above.
 */
int muster_flight_open(const char *name, int oflags, unsigned int mode,
		       uint32_t handovers, uint32_t options);

/**
 * muster_barrier_open - open a barrier
 * @name:	see above
 * @oflags:	see above
 * @mode:	see above
 * @parties:	how many it takes, 1 to 2^31-1
 * @options:	0, or MUSTER_BARRIER_ACTION: each time, one of them runs an action
 *		before all leave: see muster_barrier_run() (B2)
 *
 * Return: see above.
 */
int muster_barrier_open(const char *name, int oflags, unsigned int mode,
			uint32_t parties, uint32_t options);

/**
 * muster_sem_open - open a semaphore
 * @name:	see above
 * @oflags:	see above
 * @mode:	see above
 * @limit:	how many permits there are, 1 to 2^63-1
 *
 * Permits belong to the process that acquired them, and come back if it dies.
 *
 * Return: see above.
 */
int muster_sem_open(const char *name, int oflags, unsigned int mode, uint64_t limit);

/**
 * muster_sem_open_signalling - open a signalling semaphore (S3)
 * @name:	see above
 * @oflags:	see above
 * @mode:	see above
 * @limit:	the most permits that there may be, 1 to 2^63-1
 * @initial:	how many there are at first, 0 to @limit
 *
 * As between producer and consumer: anyone may release permits, they belong to
 * nobody, and none comes back when a process dies.
 *
 * Return: see above.
 */
int muster_sem_open_signalling(const char *name, int oflags, unsigned int mode,
			       uint64_t limit, uint64_t initial);

/**
 * muster_open - open an object by all that the kernel interface has
 * @how:	see <linux/muster.h>. @size and O_CLOEXEC are filled in; @created is
 *		set on success.
 *
 * Return: see above.
 */
int muster_open(struct muster_open *how);

/* ---- semaphore: only so many at a time ---- */

/**
 * struct muster_grant - what one is told with permits
 * @token:	fencing token: grows with every grant of the semaphore, so that who
 *		is late can be told from who is not (W4)
 * @abandoned:	1 if, since the last release, a process ended without releasing what
 *		it held: what the semaphore protects may be in disorder. Else 0.
 * @reserved:	0
 */
struct muster_grant {
	uint64_t token;
	uint32_t abandoned;
	uint32_t reserved;
};

/**
 * muster_sem_acquire - take permits, wait for them if need be
 * @fd:		the semaphore
 * @permits:	how many, all or nothing, 0 to 2^63-1
 * @deadline:	how long to wait
 *
 * First come, first served: a large request is never overtaken (S1).
 *
 * Return: 0; -ERANGE it has not so many (S2); -EINVAL more than 2^63-1; or an error
 * of those that wait.
 */
int muster_sem_acquire(int fd, uint64_t permits, uint64_t deadline);

/**
 * muster_sem_try_acquire - take permits if they are there
 * @fd:		the semaphore
 * @permits:	how many, all or nothing, 0 to 2^63-1
 *
 * Return: 0; -EAGAIN they are not, or somebody was first; -ERANGE, -EINVAL.
 */
int muster_sem_try_acquire(int fd, uint64_t permits);

/**
 * muster_sem_acquire_grant - muster_sem_acquire() with everything
 * @fd:		the semaphore
 * @permits:	how many, all or nothing, 0 to 2^63-1
 * @flags:	0 or MUSTER_WAIT_NONBLOCK, MUSTER_WAIT_REALTIME (@deadline is of
 *		CLOCK_REALTIME), MUSTER_SEM_WAIT_LIMIT (wait for a larger limit,
 *		rather than -ERANGE)
 * @deadline:	how long to wait
 * @grant:	filled in, or NULL
 *
 * Return: as muster_sem_acquire(); -EINVAL an unknown flag.
 */
int muster_sem_acquire_grant(int fd, uint64_t permits, uint32_t flags,
			     uint64_t deadline, struct muster_grant *grant);

/**
 * muster_sem_release - give permits back
 * @fd:		the semaphore
 * @permits:	how many, 0 to 2^63-1
 *
 * Any thread of the process may do it, through this descriptor or a duplicate.
 *
 * Return: 0; -EPERM the process has not acquired so many (S3); -EOVERFLOW
 * signalling: there would be more than the limit; -EINVAL. An error changes nothing.
 */
int muster_sem_release(int fd, uint64_t permits);

/**
 * muster_sem_set_limit - change how many permits there are (S4)
 * @fd:		the semaphore
 * @limit:	how many, 0 to 2^63-1
 * @old_limit:	set to how many there were, or NULL
 *
 * Nothing is taken away from those who have permits.
 *
 * Return: 0; -EINVAL more than 2^63-1.
 */
int muster_sem_set_limit(int fd, uint64_t limit, uint64_t *old_limit);

/**
 * muster_sem_stat - look at a semaphore (S6)
 * @fd:		the semaphore
 * @stat:	filled in; @stat->nr_processes tells how many processes there are
 * @processes:	room for @nr processes, holders first; NULL if @nr is 0
 * @nr:		how many there is room for; MUSTER_PROCESSES_MAX are listed at most
 *
 * Return: how many of @processes were filled in.
 */
int muster_sem_stat(int fd, struct muster_sem_stat *stat,
		    struct muster_process *processes, uint32_t nr);

/* ---- barrier: all leave when all are there ---- */

/**
 * struct muster_arrival - what one is told on leaving a barrier
 * @generation:	the same for all who leave together; grows by 1 each time
 * @token:	fencing token of this generation (W4)
 * @index:	the order of arrival: parties-1 the first, 0 the last (B1)
 * @status:	with -EPIPE: what the action said, else 0
 * @broken_by:	with -EPIPE: MUSTER_BROKEN_*, else 0
 * @arrived:	with -EPIPE: how many had arrived when it broke
 * @parties:	with -EPIPE: how many it takes
 * @reserved:	0
 */
struct muster_arrival {
	uint64_t generation;
	uint64_t token;
	uint32_t index;
	int32_t status;
	uint32_t broken_by;
	uint32_t arrived;
	uint32_t parties;
	uint32_t reserved;
};

/**
 * muster_barrier_await - arrive, and wait until all are there
 * @fd:		the barrier
 * @deadline:	how long to wait for the others. If it passes the barrier breaks. If
 *		it has passed already: -ETIMEDOUT, and nothing happens.
 * @arrival:	filled in, also with -EPIPE; NULL where one has no action to run
 *
 * Return: 0 all were there; 1 all are there and wait for the caller to run the
 * action and call muster_barrier_complete() with @arrival->token (B2) - if @arrival
 * is NULL there is taken to be nothing to do, and that is done for the caller, as
 * by muster_barrier_run(); -EPIPE the barrier is broken, or broke or was reset
 * meanwhile (B3, B5); or an error of those that wait.
 */
int muster_barrier_await(int fd, uint64_t deadline, struct muster_arrival *arrival);

/**
 * muster_barrier_complete - the action is over (B2)
 * @fd:		the barrier
 * @token:	as muster_barrier_await() gave it
 * @status:	0: all leave; else the barrier breaks and everyone is told it
 *
 * Return: 0; -EPERM the process runs no such action; -EPIPE the barrier was broken or
 * reset meanwhile, nobody was released.
 */
int muster_barrier_complete(int fd, uint64_t token, int status);

/**
 * muster_action_fn - an action
 * @arg:	as given to muster_barrier_run()
 * @arrival:	of the caller, whose @index is 0
 *
 * Return: 0, or a status that breaks the barrier and that everyone is told.
 */
typedef int (*muster_action_fn)(void *arg, const struct muster_arrival *arrival);

/**
 * muster_barrier_run - await, and run the action if it is for the caller to do
 * @fd:		a barrier with MUSTER_BARRIER_ACTION (others never run @action)
 * @deadline:	how long to wait for the others
 * @action:	run by the last one to arrive, before all leave; NULL does nothing
 * @arg:	for @action
 * @arrival:	filled in, also with -EPIPE; or NULL
 *
 * If @action ends its thread (pthread_exit(3), pthread_cancel(3)) or throws a C++
 * exception, the barrier breaks with the status -ECANCELED. It must not longjmp(3)
 * out: then all wait until the process calls muster_barrier_complete(), or ends.
 *
 * Return: 0 all were there and the action said 0; -EPIPE as of
 * muster_barrier_await(), also for the one whose action said something else; or an
 * error of those that wait.
 */
int muster_barrier_run(int fd, uint64_t deadline, muster_action_fn action, void *arg,
		       struct muster_arrival *arrival);

/**
 * muster_barrier_reset - begin anew (B5)
 * @fd:		the barrier
 *
 * Those who wait get -EPIPE, those who come later find it healthy.
 *
 * Return: 0.
 */
int muster_barrier_reset(int fd);

/**
 * muster_barrier_stat - look at a barrier (B7)
 * @fd:		the barrier
 * @stat:	filled in; @stat->nr_processes tells how many processes there are
 * @processes:	room for @nr processes, those that wait in order; NULL if
 *		@nr is 0
 * @nr:		how many there is room for; MUSTER_PROCESSES_MAX are listed at most
 *
 * Return: how many of @processes were filled in.
 */
int muster_barrier_stat(int fd, struct muster_barrier_stat *stat,
			struct muster_process *processes, uint32_t nr);

/* ---- group: tasks of many processes, to be waited for ---- */

/**
 * muster_group_open - open a group
 * @name:	see above
 * @oflags:	see above
 * @mode:	see above
 * @limit:	how many tasks may run at once, to 2^31-1; 0: any number
 * @options:	0, or MUSTER_GROUP_KEEP_GOING: a failure does not cancel the group (G3)
 *
 * Return: see above.
 */
int muster_group_open(const char *name, int oflags, unsigned int mode, uint32_t limit,
		      uint32_t options);

/**
 * muster_task_fn - a task
 * @fd:		the group
 * @slot:	the task's number
 * @arg:	as given to muster_group_spawn()
 *
 * Runs in a process of its own. It may call muster_group_done() with a result; if it
 * does not, that is done for it.
 *
 * Return: 0, or another status if it failed.
 */
typedef int (*muster_task_fn)(int fd, uint64_t slot, void *arg);

/**
 * muster_group_spawn - run a task in a process of its own
 * @fd:		the group
 * @fn:		the task
 * @arg:	for @fn
 * @deadline:	how long to wait for its turn, where the group has a limit
 * @slot:	set to the task's number, or NULL
 *
 * As fork(2): the child has copies of everything, and only the calling thread. The
 * caller is to wait for it with waitpid(2), some time. A child that dies is a task that
 * failed (G2). It ends with _exit(2): 0, or 1 if @fn did not return 0.
 *
 * Return: the process ID; -ECANCELED the group is cancelled (G3); -ENOSPC; what fork(2)
 * or pipe(2) say; or an error of those that wait.
 */
int muster_group_spawn(int fd, muster_task_fn fn, void *arg, uint64_t deadline,
		       uint64_t *slot);

/**
 * muster_group_add - there are more tasks (G1)
 * @fd:		the group
 * @slots:	how many, 1 to MUSTER_GROUP_ADD_MAX
 * @flags:	0 or MUSTER_WAIT_NONBLOCK, MUSTER_WAIT_REALTIME
 * @deadline:	how long to wait where the group has a limit
 * @first:	set to the number of the first; the others follow it
 *
 * They are the calling process's, until another claims them.
 *
 * Return: 0; -ERANGE more than may ever run at once; -ECANCELED the group is cancelled;
 * -ENOSPC; -EINVAL; or an error of those that wait.
 */
int muster_group_add(int fd, uint32_t slots, uint32_t flags, uint64_t deadline,
		     uint64_t *first);

/**
 * muster_group_claim - a task is the calling process's from now on (G2)
 * @fd:		the group
 * @slot:	its number
 *
 * Return: 0; -ENOENT there is none; -EALREADY it is done.
 */
int muster_group_claim(int fd, uint64_t slot);

/**
 * muster_group_done - a task is done
 * @fd:		the group
 * @slot:	its number, or MUSTER_SLOT_ANY: the oldest of the process
 * @status:	0 is success, anything else a failure
 * @data:	its result, or NULL if @len is 0
 * @len:	how many bytes
 *
 * Return: 0; -EPERM the process has no such task; -EMSGSIZE, -ENOBUFS the result is
 * too long, or too much is kept: the task is not done.
 */
int muster_group_done(int fd, uint64_t slot, int status, const void *data, size_t len);

/**
 * muster_group_wait - wait for tasks (G1, G4)
 * @fd:		the group
 * @until:	MUSTER_UNTIL_ALL, MUSTER_UNTIL_SUCCESSES, MUSTER_UNTIL_FAILURE
 * @successes:	how many, with MUSTER_UNTIL_SUCCESSES; else 0
 * @deadline:	how long to wait
 * @wait:	filled in: status of the first failure, counts; or NULL
 *
 * Return: 1 what was waited for came true; 0 no task was left to make it true; or an
 * error of those that wait.
 */
int muster_group_wait(int fd, uint32_t until, uint32_t successes, uint64_t deadline,
		      struct muster_group_wait *wait);

/**
 * muster_group_result - how a task ended (G4)
 * @fd:		the group
 * @slot:	its number; the next is taken if there is none of that number, so that
 *		0, and then each time @result->slot + 1, lists all in order
 * @buf:	room for its result, or NULL if @len is 0
 * @len:	how much
 * @result:	filled in; see <linux/muster.h>
 *
 * Return: how many bytes are in @buf; -ENOENT there is no further task.
 */
int muster_group_result(int fd, uint64_t slot, void *buf, size_t len,
			struct muster_group_result *result);

/**
 * muster_group_cancel - nothing more is to be added (G3)
 * @fd:		the group
 *
 * Return: 0.
 */
int muster_group_cancel(int fd);

/**
 * muster_group_reset - begin anew
 * @fd:		the group
 *
 * Return: 0; -EBUSY tasks are not done.
 */
int muster_group_reset(int fd);

/**
 * muster_group_stat - look at a group
 * @fd:		the group
 * @stat:	filled in
 * @processes:	room for @nr processes that have tasks; NULL if @nr is 0
 * @nr:		how many there is room for
 *
 * Return: how many of @processes were filled in.
 */
int muster_group_stat(int fd, struct muster_group_stat *stat,
		      struct muster_process *processes, uint32_t nr);

/* ---- tickets: any wait without a thread (T5) ---- */

/*
 * What the functions that end in _async have in common: they return at once, with a
 * ticket. That is a descriptor which poll(2), epoll(7) and io_uring see as readable when
 * the wait has ended; muster_ticket_read() tells how. What was granted is held through
 * the ticket: release, finish, complete with the ticket as @fd. To close it gives back
 * what it has been granted and is not given back yet; to close it before leaves the queue.
 *
 * Return: the ticket, which the caller is to close; what the function without _async
 * returns if that can be said at once; -EMFILE, -ENFILE.
 */
int muster_flight_join_async(int fd, const void *key, size_t key_len, uint32_t flags,
			     uint64_t deadline);
int muster_barrier_await_async(int fd, uint64_t deadline);
int muster_sem_acquire_async(int fd, uint64_t permits, uint32_t flags, uint64_t deadline);
int muster_group_add_async(int fd, uint32_t slots, uint64_t deadline);
int muster_group_wait_async(int fd, uint32_t until, uint32_t successes, uint64_t deadline);

/**
 * muster_ticket_read - how a wait ended
 * @ticket:	the ticket
 * @verdict:	filled in. @verdict->error is 0, or what the function without _async
 *		would have returned.
 * @buf:	room for a flight's result, or NULL if @len is 0
 * @len:	how much
 *
 * Waits for the end, unless the ticket has O_NONBLOCK. It can be read again.
 *
 * Return: how many bytes are in @buf; @verdict->result_len tells how many there are.
 * -EAGAIN it has not ended yet; -EINTR; -EINVAL it is no ticket.
 */
int muster_ticket_read(int ticket, struct muster_verdict *verdict, void *buf, size_t len);

/* ---- flight: of all who ask at the same time one does the work ---- */

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
 * @flags:	0 or MUSTER_WAIT_*, MUSTER_JOIN_*
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

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* MUSTER_H */
