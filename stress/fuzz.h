/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer: structured random calls from several processes
 *
 * A program is a list of calls; a call is an operation of the table (fuzz_table.c) and
 * values for it. Values are written so that they mean the same in another process: the
 * n-th descriptor, the latest token but one, a deadline so far from now. fuzz_gen.c makes
 * programs up and changes those that have found something new; fuzz_run.c runs them;
 * fuzz_text.c writes and reads them; fuzz.c directs the processes that do.
 *
 * What is new is a place in the module's code that was never run before, as KCOV tells.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define FUZZ_VALUES	20
#define FUZZ_CALLS	24
#define FUZZ_WORKERS	5
#define FUZZ_THREADS	2
#define FUZZ_SLOTS	24
#define FUZZ_SHARED	13
/* The last of them. */
#define FUZZ_DEVICE	12
#define FUZZ_TOKENS	8
#define FUZZ_CORPUS	256
#define FUZZ_RECENT	8
#define FUZZ_PLACES	(1U << 16)
#define FUZZ_KEYS	6
#define FUZZ_LEASES	4

/* ---- programs ---- */

/* How a value is meant. */
enum fuzz_how {
	FUZZ_NUMBER	= 'n',	/* as it is */
	FUZZ_SLOT	= 'f',	/* the descriptor in that slot */
	FUZZ_TOKEN	= 't',	/* the token that was got so many tokens ago */
	FUZZ_SOON	= 's',	/* so many ns from now */
	FUZZ_POINTER	= 'p',	/* an address of that kind, enum fuzz_place */
	FUZZ_KEY	= 'k',	/* the address of that key or name */
};

enum fuzz_place {
	PLACE_NULL,
	PLACE_GOOD,
	PLACE_READ_ONLY,
	PLACE_UNMAPPED,
	PLACE_EDGE,
	PLACE_ODD,
	PLACE_KERNEL,
	NR_PLACES,
};

struct fuzz_value {
	__u64 how;
	__u64 v;
};

/**
 * struct fuzz_call - a call
 * @op:		index of fuzz_ops
 * @fail:	which allocation or copy of it is to fail, 0 none
 * @slot:	where a descriptor goes that it makes
 * @nr:		how many values; missing ones are 0
 * @values:	the values: for an ioctl the descriptor, where the struct is, its fields
 */
struct fuzz_call {
	__u8 op;
	__u8 fail;
	__u8 slot;
	__u8 nr;
	struct fuzz_value values[FUZZ_VALUES];
};

struct fuzz_program {
	__u32 nr;
	struct fuzz_call calls[FUZZ_CALLS];
};

/* ---- fuzz_table.c ---- */

enum fuzz_kind {
	KIND_NONE,
	KIND_SIZE,	/* of the struct */
	KIND_FLAGS,	/* @param: those that there are */
	KIND_COUNT,	/* @param: the most that makes sense */
	KIND_STATUS,
	KIND_DEADLINE,
	KIND_SPAN,	/* of time, ns */
	KIND_TOKEN,
	KIND_KEY,
	KIND_LENGTH,	/* of a key or a name */
	KIND_BUFFER,
	KIND_ROOM,	/* of a buffer; @param: the most that makes sense */
	KIND_FD,
	KIND_ZERO,
	KIND_OUT,
	KIND_WHERE,	/* of a struct */
};

struct fuzz_field {
	const char *name;
	__u16 offset;
	__u16 size;
	__u32 kind;
	__u64 param;
};

struct fuzz_thread;

/**
 * struct fuzz_op - an operation
 * @name:	in text
 * @weight:	how often
 * @cmd:	of an ioctl
 * @size:	of its struct
 * @out:	offset from which on it is written, 0 nowhere. With an error nothing is,
 *		but ...
 * @writes_with: ... with this one
 * @token:	offset of a token that it gives, 0 none
 * @makes_fd:	what it returns may be a descriptor
 * @run:	does it, if it is no ioctl
 * @fields:	of the struct, or the values
 * @errors:	the errnos that are documented, beside those of every ioctl
 */
struct fuzz_op {
	const char *name;
	__u32 weight;
	unsigned int cmd;
	__u32 size;
	__u32 out;
	int writes_with;
	__u32 token;
	bool makes_fd;
	long (*run)(struct fuzz_thread *t, const __u64 *v);
	struct fuzz_field fields[FUZZ_VALUES];
	int errors[16];
};

extern const struct fuzz_op fuzz_ops[];
extern const unsigned int fuzz_nr_ops;
/* Does the documentation name the errno for that operation? */
bool fuzz_error_is_known(const struct fuzz_op *op, int err);

/* ---- what all processes share ---- */

/**
 * struct fuzz_thread - a thread that runs programs
 * @rng:	state of its random numbers
 * @nr_run:	how many programs it has begun
 * @recent:	the latest of these
 * @tokens:	that it got
 * @nr_tokens:	how many
 * @worker:	which process of the fuzzer it is in
 */
struct fuzz_thread {
	__u64 rng;
	__u64 nr_run;
	struct fuzz_program recent[FUZZ_RECENT];
	__u64 tokens[FUZZ_TOKENS];
	__u32 nr_tokens;
	__u32 worker;
};

/**
 * struct fuzz_own - what of a thread is in its process only: a child has a copy
 * @memory:	see fuzz_run.c
 * @kcov:	what KCOV writes to, or NULL
 * @fail_fd:	of /proc/thread-self/fail-nth, or -1
 * @depth:	how often it has forked
 * @leases:	pages that it has mapped, each until there is another in its place
 * @sealed:	which of these it may not write to
 */
struct fuzz_own {
	unsigned char *memory;
	unsigned long *kcov;
	int fail_fd;
	int depth;
	void *leases[FUZZ_LEASES];
	bool sealed[FUZZ_LEASES];
};

extern __thread struct fuzz_own fuzz_own;

struct fuzz_shared {
	__u64 seed;
	__u64 calls;
	__u64 programs;
	__u64 faults;
	__u64 kills;
	__u64 forks;
	__u32 places;
	__u32 stop;
	__u32 replays;
	__u32 wrong;
	__u32 nr_corpus;
	__u32 lock;
	__u8 seen[FUZZ_PLACES];
	__u32 versions[FUZZ_CORPUS];
	struct fuzz_program corpus[FUZZ_CORPUS];
	struct fuzz_thread threads[FUZZ_WORKERS][FUZZ_THREADS];
};

extern struct fuzz_shared *fuzz;

/* ---- fuzz_gen.c ---- */

__u64 fuzz_rnd(__u64 *rng);
__u32 fuzz_below(__u64 *rng, __u32 n);
/* The next program for a thread. */
void fuzz_generate(__u64 *rng, struct fuzz_program *program);

/* ---- fuzz_text.c ---- */

void fuzz_print(FILE *to, const struct fuzz_program *program);
/* Reads until an empty line; false at the end of the file, or if it makes no sense. */
bool fuzz_parse(FILE *from, struct fuzz_program *program);
/* Is what is printed what is parsed? */
bool fuzz_text_works(__u64 seed, unsigned int n);

/* ---- fuzz_run.c ---- */

void fuzz_thread_begin(struct fuzz_thread *t);
void fuzz_run(struct fuzz_thread *t, const struct fuzz_program *program);
/* Descriptors by slot; of the process. */
extern int fuzz_slots[FUZZ_SLOTS];
/* The objects that all share; before anything else is run. */
void fuzz_open_shared(void);
/* In a new process of the fuzzer, and in each that it forks. */
void fuzz_process_begin(void);

/* Operations that are no ioctls; see the table. */
long fuzz_do_close(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_dup(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_dup2(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_fork(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_exit(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_exec(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_unshare(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_poll(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_epoll(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_read(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_write(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_mmap(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_lease(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_remap(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_protect(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_unmap(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_pass(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_nonblock(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_fdinfo(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_memfd(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_device(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_ioctl(struct fuzz_thread *t, const __u64 *v);
long fuzz_do_kill(struct fuzz_thread *t, const __u64 *v);

#endif /* FUZZ_H */
