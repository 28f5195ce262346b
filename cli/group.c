// SPDX-License-Identifier: GPL-2.0-only
/*
 * muster group: tasks of many processes, and waiting for them
 *
 * A group is there as long as somebody has it open: each task while it runs, and whoever
 * waits. "open" leaves a process behind that keeps it as long as a script runs, so that
 * statuses and output of tasks that are over can still be asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "names.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif
#ifndef SYS_close_range
#define SYS_close_range	436
#endif

/**
 * struct tasks - an invocation
 * @options:	what all commands have
 * @name:	of the group
 * @how:	how it is opened
 * @fd:		the group
 * @collect:	what CMD prints is its result
 * @stop:	CMD gets SIGTERM when the group is cancelled
 * @output:	print results, not statuses
 * @until:	MUSTER_UNTIL_*
 * @successes:	how many
 * @pid:	the group is kept as long as this process runs
 */
struct tasks {
	struct options options;
	const char *name;
	struct muster_open how;
	int fd;
	bool collect;
	bool stop;
	bool output;
	uint32_t until;
	uint32_t successes;
	pid_t pid;
};

static void open_tasks(struct tasks *tasks, int oflags, bool runs_command)
{
	need_names(&tasks->options, 1, 1, "NAME");
	if (runs_command)
		need_command(&tasks->options);
	else
		no_command(&tasks->options);
	tasks->name = tasks->options.names[0];
	tasks->how.type = MUSTER_GROUP;
	tasks->how.oflags = oflags;
	tasks->fd = open_mode(&tasks->options, &tasks->how, tasks->name);
	if (tasks->fd == -ENOENT && !muster_info(&(struct muster_info){ 0 }))
		die("%s: there is no such group now; muster group open keeps one while a script runs",
		    tasks->name);
	if (tasks->fd < 0)
		die_open(tasks->fd, tasks->name);
}

static int no_turn(const struct tasks *tasks, int err)
{
	int status = conflict_status(&tasks->options, err == -ECANCELED ? -EBUSY : err);

	if (status < 0)
		die_error(err, tasks->name);
	if (err == -ECANCELED)
		say("%s: the group is cancelled, CMD was not run", tasks->name);
	else
		say_more("%s: waited too long for a turn", tasks->name);
	return status;
}

/* How many tasks of the group this process is run by; @limit gets how many may run. */
static uint64_t tasks_around(const struct tasks *tasks, uint32_t *limit)
{
	static struct muster_process list[MUSTER_PROCESSES_MAX];
	struct muster_group_stat stat;
	int nr = muster_group_stat(tasks->fd, &stat, list, ARRAY_SIZE(list));

	*limit = nr < 0 ? 0 : stat.limit;
	return held_around(list, nr);
}

/* Waits for its turn; 0 or a negative errno. */
static int add_task(const struct tasks *tasks, uint64_t *slot)
{
	uint32_t limit;
	int err = -EAGAIN;

	if (!tasks->options.timed)
		err = muster_group_add(tasks->fd, 1, MUSTER_WAIT_NONBLOCK, 0, slot);
	if (err != -EAGAIN)
		return err;
	if (!tasks->options.timed && tasks_around(tasks, &limit) >= limit && limit)
		die_deadlock(tasks->name);
	do {
		err = muster_group_add(tasks->fd, 1, 0, tasks->options.deadline, slot);
	} while (err == -EINTR);
	return err;
}

/* Hands in how the task ended, with what it printed. */
static void end_task(const struct tasks *tasks, uint64_t slot, int status, int output)
{
	off_t len = output < 0 ? 0 : lseek(output, 0, SEEK_END);
	void *data = NULL;
	int err;

	if (len > 0) {
		data = mmap(NULL, len, PROT_READ, MAP_SHARED, output, 0);
		if (data == MAP_FAILED)
			die("%s: %s", tasks->name, strerror(errno));
	}
	err = muster_group_done(tasks->fd, slot, status, data, len);
	if (err == -EMSGSIZE || err == -ENOBUFS) {
		say("%s: task %" PRIu64 ": its output is too long to be kept, and dropped; root can raise %s%s",
		    tasks->name, slot, PARAMETERS,
		    err == -EMSGSIZE ? "result_max" : "bytes_max");
		err = muster_group_done(tasks->fd, slot, status, NULL, 0);
	}
	if (err)
		die_error(err, tasks->name);
}

static int do_task(const struct tasks *tasks, uint64_t slot)
{
	int output = tasks->collect ? memfd_create("muster-task", MFD_CLOEXEC) : -1;
	char number[32];
	struct run run;

	if (tasks->collect && output < 0)
		die("memfd_create: %s", strerror(errno));
	snprintf(number, sizeof(number), "%" PRIu64, slot);
	setenv("MUSTER_SLOT", number, 1);
	run_task(tasks->options.argv, output, tasks->stop ? tasks->fd : -1, &run);
	end_task(tasks, slot, run.status, output);
	say_more("%s: task %" PRIu64 ": exit status %d", tasks->name, slot, run.status);
	return run.status;
}

static int group_run(struct tasks *tasks)
{
	uint64_t slot;
	int err;

	open_tasks(tasks, O_CREAT, true);
	err = add_task(tasks, &slot);
	if (err)
		return no_turn(tasks, err);
	return do_task(tasks, slot);
}

/* ---- in the background ---- */

/* The child goes on; the parent ends when the child has said that it is ready. */
static bool go_to_background(int *ready)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot start a process: %s", strerror(errno));
	close(ends[pid ? 1 : 0]);
	*ready = ends[1];
	if (!pid)
		return true;
	if (read(ends[0], &byte, 1) != 1)
		die("the process in the background has failed");
	say_more("process %d", pid);
	return false;
}

static void tell_ready(int ready)
{
	if (write(ready, "", 1) != 1)
		exit(STATUS_MUSTER);
	close(ready);
}

static int group_add(struct tasks *tasks)
{
	uint64_t slot;
	int ready, err;

	open_tasks(tasks, O_CREAT, true);
	err = add_task(tasks, &slot);
	if (err)
		return no_turn(tasks, err);
	if (!go_to_background(&ready))
		return 0;
	err = muster_group_claim(tasks->fd, slot);
	if (err)
		die_error(err, tasks->name);
	tell_ready(ready);
	return do_task(tasks, slot);
}

/*
 * Nothing of the caller's is kept but the group: no terminal, no directory, and no file or
 * lock that the caller has open.
 */
static void leave_all(int group, int watched, int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int kept[] = { group, watched, ready };
	int fd, most = 2;
	size_t i;

	setsid();
	if (chdir("/"))
		die("/: %s", strerror(errno));
	for (fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		most = kept[i] > most ? kept[i] : most;
	for (fd = 3; fd < most; fd++) {
		if (fd != group && fd != watched && fd != ready)
			close(fd);
	}
	syscall(SYS_close_range, most + 1, UINT_MAX, 0);
}

/*
 * A descriptor of the process that the group is kept for. The caller may end while we look:
 * then its number is another's, or process 1 seems to have called us.
 */
static int watch_process(const struct tasks *tasks)
{
	pid_t parent = getppid(), pid = tasks->pid ? tasks->pid : parent;
	int fd;

	if (!pid)
		die("the calling process is out of sight: --while says how long to stay");
	fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		die("process %d: %s", pid, strerror(errno));
	if (!tasks->pid && (getppid() != parent || (pid == 1 && getsid(1) != getsid(0))))
		die("the calling process has ended: --while says how long to stay");
	return fd;
}

static int group_open(struct tasks *tasks)
{
	struct pollfd one = { .events = POLLIN };
	int ready;

	open_tasks(tasks, O_CREAT, false);
	one.fd = watch_process(tasks);
	if (!go_to_background(&ready))
		return 0;
	leave_all(tasks->fd, one.fd, ready);
	tell_ready(ready);
	while (poll(&one, 1, -1) < 0 && errno == EINTR)
		;
	return 0;
}

/* ---- waiting ---- */

static const char *state_name(const struct muster_group_result *result)
{
	switch (result->state) {
	case MUSTER_TASK_PENDING:
		return "runs";
	case MUSTER_TASK_DIED:
		return "killed";
	}
	return result->status ? "failed" : "done";
}

static void print_task(const struct tasks *tasks, const struct muster_group_result *result,
		       const void *data)
{
	if (!tasks->output)
		printf("%" PRIu64 " %s %d\n", (uint64_t)result->slot, state_name(result),
		       result->state == MUSTER_TASK_DONE ? result->status : 0);
	else if (!write_all(STDOUT_FILENO, data, result->result_len))
		die_output();
}

static void print_tasks(const struct tasks *tasks)
{
	struct muster_group_result result = { 0 };
	struct muster_info info;
	uint64_t slot = 0;
	char *data;
	int ret;

	if (muster_info(&info))
		info.result_max = 1 << 20;
	data = malloc(info.result_max + 1);
	if (!data)
		die_error(-ENOMEM, tasks->name);
	for (;;) {
		ret = muster_group_result(tasks->fd, slot, data, info.result_max, &result);
		if (ret < 0)
			break;
		/* It was longer when more was allowed. */
		if (result.result_len > info.result_max)
			result.result_len = info.result_max;
		print_task(tasks, &result, data);
		slot = result.slot + 1;
	}
	if (ret != -ENOENT)
		die_error(ret, tasks->name);
	free(data);
	flush_output();
}

static int group_status(const struct tasks *tasks, const struct muster_group_wait *wait)
{
	if (tasks->until == MUSTER_UNTIL_SUCCESSES)
		return wait->met ? 0 : STATUS_BROKEN;
	if (!wait->status)
		return 0;
	return wait->status > 0 && wait->status < 256 ? wait->status : STATUS_BROKEN;
}

static int group_wait(struct tasks *tasks)
{
	struct muster_group_wait wait = { 0 };
	uint32_t limit;
	int ret, status;

	open_tasks(tasks, 0, false);
	if (!tasks->options.timed && tasks->until == MUSTER_UNTIL_ALL &&
	    tasks_around(tasks, &limit))
		die_deadlock(tasks->name);
	do {
		ret = muster_group_wait(tasks->fd, tasks->until, tasks->successes,
					tasks->options.deadline, &wait);
	} while (ret == -EINTR);
	status = ret < 0 ? conflict_status(&tasks->options, ret) : group_status(tasks, &wait);
	if (status < 0)
		die_error(ret, tasks->name);
	if (ret < 0)
		return status;
	print_tasks(tasks);
	say_more("%s: %u succeeded, %u failed, of these %u killed; %u run", tasks->name,
		 wait.succeeded, wait.failed, wait.died, wait.pending);
	return status;
}

static int group_cancel(struct tasks *tasks)
{
	int err;

	open_tasks(tasks, 0, false);
	err = muster_group_cancel(tasks->fd);
	if (err)
		die_error(err, tasks->name);
	say_more("%s: cancelled", tasks->name);
	return 0;
}

static int group_reset(struct tasks *tasks)
{
	int err, status;

	open_tasks(tasks, 0, false);
	err = muster_group_reset(tasks->fd);
	status = err ? conflict_status(&tasks->options, err) : 0;
	if (status < 0)
		die_error(err, tasks->name);
	if (err)
		say_more("%s: tasks still run", tasks->name);
	return status;
}

/* ---- command line ---- */

enum {
	OPT_KEEP_GOING = OPT_OWN,
	OPT_STOP,
	OPT_SUCCESSES,
	OPT_FAILURE,
	OPT_WHILE,
};

#define LONG_CREATES							\
	LONG_HELP, LONG_VERBOSE, LONG_MODE,				\
	{ "limit", required_argument, NULL, 'n' },			\
	{ "keep-going", no_argument, NULL, OPT_KEEP_GOING }

static const struct option open_options[] = {
	LONG_CREATES,
	{ "while", required_argument, NULL, OPT_WHILE },
	{ }
};

static const struct option run_options[] = {
	LONG_CREATES,
	LONG_TIMEOUT,
	LONG_CONFLICT,
	{ "collect", no_argument, NULL, 'c' },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ }
};

static const struct option wait_options[] = {
	LONG_HELP,
	LONG_VERBOSE,
	LONG_TIMEOUT,
	LONG_CONFLICT,
	{ "output", no_argument, NULL, 'o' },
	{ "successes", required_argument, NULL, OPT_SUCCESSES },
	{ "failure", no_argument, NULL, OPT_FAILURE },
	{ }
};

static const struct option cancel_options[] = { LONG_HELP, LONG_VERBOSE, { } };
static const struct option reset_options[] = { LONG_HELP, LONG_VERBOSE, LONG_CONFLICT, { } };

static const struct verb {
	const char *name;
	const char *letters;
	const struct option *longs;
	int (*run)(struct tasks *tasks);
} verbs[] = {
	{ "open", LETTERS "vn:", open_options, group_open },
	{ "run", LETTERS LETTERS_WAIT "vn:c", run_options, group_run },
	{ "add", LETTERS LETTERS_WAIT "vn:c", run_options, group_add },
	{ "wait", LETTERS LETTERS_WAIT "vo", wait_options, group_wait },
	{ "cancel", LETTERS "v", cancel_options, group_cancel },
	{ "reset", LETTERS "vE:", reset_options, group_reset },
};

static void group_option(struct tasks *tasks, int option)
{
	switch (option) {
	case 'n':
		tasks->how.limit = number_option(optarg, 1, INT32_MAX);
		break;
	case OPT_KEEP_GOING:
		tasks->how.options = MUSTER_GROUP_KEEP_GOING;
		break;
	case 'c':
		tasks->collect = true;
		break;
	case OPT_STOP:
		tasks->stop = true;
		break;
	case 'o':
		tasks->output = true;
		break;
	case OPT_SUCCESSES:
		tasks->until = MUSTER_UNTIL_SUCCESSES;
		tasks->successes = number_option(optarg, 1, INT32_MAX);
		break;
	case OPT_FAILURE:
		tasks->until = MUSTER_UNTIL_FAILURE;
		break;
	case OPT_WHILE:
		tasks->pid = number_option(optarg, 1, INT32_MAX);
		break;
	}
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	}
	die_usage("%s: open, run, add, wait, cancel or reset comes first", name);
}

static int group_main(int argc, char **argv)
{
	static struct tasks tasks = { .options = OPTIONS_INIT };
	const struct verb *verb;
	int option;

	/* The only option before the verb. */
	if (argc < 2 || argv[1][0] == '-') {
		next_option(&tasks.options, argc, argv, LETTERS "v", cancel_options);
		die_usage("open, run, add, wait, cancel or reset is missing");
	}
	/* The verb takes the place of the name of the command. */
	verb = find_verb(argv[1]);
	do {
		option = next_option(&tasks.options, argc - 1, argv + 1, verb->letters,
				     verb->longs);
		group_option(&tasks, option);
	} while (option != -1);
	return verb->run(&tasks);
}

const struct command group_command = {
	.name = "group",
	.brief = "Runs tasks that others wait for, in turn and in the background",
	.usage = "open|run|add|wait|cancel|reset [OPTION]... NAME [[--] CMD [ARG]...]",
	.summary =
		"Tasks of many processes, that others wait for. One that is killed has failed\n\n"
		"  open NAME             the group NAME stays as long as the calling shell; else it\n"
		"                        is gone, statuses and all, when no task runs\n"
		"  run NAME CMD          run CMD as a task, in its turn; exit with its status\n"
		"  add NAME CMD          the same in the background: when this ends the task runs,\n"
		"                        and a wait that comes later waits for it\n"
		"  wait NAME             wait until no task is left, and print of each number, state\n"
		"                        (done, failed, killed, runs) and exit status, in the order\n"
		"                        of adding; exit with the status of the first that failed\n"
		"  cancel NAME           no further tasks, as after the first failure\n"
		"  reset NAME            forget what is over, and begin anew; 1 if tasks still run",
	.help =
		"  -n, --limit LIMIT     open, run, add: so many run at once; all are to say the same\n"
		"      --keep-going      open, run, add: that one fails does not cancel the group\n"
		"      --while PID       open: stay as long as this process, not the calling shell\n"
		"  -c, --collect         run, add: keep what CMD prints, for wait -o\n"
		"      --stop            run, add: CMD gets SIGTERM when the group is cancelled\n"
		"  -o, --output          wait: print what tasks have printed, not their statuses\n"
		"      --successes N     wait: until N have succeeded; else exit with 1\n"
		"      --failure         wait: until one has failed\n"
		"  -t, --timeout TIME    run, add, wait: so long at most (500ms, 1.5s, 2h); then exit\n"
		"                        with 124\n"
		"  -E, --conflict-exit-code N\n"
		"                        run, add, wait, reset: exit with N if it was not done because\n"
		"                        of others, or the wait was too long\n"
		"      --mode MODE       open, run, add: who may use a name that is new: octal, as of\n"
		"                        a file, both r and w are needed (default 600; 666 is\n"
		"                        everybody)\n"
		"  -v, --verbose         say on stderr what was waited for, and how it ended\n",
	.run = group_main,
};
