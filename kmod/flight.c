// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a flight group, but for JOIN and FETCH. See flight.h.
 */
#include <linux/uaccess.h>

#include "flight.h"

int flight_key_copy(struct flight_key *key, u64 from, u32 len)
{
	if (!len || len > MUSTER_KEY_MAX)
		return -EINVAL;
	key->len = len;
	if (likely(len <= FLIGHT_SHORT_KEY))
		return muster_copy_short(key->bytes, from, len);
	return copy_from_user(key->bytes, u64_to_user_ptr(from), len) ? -EFAULT : 0;
}

static int flight_finish_owner(const struct muster_request *req,
			       struct muster_flight_finish *finish,
			       struct flight_key *key, struct flight_owner *fo)
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
		end.result = muster_result_get(finish->data, finish->data_len,
					       &fo->spare_result);
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

static void flight_stat_count(struct muster_flight *flight, struct muster_flight_stat *stat)
{
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
}

static int flight_stat(const struct muster_request *req,
		       struct muster_flight_stat *stat)
{
	struct muster_flight *flight = to_flight(req->mfile->object);
	struct muster_roster roster;
	struct flight_key key;
	int err;

	if (stat->flags || (!stat->key_len && stat->key))
		return -EINVAL;
	err = stat->key_len ? flight_key_copy(&key, stat->key, stat->key_len) : 0;
	if (!err)
		err = muster_roster_alloc(&roster, stat->processes, stat->nr_processes);
	if (err)
		return err;
	flight_stat_count(flight, stat);
	if (stat->key_len)
		stat->nr_processes = flight_list_call(flight, &key, &roster);
	else
		stat->nr_processes = flight_list_leaders(flight, &roster);
	err = muster_roster_copy(&roster, stat->processes);
	if (!err)
		err = muster_reply(req, stat, options);
	muster_roster_free(&roster);
	return err;
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

static void flight_drop(struct muster_object *object)
{
	flight_calls_drop(to_flight(object));
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

static void flight_owner_end(struct muster_owner *owner)
{
	flight_spare_free(to_flight_owner(owner));
}

/* An object as such is never ready. */
static __poll_t flight_poll(struct muster_object *object)
{
	return 0;
}

static void flight_count(struct muster_object *object, struct muster_entry *entry)
{
	struct muster_flight *flight = to_flight(object);

	entry->limit = flight->handovers;
	entry->used = flight_nr_calls(flight);
	entry->kept = atomic64_read(&flight->kept);
	entry->waiters = atomic64_read(&flight->followers);
}

static void flight_fdinfo(struct muster_object *object, struct seq_file *m)
{
	struct muster_flight *flight = to_flight(object);

	seq_printf(m, "muster-handovers:\t%u\n", flight->handovers);
	seq_printf(m, "muster-calls:\t%lld\n", flight_nr_calls(flight));
	seq_printf(m, "muster-kept:\t%lld\n", atomic64_read(&flight->kept));
	seq_printf(m, "muster-waiters:\t%lld\n", atomic64_read(&flight->followers));
	seq_printf(m, "muster-led:\t%lld\n", atomic64_read(&flight->led));
	seq_printf(m, "muster-joined:\t%lld\n", atomic64_read(&flight->joined));
	seq_printf(m, "muster-served:\t%lld\n", atomic64_read(&flight->served));
}

const struct muster_type muster_flight_type = {
	.name = "flight",
	.id = MUSTER_FLIGHT,
	.object_size = sizeof(struct muster_flight),
	.owner_size = sizeof(struct flight_owner),
	.options = MUSTER_FLIGHT_NO_HANDOVER,
	.commands = flight_commands,
	.nr_commands = ARRAY_SIZE(flight_commands),
	.load = flight_calls_load,
	.unload = flight_calls_unload,
	.init = flight_init,
	.matches = flight_matches,
	.drop = flight_drop,
	.destroy = flight_destroy,
	.may_wait = MUSTER_SLOW_TABLES,
	.owner_init = flight_owner_init,
	.owner_drop = flight_owner_drop,
	.owner_end = flight_owner_end,
	.poll = flight_poll,
	.held = flight_held,
	.fdinfo = flight_fdinfo,
	.count = flight_count,
	.linger = flight_linger,
	.evict = flight_evict,
	.verdict = flight_verdict,
	.ticket_result = flight_ticket_result,
	.ticket_poll = flight_ticket_poll,
	.waiter_end = flight_waiter_end,
};
