// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What there is, and what has happened
 */
#include <pthread.h>
#include <string.h>

#include "internal.h"

/* They are on the stack: a third of a KiB each. */
#define AT_ONCE	32

/* One page of the list, on behind @last; 0, or what @see said, or a negative errno. */
static int list_page(int device, struct muster_list *list, struct muster_entry *last,
		     int (*see)(const struct muster_entry *entry, void *arg), void *arg)
{
	struct muster_entry entries[AT_ONCE];
	uint32_t i;
	int err;

	list->entries = to_u64(entries);
	list->nr_entries = AT_ONCE;
	err = muster_ioctl(device, MUSTER_LIST, list);
	for (i = 0; !err && i < list->nr_entries; i++)
		err = see(&entries[i], arg);
	if (err || !list->nr_entries)
		return err;
	*last = entries[list->nr_entries - 1];
	list->after_type = last->type;
	list->after = to_u64(last->name);
	list->after_len = last->name_len;
	return 0;
}

/* Also if @see never comes back. */
static void close_device(void *device)
{
	muster_close(*(int *)device);
}

int muster_list(uint32_t type, int (*see)(const struct muster_entry *entry, void *arg),
		void *arg)
{
	struct muster_list list = { .size = sizeof(list), .type = type };
	struct muster_entry last;
	int device = muster_device_open();
	int err;

	if (device < 0)
		return device;
	pthread_cleanup_push(close_device, &device);
	do {
		err = list_page(device, &list, &last, see, arg);
	} while (!err && list.more);
	pthread_cleanup_pop(1);
	return err;
}

int muster_totals(struct muster_totals *totals)
{
	int device = muster_device_open();
	int err;

	if (device < 0)
		return device;
	memset(totals, 0, sizeof(*totals));
	totals->size = sizeof(*totals);
	err = muster_ioctl(device, MUSTER_TOTALS, totals);
	muster_close(device);
	return err;
}
