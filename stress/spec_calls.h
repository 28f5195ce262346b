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
	BARRIER_SET_PARTIES,
	BARRIER_ENTER,
	BARRIER_LEAVE,
};

#define BARRIER_TOKEN		0
#define BARRIER_STATUS		1
#define BARRIER_PARTIES		0
/* ENTER, LEAVE */
#define BARRIER_SEATS		0
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
#define BARRIER_STAT_PARTIES	7
#define BARRIER_STAT_SEATS	8
#define BARRIER_STAT_LOST	9
/* SET_PARTIES */
#define BARRIER_OLD_PARTIES	0

/* ---- flight ---- */

enum flight_code {
	FLIGHT_JOIN = HISTORY_OWN,
	FLIGHT_FINISH,
	FLIGHT_ABANDON,
	FLIGHT_FORGET,
	FLIGHT_FETCH,
	FLIGHT_STAT,
	FLIGHT_FOLLOWERS,
};

/* All but FETCH and STAT; FETCH has its token at the same place. */
#define FLIGHT_KEY		0
#define FLIGHT_TOKEN		1
/* JOIN */
#define FLIGHT_FLAGS		1
#define FLIGHT_ROOM		2
#define FLIGHT_FORGET_AFTER	3
/* FINISH */
#define FLIGHT_STATUS		2
#define FLIGHT_LEN		3
#define FLIGHT_KEEP		4
#define FLIGHT_GRACE		5
#define FLIGHT_FINISH_FLAGS	6
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
#define FLIGHT_OUT_KEPT		8
#define FLIGHT_OUT_AGE		9
#define FLIGHT_OUT_FILE		10
/* FLIGHT_FINISH_FLAGS: the file is not sealed, and will not do */
#define FLIGHT_UNSEALED		(1 << 16)
/* FLIGHT_OUT_KEPT: kept, kept and stale */
#define FLIGHT_IS_KEPT		1
#define FLIGHT_IS_STALE		2
/* FINISH, ABANDON, FORGET, FOLLOWERS */
#define FLIGHT_OUT_COUNT	0
/* FETCH */
#define FETCH_OUT_LEN		0
#define FETCH_OUT_WRONG		1
#define FETCH_OUT_FILE		2
/* STAT */
#define FLIGHT_STAT_CALLS	0
#define FLIGHT_STAT_FOLLOWERS	1
#define FLIGHT_STAT_LED		2
#define FLIGHT_STAT_JOINED	3
#define FLIGHT_STAT_HANDED_OVER	4
#define FLIGHT_STAT_FORGOTTEN	5
#define FLIGHT_STAT_ORPHANED	6

/* ---- group ---- */

enum group_code {
	GROUP_ADD = HISTORY_OWN,
	GROUP_CLAIM,
	GROUP_DONE,
	GROUP_WAIT,
	GROUP_RESULT,
	GROUP_CANCEL,
	GROUP_RESET,
	GROUP_STAT,
};

/* ADD */
#define GROUP_SLOTS		0
/* CLAIM, DONE, RESULT */
#define GROUP_SLOT		0
/* DONE */
#define GROUP_STATUS		1
#define GROUP_LEN		2
/* WAIT */
#define GROUP_UNTIL		0
#define GROUP_SUCCESSES		1
/* ADD */
#define GROUP_OUT_FIRST		0
/* WAIT */
#define GROUP_OUT_MET		0
#define GROUP_OUT_STATUS	1
#define GROUP_OUT_SLOT		2
#define GROUP_OUT_PENDING	3
#define GROUP_OUT_SUCCEEDED	4
#define GROUP_OUT_FAILED	5
#define GROUP_OUT_DIED		6
/* RESULT */
#define GROUP_OUT_NUMBER	0
#define GROUP_OUT_STATE		1
#define GROUP_OUT_TASK_STATUS	2
#define GROUP_OUT_LEN		3
#define GROUP_OUT_WRONG		4
/* STAT */
#define GROUP_STAT_PENDING	0
#define GROUP_STAT_SUCCEEDED	1
#define GROUP_STAT_FAILED	2
#define GROUP_STAT_DIED		3
#define GROUP_STAT_CANCELLED	4
#define GROUP_STAT_STATUS	5
#define GROUP_STAT_SLOT		6
#define GROUP_STAT_ADDERS	7
#define GROUP_STAT_WAITERS	8

/* ---- names ---- */

enum name_code {
	NAME_OPEN = HISTORY_OWN,
};

#define NAME_FLAGS		0
#define NAME_OUT_CREATED	0

/* ---- names that linger ---- */

/* OPEN is that of names. */
enum linger_code {
	LINGER_KEEP = NAME_OPEN + 1,
	LINGER_LOOK,
	LINGER_DROP,
};

/* KEEP */
#define LINGER_NS		0
/* KEEP, LOOK */
#define LINGER_OUT_TOKEN	0
/* DROP */
#define LINGER_OUT_COUNT	0
/* KEEP: something is kept already. */
#define LINGER_IS_KEPT		1

#endif /* SPEC_CALLS_H */
