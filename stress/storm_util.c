// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all of the storm uses: random numbers, time, files, claims. See storm.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "storm.h"

struct storm *storm;

/* ---- random numbers: splitmix64 ---- */

__u64 storm_mix(__u64 a, __u64 b)
{
	struct storm_rng rng = { a ^ (b + 1) * 0x9e3779b97f4a7c15 };

	return rnd(&rng);
}

__u64 rnd(struct storm_rng *rng)
{
	__u64 z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

__u32 rnd_below(struct storm_rng *rng, __u32 n)
{
	return (rnd(rng) >> 32) * n >> 32;
}

bool rnd_percent(struct storm_rng *rng, __u32 percent)
{
	return rnd_below(rng, 100) < percent;
}

/* ---- bytes ---- */

void storm_fill(unsigned char *to, __u64 number, __u32 len)
{
	struct storm_rng rng = { number * 0x2545f4914f6cdd1d + len };
	__u64 word = 0;
	__u32 i;

	for (i = 0; i < len; i++) {
		if (!(i % 8))
			word = rnd(&rng);
		to[i] = word >> i % 8 * 8;
	}
}

/* Are the first @got of @len bytes those that were written? */
bool storm_is_filled(const unsigned char *bytes, __u64 number, __u32 len, __u32 got)
{
	struct storm_rng rng = { number * 0x2545f4914f6cdd1d + len };
	__u64 word = 0;
	__u32 i;

	for (i = 0; i < got; i++) {
		if (!(i % 8))
			word = rnd(&rng);
		if (bytes[i] != (unsigned char)(word >> i % 8 * 8))
			return false;
	}
	return true;
}

/* ---- time ---- */

__u64 storm_clock(int clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

void storm_nap(unsigned int us)
{
	struct timespec t = { .tv_nsec = us * 1000L };

	nanosleep(&t, NULL);
}

/* ---- claims ---- */

static const char *const claim_names[] = {
	[CLAIM_ORDER] = "histories are linearizable",
	[CLAIM_PERMITS] = "permits are conserved and never over the limit",
	[CLAIM_LEADER] = "one leader at a time per key",
	[CLAIM_BYTES] = "others get the bytes that leaders and tasks wrote",
	[CLAIM_GENERATION] = "a barrier's parties agree on the generation",
	[CLAIM_STAT] = "STAT agrees with itself",
	[CLAIM_TOTALS] = "TOTALS are the sums of STAT",
	[CLAIM_LIST] = "what is there is listed once",
	[CLAIM_STUCK] = "no waiter is stuck",
	[CLAIM_DEADLINE] = "no timeout before its deadline",
	[CLAIM_ENDS] = "processes end as they should",
	[CLAIM_GONE] = "nothing is left behind",
	[CLAIM_QUOTA] = "quotas are given back",
	[CLAIM_MEMORY] = "memory is given back",
};

/* Says no more than this of one claim, however often it fails. */
#define MESSAGES_MAX	5

void storm_check(enum storm_claim claim, bool holds, const char *format, ...)
{
	char text[512];
	va_list args;
	int len;

	__atomic_add_fetch(&storm->checked[claim], 1, __ATOMIC_RELAXED);
	if (holds ||
	    __atomic_add_fetch(&storm->failed[claim], 1, __ATOMIC_RELAXED) > MESSAGES_MAX)
		return;
	len = snprintf(text, sizeof(text), "# round %u: ", storm->round);
	va_start(args, format);
	len += vsnprintf(text + len, sizeof(text) - len - 1, format, args);
	va_end(args);
	if (len > (int)sizeof(text) - 2)
		len = sizeof(text) - 2;
	text[len++] = '\n';
	/* Whoever says so may be killed: no buffers. */
	if (write(STDOUT_FILENO, text, len) < 0)
		_exit(3);
}

bool storm_is_wrong(void)
{
	unsigned int i;

	for (i = 0; i < NR_CLAIMS; i++) {
		if (storm->failed[i])
			return true;
	}
	return false;
}

/* What was never looked at was not found to hold either. */
bool storm_print_claims(void)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < NR_CLAIMS; i++) {
		bool good = storm->checked[i] && !storm->failed[i];

		printf("%s - storm: %s (%llu looked at, %llu wrong)\n",
		       good ? "ok" : "not ok", claim_names[i], storm->checked[i],
		       storm->failed[i]);
		all = all && good;
	}
	return all;
}

void storm_count(enum storm_count what)
{
	__atomic_add_fetch(&storm->counts[what], 1, __ATOMIC_RELAXED);
}

void storm_die(const char *what)
{
	printf("not ok - storm: %s: %m\n", what);
	fflush(stdout);
	_exit(2);
}

/* ---- files ---- */

int storm_call(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

long long storm_read_number(const char *path)
{
	long long value = -1;
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

bool storm_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}
