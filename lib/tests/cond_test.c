// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The condition variable: G5d
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kill_test.h"

#define NR	3
#define KILLS	60
#define TURNS	2000

/**
 * struct room - where some wait
 * @mutex:	locked by who looks
 * @cond:	the condition variable
 * @keep:	they keep their signals
 * @then:	what they do once woken
 * @deadline:	of their waits
 * @order:	who was woken as which
 * @woken:	how many
 */
struct room {
	int mutex;
	int cond;
	bool keep;
	volatile enum { THEN_DONE, THEN_DIE, THEN_PASS, THEN_AGAIN } then;
	uint64_t deadline;
	volatile int order[NR];
	volatile int woken;
};

FIXTURE(cond) {
	struct room *room;
	int mutex, cond;
};

FIXTURE_SETUP(cond)
{
	self->mutex = muster_mutex_open(NULL, 0, 0);
	self->cond = muster_cond_open(NULL, 0, 0);
	ASSERT_LE(0, self->mutex);
	ASSERT_LE(0, self->cond);
	self->room = share(sizeof(*self->room));
	ASSERT_NE(NULL, self->room);
	*self->room = (struct room){
		.mutex = self->mutex,
		.cond = self->cond,
		.deadline = MUSTER_FOREVER,
	};
}

FIXTURE_TEARDOWN(cond)
{
}

/* Waits once, and is woken with or without notice: 10 more than muster_cond_wait(). */
static int wait_once(void *arg)
{
	struct room *room = arg;
	int signal = -1, ret;

	if (muster_mutex_lock(room->mutex) < 0)
		return 1;
	ret = muster_cond_wait(room->cond, room->mutex, room->deadline,
			       room->keep ? &signal : NULL);
	room->order[room->woken++ % NR] = getpid();
	if (room->then == THEN_DIE)
		raise(SIGKILL);
	if (room->then == THEN_PASS) {
		close(signal);
		signal = -1;
	}
	if (room->then == THEN_AGAIN)
		ret = muster_cond_wait(room->cond, room->mutex, 0, &signal);
	if (muster_cond_done(room->cond, room->mutex, &signal))
		return 2;
	return muster_mutex_unlock(room->mutex) ? 3 : 10 + ret;
}

/* One that is seen to wait. */
#define WAITS(room) ({							\
	unsigned int _n = sem_waiters((room)->cond);			\
	pid_t _pid = spawn(wait_once, room);				\
	ASSERT_SOON(sem_waiters((room)->cond) == _n + 1);		\
	_pid;								\
})

static uint64_t signals(int cond)
{
	struct muster_sem_stat stat;

	return muster_sem_stat(cond, &stat, NULL, 0) ? 99 : stat.limit / 7173492;
}

/* G5d: one by one, in order; then all. */
TEST_F(cond, signal_and_broadcast)
{
	struct room *room = self->room;
	pid_t pid[NR];
	int i, n;

	for (n = 1; n <= NR; n += NR - 1) {
		for (i = 0; i < NR; i++)
			pid[i] = WAITS(room);
		ASSERT_EQ(0, muster_mutex_lock(self->mutex));
		room->woken = 0;
		for (i = 0; i < NR; i += n) {
			EXPECT_EQ(n, n == 1 ? muster_cond_signal(self->cond, self->mutex) :
				  muster_cond_broadcast(self->cond, self->mutex));
			ASSERT_SOON(sem_waiters(self->mutex) == i + n);
		}
		EXPECT_EQ(0, muster_cond_signal(self->cond, self->mutex));
		EXPECT_EQ(0, muster_cond_broadcast(self->cond, self->mutex));
		EXPECT_EQ(NR, signals(self->cond));
		EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
		for (i = 0; i < NR; i++)
			EXPECT_EQ(10, reap(pid[i]));
		for (i = 0; i < NR && n == 1; i++)
			EXPECT_EQ(pid[i], room->order[i]);
		EXPECT_EQ(NR, room->woken);
		EXPECT_EQ(0, signals(self->cond));
	}
}

static int not_mine(void *arg)
{
	struct room *room = arg;

	return muster_cond_signal(room->cond, room->mutex) == -EPERM &&
	       muster_cond_wait(room->cond, room->mutex, 0, NULL) == -EPERM ? 0 : 1;
}

/* G5d: only with the mutex, and what goes wrong leaves it locked. */
TEST_F(cond, errors)
{
	struct rlimit none = { 0, 0 };
	int sem = muster_sem_open(NULL, 0, 0, 5), no_signal = -1;

	EXPECT_EQ(-EPERM, muster_cond_wait(self->cond, self->mutex, 0, NULL));
	EXPECT_EQ(-EPERM, muster_cond_signal(self->cond, self->mutex));
	EXPECT_EQ(-EPERM, muster_cond_broadcast(self->cond, self->mutex));
	EXPECT_EQ(0, muster_cond_done(self->cond, self->mutex, &no_signal));
	ASSERT_EQ(0, muster_mutex_lock(self->mutex));
	EXPECT_EQ(0, reap(spawn(not_mine, self->room)));
	EXPECT_EQ(-ETIMEDOUT, muster_cond_wait(self->cond, self->mutex, 0, NULL));
	EXPECT_EQ(-ETIMEDOUT, muster_cond_wait(self->cond, self->mutex, muster_after_ms(1),
					       NULL));
	EXPECT_EQ(-EINVAL, muster_cond_wait(sem, self->mutex, 0, NULL));
	EXPECT_EQ(-EINVAL, muster_cond_signal(sem, self->mutex));
	EXPECT_EQ(-EBADF, muster_cond_signal(-1, self->mutex));
	errno = SOME_ERRNO;
	ASSERT_EQ(0, fcntl(self->cond, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, muster_cond_wait(self->cond, self->mutex, MUSTER_FOREVER, NULL));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, muster_cond_wait(self->cond, self->mutex, MUSTER_FOREVER, NULL));
	EXPECT_EQ(SOME_ERRNO, errno);
	EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
	EXPECT_EQ(0, sem_waiters(self->cond));
	EXPECT_EQ(0, signals(self->cond));
}

/* In place of the C library's: there is no memory to look who has locked a mutex. */
static bool no_memory;

int ioctl(int fd, unsigned long cmd, ...)
{
	va_list args;
	void *arg;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (no_memory && cmd == MUSTER_SEM_STAT &&
	    ((struct muster_sem_stat *)arg)->nr_processes) {
		errno = ENOMEM;
		return -1;
	}
	return syscall(SYS_ioctl, fd, cmd, arg);
}

/* G5d, O7: want of memory is told as such, and the mutex is locked still. */
TEST_F(cond, no_memory)
{
	int rwlock = muster_rwlock_open(NULL, 0, 0);

	ASSERT_EQ(0, muster_mutex_lock(self->mutex));
	ASSERT_EQ(0, muster_rwlock_rdlock(rwlock));
	no_memory = true;
	EXPECT_EQ(-ENOMEM, muster_cond_wait(self->cond, self->mutex, 0, NULL));
	EXPECT_EQ(-ENOMEM, muster_cond_signal(self->cond, self->mutex));
	EXPECT_EQ(-ENOMEM, muster_cond_broadcast(self->cond, self->mutex));
	EXPECT_EQ(-ENOMEM, muster_rwlock_tryupgrade(rwlock));
	no_memory = false;
	EXPECT_EQ(0, muster_rwlock_tryupgrade(rwlock));
	EXPECT_EQ(0, muster_rwlock_unlock(rwlock));
	EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
}

static void on_signal(int sig)
{
}

static bool is_asleep(pid_t pid)
{
	char path[32], text[512] = "";
	const char *state;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	if (!stat)
		return false;
	state = fgets(text, sizeof(text), stat) ? strrchr(text, ')') : NULL;
	fclose(stat);
	return state && !strncmp(state, ") S", 3);
}

/* T3: a handler ends the wait, not the lock. */
TEST_F(cond, interrupted)
{
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	pid = WAITS(self->room);
	/* It is queued before it waits. */
	ASSERT_SOON(is_ready(self->mutex) && is_asleep(pid));
	kill(pid, SIGUSR1);
	EXPECT_EQ((unsigned char)(10 - EINTR), (unsigned char)reap(pid));
	EXPECT_EQ(0, muster_mutex_trylock(self->mutex));
}

/* G5d: the mutex is locked again though its descriptor does not wait. */
TEST_F(cond, nonblocking_mutex)
{
	pid_t pid;

	ASSERT_EQ(0, fcntl(self->mutex, F_SETFL, O_NONBLOCK));
	pid = WAITS(self->room);
	ASSERT_SOON(is_ready(self->mutex));
	ASSERT_EQ(0, muster_mutex_trylock(self->mutex));
	ASSERT_EQ(1, muster_cond_signal(self->cond, self->mutex));
	EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
	EXPECT_EQ(10, reap(pid));
}

/* G5d: who was woken and dies before it has the mutex wakes the next. */
TEST_F(cond, killed_while_woken)
{
	pid_t first = WAITS(self->room), second = WAITS(self->room);

	ASSERT_EQ(0, muster_mutex_lock(self->mutex));
	ASSERT_EQ(1, muster_cond_signal(self->cond, self->mutex));
	ASSERT_SOON(sem_waiters(self->mutex) == 1);
	EXPECT_EQ(1, sem_waiters(self->cond));
	kill(first, SIGKILL);
	EXPECT_EQ(-SIGKILL, reap(first));
	EXPECT_EQ(0, sem_waiters(self->cond));
	EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
	EXPECT_EQ(10, reap(second));
	EXPECT_EQ(0, signals(self->cond));
}

/* G5d: who keeps its signal, and dies over the work, wakes the next, with notice. */
TEST_F(cond, killed_over_the_work)
{
	pid_t first, second;

	self->room->keep = true;
	first = WAITS(self->room);
	second = WAITS(self->room);
	ASSERT_EQ(0, muster_mutex_lock(self->mutex));
	self->room->then = THEN_DIE;
	ASSERT_EQ(1, muster_cond_signal(self->cond, self->mutex));
	EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
	EXPECT_EQ(-SIGKILL, reap(first));
	EXPECT_EQ(-SIGKILL, reap(second));
	/* Nobody waited any more: whom the signal was for is gone. */
	EXPECT_EQ(1, signals(self->cond));
	EXPECT_EQ(1, muster_mutex_lock(self->mutex));
	EXPECT_EQ(-ETIMEDOUT, muster_cond_wait(self->cond, self->mutex, 0, NULL));
	EXPECT_EQ(0, signals(self->cond));
}

/* G5d: to close what is kept passes it on, to wait again uses it up. */
TEST_F(cond, kept)
{
	struct room *room = self->room;
	int signal = -1;
	pid_t pid, other;

	room->keep = true;
	pid = WAITS(room);
	ASSERT_EQ(0, muster_mutex_lock(self->mutex));
	EXPECT_EQ(-ETIMEDOUT, muster_cond_wait(self->cond, self->mutex, 0, &signal));
	EXPECT_EQ(-1, signal);
	EXPECT_EQ(1, muster_cond_signal(self->cond, self->mutex));
	EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
	EXPECT_EQ(10, reap(pid));

	for (room->then = THEN_PASS; room->then <= THEN_AGAIN; room->then++) {
		pid = WAITS(room);
		other = WAITS(room);
		ASSERT_EQ(0, muster_mutex_lock(self->mutex));
		EXPECT_EQ(1, muster_cond_signal(self->cond, self->mutex));
		EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
		if (room->then == THEN_PASS) {
			EXPECT_EQ(10, reap(pid));
		} else {
			EXPECT_EQ((unsigned char)(10 - ETIMEDOUT), reap(pid));
			EXPECT_EQ(1, sem_waiters(self->cond));
			ASSERT_EQ(0, muster_mutex_lock(self->mutex));
			EXPECT_EQ(1, muster_cond_signal(self->cond, self->mutex));
			EXPECT_EQ(0, muster_mutex_unlock(self->mutex));
		}
		EXPECT_LE(0, reap(other));
	}
	/* Both have passed it on, the second to nobody. */
	EXPECT_EQ(0, muster_mutex_trylock(self->mutex));
	EXPECT_EQ(-ETIMEDOUT, muster_cond_wait(self->cond, self->mutex, 0, NULL));
	EXPECT_EQ(0, signals(self->cond));
}

/* G5d, T5: by ticket, in one thread. */
TEST_F(cond, async)
{
	struct muster_verdict v;
	int first, second;

	EXPECT_EQ(-EPERM, muster_cond_wait_async(self->cond, self->mutex, MUSTER_FOREVER));
	ASSERT_EQ(0, muster_mutex_lock(self->mutex));
	first = muster_cond_wait_async(self->cond, self->mutex, MUSTER_FOREVER);
	ASSERT_LE(0, first);
	ASSERT_EQ(0, muster_mutex_trylock(self->mutex));
	second = muster_cond_wait_async(self->cond, self->mutex, MUSTER_FOREVER);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, muster_mutex_trylock(self->mutex));
	EXPECT_EQ(1, muster_cond_signal(self->cond, self->mutex));
	EXPECT_TRUE(is_ready(first));
	EXPECT_FALSE(is_ready(second));
	close(first);
	EXPECT_TRUE(is_ready(second));
	EXPECT_EQ(0, muster_ticket_read(second, &v, NULL, 0));
	EXPECT_EQ(0, v.error);
	EXPECT_EQ(0, muster_cond_done(self->cond, self->mutex, &second));
	EXPECT_EQ(-1, second);
	EXPECT_EQ(0, signals(self->cond));
}

/* O4: by name, whatever state it is in. */
TEST(cond_by_name)
{
	int mutex = muster_mutex_open("lib-m", O_CREAT, 0600);
	int a = muster_cond_open("lib-q", O_CREAT, 0600), b;
	struct room *room = share(sizeof(*room));
	pid_t pid;

	ASSERT_LE(0, a);
	*room = (struct room){ .mutex = mutex, .cond = a, .deadline = MUSTER_FOREVER };
	pid = WAITS(room);
	ASSERT_EQ(0, muster_mutex_lock(mutex));
	b = muster_cond_open("lib-q", O_CREAT, 0600);
	ASSERT_LE(0, b);
	EXPECT_EQ(1, muster_cond_signal(b, mutex));
	close(b);
	b = muster_cond_open("lib-q", O_CREAT, 0600);
	ASSERT_LE(0, b);
	EXPECT_EQ(1, signals(b));
	EXPECT_EQ(0, muster_mutex_unlock(mutex));
	EXPECT_EQ(10, reap(pid));
}

/* ---- signals that come early ---- */

/* Waits for its turn, and hands it over. */
static bool take_turn(struct yard *yard, int me)
{
	bool good = muster_mutex_lock(yard->fd) == 0;

	while (good && yard->items != me)
		good = muster_cond_wait(yard->cond, yard->fd, MUSTER_FOREVER, NULL) == 0;
	yard->items = !me;
	return good && muster_cond_signal(yard->cond, yard->fd) >= 0 &&
	       !muster_mutex_unlock(yard->fd);
}

static int take_turns(void *arg)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		if (!take_turn(arg, 1))
			return 1;
	}
	return 0;
}

/*
 * G5d: no signal is missed that comes as soon as the mutex is unlocked. Each waits for the
 * other's, so one that is missed is the end.
 */
TEST_F_TIMEOUT(yard, turns, 120)
{
	struct yard *yard = self->yard;
	pid_t pid;
	int i;

	yard->fd = muster_mutex_open(NULL, 0, 0);
	yard->cond = muster_cond_open(NULL, 0, 0);
	pid = spawn(take_turns, yard);
	for (i = 0; i < TURNS; i++)
		ASSERT_TRUE(take_turn(yard, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, signals(yard->cond));
}

/* ---- work that is left to nobody ---- */

/* Takes what there is; dies now and then, before it or after it. */
static void take_item(struct yard *yard, unsigned int *seed)
{
	dawdle(seed);
	if (!below(seed, 8))
		raise(SIGKILL);
	yard->items--;
	add_to(&yard->rounds);
	if (!below(seed, 20))
		raise(SIGKILL);
}

static int consume(void *arg)
{
	struct yard *yard = arg;
	unsigned int seed = yard_seed(yard);
	int fd = muster_mutex_open("lib-items", 0, 0), signal;
	int cond = muster_cond_open("lib-there-are-items", 0, 0);

	for (;;) {
		signal = -1;
		if (muster_mutex_lock(fd) < 0)
			return 1;
		while (!yard->items && !yard->stop) {
			if (muster_cond_wait(cond, fd, MUSTER_FOREVER, &signal) < 0)
				return 1;
		}
		if (yard->items)
			take_item(yard, &seed);
		if (muster_cond_done(cond, fd, &signal) || muster_mutex_unlock(fd))
			return 1;
		if (yard->stop)
			return 0;
	}
}

/* One item, and one signal for it. */
static bool produce(struct yard *yard)
{
	if (muster_mutex_lock(yard->fd) < 0)
		return false;
	yard->items++;
	if (muster_cond_signal(yard->cond, yard->fd) < 0)
		return false;
	return !muster_mutex_unlock(yard->fd);
}

static bool all_wait(struct yard *yard)
{
	return sem_waiters(yard->cond) == WORKERS && !yard->items;
}

/*
 * G5d: each item is taken, though its signal goes to who is killed. There is but one at a
 * time, all wait before it comes, and nothing but its signal can wake them.
 */
TEST_F_TIMEOUT(yard, cond_killed, 300)
{
	struct yard *yard = self->yard;
	pid_t pid[WORKERS] = { 0 };
	unsigned int seed = 42, i, n;

	yard->fd = muster_mutex_open("lib-items", O_CREAT, 0600);
	yard->cond = muster_cond_open("lib-there-are-items", O_CREAT, 0600);
	ASSERT_LE(0, yard->fd);
	ASSERT_LE(0, yard->cond);
	for (n = 0; n < KILLS; n++) {
		ASSERT_SOON((replace_dead(yard, pid, consume), all_wait(yard)));
		ASSERT_TRUE(produce(yard));
		/* Who was woken is the first, or another. */
		for (i = below(&seed, 200); i; i--)
			__asm__ volatile("");
		i = below(&seed, WORKERS);
		if (below(&seed, 2) && pid[i])
			kill(pid[i], SIGKILL);
		/* Three at the most die over it, else nobody is left to take it. */
		ASSERT_SOON(!yard->items || !sem_waiters(yard->cond));
	}
	yard->stop = 1;
	ASSERT_LE(0, muster_mutex_lock(yard->fd));
	EXPECT_LE(0, muster_cond_broadcast(yard->cond, yard->fd));
	EXPECT_EQ(0, muster_mutex_unlock(yard->fd));
	EXPECT_TRUE(end_all(yard, pid));
	EXPECT_EQ(0, yard->wrong);
}

TEST_MUSTER_MAIN
