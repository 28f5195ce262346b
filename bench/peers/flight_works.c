// SPDX-License-Identifier: GPL-2.0-only
/*
 * Works of flights: a leader alone, a kept result, many for one key, many keys; and when
 * those who wait are told.
 */
#include <linux/futex.h>
#include <string.h>
#include <unistd.h>

#include "flights.h"
#include "peers.h"

#define PAIRS 4000
#define SLOW_PAIRS 400
#define SMALL 16
#define TURNS_MAX 256

static const struct flight *flight;
static char result[RESULT_MAX], answer[RESULT_MAX];

static void attach(void)
{
	if (flight->attach)
		flight->attach();
}

static unsigned long pairs(void)
{
	return flight == &flight_redis ? SLOW_PAIRS : PAIRS;
}

static void lead(unsigned int key)
{
	if (!flight->join(key, result))
		failed("nobody else leads, but one follows");
	flight->finish(key, answer, SMALL);
}

/* ---- a leader, and nobody else ---- */

static double measure_lead(const void *ops, unsigned int size)
{
	unsigned long i, n;
	uint64_t start;

	(void)size;
	flight = ops;
	n = pairs();
	flight_key(0);
	flight->make(1, SMALL);
	attach();
	for (i = 0; i < n / 10; i++)
		lead(0);
	start = now_ns();
	for (i = 0; i < n; i++)
		lead(0);
	return (double)(now_ns() - start) / n;
}

/* ---- a result that is kept ---- */

static double measure_kept(const void *ops, unsigned int size)
{
	bool (*get)(unsigned int key, char *to);
	unsigned long i, n;
	uint64_t start;

	(void)size;
	flight = ops;
	n = pairs();
	get = flight->get ?: flight->join;
	flight_key(0);
	flight->make(1, SMALL);
	attach();
	if (!flight->join(0, result))
		failed("nobody else leads");
	memset(answer, 'r', SMALL);
	flight->keep(0, answer, SMALL);
	start = now_ns();
	for (i = 0; i < n; i++) {
		if (get(0, result) || result[SMALL - 1] != 'r')
			failed("nothing was kept");
	}
	return (double)(now_ns() - start) / n;
}

/* ---- with very many other keys in flight ---- */

static double time_keys(unsigned int keys, unsigned long n)
{
	uint64_t start = now_ns();
	unsigned int i = 0;

	while (n--) {
		i = (i + 7919) % keys;
		flight->finish(i, answer, SMALL);
		if (!flight->join(i, result))
			failed("nobody else leads");
	}
	return now_ns() - start;
}

static double measure_keys(const void *ops, unsigned int size)
{
	unsigned int i, n;

	flight = ops;
	n = pairs();
	flight_key(0);
	flight->make(size, SMALL);
	attach();
	for (i = 0; i < size; i++)
		flight->join(i, result);
	time_keys(size, n / 10);
	settle();
	return time_keys(size, n) / n;
}

/* ---- very many for one key ---- */

/* In memory that all share. */
static struct stage {
	unsigned int ready;
	unsigned int turn;
	unsigned int arrived[TURNS_MAX];
	unsigned int gathered[TURNS_MAX];
	unsigned int left[TURNS_MAX];
	unsigned int over;
	unsigned int runs;
	uint64_t ended;
	uint64_t finishing;
	uint64_t told[PROCESSES_MAX];
} *stage;

static unsigned int processes, turns;
static size_t length;

static void futex_wait(unsigned int *word, unsigned int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void futex_wake(unsigned int *word, unsigned int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
}

static void set_policy(int policy)
{
	struct sched_param param = { 0 };

	if (sched_setscheduler(0, policy, &param))
		failed("sched_setscheduler");
}

/*
 * The leader's work is to see that all are there. The last one needs a moment more: who
 * runs only when nobody else would, runs when that one sleeps, too.
 */
static void do_lead(unsigned int turn)
{
	futex_wait(&stage->gathered[turn], 0);
	set_policy(SCHED_IDLE);
	sched_yield();
	set_policy(SCHED_OTHER);
	memset(answer, 'a' + turn % 16, length);
	stage->runs++;
	if (!stage->finishing)
		stage->finishing = now_ns();
	flight->finish(turn, answer, length);
}

static void take_turn(unsigned int nr, unsigned int turn)
{
	futex_wait(&stage->turn, turn);
	if (count_up(&stage->arrived[turn]) == processes) {
		count_up(&stage->gathered[turn]);
		futex_wake(&stage->gathered[turn], 1);
	}
	if (flight->join(turn, result)) {
		do_lead(turn);
	} else {
		stage->told[nr] = now_ns();
		if (result[0] != 'a' + (int)turn % 16 || result[length - 1] != result[0])
			failed("a torn result");
	}
	if (count_up(&stage->left[turn]) < processes)
		return;
	stage->ended = now_ns();
	count_up(&stage->over);
	futex_wake(&stage->over, 1);
}

static void participate(unsigned int nr)
{
	unsigned int turn;

	attach();
	memset(result, 1, length);
	count_up(&stage->ready);
	for (turn = 0; turn < turns; turn++)
		take_turn(nr, turn);
	pause();
}

/* One turn; how long it took from the first call to the last answer. */
static uint64_t run_turn(unsigned int turn)
{
	uint64_t start = now_ns();

	stage->finishing = 0;
	count_up(&stage->turn);
	futex_wake(&stage->turn, processes);
	futex_wait(&stage->over, turn);
	return stage->ended - start;
}

static void gather(const struct flight *peer, unsigned int n, size_t len, unsigned int nr_turns)
{
	unsigned int i;

	flight = peer;
	processes = n;
	length = len;
	turns = nr_turns;
	stage = shared_memory(sizeof(*stage));
	flight_key(0);
	flight->make(turns, len);
	for (i = 0; i < n; i++)
		spawn(participate, i);
	while (__atomic_load_n(&stage->ready, __ATOMIC_ACQUIRE) < n)
		usleep(10000);
}

/* Cost of all, for each of them. */
static double stampede(const struct flight *peer, unsigned int n, size_t len)
{
	unsigned int turn, nr_turns = n > 100 ? 2 : n > 10 ? 10 : 100;
	uint64_t sum = 0;

	gather(peer, n, len, nr_turns);
	for (turn = 0; turn < nr_turns; turn++) {
		uint64_t took = run_turn(turn);

		if (turn)
			sum += took;
	}
	return (double)sum / (nr_turns - 1) / n;
}

/* What bringing them together costs: they meet, and nothing is done for them. */
static unsigned int *met;

static void nothing_make(unsigned int keys, size_t size)
{
	(void)size;
	met = shared_memory(keys * sizeof(*met));
}

static bool nothing_join(unsigned int key, char *to)
{
	memset(to, 'a' + key % 16, length);
	return count_up(&met[key]) == 1;
}

static void nothing_finish(unsigned int key, const char *from, size_t size)
{
	(void)key;
	(void)from;
	(void)size;
}

static const struct flight flight_nothing = {
	.make = nothing_make,
	.join = nothing_join,
	.finish = nothing_finish,
};

static double measure_stampede_small(const void *ops, unsigned int size)
{
	return stampede(ops, size, SMALL);
}

static double measure_stampede_large(const void *ops, unsigned int size)
{
	return stampede(ops, size, RESULT_MAX);
}

/* What one follower more costs, from its call to its answer, being woken included. */
static double slope(const struct flight *peer)
{
	return (stampede(peer, 34, SMALL) * 34 - stampede(peer, 2, SMALL) * 2) / 32;
}

static double measure_follow(const void *ops, unsigned int size)
{
	(void)size;
	return slope(ops) - slope(&flight_nothing);
}

static double measure_runs(const void *ops, unsigned int size)
{
	stampede(ops, size, SMALL);
	return (double)stage->runs / turns;
}

/* ---- when they are told ---- */

/* As bare as can be: the first leads, the others sleep on a word. */
static void futex_make(unsigned int keys, size_t size)
{
	(void)size;
	met = shared_memory(2 * keys * sizeof(*met));
}

static bool futex_join(unsigned int key, char *to)
{
	if (count_up(&met[2 * key]) == 1)
		return true;
	futex_wait(&met[2 * key + 1], 0);
	memset(to, 'a' + key % 16, length);
	return false;
}

static void futex_finish(unsigned int key, const char *from, size_t size)
{
	(void)from;
	(void)size;
	__atomic_store_n(&met[2 * key + 1], 1, __ATOMIC_RELEASE);
	futex_wake(&met[2 * key + 1], processes);
}

static const struct flight flight_futex = {
	.make = futex_make,
	.join = futex_join,
	.finish = futex_finish,
};

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * When the follower at that place of 0 (first) to 1 (last) was told, in the last turn.
 * Negative if there was none: with two CPUs who comes last may come too late, and lead.
 */
static double told_in_turn(double place)
{
	unsigned int none = 0;
	uint64_t at;

	/* That of the leader is 0, and so are those of nobody. */
	qsort(stage->told, PROCESSES_MAX, sizeof(stage->told[0]), by_time);
	while (none < PROCESSES_MAX && !stage->told[none])
		none++;
	if (none == PROCESSES_MAX)
		return -1;
	at = stage->told[none + (unsigned int)(place * (PROCESSES_MAX - 1 - none))];
	return at < stage->finishing ? 0 : at - stage->finishing;
}

static double told(const struct flight *peer, unsigned int followers, double place)
{
	unsigned int turn, nr_turns = followers > 100 ? 3 : 20, nr_told = 0;
	double sum = 0, at;

	gather(peer, followers + 1, SMALL, nr_turns);
	for (turn = 0; turn < nr_turns; turn++) {
		memset(stage->told, 0, sizeof(stage->told));
		run_turn(turn);
		at = told_in_turn(place);
		if (!turn || at < 0)
			continue;
		sum += at;
		nr_told++;
	}
	return nr_told ? sum / nr_told : 0;
}

static double measure_first(const void *ops, unsigned int size)
{
	return told(ops, size, 0.0);
}

static double measure_last(const void *ops, unsigned int size)
{
	return told(ops, size, 1.0);
}

/* ---- the tables ---- */

static const struct peer peers_lead[] = {
	{ "muster", &flight_muster },
	{ "muster, libmuster", &flight_library },
	{ "mutex and condition", &flight_memory },
	{ "lock file", &flight_file },
	{ "Redis", &flight_redis },
	{}
};

const struct work work_lead = {
	.name = "lead",
	.title = "flight: a leader's join and finish, 16 bytes",
	.unit = "instructions",
	.sizes = { 1 },
	.peers = peers_lead,
	.measure = measure_lead,
};

const struct work work_kept = {
	.name = "kept",
	.title = "flight: a join that gets a kept result, 16 bytes",
	.unit = "instructions",
	.sizes = { 1 },
	.peers = peers_lead,
	.measure = measure_kept,
};

const struct work work_follow = {
	.name = "follow",
	.title = "flight: a follower's join, 16 bytes, from call to answer",
	.unit = "instructions",
	.sizes = { 1 },
	.peers = peers_lead,
	.measure = measure_follow,
	.exact_only = true,
};

static const struct peer peers_keys[] = {
	{ "muster", &flight_muster },
	{ "mutex and condition", &flight_memory },
	{ "lock file", &flight_file, 10000 },
	{ "Redis", &flight_redis, 10000 },
	{}
};

const struct work work_keys = {
	.name = "keys",
	.title = "flight: finish and join with so many keys in flight",
	.unit = "instructions",
	.sizes = { 1, 10, 100, 1000, 10000, 100000 },
	.peers = peers_keys,
	.measure = measure_keys,
	.quick_max = 1000,
};

static const struct peer peers_stampede[] = {
	{ "muster", &flight_muster },
	{ "mutex and condition", &flight_memory },
	{ "lock file", &flight_file },
	{ "Redis", &flight_redis },
	{ "(bringing them together)", &flight_nothing },
	{}
};

const struct work work_stampede_small = {
	.name = "stampede",
	.title = "so many ask for one key at once, 16 bytes; for each of them",
	.unit = "instructions",
	.sizes = { 2, 64, 1000 },
	.peers = peers_stampede,
	.measure = measure_stampede_small,
	.quick_max = 64,
};

const struct work work_stampede_large = {
	.name = "stampede-64k",
	.title = "so many ask for one key at once, 64 KiB; for each of them",
	.unit = "instructions",
	.sizes = { 2, 64, 1000 },
	.peers = peers_stampede,
	.measure = measure_stampede_large,
	.quick_max = 64,
};

const struct work work_runs = {
	.name = "runs",
	.title = "how often the work was done when so many asked at once",
	.unit = "times",
	.sizes = { 2, 64 },
	.peers = peers_keys,
	.measure = measure_runs,
};

static const struct peer peers_wake[] = {
	{ "muster", &flight_muster },
	{ "futex", &flight_futex },
	{ "mutex and condition", &flight_memory },
	{ "lock file", &flight_file, 100 },
	{ "Redis", &flight_redis, 100 },
	{}
};

const struct work work_wake_first = {
	.name = "wake-first",
	.title = "from FINISH until the first of so many followers has the result",
	.unit = "instructions",
	.sizes = { 1, 10, 100, 1000 },
	.peers = peers_wake,
	.measure = measure_first,
	.quick_max = 100,
};

const struct work work_wake_last = {
	.name = "wake-last",
	.title = "from FINISH until the last of so many followers has it",
	.unit = "instructions",
	.sizes = { 10, 100, 1000 },
	.peers = peers_wake,
	.measure = measure_last,
	.quick_max = 100,
};
