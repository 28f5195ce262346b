// SPDX-License-Identifier: GPL-2.0-only
/*
 * LIST, a few names at a time, while others come and go: what is there all the time is told
 * of once, in order (I5). See storm.h.
 */
#include <stdio.h>
#include <string.h>

#include "storm.h"

/* So few that most names are found from the middle of the list on. */
#define ROOM		3
/* Two names of a round come and go. */
#define MOST		(HISTORY_OBJECTS + 2)

static int compare(const struct muster_entry *a, const struct muster_entry *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return strcmp((const char *)a->name, (const char *)b->name);
}

/* The next ones behind @last, which is of type 0 at the beginning; how many. */
static __u32 list_some(const struct muster_entry *last, struct muster_entry *entries, bool *more)
{
	struct muster_list list = {
		.size = sizeof(list),
		.after_type = last->type,
		.after = last->type ? (__u64)(unsigned long)last->name : 0,
		.after_len = last->type ? last->name_len : 0,
		.entries = (__u64)(unsigned long)entries,
		.nr_entries = ROOM,
	};

	if (storm_call(STORM_DEVICE_FD, MUSTER_LIST, &list))
		storm_die("LIST");
	*more = list.more;
	return list.nr_entries;
}

static void check_entry(const struct muster_entry *entry, const struct muster_entry *last)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "storm-%u-", storm->round);
	storm_check(CLAIM_LIST, compare(last, entry) < 0 &&
		    !strncmp((const char *)entry->name, prefix, strlen(prefix)),
		    "%s is listed behind %s", entry->name, last->name);
}

static unsigned int times_listed(const struct storm_object *object,
				 const struct muster_entry *entries, __u32 nr)
{
	unsigned int n = 0;
	__u32 i;

	for (i = 0; i < nr; i++)
		n += !strcmp((const char *)entries[i].name, object->name) &&
		     entries[i].type == storm_types[object->type]->id && entries[i].files;
	return n;
}

void storm_listing(void)
{
	static struct muster_entry entries[1 + MOST + ROOM];
	__u32 nr = 1, some, i;
	bool more = true;

	/* The first is one before all others. */
	memset(&entries[0], 0, sizeof(entries[0]));
	while (more && nr <= MOST) {
		some = list_some(&entries[nr - 1], &entries[nr], &more);
		for (i = nr; i < nr + some; i++)
			check_entry(&entries[i], &entries[i - 1]);
		nr += some;
		if (!some)
			break;
	}
	storm_check(CLAIM_LIST, !more, "the list has no end");
	for (i = 0; i < storm->nr_objects; i++) {
		if (storm->objects[i].fd >= 0)
			storm_check(CLAIM_LIST,
				    times_listed(&storm->objects[i], entries, nr) == 1,
				    "%s is not listed once", storm->objects[i].name);
	}
}
