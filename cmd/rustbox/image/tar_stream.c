/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/tar_stream.h"

#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>

#include "base/mem.h"

enum { BUFFER_SIZE = 128 * 1024 };

static int set_error(struct archive *archive, const char *name, struct error *err)
{
	const char *text = archive_error_string(archive);

	return error_set(err, 0, "%s: %s", name,
			 text ? text : "the archive is truncated or damaged");
}

/* libarchive knows what the system call said, and says it to nobody. */
static int set_write_error(struct archive *archive, struct error *err)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive);

	return error_set(err, code > 0 ? code : 0, "keep the layer: %s", text ? text : "archive");
}

static int add_filters(struct archive *archive, enum tar_filter filter)
{
	int rc = ARCHIVE_OK;

	if (filter == TAR_GZIP || filter == TAR_ANY)
		rc = archive_read_support_filter_gzip(archive);
	if (rc >= ARCHIVE_WARN && (filter == TAR_ZSTD || filter == TAR_ANY))
		rc = archive_read_support_filter_zstd(archive);
	return rc;
}

void tar_use_utf8(void)
{
	(void)setlocale(LC_CTYPE, "C.UTF-8");
}

struct archive *tar_open_raw(int fd, const char *name, enum tar_filter filter, struct error *err)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int rc = ARCHIVE_FATAL;

	tar_use_utf8();
	if (!archive) {
		(void)error_memory(err);
		return NULL;
	}
	if (add_filters(archive, filter) >= ARCHIVE_WARN &&
	    archive_read_support_format_raw(archive) >= ARCHIVE_WARN &&
	    archive_read_support_format_empty(archive) >= ARCHIVE_WARN &&
	    archive_read_open_fd(archive, fd, BUFFER_SIZE) >= ARCHIVE_WARN) {
		rc = archive_read_next_header(archive, &entry);
		if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
			return archive;
	}
	if (rc == ARCHIVE_EOF)
		(void)error_set(err, 0, "%s is empty", name);
	else
		(void)set_error(archive, name, err);
	(void)archive_read_free(archive);
	return NULL;
}

static struct archive *open_copy(int fd, const char *name, struct error *err)
{
	struct archive *copy = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int rc = ARCHIVE_FATAL;

	if (copy && entry) {
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_pathname(entry, "tar");
		rc = archive_write_set_format_raw(copy);
		if (rc >= ARCHIVE_WARN)
			rc = archive_write_add_filter_zstd(copy);
		if (rc >= ARCHIVE_WARN)
			rc = archive_write_open_fd(copy, fd);
		if (rc >= ARCHIVE_WARN)
			rc = archive_write_header(copy, entry);
	}
	archive_entry_free(entry);
	if (rc >= ARCHIVE_WARN)
		return copy;
	if (copy)
		(void)set_error(copy, name, err);
	else
		(void)error_memory(err);
	(void)archive_write_free(copy);
	return NULL;
}

static int check_limits(const struct tar_stream *stream, struct error *err)
{
	uint64_t most = stream->limits.bytes ? stream->limits.bytes : TAR_BYTES;
	int64_t packed = archive_filter_bytes(stream->outer, -1);

	if (stream->bytes > most)
		(void)error_set(err, EFBIG, "%s unpacks to more than %llu bytes", stream->name,
				(unsigned long long)most);
	else if (!stream->limits.bytes && stream->bytes > TAR_RATIO_FROM && packed > 0 &&
		 stream->bytes / TAR_RATIO > (uint64_t)packed)
		(void)error_set(err, EFBIG, "%s unpacks to more than %d times its size",
				stream->name, TAR_RATIO);
	else
		return 0;
	return error_hint(err, "if you trust it, allow more: --max-size");
}

/* The next bytes, into the buffer. 0 at the end, -1 with stream->error. */
static la_ssize_t next_bytes(struct tar_stream *stream)
{
	la_ssize_t n = archive_read_data(stream->outer, stream->buffer, BUFFER_SIZE);

	if (n < 0)
		return set_error(stream->outer, stream->name, &stream->error);
	SHA256Update(&stream->hash, stream->buffer, (size_t)n);
	stream->bytes += (uint64_t)n;
	if (check_limits(stream, &stream->error) < 0)
		return -1;
	if (n > 0 && stream->copy &&
	    archive_write_data(stream->copy, stream->buffer, (size_t)n) != n)
		return set_write_error(stream->copy, &stream->error);
	image_progress_step(stream->progress, stream->name,
			    (uint64_t)archive_filter_bytes(stream->outer, -1), stream->total);
	return n;
}

static la_ssize_t read_callback(struct archive *archive, void *data, const void **ret)
{
	struct tar_stream *stream = data;
	la_ssize_t n = next_bytes(stream);

	if (n < 0)
		archive_set_error(archive, EIO, "%s", stream->error.text);
	*ret = stream->buffer;
	return n;
}

int tar_stream_error(struct tar_stream *stream, struct error *err)
{
	if (*stream->error.text) {
		*err = stream->error;
		return -1;
	}
	return set_error(stream->tar, stream->name, err);
}

int tar_stream_open(struct tar_stream *stream, int fd, const char *name, enum tar_filter filter,
		    int copy_fd, struct error *err)
{
	stream->name = name;
	*stream->error.text = '\0';
	stream->bytes = 0;
	SHA256Init(&stream->hash);
	stream->buffer = malloc(BUFFER_SIZE);
	stream->tar = archive_read_new();
	if (!stream->buffer || !stream->tar)
		return error_memory(err);
	stream->outer = tar_open_raw(fd, name, filter, err);
	if (!stream->outer)
		return -1;
	if (copy_fd >= 0) {
		stream->copy = open_copy(copy_fd, name, err);
		if (!stream->copy)
			return -1;
	}
	if (archive_read_support_format_tar(stream->tar) < ARCHIVE_WARN ||
	    archive_read_open(stream->tar, stream, NULL, read_callback, NULL) < ARCHIVE_WARN)
		return tar_stream_error(stream, err);
	return 0;
}

int tar_stream_finish(struct tar_stream *stream, struct digest *ret, uint64_t *ret_bytes,
		      struct error *err)
{
	la_ssize_t n;

	do
		n = next_bytes(stream);
	while (n > 0);
	if (n < 0) {
		*err = stream->error;
		return -1;
	}
	if (stream->copy && archive_write_close(stream->copy) < ARCHIVE_WARN)
		return set_write_error(stream->copy, err);
	*ret = digest_end(&stream->hash);
	*ret_bytes = stream->bytes;
	return 0;
}

void tar_stream_close(struct tar_stream *stream)
{
	if (stream->tar)
		(void)archive_read_free(stream->tar);
	if (stream->outer)
		(void)archive_read_free(stream->outer);
	if (stream->copy)
		(void)archive_write_free(stream->copy);
	free(stream->buffer);
	*stream = (struct tar_stream){ .buffer = NULL };
}
