// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes that one process hands to others: a flight's result, a task's
 *
 * They are copied once from whoever brings them and then only read.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "muster.h"

/* @result may be NULL. */
void muster_result_put(struct muster_result *result)
{
	if (result && refcount_dec_and_test(&result->refs))
		kvfree(result);
}

/**
 * muster_result_get - take a result from the caller
 * @data:	where it is
 * @len:	its length
 *
 * Return: a reference to a copy, NULL if empty, or an ERR_PTR: -EMSGSIZE, -ENOMEM,
 * -EFAULT.
 */
struct muster_result *muster_result_get(u64 data, u64 len)
{
	struct muster_result *result;

	if (!len)
		return NULL;
	if (len > muster_result_max())
		return ERR_PTR(-EMSGSIZE);
	result = kvmalloc(struct_size(result, data, len), MUSTER_GFP);
	if (!result)
		return ERR_PTR(-ENOMEM);
	refcount_set(&result->refs, 1);
	result->len = len;
	if (copy_from_user(result->data, u64_to_user_ptr(data), len)) {
		kvfree(result);
		return ERR_PTR(-EFAULT);
	}
	return result;
}
