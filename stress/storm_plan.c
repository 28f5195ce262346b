// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plan: who is killed, stopped, interrupted, and when. See storm.h.
 *
 * "When" is a number of calls, not of milliseconds: as far as scheduling allows, the
 * same seed does the same to the same processes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storm.h"

/* So much time passes between two steps, at most. */
#define STEP_MAX	60
/* If no call begins or ends for so long, the next step comes early. */
#define LULL_NS		(3 * 1000 * 1000ULL)

static struct history_process *process_of(const struct storm_actor *actor)
{
	return &storm->history.processes[actor->process];
}

static bool lives(const struct storm_actor *actor)
{
	return __atomic_load_n(&actor->process, __ATOMIC_ACQUIRE) && storm_pid(actor);
}

/* It lives, and nobody has decided otherwise. */
static bool is_safe(const struct storm_actor *actor)
{
	return lives(actor) && !__atomic_load_n(&process_of(actor)->doomed, __ATOMIC_SEQ_CST);
}

unsigned int storm_living(void)
{
	unsigned int n = 0, i;

	for (i = 0; i < STORM_ACTORS; i++)
		n += __atomic_load_n(&storm->actors[i].taken, __ATOMIC_RELAXED);
	return n;
}

/* Some actor that lives; NULL if there is none. */
struct storm_actor *storm_pick(struct storm_rng *rng, bool observers)
{
	unsigned int first = rnd_below(rng, STORM_ACTORS), i;

	for (i = 0; i < STORM_ACTORS; i++) {
		struct storm_actor *actor = &storm->actors[(first + i) % STORM_ACTORS];

		if (is_safe(actor) && (observers || !actor->observes))
			return actor;
	}
	return NULL;
}

/* ---- what happens to them ---- */

/* What kills them. One that dumps core is not SIGKILL from the start, for the kernel. */
static const int deadly[] = { SIGKILL, SIGTERM, SIGKILL, SIGQUIT, SIGABRT };

#define NR_DEADLY	(sizeof(deadly) / sizeof(*deadly))

/* Whoever has started the storm may have had them ignored; nobody wants the cores. */
void storm_be_mortal(void)
{
	const struct rlimit no_core = {};
	size_t i;

	for (i = 0; i < NR_DEADLY; i++)
		signal(deadly[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
}

void storm_kill(struct storm_actor *actor)
{
	int sig = deadly[actor->process % NR_DEADLY];

	if (!storm_doom(actor->process))
		return;
	/* One that has stopped takes no other. */
	kill(storm_pid(actor), actor->stopped ? SIGKILL : sig);
	storm_count(COUNT_KILL);
}

static bool is_deadly(int sig)
{
	size_t i = 0;

	while (i < NR_DEADLY && deadly[i] != sig)
		i++;
	return i < NR_DEADLY;
}

/* A signal that does not kill, noted before and after; its number, 0 if it was not sent. */
static __u32 send(struct storm_actor *actor, int sig)
{
	struct history *h = &storm->history;
	__u32 i = history_take(&h->nr_signals, 1, HISTORY_SIGNALS);

	if (i == HISTORY_SIGNALS) {
		__atomic_store_n(&storm->stop, 1, __ATOMIC_SEQ_CST);
		return 0;
	}
	h->signals[i] = (struct history_signal){ .process = actor->process };
	history_stamp(h, &h->signals[i].inv);
	kill(storm_pid(actor), sig);
	if (sig != SIGSTOP)
		history_stamp(h, &h->signals[i].res);
	return i + 1;
}

/*
 * It has stopped, or does no more: until then any of its threads may be interrupted, as
 * the one that takes the signal tells the others.
 */
static void has_stopped(struct storm_actor *actor)
{
	struct history *h = &storm->history;

	if (actor->stop)
		history_stamp(h, &h->signals[actor->stop - 1].res);
	actor->stop = 0;
}

static void stop(struct storm_actor *actor)
{
	if (actor->stopped)
		return;
	actor->stop = send(actor, SIGSTOP);
	actor->stopped = true;
	storm_count(COUNT_STOP);
}

static void go_on(struct storm_actor *actor)
{
	if (!lives(actor) || !actor->stopped)
		return;
	kill(storm_pid(actor), SIGCONT);
	has_stopped(actor);
	actor->stopped = false;
}

void storm_continue_all(void)
{
	unsigned int i;

	for (i = 0; i < STORM_ACTORS; i++)
		go_on(&storm->actors[i]);
}

static void continue_one(struct storm_rng *rng)
{
	unsigned int first = rnd_below(rng, STORM_ACTORS), i;

	for (i = 0; i < STORM_ACTORS; i++) {
		struct storm_actor *actor = &storm->actors[(first + i) % STORM_ACTORS];

		if (lives(actor) && actor->stopped) {
			go_on(actor);
			return;
		}
	}
}

static void interrupt(struct storm_actor *actor, struct storm_rng *rng)
{
	send(actor, rnd_percent(rng, 40) ? SIGUSR1 : SIGUSR2);
	storm_count(COUNT_SIGNAL);
}

/* Several at once. */
static void kill_some(struct storm_rng *rng, unsigned int n)
{
	struct storm_actor *actor;

	while (n-- && (actor = storm_pick(rng, false)))
		storm_kill(actor);
}

static void act(struct storm_rng *rng)
{
	struct storm_actor *actor = storm_pick(rng, false);
	__u32 dice = rnd_below(rng, 100);

	continue_one(rng);
	if (!actor)
		return;
	if (dice < 35)
		storm_kill(actor);
	else if (dice < 45)
		kill_some(rng, 2 + rnd_below(rng, 3));
	else if (dice < 65)
		stop(actor);
	else
		interrupt(actor, rng);
}

/* A few instructions more or less: not always right at the end of a call. */
static void dawdle(struct storm_rng *rng)
{
	unsigned int n = rnd_below(rng, 2000);

	while (n--)
		__asm__ volatile("" ::: "memory");
}

void storm_plan_step(struct storm_plan *plan)
{
	__u64 time = __atomic_load_n(&storm->history.clock, __ATOMIC_RELAXED);
	__u64 now = storm_clock(CLOCK_MONOTONIC);

	if (time != plan->seen) {
		plan->seen = time;
		plan->since = now;
	}
	if (time < plan->next && now - plan->since < LULL_NS)
		return;
	dawdle(&plan->rng);
	act(&plan->rng);
	plan->next = time + rnd_below(&plan->rng, STEP_MAX);
	plan->since = now;
}

/* ---- their end ---- */

static struct storm_actor *find_pid(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < STORM_ACTORS; i++) {
		if (lives(&storm->actors[i]) && storm_pid(&storm->actors[i]) == pid)
			return &storm->actors[i];
	}
	return NULL;
}

static void free_slot(struct storm_actor *actor)
{
	__atomic_store_n(&actor->process, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&actor->taken, 0, __ATOMIC_RELEASE);
}

/* It was killed while exec replaced it: that may have killed its threads before. */
static void cut_off_earlier(const struct storm_actor *actor)
{
	struct history *h = &storm->history;
	unsigned int i;

	for (i = 0; i < actor->nr_threads && actor->replaced; i++) {
		struct history_record *rec = &h->records[actor->threads[i].record];

		if (actor->threads[i].state == STORM_CALLS && rec->inv && !rec->res &&
		    !rec->dies)
			rec->dies = actor->replaced;
	}
}

static void bury(struct storm_actor *actor, int status)
{
	struct history_process *process = process_of(actor);
	bool planned = process->doomed &&
		       (WIFSIGNALED(status) ? is_deadly(WTERMSIG(status)) :
			WIFEXITED(status) && !WEXITSTATUS(status));

	storm_check(CLAIM_ENDS, planned, "p%u ended with status %#x%s", actor->process, status,
		    process->doomed ? "" : ", though nobody wanted it to");
	if (!process->doomed)
		process->doomed = 1;
	cut_off_earlier(actor);
	history_stamp(&storm->history, &process->gone);
	free_slot(actor);
}

/* Those that were about to be made by somebody who was killed. */
static void bury_unborn(void)
{
	unsigned int i;

	for (i = 0; i < STORM_ACTORS; i++) {
		struct storm_actor *actor = &storm->actors[i];
		__u32 taken = __atomic_load_n(&actor->taken, __ATOMIC_ACQUIRE);

		if (taken && storm->history.processes[taken - 1].gone && !lives(actor))
			free_slot(actor);
	}
}

void storm_reap(void)
{
	struct storm_actor *actor;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		actor = find_pid(pid);
		if (!actor)
			storm_die("an unknown child");
		if (WIFSTOPPED(status))
			has_stopped(actor);
		else
			bury(actor, status);
	}
	bury_unborn();
}

static bool somebody_dies(void)
{
	unsigned int i;

	for (i = 0; i < STORM_ACTORS; i++) {
		if (lives(&storm->actors[i]) && process_of(&storm->actors[i])->doomed)
			return true;
	}
	return false;
}

void storm_reap_all(void)
{
	__u64 until = storm_clock(CLOCK_MONOTONIC) + storm->patience;

	storm_reap();
	while (somebody_dies()) {
		if (storm_clock(CLOCK_MONOTONIC) > until) {
			storm_check(CLAIM_STUCK, false, "a killed process does not end");
			errno = ETIMEDOUT;
			storm_die("waiting for a killed process");
		}
		storm_nap(200);
		storm_reap();
	}
}
