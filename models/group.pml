/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The group: kmod/group.c, group_slot.c.
 *
 * N threads, each a process if OWN1 and OWN2 do not say otherwise. One with ASKn > 0
 * adds so many tasks, and ends each well or badly, at once or after long, or not at all;
 * CLAIMER claims any task; the others wait, until UNTILn, with COUNTn. At any point one
 * may time out, be interrupted, or fault when it is told of its tasks (TIMEOUTS, ...:
 * how often in all); a process may be killed, or another thread close its descriptor;
 * somebody may CANCEL or RESET. BATCH stands for MUSTER_BATCH.
 *
 * Each atomic or d_step is one section under the object's lock; settling is a step for
 * each waiter, without it. That a waiter sleeps and wakes is waiter.pml's. Numbers of
 * those who wait for tasks begin again when nobody does, or there would be more states.
 *
 * init looks when nothing can happen any more without it: then all who wait must do so
 * rightly. After that tasks that were to take long end, and their processes; and in the
 * end those who wait for tasks that nobody adds are killed.
 *
 * run: limit, timeout, signal, death	-DLIMIT=1 -DASK1=1 -DTIMEOUTS=1 -DSIGNALS=1 -DKILLS=1
 * run: limit, the large before the small	-DLIMIT=2 -DASK0=1 -DASK1=2 -DASK2=1 -DTIMEOUTS=1
 * run: limit, closed	-DLIMIT=1 -DASK1=1 -DCLOSES=1 -DTIMEOUTS=1
 * run: limit, cancel	-DLIMIT=1 -DASK1=1 -DCANCELS=1 -DTIMEOUTS=1
 * run: limit, four	-DLIMIT=1 -DN=4 -DASK1=1 -DASK2=1 -DTIMEOUTS=1
 * run: failures go on	-DLIMIT=1 -DASK1=1 -DKEEP_GOING -DKILLS=1
 * run: two deaths	-DLIMIT=2 -DASK0=2 -DASK1=1 -DKILLS=2
 * run: nobody hears of a task	-DLIMIT=1 -DASK1=1 -DFAULTS=2 -DKILLS=1
 * run: claimed, killed	-DCLAIMER=1 -DASK0=2 -DKILLS=2
 * run: claimed, closed, a fault	-DCLAIMER=1 -DLIMIT=1 -DN=4 -DASK2=1 -DFAULTS=1 -DCLOSES=1
 * run: all of one process	-DLIMIT=1 -DASK1=1 -DOWN1=0 -DOWN2=0 -DCLOSES=1
 * run: all, reset	-DASK1=1 -DRESETS=2 -DTIMEOUTS=1
 * run: for a success, reset	-DASK1=1 -DUNTIL2=SUCCESSES -DRESETS=1 -DTIMEOUTS=1
 * run: for two successes, and a failure	-DN=4 -DASK1=1 -DUNTIL2=SUCCESSES -DCOUNT2=2 -DUNTIL3=FAILURE -DKEEP_GOING
 * run: for a failure, death	-DASK0=2 -DUNTIL1=FAILURE -DTIMEOUTS=1 -DKILLS=1
 * run: for a count, reset	-DASK1=1 -DUNTIL2=COUNT -DCOUNT2=2 -DRESETS=1 -DTIMEOUTS=1
 * run: for a count, death	-DN=4 -DASK1=1 -DUNTIL2=COUNT -DCOUNT2=2 -DUNTIL3=COUNT -DKILLS=1
 * run: reset of what is cancelled	-DN=4 -DLIMIT=1 -DASK1=1 -DASK2=1 -DRESETS=1
 * run: batches of two	-DN=4 -DLIMIT=1 -DASK1=1 -DASK2=1 -DBATCH=2 -DRESETS=1
 * run: again and again	-DROUNDS=2 -DLIMIT=2 -DN=2 -DTIMEOUTS=1 -DRESETS=1
 * run: no reset runs for ever	-DLIMIT=1 -DASK1=1 -DUNTIL2=COUNT -DRESETS=1	cycle
 *
 * break: who leaves the front serves nobody	-DNO_SERVE_LEAVE -DLIMIT=2 -DASK1=2 -DASK2=1 -DTIMEOUTS=1	QUIET
 * break: the end of a task serves nobody	-DNO_SERVE_DONE	QUIET
 * break: a death serves nobody	-DNO_SERVE_DROP	QUIET
 * break: a cancellation serves nobody	-DNO_SERVE_CANCEL -DLIMIT=1 -DASK1=1 -DCANCELS=1	QUIET
 * break: one batch, and no more	-DONE_BATCH -DASK0=2 -DUNTIL1=FAILURE -DUNTIL2=FAILURE	QUIET
 * break: tasks outlive their process	-DNO_DROP	G2
 * break: one batch of tasks dies	-DDROP_ONE -DASK0=2	G2
 * break: the dead may claim	-DCLAIM_DEAD -DCLAIMER=1 -DCLOSES=1	G2
 * break: the dead are added for	-DADD_DEAD -DLIMIT=1 -DASK1=1 -DCLOSES=1	W2
 * break: any process ends a task	-DDONE_ANY -DCLAIMER=1	G1
 * break: what is done is done again	-DDONE_AGAIN	G1
 * break: the last failure counts	-DLAST_FAILURE -DASK1=1	G1
 * break: a reset does not look for those who wait	-DRESET_BLIND -DN=4 -DUNTIL1=COUNT -DUNTIL2=COUNT -DRESETS=1	G1
 * break: nor for those who would add	-DRESET_PATIENT -DN=4 -DLIMIT=1 -DASK1=1 -DASK2=1 -DRESETS=1	G3
 * break: nor for those who wait for all	-DRESET_ADDERS -DN=4 -DLIMIT=1 -DASK1=1 -DASK2=1 -DRESETS=1	G1
 * break: who waits does not look for who would add	-DWAIT_BLIND -DN=4 -DLIMIT=1 -DASK1=1 -DASK2=1 -DCLOSES=1	G1
 * break: a failure cancels nothing	-DNO_CANCEL	G3
 * break: it is added though cancelled	-DADD_CANCELLED -DCANCELS=1	G3
 * break: newcomers overtake	-DOVERTAKE -DLIMIT=2 -DASK1=2 -DASK2=1	T1
 * break: it leaves though it was added	-DLEAVE_ALWAYS -DLIMIT=1 -DASK1=1 -DTIMEOUTS=1	T2
 * break: it leaves, then is settled	-DLEAVE_ALWAYS -DNO_T2 -DUNTIL1=FAILURE -DTIMEOUTS=1	FRAME
 * break: no number tells who is on its way out	-DNO_NUMBER -DTIMEOUTS=1	FRAME
 * break: they are told how it is, not how it was	-DTELL_LATE -DN=4 -DASK1=1	G4
 * break: who waits with patience goes with the last	-DNO_PATIENCE -DUNTIL1=COUNT -DCOUNT1=2	G4
 * break: tasks that nobody heard of stay	-DKEEP_FAULTED -DFAULTS=1	T4
 * break: they go, though another has claimed them	-DTAKE_CLAIMED -DFAULTS=1 -DCLAIMER=1	G2
 * break: room for one is room for all	-DROOM_FOR_ONE -DLIMIT=2 -DASK1=2	LIMITED
 * break: a reset stays while tasks are left	-DRESET_STAYS -DRESETS=1	cycle
 */
#include "rules.h"

hidden byte G1 = 1;		/* all tasks are counted, and each once */
hidden byte G2 = 1;		/* a task is one process's, and ends with it */
hidden byte G3 = 1;		/* what is cancelled takes no task, failures cancel it */
hidden byte G4 = 1;		/* who is let go has what it waits for, or never will */
hidden byte T1 = 1;		/* first come, first served */
hidden byte T2 = 1;		/* what was granted is not refused */
hidden byte T4 = 1;		/* tasks that nobody hears of are taken back */
hidden byte W2 = 1;		/* the dead get nothing */
hidden byte LIMITED = 1;	/* never more tasks than the limit */
hidden byte QUIET = 1;		/* nobody waits for what is there, or for the dead */
hidden byte FRAME = 1;		/* nobody touches a waiter that is gone */

#define ALL 0
#define SUCCESSES 1
#define FAILURE 2
#define COUNT 3

#ifndef N
#define N 3
#endif
#ifndef LIMIT
#define LIMIT 9
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
/* What each thread asks for, or waits for; which process it is of. */
#ifndef ASK0
#define ASK0 1
#endif
#ifndef ASK1
#define ASK1 0
#endif
#ifndef ASK2
#define ASK2 0
#endif
#ifndef UNTIL1
#define UNTIL1 ALL
#endif
#ifndef UNTIL2
#define UNTIL2 ALL
#endif
#ifndef UNTIL3
#define UNTIL3 ALL
#endif
#ifndef COUNT1
#define COUNT1 1
#endif
#ifndef COUNT2
#define COUNT2 1
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef OWN2
#define OWN2 2
#endif
#ifndef CLAIMER
#define CLAIMER NONE
#endif

#define ask(i) ((i) == 0 -> ASK0 : ((i) == 1 -> ASK1 : ((i) == 2 -> ASK2 : 0)))
#define own(i) ((i) == 1 -> OWN1 : ((i) == 2 -> OWN2 : (i)))
#define until(i) ((i) == 1 -> UNTIL1 : ((i) == 2 -> UNTIL2 : UNTIL3))
#define count(i) ((i) == 1 -> COUNT1 : ((i) == 2 -> COUNT2 : 1))
#define SLOTS (ROUNDS * (ASK0 + ASK1 + ASK2))

/* struct muster_group; those who wait are sets, as their order says nothing */
byte pending, succeeded, failed;
byte first_failed;		/* 0 if none */
byte numbers;			/* last */
bool cancelled;
byte adders[N];
byte nr_adders;
byte waits;			/* all, failure and by_count */
byte patient;
byte arrivals;
byte wait_from;

/* struct group_slot, by number - 1 */
#define NO_SLOT 0
#define PENDING 1
#define SUCCEEDED 2
#define FAILED 3
byte task[SLOTS];
byte owner[SLOTS];
byte order[SLOTS];

/* struct group_owner */
bool dead[N];

/* struct group_waiter: out, in a queue, taken out of it, settled */
#define OUT 0
#define QUEUED 1
#define TAKEN 2
#define SETTLED 3
byte state[N];
byte arrival[N];
byte first[N];
byte told[N];
mtype = { GRANTED, ECANCELED, EBADF, EAGAIN, LEFT, LATE };
mtype verdict[N];

byte timeouts = TIMEOUTS, signals = SIGNALS, faults = FAULTS;
bool killed[N];
byte threads[N];		/* of each process */
byte phase;

/* For the checks: who queued before whom; which tasks somebody knows that has them. */
byte before[N];
byte queued_set;
byte known;

hidden byte k, j, front, nr_ok, nr_bad, nr_left, orders;

/* ---- what counts ---- */

/* struct group_counts as waiters are told: is any left, succeeded, failed */
#define pack() ((pending > 0 -> 1 : 0) | (succeeded << 1) | (failed << 4))
#define left_of(c) ((c) & 1)
#define succeeded_of(c) (((c) >> 1) & 7)
#define failed_of(c) ((c) >> 4)

/* group_is_met(), group_is_over() */
#define is_met(i, c)								\
	((until(i) == SUCCESSES || until(i) == COUNT) ->			\
	 succeeded_of(c) >= count(i) :						\
	 (until(i) == FAILURE -> failed_of(c) > 0 : left_of(c) == 0))
#define is_over(i, c)								\
	(is_met(i, c) || (until(i) == COUNT -> failed_of(c) > 0 : left_of(c) == 0))

#ifdef ROOM_FOR_ONE
#define has_room(n) (pending < LIMIT)
#else
#define has_room(n) (pending + (n) <= LIMIT)
#endif

/* The tasks, looked at one by one. */
inline check_counts()
{
	nr_ok = 0;
	nr_bad = 0;
	nr_left = 0;
	orders = 0;
	for (k : 0 .. SLOTS - 1) {
		if
		:: task[k] == PENDING -> nr_left++
		:: task[k] == SUCCEEDED -> nr_ok++; orders = orders | bit_of(order[k])
		:: task[k] == FAILED ->
			nr_bad++;
			orders = orders | bit_of(order[k]);
			rule(G1, first_failed > 0 &&
			     order[first_failed - 1] <= order[k])
		:: else
		fi
	}
	k = 0;
	rule(G1, nr_left == pending && nr_ok == succeeded && nr_bad == failed);
	rule(G1, failed == 0 || task[first_failed - 1] == FAILED);
	rule(G4, orders == bit_of(nr_ok + nr_bad + 1) - 2);
	rule(LIMITED, pending <= LIMIT);
#ifndef KEEP_GOING
	rule(G3, failed == 0 || cancelled)
#endif
}

/* ---- state changes, under the lock ---- */

inline list_del(i)
{
	k = 0;
	do
	:: adders[k] != i -> k++
	:: else -> break
	od;
	nr_adders--;
	do
	:: k < nr_adders -> adders[k] = adders[k + 1]; k++
	:: else -> break
	od;
	adders[k] = 0;
	/* Nobody is behind it any more. */
	queued_set = queued_set & (bit_of(i) ^ 255);
	for (k : 0 .. N - 1) {
		before[k] = before[k] & (bit_of(i) ^ 255)
	}
	k = 0
}

/* group_add() */
inline add_tasks(i)
{
	rule(W2, !dead[own(i)]);
	rule(G3, !cancelled);
	rule(T1, before[i] == 0);
	first[i] = numbers + 1;
	for (k : 1 .. ask(i)) {
		task[numbers] = PENDING;
		owner[numbers] = own(i);
		numbers++
	}
	pending = pending + ask(i)
}

/* group_end_task() */
inline end_task(s, how)
{
	task[s] = how;
	owner[s] = 0;
	known = known & (bit_of(s) ^ 255);
	order[s] = succeeded + failed + 1;
	pending--;
	if
	:: how == SUCCEEDED -> succeeded++
	:: else ->
		if
#ifdef LAST_FAILURE
		:: true -> first_failed = s + 1
#else
		:: failed == 0 -> first_failed = s + 1
#endif
		:: else
		fi;
		failed++;
#if !defined(KEEP_GOING) && !defined(NO_CANCEL)
		cancelled = true
#endif
	fi
}

/* group_take() */
inline take(i, how)
{
	rule(FRAME, state[i] == QUEUED);
	state[i] = TAKEN;
	verdict[i] = how;
	taken = taken | bit_of(i)
}

/* group_serve_adder(); n grows by what it returns */
inline serve_adder()
{
	served = false;
	if
	:: nr_adders == 0
	:: else ->
		front = adders[0];
		if
#ifndef ADD_DEAD
		:: dead[own(front)] -> served = true; list_del(front); take(front, EBADF)
#endif
		:: else ->
			if
			:: cancelled ->
				served = true;
				list_del(front);
				take(front, ECANCELED)
			:: !cancelled && has_room(ask(front)) ->
				served = true;
				add_tasks(front);
				list_del(front);
				take(front, GRANTED)
			:: else
			fi
		fi;
		if
		:: served -> n = n + ask(front)
		:: else
		fi
	fi
}

/* group_serve_ended() */
inline serve_ended()
{
	ended = ended | waits;
	waits = 0;
	wait_from = arrivals;
	counts = pack()
}

/* group_next_met(), or group_next_patient() */
inline find_over()
{
	front = 0;
	do
	:: front < N && in_set(waits, front) && is_met(front, pack()) -> break
	:: front < N && !(in_set(waits, front) && is_met(front, pack())) -> front++
	:: else -> break
	od;
	if
	:: front < N
	:: else ->
		front = 0;
		do
		:: front < N && in_set(patient, front) && is_over(front, pack()) -> break
		:: front < N && !(in_set(patient, front) && is_over(front, pack())) ->
			front++
		:: else -> break
		od
	fi
}

inline serve_wait()
{
	find_over();
	if
	:: front == N
	:: else ->
		served = true;
		waits = waits & (bit_of(front) ^ 255);
		patient = patient & (bit_of(front) ^ 255);
		told[front] = pack();
		take(front, GRANTED);
		n++
	fi
}

/* group_serve() */
inline serve()
{
	n = 0;
	more = true;
	do
	:: more && n < BATCH ->
		serve_adder();
		if
		:: !served ->
			if
#ifdef NO_PATIENCE
			:: pending == 0 && (waits | patient) != 0 ->
				waits = waits | patient;
				patient = 0;
				serve_ended()
#else
			:: pending == 0 && waits != 0 -> serve_ended()
#endif
			:: else
			fi;
			serve_wait()
		:: else
		fi;
		more = served
	:: else -> break
	od;
	n = 0;
	served = false;
	check_counts()
#ifdef ONE_BATCH
	;
	more = false
#endif
}

/* ---- after a state change ---- */

/* group_settle(), of one: the lowest, and those whose verdicts are written first */
inline settle_one()
{
	k = 0;
	if
	:: taken != 0 ->
		do
		:: !in_set(taken, k) -> k++
		:: else -> break
		od;
		rule(FRAME, state[k] == TAKEN);
		taken = taken & (bit_of(k) ^ 255)
	:: else ->
		do
		:: !in_set(ended, k) -> k++
		:: else -> break
		od;
		rule(FRAME, state[k] == QUEUED);
#ifdef TELL_LATE
		told[k] = pack();
#else
		told[k] = counts;
#endif
		verdict[k] = GRANTED;
		ended = ended & (bit_of(k) ^ 255)
	fi;
	state[k] = SETTLED;
	if
	:: ended == 0 -> counts = 0
	:: else
	fi;
	k = 0
}

/* The rest of group_unlock_serve() once serve() has done the first batch. */
inline settle_and_serve()
{
	do
	:: taken == 0 && ended == 0 && !more -> break
	:: else -> d_step {
		if
		:: taken != 0 || ended != 0 -> settle_one()
		:: else -> serve()	/* locked again */
		fi
	}
	od
}

#define LOCALS			\
	byte taken, ended;	\
	byte counts, n;		\
	bool more, served

/* muster_owner_drop() and group_owner_drop() */
inline owner_drop(o)
{
	d_step {
		drops = !dead[o];
		dead[o] = true
	}
#ifndef NO_DROP
	do
	:: drops ->
		d_step {
			n = 0;
			drops = false;
			for (j : 0 .. SLOTS - 1) {
				if
				:: task[j] == PENDING && owner[j] == o && n < BATCH ->
					n++;
					end_task(j, FAILED)
				:: task[j] == PENDING && owner[j] == o && n >= BATCH ->
					drops = true
				:: else
				fi
			}
			j = 0;
#ifdef DROP_ONE
			drops = false;
#endif
#ifdef NO_SERVE_DROP
			n = 0
#else
			serve()
#endif
		}
		settle_and_serve()
	:: else -> break
	od
#endif
}

#ifdef CLOSES
/* Another thread of some process closes its descriptor. */
proctype close()
{
	LOCALS;
	byte o;
	bool drops;

	if
	:: o = own(0)
	:: o = own(1)
#if N > 2
	:: o = own(2)
#endif
	fi;
	owner_drop(o)
}
#endif

#ifdef KILLS
proctype kill()
{
	byte i, times;

	do
	:: times < KILLS ->
		times++;
		if
		:: i = 0
		:: i = 1
#if N > 2
		:: i = 2
#endif
		fi;
		killed[own(i)] = true
	:: break
	od
}
#endif

#ifdef CANCELS
proctype cancel()
{
	LOCALS;

	d_step {
		cancelled = true;
#ifndef NO_SERVE_CANCEL
		serve()
#endif
	}
	settle_and_serve()
}
#endif

#ifdef RESETS
#ifdef RESET_BLIND
#define has_work() false
#elif defined(RESET_PATIENT)
#define has_work() (front < N && in_set(patient, front))
#elif defined(RESET_ADDERS)
#define has_work() ((front < N && in_set(patient, front)) || nr_adders > 0)
#else
/* group_has_work(): with tasks left it is EBUSY anyway */
#ifdef RESET_STAYS
#define none_left() true
#else
#define none_left() (pending == 0)
#endif
#define has_work() ((front < N && in_set(patient, front)) ||			\
		    (none_left() && (waits != 0 || nr_adders > 0)))
#endif

/* Nobody is to miss how it was. */
inline check_reset()
{
	rule(G3, !cancelled || nr_adders == 0);
	for (k : 0 .. N - 1) {
		rule(G1, !in_set(waits | patient, k) || !is_over(k, pack()))
	}
	k = 0
}

/* group_reset() */
proctype reset()
{
	LOCALS;
	byte times;
	bool again;

	do
	:: times < RESETS ->
		times++;
		do
		:: true ->
			d_step { serve() }
			settle_and_serve();
			skip;
			d_step {
				find_over();
				again = has_work();
				if
				:: again || pending > 0
				:: else ->
					check_reset();
					for (k : 0 .. SLOTS - 1) {
						task[k] = NO_SLOT;
						order[k] = 0
					}
					k = 0;
					succeeded = 0;
					failed = 0;
					first_failed = 0;
					cancelled = false;
					check_counts()
				fi
			}
			if
			:: again
			:: else -> break
			fi
		od
	:: break
	od
}
#endif

/* ---- those who wait ---- */

/* The waiter is no more. */
inline gone(i)
{
	state[i] = OUT;
	verdict[i] = 0;
	before[i] = 0;
	arrival[i] = 0;
	told[i] = 0;
	/* Nobody has a number: begin again with 0. */
	k = 0;
	do
	:: k < N && (state[k] == OUT || ask(k) > 0) -> k++
	:: else -> break
	od;
	if
	:: k == N -> arrivals = 0; wait_from = 0
	:: else
	fi;
	k = 0
}

#ifdef NO_NUMBER
#define is_leaving(i) false
#else
#define is_leaving(i) (ask(i) == 0 && until(i) != COUNT && arrival[i] < wait_from)
#endif

/* group_leave() */
inline leave(i)
{
	d_step {
		if
#ifndef LEAVE_ALWAYS
		:: state[i] != QUEUED || is_leaving(i) -> err = LATE
#endif
		:: else ->
#ifndef NO_T2
			rule(T2, state[i] == QUEUED);
#endif
			err = LEFT;
			if
			:: state[i] == QUEUED && ask(i) > 0 -> list_del(i)
			:: else ->
				waits = waits & (bit_of(i) ^ 255);
				patient = patient & (bit_of(i) ^ 255)
			fi;
			gone(i);
#ifndef NO_SERVE_LEAVE
			serve()
#endif
		fi
	}
	settle_and_serve();
	/* Too late: nothing but the verdict counts any more. */
	if
	:: err == LATE -> get_verdict(i)
	:: else
	fi
}

inline get_verdict(i)
{
	d_step {
		state[i] == SETTLED -> err = verdict[i];
		rule(G4, err != GRANTED || ask(i) > 0 || is_over(i, told[i]));
		gone(i)
	}
}

/* muster_wait() */
inline wait(i)
{
	if
	:: get_verdict(i)
	:: d_step { state[i] != SETTLED && timeouts > 0 -> timeouts-- };
		leave(i)
	:: d_step { state[i] != SETTLED && signals > 0 -> signals-- };
		leave(i);
		again = (err == LEFT)
	:: d_step { state[i] != SETTLED && (killed[own(i)] || dead[own(i)]) -> skip };
		leave(i)
	fi
}

/* group_enter_add() */
inline enter_add(i)
{
	d_step {
		if
		:: dead[own(i)] -> err = EBADF
#ifdef ADD_CANCELLED
		:: false
#else
		:: !dead[own(i)] && cancelled -> err = ECANCELED
#endif
#ifdef OVERTAKE
		:: !dead[own(i)] && !cancelled && has_room(ask(i)) ->
			before[i] = queued_set;
#else
		:: !dead[own(i)] && !cancelled && nr_adders == 0 && has_room(ask(i)) ->
#endif
			add_tasks(i);
			check_counts();
			err = GRANTED
		:: else ->
#ifdef ADD_CANCELLED
			if
			:: cancelled -> add_tasks(i)
			:: else
			fi;
#endif
			before[i] = queued_set;
			queued_set = queued_set | bit_of(i);
			adders[nr_adders] = i;
			nr_adders++;
			state[i] = QUEUED;
			err = EAGAIN
		fi
	}
}

/* Those who would add, and will. */
inline check_no_adder()
{
	for (k : 0 .. N - 1) {
		rule(G1, k >= nr_adders || dead[own(adders[k])] || cancelled)
	}
	k = 0
}

/* group_nr_left(): with no task left but some to be added, these are about to be. */
#ifdef WAIT_BLIND
#define is_over_now(i) is_over(i, pack())
#else
#define is_over_now(i) is_over(i, (pack() | (nr_adders > 0 && !cancelled -> 1 : 0)))
#endif

/* group_enter_wait() */
inline enter_wait(i)
{
	d_step {
		if
		:: dead[own(i)] -> err = EBADF
		:: !dead[own(i)] && is_over_now(i) ->
			if
			:: is_met(i, pack()) && until(i) != ALL
			:: until(i) == COUNT
			:: else -> check_no_adder()
			fi;
			err = GRANTED
		:: else ->
			if
			:: until(i) == COUNT -> patient = patient | bit_of(i)
			:: else ->
				arrival[i] = arrivals;
				arrivals++;
				waits = waits | bit_of(i)
			fi;
			state[i] = QUEUED;
			err = EAGAIN
		fi
	}
}

/* ---- threads ---- */

/* group_take_back() */
inline take_back(i)
{
	d_step {
		for (j : first[i] - 1 .. first[i] + ask(i) - 2) {
			if
#ifdef TAKE_CLAIMED
			:: task[j] == PENDING ->
#else
			:: task[j] == PENDING && owner[j] == own(i) && !dead[own(i)] ->
#endif
				rule(G2, owner[j] == own(i));
				task[j] = NO_SLOT;
				owner[j] = 0;
				pending--
			:: else
			fi
		}
		j = 0;
		serve()
	}
	settle_and_serve()
}

/* group_done_owner() */
inline done(i, s)
{
	if
	:: status = SUCCEEDED
	:: status = FAILED
	fi;
	d_step {
		if
#ifdef DONE_ANY
		:: task[s] == PENDING ->
			rule(G1, owner[s] == own(i));
#elif defined(DONE_AGAIN)
		:: !dead[own(i)] && (task[s] != PENDING || owner[s] == own(i)) ->
#else
		:: task[s] == PENDING && owner[s] == own(i) && !dead[own(i)] ->
#endif
			end_task(s, status);
#ifndef NO_SERVE_DONE
			serve()
#endif
		:: else		/* EPERM */
		fi;
		status = 0
	}
	settle_and_serve()
}

/* A task takes a moment, or long, or is never done; or done once too often. */
inline work(i, s)
{
	if
	:: true -> done(i, s)
	:: phase > 0 || killed[own(i)] ->
		if
		:: killed[own(i)]
		:: else -> done(i, s)
		fi
	:: true
	fi
#ifdef DONE_AGAIN
	;
	done(i, s)
#endif
}

inline add(i)
{
	enter_add(i);
	if
	:: err == EAGAIN -> wait(i)
	:: else
	fi;
	if
	:: err == GRANTED ->
		if
		:: d_step {
				for (j : first[i] - 1 .. first[i] + ask(i) - 2) {
					if
					:: task[j] == PENDING -> known = known | bit_of(j)
					:: else
					fi
				}
				j = 0
			}
			s = first[i] - 1;
			do
			:: s < first[i] + ask(i) - 1 && !killed[own(i)] ->
				work(i, s);
				s++
			:: else -> break
			od;
			s = 0
		:: d_step { faults > 0 -> faults-- };
#ifndef KEEP_FAULTED
			take_back(i)
#endif
		fi;
		first[i] = 0
	:: else
	fi
}

/* group_claim_owner(), of any task there may be */
inline claim(i)
{
	do
	:: s < SLOTS - 1 -> s++
	:: true -> break
	od;
	skip;
	d_step {
		if
#ifdef CLAIM_DEAD
		:: task[s] == PENDING ->
#else
		:: task[s] == PENDING && !dead[own(i)] ->
#endif
			owner[s] = own(i);
			known = known | bit_of(s)
		:: else
		fi
	}
	work(i, s);
	s = 0
}

proctype thread(byte i)
{
	LOCALS;
	byte round, s;
	byte status;
	mtype err;
	bool again, drops;

	do
	:: round == ROUNDS || killed[own(i)] || dead[own(i)] -> break
	:: else ->
		again = false;
		if
		:: i == CLAIMER -> claim(i)
		:: i != CLAIMER && ask(i) > 0 -> add(i)
		:: else ->
			enter_wait(i);
			if
			:: err == EAGAIN -> wait(i)
			:: else
			fi
		fi;
		err = 0;
		if
		:: again	/* a signal restarts it */
		:: else -> round++
		fi
	od;
	/* The process lives on for a while; its last thread takes it along. */
	phase > 0 || killed[own(i)];
	atomic {
		threads[own(i)]--;
		again = (threads[own(i)] == 0)
	}
	if
	:: again -> owner_drop(own(i))
	:: else
	fi
}

/* ---- when all has come to rest ---- */

inline check_quiet()
{
	check_counts();
	for (n : 0 .. N - 1) {
		rule(QUIET, state[n] == OUT || state[n] == QUEUED);
		rule(QUIET, state[n] == OUT || !dead[own(n)]);
		rule(QUIET, state[n] == OUT || ask(n) > 0 || !is_over(n, pack()));
		rule(QUIET, state[n] == OUT || ask(n) == 0 || !cancelled)
	}
	rule(QUIET, nr_adders == 0 || !has_room(ask(adders[0])));
	for (n : 0 .. SLOTS - 1) {
		rule(G2, task[n] != PENDING || !dead[owner[n]]);
		rule(T4, task[n] != PENDING || in_set(known, n))
	}
	n = 0
}

init {
	byte n;

	d_step {
		for (n : 0 .. N - 1) {
			threads[own(n)]++
		}
		n = 0
	}
	atomic {
		for (n : 0 .. N - 1) {
			run thread(n)
		}
		n = 0;
#ifdef CLOSES
		run close();
#endif
#ifdef KILLS
		run kill();
#endif
#ifdef CANCELS
		run cancel();
#endif
#ifdef RESETS
		run reset();
#endif
	}
	timeout;
	d_step { check_quiet(); phase = 1 };
	timeout;
	d_step {
		check_quiet();
		rule(QUIET, pending == 0 && nr_adders == 0 && waits == 0);
		for (n : 0 .. N - 1) {
			killed[n] = true
		}
		n = 0
	}
	_nr_pr == 1;
	d_step {
		check_counts();
		rule(QUIET, pending == 0 && nr_adders == 0 && waits == 0 && patient == 0)
	}
}
