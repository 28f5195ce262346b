/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tasks.c, which runs tasks, and task_results.c share
 */
#ifndef MUSTER_TASKS_H
#define MUSTER_TASKS_H

#include "internal.h"

/**
 * struct tasks - tasks that are being run
 * @fd:		their group
 * @task:	the tasks
 * @pidfd:	of their processes, -1 where there is none
 * @nr:		how many
 * @begun:	how many of them have begun
 * @need:	how many are to succeed
 * @add:	a ticket of one that waits to begin, or -1
 * @met:	a ticket of @need successes, or -1
 * @parent:	see struct muster_tasks_how; or -1
 * @cancel_state: of the caller's thread, and so of the tasks'
 */
struct tasks {
	int fd;
	struct muster_task *task;
	int *pidfd;
	uint32_t nr;
	uint32_t begun;
	uint32_t need;
	int add;
	int met;
	int parent;
	int cancel_state;
};

int muster_tasks_run(struct tasks *tasks, uint64_t deadline);
void muster_tasks_end(struct tasks *tasks, uint64_t grace);

#endif /* MUSTER_TASKS_H */
