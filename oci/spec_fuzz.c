/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: whatever is taken must be written, read back, and be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/spec.h"
#include "oci/spec_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const struct spec *spec)
{
	struct error err = { 0 };
	char *text = json_write(&spec_type, spec, true, &err);

	/* Whatever was read can be written. */
	if (!text)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct spec spec = { 0 }, again = { 0 };
	struct error err = { 0 };

	if (json_read(&spec_type, (const char *)data, size, &spec, &arena, &err) < 0) {
		if (!*err.text)
			abort();
		return 0;
	}
	cleanup_free char *first = written(&spec);
	if (spec_load(first, strlen(first), "fuzz", &again, &arena, &err) < 0) {
		/* Not for the writer's sake: the original is refused, too. */
		again = (struct spec){ 0 };
		if (spec_load((const char *)data, size, "fuzz", &again, &arena, &err) == 0)
			abort();
		return 0;
	}
	(void)spec_check_create(&again, &err);
	cleanup_free char *second = written(&again);
	/* spec_load() added what was absent; from then on nothing changes. */
	again = (struct spec){ 0 };
	if (spec_load(second, strlen(second), "fuzz", &again, &arena, &err) < 0)
		abort();
	cleanup_free char *third = written(&again);
	if (strcmp(second, third) != 0)
		abort();
	return 0;
}
