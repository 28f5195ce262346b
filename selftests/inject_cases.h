/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that inject.c makes with faults. A part of it.
 */
#ifndef INJECT_CASES_H
#define INJECT_CASES_H

static char buffer[LARGE];
static char large[LARGE];
static struct muster_process processes[16];

/* What the set-up asks for must be given. */
static void must(int ret)
{
	if (ret < 0) {
		fprintf(stderr, "# set-up: %s\n", strerror(-ret));
		abort();
	}
}

/* ---- the device and what is opened by it ---- */

static int run_open_device(struct job *job)
{
	int fd = open(MUSTER_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static struct job call_open_device(struct scene *s)
{
	return (struct job){ .run = run_open_device };
}

FAULT_CASE(open_device, .call = call_open_device, .allocates = true, .returns_fd = true);

static struct job info_of(int fd)
{
	struct job job = { .fd = fd, .cmd = MUSTER_INFO };

	job.info = (struct muster_info){ .size = sizeof(job.info) };
	return job;
}

static struct job call_info(struct scene *s)
{
	return info_of(s->fd < 0 ? device_fd : s->fd);
}

FAULT_CASE(info_device, .cmd = MUSTER_INFO, .call = call_info);
FAULT_CASE(info_object, .cmd = MUSTER_INFO, .type = MUSTER_SEM, .limit = 1,
	   .call = call_info);

static struct job opening(struct muster_open how)
{
	struct job job = { .fd = device_fd, .cmd = MUSTER_OPEN };

	job.open = how;
	return job;
}

static struct job call_open(__u32 type, const char *name)
{
	return opening(open_how(type, name, O_CREAT | O_CLOEXEC, 3));
}

/* The same each time, so that all that there is to be seen is, too. */
static const char *a_name(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "kselftest-inject-%d", getpid());
	return name;
}

#define OPEN_CASES(_type, _id)							\
	static struct job call_open_##_type(struct scene *s)			\
	{									\
		return call_open(_id, NULL);					\
	}									\
	static struct job call_open_named_##_type(struct scene *s)		\
	{									\
		return call_open(_id, a_name());				\
	}									\
	FAULT_CASE(open_##_type, .cmd = MUSTER_OPEN, .allocates = true,		\
		   .returns_fd = true, .call = call_open_##_type);		\
	FAULT_CASE(open_named_##_type, .cmd = MUSTER_OPEN, .allocates = true,	\
		   .returns_fd = true, .call = call_open_named_##_type)

OPEN_CASES(flight, MUSTER_FLIGHT);
OPEN_CASES(barrier, MUSTER_BARRIER);
OPEN_CASES(sem, MUSTER_SEM);
OPEN_CASES(group, MUSTER_GROUP);

static void set_up_existing(struct scene *s)
{
	s->fd = open_named(MUSTER_SEM, a_name(), O_CREAT | O_EXCL, 3);
	must(s->fd);
}

static struct job call_open_existing(struct scene *s)
{
	return opening(open_how(MUSTER_SEM, a_name(), 0, 3));
}

FAULT_CASE(open_existing, .cmd = MUSTER_OPEN, .set_up = set_up_existing,
	   .call = call_open_existing, .allocates = true, .returns_fd = true);

static struct job call_list(struct scene *s)
{
	static struct muster_entry entries[2];
	struct job job = { .fd = device_fd, .cmd = MUSTER_LIST };

	job.list = (struct muster_list){
		.size = sizeof(job.list),
		.entries = to_u64(entries),
		.nr_entries = 2,
	};
	return job;
}

FAULT_CASE(list, .cmd = MUSTER_LIST, .set_up = set_up_existing, .call = call_list,
	   .allocates = true);

static struct job call_totals(struct scene *s)
{
	struct job job = { .fd = device_fd, .cmd = MUSTER_TOTALS };

	job.totals = (struct muster_totals){ .size = sizeof(job.totals) };
	return job;
}

FAULT_CASE(totals, .cmd = MUSTER_TOTALS, .set_up = set_up_existing, .call = call_totals);

/* ---- what is no ioctl ---- */

static int run_poll(struct job *job)
{
	struct pollfd fds[32];
	int i, ret;

	/* So many that the kernel's stack has no room for them. */
	for (i = 0; i < 32; i++)
		fds[i] = (struct pollfd){ .fd = job->fd, .events = POLLIN };
	ret = poll(fds, 32, 0);
	return ret < 0 ? -errno : ret;
}

static struct job call_poll(struct scene *s)
{
	return (struct job){ .run = run_poll, .fd = s->fd };
}

FAULT_CASE(poll, .type = MUSTER_SEM, .limit = 1, .call = call_poll);

static int run_mmap(struct job *job)
{
	void *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, job->fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	return munmap(page, getpagesize()) ? -errno : 0;
}

static struct job call_mmap(struct scene *s)
{
	return (struct job){ .run = run_mmap, .fd = s->fd };
}

FAULT_CASE(lease, .type = MUSTER_SEM, .limit = 1, .call = call_mmap, .allocates = true);

static void set_up_epoll(struct scene *s)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(s->epoll);
}

static int run_epoll(struct job *job)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(job->arg[0], EPOLL_CTL_ADD, job->fd, &event) ? -errno : 0;
}

static struct job call_epoll(struct scene *s)
{
	return (struct job){ .run = run_epoll, .fd = s->ticket < 0 ? s->fd : s->ticket,
			     .arg = { s->epoll } };
}

FAULT_CASE(epoll, .type = MUSTER_SEM, .limit = 1, .set_up = set_up_epoll,
	   .call = call_epoll, .allocates = true);

static int run_fdinfo(struct job *job)
{
	char path[64], text[512];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", job->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read(fd, text, sizeof(text));
	ret = ret < 0 ? -errno : ret;
	close(fd);
	return ret;
}

static struct job call_fdinfo(struct scene *s)
{
	return (struct job){ .run = run_fdinfo, .fd = s->fd };
}

FAULT_CASE(fdinfo, .type = MUSTER_SEM, .limit = 1, .call = call_fdinfo,
	   .allocates = true);

/* ---- tickets ---- */

static void set_up_ticket(struct scene *s)
{
	must(ask(me, acquire(s->fd, 1)));
	s->ticket = ask(me, as_ticket(acquire(s->fd, 1)));
	must(s->ticket);
}

static void set_up_epoll_ticket(struct scene *s)
{
	set_up_ticket(s);
	set_up_epoll(s);
}

FAULT_CASE(epoll_ticket, .type = MUSTER_SEM, .limit = 1, .set_up = set_up_epoll_ticket,
	   .call = call_epoll, .allocates = true);

/* A settled one, with a result. */
static void set_up_settled(struct scene *s)
{
	must(ask(me, join(s->fd, KEY)));
	s->token = me->job.join.token;
	s->ticket = ask(me, as_ticket(join_by(s->fd, KEY, MUSTER_JOIN_MIGRATORY,
					      MUSTER_FOREVER)));
	must(s->ticket);
	must(ask(me, finish(s->fd, KEY, s->token, 0, DATA)));
}

static int run_read(struct job *job)
{
	int ret = read(job->fd, buffer, sizeof(buffer));

	return ret < 0 ? -errno : ret;
}

static struct job call_read(struct scene *s)
{
	return (struct job){ .run = run_read, .fd = s->ticket };
}

FAULT_CASE(ticket_read, .type = MUSTER_FLIGHT, .set_up = set_up_settled,
	   .call = call_read, .allocates = true);

/* ---- semaphore ---- */

static struct job call_acquire(struct scene *s)
{
	return acquire(s->fd, 2);
}

FAULT_CASE(sem_acquire, .cmd = MUSTER_SEM_ACQUIRE, .type = MUSTER_SEM, .limit = 3,
	   .call = call_acquire, .allocates = true);

static bool sem_has_waiter(const struct scene *s)
{
	return sem_state(s->fd).waiters;
}

static void set_up_held(struct scene *s)
{
	must(ask(me, acquire(s->fd, 2)));
}

static void set_up_released(struct scene *s)
{
	set_up_held(s);
	s->cue = sem_has_waiter;
	s->then = release(s->fd, 2);
}

/* What was released for it is there for others. */
static bool sem_is_free(const struct scene *s)
{
	return !sem_state(s->fd).held;
}

FAULT_CASE(sem_acquire_waits, .cmd = MUSTER_SEM_ACQUIRE, .type = MUSTER_SEM, .limit = 3,
	   .set_up = set_up_released, .call = call_acquire, .withdrawn = sem_is_free);

static struct job call_acquire_ticket(struct scene *s)
{
	return as_ticket(acquire(s->fd, 2));
}

FAULT_CASE(sem_ticket, .cmd = MUSTER_SEM_ACQUIRE, .type = MUSTER_SEM, .limit = 3,
	   .call = call_acquire_ticket, .allocates = true, .returns_fd = true);
FAULT_CASE(sem_ticket_waits, .cmd = MUSTER_SEM_ACQUIRE, .type = MUSTER_SEM, .limit = 3,
	   .set_up = set_up_held, .call = call_acquire_ticket, .allocates = true,
	   .returns_fd = true);

static struct job call_release(struct scene *s)
{
	return release(s->fd, 1);
}

FAULT_CASE(sem_release, .cmd = MUSTER_SEM_RELEASE, .type = MUSTER_SEM, .limit = 3,
	   .set_up = set_up_held, .call = call_release);

static struct job call_set_limit(struct scene *s)
{
	return set_limit(s->fd, 2);
}

FAULT_CASE(sem_set_limit, .cmd = MUSTER_SEM_SET_LIMIT, .type = MUSTER_SEM, .limit = 3,
	   .set_up = set_up_held, .call = call_set_limit);

static struct job call_sem_stat(struct scene *s)
{
	struct job job = { .fd = s->fd, .cmd = MUSTER_SEM_STAT };

	job.sem_stat = (struct muster_sem_stat){
		.size = sizeof(job.sem_stat),
		.nr_processes = 16,
		.processes = to_u64(processes),
	};
	return job;
}

FAULT_CASE(sem_stat, .cmd = MUSTER_SEM_STAT, .type = MUSTER_SEM, .limit = 3,
	   .set_up = set_up_held, .call = call_sem_stat, .allocates = true);

/* ---- barrier ---- */

static struct job call_await(struct scene *s)
{
	return await(s->fd);
}

FAULT_CASE(barrier_await, .cmd = MUSTER_BARRIER_AWAIT, .type = MUSTER_BARRIER, .limit = 1,
	   .call = call_await, .allocates = true, .commits = true);

static bool barrier_has_waiter(const struct scene *s)
{
	return barrier_state(s->fd).waiting;
}

static void set_up_other_party(struct scene *s)
{
	s->cue = barrier_has_waiter;
	s->then = await(s->fd);
}

FAULT_CASE(barrier_await_waits, .cmd = MUSTER_BARRIER_AWAIT, .type = MUSTER_BARRIER,
	   .limit = 2, .set_up = set_up_other_party, .call = call_await,
	   .allocates = true, .commits = true);

/* Its runner never learned of the action, and is as good as dead (B2). */
static bool barrier_broke(const struct scene *s)
{
	return barrier_state(s->fd).broken_by == MUSTER_BROKEN_DEATH;
}

FAULT_CASE(barrier_action, .cmd = MUSTER_BARRIER_AWAIT, .type = MUSTER_BARRIER,
	   .limit = 1, .options = MUSTER_BARRIER_ACTION, .call = call_await,
	   .allocates = true, .withdrawn = barrier_broke);

static struct job call_await_ticket(struct scene *s)
{
	return as_ticket(await(s->fd));
}

FAULT_CASE(barrier_ticket, .cmd = MUSTER_BARRIER_AWAIT, .type = MUSTER_BARRIER,
	   .limit = 2, .call = call_await_ticket, .allocates = true, .returns_fd = true);

static void set_up_action(struct scene *s)
{
	must(ask(me, await(s->fd)));
	s->token = me->job.await.token;
}

static struct job call_complete(struct scene *s)
{
	return complete(s->fd, s->token, 0);
}

FAULT_CASE(barrier_complete, .cmd = MUSTER_BARRIER_COMPLETE, .type = MUSTER_BARRIER,
	   .limit = 1, .options = MUSTER_BARRIER_ACTION, .set_up = set_up_action,
	   .call = call_complete);

static struct job call_reset(struct scene *s)
{
	return reset(s->fd);
}

FAULT_CASE(barrier_reset, .cmd = MUSTER_BARRIER_RESET, .type = MUSTER_BARRIER,
	   .limit = 2, .call = call_reset);

static struct job call_barrier_stat(struct scene *s)
{
	struct job job = { .fd = s->fd, .cmd = MUSTER_BARRIER_STAT };

	job.barrier_stat = (struct muster_barrier_stat){
		.size = sizeof(job.barrier_stat),
		.nr_processes = 16,
		.processes = to_u64(processes),
	};
	return job;
}

FAULT_CASE(barrier_stat, .cmd = MUSTER_BARRIER_STAT, .type = MUSTER_BARRIER, .limit = 1,
	   .options = MUSTER_BARRIER_ACTION, .set_up = set_up_action,
	   .call = call_barrier_stat, .allocates = true);

static struct job call_set_parties(struct scene *s)
{
	return set_parties(s->fd, 3);
}

FAULT_CASE(barrier_set_parties, .cmd = MUSTER_BARRIER_SET_PARTIES,
	   .type = MUSTER_BARRIER, .limit = 2, .call = call_set_parties);

static struct job call_enter(struct scene *s)
{
	return enter(s->fd, 2);
}

FAULT_CASE(barrier_enter, .cmd = MUSTER_BARRIER_ENTER, .type = MUSTER_BARRIER,
	   .options = MUSTER_BARRIER_MEMBERS, .call = call_enter, .allocates = true);

static void set_up_member(struct scene *s)
{
	must(ask(me, enter(s->fd, 2)));
}

static struct job call_leave(struct scene *s)
{
	return leave(s->fd, 1);
}

FAULT_CASE(barrier_leave, .cmd = MUSTER_BARRIER_LEAVE, .type = MUSTER_BARRIER,
	   .options = MUSTER_BARRIER_MEMBERS, .set_up = set_up_member,
	   .call = call_leave);

/* ---- flight ---- */

static struct job call_join_with(struct scene *s, __u32 flags, size_t room)
{
	struct job job = join_by(s->fd, KEY, MUSTER_JOIN_MIGRATORY | flags, MUSTER_FOREVER);

	job.join.buf = to_u64(buffer);
	job.join.buf_len = room;
	return job;
}

static struct job call_join(struct scene *s)
{
	return call_join_with(s, 0, sizeof(buffer));
}

FAULT_CASE(flight_join_leads, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .call = call_join, .allocates = true);

static bool flight_has_follower(const struct scene *s)
{
	return flight_state(s->fd).followers;
}

/* That it was served is counted before it is known whether the answer arrives. */
static bool flight_served(const struct scene *s)
{
	return flight_state(s->fd).served == 1;
}

static void set_up_led(struct scene *s)
{
	must(ask(me, join(s->fd, KEY)));
	s->token = me->job.join.token;
}

static void set_up_finished(struct scene *s)
{
	set_up_led(s);
	s->cue = flight_has_follower;
	s->then = finish(s->fd, KEY, s->token, 0, DATA);
}

FAULT_CASE(flight_join_follows, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_finished, .call = call_join, .allocates = true,
	   .commits = true);

static struct job call_join_small(struct scene *s)
{
	return call_join_with(s, 0, 3);
}

FAULT_CASE(flight_join_truncated, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_finished, .call = call_join_small, .allocates = true,
	   .commits = true);

static void set_up_abandoned(struct scene *s)
{
	set_up_led(s);
	s->cue = flight_has_follower;
	s->then = abandon(s->fd, KEY, s->token);
}

/* It was handed over, and is led by nobody. */
static bool flight_is_over(const struct scene *s)
{
	struct muster_flight_stat stat = flight_state(s->fd);

	return !stat.calls && stat.handed_over == 1 && stat.orphaned == 1;
}

FAULT_CASE(flight_join_inherits, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_abandoned, .call = call_join, .withdrawn = flight_is_over);

static struct job call_join_ticket(struct scene *s)
{
	return as_ticket(call_join_with(s, 0, 0));
}

FAULT_CASE(flight_ticket_leads, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .call = call_join_ticket, .allocates = true, .returns_fd = true);
FAULT_CASE(flight_ticket_follows, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_join_ticket, .allocates = true,
	   .returns_fd = true);

static struct job finish_kept(struct scene *s, __u64 keep, __u64 grace)
{
	struct job job = finish(s->fd, KEY, s->token, 0, DATA);

	job.finish.keep = keep;
	job.finish.grace = grace;
	return job;
}

static void set_up_kept(struct scene *s)
{
	set_up_led(s);
	must(ask(me, finish_kept(s, MUSTER_FOREVER, 0)));
}

FAULT_CASE(flight_join_kept, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_kept, .call = call_join, .allocates = true, .commits = true);
FAULT_CASE(flight_ticket_kept, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_kept, .call = call_join_ticket, .allocates = true,
	   .returns_fd = true);

/* By the next call it is past its time. */
static void set_up_stale(struct scene *s)
{
	set_up_led(s);
	must(ask(me, finish_kept(s, 1, MUSTER_FOREVER)));
}

FAULT_CASE(flight_join_refreshes, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_stale, .call = call_join, .allocates = true);
FAULT_CASE(flight_ticket_refreshes, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_stale, .call = call_join_ticket, .allocates = true,
	   .returns_fd = true);

static struct job call_finish(struct scene *s)
{
	return finish(s->fd, KEY, s->token, 0, DATA);
}

FAULT_CASE(flight_finish, .cmd = MUSTER_FLIGHT_FINISH, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_finish, .allocates = true,
	   .commits = true);

/* More than the slab allocator has in one piece. */
static struct job call_finish_large(struct scene *s)
{
	struct job job = finish(s->fd, KEY, s->token, 0, NULL);

	job.finish.data = to_u64(large);
	job.finish.data_len = sizeof(large);
	return job;
}

FAULT_CASE(flight_finish_large, .cmd = MUSTER_FLIGHT_FINISH, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_finish_large, .allocates = true,
	   .commits = true);

static struct job call_finish_keeps(struct scene *s)
{
	return finish_kept(s, MUSTER_FOREVER, 0);
}

FAULT_CASE(flight_finish_keeps, .cmd = MUSTER_FLIGHT_FINISH, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_finish_keeps, .allocates = true,
	   .commits = true);

/* Of a process that has nothing to do with it: it is refused, and not out of memory. */
FAULT_CASE(flight_finish_refused, .cmd = MUSTER_FLIGHT_FINISH, .type = MUSTER_FLIGHT,
	   .call = call_finish, .allocates = true, .refusal = -EPERM);

/* The result is a file, sealed shared memory. */
static int memory_file(void)
{
	int fd = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd);
	if (write(fd, DATA, sizeof(DATA)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK))
		must(-errno);
	return fd;
}

static void set_up_led_file(struct scene *s)
{
	set_up_led(s);
	s->file = memory_file();
}

static struct job call_finish_file(struct scene *s)
{
	struct job job = finish(s->fd, KEY, s->token, 0, NULL);

	job.finish.flags = MUSTER_FINISH_FD;
	job.finish.fd = s->file;
	job.finish.keep = MUSTER_FOREVER;
	return job;
}

FAULT_CASE(flight_finish_file, .cmd = MUSTER_FLIGHT_FINISH, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led_file, .call = call_finish_file, .allocates = true,
	   .commits = true);

static void set_up_kept_file(struct scene *s)
{
	set_up_led_file(s);
	must(ask(me, call_finish_file(s)));
}

static struct job call_join_file(struct scene *s)
{
	return call_join_with(s, MUSTER_JOIN_FD, 0);
}

FAULT_CASE(flight_join_file, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_kept_file, .call = call_join_file, .allocates = true,
	   .gives_fd = offsetof(struct muster_flight_join, fd), .withdrawn = flight_served);

/* Its bytes. */
FAULT_CASE(flight_join_file_bytes, .cmd = MUSTER_FLIGHT_JOIN, .type = MUSTER_FLIGHT,
	   .set_up = set_up_kept_file, .call = call_join, .allocates = true,
	   .commits = true);

static void set_up_file_ticket(struct scene *s)
{
	set_up_kept_file(s);
	s->ticket = ask(me, call_join_ticket(s));
	must(s->ticket);
}

FAULT_CASE(ticket_read_file, .type = MUSTER_FLIGHT, .set_up = set_up_file_ticket,
	   .call = call_read, .allocates = true);

static struct job call_fetch_file(struct scene *s)
{
	struct job job = fetch(s->ticket, s->token, NULL, 0);

	job.fetch.flags = MUSTER_FETCH_FD;
	return job;
}

FAULT_CASE(flight_fetch_file, .cmd = MUSTER_FLIGHT_FETCH, .type = MUSTER_FLIGHT,
	   .set_up = set_up_file_ticket, .call = call_fetch_file, .allocates = true,
	   .gives_fd = offsetof(struct muster_flight_fetch, fd));

static struct job call_abandon(struct scene *s)
{
	return abandon(s->fd, KEY, s->token);
}

FAULT_CASE(flight_abandon, .cmd = MUSTER_FLIGHT_ABANDON, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_abandon, .commits = true);

FAULT_CASE(flight_abandon_refused, .cmd = MUSTER_FLIGHT_ABANDON, .type = MUSTER_FLIGHT,
	   .call = call_abandon, .allocates = true, .refusal = -EPERM);

static struct job call_followers(struct scene *s)
{
	struct job job = abandon(s->fd, KEY, s->token);

	job.cmd = MUSTER_FLIGHT_FOLLOWERS;
	return job;
}

FAULT_CASE(flight_followers, .cmd = MUSTER_FLIGHT_FOLLOWERS, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_followers);
FAULT_CASE(flight_followers_refused, .cmd = MUSTER_FLIGHT_FOLLOWERS,
	   .type = MUSTER_FLIGHT, .call = call_followers, .allocates = true,
	   .refusal = -EPERM);

static struct job call_forget(struct scene *s)
{
	return forget(s->fd, KEY, 0);
}

FAULT_CASE(flight_forget, .cmd = MUSTER_FLIGHT_FORGET, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_forget, .commits = true);

/* A result that did not fit. A kept one needs no other thread for that. */
static void set_up_parcel(struct scene *s)
{
	set_up_kept(s);
	must(ask(me, call_join_small(s)));
}

static struct job call_fetch(struct scene *s)
{
	return fetch(s->fd, s->token, buffer, sizeof(buffer));
}

FAULT_CASE(flight_fetch, .cmd = MUSTER_FLIGHT_FETCH, .type = MUSTER_FLIGHT,
	   .set_up = set_up_parcel, .call = call_fetch, .allocates = true);

FAULT_CASE(flight_fetch_refused, .cmd = MUSTER_FLIGHT_FETCH, .type = MUSTER_FLIGHT,
	   .call = call_fetch, .allocates = true, .refusal = -ENOENT);

static struct job call_flight_stat(struct scene *s)
{
	struct job job = { .fd = s->fd, .cmd = MUSTER_FLIGHT_STAT };

	job.flight_stat = (struct muster_flight_stat){ .size = sizeof(job.flight_stat) };
	return job;
}

FAULT_CASE(flight_stat, .cmd = MUSTER_FLIGHT_STAT, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_flight_stat);

static struct job call_flight_leaders(struct scene *s)
{
	static struct muster_process processes[2];
	struct job job = call_flight_stat(s);

	job.flight_stat.processes = to_u64(processes);
	job.flight_stat.nr_processes = 2;
	return job;
}

FAULT_CASE(flight_leaders, .cmd = MUSTER_FLIGHT_STAT, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_flight_leaders, .allocates = true);

static struct job call_flight_leader(struct scene *s)
{
	struct job job = call_flight_leaders(s);

	job.flight_stat.key = to_u64(KEY);
	job.flight_stat.key_len = strlen(KEY);
	return job;
}

FAULT_CASE(flight_leader, .cmd = MUSTER_FLIGHT_STAT, .type = MUSTER_FLIGHT,
	   .set_up = set_up_led, .call = call_flight_leader, .allocates = true);

/* ---- group ---- */

static struct job call_add(struct scene *s)
{
	return add(s->fd, 3);
}

FAULT_CASE(group_add, .cmd = MUSTER_GROUP_ADD, .type = MUSTER_GROUP, .call = call_add,
	   .allocates = true);

static bool group_has_adder(const struct scene *s)
{
	return group_state(s->fd).adders;
}

static void set_up_slot(struct scene *s)
{
	must(ask(me, add(s->fd, 1)));
	s->token = me->job.add.first;
}

static void set_up_room(struct scene *s)
{
	set_up_slot(s);
	s->cue = group_has_adder;
	s->then = done(s->fd, s->token, 0, NULL);
}

static bool group_is_empty(const struct scene *s)
{
	return !group_state(s->fd).pending;
}

FAULT_CASE(group_add_waits, .cmd = MUSTER_GROUP_ADD, .type = MUSTER_GROUP, .limit = 3,
	   .set_up = set_up_room, .call = call_add, .allocates = true,
	   .withdrawn = group_is_empty);

static struct job call_add_ticket(struct scene *s)
{
	return as_ticket(add(s->fd, 3));
}

FAULT_CASE(group_add_ticket, .cmd = MUSTER_GROUP_ADD, .type = MUSTER_GROUP,
	   .call = call_add_ticket, .allocates = true, .returns_fd = true);

/* A slot that is another's: what a ticket has been granted is the ticket's. */
static void set_up_others_slot(struct scene *s)
{
	s->ticket = ask(me, as_ticket(add(s->fd, 1)));
	must(s->ticket);
}

static struct job call_claim(struct scene *s)
{
	return claim(s->fd, 1);
}

FAULT_CASE(group_claim, .cmd = MUSTER_GROUP_CLAIM, .type = MUSTER_GROUP,
	   .set_up = set_up_others_slot, .call = call_claim, .allocates = true);

static struct job call_done(struct scene *s)
{
	return done(s->fd, s->token, 0, DATA);
}

FAULT_CASE(group_done, .cmd = MUSTER_GROUP_DONE, .type = MUSTER_GROUP,
	   .set_up = set_up_slot, .call = call_done, .allocates = true);

FAULT_CASE(group_done_refused, .cmd = MUSTER_GROUP_DONE, .type = MUSTER_GROUP,
	   .call = call_done, .allocates = true, .refusal = -EPERM);

static struct job call_wait(struct scene *s)
{
	return wait_for(s->fd, MUSTER_UNTIL_ALL, 0);
}

FAULT_CASE(group_wait, .cmd = MUSTER_GROUP_WAIT, .type = MUSTER_GROUP,
	   .call = call_wait, .allocates = true);

static bool group_has_waiter(const struct scene *s)
{
	return group_state(s->fd).waiters;
}

static void set_up_end(struct scene *s)
{
	set_up_slot(s);
	s->cue = group_has_waiter;
	s->then = done(s->fd, s->token, 0, NULL);
}

FAULT_CASE(group_wait_waits, .cmd = MUSTER_GROUP_WAIT, .type = MUSTER_GROUP,
	   .set_up = set_up_end, .call = call_wait, .commits = true);

static struct job call_count(struct scene *s)
{
	return wait_for(s->fd, MUSTER_UNTIL_COUNT, 1);
}

FAULT_CASE(group_count_waits, .cmd = MUSTER_GROUP_WAIT, .type = MUSTER_GROUP,
	   .set_up = set_up_end, .call = call_count, .commits = true);

static struct job call_wait_ticket(struct scene *s)
{
	return as_ticket(wait_for(s->fd, MUSTER_UNTIL_ALL, 0));
}

FAULT_CASE(group_wait_ticket, .cmd = MUSTER_GROUP_WAIT, .type = MUSTER_GROUP,
	   .set_up = set_up_slot, .call = call_wait_ticket, .allocates = true,
	   .returns_fd = true);

static void set_up_task_done(struct scene *s)
{
	set_up_slot(s);
	must(ask(me, done(s->fd, s->token, 0, DATA)));
}

static struct job call_result(struct scene *s)
{
	struct job job = result_of(s->fd, 0);

	job.result.buf = to_u64(buffer);
	job.result.buf_len = sizeof(buffer);
	return job;
}

FAULT_CASE(group_result, .cmd = MUSTER_GROUP_RESULT, .type = MUSTER_GROUP,
	   .set_up = set_up_task_done, .call = call_result, .allocates = true);

static struct job call_cancel(struct scene *s)
{
	return cancel(s->fd);
}

FAULT_CASE(group_cancel, .cmd = MUSTER_GROUP_CANCEL, .type = MUSTER_GROUP,
	   .call = call_cancel);

static struct job call_group_reset(struct scene *s)
{
	return reset_group(s->fd);
}

FAULT_CASE(group_reset, .cmd = MUSTER_GROUP_RESET, .type = MUSTER_GROUP,
	   .set_up = set_up_task_done, .call = call_group_reset);

static struct job call_group_stat(struct scene *s)
{
	struct job job = { .fd = s->fd, .cmd = MUSTER_GROUP_STAT };

	job.group_stat = (struct muster_group_stat){
		.size = sizeof(job.group_stat),
		.nr_processes = 16,
		.processes = to_u64(processes),
	};
	return job;
}

FAULT_CASE(group_stat, .cmd = MUSTER_GROUP_STAT, .type = MUSTER_GROUP,
	   .set_up = set_up_slot, .call = call_group_stat, .allocates = true);

#endif /* INJECT_CASES_H */
