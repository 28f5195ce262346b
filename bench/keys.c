// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a leader's join and finish cost while a few or very many other keys are in
 * flight in the same group: a table that has grown must not be slower.
 *
 * Run as "vm/run --icount"; see uncontended.c.
 *
 * usage: keys [ROUNDS [OPERATIONS]]
 *
 * Exit status: 0, or 1 if an operation with 10,000 keys in flight costs more than
 * LIMIT_KEYS times one with 10.
 */
#include <string.h>

#include "bench.h"

/*
 * With ten, the memory of the call that has just ended is the allocator's next; with very
 * many it is of one of its other pages, which takes 300 instructions more.
 */
#define LIMIT_KEYS 1.15
#define FEW 10
#define MANY 10000
#define MOST 100000

static char key[MOST][16];
static uint64_t token[MOST];

static void join(int fd, unsigned int i)
{
	struct muster_flight_join args = {
		.size = sizeof(args),
		.key = (uintptr_t)key[i],
		.key_len = sizeof(key[i]),
		.deadline = MUSTER_FOREVER,
	};

	check("join", do_ioctl(fd, MUSTER_FLIGHT_JOIN, &args), 0);
	check("role", args.role, MUSTER_ROLE_LEADER);
	token[i] = args.token;
}

static void finish(int fd, unsigned int i)
{
	struct muster_flight_finish args = {
		.size = sizeof(args),
		.key = (uintptr_t)key[i],
		.key_len = sizeof(key[i]),
		.token = token[i],
	};

	check("finish", do_ioctl(fd, MUSTER_FLIGHT_FINISH, &args), 0);
}

/* The calls are ended and begun anew in an order that is not that of their making. */
static double time_one(int fd, unsigned int keys)
{
	uint64_t start = now_ns();
	unsigned long n;
	unsigned int i = 0;

	for (n = 0; n < operations; n++) {
		i = (i + 7919) % keys;
		finish(fd, i);
		join(fd, i);
	}
	return (double)(now_ns() - start) / operations;
}

/* Costs of an operation with @keys keys in flight. */
static struct spread measure(unsigned int keys)
{
	int fd = open_object(MUSTER_FLIGHT, 0);
	double cost[ROUNDS_MAX];
	struct spread s;
	unsigned int i;

	for (i = 0; i < keys; i++)
		join(fd, i);
	time_one(fd, keys);
	for (i = 0; i < rounds; i++)
		cost[i] = time_one(fd, keys);
	for (i = 0; i < keys; i++)
		finish(fd, i);
	s = spread_of(cost, rounds);
	printf("%8u %10.0f %8.0f %8.0f\n", keys, s.min, s.median, s.max);
	return s;
}

int main(int argc, char **argv)
{
	struct spread few, many;
	unsigned int i;

	parse_effort(argc, argv);
	for (i = 0; i < MOST; i++)
		snprintf(key[i], sizeof(key[i]), "key %u", i);
	printf("finish+join, ns (instructions, icount)\n");
	printf("%8s %10s %8s %8s\n", "keys", "min", "median", "max");
	few = measure(FEW);
	many = measure(MANY);
	measure(MOST);
	return verdict("10,000 keys in flight", many.median / few.median, "ten", LIMIT_KEYS);
}
