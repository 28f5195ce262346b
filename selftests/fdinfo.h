/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /proc/PID/fdinfo/FD says
 */
#ifndef MUSTER_FDINFO_H
#define MUSTER_FDINFO_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * fdinfo_line - a line of fdinfo
 * @pid:	whose descriptor
 * @fd:		the descriptor
 * @key:	what the line begins with, without the colon
 * @nth:	0 for the first such line, and so on
 *
 * Return: what comes behind the tab, valid until the next call; "" if there is none.
 */
static inline const char *fdinfo_line(pid_t pid, int fd, const char *key, int nth)
{
	static char line[512];
	size_t len = strlen(key);
	const char *found = "";
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	file = fopen(path, "re");
	while (file && !*found && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, len) && line[len] == ':' && !nth--)
			found = line + len + 1 + (line[len + 1] == '\t');
	}
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = 0;
	return found;
}

/* That as a number; -1 if there is none. */
static inline long long fdinfo(int fd, const char *key)
{
	const char *text = fdinfo_line(getpid(), fd, key, 0);

	return *text ? strtoll(text, NULL, 10) : -1;
}

#endif /* MUSTER_FDINFO_H */
