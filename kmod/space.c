// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has happened in each IPC namespace: totals (I5)
 *
 * Each namespace with an object in it has its own counters, by CPU, so that to count costs
 * the hot paths next to nothing. A caller is told those of its own namespace; the sum of
 * all is for the administrator of the machine, in /sys/module/muster/totals.
 *
 * The namespace that the machine began with is there all the time. What is known of
 * another one goes with its last object, into the sum of all.
 *
 * Locking: spaces_mutex guards the table, the last reference, and @departed.
 */
#include <linux/hashtable.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "muster.h"

/**
 * struct muster_space - an IPC namespace
 * @link:	in the table
 * @ns:		the namespace; a reference is held, unless it is that of the beginning
 * @refs:	one for each object; one more if it is that of the beginning
 * @totals:	counters
 */
struct muster_space {
	struct hlist_node link;
	struct ipc_namespace *ns;
	refcount_t refs;
	struct muster_totals __percpu *totals;
};

static DEFINE_HASHTABLE(spaces, 8);
static DEFINE_MUTEX(spaces_mutex);
static struct muster_totals departed;
static struct muster_space *first;

/* ---- life ---- */

static struct muster_space *muster_space_alloc(struct ipc_namespace *ns)
{
	struct muster_space *space = kzalloc(sizeof(*space), MUSTER_GFP);

	if (!space)
		return NULL;
	space->totals = alloc_percpu_gfp(struct muster_totals, MUSTER_GFP);
	if (!space->totals) {
		kfree(space);
		return NULL;
	}
	space->ns = ns;
	refcount_set(&space->refs, 1);
	return space;
}

static void muster_space_free(struct muster_space *space)
{
	free_percpu(space->totals);
	kfree(space);
}

static struct muster_space *muster_space_find(const struct ipc_namespace *ns)
{
	struct muster_space *space;

	lockdep_assert_held(&spaces_mutex);

	hash_for_each_possible(spaces, space, link, (unsigned long)ns) {
		if (space->ns == ns) {
			refcount_inc(&space->refs);
			return space;
		}
	}
	return NULL;
}

/* The caller's namespace, if anything is known of it. */
static struct muster_space *muster_space_look(void)
{
	struct muster_space *space;

	mutex_lock(&spaces_mutex);
	space = muster_space_find(current->nsproxy->ipc_ns);
	mutex_unlock(&spaces_mutex);
	return space;
}

/**
 * muster_space_get - the caller's namespace
 *
 * Return: a reference, or NULL if out of memory.
 */
struct muster_space *muster_space_get(void)
{
	struct muster_space *space, *fresh;

	if (likely(current->nsproxy->ipc_ns == first->ns)) {
		refcount_inc(&first->refs);
		return first;
	}
	space = muster_space_look();
	if (space)
		return space;
	fresh = muster_space_alloc(current->nsproxy->ipc_ns);
	if (!fresh)
		return NULL;
	mutex_lock(&spaces_mutex);
	space = muster_space_find(fresh->ns);
	if (!space) {
		muster_ipc_ns_get();
		hash_add(spaces, &fresh->link, (unsigned long)fresh->ns);
	}
	mutex_unlock(&spaces_mutex);
	if (!space)
		return fresh;
	muster_space_free(fresh);
	return space;
}

/* @sum grows by what the CPUs have counted; they go on meanwhile. */
static void muster_space_add(const struct muster_space *space, struct muster_totals *sum)
{
	const size_t first_word = offsetof(struct muster_totals, objects) / sizeof(u64);
	const u64 *count;
	size_t i;
	int cpu;

	for_each_possible_cpu(cpu) {
		count = (const u64 *)per_cpu_ptr(space->totals, cpu);
		for (i = first_word; i < sizeof(*sum) / sizeof(u64); i++)
			((u64 *)sum)[i] += READ_ONCE(count[i]);
	}
}

void muster_space_put(struct muster_space *space)
{
	bool last;

	if (refcount_dec_not_one(&space->refs))
		return;
	mutex_lock(&spaces_mutex);
	last = refcount_dec_and_test(&space->refs);
	if (last) {
		hash_del(&space->link);
		muster_space_add(space, &departed);
	}
	mutex_unlock(&spaces_mutex);
	if (!last)
		return;
	muster_ipc_ns_put(space->ns);
	muster_space_free(space);
}

struct muster_totals __percpu *muster_space_totals(struct muster_space *space)
{
	return space->totals;
}

/* As readlink of /proc/PID/ns/ipc shows it. */
unsigned int muster_space_inum(const struct muster_space *space)
{
	return muster_ipc_ns_inum(space->ns);
}

/* ---- for the callers of a namespace ---- */

static int muster_totals(const struct muster_request *req, struct muster_totals *totals)
{
	struct muster_space *space;

	if (totals->flags)
		return -EINVAL;
	*totals = (struct muster_totals){};
	space = muster_space_look();
	if (space) {
		muster_space_add(space, totals);
		muster_space_put(space);
	}
	return muster_reply(req, totals, objects);
}

MUSTER_HANDLER(muster_totals, struct muster_totals, flags)

int muster_totals_ioctl(struct muster_request *req)
{
	return muster_totals_run(req);
}

/* ---- for the administrator ---- */

static void muster_totals_sum(struct muster_totals *sum)
{
	struct muster_space *space;
	unsigned int bucket;

	mutex_lock(&spaces_mutex);
	*sum = departed;
	hash_for_each(spaces, bucket, space, link)
		muster_space_add(space, sum);
	mutex_unlock(&spaces_mutex);
}

/**
 * struct total - a file of /sys/module/muster/totals
 * @file:	the file
 * @at:		where it is in struct muster_totals
 */
struct total {
	struct kobj_attribute file;
	size_t at;
};

static ssize_t muster_total_show(struct kobject *dir, struct kobj_attribute *file, char *buf)
{
	struct muster_totals sum;

	muster_totals_sum(&sum);
	return sysfs_emit(buf, "%llu\n",
			  *(u64 *)((void *)&sum + container_of(file, struct total, file)->at));
}

#define TOTAL(field) {							\
	.file = __ATTR(field, 0400, muster_total_show, NULL),		\
	.at = offsetof(struct muster_totals, field),			\
}

static struct total files[] = {
	TOTAL(objects),
	TOTAL(led),
	TOTAL(joined),
	TOTAL(served),
	TOTAL(handed_over),
	TOTAL(orphaned),
	TOTAL(forgotten),
	TOTAL(kept),
	TOTAL(granted),
	TOTAL(tripped),
	TOTAL(broken),
	TOTAL(tasks),
	TOTAL(failures),
	TOTAL(waits),
	TOTAL(timeouts),
	TOTAL(deaths),
};

static_assert(offsetof(struct muster_totals, objects) + sizeof(u64) * ARRAY_SIZE(files) ==
	      sizeof(struct muster_totals));

static struct kobject *totals_dir;

/* Those that were made go with their directory. */
static int muster_totals_files(void)
{
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(files) && !err; i++) {
		sysfs_attr_init(&files[i].file.attr);
		err = sysfs_create_file(totals_dir, &files[i].file.attr);
	}
	return err;
}

int muster_spaces_init(void)
{
	int err;

	first = muster_space_alloc(muster_first_ipc_ns());
	if (!first)
		return -ENOMEM;
	hash_add(spaces, &first->link, (unsigned long)first->ns);
	totals_dir = kobject_create_and_add("totals", &THIS_MODULE->mkobj.kobj);
	if (!totals_dir) {
		err = -ENOMEM;
		goto err_space;
	}
	err = muster_totals_files();
	if (err)
		goto err_dir;
	return 0;

err_dir:
	kobject_put(totals_dir);
err_space:
	muster_space_free(first);
	return err;
}

void muster_spaces_exit(void)
{
	kobject_put(totals_dir);
	hash_del(&first->link);
	WARN_ON(!hash_empty(spaces) || refcount_read(&first->refs) != 1);
	muster_space_free(first);
}
