/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * muster against its peers: what the parts of the program share.
 *
 * A work is something to be done at several sizes; a peer is a way to do it. Each
 * figure is taken in a process of its own, with whatever other processes it needs,
 * so that nothing of it is left for the next.
 */
#ifndef MUSTER_PEERS_H
#define MUSTER_PEERS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "../bench.h"

/* Most sizes of a work, most processes that one figure takes. */
#define SIZES_MAX 8
#define PROCESSES_MAX 1024

/* Exit status of the process of a figure whose peer this machine has not. */
#define STATUS_NOT_HERE 77

/**
 * struct peer - a way to do a work
 * @name:	what people know it by
 * @ops:	what the work needs to know of it
 * @max_size:	it is not asked for more; 0: for any
 */
struct peer {
	const char *name;
	const void *ops;
	unsigned int max_size;
};

/**
 * struct work - something to be measured
 * @name:	short, for the files
 * @title:	for people
 * @unit:	what a figure counts, "instructions" standing for the clock's ns
 * @sizes:	0 ends them; a work without sizes has 1
 * @peers:	the first is muster; one without a name ends them
 * @measure:	one figure
 * @quick_max:	sizes beyond are not for a short run
 * @exact_only:	not for the clock of two real CPUs
 */
struct work {
	const char *name;
	const char *title;
	const char *unit;
	unsigned int sizes[SIZES_MAX];
	const struct peer *peers;
	double (*measure)(const void *ops, unsigned int size);
	unsigned int quick_max;
	bool exact_only;
};

extern const struct work work_pair, work_try, work_ring, work_lock, work_lock_short;
extern const struct work work_barrier;
extern const struct work work_lead, work_follow, work_kept, work_stampede_small;
extern const struct work work_stampede_large, work_runs, work_keys;
extern const struct work work_waiters;
extern const struct work work_wake_one, work_wake_first, work_wake_last;
extern const struct work work_memory, work_memory_waiter;

/* ---- process.c ---- */

/* Memory that all processes share, zeroed. */
void *shared_memory(size_t size);
/* A child that runs @run(@nr) and dies with its parent. */
void spawn(void (*run)(unsigned int nr), unsigned int nr);
/* Lets the kernel do what it has put off. */
void settle(void);
/* The peer is not to be had on this machine; does not return. */
void not_here(const char *why) __attribute__((noreturn));
/* Something that must not fail has failed; does not return. */
void failed(const char *what) __attribute__((noreturn));
/* Runs the figure in a process of its own; false if the peer is not here. */
bool figure(const struct work *work, const void *ops, unsigned int size, double *value);

/* Waits, without sleeping, until *@word has come to @value. */
static inline void yield_until(const unsigned int *word, unsigned int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
		sched_yield();
}

static inline unsigned int count_up(unsigned int *word)
{
	return __atomic_add_fetch(word, 1, __ATOMIC_ACQ_REL);
}

/* ---- redis.c: a server, and a client in its own protocol ---- */

void redis_start(void);
void redis_connect(void);
/* Sends commands, "*3\r\n$3\r\nSET...", as they are. */
void redis_send(const char *text, size_t len);
/* One reply: its first byte; a string goes to @buf, of others @len is REDIS_NUMBER. */
#define REDIS_NUMBER SIZE_MAX
char redis_reply(char *buf, size_t size, size_t *len);
/* A reply that must begin with that. */
void redis_expect(char kind);

#endif
