// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The flight: what the kernel does, call by call. flight_do.c puts it together.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* The kernel's lengths are 32 bits wide: one that is cut might look good. */
static int check_key(size_t key_len)
{
	return key_len > MUSTER_KEY_MAX ? -EINVAL : 0;
}

/* Fills @join in, but for flags and times of its own; 0, or a ticket. */
static int flight_join(int fd, const void *key, size_t key_len, uint64_t deadline,
		       void *buf, size_t buf_len, struct muster_flight_join *join)
{
	int err = check_key(key_len);

	if (err)
		return err;
	join->size = sizeof(*join);
	join->key = to_u64(key);
	join->key_len = key_len;
	join->deadline = deadline;
	join->buf = to_u64(buf);
	join->buf_len = buf_len;
	return muster_ioctl(fd, MUSTER_FLIGHT_JOIN, join);
}

int muster_flight_join_until(int fd, const void *key, size_t key_len, uint32_t flags,
			     uint64_t deadline, uint64_t forget_after, void *buf,
			     size_t buf_len, struct muster_flight_join *join)
{
	int err = muster_no_ticket(flags);

	memset(join, 0, sizeof(*join));
	join->flags = flags;
	join->forget_after = forget_after;
	if (!err)
		err = flight_join(fd, key, key_len, deadline, buf, buf_len, join);
	if (err || !(join->outcome & MUSTER_OUTCOME_FD))
		join->fd = -1;
	return err ? err : (int)join->role;
}

int muster_flight_join(int fd, const void *key, size_t key_len, uint32_t flags,
		       uint64_t deadline, void *buf, size_t buf_len,
		       struct muster_flight_join *join)
{
	return muster_flight_join_until(fd, key, key_len, flags, deadline, 0, buf, buf_len,
					join);
}

int muster_flight_join_async(int fd, const void *key, size_t key_len, uint32_t flags,
			     uint64_t deadline)
{
	struct muster_flight_join join = { .flags = flags | MUSTER_WAIT_TICKET };

	return flight_join(fd, key, key_len, deadline, NULL, 0, &join);
}

/* The rest is there already. */
static int flight_finish(int fd, const void *key, size_t key_len,
			 struct muster_flight_finish *finish)
{
	int err = check_key(key_len);

	if (err)
		return err;
	finish->size = sizeof(*finish);
	finish->key = to_u64(key);
	finish->key_len = key_len;
	err = muster_ioctl(fd, MUSTER_FLIGHT_FINISH, finish);
	return err ? err : (int)finish->followers;
}

int muster_flight_finish_keep(int fd, const void *key, size_t key_len, uint64_t token,
			      int status, const void *data, size_t len, uint64_t keep,
			      uint64_t grace, uint32_t flags)
{
	struct muster_flight_finish finish = {
		.status = status,
		.token = token,
		.data = to_u64(data),
		.data_len = len,
		.flags = flags,
		.keep = keep,
		.grace = grace,
	};

	/* Here the result is bytes. */
	if (flags & MUSTER_FINISH_FD)
		return -EINVAL;
	return flight_finish(fd, key, key_len, &finish);
}

int muster_flight_finish_fd(int fd, const void *key, size_t key_len, uint64_t token,
			    int status, int file, uint64_t keep, uint64_t grace,
			    uint32_t flags)
{
	struct muster_flight_finish finish = {
		.status = status,
		.token = token,
		.fd = file,
		.flags = flags | MUSTER_FINISH_FD,
		.keep = keep,
		.grace = grace,
	};

	return flight_finish(fd, key, key_len, &finish);
}

int muster_flight_finish(int fd, const void *key, size_t key_len, uint64_t token,
			 int status, const void *data, size_t len)
{
	return muster_flight_finish_keep(fd, key, key_len, token, status, data, len, 0, 0,
					 0);
}

/* ABANDON, FORGET, FOLLOWERS: the count, or an error. */
static int flight_key_ioctl(int fd, unsigned long cmd, const void *key,
			    size_t key_len, uint64_t token)
{
	struct muster_flight_key args = {
		.size = sizeof(args),
		.key = to_u64(key),
		.key_len = key_len,
		.token = token,
	};
	int err = check_key(key_len);

	if (!err)
		err = muster_ioctl(fd, cmd, &args);
	return err ? err : (int)args.count;
}

int muster_flight_abandon(int fd, const void *key, size_t key_len, uint64_t token)
{
	return flight_key_ioctl(fd, MUSTER_FLIGHT_ABANDON, key, key_len, token);
}

int muster_flight_forget(int fd, const void *key, size_t key_len, uint64_t token)
{
	return flight_key_ioctl(fd, MUSTER_FLIGHT_FORGET, key, key_len, token);
}

int muster_flight_followers(int fd, const void *key, size_t key_len, uint64_t token)
{
	return flight_key_ioctl(fd, MUSTER_FLIGHT_FOLLOWERS, key, key_len, token);
}

int muster_flight_fetch(int fd, uint64_t token, void *buf, size_t buf_len,
			size_t *result_len)
{
	struct muster_flight_fetch fetch = {
		.size = sizeof(fetch),
		.token = token,
		.buf = to_u64(buf),
		.buf_len = buf_len,
	};
	int err = muster_ioctl(fd, MUSTER_FLIGHT_FETCH, &fetch);

	if ((!err || err == -EMSGSIZE) && result_len)
		*result_len = fetch.result_len;
	return err;
}

int muster_flight_fetch_fd(int fd, uint64_t token)
{
	struct muster_flight_fetch fetch = {
		.size = sizeof(fetch),
		.flags = MUSTER_FETCH_FD,
		.token = token,
	};
	int err = muster_ioctl(fd, MUSTER_FLIGHT_FETCH, &fetch);

	return err ? err : fetch.fd;
}

int muster_flight_discard(int fd, uint64_t token)
{
	struct muster_flight_fetch fetch = {
		.size = sizeof(fetch),
		.flags = MUSTER_FETCH_DISCARD,
		.token = token,
	};

	return muster_ioctl(fd, MUSTER_FLIGHT_FETCH, &fetch);
}

int muster_flight_stat(int fd, struct muster_flight_stat *stat)
{
	memset(stat, 0, sizeof(*stat));
	stat->size = sizeof(*stat);
	return muster_ioctl(fd, MUSTER_FLIGHT_STAT, stat);
}

int muster_flight_processes(int fd, const void *key, size_t key_len,
			    struct muster_process *processes, uint32_t nr)
{
	struct muster_flight_stat stat = {
		.size = sizeof(stat),
		.key = to_u64(key),
		.key_len = key_len,
		.processes = to_u64(processes),
		.nr_processes = nr,
	};
	int err = check_key(key_len);

	if (!err)
		err = muster_ioctl(fd, MUSTER_FLIGHT_STAT, &stat);
	return err ? err : muster_listed(stat.nr_processes, nr);
}
