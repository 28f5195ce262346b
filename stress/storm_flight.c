// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flight group in the storm. See storm.h.
 *
 * What a leader hands in follows from its token and the length, so that each follower
 * can tell every byte of what it should have got.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storm.h"
#include "storm_flight.h"

#define RESULT_MAX	20000
/* How much longer results are kept than calls wait. */
#define KEEP_FACTOR	10

static __thread unsigned char result[RESULT_MAX];

static __u32 random_length(struct storm_rng *rng)
{
	static const __u32 most[] = { 1, 32, 32, 256, 256, 6000, RESULT_MAX };

	return rnd_below(rng, most[rnd_below(rng, sizeof(most) / sizeof(*most))]);
}

/* ---- results that are files ---- */

/* A file without a name that has these bytes; it is to be sealed. */
static int make_file(const unsigned char *bytes, __u32 len, bool seal)
{
	int fd = memfd_create("storm-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes, len) != len ||
	    (seal && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)))
		storm_die("a file as a result");
	return fd;
}

/*
 * Is it what the leader wrote, from its beginning on, though others may have read theirs?
 * Nothing else can be done with it. Closes it.
 */
static bool is_file(int fd, __u64 token, __u64 len)
{
	int flags = fcntl(fd, F_GETFL), cloexec = fcntl(fd, F_GETFD);
	ssize_t got = read(fd, result, RESULT_MAX);
	struct stat stat;
	bool right = !fstat(fd, &stat) && (__u64)stat.st_size == len &&
		     got == (ssize_t)len && storm_is_filled(result, token, len, len);

	close(fd);
	storm_count(COUNT_FILE);
	return right && (flags & O_ACCMODE) == O_RDONLY && cloexec == FD_CLOEXEC;
}

/* ---- calls ---- */

/*
 * Keys of different lengths; the first byte tells them apart. Two are short ones, whose calls
 * the module has a cache for; a leader has up to one of them to spare.
 */
static __u32 set_key(char *key, __s64 number)
{
	static const __u32 lengths[STORM_KEYS] = { 1, 32, 201 };
	__u32 len = lengths[number];

	memset(key, 'k', len);
	key[0] = '0' + number;
	return len;
}

static void make_join(struct storm_turn *turn)
{
	static const __u32 flags[] = {
		MUSTER_JOIN_NO_FOLLOW, MUSTER_JOIN_NO_LEAD, MUSTER_JOIN_MIGRATORY,
		MUSTER_JOIN_NO_RESULT, MUSTER_JOIN_FRESH, MUSTER_JOIN_NO_LEAD,
	};
	static const __u32 files[] = { 0, MUSTER_JOIN_FD };
	struct history_record *rec = turn->rec;

	rec->arg[FLIGHT_KEY] = rnd_below(turn->rng, STORM_KEYS);
	if (rnd_percent(turn->rng, 25))
		rec->arg[FLIGHT_FLAGS] = flags[rnd_below(turn->rng, 6)];
	rec->arg[FLIGHT_FLAGS] |= files[rnd_below(turn->rng, 2)];
	rec->arg[FLIGHT_ROOM] = random_length(turn->rng);
	/* Of that one group only: of the other it is plain that one leads at a time. */
	if (!storm->history.objects[turn->object].options && rnd_percent(turn->rng, 30))
		rec->arg[FLIGHT_FORGET_AFTER] = 1 + storm_random_span(turn->rng);
	storm_choose_wait(turn);
}

/* What becomes of a call: mostly it is finished, sometimes just left. */
static void led(struct storm_turn *turn, __s64 key, __u64 token)
{
	__u32 dice = rnd_below(turn->rng, 100);

	if (dice < 75)
		storm_later(turn, FLIGHT_FINISH, key, token, 0);
	else if (dice < 88)
		storm_later(turn, FLIGHT_ABANDON, key, token, 0);
	/* Not only while it leads. */
	if (rnd_percent(turn->rng, 60))
		storm_later(turn, FLIGHT_FOLLOWERS, key, token, 0);
	if (rnd_percent(turn->rng, 3))
		storm_later(turn, FLIGHT_FORGET, key, token, 0);
	/* Twice: the second must fail. */
	if (rnd_percent(turn->rng, 3))
		storm_later(turn, FLIGHT_FINISH, key, token, 0);
	/* With another key: all must fail. */
	if (rnd_percent(turn->rng, 3)) {
		storm_later(turn, FLIGHT_FINISH, (key + 1) % STORM_KEYS, token, 0);
		storm_later(turn, FLIGHT_ABANDON, (key + 1) % STORM_KEYS, token, 0);
		storm_later(turn, FLIGHT_FOLLOWERS, (key + 1) % STORM_KEYS, token, 0);
	}
}

static __u32 how_kept(__u32 outcome)
{
	if (!(outcome & MUSTER_OUTCOME_KEPT))
		return 0;
	storm_count(COUNT_KEPT);
	if (!(outcome & MUSTER_OUTCOME_STALE))
		return FLIGHT_IS_KEPT;
	storm_count(COUNT_STALE);
	return FLIGHT_IS_STALE;
}

/* For later: mostly there is room, some throw it away, some want a file. */
static void fetch_later(struct storm_turn *turn, __u64 token)
{
	static const __u32 flags[] = { 0, 0, 0, 0, 0, 0, MUSTER_FETCH_DISCARD,
				       MUSTER_FETCH_FD, MUSTER_FETCH_FD };

	storm_later(turn, FLIGHT_FETCH, flags[rnd_below(turn->rng, 9)], token,
		    rnd_percent(turn->rng, 80) ? RESULT_MAX : 5);
}

static void followed(struct storm_turn *turn, const struct muster_flight_join *join)
{
	struct history_record *rec = turn->rec;
	bool wants = !(rec->arg[FLIGHT_FLAGS] & MUSTER_JOIN_NO_RESULT);
	__u64 got = join->result_len < join->buf_len ? join->result_len : join->buf_len;

	rec->out[FLIGHT_OUT_LEN] = join->result_len;
	rec->out[FLIGHT_OUT_STATUS] = join->status;
	rec->out[FLIGHT_OUT_KEPT] = how_kept(join->outcome);
	rec->out[FLIGHT_OUT_AGE] = join->age;
	rec->out[FLIGHT_OUT_TRUNCATED] = !!(join->outcome & MUSTER_OUTCOME_TRUNCATED);
	rec->out[FLIGHT_OUT_FILE] = !!(join->outcome & MUSTER_OUTCOME_FD);
	rec->out[FLIGHT_OUT_WRONG] = rec->out[FLIGHT_OUT_FILE] ?
		!is_file(join->fd, join->token, join->result_len) :
		wants && !storm_is_filled(result, join->token, join->result_len, got);
	storm_check(CLAIM_BYTES, !rec->out[FLIGHT_OUT_WRONG],
		    "%llu bytes of a result of %llu are wrong", got, join->result_len);
	if (rec->out[FLIGHT_OUT_TRUNCATED])
		fetch_later(turn, join->token);
}

/* What it got lies behind the verdict, as far as there was room. */
static void flight_verdict(struct storm_turn *turn, const struct muster_verdict *verdict,
			   const unsigned char *bytes, size_t len)
{
	__s64 *out = turn->rec->out;
	size_t got = verdict->result_len < len ? verdict->result_len : len;

	if (verdict->error)
		return;
	out[FLIGHT_OUT_TOKEN] = verdict->token;
	out[FLIGHT_OUT_ROLE] = verdict->role;
	out[FLIGHT_OUT_ATTEMPT] = verdict->attempt;
	out[FLIGHT_OUT_SHARED] = verdict->shared;
	if (verdict->role == MUSTER_ROLE_LEADER) {
		led(turn, turn->rec->arg[FLIGHT_KEY], verdict->token);
		return;
	}
	out[FLIGHT_OUT_LEN] = verdict->result_len;
	out[FLIGHT_OUT_STATUS] = verdict->status;
	out[FLIGHT_OUT_KEPT] = how_kept(verdict->outcome);
	out[FLIGHT_OUT_FILE] = !!(verdict->outcome & MUSTER_OUTCOME_FD);
	if (verdict->result_len && rnd_percent(turn->rng, 30))
		fetch_later(turn, verdict->token);
	out[FLIGHT_OUT_WRONG] =
		!storm_is_filled(bytes, verdict->token, verdict->result_len, got);
	storm_check(CLAIM_BYTES, !out[FLIGHT_OUT_WRONG],
		    "%zu bytes of a ticket's result of %llu are wrong", got,
		    verdict->result_len);
}

static void run_join(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	char key[MUSTER_KEY_MAX];
	struct muster_flight_join join = {
		.size = sizeof(join),
		.flags = turn->flags | rec->arg[FLIGHT_FLAGS],
		.key = (__u64)(unsigned long)key,
		.key_len = set_key(key, rec->arg[FLIGHT_KEY]),
		.deadline = turn->deadline,
		.buf = (__u64)(unsigned long)result,
		.buf_len = rec->arg[FLIGHT_ROOM],
		.forget_after = rec->arg[FLIGHT_FORGET_AFTER],
	};

	if (storm_ioctl(turn, MUSTER_FLIGHT_JOIN, &join, sizeof(join)))
		return;
	rec->out[FLIGHT_OUT_TOKEN] = join.token;
	rec->out[FLIGHT_OUT_ROLE] = join.role;
	rec->out[FLIGHT_OUT_ATTEMPT] = join.attempt;
	rec->out[FLIGHT_OUT_SHARED] = join.shared;
	if (join.role == MUSTER_ROLE_LEADER)
		led(turn, rec->arg[FLIGHT_KEY], join.token);
	else
		followed(turn, &join);
}

/* What it says follows from the token; it is not the same at a second attempt. */
static void run_finish(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	char key[MUSTER_KEY_MAX];
	__u32 flags = rec->arg[FLIGHT_FINISH_FLAGS];
	struct muster_flight_finish finish = {
		.size = sizeof(finish),
		.flags = flags & ~FLIGHT_UNSEALED,
		.keep = rec->arg[FLIGHT_KEEP],
		.grace = rec->arg[FLIGHT_GRACE],
		.key = (__u64)(unsigned long)key,
		.key_len = set_key(key, rec->arg[FLIGHT_KEY]),
		.status = rec->arg[FLIGHT_STATUS],
		.token = rec->arg[FLIGHT_TOKEN],
	};

	storm_fill(result, finish.token, rec->arg[FLIGHT_LEN]);
	if (flags & MUSTER_FINISH_FD) {
		finish.fd = make_file(result, rec->arg[FLIGHT_LEN],
				      !(flags & FLIGHT_UNSEALED));
	} else {
		finish.data = (__u64)(unsigned long)result;
		finish.data_len = rec->arg[FLIGHT_LEN];
	}
	storm_ioctl(turn, MUSTER_FLIGHT_FINISH, &finish, sizeof(finish));
	rec->out[FLIGHT_OUT_COUNT] = finish.followers;
	if (flags & MUSTER_FINISH_FD)
		close(finish.fd);
}

/* For some joins of the same key; what stays for good is forgotten some time. */
static void choose_keep(struct storm_turn *turn)
{
	__s64 *arg = turn->rec->arg;
	__u32 dice = rnd_below(turn->rng, 100);

	arg[FLIGHT_KEEP] = 1 + storm_random_span(turn->rng) * KEEP_FACTOR;
	if (rnd_percent(turn->rng, 30))
		arg[FLIGHT_FINISH_FLAGS] = MUSTER_FINISH_KEEP_FAILURE;
	if (dice < 60)
		arg[FLIGHT_GRACE] = storm_random_span(turn->rng) * KEEP_FACTOR;
	else if (dice < 64)
		arg[FLIGHT_GRACE] = MUSTER_FOREVER;
	else if (dice < 70)
		arg[FLIGHT_KEEP] = MUSTER_FOREVER;
	if (dice >= 60 && dice < 70)
		storm_later(turn, FLIGHT_FORGET, arg[FLIGHT_KEY], 0, 0);
}

static void complete_finish(struct storm_turn *turn)
{
	__s64 *arg = turn->rec->arg;

	arg[FLIGHT_STATUS] = rnd_percent(turn->rng, 35) ? (__s32)rnd(turn->rng) : 0;
	arg[FLIGHT_LEN] = random_length(turn->rng);
	if (rnd_percent(turn->rng, 75))
		choose_keep(turn);
	if (rnd_percent(turn->rng, 50))
		arg[FLIGHT_FINISH_FLAGS] |= MUSTER_FINISH_FD |
					    (rnd_percent(turn->rng, 8) ? FLIGHT_UNSEALED : 0);
	if (rnd_percent(turn->rng, 2))
		turn->rec->how |= HOW_FAULT;
}

static void key_call(struct storm_turn *turn, unsigned int cmd)
{
	struct history_record *rec = turn->rec;
	char key[MUSTER_KEY_MAX];
	struct muster_flight_key args = {
		.size = sizeof(args),
		.key = (__u64)(unsigned long)key,
		.key_len = set_key(key, rec->arg[FLIGHT_KEY]),
		.token = rec->arg[FLIGHT_TOKEN],
	};

	storm_ioctl(turn, cmd, &args, sizeof(args));
	rec->out[FLIGHT_OUT_COUNT] = args.count;
}

static void run_abandon(struct storm_turn *turn)
{
	key_call(turn, MUSTER_FLIGHT_ABANDON);
}

static void run_followers(struct storm_turn *turn)
{
	key_call(turn, MUSTER_FLIGHT_FOLLOWERS);
	if (turn->rec->ret)
		return;
	storm_count(COUNT_FOLLOWERS);
	/* Soon there may be others, or fewer. */
	if (rnd_percent(turn->rng, 50))
		storm_later(turn, FLIGHT_FOLLOWERS, turn->rec->arg[FLIGHT_KEY],
			    turn->rec->arg[FLIGHT_TOKEN], 0);
}

static void make_forget(struct storm_turn *turn)
{
	turn->rec->arg[FLIGHT_KEY] = rnd_below(turn->rng, STORM_KEYS);
}

static void run_forget(struct storm_turn *turn)
{
	key_call(turn, MUSTER_FLIGHT_FORGET);
}

static void run_fetch(struct storm_turn *turn)
{
	struct history_record *rec = turn->rec;
	struct muster_flight_fetch fetch = {
		.size = sizeof(fetch),
		.flags = rec->arg[FETCH_FLAGS],
		.token = rec->arg[FLIGHT_TOKEN],
		.buf = (__u64)(unsigned long)result,
		.buf_len = rec->arg[FETCH_ROOM],
	};
	int ret = storm_ioctl(turn, MUSTER_FLIGHT_FETCH, &fetch, sizeof(fetch));

	rec->out[FETCH_OUT_LEN] = fetch.result_len;
	rec->out[FETCH_OUT_FILE] = !ret && fetch.flags & MUSTER_FETCH_FD;
	if (!ret && !(fetch.flags & MUSTER_FETCH_DISCARD)) {
		rec->out[FETCH_OUT_WRONG] = rec->out[FETCH_OUT_FILE] ?
			!is_file(fetch.fd, fetch.token, fetch.result_len) :
			!storm_is_filled(result, fetch.token, fetch.result_len,
					 fetch.result_len);
		storm_check(CLAIM_BYTES, !rec->out[FETCH_OUT_WRONG],
			    "a fetched result of %llu bytes is wrong", fetch.result_len);
	} else if (ret == -EMSGSIZE || ret == -EINVAL) {
		storm_later(turn, FLIGHT_FETCH, 0, fetch.token, RESULT_MAX);
	}
}

static void run_stat(struct storm_turn *turn)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };
	__s64 *out = turn->rec->out;

	if (storm_ioctl(turn, MUSTER_FLIGHT_STAT, &stat, sizeof(stat)))
		return;
	out[FLIGHT_STAT_CALLS] = stat.calls;
	out[FLIGHT_STAT_FOLLOWERS] = stat.followers;
	out[FLIGHT_STAT_LED] = stat.led;
	out[FLIGHT_STAT_JOINED] = stat.joined;
	out[FLIGHT_STAT_HANDED_OVER] = stat.handed_over;
	out[FLIGHT_STAT_FORGOTTEN] = stat.forgotten;
	out[FLIGHT_STAT_ORPHANED] = stat.orphaned;
	storm_check(CLAIM_STAT, stat.calls <= STORM_KEYS && stat.kept <= STORM_KEYS,
		    "flight: %llu keys in flight, %llu kept", stat.calls, stat.kept);
}

static const struct storm_op flight_ops[] = {
	{ FLIGHT_JOIN, 60, false, make_join, run_join },
	{ FLIGHT_FINISH, 0, false, NULL, run_finish, complete_finish },
	{ FLIGHT_ABANDON, 0, false, NULL, run_abandon },
	{ FLIGHT_FORGET, 3, false, make_forget, run_forget },
	{ FLIGHT_FETCH, 0, false, NULL, run_fetch },
	{ FLIGHT_STAT, 3, true, NULL, run_stat },
	{ FLIGHT_FOLLOWERS, 0, false, NULL, run_followers },
	{ 0 }
};

/* The second of a round hands nothing over; the hand-overs are said, not left open. */
static void flight_setup(struct storm_rng *rng, struct history_object *object,
			 unsigned int n)
{
	object->limit = n ? 0 : 1 + rnd_below(rng, 4);
	object->options = n ? MUSTER_FLIGHT_NO_HANDOVER : 0;
}

const struct storm_type storm_flight = {
	.name = "flight",
	.id = MUSTER_FLIGHT,
	.ops = flight_ops,
	.setup = flight_setup,
	.verdict = flight_verdict,
	.check = flight_check,
	.asleep = flight_asleep,
	.gone = flight_gone,
};
