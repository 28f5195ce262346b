// SPDX-License-Identifier: GPL-2.0-only
/*
 * Works of locks: alone, a try that fails, handed on in a ring, contended.
 */
#include <fcntl.h>
#include <unistd.h>

#include "locks.h"
#include "peers.h"

/* Of one figure. */
#define PAIRS 10000
#define SLOW_PAIRS 1000
#define LAPS 400
#define SECTIONS 400

static const struct lock *lock;
static unsigned int processes;

/* In memory that all share. */
static struct stage {
	unsigned int ready;
	unsigned int go;
	unsigned int left;
	uint64_t began;
	uint64_t ended;
} *stage;

static void set_stage(const void *ops, unsigned int n)
{
	lock = ops;
	processes = n;
	stage = shared_memory(sizeof(*stage));
}

static void attach(void)
{
	if (lock->attach)
		lock->attach();
}

/* ---- alone ---- */

static double measure_pair(const void *ops, unsigned int size)
{
	unsigned long n = ops == &lock_redis ? SLOW_PAIRS : PAIRS;
	uint64_t start;

	set_stage(ops, size);
	lock->make(0, 4);
	attach();
	lock->pairs(n / 10);
	start = now_ns();
	lock->pairs(n);
	return (double)(now_ns() - start) / n;
}

/* ---- a try that fails, as another process has it ---- */

static void hold(unsigned int nr)
{
	(void)nr;
	attach();
	lock->acquire(0);
	count_up(&stage->ready);
	pause();
}

static double measure_try(const void *ops, unsigned int size)
{
	unsigned long n = ops == &lock_redis ? SLOW_PAIRS : PAIRS;
	uint64_t start;

	set_stage(ops, size);
	lock->make(0, 1);
	spawn(hold, 0);
	while (!__atomic_load_n(&stage->ready, __ATOMIC_ACQUIRE))
		usleep(1000);
	attach();
	lock->tries(n / 10);
	start = now_ns();
	lock->tries(n);
	return (double)(now_ns() - start) / n;
}

/* ---- in a ring: each waits for its own and gives to the next ---- */

static void go_round(unsigned int nr)
{
	unsigned int i, next = (nr + 1) % processes;

	for (i = 0; i < LAPS + 10; i++) {
		lock->acquire(nr);
		if (!nr && i == 10)
			stage->began = now_ns();
		lock->release(next);
	}
	if (!nr) {
		lock->acquire(nr);
		stage->ended = now_ns();
	}
}

static void run_ring(unsigned int nr)
{
	go_round(nr);
	count_up(&stage->left);
	pause();
}

static double measure_ring(const void *ops, unsigned int size)
{
	unsigned int i;

	set_stage(ops, size);
	for (i = 0; i < size; i++)
		lock->make(i, i == 0);
	for (i = 0; i < size; i++)
		spawn(run_ring, i);
	while (__atomic_load_n(&stage->left, __ATOMIC_ACQUIRE) < size)
		usleep(10000);
	return (double)(stage->ended - stage->began) / (LAPS * size);
}

/* ---- contended: all want the same ---- */

static bool yields;

static void run_sections(unsigned int nr)
{
	unsigned int i;

	(void)nr;
	attach();
	count_up(&stage->ready);
	yield_until(&stage->go, 1);
	for (i = 0; i < SECTIONS; i++) {
		lock->acquire(0);
		if (yields)
			sched_yield();
		lock->release(0);
	}
	if (count_up(&stage->left) == processes)
		__atomic_store_n(&stage->ended, now_ns(), __ATOMIC_RELEASE);
	pause();
}

static double contend(const void *ops, unsigned int size)
{
	unsigned int i;

	set_stage(ops, size);
	lock->make(0, 1);
	for (i = 0; i < size; i++)
		spawn(run_sections, i);
	yield_until(&stage->ready, size);
	stage->began = now_ns();
	count_up(&stage->go);
	while (!__atomic_load_n(&stage->ended, __ATOMIC_ACQUIRE))
		usleep(10000);
	return (double)(stage->ended - stage->began) / (SECTIONS * size);
}

static double measure_lock(const void *ops, unsigned int size)
{
	yields = true;
	return contend(ops, size);
}

static double measure_lock_short(const void *ops, unsigned int size)
{
	yields = false;
	return contend(ops, size);
}

/* ---- the tables ---- */

static const struct peer peers_pair[] = {
	{ "muster", &lock_muster },
	{ "muster, libmuster", &lock_library },
	{ "muster, libmuster, lease", &lock_loan },
	{ "muster, permit lease", &lock_lease },
	{ "two empty ioctls", &lock_empty },
	{ "semop", &lock_semop },
	{ "semop, SEM_UNDO", &lock_semop_undo },
	{ "sem_t", &lock_sem_t },
	{ "robust mutex", &lock_robust },
	{ "eventfd", &lock_eventfd },
	{ "flock", &lock_flock },
	{ "ntsync", &lock_ntsync },
	{ "Redis", &lock_redis },
	{}
};

const struct work work_pair = {
	.name = "pair",
	.title = "acquire and release, uncontended",
	.unit = "instructions",
	.sizes = { 1 },
	.peers = peers_pair,
	.measure = measure_pair,
};

static const struct peer peers_try[] = {
	{ "muster", &lock_muster },
	{ "muster, libmuster", &lock_library },
	{ "muster, libmuster, lease", &lock_loan },
	{ "muster, permit lease", &lock_lease },
	{ "one empty ioctl", &lock_empty },
	{ "semop", &lock_semop },
	{ "semop, SEM_UNDO", &lock_semop_undo },
	{ "sem_t", &lock_sem_t },
	{ "robust mutex", &lock_robust },
	{ "eventfd", &lock_eventfd_nonblock },
	{ "flock", &lock_flock },
	{ "ntsync", &lock_ntsync },
	{ "Redis", &lock_redis },
	{}
};

const struct work work_try = {
	.name = "try",
	.title = "a try that fails",
	.unit = "instructions",
	.sizes = { 1 },
	.peers = peers_try,
	.measure = measure_try,
};

static const struct peer peers_ring[] = {
	{ "muster", &signal_muster },
	{ "semop", &signal_semop },
	{ "sem_t", &signal_sem_t },
	{ "eventfd", &signal_eventfd },
	{ "ntsync", &signal_ntsync },
	{}
};

const struct work work_ring = {
	.name = "ring",
	.title = "hand-over from process to process, in a ring of so many",
	.unit = "instructions",
	.sizes = { 2, 4, 8 },
	.peers = peers_ring,
	.measure = measure_ring,
};

static const struct peer peers_lock[] = {
	{ "muster", &lock_muster },
	{ "muster, permit lease", &lock_lease },
	{ "semop", &lock_semop },
	{ "semop, SEM_UNDO", &lock_semop_undo },
	{ "sem_t", &lock_sem_t },
	{ "robust mutex", &lock_robust },
	{ "eventfd", &lock_eventfd },
	{ "flock", &lock_flock },
	{ "ntsync", &lock_ntsync },
	{}
};

const struct work work_lock = {
	.name = "lock",
	.title = "so many processes take turns; the others run while one has it",
	.unit = "instructions",
	.sizes = { 2, 4, 8 },
	.peers = peers_lock,
	.measure = measure_lock,
};

const struct work work_lock_short = {
	.name = "lock-short",
	.title = "so many processes want it, each for an instant",
	.unit = "instructions",
	.sizes = { 2, 4, 8 },
	.peers = peers_lock,
	.measure = measure_lock_short,
};
