// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program from the first days: it has the interface as it was then written down in
 * itself, and must run on every module there will ever be (I1). Nothing here changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/types.h>

#include "kselftest_harness.h"

#define FLIGHT	1
#define BARRIER	2
#define SEM	3
#define GROUP	4

/* Layouts as of version 1, each as short as it was allowed to be then, or longer. */
struct first_info {
	__u32 size, flags, api_version, type;
	__u64 features;
};

struct first_open {
	__u32 size, type, oflags, mode;
	__u64 name;
	__u32 name_len, options;
	__u64 limit, initial;
};

struct first_join {
	__u32 size, flags;
	__u64 key;
	__u32 key_len, zero;
	__u64 deadline, buf, buf_len, token, result_len;
	__u32 role, outcome;
};

struct first_finish {
	__u32 size, flags;
	__u64 key;
	__u32 key_len;
	__s32 status;
	__u64 token, data, data_len;
	__u32 followers, zero;
};

struct first_await {
	__u32 size, flags;
	__u64 deadline, generation;
};

struct first_acquire {
	__u32 size, flags;
	__u64 permits, deadline, token;
};

struct first_release {
	__u32 size, flags;
	__u64 permits;
};

struct first_add {
	__u32 size, flags, slots, zero;
	__u64 deadline, first;
};

struct first_done {
	__u32 size, flags;
	__u64 slot, data, data_len;
	__s32 status;
	__u32 zero;
};

struct first_wait {
	__u32 size, flags, until, successes;
	__u64 deadline;
	__u32 met;
	__s32 status;
};

struct first_verdict {
	__u32 size;
	__s32 error;
	__u64 token, generation, result_len;
	__u32 role, outcome;
	__s32 status;
	__u32 attempt, shared, index, broken_by, arrived, parties, zero;
};

static int device = -1;

static int call(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static int open_first(__u32 type, __u64 limit)
{
	struct first_open how = { .size = sizeof(how), .type = type, .limit = limit };

	return call(device, 0xbe01, &how);
}

FIXTURE(frozen) {
};

FIXTURE_SETUP(frozen)
{
	device = open("/dev/muster", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, device);
}

FIXTURE_TEARDOWN(frozen)
{
}

TEST_F(frozen, info)
{
	struct first_info info = { .size = sizeof(info) };

	ASSERT_EQ(0, call(device, 0xbe00, &info));
	EXPECT_LE(1, info.api_version);
	EXPECT_EQ(0, info.type);
	EXPECT_EQ(0x1e, info.features & 0x1e);
}

TEST_F(frozen, semaphore)
{
	struct first_acquire acquire = { .size = sizeof(acquire), .permits = 2 };
	struct first_release release = { .size = sizeof(release), .permits = 2 };
	int fd = open_first(SEM, 2);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, call(fd, 0xbe60, &acquire));
	EXPECT_NE(0, acquire.token);
	/* Not to wait is bit 0, and the deadline has passed. */
	acquire.flags = 1;
	EXPECT_EQ(-EAGAIN, call(fd, 0xbe60, &acquire));
	acquire.flags = 0;
	EXPECT_EQ(-ETIMEDOUT, call(fd, 0xbe60, &acquire));
	EXPECT_EQ(0, call(fd, 0xbe61, &release));
	EXPECT_EQ(-EPERM, call(fd, 0xbe61, &release));
	close(fd);
}

TEST_F(frozen, flight)
{
	struct first_join join = {
		.size = sizeof(join), .key = (uintptr_t)"key", .key_len = 3,
	};
	struct first_finish finish = {
		.size = sizeof(finish), .key = (uintptr_t)"key", .key_len = 3,
		.status = -7, .data = (uintptr_t)"result", .data_len = 6,
	};
	struct first_join ticket;
	struct {
		struct first_verdict verdict;
		char data[8];
	} answer = { };
	int fd = open_first(FLIGHT, 0), follower;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, call(fd, 0xbe20, &join));
	EXPECT_EQ(1, join.role);
	/* Follows by a ticket, bit 2; no EDEADLK, bit 10. */
	ticket = join;
	ticket.flags = 1 << 2 | 1 << 10;
	ticket.deadline = -1ULL;
	follower = call(fd, 0xbe20, &ticket);
	ASSERT_LE(0, follower);
	finish.token = join.token;
	EXPECT_EQ(0, call(fd, 0xbe21, &finish));
	EXPECT_EQ(1, finish.followers);
	EXPECT_EQ(sizeof(answer.verdict) + 6, read(follower, &answer, sizeof(answer)));
	EXPECT_EQ(sizeof(answer.verdict), answer.verdict.size);
	EXPECT_EQ(0, answer.verdict.error);
	EXPECT_EQ(2, answer.verdict.role);
	EXPECT_EQ(-7, answer.verdict.status);
	EXPECT_EQ(6, answer.verdict.result_len);
	EXPECT_EQ(0, memcmp(answer.data, "result", 6));
	/* Without room for a result. */
	EXPECT_EQ(sizeof(answer.verdict), read(follower, &answer, sizeof(answer.verdict)));
	close(follower);
	close(fd);
}

TEST_F(frozen, barrier)
{
	struct first_await await = { .size = sizeof(await), .deadline = -1ULL };
	int fd = open_first(BARRIER, 1);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, call(fd, 0xbe40, &await));
	EXPECT_EQ(0, await.generation);
	EXPECT_EQ(0, call(fd, 0xbe40, &await));
	EXPECT_EQ(1, await.generation);
	close(fd);
}

TEST_F(frozen, group)
{
	struct first_add add = { .size = sizeof(add), .slots = 1 };
	struct first_done done = { .size = sizeof(done), .status = 5 };
	struct first_wait wait = { .size = sizeof(wait), .flags = 1 };
	int fd = open_first(GROUP, 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, call(fd, 0xbe80, &add));
	EXPECT_EQ(-EAGAIN, call(fd, 0xbe83, &wait));
	done.slot = add.first;
	EXPECT_EQ(0, call(fd, 0xbe82, &done));
	EXPECT_EQ(0, call(fd, 0xbe83, &wait));
	EXPECT_EQ(1, wait.met);
	EXPECT_EQ(5, wait.status);
	close(fd);
}

TEST_HARNESS_MAIN
