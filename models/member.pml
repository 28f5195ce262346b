/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is a party of a barrier: kmod/barrier.c, barrier_round.c (B6).
 *
 * With MEMBERS, each of N threads says ENTER for a seat of its process, arrives ROUNDS
 * times or less, and then says LEAVE or not; without, SET1 and SET2 are what others set the
 * number of parties to. At any point one may time out or be interrupted, a process may
 * be killed, another thread may close its descriptor, somebody may RESET. barrier.pml
 * has more of what becomes of actions. BATCH stands for MUSTER_BATCH.
 *
 * Each atomic or d_step is one section under the object's lock; settling is a step for
 * each waiter, without it. What only grows is kept small, as in barrier.pml.
 *
 * init looks when nothing can happen any more without it: whoever waits then must do so
 * for want of parties only. Then all die.
 *
 * run: break, death, timeout	-DMEMBERS -DKILLS=1 -DTIMEOUTS=1
 * run: break, again and again	-DMEMBERS -DROUNDS=2 -DSIGNALS=1
 * run: break, death, reset	-DMEMBERS -DKILLS=1 -DRESETS=1
 * run: break, two seats, closed	-DMEMBERS -DOWN1=0 -DCLOSES=1 -DSIGNALS=1
 * run: break, three parties	-DMEMBERS -DPARTIES=3 -DSIGNALS=1 -DKILLS=1
 * run: break, two threads and a seat, death	-DMEMBERS -DOWN1=0 -DONE_SEAT -DKILLS=1
 * run: break, three seats of one, closed	-DMEMBERS -DPARTIES=3 -DOWN1=0 -DOWN2=0 -DCLOSES=1
 * run: shrink, two deaths	-DMEMBERS -DSHRINK -DPARTIES=3 -DKILLS=2
 * run: shrink, again and again	-DMEMBERS -DSHRINK -DROUNDS=2
 * run: shrink, signal, none at first	-DMEMBERS -DSHRINK -DPARTIES=0 -DSIGNALS=1 -DKILLS=1
 * run: shrink, two seats, closed	-DMEMBERS -DSHRINK -DPARTIES=3 -DOWN1=0 -DCLOSES=1 -DSIGNALS=1
 * run: shrink, three seats of one	-DMEMBERS -DSHRINK -DPARTIES=3 -DOWN1=0 -DOWN2=0 -DCLOSES=1
 * run: shrink, timeout, reset	-DMEMBERS -DSHRINK -DTIMEOUTS=1 -DRESETS=1 -DKILLS=1
 * run: action, break, death	-DMEMBERS -DACTION -DKILLS=1
 * run: action, break, two deaths	-DMEMBERS -DACTION -DPARTIES=3 -DKILLS=2
 * run: action, break, two seats, closed	-DMEMBERS -DACTION -DOWN1=0 -DCLOSES=1
 * run: action, break, closed, reset	-DMEMBERS -DACTION -DCLOSES=1 -DRESETS=1
 * run: action, break, it leaves, closed	-DMEMBERS -DACTION -DOWN1=0 -DONE_SEAT -DCLOSES=1
 * run: action, break, it leaves, death	-DMEMBERS -DACTION -DOWN1=0 -DONE_SEAT -DKILLS=1
 * run: action, break, it enters meanwhile, closed	-DMEMBERS -DACTION -DCLOSES=1
 * run: action, shrink, deaths	-DMEMBERS -DACTION -DSHRINK -DPARTIES=3 -DKILLS=2
 * run: action, shrink, two seats, closed	-DMEMBERS -DACTION -DSHRINK -DOWN1=0 -DCLOSES=1
 * run: parties are set to fewer	-DPARTIES=3 -DSET1=2 -DSET2=1 -DSIGNALS=1
 * run: to more and to fewer, death	-DSET1=3 -DSET2=1 -DKILLS=1
 * run: four, several generations at once	-DN=4 -DPARTIES=5 -DSET1=2 -DSIGNALS=1
 * run: four, in batches of two	-DN=4 -DPARTIES=5 -DSET1=4 -DSET2=2 -DBATCH=2 -DSIGNALS=1
 * run: to one, others come meanwhile	-DN=4 -DPARTIES=5 -DSET1=1 -DSIGNALS=1
 * run: to one, they come again	-DPARTIES=5 -DSET1=1 -DROUNDS=2
 * run: action, parties are set	-DACTION -DPARTIES=3 -DSET1=1 -DTIMEOUTS=1
 * run: action, parties are set, reset	-DACTION -DPARTIES=3 -DSET1=2 -DRESETS=1 -DSIGNALS=1
 * run: no generations without end	-DPARTIES=3 -DSET1=2 -DSET2=1 -DSIGNALS=1	cycle
 *
 * break: a dead member is waited for	-DNO_DROP -DMEMBERS -DPARTIES=3	QUIET
 * break: it is there still when it shrinks	-DNO_REFUSE -DMEMBERS -DSHRINK -DPARTIES=4 -DOWN1=0 -DCLOSES=1	B6
 * break: seats go before arrivals	-DSEATS_FIRST -DMEMBERS -DSHRINK -DPARTIES=3 -DOWN1=0 -DCLOSES=1	B6
 * break: its parties stay when it shrinks	-DPARTIES_STAY -DMEMBERS -DSHRINK -DPARTIES=3 -DKILLS=1	B6
 * break: a death frees the seats only	-DSEATS_ONLY -DMEMBERS -DPARTIES=3 -DKILLS=1	B6
 * break: a death breaks before the seats go	-DBREAK_FIRST -DMEMBERS -DKILLS=1	SEAT
 * break: a runner's death does	-DRUNNER_FIRST -DMEMBERS -DACTION -DCLOSES=1	SEAT
 * break: a death in the action is forgotten	-DNO_ACTED -DMEMBERS -DACTION -DKILLS=1	B3
 * break: who is closed acts on	-DNO_ACTED -DMEMBERS -DACTION -DCLOSES=1	B3
 * break: who has left its seat does	-DLEAVE_FORGETS -DMEMBERS -DACTION -DOWN1=0 -DONE_SEAT -DCLOSES=1	B3
 * break: who enters beside an action acts	-DALL_ACT -DMEMBERS -DACTION -DCLOSES=1	B6
 * break: the seat of a party that died is free	-DNO_GONE -DMEMBERS -DOWN1=0 -DONE_SEAT -DKILLS=1	B3
 * break: who is closed waits to be refused	-DTO_BE_REFUSED -DMEMBERS -DACTION -DCLOSES=1	SOON
 * break: a death breaks what shrinks	-DSHRINK_BREAKS -DMEMBERS -DSHRINK -DKILLS=1	B6
 * break: nobody looks after a LEAVE	-DNO_FORM -DMEMBERS -DPARTIES=3	QUIET
 * break: nobody looks after SET_PARTIES	-DNO_FORM -DPARTIES=3 -DSET1=2	QUIET
 * break: one generation, and no more	-DFORM_ONCE -DN=4 -DPARTIES=5 -DSET1=2	QUIET
 * break: who comes meanwhile waits only	-DARRIVALS_WAIT -DN=4 -DPARTIES=5 -DSET1=1	QUIET
 * break: who serves goes on while any come	-DNO_BOUND -DPARTIES=5 -DSET1=1 -DROUNDS=3	BOUND
 * break: who has arrived may leave its seat	-DLEAVE_ARRIVED -DMEMBERS -DOWN1=0 -DPARTIES=3 -DONE_SEAT	B6
 * break: more arrive than have seats	-DNO_BUSY -DMEMBERS -DOWN1=0 -DPARTIES=3 -DONE_SEAT	B6
 * break: who enters takes no free seat	-DSIT_BESIDE -DMEMBERS	B6
 * break: who enters adds no party	-DSIT_ON -DMEMBERS -DPARTIES=1	B6
 * break: arrivals count for the next round	-DROUND_STAYS -DMEMBERS -DROUNDS=2	B6
 * break: who is refused may leave	-DLEAVE_REFUSED -DMEMBERS -DSHRINK -DPARTIES=3 -DOWN1=0 -DCLOSES=1 -DSIGNALS=1	FRAME
 * break: who withdraws is marked still	-DMARK_STAYS -DN=4 -DPARTIES=5 -DSET1=3 -DSIGNALS=1	B1
 * break: a lower number starts beside an action	-DACT_TWICE -DACTION -DPARTIES=2 -DSET1=1	LATER
 * break: a death in the action breaks what shrinks	-DACTING_BREAKS -DMEMBERS -DACTION -DSHRINK -DPARTIES=3 -DKILLS=1	ALIVE
 */
#include "rules.h"

hidden byte B1 = 1;		/* all of a generation leave, as many as parties */
hidden byte B3 = 1;		/* a timeout breaks it, and a death beside an action */
hidden byte B4 = 1;		/* a signal does not */
hidden byte B6 = 1;		/* members, seats, parties and arrivals agree */
hidden byte LATER = 1;		/* nothing ends a later generation than its own */
hidden byte ALIVE = 1;		/* what shrinks does not break by who waits */
hidden byte SEAT = 1;		/* whose death has broken it has no seat */
hidden byte SOON = 1;		/* who is told it is settled waits for no action */
hidden byte BOUND = 1;		/* nobody goes on serving who came after it */
hidden byte QUIET = 1;		/* who waits does so for want of parties */
hidden byte FRAME = 1;		/* nobody touches a waiter that is gone */

#ifndef N
#define N 3
#endif
#ifndef PARTIES
#define PARTIES 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef OWN2
#define OWN2 2
#endif
#define own(i) ((i) == 1 -> OWN1 : ((i) == 2 -> OWN2 : (i)))

mtype = { TRIPPED, EPIPE, EBADF, EPERM, EBUSY, ETIMEDOUT, ERESTART, ACTING, WAITING };
mtype = { TIMEOUT, DEATH, CLOSED, FAILED, RESET };

/* struct muster_barrier */
byte parties = PARTIES;
byte seats;
byte nr_missing;
byte nr_there;
byte token;		/* new ones are other than those somebody knows */
byte arrivals;
byte queue_from;
byte acting_from;
byte acting_to;
byte queue[N];
byte nr_queued;
byte mark = NONE;
byte nr_marked;
byte acting[N];
byte nr_acting;
byte runner = NONE;
mtype broken;
byte broken_pid = NONE;	/* if by a death */

/* struct barrier_owner; arrived is 0 if it is of another round than this */
byte seat[N];
byte arrived[N];
bool there[N];
byte run_token[N];
bool acted[N];		/* acted == token */
bool fresh[N];		/* of whom has seats: entered == token, and so is no party */
byte nr_gone[N];		/* 0 if it is of another round than this */
bool dead[N];

/* struct barrier_waiter: out, in queue or acting, taken out of it, settled */
#define OUT 0
#define QUEUED 1
#define TAKEN 2
#define SETTLED 3
byte state[N];
byte arrival[N];
bool refused[N];
mtype verdict[N];
byte pass_token[N];

byte timeouts = TIMEOUTS, signals = SIGNALS;
bool killed[N];
byte threads[N];	/* of each process */
byte phase;

/* How many are in barrier_unlock_form(). */
byte serving;

/* For the checks: which token the generation has that a thread was made part of. */
byte team[N];

/* And who was told that it will be settled. */
bool told[N];

hidden byte k, j, who, last, sum, places;
hidden mtype was;

/* ---- checks ---- */

/* What the barrier counts is what there is. */
inline check_members()
{
#ifdef MEMBERS
	sum = 0;
	places = 0;
	for (k : 0 .. N - 1) {
		places = places + seat[k];
		last = 0;
		for (j : 0 .. N - 1) {
			if
			:: j < nr_queued && own(queue[j]) == k -> last++
			:: else
			fi
		}
		rule(B6, arrived[k] == last);
		rule(B6, last <= seat[k]);
		rule(B6, there[k] == (seat[k] > 0 && last == seat[k]));
		if
		:: seat[k] > 0 && !there[k] -> sum++
		:: else
		fi
	}
	rule(B6, places == seats && sum == nr_missing);
	rule(B6, seats <= parties);
	/* None are added but for who needs one, and none are lost. */
	rule(B6, parties <= PARTIES || parties == seats || phase > 0 || was_seats > 0);
#ifndef SHRINK
	rule(B6, parties >= seats);
#endif
	rule(B6, nr_queued <= parties);
	if
	:: broken_pid != NONE -> rule(SEAT, seat[broken_pid] == 0)
	:: else
	fi;
	j = 0;
	k = 0;
	last = 0;
	sum = 0;
	places = 0
#else
	rule(B6, seats == 0 && nr_marked <= nr_queued)
#endif
}

/* Seats that were taken at some time by who is dead, which stay where it breaks. */
byte was_seats;

/* ---- leaving ---- */

#define LOCALS byte leaving, n, to_serve; bool more, late

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
	leaving = leaving & (bit_of(k) ^ 255);
	k = 0
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
	mark = NONE;
	nr_marked = 0;
	nr_missing = nr_missing + nr_there;
	nr_there = 0;
	for (k : 0 .. N - 1) {
#ifndef ROUND_STAYS
		arrived[k] = 0;
#endif
		nr_gone[k] = 0;
		there[k] = false
	}
	k = 0
}

/* barrier_sort_member() */
inline sort_member(o)
{
	if
	:: seat[o] > 0 && there[o] == (arrived[o] == seat[o])
	:: else ->
		if
		:: there[o] -> nr_there--
		:: else -> nr_missing--
		fi;
		there[o] = (seat[o] > 0 && arrived[o] == seat[o]);
		if
		:: there[o] -> nr_there++
		:: !there[o] && seat[o] > 0 -> nr_missing++
		:: else
		fi
	fi
}

#define known(t, i) (run_token[i] == (t) || pass_token[i] == (t) || team[i] == (t))

/* ++barrier->token */
inline formed()
{
	rule(LATER, runner == NONE);
#if defined(MEMBERS) && !defined(SHRINK)
	for (k : 0 .. N - 1) {
		rule(B3, nr_gone[k] == 0)
	}
#endif
	token = 1;
	for (k : 0 .. N - 1) {
		if
		:: known(token, k) -> token++; k = 255	/* once more, from 0 */
		:: else
		fi
	}
	k = 0
}

/* barrier_end_acting(); @meant is the generation that is to end, for the check */
inline end_acting(meant, how)
{
	rule(LATER, meant == token);
	k = 0;
	do
	:: k < nr_acting ->
		who = acting[k];
		rule(B1, team[who] == token);
		take_out(who, how, token);
		acting[k] = 0;
		k++
	:: else -> break
	od;
	k = 0;
	nr_acting = 0;
	runner = NONE;
	acting_from = 0;
	acting_to = 0;
	token = 0;
	for (k : 0 .. N - 1) {
		acted[k] = false;
		fresh[k] = false
	}
	k = 0
}

/* barrier_empty_queue() */
inline empty_queue(how, tok)
{
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

/* @dead_one: who has died, or NONE */
inline break_queue(by, dead_one)
{
	empty_queue(EPIPE, 0);
	if
	:: broken == 0 -> broken = by; broken_pid = dead_one
	:: else
	fi
}

inline break_acting(meant, by, dead_one)
{
	end_acting(meant, EPIPE);
	break_queue(by, dead_one)
}

/* The first n of the queue go to acting, as one generation. */
inline move_to_acting(n)
{
	for (k : 0 .. N - 1) {
		if
		:: k < n ->
			rule(SOON, !told[queue[k]]);
			acting[k] = queue[k];
			team[queue[k]] = token
		:: else
		fi
	}
	k = 0
}

inline shift_queue(n)
{
	k = 0;
	do
	:: k + (n) < nr_queued -> queue[k] = queue[k + (n)]; k++
	:: else -> break
	od;
	do
	:: k < nr_queued -> queue[k] = 0; k++
	:: else -> break
	od;
	k = 0;
	nr_queued = nr_queued - (n)
}

/* barrier_start_action() */
inline start_action(o, to)
{
	next_round();
	nr_acting = parties - 1;
	acting_from = queue_from;
	acting_to = to - 1;
	queue_from = to;
	runner = o;
	run_token[o] = token
}

/* barrier_form() */
inline form(i, err)
{
	rule(B1, nr_queued + 1 == parties);
	arrivals++;
	formed();
	team[i] = token;
	pass_token[i] = token;
#ifdef ACTION
	move_to_acting(nr_queued);
	shift_queue(nr_queued);
	start_action(own(i), arrivals);
	err = ACTING
#else
	empty_queue(TRIPPED, token);
	token = 0;
	err = TRIPPED
#endif
}

/* barrier_move_mark() */
inline move_mark()
{
	if
	:: nr_marked > parties -> mark = NONE; nr_marked = 0
	:: else
	fi;
	n = 0;
	do
	:: n < BATCH && nr_marked < parties ->
		k = 0;
		do
		:: mark != NONE && queue[k] != mark -> k++
		:: else -> break
		od;
		if
		:: mark == NONE -> mark = queue[0]
		:: else -> rule(B1, k + 1 < nr_queued); mark = queue[k + 1]
		fi;
		k = 0;
		nr_marked++;
		n++
	:: else -> break
	od;
	n = 0
}

#ifdef ACT_TWICE
#define may_form (nr_queued > 0 && broken == 0 && nr_queued >= parties)
#else
#define may_form (runner == NONE && nr_queued > 0 && broken == 0 &&		\
		  nr_queued >= parties)
#endif

/* barrier_form_queued() */
inline form_queued()
{
	more = false;
	if
	:: !may_form
	:: else ->
		/* Once it may be that another has served them meanwhile. */
		rule(BOUND, !late);
		late = (queue_from >= to_serve);
		more = true;
		move_mark();
		if
		:: nr_marked < parties
		:: else ->
			/* The mark is where the generation ends. */
			last = mark;
			rule(B1, queue[parties - 1] == last);
			formed();
			team[last] = token;
#ifdef ACTION
			move_to_acting(parties - 1);
			shift_queue(parties);
			start_action(own(last), arrival[last] + 1);
			take_out(last, ACTING, token);
#else
			sum = 0;
			do
			:: sum < parties ->
				who = queue[sum];
				team[who] = token;
				take_out(who, TRIPPED, token);
				sum++
			:: else -> break
			od;
			sum = 0;
			shift_queue(parties);
			next_round();
			queue_from = arrival[last] + 1;
			token = 0;
#endif
			last = 0
		fi
	fi;
#ifndef NO_BOUND
	more = (more && queue_from < to_serve);
#endif
#ifdef NO_FORM
	more = false;
#endif
	check_members()
}

/* barrier_unlock_form(), in the section of the change, and what follows it */
inline first_form()
{
	to_serve = arrivals;
	serving++;
#ifdef NO_FORM
	more = false;
	check_members()
#else
	if
	:: leaving != 0 -> more = (queue_from < to_serve); check_members()
	:: else -> form_queued()
	fi
#endif
}

inline settle_and_form()
{
	do
	:: d_step { leaving == 0 && !more -> serving--; to_serve = 0; late = false }; break
	:: else -> d_step {
		if
		:: leaving != 0 -> settle_one()
#ifdef FORM_ONCE
		:: else -> more = false
#else
		:: else -> form_queued()
#endif
		fi
	}
	od
}

/* ---- members ---- */

/* Not barrier_has_free(), of one */
#ifdef NO_BUSY
#define no_place(o) false
#elif defined(NO_GONE)
#define no_place(o) (arrived[o] >= seat[o])
#else
#define no_place(o) (arrived[o] + nr_gone[o] >= seat[o])
#endif

/* barrier_acts() */
#ifdef ALL_ACT
#define acts(o) (runner != NONE && (acted[o] || seat[o] > 0))
#else
#define acts(o) (runner != NONE && (acted[o] || (seat[o] > 0 && !fresh[o])))
#endif

/* barrier_sit(), of one seat */
inline sit(o)
{
	d_step {
		if
		:: dead[o] || killed[o]
		:: else ->
			if
			:: seat[o] == 0 -> nr_missing++; fresh[o] = (runner != NONE)
			:: else
			fi;
			seat[o]++;
			seats++;
#ifdef SIT_BESIDE
			parties++;
#elif !defined(SIT_ON)
			parties = (parties > seats -> parties : seats);
#endif
			sort_member(o)
		fi;
		first_form()
	}
	settle_and_form()
}

/* barrier_stand_up(), of one seat */
inline stand_up(o)
{
	d_step {
		if
#ifdef LEAVE_ARRIVED
		:: dead[o] || seat[o] == 0
#else
		:: dead[o] || seat[o] == 0 || no_place(o)
#endif
		:: else ->
#ifndef LEAVE_FORGETS
			acted[o] = acts(o);
#endif
			seat[o]--;
			seats--;
			parties--;
			sort_member(o)
		fi;
		first_form()
	}
	settle_and_form()
}

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
	list[k] = 0;							\
	k = 0

/* barrier_withdraw() */
inline withdraw(i)
{
#ifndef MARK_STAYS
	if
	:: nr_marked > 0 && arrival[i] <= arrival[mark] ->
		if
		:: mark == i ->
			k = 0;
			do
			:: queue[k] != i -> k++
			:: else -> break
			od;
			if
			:: k == 0 -> mark = NONE
			:: else -> mark = queue[k - 1]
			fi;
			k = 0
		:: else
		fi;
		nr_marked--
	:: else
	fi;
#else
	if
	:: mark == i -> mark = NONE
	:: else
	fi;
#endif
	list_del(queue, nr_queued, i);
#ifdef MEMBERS
	arrived[own(i)]--;
	sort_member(own(i))
#endif
}

/* barrier_refuse(): n is how many; the first of them in the queue come first */
inline refuse(o)
{
	n = 0;
	do
	:: n < BATCH && arrived[o] > 0 ->
		j = 0;
		do
		:: own(queue[j]) != o -> j++
		:: else -> break
		od;
		who = queue[j];
		j = 0;
		withdraw(who);
		refused[who] = true;
		take_out(who, EBADF, 0);
		n++
	:: else -> break
	od
}

/* barrier_give_up_seats() */
inline give_up_seats(o)
{
	sum = parties - seats;
	seats = seats - seat[o];
#ifdef SHRINK
#ifdef PARTIES_STAY
	was_seats = was_seats + seat[o];
#else
	parties = parties - seat[o];
#endif
	rule(B6, parties - seats == sum);
#ifdef SHRINK_BREAKS
	break_queue(DEATH, o);
#endif
#ifndef ACTION
#if TIMEOUTS == 0
	rule(B6, broken != DEATH);
#endif
#endif
#else
	was_seats = was_seats + seat[o];
	if
	:: seat[o] > 0 ->
#ifndef SEATS_ONLY
		if
		:: broken == 0 -> break_queue(DEATH, o)
		:: else
		fi;
#endif
		rule(B6, broken != 0)
	:: else
	fi;
#endif
	if
	:: seat[o] > 0 -> seat[o] = 0; sort_member(o)
	:: else
	fi
}

#if defined(NO_ACTED) || defined(SHRINK)
#define acts_in(o) (runner == (o))
#else
#define acts_in(o) (runner == (o) || acts(o))
#endif

/* barrier_lose_action() */
inline lose_action(o)
{
	if
	:: acts_in(o) ->
		/* Who is killed has left before; and who runs it, may have. */
		last = (killed[o] || runner == o);
		for (k : 0 .. N - 1) {
			last = last || (own(k) == o && team[k] == token)
		}
		rule(B6, last);
		last = 0;
		break_acting(token, DEATH, o)
	:: else
	fi;
#ifndef SHRINK
	rule(B3, !acts(o));
	for (k : 0 .. N - 1) {
		rule(B3, k >= nr_acting || own(acting[k]) != o)
	}
	k = 0
#endif
}

/* barrier_runner_lost(); any action of the owner if @which is 0. A member is dead then. */
inline runner_lost(o, which)
{
	d_step {
		if
		:: runner == o && (which == 0 || which == token) ->
			break_acting(token, DEATH, o);
#if defined(MEMBERS) && !defined(RUNNER_FIRST)
			give_up_seats(o)
#endif
		:: else
		fi;
		check_members()
	}
	settle()
}

/* barrier_drop_member() */
inline drop_member(o)
{
	do
	:: d_step {
		n = 0;
#if !defined(NO_REFUSE) && !defined(SEATS_FIRST)
		refuse(o);
#endif
		if
		:: n == BATCH -> more = true
		:: else ->
			lose_action(o);
			give_up_seats(o);
#ifdef SEATS_FIRST
			refuse(o);
#endif
			first_form();
			drops = false
		fi;
		n = 0
	}
		if
		:: drops -> more = false; settle()
		:: else -> settle_and_form(); break
		fi
	od
}

/* muster_owner_drop() and barrier_owner_drop() */
inline owner_drop(o)
{
	d_step {
		drops = !dead[o];
		dead[o] = true
	}
	if
	:: drops ->
#ifndef NO_DROP
#ifdef MEMBERS
		drop_member(o);
#else
		runner_lost(o, 0);
#endif
#endif
		drops = false
	:: else
	fi
}

/* ---- arriving and leaving ---- */

/* barrier_arrive() */
inline arrive(i)
{
	if
	:: dead[own(i)] -> err = EBADF
#ifdef MEMBERS
	:: !dead[own(i)] && seat[own(i)] == 0 -> err = EPERM
	:: !dead[own(i)] && seat[own(i)] > 0 && no_place(own(i)) -> err = EBUSY
#endif
	:: else ->
		if
		:: broken != 0 -> err = EPIPE
		:: broken == 0 && runner == NONE && nr_queued + 1 == parties ->
			form(i, err)
		:: else ->
			/* barrier_add_arrival() */
			arrival[i] = arrivals;
			arrivals++;
			queue[nr_queued] = i;
			nr_queued++;
			state[i] = QUEUED;
#ifdef MEMBERS
			arrived[own(i)]++;
			sort_member(own(i));
#endif
			err = WAITING
		fi
	fi;
	check_members()
}

/* The waiter is no more. */
inline gone(i)
{
	state[i] = OUT;
	verdict[i] = 0;
	arrival[i] = 0;
	refused[i] = false;
	told[i] = false;
	/* Nobody has a number: begin again with 0. */
	k = 0;
	do
	:: k < N && state[k] == OUT -> k++
	:: else -> break
	od;
	if
	:: k == N && runner == NONE && serving == 0 -> arrivals = 0; queue_from = 0
	:: else
	fi;
	k = 0
}

#define is_queued(i) (arrival[i] >= queue_from)
#define is_acting(i) (runner != NONE && arrival[i] >= acting_from &&		\
		      arrival[i] < acting_to)
#ifdef LEAVE_REFUSED
#define is_refused(i) false
#else
#define is_refused(i) refused[i]
#endif
#define is_death(why) ((why) == DEATH || (why) == CLOSED)

/* barrier_leave_acting() and barrier_die_acting() */
inline leave_acting(i, why)
{
	list_del(acting, nr_acting, i);
	if
	:: why == TIMEOUT -> break_acting(team[i], TIMEOUT, NONE)
#if defined(MEMBERS) && defined(SHRINK) && !defined(ACTING_BREAKS)
	:: is_death(why)
#elif defined(MEMBERS) && !defined(SHRINK)
	:: why == DEATH
	:: why == CLOSED ->
		break_acting(team[i], DEATH, own(i));
		give_up_seats(own(i))
#else
	:: is_death(why) ->
#ifdef SHRINK
		rule(ALIVE, false);
#endif
		break_acting(team[i], DEATH, own(i))
#endif
	fi
}

/* A member's death breaks nothing before its seats go. */
#if defined(MEMBERS) && !defined(BREAK_FIRST)
#define breaks_queue(why) false
#else
#define breaks_queue(why) is_death(why)
#endif

/* barrier_leave_locked() of who is in the queue, and barrier_die_queued() */
inline leave_queue(i, why)
{
	if
	:: why == TIMEOUT ->
		list_del(queue, nr_queued, i);
		break_queue(TIMEOUT, NONE)
	:: breaks_queue(why) ->
		list_del(queue, nr_queued, i);
		break_queue(DEATH, own(i))
	:: else ->
		withdraw(i);
#ifdef MEMBERS
		if
		:: why == DEATH -> nr_gone[own(i)]++
		:: else
		fi
#endif
	fi
}

#ifdef TO_BE_REFUSED
#define is_about_to(i, why) (is_queued(i) && (why) == CLOSED)
#else
#define is_about_to(i, why) false
#endif

/*
 * barrier_leave(): @why is TIMEOUT, CLOSED if it has no descriptor any more, or for a
 * signal DEATH if it kills, else 0
 */
inline leave(i, why)
{
	d_step {
		was = broken;
		left = false;
		if
		:: is_refused(i) || (!is_queued(i) && !is_acting(i)) -> told[i] = true
		:: !is_refused(i) && is_acting(i) && why == 0
		:: !is_refused(i) && is_about_to(i, why) -> told[i] = true
		:: else ->
			rule(FRAME, state[i] == QUEUED);
			left = true;
			if
			:: is_acting(i) -> leave_acting(i, why)
			:: else -> leave_queue(i, why)
			fi;
			rule(B3, why != TIMEOUT || broken != 0);
			rule(B4, why != 0 || broken == was);
			gone(i)
		fi;
		check_members()
	}
	settle()
}

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
	:: d_step { state[i] != SETTLED && dead[own(i)] -> err = EBADF };
		leave(i, CLOSED);
		if
		:: left -> break
		:: else -> state[i] == SETTLED
		fi
	:: d_step { state[i] != SETTLED && killed[own(i)] && !dead[own(i)] -> err = EBADF };
		leave(i, DEATH);
		if
		:: left -> break
		:: else -> state[i] == SETTLED
		fi
	od
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
		:: !dead[own(i)] && run_token[own(i)] == pass_token[i] ->
			run_token[own(i)] = 0;
			if
			:: runner != own(i) || token != pass_token[i]
			:: else ->
				if
				:: status != 0 -> break_acting(pass_token[i], FAILED, NONE)
				:: else -> end_acting(pass_token[i], TRIPPED)
				fi
			fi
		:: else
		fi;
		first_form()
	}
	settle_and_form()
}

/* barrier_await() and what the runner does after it */
inline await(i)
{
	/* barrier_enter() */
	d_step {
		arrive(i);
#ifdef ARRIVALS_WAIT
		forms = false;
#else
		forms = (err == WAITING && may_form);
#endif
		if
		:: forms -> first_form()
		:: else
		fi
	}
	if
	:: forms -> forms = false; settle_and_form()
	:: else -> settle()
	fi;
	if
	:: err == WAITING -> wait(i)
	:: else
	fi;
	if
	:: err == ACTING && dead[own(i)] -> runner_lost(own(i), pass_token[i])
	:: err == ACTING && !dead[own(i)] ->
		if
		:: killed[own(i)]
		:: else -> complete(i)
		fi
	:: else
	fi;
	atomic {
		rule(B1, err != TRIPPED || team[i] == pass_token[i]);
		again = (err == ERESTART);
		if
		:: run_token[own(i)] == pass_token[i] -> run_token[own(i)] = 0
		:: else		/* nobody can name it any more */
		fi;
		pass_token[i] = 0;
		team[i] = 0;
		left = false;
		status = 0;
		err = 0
	}
}

proctype thread(byte i)
{
	LOCALS;
	byte round;
	mtype err;
	bool again, drops, forms, left;
	bit status;

#ifdef MEMBERS
#ifdef ONE_SEAT
	if
	:: i == own(i) -> sit(own(i))
	:: else
	fi;
#else
	sit(own(i));
#endif
#endif
	do
	:: round == ROUNDS || killed[own(i)] || dead[own(i)] -> break
	:: else ->
		if
		:: true -> break	/* arrives no more */
		:: true
		fi;
		await(i);
		if
		:: again
		:: else -> round++
		fi
	od;
#ifdef MEMBERS
	if
	:: true -> stand_up(own(i))	/* killed as it does */
	:: true
	fi;
#endif
	round = 0;
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

/* ---- others ---- */

#ifdef SET1
/* barrier_set_parties() */
proctype set_parties()
{
	LOCALS;

	d_step { parties = SET1; first_form() }
	settle_and_form();
#ifdef SET2
	skip;
	d_step { parties = SET2; first_form() }
	settle_and_form()
#endif
}
#endif

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
			:: runner != NONE -> break_acting(token, RESET, NONE)
			:: else -> break_queue(RESET, NONE)
			fi;
			broken = 0;
			broken_pid = NONE;
			check_members()
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
	:: o = own(2)
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
		:: i = 2
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
#ifdef SET1
		run set_parties();
#endif
	}
	timeout;
	d_step {
		check_members();
		rule(QUIET, runner == NONE && nr_acting == 0);
		rule(QUIET, nr_queued == 0 || (nr_queued < parties && broken == 0));
		for (n : 0 .. N - 1) {
			rule(QUIET, state[n] == OUT || state[n] == QUEUED);
			rule(QUIET, state[n] == OUT || !dead[own(n)]);
			rule(QUIET, seat[n] == 0 || !dead[n]);
			killed[n] = true
		}
		n = 0;
		phase = 1
	}
	_nr_pr == 1;
	d_step {
		check_members();
		rule(QUIET, runner == NONE && nr_acting == 0 && nr_queued == 0);
		rule(QUIET, seats == 0 && nr_missing == 0 && nr_there == 0)
	}
}
