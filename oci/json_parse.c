/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json_parse.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "oci/json.h"
#include "oci/json_text.h"

/* ---- memory ------------------------------------------------------------------------------- */

/*
 * yajl does not look whether it got any: where there is none the call into it
 * ends at once. Nothing of ours is on the stack in between, and all that it has
 * is in the arena.
 */
struct memory {
	struct arena arena;
	jmp_buf exhausted;
};

/* In front of each block, for realloc. */
union block {
	size_t size;
	max_align_t alignment;
};

static void *take(void *context, size_t size)
{
	struct memory *memory = context;
	struct error ignored;
	union block *block = arena_alloc(&memory->arena, sizeof(*block) + size, &ignored);

	if (!block)
		longjmp(memory->exhausted, 1);
	block->size = size;
	return block + 1;
}

/* What it outgrows stays until the end: together as much as the last one. */
static void *take_more(void *context, void *before, size_t size)
{
	void *after = take(context, size);
	const union block *block = before;

	if (block)
		memcpy(after, before, block[-1].size < size ? block[-1].size : size);
	return after;
}

static void give_back(void *context, void *block)
{
}

/* ---- parsing ------------------------------------------------------------------------------ */

/* Says in one line what yajl did not like, and where. */
static int syntax_error(yajl_handle parser, const char *text, size_t offset, struct error *err)
{
	const char *message = (const char *)yajl_get_error(parser, 0, NULL, 0);
	char reason[200];

	(void)snprintf(reason, sizeof(reason), "%.*s", (int)strcspn(message, "\n"), message);
	return json_text_error(text, offset, reason, err);
}

/* yajl's count of what it took ends with the byte that it did not like, or is 0. */
static size_t error_offset(yajl_handle parser, size_t size)
{
	size_t consumed = yajl_get_bytes_consumed(parser);

	if (consumed > size)
		return size;
	return consumed ? consumed - 1 : 0;
}

static int run(yajl_handle parser, const char *text, size_t size, struct error *err)
{
	size_t offset = size;

	/* json_text_check() has seen to that, and more strictly. */
	yajl_config(parser, yajl_dont_validate_strings, 1);
	yajl_status status = yajl_parse(parser, (const unsigned char *)text, size);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(parser);
	else
		offset = error_offset(parser, size);
	if (status == yajl_status_error)
		return syntax_error(parser, text, offset, err);
	return status == yajl_status_ok ? 0 : -1;
}

int json_parse(const char *text, size_t size, const yajl_callbacks *callbacks, void *data,
	       struct error *err)
{
	struct memory memory = { .arena = ARENA_EMPTY };
	yajl_alloc_funcs functions = { take, take_more, give_back, &memory };
	int result;

	if (size > JSON_SIZE_MAX)
		return error_set(err, 0, "larger than %d MiB", JSON_SIZE_MAX >> 20);
	if (json_text_check(text, size, err) < 0)
		return -1;
	if (setjmp(memory.exhausted) == 0)
		result = run(yajl_alloc(callbacks, &functions, data), text, size, err);
	else
		result = error_memory(err);
	arena_free(&memory.arena);
	return result;
}
