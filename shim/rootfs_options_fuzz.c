/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a list of option words, separated by newlines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/rootfs_options.h"

enum { WORDS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_map(const struct spec_id_mapping *map, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!map[i].size || map[i].container_id + map[i].size < map[i].size ||
		    map[i].host_id + map[i].size < map[i].size)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_EMPTY;
	struct rootfs_options options;
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
	if (text && rootfs_options_parse(words, n, &arena, &options, &err) == 0) {
		check_map(options.uids, options.n_uids);
		check_map(options.gids, options.n_gids);
		if (!options.n_uids != !options.n_gids || options.mount.idmap ||
		    options.mount.remount || options.mount.copy_up || options.mount.copy_symlink ||
		    options.mount.source_nofollow || options.mount.destination_nofollow)
			abort();
	}
	arena_free(&arena);
	return 0;
}
