// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits of each user (O7)
 *
 * Memory is charged to the caller's memory cgroup by the allocator. This is the
 * other half: counts that stop one user from filling the tables that all share.
 * A user is a kuid, whatever user namespace it is seen from: a new user namespace
 * brings no new allowance.
 *
 * Locking: users_lock guards the table and the last reference. The counts are
 * atomic.
 */
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "muster.h"

static unsigned int objects_max = 4096;
module_param(objects_max, uint, 0644);
MODULE_PARM_DESC(objects_max, "Most objects of one user (default 4096)");

static unsigned int calls_max = 131072;
module_param(calls_max, uint, 0644);
MODULE_PARM_DESC(calls_max,
		 "Most keys in flight, kept and unfetched results, and tasks of one user (default 131072)");

static unsigned int leases_max = 4096;
module_param(leases_max, uint, 0644);
MODULE_PARM_DESC(leases_max,
		 "Most leases of permits of one user; 0 for none at all (default 4096)");

static ulong bytes_max = 16 << 20;
module_param(bytes_max, ulong, 0644);
MODULE_PARM_DESC(bytes_max, "Most result bytes kept for one user (default 16 MiB)");

static ulong result_max = 1 << 20;
module_param(result_max, ulong, 0644);
MODULE_PARM_DESC(result_max, "Most bytes of one flight's result (default 1 MiB)");

static unsigned int handovers = 3;
module_param(handovers, uint, 0644);
MODULE_PARM_DESC(handovers,
		 "Hand-overs per call of a flight group that says none (default 3)");

/**
 * struct muster_user - what a user has
 * @link:	in the table
 * @uid:	who
 * @refs:	one for each object, owner and call
 * @used:	by resource
 * @kept:	what is kept for it, and may go when room is needed
 * @lingering:	struct muster_object.in_user; guarded by muster_names_mutex
 */
struct muster_user {
	struct hlist_node link;
	kuid_t uid;
	refcount_t refs;
	atomic64_t used[MUSTER_NR_RESOURCES];
	struct muster_kept kept;
	struct list_head lingering;
};

static DEFINE_HASHTABLE(users, 8);
static DEFINE_SPINLOCK(users_lock);

static struct muster_user *muster_user_find(kuid_t uid)
{
	struct muster_user *user;

	lockdep_assert_held(&users_lock);

	hash_for_each_possible(users, user, link, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid) && refcount_inc_not_zero(&user->refs))
			return user;
	}
	return NULL;
}

/**
 * muster_user_get - the user that the caller's resources count for
 *
 * Return: a reference, or NULL if out of memory.
 */
struct muster_user *muster_user_get(void)
{
	kuid_t uid = current_uid();
	struct muster_user *user, *fresh;

	spin_lock(&users_lock);
	user = muster_user_find(uid);
	spin_unlock(&users_lock);
	if (user)
		return user;

	fresh = kzalloc(sizeof(*fresh), MUSTER_GFP);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	refcount_set(&fresh->refs, 1);
	spin_lock_init(&fresh->kept.lock);
	INIT_LIST_HEAD(&fresh->kept.list);
	INIT_LIST_HEAD(&fresh->lingering);

	spin_lock(&users_lock);
	user = muster_user_find(uid);
	if (!user)
		hash_add(users, &fresh->link, __kuid_val(uid));
	spin_unlock(&users_lock);
	if (!user)
		return fresh;
	kfree(fresh);
	return user;
}

struct muster_user *muster_user_hold(struct muster_user *user)
{
	refcount_inc(&user->refs);
	return user;
}

void muster_user_put(struct muster_user *user)
{
	bool last;
	int i;

	if (refcount_dec_not_one(&user->refs))
		return;
	spin_lock(&users_lock);
	last = refcount_dec_and_test(&user->refs);
	if (last)
		hash_del(&user->link);
	spin_unlock(&users_lock);
	if (!last)
		return;
	for (i = 0; i < MUSTER_NR_RESOURCES; i++)
		WARN_ON_ONCE(atomic64_read(&user->used[i]));
	kfree(user);
}

struct muster_kept *muster_user_kept(struct muster_user *user)
{
	return &user->kept;
}

struct list_head *muster_user_lingering(struct muster_user *user)
{
	return &user->lingering;
}

static u64 muster_parameter(enum muster_resource res)
{
	switch (res) {
	case MUSTER_RES_OBJECTS:
		return READ_ONCE(objects_max);
	case MUSTER_RES_CALLS:
		return READ_ONCE(calls_max);
	case MUSTER_RES_BYTES:
		return READ_ONCE(bytes_max);
	case MUSTER_RES_LEASES:
		return READ_ONCE(leases_max);
	default:
		return 0;
	}
}

/* What is counted never gets beyond what a sum of two can hold. */
static u64 muster_limit(enum muster_resource res)
{
	return min_t(u64, muster_parameter(res), S64_MAX);
}

/**
 * muster_charge - count something that a user makes the kernel keep
 * @user:	who
 * @res:	what
 * @n:		how many
 *
 * Return: whether the user may have it. If not, nothing was counted.
 */
bool muster_charge(struct muster_user *user, enum muster_resource res, u64 n)
{
	u64 limit = muster_limit(res);
	s64 used;

	if (n > limit)
		return false;
	used = atomic64_read(&user->used[res]);
	do {
		if (used > (s64)(limit - n))
			return false;
	} while (!atomic64_try_cmpxchg(&user->used[res], &used, used + n));
	return true;
}

/* As muster_charge(), whatever the limit is: what is there already changes hands. */
void muster_charge_over(struct muster_user *user, enum muster_resource res, u64 n)
{
	atomic64_add(n, &user->used[res]);
}

/* What is kept and oldest goes, as it is worth less than what the user wants now (F8). */
static bool muster_evict_kept(struct muster_user *user)
{
	unsigned int i;

	for (i = 0; i < muster_nr_types; i++) {
		if (muster_types[i]->evict && muster_types[i]->evict(user))
			return true;
	}
	return false;
}

/* Something goes that is worth less than what the user wants now (O3, F8). */
static bool muster_evict(struct muster_user *user)
{
	return muster_linger_evict(user) || muster_evict_kept(user);
}

/**
 * muster_keep - what counts for a user already is kept, and may go when room is needed
 * @user:	who
 * @entry:	to be put into the list of struct muster_kept
 * @bytes:	how many it has
 */
void muster_keep(struct muster_user *user, struct list_head *entry, u64 bytes)
{
	struct muster_kept *kept = &user->kept;

	spin_lock(&kept->lock);
	list_add_tail(entry, &kept->list);
	kept->used[MUSTER_RES_CALLS]++;
	kept->used[MUSTER_RES_BYTES] += bytes;
	spin_unlock(&kept->lock);
}

/* It is kept no more, and counts no more, both at once: see muster_may_have(). */
void muster_unkeep(struct muster_user *user, struct list_head *entry, u64 bytes)
{
	struct muster_kept *kept = &user->kept;

	spin_lock(&kept->lock);
	list_del(entry);
	kept->used[MUSTER_RES_CALLS]--;
	kept->used[MUSTER_RES_BYTES] -= bytes;
	muster_uncharge(user, MUSTER_RES_CALLS, 1);
	muster_uncharge(user, MUSTER_RES_BYTES, bytes);
	spin_unlock(&kept->lock);
}

/* An object lingers, and may go when room is needed. Under muster_names_mutex. */
void muster_lingers(struct muster_user *user, struct list_head *entry)
{
	list_add_tail(entry, &user->lingering);
	spin_lock(&user->kept.lock);
	user->kept.used[MUSTER_RES_OBJECTS]++;
	spin_unlock(&user->kept.lock);
}

/* Who sees that it may go finds it in the list, and does not look again and again. */
void muster_lingers_not(struct muster_user *user, struct list_head *entry)
{
	spin_lock(&user->kept.lock);
	user->kept.used[MUSTER_RES_OBJECTS]--;
	spin_unlock(&user->kept.lock);
	list_del(entry);
}

/* Would there be room if all went that may go? */
bool muster_may_have(struct muster_user *user, enum muster_resource res, u64 n)
{
	u64 limit = muster_limit(res);
	s64 used;

	spin_lock(&user->kept.lock);
	used = atomic64_read(&user->used[res]) - user->kept.used[res];
	spin_unlock(&user->kept.lock);
	return n <= limit && used <= (s64)(limit - n);
}

/**
 * muster_make_room - muster_charge(), at the cost of what may go, the oldest first
 * @user:	who
 * @res:	what; not objects
 * @n:		how many
 *
 * Return: as muster_charge(). Nothing goes if there is no room even then.
 */
bool muster_make_room(struct muster_user *user, enum muster_resource res, u64 n)
{
	while (!muster_charge(user, res, n)) {
		if (!muster_may_have(user, res, n))
			return false;
		/* If there is nothing that may go, others have made room. */
		muster_evict(user);
		cond_resched();
	}
	return true;
}

/**
 * muster_make_room_for - muster_make_room() for calls that somebody is told of
 * @user:	who
 * @n:		how many
 * @req:	where; NULL if it has another way
 *
 * Return: 0, -ENOSPC, or -EFAULT: at the limit nothing goes for who cannot be told (O7).
 */
int muster_make_room_for(struct muster_user *user, u64 n, const struct muster_request *req)
{
	if (likely(muster_charge(user, MUSTER_RES_CALLS, n)))
		return 0;
	if (req && !muster_can_reply(req))
		return -EFAULT;
	return muster_make_room(user, MUSTER_RES_CALLS, n) ? 0 : -ENOSPC;
}

/**
 * muster_make_room_by - muster_make_room(), perhaps at the time of somebody else
 * @user:	who
 * @res:	what; not objects
 * @n:		how many
 * @evictions:	how many kept results may go for it, less those that went
 *
 * Return: as muster_charge().
 */
bool muster_make_room_by(struct muster_user *user, enum muster_resource res, u64 n,
			 unsigned int *evictions)
{
	while (!muster_charge(user, res, n)) {
		if (!muster_may_have(user, res, n) || !*evictions)
			return false;
		if (muster_evict_kept(user))
			--*evictions;
		cond_resched();
	}
	return true;
}

void muster_uncharge(struct muster_user *user, enum muster_resource res, u64 n)
{
	WARN_ON_ONCE(atomic64_sub_return(n, &user->used[res]) < 0);
}

/* Whatever the parameter says, one piece of memory must be able to hold it. */
u64 muster_result_max(void)
{
	return min_t(u64, READ_ONCE(result_max), SZ_1G);
}

u32 muster_handovers_default(void)
{
	return min_t(u32, READ_ONCE(handovers), INT_MAX);
}

bool muster_leases_on(void)
{
	return READ_ONCE(leases_max);
}

void muster_quota_info(struct muster_info *info)
{
	info->result_max = muster_result_max();
	info->bytes_max = READ_ONCE(bytes_max);
	info->objects_max = READ_ONCE(objects_max);
	info->calls_max = READ_ONCE(calls_max);
	info->handovers_default = muster_handovers_default();
	info->leases_max = READ_ONCE(leases_max);
}

void muster_quota_exit(void)
{
	WARN_ON(!hash_empty(users));
}
