/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows kernel versions. The rest of the module reads as if
 * written for the newest kernel; what an older one lacks is made up for here.
 */
#ifndef MUSTER_COMPAT_H
#define MUSTER_COMPAT_H

#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/ipc_namespace.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "muster supports Linux 6.1 and later"
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#ifndef __uninitialized
#define __uninitialized __attribute__((__uninitialized__))
#endif

/*
 * get_ipc_ns() and put_ipc_ns() are not for modules before 7.0. The operations of
 * the namespace's own file in /proc do the same on every kernel.
 */
static inline struct ipc_namespace *muster_ipc_ns_get(void)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;

	if (IS_ENABLED(CONFIG_IPC_NS))
		ns->ns.ops->get(current);
	return ns;
}

static inline void muster_ipc_ns_put(struct ipc_namespace *ns)
{
	if (IS_ENABLED(CONFIG_IPC_NS))
		ns->ns.ops->put(&ns->ns);
}

static inline unsigned int muster_ipc_ns_inum(const struct ipc_namespace *ns)
{
	return IS_ENABLED(CONFIG_IPC_NS) ? ns->ns.inum : 0;
}

/* init_ipc_ns is not for modules before 7.0; this never goes. */
static inline struct ipc_namespace *muster_first_ipc_ns(void)
{
	return init_task.nsproxy->ipc_ns;
}

/*
 * timens_ktime_to_host() is not for modules before 7.0, but the offset of the
 * caller's time namespace is there to be read: what CLOCK_MONOTONIC shows to the
 * caller is the host's plus this.
 */
static inline s64 muster_timens_offset(void)
{
#ifdef CONFIG_TIME_NS
	return timespec64_to_ns(&current->nsproxy->time_ns->offsets.monotonic);
#else
	return 0;
#endif
}

/* hrtimer_setup() is there from 6.13 on, hrtimer_init() was until 6.14. */
static inline void muster_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/*
 * For work that need not stay on the CPU that asks for it. The name is from 6.17; later
 * kernels complain of the one that was.
 */
static inline struct workqueue_struct *muster_work_queue(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return system_dfl_wq;
#else
	return system_unbound_wq;
#endif
}

/*
 * To destroy an rhashtable is to wait for RCU on a kernel with PREEMPT_RT, in 7.2: growth is
 * asked for by irq_work, and irq_work_sync() waits so. Some kernel before it may be the
 * first; where there is no need it does no harm.
 */
#define MUSTER_SLOW_TABLES							\
	(IS_ENABLED(CONFIG_PREEMPT_RT) && LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0))

/* vm_flags_mod() is there from 6.3 on; from then on the field is not written plainly. */
static inline void muster_vm_flags(struct vm_area_struct *vma, unsigned long set,
				   unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

#endif /* MUSTER_COMPAT_H */
