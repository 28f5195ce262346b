// SPDX-License-Identifier: GPL-2.0-only
/*
 * A round: a storm on new objects, from their creation to their end. See storm.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storm.h"

#define OBSERVERS	1
/* Names are listed at every so many steps. */
#define LISTING		8

/* ---- before ---- */

static void clear(void)
{
	struct history *h = &storm->history;
	__u32 used = history_count(&h->nr_records, HISTORY_RECORDS);

	memset(h->records, 0, used * sizeof(*h->records));
	memset(h->processes, 0, sizeof(h->processes));
	memset(h->signals, 0, sizeof(h->signals));
	memset(h, 0, offsetof(struct history, processes));
	memset(storm->actors, 0, sizeof(storm->actors));
	storm->stop = 0;
	/* The master is process 0. */
	h->nr_processes = 1;
	h->processes[0].pid = getpid();
}

/* An object of a type, the @n-th of that type. */
static void make_object(struct storm_rng *rng, __u32 type, unsigned int n)
{
	__u32 number = storm->nr_objects++;
	struct storm_object *object = &storm->objects[number];
	struct history_object *o = &storm->history.objects[number];

	*o = (struct history_object){ .type = type };
	*object = (struct storm_object){ .type = type, .fd = -1 };
	storm_types[type]->setup(rng, o, n);
	snprintf(object->name, sizeof(object->name), "storm-%u-%u", storm->round, number);
	if (storm_types[type]->by_name)
		return;
	object->fd = storm_open(object, O_CREAT | O_EXCL, NULL);
	if (object->fd < 0) {
		errno = -object->fd;
		storm_die(object->name);
	}
}

static void make_objects(struct storm_rng *rng)
{
	unsigned int nr_of[HISTORY_OBJECTS] = { 0 }, i;

	storm->nr_objects = 0;
	for (i = 0; i < storm_nr_planned; i++)
		make_object(rng, storm_plan_types[i], nr_of[storm_plan_types[i]]++);
	storm->history.nr_objects = storm->nr_objects;
	/* The objects' own files have the numbers from 1 on. */
	storm->nr_files = storm->nr_objects;
}

/* Where they are to be, or are already. */
static void move_fd(int from, int to)
{
	if (from == to)
		return;
	if (dup2(from, to) < 0)
		storm_die("dup2");
	close(from);
}

static void make_sockets(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair))
		storm_die("socketpair");
	/* The second first: the first may be in its place. */
	move_fd(pair[1], STORM_RECV_FD);
	move_fd(pair[0], STORM_SEND_FD);
}

/* ---- actors ---- */

/* They share the files of the objects, some only until they exec. */
static void hand_out(struct storm_actor *actor, struct storm_rng *rng)
{
	__u32 i;

	for (i = 0; i < storm->nr_objects; i++) {
		bool cloexec = rnd_percent(rng, 50);

		if (storm->objects[i].fd >= 0)
			storm_add_fd(actor, dup(storm->objects[i].fd), i, i + 1, cloexec);
	}
}

static void close_objects(void)
{
	__u32 i;

	for (i = 0; i < storm->nr_objects; i++) {
		if (storm->objects[i].fd >= 0)
			close(storm->objects[i].fd);
	}
}

/* In the child, where the numbers of the master's own descriptors mean nothing. */
static void be_born(struct storm_actor *actor, struct storm_rng *rng)
{
	static const unsigned int threads[] = { 1, 1, 2, 3 };
	unsigned int nr = actor->observes ? 1 : threads[rnd_below(rng, 4)];

	hand_out(actor, rng);
	close_objects();
	storm_act(actor, nr);
}

static void spawn(struct storm_rng *rng, bool observes)
{
	struct storm_actor *actor = storm_form(0, rnd(rng));
	struct storm_rng own;

	if (!actor)
		return;
	own.state = actor->seed;
	actor->observes = observes;
	if (!storm_clone(actor))
		be_born(actor, &own);
}

/* ---- the storm ---- */

static void rage(struct storm_rng *rng, __u32 calls, unsigned int actors)
{
	struct storm_plan plan = { { rnd(rng) } };
	unsigned int i, steps;

	for (i = 0; i < OBSERVERS; i++)
		spawn(rng, true);
	for (steps = 0; !__atomic_load_n(&storm->stop, __ATOMIC_RELAXED); steps++) {
		while (storm_living() < actors)
			spawn(rng, false);
		storm_plan_step(&plan);
		storm_reap();
		if (steps % LISTING == 0)
			storm_listing();
		storm_nap(30);
		if (history_count(&storm->history.nr_records, HISTORY_RECORDS) >= calls)
			__atomic_store_n(&storm->stop, 1, __ATOMIC_SEQ_CST);
	}
}

/* All end, in several goes; whoever is left after each must have a reason to wait. */
static void calm_down(struct storm_rng *rng)
{
	struct storm_actor *actor;
	unsigned int n;

	storm_continue_all();
	storm_reap_all();
	storm_quiet();
	while (storm_living()) {
		for (n = storm_living() / 2 + 1; n; n--) {
			actor = storm_pick(rng, true);
			if (actor)
				storm_kill(actor);
		}
		storm_reap_all();
		storm_quiet();
	}
}

void storm_round(__u32 calls, unsigned int actors)
{
	struct storm_rng rng = { storm_mix(storm->seed, storm->round) };

	clear();
	make_sockets();
	storm_totals_begin();
	make_objects(&rng);
	rage(&rng, calls, actors);
	calm_down(&rng);
	/* What is on its way through the sockets goes with them. */
	close(STORM_SEND_FD);
	close(STORM_RECV_FD);
	storm_gone_objects();
	storm_totals_objects();
	close_objects();
	storm_gone_round();
	storm_totals_end();
	storm_judge();
}
