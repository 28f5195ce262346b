// SPDX-License-Identifier: GPL-2.0-only
/*
 * Very many who wait for one thing: what it costs to serve one of them, and when that
 * one is told.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

#include "locks.h"
#include "peers.h"

#define GRANTS 40
#define HANDOVERS 400

static const struct lock *lock;
static unsigned int ready, served;

/* ---- flock(2), for threads: each with an open file of its own ---- */

#define FLOCK_FILE "/dev/shm/peers-waiters"

static int holder;

static int flock_open(void)
{
	int fd = open(FLOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		failed(FLOCK_FILE);
	return fd;
}

static void flock_make(unsigned int i, unsigned int permits)
{
	(void)i;
	(void)permits;
	holder = flock_open();
	check("flock", flock(holder, LOCK_EX), 0);
}

static void flock_acquire(unsigned int i)
{
	int fd = flock_open();

	(void)i;
	check("flock", flock(fd, LOCK_EX), 0);
	holder = fd;
}

static void flock_release(unsigned int i)
{
	(void)i;
	check("unlock", flock(holder, LOCK_UN), 0);
}

static const struct lock signal_flock = {
	.make = flock_make, .acquire = flock_acquire, .release = flock_release,
};

/* ---- serving one of many ---- */

static void *wait_once(void *arg)
{
	(void)arg;
	count_up(&ready);
	lock->acquire(0);
	count_up(&served);
	pause();
	return NULL;
}

static void start_threads(unsigned int n, void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	while (n--)
		check("pthread_create", pthread_create(&thread, &attr, run, NULL), 0);
}

static double measure_waiters(const void *ops, unsigned int size)
{
	unsigned int i, grants = size < GRANTS ? size : GRANTS;
	uint64_t start;

	lock = ops;
	lock->make(0, 0);
	start_threads(size, wait_once);
	yield_until(&ready, size);
	/* So that the last one is asleep, too. */
	usleep(20000);
	start = now_ns();
	for (i = 0; i < grants; i++) {
		lock->release(0);
		yield_until(&served, i + 1);
	}
	return (double)(now_ns() - start) / grants;
}

/* ---- how soon one is told ---- */

static struct stage {
	uint32_t word[2];
	uint64_t began;
	uint64_t sum;
	unsigned int done;
} *stage;

static void futex_make(unsigned int i, unsigned int permits)
{
	stage->word[i] = permits;
}

/* One waits, one wakes: there is nothing to be lost. */
static void futex_acquire(unsigned int i)
{
	uint32_t *word = &stage->word[i];

	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static void futex_release(unsigned int i)
{
	__atomic_store_n(&stage->word[i], 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &stage->word[i], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static const struct lock signal_futex = {
	.make = futex_make, .acquire = futex_acquire, .release = futex_release,
};

static void be_told(unsigned int nr)
{
	unsigned int i;

	(void)nr;
	for (i = 0; i < HANDOVERS; i++) {
		lock->acquire(1);
		stage->sum += now_ns() - stage->began;
		lock->release(0);
	}
	count_up(&stage->done);
	pause();
}

static void tell(unsigned int nr)
{
	unsigned int i;

	(void)nr;
	for (i = 0; i < HANDOVERS; i++) {
		stage->began = now_ns();
		lock->release(1);
		lock->acquire(0);
	}
	count_up(&stage->done);
	pause();
}

static double measure_wake_one(const void *ops, unsigned int size)
{
	(void)size;
	lock = ops;
	stage = shared_memory(sizeof(*stage));
	lock->make(0, 0);
	lock->make(1, 0);
	spawn(be_told, 0);
	usleep(20000);
	spawn(tell, 1);
	while (__atomic_load_n(&stage->done, __ATOMIC_ACQUIRE) < 2)
		usleep(10000);
	return (double)stage->sum / HANDOVERS;
}

/* ---- the tables ---- */

static const struct peer peers_waiters[] = {
	{ "muster", &signal_muster },
	{ "sem_t", &signal_sem_t },
	{ "semop", &signal_semop },
	{ "eventfd", &signal_eventfd, 1000 },
	{ "flock", &signal_flock, 1000 },
	{ "ntsync", &signal_ntsync },
	{}
};

const struct work work_waiters = {
	.name = "waiters",
	.title = "a permit for one of so many who wait",
	.unit = "instructions",
	.sizes = { 1, 10, 100, 1000, 10000 },
	.peers = peers_waiters,
	.measure = measure_waiters,
	.quick_max = 1000,
	.exact_only = true,
};

static const struct peer peers_wake[] = {
	{ "muster", &signal_muster },
	{ "futex", &signal_futex },
	{ "sem_t", &signal_sem_t },
	{ "semop", &signal_semop },
	{ "eventfd", &signal_eventfd },
	{ "ntsync", &signal_ntsync },
	{}
};

const struct work work_wake_one = {
	.name = "wake",
	.title = "from RELEASE until the one who waits has the permit",
	.unit = "instructions",
	.sizes = { 1 },
	.peers = peers_wake,
	.measure = measure_wake_one,
};
