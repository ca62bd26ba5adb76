/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a list of option words, separated by newlines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/mount_options.h"

enum { WORDS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_EMPTY;
	struct mount_options options;
	struct error err;
	char *words[WORDS_MAX];
	size_t n = 0;
	char *text = arena_strndup(&arena, (const char *)data, size, &err);

	for (char *p = text; p && n < WORDS_MAX; n++) {
		words[n] = p;
		p = strchr(p, '\n');
		if (p)
			*p++ = '\0';
	}
	if (text && mount_options_parse(words, n, &arena, &options, &err) == 0) {
		/* What is set is not cleared, but for the access time's kind. */
		const uint64_t both = (options.here.set & options.here.clear) |
				      (options.below.set & options.below.clear);

		if (both & ~(uint64_t)MOUNT_ATTR__ATIME)
			abort();
		for (size_t i = 0; i < options.n_parameters; i++) {
			if (!*options.parameters[i].key)
				abort();
		}
	}
	arena_free(&arena);
	return 0;
}
