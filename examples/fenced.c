// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fenced file: who has lost its permit can write no more
 *
 * One process at a time may write to a ledger, in two steps, a debit and a credit. Writer 1
 * is killed in between. Its permit goes to writer 2 at once, and with it the notice that a
 * holder has died, so that it checks the data and takes out the half that is there. But
 * something of writer 1 is left: a child (it could be a request on its way) that was held
 * up, and writes now what it has known for long. No semaphore can prevent that. But each
 * grant has a token that is greater than all before it, each write comes with the token,
 * and the ledger takes nothing from who is older than the newest that has written.
 *
 * Writer 4 is not dead: the one that writes for it has been stopped for too long, and it
 * gives the permit up, as if it had died. Writer 5 is in the midst of its own transfer when
 * that one wakes up, and both write.
 *
 *	fenced LEDGER		a file to be made
 *
 * Any store will do that can compare and write in one go: "UPDATE ... WHERE token <= ?".
 */
#include <errno.h>
#include <fcntl.h>
#include <muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct ledger {
	uint64_t token;		/* of who wrote last */
	int entries;
	int amount[20];
};

/* How a transfer goes. */
enum way { WELL, DIES, GIVES_UP, IS_DISTURBED };

static int permit, file;
static int news[2];		/* a byte for each thing that somebody waits for */
static pid_t *late;

static int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(1);
}

static int must_errno(int ret, const char *what)
{
	return must(ret < 0 ? -errno : ret, what);
}

static void tell(void)
{
	fflush(stdout);
	must_errno(write(news[1], "", 1), "tell");
}

static void hear(void)
{
	char byte;

	must_errno(read(news[0], &byte, 1), "hear");
}

/* ---- the store ---- */

static void ledger_get(struct ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
	must_errno(pread(file, ledger, sizeof(*ledger), 0), "read");
}

/* The lock is for this comparison only. Whoever may be dead by now: 0 or -ESTALE. */
static int ledger_put(struct ledger *ledger, uint64_t token)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct ledger old;
	int err = -ESTALE;

	must_errno(fcntl(file, F_SETLKW, &lock), "lock");
	ledger_get(&old);
	if (old.token <= token) {
		ledger->token = token;
		must_errno(pwrite(file, ledger, sizeof(*ledger), 0), "write");
		err = 0;
	}
	lock.l_type = F_UNLCK;
	must_errno(fcntl(file, F_SETLK, &lock), "unlock");
	return err;
}

/* ---- those who write ---- */

/* The half of a transfer must go. */
static void check(struct ledger *ledger, uint64_t token)
{
	printf("a holder has died or given up, %d entries\n", ledger->entries);
	ledger->entries &= ~1;
	must(ledger_put(ledger, token), "repair");
}

/* What it is about to write is the ledger as it was before it fell asleep. */
static void late_child(struct ledger *ledger, uint64_t token)
{
	int err;

	raise(SIGSTOP);
	err = ledger_put(ledger, token);
	printf("a late write with token %llu: %s\n", (unsigned long long)token,
	       err == -ESTALE ? "refused" : "taken");
	tell();
	_exit(0);
}

/* Returns when the child has stopped. */
static void leave_it_to_a_child(struct ledger *ledger, uint64_t token)
{
	fflush(stdout);
	*late = must_errno(fork(), "fork");
	if (!*late)
		late_child(ledger, token);
	must_errno(waitpid(*late, NULL, WUNTRACED), "wait");
}

/* It has been stopped for too long. Others shall go on, and check the data. */
static void give_up(void)
{
	tell();
	must(muster_sem_release_flags(permit, 1, MUSTER_RELEASE_ABANDON), "abandon");
	must_errno(waitpid(*late, NULL, 0), "wait");
}

/* The late one wakes up, and has written when this returns, or would have. */
static void be_disturbed(void)
{
	fflush(stdout);
	must_errno(kill(*late, SIGCONT), "wake");
	hear();
}

static void transfer(int amount, enum way way)
{
	struct muster_grant grant;
	struct ledger ledger;

	must(muster_sem_acquire_grant(permit, 1, 0, MUSTER_FOREVER, &grant), "acquire");
	printf("%d is to be transferred, with token %llu\n", amount,
	       (unsigned long long)grant.token);
	ledger_get(&ledger);
	if (grant.abandoned)
		check(&ledger, grant.token);
	ledger.amount[ledger.entries++] = -amount;
	must(ledger_put(&ledger, grant.token), "debit");
	ledger.amount[ledger.entries++] = amount;
	if (way == DIES || way == GIVES_UP)
		leave_it_to_a_child(&ledger, grant.token);
	if (way == DIES)
		raise(SIGKILL);
	if (way == GIVES_UP) {
		give_up();
		return;
	}
	if (way == IS_DISTURBED)
		be_disturbed();
	must(ledger_put(&ledger, grant.token), "credit");
	must(muster_sem_release(permit, 1), "release");
}

static pid_t begin_writer(int amount, enum way way)
{
	pid_t pid = must_errno(fork(), "fork");

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		transfer(amount, way);
		exit(0);
	}
	return pid;
}

static void run_writer(int amount, enum way way)
{
	must_errno(waitpid(begin_writer(amount, way), NULL, 0), "wait");
}

static void one_is_killed(void)
{
	run_writer(10, DIES);
	run_writer(20, WELL);
	must_errno(kill(*late, SIGCONT), "wake");
	hear();
	must_errno(waitpid(*late, NULL, 0), "wait");
	run_writer(30, WELL);
}

static void one_is_stopped(void)
{
	pid_t old = begin_writer(40, GIVES_UP);

	hear();
	run_writer(50, IS_DISTURBED);
	must_errno(waitpid(old, NULL, 0), "wait");
}

int main(int argc, char **argv)
{
	struct ledger ledger;
	int i;

	if (argc != 2)
		must(-EINVAL, "usage: fenced LEDGER");
	file = must_errno(open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600), argv[1]);
	permit = must(muster_sem_open(NULL, 0, 0, 1), "semaphore");
	late = mmap(NULL, sizeof(*late), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must_errno(pipe(news), "pipe");
	/* What writer 1 leaves behind is waited for here. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	one_is_killed();
	one_is_stopped();
	ledger_get(&ledger);
	for (i = 0; i < ledger.entries; i++)
		printf("%d ", ledger.amount[i]);
	printf("are in the ledger\n");
	return 0;
}
