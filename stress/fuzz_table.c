// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fuzzer can do: an operation is an entry here, and joins by it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <linux/muster.h>

#include "fuzz.h"

#define F(_struct, _field, _kind, _param) {				\
	.name = #_field, .offset = offsetof(struct _struct, _field),	\
	.size = sizeof(((struct _struct *)0)->_field),			\
	.kind = _kind, .param = _param }

/* An ioctl, whose struct begins with a size and flags. */
#define IOCTL(_name, _weight, _cmd, _struct, _flags)			\
	.name = _name, .weight = _weight, .cmd = _cmd,			\
	.size = sizeof(struct _struct),					\
	.fields = {							\
		{ .name = "fd", .kind = KIND_FD },			\
		{ .name = "at", .kind = KIND_WHERE },			\
		F(_struct, size, KIND_SIZE, sizeof(struct _struct)),	\
		F(_struct, flags, KIND_FLAGS, _flags)

#define OUT(_struct, _field)	.out = offsetof(struct _struct, _field)
#define TOKEN_IS(_struct, _field) .token = offsetof(struct _struct, _field)

#define WAIT		MUSTER_WAIT_MASK
#define JOIN_FLAGS	(WAIT | MUSTER_JOIN_NO_FOLLOW | MUSTER_JOIN_NO_LEAD |	\
			 MUSTER_JOIN_MIGRATORY | MUSTER_JOIN_NO_RESULT |	\
			 MUSTER_JOIN_FRESH | MUSTER_JOIN_FD)

#define WAIT_ERRORS	EAGAIN, ETIMEDOUT, EINTR, EMFILE, ENFILE, EBADF
#define FILE_ERRORS	EMFILE, ENFILE, EIO

const struct fuzz_op fuzz_ops[] = {
	{
		IOCTL("info", 2, MUSTER_INFO, muster_info, 0) },
		OUT(muster_info, api_version),
	}, {
		.name = "open", .weight = 20, .cmd = MUSTER_OPEN,
		.size = sizeof(struct muster_open), .makes_fd = true,
		OUT(muster_open, created),
		.fields = {
			{ .name = "fd", .kind = KIND_FD },
			{ .name = "at", .kind = KIND_WHERE },
			F(muster_open, size, KIND_SIZE, sizeof(struct muster_open)),
			F(muster_open, type, KIND_COUNT, 4),
			F(muster_open, oflags, KIND_FLAGS,
			  O_CREAT | O_EXCL | O_CLOEXEC | O_NONBLOCK),
			F(muster_open, mode, KIND_FLAGS, 0777),
			F(muster_open, name, KIND_KEY, 0),
			F(muster_open, name_len, KIND_LENGTH, MUSTER_NAME_MAX),
			F(muster_open, options, KIND_FLAGS, 7),
			F(muster_open, limit, KIND_COUNT, 6),
			F(muster_open, initial, KIND_COUNT, 3),
			F(muster_open, created, KIND_OUT, 0),
			F(muster_open, flags, KIND_FLAGS, MUSTER_OPEN_NO_LEASE) },
		.errors = { EACCES, EEXIST, ENOENT, ENAMETOOLONG, ENOSPC, EMFILE, ENFILE },
	}, {
		IOCTL("list", 4, MUSTER_LIST, muster_list, 0),
			F(muster_list, type, KIND_COUNT, 4),
			F(muster_list, after_type, KIND_COUNT, 4),
			F(muster_list, after, KIND_KEY, 0),
			F(muster_list, entries, KIND_BUFFER, 0),
			F(muster_list, after_len, KIND_LENGTH, MUSTER_NAME_MAX),
			F(muster_list, __reserved, KIND_ZERO, 0),
			F(muster_list, nr_entries, KIND_COUNT, 8),
			F(muster_list, more, KIND_OUT, 0) },
		OUT(muster_list, nr_entries),
		.errors = { ENAMETOOLONG },
	}, {
		IOCTL("totals", 2, MUSTER_TOTALS, muster_totals, 0) },
		OUT(muster_totals, objects),
	}, {
		IOCTL("join", 60, MUSTER_FLIGHT_JOIN, muster_flight_join, JOIN_FLAGS),
			F(muster_flight_join, key, KIND_KEY, 0),
			F(muster_flight_join, key_len, KIND_LENGTH, MUSTER_KEY_MAX),
			F(muster_flight_join, __reserved, KIND_ZERO, 0),
			F(muster_flight_join, deadline, KIND_DEADLINE, 0),
			F(muster_flight_join, buf, KIND_BUFFER, 0),
			F(muster_flight_join, buf_len, KIND_ROOM, 4096),
			F(muster_flight_join, token, KIND_OUT, 0),
			F(muster_flight_join, forget_after, KIND_SPAN, 0),
			F(muster_flight_join, fd, KIND_OUT, 0) },
		OUT(muster_flight_join, token), TOKEN_IS(muster_flight_join, token),
		.makes_fd = true,
		.errors = { WAIT_ERRORS, FILE_ERRORS, EBUSY, ENOENT, EDEADLK, EOWNERDEAD,
			    ENOSPC, ENOBUFS },
	}, {
		IOCTL("finish", 40, MUSTER_FLIGHT_FINISH, muster_flight_finish,
		      MUSTER_FINISH_KEEP_FAILURE | MUSTER_FINISH_FD),
			F(muster_flight_finish, key, KIND_KEY, 0),
			F(muster_flight_finish, key_len, KIND_LENGTH, MUSTER_KEY_MAX),
			F(muster_flight_finish, status, KIND_STATUS, 0),
			F(muster_flight_finish, token, KIND_TOKEN, 0),
			F(muster_flight_finish, data, KIND_BUFFER, 0),
			F(muster_flight_finish, data_len, KIND_ROOM, 4096),
			F(muster_flight_finish, followers, KIND_OUT, 0),
			F(muster_flight_finish, keep, KIND_SPAN, 0),
			F(muster_flight_finish, grace, KIND_SPAN, 0),
			F(muster_flight_finish, fd, KIND_FD, 0),
			F(muster_flight_finish, __pad2, KIND_ZERO, 0) },
		OUT(muster_flight_finish, followers),
		.errors = { EPERM, EMSGSIZE, ENOBUFS, EAGAIN, FILE_ERRORS },
	}, {
		IOCTL("abandon", 8, MUSTER_FLIGHT_ABANDON, muster_flight_key, 0),
			F(muster_flight_key, key, KIND_KEY, 0),
			F(muster_flight_key, key_len, KIND_LENGTH, MUSTER_KEY_MAX),
			F(muster_flight_key, __reserved, KIND_ZERO, 0),
			F(muster_flight_key, token, KIND_TOKEN, 0),
			F(muster_flight_key, count, KIND_OUT, 0) },
		OUT(muster_flight_key, count),
		.errors = { EPERM },
	}, {
		IOCTL("forget", 8, MUSTER_FLIGHT_FORGET, muster_flight_key, 0),
			F(muster_flight_key, key, KIND_KEY, 0),
			F(muster_flight_key, key_len, KIND_LENGTH, MUSTER_KEY_MAX),
			F(muster_flight_key, __reserved, KIND_ZERO, 0),
			F(muster_flight_key, token, KIND_TOKEN, 0),
			F(muster_flight_key, count, KIND_OUT, 0) },
		OUT(muster_flight_key, count),
	}, {
		IOCTL("followers", 6, MUSTER_FLIGHT_FOLLOWERS, muster_flight_key, 0),
			F(muster_flight_key, key, KIND_KEY, 0),
			F(muster_flight_key, key_len, KIND_LENGTH, MUSTER_KEY_MAX),
			F(muster_flight_key, __reserved, KIND_ZERO, 0),
			F(muster_flight_key, token, KIND_TOKEN, 0),
			F(muster_flight_key, count, KIND_OUT, 0) },
		OUT(muster_flight_key, count),
		.errors = { EPERM },
	}, {
		IOCTL("fetch", 14, MUSTER_FLIGHT_FETCH, muster_flight_fetch,
		      MUSTER_FETCH_DISCARD | MUSTER_FETCH_FD),
			F(muster_flight_fetch, token, KIND_TOKEN, 0),
			F(muster_flight_fetch, buf, KIND_BUFFER, 0),
			F(muster_flight_fetch, buf_len, KIND_ROOM, 4096),
			F(muster_flight_fetch, result_len, KIND_OUT, 0) },
		OUT(muster_flight_fetch, result_len), .writes_with = EMSGSIZE,
		.errors = { ENOENT, EMSGSIZE, FILE_ERRORS, EINTR },
	}, {
		IOCTL("flight_stat", 4, MUSTER_FLIGHT_STAT, muster_flight_stat, 0),
			F(muster_flight_stat, nr_processes, KIND_COUNT, 8),
			F(muster_flight_stat, key_len, KIND_LENGTH, MUSTER_KEY_MAX),
			F(muster_flight_stat, processes, KIND_BUFFER, 0),
			F(muster_flight_stat, key, KIND_KEY, 0) },
		OUT(muster_flight_stat, options),
	}, {
		IOCTL("await", 40, MUSTER_BARRIER_AWAIT, muster_barrier_await, WAIT),
			F(muster_barrier_await, deadline, KIND_DEADLINE, 0),
			F(muster_barrier_await, generation, KIND_OUT, 0) },
		OUT(muster_barrier_await, generation), .writes_with = EPIPE,
		TOKEN_IS(muster_barrier_await, token), .makes_fd = true,
		.errors = { WAIT_ERRORS, EPIPE, EPERM, EBUSY },
	}, {
		.name = "complete", .weight = 15, .cmd = MUSTER_BARRIER_COMPLETE,
		.size = sizeof(struct muster_barrier_complete),
		.fields = {
			{ .name = "fd", .kind = KIND_FD },
			{ .name = "at", .kind = KIND_WHERE },
			F(muster_barrier_complete, size, KIND_SIZE,
			  sizeof(struct muster_barrier_complete)),
			F(muster_barrier_complete, status, KIND_STATUS, 0),
			F(muster_barrier_complete, token, KIND_TOKEN, 0) },
		.errors = { EPERM, EPIPE },
	}, {
		IOCTL("reset", 10, MUSTER_BARRIER_RESET, muster_barrier_reset, 0) },
	}, {
		IOCTL("set_parties", 6, MUSTER_BARRIER_SET_PARTIES,
		      muster_barrier_set_parties, 0),
			F(muster_barrier_set_parties, parties, KIND_COUNT, 4),
			F(muster_barrier_set_parties, __reserved, KIND_ZERO, 0),
			F(muster_barrier_set_parties, old_parties, KIND_OUT, 0) },
		OUT(muster_barrier_set_parties, old_parties),
	}, {
		IOCTL("enter", 12, MUSTER_BARRIER_ENTER, muster_barrier_member, 0),
			F(muster_barrier_member, seats, KIND_COUNT, 3),
			F(muster_barrier_member, __reserved, KIND_ZERO, 0) },
		.errors = { ERANGE },
	}, {
		IOCTL("leave", 8, MUSTER_BARRIER_LEAVE, muster_barrier_member, 0),
			F(muster_barrier_member, seats, KIND_COUNT, 2),
			F(muster_barrier_member, __reserved, KIND_ZERO, 0) },
		.errors = { EPERM, EBUSY },
	}, {
		IOCTL("barrier_stat", 4, MUSTER_BARRIER_STAT, muster_barrier_stat, 0),
			F(muster_barrier_stat, options, KIND_OUT, 0),
			F(muster_barrier_stat, nr_processes, KIND_COUNT, 8),
			F(muster_barrier_stat, __reserved, KIND_ZERO, 0),
			F(muster_barrier_stat, processes, KIND_BUFFER, 0) },
		OUT(muster_barrier_stat, options),
	}, {
		IOCTL("acquire", 60, MUSTER_SEM_ACQUIRE, muster_sem_acquire,
		      WAIT | MUSTER_SEM_WAIT_LIMIT),
			F(muster_sem_acquire, permits, KIND_COUNT, 4),
			F(muster_sem_acquire, deadline, KIND_DEADLINE, 0),
			F(muster_sem_acquire, token, KIND_OUT, 0) },
		OUT(muster_sem_acquire, token), .makes_fd = true,
		.errors = { WAIT_ERRORS, ERANGE },
	}, {
		IOCTL("release", 40, MUSTER_SEM_RELEASE, muster_sem_release,
		      MUSTER_RELEASE_MASK),
			F(muster_sem_release, permits, KIND_COUNT, 3) },
		.errors = { EPERM, EOVERFLOW },
	}, {
		IOCTL("set_limit", 8, MUSTER_SEM_SET_LIMIT, muster_sem_set_limit, 0),
			F(muster_sem_set_limit, limit, KIND_COUNT, 6),
			F(muster_sem_set_limit, old_limit, KIND_OUT, 0) },
		OUT(muster_sem_set_limit, old_limit),
	}, {
		IOCTL("sem_stat", 4, MUSTER_SEM_STAT, muster_sem_stat, 0),
			F(muster_sem_stat, options, KIND_OUT, 0),
			F(muster_sem_stat, nr_processes, KIND_COUNT, 8),
			F(muster_sem_stat, processes, KIND_BUFFER, 0),
			F(muster_sem_stat, idle, KIND_OUT, 0),
			F(muster_sem_stat, lease, KIND_OUT, 0) },
		OUT(muster_sem_stat, options),
	}, {
		IOCTL("add", 25, MUSTER_GROUP_ADD, muster_group_add, WAIT),
			F(muster_group_add, slots, KIND_COUNT, 3),
			F(muster_group_add, __reserved, KIND_ZERO, 0),
			F(muster_group_add, deadline, KIND_DEADLINE, 0),
			F(muster_group_add, first, KIND_OUT, 0) },
		OUT(muster_group_add, first), TOKEN_IS(muster_group_add, first),
		.makes_fd = true,
		.errors = { WAIT_ERRORS, ERANGE, ECANCELED, ENOSPC },
	}, {
		IOCTL("claim", 10, MUSTER_GROUP_CLAIM, muster_group_claim, 0),
			F(muster_group_claim, slot, KIND_TOKEN, 0) },
		.errors = { ENOENT, EALREADY },
	}, {
		IOCTL("done", 25, MUSTER_GROUP_DONE, muster_group_done, 0),
			F(muster_group_done, slot, KIND_TOKEN, 0),
			F(muster_group_done, data, KIND_BUFFER, 0),
			F(muster_group_done, data_len, KIND_ROOM, 4096),
			F(muster_group_done, status, KIND_STATUS, 0),
			F(muster_group_done, __reserved, KIND_ZERO, 0) },
		.errors = { EPERM, EMSGSIZE, ENOBUFS },
	}, {
		IOCTL("wait", 20, MUSTER_GROUP_WAIT, muster_group_wait, WAIT),
			F(muster_group_wait, until, KIND_COUNT, 3),
			F(muster_group_wait, successes, KIND_COUNT, 2),
			F(muster_group_wait, deadline, KIND_DEADLINE, 0),
			F(muster_group_wait, met, KIND_OUT, 0) },
		OUT(muster_group_wait, met), .makes_fd = true,
		.errors = { WAIT_ERRORS },
	}, {
		IOCTL("result", 10, MUSTER_GROUP_RESULT, muster_group_result, 0),
			F(muster_group_result, slot, KIND_TOKEN, 0),
			F(muster_group_result, buf, KIND_BUFFER, 0),
			F(muster_group_result, buf_len, KIND_ROOM, 4096),
			F(muster_group_result, result_len, KIND_OUT, 0) },
		OUT(muster_group_result, slot),
		.errors = { ENOENT },
	}, {
		IOCTL("cancel", 4, MUSTER_GROUP_CANCEL, muster_group_cancel, 0) },
	}, {
		IOCTL("reset_group", 8, MUSTER_GROUP_RESET, muster_group_cancel, 0) },
		.errors = { EBUSY },
	}, {
		IOCTL("group_stat", 4, MUSTER_GROUP_STAT, muster_group_stat, 0),
			F(muster_group_stat, options, KIND_OUT, 0),
			F(muster_group_stat, nr_processes, KIND_COUNT, 8),
			F(muster_group_stat, __reserved, KIND_ZERO, 0),
			F(muster_group_stat, processes, KIND_BUFFER, 0) },
		OUT(muster_group_stat, options),
	},
#define CALL(_name, _weight, _run) .name = _name, .weight = _weight, .run = _run
#define V(_name, _kind, _param) { .name = _name, .kind = _kind, .param = _param }
	{
		CALL("ioctl", 4, fuzz_do_ioctl),
		.fields = { V("fd", KIND_FD, 0), V("cmd", KIND_FLAGS, 0xffff),
			    V("at", KIND_BUFFER, 0) },
	}, {
		CALL("device", 5, fuzz_do_device), .makes_fd = true,
	}, {
		CALL("close", 40, fuzz_do_close),
		.fields = { V("fd", KIND_FD, 0) },
	}, {
		CALL("dup", 15, fuzz_do_dup), .makes_fd = true,
		.fields = { V("fd", KIND_FD, 0) },
	}, {
		CALL("dup2", 6, fuzz_do_dup2),
		.fields = { V("fd", KIND_FD, 0), V("to", KIND_FD, 0) },
	}, {
		CALL("pass", 8, fuzz_do_pass), .makes_fd = true,
		.fields = { V("fd", KIND_FD, 0), V("close", KIND_COUNT, 1) },
	}, {
		CALL("memfd", 8, fuzz_do_memfd), .makes_fd = true,
		.fields = { V("size", KIND_ROOM, 8192), V("seals", KIND_FLAGS, 0x1f) },
	}, {
		CALL("nonblock", 4, fuzz_do_nonblock),
		.fields = { V("fd", KIND_FD, 0), V("on", KIND_COUNT, 1) },
	}, {
		CALL("fork", 4, fuzz_do_fork),
		.fields = { V("files", KIND_COUNT, 1) },
	}, {
		CALL("exit", 4, fuzz_do_exit),
	}, {
		CALL("exec", 1, fuzz_do_exec),
	}, {
		CALL("unshare", 2, fuzz_do_unshare),
	}, {
		CALL("kill", 1, fuzz_do_kill),
	}, {
		CALL("poll", 15, fuzz_do_poll),
		.fields = { V("fd", KIND_FD, 0), V("and", KIND_FD, 0),
			    V("events", KIND_FLAGS, 0xff), V("ms", KIND_COUNT, 3) },
	}, {
		CALL("epoll", 8, fuzz_do_epoll),
		.fields = { V("fd", KIND_FD, 0), V("events", KIND_FLAGS, 0xc000201f),
			    V("ms", KIND_COUNT, 3), V("close", KIND_COUNT, 1) },
	}, {
		CALL("read", 25, fuzz_do_read),
		.fields = { V("fd", KIND_FD, 0), V("buf", KIND_BUFFER, 0),
			    V("len", KIND_ROOM, 4096) },
	}, {
		CALL("write", 2, fuzz_do_write),
		.fields = { V("fd", KIND_FD, 0), V("buf", KIND_BUFFER, 0),
			    V("len", KIND_ROOM, 4096) },
	}, {
		CALL("mmap", 3, fuzz_do_mmap),
		.fields = { V("fd", KIND_FD, 0), V("len", KIND_ROOM, 65536),
			    V("prot", KIND_FLAGS, 7), V("flags", KIND_FLAGS, 3),
			    V("offset", KIND_SPAN, 0) },
	}, {
		CALL("lease", 14, fuzz_do_lease),
		.fields = { V("fd", KIND_FD, 0), V("flags", KIND_FLAGS, 3),
			    V("page", KIND_COUNT, FUZZ_LEASES), V("word", KIND_SPAN, 0) },
	}, {
		CALL("remap", 4, fuzz_do_remap),
		.fields = { V("page", KIND_COUNT, FUZZ_LEASES), V("old", KIND_COUNT, 1),
			    V("new", KIND_COUNT, 3), V("flags", KIND_FLAGS, 7) },
	}, {
		CALL("protect", 4, fuzz_do_protect),
		.fields = { V("page", KIND_COUNT, FUZZ_LEASES), V("prot", KIND_FLAGS, 7) },
	}, {
		CALL("unmap", 3, fuzz_do_unmap),
		.fields = { V("page", KIND_COUNT, FUZZ_LEASES) },
	}, {
		CALL("fdinfo", 2, fuzz_do_fdinfo),
		.fields = { V("fd", KIND_FD, 0) },
	},
};

const unsigned int fuzz_nr_ops = ARRAY_SIZE(fuzz_ops);

bool fuzz_error_is_known(const struct fuzz_op *op, int err)
{
	static const int common[] = { EFAULT, EINVAL, E2BIG, ENOTTY, ENOMEM, EBADF };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(common); i++) {
		if (common[i] == err)
			return true;
	}
	for (i = 0; i < ARRAY_SIZE(op->errors); i++) {
		if (op->errors[i] == err)
			return true;
	}
	return false;
}
