/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * muster(1) - what its files share
 *
 * main.c has the table of commands; a file for each family is behind it. Beside them:
 * options.c what options have in common, say.c what is said to the user, duration.c
 * times, run.c runs the user's command.
 */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <muster.h>

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Exit statuses that are muster's own: those of timeout(1), and flock(1)'s. */
#define STATUS_BUSY	1	/* --conflict-exit-code says otherwise */
#define STATUS_BROKEN	1	/* barrier: it broke; group: a task failed */
#define STATUS_TIMEOUT	124
#define STATUS_MUSTER	125	/* muster itself failed */
#define STATUS_CANNOT	126	/* the command is there, but cannot be run */
#define STATUS_MISSING	127	/* there is no such command */

/**
 * struct command - a command of muster's
 * @name:	what it is called by
 * @brief:	what it does, in a few words
 * @usage:	what comes after the name
 * @summary:	what it does, in one line
 * @help:	the rest of --help: its options, one a line
 * @run:	does it; gets its name as argv[0], returns the exit status
 */
struct command {
	const char *name;
	const char *brief;
	const char *usage;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};

/* The one that runs. */
extern const struct command *command;

extern const struct command flight_command, once_command, forget_command, sem_command,
	lock_command, rwlock_command, barrier_command, ls_command, stat_command, top_command,
	group_command;

/* ---- say.c: what is said to the user ---- */

#define PARAMETERS	"/sys/module/muster/parameters/"

extern bool verbose;

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
__attribute__((format(printf, 1, 2))) void say_more(const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void die_usage(const char *format, ...);
const char *and_others(const char *what, uint64_t nr, char *buf, size_t len);
bool device_trouble(int err, char *why, size_t len);
__attribute__((noreturn)) void die_old(const char *what);
__attribute__((noreturn)) void die_open(int err, const char *name);
__attribute__((noreturn)) void die_error(int err, const char *doing);
__attribute__((noreturn)) void die_output(void);
void flush_output(void);

/* ---- duration.c ---- */

bool parse_duration(const char *text, uint64_t *ns);
const char *format_duration(uint64_t ns, char *buf, size_t len);
uint64_t now_ns(void);

/* ---- options.c ---- */

/**
 * struct options - what the commands that wait and run something have in common
 * @deadline:	how long to wait
 * @timed:	that was said
 * @nonblock:	do not wait at all
 * @conflict:	exit status if it would have to wait, or waited too long; -1 the usual
 * @mode:	of a new object; -1: only for the user's own
 * @names:	the operands before the command
 * @nr_names:	how many
 * @argv:	the command, or NULL
 */
struct options {
	uint64_t deadline;
	bool timed;
	bool nonblock;
	int conflict;
	int mode;
	char **names;
	int nr_names;
	char **argv;
};

#define OPTIONS_INIT { .deadline = MUSTER_FOREVER, .conflict = -1, .mode = -1 }

/* Values of the options that have no letter, or have one in common. */
enum {
	OPT_MODE = 256,
	OPT_OWN,	/* the first that is free for a command's own */
};

/*
 * What several have, for their lists: a command takes what has an effect there, and nothing
 * else. Letters begin with "+:", and all have h.
 */
#define LETTERS			"+:h"
#define LETTERS_WAIT		"t:E:"

#define LONG_HELP		{ "help", no_argument, NULL, 'h' }
#define LONG_VERBOSE		{ "verbose", no_argument, NULL, 'v' }
#define LONG_MODE		{ "mode", required_argument, NULL, OPT_MODE }
#define LONG_TIMEOUT		{ "timeout", required_argument, NULL, 't' }
#define LONG_CONFLICT		{ "conflict-exit-code", required_argument, NULL, 'E' }

#define HELP_WAIT							\
	"  -t, --timeout TIME    wait so long at most (500ms, 1.5s, 2h); then exit with 124\n"
#define HELP_CONFLICT							\
	"  -E, --conflict-exit-code N\n"				\
	"                        exit with N if CMD was not run because others have it or\n" \
	"                        the wait was too long\n"
#define HELP_MODE							\
	"      --mode MODE       who may use a name that is new: octal, as of a file, both\n" \
	"                        r and w are needed (default 600; 666 is everybody)\n"
#define HELP_VERBOSE							\
	"  -v, --verbose         say on stderr who is waited for, and how long\n"

int next_option(struct options *options, int argc, char **argv, const char *letters,
		const struct option *longs);
void need_names(struct options *options, int least, int most, const char *what);
void no_command(const struct options *options);
void need_command(const struct options *options);
uint64_t number_option(const char *text, uint64_t least, uint64_t most);
uint64_t duration_option(const char *text);
int open_mode(const struct options *options, struct muster_open *how, const char *name);
int conflict_status(const struct options *options, int err);

/* ---- run.c: the user's command ---- */

/**
 * struct run - the user's command, having been run
 * @status:	its exit status, as a shell has it: 128+N if signal N killed it
 * @killed:	a signal killed it
 * @signalled:	the signal that was to end muster, and was passed on; or 0
 */
struct run {
	int status;
	bool killed;
	int signalled;
};

void run_command(char **argv, int output, struct run *run);
void run_task(char **argv, int output, int group, struct run *run);
int exec_command(char **argv);
int end_as_command(int status);
bool write_all(int fd, const char *buf, size_t len);
bool copy_all(int from, int to);

#endif /* CLI_H */
