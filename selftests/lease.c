// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permits on loan: L1 to L8 of Documentation/leases.rst
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "fdinfo.h"
#include "guard.h"
#include "kselftest_harness.h"
#include "muster_util.h"
#include "lease.h"
#include "race.h"

#define LIMIT	10

FIXTURE(lease) {
	int fd;
	struct puppet *a, *b, *c;
};

FIXTURE_SETUP(lease)
{
	self->fd = open_sem(LIMIT);
	self->a = puppet();
	self->b = puppet();
	self->c = puppet();
	ASSERT_EQ(0, ask(self->a, map_lease(self->fd)));
	ASSERT_EQ(0, ask(self->b, map_lease(self->fd)));
}

FIXTURE_TEARDOWN(lease)
{
}

#define EXPECT_SEM(_held, _available, _idle) do {			\
	struct muster_sem_stat _stat = sem_state(self->fd);		\
	EXPECT_EQ(_held, _stat.held);					\
	EXPECT_EQ(_available, _stat.available);				\
	EXPECT_EQ(_idle, _stat.idle);					\
} while (0)

#define WAIT_IN_QUEUE(p, permits) do {					\
	__u32 _before = sem_state(self->fd).waiters;			\
	tell(p, acquire(self->fd, permits));				\
	ASSERT_SOON(sem_state(self->fd).waiters == _before + 1);	\
} while (0)

/* All permits are there, and nothing is on loan: whoever tries gets them. */
#define EXPECT_ALL_THERE() do {						\
	EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT)));	\
	EXPECT_EQ(0, ask(self->c, release(self->fd, LIMIT)));		\
} while (0)

/* ---- L1: the page ---- */

/* L1: one page, the same each time, of each process. */
TEST_F(lease, page)
{
	struct muster_lease *first, *second;
	const char *bytes;
	int i;

	EXPECT_EQ(0, sem_state(self->fd).lease);
	first = lease_map(self->fd);
	second = lease_map(self->fd);
	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, second);
	EXPECT_NE(0, first->id);
	EXPECT_EQ(first->id, sem_state(self->fd).lease);
	EXPECT_EQ(0, first->permits);
	bytes = (const char *)first;
	for (i = offsetof(struct muster_lease, state); i < getpagesize(); i++)
		ASSERT_EQ(0, bytes[i]);
	first->permits = 4711;
	EXPECT_EQ(4711, second->permits);
	first->permits = 0;
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	ASSERT_EQ(0, munmap(first, getpagesize()));
	ASSERT_EQ(0, munmap(second, getpagesize()));
	EXPECT_NE(0, sem_state(self->fd).lease);
}

static int map_errno(size_t size, int prot, int flags, int fd, off_t offset)
{
	void *page = mmap(NULL, size, prot, flags, fd, offset);

	if (page == MAP_FAILED)
		return errno;
	munmap(page, size);
	return 0;
}

/* L1: what cannot be mapped. */
TEST_F(lease, refused_mappings)
{
	size_t size = getpagesize();
	int rw = PROT_READ | PROT_WRITE, fd = self->fd;
	struct muster_lease *page;

	EXPECT_EQ(0, map_errno(size, rw, MAP_SHARED, fd, 0));
	EXPECT_EQ(0, map_errno(size, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, map_errno(size, rw, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EINVAL, map_errno(2 * size, rw, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, map_errno(size, rw, MAP_SHARED, fd, size));
	EXPECT_EQ(EPERM, map_errno(size, rw | PROT_EXEC, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, map_errno(size, rw, MAP_SHARED, open_flight(0), 0));
	EXPECT_EQ(ENODEV, map_errno(size, rw, MAP_SHARED, open_barrier(1, 0), 0));
	EXPECT_EQ(ENODEV, map_errno(size, rw, MAP_SHARED, device_fd, 0));

	page = lease_map(fd);
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-1, mprotect(page, size, rw | PROT_EXEC));
	EXPECT_EQ(-1, madvise(page, size, MADV_DOFORK));
	EXPECT_EQ(MAP_FAILED, mremap(page, size, 2 * size, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(page, 0, size, MREMAP_MAYMOVE));
}

/* L1, W3: a child does not have it, and may have one of its own. */
TEST_F(lease, fork)
{
	int status;
	pid_t pid;

	lease = lease_map(self->fd);
	ASSERT_NE(NULL, lease);
	pid = fork();
	if (!pid) {
		die_with_parent();
		_exit(lease->id != 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);

	ASSERT_EQ(0, ask(me, borrow(self->fd, 3)));
	pid = fork();
	if (!pid) {
		die_with_parent();
		lease = lease_map(self->fd);
		_exit(!lease || peek() || ask(me, release(self->fd, 1)) != -EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(3, idle_in(peek()));
}

/* L1, O3: a mapping keeps neither the semaphore nor its name. */
TEST_F(lease, keeps_no_name)
{
	const char *name = unique_name("");
	int fd = open_named(MUSTER_SEM, name, O_CREAT | O_EXCL, 1);

	ASSERT_LE(0, fd);
	lease = lease_map(fd);
	ASSERT_NE(NULL, lease);
	ASSERT_EQ(0, ask(me, borrow(fd, 1)));
	kill_puppet(self->a);
	close(fd);
	EXPECT_EQ(-ENOENT, open_named(MUSTER_SEM, name, 0, 0));
	EXPECT_EQ(MUSTER_LEASE_OVER, lease->state);
	EXPECT_EQ(0, peek());
	EXPECT_FALSE(lease_take(1));
}

/* O7, L1: so many for each user, until they are unmapped. */
TEST_F(lease, so_many)
{
	long long before = get_param("leases_max");
	struct muster_info info = { .size = sizeof(info) };
	struct muster_lease *page;
	int fd = open_sem(1);

	/* Two are of the puppets. */
	if (!set_param("leases_max", 3))
		SKIP(return, "no parameter may be set");
	ASSERT_EQ(0, call(device_fd, MUSTER_INFO, &info));
	EXPECT_EQ(3, info.leases_max);
	page = lease_map(fd);
	ASSERT_NE(NULL, page);
	EXPECT_EQ(NULL, lease_map(self->fd));
	EXPECT_EQ(ENOSPC, errno);
	close(fd);
	EXPECT_EQ(NULL, lease_map(self->fd));
	EXPECT_EQ(ENOSPC, errno);
	munmap(page, getpagesize());
	EXPECT_NE(NULL, lease_map(self->fd));
	ASSERT_TRUE(set_param("leases_max", before));
}

/* ---- L2: without ---- */

/* L2: by a flag of the one who opens. */
TEST_F(lease, not_wanted)
{
	struct muster_open how = open_how(MUSTER_SEM, NULL, 0, 3);
	int fd;

	how.flags = MUSTER_OPEN_NO_LEASE;
	fd = open_object(&how);
	ASSERT_LE(0, fd);
	EXPECT_EQ(NULL, lease_map(fd));
	EXPECT_EQ(EOPNOTSUPP, errno);
	how.flags = 2;
	EXPECT_EQ(-EINVAL, open_object(&how));
}

/* L2, S3: nobody holds what is signalled. */
TEST_F(lease, signalling)
{
	struct muster_open how = open_how(MUSTER_SEM, NULL, 0, 3);

	how.options = MUSTER_SEM_SIGNALLING;
	EXPECT_EQ(NULL, lease_map(open_object(&how)));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

/* L2, T5: what is held through a ticket is not lent. */
TEST_F(lease, ticket)
{
	int ticket = ask(me, as_ticket(acquire(self->fd, 1)));

	ASSERT_LE(0, ticket);
	EXPECT_EQ(NULL, lease_map(ticket));
	EXPECT_EQ(ENODEV, errno);
}

/* L2: by a parameter of the module, for those who have one, too. */
TEST_F(lease, switched_off)
{
	long long before = get_param("leases_max");

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 1)));
	if (!set_param("leases_max", 0))
		SKIP(return, "no parameter may be set");
	EXPECT_EQ(NULL, lease_map(self->fd));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-EAGAIN, ask(self->b, borrow(self->fd, 1)));
	/* What is lent is, until it is taken back. */
	EXPECT_EQ(0, ask(self->a, take(1)));
	EXPECT_EQ(0, ask(self->a, give(1)));
	EXPECT_ALL_THERE();
	EXPECT_EQ(-EAGAIN, ask(self->a, borrow(self->fd, 1)));
	ASSERT_TRUE(set_param("leases_max", before));
}

/* ---- L3: lending ---- */

/* L3: what it releases it keeps on loan, and acquires and releases alone. */
TEST_F(lease, take_and_give)
{
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 3)));
	EXPECT_EQ(LENT(0, 3), ask(self->a, peek_lease()));
	EXPECT_SEM(0, LIMIT, 3);
	EXPECT_EQ(0, ask(self->a, take(2)));
	EXPECT_SEM(2, LIMIT - 2, 1);
	EXPECT_EQ(-EAGAIN, ask(self->a, take(2)));
	EXPECT_EQ(0, ask(self->a, take(1)));
	EXPECT_SEM(3, LIMIT - 3, 0);
	EXPECT_EQ(-EPERM, ask(self->a, give(4)));
	EXPECT_EQ(0, ask(self->a, give(3)));
	EXPECT_SEM(0, LIMIT, 3);
}

/* L3: what is acquired in one way may be released in the other. */
TEST_F(lease, both_ways)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 2)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 4)));
	EXPECT_SEM(5, LIMIT - 5, 1);
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 6)));
	EXPECT_SEM(5, LIMIT - 5, 0);
	EXPECT_EQ(0, ask(self->a, release(self->fd, 5)));
	EXPECT_SEM(0, LIMIT, sem_state(self->fd).idle);
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 1)));

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 2)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 1)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	EXPECT_EQ(0, ask(self->a, give(1)));
	EXPECT_EQ(-EPERM, ask(self->a, give(1)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_SEM(0, LIMIT, sem_state(self->fd).idle);
}

/* L3: more is lent as more is released. */
TEST_F(lease, more)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 2)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 3)));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 3)));
	EXPECT_EQ(LENT(1, 4), ask(self->a, peek_lease()));
	EXPECT_SEM(1, LIMIT - 1, 4);
}

/* L3: of 0 permits nothing is lent, nor of more than fit the word. */
TEST_F(lease, amounts)
{
	__u64 many = 1ULL << 62;
	int fd = open_sem(many);

	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 0)));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 0)));
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	lease = lease_map(fd);
	ASSERT_NE(NULL, lease);
	ASSERT_EQ(0, ask(me, acquire(fd, many)));
	ASSERT_EQ(0, ask(me, release(fd, many - 1)));
	EXPECT_EQ(0, peek());
	ASSERT_EQ(0, ask(me, release(fd, 1)));
	EXPECT_EQ(1, peek());
	ASSERT_EQ(0, ask(me, acquire(fd, (1ULL << 31) - 1)));
	ASSERT_EQ(0, ask(me, release(fd, (1ULL << 31) - 1)));
	EXPECT_EQ(1, peek());
	EXPECT_EQ(0, sem_state(fd).held);
	EXPECT_EQ(many, sem_state(fd).available);
	EXPECT_EQ(0, ask(me, try_acquire(fd, many)));
}

/* L3, L6: nothing is lent while somebody waits, or polls, or is to be told of a death. */
TEST_F(lease, not_lent)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(-EAGAIN, ask(self->a, borrow(self->fd, 1)));
	close(set);
	EXPECT_EQ(0, ask(self->a, borrow(self->fd, 1)));

	ASSERT_EQ(0, ask(self->c, acquire(self->fd, LIMIT)));
	WAIT_IN_QUEUE(self->b, 1);
	ASSERT_EQ(0, ask(self->c, release(self->fd, LIMIT - 1)));
	EXPECT_EQ(0, hear(self->b));
	WAIT_IN_QUEUE(self->c, LIMIT);
	EXPECT_EQ(0, ask(self->b, release(self->fd, 1)));
	EXPECT_EQ(0, ask(self->b, peek_lease()));
	EXPECT_SEM(1, LIMIT - 1, 0);
}

/*
 * L3, T4: a thread that cannot be told of its grant gives it back, though another has
 * released, by ioctl, just these permits rather than those that it had acquired without.
 */
TEST_F(lease, untold)
{
	size_t size = getpagesize();
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct puppet *thread = puppet_thread(me);
	struct job job = acquire(self->fd, 2);
	struct uffd_msg msg;
	int uffd;

	ASSERT_NE(MAP_FAILED, page);
	lease = lease_map(self->fd);
	ASSERT_NE(NULL, lease);
	ASSERT_EQ(0, ask(me, borrow(self->fd, 2)));
	ASSERT_TRUE(lease_take(2));
	memcpy(page, &job.acquire, sizeof(job.acquire));
	job.at = page;
	uffd = guard(page, size);
	if (uffd < 0)
		SKIP(return, "no userfaultfd that guards against writing");
	tell(thread, job);
	ASSERT_EQ(sizeof(msg), read(uffd, &msg, sizeof(msg)));
	EXPECT_SEM(4, LIMIT - 4, 0);
	ASSERT_EQ(0, ask(me, release(self->fd, 2)));
	EXPECT_EQ(LENT(2, 2), held_in(peek()) * 100 + idle_in(peek()));
	ASSERT_EQ(0, munmap(page, size));
	close(uffd);
	ASSERT_EQ(-EFAULT, hear(thread));
	EXPECT_SEM(0, LIMIT, 0);
	EXPECT_EQ(-EPERM, ask(me, release(self->fd, 1)));
	EXPECT_ALL_THERE();
}

/* W1, T4: nor does it take what its process was granted by a later descriptor. */
TEST_F(lease, untold_and_closed)
{
	size_t size = getpagesize();
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int fd = open_sem(1), uffd, other, later;
	struct puppet *thread = puppet_thread(me), *child = puppet();
	struct job job = acquire(fd, 1);
	struct uffd_msg msg;

	ASSERT_NE(MAP_FAILED, page);
	other = syscall(SYS_pidfd_open, child->pid, 0);
	ASSERT_LE(0, other);
	memcpy(page, &job.acquire, sizeof(job.acquire));
	job.at = page;
	uffd = guard(page, size);
	if (uffd < 0)
		SKIP(return, "no userfaultfd that guards against writing");
	tell(thread, job);
	ASSERT_EQ(sizeof(msg), read(uffd, &msg, sizeof(msg)));
	/* It is on its way to be told. Its permit is given back here. */
	close(fd);
	later = syscall(SYS_pidfd_getfd, other, fd, 0);
	ASSERT_LE(0, later);
	ASSERT_EQ(0, ask(me, try_acquire(later, 1)));
	ASSERT_EQ(0, munmap(page, size));
	close(uffd);
	ASSERT_EQ(-EFAULT, hear(thread));
	EXPECT_EQ(1, sem_state(later).held);
	EXPECT_EQ(0, ask(me, release(later, 1)));
}

/* ---- L4: taking back ---- */

/* L4: who tries gets what is lent to others and idle. */
TEST_F(lease, try_takes_back)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 6)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 4)));
	EXPECT_SEM(0, LIMIT, LIMIT);
	EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT)));
	EXPECT_SEM(LIMIT, 0, 0);
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	EXPECT_EQ(-EAGAIN, ask(self->b, take(1)));
	EXPECT_EQ(-EAGAIN, ask(self->a, try_acquire(self->fd, 1)));
}

/* L4: also who has used the semaphore before. */
TEST_F(lease, user_tries)
{
	EXPECT_ALL_THERE();
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 6)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 4)));
	EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT)));
	EXPECT_SEM(LIMIT, 0, 0);
}

/* L4: not what is held; that is as if acquired by ioctl then. */
TEST_F(lease, held_stays)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 6)));
	ASSERT_EQ(0, ask(self->a, take(2)));
	EXPECT_EQ(-EAGAIN, ask(self->c, try_acquire(self->fd, LIMIT - 1)));
	EXPECT_SEM(2, LIMIT - 2, 0);
	EXPECT_EQ(-EPERM, ask(self->a, give(2)));
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 3)));
	EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT - 2)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 2)));
	EXPECT_EQ(0, ask(self->c, release(self->fd, LIMIT - 2)));
	EXPECT_ALL_THERE();
}

/* L4: only as many lessees as it takes lose theirs. */
TEST_F(lease, no_more_than_needed)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 5)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 5)));
	EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, 1)));
	EXPECT_SEM(1, LIMIT - 1, 5);
	EXPECT_EQ(5, ask(self->a, peek_lease()) + ask(self->b, peek_lease()));
}

/* L4: one's own, too. */
TEST_F(lease, own)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 6)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	EXPECT_EQ(0, ask(self->a, try_acquire(self->fd, LIMIT - 1)));
	EXPECT_SEM(LIMIT, 0, 0);
	EXPECT_EQ(0, ask(self->a, release(self->fd, LIMIT)));
}

/* L4, S1: a ticket takes back, and waits like others. */
TEST_F(lease, ticket_takes_back)
{
	struct muster_verdict verdict;
	int ticket;

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, LIMIT)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	ticket = ask(me, as_ticket(acquire(self->fd, LIMIT - 1)));
	ASSERT_LE(0, ticket);
	EXPECT_NE(0, poll_now(ticket));
	close(ticket);
	ticket = ask(me, as_ticket(acquire(self->fd, LIMIT)));
	ASSERT_LE(0, ticket);
	EXPECT_EQ(0, poll_now(ticket));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	ASSERT_EQ(sizeof(verdict), read(ticket, &verdict, sizeof(verdict)));
	EXPECT_EQ(0, verdict.error);
	EXPECT_SEM(LIMIT, 0, 0);
}

/* L4: what is lent to many comes back for one. */
#define MANY	150
TEST(many)
{
	struct puppet *p[MANY];
	int fd = open_sem(MANY), i;

	for (i = 0; i < MANY; i++) {
		p[i] = puppet();
		ASSERT_EQ(0, ask(p[i], map_lease(fd)));
		ASSERT_EQ(0, ask(p[i], borrow(fd, 1)));
	}
	EXPECT_EQ(MANY, sem_state(fd).idle);
	ASSERT_EQ(0, ask(p[7], take(1)));
	EXPECT_EQ(-EAGAIN, ask(p[0], try_acquire(fd, MANY)));
	EXPECT_EQ(0, ask(p[0], try_acquire(fd, MANY - 1)));
	EXPECT_EQ(0, ask(p[7], release(fd, 1)));
	EXPECT_EQ(0, ask(p[0], acquire(fd, 1)));
	EXPECT_EQ(MANY, sem_state(fd).held);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(0, ask(p[i], peek_lease()));
}

/* ---- L5: looking ---- */

/* L5, S6, I5: who holds, who has idle ones; looking changes nothing. */
TEST_F(lease, look)
{
	struct muster_process list[8];
	struct muster_sem_stat stat;

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 5)));
	ASSERT_EQ(0, ask(self->a, take(2)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 1)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 1)));
	ASSERT_EQ(3, sem_processes(self->fd, list, 8));
	EXPECT_EQ(self->a->pid, list[0].pid);
	EXPECT_EQ(MUSTER_PROCESS_HOLDER, list[0].role);
	EXPECT_EQ(3, list[0].amount);
	EXPECT_EQ(self->a->pid, list[1].pid);
	EXPECT_EQ(MUSTER_PROCESS_LESSEE, list[1].role);
	EXPECT_EQ(3, list[1].amount);
	EXPECT_EQ(self->b->pid, list[2].pid);
	EXPECT_EQ(MUSTER_PROCESS_LESSEE, list[2].role);
	EXPECT_EQ(1, list[2].amount);
	EXPECT_LE(list[0].since, clock_ns(CLOCK_MONOTONIC));
	EXPECT_LE(list[2].since, clock_ns(CLOCK_MONOTONIC));

	stat = sem_state(self->fd);
	EXPECT_EQ(3, stat.nr_processes);
	EXPECT_EQ(3, stat.held);
	EXPECT_EQ(LIMIT - 3, stat.available);
	EXPECT_EQ(4, stat.idle);
	EXPECT_EQ(LENT(2, 3), ask(self->a, peek_lease()));
	EXPECT_EQ(LENT(0, 1), ask(self->b, peek_lease()));
}

/* L5, W1: who holds how much through this file. */
TEST_F(lease, look_at_file)
{
	char wanted[32], *one;

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 5)));
	ASSERT_EQ(0, ask(self->a, take(2)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 1)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 1)));
	one = strdup(fdinfo_line(getpid(), self->fd, "muster-owner", 0));
	snprintf(wanted, sizeof(wanted), "%d 3", self->a->pid);
	EXPECT_STREQ(wanted, one);
	EXPECT_STREQ("", fdinfo_line(getpid(), self->fd, "muster-owner", 1));
	EXPECT_EQ(3, fdinfo(self->fd, "muster-held"));
	EXPECT_EQ(LIMIT - 3, fdinfo(self->fd, "muster-available"));
	EXPECT_EQ(4, fdinfo(self->fd, "muster-idle"));
	EXPECT_EQ(LENT(2, 3), ask(self->a, peek_lease()));
}

/* L5, I5: LIST counts what is idle as not in use. */
TEST(listed)
{
	const char *name = unique_name("");
	int fd = open_named(MUSTER_SEM, name, O_CREAT | O_EXCL, LIMIT);
	struct muster_entry entry = { };
	struct muster_list list = {
		.size = sizeof(list),
		.type = MUSTER_SEM,
		.nr_entries = 1,
		.entries = to_u64(&entry),
	};

	ASSERT_LE(0, fd);
	lease = lease_map(fd);
	ASSERT_NE(NULL, lease);
	ASSERT_EQ(0, ask(me, borrow(fd, 5)));
	ASSERT_TRUE(lease_take(2));
	do {
		list.after_type = entry.type;
		list.after = entry.type ? to_u64(strdup((char *)entry.name)) : 0;
		list.after_len = entry.name_len;
		list.nr_entries = 1;
		ASSERT_EQ(0, call(device_fd, MUSTER_LIST, &list));
		ASSERT_EQ(1, list.nr_entries);
	} while (strcmp((char *)entry.name, name));
	EXPECT_EQ(2, entry.used);
	EXPECT_EQ(LIMIT, entry.limit);
}

/* ---- L6: as if it were not there ---- */

/* L6, S1: nobody overtakes who is queued, and a release serves it. */
TEST_F(lease, order)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, LIMIT)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	WAIT_IN_QUEUE(self->b, LIMIT);
	WAIT_IN_QUEUE(self->c, 1);
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	EXPECT_EQ(-EAGAIN, ask(self->a, try_acquire(self->fd, 1)));
	EXPECT_EQ(-EPERM, ask(self->a, give(1)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(0, hear(self->b));
	EXPECT_TRUE(is_busy(self->c));
	EXPECT_EQ(0, ask(self->b, release(self->fd, LIMIT)));
	EXPECT_EQ(0, hear(self->c));
	EXPECT_SEM(1, LIMIT - 1, sem_state(self->fd).idle);
}

/* L6, S4: a lower limit holds for those who have permits on loan. */
TEST_F(lease, lower_limit)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 6)));
	ASSERT_EQ(0, ask(self->a, take(2)));
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 1)));
	EXPECT_SEM(2, 0, 0);
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_SEM(1, 0, 0);
	EXPECT_EQ(-EAGAIN, ask(self->a, try_acquire(self->fd, 1)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(0, ask(self->b, try_acquire(self->fd, 1)));
}

/* L6: what is released above a lowered limit is not lent. */
TEST_F(lease, above_the_limit)
{
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, LIMIT)));
	ASSERT_EQ(0, ask(me, set_limit(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	EXPECT_SEM(LIMIT - 1, 0, 0);
	ASSERT_EQ(0, ask(self->a, release(self->fd, 5)));
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	ASSERT_EQ(0, ask(self->a, release(self->fd, 4)));
	EXPECT_EQ(4, ask(self->a, peek_lease()));
}

/* L6, W4: nobody acquires without notice of a death. */
TEST_F(lease, notice_of_death)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 2)));
	ASSERT_EQ(0, ask(self->b, take(1)));
	kill_puppet(self->b);
	EXPECT_EQ(1, sem_state(self->fd).abandoned);
	EXPECT_SEM(1, LIMIT - 1, 0);
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->a, acquire(self->fd, 1)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, self->a->job.acquire.outcome);
	/* Not lent while that lasts. */
	self->a->job = release(self->fd, 1);
	self->a->job.release.flags = MUSTER_RELEASE_UNCHECKED;
	EXPECT_EQ(0, ask(self->a, self->a->job));
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	/* That of the one that had been taken says that all is well. */
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	EXPECT_EQ(0, ask(self->a, borrow(self->fd, 1)));
}

/* L6, W4: who dies with idle permits only has not held any. */
TEST_F(lease, death_without_holding)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 2)));
	kill_puppet(self->b);
	EXPECT_EQ(0, sem_state(self->fd).abandoned);
	EXPECT_EQ(LENT(1, 3), ask(self->a, peek_lease()));
	EXPECT_SEM(1, LIMIT - 1, 3);
}

/* L6, W4: as if it had died. */
TEST_F(lease, abandon)
{
	struct job job = release(self->fd, 1);

	job.release.flags = MUSTER_RELEASE_ABANDON;
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 2)));
	ASSERT_EQ(0, ask(self->b, take(1)));
	EXPECT_EQ(0, ask(self->b, job));
	EXPECT_EQ(1, sem_state(self->fd).abandoned);
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	EXPECT_SEM(0, LIMIT, 0);
}

/* L6, T6: who polls is told of each release. */
TEST_F(lease, poll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int set = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, LIMIT)));
	EXPECT_NE(0, poll_now(self->fd));
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, LIMIT)));
	ASSERT_EQ(0, ask(self->a, take(LIMIT)));
	EXPECT_EQ(0, poll_now(self->fd));
	ASSERT_EQ(0, ask(self->a, release(self->fd, LIMIT)));

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, LIMIT)));
	ASSERT_EQ(0, ask(self->a, take(LIMIT)));
	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(0, epoll_wait(set, &event, 1, 0));
	EXPECT_EQ(-EPERM, ask(self->a, give(1)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(1, epoll_wait(set, &event, 1, -1));
	close(set);
}

/* ---- L7: the end ---- */

/* L7: whatever dies with what on loan, all comes back. */
TEST_F(lease, death)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, take(3)));
	ASSERT_EQ(0, ask(self->b, borrow(self->fd, 3)));
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, 3)));
	kill_puppet(self->a);
	EXPECT_SEM(3, LIMIT - 3, 0);
	kill_puppet(self->b);
	EXPECT_SEM(0, LIMIT, 0);
	EXPECT_ALL_THERE();
}

/* L7, W2: the last descriptor is closed. */
TEST_F(lease, closed)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, take(3)));
	EXPECT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_SEM(0, LIMIT, 0);
	EXPECT_EQ(0, ask(self->a, peek_lease()));
	EXPECT_EQ(MUSTER_LEASE_OVER, ask(self->a, lease_state()));
	EXPECT_EQ(-EPERM, ask(self->a, give(1)));
	EXPECT_ALL_THERE();
}

/* L7, W2: one of two is: the lease is over, what is held remains. */
TEST_F(lease, one_of_two_closed)
{
	int fd;

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, take(3)));
	fd = ask(self->a, do_dup(self->fd));
	ASSERT_LE(0, fd);
	EXPECT_EQ(LENT(3, 1), ask(self->a, peek_lease()));
	EXPECT_EQ(0, ask(self->a, do_close(self->fd)));
	EXPECT_SEM(3, LIMIT - 3, 0);
	EXPECT_EQ(MUSTER_LEASE_OVER, ask(self->a, lease_state()));
	EXPECT_EQ(-EAGAIN, ask(self->a, take(1)));
	EXPECT_EQ(0, ask(self->a, release(fd, 1)));
	EXPECT_EQ(0, ask(self->a, peek_lease()));

	/* A new one. */
	EXPECT_EQ(0, ask(self->a, map_lease(fd)));
	EXPECT_EQ(0, ask(self->a, lease_state()));
	EXPECT_EQ(0, ask(self->a, borrow(fd, 4)));
	EXPECT_EQ(0, ask(self->a, take(4)));
	EXPECT_SEM(6, LIMIT - 6, 0);
	EXPECT_EQ(0, ask(self->a, do_close(fd)));
	EXPECT_SEM(0, LIMIT, 0);
}

static int run_unmap(struct job *job)
{
	return munmap(lease, getpagesize()) ? -errno : 0;
}

/* L7: unmapped, it is still there for the kernel, and may be mapped again. */
TEST_F(lease, unmapped)
{
	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(self->a, take(3)));
	ASSERT_EQ(0, ask(self->a, (struct job){ .run = run_unmap }));
	EXPECT_SEM(3, LIMIT - 3, 1);
	EXPECT_EQ(0, ask(self->a, release(self->fd, 1)));
	EXPECT_SEM(2, LIMIT - 2, sem_state(self->fd).idle);
	EXPECT_EQ(0, ask(self->a, map_lease(self->fd)));
	EXPECT_EQ(0, ask(self->a, release(self->fd, 2)));
	EXPECT_ALL_THERE();
}

/* L7: exec(2) unmaps it; what is held stays with the descriptor. */
TEST_F(lease, exec)
{
	struct puppet *p = puppet();

	ASSERT_EQ(0, ask(p, map_lease(self->fd)));
	ASSERT_EQ(0, ask(p, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(p, take(3)));
	tell(p, do_exec_sleep());
	EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT - 3)));
	EXPECT_EQ(-EAGAIN, ask(self->c, try_acquire(self->fd, 1)));
	EXPECT_EQ(0, ask(self->c, release(self->fd, LIMIT - 3)));
	kill_puppet(p);
	EXPECT_ALL_THERE();
}

/* L7, W1: threads share it. */
TEST_F(lease, threads)
{
	struct puppet *thread = puppet_thread(self->a);

	ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
	ASSERT_EQ(0, ask(thread, take(3)));
	EXPECT_EQ(0, ask(self->a, give(1)));
	EXPECT_EQ(0, ask(thread, release(self->fd, 2)));
	EXPECT_SEM(0, LIMIT, sem_state(self->fd).idle);
}

/* ---- L8: what is found in the page is not believed ---- */

/* L8: whatever it says, it has what was lent to it. */
TEST_F(lease, lies)
{
	static const __u32 lies[][2] = {
		{ 0, 0 }, { 0, 4 }, { 4, 0 }, { 5, 0 }, { 0, 5 }, { ~0U, ~0U }, { ~0U, 0 },
		{ 0, ~0U }, { 1U << 31, 1U << 31 }, { 2, 2 }, { 1, 0 },
	};
	__u32 held;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		ASSERT_EQ(0, ask(self->a, borrow(self->fd, 4)));
		ASSERT_EQ(0, ask(self->a, scribble(lies[i][0], lies[i][1])));
		held = lies[i][0] < 4 ? lies[i][0] : 4;
		EXPECT_SEM(held, LIMIT - held, 4 - held);
		EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT - held)));
		EXPECT_EQ(-EAGAIN, ask(self->c, try_acquire(self->fd, 1)));
		EXPECT_EQ(0, ask(self->c, release(self->fd, LIMIT - held)));
		EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, held + 1)));
		EXPECT_EQ(0, ask(self->a, release(self->fd, held)));
		/* What was lent meanwhile. */
		EXPECT_EQ(0, ask(self->c, try_acquire(self->fd, LIMIT)));
		EXPECT_EQ(0, ask(self->c, release(self->fd, LIMIT)));
	}
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct puppet *p = puppet();

		ASSERT_EQ(0, ask(p, map_lease(self->fd)));
		ASSERT_EQ(0, ask(p, borrow(self->fd, 4)));
		ASSERT_EQ(0, ask(p, scribble(lies[i][0], lies[i][1])));
		kill_puppet(p);
		EXPECT_SEM(0, LIMIT, 0);
		EXPECT_ALL_THERE();
	}
}

/* L8: lies where nothing is lent are nobody's business. */
TEST_F(lease, lies_without_a_loan)
{
	ASSERT_EQ(0, ask(self->a, scribble(7, 7)));
	EXPECT_SEM(0, LIMIT, 0);
	EXPECT_EQ(-EPERM, ask(self->a, release(self->fd, 1)));
	EXPECT_EQ(0, ask(self->c, acquire(self->fd, LIMIT)));
	EXPECT_EQ(-EAGAIN, ask(self->a, try_acquire(self->fd, 1)));
	EXPECT_EQ(0, ask(self->a, take(7)));
	EXPECT_SEM(LIMIT, 0, 0);
	EXPECT_EQ(0, ask(self->c, release(self->fd, LIMIT)));
	EXPECT_ALL_THERE();
}

/* As fast as it can, whatever comes to its mind. */
static int run_rage(struct job *job)
{
	__u64 x = job->arg[0];

	for (;;) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		__atomic_store_n(&lease->permits, x >> (x & 31), __ATOMIC_RELAXED);
		if (!(x >> 60))
			borrow(job->fd, 1).run(&(struct job){ .fd = job->fd, .arg = { 1 } });
	}
	return 0;
}

#define ROUNDS	2000

/* L8: one rages over its page; the others' permits are as many as ever. */
TEST_F_TIMEOUT(lease, rage, 300)
{
	struct muster_sem_stat stat;
	int i;

	tell(self->a, (struct job){ .run = run_rage, .fd = self->fd, .arg = { 4711 } });
	ASSERT_EQ(0, ask(self->b, acquire(self->fd, LIMIT / 2)));
	for (i = 0; i < ROUNDS; i++) {
		stat = sem_state(self->fd);
		ASSERT_LE(LIMIT / 2, stat.held);
		ASSERT_GE(LIMIT, stat.held);
		ASSERT_EQ(LIMIT, stat.held + stat.available);
		if (!ask(self->c, try_acquire(self->fd, LIMIT / 2))) {
			EXPECT_EQ(-EAGAIN, ask(me, try_acquire(self->fd, 1)));
			ASSERT_EQ(0, ask(self->c, release(self->fd, LIMIT / 2)));
		}
	}
	kill_puppet(self->a);
	EXPECT_SEM(LIMIT / 2, LIMIT - LIMIT / 2, 0);
	ASSERT_EQ(0, ask(self->b, release(self->fd, LIMIT / 2)));
	EXPECT_ALL_THERE();
}

/* ---- closing by several at once ---- */

/* Two descriptors of one file, and how many are about to close theirs. */
struct both {
	int fds[2];
	__u32 ready;
	__u64 seed;
};

/* With a lease, which is of the process that runs this. */
static int run_two(struct job *job)
{
	struct both *both = job->at;

	both->fds[0] = open_sem(1);
	both->fds[1] = dup(both->fds[0]);
	both->ready = 0;
	lease = lease_map(both->fds[0]);
	return lease ? 0 : -errno;
}

/* Whether the lease goes on though this has closed a descriptor, as the other thread does. */
static int run_close(struct job *job)
{
	struct both *both = job->at;
	__u64 seed = both->seed + job->arg[0];

	__atomic_add_fetch(&both->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&both->ready, __ATOMIC_ACQUIRE) != 2)
		sched_yield();
	linger(random_below(&seed, 500));
	close(both->fds[job->arg[0]]);
	return __atomic_load_n(&lease->state, __ATOMIC_ACQUIRE) != MUSTER_LEASE_OVER;
}

/* L7: whoever has closed a descriptor has ended the lease, whoever else does just that. */
TEST(both_close)
{
	struct both *both = shared_memory(sizeof(*both));
	struct puppet *p = puppet(), *thread = puppet_thread(p);
	struct job two = { .run = run_two, .at = both };
	struct job first = { .run = run_close, .at = both, .arg = { 0 } };
	struct job second = { .run = run_close, .at = both, .arg = { 1 } };
	unsigned int i, n = rounds(500);

	both->seed = new_seed();
	keep_cpus_busy();
	for (i = 0; i < n; i++, both->seed++) {
		ASSERT_EQ(0, ask(p, two));
		tell(p, first);
		tell(thread, second);
		ASSERT_EQ(0, hear(p));
		ASSERT_EQ(0, hear(thread));
	}
}

TEST_HARNESS_MAIN
