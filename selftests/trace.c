// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints: each change of state is an event, with what there is to know of it (I5)
 *
 * Each test does things to an object of its own and then compares what tracefs has of that
 * object, event by event. The last one sees that every event has been met.
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "fdinfo.h"
#include "kselftest_harness.h"
#include "lease.h"
#include "muster_util.h"

#define KEY	"key\x01"
#define SHOWN	"key."
#define TRACEFS	"/sys/kernel/tracing"
#define LINES	64
#define EVENTS	128

/**
 * struct seen - what all tests share
 * @name:	an event that was met
 * @nr:		how many
 */
struct seen {
	char name[EVENTS][64];
	unsigned int nr;
};

static struct seen *seen;

/**
 * struct events - what tracefs has of an object
 * @dir:	a buffer of our own in tracefs
 * @line:	events, from their names on
 * @nr:		how many
 * @next:	the one that is looked at next
 */
struct events {
	char dir[128];
	char line[LINES][256];
	unsigned int nr;
	unsigned int next;
};

FIXTURE(trace) {
	struct events events;
};

/* ---- tracefs ---- */

static bool trace_write(const char *dir, const char *file, const char *text)
{
	char path[192];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

FIXTURE_SETUP(trace)
{
	int err;

	snprintf(self->events.dir, sizeof(self->events.dir), TRACEFS "/instances/muster-%d",
		 getpid());
	/*
	 * No names of processes: for these the scheduler is traced, too, and its code is
	 * changed as another CPU runs it, which emulators may take ill. An instance has of
	 * this option what all had when it was made.
	 */
	trace_write(TRACEFS, "options/record-cmd", "0");
	err = mkdir(self->events.dir, 0700);
	trace_write(TRACEFS, "options/record-cmd", "1");
	if (err)
		SKIP(return, "tracefs is not there, or not for us");
	/* A clock that orders the events of all CPUs. */
	ASSERT_TRUE(trace_write(self->events.dir, "trace_clock", "counter"));
	ASSERT_TRUE(trace_write(self->events.dir, "events/muster/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	trace_write(self->events.dir, "events/muster/enable", "0");
	rmdir(self->events.dir);
}

/* Takes " @key=NUMBER" out of the line; it has to be more than @least. */
static bool cut(char *line, const char *key, unsigned long long least)
{
	char *at = strstr(line, key), *end;

	if (!at)
		return true;
	if (strtoull(at + strlen(key), &end, 10) < least)
		return false;
	memmove(at, end, strlen(end) + 1);
	return true;
}

static void note_seen(const char *event)
{
	size_t len = strcspn(event, ":");
	unsigned int i;

	for (i = 0; i < seen->nr; i++) {
		if (!strncmp(seen->name[i], event, len) && !seen->name[i][len])
			return;
	}
	if (i < EVENTS)
		snprintf(seen->name[seen->nr++], sizeof(seen->name[0]), "%.*s", (int)len, event);
}

/* All events of the object until now, from "muster_..." on; how many. */
static int collect(struct events *events, long long id)
{
	char path[192], text[1024], wanted[64], *event;
	FILE *file;

	snprintf(path, sizeof(path), "%s/trace", events->dir);
	snprintf(wanted, sizeof(wanted), ": object=%lld ", id);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	events->nr = 0;
	events->next = 0;
	while (fgets(text, sizeof(text), file) && events->nr < LINES) {
		event = strstr(text, " muster_");
		if (text[0] == '#' || !event || !strstr(event, wanted))
			continue;
		event++;
		event[strcspn(event, "\n")] = 0;
		note_seen(event);
		/* Not known before, but not nothing. */
		if (!cut(event, " waited=", 1) || !cut(event, " led=", 0))
			strcpy(event, "an event with a time that cannot be");
		snprintf(events->line[events->nr++], sizeof(events->line[0]), "%.255s", event);
	}
	fclose(file);
	return events->nr;
}

__attribute__((format(printf, 2, 3)))
static bool next_is(struct events *events, const char *format, ...)
{
	const char *found = events->next < events->nr ? events->line[events->next] : "the end";
	char wanted[256];
	va_list args;

	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	events->next++;
	if (!strcmp(wanted, found))
		return true;
	fprintf(stderr, "# wanted: %s\n# found:  %s\n", wanted, found);
	return false;
}

#define EXPECT_NEXT(...)	EXPECT_TRUE(next_is(&self->events, __VA_ARGS__))
#define EXPECT_END()		EXPECT_EQ(self->events.nr, self->events.next)

static int inum(void)
{
	struct stat ns;

	return stat("/proc/self/ns/ipc", &ns) ? -1 : (int)ns.st_ino;
}

static const char object_format[] =
	"muster_object_%s: object=%lld type=%s ns=%u uid=%u mode=0600 name=%s";

#define ANONYMOUS(_id, _type)						\
	EXPECT_NEXT(object_format, "created", _id, _type, inum(), geteuid(), "")

#define OWNER_GONE(_id, _type, _pid, _exits)				\
	EXPECT_NEXT("muster_owner_gone: object=%lld type=%s pid=%d exits=%d", _id, _type, \
		    _pid, _exits)

#define WAIT_BEGIN(_id, _type, _p, _amount)				\
	EXPECT_NEXT("muster_wait_begin: object=%lld type=%s pid=%d tid=%d amount=%d", _id, \
		    _type, (_p)->pid, (_p)->tid, _amount)

#define WAIT_END(_id, _type, _p, _verdict)				\
	EXPECT_NEXT("muster_wait_end: object=%lld type=%s pid=%d tid=%d verdict=%d", _id, \
		    _type, (_p)->pid, (_p)->tid, _verdict)

/* ---- semaphore ---- */

static const char sem_format[] =
	"muster_sem_%s: object=%lld pid=%d permits=%d free=%d waiters=%d token=%d";

#define SEM(_event, _pid, _permits, _free, _waiters, _token)		\
	EXPECT_NEXT(sem_format, _event, id, _pid, _permits, _free, _waiters, _token)

/* I5, S1, S4, S5: permits come and go, also by a death, a timeout, and a larger limit. */
TEST_F(trace, sem)
{
	int fd = open_sem(2), me_pid = getpid();
	struct puppet *holder = puppet(), *late = puppet(), *waiter = puppet();
	long long id = fdinfo(fd, "muster-id");

	ASSERT_EQ(0, ask(me, acquire(fd, 1)));
	ASSERT_EQ(0, ask(me, release(fd, 1)));
	ASSERT_EQ(0, ask(holder, acquire(fd, 2)));
	ASSERT_EQ(-ETIMEDOUT, ask(late, acquire_by(fd, 1, 0, in_ms(1))));
	tell(waiter, acquire(fd, 2));
	ASSERT_SOON(sem_state(fd).waiters == 1);
	kill_puppet(holder);
	ASSERT_EQ(0, hear(waiter));
	ASSERT_EQ(0, ask(me, set_limit(fd, 3)));
	ASSERT_LT(0, collect(&self->events, id));

	ANONYMOUS(id, "sem");
	SEM("granted", me_pid, 1, 1, 0, 1);
	SEM("released", me_pid, 1, 2, 0, 1);
	SEM("granted", holder->pid, 2, 0, 0, 2);
	SEM("queued", late->pid, 1, 0, 1, 2);
	WAIT_BEGIN(id, "sem", late, 1);
	SEM("cancelled", late->pid, 1, 0, 0, 2);
	WAIT_END(id, "sem", late, -ETIMEDOUT);
	SEM("queued", waiter->pid, 2, 0, 1, 2);
	WAIT_BEGIN(id, "sem", waiter, 2);
	OWNER_GONE(id, "sem", holder->pid, 1);
	SEM("released", holder->pid, 2, 2, 1, 2);
	SEM("granted", waiter->pid, 2, 0, 1, 3);
	WAIT_END(id, "sem", waiter, 0);
	EXPECT_NEXT("muster_sem_limit: object=%lld old=2 new=3", id);
	EXPECT_END();
	kill_puppet(waiter);
	kill_puppet(late);
}

/* I5, L1, L3, L4: permits are lent, and taken back; the lease ends with the descriptor. */
TEST_F(trace, lease)
{
	int fd = open_sem(3), pid = getpid();
	struct puppet *other = puppet();
	long long id = fdinfo(fd, "muster-id");

	lease = lease_map(fd);
	ASSERT_NE(NULL, lease);
	ASSERT_EQ(0, ask(me, acquire(fd, 2)));
	ASSERT_EQ(0, ask(me, release(fd, 2)));
	ASSERT_TRUE(lease_take(1));
	ASSERT_EQ(0, ask(other, try_acquire(fd, 2)));
	ASSERT_EQ(0, ask(me, do_close(fd)));
	ASSERT_LT(0, collect(&self->events, id));

#define LEASE(_event)							\
	EXPECT_NEXT("muster_lease_" _event ": object=%lld pid=%d lease=%llx", id, pid,	\
		    lease->id)

	ANONYMOUS(id, "sem");
	LEASE("begun");
	SEM("granted", pid, 2, 1, 0, 1);
	SEM("lent", pid, 2, 1, 0, 1);
	EXPECT_NEXT("muster_sem_taken: object=%lld pid=%d idle=1 held=1 free=2", id, pid);
	SEM("granted", other->pid, 2, 0, 0, 2);
	LEASE("over");
	OWNER_GONE(id, "sem", pid, 0);
	SEM("released", pid, 1, 1, 0, 2);
	EXPECT_END();
	kill_puppet(other);
}

/* I5, T5: a ticket waits without a thread. */
TEST_F(trace, ticket)
{
	int fd = open_sem(1), ticket, closed, pid = getpid();
	long long id = fdinfo(fd, "muster-id");

#define TICKET(_event, ...)						\
	EXPECT_NEXT("muster_wait_" _event ": object=%lld type=sem pid=%d tid=0 " __VA_ARGS__)

	ASSERT_EQ(0, ask(me, acquire(fd, 1)));
	closed = ask(me, as_ticket(acquire(fd, 1)));
	ticket = ask(me, as_ticket(acquire(fd, 1)));
	ASSERT_LE(0, ticket);
	ASSERT_EQ(0, ask(me, do_close(closed)));
	ASSERT_EQ(0, ask(me, release(fd, 1)));
	ASSERT_LT(0, collect(&self->events, id));
	self->events.next = 3;
	TICKET("begin", "amount=1", id, pid);
	SEM("queued", pid, 1, 0, 2, 1);
	TICKET("begin", "amount=1", id, pid);
	OWNER_GONE(id, "sem", pid, 0);
	SEM("cancelled", pid, 1, 0, 1, 1);
	TICKET("end", "verdict=%d", id, pid, -ECANCELED);
	SEM("released", pid, 1, 1, 1, 1);
	SEM("granted", pid, 1, 0, 1, 2);
	TICKET("end", "verdict=0", id, pid);
	EXPECT_END();
}

/* ---- objects ---- */

/* I5, O3: a name comes, lingers, is found again, and goes. */
TEST_F(trace, name)
{
	const char *name = unique_name("traced");
	struct muster_open how = open_how(MUSTER_FLIGHT, name, O_CREAT, 3);
	long long id, wait_for;
	struct job job;
	int fd;

#define OBJECT(_event)							\
	EXPECT_NEXT(object_format, _event, id, "flight", inum(), geteuid(), name)

	fd = open_object(&how);
	ASSERT_LE(0, fd);
	id = fdinfo(fd, "muster-id");
	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	job = finish(fd, KEY, me->job.join.token, 0, "");
	job.finish.keep = 1000 * NSEC_PER_SEC;
	ASSERT_EQ(0, ask(me, job));
	close(fd);
	fd = open_object(&how);
	ASSERT_EQ(id, fdinfo(fd, "muster-id"));
	ASSERT_EQ(0, ask(me, forget(fd, KEY, 0)));
	close(fd);
	wait_for = collect(&self->events, id);
	ASSERT_LT(0, wait_for);
	OBJECT("created");
	self->events.next = 4;
	OWNER_GONE(id, "flight", getpid(), 0);
	OBJECT("lingers");
	OBJECT("found");
	EXPECT_NEXT("muster_flight_dropped: object=%lld token=1 pid=%d leader=0 attempt=1 followers=0 key="
		    SHOWN, id, getpid());
	OBJECT("gone");
	EXPECT_END();
}

/* ---- flight ---- */

#define CALL(_event, _token, _pid, _leader, _attempt, _followers)	\
	EXPECT_NEXT("muster_flight_" _event ": object=%lld token=%d pid=%d leader=%d attempt=%d followers=%d key=" \
		    SHOWN, id, _token, _pid, _leader, _attempt, _followers)

/* I5, F1, F6, F8: led, joined, handed over, finished, kept, served. */
TEST_F(trace, flight)
{
	int fd = open_flight(3);
	struct puppet *leader = puppet(), *follower = puppet(), *third = puppet();
	long long id = fdinfo(fd, "muster-id");
	struct job job;

	ASSERT_EQ(0, ask(leader, join(fd, KEY)));
	tell(follower, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 1);
	tell(third, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 2);
	kill_puppet(leader);
	ASSERT_EQ(0, hear(follower));
	job = finish(fd, KEY, follower->job.join.token, -7, "four");
	job.finish.flags = MUSTER_FINISH_KEEP_FAILURE;
	job.finish.keep = 5000000000;
	job.finish.grace = 7000000000;
	ASSERT_EQ(0, ask(follower, job));
	ASSERT_EQ(0, hear(third));
	ASSERT_EQ(0, ask(third, join(fd, KEY)));
	ASSERT_LT(0, collect(&self->events, id));

	ANONYMOUS(id, "flight");
	CALL("led", 1, leader->pid, leader->pid, 1, 0);
	CALL("joined", 1, follower->pid, leader->pid, 1, 1);
	WAIT_BEGIN(id, "flight", follower, 1);
	CALL("joined", 1, third->pid, leader->pid, 1, 2);
	WAIT_BEGIN(id, "flight", third, 1);
	OWNER_GONE(id, "flight", leader->pid, 1);
	CALL("handed_over", 2, follower->pid, follower->pid, 2, 1);
	WAIT_END(id, "flight", follower, 0);
	EXPECT_NEXT("muster_flight_finished: object=%lld token=2 pid=%d attempt=2 followers=1 status=-7 bytes=4 key="
		    SHOWN, id, follower->pid);
	EXPECT_NEXT("muster_flight_kept: object=%lld token=2 status=-7 keep=5000000000 grace=7000000000 key="
		    SHOWN, id);
	WAIT_END(id, "flight", third, 0);
	CALL("served", 2, third->pid, 0, 2, 0);
	EXPECT_END();
	kill_puppet(follower);
	kill_puppet(third);
}

/* I5, F4, F6: abandoned with and without a follower, forgotten. */
TEST_F(trace, flight_given_up)
{
	int fd = open_flight(3), pid = getpid();
	struct puppet *follower = puppet();
	long long id = fdinfo(fd, "muster-id");

	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	tell(follower, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 1);
	ASSERT_EQ(1, ask(me, abandon(fd, KEY, me->job.join.token)) ?: 1);
	ASSERT_EQ(0, hear(follower));
	ASSERT_EQ(0, ask(me, forget(fd, KEY, 0)));
	ASSERT_EQ(0, ask(follower, abandon(fd, KEY, follower->job.join.token)));
	ASSERT_LT(0, collect(&self->events, id));
	self->events.next = 1;
	CALL("led", 1, pid, pid, 1, 0);
	CALL("joined", 1, follower->pid, pid, 1, 1);
	WAIT_BEGIN(id, "flight", follower, 1);
	CALL("abandoned", 1, pid, pid, 1, 1);
	CALL("handed_over", 2, follower->pid, follower->pid, 2, 0);
	WAIT_END(id, "flight", follower, 0);
	CALL("forgotten", 2, pid, follower->pid, 2, 0);
	CALL("abandoned", 2, follower->pid, follower->pid, 2, 0);
	CALL("orphaned", 2, follower->pid, follower->pid, 2, 0);
	EXPECT_END();
	kill_puppet(follower);
}

/* ---- barrier ---- */

static const char round_format[] =
	"muster_barrier_%s: object=%lld pid=%d generation=%d arrived=%d parties=%d";

#define ROUND(_event, _pid, _generation, _arrived, _parties)		\
	EXPECT_NEXT(round_format, _event, id, _pid, _generation, _arrived, _parties)

/* I5, B1, B3, B4, B5: arrived, tripped, withdrawn, broken, reset, other parties. */
TEST_F(trace, barrier)
{
	int fd = open_barrier(2, 0), pid = getpid();
	struct puppet *a = puppet(), *b = puppet();
	long long id = fdinfo(fd, "muster-id");

	tell(a, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 1);
	ASSERT_EQ(0, ask(me, await(fd)));
	ASSERT_EQ(0, hear(a));
	tell(a, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 1 && is_asleep(a));
	signal_puppet(a, SIG_EINTR);
	ASSERT_EQ(-EINTR, hear(a));
	tell(b, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 1);
	kill_puppet(b);
	ASSERT_EQ(0, ask(me, reset(fd)));
	ASSERT_EQ(0, ask(me, set_parties(fd, 1)));
	ASSERT_LT(0, collect(&self->events, id));

	ANONYMOUS(id, "barrier");
	ROUND("arrived", a->pid, 0, 1, 2);
	WAIT_BEGIN(id, "barrier", a, 1);
	ROUND("tripped", pid, 0, 1, 2);
	WAIT_END(id, "barrier", a, 0);
	ROUND("arrived", a->pid, 1, 1, 2);
	WAIT_BEGIN(id, "barrier", a, 1);
	ROUND("withdrawn", a->pid, 1, 0, 2);
	WAIT_END(id, "barrier", a, -512);
	ROUND("arrived", b->pid, 1, 1, 2);
	WAIT_BEGIN(id, "barrier", b, 1);
	EXPECT_NEXT("muster_barrier_broken: object=%lld pid=%d generation=1 by=death status=0 arrived=1 parties=2",
		    id, b->pid);
	WAIT_END(id, "barrier", b, -512);
	OWNER_GONE(id, "barrier", b->pid, 1);
	ROUND("reset", pid, 2, 0, 2);
	ROUND("parties", pid, 2, 0, 1);
	EXPECT_END();
	kill_puppet(a);
}

/* I5, B2, B6: an action that fails; members enter, leave and die. */
TEST_F(trace, members)
{
	int fd = open_barrier(1, MUSTER_BARRIER_ACTION | MUSTER_BARRIER_MEMBERS);
	struct puppet *member = puppet();
	long long id = fdinfo(fd, "muster-id");
	int pid = getpid();

#define MEMBER(_event, _pid, _seats, _taken, _parties)			\
	EXPECT_NEXT("muster_member_" _event ": object=%lld pid=%d seats=%d taken=%d parties=%d", \
		    id, _pid, _seats, _taken, _parties)

	ASSERT_EQ(0, ask(me, enter(fd, 1)));
	ASSERT_EQ(0, ask(me, await(fd)));
	ASSERT_EQ(0, ask(me, complete(fd, me->job.await.token, 0)));
	ASSERT_EQ(0, ask(me, await(fd)));
	ASSERT_EQ(0, ask(me, complete(fd, me->job.await.token, 9)));
	ASSERT_EQ(0, ask(me, reset(fd)));
	ASSERT_EQ(0, ask(member, enter(fd, 3)));
	ASSERT_EQ(0, ask(member, leave(fd, 1)));
	kill_puppet(member);
	ASSERT_LT(0, collect(&self->events, id));

	ANONYMOUS(id, "barrier");
	MEMBER("entered", pid, 1, 1, 1);
	ROUND("acting", pid, 0, 0, 1);
	ROUND("tripped", pid, 0, 0, 1);
	ROUND("acting", pid, 1, 0, 1);
	EXPECT_NEXT("muster_barrier_broken: object=%lld pid=%d generation=1 by=action status=9 arrived=1 parties=1",
		    id, pid);
	ROUND("reset", pid, 2, 0, 1);
	MEMBER("entered", member->pid, 3, 4, 4);
	MEMBER("left", member->pid, 1, 3, 3);
	OWNER_GONE(id, "barrier", member->pid, 1);
	EXPECT_NEXT("muster_barrier_broken: object=%lld pid=%d generation=2 by=death status=0 arrived=0 parties=3",
		    id, member->pid);
	MEMBER("died", member->pid, 2, 1, 3);
	EXPECT_END();
}

/* ---- group ---- */

static const char task_format[] =
	"muster_group_%s: object=%lld pid=%d slot=%d state=%s status=%d pending=%d";

#define TASK(_event, _pid, _slot, _state, _status, _pending)		\
	EXPECT_NEXT(task_format, _event, id, _pid, _slot, _state, _status, _pending)

/* I5, G1 to G3: added, claimed, done, died, cancelled, reset. */
TEST_F(trace, group)
{
	int fd = open_group(3), pid = getpid();
	struct puppet *worker = puppet(), *waiter = puppet();
	long long id = fdinfo(fd, "muster-id");

	ASSERT_EQ(0, ask(me, add(fd, 2)));
	ASSERT_EQ(0, ask(worker, claim(fd, 2)));
	ASSERT_EQ(0, ask(me, done(fd, 1, 0, "")));
	tell(waiter, wait_for(fd, MUSTER_UNTIL_SUCCESSES, 2));
	ASSERT_SOON(group_state(fd).waiters == 1);
	kill_puppet(worker);
	ASSERT_EQ(0, hear(waiter));
	ASSERT_EQ(0, ask(me, reset_group(fd)));
	ASSERT_LT(0, collect(&self->events, id));

	ANONYMOUS(id, "group");
	EXPECT_NEXT("muster_group_added: object=%lld pid=%d first=1 slots=2 pending=2", id, pid);
	TASK("claimed", worker->pid, 2, "pending", 0, 2);
	TASK("done", pid, 1, "done", 0, 1);
	WAIT_BEGIN(id, "group", waiter, 2);
	OWNER_GONE(id, "group", worker->pid, 1);
	TASK("done", worker->pid, 2, "died", -EOWNERDEAD, 0);
	EXPECT_NEXT("muster_group_cancelled: object=%lld pending=0 succeeded=1 failed=1", id);
	WAIT_END(id, "group", waiter, 0);
	EXPECT_NEXT("muster_group_reset: object=%lld pending=0 succeeded=1 failed=1", id);
	EXPECT_END();
	kill_puppet(waiter);
}

/* ---- all ---- */

static bool is_seen(const char *event)
{
	unsigned int i;

	for (i = 0; i < seen->nr; i++) {
		if (!strcmp(seen->name[i], event))
			return true;
	}
	return false;
}

/* Nothing in the format of the event is an address. */
static bool has_pointer(const char *event)
{
	char path[512], text[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), TRACEFS "/events/muster/%s/format", event);
	file = fopen(path, "re");
	if (!file)
		return true;
	while (fgets(text, sizeof(text), file))
		found |= (strstr(text, "field:") && strchr(text, '*')) || strstr(text, "%p");
	fclose(file);
	return found;
}

/* I5: every event there is was met by the tests above, and none tells an address. */
TEST_F(trace, all)
{
	struct dirent *entry;
	DIR *dir;

	if (!seen->nr)
		SKIP(return, "the other tests have not run");
	dir = opendir(TRACEFS "/events/muster");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "muster_", 7))
			continue;
		EXPECT_TRUE(is_seen(entry->d_name)) {
			TH_LOG("%s was not seen", entry->d_name);
		}
		EXPECT_FALSE(has_pointer(entry->d_name)) {
			TH_LOG("%s has a pointer", entry->d_name);
		}
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	seen = shared_memory(sizeof(*seen));
	return test_harness_run(argc, argv);
}
