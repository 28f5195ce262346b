// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a flight group. See flight.h.
 */
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "flight.h"

/* ---- what a ticket tells ---- */

static void flight_verdict(const struct muster_waiter *waiter,
			   struct muster_verdict *verdict)
{
	const struct flight_waiter *fw = container_of(waiter, struct flight_waiter, waiter);
	const struct flight_call *call = fw->call;

	if (verdict->error)
		return;
	if (fw->lead) {
		verdict->role = MUSTER_ROLE_LEADER;
		verdict->token = fw->token;
		verdict->attempt = fw->attempt;
		verdict->shared = fw->shared;
		return;
	}
	verdict->role = MUSTER_ROLE_FOLLOWER;
	verdict->outcome = MUSTER_OUTCOME_SHARED | fw->outcome;
	verdict->token = call->token;
	verdict->attempt = call->attempt;
	verdict->shared = call->nr_shared;
	verdict->status = call->status;
	if (!call->result)
		return;
	verdict->result_len = call->result->len;
	if (call->result->file)
		verdict->outcome |= MUSTER_OUTCOME_FD;
}

static struct muster_result *flight_ticket_result(const struct muster_waiter *waiter)
{
	const struct flight_waiter *fw = container_of(waiter, struct flight_waiter, waiter);

	return waiter->verdict || fw->lead ? NULL : fw->call->result;
}

/* It leads, and nobody waits for it (F10). */
static __poll_t flight_ticket_poll(struct muster_waiter *waiter)
{
	struct flight_waiter *fw = to_flight_waiter(waiter);
	bool unwanted;

	if (!fw->lead)
		return 0;
	spin_lock(&fw->call->lock);
	unwanted = flight_leads(fw->call, to_flight_owner(waiter->owner), fw->token) &&
		   !fw->call->nr_followers;
	spin_unlock(&fw->call->lock);
	return unwanted ? EPOLLPRI : 0;
}

/* ---- joining ---- */

static int flight_key_copy(struct flight_key *key, u64 from, u32 len)
{
	if (!len || len > MUSTER_KEY_MAX)
		return -EINVAL;
	key->len = len;
	return copy_from_user(key->bytes, u64_to_user_ptr(from), len) ? -EFAULT : 0;
}

/* ns since the result of a kept call was handed in. */
static u64 flight_age(const struct flight_call *call, u32 outcome)
{
	return outcome & MUSTER_OUTCOME_KEPT ? ktime_get_ns() - call->ended : 0;
}

/* The result goes to the caller as a descriptor, which join->fd is then. */
static int flight_deliver_file(const struct muster_request *req,
			       struct muster_flight_join *join, struct muster_result *result)
{
	struct file *file;
	int fd, err;

	fd = muster_result_open(result, &file);
	if (fd < 0)
		return fd;
	join->fd = fd;
	join->outcome |= MUSTER_OUTCOME_FD;
	err = muster_reply(req, join, token);
	if (err)
		muster_result_close(fd, file);
	else
		fd_install(fd, file);
	return err;
}

/* The bytes of the result go to the caller, as far as it has room for them. */
static int flight_deliver_bytes(const struct muster_request *req,
				struct muster_flight_join *join,
				struct muster_result *result, struct flight_owner *fo)
{
	size_t fits = min(join->result_len, join->buf_len);
	int err = 0;

	if (result)
		err = muster_result_copy(result, join->buf, fits);
	if (!err && fits < join->result_len) {
		err = flight_keep(fo, result, join->token);
		join->outcome |= MUSTER_OUTCOME_TRUNCATED;
	}
	if (err)
		return err;
	err = muster_reply(req, join, token);
	if (err && join->outcome & MUSTER_OUTCOME_TRUNCATED)
		flight_unkeep(fo, join->token);
	return err;
}

/* There is a result, that of @fw->call: it goes to the caller. */
static int flight_deliver(const struct muster_request *req,
			  struct muster_flight_join *join,
			  const struct flight_waiter *fw, struct flight_owner *fo)
{
	const struct flight_call *call = fw->call;
	struct muster_result *result = call->result;

	join->role = MUSTER_ROLE_FOLLOWER;
	join->outcome = MUSTER_OUTCOME_SHARED | fw->outcome;
	join->token = call->token;
	join->attempt = call->attempt;
	join->shared = call->nr_shared;
	join->status = call->status;
	join->result_len = result ? result->len : 0;
	join->age = flight_age(call, fw->outcome);
	if (join->flags & MUSTER_JOIN_NO_RESULT)
		return muster_reply(req, join, token);
	if (join->flags & MUSTER_JOIN_FD && result && result->file)
		return flight_deliver_file(req, join, result);
	return flight_deliver_bytes(req, join, result, fo);
}

/* The caller leads. If it cannot learn so, it never did (T4, F12). */
static int flight_tell_leader(const struct muster_request *req,
			      struct muster_flight_join *join,
			      const struct flight_key *key, struct flight_owner *fo)
{
	int err = fatal_signal_pending(current) ? -EINTR : 0;

	if (!err)
		err = muster_reply(req, join, token);
	if (err)
		flight_give_up(to_flight(req->mfile->object), fo, key, join->token, false);
	return err;
}

/* The caller begins a call; @refreshes is the kept one whose place it takes, or NULL. */
static int flight_join_lead(const struct muster_request *req,
			    struct muster_flight_join *join,
			    const struct flight_key *key, struct flight_owner *fo,
			    struct flight_call *refreshes)
{
	struct flight_plan plan = {
		.key = key,
		.task = current,
		.forget_after = join->forget_after,
		.refreshes = refreshes,
	};
	int err;

	err = flight_lead(to_flight(req->mfile->object), fo, &plan, &join->token);
	if (err)
		return err;
	join->role = MUSTER_ROLE_LEADER;
	join->attempt = 1;
	return flight_tell_leader(req, join, key, fo);
}

/* Follows @call, whose reference it takes over. */
static int flight_join_follow(const struct muster_request *req,
			      struct muster_flight_join *join,
			      const struct flight_key *key, struct flight_owner *fo,
			      struct flight_call *call,
			      const struct muster_deadline *until)
{
	struct flight_waiter fw = {};
	int err;

	err = flight_follow(call, &fw, &fo->owner, join->flags, until);
	if (!err && fw.lead) {
		join->role = MUSTER_ROLE_LEADER;
		join->token = fw.token;
		join->attempt = fw.attempt;
		join->shared = fw.shared;
		err = flight_tell_leader(req, join, key, fo);
	} else if (!err) {
		err = flight_deliver(req, join, &fw, fo);
	} else if (err == -ESTALE) {
		err = flight_join_lead(req, join, key, fo, call);
	}
	if (fw.outcome)
		flight_call_put(fw.call);
	flight_call_put(call);
	return err;
}

static int flight_join_owner(const struct muster_request *req,
			     struct muster_flight_join *join,
			     const struct flight_key *key, struct flight_owner *fo)
{
	struct muster_flight *flight = to_flight(req->mfile->object);
	struct muster_deadline until;
	struct flight_call *call;
	int err;

	muster_deadline_set(&until, req, join->flags, join->deadline);
	do {
		call = flight_find(flight, key);
		if (call)
			err = flight_join_follow(req, join, key, fo, call, &until);
		else if (join->flags & MUSTER_JOIN_NO_LEAD)
			err = -ENOENT;
		else
			err = flight_join_lead(req, join, key, fo, NULL);
		/* Another call has come or gone in between: look again. */
		if (err == -EEXIST)
			cond_resched();
	} while (err == -EEXIST);
	return err;
}

/* A ticket begins a call. */
static int flight_ticket_lead(struct muster_flight *flight,
			      const struct muster_flight_join *join,
			      const struct flight_key *key, struct flight_waiter *fw,
			      struct flight_call *refreshes)
{
	struct flight_plan plan = {
		.key = key,
		.ticket = fw,
		.forget_after = join->forget_after,
		.refreshes = refreshes,
	};

	fw->lead = true;
	fw->attempt = 1;
	return flight_lead(flight, to_flight_owner(fw->waiter.owner), &plan, &fw->token);
}

/* A ticket joins a call: as flight_enter(), and it leads if that is stale. */
static int flight_ticket_follow(struct muster_flight *flight,
				const struct muster_flight_join *join,
				const struct flight_key *key, struct flight_waiter *fw,
				struct flight_call *call)
{
	int err;

	err = flight_enter(call, fw, join->flags, false);
	if (err == MUSTER_QUEUED)
		/* With the reference. */
		return err;
	if (err == -ESTALE)
		err = flight_ticket_lead(flight, join, key, fw, call);
	flight_call_put(call);
	return err;
}

/* Leads, queues up, or has a kept result: 0, MUSTER_QUEUED, or a negative errno. */
static int flight_join_enter(const struct muster_request *req,
			     const struct muster_flight_join *join,
			     const struct flight_key *key, struct flight_waiter *fw)
{
	struct muster_flight *flight = to_flight(req->mfile->object);
	struct flight_call *call;
	int err;

	do {
		fw->lead = false;
		call = flight_find(flight, key);
		if (call)
			err = flight_ticket_follow(flight, join, key, fw, call);
		else if (join->flags & MUSTER_JOIN_NO_LEAD)
			err = -ENOENT;
		else
			err = flight_ticket_lead(flight, join, key, fw, NULL);
		if (err == -EEXIST)
			cond_resched();
	} while (err == -EEXIST);
	return err;
}

static int flight_join_ticket(const struct muster_request *req,
			      const struct muster_flight_join *join,
			      const struct flight_key *key)
{
	struct muster_waiter *waiter;
	int err;

	waiter = muster_ticket_create(req, sizeof(struct flight_waiter), flight_leave,
				      join->flags, join->deadline);
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	err = flight_join_enter(req, join, key, to_flight_waiter(waiter));
	return muster_ticket_issue(waiter, err);
}

static int flight_join(const struct muster_request *req,
		       struct muster_flight_join *join)
{
	struct muster_owner *owner;
	struct flight_key key;
	int err;

	if (!muster_wait_flags_ok(join->flags, MUSTER_JOIN_NO_FOLLOW | MUSTER_JOIN_NO_LEAD |
				  MUSTER_JOIN_MIGRATORY | MUSTER_JOIN_NO_RESULT |
				  MUSTER_JOIN_FRESH | MUSTER_JOIN_FD) ||
	    join->__reserved)
		return -EINVAL;
	err = flight_key_copy(&key, join->key, join->key_len);
	if (err)
		return err;
	if (join->flags & MUSTER_WAIT_TICKET)
		return flight_join_ticket(req, join, &key);
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);

	join->token = 0;
	join->result_len = 0;
	join->role = 0;
	join->outcome = 0;
	join->status = 0;
	join->attempt = 0;
	join->shared = 0;
	join->__pad = 0;
	join->age = 0;
	join->fd = -1;
	join->__pad2 = 0;
	err = flight_join_owner(req, join, &key, to_flight_owner(owner));
	muster_owner_put(owner);
	return err;
}

static int flight_finish_owner(const struct muster_request *req,
			       struct muster_flight_finish *finish,
			       const struct flight_key *key, struct flight_owner *fo)
{
	struct flight_end end = {
		.status = finish->status,
		.flags = finish->flags,
		.keep = finish->keep,
		.grace = finish->grace,
	};
	int followers;

	/* A bad pointer is found before anything is done that others see. */
	if (muster_reply(req, finish, followers))
		return -EFAULT;
	if (finish->flags & MUSTER_FINISH_FD)
		end.result = muster_result_get_file(finish->fd);
	else
		end.result = muster_result_get(finish->data, finish->data_len);
	if (IS_ERR(end.result))
		return PTR_ERR(end.result);
	followers = flight_complete(to_flight(req->mfile->object), fo, key,
				    finish->token, &end);
	if (followers < 0) {
		muster_result_put(end.result);
		return followers;
	}
	finish->followers = followers;
	finish->__pad = 0;
	return muster_reply(req, finish, followers);
}

static bool flight_finish_args_ok(const struct muster_flight_finish *finish)
{
	u32 flags = finish->flags;

	if (flags & ~(MUSTER_FINISH_KEEP_FAILURE | MUSTER_FINISH_FD) || finish->__pad2)
		return false;
	if (!finish->keep && (flags & MUSTER_FINISH_KEEP_FAILURE || finish->grace))
		return false;
	return flags & MUSTER_FINISH_FD ? !finish->data && !finish->data_len : !finish->fd;
}

static int flight_finish(const struct muster_request *req,
			 struct muster_flight_finish *finish)
{
	struct muster_owner *owner;
	struct flight_key key;
	int err;

	if (!flight_finish_args_ok(finish))
		return -EINVAL;
	err = flight_key_copy(&key, finish->key, finish->key_len);
	if (err)
		return err;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = flight_finish_owner(req, finish, &key, to_flight_owner(owner));
	muster_owner_put(owner);
	return err;
}

static int flight_key_args(struct muster_flight_key *args, struct flight_key *key)
{
	if (args->flags || args->__reserved)
		return -EINVAL;
	return flight_key_copy(key, args->key, args->key_len);
}

static int flight_abandon(const struct muster_request *req,
			  struct muster_flight_key *abandon)
{
	struct muster_owner *owner;
	struct flight_key key;
	int err;

	err = flight_key_args(abandon, &key);
	if (!err)
		err = muster_reply(req, abandon, count);
	if (err)
		return err;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = flight_give_up(to_flight(req->mfile->object), to_flight_owner(owner), &key,
			     abandon->token, true);
	muster_owner_put(owner);
	if (err < 0)
		return err;
	abandon->count = err;
	abandon->__pad = 0;
	return muster_reply(req, abandon, count);
}

static int flight_forget_ioctl(const struct muster_request *req,
			       struct muster_flight_key *forget)
{
	struct flight_key key;
	int err;

	err = flight_key_args(forget, &key);
	if (!err)
		err = muster_reply(req, forget, count);
	if (err)
		return err;
	forget->count = flight_forget(to_flight(req->mfile->object), &key, forget->token);
	forget->__pad = 0;
	return muster_reply(req, forget, count);
}

static int flight_followers(const struct muster_request *req,
			    struct muster_flight_key *ask)
{
	struct muster_owner *owner;
	struct flight_key key;
	int err;

	err = flight_key_args(ask, &key);
	if (err)
		return err;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = flight_count_followers(to_flight(req->mfile->object), to_flight_owner(owner),
				     &key, ask->token);
	muster_owner_put(owner);
	if (err < 0)
		return err;
	ask->count = err;
	ask->__pad = 0;
	return muster_reply(req, ask, count);
}

/* The result of the ticket, if @mfile is one and it is of that token, or NULL. */
static struct muster_result *flight_ticket_peek(struct muster_file *mfile, u64 token)
{
	struct muster_waiter *waiter = mfile->ticket ? muster_ticket_waiter(mfile->ticket) :
				       NULL;
	struct muster_result *result = waiter ? flight_ticket_result(waiter) : NULL;

	if (!result || to_flight_waiter(waiter)->call->token != token)
		return NULL;
	refcount_inc(&result->refs);
	return result;
}

static int flight_fetch_file(const struct muster_request *req,
			     struct muster_flight_fetch *fetch, struct muster_result *result)
{
	struct file *file;
	int fd, err;

	if (!result->file)
		return -EINVAL;
	fd = muster_result_open(result, &file);
	if (fd < 0)
		return fd;
	fetch->fd = fd;
	err = muster_reply(req, fetch, result_len);
	if (err)
		muster_result_close(fd, file);
	else
		fd_install(fd, file);
	return err;
}

static int flight_fetch_result(const struct muster_request *req,
			       struct muster_flight_fetch *fetch,
			       struct muster_result *result)
{
	bool discard = fetch->flags & MUSTER_FETCH_DISCARD;
	bool fits = result->len <= fetch->buf_len;
	int err = 0;

	fetch->result_len = result->len;
	fetch->fd = -1;
	fetch->__pad = 0;
	if (fetch->flags & MUSTER_FETCH_FD)
		return flight_fetch_file(req, fetch, result);
	if (!discard && fits)
		err = muster_result_copy(result, fetch->buf, result->len);
	if (!err)
		err = muster_reply(req, fetch, result_len);
	if (err)
		return err;
	return discard || fits ? 0 : -EMSGSIZE;
}

static int flight_fetch_owner(const struct muster_request *req,
			      struct muster_flight_fetch *fetch, struct flight_owner *fo)
{
	struct muster_result *result = flight_peek(fo, fetch->token);
	bool parcel = result;
	int err;

	if (!result)
		result = flight_ticket_peek(req->mfile, fetch->token);
	if (!result)
		return -ENOENT;
	err = flight_fetch_result(req, fetch, result);
	if (!err && parcel)
		flight_unkeep(fo, fetch->token);
	muster_result_put(result);
	return err;
}

static int flight_fetch(const struct muster_request *req,
			struct muster_flight_fetch *fetch)
{
	struct muster_owner *owner;
	int err;

	if (fetch->flags & ~(MUSTER_FETCH_DISCARD | MUSTER_FETCH_FD) ||
	    fetch->flags == (MUSTER_FETCH_DISCARD | MUSTER_FETCH_FD))
		return -EINVAL;
	owner = muster_owner_get(req->mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = flight_fetch_owner(req, fetch, to_flight_owner(owner));
	muster_owner_put(owner);
	return err;
}

static int flight_stat(const struct muster_request *req,
		       struct muster_flight_stat *stat)
{
	struct muster_flight *flight = to_flight(req->mfile->object);

	if (stat->flags)
		return -EINVAL;
	stat->options = flight->object.options;
	stat->handovers = flight->handovers;
	stat->kept = atomic64_read(&flight->kept);
	stat->calls = flight_nr_calls(flight);
	stat->followers = atomic64_read(&flight->followers);
	stat->led = atomic64_read(&flight->led);
	stat->joined = atomic64_read(&flight->joined);
	stat->handed_over = atomic64_read(&flight->handed_over);
	stat->forgotten = atomic64_read(&flight->forgotten);
	stat->orphaned = atomic64_read(&flight->orphaned);
	stat->served = atomic64_read(&flight->served);
	return muster_reply(req, stat, options);
}

MUSTER_HANDLER(flight_join, struct muster_flight_join, buf_len)
MUSTER_HANDLER(flight_finish, struct muster_flight_finish, data_len)
MUSTER_HANDLER(flight_abandon, struct muster_flight_key, token)
MUSTER_HANDLER(flight_forget_ioctl, struct muster_flight_key, token)
MUSTER_HANDLER(flight_followers, struct muster_flight_key, token)
MUSTER_HANDLER(flight_fetch, struct muster_flight_fetch, buf_len)
MUSTER_HANDLER(flight_stat, struct muster_flight_stat, flags)

static const struct muster_command flight_commands[] = {
	{ MUSTER_FLIGHT_JOIN, flight_join_run },
	{ MUSTER_FLIGHT_FINISH, flight_finish_run },
	{ MUSTER_FLIGHT_ABANDON, flight_abandon_run },
	{ MUSTER_FLIGHT_FORGET, flight_forget_ioctl_run },
	{ MUSTER_FLIGHT_FETCH, flight_fetch_run },
	{ MUSTER_FLIGHT_STAT, flight_stat_run },
	{ MUSTER_FLIGHT_FOLLOWERS, flight_followers_run },
};

/* ---- the type ---- */

static int flight_init(struct muster_object *object, const struct muster_open *how)
{
	struct muster_flight *flight = to_flight(object);
	bool no_handover = how->options & MUSTER_FLIGHT_NO_HANDOVER;

	if (how->limit > INT_MAX || how->initial || (no_handover && how->limit))
		return -EINVAL;
	if (!no_handover)
		flight->handovers = how->limit ?: muster_handovers_default();
	return flight_calls_init(flight);
}

static bool flight_matches(struct muster_object *object, const struct muster_open *how)
{
	return !how->limit || how->limit == to_flight(object)->handovers;
}

static void flight_destroy(struct muster_object *object)
{
	flight_calls_destroy(to_flight(object));
}

static void flight_owner_init(struct muster_owner *owner)
{
	struct flight_owner *fo = to_flight_owner(owner);

	INIT_LIST_HEAD(&fo->led);
	INIT_LIST_HEAD(&fo->parcels);
}

static void flight_owner_drop(struct muster_owner *owner)
{
	flight_drop_led(to_flight_owner(owner));
	flight_drop_kept(to_flight_owner(owner));
}

/* An object as such is never ready. */
static __poll_t flight_poll(struct muster_object *object)
{
	return 0;
}

static void flight_fdinfo(struct muster_object *object, struct seq_file *m)
{
	struct muster_flight *flight = to_flight(object);

	seq_printf(m, "muster-handovers:\t%u\n", flight->handovers);
	seq_printf(m, "muster-calls:\t%lld\n", flight_nr_calls(flight));
	seq_printf(m, "muster-kept:\t%lld\n", atomic64_read(&flight->kept));
	seq_printf(m, "muster-waiters:\t%lld\n", atomic64_read(&flight->followers));
}

static void flight_waiter_end(struct muster_waiter *waiter)
{
	struct flight_call *call = to_flight_waiter(waiter)->call;

	if (call)
		flight_call_put(call);
}

const struct muster_type muster_flight_type = {
	.name = "flight",
	.id = MUSTER_FLIGHT,
	.object_size = sizeof(struct muster_flight),
	.owner_size = sizeof(struct flight_owner),
	.options = MUSTER_FLIGHT_NO_HANDOVER,
	.commands = flight_commands,
	.nr_commands = ARRAY_SIZE(flight_commands),
	.init = flight_init,
	.matches = flight_matches,
	.destroy = flight_destroy,
	.owner_init = flight_owner_init,
	.owner_drop = flight_owner_drop,
	.poll = flight_poll,
	.fdinfo = flight_fdinfo,
	.linger = flight_linger,
	.verdict = flight_verdict,
	.ticket_result = flight_ticket_result,
	.ticket_poll = flight_ticket_poll,
	.waiter_end = flight_waiter_end,
};
