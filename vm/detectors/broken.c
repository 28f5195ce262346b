// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that is wrong on purpose: "insmod broken.ko bug=NAME" does one thing
 * that a debug kernel must report. vm/test-detectors shows with it that each
 * detector speaks and that vm/run listens. Never installed.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "what to do wrong");

struct thing {
	struct timer_list timer;
	int value[8];
};

static struct thing *thing;
static int sink;

/* All is well: a report now would mean that a detector cries wolf. */
static noinline void broken_not(void)
{
	thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	kfree(thing);
	thing = NULL;
}

static noinline void broken_use_after_free(void)
{
	thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	kfree(thing);
	sink = READ_ONCE(thing->value[1]);
}

static noinline void broken_double_free(void)
{
	thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	kfree(thing);
	kfree(thing);
}

static noinline void broken_overrun(void)
{
	int *array = kcalloc(8, sizeof(*array), GFP_KERNEL);

	if (array)
		WRITE_ONCE(array[8], 1);
	kfree(array);
}

static noinline void broken_index(void)
{
	static int table[4];
	int index = 4;

	OPTIMIZER_HIDE_VAR(index);
	sink = table[index];
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static noinline void broken_lock_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static DEFINE_SPINLOCK(lock);

static noinline void broken_atomic_sleep(void)
{
	spin_lock(&lock);
	msleep(1);
	spin_unlock(&lock);
}

/* Several, as a stale copy of a pointer on some stack can hide one. */
static noinline void broken_leak(void)
{
	int i;

	for (i = 0; i < 16; i++)
		thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	thing = NULL;
}

/* Reached by a pointer, so that it is no leak. */
static noinline void broken_slab(void)
{
	struct kmem_cache *cache = kmem_cache_create("broken_slab", sizeof(*thing), 0, 0, NULL);

	if (!cache)
		return;
	thing = kmem_cache_alloc(cache, GFP_KERNEL);
	kmem_cache_destroy(cache);
}

static void timer_function(struct timer_list *timer)
{
}

static noinline void broken_active_timer(void)
{
	thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	if (!thing)
		return;
	timer_setup(&thing->timer, timer_function, 0);
	mod_timer(&thing->timer, jiffies + 3600 * HZ);
	kfree(thing);
}

static int counter;

/* Until told to stop: the detector watches only some of the accesses. */
static int race_thread(void *unused)
{
	while (!kthread_should_stop()) {
		counter++;
		cond_resched();
	}
	return 0;
}

static noinline void broken_data_race(void)
{
	struct task_struct *threads[2];
	int i;

	for (i = 0; i < 2; i++)
		threads[i] = kthread_run(race_thread, NULL, "race/%d", i);
	msleep(5000);
	for (i = 0; i < 2; i++)
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
}

static const struct {
	const char *name;
	void (*function)(void);
} bugs[] = {
	{ "none", broken_not },
	{ "use_after_free", broken_use_after_free },
	{ "double_free", broken_double_free },
	{ "overrun", broken_overrun },
	{ "index", broken_index },
	{ "lock_inversion", broken_lock_inversion },
	{ "atomic_sleep", broken_atomic_sleep },
	{ "leak", broken_leak },
	{ "slab", broken_slab },
	{ "active_timer", broken_active_timer },
	{ "data_race", broken_data_race },
};

static int __init broken_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bug, bugs[i].name) == 0) {
			bugs[i].function();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_DESCRIPTION("Wrong on purpose, to test detectors");
MODULE_LICENSE("GPL");
