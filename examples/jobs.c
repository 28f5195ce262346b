// SPDX-License-Identifier: GPL-2.0-only
/*
 * A job limiter for programs that know nothing of each other
 *
 * Runs a command as soon as there is room for it: all that name the same semaphore share
 * its permits, strictly first come, first served. The permits are held by the command
 * itself, since they stay with a process through execve(2), if the descriptor does. So
 * however it ends, they are back; there is no process in between, whose death would be one
 * more thing that can go wrong; and exit status and signals are the command's own.
 *
 *	jobs -n LIMIT [-w WEIGHT] [-t SECONDS] NAME -- COMMAND [ARGUMENT]...
 *
 *	for f in *.wav; do jobs -n 4 encode -- lame "$f" & done; wait
 *
 * Exit status: the command's; 125 it was not run, as there was no room within SECONDS or
 * for another reason; 126, 127 it cannot be run, or is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <muster.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	uint64_t limit;
	uint64_t weight;
	uint64_t deadline;
	const char *name;
	char **command;
};

static void usage(void)
{
	fprintf(stderr,
		"usage: jobs -n LIMIT [-w WEIGHT] [-t SECONDS] NAME -- COMMAND [ARGUMENT]...\n");
	exit(125);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*end || end == text || !n || *text == '-')
		usage();
	return n;
}

static void parse(int argc, char **argv, struct options *options)
{
	int c;

	while ((c = getopt(argc, argv, "+n:w:t:")) != -1) {
		if (c == 'n')
			options->limit = number(optarg);
		else if (c == 'w')
			options->weight = number(optarg);
		else if (c == 't')
			options->deadline = muster_after_ms(1000 * number(optarg));
		else
			usage();
	}
	if (!options->limit || argc - optind < 3 || strcmp(argv[optind + 1], "--"))
		usage();
	options->name = argv[optind];
	options->command = argv + optind + 2;
}

static int check(int ret, const struct options *options)
{
	if (ret >= 0)
		return ret;
	if (ret == -EINVAL)
		fprintf(stderr, "jobs: %s: another limit is in force\n", options->name);
	else if (ret == -ERANGE)
		fprintf(stderr, "jobs: %s: more than the limit\n", options->name);
	else
		fprintf(stderr, "jobs: %s: %s\n", options->name, muster_strerror(ret));
	exit(125);
}

int main(int argc, char **argv)
{
	struct options options = { .weight = 1, .deadline = MUSTER_FOREVER };
	int sem;

	parse(argc, argv, &options);
	sem = check(muster_sem_open(options.name, O_CREAT, 0600, options.limit), &options);
	check(muster_sem_acquire(sem, options.weight, options.deadline), &options);
	/* What it holds, and the semaphore itself, stays with the command from here on. */
	fcntl(sem, F_SETFD, 0);
	execvp(options.command[0], options.command);
	fprintf(stderr, "jobs: %s: %s\n", options.command[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
