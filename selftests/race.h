/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Races: several do something at the same instant, thousands of times
 *
 * A puppet that is told at_once() gets ready, and the test begins the race when all
 * are. Each, the test included, then lags behind by a random number of steps, mostly
 * few, so that what they do meets in every order. Others keep both CPUs busy.
 */
#ifndef MUSTER_RACE_H
#define MUSTER_RACE_H

#include <sched.h>

#include "muster_util.h"

#define RACERS_MAX	8

/**
 * struct race - an instant at which several meet; in memory that all share
 * @seed:	what the lags are made of
 * @ready:	how many wait for it to begin
 * @round:	grows when it begins
 * @lag:	of each puppet, in the order in which they got ready, in steps
 * @bias:	steps that the puppets are to be later than the test; < 0: earlier
 */
struct race {
	__u64 seed;
	__u32 ready;
	__u32 round;
	__u32 lag[RACERS_MAX];
	long bias;
};

/* Before any puppet. The seed is told, and taken from MUSTER_SEED if that is in the environment. */
struct race *new_race(void);
/* A job of a puppet: does @job, an ioctl or do_close(), once the race has begun. */
struct job at_once(struct race *race, struct job job);
/* Begins the race when @nr puppets are ready; returns after the test's own lag. */
void begin(struct race *race, unsigned int nr);
/* Whoever was first is to be later next time. */
void lean(struct race *race, bool puppets_were_first);

/* From 0 to @n - 1. */
__u32 random_below(__u64 *seed, __u32 n);
__u64 new_seed(void);
void linger(__u32 steps);
void spin_until(__u64 when);

/* Work for both CPUs that yields to all others, until the test ends. */
void keep_cpus_busy(void);
/* So many rounds of a test, MUSTER_ROUNDS times that; fewer where everything is slow. */
unsigned int rounds(unsigned int n);

/* As ASSERT_SOON(), for what comes so often that a nap would be too long. */
#define ASSERT_QUICK(condition) do {					\
	__u64 _end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;		\
	bool _soon;							\
									\
	while (!(_soon = (condition)) && clock_ns(CLOCK_MONOTONIC) < _end) \
		sched_yield();						\
	ASSERT_TRUE(_soon) TH_LOG("never: " #condition);		\
} while (0)

/* ---- somebody waits, and stops to at the instant of the grant ---- */

enum way { BY_TIMEOUT, BY_SIGNAL, BY_CLOSE, BY_DEATH };

/**
 * struct quitter - one who waits, and leaves
 * @way:	how
 * @race:	the instant at which it does
 * @p:		its puppet
 * @ticket:	its ticket, if it leaves by closing one
 * @patience:	how long it waits, if it leaves by a deadline, in ns
 * @late:	that was too short in this round
 * @deadline:	when it leaves
 * @shift:	ns from there to the grant
 * @granted:	how often it was
 * @left:	how often it left
 */
struct quitter {
	enum way way;
	struct race *race;
	struct puppet *p;
	int ticket;
	__u64 patience;
	bool late;
	__u64 deadline;
	long shift;
	unsigned int granted;
	unsigned int left;
};

/* It was granted or it left, and nobody can tell. */
#define GONE	1

/* Before any puppet that is to meet it. */
void quitter_init(struct quitter *q, enum way way);
/* Begins to wait. Negative if it could not. */
int quitter_waits(struct quitter *q, struct job job);
/* Both a grant and a leave have been seen, if one can tell: else go on. */
bool quitter_met_both(const struct quitter *q);
/* Has its deadline passed already? It will have more time from the next round on. */
bool quitter_came_too_late(struct quitter *q);
/* It leaves while @nr puppets of the race do their jobs: 0, -ECANCELED or GONE. */
int quitter_leaves(struct quitter *q, unsigned int nr);

#endif /* MUSTER_RACE_H */
