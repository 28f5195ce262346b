// SPDX-License-Identifier: GPL-2.0-only
/*
 * For how long a spinlock is held when very many wait, with a muster.ko that measures
 * it (bench/holds). A scene puts so many waiters in place, then something happens to
 * them all, and then the process ends: the longest hold of each step must not grow
 * with their number, nor be long.
 *
 * Run by bench/holds/run.
 *
 * usage: deep [SCENE]...
 *
 * "not ok - SCENE" and exit status 1 if a hold was longer than LIMIT_HOLD instructions,
 * or with MANY waiters more than LIMIT_GROWTH times what it was with FEW and half an
 * instruction for each further one.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Beyond what any list has room for: from here on it can only be growth. */
#define FEW 1250
#define MANY 10000
#define LIMIT_HOLD 50000
#define LIMIT_GROWTH 1.25
/* What is done for each waiter takes more; to allocate or free a page once may take less. */
#define LIMIT_MORE ((MANY - FEW) / 2)

#define PARAMETERS "/sys/module/muster/parameters/"

enum step { BEFORE, DURING, AFTER, STEPS };

static const char * const steps[STEPS] = { "they come", "it happens", "they end" };

/**
 * struct scene - something that happens to many who wait
 * @name:	what
 * @set:	puts so many in place
 * @act:	what happens
 */
struct scene {
	const char *name;
	void (*set)(unsigned int n);
	void (*act)(unsigned int n);
};

/* ---- the longest hold ---- */

struct hold {
	unsigned long max;
	char where[40];
};

static void read_parameter(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	if (len <= 0) {
		fprintf(stderr, "%s: is this the module of bench/holds?\n", path);
		exit(2);
	}
	close(fd);
	text[len - 1] = 0;
}

/* Since the last time. */
static struct hold longest_hold(void)
{
	int fd = open(PARAMETERS "hold_max", O_WRONLY);
	struct hold hold;
	char text[24];

	read_parameter(PARAMETERS "hold_max", text, sizeof(text));
	hold.max = strtoul(text, NULL, 10);
	read_parameter(PARAMETERS "hold_where", hold.where, sizeof(hold.where));
	if (write(fd, "0", 1) != 1) {
		perror(PARAMETERS "hold_max");
		exit(2);
	}
	close(fd);
	return hold;
}

/* ---- what the scenes are made of ---- */

/* Of the process of a scene: its main object, and another descriptor of it. */
static int object, other;
static uint64_t token;

static void open_scene(unsigned int type, uint64_t limit, unsigned int options)
{
	object = open_object_with(type, limit, options, NULL);
}

static long try_to_acquire(int fd, uint64_t permits, unsigned int flags)
{
	struct muster_sem_acquire args = {
		.size = sizeof(args),
		.flags = flags,
		.permits = permits,
		.deadline = MUSTER_FOREVER,
	};

	return do_ioctl(fd, MUSTER_SEM_ACQUIRE, &args);
}

static void acquire(int fd, uint64_t permits, unsigned int flags)
{
	check("acquire", try_to_acquire(fd, permits, flags) < 0, 0);
}

static void release(int fd, uint64_t permits)
{
	struct muster_sem_release args = { .size = sizeof(args), .permits = permits };

	check("release", do_ioctl(fd, MUSTER_SEM_RELEASE, &args), 0);
}

static void set_limit(int fd, uint64_t limit)
{
	struct muster_sem_set_limit args = { .size = sizeof(args), .limit = limit };

	check("set_limit", do_ioctl(fd, MUSTER_SEM_SET_LIMIT, &args), 0);
}

static long await(int fd, unsigned int flags)
{
	struct muster_barrier_await args = {
		.size = sizeof(args),
		.flags = flags,
		.deadline = MUSTER_FOREVER,
	};
	long ret = do_ioctl(fd, MUSTER_BARRIER_AWAIT, &args);

	if (!ret && !(flags & MUSTER_WAIT_TICKET))
		token = args.token;
	return ret;
}

static void enter(int fd, unsigned int seats)
{
	struct muster_barrier_member args = { .size = sizeof(args), .seats = seats };

	check("enter", do_ioctl(fd, MUSTER_BARRIER_ENTER, &args), 0);
}

static long join(int fd, unsigned int flags)
{
	struct muster_flight_join args = {
		.size = sizeof(args),
		.flags = flags,
		.key = (uintptr_t)"key",
		.key_len = 3,
		.deadline = MUSTER_FOREVER,
	};
	long ret = do_ioctl(fd, MUSTER_FLIGHT_JOIN, &args);

	if (!ret && args.role == MUSTER_ROLE_LEADER)
		token = args.token;
	return ret;
}

static long add(int fd, unsigned int slots, unsigned int flags)
{
	struct muster_group_add args = {
		.size = sizeof(args),
		.flags = flags,
		.slots = slots,
		.deadline = MUSTER_FOREVER,
	};

	return do_ioctl(fd, MUSTER_GROUP_ADD, &args);
}

static void ticket(long fd)
{
	check("ticket", fd < 0, 0);
}

/* Threads that wait for ever. They have no stack to speak of. */
static void threads(unsigned int n, void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	unsigned int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 4096);
	for (i = 0; i < n; i++)
		check("pthread_create", pthread_create(&thread, &attr, run, (void *)(long)i), 0);
}

static void until(unsigned int (*count)(void), unsigned int n)
{
	while (count() != n)
		sched_yield();
}

static unsigned int sem_waiters(void)
{
	struct muster_sem_stat stat = { .size = sizeof(stat) };

	check("sem_stat", do_ioctl(object, MUSTER_SEM_STAT, &stat), 0);
	return stat.waiters;
}

static unsigned int barrier_waiters(void)
{
	struct muster_barrier_stat stat = { .size = sizeof(stat) };

	check("barrier_stat", do_ioctl(object, MUSTER_BARRIER_STAT, &stat), 0);
	return stat.waiting;
}

static unsigned int flight_waiters(void)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };

	check("flight_stat", do_ioctl(object, MUSTER_FLIGHT_STAT, &stat), 0);
	return stat.followers;
}

/* STAT of whatever type, with room for as many processes as there may be. */
static struct muster_process list[MUSTER_PROCESSES_MAX];

/* ---- semaphore ---- */

static void sem_tickets(uint64_t limit, unsigned int n, uint64_t permits)
{
	open_scene(MUSTER_SEM, limit, 0);
	acquire(object, limit, 0);
	while (n--)
		acquire(object, permits, MUSTER_WAIT_TICKET);
}

static void set_sem(unsigned int n)
{
	sem_tickets(n, n, 1);
}

static void act_release(unsigned int n)
{
	release(object, n);
}

static void set_sem_evict(unsigned int n)
{
	sem_tickets(n, n, 2);
}

static void act_evict(unsigned int n)
{
	(void)n;
	set_limit(object, 1);
}

static void *acquire_one(void *arg)
{
	(void)arg;
	try_to_acquire(object, 1, 0);
	return NULL;
}

static void set_sem_threads(unsigned int n)
{
	open_scene(MUSTER_SEM, 1, 0);
	acquire(object, 1, 0);
	other = dup(object);
	threads(n, acquire_one);
	until(sem_waiters, n);
	close(other);
}

static void act_close(unsigned int n)
{
	(void)n;
	close(object);
}

/* Each open file is an owner; the first of them hold nothing any more. */
static void set_sem_owners(unsigned int n)
{
	unsigned int i;
	int fd;

	object = open_object_with(MUSTER_SEM, n, 0, "owners");
	for (i = 0; i < n; i++) {
		fd = open_object_with(MUSTER_SEM, n, 0, "owners");
		acquire(fd, 1, 0);
		if (i < n - MUSTER_PROCESSES_MAX)
			release(fd, 1);
	}
}

static void act_sem_stat(unsigned int n)
{
	struct muster_sem_stat stat = {
		.size = sizeof(stat),
		.processes = (uintptr_t)list,
		.nr_processes = MUSTER_PROCESSES_MAX,
	};

	(void)n;
	check("sem_stat", do_ioctl(object, MUSTER_SEM_STAT, &stat), 0);
}

/* ---- permits on loan ---- */

/* So many may have permits of one semaphore on loan (L4). */
#define LESSEES 512

static int lessee[MANY];
static struct muster_lease *lease[MANY];

/*
 * Each open file is an owner that has a lease; the first LESSEES of them have 2 permits on
 * loan, the others had no permit lent. One has none, and holds one.
 */
static void set_lessees(unsigned int n)
{
	unsigned int i, lessees = 0;
	void *page;

	object = open_object_with(MUSTER_SEM, 2 * n + 1, 0, "lessees");
	acquire(object, 1, 0);
	for (i = 0; i < n; i++) {
		lessee[i] = open_object_with(MUSTER_SEM, 2 * n + 1, 0, "lessees");
		page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, lessee[i],
			    0);
		check("mmap", page == MAP_FAILED, 0);
		lease[i] = page;
		acquire(lessee[i], 2, 0);
		release(lessee[i], 2);
		lessees += lease[i]->permits == 2;
	}
	check("lessees", lessees, LESSEES);
}

/* Each holds one of them: so it is both a holder and a lessee. */
static void set_lessees_that_hold(unsigned int n)
{
	unsigned int i;

	set_lessees(n);
	for (i = 0; i < LESSEES; i++)
		lease[i]->permits += MUSTER_LEASE_TAKE;
}

static void act_gather(unsigned int n)
{
	acquire(object, 2 * n, 0);
	check("lent", lease[LESSEES - 1]->permits, 0);
}

/* What they hold cannot be had. */
static void act_gather_held(unsigned int n)
{
	acquire(object, 2 * n - LESSEES, 0);
	check("lent", lease[LESSEES - 1]->permits, 0);
}

static void act_lessees_stat(unsigned int n)
{
	act_sem_stat(n);
	/* The first is the one that holds. */
	for (n = 1; n <= LESSEES; n++)
		check("role", list[n].role, MUSTER_PROCESS_LESSEE);
}

static void act_lend(unsigned int n)
{
	(void)n;
	acquire(lessee[0], 1, 0);
	release(lessee[0], 1);
	check("lent", lease[0]->permits, 3);
}

/* As if it had died: first all is taken back. */
static void act_abandon(unsigned int n)
{
	struct muster_sem_release args = {
		.size = sizeof(args), .flags = MUSTER_RELEASE_ABANDON, .permits = 1,
	};

	(void)n;
	check("abandon", do_ioctl(object, MUSTER_SEM_RELEASE, &args), 0);
	check("lent", lease[LESSEES - 1]->permits, 0);
}

/* ---- barrier ---- */

static void barrier_tickets(unsigned int parties, unsigned int options, unsigned int n)
{
	open_scene(MUSTER_BARRIER, parties, options);
	while (n--)
		ticket(await(object, MUSTER_WAIT_TICKET));
}

static void set_trip(unsigned int n)
{
	barrier_tickets(n + 1, 0, n);
}

static void act_arrive(unsigned int n)
{
	(void)n;
	check("await", await(object, 0), 0);
}

static void set_reset(unsigned int n)
{
	barrier_tickets(n + 2, 0, n);
}

static void act_reset(unsigned int n)
{
	struct muster_barrier_reset args = { .size = sizeof(args) };

	(void)n;
	check("reset", do_ioctl(object, MUSTER_BARRIER_RESET, &args), 0);
}

static void act_fewer(unsigned int n)
{
	struct muster_barrier_set_parties args = { .size = sizeof(args), .parties = n - 1 };

	check("set_parties", do_ioctl(object, MUSTER_BARRIER_SET_PARTIES, &args), 0);
}

/* A generation's action runs, and another waits behind it. */
static void set_behind_action(unsigned int n)
{
	unsigned int i;

	barrier_tickets(n, MUSTER_BARRIER_ACTION, n - 1);
	check("await", await(object, 0), 0);
	for (i = 0; i < n; i++)
		ticket(await(object, MUSTER_WAIT_TICKET));
}

static void act_complete(unsigned int n)
{
	struct muster_barrier_complete args = { .size = sizeof(args), .token = token };

	(void)n;
	check("complete", do_ioctl(object, MUSTER_BARRIER_COMPLETE, &args), 0);
}

static void *await_one(void *arg)
{
	(void)arg;
	await(object, 0);
	return NULL;
}

/* A member with very many seats, all of whose threads have arrived. */
static void set_member_threads(unsigned int n)
{
	unsigned int options = MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK;

	object = open_object_with(MUSTER_BARRIER, 0, options, "members");
	other = open_object_with(MUSTER_BARRIER, 0, 0, "members");
	enter(object, n);
	enter(other, 1);
	threads(n, await_one);
	until(barrier_waiters, n);
}

static int member[MANY];

static void *await_as_member(void *arg)
{
	await(member[(long)arg], 0);
	return NULL;
}

/* Very many members. */
static void set_members(unsigned int n)
{
	unsigned int i;

	object = open_object_with(MUSTER_BARRIER, 0, MUSTER_BARRIER_MEMBERS, "members");
	for (i = 0; i < n; i++) {
		member[i] = open_object_with(MUSTER_BARRIER, 0, 0, "members");
		enter(member[i], 1);
	}
}

static void set_members_there(unsigned int n)
{
	set_members(n);
	threads(n - 1, await_as_member);
	until(barrier_waiters, n - 1);
}

static void act_barrier_stat(unsigned int n)
{
	struct muster_barrier_stat stat = {
		.size = sizeof(stat),
		.processes = (uintptr_t)list,
		.nr_processes = MUSTER_PROCESSES_MAX,
	};

	check("barrier_stat", do_ioctl(object, MUSTER_BARRIER_STAT, &stat), 0);
	check("members", stat.nr_processes, n);
}

/* ---- flight ---- */

static void set_followers(unsigned int n)
{
	open_scene(MUSTER_FLIGHT, 0, 0);
	check("join", join(object, 0), 0);
	while (n--)
		ticket(join(object, MUSTER_WAIT_TICKET));
}

static void act_finish(unsigned int n)
{
	struct muster_flight_finish args = {
		.size = sizeof(args),
		.key = (uintptr_t)"key",
		.key_len = 3,
		.token = token,
	};

	check("finish", do_ioctl(object, MUSTER_FLIGHT_FINISH, &args), 0);
	check("followers", args.followers, n);
}

static void *join_one(void *arg)
{
	(void)arg;
	join(object, 0);
	return NULL;
}

/* Their process leads, too. */
static void set_follower_threads(unsigned int n)
{
	open_scene(MUSTER_FLIGHT, 0, 0);
	check("join", join(object, 0), 0);
	threads(n, join_one);
	until(flight_waiters, n);
}

/* ---- group ---- */

static void act_done(unsigned int n)
{
	struct muster_group_done args = { .size = sizeof(args), .slot = MUSTER_SLOT_ANY };

	(void)n;
	check("done", do_ioctl(object, MUSTER_GROUP_DONE, &args), 0);
}

static void set_group_waits(unsigned int n)
{
	unsigned int i;

	open_scene(MUSTER_GROUP, 0, 0);
	check("add", add(object, 1, 0), 0);
	for (i = 0; i < n; i++) {
		struct muster_group_wait args = {
			.size = sizeof(args),
			.flags = MUSTER_WAIT_TICKET,
			.until = i % 3,
			.successes = i % 3 == MUSTER_UNTIL_SUCCESSES,
			.deadline = MUSTER_FOREVER,
		};

		ticket(do_ioctl(object, MUSTER_GROUP_WAIT, &args));
	}
}

static void set_adders(unsigned int n)
{
	open_scene(MUSTER_GROUP, 1, 0);
	check("add", add(object, 1, 0), 0);
	while (n--)
		ticket(add(object, 1, MUSTER_WAIT_TICKET));
}

static void act_cancel(unsigned int n)
{
	struct muster_group_cancel args = { .size = sizeof(args) };

	(void)n;
	check("cancel", do_ioctl(object, MUSTER_GROUP_CANCEL, &args), 0);
}

static void set_slots(unsigned int n)
{
	open_scene(MUSTER_GROUP, 0, 0);
	other = open("/dev/null", O_RDONLY);
	for (; n >= MUSTER_GROUP_ADD_MAX; n -= MUSTER_GROUP_ADD_MAX)
		check("add", add(object, MUSTER_GROUP_ADD_MAX, 0), 0);
}

/* ---- the scenes ---- */

static const struct scene scenes[] = {
	{ "sem-release", set_sem, act_release },
	{ "sem-evict", set_sem_evict, act_evict },
	{ "sem-close", set_sem_threads, act_close },
	{ "sem-stat", set_sem_owners, act_sem_stat },
	{ "sem-stat-waiters", set_sem, act_sem_stat },
	{ "lease-gather", set_lessees, act_gather },
	{ "lease-gather-held", set_lessees_that_hold, act_gather_held },
	{ "lease-stat", set_lessees, act_lessees_stat },
	{ "lease-stat-held", set_lessees_that_hold, act_sem_stat },
	{ "lease-release", set_lessees, act_lend },
	{ "lease-abandon", set_lessees, act_abandon },
	{ "barrier-trip", set_trip, act_arrive },
	{ "barrier-reset", set_reset, act_reset },
	{ "barrier-fewer", set_reset, act_fewer },
	{ "barrier-action", set_behind_action, act_complete },
	{ "barrier-member-dies", set_member_threads, act_close },
	{ "barrier-stat", set_members, act_barrier_stat },
	{ "barrier-stat-there", set_members_there, act_barrier_stat },
	{ "flight-finish", set_followers, act_finish },
	{ "flight-close", set_follower_threads, act_close },
	{ "group-done", set_group_waits, act_done },
	{ "group-cancel", set_adders, act_cancel },
	{ "group-close", set_slots, act_close },
};

#define NR_SCENES (sizeof(scenes) / sizeof(scenes[0]))

/* Whoever is woken does not run before the one who wakes has done. */
static void run_first(void)
{
	struct sched_param param = { .sched_priority = 1 };

	check("sched_setscheduler", sched_setscheduler(0, SCHED_FIFO, &param), 0);
}

/* In a process of its own, whose end is the last step. */
static void play(const struct scene *scene, unsigned int n, struct hold *hold)
{
	longest_hold();
	scene->set(n);
	hold[BEFORE] = longest_hold();
	run_first();
	scene->act(n);
	hold[DURING] = longest_hold();
	_exit(0);
}

static void measure(const struct scene *scene, unsigned int n, struct hold *hold)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid)
		play(scene, n, hold);
	if (waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "%s: the process ended with %x\n", scene->name, status);
		exit(2);
	}
	hold[AFTER] = longest_hold();
}

static int judge(const struct scene *scene, struct hold *hold)
{
	static struct hold few[STEPS];
	int i, bad, failed = 0;

	measure(scene, FEW, hold);
	memcpy(few, hold, sizeof(few));
	measure(scene, MANY, hold);
	for (i = 0; i < STEPS; i++) {
		bad = hold[i].max > LIMIT_HOLD ||
		      hold[i].max > few[i].max * LIMIT_GROWTH + LIMIT_MORE;
		printf("%-20s %-11s %9lu %9lu  %s%s\n", i ? "" : scene->name, steps[i],
		       few[i].max, hold[i].max, hold[i].where, bad ? "  TOO LONG" : "");
		failed |= bad;
	}
	printf("%s - %s with %u\n", failed ? "not ok" : "ok", scene->name, MANY);
	return failed;
}

static int is_wanted(const char *name, int argc, char **argv)
{
	while (--argc > 0 && strcmp(argv[argc], name))
		;
	return argc > 0;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4 * MANY, 4 * MANY };
	struct hold *hold;
	unsigned int i;
	int failed = 0;

	hold = mmap(NULL, STEPS * sizeof(*hold), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (hold == MAP_FAILED || setrlimit(RLIMIT_NOFILE, &files)) {
		perror("deep");
		return 2;
	}
	printf("longest hold of a spinlock, instructions (icount)\n");
	printf("%-20s %-11s %9u %9u\n", "waiters", "", FEW, MANY);
	for (i = 0; i < NR_SCENES; i++) {
		if (argc == 1 || is_wanted(scenes[i].name, argc, argv))
			failed |= judge(&scenes[i], hold);
	}
	return failed;
}
