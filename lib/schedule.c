// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schedule: making one, and what is in it. See schedule.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "schedule.h"

#define NSEC_PER_SEC	1000000000ULL

/* ---- the schedule ---- */

static int watch(struct muster_schedule *schedule, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return -errno;
	return epoll_ctl(schedule->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_fds(struct muster_schedule *schedule)
{
	static const int clocks[CLOCKS] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
	int i, err;

	schedule->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (schedule->epoll < 0)
		return -errno;
	schedule->empty = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (schedule->empty < 0)
		return -errno;
	for (i = 0; i < CLOCKS; i++) {
		schedule->queues[i].timer = timerfd_create(clocks[i],
							   TFD_CLOEXEC | TFD_NONBLOCK);
		err = watch(schedule, schedule->queues[i].timer);
		if (err)
			return err;
	}
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		muster_close(fd);
}

static void free_schedule(struct muster_schedule *schedule)
{
	int i;

	while (schedule->newest)
		muster_job_free(schedule, schedule->newest);
	for (i = 0; i < CLOCKS; i++) {
		close_fd(schedule->queues[i].timer);
		free(schedule->queues[i].jobs);
	}
	close_fd(schedule->empty);
	close_fd(schedule->epoll);
	pthread_mutex_destroy(&schedule->lock);
	free(schedule);
}

static int new_schedule(struct muster_schedule **made)
{
	struct muster_schedule *schedule = calloc(1, sizeof(*schedule));
	int err;

	if (!schedule)
		return -ENOMEM;
	pthread_mutex_init(&schedule->lock, NULL);
	schedule->pid = getpid();
	schedule->epoll = -1;
	schedule->empty = -1;
	schedule->queues[MONOTONIC].timer = -1;
	schedule->queues[REALTIME].timer = -1;
	err = open_fds(schedule);
	if (err)
		free_schedule(schedule);
	else
		*made = schedule;
	return err;
}

int muster_schedule_open(struct muster_schedule **schedule)
{
	int saved = errno, err = new_schedule(schedule);

	errno = saved;
	return err;
}

void muster_schedule_close(struct muster_schedule *schedule)
{
	int saved = errno;

	if (schedule)
		free_schedule(schedule);
	errno = saved;
}

int muster_schedule_fd(const struct muster_schedule *schedule)
{
	return schedule->epoll;
}

/* ---- jobs ---- */

struct job *muster_job_find(struct muster_schedule *schedule, uint64_t id)
{
	struct job *job = schedule->newest;

	while (job && job->id != id)
		job = job->older;
	return job;
}

/*
 * A child of fork() has the same open files: it frees what is its own, memory and descriptors,
 * and lets what they share alone.
 */
bool muster_schedule_is_own(const struct muster_schedule *schedule)
{
	return schedule->pid == getpid();
}

/* A child may have the ticket, too: then to close it does not end that it is watched. */
void muster_job_drop_ticket(struct muster_schedule *schedule, struct job *job)
{
	if (job->ticket < 0)
		return;
	if (muster_schedule_is_own(schedule))
		epoll_ctl(schedule->epoll, EPOLL_CTL_DEL, job->ticket, NULL);
	muster_close(job->ticket);
	job->ticket = -1;
}

/* Not read(2) and write(2), which are cancellation points. */
static void set_empty(struct muster_schedule *schedule, bool empty)
{
	uint64_t value = 1;

	if (empty)
		syscall(SYS_write, schedule->empty, &value, sizeof(value));
	else
		syscall(SYS_read, schedule->empty, &value, sizeof(value));
}

void muster_job_free(struct muster_schedule *schedule, struct job *job)
{
	if (job->place != NOT_QUEUED)
		muster_queue_remove(&schedule->queues[job->clock], job);
	muster_job_drop_ticket(schedule, job);
	if (job->older)
		job->older->newer = job->newer;
	if (job->newer)
		job->newer->older = job->older;
	else
		schedule->newest = job->older;
	free(job);
	if (!--schedule->nr && muster_schedule_is_own(schedule))
		set_empty(schedule, true);
}

/* ---- adding ---- */

static int check(const struct muster_job *how)
{
	uint32_t i, reserved = 0;

	for (i = 0; i < sizeof(how->reserved) / sizeof(how->reserved[0]); i++)
		reserved |= how->reserved[i];
	if (reserved || (how->flags & ~(MUSTER_WAIT_REALTIME | MUSTER_JOB_SHARED)))
		return -EINVAL;
	if ((how->flags & MUSTER_JOB_SHARED) &&
	    (!how->key_len || how->key_len > MUSTER_KEY_MAX - INSTANT_SIZE))
		return -EINVAL;
	return 0;
}

/* What is past is left out, if there is more. */
static uint64_t first_instant(const struct muster_job *how, uint64_t now)
{
	uint64_t past;

	if (!how->period || how->first >= now)
		return how->first;
	past = (now - how->first) % how->period;
	if (!past)
		return now;
	return how->period - past > UINT64_MAX - now ? UINT64_MAX : now + how->period - past;
}

static uint64_t window_of(const struct muster_job *how)
{
	if (how->window)
		return how->window;
	if (!how->period)
		return 60 * NSEC_PER_SEC;
	if (how->period > UINT64_MAX / 2)
		return UINT64_MAX;
	return 2 * how->period < NSEC_PER_SEC ? NSEC_PER_SEC : 2 * how->period;
}

static struct job *new_job(const struct muster_job *how)
{
	size_t len = how->flags & MUSTER_JOB_SHARED ? how->key_len : 0;
	struct job *job = malloc(sizeof(*job) + len + INSTANT_SIZE);

	if (!job)
		return NULL;
	*job = (struct job){
		.how = *how,
		.clock = how->flags & MUSTER_WAIT_REALTIME ? REALTIME : MONOTONIC,
		.place = NOT_QUEUED,
		.ticket = -1,
	};
	job->how.key_len = len;
	job->how.window = window_of(how);
	job->next = first_instant(how, muster_clock_now(job->clock));
	if (len)
		memcpy(job->key, how->key, len);
	return job;
}

static int add(struct muster_schedule *schedule, const struct muster_job *how, uint64_t *id)
{
	struct queue *queue;
	struct job *job = new_job(how);

	if (!job)
		return -ENOMEM;
	queue = &schedule->queues[job->clock];
	if (muster_queue_reserve(queue, schedule->nr + 1)) {
		free(job);
		return -ENOMEM;
	}
	job->id = ++schedule->last_id;
	job->older = schedule->newest;
	if (job->older)
		job->older->newer = job;
	schedule->newest = job;
	if (!schedule->nr++)
		set_empty(schedule, false);
	muster_queue_add(queue, job);
	muster_queue_arm(queue);
	if (id)
		*id = job->id;
	return 0;
}

int muster_schedule_add(struct muster_schedule *schedule, const struct muster_job *job,
			uint64_t *id)
{
	int saved = errno, err = check(job);

	if (err)
		return err;
	if (!muster_schedule_is_own(schedule))
		return -EPERM;
	pthread_mutex_lock(&schedule->lock);
	err = add(schedule, job, id);
	pthread_mutex_unlock(&schedule->lock);
	errno = saved;
	return err;
}

int muster_schedule_at(struct muster_schedule *schedule, uint64_t when, muster_job_fn fn,
		       void *arg, uint64_t *id)
{
	struct muster_job job = { .fn = fn, .arg = arg, .first = when };

	return muster_schedule_add(schedule, &job, id);
}

int muster_schedule_after(struct muster_schedule *schedule, uint64_t ns, muster_job_fn fn,
			  void *arg, uint64_t *id)
{
	return muster_schedule_at(schedule, muster_after_ns(ns), fn, arg, id);
}

int muster_schedule_every(struct muster_schedule *schedule, uint64_t period, muster_job_fn fn,
			  void *arg, uint64_t *id)
{
	struct muster_job job = {
		.fn = fn,
		.arg = arg,
		.first = muster_after_ns(period),
		.period = period,
	};

	return period ? muster_schedule_add(schedule, &job, id) : -EINVAL;
}

/* ---- cancelling ---- */

static int cancel(struct muster_schedule *schedule, uint64_t id)
{
	struct job *job = muster_job_find(schedule, id);
	struct queue *queue;

	if (!job || job->cancelled)
		return -ENOENT;
	if (job->running) {
		job->cancelled = true;
		return 1;
	}
	queue = &schedule->queues[job->clock];
	muster_job_free(schedule, job);
	muster_queue_arm(queue);
	return 0;
}

int muster_schedule_cancel(struct muster_schedule *schedule, uint64_t id)
{
	int saved = errno, ret;

	if (!muster_schedule_is_own(schedule))
		return -EPERM;
	pthread_mutex_lock(&schedule->lock);
	ret = cancel(schedule, id);
	pthread_mutex_unlock(&schedule->lock);
	errno = saved;
	return ret;
}
