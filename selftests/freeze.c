// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group of processes is frozen and thawed while they wait, hold and lead
 *
 * Three ways to freeze. SIGSTOP and the cgroup v2 freezer are signals to those who
 * wait: they leave the queue, and their calls restart when they go on (T3, B4). The
 * v1 freezer, which is also what suspends the machine, lets them sleep on in their
 * place. Holders hold in each case. Nobody ever sees EINTR.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "waits.h"
#include "lease.h"

#define ROUNDS		40
#define MAX_MEMBERS	32
#define LIMIT		5

/* A group of processes that can be frozen. */
struct group {
	char dir[64];
	char mount[48];
	pid_t members[MAX_MEMBERS];
	unsigned int nr;
};

/* ---- how to freeze ---- */

static bool write_file(const char *dir, const char *file, const char *text)
{
	char path[128];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) == strlen(text);
	close(fd);
	return written;
}

static bool file_says(const char *dir, const char *file, const char *text)
{
	char path[128], found[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, found, sizeof(found) - 1);
	close(fd);
	found[n > 0 ? n : 0] = 0;
	return strstr(found, text);
}

static bool cgroup_add(struct group *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_file(group->dir, "cgroup.procs", text);
}

static bool v2_make(struct group *group)
{
	snprintf(group->dir, sizeof(group->dir), "/sys/fs/cgroup/muster-%d", getpid());
	return !mkdir(group->dir, 0755) && !access(group->dir, W_OK) &&
	       file_says(group->dir, "cgroup.events", "frozen 0");
}

static bool v2_set(struct group *group, bool frozen)
{
	return write_file(group->dir, "cgroup.freeze", frozen ? "1" : "0");
}

static bool v2_is_frozen(struct group *group)
{
	return file_says(group->dir, "cgroup.events", "frozen 1");
}

static void cgroup_remove(struct group *group)
{
	if (group->dir[0])
		rmdir(group->dir);
}

/* In a mount name space of its own. */
static bool v1_make(struct group *group)
{
	snprintf(group->mount, sizeof(group->mount), "/tmp/muster-freezer-%d", getpid());
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(group->mount, 0755) ||
	    mount("none", group->mount, "cgroup", 0, "freezer"))
		return false;
	snprintf(group->dir, sizeof(group->dir), "%s/muster", group->mount);
	return !mkdir(group->dir, 0755);
}

static bool v1_set(struct group *group, bool frozen)
{
	return write_file(group->dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
}

static bool v1_is_frozen(struct group *group)
{
	return file_says(group->dir, "freezer.state", "FROZEN");
}

static void v1_remove(struct group *group)
{
	cgroup_remove(group);
	umount(group->mount);
	rmdir(group->mount);
}

static bool stop_make(struct group *group)
{
	return true;
}

/* A process group, led by the first. */
static bool stop_add(struct group *group, pid_t pid)
{
	return !setpgid(pid, group->nr ? group->members[0] : pid);
}

static bool stop_set(struct group *group, bool frozen)
{
	return !kill(-group->members[0], frozen ? SIGSTOP : SIGCONT);
}

static bool stop_is_frozen(struct group *group)
{
	char dir[32];
	unsigned int i;

	for (i = 0; i < group->nr; i++) {
		snprintf(dir, sizeof(dir), "/proc/%d", group->members[i]);
		if (!file_says(dir, "stat", ") T"))
			return false;
	}
	return true;
}

static void stop_remove(struct group *group)
{
}

/*
 * @keeps_place: those who wait stay in their queue
 * @kills: SIGKILL works at once
 */
FIXTURE_VARIANT(freeze) {
	bool (*make)(struct group *group);
	bool (*add)(struct group *group, pid_t pid);
	bool (*set)(struct group *group, bool frozen);
	bool (*is_frozen)(struct group *group);
	void (*remove)(struct group *group);
	bool keeps_place;
	bool kills;
};

FIXTURE(freeze) {
	struct group group;
	int fds[MAX_WAITS];
	/* Those who make others wait, and those who wait and are frozen. */
	struct puppet *blockers[MAX_WAITS], *waiters[MAX_WAITS];
	/* A barrier with an action, and a semaphore of which permits are on loan. */
	int action, lent;
	bool missing;
};

FIXTURE_VARIANT_ADD(freeze, cgroup_v2)
{
	.make = v2_make,
	.add = cgroup_add,
	.set = v2_set,
	.is_frozen = v2_is_frozen,
	.remove = cgroup_remove,
	.kills = true,
};

FIXTURE_VARIANT_ADD(freeze, cgroup_v1)
{
	.make = v1_make,
	.add = cgroup_add,
	.set = v1_set,
	.is_frozen = v1_is_frozen,
	.remove = v1_remove,
	.keeps_place = true,
};

FIXTURE_VARIANT_ADD(freeze, sigstop)
{
	.make = stop_make,
	.add = stop_add,
	.set = stop_set,
	.is_frozen = stop_is_frozen,
	.remove = stop_remove,
	.kills = true,
};

FIXTURE_SETUP(freeze)
{
	unsigned int i;

	self->missing = !variant->make(&self->group);
	if (self->missing)
		return;
	open_waits(self->fds);
	self->action = open_barrier(2, MUSTER_BARRIER_ACTION);
	self->lent = open_sem(LIMIT);
	for (i = 0; i < nr_waits; i++) {
		self->blockers[i] = puppet();
		self->waiters[i] = puppet();
	}
}

FIXTURE_TEARDOWN(freeze)
{
	unsigned int i;

	if (self->missing)
		return;
	if (self->group.nr)
		variant->set(&self->group, false);
	for (i = 0; i < nr_waits; i++) {
		kill(self->blockers[i]->pid, SIGKILL);
		kill(self->waiters[i]->pid, SIGKILL);
		waitpid(self->blockers[i]->pid, NULL, 0);
		waitpid(self->waiters[i]->pid, NULL, 0);
	}
	variant->remove(&self->group);
}

#define ENLIST(p) do {							\
	ASSERT_TRUE(variant->add(&self->group, (p)->pid));		\
	self->group.members[self->group.nr++] = (p)->pid;		\
} while (0)

#define FREEZE() do {							\
	ASSERT_TRUE(variant->set(&self->group, true));			\
	ASSERT_SOON(variant->is_frozen(&self->group));			\
} while (0)

#define THAW() ASSERT_TRUE(variant->set(&self->group, false))

/* Everyone waits, or gets a ticket, in every way there is. */
#define ALL_WAIT(_flags, _deadline) do {				\
	for (i = 0; i < nr_waits; i++) {				\
		int _fd = self->fds[i];					\
		if (waits[i].block)					\
			ASSERT_EQ(0, ask(self->blockers[i],		\
					 waits[i].block(_fd)));		\
		tell(self->waiters[i], waits[i].wait(_fd, _flags, _deadline)); \
		ASSERT_SOON(waits[i].waiting(_fd) == 1);		\
	}								\
} while (0)

#define GRANT(i)							\
	tell(self->blockers[i], waits[i].grant(self->fds[i],		\
					       &self->blockers[i]->job))

#define EXPECT_OF(i, expected, seen) do {				\
	const struct wait_kind *_kind = &waits[i];			\
									\
	EXPECT_EQ(expected, seen)					\
		TH_LOG("waiting for: %s", _kind->name);			\
} while (0)

/* ---- those who wait are frozen ---- */

/* T3: whoever was frozen waits on, and gets what it waits for. */
TEST_F(freeze, waits_on)
{
	int i, n;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	ALL_WAIT(0, MUSTER_FOREVER);
	for (n = 0; n < 3; n++) {
		FREEZE();
		for (i = 0; i < nr_waits; i++)
			EXPECT_OF(i, variant->keeps_place, waits[i].waiting(self->fds[i]));
		THAW();
		for (i = 0; i < nr_waits; i++)
			ASSERT_SOON(waits[i].waiting(self->fds[i]) == 1);
	}
	for (i = 0; i < nr_waits; i++) {
		GRANT(i);
		EXPECT_OF(i, 0, hear(self->waiters[i]));
		EXPECT_OF(i, 0, hear(self->blockers[i]));
	}
}

/*
 * T1, T3: who kept its place is granted while it is frozen. Who did not left no
 * trace, and has what is there when it goes on.
 */
TEST_F(freeze, granted_meanwhile)
{
	int i;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	ALL_WAIT(0, MUSTER_FOREVER);
	FREEZE();
	for (i = 0; i < nr_waits; i++) {
		GRANT(i);
		/* It takes two to trip a barrier. */
		if (variant->keeps_place || waits[i].type != MUSTER_BARRIER)
			EXPECT_OF(i, 0, hear(self->blockers[i]));
		if (waits[i].type == MUSTER_SEM)
			EXPECT_EQ(variant->keeps_place, sem_state(self->fds[i]).held);
		if (waits[i].type == MUSTER_FLIGHT)
			EXPECT_EQ(variant->keeps_place, flight_state(self->fds[i]).joined);
		if (waits[i].type == MUSTER_BARRIER)
			EXPECT_EQ(variant->keeps_place, barrier_state(self->fds[i]).generation);
		EXPECT_TRUE(is_busy(self->waiters[i]));
	}
	THAW();
	for (i = 0; i < nr_waits; i++) {
		EXPECT_OF(i, 0, hear(self->waiters[i]));
		EXPECT_OF(i, 0, hear(self->blockers[i]));
		if (waits[i].type == MUSTER_FLIGHT)
			EXPECT_EQ(variant->keeps_place ? MUSTER_ROLE_FOLLOWER :
				  MUSTER_ROLE_LEADER, self->waiters[i]->job.join.role);
	}
}

/*
 * T2: deadlines go on. Who was frozen past its own learns that when it goes on. A
 * barrier breaks then if it was still counted on, and only then (B3).
 */
TEST_F_TIMEOUT(freeze, deadline_passes, 60)
{
	__u64 deadline = in_ms(700);
	int i;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	ALL_WAIT(0, deadline);
	FREEZE();
	for (i = 0; i < nr_waits; i++)
		ASSERT_TRUE(is_busy(self->waiters[i]));
	ASSERT_SOON(clock_ns(CLOCK_MONOTONIC) > deadline);
	for (i = 0; i < nr_waits; i++) {
		EXPECT_TRUE(is_busy(self->waiters[i]));
		if (waits[i].type == MUSTER_BARRIER)
			EXPECT_EQ(0, barrier_state(self->fds[i]).broken_by);
		/* Free again, if too late: it is granted all the same. */
		if (waits[i].type == MUSTER_SEM) {
			GRANT(i);
			EXPECT_EQ(0, hear(self->blockers[i]));
		}
	}
	THAW();
	for (i = 0; i < nr_waits; i++) {
		EXPECT_OF(i, waits[i].type == MUSTER_SEM ? 0 : -ETIMEDOUT,
			  hear(self->waiters[i]));
		EXPECT_EQ(0, waits[i].waiting(self->fds[i]));
		if (waits[i].type == MUSTER_BARRIER)
			EXPECT_EQ(variant->keeps_place ? MUSTER_BROKEN_TIMEOUT : 0,
				  barrier_state(self->fds[i]).broken_by);
	}
}

/* What a ticket says, read by the process that has it. */
static int run_read_ticket(struct job *job)
{
	struct muster_verdict verdict;
	ssize_t n = read(job->fd, &verdict, sizeof(verdict));

	return n < 0 ? -errno : verdict.error;
}

static struct job read_ticket(int fd)
{
	return (struct job){ .run = run_read_ticket, .fd = fd };
}

/* T5: a ticket keeps its place in any case, and is granted meanwhile. */
TEST_F(freeze, tickets)
{
	int i, ticket;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	ALL_WAIT(MUSTER_WAIT_TICKET, MUSTER_FOREVER);
	/* A process is frozen as it reads, and reads on. */
	for (i = 0; i < nr_waits; i++) {
		ticket = hear(self->waiters[i]);
		ASSERT_LE(0, ticket);
		tell(self->waiters[i], read_ticket(ticket));
		ASSERT_SOON(is_asleep(self->waiters[i]));
	}
	FREEZE();
	for (i = 0; i < nr_waits; i++) {
		EXPECT_OF(i, 1, waits[i].waiting(self->fds[i]));
		GRANT(i);
		EXPECT_OF(i, 0, hear(self->blockers[i]));
		EXPECT_TRUE(is_busy(self->waiters[i]));
	}
	THAW();
	for (i = 0; i < nr_waits; i++)
		EXPECT_OF(i, 0, hear(self->waiters[i]));
}

/* T2, T5: its deadline passes at its time, and whoever comes next is not kept. */
TEST_F(freeze, ticket_expires)
{
	/* Far enough for all to wait before it passes. */
	__u64 deadline = in_ms(2000);
	int i, ticket;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	ALL_WAIT(MUSTER_WAIT_TICKET, deadline);
	FREEZE();
	for (i = 0; i < nr_waits; i++)
		ASSERT_SOON(waits[i].waiting(self->fds[i]) == 0);
	EXPECT_LE(deadline, clock_ns(CLOCK_MONOTONIC));
	THAW();
	for (i = 0; i < nr_waits; i++) {
		ticket = hear(self->waiters[i]);
		ASSERT_LE(0, ticket);
		EXPECT_OF(i, -ETIMEDOUT, ask(self->waiters[i], read_ticket(ticket)));
	}
}

/* B3, B4: killed while frozen: gone from the queue, and nobody waits for it. */
TEST_F(freeze, waiter_killed)
{
	int i;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	ALL_WAIT(0, MUSTER_FOREVER);
	FREEZE();
	for (i = 0; i < nr_waits; i++)
		kill(self->waiters[i]->pid, SIGKILL);
	if (!variant->kills)
		THAW();
	for (i = 0; i < nr_waits; i++) {
		EXPECT_NE(STUCK, wait_puppet(self->waiters[i]));
		EXPECT_OF(i, 0, waits[i].waiting(self->fds[i]));
		if (waits[i].type == MUSTER_BARRIER) {
			EXPECT_EQ(variant->keeps_place ? MUSTER_BROKEN_DEATH : 0,
				  barrier_state(self->fds[i]).broken_by);
			continue;
		}
		GRANT(i);
		EXPECT_OF(i, 0, hear(self->blockers[i]));
	}
}

/* ---- those who are waited for are frozen ---- */

/* W1: a hold is not lost, and others wait for it until their own deadline. */
TEST_F(freeze, holders)
{
	int i;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++) {
		if (waits[i].block)
			ENLIST(self->blockers[i]);
	}
	ALL_WAIT(0, MUSTER_FOREVER);
	FREEZE();
	for (i = 0; i < nr_waits; i++) {
		struct job late = waits[i].wait(self->fds[i], 0, in_ms(1));

		if (!waits[i].block)
			continue;
		EXPECT_OF(i, -ETIMEDOUT, ask(me, late));
		EXPECT_TRUE(is_asleep(self->waiters[i]));
		/* What it is told to do it does when it goes on. */
		GRANT(i);
	}
	/* Other objects, and other keys, go on. */
	EXPECT_EQ(0, ask(me, acquire(open_sem(1), 1)));
	for (i = 0; i < nr_waits; i++) {
		if (waits[i].type == MUSTER_FLIGHT)
			EXPECT_EQ(0, ask(me, join(self->fds[i], "another key")));
	}
	THAW();
	for (i = 0; i < nr_waits; i++) {
		if (!waits[i].block)
			continue;
		EXPECT_OF(i, 0, hear(self->waiters[i]));
		EXPECT_OF(i, 0, hear(self->blockers[i]));
	}
}

/* W2: killed while frozen: what it held is back. */
TEST_F(freeze, holder_killed)
{
	int i;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++) {
		if (waits[i].block)
			ENLIST(self->blockers[i]);
	}
	ALL_WAIT(0, MUSTER_FOREVER);
	FREEZE();
	for (i = 0; i < nr_waits; i++) {
		if (waits[i].block)
			kill(self->blockers[i]->pid, SIGKILL);
	}
	if (!variant->kills) {
		for (i = 0; i < nr_waits; i++)
			EXPECT_TRUE(is_asleep(self->waiters[i]));
		THAW();
	}
	for (i = 0; i < nr_waits; i++) {
		const struct job *job = &self->waiters[i]->job;

		if (!waits[i].block)
			continue;
		EXPECT_OF(i, waits[i].orphaned, hear(self->waiters[i]));
		if (waits[i].type == MUSTER_SEM)
			EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, job->acquire.outcome);
		if (waits[i].type == MUSTER_FLIGHT)
			EXPECT_EQ(2, job->join.attempt);
		if (waits[i].type == MUSTER_GROUP)
			EXPECT_EQ(1, group_state(self->fds[i]).died);
	}
}

/* All of them, and all goes on as if nothing had been. */
TEST_F(freeze, everybody)
{
	int i;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++) {
		ENLIST(self->blockers[i]);
		ENLIST(self->waiters[i]);
	}
	ALL_WAIT(0, MUSTER_FOREVER);
	FREEZE();
	for (i = 0; i < nr_waits; i++)
		GRANT(i);
	THAW();
	for (i = 0; i < nr_waits; i++) {
		EXPECT_OF(i, 0, hear(self->waiters[i]));
		EXPECT_OF(i, 0, hear(self->blockers[i]));
	}
}

/* B2, B4: who waits for an action is not moved by a signal; nor frozen by one. */
TEST_F(freeze, action)
{
	struct puppet *waiter = self->waiters[0], *actor = self->blockers[0];

	if (self->missing)
		SKIP(return, "no such freezer");
	ENLIST(waiter);
	tell(waiter, await(self->action));
	ASSERT_SOON(barrier_state(self->action).waiting == 1);
	ASSERT_EQ(0, ask(actor, await(self->action)));
	ASSERT_EQ(MUSTER_OUTCOME_ACTION, actor->job.await.outcome);
	ASSERT_TRUE(variant->set(&self->group, true));
	if (variant->keeps_place)
		ASSERT_SOON(variant->is_frozen(&self->group));
	ASSERT_EQ(0, ask(actor, complete(self->action, actor->job.await.token, 0)));
	ASSERT_SOON(variant->is_frozen(&self->group));
	EXPECT_EQ(1, barrier_state(self->action).generation);
	THAW();
	EXPECT_EQ(0, hear(waiter));
	EXPECT_EQ(0, waiter->job.await.generation);
	EXPECT_EQ(0, barrier_state(self->action).broken_by);
}

/* B2: it is the actor that is frozen; killed, the barrier breaks. */
TEST_F(freeze, actor)
{
	struct puppet *waiter = self->waiters[0], *actor = self->blockers[0];

	if (self->missing)
		SKIP(return, "no such freezer");
	ENLIST(actor);
	tell(waiter, await(self->action));
	ASSERT_SOON(barrier_state(self->action).waiting == 1);
	ASSERT_EQ(0, ask(actor, await(self->action)));
	FREEZE();
	EXPECT_TRUE(is_asleep(waiter));
	kill(actor->pid, SIGKILL);
	if (!variant->kills)
		THAW();
	EXPECT_EQ(-EPIPE, hear(waiter));
	EXPECT_EQ(MUSTER_BROKEN_DEATH, barrier_state(self->action).broken_by);
}

/* ---- those who have permits on loan are frozen ---- */

/* Has 4 of LIMIT permits on loan, holds one of them, and is frozen. */
#define FREEZE_LESSEE(p, fd) do {					\
	ASSERT_EQ(0, ask(p, map_lease(fd)));				\
	ASSERT_EQ(0, ask(p, borrow(fd, LIMIT - 1)));			\
	ASSERT_EQ(0, ask(p, take(1)));					\
	ENLIST(p);							\
	FREEZE();							\
	EXPECT_EQ(1, sem_state(fd).held);				\
	EXPECT_EQ(LIMIT - 2, sem_state(fd).idle);			\
} while (0)

/* All is there again, and the one that was frozen can have it on loan once more. */
#define EXPECT_LENDS_ON(p, fd) do {					\
	ASSERT_EQ(0, ask(p, borrow(fd, LIMIT)));			\
	EXPECT_EQ(LENT(0, LIMIT), ask(p, peek_lease()));		\
	EXPECT_EQ(0, ask(p, take(LIMIT)));				\
	EXPECT_EQ(LIMIT, sem_state(fd).held);				\
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 1)));		\
	EXPECT_EQ(0, ask(p, release(fd, LIMIT)));			\
	EXPECT_EQ(0, sem_state(fd).held);				\
	EXPECT_EQ(0, ask(me, try_acquire(fd, LIMIT)));			\
	EXPECT_EQ(0, ask(me, release(fd, LIMIT)));			\
} while (0)

/* L4: who is frozen need not run for what it does not use to be taken back. */
TEST_F(freeze, lessee)
{
	struct puppet *p = self->waiters[0];
	int fd = self->lent;

	if (self->missing)
		SKIP(return, "no such freezer");
	if (ask(p, map_lease(fd)) == -EOPNOTSUPP)
		SKIP(return, "no leases");
	FREEZE_LESSEE(p, fd);
	EXPECT_EQ(0, ask(me, try_acquire(fd, LIMIT - 1)));
	EXPECT_EQ(LIMIT, sem_state(fd).held);
	EXPECT_EQ(0, sem_state(fd).idle);
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 1)));
	/* What it does first finds nothing there. */
	tell(p, take(1));
	EXPECT_TRUE(is_busy(p));
	THAW();
	EXPECT_EQ(-EAGAIN, hear(p));
	EXPECT_EQ(LENT(0, 0), ask(p, peek_lease()));
	EXPECT_EQ(0, ask(p, lease_state()));
	/* What it held it holds, as if acquired by ioctl. */
	EXPECT_EQ(-EPERM, ask(p, give(1)));
	EXPECT_EQ(-EPERM, ask(p, release(fd, 2)));
	EXPECT_EQ(-EAGAIN, ask(p, try_acquire(fd, 1)));
	EXPECT_EQ(0, ask(me, release(fd, LIMIT - 1)));
	EXPECT_EQ(1, sem_state(fd).held);
	EXPECT_EQ(0, ask(p, release(fd, 1)));
	EXPECT_LENDS_ON(p, fd);
}

/* L6, S1: who waits for what it holds takes back, and is served when it goes on. */
TEST_F(freeze, lessee_is_waited_for)
{
	struct puppet *p = self->waiters[0], *other = self->blockers[0];
	int fd = self->lent;

	if (self->missing)
		SKIP(return, "no such freezer");
	if (ask(p, map_lease(fd)) == -EOPNOTSUPP)
		SKIP(return, "no leases");
	FREEZE_LESSEE(p, fd);
	tell(other, acquire(fd, LIMIT));
	ASSERT_SOON(sem_state(fd).waiters == 1);
	EXPECT_EQ(0, sem_state(fd).idle);
	EXPECT_EQ(1, sem_state(fd).held);
	tell(p, release(fd, 1));
	EXPECT_TRUE(is_busy(other));
	THAW();
	EXPECT_EQ(0, hear(p));
	EXPECT_EQ(0, hear(other));
	EXPECT_EQ(LENT(0, 0), ask(p, peek_lease()));
	EXPECT_EQ(LIMIT, sem_state(fd).held);
	EXPECT_EQ(0, ask(other, release(fd, LIMIT)));
	EXPECT_LENDS_ON(p, fd);
}

/* L7: killed while frozen: all that it had on loan is back, with the notice (W4). */
TEST_F(freeze, lessee_killed)
{
	struct puppet *p = self->waiters[0];
	int fd = self->lent;

	if (self->missing)
		SKIP(return, "no such freezer");
	if (ask(p, map_lease(fd)) == -EOPNOTSUPP)
		SKIP(return, "no leases");
	FREEZE_LESSEE(p, fd);
	kill(p->pid, SIGKILL);
	if (!variant->kills)
		THAW();
	EXPECT_NE(STUCK, wait_puppet(p));
	EXPECT_EQ(0, sem_state(fd).held);
	EXPECT_EQ(0, sem_state(fd).idle);
	EXPECT_EQ(1, sem_state(fd).abandoned);
	EXPECT_EQ(0, ask(me, try_acquire(fd, LIMIT)));
	EXPECT_EQ(MUSTER_OUTCOME_ABANDONED, me->job.acquire.outcome);
}

/* ---- races ---- */

/* Frozen and thawed at the instant of the grant: it is had once, and not twice. */
TEST_F(freeze, races_with_grant)
{
	int i, n;

	if (self->missing)
		SKIP(return, "no such freezer");
	for (i = 0; i < nr_waits; i++)
		ENLIST(self->waiters[i]);
	for (n = 0; n < ROUNDS; n++) {
		i = n % nr_waits;
		if (waits[i].block)
			ASSERT_EQ(0, ask(self->blockers[i], waits[i].block(self->fds[i])));
		tell(self->waiters[i], waits[i].wait(self->fds[i], 0, MUSTER_FOREVER));
		ASSERT_SOON(waits[i].waiting(self->fds[i]) == 1);
		/* One first, then the other. */
		if (n / nr_waits % 2)
			GRANT(i);
		ASSERT_TRUE(variant->set(&self->group, true));
		if (!(n / nr_waits % 2))
			GRANT(i);
		ASSERT_TRUE(variant->set(&self->group, false));
		EXPECT_OF(i, 0, hear(self->waiters[i]));
		EXPECT_OF(i, 0, hear(self->blockers[i]));
		if (waits[i].type == MUSTER_SEM)
			EXPECT_EQ(1, sem_state(self->fds[i]).held);
		EXPECT_OF(i, 0, give_back(&waits[i], self->fds[i], self->waiters[i]));
	}
}

TEST_HARNESS_MAIN
