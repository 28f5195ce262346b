// SPDX-License-Identifier: GPL-2.0-only
/*
 * What names there are, and how they are written
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "names.h"

static const char *const type_names[] = {
	[MUSTER_FLIGHT] = "flight",
	[MUSTER_BARRIER] = "barrier",
	[MUSTER_SEM] = "sem",
	[MUSTER_GROUP] = "group",
};

const char *type_name(uint32_t type)
{
	return type < ARRAY_SIZE(type_names) && type_names[type] ? type_names[type] : "?";
}

uint32_t type_of(const char *name)
{
	uint32_t type;

	for (type = 1; type < ARRAY_SIZE(type_names); type++) {
		if (!strcmp(type_names[type], name))
			return type;
	}
	die_usage("%s: not a type: flight, barrier, sem, group", name);
}

/* Calls @see for all that the user may open, in order of type and name. */
void each_name(uint32_t type, int (*see)(const struct muster_entry *entry, void *arg), void *arg)
{
	int err = muster_list(type, see, arg);

	if (err == -ENOTTY)
		die_old("list names");
	if (err)
		die_open(err, MUSTER_DEVICE);
}

/* An object that is there already; or a negative errno. */
int open_existing(uint32_t type, const void *name, size_t len)
{
	struct muster_open how = {
		.type = type,
		.name = (uintptr_t)name,
		.name_len = len,
	};

	return muster_open(&how);
}

const char *owner_name(uint32_t uid, char *buf, size_t len)
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(buf, len, "%s", user->pw_name);
	else
		snprintf(buf, len, "%u", uid);
	return buf;
}

/* ---- processes ---- */

/* 0 if it is not there for us. */
static pid_t parent_of(pid_t pid)
{
	char path[32], text[512], *end;
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* The name may be anything, but is shorter than that. */
	end = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	if (!end || sscanf(end, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

/**
 * held_around - how much is held by processes that this one is run by, or by itself
 * @list:	who holds, as a STAT has it
 * @nr:		how many, or a negative errno: then nobody
 *
 * They wait for this process, so that it would wait for ever for what they hold; unless
 * it was started in the background, which cannot be seen.
 */
uint64_t held_around(const struct muster_process *list, int nr)
{
	uint64_t held = 0;
	pid_t pid;
	int i;

	for (pid = getpid(); nr > 0 && pid > 0; pid = parent_of(pid)) {
		for (i = 0; i < nr; i++) {
			if (list[i].role == MUSTER_PROCESS_HOLDER && list[i].pid == pid)
				held += list[i].amount ? list[i].amount : 1;
		}
	}
	return held;
}

void die_deadlock(const char *name)
{
	die("%s: a process that runs this one has it: this would wait for itself. One in the background that is to wait for its end says --timeout forever",
	    name);
}

/* The length of a UTF-8 character that is well formed; 0 if it is not. */
static size_t character(const unsigned char *text, size_t len)
{
	size_t need = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 :
		      *text < 0xf0 ? 3 : *text < 0xf5 ? 4 : 0, i;

	if (need > len || (*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	for (i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return need;
}

/* Not what would steer a terminal, or is no text. The last is that of C1, in UTF-8. */
static bool is_shown(const unsigned char *text, size_t n)
{
	return n && *text >= ' ' && *text != 127 && !(*text == 0xc2 && text[1] < 0xa0);
}

/* What a process calls itself; "-" if it is not there for us. It must not steer a terminal. */
const char *process_name(int pid, char *buf, size_t len)
{
	char path[32], name[64], *to = buf;
	const char *from = name;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = pid > 0 ? fopen(path, "re") : NULL;
	if (!file || !fgets(name, sizeof(name), file))
		snprintf(name, sizeof(name), "-");
	name[strcspn(name, "\n")] = 0;
	if (file)
		fclose(file);
	for (; *from && (size_t)(to - buf) + 4 < len; from += n ? n : 1) {
		n = character((const unsigned char *)from, strlen(from));
		if (is_shown((const unsigned char *)from, n))
			to = mempcpy(to, from, n);
		else
			*to++ = '?';
	}
	*to = 0;
	return buf;
}

/*
 * For people, @most characters: others have chosen names, and what would steer a terminal,
 * or is no text, is a question mark.
 */
void print_text(const void *name, size_t len, size_t most)
{
	const unsigned char *text = name;
	size_t n;

	for (; len && most; text += n, len -= n, most--) {
		n = character(text, len);
		if (is_shown(text, n)) {
			fwrite(text, 1, n, stdout);
		} else {
			putchar('?');
			n = n ? n : 1;
		}
	}
}

/* As a string of JSON. Bytes that are no UTF-8 become the character of their number. */
void print_json_string(const void *name, size_t len)
{
	const unsigned char *text = name;
	size_t n;

	putchar('"');
	for (; len; text += n, len -= n) {
		n = character(text, len);
		if (!n || *text < ' ' || *text == 127) {
			printf("\\u%04x", *text);
			n = 1;
		} else {
			if (*text == '"' || *text == '\\')
				putchar('\\');
			fwrite(text, 1, n, stdout);
		}
	}
	putchar('"');
}

/* ---- numbers with names, for people or as JSON ---- */

bool as_json;

static bool first_value;

void begin_values(uint32_t type, const void *name, size_t len)
{
	if (as_json) {
		printf("{\"type\":\"%s\",\"name\":", type_name(type));
		print_json_string(name, len);
	} else {
		printf("%s ", type_name(type));
		print_text(name, len, SIZE_MAX);
		putchar('\n');
	}
	first_value = false;
}

void begin_totals(const char *whose)
{
	if (as_json)
		putchar('{');
	else
		printf("so far, %s\n", whose);
	first_value = true;
}

static void value_name(const char *name)
{
	if (as_json)
		printf("%s\"%s\":", first_value ? "" : ",", name);
	else
		printf("  %-14s ", name);
	first_value = false;
}

void put_number(const char *name, uint64_t value)
{
	value_name(name);
	printf("%llu%s", (unsigned long long)value, as_json ? "" : "\n");
}

void put_signed(const char *name, int64_t value)
{
	value_name(name);
	printf("%lld%s", (long long)value, as_json ? "" : "\n");
}

/* What is in ns: seconds in JSON. */
void put_duration(const char *name, uint64_t ns)
{
	char text[32];

	value_name(name);
	if (as_json)
		printf("%.6f", ns / 1e9);
	else
		printf("%s\n", format_duration(ns, text, sizeof(text)));
}

void put_text(const char *name, const char *text)
{
	value_name(name);
	if (as_json)
		print_json_string(text, strlen(text));
	else
		printf("%s\n", text);
}

static const char *role_name(uint32_t role)
{
	return role == MUSTER_PROCESS_HOLDER ? "holds" :
	       role == MUSTER_PROCESS_WAITER ? "waits" :
	       role == MUSTER_PROCESS_LESSEE ? "idle" : "missing";
}

static void put_process(const struct muster_process *process, uint64_t now)
{
	uint64_t since = now > process->since ? now - process->since : 0;
	char name[32], text[32];

	process_name(process->pid, name, sizeof(name));
	if (!as_json) {
		printf("  process %-8d %-7s %-12llu %-6s ", process->pid,
		       role_name(process->role), (unsigned long long)process->amount,
		       format_duration(since, text, sizeof(text)));
		print_text(name, strlen(name), SIZE_MAX);
		putchar('\n');
		return;
	}
	printf("%s{\"pid\":%d,\"role\":\"%s\",\"amount\":%llu,\"seconds\":%.6f,\"command\":",
	       first_value ? "" : ",", process->pid, role_name(process->role),
	       (unsigned long long)process->amount, since / 1e9);
	print_json_string(name, strlen(name));
	putchar('}');
	first_value = false;
}

void put_processes(const struct muster_process *processes, int nr)
{
	uint64_t now = now_ns();
	int i;

	if (as_json) {
		value_name("processes");
		putchar('[');
		first_value = true;
	}
	for (i = 0; i < nr; i++)
		put_process(&processes[i], now);
	if (as_json)
		putchar(']');
	first_value = false;
}

void end_values(void)
{
	if (as_json)
		putchar('}');
}
