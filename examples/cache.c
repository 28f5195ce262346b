// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cache in front of SQLite, shared by pre-forked workers
 *
 * However many workers want to know the same, the database is asked once. The answer is
 * kept for a time, and for a time after that it is good enough while one of them asks anew.
 * No cache server, no lock, nothing to clean up: run_query() and cached() are all there is
 * to it. The rest shows what it saves, also when a worker is killed in the middle of a
 * query, and when the database is slow.
 *
 *	cache DATABASE		a file to be made
 */
#include <muster.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS		8
#define SHOPS		10
#define TIMES		50
#define HOUR		(3600 * 1000000000ULL)

/* What the workers count, and what they suffer, in memory that they share. */
static struct {
	int queries, fresh, old, wrong;
	enum { WELL, KILLED, SLOW } trouble;
} *shared;

static int cache;
static sqlite3 *db;

static void must(int failed, const char *why)
{
	if (!failed)
		return;
	fprintf(stderr, "cache: %s\n", why);
	_exit(1);
}

static void count(int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* For the show: KILLED as soon as all others wait for it, or SLOW until they have gone on. */
static void suffer(void)
{
	int trouble = __atomic_load_n(&shared->trouble, __ATOMIC_SEQ_CST);
	struct muster_flight_stat stat = { .followers = 0 };

	while (trouble == KILLED && stat.followers < WORKERS - 1) {
		usleep(1000);
		must(muster_flight_stat(cache, &stat), "stat");
	}
	if (trouble == KILLED) {
		__atomic_store_n(&shared->trouble, WELL, __ATOMIC_SEQ_CST);
		raise(SIGKILL);
	}
	while (trouble == SLOW && __atomic_load_n(&shared->old, __ATOMIC_SEQ_CST) < WORKERS - 1)
		usleep(1000);
}

/* ---- the cache ---- */

struct query {
	const char *sql;
	uint64_t keep, grace;
};

static int take_row(void *work, int columns, char **values, char **names)
{
	return muster_work_set(work, values[0], strlen(values[0]));
}

/* The status is SQLite's. A failure is not kept: the next who asks tries again. */
static int run_query(struct muster_work *work, void *arg)
{
	const struct query *query = arg;

	count(&shared->queries);
	suffer();
	muster_work_keep(work, query->keep, query->grace, 0);
	return sqlite3_exec(db, query->sql, take_row, work, NULL);
}

/* The key is the query itself. If it can be longer than MUSTER_KEY_MAX, take a hash. */
static void cached(struct query *query, struct muster_result *result)
{
	int err = muster_flight_do(cache, query->sql, strlen(query->sql), run_query,
				   query, MUSTER_FOREVER, result);

	must(err, muster_strerror(err));
	must(result->status, sqlite3_errstr(result->status));
}

/* ---- the workers ---- */

/* How many pieces that shop has sold. An old answer lacks the latest. */
static void ask(int shop, uint64_t keep, int answer)
{
	char sql[80];
	struct query query = { sql, keep, HOUR };
	struct muster_result result;

	snprintf(sql, sizeof(sql), "SELECT sum(pieces) FROM sale WHERE shop = %d", shop);
	cached(&query, &result);
	if (result.outcome & MUSTER_OUTCOME_STALE)
		count(atoi(result.data) == answer - 1 ? &shared->old : &shared->wrong);
	else
		count(atoi(result.data) == answer ? &shared->fresh : &shared->wrong);
	muster_result_free(&result);
}

static void ask_one(void)
{
	ask(0, HOUR, 450);
}

static void ask_all(void)
{
	int i;

	for (i = 0; i < TIMES * SHOPS; i++)
		ask(i % SHOPS, HOUR, 450 + 10 * (i % SHOPS));
}

/* Kept for 1 ns: from then on good enough only while somebody asks anew. */
static void ask_before_sale(void)
{
	ask(SHOPS, 1, 1);
}

static void ask_after_sale(void)
{
	ask(SHOPS, HOUR, 2);
}

static void change(const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static void sell(int shop, int pieces)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "INSERT INTO sale VALUES(%d, %d)", shop, pieces);
	change(sql);
}

static void sell_one(void)
{
	sell(SHOPS, 1);
}

static void make_table(void)
{
	int i;

	change("BEGIN; CREATE TABLE sale(shop, pieces)");
	for (i = 0; i < 10 * SHOPS; i++)
		sell(i % SHOPS, i);
	change("COMMIT");
}

/* Each has a connection of its own, which must not be passed through fork(2). */
static void let(int workers, void (*work)(void), const char *path)
{
	int status;

	while (workers--) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		must(sqlite3_open(path, &db) || sqlite3_busy_timeout(db, 60000), path);
		work();
		_exit(0);
	}
	while (wait(&status) > 0)
		must(WIFEXITED(status) && WEXITSTATUS(status), "a worker failed");
}

static void show(const char *what)
{
	printf("%s: queries %d, answers %d, old ones %d, wrong ones %d\n", what,
	       shared->queries, shared->fresh, shared->old, shared->wrong);
	fflush(stdout);
	memset(shared, 0, sizeof(*shared));
}

int main(int argc, char **argv)
{
	must(argc != 2, "usage: cache DATABASE");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared == MAP_FAILED, "mmap");
	cache = muster_flight_open(NULL, 0, 0, 0, 0);
	must(cache < 0, muster_strerror(cache));
	let(1, make_table, argv[1]);

	shared->trouble = KILLED;
	let(WORKERS, ask_one, argv[1]);
	show("the one that queries is killed");
	let(WORKERS, ask_all, argv[1]);
	show("each asks all, again and again");

	let(1, sell_one, argv[1]);
	let(1, ask_before_sale, argv[1]);
	let(1, sell_one, argv[1]);
	memset(shared, 0, sizeof(*shared));
	shared->trouble = SLOW;
	let(WORKERS, ask_after_sale, argv[1]);
	show("the answer is old, the query slow");
	return 0;
}
