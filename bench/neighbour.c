// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user's operations cost while another user is at all of its limits: has as many
 * objects, keys in flight, kept results, waiters and leases as it may, some of them in
 * objects that both use, its keys chosen to collide if hashes were not seeded; and goes on
 * trying to get more. The neighbour neither slows nor starves.
 *
 * Run as "vm/run --icount"; see uncontended.c.
 *
 * usage: neighbour
 *
 * Exit status: 0, or 1 if an operation costs more than LIMIT_REST times as much with the
 * neighbour at rest as without, or takes more than LIMIT_BUSY times as long while it is
 * busy with muster as while it is busy with nothing. What reads what each of the
 * neighbour's processes says has a limit of its own.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define LIMIT_REST 1.25
#define LIMIT_BUSY 2.0

#define NEIGHBOUR 64001
#define USER 64002

#define KEY_SIZE 16
/* One in so many names and keys is good enough for the neighbour. */
#define CHOSEN_FROM 64
#define WAITERS 10000
#define RESULT_SIZE 65536
#define KEPT ((16 << 20) / RESULT_SIZE)
/* So many may have permits of one semaphore on loan: it has one for each. */
#define LESSEES 512
#define LENT_SEM "a semaphore of both"
/* Time enough for several turns of each process. */
#define BUSY_NS 150000000ULL

/* In memory that all share. */
static struct stage {
	int ready;	/* the neighbour has all that it can have */
	int mode;	/* what it does then */
} *stage;

enum mode { REST, BURN, HAMMER, LEAVE };

/* The group and the semaphore that both use; and what each has for itself. */
static int shared, shared_sem, own_flight, own_sem, own_barrier, own_group;

/* ---- keys that collide if the hash is not seeded ---- */

static uint32_t rol(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* The kernel's jhash() of KEY_SIZE bytes with a seed of 0. */
static uint32_t unseeded_hash(const char *key)
{
	uint32_t k[4], a, b, c;

	memcpy(k, key, KEY_SIZE);
	a = 0xdeadbeef + KEY_SIZE;
	b = a + k[1];
	c = a + k[2];
	a += k[0];
	a = (a - c) ^ rol(c, 4);	c += b;
	b = (b - a) ^ rol(a, 6);	a += c;
	c = (c - b) ^ rol(b, 8);	b += a;
	a = (a - c) ^ rol(c, 16);	c += b;
	b = (b - a) ^ rol(a, 19);	a += c;
	c = (c - b) ^ rol(b, 4);	b += a;
	a += k[3];
	c = (c ^ b) - rol(b, 14);
	a = (a ^ c) - rol(c, 11);
	b = (b ^ a) - rol(a, 25);
	c = (c ^ b) - rol(b, 16);
	a = (a ^ c) - rol(c, 4);
	b = (b ^ a) - rol(a, 14);
	return (c ^ b) - rol(b, 24);
}

static void next_chosen(char *key)
{
	static uint64_t nr;

	do {
		nr++;
		memcpy(key, "~neighb.", 8);
		/* Any bytes but control characters will do for a name. */
		for (int i = 0; i < 8; i++)
			key[8 + i] = 'A' + (nr >> 4 * i & 15);
	} while (unseeded_hash(key) % CHOSEN_FROM);
}

/* ---- operations ---- */

static long join(int fd, const char *key, uint64_t *token)
{
	struct muster_flight_join args = {
		.size = sizeof(args),
		.key = (uintptr_t)key,
		.key_len = KEY_SIZE,
		.deadline = MUSTER_FOREVER,
	};
	long ret = do_ioctl(fd, MUSTER_FLIGHT_JOIN, &args);

	*token = args.token;
	return ret;
}

static long finish(int fd, const char *key, uint64_t token, const void *data, size_t len)
{
	struct muster_flight_finish args = {
		.size = sizeof(args),
		.key = (uintptr_t)key,
		.key_len = KEY_SIZE,
		.token = token,
		.data = (uintptr_t)data,
		.data_len = len,
		.keep = len ? MUSTER_FOREVER : 0,
	};

	return do_ioctl(fd, MUSTER_FLIGHT_FINISH, &args);
}

static long acquire(int fd, uint32_t flags)
{
	struct muster_sem_acquire args = {
		.size = sizeof(args),
		.flags = flags,
		.permits = 1,
		.deadline = MUSTER_FOREVER,
	};

	return do_ioctl(fd, MUSTER_SEM_ACQUIRE, &args);
}

static void op_open(void)
{
	close(open_object_with(MUSTER_SEM, 3, 0, "a name of the user's"));
}

static void op_open_anonymous(void)
{
	close(open_object_with(MUSTER_FLIGHT, 0, 0, NULL));
}

static long release(int fd)
{
	struct muster_sem_release args = { .size = sizeof(args), .permits = 1 };

	return do_ioctl(fd, MUSTER_SEM_RELEASE, &args);
}

static void look(int fd)
{
	struct muster_sem_stat args = { .size = sizeof(args) };

	check("stat", do_ioctl(fd, MUSTER_SEM_STAT, &args), 0);
}

static void op_acquire(void)
{
	check("acquire", acquire(own_sem, 0), 0);
	check("release", release(own_sem), 0);
}

static void op_acquire_shared(void)
{
	check("acquire", acquire(shared_sem, 0), 0);
	check("release", release(shared_sem), 0);
}

static void op_stat(void)
{
	look(own_sem);
}

static void op_stat_shared(void)
{
	look(shared_sem);
}

static void op_ticket(void)
{
	close(acquire(own_sem, MUSTER_WAIT_TICKET));
}

static void lead(int fd)
{
	static const char key[KEY_SIZE] = "key of the user";
	uint64_t token;

	check("join", join(fd, key, &token), 0);
	check("finish", finish(fd, key, token, NULL, 0), 0);
}

static void op_lead(void)
{
	lead(own_flight);
}

static void op_lead_shared(void)
{
	lead(shared);
}

static void op_keep(void)
{
	static const char key[KEY_SIZE] = "a kept key ....";
	struct muster_flight_key forget = {
		.size = sizeof(forget), .key = (uintptr_t)key, .key_len = KEY_SIZE,
	};
	uint64_t token;

	check("join", join(shared, key, &token), 0);
	check("finish", finish(shared, key, token, key, KEY_SIZE), 0);
	check("forget", do_ioctl(shared, MUSTER_FLIGHT_FORGET, &forget), 0);
}

static void op_await(void)
{
	struct muster_barrier_await args = {
		.size = sizeof(args), .deadline = MUSTER_FOREVER,
	};

	check("await", do_ioctl(own_barrier, MUSTER_BARRIER_AWAIT, &args), 0);
}

static void op_task(void)
{
	struct muster_group_add add = {
		.size = sizeof(add), .slots = 1, .deadline = MUSTER_FOREVER,
	};
	struct muster_group_done done = { .size = sizeof(done), .slot = MUSTER_SLOT_ANY };
	struct muster_group_cancel reset = { .size = sizeof(reset) };

	check("add", do_ioctl(own_group, MUSTER_GROUP_ADD, &add), 0);
	check("done", do_ioctl(own_group, MUSTER_GROUP_DONE, &done), 0);
	check("reset", do_ioctl(own_group, MUSTER_GROUP_RESET, &reset), 0);
}

static const struct {
	const char *name;
	void (*run)(void);
	double limit_rest;
} ops[] = {
	{ "open by name", op_open, LIMIT_REST },
	{ "open anonymous", op_open_anonymous, LIMIT_REST },
	{ "acquire+release", op_acquire, LIMIT_REST },
	{ "the same, shared", op_acquire_shared, LIMIT_REST },
	{ "stat", op_stat, LIMIT_REST },
	/* It reads the pages of all lessees, of whom there are LESSEES at most (L5). */
	{ "the same, shared", op_stat_shared, 14 },
	{ "ticket", op_ticket, LIMIT_REST },
	{ "join+finish", op_lead, LIMIT_REST },
	{ "the same, shared", op_lead_shared, LIMIT_REST },
	{ "keep+forget, shared", op_keep, LIMIT_REST },
	{ "await", op_await, LIMIT_REST },
	{ "add+done+reset", op_task, LIMIT_REST },
};

#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

/* ---- the neighbour ---- */

static void become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL)) {
		perror("neighbour");
		exit(2);
	}
}

/* One more of each kind; 0 or more if there was room for it. */

static long want_object(void)
{
	struct muster_open how = {
		.size = sizeof(how),
		.type = MUSTER_SEM,
		.oflags = O_CREAT | O_CLOEXEC,
		.mode = 0600,
		.name_len = KEY_SIZE,
		.limit = 1,
	};
	static int device;
	char key[KEY_SIZE];

	if (!device)
		device = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
	next_chosen(key);
	how.name = (uintptr_t)key;
	return do_ioctl(device, MUSTER_OPEN, &how);
}

/* In turn in the group that both use and in its own. */
static long want_key(void)
{
	static unsigned int nr;
	char key[KEY_SIZE];
	uint64_t token;

	next_chosen(key);
	return join(nr++ % 2 ? shared : own_flight, key, &token);
}

/* Where there is no room for it an old one of its own goes. */
static void want_kept(void)
{
	static char result[RESULT_SIZE];
	char key[KEY_SIZE];
	uint64_t token;

	next_chosen(key);
	if (!join(shared, key, &token))
		finish(shared, key, token, result, RESULT_SIZE);
}

/* A permit that this one has on loan (L3), but for those that are too many (L4). */
static void want_loan(int fd)
{
	if (!acquire(fd, MUSTER_WAIT_NONBLOCK))
		release(fd);
}

/* All that it may have: those that lessees of the semaphore have first. */
static int leases[LESSEES];

static long want_lease(unsigned int i)
{
	int fd = open_object_with(MUSTER_SEM, LESSEES, 0, LENT_SEM);
	void *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED) {
		close(fd);
		return -1;
	}
	want_loan(fd);
	if (i < LESSEES)
		leases[i] = fd;
	return fd;
}

static void want_more(void)
{
	static unsigned int nr;

	want_object();
	want_lease(LESSEES);
	want_loan(leases[nr++ % LESSEES]);
	want_kept();
	want_kept();
}

static void fill_up(void)
{
	struct muster_info info = { .size = sizeof(info) };
	int sem = open_object(MUSTER_SEM, 1), i;

	check("info", do_ioctl(sem, MUSTER_INFO, &info), 0);
	acquire(sem, 0);
	for (i = 0; i < WAITERS; i++)
		check("ticket", acquire(sem, MUSTER_WAIT_TICKET) < 0, 0);
	/* More than there is room for. */
	for (i = 0; i < 2 * KEPT; i++)
		want_kept();
	while (want_object() >= 0)
		;
	for (i = 0; want_lease(i) >= 0; i++)
		;
	check("leases", i, info.leases_max);
	/* Keys beyond its limit would cost it what is kept. */
	for (i = 2 * KEPT; i < (int)info.calls_max; i++)
		check("key", want_key(), 0);
}

static void be_neighbour(void)
{
	become(NEIGHBOUR);
	own_flight = open_object(MUSTER_FLIGHT, 0);
	fill_up();
	__atomic_store_n(&stage->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		switch (__atomic_load_n(&stage->mode, __ATOMIC_ACQUIRE)) {
		case REST:
			usleep(100000);
			break;
		case HAMMER:
			want_more();
			break;
		case LEAVE:
			exit(0);
		}
	}
}

/* ---- figures ---- */

static double cost(unsigned int op, unsigned long times)
{
	uint64_t start = now_ns();
	unsigned long n;

	for (n = 0; n < times; n++)
		ops[op].run();
	return (double)(now_ns() - start) / times;
}

static double median_cost(unsigned int op)
{
	double costs[9];

	cost(op, 200);
	for (unsigned int i = 0; i < 9; i++)
		costs[i] = cost(op, 300);
	return spread_of(costs, 9).median;
}

/* While the neighbour is busy, and takes its turns on the CPU. */
static double cost_beside(unsigned int op, enum mode mode)
{
	uint64_t start;
	unsigned long n = 0;

	__atomic_store_n(&stage->mode, mode, __ATOMIC_RELEASE);
	usleep(200000);
	start = now_ns();
	while (now_ns() - start < BUSY_NS) {
		ops[op].run();
		n++;
	}
	__atomic_store_n(&stage->mode, REST, __ATOMIC_RELEASE);
	return (double)(now_ns() - start) / n;
}

static int open_for_all(void)
{
	struct muster_open how = {
		.size = sizeof(how),
		.type = MUSTER_SEM,
		.oflags = O_CREAT | O_CLOEXEC,
		.mode = 0666,
		.name = (uintptr_t)LENT_SEM,
		.name_len = strlen(LENT_SEM),
		.limit = LESSEES,
	};
	int device = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC), fd;

	umask(0);
	fd = do_ioctl(device, MUSTER_OPEN, &how);
	check("open for all", fd < 0, 0);
	close(device);
	return fd;
}

static void open_own(void)
{
	own_flight = open_object(MUSTER_FLIGHT, 0);
	own_sem = open_object(MUSTER_SEM, 3);
	own_barrier = open_object(MUSTER_BARRIER, 1);
	own_group = open_object(MUSTER_GROUP, 0);
}

static int compare(void)
{
	double alone[NR_OPS], rest, burn, hammer;
	int failed = 0, bad;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < NR_OPS; i++)
		alone[i] = median_cost(i);
	pid = fork();
	if (!pid)
		be_neighbour();
	while (!__atomic_load_n(&stage->ready, __ATOMIC_ACQUIRE))
		usleep(100000);

	become(USER);
	printf("%-20s %9s %9s %6s %9s %9s %6s\n", "ns (icount)", "alone", "at rest", "x",
	       "burns", "hammers", "x");
	for (i = 0; i < NR_OPS; i++) {
		rest = median_cost(i);
		burn = cost_beside(i, BURN);
		hammer = cost_beside(i, HAMMER);
		bad = rest > alone[i] * ops[i].limit_rest ||
		      hammer > burn * LIMIT_BUSY;
		printf("%-20s %9.0f %9.0f %6.2f %9.0f %9.0f %6.2f%s\n", ops[i].name, alone[i],
		       rest, rest / alone[i], burn, hammer, hammer / burn,
		       bad ? "  TOO MUCH" : "");
		failed |= bad;
	}
	/* What it has is gone before anything else is measured; it is another user. */
	check("end", waitpid(pid, NULL, WNOHANG), 0);
	__atomic_store_n(&stage->mode, LEAVE, __ATOMIC_RELEASE);
	check("ended", waitpid(pid, NULL, 0), pid);
	return failed;
}

int main(void)
{
	struct rlimit files = { 100000, 100000 };

	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage == MAP_FAILED || setrlimit(RLIMIT_NOFILE, &files)) {
		perror("neighbour");
		return 2;
	}
	shared = open_object(MUSTER_FLIGHT, 0);
	shared_sem = open_for_all();
	open_own();
	return compare();
}
