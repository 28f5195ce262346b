// SPDX-License-Identifier: GPL-2.0-only
/*
 * The error group: tasks in processes of their own, the first failure stops all
 *
 * Counts the lines of files, so many files at a time, and prints the counts in the order
 * of the files, whichever was counted first. The first that cannot be read, or whose
 * process is killed, ends it all: nothing new is started, and those that run see it by
 * poll(2) and stop, also if they wait for a pipe from which nothing ever comes.
 *
 *	errgroup LIMIT FILE...
 *
 *	errgroup 4 *.c
 */
#include <errno.h>
#include <fcntl.h>
#include <muster.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(1);
}

/* Waits for @fd, but not longer than the group has not been cancelled. */
static int wait_for(int group, int fd)
{
	struct pollfd fds[2] = {
		{ .fd = group, .events = POLLPRI },
		{ .fd = fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return fds[0].revents & POLLPRI ? -ECANCELED : 0;
}

static int count_lines(int group, int fd, uint64_t *lines)
{
	char buf[4096], *p;
	ssize_t len;
	int err;

	for (*lines = 0; ; ) {
		err = wait_for(group, fd);
		if (err)
			return err;
		len = read(fd, buf, sizeof(buf));
		if (len < 0 && errno == EAGAIN)
			continue;
		if (len <= 0)
			return len ? -errno : 0;
		for (p = buf; (p = memchr(p, '\n', buf + len - p)); p++)
			++*lines;
	}
}

/* A task. Its status is an errno, so that the first failure tells what was wrong. */
static int count_file(int group, uint64_t slot, void *name)
{
	uint64_t lines;
	int fd, err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = count_lines(group, fd, &lines);
	if (err)
		return err;
	return muster_group_done(group, slot, 0, &lines, sizeof(lines));
}

/* The numbers of slots only grow, so the first task's is the lowest. */
static void print_counts(int group, char **names)
{
	struct muster_group_result result = { .slot = 0 };
	unsigned long long lines;

	while (muster_group_result(group, result.slot + 1, &lines, sizeof(lines),
				   &result) == sizeof(lines))
		printf("%llu %s\n", lines, *names++);
}

/* Which file it was that failed first, and why. */
static void print_failure(const struct muster_group_wait *wait, const uint64_t *slots,
			  char **names)
{
	while (*slots != wait->slot) {
		slots++;
		names++;
	}
	fprintf(stderr, "%s: %s\n", *names, wait->status == -EOWNERDEAD ?
		"its process died" : strerror(-wait->status));
}

int main(int argc, char **argv)
{
	struct muster_group_wait wait;
	int group, i, pid = 0;
	uint64_t slots[argc];

	if (argc < 3 || atoi(argv[1]) < 1) {
		fprintf(stderr, "usage: errgroup LIMIT FILE...\n");
		return 2;
	}
	/* Its children need not be waited for: the group does that. */
	signal(SIGCHLD, SIG_IGN);
	group = must(muster_group_open(NULL, 0, 0, atoi(argv[1]), 0), "group");
	for (i = 2; i < argc && pid != -ECANCELED; i++) {
		pid = muster_group_spawn(group, count_file, argv[i], MUSTER_FOREVER,
					 &slots[i]);
		if (pid != -ECANCELED)
			must(pid, argv[i]);
	}
	must(muster_group_wait(group, MUSTER_UNTIL_ALL, 0, MUSTER_FOREVER, &wait), "wait");
	if (wait.failed)
		print_failure(&wait, slots + 2, argv + 2);
	else
		print_counts(group, argv + 2);
	return wait.failed > 0;
}
