/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte says how (bit 0: in order), the rest are the words, each
 * ended by a NUL or a newline.
 */
#include <stdlib.h>
#include <string.h>

#include "base/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = { "one", "two", NULL };

struct things {
	bool flag;
	const char *text, *file;
	struct option_strings list;
	struct option_int number;
	struct option_uint count;
	struct option_numbers gids;
	int choice;
};

static const struct option_row rows[] = {
	{ "flag", 't', NULL, "", OPTION_AT(things, flag) },
	{ "text", 'x', "X", "", OPTION_AT(things, text) },
	{ "file", 'f', "F", "", OPTION_AT(things, file), .path = OPTION_FILE },
	{ "list", 'e', "E", "", OPTION_AT(things, list) },
	{ "number", 0, "N", "", OPTION_AT(things, number), .min = -9, .max = 9 },
	{ "count", 'c', "N", "", OPTION_AT(things, count) },
	{ "gid", 'g', "G", "", OPTION_AT(things, gids) },
	{ "choice", 0, "C", "", OPTION_AT(things, choice), .choices = choices, .fallback = "two" },
	{ NULL },
};

enum { WORDS_MAX = 64 };

static void check(const struct things *things, char *const *rest)
{
	size_t n = 0;

	while (rest[n])
		n++;
	if (n > WORDS_MAX || things->choice < 0 || things->choice > 1 ||
	    things->number.value < -9 || things->number.value > 9 ||
	    (things->file && things->file[0] != '/') ||
	    (things->list.count && things->list.items[things->list.count]))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct things things = { 0 };
	struct error err;
	char *argv[WORDS_MAX + 1] = { NULL }, **rest;
	char *words = arena_strndup(&arena, (const char *)data, size, &err);
	size_t n = 0;

	if (!words || size == 0)
		return 0;
	for (char *p = words + 1; p < words + size && n < WORDS_MAX; p += strlen(p) + 1) {
		p[strcspn(p, "\n")] = '\0';
		argv[n++] = p;
	}
	if (options_parse(rows, data[0] & 1 ? OPTIONS_FIRST : OPTIONS_ANYWHERE, argv, &things,
			  &arena, &rest, &err) == 0)
		check(&things, rest);
	return 0;
}
