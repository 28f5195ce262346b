// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of muster share. See muster_util.h.
 */
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "kselftest.h"
#include "muster_util.h"

#define PUPPETS_MAX	4096

/* struct puppet.mail */
enum mail {
	MAIL_NONE,
	MAIL_ASKED,
	MAIL_BUSY,
	MAIL_ANSWERED,
};

int device_fd = -1;

static struct puppet self;
struct puppet *const me = &self;

/* Shared by the test and all its puppets, which may have puppets of their own. */
static struct stage {
	unsigned int nr;
	struct puppet puppets[PUPPETS_MAX];
} *stage;

/* The puppets of the latest test, shared by all tests: they die with it, but not at once. */
static struct cast {
	pid_t test;
	unsigned int nr;
	pid_t pids[PUPPETS_MAX];
} *cast;

static void die(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	abort();
}

static void on_signal(int sig)
{
	(void)sig;
}

static void handle(int sig, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	if (sigaction(sig, &action, NULL))
		die("sigaction");
}

/*
 * Before the harness begins: without the device the whole program is skipped, with
 * any version of the harness. And before the constructors of the tests, which may
 * let go of the device.
 */
static void __attribute__((constructor(1000))) set_up(void)
{
	device_fd = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
	if (device_fd < 0) {
		ksft_print_header();
		ksft_exit_skip(MUSTER_DEVICE ": %s\n", strerror(errno));
	}
	handle(SIG_EINTR, 0);
	handle(SIG_RESTART, SA_RESTART);
	cast = shared_memory(sizeof(*cast));
}

/* ---- time ---- */

__u64 clock_ns(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

unsigned int slowness(void)
{
	const char *slow = getenv("MUSTER_SLOW");

	return slow && atoi(slow) > 0 ? atoi(slow) : 1;
}

__u64 in_ms(unsigned int ms)
{
	return clock_ns(CLOCK_MONOTONIC) + ms * NSEC_PER_MSEC * slowness();
}

void nap(void)
{
	struct timespec ts = { .tv_nsec = 200000 };

	nanosleep(&ts, NULL);
}

/* ---- objects ---- */

int call(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

struct muster_open open_how(__u32 type, const char *name, __u32 oflags, __u64 limit)
{
	return (struct muster_open){
		.size = sizeof(struct muster_open),
		.type = type,
		.oflags = oflags,
		.mode = 0600,
		.name = to_u64(name),
		.name_len = name ? strlen(name) : 0,
		.limit = limit,
	};
}

int open_object(struct muster_open *how)
{
	return call(device_fd, MUSTER_OPEN, how);
}

int open_named(__u32 type, const char *name, __u32 oflags, __u64 limit)
{
	struct muster_open how = open_how(type, name, oflags, limit);

	return open_object(&how);
}

static int open_anonymous(__u32 type, __u64 limit, __u32 options)
{
	struct muster_open how = open_how(type, NULL, 0, limit);
	int fd;

	how.options = options;
	fd = open_object(&how);
	if (fd < 0)
		die("MUSTER_OPEN");
	return fd;
}

const char *unique_name(const char *prefix)
{
	static unsigned int nr;
	static char name[64];

	snprintf(name, sizeof(name), "%skselftest-%d-%u", prefix, getpid(), nr++);
	return name;
}

int open_sem(__u64 limit)
{
	return open_anonymous(MUSTER_SEM, limit, 0);
}

int open_barrier(__u32 parties, __u32 options)
{
	return open_anonymous(MUSTER_BARRIER, parties, options);
}

int open_group(__u32 limit)
{
	return open_anonymous(MUSTER_GROUP, limit, 0);
}

int open_flight(__u32 handovers)
{
	return open_anonymous(MUSTER_FLIGHT, handovers, 0);
}

static void stat_or_die(int fd, unsigned int cmd, void *stat)
{
	if (ioctl(fd, cmd, stat))
		die("STAT");
}

static struct muster_sem_stat sem_stat_with(int fd, struct muster_process *list, __u32 room)
{
	struct muster_sem_stat stat = {
		.size = sizeof(stat),
		.processes = to_u64(list),
		.nr_processes = room,
	};

	stat_or_die(fd, MUSTER_SEM_STAT, &stat);
	return stat;
}

static struct muster_barrier_stat barrier_stat_with(int fd, struct muster_process *list,
						    __u32 room)
{
	struct muster_barrier_stat stat = {
		.size = sizeof(stat),
		.processes = to_u64(list),
		.nr_processes = room,
	};

	stat_or_die(fd, MUSTER_BARRIER_STAT, &stat);
	return stat;
}

struct muster_sem_stat sem_state(int fd)
{
	return sem_stat_with(fd, NULL, 0);
}

struct muster_barrier_stat barrier_state(int fd)
{
	return barrier_stat_with(fd, NULL, 0);
}

struct muster_flight_stat flight_state(int fd)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };

	stat_or_die(fd, MUSTER_FLIGHT_STAT, &stat);
	return stat;
}

struct muster_group_stat group_state(int fd)
{
	struct muster_group_stat stat = { .size = sizeof(stat) };

	stat_or_die(fd, MUSTER_GROUP_STAT, &stat);
	return stat;
}

__u32 sem_processes(int fd, struct muster_process *list, __u32 room)
{
	return sem_stat_with(fd, list, room).nr_processes;
}

__u32 barrier_processes(int fd, struct muster_process *list, __u32 room)
{
	return barrier_stat_with(fd, list, room).nr_processes;
}

int poll_now(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	if (poll(&pfd, 1, 0) < 0)
		die("poll");
	return pfd.revents;
}

/* ---- jobs ---- */

struct job acquire_by(int fd, __u64 permits, __u32 flags, __u64 deadline)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_SEM_ACQUIRE,
		.acquire = {
			.size = sizeof(struct muster_sem_acquire),
			.flags = flags,
			.permits = permits,
			.deadline = deadline,
		},
	};
}

struct job acquire(int fd, __u64 permits)
{
	return acquire_by(fd, permits, 0, MUSTER_FOREVER);
}

struct job try_acquire(int fd, __u64 permits)
{
	return acquire_by(fd, permits, MUSTER_WAIT_NONBLOCK, 0);
}

struct job release(int fd, __u64 permits)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_SEM_RELEASE,
		.release = {
			.size = sizeof(struct muster_sem_release),
			.permits = permits,
		},
	};
}

struct job set_limit(int fd, __u64 limit)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_SEM_SET_LIMIT,
		.set_limit = {
			.size = sizeof(struct muster_sem_set_limit),
			.limit = limit,
		},
	};
}

struct job await_by(int fd, __u32 flags, __u64 deadline)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_BARRIER_AWAIT,
		.await = {
			.size = sizeof(struct muster_barrier_await),
			.flags = flags,
			.deadline = deadline,
		},
	};
}

struct job await(int fd)
{
	return await_by(fd, 0, MUSTER_FOREVER);
}

int break_by_deadline(struct puppet *p, int fd)
{
	unsigned int ms = 10;
	int ret;

	do {
		ret = ask(p, await_by(fd, 0, in_ms(ms)));
		ms *= 2;
	} while (ret == -ETIMEDOUT && !barrier_state(fd).broken_by);
	return ret;
}

struct job complete(int fd, __u64 token, int status)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_BARRIER_COMPLETE,
		.complete = {
			.size = sizeof(struct muster_barrier_complete),
			.status = status,
			.token = token,
		},
	};
}

struct job reset(int fd)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_BARRIER_RESET,
		.reset = { .size = sizeof(struct muster_barrier_reset) },
	};
}

struct job join_by(int fd, const char *key, __u32 flags, __u64 deadline)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_FLIGHT_JOIN,
		.join = {
			.size = sizeof(struct muster_flight_join),
			.flags = flags,
			.key = to_u64(key),
			.key_len = strlen(key),
			.deadline = deadline,
			.buf_len = PUPPET_DATA,
		},
	};
}

struct job join(int fd, const char *key)
{
	return join_by(fd, key, 0, MUSTER_FOREVER);
}

struct job finish(int fd, const char *key, __u64 token, int status, const char *text)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_FLIGHT_FINISH,
		.finish = {
			.size = sizeof(struct muster_flight_finish),
			.key = to_u64(key),
			.key_len = strlen(key),
			.status = status,
			.token = token,
			.data = to_u64(text),
			.data_len = text ? strlen(text) : 0,
		},
	};
}

static struct job key_job(unsigned int cmd, int fd, const char *key, __u64 token)
{
	return (struct job){
		.fd = fd,
		.cmd = cmd,
		.key = {
			.size = sizeof(struct muster_flight_key),
			.key = to_u64(key),
			.key_len = strlen(key),
			.token = token,
		},
	};
}

struct job abandon(int fd, const char *key, __u64 token)
{
	return key_job(MUSTER_FLIGHT_ABANDON, fd, key, token);
}

struct job forget(int fd, const char *key, __u64 token)
{
	return key_job(MUSTER_FLIGHT_FORGET, fd, key, token);
}

struct job fetch(int fd, __u64 token, void *buf, __u64 len)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_FLIGHT_FETCH,
		.fetch = {
			.size = sizeof(struct muster_flight_fetch),
			.token = token,
			.buf = to_u64(buf),
			.buf_len = len,
		},
	};
}

static int run_ioctl(struct job *job)
{
	return call(job->fd, job->cmd, job->at ?: &job->arg);
}

static int or_errno(int ret)
{
	return ret < 0 ? -errno : ret;
}

struct job set_parties(int fd, __u32 parties)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_BARRIER_SET_PARTIES,
		.set_parties = {
			.size = sizeof(struct muster_barrier_set_parties),
			.parties = parties,
		},
	};
}

static struct job member_job(int fd, unsigned int cmd, __u32 seats)
{
	return (struct job){
		.fd = fd,
		.cmd = cmd,
		.member = { .size = sizeof(struct muster_barrier_member), .seats = seats },
	};
}

struct job enter(int fd, __u32 seats)
{
	return member_job(fd, MUSTER_BARRIER_ENTER, seats);
}

struct job leave(int fd, __u32 seats)
{
	return member_job(fd, MUSTER_BARRIER_LEAVE, seats);
}

struct job add_by(int fd, __u32 slots, __u32 flags, __u64 deadline)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_GROUP_ADD,
		.add = {
			.size = sizeof(struct muster_group_add),
			.flags = flags,
			.slots = slots,
			.deadline = deadline,
		},
	};
}

struct job add(int fd, __u32 slots)
{
	return add_by(fd, slots, 0, MUSTER_FOREVER);
}

struct job claim(int fd, __u64 slot)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_GROUP_CLAIM,
		.claim = { .size = sizeof(struct muster_group_claim), .slot = slot },
	};
}

struct job done(int fd, __u64 slot, int status, const char *text)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_GROUP_DONE,
		.done = {
			.size = sizeof(struct muster_group_done),
			.slot = slot,
			.status = status,
			.data = to_u64(text),
			.data_len = text ? strlen(text) : 0,
		},
	};
}

struct job wait_by(int fd, __u32 until, __u32 successes, __u32 flags, __u64 deadline)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_GROUP_WAIT,
		.wait = {
			.size = sizeof(struct muster_group_wait),
			.flags = flags,
			.until = until,
			.successes = successes,
			.deadline = deadline,
		},
	};
}

struct job wait_for(int fd, __u32 until, __u32 successes)
{
	return wait_by(fd, until, successes, 0, MUSTER_FOREVER);
}

struct job result_of(int fd, __u64 slot)
{
	return (struct job){
		.fd = fd,
		.cmd = MUSTER_GROUP_RESULT,
		.result = {
			.size = sizeof(struct muster_group_result),
			.slot = slot,
		},
	};
}

static struct job group_job(int fd, unsigned int cmd)
{
	return (struct job){
		.fd = fd,
		.cmd = cmd,
		.cancel = { .size = sizeof(struct muster_group_cancel) },
	};
}

struct job cancel(int fd)
{
	return group_job(fd, MUSTER_GROUP_CANCEL);
}

struct job reset_group(int fd)
{
	return group_job(fd, MUSTER_GROUP_RESET);
}

/* The flags are at the same place in the struct of every ioctl that waits. */
struct job as_ticket(struct job job)
{
	job.acquire.flags |= MUSTER_WAIT_TICKET;
	return job;
}

static int run_close(struct job *job)
{
	return or_errno(close(job->fd));
}

struct job do_close(int fd)
{
	return (struct job){ .run = run_close, .fd = fd };
}

static int run_dup(struct job *job)
{
	return or_errno(dup(job->fd));
}

struct job do_dup(int fd)
{
	return (struct job){ .run = run_dup, .fd = fd };
}

static int run_exit(struct job *job)
{
	_exit(job->arg[0]);
}

struct job do_exit(int status)
{
	return (struct job){ .run = run_exit, .arg = { status } };
}

void die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int run_setids(struct job *job)
{
	uid_t uid = job->arg[0];
	gid_t gid = job->arg[1];

	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	/* A change of credentials takes this away. */
	die_with_parent();
	return 0;
}

struct job do_setids(uid_t uid, gid_t gid)
{
	return (struct job){ .run = run_setids, .arg = { uid, gid } };
}

static int run_unshare(struct job *job)
{
	return or_errno(unshare(job->arg[0]));
}

struct job do_unshare(int flags)
{
	return (struct job){ .run = run_unshare, .arg = { flags } };
}

/* Becomes this very program again, which stops early on: see below. */
static int run_exec_sleep(struct job *job)
{
	(void)job;
	setenv("MUSTER_TEST_SLEEP", "1", 1);
	execl("/proc/self/exe", "sleep", NULL);
	return -errno;
}

struct job do_exec_sleep(void)
{
	return (struct job){ .run = run_exec_sleep };
}

static void __attribute__((constructor)) sleep_if_told(void)
{
	if (!getenv("MUSTER_TEST_SLEEP"))
		return;
	die_with_parent();
	for (;;)
		pause();
}

/* ---- puppets ---- */

static long futex(__u32 *word, int op, __u32 value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static __u32 mail_read(const struct puppet *p)
{
	return __atomic_load_n(&p->mail, __ATOMIC_ACQUIRE);
}

static void mail_write(struct puppet *p, enum mail mail)
{
	__atomic_store_n(&p->mail, mail, __ATOMIC_RELEASE);
	futex(&p->mail, FUTEX_WAKE, INT_MAX, NULL);
}

static void perform(struct puppet *p)
{
	struct job *job = &p->job;

	if (job->cmd == MUSTER_FLIGHT_JOIN && !job->join.buf && job->join.buf_len)
		job->join.buf = to_u64(p->data);
	p->ret = (job->run ?: run_ioctl)(job);
}

static void serve(struct puppet *p)
{
	__u32 mail;

	mail_write(p, MAIL_ANSWERED);
	for (;;) {
		mail = mail_read(p);
		if (mail != MAIL_ASKED) {
			futex(&p->mail, FUTEX_WAIT, mail, NULL);
			continue;
		}
		mail_write(p, MAIL_BUSY);
		perform(p);
		mail_write(p, MAIL_ANSWERED);
	}
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* A file of a thread in /proc; an empty string if it is gone. */
static void read_task(pid_t pid, pid_t tid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = 0;
}

/* The third field of stat and the twentieth, see proc(5). */
#define STATE_AND_THREADS	" %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d"

/* Has all of the process come to its end, whether somebody has waited for it or not? */
static bool has_ended(pid_t pid)
{
	char text[512], state, *end;
	int threads;

	read_task(pid, pid, "stat", text, sizeof(text));
	end = strrchr(text, ')');
	if (!end)
		return true;
	return sscanf(end + 1, STATE_AND_THREADS, &state, &threads) != 2 ||
	       (strchr("ZX", state) && threads <= 1);
}

/* What they had counts for their users, and may be found by its name, as long as they live. */
static void wait_for_latest_test(void)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;

	for (; cast->nr; cast->nr--) {
		while (!has_ended(cast->pids[cast->nr - 1])) {
			if (clock_ns(CLOCK_MONOTONIC) > end)
				die("a puppet of the test before does not die");
			nap();
		}
	}
	cast->test = getpid();
}

static struct puppet *new_puppet(void)
{
	unsigned int i;

	if (!stage) {
		wait_for_latest_test();
		stage = shared_memory(sizeof(*stage));
	}
	i = __atomic_fetch_add(&stage->nr, 1, __ATOMIC_RELAXED);
	if (i >= PUPPETS_MAX)
		die("too many puppets");
	return &stage->puppets[i];
}

static struct puppet *ready(struct puppet *p)
{
	if (hear(p) == STUCK)
		die("a puppet does not start");
	return p;
}

/* A new process, which shares with the test what clone(2)'s @flags say. */
struct puppet *puppet_clone(int flags)
{
	struct puppet *p = new_puppet();
	pid_t parent = getpid(), pid;

	pid = flags ? syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL) : fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		die_with_parent();
		/* In a PID namespace of its own it sees no parent. */
		if (getppid() && getppid() != parent)
			_exit(0);
		serve(p);
	}
	p->pid = pid;
	p->tid = pid;
	/* Those of puppets may be in a PID namespace of their own; they die with these. */
	if (parent == cast->test)
		cast->pids[__atomic_fetch_add(&cast->nr, 1, __ATOMIC_RELAXED)] = pid;
	return ready(p);
}

struct puppet *puppet(void)
{
	return puppet_clone(0);
}

static void *serve_thread(void *arg)
{
	struct puppet *p = arg;

	p->tid = syscall(SYS_gettid);
	serve(p);
	return NULL;
}

static int run_thread(struct job *job)
{
	struct puppet *p = (struct puppet *)job->arg[0];
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	p->pid = getpid();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 16384);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, serve_thread, p);
	pthread_attr_destroy(&attr);
	return -err;
}

/* A further thread of that puppet's process, or of the test's own for @me. */
struct puppet *puppet_thread(struct puppet *process)
{
	struct puppet *p = new_puppet();
	struct job job = { .run = run_thread, .arg = { (long)p } };

	errno = -ask(process, job);
	if (errno)
		die("pthread_create");
	return ready(p);
}

/* Has the puppet begin the job, and returns at once. @me does it at once. */
void tell(struct puppet *p, struct job job)
{
	p->job = job;
	if (p == me) {
		perform(p);
		return;
	}
	mail_write(p, MAIL_ASKED);
}

/* Waits for the end of the job. Returns its result, or STUCK. */
int hear(struct puppet *p)
{
	struct timespec a_moment = { .tv_nsec = 100 * NSEC_PER_MSEC };
	__u64 end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	__u32 mail;

	while (p != me && (mail = mail_read(p)) != MAIL_ANSWERED) {
		if (clock_ns(CLOCK_MONOTONIC) > end)
			return STUCK;
		futex(&p->mail, FUTEX_WAIT, mail, &a_moment);
	}
	return p->ret;
}

int ask(struct puppet *p, struct job job)
{
	tell(p, job);
	return hear(p);
}

/* Has it not ended its job yet? */
bool is_busy(const struct puppet *p)
{
	return mail_read(p) != MAIL_ANSWERED;
}

static void read_proc(const struct puppet *p, const char *file, char *text, size_t size)
{
	read_task(p->pid, p->tid, file, text, size);
}

/* Does it sleep in the middle of its job? */
static bool is_in_state(const struct puppet *p, const char *states)
{
	const char *state;
	char text[512];

	if (mail_read(p) != MAIL_BUSY)
		return false;
	read_proc(p, "stat", text, sizeof(text));
	state = strrchr(text, ')');
	return state && state[1] && strchr(states, state[2]);
}

bool is_asleep(const struct puppet *p)
{
	return is_in_state(p, "S");
}

bool is_still(const struct puppet *p)
{
	return is_in_state(p, "SD");
}

/* How often it has gone to sleep or been preempted so far. */
long switches(const struct puppet *p)
{
	static const char * const fields[] = {
		"\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:",
	};
	const char *found;
	char text[4096];
	long sum = 0;
	size_t i;

	read_proc(p, "status", text, sizeof(text));
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		found = strstr(text, fields[i]);
		if (!found)
			return -1;
		sum += atol(found + strlen(fields[i]));
	}
	return sum;
}

/* To this thread of the process. */
void signal_puppet(const struct puppet *p, int sig)
{
	if (syscall(SYS_tgkill, p->pid, p->tid, sig))
		die("tgkill");
}

/* The wait status of a puppet that dies, or STUCK. */
int wait_puppet(const struct puppet *p)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	int status;
	pid_t pid;

	while (!(pid = waitpid(p->pid, &status, WNOHANG))) {
		if (clock_ns(CLOCK_MONOTONIC) > end)
			return STUCK;
		nap();
	}
	if (pid < 0)
		die("waitpid");
	return status;
}

/* Returns when it is dead and all its descriptors are closed. */
void kill_puppet(struct puppet *p)
{
	kill(p->pid, SIGKILL);
	if (wait_puppet(p) == STUCK)
		die("a puppet does not die");
}

/* ---- module parameters ---- */

static int open_param(const char *name, int oflags)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/muster/parameters/%s", name);
	return open(path, oflags | O_CLOEXEC);
}

long long get_param(const char *name)
{
	int fd = open_param(name, O_RDONLY);
	char text[32] = "";
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? atoll(text) : -1;
}

bool set_param(const char *name, long long value)
{
	int fd = open_param(name, O_WRONLY);
	char text[32];
	bool done;
	int len;

	if (fd < 0)
		return false;
	len = snprintf(text, sizeof(text), "%lld", value);
	done = write(fd, text, len) == len;
	close(fd);
	return done;
}

/* ---- real time ---- */

#define RT_RUNTIME	"/proc/sys/kernel/sched_rt_runtime_us"

static char rt_runtime[32];

static bool swap_rt_runtime(const char *new, char *old)
{
	int fd = open(RT_RUNTIME, O_RDWR | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = !old || read(fd, old, sizeof(rt_runtime) - 1) > 0;
	done = done && pwrite(fd, new, strlen(new), 0) == (ssize_t)strlen(new);
	close(fd);
	return done;
}

bool be_alone(const struct puppet *with)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here) ||
	    (with && sched_setaffinity(with->tid, sizeof(here), &here)) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		return false;
	/* Others would get their share in the end. */
	return swap_rt_runtime("-1", rt_runtime);
}

void be_like_others(void)
{
	struct sched_param param = {};

	if (rt_runtime[0])
		swap_rt_runtime(rt_runtime, NULL);
	sched_setscheduler(0, SCHED_OTHER, &param);
}
