/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kill storm: many processes use every primitive, and are killed, stopped,
 * interrupted, forked and replaced at random instants
 *
 * All of it lies in one piece of shared memory. The master (storm.c, storm_round.c)
 * makes the objects and the actors, carries out the plan of who is killed when
 * (storm_plan.c), looks on, and judges (storm_check.c, storm_gone.c). An actor
 * (storm_actor.c) is a process of one or more threads that does one random thing
 * after the other: calls of a type (storm_sem.c, ...) or what processes do
 * (storm_house.c). The numbers that all this follows come from the seed.
 *
 * A round is a storm on new objects, from their creation to their end.
 */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <sys/types.h>
#include <linux/muster.h>

#include "history.h"
#include "spec_calls.h"

/* Descriptors that every process has. */
#define STORM_MEMORY_FD	3
#define STORM_SEND_FD	4
#define STORM_RECV_FD	5
#define STORM_DEVICE_FD	6
#define STORM_OBJECT_FD	7
/* The first of those that are never given twice in a process. */
#define STORM_FIRST_FD	64

#define STORM_ACTORS	24
#define STORM_FDS	32
#define STORM_FILES	3
#define STORM_ERRANDS	24
#define STORM_LATER	8
#define STORM_KEYS	3

#define NSEC_PER_SEC	1000000000ULL

/* ---- the rules that are checked ---- */

enum storm_claim {
	CLAIM_ORDER,
	CLAIM_PERMITS,
	CLAIM_LEADER,
	CLAIM_BYTES,
	CLAIM_GENERATION,
	CLAIM_STAT,
	CLAIM_TOTALS,
	CLAIM_LIST,
	CLAIM_STUCK,
	CLAIM_DEADLINE,
	CLAIM_ENDS,
	CLAIM_GONE,
	CLAIM_QUOTA,
	CLAIM_MEMORY,
	NR_CLAIMS,
};

/* ---- what happens, counted ---- */

enum storm_count {
	COUNT_KILL,
	COUNT_STOP,
	COUNT_SIGNAL,
	COUNT_FORK,
	COUNT_EXEC,
	COUNT_EXIT,
	COUNT_DUP,
	COUNT_CLOSE,
	COUNT_OPEN,
	COUNT_PASS,
	COUNT_TICKET,
	COUNT_READ,
	COUNT_KEPT,
	COUNT_STALE,
	COUNT_FILE,
	COUNT_FOLLOWERS,
	COUNT_LEASE,
	COUNT_RETURN,
	COUNT_CUT,
	COUNT_FEWER,
	NR_COUNTS,
};

/**
 * struct storm_object - an object of the round; its number is that of the history
 * @type:	index of storm_types
 * @fd:		the master's descriptor, which all inherit; -1: there is none
 * @latest:	the latest number that was given for something in it, about
 * @name:	by which more files of it can be opened
 */
struct storm_object {
	__u32 type;
	int fd;
	__u64 latest;
	char name[48];
};

/**
 * struct storm_ticket - what a ticket waits for
 * @code:	of the call that returned it; 0: it is no ticket
 * @how:	of that call
 * @flags:	MUSTER_WAIT_* of that call
 * @deadline:	of that call
 * @arg:	of that call
 */
struct storm_ticket {
	__u32 code;
	__u32 how;
	__u32 flags;
	__u64 deadline;
	__s64 arg[HISTORY_ARGS];
};

/**
 * struct storm_fd - a descriptor of an actor
 * @fd:		the descriptor
 * @object:	what it leads to
 * @file:	through which open file; numbered over all processes
 * @cloexec:	it is closed by exec
 * @ticket:	if it is one
 */
struct storm_fd {
	int fd;
	__u32 object;
	__u32 file;
	bool cloexec;
	struct storm_ticket ticket;
};

/* struct storm_errand.code: read a ticket. */
#define STORM_READ	0xffff

/**
 * struct storm_errand - something to be done later: give back, finish, fetch, read
 * @object:	of which object
 * @file:	through which file
 * @code:	what to call
 * @arg:	with what
 */
struct storm_errand {
	__u32 object;
	__u32 file;
	__u32 code;
	__s64 arg[HISTORY_ARGS];
};

enum storm_state {
	STORM_RUNS,
	STORM_CALLS,
	STORM_IDLES,
	STORM_NONE,
};

/**
 * struct storm_thread - a thread of an actor
 * @state:	what it does, enum storm_state
 * @tid:	its id
 * @record:	the call that it makes or has made last
 */
struct storm_thread {
	__u32 state;
	pid_t tid;
	__u32 record;
};

/**
 * struct storm_actor - a process
 * @taken:	0: the slot is free; else 1 more than the number of the process that
 *		took it, to become the parent
 * @process:	its number in the history, where its id is, too; 0 if not known yet
 * @observes:	only looks at objects, and is let live
 * @stopped:	by the plan
 * @stop:	1 more than the number of the signal that stops it, until it has; else 0
 * @seed:	of its program
 * @lock:	a spinlock, between its threads, for all that follows
 * @born:	how many children it has had
 * @next_fd:	the next descriptor to give
 * @nr_fds:	how many there are
 * @fds:	its descriptors
 * @nr_errands:	how many there are
 * @errands:	what it has to do
 * @nr_threads:	how many it has
 * @threads:	its threads
 * @execs:	how often it was replaced by exec
 * @replaced:	since when it is about to be, 0 if it is not
 * @nr_closing:	the calls of CLOSE that exec makes ...
 * @closing:	... by number of their record
 */
struct storm_actor {
	__u32 taken;
	__u32 process;
	bool observes;
	bool stopped;
	__u32 stop;
	__u64 seed;
	__u32 lock;
	__u32 born;
	int next_fd;
	__u32 nr_fds;
	struct storm_fd fds[STORM_FDS];
	__u32 nr_errands;
	struct storm_errand errands[STORM_ERRANDS];
	__u32 nr_threads;
	struct storm_thread threads[HISTORY_THREADS];
	__u32 execs;
	__u64 replaced;
	__u32 nr_closing;
	__u32 closing[STORM_FDS];
};

/**
 * struct storm - all of it
 * @history:	of the round
 * @seed:	of the run
 * @patience:	how long to wait for what must happen
 * @round:	which round it is
 * @stop:	actors are to begin nothing more
 * @dumps:	how many histories that cannot be explained are shown as a whole
 * @saying:	a lock: somebody says more than a line
 * @nr_files:	files so far
 * @nr_objects:	how many
 * @objects:	the round's
 * @actors:	slots of the actors
 * @checked:	by claim, how often it was looked at
 * @failed:	by claim, how often it was found not to hold
 * @counts:	of what happened
 */
struct storm {
	struct history history;
	__u64 seed;
	__u64 patience;
	__u32 round;
	__u32 stop;
	__u32 dumps;
	__u32 saying;
	__u32 nr_files;
	__u32 nr_objects;
	struct storm_object objects[HISTORY_OBJECTS];
	struct storm_actor actors[STORM_ACTORS];
	__u64 checked[NR_CLAIMS];
	__u64 failed[NR_CLAIMS];
	__u64 counts[NR_COUNTS];
};

extern struct storm *storm;

/* ---- storm_util.c ---- */

/* A sequence of random numbers. */
struct storm_rng {
	__u64 state;
};

__u64 storm_mix(__u64 a, __u64 b);
__u64 rnd(struct storm_rng *rng);
/* Below n. */
__u32 rnd_below(struct storm_rng *rng, __u32 n);
bool rnd_percent(struct storm_rng *rng, __u32 percent);
__u64 storm_clock(int clock);
void storm_nap(unsigned int us);
/* It was looked at, and holds or not: then it is said why. */
void storm_check(enum storm_claim claim, bool holds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void storm_count(enum storm_count what);
/* Something the storm itself relies on. */
void storm_die(const char *what);
/* ioctl() that returns a negative errno. */
int storm_call(int fd, unsigned int cmd, void *arg);
long long storm_read_number(const char *path);
bool storm_write(const char *path, const char *text);
/* Has some claim been found not to hold? */
bool storm_is_wrong(void);
/* One line "ok - " or "not ok - " for each claim; whether all hold. */
bool storm_print_claims(void);

/* ---- types ---- */

/**
 * struct storm_turn - a thread that calls something
 * @actor:	whose it is
 * @thread:	its number
 * @rng:	its random numbers
 * @object:	what it calls
 * @fd:		through which descriptor, -1 for none
 * @file:	its file
 * @ticket:	if that is one and is to be read, what it waits for
 * @rec:	the record
 * @errand:	what it does was to be done, NULL if it just came to its mind
 * @deadline:	of a call that waits
 * @flags:	MUSTER_WAIT_*, for that
 * @nr_later:	how many errands come of it
 * @later:	the errands: others may do them once the answer is recorded
 */
struct storm_turn {
	struct storm_actor *actor;
	unsigned int thread;
	struct storm_rng *rng;
	__u32 object;
	int fd;
	__u32 file;
	const struct storm_ticket *ticket;
	struct history_record *rec;
	const struct storm_errand *errand;
	__u64 deadline;
	__u32 flags;
	__u32 nr_later;
	struct storm_errand later[STORM_LATER];
};

/**
 * struct storm_op - a kind of call
 * @code:	its code in histories; 0 ends the list
 * @weight:	how often it comes to somebody's mind; 0: only as an errand
 * @looks:	it changes nothing: observers do it, too
 * @make:	chooses what to pass, into the record; may be NULL
 * @run:	calls, and records what came back
 * @complete:	chooses what @make and an errand leave open; may be NULL
 */
struct storm_op {
	__u32 code;
	__u32 weight;
	bool looks;
	void (*make)(struct storm_turn *turn);
	void (*run)(struct storm_turn *turn);
	void (*complete)(struct storm_turn *turn);
};

/**
 * struct storm_type - a primitive, as the storm uses it
 * @name:	that of history_types, which has its specifications
 * @id:		enum muster_type_id
 * @by_name:	calls need no descriptor, but make one; those that need one are errands
 * @ops:	what can be called
 * @setup:	chooses the parameters of a new object, @n is its number of this type
 * @verdict:	records what a ticket of one of its calls tells, with no error but EPIPE;
 *		@result are the bytes behind it, @len how many. NULL: there are no tickets
 * @check:	looks through a history for what must always hold
 * @asleep:	with nobody running and @sleepers threads asleep in calls of the object,
 *		and @tickets tickets that may wait, do all of these have to wait? May be
 *		NULL
 * @gone:	with everybody gone, is the object as new? May be NULL
 */
struct storm_type {
	const char *name;
	__u32 id;
	bool by_name;
	const struct storm_op *ops;
	void (*setup)(struct storm_rng *rng, struct history_object *object, unsigned int n);
	void (*verdict)(struct storm_turn *turn, const struct muster_verdict *verdict,
			const unsigned char *result, size_t len);
	void (*check)(const struct history *h, unsigned int object);
	void (*asleep)(const struct storm_object *object, unsigned int number,
		       unsigned int sleepers, unsigned int tickets);
	void (*gone)(const struct storm_object *object, unsigned int number);
};

/* In the order of history_types; a new primitive is a line in storm_types.c. */
extern const struct storm_type storm_sem;
extern const struct storm_type storm_barrier;
extern const struct storm_type storm_flight;
extern const struct storm_type storm_name;
extern const struct storm_type storm_group;
extern const struct storm_type storm_member;
extern const struct storm_type storm_linger;
extern const struct storm_type *const storm_types[];
/* Which types the objects of a round have. */
extern const __u32 storm_plan_types[];
extern const unsigned int storm_nr_planned;

/* ---- storm_turn.c: a call from its beginning to its end ---- */

void storm_lock(struct storm_actor *actor);
void storm_unlock(struct storm_actor *actor);
struct history_record *storm_record(__u32 process, __u32 object, __u32 file, __u32 code);
/* One call or another. */
void storm_turn(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng);
void storm_look(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng);
/* The master's own call. */
void storm_stat(unsigned int object);

/* ---- for types ---- */

/* How a call is to wait: at random, some calls not at all, some for ever, some by ticket. */
void storm_choose_wait(struct storm_turn *turn);
/* A time in ns, much of it about as long as a few calls take, on whatever machine. */
__u64 storm_random_span(struct storm_rng *rng);
/*
 * Calls, where @arg may not be writable (HOW_FAULT); writes what it returned. What a
 * ticket is told is not there yet: then it is 1.
 */
int storm_ioctl(struct storm_turn *turn, unsigned int cmd, void *arg, size_t size);
/* Is that a call that waits, and has told how that ended? */
static inline bool storm_has_told(const struct history_record *rec)
{
	return rec->inv && rec->res && !(rec->how & HOW_TICKET);
}

/* Remembers to call @code later. */
void storm_later(struct storm_turn *turn, __u32 code, __s64 a, __s64 b, __s64 c);
/* Bytes that follow from a number and their length; are the first @got those? */
void storm_fill(unsigned char *to, __u64 number, __u32 len);
bool storm_is_filled(const unsigned char *bytes, __u64 number, __u32 len, __u32 got);
/* Room for what STAT lists: @nr_processes of @list, into the record. */
void storm_list(struct history_record *rec, const struct muster_process *list, __u32 nr);
#define STORM_LIST_MAX	256

/*
 * Room for a descriptor of one more file of the object. There are to be few files of one
 * object in a process: the checker takes so many owners and no more.
 */
bool storm_has_room(const struct storm_actor *actor, __u32 object);
/* Adds a descriptor that the kernel has given; the actor is locked. */
struct storm_fd *storm_add_fd(struct storm_actor *actor, int fd, __u32 object, __u32 file,
			      bool cloexec);
int storm_open(const struct storm_object *object, __u32 oflags, __u32 *created);
/* Opens by name, as a call (NAME_OPEN); false if there was no room for it. */
void storm_make_open(struct storm_turn *turn);
bool storm_run_open(struct storm_turn *turn);

/* ---- storm_ticket.c: waiting without a thread ---- */

/* May this call wait by ticket? The actor is locked. */
bool storm_may_have_ticket(const struct storm_turn *turn);
int storm_ticket_ioctl(struct storm_turn *turn, unsigned int cmd, void *arg);
/* Has the deadline of a call passed that failed with @ret? */
void storm_check_deadline(const struct storm_turn *turn, int ret);
extern const struct storm_op storm_read_op;
/* The tickets of an object that may wait, as far as their owners live. */
unsigned int storm_count_tickets(__u32 object);
/* Are there any whose deadline is yet to pass? */
bool storm_has_timed_ticket(const struct storm_actor *actor);

/* ---- storm_lease.c: without a system call ---- */

/* Acquires or releases by lease; false if that cannot be, or is not to be. */
bool storm_by_lease(struct storm_turn *turn, __s64 permits, bool acquires);
/*
 * Have several processes acquired or released by lease since that look at an object
 * began? Then it need not be of one instant (L5).
 */
bool storm_is_blurred(const struct history_record *look);

/* ---- storm_listing.c ---- */

/* The master has all names listed, while actors are about. */
void storm_listing(void);

/* ---- storm_house.c: what processes do ---- */

void storm_household(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng);

/* ---- storm_actor.c ---- */

/* A new actor that is not there yet; NULL if there is no room. */
struct storm_actor *storm_form(__u32 parent, __u64 seed);
/* Makes it a process, a child of the master's; 0 in the child. */
pid_t storm_clone(struct storm_actor *actor);
__attribute__((noreturn)) void storm_act(struct storm_actor *actor, unsigned int threads);
/* In histories: exec leaves the first thread what it was, and no other one. */
static inline __u32 storm_thread_number(const struct storm_actor *actor, unsigned int thread)
{
	return thread ? actor->execs * HISTORY_THREADS + thread : 0;
}

/* After exec. */
__attribute__((noreturn)) void storm_act_again(unsigned int slot);

static inline pid_t storm_pid(const struct storm_actor *actor)
{
	return __atomic_load_n(&storm->history.processes[actor->process].pid,
			       __ATOMIC_ACQUIRE);
}

/* It is decided that the process ends; false if it was before. */
bool storm_doom(__u32 process);

/* ---- storm_plan.c: who is killed, stopped, interrupted, when ---- */

/**
 * struct storm_plan - what is to come
 * @rng:	the plan's random numbers
 * @next:	when the next thing is to happen, as histories count time
 * @seen:	what time it was when last looked
 * @since:	since when, by the clock on the wall
 */
struct storm_plan {
	struct storm_rng rng;
	__u64 next;
	__u64 seen;
	__u64 since;
};

void storm_plan_step(struct storm_plan *plan);
void storm_be_mortal(void);
void storm_kill(struct storm_actor *actor);
void storm_continue_all(void);
void storm_reap(void);
/* Waits until all who were killed are gone. */
void storm_reap_all(void);
unsigned int storm_living(void);
struct storm_actor *storm_pick(struct storm_rng *rng, bool observers);

/* ---- storm_quiet.c: nobody is stuck ---- */

void storm_quiet(void);

/* ---- storm_check.c: what the histories tell ---- */

void storm_judge(void);
struct spec_score;
extern struct spec_score *storm_score;

/* ---- storm_gone.c: everything is gone ---- */

void storm_gone_set_up(void);
void storm_gone_begin(void);
void storm_gone_objects(void);
void storm_gone_round(void);
void storm_gone_end(void);

/* ---- storm_totals.c: TOTALS and STAT ---- */

void storm_totals_begin(void);
void storm_totals_objects(void);
void storm_totals_end(void);

/* ---- storm_round.c ---- */

void storm_round(__u32 calls, unsigned int actors);

#endif /* STORM_H */
