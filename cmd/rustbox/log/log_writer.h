/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a container's output (log_format.h). One writer a container: its
 * supervisor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cmd/rustbox/log/log_format.h"

struct log_writer {
	int directory;
	int streams[LOG_STREAMS], index; /* -1: the next append opens them */
	uint64_t sizes[LOG_STREAMS], index_size;
	uint64_t before;   /* bytes of the generations before */
	uint64_t max_size; /* bytes of a generation's largest file; 0: no rotation */
	uint64_t max_files;
	uint32_t generation;
	uint16_t run;
	struct log_place run_begin;
	uint64_t lost; /* bytes that could not be written (full disk) */
};

/*
 * Continues what is in the folder (borrowed descriptor; it keeps a duplicate),
 * as a new run: what a dead writer has left half done is put right first.
 * max_files: at least 1; how many generations are kept, the present one included.
 */
int log_writer_open(struct log_writer *ret, int directory, uint64_t max_size, uint64_t max_files,
		    struct error *err);

/*
 * Appends what was read at once; rotates before that where the file would grow
 * above max_size. -1 with err when it could not be written: a part written is
 * taken back, the bytes count as lost, and the next append tries again. What was
 * short for a moment loses nothing.
 */
int log_writer_append(struct log_writer *writer, enum log_stream stream, const void *data,
		      size_t size, struct error *err);

/* How many bytes were ever logged, those included that were rotated away since. */
uint64_t log_writer_total(const struct log_writer *writer);

/* Where the next entry goes; false as long as nobody knows, after a rotation that got stuck. */
bool log_writer_place(const struct log_writer *writer, struct log_place *ret);

void log_writer_close(struct log_writer *writer);
