// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets: waiting without a thread (T5)
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY	"key"
#define MANY	10000

/* A ticket of the test's own, or a negative errno. */
static int ticket(struct job job)
{
	return ask(me, as_ticket(job));
}

static bool is_settled(int fd)
{
	return poll_now(fd) & POLLIN;
}

/* What the ticket says; @data is the result's bytes, if there is to be one. */
static struct muster_verdict verdict(int fd, char *data, size_t room)
{
	char buf[sizeof(struct muster_verdict) + 256] = "";
	struct muster_verdict v = { .error = 1 };
	ssize_t len = read(fd, buf, sizeof(v) + room);

	if (len < (ssize_t)sizeof(v))
		return v;
	memcpy(&v, buf, sizeof(v));
	if (data)
		memcpy(data, buf + v.size, len - v.size);
	return v;
}

#define EXPECT_ERROR(err, fd) do {					\
	ASSERT_SOON(is_settled(fd));					\
	EXPECT_EQ(err, verdict(fd, NULL, 0).error);			\
} while (0)

/* Makes a ticket in a puppet, and tells the result to the test. */
static int run_ticket(struct job *job)
{
	return call(job->fd, job->arg[0], (void *)job->at);
}

/* @page holds the struct, since the puppet is another process. */
static struct job in_puppet(void *page, struct job job)
{
	struct job run = { .run = run_ticket, .fd = job.fd, .arg = { job.cmd }, .at = page };

	job = as_ticket(job);
	memcpy(page, &job.join, sizeof(job.join));
	return run;
}

FIXTURE(ticket) {
	int sem, flight, barrier, action;
	struct puppet *a, *b;
	int alive[2];
	void *page;
};

FIXTURE_SETUP(ticket)
{
	self->page = shared_memory(getpagesize());
	ASSERT_EQ(0, pipe(self->alive));
	self->sem = open_sem(2);
	self->flight = open_flight(3);
	self->barrier = open_barrier(2, 0);
	self->action = open_barrier(2, MUSTER_BARRIER_ACTION);
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(ticket)
{
}

/* T5: what is free is granted at once, and held through the ticket (W1). */
TEST_F(ticket, granted_at_once)
{
	int fd = ticket(acquire(self->sem, 2));
	struct muster_verdict v;
	char path[32], link[64] = "";

	ASSERT_LE(0, fd);
	EXPECT_EQ(POLLIN, poll_now(fd));
	v = verdict(fd, NULL, 0);
	EXPECT_EQ(sizeof(v), v.size);
	EXPECT_EQ(0, v.error);
	EXPECT_EQ(1, v.token);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("anon_inode:[muster-ticket]", link);

	EXPECT_EQ(-EPERM, ask(me, release(self->sem, 1)));
	EXPECT_EQ(0, ask(me, release(fd, 1)));
	EXPECT_EQ(1, sem_state(self->sem).held);
	close(fd);
	EXPECT_EQ(0, sem_state(self->sem).held);
	EXPECT_EQ(1, sem_state(self->sem).abandoned);
}

/* T5, T1: it waits in the same queue as everybody. */
TEST_F(ticket, waits)
{
	int fd, other;

	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
	fd = ticket(acquire(self->sem, 1));
	other = ticket(acquire(self->sem, 1));
	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	EXPECT_EQ(2, sem_state(self->sem).waiters);
	EXPECT_EQ(0, poll_now(fd));
	ASSERT_EQ(0, ask(self->a, release(self->sem, 1)));
	EXPECT_ERROR(0, fd);
	EXPECT_EQ(0, poll_now(other));
	/* It says the same again. */
	EXPECT_EQ(2, verdict(fd, NULL, 0).token);
	EXPECT_EQ(2, verdict(fd, NULL, 0).token);
	EXPECT_EQ(1, sem_state(self->sem).waiters);
	/* What it gave back goes on. */
	close(fd);
	EXPECT_ERROR(0, other);
	close(other);
	EXPECT_EQ(1, sem_state(self->sem).held);
}

/* T5, S5: closed before the verdict it leaves the queue. */
TEST_F(ticket, closed_while_it_waits)
{
	int fd, copy;

	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 1)));
	fd = ticket(acquire(self->sem, 2));
	tell(self->b, acquire(self->sem, 1));
	ASSERT_SOON(sem_state(self->sem).waiters == 2);
	/* A duplicate keeps it (W2). */
	copy = dup(fd);
	close(fd);
	EXPECT_EQ(2, sem_state(self->sem).waiters);
	close(copy);
	EXPECT_EQ(0, hear(self->b));
	EXPECT_EQ(0, sem_state(self->sem).waiters);
	EXPECT_EQ(2, sem_state(self->sem).held);
}

/* T5, T2: a ticket has a deadline. */
TEST_F(ticket, deadline)
{
	int fd;

	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
	fd = ticket(acquire_by(self->sem, 1, 0, in_ms(20)));
	EXPECT_ERROR(-ETIMEDOUT, fd);
	EXPECT_EQ(0, sem_state(self->sem).waiters);
	fd = ticket(acquire_by(self->sem, 1, MUSTER_WAIT_REALTIME, 1));
	EXPECT_ERROR(-ETIMEDOUT, fd);
	/* What is free is granted even so. */
	ASSERT_EQ(0, ask(self->a, release(self->sem, 1)));
	fd = ticket(acquire_by(self->sem, 1, 0, 1));
	EXPECT_ERROR(0, fd);
	EXPECT_EQ(2, sem_state(self->sem).held);
}

/* T5, S2: what can be refused at once is an error of the ioctl. */
TEST_F(ticket, refused)
{
	struct job job = acquire_by(self->sem, 1, MUSTER_WAIT_NONBLOCK, 0);
	struct rlimit none = { 0, 4096 };

	EXPECT_EQ(-EINVAL, ticket(job));
	EXPECT_EQ(-ERANGE, ticket(acquire(self->sem, 3)));
	EXPECT_EQ(-ETIMEDOUT, ticket(await_by(self->barrier, 0, 1)));
	EXPECT_EQ(-ENOENT, ticket(join_by(self->flight, KEY, MUSTER_JOIN_NO_LEAD,
					  MUSTER_FOREVER)));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, ticket(acquire(self->sem, 1)));
	EXPECT_EQ(0, sem_state(self->sem).held);
	EXPECT_EQ(0, sem_state(self->sem).waiters);
}

/* T5: read(2) waits, or does not; a short or wild buffer changes nothing. */
TEST_F(ticket, reading)
{
	struct muster_verdict v;
	int fd;

	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
	fd = ticket(acquire(self->sem, 1));
	EXPECT_EQ(-1, read(fd, &v, sizeof(v) - 1));
	EXPECT_EQ(EINVAL, errno);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-1, read(fd, &v, sizeof(v)));
	EXPECT_EQ(EAGAIN, errno);
	fcntl(fd, F_SETFL, 0);
	tell(self->a, release(self->sem, 1));
	EXPECT_EQ(sizeof(v), read(fd, &v, sizeof(v)));
	EXPECT_EQ(0, v.error);
	EXPECT_EQ(-1, syscall(SYS_read, fd, 8L, sizeof(v)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(2, sem_state(self->sem).held);
	EXPECT_EQ(-1, read(self->sem, &v, sizeof(v)));
}

/* T5, W2, W3: a forked child that has the ticket reads it, but holds nothing. */
TEST_F(ticket, inherited)
{
	struct puppet *maker = puppet(), *child;
	int fd;

	ASSERT_EQ(0, ask(me, acquire(self->sem, 2)));
	/* Of this process, before the child is made. */
	fd = ticket(acquire(self->sem, 1));
	child = puppet();
	EXPECT_EQ(0, ask(child, do_close(fd)));
	EXPECT_EQ(1, sem_state(self->sem).waiters);
	kill_puppet(child);
	EXPECT_EQ(1, sem_state(self->sem).waiters);
	EXPECT_EQ(0, poll_now(fd));
	ASSERT_EQ(0, ask(me, release(self->sem, 1)));
	EXPECT_ERROR(0, fd);
	kill_puppet(maker);
}

/* The puppet makes a ticket, forks a child that keeps it, and says its number. */
static int run_ticket_and_child(struct job *job)
{
	int fd = run_ticket(job), to = job->arg[1];

	if (fd < 0)
		return fd;
	if (dup2(fd, to) < 0)
		return -errno;
	close(fd);
	if (fork() == 0) {
		/* Lives as long as the test, whoever else dies. */
		close(job->arg[3]);
		fd = read(job->arg[2], &to, 1);
		_exit(0);
	}
	return to;
}

/* T5, W2: its maker is killed; that somebody else has it open changes nothing. */
TEST_F(ticket, maker_dies)
{
	struct job job = in_puppet(self->page, acquire(self->sem, 2));

	ASSERT_EQ(0, ask(self->b, acquire(self->sem, 1)));
	job.run = run_ticket_and_child;
	job.arg[1] = 700;
	job.arg[2] = self->alive[0];
	job.arg[3] = self->alive[1];
	ASSERT_EQ(700, ask(self->a, job));
	EXPECT_EQ(1, sem_state(self->sem).waiters);
	kill_puppet(self->a);
	ASSERT_SOON(sem_state(self->sem).waiters == 0);
	EXPECT_EQ(1, sem_state(self->sem).held);
}

/* T5, W2, W4: and so does what the ticket was granted. */
TEST_F(ticket, maker_dies_with_a_grant)
{
	struct job job = in_puppet(self->page, acquire(self->sem, 2));

	job.run = run_ticket_and_child;
	job.arg[1] = 700;
	job.arg[2] = self->alive[0];
	job.arg[3] = self->alive[1];
	ASSERT_EQ(700, ask(self->a, job));
	EXPECT_EQ(2, sem_state(self->sem).held);
	kill_puppet(self->a);
	ASSERT_SOON(sem_state(self->sem).held == 0);
	EXPECT_EQ(1, sem_state(self->sem).abandoned);
}

static int send_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(to, &msg, 0) == 1 ? 0 : -errno;
}

static int run_receive(struct job *job)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(job->fd, &msg, 0) != 1)
		return -errno;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static int run_verdict(struct job *job)
{
	return verdict(job->fd, NULL, 0).error;
}

/* T5: passed to another process it is read there; the hold remains its maker's. */
TEST_F(ticket, passed_on)
{
	struct job job = { .run = run_receive };
	struct puppet *other;
	int pair[2], fd, far;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	other = puppet();
	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
	fd = ticket(acquire(self->sem, 1));
	ASSERT_EQ(0, send_fd(pair[0], fd));
	job.fd = pair[1];
	far = ask(other, job);
	ASSERT_LE(0, far);
	tell(other, (struct job){ .run = run_verdict, .fd = far });
	ASSERT_SOON(is_asleep(other));
	ASSERT_EQ(0, ask(self->a, release(self->sem, 2)));
	EXPECT_EQ(0, hear(other));
	EXPECT_EQ(-EPERM, ask(other, release(far, 1)));
	EXPECT_EQ(1, sem_state(self->sem).held);
	close(fd);
	EXPECT_EQ(0, sem_state(self->sem).held);
}

/* T5, F1, F3: a ticket follows; the result is read from it, again and again. */
TEST_F(ticket, follows)
{
	struct muster_verdict v;
	char data[256] = "";
	int fd, i;

	ASSERT_EQ(0, ask(self->a, join(self->flight, KEY)));
	fd = ticket(join(self->flight, KEY));
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, flight_state(self->flight).followers);
	EXPECT_EQ(0, poll_now(fd));
	ASSERT_EQ(0, ask(self->a, finish(self->flight, KEY, self->a->job.join.token, 5,
					 "the answer")));
	ASSERT_SOON(is_settled(fd));
	for (i = 0; i < 3; i++) {
		memset(data, 0, sizeof(data));
		v = verdict(fd, data, i ? 256 : 3);
		EXPECT_EQ(0, v.error);
		EXPECT_EQ(MUSTER_ROLE_FOLLOWER, v.role);
		EXPECT_EQ(5, v.status);
		EXPECT_EQ(1, v.shared);
		EXPECT_EQ(1, v.attempt);
		EXPECT_EQ(10, v.result_len);
		EXPECT_STREQ(i ? "the answer" : "the", data);
	}
	close(fd);
}

#define OTHER	"other"
/* As many as are told of a result before they get a chance to run. */
#define BATCH	16

/* Follows KEY, lets another go, and follows OTHER at once. */
static int follow_on(struct job *job)
{
	struct job first = join_by(job->fd, KEY, MUSTER_JOIN_NO_RESULT, MUSTER_FOREVER);
	struct job then = join_by(job->fd, OTHER, MUSTER_JOIN_NO_RESULT, MUSTER_FOREVER);
	int ret = call(job->fd, first.cmd, &first.join);

	if (!ret && write(job->arg[0], "", 1) != 1)
		ret = -errno;
	return ret ?: call(job->fd, then.cmd, &then.join);
}

/* Follows OTHER when it is let go. */
static int follow_behind(struct job *job)
{
	struct job join = join_by(job->fd, OTHER, MUSTER_JOIN_NO_RESULT, MUSTER_FOREVER);
	char c;

	if (read(job->arg[0], &c, 1) != 1)
		return -errno;
	return call(job->fd, join.cmd, &join.join);
}

static bool run_here(const struct puppet *p, int priority)
{
	struct sched_param param = { .sched_priority = priority };
	cpu_set_t here;

	return !sched_getaffinity(0, sizeof(here), &here) &&
	       !sched_setaffinity(p->tid, sizeof(here), &here) &&
	       !sched_setscheduler(p->tid, SCHED_FIFO, &param);
}

/*
 * T5, F1: a ticket is told after a thread which has followed something else since: nobody
 * is taken out of the queue in which that is now.
 */
TEST_F(ticket, behind_a_thread)
{
	struct job on = { .run = follow_on, .fd = self->flight };
	struct job behind = { .run = follow_behind, .fd = self->flight };
	struct puppet *leader = self->a, *first, *second;
	int fd, i, gate[2];
	__u64 token;

	ASSERT_EQ(0, pipe(gate));
	first = puppet();
	second = puppet();
	on.arg[0] = gate[1];
	behind.arg[0] = gate[0];
	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	ASSERT_EQ(0, ask(leader, join(self->flight, OTHER)));
	for (i = 1; i < BATCH; i++)
		tell(puppet(), join(self->flight, KEY));
	ASSERT_SOON(flight_state(self->flight).followers == BATCH - 1);
	tell(first, on);
	ASSERT_SOON(flight_state(self->flight).followers == BATCH);
	fd = ticket(join(self->flight, KEY));
	ASSERT_LE(0, fd);
	tell(second, behind);
	ASSERT_SOON(is_asleep(first) && is_asleep(second));
	if (!be_alone(NULL) || !run_here(first, 3) || !run_here(second, 2)) {
		be_like_others();
		SKIP(return, "may not run in real time");
	}
	/* @first is told and goes on to OTHER, behind it @second, before the ticket is told. */
	EXPECT_EQ(0, ask(me, finish(self->flight, KEY, token, 0, "x")));
	EXPECT_EQ(BATCH + 1, me->job.finish.followers);
	be_like_others();
	ASSERT_SOON(is_settled(fd));
	ASSERT_SOON(flight_state(self->flight).followers == 2);
	ASSERT_EQ(0, ask(leader, finish(self->flight, OTHER, leader->job.join.token, 0, "x")));
	EXPECT_EQ(2, leader->job.finish.followers);
	EXPECT_EQ(0, hear(first));
	EXPECT_EQ(0, hear(second));
}

/* T5, F6: leadership is offered to a ticket, which finishes; a close hands it over. */
TEST_F(ticket, leads)
{
	int first = ticket(join(self->flight, KEY)), second, third;
	struct muster_verdict v;

	EXPECT_EQ(MUSTER_ROLE_LEADER, verdict(first, NULL, 0).role);
	second = ticket(join(self->flight, KEY));
	third = ticket(join(self->flight, KEY));
	EXPECT_EQ(0, poll_now(second));
	close(first);
	EXPECT_ERROR(0, second);
	EXPECT_EQ(0, poll_now(third));
	v = verdict(second, NULL, 0);
	EXPECT_EQ(MUSTER_ROLE_LEADER, v.role);
	EXPECT_EQ(2, v.attempt);
	EXPECT_EQ(1, v.shared);
	EXPECT_EQ(-EPERM, ask(me, finish(self->flight, KEY, v.token, 0, NULL)));
	EXPECT_EQ(0, ask(me, finish(second, KEY, v.token, 0, "x")));
	EXPECT_ERROR(0, third);
	EXPECT_EQ(1, verdict(third, NULL, 0).result_len);
	EXPECT_EQ(0, flight_state(self->flight).calls);
}

/* T5, W1: a thread may lead through a ticket that follows: both are of one owner. */
TEST_F(ticket, led_through)
{
	struct puppet *thread = puppet_thread(me);
	struct muster_verdict v;
	char data[8] = "";
	__u64 token;
	int fd;

	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	fd = ticket(join_by(self->flight, KEY, MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER));
	tell(thread, join(fd, KEY));
	ASSERT_SOON(flight_state(self->flight).followers == 2);
	ASSERT_EQ(0, ask(me, abandon(self->flight, KEY, token)));
	ASSERT_EQ(0, hear(thread));
	EXPECT_EQ(MUSTER_ROLE_LEADER, thread->job.join.role);
	EXPECT_EQ(0, poll_now(fd));
	ASSERT_EQ(0, ask(thread, finish(fd, KEY, thread->job.join.token, 0, "x")));
	EXPECT_ERROR(0, fd);
	v = verdict(fd, data, sizeof(data));
	EXPECT_EQ(MUSTER_ROLE_FOLLOWER, v.role);
	EXPECT_EQ(1, v.result_len);
	EXPECT_EQ('x', data[0]);
}

/* F6, T5: or after it. */
TEST_F(ticket, led_through_after)
{
	struct puppet *thread = puppet_thread(me);
	struct muster_verdict v;
	__u64 token;
	int fd;

	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	fd = ticket(join(self->flight, KEY));
	tell(thread, join(fd, KEY));
	ASSERT_SOON(flight_state(self->flight).followers == 2);
	ASSERT_EQ(0, ask(me, abandon(self->flight, KEY, token)));
	EXPECT_ERROR(0, fd);
	v = verdict(fd, NULL, 0);
	EXPECT_EQ(MUSTER_ROLE_LEADER, v.role);
	EXPECT_EQ(0, poll_now(fd) & POLLPRI);
	ASSERT_EQ(0, ask(me, abandon(fd, KEY, v.token)));
	ASSERT_EQ(0, hear(thread));
	EXPECT_EQ(MUSTER_ROLE_LEADER, thread->job.join.role);
	EXPECT_EQ(0, poll_now(fd) & POLLPRI);
	ASSERT_EQ(0, ask(thread, finish(fd, KEY, thread->job.join.token, 0, "x")));
	EXPECT_EQ(v.token, verdict(fd, NULL, 0).token);
	EXPECT_EQ(0, flight_state(self->flight).calls);
}

/* T5: who wants no result has none, but learns its size and status. */
TEST_F(ticket, no_result)
{
	struct muster_verdict v;
	char data[8] = "";
	__u64 token;
	int fd;

	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	fd = ticket(join_by(self->flight, KEY, MUSTER_JOIN_NO_RESULT, MUSTER_FOREVER));
	ASSERT_EQ(0, ask(me, finish(self->flight, KEY, token, 5, "result")));
	EXPECT_ERROR(0, fd);
	v = verdict(fd, data, sizeof(data));
	EXPECT_EQ(5, v.status);
	EXPECT_EQ(strlen("result"), v.result_len);
	EXPECT_EQ(0, data[0]);
}

/* T5, F6: past the hand-overs a ticket hears of it. */
TEST_F(ticket, orphan)
{
	int flight = open_object(&(struct muster_open){
		.size = sizeof(struct muster_open),
		.type = MUSTER_FLIGHT,
		.options = MUSTER_FLIGHT_NO_HANDOVER,
	});
	int lead = ticket(join(flight, KEY)), fd = ticket(join(flight, KEY));

	ASSERT_LE(0, lead);
	close(lead);
	EXPECT_ERROR(-EOWNERDEAD, fd);
	EXPECT_EQ(1, flight_state(flight).orphaned);
}

/* T5, B1: arrivals by ticket. */
TEST_F(ticket, arrives)
{
	int fd = ticket(await(self->barrier)), other;

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, barrier_state(self->barrier).waiting);
	EXPECT_EQ(0, poll_now(fd));
	other = ticket(await(self->barrier));
	EXPECT_ERROR(0, fd);
	EXPECT_ERROR(0, other);
	EXPECT_EQ(1, verdict(fd, NULL, 0).index);
	EXPECT_EQ(0, verdict(other, NULL, 0).index);
	EXPECT_EQ(verdict(fd, NULL, 0).generation, verdict(other, NULL, 0).generation);
}

/* T5, B4: to close an arrival withdraws it. */
TEST_F(ticket, withdraws)
{
	int fd = ticket(await(self->barrier));

	close(fd);
	EXPECT_EQ(0, barrier_state(self->barrier).waiting);
	EXPECT_EQ(0, barrier_state(self->barrier).broken_by);
}

/* T5, B3: the death of one who has arrived by ticket breaks the barrier. */
TEST_F(ticket, dies_at_the_barrier)
{
	int fd, err;

	err = ask(self->a, in_puppet(self->page, await(self->barrier)));
	ASSERT_LE(0, err);
	EXPECT_EQ(1, barrier_state(self->barrier).waiting);
	kill_puppet(self->a);
	ASSERT_SOON(barrier_state(self->barrier).broken_by == MUSTER_BROKEN_DEATH);
	EXPECT_EQ(self->a->pid, barrier_state(self->barrier).broken_pid);
	EXPECT_EQ(-EPIPE, ticket(await(self->barrier)));
	ASSERT_EQ(0, ask(me, reset(self->barrier)));
	fd = ticket(await_by(self->barrier, 0, in_ms(20)));
	EXPECT_ERROR(-ETIMEDOUT, fd);
	EXPECT_EQ(MUSTER_BROKEN_TIMEOUT, barrier_state(self->barrier).broken_by);
}

/* T5, B2: a ticket runs the action; closed, the barrier breaks. */
TEST_F(ticket, acts)
{
	int first = ticket(await(self->action)), last = ticket(await(self->action));
	struct muster_verdict v = verdict(last, NULL, 0);

	EXPECT_EQ(MUSTER_OUTCOME_ACTION, v.outcome);
	EXPECT_EQ(0, poll_now(first));
	EXPECT_EQ(-EPERM, ask(me, complete(self->action, v.token, 0)));
	EXPECT_EQ(0, ask(me, complete(last, v.token, 0)));
	EXPECT_ERROR(0, first);
	EXPECT_EQ(v.generation, verdict(first, NULL, 0).generation);
	close(first);
	close(last);

	first = ticket(await(self->action));
	last = ticket(await(self->action));
	close(last);
	EXPECT_ERROR(-EPIPE, first);
	EXPECT_EQ(MUSTER_BROKEN_DEATH, verdict(first, NULL, 0).broken_by);
	EXPECT_EQ(2, verdict(first, NULL, 0).arrived);
}

/* T5: what happens to the object's own descriptor does not concern a ticket. */
TEST_F(ticket, outlives_the_descriptor)
{
	const char *name = unique_name("");
	int sem = open_named(MUSTER_SEM, name, O_CREAT, 1), fd, other;

	ASSERT_LE(0, sem);
	ASSERT_EQ(0, ask(me, acquire(sem, 1)));
	fd = ticket(acquire(sem, 1));
	close(sem);
	EXPECT_ERROR(0, fd);
	/* O3: it is a descriptor of the object as good as any. */
	other = open_named(MUSTER_SEM, name, 0, 0);
	ASSERT_LE(0, other);
	EXPECT_EQ(1, sem_state(other).held);
	close(fd);
	close(other);
	EXPECT_EQ(-ENOENT, open_named(MUSTER_SEM, name, 0, 0));
}

/* T5: deadlines and grants meet; a permit is never lost or doubled. */
TEST_F(ticket, grant_races_with_deadline)
{
	int round, fd, granted = 0;

	for (round = 0; round < 200; round++) {
		ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
		fd = ticket(acquire_by(self->sem, 2, 0,
				       clock_ns(CLOCK_MONOTONIC) + round * 5000));
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, ask(self->a, release(self->sem, 2)));
		ASSERT_SOON(is_settled(fd));
		if (!verdict(fd, NULL, 0).error)
			granted++;
		else
			ASSERT_EQ(-ETIMEDOUT, verdict(fd, NULL, 0).error);
		ASSERT_EQ(verdict(fd, NULL, 0).error ? 0 : 2, sem_state(self->sem).held);
		close(fd);
		ASSERT_EQ(0, sem_state(self->sem).held);
		ASSERT_EQ(0, sem_state(self->sem).waiters);
	}
	TH_LOG("%d of %d granted", granted, round);
}

/* T5: a close and a grant by another process meet. */
TEST_F(ticket, close_races_with_grant)
{
	int round, fd;

	for (round = 0; round < 200; round++) {
		ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
		fd = ticket(acquire(self->sem, 2));
		ASSERT_LE(0, fd);
		tell(self->a, release(self->sem, 2));
		close(fd);
		ASSERT_EQ(0, hear(self->a));
		ASSERT_EQ(0, sem_state(self->sem).held);
		ASSERT_EQ(0, sem_state(self->sem).waiters);
	}
}

/* T5: ten thousand tickets in one epoll of one thread. */
TEST_F_TIMEOUT(ticket, ten_thousand, 120)
{
	struct epoll_event event = { .events = EPOLLIN }, events[64];
	struct rlimit files = { MANY + 1000, MANY + 1000 };
	int epoll = epoll_create1(EPOLL_CLOEXEC), i, n, seen = 0;
	static int fds[MANY];

	if (setrlimit(RLIMIT_NOFILE, &files))
		SKIP(return, "may not open so many files");
	ASSERT_EQ(0, ask(self->a, acquire(self->sem, 2)));
	ASSERT_EQ(0, ask(self->a, set_limit(self->sem, MANY)));
	ASSERT_EQ(0, ask(self->a, acquire(self->sem, MANY - 2)));
	for (i = 0; i < MANY; i++) {
		fds[i] = ticket(acquire(self->sem, 1));
		ASSERT_LE(0, fds[i]);
		event.data.u32 = i;
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event));
	}
	EXPECT_EQ(MANY, sem_state(self->sem).waiters);
	EXPECT_EQ(0, epoll_wait(epoll, events, 64, 0));
	/* One permit, one ticket; and in order. */
	ASSERT_EQ(0, ask(self->a, release(self->sem, 1)));
	ASSERT_EQ(1, epoll_wait(epoll, events, 64, 20000));
	EXPECT_EQ(0, events[0].data.u32);
	tell(self->a, release(self->sem, MANY - 1));
	while (seen < MANY) {
		n = epoll_wait(epoll, events, 64, 20000);
		ASSERT_LT(0, n);
		while (n--) {
			ASSERT_EQ(0, verdict(fds[events[n].data.u32], NULL, 0).error);
			close(fds[events[n].data.u32]);
			seen++;
		}
	}
	EXPECT_EQ(0, hear(self->a));
	EXPECT_EQ(0, sem_state(self->sem).held);
}

TEST_HARNESS_MAIN
