// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seeing inside: fdinfo, the leaders of flights, totals (I5)
 */
#include <sched.h>
#include <string.h>

#include "fdinfo.h"
#include "kselftest_harness.h"
#include "lease.h"
#include "muster_util.h"

#define KEY	"key"
#define MANY	200

/* What puppets need as well. */
static struct muster_totals *totals;

FIXTURE(seeing) {
};

FIXTURE_SETUP(seeing)
{
	totals = shared_memory(2 * sizeof(*totals));
}

FIXTURE_TEARDOWN(seeing)
{
}

/* Lines of fdinfo: key and number, the end is a NULL. */
struct line {
	const char *key;
	long long value;
};

/* The first that is not so, or NULL. */
static const char *differs(int fd, const struct line *line)
{
	static char text[128];

	for (; line->key; line++) {
		if (fdinfo(fd, line->key) == line->value)
			continue;
		snprintf(text, sizeof(text), "%s is %lld, not %lld", line->key,
			 fdinfo(fd, line->key), line->value);
		return text;
	}
	return NULL;
}

#define EXPECT_LINES(_fd, ...) do {					\
	struct line _lines[] = { __VA_ARGS__, { } };			\
	const char *_differs = differs(_fd, _lines);			\
	EXPECT_EQ(NULL, _differs) {					\
		TH_LOG("%s", _differs);					\
	}								\
} while (0)

/* A line "PID HELD" of muster-owner. */
static bool holds(int fd, pid_t pid, unsigned int held)
{
	char wanted[64];
	const char *line;
	int nth;

	snprintf(wanted, sizeof(wanted), "%d %u", pid, held);
	for (nth = 0; *(line = fdinfo_line(getpid(), fd, "muster-owner", nth)); nth++) {
		if (!strcmp(line, wanted))
			return true;
	}
	return false;
}

/* ---- fdinfo ---- */

/* I5: the device; what all objects have: numbers, names, modes. */
TEST_F(seeing, fdinfo_common)
{
	struct muster_open how = open_how(MUSTER_SEM, unique_name("seen"), O_CREAT, 2);
	struct muster_info info = { .size = sizeof(info) };
	int named, anonymous;
	long long id;

	EXPECT_STREQ("device", fdinfo_line(getpid(), device_fd, "muster-type", 0));
	ASSERT_EQ(0, call(device_fd, MUSTER_INFO, &info));
	EXPECT_EQ(info.api_version, fdinfo(device_fd, "muster-version"));

	how.mode = 0600;
	how.options = MUSTER_SEM_SIGNALLING;
	named = open_object(&how);
	ASSERT_LE(0, named);
	anonymous = open_sem(1);
	EXPECT_STREQ((char *)(uintptr_t)how.name,
		     fdinfo_line(getpid(), named, "muster-name", 0));
	EXPECT_STREQ("0600", fdinfo_line(getpid(), named, "muster-mode", 0));
	EXPECT_EQ(MUSTER_SEM_SIGNALLING, fdinfo(named, "muster-options"));
	EXPECT_STREQ("", fdinfo_line(getpid(), anonymous, "muster-name", 0));
	EXPECT_EQ(0, fdinfo(anonymous, "muster-options"));

	/* A number is of an object, however it was opened, and no other ever has it. */
	id = fdinfo(named, "muster-id");
	EXPECT_LT(0, id);
	EXPECT_LT(id, fdinfo(anonymous, "muster-id"));
	how.options = 0;
	EXPECT_EQ(id, fdinfo(open_object(&how), "muster-id"));
	EXPECT_LT(id + 1, fdinfo(open_sem(1), "muster-id"));
}

/* I5, W1, T5: a semaphore; who holds what through this file, and only through it; a ticket. */
TEST_F(seeing, fdinfo_sem)
{
	int fd = open_sem(5), ticket;
	struct puppet *holder = puppet();

	ASSERT_EQ(0, ask(me, acquire(fd, 1)));
	ASSERT_EQ(0, ask(holder, acquire(fd, 3)));
	ticket = ask(me, as_ticket(acquire(fd, 2)));
	ASSERT_LE(0, ticket);
	EXPECT_STREQ("sem", fdinfo_line(getpid(), fd, "muster-type", 0));
	EXPECT_LINES(fd, { "muster-limit", 5 }, { "muster-held", 4 },
		     { "muster-available", 1 }, { "muster-waiters", 1 },
		     { "muster-abandoned", 0 });
	EXPECT_TRUE(holds(fd, getpid(), 1));
	EXPECT_TRUE(holds(fd, holder->pid, 3));
	EXPECT_STREQ("", fdinfo_line(getpid(), ticket, "muster-owner", 0));
	EXPECT_EQ(0, strncmp("waits ", fdinfo_line(getpid(), ticket, "muster-ticket", 0), 6));
	EXPECT_EQ(fdinfo(fd, "muster-id"), fdinfo(ticket, "muster-id"));

	kill_puppet(holder);
	EXPECT_LINES(fd, { "muster-held", 3 }, { "muster-waiters", 0 },
		     { "muster-abandoned", 1 });
	EXPECT_FALSE(holds(fd, holder->pid, 3));
	EXPECT_TRUE(holds(ticket, getpid(), 2));
	EXPECT_STREQ("settled 0", fdinfo_line(getpid(), ticket, "muster-ticket", 0));
}

/* I5, F8: a flight, with results that are kept. */
TEST_F(seeing, fdinfo_flight)
{
	int fd = open_flight(3), i;
	struct puppet *follower = puppet();
	struct job job;
	char key[16];

	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	tell(follower, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 1);
	EXPECT_STREQ("flight", fdinfo_line(getpid(), fd, "muster-type", 0));
	EXPECT_LINES(fd, { "muster-handovers", 3 }, { "muster-calls", 1 },
		     { "muster-kept", 0 }, { "muster-waiters", 1 }, { "muster-led", 1 },
		     { "muster-joined", 0 }, { "muster-served", 0 });
	EXPECT_TRUE(holds(fd, getpid(), 1));
	EXPECT_STREQ("", fdinfo_line(getpid(), fd, "muster-owner", 1));

	job = finish(fd, KEY, me->job.join.token, 0, "x");
	job.finish.keep = MUSTER_FOREVER;
	ASSERT_EQ(0, ask(me, job));
	ASSERT_EQ(0, hear(follower));
	ASSERT_EQ(0, ask(follower, join(fd, KEY)));
	EXPECT_LINES(fd, { "muster-calls", 0 }, { "muster-kept", 1 }, { "muster-waiters", 0 },
		     { "muster-led", 1 }, { "muster-joined", 1 }, { "muster-served", 1 });
	/* To count very many would take too long. */
	for (i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%d", i);
		ASSERT_EQ(0, ask(me, join(fd, key)));
	}
	EXPECT_TRUE(holds(fd, getpid(), 64));
	EXPECT_EQ(MANY, fdinfo(fd, "muster-calls"));
	kill_puppet(follower);
}

/* I5, B2, B6: a barrier with an action, and one with members. */
TEST_F(seeing, fdinfo_barrier)
{
	int fd = open_barrier(2, MUSTER_BARRIER_ACTION);
	int members = open_barrier(3, MUSTER_BARRIER_MEMBERS);
	struct puppet *a = puppet(), *b = puppet();

	tell(a, await(fd));
	ASSERT_SOON(barrier_state(fd).waiting == 1);
	ASSERT_EQ(0, ask(b, await(fd)));
	EXPECT_STREQ("barrier", fdinfo_line(getpid(), fd, "muster-type", 0));
	EXPECT_LINES(fd, { "muster-parties", 2 }, { "muster-waiters", 1 },
		     { "muster-generation", 0 }, { "muster-acting", 1 },
		     { "muster-broken", 0 }, { "muster-seats", 0 }, { "muster-missing", 0 });
	EXPECT_TRUE(holds(fd, b->pid, 1));
	EXPECT_STREQ("", fdinfo_line(getpid(), fd, "muster-owner", 1));

	ASSERT_EQ(0, ask(me, enter(members, 1)));
	ASSERT_EQ(0, ask(b, enter(members, 3)));
	EXPECT_LINES(members, { "muster-parties", 4 }, { "muster-seats", 4 },
		     { "muster-missing", 2 });
	EXPECT_TRUE(holds(members, b->pid, 3));
	EXPECT_TRUE(holds(members, getpid(), 1));

	kill_puppet(b);
	ASSERT_EQ(-EPIPE, hear(a));
	EXPECT_LINES(fd, { "muster-acting", 0 }, { "muster-waiters", 0 },
		     { "muster-broken", MUSTER_BROKEN_DEATH });
	EXPECT_LINES(members, { "muster-seats", 1 }, { "muster-missing", 1 },
		     { "muster-broken", MUSTER_BROKEN_DEATH });
	kill_puppet(a);
}

/* I5, G2: a group. */
TEST_F(seeing, fdinfo_group)
{
	int fd = open_group(4);
	struct puppet *worker = puppet(), *waiter = puppet();

	ASSERT_EQ(0, ask(me, add(fd, 2)));
	ASSERT_EQ(0, ask(worker, add(fd, 1)));
	ASSERT_EQ(0, ask(me, done(fd, MUSTER_SLOT_ANY, 0, "")));
	tell(waiter, wait_for(fd, MUSTER_UNTIL_ALL, 0));
	ASSERT_SOON(group_state(fd).waiters == 1);
	EXPECT_STREQ("group", fdinfo_line(getpid(), fd, "muster-type", 0));
	EXPECT_LINES(fd, { "muster-limit", 4 }, { "muster-waiters", 1 },
		     { "muster-pending", 2 }, { "muster-succeeded", 1 },
		     { "muster-failed", 0 }, { "muster-died", 0 }, { "muster-cancelled", 0 });
	EXPECT_TRUE(holds(fd, getpid(), 1));
	EXPECT_TRUE(holds(fd, worker->pid, 1));
	kill_puppet(worker);
	EXPECT_LINES(fd, { "muster-pending", 1 }, { "muster-failed", 1 }, { "muster-died", 1 },
		     { "muster-cancelled", 1 });
	EXPECT_EQ(0, fdinfo(open_group(0), "muster-limit"));
	kill_puppet(waiter);
}

/* ---- who leads ---- */

static int look(int fd, const char *key, struct muster_process *list, __u32 room)
{
	struct muster_flight_stat stat = {
		.size = sizeof(stat),
		.key = to_u64(key),
		.key_len = key ? strlen(key) : 0,
		.processes = to_u64(list),
		.nr_processes = room,
	};
	int ret = call(fd, MUSTER_FLIGHT_STAT, &stat);

	return ret ?: (int)stat.nr_processes;
}

/* I5, F6: who leads a key, since when; who follows, in order; who leads after a death. */
TEST_F(seeing, leader_of_a_key)
{
	int fd = open_flight(3);
	struct puppet *leader = puppet(), *a = puppet(), *b = puppet(), *shy = puppet();
	__u64 before = clock_ns(CLOCK_MONOTONIC), after;
	struct muster_process list[8];

	EXPECT_EQ(0, look(fd, KEY, list, 8));
	ASSERT_EQ(0, ask(leader, join(fd, KEY)));
	after = clock_ns(CLOCK_MONOTONIC);
	tell(shy, join_by(fd, KEY, MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER));
	ASSERT_SOON(flight_state(fd).followers == 1);
	tell(a, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 2);
	tell(b, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 3);

	ASSERT_EQ(4, look(fd, KEY, list, 8));
	EXPECT_EQ(leader->pid, list[0].pid);
	EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[0].role);
	EXPECT_EQ(3, list[0].amount);
	/* To the kernel's tick. */
	EXPECT_LE(before, list[0].since + 20 * NSEC_PER_MSEC);
	EXPECT_GE(after + 20 * NSEC_PER_MSEC, list[0].since);
	EXPECT_EQ(a->pid, list[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_WAITER, list[1].role);
	EXPECT_EQ(1, list[1].amount);
	EXPECT_EQ(b->pid, list[2].pid);
	EXPECT_EQ(shy->pid, list[3].pid);
	/* As many as there is room for; none at all. */
	list[1].pid = 0;
	EXPECT_EQ(4, look(fd, KEY, list, 1));
	EXPECT_EQ(0, list[1].pid);
	EXPECT_EQ(4, look(fd, KEY, NULL, 0));
	EXPECT_EQ(0, look(fd, "another", list, 8));

	kill_puppet(leader);
	ASSERT_EQ(0, hear(a));
	ASSERT_EQ(3, look(fd, KEY, list, 8));
	EXPECT_EQ(a->pid, list[0].pid);
	EXPECT_EQ(2, list[0].amount);
	/* One that is forgotten cannot be joined. */
	ASSERT_EQ(0, ask(me, forget(fd, KEY, 0)));
	EXPECT_EQ(0, look(fd, KEY, list, 8));
	kill_puppet(a);
	kill_puppet(b);
	kill_puppet(shy);
}

/* I5: who leads, of all keys; more than are looked at in one go; none that are kept. */
TEST_F_TIMEOUT(seeing, leaders_of_all, 120)
{
	struct muster_process list[MANY + 8];
	int fd = open_flight(3), i;
	struct puppet *other = puppet();
	unsigned int mine = 0, others = 0;
	struct job job;
	char key[16];

	EXPECT_EQ(0, look(fd, NULL, list, MANY + 8));
	for (i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "kept %d", i);
		ASSERT_EQ(0, ask(me, join(fd, key)));
		job = finish(fd, key, me->job.join.token, 0, "x");
		job.finish.keep = MUSTER_FOREVER;
		ASSERT_EQ(0, ask(me, job));
	}
	EXPECT_EQ(0, look(fd, NULL, list, MANY + 8));
	for (i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "led %d", i);
		ASSERT_EQ(0, ask(me, join(fd, key)));
		/* The table grows, now and then while it is looked at. */
		memset(list, 0, sizeof(list));
		ASSERT_EQ(i + 1, look(fd, NULL, list, MANY + 8));
		EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[i].role);
		EXPECT_EQ(0, list[i + 1].role);
	}
	ASSERT_EQ(0, ask(other, join(fd, KEY)));
	ASSERT_EQ(MANY + 1, look(fd, NULL, list, MANY + 8));
	for (i = 0; i < MANY + 1; i++) {
		EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[i].role);
		EXPECT_EQ(0, list[i].amount);
		mine += list[i].pid == getpid();
		others += list[i].pid == other->pid;
	}
	EXPECT_EQ(MANY, mine);
	EXPECT_EQ(1, others);
	EXPECT_EQ(MANY + 1, look(fd, NULL, list, 3));
	EXPECT_EQ(MANY + 1, look(fd, NULL, NULL, 0));
	kill_puppet(other);
}

/* I2: a key that is none. */
TEST_F(seeing, leader_of_a_bad_key)
{
	struct muster_flight_stat stat = { .size = sizeof(stat), .key_len = 256 };
	int fd = open_flight(3);

	stat.key = to_u64(&stat);
	EXPECT_EQ(-EINVAL, call(fd, MUSTER_FLIGHT_STAT, &stat));
	stat.key_len = 0;
	EXPECT_EQ(-EINVAL, call(fd, MUSTER_FLIGHT_STAT, &stat));
	stat.key = 1;
	stat.key_len = 1;
	EXPECT_EQ(-EFAULT, call(fd, MUSTER_FLIGHT_STAT, &stat));
	stat.key = 0;
	stat.key_len = 0;
	stat.nr_processes = 1;
	EXPECT_EQ(0, call(fd, MUSTER_FLIGHT_STAT, &stat));
	stat.nr_processes = 1;
	stat.processes = 1;
	EXPECT_EQ(0, call(fd, MUSTER_FLIGHT_STAT, &stat));
	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	stat.nr_processes = 1;
	EXPECT_EQ(-EFAULT, call(fd, MUSTER_FLIGHT_STAT, &stat));
}

/* ---- totals ---- */

/* Job: what the caller's namespace has come to, into totals[arg]. */
static int run_totals(struct job *job)
{
	struct muster_totals *to = &totals[job->arg[0]];

	*to = (struct muster_totals){ .size = sizeof(*to) };
	return call(device_fd, MUSTER_TOTALS, to);
}

static struct job look_at_totals(int i)
{
	return (struct job){ .run = run_totals, .arg = { i } };
}

static void some_flights(int fd, struct puppet *p)
{
	struct job job;

	tell(p, join(fd, KEY));
	hear(p);
	kill_puppet(p);
	ask(me, join(fd, KEY));
	job = finish(fd, KEY, me->job.join.token, 0, "x");
	job.finish.keep = MUSTER_FOREVER;
	ask(me, job);
	ask(me, join(fd, KEY));
}

/* Has a counter grown so much between the two, at least? Others may be busy, too. */
static bool has_grown(size_t field, __u64 n)
{
	__u64 before = *(__u64 *)((char *)&totals[0] + field);
	__u64 after = *(__u64 *)((char *)&totals[1] + field);

	return before + n <= after;
}

#define EXPECT_GREW(field, n)						\
	EXPECT_TRUE(has_grown(offsetof(struct muster_totals, field), n))

/* I5: each counter grows with what it counts. */
TEST_F(seeing, totals)
{
	int flight = open_flight(3), sem = open_sem(1), barrier = open_barrier(2, 0);
	int group = open_group(0), lent = open_sem(1);
	struct puppet *waiter = puppet(), *party = puppet();

	ASSERT_EQ(0, ask(me, look_at_totals(0)));
	some_flights(flight, puppet());
	ASSERT_EQ(0, ask(me, acquire(sem, 1)));
	ASSERT_EQ(-ETIMEDOUT, ask(waiter, acquire_by(sem, 1, 0, in_ms(1))));
	tell(party, await(barrier));
	ASSERT_SOON(barrier_state(barrier).waiting == 1);
	ASSERT_EQ(0, ask(me, await(barrier)));
	ASSERT_EQ(0, hear(party));
	ASSERT_EQ(-ETIMEDOUT, break_by_deadline(party, barrier));
	ASSERT_EQ(0, ask(me, add(group, 1)));
	ASSERT_EQ(0, ask(waiter, add(group, 1)));
	ASSERT_EQ(0, ask(me, done(group, MUSTER_SLOT_ANY, 7, "")));
	kill_puppet(waiter);
	lease = lease_map(lent);
	ASSERT_NE(NULL, lease);
	ASSERT_EQ(0, ask(me, borrow(lent, 1)));
	ASSERT_EQ(0, ask(party, try_acquire(lent, 1)));
	ASSERT_EQ(0, ask(me, look_at_totals(1)));

	EXPECT_GREW(led, 2);
	EXPECT_GREW(orphaned, 1);
	EXPECT_GREW(kept, 1);
	EXPECT_GREW(served, 1);
	EXPECT_GREW(granted, 1);
	EXPECT_GREW(tripped, 1);
	EXPECT_GREW(broken, 1);
	EXPECT_GREW(tasks, 2);
	EXPECT_GREW(failures, 2);
	EXPECT_GREW(waits, 3);
	EXPECT_GREW(timeouts, 2);
	EXPECT_GREW(deaths, 2);
	EXPECT_GREW(lent, 1);
	EXPECT_GREW(taken, 1);
	EXPECT_LE(4, totals[1].objects);
	kill_puppet(party);
}

static unsigned long long machine_total(const char *name)
{
	unsigned long long n = ~0ULL;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/muster/totals/%s", name);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%llu", &n) != 1)
		n = ~0ULL;
	if (file)
		fclose(file);
	return n;
}

/* Job: opens a semaphore and takes a permit arg times. */
static int run_grants(struct job *job)
{
	int fd = open_sem(1), i, err = fd;

	for (i = 0; i < job->arg[0] && err >= 0; i++) {
		struct job get = acquire(fd, 1), put = release(fd, 1);

		err = call(fd, get.cmd, &get.acquire);
		if (!err)
			err = call(fd, put.cmd, &put.release);
	}
	return err;
}

/*
 * I5, O5: another IPC namespace has totals of its own, exactly; the machine's are those of
 * all, also of one that is no more.
 */
TEST_F(seeing, totals_of_a_namespace)
{
	struct puppet *there = puppet(), *alice = puppet();
	unsigned long long before;

	if (ask(alice, do_setids(ALICE, ALICE)))
		SKIP(return, "needs root to become another user");
	before = machine_total("granted");
	ASSERT_NE(~0ULL, before);
	if (ask(there, do_unshare(CLONE_NEWIPC)))
		SKIP(return, "no IPC namespaces");
	ASSERT_EQ(0, ask(there, look_at_totals(0)));
	EXPECT_EQ(0, totals[0].objects);
	EXPECT_EQ(0, totals[0].granted);
	ASSERT_EQ(0, ask(there, (struct job){ .run = run_grants, .arg = { 100 } }));
	ASSERT_EQ(0, ask(there, look_at_totals(1)));
	EXPECT_EQ(1, totals[1].objects);
	EXPECT_EQ(100, totals[1].granted);
	EXPECT_EQ(0, totals[1].waits);
	EXPECT_LE(before + 100, machine_total("granted"));
	kill_puppet(there);
	ASSERT_SOON(before + 100 <= machine_total("granted"));
	kill_puppet(alice);
}

/* Job: can the file of the machine's totals be opened? */
static int run_open_total(struct job *job)
{
	int fd = open("/sys/module/muster/totals/led", O_RDONLY);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * I5, O6: the machine's totals are not for everybody; a namespace's are for who may open all;
 * everybody sees their own, also of what is gone, and no others'.
 */
TEST_F(seeing, totals_of_a_user)
{
	struct puppet *alice = puppet(), *bob = puppet();
	__u64 before, all;

	if (ask(alice, do_setids(ALICE, ALICE)))
		SKIP(return, "needs root to become another user");
	ASSERT_EQ(0, ask(bob, do_setids(BOB, BOB)));
	EXPECT_EQ(0, ask(me, (struct job){ .run = run_open_total }));
	EXPECT_EQ(-EACCES, ask(alice, (struct job){ .run = run_open_total }));

	ASSERT_EQ(0, ask(me, look_at_totals(0)));
	EXPECT_EQ(1, totals[0].all);
	all = totals[0].granted;
	ASSERT_EQ(0, ask(alice, look_at_totals(0)));
	EXPECT_EQ(0, totals[0].all);
	before = totals[0].granted;
	ASSERT_EQ(0, ask(bob, look_at_totals(1)));

	ASSERT_EQ(0, ask(alice, (struct job){ .run = run_grants, .arg = { 100 } }));
	ASSERT_EQ(0, ask(alice, look_at_totals(0)));
	EXPECT_EQ(before + 100, totals[0].granted);
	EXPECT_EQ(1, totals[0].objects);
	before = totals[1].granted;
	ASSERT_EQ(0, ask(bob, look_at_totals(1)));
	EXPECT_EQ(before, totals[1].granted);
	EXPECT_EQ(0, totals[1].objects);
	ASSERT_EQ(0, ask(me, look_at_totals(1)));
	EXPECT_LE(all + 100, totals[1].granted);

	/* Another process of hers, when the object is gone. */
	before = totals[0].granted;
	kill_puppet(alice);
	alice = puppet();
	ASSERT_EQ(0, ask(alice, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(alice, look_at_totals(0)));
	EXPECT_EQ(before, totals[0].granted);
	EXPECT_EQ(0, totals[0].objects);
	kill_puppet(alice);
	kill_puppet(bob);
}

/* Job: becomes a user and takes a permit, arg users one after the other. */
static int run_many_users(struct job *job)
{
	int fd, i;

	for (i = 0; i < job->arg[0]; i++) {
		struct job get;

		if (seteuid(100000 + i))
			return -errno;
		fd = open_sem(1);
		get = acquire(fd, 1);
		if (call(fd, get.cmd, &get.acquire) || close(fd) || seteuid(0))
			return -EIO;
	}
	return 0;
}

/* I5: what is known of users who were here last, and not lately, is in the sum of all. */
TEST_F(seeing, totals_of_many_users)
{
	struct puppet *many = puppet();

	if (geteuid())
		SKIP(return, "needs root to become other users");
	ASSERT_EQ(0, ask(me, look_at_totals(0)));
	ASSERT_EQ(0, ask(many, (struct job){ .run = run_many_users, .arg = { 300 } }));
	ASSERT_EQ(0, ask(me, look_at_totals(1)));
	EXPECT_LE(totals[0].granted + 300, totals[1].granted);
	EXPECT_LE(totals[1].granted, machine_total("granted"));
	kill_puppet(many);
}

TEST_HARNESS_MAIN
