// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memory cgroup of 16 MiB that is full of muster (O7): who is in it gets ENOMEM and is
 * not killed; nothing that was granted is lost; and whoever is outside does not notice.
 *
 * Each entry of hogs[] fills it with one kind of thing. A new kind is a function and a
 * line.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "muster_util.h"

/* So much less where filling it takes minutes. */
#define MEMORY		(slowness() > 1 ? "4194304" : "16777216")
#define LESS		(slowness() > 1 ? 4 : 1)
#define RESULT_SIZE	30000
#define NAME_SIZE	40
#define FILES_MAX	120000
#define FILES		"kselftest-memory"
/* Room for the pages of leases, in pieces that have a page table each. */
#define AREA_PAGES	8192L
#define TABLE_PAGES	512L

/* What all see: the objects, opened before anybody is forked, and a result. */
static int sem, files, flight, barrier, group;
static char result[RESULT_SIZE];

static void open_objects(void)
{
	sem = open_sem(1);
	files = open_named(MUSTER_SEM, FILES, O_CREAT | O_EXCL, 1 << 30);
	flight = open_flight(0);
	barrier = open_barrier(INT32_MAX, 0);
	group = open_group(0);
	ask(me, acquire(sem, 1));
}

static void close_objects(void)
{
	close(sem);
	close(files);
	close(flight);
	close(barrier);
	close(group);
}

/* ---- one more of it: 0 or more, or a negative errno ---- */

static int one_object(long i)
{
	return open_named(MUSTER_SEM, NULL, O_CLOEXEC, 1);
}

static int one_name(long i)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "kselftest-memory-%d-%ld", getpid(), i);
	return open_named(MUSTER_FLIGHT, name, O_CREAT | O_CLOEXEC, 0);
}

static int one_file(long i)
{
	int fd = open_named(MUSTER_SEM, FILES, O_CLOEXEC, 0);
	struct job job = acquire(fd, 1);

	return fd < 0 ? fd : call(fd, MUSTER_SEM_ACQUIRE, &job.acquire);
}

/*
 * Where the i-th page is to be mapped. The tables for it are there already: the kernel
 * allocates those as for a fault, and has somebody killed when there is no memory.
 */
static void *area_page(long i)
{
	static char *area;
	long size = getpagesize(), table;

	if (!area) {
		area = mmap(NULL, AREA_PAGES * size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		for (table = 0; area != MAP_FAILED && table < AREA_PAGES; table += TABLE_PAGES) {
			if (mprotect(area + table * size, size, PROT_READ | PROT_WRITE))
				return NULL;
			area[table * size] = 1;
		}
	}
	/* The first one of each table stays. */
	i += i / (TABLE_PAGES - 1) + 1;
	return area != MAP_FAILED && i < AREA_PAGES ? area + i * size : NULL;
}

static int map_page(int fd, long i)
{
	void *at = area_page(i);

	if (!at)
		return -E2BIG;
	return mmap(at, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    0) == MAP_FAILED ? -errno : 0;
}

/* L1: a semaphore, who uses it, a page that is mapped. */
static int one_lease(long i)
{
	int fd = one_object(i);

	return fd < 0 ? fd : map_page(fd, i);
}

/* L1: of one semaphore that is there for all. What has no lease holds nothing. */
static int one_lessee(long i)
{
	int fd = open_named(MUSTER_SEM, FILES, O_CLOEXEC, 0), err;
	struct job job = acquire(fd, 1);

	if (fd < 0)
		return fd;
	err = map_page(fd, i);
	return err ? err : call(fd, MUSTER_SEM_ACQUIRE, &job.acquire);
}

static int one_permit_ticket(long i)
{
	struct job job = acquire_by(sem, 1, MUSTER_WAIT_TICKET, MUSTER_FOREVER);

	return call(sem, MUSTER_SEM_ACQUIRE, &job.acquire);
}

static int one_party(long i)
{
	struct job job = await_by(barrier, MUSTER_WAIT_TICKET, MUSTER_FOREVER);

	return call(barrier, MUSTER_BARRIER_AWAIT, &job.await);
}

static int join_key(long i, struct muster_flight_join *args, __u32 flags)
{
	char key[24];

	snprintf(key, sizeof(key), "%ld", i);
	*args = join_by(flight, key, flags, MUSTER_FOREVER).join;
	args->key = to_u64(key);
	return call(flight, MUSTER_FLIGHT_JOIN, args);
}

static int finish_key(long i, __u64 token, size_t len, __u64 keep, __u64 grace)
{
	struct muster_flight_finish args;
	char key[24];

	snprintf(key, sizeof(key), "%ld", i);
	args = finish(flight, key, token, 0, NULL).finish;
	args.key = to_u64(key);
	args.keep = keep;
	args.grace = grace;
	args.data = to_u64(result);
	args.data_len = len;
	return call(flight, MUSTER_FLIGHT_FINISH, &args);
}

static int one_key(long i)
{
	struct muster_flight_join args;

	return join_key(i, &args, 0);
}

/* With the result refused the call is still led, and is to be ended. */
static int one_kept_result(long i)
{
	struct muster_flight_join joined;
	int err = join_key(i, &joined, 0);

	if (err)
		return err;
	err = finish_key(i, joined.token, RESULT_SIZE, MUSTER_FOREVER, 0);
	if (!err)
		return 0;
	return finish_key(i, joined.token, 0, 0, 0) ? STUCK : err;
}

static int one_slot(long i)
{
	struct job job = add(group, 1);

	return call(group, MUSTER_GROUP_ADD, &job.add);
}

static int one_task_result(long i)
{
	struct job job = add(group, 1);
	int err = call(group, MUSTER_GROUP_ADD, &job.add);

	if (err)
		return err;
	job = done(group, MUSTER_SLOT_ANY, 0, NULL);
	job.done.data = to_u64(result);
	job.done.data_len = RESULT_SIZE;
	return call(group, MUSTER_GROUP_DONE, &job.done);
}

/* ---- what all of them together are, seen from outside ---- */

static __u64 count_waiters(void)
{
	return sem_state(sem).waiters;
}

static __u64 count_holders(void)
{
	return sem_state(files).held;
}

static __u64 count_parties(void)
{
	return barrier_state(barrier).waiting;
}

static __u64 count_calls(void)
{
	return flight_state(flight).calls;
}

static __u64 count_kept(void)
{
	return flight_state(flight).kept;
}

static __u64 count_slots(void)
{
	return group_state(group).pending;
}

static __u64 count_done(void)
{
	return group_state(group).succeeded;
}

/**
 * struct hog - one way to fill memory
 * @name:	of it
 * @one:	makes one more
 * @count:	how many there are, if that can be seen
 * @stays:	when the process ends they do not go
 * @at_least:	so many are there before memory is full, with all that a debug kernel adds
 */
static const struct hog {
	const char *name;
	int (*one)(long i);
	__u64 (*count)(void);
	bool stays;
	long at_least;
} hogs[] = {
	{ "objects", one_object, NULL, false, 1000 },
	{ "names", one_name, NULL, false, 1000 },
	{ "files", one_file, count_holders, false, 1000 },
	{ "leases", one_lease, NULL, false, 500 },
	{ "leases of one", one_lessee, count_holders, false, 500 },
	{ "permits by ticket", one_permit_ticket, count_waiters, false, 1000 },
	{ "parties by ticket", one_party, count_parties, false, 1000 },
	{ "keys", one_key, count_calls, false, 5000 },
	{ "kept results", one_kept_result, count_kept, true, 200 },
	{ "slots", one_slot, count_slots, false, 5000 },
	{ "results of tasks", one_task_result, count_done, true, 200 },
};

/* ---- the cgroup ---- */

static const char * const params[] = { "objects_max", "calls_max", "bytes_max",
					"leases_max" };

FIXTURE(memory) {
	char cgroup[64];
	long long saved[ARRAY_SIZE(params)];
	struct puppet *outside;
};

FIXTURE_SETUP(memory)
{
	struct rlimit files = { FILES_MAX, FILES_MAX };
	unsigned int i;

	snprintf(self->cgroup, sizeof(self->cgroup), "/sys/fs/cgroup/muster-%d", getpid());
	for (i = 0; i < ARRAY_SIZE(params); i++)
		self->saved[i] = get_param(params[i]);
	if (geteuid() || setrlimit(RLIMIT_NOFILE, &files) || mkdir(self->cgroup, 0755))
		SKIP(return, "no cgroup: %s", strerror(errno));
	/* It is memory that is to be the limit. */
	for (i = 0; i < ARRAY_SIZE(params); i++)
		ASSERT_TRUE(set_param(params[i], 1 << 30));
	self->outside = puppet();
}

FIXTURE_TEARDOWN(memory)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++) {
		if (get_param(params[i]) != self->saved[i])
			set_param(params[i], self->saved[i]);
	}
	rmdir(self->cgroup);
}

static bool set_cgroup(const char *cgroup, const char *file, const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == strlen(value);
	close(fd);
	return done;
}

/* A line of a file, "NAME NUMBER"; or the number, if it has no name. -1 if there is none. */
static long long get_cgroup(const char *cgroup, const char *file, const char *name)
{
	char path[128], line[128];
	long long value = -1;
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	stream = fopen(path, "re");
	while (stream && value < 0 && fgets(line, sizeof(line), stream)) {
		if (!name)
			value = atoll(line);
		else if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ' ')
			value = atoll(line + strlen(name));
	}
	if (stream)
		fclose(stream);
	return value;
}

/*
 * All memory that the process needs beside muster's is there before the limit is: a fault,
 * or a table of descriptors that grows, would have it killed.
 */
static int run_pin(struct job *job)
{
	(void)job;
	memset(result, 'r', sizeof(result));
	if (dup2(STDIN_FILENO, FILES_MAX - 1) < 0 || close(FILES_MAX - 1))
		return -errno;
	return mlockall(MCL_CURRENT | MCL_FUTURE) ? -errno : 0;
}

/* Makes ever more of it. Returns why there are no more; *@nr is how many there are. */
static int run_fill(struct job *job)
{
	const struct hog *hog = &hogs[job->arg[0]];
	long *nr = (long *)job->at;
	int ret;

	*nr = 0;
	while ((ret = hog->one(*nr)) >= 0)
		++*nr;
	return ret;
}

static struct job do_fill(unsigned int hog, long *nr)
{
	return (struct job){ .run = run_fill, .at = nr, .arg = { hog } };
}

/* Puts a new puppet into the cgroup. */
static struct puppet *prisoner(const char *cgroup)
{
	struct job pin = { .run = run_pin };
	struct puppet *p = puppet();
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", p->pid);
	if (ask(p, pin) || !set_cgroup(cgroup, "cgroup.procs", pid) ||
	    !set_cgroup(cgroup, "memory.max", MEMORY))
		return NULL;
	return p;
}

/* Whoever is outside can do all this, and it does not even have to wait. */
static int run_outside(struct job *job)
{
	int s = open_sem(1), f = open_flight(0), err;

	(void)job;
	err = ask(me, acquire(s, 1)) ?: ask(me, release(s, 1)) ?: ask(me, join(f, "mine")) ?:
	      ask(me, finish(f, "mine", me->job.join.token, 0, "done"));
	close(s);
	close(f);
	return err;
}

#define OOM_KILLS()	get_cgroup(self->cgroup, "memory.events", "oom_kill")
#define USED()		get_cgroup(self->cgroup, "memory.current", NULL)

/* Fills the cgroup, which takes a while on the slowest kernels. */
#define FILL(p, hog, nr) do {						\
	(p) = prisoner(self->cgroup);					\
	ASSERT_NE(NULL, p);						\
	tell(p, do_fill(hog, nr));					\
	while (is_busy(p) && !OOM_KILLS())				\
		nap();							\
	EXPECT_EQ(0, OOM_KILLS());					\
	ASSERT_EQ(-ENOMEM, hear(p)) {						\
		TH_LOG("%s", hogs[hog].name);					\
	}								\
} while (0)

/* O7: full of each kind of thing; and once that is gone, there is as much room again. */
TEST_F_TIMEOUT(memory, full, 360)
{
	long *nr = shared_memory(sizeof(*nr)), first, again = 0;
	const long long room = atoll(MEMORY);
	struct puppet *p;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(hogs); i++) {
		for (first = 0, j = 0; j < 2; j++, first = *nr) {
			open_objects();
			FILL(p, i, nr);
			EXPECT_LE(hogs[i].at_least / LESS, *nr) {
				TH_LOG("%s", hogs[i].name);
			}
			EXPECT_LE(first ? again : 0, *nr) {
				TH_LOG("%s, again", hogs[i].name);
			}
			if (hogs[i].count)
				EXPECT_EQ(*nr, hogs[i].count()) {
					TH_LOG("%s", hogs[i].name);
				}
			EXPECT_EQ(0, ask(self->outside, (struct job){ .run = run_outside }));
			kill_puppet(p);
			if (hogs[i].count)
				EXPECT_EQ(hogs[i].stays ? *nr : 0, hogs[i].count()) {
					TH_LOG("%s, of the dead", hogs[i].name);
				}
			close_objects();
			/*
			 * Some of it goes a little later than who had it, and what KASAN
			 * has in quarantine when others need it.
			 */
			ASSERT_LE(0, USED());
			ASSERT_SOON(USED() < room / 4);
			again = *nr * (room - USED()) / room - *nr / 10;
		}
	}
}

static unsigned int hog_of(int (*one)(long i))
{
	unsigned int i = 0;

	while (hogs[i].one != one)
		i++;
	return i;
}

/* Ends all the calls that it leads, the first of which has token 1. */
static int run_finish_all(struct job *job)
{
	struct muster_flight_finish args;
	char key[24];
	long i;
	int err;

	for (i = 0; i < *(long *)job->at; i++) {
		snprintf(key, sizeof(key), "%ld", i);
		args = finish(flight, key, i + 1, 0, NULL).finish;
		args.key = to_u64(key);
		err = call(flight, MUSTER_FLIGHT_FINISH, &args);
		if (err)
			return err;
	}
	return 0;
}

/* F1: who leads and has no memory left can end what it leads, and then lead again. */
TEST_F_TIMEOUT(memory, leader_can_finish, 120)
{
	long *nr = shared_memory(sizeof(*nr));
	struct job finish_all = { .run = run_finish_all, .at = nr };
	struct puppet *p;

	open_objects();
	FILL(p, hog_of(one_key), nr);
	EXPECT_EQ(0, ask(p, finish_all));
	EXPECT_EQ(0, flight_state(flight).calls);
	EXPECT_EQ(*nr, flight_state(flight).led);
	EXPECT_EQ(0, flight_state(flight).orphaned);
	EXPECT_EQ(0, ask(p, join(flight, "one more")));
	close_objects();
}

/* More by far than there is memory for. */
#define MANY_RESULTS	(4 * atoll(MEMORY) / RESULT_SIZE)

/* Keeps results for a moment, and begins to refresh each. */
static int run_refresh(struct job *job)
{
	struct muster_flight_join joined;
	int err = 0;
	long i;

	(void)job;
	for (i = 0; i < MANY_RESULTS && !err; i++)
		err = join_key(i, &joined, 0) ?:
		      finish_key(i, joined.token, RESULT_SIZE, 1, MUSTER_FOREVER) ?:
		      join_key(i, &joined, 0) ?: joined.role != MUSTER_ROLE_LEADER;
	return err;
}

/* O7, F8: what has gone to make room is gone, even if somebody was about to refresh it. */
TEST_F_TIMEOUT(memory, stale_results_go, 120)
{
	struct puppet *p;

	open_objects();
	p = prisoner(self->cgroup);
	ASSERT_NE(NULL, p);
	ASSERT_TRUE(set_param("bytes_max", atoll(MEMORY) / 4));
	ASSERT_EQ(0, ask(p, (struct job){ .run = run_refresh }));
	EXPECT_EQ(0, OOM_KILLS());
	EXPECT_EQ(MANY_RESULTS, flight_state(flight).calls);
	EXPECT_GE(atoll(MEMORY) / 4 / RESULT_SIZE, flight_state(flight).kept);
	kill_puppet(p);
	close_objects();
}

/* Follows its own calls by ticket, and reads what comes; how many got their result. */
static int run_follow(struct job *job)
{
	struct muster_flight_join joined, ticket;
	struct muster_verdict verdict;
	int err = 0, got = 0, fd;
	long i;

	(void)job;
	for (i = 0; i < MANY_RESULTS && !err; i++) {
		err = join_key(i, &joined, 0);
		fd = err ?: join_key(i, &ticket, MUSTER_WAIT_TICKET);
		if (fd < 0)
			return fd;
		err = finish_key(i, joined.token, RESULT_SIZE, 0, 0);
		if (read(fd, &verdict, sizeof(verdict)) != sizeof(verdict))
			return -EIO;
		if (!verdict.error)
			got++;
		else if (verdict.error != -ENOBUFS)
			return verdict.error;
	}
	return err ?: got;
}

/* O7, T5: a result that a ticket has counts for who made it, until that is closed. */
TEST_F_TIMEOUT(memory, results_of_tickets, 120)
{
	struct puppet *p;

	open_objects();
	p = prisoner(self->cgroup);
	ASSERT_NE(NULL, p);
	ASSERT_TRUE(set_param("bytes_max", atoll(MEMORY) / 4));
	EXPECT_EQ(atoll(MEMORY) / 4 / RESULT_SIZE, ask(p, (struct job){ .run = run_follow }));
	EXPECT_EQ(0, OOM_KILLS());
	EXPECT_EQ(0, flight_state(flight).calls);
	kill_puppet(p);
	close_objects();
}

/* T5: who waits by ticket gets what it waits for, with no memory left. */
TEST_F_TIMEOUT(memory, tickets_are_granted, 120)
{
	long *nr = shared_memory(sizeof(*nr));
	struct puppet *p;

	open_objects();
	FILL(p, hog_of(one_permit_ticket), nr);
	ASSERT_EQ(0, ask(me, set_limit(sem, *nr + 1)));
	EXPECT_EQ(0, sem_state(sem).waiters);
	EXPECT_EQ(*nr + 1, sem_state(sem).held);
	kill_puppet(p);
	EXPECT_EQ(1, sem_state(sem).held);
	close_objects();
}

/* G2: tasks of one that has no memory left are done, or die with it, all the same. */
TEST_F_TIMEOUT(memory, tasks_end, 120)
{
	long *nr = shared_memory(sizeof(*nr));
	struct puppet *p;

	open_objects();
	FILL(p, hog_of(one_slot), nr);
	EXPECT_EQ(0, ask(p, done(group, MUSTER_SLOT_ANY, 0, NULL)));
	EXPECT_EQ(*nr - 1, group_state(group).pending);
	kill_puppet(p);
	EXPECT_EQ(*nr - 1, group_state(group).died);
	ASSERT_EQ(0, ask(me, reset_group(group)));
	EXPECT_EQ(0, ask(self->outside, (struct job){ .run = run_outside }));
	close_objects();
}

TEST_HARNESS_MAIN
