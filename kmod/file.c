// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of objects
 *
 * A file is an anonymous inode whose ioctls come from the table of its object's
 * type. A ticket (ticket.c) is one more file of the object that it waits for.
 */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>

#include "muster.h"

/* More than a file and its directory entry take, on a kernel full of debugging, too. */
#define MUSTER_FILE_ROOM 2048

/*
 * Is there memory for a file? The kernel allocates those as for open(2): when the memory
 * cgroup of the caller is full that has somebody killed. So the room is asked for in our
 * own way first. What is freed again stays with the cgroup, where the next allocation
 * finds it; only another process of the cgroup could be faster.
 */
bool muster_file_room(void)
{
	void *room = kmalloc(MUSTER_FILE_ROOM, MUSTER_GFP);

	kfree(room);
	return room;
}

/**
 * muster_file_create - open a file of an object
 * @object:	the object; its reference is the file's now, also on failure. NULL: it is
 *		to be told later, if at all
 * @name:	of the inode
 * @fops:	what to do with it
 * @flags:	O_NONBLOCK or 0
 *
 * Return: the file, which fput() of its @file ends, or an ERR_PTR.
 */
struct muster_file *muster_file_create(struct muster_object *object, const char *name,
				       const struct file_operations *fops, int flags)
{
	struct muster_file *mfile;
	struct file *file;

	mfile = kzalloc(sizeof(*mfile), MUSTER_GFP);
	if (!mfile || !muster_file_room()) {
		file = ERR_PTR(-ENOMEM);
		goto err;
	}
	mfile->object = object;
	INIT_LIST_HEAD(&mfile->owners);
	file = anon_inode_getfile(name, fops, mfile, O_RDWR | flags);
	if (IS_ERR(file))
		goto err;
	mfile->file = file;
	return mfile;
err:
	kfree(mfile);
	if (object)
		muster_object_put(object);
	return ERR_CAST(file);
}

long muster_object_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct muster_file *mfile = file->private_data;
	struct muster_request req = { .mfile = mfile, .arg = (void __user *)arg };
	const struct muster_type *type = mfile->object->type;
	const struct muster_command *command;

	command = muster_find_command(type->commands, type->nr_commands, cmd);
	if (likely(command))
		return command->run(&req);
	return cmd == MUSTER_INFO ? muster_info_ioctl(&req) : -ENOTTY;
}

static __poll_t muster_object_poll(struct file *file, poll_table *wait)
{
	struct muster_file *mfile = file->private_data;
	struct muster_object *object = mfile->object;

	poll_wait(file, &object->poll, wait);
	return object->type->poll(object);
}

/* Some descriptor of the file was closed: by close(), dup2(), exec() or exit. */
int muster_object_flush(struct file *file, fl_owner_t files)
{
	muster_owner_closed(file->private_data, files);
	return 0;
}

int muster_object_release(struct inode *inode, struct file *file)
{
	struct muster_file *mfile = file->private_data;

	if (mfile->object) {
		muster_owner_drop_all(mfile);
		muster_object_put(mfile->object);
	}
	kfree(mfile);
	return 0;
}

/* So many processes that use a file are looked at. */
#define MUSTER_FDINFO_OWNERS	64

/* Who holds how much through the file (W1), as the reader knows them. */
static void muster_owners_fdinfo(struct seq_file *m, struct muster_file *mfile)
{
	struct pid_namespace *pids = proc_pid_ns(file_inode(m->file)->i_sb);
	struct muster_object *object = mfile->object;
	struct muster_owner *owner;
	int n = 0;
	u64 held;

	spin_lock(&object->lock);
	list_for_each_entry(owner, &mfile->owners, in_file) {
		if (n++ == MUSTER_FDINFO_OWNERS)
			break;
		held = object->type->held(owner);
		if (held)
			seq_printf(m, "muster-owner:\t%d %llu\n",
				   pid_nr_ns(owner->pid, pids), held);
	}
	spin_unlock(&object->lock);
}

void muster_object_fdinfo(struct seq_file *m, struct file *file)
{
	struct muster_file *mfile = file->private_data;
	struct muster_object *object = mfile->object;

	seq_printf(m, "muster-type:\t%s\n", object->type->name);
	seq_printf(m, "muster-id:\t%llu\n", object->id);
	if (object->name) {
		seq_puts(m, "muster-name:\t");
		seq_write(m, object->name->bytes, object->name->len);
		seq_putc(m, '\n');
	}
	seq_printf(m, "muster-mode:\t%04o\n", object->mode);
	seq_printf(m, "muster-options:\t%u\n", object->options);
	object->type->fdinfo(object, m);
	muster_owners_fdinfo(m, mfile);
}

const struct file_operations muster_object_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = muster_object_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = muster_object_poll,
	.mmap = muster_object_mmap,
	.flush = muster_object_flush,
	.release = muster_object_release,
	.show_fdinfo = muster_object_fdinfo,
	.llseek = noop_llseek,
};
