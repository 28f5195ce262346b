// SPDX-License-Identifier: GPL-2.0-only
/*
 * Part 4: four at a time, though some are killed
 *
 * Every fifth worker is killed while it holds a permit. First with a POSIX semaphore
 * in shared memory: its permits go with the dead, and once four are gone nobody
 * gets in any more, ever. Then with muster.
 */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

#define WORKERS		50
#define PERMITS		4
#define VICTIM_EVERY	5
#define VICTIMS		(WORKERS / VICTIM_EVERY)

/**
 * struct room - where only so many may be, in memory that all share
 * @posix:	a POSIX semaphore ...
 * @fd:		... or one of muster's; -1 for none
 * @inside:	how many are in there
 * @most:	how many there ever were
 * @doomed:	this worker is inside and waits to be killed
 * @through:	this one has been there and left
 * @killed:	how many were killed
 */
struct room {
	sem_t posix;
	int fd;
	int inside;
	int most;
	bool doomed[WORKERS];
	bool through[WORKERS];
	int killed;
};

static void enter(struct room *room)
{
	int inside, most;

	if (room->fd >= 0)
		must(muster_sem_acquire(room->fd, 1, muster_after_ms(PATIENCE_MS)),
		     "acquire");
	else
		while (sem_wait(&room->posix) && errno == EINTR)
			;
	inside = __atomic_add_fetch(&room->inside, 1, __ATOMIC_SEQ_CST);
	most = __atomic_load_n(&room->most, __ATOMIC_SEQ_CST);
	while (inside > most &&
	       !__atomic_compare_exchange_n(&room->most, &most, inside, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void leave(struct room *room)
{
	__atomic_sub_fetch(&room->inside, 1, __ATOMIC_SEQ_CST);
	if (room->fd >= 0)
		must(muster_sem_release(room->fd, 1), "release");
	else
		sem_post(&room->posix);
}

static void worker(int i, void *arg)
{
	struct room *room = arg;

	enter(room);
	usleep(5000);
	if (i % VICTIM_EVERY == 0) {
		__atomic_store_n(&room->doomed[i], true, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	/* Before it leaves: then all who have left count. */
	__atomic_store_n(&room->through[i], true, __ATOMIC_SEQ_CST);
	leave(room);
}

/* Kills those inside who wait for it. They leave the count before their permit does. */
static void kill_doomed(struct room *room, struct crowd *crowd)
{
	int i;

	for (i = 0; i < WORKERS; i += VICTIM_EVERY) {
		if (!crowd->pid[i] || !__atomic_load_n(&room->doomed[i], __ATOMIC_SEQ_CST))
			continue;
		__atomic_sub_fetch(&room->inside, 1, __ATOMIC_SEQ_CST);
		crowd_kill(crowd, i);
		waitpid(crowd->pid[i], &crowd->status[i], 0);
		crowd->pid[i] = 0;
		room->killed++;
	}
}

static int count(const bool *flags)
{
	int i, n = 0;

	for (i = 0; i < WORKERS; i++)
		n += __atomic_load_n(&flags[i], __ATOMIC_SEQ_CST);
	return n;
}

/* Lets all come and kills some; returns how many will never get in. */
static int run(struct room *room)
{
	/* A dead man's permit is lost, so with PERMITS of them nothing moves. */
	int enough = room->fd >= 0 ? VICTIMS : PERMITS;
	uint64_t give_up = muster_after_ms(PATIENCE_MS);
	struct crowd crowd;
	int i, stuck;

	crowd_start(&crowd, WORKERS, worker, room);
	while (room->killed < enough && muster_after_ns(0) < give_up) {
		kill_doomed(room, &crowd);
		nap();
	}
	if (room->fd >= 0)
		crowd_wait(&crowd);
	stuck = WORKERS - room->killed - count(room->through);
	for (i = 0; i < WORKERS; i++)
		crowd_kill(&crowd, i);
	crowd_wait(&crowd);
	return stuck;
}

void permits_demo(void)
{
	struct room *posix = shared_memory(sizeof(*posix));
	struct room *room = shared_memory(sizeof(*room));
	struct muster_sem_stat stat;
	int posix_stuck, stuck;

	printf("\n\n"
"4.  Four at a time, though some are killed\n"
"\n"
"    %d processes want through a semaphore of %d permits. Every fifth gets a\n"
"    SIGKILL while it holds one.\n", WORKERS, PERMITS);
	posix->fd = -1;
	sem_init(&posix->posix, 1, PERMITS);
	posix_stuck = run(posix);
	room->fd = must(muster_sem_open(NULL, 0, 0, PERMITS), "semaphore");
	stuck = run(room);
	must(muster_sem_stat(room->fd, &stat, NULL, 0), "stat");

	table_head("POSIX semaphore");
	table_row("most inside at a time", "%16d%16d", posix->most, room->most);
	table_row("killed inside", "%16d%16d", posix->killed, room->killed);
	table_row("came through", "%16d%16d", count(posix->through), count(room->through));
	table_row("stuck for ever", "%16d%16d", posix_stuck, stuck);
	promise(room->most <= PERMITS, "never more than four inside");
	promise(room->killed == VICTIMS, "every fifth is killed");
	promise(!stuck && count(room->through) == WORKERS - VICTIMS, "nobody is stuck");
	promise(!stat.held && stat.available == PERMITS && !stat.waiters,
		"all permits are back");
	verdict("never more than %d inside, nobody stuck, all %d permits are back",
		PERMITS, PERMITS);
	close(room->fd);
}
