// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes for figures. See peers.h.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers.h"

/* Seconds of the clock that no figure takes: one that hangs ends the run. */
#define FIGURE_SECONDS 120

void *shared_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		failed("mmap");
	return at;
}

void failed(const char *what)
{
	perror(what);
	exit(2);
}

void not_here(const char *why)
{
	(void)why;
	_exit(STATUS_NOT_HERE);
}

void spawn(void (*run)(unsigned int nr), unsigned int nr)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		failed("fork");
	if (pid)
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(2);
	run(nr);
	_exit(0);
}

/* What the kernel has put off, for the figure before this one, is not to be counted. */
void settle(void)
{
	usleep(rounds > 1 ? 10000 : 200000);
}

static void measure_here(const struct work *work, const void *ops, unsigned int size,
			 double *value)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		failed("prctl");
	alarm(FIGURE_SECONDS);
	settle();
	*value = work->measure(ops, size);
	_exit(0);
}

/* Children of the figure's own go with it, and are ours to bury. */
static void bury(void)
{
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

bool figure(const struct work *work, const void *ops, unsigned int size, double *value)
{
	static double *shared;
	int status;
	pid_t pid;

	if (!shared) {
		shared = shared_memory(sizeof(*shared));
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	}
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		failed("fork");
	if (!pid)
		measure_here(work, ops, size, shared);
	if (waitpid(pid, &status, 0) != pid)
		failed("waitpid");
	bury();
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_HERE)
		return false;
	if (status) {
		fprintf(stderr, "%s at %u: wait status %#x\n", work->name, size, status);
		exit(2);
	}
	*value = *shared;
	return true;
}
