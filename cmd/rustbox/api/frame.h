/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: a length of 4 bytes, big-endian, and that many bytes of JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
	FRAME_SIZE_MAX = 4 * 1024 * 1024, /* of one from a client */
	FRAME_TIMEOUT_MS = 30000, /* from a frame's first byte to its last; for a write, too */
};

/*
 * Waits for a frame; `text` is malloc'd and NUL-terminated. 1; 0 at the end of the
 * connection between two frames, or when *stop (NULL: never) became true while it waited; -1 with
 * err: EMSGSIZE, ETIMEDOUT, ECONNRESET (it ended within a frame), and others.
 */
int frame_read(int fd, const volatile bool *stop, char **ret_text, size_t *ret_size,
	       struct error *err);

/* Writes one, or fails: a client that does not read is given FRAME_TIMEOUT_MS. */
int frame_write(int fd, const char *text, size_t size, struct error *err);
