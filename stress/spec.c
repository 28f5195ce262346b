// SPDX-License-Identifier: GPL-2.0-only
/*
 * The search for an order that explains a history. See spec.h.
 *
 * Events are gone through in order of time. When a call that is over has not got its
 * answer yet, all sequences of instants of the calls under way are tried, first those
 * that the specification finds nearest to it, and of these the short ones, until it has;
 * with the first that does the search goes on, and comes
 * back for the next if that leads nowhere. That instants which are not needed are
 * put off loses nothing: they may come after the response just as well.
 *
 * Not so those of a call of which nobody knows how it ended, as its process was killed:
 * when it is over it has either happened or not, and both are tried.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

/* Of one call that waits: it leaves for one of the reasons, or queues up again. */
#define QUEUED_CHOICES	(SPEC_REASONS + 1)

/* Distances from what is to be explained: one more is none. */
#define DISTANCES	48
#define NO_STATE	((size_t)-1)

/**
 * struct waiting - states that are to be tried, the oldest first
 * @first:	of the arena, or NO_STATE
 * @last:	of the arena
 */
struct waiting {
	size_t first, last;
};

/**
 * struct frame - a response that is to be explained
 * @event:	its event
 * @first:	its states are those of the arena from this one on ...
 * @now:	... this is tried now, or NO_STATE, ...
 * @slot:	... with the call in this slot ...
 * @choice:	... doing this
 * @waiting:	... and these will be, by their distance
 * @doubtful:	the call may never have happened ...
 * @never:	... which is tried first
 * @issued:	it is a ticket, and has only to wait
 */
struct frame {
	unsigned int event;
	size_t first, now;
	unsigned int slot, choice;
	struct waiting waiting[DISTANCES];
	bool doubtful, never, issued;
};

/**
 * struct search - what the search keeps
 * @run:	what is searched
 * @size:	of a state
 * @arena:	states, the frames' in order
 * @nr_states:	how many
 * @room:	for how many
 * @after:	of each state the one that waits behind it
 * @after_room:	for how many
 * @frames:	the responses that had to be explained so far
 * @nr_frames:	how many
 * @frame_room:	for how many
 * @seen:	hashes of states that were reached at an event, 0 for none
 * @nr_seen:	how many
 * @seen_room:	a power of 2
 * @event:	the next one
 */
struct search {
	struct spec_run *run;
	size_t size;
	unsigned char *arena;
	size_t nr_states, room;
	size_t *after;
	size_t after_room;
	struct frame *frames;
	size_t nr_frames, frame_room;
	/* checkpatch does not know the type. */
	typeof(unsigned __int128) *seen;
	size_t nr_seen, seen_room;
	unsigned int event;
};

static void *grow(void *memory, size_t *room, size_t needed, size_t size)
{
	if (needed <= *room)
		return memory;
	*room = *room ? *room * 2 : 64;
	if (*room < needed)
		*room = needed;
	memory = realloc(memory, *room * size);
	if (!memory)
		abort();
	return memory;
}

static void *arena_at(struct search *s, size_t i)
{
	return s->arena + i * s->size;
}

/* A new state at the end of the arena, a copy of another one. */
static void *arena_copy(struct search *s, const void *from)
{
	size_t inside = (const unsigned char *)from - s->arena;
	bool own = from && s->arena && inside < s->nr_states * s->size;

	s->arena = grow(s->arena, &s->room, s->nr_states + 1, s->size);
	if (own)
		from = s->arena + inside;
	return memcpy(arena_at(s, s->nr_states++), from, s->size);
}

/* ---- what was seen ---- */

static unsigned __int128 hash_state(const void *state, size_t size, __u64 event)
{
	const __u64 *word = state;
	__u64 a = event * 0x9e3779b97f4a7c15 + 1, b = event ^ 0xd6e8feb86659fd93;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++) {
		a = (a ^ word[i]) * 0xff51afd7ed558ccd;
		a ^= a >> 32;
		b = (b + word[i]) * 0xc4ceb9fe1a85ec53;
		b ^= b >> 29;
	}
	return (unsigned __int128)a << 64 | (b | 1);
}

static bool seen_insert(unsigned __int128 *table, size_t room, unsigned __int128 hash)
{
	size_t i = (size_t)(hash >> 64);

	for (;; i++) {
		i &= room - 1;
		if (table[i] == hash)
			return false;
		if (!table[i])
			break;
	}
	table[i] = hash;
	return true;
}

static void seen_grow(struct search *s)
{
	size_t room = s->seen_room ? s->seen_room * 2 : 1024, i;
	unsigned __int128 *table = calloc(room, sizeof(*table));

	if (!table)
		abort();
	for (i = 0; i < s->seen_room; i++) {
		if (s->seen[i])
			seen_insert(table, room, s->seen[i]);
	}
	free(s->seen);
	s->seen = table;
	s->seen_room = room;
}

/* Is this the first time that the state is reached at this event? */
static bool is_new(struct search *s, const void *state)
{
	if (s->nr_seen * 2 >= s->seen_room)
		seen_grow(s);
	if (!seen_insert(s->seen, s->seen_room, hash_state(state, s->size, s->event)))
		return false;
	s->nr_seen++;
	s->run->states++;
	return true;
}

/* ---- a call moves on ---- */

/* All that the process does in the kernel is over before its descriptors go. */
static bool may_die(const struct spec_run *run, const struct spec_common *common,
		    const struct spec_op *dying)
{
	const struct spec_op *op;
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		op = run->pending[i];
		if (!op || op->code == HISTORY_DEATH ||
		    op->rec->process != dying->rec->process)
			continue;
		/* Tickets wait on, but the one that it was given it was given. */
		if (op->kind == SPEC_TICKET &&
		    (common->status[i] != SPEC_NEW || !op->rec->res))
			continue;
		if (common->status[i] != SPEC_OK && common->status[i] != SPEC_FAILED &&
		    (op->known || common->status[i] != SPEC_NEW))
			return false;
	}
	return true;
}

static void owner_dies(const struct spec_run *run, struct spec_common *common,
		       unsigned int owner, bool exits)
{
	unsigned int i;

	if (exits && !(common->dead & 1ULL << owner))
		common->exited |= 1ULL << owner;
	common->dead |= 1ULL << owner;
	for (i = 0; i < SPEC_SLOTS; i++) {
		if (run->pending[i] && run->pending[i]->owner == owner &&
		    common->status[i] <= SPEC_QUEUED)
			common->orphans |= 1ULL << i;
	}
}

/* Has the owner's ticket come to its end? First that, then all else comes back. */
static bool ticket_left(const struct spec_run *run, const struct spec_common *common,
			unsigned int owner)
{
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		if (run->pending[i] && run->pending[i]->kind == SPEC_TICKET &&
		    run->pending[i]->owner == owner && common->status[i] == SPEC_QUEUED)
			return false;
	}
	return true;
}

/* CLOSE and DEATH: nothing is granted any more, and then it all comes back. */
static bool step_end(const struct spec_run *run, struct spec_common *common,
		     const struct spec_op *op)
{
	bool ok = true, more;

	if (common->status[op->slot] == SPEC_NEW) {
		if (op->code == HISTORY_DEATH && !may_die(run, common, op))
			return false;
		owner_dies(run, common, op->owner, op->code == HISTORY_DEATH);
		common->status[op->slot] = SPEC_PHASE;
		return true;
	}
	if (!ticket_left(run, common, op->owner))
		return false;
	more = run->spec->drop && run->spec->drop(run, common, op->owner, &ok);
	common->status[op->slot] = more ? SPEC_PHASE : SPEC_OK;
	return ok;
}

bool spec_end_owner(const struct spec_run *run, struct spec_common *common,
		    unsigned int owner)
{
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *op = run->pending[i];

		if (!op || op->owner != owner || common->status[i] == SPEC_OK ||
		    common->status[i] == SPEC_FAILED ||
		    (op->code != HISTORY_CLOSE && op->code != HISTORY_DEATH))
			continue;
		do {
			if (!step_end(run, common, op))
				return false;
		} while (common->status[i] != SPEC_OK);
		return true;
	}
	return false;
}

/* ---- tickets ---- */

static bool is_settled(const struct spec_run *run, const struct spec_common *common,
		       const struct spec_op *ticket)
{
	__u8 status = common->status[ticket->slot];

	return run->pending[ticket->slot] != ticket || status == SPEC_OK ||
	       status == SPEC_FAILED;
}

static bool same_answer(const struct history_record *a, const struct history_record *b)
{
	return a->ret == b->ret && !memcmp(a->out, b->out, sizeof(a->out));
}

/*
 * Whoever grants is a few instructions from telling a ticket so: may there be somebody
 * who does that just now? A call that has happened and is not over, or a deadline.
 */
static bool may_be_settling(const struct spec_run *run, const struct spec_common *common)
{
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *op = run->pending[i];

		if (op && op->kind != SPEC_READ && common->status[i] > SPEC_QUEUED &&
		    (op->kind != SPEC_TICKET || op->rec->how & HOW_TIMED))
			return true;
	}
	return false;
}

/* All that is read from a ticket is the same. */
static bool step_read(const struct spec_run *run, struct spec_common *common,
		      const struct spec_op *op)
{
	bool settled = is_settled(run, common, op->ticket);
	int ret = op->rec->ret;

	if (!op->known)
		return settled && spec_end(common, op, 0);
	if (op->rec->how & HOW_LOST)
		return false;
	if (ret == -EAGAIN)
		return (!settled || may_be_settling(run, common)) &&
		       spec_end(common, op, ret);
	if (ret == -EINTR)
		return op->restarts && spec_end(common, op, ret);
	return settled && same_answer(op->rec, op->ticket->rec) && spec_end(common, op, ret);
}

static bool step(const struct spec_run *run, struct spec_common *common,
		 const struct spec_op *op, unsigned int choice)
{
	if (op->kind == SPEC_READ)
		return !choice && step_read(run, common, op);
	switch (op->code) {
	case HISTORY_QUIET:
		return false;
	case HISTORY_CLOSE:
	case HISTORY_DEATH:
		return !choice && step_end(run, common, op);
	case HISTORY_GAIN:
		if (choice)
			return false;
		common->dead &= ~(1ULL << op->owner);
		common->exited &= ~(1ULL << op->owner);
		if (run->spec->gain)
			run->spec->gain(common, op->owner);
		return spec_end(common, op, 0);
	default:
		return run->spec->step(run, common, op, choice);
	}
}

/* Somebody has killed its process. */
static bool is_doomed(const struct spec_run *run, const struct spec_op *op)
{
	__u64 doomed = run->history->processes[op->rec->process].doomed;

	return doomed && doomed < run->now;
}

static bool may_leave(const struct spec_run *run, const struct spec_common *common,
		      const struct spec_op *op, enum spec_reason reason)
{
	switch (reason) {
	case SPEC_TIMEOUT:
		return op->rec->how & HOW_TIMED && spec_may(op, -ETIMEDOUT) &&
		       op->rec->until <= spec_latest(run);
	case SPEC_SIGNAL:
		return op->known && op->rec->ret == -EINTR && common->restarts[op->slot];
	case SPEC_KILLED:
		return !op->known && op->dies < run->now &&
		       (!op->rec->dies || is_doomed(run, op));
	case SPEC_ALONE:
		return !op->known && op->dies < run->now && op->rec->dies;
	case SPEC_CLOSED:
		return spec_is_orphan(common, op) &&
		       spec_may(op, spec_why_dead(common, op));
	default:
		return false;
	}
}

/* A waiter leaves; the last choice is to queue up again, after a signal. */
static bool leave(const struct spec_run *run, struct spec_common *common,
		  const struct spec_op *op, unsigned int choice)
{
	bool again = choice == SPEC_REASONS;
	enum spec_reason reason = again ? SPEC_SIGNAL : choice;

	if (!run->spec->leave)
		return false;
	if (again ? !common->restarts[op->slot] : !may_leave(run, common, op, reason))
		return false;
	if (reason == SPEC_SIGNAL)
		common->restarts[op->slot]--;
	common->status[op->slot] = again ? SPEC_NEW : SPEC_FAILED;
	return run->spec->leave(run, common, op, reason);
}

/*
 * It could not even begin: its process has no descriptor of the file any more, or has
 * closed the one that it was to use.
 */
static bool may_not_begin(const struct spec_common *common, const struct spec_op *op)
{
	return spec_is_orphan(common, op) || op->rec->how & HOW_LOST;
}

/* The call does something; false if it cannot, or should not have. */
static bool move_on(const struct spec_run *run, struct spec_common *common,
		    const struct spec_op *op, unsigned int choice)
{
	unsigned int choices = run->spec->choices ?: 1;

	switch (common->status[op->slot]) {
	case SPEC_QUEUED:
		return leave(run, common, op, choice);
	case SPEC_NEW:
		if (choice < choices)
			return step(run, common, op, choice);
		return may_not_begin(common, op) && spec_end(common, op, -EBADF);
	default:
		return choice < choices && step(run, common, op, choice);
	}
}

static unsigned int choices_of(const struct spec_run *run,
			       const struct spec_common *common, unsigned int slot)
{
	switch (common->status[slot]) {
	case SPEC_QUEUED:
		return QUEUED_CHOICES;
	case SPEC_OK:
	case SPEC_FAILED:
		return 0;
	default:
		return (run->spec->choices ?: 1) + 1;
	}
}

/* ---- events ---- */

/* May the call be over now? */
static bool is_complete(const struct spec_common *common, const struct spec_op *op)
{
	__u8 status = common->status[op->slot];

	return status == SPEC_OK || status == SPEC_FAILED;
}

/* It has been read, or not begun to be. */
static bool is_read_in_vain(const struct spec_run *run, const struct spec_common *common,
			    const struct spec_op *op)
{
	return op->kind == SPEC_READ && !is_settled(run, common, op->ticket);
}

/* May it be that it never happened? */
static bool is_doubtful(const struct spec_common *common, const struct spec_op *op)
{
	return !op->known && op->code != HISTORY_QUIET &&
	       common->status[op->slot] == SPEC_NEW;
}

/* Nobody runs: who is there sleeps, but for tickets, which do nothing else. */
static bool is_quiet(const struct spec_run *run, const struct spec_common *common)
{
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *op = run->pending[i];

		if (op && op->code != HISTORY_QUIET && common->status[i] != SPEC_QUEUED &&
		    (op->kind != SPEC_TICKET || common->status[i] == SPEC_NEW) &&
		    !is_read_in_vain(run, common, op))
			return false;
	}
	return true;
}

static bool is_explained(const struct spec_run *run, const struct spec_common *common,
			 const struct spec_event *e)
{
	const struct spec_op *op = &run->ops[e->op];

	if (e->moment == SPEC_ISSUED)
		return common->status[op->slot] != SPEC_NEW;
	return op->code == HISTORY_QUIET ? is_quiet(run, common) :
	       is_complete(common, op);
}

/* Is it a call that the specification knows more of? */
static bool is_specified(const struct spec_op *op)
{
	return op->known && op->code >= HISTORY_OWN && op->kind != SPEC_READ;
}

static bool all_possible(const struct spec_run *run, const void *state)
{
	unsigned int i;

	if (run->spec->latest && run->spec->latest(state) >= run->tokens[run->event])
		return false;
	if (run->spec->promising && !run->spec->promising(run, state))
		return false;
	if (!run->spec->possible)
		return true;
	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *op = run->pending[i];

		if (op && is_specified(op) && !run->spec->possible(run, state, op))
			return false;
	}
	return true;
}

static bool begin(struct spec_run *run, struct spec_common *common,
		  const struct spec_op *op)
{
	run->pending[op->slot] = op;
	common->status[op->slot] = SPEC_NEW;
	common->restarts[op->slot] = op->restarts;
	if (common->dead & 1ULL << op->owner && op->code != HISTORY_QUIET)
		common->orphans |= 1ULL << op->slot;
	return !run->spec->possible || !is_specified(op) ||
	       run->spec->possible(run, common, op);
}

static void end(struct spec_run *run, struct spec_common *common,
		const struct spec_op *op)
{
	run->pending[op->slot] = NULL;
	common->status[op->slot] = 0;
	common->restarts[op->slot] = 0;
	common->orphans &= ~(1ULL << op->slot);
	if (!op->last)
		return;
	common->dead &= ~(1ULL << op->owner);
	common->exited &= ~(1ULL << op->owner);
	if (run->spec->forget)
		run->spec->forget(common, op->owner);
}

/* Goes back to an earlier event. */
static void rewind_to(struct search *s, unsigned int event)
{
	struct spec_run *run = s->run;

	while (s->event > event) {
		const struct spec_event *e = &run->events[--s->event];
		const struct spec_op *op = &run->ops[e->op];

		if (e->moment != SPEC_ISSUED)
			run->pending[op->slot] = e->moment == SPEC_BEGINS ? NULL : op;
	}
	run->now = run->events[event].at;
	run->event = event;
}

/* ---- which state is tried next ---- */

/* How many have left the queue for a signal, to come again, since the frame began. */
static unsigned int nr_restarted(struct search *s, const struct frame *f,
				 const struct spec_common *common)
{
	const struct spec_common *first = arena_at(s, f->first);
	unsigned int n = 0, i;

	for (i = 0; i < SPEC_SLOTS; i++)
		n += first->restarts[i] - common->restarts[i];
	return n;
}

static void put_waiting(struct search *s, struct frame *f, size_t state, const void *at)
{
	const struct spec_run *run = s->run;
	const struct spec_op *op = &run->ops[run->events[f->event].op];
	unsigned int distance = nr_restarted(s, f, at) +
				(((const struct spec_common *)at)->status[op->slot] == SPEC_NEW);
	struct waiting *waiting;

	if (op->kind == SPEC_READ)
		op = op->ticket;
	if (run->spec->distance && is_specified(op) && run->pending[op->slot] == op)
		distance += run->spec->distance(run, at, op);
	waiting = &f->waiting[distance < DISTANCES ? distance : DISTANCES - 1];
	s->after = grow(s->after, &s->after_room, state + 1, sizeof(*s->after));
	s->after[state] = NO_STATE;
	if (waiting->first == NO_STATE)
		waiting->first = state;
	else
		s->after[waiting->last] = state;
	waiting->last = state;
}

static size_t take_waiting(struct search *s, struct frame *f)
{
	unsigned int i;

	for (i = 0; i < DISTANCES; i++) {
		size_t state = f->waiting[i].first;

		if (state == NO_STATE)
			continue;
		f->waiting[i].first = s->after[state];
		return state;
	}
	return NO_STATE;
}

/* ---- the search ---- */

static void push_frame(struct search *s, const void *state, bool doubtful)
{
	struct frame *f;
	unsigned int i;

	s->frames = grow(s->frames, &s->frame_room, s->nr_frames + 1, sizeof(*s->frames));
	f = &s->frames[s->nr_frames++];
	*f = (struct frame){ .event = s->event, .first = s->nr_states };
	f->doubtful = doubtful;
	f->never = doubtful;
	f->issued = s->run->events[s->event].moment == SPEC_ISSUED;
	f->now = f->first;
	for (i = 0; i < DISTANCES; i++)
		f->waiting[i].first = NO_STATE;
	arena_copy(s, state);
}

/*
 * From event to event, as long as nothing has to be explained. True at the end;
 * false where a frame was pushed, or in a dead end.
 */
static bool advance(struct search *s, void *state)
{
	struct spec_run *run = s->run;

	for (; s->event < run->nr_events; s->event++) {
		const struct spec_event *e = &run->events[s->event];
		const struct spec_op *op = &run->ops[e->op];

		run->now = e->at;
		run->event = s->event;
		if (s->event > run->reached)
			run->reached = s->event;
		if (e->moment == SPEC_BEGINS) {
			if (!begin(run, state, op)) {
				run->pending[op->slot] = NULL;
				return false;
			}
			continue;
		}
		if (!is_explained(run, state, e)) {
			if (is_new(s, state))
				push_frame(s, state, e->moment == SPEC_ENDS &&
					   is_doubtful(state, op));
			return false;
		}
		if (e->moment == SPEC_ENDS)
			end(run, state, op);
	}
	return true;
}

/*
 * An end that nobody notices: the owner has nothing to give back, and calls nothing. It
 * can be put off until it is over.
 */
static bool is_unnoticed(const struct spec_run *run, const struct spec_common *common,
			 const struct spec_op *op)
{
	unsigned int i;

	if ((op->code != HISTORY_CLOSE && op->code != HISTORY_DEATH) ||
	    !run->spec->holds || run->spec->holds(run, common, op->owner))
		return false;
	for (i = 0; i < SPEC_SLOTS; i++) {
		const struct spec_op *other = run->pending[i];

		if (other && other != op && other->owner == op->owner &&
		    (op->code == HISTORY_CLOSE || other->kind == SPEC_TICKET) &&
		    common->status[i] != SPEC_OK && common->status[i] != SPEC_FAILED)
			return false;
	}
	return true;
}

/* The next thing that somebody can do in a state of the frame; false at the end. */
static bool next_choice(struct search *s, struct frame *f, unsigned int *slot,
			unsigned int *choice)
{
	struct spec_run *run = s->run;
	const struct spec_op *target = &run->ops[run->events[f->event].op];

	for (; f->now != NO_STATE; f->now = take_waiting(s, f), f->slot = 0) {
		const struct spec_common *common = arena_at(s, f->now);

		for (; f->slot < SPEC_SLOTS; f->slot++, f->choice = 0) {
			const struct spec_op *op = run->pending[f->slot];

			if (!op || f->choice >= choices_of(run, common, f->slot) ||
			    (op != target && is_unnoticed(run, common, op)))
				continue;
			*slot = f->slot;
			*choice = f->choice++;
			return true;
		}
	}
	return false;
}

/* It waited, left for a signal, and has not come again: that explains it, too. */
static bool withdrew(const struct frame *f, struct spec_common *common,
		     const struct spec_op *op)
{
	if (f->doubtful || f->issued || !is_doubtful(common, op))
		return false;
	common->status[op->slot] = SPEC_FAILED;
	return true;
}

/* The next state that explains the frame's response, in @state; false if none. */
static bool next_explanation(struct search *s, void *state, __u64 max_states)
{
	struct frame *f = &s->frames[s->nr_frames - 1];
	struct spec_run *run = s->run;
	const struct spec_op *op = &run->ops[run->events[f->event].op];
	unsigned int slot, choice;

	if (f->never) {
		f->never = false;
		memcpy(state, arena_at(s, f->first), s->size);
		((struct spec_common *)state)->status[op->slot] = SPEC_FAILED;
		return true;
	}
	while (run->states <= max_states && next_choice(s, f, &slot, &choice)) {
		memcpy(state, arena_at(s, f->now), s->size);
		if (!move_on(run, state, run->pending[slot], choice) ||
		    !all_possible(run, state) || !is_new(s, state))
			continue;
		if (is_explained(run, state, &run->events[f->event]) ||
		    withdrew(f, state, op))
			return true;
		put_waiting(s, f, s->nr_states, state);
		arena_copy(s, state);
	}
	return false;
}

static enum spec_verdict search(struct search *s, void *state, __u64 max_states)
{
	struct frame *f;

	if (advance(s, state))
		return SPEC_GOOD;
	while (s->nr_frames) {
		if (s->run->states > max_states)
			return SPEC_TOO_HARD;
		f = &s->frames[s->nr_frames - 1];
		rewind_to(s, f->event);
		if (!next_explanation(s, state, max_states)) {
			s->nr_states = f->first;
			s->nr_frames--;
		} else if (advance(s, state)) {
			return SPEC_GOOD;
		}
	}
	return s->run->states > max_states ? SPEC_TOO_HARD : SPEC_BAD;
}

/**
 * spec_search - is there an order that explains a history?
 * @run:	the history
 * @max_states:	when to give up
 *
 * Return: the answer; @run tells how far it came.
 */
enum spec_verdict spec_search(struct spec_run *run, __u64 max_states)
{
	struct search s = { .run = run };
	enum spec_verdict verdict;
	bool full = false;
	void *state;

	s.size = (run->spec->state_size + 7) & ~7UL;
	state = calloc(1, s.size);
	if (!state)
		abort();
	memset(run->pending, 0, sizeof(run->pending));
	run->full = &full;
	if (run->spec->init)
		run->spec->init(run, state);
	verdict = search(&s, state, max_states);
	free(state);
	free(s.arena);
	free(s.after);
	free(s.frames);
	free(s.seen);
	return verdict == SPEC_BAD && full ? SPEC_TOO_HARD : verdict;
}
