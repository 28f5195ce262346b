// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results that outlive the descriptors of their group (O3)
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kselftest_harness.h"
#include "faults.h"

#define KEY	"key"
#define LONG	(3600 * NSEC_PER_SEC)
/* So many faults in a row that are not reached: there are no more. */
#define MISSES	3

FIXTURE(linger) {
	char name[64];
	long long objects_max, bytes_max, linger_max;
};

FIXTURE_SETUP(linger)
{
	strcpy(self->name, unique_name("linger"));
	self->objects_max = get_param("objects_max");
	self->bytes_max = get_param("bytes_max");
	self->linger_max = get_param("linger_max");
}

FIXTURE_TEARDOWN(linger)
{
	set_param("objects_max", self->objects_max);
	set_param("bytes_max", self->bytes_max);
	set_param("linger_max", self->linger_max);
}

/* Makes a group of that name in which @text is kept, and closes it. */
static int leave_behind(const char *name, const char *text, __u64 keep, __u64 grace)
{
	int fd = open_named(MUSTER_FLIGHT, name, O_CREAT, 0), ret;
	struct job job;

	if (fd < 0)
		return fd;
	ret = ask(me, join(fd, KEY));
	job = finish(fd, KEY, me->job.join.token, 0, text);
	job.finish.keep = keep;
	job.finish.grace = grace;
	ret = ret ?: ask(me, job);
	close(fd);
	return ret;
}

/* What is kept in the group of that name goes, and the group with it. */
static void forget_all(const char *name)
{
	int fd = open_named(MUSTER_FLIGHT, name, 0, 0);

	ask(me, forget(fd, KEY, 0));
	close(fd);
}

static bool is_there(const char *name)
{
	int fd = open_named(MUSTER_FLIGHT, name, 0, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* O3, F8: the next program finds the result of the last. */
TEST_F(linger, found)
{
	int fd;

	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	EXPECT_EQ(-EEXIST, open_named(MUSTER_FLIGHT, self->name, O_CREAT | O_EXCL, 0));
	fd = open_named(MUSTER_FLIGHT, self->name, O_CREAT, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	EXPECT_EQ(MUSTER_ROLE_FOLLOWER, me->job.join.role);
	EXPECT_EQ(MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_KEPT, me->job.join.outcome);
	EXPECT_EQ(0, memcmp("answer", me->data, 6));
	/* Closed again, it is still there; until the result is forgotten. */
	close(fd);
	fd = open_named(MUSTER_FLIGHT, self->name, 0, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(me, forget(fd, KEY, 0)));
	close(fd);
	EXPECT_FALSE(is_there(self->name));
}

/* O3: not what is kept for the object's life, not what is over, and no other object. */
TEST_F(linger, gone)
{
	int fd;

	ASSERT_EQ(0, leave_behind(self->name, "answer", MUSTER_FOREVER, 0));
	EXPECT_FALSE(is_there(self->name));
	ASSERT_EQ(0, leave_behind(self->name, "answer", 1, 0));
	EXPECT_FALSE(is_there(self->name));
	ASSERT_EQ(0, leave_behind(self->name, "answer", 0, 0));
	EXPECT_FALSE(is_there(self->name));
	fd = open_named(MUSTER_SEM, self->name, O_CREAT, 1);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-ENOENT, open_named(MUSTER_SEM, self->name, 0, 0));
}

/* O3: its time comes though nobody looks; grace counts. */
TEST_F(linger, expires)
{
	ASSERT_EQ(0, leave_behind(self->name, "answer", 1, 50 * NSEC_PER_MSEC));
	ASSERT_SOON(!is_there(self->name));
	ASSERT_EQ(0, leave_behind(self->name, "answer", 1, LONG));
	EXPECT_TRUE(is_there(self->name));
	/* With FOREVER as grace the time is that of the result. */
	strcpy(self->name, unique_name("grace"));
	ASSERT_EQ(0, leave_behind(self->name, "answer", 1, MUSTER_FOREVER));
	EXPECT_FALSE(is_there(self->name));
}

/* O3: the module has a longest time; 0 is none. */
TEST_F(linger, longest)
{
	int fd = -1;

	if (!set_param("linger_max", 0))
		SKIP(return, "module parameters cannot be set");
	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	EXPECT_FALSE(is_there(self->name));
	ASSERT_TRUE(set_param("linger_max", 1));
	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	/* To open what is there would begin anew. */
	ASSERT_SOON(fd >= 0 ||
		    (fd = open_named(MUSTER_FLIGHT, self->name, O_CREAT | O_EXCL, 0)) >= 0);
}

/* O3, O4: what lingers with other parameters makes way. */
TEST_F(linger, makes_way)
{
	int fd, other;

	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	/* For one that comes, and no other. */
	EXPECT_EQ(-ENOENT, open_named(MUSTER_FLIGHT, self->name, 0, 5));
	EXPECT_EQ(-EINVAL, open_named(MUSTER_FLIGHT, self->name, O_CREAT, 1ULL << 32));
	EXPECT_TRUE(is_there(self->name));
	fd = open_named(MUSTER_FLIGHT, self->name, O_CREAT, 5);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flight_state(fd).kept);
	EXPECT_EQ(5, flight_state(fd).handovers);
	/* Somebody has this one. */
	other = open_named(MUSTER_FLIGHT, self->name, O_CREAT, 6);
	EXPECT_EQ(-EINVAL, other);
}

static int run_open(struct job *job)
{
	return open_named(MUSTER_FLIGHT, (const char *)job->arg[0], O_CREAT, job->arg[1]);
}

/* O3, O6: its mode is what it was, and others cannot make it go. */
TEST_F(linger, access)
{
	struct job open_it = { .run = run_open, .arg = { (long)self->name, 0 } };
	struct puppet *alice = puppet();

	ASSERT_EQ(0, ask(alice, do_setids(ALICE, ALICE)));
	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	EXPECT_EQ(-EACCES, ask(alice, open_it));
	open_it.arg[1] = 5;
	EXPECT_EQ(-EACCES, ask(alice, open_it));
	EXPECT_TRUE(is_there(self->name));
}

/* O3, O7: the first to go when others need the room: objects, and bytes. */
TEST_F(linger, first_to_go)
{
	char other[64];
	int fd;

	strcpy(other, unique_name("other"));
	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	ASSERT_EQ(0, leave_behind(other, "answer", LONG, 0));
	if (!set_param("objects_max", 1))
		SKIP(return, "module parameters cannot be set");
	fd = open_sem(1);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(set_param("objects_max", self->objects_max));
	EXPECT_FALSE(is_there(self->name));
	EXPECT_FALSE(is_there(other));

	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	fd = open_named(MUSTER_FLIGHT, other, O_CREAT, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, leave_behind(other, "result", LONG, 0));
	ASSERT_TRUE(set_param("bytes_max", 12));
	ASSERT_EQ(0, ask(me, forget(fd, KEY, 0)));
	ASSERT_EQ(0, leave_behind(other, "resulta", LONG, 0));
	EXPECT_FALSE(is_there(self->name));
	EXPECT_EQ(1, flight_state(fd).kept);
}

/* O3, O7, I1: nothing goes for an OPEN that fails. */
TEST_F(linger, not_for_nothing)
{
	struct muster_open *how = shared_memory(getpagesize());
	struct rlimit files, none;

	ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
	if (!set_param("objects_max", 1))
		SKIP(return, "module parameters cannot be set");
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &files));
	none = (struct rlimit){ 0, files.rlim_max };
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, open_named(MUSTER_SEM, NULL, 0, 1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	*how = open_how(MUSTER_SEM, NULL, 0, 1);
	ASSERT_EQ(0, mprotect(how, getpagesize(), PROT_READ));
	EXPECT_EQ(-EFAULT, open_object(how));
	EXPECT_TRUE(is_there(self->name));
	/* There would be no room if it went. */
	ASSERT_TRUE(set_param("objects_max", self->objects_max));
	ASSERT_LE(0, open_sem(1));
	ASSERT_TRUE(set_param("objects_max", 1));
	EXPECT_EQ(-ENOSPC, open_named(MUSTER_SEM, NULL, 0, 1));
	ASSERT_TRUE(set_param("objects_max", self->objects_max));
	EXPECT_TRUE(is_there(self->name));
}

/* O3, O4, O7, I2: nor does what would make way for it, whatever there is no memory for. */
TEST_F(linger, no_memory)
{
	struct job open_it = { .fd = device_fd, .cmd = MUSTER_OPEN };
	const char *why = faults_missing();
	unsigned int nth, failed = 0, misses = 0;
	bool reached;
	int ret;

	if (why)
		SKIP(return, "%s", why);
	open_it.open = open_how(MUSTER_FLIGHT, self->name, O_CREAT, 5);
	for (nth = 1; misses < MISSES; nth++) {
		ASSERT_EQ(0, leave_behind(self->name, "answer", LONG, 0));
		ret = ask_faulty(open_it, nth, &reached);
		misses = reached ? 0 : misses + 1;
		failed += ret < 0;
		if (ret >= 0)
			close(ret);
		else if (ret != -EFAULT)
			ASSERT_EQ(-ENOMEM, ret);
		ASSERT_EQ(ret < 0, is_there(self->name));
		if (ret < 0)
			forget_all(self->name);
	}
	EXPECT_LT(3, failed);
}

static int run_churn(struct job *job)
{
	const char *name = (const char *)job->arg[0];
	int i, ret = 0;

	for (i = 0; i < 300 && !ret; i++) {
		int fd = open_named(MUSTER_FLIGHT, name, O_CREAT, 0);
		struct muster_flight_join j;
		struct job f;

		if (fd < 0)
			return fd;
		j = join_by(fd, KEY, MUSTER_WAIT_NONBLOCK | MUSTER_JOIN_NO_RESULT, 0).join;
		ret = call(fd, MUSTER_FLIGHT_JOIN, &j);
		if (!ret && j.role == MUSTER_ROLE_LEADER) {
			f = finish(fd, KEY, j.token, 0, "answer");
			f.finish.keep = i % 3 ? 1 + i * 10000 : LONG;
			ret = call(fd, MUSTER_FLIGHT_FINISH, &f.finish);
		} else if (!ret && i % 7 == 0) {
			f = forget(fd, KEY, 0);
			ret = call(fd, MUSTER_FLIGHT_FORGET, &f.key);
		}
		if (ret == -EAGAIN)
			ret = 0;
		close(fd);
	}
	return ret;
}

/* O3: opening, closing and expiring meet; nothing leaks (seen on unloading). */
TEST_F_TIMEOUT(linger, races, 60)
{
	struct job churn = { .run = run_churn, .arg = { (long)self->name } };
	struct puppet *all[4];
	int i;

	for (i = 0; i < 4; i++) {
		all[i] = puppet();
		tell(all[i], churn);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, hear(all[i]));
}

TEST_HARNESS_MAIN
