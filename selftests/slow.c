// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kselftest harness gives each test some seconds and counts them by alarm(2).
 * On a kernel full of debugging in an emulated machine everything takes longer:
 * by MUSTER_SLOW, if that is in the environment. No test needs the time to be
 * short, it only ends one that is stuck.
 */
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* In place of the C library's. */
unsigned int alarm(unsigned int seconds)
{
	const char *slow = getenv("MUSTER_SLOW");
	struct itimerval new = { .it_value.tv_sec = seconds }, old;

	if (slow && atoi(slow) > 0)
		new.it_value.tv_sec *= atoi(slow);
	setitimer(ITIMER_REAL, &new, &old);
	return old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}
