/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Permits on loan: kmod/sem_lease.c, and where sem.c goes by it.
 *
 * N threads acquire and release a permit, ROUNDS times each, without a system call where
 * their process has one on loan, else by ioctl, to wait or to try. At any point a process may
 * be killed, or another thread close its descriptor; one sets the limit; one polls; the
 * process LIAR writes into its word what it likes (TIMEOUTS, ...: how often in all). The
 * queue of those who wait is sem.pml's business: here it is in order, and served by one
 * step.
 *
 * Each atomic or d_step is one section under the object's lock, or one atomic operation on
 * a word. To take from one lessee is a section: MUSTER_BATCH is 1. With FOREVER threads
 * acquire and release without end: who takes back all that is lent must come to an end
 * nevertheless.
 *
 * quiet() looks when nothing can happen any more without it. Then those who chose to hold
 * long go on; in the end all permits are back.
 *
 * run: three processes		-DKILLS=0
 * run: two permits		-DLIMIT=2
 * run: again and again		-DROUNDS=2 -DN=2
 * run: death			-DKILLS=1
 * run: death, released unchecked	-DKILLS=1 -DUNCHECKED -DLIMIT=2 -DN=2 -DROUNDS=2
 * run: two deaths, two permits	-DKILLS=2 -DLIMIT=2 -DN=2 -DROUNDS=2
 * run: a timeout in the queue	-DTIMEOUTS=1 -DKILLS=1
 * run: two threads share a process	-DOWN1=0 -DKILLS=1
 * run: two threads, one closes	-DOWN1=0 -DCLOSES=1
 * run: three threads, one closes	-DOWN1=0 -DOWN2=0 -DCLOSES=1 -DLIMIT=2
 * run: the limit shrinks	-DLIMIT=2 -DSET=1
 * run: it shrinks, with a death	-DLIMIT=2 -DSET=1 -DKILLS=1 -DN=2 -DROUNDS=2
 * run: it goes to 0 and grows	-DLIMIT=1 -DSET=0 -DN=2 -DROUNDS=2
 * run: released by ioctl at times	-DRAW -DN=2 -DROUNDS=2 -DLIMIT=2 -DKILLS=1
 * run: one polls		-DPOLLS=1 -DN=2 -DROUNDS=2
 * run: one polls, two permits	-DPOLLS=1 -DLIMIT=2
 * run: one polls, with a death	-DPOLLS=1 -DKILLS=1 -DN=2
 * run: one lies		-DLIAR=0 -DLIES=2
 * run: one lies, two permits	-DLIAR=0 -DLIES=2 -DLIMIT=2
 * run: one lies and dies	-DLIAR=0 -DLIES=1 -DKILLS=1 -DLIMIT=2 -DN=2 -DROUNDS=2
 * run: to take back ends	-DFOREVER -DLIMIT=2 -DSET=1 -DN=2	accept
 * run: it ends, though one lies	-DFOREVER -DLIMIT=2 -DSET=1 -DN=2 -DLIAR=0 -DLIES=2	accept
 *
 * break: who waits takes nothing back	-DNO_GATHER	QUIET
 * break: who waits takes from one only	-DGATHER_ONE -DLIMIT=2 -DROUNDS=2	QUIET
 * break: it takes first, then queues up	-DLATE_QUEUE -DROUNDS=2	QUIET
 * break: who tries takes nothing back	-DTRY_FREE -DN=2	TRY
 * break: lent behind a queue	-DLEND_QUEUED	QUIET
 * break: and acquired from		-DLEND_QUEUED -DROUNDS=2 -DNO_QUIET	S1
 * break: lent while one takes back	-DLEND_STOPPED -DLIMIT=2 -DSET=1 -DROUNDS=2	LIMITED
 * break: lent above the limit	-DLEND_OVER -DLIMIT=2 -DSET=1 -DROUNDS=2	LIMITED
 * break: the limit takes nothing back	-DNO_STOP_SET -DLIMIT=2 -DSET=1 -DN=2 -DROUNDS=2	LIMITED
 * break: it takes back afterwards	-DLATE_STOP_SET -DLIMIT=2 -DSET=1 -DROUNDS=2	LIMITED
 * break: to take back is to look and to write	-DTAKE_SPLIT -DROUNDS=2	W1
 * break: what is held is taken as well	-DTAKE_HELD -DROUNDS=2 -DN=2	W1
 * break: what is said to be held is believed	-DTRUST_HELD -DLIAR=0 -DLIES=1	PERMITS
 * break: what is said to be idle is believed	-DTRUST_IDLE -DLIAR=0 -DLIES=1	PERMITS
 * break: what was lent dies	-DLOSE_LENT -DKILLS=1	PERMITS
 * break: it comes back twice	-DTWICE -DKILLS=1	PERMITS
 * break: a release knows of no loan	-DOWN_LEFT -DRAW -DN=2 -DROUNDS=2	W1
 * break: a death takes nothing back	-DNO_STOP_DEATH -DLIMIT=2 -DKILLS=1 -DN=2 -DROUNDS=2	W4
 * break: it does so afterwards	-DLATE_STOP_DEATH -DLIMIT=2 -DKILLS=1 -DN=2 -DROUNDS=2	W4
 * break: lent though one has died	-DLEND_ABANDONED -DUNCHECKED -DLIMIT=2 -DKILLS=1 -DROUNDS=2 -DN=2	W4
 * break: who polls takes nothing back	-DNO_STOP_POLL -DPOLLS=1	T6
 * break: lent though one polls	-DLEND_POLLED -DPOLLS=1 -DROUNDS=2	T6
 * break: to take back goes on, as all is lent again	-DLEND_STOPPED -DNO_LIMITED -DFOREVER -DLIMIT=2 -DSET=1 -DN=2	accept
 */
#include "rules.h"

hidden byte S1 = 1;		/* nobody acquires while another waits */
hidden byte TRY = 1;		/* a try fails only if it is not there */
hidden byte W1 = 1;		/* what one holds one may release */
hidden byte W4 = 1;		/* nobody acquires without notice of a death */
hidden byte T6 = 1;		/* who polls is told */
hidden byte PERMITS = 1;	/* permits free, held and lent make the limit */
hidden byte LIMITED = 1;	/* no more are acquired than the limit has */
hidden byte QUIET = 1;		/* nobody waits for what is there */

#ifndef N
#define N 3
#endif
#ifndef LIMIT
#define LIMIT 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef OWN2
#define OWN2 2
#endif
#ifndef LIAR
#define LIAR NONE
#endif
#ifndef LIES
#define LIES 0
#endif
#ifndef KILLS
#define KILLS 0
#endif

#define own(i) ((i) == 1 -> OWN1 : ((i) == 2 -> OWN2 : (i)))

/* struct muster_sem; what shorts are may go below 0 when something breaks */
short free = LIMIT;
byte limit = LIMIT;
byte queue[N];
byte nr_waiters;
byte stopped;
bool abandoned;
byte lessees;		/* a set */

/* struct sem_owner, and its word: one atomic thing */
short held[N];
short lent[N];
short word_held[N];
short word_idle[N];
bool dead[N];

/* struct sem_waiter */
#define OUT 0
#define QUEUED 1
#define GRANTED 2
#define EBADF 3
#define EAGAIN 4
#define LEFT 5
byte state[N];

byte timeouts = TIMEOUTS;
bool killed[N];
byte threads[N];	/* of each process */
byte phase;		/* of quiet() */

/* The poller: in the wait queue, and whether it was told since it looked. */
bool polls, told, waits_in_poll;

/* For the checks: what each thread has acquired and not released. */
byte mine[N];

hidden byte k;
hidden short sum, used, there;

/* ---- checks ---- */

/* What is acquired, but by those who lie or are dead. */
inline count_used()
{
	used = 0;
	for (k : 0 .. N - 1) {
		if
		:: mine[k] > 0 && !dead[own(k)] && own(k) != LIAR -> used = used + mine[k]
		:: else
		fi
	}
	k = 0
}

inline check_permits()
{
	sum = free;
	for (k : 0 .. N - 1) {
		sum = sum + held[k] + lent[k];
		rule(PERMITS, held[k] >= 0 && lent[k] >= 0)
	}
	k = 0;
	rule(PERMITS, sum == limit);
#ifndef SET
	rule(PERMITS, free >= 0)
#endif
}

/* Thread i has acquired a permit. */
inline acquired(i)
{
	mine[i] = 1;
	count_used();
#ifndef NO_LIMITED
	rule(LIMITED, own(i) == LIAR || used <= limit)
#endif
}

/* ---- sem_lease.c ---- */

#define first_of(set) (in_set(set, 0) -> 0 : (in_set(set, 1) -> 1 : 2))

hidden short was;
hidden byte victim;

/* sem_lease_take(), in a step of its caller */
inline take(o)
{
	was = word_held[o];
#ifndef TRUST_HELD
	if
	:: was > lent[o] -> was = lent[o]
	:: else
	fi;
#endif
#ifdef TAKE_HELD
	was = 0;
#endif
	lessees = lessees & (bit_of(o) ^ 255);
	held[o] = held[o] + was;
#ifdef TRUST_IDLE
	free = free + word_idle[o];
#else
	free = free + lent[o] - was;
#endif
	lent[o] = 0;
	word_held[o] = 0;
	word_idle[o] = 0;
	was = 0;
	check_permits()
}

/*
 * One round of sem_lease_gather(), as the first step of an option: the lock taken, one
 * lessee taken from, the lock let go.
 */
#ifdef TAKE_SPLIT
#define TAKE_ONE_IF(cond)							\
	d_step { (cond) -> from = first_of(lessees); seen_held = word_held[from] };	\
	d_step { word_held[from] = seen_held; take(from); from = 0; seen_held = 0 }
#else
#define TAKE_ONE_IF(cond) d_step { (cond) -> victim = first_of(lessees); take(victim) }
#endif

/* sem_lease_stop(); nothing is lent until the section that follows ends */
inline stop()
{
	stopped++;
	do
#ifdef FOREVER
	:: atomic {
		TAKE_ONE_IF(lessees != 0);
		/* A state of its own, in which nobody stays. */
accept:		skip
	}
#else
	:: TAKE_ONE_IF(lessees != 0)
#endif
	:: lessees == 0 -> break
	od;
	skip
}

/* sem_may_lend() */
#ifdef LEND_STOPPED
#define not_stopped true
#else
#define not_stopped (stopped == 0)
#endif
#ifdef LEND_QUEUED
#define not_queued true
#else
#define not_queued (nr_waiters == 0)
#endif
#ifdef LEND_ABANDONED
#define not_abandoned true
#else
#define not_abandoned (!abandoned)
#endif
#ifdef LEND_OVER
#define not_over true
#else
#define not_over (free >= 0)
#endif
#ifdef LEND_POLLED
#define not_polled true
#else
#define not_polled (!polls)
#endif
#define may_lend (not_stopped && not_queued && not_abandoned && not_over && not_polled)

/* ---- sem.c ---- */

/* sem_grant() */
inline grant(i)
{
	free--;
	held[own(i)]++;
	acquired(i)
}

/* sem_serve_all(): all who can be are granted */
inline serve()
{
	do
	:: nr_waiters > 0 && dead[own(queue[0])] -> unqueue(EBADF)
	:: nr_waiters > 0 && !dead[own(queue[0])] && free > 0 ->
		grant(queue[0]);
		unqueue(GRANTED)
	:: else -> break
	od;
	told = told | (free > 0);
	check_permits()
}

inline unqueue(how)
{
	state[queue[0]] = how;
	remove_at(0)
}

inline remove_at(at)
{
	k = at;
	nr_waiters--;
	do
	:: k < nr_waiters -> queue[k] = queue[k + 1]; k++
	:: else -> break
	od;
	queue[k] = 0;
	k = 0
}

/* sem_enter_try() */
inline try(i)
{
	if
	:: dead[own(i)] -> err = EBADF
	:: !dead[own(i)] && nr_waiters == 0 && free > 0 ->
		grant(i);
		err = GRANTED
	:: else -> err = EAGAIN
	fi
}

/* What a try may fail for: at this instant there is nothing, or somebody is first. */
inline check_try()
{
	there = free;
	for (k : 0 .. N - 1) {
		there = there + (k == LIAR -> 0 : word_idle[k])
	}
	k = 0;
	rule(TRY, err != EAGAIN || nr_waiters > 0 || there <= 0);
	there = 0
}

#ifdef NO_GATHER
#define to_gather(i) false
#elif defined(GATHER_ONE)
#define to_gather(i) (lessees != 0 && free <= 0 && !dead[own(i)] && in_set(lessees, 0))
#elif defined(TRY_FREE)
#define to_gather(i) (lessees != 0 && free <= 0 && !dead[own(i)] && waits)
#else
#define to_gather(i) (lessees != 0 && free <= 0 && !dead[own(i)])
#endif

/* The last section of sem_enter() */
inline decide(i)
{
	stopped--;
	try(i);
	if
	:: !waits -> check_try()
	:: else
	fi;
	if
	:: err == EAGAIN && waits ->
		state[i] = QUEUED;
		queue[nr_waiters] = i;
		nr_waiters++
	:: else
	fi
}

/* sem_enter() */
inline enter(i)
{
	stopped++;
	do
	:: TAKE_ONE_IF(to_gather(i))
#ifdef LATE_QUEUE
	:: d_step { !to_gather(i) -> stopped-- }; d_step { stopped++; decide(i) }; break
#else
	:: d_step { !to_gather(i) -> decide(i) }; break
#endif
	od
}

/* sem_leave() */
inline leave(i)
{
	d_step {
		if
		:: state[i] == QUEUED ->
			k = 0;
			do
			:: queue[k] != i -> k++
			:: else -> break
			od;
			remove_at(k);
			state[i] = OUT;
			err = LEFT;
			serve()
		:: else -> err = state[i]; state[i] = OUT
		fi
	}
}

/* muster_wait() */
inline wait(i)
{
	if
	:: d_step { state[i] > QUEUED -> err = state[i]; state[i] = OUT }
	:: d_step { state[i] == QUEUED && timeouts > 0 -> timeouts-- };
		leave(i)
	:: d_step { state[i] == QUEUED && (killed[own(i)] || dead[own(i)]) -> skip };
		leave(i)
	fi
}

/* muster_sem_acquire(), muster_sem_try_acquire() */
inline acquire(i)
{
	atomic {
		if
		:: word_idle[own(i)] > 0 ->
			word_idle[own(i)]--;
			word_held[own(i)]++;
			rule(S1, own(i) == LIAR || nr_waiters == 0);
			rule(W4, own(i) == LIAR || !abandoned);
			acquired(i);
			err = GRANTED
		:: else -> err = OUT
		fi
	};
	if
	:: err == OUT ->
		/* sem_try_self() */
		d_step { try(i) };
		if
		:: err == EAGAIN ->
			enter(i);
			if
			:: err == EAGAIN && waits -> wait(i)
			:: else
			fi
		:: else
		fi
	:: else
	fi
}

/* muster_sem_release() */
inline release(i)
{
	atomic {
		if
#ifdef RAW
		:: err = OUT
#endif
		:: word_held[own(i)] > 0 ->
			mine[i] = 0;
			word_held[own(i)]--;
			word_idle[own(i)]++;
			err = GRANTED
		:: else -> err = OUT
		fi
	};
	if
	:: err == OUT ->
		/* sem_release_do() */
		d_step {
			if
			:: dead[own(i)] -> err = EBADF
#ifndef OWN_LEFT
			:: !dead[own(i)] && held[own(i)] == 0 && lent[own(i)] > 0 ->
				take(own(i));
				err = (held[own(i)] > 0 -> GRANTED : EBADF)
#endif
			:: else -> err = (held[own(i)] > 0 -> GRANTED : EBADF)
			fi;
			rule(W1, err == GRANTED || dead[own(i)] || own(i) == LIAR);
			if
			:: err == GRANTED ->
#ifdef UNCHECKED
				if
				:: true
				:: abandoned = false
				fi;
#else
				abandoned = false;
#endif
				held[own(i)]--;
				if
				:: may_lend ->
					lent[own(i)]++;
					word_idle[own(i)]++;
					lessees = lessees | bit_of(own(i))
				:: else -> free++
				fi
			:: else
			fi;
			mine[i] = 0;
			serve()
		}
	:: else
	fi
}

/* muster_owner_drop(), muster_lease_end(), sem_owner_drop() */
inline owner_drop(o)
{
	d_step {
		drops = !dead[o];
		dead[o] = true
	};
	if
	:: drops ->
		d_step {
			drops = false;
#ifdef LOSE_LENT
			lent[o] = 0;
			lessees = lessees & (bit_of(o) ^ 255)
#else
#ifdef TWICE
			free = free + lent[o];
#endif
			if
			:: lent[o] > 0 -> take(o)
			:: else
			fi
#endif
		};
#if !defined(NO_STOP_DEATH) && !defined(LATE_STOP_DEATH)
		if
		:: held[o] > 0 -> stop(); drops = true
		:: else
		fi;
#endif
		d_step {
			if
			:: held[o] > 0 ->
				abandoned = true;
				free = free + held[o];
				held[o] = 0
			:: else
			fi;
			if
			:: drops -> stopped--; drops = false
			:: else
			fi;
			serve()
		};
#ifdef LATE_STOP_DEATH
		stop();
		d_step { stopped-- }
#endif
	:: else
	fi
}

#define LOCALS			\
	byte err, from;		\
	short seen_held;	\
	bool drops, last

proctype thread(byte i)
{
	LOCALS;
	byte round;
	bool waits;

	do
	:: round == ROUNDS || killed[own(i)] || dead[own(i)] -> break
	:: else ->
#ifndef FOREVER
		round++;
#endif
		if
		:: waits = true
		:: waits = false
		fi;
		acquire(i);
		waits = false;
		if
		:: mine[i] > 0 ->
			/* Holds for a moment, or long. */
			if
			:: true
			:: true -> phase > 0 || killed[own(i)]
			fi;
			if
			:: killed[own(i)]
			:: !killed[own(i)] -> release(i)
			fi
		:: else
		fi;
		err = 0
	od;
	/* The process lives on for a while; its last thread takes it along. */
	phase > 0 || killed[own(i)];
	atomic {
		threads[own(i)]--;
		last = (threads[own(i)] == 0)
	};
	if
	:: last -> last = false; owner_drop(own(i))
	:: else
	fi
}

/* Another thread of some process closes its descriptor. */
proctype close()
{
	LOCALS;
	byte o;

	if
	:: o = 0
	:: o = own(N - 1)
	fi;
	owner_drop(o)
}

proctype kill()
{
	byte n;

	do
	:: n < KILLS ->
		if
		:: killed[own(0)] = true
		:: killed[own(1)] = true
		:: killed[own(N - 1)] = true
		:: break
		fi;
		n++
	:: else -> break
	od
}

/* sem_set_limit(), which lowers it */
proctype set_limit(byte to)
{
	LOCALS;

#if !defined(NO_STOP_SET) && !defined(LATE_STOP_SET)
	stop();
#endif
	d_step {
		free = free + to - limit;
		limit = to;
#if !defined(NO_STOP_SET) && !defined(LATE_STOP_SET)
		stopped--;
#endif
		serve()
	};
#ifdef LATE_STOP_SET
	stop();
	d_step { stopped-- }
#endif
}

/* sem_poll(), and to sleep */
proctype poll()
{
	LOCALS;

	d_step { polls = true; told = false };
#ifndef NO_STOP_POLL
	stop();
#endif
	d_step {
		told = told | (free > 0 && nr_waiters == 0);
#ifndef NO_STOP_POLL
		stopped--;
#endif
		waits_in_poll = !told
	};
	told || phase > 1;
	d_step { waits_in_poll = false; polls = false }
}

/* The process LIAR writes into its word. */
proctype lie()
{
	byte n;

	do
	:: n < LIES ->
		if
		:: d_step { word_held[LIAR] = 0; word_idle[LIAR] = 0 }
		:: d_step { word_held[LIAR] = 0; word_idle[LIAR] = 2 }
		:: d_step { word_held[LIAR] = 2; word_idle[LIAR] = 0 }
		:: d_step { word_held[LIAR] = 3; word_idle[LIAR] = 3 }
		:: break
		fi;
		n++
	:: else -> break
	od
}

/* ---- when all has come to rest ---- */

inline check_quiet()
{
	check_permits();
	there = free;
	for (n : 0 .. N - 1) {
		there = there + (n == LIAR -> 0 : word_idle[n])
	}
	n = 0;
#ifndef NO_QUIET
	rule(QUIET, nr_waiters == 0 || there <= 0);
#endif
	rule(T6, !waits_in_poll || told || nr_waiters > 0 || there <= 0);
	there = 0
}

init {
	byte n;

	d_step {
		for (n : 0 .. N - 1) {
			threads[own(n)]++
		}
		n = 0
	};
	atomic {
		for (n : 0 .. N - 1) {
			run thread(n)
		}
		n = 0;
#ifdef CLOSES
		run close();
#endif
#if KILLS
		run kill();
#endif
#ifdef SET
		run set_limit(SET);
#endif
#ifdef POLLS
		run poll();
#endif
#if LIES
		run lie()
#endif
	};
	timeout;
	d_step { check_quiet(); phase = 1 };
	timeout;
	d_step { check_quiet(); phase = 2 };
#ifdef SET
	timeout;
	run set_limit(LIMIT);
#endif
	_nr_pr == 1;
	d_step {
		check_permits();
		rule(PERMITS, free == limit && nr_waiters == 0 && lessees == 0 && stopped == 0)
	}
}
