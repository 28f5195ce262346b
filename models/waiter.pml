/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The waiter protocol: muster_wait() and muster_settle() of kmod/waiter.c, against
 * signals, a deadline, and muster_owner_drop() of kmod/owner.c.
 *
 * One thread waits ROUNDS times, always in the same place of its stack, and exits.
 * Everything else may happen at any instant, or not at all; only who grants always
 * grants in the end, so that a thread which is left asleep cannot end, and shows.
 *
 * Memory is weaker than spin's: a store waits in a buffer of its own until
 * memory() or a barrier lets it out, in any order. Barriers are where the code and
 * the kernel's schedule() and wake_up_process() have them.
 *
 * run: grant
 * run: owner closed	-DCLOSE
 * run: deadline	-DDEADLINE
 * run: signals		-DSIGNALS
 * run: all at once	-DCLOSE -DDEADLINE -DSIGNALS
 * run: a waiter that signals do not move	-DSTAY -DCLOSE -DDEADLINE -DSIGNALS
 * run: it does not spin	-DSTAY -DSIGNALS	cycle
 *
 * break: no release in muster_settle()		-DNO_RELEASE	VERDICT
 * break: no acquire in muster_wait()		-DNO_ACQUIRE	VERDICT
 * break: no barrier in set_current_state()	-DNO_BARRIER	stuck
 * break: no barrier in wake_up_process()	-DNO_WAKE_BARRIER	stuck
 * break: looks, then sets its state		-DLOOK_FIRST	stuck
 * break: wakes without holding the task	-DNO_TASK_REF	TASK
 * break: reads task or link once it is settled	-DREAD_LATE	FRAME
 * break: leaves though it was taken out	-DLEAVE_ALWAYS -DDEADLINE	T2
 * break: leaves, then is settled		-DLEAVE_ALWAYS -DSIGNALS -DNO_T2	FRAME
 * break: interruptible while it is settled	-DSIGNALS -DSPIN_TAKEN	cycle
 * break: interruptible though it stays		-DSTAY -DSIGNALS -DSPIN_STAYING	cycle
 * break: never taken off the list of sleepers	-DNO_SLEEPERS_DEL	SLEEPERS
 * break: sleepers woken before dead is set	-DCLOSE -DDEAD_LATE -DNO_GRANT	stuck
 * break: sleepers not woken			-DCLOSE -DNO_WAKE -DNO_GRANT	stuck
 * break: dead looked at before being a sleeper	-DCLOSE -DDEAD_EARLY -DNO_GRANT	stuck
 */
#include "rules.h"

#ifndef ROUNDS
#define ROUNDS 2
#endif

hidden byte T2 = 1;		/* what was granted is not refused */
hidden byte VERDICT = 1;	/* the verdict that is read is the one that was given */
hidden byte FRAME = 1;		/* nobody touches a waiter that is gone */
hidden byte TASK = 1;		/* nobody touches a task that is gone */
hidden byte SLEEPERS = 1;	/* a waiter that is gone is on no list */

mtype = { QUEUED, GRANTED };
mtype = { STAYING, TAKEN, LEFT };

/* task_struct.__state: bits, as in the kernel */
#define RUNNING 0
#define INTERRUPTIBLE 1
#define KILLABLE 2
#define UNINTERRUPTIBLE 4

byte task_state = RUNNING;
byte task_state_buffer;
bool task_state_waits;
byte task_refs = 1;

/* struct muster_waiter: which of those that were in this place, and 0 between. */
byte frame;
byte target;		/* the one that is being settled */
bool settled;
bool settled_waits;
mtype verdict = QUEUED;
mtype verdict_buffer = QUEUED;
bool verdict_waits;

/* The queue and its lock, the owner and its lock. */
bool queued;
bool dead;
bool sleeper;

bool signal;
bool fatal;
bool passed;		/* the deadline */
bool gone;		/* the thread has exited */
byte granted;		/* how often the thread was granted something */
byte accepted;		/* how often it knew so */

/* ---- memory ---- */

inline store_state(s)
{
	atomic {
		task_state_buffer = s;
		task_state_waits = true
	}
}

inline flush_state()
{
	if
	:: task_state_waits -> task_state = task_state_buffer; task_state_waits = false
	:: else
	fi
}

inline flush_verdict()
{
	if
	:: verdict_waits ->
		rule(FRAME, frame == target);
		verdict = verdict_buffer;
		verdict_waits = false
	:: else
	fi
}

inline flush_settled()
{
	if
	:: settled_waits ->
		rule(FRAME, frame == target);
		settled = true;
		settled_waits = false
	:: else
	fi
}

active proctype memory()
{
end:	do
	:: atomic { task_state_waits -> flush_state() }
	:: atomic { verdict_waits -> flush_verdict() }
#ifdef NO_RELEASE
	:: atomic { settled_waits -> flush_settled() }
#else
	/* smp_store_release(): not before what was stored earlier */
	:: atomic { settled_waits && !verdict_waits -> flush_settled() }
#endif
	od
}

/* try_to_wake_up(): a full barrier, then a look at the state. */
inline wake(states)
{
#ifndef NO_WAKE_BARRIER
	flush_verdict();
	flush_settled();
#endif
	rule(TASK, task_refs > 0);
	if
	:: task_state & (states) -> task_state = RUNNING
	:: else
	fi
}

#define ANY_SLEEP (INTERRUPTIBLE | KILLABLE | UNINTERRUPTIBLE)

/* ---- the thread that waits ---- */

#define interrupted(state) ((signal && (state) == INTERRUPTIBLE) || \
			    (fatal && (state) & (INTERRUPTIBLE | KILLABLE)))

inline set_current_state(s)
{
	store_state(s);
#ifndef NO_BARRIER
	atomic { flush_state() }
#endif
}

/* schedule(), or with a timer that is armed now; ends when the task runs again */
inline sleep(with_deadline, expired)
{
	atomic {
		flush_state();
		expired = false;
		if
		:: interrupted(task_state) -> task_state = RUNNING
		:: else
		fi
	}
	if
	:: atomic { task_state == RUNNING -> skip }
	:: atomic { task_state != RUNNING && (with_deadline) && passed ->
		task_state = RUNNING;
		expired = true
	}
	fi
}

/* A type's leave(), under the lock of its queue; barrier_leave() if STAY. */
inline leave(by_signal, verdict_of_leave)
{
	atomic {
		if
#ifndef LEAVE_ALWAYS
		:: !queued -> verdict_of_leave = TAKEN
#endif
#ifdef STAY
		:: queued && (by_signal) && !fatal -> verdict_of_leave = STAYING
#endif
		:: else -> queued = false; verdict_of_leave = LEFT
		fi
	}
}

active proctype waiting()
{
	byte round = 0;
	byte state;
	bool expired, forever, by_signal, want, seen_dead;
	mtype left, read;

	do
	:: round == ROUNDS || fatal -> break
	:: round < ROUNDS && !fatal ->
		/* muster_waiter_init(), and into the queue under its lock */
		atomic {
			frame = round + 1;
			verdict = QUEUED;
			settled = false;
			queued = true;
			expired = false;
			forever = false;
			state = INTERRUPTIBLE
		}
#ifdef DEAD_EARLY
		seen_dead = dead;
#endif
		/* muster_sleepers_add(), under the owner's lock */
		sleeper = true;
		do
		:: true ->
#ifndef LOOK_FIRST
			set_current_state(state);
#endif
#ifdef NO_ACQUIRE
			/* may read the verdict before it reads that there is one */
			read = verdict;
#endif
			if
			:: settled -> break
			:: !settled
			fi;
#ifdef LOOK_FIRST
			set_current_state(state);
#endif
			/* muster_why_leave() */
			want = false;
			by_signal = false;
			if
			:: state == UNINTERRUPTIBLE
			:: else ->
#ifdef DEAD_EARLY
				want = seen_dead;
#else
				want = dead;
#endif
				if
				:: want
				:: else -> atomic {
					by_signal = interrupted(state);
					want = by_signal || expired
				}
				fi
			fi;
			if
			:: want ->
				store_state(RUNNING);
				leave(by_signal, left);
				if
				:: left == LEFT -> break
				:: left == TAKEN ->
#ifndef SPIN_TAKEN
					state = UNINTERRUPTIBLE;
#endif
					forever = true
				:: left == STAYING ->
#ifndef SPIN_STAYING
					state = KILLABLE
#endif
				fi;
				left = 0
			:: else -> sleep(!forever, expired)
			fi
		od;
		if
		:: left == LEFT
		:: else ->
#ifndef NO_ACQUIRE
			read = verdict;
#endif
			rule(VERDICT, read == GRANTED);
			accepted++
		fi;
		store_state(RUNNING);
		/* muster_sleepers_del(), then the frame is gone */
		atomic {
			flush_state();
#ifndef NO_SLEEPERS_DEL
			sleeper = false;
#endif
			rule(SLEEPERS, !sleeper);
			frame = 0;
#ifndef NO_T2
			rule(T2, granted == accepted);
#endif
			/* To user space, where the signal is handled. */
			signal = false;
			left = 0;
			read = 0;
			want = false;
			by_signal = false;
			round++
		}
	od;
	atomic {
		rule(SLEEPERS, !queued);
		gone = true;
		task_refs--
	}
}

/* ---- who grants ---- */

inline settle()
{
	/* task = waiter->task; get_task_struct() */
	atomic {
		rule(FRAME, frame == target);
#ifndef NO_TASK_REF
		task_refs++
#endif
	}
	settled_waits = true;
#ifdef READ_LATE
	/* wake_up_process(waiter->task) */
	rule(FRAME, frame == target);
#endif
	atomic { wake(ANY_SLEEP) }
#ifndef NO_TASK_REF
	task_refs--
#endif
}

#ifndef NO_GRANT
active proctype granting()
{
	do
	:: atomic { queued -> queued = false; granted++; target = frame }
		atomic { verdict_buffer = GRANTED; verdict_waits = true }
		settle()
	:: gone && !queued -> break
	od
}
#endif

/* ---- all that makes a thread leave ---- */

#ifdef CLOSE
/* muster_owner_drop(), under the object's lock and the owner's */
active proctype closing()
{
#ifdef DEAD_LATE
	atomic {
		if
		:: sleeper -> wake(ANY_SLEEP)
		:: else
		fi
	}
	dead = true
#else
	atomic {
		dead = true;
		if
#ifndef NO_WAKE
		:: sleeper -> wake(ANY_SLEEP)
#endif
		:: else
		fi
	}
#endif
}
#endif

#ifdef DEADLINE
active proctype time()
{
	passed = true
}
#endif

#ifdef SIGNALS
inline send(flag, states)
{
	atomic {
		if
		:: gone
		:: else ->
			flag = true;
			if
			:: task_state & (states) -> task_state = RUNNING
			:: else
			fi
		fi
	}
}

active proctype signals()
{
	send(signal, INTERRUPTIBLE);
	send(fatal, INTERRUPTIBLE | KILLABLE)
}
#endif
