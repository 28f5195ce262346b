// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs a thing once for all who ask for it: muster, and what users write for want
 * of it. A mutex and condition variables in shared memory are the fastest of those,
 * and hang for ever when a process dies at the wrong instant; lock files survive that;
 * Redis guesses by a lease.
 */
#include <errno.h>
#include <fcntl.h>
#include <muster.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "flights.h"
#include "peers.h"

static size_t result_size;

const char *flight_key(unsigned int i)
{
	static char (*keys)[KEY_SIZE];
	unsigned int k;

	if (!keys) {
		keys = calloc(KEYS_MAX, KEY_SIZE);
		for (k = 0; k < KEYS_MAX; k++)
			snprintf(keys[k], KEY_SIZE, "key%u", k);
	}
	return keys[i];
}

/* ---- muster, without a library in between ---- */

static int fd;
static uint64_t *tokens;

static void muster_make(unsigned int keys, size_t size)
{
	result_size = size;
	tokens = calloc(keys, sizeof(*tokens));
	fd = open_object(MUSTER_FLIGHT, 0);
}

static bool muster_join(unsigned int key, char *result)
{
	struct muster_flight_join args = {
		.size = sizeof(args),
		.key = (uintptr_t)flight_key(key),
		.key_len = KEY_SIZE,
		.deadline = MUSTER_FOREVER,
		.buf = (uintptr_t)result,
		.buf_len = result_size,
	};

	check("join", do_ioctl(fd, MUSTER_FLIGHT_JOIN, &args), 0);
	tokens[key] = args.token;
	return args.role == MUSTER_ROLE_LEADER;
}

static void muster_end(unsigned int key, const char *result, size_t size, uint64_t keep)
{
	struct muster_flight_finish args = {
		.size = sizeof(args),
		.key = (uintptr_t)flight_key(key),
		.key_len = KEY_SIZE,
		.token = tokens[key],
		.data = (uintptr_t)result,
		.data_len = size,
		.keep = keep,
	};

	check("finish", do_ioctl(fd, MUSTER_FLIGHT_FINISH, &args), 0);
}

static void muster_finish(unsigned int key, const char *result, size_t size)
{
	muster_end(key, result, size, 0);
}

static void muster_keep(unsigned int key, const char *result, size_t size)
{
	muster_end(key, result, size, MUSTER_FOREVER);
}

const struct flight flight_muster = {
	.make = muster_make,
	.join = muster_join,
	.finish = muster_finish,
	.keep = muster_keep,
};

/* ---- muster, through its library ---- */

static bool library_join(unsigned int key, char *result)
{
	struct muster_flight_join join;
	int role = muster_flight_join(fd, flight_key(key), KEY_SIZE, 0, MUSTER_FOREVER,
				      result, result_size, &join);

	tokens[key] = join.token;
	return role == MUSTER_ROLE_LEADER;
}

static void library_finish(unsigned int key, const char *result, size_t size)
{
	check("finish", muster_flight_finish(fd, flight_key(key), KEY_SIZE, tokens[key], 0,
					     result, size) < 0, 0);
}

static void library_keep(unsigned int key, const char *result, size_t size)
{
	check("finish", muster_flight_finish_keep(fd, flight_key(key), KEY_SIZE, tokens[key],
						  0, result, size, MUSTER_FOREVER, 0, 0), 0);
}

const struct flight flight_library = {
	.make = muster_make,
	.join = library_join,
	.finish = library_finish,
	.keep = library_keep,
};

/* ---- a table in shared memory: one mutex, a condition variable for each call ---- */

#define BUCKETS 131072
#define NONE UINT32_MAX

struct entry {
	pthread_cond_t ended;
	char key[KEY_SIZE];
	uint32_t next;		/* in its bucket, or among the free */
	uint32_t refs;
	bool done;
	size_t len;
	char data[];
};

static struct table {
	pthread_mutex_t lock;
	uint32_t free;
	uint32_t buckets[BUCKETS];
} *table;

static char *entries;
static uint32_t *led;

static struct entry *entry_of(uint32_t i)
{
	return (struct entry *)(entries + i * (sizeof(struct entry) + result_size));
}

static void entry_init(uint32_t i)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&entry_of(i)->ended, &attr);
	entry_of(i)->next = table->free;
	table->free = i;
}

static void memory_make(unsigned int keys, size_t size)
{
	pthread_mutexattr_t attr;
	uint32_t i;

	result_size = (size + 7) & ~7UL;
	led = calloc(keys, sizeof(*led));
	table = shared_memory(sizeof(*table));
	entries = shared_memory((keys + 1) * (sizeof(struct entry) + result_size));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&table->lock, &attr);
	memset(table->buckets, 0xff, sizeof(table->buckets));
	table->free = NONE;
	for (i = keys + 1; i > 0; i--)
		entry_init(i - 1);
}

static uint32_t *bucket_of(const char *key)
{
	uint64_t hash = 14695981039346656037ULL, word[KEY_SIZE / 8];

	memcpy(word, key, KEY_SIZE);
	hash = (hash ^ word[0]) * 1099511628211ULL;
	hash = (hash ^ word[1]) * 1099511628211ULL;
	return &table->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static struct entry *entry_find(const char *key)
{
	uint32_t i = *bucket_of(key);

	while (i != NONE && memcmp(entry_of(i)->key, key, KEY_SIZE))
		i = entry_of(i)->next;
	return i == NONE ? NULL : entry_of(i);
}

static uint32_t entry_begin(const char *key)
{
	uint32_t i = table->free, *bucket = bucket_of(key);
	struct entry *entry = entry_of(i);

	if (i == NONE)
		failed("no entry is free");
	table->free = entry->next;
	memcpy(entry->key, key, KEY_SIZE);
	entry->done = false;
	entry->refs = 1;
	entry->next = *bucket;
	*bucket = i;
	return i;
}

static void entry_put(struct entry *entry)
{
	if (__atomic_sub_fetch(&entry->refs, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_lock(&table->lock);
	entry->next = table->free;
	table->free = ((char *)entry - entries) / (sizeof(*entry) + result_size);
	pthread_mutex_unlock(&table->lock);
}

static bool memory_join(unsigned int key, char *result)
{
	struct entry *entry;

	pthread_mutex_lock(&table->lock);
	entry = entry_find(flight_key(key));
	if (!entry) {
		led[key] = entry_begin(flight_key(key));
		pthread_mutex_unlock(&table->lock);
		return true;
	}
	__atomic_add_fetch(&entry->refs, 1, __ATOMIC_RELAXED);
	while (!entry->done)
		pthread_cond_wait(&entry->ended, &table->lock);
	pthread_mutex_unlock(&table->lock);
	memcpy(result, entry->data, entry->len);
	entry_put(entry);
	return false;
}

static void memory_keep(unsigned int key, const char *result, size_t size)
{
	struct entry *entry = entry_of(led[key]);

	memcpy(entry->data, result, size);
	pthread_mutex_lock(&table->lock);
	entry->len = size;
	entry->done = true;
	pthread_cond_broadcast(&entry->ended);
	pthread_mutex_unlock(&table->lock);
}

static void entry_unlink(struct entry *entry)
{
	uint32_t *at = bucket_of(entry->key);

	while (entry_of(*at) != entry)
		at = &entry_of(*at)->next;
	*at = entry->next;
}

static void memory_finish(unsigned int key, const char *result, size_t size)
{
	struct entry *entry = entry_of(led[key]);

	memcpy(entry->data, result, size);
	pthread_mutex_lock(&table->lock);
	entry->len = size;
	entry->done = true;
	entry_unlink(entry);
	if (entry->refs > 1)
		pthread_cond_broadcast(&entry->ended);
	pthread_mutex_unlock(&table->lock);
	entry_put(entry);
}

const struct flight flight_memory = {
	.make = memory_make,
	.join = memory_join,
	.finish = memory_finish,
	.keep = memory_keep,
};

/* ---- lock files: who has it leads, and leaves the result in it ---- */

static int *files;

static const char *file_path(unsigned int key)
{
	static char path[64];

	snprintf(path, sizeof(path), "/dev/shm/%s", flight_key(key));
	return path;
}

/* What was kept by another figure's is not to be found. */
static void file_make(unsigned int keys, size_t size)
{
	unsigned int i;

	result_size = size;
	files = calloc(keys, sizeof(*files));
	for (i = 0; i < keys; i++)
		unlink(file_path(i));
}

/* Is there a result in it? An end without means that the leader has died. */
static bool file_read(int file, char *result)
{
	return pread(file, result, result_size, 0) > 0;
}

static bool file_join(unsigned int key, char *result)
{
	bool got, leads = false;
	int file;

	do {
		file = open(file_path(key), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (file < 0)
			failed("open a lock file");
		if (flock(file, LOCK_EX | LOCK_NB)) {
			check("flock", flock(file, LOCK_SH), 0);
			got = file_read(file, result);
		} else {
			got = file_read(file, result);
			leads = !got;
		}
		if (leads)
			files[key] = file;
		else
			close(file);
	} while (!got && !leads);
	return leads;
}

static void file_keep(unsigned int key, const char *result, size_t size)
{
	if (pwrite(files[key], result, size, 0) != (ssize_t)size)
		failed("write a result");
	close(files[key]);
}

static void file_finish(unsigned int key, const char *result, size_t size)
{
	if (pwrite(files[key], result, size, 0) != (ssize_t)size)
		failed("write a result");
	unlink(file_path(key));
	close(files[key]);
}

const struct flight flight_file = {
	.make = file_make,
	.join = file_join,
	.finish = file_finish,
	.keep = file_keep,
};

/* ---- Redis: SET NX with a lease; the result by GET, or by a message ---- */

static char request[2 * RESULT_MAX + 1024];
static size_t request_len;

static void redis_make(unsigned int keys, size_t size)
{
	(void)keys;
	result_size = size;
	redis_start();
}

static void say(const char *bytes, size_t len)
{
	memcpy(request + request_len, bytes, len);
	request_len += len;
}

/* A part of a command. */
static void say_bytes(const char *bytes, size_t len)
{
	request_len += sprintf(request + request_len, "$%zu\r\n", len);
	say(bytes, len);
	say("\r\n", 2);
}

/* Begins a command of so many parts, with the first two of them. */
static void say_command(int parts, const char *verb, const char *prefix, unsigned int key)
{
	char name[KEY_SIZE + 4];

	request_len += sprintf(request + request_len, "*%d\r\n", parts);
	say_bytes(verb, strlen(verb));
	say_bytes(name, sprintf(name, "%s%s", prefix, flight_key(key)));
}

static void send_request(void)
{
	redis_send(request, request_len);
	request_len = 0;
}

static bool redis_get(unsigned int key, char *result)
{
	size_t len;

	say_command(2, "GET", "r:", key);
	send_request();
	return redis_reply(result, result_size, &len) != '$';
}

/* Subscribes, and then looks whether the result is there already. */
static void redis_follow(unsigned int key, char *result)
{
	size_t len;

	say_command(2, "SUBSCRIBE", "c:", key);
	say_command(2, "GET", "r:", key);
	send_request();
	redis_expect('>');
	if (redis_reply(result, result_size, &len) == '_' &&
	    redis_reply(result, result_size, &len) != '>')
		failed("redis: no message");
	say_command(2, "UNSUBSCRIBE", "c:", key);
	send_request();
	/* Messages that came meanwhile go first; this ends with a number. */
	do {
		redis_reply(request, sizeof(request), &len);
	} while (len != REDIS_NUMBER);
}

static bool redis_join(unsigned int key, char *result)
{
	char buf[16];
	size_t len;

	say_command(6, "SET", "f:", key);
	say("$2\r\nme\r\n$2\r\nNX\r\n$2\r\nPX\r\n$5\r\n30000\r\n", 35);
	send_request();
	if (redis_reply(buf, sizeof(buf), &len) == '+')
		return true;
	redis_follow(key, result);
	return false;
}

static void redis_keep(unsigned int key, const char *result, size_t size)
{
	say_command(3, "SET", "r:", key);
	say_bytes(result, size);
	send_request();
	redis_expect('+');
}

/* For a second the result is there for those who have yet to subscribe. */
static void redis_finish(unsigned int key, const char *result, size_t size)
{
	say_command(5, "SET", "r:", key);
	say_bytes(result, size);
	say("$2\r\nPX\r\n$4\r\n1000\r\n", 18);
	say_command(3, "PUBLISH", "c:", key);
	say_bytes(result, size);
	say_command(2, "DEL", "f:", key);
	send_request();
	redis_expect('+');
	redis_expect(':');
	redis_expect(':');
}

const struct flight flight_redis = {
	.make = redis_make,
	.attach = redis_connect,
	.join = redis_join,
	.finish = redis_finish,
	.keep = redis_keep,
	.get = redis_get,
};
