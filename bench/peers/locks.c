// SPDX-License-Identifier: GPL-2.0-only
/*
 * What acquires and releases: muster, and all else that this is done with between
 * processes. Each has its calls in line in its own loops, as a program would.
 */
#include <errno.h>
#include <fcntl.h>
#include <muster.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include "locks.h"
#include "peers.h"

/* Of a lock @_name with _name_acquire(), _name_release() and _name_try(). */
#define LOOPS(_name)							\
static void _name##_pairs(unsigned long n)				\
{									\
	while (n--) {							\
		_name##_acquire(0);					\
		_name##_release(0);					\
	}								\
}									\
									\
static void _name##_tries(unsigned long n)				\
{									\
	while (n--) {							\
		if (_name##_try(0))					\
			failed(#_name ": a try succeeded");		\
	}								\
}

#define LOCK(_name, _attach)						\
LOOPS(_name)								\
const struct lock lock_##_name = {					\
	.make = _name##_make, .attach = _attach,			\
	.acquire = _name##_acquire, .release = _name##_release,		\
	.pairs = _name##_pairs, .tries = _name##_tries,			\
}

#define SIGNAL(_name, _make)						\
const struct lock signal_##_name = {					\
	.make = _make, .acquire = _name##_acquire, .release = _name##_release, \
}

/* Descriptors of those that have some. */
static int fds[LOCKS_MAX];

/* ---- muster, without a library in between ---- */

static void muster_make(unsigned int i, unsigned int permits)
{
	fds[i] = open_object(MUSTER_SEM, permits);
}

static void muster_make_signalling(unsigned int i, unsigned int permits)
{
	struct muster_sem_release release = { .size = sizeof(release), .permits = permits };

	fds[i] = open_object_with(MUSTER_SEM, 1000000, MUSTER_SEM_SIGNALLING, NULL);
	check("release", do_ioctl(fds[i], MUSTER_SEM_RELEASE, &release), 0);
}

static inline long sem_take(unsigned int i, uint32_t flags)
{
	struct muster_sem_acquire args = {
		.size = sizeof(args),
		.flags = flags,
		.permits = 1,
		.deadline = MUSTER_FOREVER,
	};

	return do_ioctl(fds[i], MUSTER_SEM_ACQUIRE, &args);
}

static inline void muster_acquire(unsigned int i)
{
	check("acquire", sem_take(i, 0), 0);
}

static inline bool muster_try(unsigned int i)
{
	return sem_take(i, MUSTER_WAIT_NONBLOCK) != -EAGAIN;
}

static inline void muster_release(unsigned int i)
{
	struct muster_sem_release args = { .size = sizeof(args), .permits = 1 };

	check("release", do_ioctl(fds[i], MUSTER_SEM_RELEASE, &args), 0);
}

LOCK(muster, NULL);
SIGNAL(muster, muster_make_signalling);

/* ---- muster, through its library, by ioctl ---- */

static void library_open(unsigned int i, unsigned int permits)
{
	fds[i] = muster_sem_open(NULL, 0, 0, permits);
	if (fds[i] < 0)
		failed("muster_sem_open");
}

static void library_make(unsigned int i, unsigned int permits)
{
	library_open(i, permits);
	check("no lease", muster_sem_lease(fds[i], 0), 0);
}

static inline void library_acquire(unsigned int i)
{
	check("acquire", muster_sem_acquire(fds[i], 1, MUSTER_FOREVER), 0);
}

static inline bool library_try(unsigned int i)
{
	return muster_sem_try_acquire(fds[i], 1) != -EAGAIN;
}

static inline void library_release(unsigned int i)
{
	check("release", muster_sem_release(fds[i], 1), 0);
}

LOCK(library, NULL);

/* ---- muster, by permits on loan: the library does it by itself, by descriptor ---- */

static void loan_attach(void)
{
	unsigned int i;

	/* A child has a lease of its own. */
	for (i = 0; i < LOCKS_MAX && fds[i]; i++)
		check("lease", muster_sem_lease(fds[i], 1), 0);
}

#define loan_make	library_open
#define loan_acquire	library_acquire
#define loan_release	library_release
#define loan_try	library_try

LOCK(loan, loan_attach);

/* ---- the same, compiled into the program ---- */

static struct muster_fast fast[LOCKS_MAX];

static void lease_make(unsigned int i, unsigned int permits)
{
	library_open(i, permits);
}

static void lease_attach(void)
{
	unsigned int i;

	for (i = 0; i < LOCKS_MAX && fds[i]; i++)
		check("lease", muster_sem_fast(fds[i], &fast[i]), 0);
}

static inline void lease_acquire(unsigned int i)
{
	check("acquire", muster_fast_acquire(&fast[i], 1, MUSTER_FOREVER), 0);
}

static inline bool lease_try(unsigned int i)
{
	return muster_fast_take(&fast[i], 1) || library_try(i);
}

static inline void lease_release(unsigned int i)
{
	check("release", muster_fast_release(&fast[i], 1), 0);
}

LOCK(lease, lease_attach);

/* ---- two system calls that do nothing: what no ioctl can be below ---- */

#define EMPTY_IOCTL _IO(MUSTER_IOC_MAGIC, 0xff)

static inline void empty_acquire(unsigned int i)
{
	check("empty ioctl", do_ioctl(fds[i], EMPTY_IOCTL, NULL), -ENOTTY);
}

static inline void empty_release(unsigned int i)
{
	empty_acquire(i);
}

static inline bool empty_try(unsigned int i)
{
	return do_ioctl(fds[i], EMPTY_IOCTL, NULL) != -ENOTTY;
}

#define empty_make muster_make
LOCK(empty, NULL);

/* ---- SysV semaphores ---- */

static void semop_make(unsigned int i, unsigned int permits)
{
	fds[i] = semget(IPC_PRIVATE, 1, 0600);
	if (fds[i] < 0 || semctl(fds[i], 0, SETVAL, permits))
		failed("semget");
}

static inline int semop_one(unsigned int i, short change, short flags)
{
	struct sembuf op = { .sem_op = change, .sem_flg = flags };

	return semop(fds[i], &op, 1);
}

static inline void semop_acquire(unsigned int i)
{
	check("semop", semop_one(i, -1, 0), 0);
}

static inline bool semop_try(unsigned int i)
{
	return !semop_one(i, -1, IPC_NOWAIT);
}

static inline void semop_release(unsigned int i)
{
	check("semop", semop_one(i, 1, 0), 0);
}

static inline void semop_undo_acquire(unsigned int i)
{
	check("semop", semop_one(i, -1, SEM_UNDO), 0);
}

static inline bool semop_undo_try(unsigned int i)
{
	return !semop_one(i, -1, IPC_NOWAIT | SEM_UNDO);
}

static inline void semop_undo_release(unsigned int i)
{
	check("semop", semop_one(i, 1, SEM_UNDO), 0);
}

#define semop_undo_make semop_make
LOCK(semop, NULL);
LOCK(semop_undo, NULL);
SIGNAL(semop, semop_make);

/* ---- glibc's semaphore ---- */

static sem_t *sems;

static void sem_t_make(unsigned int i, unsigned int permits)
{
	if (!sems)
		sems = shared_memory(LOCKS_MAX * 4096);
	if (sem_init(&sems[i * 4096 / sizeof(*sems)], 1, permits))
		failed("sem_init");
}

static inline sem_t *sem_of(unsigned int i)
{
	return &sems[i * 4096 / sizeof(*sems)];
}

static inline void sem_t_acquire(unsigned int i)
{
	check("sem_wait", sem_wait(sem_of(i)), 0);
}

static inline bool sem_t_try(unsigned int i)
{
	return !sem_trywait(sem_of(i));
}

static inline void sem_t_release(unsigned int i)
{
	check("sem_post", sem_post(sem_of(i)), 0);
}

LOCK(sem_t, NULL);
SIGNAL(sem_t, sem_t_make);

/* ---- robust mutex ---- */

static pthread_mutex_t *mutex;

static void robust_make(unsigned int i, unsigned int permits)
{
	pthread_mutexattr_t attr;

	(void)i;
	(void)permits;
	mutex = shared_memory(sizeof(*mutex));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	check("mutex_init", pthread_mutex_init(mutex, &attr), 0);
}

static inline void robust_acquire(unsigned int i)
{
	(void)i;
	check("mutex_lock", pthread_mutex_lock(mutex), 0);
}

static inline bool robust_try(unsigned int i)
{
	(void)i;
	return !pthread_mutex_trylock(mutex);
}

static inline void robust_release(unsigned int i)
{
	(void)i;
	check("mutex_unlock", pthread_mutex_unlock(mutex), 0);
}

LOCK(robust, NULL);

/* ---- eventfd as a semaphore ---- */

static void eventfd_make(unsigned int i, unsigned int permits)
{
	fds[i] = eventfd(permits, EFD_SEMAPHORE | EFD_CLOEXEC);
	if (fds[i] < 0)
		failed("eventfd");
}

/* To try, all who share it have to be in non-blocking mode. */
static void eventfd_nonblock_make(unsigned int i, unsigned int permits)
{
	eventfd_make(i, permits);
	if (fcntl(fds[i], F_SETFL, O_NONBLOCK))
		failed("O_NONBLOCK");
}

static inline void eventfd_acquire(unsigned int i)
{
	uint64_t value;

	check("read of eventfd", read(fds[i], &value, sizeof(value)), sizeof(value));
}

static inline bool eventfd_try(unsigned int i)
{
	uint64_t value;

	return read(fds[i], &value, sizeof(value)) >= 0;
}

static inline void eventfd_release(unsigned int i)
{
	uint64_t value = 1;

	check("write to eventfd", write(fds[i], &value, sizeof(value)), sizeof(value));
}

#define eventfd_nonblock_acquire eventfd_acquire
#define eventfd_nonblock_release eventfd_release
#define eventfd_nonblock_try eventfd_try

LOCK(eventfd, NULL);
LOCK(eventfd_nonblock, NULL);
SIGNAL(eventfd, eventfd_make);

/* ---- flock: each process opens the file for itself ---- */

#define FLOCK_FILE "/dev/shm/peers-lock"

static void flock_make(unsigned int i, unsigned int permits)
{
	(void)i;
	(void)permits;
	close(open(FLOCK_FILE, O_RDWR | O_CREAT, 0600));
}

static void flock_attach(void)
{
	fds[0] = open(FLOCK_FILE, O_RDWR | O_CLOEXEC);
	if (fds[0] < 0)
		failed(FLOCK_FILE);
}

static inline void flock_acquire(unsigned int i)
{
	check("flock", flock(fds[i], LOCK_EX), 0);
}

static inline bool flock_try(unsigned int i)
{
	return !flock(fds[i], LOCK_EX | LOCK_NB);
}

static inline void flock_release(unsigned int i)
{
	check("unlock", flock(fds[i], LOCK_UN), 0);
}

LOCK(flock, flock_attach);

/* ---- /dev/ntsync, in Linux 6.14 and later; what is needed of its interface ---- */

struct nt_sem_args {
	uint32_t count;
	uint32_t max;
};

struct nt_wait_args {
	uint64_t timeout;
	uint64_t objs;
	uint32_t count;
	uint32_t index;
	uint32_t flags;
	uint32_t owner;
	uint32_t alert;
	uint32_t pad;
};

#define NT_CREATE_SEM	_IOW('N', 0x80, struct nt_sem_args)
#define NT_SEM_RELEASE	_IOWR('N', 0x81, uint32_t)
#define NT_WAIT_ANY	_IOWR('N', 0x82, struct nt_wait_args)

static int ntsync = -1;

static void ntsync_make(unsigned int i, unsigned int permits)
{
	struct nt_sem_args args = { .count = permits, .max = 1000000 };

	if (ntsync < 0)
		ntsync = open("/dev/ntsync", O_RDWR | O_CLOEXEC);
	if (ntsync < 0)
		not_here("no /dev/ntsync");
	fds[i] = ioctl(ntsync, NT_CREATE_SEM, &args);
	if (fds[i] < 0)
		failed("ntsync");
}

static inline long ntsync_wait(unsigned int i, uint64_t timeout)
{
	uint32_t obj = fds[i];
	struct nt_wait_args args = {
		.timeout = timeout, .objs = (uintptr_t)&obj, .count = 1, .owner = 1,
	};

	return do_ioctl(ntsync, NT_WAIT_ANY, &args);
}

static inline void ntsync_acquire(unsigned int i)
{
	check("ntsync wait", ntsync_wait(i, UINT64_MAX), 0);
}

static inline bool ntsync_try(unsigned int i)
{
	return ntsync_wait(i, 0) != -ETIMEDOUT;
}

static inline void ntsync_release(unsigned int i)
{
	uint32_t count = 1;

	check("ntsync release", do_ioctl(fds[i], NT_SEM_RELEASE, &count), 0);
}

LOCK(ntsync, NULL);
SIGNAL(ntsync, ntsync_make);

/* ---- Redis: SET NX with a lease, and DEL ---- */

static const char redis_set[] =
	"*6\r\n$3\r\nSET\r\n$4\r\nlock\r\n$2\r\nme\r\n$2\r\nNX\r\n$2\r\nPX\r\n$5\r\n30000\r\n";
static const char redis_del[] = "*2\r\n$3\r\nDEL\r\n$4\r\nlock\r\n";

static void redis_make(unsigned int i, unsigned int permits)
{
	(void)i;
	(void)permits;
	redis_start();
}

static inline bool redis_try(unsigned int i)
{
	char buf[16];
	size_t len;

	(void)i;
	redis_send(redis_set, sizeof(redis_set) - 1);
	return redis_reply(buf, sizeof(buf), &len) == '+';
}

/* Nobody is told when it is free: who wants it asks again. */
static inline void redis_acquire(unsigned int i)
{
	while (!redis_try(i))
		sched_yield();
}

static inline void redis_release(unsigned int i)
{
	(void)i;
	redis_send(redis_del, sizeof(redis_del) - 1);
	redis_expect(':');
}

LOCK(redis, redis_connect);
