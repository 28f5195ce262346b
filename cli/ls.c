// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster ls, stat: what there is, and what is going on in it
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

static const struct option ls_options[] = {
	LONG_HELP,
	{ "json", no_argument, NULL, 'J' },
	{ }
};

static void parse(struct options *options, int argc, char **argv)
{
	int option;

	do {
		option = next_option(options, argc, argv, LETTERS "J", ls_options);
		if (option == 'J')
			as_json = true;
	} while (option != -1);
}

/* ---- ls ---- */

static void ls_json(const struct muster_entry *entry, unsigned int *nr)
{
	char text[64];

	printf("%s\n", *nr ? "," : "[");
	begin_values(entry->type, entry->name, entry->name_len);
	put_number("limit", entry->limit);
	put_number("used", entry->used);
	put_number("waiters", entry->waiters);
	put_number("kept", entry->kept);
	put_number("files", entry->files);
	snprintf(text, sizeof(text), "%04o", entry->mode);
	put_text("mode", text);
	put_number("uid", entry->uid);
	put_number("gid", entry->gid);
	put_number("options", entry->options);
	if (entry->linger_until) {
		uint64_t now = now_ns();

		put_duration("lingers", entry->linger_until > now ? entry->linger_until - now : 0);
	}
	end_values();
}

static void ls_line(const struct muster_entry *entry, unsigned int *nr)
{
	char owner[64], limit[32];

	if (!*nr)
		printf("%-8s %8s %8s %8s %8s %6s %-4s %-10s %s\n", "TYPE", "LIMIT", "USED",
		       "WAITERS", "KEPT", "FILES", "MODE", "OWNER", "NAME");
	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)entry->limit);
	printf("%-8s %8s %8llu %8llu %8llu %6u %04o %-10s ", type_name(entry->type),
	       entry->type == MUSTER_SEM && entry->limit > 99999999 ? "many" : limit,
	       (unsigned long long)entry->used, (unsigned long long)entry->waiters,
	       (unsigned long long)entry->kept, entry->files, entry->mode,
	       owner_name(entry->uid, owner, sizeof(owner)));
	print_text(entry->name, entry->name_len, SIZE_MAX);
	putchar('\n');
}

static int see(const struct muster_entry *entry, void *arg)
{
	unsigned int *nr = arg;

	if (as_json)
		ls_json(entry, nr);
	else
		ls_line(entry, nr);
	++*nr;
	return 0;
}

static int ls_run(int argc, char **argv)
{
	struct options options = OPTIONS_INIT;
	unsigned int nr = 0;

	parse(&options, argc, argv);
	need_names(&options, 0, 1, "");
	no_command(&options);
	each_name(options.nr_names ? type_of(options.names[0]) : 0, see, &nr);
	if (as_json)
		printf("%s]\n", nr ? "\n" : "[");
	flush_output();
	return 0;
}

/* ---- stat ---- */

static struct muster_process processes[MUSTER_PROCESSES_MAX];

static void stat_flight(int fd)
{
	struct muster_flight_stat stat;
	uint64_t all;
	int nr;

	if (muster_flight_stat(fd, &stat))
		return;
	all = stat.led + stat.joined + stat.served;
	put_number("handovers", stat.handovers);
	put_number("in_flight", stat.calls);
	put_number("waiters", stat.followers);
	put_number("kept", stat.kept);
	put_number("led", stat.led);
	put_number("joined", stat.joined);
	put_number("served_kept", stat.served);
	put_number("saved_percent", all ? 100 * (stat.joined + stat.served) / all : 0);
	put_number("handed_over", stat.handed_over);
	put_number("forgotten", stat.forgotten);
	put_number("orphaned", stat.orphaned);
	nr = muster_flight_processes(fd, NULL, 0, processes, MUSTER_PROCESSES_MAX);
	put_processes(processes, nr < 0 ? 0 : nr);
}

static void stat_barrier(int fd)
{
	static const char *const broken[] = { "no", "timeout", "death", "action", "reset" };
	struct muster_barrier_stat stat;
	int nr = muster_barrier_stat(fd, &stat, processes, MUSTER_PROCESSES_MAX);

	if (nr < 0)
		return;
	put_number("parties", stat.parties);
	put_number("waiting", stat.waiting);
	put_number("generation", stat.generation);
	put_number("acting", stat.acting);
	put_text("broken", stat.broken_by < ARRAY_SIZE(broken) ? broken[stat.broken_by] : "?");
	if (stat.broken_by) {
		put_signed("broken_pid", stat.broken_pid);
		put_signed("status", stat.status);
		put_number("arrived", stat.arrived);
	}
	put_processes(processes, nr);
}

static void stat_sem(int fd)
{
	struct muster_sem_stat stat;
	int nr = muster_sem_stat(fd, &stat, processes, MUSTER_PROCESSES_MAX);

	if (nr < 0)
		return;
	put_number("limit", stat.limit);
	put_number("held", stat.held);
	put_number("available", stat.available);
	put_number("waiters", stat.waiters);
	put_number("abandoned", stat.abandoned);
	put_processes(processes, nr);
}

static void stat_group(int fd)
{
	struct muster_group_stat stat;
	int nr = muster_group_stat(fd, &stat, processes, MUSTER_PROCESSES_MAX);

	if (nr < 0)
		return;
	put_number("limit", stat.limit);
	put_number("pending", stat.pending);
	put_number("succeeded", stat.succeeded);
	put_number("failed", stat.failed);
	put_number("died", stat.died);
	put_number("cancelled", stat.cancelled);
	put_signed("status", stat.status);
	put_number("waiters", stat.waiters);
	put_number("adders", stat.adders);
	put_processes(processes, nr);
}

static void (*const stat_of[])(int fd) = {
	[MUSTER_FLIGHT] = stat_flight,
	[MUSTER_BARRIER] = stat_barrier,
	[MUSTER_SEM] = stat_sem,
	[MUSTER_GROUP] = stat_group,
};

/* What has happened so far, whoever did it. */
static int stat_totals(void)
{
	struct muster_totals totals;
	uint64_t saved, all;
	int err = muster_totals(&totals);

	if (err == -ENOTTY)
		die_old("tell totals");
	if (err)
		die_open(err, MUSTER_DEVICE);
	saved = totals.joined + totals.served;
	all = totals.led + saved;
	begin_totals(totals.all ? "all objects" : "your objects");
	put_number("objects", totals.objects);
	put_number("led", totals.led);
	put_number("joined", totals.joined);
	put_number("served_kept", totals.served);
	put_number("saved_percent", all ? 100 * saved / all : 0);
	put_number("handed_over", totals.handed_over);
	put_number("orphaned", totals.orphaned);
	put_number("forgotten", totals.forgotten);
	put_number("kept", totals.kept);
	put_number("granted", totals.granted);
	put_number("lent", totals.lent);
	put_number("taken_back", totals.taken);
	put_number("tripped", totals.tripped);
	put_number("broken", totals.broken);
	put_number("tasks", totals.tasks);
	put_number("failures", totals.failures);
	put_number("waits", totals.waits);
	put_number("timeouts", totals.timeouts);
	put_number("deaths", totals.deaths);
	end_values();
	if (as_json)
		putchar('\n');
	flush_output();
	return 0;
}

/* 1 if there is one of that type, else a negative errno; @nr have been shown before. */
static int stat_one(uint32_t type, const char *name, unsigned int nr)
{
	int fd = open_existing(type, name, strlen(name));

	if (fd < 0)
		return fd;
	if (as_json)
		printf("%s\n", nr ? "," : "[");
	begin_values(type, name, strlen(name));
	stat_of[type](fd);
	end_values();
	close(fd);
	return 1;
}

static int stat_run(int argc, char **argv)
{
	struct options options = OPTIONS_INIT;
	unsigned int nr = 0;
	int ret, err = -ENOENT;
	uint32_t type, only;
	const char *name;

	parse(&options, argc, argv);
	need_names(&options, 0, 2, "NAME");
	no_command(&options);
	if (!options.nr_names)
		return stat_totals();
	name = options.names[options.nr_names - 1];
	only = options.nr_names > 1 ? type_of(options.names[0]) : 0;
	for (type = 1; type < ARRAY_SIZE(stat_of); type++) {
		if (only && type != only)
			continue;
		ret = stat_one(type, name, nr);
		if (ret > 0)
			nr++;
		else if (ret != -ENOENT)
			err = ret;
	}
	if (!nr)
		die_open(err, name);
	if (as_json)
		printf("\n]\n");
	flush_output();
	return 0;
}

#define HELP_JSON							\
	"  -J, --json            for programs: an array of objects, times in seconds\n"

const struct command ls_command = {
	.name = "ls",
	.brief = "Lists the names that there are",
	.usage = "[OPTION]... [TYPE]",
	.summary = "Lists the names that there are, and that you may open: flight groups, barriers,\n"
		   "semaphores (locks and rwlocks, too), groups; or those of one TYPE",
	.help = HELP_JSON,
	.run = ls_run,
};

const struct command stat_command = {
	.name = "stat",
	.brief = "Tells who holds and who waits, and what has happened so far",
	.usage = "[OPTION]... [[TYPE] NAME]",
	.summary = "Tells what is going on under NAME: counters; who holds, who waits, since when.\n"
		   "Without a NAME: what has happened so far, to all that there was and is",
	.help = HELP_JSON,
	.run = stat_run,
};
