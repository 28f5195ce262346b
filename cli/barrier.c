// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster barrier: all go on when all are there
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char *how_broken(uint32_t broken_by)
{
	switch (broken_by) {
	case MUSTER_BROKEN_TIMEOUT:
		return "waited too long";
	case MUSTER_BROKEN_DEATH:
		return "was killed";
	case MUSTER_BROKEN_ACTION:
		return "ran the action, which failed";
	}
	return "broke it";
}

static int broken(int fd, const char *name, const struct muster_arrival *arrival)
{
	struct muster_barrier_stat stat;
	char who[32] = "one of them";

	if (arrival->broken_by == MUSTER_BROKEN_RESET) {
		say("%s: it was reset; %u of %u were there", name, arrival->arrived,
		    arrival->parties);
		return STATUS_BROKEN;
	}
	/* Who it was is known until then. */
	if (muster_barrier_stat(fd, &stat, NULL, 0) >= 0 && stat.broken_pid > 0 &&
	    stat.broken_by == arrival->broken_by)
		snprintf(who, sizeof(who), "process %d", stat.broken_pid);
	say("%s: %s %s; %u of %u were there", name, who, how_broken(arrival->broken_by),
	    arrival->arrived, arrival->parties);
	if (arrival->broken_by == MUSTER_BROKEN_ACTION && arrival->status > 0 &&
	    arrival->status < 256)
		return arrival->status;
	return STATUS_BROKEN;
}

/* All are there, and wait for this process to run the action. */
static int act(int fd, const struct options *options, const char *name,
	       const struct muster_arrival *arrival)
{
	struct run run = { 0 };
	int err;

	say_more("%s: all are there, this process runs the action", name);
	run_command(options->argv, -1, &run);
	err = muster_barrier_complete(fd, arrival->token, run.status);
	if (err && err != -EPIPE)
		die_error(err, name);
	if (err && !run.status) {
		say("%s: it was reset while the action ran", name);
		return STATUS_BROKEN;
	}
	return run.status;
}

static int await(int fd, const struct options *options, const char *name, bool print)
{
	struct muster_arrival arrival = { 0 };
	uint64_t began = now_ns();
	int status = 0, ret;
	char waited[32];

	do {
		ret = muster_barrier_await(fd, options->deadline, &arrival);
	} while (ret == -EINTR);
	if (ret == -EPIPE)
		return broken(fd, name, &arrival);
	if (ret < 0) {
		status = conflict_status(options, ret);
		if (status < 0)
			die_error(ret, name);
		say_more("%s: waited too long", name);
		return status;
	}
	if (ret == 1)
		status = act(fd, options, name, &arrival);
	say_more("%s: went on after %s, arrival index %u", name,
		 format_duration(now_ns() - began, waited, sizeof(waited)), arrival.index);
	if (print && !status)
		printf("%u\n", arrival.index);
	flush_output();
	return status;
}

/* Who has no action to run could not be the last one. */
static void check_action(int fd, const struct options *options, const char *name)
{
	struct muster_barrier_stat stat;
	int ret = muster_barrier_stat(fd, &stat, NULL, 0);

	if (ret < 0)
		die_error(ret, name);
	if (!(stat.options & MUSTER_BARRIER_ACTION) != !options->argv)
		die("%s: the others have %s ACTION: all are to agree", name,
		    options->argv ? "no" : "an");
}

static const struct option barrier_options[] = {
	LONG_HELP,
	LONG_VERBOSE,
	LONG_MODE,
	LONG_TIMEOUT,
	LONG_CONFLICT,
	{ "parties", required_argument, NULL, 'n' },
	{ "index", no_argument, NULL, 'i' },
	{ }
};

static int barrier_run(int argc, char **argv)
{
	struct muster_open how = { .type = MUSTER_BARRIER, .oflags = O_CREAT };
	struct options options = OPTIONS_INIT;
	bool print = false;
	int option, fd;

	do {
		option = next_option(&options, argc, argv, LETTERS LETTERS_WAIT "vn:i",
				     barrier_options);
		if (option == 'n')
			how.limit = number_option(optarg, 1, INT32_MAX);
		else if (option == 'i')
			print = true;
	} while (option != -1);
	need_names(&options, 1, 1, "NAME");
	if (!how.limit)
		die_usage("-n PARTIES is missing");
	if (options.argv)
		how.options = MUSTER_BARRIER_ACTION;
	fd = open_mode(&options, &how, options.names[0]);
	if (fd < 0)
		die_open(fd, options.names[0]);
	check_action(fd, &options, options.names[0]);
	return await(fd, &options, options.names[0], print);
}

const struct command barrier_command = {
	.name = "barrier",
	.brief = "Waits until all are there, then all go on",
	.usage = "-n PARTIES [OPTION]... NAME [[--] ACTION [ARG]...]",
	.summary = "Waits until PARTIES processes wait under NAME, then all go on. With an ACTION,\n"
		   "which all are to give, the last one runs it first; if it fails, all end with its\n"
		   "status. If one that waits is killed or waits too long, the others end with 1",
	.help =
		"  -n, --parties PARTIES how many there are; all are to say the same\n"
		"  -i, --index           print the order of arrival: PARTIES-1 the first, 0 the last\n"
		HELP_WAIT HELP_CONFLICT HELP_MODE HELP_VERBOSE,
	.run = barrier_run,
};
