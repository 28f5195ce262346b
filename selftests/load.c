// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading the module: out of memory at each instant of it. It is unloaded for that, so
 * that nothing else may use it; MUSTER_MODULE says where its file is.
 */
#include <stdlib.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "faults.h"

/*
 * So many of the faults that come last are tried: the module's own work is the end of
 * loading, and all before that is the kernel's.
 */
#define LAST	60

static int run_load(struct job *job)
{
	const char *file = getenv("MUSTER_MODULE");
	int fd = open(file, O_RDONLY | O_CLOEXEC), ret;

	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static const struct job load = { .run = run_load };

static int unload(void)
{
	return syscall(SYS_delete_module, "muster", O_NONBLOCK) ? -errno : 0;
}

/* A device that is not there, or not any more, cannot be opened. */
static bool has_device(void)
{
	int fd = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);

	close(fd);
	return fd >= 0;
}

FIXTURE(load) {
	bool unloaded;
};

FIXTURE_SETUP(load)
{
}

/* The tests that follow need it. */
FIXTURE_TEARDOWN(load)
{
	if (self->unloaded && !has_device())
		EXPECT_EQ(0, ask(me, load));
}

/* O7: it is there or it is not, and can be loaded again; nothing is left. */
TEST_F(load, out_of_memory)
{
	unsigned int nth, seen = 0, failed = 0;
	const char *why = faults_missing();
	bool reached;
	int ret;

	if (why)
		SKIP(return, "%s", why);
	if (!getenv("MUSTER_MODULE") || access(getenv("MUSTER_MODULE"), R_OK))
		SKIP(return, "no MUSTER_MODULE, the file of the module");
	/* A file that was open is put away a moment after its process. */
	ASSERT_SOON(unload() == -ENOENT);
	self->unloaded = true;
	nth = count_faults(load);
	ASSERT_TRUE(has_device());
	ASSERT_EQ(0, unload());
	/* The next time there may be less to allocate, by far. */
	for (; seen < LAST; nth--) {
		ASSERT_LT(0, nth);
		ret = ask_faulty(load, nth, &reached);
		seen += reached;
		EXPECT_EQ(!ret, has_device());
		/* It can do without some things. */
		EXPECT_EQ(ret ? -ENOENT : 0, unload());
		if (ret)
			EXPECT_EQ(-ENOMEM, ret);
		failed += !!ret;
	}
	EXPECT_LT(0, failed);
}

static void __attribute__((constructor)) __constructor_order_last(void)
{
	if (!__constructor_order)
		__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD;
}

/* In place of TEST_HARNESS_MAIN: no process may have the device open. */
int main(int argc, char **argv)
{
	close(device_fd);
	device_fd = -1;
	return test_harness_run(argc, argv);
}
