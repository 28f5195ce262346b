// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster sem, lock, rwlock: only so many at a time
 *
 * All three are semaphores, and the same as the library's: a mutex has one permit, an
 * rwlock very many, of which a reader takes one and a writer all.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "names.h"

#define RWLOCK_ALL	(INT64_C(1) << 62)
#define PERMITS_MAX	INT64_MAX

/**
 * struct grip - an invocation
 * @options:	what all commands have
 * @name:	of the semaphore
 * @limit:	its permits; 0: whatever it has
 * @weight:	how many are taken
 * @weighs:	that was said
 * @reads:	the permit is a reader's
 * @no_fork:	CMD takes the place of muster
 * @resize:	change the limit
 * @fd:		the semaphore
 */
struct grip {
	struct options options;
	const char *name;
	uint64_t limit;
	uint64_t weight;
	bool weighs;
	bool reads;
	bool no_fork;
	bool resize;
	int fd;
};

static void set_environment(const struct muster_grant *grant)
{
	char number[32];

	snprintf(number, sizeof(number), "%" PRIu64, grant->token);
	setenv("MUSTER_TOKEN", number, 1);
	setenv("MUSTER_ABANDONED", grant->abandoned ? "1" : "0", 1);
}

/* Who has it, as --verbose says before one waits: the first few. */
static void tell_holders(const struct grip *grip, const struct muster_process *list, int nr,
			 const struct muster_sem_stat *stat)
{
	char since[32], name[32], behind[48];
	int i;

	for (i = 0; i < nr && i < 4 && list[i].role == MUSTER_PROCESS_HOLDER; i++)
		say_more("%s: process %d (%s) has %" PRIu64 " of %" PRIu64 ", for %s", grip->name,
			 list[i].pid, process_name(list[i].pid, name, sizeof(name)),
			 (uint64_t)list[i].amount, (uint64_t)stat->limit,
			 format_duration(now_ns() - list[i].since, since, sizeof(since)));
	if (nr >= 0)
		say_more("%s: waiting%s", grip->name,
			 and_others(" behind", stat->waiters, behind, sizeof(behind)));
}

/* It is not free. */
static void before_waiting(const struct grip *grip)
{
	static struct muster_process list[MUSTER_PROCESSES_MAX];
	struct muster_sem_stat stat;
	int nr = muster_sem_stat(grip->fd, &stat, list, ARRAY_SIZE(list));

	if (nr > 0 && !grip->options.timed && grip->weight <= stat.limit &&
	    held_around(list, nr) > stat.limit - grip->weight)
		die_deadlock(grip->name);
	if (verbose)
		tell_holders(grip, list, nr, &stat);
}

static int acquire(const struct grip *grip, struct muster_grant *grant)
{
	const struct options *options = &grip->options;
	bool looks = verbose || !options->timed;
	int err = -EAGAIN;

	/* A free one is to be had even if one does not want to wait for it. */
	if (looks || options->nonblock)
		err = muster_sem_acquire_grant(grip->fd, grip->weight, MUSTER_WAIT_NONBLOCK,
					       0, grant);
	if (err != -EAGAIN || options->nonblock)
		return err;
	if (looks)
		before_waiting(grip);
	do {
		err = muster_sem_acquire_grant(grip->fd, grip->weight, 0, options->deadline,
					       grant);
	} while (err == -EINTR);
	return err;
}

static int not_acquired(const struct grip *grip, int err)
{
	int status = conflict_status(&grip->options, err);

	if (err == -ERANGE)
		die("%s: there are not so many, by its limit", grip->name);
	if (status < 0)
		die_error(err, grip->name);
	say_more("%s: %s", grip->name, err == -EAGAIN ? "others have it" : "waited too long");
	return status;
}

/*
 * Gives the permits back, which says that all is in order. A reader has put nothing in
 * order: what it was told of one that was killed, the next is told, too.
 */
static void give_back(const struct grip *grip)
{
	struct muster_sem_release release = {
		.size = sizeof(release),
		.flags = grip->reads ? MUSTER_RELEASE_UNCHECKED : 0,
		.permits = grip->weight,
	};

	if (ioctl(grip->fd, MUSTER_SEM_RELEASE, &release))
		die_error(-errno, grip->name);
}

/* The permits are CMD's. If there is none, nothing has happened that the next should know. */
static int become_command(const struct grip *grip)
{
	int status;

	fcntl(grip->fd, F_SETFD, 0);
	status = exec_command(grip->options.argv);
	give_back(grip);
	return status;
}

/*
 * If CMD was killed, what it was about may be in disorder: to end without giving the
 * permits back tells that to the next one.
 */
static int run_inside(const struct grip *grip)
{
	struct run run;

	if (grip->no_fork)
		return become_command(grip);
	run_command(grip->options.argv, -1, &run);
	if (!run.killed)
		give_back(grip);
	return run.status;
}

static int take_and_run(const struct grip *grip)
{
	struct muster_grant grant;
	uint64_t began = now_ns();
	char waited[32];
	int err = acquire(grip, &grant);

	if (err < 0)
		return not_acquired(grip, err);
	say_more("%s: granted after %s%s", grip->name,
		 format_duration(now_ns() - began, waited, sizeof(waited)),
		 grant.abandoned ? "; who had it before was killed: check what it was about" : "");
	set_environment(&grant);
	return run_inside(grip);
}

static void open_sem(struct grip *grip)
{
	struct muster_open how = {
		.type = MUSTER_SEM,
		.limit = grip->resize ? 0 : grip->limit,
		.oflags = grip->limit && !grip->resize ? O_CREAT : 0,
	};

	grip->name = grip->options.names[0];
	grip->fd = open_mode(&grip->options, &how, grip->name);
	if (grip->fd == -ENOENT && !grip->limit && !muster_info(&(struct muster_info){ 0 }))
		die("%s: nobody uses it now: -n says how many there are to be", grip->name);
	if (grip->fd < 0)
		die_open(grip->fd, grip->name);
}

/* ---- command lines ---- */

enum {
	OPT_RESIZE = OPT_OWN,
};

#define LONG_HOLDS							\
	LONG_HELP, LONG_VERBOSE, LONG_MODE, LONG_TIMEOUT, LONG_CONFLICT,	\
	{ "try", no_argument, NULL, 'T' },				\
	{ "no-fork", no_argument, NULL, 'F' }
#define LETTERS_HOLD	LETTERS LETTERS_WAIT "vTF"

static const struct option sem_options[] = {
	LONG_HOLDS,
	{ "limit", required_argument, NULL, 'n' },
	{ "weight", required_argument, NULL, 'w' },
	{ "resize", no_argument, NULL, OPT_RESIZE },
	{ }
};

static const struct option lock_options[] = { LONG_HOLDS, { } };

static const struct option rwlock_options[] = {
	LONG_HOLDS,
	{ "read", no_argument, NULL, 'r' },
	{ "write", no_argument, NULL, 'w' },
	{ }
};

static void wait_option(struct grip *grip, int option)
{
	if (option == 'T')
		grip->options.nonblock = true;
	else if (option == 'F')
		grip->no_fork = true;
}

/* Runs nothing, so that what says how has no meaning. */
static int resize(struct grip *grip)
{
	const struct options *options = &grip->options;
	int err;

	no_command(options);
	if (!grip->limit)
		die_usage("--resize goes with -n");
	if (grip->weighs || options->nonblock || grip->no_fork || options->timed ||
	    options->conflict >= 0 || options->mode >= 0)
		die_usage("--resize goes with -n and nothing else: no CMD is run");
	open_sem(grip);
	err = muster_sem_set_limit(grip->fd, grip->limit, NULL);
	if (err)
		die_error(err, grip->name);
	return 0;
}

static uint64_t weight_option(struct grip *grip)
{
	grip->weighs = true;
	return number_option(optarg, 0, PERMITS_MAX);
}

static int sem_run(int argc, char **argv)
{
	struct grip grip = { .options = OPTIONS_INIT, .weight = 1 };
	int option;

	do {
		option = next_option(&grip.options, argc, argv, LETTERS_HOLD "n:w:",
				     sem_options);
		wait_option(&grip, option);
		if (option == 'n')
			grip.limit = number_option(optarg, 1, PERMITS_MAX);
		else if (option == 'w')
			grip.weight = weight_option(&grip);
		else if (option == OPT_RESIZE)
			grip.resize = true;
	} while (option != -1);
	need_names(&grip.options, 1, 1, "NAME");
	if (grip.resize)
		return resize(&grip);
	need_command(&grip.options);
	open_sem(&grip);
	return take_and_run(&grip);
}

static int lock_run(int argc, char **argv)
{
	struct grip grip = { .options = OPTIONS_INIT, .limit = 1, .weight = 1 };
	int option;

	do {
		option = next_option(&grip.options, argc, argv, LETTERS_HOLD,
				     lock_options);
		wait_option(&grip, option);
	} while (option != -1);
	need_names(&grip.options, 1, 1, "NAME");
	need_command(&grip.options);
	open_sem(&grip);
	return take_and_run(&grip);
}

static int rwlock_run(int argc, char **argv)
{
	struct grip grip = { .options = OPTIONS_INIT, .limit = RWLOCK_ALL };
	int option;

	do {
		option = next_option(&grip.options, argc, argv, LETTERS_HOLD "rw",
				     rwlock_options);
		wait_option(&grip, option);
		if (option == 'r')
			grip.weight = 1;
		else if (option == 'w')
			grip.weight = RWLOCK_ALL;
	} while (option != -1);
	if (!grip.weight)
		die_usage("-r or -w is missing");
	grip.reads = grip.weight == 1;
	need_names(&grip.options, 1, 1, "NAME");
	need_command(&grip.options);
	open_sem(&grip);
	return take_and_run(&grip);
}

#define HELP_HOLD							\
	"  -T, --try             do not wait: if others have it, exit with 1\n"	\
	"  -F, --no-fork         CMD takes muster's place: one process less; but it must leave\n" \
	"                        the descriptor open that it gets, or the place is lost, and\n" \
	"                        the next one has MUSTER_ABANDONED=1, however CMD ends\n"

const struct command sem_command = {
	.name = "sem",
	.brief = "Runs CMD, so many at a time",
	.usage = "-n LIMIT [OPTION]... NAME [--] CMD [ARG]...",
	.summary = "Runs CMD; of all that are run under NAME, LIMIT at a time. First come, first\n"
		   "served; the place of one that is killed is free at once",
	.help =
		"  -n, --limit LIMIT     how many; all are to say the same. Without it: as many as\n"
		"                        those have said who use NAME now\n"
		"  -w, --weight WEIGHT   CMD counts as so many (default 1)\n"
		"      --resize          change the LIMIT of NAME, and run nothing\n"
		HELP_HOLD HELP_WAIT HELP_CONFLICT HELP_MODE HELP_VERBOSE,
	.run = sem_run,
};

const struct command lock_command = {
	.name = "lock",
	.brief = "Runs CMD, one at a time",
	.usage = "[OPTION]... NAME [--] CMD [ARG]...",
	.summary = "Runs CMD; of all that are run under NAME, one at a time. In CMD's environment\n"
		   "MUSTER_ABANDONED is 1 if one before it was killed and has left things undone,\n"
		   "and MUSTER_TOKEN a number that only grows",
	.help =
		HELP_HOLD HELP_WAIT HELP_CONFLICT HELP_MODE HELP_VERBOSE,
	.run = lock_run,
};

const struct command rwlock_command = {
	.name = "rwlock",
	.brief = "Runs CMD, with other readers or alone",
	.usage = "-r|-w [OPTION]... NAME [--] CMD [ARG]...",
	.summary = "Runs CMD; of all that are run under NAME, those with -r at the same time, those\n"
		   "with -w alone. First come, first served, so that neither starves",
	.help =
		"  -r, --read            CMD only reads\n"
		"  -w, --write           CMD writes\n"
		HELP_HOLD HELP_WAIT HELP_CONFLICT HELP_MODE HELP_VERBOSE,
	.run = rwlock_run,
};
