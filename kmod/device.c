// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/muster, and how an ioctl finds its way
 *
 * The device does two things: it tells what the module is and opens objects. Each
 * argument of an ioctl is a struct that begins with its size, so that old programs
 * run on new modules and new programs get a clean answer from old ones (I1).
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "muster.h"

/*
 * From the range that is reserved for local use. A fixed number lets the node be
 * made at boot and the module be loaded when it is first opened.
 */
#define MUSTER_MINOR 247

/* A new primitive is a line here. */
const struct muster_type *const muster_types[] = {
	&muster_flight_type,
	&muster_barrier_type,
	&muster_sem_type,
	&muster_group_type,
};

const unsigned int muster_nr_types = ARRAY_SIZE(muster_types);

/* muster_fetch() where the caller's struct is another version's, or unaligned. */
int muster_fetch_slow(struct muster_request *req, void *args, size_t size,
		      size_t min_size)
{
	if (get_user(req->size, (u32 __user *)req->arg))
		return -EFAULT;
	if (req->size < min_size)
		return -EINVAL;
	if (req->size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(args, size, req->arg, req->size);
}

/* muster_reply() where the caller's struct is another version's, or unaligned. */
int muster_reply_slow(const struct muster_request *req, const void *args,
		      size_t size, size_t from)
{
	size_t end = min_t(size_t, size, req->size);

	if (end <= from)
		return 0;
	if (copy_to_user(req->arg + from, args + from, end - from))
		return -EFAULT;
	return 0;
}

/*
 * Could the answer be written? It has a page or two, each asked for on its own: of more
 * bytes Linux 6.1 has looked at the first page only.
 */
bool muster_can_reply(const struct muster_request *req)
{
	return !fault_in_safe_writeable(req->arg, 1) &&
	       !fault_in_safe_writeable(req->arg + req->size - 1, 1);
}

static int muster_info(const struct muster_request *req, struct muster_info *info)
{
	unsigned int i;

	if (info->flags)
		return -EINVAL;

	*info = (struct muster_info){ .api_version = MUSTER_API_VERSION };
	if (req->mfile)
		info->type = req->mfile->object->type->id;
	for (i = 0; i < muster_nr_types; i++)
		info->features |= BIT_ULL(muster_types[i]->id);
	muster_quota_info(info);
	return muster_reply(req, info, api_version);
}

/*
 * The file comes before its object: nothing goes for an OPEN that can have no file (O7).
 * @fd is the descriptor that it is to have.
 */
static int muster_open_file(struct muster_open *how, const struct muster_request *req, int fd)
{
	struct muster_file *mfile;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "[muster-%s]", muster_find_type(how->type)->name);
	mfile = muster_file_create(NULL, name, &muster_object_fops, how->oflags & O_NONBLOCK);
	if (IS_ERR(mfile))
		return PTR_ERR(mfile);
	mfile->no_lease = how->flags & MUSTER_OPEN_NO_LEASE;
	err = muster_object_open(how, &mfile->object);
	if (!err)
		err = muster_reply(req, how, created);
	if (err) {
		fput(mfile->file);
		return err;
	}
	fd_install(fd, mfile->file);
	return 0;
}

static int muster_open(const struct muster_request *req, struct muster_open *how)
{
	int fd, err;

	err = muster_object_check(how);
	/* What else can fail comes first: nothing goes for it to make room (O7). */
	if (!err)
		err = muster_reply(req, how, created);
	if (err)
		return err;
	fd = get_unused_fd_flags(how->oflags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = muster_open_file(how, req, fd);
	if (!err)
		return fd;
	put_unused_fd(fd);
	return err;
}

MUSTER_HANDLER(muster_info, struct muster_info, flags)

/* MUSTER_INFO, of the device and of any object. */
int muster_info_ioctl(struct muster_request *req)
{
	return muster_info_run(req);
}

MUSTER_HANDLER(muster_open, struct muster_open, initial)

static const struct muster_command device_commands[] = {
	{ MUSTER_INFO, muster_info_run },
	{ MUSTER_OPEN, muster_open_run },
	{ MUSTER_LIST, muster_list_ioctl },
	{ MUSTER_TOTALS, muster_totals_ioctl },
};

static long muster_device_ioctl(struct file *file, unsigned int cmd,
				unsigned long arg)
{
	struct muster_request req = { .arg = (void __user *)arg };
	const struct muster_command *command;

	command = muster_find_command(device_commands,
				      ARRAY_SIZE(device_commands), cmd);
	return command ? command->run(&req) : -ENOTTY;
}

static void muster_device_fdinfo(struct seq_file *m, struct file *file)
{
	seq_puts(m, "muster-type:\tdevice\n");
	seq_printf(m, "muster-version:\t%u\n", MUSTER_API_VERSION);
}

static const struct file_operations muster_device_fops = {
	.owner = THIS_MODULE,
	.show_fdinfo = muster_device_fdinfo,
	.unlocked_ioctl = muster_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice muster_device = {
	.minor = MUSTER_MINOR,
	.name = "muster",
	.fops = &muster_device_fops,
	.mode = 0666,
};

/* Those before type number @end. */
static void muster_types_unload(unsigned int end)
{
	while (end--) {
		if (muster_types[end]->unload)
			muster_types[end]->unload();
	}
}

static int __init muster_types_load(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < muster_nr_types; i++) {
		err = muster_types[i]->load ? muster_types[i]->load() : 0;
		if (err) {
			muster_types_unload(i);
			return err;
		}
	}
	return 0;
}

static int __init muster_init(void)
{
	int err;

	err = muster_types_load();
	if (err)
		return err;
	err = muster_spaces_init();
	if (err)
		goto err_types;
	err = muster_objects_init();
	if (err)
		goto err_spaces;
	err = muster_owners_init();
	if (err)
		goto err_objects;
	err = misc_register(&muster_device);
	if (err == -EBUSY) {
		muster_device.minor = MISC_DYNAMIC_MINOR;
		err = misc_register(&muster_device);
	}
	if (err)
		goto err_owners;
	return 0;

err_owners:
	muster_owners_exit();
err_objects:
	muster_objects_exit();
err_spaces:
	muster_spaces_exit();
err_types:
	muster_types_unload(muster_nr_types);
	return err;
}

/* No file is open any more: but for what lingers there are no objects left. */
static void __exit muster_exit(void)
{
	misc_deregister(&muster_device);
	muster_linger_exit();
	muster_owners_exit();
	muster_objects_exit();
	muster_spaces_exit();
	muster_types_unload(muster_nr_types);
	muster_quota_exit();
}

module_init(muster_init);
module_exit(muster_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The muster authors");
MODULE_DESCRIPTION("Coordination between processes that survives crashes");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_MISCDEV(MUSTER_MINOR);
MODULE_ALIAS("devname:muster");
