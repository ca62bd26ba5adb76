/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

enum { CHUNK_SIZE = 16 * 1024 - 64 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	max_align_t data[];
};

static size_t round_up(size_t n)
{
	return (n + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
}

void *arena_alloc(struct arena *arena, size_t n, struct error *err)
{
	struct arena_chunk *chunk = arena->chunks;

	if (n > SIZE_MAX / 2) {
		error_memory(err);
		return NULL;
	}
	n = round_up(n ? n : 1);
	if (!chunk || chunk->size - chunk->used < n) {
		size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;
		chunk = calloc(1, sizeof(*chunk) + size);
		if (!chunk) {
			error_memory(err);
			return NULL;
		}
		chunk->size = size;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	void *p = (char *)chunk->data + chunk->used;
	chunk->used += n;
	return p;
}

void *arena_array(struct arena *arena, size_t count, size_t size, struct error *err)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n)) {
		error_memory(err);
		return NULL;
	}
	return arena_alloc(arena, n, err);
}

char *arena_strndup(struct arena *arena, const char *s, size_t n, struct error *err)
{
	char *copy = arena_alloc(arena, n + 1, err);

	if (copy && n)
		memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s, struct error *err)
{
	return arena_strndup(arena, s, strlen(s), err);
}

char *arena_format(struct arena *arena, struct error *err, const char *format, ...)
{
	va_list ap, again;

	va_start(ap, format);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, ap);
	char *text = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1, err);
	if (text)
		(void)vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	va_end(ap);
	return text;
}

void arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;
		arena->chunks = chunk->next;
		free(chunk);
	}
}

int mem_grow(void **items, size_t count, size_t *capacity, size_t size, struct error *err)
{
	if (count < *capacity)
		return 0;
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *grown = reallocarray(*items, wanted, size);
	if (!grown)
		return error_memory(err);
	*items = grown;
	*capacity = wanted;
	return 0;
}
