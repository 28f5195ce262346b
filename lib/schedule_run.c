// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running what is due. See schedule.h.
 *
 * An instant of a shared job is a call of a flight group, whose key is the job's name and the
 * instant. All who have the job join it by ticket. Who leads runs the job and finishes, and
 * the result is kept, so that who comes later finds that it has been run; who comes so much
 * later that it may not be kept any more does not run it. Nobody waits in between: the tickets
 * are polled together with the timers.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "schedule.h"

/**
 * struct run - a thread that runs jobs
 * @schedule:	what is due there
 * @until:	jobs that were due when it began, by clock: so it comes to an end
 * @cancel_state: of the thread, while a job's function runs
 * @job:	the job
 * @ran:	how many it has run
 * @err:	why the first that could not be run was not
 */
struct run {
	struct muster_schedule *schedule;
	uint64_t until[CLOCKS];
	int cancel_state;
	struct job *job;
	int ran;
	int err;
};

/* It is over for this instant; there may be more. */
static void job_again(struct muster_schedule *schedule, struct job *job, bool more)
{
	uint64_t period = job->how.period;

	muster_job_drop_ticket(schedule, job);
	if (!more || job->cancelled || !period || period > UINT64_MAX - job->next) {
		muster_job_free(schedule, job);
		return;
	}
	job->next += period;
	muster_queue_add(&schedule->queues[job->clock], job);
}

/* ---- its function ---- */

static void arm(struct muster_schedule *schedule)
{
	int clock;

	for (clock = 0; clock < CLOCKS; clock++)
		muster_queue_arm(&schedule->queues[clock]);
}

/*
 * It never came back. A ticket that leads passes that on. Of a child that the function has
 * forked the schedule is not, and its lock may be anybody's.
 */
static void run_cleanup(void *arg)
{
	struct run *run = arg;
	struct muster_schedule *schedule = run->schedule;

	if (!muster_schedule_is_own(schedule))
		return;
	pthread_mutex_lock(&schedule->lock);
	run->job->running = false;
	job_again(schedule, run->job, true);
	arm(schedule);
	pthread_mutex_unlock(&schedule->lock);
}

/* True if it is to run again. */
static bool call(struct run *run, const struct muster_occasion *occasion)
{
	struct job *job = run->job;
	int ret;

	job->running = true;
	pthread_mutex_unlock(&run->schedule->lock);
	pthread_cleanup_push(run_cleanup, run);
	pthread_setcancelstate(run->cancel_state, NULL);
	ret = job->how.fn(occasion, job->how.arg);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_pop(0);
	pthread_mutex_lock(&run->schedule->lock);
	job->running = false;
	run->ran++;
	return !ret;
}

static struct muster_occasion occasion_of(const struct job *job)
{
	return (struct muster_occasion){
		.id = job->id,
		.instant = job->next,
		.missed = job->missed,
		.attempt = 1,
	};
}

/* ---- a job of one process ---- */

static void run_alone(struct run *run)
{
	struct muster_occasion occasion = occasion_of(run->job);

	job_again(run->schedule, run->job, call(run, &occasion));
}

/* ---- a shared job ---- */

static size_t key_len(const struct job *job)
{
	return job->how.key_len + INSTANT_SIZE;
}

static int job_join(struct muster_schedule *schedule, struct job *job)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = job->id };
	unsigned int i;
	int ticket;

	for (i = 0; i < INSTANT_SIZE; i++)
		job->key[job->how.key_len + i] = job->next >> (56 - 8 * i);
	ticket = muster_flight_join_async(job->how.flight, job->key, key_len(job), 0,
					  MUSTER_FOREVER);
	if (ticket < 0)
		return ticket;
	job->ticket = ticket;
	return epoll_ctl(schedule->epoll, EPOLL_CTL_ADD, ticket, &event) ? -errno : 0;
}

static bool is_late(const struct job *job)
{
	uint64_t now = muster_clock_now(job->clock);

	return now > job->next && now - job->next >= job->how.window;
}

/* True if it is to run again. */
static bool lead(struct run *run, const struct muster_verdict *verdict)
{
	struct muster_occasion occasion = occasion_of(run->job);
	struct job *job = run->job;
	bool more = true;
	int ret;

	occasion.token = verdict->token;
	occasion.attempt = verdict->attempt;
	if (!is_late(job))
		more = call(run, &occasion);
	ret = muster_flight_finish_keep(job->ticket, job->key, key_len(job), verdict->token, 0,
					NULL, 0, job->how.window, 0, 0);
	/* To be told is more than to be remembered. */
	if (ret == -ENOBUFS)
		muster_flight_finish(job->ticket, job->key, key_len(job), verdict->token, 0,
				     NULL, 0);
	return more;
}

/* Its ticket has a verdict. */
static void run_settled(struct run *run)
{
	struct job *job = run->job;
	struct muster_verdict verdict;
	bool more = true;
	int ret;

	/* Other threads are not to see it. */
	epoll_ctl(run->schedule->epoll, EPOLL_CTL_DEL, job->ticket, NULL);
	do
		ret = muster_ticket_read(job->ticket, &verdict, NULL, 0);
	while (ret == -EINTR);
	ret = ret < 0 ? ret : verdict.error;
	/* Too many have died over it: then it is missed. */
	if (ret && ret != -EOWNERDEAD)
		run->err = run->err ? run->err : ret;
	else if (!ret && verdict.role == MUSTER_ROLE_LEADER)
		more = lead(run, &verdict);
	job_again(run->schedule, job, more);
}

/* What is for this process is run before it joins the next: others may have that. */
static void run_shared(struct run *run)
{
	struct pollfd settled = { .events = POLLIN };
	int err = job_join(run->schedule, run->job);

	if (err) {
		run->err = run->err ? run->err : err;
		job_again(run->schedule, run->job, true);
		return;
	}
	settled.fd = run->job->ticket;
	if (muster_poll(&settled, 1, 0) > 0)
		run_settled(run);
}

/* ---- what is due ---- */

static bool take_due(struct run *run, int clock)
{
	struct queue *queue = &run->schedule->queues[clock];
	struct job *job = queue->nr ? queue->jobs[0] : NULL;
	uint64_t now = muster_clock_now(clock);

	if (!job || job->next > run->until[clock])
		return false;
	muster_queue_remove(queue, job);
	job->missed = 0;
	if (job->how.period && now > job->next) {
		job->missed = (now - job->next) / job->how.period;
		job->next += job->missed * job->how.period;
	}
	run->job = job;
	return true;
}

static bool take_settled(struct run *run)
{
	/* Room for the timers, and a ticket. */
	struct epoll_event events[CLOCKS + 1];
	int nr, i;

	nr = epoll_wait(run->schedule->epoll, events, CLOCKS + 1, 0);
	for (i = 0; i < nr; i++) {
		if (!events[i].data.u64)
			continue;
		run->job = muster_job_find(run->schedule, events[i].data.u64);
		if (run->job)
			return true;
	}
	return false;
}

static void run_due(struct run *run)
{
	int clock;

	for (clock = 0; clock < CLOCKS; clock++) {
		run->until[clock] = muster_clock_now(clock);
		while (take_due(run, clock)) {
			if (run->job->how.flags & MUSTER_JOB_SHARED)
				run_shared(run);
			else
				run_alone(run);
		}
	}
	/* Others are to see what is due while one runs what a ticket told. */
	while (take_settled(run)) {
		arm(run->schedule);
		run_settled(run);
	}
	arm(run->schedule);
}

int muster_schedule_run(struct muster_schedule *schedule)
{
	struct run run = { .schedule = schedule };
	int saved = errno;

	if (!muster_schedule_is_own(schedule))
		return -EPERM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &run.cancel_state);
	pthread_mutex_lock(&schedule->lock);
	run_due(&run);
	pthread_mutex_unlock(&schedule->lock);
	pthread_setcancelstate(run.cancel_state, NULL);
	errno = saved;
	return run.ran || !run.err ? run.ran : run.err;
}

int muster_schedule_wait(struct muster_schedule *schedule, uint64_t deadline)
{
	struct pollfd fds[2] = {
		{ .fd = schedule->empty, .events = POLLIN },
		{ .fd = schedule->epoll, .events = POLLIN },
	};
	int ret;

	for (;;) {
		ret = muster_schedule_run(schedule);
		if (ret < 0)
			return ret;
		ret = muster_poll(fds, 2, deadline);
		if (ret <= 0)
			return ret ? ret : -ETIMEDOUT;
		if (fds[0].revents)
			return 0;
		/* There may always be something that is due. */
		if (deadline <= muster_after_ns(0))
			return -ETIMEDOUT;
	}
}
