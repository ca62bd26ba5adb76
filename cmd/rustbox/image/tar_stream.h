/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a tar file on their way from a compressed file to who reads the
 * tar: decompressed, digested, bounded, and kept, if wanted, as they were.
 * Formats are tar, filters gzip and zstd; nothing else is registered with
 * libarchive, so that nothing else parses foreign bytes.
 */
#pragma once

#include <archive.h>
#include <sha2.h>
#include <stdbool.h>

#include "base/error.h"
#include "cmd/rustbox/image/digest.h"
#include "cmd/rustbox/image/progress.h"

/*
 * Names in archives are UTF-8: libarchive goes by the locale for it. Called by
 * what opens one; the C library reads three files for it, which commands that
 * have nothing to do with archives need not wait for.
 */
void tar_use_utf8(void);

/* How the file is compressed; ANY: see for yourself. */
enum tar_filter { TAR_PLAIN, TAR_GZIP, TAR_ZSTD, TAR_ANY };

/*
 * A few kilobytes can be made to unpack to a whole disk. All that is read and
 * written counts: behind `bytes` it is refused, and where the user has not set
 * that, when it is more than TAR_RATIO times its compressed size (from
 * TAR_RATIO_FROM on).
 */
struct tar_limits {
	uint64_t bytes; /* 0: TAR_BYTES, and the ratio counts */
};
#define TAR_BYTES      (256ULL << 30)
#define TAR_RATIO_FROM (1ULL << 30)
enum { TAR_RATIO = 250 };

struct tar_stream {
	const char *name; /* for messages */
	struct archive *outer, *tar, *copy;
	SHA2_CTX hash;
	struct tar_limits limits;
	const struct image_progress *progress;
	uint64_t bytes, total; /* of the tar; of the compressed file, 0: not known */
	struct error error;    /* of a read, which libarchive only passes on */
	uint8_t *buffer;
};

/*
 * Opens: then read from stream->tar. fd is borrowed, and read from where it
 * stands. copy_fd: gets the bytes of the tar, compressed with zstd; -1: nobody does.
 */
int tar_stream_open(struct tar_stream *stream, int fd, const char *name, enum tar_filter filter,
		    int copy_fd, struct error *err);

/* Reads what is behind the tar's end. The digest of all of it, and its size. */
int tar_stream_finish(struct tar_stream *stream, struct digest *ret, uint64_t *ret_bytes,
		      struct error *err);
void tar_stream_close(struct tar_stream *stream);
#define cleanup_tar_stream __attribute__((cleanup(tar_stream_close)))

/* Why a call of libarchive on stream->tar failed. -1. */
int tar_stream_error(struct tar_stream *stream, struct error *err);

/* Only decompresses: what tar_stream_open() has kept, say. Read it with archive_read_data(). */
struct archive *tar_open_raw(int fd, const char *name, enum tar_filter filter, struct error *err);
