// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times: 250ms, 1.5s, 90, 2h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", NSEC_PER_MSEC },
	{ "s", NSEC_PER_SEC },
	{ "", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC },
	{ "min", 60 * NSEC_PER_SEC },
	{ "h", 3600 * NSEC_PER_SEC },
	{ "d", 86400 * NSEC_PER_SEC },
};

static uint64_t unit_ns(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(units[i].name, name))
			return units[i].ns;
	}
	return 0;
}

/*
 * As timeout(1) and sleep(1) take them, and "forever". What is too long to be counted is
 * for ever, too. Digits by hand, as strtod() takes "0x", "nan" and the locale's comma.
 */
bool parse_duration(const char *text, uint64_t *ns)
{
	long double number = 0, place = 1;
	const char *c = text;
	bool digits = false;
	uint64_t unit;

	if (!strcmp(text, "forever")) {
		*ns = MUSTER_FOREVER;
		return true;
	}
	for (; *c >= '0' && *c <= '9'; c++, digits = true)
		number = number * 10 + (*c - '0');
	if (*c == '.') {
		for (c++; *c >= '0' && *c <= '9'; c++, digits = true)
			number += (*c - '0') * (place /= 10);
	}
	unit = unit_ns(c);
	if (!digits || !unit)
		return false;
	number *= unit;
	*ns = number < 0x1p63L ? (uint64_t)(number + 0.5L) : MUSTER_FOREVER;
	return true;
}

/* Three digits or so, for people. */
const char *format_duration(uint64_t ns, char *buf, size_t len)
{
	double s = ns / 1e9;

	if (s < 1)
		snprintf(buf, len, "%.0fms", s * 1e3);
	else if (s < 100)
		snprintf(buf, len, "%.1fs", s);
	else if (s < 100 * 60)
		snprintf(buf, len, "%.0fm", s / 60);
	else if (s < 100 * 3600)
		snprintf(buf, len, "%.0fh", s / 3600);
	else
		snprintf(buf, len, "%.0fd", s / 86400);
	return buf;
}

uint64_t now_ns(void)
{
	return muster_after_ns(0);
}
