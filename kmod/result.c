// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one process hands to others: a flight's result, a task's
 *
 * Bytes are copied once from whoever brings them and then only read. A file (F3) is
 * opened once more for reading, so that nothing is held of what its bringer does with
 * it, and again for each who wants a descriptor. Only regular files will do: they
 * refer to nothing, so that there are no cycles.
 */
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "muster.h"

/* Up to here results are called short. */
#define RESULT_SHORT 64

/* Up to here their memory may be kept as a spare. */
#define RESULT_SPARE 256

#define RESULT_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

static void muster_result_free(struct muster_result *result)
{
	if (result->file)
		fput(result->file);
	kvfree(result);
}

/* @result may be NULL. */
void muster_result_put(struct muster_result *result)
{
	if (result && refcount_dec_and_test(&result->refs))
		muster_result_free(result);
}

/**
 * muster_result_put_spare - muster_result_put(), but keep short memory for the next one
 * @result:	the result, or NULL
 * @spare:	where to: NULL, or what was put there before. What is there in the end is
 *		for muster_result_put().
 */
void muster_result_put_spare(struct muster_result *result, struct muster_result **spare)
{
	if (!result || !refcount_dec_and_test(&result->refs))
		return;
	if (result->room && result->room <= RESULT_SPARE && !READ_ONCE(*spare)) {
		refcount_set(&result->refs, 1);
		result = xchg(spare, result);
	}
	if (result)
		muster_result_free(result);
}

static int muster_result_fill(struct muster_result *result, u64 data, size_t len)
{
	if (len <= RESULT_SHORT)
		return muster_copy_short(result->data, data, len);
	return copy_from_user(result->data, u64_to_user_ptr(data), len) ? -EFAULT : 0;
}

static struct muster_result *muster_result_alloc(size_t len, size_t bytes)
{
	struct muster_result *result;

	result = kvmalloc(struct_size(result, data, bytes), MUSTER_GFP);
	if (!result)
		return NULL;
	refcount_set(&result->refs, 1);
	result->room = bytes;
	result->file = NULL;
	result->len = len;
	return result;
}

/* One that muster_result_put_spare() has put there, if it has room for so much, or NULL. */
static struct muster_result *muster_result_take_spare(struct muster_result **spare, size_t len)
{
	struct muster_result *result;

	if (!spare || !READ_ONCE(*spare))
		return NULL;
	result = xchg(spare, NULL);
	if (result && result->room < len) {
		muster_result_put(result);
		result = NULL;
	}
	if (result)
		result->len = len;
	return result;
}

/**
 * muster_result_get - take a result from the caller
 * @data:	where it is
 * @len:	its length
 * @spare:	where there may be memory to spare, or NULL; see muster_result_put_spare()
 *
 * Return: a reference to a copy, NULL if empty, or an ERR_PTR: -EMSGSIZE, -ENOMEM,
 * -EFAULT.
 */
struct muster_result *muster_result_get(u64 data, u64 len, struct muster_result **spare)
{
	struct muster_result *result;

	if (!len)
		return NULL;
	if (len > muster_result_max())
		return ERR_PTR(-EMSGSIZE);
	result = muster_result_take_spare(spare, len) ?: muster_result_alloc(len, len);
	if (!result)
		return ERR_PTR(-ENOMEM);
	if (muster_result_fill(result, data, len)) {
		muster_result_put(result);
		return ERR_PTR(-EFAULT);
	}
	return result;
}

/* ---- files ---- */

static bool muster_file_is_memory(struct file *file)
{
	return IS_ENABLED(CONFIG_SHMEM) && file_inode(file)->i_sb->s_magic == TMPFS_MAGIC;
}

/*
 * Can it be handed to anyone? To read it must not depend on a process that serves it,
 * and what has no name must not change any more: that would be seen by nobody else.
 */
static bool muster_file_fits(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;

	if (!S_ISREG(file_inode(file)->i_mode) || sb->s_magic == FUSE_SUPER_MAGIC)
		return false;
	if (!(file->f_path.mnt->mnt_flags & MNT_INTERNAL))
		return sb->s_user_ns == &init_user_ns;
	return muster_file_is_memory(file) &&
	       (READ_ONCE(SHMEM_I(file_inode(file))->seals) & RESULT_SEALS) == RESULT_SEALS;
}

/* One more open file, for reading, with the rights of who opened the first. */
static struct file *muster_file_again(struct file *file)
{
	struct file *again;

	/* Nobody is waited for who has a lease on it. */
	again = dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE | O_NONBLOCK, file->f_cred);
	if (!IS_ERR(again))
		again->f_flags &= ~O_NONBLOCK;
	return again;
}

static struct muster_result *muster_result_of(struct file *file)
{
	struct muster_result *result;
	struct file *again;

	if (!(file->f_mode & FMODE_READ))
		return ERR_PTR(-EBADF);
	if (!muster_file_fits(file))
		return ERR_PTR(-EINVAL);
	result = muster_result_alloc(i_size_read(file_inode(file)), 0);
	if (!result)
		return ERR_PTR(-ENOMEM);
	again = muster_file_again(file);
	if (IS_ERR(again)) {
		muster_result_put(result);
		return ERR_CAST(again);
	}
	result->file = again;
	return result;
}

/**
 * muster_result_get_file - take a file as a result from the caller
 * @fd:		its descriptor
 *
 * Return: a reference to it, or an ERR_PTR: -EBADF, -EINVAL, -ENOMEM, or one of open(2).
 */
struct muster_result *muster_result_get_file(int fd)
{
	struct file *file = fget(fd);
	struct muster_result *result;

	if (!file)
		return ERR_PTR(-EBADF);
	result = muster_result_of(file);
	fput(file);
	return result;
}

/**
 * muster_result_open - a descriptor of a result that is a file
 * @result:	the result
 * @file:	where to put the file. fd_install() gives it to the caller, or
 *		muster_result_close() takes all back.
 *
 * Return: the descriptor, or a negative errno.
 */
int muster_result_open(struct muster_result *result, struct file **file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	*file = muster_file_again(result->file);
	if (!IS_ERR(*file))
		return fd;
	put_unused_fd(fd);
	return PTR_ERR(*file);
}

void muster_result_close(int fd, struct file *file)
{
	fput(file);
	put_unused_fd(fd);
}

/* What it costs to keep it for as long as nobody has it. */
size_t muster_result_kept_bytes(const struct muster_result *result)
{
	if (!result->file || muster_file_is_memory(result->file))
		return result->len;
	return PAGE_SIZE;
}

/* ---- reading ---- */

/**
 * muster_result_read - copy the beginning of a result
 * @result:	the result
 * @to:		where to, with room for @len bytes
 * @len:	how many, up to its length
 *
 * Return: 0, -EFAULT, -EIO if a file is shorter now, or one of read(2).
 */
int muster_result_read(struct muster_result *result, struct iov_iter *to, size_t len)
{
	loff_t pos = 0;
	ssize_t done;

	if (!result->file)
		return copy_to_iter(result->data, len, to) == len ? 0 : -EFAULT;
	iov_iter_truncate(to, len);
	while (iov_iter_count(to)) {
		done = vfs_iter_read(result->file, to, &pos, 0);
		if (done <= 0)
			return done ?: -EIO;
	}
	return 0;
}

/* As muster_result_read(), to user memory. */
int muster_result_copy(struct muster_result *result, u64 to, size_t len)
{
	struct iov_iter iter;

	if (!len)
		return 0;
	if (!result->file)
		return copy_to_user(u64_to_user_ptr(to), result->data, len) ? -EFAULT : 0;
	if (!access_ok(u64_to_user_ptr(to), len))
		return -EFAULT;
	iov_iter_ubuf(&iter, ITER_DEST, u64_to_user_ptr(to), len);
	return muster_result_read(result, &iter, len);
}
