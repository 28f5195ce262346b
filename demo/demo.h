/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the demo share
 *
 * A part forks a crowd of processes that share memory with it, lets them do what it
 * shows, and looks itself whether all came out as promised.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <muster.h>

#define CROWD_MAX	400

/* Nothing in here takes so long, so that what hangs becomes an error. */
#define PATIENCE_MS	60000

/**
 * struct crowd - processes
 * @nr:		how many
 * @pid:	of each; 0 once it was waited for
 * @status:	how each ended, as wait(2) tells
 */
struct crowd {
	int nr;
	pid_t pid[CROWD_MAX];
	int status[CROWD_MAX];
};

typedef void (*member_fn)(int i, void *arg);

void crowd_start(struct crowd *crowd, int nr, member_fn member, void *arg);
void crowd_kill(struct crowd *crowd, int i);
int crowd_wait(struct crowd *crowd);
int crowd_killed(const struct crowd *crowd);

void *shared_memory(size_t size);
double seconds(uint64_t ns);
void nap(void);

/* A table: what, how it is without muster, how with. */
void table_head(const char *without);
void table_row(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For those who are in no position to go on. */
int must(int ret, const char *what);
/* Says so if something is not as promised. */
void promise(bool kept, const char *what);
/* Says that all was, if it was. */
void verdict(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool all_kept(void);

void question_demo(const char *database);
void water_demo(void);
void permits_demo(void);
void stampede_demo(const char *database, unsigned int duration);

#endif /* DEMO_H */
