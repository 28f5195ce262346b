// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page that a process shares with the kernel (L1)
 *
 * By it a type lends its owners what they use without a system call. To the core it is
 * memory that goes with an owner: mmap(2) of the object's descriptor gives it to the
 * process, again and again the same, and it is over when the process closes a descriptor.
 *
 * The mapping is not one of the object's file, which would keep the object and its name
 * alive: it has a file of its own, that keeps only the page and the module.
 *
 * Locking: muster_owner.page is guarded by the object's lock.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/shm.h>
#include <linux/slab.h>

#include "muster.h"
#include "trace.h"

static_assert(sizeof(atomic64_t) == sizeof_field(struct muster_lease, permits));

/* ---- the page ---- */

static struct muster_page *muster_page_create(struct muster_user *user)
{
	struct muster_page *page;

	if (!muster_charge(user, MUSTER_RES_LEASES, 1))
		return ERR_PTR(-ENOSPC);
	page = kzalloc(sizeof(*page), MUSTER_GFP);
	if (!page)
		goto err_charge;
	page->lease = (void *)get_zeroed_page(MUSTER_GFP);
	if (!page->lease)
		goto err_free;
	refcount_set(&page->refs, 1);
	page->user = muster_user_hold(user);
	page->id = get_random_u64() ?: 1;
	page->lease->id = page->id;
	return page;

err_free:
	kfree(page);
err_charge:
	muster_uncharge(user, MUSTER_RES_LEASES, 1);
	return ERR_PTR(-ENOMEM);
}

/* NULL is fine. */
void muster_page_put(struct muster_page *page)
{
	if (!page || !refcount_dec_and_test(&page->refs))
		return;
	free_page((unsigned long)page->lease);
	muster_uncharge(page->user, MUSTER_RES_LEASES, 1);
	muster_user_put(page->user);
	kfree(page);
}

/* The owner's page, with a reference; @fresh becomes it if it has none. */
static struct muster_page *muster_page_attach(struct muster_owner *owner,
					      struct muster_page *fresh)
{
	struct muster_object *object = muster_owner_object(owner);
	struct muster_page *page;

	spin_lock(&object->lock);
	if (!muster_owner_use(owner)) {
		page = ERR_PTR(-EBADF);
	} else {
		if (!owner->page) {
			owner->page = fresh;
			trace_muster_lease_begun(object, owner, fresh->id);
		}
		page = owner->page;
		refcount_inc(&page->refs);
	}
	spin_unlock(&object->lock);
	if (page != fresh)
		muster_page_put(fresh);
	return page;
}

static struct muster_page *muster_page_get(struct muster_owner *owner)
{
	struct muster_object *object = muster_owner_object(owner);
	struct muster_page *page;

	/* What is granted by way of the page is as if granted here (owner.c). */
	spin_lock(&object->lock);
	if (!muster_owner_use(owner))
		page = ERR_PTR(-EBADF);
	else
		page = owner->page;
	if (!IS_ERR_OR_NULL(page))
		refcount_inc(&page->refs);
	spin_unlock(&object->lock);
	if (page)
		return page;
	page = muster_page_create(owner->user);
	return IS_ERR(page) ? page : muster_page_attach(owner, page);
}

/* The owner has no page any more; its reference, or NULL. Under the object's lock. */
struct muster_page *muster_page_detach(struct muster_owner *owner)
{
	struct muster_object *object = muster_owner_object(owner);
	struct muster_page *page = owner->page;

	lockdep_assert_held(&object->lock);

	if (!page)
		return NULL;
	object->type->lease_end(owner);
	WRITE_ONCE(page->lease->state, MUSTER_LEASE_OVER);
	owner->page = NULL;
	trace_muster_lease_over(object, owner, page->id);
	return page;
}

/*
 * A page that could not be mapped, and is mapped by nobody else, is not the owner's. Puts
 * the caller's reference, under the lock: of several who fail the last one sees it.
 */
static void muster_lease_undo(struct muster_owner *owner, struct muster_page *page)
{
	struct muster_object *object = muster_owner_object(owner);

	spin_lock(&object->lock);
	if (owner->page == page) {
		refcount_dec(&page->refs);
		page = refcount_read(&page->refs) == 1 ? muster_page_detach(owner) : NULL;
	}
	spin_unlock(&object->lock);
	muster_page_put(page);
}

/* ---- the mapping ---- */

static int muster_lease_release(struct inode *inode, struct file *file)
{
	muster_page_put(file->private_data);
	return 0;
}

/* Nobody ever has a descriptor of it. */
static const struct file_operations muster_lease_fops = {
	.owner = THIS_MODULE,
	.release = muster_lease_release,
	.llseek = noop_llseek,
};

static int muster_lease_check(const struct muster_file *mfile,
			      const struct vm_area_struct *vma)
{
	const struct muster_type *type = mfile->object->type;

	if (!type->may_lease)
		return -ENODEV;
	/*
	 * Where the kernel's atomic operations are atomic among themselves only, or its
	 * caches may have the page twice: once as the kernel's, once as the process's.
	 */
	if (IS_ENABLED(CONFIG_GENERIC_ATOMIC64) || SHMLBA > PAGE_SIZE)
		return -EOPNOTSUPP;
	if (!muster_leases_on() || mfile->no_lease || !type->may_lease(mfile->object))
		return -EOPNOTSUPP;
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	return vma->vm_flags & VM_EXEC ? -EPERM : 0;
}

/*
 * A child of fork() has no part in what its parent holds, so it does not get the mapping
 * (W3); VM_IO, since no other process may be given it by way of get_user_pages() or
 * MADV_DOFORK either.
 */
static int muster_lease_map(struct vm_area_struct *vma, struct muster_page *page)
{
	struct file *file;
	int err;

	muster_vm_flags(vma, VM_IO | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	if (!muster_file_room())
		return -ENOMEM;
	/* What fails after this unmaps it. */
	err = vm_insert_page(vma, vma->vm_start, virt_to_page(page->lease));
	if (err)
		return err;
	file = anon_inode_getfile("[muster-lease]", &muster_lease_fops, page, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	refcount_inc(&page->refs);
	vma_set_file(vma, file);
	fput(file);
	return 0;
}

/* mmap(2) of an object. */
int muster_object_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct muster_file *mfile = file->private_data;
	struct muster_owner *owner;
	struct muster_page *page;
	int err;

	err = muster_lease_check(mfile, vma);
	if (err)
		return err;
	owner = muster_owner_get(mfile);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	page = muster_page_get(owner);
	if (IS_ERR(page)) {
		err = PTR_ERR(page);
		goto out;
	}
	err = muster_lease_map(vma, page);
	if (err)
		muster_lease_undo(owner, page);
	else
		muster_page_put(page);
out:
	muster_owner_put(owner);
	return err;
}
