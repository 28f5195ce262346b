// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs: made up at random, or from those that have found something new
 */
#include <stdint.h>
#include <string.h>

#include <linux/muster.h>

#include "fuzz.h"

__u64 fuzz_rnd(__u64 *rng)
{
	__u64 z = (*rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

__u32 fuzz_below(__u64 *rng, __u32 n)
{
	return fuzz_rnd(rng) % n;
}

static bool percent(__u64 *rng, __u32 n)
{
	return fuzz_below(rng, 100) < n;
}

/* ---- values ---- */

static struct fuzz_value number(__u64 v)
{
	return (struct fuzz_value){ FUZZ_NUMBER, v };
}

/* Numbers at which something ends. */
static __u64 boundary(__u64 *rng)
{
	static const __u64 ends[] = {
		0, 1, 2, 7, 8, 64, 255, 256, 1023, 4095, 4096, 4097, 65536, INT32_MAX,
		1ULL << 31, UINT32_MAX, 1ULL << 32, INT64_MAX, 1ULL << 63, UINT64_MAX - 1,
		UINT64_MAX,
	};

	return ends[fuzz_below(rng, ARRAY_SIZE(ends))];
}

static struct fuzz_value wild(__u64 *rng)
{
	switch (fuzz_below(rng, 4)) {
	case 0:
		return number(fuzz_rnd(rng));
	case 1:
		return (struct fuzz_value){ FUZZ_POINTER, fuzz_below(rng, NR_PLACES) };
	default:
		return number(boundary(rng));
	}
}

static struct fuzz_value flags(__u64 *rng, __u64 known)
{
	switch (fuzz_below(rng, 10)) {
	case 0:
		return number(fuzz_rnd(rng));
	case 1:
		return number(1ULL << fuzz_below(rng, 32));
	case 2:
	case 3:
		return number(fuzz_rnd(rng) & known);
	case 4:
	case 5:
	case 6:
		/* A few of them. */
		return number(fuzz_rnd(rng) & fuzz_rnd(rng) & fuzz_rnd(rng) & known);
	default:
		return number(0);
	}
}

static struct fuzz_value deadline(__u64 *rng)
{
	switch (fuzz_below(rng, 8)) {
	case 0:
		return number(fuzz_below(rng, 2));
	case 1:
		return number(UINT64_MAX);
	case 2:
		return number(boundary(rng));
	default:
		return (struct fuzz_value){ FUZZ_SOON, fuzz_rnd(rng) % 20000000 };
	}
}

static struct fuzz_value span(__u64 *rng)
{
	switch (fuzz_below(rng, 6)) {
	case 0:
		return number(UINT64_MAX);
	case 1:
		return number(1);
	case 2:
		return number(fuzz_rnd(rng) % 50000000);
	default:
		return number(0);
	}
}

static struct fuzz_value place(__u64 *rng, __u32 good)
{
	if (percent(rng, good))
		return (struct fuzz_value){ FUZZ_POINTER, PLACE_GOOD };
	return (struct fuzz_value){ FUZZ_POINTER, fuzz_below(rng, NR_PLACES) };
}

static struct fuzz_value plausible(__u64 *rng, const struct fuzz_field *field)
{
	switch (field->kind) {
	case KIND_SIZE:
		return number(percent(rng, 97) ? field->param : fuzz_below(rng, 256));
	case KIND_FLAGS:
		return flags(rng, field->param);
	case KIND_COUNT:
		return number(fuzz_below(rng, field->param + 1));
	case KIND_STATUS:
		return number(percent(rng, 60) ? 0 : fuzz_below(rng, 3) - 1);
	case KIND_DEADLINE:
		return deadline(rng);
	case KIND_SPAN:
		return span(rng);
	case KIND_TOKEN:
		if (percent(rng, 10))
			return number(fuzz_below(rng, 4) - 1);
		return (struct fuzz_value){ FUZZ_TOKEN, fuzz_below(rng, 3) };
	case KIND_KEY:
		return (struct fuzz_value){ FUZZ_KEY, fuzz_below(rng, FUZZ_KEYS) };
	case KIND_LENGTH:
		return number(percent(rng, 90) ? 3 : fuzz_below(rng, 258));
	case KIND_BUFFER:
		return percent(rng, 20) ? number(0) : place(rng, 90);
	case KIND_ROOM:
		return number(percent(rng, 60) ? fuzz_below(rng, 64) :
			      fuzz_below(rng, field->param + 1));
	case KIND_FD:
		return (struct fuzz_value){ FUZZ_SLOT, fuzz_below(rng, FUZZ_SLOTS) };
	case KIND_WHERE:
		return place(rng, 97);
	case KIND_OUT:
		return number(fuzz_rnd(rng));
	default:
		return number(0);
	}
}

static struct fuzz_value make_value(__u64 *rng, const struct fuzz_field *field)
{
	return percent(rng, 2) ? wild(rng) : plausible(rng, field);
}

/* ---- calls ---- */

static __u32 pick_op(__u64 *rng)
{
	static __u32 sum;
	__u32 n, i;

	if (!sum) {
		for (i = 0; i < fuzz_nr_ops; i++)
			sum += fuzz_ops[i].weight;
	}
	n = fuzz_below(rng, sum);
	for (i = 0; n >= fuzz_ops[i].weight; i++)
		n -= fuzz_ops[i].weight;
	return i;
}

/* The objects that all share are in the first slots, by type: see fuzz_open_shared(). */
static void aim(__u64 *rng, const struct fuzz_op *op, struct fuzz_value *fd)
{
	__u32 type;

	if (!op->cmd || op->cmd == MUSTER_INFO || percent(rng, 15))
		return;
	type = (op->cmd & 0xff) >> 5;
	if (!type) {
		fd->v = FUZZ_DEVICE;
		return;
	}
	/* Those of the type, or something that a program has made. */
	fd->v = percent(rng, 60) ? (type - 1) * 3 + fuzz_below(rng, 3) :
		FUZZ_SHARED + fuzz_below(rng, FUZZ_SLOTS - FUZZ_SHARED);
}

static void fill_call(__u64 *rng, struct fuzz_call *call)
{
	const struct fuzz_op *op = &fuzz_ops[call->op];
	unsigned int i;

	memset(call->values, 0, sizeof(call->values));
	for (i = 0; i < FUZZ_VALUES && op->fields[i].name; i++)
		call->values[i] = make_value(rng, &op->fields[i]);
	call->nr = i;
}

static void make_call(__u64 *rng, struct fuzz_call *call)
{
	const struct fuzz_op *op;

	memset(call, 0, sizeof(*call));
	call->op = pick_op(rng);
	op = &fuzz_ops[call->op];
	fill_call(rng, call);
	aim(rng, op, &call->values[0]);
	call->slot = FUZZ_SHARED + fuzz_below(rng, FUZZ_SLOTS - FUZZ_SHARED);
	if (op->cmd && percent(rng, 8))
		call->fail = 1 + fuzz_below(rng, 8);
}

/* ---- what makes sense after something else ---- */

static const struct {
	const char *op;
	const char *next[5];
} sequels[] = {
	{ "join", { "finish", "finish", "abandon", "fetch", "join" } },
	{ "finish", { "join", "join", "forget", "fetch", "followers" } },
	{ "acquire", { "release", "release", "acquire", "set_limit", "lease" } },
	{ "release", { "lease", "lease", "acquire", "acquire", "sem_stat" } },
	{ "lease", { "lease", "release", "acquire", "protect", "sem_stat" } },
	{ "remap", { "lease", "release", "acquire", "protect", "unmap" } },
	{ "protect", { "lease", "protect", "protect", "remap", "acquire" } },
	{ "unmap", { "lease", "release", "acquire", "sem_stat", "close" } },
	{ "await", { "complete", "complete", "await", "reset", "barrier_stat" } },
	{ "enter", { "await", "await", "leave", "enter", "barrier_stat" } },
	{ "add", { "done", "done", "claim", "wait", "result" } },
	{ "done", { "result", "wait", "reset_group", "group_stat", "done" } },
};

static bool find_op(const char *name, __u8 *op)
{
	unsigned int i;

	for (i = 0; i < fuzz_nr_ops; i++) {
		if (!strcmp(fuzz_ops[i].name, name)) {
			*op = i;
			return true;
		}
	}
	return false;
}

static bool pick_sequel(__u64 *rng, const struct fuzz_call *last, __u8 *op)
{
	const char *name = fuzz_ops[last->op].name;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sequels); i++) {
		if (!strcmp(sequels[i].op, name))
			return find_op(sequels[i].next[fuzz_below(rng, 5)], op);
	}
	return false;
}

/* The value of the field of that name in a call, if it has one. */
static const struct fuzz_value *value_of(const struct fuzz_call *call, const char *name)
{
	const struct fuzz_op *op = &fuzz_ops[call->op];
	unsigned int i;

	for (i = 0; i < call->nr; i++) {
		if (!strcmp(op->fields[i].name, name))
			return &call->values[i];
	}
	return NULL;
}

/* On the same object, or a ticket of it; with the same key or page, and the token that came. */
static void continue_with(__u64 *rng, const struct fuzz_call *last, struct fuzz_call *call)
{
	static const char *const same[] = { "fd", "key", "key_len", "page" };
	const struct fuzz_op *op = &fuzz_ops[call->op];
	const struct fuzz_value *from;
	unsigned int i, j;

	for (i = 0; i < call->nr; i++) {
		for (j = 0; j < ARRAY_SIZE(same); j++) {
			from = value_of(last, same[j]);
			if (from && !strcmp(op->fields[i].name, same[j]))
				call->values[i] = *from;
		}
		if (op->fields[i].kind == KIND_TOKEN && percent(rng, 90))
			call->values[i] = (struct fuzz_value){ FUZZ_TOKEN, 0 };
	}
	if (op->fields[0].kind == KIND_FD && percent(rng, 20))
		call->values[0] = (struct fuzz_value){ FUZZ_SLOT, last->slot };
}

/* ---- programs ---- */

static void make_up(__u64 *rng, struct fuzz_program *program)
{
	struct fuzz_call *call;
	unsigned int i;

	program->nr = 1 + fuzz_below(rng, FUZZ_CALLS);
	for (i = 0; i < program->nr; i++) {
		call = &program->calls[i];
		make_call(rng, call);
		if (i && percent(rng, 60) && pick_sequel(rng, call - 1, &call->op)) {
			fill_call(rng, call);
			continue_with(rng, call - 1, call);
		}
	}
}

/* Only what was whole before and after, see keep() in fuzz_run.c. */
static bool take_from_corpus(__u64 *rng, struct fuzz_program *program)
{
	__u32 nr = __atomic_load_n(&fuzz->nr_corpus, __ATOMIC_RELAXED), i, version;

	if (!nr)
		return false;
	i = fuzz_below(rng, nr < FUZZ_CORPUS ? nr : FUZZ_CORPUS);
	version = __atomic_load_n(&fuzz->versions[i], __ATOMIC_ACQUIRE);
	if (!version || version % 2)
		return false;
	memcpy(program, &fuzz->corpus[i], sizeof(*program));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&fuzz->versions[i], __ATOMIC_RELAXED) == version;
}

static void change_value(__u64 *rng, struct fuzz_call *call)
{
	const struct fuzz_op *op = &fuzz_ops[call->op];
	__u32 i;

	if (!call->nr)
		return;
	i = fuzz_below(rng, call->nr);
	if (op->fields[i].name)
		call->values[i] = make_value(rng, &op->fields[i]);
}

static void change(__u64 *rng, struct fuzz_program *program)
{
	__u32 at = fuzz_below(rng, program->nr), rest = program->nr - at;

	switch (fuzz_below(rng, 5)) {
	case 0:
		if (program->nr == FUZZ_CALLS)
			break;
		memmove(&program->calls[at + 1], &program->calls[at],
			rest * sizeof(program->calls[0]));
		make_call(rng, &program->calls[at]);
		program->nr++;
		break;
	case 1:
		if (program->nr == 1)
			break;
		memmove(&program->calls[at], &program->calls[at + 1],
			(rest - 1) * sizeof(program->calls[0]));
		program->nr--;
		break;
	case 2:
		if (fuzz_ops[program->calls[at].op].cmd)
			program->calls[at].fail = fuzz_below(rng, 12);
		break;
	default:
		change_value(rng, &program->calls[at]);
	}
}

void fuzz_generate(__u64 *rng, struct fuzz_program *program)
{
	int i;

	if (percent(rng, 40) || !take_from_corpus(rng, program)) {
		make_up(rng, program);
		return;
	}
	for (i = fuzz_below(rng, 5); i >= 0; i--)
		change(rng, program);
}
