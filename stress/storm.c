// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: storm [--seconds N | --rounds N] [--seed N] [--calls N] [--actors N]
 *		[--patience SECONDS] [--dumps N]
 *
 * The kill storm, round after round until the time is up, or so many; then a line "ok - CLAIM" or
 * "not ok - CLAIM" for each rule that was watched. Ends with failure if one was broken.
 * Needs the module loaded, and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "spec.h"
#include "storm.h"

static struct {
	__u64 seconds;
	__u64 rounds;
	__u64 seed;
	__u32 calls;
	__u32 actors;
	__u32 patience;
	__u32 dumps;
} options = { .seconds = 30, .seed = 1, .calls = 6000, .actors = 10, .patience = 60,
	      .dumps = 1 };

/* ---- setting up ---- */

static void map(int fd)
{
	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (storm == MAP_FAILED)
		storm_die("mmap");
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		storm_die("mmap");
	return p;
}

/* Signals for actors reach them only when they have handlers. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* How much slower the kernel is than others, as vm/run says. */
static unsigned int slowness(void)
{
	const char *slow = getenv("MUSTER_SLOW");
	int n = slow ? atoi(slow) : 1;

	return n > 1 ? n : 1;
}

static void set_up(void)
{
	int fd = memfd_create("storm", 0);

	if (fd < 0 || dup2(fd, STORM_MEMORY_FD) < 0 || ftruncate(fd, sizeof(*storm)))
		storm_die("memfd_create");
	if (fd != STORM_MEMORY_FD)
		close(fd);
	map(STORM_MEMORY_FD);
	storm_score = shared(sizeof(*storm_score));
	fd = open(MUSTER_DEVICE, O_RDWR);
	if (fd < 0 || dup2(fd, STORM_DEVICE_FD) < 0)
		storm_die(MUSTER_DEVICE);
	if (fd != STORM_DEVICE_FD)
		close(fd);
	storm_gone_set_up();
	block_signals();
	storm->seed = options.seed;
	storm->patience = options.patience * NSEC_PER_SEC * slowness();
	storm->dumps = options.dumps;
}

/* ---- the end ---- */

static void print_counts(double seconds)
{
	const __u64 *n = storm->counts;

	printf("# %u rounds in %.0f s, seed %llu: %llu calls returned, %llu were cut off\n",
	       storm->round, seconds, storm->seed, n[COUNT_RETURN], n[COUNT_CUT]);
	printf("# %llu kills, %llu stops, %llu other signals, %llu exits, %llu forks, %llu execs\n",
	       n[COUNT_KILL], n[COUNT_STOP], n[COUNT_SIGNAL], n[COUNT_EXIT], n[COUNT_FORK],
	       n[COUNT_EXEC]);
	printf("# descriptors: %llu opened, %llu duplicated, %llu closed, %llu sent\n",
	       n[COUNT_OPEN], n[COUNT_DUP], n[COUNT_CLOSE], n[COUNT_PASS]);
	printf("# %llu tickets, %llu verdicts read\n", n[COUNT_TICKET], n[COUNT_READ]);
	printf("# %llu kept results served, %llu of them stale; %llu files\n", n[COUNT_KEPT],
	       n[COUNT_STALE], n[COUNT_FILE]);
	printf("# %llu times a leader was told how many follow\n", n[COUNT_FOLLOWERS]);
	printf("# %llu times permits were acquired or released by lease\n", n[COUNT_LEASE]);
	if (n[COUNT_FEWER])
		printf("# %llu processes got fewer threads than they wanted\n", n[COUNT_FEWER]);
	printf("# %llu histories with %llu calls, %llu states looked at\n",
	       storm_score->histories, storm_score->calls, storm_score->states);
}

static __u64 number(const char *text)
{
	char *end;
	__u64 value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "storm: no number: %s\n", text);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'o' },
		{ "patience", required_argument, NULL, 'p' },
		{ "dumps", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 'r' },
		{ "calls", required_argument, NULL, 'c' },
		{ "actors", required_argument, NULL, 'n' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		if (c == 's')
			options.seconds = number(optarg);
		else if (c == 'o')
			options.rounds = number(optarg);
		else if (c == 'p')
			options.patience = number(optarg);
		else if (c == 'd')
			options.dumps = number(optarg);
		else if (c == 'r')
			options.seed = number(optarg);
		else if (c == 'c')
			options.calls = number(optarg);
		else if (c == 'n')
			options.actors = number(optarg);
		else
			exit(2);
	}
	if (options.actors > STORM_ACTORS || options.calls > HISTORY_RECORDS) {
		fprintf(stderr, "storm: too many\n");
		exit(2);
	}
}

static bool goes_on(__u64 until)
{
	if (options.rounds)
		return storm->round < options.rounds;
	/* The memory of the second is compared with that of the first. */
	return storm->round < 2 || storm_clock(CLOCK_MONOTONIC) < until;
}

int main(int argc, char **argv)
{
	__u64 begun, until;
	bool good;

	if (argc == 3 && !strcmp(argv[1], "--actor")) {
		map(STORM_MEMORY_FD);
		storm_act_again(number(argv[2]));
	}
	parse(argc, argv);
	storm_be_mortal();
	set_up();
	begun = storm_clock(CLOCK_MONOTONIC);
	until = begun + options.seconds * NSEC_PER_SEC;
	/* What went wrong may go on in the next round: the first is the one to look at. */
	do {
		storm_round(options.calls, options.actors);
		if (!storm->round++)
			storm_gone_begin();
	} while (!storm_is_wrong() && goes_on(until));
	storm_gone_end();
	print_counts((storm_clock(CLOCK_MONOTONIC) - begun) / 1e9);
	good = storm_print_claims();
	return !good;
}
