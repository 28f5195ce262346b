// SPDX-License-Identifier: GPL-2.0-only
/*
 * The water factory: two semaphores and a barrier
 *
 * Atoms are processes and come as they like. Two hydrogen atoms and one oxygen atom are
 * let in at a time, by a semaphore for each kind; a barrier of three lets them out
 * together, as one molecule. If an atom is killed in there its place is free for another,
 * and those who waited with it wait for that one.
 *
 *	water [MOLECULES]
 *
 * prints "H 12" for a hydrogen atom in molecule 12. One atom is killed on the way.
 */
#include <errno.h>
#include <muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int hydrogen, oxygen, molecule;

static int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(1);
}

/* All who waited with one that died come here. To begin anew once is enough. */
static void mend(void)
{
	struct muster_barrier_stat stat;

	must(muster_barrier_stat(molecule, &stat, NULL, 0), "stat");
	if (stat.broken_by)
		must(muster_barrier_reset(molecule), "reset");
}

static void atom(char kind)
{
	int sem = kind == 'H' ? hydrogen : oxygen, err;
	struct muster_arrival arrival;

	must(muster_sem_acquire(sem, 1, MUSTER_FOREVER), "acquire");
	while ((err = muster_barrier_await(molecule, MUSTER_FOREVER, &arrival)) == -EPIPE)
		mend();
	must(err, "await");
	printf("%c %llu\n", kind, (unsigned long long)arrival.generation);
	fflush(stdout);
	must(muster_sem_release(sem, 1), "release");
}

static pid_t start_atom(char kind)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		atom(kind);
		_exit(0);
	}
	return pid;
}

/* An atom that never becomes water: it has been let in, and waits for a third. */
static void lose_one(void)
{
	struct muster_barrier_stat stat;
	pid_t victim = start_atom('H');

	start_atom('O');
	do {
		usleep(1000);
		must(muster_barrier_stat(molecule, &stat, NULL, 0), "stat");
	} while (stat.waiting < 2);
	kill(victim, SIGKILL);
	/* It is to be dead before a third comes. */
	waitpid(victim, NULL, 0);
}

int main(int argc, char **argv)
{
	int molecules = argc > 1 ? atoi(argv[1]) : 10;
	int status, made = 0, failed = 0, i;

	hydrogen = must(muster_sem_open(NULL, 0, 0, 2), "semaphore");
	oxygen = must(muster_sem_open(NULL, 0, 0, 1), "semaphore");
	molecule = must(muster_barrier_open(NULL, 0, 0, 3, 0), "barrier");
	lose_one();
	for (i = 0; i < 2 * molecules; i++)
		start_atom('H');
	for (i = 1; i < molecules; i++)
		start_atom('O');
	while (wait(&status) > 0) {
		made += !status;
		failed += !!status;
	}
	printf("%d atoms became water, 1 was lost\n", made);
	return failed > 0;
}
