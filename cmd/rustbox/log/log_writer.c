/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/log/log_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

const char *const log_stream_files[] = { "stdout.log", "stderr.log" };

enum { NAME_SIZE = 32, ENTRIES_AT_ONCE = 512, INDEX_LEAST = 64 * 1024, TRIES = 3 };

/* ---- opening ---- */

static const char *generation_name(const char *file, uint32_t generation, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "%s.%u", file, generation);
	return name;
}

static int open_file(const struct log_writer *w, const char *name, uint64_t *ret_size,
		     struct error *err)
{
	cleanup_fd int fd = openat(w->directory, name,
				   O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open the log file %s", name);
	*ret_size = (uint64_t)st.st_size;
	return move_fd(&fd);
}

static void close_files(struct log_writer *w)
{
	for (int i = 0; i < LOG_STREAMS; i++)
		fd_close(&w->streams[i]);
	fd_close(&w->index);
}

/* False unless this file begins as the index of that generation. */
static bool read_head(const struct log_writer *w, const char *name, uint32_t generation,
		      struct log_head *ret)
{
	cleanup_fd int fd =
		openat(w->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd >= 0 && pread(fd, ret, sizeof(*ret), 0) == sizeof(*ret) &&
	       ret->magic == LOG_MAGIC && ret->generation == generation;
}

/* Bytes up to the end of a generation that was rotated away; 0: not known. */
static uint64_t count_bytes_through(const struct log_writer *w, uint32_t generation)
{
	char name[NAME_SIZE];
	struct log_head head;
	struct stat st;

	if (!read_head(w, generation_name(LOG_INDEX, generation, name), generation, &head))
		return 0;
	for (int i = 0; i < LOG_STREAMS; i++)
		if (fstatat(w->directory, generation_name(log_stream_files[i], generation, name),
			    &st, AT_SYMLINK_NOFOLLOW) == 0)
			head.before += (uint64_t)st.st_size;
	return head.before;
}

/* The greatest generation that was rotated away; 0: none. */
static int find_last_rotated(const struct log_writer *w, uint32_t *ret, struct error *err)
{
	/* Opened anew: the other one may be O_PATH, and has a place that it shares. */
	int fd = openat(w->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct log_head head;
	uint64_t generation;
	uint32_t last = 0;

	if (!directory) {
		error_set(err, errno, "list the log folder");
		fd_close(&fd);
		return -1;
	}
	for (errno = 0; (entry = readdir(directory)); errno = 0)
		if (str_starts_with(entry->d_name, LOG_INDEX ".") &&
		    str_to_uint(entry->d_name + strlen(LOG_INDEX "."), 10, LOG_GENERATION_MAX - 2,
				&generation) &&
		    generation > last && read_head(w, entry->d_name, (uint32_t)generation, &head))
			last = (uint32_t)generation;
	int rc = errno ? error_set(err, errno, "list the log folder") : 0;
	(void)closedir(directory);
	*ret = last;
	return rc;
}

/* The last run of a generation that was rotated away; 0: it has none. */
static uint16_t find_last_run(const struct log_writer *w, uint32_t generation)
{
	char name[NAME_SIZE];
	struct log_entry entry;
	struct stat st;
	cleanup_fd int fd = openat(w->directory, generation_name(LOG_INDEX, generation, name),
				   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	off_t n = (st.st_size - (off_t)sizeof(struct log_head)) / (off_t)sizeof(entry);
	if (n < 1 ||
	    pread(fd, &entry, sizeof(entry),
		  (off_t)sizeof(struct log_head) + (n - 1) * (off_t)sizeof(entry)) != sizeof(entry))
		return 0;
	return entry.run;
}

/* Without its head an index is none: what it began is begun anew by the next one. */
static int begin_generation(struct log_writer *w, uint32_t generation, uint64_t before,
			    struct error *err)
{
	struct log_head head = { .magic = LOG_MAGIC, .generation = generation, .before = before };
	ssize_t n;

	close_files(w);
	for (int i = 0; i < LOG_STREAMS; i++) {
		w->streams[i] = open_file(w, log_stream_files[i], &w->sizes[i], err);
		if (w->streams[i] < 0)
			return -1;
		/* Bytes that no index has ever known. */
		if (w->sizes[i] > 0 && ftruncate(w->streams[i], 0) < 0)
			return error_set(err, errno, "empty the log file %s", log_stream_files[i]);
		w->sizes[i] = 0;
	}
	w->index = open_file(w, LOG_INDEX, &w->index_size, err);
	if (w->index < 0)
		return -1;
	n = ftruncate(w->index, 0) < 0 ? -1 : write(w->index, &head, sizeof(head));
	if (n != sizeof(head))
		return error_set(err, n < 0 ? errno : ENOSPC, "begin the log file %s", LOG_INDEX);
	w->index_size = sizeof(head);
	w->generation = generation;
	w->before = before;
	return 0;
}

/*
 * Reads the index up to the first entry whose bytes are not all there; sums up
 * each stream. ret_good: the size of the index up to there.
 */
static int check_index(struct log_writer *w, const uint64_t actual[LOG_STREAMS], uint64_t *ret_good,
		       struct error *err)
{
	cleanup_free struct log_entry *entries = calloc(ENTRIES_AT_ONCE, sizeof(*entries));
	uint64_t at = sizeof(struct log_head);

	if (!entries)
		return error_memory(err);
	for (;;) {
		ssize_t n = pread(w->index, entries, ENTRIES_AT_ONCE * sizeof(*entries), (off_t)at);
		if (n < 0)
			return error_set(err, errno, "read the log file %s", LOG_INDEX);
		for (size_t i = 0; i < (size_t)n / sizeof(*entries); i++) {
			const struct log_entry *e = &entries[i];
			if (e->stream >= LOG_STREAMS || !e->size ||
			    w->sizes[e->stream] + e->size > actual[e->stream]) {
				*ret_good = at;
				return 0;
			}
			w->sizes[e->stream] += e->size;
			w->run = e->run;
			at += sizeof(*entries);
		}
		if ((size_t)n < sizeof(*entries)) {
			*ret_good = at;
			return 0;
		}
	}
}

/* Cuts what its writer has not finished. */
static int cut(const struct log_writer *w, uint64_t index_size, struct error *err)
{
	if (ftruncate(w->index, (off_t)index_size) < 0)
		return error_set(err, errno, "cut the log file %s", LOG_INDEX);
	for (int i = 0; i < LOG_STREAMS; i++)
		if (ftruncate(w->streams[i], (off_t)w->sizes[i]) < 0)
			return error_set(err, errno, "cut the log file %s", log_stream_files[i]);
	return 0;
}

static int rename_file(const struct log_writer *w, const char *file, struct error *err)
{
	char name[NAME_SIZE];

	generation_name(file, w->generation, name);
	if (renameat(w->directory, file, w->directory, name) < 0 && errno != ENOENT)
		return error_set(err, errno, "rename the log file %s to %s", file, name);
	return 0;
}

static void remove_generation(const struct log_writer *w, uint32_t generation)
{
	char name[NAME_SIZE];

	(void)unlinkat(w->directory, generation_name(LOG_INDEX, generation, name), 0);
	for (int i = 0; i < LOG_STREAMS; i++)
		(void)unlinkat(w->directory, generation_name(log_stream_files[i], generation, name),
			       0);
}

/* Can be repeated after a crash at any step. */
static int rotate(struct log_writer *w, struct error *err)
{
	uint64_t before;

	close_files(w);
	for (int i = 0; i < LOG_STREAMS; i++)
		if (rename_file(w, log_stream_files[i], err) < 0)
			return -1;
	if (rename_file(w, LOG_INDEX, err) < 0)
		return -1;
	before = count_bytes_through(w, w->generation);
	if (w->generation >= w->max_files)
		remove_generation(w, w->generation - (uint32_t)w->max_files + 1);
	return begin_generation(w, w->generation + 1, before, err);
}

static bool is_half_rotated(const struct log_writer *w)
{
	char name[NAME_SIZE];

	generation_name(log_stream_files[LOG_STDOUT], w->generation, name);
	return faccessat(w->directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_present(struct log_writer *w, struct error *err)
{
	uint64_t actual[LOG_STREAMS], good;
	struct log_head head;
	uint32_t rotated;

	close_files(w);
	if (find_last_rotated(w, &rotated, err) < 0)
		return -1;
	w->index = open_file(w, LOG_INDEX, &w->index_size, err);
	if (w->index < 0)
		return -1;
	if (pread(w->index, &head, sizeof(head), 0) != sizeof(head) || head.magic != LOG_MAGIC ||
	    head.generation <= rotated || head.generation >= LOG_GENERATION_MAX)
		return begin_generation(w, rotated + 1, count_bytes_through(w, rotated), err);
	w->generation = head.generation;
	w->before = head.before;
	if (is_half_rotated(w))
		return rotate(w, err);
	for (int i = 0; i < LOG_STREAMS; i++) {
		w->sizes[i] = 0;
		w->streams[i] = open_file(w, log_stream_files[i], &actual[i], err);
		if (w->streams[i] < 0)
			return -1;
	}
	if (check_index(w, actual, &good, err) < 0)
		return -1;
	if ((good != w->index_size || actual[LOG_STDOUT] != w->sizes[LOG_STDOUT] ||
	     actual[LOG_STDERR] != w->sizes[LOG_STDERR]) &&
	    cut(w, good, err) < 0)
		return -1;
	w->index_size = good;
	return 0;
}

/* A new run: behind that of the last entry, which may be in the generation before. */
static int begin_run(struct log_writer *w, struct error *err)
{
	uint32_t rotated;

	if (w->index_size == sizeof(struct log_head)) {
		if (find_last_rotated(w, &rotated, err) < 0)
			return -1;
		w->run = find_last_run(w, rotated);
	}
	w->run++;
	(void)log_writer_place(w, &w->run_begin);
	return 0;
}

int log_writer_open(struct log_writer *ret, int directory, uint64_t max_size, uint64_t max_files,
		    struct error *err)
{
	int rc = -1;
	struct log_writer w = {
		.streams = { -1, -1 },
		.index = -1,
		.max_size = max_size,
		.max_files = max_files < UINT32_MAX ? max_files : UINT32_MAX,
	};

	w.directory = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	if (w.directory < 0)
		return error_set(err, errno, "duplicate the descriptor of the log folder");
	if (w.max_files == 0)
		w.max_files = 1;
	/* What is short for a moment costs no run its log. */
	for (int tries = 0; rc < 0 && tries < TRIES; tries++)
		rc = open_present(&w, err) < 0 ? -1 : begin_run(&w, err);
	if (rc < 0) {
		log_writer_close(&w);
		return -1;
	}
	*ret = w;
	return 0;
}

/* ---- writing ---- */

static int write_all(int fd, const char *name, const void *data, size_t size, struct error *err)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, n < 0 ? errno : ENOSPC, "write to the log file %s",
					 name);
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_entry(struct log_writer *w, enum log_stream stream, const void *data, size_t size,
		       struct error *err)
{
	const struct log_entry entry = {
		.time_ns = clock_date_ns(),
		.size = (uint32_t)size,
		.stream = (uint16_t)stream,
		.run = w->run,
	};
	if (write_all(w->index, LOG_INDEX, &entry, sizeof(entry), err) < 0 ||
	    write_all(w->streams[stream], log_stream_files[stream], data, size, err) < 0)
		return -1;
	w->index_size += sizeof(entry);
	w->sizes[stream] += size;
	return 0;
}

/*
 * Who writes byte by byte makes an index that is larger than his output: it
 * counts, too (SECURITY.md S24).
 */
static bool is_full(const struct log_writer *w, enum log_stream stream, size_t size)
{
	if (!w->max_size)
		return false;
	return (w->sizes[stream] > 0 && w->sizes[stream] + size > w->max_size) ||
	       (w->index_size > INDEX_LEAST && w->index_size > w->max_size);
}

/* After a failure, in the same run. */
static int open_again(struct log_writer *w, struct error *err)
{
	uint16_t run = w->run;
	int rc = open_present(w, err);

	w->run = run;
	return rc;
}

static int append(struct log_writer *w, enum log_stream stream, const void *data, size_t size,
		  struct error *err)
{
	struct error ignored;

	/* Whatever was only half opened is closed: the next one begins with what there is. */
	if ((w->index < 0 && open_again(w, err) < 0) ||
	    (is_full(w, stream, size) && rotate(w, err) < 0)) {
		close_files(w);
		return -1;
	}
	if (write_entry(w, stream, data, size, err) == 0)
		return 0;
	if (cut(w, w->index_size, &ignored) < 0)
		close_files(w);
	return -1;
}

int log_writer_append(struct log_writer *writer, enum log_stream stream, const void *data,
		      size_t size, struct error *err)
{
	if (size == 0)
		return 0;
	for (int tries = 0; tries < TRIES; tries++)
		if (append(writer, stream, data, size, err) == 0)
			return 0;
	writer->lost += size;
	return -1;
}

uint64_t log_writer_total(const struct log_writer *writer)
{
	return writer->before + writer->sizes[LOG_STDOUT] + writer->sizes[LOG_STDERR];
}

bool log_writer_place(const struct log_writer *writer, struct log_place *ret)
{
	if (writer->index < 0)
		return false;
	*ret = (struct log_place){ .generation = writer->generation,
				   .at = writer->index_size,
				   .total = log_writer_total(writer) };
	memcpy(ret->offsets, writer->sizes, sizeof(ret->offsets));
	return true;
}

void log_writer_close(struct log_writer *writer)
{
	close_files(writer);
	fd_close(&writer->directory);
}
