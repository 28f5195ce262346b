// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an uncontended operation costs, against the cheapest system call that could
 * do it: an ioctl of the same descriptor that does nothing.
 *
 * Run as "vm/run --icount": there the clock counts instructions, one for each ns,
 * and figures repeat exactly. Each figure is the median of several rounds, given
 * with the least and the most.
 *
 * usage: uncontended [ROUNDS [OPERATIONS]]
 *
 * Exit status: 0, or 1 if acquire+release costs more than LIMIT_SEM times two empty
 * ioctls, or join+finish LIMIT_FLIGHT times.
 */
#include <errno.h>

#include "bench.h"

/* What has been reached; what is wanted, and why it is not: performance.rst. */
#define LIMIT_SEM	1.28
#define LIMIT_FLIGHT	2.95

/* Not an ioctl of muster's: every descriptor refuses it at once. */
#define EMPTY_IOCTL _IO(MUSTER_IOC_MAGIC, 0xff)

static void two_empty(int fd)
{
	check("empty ioctl", do_ioctl(fd, EMPTY_IOCTL, NULL), -ENOTTY);
	check("empty ioctl", do_ioctl(fd, EMPTY_IOCTL, NULL), -ENOTTY);
}

static void sem_pair(int fd)
{
	struct muster_sem_acquire acquire = {
		.size = sizeof(acquire),
		.permits = 1,
		.deadline = MUSTER_FOREVER,
	};
	struct muster_sem_release release = { .size = sizeof(release), .permits = 1 };

	check("acquire", do_ioctl(fd, MUSTER_SEM_ACQUIRE, &acquire), 0);
	check("release", do_ioctl(fd, MUSTER_SEM_RELEASE, &release), 0);
}

static void flight_pair(int fd)
{
	static const char key[16] = "user:4711:avatar";
	static const char answer[16] = "sixteen bytes...";
	struct muster_flight_join join = {
		.size = sizeof(join),
		.key = (uintptr_t)key,
		.key_len = sizeof(key),
		.deadline = MUSTER_FOREVER,
	};
	struct muster_flight_finish finish = {
		.size = sizeof(finish),
		.key = (uintptr_t)key,
		.key_len = sizeof(key),
		.data = (uintptr_t)answer,
		.data_len = sizeof(answer),
	};

	check("join", do_ioctl(fd, MUSTER_FLIGHT_JOIN, &join), 0);
	finish.token = join.token;
	check("finish", do_ioctl(fd, MUSTER_FLIGHT_FINISH, &finish), 0);
}

static void barrier_alone(int fd)
{
	struct muster_barrier_await await = {
		.size = sizeof(await),
		.deadline = MUSTER_FOREVER,
	};

	check("await", do_ioctl(fd, MUSTER_BARRIER_AWAIT, &await), 0);
}

static double time_one(void (*op)(int fd), int fd)
{
	uint64_t start = now_ns();
	unsigned long i;

	for (i = 0; i < operations; i++)
		op(fd);
	return (double)(now_ns() - start) / operations;
}

/* Measures @op in turn with two empty ioctls; returns the median of the ratio. */
static double compare(const char *name, void (*op)(int fd), int fd)
{
	double cost[ROUNDS_MAX], ratio[ROUNDS_MAX], empty;
	struct spread c, r;
	unsigned int i;

	time_one(op, fd);
	for (i = 0; i < rounds; i++) {
		empty = time_one(two_empty, fd);
		cost[i] = time_one(op, fd);
		ratio[i] = cost[i] / empty;
	}
	c = spread_of(cost, rounds);
	r = spread_of(ratio, rounds);
	printf("%-28s %8.0f %8.0f %8.0f   %6.3f %6.3f %6.3f\n", name, c.min, c.median,
	       c.max, r.min, r.median, r.max);
	return r.median;
}

int main(int argc, char **argv)
{
	int sem, flight, barrier;
	double pair, lead;
	int failed;

	parse_effort(argc, argv);
	sem = open_object(MUSTER_SEM, 4);
	flight = open_object(MUSTER_FLIGHT, 0);
	barrier = open_object(MUSTER_BARRIER, 1);

	printf("%-28s %26s   %20s\n", "", "ns (instructions, icount)",
	       "x two empty ioctls");
	printf("%-28s %8s %8s %8s   %6s %6s %6s\n", "", "min", "median", "max", "min",
	       "median", "max");
	compare("two empty ioctls", two_empty, sem);
	pair = compare("semaphore acquire+release", sem_pair, sem);
	lead = compare("flight join+finish, leader", flight_pair, flight);
	compare("barrier await, 1 party", barrier_alone, barrier);

	failed = verdict("acquire+release", pair, "two empty ioctls", LIMIT_SEM);
	failed |= verdict("join+finish, leader", lead, "two empty ioctls", LIMIT_FLIGHT);
	return failed;
}
