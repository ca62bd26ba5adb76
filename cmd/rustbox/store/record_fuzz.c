/* SPDX-License-Identifier: Apache-2.0 */
/* A record: whatever is taken must be written, read back, and be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record, *again;
	struct error err = { 0 };

	if (record_read((const char *)data, size, &arena, &record, &err) < 0) {
		if (!*err.text)
			abort();
		return 0;
	}
	if (!record->state || !record->policy || !record->network || !record->settings)
		abort();
	cleanup_free char *first = record_write(record, &err);
	if (!first || record_read(first, strlen(first), &arena, &again, &err) < 0)
		abort();
	cleanup_free char *second = record_write(again, &err);
	if (!second || strcmp(first, second) != 0)
		abort();
	return 0;
}
