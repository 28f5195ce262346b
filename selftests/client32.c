// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program for the test abi, built for 32 bit: it opens an object by name and uses
 * it. It is no test by itself.
 *
 * usage: client32 sem|await|lead|follow|high NAME
 *
 * Exit status: 0 if all went as expected, else the number of the step that did not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest.h"

#include "abi_layout.h"

#define KEY	"key"
#define RESULT	"from 32 to 64 bit"

static __u64 to_u64(const void *pointer)
{
	return (uintptr_t)pointer;
}

static int open_object(__u32 type, const char *name)
{
	struct muster_open how = {
		.size = sizeof(how),
		.type = type,
		.name = to_u64(name),
		.name_len = strlen(name),
	};
	int device = open(MUSTER_DEVICE, O_RDWR);

	return device < 0 ? -1 : ioctl(device, MUSTER_OPEN, &how);
}

/* The test has seen what we did, and lets us go on. */
static int wait_for_the_test(void)
{
	char byte;

	return read(STDIN_FILENO, &byte, 1) == 1;
}

static int use_sem(int fd)
{
	struct muster_sem_acquire acquire = {
		.size = sizeof(acquire),
		.permits = (1ULL << 40) + 2,
		.deadline = MUSTER_FOREVER,
	};
	struct muster_sem_release release = {
		.size = sizeof(release),
		.permits = (1ULL << 40) + 1,
	};
	struct muster_process process = { };
	struct muster_sem_stat stat = {
		.size = sizeof(stat),
		.nr_processes = 1,
		.processes = to_u64(&process),
	};

	if (ioctl(fd, MUSTER_SEM_ACQUIRE, &acquire))
		return 1;
	if (!(acquire.token && !acquire.outcome))
		return 2;
	if (ioctl(fd, MUSTER_SEM_STAT, &stat))
		return 3;
	if (!(stat.held == acquire.permits && stat.nr_processes == 1))
		return 4;
	if (!(process.pid == getpid() && process.amount == acquire.permits))
		return 5;
	if (!wait_for_the_test())
		return 6;
	if (ioctl(fd, MUSTER_SEM_RELEASE, &release))
		return 7;
	if (!wait_for_the_test())
		return 8;
	return 0;
}

static int arrive(int fd)
{
	struct muster_barrier_await await = {
		.size = sizeof(await),
		.deadline = MUSTER_FOREVER,
	};

	if (ioctl(fd, MUSTER_BARRIER_AWAIT, &await))
		return 1;
	if (!(await.index == 1 && await.token))
		return 2;
	return 0;
}

static int join(int fd, struct muster_flight_join *join, char *buf, size_t len)
{
	*join = (struct muster_flight_join){
		.size = sizeof(*join),
		.key = to_u64(KEY),
		.key_len = strlen(KEY),
		.deadline = MUSTER_FOREVER,
		.buf = to_u64(buf),
		.buf_len = len,
	};
	return ioctl(fd, MUSTER_FLIGHT_JOIN, join);
}

static int lead(int fd)
{
	struct muster_flight_finish finish = {
		.size = sizeof(finish),
		.key = to_u64(KEY),
		.key_len = strlen(KEY),
		.status = -32,
		.data = to_u64(RESULT),
		.data_len = sizeof(RESULT),
	};
	struct muster_flight_join joined;

	if (join(fd, &joined, NULL, 0))
		return 1;
	if (joined.role != MUSTER_ROLE_LEADER)
		return 2;
	if (!wait_for_the_test())
		return 3;
	finish.token = joined.token;
	if (ioctl(fd, MUSTER_FLIGHT_FINISH, &finish))
		return 4;
	if (finish.followers != 1)
		return 5;
	return 0;
}

static int follow(int fd)
{
	char buf[64] = "";
	struct muster_flight_fetch fetch = {
		.size = sizeof(fetch),
		.buf = to_u64(buf),
		.buf_len = sizeof(buf),
	};
	struct muster_flight_join joined;

	if (join(fd, &joined, buf, 4))
		return 1;
	if (!(joined.role == MUSTER_ROLE_FOLLOWER && joined.status == 64))
		return 2;
	if (!(joined.outcome & MUSTER_OUTCOME_TRUNCATED))
		return 3;
	if (!(joined.result_len == sizeof(RESULT) && !strcmp(buf, "from")))
		return 4;
	fetch.token = joined.token;
	if (ioctl(fd, MUSTER_FLIGHT_FETCH, &fetch))
		return 5;
	if (memcmp(buf, RESULT, sizeof(RESULT)))
		return 6;
	return 0;
}

/* A pointer field is 64 bits wide for us, too: the upper half counts. */
static int high_pointer(int fd)
{
	struct muster_flight_join join = {
		.size = sizeof(join),
		.flags = MUSTER_JOIN_NO_LEAD,
		.key = to_u64(KEY) | 1ULL << 33,
		.key_len = strlen(KEY),
	};

	if (!(ioctl(fd, MUSTER_FLIGHT_JOIN, &join) && errno == EFAULT))
		return 1;
	join.key = to_u64(KEY);
	if (!(ioctl(fd, MUSTER_FLIGHT_JOIN, &join) && errno == ENOENT))
		return 2;
	return 0;
}

static const struct {
	const char *name;
	__u32 type;
	int (*run)(int fd);
} uses[] = {
	{ "sem", MUSTER_SEM, use_sem },
	{ "await", MUSTER_BARRIER, arrive },
	{ "lead", MUSTER_FLIGHT, lead },
	{ "follow", MUSTER_FLIGHT, follow },
	{ "high", MUSTER_FLIGHT, high_pointer },
};

int main(int argc, char **argv)
{
	unsigned int i;
	int fd;

	if (argc != 3)
		return 100;
	for (i = 0; i < ARRAY_SIZE(uses); i++) {
		if (strcmp(argv[1], uses[i].name))
			continue;
		fd = open_object(uses[i].type, argv[2]);
		return fd < 0 ? 101 : uses[i].run(fd);
	}
	return 102;
}
