// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs as text: a line for each call, an empty one at the end
 *
 *	join 16 2 f3 p1 n112 n256 k2 n3 n0 s5000000 p1 n64
 *
 * is JOIN, whose descriptor would go to slot 16, with its second allocation failing, on
 * the descriptor in slot 3, and so on in the order of the table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define SPACE "\n "

void fuzz_print(FILE *to, const struct fuzz_program *program)
{
	const struct fuzz_call *call;
	unsigned int i, j;

	for (i = 0; i < program->nr; i++) {
		call = &program->calls[i];
		fprintf(to, "%s %u %u", fuzz_ops[call->op].name, call->slot, call->fail);
		for (j = 0; j < call->nr; j++)
			fprintf(to, " %c%llu", (int)call->values[j].how,
				call->values[j].v);
		fputc('\n', to);
	}
	fputc('\n', to);
}

static bool parse_value(const char *word, struct fuzz_value *value)
{
	char *end;

	value->how = word[0];
	value->v = strtoull(word + 1, &end, 10);
	if (value->how == FUZZ_SLOT && value->v >= FUZZ_SLOTS)
		return false;
	return strchr("nftspk", value->how) && end > word + 1 && !*end;
}

static bool parse_op(const char *word, struct fuzz_call *call)
{
	unsigned int i;

	for (i = 0; i < fuzz_nr_ops; i++) {
		if (!strcmp(fuzz_ops[i].name, word)) {
			call->op = i;
			return true;
		}
	}
	return false;
}

static bool parse_call(char *line, struct fuzz_call *call)
{
	char *word, *save;

	memset(call, 0, sizeof(*call));
	word = strtok_r(line, SPACE, &save);
	if (!word || !parse_op(word, call))
		return false;
	word = strtok_r(NULL, SPACE, &save);
	call->slot = word ? strtoul(word, NULL, 10) : FUZZ_SLOTS;
	word = strtok_r(NULL, SPACE, &save);
	call->fail = word ? strtoul(word, NULL, 10) : 0;
	while ((word = strtok_r(NULL, SPACE, &save))) {
		if (call->nr == FUZZ_VALUES ||
		    !parse_value(word, &call->values[call->nr++]))
			return false;
	}
	return call->slot < FUZZ_SLOTS;
}

bool fuzz_parse(FILE *from, struct fuzz_program *program)
{
	char line[1024];

	program->nr = 0;
	while (fgets(line, sizeof(line), from)) {
		if (line[0] == '#')
			continue;
		if (line[0] == '\n')
			return program->nr;
		if (program->nr == FUZZ_CALLS ||
		    !parse_call(line, &program->calls[program->nr++]))
			return false;
	}
	return false;
}

/* Prints; the length. */
static size_t print_to(char *text, size_t size, const struct fuzz_program *program)
{
	FILE *file = fmemopen(text, size, "w");

	if (!file)
		return 0;
	fuzz_print(file, program);
	fclose(file);
	return strlen(text);
}

static bool parse_from(char *text, size_t len, struct fuzz_program *program)
{
	FILE *file = fmemopen(text, len, "r");
	bool good = file && fuzz_parse(file, program);

	if (file)
		fclose(file);
	return good;
}

bool fuzz_text_works(__u64 seed, unsigned int n)
{
	static char text[16384], again[16384];
	static struct fuzz_program program;
	bool same = true;
	size_t len;

	while (same && n--) {
		fuzz_generate(&seed, &program);
		len = print_to(text, sizeof(text), &program);
		memset(&program, 0, sizeof(program));
		same = len && parse_from(text, len, &program) &&
		       print_to(again, sizeof(again), &program) == len &&
		       !memcmp(text, again, len);
	}
	return same;
}
