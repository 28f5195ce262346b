// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the kernel's that things take, as the memory cgroup counts it: to the byte,
 * and in the allocator's sizes.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "locks.h"
#include "peers.h"

/* Below objects_max, and enough to make what comes in pages vanish. */
#define THINGS 3000
#define WAITERS 1000
#define CGROUP "/sys/fs/cgroup/peers"

static int object;

/* ---- counting ---- */

/* A cgroup of the figure's own. */
static void enter_cgroup(void)
{
	char text[16];
	int fd;

	mkdir(CGROUP, 0700);
	fd = open(CGROUP "/cgroup.procs", O_WRONLY);
	if (fd < 0)
		not_here("no memory cgroup");
	if (write(fd, text, snprintf(text, sizeof(text), "%d", getpid())) <= 0)
		failed(CGROUP);
	close(fd);
}

static double kernel_memory(void)
{
	static const char want[] = "\nslab ";
	char text[8192], *at;
	int fd = open(CGROUP "/memory.stat", O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len <= 0)
		failed(CGROUP "/memory.stat");
	close(fd);
	text[len] = 0;
	at = strstr(text, want);
	if (!at)
		not_here("no slab in memory.stat");
	return strtod(at + sizeof(want) - 1, NULL);
}

static double measure_memory(const void *ops, unsigned int size)
{
	void (*make)(unsigned int i) = *(void (**)(unsigned int))ops;
	double before;
	unsigned int i;

	(void)size;
	enter_cgroup();
	for (i = 0; i < 10; i++)
		make(i);
	before = kernel_memory();
	for (; i < THINGS + 10; i++)
		make(i);
	return (kernel_memory() - before) / THINGS;
}

/* ---- what takes memory ---- */

static void make_call(unsigned int i)
{
	char key[16] = {};
	struct muster_flight_join join = {
		.size = sizeof(join),
		.key = (uintptr_t)key,
		.key_len = sizeof(key),
		.deadline = MUSTER_FOREVER,
	};

	if (!i)
		object = open_object(MUSTER_FLIGHT, 0);
	snprintf(key, sizeof(key), "key%u", i);
	check("join", do_ioctl(object, MUSTER_FLIGHT_JOIN, &join), 0);
}

static void make_sem(unsigned int i)
{
	(void)i;
	open_object(MUSTER_SEM, 1);
}

static void make_flight(unsigned int i)
{
	(void)i;
	open_object(MUSTER_FLIGHT, 0);
}

static void make_barrier(unsigned int i)
{
	(void)i;
	open_object(MUSTER_BARRIER, 2);
}

static void make_group(unsigned int i)
{
	(void)i;
	open_object(MUSTER_GROUP, 0);
}

/* The object is one more each time: what that takes is above. */
static void make_named(unsigned int i)
{
	char name[16];

	snprintf(name, sizeof(name), "name%u", i);
	open_object_with(MUSTER_SEM, 1, 0, name);
}

static void make_ticket(unsigned int i)
{
	struct muster_sem_acquire acquire = {
		.size = sizeof(acquire),
		.flags = MUSTER_WAIT_TICKET,
		.permits = 1,
		.deadline = MUSTER_FOREVER,
	};

	if (!i)
		object = open_object(MUSTER_SEM, 1);
	check("ticket", do_ioctl(object, MUSTER_SEM_ACQUIRE, &acquire) < 0, 0);
}

static void make_eventfd(unsigned int i)
{
	(void)i;
	check("eventfd", eventfd(0, 0) < 0, 0);
}

static void make_semop(unsigned int i)
{
	(void)i;
	if (semget(IPC_PRIVATE, 1, 0600) < 0)
		failed("semget");
}

static void make_flock(unsigned int i)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/peers-%u", i);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	check("flock", flock(fd, LOCK_EX), 0);
}

static void make_ntsync(unsigned int i)
{
	if (i < LOCKS_MAX)
		lock_ntsync.make(i, 1);
	else
		lock_ntsync.make(0, 1);
}

/* ---- who waits ---- */

static const struct lock *lock;
static unsigned int ready, go, going;

static void *wait_for_it(void *arg)
{
	(void)arg;
	count_up(&ready);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &go, FUTEX_WAIT, 0, NULL, NULL, 0);
	count_up(&going);
	lock->acquire(0);
	return NULL;
}

/* Each thread has its stack and all else already. */
static double measure_waiter(const void *ops, unsigned int size)
{
	pthread_attr_t attr;
	pthread_t thread;
	double before;
	unsigned int i;

	(void)size;
	lock = ops;
	enter_cgroup();
	lock->make(0, 1);
	/* That the process takes part is not for each who waits. */
	lock->acquire(0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	for (i = 0; i < WAITERS; i++)
		check("pthread_create", pthread_create(&thread, &attr, wait_for_it, NULL), 0);
	yield_until(&ready, WAITERS);
	before = kernel_memory();
	count_up(&go);
	syscall(SYS_futex, &go, FUTEX_WAKE, WAITERS, NULL, NULL, 0);
	yield_until(&going, WAITERS);
	usleep(20000);
	return (kernel_memory() - before) / WAITERS;
}

/* ---- the tables ---- */

#define THING(_name) static void (*const thing_##_name)(unsigned int) = make_##_name

THING(call);
THING(sem);
THING(flight);
THING(barrier);
THING(group);
THING(named);
THING(ticket);
THING(eventfd);
THING(semop);
THING(flock);
THING(ntsync);

static const struct peer peers_memory[] = {
	{ "muster, a call in flight", &thing_call },
	{ "muster, a semaphore", &thing_sem },
	{ "muster, a semaphore with a name", &thing_named },
	{ "muster, a flight group", &thing_flight },
	{ "muster, a barrier", &thing_barrier },
	{ "muster, a group", &thing_group },
	{ "muster, a ticket", &thing_ticket },
	{ "eventfd", &thing_eventfd },
	{ "semop, a set of one", &thing_semop },
	{ "flock, with its file", &thing_flock },
	{ "ntsync, a semaphore", &thing_ntsync },
	{}
};

const struct work work_memory = {
	.name = "memory",
	.title = "memory of the kernel's, for each",
	.unit = "bytes",
	.sizes = { 1 },
	.peers = peers_memory,
	.measure = measure_memory,
	.exact_only = true,
};

static const struct peer peers_waiter[] = {
	{ "muster", &signal_muster },
	{ "sem_t", &signal_sem_t },
	{ "semop", &signal_semop },
	{ "eventfd", &signal_eventfd },
	{ "ntsync", &signal_ntsync },
	{}
};

const struct work work_memory_waiter = {
	.name = "memory-waiter",
	.title = "memory of the kernel's, for each thread that waits",
	.unit = "bytes",
	.sizes = { 1 },
	.peers = peers_waiter,
	.measure = measure_waiter,
	.exact_only = true,
};
