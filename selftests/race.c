// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races between puppets. See race.h.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "race.h"

/* An instant is missed by up to so many steps at first. */
#define STEP		1024

/* ---- chance ---- */

/* xorshift64 */
__u32 random_below(__u64 *seed, __u32 n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 16) % n;
}

__u64 new_seed(void)
{
	const char *given = getenv("MUSTER_SEED");
	__u64 seed = given ? strtoull(given, NULL, 0) : clock_ns(CLOCK_REALTIME);

	/* The process ends without writing what is in buffers. */
	fprintf(stderr, "# MUSTER_SEED=%llu\n", (unsigned long long)seed);
	return seed ?: 1;
}

/* Mostly none or few, now and then many. */
static __u32 some_steps(__u64 *seed)
{
	return random_below(seed, 1U << random_below(seed, 12));
}

void linger(__u32 steps)
{
	while (steps--)
		__asm__ volatile("" ::: "memory");
}

void spin_until(__u64 when)
{
	while (clock_ns(CLOCK_MONOTONIC) < when)
		;
}

/* ---- races ---- */

struct race *new_race(void)
{
	struct race *race = shared_memory(sizeof(*race));

	race->seed = new_seed();
	return race;
}

/* Looks often, so that it sees it at once, but lets others run as well. */
static void spin_while(const __u32 *word, __u32 value)
{
	int i;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) {
		for (i = 0; i < 50 && __atomic_load_n(word, __ATOMIC_ACQUIRE) == value; i++)
			;
		sched_yield();
	}
}

static int run_at_once(struct job *job)
{
	struct race *race = job->at;
	__u32 round = __atomic_load_n(&race->round, __ATOMIC_ACQUIRE);
	__u32 i = __atomic_fetch_add(&race->ready, 1, __ATOMIC_ACQ_REL);

	spin_while(&race->round, round);
	linger(race->lag[i]);
	return job->cmd ? call(job->fd, job->cmd, &job->arg) :
	       close(job->fd) ? -errno : 0;
}

struct job at_once(struct race *race, struct job job)
{
	job.run = run_at_once;
	job.at = race;
	return job;
}

void begin(struct race *race, unsigned int nr)
{
	__u32 bias = labs(race->bias), i;

	for (i = 0; i < nr; i++) {
		race->lag[i] = some_steps(&race->seed);
		if (race->bias > 0)
			race->lag[i] += bias;
	}
	for (i = 0; i < nr; i++)
		spin_while(&race->ready, i);
	race->ready = 0;
	__atomic_add_fetch(&race->round, 1, __ATOMIC_RELEASE);
	linger(some_steps(&race->seed) + (race->bias < 0 ? bias : 0));
}

void lean(struct race *race, bool puppets_were_first)
{
	long step = random_below(&race->seed, STEP);

	race->bias += puppets_were_first ? step : -step;
}

/* ---- load ---- */

/* Calls of the module, on an object of its own. */
static int run_busily(struct job *job)
{
	struct sched_param param = {};
	int fd = open_sem(1);

	if (sched_setscheduler(0, SCHED_IDLE, &param))
		return -errno;
	for (;;) {
		ask(me, acquire(fd, 1));
		ask(me, release(fd, 1));
	}
}

void keep_cpus_busy(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	while (n-- > 0)
		tell(puppet(), (struct job){ .run = run_busily });
}

static unsigned int factor(const char *name)
{
	const char *text = getenv(name);

	return text && atoi(text) > 0 ? atoi(text) : 1;
}

unsigned int rounds(unsigned int n)
{
	return n * factor("MUSTER_ROUNDS") / factor("MUSTER_SLOW") ?: 1;
}

/* ---- leaving ---- */

bool quitter_came_too_late(struct quitter *q)
{
	bool late = q->way == BY_TIMEOUT && !is_busy(q->p);

	q->late |= late;
	return late;
}

/* Long enough for what comes before the race, as a rule, and no longer. */
static void learn_patience(struct quitter *q)
{
	if (!q->late)
		q->patience -= q->patience / 8;
	else if (q->patience < 64 * NSEC_PER_MSEC)
		q->patience *= 2;
	q->late = false;
}

void quitter_init(struct quitter *q, enum way way)
{
	*q = (struct quitter){
		.way = way,
		.race = new_race(),
		.ticket = -1,
		.patience = 2 * NSEC_PER_MSEC,
	};
	if (way != BY_DEATH)
		q->p = puppet();
}

static void set_deadline(struct job *job, __u64 deadline)
{
	switch (job->cmd) {
	case MUSTER_FLIGHT_JOIN:
		job->join.deadline = deadline;
		break;
	case MUSTER_BARRIER_AWAIT:
		job->await.deadline = deadline;
		break;
	case MUSTER_GROUP_ADD:
		job->add.deadline = deadline;
		break;
	case MUSTER_GROUP_WAIT:
		job->wait.deadline = deadline;
		break;
	default:
		job->acquire.deadline = deadline;
	}
}

bool quitter_met_both(const struct quitter *q)
{
	return q->way == BY_CLOSE || q->way == BY_DEATH || (q->granted && q->left);
}

int quitter_waits(struct quitter *q, struct job job)
{
	if (q->way == BY_CLOSE) {
		q->ticket = ask(me, as_ticket(job));
		return q->ticket < 0 ? q->ticket : 0;
	}
	if (q->way == BY_DEATH)
		q->p = puppet();
	if (q->way == BY_TIMEOUT) {
		learn_patience(q);
		q->deadline = clock_ns(CLOCK_MONOTONIC) + q->patience;
		set_deadline(&job, q->deadline);
	}
	tell(q->p, job);
	return 0;
}

/* Those who meet it are told already, and wait for the race to begin. */
static int leave_by_timeout(struct quitter *q, unsigned int nr)
{
	long step = random_below(&q->race->seed, q->patience / 8 + 1);
	int ret;

	/* It may have been seen waiting, and be gone by now. */
	quitter_came_too_late(q);
	spin_until(q->deadline + q->shift);
	begin(q->race, nr);
	ret = hear(q->p);
	q->shift += ret ? -step : step;
	return ret == -ETIMEDOUT ? -ECANCELED : ret;
}

static int leave_by_signal(struct quitter *q, unsigned int nr)
{
	int ret;

	begin(q->race, nr);
	signal_puppet(q->p, SIG_EINTR);
	ret = hear(q->p);
	lean(q->race, !ret);
	return ret == -EINTR ? -ECANCELED : ret;
}

int quitter_leaves(struct quitter *q, unsigned int nr)
{
	int ret = GONE;

	switch (q->way) {
	case BY_TIMEOUT:
		ret = leave_by_timeout(q, nr);
		break;
	case BY_SIGNAL:
		ret = leave_by_signal(q, nr);
		break;
	case BY_CLOSE:
		begin(q->race, nr);
		close(q->ticket);
		break;
	case BY_DEATH:
		begin(q->race, nr);
		kill_puppet(q->p);
		break;
	}
	q->granted += !ret;
	q->left += ret == -ECANCELED;
	return ret;
}
