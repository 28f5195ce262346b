// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one thing over and over, for bench/profile to look at.
 *
 * usage: trace OPERATION
 */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"

static int fd, other;

static long acquire(int from, uint32_t flags)
{
	struct muster_sem_acquire args = {
		.size = sizeof(args), .flags = flags, .permits = 1,
		.deadline = MUSTER_FOREVER,
	};

	return do_ioctl(from, MUSTER_SEM_ACQUIRE, &args);
}

static void release(int to)
{
	struct muster_sem_release args = { .size = sizeof(args), .permits = 1 };

	check("release", do_ioctl(to, MUSTER_SEM_RELEASE, &args), 0);
}

static void make_sem(void)
{
	fd = open_object(MUSTER_SEM, 1);
}

static void do_pair(void)
{
	check("acquire", acquire(fd, 0), 0);
	release(fd);
}

static void make_taken(void)
{
	fd = open_object_with(MUSTER_SEM, 1, MUSTER_SEM_SIGNALLING, NULL);
}

static void do_try(void)
{
	acquire(fd, MUSTER_WAIT_NONBLOCK);
}

static void do_empty(void)
{
	do_ioctl(fd, _IO(MUSTER_IOC_MAGIC, 0xff), NULL);
	do_ioctl(fd, _IO(MUSTER_IOC_MAGIC, 0xff), NULL);
}

static void make_flight(void)
{
	fd = open_object(MUSTER_FLIGHT, 0);
}

static void do_lead(void)
{
	static const char key[16] = "user:4711:avatar";
	struct muster_flight_join join = {
		.size = sizeof(join), .key = (uintptr_t)key, .key_len = sizeof(key),
		.deadline = MUSTER_FOREVER,
	};
	struct muster_flight_finish finish = {
		.size = sizeof(finish), .key = (uintptr_t)key, .key_len = sizeof(key),
		.data = (uintptr_t)key, .data_len = sizeof(key),
	};

	check("join", do_ioctl(fd, MUSTER_FLIGHT_JOIN, &join), 0);
	finish.token = join.token;
	check("finish", do_ioctl(fd, MUSTER_FLIGHT_FINISH, &finish), 0);
}

/* A child that does the other half of it, for as long as we are there. */
static void with_partner(void (*half)(void))
{
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		half();
}

static void answer(void)
{
	acquire(other, 0);
	release(fd);
}

static void make_ring(void)
{
	fd = open_object_with(MUSTER_SEM, 10, MUSTER_SEM_SIGNALLING, NULL);
	other = open_object_with(MUSTER_SEM, 10, MUSTER_SEM_SIGNALLING, NULL);
	with_partner(answer);
}

static void do_ring(void)
{
	release(other);
	acquire(fd, 0);
}

static void do_await(void)
{
	struct muster_barrier_await args = {
		.size = sizeof(args), .deadline = MUSTER_FOREVER,
	};

	check("await", do_ioctl(fd, MUSTER_BARRIER_AWAIT, &args), 0);
}

static void make_barrier(void)
{
	int i;

	fd = open_object(MUSTER_BARRIER, 8);
	for (i = 0; i < 7; i++)
		with_partner(do_await);
}

static const struct {
	const char *name;
	void (*make)(void);
	void (*run)(void);
} all[] = {
	{ "pair", make_sem, do_pair },
	{ "try", make_taken, do_try },
	{ "empty", make_sem, do_empty },
	{ "lead", make_flight, do_lead },
	{ "ring", make_ring, do_ring },
	{ "barrier", make_barrier, do_await },
};

int main(int argc, char **argv)
{
	unsigned int i;
	int kmsg;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (argc != 2 || strcmp(all[i].name, argv[1]))
			continue;
		all[i].make();
		for (operations = 0; operations < 1000; operations++)
			all[i].run();
		kmsg = open("/dev/kmsg", O_WRONLY);
		check("kmsg", write(kmsg, "vm: trace\n", 10), 10);
		/* Until it has been looked at. */
		alarm(1);
		for (;;)
			all[i].run();
	}
	fprintf(stderr, "usage: trace pair|try|empty|lead|ring|barrier\n");
	return 2;
}
