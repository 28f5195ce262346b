/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I1: the layout of each struct, the same for 32-bit and 64-bit programs. What is
 * here never changes; fields may only be added at the end, and SIZE() then grows.
 */
#ifndef MUSTER_ABI_LAYOUT_H
#define MUSTER_ABI_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <linux/muster.h>

#define AT(type, field, offset) \
	static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define SIZE(type, size) \
	static_assert(sizeof(struct type) == (size), #type)
/* Of a struct that nobody tells the size of. */
#define FIXED_SIZE(type, size)	SIZE(type, size)

AT(muster_info, size, 0);
AT(muster_info, flags, 4);
AT(muster_info, api_version, 8);
AT(muster_info, type, 12);
AT(muster_info, features, 16);
AT(muster_info, result_max, 24);
AT(muster_info, bytes_max, 32);
AT(muster_info, objects_max, 40);
AT(muster_info, calls_max, 44);
AT(muster_info, handovers_default, 48);
AT(muster_info, leases_max, 52);
SIZE(muster_info, 56);

AT(muster_open, size, 0);
AT(muster_open, type, 4);
AT(muster_open, oflags, 8);
AT(muster_open, mode, 12);
AT(muster_open, name, 16);
AT(muster_open, name_len, 24);
AT(muster_open, options, 28);
AT(muster_open, limit, 32);
AT(muster_open, initial, 40);
AT(muster_open, created, 48);
AT(muster_open, flags, 52);
SIZE(muster_open, 56);

AT(muster_list, size, 0);
AT(muster_list, flags, 4);
AT(muster_list, type, 8);
AT(muster_list, after_type, 12);
AT(muster_list, after, 16);
AT(muster_list, entries, 24);
AT(muster_list, after_len, 32);
AT(muster_list, nr_entries, 40);
AT(muster_list, more, 44);
SIZE(muster_list, 48);

AT(muster_totals, size, 0);
AT(muster_totals, flags, 4);
AT(muster_totals, objects, 8);
AT(muster_totals, led, 16);
AT(muster_totals, joined, 24);
AT(muster_totals, served, 32);
AT(muster_totals, handed_over, 40);
AT(muster_totals, orphaned, 48);
AT(muster_totals, forgotten, 56);
AT(muster_totals, kept, 64);
AT(muster_totals, granted, 72);
AT(muster_totals, tripped, 80);
AT(muster_totals, broken, 88);
AT(muster_totals, tasks, 96);
AT(muster_totals, failures, 104);
AT(muster_totals, waits, 112);
AT(muster_totals, timeouts, 120);
AT(muster_totals, deaths, 128);
AT(muster_totals, lent, 136);
AT(muster_totals, taken, 144);
AT(muster_totals, all, 152);
SIZE(muster_totals, 160);

AT(muster_entry, type, 0);
AT(muster_entry, mode, 4);
AT(muster_entry, uid, 8);
AT(muster_entry, gid, 12);
AT(muster_entry, options, 16);
AT(muster_entry, files, 20);
AT(muster_entry, limit, 24);
AT(muster_entry, used, 32);
AT(muster_entry, kept, 40);
AT(muster_entry, waiters, 48);
AT(muster_entry, linger_until, 56);
AT(muster_entry, name_len, 64);
AT(muster_entry, name, 72);
FIXED_SIZE(muster_entry, 328);

AT(muster_flight_join, size, 0);
AT(muster_flight_join, flags, 4);
AT(muster_flight_join, key, 8);
AT(muster_flight_join, key_len, 16);
AT(muster_flight_join, deadline, 24);
AT(muster_flight_join, buf, 32);
AT(muster_flight_join, buf_len, 40);
AT(muster_flight_join, token, 48);
AT(muster_flight_join, result_len, 56);
AT(muster_flight_join, role, 64);
AT(muster_flight_join, outcome, 68);
AT(muster_flight_join, status, 72);
AT(muster_flight_join, attempt, 76);
AT(muster_flight_join, shared, 80);
AT(muster_flight_join, age, 88);
AT(muster_flight_join, forget_after, 96);
AT(muster_flight_join, fd, 104);
SIZE(muster_flight_join, 112);

AT(muster_flight_finish, size, 0);
AT(muster_flight_finish, flags, 4);
AT(muster_flight_finish, key, 8);
AT(muster_flight_finish, key_len, 16);
AT(muster_flight_finish, status, 20);
AT(muster_flight_finish, token, 24);
AT(muster_flight_finish, data, 32);
AT(muster_flight_finish, data_len, 40);
AT(muster_flight_finish, followers, 48);
AT(muster_flight_finish, keep, 56);
AT(muster_flight_finish, grace, 64);
AT(muster_flight_finish, fd, 72);
SIZE(muster_flight_finish, 80);

AT(muster_flight_key, size, 0);
AT(muster_flight_key, flags, 4);
AT(muster_flight_key, key, 8);
AT(muster_flight_key, key_len, 16);
AT(muster_flight_key, token, 24);
AT(muster_flight_key, count, 32);
SIZE(muster_flight_key, 40);

AT(muster_flight_fetch, size, 0);
AT(muster_flight_fetch, flags, 4);
AT(muster_flight_fetch, token, 8);
AT(muster_flight_fetch, buf, 16);
AT(muster_flight_fetch, buf_len, 24);
AT(muster_flight_fetch, result_len, 32);
AT(muster_flight_fetch, fd, 40);
SIZE(muster_flight_fetch, 48);

AT(muster_flight_stat, size, 0);
AT(muster_flight_stat, flags, 4);
AT(muster_flight_stat, options, 8);
AT(muster_flight_stat, handovers, 12);
AT(muster_flight_stat, calls, 16);
AT(muster_flight_stat, followers, 24);
AT(muster_flight_stat, led, 32);
AT(muster_flight_stat, joined, 40);
AT(muster_flight_stat, handed_over, 48);
AT(muster_flight_stat, forgotten, 56);
AT(muster_flight_stat, orphaned, 64);
AT(muster_flight_stat, kept, 72);
AT(muster_flight_stat, served, 80);
AT(muster_flight_stat, nr_processes, 88);
AT(muster_flight_stat, key_len, 92);
AT(muster_flight_stat, processes, 96);
AT(muster_flight_stat, key, 104);
SIZE(muster_flight_stat, 112);

AT(muster_process, pid, 0);
AT(muster_process, role, 4);
AT(muster_process, amount, 8);
AT(muster_process, since, 16);
FIXED_SIZE(muster_process, 24);

AT(muster_barrier_await, size, 0);
AT(muster_barrier_await, flags, 4);
AT(muster_barrier_await, deadline, 8);
AT(muster_barrier_await, generation, 16);
AT(muster_barrier_await, token, 24);
AT(muster_barrier_await, index, 32);
AT(muster_barrier_await, outcome, 36);
AT(muster_barrier_await, status, 40);
AT(muster_barrier_await, broken_by, 44);
AT(muster_barrier_await, arrived, 48);
AT(muster_barrier_await, parties, 52);
SIZE(muster_barrier_await, 56);

AT(muster_barrier_complete, size, 0);
AT(muster_barrier_complete, status, 4);
AT(muster_barrier_complete, token, 8);
SIZE(muster_barrier_complete, 16);

AT(muster_barrier_reset, size, 0);
AT(muster_barrier_reset, flags, 4);
SIZE(muster_barrier_reset, 8);

AT(muster_barrier_stat, size, 0);
AT(muster_barrier_stat, flags, 4);
AT(muster_barrier_stat, options, 8);
AT(muster_barrier_stat, parties, 12);
AT(muster_barrier_stat, generation, 16);
AT(muster_barrier_stat, waiting, 24);
AT(muster_barrier_stat, broken_by, 28);
AT(muster_barrier_stat, broken_pid, 32);
AT(muster_barrier_stat, status, 36);
AT(muster_barrier_stat, arrived, 40);
AT(muster_barrier_stat, acting, 44);
AT(muster_barrier_stat, nr_processes, 48);
AT(muster_barrier_stat, processes, 56);
AT(muster_barrier_stat, seats, 64);
AT(muster_barrier_stat, lost, 72);
SIZE(muster_barrier_stat, 80);

AT(muster_barrier_set_parties, size, 0);
AT(muster_barrier_set_parties, flags, 4);
AT(muster_barrier_set_parties, parties, 8);
AT(muster_barrier_set_parties, old_parties, 16);
SIZE(muster_barrier_set_parties, 24);

AT(muster_barrier_member, size, 0);
AT(muster_barrier_member, flags, 4);
AT(muster_barrier_member, seats, 8);
SIZE(muster_barrier_member, 16);

AT(muster_sem_acquire, size, 0);
AT(muster_sem_acquire, flags, 4);
AT(muster_sem_acquire, permits, 8);
AT(muster_sem_acquire, deadline, 16);
AT(muster_sem_acquire, token, 24);
AT(muster_sem_acquire, outcome, 32);
SIZE(muster_sem_acquire, 40);

AT(muster_sem_release, size, 0);
AT(muster_sem_release, flags, 4);
AT(muster_sem_release, permits, 8);
SIZE(muster_sem_release, 16);

AT(muster_sem_set_limit, size, 0);
AT(muster_sem_set_limit, flags, 4);
AT(muster_sem_set_limit, limit, 8);
AT(muster_sem_set_limit, old_limit, 16);
SIZE(muster_sem_set_limit, 24);

AT(muster_sem_stat, size, 0);
AT(muster_sem_stat, flags, 4);
AT(muster_sem_stat, options, 8);
AT(muster_sem_stat, abandoned, 12);
AT(muster_sem_stat, limit, 16);
AT(muster_sem_stat, held, 24);
AT(muster_sem_stat, available, 32);
AT(muster_sem_stat, waiters, 40);
AT(muster_sem_stat, nr_processes, 44);
AT(muster_sem_stat, processes, 48);
AT(muster_sem_stat, idle, 56);
AT(muster_sem_stat, lease, 64);
SIZE(muster_sem_stat, 72);

AT(muster_lease, permits, 0);
AT(muster_lease, id, 8);
AT(muster_lease, state, 16);
FIXED_SIZE(muster_lease, 24);

AT(muster_verdict, size, 0);
AT(muster_verdict, error, 4);
AT(muster_verdict, token, 8);
AT(muster_verdict, generation, 16);
AT(muster_verdict, result_len, 24);
AT(muster_verdict, role, 32);
AT(muster_verdict, outcome, 36);
AT(muster_verdict, status, 40);
AT(muster_verdict, attempt, 44);
AT(muster_verdict, shared, 48);
AT(muster_verdict, index, 52);
AT(muster_verdict, broken_by, 56);
AT(muster_verdict, arrived, 60);
AT(muster_verdict, parties, 64);
FIXED_SIZE(muster_verdict, 72);

AT(muster_group_add, size, 0);
AT(muster_group_add, flags, 4);
AT(muster_group_add, slots, 8);
AT(muster_group_add, deadline, 16);
AT(muster_group_add, first, 24);
SIZE(muster_group_add, 32);

AT(muster_group_claim, size, 0);
AT(muster_group_claim, flags, 4);
AT(muster_group_claim, slot, 8);
SIZE(muster_group_claim, 16);

AT(muster_group_done, size, 0);
AT(muster_group_done, flags, 4);
AT(muster_group_done, slot, 8);
AT(muster_group_done, data, 16);
AT(muster_group_done, data_len, 24);
AT(muster_group_done, status, 32);
SIZE(muster_group_done, 40);

AT(muster_group_wait, size, 0);
AT(muster_group_wait, flags, 4);
AT(muster_group_wait, until, 8);
AT(muster_group_wait, successes, 12);
AT(muster_group_wait, deadline, 16);
AT(muster_group_wait, met, 24);
AT(muster_group_wait, status, 28);
AT(muster_group_wait, slot, 32);
AT(muster_group_wait, pending, 40);
AT(muster_group_wait, succeeded, 44);
AT(muster_group_wait, failed, 48);
AT(muster_group_wait, died, 52);
SIZE(muster_group_wait, 56);

AT(muster_group_result, size, 0);
AT(muster_group_result, flags, 4);
AT(muster_group_result, slot, 8);
AT(muster_group_result, buf, 16);
AT(muster_group_result, buf_len, 24);
AT(muster_group_result, result_len, 32);
AT(muster_group_result, state, 40);
AT(muster_group_result, status, 44);
AT(muster_group_result, pid, 48);
AT(muster_group_result, order, 52);
SIZE(muster_group_result, 56);

AT(muster_group_cancel, size, 0);
AT(muster_group_cancel, flags, 4);
SIZE(muster_group_cancel, 8);

AT(muster_group_stat, size, 0);
AT(muster_group_stat, flags, 4);
AT(muster_group_stat, options, 8);
AT(muster_group_stat, limit, 12);
AT(muster_group_stat, pending, 16);
AT(muster_group_stat, succeeded, 20);
AT(muster_group_stat, failed, 24);
AT(muster_group_stat, died, 28);
AT(muster_group_stat, cancelled, 32);
AT(muster_group_stat, status, 36);
AT(muster_group_stat, slot, 40);
AT(muster_group_stat, adders, 48);
AT(muster_group_stat, waiters, 52);
AT(muster_group_stat, nr_processes, 56);
AT(muster_group_stat, processes, 64);
SIZE(muster_group_stat, 72);

static_assert(MUSTER_INFO == 0xbe00, "ioctl numbers have no size in them");
static_assert(MUSTER_OPEN == 0xbe01, "OPEN");
static_assert(MUSTER_LIST == 0xbe02, "LIST");
static_assert(MUSTER_FLIGHT_JOIN == 0xbe20, "JOIN");
static_assert(MUSTER_FLIGHT_FOLLOWERS == 0xbe26, "FOLLOWERS");
static_assert(MUSTER_BARRIER_AWAIT == 0xbe40, "AWAIT");
static_assert(MUSTER_BARRIER_STAT == 0xbe43, "BARRIER_STAT");
static_assert(MUSTER_BARRIER_LEAVE == 0xbe46, "LEAVE");
static_assert(MUSTER_SEM_ACQUIRE == 0xbe60, "ACQUIRE");
static_assert(MUSTER_SEM_STAT == 0xbe63, "SEM_STAT");
static_assert(MUSTER_GROUP_ADD == 0xbe80, "GROUP_ADD");
static_assert(MUSTER_GROUP_STAT == 0xbe87, "GROUP_STAT");

#undef AT
#undef SIZE
#undef FIXED_SIZE

#endif /* MUSTER_ABI_LAYOUT_H */
