/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histories: who called what, when, and what it returned
 *
 * A history lies in shared memory, so that it outlives whoever writes it. Time is a
 * counter that all advance: a call that has returned before another began has the
 * smaller numbers, and of two calls whose intervals overlap either may have come
 * first. What a process was about when it was killed stays without a result: it may
 * have happened or not.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define HISTORY_ARGS		7
#define HISTORY_OUTS		11
#define HISTORY_RECORDS		(1 << 16)
#define HISTORY_PROCESSES	(1 << 12)
#define HISTORY_SIGNALS		(1 << 14)
#define HISTORY_ENTRIES		(1 << 18)
#define HISTORY_OBJECTS		16

/* Threads of a process at a time. */
#define HISTORY_THREADS		4

/**
 * enum history_code - the calls that objects of all types have
 * @HISTORY_CLOSE:	the process gives up its last descriptor of a file
 * @HISTORY_GAIN:	it comes by one
 * @HISTORY_DEATH:	it ends; not recorded, made up by the checker
 * @HISTORY_QUIET:	nobody runs: who has not returned now is asleep
 * @HISTORY_OWN:	the first code of the types' own calls
 */
enum history_code {
	HISTORY_CLOSE,
	HISTORY_GAIN,
	HISTORY_DEATH,
	HISTORY_QUIET,
	HISTORY_OWN,
};

/* struct history_record.how */
#define HOW_TRY		1	/* it would rather fail than wait */
#define HOW_TIMED	2	/* it has a deadline */
#define HOW_FAULT	4	/* it cannot be told the answer */
#define HOW_LOST	8	/* when it had failed its descriptor was closed */
#define HOW_TICKET	16	/* it returned a ticket, whose owner waits */
#define HOW_READ	32	/* it read from a ticket what that call was told */
#define HOW_LEASE	64	/* it was made by lease, without a system call */
#define HOW_BLURRED	128	/* meanwhile several others made some by lease (L5) */

/**
 * struct history_call - what calls of one code look like
 * @name:	its name
 * @args:	names of what is passed
 * @outs:	names of what comes back
 */
struct history_call {
	const char *name;
	const char *args[HISTORY_ARGS];
	const char *outs[HISTORY_OUTS];
};

/**
 * struct history_entry - a process that STAT has listed
 * @pid:	its id
 * @role:	MUSTER_PROCESS_*
 * @amount:	permits
 */
struct history_entry {
	__s32 pid;
	__u32 role;
	__u64 amount;
};

/**
 * struct history_record - a call
 * @inv:	when it was made; 0: never
 * @res:	when it returned; 0: it did not, as far as anybody knows
 * @dies:	it ended, without result, at some time after this, ...
 * @gone:	... and before this; 0: see its process
 * @object:	what it concerned
 * @code:	enum history_code or the type's own
 * @process:	who called
 * @thread:	which of its threads; their numbers are not used twice
 * @file:	through which open file
 * @how:	HOW_*
 * @ticket:	the open file that it returned, with HOW_TICKET
 * @begun:	CLOCK_MONOTONIC in ns, not after it was made; 0: not known
 * @over:	not before it returned; 0: not known
 * @until:	its deadline; 0: not known, or of another clock
 * @ret:	0 or more, or a negative errno
 * @entries:	the first of STAT's list
 * @nr_entries:	how many
 * @arg:	what was passed
 * @out:	what came back
 */
struct history_record {
	__u64 inv, res;
	__u64 dies, gone;
	__u16 object;
	__u16 code;
	__u32 process;
	__u32 thread;
	__u32 file;
	__u32 how;
	__u32 ticket;
	__u64 begun, over, until;
	__s32 ret;
	__u32 entries;
	__u32 nr_entries;
	__s64 arg[HISTORY_ARGS];
	__s64 out[HISTORY_OUTS];
};

/**
 * struct history_object - an object
 * @type:	its type, an index of the types table
 * @options:	as it was opened
 * @limit:	as it was opened
 * @initial:	as it was opened
 */
struct history_object {
	__u32 type;
	__u32 options;
	__u64 limit;
	__u64 initial;
};

/**
 * struct history_process - a process from its birth to its end
 * @pid:	its id; 0: it never came to be
 * @doomed:	when somebody decided that it was to end, 0: nobody has
 * @gone:	when it was seen to have ended
 */
struct history_process {
	__s32 pid;
	__u64 doomed;
	__u64 gone;
};

/**
 * struct history_signal - a signal that does not end a process
 * @process:	whom it was sent to
 * @inv:	when
 * @res:	when it had been sent
 */
struct history_signal {
	__u32 process;
	__u64 inv;
	__u64 res;
};

/**
 * struct history - all of a round
 * @clock:	the time
 * @nr_objects:	how many there are of each; may say more than there is room for
 */
struct history {
	__u64 clock;
	__u32 nr_objects;
	__u32 nr_processes;
	__u32 nr_signals;
	__u32 nr_entries;
	__u32 nr_records;
	struct history_object objects[HISTORY_OBJECTS];
	struct history_process processes[HISTORY_PROCESSES];
	struct history_signal signals[HISTORY_SIGNALS];
	struct history_entry entries[HISTORY_ENTRIES];
	struct history_record records[HISTORY_RECORDS];
};

static inline __u64 history_now(struct history *h)
{
	return __atomic_add_fetch(&h->clock, 1, __ATOMIC_SEQ_CST);
}

/* A stamp that others see no sooner than all that was written before it. */
static inline void history_stamp(struct history *h, __u64 *at)
{
	__atomic_store_n(at, history_now(h), __ATOMIC_RELEASE);
}

/* Takes one more of something that there is @max of; its number, or @max. */
static inline __u32 history_take(__u32 *nr, __u32 n, __u32 max)
{
	__u32 at = __atomic_fetch_add(nr, n, __ATOMIC_RELAXED);

	return at + n <= max ? at : max;
}

static inline __u32 history_count(const __u32 *nr, __u32 max)
{
	__u32 n = __atomic_load_n(nr, __ATOMIC_ACQUIRE);

	return n < max ? n : max;
}

/* ---- history_text.c: histories as text ---- */

struct spec;

/* The specifications of a type; the first one names its calls. */
struct history_type {
	const char *name;
	const struct spec *const *specs;
};

extern const struct history_type history_types[];
extern const unsigned int history_nr_types;

const char *history_call_name(const struct history *h, const struct history_record *rec);
void history_print_record(FILE *out, const struct history *h,
			  const struct history_record *rec);
void history_print(FILE *out, const struct history *h, unsigned int object);
/* Reads up to the next case; its title, NULL at the end. Exits on bad syntax. */
const char *history_read(FILE *in, const char *name, struct history *h);

#endif /* HISTORY_H */
