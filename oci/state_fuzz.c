/* SPDX-License-Identifier: Apache-2.0 */
/* state.json: whatever is taken must be written, read back, and be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct state state = { 0 }, again = { 0 };
	struct error err = { 0 };

	if (json_read(&state_type, (const char *)data, size, &state, &arena, &err) < 0) {
		if (!*err.text)
			abort();
		return 0;
	}
	cleanup_free char *first = json_write(&state_type, &state, false, &err);
	if (!first || json_read(&state_type, first, strlen(first), &again, &arena, &err) < 0)
		abort();
	cleanup_free char *second = json_write(&state_type, &again, false, &err);
	if (!second || strcmp(first, second) != 0)
		abort();
	return 0;
}
