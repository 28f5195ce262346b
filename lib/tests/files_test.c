// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Flights whose results are files: F3
 */
#include <sys/stat.h>

#include "scene.h"

#define ASKERS		10
#define MANY		50
#define MANY_BYTES	(64UL << 20)

FIXTURE(file) {
};

FIXTURE_VARIANT(file) {
	muster_work_fn work;
	size_t len;
};

FIXTURE_SETUP(file)
{
}

FIXTURE_TEARDOWN(file)
{
}

FIXTURE_VARIANT_ADD(file, set_memory) { work_set_memory, 300000 };
FIXTURE_VARIANT_ADD(file, set_empty_memory) { work_set_memory, 0 };
FIXTURE_VARIANT_ADD(file, take_memory) { work_take_memory, 5000 };
FIXTURE_VARIANT_ADD(file, take_much_memory) { work_take_memory, (1 << 20) + 1 };
FIXTURE_VARIANT_ADD(file, set_named) { work_set_named, 5000 };
FIXTURE_VARIANT_ADD(file, set_many_bytes) { work_set_bytes, (1 << 20) + 1 };
FIXTURE_VARIANT_ADD(file, take_many_bytes) { work_take_bytes, (1 << 20) + 1 };

/* Every second one asks for a descriptor. Exit status 0 if it was told all. */
static int asker(struct scene *scene, int i)
{
	uint32_t flags = i % 2 ? MUSTER_JOIN_FD : 0;
	struct muster_result result;
	int fds = count_fds(), ret;

	errno = SOME_ERRNO;
	ret = ask(scene, flags, &result);
	if (ret || errno != SOME_ERRNO)
		return 1;
	ret = check_answer(scene, &result, flags);
	if (!ret && result.shared != scene->wait_for)
		ret = 8;
	muster_result_free(&result);
	if (!ret && (result.fd != -1 || count_fds() != fds))
		ret = 9;
	return ret;
}

/* F3: to each in its own way */
TEST_F(file, to_all)
{
	struct scene *scene = new_scene(variant->work, variant->len, ASKERS - 1);
	pid_t pid[ASKERS];
	int i;

	ASSERT_NE(NULL, scene);
	for (i = 0; i < ASKERS; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(asker(scene, i));
		}
	}
	for (i = 0; i < ASKERS; i++)
		EXPECT_EQ(0, reap(pid[i]));
	EXPECT_EQ(1, scene->runs);
}

/* Alone, and what there is to give is the leader's own. */
TEST_F(file, to_its_maker)
{
	struct scene *scene = new_scene(variant->work, variant->len, 0);

	ASSERT_NE(NULL, scene);
	EXPECT_EQ(0, asker(scene, 0));
	EXPECT_EQ(0, asker(scene, 1));
	EXPECT_EQ(0, ask(scene, 0, NULL));
	EXPECT_EQ(3, scene->runs);
}

/* F8, O7: also when it is kept */
static int work_keep(struct muster_work *work, void *arg)
{
	muster_work_keep(work, MUSTER_FOREVER, 0, MUSTER_FINISH_KEEP_FAILURE);
	return work_take_bytes(work, arg);
}

TEST(kept_file)
{
	struct scene *scene = new_scene(work_keep, (1 << 20) + 1, 0);
	struct muster_result result;
	int i;

	ASSERT_NE(NULL, scene);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ask(scene, i % 2 ? MUSTER_JOIN_FD : 0, &result));
		EXPECT_EQ(0, check_answer(scene, &result, i % 2));
		EXPECT_EQ(!!i, !!(result.outcome & MUSTER_OUTCOME_KEPT));
		muster_result_free(&result);
	}
	EXPECT_EQ(1, scene->runs);
	ASSERT_EQ(0, ask(scene, MUSTER_JOIN_FRESH, NULL));
	EXPECT_EQ(2, scene->runs);
}

/* ---- 64 MiB to 50, and nobody copies them ---- */

static uint64_t word(uint64_t i)
{
	return i * 0x9e3779b97f4a7c15ULL;
}

static int work_much(struct muster_work *work, void *arg)
{
	int file = memfd_create("much", MFD_ALLOW_SEALING);
	struct scene *scene = arg;
	uint64_t *data, i;

	if (ftruncate(file, MANY_BYTES))
		return -1;
	data = mmap(NULL, MANY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (data == MAP_FAILED)
		return -2;
	for (i = 0; i < MANY_BYTES / sizeof(*data); i++)
		data[i] = word(i);
	munmap(data, MANY_BYTES);
	begin_work(scene, work);
	return muster_work_take_fd(work, file);
}

/* The file's inode, or 0 if this follower's part of it is not what it should be. */
static ino_t check_part(int file, int part)
{
	size_t words = MANY_BYTES / sizeof(uint64_t) / MANY, i;
	struct stat st;
	uint64_t *data;

	data = mmap(NULL, MANY_BYTES, PROT_READ, MAP_SHARED, file, 0);
	if (data == MAP_FAILED || fstat(file, &st) || st.st_size != MANY_BYTES)
		return 0;
	for (i = part * words; i < (part + 1) * words; i++) {
		if (data[i] != word(i))
			return 0;
	}
	return st.st_ino;
}

/* All have it at the same time. */
static int much_asker(struct scene *scene, ino_t *inode, int i, int barrier)
{
	struct muster_result result;
	int ret = 0;

	if (ask(scene, MUSTER_JOIN_FD, &result))
		return 1;
	if (result.status || result.data || result.len != MANY_BYTES || result.fd < 0)
		return 2;
	if (result.role == MUSTER_ROLE_FOLLOWER) {
		inode[i] = check_part(result.fd, i);
		if (muster_barrier_await(barrier, MUSTER_FOREVER, NULL))
			ret = 3;
	} else if (result.shared != MANY) {
		ret = 4;
	}
	muster_result_free(&result);
	return ret;
}

static pid_t spawn_much(struct scene *scene, ino_t *inode, int i, int barrier)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(much_asker(scene, inode, i, barrier));
}

static uint64_t calls(int fd)
{
	struct muster_flight_stat stat;

	return muster_flight_stat(fd, &stat) ? 0 : stat.calls;
}

FIXTURE(much) {
};

FIXTURE_SETUP(much)
{
}

FIXTURE_TEARDOWN(much)
{
}

TEST_F_TIMEOUT(much, to_many, 300)
{
	struct scene *scene = new_scene(work_much, MANY_BYTES, MANY);
	int barrier = muster_barrier_open(NULL, 0, 0, MANY, 0), i;
	ino_t *inode = share(MANY * sizeof(*inode));
	pid_t leader, pid[MANY];

	ASSERT_NE(NULL, scene);
	ASSERT_NE(NULL, inode);
	leader = spawn_much(scene, inode, 0, barrier);
	ASSERT_SOON(calls(scene->fd) == 1);
	for (i = 0; i < MANY; i++)
		pid[i] = spawn_much(scene, inode, i, barrier);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(0, reap(pid[i]));
	EXPECT_EQ(0, reap(leader));
	EXPECT_EQ(1, scene->runs);
	EXPECT_NE(0, inode[0]);
	for (i = 1; i < MANY; i++)
		EXPECT_EQ(inode[0], inode[i]);
}

/* ---- files that will not do ---- */

static int work_errors(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	int pipes[2], fd, n = 0;

	if (pipe(pipes))
		return -1;
	errno = SOME_ERRNO;
	n += muster_work_set_fd(work, -1) == -EBADF;
	n += muster_work_take_fd(work, -1) == -EBADF;
	n += muster_work_set_fd(work, pipes[0]) == -EINVAL;
	n += muster_work_set_fd(work, scene->fd) == -EINVAL;
	n += errno == SOME_ERRNO;
	fd = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
	n += muster_work_take_fd(work, fd) == -EBADF;
	n += fcntl(fd, F_GETFD) < 0;
	/* The last one counts. */
	n += muster_work_set(work, "good", 4) == 0;
	close(pipes[0]);
	close(pipes[1]);
	return n;
}

TEST(no_files)
{
	struct scene *scene = new_scene(work_errors, 0, 0);
	struct muster_result result;
	int fds;

	ASSERT_NE(NULL, scene);
	fds = count_fds();
	ASSERT_EQ(0, ask(scene, MUSTER_JOIN_FD, &result));
	EXPECT_EQ(8, result.status);
	EXPECT_EQ(-1, result.fd);
	EXPECT_STREQ("good", result.data);
	muster_result_free(&result);
	EXPECT_EQ(fds, count_fds());
	/* One that was never filled in has no descriptor 0. */
	memset(&result, 0, sizeof(result));
	muster_result_free(&result);
	EXPECT_LE(0, fcntl(0, F_GETFD));
}

/* There is no SIGXFSZ; that the user finds out. */
TEST(longer_than_files_may_be)
{
	struct scene *scene = new_scene(work_set_bytes, (1 << 20) + 1, 0);
	struct rlimit limit = { 1 << 20, 1 << 20 };
	struct muster_result result;

	ASSERT_NE(NULL, scene);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(-EFBIG, ask(scene, 0, &result));
	EXPECT_EQ(NULL, result.data);
	scene->len--;
	EXPECT_EQ(0, ask(scene, 0, &result));
	muster_result_free(&result);
}

static int work_exit(struct muster_work *work, void *arg)
{
	if (work->attempt == 1) {
		muster_work_take_fd(work, make_memory(10, MFD_ALLOW_SEALING));
		pthread_exit(NULL);
	}
	return 0;
}

static void *ask_thread(void *arg)
{
	struct muster_result result;

	ask(arg, 0, &result);
	return NULL;
}

/* A thread that ends in the work leaves no descriptor behind. */
TEST(thread_ends_with_a_file)
{
	struct scene *scene = new_scene(work_exit, 0, 0);
	int fds = count_fds();
	pthread_t thread;

	ASSERT_NE(NULL, scene);
	fds = count_fds();
	ASSERT_EQ(0, pthread_create(&thread, NULL, ask_thread, scene));
	pthread_join(thread, NULL);
	EXPECT_EQ(fds, count_fds());
}

TEST_MUSTER_MAIN
