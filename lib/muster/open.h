/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The module, and what all that open objects have in common
 */
#ifndef MUSTER_OPEN_H
#define MUSTER_OPEN_H

#include "base.h"

MUSTER_BEGIN_DECLS

/**
 * muster_info - what the module that is loaded can do, and its limits
 * @info:	filled in; @info->type is 0
 *
 * Return: 0, or what open(2) of /dev/muster says: -ENOENT if the module is not
 * loaded (-ENODEV or -ENXIO if the node is there all the same), -EACCES.
 */
int muster_info(struct muster_info *info);

/**
 * muster_fd_info - the same, through an object
 * @fd:		any object
 * @info:	filled in; @info->type tells what @fd is: MUSTER_FLIGHT, ...
 *
 * Return: 0, or -ENOTTY if it is none of these.
 */
int muster_fd_info(int fd, struct muster_info *info);

/*
 * What the functions that open have in common:
 *
 * @name:	name of the object, 1 to MUSTER_NAME_MAX bytes, none of them a control
 *		character; one that begins with '~' is private to the caller's user.
 *		NULL: an object without a name, for the caller, its children, and whom
 *		it sends the descriptor to. Names are per type and IPC namespace.
 * @oflags:	O_CREAT, O_EXCL, O_NONBLOCK as for open(2), or 0. O_CLOEXEC is always
 *		set. Without a name O_CREAT and O_EXCL say nothing.
 * @mode:	permission bits of a new named object, less the umask (0600, 0666, ...)
 *
 * Numbers and options may be 0 on opening an object that exists: whatever it has.
 * If they are not, they must be its own (O4). An object lives as long as somebody
 * has a descriptor of it; there is nothing to unlink (O3).
 *
 * Return: a descriptor, which the caller is to close, or -ENOENT there is no such
 * object and O_CREAT was not set, or there is no /dev/muster; -EEXIST, with
 * O_CREAT | O_EXCL; -EACCES; -EINVAL a parameter is not valid, or not that of the
 * existing object; -ENAMETOOLONG; -ENOSPC the user has too many objects; -EMFILE,
 * -ENFILE.
 */

/**
 * muster_open - open an object by all that the kernel interface has
 * @how:	see <linux/muster.h>. @size and O_CLOEXEC are filled in; @created is
 *		set on success.
 *
 * Return: see above.
 */
int muster_open(struct muster_open *how);

MUSTER_END_DECLS

#endif /* MUSTER_OPEN_H */
