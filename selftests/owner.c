// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: W1 to W5
 *
 * The semaphore of these tests is named, so that they can look at it through a
 * descriptor that has nothing to do with those that things are held through.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define LIMIT	10

FIXTURE(owner) {
	const char *name;
	int fd;
	int look;
	struct puppet *a, *b;
};

FIXTURE_SETUP(owner)
{
	self->name = unique_name("");
	self->look = open_named(MUSTER_SEM, self->name, O_CREAT | O_EXCL | O_CLOEXEC, LIMIT);
	self->fd = open_named(MUSTER_SEM, self->name, 0, 0);
	ASSERT_LE(0, self->look);
	ASSERT_LE(0, self->fd);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(owner)
{
	close(self->fd);
	close(self->look);
}

#define EXPECT_HELD(permits) \
	EXPECT_EQ(permits, sem_state(self->look).held)

/* W1: any thread acquires, any other thread of the process releases. */
TEST_F(owner, any_thread)
{
	struct puppet *x = puppet_thread(self->a), *y = puppet_thread(self->a);

	ASSERT_EQ(0, ask(x, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(y, acquire(self->fd, 2)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 4)));
	EXPECT_EQ(0, ask(x, release(self->fd, 1)));
	EXPECT_HELD(0);
}

static int run_thread_exit(struct job *job)
{
	(void)job;
	return syscall(SYS_exit, 0);
}

/* W1, W2: a thread's end is not the process's: what it took stays held. */
TEST_F(owner, thread_exit)
{
	struct job thread_exit = { .run = run_thread_exit };
	struct puppet *x = puppet_thread(self->a);
	char path[64];

	ASSERT_EQ(0, ask(x, acquire(self->fd, 3)));
	snprintf(path, sizeof(path), "/proc/%d/task/%d", x->pid, x->tid);
	ASSERT_EQ(0, access(path, F_OK));
	tell(x, thread_exit);
	ASSERT_SOON(access(path, F_OK));
	EXPECT_HELD(3);
	EXPECT_EQ(0, ask(self->a, release(self->fd, 3)));
	EXPECT_HELD(0);
}

/* W1, W4: a hold ends by close, and that was not a clean release. */
TEST_F(owner, close)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	EXPECT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_HELD(0);
	EXPECT_EQ(1, sem_state(self->look).abandoned);
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 1)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, self->b->job.acquire.outcome);
}

/* W2: of two descriptors it takes both. */
TEST_F(owner, close_one_of_two)
{
	int dup;

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	dup = ask(self->a, do_dup(self->fd));
	ASSERT_LE(0, dup);
	EXPECT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_HELD(3);
	EXPECT_EQ(0, ask(self->a, acquire(dup, 1)));
	EXPECT_EQ(0, ask(self->a, release(dup, 2)));
	EXPECT_HELD(2);
	EXPECT_EQ(0, ask(self->a, do_close(dup)));
	EXPECT_HELD(0);
}

static int run_dup2(struct job *job)
{
	return dup2(job->arg[0], job->fd) < 0 ? -errno : 0;
}

/* W2: to put something else in the descriptor's place is to close it. */
TEST_F(owner, dup2_over_it)
{
	struct job over = { .run = run_dup2, .fd = self->fd, .arg = { device_fd } };

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	EXPECT_EQ(0, ask(self->a, over));
	EXPECT_HELD(0);
	EXPECT_EQ(-ENOTTY, ask(self->a, release(self->fd, 3)));
}

/* W2: the number of a closed descriptor is used again: nothing is held through it. */
TEST_F(owner, reused_descriptor)
{
	struct muster_open how = open_how(MUSTER_SEM, self->name, 0, 0);
	struct job open_again = {
		.fd = device_fd,
		.cmd = MUSTER_OPEN,
		.at = shared_memory(sizeof(how)),
	};
	struct puppet *c = puppet();

	memcpy(open_again.at, &how, sizeof(how));
	ASSERT_EQ(0, ask(c, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(c, do_close(self->fd)));
	EXPECT_EQ(-EBADF, ask(c, release(self->fd, 3)));
	ASSERT_EQ(self->fd, ask(c, open_again));
	EXPECT_EQ(-EPERM, ask(c, release(self->fd, 1)));
	EXPECT_HELD(0);
}

static int run_set_cloexec(struct job *job)
{
	return fcntl(job->fd, F_SETFD, FD_CLOEXEC);
}

/* Has the puppet's exec happened? */
static bool has_execed(const struct puppet *p)
{
	char path[64], text[16] = "";
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", p->pid);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	return n > 0 && !strcmp(text, "sleep");
}

/* W2: exec with close-on-exec ends the hold. */
TEST_F(owner, exec_with_cloexec)
{
	struct job set_cloexec = { .run = run_set_cloexec, .fd = self->fd };

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(self->a, set_cloexec));
	tell(self->a, do_exec_sleep());
	ASSERT_SOON(has_execed(self->a));
	EXPECT_HELD(0);
}

/* W2: exec without it does not: it is the same process with the same descriptor. */
TEST_F(owner, exec_without_cloexec)
{
	struct muster_process list[1];

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	tell(self->a, do_exec_sleep());
	ASSERT_SOON(has_execed(self->a));
	EXPECT_HELD(3);
	ASSERT_EQ(1, sem_processes(self->look, list, 1));
	EXPECT_EQ(self->a->pid, list[0].pid);
	kill_puppet(self->a);
	EXPECT_HELD(0);
}

/* W2: exit. */
TEST_F(owner, exit)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	tell(self->a, do_exit(0));
	EXPECT_EQ(0, wait_puppet(self->a));
	EXPECT_HELD(0);
}

/* W2: SIGKILL, of a process with several threads, some of which wait. */
TEST_F(owner, sigkill)
{
	struct puppet *x = puppet_thread(self->a), *y = puppet_thread(self->a);

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(x, acquire(self->fd, 4)));
	tell(x, acquire(self->fd, 8));
	tell(y, acquire(self->fd, 9));
	ASSERT_SOON(sem_state(self->look).waiters == 2);
	kill_puppet(self->a);
	EXPECT_HELD(0);
	EXPECT_EQ(0, sem_state(self->look).waiters);
	EXPECT_EQ(LIMIT, sem_state(self->look).available);
}

/* W3: a child does not inherit what its parent holds, and gives nothing of it back. */
TEST_F(owner, child_inherits_nothing)
{
	struct muster_process list[2];
	struct puppet *child;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 3)));
	child = puppet();
	EXPECT_EQ(-EPERM, ask(child, release(self->fd, 1)));
	ASSERT_EQ(1, sem_processes(self->look, list, 2));
	EXPECT_EQ(getpid(), list[0].pid);
	ASSERT_EQ(0, ask(child, do_close(self->fd)));
	EXPECT_HELD(3);
	kill_puppet(child);
	EXPECT_HELD(3);
	EXPECT_EQ(0, ask(me, release(self->fd, 3)));
}

/* W2: nor does a child that still has the open file keep its parent's hold alive. */
TEST_F(owner, child_keeps_nothing_alive)
{
	struct puppet *child;

	ASSERT_EQ(0, ask(me, acquire(self->fd, 3)));
	child = puppet();
	ASSERT_EQ(0, close(self->fd));
	EXPECT_HELD(0);
	/* The child's descriptor is as good as ever. */
	EXPECT_EQ(0, ask(child, acquire(self->fd, 2)));
	EXPECT_HELD(2);
	kill_puppet(child);
	EXPECT_HELD(0);
}

/* W1, W2: pre-forked workers share one open file and hold apart. */
TEST_F(owner, workers)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 4)));
	ASSERT_EQ(0, ask(me, acquire(self->fd, 1)));
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 4)));
	EXPECT_HELD(8);
	kill_puppet(self->a);
	EXPECT_HELD(5);
	EXPECT_EQ(0, ask(self->b, release(self->fd, 4)));
	EXPECT_HELD(1);
	EXPECT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_HELD(0);
}

/* W1, W2: the same for a leader of a flight and its worker siblings. */
TEST_F(owner, leading_worker)
{
	int fd = open_flight(0);
	struct puppet *x = puppet(), *y = puppet();

	ASSERT_EQ(0, ask(x, join(fd, "key")));
	EXPECT_EQ(-EPERM, ask(y, finish(fd, "key", x->job.join.token, 0, NULL)));
	tell(y, join(fd, "key"));
	ASSERT_SOON(flight_state(fd).followers == 1);
	kill_puppet(x);
	ASSERT_EQ(0, hear(y));
	EXPECT_EQ(MUSTER_ROLE_LEADER, y->job.join.role);
	close(fd);
}

/* ---- SCM_RIGHTS ---- */

static struct msghdr *fd_message(int fd)
{
	static char control[CMSG_SPACE(sizeof(int))];
	static char byte;
	static struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	static struct msghdr msg;
	struct cmsghdr *cmsg;

	msg = (struct msghdr){
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return &msg;
}

static int run_receive(struct job *job)
{
	struct msghdr *msg = fd_message(-1);
	int fd;

	if (recvmsg(job->fd, msg, 0) != 1)
		return -errno;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(msg)), sizeof(fd));
	return fd;
}

/* W1, W2, O1: a descriptor that was passed on holds for its new process alone. */
TEST_F(owner, passed_by_scm_rights)
{
	struct job receive = { .run = run_receive };
	struct puppet *c;
	int sock[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	c = puppet();
	ASSERT_EQ(0, ask(c, do_close(self->fd)));
	EXPECT_EQ(-EBADF, ask(c, acquire(self->fd, 1)));

	ASSERT_EQ(0, ask(me, acquire(self->fd, 3)));
	ASSERT_EQ(1, sendmsg(sock[0], fd_message(self->fd), 0));
	receive.fd = sock[1];
	fd = ask(c, receive);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, ask(c, release(fd, 1)));
	EXPECT_EQ(0, ask(c, acquire(fd, 4)));
	EXPECT_HELD(7);

	ASSERT_EQ(0, close(self->fd));
	EXPECT_HELD(4);
	kill_puppet(c);
	EXPECT_HELD(0);
}

/* W2: an open file on its way between processes holds nothing for its sender. */
TEST_F(owner, on_its_way)
{
	int sock[2];

	ASSERT_EQ(0, ask(self->a, do_close(self->fd)));
	ASSERT_EQ(0, ask(self->b, do_close(self->fd)));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	ASSERT_EQ(0, ask(me, acquire(self->fd, 3)));
	ASSERT_EQ(1, sendmsg(sock[0], fd_message(self->fd), 0));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_HELD(0);
	close(sock[0]);
	close(sock[1]);
}

/* ---- shared file tables ---- */

/* W1, W2: processes that share their file table hold as one. */
TEST_F(owner, shared_file_table)
{
	struct puppet *c = puppet_clone(CLONE_FILES);

	ASSERT_EQ(0, ask(c, acquire(self->fd, 3)));
	EXPECT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_HELD(2);
	kill_puppet(c);
	EXPECT_HELD(2);
	EXPECT_EQ(0, ask(me, release(self->fd, 1)));
	EXPECT_HELD(1);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_HELD(0);
}

/* W1, W3: a thread that takes its file table apart is an owner of its own. */
TEST_F(owner, unshared_file_table)
{
	struct puppet *x = puppet_thread(self->a);

	ASSERT_EQ(0, ask(x, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(x, do_unshare(CLONE_FILES)));
	EXPECT_EQ(-EPERM, ask(x, release(self->fd, 1)));
	ASSERT_EQ(0, ask(x, acquire(self->fd, 4)));
	EXPECT_HELD(7);
	EXPECT_EQ(0, ask(self->a, release(self->fd, 3)));
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(0, ask(x, do_close(self->fd)));
	EXPECT_HELD(0);
}

/* W2, W3: a vforked child is a process like any other. */
TEST_F(owner, vfork)
{
	static struct muster_sem_acquire args;
	int status;
	pid_t pid;

	args = acquire(self->fd, 4).acquire;
	ASSERT_EQ(0, ask(me, acquire(self->fd, 3)));
	pid = vfork();
	if (!pid)
		_exit(call(self->fd, MUSTER_SEM_ACQUIRE, &args) ||
		      sem_state(self->look).held != 7);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_HELD(3);
	EXPECT_EQ(0, ask(me, release(self->fd, 3)));
}

/* ---- a descriptor is closed under a thread that waits ---- */

/* W2: the waiting thread gets EBADF, and leaves the queue. */
TEST_F(owner, closed_while_waiting)
{
	struct puppet *x = puppet_thread(self->a);

	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 10)));
	tell(x, acquire(self->fd, 1));
	ASSERT_SOON(sem_state(self->look).waiters == 1);
	ASSERT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_EQ(-EBADF, hear(x));
	EXPECT_EQ(0, sem_state(self->look).waiters);
	EXPECT_HELD(10);
}

/* W2: not if another descriptor of the same open file is left. */
TEST_F(owner, other_closed_while_waiting)
{
	struct puppet *x = puppet_thread(self->a);
	int dup;

	dup = ask(self->a, do_dup(self->fd));
	ASSERT_LE(0, dup);
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 10)));
	tell(x, acquire(dup, 1));
	ASSERT_SOON(sem_state(self->look).waiters == 1);
	ASSERT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_EQ(1, sem_state(self->look).waiters);
	ASSERT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(0, hear(x));
	ASSERT_EQ(0, ask(self->a, do_close(dup)));
	EXPECT_HELD(9);
}

/* W2, F5: a follower's, too; the flight goes on. */
TEST_F(owner, closed_while_following)
{
	struct puppet *x, *c;
	int fd = open_flight(0);

	c = puppet();
	x = puppet_thread(c);
	ASSERT_EQ(0, ask(me, join(fd, "key")));
	tell(x, join(fd, "key"));
	ASSERT_SOON(flight_state(fd).followers == 1);
	ASSERT_EQ(0, ask(c, do_close(fd)));
	EXPECT_EQ(-EBADF, hear(x));
	EXPECT_EQ(0, flight_state(fd).followers);
	EXPECT_EQ(0, ask(me, finish(fd, "key", me->job.join.token, 0, NULL)));
	close(fd);
}

/*
 * W2: close races with acquire in another thread. Either it came in time, or it
 * failed, or what it got went away by the close: never is anything left held.
 */
TEST_F(owner, close_races_with_acquire)
{
	struct muster_open how = open_how(MUSTER_SEM, self->name, 0, 0);
	struct job open_again = {
		.fd = device_fd,
		.cmd = MUSTER_OPEN,
		.at = shared_memory(sizeof(how)),
	};
	struct puppet *c = puppet(), *x = puppet_thread(c);
	int i, fd = self->fd, verdict;

	memcpy(open_again.at, &how, sizeof(how));
	for (i = 0; i < 200; i++) {
		tell(x, acquire(fd, 1));
		tell(c, do_close(fd));
		verdict = hear(x);
		ASSERT_TRUE(verdict == 0 || verdict == -EBADF);
		ASSERT_EQ(0, hear(c));
		ASSERT_SOON(sem_state(self->look).held == 0);
		fd = ask(c, open_again);
		ASSERT_LE(0, fd);
	}
	EXPECT_EQ(LIMIT, sem_state(self->look).available);
	EXPECT_EQ(0, sem_state(self->look).nr_processes);
}

/* What has been got before another descriptor went is had by way of this one. */
static int run_dup_and_acquire(struct job *job)
{
	struct muster_sem_acquire args = {
		.size = sizeof(args), .flags = MUSTER_WAIT_NONBLOCK, .permits = 1,
	};
	int fd = dup(job->fd), ret;

	if (fd < 0)
		return -errno;
	ret = call(fd, MUSTER_SEM_ACQUIRE, &args);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/*
 * W2: closing the last descriptor races with dup() and an acquire by the new one. What is
 * acquired stays, as a descriptor is left: or it was not acquired.
 */
TEST_F_TIMEOUT(owner, close_races_with_dup, 120)
{
	struct muster_open how = open_how(MUSTER_SEM, self->name, 0, 0);
	struct job open_again = {
		.fd = device_fd,
		.cmd = MUSTER_OPEN,
		.at = shared_memory(sizeof(how)),
	};
	struct job dup_it = { .run = run_dup_and_acquire };
	struct puppet *c = puppet(), *x = puppet_thread(c);
	int i, got;

	memcpy(open_again.at, &how, sizeof(how));
	ASSERT_EQ(0, ask(c, do_close(self->fd)));
	for (i = 0; i < 500; i++) {
		dup_it.fd = ask(c, open_again);
		ASSERT_LE(0, dup_it.fd);
		/* From now on it is an owner. */
		ASSERT_EQ(0, ask(c, acquire(dup_it.fd, 1)));
		ASSERT_EQ(0, ask(c, release(dup_it.fd, 1)));
		tell(x, dup_it);
		tell(c, do_close(dup_it.fd));
		got = hear(x);
		ASSERT_EQ(0, hear(c));
		if (got >= 0) {
			ASSERT_EQ(1, sem_state(self->look).held);
			ASSERT_EQ(0, ask(c, release(got, 1)));
			ASSERT_EQ(0, ask(c, do_close(got)));
		} else {
			ASSERT_EQ(-EBADF, got);
		}
		ASSERT_EQ(LIMIT, sem_state(self->look).available);
	}
}

/* ---- identity ---- */

static int run_list(struct job *job)
{
	struct muster_process *list = (struct muster_process *)job->arg[0];

	return sem_processes(job->fd, list, 2);
}

/* W5, S6: process ids are those of the reader's PID namespace, 0 if there is none. */
TEST_F(owner, pid_namespace)
{
	struct muster_process *list = shared_memory(2 * sizeof(*list));
	struct job job = { .run = run_list, .fd = self->fd, .arg = { (long)list } };
	struct puppet *c, *d;

	if (geteuid())
		SKIP(return, "needs root for a PID namespace");
	d = puppet();
	ASSERT_EQ(0, ask(d, acquire(self->fd, 1)));
	c = puppet_clone(CLONE_NEWPID);
	ASSERT_EQ(0, ask(c, acquire(self->fd, 2)));
	ASSERT_EQ(2, ask(c, job));
	EXPECT_EQ(0, list[0].pid);
	EXPECT_EQ(1, list[1].pid);
	ASSERT_EQ(2, ask(d, job));
	EXPECT_EQ(d->pid, list[0].pid);
	EXPECT_EQ(c->pid, list[1].pid);
}

TEST_HARNESS_MAIN
