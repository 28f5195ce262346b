// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running the user's command
 *
 * Three processes. muster starts the command, passes signals on to it and, for a flight,
 * collects what it prints. What muster holds in the kernel belongs to its table of
 * descriptors; the guard, a process that shares this table, does nothing but wait. If
 * muster is killed, the guard kills the command and ends when that is dead, and only then
 * does the kernel hand on what was held: never is a command running whose place somebody
 * else has got. If guard and muster are killed at once, the command dies as well, by its
 * parent-death signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open		434
#define SYS_pidfd_send_signal	424
#endif

/* What is passed on to the command; the first four are to end it. */
static const int passed_on[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH,
};

#define NR_ENDING	4

/**
 * struct job - a command that runs
 * @pid:	the command
 * @pidfd:	the same
 * @self:	muster
 * @guard:	the guard
 * @signals:	signalfd
 * @pipe:	reads what the command prints; -1 when that is over, or not of interest
 * @output:	where it is to go
 * @watch:	a group; when it is cancelled the command gets SIGTERM; or -1
 * @old_mask:	signals that were blocked before
 * @wait_status: of the command
 * @ended:	it has
 */
struct job {
	pid_t pid;
	int pidfd;
	int self;
	pid_t guard;
	int signals;
	int pipe;
	int output;
	int watch;
	sigset_t old_mask;
	int wait_status;
	bool ended;
};

/* The signal that killed the command, or 0. */
static int killed_by;

/* Does not return, or with the status that says why the command could not be run. */
int exec_command(char **argv)
{
	int err;

	execvp(argv[0], argv);
	err = errno;
	say("cannot run %s: %s", argv[0], strerror(err));
	return err == ENOENT ? STATUS_MISSING : STATUS_CANNOT;
}

/* ---- the guard ---- */

static void wait_for(int pidfd)
{
	struct pollfd one = { .fd = pidfd, .events = POLLIN };

	while (poll(&one, 1, -1) < 0 && errno == EINTR)
		;
}

static void guard(const struct job *job)
{
	struct pollfd both[] = {
		{ .fd = job->self, .events = POLLIN },
		{ .fd = job->pidfd, .events = POLLIN },
	};

	while (poll(both, 2, -1) < 0 && errno == EINTR)
		;
	if (!both[1].revents) {
		syscall(SYS_pidfd_send_signal, job->pidfd, SIGKILL, NULL, 0);
		wait_for(job->pidfd);
	}
	_exit(0);
}

/* Without a guard nobody sees to it that the command has ended before others begin. */
static void abort_start(const struct job *job, const char *doing)
{
	int err = errno;

	kill(job->pid, SIGKILL);
	waitpid(job->pid, NULL, 0);
	die("%s: %s", doing, strerror(err));
}

/*
 * As fork(2), but with the descriptors in common. All signals that can be blocked are, so
 * that what a terminal sends to all does not end it.
 */
static void start_guard(struct job *job)
{
	sigset_t all, mask;

	job->self = syscall(SYS_pidfd_open, getpid(), 0);
	if (job->self < 0)
		abort_start(job, "pidfd_open");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	job->guard = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!job->guard)
		guard(job);
	if (job->guard < 0)
		abort_start(job, "cannot start a process");
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* ---- the command ---- */

/* By nohup(1), or of a shell's background: that it comes is of no interest to anybody. */
static bool is_ignored(int signal)
{
	struct sigaction action;

	return !sigaction(signal, NULL, &action) && action.sa_handler == SIG_IGN;
}

static void take_signals(struct job *job)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL };
	sigset_t mask;
	size_t i;

	/* Ignored, there would be no status to wait for. */
	sigaction(SIGCHLD, &fallback, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (i = 0; i < ARRAY_SIZE(passed_on); i++) {
		if (!is_ignored(passed_on[i]))
			sigaddset(&mask, passed_on[i]);
	}
	sigprocmask(SIG_BLOCK, &mask, &job->old_mask);
	job->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (job->signals < 0)
		die("signalfd: %s", strerror(errno));
}

static void child(const struct job *job, pid_t parent, int output, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_MUSTER);
	if (output >= 0 && dup2(output, STDOUT_FILENO) < 0)
		_exit(STATUS_MUSTER);
	sigprocmask(SIG_SETMASK, &job->old_mask, NULL);
	_exit(exec_command(argv));
}

static void start(struct job *job, char **argv)
{
	pid_t parent = getpid();
	int ends[2] = { -1, -1 };

	if (job->output >= 0 && pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	job->pid = fork();
	if (!job->pid)
		child(job, parent, ends[1], argv);
	if (job->pid < 0)
		die("cannot start a process: %s", strerror(errno));
	job->pipe = ends[0];
	if (ends[1] >= 0)
		close(ends[1]);
	if (job->pipe >= 0)
		fcntl(job->pipe, F_SETFL, O_NONBLOCK);
	job->pidfd = syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pidfd < 0)
		abort_start(job, "pidfd_open");
	start_guard(job);
}

/*
 * What is typed at a terminal, or that its size has changed, has reached the command
 * already, as it goes to all. Not so that the terminal has gone, which is told only to the
 * leader of the session, which muster may be; nor an alarm that muster was started with.
 */
static bool has_it_already(const struct signalfd_siginfo *info)
{
	return info->ssi_code == SI_KERNEL &&
	       (info->ssi_signo == SIGINT || info->ssi_signo == SIGQUIT ||
		info->ssi_signo == SIGWINCH);
}

static void pass_signal(struct job *job, const struct signalfd_siginfo *info,
			struct run *run)
{
	size_t i;

	if (info->ssi_signo == SIGCHLD) {
		if (waitpid(job->pid, &job->wait_status, WNOHANG) == job->pid)
			job->ended = true;
		return;
	}
	for (i = 0; i < NR_ENDING; i++) {
		if (passed_on[i] == (int)info->ssi_signo)
			run->signalled = info->ssi_signo;
	}
	if (!job->ended && !has_it_already(info))
		kill(job->pid, info->ssi_signo);
}

static void read_signals(struct job *job, struct run *run)
{
	struct signalfd_siginfo info;

	while (read(job->signals, &info, sizeof(info)) == sizeof(info))
		pass_signal(job, &info, run);
}

/*
 * Writes all there is; false and errno if that fails. Others may have made what we write to
 * non-blocking, as it is shared with them: then waits for room.
 */
bool write_all(int fd, const char *buf, size_t len)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	ssize_t written;

	while (len) {
		written = write(fd, buf, len);
		if (written >= 0) {
			buf += written;
			len -= written;
		} else if (errno == EAGAIN) {
			poll(&one, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* As much as is there. */
static void read_output(struct job *job)
{
	static char buf[65536];
	ssize_t len;

	while ((len = read(job->pipe, buf, sizeof(buf))) > 0) {
		if (!write_all(job->output, buf, len)) {
			len = errno;
			kill(job->pid, SIGKILL);
			die("no room for what CMD prints: %s", strerror(len));
		}
	}
	if (!len) {
		close(job->pipe);
		job->pipe = -1;
	}
}

static void attend(struct job *job, struct run *run)
{
	struct pollfd all[] = {
		{ .fd = job->signals, .events = POLLIN },
		{ .fd = job->pipe, .events = POLLIN },
		{ .fd = job->watch, .events = POLLPRI },
	};

	if (poll(all, ARRAY_SIZE(all), -1) < 0)
		return;
	if (all[1].revents)
		read_output(job);
	if (all[2].revents && !job->ended) {
		job->watch = -1;
		kill(job->pid, SIGTERM);
	}
	if (all[0].revents)
		read_signals(job, run);
}

/*
 * What the command has left in the background may have the pipe open for ever: what
 * counts is what was printed when the command ended.
 */
static void finish(struct job *job)
{
	if (job->pipe >= 0)
		read_output(job);
	if (job->pipe >= 0)
		close(job->pipe);
	/* It looks at these two as long as it is there. */
	kill(job->guard, SIGKILL);
	waitpid(job->guard, NULL, 0);
	close(job->self);
	close(job->pidfd);
}

/**
 * run_task - run the user's command as a task of a group
 * @argv:	the command
 * @output:	descriptor of where to put what it prints; -1: where muster prints
 * @group:	when this group is cancelled the command gets SIGTERM; -1: no group
 * @run:	how it ended
 */
void run_task(char **argv, int output, int group, struct run *run)
{
	struct job job = { .output = output, .pipe = -1, .watch = group };

	*run = (struct run){ 0 };
	take_signals(&job);
	start(&job, argv);
	while (!job.ended)
		attend(&job, run);
	finish(&job);
	run->killed = WIFSIGNALED(job.wait_status);
	killed_by = run->killed ? WTERMSIG(job.wait_status) : 0;
	run->status = run->killed ? 128 + killed_by : WEXITSTATUS(job.wait_status);
	close(job.signals);
	sigprocmask(SIG_SETMASK, &job.old_mask, NULL);
}

/* As run_task(), of no group. */
void run_command(char **argv, int output, struct run *run)
{
	run_task(argv, output, -1, run);
}

/**
 * end_as_command - the last thing that muster does
 * @status:	the exit status that it would have
 *
 * If that tells of the signal that has killed the command, muster dies of the same one, as
 * timeout(1) does: so a shell that runs a script stops at Ctrl-C. $? is the same. There is
 * nothing to see in a core of muster's.
 *
 * Return: the status, if it is still there.
 */
int end_as_command(int status)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL };
	sigset_t mask;

	if (!killed_by || status != 128 + killed_by)
		return status;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	prctl(PR_SET_DUMPABLE, 0);
	sigaction(killed_by, &fallback, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, killed_by);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	raise(killed_by);
	return status;
}

/* Copies what there is to read; false and errno if that fails. */
bool copy_all(int from, int to)
{
	static char buf[65536];
	ssize_t len;

	while ((len = read(from, buf, sizeof(buf))) > 0) {
		if (!write_all(to, buf, len))
			return false;
	}
	return !len;
}
