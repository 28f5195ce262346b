/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs a thing once for all who ask for it. See flights.c.
 */
#ifndef MUSTER_PEERS_FLIGHTS_H
#define MUSTER_PEERS_FLIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_SIZE 16
#define KEYS_MAX 100000
#define RESULT_MAX 65536

/**
 * struct flight - a singleflight between processes
 * @make:	before processes fork; for so many keys at once and results of that size
 * @attach:	what each process has to do before it uses it; may be NULL
 * @join:	true if the caller leads; else it waits, and @result is filled
 * @finish:	the leader's result
 * @keep:	the same, and it stays, to be had by @get
 * @get:	a result that was kept; NULL: by @join
 *
 * A key is a number below KEYS_MAX.
 */
struct flight {
	void (*make)(unsigned int keys, size_t size);
	void (*attach)(void);
	bool (*join)(unsigned int key, char *result);
	void (*finish)(unsigned int key, const char *result, size_t size);
	void (*keep)(unsigned int key, const char *result, size_t size);
	bool (*get)(unsigned int key, char *result);
};

extern const struct flight flight_muster, flight_library, flight_memory, flight_file,
	flight_redis;

/* Of key number @i; KEY_SIZE bytes. */
const char *flight_key(unsigned int i);

#endif
