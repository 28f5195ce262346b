/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner protocol: kmod/owner.c, with muster_object_flush() and _release() of
 * kmod/file.c. A semaphore that always has permits stands for the type.
 *
 * Process A (file table 0) has FDS descriptors of one file, two threads that
 * acquire and, for each descriptor, a thread that closes it. Process B (file table
 * 1) is a forked child with a descriptor of its own, that it keeps until all else
 * has come to rest; then it is killed. So A's holds must have ended while B keeps
 * the file open (W2), and B's must not (W3).
 *
 * With DUP another thread of A gets one more descriptor by dup(2), if it had the file when that
 * was still open, and acquires by it: that is to be held to the end.
 *
 * With LEASE a thread of A, in place of the second one, maps a page of its owner by mmap(2) of a
 * descriptor (kmod/lease.c), and acquires by it as long as it is not over: without a lock, and
 * without a look at the note. With DUP the thread that gets one more descriptor does so, too,
 * rather than by ioctl. With REUSE the new descriptor has the number of the closed one (FDS=1),
 * so that who goes by the number would go by a page that was mapped by the former one. Who
 * has a page always has something on loan.
 *
 * With GRANTED, and DUP, a thread of A waits, in place of the second one; and as soon as there is
 * one more descriptor, somebody else grants it what it waits for: that is to be held, too.
 *
 * Steps: each atomic is a section under the lock that its comment names, or one
 * access that the code makes without a lock.
 *
 * run: one descriptor		-DFDS=1
 * run: two dups		-DFDS=2 -DB_FIRST
 * run: A is killed		-DFDS=2 -DKILL
 * run: nobody else has the file	-DFDS=1 -DALONE
 * run: a leaked owner goes with the file	-DFDS=1 -DB_FIRST -DNO_RECHECK -DNO_W2
 * run: one more descriptor, as the last is closed	-DFDS=1 -DALONE -DDUP
 * run: as two are closed	-DFDS=2 -DALONE -DDUP -DONE
 * run: who waits is granted it, as the last is closed	-DFDS=1 -DALONE -DDUP -DGRANTED
 * run: mapped, and two are closed	-DFDS=2 -DALONE -DLEASE
 * run: mapped, one more descriptor, as the last is closed	-DFDS=1 -DALONE -DDUP -DLEASE
 * run: mapped, and one goes by the number that was closed	-DFDS=1 -DALONE -DDUP -DLEASE -DREUSE
 * run: mapped, beside another process	-DFDS=1 -DB_FIRST -DLEASE
 * run: mapped, and killed	-DFDS=2 -DKILL -DLEASE
 * run: nobody looks for its owner for ever	-DFDS=1 -DALONE	cycle
 *
 * break: a new owner does not look for its file	-DFDS=1 -DNO_RECHECK	W2
 * break: it looks before it is in the table	-DFDS=1 -DRECHECK_EARLY	W2
 * break: and the last release drops nobody	-DFDS=1 -DNO_RECHECK -DNO_W2 -DNO_DROP_ALL	RELEASE
 * break: every close is taken for the last	-DFDS=2 -DB_FIRST -DDROP_ALWAYS	W1
 * break: at exit it looks at descriptors	-DFDS=2 -DB_FIRST -DKILL -DEXIT_LOOKS	EXIT
 * break: a dead owner may be granted to	-DFDS=1 -DNO_DEAD_CHECK	DEAD
 * break: the hot owner stays when it dies	-DFDS=1 -DHOT_STAYS	FREE
 * break: the dead flag is not checked by who drops	-DFDS=2 -DB_FIRST -DDROP_TWICE	ONCE
 * break: two threads make an owner each	-DFDS=1 -DNO_FIND	UNIQUE
 * break: freed at once			-DFDS=1 -DNO_RCU	FREE
 * break: a reference is taken from 0		-DFDS=1 -DINC_ZERO	FREE
 * break: who closes does not see that it was used	-DFDS=1 -DALONE -DDUP -DNO_NOTE	W1
 * break: the note is written after the look	-DFDS=1 -DALONE -DDUP -DNOTE_LATE	W1
 * break: closers write their notes over each other's	-DFDS=1 -DALONE -DNOTES_FIGHT	cycle
 * break: to be granted something leaves the note there	-DFDS=1 -DALONE -DDUP -DNOTE_STAYS	W1
 * break: to be granted it as one waits does	-DFDS=1 -DALONE -DDUP -DGRANTED -DGRANT_LEAVES	W1
 * break: a page outlives the note	-DFDS=1 -DALONE -DDUP -DLEASE -DREUSE -DNOTE_ALONE	W1
 * break: and to get it leaves the note there	-DFDS=1 -DALONE -DDUP -DLEASE -DNOTE_ALONE -DGET_LEAVES	W1
 * break: and it is over after the look	-DFDS=1 -DALONE -DDUP -DLEASE -DNOTE_ALONE -DGET_LEAVES -DLEASE_LATE	W1
 * break: to close ends no lease	-DFDS=2 -DALONE -DLEASE -DLEASE_STAYS	L7
 * break: an owner's lease is over after it is dead	-DFDS=2 -DALONE -DLEASE -DDETACH_LATE	L7
 */
#include "rules.h"

hidden byte W1 = 1;		/* what was acquired by a descriptor that is there is held */
hidden byte W2 = 1;		/* closing the last ends all */
hidden byte W3 = 1;		/* and not those of another process */
hidden byte L7 = 1;		/* a page is over when a descriptor is closed */
hidden byte DEAD = 1;		/* nothing is granted to the dead */
hidden byte ONCE = 1;		/* each owner is dropped once */
hidden byte UNIQUE = 1;		/* a process is one owner */
hidden byte FREE = 1;		/* no use after free */
hidden byte RELEASE = 1;	/* nothing outlives the file */
hidden byte EXIT = 1;		/* the first descriptor closed at exit ends all holds */

#define A 0
#define B 1
#define OWNERS 6

#define any(flag) (flag[0] || flag[1] || flag[2] || flag[3] || flag[4] || flag[5])

/* struct file: its references; and how many descriptors each file table has of it */
byte file_refs = FDS;
byte fds[2];
bool released;

/* struct muster_owner */
bool used[OWNERS];
bool freeing[OWNERS];		/* kfree_rcu() */
byte files[OWNERS];
bool listed[OWNERS];		/* in the table and in the file's list */
bool dead[OWNERS];
byte refs[OWNERS];
byte held[OWNERS];
bool dropped[OWNERS];
byte note[OWNERS];		/* muster_owner.closing, or 0 */

byte hot = NONE;
byte rcu_readers;
byte running = 2;		/* A's threads */
byte acquired[2];
bool dup_open;			/* there is one more, ... */
byte dup_acquired;		/* by which so much was acquired */
#ifdef GRANTED
byte waiting = NONE;		/* struct sem_waiter: its owner */
bool granted;
bool waits = true;		/* it may still, or will */
#endif

/* struct muster_page: each thread that maps has one that may become its owner's, once */
byte page[OWNERS];		/* muster_owner.page, or NONE */
bool lent[2];			/* it is some owner's: no longer when it is over */
byte word[2];			/* so much is acquired by it */

#define pages (lent[0] + 2 * lent[1])

/* kfree_rcu(): as early as it may be, which is the worst for those who look */
inline free_now(k)
{
	used[k] = false;
	freeing[k] = false;
	files[k] = 0;
	dead[k] = false;
	note[k] = 0;
	dropped[k] = false;
	page[k] = NONE
}

inline free_late()
{
	if
	:: rcu_readers == 0 && any(freeing) ->
		for (i : 0 .. OWNERS - 1) {
			if
			:: freeing[i] -> free_now(i)
			:: else
			fi
		}
		i = 0
	:: else
	fi
}

/* muster_owner_find(): in an atomic of its caller */
inline find(f, o)
{
	rule(FREE, !released);
	if
	:: hot != NONE && files[hot] == f -> o = hot
	:: else ->
		o = NONE;
		for (i : 0 .. OWNERS - 1) {
			if
			:: listed[i] && files[i] == f -> o = i
			:: else
			fi
		}
		i = 0
	fi;
	if
	:: o != NONE -> rule(FREE, used[o])
	:: else
	fi
}

/* under RCU: muster_owner_find() and refcount_inc_not_zero() */
inline find_get(f, o)
{
	atomic {
		rcu_readers++;
		find(f, o)
	}
	atomic {
		if
		:: o != NONE ->
			rule(FREE, used[o]);
			if
#ifndef INC_ZERO
			:: refs[o] == 0 -> o = NONE
			:: else -> refs[o]++
#else
			:: true ->
				rule(FREE, refs[o] > 0);
				refs[o]++
#endif
			fi
		:: else
		fi;
		rcu_readers--;
		free_late()
	}
}

inline owner_put(o)
{
	atomic {
		rule(FREE, used[o] && refs[o] > 0);
		refs[o]--;
		if
		:: refs[o] == 0 ->
			rule(FREE, !listed[o] && held[o] == 0 && page[o] == NONE);
			/* type->owner_end(): a flight owner's spare call, see call.pml */
#ifdef NO_RCU
			free_now(o)
#else
			freeing[o] = true;
			free_late()
#endif
		:: else
		fi;
		o = NONE
	}
}

/* muster_owner_use(), in a section of its caller */
inline take_note(o)
{
#ifndef NOTE_STAYS
	note[o] = 0
#else
	skip
#endif
}

/* The same, and something is granted. */
inline use(f, o, first)
{
	take_note(o);
	held[o]++;
	acquired[f]++;
	if
	:: f == A && first == 4 -> dup_acquired++
	:: else
	fi
}

#ifdef NO_NOTE
#define is_noted(o, who) true
#else
#define is_noted(o, who) (who == 0 || note[o] == who)
#endif

/* muster_page_detach(), in a section of its caller: what is acquired by it is held */
inline detach(o)
{
	if
	:: page[o] != NONE ->
		held[o] = held[o] + word[page[o]];
		word[page[o]] = 0;
		lent[page[o]] = false;
		page[o] = NONE
	:: else
	fi
}

/*
 * muster_owner_drop(); the caller holds a reference. @who: the note that is to be there.
 * @again: it was used meanwhile
 */
inline owner_drop(o, who)
{
	atomic {		/* object->lock, owner->lock */
		rule(FREE, used[o]);
		again = !dead[o] && who != 0 && note[o] == 0;
#ifdef NOTES_FIGHT
		again = !dead[o] && who != 0 && note[o] != who;
#endif
#ifdef DROP_TWICE
		drops = true;
#else
		drops = !dead[o] && is_noted(o, who);
#endif
		if
		:: drops ->
			dead[o] = true;
			listed[o] = false;
#ifndef DETACH_LATE
			detach(o);
#endif
#ifndef HOT_STAYS
			if
			:: hot == o -> hot = NONE
			:: else
			fi
#endif
		:: else
		fi
	}
	if
	:: drops ->
		atomic {	/* type->owner_drop(), object->lock */
			rule(ONCE, !dropped[o]);
			dropped[o] = true;
#ifdef DETACH_LATE
			detach(o);
#endif
			held[o] = 0;
			drops = false;
			/* the reference of being in the table */
			refs[o]--
		}
	:: else
	fi
}

/* The file is gone: muster_object_release() */
inline file_put()
{
	file_refs--;
	if
	:: file_refs == 0 ->
#ifndef NO_DROP_ALL
		do
		:: atomic {	/* object->lock */
			o = NONE;
			for (i : 0 .. OWNERS - 1) {
				if
				:: listed[i] -> o = i
				:: else
				fi
			}
			i = 0;
			if
			:: o == NONE -> break
			:: else -> refs[o]++
			fi
		}
			owner_drop(o, 0);
			owner_put(o)
		od;
#endif
		atomic {
			rule(RELEASE, !any(listed));
			released = true
		}
	:: else
	fi
}

inline file_is_open(f, is_open)
{
	is_open = fds[f] > 0		/* files->file_lock */
}

/* muster_owner_note(): object->lock, owner->lock. No page is there that was before. */
inline leave_note(o)
{
	atomic {
#if !defined(NOTE_ALONE) && !defined(LEASE_STAYS)
		detach(o);
#endif
		note[o] = _pid
	}
}

/* muster_owner_drop_closed() */
inline drop_closed(f, o, is_open)
{
	do
	:: true ->
#ifndef NOTE_LATE
		leave_note(o);
#endif
		file_is_open(f, is_open);
#ifdef NOTE_LATE
		leave_note(o);
#endif
#ifdef DROP_ALWAYS
		is_open = false;
#endif
		if
		:: is_open -> break
		:: else
		fi;
		rule(W1, fds[f] == 0 || dup_open);
		owner_drop(o, _pid);
		if
		:: again -> again = false
		:: else -> break
		fi
	od
}

/* muster_owner_get(); done: is where to go without one */
inline owner_get(f, first, o)
{
	do
	:: true ->
		find_get(f, o);
		if
		:: o != NONE -> break
		:: else
		fi;
		/* muster_owner_create() */
#ifdef RECHECK_EARLY
		file_is_open(f, is_open);
#endif
		atomic {
			n = first;	/* a few of its own for each thread */
			do
			:: used[n] -> n++
			:: else -> break
			od;
			used[n] = true;
			files[n] = f;
			refs[n] = 2
		}
		atomic {		/* object->lock */
#ifndef NO_FIND
			find(f, o);
#endif
			if
			:: o == NONE ->
				for (i : 0 .. OWNERS - 1) {
					rule(UNIQUE, !(listed[i] && files[i] == f))
				}
				i = 0;
				listed[n] = true;
				if
				:: hot == NONE -> hot = n
				:: else
				fi
			:: else -> refs[n]--
			fi
		}
		if
		:: o != NONE -> o = NONE
		:: else ->
#ifdef NO_RECHECK
			skip
#elif defined(RECHECK_EARLY)
			if
			:: is_open
			:: else ->
				owner_drop(n, 0);
				ebadf = true
			fi
#else
			drop_closed(f, n, is_open);
			ebadf = !is_open
#endif
		fi;
		is_open = false;
		owner_put(n);
		if
		:: ebadf -> goto done
		:: else
		fi
	od
}

/* sem_acquire() */
proctype acquire(byte f; byte first)
{
	byte o = NONE, n = NONE, i;
	bool is_open, drops, ebadf, again;

	/* fdget() */
	if
	:: atomic { fds[f] > 0 -> file_refs++ }
	:: atomic { fds[f] == 0 -> goto out }
	fi;
	/* sem_try_self(): object->lock */
	atomic {
		find(f, o);
		if
		:: o != NONE ->
			rule(DEAD, !dead[o]);
			use(f, o, first);
			o = NONE;
			goto done
		:: else
		fi
	}
	owner_get(f, first, o);
	/* sem_wait(): object->lock */
	atomic {
		rule(FREE, used[o]);
#ifdef NO_DEAD_CHECK
		if
		:: true ->
#else
		if
		:: dead[o]
		:: else ->
#endif
			rule(DEAD, !dead[o]);
			use(f, o, first)
		fi
	}
	owner_put(o);
done:	ebadf = false;
	file_put();
out:	if
	:: f == A -> running--
	:: else
	fi
}

#ifdef LEASE
/* mmap(2), and an acquire by the page; mine: the one that it would map */
proctype lease(byte first; byte mine)
{
	byte o = NONE, n = NONE, i, map = NONE;
	bool is_open, drops, ebadf, again;

	/* fdget() */
	if
	:: atomic { fds[A] > 0 -> file_refs++ }
	:: atomic { fds[A] == 0 -> goto out }
	fi;
	owner_get(A, first, o);
	/* muster_page_get(): object->lock */
	atomic {
		rule(FREE, used[o]);
#ifndef GET_LEAVES
		take_note(o);
#endif
		map = page[o]
	}
	if
	:: map == NONE ->
		atomic {	/* muster_page_attach(): object->lock */
			take_note(o);
			if
			:: dead[o]
			:: else ->
				if
				:: page[o] == NONE ->
					page[o] = mine;
					lent[mine] = true
				:: else
				fi;
				map = page[o]
			fi
		}
	:: else
	fi;
	owner_put(o);
done:	ebadf = false;
	file_put();
	/* one atomic operation on the word, which is 0 if the page is over */
	atomic {
		if
		:: map != NONE && lent[map] ->
			word[map]++;
			if
#ifdef REUSE
			:: dup_open -> dup_acquired++
#else
			:: first == 4 -> dup_acquired++
#endif
			:: else
			fi
		:: else
		fi;
		map = NONE
	}
out:	running--
}
#endif

#ifdef GRANTED
/* sem_acquire(), of one who has to wait */
proctype wait(byte first)
{
	byte o = NONE, n = NONE, i;
	bool is_open, drops, ebadf, again;

	/* fdget() */
	if
	:: atomic { fds[A] > 0 -> file_refs++ }
	:: atomic { fds[A] == 0 -> goto out }
	fi;
	owner_get(A, first, o);
	/* sem_queue() and muster_sleepers_add(): object->lock */
	atomic {
		take_note(o);
		if
		:: dead[o]
		:: else -> waiting = o
		fi
	}
	/* muster_wait(), and sem_leave() */
	atomic { waiting == NONE || granted || dead[o] -> waiting = NONE };
	owner_put(o);
done:	ebadf = false;
	file_put();
out:	waits = false;
	running--
}

/* sem_release() of some other process, and sem_serve() */
proctype grant()
{
	waiting != NONE || !waits;
	atomic {
		if
		:: waiting != NONE && !dead[waiting] ->
#ifndef GRANT_LEAVES
			take_note(waiting);
#endif
			held[waiting]++;
			dup_acquired++;
			granted = true
		:: else
		fi
	}
}
#endif

#ifdef DUP
/* dup(), and an acquire by what it returns */
proctype dup()
{
	/* fget_raw() */
	if
	:: atomic { fds[A] > 0 -> file_refs++ }
	:: atomic { fds[A] == 0 -> goto out }
	fi;
	/* fd_install(), with that reference */
	atomic {
		fds[A]++;
		dup_open = true;
#ifdef LEASE
		run lease(4, 1)
#elif defined(GRANTED)
		run grant()
#else
		run acquire(A, 4)
#endif
	}
out:	skip
}
#endif

/* close(), or the end of a process if @exits: then current->files is NULL */
proctype close(byte f; bool exits)
{
	byte o = NONE, i, before;
	bool is_open, drops, again;

	if
	:: exits && f == A -> running == 0
	:: else
	fi;
	/* files->file_lock */
	atomic {
		fds[f]--;
		before = pages
	}
	/* muster_owner_closed() */
	find_get(f, o);
	if
	:: o != NONE ->
		if
#ifndef EXIT_LOOKS
		:: exits -> owner_drop(o, 0)
#endif
		:: else ->
#if defined(NOTE_ALONE) && !defined(LEASE_LATE)
			atomic { detach(o) }
#endif
			drop_closed(f, o, is_open);
#ifdef LEASE_LATE
			atomic { detach(o) }
#endif
			rule(EXIT, !(exits && is_open))
		fi;
		is_open = false;
		owner_put(o)
	:: else
	fi;
	rule(L7, !(before & pages));
	/* fput() */
	file_put()
}

inline holds(f, sum)
{
	sum = 0;
	for (i : 0 .. OWNERS - 1) {
		if
		:: used[i] && files[i] == f ->
			sum = sum + held[i];
			if
			:: page[i] != NONE -> sum = sum + word[page[i]]
			:: else
			fi
		:: else
		fi
	}
	i = 0
}

init {
	byte i, sum;

	atomic {
		for (i : 0 .. OWNERS - 1) {
			page[i] = NONE
		}
		i = 0;
		fds[A] = FDS;
#ifndef ALONE
		file_refs++;
		fds[B] = 1;
		run acquire(B, 4)
#endif
	}
#ifdef B_FIRST
	_nr_pr == 1;
#endif
	atomic {
		run acquire(A, 0);
#ifdef LEASE
		run lease(2, 0);
#elif defined(GRANTED)
		run wait(2);
#elif !defined(ONE)
		run acquire(A, 2);
#endif
#ifdef DUP
		run dup();
#endif
#ifdef KILL
		for (i : 1 .. FDS) {
			run close(A, true)
		}
#else
		for (i : 1 .. FDS) {
			run close(A, false)
		}
#endif
		i = 0
	}
	/* All has come to rest; B lives. */
	_nr_pr == 1;
#ifdef DUP
	if
	:: dup_open -> atomic {
		holds(A, sum);
		rule(W1, sum >= dup_acquired);
		run close(A, false)
	}
	:: else
	fi;
	_nr_pr == 1;
#endif
#ifndef ALONE
	atomic {
		rule(FREE, !released);
		holds(A, sum);
#ifndef NO_W2
		rule(W2, sum == 0);
#endif
		holds(B, sum);
		rule(W3, sum == 1 && acquired[B] == 1);
		run close(B, true)
	}
	_nr_pr == 1;
#endif
	atomic {
		rule(RELEASE, released && file_refs == 0);
		for (i : 0 .. OWNERS - 1) {
			rule(RELEASE, !used[i])
		}
	}
}
