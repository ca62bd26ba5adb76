/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of images: configuration, manifest, index, manifest.json, by
 * the input's first byte. Whatever is taken must be written, read back, and be
 * the same. Names of images besides.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/instruction.h"
#include "cmd/rustbox/image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_document(const struct json_type *type, const char *text, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	void *one = arena_alloc(&arena, type->size, &err);
	void *other = arena_alloc(&arena, type->size, &err);

	if (json_read(type, text, size, one, &arena, &err) < 0) {
		if (!*err.text)
			abort();
		return;
	}
	cleanup_free char *first = json_write(type, one, false, &err);
	if (!first || json_read(type, first, strlen(first), other, &arena, &err) < 0)
		abort();
	cleanup_free char *second = json_write(type, other, false, &err);
	if (!second || strcmp(first, second) != 0)
		abort();
}

/* What was taken is taken again, as it is. */
static void try_name(const char *text)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char *form, *again;
	struct error err;

	if (reference_read(text, &arena, &form, &err) < 0)
		return;
	if (reference_read(form, &arena, &again, &err) < 0 || strcmp(form, again) != 0 ||
	    *form == '.' || strchr(form, '%'))
		abort();
}

static void try_instruction(const char *text)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_settings settings = { NULL };
	struct error err;

	(void)instruction_apply(text, &settings, &arena, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_type *const types[] = { &image_config_type, &image_manifest_type,
							 &image_index_type,
							 &image_docker_manifest_type };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_config *config;
	struct error err = { 0 };
	char *text;

	if (size < 1)
		return 0;
	text = arena_strndup(&arena, (const char *)data + 1, size - 1, &err);
	switch (data[0] % 7) {
	case 4:
		try_name(text);
		break;
	case 5:
		try_instruction(text);
		break;
	case 6:
		if (image_read_config(text, size - 1, &arena, &config, &err) == 0 &&
		    !config->rootfs)
			abort();
		break;
	default:
		try_document(types[data[0] % 7], text, size - 1);
	}
	return 0;
}
