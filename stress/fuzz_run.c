// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread runs a program
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <linux/kcov.h>
#include <linux/muster.h>

#include "fuzz.h"

#define PAGE		4096UL
/* Of the memory of a thread, in pages. */
#define DATA		1
#define UNMAPPED	9
#define READ_ONLY	10
#define ALIAS		11
#define NR_PAGES	12
/* How many bytes there are before the edge. */
#define EDGE_STRUCT	24
#define EDGE_BUFFER	8
/* Descriptors that no program closes. */
#define HELD_FD		100
#define KCOV_FD		200

#define KCOV_WORDS	(64UL << 10)
/* How long a call waits that no signal ends. */
#define NO_SIGNAL_NS	20000000ULL
#define KERNEL_ADDRESS	0xffff888000001000ULL

int fuzz_slots[FUZZ_SLOTS];
__thread struct fuzz_own fuzz_own;

static const char keys[FUZZ_KEYS][4] = { "one", "two", "~me", "\001\002", "key", "four" };

/* ---- a process, and a thread ---- */

static int open_device(void)
{
	return open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
}

static int open_one(__u32 type, __u32 options, __u64 limit, __u64 initial)
{
	struct muster_open how = {
		.size = sizeof(how), .type = type, .oflags = O_CLOEXEC, .options = options,
		.limit = limit, .initial = initial,
	};
	static int device = -1;

	if (device < 0)
		device = open_device();
	return ioctl(device, MUSTER_OPEN, &how);
}

void fuzz_open_shared(void)
{
	int fds[FUZZ_SHARED] = {
		open_one(MUSTER_FLIGHT, 0, 0, 0),
		open_one(MUSTER_FLIGHT, MUSTER_FLIGHT_NO_HANDOVER, 0, 0),
		open_one(MUSTER_FLIGHT, 0, 1000, 0),
		open_one(MUSTER_BARRIER, 0, 2, 0),
		open_one(MUSTER_BARRIER, MUSTER_BARRIER_ACTION, 3, 0),
		open_one(MUSTER_BARRIER, MUSTER_BARRIER_MEMBERS | MUSTER_BARRIER_SHRINK, 2, 0),
		open_one(MUSTER_SEM, 0, 3, 0),
		open_one(MUSTER_SEM, 0, 1, 0),
		open_one(MUSTER_SEM, MUSTER_SEM_SIGNALLING, 4, 2),
		open_one(MUSTER_GROUP, 0, 0, 0),
		open_one(MUSTER_GROUP, 0, 2, 0),
		open_one(MUSTER_GROUP, MUSTER_GROUP_KEEP_GOING, 0, 0),
		[FUZZ_DEVICE] = open_device(),
	};
	int i;

	for (i = 0; i < FUZZ_SHARED; i++) {
		if (fds[i] < 0 || dup2(fds[i], HELD_FD + i) < 0) {
			perror("fuzz: object");
			exit(1);
		}
		close(fds[i]);
	}
}

/* What programs have closed is there again for the next. */
static void restore_slots(void)
{
	int i;

	for (i = 0; i < FUZZ_SLOTS; i++) {
		if (i >= FUZZ_SHARED)
			continue;
		if (fuzz_slots[i] <= 0 || fcntl(fuzz_slots[i], F_GETFD) < 0)
			fuzz_slots[i] = dup(HELD_FD + i);
	}
}

static int ticks_left = -1;

/* Interrupts whatever waits; a forked process has a short life. */
static void tick(int sig)
{
	if (ticks_left > 0 && !--ticks_left)
		_exit(0);
}

void fuzz_process_begin(void)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval often = { { 0, 15000 }, { 0, 15000 } };

	sigaction(SIGALRM, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
}

/* Called by fuzz_do_fork(), in the child. */
void fuzz_child_begin(struct fuzz_thread *t);
void fuzz_child_begin(struct fuzz_thread *t)
{
	fuzz_own.kcov = NULL;
	fuzz_own.fail_fd = -1;
	fuzz_own.depth++;
	ticks_left = 8;
	fuzz_process_begin();
}

static int high_fd(int fd, int from)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, from);

	if (fd >= 0)
		close(fd);
	return high;
}

static void *must_map(void *at, size_t size, int prot, int flags, int fd)
{
	void *p = mmap(at, size, prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		perror("fuzz: mmap");
		_exit(1);
	}
	return p;
}

static void map_memory(struct fuzz_thread *t)
{
	int fd = memfd_create("alias", MFD_CLOEXEC);

	fuzz_own.memory = must_map(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mprotect(fuzz_own.memory + UNMAPPED * PAGE, PAGE, PROT_NONE);
	if (fd < 0 || ftruncate(fd, PAGE))
		_exit(1);
	must_map(fuzz_own.memory + READ_ONLY * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd);
	must_map(fuzz_own.memory + ALIAS * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd);
	close(fd);
}

static void open_kcov(struct fuzz_thread *t)
{
	int fd = high_fd(open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC), KCOV_FD);
	void *area;

	fuzz_own.kcov = NULL;
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, KCOV_WORDS))
		return;
	area = mmap(NULL, KCOV_WORDS * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area != MAP_FAILED && !ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		fuzz_own.kcov = area;
}

void fuzz_thread_begin(struct fuzz_thread *t)
{
	map_memory(t);
	open_kcov(t);
	fuzz_own.fail_fd = high_fd(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC), KCOV_FD);
}

/* ---- values ---- */

static __u64 address(const struct fuzz_thread *t, __u64 place, bool of_struct)
{
	unsigned char *m = fuzz_own.memory;
	size_t at = of_struct ? 64 : DATA * PAGE;

	switch (place) {
	case PLACE_GOOD:
		return (__u64)(uintptr_t)(m + at);
	case PLACE_ODD:
		return (__u64)(uintptr_t)(m + at + 1);
	case PLACE_READ_ONLY:
		return (__u64)(uintptr_t)(m + READ_ONLY * PAGE + (of_struct ? 0 : PAGE / 2));
	case PLACE_UNMAPPED:
		return (__u64)(uintptr_t)(m + UNMAPPED * PAGE);
	case PLACE_EDGE:
		return (__u64)(uintptr_t)(m + UNMAPPED * PAGE) -
		       (of_struct ? EDGE_STRUCT : EDGE_BUFFER);
	case PLACE_KERNEL:
		return KERNEL_ADDRESS;
	default:
		return 0;
	}
}

static __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static __u64 resolve(const struct fuzz_thread *t, const struct fuzz_value *value,
		     bool of_struct)
{
	switch (value->how) {
	case FUZZ_SLOT:
		return fuzz_slots[value->v % FUZZ_SLOTS];
	case FUZZ_TOKEN:
		return t->tokens[(t->nr_tokens - 1 - value->v) % FUZZ_TOKENS];
	case FUZZ_SOON:
		return now() + value->v;
	case FUZZ_POINTER:
		return address(t, value->v, of_struct);
	case FUZZ_KEY:
		return (__u64)(uintptr_t)keys[value->v % FUZZ_KEYS];
	default:
		return value->v;
	}
}

static void set_slot(unsigned int slot, int fd)
{
	int old = __atomic_exchange_n(&fuzz_slots[slot], fd, __ATOMIC_RELAXED);

	if (old > 2 && old < HELD_FD)
		close(old);
}

/* ---- calls ---- */

/* Nothing that the kernel did may be other than what is documented. */
static void wrong(const struct fuzz_op *op, long ret, const char *what)
{
	if (__atomic_fetch_add(&fuzz->wrong, 1, __ATOMIC_RELAXED) < 10)
		fprintf(stderr, "fuzz: %s: %s (returned %ld)\n", op->name, what, ret);
}

static void check_ioctl(const struct fuzz_op *op, long ret, const void *before,
			const void *after)
{
	if (ret < 0 && !fuzz_error_is_known(op, -ret))
		wrong(op, ret, "this error is not documented");
	if (!after)
		return;
	if (memcmp(before, after, op->out ?: op->size))
		wrong(op, ret, "what is not for results was written");
	if (ret < 0 && -ret != op->writes_with && -ret != EFAULT &&
	    memcmp(before, after, op->size))
		wrong(op, ret, "it failed, and wrote results");
}

/* Where the struct can be written to, though the kernel may not. */
static void *writable(struct fuzz_thread *t, const struct fuzz_value *at, size_t *room)
{
	*room = at->how == FUZZ_POINTER ? PAGE / 2 : 0;
	switch (*room ? at->v : PLACE_NULL) {
	case PLACE_GOOD:
		return fuzz_own.memory + 64;
	case PLACE_ODD:
		return fuzz_own.memory + 65;
	case PLACE_READ_ONLY:
		return fuzz_own.memory + ALIAS * PAGE;
	case PLACE_EDGE:
		*room = EDGE_STRUCT;
		return fuzz_own.memory + UNMAPPED * PAGE - EDGE_STRUCT;
	default:
		*room = 0;
		return NULL;
	}
}

static void got_token(struct fuzz_thread *t, __u64 token)
{
	t->tokens[t->nr_tokens++ % FUZZ_TOKENS] = token;
}

static long run_ioctl(struct fuzz_thread *t, const struct fuzz_op *op,
		      const struct fuzz_call *call)
{
	unsigned char before[256] = { 0 };
	const struct fuzz_field *field;
	unsigned char *to;
	unsigned int i;
	size_t room;
	bool good;
	__u64 v;
	long ret;

	for (i = 2; i < call->nr && op->fields[i].name; i++) {
		field = &op->fields[i];
		v = resolve(t, &call->values[i], false);
		/* With no signal to end it. */
		if (field->kind == KIND_DEADLINE && call->fail && v > now())
			v = now() + NO_SIGNAL_NS;
		memcpy(before + field->offset, &v, field->size);
	}
	to = writable(t, &call->values[1], &room);
	if (to)
		memcpy(to, before, room < op->size ? room : op->size);
	ret = ioctl(resolve(t, &call->values[0], false), op->cmd,
		    resolve(t, &call->values[1], true));
	if (ret < 0)
		ret = -errno;
	good = to == fuzz_own.memory + 64 || to == fuzz_own.memory + 65;
	check_ioctl(op, ret, before, good ? to : NULL);
	if (ret >= 0 && op->token && good) {
		memcpy(&v, to + op->token, sizeof(v));
		got_token(t, v);
	}
	return ret;
}

static long run_other(struct fuzz_thread *t, const struct fuzz_op *op,
		      const struct fuzz_call *call)
{
	__u64 values[FUZZ_VALUES] = { 0 };
	unsigned int i;

	for (i = 0; i < call->nr; i++)
		values[i] = resolve(t, &call->values[i], false);
	return op->run(t, values);
}

/*
 * Signals are kept away from a call that is to fail: the copy that fails may be that of a
 * handler's frame, and that kills.
 */
static void inject(struct fuzz_thread *t, unsigned int nth)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "%u", nth);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(nth ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);

	if (fuzz_own.fail_fd >= 0 && pwrite(fuzz_own.fail_fd, text, len, 0) != len)
		fuzz_own.fail_fd = -1;
}

/* It is 0 again once the fault was had. */
static void injected(struct fuzz_thread *t)
{
	char text[8] = "";

	if (fuzz_own.fail_fd < 0)
		return;
	if (pread(fuzz_own.fail_fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0)
		__atomic_fetch_add(&fuzz->faults, 1, __ATOMIC_RELAXED);
	inject(t, 0);
}

static void run_call(struct fuzz_thread *t, const struct fuzz_call *call)
{
	const struct fuzz_op *op = &fuzz_ops[call->op];
	long ret;

	if (call->fail)
		inject(t, call->fail);
	ret = op->cmd ? run_ioctl(t, op, call) : run_other(t, op, call);
	if (call->fail)
		injected(t);
	if (op->makes_fd && ret > 2 && ret < HELD_FD)
		set_slot(call->slot, ret);
	__atomic_fetch_add(&fuzz->calls, 1, __ATOMIC_RELAXED);
}

/* ---- coverage ---- */

static bool is_new(unsigned long pc)
{
	__u32 place = (pc ^ (pc >> 16) * 0x9e3779b1) % FUZZ_PLACES;

	return !fuzz->seen[place] &&
	       !__atomic_exchange_n(&fuzz->seen[place], 1, __ATOMIC_RELAXED);
}

/*
 * Others read it, and who writes may be killed half way: an odd version says so. Such a
 * place is neither read nor written again.
 */
static void keep(const struct fuzz_program *program)
{
	__u32 i = __atomic_fetch_add(&fuzz->nr_corpus, 1, __ATOMIC_RELAXED) % FUZZ_CORPUS;
	__u32 version = __atomic_load_n(&fuzz->versions[i], __ATOMIC_RELAXED);

	if (version % 2 ||
	    !__atomic_compare_exchange_n(&fuzz->versions[i], &version, version + 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(&fuzz->corpus[i], program, sizeof(*program));
	__atomic_store_n(&fuzz->versions[i], version + 2, __ATOMIC_RELEASE);
}

static void look_at_coverage(struct fuzz_thread *t, const struct fuzz_program *program)
{
	unsigned long i, nr = __atomic_load_n(&fuzz_own.kcov[0], __ATOMIC_RELAXED), found = 0;

	for (i = 1; i <= nr && i < KCOV_WORDS; i++)
		found += is_new(fuzz_own.kcov[i]);
	if (!found)
		return;
	__atomic_fetch_add(&fuzz->places, found, __ATOMIC_RELAXED);
	keep(program);
}

void fuzz_run(struct fuzz_thread *t, const struct fuzz_program *program)
{
	unsigned int i;

	memcpy(&t->recent[t->nr_run % FUZZ_RECENT], program, sizeof(*program));
	__atomic_store_n(&t->nr_run, t->nr_run + 1, __ATOMIC_RELEASE);
	restore_slots();
	if (fuzz_own.kcov)
		__atomic_store_n(&fuzz_own.kcov[0], 0, __ATOMIC_RELAXED);
	for (i = 0; i < program->nr; i++)
		run_call(t, &program->calls[i]);
	if (fuzz_own.depth)
		_exit(0);
	if (fuzz_own.kcov)
		look_at_coverage(t, program);
	__atomic_fetch_add(&fuzz->programs, 1, __ATOMIC_RELAXED);
}
