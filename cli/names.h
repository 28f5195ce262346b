/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What names there are, and how they are written: ls, stat, top
 */
#ifndef NAMES_H
#define NAMES_H

#include "cli.h"

const char *type_name(uint32_t type);
uint32_t type_of(const char *name);
void each_name(uint32_t type, int (*see)(const struct muster_entry *entry, void *arg),
	       void *arg);
int open_existing(uint32_t type, const void *name, size_t len);
const char *owner_name(uint32_t uid, char *buf, size_t len);
const char *process_name(int pid, char *buf, size_t len);
uint64_t held_around(const struct muster_process *list, int nr);
__attribute__((noreturn)) void die_deadlock(const char *name);
void print_text(const void *text, size_t len, size_t most);
void print_json_string(const void *name, size_t len);

/* Numbers with names, for people or as JSON. */
extern bool as_json;

void begin_totals(const char *whose);
void begin_values(uint32_t type, const void *name, size_t len);
void put_number(const char *name, uint64_t value);
void put_signed(const char *name, int64_t value);
void put_duration(const char *name, uint64_t ns);
void put_text(const char *name, const char *text);
void put_processes(const struct muster_process *processes, int nr);
void end_values(void);

#endif /* NAMES_H */
