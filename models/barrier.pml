/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cyclic barrier: kmod/barrier.c.
 *
 * N threads arrive at a barrier for PARTIES, ROUNDS times each. At any point one
 * may time out or be interrupted (TIMEOUTS, SIGNALS: how often in all), a process
 * may be killed, another thread may close its descriptor, somebody may RESET. Whoever
 * is made the runner completes with 0 or with an error, is killed, or faults when it
 * is told (FAULTS), all of it at any time.
 *
 * Of a signal that kills unless the tracer has it otherwise (DOUBTS) it is decided after
 * the thread has left: all of its process die, or it arrives again.
 *
 * Each atomic or d_step is one section under the object's lock; settling is a step
 * for each waiter, without it. That a waiter sleeps and wakes is waiter.pml's.
 *
 * What only grows is kept small, or there would be no end of states: numbers of
 * arrivals begin again when nobody has one, tokens are used again when nobody knows
 * them. init looks when nothing can happen any more without
 * it: whoever waits then must do so for want of parties only. Then it breaks the
 * barrier by a death.
 *
 * run: plain, timeout		-DTIMEOUTS=1 -DSIGNALS=1
 * run: plain, death, reset	-DKILLS=1 -DRESETS=1
 * run: plain, again and again	-DROUNDS=3 -DN=2
 * run: plain, a fast party	-DN=4 -DTIMEOUTS=1
 * run: plain, doubt, death	-DDOUBTS=2 -DKILLS=1
 * run: plain, doubt, reset	-DDOUBTS=1 -DRESETS=1
 * run: plain, doubt about two of one process	-DOWN1=0 -DPARTIES=3 -DDOUBTS=2 -DSIGNALS=1 -DROUNDS=1
 * run: action, doubt, timeout	-DACTION -DDOUBTS=1 -DTIMEOUTS=1
 * run: action, timeouts	-DACTION -DTIMEOUTS=2
 * run: action, signals		-DACTION -DSIGNALS=2 -DTIMEOUTS=1
 * run: action, death		-DACTION -DKILLS=2
 * run: action, close, reset	-DACTION -DCLOSES=1 -DRESETS=1
 * run: action, timeout, reset	-DACTION -DTIMEOUTS=1 -DRESETS=2
 * run: action, next generation is there	-DACTION -DN=4 -DROUNDS=1 -DTIMEOUTS=1
 * run: action, two of one process	-DACTION -DOWN1=0 -DFAULTS=1 -DRESETS=1
 * run: action, all of one process	-DACTION -DOWN1=0 -DOWN2=0 -DFAULTS=1 -DCLOSES=1
 * run: action, a party of one	-DACTION -DPARTIES=1 -DTIMEOUTS=1 -DKILLS=1
 * run: action, three parties	-DACTION -DPARTIES=3 -DTIMEOUTS=1 -DKILLS=1 -DROUNDS=1
 * run: nobody runs for ever	-DACTION -DN=2 -DTIMEOUTS=1 -DSIGNALS=1 -DRESETS=1	cycle
 *
 * break: lost runners are not told by token	-DLOST_BY_OWNER -DACTION -DOWN1=0 -DFAULTS=1 -DRESETS=1	LATER
 * break: COMPLETE looks at the runner only	-DCOMPLETE_BY_OWNER -DACTION -DOWN1=0 -DRESETS=1	LATER
 * break: COMPLETE looks at no runner	-DCOMPLETE_ANY -DACTION -DRESETS=1	LATER
 * break: a timeout in the queue breaks what acts	-DBREAK_ALL -DACTION -DTIMEOUTS=1	LATER
 * break: who is on its way out may leave	-DSIGNAL_GONE -DSIGNALS=1	FRAME
 * break: and break what it has left	-DLEAVE_GONE -DACTION -DTIMEOUTS=1	LATER
 * break: a signal breaks		-DSIGNAL_BREAKS -DSIGNALS=1	B4
 * break: a signal takes one out of what acts	-DSIGNAL_LEAVES -DACTION -DSIGNALS=1	B1
 * break: a timeout only withdraws	-DTIMEOUT_LEAVES -DTIMEOUTS=1	B3
 * break: who dies after all is not noted	-DNO_NOTE -DDOUBTS=1	B3
 * break: one of two is	-DONE_NOTE -DOWN1=0 -DPARTIES=3 -DDOUBTS=2 -DSIGNALS=1 -DROUNDS=1	B3
 * break: the note outlives the round	-DNOTE_STAYS -DDOUBTS=1	LATER
 * break: doubt breaks		-DDOUBT_BREAKS -DDOUBTS=1	B4
 * break: the queue is not looked at after the action	-DNO_FORM -DACTION -DN=4 -DROUNDS=1	QUIET
 * break: a dead runner is not noticed	-DRUNNER_STAYS -DACTION -DKILLS=1	QUIET
 * break: a reset forgets the runner	-DRESET_QUEUE_ONLY -DACTION -DRESETS=1	B5
 * break: a reset does not heal	-DRESET_BREAKS -DRESETS=1	B5
 * break: arrivals join what acts	-DJOIN_ACTING -DACTION	B1
 * break: it trips before the action is over	-DTRIP_EARLY -DACTION	B2
 */
#include "rules.h"

hidden byte B1 = 1;		/* all of a generation leave, each with its own index */
hidden byte B2 = 1;		/* nobody leaves before the action is over */
hidden byte B3 = 1;		/* a timeout or a death breaks it */
hidden byte B4 = 1;		/* a signal does not */
hidden byte B5 = 1;		/* a reset heals it, and all who had arrived leave */
hidden byte LATER = 1;		/* nothing ends a later generation than its own */
hidden byte QUIET = 1;		/* who waits does so for want of parties */
hidden byte FRAME = 1;		/* nobody touches a waiter that is gone */

#ifndef N
#define N 3
#endif
#ifndef PARTIES
#define PARTIES 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef DOUBTS
#define DOUBTS 0
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef OWN2
#define OWN2 2
#endif
#define own(i) ((i) == 1 -> OWN1 : ((i) == 2 -> OWN2 : (i)))

mtype = { TRIPPED, EPIPE, EBADF, ETIMEDOUT, ERESTART, EFAULT, ACTING, WAITING };
mtype = { TIMEOUT, DEATH, DOUBT, FAILED, RESET };

/* struct muster_barrier */
bit generation;		/* counts to 2 only */
byte token;		/* new ones are other than those somebody knows */
byte arrivals;
byte queue_from;
byte acting_from;
byte acting_to;
byte queue[N];
byte nr_queued;
byte acting[N];
byte nr_acting;
byte runner = NONE;
mtype broken;

/* struct barrier_owner; in_doubt is NONE if it is of another round than this */
#define SEVERAL 254
byte run_token[N];
byte in_doubt[N] = NONE;
bool dead[N];

/* struct barrier_waiter: out, in queue or acting, taken out of it, settled */
#define OUT 0
#define QUEUED 1
#define TAKEN 2
#define SETTLED 3
byte state[N];
byte arrival[N];
mtype verdict[N];
byte pass_token[N];

byte timeouts = TIMEOUTS, signals = SIGNALS, doubts = DOUBTS, faults = FAULTS;
bool killed[N];
byte threads[N];	/* of each process */
byte phase;

/*
 * For the checks: which token the generation has that a thread was made part of;
 * of the latest that formed, which number it had and whether its action is over; who
 * has left this round in doubt.
 */
byte team[N];
bool doubted[N];
bit number;
bool over;

hidden byte k, who, last, ended;
hidden mtype was;

/* ---- leaving ---- */

#define LOCALS byte leaving

inline take_out(i, how, tok)
{
	rule(FRAME, state[i] == QUEUED);
	state[i] = TAKEN;
	verdict[i] = how;
	pass_token[i] = tok;
	leaving = leaving | bit_of(i)
}

/* barrier_settle(), of one */
inline settle_one()
{
	k = 0;
	do
	:: !in_set(leaving, k) -> k++
	:: else -> break
	od;
	rule(FRAME, state[k] == TAKEN);
	state[k] = SETTLED;
	leaving = leaving & (bit_of(k) ^ 255)
}

/* The rest of barrier_unlock() */
inline settle()
{
	do
	:: leaving == 0 -> break
	:: else -> d_step { settle_one() }
	od
}

/* ---- state changes, under the lock ---- */

/* barrier_next_round() */
inline next_round()
{
	for (k : 0 .. N - 1) {
#ifndef NOTE_STAYS
		in_doubt[k] = NONE;
#endif
		doubted[k] = false
	}
	k = 0
}

#define known(t, i) (run_token[i] == (t) || pass_token[i] == (t) || team[i] == (t))

/* ++barrier->token */
inline formed()
{
	token = 1;
	for (k : 0 .. N - 1) {
		if
		:: known(token, k) -> token++; k = 255	/* once more, from 0 */
		:: else
		fi
	}
	k = 0;
	number = generation;
	over = false
}

/* B1: they are all there, and leave with what they formed with. */
inline check_trip(others)
{
	rule(B1, (others) == PARTIES - 1);
	rule(B1, generation == number);
	rule(B2, over)
}

/* barrier_end_acting(); @meant is the generation that is to end, for the check */
inline end_acting(meant, how)
{
	rule(LATER, meant == token);
	if
	:: how == TRIPPED -> check_trip(nr_acting)
	:: else
	fi;
	k = 0;
	do
	:: k < nr_acting ->
		who = acting[k];
		take_out(who, how, token);
		acting[k] = 0;
		k++
	:: else -> break
	od;
	nr_acting = 0;
	runner = NONE;
	/* Nobody looks at these without a runner. */
	acting_from = 0;
	acting_to = 0;
	token = 0;
	number = 0;
	over = false
}

inline empty_queue(how, tok)
{
	if
	:: how == TRIPPED -> check_trip(nr_queued)
	:: else
	fi;
	k = 0;
	do
	:: k < nr_queued ->
		who = queue[k];
		if
		:: how == TRIPPED -> team[who] = tok
		:: else
		fi;
		take_out(who, how, tok);
		queue[k] = 0;
		k++
	:: else -> break
	od;
	nr_queued = 0;
	queue_from = arrivals;
	next_round()
}

inline break_queue(by)
{
#ifdef BREAK_ALL
	if
	:: runner != NONE -> end_acting(NONE, EPIPE)
	:: else
	fi;
#endif
	empty_queue(EPIPE, 0);
	if
	:: broken == 0 -> broken = by
	:: else
	fi
}

inline break_acting(meant, by)
{
	end_acting(meant, EPIPE);
	break_queue(by)
}

/* barrier_start_action(); acting holds all but the last */
inline start_action(o, to)
{
	next_round();
	formed();
	nr_acting = PARTIES - 1;
	for (k : 1 .. PARTIES - 1) {
		team[acting[k - 1]] = token
	}
	acting_from = queue_from;
	acting_to = to - 1;
	queue_from = to;
	runner = o;
	run_token[o] = token;
#ifdef TRIP_EARLY
	end_acting(token, TRIPPED);
	runner = o
#endif
}

/* The front of the queue goes to acting. */
inline move_to_acting(n)
{
	k = 0;
	do
	:: k < n ->
		acting[k] = queue[k];
		k++
	:: else -> break
	od
}

inline shift_queue(n)
{
	k = 0;
	do
	:: k < nr_queued - (n) -> queue[k] = queue[k + (n)]; k++
	:: else -> break
	od;
	do
	:: k < nr_queued -> queue[k] = 0; k++
	:: else -> break
	od;
	nr_queued = nr_queued - (n)
}

/* barrier_form() */
inline form(i, err)
{
	arrivals++;
#ifdef ACTION
	move_to_acting(nr_queued);
	shift_queue(nr_queued);
	start_action(own(i), arrivals);
	err = ACTING;
	team[i] = token;
	pass_token[i] = token
#else
	formed();
	over = true;
	team[i] = token;
	pass_token[i] = token;
	empty_queue(TRIPPED, token);
	generation++;
	err = TRIPPED;
	token = 0;
	number = 0;
	over = false
#endif
}

/* barrier_form_queued() */
inline form_queued()
{
	if
	:: nr_queued < PARTIES
	:: else ->
		move_to_acting(PARTIES - 1);
		last = queue[PARTIES - 1];
		shift_queue(PARTIES);
		start_action(own(last), arrival[last] + 1);
		team[last] = token;
		take_out(last, ACTING, token)
	fi
}

/* barrier_doubt() */
inline doubt(i)
{
	doubted[i] = true;
#ifdef NO_NOTE
#elif defined(ONE_NOTE)
	in_doubt[own(i)] = i
#else
	if
	:: in_doubt[own(i)] == NONE -> in_doubt[own(i)] = i
	:: else ->
		if
		:: in_doubt[own(i)] != i -> in_doubt[own(i)] = SEVERAL
		:: else
		fi
	fi
#endif
}

/* barrier_arrive() */
inline arrive(i)
{
	if
	:: !dead[own(i)] ->
		doubted[i] = false;
		if
		:: in_doubt[own(i)] == i -> in_doubt[own(i)] = NONE
		:: else
		fi
	:: else
	fi;
	if
	:: dead[own(i)] -> err = EBADF
	:: !dead[own(i)] && broken != 0 -> err = EPIPE
	:: else ->
		if
		:: runner == NONE && nr_queued + 1 == PARTIES -> form(i, err)
#ifdef JOIN_ACTING
		:: runner != NONE ->
			arrival[i] = arrivals;
			arrivals++;
			acting[nr_acting] = i;
			nr_acting++;
			state[i] = QUEUED;
			err = WAITING
#endif
		:: else ->
			arrival[i] = arrivals;
			arrivals++;
			queue[nr_queued] = i;
			nr_queued++;
			state[i] = QUEUED;
			err = WAITING
		fi
	fi
}

/* The waiter is no more. */
inline gone(i)
{
	state[i] = OUT;
	verdict[i] = 0;
	arrival[i] = 0;
	/* Nobody has a number: begin again with 0. */
	k = 0;
	do
	:: k < N && state[k] == OUT -> k++
	:: else -> break
	od;
	if
	:: k == N && runner == NONE -> arrivals = 0; queue_from = 0
	:: else
	fi
}

#define is_queued(i) (arrival[i] >= queue_from)
#define is_acting(i) (runner != NONE && arrival[i] >= acting_from && \
		      arrival[i] < acting_to)

#define list_del(list, count, i)					\
	k = 0;								\
	do								\
	:: list[k] != i -> k++						\
	:: else -> break						\
	od;								\
	count--;							\
	do								\
	:: k < count -> list[k] = list[k + 1]; k++			\
	:: else -> break						\
	od;								\
	list[k] = 0

#ifdef DOUBT_BREAKS
#define harms(why) ((why) != 0)
#else
#define harms(why) ((why) != 0 && (why) != DOUBT)
#endif

/*
 * barrier_leave(): @why is TIMEOUT, DEATH, DOUBT for a signal that may kill or, for one
 * that does not, 0.
 */
inline leave(i, why)
{
	d_step {
		was = broken;
		left = false;
		if
#ifdef LEAVE_GONE
		:: state[i] == SETTLED
#elif defined(SIGNAL_GONE)
		:: !is_queued(i) && !is_acting(i) && (why != 0 || state[i] == SETTLED)
#else
		:: !is_queued(i) && !is_acting(i)
#endif
#ifndef SIGNAL_LEAVES
		:: !is_queued(i) && is_acting(i) && !harms(why)
#endif
		:: else ->
			if
			:: is_queued(i) -> list_del(queue, nr_queued, i)
			:: is_acting(i) -> list_del(acting, nr_acting, i)
			:: else
			fi;
			left = true;
#ifdef SIGNAL_LEAVES
			if
			:: why == 0
			:: else ->
#else
			if
			:: true ->
#endif
				if
#ifdef SIGNAL_GONE
				:: !is_queued(i) && why != 0 ->
					break_acting(team[i], why)
#else
				:: !is_queued(i) -> break_acting(team[i], why)
#endif
#ifdef SIGNAL_BREAKS
				:: is_queued(i) -> break_queue(TIMEOUT)
#elif defined(TIMEOUT_LEAVES)
				:: is_queued(i) && why == DEATH -> break_queue(why)
#else
				:: is_queued(i) && harms(why) -> break_queue(why)
#endif
				:: is_queued(i) && why == DOUBT && !harms(why) -> doubt(i)
				:: else
				fi
			fi;
			rule(B3, why == 0 || why == DOUBT || broken != 0);
			rule(B4, (why != 0 && why != DOUBT) || broken == was);
			gone(i)
		fi
	}
	settle()
}

/* ---- those who arrive ---- */

/* muster_wait(); err is the verdict, or why it left */
inline wait(i)
{
	do
	:: d_step { state[i] == SETTLED -> err = verdict[i]; gone(i) } -> break
	:: d_step { state[i] != SETTLED && timeouts > 0 -> timeouts--; err = ETIMEDOUT };
		leave(i, TIMEOUT);
		if
		:: left -> break
		:: else -> state[i] == SETTLED
		fi
	:: d_step { state[i] != SETTLED && signals > 0 -> signals--; err = ERESTART };
		leave(i, 0);
		if
		:: left -> break
		:: else		/* stays, or is settled soon */
		fi
#if DOUBTS > 0
	:: d_step { state[i] != SETTLED && doubts > 0 -> doubts--; err = ERESTART };
		leave(i, DOUBT);
		if
		:: left ->
			if
			:: true
			:: killed[own(i)] = true
			fi;
			break
		:: else		/* as above */
		fi
#endif
	:: d_step { state[i] != SETTLED && (killed[own(i)] || dead[own(i)]) -> err = EBADF };
		leave(i, DEATH);
		if
		:: left -> break
		:: else -> state[i] == SETTLED
		fi
	od
}

/* barrier_runner_lost(); any action of the owner if @which is 0 */
inline runner_lost(o, which)
{
	d_step {
#ifdef LOST_BY_OWNER
		if
		:: runner == o ->
			ended = token;
			if
			:: which != 0 -> ended = which
			:: else
			fi;
			break_acting(ended, DEATH)
#else
		if
		:: runner == o && (which == 0 || which == token) ->
			break_acting(token, DEATH)
#endif
		:: else
		fi
	}
	settle()
}

/* barrier_complete() */
inline complete(i)
{
	if
	:: status = 0
	:: status = 1
	fi;
	d_step {
		if
		:: dead[own(i)]
#ifdef COMPLETE_ANY
		:: !dead[own(i)] && runner != NONE ->
#elif defined(COMPLETE_BY_OWNER)
		:: !dead[own(i)] && runner == own(i) ->
#else
		:: !dead[own(i)] && run_token[own(i)] == pass_token[i] ->
			run_token[own(i)] = 0;
			if
			:: runner != own(i) || token != pass_token[i]
			:: else ->
#endif
			if
			:: status != 0 -> break_acting(pass_token[i], FAILED)
			:: else ->
				over = true;
				end_acting(pass_token[i], TRIPPED);
				generation++;
#ifndef NO_FORM
				form_queued()
#endif
			fi
#if !defined(COMPLETE_ANY) && !defined(COMPLETE_BY_OWNER)
			fi
#endif
		:: else
		fi
	}
	settle()
}

/* What the caller of AWAIT sees. */
inline check_pass(i)
{
	if
	:: err == TRIPPED -> rule(B2, team[i] == pass_token[i])
	:: else
	fi
}

/* barrier_await() and what the runner does after it */
inline await(i)
{
	/* barrier_wait() */
	d_step { arrive(i) }
	settle();
	if
	:: err == WAITING -> wait(i)
	:: else
	fi;
	if
	:: err == ACTING ->
		/* barrier_await_owner() */
		fault = false;
#if FAULTS > 0
		if
		:: true
		:: d_step { faults > 0 -> faults--; fault = true }
		fi;
#endif
		if
		:: fault || dead[own(i)] ->
			runner_lost(own(i), pass_token[i])
		:: else ->
			if
			:: killed[own(i)]
			:: else -> complete(i)
			fi
		fi
	:: else
	fi;
	atomic {
		check_pass(i);
		again = (err == ERESTART);
		if
		:: run_token[own(i)] == pass_token[i] -> run_token[own(i)] = 0
		:: else		/* nobody can name it any more */
		fi;
		pass_token[i] = 0;
		team[i] = 0;
		fault = false;
		left = false;
		status = 0;
		err = 0
	}
}

/* barrier_drop_doubt() */
inline drop_doubt(o)
{
	d_step {
		last = NONE;
		for (k : 0 .. N - 1) {
			if
			:: own(k) == o && doubted[k] -> last = k
			:: else
			fi
		}
		if
		:: in_doubt[o] != NONE ->
			rule(LATER, last != NONE);
			break_queue(DEATH)
		:: else -> rule(B3, last == NONE)
		fi;
		k = 0;
		last = 0
	}
	settle()
}

/* muster_owner_drop() and barrier_owner_drop(), at the end of the process if it @exits */
inline owner_drop(o, exits)
{
	d_step {
		drops = !dead[o];
		dead[o] = true
	}
	if
	:: drops ->
		drops = false;
#ifndef RUNNER_STAYS
		runner_lost(o, 0);
#endif
#if DOUBTS > 0
		if
		:: exits -> drop_doubt(o)
		:: else
		fi
#endif
	:: else
	fi
}

proctype thread(byte i)
{
	LOCALS;
	byte round;
	mtype err;
	bool again, fault, drops, left;
	bit status;

	do
	:: round == ROUNDS || killed[own(i)] || dead[own(i)] -> break
	:: else ->
		await(i);
		if
		:: again
		:: else -> round++
		fi
	od;
	phase > 0 || killed[own(i)];
	atomic {
		threads[own(i)]--;
		again = (threads[own(i)] == 0)
	}
	if
	:: again -> owner_drop(own(i), true)
	:: else
	fi
}

#ifdef RESETS
/* barrier_reset() */
proctype reset()
{
	LOCALS;
	byte times;

	do
	:: times < RESETS ->
		times++;
		d_step {
			if
#ifndef RESET_QUEUE_ONLY
			:: runner != NONE -> break_acting(token, RESET)
#endif
			:: else -> break_queue(RESET)
			fi;
#ifndef RESET_BREAKS
			broken = 0;
#endif
			generation++;
			rule(B5, broken == 0 && nr_queued == 0);
			rule(B5, runner == NONE && nr_acting == 0)
		}
		settle()
	:: true -> break
	od
}
#endif

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
	owner_drop(o, false)
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
	:: true -> break
	od
}
#endif

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
#ifdef RESETS
		run reset();
#endif
	}
	timeout;
	d_step {
		rule(QUIET, runner == NONE && nr_acting == 0);
		rule(QUIET, nr_queued < PARTIES && (nr_queued == 0 || broken == 0));
		for (n : 0 .. N - 1) {
			rule(QUIET, state[n] == OUT || state[n] == QUEUED);
			rule(QUIET, state[n] == OUT || !dead[own(n)]);
			killed[n] = true
		}
		n = 0;
		phase = 1
	}
	_nr_pr == 1;
	d_step {
		rule(QUIET, runner == NONE && nr_acting == 0 && nr_queued == 0)
	}
}
