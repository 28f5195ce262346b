// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permits on loan in the storm: acquire and release by compare-and-swap. See storm.h.
 *
 * The call is recorded as one by lease before it is tried, and as any other if that fails:
 * of who is killed in between one knows which of the two it was about.
 *
 * In a process no descriptor's number is used twice, so that what a number leads to stays
 * true. After exec nothing of this is left; after fork the child forgets what its parent
 * had. A page is not unmapped, as another thread may be about to look there.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"

/* Descriptors beyond these have none. */
#define LEASE_FDS	1024
/* How often it is tried. */
#define LEASE_PERCENT	75

static struct muster_lease *leases[LEASE_FDS];
static pid_t whose;

static void forget_parents(void)
{
	pid_t pid = getpid();

	if (__atomic_load_n(&whose, __ATOMIC_ACQUIRE) == pid)
		return;
	memset(leases, 0, sizeof(leases));
	__atomic_store_n(&whose, pid, __ATOMIC_RELEASE);
}

/* The page by which permits are lent at a descriptor; NULL if there is none. */
static struct muster_lease *lease_of(int fd)
{
	struct muster_lease *lease;

	if (fd >= LEASE_FDS)
		return NULL;
	forget_parents();
	lease = __atomic_load_n(&leases[fd], __ATOMIC_ACQUIRE);
	if (lease && __atomic_load_n(&lease->state, __ATOMIC_RELAXED) != MUSTER_LEASE_OVER)
		return lease;
	lease = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (lease == MAP_FAILED)
		return NULL;
	__atomic_store_n(&leases[fd], lease, __ATOMIC_RELEASE);
	return lease;
}

static bool swap(struct muster_lease *lease, __s64 permits, bool acquires)
{
	__u64 was = __atomic_load_n(&lease->permits, __ATOMIC_RELAXED), now;

	do {
		if ((__u64)permits > (acquires ? (__u32)was : was >> 32))
			return false;
		now = permits * MUSTER_LEASE_TAKE;
		now = acquires ? was + now : was - now;
	} while (!__atomic_compare_exchange_n(&lease->permits, &was, now, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

bool storm_by_lease(struct storm_turn *turn, __s64 permits, bool acquires)
{
	struct history_record *rec = turn->rec;
	struct muster_lease *lease;

	if (permits < 1 || permits > INT32_MAX || rec->how & (HOW_FAULT | HOW_TICKET) ||
	    !rnd_percent(turn->rng, LEASE_PERCENT))
		return false;
	lease = lease_of(turn->fd);
	if (!lease)
		return false;
	__atomic_fetch_or(&rec->how, HOW_LEASE, __ATOMIC_SEQ_CST);
	if (swap(lease, permits, acquires)) {
		storm_count(COUNT_LEASE);
		return true;
	}
	__atomic_fetch_and(&rec->how, ~HOW_LEASE, __ATOMIC_SEQ_CST);
	return false;
}

/* Had it ended before that time? */
static bool had_ended(const struct history *h, const struct history_record *rec, __u64 at)
{
	__u64 end = rec->res ?: rec->gone ?: h->processes[rec->process].gone;

	return end && end < at;
}

bool storm_is_blurred(const struct history_record *look)
{
	const struct history *h = &storm->history;
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;
	const struct history_record *first = NULL;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (!__atomic_load_n(&rec->inv, __ATOMIC_ACQUIRE) ||
		    !(__atomic_load_n(&rec->how, __ATOMIC_RELAXED) & HOW_LEASE) ||
		    rec->object != look->object || had_ended(h, rec, look->inv))
			continue;
		if (first && (rec->process != first->process || rec->file != first->file))
			return true;
		first = rec;
	}
	return false;
}
