// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: fuzz [--calls N] [--seed N] [--log TERMINAL]
 *        fuzz --replay FILE [--seconds N]
 *
 * The fuzzer: processes that run random programs, are killed and stopped; until so many
 * calls were made, or the kernel says that something is wrong. Then the latest programs
 * of all threads are printed, between the lines "case:" and "end of case", in the form
 * that --replay reads and runs over and over. Where the kernel does not live to have it
 * printed, --log writes each program to the terminal, and waits until it is out, before
 * it is run. Needs the module loaded, and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <linux/muster.h>

#include "fuzz.h"

#define PARAMETERS	"/sys/module/muster/parameters/"
/* Of the programs of a case, for one thread. */
#define REPLAYED	64

struct fuzz_shared *fuzz;

static struct {
	__u64 calls;
	__u64 seed;
	__u64 seconds;
	const char *replay;
	const char *log;
} options = { 100000, 1, 30, NULL, NULL };

static pid_t workers[FUZZ_WORKERS];
static bool stopped[FUZZ_WORKERS];

/* By thread, what --replay runs. */
static struct fuzz_program replayed[FUZZ_WORKERS][FUZZ_THREADS][REPLAYED];
static unsigned int nr_replayed[FUZZ_WORKERS][FUZZ_THREADS];

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - then->tv_sec + (now.tv_nsec - then->tv_nsec) / 1e9;
}

/* ---- a process of the fuzzer ---- */

static void next_program(struct fuzz_thread *t, unsigned int thread,
			 struct fuzz_program *program)
{
	unsigned int nr = nr_replayed[t->worker][thread];

	if (!options.replay)
		fuzz_generate(&t->rng, program);
	else if (nr)
		*program = replayed[t->worker][thread][t->nr_run % nr];
	else
		pause();
}

/* The program is on the terminal when this returns. */
static void log_program(int terminal, unsigned int worker, unsigned int thread,
			const struct fuzz_program *program)
{
	static __thread char text[16384];
	FILE *file = fmemopen(text, sizeof(text), "w");

	if (!file)
		return;
	fprintf(file, "@ %u %u\n", worker, thread);
	fuzz_print(file, program);
	fclose(file);
	if (write(terminal, text, strlen(text)) > 0)
		tcdrain(terminal);
}

static void work(unsigned int worker, unsigned int thread)
{
	struct fuzz_thread *t = &fuzz->threads[worker][thread];
	struct fuzz_program program = { 0 };
	int terminal = -1;

	fuzz_thread_begin(t);
	if (options.log)
		terminal = fcntl(open(options.log, O_WRONLY | O_NOCTTY | O_CLOEXEC),
				 F_DUPFD_CLOEXEC, 200);
	while (!__atomic_load_n(&fuzz->stop, __ATOMIC_RELAXED)) {
		next_program(t, thread, &program);
		if (terminal >= 0)
			log_program(terminal, worker, thread, &program);
		fuzz_run(t, &program);
	}
}

static void *work_in_thread(void *worker)
{
	work((uintptr_t)worker, 1);
	return NULL;
}

static void begin_worker(unsigned int worker)
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid < 0) {
		perror("fuzz: fork");
		exit(1);
	}
	workers[worker] = pid;
	stopped[worker] = false;
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fuzz_process_begin();
	pthread_create(&thread, NULL, work_in_thread, (void *)(uintptr_t)worker);
	work(worker, 0);
	_exit(0);
}

/* ---- looking on ---- */

/* What the kernel has said since the last time: is something wrong? */
static bool kernel_complains(int kmsg)
{
	static const char *const words[] = {
		"BUG:", "WARNING:", "KASAN", "UBSAN", "ODEBUG", "refcount_t",
		"INFO: task", "circular locking", "possible recursive", "Oops",
		"list_add corruption", "list_del corruption", "soft lockup",
	};
	char record[2048];
	unsigned int i;
	ssize_t n;

	while ((n = read(kmsg, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		record[n > 0 ? n : 0] = 0;
		for (i = 0; i < ARRAY_SIZE(words); i++) {
			if (strstr(record, words[i]) && !strstr(record, "KCSAN"))
				return true;
		}
	}
	return false;
}

static void print_case(void)
{
	const struct fuzz_thread *t;
	unsigned int w, n;
	__u64 i, from;

	puts("case:");
	printf("# seed %llu\n", options.seed);
	for (w = 0; w < FUZZ_WORKERS; w++) {
		for (n = 0; n < FUZZ_THREADS; n++) {
			t = &fuzz->threads[w][n];
			/* The oldest may be half overwritten by the one that was to come. */
			from = t->nr_run < FUZZ_RECENT ? 0 : t->nr_run - FUZZ_RECENT + 1;
			for (i = from; i < t->nr_run; i++) {
				printf("@ %u %u\n", w, n);
				fuzz_print(stdout, &t->recent[i % FUZZ_RECENT]);
			}
		}
	}
	puts("end of case");
	fflush(stdout);
}

static void reap(void)
{
	unsigned int w;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		for (w = 0; w < FUZZ_WORKERS; w++) {
			if (workers[w] == pid)
				begin_worker(w);
		}
	}
}

static void disturb_worker(__u64 *rng)
{
	unsigned int w = fuzz_below(rng, FUZZ_WORKERS);

	if (stopped[w] || fuzz_below(rng, 3) == 0) {
		kill(workers[w], stopped[w] ? SIGCONT : SIGSTOP);
		stopped[w] = !stopped[w];
	} else {
		kill(workers[w], SIGKILL);
		fuzz->kills++;
	}
}

/* Limits that are soon reached, or those that the module begins with; NULL as it is. */
static void change_limits(__u64 *rng)
{
	static const struct {
		const char *path, *little, *usual;
	} limits[] = {
		{ PARAMETERS "objects_max", "20", "4096" },
		{ PARAMETERS "calls_max", "12", "131072" },
		{ PARAMETERS "bytes_max", "6000", "16777216" },
		{ PARAMETERS "result_max", "1000", "1048576" },
		{ PARAMETERS "leases_max", "2", "4096" },
		{ PARAMETERS "leases_max", "0", NULL },
		{ PARAMETERS "linger_max", "0", "3600" },
		{ PARAMETERS "handovers", "0", "3" },
	};
	const char *limit;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		limit = rng && fuzz_below(rng, 4) == 0 ? limits[i].little : limits[i].usual;
		if (limit)
			put(limits[i].path, limit);
	}
}

static bool is_over(const struct timespec *begun)
{
	if (options.replay)
		return seconds_since(begun) > options.seconds;
	return __atomic_load_n(&fuzz->calls, __ATOMIC_RELAXED) >= options.calls;
}

/* No call may wait for ever: signals come all the time. */
static bool is_stuck(void)
{
	static struct timespec since;
	static __u64 last;
	__u64 calls = __atomic_load_n(&fuzz->calls, __ATOMIC_RELAXED);

	if (calls != last || !since.tv_sec) {
		last = calls;
		clock_gettime(CLOCK_MONOTONIC, &since);
	}
	return seconds_since(&since) > 120;
}

/* Why it ended: NULL if all is well. */
static const char *look_on(int kmsg, const struct timespec *begun)
{
	struct timespec moment = { .tv_nsec = 10000000 };
	__u64 rng = options.seed, n;

	for (n = 0; !is_over(begun); n++) {
		if (kernel_complains(kmsg))
			return "the kernel has something to report";
		if (is_stuck())
			return "no call returns any more";
		reap();
		if (fuzz_below(&rng, 10) == 0)
			disturb_worker(&rng);
		if (n % 16 == 0)
			change_limits(&rng);
		nanosleep(&moment, NULL);
	}
	return kernel_complains(kmsg) ? "the kernel has something to report" : NULL;
}

static void end_workers(void)
{
	unsigned int w;

	__atomic_store_n(&fuzz->stop, 1, __ATOMIC_RELAXED);
	for (w = 0; w < FUZZ_WORKERS; w++)
		kill(workers[w], SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

/* ---- setting up ---- */

/* Allocations may fail, copies of user memory too; without a word in the log. */
static void allow_faults(void)
{
	static const char *const kinds[] = {
		"failslab", "fail_page_alloc", "fail_usercopy", "fail_futex",
	};
	char path[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		put(path, "0");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		put(path, "0");
	}
}

static bool load_program(FILE *file)
{
	struct fuzz_program program;
	unsigned int w, t;

	if (fscanf(file, "@ %u %u\n", &w, &t) != 2 || w >= FUZZ_WORKERS || t >= FUZZ_THREADS ||
	    nr_replayed[w][t] == REPLAYED || !fuzz_parse(file, &program))
		return false;
	replayed[w][t][nr_replayed[w][t]++] = program;
	return true;
}

static void load_case(void)
{
	FILE *file = fopen(options.replay, "r");
	char line[128];
	int c;

	if (!file) {
		perror(options.replay);
		exit(2);
	}
	while ((c = fgetc(file)) != EOF) {
		ungetc(c, file);
		if (c == '#' ? !fgets(line, sizeof(line), file) : !load_program(file)) {
			fprintf(stderr, "fuzz: %s: this is no case\n", options.replay);
			exit(2);
		}
	}
	fclose(file);
}

static void set_up(void)
{
	unsigned int w, t;

	fuzz = mmap(NULL, sizeof(*fuzz), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (fuzz == MAP_FAILED) {
		perror("fuzz: mmap");
		exit(1);
	}
	for (w = 0; w < FUZZ_WORKERS; w++) {
		for (t = 0; t < FUZZ_THREADS; t++) {
			fuzz->threads[w][t].worker = w;
			fuzz->threads[w][t].rng = options.seed * 1000003 + w * 101 + t;
		}
	}
	allow_faults();
	fuzz_open_shared();
	if (options.replay)
		load_case();
}

static __u64 number(const char *text)
{
	char *end;
	__u64 value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "fuzz: no number: %s\n", text);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "calls", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "replay", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "nothing", no_argument, NULL, 'n' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		switch (c) {
		case 'c':
			options.calls = number(optarg);
			break;
		case 'r':
			options.seed = number(optarg);
			break;
		case 's':
			options.seconds = number(optarg);
			break;
		case 'f':
			options.replay = optarg;
			break;
		case 'l':
			options.log = optarg;
			break;
		case 'n':
			/* What a process of the fuzzer becomes by exec. */
			exit(0);
		default:
			exit(2);
		}
	}
}

/* ---- is the table complete? ---- */

/* One object of the type, whatever it needs to be made. */
static int open_type(int device, __u32 type)
{
	struct muster_open how = { .size = sizeof(how), .type = type, .oflags = O_CLOEXEC };
	int fd = ioctl(device, MUSTER_OPEN, &how);

	how.limit = 2;
	return fd < 0 ? ioctl(device, MUSTER_OPEN, &how) : fd;
}

static bool is_in_table(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < fuzz_nr_ops; i++) {
		if (fuzz_ops[i].cmd == cmd)
			return true;
	}
	return false;
}

/* With no struct none of them does anything. */
static bool is_answered(const int *fds, unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < 32; i++) {
		if (fds[i] >= 0 && (!ioctl(fds[i], cmd, NULL) || errno != ENOTTY))
			return true;
	}
	return false;
}

/* The device as type 0, and an object of each type that the module has. */
static bool open_types(int *fds)
{
	struct muster_info info = { .size = sizeof(info) };
	bool good;
	__u32 type;

	fds[0] = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
	good = !ioctl(fds[0], MUSTER_INFO, &info);
	for (type = 1; type < 32; type++) {
		fds[type] = info.features & 1U << type ? open_type(fds[0], type) : -1;
		if (info.features & 1U << type && fds[type] < 0) {
			printf("# no object of type %u can be made\n", type);
			good = false;
		}
	}
	return good;
}

/* Each ioctl that any of them answers has an operation, and each operation an ioctl. */
static bool table_is_complete(void)
{
	unsigned int nr, cmd, i;
	bool good, answered;
	int fds[32];

	good = open_types(fds);
	for (nr = 0; nr < 256; nr++) {
		cmd = _IO(MUSTER_IOC_MAGIC, nr);
		answered = is_answered(fds, cmd);
		if (answered == is_in_table(cmd))
			continue;
		printf("# ioctl 0x%02x %s\n", nr, answered ? "is not in fuzz_ops[]" :
		       "is in fuzz_ops[], and nothing answers it");
		good = false;
	}
	for (i = 0; i < 32; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return good;
}

/* ---- the end ---- */

static bool claim(bool holds, const char *what)
{
	printf("%s - fuzz: %s\n", holds ? "ok" : "not ok", what);
	return holds;
}

static bool report(const char *why, const struct timespec *begun)
{
	bool good;

	printf("# %llu calls, %llu programs, %llu faults, %llu kills, %llu forks\n",
	       fuzz->calls, fuzz->programs, fuzz->faults, fuzz->kills, fuzz->forks);
	printf("# in %.0f s, with seed %llu\n", seconds_since(begun), options.seed);
	printf("# %u places in the module reached, by %u programs that found new ones\n",
	       fuzz->places, fuzz->nr_corpus);
	if (why) {
		printf("# %s\n", why);
		print_case();
	}
	good = claim(!why, "the kernel has nothing to report, and nobody is stuck");
	good &= claim(!fuzz->wrong, "errors are those that are documented, and write nothing");
	good &= claim(options.replay || fuzz_text_works(options.seed, 1000),
		      "programs are what they were, printed and read");
	return good;
}

int main(int argc, char **argv)
{
	struct timespec begun;
	bool complete;
	const char *why;
	unsigned int w;
	int kmsg;

	parse(argc, argv);
	set_up();
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0) {
		perror("/dev/kmsg");
		return 1;
	}
	complete = claim(table_is_complete(), "every ioctl of the module is in the table");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (w = 0; w < FUZZ_WORKERS; w++)
		begin_worker(w);
	why = look_on(kmsg, &begun);
	end_workers();
	change_limits(NULL);
	return !report(why, &begun) || !complete;
}
