// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster top: what is going on, again and again
 *
 * An object is opened only while it is looked at, so that top keeps nothing alive. Rates
 * are differences of counters to the time before: both lists are in the same order.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "names.h"

#define DELAY_MIN	(10 * NSEC_PER_MSEC)

/**
 * struct sample - an object at one time
 * @entry:	what LIST tells of it
 * @flight:	its counters, if it is a flight
 * @holder:	who has held it longest, if it has holders: pid 0 if not
 */
struct sample {
	struct muster_entry entry;
	struct muster_flight_stat flight;
	struct muster_process holder;
};

/**
 * struct samples - all objects at one time
 * @sample:	in order
 * @nr:		how many
 * @room:	for how many there is room
 * @at:		when
 * @totals:	what had happened until then
 */
struct samples {
	struct sample *sample;
	size_t nr;
	size_t room;
	uint64_t at;
	struct muster_totals totals;
};

/* ---- looking ---- */

static void look_at_holders(struct sample *sample, int fd)
{
	struct muster_process list[16];
	struct muster_barrier_stat barrier;
	struct muster_group_stat group;
	struct muster_sem_stat sem;
	int nr = 0, i;

	if (sample->entry.type == MUSTER_FLIGHT)
		nr = muster_flight_processes(fd, NULL, 0, list, ARRAY_SIZE(list));
	else if (sample->entry.type == MUSTER_SEM)
		nr = muster_sem_stat(fd, &sem, list, ARRAY_SIZE(list));
	else if (sample->entry.type == MUSTER_BARRIER)
		nr = muster_barrier_stat(fd, &barrier, list, ARRAY_SIZE(list));
	else if (sample->entry.type == MUSTER_GROUP)
		nr = muster_group_stat(fd, &group, list, ARRAY_SIZE(list));
	for (i = 0; i < nr; i++) {
		if (sample->entry.type == MUSTER_SEM && list[i].role != MUSTER_PROCESS_HOLDER)
			continue;
		if (!sample->holder.pid || list[i].since < sample->holder.since)
			sample->holder = list[i];
	}
}

static int look(const struct muster_entry *entry, void *arg)
{
	struct samples *samples = arg;
	struct sample *sample;
	int fd;

	if (samples->nr == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 64;
		samples->sample = reallocarray(samples->sample, samples->room,
					       sizeof(*samples->sample));
		if (!samples->sample)
			die("out of memory");
	}
	sample = &samples->sample[samples->nr++];
	*sample = (struct sample){ .entry = *entry };
	/* What only lingers is left alone. */
	fd = entry->files ? open_existing(entry->type, entry->name, entry->name_len) : -1;
	if (fd < 0)
		return 0;
	if (entry->type == MUSTER_FLIGHT)
		muster_flight_stat(fd, &sample->flight);
	look_at_holders(sample, fd);
	close(fd);
	return 0;
}

static int order(const struct muster_entry *a, const struct muster_entry *b)
{
	uint32_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int names = memcmp(a->name, b->name, len);

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return names ? names : (int)a->name_len - (int)b->name_len;
}

/* The same object the time before, or nothing. @from moves on behind it. */
static const struct sample *before(const struct samples *last, size_t *from,
				   const struct sample *sample)
{
	static const struct sample none;

	while (*from < last->nr && order(&last->sample[*from].entry, &sample->entry) < 0)
		++*from;
	if (*from == last->nr || order(&last->sample[*from].entry, &sample->entry) ||
	    last->sample[*from].flight.led > sample->flight.led)
		return &none;
	return &last->sample[*from];
}

/* ---- showing ---- */

static double rate(uint64_t now, uint64_t then, double seconds)
{
	return now > then && seconds > 0 ? (now - then) / seconds : 0;
}

/* The size of the terminal, or none. */
static struct winsize terminal_size(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 10 || size.ws_col < 40)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

/* What the terminal has no room for beside what is before it is left out. */
static void show_name(const struct muster_entry *entry, int before)
{
	int columns = terminal_size().ws_col;
	size_t room = columns > before ? columns - before : 0;

	print_text(entry->name, entry->name_len, columns ? room : SIZE_MAX);
	putchar('\n');
}

/* Since when the one that has held it longest has it; "-" if nobody has. */
static const char *held_since(const struct sample *sample, uint64_t now, char *buf, size_t len)
{
	uint64_t since = sample->holder.since;

	if (!sample->holder.pid)
		snprintf(buf, len, "-");
	else
		format_duration(now > since ? now - since : 0, buf, len);
	return buf;
}

static void show_flight(const struct sample *sample, const struct sample *then, double seconds,
			uint64_t now)
{
	const struct muster_flight_stat *a = &sample->flight, *b = &then->flight;
	double led = rate(a->led, b->led, seconds), joined = rate(a->joined, b->joined, seconds);
	double served = rate(a->served, b->served, seconds);
	uint64_t saved = a->joined + a->served, all = a->led + saved;
	char since[32];

	show_name(&sample->entry,
		  printf("%7.1f %8.1f %7.1f %4llu%% %7llu %7llu %6llu %7d %6s  ", led, joined,
			 served, (unsigned long long)(all ? 100 * saved / all : 0),
			 (unsigned long long)sample->entry.used,
			 (unsigned long long)sample->entry.waiters,
			 (unsigned long long)sample->entry.kept, sample->holder.pid,
			 held_since(sample, now, since, sizeof(since))));
}

static void show_other(const struct sample *sample, uint64_t now)
{
	const struct muster_entry *entry = &sample->entry;
	char limit[32], since[32], name[32] = "";
	int before;

	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)entry->limit);
	if (sample->holder.pid)
		process_name(sample->holder.pid, name, sizeof(name));
	before = printf("%-8s %8llu %8s %8llu %8d %6s ", type_name(entry->type),
			(unsigned long long)entry->used,
			entry->type == MUSTER_SEM && entry->limit > 99999999 ? "many" : limit,
			(unsigned long long)entry->waiters, sample->holder.pid,
			held_since(sample, now, since, sizeof(since)));
	print_text(name, strlen(name), SIZE_MAX);
	show_name(entry, before + printf("%*s", 17 - (int)strlen(name), "") + (int)strlen(name));
}

/* Of all objects, also of those that are gone again, or others' own. */
static void show_totals(const struct muster_totals *a, const struct muster_totals *b,
			double seconds)
{
	uint64_t saved = a->joined + a->served, all = a->led + saved;

	printf("so far: %llu%% of work saved, %llu deaths\n",
	       (unsigned long long)(all ? 100 * saved / all : 0),
	       (unsigned long long)a->deaths);
	if (seconds > 0)
		printf("per second: %.1f led, %.1f joined, %.1f kept, %.1f granted, %.1f waits\n",
		       rate(a->led, b->led, seconds), rate(a->joined, b->joined, seconds),
		       rate(a->served, b->served, seconds),
		       rate(a->granted, b->granted, seconds),
		       rate(a->waits, b->waits, seconds));
	else
		printf("per second: told from the next table on\n");
}

static void show(const struct samples *now, const struct samples *last)
{
	double seconds = last->at ? (now->at - last->at) / 1e9 : 0;
	size_t lines = terminal_size().ws_row, shown = 6, from = 0, i;
	bool head[2] = { false, false };
	const struct sample *sample;

	if (lines)
		printf("\033[H\033[J");
	printf("muster: %zu %s, after %.1f s\n", now->nr, now->nr == 1 ? "name" : "names",
	       seconds);
	show_totals(&now->totals, &last->totals, seconds);
	for (i = 0; i < now->nr && (!lines || ++shown < lines); i++) {
		sample = &now->sample[i];
		if (sample->entry.type == MUSTER_FLIGHT) {
			if (!head[0])
				printf("%7s %8s %7s %5s %7s %7s %6s %7s %6s  %s\n", "LED/s",
				       "JOINED/s", "KEPT/s", "SAVED", "FLIGHTS", "WAITERS",
				       "KEPT", "LEADER", "SINCE", "FLIGHT");
			show_flight(sample, before(last, &from, sample), seconds, now->at);
			head[0] = true;
		} else {
			if (!head[1])
				printf("%-8s %8s %8s %8s %8s %6s %-15s  %s\n", "TYPE", "USED",
				       "LIMIT", "WAITERS", "HOLDER", "SINCE", "COMMAND", "NAME");
			show_other(sample, now->at);
			head[1] = true;
		}
	}
	if (i < now->nr)
		printf("... and %zu more\n", now->nr - i);
	else if (!lines)
		putchar('\n');
	flush_output();
}

/* ---- command line ---- */

static const struct option top_options[] = {
	LONG_HELP,
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ }
};

static void top(uint64_t delay, uint64_t count)
{
	struct samples samples[2] = { { 0 }, { 0 } };
	uint64_t ms = delay / NSEC_PER_MSEC, i;

	for (i = 0; !count || i < count; i++) {
		struct samples *now = &samples[i & 1];

		if (i)
			poll(NULL, 0, ms < INT32_MAX ? (int)ms : INT32_MAX);
		now->nr = 0;
		now->at = now_ns();
		each_name(0, look, now);
		/* An older module has none: they stay 0. */
		muster_totals(&now->totals);
		show(now, &samples[~i & 1]);
	}
}

/* Without a pause it would do nothing but look, and keep a CPU busy. */
static uint64_t delay_option(const char *text)
{
	uint64_t delay = duration_option(text);

	if (delay < DELAY_MIN)
		die_usage("%s: there are at least 10ms from one table to the next", text);
	return delay;
}

static int top_run(int argc, char **argv)
{
	uint64_t delay = 2 * NSEC_PER_SEC, count = 0;
	struct options options = OPTIONS_INIT;
	int option;

	do {
		option = next_option(&options, argc, argv, LETTERS "d:n:", top_options);
		if (option == 'd')
			delay = delay_option(optarg);
		else if (option == 'n')
			count = number_option(optarg, 1, UINT32_MAX);
	} while (option != -1);
	need_names(&options, 0, 0, "");
	no_command(&options);
	top(delay, count);
	return 0;
}

const struct command top_command = {
	.name = "top",
	.brief = "Shows what is going on, live",
	.usage = "[OPTION]...",
	.summary = "Shows what is going on, until it is interrupted: of flights how many were led,\n"
		   "joined an answer, got a kept one each second, the share of work that this has\n"
		   "saved so far, and who leads; of all others who holds them. Of several that is the\n"
		   "one that has done so longest",
	.help =
		"  -d, --delay TIME      from one table to the next (default 2s)\n"
		"  -n, --count N         end after N tables; the first one has no rates yet\n",
	.run = top_run,
};
