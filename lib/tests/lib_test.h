/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the library share
 *
 * That the kernel does what it should is for selftests/ to test. Here the calls of
 * the library are made, each of them, with real processes and threads; each test
 * cites the rules it is about. Every program is linked once with libmuster.a and
 * once with libmuster.so.
 */
#ifndef LIB_TEST_H
#define LIB_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <muster.h>

#include "kselftest_harness.h"

#define KEY		"the key", 7
#define SOME_ERRNO	4711
#define PATIENCE_MS	20000

/*
 * Waits until @condition holds; for what must happen, so long enough for anything. It is
 * enough to have seen it once: it need not last.
 */
#define ASSERT_SOON(condition) do {						\
	uint64_t give_up = muster_after_ms(PATIENCE_MS);			\
	bool soon;								\
										\
	while (!(soon = (condition)) && muster_after_ns(0) < give_up)		\
		usleep(1000);							\
	ASSERT_TRUE(soon) TH_LOG("never: " #condition);				\
} while (0)

/* A child that ends with what @fn returns, and with its parent. */
static inline pid_t spawn(int (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? fn(arg) : 1);
	}
	return pid;
}

/* Memory that it shares with its children, all 0. */
static inline void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Its exit status, or the negative of the signal that killed it. */
static int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline unsigned int flight_followers(int fd)
{
	struct muster_flight_stat stat;

	return muster_flight_stat(fd, &stat) ? 0 : stat.followers;
}

/* Whether a ticket has its verdict. */
static inline bool is_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static inline unsigned int sem_waiters(int fd)
{
	struct muster_sem_stat stat;

	return muster_sem_stat(fd, &stat, NULL, 0) < 0 ? 0 : stat.waiters;
}

static inline int answer_42(struct muster_work *work, void *arg)
{
	return muster_work_set(work, "42", 2);
}

#define TEST_MUSTER_MAIN							\
int main(int argc, char **argv)							\
{										\
	if (access(MUSTER_DEVICE, F_OK))					\
		ksft_exit_skip("no %s: the module is not loaded\n",		\
			       MUSTER_DEVICE);					\
	return test_harness_run(argc, argv);					\
}

#endif /* LIB_TEST_H */
