// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the commands have in common on their command line, and what follows from it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

static void help(void)
{
	printf("usage: muster %s %s\n\n%s.\n\n%s  -h, --help            this text\n",
	       command->name, command->usage, command->summary, command->help);
	flush_output();
	exit(0);
}

uint64_t number_option(const char *text, uint64_t least, uint64_t most)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < least || number > most)
		die_usage("%s: not a number from %llu to %llu", text,
			  (unsigned long long)least, (unsigned long long)most);
	return number;
}

uint64_t duration_option(const char *text)
{
	uint64_t ns;

	if (!parse_duration(text, &ns))
		die_usage("%s: not a time: 250ms, 1.5s, 90, 10m, 2h, 1d, forever", text);
	return ns;
}

static int mode_option(const char *text)
{
	unsigned long mode;
	char *end;

	mode = strtoul(text, &end, 8);
	if (*text < '0' || *text > '7' || *end || mode > 0777)
		die_usage("%s: not an octal mode such as 660", text);
	return mode;
}

/* Whether it was one of those that all commands have. */
static bool common_option(struct options *options, int option)
{
	switch (option) {
	case 'h':
		help();
		return true;
	case 'v':
		verbose = true;
		return true;
	case 't':
		options->deadline = muster_after_ns(duration_option(optarg));
		options->timed = true;
		return true;
	case 'E':
		options->conflict = number_option(optarg, 0, 255);
		return true;
	case OPT_MODE:
		options->mode = mode_option(optarg);
		return true;
	}
	return false;
}

/*
 * Where the command begins is said by the first "--": options and names may stand in any
 * order before it. Without one, options end at the first name.
 */
static int find_command(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			return i;
	}
	return 0;
}

static bool is_name(const char *name, const char *word)
{
	size_t len = strcspn(word, "=");

	return !strncmp(word, "--", 2) && strlen(name) == len - 2 &&
	       !strncmp(name, word + 2, len - 2);
}

/*
 * What is wrong with an option, @option being what getopt_long(3) has said. @word is where
 * it stands, unless it is a letter that is not known, which may be one of many in a word.
 */
static void die_option(int option, const char *word, const struct option *longs)
{
	bool known = false, named = false;

	for (; longs->name; longs++) {
		known = known || longs->val == optopt;
		named = named || is_name(longs->name, word);
	}
	if (option == '?' && optopt && !known)
		die_usage("-%c: no such option here", optopt);
	if (option == '?' && !named)
		die_usage("%.*s: no such option here", (int)strcspn(word, "="), word);
	if (option == '?')
		die_usage("%.*s: it takes no value", (int)strcspn(word, "="), word);
	die_usage("%s: it needs a value", word);
}

/*
 * Names of options are not to be shortened: flight has --forget-after and once has --for,
 * flight has --keep and once has --keep-failure.
 */
static void check_name(char **argv, const struct option *found)
{
	const char *word = argv[optind - 1];

	if (found->has_arg && optarg == word)
		word = argv[optind - 2];
	if (!is_name(found->name, word))
		die_usage("%.*s: no such option here", (int)strcspn(word, "="), word);
}

/**
 * next_option - as getopt_long(3), for what is a command's own
 * @options:	gets what all have in common and, at the end, the operands
 * @argc:	of the command
 * @argv:	of the command
 * @letters:	its letters, after LETTERS
 * @longs:	its options
 *
 * Return: the next option, or -1 at the end.
 */
int next_option(struct options *options, int argc, char **argv, const char *letters,
		const struct option *longs)
{
	int split = find_command(argc, argv);
	int option, found;

	opterr = 0;
	do {
		found = -1;
		option = getopt_long(split ? split : argc, argv, letters + !!split, longs,
				     &found);
		if (option == '?' || option == ':')
			die_option(option, argv[optind - 1], longs);
		if (option != -1 && found >= 0)
			check_name(argv, &longs[found]);
	} while (option != -1 && common_option(options, option));
	if (option != -1)
		return option;
	options->names = argv + optind;
	options->nr_names = (split ? split : argc) - optind;
	if (split)
		options->argv = argv + split + 1;
	return -1;
}

/* Without "--" what is behind the names is the command. */
void need_names(struct options *options, int least, int most, const char *what)
{
	if (!options->argv && options->nr_names > most) {
		options->argv = options->names + most;
		options->nr_names = most;
	}
	if (options->nr_names < least)
		die_usage("%s is missing", what);
	if (options->nr_names > most)
		die_usage("%s: what is that? CMD begins after the first --", options->names[most]);
	if (options->argv && !options->argv[0])
		die_usage("CMD is missing after --");
}

void no_command(const struct options *options)
{
	if (options->argv)
		die_usage("%s: what is that? No CMD is run here", options->argv[0]);
}

void need_command(const struct options *options)
{
	if (!options->argv)
		die_usage("CMD is missing");
}

/* As mkdir(1) does it: the umask is for modes that nobody has asked for. */
int open_mode(const struct options *options, struct muster_open *how, const char *name)
{
	mode_t umask_was = umask(0);
	int fd;

	how->mode = options->mode < 0 ? 0600 : options->mode;
	how->name = (uintptr_t)name;
	how->name_len = strlen(name);
	if (!how->name_len)
		die_usage("a name must not be empty");
	fd = how->name_len > MUSTER_NAME_MAX ? -ENAMETOOLONG : muster_open(how);
	umask(umask_was);
	return fd;
}

/* The exit status if a wait ended with @err; -1 if that is no matter of waiting. */
int conflict_status(const struct options *options, int err)
{
	if (err != -ETIMEDOUT && err != -EAGAIN && err != -EBUSY)
		return -1;
	if (options->conflict >= 0)
		return options->conflict;
	return err == -ETIMEDOUT ? STATUS_TIMEOUT : STATUS_BUSY;
}
