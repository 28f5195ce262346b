// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface: I1, I2. Bad input of each kind gets the documented errno and
 * changes nothing. Each test breaks one thing in a call that is good otherwise.
 */
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#include "abi_layout.h"

#define KEY		"key"
#define WILD		((void *)16)
/* An address that no process can have. */
#define KERNEL_ADDRESS	0x8000000000000000ULL
#define CANARY		0xa5

/* ---- every ioctl ---- */

/* Where something that must be 0 is, and its bits that must be. */
struct reserved {
	size_t offset;
	__u32 bits;
};

#define UNKNOWN_FLAGS(type, known) \
	{ offsetof(struct type, flags), ~(__u32)(known) }
#define RESERVED(type) \
	{ offsetof(struct type, __reserved), ~0U }

/*
 * An ioctl: a call of it that is good and says @ret, and can be repeated; what it
 * writes begins at @first_out, or nothing if that is 0.
 */
struct good_call {
	__u32 type;
	unsigned int cmd;
	size_t size;
	size_t min_size;
	size_t first_out;
	int ret;
	struct reserved reserved[3];
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
	} args;
};

FIXTURE_VARIANT(each) {
	struct good_call good;
};

FIXTURE(each) {
	int fd;
	int objects[5];
	char *page;
};

#define IOCTL(_type, _cmd, _struct, _min_size)				\
	.type = (_type),						\
	.cmd = (_cmd),							\
	.size = sizeof(struct _struct),					\
	.min_size = (_min_size)

#define OUT(_struct, _field)						\
	.first_out = offsetof(struct _struct, _field)

#define LIMIT	8

FIXTURE_VARIANT_ADD(each, info)
{
	.good = {
		IOCTL(0, MUSTER_INFO, muster_info, 8),
		OUT(muster_info, api_version),
		.reserved = { UNKNOWN_FLAGS(muster_info, 0) },
	},
};

/* On objects, too. */
FIXTURE_VARIANT_ADD(each, info_of_object)
{
	.good = {
		IOCTL(MUSTER_SEM, MUSTER_INFO, muster_info, 8),
		OUT(muster_info, api_version),
		.reserved = { UNKNOWN_FLAGS(muster_info, 0) },
	},
};

/* The good call fails, since the name does not exist. */
FIXTURE_VARIANT_ADD(each, open)
{
	.good = {
		IOCTL(0, MUSTER_OPEN, muster_open, 48),
		.ret = -ENOENT,
		.reserved = {
			{ offsetof(struct muster_open, oflags),
			  ~(__u32)(O_CREAT | O_EXCL | O_CLOEXEC | O_NONBLOCK) },
			{ offsetof(struct muster_open, options), ~1U },
			UNKNOWN_FLAGS(muster_open, MUSTER_OPEN_NO_LEASE),
		},
		.args.open = { .type = MUSTER_SEM, .mode = 0600, .name_len = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, list)
{
	.good = {
		IOCTL(0, MUSTER_LIST, muster_list, 48),
		/* Somebody else may have made a name. */
		OUT(muster_list, more),
		.reserved = {
			UNKNOWN_FLAGS(muster_list, 0),
			{ offsetof(struct muster_list, type), ~7U },
			RESERVED(muster_list),
		},
	},
};

FIXTURE_VARIANT_ADD(each, totals)
{
	.good = {
		IOCTL(0, MUSTER_TOTALS, muster_totals, 8),
		OUT(muster_totals, objects),
		.reserved = { UNKNOWN_FLAGS(muster_totals, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, acquire)
{
	.good = {
		IOCTL(MUSTER_SEM, MUSTER_SEM_ACQUIRE, muster_sem_acquire, 24),
		.ret = -EAGAIN,
		.reserved = { UNKNOWN_FLAGS(muster_sem_acquire, MUSTER_WAIT_MASK |
					    MUSTER_SEM_WAIT_LIMIT) },
		.args.acquire = { .flags = MUSTER_WAIT_NONBLOCK, .permits = LIMIT },
	},
};

FIXTURE_VARIANT_ADD(each, release)
{
	.good = {
		IOCTL(MUSTER_SEM, MUSTER_SEM_RELEASE, muster_sem_release, 16),
		.reserved = { UNKNOWN_FLAGS(muster_sem_release, MUSTER_RELEASE_MASK) },
	},
};

FIXTURE_VARIANT_ADD(each, set_limit)
{
	.good = {
		IOCTL(MUSTER_SEM, MUSTER_SEM_SET_LIMIT, muster_sem_set_limit, 16),
		OUT(muster_sem_set_limit, old_limit),
		.reserved = { UNKNOWN_FLAGS(muster_sem_set_limit, 0) },
		.args.set_limit = { .limit = LIMIT },
	},
};

FIXTURE_VARIANT_ADD(each, sem_stat)
{
	.good = {
		IOCTL(MUSTER_SEM, MUSTER_SEM_STAT, muster_sem_stat, 8),
		OUT(muster_sem_stat, options),
		.reserved = { UNKNOWN_FLAGS(muster_sem_stat, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, await)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_AWAIT, muster_barrier_await, 16),
		.ret = -EAGAIN,
		.reserved = { UNKNOWN_FLAGS(muster_barrier_await, MUSTER_WAIT_MASK) },
		.args.await = { .flags = MUSTER_WAIT_NONBLOCK },
	},
};

FIXTURE_VARIANT_ADD(each, complete)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_COMPLETE, muster_barrier_complete, 16),
		.ret = -EPERM,
	},
};

FIXTURE_VARIANT_ADD(each, reset)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_RESET, muster_barrier_reset, 8),
		.reserved = { UNKNOWN_FLAGS(muster_barrier_reset, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, barrier_stat)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_STAT, muster_barrier_stat, 8),
		OUT(muster_barrier_stat, options),
		.reserved = { UNKNOWN_FLAGS(muster_barrier_stat, 0),
			      RESERVED(muster_barrier_stat) },
	},
};

FIXTURE_VARIANT_ADD(each, set_parties)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_SET_PARTIES,
		      muster_barrier_set_parties, 16),
		OUT(muster_barrier_set_parties, old_parties),
		.reserved = { UNKNOWN_FLAGS(muster_barrier_set_parties, 0),
			      RESERVED(muster_barrier_set_parties) },
		.args.set_parties = { .parties = 2 },
	},
};

/* The barrier has no members. */
FIXTURE_VARIANT_ADD(each, enter)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_ENTER, muster_barrier_member, 16),
		.ret = -EINVAL,
		.args.member = { .seats = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, leave)
{
	.good = {
		IOCTL(MUSTER_BARRIER, MUSTER_BARRIER_LEAVE, muster_barrier_member, 16),
		.ret = -EINVAL,
		.args.member = { .seats = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, join)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_JOIN, muster_flight_join, 48),
		.ret = -ENOENT,
		.reserved = { UNKNOWN_FLAGS(muster_flight_join, MUSTER_WAIT_MASK | 0x3f00),
			      RESERVED(muster_flight_join) },
		.args.join = { .flags = MUSTER_JOIN_NO_LEAD, .key_len = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, finish)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_FINISH, muster_flight_finish, 48),
		.ret = -EPERM,
		.reserved = { UNKNOWN_FLAGS(muster_flight_finish, 3) },
		.args.finish = { .key_len = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, abandon)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_ABANDON, muster_flight_key, 32),
		.ret = -EPERM,
		.reserved = { UNKNOWN_FLAGS(muster_flight_key, 0), RESERVED(muster_flight_key) },
		.args.key = { .key_len = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, forget)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_FORGET, muster_flight_key, 32),
		OUT(muster_flight_key, count),
		.reserved = { UNKNOWN_FLAGS(muster_flight_key, 0), RESERVED(muster_flight_key) },
		.args.key = { .key_len = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, followers)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_FOLLOWERS, muster_flight_key, 32),
		.ret = -EPERM,
		.reserved = { UNKNOWN_FLAGS(muster_flight_key, 0), RESERVED(muster_flight_key) },
		.args.key = { .key_len = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, fetch)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_FETCH, muster_flight_fetch, 32),
		.ret = -ENOENT,
		.reserved = { UNKNOWN_FLAGS(muster_flight_fetch, 3) },
		.args.fetch = { .token = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, flight_stat)
{
	.good = {
		IOCTL(MUSTER_FLIGHT, MUSTER_FLIGHT_STAT, muster_flight_stat, 8),
		OUT(muster_flight_stat, options),
		.reserved = { UNKNOWN_FLAGS(muster_flight_stat, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, add)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_ADD, muster_group_add, 24),
		.ret = -EAGAIN,
		.reserved = { UNKNOWN_FLAGS(muster_group_add, MUSTER_WAIT_MASK),
			      RESERVED(muster_group_add) },
		.args.add = { .flags = MUSTER_WAIT_NONBLOCK, .slots = 1 },
	},
};

FIXTURE_VARIANT_ADD(each, claim)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_CLAIM, muster_group_claim, 16),
		.ret = -ENOENT,
		.reserved = { UNKNOWN_FLAGS(muster_group_claim, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, done)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_DONE, muster_group_done, 40),
		.ret = -EPERM,
		.reserved = { UNKNOWN_FLAGS(muster_group_done, 0),
			      RESERVED(muster_group_done) },
	},
};

FIXTURE_VARIANT_ADD(each, group_wait)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_WAIT, muster_group_wait, 24),
		.ret = -EAGAIN,
		.reserved = { UNKNOWN_FLAGS(muster_group_wait, MUSTER_WAIT_MASK) },
		.args.wait = { .flags = MUSTER_WAIT_NONBLOCK },
	},
};

FIXTURE_VARIANT_ADD(each, group_result)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_RESULT, muster_group_result, 32),
		.ret = -ENOENT,
		.reserved = { UNKNOWN_FLAGS(muster_group_result, 0) },
		.args.result = { .slot = 100 },
	},
};

FIXTURE_VARIANT_ADD(each, cancel)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_CANCEL, muster_group_cancel, 8),
		.reserved = { UNKNOWN_FLAGS(muster_group_cancel, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, group_reset)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_RESET, muster_group_cancel, 8),
		.ret = -EBUSY,
		.reserved = { UNKNOWN_FLAGS(muster_group_cancel, 0) },
	},
};

FIXTURE_VARIANT_ADD(each, group_stat)
{
	.good = {
		IOCTL(MUSTER_GROUP, MUSTER_GROUP_STAT, muster_group_stat, 8),
		OUT(muster_group_stat, options),
		.reserved = { UNKNOWN_FLAGS(muster_group_stat, 0),
			      RESERVED(muster_group_stat) },
	},
};

FIXTURE_SETUP(each)
{
	const struct good_call *good = &variant->good;
	size_t two = 2 * getpagesize();

	self->objects[0] = device_fd;
	self->objects[MUSTER_FLIGHT] = open_flight(0);
	self->objects[MUSTER_BARRIER] = open_barrier(2, 0);
	self->objects[MUSTER_SEM] = open_sem(LIMIT);
	self->objects[MUSTER_GROUP] = open_group(1);
	self->fd = self->objects[good->type];
	/* One permit is taken, so that the good ACQUIRE fails. */
	ASSERT_EQ(0, ask(me, acquire(self->objects[MUSTER_SEM], 1)));
	/* As many tasks as may run do. */
	ASSERT_EQ(0, ask(me, add(self->objects[MUSTER_GROUP], 1)));

	/* One page is there, the next is not. */
	self->page = mmap(NULL, two, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->page);
	ASSERT_EQ(0, munmap(self->page + getpagesize(), getpagesize()));
}

FIXTURE_TEARDOWN(each)
{
}

/* A good call's struct of that size, at that place. Pointers go to a good byte. */
static void *good_args(const struct good_call *good, void *to, __u32 size)
{
	static char byte = 'x';
	size_t known = size < good->size ? size : good->size;
	struct muster_open *open = to;

	memset(to, 0, size);
	memcpy(to, &good->args, known);
	open->size = size;
	/* The pointers to a name and to a key. */
	if (good->cmd == MUSTER_OPEN)
		memcpy(to + offsetof(struct muster_open, name),
		       &(__u64){ to_u64(&byte) }, sizeof(__u64));
	else if ((good->cmd >= MUSTER_FLIGHT_JOIN && good->cmd <= MUSTER_FLIGHT_FORGET) ||
		 good->cmd == MUSTER_FLIGHT_FOLLOWERS)
		memcpy(to + offsetof(struct muster_flight_join, key),
		       &(__u64){ to_u64(&byte) }, sizeof(__u64));
	return to;
}

/* A good call with its struct there. */
static int call_good(const struct good_call *good, int fd, void *at, __u32 size)
{
	return call(fd, good->cmd, good_args(good, at, size));
}

struct all_states {
	struct muster_flight_stat flight;
	struct muster_barrier_stat barrier;
	struct muster_sem_stat sem;
	struct muster_group_stat group;
};

static struct all_states all_states(const int *objects)
{
	return (struct all_states){
		.flight = flight_state(objects[MUSTER_FLIGHT]),
		.barrier = barrier_state(objects[MUSTER_BARRIER]),
		.sem = sem_state(objects[MUSTER_SEM]),
		.group = group_state(objects[MUSTER_GROUP]),
	};
}

/* What an ioctl says, or STUCK if it failed and yet changed something. */
static int call_unchanged(const int *objects, int fd, unsigned int cmd, void *args)
{
	struct all_states before = all_states(objects), after;
	int ret = call(fd, cmd, args);

	after = all_states(objects);
	return memcmp(&before, &after, sizeof(before)) ? STUCK : ret;
}

/* I1: the call that all others are a variation of is good, wherever it is. */
TEST_F(each, good_call)
{
	const struct good_call *good = &variant->good;
	char *end = self->page + getpagesize();
	unsigned int i;

	for (i = 0; i < 8; i++)
		EXPECT_EQ(good->ret, call_good(good, self->fd, self->page + i, good->size));
	/* At the very end of what is mapped. */
	EXPECT_EQ(good->ret, call_good(good, self->fd, end - good->size, good->size));
}

/* I1: a struct as short as it may be, and all sizes in between. */
TEST_F(each, short_struct)
{
	const struct good_call *good = &variant->good;
	char *end = self->page + getpagesize();
	size_t size;

	for (size = good->min_size; size <= good->size; size++)
		EXPECT_EQ(good->ret, call_good(good, self->fd, end - size, size));
}

/* I1: shorter is EINVAL. */
TEST_F(each, too_short_struct)
{
	const struct good_call *good = &variant->good;
	size_t size;

	for (size = 0; size < good->min_size; size++) {
		struct muster_open *args = good_args(good, self->page, good->size);

		args->size = size;
		EXPECT_EQ(-EINVAL, call_unchanged(self->objects, self->fd, good->cmd, args));
	}
}

/* I1: a longer one is good if what the module does not know is 0. */
TEST_F(each, long_struct)
{
	const struct good_call *good = &variant->good;
	size_t sizes[] = { good->size + 1, good->size + 8, 200, getpagesize() };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(good->ret, call_good(good, self->fd, self->page, sizes[i]));
}

/* I1: else it is E2BIG. */
TEST_F(each, unknown_fields)
{
	const struct good_call *good = &variant->good;
	size_t sizes[] = { good->size + 1, good->size + 8, 200, getpagesize() };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		good_args(good, self->page, sizes[i]);
		self->page[sizes[i] - 1] = 1;
		EXPECT_EQ(-E2BIG, call_unchanged(self->objects, self->fd, good->cmd, self->page));
		good_args(good, self->page, sizes[i]);
		self->page[good->size] = 1;
		EXPECT_EQ(-E2BIG, call_unchanged(self->objects, self->fd, good->cmd, self->page));
	}
}

/* I1: more than a page is E2BIG. */
TEST_F(each, huge_struct)
{
	const struct good_call *good = &variant->good;
	__u32 sizes[] = { getpagesize() + 1, INT32_MAX, UINT32_MAX };
	struct muster_open *args = (void *)self->page;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		good_args(good, self->page, good->size);
		args->size = sizes[i];
		EXPECT_EQ(-E2BIG, call_unchanged(self->objects, self->fd, good->cmd, args));
	}
}

/* I1: results go where there is room for them, and nowhere else. */
TEST_F(each, results_that_fit)
{
	const struct good_call *good = &variant->good;
	unsigned char *args = (unsigned char *)self->page;
	unsigned char before[sizeof(good->args)];
	size_t size, i;

	for (size = good->min_size; size <= good->size + 16; size++) {
		good_args(good, args, size);
		memcpy(before, args, sizeof(before));
		memset(args + size, CANARY, 64);
		ASSERT_EQ(good->ret, call(self->fd, good->cmd, args));
		for (i = 0; i < 64; i++)
			EXPECT_EQ(CANARY, args[size + i]);
		/* What the module does not know of, and what was put in. */
		for (i = good->size; i < size; i++)
			EXPECT_EQ(0, args[i]);
		EXPECT_EQ(0, memcmp(before, args, good->first_out ?: good->min_size));
	}
}

/* I2: a call that fails writes no results. */
TEST_F(each, failure_writes_nothing)
{
	const struct good_call *good = &variant->good;
	size_t from = good->first_out ?: good->min_size;
	size_t to = good->size;
	unsigned char *args = (unsigned char *)self->page;
	unsigned char before[sizeof(good->args)];

	/* After the result of OPEN come its flags. */
	if (good->cmd == MUSTER_OPEN)
		to = offsetof(struct muster_open, flags);
	/* And after those of FINISH. */
	if (good->cmd == MUSTER_FLIGHT_FINISH)
		to = offsetof(struct muster_flight_finish, fd);
	good_args(good, args, good->size);
	if (good->cmd != MUSTER_SEM_STAT && good->cmd != MUSTER_BARRIER_STAT)
		memset(args + from, CANARY, to - from);
	/* A good call that does not fail is made to. */
	if (!good->ret)
		memset(args, 0, 4);
	memcpy(before, args, good->size);
	EXPECT_EQ(good->ret ?: -EINVAL, call(self->fd, good->cmd, args));
	EXPECT_EQ(0, memcmp(before, args, good->size));
}

/* I1: each bit that is reserved or unknown is EINVAL. */
TEST_F(each, reserved)
{
	const struct good_call *good = &variant->good;
	unsigned int i, bit;
	__u32 word;

	for (i = 0; i < ARRAY_SIZE(good->reserved); i++) {
		const struct reserved *r = &good->reserved[i];

		for (bit = 0; bit < 32; bit++) {
			if (!(r->bits & 1U << bit))
				continue;
			good_args(good, self->page, good->size);
			memcpy(&word, self->page + r->offset, sizeof(word));
			word |= 1U << bit;
			memcpy(self->page + r->offset, &word, sizeof(word));
			EXPECT_EQ(-EINVAL, call_unchanged(self->objects, self->fd, good->cmd,
							  self->page));
		}
	}
}

/* I2: a struct that is not there, or not all of it. */
TEST_F(each, wild_struct)
{
	const struct good_call *good = &variant->good;
	char *end = self->page + getpagesize();
	void *wild[] = { NULL, WILD, end, (void *)-1, (void *)-4096, (void *)LONG_MIN };
	__u32 size = good->size;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wild); i++)
		EXPECT_EQ(-EFAULT, call_unchanged(self->objects, self->fd, good->cmd, wild[i]));
	good_args(good, self->page, size);
	memmove(end - 4, self->page, 4);
	EXPECT_EQ(-EFAULT, call_unchanged(self->objects, self->fd, good->cmd, end - 4));
	memmove(end - size + 1, self->page, size - 1);
	EXPECT_EQ(-EFAULT, call_unchanged(self->objects, self->fd, good->cmd, end - size + 1));
	EXPECT_EQ(-EFAULT, call_unchanged(self->objects, self->fd, good->cmd, end - 2));
}

/* I1, I2: a descriptor of another type, or of something else, does not know it. */
TEST_F(each, wrong_descriptor)
{
	const struct good_call *good = &variant->good;
	int null = open("/dev/null", O_RDWR), closed = dup(self->fd), type;

	ASSERT_LE(0, null);
	ASSERT_LE(0, closed);
	close(closed);
	good_args(good, self->page, good->size);
	EXPECT_EQ(-ENOTTY, call_unchanged(self->objects, null, good->cmd, self->page));
	EXPECT_EQ(-EBADF, call_unchanged(self->objects, closed, good->cmd, self->page));
	EXPECT_EQ(-EBADF, call_unchanged(self->objects, -1, good->cmd, self->page));
	for (type = 0; type <= MUSTER_GROUP; type++) {
		if (type == good->type || good->cmd == MUSTER_INFO)
			continue;
		EXPECT_EQ(-ENOTTY, call_unchanged(self->objects, self->objects[type], good->cmd,
						  self->page));
		/* That is found out before anything else. */
		EXPECT_EQ(-ENOTTY, call_unchanged(self->objects, self->objects[type], good->cmd,
						  NULL));
	}
	close(null);
}

/* I1: ioctls that are none. */
TEST_F(each, unknown_ioctl)
{
	const struct good_call *good = &variant->good;
	unsigned int cmds[] = {
		good->cmd + 0x10,
		good->cmd | 0x90,
		good->cmd ^ 0x100,
		good->cmd | 8U << 16,
		good->cmd | 3U << 30,
		_IO(MUSTER_IOC_MAGIC, 0xff),
		0,
		~0U,
	};
	unsigned int i;

	good_args(good, self->page, good->size);
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_EQ(-ENOTTY, call_unchanged(self->objects, self->fd, cmds[i], self->page));
}

/* ---- single fields ---- */

FIXTURE(field) {
	int sem, flight, barrier;
	int nr_fds;
	struct puppet *a;
};

/* The number that the next descriptor has. */
static int next_fd(void)
{
	int fd = dup(device_fd);

	close(fd);
	return fd;
}

FIXTURE_SETUP(field)
{
	self->sem = open_sem(LIMIT);
	self->flight = open_flight(0);
	self->barrier = open_barrier(2, 0);
	self->a = puppet();
	self->nr_fds = next_fd();
}

FIXTURE_TEARDOWN(field)
{
}

/* O1, O2, O6, I2: what OPEN refuses; no descriptor is used up, no name is left. */
TEST_F(field, open)
{
	static const char long_name[256] = { [0 ... 255] = 'n' };
	static const struct {
		int ret;
		struct muster_open how;
	} bad[] = {
		{ -EINVAL, { .type = 0, .limit = 1 } },
		{ -EINVAL, { .type = 5, .limit = 1 } },
		{ -EINVAL, { .type = MUSTER_GROUP, .limit = 1ULL << 31 } },
		{ -EINVAL, { .type = MUSTER_GROUP, .initial = 1 } },
		{ -EINVAL, { .type = UINT32_MAX, .limit = 1 } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = 0 } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = INT64_MAX + 1ULL } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = UINT64_MAX } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = 2, .initial = 1 } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = 2, .initial = 3, .options = 1 } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = 2, .mode = 01000 } },
		{ -EINVAL, { .type = MUSTER_SEM, .limit = 2, .mode = 0100600 } },
		{ -EINVAL, { .type = MUSTER_BARRIER, .limit = 0 } },
		{ -EINVAL, { .type = MUSTER_BARRIER, .limit = INT32_MAX + 1ULL } },
		{ -EINVAL, { .type = MUSTER_BARRIER, .limit = (1ULL << 32) + 1 } },
		{ -EINVAL, { .type = MUSTER_BARRIER, .limit = 2, .initial = 1 } },
		{ -EINVAL, { .type = MUSTER_FLIGHT, .limit = INT32_MAX + 1ULL } },
		{ -EINVAL, { .type = MUSTER_FLIGHT, .initial = 1 } },
		{ -EINVAL, { .type = MUSTER_FLIGHT, .limit = 1, .options = 1 } },
	};
	struct muster_open how;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		how = bad[i].how;
		how.size = sizeof(how);
		EXPECT_EQ(bad[i].ret, open_object(&how)) {
			TH_LOG("case %u", i);
		}
		/* The same with a name, which then is not there. */
		how.name = to_u64("kselftest-bad");
		how.name_len = 13;
		how.oflags = O_CREAT;
		EXPECT_EQ(bad[i].ret, open_object(&how));
	}
	EXPECT_EQ(-ENOENT, open_named(MUSTER_SEM, "kselftest-bad", 0, 0));

	how = open_how(MUSTER_SEM, NULL, O_CREAT, 1);
	how.name = to_u64(long_name);
	how.name_len = 256;
	EXPECT_EQ(-ENAMETOOLONG, open_object(&how));
	how.name_len = UINT32_MAX;
	EXPECT_EQ(-ENAMETOOLONG, open_object(&how));
	how.name_len = 0;
	EXPECT_EQ(-EINVAL, open_object(&how));
	how.name_len = 255;
	how.name = 0;
	EXPECT_EQ(-EFAULT, open_object(&how));
	how.name = to_u64(WILD);
	EXPECT_EQ(-EFAULT, open_object(&how));
	how.name = KERNEL_ADDRESS;
	EXPECT_EQ(-EFAULT, open_object(&how));
	EXPECT_EQ(self->nr_fds, next_fd());
}

/* O2: a name is any bytes but control characters, up to 255 of them. */
TEST_F(field, name)
{
	unsigned char name[255];
	struct muster_open how = open_how(MUSTER_SEM, NULL, O_CREAT | O_EXCL, 1);
	unsigned int i;
	int fd;

	memset(name, 'n', sizeof(name));
	how.name = to_u64(name);
	for (i = 0; i < 256; i++) {
		name[7] = i;
		how.name_len = 8 + i % 248;
		fd = open_object(&how);
		EXPECT_EQ(i < 32 || i == 127, fd == -EINVAL);
		EXPECT_EQ(i < 32 || i == 127, fd < 0);
		close(fd);
	}
	EXPECT_EQ(self->nr_fds, next_fd());
}

/* O1: a descriptor that cannot be told of is not left behind, nor is its object. */
TEST_F(field, open_without_answer)
{
	struct muster_open *how;

	how = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, how);
	*how = open_how(MUSTER_SEM, unique_name(""), O_CREAT, 1);
	ASSERT_EQ(0, mprotect(how, getpagesize(), PROT_READ));
	EXPECT_EQ(-EFAULT, open_object(how));
	EXPECT_EQ(self->nr_fds, next_fd());
	ASSERT_EQ(0, mprotect(how, getpagesize(), PROT_READ | PROT_WRITE));
	how->oflags = 0;
	EXPECT_EQ(-ENOENT, open_object(how));
	/* So it is if there is no descriptor to be had. */
	how->oflags = O_CREAT;
	self->nr_fds = open_object(how);
	EXPECT_LE(0, self->nr_fds);
}

/* I2: keys of 0 and of 256 bytes, and keys that are not there. */
TEST_F(field, key)
{
	static const char long_key[256];
	const struct {
		int ret;
		__u64 key;
		__u32 len;
	} bad[] = {
		{ -EINVAL, to_u64(long_key), 0 },
		{ -EINVAL, to_u64(long_key), 256 },
		{ -EINVAL, to_u64(long_key), UINT32_MAX },
		{ -EFAULT, 0, 1 },
		{ -EFAULT, to_u64(WILD), 255 },
		{ -EFAULT, KERNEL_ADDRESS, 1 },
		{ -EFAULT, UINT64_MAX, 1 },
	};
	struct muster_flight_stat before, after;
	struct job jobs[4];
	unsigned int i, j;
	__u64 token;

	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	jobs[0] = join(self->flight, KEY);
	jobs[1] = finish(self->flight, KEY, token, 0, NULL);
	jobs[2] = abandon(self->flight, KEY, token);
	jobs[3] = forget(self->flight, KEY, token);
	before = flight_state(self->flight);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (j = 0; j < ARRAY_SIZE(jobs); j++) {
			struct job job = jobs[j];

			/* At the same place in each of them. */
			job.join.key = bad[i].key;
			job.join.key_len = bad[i].len;
			EXPECT_EQ(bad[i].ret, ask(me, job)) {
				TH_LOG("key %u, ioctl %u", i, j);
			}
		}
	}
	after = flight_state(self->flight);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(0, ask(me, finish(self->flight, KEY, token, 0, NULL)));
}

/* I2: results that are not there; their leader goes on leading. */
TEST_F(field, result)
{
	const __u64 bad[] = { 0, to_u64(WILD), KERNEL_ADDRESS, UINT64_MAX };
	struct job job;
	unsigned int i;
	__u64 token;

	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	token = me->job.join.token;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		job = finish(self->flight, KEY, token, 0, NULL);
		job.finish.data = bad[i];
		job.finish.data_len = 4096;
		EXPECT_EQ(-EFAULT, ask(me, job));
		EXPECT_EQ(1, flight_state(self->flight).calls);
	}
	EXPECT_EQ(0, ask(me, finish(self->flight, KEY, token, 0, NULL)));
}

/* I2: a result's room that is not there, though its size was said to be anything. */
TEST_F(field, room)
{
	struct job job = join(self->flight, KEY);

	job.join.buf = KERNEL_ADDRESS;
	job.join.buf_len = UINT64_MAX;
	ASSERT_EQ(0, ask(me, join(self->flight, KEY)));
	tell(self->a, job);
	ASSERT_SOON(flight_state(self->flight).followers == 1);
	ASSERT_EQ(0, ask(me, finish(self->flight, KEY, me->job.join.token, 0, "r")));
	EXPECT_EQ(-EFAULT, hear(self->a));
	EXPECT_EQ(0, flight_state(self->flight).followers);
}

/* I2: a list of processes nowhere, or somewhere else. */
TEST_F(field, processes)
{
	struct muster_sem_stat sem = { .size = sizeof(sem), .nr_processes = 1 };
	struct muster_barrier_stat barrier = { .size = sizeof(barrier), .nr_processes = 1 };
	const __u64 bad[] = { to_u64(WILD), KERNEL_ADDRESS };
	unsigned int i;

	ASSERT_EQ(0, ask(me, acquire(self->sem, 1)));
	tell(self->a, await(self->barrier));
	ASSERT_SOON(barrier_state(self->barrier).waiting == 1);
	/* Without a pointer none are listed, and a second call is as good as the first. */
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, call(self->sem, MUSTER_SEM_STAT, &sem));
		EXPECT_EQ(1, sem.nr_processes);
		EXPECT_EQ(0, call(self->barrier, MUSTER_BARRIER_STAT, &barrier));
		EXPECT_EQ(1, barrier.nr_processes);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		sem.processes = bad[i];
		barrier.processes = bad[i];
		EXPECT_EQ(-EFAULT, call(self->sem, MUSTER_SEM_STAT, &sem));
		EXPECT_EQ(-EFAULT, call(self->barrier, MUSTER_BARRIER_STAT, &barrier));
	}
	/* Far too much room is no harm. */
	sem.nr_processes = UINT32_MAX;
	sem.processes = to_u64(&(struct muster_process){});
	EXPECT_EQ(0, call(self->sem, MUSTER_SEM_STAT, &sem));
	EXPECT_EQ(1, sem.nr_processes);
}

/* I1: what the module is, from the device and from each type. */
TEST_F(field, info)
{
	const int fds[] = { device_fd, self->flight, self->barrier, self->sem };
	struct muster_info info;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		memset(&info, CANARY, sizeof(info));
		info.size = sizeof(info);
		info.flags = 0;
		ASSERT_EQ(0, call(fds[i], MUSTER_INFO, &info));
		EXPECT_EQ(MUSTER_API_VERSION, info.api_version);
		EXPECT_EQ(i, info.type);
		EXPECT_EQ(0xe, info.features & 0xe);
		EXPECT_EQ(get_param("result_max"), info.result_max);
		EXPECT_EQ(get_param("bytes_max"), info.bytes_max);
		EXPECT_EQ(get_param("objects_max"), info.objects_max);
		EXPECT_EQ(get_param("calls_max"), info.calls_max);
		EXPECT_EQ(get_param("handovers"), info.handovers_default);
		EXPECT_EQ(get_param("leases_max"), info.leases_max);
	}
}

/* I1: what is there only for results may hold anything beforehand. */
TEST_F(field, outputs_are_ignored)
{
	struct job job = acquire(self->sem, 1);

	memset(&job.acquire.token, CANARY, sizeof(job.acquire) -
	       offsetof(struct muster_sem_acquire, token));
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(0, me->job.acquire.outcome);
	EXPECT_EQ(0, me->job.acquire.__pad);

	job = join(self->flight, KEY);
	memset(&job.join.token, CANARY, sizeof(job.join) -
	       offsetof(struct muster_flight_join, token));
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(0, me->job.join.result_len);
	EXPECT_EQ(0, me->job.join.outcome);
	EXPECT_EQ(0, me->job.join.status);
	EXPECT_EQ(1, me->job.join.attempt);
	EXPECT_EQ(0, me->job.join.__pad);

	job = finish(self->flight, KEY, me->job.join.token, 0, NULL);
	job.finish.followers = UINT32_MAX;
	job.finish.__pad = UINT32_MAX;
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(0, me->job.finish.followers);
	EXPECT_EQ(0, me->job.finish.__pad);
}

/* ---- 32 bit ---- */

/**
 * struct client - a run of client32
 * @path:	of the program
 * @name:	of the object that it uses
 * @pid:	its process
 * @input:	where to write to it
 */
struct client {
	char path[PATH_MAX];
	const char *name;
	pid_t pid;
	int input;
};

FIXTURE(compat) {
	const char *name;
	struct client client;
};

FIXTURE_SETUP(compat)
{
	char *path = self->client.path;
	ssize_t n;

	n = readlink("/proc/self/exe", path, sizeof(self->client.path) - 10);
	ASSERT_LT(0, n);
	path[n] = 0;
	strcat(dirname(path), "/client32");
	self->name = unique_name("");
	self->client.name = self->name;
}

FIXTURE_TEARDOWN(compat)
{
}

/* Can the kernel run 32-bit programs, and do we have one? */
static bool can_run(const struct client *client)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execl(client->path, "client32", NULL);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 100;
}

static void start_client(struct client *client, const char *use)
{
	int fds[2];

	if (pipe(fds))
		return;
	client->input = fds[1];
	client->pid = fork();
	if (!client->pid) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl(client->path, "client32", use, client->name, NULL);
		_exit(99);
	}
	close(fds[0]);
}

static void let_go_on(struct client *client)
{
	if (write(client->input, "", 1) != 1)
		close(client->input);
}

/* Its exit status. */
static int end_client(struct client *client)
{
	struct puppet p = { .pid = client->pid };
	int status = wait_puppet(&p);

	return WIFEXITED(status) ? WEXITSTATUS(status) : STUCK;
}

/* I1, I2, W1: a 32-bit process holds permits of a semaphore that a 64-bit one has. */
TEST_F(compat, sem)
{
	__u64 many = 1ULL << 40;
	struct muster_process list[1];
	int fd;

	if (!can_run(&self->client))
		SKIP(return, "no 32-bit programs here");
	fd = open_named(MUSTER_SEM, self->name, O_CREAT, many + 5);
	ASSERT_LE(0, fd);
	start_client(&self->client, "sem");
	ASSERT_SOON(sem_state(fd).held == many + 2);
	ASSERT_EQ(1, sem_processes(fd, list, 1));
	EXPECT_EQ(self->client.pid, list[0].pid);
	EXPECT_EQ(many + 2, list[0].amount);
	EXPECT_EQ(-EAGAIN, ask(me, try_acquire(fd, 4)));
	let_go_on(&self->client);
	ASSERT_SOON(sem_state(fd).held == 1);
	let_go_on(&self->client);
	EXPECT_EQ(0, end_client(&self->client));
	EXPECT_EQ(0, sem_state(fd).held);
}

/* I1, I2, B1: they meet at a barrier. */
TEST_F(compat, barrier)
{
	int fd;

	if (!can_run(&self->client))
		SKIP(return, "no 32-bit programs here");
	fd = open_named(MUSTER_BARRIER, self->name, O_CREAT, 2);
	ASSERT_LE(0, fd);
	start_client(&self->client, "await");
	ASSERT_SOON(barrier_state(fd).waiting == 1);
	EXPECT_EQ(0, ask(me, await(fd)));
	EXPECT_EQ(0, end_client(&self->client));
}

/* I1, I2, F1: one leads, the other follows. */
TEST_F(compat, leader)
{
	struct puppet *follower;
	int fd;

	if (!can_run(&self->client))
		SKIP(return, "no 32-bit programs here");
	fd = open_named(MUSTER_FLIGHT, self->name, O_CREAT, 0);
	ASSERT_LE(0, fd);
	follower = puppet();
	start_client(&self->client, "lead");
	ASSERT_SOON(flight_state(fd).calls == 1);
	tell(follower, join(fd, KEY));
	ASSERT_SOON(flight_state(fd).followers == 1);
	let_go_on(&self->client);
	EXPECT_EQ(0, hear(follower));
	EXPECT_EQ(-32, follower->job.join.status);
	EXPECT_EQ(0, strcmp("from 32 to 64 bit", follower->data));
	EXPECT_EQ(0, end_client(&self->client));
}

/* I1, I2, F1, F3: and the other way round, with too little room. */
TEST_F(compat, follower)
{
	struct job job;
	int fd;

	if (!can_run(&self->client))
		SKIP(return, "no 32-bit programs here");
	fd = open_named(MUSTER_FLIGHT, self->name, O_CREAT, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	start_client(&self->client, "follow");
	ASSERT_SOON(flight_state(fd).followers == 1);
	job = finish(fd, KEY, me->job.join.token, 64, "from 32 to 64 bit");
	job.finish.data_len++;
	EXPECT_EQ(0, ask(me, job));
	EXPECT_EQ(0, end_client(&self->client));
}

/* I1: the upper half of a pointer field counts. */
TEST_F(compat, high_pointer)
{
	int fd;

	if (!can_run(&self->client))
		SKIP(return, "no 32-bit programs here");
	fd = open_named(MUSTER_FLIGHT, self->name, O_CREAT, 0);
	ASSERT_LE(0, fd);
	start_client(&self->client, "high");
	EXPECT_EQ(0, end_client(&self->client));
	EXPECT_EQ(0, flight_state(fd).led);
}

TEST_HARNESS_MAIN
