// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device: what the module is, and getting objects from it
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "lease.h"

/* ioctl(2) in the library's manner: a negative errno, and errno left alone. */
int muster_ioctl(int fd, unsigned long cmd, void *arg)
{
	int saved = errno;
	int ret = ioctl(fd, cmd, arg);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/*
 * Not by open(2) and close(2), which are cancellation points: a thread that is
 * cancelled there would leak the descriptor.
 */
int muster_device_open(void)
{
	int saved = errno;
	int fd = syscall(SYS_openat, AT_FDCWD, MUSTER_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

/* close(2), but no cancellation point either. */
void muster_close(int fd)
{
	int saved = errno;

	syscall(SYS_close, fd);
	errno = saved;
}

/* poll(2), likewise: until it is readable, or a handler has run. */
void muster_wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int saved = errno;

	syscall(SYS_ppoll, &p, 1, NULL, NULL, 0);
	errno = saved;
}

static int device_ioctl(unsigned long cmd, void *arg)
{
	int fd = muster_device_open();
	int ret;

	if (fd < 0)
		return fd;
	ret = muster_ioctl(fd, cmd, arg);
	muster_close(fd);
	return ret;
}

int muster_info(struct muster_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return device_ioctl(MUSTER_INFO, info);
}

int muster_fd_info(int fd, struct muster_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return muster_ioctl(fd, MUSTER_INFO, info);
}

int muster_open(struct muster_open *how)
{
	int fd;

	how->size = sizeof(*how);
	how->oflags |= O_CLOEXEC;
	fd = device_ioctl(MUSTER_OPEN, how);
	if (fd >= 0)
		muster_lease_forget(fd);
	return fd;
}

/* Opens what @how says under the name, if there is one. */
static int open_by_name(struct muster_open *how, const char *name, int oflags,
			unsigned int mode)
{
	size_t len = name ? strlen(name) : 0;

	if (name && !len)
		return -EINVAL;
	if (len > MUSTER_NAME_MAX)
		return -ENAMETOOLONG;
	how->oflags = oflags;
	how->mode = mode;
	how->name = to_u64(name);
	how->name_len = len;
	return muster_open(how);
}

int muster_flight_open(const char *name, int oflags, unsigned int mode,
		       uint32_t handovers, uint32_t options)
{
	struct muster_open how = {
		.type = MUSTER_FLIGHT,
		.limit = handovers,
		.options = options,
	};

	return open_by_name(&how, name, oflags, mode);
}

int muster_barrier_open(const char *name, int oflags, unsigned int mode,
			uint32_t parties, uint32_t options)
{
	struct muster_open how = {
		.type = MUSTER_BARRIER,
		.limit = parties,
		.options = options,
	};

	return open_by_name(&how, name, oflags, mode);
}

int muster_sem_open(const char *name, int oflags, unsigned int mode, uint64_t limit)
{
	struct muster_open how = { .type = MUSTER_SEM, .limit = limit };

	return open_by_name(&how, name, oflags, mode);
}

int muster_sem_open_signalling(const char *name, int oflags, unsigned int mode,
			       uint64_t limit, uint64_t initial)
{
	struct muster_open how = {
		.type = MUSTER_SEM,
		.limit = limit,
		.initial = initial,
		.options = MUSTER_SEM_SIGNALLING,
	};

	return open_by_name(&how, name, oflags, mode);
}

int muster_group_open(const char *name, int oflags, unsigned int mode, uint32_t limit,
		      uint32_t options)
{
	struct muster_open how = {
		.type = MUSTER_GROUP,
		.limit = limit,
		.options = options,
	};

	return open_by_name(&how, name, oflags, mode);
}
