/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every header of libmuster begins with; errors in words, and deadlines
 */
#ifndef MUSTER_BASE_H
#define MUSTER_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <linux/muster.h>

/* Around the declarations of each header, so that each may be included alone. */
#ifdef __cplusplus
#define MUSTER_BEGIN_DECLS	_Pragma("GCC visibility push(default)") extern "C" {
#define MUSTER_END_DECLS	} _Pragma("GCC visibility pop")
#else
#define MUSTER_BEGIN_DECLS	_Pragma("GCC visibility push(default)")
#define MUSTER_END_DECLS	_Pragma("GCC visibility pop")
#endif

MUSTER_BEGIN_DECLS


/**
 * muster_strerror - an error of this library in words
 * @err:	as returned; the sign does not matter
 *
 * Says what an error means here ("the barrier is broken", not "broken pipe").
 *
 * Return: a static string, never NULL.
 */
const char *muster_strerror(int err);

/**
 * muster_after_ns - a deadline
 * @ns:		how far from now, in ns
 *
 * Return: the deadline; MUSTER_FOREVER if it is too far away to be counted.
 */
uint64_t muster_after_ns(uint64_t ns);

/**
 * muster_after_ms - a deadline
 * @ms:		how far from now, in ms
 *
 * Return: as muster_after_ns().
 */
uint64_t muster_after_ms(uint64_t ms);

MUSTER_END_DECLS

#endif /* MUSTER_BASE_H */
