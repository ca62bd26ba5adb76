/* SPDX-License-Identifier: Apache-2.0 */
/* Clients send TOML, or name a file with it. */
#include <stdlib.h>
#include <string.h>

#include "shim/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct toml_entry entry;
	struct error err;
	struct toml toml;
	size_t line = 1;

	if (toml_begin(&toml, (const char *)data, size, &arena, &err) < 0)
		return 0;
	while (toml_next(&toml, &entry, &err) > 0) {
		if (entry.line < line || strlen(entry.key) > size || strlen(entry.section) > size ||
		    (entry.kind == TOML_TEXT && strlen(entry.text) > size))
			abort();
		line = entry.line;
	}
	return 0;
}
