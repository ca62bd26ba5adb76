/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/vector.h"

#include <string.h>

enum { FIRST_ROOM = 4 };

void *vector_room(void *items, size_t n, size_t size, struct arena *arena, struct error *err)
{
	size_t room = FIRST_ROOM;
	void *grown;

	/* The room is the power of two above n, so that it need not be kept anywhere. */
	while (room < n + 1)
		room *= 2;
	if (items && n + 1 < room)
		return items;
	grown = arena_array(arena, room * 2, size, err);
	if (grown && items)
		memcpy(grown, items, n * size);
	return grown;
}

int vector_take_text(char ***items, size_t *n, char *text, struct arena *arena, struct error *err)
{
	char **element = text ? VECTOR_ADD(*items, *n, arena, err) : NULL;

	if (!element)
		return -1;
	*element = text;
	return 0;
}

int vector_add_text(char ***items, size_t *n, const char *text, struct arena *arena,
		    struct error *err)
{
	return vector_take_text(items, n, arena_strdup(arena, text, err), arena, err);
}
