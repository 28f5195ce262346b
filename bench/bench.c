// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the benchmarks share. See bench.h.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

unsigned long operations = 20000;
unsigned int rounds = 9;

void parse_effort(int argc, char **argv)
{
	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		operations = strtoul(argv[2], NULL, 10);
	if (argc <= 3 && rounds && rounds <= ROUNDS_MAX && operations)
		return;
	fprintf(stderr, "usage: %s [ROUNDS [OPERATIONS]]\n", argv[0]);
	exit(2);
}

int open_object_with(unsigned int type, uint64_t limit, unsigned int options,
		     const char *name)
{
	struct muster_open how = {
		.size = sizeof(how),
		.type = type,
		.oflags = O_CREAT | O_CLOEXEC,
		.mode = 0600,
		.name = (uintptr_t)name,
		.name_len = name ? strlen(name) : 0,
		.options = options,
		.limit = limit,
	};
	int dev = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
	long fd;

	if (dev < 0) {
		perror(MUSTER_DEVICE);
		exit(4);
	}
	fd = do_ioctl(dev, MUSTER_OPEN, &how);
	if (fd < 0) {
		fprintf(stderr, "open: %s\n", strerror(-fd));
		exit(2);
	}
	close(dev);
	return fd;
}

int open_object(unsigned int type, uint64_t limit)
{
	return open_object_with(type, limit, 0, NULL);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread spread_of(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), by_value);
	return (struct spread){ values[0], values[n / 2], values[n - 1] };
}

int verdict(const char *name, double ratio, const char *what, double limit)
{
	printf("%s: %.3f x %s, at most %.2f wanted: %s\n", name, ratio, what, limit,
	       ratio <= limit ? "ok" : "too slow");
	return ratio > limit;
}
