// SPDX-License-Identifier: GPL-2.0-only
/*
 * One name of a flight group, that outlives its descriptors while a result is kept (O3).
 * See spec.h.
 *
 * An owner is a process that has a descriptor of a file that was got by the name. Nobody
 * waits, and there is only one key. That the name is there for longer than it has to be
 * is no fault: how soon it goes when its time is over depends on the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"
#include "spec_calls.h"

/* KEEP: it leads. */
#define PHASE_LEADS	SPEC_PHASE
/* In @leads: it has ended, as its descriptor was closed, and its process leads still. */
#define LEADS_STILL	255

/**
 * struct linger - the state
 * @common:	the search's part
 * @users:	owners that have a descriptor
 * @kept:	the KEEP of the result that is kept, or NULL
 * @leads:	1 more than the slot of the KEEP that leads and was not dropped, 0: none; or
 *		LEADS_STILL
 * @leader:	its owner
 */
struct linger {
	struct spec_common common;
	__u64 users;
	const struct history_record *kept;
	__u8 leads, leader;
};

/* ---- the name ---- */

/* A call uses the object, though the descriptor that it was made through may be closed. */
static bool is_used(const struct spec_run *run, const struct linger *l, bool surely)
{
	unsigned int i;

	for (i = 0; i < SPEC_SLOTS; i++) {
		if (run->pending[i] && run->pending[i]->code > NAME_OPEN &&
		    (l->common.status[i] == PHASE_LEADS ||
		     (!surely && l->common.status[i] == SPEC_NEW)))
			return true;
	}
	return false;
}

/*
 * Only here it matters who has ended, of those who are about to: in which order they do, and
 * which of them have done so before, nobody can tell.
 */
static bool end_users(const struct spec_run *run, struct linger *l)
{
	while (l->users) {
		if (!spec_end_owner(run, &l->common, __builtin_ctzll(l->users)))
			return false;
	}
	return true;
}

static bool may_go(const struct spec_run *run, struct linger *l)
{
	return end_users(run, l) && !is_used(run, l, true) &&
	       (!l->kept || spec_may_be_after(run, l->kept, l->kept->arg[LINGER_NS]));
}

/* It is there, or not any more: then there is no trace of it. */
static bool open_name(const struct spec_run *run, struct linger *l, const struct spec_op *op,
		      unsigned int choice)
{
	const struct history_record *rec = op->rec;
	__u32 flags = rec->arg[NAME_FLAGS];
	bool there = !choice;

	if (choice > 1)
		return false;
	if (there ? !l->users && !l->kept && !is_used(run, l, false) : !may_go(run, l))
		return false;
	if (!there)
		l->kept = NULL;
	if (!there && !(flags & O_CREAT))
		return spec_end(&l->common, op, -ENOENT);
	if (there && flags & O_CREAT && flags & O_EXCL)
		return spec_end(&l->common, op, -EEXIST);
	l->users |= 1ULL << op->owner;
	return spec_end(&l->common, op, 0) &&
	       (!op->known || !rec->out[NAME_OUT_CREATED] == there);
}

/* ---- what is kept ---- */

static bool may_be_kept(const struct linger *l, const struct spec_op *op)
{
	return l->kept && spec_may_be_before(op, l->kept, l->kept->arg[LINGER_NS]);
}

/* Its time is over, or there is nothing: no trace of it from now on. */
static bool is_over(const struct spec_run *run, struct linger *l)
{
	if (l->kept && !spec_may_be_after(run, l->kept, l->kept->arg[LINGER_NS]))
		return false;
	l->kept = NULL;
	return true;
}

/* A join finds that its time is over, and begins anew. */
static bool find_over(const struct spec_run *run, struct linger *l)
{
	return l->kept && is_over(run, l);
}

static bool told_token(const struct spec_op *op, const struct history_record *kept)
{
	return !op->known || !kept->res ||
	       op->rec->out[LINGER_OUT_TOKEN] == kept->out[LINGER_OUT_TOKEN];
}

static void stop_leading(struct linger *l)
{
	l->leads = 0;
	l->leader = 0;
}

/* It leads and says what is to be kept, unless it was closed or killed in between. */
static bool finish(const struct spec_run *run, struct linger *l, const struct spec_op *op,
		   unsigned int choice)
{
	if (choice == 1 && !op->known && op->dies < run->now) {
		l->common.status[op->slot] = SPEC_FAILED;
		return true;
	}
	if (choice)
		return false;
	if (!(l->common.dead & 1ULL << op->owner) && op->rec->how & HOW_LOST) {
		if (l->leads == op->slot + 1)
			l->leads = LEADS_STILL;
		return spec_end(&l->common, op, -EBADF);
	}
	if (l->common.dead & 1ULL << op->owner)
		return spec_may(op, -EPERM) ? spec_end(&l->common, op, -EPERM) :
					      spec_end(&l->common, op, -EBADF);
	if (l->leads == op->slot + 1) {
		l->kept = op->rec;
		stop_leading(l);
	}
	return spec_end(&l->common, op, 0);
}

/* Somebody leads: perhaps the caller's thread, of which the history does not tell. */
static bool must_wait(struct linger *l, const struct spec_op *op)
{
	if (l->leads == LEADS_STILL && spec_may(op, -EDEADLK))
		return spec_end(&l->common, op, -EDEADLK);
	return spec_end(&l->common, op, -EAGAIN);
}

static bool keep(const struct spec_run *run, struct linger *l, const struct spec_op *op,
		 unsigned int choice)
{
	if (l->common.status[op->slot] == PHASE_LEADS)
		return finish(run, l, op, choice);
	if (l->common.dead & 1ULL << op->owner)
		return !choice && spec_end(&l->common, op, -EBADF);
	if (choice == 2)
		return find_over(run, l);
	if (l->leads)
		return !choice && must_wait(l, op);
	if (choice)
		return may_be_kept(l, op) && told_token(op, l->kept) &&
		       spec_end(&l->common, op, LINGER_IS_KEPT);
	if (!is_over(run, l))
		return false;
	l->leads = op->slot + 1;
	l->leader = op->owner;
	l->common.status[op->slot] = PHASE_LEADS;
	return true;
}

static bool look(const struct spec_run *run, struct linger *l, const struct spec_op *op,
		 unsigned int choice)
{
	if (l->common.dead & 1ULL << op->owner)
		return !choice && spec_end(&l->common, op, -EBADF);
	if (choice == 2)
		return find_over(run, l);
	if (l->leads)
		return !choice && must_wait(l, op);
	if (choice)
		return may_be_kept(l, op) && told_token(op, l->kept) &&
		       spec_end(&l->common, op, 0);
	return is_over(run, l) && spec_end(&l->common, op, -ENOENT);
}

static bool drop(struct linger *l, const struct spec_op *op)
{
	bool hit = l->kept || l->leads;

	l->kept = NULL;
	stop_leading(l);
	return spec_end(&l->common, op, 0) &&
	       (!op->known || op->rec->out[LINGER_OUT_COUNT] == hit);
}

/* ---- the specification ---- */

static bool linger_step(const struct spec_run *run, void *state, const struct spec_op *op,
			unsigned int choice)
{
	struct linger *l = state;

	switch (op->code) {
	case NAME_OPEN:
		return open_name(run, l, op, choice);
	case LINGER_KEEP:
		return keep(run, l, op, choice);
	case LINGER_LOOK:
		return look(run, l, op, choice);
	default:
		return !choice && drop(l, op);
	}
}

/* See end_users() for those who have a descriptor. */
static bool linger_holds(const struct spec_run *run, const void *state, unsigned int owner)
{
	const struct linger *l = state;

	return l->leads && l->leader == owner;
}

static bool linger_drop(const struct spec_run *run, void *state, unsigned int owner, bool *ok)
{
	struct linger *l = state;

	if (l->leads && l->leader == owner)
		stop_leading(l);
	l->users &= ~(1ULL << owner);
	return false;
}

static void linger_gain(void *state, unsigned int owner)
{
	struct linger *l = state;

	l->users |= 1ULL << owner;
}

static const struct history_call linger_calls[] = {
	{ "open", { "flags" }, { "created" } },
	{ "keep", { "ns" }, { "token" } },
	{ "look", { }, { "token" } },
	{ "drop", { }, { "count" } },
};

const struct spec spec_linger = {
	.name = "linger",
	.calls = linger_calls,
	.nr_calls = sizeof(linger_calls) / sizeof(*linger_calls),
	.state_size = sizeof(struct linger),
	.choices = 3,
	.step = linger_step,
	.drop = linger_drop,
	.holds = linger_holds,
	.gain = linger_gain,
};
