// SPDX-License-Identifier: GPL-2.0-only
/*
 * LIST: what the caller may open, and nothing else (I5, O2, O3, O5, O6)
 */
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "muster_util.h"

#define KEY	"key"
/* More than are looked at under one lock, and than one answer has room for. */
#define MANY	150
#define ROOM	256

/**
 * struct names - what puppets need as well
 * @nr:		how many of the names of this test a whole list has
 * @calls:	made for that
 * @entry:	what it says of them
 * @list:	a call
 * @behind:	what it begins behind
 * @text:	names
 * @nr_text:	how many
 */
struct names {
	unsigned int nr;
	unsigned int calls;
	struct muster_entry entry[ROOM];
	struct muster_list list;
	struct muster_entry behind;
	char text[8][MUSTER_NAME_MAX + 1];
	unsigned int nr_text;
};

static struct names *names;

FIXTURE(list) {
	char prefix[64];
	struct puppet *alice;
};

FIXTURE_SETUP(list)
{
	names = shared_memory(sizeof(*names));
	strcpy(self->prefix, unique_name("list"));
	umask(0);
	self->alice = puppet();
	if (ask(self->alice, do_setids(ALICE, ALICE)))
		SKIP(return, "needs root to become another user");
}

FIXTURE_TEARDOWN(list)
{
}

static struct muster_list list_of(struct muster_entry *entries, __u32 nr)
{
	return (struct muster_list){
		.size = sizeof(struct muster_list),
		.entries = to_u64(entries),
		.nr_entries = nr,
	};
}

/* Go on behind that one. */
static void go_behind(struct muster_list *list, const struct muster_entry *entry)
{
	list->after_type = entry->type;
	list->after = to_u64(entry->name);
	list->after_len = entry->name_len;
}

static void take_own(const struct muster_entry *entry, const char *prefix)
{
	if (memcmp(entry->name, prefix, strlen(prefix)) || names->nr == ROOM)
		return;
	names->entry[names->nr++] = *entry;
}

/* Job: arg is a prefix of names, the room of each call, a type. How many there are. */
static int run_list(struct job *job)
{
	const char *prefix = (const char *)job->arg[0];
	struct muster_entry entries[MUSTER_LIST_MAX], last;
	struct muster_list list;
	__u32 i;
	int ret;

	names->nr = 0;
	names->calls = 0;
	list = list_of(entries, job->arg[1]);
	list.type = job->arg[2];
	do {
		ret = call(device_fd, MUSTER_LIST, &list);
		if (ret)
			return ret;
		names->calls++;
		for (i = 0; i < list.nr_entries; i++)
			take_own(&entries[i], prefix);
		if (list.more && !list.nr_entries)
			return -EIO;
		if (list.nr_entries)
			last = entries[list.nr_entries - 1];
		go_behind(&list, &last);
		list.nr_entries = job->arg[1];
	} while (list.more);
	return names->nr;
}

static struct job list_names(const char *prefix, __u32 room, __u32 type)
{
	return (struct job){ .run = run_list, .arg = { (long)prefix, room, type } };
}

static int list_own(const char *prefix)
{
	return ask(me, list_names(prefix, MUSTER_LIST_MAX, 0));
}

/* I5: what is told of an object: a semaphore. */
TEST_F(list, sem)
{
	struct muster_open how = open_how(MUSTER_SEM, self->prefix, O_CREAT, 5);
	struct muster_entry *entry = names->entry;
	struct puppet *waiter;
	int fd, other;
	size_t i;

	how.mode = 0640;
	fd = open_object(&how);
	ASSERT_LE(0, fd);
	other = open_named(MUSTER_SEM, self->prefix, 0, 0);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, ask(me, acquire(fd, 3)));
	waiter = puppet();
	tell(waiter, acquire(fd, 4));
	ASSERT_SOON(sem_state(fd).waiters == 1);
	ASSERT_EQ(1, list_own(self->prefix));
	EXPECT_EQ(MUSTER_SEM, entry->type);
	EXPECT_EQ(0640, entry->mode);
	EXPECT_EQ(geteuid(), entry->uid);
	EXPECT_EQ(getegid(), entry->gid);
	EXPECT_EQ(0, entry->options);
	EXPECT_EQ(2, entry->files);
	EXPECT_EQ(5, entry->limit);
	EXPECT_EQ(3, entry->used);
	EXPECT_EQ(0, entry->kept);
	EXPECT_EQ(1, entry->waiters);
	EXPECT_EQ(0, entry->linger_until);
	ASSERT_EQ(strlen(self->prefix), entry->name_len);
	EXPECT_EQ(0, memcmp(self->prefix, entry->name, entry->name_len));
	for (i = entry->name_len; i < sizeof(entry->name); i++)
		EXPECT_EQ(0, entry->name[i]);
	kill_puppet(waiter);
}

/* I5, O4: a group without a limit has 0, and no other number means that. */
TEST_F(list, no_limit)
{
	int group = open_named(MUSTER_GROUP, self->prefix, O_CREAT, 0);

	ASSERT_LE(0, group);
	ASSERT_EQ(1, list_own(self->prefix));
	EXPECT_EQ(0, names->entry[0].limit);
	EXPECT_EQ(-EINVAL, open_named(MUSTER_GROUP, self->prefix, 0, UINT32_MAX));
}

/* I5: the same of the other types; a signalling semaphore with more than its limit. */
TEST_F(list, types)
{
	struct muster_open how = open_how(MUSTER_SEM, self->prefix, O_CREAT, 5);
	struct puppet *waiter, *patient, *adder, *party, *joiner;
	int flight = open_named(MUSTER_FLIGHT, self->prefix, O_CREAT, 2);
	int barrier = open_named(MUSTER_BARRIER, self->prefix, O_CREAT, 3);
	int group = open_named(MUSTER_GROUP, self->prefix, O_CREAT, 4);
	struct muster_entry *entry = names->entry;
	int sem;

	how.options = MUSTER_SEM_SIGNALLING;
	how.initial = 5;
	sem = open_object(&how);
	ASSERT_LE(0, sem);
	ASSERT_EQ(0, ask(me, set_limit(sem, 3)));
	ASSERT_EQ(0, ask(me, join(flight, KEY)));
	waiter = puppet();
	patient = puppet();
	adder = puppet();
	party = puppet();
	joiner = puppet();
	tell(joiner, join(flight, KEY));
	tell(party, await(barrier));
	ASSERT_EQ(0, ask(me, add(group, 2)));
	ASSERT_EQ(0, ask(me, done(group, MUSTER_SLOT_ANY, 0, "")));
	tell(waiter, wait_for(group, MUSTER_UNTIL_ALL, 0));
	tell(patient, wait_for(group, MUSTER_UNTIL_COUNT, 9));
	tell(adder, add(group, 4));
	ASSERT_SOON(flight_state(flight).followers == 1 &&
		    barrier_state(barrier).waiting == 1 && group_state(group).waiters == 2 &&
		    group_state(group).adders == 1);

	ASSERT_EQ(4, list_own(self->prefix));
	EXPECT_EQ(MUSTER_FLIGHT, entry[0].type);
	EXPECT_EQ(2, entry[0].limit);
	EXPECT_EQ(1, entry[0].used);
	EXPECT_EQ(0, entry[0].kept);
	EXPECT_EQ(1, entry[0].waiters);
	EXPECT_EQ(MUSTER_BARRIER, entry[1].type);
	EXPECT_EQ(3, entry[1].limit);
	EXPECT_EQ(1, entry[1].used);
	EXPECT_EQ(1, entry[1].waiters);
	EXPECT_EQ(MUSTER_SEM, entry[2].type);
	EXPECT_EQ(MUSTER_SEM_SIGNALLING, entry[2].options);
	EXPECT_EQ(3, entry[2].limit);
	EXPECT_EQ(0, entry[2].used);
	EXPECT_EQ(MUSTER_GROUP, entry[3].type);
	EXPECT_EQ(4, entry[3].limit);
	EXPECT_EQ(1, entry[3].used);
	EXPECT_EQ(1, entry[3].kept);
	EXPECT_EQ(3, entry[3].waiters);

	/* One type only. */
	EXPECT_EQ(1, ask(me, list_names(self->prefix, 64, MUSTER_BARRIER)));
	EXPECT_EQ(MUSTER_BARRIER, entry[0].type);
	kill_puppet(waiter);
	kill_puppet(patient);
	kill_puppet(adder);
	kill_puppet(party);
	kill_puppet(joiner);
}

static void make_name(char *name, size_t size, const char *prefix, unsigned int i)
{
	/* Of different lengths, and one the beginning of others. */
	snprintf(name, size, "%s%.*s%u", prefix, i % 3, "aaa", i);
}

static int order(const struct muster_entry *a, const struct muster_entry *b)
{
	return strcmp((const char *)a->name, (const char *)b->name);
}

/* I5: in order, each once, whatever room there is, and though names go meanwhile. */
TEST_F_TIMEOUT(list, pages, 120)
{
	__u32 rooms[] = { 1, 7, 64, 1000 }, i, k;
	char name[128];
	int fds[MANY];

	for (i = 0; i < MANY; i++) {
		make_name(name, sizeof(name), self->prefix, i);
		fds[i] = open_named(MUSTER_SEM, name, O_CREAT, 1);
		ASSERT_LE(0, fds[i]);
	}
	for (k = 0; k < ARRAY_SIZE(rooms); k++) {
		__u32 room = rooms[k] < MUSTER_LIST_MAX ? rooms[k] : MUSTER_LIST_MAX;

		ASSERT_EQ(MANY, ask(me, list_names(self->prefix, room, MUSTER_SEM)));
		EXPECT_LE((MANY + room - 1) / room, names->calls);
		for (i = 1; i < MANY; i++)
			EXPECT_GT(0, order(&names->entry[i - 1], &names->entry[i]));
	}
	/* Behind one that is no more. */
	{
		struct muster_entry *entry = names->entry, answer;
		struct muster_list list = list_of(&answer, 1);

		go_behind(&list, &entry[70]);
		for (i = 0; i < MANY; i++) {
			make_name(name, sizeof(name), self->prefix, i);
			if (!strcmp(name, (char *)entry[70].name))
				close(fds[i]);
		}
		ASSERT_EQ(0, call(device_fd, MUSTER_LIST, &list));
		EXPECT_EQ(1, list.nr_entries);
		EXPECT_EQ(1, list.more);
		EXPECT_EQ(0, order(&entry[71], &answer));
	}
}

/* I5: more than the module takes at once is only room that is left. */
TEST_F(list, room)
{
	struct muster_entry *entries = shared_memory(1000 * sizeof(*entries));
	struct muster_list list = list_of(entries, 1000);
	int fd = open_named(MUSTER_SEM, self->prefix, O_CREAT, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, call(device_fd, MUSTER_LIST, &list));
	EXPECT_LE(1, list.nr_entries);
	EXPECT_GE(MUSTER_LIST_MAX, list.nr_entries);
	/* None: is there anything? */
	list = list_of(NULL, 0);
	ASSERT_EQ(0, call(device_fd, MUSTER_LIST, &list));
	EXPECT_EQ(0, list.nr_entries);
	EXPECT_EQ(1, list.more);
}

/* Job: opens the name that the second arg is, with a mode, and keeps it. */
static int run_open(struct job *job)
{
	struct muster_open how = open_how(MUSTER_SEM, (const char *)job->arg[0], O_CREAT, 1);

	umask(0);
	how.mode = job->arg[1];
	return open_object(&how);
}

static struct job open_as(const char *name, mode_t mode)
{
	return (struct job){ .run = run_open, .arg = { (long)name, mode } };
}

static const char *with(const char *prefix, const char *suffix)
{
	char *name = names->text[names->nr_text++];

	snprintf(name, MUSTER_NAME_MAX + 1, "%s%s", prefix, suffix);
	return name;
}

/* I5, O6: what the caller may not open leaves no trace, not even that there is more. */
TEST_F(list, access)
{
	struct muster_entry *behind = &names->behind;
	struct muster_list *list = &names->list;
	struct job job = { .fd = device_fd, .cmd = MUSTER_LIST, .at = list };
	struct puppet *bob = puppet();
	int room;

	ASSERT_LE(0, ask(self->alice, open_as(with(self->prefix, "1"), 0600)));
	ASSERT_LE(0, ask(self->alice, open_as(with(self->prefix, "2"), 0606)));
	ASSERT_LE(0, ask(self->alice, open_as(with(self->prefix, "3"), 0604)));
	ASSERT_LE(0, ask(self->alice, open_as(with(self->prefix, "4"), 0066)));
	ASSERT_LE(0, ask(self->alice, open_as(with(self->prefix, "5"), 0)));
	ASSERT_EQ(0, ask(bob, do_setids(BOB, BOB)));
	EXPECT_EQ(2, ask(bob, list_names(self->prefix, 1, 0)));
	EXPECT_EQ(0606, names->entry[0].mode);
	EXPECT_EQ(0066, names->entry[1].mode);
	EXPECT_EQ(ALICE, names->entry[0].uid);
	/* Its owner, by the owner's bits; and who may do anything. */
	EXPECT_EQ(3, ask(self->alice, list_names(self->prefix, 64, 0)));
	EXPECT_EQ(5, ask(me, list_names(self->prefix, 2, 0)));
	/* Nor is there more, when all that comes is not bob's to see. */
	ASSERT_LE(0, ask(self->alice, open_as(with("\xff\xff", self->prefix), 0600)));
	behind->type = MUSTER_SEM;
	behind->name_len = 1;
	behind->name[0] = 0xff;
	for (room = 0; room < 2; room++) {
		*list = list_of(names->entry, room);
		go_behind(list, behind);
		list->type = MUSTER_SEM;
		EXPECT_EQ(0, ask(bob, job));
		EXPECT_EQ(0, list->nr_entries);
		EXPECT_EQ(0, list->more);
	}
}

/* O2, I5: a private name is for its user; nobody else is told, root included. */
TEST_F(list, private)
{
	const char *name = with("~", self->prefix);
	int mine;

	ASSERT_LE(0, ask(self->alice, open_as(name, 0666)));
	EXPECT_EQ(0, ask(me, list_names(name, 64, 0)));
	mine = open_named(MUSTER_SEM, name, O_CREAT, 2);
	ASSERT_LE(0, mine);
	EXPECT_EQ(1, ask(me, list_names(name, 64, 0)));
	EXPECT_EQ(2, names->entry[0].limit);
	EXPECT_EQ(1, ask(self->alice, list_names(name, 1, 0)));
	EXPECT_EQ(1, names->entry[0].limit);
}

/* O5: another IPC namespace has other names. */
TEST_F(list, namespace)
{
	struct puppet *there = puppet();
	int fd = open_named(MUSTER_SEM, self->prefix, O_CREAT, 2);

	ASSERT_LE(0, fd);
	if (ask(there, do_unshare(CLONE_NEWIPC)))
		SKIP(return, "there are no IPC namespaces");
	EXPECT_EQ(0, ask(there, list_names("", 64, 0)));
	ASSERT_LE(0, ask(there, open_as(self->prefix, 0600)));
	EXPECT_EQ(1, ask(there, list_names("", 64, 0)));
	EXPECT_EQ(1, names->entry[0].limit);
	EXPECT_EQ(1, list_own(self->prefix));
	EXPECT_EQ(2, names->entry[0].limit);
}

/* An object without a name is not listed, and a name that is gone is not. */
TEST_F(list, gone)
{
	int fd = open_named(MUSTER_SEM, self->prefix, O_CREAT, 2), other = open_sem(77);
	struct muster_list list;
	struct muster_entry *entry = names->entry;
	__u32 i;

	EXPECT_EQ(1, list_own(self->prefix));
	close(fd);
	EXPECT_EQ(0, list_own(self->prefix));
	list = list_of(entry, 64);
	list.type = MUSTER_SEM;
	ASSERT_EQ(0, call(device_fd, MUSTER_LIST, &list));
	for (i = 0; i < list.nr_entries; i++)
		EXPECT_NE(77, entry[i].limit);
	close(other);
}

/* O3: what only lingers is listed as such. */
TEST_F(list, lingers)
{
	int fd = open_named(MUSTER_FLIGHT, self->prefix, O_CREAT, 0);
	__u64 now = clock_ns(CLOCK_MONOTONIC);
	struct job job;

	ASSERT_EQ(0, ask(me, join(fd, KEY)));
	job = finish(fd, KEY, me->job.join.token, 0, "answer");
	job.finish.keep = 600 * NSEC_PER_SEC;
	ASSERT_EQ(0, ask(me, job));
	close(fd);
	ASSERT_EQ(1, list_own(self->prefix));
	EXPECT_EQ(0, names->entry[0].files);
	EXPECT_EQ(1, names->entry[0].kept);
	EXPECT_EQ(0, names->entry[0].used);
	EXPECT_LE(now + 600 * NSEC_PER_SEC, names->entry[0].linger_until);
	EXPECT_GE(clock_ns(CLOCK_MONOTONIC) + 600 * NSEC_PER_SEC,
		  names->entry[0].linger_until);
	fd = open_named(MUSTER_FLIGHT, self->prefix, 0, 0);
	ASSERT_EQ(1, list_own(self->prefix));
	EXPECT_EQ(1, names->entry[0].files);
	EXPECT_EQ(0, names->entry[0].linger_until);
	EXPECT_EQ(1, ask(me, forget(fd, KEY, 0)) + 1);
	close(fd);
	EXPECT_EQ(0, list_own(self->prefix));
}

/* I1: what is not understood. Nothing is written then. */
TEST_F(list, refused)
{
	struct muster_entry entry = { .type = 0 }, was = entry;
	struct muster_list good = list_of(&entry, 1), list;
	int fd = open_named(MUSTER_SEM, self->prefix, O_CREAT, 2);

	ASSERT_LE(0, fd);
#define REFUSED(_err, _field, _value) do {					\
	list = good;								\
	list._field = (_value);							\
	EXPECT_EQ(_err, call(device_fd, MUSTER_LIST, &list));			\
	EXPECT_EQ(0, memcmp(&entry, &was, sizeof(was)));			\
} while (0)
	REFUSED(-EINVAL, type, 5);
	REFUSED(-EINVAL, after_type, 5);
	REFUSED(-EINVAL, after_len, 1);
	REFUSED(-EINVAL, after, to_u64("x"));
	REFUSED(-EINVAL, entries, 0);
	REFUSED(-EFAULT, entries, 8);
	good.after_type = MUSTER_FLIGHT;
	REFUSED(-ENAMETOOLONG, after_len, MUSTER_NAME_MAX + 1);
	REFUSED(-EFAULT, after_len, 1);
	/* Behind the last of a type is the next. */
	ASSERT_EQ(0, call(device_fd, MUSTER_LIST, &good));
	EXPECT_EQ(1, good.nr_entries);
	was = entry;
	good.type = MUSTER_SEM;
	REFUSED(-EINVAL, after_type, MUSTER_FLIGHT);
}

/* Job: names come and go around those that stay. */
static int run_churn(struct job *job)
{
	char name[128];
	int i, fd;

	for (i = 0; i < 600; i++) {
		make_name(name, sizeof(name), (const char *)job->arg[0], i % 50);
		strcat(name, i & 1 ? "!" : "-");
		fd = open_named(MUSTER_SEM, name, O_CREAT, 1);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

/* I5: what is there all the time is told of once, whatever comes and goes. */
TEST_F_TIMEOUT(list, races, 120)
{
	struct job churn = { .run = run_churn, .arg = { (long)with(self->prefix, "") } };
	struct puppet *one = puppet(), *two = puppet();
	unsigned int i, stayed;
	char name[128];
	bool busy;

	for (i = 0; i < 50; i++) {
		make_name(name, sizeof(name), self->prefix, i);
		ASSERT_LE(0, open_named(MUSTER_SEM, name, O_CREAT, 1));
	}
	tell(one, churn);
	tell(two, churn);
	do {
		busy = is_busy(one) || is_busy(two);
		ASSERT_LT(0, ask(me, list_names(self->prefix, 3, MUSTER_SEM)));
		for (stayed = 0, i = 0; i < names->nr; i++) {
			if (!strpbrk((char *)names->entry[i].name + strlen(self->prefix), "-!"))
				stayed++;
			if (i)
				EXPECT_GT(0, order(&names->entry[i - 1], &names->entry[i]));
		}
		EXPECT_EQ(50, stayed);
	} while (busy);
	EXPECT_EQ(0, hear(one));
	EXPECT_EQ(0, hear(two));
}

TEST_HARNESS_MAIN
