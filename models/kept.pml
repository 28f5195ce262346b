/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Results that are kept, and stale ones while somebody refreshes them (F7, F8):
 * kmod/flight_kept.c, and what of flight_call.c, flight_follow.c and flight_join.c
 * calls it.
 *
 * N threads, each a process, JOIN a key ROUNDS times; -DOTHER=i has one of its own. Who
 * leads may FINISH and have the result kept, FINISH with one that is not, or with a
 * failure, ABANDON, or die; FAULTS: it may not learn that it leads. Anybody may FORGET
 * the key (FORGETS), somebody else of the same user may need room (EVICTS). Each result is
 * of one byte, and the user may keep BYTES. KEPT: there is one from the start, fresh,
 * or with KEPT=GRACE to be refreshed.
 *
 * Time is a process that makes single calls older (TICKS): what is fresh is for
 * refreshing then, and then too old; with AGED what is led is to be forgotten. That is
 * more than a clock can do, so what holds here holds for any times that FINISH gives.
 *
 * As in flight.pml, which has the rest of the life of a call, a section under the call's
 * lock is as many steps as others can tell apart, above all where it takes the lock of
 * the stale call as well. That a leader finds its call, and how many followers leave, is
 * flight.pml's. So to die is to ABANDON here, and to do no more.
 *
 * init looks when nothing can happen any more without it: then nobody may be waiting,
 * what is in the table is kept, and what is kept is charged. Then it does as
 * flight_calls_destroy() does, and nothing may be left.
 *
 * run: keep, fail, abandon, die		-DN=3
 * run: keep, time passes			-DTICKS=2 -DROUNDS=2
 * run: refresh				-DKEPT=GRACE -DN=3
 * run: refresh, time passes		-DKEPT=FRESH -DTICKS=2
 * run: refresh, hand-over, no more hand-over	-DKEPT=GRACE -DTICKS=1 -DLIMIT=1 -DN=3
 * run: refresh, nobody hears of leading	-DKEPT=GRACE -DFAULTS=2
 * run: refresh, forget			-DKEPT=GRACE -DFORGETS=1
 * run: refresh, forget twice		-DKEPT=GRACE -DFORGETS=2 -DCALLS=5
 * run: refresh, forget, time passes	-DKEPT=GRACE -DFORGETS=1 -DTICKS=1
 * run: refresh, evict			-DKEPT=GRACE -DEVICTS=1
 * run: refresh, evict, join again	-DKEPT=GRACE -DEVICTS=1 -DROUNDS=2 -DCALLS=5
 * run: refresh with room for one		-DKEPT=GRACE -DBYTES=1
 * run: refresh with room for one, forget	-DKEPT=GRACE -DBYTES=1 -DFORGETS=1
 * run: no room				-DBYTES=0 -DROUNDS=2
 * run: two keys, room for one		-DKEPT=GRACE -DOTHER=1 -DBYTES=1
 * run: two keys, room for two, time passes	-DKEPT=FRESH -DOTHER=1 -DBYTES=2 -DTICKS=1
 * run: one that would not lead		-DKEPT=FRESH -DBYSTANDER=1 -DTICKS=2
 * run: one that would not lead, forget	-DKEPT=GRACE -DBYSTANDER=1 -DFORGETS=1
 * run: one that wants it fresh		-DKEPT=GRACE -DFRESHER=1 -DTICKS=1
 * run: forgotten by age			-DKEPT=GRACE -DAGED -DTICKS=1
 * run: forgotten by age, and by FORGET	-DKEPT=GRACE -DAGED -DTICKS=1 -DFORGETS=1
 * run: once				-DONCE -DROUNDS=2
 * run: once, hand-over			-DONCE -DN=3
 * run: nobody runs for ever, forget	-DKEPT=GRACE -DFORGETS=1	cycle
 * run: nobody runs for ever, evict	-DKEPT=GRACE -DEVICTS=1	cycle
 * run: nobody runs for ever, time passes	-DKEPT=GRACE -DTICKS=1	cycle
 *
 * break: FORGET does not look again		-DFORGET_ONCE -DKEPT=GRACE -DFORGETS=1	F8_FORGET
 * break: a forgotten call brings the stale one back	-DRESTORE_FORGOTTEN -DKEPT=GRACE -DFORGETS=1 -DBYSTANDER=1	F8_FORGET
 * break: a forgotten call is kept		-DKEEP_FORGOTTEN -DFORGETS=1	F8_STALE
 * break: two refresh it			-DREPLACE_UNCHECKED -DKEPT=GRACE	F1
 * break: it is refreshed out, then in		-DREPLACE_IN_STEPS -DKEPT=GRACE	F8_STALE
 * break: all wait for who refreshes		-DNO_STALE_ANSWER -DKEPT=GRACE	F8_STALE
 * break: a failure loses the old one		-DNO_RESTORE -DKEPT=GRACE	F8_STALE
 * break: what was evicted comes back		-DRESTORE_DROPPED -DKEPT=GRACE -DEVICTS=1	F8_KEPT
 * break: what was evicted is served		-DSERVE_DROPPED -DKEPT=GRACE -DEVICTS=1	F8_KEPT
 * break: what is too old is served		-DSERVE_OLD -DKEPT=GRACE -DTICKS=1	F8_KEPT
 * break: what was replaced is served		-DSERVE_UNLISTED -DKEPT=GRACE	F8_KEPT
 * break: the old one is back beside the new one	-DRESTORE_ALWAYS -DKEPT=GRACE -DBYSTANDER=1	F8_NEW
 * break: the old one is not dropped		-DKEEP_BOTH -DKEPT=GRACE	FREE
 * break: a fresh one is asked for in vain	-DTAKE_KEPT -DKEPT=FRESH -DFRESHER=1	F8_FRESH
 * break: a failure is kept			-DKEEP_FAILURE	F8_FAILURE
 * break: who evicts puts what is refreshed	-DEVICT_PUTS -DKEPT=GRACE -DEVICTS=1	FREE
 * break: what is not kept stays charged	-DNO_UNCHARGE -DFORGETS=1	CHARGE
 * break: it is charged after it is kept	-DCHARGE_LATE -DKEPT=GRACE -DBYTES=1	BOUND
 * break: the newest is evicted		-DEVICT_NEWEST -DKEPT=FRESH -DOTHER=1 -DEVICTS=1	OLDEST
 * break: a call is followed past its age	-DFOLLOW_AGED -DAGED -DTICKS=1	F7
 * break: once is done again			-DONCE -DONCE_DROPS -DROUNDS=2	G5A
 * break: what is refreshed is counted as a call	-DCOUNT_REFRESHED -DKEPT=GRACE	COUNT
 * break: what is too old is not dropped	-DKEEP_OLD -DKEPT=GRACE -DTICKS=1	cycle
 * break: FORGET takes what is kept for what has left	-DFORGET_LED -DKEPT=GRACE -DFORGETS=1	cycle
 * break: too old a call stays in the table	-DKEEP_AGED -DAGED -DTICKS=1	cycle
 */
#include "rules.h"

hidden byte F1 = 1;		/* one leads, in the table is no more than one */
hidden byte F4 = 1;		/* who follows does so until the end, and no longer */
hidden byte F7 = 1;		/* too old a call is not followed */
hidden byte F8_KEPT = 1;	/* who gets what is kept gets what is, and not too old */
hidden byte F8_FORGET = 1;	/* and was not forgotten before it asked */
hidden byte F8_NEW = 1;		/* nor replaced by a newer one that was handed in */
hidden byte F8_STALE = 1;	/* while one refreshes it, it is to be had, and after */
hidden byte F8_FRESH = 1;	/* who would not have what is kept does not get it */
hidden byte F8_FAILURE = 1;	/* failures are not kept */
hidden byte G5A = 1;		/* what is kept for ever is done once */
hidden byte OLDEST = 1;		/* the oldest makes room */
hidden byte BOUND = 1;		/* no more is kept than may be */
hidden byte CHARGE = 1;		/* and charged is what is kept */
hidden byte COUNT = 1;		/* STAT counts as calls what can be followed */
hidden byte QUIET = 1;		/* nobody waits for nothing, nothing is left */
hidden byte FREE = 1;		/* nobody touches a call that is gone */

#ifndef N
#define N 2
#endif
#ifndef LIMIT
#define LIMIT 3		/* of hand-overs */
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef BYTES
#define BYTES 3
#endif
#ifndef TICKS
#define TICKS 0
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef FORGETS
#define FORGETS 0
#endif
#ifndef EVICTS
#define EVICTS 0
#endif
#ifndef BYSTANDER
#define BYSTANDER NONE
#endif
#ifndef FRESHER
#define FRESHER NONE
#endif
#ifndef OTHER
#define OTHER NONE
#define KEYS 1
#else
#define KEYS 2
#endif
#define key_of(i) ((i) == OTHER -> 1 : 0)

/* What is kept, what is led, and what is forgotten; pan says if that is too few. */
#ifndef CALLS
#define CALLS (N + 2)
#endif

mtype = { LEADS, RESULT, SERVED, EOWNERDEAD, EEXIST, ENOENT, ESTALE, AGAIN, WAITING };

/* What is led is of this age from AGED on; what is kept no more is OLD. */
#define FRESH 0
#define GRACE 1
#define OLD 2

/* struct muster_flight; kept and refreshed are its counters */
byte table[KEYS];
byte nr_listed, nr_kept, nr_refreshed;
byte tokens;

/* struct flight_call; followers and bystanders are sets */
bool used[CALLS];
byte refs[CALLS];
bool locked[CALLS];
bool listed[CALLS];
bool done[CALLS];
bool kept[CALLS];
byte key[CALLS];
byte leader[CALLS];
byte token[CALLS];
byte handovers_left[CALLS];
byte followers[CALLS];
byte bystanders[CALLS];
bool failed[CALLS];
byte age[CALLS];
byte stale[CALLS];

/* struct muster_kept: what was kept before it and still is; struct muster_user */
byte older[CALLS];
byte charged;

/* struct flight_waiter; before tells the order of the list */
byte before[N];
mtype verdict[N];
byte my_token[N];

byte ticks = TICKS, faults = FAULTS, forgets = FORGETS, evicts = EVICTS;
byte phase;

/*
 * For the checks, by key: the token of the latest that was kept; of the latest that was
 * handed in, so that FINISH has returned; up to which FORGET has returned; how often it
 * was done.
 */
byte last_kept[KEYS];
byte newest[KEYS];
byte forgot[KEYS];
byte did[KEYS];
/* It was replaced, and is about to be dropped. */
bool doomed[CALLS];

hidden byte k, who;

#define LOCALS					\
	byte c = NONE, gone = NONE, e = NONE;	\
	bool mine, keep, paid

#define to_be_had(c) (kept[c] && age[c] < OLD)

/* ---- references and the table ---- */

inline free_call(c)
{
	rule(FREE, !locked[c] && !listed[c] && leader[c] == NONE && !kept[c]);
	rule(FREE, followers[c] == 0 && bystanders[c] == 0 && stale[c] == NONE);
	used[c] = false;
	done[c] = false;
	key[c] = 0;
	token[c] = 0;
	handovers_left[c] = 0;
	failed[c] = false;
	age[c] = 0;
	doomed[c] = false
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

/* flight_find() */
inline find(c, y)
{
	c = table[y];
	if
	:: c != NONE ->
		rule(FREE, used[c] && refs[c] > 0);
		refs[c]++
	:: else
	fi
}

/* flight_unlist() */
inline unlist(c)
{
	if
	:: listed[c] ->
		listed[c] = false;
		rule(F1, table[key[c]] == c);
		table[key[c]] = NONE;
		nr_listed--
	:: else
	fi
}

/* flight_leads() */
#define leads(c, i) (used[c] && leader[c] == (i) && token[c] == my_token[i])

/* flight_find_led(); who dies finds what it leads in the same way */
inline find_led(c, i)
{
	c = 0;
	do
	:: c < CALLS && !leads(c, i) -> c++
	:: else -> break
	od;
	rule(F1, c < CALLS);
	rule(FREE, refs[c] > 0);
	refs[c]++
}

/* flight_next_token() */
inline next_token(c, i)
{
	leader[c] = i;
	tokens++;
	token[c] = tokens;
	my_token[i] = tokens
}

/* ---- what is kept ---- */

/* flight_kept_add() */
inline kept_add(c)
{
	rule(F8_FAILURE, !failed[c]);
	rule(BOUND, charged <= BYTES && nr_kept < BYTES);
	kept[c] = true;
	age[c] = FRESH;
	older[c] = 0;
	for (k : 0 .. CALLS - 1) {
		if
		:: k != c && kept[k] -> older[c] = older[c] | bit_of(k)
		:: else
		fi
	}
	k = 0;
	nr_kept++;
	last_kept[key[c]] = token[c]
}

/* flight_kept_drop() of one that is kept; @was: it was in the table */
inline kept_drop(c, was)
{
	rule(F8_KEPT, kept[c]);
	was = listed[c];
	kept[c] = false;
	age[c] = OLD;
	older[c] = 0;
	for (k : 0 .. CALLS - 1) {
		older[k] = older[k] & (bit_of(c) ^ 255)
	}
	k = 0;
	charged--;
	nr_kept--;
#ifndef COUNT_REFRESHED
	if
	:: was
	:: else -> nr_refreshed--
	fi;
#endif
	unlist(c)
}

/* flight_oldest_kept() */
inline oldest(e)
{
	e = 0;
	do
#ifdef EVICT_NEWEST
	:: e < CALLS && !(kept[e] && (older[0] | older[1] | older[2] | older[CALLS - 1]) &
				     bit_of(e) == 0) -> e++
#else
	:: e < CALLS && !(kept[e] && older[e] == 0) -> e++
#endif
	:: else -> break
	od;
	if
	:: e == CALLS ->
		e = NONE;
		rule(OLDEST, nr_kept == 0)
	:: else ->
		rule(OLDEST, older[e] == 0);
		rule(FREE, used[e] && refs[e] > 0);
		refs[e]++
	fi
}

/* flight_evict(); @e is NONE after it if there was none */
inline evict()
{
	d_step { oldest(e) }
	if
	:: e == NONE
	:: else ->
		d_step {
			!locked[e] ->
			mine = false;
			if
			:: kept[e] -> kept_drop(e, mine)
			:: else
			fi
#ifdef EVICT_PUTS
			;
			mine = true
#endif
		}
		atomic {
			if
			:: mine -> drop_ref(e)
			:: else
			fi;
			drop_ref(e);
			mine = false
		}
	fi
}

/* flight_make_room() for a byte; not paid if there is no room */
inline make_room()
{
	paid = false;
	do
	:: paid -> break
	:: else ->
		d_step {
			if
			:: charged < BYTES ->
				charged++;
				paid = true
			:: else
			fi
		}
		if
		:: paid
		:: else ->
			evict();
			if
			:: e == NONE -> break
			:: else -> e = NONE
			fi
		fi
	od;
	e = NONE
}

/* ---- the end of a call ---- */

inline take_all(set, how)
{
	who = 0;
	do
	:: who < N ->
		if
		:: in_set(set, who) ->
			rule(F4, verdict[who] == WAITING);
			verdict[who] = how;
			before[who] = 0
		:: else
		fi;
		who++
	:: else -> break
	od;
	who = 0;
	set = 0
}

/* flight_restore_stale() */
inline restore_stale(c)
{
	if
#ifdef RESTORE_DROPPED
	:: listed[c] ->
#elif defined(RESTORE_FORGOTTEN)
	:: to_be_had(stale[c]) && (listed[c] || table[key[c]] == NONE) ->
#else
	:: listed[c] && to_be_had(stale[c]) ->
#endif
#ifdef RESTORE_FORGOTTEN
		nr_listed = nr_listed + 1 - listed[c];
#else
		rule(F1, table[key[c]] == c);
#endif
		table[key[c]] = stale[c];
		listed[stale[c]] = true;
		listed[c] = false;
		stale[c] = NONE;
		nr_refreshed--
	:: else
	fi
}

/* flight_drop_stale() */
inline drop_stale(c)
{
	if
	:: stale[c] == NONE
	:: else -> d_step {
		!locked[stale[c]] ->
		gone = stale[c];
		if
		:: kept[gone] ->
#ifndef KEEP_BOTH
			kept_drop(gone, mine);
			rule(F1, !mine);
			mine = false
#endif
		:: else
		fi;
		stale[c] = NONE
	}
	fi
}

/*
 * flight_end() of a locked call that nobody leads, flight_kept_add(), and the rest of
 * flight_unlock(): the reference of who finds the call goes, too.
 */
inline end(c, how)
{
	if
#ifdef NO_RESTORE
	:: false
#elif defined(RESTORE_ALWAYS)
	:: stale[c] != NONE && !keep ->
#else
	:: stale[c] != NONE && !keep && (failed[c] || how == EOWNERDEAD) ->
#endif
		d_step {
			!locked[stale[c]] ->
			restore_stale(c)
		}
	:: else
	fi;
	d_step {
		if
		:: stale[c] != NONE ->
			/* It is not lost by a failure. */
			rule(F8_STALE, !listed[c] || !to_be_had(stale[c]) ||
				       (how == RESULT && !failed[c]));
			doomed[stale[c]] = true
		:: else
		fi;
		if
		:: !keep -> unlist(c)
		:: else
		fi
	}
	drop_stale(c);
	d_step {
		take_all(followers[c], how);
		take_all(bystanders[c], how);
		done[c] = true;
		if
		:: keep -> kept_add(c)
		:: else
		fi;
		locked[c] = false
	}
	atomic {
		if
		:: gone != NONE -> put(gone)
		:: else
		fi;
		if
		:: keep
		:: else -> drop_ref(c)
		fi;
		put(c)
	}
}

#define KEEPS 0
#define ENDS 1
#define FAILS 2

/* flight_complete() */
inline complete(i, how)
{
	d_step { find_led(c, i) }
	paid = false;
#ifdef CHARGE_LATE
	d_step {
		paid = (how == KEEPS && BYTES > 0);
		if
		:: paid -> charged++
		:: else
		fi
	}
#else
	if
#ifdef KEEP_FAILURE
	:: how != ENDS -> make_room()
#else
	:: how == KEEPS -> make_room()
#endif
	:: else
	fi;
#endif
	/* ENOBUFS: it is handed in without being kept. */
	d_step {
		!locked[c] ->
		locked[c] = true;
		rule(F1, leads(c, i));
		leader[c] = NONE;
		my_token[i] = 0;
		failed[c] = (how == FAILS);
#ifdef KEEP_FORGOTTEN
		keep = paid;
#else
		keep = paid && listed[c];
#endif
		/* What it will have replaced when it has returned. */
		if
		:: listed[c] && how != FAILS ->
			upto = token[c];
			did[key[c]]++
		:: else -> upto = 0
		fi
#ifdef ONCE
		;
		rule(G5A, did[key[c]] <= 1)
#endif
	}
	end(c, RESULT);
	d_step {
		if
		:: paid && !keep ->
#ifndef NO_UNCHARGE
			charged--
#endif
		:: else
		fi;
		paid = false;
		keep = false;
		if
		:: upto > newest[key_of(i)] -> newest[key_of(i)] = upto
		:: else
		fi;
		upto = 0
	}
}

/* The first in the list of those who would lead. */
inline front(set)
{
	who = 0;
	do
	:: !in_set(set, who) || before[who] != 0 -> who++
	:: else -> break
	od
}

/* flight_give_up(), flight_hand_over() */
inline give_up(i, counted)
{
	d_step { find_led(c, i) }
	d_step {
		!locked[c] ->
		locked[c] = true;
		rule(F1, leads(c, i));
		leader[c] = NONE;
		my_token[i] = 0;
		mine = (followers[c] == 0 || ((counted) && handovers_left[c] == 0))
	}
	if
	:: mine ->
		mine = false;
		end(c, EOWNERDEAD)
	:: else -> d_step {
		front(followers[c]);
		followers[c] = followers[c] & (bit_of(who) ^ 255);
		for (k : 0 .. N - 1) {
			before[k] = before[k] & (bit_of(who) ^ 255)
		}
		k = 0;
		verdict[who] = LEADS;
		next_token(c, who);
		who = 0;
		if
		:: counted -> handovers_left[c]--
		:: else
		fi;
		locked[c] = false;
		put(c)
	}
	fi
}

/* ---- FORGET ---- */

/* flight_forget_led() of a locked call */
inline forget_led(c)
{
	d_step {
		if
		:: stale[c] != NONE -> doomed[stale[c]] = true
		:: else
		fi;
		unlist(c)
	}
#ifndef RESTORE_FORGOTTEN
	drop_stale(c);
#endif
	atomic {
		locked[c] = false;
		if
		:: gone != NONE -> put(gone)
		:: else
		fi
	}
}

/* flight_forget() */
inline forget(y)
{
	d_step { upto = last_kept[y] }
	mine = false;
	do
	:: mine -> break
	:: else ->
		d_step { find(c, y) }
		if
		:: c == NONE -> break
		:: else
		fi;
		d_step {
			!locked[c] ->
			if
#ifdef FORGET_LED
			:: !listed[c] || done[c] -> put(c)
#else
			:: !listed[c] -> put(c)
#endif
			:: listed[c] && done[c] ->
				kept_drop(c, mine);
				drop_ref(c);
				put(c)
			:: else ->
				locked[c] = true
			fi
		}
		if
		:: c != NONE ->
			forget_led(c);
			d_step {
				put(c);
				mine = true
			}
		:: else ->
#ifdef FORGET_ONCE
			mine = true
#endif
		fi
	od;
	mine = false;
	d_step {
		if
		:: upto > forgot[y] -> forgot[y] = upto
		:: else
		fi;
		upto = 0
	}
}

/* ---- JOIN ---- */

/* flight_answer(): the result of @s */
inline answer(i, s)
{
	rule(F8_KEPT, to_be_had(s));
	rule(F8_FORGET, token[s] > forgotten);
	rule(F8_NEW, token[s] >= least);
	rule(F8_FRESH, i != FRESHER);
	rule(F8_FAILURE, !failed[s]);
	err = SERVED
}

/* flight_kept_answer() */
inline kept_answer(c, i)
{
	if
#ifdef TAKE_KEPT
	:: age[c] == FRESH -> answer(i, c)
#else
	:: i != FRESHER && age[c] == FRESH -> answer(i, c)
#endif
	:: i != FRESHER && age[c] == GRACE && i == BYSTANDER -> answer(i, c)
	:: i != FRESHER && age[c] == GRACE && i != BYSTANDER -> err = ESTALE
#ifdef SERVE_OLD
	:: i != FRESHER && age[c] == OLD -> answer(i, c)
#endif
	:: else ->
#ifndef KEEP_OLD
		kept_drop(c, mine);
		rule(FREE, mine);
		mine = false;
		drop_ref(c);
#endif
		err = EEXIST
	fi
}

#define stale_of(c, test) (stale[c] != NONE && (test))

/* flight_stale_answer() and the rest of flight_enter_locked() */
inline led_answer(c, i)
{
	if
#if defined(SERVE_DROPPED)
	:: i != FRESHER && stale[c] != NONE -> answer(i, stale[c])
#elif !defined(NO_STALE_ANSWER)
	:: i != FRESHER && stale_of(c, to_be_had(stale[c])) -> answer(i, stale[c])
#endif
	:: else ->
		rule(F8_STALE, i == FRESHER || !stale_of(c, to_be_had(stale[c])));
#ifdef AGED
		rule(F7, age[c] == FRESH);
#endif
		rule(F4, leader[c] != NONE && listed[c]);
		if
		:: i == BYSTANDER -> bystanders[c] = bystanders[c] | bit_of(i)
		:: else ->
			before[i] = followers[c];
			followers[c] = followers[c] | bit_of(i)
		fi;
		verdict[i] = WAITING;
		err = WAITING
	fi
}

#define may_lock(c) (!locked[c] && (stale[c] == NONE || !locked[stale[c]]))

/* flight_enter() */
inline enter(c, i)
{
	d_step {
		may_lock(c) ->
		if
#ifdef SERVE_UNLISTED
		:: !listed[c] && !done[c] -> err = EEXIST
#else
		:: !listed[c] -> err = EEXIST
#endif
		:: (listed[c] || done[c]) && done[c] -> kept_answer(c, i)
		:: listed[c] && !done[c] ->
			if
#if defined(AGED) && !defined(FOLLOW_AGED)
			:: age[c] != FRESH ->
#ifdef KEEP_AGED
				err = EEXIST
#else
				locked[c] = true;
				err = AGAIN
#endif
#endif
			:: else -> led_answer(c, i)
			fi
		:: else -> err = EEXIST
		fi
	}
	if
	:: err == AGAIN ->
		forget_led(c);
		err = EEXIST
	:: else
	fi
}

/* flight_lead(); @s is the one to refresh, or NONE */
inline lead(i, y, s)
{
	c = 0;
	do
	:: used[c] -> c++
	:: else -> break
	od;
	used[c] = true;
	refs[c] = 1;
	listed[c] = true;
	key[c] = y;
	handovers_left[c] = LIMIT;
	next_token(c, i);
	rule(F1, table[y] == s);
	table[y] = c;
	if
	:: s == NONE -> nr_listed++
	:: else ->
		stale[c] = s;
		listed[s] = false;
		nr_refreshed++
	fi;
	c = NONE;
	err = LEADS
}

inline begin(i, y)
{
	d_step {
		if
		:: table[y] != NONE -> err = EEXIST
		:: else -> lead(i, y, NONE)
		fi
	}
}

/* flight_begin_refresh(); with the caller's reference, that it puts */
inline begin_refresh(i, y)
{
	d_step {
		!locked[c] ->
		gone = c;
		if
#ifdef REPLACE_UNCHECKED
		:: false
#else
		:: !kept[c] || !listed[c] -> err = EEXIST
#endif
		:: else ->
#ifdef REPLACE_IN_STEPS
			table[y] = NONE;
			locked[c] = true;
			err = AGAIN
#else
			lead(i, y, gone)
#endif
		fi
	}
#ifdef REPLACE_IN_STEPS
	if
	:: err == AGAIN -> d_step {
		locked[c] = false;
		rule(F1, table[y] == NONE);
		table[y] = gone;
		lead(i, y, gone)
	}
	:: else
	fi;
#endif
	d_step {
		put(gone);
		c = NONE
	}
}

/* flight_join_owner(), flight_join_follow() */
inline join(i, y)
{
	d_step {
		least = newest[y];
		forgotten = forgot[y];
		err = EEXIST
	}
	do
	:: err != EEXIST -> break
	:: else ->
		d_step {
			find(c, y);
			if
			:: c == NONE ->
				/* What is refreshed is never missing in the table. */
				for (k : 0 .. CALLS - 1) {
					rule(F8_STALE, !to_be_had(k) || key[k] != y ||
						       doomed[k])
				}
				k = 0
			:: else
			fi
		}
		if
		:: c == NONE && i == BYSTANDER -> err = ENOENT
		:: c == NONE && i != BYSTANDER -> begin(i, y)
		:: else ->
			enter(c, i);
			if
			:: err == ESTALE -> begin_refresh(i, y)
			:: err == WAITING -> d_step {
				verdict[i] != WAITING ->
				err = verdict[i];
				verdict[i] = 0;
				put(c)
			}
			:: else -> d_step { put(c) }
			fi
		fi
	od
}

/* What one does who leads; one that dies does no more. */
inline work(i)
{
	if
	:: d_step { faults > 0 -> faults-- };
		give_up(i, false)
	:: complete(i, KEEPS)
	:: complete(i, FAILS)
	:: give_up(i, true)
	:: give_up(i, true);
		round = ROUNDS
#ifndef ONCE
	:: complete(i, ENDS)
#endif
#ifdef ONCE_DROPS
	:: complete(i, ENDS)
#endif
	fi
}

proctype thread(byte i)
{
	LOCALS;
	byte round, least, forgotten, upto;
	mtype err;

	do
	:: round == ROUNDS -> break
	:: else ->
		round++;
		join(i, key_of(i));
		if
		:: err == LEADS -> work(i)
		:: else
		fi;
		d_step {
			err = 0;
			least = 0;
			forgotten = 0
		}
	od;
	phase > 0
}

/* ---- others ---- */

#if FORGETS > 0
proctype forgetting()
{
	LOCALS;
	byte upto;

	do
	:: forgets > 0 ->
		forgets--;
		forget(0)
	:: forgets == 0 -> break
	od
}
#endif

#if EVICTS > 0
proctype evicting()
{
	LOCALS;

	do
	:: evicts > 0 ->
		evicts--;
		evict();
		e = NONE
	:: evicts == 0 -> break
	od
}
#endif

#if TICKS > 0
#ifdef AGED
#define may_age(c) (used[c] && (to_be_had(c) || (!done[c] && age[c] == FRESH)))
#else
#define may_age(c) to_be_had(c)
#endif

#define tick(c)							\
	d_step { ticks > 0 && may_age(c) -> ticks--; age[c]++ }

proctype clock()
{
	do
	:: phase > 0 -> break
	:: tick(0)
	:: tick(1)
	:: tick(2)
	:: tick(3)
#if CALLS > 4
	:: tick(4)
#endif
	od
}
#endif

inline check_quiet()
{
	rule(CHARGE, charged == nr_kept);
	for (k : 0 .. KEYS - 1) {
		rule(QUIET, table[k] == NONE || kept[table[k]])
	}
	for (k : 0 .. CALLS - 1) {
		rule(QUIET, !used[k] || (kept[k] && listed[k]));
	}
	for (k : 0 .. N - 1) {
		rule(QUIET, verdict[k] == 0)
	}
	k = 0;
	rule(COUNT, nr_refreshed == 0 && nr_listed == nr_kept)
}

/* flight_calls_destroy() */
inline destroy()
{
	for (k : 0 .. KEYS - 1) {
		if
		:: table[k] != NONE ->
			who = table[k];
			charged--;
			kept[who] = false;
			listed[who] = false;
			drop_ref(who);
			table[k] = NONE
		:: else
		fi
	}
	for (k : 0 .. CALLS - 1) {
		rule(QUIET, !used[k])
	}
	rule(CHARGE, charged == 0)
}

init {
	byte n;

	d_step {
		for (n : 0 .. KEYS - 1) {
			table[n] = NONE
		}
		for (n : 0 .. CALLS - 1) {
			leader[n] = NONE;
			stale[n] = NONE
		}
#ifdef KEPT
		for (n : 0 .. (KEYS < BYTES -> KEYS : BYTES) - 1) {
			used[n] = true;
			refs[n] = 1;
			listed[n] = true;
			done[n] = true;
			key[n] = n;
			tokens++;
			token[n] = tokens;
			table[n] = n;
			nr_listed++;
			charged++;
			kept_add(n);
			age[n] = KEPT
		}
#endif
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
#if EVICTS > 0
		run evicting();
#endif
#if TICKS > 0
		run clock();
#endif
	}
	timeout;
	d_step { check_quiet(); destroy(); phase = 1 }
}
