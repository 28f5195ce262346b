// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has happened in each IPC namespace, to whose objects: totals (I5)
 *
 * Who has made an object has counters for its namespace, by CPU, so that to count costs the
 * hot paths next to nothing. A caller is told those of its own objects, or of all in its
 * namespace if it may open all (O6); the sum of everything is for the administrator of the
 * machine, in /sys/module/muster/totals.
 *
 * Counters go with the last object, into what is known of the departed. In the namespace that
 * the machine began with, which does not go, they stay for so many users that were here last.
 *
 * Locking: spaces_mutex guards all but the counters.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "muster.h"

/* Of so many users counters stay though they have no object. */
#define MUSTER_SPACES_IDLE	256

/**
 * struct muster_space - a user in an IPC namespace
 * @link:	in the table
 * @in_idle:	link in the list of those without objects, if it is one
 * @ns:		the namespace; a reference is held unless it is that of the beginning
 * @uid:	who has made the objects
 * @refs:	one for each object
 * @totals:	counters
 */
struct muster_space {
	struct hlist_node link;
	struct list_head in_idle;
	struct ipc_namespace *ns;
	kuid_t uid;
	unsigned int refs;
	struct muster_totals __percpu *totals;
};

static DEFINE_MUTEX(spaces_mutex);
static DEFINE_HASHTABLE(spaces, 8);
/* The one that was idle first is the first. */
static LIST_HEAD(idle);
static unsigned int nr_idle;
static struct ipc_namespace *first_ns;
/* Of those that are not in the table any more: in @first_ns, and in all others. */
static struct muster_totals departed, departed_others;

/* ---- life ---- */

static unsigned long muster_space_key(const struct ipc_namespace *ns, kuid_t uid)
{
	return (unsigned long)ns + __kuid_val(uid);
}

static void muster_space_free(struct muster_space *space)
{
	if (space->ns != first_ns)
		muster_ipc_ns_put(space->ns);
	free_percpu(space->totals);
	kfree(space);
}

static struct muster_space *muster_space_alloc(void)
{
	struct muster_space *space = kzalloc(sizeof(*space), MUSTER_GFP);

	if (!space)
		return NULL;
	space->totals = alloc_percpu_gfp(struct muster_totals, MUSTER_GFP);
	if (!space->totals) {
		kfree(space);
		return NULL;
	}
	INIT_LIST_HEAD(&space->in_idle);
	space->uid = current_euid();
	space->ns = current->nsproxy->ipc_ns;
	if (space->ns != first_ns)
		muster_ipc_ns_get();
	return space;
}

static struct muster_space *muster_space_find(const struct ipc_namespace *ns, kuid_t uid)
{
	struct muster_space *space;

	lockdep_assert_held(&spaces_mutex);

	hash_for_each_possible(spaces, space, link, muster_space_key(ns, uid)) {
		if (space->ns == ns && uid_eq(space->uid, uid))
			return space;
	}
	return NULL;
}

/* One more reference to what there is for the caller, or else to @fresh; or NULL. */
static struct muster_space *muster_space_enter(struct muster_space *fresh)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct muster_space *space;

	mutex_lock(&spaces_mutex);
	space = muster_space_find(ns, current_euid());
	if (!space && fresh) {
		space = fresh;
		hash_add(spaces, &space->link, muster_space_key(space->ns, space->uid));
	}
	if (space && !space->refs++ && !list_empty(&space->in_idle)) {
		list_del_init(&space->in_idle);
		nr_idle--;
	}
	mutex_unlock(&spaces_mutex);
	return space;
}

/**
 * muster_space_get - where what happens to an object of the caller is counted
 *
 * Return: a reference, or NULL if out of memory.
 */
struct muster_space *muster_space_get(void)
{
	struct muster_space *space, *fresh;

	space = muster_space_enter(NULL);
	if (space)
		return space;
	fresh = muster_space_alloc();
	if (!fresh)
		return NULL;
	space = muster_space_enter(fresh);
	if (space != fresh)
		muster_space_free(fresh);
	return space;
}

/* @sum grows by what was counted, perhaps by others who go on meanwhile. */
static void muster_space_add_words(struct muster_totals *sum, const struct muster_totals *counted)
{
	const size_t end = offsetof(struct muster_totals, all) / sizeof(u64);
	size_t i;

	for (i = offsetof(struct muster_totals, objects) / sizeof(u64); i < end; i++)
		((u64 *)sum)[i] += READ_ONCE(((const u64 *)counted)[i]);
}

static void muster_space_add(const struct muster_space *space, struct muster_totals *sum)
{
	int cpu;

	for_each_possible_cpu(cpu)
		muster_space_add_words(sum, per_cpu_ptr(space->totals, cpu));
}

/* It leaves the table; the caller frees it. */
static void muster_space_depart(struct muster_space *space)
{
	lockdep_assert_held(&spaces_mutex);

	hash_del(&space->link);
	muster_space_add(space, space->ns == first_ns ? &departed : &departed_others);
}

/* It has no objects any more; returns one that is to be freed, or NULL. */
static struct muster_space *muster_space_idle(struct muster_space *space)
{
	lockdep_assert_held(&spaces_mutex);

	if (space->ns == first_ns) {
		list_add_tail(&space->in_idle, &idle);
		if (++nr_idle <= MUSTER_SPACES_IDLE)
			return NULL;
		space = list_first_entry(&idle, struct muster_space, in_idle);
		list_del(&space->in_idle);
		nr_idle--;
	}
	muster_space_depart(space);
	return space;
}

void muster_space_put(struct muster_space *space)
{
	struct muster_space *gone = NULL;

	mutex_lock(&spaces_mutex);
	if (!--space->refs)
		gone = muster_space_idle(space);
	mutex_unlock(&spaces_mutex);
	if (gone)
		muster_space_free(gone);
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

/* All that is known of the namespace. */
static void muster_space_sum(const struct ipc_namespace *ns, struct muster_totals *sum)
{
	struct muster_space *space;
	unsigned int bucket;

	lockdep_assert_held(&spaces_mutex);

	if (ns == first_ns)
		*sum = departed;
	hash_for_each(spaces, bucket, space, link) {
		if (space->ns == ns)
			muster_space_add(space, sum);
	}
}

static int muster_totals(const struct muster_request *req, struct muster_totals *totals)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	bool all = ns_capable(ns->user_ns, CAP_IPC_OWNER);
	struct muster_space *space;

	if (totals->flags)
		return -EINVAL;
	*totals = (struct muster_totals){};
	mutex_lock(&spaces_mutex);
	space = muster_space_find(ns, current_euid());
	if (all)
		muster_space_sum(ns, totals);
	else if (space)
		muster_space_add(space, totals);
	mutex_unlock(&spaces_mutex);
	totals->all = all;
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
	*sum = departed_others;
	muster_space_add_words(sum, &departed);
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
	TOTAL(lent),
	TOTAL(taken),
};

static_assert(offsetof(struct muster_totals, objects) + sizeof(u64) * ARRAY_SIZE(files) ==
	      offsetof(struct muster_totals, all));

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

	first_ns = muster_first_ipc_ns();
	totals_dir = kobject_create_and_add("totals", &THIS_MODULE->mkobj.kobj);
	if (!totals_dir)
		return -ENOMEM;
	err = muster_totals_files();
	if (err)
		kobject_put(totals_dir);
	return err;
}

/* No object is left. */
void muster_spaces_exit(void)
{
	struct muster_space *space, *next;

	kobject_put(totals_dir);
	list_for_each_entry_safe(space, next, &idle, in_idle) {
		hash_del(&space->link);
		muster_space_free(space);
	}
	WARN_ON(!hash_empty(spaces));
}
