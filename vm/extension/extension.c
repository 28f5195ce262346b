// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the interface as vm/extension/apply extends it, on a module that has
 * the extension (EXTENSION=there) and on one that has not (EXTENSION=missing)
 */
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#include "abi_layout.h"

#define LIMIT	100

FIXTURE(extension) {
	bool there;
	int sem;
};

FIXTURE_SETUP(extension)
{
	const char *what = getenv("EXTENSION");

	ASSERT_NE(NULL, what);
	self->there = !strcmp(what, "there");
	ASSERT_TRUE(self->there || !strcmp(what, "missing"));
	self->sem = open_sem(LIMIT);
}

FIXTURE_TEARDOWN(extension)
{
}

/* I1: one can ask. What an older module does not know of stays as it was. */
TEST_F(extension, info)
{
	struct muster_info info = { .size = sizeof(info) };

	ASSERT_EQ(0, call(device_fd, MUSTER_INFO, &info));
	EXPECT_EQ(self->there, info.api_version == MUSTER_API_VERSION);
	EXPECT_EQ(self->there ? 4711 : 0, info.extension);
	info.extension = 5;
	EXPECT_EQ(self->there ? 0 : -E2BIG, call(device_fd, MUSTER_INFO, &info));
}

/* I1: a new field: as long as it is 0 nothing has changed. Else it is E2BIG. */
TEST_F(extension, field)
{
	struct job job = acquire(self->sem, 3);

	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(3, sem_state(self->sem).held);
	job.acquire.extension = 4;
	EXPECT_EQ(self->there ? 0 : -E2BIG, ask(me, job));
	EXPECT_EQ(self->there ? 10 : 3, sem_state(self->sem).held);
}

/* I1: a new flag: EINVAL. */
TEST_F(extension, flag)
{
	EXPECT_EQ(self->there ? 0 : -EINVAL,
		  ask(me, acquire_by(self->sem, 3, MUSTER_SEM_TWICE, 0)));
	EXPECT_EQ(self->there ? 6 : 0, sem_state(self->sem).held);
}

/* I1: a new ioctl: ENOTTY; and it can be told from a bad argument. */
TEST_F(extension, ioctl)
{
	struct muster_sem_sum sum = { .size = sizeof(sum), .term = 41 };

	EXPECT_EQ(self->there ? 0 : -ENOTTY, call(self->sem, MUSTER_SEM_SUM, &sum));
	EXPECT_EQ(self->there ? 42 : 0, sum.sum);
	sum.size = 1;
	EXPECT_EQ(self->there ? -EINVAL : -ENOTTY, call(self->sem, MUSTER_SEM_SUM, &sum));
}

TEST_HARNESS_MAIN
