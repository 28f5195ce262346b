/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks share: operations on muster without a library in between, and
 * figures with their spread.
 */
#ifndef MUSTER_BENCH_H
#define MUSTER_BENCH_H

#include <linux/muster.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#define ROUNDS_MAX 101

extern unsigned long operations;	/* of one round */
extern unsigned int rounds;

struct spread {
	double min, median, max;
};

/* "[ROUNDS [OPERATIONS]]" of the command line; ends the program if it is wrong. */
void parse_effort(int argc, char **argv);

int open_object(unsigned int type, uint64_t limit);
/* The same with options and, if @name is not NULL, by that name. */
int open_object_with(unsigned int type, uint64_t limit, unsigned int options,
		     const char *name);
uint64_t now_ns(void);
struct spread spread_of(double *values, unsigned int n);

/* Prints "NAME: RATIO x WHAT, at most LIMIT wanted: ..."; 0 if it is not more. */
int verdict(const char *name, double ratio, const char *what, double limit);

/* Without libc's errno, which is not what is measured. */
static inline long do_ioctl(int fd, unsigned long cmd, void *arg)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"((long)SYS_ioctl), "D"((long)fd), "S"(cmd), "d"(arg)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void check(const char *what, long ret, long expected)
{
	if (ret == expected)
		return;
	fprintf(stderr, "%s: got %ld, expected %ld\n", what, ret, expected);
	exit(2);
}

#endif
