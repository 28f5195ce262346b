/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scenes: some ask, and one of them answers with a file (F3)
 */
#ifndef SCENE_H
#define SCENE_H

#include <dirent.h>
#include <stdio.h>

#include "lib_test.h"

#define SEALS		(F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

/**
 * struct scene - who asks what, in memory that all share
 * @fd:		the group
 * @len:	length of the answer
 * @wait_for:	the first attempt goes on when so many follow
 * @work:	the function
 * @step:	what the first attempt is to come to
 * @runs:	how often the work was begun
 * @ret:	what some call in there said
 * @writer:	who wrote the answer last
 */
struct scene {
	int fd;
	size_t len;
	unsigned int wait_for;
	muster_work_fn work;
	int step;
	int runs;
	int ret;
	pid_t writer;
};

static inline struct scene *new_scene(muster_work_fn work, size_t len, unsigned int wait_for)
{
	struct scene *scene = share(sizeof(*scene));

	if (!scene)
		return NULL;
	scene->fd = muster_flight_open(NULL, 0, 0, 0, 0);
	scene->work = work;
	scene->len = len;
	scene->wait_for = wait_for;
	return scene->fd < 0 ? NULL : scene;
}

/* Once so many follow; a test that waits in vain is ended by its own time limit. */
static inline void begin_work(struct scene *scene, const struct muster_work *work)
{
	__atomic_add_fetch(&scene->runs, 1, __ATOMIC_SEQ_CST);
	scene->writer = getpid();
	while (work->attempt == 1 && (unsigned int)muster_work_followers(work) < scene->wait_for)
		usleep(1000);
}

static inline int ask(struct scene *scene, uint32_t flags, struct muster_result *result)
{
	struct muster_question question = {
		.fn = scene->work,
		.arg = scene,
		.deadline = MUSTER_FOREVER,
		.flags = flags,
	};

	return muster_flight_ask(scene->fd, KEY, &question, result);
}

/* How many descriptors the process has. */
static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* ---- bytes that tell who wrote them ---- */

static inline void fill(char *data, size_t len, int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = (i >> 8) + i * 7 + seed;
}

static inline bool is_by(const char *data, size_t len, int seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] != (char)((i >> 8) + i * 7 + seed))
			return false;
	}
	return true;
}

static inline char *make_bytes(size_t len)
{
	char *data = malloc(len + 1);

	if (data)
		fill(data, len, getpid());
	return data;
}

static inline int write_bytes(int file, size_t len)
{
	char *data = make_bytes(len);
	bool good = data && write(file, data, len) == (ssize_t)len;

	free(data);
	return good ? file : -1;
}

static inline int make_memory(size_t len, unsigned int flags)
{
	return write_bytes(memfd_create("test", flags), len);
}

static inline bool file_is_by(int file, size_t len, int seed)
{
	char *data = malloc(len + 1);
	/* From where it stands: who gets it finds its beginning. */
	bool good = data && read(file, data, len + 1) == (ssize_t)len &&
		    is_by(data, len, seed);

	free(data);
	return good;
}

/* ---- the ways to hand a file in ---- */

static inline int work_set_memory(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	int file, ret;

	begin_work(scene, work);
	file = make_memory(scene->len, MFD_ALLOW_SEALING);
	fcntl(file, F_ADD_SEALS, SEALS);
	ret = muster_work_set_fd(work, file);
	/* It is the caller's still. */
	if (close(file))
		return -2;
	return ret ? ret : 7;
}

static inline int work_take_memory(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	int ret;

	begin_work(scene, work);
	ret = muster_work_take_fd(work, make_memory(scene->len, MFD_ALLOW_SEALING));
	return ret ? ret : 7;
}

static inline int work_set_named(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	char name[] = "/tmp/lib-files-XXXXXX";
	int file, ret;

	begin_work(scene, work);
	file = write_bytes(mkstemp(name), scene->len);
	unlink(name);
	ret = muster_work_set_fd(work, file);
	close(file);
	return ret ? ret : 7;
}

static inline int work_set_bytes(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	char *data;
	int ret;

	begin_work(scene, work);
	data = make_bytes(scene->len);
	ret = muster_work_set(work, data, scene->len);
	free(data);
	return ret ? ret : 7;
}

static inline int work_take_bytes(struct muster_work *work, void *arg)
{
	struct scene *scene = arg;
	int ret;

	begin_work(scene, work);
	ret = muster_work_take(work, make_bytes(scene->len), scene->len);
	return ret ? ret : 7;
}

/* 0 if the answer is all that it should be. */
static inline int check_answer(const struct scene *scene, const struct muster_result *result,
			bool as_fd)
{
	bool lead = result->role == MUSTER_ROLE_LEADER;

	if (result->status != 7 || result->len != scene->len)
		return 2;
	if (as_fd != !!(result->outcome & MUSTER_OUTCOME_FD) || as_fd != (result->fd >= 0) ||
	    as_fd != !result->data)
		return 3;
	if (!as_fd)
		return is_by(result->data, result->len, scene->writer) &&
		       !result->data[result->len] ? 0 : 4;
	if (!(fcntl(result->fd, F_GETFD) & FD_CLOEXEC))
		return 5;
	if (!lead && (fcntl(result->fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return 6;
	return file_is_by(result->fd, result->len, scene->writer) ? 0 : 7;
}

#endif /* SCENE_H */
