// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cycles of a barrier between processes.
 */
#include <pthread.h>
#include <unistd.h>

#include "peers.h"

#define CYCLES 300

struct barrier {
	void (*make)(unsigned int parties);
	void (*await)(void);
};

static const struct barrier *barrier;

static struct stage {
	unsigned int left;
	uint64_t began;
	uint64_t ended;
} *stage;

/* ---- muster ---- */

static int fd;

static void muster_make(unsigned int parties)
{
	fd = open_object(MUSTER_BARRIER, parties);
}

static void muster_await(void)
{
	struct muster_barrier_await args = {
		.size = sizeof(args),
		.deadline = MUSTER_FOREVER,
	};

	check("await", do_ioctl(fd, MUSTER_BARRIER_AWAIT, &args), 0);
}

static const struct barrier barrier_muster = { muster_make, muster_await };

/* ---- glibc ---- */

static pthread_barrier_t *shared;

static void pthread_make(unsigned int parties)
{
	pthread_barrierattr_t attr;

	shared = shared_memory(sizeof(*shared));
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	check("barrier_init", pthread_barrier_init(shared, &attr, parties), 0);
}

static void pthread_await(void)
{
	int err = pthread_barrier_wait(shared);

	if (err != PTHREAD_BARRIER_SERIAL_THREAD)
		check("barrier_wait", err, 0);
}

static const struct barrier barrier_pthread = { pthread_make, pthread_await };

/* ---- the work ---- */

static void run_cycles(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		barrier->await();
	if (!nr)
		stage->began = now_ns();
	for (i = 0; i < CYCLES; i++)
		barrier->await();
	if (!nr)
		stage->ended = now_ns();
	barrier->await();
	count_up(&stage->left);
	pause();
}

static double measure_barrier(const void *ops, unsigned int size)
{
	unsigned int i;

	barrier = ops;
	stage = shared_memory(sizeof(*stage));
	barrier->make(size);
	for (i = 0; i < size; i++)
		spawn(run_cycles, i);
	while (__atomic_load_n(&stage->left, __ATOMIC_ACQUIRE) < size)
		usleep(10000);
	return (double)(stage->ended - stage->began) / CYCLES;
}

static const struct peer peers[] = {
	{ "muster", &barrier_muster },
	{ "pthread_barrier", &barrier_pthread },
	{}
};

const struct work work_barrier = {
	.name = "barrier",
	.title = "a cycle of a barrier of so many processes",
	.unit = "instructions",
	.sizes = { 2, 8, 64 },
	.peers = peers,
	.measure = measure_barrier,
};
