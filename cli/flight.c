// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster flight, once, forget: of all who ask at the same time one runs the command
 *
 * The leader collects what the command prints in a file in memory, hands it in with the
 * exit status, and prints it only then: so all print the same, and a reader that is slow,
 * or gone, keeps nobody waiting. What is short is handed in as bytes, what is not as the
 * file itself, of which each follower gets a descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "names.h"

/* What has at most so many bytes is handed in as such. */
#define SHORT_OUTPUT	65536

/* 73 years. */
#define KEEP_MAX	(UINT64_MAX / 8)

/**
 * struct flight - an invocation
 * @options:	what all commands have
 * @group:	name of the group
 * @key:	what is asked for
 * @keep:	for how long the answer is kept
 * @grace:	for how long after that it is served stale
 * @forget_after: joins after that begin anew
 * @join_flags:	MUSTER_JOIN_*
 * @finish_flags: MUSTER_FINISH_*
 * @fd:		the group
 * @began:	when it was asked
 * @join:	the answer of the kernel
 * @buf:	room for an answer that is short
 */
struct flight {
	struct options options;
	const char *group;
	const char *key;
	uint64_t keep;
	uint64_t grace;
	uint64_t forget_after;
	uint32_t join_flags;
	uint32_t finish_flags;
	int fd;
	uint64_t began;
	struct muster_flight_join join;
	char buf[SHORT_OUTPUT];
};

static int try_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* ---- following ---- */

static void tell_wait(const struct flight *flight)
{
	const struct muster_flight_join *join = &flight->join;
	char waited[32], age[32], also[48];

	format_duration(now_ns() - flight->began, waited, sizeof(waited));
	format_duration(join->age, age, sizeof(age));
	if (join->role == MUSTER_ROLE_LEADER && join->attempt > 1)
		say_more("%s: this process leads after %s, since %u before it died or gave up",
			 flight->key, waited, join->attempt - 1);
	else if (join->role == MUSTER_ROLE_LEADER)
		say_more("%s: this process leads", flight->key);
	else if (join->outcome & MUSTER_OUTCOME_KEPT)
		say_more("%s: kept, %s old%s", flight->key, age,
			 join->outcome & MUSTER_OUTCOME_STALE ?
			 ", stale: another process refreshes it" : "");
	else
		say_more("%s: another process led, waited %s%s", flight->key, waited,
			 and_others(", as did", join->shared ? join->shared - 1 : 0, also,
				    sizeof(also)));
}

static void print_long(const struct flight *flight)
{
	struct muster_flight_fetch fetch = {
		.size = sizeof(fetch),
		.token = flight->join.token,
		.buf_len = flight->join.result_len,
	};
	char *buf = malloc(fetch.buf_len);
	int err;

	if (!buf)
		die_error(-ENOMEM, flight->key);
	fetch.buf = (uintptr_t)buf;
	err = try_ioctl(flight->fd, MUSTER_FLIGHT_FETCH, &fetch);
	if (err)
		die_error(err, flight->key);
	if (!write_all(STDOUT_FILENO, buf, fetch.result_len))
		die_output();
	free(buf);
}

static int follow(const struct flight *flight)
{
	const struct muster_flight_join *join = &flight->join;

	if (join->outcome & MUSTER_OUTCOME_FD) {
		if (!copy_all(join->fd, STDOUT_FILENO))
			die_output();
	} else if (join->outcome & MUSTER_OUTCOME_TRUNCATED) {
		print_long(flight);
	} else if (!write_all(STDOUT_FILENO, flight->buf, join->result_len)) {
		die_output();
	}
	/* Libraries may use any number. */
	return join->status >= 0 && join->status < 256 ? join->status : STATUS_MUSTER;
}

/* ---- leading ---- */

/* To the command, which may want to tell others. */
static void set_environment(const struct muster_flight_join *join)
{
	char number[32];

	snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)join->token);
	setenv("MUSTER_TOKEN", number, 1);
	snprintf(number, sizeof(number), "%u", join->attempt);
	setenv("MUSTER_ATTEMPT", number, 1);
}

static void fill_finish(const struct flight *flight, struct muster_flight_finish *finish,
			int file, size_t len)
{
	if (len <= SHORT_OUTPUT && !(finish->flags & MUSTER_FINISH_FD) &&
	    pread(file, (char *)flight->buf, len, 0) == (ssize_t)len) {
		finish->data = len ? (uintptr_t)flight->buf : 0;
		finish->data_len = len;
		return;
	}
	fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	finish->flags |= MUSTER_FINISH_FD;
	finish->fd = file;
	finish->data = 0;
	finish->data_len = 0;
}

/* All who follow have it when this returns. */
static void hand_in(const struct flight *flight, int file, int status)
{
	struct muster_flight_finish finish = {
		.size = sizeof(finish),
		/* Without keep the module refuses it. */
		.flags = flight->keep ? flight->finish_flags : 0,
		.key = (uintptr_t)flight->key,
		.key_len = strlen(flight->key),
		.status = status,
		.token = flight->join.token,
		.keep = flight->keep,
		.grace = flight->grace,
	};
	char also[48];
	struct stat st;
	int err;

	if (fstat(file, &st))
		die_error(-errno, flight->key);
	fill_finish(flight, &finish, file, st.st_size);
	err = try_ioctl(flight->fd, MUSTER_FLIGHT_FINISH, &finish);
	if (err == -EMSGSIZE) {
		finish.flags |= MUSTER_FINISH_FD;
		fill_finish(flight, &finish, file, st.st_size);
		err = try_ioctl(flight->fd, MUSTER_FLIGHT_FINISH, &finish);
	}
	if (err == -ENOBUFS) {
		say("%s: too long to be kept; root can raise %sbytes_max", flight->key,
		    PARAMETERS);
		finish.keep = 0;
		finish.grace = 0;
		finish.flags &= ~MUSTER_FINISH_KEEP_FAILURE;
		err = try_ioctl(flight->fd, MUSTER_FLIGHT_FINISH, &finish);
	}
	if (err)
		die_error(err, flight->key);
	say_more("%s: done, exit status %d%s", flight->key, status,
		 and_others(", for", finish.followers, also, sizeof(also)));
}

/* Another is to do it, if anybody waits. */
static void give_up(const struct flight *flight, int signal)
{
	struct muster_flight_key key = {
		.size = sizeof(key),
		.key = (uintptr_t)flight->key,
		.key_len = strlen(flight->key),
		.token = flight->join.token,
	};
	int err = try_ioctl(flight->fd, MUSTER_FLIGHT_ABANDON, &key);

	if (err)
		die_error(err, flight->key);
	say_more("%s: ended by %s%s", flight->key, strsignal(signal),
		 key.count ? ", another process takes over" : "");
}

/*
 * A command that ends by itself, however it does, is the answer to all. If it was ended
 * because its leader was to end, that concerns nobody else.
 */
static int lead(struct flight *flight)
{
	int file = memfd_create("muster-flight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct run run;

	if (file < 0)
		die("memfd_create: %s", strerror(errno));
	set_environment(&flight->join);
	run_command(flight->options.argv, file, &run);
	if (run.signalled && run.status)
		give_up(flight, run.signalled);
	else
		hand_in(flight, file, run.status);
	if (lseek(file, 0, SEEK_SET) || !copy_all(file, STDOUT_FILENO))
		die_output();
	return run.status;
}

/* ---- asking ---- */

static int join(struct flight *flight, uint32_t flags)
{
	flight->join = (struct muster_flight_join) {
		.size = sizeof(flight->join),
		.flags = flight->join_flags | flags | MUSTER_JOIN_FD,
		.key = (uintptr_t)flight->key,
		.key_len = strlen(flight->key),
		.deadline = flight->options.deadline,
		.buf = (uintptr_t)flight->buf,
		.buf_len = sizeof(flight->buf),
		.forget_after = flight->forget_after,
	};
	return try_ioctl(flight->fd, MUSTER_FLIGHT_JOIN, &flight->join);
}

/* Who leads, and since when. */
static void tell_leader(const struct flight *flight, const struct muster_process *leader)
{
	char name[32], since[32], also[48];
	uint64_t now = now_ns();

	process_name(leader->pid, name, sizeof(name));
	format_duration(now > leader->since ? now - leader->since : 0, since, sizeof(since));
	say_more("%s: process %d (%s) leads, for %s now: waiting for it%s", flight->key,
		 leader->pid, name, since,
		 and_others(leader->amount == 1 ? ", as does" : ", as do", leader->amount, also,
			    sizeof(also)));
}

/* Another process leads; it may have ended meanwhile, or be one that we cannot see. */
static void before_waiting(const struct flight *flight)
{
	struct muster_process leader;
	int nr = muster_flight_processes(flight->fd, flight->key, strlen(flight->key), &leader, 1);

	if (nr < 1 || leader.pid < 1) {
		say_more("%s: another process leads: waiting for it", flight->key);
		return;
	}
	if (!flight->options.timed && held_around(&leader, 1))
		die_deadlock(flight->key);
	tell_leader(flight, &leader);
}

/* Looks before it waits, if that is of interest. */
static int join_or_wait(struct flight *flight)
{
	int err = -EAGAIN;

	if (verbose || !flight->options.timed)
		err = join(flight, MUSTER_WAIT_NONBLOCK);
	if (err != -EAGAIN)
		return err;
	if (verbose || !flight->options.timed)
		before_waiting(flight);
	return join(flight, 0);
}

static int no_answer(const struct flight *flight, int err)
{
	int status = conflict_status(&flight->options, err);

	if (err == -EOWNERDEAD)
		die("%s: each process that ran CMD was killed, one after the other, and it is not tried again",
		    flight->key);
	if (status < 0)
		die_error(err, flight->key);
	say_more("%s: %s", flight->key, err == -EBUSY ? "another process leads" :
		 "waited too long for another process");
	return status;
}

static int ask(struct flight *flight)
{
	int err;

	flight->began = now_ns();
	err = join_or_wait(flight);
	if (err < 0)
		return no_answer(flight, err);
	tell_wait(flight);
	return flight->join.role == MUSTER_ROLE_LEADER ? lead(flight) : follow(flight);
}

/* ---- command lines ---- */

enum {
	OPT_KEEP = OPT_OWN,
	OPT_STALE,
	OPT_FORGET_AFTER,
	OPT_NO_FOLLOW,
	OPT_FRESH,
	OPT_KEEP_FAILURE,
};

#define LONG_WAITS	LONG_VERBOSE, LONG_MODE, LONG_TIMEOUT, LONG_CONFLICT
#define LONG_GROUP	{ "group", required_argument, NULL, 'g' }
#define LONG_KEPT	{ "keep-failure", no_argument, NULL, OPT_KEEP_FAILURE },	\
			{ "fresh", no_argument, NULL, OPT_FRESH }

static const struct option flight_options[] = {
	LONG_HELP,
	LONG_WAITS,
	LONG_GROUP,
	LONG_KEPT,
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "stale", required_argument, NULL, OPT_STALE },
	{ "forget-after", required_argument, NULL, OPT_FORGET_AFTER },
	{ "no-follow", no_argument, NULL, OPT_NO_FOLLOW },
	{ }
};

static const struct option once_options[] = {
	LONG_HELP,
	LONG_WAITS,
	LONG_GROUP,
	LONG_KEPT,
	{ "for", required_argument, NULL, OPT_KEEP },
	{ }
};

static const struct option forget_options[] = { LONG_HELP, LONG_GROUP, { } };

/*
 * A time that is stated, however long, outlives those who have the group open (O3); one
 * that is not would end with them.
 */
static uint64_t keep_option(const char *text)
{
	uint64_t ns = duration_option(text);

	return ns < KEEP_MAX ? ns : KEEP_MAX;
}

static void flight_option(struct flight *flight, int option)
{
	switch (option) {
	case 'g':
		flight->group = optarg;
		break;
	case OPT_KEEP:
		flight->keep = keep_option(optarg);
		break;
	case OPT_STALE:
		flight->grace = keep_option(optarg);
		break;
	case OPT_KEEP_FAILURE:
		flight->finish_flags |= MUSTER_FINISH_KEEP_FAILURE;
		break;
	case OPT_FORGET_AFTER:
		flight->forget_after = duration_option(optarg);
		break;
	case OPT_NO_FOLLOW:
		flight->join_flags |= MUSTER_JOIN_NO_FOLLOW;
		break;
	case OPT_FRESH:
		flight->join_flags |= MUSTER_JOIN_FRESH;
		break;
	}
}

static void open_group(struct flight *flight, int oflags)
{
	struct muster_open how = { .type = MUSTER_FLIGHT, .oflags = oflags };

	if (!*flight->key || strlen(flight->key) > MUSTER_KEY_MAX)
		die_usage("KEY has 1 to %d bytes", MUSTER_KEY_MAX);
	flight->fd = open_mode(&flight->options, &how, flight->group);
}

static int run_flight(struct flight *flight, int argc, char **argv, const struct option *longs)
{
	int option;

	do {
		option = next_option(&flight->options, argc, argv, LETTERS LETTERS_WAIT "vg:",
				     longs);
		flight_option(flight, option);
	} while (option != -1);
	need_names(&flight->options, 1, 1, "KEY");
	need_command(&flight->options);
	if (flight->grace && !flight->keep)
		die_usage("--stale is for what --keep has kept");
	flight->key = flight->options.names[0];
	open_group(flight, O_CREAT);
	if (flight->fd < 0)
		die_open(flight->fd, flight->group);
	return ask(flight);
}

static int flight_run(int argc, char **argv)
{
	static struct flight flight = { .options = OPTIONS_INIT, .group = "~flight" };

	return run_flight(&flight, argc, argv, flight_options);
}

static int once_run(int argc, char **argv)
{
	static struct flight flight = {
		.options = OPTIONS_INIT,
		.group = "~once",
		.keep = 3600 * NSEC_PER_SEC,
	};

	return run_flight(&flight, argc, argv, once_options);
}

static int forget_run(int argc, char **argv)
{
	static struct flight flight = { .options = OPTIONS_INIT, .group = "~flight" };
	struct muster_flight_key key = { .size = sizeof(key) };
	int option, err;

	do {
		option = next_option(&flight.options, argc, argv, LETTERS "g:", forget_options);
		flight_option(&flight, option);
	} while (option != -1);
	need_names(&flight.options, 1, 1, "KEY");
	no_command(&flight.options);
	flight.key = flight.options.names[0];
	open_group(&flight, 0);
	if (flight.fd == -ENOENT && muster_info(&(struct muster_info){ 0 }) == 0)
		return STATUS_BUSY;
	if (flight.fd < 0)
		die_open(flight.fd, flight.group);
	key.key = (uintptr_t)flight.key;
	key.key_len = strlen(flight.key);
	err = try_ioctl(flight.fd, MUSTER_FLIGHT_FORGET, &key);
	if (err)
		die_error(err, flight.key);
	return key.count ? 0 : STATUS_BUSY;
}

const struct command flight_command = {
	.name = "flight",
	.brief = "Of all who ask for KEY at once one runs CMD, all get its output",
	.usage = "[OPTION]... KEY [--] CMD [ARG]...",
	.summary = "Of all who ask for KEY at the same time one runs CMD; all print what it\n"
		   "prints on stdout, and exit with its status. If it is killed, another runs CMD",
	.help =
		"  -g, --group GROUP     keys of GROUP; without it they are your user's own (~flight)\n"
		"      --keep TIME       for so long, who asks gets the same at once; CMD is not run\n"
		"      --stale TIME      for so long after that the first one who asks runs CMD\n"
		"                        again, while others get the old answer at once\n"
		"      --keep-failure    keep it though CMD fails\n"
		"      --fresh           do not take a kept answer\n"
		"      --forget-after TIME\n"
		"                        who asks later than this does not wait for a CMD that is\n"
		"                        still running, but runs it again\n"
		"      --no-follow       run CMD or nothing: if another process runs it, exit with 1\n"
		HELP_WAIT HELP_CONFLICT HELP_MODE HELP_VERBOSE,
	.run = flight_run,
};

const struct command once_command = {
	.name = "once",
	.brief = "Runs CMD, unless that was done already",
	.usage = "[OPTION]... NAME [--] CMD [ARG]...",
	.summary = "Runs CMD unless that was done already under NAME, and succeeded; who comes\n"
		   "meanwhile waits, and who comes later gets the same output and status",
	.help =
		"      --for TIME        so long it counts as done (default 1h; at most the module's\n"
		"                        linger_max, if meanwhile nobody has the group open)\n"
		"      --keep-failure    a failure counts as done\n"
		"      --fresh           do not take a kept answer\n"
		"  -g, --group GROUP     names of GROUP; without it they are your user's own (~once);\n"
		"                        muster forget --group ~once NAME makes it undone\n"
		HELP_WAIT HELP_CONFLICT HELP_MODE HELP_VERBOSE,
	.run = once_run,
};

const struct command forget_command = {
	.name = "forget",
	.brief = "Makes who asks for KEY from now on begin anew",
	.usage = "[OPTION]... KEY",
	.summary = "Who asks for KEY from now on begins a new flight. Exit status 0, or 1 if there\n"
		   "was none, and nothing kept",
	.help =
		"  -g, --group GROUP     its GROUP, as muster flight has it\n",
	.run = forget_run,
};
