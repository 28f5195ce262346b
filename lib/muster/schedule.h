/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The schedule: run at a time, after a while, every so often; and if many processes have the
 * same schedule, in one of them (G5)
 */
#ifndef MUSTER_SCHEDULE_H
#define MUSTER_SCHEDULE_H

#include "base.h"
#include "flight.h"

MUSTER_BEGIN_DECLS

/*
 * A schedule is of one process: any of its threads may use it, but a child has to make its own;
 * here it gets -EPERM. Jobs are run by whoever calls muster_schedule_run(), which an event loop
 * does when muster_schedule_fd() is readable, or muster_schedule_wait(), which waits for their
 * time, in any number of threads. A job does not run beside itself.
 */
struct muster_schedule;

/**
 * struct muster_occasion - the time of a job has come
 * @id:		the job
 * @instant:	when it was due, by the job's clock
 * @missed:	how many instants have been left out before this one: see @period
 * @token:	shared: fencing token of this run (W4); else 0
 * @attempt:	shared: 1, and 1 more each time that somebody died over it; else 1
 * @reserved:	0
 */
struct muster_occasion {
	uint64_t id;
	uint64_t instant;
	uint64_t missed;
	uint64_t token;
	uint32_t attempt;
	uint32_t reserved;
};

/**
 * muster_job_fn - a job
 * @occasion:	what for
 * @arg:	as in struct muster_job
 *
 * It may add and cancel jobs, itself included.
 *
 * Return: 0; else it does not run again, in this schedule.
 */
typedef int (*muster_job_fn)(const struct muster_occasion *occasion, void *arg);

/* struct muster_job.flags, besides MUSTER_WAIT_REALTIME: times are CLOCK_REALTIME. */
#define MUSTER_JOB_SHARED	(1U << 8)	/* @flight, @key and @window are valid */

/**
 * struct muster_job - what is to run, and when
 * @fn:		the job
 * @arg:	for @fn
 * @first:	when, in ns of CLOCK_MONOTONIC. What is past is due at once, if there is no
 *		@period.
 * @period:	0: once. Else its instants are @first, @first + @period and so on, those
 *		before it was added left out: 0 as @first makes the instants the same in all
 *		processes. If several have passed when it gets its turn it runs for the latest
 *		only, and is told how many it has missed.
 * @flags:	MUSTER_WAIT_REALTIME, MUSTER_JOB_SHARED
 * @flight:	shared: a flight group. It must stay open while the job is there. What has run
 *		is known as long as any process has the group open.
 * @key:	shared: the job's name in the group; copied
 * @key_len:	shared: its length, 1 to MUSTER_KEY_MAX - 8
 * @window:	shared: whoever comes so many ns late for an instant, or more, has missed it; and for so long
 *		it is known that it has run. 0: twice the @period but at least a second; a
 *		minute if there is none.
 * @reserved:	0
 *
 * A shared job runs once for each instant, of all processes that have a job of this name
 * with this instant. The others wait for it, while their other jobs run, and if the one that runs it
 * is killed the one that has waited longest runs it, so often as the flight group allows (F6);
 * after that it is missed. A process whose threads are all busy with other jobs may keep
 * the others waiting. What they missed meanwhile they leave out. A run that takes longer than the period may have
 * the next run beside it, in a process that has not waited for it.
 */
struct muster_job {
	muster_job_fn fn;
	void *arg;
	uint64_t first;
	uint64_t period;
	uint32_t flags;
	int32_t flight;
	const void *key;
	size_t key_len;
	uint64_t window;
	uint32_t reserved[4];
};

/**
 * muster_schedule_open - an empty schedule
 * @schedule:	set to it; to be closed by muster_schedule_close()
 *
 * Return: 0; -ENOMEM; -EMFILE, -ENFILE.
 */
int muster_schedule_open(struct muster_schedule **schedule);

/**
 * muster_schedule_close - forget a schedule
 * @schedule:	that no thread uses any more; NULL does nothing
 *
 * Jobs that wait are not run.
 */
void muster_schedule_close(struct muster_schedule *schedule);

/**
 * muster_schedule_fd - when to call muster_schedule_run()
 * @schedule:	the schedule
 *
 * Return: a descriptor for poll(2), which is readable when a job is due. It is the schedule's.
 */
int muster_schedule_fd(const struct muster_schedule *schedule);

/**
 * muster_schedule_add - there is a job
 * @schedule:	the schedule
 * @job:	see above; copied
 * @id:		set to its number, or NULL
 *
 * Return: 0; -EINVAL; -ENOMEM; -EPERM.
 */
int muster_schedule_add(struct muster_schedule *schedule, const struct muster_job *job,
			uint64_t *id);

/**
 * muster_schedule_at - run it at a time
 * @schedule:	the schedule
 * @when:	as a deadline
 * @fn:		the job
 * @arg:	for @fn
 * @id:		set to its number, or NULL
 *
 * Return: as muster_schedule_add().
 */
int muster_schedule_at(struct muster_schedule *schedule, uint64_t when, muster_job_fn fn,
		       void *arg, uint64_t *id);

/**
 * muster_schedule_after - run it in a while
 * @ns:		in how long
 *
 * Return: as muster_schedule_at().
 */
int muster_schedule_after(struct muster_schedule *schedule, uint64_t ns, muster_job_fn fn,
			  void *arg, uint64_t *id);

/**
 * muster_schedule_every - run it every so often, one period from now for the first time
 * @period:	ns, at least 1
 *
 * Return: as muster_schedule_at().
 */
int muster_schedule_every(struct muster_schedule *schedule, uint64_t period, muster_job_fn fn,
			  void *arg, uint64_t *id);

/**
 * muster_schedule_cancel - a job is not to run any more
 * @schedule:	the schedule
 * @id:		its number
 *
 * Return: 0; 1 it runs at this moment, for the last time; -ENOENT there is none, any more;
 * -EPERM.
 */
int muster_schedule_cancel(struct muster_schedule *schedule, uint64_t id);

/**
 * muster_schedule_run - run what is due
 * @schedule:	the schedule
 *
 * Return: how many have been run here; or, if none has, why a shared job could not be, as
 * muster_flight_join(): its instant is missed; -EPERM.
 */
int muster_schedule_run(struct muster_schedule *schedule);

/**
 * muster_schedule_wait - run jobs when they are due, until there are none left
 * @schedule:	the schedule
 * @deadline:	how long
 *
 * A signal does not end it.
 *
 * Return: 0 there is no job left; -ETIMEDOUT; or an error, as muster_schedule_run().
 */
int muster_schedule_wait(struct muster_schedule *schedule, uint64_t deadline);

MUSTER_END_DECLS

#endif /* MUSTER_SCHEDULE_H */
