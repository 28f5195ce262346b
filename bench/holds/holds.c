// SPDX-License-Identifier: GPL-2.0-only
/*
 * The longest time that a spinlock was held, as parameters of the module that is
 * measured. See holds.h.
 */
#include <linux/module.h>
#include <linux/percpu.h>

static ulong hold_max;
module_param(hold_max, ulong, 0644);
MODULE_PARM_DESC(hold_max, "Longest hold since this was set to 0, in ticks of the TSC");

static char *hold_where = "nowhere";
module_param(hold_where, charp, 0444);
MODULE_PARM_DESC(hold_where, "The function that took the lock");

/**
 * struct hold - the locks that a CPU holds
 * @depth:	how many
 * @flags:	of the interrupts before the first
 * @since:	when it was taken
 * @where:	by whom
 */
struct hold {
	unsigned int depth;
	unsigned long flags;
	u64 since;
	const char *where;
};

static DEFINE_PER_CPU(struct hold, holds);

void muster_hold_begin(const char *where)
{
	unsigned long flags;
	struct hold *hold;

	local_irq_save(flags);
	hold = this_cpu_ptr(&holds);
	if (hold->depth++)
		return;
	hold->flags = flags;
	hold->where = where;
	hold->since = rdtsc();
}

void muster_hold_end(void)
{
	struct hold *hold = this_cpu_ptr(&holds);
	u64 now = rdtsc();

	if (--hold->depth)
		return;
	if (now - hold->since > hold_max) {
		hold_max = now - hold->since;
		hold_where = (char *)hold->where;
	}
	local_irq_restore(hold->flags);
}
