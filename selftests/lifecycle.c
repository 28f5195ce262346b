// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module comes and goes: under load, and not while it is in use
 *
 * For root, with the module's file named by MUSTER_MODULE, and nobody else using it.
 */
#include <dirent.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "waits.h"

#define OPENERS		2
#define CLIENTS		2	/* for each way to use the module */
#define KEY		"key"

/* The harness itself must not have the device open. */
static void __attribute__((constructor)) let_go_of_device(void)
{
	close(device_fd);
	device_fd = -1;
}

/* ---- loading and unloading ---- */

static const char sys_module[] = "/sys/module/muster";
static char parameters[1024];

static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n < 0 ? -errno : 0;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) == strlen(text);
	close(fd);
	return written;
}

/* How many use it; -1 if it is not loaded. */
static int use_count(void)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "%s/refcnt", sys_module);
	return read_text(path, text, sizeof(text)) ? -1 : atoi(text);
}

/* The parameters as they are, for the next time. */
static void save_parameters(void)
{
	DIR *dir = opendir("/sys/module/muster/parameters");
	struct dirent *entry;
	size_t used = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && used < sizeof(parameters))
			used += snprintf(parameters + used, sizeof(parameters) - used,
					 "%s=%lld ", entry->d_name, get_param(entry->d_name));
	}
	if (dir)
		closedir(dir);
}

static int load(void)
{
	const char *file = getenv("MUSTER_MODULE") ?: "";
	int fd = open(file, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "muster", O_NONBLOCK) ? -errno : 0;
}

static char modprobe_before[256];
static const char modprobe_path[] = "/proc/sys/kernel/modprobe";
static const char expedited[] = "/sys/kernel/rcu_expedited";

FIXTURE(module) {
	const char *missing;
};

/*
 * Nobody but us loads the module: opening the device could make the kernel call
 * modprobe(8). Unloading waits for RCU several times; that may be quick.
 */
FIXTURE_SETUP(module)
{
	const char *file = getenv("MUSTER_MODULE");

	if (geteuid())
		self->missing = "only root may load modules";
	else if (!file || access(file, R_OK))
		self->missing = "MUSTER_MODULE does not name the module's file";
	else if (use_count())
		self->missing = "others use the module";
	if (self->missing)
		return;
	save_parameters();
	read_text(modprobe_path, modprobe_before, sizeof(modprobe_before));
	write_text(modprobe_path, "\n");
	write_text(expedited, "1");
}

FIXTURE_TEARDOWN(module)
{
	if (self->missing)
		return;
	if (use_count() < 0)
		load();
	write_text(expedited, "0");
	write_text(modprobe_path, modprobe_before);
}

/* ---- under load ---- */

/**
 * struct traffic - what all who use the module share
 * @stop:	clients of a kind are to let go of the module
 * @pause:	openers, too
 * @served:	by client, calls that ended
 * @opened:	how often an opener found the device
 * @absent:	and how often it did not
 * @wrong:	an errno that nobody may see
 */
struct traffic {
	int stop[MAX_WAITS];
	int pause;
	unsigned long served[MAX_WAITS * CLIENTS];
	unsigned long opened;
	unsigned long absent;
	int wrong;
};

static struct traffic *traffic;

static void check_errno(int err, int first, ...)
{
	va_list more;
	int ok;

	va_start(more, first);
	for (ok = first; ok && ok != err; ok = va_arg(more, int))
		;
	va_end(more);
	if (err && !ok)
		__atomic_store_n(&traffic->wrong, err, __ATOMIC_RELAXED);
}

static bool told(const int *what)
{
	return __atomic_load_n(what, __ATOMIC_RELAXED);
}

static void tell_all(int *what, int value)
{
	__atomic_store_n(what, value, __ATOMIC_RELAXED);
	syscall(SYS_futex, what, FUTEX_WAKE, INT_MAX, NULL);
}

/* Without a claim to the processor, which those who load and unload need. */
static void sleep_while(int *what)
{
	while (told(what))
		syscall(SYS_futex, what, FUTEX_WAIT, 1, NULL);
}

static int try_device(void)
{
	int fd = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		check_errno(errno, ENOENT, ENODEV, ENXIO, 0);
	return fd;
}

/* Opens the device, and has it open for no longer than it takes to see that it works. */
static void opener(void)
{
	struct muster_info info;
	int fd;

	/* With rests: those who load and unload need the processor, too. */
	for (;; usleep(2000)) {
		sleep_while(&traffic->pause);
		get_param("calls_max");
		fd = try_device();
		if (fd < 0) {
			__atomic_add_fetch(&traffic->absent, 1, __ATOMIC_RELAXED);
			continue;
		}
		info = (struct muster_info){ .size = sizeof(info) };
		check_errno(-call(fd, MUSTER_INFO, &info), 0);
		close(fd);
		__atomic_add_fetch(&traffic->opened, 1, __ATOMIC_RELAXED);
	}
}

/* Puts right what a death or a deadline did to it. */
static void mend(const struct wait_kind *kind, int fd)
{
	if (kind->type == MUSTER_BARRIER)
		check_errno(-ask(me, reset(fd)), 0);
	if (kind->type == MUSTER_GROUP)
		check_errno(-ask(me, reset_group(fd)), EBUSY, 0);
}

/*
 * Meets the other clients of its kind: waits for them, by itself or by a ticket, and
 * makes them wait.
 */
static void meet(const struct wait_kind *kind, int fd, unsigned int n)
{
	struct job blocked;
	int ret;

	if (n % 3 == 0 && kind->block) {
		ret = ask(me, kind->block(fd));
		check_errno(-ret, EOWNERDEAD, ECANCELED, 0);
		blocked = me->job;
		kind->waiting(fd);
		if (!ret && !(blocked.cmd == MUSTER_FLIGHT_JOIN &&
			      blocked.join.role != MUSTER_ROLE_LEADER))
			check_errno(-ask(me, kind->grant(fd, &blocked)), 0);
		return;
	}
	ret = ask(me, kind->wait(fd, n % 3 == 1 ? MUSTER_WAIT_TICKET : 0, in_ms(2)));
	check_errno(ret < 0 ? -ret : 0, ETIMEDOUT, EPIPE, EOWNERDEAD, ECANCELED, 0);
	if (n % 3 == 1 && ret >= 0)
		close(ret);
	else if (ret)
		mend(kind, fd);
	else
		check_errno(-give_back(kind, fd, me), 0);
}

static void client(unsigned int nr)
{
	const struct wait_kind *kind = &waits[nr % nr_waits];
	struct muster_open how;
	unsigned int n;
	int fd;

	for (n = getpid();; n++) {
		sleep_while(&traffic->stop[nr % nr_waits]);
		device_fd = try_device();
		if (device_fd < 0) {
			nap();
			continue;
		}
		how = open_how(kind->type, kind->name, O_CREAT | O_CLOEXEC, kind->limit);
		fd = open_object(&how);
		close(device_fd);
		check_errno(fd < 0 ? -fd : 0, 0);
		meet(kind, fd, n);
		close(fd);
		__atomic_add_fetch(&traffic->served[nr], 1, __ATOMIC_RELAXED);
	}
}

/* A child that dies with us. */
static pid_t start(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

/* How long it took: refusals before it went. */
static int unload_sometime(void)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	int refused, ret;

	for (refused = 0; (ret = unload()) == -EWOULDBLOCK; refused++) {
		if (clock_ns(CLOCK_MONOTONIC) > end)
			return STUCK;
		/* Their descriptors are open more often than not. */
		if (refused == 200)
			tell_all(&traffic->pause, true);
	}
	tell_all(&traffic->pause, false);
	return ret ?: refused;
}

/* In most rounds clients of one kind, so that a round does not take long. */
static bool is_active(unsigned int round, unsigned int nr)
{
	return round % 20 == 0 || round % nr_waits == nr % nr_waits;
}

static bool all_served(const unsigned long *before, unsigned int round)
{
	unsigned int i;

	for (i = 0; i < nr_waits * CLIENTS; i++) {
		if (is_active(round, i) &&
		    __atomic_load_n(&traffic->served[i], __ATOMIC_RELAXED) == before[i])
			return false;
	}
	return true;
}

/* Whoever is of this round and not there comes, or comes back. */
static void begin_clients(pid_t *clients, unsigned int round)
{
	unsigned int i;

	for (i = 0; i < nr_waits * CLIENTS; i++) {
		if (!is_active(round, i))
			continue;
		tell_all(&traffic->stop[i % nr_waits], false);
		if (clients[i])
			continue;
		clients[i] = start();
		if (!clients[i])
			client(i);
	}
}

/* They end what they do; or are killed wherever they are, and buried later. */
static void end_clients(pid_t *clients, unsigned int round, bool by_force)
{
	unsigned int i;

	for (i = 0; i < nr_waits * CLIENTS; i++) {
		tell_all(&traffic->stop[i % nr_waits], true);
		if (by_force && is_active(round, i))
			kill(clients[i], SIGKILL);
	}
}

/*
 * Loaded, used in every way by processes that are then killed or let go, unloaded
 * while others open the device: so many times, and it is never in doubt whether it
 * is there. Not quite as many where loading takes a second.
 */
TEST_F_TIMEOUT(module, two_hundred_times, 600)
{
	unsigned int nr = nr_waits * CLIENTS, i, n, loads = 0, raced = 0;
	unsigned int wanted = slowness() > 1 ? 50 : 200;
	pid_t clients[MAX_WAITS * CLIENTS] = { }, openers[OPENERS];
	unsigned long before[MAX_WAITS * CLIENTS];
	bool by_force;
	int ret;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	traffic = shared_memory(sizeof(*traffic));
	ASSERT_EQ(0, unload());
	for (i = 0; i < OPENERS; i++) {
		openers[i] = start();
		if (!openers[i])
			opener();
	}
	for (n = 0; n < wanted; n++) {
		ASSERT_EQ(0, load());
		loads++;
		memcpy(before, traffic->served, sizeof(before));
		begin_clients(clients, n);
		ASSERT_SOON(all_served(before, n));
		by_force = n / nr_waits % 2;
		end_clients(clients, n, by_force);
		ret = unload_sometime();
		ASSERT_LE(0, ret);
		raced += ret > 0;
		if (loads % 50 == 0)
			TH_LOG("%u loads", loads);
		EXPECT_EQ(-1, use_count());
		for (i = 0; i < nr; i++) {
			if (by_force && is_active(n, i))
				end(&clients[i]);
		}
	}
	EXPECT_EQ(wanted, loads);
	EXPECT_EQ(0, traffic->wrong);
	/* It was a race: refused at times, and found absent at times. */
	EXPECT_LT(wanted / 4, raced);
	EXPECT_LT(wanted, traffic->opened);
	EXPECT_LT(wanted / 4, traffic->absent);
	TH_LOG("%u loads, %u times refused first; opened %lu times, absent %lu times", loads,
	       raced, traffic->opened, traffic->absent);
	for (i = 0; i < nr; i++)
		end(&clients[i]);
	for (i = 0; i < OPENERS; i++)
		end(&openers[i]);
	ASSERT_EQ(0, load());
	EXPECT_EQ(0, use_count());
}

/* ---- in use ---- */

/*
 * Every kind of descriptor: the device, and for each way to wait the object and a
 * ticket.
 */
static const char *kind_name(unsigned int n)
{
	static char name[64];

	if (!n)
		return "the device";
	snprintf(name, sizeof(name), "%s for: %s", n % 2 ? "object" : "ticket",
		 waits[(n - 1) / 2].name);
	return name;
}

static unsigned int nr_kinds(void)
{
	return 1 + 2 * nr_waits;
}

/* A descriptor of that kind, and no other. */
static int open_kind(unsigned int n)
{
	int device = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC), object, ticket;
	const struct wait_kind *kind = &waits[(n - 1) / 2];

	if (device < 0 || !n)
		return device;
	device_fd = device;
	object = open_named(kind->type, NULL, 0, kind->limit);
	close(device);
	device_fd = -1;
	if (object < 0 || n % 2)
		return object;
	/* An hour: the timer runs. */
	ticket = ask(me, kind->wait(object, MUSTER_WAIT_TICKET, in_ms(3600 * 1000)));
	close(object);
	return ticket;
}

#define FOR_EACH_KIND(fd)						\
	for (n = 0; n < nr_kinds() && ((fd) = open_kind(n)) >= 0; n++)

#define SAY_KIND() TH_LOG("%s", kind_name(n))

#define EXPECT_REFUSED() do {						\
	EXPECT_EQ(-EWOULDBLOCK, unload()) SAY_KIND();			\
	EXPECT_EQ(1, use_count()) SAY_KIND();				\
} while (0)

/* In use no more. That the module can go then is seen at the end. */
#define EXPECT_FREE() ASSERT_SOON(!use_count())

#define EXPECT_GOES() do {						\
	EXPECT_EQ(nr_kinds(), n) SAY_KIND();				\
	EXPECT_EQ(0, unload());						\
	EXPECT_EQ(0, load());						\
} while (0)

/* A descriptor that is open. */
TEST_F(module, open_descriptor)
{
	unsigned int n;
	int fd;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		EXPECT_REFUSED();
		close(fd);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* A descriptor of another process that just sleeps; until that is killed. */
TEST_F(module, other_process)
{
	unsigned int n;
	int fd;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		struct puppet *p = puppet();

		close(fd);
		EXPECT_REFUSED();
		kill_puppet(p);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* A process that is dead and not waited for has let go of everything. */
TEST_F(module, zombie)
{
	unsigned int n;
	siginfo_t info;
	int fd;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		struct puppet *p = puppet();

		close(fd);
		EXPECT_REFUSED();
		kill(p->pid, SIGKILL);
		ASSERT_EQ(0, waitid(P_PID, p->pid, &info, WEXITED | WNOWAIT));
		EXPECT_FREE();
		wait_puppet(p);
	}
	EXPECT_GOES();
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int run_end_main_thread(struct job *job)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_for_ever, NULL))
		return -errno;
	/* Not pthread_exit(), which a static program may lack the library for. */
	syscall(SYS_exit, 0);
	return 0;
}

static bool is_zombie(pid_t pid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return !read_text(path, text, sizeof(text)) && strstr(text, ") Z");
}

/* The main thread is dead, and another still has the file table. */
TEST_F(module, zombie_main_thread)
{
	struct job job = { .run = run_end_main_thread };
	unsigned int n;
	int fd;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		struct puppet *p = puppet();

		close(fd);
		tell(p, job);
		ASSERT_SOON(is_zombie(p->pid));
		EXPECT_REFUSED();
		kill_puppet(p);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* Sends them over a socket. */
static int send_fds(int socket, const int *fds, unsigned int nr)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = { }, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	return sendmsg(socket, &msg, 0) < 0 ? -errno : 0;
}

/* O1: in nobody's file table, on its way through a socket. */
TEST_F(module, in_flight)
{
	unsigned int n;
	int fd, pair[2];

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		ASSERT_EQ(0, send_fds(pair[0], &fd, 1));
		close(fd);
		EXPECT_REFUSED();
		close(pair[0]);
		EXPECT_REFUSED();
		close(pair[1]);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* Its release is for the kernel to find: the last to close is the garbage collector. */
static bool free_after_collection(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return false;
	close(pair[0]);
	close(pair[1]);
	return !use_count();
}

/* In a socket that is in flight through itself. */
TEST_F(module, in_a_cycle)
{
	unsigned int n;
	int fd, pair[2];

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		ASSERT_EQ(0, send_fds(pair[0], (int []){ fd, pair[1] }, 2));
		close(fd);
		EXPECT_REFUSED();
		close(pair[0]);
		close(pair[1]);
		ASSERT_SOON(free_after_collection());
	}
	EXPECT_GOES();
}

/* An epoll set does not keep what it watches. */
TEST_F(module, epoll)
{
	int fd, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	unsigned int n;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	ASSERT_LE(0, epoll);
	FOR_EACH_KIND(fd) {
		/* The device has nothing to wait for. */
		EXPECT_EQ(n ? 0 : -1, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
		EXPECT_REFUSED();
		close(fd);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* io_uring keeps files of its own. */
TEST_F(module, io_uring)
{
	struct io_uring_params params = { };
	unsigned int n;
	int fd, ring;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	ring = syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0)
		SKIP(return, "no io_uring: %s", strerror(errno));
	close(ring);
	FOR_EACH_KIND(fd) {
		params = (struct io_uring_params){ };
		ring = syscall(SYS_io_uring_setup, 1, &params);
		ASSERT_LE(0, ring);
		ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES,
				     &fd, 1));
		close(fd);
		EXPECT_REFUSED();
		close(ring);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

static bool is_lease_kind(unsigned int n)
{
	return n % 2 && waits[(n - 1) / 2].type == MUSTER_SEM;
}

/* L1: a lease is one more way to be in use, without a descriptor. Nothing else is mapped. */
TEST_F(module, mapping)
{
	unsigned int n;
	void *page;
	int fd;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		page = mmap(NULL, getpagesize(), PROT_READ, MAP_SHARED, fd, 0);
		if (is_lease_kind(n)) {
			ASSERT_NE(MAP_FAILED, page) SAY_KIND();
			close(fd);
			EXPECT_REFUSED();
			munmap(page, getpagesize());
		} else {
			EXPECT_EQ(MAP_FAILED, page);
			EXPECT_EQ(ENODEV, errno) SAY_KIND();
			close(fd);
		}
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* Whoever waits, and whom it waits for: both in their calls or done with them. */
TEST_F(module, waiters)
{
	unsigned int n;
	int fd;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	FOR_EACH_KIND(fd) {
		const struct wait_kind *kind = &waits[(n - 1) / 2];
		struct puppet *blocker, *waiter;

		if (n % 2 == 0) {
			close(fd);
			continue;
		}
		blocker = puppet();
		waiter = puppet();
		if (kind->block)
			ASSERT_EQ(0, ask(blocker, kind->block(fd)));
		tell(waiter, kind->wait(fd, 0, MUSTER_FOREVER));
		ASSERT_SOON(kind->waiting(fd) == 1);
		close(fd);
		EXPECT_REFUSED();
		kill_puppet(blocker);
		EXPECT_REFUSED();
		kill_puppet(waiter);
		EXPECT_FREE();
	}
	EXPECT_GOES();
}

/* F8, O3: results that are kept never hold the module back. */
TEST_F(module, kept_results)
{
	int fd = open_kind(3);
	struct job job;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	job = finish(fd, KEY, me->job.join.token, 0, "kept");
	job.finish.keep = MUSTER_FOREVER;
	ASSERT_EQ(0, ask(me, job));
	ASSERT_EQ(1, flight_state(fd).kept);
	close(fd);
	EXPECT_FREE();
	EXPECT_EQ(0, unload());
}

TEST_HARNESS_MAIN
