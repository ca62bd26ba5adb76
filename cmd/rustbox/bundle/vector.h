/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that grow in an arena. Only lists that begin as NULL and 0 and are
 * grown by nothing else; a zeroed element is always behind the last one, so
 * that a list of texts ends with NULL.
 */
#pragma once

#include <stddef.h>

#include "base/mem.h"

/* The array with room for one more element and the zeroed one behind it; NULL with err. */
void *vector_room(void *items, size_t n, size_t size, struct arena *arena, struct error *err);

/* A pointer to a new zeroed element at the end, NULL with err. */
#define VECTOR_ADD(items, n, arena, err)                                                           \
	({                                                                                         \
		__typeof__(items) grown_ =                                                         \
			vector_room((items), (n), sizeof(*(items)), (arena), (err));               \
		if (grown_)                                                                        \
			(items) = grown_;                                                          \
		grown_ ? &grown_[(n)++] : NULL;                                                    \
	})

/* A copy of the text at the end of a list of texts. */
int vector_add_text(char ***items, size_t *n, const char *text, struct arena *arena,
		    struct error *err);
/* Takes the text over, which lives in the arena; NULL (out of memory, err set) gives -1. */
int vector_take_text(char ***items, size_t *n, char *text, struct arena *arena, struct error *err);
