/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a call that is used again at once: kmod/flight_table.c.
 *
 * N threads JOIN, ROUNDS times each, the key KEYi of the group GROUPi, from their second
 * round on KEYiB of GROUPiB, in the third KEYiC. Who finds no call begins one, in PLACES
 * places of memory, and ends it with a result, in as many places of another kind; who finds
 * one has a look at it, at its result if there is one, and goes. KEEP: what thread 1 ends in
 * its first round is kept in the table, and it refreshes that when it finds it again: the new
 * call takes the place of the kept one, and if it fails that is put back. At last it
 * forgets what is kept. READER only looks. Threads 0 and 1 are of one
 * process if OWN1 says so; with CLOSE another thread closes the descriptor of that process
 * at any point. PARCELS: who has looked may take the result along, as for FETCH.
 *
 * Each group has a table of one chain, read under RCU: step by step, from link to link,
 * whatever becomes of the places meanwhile. As in rhashtable the end of a chain tells whose
 * it is. It is changed under its lock, as one step. That the cache's memory stays its own
 * while somebody reads under RCU is the allocator's promise, so there is no RCU here.
 *
 * Memory is weaker than spin's where a place becomes another call: what is stored there waits
 * in a buffer until memory() or a barrier lets it out, in any order that the barriers
 * leave. All else is done under a lock, or by an atomic operation with a barrier.
 *
 * At the end the owners go, and all places must be the cache's again.
 *
 * run: one key			-DROUNDS1=2
 * run: one key, two that begin	-DROUNDS=2 -DN=2 -DREADER=NONE
 * run: the same key of two groups	-DGROUP1=1
 * run: two keys of one group	-DKEY1=1
 * run: two keys in a chain, then another group	-DKEY1=1 -DGROUP1B=1 -DKEY1B=1 -DROUNDS1=2
 * run: first another key, then that one	-DKEY1=1 -DKEY1B=0 -DROUNDS1=2
 * run: two threads share a process	-DKEY1=1 -DOWN1=0
 * run: they share it, again and again	-DKEY1=1 -DOWN1=0 -DROUNDS=2 -DN=2 -DREADER=NONE
 * run: it is closed		-DCLOSE -DN=2 -DREADER=1
 * run: it is closed, another begins	-DCLOSE -DN=2 -DREADER=NONE
 * run: two share it, one closes	-DKEY1=1 -DOWN1=0 -DCLOSE -DN=2 -DREADER=NONE
 * run: results are taken along	-DGROUP1=1 -DPARCELS
 * run: no place to be had	-DGROUP1=1 -DPLACES=1
 * run: it takes the place of a kept one	-DKEEP -DKEY1=1 -DKEY1B=2 -DKEY1C=1 -DROUNDS1=3 -DPLACES=3
 * run: the same of the key that is looked for	-DKEEP -DROUNDS1=2 -DPLACES=3
 * run: the same, and it is closed	-DKEEP -DROUNDS1=2 -DPLACES=3 -DOWN1=0 -DCLOSE -DN=2 -DREADER=NONE
 * run: the same, and nobody looks for ever	-DKEEP -DROUNDS1=2 -DPLACES=3 -DN=2 -DREADER=NONE	cycle
 * run: nobody looks for ever	-DKEY1=1 -DGROUP1B=1 -DKEY1B=1 -DROUNDS1=2	cycle
 *
 * break: no second look		-DNO_LOOK -DGROUP1=1	NAME
 * break: no second look at the group	-DNO_LOOK_GROUP -DGROUP1=1	NAME
 * break: no second look at the key	-DNO_LOOK_KEY -DKEY1=1	NAME
 * break: it looks, then takes a reference	-DLOOK_FIRST -DGROUP1=1	NAME
 * break: the key is written after the references are set	-DKEY_LATE -DKEY1=1	NAME
 * break: no barrier between the two	-DNO_BARRIER -DGROUP1=1	NAME
 * break: a reference is taken from 0	-DINC_ZERO	HOLD
 * break: the spare is taken by a read and a write	-DTAKE_PLAIN -DKEY1=1 -DOWN1=0 -DROUNDS=2 -DN=2 -DREADER=NONE	ONE
 * break: it is put by a read and a write	-DPUT_PLAIN -DKEY1=1 -DOWN1=0 -DN=2 -DREADER=NONE	LOST
 * break: it is not freed with its owner	-DNO_SPARE_FREE	LOST
 * break: it is freed when the owner dies	-DFREE_EARLY -DCLOSE	LOST
 * break: who finds one there forgets its own	-DPUT_OVER -DKEY1=1 -DOWN1=0 -DN=2 -DREADER=NONE	LOST
 * break: it is put there though others refer to it	-DPUT_SHARED -DROUNDS=2	HOLD
 * break: the result goes with who ends the call	-DRESULT_EARLY	RESULT
 * break: it is a spare though others refer to it	-DRESULT_SHARED -DPARCELS -DROUNDS=2	RESULT
 * break: the link is cleared	-DCLEAR_LINK -DKEY1=1	LINK
 * break: the end of any chain will do	-DANY_END -DKEY1=1 -DGROUP1B=1 -DKEY1B=1 -DROUNDS1=2	FOUND
 * break: a call ends, and stays in the table	-DEND_LISTED	cycle
 * break: who takes another's place is not counted	-DNO_COUNT -DKEEP -DKEY1=1 -DKEY1B=2 -DKEY1C=1 -DROUNDS1=3 -DPLACES=3	FOUND
 * break: it is counted when it is there	-DCOUNT_LATE -DKEEP -DKEY1=1 -DKEY1B=2 -DKEY1C=1 -DROUNDS1=3 -DPLACES=3	FOUND
 * break: it says that it is in the table though it is not	-DSAYS_LISTED -DROUNDS=2 -DROUNDS1=1	LED
 */
#include "rules.h"

hidden byte NAME = 1;		/* who finds a call has one of that group and key */
hidden byte HOLD = 1;		/* and it stays that as long as there is a reference */
hidden byte ONE = 1;		/* no place is used by two at once */
hidden byte LOST = 1;		/* and none is lost */
hidden byte RESULT = 1;		/* a result is that of its call, and is not free */
hidden byte LINK = 1;		/* who stands on a link goes on */
hidden byte FOUND = 1;		/* what is there all the time is found */
hidden byte LED = 1;		/* who follows a call follows one that is led */

#ifndef N
#define N 3
#endif
#ifndef PLACES
#define PLACES 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef ROUNDS1
#define ROUNDS1 ROUNDS
#endif
#ifndef READER
#define READER 2
#endif
#ifndef OWN1
#define OWN1 1
#endif
#ifndef GROUP1
#define GROUP1 0
#endif
#ifndef KEY1
#define KEY1 0
#endif
#ifndef GROUP1B
#define GROUP1B GROUP1
#endif
#ifndef KEY1B
#define KEY1B KEY1
#endif
#ifndef KEY1C
#define KEY1C KEY1B
#endif

#define own(i) ((i) == 1 -> OWN1 : (i))
#define rounds(i) ((i) == 1 -> ROUNDS1 : ROUNDS)
#define group_of(i, round) ((i) != 1 -> 0 : ((round) > 1 -> GROUP1B : GROUP1))
#define key_of(i, round) ((i) != 1 -> 0 :				\
			  ((round) > 2 -> KEY1C : ((round) > 1 -> KEY1B : KEY1)))

/* The chain of each group; its end is not a place. */
#define end_of(g) (100 + (g))
#define is_end(c) ((c) >= 100)
byte head[2];

/* flight->replaced */
byte replaced[2];

/* struct flight_call */
byte next[PLACES];
byte refs[PLACES];
byte group[PLACES];
byte key[PLACES];
bool listed[PLACES];
bool says[PLACES];	/* call->listed, where it is not the same as being in the table */
bool done[PLACES];
byte leader[PLACES];
byte result[PLACES];
bool kept[PLACES];
byte stale[PLACES];

/* What is stored there, and waits. */
byte group_buffer[PLACES];
byte key_buffer[PLACES];
bool group_waits[PLACES];
bool key_waits[PLACES];
bool refs_waits[PLACES];

/* The cache's; struct muster_result, and its allocator's. */
bool cached[PLACES];
byte result_refs[PLACES];
bool result_cached[PLACES];

/* struct flight_owner */
byte spare[N];
byte spare_result[N];
bool dead[N];
byte owner_refs[N];

/* For the checks: is it a call, which one, of what group and key; whose result it is. */
bool in_use[PLACES];
byte serial[PLACES];
byte true_group[PLACES];
byte true_key[PLACES];
byte result_of[PLACES];

hidden byte k;

/* ---- memory ---- */

inline flush_group(p)
{
	if
	:: group_waits[p] -> group[p] = group_buffer[p]; group_waits[p] = false
	:: else
	fi;
	group_buffer[p] = 0
}

inline flush_key(p)
{
	if
	:: key_waits[p] -> key[p] = key_buffer[p]; key_waits[p] = false
	:: else
	fi;
	key_buffer[p] = 0
}

inline flush_refs(p)
{
	if
	:: refs_waits[p] -> refs[p] = 1; refs_waits[p] = false
	:: else
	fi
}

#if defined(NO_BARRIER) || defined(KEY_LATE)
#define refs_may_go(p) true
#else
/* smp_wmb() */
#define refs_may_go(p) (!group_waits[p] && !key_waits[p])
#endif

#define memory_of(p)							\
	d_step { group_waits[p] -> flush_group(p) }			\
	:: d_step { key_waits[p] -> flush_key(p) }			\
	:: d_step { refs_waits[p] && refs_may_go(p) -> flush_refs(p) }

active proctype memory()
{
end:	do
	:: memory_of(0)
#if PLACES > 1
	:: memory_of(1)
#endif
#if PLACES > 2
	:: memory_of(2)
#endif
	od
}

/* ---- places ---- */

/* flight_call_free(): kmem_cache_free() */
inline free_place(p)
{
	rule(ONE, !in_use[p] && !cached[p]);
	cached[p] = true;
	p = NONE
}

inline free_result(r)
{
	rule(RESULT, result_refs[r] == 0 && !result_cached[r]);
	result_cached[r] = true;
	result_of[r] = 0;
	r = NONE
}

/* It is no call any more, but memory. */
inline clear(p)
{
	rule(HOLD, in_use[p] && !listed[p] && leader[p] == NONE);
	rule(RESULT, result[p] == NONE);
	rule(LOST, !kept[p] && stale[p] == NONE);
	in_use[p] = false;
	done[p] = false;
	says[p] = false;
	true_group[p] = 0;
	true_key[p] = 0
}

inline drop_ref(p)
{
	rule(HOLD, refs[p] > 0 && in_use[p]);
	refs[p]--;
	last = (refs[p] == 0)
}

/* muster_result_put() */
inline result_put(r)
{
	d_step {
		if
		:: r != NONE ->
			rule(RESULT, result_refs[r] > 0);
			result_refs[r]--;
			if
			:: result_refs[r] == 0 -> free_result(r)
			:: else
			fi;
			r = NONE
		:: else
		fi
	}
}

/* flight_call_put() */
inline put(p)
{
	d_step { drop_ref(p) }
	if
	:: last -> d_step {
		last = false;
		k = result[p];
		result[p] = NONE;
		if
		:: k != NONE ->
			rule(RESULT, result_refs[k] > 0);
			result_refs[k]--;
			if
			:: result_refs[k] == 0 -> free_result(k)
			:: else
			fi
		:: else
		fi;
		k = 0;
		clear(p);
		free_place(p)
	}
	:: else
	fi;
	p = NONE
}

/* muster_result_put_spare() of a result that is the caller's alone to refer to */
inline result_put_spare(r, o)
{
	d_step {
		if
		:: r == NONE
		:: else ->
			rule(RESULT, result_refs[r] > 0);
			result_refs[r]--;
#ifndef RESULT_SHARED
			r = (result_refs[r] == 0 -> r : NONE)
#endif
		fi
	}
	if
	:: r != NONE && spare_result[o] == NONE -> d_step {
		result_of[r] = 0;
		k = spare_result[o];
		spare_result[o] = r;
		r = k;
		k = 0
	}
	:: else
	fi;
	d_step {
		if
		:: r != NONE -> free_result(r)
		:: else
		fi
	}
}

/* flight_call_put_by() */
inline put_by(p, o)
{
	d_step {
		drop_ref(p);
#ifdef PUT_SHARED
		last = true
#endif
	}
	if
	:: last ->
		d_step {
			last = false;
			r = result[p];
			result[p] = NONE
		}
		result_put_spare(r, o);
		d_step { clear(p) }
		if
#ifdef PUT_OVER
		:: true ->
#else
		:: spare[o] == NONE ->
#endif
#if defined(PUT_PLAIN) || defined(PUT_OVER)
			d_step { spare[o] = p; p = NONE }
#else
			/* xchg() */
			d_step {
				k = spare[o];
				spare[o] = p;
				p = k;
				k = 0
			}
#endif
		:: else
		fi;
		d_step {
			if
			:: p != NONE -> free_place(p)
			:: else
			fi
		}
	:: else
	fi;
	p = NONE
}

/* flight_spare_free() */
inline spare_free(o)
{
	d_step {
#ifndef NO_SPARE_FREE
		k = spare[o];
		spare[o] = NONE;
		if
		:: k != NONE -> free_place(k)
		:: else
		fi;
#endif
		k = spare_result[o];
		spare_result[o] = NONE;
		if
		:: k != NONE -> free_result(k)
		:: else
		fi;
		k = 0
	}
}

/* muster_owner_put(), type->owner_end() */
inline owner_put(o)
{
	d_step {
		owner_refs[o]--;
		last = (owner_refs[o] == 0)
	}
	if
	:: last ->
		last = false;
#ifndef FREE_EARLY
		spare_free(o)
#endif
	:: else
	fi
}

/* flight_call_memory() */
inline alloc_place(p, o)
{
#ifdef TAKE_PLAIN
	p = spare[o];
	d_step {
		if
		:: p != NONE -> spare[o] = NONE
		:: else
		fi
	}
#else
	/* xchg() */
	d_step { p = spare[o]; spare[o] = NONE }
#endif
	d_step {
		if
		:: p == NONE ->
			p = 0;
			do
			:: p < PLACES && !cached[p] -> p++
			:: else -> break
			od;
			if
			:: p == PLACES -> p = NONE
			:: else -> cached[p] = false
			fi
		:: else
		fi
	}
}

/* muster_result_get() */
inline alloc_result(r, o)
{
	d_step {
		r = spare_result[o];
		spare_result[o] = NONE;
		if
		:: r == NONE ->
			r = 0;
			do
			:: r < PLACES && !result_cached[r] -> r++
			:: else -> break
			od;
			if
			:: r == PLACES -> r = NONE
			:: else -> result_cached[r] = false
			fi
		:: else
		fi;
		if
		:: r != NONE ->
			rule(RESULT, result_refs[r] == 0);
			result_refs[r] = 1
		:: else
		fi
	}
}

/* flight_call_alloc() in @p */
inline fill(p, g, y)
{
	d_step {
		rule(ONE, !in_use[p] && !cached[p]);
		rule(HOLD, refs[p] == 0);
		in_use[p] = true;
		serial[p] = (serial[p] + 1) % 8;
		true_group[p] = g;
		true_key[p] = y;
#ifdef CLEAR_LINK
		next[p] = NONE;
#endif
#ifdef KEY_LATE
		refs_waits[p] = true
#else
		group_buffer[p] = g;
		group_waits[p] = true;
		key_buffer[p] = y;
		key_waits[p] = true
#endif
	}
	d_step {
#ifdef KEY_LATE
		group_buffer[p] = g;
		group_waits[p] = true;
		key_buffer[p] = y;
		key_waits[p] = true
#else
		refs_waits[p] = true
#endif
	}
	skip
}

/* ---- the table ---- */

/* flight_insert(), under the lock of the chain; what was stored before is to be seen */
inline insert(p, g, i)
{
	d_step {
		flush_group(p);
		flush_key(p);
		flush_refs(p);
		k = head[g];
		do
		:: !is_end(k) && key[k] != key[p] -> k = next[k]
		:: else -> break
		od;
		exists = !is_end(k);
		k = 0;
		if
#ifdef SAYS_LISTED
		:: exists -> says[p] = true
#else
		:: exists
#endif
		:: !exists && dead[own(i)] -> exists = true
		:: else ->
			says[p] = true;
			next[p] = head[g];
			head[g] = p;
			listed[p] = true;
			leader[p] = i
		fi
	}
}

/* In a step of its caller */
inline take_place(old, p, g)
{
	next[p] = next[old];
	if
	:: head[g] == old -> head[g] = p
	:: else ->
		k = head[g];
		do
		:: next[k] != old -> k = next[k]
		:: else -> break
		od;
		next[k] = p;
		k = 0
	fi;
	listed[old] = false;
	says[old] = false;
	listed[p] = true;
	says[p] = true
}

#if defined(NO_COUNT) || defined(COUNT_LATE)
#define count_before(g) skip
#else
#define count_before(g) replaced[g]++
#endif
#ifdef COUNT_LATE
#define count_after(g) replaced[g]++
#else
#define count_after(g) skip
#endif

/* flight_replace(), under the locks of both; it is counted even if nothing comes of it */
inline replace(old, p, g, i)
{
	count_before(g);
	d_step {
		flush_group(p);
		flush_key(p);
		flush_refs(p);
		exists = (!kept[old] || !listed[old] || dead[own(i)]);
		if
		:: exists
		:: else ->
			take_place(old, p, g);
			leader[p] = i;
			stale[p] = old
		fi
	}
	count_after(g)
}

/* flight_restore_stale(), of a call that is @led by who ends it: if that is kept still */
inline restore(led)
{
	count_before(group[c]);
	d_step {
		if
		:: led && listed[c] && stale[c] != NONE && kept[stale[c]] ->
			take_place(c, stale[c], group[c]);
			stale[c] = NONE
		:: else
		fi
	}
}

/* flight_unlist(), in a step of its caller */
inline unlist(p)
{
	rule(FOUND, listed[p]);
	listed[p] = false;
	says[p] = false;
#ifndef END_LISTED
	if
	:: head[group[p]] == p -> head[group[p]] = next[p]
	:: else ->
		k = head[group[p]];
		do
		:: next[k] != p -> k = next[k]
		:: else -> break
		od;
		next[k] = next[p];
		k = 0
	fi
#endif
}

#ifdef NO_LOOK
#define is_for(p, g, y) true
#elif defined(NO_LOOK_GROUP)
#define is_for(p, g, y) (key[p] == (y))
#elif defined(NO_LOOK_KEY)
#define is_for(p, g, y) (group[p] == (g))
#else
#define is_for(p, g, y) (group[p] == (g) && key[p] == (y))
#endif

/* rhashtable_lookup(): NONE if there is nothing */
inline walk(p, g, y)
{
	p = head[g];
	do
	:: d_step { is_end(p) && p == end_of(g) -> p = NONE }; break
#ifdef ANY_END
	:: d_step { is_end(p) && p != end_of(g) -> p = NONE }; break
#else
	:: d_step { is_end(p) && p != end_of(g) -> p = head[g] }
#endif
	:: d_step { !is_end(p) && key[p] == (y) -> skip }; break
	:: d_step { !is_end(p) && key[p] != (y) -> skip };
		d_step {
			rule(LINK, next[p] != NONE);
			p = next[p]
		}
	od
}

/* flight_find(), flight_look_up(), flight_call_get() */
inline find(p, g, y)
{
	/* What is there now, and may be there all the time */
	d_step {
		there = NONE;
		for (k : 0 .. PLACES - 1) {
			if
			:: listed[k] && true_group[k] == g && true_key[k] == y ->
				there = k;
				then = serial[k]
			:: else
			fi
		}
		k = 0
	}
	do
	:: true ->
		seen = replaced[g];
		walk(p, g, y);
		/* flight_missed() */
		if
		:: p == NONE && replaced[g] == seen -> break
		:: else
		fi;
#ifdef LOOK_FIRST
		right = (p != NONE && is_for(p, g, y));
#endif
		d_step {
			if
#ifdef INC_ZERO
			:: p == NONE
#else
			:: p == NONE || refs[p] == 0 -> p = NONE
#endif
			:: else -> refs[p]++
			fi
		}
		if
		:: p == NONE
		:: else ->
			d_step {
#ifndef LOOK_FIRST
				right = is_for(p, g, y);
#endif
				if
				:: right ->
					rule(HOLD, in_use[p]);
					rule(NAME, true_group[p] == g && true_key[p] == y)
				:: else
				fi
			}
			if
			:: right -> break
			:: else -> put(p)
			fi
		fi
	od;
	skip;
	d_step {
		rule(FOUND, p != NONE || there == NONE || !listed[there] ||
			    serial[there] != then);
		seen = 0;
		right = false;
		there = NONE;
		then = 0
	}
}

/* ---- threads ---- */

/* flight_end(), in a step of its caller, and flight_drop_stale() */
inline end_led(keep)
{
	leader[c] = NONE;
	if
	:: keep -> kept[c] = true
	:: !keep && listed[c] -> unlist(c)
	:: else		/* what it was to refresh is back */
	fi;
	done[c] = true;
	old = stale[c];
	stale[c] = NONE;
	if
	:: old != NONE -> kept[old] = false
	:: else
	fi
}

/*
 * flight_complete() of a call that it led at some time; @keep: it is kept in the table.
 * A refresh may fail.
 */
inline complete(i, keep)
{
	alloc_result(r, own(i));
#ifdef KEEP
	if
	:: stale[c] != NONE -> restore(leader[c] == i); count_after(group_of(i, round))
	:: true
	fi;
#endif
	/* flight_find_eldest(), owner->lock */
	d_step {
		if
		:: leader[c] == i ->
			rule(HOLD, in_use[c] && refs[c] > 0);
			refs[c]++
		:: else -> c = NONE
		fi
	}
	if
	:: c == NONE -> result_put(r)
	:: else ->
		/* call->lock */
		d_step {
			mine = (leader[c] == i);
			if
			:: mine ->
				end_led(keep);
				result[c] = r;
				if
				:: r != NONE -> result_of[r] = serial[c]
				:: else
				fi;
				r = NONE
			:: else
			fi
		}
		if
		:: mine ->
			if
			:: old != NONE -> put(old)
			:: else
			fi;
			/* flight_unlock() */
			d_step {
				mine = false;
				if
				:: keep		/* with the reference of its being kept */
				:: else -> drop_ref(c); last = false
				fi
			}
#ifdef RESULT_EARLY
			d_step { r = result[c] }
			result_put(r)
#endif
		:: else -> result_put(r)
		fi;
		put_by(c, own(i))
	fi
}

/* Has a look at a call with a reference, and puts it. */
inline look(i, g, y)
{
	then = serial[c];
	d_step {
		rule(HOLD, in_use[c] && serial[c] == then);
		rule(NAME, true_group[c] == g && true_key[c] == y);
		/* flight_enter_locked() */
		rule(LED, !says[c] || leader[c] != NONE || kept[c]);
		if
		:: done[c] && result[c] != NONE ->
			rule(RESULT, result_refs[result[c]] > 0 &&
				     result_of[result[c]] == serial[c]);
#ifdef PARCELS
			r = result[c];
			result_refs[r]++
#endif
		:: else
		fi
	}
	d_step {
		rule(HOLD, in_use[c] && serial[c] == then)
	}
	put(c);
#ifdef PARCELS
	/* FETCH */
	d_step {
		rule(RESULT, r == NONE || (result_refs[r] > 0 && result_of[r] == then))
	}
	result_put(r);
#endif
	then = 0
}

#ifdef KEEP
#define keeps(i, round) ((i) == 1 && (round) == 1)
#define refreshes(i, c) ((i) == 1 && kept[c] && !dead[own(i)])

/* FORGET of what is kept, or the end of the group */
inline forget(i)
{
	find(c, group_of(i, 1), key_of(i, 1));
	if
	:: c != NONE ->
		d_step {
			mine = (kept[c] && listed[c]);
			if
			:: mine -> unlist(c); kept[c] = false; drop_ref(c); last = false
			:: else
			fi
		}
		mine = false;
		put(c)
	:: else
	fi
}
#else
#define keeps(i, round) false
#define refreshes(i, c) false
#endif

/* Begins a call, in place of @c if that is kept; exists if it could not. */
inline begin(i, g, y)
{
	old = c;
	alloc_place(c, own(i));
	if
	:: c != NONE ->
		fill(c, g, y);
		if
		:: old == NONE -> insert(c, g, i)
		:: else -> replace(old, c, g, i)
		fi
	:: else
	fi;
	if
	:: old != NONE -> put(old)
	:: else
	fi
}

proctype thread(byte i)
{
	byte round, c = NONE, r = NONE, old = NONE, there = NONE, then, seen;
	bool right, last, exists, mine;

	do
	:: round == rounds(i) -> break
	:: else ->
		round++;
		do
		:: true ->
			find(c, group_of(i, round), key_of(i, round));
			if
			:: c != NONE && !refreshes(i, c) ->
				look(i, group_of(i, round), key_of(i, round));
				break
			:: c == NONE && (i == READER || dead[own(i)]) -> break
			:: else ->
				begin(i, group_of(i, round), key_of(i, round));
				if
				:: c == NONE -> break
				:: c != NONE && exists ->
					exists = false;
					put(c)
				:: else ->
					complete(i, keeps(i, round));
					break
				fi
			fi
		od
	od;
#ifdef KEEP
	if
	:: i == 1 -> forget(i)
	:: else
	fi;
#endif
	owner_put(own(i))
}

#ifdef CLOSE
/* muster_owner_drop(), flight_drop_led() */
#define leads(o, c) (leader[c] != NONE && own(leader[c]) == o)

proctype close(byte o)
{
	byte c = NONE, r = NONE, old = NONE;
	bool last, mine;

	dead[o] = true;
	do
	:: true ->
		d_step {	/* owner->lock */
			c = 0;
			do
			:: c < PLACES && (leader[c] == NONE || own(leader[c]) != o) -> c++
			:: else -> break
			od;
			if
			:: c == PLACES -> c = NONE
			:: else -> refs[c]++
			fi
		}
		if
		:: c == NONE -> break
		:: else
		fi;
#ifdef KEEP
		if
		:: stale[c] != NONE -> restore(leads(o, c)); count_after(group[c])
		:: else
		fi;
#endif
		d_step {	/* call->lock */
			mine = leads(o, c);
			if
			:: mine -> end_led(false)
			:: else
			fi
		}
		if
		:: mine ->
			d_step { mine = false; drop_ref(c); last = false }
			if
			:: old != NONE -> put(old)
			:: else
			fi
		:: else
		fi;
		put(c)
	od;
#ifdef FREE_EARLY
	spare_free(o);
#endif
	owner_put(o)
}
#endif

init {
	byte n;

	atomic {
		d_step {
			for (n : 0 .. 1) {
				head[n] = end_of(n)
			}
			for (n : 0 .. PLACES - 1) {
				next[n] = end_of(0);
				leader[n] = NONE;
				stale[n] = NONE;
				result[n] = NONE;
				cached[n] = true;
				result_cached[n] = true
			}
			for (n : 0 .. N - 1) {
				spare[n] = NONE;
				spare_result[n] = NONE;
				owner_refs[own(n)]++
			}
#ifdef CLOSE
			owner_refs[0]++;
#endif
			n = 0
		}
		for (n : 0 .. N - 1) {
			run thread(n)
		}
		n = 0;
#ifdef CLOSE
		run close(0)
#endif
	}
	/* But for memory() */
	_nr_pr == 2;
	d_step {
		for (n : 0 .. 1) {
			rule(LOST, head[n] == end_of(n))
		}
		for (n : 0 .. PLACES - 1) {
			rule(LOST, cached[n] && !in_use[n] && refs[n] == 0);
			rule(LOST, result_cached[n] && result_refs[n] == 0)
		}
		n = 0
	}
}
