// SPDX-License-Identifier: GPL-2.0-only
/*
 * A key that kills everyone who serves it (F6)
 *
 * Fifty processes ask for it, and each that is to lead dies of it. As many die as the
 * group has hand-overs, and one more; the others are told, and live.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define ASKERS		50
#define KEY		"poison"

/* How an asker ends, if it does not die. */
enum end { TOLD = 1, STRANGE };

FIXTURE(poison) {
	int fd;
	int go[2];
	pid_t pid[ASKERS];
};

FIXTURE_VARIANT(poison) {
	__u32 handovers;
	__u32 options;
	bool ticket;
	/* How many it kills. */
	unsigned int dead;
};

FIXTURE_VARIANT_ADD(poison, by_default) { .dead = 0 };

FIXTURE_VARIANT_ADD(poison, once) { .handovers = 1, .dead = 2 };

FIXTURE_VARIANT_ADD(poison, seven_times) { .handovers = 7, .dead = 8 };

FIXTURE_VARIANT_ADD(poison, no_handover) {
	.options = MUSTER_FLIGHT_NO_HANDOVER,
	.dead = 1,
};

FIXTURE_VARIANT_ADD(poison, more_than_there_are) { .handovers = 99, .dead = ASKERS };

FIXTURE_VARIANT_ADD(poison, by_ticket) { .ticket = true, .handovers = 3, .dead = 4 };

FIXTURE_VARIANT_ADD(poison, by_ticket_seven_times) {
	.ticket = true,
	.handovers = 7,
	.dead = 8,
};

FIXTURE_VARIANT_ADD(poison, by_ticket_no_handover) {
	.ticket = true,
	.options = MUSTER_FLIGHT_NO_HANDOVER,
	.dead = 1,
};

FIXTURE_SETUP(poison)
{
	struct muster_open how = open_how(MUSTER_FLIGHT, NULL, 0, variant->handovers);

	how.options = variant->options;
	self->fd = open_object(&how);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pipe2(self->go, O_CLOEXEC));
}

FIXTURE_TEARDOWN(poison)
{
}

/* Has it become the leader? Or a negative errno. */
static int joined(int fd)
{
	int ret = ask(me, join(fd, KEY));

	return ret ?: me->job.join.role == MUSTER_ROLE_LEADER;
}

static int joined_by_ticket(int fd)
{
	int ticket = ask(me, as_ticket(join(fd, KEY)));
	struct pollfd pfd = { .fd = ticket, .events = POLLIN };
	struct muster_verdict verdict;

	if (ticket < 0)
		return ticket;
	/* A signal would end it: there is none but SIGKILL. */
	if (poll(&pfd, 1, -1) != 1 ||
	    read(ticket, &verdict, sizeof(verdict)) < (ssize_t)sizeof(verdict))
		return -EIO;
	return verdict.error ?: verdict.role == MUSTER_ROLE_LEADER;
}

/* Dies if it leads, as soon as all are there. */
static int ask_for_it(int fd, bool ticket, int go)
{
	int ret = ticket ? joined_by_ticket(fd) : joined(fd);
	char byte;

	if (ret == -EOWNERDEAD)
		return TOLD;
	if (ret != 1)
		return STRANGE;
	while (read(go, &byte, 1) < 0)
		;
	raise(SIGKILL);
	return STRANGE;
}

static pid_t spawn(int fd, bool ticket, const int *go)
{
	pid_t pid = fork();

	if (!pid) {
		die_with_parent();
		close(go[1]);
		_exit(ask_for_it(fd, ticket, go[0]));
	}
	return pid;
}

/*
 * F6, F12: Go's singleflight: a leader that dies takes all with it, or leaves them to
 * hang. A request that kills whoever serves it kills so many as may be handed over to,
 * and the first; nobody hangs, and the next join begins anew.
 */
TEST_F(poison, kills_so_many)
{
	unsigned int dead = variant->dead ?: get_param("handovers") + 1, i;
	unsigned int killed = 0, told = 0;
	struct muster_flight_stat stat;
	__u64 token;
	int status;

	for (i = 0; i < ASKERS; i++) {
		self->pid[i] = spawn(self->fd, variant->ticket, self->go);
		ASSERT_LT(0, self->pid[i]);
	}
	ASSERT_SOON(flight_state(self->fd).followers == ASKERS - 1);
	/* All who lead from now on see the end of the pipe. */
	close(self->go[1]);
	for (i = 0; i < ASKERS; i++) {
		ASSERT_EQ(self->pid[i], waitpid(self->pid[i], &status, 0));
		if (WIFSIGNALED(status))
			killed += WTERMSIG(status) == SIGKILL;
		else
			told += WEXITSTATUS(status) == TOLD;
	}
	EXPECT_EQ(dead, killed);
	EXPECT_EQ(ASKERS - dead, told);
	stat = flight_state(self->fd);
	EXPECT_EQ(0, stat.calls);
	EXPECT_EQ(0, stat.followers);
	EXPECT_EQ(1, stat.led);
	EXPECT_EQ(dead - 1, stat.handed_over);
	EXPECT_EQ(1, stat.orphaned);

	/* The next one begins anew, with all its hand-overs. */
	ASSERT_EQ(0, ask(me, join(self->fd, KEY)));
	EXPECT_EQ(MUSTER_ROLE_LEADER, me->job.join.role);
	EXPECT_EQ(1, me->job.join.attempt);
	/* W4: and a token that no dead one had. */
	token = me->job.join.token;
	EXPECT_LE(dead + 1, token);
	EXPECT_EQ(0, ask(me, finish(self->fd, KEY, token, 0, NULL)));
	EXPECT_EQ(0, flight_state(self->fd).calls);
}

TEST_HARNESS_MAIN
