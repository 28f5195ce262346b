// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program can do beside ioctls
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/muster.h>

#include "fuzz.h"

#define HELD_FD		100
#define DEEPEST		2

static void *pointer(__u64 v)
{
	return (void *)(uintptr_t)v;
}

/* Only what a program may close. */
static bool is_ours(__u64 fd)
{
	return fd > 2 && fd < HELD_FD;
}

long fuzz_do_ioctl(struct fuzz_thread *t, const __u64 *v)
{
	return ioctl(v[0], v[1] & 1 ? MUSTER_INFO | (v[1] & 0xff) : v[1], pointer(v[2]));
}

long fuzz_do_device(struct fuzz_thread *t, const __u64 *v)
{
	return open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);
}

long fuzz_do_close(struct fuzz_thread *t, const __u64 *v)
{
	return is_ours(v[0]) ? close(v[0]) : 0;
}

long fuzz_do_dup(struct fuzz_thread *t, const __u64 *v)
{
	return dup(v[0]);
}

long fuzz_do_dup2(struct fuzz_thread *t, const __u64 *v)
{
	return is_ours(v[1]) ? dup2(v[0], v[1]) : 0;
}

static long receive(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fd;

	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Through a socket, and closed while it is on its way. */
long fuzz_do_pass(struct fuzz_thread *t, const __u64 *v)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2], fd = v[0];
	long ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ret = sendmsg(pair[0], &msg, MSG_DONTWAIT);
	if (ret > 0 && v[1] && is_ours(v[0]))
		close(v[0]);
	ret = ret > 0 ? receive(pair[1]) : -1;
	close(pair[0]);
	close(pair[1]);
	return ret;
}

long fuzz_do_memfd(struct fuzz_thread *t, const __u64 *v)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && !ftruncate(fd, v[0] % (1 << 20)))
		fcntl(fd, F_ADD_SEALS, v[1]);
	return fd;
}

long fuzz_do_nonblock(struct fuzz_thread *t, const __u64 *v)
{
	return fcntl(v[0], F_SETFL, v[1] ? O_NONBLOCK : 0);
}

void fuzz_child_begin(struct fuzz_thread *t);

/* The child does the rest of the program, as the parent does. */
long fuzz_do_fork(struct fuzz_thread *t, const __u64 *v)
{
	long pid;

	if (fuzz_own.depth == DEEPEST)
		return 0;
	pid = syscall(SYS_clone, SIGCHLD | (v[0] ? CLONE_FILES : 0), 0, 0, 0, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It has not got the mappings. */
	memset(fuzz_own.leases, 0, sizeof(fuzz_own.leases));
	fuzz_child_begin(t);
	__atomic_fetch_add(&fuzz->forks, 1, __ATOMIC_RELAXED);
	return 0;
}

long fuzz_do_exit(struct fuzz_thread *t, const __u64 *v)
{
	if (fuzz_own.depth)
		_exit(0);
	return 0;
}

long fuzz_do_exec(struct fuzz_thread *t, const __u64 *v)
{
	if (fuzz_own.depth)
		execl("/proc/self/exe", "fuzz", "--nothing", NULL);
	return 0;
}

long fuzz_do_unshare(struct fuzz_thread *t, const __u64 *v)
{
	return unshare(CLONE_FILES);
}

long fuzz_do_kill(struct fuzz_thread *t, const __u64 *v)
{
	return kill(getpid(), SIGUSR1);
}

long fuzz_do_poll(struct fuzz_thread *t, const __u64 *v)
{
	struct pollfd pfd[2] = { { v[0], v[2], 0 }, { v[1], v[2] >> 3, 0 } };

	return poll(pfd, 2, v[3] % 8);
}

long fuzz_do_epoll(struct fuzz_thread *t, const __u64 *v)
{
	struct epoll_event event = { .events = v[1] };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		return -1;
	if (!epoll_ctl(epoll, EPOLL_CTL_ADD, v[0], &event)) {
		if (v[3] && is_ours(v[0]))
			close(v[0]);
		epoll_wait(epoll, &event, 1, v[2] % 8);
	}
	return close(epoll);
}

long fuzz_do_read(struct fuzz_thread *t, const __u64 *v)
{
	return v[0] > 2 ? read(v[0], pointer(v[1]), v[2]) : 0;
}

long fuzz_do_write(struct fuzz_thread *t, const __u64 *v)
{
	return is_ours(v[0]) ? write(v[0], pointer(v[1]), v[2]) : 0;
}

long fuzz_do_mmap(struct fuzz_thread *t, const __u64 *v)
{
	size_t len = v[1] % (1 << 20);
	void *p = mmap(NULL, len, v[2] & 7, v[3] & 3, v[0], v[4]);

	if (p == MAP_FAILED)
		return -1;
	return munmap(p, len);
}

/* A word that makes sense, or that does not. */
static __u64 lease_word(__u64 was, __u64 v)
{
	switch (v % 6) {
	case 0: return was + MUSTER_LEASE_TAKE * (v >> 3 & 3);
	case 1: return was - MUSTER_LEASE_TAKE * (v >> 3 & 3);
	case 2: return v >> 3 & 7;
	case 3: return (v >> 3 & 7) << 32;
	case 4: return ~0ULL << (v >> 3 & 63);
	default: return v * 0x9e3779b97f4a7c15ULL;
	}
}

/* Maps a lease, and acquires, releases or scribbles in it, or in one mapped before. */
long fuzz_do_lease(struct fuzz_thread *t, const __u64 *v)
{
	unsigned int i = v[2] % FUZZ_LEASES;
	void **at = &fuzz_own.leases[i];
	size_t size = getpagesize();
	__u64 *word, was;
	void *page;

	if (v[1] & 1) {
		page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v[0], 0);
		if (page == MAP_FAILED)
			return -1;
		if (*at)
			munmap(*at, size);
		*at = page;
		fuzz_own.sealed[i] = false;
	}
	if (!*at || fuzz_own.sealed[i])
		return 0;
	word = &((struct muster_lease *)*at)->permits;
	was = __atomic_load_n(word, __ATOMIC_RELAXED);
	__atomic_compare_exchange_n(word, &was, lease_word(was, v[3]), false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	if (v[1] & 2)
		((struct muster_lease *)*at)->state = v[3];
	return 0;
}

/*
 * A lease moves to where there is room or where the kernel likes, is doubled, or grows:
 * what of that may be has one page then as before (L1).
 */
long fuzz_do_remap(struct fuzz_thread *t, const __u64 *v)
{
	void **at = &fuzz_own.leases[v[0] % FUZZ_LEASES], *from = *at, *room, *to;
	size_t size = getpagesize(), old = v[1] % 2 * size, new = v[2] % 4 * size;
	int flags = v[3] & 7;

	if (!from)
		return 0;
	room = mmap(NULL, 3 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return -1;
	to = mremap(from, old, new, flags, room);
	/* The room may be another thread's by now. */
	if (to == MAP_FAILED && flags & MREMAP_FIXED)
		return -1;
	if (to == room)
		munmap(room + new, 3 * size - new);
	else
		munmap(room, 3 * size);
	if (to == MAP_FAILED)
		return -1;
	if (to != from && (!old || flags & MREMAP_DONTUNMAP))
		munmap(from, size);
	*at = to;
	return 0;
}

/* The kernel, which may meet what it may not read or write, polls what stands there. */
long fuzz_do_protect(struct fuzz_thread *t, const __u64 *v)
{
	unsigned int i = v[0] % FUZZ_LEASES;
	void *page = fuzz_own.leases[i];

	if (!page)
		return 0;
	if (!mprotect(page, getpagesize(), v[1] & 7))
		fuzz_own.sealed[i] = (v[1] & (PROT_READ | PROT_WRITE)) != (PROT_READ | PROT_WRITE);
	return poll(page, 1, 0);
}

/* Whatever is lent by it then is lent (L7). */
long fuzz_do_unmap(struct fuzz_thread *t, const __u64 *v)
{
	void **at = &fuzz_own.leases[v[0] % FUZZ_LEASES], *page = *at;

	*at = NULL;
	return page ? munmap(page, getpagesize()) : 0;
}

long fuzz_do_fdinfo(struct fuzz_thread *t, const __u64 *v)
{
	char text[2048];
	int fd;

	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", (int)v[0]);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (read(fd, text, sizeof(text)) > 0)
		;
	return close(fd);
}
