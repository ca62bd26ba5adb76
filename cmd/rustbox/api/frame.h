/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: a length of 4 bytes, big-endian, and that many bytes of JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
	FRAME_SIZE_MAX = 4 * 1024 * 1024, /* of one from a client */
	FRAME_TIMEOUT_MS = 30000,	  /* from a client's frame's first byte to its last */
};

struct frame_peer {
	int fd;
	int stop;			/* readable when we are to end; -1: never */
	bool cannot_read, cannot_write; /* it ended, or is out of step */
};

/*
 * Waits for a frame; `text` is malloc'd and NUL-terminated. 1; 0 at the end of
 * what the client sends, or when `stop` became readable, between two frames; -1
 * with err: EMSGSIZE, ETIMEDOUT, ECONNRESET (it ended within a frame), and
 * others. After 0 and -1 nothing more can be read.
 */
int frame_read(struct frame_peer *peer, char **ret_text, size_t *ret_size, struct error *err);

/*
 * Writes one. Waits for a client that does not read as long as it is there: the
 * process serves nobody else. After -1 nothing more can be written.
 */
int frame_write(struct frame_peer *peer, const char *text, size_t size, struct error *err);

/* True when the client has closed its end altogether, not only for writing. */
bool frame_is_closed(const struct frame_peer *peer);
