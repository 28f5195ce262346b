// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine sleeps and wakes up while processes wait, hold and lead
 *
 * This puts the whole machine to sleep: only where MUSTER_SUSPEND says how, as in
 * /sys/power/state, and the clock's alarm can wake it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "waits.h"

/*
 * How long the machine sleeps: the alarm counts whole seconds, the first may be short. A
 * busy machine may need longer to fall asleep, up to the second of these.
 */
#define SLEEP_S		3
#define SLEEP_MAX_S	12
/* Less than the sleep, more than what it takes to fall asleep and wake up. */
#define DEADLINE_MS(sleep_s)	((sleep_s) * 500)

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n >= 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) == strlen(text) ? 0 : -errno;
	close(fd);
	return ret;
}

static const char alarm_file[] = "/sys/class/rtc/rtc0/wakealarm";

/*
 * What the kernel does all the way to sleep and back again but for sleeping itself:
 * Documentation/power/basic-pm-debugging.rst. It counts the seconds then.
 */
static const char pm_test_file[] = "/sys/power/pm_test";
static const char pm_test_delay_file[] = "/sys/module/suspend/parameters/pm_test_delay";

static const char *what_is_missing(void)
{
	const char *how = getenv("MUSTER_SUSPEND");
	char states[64];

	if (!how)
		return "MUSTER_SUSPEND does not say that the machine may sleep";
	if (!read_file("/sys/power/state", states, sizeof(states)) || !strstr(states, how))
		return "the kernel cannot do that";
	if (access(alarm_file, W_OK))
		return "no alarm clock, or no right to set it";
	return NULL;
}

/*
 * Sleeps until the alarm. Should the alarm come before the machine sleeps, the
 * counter of wake-ups tells the kernel, and there is no sleep: -EBUSY.
 */
static int suspend(unsigned int sleep_s)
{
	char alarm_at[16], count[32], pm_test[64];
	int err = 0;

	snprintf(alarm_at, sizeof(alarm_at), "+%u", sleep_s * slowness());
	if (read_file(pm_test_file, pm_test, sizeof(pm_test)) && !strstr(pm_test, "[none]"))
		err = write_file(pm_test_delay_file, alarm_at);
	if (err)
		return err;
	do {
		if (!read_file("/sys/power/wakeup_count", count, sizeof(count)))
			return -errno;
		err = write_file("/sys/power/wakeup_count", count);
	} while (err == -EINVAL);
	err = err ?: write_file(alarm_file, "0");
	err = err ?: write_file(alarm_file, alarm_at);
	return err ?: write_file("/sys/power/state", getenv("MUSTER_SUSPEND"));
}

/* How long the machine has slept so far. */
static __u64 slept(void)
{
	return clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
}

FIXTURE(suspend) {
	const char *missing;
	int fds[MAX_WAITS], queue, mono, real;
	struct puppet *blockers[MAX_WAITS], *waiters[MAX_WAITS];
	struct puppet *first, *second, *until_mono, *until_real;
};

FIXTURE_SETUP(suspend)
{
	unsigned int i;

	self->missing = what_is_missing();
	open_waits(self->fds);
	self->queue = open_sem(1);
	self->mono = open_sem(1);
	self->real = open_sem(1);
	for (i = 0; i < nr_waits; i++) {
		self->blockers[i] = puppet();
		self->waiters[i] = puppet();
	}
	self->first = puppet();
	self->second = puppet();
	self->until_mono = puppet();
	self->until_real = puppet();
}

FIXTURE_TEARDOWN(suspend)
{
}

/* Waits for a permit in vain; when that was, by CLOCK_MONOTONIC, is in arg[2]. */
static int run_time_out(struct job *job)
{
	__u32 flags = job->arg[0];
	__u64 deadline = job->arg[1];
	struct muster_sem_acquire args = acquire_by(job->fd, 1, flags, deadline).acquire;
	int ret = call(job->fd, MUSTER_SEM_ACQUIRE, &args);

	job->arg[2] = clock_ns(CLOCK_MONOTONIC);
	return ret;
}

static struct job time_out(int fd, __u32 flags, __u64 deadline)
{
	return (struct job){
		.run = run_time_out,
		.fd = fd,
		.arg = { flags, deadline },
	};
}

/*
 * T1, T2: all sleep on in their place. Monotonic time stands still meanwhile, and so
 * do deadlines by it; those by the clock on the wall pass.
 */
TEST_F_TIMEOUT(suspend, all_wait, 90)
{
	__u64 before, deadline, wall;
	unsigned int sleep_s;
	int i, err, ticket;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	for (i = 0; i < nr_waits; i++) {
		int fd = self->fds[i];

		if (waits[i].block)
			ASSERT_EQ(0, ask(self->blockers[i], waits[i].block(fd)));
		tell(self->waiters[i], waits[i].wait(fd, 0, MUSTER_FOREVER));
		ASSERT_SOON(waits[i].waiting(fd) == 1);
	}
	ASSERT_EQ(0, ask(me, acquire(self->queue, 1)));
	ASSERT_EQ(0, ask(me, acquire(self->mono, 1)));
	ASSERT_EQ(0, ask(me, acquire(self->real, 1)));
	tell(self->first, acquire(self->queue, 1));
	ASSERT_SOON(sem_state(self->queue).waiters == 1);
	tell(self->second, acquire(self->queue, 1));
	ASSERT_SOON(sem_state(self->queue).waiters == 2);

	for (sleep_s = SLEEP_S;; sleep_s *= 2) {
		before = slept();
		deadline = in_ms(DEADLINE_MS(sleep_s));
		wall = clock_ns(CLOCK_REALTIME) +
		       DEADLINE_MS(sleep_s) * NSEC_PER_MSEC * slowness();
		tell(self->until_mono, time_out(self->mono, 0, deadline));
		ASSERT_SOON(sem_state(self->mono).waiters == 1);
		tell(self->until_real, time_out(self->real, MUSTER_WAIT_REALTIME, wall));
		ASSERT_SOON(sem_state(self->real).waiters == 1);
		ticket = ask(me, acquire_by(self->real, 1,
					    MUSTER_WAIT_REALTIME | MUSTER_WAIT_TICKET, wall));
		ASSERT_LE(0, ticket);

		err = suspend(sleep_s);
		if (err != -EBUSY || sleep_s == SLEEP_MAX_S)
			break;
		TH_LOG("slow: not asleep within %u s", sleep_s);
		EXPECT_EQ(-ETIMEDOUT, hear(self->until_mono));
		EXPECT_EQ(-ETIMEDOUT, hear(self->until_real));
		close(ticket);
	}
	ASSERT_EQ(0, err);
	ASSERT_LT(before + NSEC_PER_SEC, slept());
	/* Not to be told apart if the machine takes so long to wake up. */
	if (clock_ns(CLOCK_MONOTONIC) >= deadline)
		TH_LOG("slow: nothing is learnt of the monotonic deadline");
	EXPECT_EQ(-ETIMEDOUT, hear(self->until_real));
	EXPECT_LE(wall, clock_ns(CLOCK_REALTIME));
	ASSERT_SOON(poll_now(ticket));
	EXPECT_EQ(-ETIMEDOUT, hear(self->until_mono));
	EXPECT_LE(deadline, self->until_mono->job.arg[2]);

	ASSERT_EQ(0, ask(me, release(self->queue, 1)));
	EXPECT_EQ(0, hear(self->first));
	EXPECT_EQ(1, sem_state(self->queue).waiters);
	for (i = 0; i < nr_waits; i++) {
		struct puppet *blocker = self->blockers[i];

		EXPECT_EQ(1, waits[i].waiting(self->fds[i]));
		tell(blocker, waits[i].grant(self->fds[i], &blocker->job));
		EXPECT_EQ(0, hear(self->waiters[i]));
		EXPECT_EQ(0, hear(blocker));
	}
}

TEST_HARNESS_MAIN
