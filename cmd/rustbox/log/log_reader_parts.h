/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of log_reader.h: log_reader.c reads on, log_reader_seek.c finds places. */
#pragma once

#include "cmd/rustbox/log/log_reader.h"

struct log_reader {
	int directory;
	uint32_t generation; /* 0: none is open */
	int streams[LOG_STREAMS], index;
	uint64_t at;		       /* offset, in the index, of the entry that comes next */
	uint64_t offsets[LOG_STREAMS]; /* of its bytes */
	struct log_entry entry;	       /* whose bytes come next; size is what is left of it */
	bool is_begun;		       /* some bytes of it were given */
	uint64_t bytes_before;	       /* of the generations before it */
	uint64_t gap;		       /* bytes that were gone before they were read */
	int inotify;
	char *buffer;
	size_t buffer_size;
};

/*
 * Opens a generation at its beginning. 1; 0 where it is not there (any more, or
 * not yet); -1 with err. On 0 and -1 the present one stays open.
 */
int log_reader_open(struct log_reader *reader, uint32_t generation, struct error *err);

/* The oldest and the newest generation there are of those from least to most; 0: none. */
int log_reader_find(const struct log_reader *reader, uint32_t least, uint32_t most,
		    uint32_t *ret_oldest, uint32_t *ret_newest, struct error *err);
