// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which job is due next: a heap for each clock, and a timerfd. See schedule.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

#include "schedule.h"

#define NSEC_PER_SEC	1000000000ULL

/* The most that fits into both time_t and the kernel's own count of ns. */
#define SECONDS_MAX	(sizeof(time_t) > 4 ? 9000000000ULL : 0x7fffffffULL)

uint64_t muster_clock_now(int clock)
{
	struct timespec ts;

	clock_gettime(clock == REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int muster_queue_reserve(struct queue *queue, size_t room)
{
	struct job **jobs;

	if (room <= queue->room)
		return 0;
	room = room * 2;
	jobs = realloc(queue->jobs, room * sizeof(*jobs));
	if (!jobs)
		return -ENOMEM;
	queue->jobs = jobs;
	queue->room = room;
	return 0;
}

static void put(struct queue *queue, size_t place, struct job *job)
{
	queue->jobs[place] = job;
	job->place = place;
}

/* Of two that are due at the same time the older one is the first. */
static bool is_before(const struct job *job, const struct job *other)
{
	return job->next != other->next ? job->next < other->next : job->id < other->id;
}

static void move_up(struct queue *queue, size_t place, struct job *job)
{
	while (place && is_before(job, queue->jobs[(place - 1) / 2])) {
		put(queue, place, queue->jobs[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(queue, place, job);
}

static void move_down(struct queue *queue, size_t place, struct job *job)
{
	size_t child;

	while ((child = 2 * place + 1) < queue->nr) {
		if (child + 1 < queue->nr &&
		    is_before(queue->jobs[child + 1], queue->jobs[child]))
			child++;
		if (is_before(job, queue->jobs[child]))
			break;
		put(queue, place, queue->jobs[child]);
		place = child;
	}
	put(queue, place, job);
}

/* There is room. */
void muster_queue_add(struct queue *queue, struct job *job)
{
	move_up(queue, queue->nr++, job);
}

void muster_queue_remove(struct queue *queue, struct job *job)
{
	struct job *last = queue->jobs[--queue->nr];
	size_t place = job->place;

	job->place = NOT_QUEUED;
	if (last == job)
		return;
	if (place && is_before(last, queue->jobs[(place - 1) / 2]))
		move_up(queue, place, last);
	else
		move_down(queue, place, last);
}

/*
 * The timer is readable when the first one is due. To set it makes it unreadable; that
 * CLOCK_REALTIME has been set the kernel sees to.
 */
void muster_queue_arm(struct queue *queue)
{
	struct itimerspec when = { 0 };
	uint64_t next = queue->nr ? queue->jobs[0]->next : 0, seconds = next / NSEC_PER_SEC;

	when.it_value.tv_sec = seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
	when.it_value.tv_nsec = next % NSEC_PER_SEC;
	/* 0 would stop it. */
	if (queue->nr && !next)
		when.it_value.tv_nsec = 1;
	timerfd_settime(queue->timer, TFD_TIMER_ABSTIME, &when, NULL);
}
