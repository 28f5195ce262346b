// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page of LIST costs where there are a thousand names, or a hundred thousand: it is
 * also more than the names are locked for at a time, since a call looks at so many under
 * one lock as it has room for.
 *
 * Run as "vm/run --icount"; see uncontended.c.
 *
 * usage: names [ROUNDS [OPERATIONS]]
 *
 * Exit status: 0, or 1 if a page costs more than LIMIT_NAMES times as much among 100,000
 * names as among 1,000.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

#define LIMIT_NAMES 1.30
#define FEW 1000
#define MOST 100000
#define PARAM "/sys/module/muster/parameters/objects_max"

static struct muster_entry entries[MUSTER_LIST_MAX];
static int device;

/* One page behind the last entry of the one before; how many there are in it. */
static unsigned int page(struct muster_list *list)
{
	const struct muster_entry *last = &entries[MUSTER_LIST_MAX - 1];

	list->nr_entries = MUSTER_LIST_MAX;
	check("list", do_ioctl(device, MUSTER_LIST, list), 0);
	list->after_type = last->type;
	list->after = (uintptr_t)last->name;
	list->after_len = last->name_len;
	return list->nr_entries;
}

/* A whole list: ns for each full page, the cheapest and the dearest in @spread, ns in all. */
static double list_all(unsigned int names, struct spread *spread)
{
	struct muster_list list = { .size = sizeof(list), .entries = (uintptr_t)entries };
	uint64_t start = now_ns(), before, cost;
	unsigned int nr, seen = 0;

	*spread = (struct spread){ .min = 1e18 };
	do {
		before = now_ns();
		nr = page(&list);
		cost = now_ns() - before;
		seen += nr;
		if (nr < MUSTER_LIST_MAX)
			break;
		spread->min = cost < spread->min ? cost : spread->min;
		spread->max = cost > spread->max ? cost : spread->max;
	} while (list.more);
	check("names", seen, names);
	return now_ns() - start;
}

static void make_names(unsigned int from, unsigned int to)
{
	char name[32];

	for (; from < to; from++) {
		/* In an order that is not that of the list. */
		snprintf(name, sizeof(name), "name %06u", from * 7919 % MOST);
		open_object_with(MUSTER_SEM, 1, 0, name);
	}
}

static double measure(unsigned int names)
{
	double all[ROUNDS_MAX];
	struct spread one, s;
	unsigned int i;

	for (i = 0; i < 3; i++)
		all[i] = list_all(names, &one);
	s = spread_of(all, 3);
	printf("%8u %10.0f %10.0f %10.0f %14.0f\n", names, one.min,
	       s.median / (names / MUSTER_LIST_MAX), one.max, s.median);
	return s.median / names;
}

static void allow_names(void)
{
	struct rlimit room = { MOST + 100, MOST + 100 };
	int fd = open(PARAM, O_WRONLY);

	if (fd < 0 || write(fd, "200000", 6) != 6 || setrlimit(RLIMIT_NOFILE, &room)) {
		perror(PARAM ", or limit of files");
		exit(2);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	double few, most;

	parse_effort(argc, argv);
	allow_names();
	device = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
	printf("LIST, a page of %d names, ns (instructions, icount)\n", MUSTER_LIST_MAX);
	printf("%8s %10s %10s %10s %14s\n", "names", "min", "mean", "max", "whole list");
	make_names(0, FEW);
	few = measure(FEW);
	make_names(FEW, MOST / 10);
	measure(MOST / 10);
	make_names(MOST / 10, MOST);
	most = measure(MOST);
	return verdict("100,000 names, each", most / few, "1,000", LIMIT_NAMES);
}
