// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kselftest harness gives each test some seconds and counts them by alarm(2).
 * On a kernel full of debugging in an emulated machine everything takes longer:
 * by MUSTER_SLOW, if that is in the environment; and where more rounds are wanted, by
 * MUSTER_ROUNDS. No test needs the time to be short, it only ends one that is stuck.
 */
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static unsigned int factor(const char *name)
{
	const char *text = getenv(name);

	return text && atoi(text) > 0 ? atoi(text) : 1;
}

/* In place of the C library's. */
unsigned int alarm(unsigned int seconds)
{
	struct itimerval new = { .it_value.tv_sec = seconds }, old;

	new.it_value.tv_sec *= factor("MUSTER_SLOW") * factor("MUSTER_ROUNDS");
	setitimer(ITIMER_REAL, &new, &old);
	return old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}
