// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mutex and the rwlock: G5b, G5c
 */
#include "kill_test.h"

#define KILLS	60

static bool ticket_has(int ticket, uint32_t outcome)
{
	struct muster_verdict v;

	return !muster_ticket_read(ticket, &v, NULL, 0) && !v.error && v.outcome == outcome;
}

/* ---- mutex ---- */

static int lock_and_die(void *arg)
{
	if (muster_mutex_lock(*(int *)arg) < 0)
		return 1;
	raise(SIGKILL);
	return 2;
}

static int has_nothing(void *arg)
{
	int fd = *(int *)arg;

	if (muster_mutex_unlock(fd) != -EPERM || muster_mutex_abandon(fd) != -EPERM)
		return 1;
	return muster_mutex_trylock(fd) == -EAGAIN ? 0 : 2;
}

/* G5b, W3: one at a time, and what the parent has is not its child's. */
TEST(mutex)
{
	int fd = muster_mutex_open("lib-mutex", O_CREAT, 0600), other, ticket;
	uint64_t first, second;

	ASSERT_LE(0, fd);
	other = muster_mutex_open("lib-mutex", O_CREAT, 0600);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, muster_mutex_lock_until(fd, MUSTER_FOREVER, &first));
	EXPECT_EQ(0, reap(spawn(has_nothing, &fd)));
	EXPECT_EQ(-EAGAIN, muster_mutex_trylock(other));
	EXPECT_EQ(-ETIMEDOUT, muster_mutex_lock_until(other, muster_after_ms(1), NULL));
	EXPECT_EQ(-EPERM, muster_mutex_unlock(other));
	/* There is no recursion: it would wait for itself. */
	EXPECT_EQ(-ETIMEDOUT, muster_mutex_lock_until(fd, muster_after_ms(1), NULL));
	ticket = muster_mutex_lock_async(other, MUSTER_FOREVER);
	ASSERT_LE(0, ticket);
	EXPECT_FALSE(is_ready(ticket));
	EXPECT_EQ(0, muster_mutex_unlock(fd));
	EXPECT_TRUE(ticket_has(ticket, 0));
	EXPECT_EQ(-EAGAIN, muster_mutex_trylock(fd));
	EXPECT_EQ(-EPERM, muster_mutex_unlock(other));
	EXPECT_EQ(0, muster_mutex_unlock(ticket));
	EXPECT_EQ(0, muster_mutex_lock_until(fd, 0, &second));
	EXPECT_LT(first, second);
	EXPECT_EQ(0, muster_mutex_unlock(fd));
	EXPECT_EQ(-EPERM, muster_mutex_unlock(fd));
}

/* G5b, W4: notice of death, until somebody unlocks. */
TEST(mutex_notice)
{
	int fd = muster_mutex_open(NULL, 0, 0), ticket;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, muster_mutex_lock(fd));
	EXPECT_EQ(0, muster_mutex_unlock(fd));
	ASSERT_EQ(-SIGKILL, reap(spawn(lock_and_die, &fd)));
	EXPECT_EQ(1, muster_mutex_lock(fd));
	/* It cannot be repaired. */
	EXPECT_EQ(0, muster_mutex_abandon(fd));
	EXPECT_EQ(1, muster_mutex_trylock(fd));
	ticket = muster_mutex_lock_async(fd, MUSTER_FOREVER);
	EXPECT_EQ(0, muster_mutex_abandon(fd));
	EXPECT_TRUE(ticket_has(ticket, MUSTER_OUTCOME_ABANDONED));
	EXPECT_EQ(0, muster_mutex_unlock(ticket));
	EXPECT_EQ(0, muster_mutex_lock(fd));
	EXPECT_EQ(0, muster_mutex_unlock(fd));
	/* Who repairs and dies has not repaired. */
	ASSERT_EQ(-SIGKILL, reap(spawn(lock_and_die, &fd)));
	ASSERT_EQ(-SIGKILL, reap(spawn(lock_and_die, &fd)));
	EXPECT_EQ(1, muster_mutex_lock(fd));
}

static int lock_often(void *arg)
{
	struct yard *yard = arg;
	unsigned int seed = yard_seed(yard);
	int fd = muster_mutex_open("lib-killed", 0, 0), ret;

	while (!yard->stop) {
		ret = muster_mutex_lock(fd);
		if (ret < 0)
			return 1;
		change_pair(yard, ret, &seed);
		if (muster_mutex_unlock(fd))
			return 1;
		dawdle(&seed);
	}
	return 0;
}

/* G5b: mutual exclusion, and notice of each death that matters, whoever is killed. */
TEST_F_TIMEOUT(yard, mutex_killed, 300)
{
	struct yard *yard = self->yard;

	yard->fd = muster_mutex_open("lib-killed", O_CREAT, 0600);
	ASSERT_LE(0, yard->fd);
	EXPECT_TRUE(kill_some(yard, lock_often, KILLS));
	EXPECT_EQ(0, yard->wrong);
	EXPECT_LT(0, yard->repairs);
	EXPECT_LE(0, muster_mutex_trylock(yard->fd));
}

/* ---- rwlock ---- */

/* G5c: many who read, or one who writes; who writes is not overtaken by who reads. */
TEST(rwlock)
{
	int fd = muster_rwlock_open("lib-rwlock", O_CREAT, 0600), other, writer, reader;
	uint64_t first, second;

	ASSERT_LE(0, fd);
	other = muster_rwlock_open("lib-rwlock", 0, 0);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, muster_rwlock_rdlock(fd));
	EXPECT_EQ(0, muster_rwlock_rdlock_until(fd, 0, &first));
	EXPECT_EQ(0, muster_rwlock_tryrdlock(other));
	EXPECT_EQ(-EAGAIN, muster_rwlock_trywrlock(other));
	writer = muster_rwlock_wrlock_async(fd, MUSTER_FOREVER);
	ASSERT_LE(0, writer);
	EXPECT_EQ(-EAGAIN, muster_rwlock_tryrdlock(other));
	EXPECT_EQ(-ETIMEDOUT, muster_rwlock_rdlock_until(other, muster_after_ms(1), NULL));
	reader = muster_rwlock_rdlock_async(fd, MUSTER_FOREVER);
	ASSERT_LE(0, reader);

	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(-EPERM, muster_rwlock_unlock(fd));
	EXPECT_FALSE(is_ready(writer));
	EXPECT_EQ(0, muster_rwlock_unlock(other));
	EXPECT_TRUE(ticket_has(writer, 0));
	EXPECT_FALSE(is_ready(reader));
	EXPECT_EQ(-EAGAIN, muster_rwlock_tryrdlock(other));
	EXPECT_EQ(0, muster_rwlock_unlock(writer));
	EXPECT_TRUE(ticket_has(reader, 0));
	EXPECT_EQ(0, muster_rwlock_unlock(reader));
	EXPECT_EQ(0, muster_rwlock_wrlock_until(fd, 0, &second));
	EXPECT_LT(first, second);
	EXPECT_EQ(-EPERM, muster_rwlock_unlock(other));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_wrlock(fd));
}

/* G5c: from one to the other, with nobody in between. */
TEST(rwlock_changes)
{
	int fd = muster_rwlock_open(NULL, 0, 0), writer, reader;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, muster_rwlock_downgrade(fd));
	EXPECT_EQ(-EPERM, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(0, muster_rwlock_trywrlock(fd));
	reader = muster_rwlock_rdlock_async(fd, MUSTER_FOREVER);
	writer = muster_rwlock_wrlock_async(fd, MUSTER_FOREVER);
	EXPECT_EQ(0, muster_rwlock_downgrade(fd));
	EXPECT_EQ(-EPERM, muster_rwlock_downgrade(fd));
	EXPECT_EQ(-EPERM, muster_rwlock_abandon(fd));
	EXPECT_TRUE(ticket_has(reader, 0));
	EXPECT_FALSE(is_ready(writer));
	EXPECT_EQ(-EAGAIN, muster_rwlock_tryupgrade(fd));
	close(writer);
	EXPECT_EQ(-EAGAIN, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(reader));
	EXPECT_EQ(0, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(-EAGAIN, muster_rwlock_tryrdlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	/* Another that reads leaves enough to go wrong. */
	EXPECT_EQ(0, muster_rwlock_rdlock(reader));
	EXPECT_EQ(-EPERM, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(0, muster_rwlock_rdlock(fd));
}

static int may_not_unlock(void *arg)
{
	int fd = *(int *)arg;

	if (muster_rwlock_unlock(fd) != -EPERM || muster_rwlock_downgrade(fd) != -EPERM)
		return 1;
	return muster_rwlock_tryrdlock(fd) == -EAGAIN ? 0 : 2;
}

/* G5c, W3: what the parent has is not its child's. */
TEST(rwlock_fork)
{
	int fd = muster_rwlock_open(NULL, 0, 0);

	ASSERT_EQ(0, muster_rwlock_wrlock(fd));
	EXPECT_EQ(0, reap(spawn(may_not_unlock, &fd)));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
}

static int wrlock_and_die(void *arg)
{
	if (muster_rwlock_wrlock(*(int *)arg) < 0)
		return 1;
	raise(SIGKILL);
	return 2;
}

/* G5c, W4: notice of a writer's death, until another has repaired; readers cannot. */
TEST(rwlock_notice)
{
	int fd = muster_rwlock_open(NULL, 0, 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(-SIGKILL, reap(spawn(wrlock_and_die, &fd)));
	EXPECT_EQ(1, muster_rwlock_rdlock(fd));
	EXPECT_EQ(1, muster_rwlock_tryrdlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(1, muster_rwlock_tryupgrade(fd));
	EXPECT_EQ(0, muster_rwlock_abandon(fd));
	EXPECT_EQ(1, muster_rwlock_rdlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(1, muster_rwlock_wrlock(fd));
	EXPECT_EQ(0, muster_rwlock_downgrade(fd));
	EXPECT_EQ(0, muster_rwlock_rdlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	ASSERT_EQ(-SIGKILL, reap(spawn(wrlock_and_die, &fd)));
	EXPECT_EQ(1, muster_rwlock_trywrlock(fd));
	EXPECT_EQ(0, muster_rwlock_unlock(fd));
	EXPECT_EQ(0, muster_rwlock_trywrlock(fd));
}

/* Who reads sees what is in order, or has notice. */
static int read_pair(struct yard *yard, unsigned int *seed)
{
	int ret = muster_rwlock_rdlock(yard->fd);
	unsigned int first = yard->pair[0];

	if (ret < 0)
		return ret;
	dawdle(seed);
	if (yard->pair[1] != yard->pair[0] && !ret)
		add_to(&yard->wrong);
	if (yard->pair[0] != first)
		add_to(&yard->wrong);
	add_to(&yard->rounds);
	return muster_rwlock_unlock(yard->fd);
}

static int write_pair(struct yard *yard, unsigned int *seed)
{
	int ret = muster_rwlock_wrlock(yard->fd);

	if (ret < 0)
		return ret;
	change_pair(yard, ret, seed);
	if (!below(seed, 3) && muster_rwlock_downgrade(yard->fd))
		return -1;
	return muster_rwlock_unlock(yard->fd);
}

static int read_and_write(void *arg)
{
	struct yard *yard = arg;
	unsigned int seed = yard_seed(yard);
	int err = 0;

	while (!yard->stop && !err)
		err = below(&seed, 3) ? read_pair(yard, &seed) : write_pair(yard, &seed);
	if (err)
		add_to(&yard->wrong);
	return err;
}

/* G5c: who writes is alone, whoever is killed, and what is out of order comes with notice. */
TEST_F_TIMEOUT(yard, rwlock_killed, 300)
{
	struct yard *yard = self->yard;

	yard->fd = muster_rwlock_open(NULL, 0, 0);
	ASSERT_LE(0, yard->fd);
	EXPECT_TRUE(kill_some(yard, read_and_write, KILLS));
	EXPECT_EQ(0, yard->wrong);
	EXPECT_LT(0, yard->repairs);
	EXPECT_LE(0, muster_rwlock_trywrlock(yard->fd));
}

/* O4: names are those of semaphores; what is something else is refused. */
TEST(names_of_locks)
{
	int mutex = muster_mutex_open("lib-a", O_CREAT, 0600);
	int rwlock = muster_rwlock_open("lib-b", O_CREAT, 0600);
	int cond = muster_cond_open("lib-c", O_CREAT, 0600);

	ASSERT_LE(0, mutex);
	ASSERT_LE(0, rwlock);
	ASSERT_LE(0, cond);
	EXPECT_EQ(-EINVAL, muster_mutex_open("lib-b", O_CREAT, 0600));
	EXPECT_EQ(-EINVAL, muster_mutex_open("lib-c", O_CREAT, 0600));
	EXPECT_EQ(-EINVAL, muster_rwlock_open("lib-a", O_CREAT, 0600));
	EXPECT_EQ(-EINVAL, muster_rwlock_open("lib-c", 0, 0));
	EXPECT_EQ(-EINVAL, muster_cond_open("lib-a", O_CREAT, 0600));
	EXPECT_EQ(-EINVAL, muster_cond_open("lib-b", 0, 0));
	EXPECT_EQ(-EEXIST, muster_cond_open("lib-c", O_CREAT | O_EXCL, 0600));
	EXPECT_EQ(-ENOENT, muster_cond_open("lib-d", 0, 0));
	EXPECT_EQ(-ENOENT, muster_mutex_open("lib-d", 0, 0));
}

TEST_MUSTER_MAIN
