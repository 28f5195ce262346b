// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: library [try] mutex|read|write|sem:LIMIT NAME TAG
 *
 * What muster lock, rwlock and sem do, by a program that calls the library: takes it, says
 * so in the file "inside" ("TAG PID", and "abandoned" if the library says that), and gives
 * it back when there is a file "go.TAG". Exit status 1: others have it, or it is another's.
 */
#include <fcntl.h>
#include <muster.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * struct kind - one of them
 * @name:	on the command line
 * @open:	gets a descriptor
 * @lock:	waits for it: 1 if a holder has died
 * @trylock:	does not wait
 * @unlock:	gives it back
 */
struct kind {
	const char *name;
	int (*open)(const char *name, int oflags, unsigned int mode);
	int (*lock)(int fd);
	int (*trylock)(int fd);
	int (*unlock)(int fd);
};

static uint64_t limit;

static int sem_open(const char *name, int oflags, unsigned int mode)
{
	return muster_sem_open(name, oflags, mode, limit);
}

static int sem_acquire(int fd)
{
	struct muster_grant grant;
	int err = muster_sem_acquire_grant(fd, 1, 0, MUSTER_FOREVER, &grant);

	return err ? err : (int)grant.abandoned;
}

static int sem_try(int fd)
{
	return muster_sem_try_acquire(fd, 1);
}

static int sem_release(int fd)
{
	return muster_sem_release(fd, 1);
}

static const struct kind kinds[] = {
	{ "mutex", muster_mutex_open, muster_mutex_lock, muster_mutex_trylock,
	  muster_mutex_unlock },
	{ "read", muster_rwlock_open, muster_rwlock_rdlock, muster_rwlock_tryrdlock,
	  muster_rwlock_unlock },
	{ "write", muster_rwlock_open, muster_rwlock_wrlock, muster_rwlock_trywrlock,
	  muster_rwlock_unlock },
	{ "sem", sem_open, sem_acquire, sem_try, sem_release },
	{ }
};

static const struct kind *find(char *name)
{
	const struct kind *kind;
	char *colon = strchr(name, ':');

	if (colon) {
		*colon = 0;
		limit = strtoull(colon + 1, NULL, 10);
	}
	for (kind = kinds; kind->name; kind++)
		if (!strcmp(kind->name, name))
			return kind;
	fprintf(stderr, "%s: no such thing\n", name);
	exit(2);
}

static void say_inside(const char *tag, int abandoned)
{
	FILE *file = fopen("inside", "a");

	if (!file)
		exit(2);
	fprintf(file, "%s %d%s\n", tag, getpid(), abandoned ? " abandoned" : "");
	if (fclose(file))
		exit(2);
}

static void wait_for(const char *tag)
{
	char path[64];

	snprintf(path, sizeof(path), "go.%s", tag);
	while (access(path, F_OK))
		usleep(20000);
}

static int failed(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, muster_strerror(err));
	return 1;
}

int main(int argc, char **argv)
{
	int try = argc == 5 && !strcmp(argv[1], "try");
	const struct kind *kind;
	int fd, err;

	argv += try;
	if (argc - try != 4)
		return 2;
	kind = find(argv[1]);
	fd = kind->open(argv[2], O_CREAT, 0600);
	if (fd < 0)
		return failed("open", fd);
	err = try ? kind->trylock(fd) : kind->lock(fd);
	if (err < 0)
		return failed("lock", err);
	say_inside(argv[3], err);
	wait_for(argv[3]);
	err = kind->unlock(fd);
	return err < 0 ? failed("unlock", err) : 0;
}
