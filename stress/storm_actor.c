// SPDX-License-Identifier: GPL-2.0-only
/*
 * An actor: a process that does one random thing after the other until it is killed.
 * See storm.h.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storm.h"

/* How much of what a thread does is no call. */
#define HOUSEHOLD_PERCENT	7
#define OBSERVER_NAP_US		400

static struct storm_actor *self;

/* ---- coming to be ---- */

static bool take(struct storm_actor *actor, __u32 parent)
{
	__u32 none = 0;

	return __atomic_compare_exchange_n(&actor->taken, &none, parent + 1, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

struct storm_actor *storm_form(__u32 parent, __u64 seed)
{
	struct history *h = &storm->history;
	struct storm_actor *actor;
	__u32 process;

	for (actor = storm->actors; actor < storm->actors + STORM_ACTORS; actor++) {
		if (take(actor, parent))
			break;
	}
	if (actor == storm->actors + STORM_ACTORS)
		return NULL;
	process = history_take(&h->nr_processes, 1, HISTORY_PROCESSES);
	if (process == HISTORY_PROCESSES) {
		__atomic_store_n(&storm->stop, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&actor->taken, 0, __ATOMIC_RELEASE);
		return NULL;
	}
	memset((char *)actor + sizeof(actor->taken), 0,
	       sizeof(*actor) - sizeof(actor->taken));
	actor->seed = seed;
	actor->next_fd = STORM_FIRST_FD;
	__atomic_store_n(&actor->process, process, __ATOMIC_RELEASE);
	return actor;
}

/*
 * The kernel writes the child's id down before the child runs, and before the caller
 * can be killed: no child is ever unknown to the master, whose child it is.
 */
pid_t storm_clone(struct storm_actor *actor)
{
	__s32 *pid = &storm->history.processes[actor->process].pid;
	unsigned long flags = CLONE_PARENT_SETTID | SIGCHLD;
	pid_t ret;

	if (self)
		flags |= CLONE_PARENT;
	ret = syscall(SYS_clone, flags, NULL, pid, NULL, NULL);
	if (ret < 0)
		storm_die("clone");
	return ret;
}

bool storm_doom(__u32 process)
{
	__u64 *doomed = &storm->history.processes[process].doomed, none = 0;

	return __atomic_compare_exchange_n(doomed, &none, history_now(&storm->history),
					   false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* ---- doing ---- */

static void handler(int sig)
{
}

/* SIGUSR1 interrupts calls, after SIGUSR2 they begin anew. */
static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = handler };
	sigset_t set;

	sigemptyset(&set);
	sigaction(SIGUSR1, &action, NULL);
	sigaddset(&set, SIGUSR1);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void idle(struct storm_thread *thread)
{
	__atomic_store_n(&thread->state, STORM_IDLES, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void *run_thread(void *arg)
{
	unsigned int number = (unsigned long)arg;
	struct storm_thread *thread = &self->threads[number];
	struct storm_rng rng = { storm_mix(self->seed, 1000 + number) };

	__atomic_store_n(&thread->tid, gettid(), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		if (self->observes) {
			storm_look(self, number, &rng);
			storm_nap(OBSERVER_NAP_US);
		} else if (rnd_percent(&rng, HOUSEHOLD_PERCENT)) {
			storm_household(self, number, &rng);
		} else {
			storm_turn(self, number, &rng);
		}
	}
	idle(thread);
	return NULL;
}

static bool start_thread(unsigned long number)
{
	pthread_attr_t attr;
	pthread_t thread;

	return !pthread_attr_init(&attr) &&
	       !pthread_attr_setstacksize(&attr, 256 << 10) &&
	       !pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) &&
	       !pthread_create(&thread, &attr, run_thread, (void *)number);
}

void storm_act(struct storm_actor *actor, unsigned int threads)
{
	unsigned long i;

	self = actor;
	actor->nr_threads = threads;
	handle_signals();
	/* The kernel may have none to give just now: then there are fewer. */
	for (i = 1; i < threads && start_thread(i); i++)
		;
	if (i < threads) {
		actor->nr_threads = i;
		storm_count(COUNT_FEWER);
	}
	run_thread(NULL);
	abort();
}

/* ---- after exec ---- */

/* The calls of threads that are no more have ended without result. */
static void cut_off(struct storm_actor *actor)
{
	struct history *h = &storm->history;
	unsigned int i;

	for (i = 0; i < actor->nr_threads; i++) {
		struct history_record *rec = &h->records[actor->threads[i].record];

		if (actor->threads[i].state != STORM_CALLS || !rec->inv || rec->res)
			continue;
		rec->dies = actor->replaced;
		history_stamp(h, &rec->gone);
		storm_count(COUNT_CUT);
	}
}

static void close_on_exec(struct storm_actor *actor)
{
	struct history *h = &storm->history;
	unsigned int n = 0, i;

	for (i = 0; i < actor->nr_fds; i++) {
		if (!actor->fds[i].cloexec)
			actor->fds[n++] = actor->fds[i];
	}
	actor->nr_fds = n;
	for (i = 0; i < actor->nr_closing; i++)
		history_stamp(h, &h->records[actor->closing[i]].res);
}

void storm_act_again(unsigned int slot)
{
	struct storm_actor *actor = &storm->actors[slot];
	unsigned int threads = actor->nr_threads;

	storm_count(COUNT_EXEC);
	cut_off(actor);
	actor->replaced = 0;
	close_on_exec(actor);
	memset(actor->threads, 0, sizeof(actor->threads));
	actor->seed = storm_mix(actor->seed, ++actor->born);
	actor->execs++;
	/* A child of threads may have threads again. */
	if (threads < HISTORY_THREADS && actor->seed % 4 == 0)
		threads++;
	storm_unlock(actor);
	storm_act(actor, threads);
}
