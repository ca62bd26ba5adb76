/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's output on disk, logs/<id>/:
 *
 *	stdout.log, stderr.log   the bytes as they were read, nothing else
 *	index                    one struct log_entry for each read, behind a struct log_head:
 *	                         when, which stream, how many bytes, in the order of reading
 *
 * With a terminal everything is in stdout.log. Rotation moves the three of a
 * generation to stdout.log.1, stderr.log.1, index.1, and so on, and starts the
 * next generation. Bytes of a log behind what its index tells (the writer died
 * between the two writes) count as read at the file's time, behind the rest.
 */
#pragma once

#include <stdint.h>

enum { LOG_MAGIC = 0x31786252 }; /* "Rbx1" */

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

struct log_head {
	uint32_t magic;
	uint32_t generation; /* counts up from 1 */
};

struct log_entry {
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t size;	  /* bytes, at least 1 */
	uint16_t stream;  /* enum log_stream */
	uint16_t run;	  /* which run of the container wrote it, counts up with each start */
};
