// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects, names, access and limits: O1 to O7
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

/* ---- jobs for other users and in other namespaces ---- */

static int run_open(struct job *job)
{
	return open_object((struct muster_open *)job->at);
}

/* Opens as @how says; the struct is copied to @page, which all share. */
static struct job do_open(void *page, struct muster_open how)
{
	struct job job = { .run = run_open, .at = page };
	char *name = (char *)page + sizeof(how);

	if (how.name_len) {
		memcpy(name, (const void *)(uintptr_t)how.name, how.name_len);
		how.name = to_u64(name);
	}
	memcpy(page, &how, sizeof(how));
	return job;
}

static int run_umask(struct job *job)
{
	umask(job->arg[0]);
	return 0;
}

static struct job do_umask(mode_t mask)
{
	return (struct job){ .run = run_umask, .arg = { mask } };
}

FIXTURE(open) {
	const char *name;
	void *page;
};

FIXTURE_VARIANT(open) {
	__u32 type;
	__u64 limit;
	__u64 other_limit;
	const char *link;
};

FIXTURE_VARIANT_ADD(open, flight) {
	.type = MUSTER_FLIGHT,
	.limit = 3,
	.other_limit = 4,
	.link = "anon_inode:[muster-flight]",
};

FIXTURE_VARIANT_ADD(open, barrier) {
	.type = MUSTER_BARRIER,
	.limit = 3,
	.other_limit = 4,
	.link = "anon_inode:[muster-barrier]",
};

FIXTURE_VARIANT_ADD(open, sem) {
	.type = MUSTER_SEM,
	.limit = 3,
	.other_limit = 4,
	.link = "anon_inode:[muster-sem]",
};

FIXTURE_VARIANT_ADD(open, group) {
	.type = MUSTER_GROUP,
	.limit = 3,
	.other_limit = 4,
	.link = "anon_inode:[muster-group]",
};

FIXTURE_SETUP(open)
{
	self->name = unique_name("");
	self->page = shared_memory(getpagesize());
	umask(022);
}

FIXTURE_TEARDOWN(open)
{
}

#define OPEN(oflags, limit)	open_named(variant->type, self->name, oflags, limit)

/* O1: an anonymous inode that is named after its type. */
TEST_F(open, inode)
{
	int fd = OPEN(O_CREAT, variant->limit);
	char path[32], link[64] = "";

	ASSERT_LE(0, fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(variant->link, link);
}

/* O1: O_CLOEXEC and O_NONBLOCK mean what they mean to open(2). */
TEST_F(open, flags)
{
	int fd = OPEN(O_CREAT, variant->limit), other;

	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	other = OPEN(O_CLOEXEC | O_NONBLOCK, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(other, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(other, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* The module cannot be unloaded while a descriptor is open. */
TEST_F(open, module_in_use)
{
	int fd = OPEN(O_CREAT, variant->limit);

	if (geteuid())
		SKIP(return, "only root may unload modules");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "muster", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, poll_now(fd) & POLLNVAL);
}

/* O1: no descriptor is free: nothing is created, and no name is left. */
TEST_F(open, no_descriptor)
{
	const char *name = unique_name("");
	struct rlimit files, none;
	int fd;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &files));
	none = (struct rlimit){ 0, files.rlim_max };
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, open_named(variant->type, name, O_CREAT, variant->limit));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	EXPECT_EQ(-ENOENT, open_named(variant->type, name, 0, 0));
	fd = open_named(variant->type, name, O_CREAT | O_EXCL, variant->limit);
	EXPECT_LE(0, fd);
}

/* O2: O_CREAT and O_EXCL mean what they mean to open(2). */
TEST_F(open, create)
{
	struct muster_open how = open_how(variant->type, self->name, O_CREAT,
					  variant->limit);

	EXPECT_EQ(-ENOENT, OPEN(0, 0));
	EXPECT_EQ(-ENOENT, OPEN(O_EXCL, 0));
	how.created = 77;
	ASSERT_LE(0, open_object(&how));
	EXPECT_EQ(1, how.created);
	EXPECT_EQ(-EEXIST, OPEN(O_CREAT | O_EXCL, variant->limit));
	ASSERT_LE(0, open_object(&how));
	EXPECT_EQ(0, how.created);
	EXPECT_LE(0, OPEN(0, 0));
	EXPECT_LE(0, OPEN(O_EXCL, 0));
}

/* O2: an anonymous object is new each time, whatever the flags. */
TEST_F(open, anonymous)
{
	static const __u32 oflags[] = { 0, O_CREAT, O_EXCL, O_CREAT | O_EXCL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(oflags); i++) {
		struct muster_open how = open_how(variant->type, NULL, oflags[i],
						  variant->limit);

		EXPECT_LE(0, open_object(&how));
		EXPECT_EQ(1, how.created);
	}
}

/* O2: different types have different name spaces. */
TEST_F(open, types_do_not_meet)
{
	__u32 type;

	ASSERT_LE(0, OPEN(O_CREAT, variant->limit));
	for (type = MUSTER_FLIGHT; type <= MUSTER_GROUP; type++) {
		if (type != variant->type)
			EXPECT_EQ(-ENOENT, open_named(type, self->name, 0, 0));
	}
	for (type = MUSTER_FLIGHT; type <= MUSTER_GROUP; type++) {
		if (type != variant->type)
			EXPECT_LE(0, open_named(type, self->name, O_CREAT | O_EXCL, 9));
	}
}

/* O2: a name is its bytes and its length. */
TEST_F(open, similar_names)
{
	struct muster_open how = open_how(variant->type, "kselftest-similar", O_CREAT,
					  variant->limit);

	ASSERT_LE(0, open_object(&how));
	how.name_len--;
	ASSERT_LE(0, open_object(&how));
	EXPECT_EQ(1, how.created);
	how.name++;
	ASSERT_LE(0, open_object(&how));
	EXPECT_EQ(1, how.created);
}

/* O3: an object and its name live as long as a descriptor, and no longer. */
TEST_F(open, life)
{
	struct puppet *child;
	int fd = OPEN(O_CREAT, variant->limit), other;

	ASSERT_LE(0, fd);
	other = OPEN(0, 0);
	close(fd);
	EXPECT_EQ(-EEXIST, OPEN(O_CREAT | O_EXCL, variant->limit));
	child = puppet();
	close(other);
	fd = OPEN(0, 0);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-EEXIST, OPEN(O_CREAT | O_EXCL, variant->limit));
	kill_puppet(child);
	EXPECT_EQ(-ENOENT, OPEN(0, 0));
	/* A new one knows nothing of the old one. */
	EXPECT_LE(0, OPEN(O_CREAT | O_EXCL, variant->other_limit));
}

/* O4: to open one with parameters that it does not have is an error. */
TEST_F(open, other_parameters)
{
	struct muster_open how = open_how(variant->type, self->name, 0, 0);

	ASSERT_LE(0, OPEN(O_CREAT, variant->limit));
	EXPECT_LE(0, OPEN(0, 0));
	EXPECT_LE(0, OPEN(O_CREAT, variant->limit));
	EXPECT_EQ(-EINVAL, OPEN(0, variant->other_limit));
	EXPECT_EQ(-EINVAL, OPEN(O_CREAT, variant->other_limit));
	EXPECT_EQ(-EINVAL, OPEN(0, UINT64_MAX));
	/* Each type has the option of bit 0. */
	how.options = 1;
	EXPECT_EQ(-EINVAL, open_object(&how));
	EXPECT_LE(0, OPEN(O_CREAT, variant->limit));
}

/* O4: the same for an object that has the option. */
TEST_F(open, other_options)
{
	struct muster_open how = open_how(variant->type, self->name, O_CREAT,
					  variant->limit);

	how.options = 1;
	if (variant->type == MUSTER_FLIGHT)
		how.limit = 0;
	ASSERT_LE(0, open_object(&how));
	EXPECT_LE(0, open_object(&how));
	/* 0 is whatever it has. */
	EXPECT_LE(0, OPEN(0, 0));
	how.limit = variant->other_limit;
	EXPECT_EQ(-EINVAL, open_object(&how));
}

/* O4, S4: a semaphore's limit is what it was set to since. */
TEST(parameters_that_change)
{
	const char *name = unique_name("");
	int fd = open_named(MUSTER_SEM, name, O_CREAT, 3);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(me, set_limit(fd, 5)));
	EXPECT_EQ(-EINVAL, open_named(MUSTER_SEM, name, O_CREAT, 3));
	EXPECT_LE(0, open_named(MUSTER_SEM, name, O_CREAT, 5));
}

/* O1, O3: all who create at once meet in one object, and one of them created it. */
TEST_F(open, race_to_create)
{
	enum { ROUNDS = 50, CROWD = 4 };
	struct puppet *crowd[CROWD];
	char *pages = shared_memory(CROWD * getpagesize());
	int i, j, created, fd[CROWD];

	for (j = 0; j < CROWD; j++)
		crowd[j] = puppet();
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < CROWD; j++)
			tell(crowd[j], do_open(pages + j * getpagesize(),
					       open_how(variant->type, self->name, O_CREAT,
							variant->limit)));
		created = 0;
		for (j = 0; j < CROWD; j++) {
			struct muster_open *how = (void *)(pages + j * getpagesize());

			fd[j] = hear(crowd[j]);
			ASSERT_LE(0, fd[j]);
			created += how->created;
		}
		EXPECT_EQ(1, created);
		for (j = 0; j < CROWD; j++)
			tell(crowd[j], do_close(fd[j]));
		for (j = 0; j < CROWD; j++)
			ASSERT_EQ(0, hear(crowd[j]));
		ASSERT_EQ(-ENOENT, OPEN(0, 0));
	}
}

/* ---- two users ---- */

static bool is_root(void)
{
	return !geteuid();
}

FIXTURE(users) {
	const char *name;
	void *page;
	struct puppet *alice, *bob;
};

FIXTURE_SETUP(users)
{
	self->name = unique_name("");
	self->page = shared_memory(getpagesize());
	self->alice = puppet();
	self->bob = puppet();
	if (!is_root())
		return;
	ASSERT_EQ(0, ask(self->alice, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->bob, do_setids(BOB, BOB)));
	ASSERT_EQ(0, ask(self->alice, do_umask(022)));
	ASSERT_EQ(0, ask(self->bob, do_umask(022)));
}

FIXTURE_TEARDOWN(users)
{
}

static struct muster_open sem_of_mode(const char *name, __u32 oflags, __u32 mode)
{
	struct muster_open how = open_how(MUSTER_SEM, name, oflags, oflags ? 3 : 0);

	how.mode = mode;
	return how;
}

/* The puppet opens the semaphore of that name. */
#define OPEN_BY(p, name) \
	ask(p, do_open(self->page, sem_of_mode(name, 0, 0)))
#define CREATE_BY(p, name, mode) \
	ask(p, do_open(self->page, sem_of_mode(name, O_CREAT | O_EXCL, mode)))

/* O6: the owner needs both bits of the owner's; nobody else's count. */
TEST_F(users, owner)
{
	static const struct {
		__u32 mode;
		int err;
	} modes[] = {
		{ 0600, 0 }, { 0700, 0 }, { 0400, -EACCES }, { 0200, -EACCES },
		{ 0100, -EACCES }, { 0077, -EACCES }, { 0, -EACCES },
	};
	unsigned int i;
	int fd, err;

	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_EQ(0, ask(self->alice, do_umask(0)));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = CREATE_BY(self->alice, self->name, modes[i].mode);
		ASSERT_LE(0, fd);
		err = OPEN_BY(self->alice, self->name);
		EXPECT_EQ(modes[i].err, err < 0 ? err : 0);
		if (err >= 0)
			ASSERT_EQ(0, ask(self->alice, do_close(err)));
		ASSERT_EQ(0, ask(self->alice, do_close(fd)));
	}
}

/* O6: so do others, and the umask takes theirs away. */
TEST_F(users, others)
{
	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0666));
	EXPECT_EQ(-EACCES, OPEN_BY(self->bob, self->name));
	/* Not even to create it if need be, or to find out its limit. */
	EXPECT_EQ(-EACCES, ask(self->bob, do_open(self->page,
						  sem_of_mode(self->name, O_CREAT, 0666))));
	EXPECT_EQ(-EEXIST, CREATE_BY(self->bob, self->name, 0666));
	EXPECT_EQ(-EACCES, ask(self->bob, do_open(self->page,
						  open_how(MUSTER_SEM, self->name, 0, 99))));

	self->name = unique_name("");
	ASSERT_EQ(0, ask(self->alice, do_umask(0)));
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0666));
	EXPECT_LE(0, OPEN_BY(self->bob, self->name));
	self->name = unique_name("");
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0664));
	EXPECT_EQ(-EACCES, OPEN_BY(self->bob, self->name));
}

/* O6: the group, which is the creator's, counts for its members instead of others. */
TEST_F(users, group)
{
	struct puppet *member = puppet();

	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_EQ(0, ask(member, do_setids(BOB, ALICE)));
	ASSERT_EQ(0, ask(self->alice, do_umask(0)));
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0660));
	EXPECT_LE(0, OPEN_BY(member, self->name));
	EXPECT_EQ(-EACCES, OPEN_BY(self->bob, self->name));
	self->name = unique_name("");
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0606));
	EXPECT_EQ(-EACCES, OPEN_BY(member, self->name));
	EXPECT_LE(0, OPEN_BY(self->bob, self->name));
}

/* O6: CAP_IPC_OWNER overrides all that. */
TEST_F(users, capable)
{
	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0600));
	EXPECT_LE(0, OPEN_BY(me, self->name));
	EXPECT_EQ(-EACCES, OPEN_BY(self->bob, self->name));
}

/* O6: a descriptor once got is the capability, whoever one has become. */
TEST_F(users, descriptor_is_the_capability)
{
	struct puppet *heir;
	int fd;

	if (!is_root())
		SKIP(return, "needs root to become another user");
	fd = open_named(MUSTER_SEM, self->name, O_CREAT, 3);
	ASSERT_LE(0, fd);
	heir = puppet();
	ASSERT_EQ(0, ask(heir, do_setids(BOB, BOB)));
	EXPECT_EQ(-EACCES, OPEN_BY(heir, self->name));
	EXPECT_EQ(0, ask(heir, acquire(fd, 2)));
	EXPECT_EQ(2, sem_state(fd).held);
	EXPECT_EQ(0, ask(heir, set_limit(fd, 7)));
	EXPECT_EQ(0, ask(heir, release(fd, 2)));
}

/* O2: names that begin with ~ are each user's own; users never meet there. */
TEST_F(users, private_names)
{
	const char *name = unique_name("~");
	struct puppet *second;

	if (!is_root())
		SKIP(return, "needs root to become another user");
	second = puppet();
	ASSERT_EQ(0, ask(second, do_setids(ALICE, BOB)));
	ASSERT_EQ(0, ask(self->alice, do_umask(0)));
	ASSERT_LE(0, CREATE_BY(self->alice, name, 0666));
	EXPECT_EQ(-ENOENT, OPEN_BY(self->bob, name));
	EXPECT_EQ(-ENOENT, OPEN_BY(me, name));
	EXPECT_LE(0, OPEN_BY(second, name));
	EXPECT_LE(0, CREATE_BY(self->bob, name, 0666));
	EXPECT_LE(0, CREATE_BY(me, name, 0666));
	EXPECT_EQ(-EEXIST, CREATE_BY(second, name, 0666));
}

/* ---- namespaces ---- */

/* O5: a name belongs to an IPC namespace; elsewhere it is neither seen nor reached. */
TEST_F(users, ipc_namespace)
{
	struct puppet *there;
	int fd;

	fd = open_named(MUSTER_SEM, self->name, O_CREAT, 3);
	ASSERT_LE(0, fd);
	there = puppet();
	if (ask(there, do_unshare(CLONE_NEWIPC)))
		SKIP(return, "no IPC namespace: %s", strerror(-there->ret));
	EXPECT_EQ(-ENOENT, OPEN_BY(there, self->name));
	EXPECT_LE(0, CREATE_BY(there, self->name, 0600));
	EXPECT_LE(0, OPEN_BY(there, self->name));
	/* The descriptor that it had before is still as good. */
	EXPECT_EQ(0, ask(there, acquire(fd, 2)));
	EXPECT_EQ(2, sem_state(fd).held);
	kill_puppet(there);
	EXPECT_EQ(0, sem_state(fd).held);
	close(fd);
	EXPECT_EQ(-ENOENT, open_named(MUSTER_SEM, self->name, 0, 0));
}

/* Lets the puppet, in a new user namespace, be any user. */
static bool map_ids(const struct puppet *p, const char *file)
{
	static const char map[] = "0 0 100000\n";
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", p->pid, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	done = write(fd, map, strlen(map)) == strlen(map);
	close(fd);
	return done;
}

/* Puts the puppet into a new user namespace; 0 or a negative errno. */
static int enter_user_namespace(struct puppet *p, int flags)
{
	int err = ask(p, do_unshare(CLONE_NEWUSER | flags));

	if (!err && (!map_ids(p, "uid_map") || !map_ids(p, "gid_map")))
		err = -errno;
	return err;
}

/* O5, O6: who is root in a user namespace is nobody special to an outer IPC namespace. */
TEST_F(users, root_of_a_user_namespace)
{
	struct puppet *root = puppet();

	if (enter_user_namespace(root, 0))
		SKIP(return, "no user namespace");
	ASSERT_LE(0, CREATE_BY(self->alice, self->name, 0600));
	EXPECT_EQ(-EACCES, OPEN_BY(root, self->name));
	EXPECT_LE(0, OPEN_BY(me, self->name));
}

static int run_create_as_alice(struct job *job)
{
	struct puppet *alice = puppet();
	int err = ask(alice, do_setids(ALICE, ALICE));

	return err ?: ask(alice, *(struct job *)job->at);
}

/* O6: but overrides the mode in an IPC namespace that belongs to its user namespace. */
TEST_F(users, root_of_its_ipc_namespace)
{
	struct job *job = shared_memory(sizeof(*job));
	struct puppet *root = puppet();
	struct job create_as_alice = { .run = run_create_as_alice, .at = job };

	if (enter_user_namespace(root, CLONE_NEWIPC))
		SKIP(return, "no user namespace");
	*job = do_open(self->page, sem_of_mode(self->name, O_CREAT, 0600));
	ASSERT_LE(0, ask(root, create_as_alice));
	EXPECT_LE(0, OPEN_BY(root, self->name));
	EXPECT_EQ(-ENOENT, OPEN_BY(me, self->name));
}

/* ---- limits ---- */

static const char * const params[] = {
	"objects_max", "calls_max", "bytes_max", "result_max", "handovers",
};

FIXTURE(limits) {
	long long saved[ARRAY_SIZE(params)];
	void *page;
	int flight;
	struct puppet *alice, *bob;
};

FIXTURE_SETUP(limits)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++)
		self->saved[i] = get_param(params[i]);
	self->page = shared_memory(getpagesize());
	self->flight = open_flight(0);
	self->alice = puppet();
	self->bob = puppet();
	if (!is_root())
		return;
	ASSERT_EQ(0, ask(self->alice, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, ask(self->bob, do_setids(BOB, BOB)));
}

FIXTURE_TEARDOWN(limits)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++) {
		if (get_param(params[i]) != self->saved[i])
			set_param(params[i], self->saved[i]);
	}
}

/* O7: so many objects for each user, named or not; past that ENOSPC, nothing half done. */
TEST_F(limits, objects)
{
	struct muster_open anonymous = open_how(MUSTER_SEM, NULL, 0, 1);
	struct muster_open named = open_how(MUSTER_BARRIER, unique_name(""), O_CREAT, 1);
	int fd;

	if (!is_root())
		SKIP(return, "needs root to become another user");
	named.mode = 0666;
	ASSERT_TRUE(set_param("objects_max", 2));
	EXPECT_LE(0, ask(self->alice, do_open(self->page, anonymous)));
	fd = ask(self->alice, do_open(self->page, anonymous));
	EXPECT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, ask(self->alice, do_open(self->page, anonymous)));
	EXPECT_EQ(-ENOSPC, ask(self->alice, do_open(self->page, named)));
	/* It is another user's turn. */
	umask(0);
	ASSERT_EQ(0, ask(self->bob, do_umask(0)));
	EXPECT_LE(0, ask(self->bob, do_open(self->page, named)));
	/* Which is not counted for who opens it only. */
	EXPECT_LE(0, ask(self->alice, do_open(self->page, named)));
	EXPECT_EQ(-ENOSPC, ask(self->alice, do_open(self->page, anonymous)));
	ASSERT_EQ(0, ask(self->alice, do_close(fd)));
	EXPECT_EQ(fd, ask(self->alice, do_open(self->page, anonymous)));
	/* A larger limit counts at once. */
	ASSERT_TRUE(set_param("objects_max", 3));
	EXPECT_LE(0, ask(self->alice, do_open(self->page, anonymous)));
	EXPECT_EQ(-ENOSPC, ask(self->alice, do_open(self->page, anonymous)));
}

/* O7: a new user namespace brings no new allowance. */
TEST_F(limits, objects_in_a_user_namespace)
{
	struct muster_open anonymous = open_how(MUSTER_SEM, NULL, 0, 1);

	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_TRUE(set_param("objects_max", 1));
	EXPECT_LE(0, ask(self->alice, do_open(self->page, anonymous)));
	if (ask(self->alice, do_unshare(CLONE_NEWUSER)))
		SKIP(return, "no user namespace for users");
	EXPECT_EQ(-ENOSPC, ask(self->alice, do_open(self->page, anonymous)));
}

/* O7: so many keys in flight. */
TEST_F(limits, calls)
{
	__u32 nonblock = MUSTER_JOIN_MIGRATORY | MUSTER_WAIT_NONBLOCK;

	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_TRUE(set_param("calls_max", 2));
	ASSERT_EQ(0, ask(self->alice, join(self->flight, "1")));
	ASSERT_EQ(0, ask(self->alice, join(self->flight, "2")));
	EXPECT_EQ(-ENOSPC, ask(self->alice, join(self->flight, "3")));
	EXPECT_EQ(2, flight_state(self->flight).calls);
	EXPECT_EQ(2, flight_state(self->flight).led);
	/* To follow costs nothing; another user has an allowance of its own. */
	EXPECT_EQ(-EAGAIN, ask(self->alice, join_by(self->flight, "1", nonblock, 0)));
	EXPECT_EQ(0, ask(self->bob, join(self->flight, "3")));
	/* A forgotten call is still in flight. */
	ASSERT_EQ(0, ask(self->bob, forget(self->flight, "1", 0)));
	EXPECT_EQ(1, self->bob->job.key.count);
	EXPECT_EQ(-ENOSPC, ask(self->alice, join(self->flight, "1")));

	kill_puppet(self->alice);
	self->alice = puppet();
	ASSERT_EQ(0, ask(self->alice, do_setids(ALICE, ALICE)));
	EXPECT_EQ(0, ask(self->alice, join(self->flight, "1")));
	EXPECT_EQ(0, ask(self->alice, join(self->flight, "2")));
	EXPECT_EQ(-ENOSPC, ask(self->alice, join(self->flight, "4")));
}

/* O7, F3: bytes that are kept for FETCH; what may not be kept is ENOBUFS. */
TEST_F(limits, bytes)
{
	struct job job = join(self->flight, "key");
	__u64 token;

	if (!is_root())
		SKIP(return, "needs root to become another user");
	ASSERT_TRUE(set_param("bytes_max", 9));
	job.join.buf_len = 1;
	ASSERT_EQ(0, ask(me, join(self->flight, "key")));
	token = me->job.join.token;
	tell(self->alice, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	tell(self->bob, join(self->flight, "key"));
	ASSERT_SOON(flight_state(self->flight).followers == 2);
	ASSERT_EQ(0, ask(me, finish(self->flight, "key", token, 0, "ten bytes!")));
	EXPECT_EQ(-ENOBUFS, hear(self->alice));
	EXPECT_EQ(-ENOENT, ask(self->alice, fetch(self->flight, token, NULL, 0)));
	/* It costs nothing who has room. */
	EXPECT_EQ(0, hear(self->bob));

	/* What is fetched, or dropped with its process, makes room again. */
	ASSERT_TRUE(set_param("bytes_max", 10));
	ASSERT_EQ(0, ask(me, join(self->flight, "key")));
	token = me->job.join.token;
	tell(self->bob, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(me, finish(self->flight, "key", token, 0, "ten bytes!")));
	ASSERT_EQ(0, hear(self->bob));
	EXPECT_TRUE(self->bob->job.join.outcome & MUSTER_OUTCOME_TRUNCATED);

	ASSERT_EQ(0, ask(me, join(self->flight, "key")));
	token = me->job.join.token;
	tell(self->bob, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(me, finish(self->flight, "key", token, 0, "x2")));
	EXPECT_EQ(-ENOBUFS, hear(self->bob));
	kill_puppet(self->bob);

	self->bob = puppet();
	ASSERT_EQ(0, ask(self->bob, do_setids(BOB, BOB)));
	ASSERT_EQ(0, ask(me, join(self->flight, "key")));
	tell(self->bob, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(me, finish(self->flight, "key", me->job.join.token, 0,
				    "ten bytes!")));
	EXPECT_EQ(0, hear(self->bob));
}

/* O7: the size of one result, changed at run time. */
TEST_F(limits, result)
{
	__u64 token;

	if (!is_root())
		SKIP(return, "needs root to set a module parameter");
	ASSERT_TRUE(set_param("result_max", 3));
	ASSERT_EQ(0, ask(me, join(self->flight, "key")));
	token = me->job.join.token;
	EXPECT_EQ(-EMSGSIZE, ask(me, finish(self->flight, "key", token, 0, "four")));
	EXPECT_EQ(1, flight_state(self->flight).calls);
	EXPECT_EQ(0, ask(me, finish(self->flight, "key", token, 0, "tri")));
}

/* ---- memory ---- */

FIXTURE(memory) {
	char cgroup[64];
	int flight;
	struct puppet *hog;
};

FIXTURE_SETUP(memory)
{
	snprintf(self->cgroup, sizeof(self->cgroup), "/sys/fs/cgroup/muster-%d", getpid());
	self->flight = open_flight(0);
	self->hog = puppet();
}

FIXTURE_TEARDOWN(memory)
{
	kill_puppet(self->hog);
	rmdir(self->cgroup);
}

static bool set_cgroup(const char *cgroup, const char *file, const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == strlen(value);
	close(fd);
	return done;
}

/* Begins calls for ever new keys until that fails. */
static int run_lead_all(struct job *job)
{
	struct muster_flight_join args;
	char key[24];
	long i;
	int err;

	for (i = 0;; i++) {
		snprintf(key, sizeof(key), "%ld", i);
		args = join(job->fd, key).join;
		err = call(job->fd, MUSTER_FLIGHT_JOIN, &args);
		if (err)
			return err;
	}
}

/* O7: who is out of memory by its cgroup gets ENOMEM, and nobody is killed. */
TEST_F(memory, cgroup_is_full)
{
	struct job lead_all = { .run = run_lead_all, .fd = self->flight };
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", self->hog->pid);
	if (mkdir(self->cgroup, 0755) || !set_cgroup(self->cgroup, "memory.max", "4194304") ||
	    !set_cgroup(self->cgroup, "cgroup.procs", pid))
		SKIP(return, "no cgroup with a limit of memory: %s", strerror(errno));
	EXPECT_EQ(-ENOMEM, ask(self->hog, lead_all));
	/* Far less than its allowance of calls. */
	EXPECT_LT(100, flight_state(self->flight).calls);
	EXPECT_GT(65536, flight_state(self->flight).calls);
	EXPECT_EQ(flight_state(self->flight).led, flight_state(self->flight).calls);
	/* Others do not notice. */
	EXPECT_EQ(0, ask(me, join(self->flight, "mine")));
	/* And it can go on once there is memory. */
	ASSERT_TRUE(set_cgroup(self->cgroup, "memory.max", "max"));
	EXPECT_EQ(0, ask(self->hog, join(self->flight, "one more")));
}

TEST_HARNESS_MAIN
