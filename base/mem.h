/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: clean-up at the end of a scope, and arenas, whose memory is freed all at once.
 *
 *	cleanup_free char *text = NULL;      freed when the scope ends
 *	*ret_text = move_ptr(&text);         given away instead
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static inline void mem_cleanup_free(void *p)
{
	free(*(void **)p);
}
#define cleanup_free __attribute__((cleanup(mem_cleanup_free)))

/* The pointer's value; the variable becomes NULL. */
#define move_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(*(p)) moved_ = *(p);                                                    \
		*(p) = NULL;                                                                       \
		moved_;                                                                            \
	})

/*
 * Memory that lives until arena_free(). Starts as `{ NULL }`; blocks are
 * chained, small ones share a chunk. What an arena hands out is zeroed and
 * aligned for any type.
 */
struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
};
#define ARENA_EMPTY                                                                                \
	{                                                                                          \
		NULL                                                                               \
	}

/* n bytes; n == 0 gives a valid pointer. NULL when out of memory (err is set). */
void *arena_alloc(struct arena *arena, size_t n, struct error *err);

/* Zeroed array; refuses a product that overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size, struct error *err);

/* A NUL-terminated copy of n bytes; of a string; of a formatted text. */
char *arena_strndup(struct arena *arena, const char *s, size_t n, struct error *err);
char *arena_strdup(struct arena *arena, const char *s, struct error *err);
char *arena_format(struct arena *arena, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void arena_free(struct arena *arena);
#define cleanup_arena __attribute__((cleanup(arena_free)))

/*
 * A growing array on the heap: makes room for one more element of `size`
 * bytes in *items (which has `count` of them and room for *capacity).
 */
int mem_grow(void **items, size_t count, size_t *capacity, size_t size, struct error *err);
