// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory, and memory of the caller's that is gone, at each instant: O7, T4,
 * and what linux/muster.h says of calls that fail.
 *
 * Each case is a call that is good. It is made again and again, each time on fresh
 * objects: its first allocation fails, its second, and so on, until it meets no fault
 * any more. A call that fails must do so with a documented errno, have changed nothing
 * and used up nothing, and be good when it is repeated. Copies from and to the
 * caller's memory count as allocations do. That nothing leaks is for the kernel to
 * say when all is closed: by kmemleak, and by a warning if something that is counted
 * for a user is left.
 *
 * An ioctl or another call joins by one FAULT_CASE.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "faults.h"

#define KEY		"key"
#define DATA		"some result"
#define LARGE		20000
#define CASES_MAX	128
/* More faults than any call can meet. */
#define FAULTS_MAX	200
/*
 * Now and then an allocation needs more of them, for a new page of slabs: so the N-th is
 * not the same each time. It takes some calls without a fault to know the last, and some
 * rounds to meet all.
 */
#define MISSES		3
#define ROUNDS		3

/**
 * struct scene - what a call is made on
 * @fd:		of the object, or -1
 * @ticket:	a ticket of it, or -1
 * @epoll:	or -1
 * @file:	that is a result, or -1
 * @token:	of what the call is about
 * @helper:	a further thread, which does @then when @cue says so
 * @cue:	or NULL
 * @then:	or nothing
 * @over:	it need not wait for @cue any more
 */
struct scene {
	int fd;
	int ticket;
	int epoll;
	int file;
	__u64 token;
	struct puppet *helper;
	bool (*cue)(const struct scene *s);
	struct job then;
	bool over;
};

/**
 * struct fault_case - a call, and what it is made on
 * @name:	of the case
 * @cmd:	the ioctl, or 0
 * @type:	of the object, or 0 if there is none
 * @options:	it is opened with
 * @limit:	it is opened with
 * @set_up:	what comes before the call; may be NULL
 * @call:	the call
 * @allocates:	it is known to allocate
 * @returns_fd:	it returns a descriptor
 * @gives_fd:	where in its struct it gives a descriptor, or 0
 * @refusal:	the errno that it says if there is no fault, or 0
 * @commits:	others have acted, or its first answer did arrive: so it may also fail
 *		once it is done
 * @withdrawn:	what it leaves if it fails when it had been granted something; NULL if
 *		that is no different from before
 */
struct fault_case {
	const char *name;
	unsigned int cmd;
	__u32 type;
	__u32 options;
	__u64 limit;
	void (*set_up)(struct scene *s);
	struct job (*call)(struct scene *s);
	bool allocates;
	bool returns_fd;
	size_t gives_fd;
	int refusal;
	bool commits;
	bool (*withdrawn)(const struct scene *s);
};

static const struct fault_case *cases[CASES_MAX];
static unsigned int nr_cases;

/* Of all tests, in memory that they share. */
static struct totals {
	unsigned int calls;
	unsigned int faults;
	unsigned int no_memory;
	unsigned int bad_address;
} *totals;

static void __attribute__((constructor)) share_totals(void)
{
	totals = shared_memory(sizeof(*totals));
}

FIXTURE_VARIANT(fault) {
	const struct fault_case *one;
};

FIXTURE(fault) {
	struct puppet *helper;
};

FIXTURE_SETUP(fault)
{
}

FIXTURE_TEARDOWN(fault)
{
}

#define FAULT_CASE(_name, ...)						\
	static const struct fault_case case_##_name = {			\
		.name = #_name,						\
		__VA_ARGS__						\
	};								\
	static void __attribute__((constructor)) add_##_name(void)	\
	{								\
		cases[nr_cases++] = &case_##_name;			\
	}								\
	FIXTURE_VARIANT_ADD(fault, _name) { .one = &case_##_name }

#include "inject_cases.h"

/* ---- the scene ---- */

static int run_then(struct job *job)
{
	struct scene *s = job->at;

	while (!s->cue(s)) {
		if (__atomic_load_n(&s->over, __ATOMIC_ACQUIRE))
			return 0;
		nap();
	}
	if (s->then.cmd == MUSTER_FLIGHT_FINISH)
		s->then.finish.token = s->token;
	return call(s->then.fd, s->then.cmd, &s->then.acquire);
}

static void begin_scene(struct scene *s, const struct fault_case *one,
			struct puppet *helper)
{
	struct muster_open how = open_how(one->type, NULL, 0, one->limit);

	*s = (struct scene){ .fd = -1, .ticket = -1, .epoll = -1, .file = -1,
			     .helper = helper };
	how.options = one->options;
	if (one->type)
		s->fd = open_object(&how);
	if (one->set_up)
		one->set_up(s);
	if (s->cue)
		tell(helper, (struct job){ .run = run_then, .at = s });
}

static void end_scene(struct scene *s)
{
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	hear(s->helper);
	close(s->file);
	close(s->epoll);
	close(s->ticket);
	close(s->fd);
}

/**
 * struct state - all that can be seen of a scene
 * @stat:	what STAT says
 * @poll:	what poll() says of the object, and of the ticket
 * @fdinfo:	of the object, and of the ticket
 * @next_fd:	the number that the next descriptor has
 */
struct state {
	union {
		struct muster_flight_stat flight;
		struct muster_barrier_stat barrier;
		struct muster_sem_stat sem;
		struct muster_group_stat group;
	} stat;
	int poll[2];
	char fdinfo[2][1024];
	int next_fd;
};

/* The number of the object, process ids and times are others in each scene. */
static void drop_identities(char *text, size_t size)
{
	char *line, *next, *end = text;

	for (line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		if (!strncmp(line, "muster-id:", 10) || !strncmp(line, "muster-owner:", 13))
			continue;
		if (!strncmp(line, "muster-ticket:\twaits", 20)) {
			memmove(end, line, 20);
			end += 20;
			continue;
		}
		memmove(end, line, next - line);
		end += next - line;
	}
	memset(end, 0, text + size - end);
}

static void read_fdinfo(int fd, char *text, size_t size)
{
	char path[64];
	int info;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return;
	if (read(info, text, size - 1) < 0)
		text[0] = 0;
	close(info);
	drop_identities(text, size);
}

static void get_state(const struct scene *s, __u32 type, struct state *state)
{
	memset(state, 0, sizeof(*state));
	state->next_fd = dup(device_fd);
	close(state->next_fd);
	if (type == MUSTER_FLIGHT)
		state->stat.flight = flight_state(s->fd);
	else if (type == MUSTER_BARRIER)
		state->stat.barrier = barrier_state(s->fd);
	else if (type == MUSTER_SEM)
		state->stat.sem = sem_state(s->fd);
	else if (type == MUSTER_GROUP)
		state->stat.group = group_state(s->fd);
	/* Its number is another each time. */
	if (type == MUSTER_SEM)
		state->stat.sem.lease = !!state->stat.sem.lease;
	if (s->fd >= 0) {
		state->poll[0] = poll_now(s->fd);
		read_fdinfo(s->fd, state->fdinfo[0], sizeof(state->fdinfo[0]));
	}
	if (s->ticket >= 0) {
		state->poll[1] = poll_now(s->ticket);
		read_fdinfo(s->ticket, state->fdinfo[1], sizeof(state->fdinfo[1]));
	}
}

static bool is_state(const struct scene *s, __u32 type, const struct state *expected)
{
	struct state state;

	get_state(s, type, &state);
	return !memcmp(&state, expected, sizeof(state));
}

/* ---- a call with a fault ---- */

/**
 * struct attempt - a call that is made
 * @one:	the case
 * @layout:	0: the struct of the ioctl as it is; 1: longer, so that it is copied,
 *		and each copy may fail
 * @s:		what it is made on
 * @job:	the call
 * @args:	for layout 1
 * @before:	what was there
 * @good:	what is there after a call without a fault
 * @good_ret:	and what that says
 */
struct attempt {
	const struct fault_case *one;
	int layout;
	struct scene s;
	struct job job;
	char args[512];
	struct state before;
	struct state good;
	int good_ret;
};

static void prepare_call(struct attempt *a)
{
	__u32 size;

	a->job = a->one->call(&a->s);
	if (!a->layout)
		return;
	memset(a->args, 0, sizeof(a->args));
	size = a->job.acquire.size;
	memcpy(a->args, &a->job.acquire, size);
	size += 8;
	memcpy(a->args, &size, sizeof(size));
	a->job.at = a->args;
}

/* By another user, who has nothing yet: so that is to be allocated, too. */
static int make_call(struct attempt *a, unsigned int nth, bool *reached)
{
	int ret;

	syscall(SYS_setresuid, ALICE, -1, -1);
	ret = ask_faulty(a->job, nth, reached);
	syscall(SYS_setresuid, 0, -1, -1);
	totals->calls++;
	totals->faults += *reached;
	return ret;
}

/* Has a call that failed left its struct alone? */
static bool args_are_unchanged(const struct attempt *a, const char *args)
{
	if (a->job.run)
		return true;
	if (a->layout)
		return !memcmp(args, a->args, sizeof(a->args));
	return !memcmp(&me->job.acquire, &a->job.acquire, a->job.acquire.size);
}

/* What is wrong with a failed call, or NULL. */
static const char *judge_failure(struct attempt *a, int err)
{
	bool reached;

	if (err == -ENOMEM)
		totals->no_memory++;
	else if (err == -EFAULT)
		totals->bad_address++;
	else
		return "an errno that is not documented";
	if (a->one->withdrawn && a->one->withdrawn(&a->s))
		return NULL;
	if (a->one->commits && is_state(&a->s, a->one->type, &a->good))
		return NULL;
	if (!is_state(&a->s, a->one->type, &a->before))
		return "it has changed something";
	if (make_call(a, 0, &reached) != a->good_ret)
		return "repeated, it does not say the same as without a fault";
	if (!is_state(&a->s, a->one->type, &a->good))
		return "repeated, it does not do the same as without a fault";
	return NULL;
}

/* What is wrong with a call, or NULL. */
static const char *judge_call(struct attempt *a, unsigned int nth, bool *reached)
{
	char args[sizeof(a->args)];
	int ret;

	prepare_call(a);
	memcpy(args, a->args, sizeof(args));
	get_state(&a->s, a->one->type, &a->before);
	ret = make_call(a, nth, reached);
	if (!nth) {
		a->good_ret = ret;
		get_state(&a->s, a->one->type, &a->good);
		if (a->one->refusal ? ret != a->one->refusal : ret < 0)
			return "it does not say what it should without a fault";
		return NULL;
	}
	if (ret < 0 && !args_are_unchanged(a, args))
		return "it fails and yet has written something";
	if (ret < 0 && ret != a->good_ret)
		return *reached ? judge_failure(a, ret) : "it fails without a fault";
	/* What had no memory did without. */
	if (ret != a->good_ret || !is_state(&a->s, a->one->type, &a->good))
		return "it is good, but not what it is without a fault";
	return NULL;
}

/* The descriptor that the call has given, if it was good. */
static void close_given(const struct attempt *a, int ret)
{
	const char *args = a->layout ? a->args : (const char *)&me->job.acquire;

	if (a->one->returns_fd && ret >= 0)
		close(ret);
	if (a->one->gives_fd && ret >= 0)
		close(*(const int *)(args + a->one->gives_fd));
}

/* Makes the call with its @nth fault, on a new scene. */
static const char *try_fault(struct attempt *a, struct puppet *helper, unsigned int nth,
			     bool *reached)
{
	const char *wrong;

	begin_scene(&a->s, a->one, helper);
	wrong = judge_call(a, nth, reached);
	close_given(a, me->ret);
	end_scene(&a->s);
	return wrong;
}

/* Makes the call with its first fault, its second, ...; how many there were, or -1. */
static int try_faults(struct __test_metadata *_metadata, struct attempt *a,
		      struct puppet *helper)
{
	unsigned int nth, faults = 0, misses = 0;
	const char *wrong;
	bool reached;

	for (nth = 0; nth < FAULTS_MAX && misses < MISSES; nth++) {
		wrong = try_fault(a, helper, nth, &reached);
		faults += reached;
		misses += nth && !reached;
		EXPECT_TRUE(!wrong) {
			TH_LOG("%s: layout %d, fault %u: %s: %d", a->one->name, a->layout,
			       nth, wrong, me->ret);
		}
		if (wrong)
			return -1;
	}
	EXPECT_GT(FAULTS_MAX, nth);
	return faults;
}

/* I2, O7, T4: see above. */
TEST_F(fault, each)
{
	struct attempt a = { .one = variant->one };
	const char *why = faults_missing();
	int faults, round;

	if (why)
		SKIP(return, "%s", why);
	self->helper = puppet_thread(me);
	for (a.layout = 0; a.layout < (a.one->cmd ? 2 : 1); a.layout++) {
		for (round = 0; round < ROUNDS; round++) {
			faults = try_faults(_metadata, &a, self->helper);
			ASSERT_LE(0, faults);
			/* A struct that is copied is so once at least. */
			if (a.one->allocates || a.layout)
				EXPECT_LT(0, faults);
		}
	}
}

/* ---- tables that are full ---- */

#define ITEMS		160
/*
 * What is found by a name, a key or a process is in a table that a worker thread makes
 * longer when it is nearly full. Should that thread not come to it in time the table is
 * made longer by the call that finds it full, which may fail. So it is kept from coming:
 * by a real-time thread on its CPU, the test.
 */
FIXTURE(table) {
};

FIXTURE_VARIANT(table) {
	__u32 type;
	struct job (*fill)(int fd, int i);
};

static struct job fill_names(int fd, int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "kselftest-table-%d", i);
	return call_open(MUSTER_SEM, name);
}

FIXTURE_VARIANT_ADD(table, names) { .fill = fill_names };

static struct job fill_keys(int fd, int i)
{
	static char key[32];

	snprintf(key, sizeof(key), "%d", i);
	return join(fd, key);
}

FIXTURE_VARIANT_ADD(table, keys) { .type = MUSTER_FLIGHT, .fill = fill_keys };

/* Each descriptor's user is another owner. */
static struct job fill_owners(int fd, int i)
{
	return acquire(open_sem(1), 1);
}

FIXTURE_VARIANT_ADD(table, owners) { .fill = fill_owners };

FIXTURE_SETUP(table)
{
}

FIXTURE_TEARDOWN(table)
{
	be_like_others();
}

/* O7: each failure is ENOMEM, and then there is one more. */
TEST_F(table, full)
{
	const char *why = faults_missing();
	int fd = -1, i, ret, failed = 0;
	unsigned int nth;
	struct job job;
	bool reached;

	if (why)
		SKIP(return, "%s", why);
	if (variant->type)
		fd = open_flight(0);
	if (!be_alone(NULL))
		SKIP(return, "may not run in real time");
	for (i = 0; i < ITEMS; i++) {
		job = variant->fill(fd, i);
		for (nth = 1; nth < FAULTS_MAX; nth++) {
			ret = ask_faulty(job, nth, &reached);
			if (ret >= 0)
				break;
			failed++;
			if (ret != -EFAULT)
				ASSERT_EQ(-ENOMEM, ret);
		}
		ASSERT_LE(0, ret);
		if (fd >= 0)
			ASSERT_EQ(i + 1, flight_state(fd).calls);
	}
	/* A kernel that can do without the second, for its own books, has one each. */
	EXPECT_LE(ITEMS, failed);
}

/* ---- all of them ---- */

static bool has_case(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < nr_cases; i++) {
		if (cases[i]->cmd == cmd)
			return true;
	}
	return false;
}

/* I1: each ioctl that the module knows has a case: it says so by not being ENOTTY. */
TEST(every_ioctl_has_a_case)
{
	const int fds[] = { device_fd, open_flight(0), open_barrier(2, 0), open_sem(1),
			    open_group(0) };
	unsigned int i, nr, known = 0;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		for (nr = 0; nr < 256; nr++) {
			unsigned int cmd = _IO(MUSTER_IOC_MAGIC, nr);

			if (call(fds[i], cmd, NULL) == -ENOTTY)
				continue;
			known++;
			EXPECT_TRUE(has_case(cmd)) {
				TH_LOG("no FAULT_CASE for ioctl 0x%02x of type %u", nr, i);
			}
		}
	}
	EXPECT_LE(32, known);
}

FIXTURE(all) {
};

FIXTURE_SETUP(all)
{
}

FIXTURE_TEARDOWN(all)
{
}

/* How many faults there were; this is the last test. */
TEST_F(all, faults)
{
	const char *why = faults_missing();

	if (why)
		SKIP(return, "%s", why);
	printf("# %u faults injected in %u calls of %u cases: %u ENOMEM, %u EFAULT\n",
	       totals->faults, totals->calls, nr_cases, totals->no_memory,
	       totals->bad_address);
	fflush(stdout);
	EXPECT_LT(0, totals->no_memory);
	EXPECT_LT(0, totals->bad_address);
}

TEST_HARNESS_MAIN
