// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Leases: which descriptors have one, and getting it
 *
 * A descriptor gets a lease when permits have been released through it by ioctl a few
 * times. It loses it when the kernel says that the lease is over, since the process has
 * closed a descriptor of that semaphore: perhaps this one, and the number is another's now.
 *
 * Nobody waits here, so that signal handlers may come in between at any instruction: who
 * finds another at work goes on by ioctl.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"
#include "lease.h"

/* After so many releases it is worth it; if it fails, again after twice as many. */
#define LEARN_AFTER	8

/**
 * struct lease_fd - what the slow path knows of a descriptor
 * @lease:	where its page is, or one that it had; there is always some page, as a thread
 *		may be about to look there
 * @releases:	how many it has seen
 * @off:	it is not to have one
 * @busy:	somebody gets one
 */
struct lease_fd {
	struct muster_lease *lease;
	uint32_t releases;
	bool off;
	bool busy;
};

/**
 * struct lease_memory - all that a child of fork(2) finds empty
 * @slots:	for the fast path
 * @fds:	for the slow path
 */
struct lease_memory {
	struct muster_fast_slot slots[LEASE_FDS];
	struct lease_fd fds[LEASE_FDS];
};

/* Where no descriptor has one. */
static struct muster_fast_slot no_slots[LEASE_FDS];
struct muster_fast_slot *muster_slots = no_slots;

static struct lease_memory *memory_get(void)
{
	struct muster_fast_slot *slots = __atomic_load_n(&muster_slots, __ATOMIC_ACQUIRE);

	/* They are what it begins with. */
	return slots == no_slots ? NULL : (struct lease_memory *)slots;
}

/* NULL with errno, see is_for_want_of_memory(). */
static struct lease_memory *memory_map(void)
{
	struct lease_memory *memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct muster_fast_slot *none = no_slots;

	if (memory == MAP_FAILED)
		return NULL;
	if (!madvise(memory, sizeof(*memory), MADV_WIPEONFORK) &&
	    __atomic_compare_exchange_n(&muster_slots, &none, memory->slots, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return memory;
	munmap(memory, sizeof(*memory));
	return memory_get();
}

static struct lease_memory *memory_make(void)
{
	struct lease_memory *memory = memory_get();

	return memory ? memory : memory_map();
}

static bool begin(struct lease_fd *lf)
{
	return !__atomic_exchange_n(&lf->busy, true, __ATOMIC_ACQUIRE);
}

static void end(struct lease_fd *lf)
{
	__atomic_store_n(&lf->busy, false, __ATOMIC_RELEASE);
}

static void lead_to(struct lease_memory *memory, int fd, struct muster_lease *lease)
{
	struct muster_fast_slot *slot = &memory->slots[fd];
	uintptr_t to = lease ? (uintptr_t)&lease->permits - (uintptr_t)&slot->none : 0;

	__atomic_store_n(&slot->to_word, to, __ATOMIC_RELEASE);
}

/*
 * Nothing was moved to where the former page was. If that is gone there is to be a page
 * again, as a thread may be about to look there. If something is there it may be the former
 * page, or what another thread has mapped meanwhile: it is let alone, for good.
 */
static void fill_gap(struct lease_fd *lf, size_t size)
{
	void *at = lf->lease;
	void *page = mmap(at, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (page == at)
		return;
	__atomic_store_n(&lf->lease, NULL, __ATOMIC_RELAXED);
	if (page != MAP_FAILED)
		munmap(page, size);
}

/* As a rule the second does. */
#define MAP_TRIES	4

/* 0 if the descriptor, still, is one of the semaphore that this is a lease of; or an error. */
static int check(int fd, const struct muster_lease *lease)
{
	struct muster_sem_stat stat;
	int err = muster_sem_stat(fd, &stat, NULL, 0);

	if (err < 0)
		return err;
	return stat.lease && stat.lease == lease->id ? 0 : -EBADF;
}

/*
 * Maps the page, at the address of the former one if there was one; 0 or an error. What any
 * other file has mapped is nobody's to go by, nor to keep.
 */
static int map(int fd, struct lease_fd *lf)
{
	size_t size = getpagesize();
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int err;

	if (page == MAP_FAILED)
		return -errno;
	err = check(fd, page);
	if (err) {
		munmap(page, size);
		return err;
	}
	if (lf->lease && mremap(page, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
				lf->lease) == MAP_FAILED) {
		err = -errno;
		fill_gap(lf, size);
		munmap(page, size);
		return err;
	}
	if (!lf->lease)
		__atomic_store_n(&lf->lease, page, __ATOMIC_RELAXED);
	return 0;
}

/*
 * The number may come to be another's at any time. If that was before the page was mapped,
 * or is after the look, the lease is over, and the word 0; else the look shows it. And another
 * thread may decide that there is to be none: it writes @off before the slot, here it is
 * the reverse, so that one of the two sees the other.
 */
static int bind(struct lease_memory *memory, int fd)
{
	struct lease_fd *lf = &memory->fds[fd];
	int tries, err;

	/* An operation that is a lock and a few instructions would not be one to the kernel. */
	if (!__atomic_always_lock_free(sizeof(lf->lease->permits), NULL))
		return -EOPNOTSUPP;
	lead_to(memory, fd, NULL);
	/* One that is mapped while another thread uses the semaphore first is over at once. */
	for (tries = 0; tries < MAP_TRIES; tries++) {
		err = map(fd, lf);
		if (err != -EBADF)
			break;
	}
	if (err)
		return err;
	lead_to(memory, fd, lf->lease);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&lf->off, __ATOMIC_RELAXED))
		err = -EOPNOTSUPP;
	else if (check(fd, lf->lease))
		err = -EBADF;
	if (err)
		lead_to(memory, fd, NULL);
	return err;
}

/* bind(), if no other thread is about that; errno is left alone. */
static int bind_alone(struct lease_memory *memory, int fd)
{
	struct lease_fd *lf = &memory->fds[fd];
	int saved = errno, err;

	if (!begin(lf))
		return -EAGAIN;
	err = bind(memory, fd);
	end(lf);
	errno = saved;
	return err;
}

static bool is_bound(struct lease_memory *memory, int fd)
{
	return __atomic_load_n(&memory->slots[fd].to_word, __ATOMIC_RELAXED);
}

static bool is_over(const struct lease_fd *lf)
{
	struct muster_lease *lease = __atomic_load_n(&lf->lease, __ATOMIC_RELAXED);

	return !lease || __atomic_load_n(&lease->state, __ATOMIC_RELAXED) == MUSTER_LEASE_OVER;
}

/* Whether it is time to try: after LEARN_AFTER releases, and twice as many, and so on. */
static bool is_time(uint32_t *releases)
{
	uint32_t n = __atomic_add_fetch(releases, 1, __ATOMIC_RELAXED);

	return n >= LEARN_AFTER && !(n & (n - 1));
}

/* The library's memory for leases; as long as it has none, if it is time to try. */
static struct lease_memory *memory_learn(void)
{
	static uint32_t releases;
	struct lease_memory *memory = memory_get();
	int saved = errno;

	if (memory || !is_time(&releases))
		return memory;
	memory = memory_map();
	errno = saved;
	return memory;
}

/**
 * muster_lease_learn - permits are about to be released by ioctl
 * @fd:		by that descriptor
 */
void muster_lease_learn(int fd)
{
	struct lease_memory *memory;
	struct lease_fd *lf;

	if ((unsigned int)fd >= LEASE_FDS)
		return;
	memory = memory_learn();
	if (!memory)
		return;
	lf = &memory->fds[fd];
	if (__atomic_load_n(&lf->off, __ATOMIC_RELAXED))
		return;
	if (is_bound(memory, fd)) {
		if (!is_over(lf))
			return;
		lead_to(memory, fd, NULL);
		__atomic_store_n(&lf->releases, 0, __ATOMIC_RELAXED);
	}
	if (is_time(&lf->releases))
		bind_alone(memory, fd);
}

/**
 * muster_lease_forget - the descriptor is a new one
 * @fd:		the descriptor
 */
void muster_lease_forget(int fd)
{
	struct lease_memory *memory = memory_get();

	if ((unsigned int)fd >= LEASE_FDS || !memory)
		return;
	lead_to(memory, fd, NULL);
	__atomic_store_n(&memory->fds[fd].releases, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&memory->fds[fd].off, 0, __ATOMIC_RELAXED);
}

/* Why memory_make() failed; if it was for another reason it will ever fail. */
static bool is_for_want_of_memory(int err)
{
	/* madvise(2) says EAGAIN, and mmap(2) does for memory that is to be locked. */
	return err == ENOMEM || err == EAGAIN;
}

int muster_sem_lease(int fd, int on)
{
	struct lease_memory *memory;
	int saved = errno, err;

	if ((unsigned int)fd >= LEASE_FDS)
		return on ? -EOPNOTSUPP : 0;
	memory = memory_make();
	err = is_for_want_of_memory(errno) ? -ENOMEM : -EOPNOTSUPP;
	errno = saved;
	/* That there is to be none matters if there may be one some day. */
	if (!memory)
		return on || err == -ENOMEM ? err : 0;
	__atomic_store_n(&memory->fds[fd].off, !on, __ATOMIC_RELAXED);
	if (on)
		return bind_alone(memory, fd);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	lead_to(memory, fd, NULL);
	return 0;
}

int muster_sem_fast(int fd, struct muster_fast *fast)
{
	int err = muster_sem_lease(fd, 1);

	*fast = muster_fast_of(fd);
	if ((unsigned int)fd >= LEASE_FDS)
		fast->slot = no_slots;
	return err;
}
