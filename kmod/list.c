// SPDX-License-Identifier: GPL-2.0-only
/*
 * LIST: the named objects that the caller may open (I5)
 *
 * All objects that are found by a name are in a tree, in order of namespace, type and
 * name, so that a listing goes on behind the name that it has come to: nothing is kept
 * for it between two calls, and it meets no other namespace's names. What the caller may
 * not open leaves no trace in the answer.
 *
 * Locking: muster_names_mutex guards the tree. It is let go after each MUSTER_BATCH
 * objects, and not held while user memory is touched.
 */
#include <linux/cred.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/nsproxy.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "muster.h"

/* It comes in arrays, and callers are not asked for the size that they know it by. */
static_assert(sizeof(struct muster_entry) == 328);

static struct rb_root tree = RB_ROOT;

/**
 * struct listing - a LIST on its way
 * @list:	the caller's struct
 * @entries:	what was found
 * @room:	for how many
 * @nr:		how many there are
 * @at:		the name that it has come to; its namespace is the caller's
 */
struct listing {
	const struct muster_list *list;
	struct muster_entry *entries;
	u32 room;
	u32 nr;
	struct muster_name at;
};

/* Before all others. */
static const struct muster_type no_type;

#define compare(a, b)	((a) < (b) ? -1 : (a) > (b))

static int muster_name_order(const struct muster_name *a, const struct muster_name *b)
{
	return compare(a->ns, b->ns) ?:
	       compare(a->type->id, b->type->id) ?:
	       memcmp(a->bytes, b->bytes, min(a->len, b->len)) ?:
	       compare(a->len, b->len) ?:
	       compare(a->private, b->private);
}

static struct muster_object *muster_object_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct muster_object, in_order);
}

/* From now on the object is listed. */
void muster_list_add(struct muster_object *object)
{
	struct rb_node **link = &tree.rb_node, *parent = NULL;

	lockdep_assert_held(&muster_names_mutex);

	while (*link) {
		parent = *link;
		if (muster_name_order(object->name, muster_object_of(parent)->name) < 0)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&object->in_order, parent, link);
	rb_insert_color(&object->in_order, &tree);
}

void muster_list_remove(struct muster_object *object)
{
	lockdep_assert_held(&muster_names_mutex);

	rb_erase(&object->in_order, &tree);
}

/* The first one behind a name. */
static struct muster_object *muster_list_behind(const struct muster_name *name)
{
	struct rb_node *node = tree.rb_node, *behind = NULL;

	while (node) {
		if (muster_name_order(name, muster_object_of(node)->name) < 0) {
			behind = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return muster_object_of(behind);
}

static bool muster_is_shown(const struct muster_object *object)
{
	u32 private = object->name->private;

	/* Whoever opens this name means another one. */
	if (private != (uid_t)-1 && private != __kuid_val(current_euid()))
		return false;
	return muster_may_open(object);
}

static void muster_entry_fill(struct muster_entry *entry, struct muster_object *object)
{
	struct user_namespace *users = current_user_ns();

	*entry = (struct muster_entry){
		.type = object->type->id,
		.mode = object->mode,
		.uid = from_kuid_munged(users, object->uid),
		.gid = from_kgid_munged(users, object->gid),
		.options = object->options,
		.files = object->lingers ? 0 : refcount_read(&object->refs),
		.name_len = object->name->len,
	};
	if (object->lingers)
		entry->linger_until = object->linger_until + muster_timens_offset();
	memcpy(entry->name, object->name->bytes, object->name->len);
	object->type->count(object, entry);
}

static bool muster_is_asked_for(const struct listing *l, const struct muster_object *object)
{
	return object && object->name->ns == l->at.ns &&
	       (!l->list->type || object->name->type->id == l->list->type);
}

/* One batch: 0 that was all, 1 there is more than room, -EAGAIN there may be more. */
static int muster_list_batch(struct listing *l)
{
	struct muster_object *object = muster_list_behind(&l->at);
	const struct muster_name *last = NULL;
	unsigned int seen;

	lockdep_assert_held(&muster_names_mutex);

	for (seen = 0; seen < MUSTER_BATCH; seen++) {
		if (!muster_is_asked_for(l, object))
			return 0;
		if (muster_is_shown(object)) {
			if (l->nr == l->room)
				return 1;
			muster_entry_fill(&l->entries[l->nr++], object);
		}
		last = object->name;
		object = muster_object_of(rb_next(&object->in_order));
	}
	l->at = *last;
	return -EAGAIN;
}

/* Until there is no room, or nothing left: 1 if there is more, 0, or -EINTR. */
static int muster_list_collect(struct listing *l)
{
	int ret;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		mutex_lock(&muster_names_mutex);
		ret = muster_list_batch(l);
		mutex_unlock(&muster_names_mutex);
		cond_resched();
	} while (ret == -EAGAIN);
	return ret;
}

/* Where it begins: behind what the caller has seen last. */
static int muster_list_begin(struct listing *l)
{
	const struct muster_list *list = l->list;
	const struct muster_type *type = muster_find_type(list->type);
	const struct muster_type *after = muster_find_type(list->after_type);

	if (list->flags || list->__reserved || (list->type && !type) ||
	    (list->after_type && !after) || (type && after && type != after) ||
	    (!after && (list->after || list->after_len)) ||
	    (list->nr_entries && !list->entries))
		return -EINVAL;
	if (list->after_len > MUSTER_NAME_MAX)
		return -ENAMETOOLONG;
	l->room = min_t(u32, list->nr_entries, MUSTER_LIST_MAX);
	l->at.ns = current->nsproxy->ipc_ns;
	l->at.type = after ?: type ?: &no_type;
	l->at.private = (uid_t)-1;
	l->at.len = list->after_len;
	if (copy_from_user(l->at.bytes, u64_to_user_ptr(list->after), list->after_len))
		return -EFAULT;
	return 0;
}

static int muster_list_to(struct listing *l, const struct muster_request *req,
			  struct muster_list *list)
{
	int more;

	if (l->room) {
		l->entries = kvmalloc_array(l->room, sizeof(*l->entries), MUSTER_GFP);
		if (!l->entries)
			return -ENOMEM;
	}
	more = muster_list_collect(l);
	if (more < 0)
		return more;
	if (l->nr && copy_to_user(u64_to_user_ptr(list->entries), l->entries,
				  l->nr * sizeof(*l->entries)))
		return -EFAULT;
	list->nr_entries = l->nr;
	list->more = more;
	return muster_reply(req, list, nr_entries);
}

static int muster_list(const struct muster_request *req, struct muster_list *list)
{
	struct listing *l;
	int err;

	/* A name is too much for the stack. */
	l = kzalloc(sizeof(*l), MUSTER_GFP);
	if (!l)
		return -ENOMEM;
	l->list = list;
	err = muster_list_begin(l) ?: muster_list_to(l, req, list);
	kvfree(l->entries);
	kfree(l);
	return err;
}

MUSTER_HANDLER(muster_list, struct muster_list, more)

int muster_list_ioctl(struct muster_request *req)
{
	return muster_list_run(req);
}
