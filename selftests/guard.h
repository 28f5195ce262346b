/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory whose writer is held up
 */
#ifndef MUSTER_GUARD_H
#define MUSTER_GUARD_H

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "muster_util.h"

/*
 * Who writes there waits until somebody has read of it from what is returned, and has done
 * something about it; negative if there is no such thing. The page is there already.
 */
static inline int guard(void *page, size_t size)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register reg = {
		.range = { to_u64(page), size }, .mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect protect = {
		.range = reg.range, .mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd >= 0 && (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg) ||
			ioctl(fd, UFFDIO_WRITEPROTECT, &protect))) {
		close(fd);
		return -1;
	}
	return fd;
}

#endif /* MUSTER_GUARD_H */
