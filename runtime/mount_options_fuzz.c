/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a list of option words, separated by newlines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/mount_idmap.h"
#include "runtime/mount_options.h"

enum { WORDS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both lists have something in them, and no range of nothing. */
static void read_mappings(const char *text, struct arena *arena)
{
	struct spec_id_mapping range = { .container_id = 5, .host_id = 100000, .size = 1000 };
	const struct spec_linux linux = { .uid_mappings = &range,
					  .gid_mappings = &range,
					  .n_uid_mappings = 1,
					  .n_gid_mappings = 1 };
	struct spec_mount mount = { 0 };
	struct error err;

	if (mount_idmap_parse(text, &linux, arena, &mount, &err) < 0)
		return;
	if (!mount.n_uid_mappings || !mount.n_gid_mappings)
		abort();
	for (size_t i = 0; i < mount.n_uid_mappings; i++)
		if (!mount.uid_mappings[i].size)
			abort();
}

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
		if (options.mappings)
			read_mappings(options.mappings, &arena);
	}
	arena_free(&arena);
	return 0;
}
