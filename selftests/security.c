// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one user can do to another: nothing that was not granted (O2, O5, O6, W1, W5)
 *
 * Each type is a variant, and what belongs to a process is an entry of thefts[]: a new
 * type or a new thing to hold joins by one entry. What is tested in open.c with a
 * semaphore is not repeated here.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY	"key"

/* ---- jobs ---- */

/* Opens by the name at @at: type, oflags, mode, limit. */
static int run_open(struct job *job)
{
	struct muster_open how = open_how(job->arg[0], job->at, job->arg[1], job->arg[3]);

	umask(0);
	how.mode = job->arg[2];
	return open_object(&how);
}

static struct job do_open(char *name, __u32 type, __u32 oflags, __u32 mode, __u64 limit)
{
	return (struct job){ .run = run_open, .at = name, .arg = { type, oflags, mode, limit } };
}

static bool write_proc(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == strlen(text);
	close(fd);
	return done;
}

/* A new user namespace, made without any privilege, in which one is root. */
static int run_be_root(struct job *job)
{
	uid_t uid = geteuid();
	char map[32];

	/* A change of credentials has given its files in /proc to the real root. */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | job->arg[0]))
		return -errno;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_proc("/proc/self/setgroups", "deny") ||
	    !write_proc("/proc/self/uid_map", map) || !write_proc("/proc/self/gid_map", map))
		return -errno;
	if (setresuid(0, 0, 0))
		return -errno;
	/* It has also taken away that the puppet dies with the test. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0;
}

static struct job do_be_root(int namespaces)
{
	return (struct job){ .run = run_be_root, .arg = { namespaces } };
}

/* Can it read what /proc says of that process's descriptor? */
static int run_read_fdinfo(struct job *job)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/fdinfo/%ld", job->arg[0], job->arg[1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* ---- names, by type ---- */

FIXTURE(names) {
	char *name;
	struct puppet *alice, *bob;
};

FIXTURE_VARIANT(names) {
	__u32 type;
	__u64 limit;
	__u64 other_limit;
};

FIXTURE_VARIANT_ADD(names, flight)
{
	.type = MUSTER_FLIGHT,
	.limit = 3,
	.other_limit = 4,
};

FIXTURE_VARIANT_ADD(names, barrier)
{
	.type = MUSTER_BARRIER,
	.limit = 3,
	.other_limit = 4,
};

FIXTURE_VARIANT_ADD(names, sem)
{
	.type = MUSTER_SEM,
	.limit = 3,
	.other_limit = 4,
};

FIXTURE_VARIANT_ADD(names, group)
{
	.type = MUSTER_GROUP,
	.limit = 3,
	.other_limit = 4,
};

FIXTURE_SETUP(names)
{
	if (geteuid())
		SKIP(return, "needs root to become another user");
	self->name = strcpy(shared_memory(64), unique_name(""));
	self->alice = puppet();
	self->bob = puppet();
	ASSERT_EQ(0, ask(self->alice, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->bob, do_setids(BOB, BOB)));
}

FIXTURE_TEARDOWN(names)
{
}

#define CREATE(p, mode)							\
	ask(p, do_open(self->name, variant->type, O_CREAT | O_EXCL, mode, variant->limit))
#define OPEN(p)								\
	ask(p, do_open(self->name, variant->type, 0, 0, 0))

/* O6: who needs what; to read and to write are one right, as for POSIX semaphores. */
TEST_F(names, modes)
{
	static const struct {
		__u32 mode;
		bool bob;
		bool member;
	} modes[] = {
		{ 0600, false, false }, { 0660, false, true }, { 0606, true, false },
		{ 0666, true, true }, { 0604, false, false }, { 0602, false, false },
		{ 0640, false, false }, { 0620, false, false }, { 0677, true, true },
		{ 0611, false, false },
	};
	struct puppet *member = puppet();
	unsigned int i;
	int fd;

	ASSERT_EQ(0, ask(member, do_setids(BOB, ALICE)));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = CREATE(self->alice, modes[i].mode);
		ASSERT_LE(0, fd);
		EXPECT_EQ(modes[i].bob, OPEN(self->bob) >= 0);
		EXPECT_TRUE(modes[i].bob || self->bob->ret == -EACCES);
		if (modes[i].bob)
			ask(self->bob, do_close(self->bob->ret));
		EXPECT_EQ(modes[i].member, OPEN(member) >= 0);
		EXPECT_TRUE(modes[i].member || member->ret == -EACCES);
		if (modes[i].member)
			ask(member, do_close(member->ret));
		ASSERT_EQ(0, ask(self->alice, do_close(fd)));
	}
}

/* O4, O6: who may not open it does not learn what it is like, nor take its name away. */
TEST_F(names, nothing_to_learn)
{
	const __u32 oflags[] = { 0, O_CREAT };
	unsigned int i;

	ASSERT_LE(0, CREATE(self->alice, 0600));
	for (i = 0; i < ARRAY_SIZE(oflags); i++) {
		EXPECT_EQ(-EACCES, ask(self->bob, do_open(self->name, variant->type, oflags[i],
							  0666, variant->limit)));
		EXPECT_EQ(-EACCES, ask(self->bob, do_open(self->name, variant->type, oflags[i],
							  0666, variant->other_limit)));
	}
	EXPECT_EQ(-EEXIST, CREATE(self->bob, 0666));
	EXPECT_LE(0, OPEN(self->alice));
	EXPECT_EQ(-EINVAL, ask(self->alice, do_open(self->name, variant->type, 0, 0,
						    variant->other_limit)));
}

/* O2, O6: root in a user namespace of one's own is the same user as before. */
TEST_F(names, unprivileged_root)
{
	struct puppet *root = puppet();
	int fd;

	ASSERT_EQ(0, ask(root, do_setids(BOB, BOB)));
	if (ask(root, do_be_root(0)))
		SKIP(return, "no user namespace for users: %s", strerror(-root->ret));
	fd = CREATE(self->alice, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, OPEN(root));
	ASSERT_EQ(0, ask(self->alice, do_close(fd)));
	/* Nor that of the real root. */
	fd = CREATE(me, 0600);
	EXPECT_EQ(-EACCES, OPEN(root));
	close(fd);
	/* But what is its own, also by a private name; and that is not root's. */
	ASSERT_LE(0, CREATE(self->bob, 0600));
	EXPECT_LE(0, OPEN(root));
	strcpy(self->name, unique_name("~"));
	ASSERT_LE(0, CREATE(self->bob, 0600));
	EXPECT_LE(0, OPEN(root));
	EXPECT_EQ(-ENOENT, OPEN(me));
	EXPECT_EQ(-ENOENT, OPEN(self->alice));
}

/* O5: the same with an IPC namespace of its own: there is nothing of others in it. */
TEST_F(names, unprivileged_ipc_namespace)
{
	struct puppet *root = puppet();
	int fd;

	ASSERT_EQ(0, ask(root, do_setids(BOB, BOB)));
	if (ask(root, do_be_root(CLONE_NEWIPC)))
		SKIP(return, "no user namespace for users: %s", strerror(-root->ret));
	ASSERT_LE(0, CREATE(self->alice, 0666));
	EXPECT_EQ(-ENOENT, OPEN(root));
	fd = CREATE(root, 0);
	ASSERT_LE(0, fd);
	/* Its capability is good there, and nowhere else. */
	EXPECT_LE(0, OPEN(root));
	EXPECT_LE(0, OPEN(self->bob));
	strcpy(self->name, unique_name(""));
	ASSERT_LE(0, CREATE(self->alice, 0600));
	EXPECT_EQ(-ENOENT, OPEN(root));
	EXPECT_EQ(-EACCES, OPEN(self->bob));
}

/* O5: two objects of one name; a descriptor from before is of the one that it was. */
TEST_F(names, two_namespaces)
{
	struct puppet *there;
	int fd, inner, second;

	fd = CREATE(me, 0666);
	ASSERT_LE(0, fd);
	there = puppet();
	ASSERT_EQ(0, ask(there, do_unshare(CLONE_NEWIPC)));
	inner = ask(there, do_open(self->name, variant->type, O_CREAT | O_EXCL, 0666,
				   variant->other_limit));
	ASSERT_LE(0, inner);
	/* Each has its own parameters. */
	EXPECT_EQ(-EINVAL, ask(there, do_open(self->name, variant->type, 0, 0, variant->limit)));
	second = ask(me, do_open(self->name, variant->type, 0, 0, variant->limit));
	EXPECT_LE(0, second);
	EXPECT_EQ(-EINVAL, ask(me, do_open(self->name, variant->type, 0, 0,
					   variant->other_limit)));
	/* What was inherited keeps the outer one alive, and its name. */
	close(fd);
	close(second);
	EXPECT_EQ(-EEXIST, CREATE(me, 0666));
	kill_puppet(there);
	EXPECT_LE(0, CREATE(me, 0666));
}

/* I5: fdinfo tells of an object; another user's is not to be read. */
TEST_F(names, fdinfo)
{
	struct job job = { .run = run_read_fdinfo };
	int fd = CREATE(self->alice, 0666);

	ASSERT_LE(0, fd);
	job.arg[0] = self->alice->pid;
	job.arg[1] = fd;
	EXPECT_EQ(0, ask(self->alice, job));
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(-EACCES, ask(self->bob, job));
}

/* ---- what belongs to a process, though others have the object ---- */

/**
 * struct theft - something that only a process that holds it can do
 * @name:	what
 * @hold:	so much has to be done before by the one who holds it; each in turn
 * @steal:	what another tries, with the token that the holder got last
 * @err:	what it gets
 */
struct theft {
	const char *name;
	struct job (*hold[2])(void);
	struct job (*steal)(__u64 token);
	int err;
};

static int sem, barrier, members, flight, group;

static struct job hold_permits(void)
{
	return acquire(sem, 2);
}

static struct job steal_permits(__u64 token)
{
	return release(sem, 1);
}

static struct job hold_call(void)
{
	return join(flight, KEY);
}

static struct job steal_finish(__u64 token)
{
	return finish(flight, KEY, token, 0, "false");
}

static struct job steal_abandon(__u64 token)
{
	return abandon(flight, KEY, token);
}

static struct job hold_action(void)
{
	return await(barrier);
}

static struct job steal_complete(__u64 token)
{
	return complete(barrier, token, 0);
}

static struct job hold_seats(void)
{
	return enter(members, 2);
}

static struct job steal_seats(__u64 token)
{
	return leave(members, 1);
}

static struct job steal_arrival(__u64 token)
{
	return await(members);
}

static struct job hold_slot(void)
{
	return add(group, 1);
}

static struct job steal_done(__u64 token)
{
	return done(group, 1, 0, NULL);
}

static struct job steal_any_done(__u64 token)
{
	return done(group, MUSTER_SLOT_ANY, 0, NULL);
}

static struct job hold_kept(void)
{
	struct job job = finish(flight, KEY, 1, 0, "a result");

	job.finish.keep = MUSTER_FOREVER;
	return job;
}

static struct job steal_fetch(__u64 token)
{
	return fetch(flight, 1, NULL, 0);
}

static const struct theft thefts[] = {
	{ "permits", { hold_permits }, steal_permits, -EPERM },
	{ "a call", { hold_call }, steal_finish, -EPERM },
	{ "a call to end", { hold_call }, steal_abandon, -EPERM },
	{ "a result to fetch", { hold_call, hold_kept }, steal_fetch, -ENOENT },
	{ "an action", { hold_action }, steal_complete, -EPERM },
	{ "seats", { hold_seats }, steal_seats, -EPERM },
	{ "an arrival", { hold_seats }, steal_arrival, -EPERM },
	{ "a task", { hold_slot }, steal_done, -EPERM },
	{ "any task", { hold_slot }, steal_any_done, -EPERM },
};

struct states {
	struct muster_sem_stat sem;
	struct muster_barrier_stat barrier, members;
	struct muster_flight_stat flight;
	struct muster_group_stat group;
};

static struct states states(void)
{
	return (struct states){
		.sem = sem_state(sem),
		.barrier = barrier_state(barrier),
		.members = barrier_state(members),
		.flight = flight_state(flight),
		.group = group_state(group),
	};
}

static void open_all(void)
{
	struct muster_open how = open_how(MUSTER_BARRIER, NULL, O_CLOEXEC, 0);

	how.options = MUSTER_BARRIER_MEMBERS;
	sem = open_sem(3);
	barrier = open_barrier(1, MUSTER_BARRIER_ACTION);
	members = open_object(&how);
	flight = open_flight(0);
	group = open_group(0);
}

static void close_all(void)
{
	close(sem);
	close(barrier);
	close(members);
	close(flight);
	close(group);
}

/* The token is at another place in each struct. */
static __u64 token_of(const struct job *job)
{
	switch (job->cmd) {
	case MUSTER_FLIGHT_JOIN:
		return job->join.token;
	case MUSTER_BARRIER_AWAIT:
		return job->await.token;
	default:
		return 0;
	}
}

/* W1, W5: knowing the token and having the descriptor is not enough; nothing changes. */
TEST(theft)
{
	struct puppet *alice, *bob, *child;
	struct states before, after;
	unsigned int i, j;
	__u64 token;

	for (i = 0; i < ARRAY_SIZE(thefts); i++) {
		const struct theft *t = &thefts[i];

		open_all();
		alice = puppet();
		bob = puppet();
		for (j = 0; j < ARRAY_SIZE(t->hold) && t->hold[j]; j++)
			ASSERT_EQ(0, ask(alice, t->hold[j]())) {
				TH_LOG("%s", t->name);
			}
		token = token_of(&alice->job);
		before = states();
		EXPECT_EQ(t->err, ask(bob, t->steal(token))) {
			TH_LOG("%s", t->name);
		}
		/* Not even the test itself, which has opened it all. */
		EXPECT_EQ(t->err, ask(me, t->steal(token))) {
			TH_LOG("%s", t->name);
		}
		child = puppet();
		EXPECT_EQ(t->err, ask(child, t->steal(token))) {
			TH_LOG("%s, by a child", t->name);
		}
		kill_puppet(bob);
		kill_puppet(child);
		after = states();
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) {
			TH_LOG("%s", t->name);
		}
		kill_puppet(alice);
		close_all();
	}
}

/* W5: tokens that were never given, or not for this, are good for nothing. */
TEST(wild_tokens)
{
	static const __u64 tokens[] = { 0, 2, 3, 1ULL << 32, UINT64_MAX, INT64_MAX };
	struct states before, after;
	unsigned int i;

	open_all();
	ASSERT_EQ(0, ask(me, join(flight, KEY)));
	ASSERT_EQ(0, ask(me, await(barrier)));
	ASSERT_EQ(0, ask(me, add(group, 1)));
	before = states();
	for (i = 0; i < ARRAY_SIZE(tokens); i++) {
		EXPECT_EQ(-EPERM, ask(me, finish(flight, KEY, tokens[i], 0, NULL)));
		EXPECT_EQ(-EPERM, ask(me, finish(flight, "other", tokens[i], 0, NULL)));
		EXPECT_EQ(-EPERM, ask(me, abandon(flight, KEY, tokens[i])));
		EXPECT_EQ(-EPERM, ask(me, complete(barrier, tokens[i], 0)));
		EXPECT_EQ(-ENOENT, ask(me, fetch(flight, tokens[i], NULL, 0)));
		EXPECT_EQ(-ENOENT, ask(me, claim(group, tokens[i])));
		if (tokens[i] != MUSTER_SLOT_ANY)
			EXPECT_EQ(-EPERM, ask(me, done(group, tokens[i], 0, NULL)));
	}
	after = states();
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	close_all();
}

/* O1, O6: a descriptor that came by a socket is as good as one's own, for its object only. */
TEST_F(names, passed_descriptor)
{
	char control[CMSG_SPACE(sizeof(int))] = { };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct muster_info info = { .size = sizeof(info) };
	int fds[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	fd = CREATE(me, 0600);
	ASSERT_LE(0, fd);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	ASSERT_EQ(1, sendmsg(fds[0], &msg, 0));
	close(fd);
	/* On its way it keeps the object and its name, as a user without it may see. */
	EXPECT_EQ(-EACCES, OPEN(self->bob));
	EXPECT_EQ(-EEXIST, CREATE(self->bob, 0666));
	ASSERT_EQ(0, seteuid(BOB));
	ASSERT_EQ(1, recvmsg(fds[1], &msg, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	EXPECT_EQ(0, call(fd, MUSTER_INFO, &info));
	EXPECT_EQ(variant->type, info.type);
	EXPECT_EQ(-EACCES, OPEN(me));
	/* Only root can have them killed that have become others. */
	ASSERT_EQ(0, seteuid(0));
}

TEST_HARNESS_MAIN
