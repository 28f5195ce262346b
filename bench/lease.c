// SPDX-License-Identifier: GPL-2.0-only
/*
 * What permits on loan cost: an acquire and a release without a system call against
 * glibc's semaphore, which nothing gives back when its holder dies, and a robust mutex,
 * which is one at a time; what it costs to take permits back from many; and what all costs
 * when very many processes are attached to a semaphore, each with a permit on loan.
 *
 * usage: lease [ROUNDS [OPERATIONS]]
 *
 * Exit status: 0, or 1 if the fast path compiled in costs more than LIMIT_FAST times
 * glibc's, or taking back from one of LESSEES_MAX more than LIMIT_TAKE times that of one of
 * one, or a pair with ATTACHED processes attached more than LIMIT_CROWD times what it costs alone.
 */
#include <fcntl.h>
#include <muster.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define LIMIT_FAST	1.0
#define LIMIT_TAKE	1.3
#define LIMIT_CROWD	1.05
#define LESSEES_MAX	500
#define ATTACHED	1000
#define TAKES		9
#define CGROUP		"/sys/fs/cgroup/lease"

static sem_t posix;
static pthread_mutex_t robust;
static struct muster_fast fast;
static int leased, mutex, rwlock, plain;

static double per_pair(uint64_t start)
{
	return (double)(now_ns() - start) / operations;
}

/* A loop of its own for each, as nothing but the pair is to be measured. */
#define LOOP(name, first, second)						\
static double time_##name(void)							\
{										\
	uint64_t start = now_ns();						\
	unsigned long i;							\
										\
	for (i = 0; i < operations; i++)					\
		check(#name, (first) | (second), 0);				\
	return per_pair(start);							\
}

LOOP(posix, sem_wait(&posix), sem_post(&posix))
LOOP(robust, pthread_mutex_lock(&robust), pthread_mutex_unlock(&robust))
LOOP(fast, muster_fast_acquire(&fast, 1, MUSTER_FOREVER), muster_fast_release(&fast, 1))
LOOP(leased, muster_sem_acquire(leased, 1, MUSTER_FOREVER), muster_sem_release(leased, 1))
LOOP(mutex, muster_mutex_lock(mutex), muster_mutex_unlock(mutex))
LOOP(reader, muster_rwlock_rdlock(rwlock), muster_rwlock_unlock(rwlock))
LOOP(plain, muster_sem_acquire(plain, 1, MUSTER_FOREVER), muster_sem_release(plain, 1))

static const struct row {
	const char *name;
	double (*time)(void);
} rows[] = {
	{ "sem_wait+sem_post", time_posix },
	{ "robust mutex lock+unlock", time_robust },
	{ "leased, compiled in", time_fast },
	{ "leased, by the library", time_leased },
	{ "muster mutex, leased", time_mutex },
	{ "muster rwlock, read, leased", time_reader },
	{ "by ioctl, by the library", time_plain },
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))
#define FAST	2

static void set_up(void)
{
	pthread_mutexattr_t attr;
	int i;

	sem_init(&posix, 1, 1);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&robust, &attr);
	leased = muster_sem_open(NULL, 0, 0, 4);
	mutex = muster_mutex_open(NULL, 0, 0);
	rwlock = muster_rwlock_open(NULL, 0, 0);
	plain = muster_sem_open(NULL, 0, 0, 4);
	check("lease", muster_sem_fast(leased, &fast), 0);
	check("no lease", muster_sem_lease(plain, 0), 0);
	for (i = 0; i < 20; i++) {
		check("mutex", muster_mutex_lock(mutex) | muster_mutex_unlock(mutex), 0);
		check("rwlock", muster_rwlock_rdlock(rwlock) | muster_rwlock_unlock(rwlock), 0);
	}
}

/* Each in turn, in each round; the ratio of the fast path to glibc's. */
static double compare_all(void)
{
	double cost[NR_ROWS][ROUNDS_MAX], ratio[NR_ROWS][ROUNDS_MAX];
	unsigned int i, r;

	for (r = 0; r < rounds; r++) {
		for (i = 0; i < NR_ROWS; i++) {
			cost[i][r] = rows[i].time();
			ratio[i][r] = cost[i][r] / cost[0][r];
		}
	}
	printf("%-28s %26s   %20s\n", "", "ns (instructions, icount)", "x sem_wait+sem_post");
	for (i = 0; i < NR_ROWS; i++) {
		struct spread c = spread_of(cost[i], rounds), q = spread_of(ratio[i], rounds);

		printf("%-28s %8.1f %8.1f %8.1f   %6.3f %6.3f %6.3f\n", rows[i].name, c.min,
		       c.median, c.max, q.min, q.median, q.max);
	}
	return spread_of(ratio[FAST], rounds).median;
}

/* ---- taking back ---- */

/* Has a permit on loan, and is there. */
static void lessee(int fd, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	check("lease", muster_sem_lease(fd, 1), 0);
	check("lessee", muster_sem_acquire(fd, 1, 0) | muster_sem_release(fd, 1), 0);
	if (write(ready, "", 1) == 1)
		for (;;)
			pause();
	_exit(2);
}

static double take_ns(int fd, uint64_t permits)
{
	struct muster_sem_acquire acquire = { .size = sizeof(acquire), .permits = permits };
	uint64_t start = now_ns();

	check("take", do_ioctl(fd, MUSTER_SEM_ACQUIRE, &acquire), 0);
	return now_ns() - start;
}

/**
 * struct loan - a semaphore all of whose permits are lent
 * @fd:		the semaphore
 * @nr:		how many there are, one lent to each of so many processes
 * @pid:	these
 */
struct loan {
	int fd;
	int nr;
	pid_t pid[LESSEES_MAX];
};

static void lend(struct loan *loan, int nr)
{
	int ready[2], i;
	char byte;

	loan->fd = muster_sem_open(NULL, 0, 0, nr);
	loan->nr = nr;
	/* To become one who uses it at all is not what is to be measured. */
	take_ns(loan->fd, 0);
	check("pipe", pipe(ready), 0);
	for (i = 0; i < nr; i++) {
		loan->pid[i] = fork();
		if (!loan->pid[i])
			lessee(loan->fd, ready[1]);
		check("ready", read(ready[0], &byte, 1), 1);
	}
	close(ready[0]);
	close(ready[1]);
}

static void end_loan(const struct loan *loan)
{
	int i;

	for (i = 0; i < loan->nr; i++) {
		kill(loan->pid[i], SIGKILL);
		waitpid(loan->pid[i], NULL, 0);
	}
	close(loan->fd);
}

/*
 * What it costs to take a permit from one of so many, the median of TAKES times: one time
 * alone may be that at which a timer's interrupt comes. What is left is taken at once.
 */
static double take_from(int nr, double *rest)
{
	int at_once = nr > TAKES ? 1 : TAKES, times = TAKES / at_once, i, j;
	static struct loan loan;
	double one[TAKES];

	*rest = 0;
	for (i = 0; i < at_once; i++) {
		lend(&loan, nr);
		for (j = 0; j < times; j++)
			one[i * times + j] = take_ns(loan.fd, 1);
		if (nr > times)
			*rest = take_ns(loan.fd, nr - times) / (nr - times);
		end_loan(&loan);
	}
	return spread_of(one, TAKES).median;
}

static double take_from_many(void)
{
	static const int sizes[] = { 1, 10, 100, LESSEES_MAX };
	double of_one = 0, cost = 0, rest;
	unsigned int i;

	printf("\n%-28s %8s %8s   each when all are taken at once\n", "taken back", "ns", "");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		cost = take_from(sizes[i], &rest);
		if (!i)
			of_one = cost;
		printf("from one of %-16d %8.0f %8s   %8.1f\n", sizes[i], cost, "", rest);
	}
	return cost / of_one;
}

/* ---- many are attached ---- */

/* Two open files of the semaphore, the second of which has no lease, and a third for all. */
static struct muster_fast crowd_fast;
static int crowd_leased, crowd_plain, crowd_fd;

LOOP(fast_in_crowd, muster_fast_acquire(&crowd_fast, 1, MUSTER_FOREVER),
     muster_fast_release(&crowd_fast, 1))
LOOP(plain_in_crowd, muster_sem_acquire(crowd_plain, 1, MUSTER_FOREVER),
     muster_sem_release(crowd_plain, 1))

static double stat_in_crowd(unsigned int room)
{
	static struct muster_process list[MUSTER_PROCESSES_MAX];
	struct muster_sem_stat stat = { .size = sizeof(stat) };
	unsigned long i, times = operations / 100 + 1;
	uint64_t start = now_ns();

	for (i = 0; i < times; i++) {
		stat.processes = room ? (uintptr_t)list : 0;
		stat.nr_processes = room;
		check("stat", do_ioctl(crowd_plain, MUSTER_SEM_STAT, &stat), 0);
	}
	return (double)(now_ns() - start) / times;
}

static double time_stat_in_crowd(void)
{
	return stat_in_crowd(0);
}

static double time_list_in_crowd(void)
{
	return stat_in_crowd(MUSTER_PROCESSES_MAX);
}

static const struct row crowd_rows[] = {
	{ "leased, compiled in", time_fast_in_crowd },
	{ "by ioctl, by the library", time_plain_in_crowd },
	{ "STAT", time_stat_in_crowd },
	{ "STAT with a list of all", time_list_in_crowd },
};

#define NR_CROWD_ROWS	(sizeof(crowd_rows) / sizeof(crowd_rows[0]))
/* So many of them must not cost more. */
#define STEADY		2

static void time_crowd(double *median)
{
	double cost[ROUNDS_MAX];
	unsigned int i, r;

	for (i = 0; i < NR_CROWD_ROWS; i++) {
		for (r = 0; r < rounds; r++)
			cost[r] = crowd_rows[i].time();
		median[i] = spread_of(cost, rounds).median;
	}
}

/* Attaches when it is time: maps its lease, and has a permit on loan if it may. */
static void attend(int go, int ready)
{
	struct muster_sem_acquire acquire = { .size = sizeof(acquire), .permits = 1 };
	struct muster_sem_release release = { .size = sizeof(release), .permits = 1 };
	char *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* That it has a page table there is not what is to be measured. */
	*page = 1;
	check("ready", write(ready, "", 1), 1);
	check("go", read(go, &byte, 1), 0);
	page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, crowd_fd, 0);
	check("lease", page == MAP_FAILED, 0);
	check("acquire", do_ioctl(crowd_fd, MUSTER_SEM_ACQUIRE, &acquire), 0);
	check("release", do_ioctl(crowd_fd, MUSTER_SEM_RELEASE, &release), 0);
	check("lent", ((struct muster_lease *)page)->permits > 1, 0);
	check("ready", write(ready, "", 1), 1);
	for (;;)
		pause();
}

/* A line of memory.stat; -1 if there is none. */
static double kernel_memory(const char *name)
{
	char text[8192], want[24], *at;
	int fd = open(CGROUP "/memory.stat", O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	if (len <= 0)
		return -1;
	text[len] = 0;
	snprintf(want, sizeof(want), "\n%s ", name);
	at = strstr(text, want);
	return at ? strtod(at + strlen(want), NULL) : -1;
}

static void enter_cgroup(void)
{
	char text[16];
	int fd, len = snprintf(text, sizeof(text), "%d", getpid());

	mkdir(CGROUP, 0700);
	fd = open(CGROUP "/cgroup.procs", O_WRONLY);
	if (fd < 0 || write(fd, text, len) != len)
		printf("no memory cgroup\n");
	close(fd);
}

static void await_all(int ready)
{
	char byte;
	int i;

	for (i = 0; i < ATTACHED; i++)
		check("ready", read(ready, &byte, 1), 1);
}

/* Without the word "kernel" there it is what is in slabs, and the page. */
static void print_memory(double slab, double kernel)
{
	if (kernel <= 0)
		kernel = slab + getpagesize() * ATTACHED;
	if (slab > 0)
		printf("memory of the kernel's, for each attached: %.0f bytes, %.0f of them in slabs\n",
		       kernel / ATTACHED, slab / ATTACHED);
}

static void make_crowd(void)
{
	double slab, kernel;
	int go[2], ready[2], i;

	check("pipes", pipe(go) | pipe(ready), 0);
	enter_cgroup();
	for (i = 0; i < ATTACHED; i++) {
		if (fork())
			continue;
		close(go[1]);
		attend(go[0], ready[1]);
	}
	await_all(ready[0]);
	slab = kernel_memory("slab");
	kernel = kernel_memory("kernel");
	close(go[1]);
	await_all(ready[0]);
	print_memory(kernel_memory("slab") - slab, kernel_memory("kernel") - kernel);
}

static void open_crowd(void)
{
	const char *name = "bench-crowd";

	crowd_leased = muster_sem_open(name, O_CREAT, 0600, ATTACHED + 8);
	crowd_plain = muster_sem_open(name, 0, 0, 0);
	crowd_fd = muster_sem_open(name, 0, 0, 0);
	check("lease", muster_sem_fast(crowd_leased, &crowd_fast), 0);
	check("no lease", muster_sem_lease(crowd_plain, 0), 0);
}

/* What the pairs cost in a crowd, by what they cost alone: the worst of them. */
static double compare_crowd(void)
{
	double alone[NR_CROWD_ROWS], there[NR_CROWD_ROWS], worst = 0;
	unsigned int i;

	open_crowd();
	time_crowd(alone);
	printf("\n");
	make_crowd();
	time_crowd(there);
	printf("%-28s %8s %8s   with %d attached, as many as may with a permit on loan\n", "", "alone",
	       "there", ATTACHED);
	for (i = 0; i < NR_CROWD_ROWS; i++) {
		printf("%-28s %8.1f %8.1f   x %.3f\n", crowd_rows[i].name, alone[i], there[i],
		       there[i] / alone[i]);
		if (i < STEADY && there[i] / alone[i] > worst)
			worst = there[i] / alone[i];
	}
	return worst;
}

int main(int argc, char **argv)
{
	int failed;

	parse_effort(argc, argv);
	set_up();
	failed = verdict("acquire+release, compiled in", compare_all(), "sem_wait+sem_post",
			 LIMIT_FAST);
	failed |= verdict("a permit from one of 500", take_from_many(), "from one of 1",
			  LIMIT_TAKE);
	failed |= verdict("a pair with 1000 attached", compare_crowd(), "that pair alone",
			  LIMIT_CROWD);
	return failed;
}
