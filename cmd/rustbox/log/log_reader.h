/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a container's output in the order in which it was written, across
 * rotations, while it may be written to; never blocks. For `logs`, and for
 * what supervisors send to attached clients.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cmd/rustbox/log/log_format.h"

struct log_reader;

/* Begins with the oldest byte there is. The folder is borrowed, it keeps a duplicate. NULL with
 * err. */
struct log_reader *log_reader_new(int directory, struct error *err);
void log_reader_free(struct log_reader *reader);

/* Moves on: to the end; to the first entry of this time or later. */
int log_reader_seek_end(struct log_reader *reader, struct error *err);
int log_reader_seek_time(struct log_reader *reader, uint64_t time_ns, struct error *err);
/* To where `lines` lines are left (of both streams together, a last one without newline counts). */
int log_reader_seek_lines(struct log_reader *reader, uint64_t lines, struct error *err);
/*
 * To where at most `bytes` are left. end: where the logs end, of who writes them; NULL: that is
 * found by reading all of the index.
 */
int log_reader_seek_bytes(struct log_reader *reader, const struct log_place *end, uint64_t bytes,
			  struct error *err);
/* To a place of who writes them, without looking for it; to the oldest byte when it is gone. */
int log_reader_seek_place(struct log_reader *reader, const struct log_place *place,
			  struct error *err);

struct log_chunk {
	enum log_stream stream;
	uint64_t time_ns; /* when it was read from the container */
	uint16_t run;
	const char *data; /* the reader's, until its next call */
	size_t size;
	uint64_t gap; /* so many bytes before it were rotated away unseen */
};

/*
 * The next bytes, at most `most`, never of two entries. 1; 0 when there are no
 * more for now; -1 with err.
 */
int log_reader_next(struct log_reader *reader, size_t most, struct log_chunk *ret,
		    struct error *err);

/* How many of the bytes that were ever logged were given, or told as a gap. */
uint64_t log_reader_total(const struct log_reader *reader);

/* A descriptor that polls readable (inotify) when more may be there; for those that wait. */
int log_reader_watch(struct log_reader *reader, struct error *err);
/* Empties it: before log_reader_next() is called again. */
void log_reader_acknowledge(struct log_reader *reader);
