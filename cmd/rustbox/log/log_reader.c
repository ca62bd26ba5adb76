/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/log/log_reader_parts.h"

enum { NAME_SIZE = 32 };

/* ---- generations ---- */

/* The name of a file in a generation that was rotated away, or in the present one (0). */
static int open_name(const struct log_reader *r, const char *file, uint32_t generation)
{
	char name[NAME_SIZE];

	if (generation)
		(void)snprintf(name, sizeof(name), "%s.%u", file, generation);
	else
		(void)snprintf(name, sizeof(name), "%s", file);
	return openat(r->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* 1; 0: it has none, or another thing; -1 with err. */
static int read_head(int index, struct log_head *ret, struct error *err)
{
	ssize_t n = pread(index, ret, sizeof(*ret), 0);

	if (n < 0)
		return error_set(err, errno, "read the log file %s", LOG_INDEX);
	return n == sizeof(*ret) && ret->magic == LOG_MAGIC && ret->generation != 0 &&
	       ret->generation <= LOG_GENERATION_MAX;
}

/*
 * The index of a generation that was rotated away, or of the present one if it
 * is that: 1 with a descriptor; 0: it is neither; -1 with err.
 */
static int open_index(const struct log_reader *r, uint32_t name, uint32_t generation, int *ret,
		      struct log_head *ret_head, struct error *err)
{
	cleanup_fd int fd = open_name(r, LOG_INDEX, name);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : error_set(err, errno, "open the log file %s", LOG_INDEX);
	int found = read_head(fd, ret_head, err);
	if (found <= 0 || (generation && ret_head->generation != generation))
		return found < 0 ? -1 : 0;
	*ret = move_fd(&fd);
	return 1;
}

/*
 * A generation's index is renamed behind its other files: where index.N is,
 * they have their last names; where it is not, they may just get them.
 */
static int open_stream(const struct log_reader *r, int i, uint32_t generation, bool rotated)
{
	int fd = rotated ? -1 : open_name(r, log_stream_files[i], 0);

	return fd >= 0 ? fd : open_name(r, log_stream_files[i], generation);
}

/* Whether the open index is the present one: 1; 0: it was rotated away; -1 with err. */
static int is_present(const struct log_reader *r, int index, struct error *err)
{
	struct stat ours, theirs;

	if (fstat(index, &ours) < 0)
		return error_set(err, errno, "look at the log file %s", LOG_INDEX);
	if (fstatat(r->directory, LOG_INDEX, &theirs, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : error_set(err, errno, "look at the log file %s", LOG_INDEX);
	return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int open_once(struct log_reader *reader, uint32_t generation, struct error *err)
{
	struct log_head head;
	cleanup_fd int index = -1;
	int rotated = open_index(reader, generation, generation, &index, &head, err);
	int found = rotated ? rotated : open_index(reader, 0, generation, &index, &head, err);

	if (found <= 0)
		return found;
	cleanup_fd int out = open_stream(reader, LOG_STDOUT, generation, rotated);
	cleanup_fd int errors = open_stream(reader, LOG_STDERR, generation, rotated);
	if (out < 0 || errors < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open a log file");
	/* Rotated meanwhile: what was opened may be of the next one. */
	int present = rotated ? 1 : is_present(reader, index, err);
	if (present <= 0)
		return present;
	for (int i = 0; i < LOG_STREAMS; i++)
		fd_close(&reader->streams[i]);
	fd_close(&reader->index);
	reader->streams[LOG_STDOUT] = move_fd(&out);
	reader->streams[LOG_STDERR] = move_fd(&errors);
	reader->index = move_fd(&index);
	reader->generation = generation;
	reader->bytes_before = head.before;
	reader->at = sizeof(struct log_head);
	memset(reader->offsets, 0, sizeof(reader->offsets));
	reader->entry = (struct log_entry){ 0 };
	reader->is_begun = false;
	return 1;
}

int log_reader_open(struct log_reader *reader, uint32_t generation, struct error *err)
{
	int opened = open_once(reader, generation, err);

	/* It may just have got its last name. */
	return opened != 0 ? opened : open_once(reader, generation, err);
}

static void note_generation(uint32_t generation, uint32_t *oldest, uint32_t *newest)
{
	if (!*oldest || generation < *oldest)
		*oldest = generation;
	if (generation > *newest)
		*newest = generation;
}

int log_reader_find(const struct log_reader *reader, uint32_t least, uint32_t most,
		    uint32_t *ret_oldest, uint32_t *ret_newest, struct error *err)
{
	cleanup_fd int index = -1;
	struct log_head head;
	int present = open_index(reader, 0, 0, &index, &head, err);
	int fd = present < 0 ? -1
			     : openat(reader->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	uint32_t oldest = 0, newest = 0;
	const struct dirent *entry;
	uint64_t number;

	if (present < 0)
		return -1;
	if (!directory) {
		error_set(err, errno, "list the log folder");
		fd_close(&fd);
		return -1;
	}
	for (errno = 0; (entry = readdir(directory)); errno = 0)
		if (str_starts_with(entry->d_name, LOG_INDEX ".") &&
		    str_to_uint(entry->d_name + strlen(LOG_INDEX "."), 10, most, &number) &&
		    number >= least)
			note_generation((uint32_t)number, &oldest, &newest);
	int rc = errno ? error_set(err, errno, "list the log folder") : 0;
	(void)closedir(directory);
	if (rc < 0)
		return -1;
	if (present && head.generation >= least && head.generation <= most)
		note_generation(head.generation, &oldest, &newest);
	*ret_oldest = oldest;
	*ret_newest = newest;
	return 0;
}

uint64_t log_reader_total(const struct log_reader *reader)
{
	return reader->bytes_before + reader->offsets[LOG_STDOUT] + reader->offsets[LOG_STDERR] -
	       reader->gap;
}

/* Goes on to the next generation there is: 1, 0 when there is none yet, -1 with err. */
static int open_next(struct log_reader *r, struct error *err)
{
	uint64_t seen = log_reader_total(r) + r->gap;
	uint32_t before = r->generation, next = before, newest;
	int opened = before ? is_present(r, r->index, err) : 0;

	if (opened != 0)
		return opened < 0 ? -1 : 0;
	opened = log_reader_open(r, before + 1, err);
	while (opened == 0) {
		if (log_reader_find(r, next + 1, LOG_GENERATION_MAX, &next, &newest, err) < 0)
			return -1;
		if (!next)
			return 0;
		opened = log_reader_open(r, next, err);
	}
	if (opened > 0 && before && r->bytes_before > seen)
		r->gap += r->bytes_before - seen;
	return opened;
}

/* ---- reading on ---- */

/* The entry at reader->at: 1, 0 at the end of the index, -1 with err. Garbage ends it, too. */
static int read_entry(const struct log_reader *reader, struct log_entry *ret, struct error *err)
{
	ssize_t n = pread(reader->index, ret, sizeof(*ret), (off_t)reader->at);

	if (n < 0)
		return error_set(err, errno, "read the log file %s", LOG_INDEX);
	return n == sizeof(*ret) && ret->stream < LOG_STREAMS && ret->size > 0;
}

static int next_entry(struct log_reader *r, struct error *err)
{
	struct log_entry entry;
	int found = 0;

	if (r->generation)
		found = read_entry(r, &entry, err);
	while (found == 0) {
		uint32_t before = r->generation;
		int present = before ? is_present(r, r->index, err) : 0;
		if (present != 0)
			return present < 0 ? -1 : 0;
		if (before) {
			/* Nothing more is added to it: what was added before that is there now. */
			found = read_entry(r, &entry, err);
			if (found != 0)
				break;
		}
		int opened = open_next(r, err);
		if (opened <= 0)
			return opened;
		found = read_entry(r, &entry, err);
		if (found == 0 && r->generation == before)
			return 0;
	}
	if (found > 0) {
		r->entry = entry;
		r->is_begun = false;
	}
	return found;
}

static int make_buffer(struct log_reader *r, size_t size, struct error *err)
{
	char *buffer;

	if (r->buffer_size >= size)
		return 0;
	buffer = realloc(r->buffer, size);
	if (!buffer)
		return error_memory(err);
	r->buffer = buffer;
	r->buffer_size = size;
	return 0;
}

/* Bytes of an entry that are not there in a generation that was rotated away never come. */
static void skip_rest(struct log_reader *r)
{
	r->offsets[r->entry.stream] += r->entry.size;
	r->at += sizeof(r->entry);
	r->entry.size = 0;
	r->is_begun = false;
}

static int read_bytes(struct log_reader *r, size_t most, ssize_t *ret_n, struct error *err)
{
	size_t size = r->entry.size < most ? r->entry.size : most;

	if (make_buffer(r, most, err) < 0)
		return -1;
	*ret_n = pread(r->streams[r->entry.stream], r->buffer, size,
		       (off_t)r->offsets[r->entry.stream]);
	if (*ret_n < 0)
		return error_set(err, errno, "read the log file %s",
				 log_stream_files[r->entry.stream]);
	return 0;
}

/* Bytes of the present entry: as read_bytes(), and 0 bytes only when more may still come. */
static int read_or_skip(struct log_reader *r, size_t most, ssize_t *ret_n, struct error *err)
{
	if (read_bytes(r, most, ret_n, err) < 0)
		return -1;
	if (*ret_n > 0)
		return 0;
	int present = is_present(r, r->index, err);
	if (present < 0)
		return -1;
	if (present) {
		/* Its writer has not come so far, or takes it back: then it is read anew. */
		if (!r->is_begun)
			r->entry.size = 0;
		return 0;
	}
	if (read_bytes(r, most, ret_n, err) < 0)
		return -1;
	if (*ret_n == 0)
		skip_rest(r);
	return 0;
}

int log_reader_next(struct log_reader *reader, size_t most, struct log_chunk *ret,
		    struct error *err)
{
	ssize_t n = 0;

	while (n == 0) {
		uint64_t at = reader->at;
		uint32_t generation = reader->generation;
		if (reader->entry.size == 0) {
			int found = next_entry(reader, err);
			if (found <= 0)
				return found;
			at = reader->at;
			generation = reader->generation;
		}
		if (read_or_skip(reader, most, &n, err) < 0)
			return -1;
		if (n == 0 && reader->at == at && reader->generation == generation)
			return 0;
	}
	*ret = (struct log_chunk){
		.stream = reader->entry.stream,
		.time_ns = reader->entry.time_ns,
		.run = reader->entry.run,
		.data = reader->buffer,
		.size = (size_t)n,
		.gap = reader->gap,
	};
	reader->gap = 0;
	reader->offsets[reader->entry.stream] += (uint64_t)n;
	reader->entry.size -= (uint32_t)n;
	reader->is_begun = reader->entry.size > 0;
	if (reader->entry.size == 0)
		reader->at += sizeof(reader->entry);
	return 1;
}

/* ---- the reader ---- */

struct log_reader *log_reader_new(int directory, struct error *err)
{
	struct log_reader *r = calloc(1, sizeof(*r));

	if (!r) {
		error_memory(err);
		return NULL;
	}
	r->streams[LOG_STDOUT] = r->streams[LOG_STDERR] = r->index = r->inotify = -1;
	r->directory = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	if (r->directory < 0) {
		error_set(err, errno, "duplicate the descriptor of the log folder");
		log_reader_free(r);
		return NULL;
	}
	return r;
}

void log_reader_free(struct log_reader *reader)
{
	if (!reader)
		return;
	for (int i = 0; i < LOG_STREAMS; i++)
		fd_close(&reader->streams[i]);
	fd_close(&reader->index);
	fd_close(&reader->inotify);
	fd_close(&reader->directory);
	free(reader->buffer);
	free(reader);
}

int log_reader_watch(struct log_reader *reader, struct error *err)
{
	char path[64];

	if (reader->inotify >= 0)
		return reader->inotify;
	reader->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (reader->inotify < 0)
		return error_set(err, errno, "make an inotify descriptor");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", reader->directory);
	if (inotify_add_watch(reader->inotify, path,
			      IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0) {
		error_set(err, errno, "watch the log folder");
		fd_close(&reader->inotify);
		return -1;
	}
	return reader->inotify;
}

void log_reader_acknowledge(struct log_reader *reader)
{
	char events[4096];

	while (reader->inotify >= 0 && read(reader->inotify, events, sizeof(events)) > 0)
		;
}
