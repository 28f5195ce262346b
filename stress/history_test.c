// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: history_test [--states N] FILE...
 *
 * Checks histories written down as text (history_text.c). Those whose title begins
 * with "good:" must be found right and those with "bad:" wrong; a line "ok - TITLE"
 * or "not ok - TITLE" for each.
 */
#include <stdlib.h>
#include <string.h>

#include "spec.h"

/* When a search is given up. A history by hand needs a few hundred. */
static unsigned long long states_max = 1000000;

static bool check(const struct history *h, struct spec_score *score, FILE *out)
{
	const struct spec *const *spec = history_types[h->objects[0].type].specs;

	for (; *spec; spec++)
		spec_check(h, 0, *spec, states_max, score, out);
	return !score->bad && !score->hard;
}

/* What the checker has to say is shown if it is wrong. */
static bool test(const struct history *h, const char *title)
{
	struct spec_score score = { 0 };
	bool good, expected = !strncmp(title, "good:", 5);
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	good = check(h, &score, out);
	fclose(out);
	if (good != expected || score.hard)
		fputs(text, stdout);
	free(text);
	good = good == expected && !score.hard;
	printf("%s - history: %s\n", good ? "ok" : "not ok", title);
	return good;
}

static bool test_file(struct history *h, const char *name)
{
	FILE *in = fopen(name, "r");
	unsigned int nr = 0;
	const char *title;
	bool good = true;

	if (!in) {
		perror(name);
		return false;
	}
	while ((title = history_read(in, name, h))) {
		good = test(h, title) && good;
		nr++;
	}
	fclose(in);
	if (!nr)
		printf("not ok - history: %s: no histories in it\n", name);
	return good && nr;
}

int main(int argc, char **argv)
{
	struct history *h = calloc(1, sizeof(*h));
	int i = 1;
	bool good;

	if (!h)
		abort();
	if (argc > 2 && !strcmp(argv[1], "--states")) {
		states_max = strtoull(argv[2], NULL, 0);
		i = 3;
	}
	for (good = i < argc; i < argc; i++)
		good = test_file(h, argv[i]) && good;
	free(h);
	return !good;
}
