// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster(1): coordination between processes that survives crashes, for the shell
 *
 * A command is a struct command in the file of its family, and a line in the table.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct command *command;

static int version_run(int argc, char **argv);

static const struct command version_command = {
	.name = "version",
	.brief = "Prints versions, and limits of the kernel module",
	.usage = "",
	.summary = "Prints the version of muster, and of the kernel module version and limits; or why\n"
		   "there is none, which is no failure",
	.help = "",
	.run = version_run,
};

/* A new command is a line here. */
static const struct command *const commands[] = {
	&flight_command,
	&once_command,
	&forget_command,
	&sem_command,
	&lock_command,
	&rwlock_command,
	&barrier_command,
	&group_command,
	&ls_command,
	&stat_command,
	&top_command,
	&version_command,
};

/* By sysfs: who may not open the device may know. */
static void print_module_version(void)
{
	char version[64] = "";
	FILE *file = fopen("/sys/module/muster/version", "r");

	if (!file)
		return;
	if (fgets(version, sizeof(version), file))
		version[strcspn(version, "\n")] = '\0';
	fclose(file);
	printf(" %s", version);
}

/* What muster is can be told, whether or not there is a module. */
static int version_run(int argc, char **argv)
{
	static const struct option longs[] = { LONG_HELP, { } };
	struct options options = OPTIONS_INIT;
	struct muster_info info;
	char why[512];
	int err;

	next_option(&options, argc, argv, LETTERS, longs);
	need_names(&options, 0, 0, "");
	no_command(&options);
	printf("muster %s, interface version %d\nkernel module", MUSTER_VERSION,
	       MUSTER_API_VERSION);
	print_module_version();
	err = muster_info(&info);
	if (err && device_trouble(err, why, sizeof(why)))
		printf(": %s\n", why);
	else if (err)
		printf(": %s: %s\n", MUSTER_DEVICE, muster_strerror(err));
	else
		printf(": interface version %u, results up to %llu bytes, %u objects and %u keys for each user\n",
		       info.api_version, (unsigned long long)info.result_max, info.objects_max,
		       info.calls_max);
	flush_output();
	return 0;
}

static void print_command(FILE *to, const struct command *one)
{
	fprintf(to, "  %-8s  %s\n", one->name, one->brief);
}

static int help(FILE *to)
{
	size_t i;

	fputs("usage: muster COMMAND [OPTION]... NAME [--] CMD [ARG]...\n\n"
	     "Coordination between processes: whatever dies, nobody waits for the dead.\n\n", to);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		print_command(to, commands[i]);
	fputs("\nFor example: muster flight report -- ./make-report; muster sem -n 4 convert -- convert a b\n"
	      "muster COMMAND --help tells more. Exit status: that of CMD, 128+N if signal N killed\n"
	      "it; 124 waited too long; 125 muster failed; 126, 127 CMD cannot be run, is not there.\n",
	      to);
	flush_output();
	return to == stdout ? 0 : STATUS_MUSTER;
}

/*
 * Who was started with one of the three streams closed would open an object in its place,
 * and write to that.
 */
static void open_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	size_t i;

	open_streams();
	if (argc < 2)
		return help(stderr);
	if (!strcmp(argv[1], "help") && argc == 3) {
		argv[1] = argv[2];
		argv[2] = "--help";
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(stdout);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		argv[1] = "version";
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[1], commands[i]->name)) {
			command = commands[i];
			return end_as_command(command->run(argc - 1, argv + 1));
		}
	}
	die_usage("%s: no such command; muster --help lists them", argv[1]);
}
