/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults to order: the N-th allocation, or copy from or to user memory, that a thread
 * makes from now on fails. See Documentation/fault-injection of the kernel.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "muster_util.h"

/* Gets ready, for the calling thread. Returns why there are no faults here, or NULL. */
const char *faults_missing(void);

/**
 * ask_faulty - as ask(me, @job), with a fault
 * @job:	what to do
 * @nth:	which one is to fail, from 1; 0 for none
 * @reached:	whether there were so many
 *
 * Return: as of the job.
 */
int ask_faulty(struct job job, unsigned int nth, bool *reached);

/* Does the job, and tells how many faults it could meet. */
unsigned int count_faults(struct job job);

#endif /* FAULTS_H */
