// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leaves the kernel: every byte of every answer is accounted for. An answer is a
 * struct that an ioctl writes, what it writes elsewhere (a result, a list of processes),
 * what read(2) says of a ticket, and fdinfo.
 *
 * Each entry of answers[] prepares one call and says what the answer is, byte by byte. It
 * is made twice, with the caller's memory full of one pattern and of another, and with
 * the kernel's stack full of a third; so what was left as it was, and what came from
 * somewhere else, would be seen. A new ioctl is a function and a line in the table:
 * without that the last test fails.
 */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "muster_util.h"
#include "lease.h"

#define KEY	"key"
#define RESULT	"result"
/* Behind every struct and buffer. */
#define GUARD	64
#define BUFFER	384
/* Left over in the kernel's stack; nothing that anybody would write. */
#define LEFTOVER 0x77

/* More than any time in ns from boot, far less than any kernel address. */
#define TIME_MAX_NS	(1ULL << 60)
#define COUNT_MAX	(1ULL << 32)

/* All structs, to have room for any. */
union args {
	struct muster_info info;
	struct muster_open open;
	struct muster_list list;
	struct muster_totals totals;
	struct muster_sem_acquire acquire;
	struct muster_sem_release release;
	struct muster_sem_set_limit set_limit;
	struct muster_sem_stat sem_stat;
	struct muster_barrier_await await;
	struct muster_barrier_complete complete;
	struct muster_barrier_reset reset;
	struct muster_barrier_stat barrier_stat;
	struct muster_barrier_set_parties set_parties;
	struct muster_barrier_member member;
	struct muster_flight_join join;
	struct muster_flight_finish finish;
	struct muster_flight_key key;
	struct muster_flight_fetch fetch;
	struct muster_flight_stat flight_stat;
	struct muster_group_add add;
	struct muster_group_claim claim;
	struct muster_group_done done;
	struct muster_group_wait wait;
	struct muster_group_result result;
	struct muster_group_cancel cancel;
	struct muster_group_stat group_stat;
	struct muster_verdict verdict;
};

/* Somewhere in the answer: a number that is not known, but not more than @max. */
struct some_number {
	const void *at;
	__u64 max;
};

/**
 * struct answer - a call, and what it answers
 * @fd:		of the ioctl
 * @cmd:	its number; 0 for read(2) of a ticket
 * @ret:	what it returns; or any descriptor, if @fd_expected
 * @size:	of its struct
 * @first_out:	offset from which on it is written, to @size
 * @kept:	offset of what is input all the same, behind that; 0 if nothing is
 * @kept_size:	how much
 * @replaced:	by a result
 * @args:	what is put in
 * @expect:	what comes out, from @first_out on
 * @buffer:	what comes out in the buffer that the call was given
 * @buffer_size: so much of it; the rest is left alone
 * @some:	numbers that are not known, of @expect or @buffer
 */
struct answer {
	int fd;
	unsigned int cmd;
	int ret;
	bool fd_expected;
	size_t size;
	size_t first_out;
	size_t kept;
	size_t kept_size;
	bool replaced;
	union args args;
	union args expect;
	unsigned char buffer[BUFFER];
	size_t buffer_size;
	struct some_number some[18];
};

/* What the calls write to: a buffer that the structs point to, and a list. */
static unsigned char buffer[BUFFER + GUARD] __attribute__((aligned(8)));

/* ---- how an answer is written down ---- */

#define CALL(_fd, _cmd, _struct) do {					\
	a->fd = (_fd);							\
	a->cmd = (_cmd);						\
	a->size = sizeof(struct _struct);				\
	a->first_out = a->size;						\
} while (0)

#define OUT(_struct, _field)						\
	(a->first_out = offsetof(struct _struct, _field))

#define KEPT(_struct, _field) do {					\
	a->kept = offsetof(struct _struct, _field);			\
	a->kept_size = sizeof(((struct _struct *)0)->_field);		\
} while (0)

/* From one field up to another: both input and result. */
#define REPLACED(_struct, _from, _to) do {				\
	a->kept = offsetof(struct _struct, _from);			\
	a->kept_size = offsetofend(struct _struct, _to) - a->kept;	\
	a->replaced = true;						\
} while (0)

#define offsetofend(type, field)					\
	(offsetof(type, field) + sizeof(((type *)0)->field))

static void some_number(struct answer *a, const void *at, __u64 max)
{
	struct some_number *some = a->some;

	while (some->at)
		some++;
	*some = (struct some_number){ at, max };
}

static void expect_buffer(struct answer *a, const void *bytes, size_t size)
{
	memcpy(a->buffer, bytes, size);
	a->buffer_size = size;
}

/* The list of processes has one entry, or one more. */
static void expect_process(struct answer *a, pid_t pid, __u32 role, __u64 amount)
{
	struct muster_process process = { .pid = pid, .role = role, .amount = amount };
	unsigned char *at = a->buffer + a->buffer_size;

	memcpy(at, &process, sizeof(process));
	a->buffer_size += sizeof(process);
	some_number(a, at + offsetof(struct muster_process, since), TIME_MAX_NS);
}

/* A job of muster_util.h as the call. */
#define CALL_JOB(_job, _member, _struct) do {				\
	struct job _j = _job;						\
	CALL(_j.fd, _j.cmd, _struct);					\
	a->args._member = _j._member;					\
} while (0)

static int must(int ret)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "# a call that prepares another failed: %d\n", ret);
	abort();
}

/* ---- the device ---- */

static void answer_info(struct answer *a)
{
	CALL(device_fd, MUSTER_INFO, muster_info);
	OUT(muster_info, api_version);
	a->expect.info = (struct muster_info){
		.api_version = MUSTER_API_VERSION,
		.features = 0x1e,
		.result_max = get_param("result_max"),
		.bytes_max = get_param("bytes_max"),
		.objects_max = get_param("objects_max"),
		.calls_max = get_param("calls_max"),
		.handovers_default = get_param("handovers"),
		.leases_max = get_param("leases_max"),
	};
}

static void answer_open(struct answer *a)
{
	CALL(device_fd, MUSTER_OPEN, muster_open);
	OUT(muster_open, created);
	KEPT(muster_open, flags);
	a->fd_expected = true;
	a->args.open = open_how(MUSTER_SEM, NULL, O_CLOEXEC, 1);
	a->expect.open.created = 1;
}

static void answer_open_fails(struct answer *a)
{
	answer_open(a);
	a->fd_expected = false;
	a->args.open.limit = 0;
	a->ret = -EINVAL;
}

/* The last of all names that there can be but a few. */
static void answer_list(struct answer *a)
{
	struct muster_entry entry = {
		.type = MUSTER_FLIGHT,
		.mode = 0600,
		.uid = geteuid(),
		.gid = getegid(),
		.files = 1,
		.limit = 5,
		.name_len = 3,
		.name = "\xff\xff\xff",
	};

	must(open_named(MUSTER_FLIGHT, "\xff\xff\xff", O_CREAT, 5));
	CALL(device_fd, MUSTER_LIST, muster_list);
	OUT(muster_list, nr_entries);
	a->args.list.type = MUSTER_FLIGHT;
	a->args.list.after_type = MUSTER_FLIGHT;
	a->args.list.after = to_u64("\xff\xff");
	a->args.list.after_len = 2;
	a->args.list.entries = to_u64(buffer);
	a->args.list.nr_entries = 1;
	REPLACED(muster_list, nr_entries, nr_entries);
	a->expect.list.nr_entries = 1;
	expect_buffer(a, &entry, sizeof(entry));
}

/* Others may be counted meanwhile: each is some number. */
static void answer_totals(struct answer *a)
{
	size_t at;

	CALL(device_fd, MUSTER_TOTALS, muster_totals);
	OUT(muster_totals, objects);
	a->expect.totals.all = !geteuid();
	for (at = offsetof(struct muster_totals, objects);
	     at < offsetof(struct muster_totals, all); at += sizeof(__u64))
		some_number(a, (char *)&a->expect.totals + at, COUNT_MAX);
}

static void answer_list_fails(struct answer *a)
{
	answer_list(a);
	a->args.list.type = 77;
	a->buffer_size = 0;
	a->ret = -EINVAL;
}

/* ---- semaphore ---- */

static void answer_acquire(struct answer *a)
{
	CALL_JOB(acquire(open_sem(3), 2), acquire, muster_sem_acquire);
	OUT(muster_sem_acquire, token);
	a->expect.acquire.token = 1;
}

static void answer_acquire_abandoned(struct answer *a)
{
	int fd = open_sem(3), other = must(dup(fd));
	struct puppet *holder = puppet();

	must(ask(holder, acquire(fd, 1)));
	kill_puppet(holder);
	close(other);
	CALL_JOB(acquire(fd, 1), acquire, muster_sem_acquire);
	OUT(muster_sem_acquire, token);
	a->expect.acquire.token = 2;
	a->expect.acquire.outcome = MUSTER_OUTCOME_ABANDONED;
}

static void answer_acquire_fails(struct answer *a)
{
	int fd = open_sem(1);

	must(ask(me, acquire(fd, 1)));
	CALL_JOB(try_acquire(fd, 1), acquire, muster_sem_acquire);
	OUT(muster_sem_acquire, token);
	a->ret = -EAGAIN;
}

static void answer_acquire_late(struct answer *a)
{
	int fd = open_sem(1);

	must(ask(me, acquire(fd, 1)));
	CALL_JOB(acquire_by(fd, 1, 0, in_ms(1)), acquire, muster_sem_acquire);
	OUT(muster_sem_acquire, token);
	a->ret = -ETIMEDOUT;
}

static void answer_release(struct answer *a)
{
	CALL_JOB(release(open_sem(1), 0), release, muster_sem_release);
}

static void answer_set_limit(struct answer *a)
{
	CALL_JOB(set_limit(open_sem(4), 3), set_limit, muster_sem_set_limit);
	OUT(muster_sem_set_limit, old_limit);
	a->expect.set_limit.old_limit = 4;
}

static void answer_sem_stat(struct answer *a)
{
	int fd = open_sem(5);

	must(ask(me, acquire(fd, 3)));
	CALL(fd, MUSTER_SEM_STAT, muster_sem_stat);
	OUT(muster_sem_stat, options);
	REPLACED(muster_sem_stat, nr_processes, processes);
	a->args.sem_stat.nr_processes = 2;
	a->args.sem_stat.processes = to_u64(buffer);
	a->expect.sem_stat = (struct muster_sem_stat){
		.limit = 5,
		.held = 3,
		.available = 2,
		.nr_processes = 1,
		.processes = to_u64(buffer),
	};
	expect_process(a, getpid(), MUSTER_PROCESS_HOLDER, 3);
}

/* A semaphore of 5 of which the caller has 3 on loan, and holds so many of these. */
static int sem_with_lessee(__u32 held)
{
	int fd = open_sem(5);

	if (lease)
		munmap(lease, getpagesize());
	lease = lease_map(fd);
	must(lease ? 0 : -errno);
	must(ask(me, borrow(fd, 3)));
	must(!held || lease_take(held) ? 0 : -EAGAIN);
	return fd;
}

/* L5: what is on loan and idle is available, and is listed. */
static void answer_sem_stat_lessee(struct answer *a)
{
	CALL(sem_with_lessee(0), MUSTER_SEM_STAT, muster_sem_stat);
	OUT(muster_sem_stat, options);
	REPLACED(muster_sem_stat, nr_processes, processes);
	a->args.sem_stat.nr_processes = 2;
	a->args.sem_stat.processes = to_u64(buffer);
	a->expect.sem_stat = (struct muster_sem_stat){
		.limit = 5,
		.available = 5,
		.nr_processes = 1,
		.processes = to_u64(buffer),
		.idle = 3,
		.lease = lease->id,
	};
	expect_process(a, getpid(), MUSTER_PROCESS_LESSEE, 3);
}

/* L5: who holds some of it is listed twice. */
static void answer_sem_stat_lent(struct answer *a)
{
	answer_sem_stat_lessee(a);
	a->fd = sem_with_lessee(1);
	a->buffer_size = 0;
	memset(a->some, 0, sizeof(a->some));
	a->expect.sem_stat.held = 1;
	a->expect.sem_stat.available = 4;
	a->expect.sem_stat.nr_processes = 2;
	a->expect.sem_stat.idle = 2;
	a->expect.sem_stat.lease = lease->id;
	expect_process(a, getpid(), MUSTER_PROCESS_HOLDER, 1);
	expect_process(a, getpid(), MUSTER_PROCESS_LESSEE, 2);
}

/* ---- barrier ---- */

static void answer_await(struct answer *a)
{
	CALL_JOB(await(open_barrier(1, 0)), await, muster_barrier_await);
	OUT(muster_barrier_await, generation);
	a->expect.await.token = 1;
}

static void answer_await_action(struct answer *a)
{
	CALL_JOB(await(open_barrier(1, MUSTER_BARRIER_ACTION)), await, muster_barrier_await);
	OUT(muster_barrier_await, generation);
	a->expect.await.token = 1;
	a->expect.await.outcome = MUSTER_OUTCOME_ACTION;
}

static void answer_await_broken(struct answer *a)
{
	int fd = open_barrier(1, MUSTER_BARRIER_ACTION);

	must(ask(me, await(fd)));
	must(ask(me, complete(fd, me->job.await.token, 7)));
	CALL_JOB(await(fd), await, muster_barrier_await);
	OUT(muster_barrier_await, generation);
	a->ret = -EPIPE;
	a->expect.await.status = 7;
	a->expect.await.broken_by = MUSTER_BROKEN_ACTION;
	a->expect.await.arrived = 1;
	a->expect.await.parties = 1;
}

static void answer_await_late(struct answer *a)
{
	CALL_JOB(await_by(open_barrier(2, 0), 0, 1), await, muster_barrier_await);
	OUT(muster_barrier_await, generation);
	a->ret = -ETIMEDOUT;
}

static void answer_complete(struct answer *a)
{
	int fd = open_barrier(1, MUSTER_BARRIER_ACTION);

	must(ask(me, await(fd)));
	CALL_JOB(complete(fd, me->job.await.token, 0), complete, muster_barrier_complete);
}

static void answer_reset(struct answer *a)
{
	CALL_JOB(reset(open_barrier(2, 0)), reset, muster_barrier_reset);
}

static void answer_set_parties(struct answer *a)
{
	CALL_JOB(set_parties(open_barrier(2, 0), 3), set_parties, muster_barrier_set_parties);
	OUT(muster_barrier_set_parties, old_parties);
	a->expect.set_parties.old_parties = 2;
}

static int open_members(void)
{
	struct muster_open how = open_how(MUSTER_BARRIER, NULL, O_CLOEXEC, 0);

	how.options = MUSTER_BARRIER_MEMBERS;
	return must(open_object(&how));
}

static void answer_enter(struct answer *a)
{
	CALL_JOB(enter(open_members(), 2), member, muster_barrier_member);
}

static void answer_leave(struct answer *a)
{
	int fd = open_members();

	must(ask(me, enter(fd, 2)));
	CALL_JOB(leave(fd, 1), member, muster_barrier_member);
}

static void answer_barrier_stat(struct answer *a)
{
	int fd = open_members();

	must(ask(me, enter(fd, 2)));
	CALL(fd, MUSTER_BARRIER_STAT, muster_barrier_stat);
	OUT(muster_barrier_stat, options);
	REPLACED(muster_barrier_stat, nr_processes, processes);
	a->args.barrier_stat.nr_processes = 2;
	a->args.barrier_stat.processes = to_u64(buffer);
	a->expect.barrier_stat = (struct muster_barrier_stat){
		.options = MUSTER_BARRIER_MEMBERS,
		.parties = 2,
		.nr_processes = 1,
		.processes = to_u64(buffer),
		.seats = 2,
	};
	expect_process(a, getpid(), MUSTER_PROCESS_MISSING, 2);
}

/* ---- flight ---- */

static void answer_join_leader(struct answer *a)
{
	CALL_JOB(join(open_flight(0), KEY), join, muster_flight_join);
	OUT(muster_flight_join, token);
	KEPT(muster_flight_join, forget_after);
	a->args.join.buf = to_u64(buffer);
	a->expect.join.token = 1;
	a->expect.join.role = MUSTER_ROLE_LEADER;
	a->expect.join.attempt = 1;
	a->expect.join.fd = -1;
}

/* A flight group in which there is a result for the key. */
static int flight_with_result(void)
{
	int fd = open_flight(0);
	struct job job;

	must(ask(me, join(fd, KEY)));
	job = finish(fd, KEY, me->job.join.token, 9, RESULT);
	job.finish.flags = MUSTER_FINISH_KEEP_FAILURE;
	job.finish.keep = MUSTER_FOREVER;
	must(ask(me, job));
	return fd;
}

static void answer_join_follower(struct answer *a)
{
	answer_join_leader(a);
	a->fd = flight_with_result();
	a->expect.join = (struct muster_flight_join){
		.token = 1,
		.result_len = strlen(RESULT),
		.role = MUSTER_ROLE_FOLLOWER,
		.outcome = MUSTER_OUTCOME_SHARED | MUSTER_OUTCOME_KEPT,
		.status = 9,
		.attempt = 1,
		.fd = -1,
	};
	some_number(a, &a->expect.join.age, TIME_MAX_NS);
	expect_buffer(a, RESULT, strlen(RESULT));
}

/* A flight group whose result is a file. */
static int flight_with_file(void)
{
	int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int fd = open_flight(0), file;
	struct job job;

	file = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	must(write(file, RESULT, strlen(RESULT)) == (ssize_t)strlen(RESULT) ? 0 : -EIO);
	must(fcntl(file, F_ADD_SEALS, seals));
	must(ask(me, join(fd, KEY)));
	job = finish(fd, KEY, me->job.join.token, 0, NULL);
	job.finish.flags = MUSTER_FINISH_FD;
	job.finish.fd = file;
	job.finish.keep = MUSTER_FOREVER;
	must(ask(me, job));
	return fd;
}

static void answer_join_file(struct answer *a)
{
	answer_join_follower(a);
	a->fd = flight_with_file();
	a->args.join.flags = MUSTER_JOIN_FD;
	a->expect.join.status = 0;
	a->expect.join.outcome |= MUSTER_OUTCOME_FD;
	/* With the padding behind it. */
	some_number(a, &a->expect.join.fd, 1000);
	a->buffer_size = 0;
}

static void answer_join_file_bytes(struct answer *a)
{
	answer_join_follower(a);
	a->fd = flight_with_file();
	a->expect.join.status = 0;
}

static void answer_join_truncated(struct answer *a)
{
	answer_join_follower(a);
	a->args.join.buf_len = 2;
	a->expect.join.outcome |= MUSTER_OUTCOME_TRUNCATED;
	a->buffer_size = 2;
}

static void answer_join_fails(struct answer *a)
{
	answer_join_leader(a);
	a->args.join.flags = MUSTER_JOIN_NO_LEAD;
	a->ret = -ENOENT;
}

static void answer_join_deadlock(struct answer *a)
{
	answer_join_leader(a);
	must(ask(me, join(a->fd, KEY)));
	a->ret = -EDEADLK;
}

static void answer_finish(struct answer *a)
{
	int fd = open_flight(0);

	must(ask(me, join(fd, KEY)));
	CALL_JOB(finish(fd, KEY, me->job.join.token, 0, RESULT), finish, muster_flight_finish);
	OUT(muster_flight_finish, followers);
	KEPT(muster_flight_finish, keep);
	a->kept_size = sizeof(a->args.finish) - a->kept;
}

static void answer_finish_fails(struct answer *a)
{
	answer_finish(a);
	a->args.finish.token++;
	a->ret = -EPERM;
}

static void answer_abandon(struct answer *a)
{
	int fd = open_flight(0);

	must(ask(me, join(fd, KEY)));
	CALL_JOB(abandon(fd, KEY, me->job.join.token), key, muster_flight_key);
	OUT(muster_flight_key, count);
}

static void answer_forget(struct answer *a)
{
	CALL_JOB(forget(flight_with_result(), KEY, 0), key, muster_flight_key);
	OUT(muster_flight_key, count);
	a->expect.key.count = 1;
}

static void answer_followers(struct answer *a)
{
	answer_abandon(a);
	a->cmd = MUSTER_FLIGHT_FOLLOWERS;
}

static int flight_to_fetch_from(int fd)
{
	struct job job = join(fd, KEY);

	job.join.buf_len = 0;
	must(ask(me, job));
	return fd;
}

static void answer_fetch_from(struct answer *a, int fd)
{
	CALL_JOB(fetch(flight_to_fetch_from(fd), 1, buffer, BUFFER), fetch,
		 muster_flight_fetch);
	OUT(muster_flight_fetch, result_len);
	a->expect.fetch.result_len = strlen(RESULT);
	a->expect.fetch.fd = -1;
	expect_buffer(a, RESULT, strlen(RESULT));
}

static void answer_fetch(struct answer *a)
{
	answer_fetch_from(a, flight_with_result());
}

static void answer_fetch_file(struct answer *a)
{
	answer_fetch_from(a, flight_with_file());
	a->args.fetch.flags = MUSTER_FETCH_FD;
	/* With the padding behind it. */
	some_number(a, &a->expect.fetch.fd, 1000);
	a->buffer_size = 0;
}

static void answer_fetch_without_room(struct answer *a)
{
	answer_fetch(a);
	a->args.fetch.buf_len = 1;
	a->buffer_size = 0;
	a->ret = -EMSGSIZE;
}

static void answer_fetch_fails(struct answer *a)
{
	answer_fetch(a);
	a->args.fetch.token = 2;
	a->buffer_size = 0;
	a->ret = -ENOENT;
}

static void answer_flight_stat(struct answer *a)
{
	int fd = flight_with_result();

	must(ask(me, join(fd, "another key")));
	CALL(fd, MUSTER_FLIGHT_STAT, muster_flight_stat);
	OUT(muster_flight_stat, options);
	REPLACED(muster_flight_stat, nr_processes, key);
	a->args.flight_stat.nr_processes = 2;
	a->args.flight_stat.processes = to_u64(buffer);
	a->args.flight_stat.key = to_u64("another key");
	a->args.flight_stat.key_len = 11;
	a->expect.flight_stat = (struct muster_flight_stat){
		.handovers = get_param("handovers"),
		.calls = 1,
		.led = 2,
		.kept = 1,
		.nr_processes = 1,
		.key_len = 11,
		.processes = to_u64(buffer),
		.key = to_u64("another key"),
	};
	expect_process(a, getpid(), MUSTER_PROCESS_HOLDER, 0);
}

/* ---- group ---- */

static void answer_add(struct answer *a)
{
	CALL_JOB(add(open_group(0), 2), add, muster_group_add);
	OUT(muster_group_add, first);
	a->expect.add.first = 1;
}

static void answer_add_fails(struct answer *a)
{
	answer_add(a);
	a->fd = open_group(1);
	a->ret = -ERANGE;
}

/* A group with two tasks, the first of which is done. */
static int group_with_tasks(void)
{
	int fd = open_group(0);

	must(ask(me, add(fd, 2)));
	must(ask(me, done(fd, 1, 9, RESULT)));
	return fd;
}

static void answer_claim(struct answer *a)
{
	CALL_JOB(claim(group_with_tasks(), 2), claim, muster_group_claim);
}

static void answer_done(struct answer *a)
{
	CALL_JOB(done(group_with_tasks(), 2, 0, RESULT), done, muster_group_done);
}

static void answer_wait(struct answer *a)
{
	CALL_JOB(wait_for(group_with_tasks(), MUSTER_UNTIL_FAILURE, 0), wait,
		 muster_group_wait);
	OUT(muster_group_wait, met);
	a->expect.wait = (struct muster_group_wait){
		.met = 1,
		.status = 9,
		.slot = 1,
		.pending = 1,
		.failed = 1,
	};
}

static void answer_wait_fails(struct answer *a)
{
	answer_wait(a);
	a->args.wait.until = MUSTER_UNTIL_ALL;
	a->args.wait.flags = MUSTER_WAIT_NONBLOCK;
	a->ret = -EAGAIN;
}

static void answer_result(struct answer *a)
{
	CALL_JOB(result_of(group_with_tasks(), 0), result, muster_group_result);
	OUT(muster_group_result, slot);
	REPLACED(muster_group_result, slot, buf_len);
	a->args.result.buf = to_u64(buffer);
	a->args.result.buf_len = BUFFER;
	a->expect.result = (struct muster_group_result){
		.slot = 1,
		.buf = to_u64(buffer),
		.buf_len = BUFFER,
		.result_len = strlen(RESULT),
		.state = MUSTER_TASK_DONE,
		.status = 9,
		.pid = getpid(),
		.order = 1,
	};
	expect_buffer(a, RESULT, strlen(RESULT));
}

static void answer_result_fails(struct answer *a)
{
	answer_result(a);
	a->args.result.slot = 3;
	a->buffer_size = 0;
	a->ret = -ENOENT;
}

static void answer_cancel(struct answer *a)
{
	CALL_JOB(cancel(group_with_tasks()), cancel, muster_group_cancel);
}

static void answer_reset_group(struct answer *a)
{
	CALL_JOB(reset_group(open_group(0)), cancel, muster_group_cancel);
}

static void answer_group_stat(struct answer *a)
{
	CALL(group_with_tasks(), MUSTER_GROUP_STAT, muster_group_stat);
	OUT(muster_group_stat, options);
	REPLACED(muster_group_stat, nr_processes, processes);
	a->args.group_stat.nr_processes = 2;
	a->args.group_stat.processes = to_u64(buffer);
	a->expect.group_stat = (struct muster_group_stat){
		.pending = 1,
		.failed = 1,
		.cancelled = 1,
		.status = 9,
		.slot = 1,
		.nr_processes = 1,
		.processes = to_u64(buffer),
	};
	expect_process(a, getpid(), MUSTER_PROCESS_HOLDER, 1);
}

/* ---- tickets ---- */

static int ticket(struct job job)
{
	/* At the same place in the struct of every ioctl that waits. */
	job.acquire.flags |= MUSTER_WAIT_TICKET;
	return must(ask(me, job));
}

static void read_ticket(struct answer *a, int fd, struct muster_verdict verdict)
{
	a->fd = fd;
	verdict.size = sizeof(verdict);
	a->ret = sizeof(verdict) + a->buffer_size;
	/* The bytes of a result are behind it: all of that is the buffer. */
	memmove(a->buffer + sizeof(verdict), a->buffer, a->buffer_size);
	memcpy(a->buffer, &verdict, sizeof(verdict));
	a->buffer_size += sizeof(verdict);
}

static void answer_sem_ticket(struct answer *a)
{
	read_ticket(a, ticket(acquire(open_sem(1), 1)), (struct muster_verdict){ .token = 1 });
}

static void answer_sem_ticket_fails(struct answer *a)
{
	int fd = open_sem(1), waits;

	must(ask(me, acquire(fd, 1)));
	waits = ticket(acquire(fd, 1));
	must(ask(me, set_limit(fd, 0)));
	read_ticket(a, waits, (struct muster_verdict){ .error = -ERANGE });
}

static void answer_unsettled_ticket(struct answer *a)
{
	int fd = open_sem(1);

	must(ask(me, acquire(fd, 1)));
	a->fd = ticket(acquire(fd, 1));
	must(fcntl(a->fd, F_SETFL, O_NONBLOCK));
	a->ret = -EAGAIN;
}

static void answer_barrier_ticket(struct answer *a)
{
	int fd = open_barrier(2, 0), waits = ticket(await(fd));

	must(ask(me, await(fd)));
	read_ticket(a, waits, (struct muster_verdict){ .token = 1, .index = 1 });
}

static void answer_barrier_ticket_broken(struct answer *a)
{
	int fd = open_barrier(3, 0), waits = ticket(await(fd));

	must(ask(me, reset(fd)));
	read_ticket(a, waits, (struct muster_verdict){
		.error = -EPIPE,
		.broken_by = MUSTER_BROKEN_RESET,
		.arrived = 1,
		.parties = 3,
	});
}

static void answer_leader_ticket(struct answer *a)
{
	read_ticket(a, ticket(join(open_flight(0), KEY)), (struct muster_verdict){
		.token = 1,
		.role = MUSTER_ROLE_LEADER,
		.attempt = 1,
	});
}

static void answer_follower_ticket(struct answer *a)
{
	int fd = open_flight(0), waits;
	__u64 token;

	must(ask(me, join(fd, KEY)));
	token = me->job.join.token;
	waits = ticket(join(fd, KEY));
	must(ask(me, finish(fd, KEY, token, 9, RESULT)));
	expect_buffer(a, RESULT, strlen(RESULT));
	read_ticket(a, waits, (struct muster_verdict){
		.token = 1,
		.result_len = strlen(RESULT),
		.role = MUSTER_ROLE_FOLLOWER,
		.outcome = MUSTER_OUTCOME_SHARED,
		.status = 9,
		.attempt = 1,
		.shared = 1,
	});
}

static void answer_add_ticket(struct answer *a)
{
	read_ticket(a, ticket(add(open_group(0), 2)), (struct muster_verdict){ .token = 1 });
}

static void answer_wait_ticket(struct answer *a)
{
	read_ticket(a, ticket(wait_for(group_with_tasks(), MUSTER_UNTIL_FAILURE, 0)),
		    (struct muster_verdict){
			.token = 1,
			.outcome = MUSTER_OUTCOME_MET,
			.status = 9,
		    });
}

/* ---- all of them ---- */

static const struct {
	const char *name;
	void (*prepare)(struct answer *a);
} answers[] = {
#define ANSWER(name)	{ #name, answer_##name }
	ANSWER(info),
	ANSWER(open), ANSWER(open_fails), ANSWER(list), ANSWER(list_fails),
	ANSWER(totals),
	ANSWER(acquire), ANSWER(acquire_abandoned), ANSWER(acquire_fails),
	ANSWER(acquire_late), ANSWER(release), ANSWER(set_limit), ANSWER(sem_stat),
	ANSWER(sem_stat_lessee), ANSWER(sem_stat_lent),
	ANSWER(await), ANSWER(await_action), ANSWER(await_broken), ANSWER(await_late),
	ANSWER(complete), ANSWER(reset), ANSWER(set_parties), ANSWER(enter), ANSWER(leave),
	ANSWER(barrier_stat),
	ANSWER(join_leader), ANSWER(join_follower), ANSWER(join_truncated),
	ANSWER(join_file), ANSWER(join_file_bytes),
	ANSWER(join_fails), ANSWER(join_deadlock), ANSWER(finish), ANSWER(finish_fails),
	ANSWER(abandon), ANSWER(forget), ANSWER(fetch), ANSWER(fetch_without_room),
	ANSWER(fetch_file), ANSWER(followers),
	ANSWER(fetch_fails), ANSWER(flight_stat),
	ANSWER(add), ANSWER(add_fails), ANSWER(claim), ANSWER(done), ANSWER(wait),
	ANSWER(wait_fails), ANSWER(result), ANSWER(result_fails), ANSWER(cancel),
	ANSWER(reset_group), ANSWER(group_stat),
	ANSWER(sem_ticket), ANSWER(sem_ticket_fails), ANSWER(unsettled_ticket),
	ANSWER(barrier_ticket), ANSWER(barrier_ticket_broken), ANSWER(leader_ticket),
	ANSWER(follower_ticket), ANSWER(add_ticket), ANSWER(wait_ticket),
#undef ANSWER
};

/* ---- the calls ---- */

/* These put what they get into the kernel's stack, some hundred bytes at various depths. */
static void litter_stack(void)
{
	struct pollfd polls[30];
	unsigned char bytes[256];
	struct iovec iov = { bytes, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = bytes,
			      .msg_controllen = 32, .msg_name = bytes, .msg_namelen = 128 };
	struct timeval now = { };
	fd_set sets[3];

	memset(bytes, LEFTOVER, sizeof(bytes));
	memset(polls, LEFTOVER, sizeof(polls));
	memset(sets, LEFTOVER, sizeof(sets));
	poll(polls, 30, 0);
	select(320, &sets[0], &sets[1], &sets[2], &now);
	sendmsg(device_fd, &msg, 0);
	bind(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), (void *)bytes, 100);
}

/* Where one answer was put. */
struct answered {
	unsigned char args[sizeof(union args) + GUARD] __attribute__((aligned(8)));
	unsigned char buffer[sizeof(buffer)];
	int ret;
};

/* A descriptor more at each time: it is closed, and so are those of the preparation. */
static void close_since(int fd)
{
	for (; fd < 1000; fd++)
		close(fd);
}

/* Does it, with the caller's memory full of @fill. */
static void make_call(const struct answer *a, unsigned char fill, struct answered *to)
{
	memset(to->args, fill, sizeof(to->args));
	memset(buffer, fill, sizeof(buffer));
	memcpy(to->args, &a->args, a->first_out);
	memcpy(to->args + a->kept, (const char *)&a->args + a->kept, a->kept_size);
	litter_stack();
	if (a->cmd) {
		*(__u32 *)to->args = a->size;
		to->ret = call(a->fd, a->cmd, to->args);
	} else {
		to->ret = read(a->fd, buffer, BUFFER);
		if (to->ret < 0)
			to->ret = -errno;
	}
	memcpy(to->buffer, buffer, sizeof(buffer));
}

static const struct some_number *is_some_number(const struct answer *a, const void *at)
{
	const struct some_number *some;

	for (some = a->some; at && some->at; some++) {
		if (at >= some->at && at < some->at + sizeof(__u64))
			return some;
	}
	return NULL;
}

/* Is that byte what it should be? @at is where that is written down, if it is. */
static bool byte_is(const struct answer *a, const unsigned char *at, unsigned char expected,
		    const unsigned char *found)
{
	const struct some_number *some = is_some_number(a, at);
	__u64 number;

	if (!some)
		return *found == expected;
	memcpy(&number, found - ((const void *)at - some->at), sizeof(number));
	return number <= some->max;
}

/* May a call that fails with it write results all the same? */
static bool is_answered(const struct answer *a)
{
	return a->ret >= 0 || a->ret == -EPIPE || a->ret == -EMSGSIZE;
}

/* The offset of the first byte that is wrong in the struct; -1 if none is. */
static int wrong_in_args(const struct answer *a, unsigned char fill,
			 const struct answered *is)
{
	const unsigned char *in = (const void *)&a->args, *out = (const void *)&a->expect;
	bool is_input, is_result;
	unsigned char expected;
	size_t i;

	for (i = sizeof(__u32); i < sizeof(is->args); i++) {
		expected = fill;
		is_input = i < a->first_out ||
			   (i >= a->kept && i < a->kept + a->kept_size);
		is_result = i >= a->first_out && i < a->size && is_answered(a) &&
			    (!is_input || a->replaced);
		if (is_result)
			expected = out[i];
		else if (is_input)
			expected = in[i];
		if (!byte_is(a, is_result ? out + i : NULL, expected, is->args + i))
			return i;
	}
	return -1;
}

static int wrong_in_buffer(const struct answer *a, unsigned char fill,
			   const struct answered *is)
{
	unsigned char expected;
	bool is_result;
	size_t i;

	for (i = 0; i < sizeof(is->buffer); i++) {
		is_result = i < a->buffer_size;
		expected = is_result ? a->buffer[i] : fill;
		if (!byte_is(a, is_result ? a->buffer + i : NULL, expected, is->buffer + i))
			return i;
	}
	return -1;
}

FIXTURE(output) {
};

FIXTURE_SETUP(output)
{
}

FIXTURE_TEARDOWN(output)
{
}

/* Every byte of every answer. */
TEST_F_TIMEOUT(output, every_byte, 120)
{
	static const unsigned char fills[] = { 0x35, 0xca };
	struct answered answered;
	struct answer a;
	unsigned int i, j;
	int first;

	first = dup(device_fd);
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		for (j = 0; j < ARRAY_SIZE(fills); j++) {
			memset(&a, 0, sizeof(a));
			answers[i].prepare(&a);
			make_call(&a, fills[j], &answered);
			if (a.fd_expected && answered.ret > 0)
				a.ret = answered.ret;
			EXPECT_EQ(a.ret, answered.ret) {
				TH_LOG("%s", answers[i].name);
			}
			EXPECT_EQ(-1, wrong_in_args(&a, fills[j], &answered)) {
				TH_LOG("%s, the offset in its struct", answers[i].name);
			}
			EXPECT_EQ(-1, wrong_in_buffer(&a, fills[j], &answered)) {
				TH_LOG("%s, the offset in its buffer", answers[i].name);
			}
			close_since(first);
		}
	}
}

/* A call whose struct is not good leaves all of it alone. */
TEST_F(output, refused)
{
	struct answered answered;
	struct answer a;
	unsigned int i;
	int first = dup(device_fd);

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		memset(&a, 0, sizeof(a));
		answers[i].prepare(&a);
		if (!a.cmd)
			continue;
		a.size = 4;
		a.ret = -EINVAL;
		make_call(&a, 0x35, &answered);
		EXPECT_EQ(-EINVAL, answered.ret);
		a.buffer_size = 0;
		EXPECT_EQ(-1, wrong_in_args(&a, 0x35, &answered)) {
			TH_LOG("%s", answers[i].name);
		}
		EXPECT_EQ(-1, wrong_in_buffer(&a, 0x35, &answered)) {
			TH_LOG("%s", answers[i].name);
		}
		close_since(first);
	}
}

/* A number of 13 or more hexadecimal digits, or 0x: nothing that fdinfo would say. */
static bool has_address(const char *text)
{
	size_t n;

	if (strstr(text, "0x") || strstr(text, "(ptr") || strstr(text, "ffff"))
		return true;
	for (; *text; text += n ? n : 1) {
		n = strspn(text, "0123456789abcdef");
		if (n >= 13)
			return true;
	}
	return false;
}

/* I5: fdinfo of every object and ticket is lines of text, and has no address in it. */
TEST_F_TIMEOUT(output, fdinfo, 120)
{
	char path[64], text[1024];
	struct answer a;
	unsigned int i;
	int fd, first, len, k;

	first = dup(device_fd);
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		memset(&a, 0, sizeof(a));
		answers[i].prepare(&a);
		litter_stack();
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", a.fd);
		fd = open(path, O_RDONLY);
		ASSERT_LE(0, fd);
		len = read(fd, text, sizeof(text) - 1);
		close(fd);
		ASSERT_LT(0, len);
		text[len] = 0;
		EXPECT_FALSE(has_address(text)) {
			TH_LOG("%s: %s", answers[i].name, text);
		}
		for (k = 0; k < len; k++)
			EXPECT_TRUE(isprint(text[k]) || strchr("\n\t", text[k]));
		if (a.fd != device_fd)
			EXPECT_NE(NULL, strstr(text, "\nmuster-type:\t"));
		close_since(first);
	}
}

/* Is it in the table? */
static bool is_in_table(unsigned int cmd)
{
	struct answer a;
	unsigned int i;
	int first = dup(device_fd);
	bool found = false;

	for (i = 0; i < ARRAY_SIZE(answers) && !found; i++) {
		memset(&a, 0, sizeof(a));
		answers[i].prepare(&a);
		found = a.cmd == cmd;
		close_since(first);
	}
	return found;
}

/* Every ioctl that the module knows is in the table, with a ticket of each type. */
TEST_F_TIMEOUT(output, table_is_complete, 120)
{
	int fds[] = { device_fd, open_flight(0), open_barrier(2, 0), open_sem(1), open_group(0) };
	unsigned int nr, i;
	bool known;

	for (nr = 0; nr < 256; nr++) {
		for (known = false, i = 0; i < ARRAY_SIZE(fds); i++)
			known |= call(fds[i], _IO(MUSTER_IOC_MAGIC, nr), NULL) != -ENOTTY;
		if (known)
			EXPECT_TRUE(is_in_table(_IO(MUSTER_IOC_MAGIC, nr))) {
				TH_LOG("ioctl 0x%02x is not in answers[]", nr);
			}
	}
	/* And there is no other type of object than those asked here. */
	{
		struct muster_info info = { .size = sizeof(info) };

		ASSERT_EQ(0, call(device_fd, MUSTER_INFO, &info));
		EXPECT_EQ(0x1e, info.features);
	}
}

TEST_HARNESS_MAIN
