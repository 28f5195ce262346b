/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The weighted semaphore: kmod/sem.c.
 *
 * N threads acquire, hold and release, ROUNDS times each. At any point one may time
 * out, be interrupted, or fault when it is told of its grant (TIMEOUTS, ...: how
 * often in all); a process may be killed, or another thread close its descriptor;
 * others set the limit. BATCH stands for MUSTER_BATCH.
 *
 * Each atomic or d_step is one section under the object's lock; settling is a step
 * for each waiter, without it. That a waiter sleeps and wakes is waiter.pml's.
 *
 * quiet() looks when nothing can happen any more without it: then all who wait must
 * do so rightly. After that holders who chose to hold long go on, and in the end
 * the limit is raised for those who wait for that.
 *
 * run: timeout, signal, death	-DTIMEOUTS=1 -DSIGNALS=1 -DKILLS=1
 * run: two deaths		-DKILLS=2 -DASK2=2
 * run: batches of two		-DN=4 -DASK1=1 -DBATCH=2 -DKILLS=1
 * run: close, threads share a process	-DOWN1=0 -DCLOSES=1 -DTIMEOUTS=1
 * run: close, all three are one process	-DOWN1=0 -DOWN2=0 -DCLOSES=1
 * run: the limit shrinks and grows	-DSET1=1 -DSET2=3 -DTIMEOUTS=1
 * run: it shrinks, with a death	-DSET1=1 -DKILLS=1 -DASK2=2
 * run: it goes to 0, one waits for more	-DSET1=0 -DSET2=2 -DASK1=3 -DPATIENT=1 -DCLOSES=1
 * run: two set it at once	-DSET1=1 -DOTHER1=1 -DOTHER2=2 -DASK0=2
 * run: nobody hears of a grant	-DFAULTS=2 -DKILLS=1
 * run: no permits at all	-DASK0=0 -DSET1=1 -DTIMEOUTS=1
 * run: again and again		-DROUNDS=2 -DN=2 -DKILLS=1 -DTIMEOUTS=1 -DSIGNALS=1
 * run: no cursor runs for ever	-DSET1=1 -DOTHER1=1 -DN=2 -DASK0=2	cycle
 * run: who asks for none comes again	-DROUNDS=2 -DASK0=0 -DASK1=0 -DASK2=2 -DTIMEOUTS=1
 * run: and is served by others in batches	-DN=4 -DROUNDS=1 -DASK0=0 -DASK1=0 -DASK2=2 -DASK3=2 -DKILLS=1
 *
 * break: who leaves the front serves nobody	-DNO_SERVE_LEAVE -DTIMEOUTS=1	QUIET
 * break: a dead holder serves nobody	-DNO_SERVE_DROP -DKILLS=1	QUIET
 * break: a higher limit serves nobody	-DNO_SERVE_SET -DSET1=3	QUIET
 * break: one batch, and no more	-DONE_BATCH -DASK1=1 -DASK0=2	QUIET
 * break: newcomers leave it to others	-DNO_SELF -DN=4 -DASK0=0 -DASK1=0 -DASK2=2 -DASK3=2	QUIET
 * break: newcomers overtake	-DOVERTAKE	S1
 * break: the small overtake the large	-DSKIP_FRONT -DN=4 -DLIMIT=3 -DASK1=3	S1
 * break: it leaves though granted	-DLEAVE_ALWAYS -DTIMEOUTS=1	T2
 * break: it leaves, then is settled	-DLEAVE_ALWAYS -DTIMEOUTS=1 -DNO_T2	FRAME
 * break: the dead in the queue are granted to	-DGRANT_DEAD -DCLOSES=1	W2
 * break: the dead may still acquire	-DTRY_DEAD -DCLOSES=1	W2
 * break: a grant with a fault is kept	-DKEEP_FAULTED -DFAULTS=1	T4
 * break: what a dead holder held is lost	-DLOSE_HELD -DKILLS=1	PERMITS
 * break: it comes back twice	-DTWICE -DKILLS=1	PERMITS
 * break: half of it comes back	-DHALF_HELD -DASK0=2 -DKILLS=1	W2
 * break: nobody is evicted	-DNO_EVICT -DSET1=1 -DASK0=2 -DASK1=1 -DASK2=2	S4
 * break: the evictor waits for no other	-DNO_MUTEX -DSET1=1 -DOTHER1=0 -DN=2 -DASK0=2	cycle
 * break: a lower limit does not count what is held	-DSET_FREE -DSET1=1	PERMITS
 * break: grants go over a lowered limit	-DOVER -DSET1=1	LIMITED
 * break: none at all waits for usage	-DZERO_WAITS -DASK0=0 -DSET1=1	S1
 */
#include "rules.h"

hidden byte S1 = 1;		/* first come, first served, all or nothing */
hidden byte S4 = 1;		/* who can be met no more is told so */
hidden byte T2 = 1;		/* what was granted is not refused */
hidden byte T4 = 1;		/* a grant that nobody hears of is given back */
hidden byte W2 = 1;		/* the dead hold nothing and get nothing */
hidden byte PERMITS = 1;	/* permits held and free make the limit */
hidden byte LIMITED = 1;	/* no grant goes over the limit */
hidden byte QUIET = 1;		/* nobody waits for what is there */
hidden byte FRAME = 1;		/* nobody touches a waiter that is gone */

#ifndef N
#define N 3
#endif
#ifndef LIMIT
#define LIMIT 2
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
/* What each thread asks for, which process it is of, who waits for more limit. */
#ifndef ASK0
#define ASK0 1
#endif
#ifndef ASK1
#define ASK1 2
#endif
#ifndef ASK2
#define ASK2 1
#endif
#ifndef ASK3
#define ASK3 1
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef OWN2
#define OWN2 2
#endif
#ifndef PATIENT
#define PATIENT NONE
#endif

#define ask(i) ((i) == 0 -> ASK0 : ((i) == 1 -> ASK1 : ((i) == 2 -> ASK2 : ASK3)))
#define own(i) ((i) == 1 -> OWN1 : ((i) == 2 -> OWN2 : (i)))

/* struct muster_sem; cursors are in the queue as N and N + 1 */
short free = LIMIT;
byte limit = LIMIT;
byte queue[N + 2];
byte in_queue;
byte nr_waiters;
bool evicting;

/* struct sem_owner */
byte held[N];
bool dead[N];

/* struct sem_waiter: out, in the queue, taken out of it, settled */
#define OUT 0
#define QUEUED 1
#define TAKEN 2
#define SETTLED 3
byte state[N];
mtype = { GRANTED, ERANGE, EBADF, EAGAIN, LEFT, LATE };
mtype verdict[N];

byte timeouts = TIMEOUTS, signals = SIGNALS, faults = FAULTS;
bool killed[N];
byte threads[N];	/* of each process */
byte phase;		/* of quiet() */

/* For the checks: who queued before whom; what each thread holds and knows of. */
byte before[N];
byte queued_set;
/* sem_serve_all()'s @until: who was there when somebody began to serve, and is still */
byte upto[N + 3];
byte mine[N];

hidden byte k, front, position;

/* ---- lists; all in steps of their callers ---- */

inline insert(at, what)
{
	k = in_queue;
	do
	:: k > at -> queue[k] = queue[k - 1]; k--
	:: else -> break
	od;
	queue[at] = what;
	in_queue++
}

inline remove(what)
{
	k = 0;
	do
	:: queue[k] != what -> k++
	:: else -> break
	od;
	in_queue--;
	do
	:: k < in_queue -> queue[k] = queue[k + 1]; k++
	:: else -> break
	od;
	queue[k] = 0
}

inline find_position(what)
{
	position = 0;
	do
	:: queue[position] != what -> position++
	:: else -> break
	od
}

/* ---- state changes, under the lock ---- */

inline held_in_all(sum)
{
	sum = held[0] + held[1];
#if N > 2
	sum = sum + held[2];
#endif
#if N > 3
	sum = sum + held[3]
#endif
}

hidden short sum;

inline check_permits()
{
	held_in_all(sum);
	rule(PERMITS, free + sum == limit)
}

#ifdef ZERO_WAITS
#define fits(n) ((n) <= free)
#elif defined(OVER)
#define fits(n) ((n) <= free || (n) <= limit - 1)
#else
#define fits(n) ((n) == 0 || (n) <= free)
#endif

#define never_fits(i) (ask(i) > limit && (i) != PATIENT)

inline grant(i)
{
	rule(W2, !dead[own(i)]);
	free = free - ask(i);
	held[own(i)] = held[own(i)] + ask(i);
	held_in_all(sum);
	rule(LIMITED, ask(i) == 0 || sum <= limit);
	check_permits()
}

/* sem_ungrant() */
inline ungrant(o, n)
{
	free = free + (n);
	held[o] = held[o] - (n);	/* last, as n may be held[o] */
	check_permits()
}

/* sem_try() */
inline try(i, err)
{
	if
	:: never_fits(i) -> err = ERANGE
#ifdef OVERTAKE
	:: !never_fits(i) && !fits(ask(i)) -> err = EAGAIN
#else
	:: !never_fits(i) && (nr_waiters > 0 || !fits(ask(i))) ->
		rule(S1, nr_waiters > 0 || ask(i) > 0);
		err = EAGAIN
#endif
	:: else ->
		rule(S1, nr_waiters == 0);
		grant(i);
		err = GRANTED
	fi
}

/* It is in the queue no more: nobody is behind it. */
inline forget(i)
{
	queued_set = queued_set & (bit_of(i) ^ 255);
	for (k : 0 .. N - 1) {
		before[k] = before[k] & (bit_of(i) ^ 255)
	}
}

/* sem_take_out() */
inline take_out(i, how)
{
	rule(FRAME, state[i] == QUEUED);
	remove(i);
	nr_waiters--;
	state[i] = TAKEN;
	verdict[i] = how;
	forget(i);
	taken = taken | bit_of(i)
}

/* sem_front(): NONE if there is none */
inline find_front()
{
	position = 0;
	do
	:: position < in_queue && queue[position] >= N -> position++
	:: else -> break
	od;
	front = NONE;
	if
	:: position < in_queue -> front = queue[position]
	:: else
	fi
}

/* sem_serve_all() begins: for those who are there by now */
inline begin_to_serve()
{
	upto[self] = queued_set;
	serve()
}

/* sem_serve(), with sem_decide() in it */
inline serve()
{
	more = (nr_waiters > 0);
	n = 0;
	do
	:: more && n < BATCH ->
		find_front();
#ifdef SKIP_FRONT
		do
		:: front != NONE && !fits(ask(front)) ->
			position++;
			front = NONE;
			if
			:: position < in_queue && queue[position] < N ->
				front = queue[position]
			:: else
			fi
		:: else -> break
		od;
#endif
		if
		:: front == NONE || !in_set(upto[self], front) -> more = false
#ifndef GRANT_DEAD
		:: front != NONE && in_set(upto[self], front) && dead[own(front)] ->
			take_out(front, EBADF)
#endif
		:: else ->
			if
			:: never_fits(front) -> take_out(front, ERANGE)
			:: else ->
				if
				:: fits(ask(front)) ->
					rule(S1, before[front] == 0);
					grant(front);
					take_out(front, GRANTED)
				:: else ->
					/* n=0 waits for those before it only */
					rule(S1, ask(front) > 0);
					more = false
				fi
			fi
		fi;
		n++
	:: else -> break
	od;
	n = 0;
	check_permits()
#ifdef ONE_BATCH
	;
	more = false
#endif
}

/* ---- after a state change ---- */

/* muster_settle() of the lowest of those who were taken out */
inline settle_one()
{
	k = 0;
	do
	:: !in_set(taken, k) -> k++
	:: else -> break
	od;
	rule(FRAME, state[k] == TAKEN);
	state[k] = SETTLED;
	taken = taken & (bit_of(k) ^ 255)
}

/* The rest of sem_unlock_serve() once serve() has taken the first batch out. */
inline settle_and_serve()
{
	do
	:: d_step { taken == 0 && !more -> upto[self] = 0 }; break
	:: else -> d_step {
		if
		:: taken != 0 -> settle_one()
		:: else -> serve()	/* locked again */
		fi
	}
	od
}

/* @self: whose @upto it is */
#define LOCALS(who)		\
	byte self = who;	\
	byte taken, n;		\
	bool more

/* sem_evict(); the cursor goes from front to end */
inline evict(cursor)
{
#ifndef NO_MUTEX
	d_step { !evicting -> evicting = true };
#endif
	d_step { insert(0, cursor) };
	do
	:: d_step {
		end = false;
		n = 0;
		do
		:: !end && n < BATCH ->
			find_position(cursor);
			if
			:: position == in_queue - 1 -> end = true
			:: else ->
				front = queue[position + 1];
				queue[position] = front;
				queue[position + 1] = cursor;
				if
				:: front < N && never_fits(front) ->
					take_out(front, ERANGE)
				:: else
				fi
			fi;
			n++
		:: else -> break
		od;
		n = 0;
		if
		:: end -> remove(cursor)
		:: else
		fi
	}
		do
		:: taken == 0 -> break
		:: else -> d_step { settle_one() }
		od;
		if
		:: end -> break
		:: else
		fi
	od;
	end = false;
	evicting = false;
	d_step { begin_to_serve() };
	settle_and_serve()
}

/* sem_set_limit() */
proctype set_limit(byte first; byte second; byte cursor)
{
	LOCALS(cursor);
	byte to = first;
	bool lower, end;

	do
	:: to == NONE -> break
	:: else ->
		d_step {
			lower = (to < limit);
#ifdef SET_FREE
			free = to;
#else
			free = free + to - limit;
#endif
			limit = to;
#ifndef NO_SERVE_SET
			begin_to_serve()
#endif
		}
		settle_and_serve();
#ifndef NO_EVICT
		if
		:: lower -> evict(cursor)
		:: else
		fi;
#endif
		to = second;
		second = NONE
	od
}

/* muster_owner_drop() and sem_owner_drop() */
inline owner_drop(o)
{
	d_step {
		drops = !dead[o];
		dead[o] = true
	}
	if
	:: drops ->
		d_step {
			drops = false;
#ifdef LOSE_HELD
			held[o] = 0;
#elif defined(TWICE)
			free = free + held[o];
#endif
#ifdef HALF_HELD
			ungrant(o, held[o] / 2);
#else
			ungrant(o, held[o]);
#endif
#ifndef NO_SERVE_DROP
			begin_to_serve()
#endif
		}
		settle_and_serve()
	:: else
	fi
}

#ifdef CLOSES
/* Another thread of some process closes its descriptor. */
proctype close()
{
	LOCALS(N + 2);
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

/* ---- those who acquire ---- */

/* The waiter is no more. */
inline gone(i)
{
	state[i] = OUT;
	verdict[i] = 0;
	before[i] = 0
}

/* sem_leave() */
inline leave(i)
{
	d_step {
		if
#ifndef LEAVE_ALWAYS
		:: state[i] != QUEUED -> err = LATE
#endif
		:: else ->
#ifndef NO_T2
			rule(T2, state[i] == QUEUED);
#endif
			err = LEFT;
			if
			:: state[i] == QUEUED ->
				remove(i);
				nr_waiters--;
				forget(i)
			:: else
			fi;
			gone(i);
#ifndef NO_SERVE_LEAVE
			begin_to_serve()
#endif
		fi
	}
	settle_and_serve();
	/* Too late: nothing but the verdict counts any more. */
	if
	:: err == LATE -> d_step { state[i] == SETTLED -> err = verdict[i]; gone(i) }
	:: else
	fi
}

/* muster_wait() */
inline wait(i)
{
	if
	:: d_step { state[i] == SETTLED -> err = verdict[i]; gone(i) }
	:: d_step { state[i] != SETTLED && timeouts > 0 -> timeouts-- };
		leave(i)
	:: d_step { state[i] != SETTLED && signals > 0 -> signals-- };
		leave(i);
		again = (err == LEFT)
	:: d_step { state[i] != SETTLED && (killed[own(i)] || dead[own(i)]) -> skip };
		leave(i)
	fi;
}

/* sem_acquire(), up to the reply; a signal restarts it */
inline acquire(i)
{
	do
	:: true ->
		again = false;
		/* sem_try_self() */
		d_step {
			if
			:: dead[own(i)] -> err = EBADF
			:: else -> try(i, err)
			fi
		}
		if
		:: err != EAGAIN -> break
		:: else
		fi;
		/* sem_wait() */
		d_step {
			if
#ifdef TRY_DEAD
			:: false
#else
			:: dead[own(i)] -> err = EBADF
#endif
			:: else ->
				try(i, err);
				if
				:: err == EAGAIN ->
					before[i] = queued_set;
					for (k : 0 .. N + 2) {
						upto[k] = upto[k] & (bit_of(i) ^ 255)
					}
					queued_set = queued_set | bit_of(i);
					insert(in_queue, i);
					nr_waiters++;
					state[i] = QUEUED;
#ifndef NO_SELF
					/* sem_queue(): up to itself, if they are being served */
					begin_to_serve()
#endif
				:: else
				fi
			fi
		}
		settle_and_serve();
		if
		:: err == EAGAIN -> wait(i)
		:: else
		fi;
		if
		:: again && !killed[own(i)]
		:: else -> break
		fi
	od
}

/* sem_give_back(), sem_release(): the process may be no owner any more */
inline give(i)
{
	d_step {
		if
		:: !dead[own(i)] -> ungrant(own(i), ask(i)); begin_to_serve()
		:: else
		fi;
		mine[i] = 0
	}
	settle_and_serve()
}

proctype thread(byte i)
{
	LOCALS(i);
	byte round;
	mtype err;
	bool again, drops;

	do
	:: round == ROUNDS || killed[own(i)] || dead[own(i)] -> break
	:: else ->
		round++;
		acquire(i);
		if
		:: err == GRANTED ->
			if
			:: true -> mine[i] = ask(i)
			:: d_step { faults > 0 -> faults-- };
#ifdef KEEP_FAULTED
				skip
#else
				give(i)
#endif
			fi;
			if
			:: mine[i] > 0 ->
				/* Holds for a moment, or long. */
				if
				:: true
				:: true -> phase > 0
				fi;
				if
				:: killed[own(i)]	/* holding */
				:: else -> give(i)
				fi
			:: else
			fi
		:: else
		fi;
		err = 0
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
	check_permits();
	find_front();
	rule(QUIET, front == NONE || (!fits(ask(front)) && !dead[own(front)]));
	for (n : 0 .. N - 1) {
		rule(QUIET, state[n] == OUT || state[n] == QUEUED);
		rule(S4, state[n] != QUEUED || !never_fits(n));
		/* What processes hold is what their threads know of. */
		sum = 0;
		for (more : 0 .. N - 1) {
			if
			:: own(more) == n -> sum = sum + mine[more]
			:: else
			fi
		}
		rule(W2, !dead[n] || held[n] == 0);
#ifndef NO_T2
#ifdef KEEP_FAULTED
		rule(T4, dead[n] || held[n] == sum);
#else
		rule(T2, dead[n] || held[n] == sum);
#endif
#endif
	}
	n = 0
}

init {
	byte n, more;

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
#ifdef SET1
#ifdef SET2
		run set_limit(SET1, SET2, N);
#else
		run set_limit(SET1, NONE, N);
#endif
#endif
#ifdef OTHER1
#ifdef OTHER2
		run set_limit(OTHER1, OTHER2, N + 1);
#else
		run set_limit(OTHER1, NONE, N + 1);
#endif
#endif
	}
	timeout;
	d_step { check_quiet(); phase = 1 };
	timeout;
	d_step { check_quiet() };
	run set_limit(9, NONE, N);
	_nr_pr == 1;
	d_step {
		check_permits();
		rule(PERMITS, free == limit && in_queue == 0 && nr_waiters == 0)
	}
}
