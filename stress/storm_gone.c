// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything is gone: objects, what is counted for users, memory. See storm.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storm.h"

#define PARAMETERS	"/sys/module/muster/parameters/"
#define USE_COUNT	"/sys/module/muster/refcnt"
/* A limit that is soon reached. */
#define FEW		8

/* ---- objects ---- */

/* fdinfo says so, too. */
static void check_fdinfo(unsigned int number, int fd)
{
	char path[64], line[256];
	long long waiters = -1, calls = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "muster-waiters: %lld", &waiters) != 1 &&
		    sscanf(line, "muster-calls: %lld", &calls) != 1 &&
		    sscanf(line, "muster-pending: %lld", &calls) != 1)
			continue;
	}
	if (f)
		fclose(f);
	storm_check(CLAIM_GONE, !waiters && !calls,
		    "object %u: fdinfo: %lld waiters, %lld calls or tasks", number, waiters, calls);
}

/* All actors have ended, only the master's descriptors are left. */
void storm_gone_objects(void)
{
	unsigned int i;

	for (i = 0; i < storm->nr_objects; i++) {
		const struct storm_object *object = &storm->objects[i];

		if (object->fd >= 0)
			check_fdinfo(i, object->fd);
		if (storm_types[object->type]->gone)
			storm_types[object->type]->gone(object, i);
	}
}

/* The module's use count: the device, the master's object, and each file of others. */
static void check_use_count(void)
{
	__u64 until = storm_clock(CLOCK_MONOTONIC) + storm->patience;
	long long n;

	/* A file that was on its way through a socket is put away a little later. */
	while ((n = storm_read_number(USE_COUNT)) != 2 &&
	       storm_clock(CLOCK_MONOTONIC) < until)
		storm_nap(1000);
	storm_check(CLAIM_GONE, n == 2, "the module's use count is %lld, not 2", n);
}

/* ---- what a user may have ---- */

static long long set_parameter(const char *name, long long value)
{
	char path[128], text[32];
	long long old;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%lld", value);
	old = storm_read_number(path);
	if (old < 0 || !storm_write(path, text))
		storm_die(path);
	return old;
}

static int open_anonymous(__u32 type, __u64 limit)
{
	struct muster_open how = {
		.size = sizeof(how), .type = type, .oflags = O_CLOEXEC, .limit = limit,
	};

	return storm_call(STORM_DEVICE_FD, MUSTER_OPEN, &how);
}

/*
 * What is counted for a user is forgotten with the last that it has. So that what is not
 * given back shows, the master has an object from before the storm to after it.
 */
void storm_gone_set_up(void)
{
	int fd = open_anonymous(MUSTER_SEM, 1);

	if (fd < 0 || dup2(fd, STORM_OBJECT_FD) < 0)
		storm_die("an object of the master's");
	if (fd != STORM_OBJECT_FD)
		close(fd);
}

static void check_objects(void)
{
	long long old = set_parameter("objects_max", FEW);
	int fd[FEW + 1], n;

	for (n = 0; n <= FEW; n++) {
		fd[n] = open_anonymous(MUSTER_SEM, 1);
		if (fd[n] < 0)
			break;
	}
	/* One is the master's. */
	storm_check(CLAIM_QUOTA, n == FEW - 1 && fd[n] == -ENOSPC,
		    "%d objects of %d can be opened, then %d", n, FEW - 1,
		    n <= FEW ? fd[n] : 0);
	while (n--)
		close(fd[n]);
	set_parameter("objects_max", old);
}

static int join(int fd, char key, __u32 flags, struct muster_flight_join *join)
{
	*join = (struct muster_flight_join){
		.size = sizeof(*join),
		.flags = flags,
		.key = (__u64)(unsigned long)&key,
		.key_len = 1,
		.deadline = storm_clock(CLOCK_MONOTONIC) + storm->patience,
	};
	return storm_call(fd, MUSTER_FLIGHT_JOIN, join);
}

static int finish(int fd, char key, __u64 token)
{
	struct muster_flight_finish args = {
		.size = sizeof(args),
		.key = (__u64)(unsigned long)&key,
		.key_len = 1,
		.token = token,
	};

	return storm_call(fd, MUSTER_FLIGHT_FINISH, &args);
}

/*
 * Half of the calls are ended by their leader, one after the other, as an owner may keep the
 * memory of one to spare; the others end with it.
 */
static void check_calls(void)
{
	long long old = set_parameter("calls_max", FEW);
	int fd = open_anonymous(MUSTER_FLIGHT, 0), err = 0, n, i;
	struct muster_flight_join args[FEW + 1];

	for (n = 0; n <= FEW && !err; n++)
		err = join(fd, 'a' + n, 0, &args[n]);
	storm_check(CLAIM_QUOTA, n == FEW + 1 && err == -ENOSPC,
		    "%d keys of %d can be in flight, then %d", n - 1, FEW, err);
	for (i = 0; i < n - 1; i += 2) {
		err = finish(fd, 'a' + i, args[i].token);
		storm_check(CLAIM_QUOTA, !err, "key %d of %d: %d", i, FEW, err);
	}
	close(fd);
	set_parameter("calls_max", old);
}

/* Leads, and says @len bytes as soon as somebody follows. */
static void lead_for(int fd, __u64 len)
{
	static char bytes[4096];
	struct muster_flight_stat stat = { .size = sizeof(stat) };
	struct muster_flight_join args;
	char key = 'a';
	struct muster_flight_finish finish = {
		.size = sizeof(finish),
		.key = (__u64)(unsigned long)&key,
		.key_len = 1,
		.data = (__u64)(unsigned long)bytes,
		.data_len = len,
	};

	if (join(fd, key, 0, &args))
		_exit(1);
	do {
		storm_nap(200);
		if (storm_call(fd, MUSTER_FLIGHT_STAT, &stat))
			_exit(1);
	} while (!stat.followers);
	finish.token = args.token;
	_exit(storm_call(fd, MUSTER_FLIGHT_FINISH, &finish) != 0);
}

/* Follows with no room for the result: so many bytes are kept. */
static int keep(int fd, __u64 len)
{
	struct muster_flight_stat stat = { .size = sizeof(stat) };
	struct muster_flight_join args;
	pid_t pid = fork();
	int err, status;

	if (pid < 0)
		storm_die("fork");
	if (!pid)
		lead_for(fd, len);
	do {
		storm_nap(200);
		if (storm_call(fd, MUSTER_FLIGHT_STAT, &stat))
			storm_die("STAT");
	} while (!stat.calls);
	err = join(fd, 'a', MUSTER_JOIN_NO_LEAD, &args);
	if (waitpid(pid, &status, 0) < 0 || status)
		storm_die("a leader failed");
	return err;
}

static void check_bytes(void)
{
	long long old = set_parameter("bytes_max", 1000);
	int fd = open_anonymous(MUSTER_FLIGHT, 0), all, more;

	all = keep(fd, 1000);
	more = keep(fd, 1);
	storm_check(CLAIM_QUOTA, !all && more == -ENOBUFS,
		    "keeping 1000 bytes of 1000: %d, one more: %d", all, more);
	close(fd);
	set_parameter("bytes_max", old);
}

/* All descriptors of objects are closed. */
void storm_gone_round(void)
{
	check_use_count();
	check_objects();
	check_calls();
	check_bytes();
}

/* ---- memory ---- */

/*
 * What is allocated for users comes from caches of its own, that hardly anybody else in
 * the test VM uses; kernels without memory cgroups do not have them.
 */
#define CACHES		"/sys/kernel/slab"
/* And the module's own. */
#define OWN		"muster_"
#define ACCOUNTED	"kmalloc-cg-"
#define ANY		"kmalloc-"

/* Objects in use in the caches by that name. */
static long long count_allocated(const char *prefix)
{
	DIR *dir = opendir(CACHES);
	char path[320];
	const struct dirent *entry;
	long long sum = 0;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		/* What lies ready for a CPU counts as used, unless it is shrunk. */
		snprintf(path, sizeof(path), CACHES "/%s/shrink", entry->d_name);
		storm_write(path, "1");
		snprintf(path, sizeof(path), CACHES "/%s/objects", entry->d_name);
		sum += storm_read_number(path);
	}
	if (dir)
		closedir(dir);
	return sum;
}

/**
 * struct allocated - objects in use
 * @others:	in caches that the module allocates from
 * @own:	in those that are its own
 */
struct allocated {
	long long others, own;
};

static const char *caches;
static struct allocated allocated;

static struct allocated count_all(void)
{
	return (struct allocated){ count_allocated(caches), count_allocated(OWN) };
}

static bool lower(long long *least, long long now)
{
	if (now >= *least)
		return false;
	*least = now;
	return true;
}

/* Much of it is freed later, by RCU and worse: the least, once that has not changed. */
static struct allocated count_settled(void)
{
	struct allocated least = count_all(), now;
	unsigned int same;

	for (same = 0; same < 20; same++) {
		storm_nap(100000);
		now = count_all();
		if (lower(&least.others, now.others) | lower(&least.own, now.own))
			same = 0;
	}
	return least;
}

/* The first round has made what is made once and stays. */
void storm_gone_begin(void)
{
	caches = count_allocated(ACCOUNTED) ? ACCOUNTED : ANY;
	allocated = count_settled();
}

/*
 * One object for every few calls of one kind would be too much already; of what nobody else
 * allocates, a single one.
 */
void storm_gone_end(void)
{
	__u64 until = storm_clock(CLOCK_MONOTONIC) + storm->patience;
	long long room = strcmp(caches, ACCOUNTED) ? 400 : 40;
	struct allocated now;
	bool fits;

	do {
		now = count_settled();
		fits = now.others <= allocated.others + room && now.own <= allocated.own;
	} while (!fits && storm_clock(CLOCK_MONOTONIC) < until);
	printf("# %lld allocated objects in %s*, %lld in %s*; %lld and %lld after the first round\n",
	       now.others, caches, now.own, OWN, allocated.others, allocated.own);
	storm_check(CLAIM_MEMORY, fits, "%lld and %lld more objects are allocated",
		    now.others - allocated.others, now.own - allocated.own);
}
