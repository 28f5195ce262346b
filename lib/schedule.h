/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the schedule share
 *
 *	schedule.c		the calls
 *	schedule_queue.c	which job is due next
 *	schedule_run.c		running it, here or in another process
 *
 * A job is in the queue of its clock, or it is being run, or it is shared and a ticket tells
 * whether it is for this process to run it. Everything is guarded by @lock, which is not held
 * while a job's function runs. A job that runs is freed by who runs it.
 */
#ifndef MUSTER_SCHEDULE_INTERNAL_H
#define MUSTER_SCHEDULE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "internal.h"

/* Behind a job's name in the flight group, so that each instant is a call of its own. */
#define INSTANT_SIZE	sizeof(uint64_t)

enum { MONOTONIC, REALTIME, CLOCKS };

/**
 * struct job - a job
 * @how:	what its owner said
 * @id:		its number
 * @next:	when it is due; while it runs or has a ticket, since when
 * @missed:	instants that were left out before @next
 * @clock:	MONOTONIC or REALTIME
 * @place:	in the queue, or NOT_QUEUED
 * @ticket:	of the call for @next, or -1
 * @running:	its function runs
 * @cancelled:	it is not to be queued again
 * @newer:	the list of all
 * @older:	the list of all
 * @key:	shared: its name, and room for an instant
 */
struct job {
	struct muster_job how;
	uint64_t id;
	uint64_t next;
	uint64_t missed;
	int clock;
	size_t place;
	int ticket;
	bool running;
	bool cancelled;
	struct job *newer;
	struct job *older;
	unsigned char key[];
};

#define NOT_QUEUED	SIZE_MAX

/**
 * struct queue - jobs by their next instant: a binary heap
 * @timer:	timerfd, set to the first one's
 * @jobs:	the heap
 * @nr:		how many
 * @room:	for how many; at least for all jobs of the schedule, so that none is lost
 */
struct queue {
	int timer;
	struct job **jobs;
	size_t nr;
	size_t room;
};

/**
 * struct muster_schedule - a schedule
 * @lock:	guards all of it
 * @pid:	whose it is
 * @epoll:	timers, and tickets of jobs
 * @empty:	eventfd, readable while there is no job
 * @last_id:	of the newest job
 * @nr:		how many jobs there are
 * @newest:	the list of all
 * @queues:	by clock
 */
struct muster_schedule {
	pthread_mutex_t lock;
	pid_t pid;
	int epoll;
	int empty;
	uint64_t last_id;
	size_t nr;
	struct job *newest;
	struct queue queues[CLOCKS];
};

uint64_t muster_clock_now(int clock);
int muster_queue_reserve(struct queue *queue, size_t room);
void muster_queue_add(struct queue *queue, struct job *job);
void muster_queue_remove(struct queue *queue, struct job *job);
bool muster_schedule_is_own(const struct muster_schedule *schedule);
void muster_queue_arm(struct queue *queue);

struct job *muster_job_find(struct muster_schedule *schedule, uint64_t id);
void muster_job_drop_ticket(struct muster_schedule *schedule, struct job *job);
void muster_job_free(struct muster_schedule *schedule, struct job *job);

#endif /* MUSTER_SCHEDULE_INTERNAL_H */
