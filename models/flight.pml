/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a flight call: kmod/flight_call.c, flight_handover.c, flight_follow.c, with
 * JOIN and FINISH of flight_join.c and flight.c.
 *
 * N threads, each a process if OWN1 does not say otherwise, JOIN one key ROUNDS
 * times. Who leads may FINISH, ABANDON, FORGET its own call, or die. At any point a
 * follower may time out or be interrupted (TIMEOUTS, ...: how often in all), a
 * leader may not learn that it leads (FAULTS), a process may be killed, another
 * thread may close its descriptor, anybody may FORGET the key.
 *
 * A call has a lock of its own, but its table is read without it, and what an owner
 * leads is read under the owner's lock only. So a section under the call's lock is
 * as many steps as others can tell apart: d_steps between taking and giving
 * locked[]. A section that touches nothing but the call is one. Settling is a step
 * for each waiter. That a waiter sleeps and wakes is waiter.pml's; that a call found
 * under RCU may be another one by now is call.pml's.
 *
 * init looks when nothing can happen any more without it: then nobody may be
 * waiting, and every call must be gone.
 *
 * run: finish, abandon, die	-DTIMEOUTS=1 -DSIGNALS=1
 * run: killed			-DKILL=0 -DKILL2=1
 * run: killed while it is promoted, and times out	-DKILL=0 -DTIMEOUTS=2
 * run: closed			-DCLOSE=0 -DTIMEOUTS=1
 * run: closed twice		-DCLOSE=0 -DCLOSE2=1
 * run: closed and killed	-DCLOSE=0 -DKILL=1
 * run: nobody hears of leading	-DFAULTS=2 -DKILL=0
 * run: no hand-over		-DLIMIT=0 -DKILL=0 -DFAULTS=1 -DTIMEOUTS=1
 * run: two hand-overs		-DLIMIT=2 -DKILL=0
 * run: forget			-DFORGETS=1 -DTIMEOUTS=1
 * run: forget, killed		-DFORGETS=1 -DKILL=0
 * run: forget, closed, join again	-DFORGETS=1 -DCLOSE=0 -DROUNDS=2 -DN=2 -DCALLS=5
 * run: forget, join again	-DFORGETS=2 -DROUNDS=2 -DN=2
 * run: one that would not lead	-DBYSTANDER=2 -DKILL=0 -DTIMEOUTS=1
 * run: two of one process, closed	-DOWN1=0 -DCLOSE=0
 * run: two of one process, forget	-DOWN1=0 -DFORGETS=1
 * run: no join runs for ever	-DFORGETS=1 -DCLOSE=0 -DTIMEOUTS=1 -DN=2	cycle
 *
 * break: FORGET takes it off the table first	-DFORGET_TABLE_FIRST -DOWN1=0 -DFORGETS=1	F1
 * break: a dead follower is promoted		-DPROMOTE_DEAD -DCLOSE=0	W2
 * break: a promoted follower may leave		-DLEAVE_TAKEN -DTIMEOUTS=1	F12
 * break: who is told of a result may leave	-DLEAVE_DONE -DTIMEOUTS=1	T2
 * break: it leads first and is marked dead then	-DDEAD_LATE -DCLOSE=0	W2
 * break: a killed leader keeps quiet		-DNO_FATAL_CHECK -DKILL=0	F6
 * break: a fault keeps the lead		-DKEEP_FAULTED -DFAULTS=1	QUIET
 * break: the last to come is promoted		-DPROMOTE_LAST	F6
 * break: all followers are promoted		-DPROMOTE_ALL -DLIMIT=2	F6
 * break: hand-overs have no end		-DNO_LIMIT	F6
 * break: an ended call stays in the table	-DEND_LISTED	FREE
 * break: it is followed though it has left	-DFOLLOW_UNLISTED -DFORGETS=1	F4
 * break: FINISH goes by key only		-DFINISH_BY_KEY -DFORGETS=1	F4
 * break: two calls are begun			-DINSERT_ALWAYS	F1
 * break: a forgotten call loses its leader's list	-DFORGET_LOSES -DFORGETS=1	F1
 * break: a call is put once too often		-DPUT_TWICE	FREE
 * break: what is led is not handed over at exit	-DNO_DROP_LED	QUIET
 * break: the eldest is taken for the one that is meant	-DELDEST_ANY -DOWN1=0 -DFORGETS=1	QUIET
 * break: a forgotten call stays in the table	-DFORGET_STAYS -DFORGETS=1 -DN=2	cycle
 */
#include "rules.h"

hidden byte F1 = 1;		/* one leads, and may FINISH; all get what it said */
hidden byte F4 = 1;		/* a forgotten call and the new one do not meet */
hidden byte F6 = 1;		/* one follower leads on, in order, so many times */
hidden byte F12 = 1;		/* who leads does not leave as if it did not */
hidden byte T2 = 1;		/* who is told of the end does not leave without */
hidden byte W2 = 1;		/* the dead lead nothing */
hidden byte QUIET = 1;		/* nobody waits for nothing */
hidden byte FRAME = 1;		/* nobody touches a waiter that is gone */
hidden byte FREE = 1;		/* nor a call */

#ifndef N
#define N 3
#endif
#ifndef LIMIT
#define LIMIT 1		/* of hand-overs */
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
#ifndef FORGETS
#define FORGETS 0
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef BYSTANDER
#define BYSTANDER NONE
#endif
#define own(i) ((i) == 1 -> OWN1 : (i))

/* One for each process and the table, as a rule; pan says if that is too few. */
#ifndef CALLS
#define CALLS (N + 1)
#endif

mtype = { LEADS, RESULT, EOWNERDEAD, ETIMEDOUT, ERESTART, EBADF, EEXIST, ENOENT,
	  EPERM, EFAULT, WAITING, LEFT };

/* struct muster_flight */
byte table = NONE;

/* struct flight_call; followers and bystanders are sets */
bool used[CALLS];
byte refs[CALLS];
bool locked[CALLS];
bool listed[CALLS];
bool done[CALLS];
byte leader[CALLS];
byte token[CALLS];
byte handovers_left[CALLS];
byte followers[CALLS];
byte bystanders[CALLS];
byte result[CALLS];	/* the token of who said FINISH */

/* struct flight_owner: sets of calls; elder tells the order of those led */
byte led[N];
byte elder[CALLS];
byte forgotten[N];
bool dead[N];

/* struct flight_waiter; before tells the order of the list */
#define OUT 0
#define QUEUED 1
#define TAKEN 2
#define SETTLED 3
byte state[N];
byte before[N];
mtype verdict[N];
byte my_token[N];

byte timeouts = TIMEOUTS, signals = SIGNALS, faults = FAULTS, forgets = FORGETS;
bool killed[N];
byte threads[N];	/* of each process */
byte phase;

/*
 * For the checks: how many leaders of a call came to know of it, does the current
 * one; whose descriptor was closed by another thread.
 */
byte learned[CALLS];
bool told[CALLS];
bool closed[N];

hidden byte k, who;
hidden byte was_dead;

#define LOCALS			\
	byte c = NONE, going;	\
	bool over, ended, mine

/* ---- references and the table ---- */

inline free_call(c)
{
	rule(FREE, !locked[c] && table != c && leader[c] == NONE);
	rule(FREE, followers[c] == 0 && bystanders[c] == 0);
	used[c] = false;
	listed[c] = false;
	done[c] = false;
	token[c] = 0;
	handovers_left[c] = 0;
	result[c] = 0;
	learned[c] = 0;
	told[c] = false
}

/* flight_call_put() */
inline drop_ref(c)
{
	rule(FREE, used[c] && refs[c] > 0);
	refs[c]--;
	if
	:: refs[c] == 0 -> free_call(c)
	:: else
	fi
}

inline put(c)
{
	drop_ref(c);
	c = NONE
}

/* flight_find(): what is in the table has references */
inline find(c)
{
	c = table;
	if
	:: c != NONE ->
		rule(FREE, used[c]);
		/* refcount_inc_not_zero() */
		if
		:: refs[c] == 0 -> c = NONE
		:: else -> refs[c]++
		fi
	:: else
	fi
}

inline unlist(c)
{
	if
	:: listed[c] ->
		rule(FREE, table == c);
		listed[c] = false;
#ifndef END_LISTED
		table = NONE
#endif
	:: else ->
#ifdef FORGET_STAYS
		table = (table == c -> NONE : table)
#endif
	fi
}

/* A section under the call's lock ends. */
inline unlock(c)
{
	rule(F1, done[c] || (leader[c] != NONE && in_set(led[leader[c]], c)));
	rule(F1, done[c] || listed[c] || in_set(forgotten[leader[c]], c));
	locked[c] = false
}

/* ---- leaders ---- */

#define known(t) (token[0] == (t) || token[1] == (t) || token[2] == (t) ||	\
		  token[CALLS - 1] == (t) || token[CALLS - 2] == (t) ||		\
		  my_token[0] == (t) || my_token[1] == (t) ||			\
		  my_token[N - 2] == (t) || my_token[N - 1] == (t))

/* flight_attach() of an owner that is not dead; owner->lock is held */
inline attach(c, i)
{
	rule(F6, leader[c] == NONE);
	rule(W2, !dead[own(i)]);
	leader[c] = own(i);
	k = 1;
	do
	:: known(k) -> k++
	:: else -> break
	od;
	token[c] = k;
	my_token[i] = k;
	elder[c] = led[own(i)];
	led[own(i)] = led[own(i)] | bit_of(c);
	if
	:: listed[c]
	:: else -> forgotten[own(i)] = forgotten[own(i)] | bit_of(c)
	fi
}

/* flight_detach() */
inline detach(c)
{
	told[c] = false;
	led[leader[c]] = led[leader[c]] & (bit_of(c) ^ 255);
	elder[c] = 0;
	for (k : 0 .. CALLS - 1) {
		elder[k] = elder[k] & (bit_of(c) ^ 255)
	}
	k = 0;
	if
	:: listed[c]
	:: else -> forgotten[leader[c]] = forgotten[leader[c]] & (bit_of(c) ^ 255)
	fi;
	leader[c] = NONE
}

/* ---- followers ---- */

/* Nobody comes after @i any more. */
inline unorder(i)
{
	for (k : 0 .. N - 1) {
		before[k] = before[k] & (bit_of(i) ^ 255)
	}
	k = 0
}

inline take_out(i, how)
{
	rule(FRAME, state[i] == QUEUED);
	state[i] = TAKEN;
	verdict[i] = how;
	unorder(i);
	before[i] = 0;
	going = going | bit_of(i)
}

inline take_all(set, how)
{
	who = 0;
	do
	:: who < N ->
		if
		:: in_set(set, who) -> take_out(who, how)
		:: else
		fi;
		who++
	:: else -> break
	od;
	set = 0
}

/* muster_settle() of one */
inline settle_one()
{
	k = 0;
	do
	:: !in_set(going, k) -> k++
	:: else -> break
	od;
	rule(FRAME, state[k] == TAKEN);
	state[k] = SETTLED;
	going = going & (bit_of(k) ^ 255)
}

/* The rest of flight_unlock(), and of its callers: they have a reference, too */
inline settle_and_put()
{
	do
	:: going == 0 -> break
	:: else -> d_step { settle_one() }
	od;
	atomic {
		if
		:: ended -> drop_ref(c)
		:: else
		fi;
#ifdef PUT_TWICE
		drop_ref(c);
#endif
		drop_ref(c);
		c = NONE;
		ended = false;
		mine = false;
		over = false
	}
}

/* flight_end() and flight_unlock() */
inline end(c, how)
{
	unlist(c);
	take_all(followers[c], how);
	take_all(bystanders[c], how);
	done[c] = true;
	ended = true;
	unlock(c)
}

/* The first in the list */
inline front(set)
{
	who = 0;
	do
#ifdef PROMOTE_LAST
	:: !in_set(set, who) || (who < N - 1 && (set >> (who + 1)) > 0 &&
		before[who] != (set & (bit_of(who) ^ 255))) -> who++
#else
	:: !in_set(set, who) || before[who] != 0 -> who++
#endif
	:: else -> break
	od
}

#define may_promote(c, counted)	\
	(followers[c] != 0 && (!(counted) || handovers_left[c] > 0))

/* flight_hand_over(); the call is locked and detached */
inline hand_over(c, counted)
{
	over = false;
	do
	:: over -> break
	:: else -> d_step {
		if
		:: !may_promote(c, counted) ->
			rule(F6, followers[c] == 0 || (counted && handovers_left[c] == 0));
			end(c, EOWNERDEAD);
			over = true
		:: else ->
			front(followers[c]);
			rule(F6, before[who] == 0);
			followers[c] = followers[c] & (bit_of(who) ^ 255);
			was_dead = dead[own(who)];
#ifdef PROMOTE_DEAD
			was_dead = false;
#endif
			if
			:: was_dead -> take_out(who, EBADF)
			:: else ->
				take_out(who, LEADS);
				attach(c, who);
#ifndef NO_LIMIT
				if
				:: counted -> handovers_left[c]--
				:: else
				fi;
#endif
#ifdef PROMOTE_ALL
				over = (followers[c] == 0);
#else
				over = true;
#endif
				if
				:: over -> unlock(c)
				:: else
				fi
			fi
		fi;
		was_dead = false;
		who = 0
	}
	od
}

/* flight_find_eldest() */
inline find_eldest(i)
{
	c = 0;
	do
	:: c < CALLS && !(in_set(led[own(i)], c) && elder[c] == 0) -> c++
	:: else -> break
	od;
	if
#ifdef ELDEST_ANY
	:: c < CALLS ->
#else
	:: c < CALLS && token[c] == my_token[i] ->
#endif
		rule(FREE, used[c] && refs[c] > 0);
		refs[c]++
	:: else -> c = NONE
	fi
}

/* flight_find_led() */
inline find_led(i)
{
#ifdef FINISH_BY_KEY
	d_step { find(c) }
#else
	d_step { find_eldest(i) }	/* owner->lock */
	if
	:: c != NONE
	:: else -> d_step {
		if
		:: table != NONE && token[table] == my_token[i] -> find(c)
		:: else
		fi
	}
	fi;
#endif
	if
	:: c != NONE
	:: else -> d_step {	/* owner->lock */
		c = 0;
		do
		:: c < CALLS && !(in_set(forgotten[own(i)], c) &&
				  token[c] == my_token[i]) -> c++
		:: else -> break
		od;
		if
		:: c == CALLS ->
			c = NONE;
			for (k : 0 .. CALLS - 1) {
				rule(F1, !(used[k] && !done[k] &&
					   leader[k] == own(i) &&
					   token[k] == my_token[i]))
			}
			k = 0
		:: else ->
			rule(FREE, used[c] && refs[c] > 0);
			refs[c]++
		fi
	}
	fi
}

#define leads(c, i) (leader[c] == own(i) && token[c] == my_token[i])

/* flight_complete() */
inline complete(i)
{
	find_led(i);
	if
	:: c == NONE
	:: else ->
		d_step {
			!locked[c] ->
#ifdef FINISH_BY_KEY
			mine = (leader[c] != NONE);
			rule(F4, !mine || leads(c, i));
#else
			mine = leads(c, i);
#endif
			if
			:: mine ->
				locked[c] = true;
				result[c] = token[c];
				detach(c)
			:: else
			fi;
			my_token[i] = 0
		}
		if
		:: mine -> d_step { end(c, RESULT) }
		:: else
		fi;
		settle_and_put()
	fi
}

/* flight_give_up() */
inline give_up(i, counted)
{
	find_led(i);
	if
	:: c == NONE
	:: else ->
		d_step {
			!locked[c] ->
			mine = leads(c, i);
			if
			:: mine ->
				locked[c] = true;
				/* F6: only who knew of it counts. */
				rule(F6, (counted) == told[c]);
				detach(c)
			:: else
			fi;
			my_token[i] = 0
		}
		if
		:: mine -> hand_over(c, counted)
		:: else
		fi;
		settle_and_put()
	fi
}

/* flight_drop_led() */
inline drop_led(o)
{
	do
	:: d_step {
		/* flight_first_led(), owner->lock */
		led[o] != 0 ->
		c = 0;
		do
		:: !in_set(led[o], c) -> c++
		:: else -> break
		od;
		rule(FREE, used[c] && refs[c] > 0);
		refs[c]++
	}
		d_step {
			!locked[c] ->
			mine = (leader[c] == o);
			if
			:: mine ->
				locked[c] = true;
				/* F6, but for a close() before it knew */
				rule(F6, told[c] || closed[o]);
				detach(c)
			:: else
			fi
		}
		if
		:: mine -> hand_over(c, true)
		:: else
		fi;
		settle_and_put()
	:: d_step { led[o] == 0 -> skip } -> break
	od
}

/* muster_owner_drop() and flight_owner_drop() */
inline owner_drop(o)
{
#ifdef DEAD_LATE
	drop_led(o);
	atomic {
		dead[o] = true;
		rule(W2, led[o] == 0)
	}
#else
	atomic {
		drops = !dead[o];
		dead[o] = true
	}
	if
	:: drops ->
		drops = false;
#ifndef NO_DROP_LED
		drop_led(o);
		rule(W2, led[o] == 0)
#endif
	:: else
	fi
#endif
}

/* flight_forget() */
inline forget()
{
	d_step { find(c) }
	if
	:: c == NONE
	:: else ->
		d_step {
			!locked[c] ->
			mine = listed[c];
			if
			:: mine ->
				locked[c] = true;
#ifdef FORGET_TABLE_FIRST
				unlist(c)
#elif !defined(FORGET_LOSES)
				forgotten[leader[c]] = forgotten[leader[c]] | bit_of(c)
#endif
			:: else -> put(c)
			fi
		}
		if
		:: mine -> d_step {
#ifdef FORGET_TABLE_FIRST
			forgotten[leader[c]] = forgotten[leader[c]] | bit_of(c);
#elif defined(FORGET_STAYS)
			listed[c] = false;
#else
			unlist(c);
#endif
			unlock(c);
			mine = false;
			put(c)
		}
		:: else
		fi
	fi
}

/* ---- JOIN ---- */

/*
 * muster_wait() is over. JOIN puts its call only later; this is the earliest that
 * it might, so who needs the reference must have one of its own.
 */
inline gone(i)
{
	rule(F1, err != RESULT || (done[c] && result[c] != 0));
	state[i] = OUT;
	verdict[i] = 0;
	put(c)
}

/* flight_leave() */
inline leave(i, why)
{
#ifdef LEAVE_TAKEN
	left = (!done[c]);
	rule(F12, !left || state[i] == QUEUED);
#elif defined(LEAVE_DONE)
	left = (state[i] == QUEUED || verdict[i] == RESULT || verdict[i] == EOWNERDEAD);
	rule(T2, !left || state[i] == QUEUED);
#else
	left = (state[i] == QUEUED);
#endif
	if
	:: left ->
		followers[c] = followers[c] & (bit_of(i) ^ 255);
		bystanders[c] = bystanders[c] & (bit_of(i) ^ 255);
		unorder(i);
		before[i] = 0;
		err = why;
		gone(i);
		left = false
	:: else		/* its verdict is on the way */
	fi
}

#define may_leave(i) (state[i] != SETTLED && !locked[c])

/* muster_wait() */
inline wait(i)
{
	do
	:: err != WAITING -> break
	:: d_step { err == WAITING && state[i] == SETTLED -> err = verdict[i]; gone(i) }
	:: d_step { err == WAITING && may_leave(i) && timeouts > 0 ->
		timeouts--;
		leave(i, ETIMEDOUT)
	}
	:: d_step { err == WAITING && may_leave(i) && signals > 0 ->
		signals--;
		leave(i, ERESTART)
	}
	:: d_step { err == WAITING && state[i] == QUEUED && !locked[c] &&
		    (killed[own(i)] || dead[own(i)]) ->
		leave(i, EBADF)
	}
	od
}

/* flight_begin(), up to the lock's being given */
inline begin(i)
{
	d_step {
		/* flight_call_alloc(); owner->lock in flight_attach() */
		if
		:: dead[own(i)] -> err = EBADF
		:: else ->
			err = 0;
			c = 0;
			do
			:: used[c] -> c++
			:: else -> break
			od;
			used[c] = true;
			refs[c] = 1;
			locked[c] = true;
			listed[c] = true;
			leader[c] = NONE;
			handovers_left[c] = LIMIT;
			attach(c, i)
		fi
	}
	if
	:: err == EBADF
	:: else -> d_step {
		if
#ifndef INSERT_ALWAYS
		:: table != NONE ->
			detach(c);
			my_token[i] = 0;
			locked[c] = false;
			put(c);
			err = EEXIST
#endif
		:: else ->
			rule(F1, table == NONE);
			table = c;
			unlock(c);
			err = LEADS;
			c = NONE
		fi
	}
	fi
}

/* flight_follow(), up to muster_wait() */
inline follow(i)
{
	d_step {
		!locked[c] ->
#ifdef FOLLOW_UNLISTED
		if
		:: false
#else
		if
		:: !listed[c] -> put(c); err = EEXIST
#endif
		:: else ->
			rule(F4, table == c && !done[c]);
			if
			:: i == BYSTANDER -> bystanders[c] = bystanders[c] | bit_of(i)
			:: else ->
				before[i] = followers[c];
				followers[c] = followers[c] | bit_of(i)
			fi;
			state[i] = QUEUED;
			err = WAITING
		fi
	}
}

/* flight_join_owner(), and flight_deliver() to a follower */
inline join(i)
{
	err = EEXIST;
	do
	:: err != EEXIST -> break
	:: else ->
		d_step { find(c) }
		if
		:: c == NONE && i == BYSTANDER -> err = ENOENT
		:: c == NONE && i != BYSTANDER -> begin(i)
		:: else ->
			follow(i);
			wait(i)
		fi
	od
}

/* The leader comes back to user space and knows. */
inline learn(i)
{
	for (k : 0 .. CALLS - 1) {
		if
		:: used[k] && leads(k, i) ->
			told[k] = true;
			learned[k]++;
			rule(F6, learned[k] <= LIMIT + 1)
		:: else
		fi
	}
	k = 0
}

/* flight_tell_leader() */
inline tell(i)
{
#if FAULTS > 0
	if
	:: true
	:: d_step { faults > 0 -> faults--; err = EFAULT }
	fi;
#endif
	d_step {
		if
		:: err == EFAULT
		:: err == LEADS && killed[own(i)] -> err = EFAULT
		:: else -> learn(i)
		fi
	}
	if
	:: err == EFAULT ->
#if defined(KEEP_FAULTED)
		skip
#elif defined(NO_FATAL_CHECK)
		dies = true
#else
		give_up(i, false)
#endif
	:: else
	fi
}

/* What one does who leads; to be killed is to die, too */
inline lead(i)
{
	tell(i);
	if
	:: err == EFAULT
	:: else ->
		if
		:: true -> complete(i)
		:: true -> give_up(i, true)
		:: true -> dies = true
#if FORGETS > 0
		:: d_step { forgets > 0 -> forgets-- };
			forget();
			complete(i)
#endif
		fi
	fi
}

proctype thread(byte i)
{
	LOCALS;
	byte round;
	mtype err;
	bool left, drops, dies;

	do
	:: round == ROUNDS || dies -> break
	:: else ->
		round++;
		join(i);
		if
		:: err == LEADS -> lead(i)
		:: err == ERESTART -> round--
		:: else
		fi;
		err = 0
	od;
	/*
	 * The process lives on for a while, unless it dies; its last thread takes it
	 * along. In the end it holds nothing: init has seen to that.
	 */
	atomic {
		phase > 0 || dies || killed[own(i)];
		my_token[i] = 0;
		killed[own(i)] = killed[own(i)] || dies;
		threads[own(i)]--;
		dies = (threads[own(i)] == 0 && phase == 0)
	}
	if
	:: dies -> owner_drop(own(i))
	:: else
	fi
}

/* ---- others ---- */

#if FORGETS > 0
proctype forgetting()
{
	LOCALS;

	do
	:: d_step { forgets > 0 -> forgets-- };
		forget()
	:: d_step { forgets == 0 -> skip } -> break
	od
}
#endif

#ifdef CLOSE
/* Other threads of some processes close their descriptors. */
proctype close()
{
	LOCALS;
	byte i = CLOSE;
	bool drops;

	do
	:: i == NONE -> break
	:: else ->
		closed[own(i)] = true;
		owner_drop(own(i));
#ifdef CLOSE2
		i = (i == CLOSE -> CLOSE2 : NONE)
#else
		i = NONE
#endif
	od
}
#endif

#ifdef KILL
proctype kill()
{
	killed[own(KILL)] = true;
#ifdef KILL2
	killed[own(KILL2)] = true
#endif
}
#endif

inline check_quiet()
{
	rule(QUIET, table == NONE);
	for (k : 0 .. CALLS - 1) {
		rule(QUIET, !used[k])
	}
	for (k : 0 .. N - 1) {
		rule(QUIET, state[k] == OUT && led[k] == 0 && forgotten[k] == 0)
	}
	k = 0
}

init {
	byte n;

	d_step {
		for (n : 0 .. N - 1) {
			threads[own(n)]++
		}
		for (n : 0 .. CALLS - 1) {
			leader[n] = NONE
		}
		n = 0
	}
	atomic {
		for (n : 0 .. N - 1) {
			run thread(n)
		}
		n = 0;
#if FORGETS > 0
		run forgetting();
#endif
#ifdef CLOSE
		run close();
#endif
#ifdef KILL
		run kill();
#endif
	}
	timeout;
	d_step { check_quiet(); phase = 1 };
	_nr_pr == 1;
	d_step { check_quiet() }
}
