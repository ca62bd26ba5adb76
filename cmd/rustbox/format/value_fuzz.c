/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of any shape: what is taken is written, read back, and is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/format/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const struct value *value, bool indent)
{
	struct str text = STR_EMPTY;
	struct error err;

	value_write(&text, value, indent);
	return str_take(&text, &err);
}

static char *again(const char *text, bool indent)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err;
	const struct value *value = value_read(text, strlen(text), &arena, &err);

	if (!value)
		abort();
	return written(value, indent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	const struct value *value = value_read((const char *)data, size, &arena, &err);

	if (!value) {
		if (!*err.text)
			abort();
		return 0;
	}
	(void)value_get(value, "A.B");
	cleanup_free char *plain = written(value, false), *indented = written(value, true);
	if (!plain || !indented)
		return 0;
	cleanup_free char *first = again(plain, false), *second = again(indented, false);
	if (!first || !second || strcmp(plain, first) != 0 || strcmp(plain, second) != 0)
		abort();
	return 0;
}
