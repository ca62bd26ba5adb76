/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal's recent output, for who attaches: without what asks the terminal
 * something (where its cursor is, what it can do, its colours). Whoever has
 * asked was answered long ago; another answer would be typed into the
 * container.
 */
#pragma once

#include <stddef.h>

enum { REPLAY_HELD_MAX = 256 }; /* questions are shorter */

/* All zeroes: at the beginning. */
struct replay {
	size_t n_held; /* of an escape sequence that is not complete yet */
	char held[REPLAY_HELD_MAX];
};

/*
 * Gives the bytes on, but for questions: `out` has room for n bytes and
 * REPLAY_HELD_MAX more. What may become a question is held until the next bytes
 * tell.
 */
size_t replay_filter(struct replay *replay, const char *bytes, size_t n, char *out);
