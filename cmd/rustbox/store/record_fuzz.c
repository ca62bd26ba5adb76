/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record: whatever is taken must be written, read back, and be the same. The
 * same bytes as a restart policy, of a record that has nothing else.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_restart(const uint8_t *data, size_t size, struct arena *arena)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct error err = { 0 };
	struct record *record = record_new(arena, &err);
	struct record_policy before;

	if (!text || !record)
		abort();
	before = *record->policy;
	if (record_set_restart(record->policy, text, data[0] & 1, &err) == 0)
		return;
	if (!*err.text || record->policy->restart != before.restart ||
	    record->policy->restart_most != before.restart_most)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record, *again;
	struct error err = { 0 };

	if (size > 0)
		set_restart(data, size, &arena);
	if (record_read((const char *)data, size, &arena, &record, &err) < 0) {
		if (!*err.text)
			abort();
		return 0;
	}
	if (!record->state || !record->policy || !record->network || !record->settings)
		abort();
	(void)record_is_live(record);
	(void)record_seconds(record->created);
	cleanup_free char *first = record_write(record, &err);
	if (!first || record_read(first, strlen(first), &arena, &again, &err) < 0)
		abort();
	cleanup_free char *second = record_write(again, &err);
	if (!second || strcmp(first, second) != 0)
		abort();
	return 0;
}
