/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measures for how long spinlocks are held. Included before everything else in each
 * file of a muster.ko that is built for that; see bench/holds/build.
 *
 * While a lock is held interrupts are off, so that on one CPU that counts
 * instructions (vm/run --icount) nothing but the module's own path is measured. Of
 * locks inside each other the outermost counts.
 */
#ifndef MUSTER_HOLDS_H
#define MUSTER_HOLDS_H

#include <linux/irqflags.h>
#include <linux/spinlock.h>

void muster_hold_begin(const char *where);
void muster_hold_end(void);

static __always_inline void muster_hold_lock(spinlock_t *lock, const char *where)
{
	muster_hold_begin(where);
	spin_lock(lock);
}

static __always_inline void muster_hold_unlock(spinlock_t *lock)
{
	spin_unlock(lock);
	muster_hold_end();
}

#define spin_lock(lock)			muster_hold_lock(lock, __func__)
#undef spin_lock_nested
#define spin_lock_nested(lock, subclass) muster_hold_lock(lock, __func__)
#define spin_unlock(lock)		muster_hold_unlock(lock)

#endif
