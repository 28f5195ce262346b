// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bulk-synchronous computation: steps, between which all wait for all
 *
 * Heat spreads over a plate: in each step every cell becomes the mean of its neighbours,
 * and each worker does its share of the rows. The barrier's action, which one of them runs
 * while the others wait, looks whether it has become stable and turns to the next step. A
 * step reads one half of the memory and writes the other, so it can be done again. Hence
 * the recovery: if a worker dies, wherever it was, the team starts anew, from the last step
 * that was completed. Three are killed on the way, and the result is, to the last bit,
 * that of a single process.
 *
 *	bsp [WORKERS]
 */
#include <errno.h>
#include <limits.h>
#include <muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS		64
#define COLUMNS		64
#define WORKERS_MAX	16
#define STABLE		0.01

/* The plate at each step is cell[step % 2]. Its edges stay as they are. */
struct plate {
	unsigned long step;
	unsigned long last;	/* from this step on it is stable */
	double change[WORKERS_MAX];
	double cell[2][ROWS][COLUMNS];
	int accidents;
	pid_t pid[WORKERS_MAX];
};

struct worker {
	struct plate *plate;
	int i, nr;
};

static int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(1);
}

static double max(double a, double b)
{
	return a > b ? a : b;
}

static void compute(const struct worker *worker)
{
	struct plate *plate = worker->plate;
	double (*now)[COLUMNS] = plate->cell[plate->step % 2];
	double (*next)[COLUMNS] = plate->cell[(plate->step + 1) % 2];
	int first = 1 + worker->i * (ROWS - 2) / worker->nr;
	int end = 1 + (worker->i + 1) * (ROWS - 2) / worker->nr;
	double change = 0;
	int y, x;

	for (y = first; y < end; y++) {
		for (x = 1; x < COLUMNS - 1; x++) {
			next[y][x] = (now[y - 1][x] + now[y + 1][x] +
				      now[y][x - 1] + now[y][x + 1]) / 4;
			change = max(change, next[y][x] - now[y][x]);
		}
	}
	plate->change[worker->i] = change;
}

/* The step counts from the last line on: who dies before that has changed nothing. */
static int next_step(void *arg, const struct muster_arrival *arrival)
{
	struct worker *worker = arg;
	struct plate *plate = worker->plate;
	double change = 0;
	int i;

	for (i = 0; i < worker->nr; i++)
		change = max(change, plate->change[i]);
	if (change < STABLE)
		plate->last = plate->step + 1;
	__atomic_store_n(&plate->step, plate->step + 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* ---- accidents, one of each kind: at work, in the action, and while it waits ---- */

static void accident(struct plate *plate, unsigned long step, int nr, pid_t victim)
{
	if (plate->step == step && __sync_bool_compare_and_swap(&plate->accidents, nr, nr + 1))
		kill(victim, SIGKILL);
}

static int dangerous_step(void *arg, const struct muster_arrival *arrival)
{
	struct worker *worker = arg;

	accident(worker->plate, 60, 1, getpid());
	accident(worker->plate, 90, 2, worker->plate->pid[!worker->i]);
	return next_step(arg, arrival);
}

/* ---- the team ---- */

static void work(struct worker *worker, int barrier)
{
	int err = 0;

	while (!err && worker->plate->step != worker->plate->last) {
		compute(worker);
		accident(worker->plate, 30, 0, getpid());
		err = muster_barrier_run(barrier, MUSTER_FOREVER, dangerous_step, worker, NULL);
	}
	/* EPIPE: somebody died. This one goes, too, and all come back. */
	_exit(err ? 1 : 0);
}

static void start_team(struct plate *plate, int nr, int barrier)
{
	int i;

	for (i = 0; i < nr; i++) {
		struct worker worker = { plate, i, nr };

		plate->pid[i] = fork();
		if (plate->pid[i] < 0)
			must(-errno, "fork");
		if (!plate->pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			plate->pid[i] = getpid();
			work(&worker, barrier);
		}
	}
}

/* Returns whether all have ended well. After the first that has not, none goes on. */
static int wait_for_team(struct plate *plate, int nr)
{
	int i, status, good = 1;
	pid_t pid;

	while ((pid = wait(&status)) > 0) {
		good &= !status;
		for (i = 0; i < nr; i++) {
			if (plate->pid[i] == pid)
				plate->pid[i] = 0;
			else if (plate->pid[i] && !good)
				kill(plate->pid[i], SIGKILL);
		}
	}
	return good;
}

static struct plate *new_plate(void)
{
	struct plate *plate = mmap(NULL, sizeof(*plate), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int x;

	if (plate == MAP_FAILED)
		must(-errno, "mmap");
	plate->last = ULONG_MAX;
	for (x = 0; x < COLUMNS; x++) {
		plate->cell[0][0][x] = 100;
		plate->cell[1][0][x] = 100;
	}
	return plate;
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 4, teams = 1;
	struct plate *plate = new_plate(), *alone = new_plate();
	struct worker single = { alone, 0, 1 };
	int barrier;

	if (nr < 2 || nr > WORKERS_MAX)
		must(-EINVAL, "workers");
	barrier = must(muster_barrier_open(NULL, 0, 0, nr, MUSTER_BARRIER_ACTION), "barrier");
	for (start_team(plate, nr, barrier); !wait_for_team(plate, nr); teams++) {
		must(muster_barrier_reset(barrier), "reset");
		start_team(plate, nr, barrier);
	}
	while (alone->step != alone->last) {
		compute(&single);
		next_step(&single, NULL);
	}
	printf("%d workers: %lu steps, %d teams\n", nr, plate->step, teams);
	printf("1 worker: %lu steps\n", alone->step);
	if (plate->step != alone->step || memcmp(plate->cell, alone->cell, sizeof(plate->cell)))
		must(-EINVAL, "the plates differ");
	printf("the plates are the same\n");
	return 0;
}
