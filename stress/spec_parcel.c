// SPDX-License-Identifier: GPL-2.0-only
/*
 * The results that one process has yet to fetch from a flight group (F3). See spec.h.
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

static bool fetch(struct parcels *p, const struct spec_op *op)
{
	const struct history_record *rec = op->rec;
	unsigned int i;

	for (i = 0; i < p->nr && p->token[i] != (__u64)rec->arg[FLIGHT_TOKEN]; i++)
		;
	if (i == p->nr)
		return spec_end(&p->common, op, -ENOENT);
	if (op->known && (rec->ret == 0 || rec->ret == -EMSGSIZE) &&
	    (__u64)rec->out[FETCH_OUT_LEN] != p->len[i])
		return false;
	if (!(rec->arg[FETCH_FLAGS] & MUSTER_FETCH_DISCARD) &&
	    (__u64)rec->arg[FETCH_ROOM] < p->len[i])
		return spec_end(&p->common, op, -EMSGSIZE);
	drop(p, i);
	return spec_end(&p->common, op, 0) && !(op->known && rec->out[FETCH_OUT_WRONG]);
}

static bool parcel_step(const struct spec_run *run, void *state, const struct spec_op *op,
			unsigned int choice)
{
	const struct history_record *rec = op->rec;
	struct parcels *p = state;

	if (op->code == FLIGHT_FETCH)
		return fetch(p, op);
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
	return rec->code == FLIGHT_JOIN && rec->res && !rec->ret &&
	       rec->out[FLIGHT_OUT_TRUNCATED] ? owner : SPEC_NO_PART;
}

const struct spec spec_parcel = {
	.name = "parcel",
	.state_size = sizeof(struct parcels),
	.part = parcel_part,
	.step = parcel_step,
	.drop = parcel_drop,
};
