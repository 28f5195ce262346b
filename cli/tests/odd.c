// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: odd nonblock CMD...	stdout is a pipe that is O_NONBLOCK, and read only when it
 *				is full; prints how many bytes came; exits as CMD
 *	  odd alarm CMD...	an alarm(2) has gone off, and is blocked
 *	  odd sigwait		waits for SIGALRM, and prints so
 *
 * Runs CMD as a shell cannot, or does what a shell cannot do.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char **argv)
{
	execvp(argv[0], argv);
	perror(argv[0]);
	exit(127);
}

/* A pipe that no more fits into, or of which nobody writes any more. */
static void until_full(int fd, pid_t pid)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	siginfo_t info = { 0 };

	while (poll(&one, 1, 0) == 1) {
		if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
			return;
		usleep(1000);
	}
}

static int nonblock(char **argv)
{
	static char buf[65536];
	long long sum = 0;
	int ends[2], status;
	ssize_t len;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return 1;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		become(argv);
	}
	until_full(ends[1], pid);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, 0);
	while ((len = read(ends[0], buf, sizeof(buf))) > 0)
		sum += len;
	waitpid(pid, &status, 0);
	printf("%lld\n", sum);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void block_alarm(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGALRM);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static void with_alarm(char **argv)
{
	struct itimerval soon = { .it_value.tv_usec = 1 };
	sigset_t set, pending;

	block_alarm(&set);
	setitimer(ITIMER_REAL, &soon, NULL);
	do {
		sigpending(&pending);
	} while (!sigismember(&pending, SIGALRM));
	become(argv);
}

static int wait_for_alarm(void)
{
	sigset_t set;
	int got;

	block_alarm(&set);
	sigwait(&set, &got);
	puts("alarm");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "sigwait"))
		return wait_for_alarm();
	if (argc > 2 && !strcmp(argv[1], "nonblock"))
		return nonblock(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "alarm"))
		with_alarm(argv + 2);
	return 2;
}
