// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults to order. See faults.h.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

static int fail_nth = -1;

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/*
 * Nothing fails by itself: the probability is 0. Whoever may sleep is to fail, too;
 * and it is no news.
 */
const char *faults_missing(void)
{
	fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		return "no " FAIL_NTH " (CONFIG_FAULT_INJECTION)";
	if (!write_file(DEBUGFS "failslab/ignore-gfp-wait", "N") ||
	    !write_file(DEBUGFS "failslab/verbose", "0"))
		return "no " DEBUGFS "failslab (CONFIG_FAILSLAB)";
	if (!write_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N") ||
	    !write_file(DEBUGFS "fail_page_alloc/verbose", "0"))
		return "no " DEBUGFS "fail_page_alloc (CONFIG_FAIL_PAGE_ALLOC)";
	if (!write_file(DEBUGFS "fail_usercopy/verbose", "0"))
		return "no " DEBUGFS "fail_usercopy (CONFIG_FAULT_INJECTION_USERCOPY)";
	return NULL;
}

static void order_fault(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	/* What was ordered before, and not made, may hit this very write. */
	if (pwrite(fail_nth, text, len, 0) != len &&
	    pwrite(fail_nth, text, len, 0) != len) {
		perror("# " FAIL_NTH);
		abort();
	}
}

/* How many are to come before it. If it hits this very read it was not made before. */
static unsigned int fault_is_due(void)
{
	char text[16] = "";

	return pread(fail_nth, text, sizeof(text) - 1, 0) > 0 ? strtoul(text, NULL, 10) : 1;
}

int ask_faulty(struct job job, unsigned int nth, bool *reached)
{
	int ret;

	order_fault(nth);
	ret = ask(me, job);
	*reached = nth && !fault_is_due();
	order_fault(0);
	return ret;
}

unsigned int count_faults(struct job job)
{
	unsigned int left;

	order_fault(UINT_MAX);
	ask(me, job);
	left = fault_is_due();
	order_fault(0);
	return UINT_MAX - left;
}
