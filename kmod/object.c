// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects, their names, and who may open them
 *
 * A named object is in the table of names as long as a file refers to it: the last
 * close takes object and name away together, but for what may linger (O3, linger.c).
 *
 * Locking: muster_names_mutex guards the table of names and the step of a named object's
 * reference count to 0. Nothing is allocated for a caller under it, so a caller
 * that is out of memory keeps nobody waiting.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/fs_struct.h>
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "muster.h"
#include "trace.h"

static struct rhashtable names;

/* Where what may wait for RCU is done, if there is such a thing; they share the wait. */
static struct workqueue_struct *ends;
#define ENDS_AT_ONCE	64

static atomic64_t last_id;
/* See "Locking" above. */
DEFINE_MUTEX(muster_names_mutex);

static u32 muster_name_hash(const void *key, u32 len, u32 seed)
{
	const struct muster_name *name = key;

	return jhash(name->bytes, name->len,
		     jhash_3words((u32)(uintptr_t)name->ns, name->type->id,
				  name->private, seed));
}

static u32 muster_object_hash(const void *obj, u32 len, u32 seed)
{
	const struct muster_object *object = obj;

	return muster_name_hash(object->name, len, seed);
}

static int muster_object_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct muster_object *object = obj;
	const struct muster_name *a = arg->key, *b = object->name;

	return a->ns != b->ns || a->type != b->type || a->private != b->private ||
	       a->len != b->len || memcmp(a->bytes, b->bytes, a->len);
}

static const struct rhashtable_params names_params = {
	.head_offset = offsetof(struct muster_object, by_name),
	.hashfn = muster_name_hash,
	.obj_hashfn = muster_object_hash,
	.obj_cmpfn = muster_object_cmp,
	.automatic_shrinking = true,
};

const struct muster_type *muster_find_type(u32 id)
{
	unsigned int i;

	for (i = 0; i < muster_nr_types; i++) {
		if (muster_types[i]->id == id)
			return muster_types[i];
	}
	return NULL;
}

/* ---- names ---- */

static int muster_name_copy(struct muster_name *name, const struct muster_open *how)
{
	u32 i;

	if (how->name_len > MUSTER_NAME_MAX)
		return -ENAMETOOLONG;
	if (!how->name_len)
		return how->name ? -EINVAL : 0;
	if (copy_from_user(name->bytes, u64_to_user_ptr(how->name), how->name_len))
		return -EFAULT;
	for (i = 0; i < how->name_len; i++) {
		if (name->bytes[i] < ' ' || name->bytes[i] == 127)
			return -EINVAL;
	}
	name->len = how->name_len;
	name->private = (uid_t)-1;
	if (name->bytes[0] == '~')
		name->private = __kuid_val(current_euid());
	return 0;
}

static struct muster_name *muster_name_get(const struct muster_type *type,
					   const struct muster_open *how)
{
	struct muster_name *name;
	int err;

	name = kzalloc(sizeof(*name), MUSTER_GFP);
	if (!name)
		return ERR_PTR(-ENOMEM);
	err = muster_name_copy(name, how);
	if (err) {
		kfree(name);
		return ERR_PTR(err);
	}
	name->type = type;
	name->ns = muster_ipc_ns_get();
	return name;
}

static void muster_name_put(struct muster_name *name)
{
	if (!name)
		return;
	muster_ipc_ns_put(name->ns);
	kfree(name);
}

/* ---- access ---- */

/* As for POSIX semaphores: who opens it must be allowed to read and to write. */
bool muster_may_open(const struct muster_object *object)
{
	umode_t mode = object->mode;

	if (uid_eq(current_euid(), object->uid))
		mode >>= 6;
	else if (in_egroup_p(object->gid))
		mode >>= 3;
	if ((mode & 0006) == 0006)
		return true;
	return ns_capable(object->name->ns->user_ns, CAP_IPC_OWNER);
}

static bool muster_options_match(struct muster_object *object,
				 const struct muster_open *how)
{
	return (!how->options || how->options == object->options) &&
	       object->type->matches(object, how);
}

/* ---- life ---- */

/*
 * What is about to end anyway is waited for; then what lingers goes for it, if that helps.
 * 0 or -ENOSPC.
 */
static int muster_object_charge(struct muster_user *user)
{
	for (;;) {
		if (muster_charge(user, MUSTER_RES_OBJECTS, 1))
			return 0;
		if (ends) {
			flush_workqueue(ends);
			if (muster_charge(user, MUSTER_RES_OBJECTS, 1))
				return 0;
		}
		if (!muster_may_have(user, MUSTER_RES_OBJECTS, 1))
			return -ENOSPC;
		/* If nothing lingers any more, what did may have made room. */
		muster_linger_evict(user);
		cond_resched();
	}
}

/* Takes over @name on success. */
static struct muster_object *muster_object_create(const struct muster_type *type,
						  struct muster_name *name,
						  const struct muster_open *how)
{
	struct muster_object *object;
	int err = -ENOMEM;

	object = kzalloc(type->object_size, MUSTER_GFP);
	if (!object)
		return ERR_PTR(-ENOMEM);
	object->user = muster_user_get();
	if (!object->user)
		goto err_free;
	object->space = muster_space_get();
	if (!object->space)
		goto err_user;
	object->totals = muster_space_totals(object->space);
	object->id = atomic64_inc_return(&last_id);
	object->type = type;
	spin_lock_init(&object->lock);
	init_waitqueue_head(&object->poll);
	refcount_set(&object->refs, 1);
	refcount_set(&object->pins, 1);
	object->options = how->options;
	object->mode = how->mode & ~current_umask();
	object->uid = current_euid();
	object->gid = current_egid();
	err = type->init(object, how);
	if (err)
		goto err_space;
	/* Last: what goes for it does not go for what is refused. */
	err = muster_object_charge(object->user);
	if (err)
		goto err_init;
	if (name->len)
		object->name = name;
	else
		muster_name_put(name);
	muster_count(&object->totals->objects);
	return object;

err_init:
	type->destroy(object);
err_space:
	muster_space_put(object->space);
err_user:
	muster_user_put(object->user);
err_free:
	kfree(object);
	return ERR_PTR(err);
}

static void muster_object_end(struct muster_object *object)
{
	object->type->destroy(object);
	if (object->type->may_wait)
		muster_uncharge(object->user, MUSTER_RES_OBJECTS, 1);
	muster_name_put(object->name);
	muster_user_put(object->user);
	kfree(object);
}

static void muster_object_end_work(struct work_struct *work)
{
	muster_object_end(container_of(work, struct muster_object, ending));
}

/* Whoever has pinned the object is through with it. */
void muster_object_unpin(struct muster_object *object)
{
	if (!refcount_dec_and_test(&object->pins))
		return;
	if (!object->type->may_wait) {
		muster_object_end(object);
		return;
	}
	INIT_WORK(&object->ending, muster_object_end_work);
	queue_work(ends, &object->ending);
}

/*
 * What may wait is done by others, many at a time: the dead would be a long time dying. Until
 * that is done the object counts for its user.
 */
static void muster_object_free(struct muster_object *object)
{
	const struct muster_type *type = object->type;

	if (type->drop)
		type->drop(object);
	muster_count_n(&object->totals->objects, -1);
	muster_space_put(object->space);
	if (!type->may_wait)
		muster_uncharge(object->user, MUSTER_RES_OBJECTS, 1);
	muster_object_unpin(object);
}

/* Nobody finds it by its name any more. */
void muster_object_unlist(struct muster_object *object)
{
	lockdep_assert_held(&muster_names_mutex);

	object->listed = false;
	muster_list_remove(object);
	rhashtable_remove_fast(&names, &object->by_name, names_params);
}

/*
 * What lingers and is not what the caller asks for is in nobody's way: it goes as soon as
 * there is one to take its place.
 */
static struct muster_object *muster_object_differs(struct muster_object *object,
						   struct muster_object **remains)
{
	if (!object->lingers)
		return ERR_PTR(-EINVAL);
	if (remains)
		*remains = object;
	return ERR_PTR(-ENOENT);
}

/*
 * A reference to the object of that name if the caller may have it, or an error. @remains,
 * if it is not NULL, is set to one that has to make way when that is -ENOENT.
 */
static struct muster_object *muster_object_find(const struct muster_name *name,
						const struct muster_open *how,
						struct muster_object **remains)
{
	struct muster_object *object;

	lockdep_assert_held(&muster_names_mutex);

	object = rhashtable_lookup_fast(&names, name, names_params);
	if (!object)
		return ERR_PTR(-ENOENT);
	if ((how->oflags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return ERR_PTR(-EEXIST);
	if (!muster_may_open(object))
		return ERR_PTR(-EACCES);
	if (!muster_options_match(object, how))
		return muster_object_differs(object, remains);
	if (object->lingers) {
		muster_linger_end(object);
		trace_muster_object_found(object);
	} else {
		refcount_inc(&object->refs);
	}
	return object;
}

/* Finds the object of that name or, where there is none, makes @fresh it. */
static struct muster_object *muster_object_enter(struct muster_object *fresh,
						 const struct muster_open *how)
{
	struct muster_object *object, *remains = NULL;
	int err;

	mutex_lock(&muster_names_mutex);
	object = muster_object_find(fresh->name, how, &remains);
	if (object == ERR_PTR(-ENOENT)) {
		err = rhashtable_insert_fast(&names, &fresh->by_name, names_params);
		fresh->listed = !err;
		if (err)
			remains = NULL;
		else
			muster_list_add(fresh);
		if (remains) {
			muster_linger_end(remains);
			muster_object_unlist(remains);
		}
		object = err ? ERR_PTR(err == -E2BIG ? -ENOSPC : -ENOMEM) : fresh;
	}
	mutex_unlock(&muster_names_mutex);
	if (remains)
		muster_object_put(remains);
	return object;
}

static struct muster_object *muster_object_open_named(const struct muster_type *type,
						      struct muster_name *name,
						      struct muster_open *how)
{
	struct muster_object *object, *fresh;

	mutex_lock(&muster_names_mutex);
	object = muster_object_find(name, how, NULL);
	mutex_unlock(&muster_names_mutex);
	if (object != ERR_PTR(-ENOENT) || !(how->oflags & O_CREAT)) {
		muster_name_put(name);
		return object;
	}

	fresh = muster_object_create(type, name, how);
	if (IS_ERR(fresh)) {
		muster_name_put(name);
		return fresh;
	}
	object = muster_object_enter(fresh, how);
	if (object == fresh)
		how->created = 1;
	else
		muster_object_free(fresh);
	return object;
}

/* May that be asked for at all? 0 or -EINVAL. */
int muster_object_check(const struct muster_open *how)
{
	const struct muster_type *type = muster_find_type(how->type);

	if (!type || how->flags & ~MUSTER_OPEN_NO_LEASE || how->mode & ~0777 ||
	    how->options & ~type->options ||
	    how->oflags & ~(O_CREAT | O_EXCL | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return 0;
}

/**
 * muster_object_open - find or create what an OPEN asks for
 * @how:	what is asked for, and may be; @how->created is set
 * @object:	where to put the reference
 *
 * Return: 0 or a negative errno.
 */
int muster_object_open(struct muster_open *how, struct muster_object **object)
{
	const struct muster_type *type = muster_find_type(how->type);
	struct muster_name *name;
	struct muster_object *found;

	name = muster_name_get(type, how);
	if (IS_ERR(name))
		return PTR_ERR(name);
	how->created = !name->len;
	if (name->len) {
		found = muster_object_open_named(type, name, how);
	} else {
		found = muster_object_create(type, name, how);
		if (IS_ERR(found))
			muster_name_put(name);
	}
	if (IS_ERR(found))
		return PTR_ERR(found);

	if (how->created)
		trace_muster_object_created(found);
	*object = found;
	return 0;
}

/* The last reference to a named object, it seems; whether it is to be freed. */
static bool muster_object_put_named(struct muster_object *object)
{
	bool last;

	mutex_lock(&muster_names_mutex);
	/* Through 0 goes only what dies: whoever sees 0 may take that for the end. */
	if (object->listed && refcount_read(&object->refs) == 1 &&
	    muster_linger_begin(object)) {
		mutex_unlock(&muster_names_mutex);
		return false;
	}
	last = refcount_dec_and_test(&object->refs);
	if (last && object->listed)
		muster_object_unlist(object);
	mutex_unlock(&muster_names_mutex);
	return last;
}

void muster_object_put(struct muster_object *object)
{
	bool last;

	if (refcount_dec_not_one(&object->refs))
		return;
	last = object->name ? muster_object_put_named(object) :
	       refcount_dec_and_test(&object->refs);
	if (!last)
		return;
	trace_muster_object_gone(object);
	muster_object_free(object);
}

int muster_objects_init(void)
{
	int err = rhashtable_init(&names, &names_params);

	if (err || !MUSTER_SLOW_TABLES)
		return err;
	ends = alloc_workqueue("muster_end", WQ_UNBOUND, ENDS_AT_ONCE);
	if (ends)
		return 0;
	rhashtable_destroy(&names);
	return -ENOMEM;
}

void muster_objects_exit(void)
{
	if (ends)
		destroy_workqueue(ends);
	WARN_ON(atomic_read(&names.nelems));
	rhashtable_destroy(&names);
}
