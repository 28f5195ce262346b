// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes do beside calling: descriptors are duplicated, closed, passed on;
 * processes fork, are replaced by exec, and exit. See storm.h.
 *
 * All of it is done under the actor's lock. When a process has given up its last
 * descriptor of a file, or comes by one anew, that is recorded as a call: CLOSE, GAIN.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storm.h"

/* No more forks when there are so many. */
#define CROWD	16

static const struct storm_type *type_of(__u32 object)
{
	return storm_types[storm->objects[object].type];
}

static unsigned int descriptors(const struct storm_actor *actor, __u32 file)
{
	unsigned int n = 0, i;

	for (i = 0; i < actor->nr_fds; i++)
		n += actor->fds[i].file == file;
	return n;
}

/* A CLOSE or GAIN that begins now. */
static struct history_record *begin(const struct storm_actor *actor, unsigned int thread,
				    const struct storm_fd *fd, __u32 code)
{
	struct history_record *rec = storm_record(actor->process, fd->object, fd->file, code);

	if (!rec)
		return NULL;
	rec->thread = storm_thread_number(actor, thread);
	history_stamp(&storm->history, &rec->inv);
	return rec;
}

static void end(struct history_record *rec)
{
	history_stamp(&storm->history, &rec->res);
}

/* ---- descriptors ---- */

static void do_dup(struct storm_actor *actor, struct storm_rng *rng)
{
	const struct storm_fd *fd = &actor->fds[rnd_below(rng, actor->nr_fds)];
	bool cloexec = rnd_percent(rng, 50);
	int copy;

	if (actor->nr_fds == STORM_FDS)
		return;
	copy = dup(fd->fd);
	if (copy < 0)
		storm_die("dup");
	storm_add_fd(actor, copy, fd->object, fd->file, cloexec)->ticket = fd->ticket;
	storm_count(COUNT_DUP);
}

static void close_fd(struct storm_actor *actor, unsigned int thread, struct storm_fd *at)
{
	struct history_record *rec = NULL;
	struct storm_fd fd = *at;

	if (descriptors(actor, fd.file) == 1) {
		rec = begin(actor, thread, &fd, HISTORY_CLOSE);
		if (!rec)
			return;
	}
	*at = actor->fds[--actor->nr_fds];
	close(fd.fd);
	if (rec)
		end(rec);
	storm_count(COUNT_CLOSE);
}

/* Mostly tickets: they are soon of no more use. */
static void do_close(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng)
{
	__u32 first = rnd_below(rng, actor->nr_fds), i;
	struct storm_fd *fd = &actor->fds[first];

	for (i = 0; i < actor->nr_fds && !fd->ticket.code && rnd_percent(rng, 95); i++)
		fd = &actor->fds[(first + i) % actor->nr_fds];
	close_fd(actor, thread, fd);
}

/* Opens something by name: one more file of it. */
static void do_open(struct storm_actor *actor, struct storm_rng *rng)
{
	__u32 object = rnd_below(rng, storm->nr_objects);
	bool cloexec = rnd_percent(rng, 50);
	int fd;

	if (!storm_has_room(actor, object) || type_of(object)->by_name)
		return;
	fd = storm_open(&storm->objects[object], O_CLOEXEC, NULL);
	if (fd < 0) {
		errno = -fd;
		storm_die("open of an object by name");
	}
	storm_add_fd(actor, fd, object,
		     __atomic_add_fetch(&storm->nr_files, 1, __ATOMIC_RELAXED), cloexec);
	storm_count(COUNT_OPEN);
}

/* ---- SCM_RIGHTS ---- */

/**
 * struct passed - what goes with a descriptor
 * @round:	of which round it is
 * @fd:		what it is; its number means nothing here
 */
struct passed {
	__u32 round;
	struct storm_fd fd;
};

/**
 * struct letter - a message with room for one descriptor
 * @passed:	the data
 * @iov:	where that is
 * @msg:	the message
 * @control:	the descriptor
 */
struct letter {
	struct passed passed;
	struct iovec iov;
	struct msghdr msg;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
};

static void letter_init(struct letter *letter)
{
	memset(letter, 0, sizeof(*letter));
	letter->iov.iov_base = &letter->passed;
	letter->iov.iov_len = sizeof(letter->passed);
	letter->msg.msg_iov = &letter->iov;
	letter->msg.msg_iovlen = 1;
	letter->msg.msg_control = &letter->control;
	letter->msg.msg_controllen = sizeof(letter->control);
}

/* A name is there as long as a message on its way has it: not these. */
static void do_send(struct storm_actor *actor, struct storm_rng *rng)
{
	const struct storm_fd *fd = &actor->fds[rnd_below(rng, actor->nr_fds)];
	struct letter letter;

	if (type_of(fd->object)->by_name)
		return;
	letter_init(&letter);
	letter.passed = (struct passed){ storm->round, *fd };
	letter.control.head = (struct cmsghdr){
		CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&letter.control.head), &fd->fd, sizeof(int));
	if (sendmsg(STORM_SEND_FD, &letter.msg, MSG_DONTWAIT) > 0)
		storm_count(COUNT_PASS);
}

static void do_receive(struct storm_actor *actor, unsigned int thread,
		       struct storm_rng *rng)
{
	__u64 begun = history_now(&storm->history);
	bool cloexec = rnd_percent(rng, 50), fits;
	struct history_record *rec;
	struct storm_fd *new;
	struct letter letter;
	int fd;

	if (actor->nr_fds == STORM_FDS)
		return;
	letter_init(&letter);
	if (recvmsg(STORM_RECV_FD, &letter.msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0 ||
	    letter.control.head.cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(&letter.control.head), sizeof(int));
	new = &letter.passed.fd;
	fits = descriptors(actor, new->file) || storm_has_room(actor, new->object);
	if (!descriptors(actor, new->file)) {
		rec = storm_record(actor->process, new->object, new->file, HISTORY_GAIN);
		if (!rec) {
			close(fd);
			return;
		}
		rec->thread = storm_thread_number(actor, thread);
		rec->inv = begun;
		end(rec);
	}
	storm_add_fd(actor, fd, new->object, new->file, cloexec)->ticket = new->ticket;
	if (!fits)
		close_fd(actor, thread, &actor->fds[actor->nr_fds - 1]);
}

/* ---- processes ---- */

/*
 * A child has its parent's descriptors, but holds nothing; that it sometimes tries to
 * do its parent's errands must fail.
 */
static void inherit(struct storm_actor *child, const struct storm_actor *actor,
		    struct storm_rng *rng)
{
	child->next_fd = actor->next_fd;
	child->nr_fds = actor->nr_fds;
	memcpy(child->fds, actor->fds, sizeof(child->fds));
	if (rnd_percent(rng, 30)) {
		child->nr_errands = actor->nr_errands;
		memcpy(child->errands, actor->errands, sizeof(child->errands));
	}
}

/* A name has one more user. */
static void gain_names(const struct storm_actor *child, struct history_record **gains,
		       unsigned int *nr)
{
	unsigned int i, j;

	*nr = 0;
	for (i = 0; i < child->nr_fds; i++) {
		for (j = 0; j < i && child->fds[j].file != child->fds[i].file; j++)
			;
		if (j < i || !type_of(child->fds[i].object)->by_name)
			continue;
		gains[*nr] = begin(child, 0, &child->fds[i], HISTORY_GAIN);
		if (gains[*nr])
			++*nr;
	}
}

static void do_fork(struct storm_actor *actor, struct storm_rng *rng)
{
	struct history_record *gains[STORM_FDS];
	struct storm_actor *child;
	unsigned int nr, i;
	pid_t pid;

	if (storm_living() >= CROWD)
		return;
	child = storm_form(actor->process, storm_mix(actor->seed, ++actor->born));
	if (!child)
		return;
	inherit(child, actor, rng);
	gain_names(child, gains, &nr);
	pid = storm_clone(child);
	/* In both: the parent may be killed just now. */
	for (i = 0; i < nr; i++) {
		if (!__atomic_load_n(&gains[i]->res, __ATOMIC_ACQUIRE))
			end(gains[i]);
	}
	if (!pid)
		storm_act(child, 1);
	storm_count(COUNT_FORK);
}

static bool survives(const struct storm_actor *actor, __u32 file)
{
	unsigned int i;

	for (i = 0; i < actor->nr_fds; i++) {
		if (actor->fds[i].file == file && !actor->fds[i].cloexec)
			return true;
	}
	return false;
}

static bool is_first(const struct storm_actor *actor, unsigned int i)
{
	unsigned int j;

	for (j = 0; actor->fds[j].file != actor->fds[i].file; j++)
		;
	return i == j;
}

/* Signals stay away until there are handlers again: storm_act_again(). */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void do_exec(struct storm_actor *actor, unsigned int thread)
{
	struct history_record *rec;
	char slot[16];
	unsigned int i;

	block_signals();
	actor->nr_closing = 0;
	actor->replaced = history_now(&storm->history);
	for (i = 0; i < actor->nr_fds; i++) {
		if (!is_first(actor, i) || survives(actor, actor->fds[i].file))
			continue;
		rec = begin(actor, thread, &actor->fds[i], HISTORY_CLOSE);
		if (rec)
			actor->closing[actor->nr_closing++] = rec - storm->history.records;
	}
	snprintf(slot, sizeof(slot), "%zu", actor - storm->actors);
	execl("/proc/self/exe", "storm", "--actor", slot, NULL);
	storm_die("exec");
}

static void do_exit(const struct storm_actor *actor)
{
	storm_count(COUNT_EXIT);
	storm_doom(actor->process);
	_exit(0);
}

void storm_household(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng)
{
	__u32 dice = rnd_below(rng, 100);

	storm_lock(actor);
	if (actor->nr_fds < 3)
		do_open(actor, rng);
	else if (dice < 15)
		do_dup(actor, rng);
	else if (dice < 40)
		do_close(actor, thread, rng);
	else if (dice < 50)
		do_open(actor, rng);
	else if (dice < 65)
		do_send(actor, rng);
	else if (dice < 80)
		do_receive(actor, thread, rng);
	else if (dice < 88)
		do_fork(actor, rng);
	else if (dice < 95)
		do_exec(actor, thread);
	else
		do_exit(actor);
	storm_unlock(actor);
}
