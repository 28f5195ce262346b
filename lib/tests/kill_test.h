/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that work, and are killed at any instant
 *
 * What they are to keep in order is a pair of numbers that is equal outside of a lock
 * only. Who dies in between leaves it unequal, and only who has notice of a death may find
 * it so. Some kill themselves there, so that it happens for certain; all are killed from
 * outside, too, when they have got on by a number that only the seed knows.
 */
#ifndef KILL_TEST_H
#define KILL_TEST_H

#include <sched.h>
#include <stdint.h>

#include "lib_test.h"

#define WORKERS	4

/**
 * struct yard - what they share
 * @fd:		the lock
 * @cond:	beside it
 * @stop:	they are to end
 * @rounds:	how often they had the lock
 * @repairs:	how often they had notice, and found the pair unequal
 * @wrong:	how often something was that must not be
 * @pair:	see above
 * @owner:	who writes
 * @items:	there is work
 * @seeds:	how many have been handed out
 */
struct yard {
	int fd;
	int cond;
	volatile int stop;
	volatile unsigned int rounds;
	volatile unsigned int repairs;
	volatile unsigned int wrong;
	volatile unsigned int pair[2];
	volatile int owner;
	volatile int items;
	volatile unsigned int seeds;
};

static inline unsigned int below(unsigned int *seed, unsigned int n)
{
	return (unsigned int)rand_r(seed) % n;
}

static inline void add_to(volatile unsigned int *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

/* Gives others a chance to be where they must not be. */
static inline void dawdle(unsigned int *seed)
{
	unsigned int n = below(seed, 4);

	while (n--)
		sched_yield();
}

/* One who writes alone, after a lock that returned @notice. */
static inline void change_pair(struct yard *yard, int notice, unsigned int *seed)
{
	int me = getpid();

	if (yard->pair[0] != yard->pair[1])
		add_to(notice ? &yard->repairs : &yard->wrong);
	yard->owner = me;
	yard->pair[0] = yard->pair[1] + 1;
	dawdle(seed);
	if (!below(seed, 40))
		raise(SIGKILL);
	yard->pair[1] = yard->pair[0];
	if (yard->owner != me)
		add_to(&yard->wrong);
	add_to(&yard->rounds);
}

static inline unsigned int yard_seed(struct yard *yard)
{
	return 4711 + __atomic_fetch_add(&yard->seeds, 1, __ATOMIC_RELAXED);
}

/* How many still run; one that has ended otherwise than well, or killed, is wrong. */
static inline int still_run(struct yard *yard, pid_t *pid)
{
	int i, status, left = 0;

	for (i = 0; i < WORKERS; i++) {
		if (!pid[i])
			continue;
		if (waitpid(pid[i], &status, WNOHANG) != pid[i]) {
			left++;
			continue;
		}
		pid[i] = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status))
			add_to(&yard->wrong);
	}
	return left;
}

/* Starts another for each that has ended. */
static inline void replace_dead(struct yard *yard, pid_t *pid, int (*work)(void *arg))
{
	int i;

	if (still_run(yard, pid) == WORKERS)
		return;
	for (i = 0; i < WORKERS; i++) {
		if (!pid[i])
			pid[i] = spawn(work, yard);
	}
}

/* Waits until they have got on by @n; false if they do not. */
static inline bool got_on(struct yard *yard, unsigned int n, pid_t *pid,
			  int (*work)(void *arg))
{
	uint64_t give_up = muster_after_ms(PATIENCE_MS);
	unsigned int from = yard->rounds;

	while (yard->rounds - from < n && muster_after_ns(0) < give_up) {
		replace_dead(yard, pid, work);
		sched_yield();
	}
	return yard->rounds - from >= n;
}

/* Tells them to end; false if one does not. */
static inline bool end_all(struct yard *yard, pid_t *pid)
{
	uint64_t give_up = muster_after_ms(PATIENCE_MS);
	int i, left;

	yard->stop = 1;
	while ((left = still_run(yard, pid)) && muster_after_ns(0) < give_up)
		usleep(1000);
	for (i = 0; i < WORKERS; i++) {
		if (pid[i])
			kill(pid[i], SIGKILL);
	}
	return !left;
}

/* Kills @kills of them, one by one; false if the others did not go on. */
static inline bool kill_some(struct yard *yard, int (*work)(void *arg), int kills)
{
	unsigned int seed = 42, i;
	pid_t pid[WORKERS] = { 0 };
	bool good = true;

	while (good && kills--) {
		good = got_on(yard, 1 + below(&seed, 20), pid, work);
		i = below(&seed, WORKERS);
		if (pid[i])
			kill(pid[i], SIGKILL);
	}
	return end_all(yard, pid) && good;
}

FIXTURE(yard) {
	struct yard *yard;
};

FIXTURE_SETUP(yard)
{
	self->yard = share(sizeof(*self->yard));
	ASSERT_NE(NULL, self->yard);
}

FIXTURE_TEARDOWN(yard)
{
}

#endif /* KILL_TEST_H */
