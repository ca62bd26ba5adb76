/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's output on disk, logs/<id>/:
 *
 *	stdout.log, stderr.log   the bytes as they were read, nothing else
 *	index                    one struct log_entry for each read, behind a struct log_head:
 *	                         when, which stream, how many bytes, in the order of reading
 *
 * With a terminal everything is in stdout.log. Rotation renames the three of
 * generation N to stdout.log.N, stderr.log.N and, last, index.N; then the next
 * generation begins: when a stream would be longer than what was asked for, or
 * the index is (and longer than 64 KiB). An entry is written before its bytes: a reader that finds
 * fewer comes again, and a writer that finds fewer, when it begins, cuts what
 * its predecessor could not finish.
 */
#pragma once

#include <stdint.h>

enum {
	LOG_MAGIC = 0x32786252,	      /* "Rbx2" */
	LOG_GENERATION_MAX = 1 << 30, /* nobody comes so far: files that say so are garbage */
};

#define LOG_INDEX "index"
extern const char *const log_stream_files[]; /* "stdout.log", "stderr.log" */

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

struct log_head {
	uint32_t magic;
	uint32_t generation; /* counts up from 1, to LOG_GENERATION_MAX */
	uint64_t before;     /* bytes of both streams in the generations before it */
};

struct log_entry {
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t size;	  /* bytes, at least 1 */
	uint16_t stream;  /* enum log_stream */
	uint16_t run; /* which run of the container wrote it: counts up with each start, in a circle
		       */
};

/* Between two entries. */
struct log_place {
	uint32_t generation;
	uint64_t at;		       /* offset, in the index, of the entry that comes next */
	uint64_t offsets[LOG_STREAMS]; /* of its bytes, and of the next ones of the other stream */
	uint64_t total;		       /* bytes before it, with those of generations before */
};
