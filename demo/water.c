// SPDX-License-Identifier: GPL-2.0-only
/*
 * Part 3: the water factory
 *
 * Two semaphores let two hydrogen atoms and one oxygen atom in at a time. Each
 * writes itself down and goes on only when three are there, by a barrier, so that
 * the next three cannot come in between. The processes start in random order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define MOLECULES	100
#define ATOMS		(3 * MOLECULES)
#define SHOWN		12

/**
 * struct factory - what the atoms share
 * @hydrogen:	a semaphore of 2
 * @oxygen:	a semaphore of 1
 * @molecule:	a barrier of 3
 * @kind:	'H' or 'O', for each process
 * @log:	the atoms in the order in which they came
 * @logged:	how many
 */
struct factory {
	int hydrogen;
	int oxygen;
	int molecule;
	char kind[ATOMS];
	char log[ATOMS];
	int logged;
};

static void atom(int i, void *arg)
{
	struct factory *factory = arg;
	uint64_t deadline = muster_after_ms(PATIENCE_MS);
	char kind = factory->kind[i];
	int sem = kind == 'H' ? factory->hydrogen : factory->oxygen;

	must(muster_sem_acquire(sem, 1, deadline), "acquire");
	factory->log[__atomic_fetch_add(&factory->logged, 1, __ATOMIC_SEQ_CST)] = kind;
	must(muster_barrier_await(factory->molecule, deadline, NULL), "await");
	must(muster_sem_release(sem, 1), "release");
}

/* 200 times 'H' and 100 times 'O', shuffled; the same each time. */
static void shuffle(char *kind)
{
	int i, j;
	char swap;

	for (i = 0; i < ATOMS; i++)
		kind[i] = i % 3 ? 'H' : 'O';
	srand(1);
	for (i = ATOMS - 1; i > 0; i--) {
		j = rand() % (i + 1);
		swap = kind[i];
		kind[i] = kind[j];
		kind[j] = swap;
	}
}

static bool is_water(const char *atoms)
{
	return !memcmp(atoms, "HHO", 3) || !memcmp(atoms, "HOH", 3) ||
	       !memcmp(atoms, "OHH", 3);
}

static int count_water(const struct factory *factory)
{
	int i, n = 0;

	for (i = 0; i < ATOMS; i += 3)
		n += is_water(factory->log + i);
	return n;
}

/* In how many threes the processes would make water as they started. */
static int count_luck(const struct factory *factory)
{
	int i, n = 0;

	for (i = 0; i < ATOMS; i += 3)
		n += is_water(factory->kind + i);
	return n;
}

static void show(const char *what, const char *atoms)
{
	int i;

	printf("      %-10s", what);
	for (i = 0; i < SHOWN; i++)
		printf(" %.3s", atoms + 3 * i);
	printf(" ...\n");
}

void water_demo(void)
{
	struct factory *factory = shared_memory(sizeof(*factory));
	struct muster_barrier_stat stat;
	struct crowd crowd;
	int good;

	printf("\n\n"
"3.  The water factory\n"
"\n"
"    %d hydrogen and %d oxygen processes start in random order and become water,\n"
"    three at a time, by two semaphores and a barrier.\n", 2 * MOLECULES, MOLECULES);
	factory->hydrogen = must(muster_sem_open(NULL, 0, 0, 2), "semaphore");
	factory->oxygen = must(muster_sem_open(NULL, 0, 0, 1), "semaphore");
	factory->molecule = must(muster_barrier_open(NULL, 0, 0, 3, 0), "barrier");
	shuffle(factory->kind);
	crowd_start(&crowd, ATOMS, atom, factory);
	good = crowd_wait(&crowd);
	must(muster_barrier_stat(factory->molecule, &stat, NULL, 0), "stat");

	printf("\n");
	show("they start", factory->kind);
	show("they bond", factory->log);
	table_head("as they start");
	table_row("threes that are water", "%16d%16d", count_luck(factory),
		  count_water(factory));
	promise(good == ATOMS, "every atom finds its molecule");
	promise(factory->logged == ATOMS, "every atom is in the log");
	promise(count_water(factory) == MOLECULES, "every three atoms are one H2O");
	promise(stat.generation == MOLECULES && !stat.waiting, "one barrier round each");
	verdict("each three in a row, all %d of them, are one H2O", MOLECULES);
	close(factory->hydrogen);
	close(factory->oxygen);
	close(factory->molecule);
}
