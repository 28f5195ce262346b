// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stampede, with and without muster, as numbers: demo/report draws them
 *
 * Workers answer requests out of a cache that all share. An answer is good for a while; who
 * finds it too old works out a new one by a query. Without muster each that finds it so
 * does. With muster they ask through a flight, and one does it for all.
 *
 * Prints a line for each request, "MODE,START,END,QUERY-START,QUERY-END", in microseconds
 * from the beginning; the last two are 0 if it did not run the query itself.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

#define WORKERS		60
#define REQUESTS_MAX	100000
#define KEY		"sales of shop 7"
#define QUERY		"SELECT sum(pieces * cents) FROM sale WHERE shop = 'shop 7' AND id < 25000"

/* For how long an answer is good, and the longest pause between two requests of a worker. */
#define GOOD_NS		1000000000ULL
#define PAUSE_US	150000

/**
 * struct request - one that was answered
 * @start:	when it came
 * @end:	when it was answered
 * @query_start: when it began to run the query itself; 0: it did not
 * @query_end:	when it had run it
 */
struct request {
	uint64_t start;
	uint64_t end;
	uint64_t query_start;
	uint64_t query_end;
};

/**
 * struct stampede - what the workers share
 * @database:	path of the database
 * @flight:	where they ask; -1: each for itself
 * @line:	where they start: a barrier
 * @start:	when they started
 * @stop:	no request comes later
 * @good_until:	the cache: its answer is good until then
 * @answer:	the answer; always the same, so that it does not matter who writes it
 * @nr:		how many requests
 * @request:	each of them
 */
struct stampede {
	const char *database;
	int flight;
	int line;
	uint64_t start;
	uint64_t stop;
	uint64_t good_until;
	double answer;
	unsigned int nr;
	struct request request[REQUESTS_MAX];
};

/* The one that this process is at. */
static struct request request;

static uint64_t now_ns(void)
{
	return muster_after_ns(0);
}

/* ---- the work, and the cache ---- */

static double query(const struct stampede *s)
{
	sqlite3_stmt *statement;
	double answer = 0;
	sqlite3 *db;

	if (sqlite3_open_v2(s->database, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, QUERY, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW) {
		answer = sqlite3_column_double(statement, 0) / 100;
		sqlite3_finalize(statement);
	}
	if (!answer) {
		fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(db));
		_exit(2);
	}
	sqlite3_close(db);
	return answer;
}

static bool is_good(const struct stampede *s)
{
	return now_ns() < __atomic_load_n(&s->good_until, __ATOMIC_ACQUIRE);
}

static void fill_cache(struct stampede *s)
{
	request.query_start = now_ns();
	s->answer = query(s);
	request.query_end = now_ns();
	__atomic_store_n(&s->good_until, now_ns() + GOOD_NS, __ATOMIC_RELEASE);
}

/* One may have been about to ask when the last one was done. */
static int work(struct muster_work *work __attribute__((unused)), void *arg)
{
	struct stampede *s = arg;

	if (!is_good(s))
		fill_cache(s);
	return 0;
}

/* ---- the workers ---- */

static void answer_request(struct stampede *s)
{
	if (is_good(s))
		return;
	if (s->flight < 0)
		fill_cache(s);
	else
		must(muster_flight_do(s->flight, KEY, strlen(KEY), work, s, MUSTER_FOREVER,
				      NULL), "ask");
}

static void one_request(struct stampede *s)
{
	unsigned int i;

	request = (struct request){ .start = now_ns() };
	answer_request(s);
	request.end = now_ns();
	i = __atomic_fetch_add(&s->nr, 1, __ATOMIC_RELAXED);
	if (i < REQUESTS_MAX)
		s->request[i] = request;
}

static void serve(int i, void *arg)
{
	struct stampede *s = arg;
	unsigned int seed = i + 1;

	must(muster_barrier_await(s->line, muster_after_ms(PATIENCE_MS), NULL), "start");
	while (now_ns() < s->stop) {
		usleep(rand_r(&seed) % PAUSE_US);
		one_request(s);
	}
}

/* The last one is there: now it begins. */
static void start(struct stampede *s, unsigned int duration)
{
	struct muster_arrival arrival;

	s->start = now_ns();
	s->stop = s->start + duration * 1000000000ULL;
	must(muster_barrier_await(s->line, muster_after_ms(PATIENCE_MS), &arrival), "start");
}

static void wait_for_line(const struct stampede *s)
{
	struct muster_barrier_stat stat;

	do {
		nap();
		must(muster_barrier_stat(s->line, &stat, NULL, 0), "stat");
	} while (stat.waiting < WORKERS);
}

static void print_request(const char *mode, uint64_t start, const struct request *r)
{
	bool worked = r->query_end;

	printf("%s,%llu,%llu,%llu,%llu\n", mode, (unsigned long long)(r->start - start) / 1000,
	       (unsigned long long)(r->end - start) / 1000,
	       (unsigned long long)(worked ? r->query_start - start : 0) / 1000,
	       (unsigned long long)(worked ? r->query_end - start : 0) / 1000);
}

static void run(const char *mode, const char *database, unsigned int duration, int flight)
{
	struct stampede *s = shared_memory(sizeof(*s));
	struct crowd crowd;
	unsigned int i;

	s->database = database;
	s->flight = flight;
	s->line = must(muster_barrier_open(NULL, 0, 0, WORKERS + 1, 0), "barrier");
	crowd_start(&crowd, WORKERS, serve, s);
	wait_for_line(s);
	start(s, duration);
	if (crowd_wait(&crowd) != WORKERS) {
		fprintf(stderr, "a worker has failed\n");
		exit(2);
	}
	close(s->line);
	for (i = 0; i < s->nr && i < REQUESTS_MAX; i++)
		print_request(mode, s->start, &s->request[i]);
}

void stampede_demo(const char *database, unsigned int duration)
{
	int flight = must(muster_flight_open(NULL, 0, 0, 0, 0), "flight group");

	printf("workers,%d\ngood_ms,%llu\n", WORKERS, GOOD_NS / 1000000);
	run("without", database, duration, -1);
	run("with", database, duration, flight);
	close(flight);
}
