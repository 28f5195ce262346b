// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts 1 and 2: everybody asks the same, and who answers is killed
 *
 * The question is an SQL query that SQLite answers by reading a table of 100,000
 * rows from end to end.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define ASKERS		200
#define ROWS		"100,000"
#define QUERY		"SELECT count(*), sum(pieces * cents) FROM sale WHERE shop = 'shop 7'"
#define KEY		"sales of shop 7"

/* SQLite calls us back after so many of its instructions. */
#define STEP		1000

/**
 * struct asker - one that asks
 * @start:	when
 * @end:	when it had the answer
 * @result:	how it was come by, without the data
 * @answer:	the answer
 */
struct asker {
	uint64_t start;
	uint64_t end;
	struct muster_result result;
	char answer[64];
};

/**
 * struct question - what all of them share
 * @database:	path of the database
 * @flight:	where they ask
 * @line:	where they start: a barrier
 * @die_at:	the first who works is killed after so many steps; 0: is not
 * @steps:	how many the query takes
 * @begun:	queries begun
 * @done:	queries done
 * @victim:	who waits to be killed
 * @asker:	one for each
 */
struct question {
	const char *database;
	int flight;
	int line;
	unsigned long die_at;
	unsigned long steps;
	int begun;
	int done;
	pid_t victim;
	struct asker asker[ASKERS];
};

/**
 * struct query - a query that runs
 * @question:	what for
 * @mortal:	this one is to be killed on the way
 * @steps:	how far it is
 */
struct query {
	struct question *question;
	bool mortal;
	unsigned long steps;
};

/* ---- the work ---- */

static int query_step(void *arg)
{
	struct query *query = arg;
	struct question *question = query->question;

	query->steps++;
	if (query->mortal && query->steps == question->die_at) {
		__atomic_store_n(&question->victim, getpid(), __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	return 0;
}

static void must_sqlite(int ret, int wanted, sqlite3 *db)
{
	if (ret == wanted)
		return;
	fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(db));
	_exit(2);
}

static void run_query(struct query *query, char *answer, size_t size)
{
	struct question *question = query->question;
	sqlite3_stmt *statement;
	sqlite3 *db;

	__atomic_add_fetch(&question->begun, 1, __ATOMIC_SEQ_CST);
	must_sqlite(sqlite3_open_v2(question->database, &db, SQLITE_OPEN_READONLY, NULL),
		    SQLITE_OK, db);
	sqlite3_progress_handler(db, STEP, query_step, query);
	must_sqlite(sqlite3_prepare_v2(db, QUERY, -1, &statement, NULL), SQLITE_OK, db);
	must_sqlite(sqlite3_step(statement), SQLITE_ROW, db);
	snprintf(answer, size, "%d sales, %.2f in all", sqlite3_column_int(statement, 0),
		 sqlite3_column_double(statement, 1) / 100);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	question->steps = query->steps;
	__atomic_add_fetch(&question->done, 1, __ATOMIC_SEQ_CST);
}

/* ---- those who ask ---- */

static void ask_alone(int i, void *arg)
{
	struct question *question = arg;
	struct asker *asker = &question->asker[i];
	struct query query = { .question = question };

	must(muster_barrier_await(question->line, muster_after_ms(PATIENCE_MS), NULL),
	     "start");
	asker->start = muster_after_ns(0);
	run_query(&query, asker->answer, sizeof(asker->answer));
	asker->end = muster_after_ns(0);
}

static int work(struct muster_work *work, void *arg)
{
	struct question *question = arg;
	struct query query = {
		.question = question,
		.mortal = question->die_at && work->attempt == 1,
	};
	char answer[64];

	run_query(&query, answer, sizeof(answer));
	return muster_work_set(work, answer, strlen(answer));
}

static void ask_together(int i, void *arg)
{
	struct question *question = arg;
	struct asker *asker = &question->asker[i];

	must(muster_barrier_await(question->line, muster_after_ms(PATIENCE_MS), NULL),
	     "start");
	asker->start = muster_after_ns(0);
	must(muster_flight_do(question->flight, KEY, strlen(KEY), work, question,
			      muster_after_ms(PATIENCE_MS), &asker->result), "ask");
	asker->end = muster_after_ns(0);
	if (asker->result.len < sizeof(asker->answer))
		memcpy(asker->answer, asker->result.data, asker->result.len);
}

/* ---- what came of it ---- */

static uint64_t time_for_all(const struct question *question)
{
	uint64_t start = MUSTER_FOREVER, end = 0;
	int i;

	for (i = 0; i < ASKERS; i++) {
		const struct asker *asker = &question->asker[i];

		if (asker->end && asker->start < start)
			start = asker->start;
		if (asker->end > end)
			end = asker->end;
	}
	return end - start;
}

static int nr_with_answer(const struct question *question, const char *answer)
{
	int i, n = 0;

	for (i = 0; i < ASKERS; i++)
		n += !strcmp(question->asker[i].answer, answer);
	return n;
}

/* How many came by the answer in that role, in that attempt. */
static int nr_in_role(const struct question *question, uint32_t role, uint32_t attempt)
{
	int i, n = 0;

	for (i = 0; i < ASKERS; i++) {
		const struct muster_result *result = &question->asker[i].result;

		n += result->role == role && result->attempt == attempt;
	}
	return n;
}

static struct question *question_open(const char *database, unsigned long die_at)
{
	struct question *question = shared_memory(sizeof(*question));

	question->database = database;
	question->die_at = die_at;
	question->flight = must(muster_flight_open(NULL, 0, 0, 0, 0), "flight group");
	question->line = must(muster_barrier_open(NULL, 0, 0, ASKERS, 0), "barrier");
	return question;
}

static void question_close(struct question *question)
{
	close(question->flight);
	close(question->line);
}

/* ---- part 1 ---- */

static void same_question(const struct question *alone, const struct question *together,
			  const char *answer)
{
	double times = (double)time_for_all(alone) / time_for_all(together);

	table_head("without");
	table_row("queries run", "%16d%16d", alone->begun, together->begun);
	table_row("time until all know", "%14.2f s%14.2f s",
		  seconds(time_for_all(alone)), seconds(time_for_all(together)));
	table_row("have the answer", "%16d%16d   \"%s\"", nr_with_answer(alone, answer),
		  nr_with_answer(together, answer), answer);
	promise(alone->begun == ASKERS, "each on its own runs the query");
	promise(together->begun == 1, "one query for all");
	promise(nr_with_answer(alone, answer) == ASKERS, "all find the same");
	promise(nr_with_answer(together, answer) == ASKERS, "all get the same");
	promise(nr_in_role(together, MUSTER_ROLE_FOLLOWER, 1) == ASKERS - 1,
		"all but one follow");
	verdict("1 query instead of %d, %.0f times faster", ASKERS, times);
}

/* ---- part 2 ---- */

static int member_of(const struct crowd *crowd, pid_t pid)
{
	int i;

	for (i = 0; i < crowd->nr; i++) {
		if (crowd->pid[i] == pid)
			return i;
	}
	return -1;
}

/* Kills the one that works once all others wait for it; returns when. */
static uint64_t kill_leader(struct question *question, struct crowd *crowd)
{
	uint64_t give_up = muster_after_ms(PATIENCE_MS);
	struct muster_flight_stat stat;
	int victim;

	for (;;) {
		must(muster_flight_stat(question->flight, &stat), "stat");
		victim = member_of(crowd, __atomic_load_n(&question->victim,
							  __ATOMIC_SEQ_CST));
		if (victim >= 0 && stat.followers == ASKERS - 1)
			break;
		if (muster_after_ns(0) > give_up) {
			promise(false, "one works and the others wait for it");
			exit(1);
		}
		nap();
	}
	crowd_kill(crowd, victim);
	return muster_after_ns(0);
}

static void leader_killed(struct question *question, struct crowd *crowd,
			  uint64_t killed, const char *answer)
{
	struct muster_flight_stat stat;
	int good = crowd_wait(crowd), i, heir = 0;
	uint64_t end = 0;

	for (i = 0; i < ASKERS; i++) {
		if (question->asker[i].result.role == MUSTER_ROLE_LEADER)
			heir = i;
		if (question->asker[i].end > end)
			end = question->asker[i].end;
	}
	must(muster_flight_stat(question->flight, &stat), "stat");
	putchar('\n');
	table_row("killed at its work", "%16d   attempt 1", crowd_killed(crowd));
	table_row("took over", "%16d   attempt %u",
		  nr_in_role(question, MUSTER_ROLE_LEADER, 2),
		  question->asker[heir].result.attempt);
	table_row("have the answer", "%16d   \"%s\"", nr_with_answer(question, answer),
		  question->asker[heir].answer);
	promise(crowd_killed(crowd) == 1, "one is killed");
	promise(good == ASKERS - 1, "all others go on");
	promise(question->begun == 2 && question->done == 1, "the query runs once more");
	promise(nr_in_role(question, MUSTER_ROLE_LEADER, 2) == 1, "one takes over");
	promise(nr_in_role(question, MUSTER_ROLE_FOLLOWER, 2) == ASKERS - 2,
		"the others go on waiting");
	promise(nr_with_answer(question, answer) == ASKERS - 1, "all get the same bytes");
	promise(stat.handed_over == 1 && !stat.calls && !stat.followers,
		"nothing is left behind");
	verdict("all %d survivors had the answer %.2f s after the kill", ASKERS - 1,
		seconds(end - killed));
}

void question_demo(const char *database)
{
	struct question *alone, *together, *mortal;
	const char *answer;
	struct crowd crowd;
	uint64_t killed;

	printf("\n"
"1.  Everybody asks the same question\n"
"\n"
"    %d processes ask at once what shop 7 has sold. The answer takes SQLite a\n"
"    walk through " ROWS " rows. With muster_flight_do() one process takes it,\n"
"    for all.\n", ASKERS);
	alone = question_open(database, 0);
	crowd_start(&crowd, ASKERS, ask_alone, alone);
	crowd_wait(&crowd);
	answer = alone->asker[0].answer;
	together = question_open(database, 0);
	crowd_start(&crowd, ASKERS, ask_together, together);
	crowd_wait(&crowd);
	same_question(alone, together, answer);

	printf("\n\n"
"2.  The one that works for all is killed\n"
"\n"
"    They ask again, and whoever runs the query gets a SIGKILL in the middle.\n");
	mortal = question_open(database, together->steps / 2);
	crowd_start(&crowd, ASKERS, ask_together, mortal);
	killed = kill_leader(mortal, &crowd);
	leader_killed(mortal, &crowd, killed, answer);
	question_close(alone);
	question_close(together);
	question_close(mortal);
}
