/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes frames of the bytes of a connection, in pieces of any length. Holds
 * memory only while a frame is incomplete, and no more than has come of it.
 */
#pragma once

#include "base/error.h"
#include "proto/ttrpc_frame.h"

struct ttrpc_reader {
	uint8_t header_bytes[TTRPC_HEADER_SIZE];
	size_t n_header; /* how many of them have come */
	struct ttrpc_header header;
	uint8_t *data; /* what has come of the frame's data, when not all at once */
	size_t n_data, capacity;
};

enum ttrpc_read {
	TTRPC_READ_MORE,     /* all bytes are used up */
	TTRPC_READ_FRAME,    /* one frame; there may be bytes left */
	TTRPC_READ_TOO_LONG, /* one that is longer than TTRPC_DATA_MAX; its data is gone */
};

/*
 * Takes bytes off *bytes (of which *n are left) until a frame is complete. The
 * reader's `header` is then the frame's, and *ret_data its data, which lives
 * until the next call or as long as the bytes do. -1 when memory ran out.
 */
int ttrpc_reader_feed(struct ttrpc_reader *reader, const uint8_t **bytes, size_t *n,
		      const uint8_t **ret_data, struct error *err);

/* How many bytes the present header or data lacks: who reads no more than that keeps no rest. */
size_t ttrpc_reader_wants(const struct ttrpc_reader *reader);

/* Forgets the frame it has begun. */
void ttrpc_reader_done(struct ttrpc_reader *reader);
