// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Permits without a system call: L9, and that a process may be killed at any instruction
 * of it (L7)
 */
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "lib_test.h"

#define LIMIT	4
#define PARAM	"/sys/module/muster/parameters/leases_max"

/* Enough for a lease to come by itself, and for permits to be lent by it. */
#define A_WHILE	200

static struct muster_sem_stat look(int fd)
{
	struct muster_sem_stat stat;

	if (muster_sem_stat(fd, &stat, NULL, 0) < 0)
		abort();
	return stat;
}

/* Uses the semaphore until permits are lent; whether they are. */
static bool use(int fd)
{
	int i;

	for (i = 0; i < A_WHILE && !(look(fd).lease && look(fd).idle); i++) {
		if (muster_sem_acquire(fd, 1, MUSTER_FOREVER) || muster_sem_release(fd, 1))
			return false;
	}
	return look(fd).idle;
}

/* ---- mremap(2), in place of glibc's, however the library is linked ---- */

/**
 * struct mover - what is to happen when the library moves a page
 * @to:		where it was to be moved last
 * @meanwhile:	what another thread does before that, or NULL; with @fd
 * @fd:		see above
 * @fails:	it fails, when what was there is unmapped already
 * @foreign:	and another thread has mapped something there
 */
static struct mover {
	void *to;
	void (*meanwhile)(int fd);
	int fd;
	bool fails;
	bool foreign;
} mover;

void *mremap(void *old, size_t old_size, size_t new_size, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mover.to = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
	va_end(args);
	if (mover.meanwhile)
		mover.meanwhile(mover.fd);
	if (!mover.fails)
		return (void *)syscall(SYS_mremap, old, old_size, new_size, flags, mover.to);
	munmap(mover.to, new_size);
	if (mover.foreign)
		memset(mmap(mover.to, new_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), 'x', new_size);
	errno = ENOMEM;
	return MAP_FAILED;
}

/* ---- madvise(2), too ---- */

/**
 * struct adviser - what is to happen when the library makes its memory for leases
 * @err:	errno, or 0: it does not fail
 * @asked:	how often
 */
static struct adviser {
	int err;
	int asked;
} adviser;

int madvise(void *start, size_t size, int advice)
{
	adviser.asked++;
	if (!adviser.err)
		return syscall(SYS_madvise, start, size, advice);
	errno = adviser.err;
	return -1;
}

/* From here on a system call other than read, write and exit is death. */
static void no_system_calls(void)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(4);
}

static void leave(int status)
{
	syscall(SYS_exit, status);
}

/* ---- without a system call ---- */

/* A descriptor whose lease was over, so that the next page is moved to where it was. */
static int open_over(struct muster_fast *fast)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	if (muster_sem_fast(fd, fast))
		return -1;
	close(dup(fd));
	return fd;
}

static bool is_mapped(void *page)
{
	unsigned char in_core;

	return !mincore(page, 1, &in_core);
}

static bool is_still_there(const char *page)
{
	int i;

	for (i = 0; i < getpagesize(); i++) {
		if (page[i] != 'x')
			return false;
	}
	return true;
}

/*
 * L9: no memory to move the page, and the former one is gone: where a thread may look there
 * is one again, and what another thread has mapped there is let alone.
 */
TEST(not_moved)
{
	struct muster_fast fast;
	int fd = open_over(&fast), i;
	void *foreign;

	ASSERT_LE(0, fd);
	mover.fails = true;
	EXPECT_EQ(-ENOMEM, muster_sem_lease(fd, 1));
	EXPECT_TRUE(is_mapped(mover.to));
	mover.foreign = true;
	EXPECT_EQ(-ENOMEM, muster_sem_lease(fd, 1));
	foreign = mover.to;
	EXPECT_TRUE(is_still_there(foreign));
	mover.fails = false;
	for (i = 0; i < A_WHILE; i++) {
		ASSERT_EQ(0, muster_fast_acquire(&fast, 1, MUSTER_FOREVER));
		ASSERT_EQ(0, muster_fast_release(&fast, 1));
	}
	EXPECT_TRUE(is_still_there(foreign));
	EXPECT_EQ(0, muster_sem_lease(fd, 1));
	EXPECT_TRUE(is_still_there(foreign));
	EXPECT_TRUE(use(fd));
}

static void lease_off(int fd)
{
	muster_sem_lease(fd, 0);
}

/* L9: one thread says that there is to be none while another gets one. */
TEST(not_wanted_meanwhile)
{
	struct muster_fast fast;
	int fd = open_over(&fast);

	ASSERT_LE(0, fd);
	mover.meanwhile = lease_off;
	mover.fd = fd;
	EXPECT_EQ(-EOPNOTSUPP, muster_sem_lease(fd, 1));
	EXPECT_EQ(&fast.slot->none, muster_fast_word(&fast));
	mover.meanwhile = NULL;
	EXPECT_EQ(0, muster_sem_lease(fd, 1));
	EXPECT_NE(&fast.slot->none, muster_fast_word(&fast));
}

static int alone_sem(void *arg)
{
	int fd = *(int *)arg, i, bad = 0;

	if (!use(fd))
		return 1;
	no_system_calls();
	for (i = 0; i < 100; i++) {
		bad |= muster_sem_acquire(fd, 1, MUSTER_FOREVER);
		bad |= muster_sem_release(fd, 1);
		bad |= muster_sem_try_acquire(fd, 1);
		bad |= muster_sem_release_flags(fd, 1, MUSTER_RELEASE_UNCHECKED);
		bad |= muster_sem_acquire_grant(fd, 1, MUSTER_WAIT_REALTIME, 0, NULL);
		bad |= muster_sem_release(fd, 1);
	}
	leave(bad ? 2 : 0);
	return 3;
}

static int alone_fast(void *arg)
{
	struct muster_fast fast;
	int fd = *(int *)arg, i, bad;

	bad = muster_sem_fast(fd, &fast);
	bad |= muster_fast_acquire(&fast, 2, MUSTER_FOREVER);
	bad |= muster_fast_release(&fast, 2);
	if (bad || look(fd).idle != 2)
		return 1;
	no_system_calls();
	for (i = 0; i < 100; i++) {
		bad |= muster_fast_acquire(&fast, 1, MUSTER_FOREVER);
		bad |= muster_fast_acquire(&fast, 1, MUSTER_FOREVER);
		bad |= muster_fast_release(&fast, 2);
	}
	leave(bad ? 2 : 0);
	return 3;
}

static int alone_mutex(void *arg)
{
	int fd = muster_mutex_open(NULL, 0, 0), i, bad = 0;

	for (i = 0; i < A_WHILE; i++)
		bad |= muster_mutex_lock(fd) | muster_mutex_unlock(fd);
	no_system_calls();
	for (i = 0; i < 100; i++) {
		bad |= muster_mutex_lock(fd) | muster_mutex_unlock(fd);
		bad |= muster_mutex_trylock(fd) | muster_mutex_unlock(fd);
	}
	leave(bad ? 2 : 0);
	return 3;
}

static int alone_rwlock(void *arg)
{
	int fd = muster_rwlock_open(NULL, 0, 0), i, bad = 0;

	for (i = 0; i < A_WHILE; i++)
		bad |= muster_rwlock_rdlock(fd) | muster_rwlock_unlock(fd);
	no_system_calls();
	for (i = 0; i < 100; i++) {
		bad |= muster_rwlock_rdlock(fd) | muster_rwlock_tryrdlock(fd);
		if (!i)
			continue;
		bad |= muster_rwlock_unlock(fd) | muster_rwlock_unlock(fd);
	}
	leave(bad ? 2 : 0);
	return 3;
}

/* L9: after a while semaphores, mutexes and readers do without. */
TEST(no_system_call)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	EXPECT_EQ(0, reap(spawn(alone_sem, &fd)));
	EXPECT_EQ(0, reap(spawn(alone_fast, &fd)));
	EXPECT_EQ(0, reap(spawn(alone_mutex, NULL)));
	/* Its lease has one permit, the second reader asks for another. */
	EXPECT_EQ(-SIGKILL, reap(spawn(alone_rwlock, NULL)));
	EXPECT_EQ(0, look(fd).held);
	EXPECT_EQ(LIMIT, look(fd).available);
}

static int one_reader(void *arg)
{
	int fd = muster_rwlock_open(NULL, 0, 0), i, bad = 0;

	for (i = 0; i < A_WHILE; i++)
		bad |= muster_rwlock_rdlock(fd) | muster_rwlock_unlock(fd);
	no_system_calls();
	for (i = 0; i < 100; i++)
		bad |= muster_rwlock_rdlock(fd) | muster_rwlock_unlock(fd);
	leave(bad ? 2 : 0);
	return 3;
}

/* L9, G5c: who reads; who writes takes that back. */
TEST(rwlock)
{
	int fd = muster_rwlock_open(NULL, 0, 0);

	EXPECT_EQ(0, reap(spawn(one_reader, NULL)));
	ASSERT_TRUE(use(fd));
	/* What it reads with is on loan, the rest is not: it gives back all. */
	EXPECT_EQ(0, muster_rwlock_rdlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_rdlock(fd));
	EXPECT_EQ(0, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, look(fd).held);
	EXPECT_EQ(-EPERM, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_rdlock(fd));
	EXPECT_EQ(-EAGAIN, muster_rwlock_trywrlock(fd));
	EXPECT_EQ(0, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(-EAGAIN, muster_rwlock_tryrdlock(fd));
	EXPECT_EQ(0, muster_rwlock_downgrade(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(-EPERM, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_wrlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(-EPERM, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, look(fd).held);
}

/* L6, L9: who asks for a token gets one that has grown. */
TEST(token)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);
	struct muster_grant one, two;

	ASSERT_TRUE(use(fd));
	EXPECT_EQ(0, muster_sem_acquire_grant(fd, 1, 0, MUSTER_FOREVER, &one));
	EXPECT_EQ(0, muster_sem_acquire(fd, 1, MUSTER_FOREVER));
	EXPECT_EQ(0, muster_sem_acquire_grant(fd, 1, 0, MUSTER_FOREVER, &two));
	EXPECT_LT(one.token, two.token);
	EXPECT_EQ(3, look(fd).held);
	EXPECT_EQ(-EPERM, muster_sem_release(fd, 4));
	EXPECT_EQ(0, muster_sem_release(fd, 3));
	EXPECT_EQ(0, look(fd).held);
}

/* L9: what is no number of permits is told as ever. */
TEST(no_numbers)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	ASSERT_TRUE(use(fd));
	EXPECT_EQ(-EINVAL, muster_sem_acquire(fd, 1ULL << 63, 0));
	EXPECT_EQ(-ERANGE, muster_sem_acquire(fd, (1ULL << 32) + 1, 0));
	EXPECT_EQ(-EPERM, muster_sem_release(fd, (1ULL << 32) + 1));
	EXPECT_EQ(-EPERM, muster_sem_release(fd, 1ULL << 32));
	EXPECT_EQ(0, muster_sem_acquire(fd, 0, 0));
	EXPECT_EQ(0, muster_sem_release(fd, 0));
	EXPECT_EQ(-EINVAL, muster_sem_acquire_grant(fd, 1, 1U << 20, 0, NULL));
	EXPECT_EQ(-EBADF, muster_sem_acquire(-1, 1, 0));
	EXPECT_EQ(-EBADF, muster_sem_release(4095, 1));
	EXPECT_EQ(-EBADF, muster_sem_release(4096, 1));
	EXPECT_EQ(-EBADF, muster_sem_acquire(1 << 30, 0, 0));
}

/* ---- with and without ---- */

/* L2, L9: by the caller's will. */
TEST(not_wanted)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	EXPECT_EQ(0, muster_sem_lease(fd, 0));
	EXPECT_FALSE(use(fd));
	EXPECT_EQ(0, look(fd).lease);
	EXPECT_EQ(0, muster_sem_lease(fd, 1));
	EXPECT_NE(0, look(fd).lease);
	EXPECT_TRUE(use(fd));
	/* What is held that way is given back the other way. */
	EXPECT_EQ(0, muster_sem_acquire(fd, 1, 0));
	EXPECT_EQ(0, muster_sem_lease(fd, 0));
	EXPECT_EQ(0, muster_sem_release(fd, 1));
	EXPECT_EQ(-EPERM, muster_sem_release(fd, 1));
	/* The number is forgotten with the descriptor. */
	close(fd);
	ASSERT_EQ(fd, muster_sem_open(NULL, 0, 0, LIMIT));
	EXPECT_TRUE(use(fd));
}

/* L2, L9: where there is none it goes on by ioctl. */
TEST(none_to_be_had)
{
	struct muster_open how = {
		.type = MUSTER_SEM, .limit = LIMIT, .flags = MUSTER_OPEN_NO_LEASE,
	};
	struct muster_fast fast;
	int fd = muster_open(&how), flight = muster_flight_open(NULL, 0, 0, 0, 0);
	int signals = muster_sem_open_signalling(NULL, 0, 0, LIMIT, 0);

	ASSERT_LE(0, fd);
	EXPECT_FALSE(use(fd));
	EXPECT_EQ(0, look(fd).lease);
	EXPECT_EQ(-EOPNOTSUPP, muster_sem_lease(fd, 1));
	EXPECT_EQ(-EOPNOTSUPP, muster_sem_lease(1 << 20, 1));
	EXPECT_EQ(0, muster_sem_lease(1 << 20, 0));
	EXPECT_EQ(-EOPNOTSUPP, muster_sem_lease(signals, 1));
	EXPECT_EQ(-ENODEV, muster_sem_lease(flight, 1));
	EXPECT_EQ(-EBADF, muster_sem_lease(4000, 1));
	EXPECT_EQ(-EOPNOTSUPP, muster_sem_fast(fd, &fast));
	EXPECT_EQ(0, muster_fast_acquire(&fast, LIMIT, 0));
	EXPECT_EQ(-EPERM, muster_fast_release(&fast, LIMIT + 1));
	EXPECT_EQ(0, muster_fast_release(&fast, LIMIT));
	EXPECT_EQ(0, muster_sem_release(signals, 1));
	EXPECT_EQ(0, muster_sem_acquire(signals, 1, 0));
}

/*
 * L9: a kernel without MADV_WIPEONFORK, where a child would have its parent's permits. That
 * is not asked again for each release.
 */
TEST(not_wiped)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	adviser.err = ENOSYS;
	EXPECT_FALSE(use(fd));
	EXPECT_GT(8, adviser.asked);
	EXPECT_EQ(0, look(fd).lease);
	EXPECT_EQ(-EOPNOTSUPP, muster_sem_lease(fd, 1));
	EXPECT_EQ(0, muster_sem_lease(fd, 0));
	/* Want of memory may end, and then it would matter. */
	adviser.err = ENOMEM;
	EXPECT_EQ(-ENOMEM, muster_sem_lease(fd, 1));
	EXPECT_EQ(-ENOMEM, muster_sem_lease(fd, 0));
	adviser.err = EAGAIN;
	EXPECT_EQ(-ENOMEM, muster_sem_lease(fd, 1));
	adviser.err = 0;
	EXPECT_EQ(0, muster_sem_lease(fd, 1));
	EXPECT_TRUE(use(fd));
}

/* I3: what is no semaphore is not kept mapped, and is no lease. */
TEST(lease_of_a_file)
{
	int fd = memfd_create("lease", MFD_ALLOW_SEALING), i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, getpagesize()));
	EXPECT_EQ(-ENOTTY, muster_sem_lease(fd, 1));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-ENOTTY, muster_sem_release(fd, 1));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	close(fd);
}

static bool set_leases_max(const char *value)
{
	int fd = open(PARAM, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, value, strlen(value)) > 0;

	close(fd);
	return good;
}

/* L2, L9: nor where the module has none. */
TEST(switched_off)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	if (!set_leases_max("0"))
		SKIP(return, "no parameter may be set");
	EXPECT_FALSE(use(fd));
	EXPECT_EQ(0, look(fd).lease);
	EXPECT_EQ(0, look(fd).held);
	ASSERT_TRUE(set_leases_max("4096"));
	EXPECT_TRUE(use(fd));
}

/* L9: errno is left alone. */
TEST(errno_left_alone)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);

	errno = SOME_ERRNO;
	EXPECT_TRUE(use(fd));
	EXPECT_EQ(-EBADF, muster_sem_lease(4000, 1));
	EXPECT_EQ(SOME_ERRNO, errno);
}

/* ---- descriptors ---- */

/* L7, L9: a number that is another semaphore's now acquires from that. */
TEST(numbers_change_hands)
{
	int one = muster_sem_open(NULL, 0, 0, LIMIT), two, dup_one, i;
	int other = muster_sem_open(NULL, 0, 0, LIMIT);

	for (i = 0; i < 30; i++) {
		ASSERT_TRUE(use(one));
		ASSERT_TRUE(use(other));
		/* @one remains open by another number, and its number is @other's. */
		dup_one = dup(one);
		ASSERT_EQ(one, dup2(other, one));
		ASSERT_EQ(0, muster_sem_acquire(one, 1, 0));
		ASSERT_EQ(1, look(other).held);
		ASSERT_EQ(0, look(dup_one).held);
		ASSERT_EQ(0, muster_sem_release(one, 1));
		ASSERT_TRUE(use(one));
		ASSERT_EQ(0, muster_sem_acquire(dup_one, 1, 0));
		ASSERT_EQ(0, look(one).held);
		ASSERT_EQ(0, muster_sem_release(dup_one, 1));
		ASSERT_EQ(one, dup2(dup_one, one));
		close(dup_one);
		ASSERT_EQ(0, look(one).held);
		ASSERT_EQ(LIMIT, look(one).available);
	}
	for (i = 0; i < 200; i++) {
		two = muster_sem_open(NULL, 0, 0, LIMIT);
		ASSERT_TRUE(use(two));
		ASSERT_EQ(0, muster_sem_acquire(two, 1, 0));
		close(two);
		ASSERT_EQ(-EBADF, muster_sem_release(two, 1));
	}
}

/* Mappings of leases that the process has. */
static int nr_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (maps && fgets(line, sizeof(line), maps))
		n += !!strstr(line, "[muster-lease]");
	if (maps)
		fclose(maps);
	return n;
}

/* L9: what is over is not heaped up. */
TEST(no_heap_of_mappings)
{
	int i, fd;

	for (i = 0; i < 50; i++) {
		fd = muster_sem_open(NULL, 0, 0, LIMIT);
		ASSERT_TRUE(use(fd));
		EXPECT_EQ(1, nr_mappings());
		close(fd);
	}
}

/* ---- fork ---- */

static int child_of_holder(void *arg)
{
	int fd = *(int *)arg;

	if (muster_sem_release(fd, 1) != -EPERM || !use(fd) || nr_mappings() != 1)
		return 1;
	return muster_sem_acquire(fd, 1, 0) ? 2 : 0;
}

/* L9, W3: a child has nothing of its parent's, and gets a lease of its own. */
TEST(forked)
{
	int fd = muster_sem_open(NULL, 0, 0, LIMIT);
	struct muster_fast fast;
	pid_t pid;

	ASSERT_EQ(0, muster_sem_fast(fd, &fast));
	ASSERT_TRUE(use(fd));
	ASSERT_EQ(0, muster_fast_acquire(&fast, 1, 0));
	EXPECT_EQ(0, reap(spawn(child_of_holder, &fd)));
	pid = fork();
	if (!pid)
		_exit(muster_fast_release(&fast, 1) != -EPERM ||
		      muster_fast_acquire(&fast, LIMIT - 1, 0));
	EXPECT_EQ(0, reap(pid));
	/* The children died with permits. */
	EXPECT_EQ(1, look(fd).held);
	EXPECT_EQ(1, look(fd).abandoned);
	EXPECT_EQ(0, muster_fast_release(&fast, 1));
	EXPECT_EQ(LIMIT, look(fd).available);
}

/* ---- death ---- */

static int holder(void *arg)
{
	int fd = *(int *)arg, i;

	for (i = 0; i < A_WHILE; i++) {
		if (muster_mutex_lock(fd) || muster_mutex_unlock(fd))
			return 1;
	}
	if (!look(fd).idle || muster_mutex_lock(fd) || !look(fd).held)
		return 2;
	raise(SIGKILL);
	return 3;
}

/* L6, G5b: the next one has notice of a death that the kernel was not asked about. */
TEST(notice)
{
	int fd = muster_mutex_open(NULL, 0, 0);

	EXPECT_EQ(-SIGKILL, reap(spawn(holder, &fd)));
	EXPECT_EQ(1, muster_mutex_lock(fd));
	EXPECT_EQ(0, muster_mutex_unlock(fd));
	EXPECT_EQ(0, muster_mutex_lock(fd));
	EXPECT_EQ(0, muster_mutex_unlock(fd));
}

/* ---- killed at any instruction ---- */

/* Ways to acquire and release. */
enum way { SEM, FAST, MUTEX, READER };

struct victim {
	int fd;
	enum way way;
};

static int acquire_by(const struct victim *v, const struct muster_fast *fast)
{
	switch (v->way) {
	case SEM: return muster_sem_acquire(v->fd, 1, MUSTER_FOREVER);
	case FAST: return muster_fast_acquire(fast, 1, MUSTER_FOREVER);
	case MUTEX: return muster_mutex_lock(v->fd);
	default: return muster_rwlock_rdlock(v->fd);
	}
}

static int release_by(const struct victim *v, const struct muster_fast *fast)
{
	switch (v->way) {
	case SEM: return muster_sem_release(v->fd, 1);
	case FAST: return muster_fast_release(fast, 1);
	case MUTEX: return muster_mutex_unlock(v->fd);
	default: return muster_rwlock_unlock(v->fd);
	}
}

/* Stops right before it begins, and when it is done, each with few instructions beside. */
static int victim(void *arg)
{
	const struct victim *v = arg;
	struct muster_fast fast;
	int i, pid = getpid();

	if (muster_sem_fast(v->fd, &fast) || ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		return 1;
	for (i = 0; i < A_WHILE && !look(v->fd).idle; i++) {
		if (acquire_by(v, &fast) || release_by(v, &fast))
			return 2;
	}
	syscall(SYS_kill, pid, SIGSTOP);
	if (acquire_by(v, &fast) || release_by(v, &fast))
		return 3;
	__builtin_trap();
}

static bool step(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		return false;
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

/* Kills one after so many instructions; how many it took, fewer if it was done before. */
static int kill_after(const struct victim *v, int steps)
{
	pid_t pid = spawn(victim, (void *)v);
	int status, n;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	for (n = 0; n < steps && step(pid); n++)
		;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return n;
}

/*
 * At whatever instruction it dies, all permits come back; and it is said to have
 * held some if that was so: not before it has acquired, then at each instruction, and not
 * from its releasing on.
 */
static int kill_everywhere(struct victim *v, uint64_t all)
{
	struct muster_sem_stat stat;
	int i, changes = 0, was = 0;

	for (i = 0; kill_after(v, i) == i; i++) {
		stat = look(v->fd);
		if (stat.held || stat.available != all || stat.idle)
			return -1;
		if (muster_sem_try_acquire(v->fd, all) || muster_sem_release(v->fd, all))
			return -2;
		changes += stat.abandoned != was;
		was = stat.abandoned;
		if (i > 100000)
			return -3;
	}
	return changes == 2 && !was ? i : -4;
}

FIXTURE(victims) {
};

FIXTURE_SETUP(victims)
{
}

FIXTURE_TEARDOWN(victims)
{
}

static void kill_victims(struct __test_metadata *_metadata, enum way way, uint64_t all)
{
	struct victim v = { muster_sem_open(NULL, 0, 0, all), way };
	int n;

	muster_sem_lease(v.fd, 0);
	n = kill_everywhere(&v, all);
	EXPECT_LT(20, n);
	TH_LOG("%d instructions", n);
}

/* L7, L9, W4 */
TEST_F_TIMEOUT(victims, semaphore, 300)
{
	kill_victims(_metadata, SEM, LIMIT);
}

/* L7, L9, W4 */
TEST_F_TIMEOUT(victims, fast_semaphore, 300)
{
	kill_victims(_metadata, FAST, LIMIT);
}

/* L7, L9, W4 */
TEST_F_TIMEOUT(victims, mutex, 300)
{
	kill_victims(_metadata, MUTEX, 1);
}

/* L7, L9, W4 */
TEST_F_TIMEOUT(victims, rwlock, 300)
{
	kill_victims(_metadata, READER, 1ULL << 62);
}

/* ---- many ---- */

struct crowd {
	int fd;
	volatile int inside;
	volatile int wrong;
	volatile int done;
	int rounds;
};

static void *one_of_crowd(void *arg)
{
	struct crowd *crowd = arg;
	int i;

	for (i = 0; i < crowd->rounds; i++) {
		if (muster_sem_acquire(crowd->fd, 1, MUSTER_FOREVER))
			__atomic_fetch_add(&crowd->wrong, 1, __ATOMIC_RELAXED);
		if (__atomic_fetch_add(&crowd->inside, 1, __ATOMIC_RELAXED) >= LIMIT)
			__atomic_fetch_add(&crowd->wrong, 1, __ATOMIC_RELAXED);
		if (i % 8 == 0)
			sched_yield();
		__atomic_fetch_sub(&crowd->inside, 1, __ATOMIC_RELAXED);
		if (muster_sem_release(crowd->fd, 1))
			__atomic_fetch_add(&crowd->wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

#define THREADS		6
#define PROCESSES	3

static int crowd_process(void *arg)
{
	pthread_t thread[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, one_of_crowd, arg))
			return 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* What takes long where there is little of a machine to be had. */
FIXTURE(many) {
};

FIXTURE_SETUP(many)
{
}

FIXTURE_TEARDOWN(many)
{
}

/* L3, L4, L9: threads and processes, never more than there are permits. */
TEST_F_TIMEOUT(many, crowd, 300)
{
	struct crowd *crowd = share(sizeof(*crowd));
	pid_t pid[PROCESSES];
	int i;

	ASSERT_NE(NULL, crowd);
	crowd->fd = muster_sem_open(NULL, 0, 0, LIMIT);
	crowd->rounds = 3000;
	for (i = 0; i < PROCESSES; i++)
		pid[i] = spawn(crowd_process, crowd);
	for (i = 0; i < PROCESSES; i++)
		EXPECT_EQ(0, reap(pid[i]));
	EXPECT_EQ(0, crowd->wrong);
	EXPECT_EQ(0, crowd->inside);
	EXPECT_EQ(0, look(crowd->fd).held);
	EXPECT_EQ(LIMIT, look(crowd->fd).available);
}

static void *opener(void *arg)
{
	struct crowd *crowd = arg;
	int i, fd;

	for (i = 0; i < crowd->rounds; i++) {
		fd = muster_sem_open(NULL, 0, 0, 1);
		if (fd < 0 || !use(fd) || muster_sem_acquire(fd, 1, 0) ||
		    look(fd).held != 1 || muster_sem_try_acquire(fd, 1) != -EAGAIN ||
		    muster_sem_release(fd, 1))
			__atomic_fetch_add(&crowd->wrong, 1, __ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

/* L7, L9: threads that open and close, each by numbers that were others' before. */
TEST_F_TIMEOUT(many, openers, 300)
{
	struct crowd crowd = { .rounds = 150 };
	pthread_t thread[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, opener, &crowd));
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, crowd.wrong);
}

TEST_MUSTER_MAIN
