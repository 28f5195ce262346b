// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results: what leaders hand in and followers get (F1, F3)
 *
 * A result is copied once from its leader and then read by every follower. One that
 * does not fit a follower's buffer becomes a parcel of that follower's process, and
 * is charged to it, until it is fetched. So is that of a ticket, until that is closed.
 *
 * Locking: the owner's lock guards its parcels.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "flight.h"

/* Of one process. One that fetches what did not fit never comes near this. */
#define FLIGHT_PARCELS_MAX 1024

/**
 * struct flight_parcel - a result that waits to be fetched (F3)
 * @link:	in @parcels of the owner
 * @token:	of the call
 * @result:	a reference
 * @user:	whom it is charged to
 */
struct flight_parcel {
	struct list_head link;
	u64 token;
	struct muster_result *result;
	struct muster_user *user;
};

/* What it costs that it waits: a file is not copied, and its own process pays for it. */
static size_t flight_parcel_bytes(const struct muster_result *result)
{
	return result->file ? PAGE_SIZE : result->len;
}

/*
 * It waits for the user to fetch it, or to read it from a ticket. @evictions as of
 * muster_make_room_by().
 */
bool flight_result_charge(struct muster_user *user, const struct muster_result *result,
			  unsigned int *evictions)
{
	if (!muster_may_have(user, MUSTER_RES_BYTES, flight_parcel_bytes(result)) ||
	    !muster_make_room_by(user, MUSTER_RES_CALLS, 1, evictions))
		return false;
	if (muster_make_room_by(user, MUSTER_RES_BYTES, flight_parcel_bytes(result), evictions))
		return true;
	muster_uncharge(user, MUSTER_RES_CALLS, 1);
	return false;
}

void flight_result_uncharge(struct muster_user *user, const struct muster_result *result)
{
	muster_uncharge(user, MUSTER_RES_BYTES, flight_parcel_bytes(result));
	muster_uncharge(user, MUSTER_RES_CALLS, 1);
}

static void flight_parcel_free(struct flight_parcel *parcel)
{
	flight_result_uncharge(parcel->user, parcel->result);
	muster_user_put(parcel->user);
	muster_result_put(parcel->result);
	kfree(parcel);
}

static int flight_parcel_may_add(struct flight_owner *fo)
{
	lockdep_assert_held(&fo->owner.lock);

	if (!muster_owner_use(&fo->owner))
		return -EBADF;
	return fo->nr_parcels < FLIGHT_PARCELS_MAX ? 0 : -ENOBUFS;
}

/* Adds the parcel, unless that is NULL: 0, or why it can not be. */
static int flight_parcel_add(struct flight_owner *fo, struct flight_parcel *parcel)
{
	int err;

	spin_lock(&fo->owner.lock);
	err = flight_parcel_may_add(fo);
	if (!err && parcel) {
		list_add_tail(&parcel->link, &fo->parcels);
		fo->nr_parcels++;
	}
	spin_unlock(&fo->owner.lock);
	return err;
}

/**
 * flight_keep - keep a result that did not fit, for FETCH
 * @fo:		whose
 * @result:	the result; the caller keeps its reference
 * @token:	of the call
 *
 * Return: 0, -ENOBUFS, -ENOMEM, or -EBADF.
 */
int flight_keep(struct flight_owner *fo, struct muster_result *result, u64 token)
{
	unsigned int evictions = UINT_MAX;
	struct flight_parcel *parcel;
	int err;

	/* Nothing goes for what is refused. */
	err = flight_parcel_add(fo, NULL);
	if (err)
		return err;
	parcel = kmalloc(sizeof(*parcel), MUSTER_GFP);
	if (!parcel)
		return -ENOMEM;
	if (!flight_result_charge(fo->owner.user, result, &evictions)) {
		kfree(parcel);
		return -ENOBUFS;
	}
	refcount_inc(&result->refs);
	parcel->result = result;
	parcel->token = token;
	parcel->user = muster_user_hold(fo->owner.user);
	err = flight_parcel_add(fo, parcel);
	if (err)
		flight_parcel_free(parcel);
	return err;
}

static struct flight_parcel *flight_parcel_find(struct flight_owner *fo, u64 token)
{
	struct flight_parcel *parcel;

	lockdep_assert_held(&fo->owner.lock);

	list_for_each_entry(parcel, &fo->parcels, link) {
		if (parcel->token == token)
			return parcel;
	}
	return NULL;
}

static bool flight_parcel_drop(struct flight_owner *fo, struct flight_parcel *parcel)
	__releases(&fo->owner.lock)
{
	if (parcel) {
		list_del(&parcel->link);
		fo->nr_parcels--;
	}
	spin_unlock(&fo->owner.lock);
	if (parcel)
		flight_parcel_free(parcel);
	return parcel;
}

/**
 * flight_unkeep - drop a kept result
 * @fo:		whose
 * @token:	of the call; all results of one token are the same
 *
 * Return: whether there was one.
 */
bool flight_unkeep(struct flight_owner *fo, u64 token)
{
	spin_lock(&fo->owner.lock);
	return flight_parcel_drop(fo, flight_parcel_find(fo, token));
}

static bool flight_unkeep_first(struct flight_owner *fo)
{
	spin_lock(&fo->owner.lock);
	return flight_parcel_drop(fo, list_first_entry_or_null(&fo->parcels,
							       struct flight_parcel, link));
}

/* A reference to a kept result, or NULL. */
struct muster_result *flight_peek(struct flight_owner *fo, u64 token)
{
	struct muster_result *result = NULL;
	struct flight_parcel *parcel;

	spin_lock(&fo->owner.lock);
	parcel = flight_parcel_find(fo, token);
	if (parcel) {
		result = parcel->result;
		refcount_inc(&result->refs);
	}
	spin_unlock(&fo->owner.lock);
	return result;
}

/* The owner is dead: drops all that was kept for it. */
void flight_drop_kept(struct flight_owner *fo)
{
	while (flight_unkeep_first(fo))
		cond_resched();
}

/* ---- FETCH ---- */

/* The result of the ticket, if @mfile is one and it is of that token, or NULL. */
static struct muster_result *flight_ticket_peek(struct muster_file *mfile, u64 token)
{
	struct muster_waiter *waiter = mfile->ticket ? muster_ticket_waiter(mfile->ticket) :
				       NULL;
	struct muster_result *result = waiter ? flight_ticket_result(waiter) : NULL;

	if (!result || to_flight_waiter(waiter)->token != token)
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

int flight_fetch(const struct muster_request *req,
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
