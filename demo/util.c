// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crowds of processes, and promises
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

static bool broken, ever_broken;

int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(2);
}

void promise(bool kept, const char *what)
{
	if (kept)
		return;
	printf("      NOT AS PROMISED: %s\n", what);
	broken = true;
	ever_broken = true;
}

void verdict(const char *format, ...)
{
	va_list args;

	if (!broken) {
		printf("\n    ok: ");
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
	}
	broken = false;
	fflush(stdout);
}

bool all_kept(void)
{
	return !ever_broken;
}

void table_head(const char *without)
{
	printf("\n      %-24s%16s%16s\n", "", without, "with muster");
}

void table_row(const char *what, const char *format, ...)
{
	va_list args;

	printf("      %-24s", what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

double seconds(uint64_t ns)
{
	return ns / 1e9;
}

/* Between two looks at what the others do. */
void nap(void)
{
	usleep(1000);
}

/* Starts @nr processes, each of which runs @member with its number. */
void crowd_start(struct crowd *crowd, int nr, member_fn member, void *arg)
{
	int i;

	fflush(stdout);
	crowd->nr = nr;
	for (i = 0; i < nr; i++) {
		crowd->status[i] = 0;
		crowd->pid[i] = fork();
		if (crowd->pid[i] < 0) {
			perror("fork");
			exit(2);
		}
		if (!crowd->pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			member(i, arg);
			_exit(0);
		}
	}
}

void crowd_kill(struct crowd *crowd, int i)
{
	if (crowd->pid[i])
		kill(crowd->pid[i], SIGKILL);
}

/* Waits for all of them; returns how many have ended well. */
int crowd_wait(struct crowd *crowd)
{
	int i, good = 0;

	for (i = 0; i < crowd->nr; i++) {
		if (crowd->pid[i] && waitpid(crowd->pid[i], &crowd->status[i], 0) > 0)
			crowd->pid[i] = 0;
		good += !crowd->status[i];
	}
	return good;
}

int crowd_killed(const struct crowd *crowd)
{
	int i, killed = 0;

	for (i = 0; i < crowd->nr; i++)
		killed += WIFSIGNALED(crowd->status[i]) &&
			  WTERMSIG(crowd->status[i]) == SIGKILL;
	return killed;
}
