// SPDX-License-Identifier: GPL-2.0-only
/*
 * The results that one process has yet to fetch from a flight group (F3). See spec.h.
 *
 * Whether one is a file is not known here: that FETCH agrees with FINISH about that is
 * compared elsewhere (storm_flight_check.c).
 */
#include <errno.h>
#include <string.h>

#include <linux/muster.h>

#include "spec.h"
#include "spec_calls.h"

#define PARCELS_MAX	64

/**
 * struct parcels - the state
 * @common:	the search's part
 * @token:	of what waits to be fetched, in ascending order
 * @len:	its length
 * @nr:	how many there are
 */
struct parcels {
	struct spec_common common;
	__u64 token[PARCELS_MAX];
	__u64 len[PARCELS_MAX];
	__u32 nr;
};

static bool put(const struct spec_run *run, struct parcels *p, __u64 token, __u64 len)
{
	unsigned int i = p->nr;

	if (p->nr == PARCELS_MAX) {
		*run->full = true;
		return false;
	}
	for (; i && p->token[i - 1] > token; i--) {
		p->token[i] = p->token[i - 1];
		p->len[i] = p->len[i - 1];
	}
	p->token[i] = token;
	p->len[i] = len;
	p->nr++;
	return true;
}

static void drop(struct parcels *p, unsigned int i)
{
	p->nr--;
	for (; i < p->nr; i++) {
		p->token[i] = p->token[i + 1];
		p->len[i] = p->len[i + 1];
	}
	p->token[p->nr] = 0;
	p->len[p->nr] = 0;
}

/* There is one of that length: what does FETCH say? */
static bool fetch_one(struct parcels *p, const struct spec_op *op, __u64 len)
{
	const struct history_record *rec = op->rec;
	__u32 flags = rec->arg[FETCH_FLAGS];

	if (flags & MUSTER_FETCH_FD && spec_may(op, -EINVAL))
		return spec_end(&p->common, op, -EINVAL);
	if (op->known && (rec->ret == 0 || rec->ret == -EMSGSIZE) &&
	    (__u64)rec->out[FETCH_OUT_LEN] != len)
		return false;
	if (!flags && (__u64)rec->arg[FETCH_ROOM] < len)
		return spec_end(&p->common, op, -EMSGSIZE);
	return spec_end(&p->common, op, 0) && !(op->known && rec->out[FETCH_OUT_WRONG]);
}

/* What somebody has read from the ticket that this is, if it has that token. */
static const struct history_record *find_own(const struct spec_run *run,
					     const struct history_record *fetch)
{
	const struct history *h = run->history;
	__u32 nr = history_count(&h->nr_records, HISTORY_RECORDS), i;

	for (i = 0; i < nr; i++) {
		const struct history_record *rec = &h->records[i];

		if (rec->inv && rec->res && rec->how & HOW_READ && !rec->ret &&
		    rec->object == fetch->object && rec->file == fetch->file &&
		    rec->code == FLIGHT_JOIN &&
		    !(rec->arg[FLIGHT_FLAGS] & MUSTER_JOIN_NO_RESULT) &&
		    rec->out[FLIGHT_OUT_ROLE] == MUSTER_ROLE_FOLLOWER &&
		    rec->out[FLIGHT_OUT_TOKEN] == fetch->arg[FLIGHT_TOKEN])
			return rec;
	}
	return NULL;
}

/* A parcel goes with that, a ticket's own result does not. */
static bool fetch(const struct spec_run *run, struct parcels *p, const struct spec_op *op)
{
	const struct history_record *own;
	unsigned int i;
	__u64 len;

	for (i = 0; i < p->nr && p->token[i] != (__u64)op->rec->arg[FLIGHT_TOKEN]; i++)
		;
	if (i == p->nr) {
		own = find_own(run, op->rec);
		return own ? fetch_one(p, op, own->out[FLIGHT_OUT_LEN]) :
			     spec_end(&p->common, op, -ENOENT);
	}
	len = p->len[i];
	if (!op->known || !op->rec->ret)
		drop(p, i);
	return fetch_one(p, op, len);
}

static bool parcel_step(const struct spec_run *run, void *state, const struct spec_op *op,
			unsigned int choice)
{
	const struct history_record *rec = op->rec;
	struct parcels *p = state;

	if (op->code == FLIGHT_FETCH)
		return fetch(run, p, op);
	return put(run, p, rec->out[FLIGHT_OUT_TOKEN], rec->out[FLIGHT_OUT_LEN]) &&
	       spec_end(&p->common, op, 0);
}

static bool parcel_drop(const struct spec_run *run, void *state, unsigned int owner,
			bool *ok)
{
	struct parcels *p = state;

	memset(p->token, 0, sizeof(p->token));
	memset(p->len, 0, sizeof(p->len));
	p->nr = 0;
	return false;
}

/* Each process through each file for itself: FETCH, and the JOINs that leave one. */
static __u64 parcel_part(const struct history_record *rec)
{
	__u64 owner = (__u64)rec->process << 32 | rec->file;

	if (rec->code == FLIGHT_FETCH)
		return owner;
	return rec->code == FLIGHT_JOIN && !(rec->how & HOW_READ) && rec->res && !rec->ret &&
	       rec->out[FLIGHT_OUT_TRUNCATED] ? owner : SPEC_NO_PART;
}

const struct spec spec_parcel = {
	.name = "parcel",
	.state_size = sizeof(struct parcels),
	.part = parcel_part,
	.step = parcel_step,
	.drop = parcel_drop,
};
