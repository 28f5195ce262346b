/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of muster share
 *
 * A test is one thread that directs others: puppets, which are processes or
 * further threads of them and do as they are told. A thing to do is a struct job,
 * for the most part an ioctl: tell() has a puppet begin it, hear() waits for the
 * result, ask() does both. @me is the test itself. Results are 0 or more, or a
 * negative errno.
 *
 *	tell(a, acquire(fd, 3));
 *	ASSERT_SOON(sem_state(fd).waiters == 1);
 *	ASSERT_EQ(0, ask(me, release(fd, 3)));
 *	ASSERT_EQ(0, hear(a));
 */
#ifndef MUSTER_UTIL_H
#define MUSTER_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <linux/muster.h>

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

/* How long to wait for what must happen: long enough for the slowest emulator. */
#define PATIENCE_NS	(20 * NSEC_PER_SEC * slowness())
/* hear(): the puppet was not heard of for so long. No errno. */
#define STUCK		(-9999)

/* Handled by every puppet and by @me: the call is interrupted, or restarts. */
#define SIG_EINTR	SIGUSR1
#define SIG_RESTART	SIGUSR2

#define to_u64(pointer)	((__u64)(uintptr_t)(pointer))

/* ---- jobs ---- */

/**
 * struct job - a thing to do
 * @run:	does it; NULL for an ioctl
 * @fd:		of the object
 * @cmd:	the ioctl
 * @at:		where the ioctl's argument is, if not here
 * @arg:	for @run
 */
struct job {
	int (*run)(struct job *job);
	int fd;
	unsigned int cmd;
	void *at;
	union {
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
		long arg[4];
	};
};

struct job acquire(int fd, __u64 permits);
struct job acquire_by(int fd, __u64 permits, __u32 flags, __u64 deadline);
struct job try_acquire(int fd, __u64 permits);
struct job release(int fd, __u64 permits);
struct job set_limit(int fd, __u64 limit);

struct job await(int fd);
struct job await_by(int fd, __u32 flags, __u64 deadline);
struct job complete(int fd, __u64 token, int status);
struct job reset(int fd);
struct job set_parties(int fd, __u32 parties);
struct job enter(int fd, __u32 seats);
struct job leave(int fd, __u32 seats);

/* The result goes to @data of the puppet. Keys are strings that do not change. */
struct job join(int fd, const char *key);
struct job join_by(int fd, const char *key, __u32 flags, __u64 deadline);
struct job finish(int fd, const char *key, __u64 token, int status, const char *text);
struct job abandon(int fd, const char *key, __u64 token);
struct job forget(int fd, const char *key, __u64 token);
struct job fetch(int fd, __u64 token, void *buf, __u64 len);

struct job add(int fd, __u32 slots);
struct job add_by(int fd, __u32 slots, __u32 flags, __u64 deadline);
struct job claim(int fd, __u64 slot);
struct job done(int fd, __u64 slot, int status, const char *text);
struct job wait_for(int fd, __u32 until, __u32 successes);
struct job wait_by(int fd, __u32 until, __u32 successes, __u32 flags, __u64 deadline);
/* The result goes to @data of the puppet. */
struct job result_of(int fd, __u64 slot);
struct job cancel(int fd);
struct job reset_group(int fd);

/* The same, but with a ticket for a result (T5). */
struct job as_ticket(struct job job);

struct job do_close(int fd);
struct job do_dup(int fd);
struct job do_exit(int status);
/* As another user with no groups but that one. */
struct job do_setids(uid_t uid, gid_t gid);
struct job do_unshare(int flags);
struct job do_exec_sleep(void);

/* ---- puppets ---- */

#define PUPPET_DATA	256

/**
 * struct puppet - somebody who does as told, in memory that all share
 * @pid:	its process
 * @tid:	its thread
 * @mail:	enum mail, a futex
 * @job:	what it does or did: also the ioctl's results
 * @ret:	how that ended
 * @data:	where JOIN puts a result
 */
struct puppet {
	pid_t pid;
	pid_t tid;
	__u32 mail;
	struct job job;
	int ret;
	char data[PUPPET_DATA];
};

extern struct puppet *const me;

struct puppet *puppet(void);
/* For a child of fork() that is no puppet. */
void die_with_parent(void);
struct puppet *puppet_thread(struct puppet *process);
struct puppet *puppet_clone(int flags);
void tell(struct puppet *p, struct job job);
int hear(struct puppet *p);
int ask(struct puppet *p, struct job job);
bool is_busy(const struct puppet *p);
/*
 * Arrives and breaks the barrier by its deadline: not one that has passed before it
 * arrives, which would break nothing (B3). -ETIMEDOUT, or what else came of it.
 */
int break_by_deadline(struct puppet *p, int fd);
/*
 * It waits for what it has been told to wait for, and so is in the queue. Not asleep is who
 * waits for a lock (on PREEMPT_RT a spinlock, too) or for memory: that is state D.
 */
bool is_asleep(const struct puppet *p);
/* It does not run: is asleep, frozen, at a lock, or where no signal wakes it. */
bool is_still(const struct puppet *p);
void signal_puppet(const struct puppet *p, int sig);
void kill_puppet(struct puppet *p);
int wait_puppet(const struct puppet *p);
long switches(const struct puppet *p);
void *shared_memory(size_t size);

/* ---- objects ---- */

/* A descriptor of /dev/muster. */
extern int device_fd;

/* An open that is filled in as far as there is one way to do it. */
struct muster_open open_how(__u32 type, const char *name, __u32 oflags, __u64 limit);
int open_object(struct muster_open *how);
int open_named(__u32 type, const char *name, __u32 oflags, __u64 limit);
/* A name that no other test has, valid until the next is made. */
const char *unique_name(const char *prefix);
int open_sem(__u64 limit);
int open_barrier(__u32 parties, __u32 options);
int open_flight(__u32 handovers);
int open_group(__u32 limit);

/* What STAT says; aborts the process if that fails. */
struct muster_sem_stat sem_state(int fd);
struct muster_barrier_stat barrier_state(int fd);
struct muster_flight_stat flight_state(int fd);
struct muster_group_stat group_state(int fd);
/* As above, with up to @room processes; how many there are. */
__u32 sem_processes(int fd, struct muster_process *list, __u32 room);
__u32 barrier_processes(int fd, struct muster_process *list, __u32 room);

/* ioctl() that returns a negative errno. */
int call(int fd, unsigned int cmd, void *arg);
/* What poll() sees at once, 0 if nothing. */
int poll_now(int fd);

/* ---- time, users, parameters ---- */

__u64 clock_ns(int clock);
/* How many times longer everything takes here than elsewhere; 1 as a rule. */
unsigned int slowness(void);
/* A deadline so many ms from now; later where everything is slow. */
__u64 in_ms(unsigned int ms);
/* A moment of rest in a loop that waits for something to be seen. */
void nap(void);

/* A module parameter; -1 if it cannot be read. */
long long get_param(const char *name);
bool set_param(const char *name, long long value);

/*
 * From now on nothing else runs on this CPU, where @with is put, too, unless it is NULL;
 * until be_like_others(). False if that may not be.
 */
bool be_alone(const struct puppet *with);
void be_like_others(void);

/* Users other than root, who need no entry anywhere. */
#define ALICE	64001
#define BOB	64002

/* It is enough to have seen it once: it need not last. */
#define ASSERT_SOON(condition) do {					\
	__u64 _end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;		\
	bool _soon;							\
									\
	while (!(_soon = (condition)) && clock_ns(CLOCK_MONOTONIC) < _end) \
		nap();							\
	ASSERT_TRUE(_soon) TH_LOG("never: " #condition);		\
} while (0)

#endif /* MUSTER_UTIL_H */
