/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of each type, and what their arguments and answers are
 */
#ifndef SPEC_CALLS_H
#define SPEC_CALLS_H

#include "history.h"

/* ---- semaphore ---- */

enum sem_code {
	SEM_ACQUIRE = HISTORY_OWN,
	SEM_RELEASE,
	SEM_SET_LIMIT,
	SEM_STAT,
};

/* struct history_record.arg */
#define SEM_PERMITS		0
#define SEM_FLAGS		1
#define SEM_LIMIT		0
/* struct history_record.out */
#define SEM_TOKEN		0
#define SEM_ABANDONED		1
#define SEM_OLD_LIMIT		0
#define SEM_STAT_LIMIT		0
#define SEM_STAT_HELD		1
#define SEM_STAT_AVAILABLE	2
#define SEM_STAT_WAITERS	3
#define SEM_STAT_ABANDONED	4

/* ---- barrier ---- */

enum barrier_code {
	BARRIER_AWAIT = HISTORY_OWN,
	BARRIER_COMPLETE,
	BARRIER_RESET,
	BARRIER_STAT,
};

#define BARRIER_TOKEN		0
#define BARRIER_STATUS		1
/* AWAIT */
#define BARRIER_OUT_GENERATION	0
#define BARRIER_OUT_TOKEN	1
#define BARRIER_OUT_INDEX	2
#define BARRIER_OUT_ACTION	3
#define BARRIER_OUT_STATUS	4
#define BARRIER_OUT_BROKEN_BY	5
#define BARRIER_OUT_ARRIVED	6
#define BARRIER_OUT_PARTIES	7
/* STAT */
#define BARRIER_STAT_GENERATION	0
#define BARRIER_STAT_WAITING	1
#define BARRIER_STAT_BROKEN_BY	2
#define BARRIER_STAT_PID	3
#define BARRIER_STAT_STATUS	4
#define BARRIER_STAT_ARRIVED	5
#define BARRIER_STAT_ACTING	6

/* ---- flight ---- */

enum flight_code {
	FLIGHT_JOIN = HISTORY_OWN,
	FLIGHT_FINISH,
	FLIGHT_ABANDON,
	FLIGHT_FORGET,
	FLIGHT_FETCH,
	FLIGHT_STAT,
};

/* All but FETCH and STAT; FETCH has its token at the same place. */
#define FLIGHT_KEY		0
#define FLIGHT_TOKEN		1
/* JOIN */
#define FLIGHT_FLAGS		1
#define FLIGHT_ROOM		2
/* FINISH */
#define FLIGHT_STATUS		2
#define FLIGHT_LEN		3
/* FETCH */
#define FETCH_FLAGS		0
#define FETCH_ROOM		2
/* JOIN */
#define FLIGHT_OUT_TOKEN	0
#define FLIGHT_OUT_ROLE		1
#define FLIGHT_OUT_ATTEMPT	2
#define FLIGHT_OUT_SHARED	3
#define FLIGHT_OUT_STATUS	4
#define FLIGHT_OUT_LEN		5
#define FLIGHT_OUT_TRUNCATED	6
#define FLIGHT_OUT_WRONG	7
/* FINISH, ABANDON, FORGET */
#define FLIGHT_OUT_COUNT	0
/* FETCH */
#define FETCH_OUT_LEN		0
#define FETCH_OUT_WRONG		1
/* STAT */
#define FLIGHT_STAT_CALLS	0
#define FLIGHT_STAT_FOLLOWERS	1
#define FLIGHT_STAT_LED		2
#define FLIGHT_STAT_JOINED	3
#define FLIGHT_STAT_HANDED_OVER	4
#define FLIGHT_STAT_FORGOTTEN	5
#define FLIGHT_STAT_ORPHANED	6

/* ---- names ---- */

enum name_code {
	NAME_OPEN = HISTORY_OWN,
};

#define NAME_FLAGS		0
#define NAME_OUT_CREATED	0

#endif /* SPEC_CALLS_H */
