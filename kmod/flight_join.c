// SPDX-License-Identifier: GPL-2.0-only
/*
 * JOIN by a thread; by a ticket it is in flight_ticket.c. See flight.h.
 */
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "flight.h"

/* ---- what the caller gets ---- */

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
		/* What else can fail comes first: others may have to go for what is kept. */
		if (!muster_can_reply(req))
			return -EFAULT;
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
	join->age = fw->age;
	if (join->flags & MUSTER_JOIN_NO_RESULT)
		return muster_reply(req, join, token);
	if (join->flags & MUSTER_JOIN_FD && result && result->file)
		return flight_deliver_file(req, join, result);
	return flight_deliver_bytes(req, join, result, fo);
}

/* The caller leads. If it cannot learn so, it never did (T4, F12). */
static int flight_tell_leader(const struct muster_request *req,
			      struct muster_flight_join *join,
			      struct flight_key *key, struct flight_owner *fo)
{
	bool dies = signal_pending(current) && muster_is_death(muster_signal_fate());
	int err = dies ? -EINTR : 0;

	if (!err)
		err = muster_reply(req, join, token);
	if (err)
		flight_give_up(to_flight(req->mfile->object), fo, key, join->token, false);
	return err;
}

/* ---- joining ---- */

/* The caller begins a call; @refreshes is the kept one whose place it takes, or NULL. */
static int flight_join_lead(const struct muster_request *req,
			    struct muster_flight_join *join,
			    struct flight_key *key, struct flight_owner *fo,
			    struct flight_call *refreshes)
{
	struct flight_plan plan = {
		.key = key,
		.task = current,
		.req = req,
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
			      struct flight_key *key, struct flight_owner *fo,
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
			     struct flight_key *key, struct flight_owner *fo)
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

/* ---- the ioctl ---- */

int flight_join(const struct muster_request *req,
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
