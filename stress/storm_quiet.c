// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody is stuck: a proof by state. See storm.h.
 *
 * When all actors have been told to begin nothing more, each thread ends up idle or
 * asleep in a call. Once that is so, at one instant for all, nobody is left who could
 * wake one of them. So each sleeper must be one that STAT lists as waiting, and one
 * that has to wait: what the types say, and what the specification says of the
 * QUIET that is recorded here.
 *
 * "At one instant": all threads are looked at twice, and no call has begun or ended
 * from before the first look to after the second.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "storm.h"

/* The kernel's letter for what a thread does, 0 if it is gone. */
static char task_state(pid_t pid, pid_t tid)
{
	char path[64], line[256], *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f))
		*line = 0;
	fclose(f);
	end = strrchr(line, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

/*
 * Whether the thread says to the kernel that it is asleep. A party of a generation whose
 * action runs stays there through signals, and then no signal but a deadly one wakes it
 * (B4): another letter.
 */
static bool is_asleep(pid_t pid, pid_t tid, const struct history_record *rec)
{
	char state = task_state(pid, tid);
	__u32 type = storm->objects[rec->object].type;

	return state == 'S' || (state == 'D' && storm_types[type]->id == MUSTER_BARRIER);
}

/*
 * The system call that a thread is blocked in, or -1. A thread that says that it is asleep
 * may be about to find out that it need not: here the kernel has seen it switched out.
 */
static long blocked_in(pid_t pid, pid_t tid, const struct history_record *rec)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	return is_asleep(pid, tid, rec) ? storm_read_number(path) : -1;
}

/* A call waits in ioctl(); who reads a ticket in one of these. */
static bool waits_in(const struct history_record *rec, long call)
{
	if (rec->how & HOW_READ)
		return call == SYS_read || call == SYS_poll || call == SYS_restart_syscall;
	return call == SYS_ioctl;
}

/* Idle, or asleep in a call; counted by object. */
static bool sleeps(const struct storm_actor *actor, const struct storm_thread *thread,
		   unsigned int *sleepers)
{
	__u32 state = __atomic_load_n(&thread->state, __ATOMIC_ACQUIRE);
	pid_t tid = __atomic_load_n(&thread->tid, __ATOMIC_ACQUIRE);
	const struct history_record *rec = &storm->history.records[thread->record];
	long call = tid ? blocked_in(storm_pid(actor), tid, rec) : -1;

	if (call < 0 || (state != STORM_IDLES && state != STORM_CALLS))
		return false;
	if (state == STORM_CALLS) {
		/* One with a deadline need not be woken by anybody, and soon is. */
		if (!waits_in(rec, call) || !rec->inv || rec->how & HOW_TIMED ||
		    __atomic_load_n(&rec->res, __ATOMIC_ACQUIRE))
			return false;
		sleepers[rec->object] += !(rec->how & HOW_READ);
	}
	return true;
}

static bool all_sleep(unsigned int *sleepers)
{
	unsigned int i, j;

	memset(sleepers, 0, HISTORY_OBJECTS * sizeof(*sleepers));
	for (i = 0; i < STORM_ACTORS; i++) {
		const struct storm_actor *actor = &storm->actors[i];

		if (!__atomic_load_n(&actor->taken, __ATOMIC_ACQUIRE))
			continue;
		if (!actor->process || !storm_pid(actor) || !actor->nr_threads)
			return false;
		for (j = 0; j < actor->nr_threads; j++) {
			if (!sleeps(actor, &actor->threads[j], sleepers))
				return false;
		}
		if (storm_has_timed_ticket(actor))
			return false;
	}
	return true;
}

/* When it was quiet, 0 if it is not. */
static __u64 try_quiet(unsigned int *sleepers)
{
	struct history *h = &storm->history;
	unsigned int before[HISTORY_OBJECTS];
	__u64 at;

	if (!all_sleep(before))
		return 0;
	at = history_now(h);
	if (!all_sleep(sleepers) || memcmp(before, sleepers, sizeof(before)))
		return 0;
	return history_now(h) == at + 1 ? at : 0;
}

static void record_quiet(__u64 at)
{
	struct history_record *rec;
	unsigned int i;

	for (i = 0; i < storm->nr_objects; i++) {
		rec = storm_record(0, i, i + 1, HISTORY_QUIET);
		if (!rec)
			return;
		rec->inv = at;
		rec->res = at + 1;
	}
}

/* What a thread calls, and what the kernel says of it. */
static void show_call(const struct storm_actor *actor, const struct storm_thread *thread)
{
	const struct history_record *rec = &storm->history.records[thread->record];

	if (thread->state != STORM_CALLS)
		return;
	printf("# in system call %ld: ", blocked_in(storm_pid(actor), thread->tid, rec));
	history_print_record(stdout, &storm->history, rec);
}

static void show_threads(void)
{
	unsigned int i, j;

	for (i = 0; i < STORM_ACTORS; i++) {
		const struct storm_actor *actor = &storm->actors[i];

		if (!actor->taken)
			continue;
		printf("# p%u, pid %d, %u threads:", actor->process, storm_pid(actor),
		       actor->nr_threads);
		for (j = 0; j < actor->nr_threads; j++)
			printf(" %u/%c", actor->threads[j].state,
			       task_state(storm_pid(actor), actor->threads[j].tid));
		puts(storm_has_timed_ticket(actor) ? ", a ticket waits that has a deadline" : "");
		for (j = 0; j < actor->nr_threads; j++)
			show_call(actor, &actor->threads[j]);
	}
	fflush(stdout);
}

void storm_quiet(void)
{
	__u64 until = storm_clock(CLOCK_MONOTONIC) + storm->patience, at;
	unsigned int sleepers[HISTORY_OBJECTS], i;

	while (!(at = try_quiet(sleepers))) {
		storm_reap();
		if (storm_clock(CLOCK_MONOTONIC) > until) {
			storm_check(CLAIM_STUCK, false, "it does not get quiet");
			show_threads();
			errno = ETIMEDOUT;
			storm_die("waiting for all to be idle or asleep");
		}
		storm_nap(300);
	}
	record_quiet(at);
	for (i = 0; i < storm->nr_objects; i++) {
		const struct storm_type *type = storm_types[storm->objects[i].type];

		if (type->asleep)
			type->asleep(&storm->objects[i], i, sleepers[i],
				     storm_count_tickets(i));
		storm_stat(i);
	}
}
