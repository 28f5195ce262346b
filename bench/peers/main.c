// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster against its peers, on the same work, in one boot.
 *
 * Under "vm/run --icount" the clock counts instructions, one for each ns, contended work
 * included: one round is enough, and another boot gives the same. On real CPUs several
 * rounds are taken, in each of which every peer has its turn, and the ratio to muster is
 * that of the same round.
 *
 * usage: peers [--quick] [--rounds N] [WORK]...
 *
 * A line for each figure, tab-separated:
 *	figure WORK PEER SIZE UNIT MEDIAN MIN MAX RATIO-MEDIAN RATIO-MIN RATIO-MAX
 * where the ratio is the peer's to the first peer's, which is muster. A peer that is
 * not to be had has no line. Before those, a line for each work: work NAME TITLE
 */
#include <string.h>
#include <sys/resource.h>

#include "peers.h"

static const struct work * const works[] = {
	&work_pair, &work_try, &work_ring, &work_lock, &work_lock_short, &work_barrier,
	&work_lead, &work_follow, &work_kept, &work_stampede_small, &work_stampede_large,
	&work_runs, &work_keys, &work_waiters,
	&work_wake_one, &work_wake_first, &work_wake_last,
	&work_memory, &work_memory_waiter,
};

#define NR_WORKS (sizeof(works) / sizeof(works[0]))
#define PEERS_MAX 16

static bool quick;

struct cell {
	bool here;
	double value[ROUNDS_MAX];
};

static void print_cell(const struct work *work, const struct peer *peer, unsigned int size,
		       const struct cell *cell, const struct cell *first)
{
	double value[ROUNDS_MAX], ratio[ROUNDS_MAX];
	struct spread v, r;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		value[i] = cell->value[i];
		ratio[i] = first->here && first->value[i] ?
			   cell->value[i] / first->value[i] : 0;
	}
	v = spread_of(value, rounds);
	r = spread_of(ratio, rounds);
	printf("figure\t%s\t%s\t%u\t%s\t%.1f\t%.1f\t%.1f\t%.3f\t%.3f\t%.3f\n", work->name,
	       peer->name, size, work->unit, v.median, v.min, v.max, r.median, r.min, r.max);
}

/* All peers at one size: each has its turn in each round. */
static void measure_size(const struct work *work, unsigned int size)
{
	static struct cell cells[PEERS_MAX];
	unsigned int round, i;

	memset(cells, 0, sizeof(cells));
	for (round = 0; round < rounds; round++) {
		for (i = 0; work->peers[i].name; i++) {
			const struct peer *peer = &work->peers[i];

			if (peer->max_size && size > peer->max_size)
				continue;
			cells[i].here = figure(work, peer->ops, size, &cells[i].value[round]);
		}
	}
	for (i = 0; work->peers[i].name; i++) {
		if (cells[i].here)
			print_cell(work, &work->peers[i], size, &cells[i], &cells[0]);
	}
	fflush(stdout);
}

static void measure_work(const struct work *work)
{
	unsigned int i;

	printf("work\t%s\t%s\n", work->name, work->title);
	for (i = 0; i < SIZES_MAX && work->sizes[i]; i++) {
		if (!quick || !work->quick_max || work->sizes[i] <= work->quick_max)
			measure_size(work, work->sizes[i]);
	}
}

static bool wanted(const struct work *work, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], work->name))
			return true;
	}
	return !argc && (rounds == 1 || !work->exact_only);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 130000, 130000 };
	unsigned int i;

	rounds = 1;
	for (argc--, argv++; argc && argv[0][0] == '-'; argc--, argv++) {
		if (!strcmp(argv[0], "--quick")) {
			quick = true;
		} else if (!strcmp(argv[0], "--rounds") && argc > 1) {
			rounds = strtoul(argv[1], NULL, 10);
			argc--;
			argv++;
		}
	}
	if (!rounds || rounds > ROUNDS_MAX || setrlimit(RLIMIT_NOFILE, &files)) {
		fprintf(stderr, "usage: peers [--quick] [--rounds N] [WORK]...\n");
		return 2;
	}
	for (i = 0; i < NR_WORKS; i++) {
		if (wanted(works[i], argc, argv))
			measure_work(works[i]);
	}
	return 0;
}
