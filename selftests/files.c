// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results that are files (F3), and whether anybody waits for one (F10)
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY		"key"
#define TEXT		"the result"
#define LENGTH		((ssize_t)sizeof(TEXT) - 1)
#define SEALS		(F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define LONG		(3600 * NSEC_PER_SEC)
#define LARGE		(64UL << 20)
#define STEP		(1UL << 20)
#define FOLLOWERS	50

/**
 * struct seen - what became of a descriptor that a process got
 * @join:	of its JOIN
 * @inode:	which file it is
 * @flags:	F_GETFL
 * @cloexec:	F_GETFD
 * @len:	how much there was to be read
 * @text:	what was read
 * @written:	what write(2) returned
 */
struct seen {
	struct muster_flight_join join;
	ino_t inode;
	int flags;
	int cloexec;
	ssize_t len;
	char text[64];
	ssize_t written;
};

FIXTURE(files) {
	int fd;
	int file;
	struct seen *seen;
	struct puppet *a, *b;
};

/* Shared memory with @text in it, sealed so. */
static int memory_file(const char *text, int seals)
{
	int fd = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals)))
		abort();
	return fd;
}

FIXTURE_SETUP(files)
{
	self->fd = open_flight(0);
	self->file = memory_file(TEXT, SEALS);
	self->seen = shared_memory(FOLLOWERS * sizeof(*self->seen));
	self->a = puppet();
	self->b = puppet();
}

FIXTURE_TEARDOWN(files)
{
}

static struct job finish_file(int fd, __u64 token, int file)
{
	struct job job = finish(fd, KEY, token, 7, NULL);

	job.finish.flags = MUSTER_FINISH_FD;
	job.finish.fd = file;
	return job;
}

static struct job keep_file(int fd, __u64 token, int file)
{
	struct job job = finish_file(fd, token, file);

	job.finish.status = 0;
	job.finish.keep = LONG;
	return job;
}

static void look_at(struct seen *seen, int fd)
{
	struct stat st = {};

	fstat(fd, &st);
	seen->inode = st.st_ino;
	seen->flags = fcntl(fd, F_GETFL);
	seen->cloexec = fcntl(fd, F_GETFD);
	seen->len = read(fd, seen->text, sizeof(seen->text) - 1);
	seen->written = write(fd, "x", 1);
	close(fd);
}

/* Joins for a descriptor. */
static int run_join_fd(struct job *job)
{
	struct seen *seen = (struct seen *)job->arg[0];
	int ret;

	seen->join = join_by(job->fd, KEY, MUSTER_JOIN_FD, MUSTER_FOREVER).join;
	ret = call(job->fd, MUSTER_FLIGHT_JOIN, &seen->join);
	if (!ret && seen->join.outcome & MUSTER_OUTCOME_FD)
		look_at(seen, seen->join.fd);
	return ret;
}

static struct job join_fd(int fd, struct seen *seen)
{
	return (struct job){ .run = run_join_fd, .fd = fd, .arg = { (long)seen } };
}

#define LEAD(p) do {							\
	ASSERT_EQ(0, ask(p, join(self->fd, KEY)));			\
	ASSERT_EQ(MUSTER_ROLE_LEADER, (p)->job.join.role);		\
} while (0)

#define LEAD_AGAIN() do {						\
	ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));		\
	LEAD(me);							\
} while (0)

#define TOKEN	(me->job.join.token)
#define FOLLOW(n) ASSERT_SOON(flight_state(self->fd).followers == (n))

#define EXPECT_TEXT(_seen) do {						\
	EXPECT_EQ(LENGTH, (_seen)->len);				\
	EXPECT_STREQ(TEXT, (_seen)->text);				\
	EXPECT_EQ(O_RDONLY, (_seen)->flags & (O_ACCMODE | O_NONBLOCK));	\
	EXPECT_EQ(FD_CLOEXEC, (_seen)->cloexec);			\
	EXPECT_EQ(-1, (_seen)->written);				\
} while (0)

/* F3: a follower gets a descriptor of its own, which it can only read. */
TEST_F(files, descriptor)
{
	int i;

	LEAD(me);
	EXPECT_EQ(-1, me->job.join.fd);
	tell(self->a, join_fd(self->fd, &self->seen[0]));
	tell(self->b, join_fd(self->fd, &self->seen[1]));
	FOLLOW(2);
	ASSERT_EQ(0, ask(me, finish_file(self->fd, TOKEN, self->file)));
	EXPECT_EQ(2, me->job.finish.followers);
	/* The leader's own is its own, with its place in the file. */
	EXPECT_EQ(LENGTH, lseek(self->file, 0, SEEK_CUR));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, hear(i ? self->b : self->a));
		EXPECT_EQ(7, self->seen[i].join.status);
		EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_FD,
			  self->seen[i].join.outcome);
		EXPECT_EQ(sizeof(TEXT) - 1, self->seen[i].join.result_len);
		EXPECT_TEXT(&self->seen[i]);
	}
}

/* F3: bytes stay bytes, though a descriptor was asked for. */
TEST_F(files, descriptor_of_bytes)
{
	struct muster_flight_fetch f = { .size = sizeof(f), .flags = MUSTER_FETCH_FD };
	int fd;

	LEAD(me);
	f.token = TOKEN;
	tell(self->a, join_by(self->fd, KEY, MUSTER_JOIN_FD, MUSTER_FOREVER));
	FOLLOW(1);
	fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, f.token, 0, TEXT)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED, self->a->job.join.outcome);
	EXPECT_EQ(-1, self->a->job.join.fd);
	EXPECT_STREQ(TEXT, self->a->data);
	ASSERT_SOON(poll_now(fd) == POLLIN);
	EXPECT_EQ(-EINVAL, call(fd, MUSTER_FLIGHT_FETCH, &f));
}

/* Joins with little room, and fetches the rest in both ways, or in one. */
static int run_fetch(struct job *job)
{
	struct seen *seen = (struct seen *)job->arg[0];
	struct muster_flight_fetch f = { .size = sizeof(f), .buf = to_u64(seen->text) };
	int ret;

	seen->join = join_by(job->fd, KEY, 0, MUSTER_FOREVER).join;
	seen->join.buf = to_u64(seen->text);
	seen->join.buf_len = 3;
	ret = call(job->fd, MUSTER_FLIGHT_JOIN, &seen->join);
	if (ret || memcmp(seen->text, "the", 4))
		return ret ?: -1;
	f.token = seen->join.token;
	f.buf_len = LENGTH - 1;
	if (call(job->fd, MUSTER_FLIGHT_FETCH, &f) != -EMSGSIZE || f.result_len != LENGTH)
		return -2;
	f.buf_len = LENGTH;
	f.flags = job->arg[1];
	ret = call(job->fd, MUSTER_FLIGHT_FETCH, &f);
	if (f.flags)
		look_at(seen, f.fd);
	else if (f.fd != -1)
		return -3;
	return ret ?: call(job->fd, MUSTER_FLIGHT_FETCH, &f);
}

static struct job fetch_later(int fd, struct seen *seen, __u32 flags)
{
	return (struct job){ .run = run_fetch, .fd = fd, .arg = { (long)seen, flags } };
}

/* F3: who does not ask for a descriptor gets the bytes; what does not fit is fetched. */
TEST_F(files, bytes)
{
	struct puppet *c = puppet();

	LEAD(me);
	tell(self->a, join(self->fd, KEY));
	tell(self->b, fetch_later(self->fd, &self->seen[0], 0));
	tell(c, fetch_later(self->fd, &self->seen[1], MUSTER_FETCH_FD));
	FOLLOW(3);
	ASSERT_EQ(0, ask(me, finish_file(self->fd, TOKEN, self->file)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED, self->a->job.join.outcome);
	EXPECT_EQ(sizeof(TEXT) - 1, self->a->job.join.result_len);
	EXPECT_EQ(-1, self->a->job.join.fd);
	EXPECT_STREQ(TEXT, self->a->data);
	/* The second time there is none. */
	EXPECT_EQ(-ENOENT, hear(self->b));
	EXPECT_EQ(-ENOENT, hear(c));
	EXPECT_STREQ(TEXT, self->seen[0].text);
	EXPECT_TEXT(&self->seen[1]);
}

/* F3, F8: it is kept like any other, and opened for everyone who comes. */
TEST_F(files, kept)
{
	LEAD(me);
	ASSERT_EQ(0, ask(me, keep_file(self->fd, TOKEN, self->file)));
	close(self->file);
	ASSERT_EQ(0, ask(self->a, join_fd(self->fd, &self->seen[0])));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_KEPT | MUSTER_OUTCOME_FD,
		  self->seen[0].join.outcome);
	EXPECT_TEXT(&self->seen[0]);
	ASSERT_EQ(0, ask(self->b, join_fd(self->fd, &self->seen[1])));
	EXPECT_TEXT(&self->seen[1]);
	ASSERT_EQ(0, ask(me, join(self->fd, KEY)));
	EXPECT_STREQ(TEXT, me->data);
}

/* O7: what is kept of shared memory counts in full, other files do not. */
TEST_F(files, kept_counts)
{
	long long was = get_param("bytes_max");
	__u64 token;
	int file;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	    mount("none", "/tmp", "ramfs", 0, NULL) || !set_param("bytes_max", getpagesize()))
		SKIP(return, "only root may mount, and set module parameters");
	file = open("/tmp/file", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, ftruncate(file, LARGE));
	LEAD(me);
	token = TOKEN;
	EXPECT_EQ(0, ask(me, keep_file(self->fd, token, file)));
	LEAD_AGAIN();
	token = TOKEN;
	EXPECT_TRUE(set_param("bytes_max", LENGTH - 1));
	EXPECT_EQ(-ENOBUFS, ask(me, keep_file(self->fd, token, self->file)));
	EXPECT_TRUE(set_param("bytes_max", LENGTH));
	EXPECT_EQ(0, ask(me, keep_file(self->fd, token, self->file)));
	EXPECT_TRUE(set_param("bytes_max", was));
}

/* T5, F3: a ticket has the bytes, and gives descriptors as often as asked. */
TEST_F(files, ticket)
{
	struct muster_flight_fetch f = { .size = sizeof(f), .flags = MUSTER_FETCH_FD };
	char buf[sizeof(struct muster_verdict) + 64] = "";
	struct muster_verdict v;
	int fd, i;

	LEAD(self->a);
	fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, fd);
	f.token = self->a->job.join.token;
	EXPECT_EQ(-ENOENT, call(fd, MUSTER_FLIGHT_FETCH, &f));
	/* The puppet was born with the file. */
	ASSERT_EQ(0, ask(self->a, finish_file(self->fd, f.token, self->file)));
	ASSERT_SOON(poll_now(fd) == POLLIN);
	ASSERT_EQ((ssize_t)sizeof(v) + LENGTH, read(fd, buf, sizeof(buf)));
	memcpy(&v, buf, sizeof(v));
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_FD, v.outcome);
	EXPECT_EQ(sizeof(TEXT) - 1, v.result_len);
	EXPECT_STREQ(TEXT, buf + v.size);
	ASSERT_EQ((ssize_t)sizeof(v) + 3, read(fd, buf, sizeof(v) + 3));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, call(fd, MUSTER_FLIGHT_FETCH, &f));
		look_at(&self->seen[i], f.fd);
		EXPECT_TEXT(&self->seen[i]);
	}
	f.flags = 0;
	f.buf = to_u64(buf);
	f.buf_len = sizeof(buf);
	ASSERT_EQ(0, call(fd, MUSTER_FLIGHT_FETCH, &f));
	EXPECT_EQ(0, memcmp(TEXT, buf, LENGTH));
	f.token++;
	EXPECT_EQ(-ENOENT, call(fd, MUSTER_FLIGHT_FETCH, &f));
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written = write(fd, text, strlen(text));

	close(fd);
	return written == (ssize_t)strlen(text);
}

/* Opens a file of shared memory on a file system that it has mounted itself. */
static int run_user_mount(struct job *job)
{
	char path[] = "/tmp/muster-files-XXXXXX";
	int file;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	if (!put("/proc/self/setgroups", "deny") || !put("/proc/self/uid_map", "0 0 1") ||
	    !put("/proc/self/gid_map", "0 0 1") || mount("none", "/tmp", "tmpfs", 0, NULL))
		return -errno;
	file = mkstemp(path);
	if (file < 0)
		return -errno;
	*job = finish_file(job->fd, job->arg[0], file);
	return call(job->fd, MUSTER_FLIGHT_FINISH, &job->finish);
}

/* F3: only what is a regular file, readable, and sealed if it has no name. */
TEST_F(files, refused)
{
	__u64 token;
	int ends[2], i, fds[8], nr = 0;
	struct job job;

	ASSERT_EQ(0, pipe(ends));
	fds[nr++] = ends[0];
	fds[nr++] = self->fd;
	fds[nr++] = device_fd;
	fds[nr++] = open("/tmp", O_RDONLY | O_DIRECTORY);
	fds[nr++] = memory_file(TEXT, 0);
	fds[nr++] = memory_file(TEXT, F_SEAL_WRITE | F_SEAL_SHRINK);
	fds[nr++] = memory_file(TEXT, F_SEAL_GROW | F_SEAL_SHRINK);
	LEAD(me);
	token = TOKEN;
	tell(self->a, join(self->fd, KEY));
	FOLLOW(1);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(-EINVAL, ask(me, finish_file(self->fd, token, fds[i])));
	EXPECT_EQ(-EBADF, ask(me, finish_file(self->fd, token, -1)));
	EXPECT_EQ(-EBADF, ask(me, finish_file(self->fd, token, 4000)));
	fds[0] = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
	ASSERT_LE(0, fds[0]);
	EXPECT_EQ(-EBADF, ask(me, finish_file(self->fd, token, fds[0])));
	fds[0] = open("/proc/self/exe", O_PATH);
	EXPECT_EQ(-EBADF, ask(me, finish_file(self->fd, token, fds[0])));

	job = finish_file(self->fd, token, self->file);
	job.finish.data = to_u64(TEXT);
	EXPECT_EQ(-EINVAL, ask(me, job));
	job.finish.data = 0;
	job.finish.data_len = 1;
	EXPECT_EQ(-EINVAL, ask(me, job));
	job = finish(self->fd, KEY, token, 0, NULL);
	job.finish.fd = self->file;
	EXPECT_EQ(-EINVAL, ask(me, job));
	job.finish.fd = 0;
	job.finish.__pad2 = 1;
	EXPECT_EQ(-EINVAL, ask(me, job));
	/* It leads on. */
	EXPECT_TRUE(is_busy(self->a));
	ASSERT_EQ(0, ask(me, finish_file(self->fd, token, self->file)));
	ASSERT_EQ(0, hear(self->a));

	LEAD(self->b);
	job = (struct job){ .run = run_user_mount, .fd = self->fd,
			    .arg = { self->b->job.join.token } };
	EXPECT_EQ(-EINVAL, ask(self->b, job));
}

/* F3: a file that has a name, which the follower could not open itself. */
TEST_F(files, with_a_name)
{
	char path[] = "/tmp/muster-files-XXXXXX";
	int file = mkstemp(path);

	ASSERT_LE(0, file);
	ASSERT_EQ(LENGTH, write(file, TEXT, LENGTH));
	ASSERT_EQ(0, ask(self->a, do_setids(ALICE, ALICE)));
	LEAD(me);
	tell(self->a, join_fd(self->fd, &self->seen[0]));
	FOLLOW(1);
	ASSERT_EQ(0, ask(me, keep_file(self->fd, TOKEN, file)));
	ASSERT_EQ(0, hear(self->a));
	EXPECT_TEXT(&self->seen[0]);
	/* It was so long when it was handed in. */
	ASSERT_EQ(0, ftruncate(file, LENGTH - 1));
	EXPECT_EQ(-EIO, ask(me, join(self->fd, KEY)));
	ASSERT_EQ(0, ftruncate(file, LENGTH));
	EXPECT_EQ(0, ask(me, join(self->fd, KEY)));
	unlink(path);
}

/* F3: locks and leases of the leader are the leader's, and nobody waits for them. */
TEST_F(files, locks)
{
	char path[] = "/tmp/muster-files-XXXXXX";
	int file = mkstemp(path), other;

	ASSERT_LE(0, file);
	other = open(path, O_RDONLY);
	ASSERT_EQ(0, flock(file, LOCK_EX));
	LEAD(me);
	ASSERT_EQ(0, ask(me, keep_file(self->fd, TOKEN, file)));
	close(file);
	EXPECT_EQ(0, flock(other, LOCK_EX | LOCK_NB));
	close(other);

	ASSERT_EQ(1, ask(me, forget(self->fd, KEY, 0)) ?: me->job.key.count);
	file = open(path, O_RDWR);
	/* The kernel closes a moment later what was forgotten. */
	signal(SIGIO, SIG_IGN);
	ASSERT_SOON(!fcntl(file, F_SETLEASE, F_WRLCK));
	LEAD(me);
	EXPECT_EQ(-EAGAIN, ask(me, finish_file(self->fd, TOKEN, file)));
	unlink(path);
}

/* Joins with no descriptor to spare. */
static int run_join_full(struct job *job)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NOFILE, &none))
		return -errno;
	return run_join_fd(job);
}

/* F3, F5: one that cannot have it harms nobody else. */
TEST_F(files, no_descriptor_free)
{
	struct job job = join_fd(self->fd, &self->seen[0]);

	job.run = run_join_full;
	LEAD(me);
	tell(self->a, job);
	tell(self->b, join_fd(self->fd, &self->seen[1]));
	FOLLOW(2);
	ASSERT_EQ(0, ask(me, finish_file(self->fd, TOKEN, self->file)));
	EXPECT_EQ(-EMFILE, hear(self->a));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_TEXT(&self->seen[1]);
}

/* F3: fifty get 64 MiB, and it is the same memory. */
TEST_F_TIMEOUT(files, large, 120)
{
	int file = memfd_create("large", MFD_CLOEXEC | MFD_ALLOW_SEALING), i;
	struct puppet *all[FOLLOWERS];
	struct stat st;
	size_t at;

	ASSERT_EQ(0, ftruncate(file, LARGE));
	for (at = 0; at < LARGE; at += STEP)
		ASSERT_EQ(LENGTH, pwrite(file, TEXT, LENGTH, at));
	ASSERT_EQ(0, fcntl(file, F_ADD_SEALS, SEALS));
	ASSERT_EQ(0, fstat(file, &st));
	LEAD(me);
	for (i = 0; i < FOLLOWERS; i++) {
		all[i] = puppet();
		tell(all[i], join_fd(self->fd, &self->seen[i]));
	}
	FOLLOW(FOLLOWERS);
	ASSERT_EQ(0, ask(me, finish_file(self->fd, TOKEN, file)));
	for (i = 0; i < FOLLOWERS; i++) {
		ASSERT_EQ(0, hear(all[i]));
		EXPECT_EQ(LARGE, self->seen[i].join.result_len);
		EXPECT_EQ(st.st_ino, self->seen[i].inode);
		EXPECT_STREQ(TEXT, self->seen[i].text);
	}
}

/* ---- F10 ---- */

static int nr_followers(int fd, __u64 token)
{
	struct job job = abandon(fd, KEY, token);

	job.cmd = MUSTER_FLIGHT_FOLLOWERS;
	return ask(me, job) ?: (int)me->job.key.count;
}

/* F10: a leader can ask whether anybody still waits; others cannot. */
TEST_F(files, anybody_there)
{
	__u64 token;

	LEAD(me);
	token = TOKEN;
	EXPECT_EQ(0, nr_followers(self->fd, token));
	tell(self->a, join(self->fd, KEY));
	FOLLOW(1);
	tell(self->b, join_by(self->fd, KEY, MUSTER_JOIN_NO_LEAD, MUSTER_FOREVER));
	FOLLOW(2);
	EXPECT_EQ(2, nr_followers(self->fd, token));
	kill_puppet(self->a);
	FOLLOW(1);
	EXPECT_EQ(1, nr_followers(self->fd, token));
	EXPECT_EQ(-EPERM, nr_followers(self->fd, token + 1));
	/* Forgotten or not. */
	ASSERT_EQ(0, ask(me, forget(self->fd, KEY, 0)));
	EXPECT_EQ(1, nr_followers(self->fd, token));
	ASSERT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, TEXT)));
	ASSERT_EQ(0, hear(self->b));
	EXPECT_EQ(-EPERM, nr_followers(self->fd, token));
	LEAD(self->b);
	EXPECT_EQ(-EPERM, nr_followers(self->fd, self->b->job.join.token));
}

static int run_poll_pri(struct job *job)
{
	struct pollfd pfd = { .fd = job->fd, .events = POLLPRI };

	return poll(&pfd, 1, -1) == 1 ? pfd.revents : -errno;
}

/* F10, T6: a ticket that leads tells when nobody waits. */
TEST_F(files, nobody_waits)
{
	int fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	struct job poll_pri = { .run = run_poll_pri, .fd = fd };
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct puppet *c;
	__u64 token;

	ASSERT_LE(0, fd);
	c = puppet();
	token = flight_state(self->fd).led;
	EXPECT_EQ(POLLIN | POLLPRI, poll_now(fd));
	tell(self->a, join(self->fd, KEY));
	FOLLOW(1);
	EXPECT_EQ(POLLIN, poll_now(fd));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	tell(c, poll_pri);
	tell(self->b, join(self->fd, KEY));
	FOLLOW(2);
	ASSERT_SOON(is_asleep(c));
	kill_puppet(self->a);
	FOLLOW(1);
	EXPECT_EQ(POLLIN, poll_now(fd));
	EXPECT_TRUE(is_busy(c));
	kill_puppet(self->b);
	EXPECT_EQ(POLLPRI, hear(c));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, -1));
	EXPECT_EQ(POLLIN | POLLPRI, poll_now(fd));
	ASSERT_EQ(0, ask(me, finish(fd, KEY, token, 0, NULL)));
	EXPECT_EQ(POLLIN, poll_now(fd));
}

/* F10, F6: and so does one that was handed the lead. */
TEST_F(files, nobody_waits_after_hand_over)
{
	int fd;

	LEAD(self->a);
	fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, fd);
	tell(self->b, join(self->fd, KEY));
	FOLLOW(2);
	EXPECT_EQ(0, poll_now(fd));
	kill_puppet(self->a);
	ASSERT_SOON(poll_now(fd) == POLLIN);
	kill_puppet(self->b);
	ASSERT_SOON(poll_now(fd) == (POLLIN | POLLPRI));
}

/* F10, T6: who waits for that alone is woken as well. */
TEST_F(files, nobody_waits_is_told)
{
	struct epoll_event event = { .events = EPOLLPRI };
	int fd, ep = epoll_create1(EPOLL_CLOEXEC);

	LEAD(self->a);
	fd = ask(me, join_by(self->fd, KEY, MUSTER_WAIT_TICKET, MUSTER_FOREVER));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	kill_puppet(self->a);
	EXPECT_EQ(1, epoll_wait(ep, &event, 1, PATIENCE_NS / NSEC_PER_MSEC));
	EXPECT_EQ(EPOLLPRI, event.events);
}

/* O7, I1: a file of a length that no sum can hold is not kept, and does no harm. */
TEST_F(files, too_long_to_count)
{
	int fd = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING), i;
	__u64 token;

	ASSERT_LE(0, fd);
	if (ftruncate(fd, INT64_MAX) || fcntl(fd, F_ADD_SEALS, SEALS))
		SKIP(return, "no file can be so long");
	LEAD(me);
	token = me->job.join.token;
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-ENOBUFS, ask(me, keep_file(self->fd, token, fd)));
	EXPECT_EQ(0, ask(me, keep_file(self->fd, token, memory_file(TEXT, SEALS))));
	EXPECT_EQ(1, flight_state(self->fd).kept);
}

TEST_HARNESS_MAIN
