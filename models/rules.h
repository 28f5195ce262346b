/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all models share: rules that an error report names, and lists.
 *
 * rule(F6, x) is assert(x) that reads "... || !(F6)" when it fails, so models/run
 * can tell which rule of the contract was broken. The names are variables only for
 * that; hidden variables are no part of a state.
 */

#define rule(name, holds) assert((holds) || !name)

#define NONE 255

#define bit_of(i) (1 << (i))
#define in_set(set, i) (((set) >> (i)) & 1)
