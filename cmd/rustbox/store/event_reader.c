/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/store/event.h"

enum { CHUNK = 64 * 1024, LINE_MAX_BYTES = 1024 * 1024 };

static int open_file(const struct event_reader *reader, const char *name)
{
	return openat(reader->store->run_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* True when the name is that of the open file. */
static bool is_file(const struct event_reader *reader, const char *name)
{
	struct stat mine, named;

	return reader->file >= 0 && fstat(reader->file, &mine) == 0 &&
	       fstatat(reader->store->run_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/*
 * Goes to the next file. What is read must not become a third one in between:
 * then events.1 is the next one to read.
 */
static void advance(struct event_reader *reader)
{
	cleanup_fd int next = open_file(reader, EVENT_FILE);
	bool is_old = false;

	if (reader->file >= 0 ? !is_file(reader, EVENT_FILE_OLD) : !reader->is_old) {
		int old = open_file(reader, EVENT_FILE_OLD);

		if (old >= 0) {
			fd_close(&next);
			next = old;
			is_old = true;
		}
	}
	if (next < 0)
		return; /* nobody has written since the change */
	fd_close(&reader->file);
	reader->file = move_fd(&next);
	reader->is_old = is_old;
	reader->start = reader->end = 0;
}

int event_reader_open(const struct store *store, struct event_reader *ret, struct error *err)
{
	struct event_reader reader = { .store = store, .file = -1, .watch = -1, .room = CHUNK };

	reader.buffer = malloc(reader.room);
	if (!reader.buffer)
		return error_memory(err);
	*ret = reader;
	return 0;
}

void event_reader_close(struct event_reader *reader)
{
	fd_close(&reader->file);
	fd_close(&reader->watch);
	free(move_ptr(&reader->buffer));
}

/* Room for a line that is longer than the buffer; what is too long for a line of ours goes. */
static int make_room(struct event_reader *reader, struct error *err)
{
	char *grown;

	if (reader->start > 0)
		memmove(reader->buffer, reader->buffer + reader->start,
			reader->end - reader->start);
	reader->end -= reader->start;
	reader->start = 0;
	if (reader->end < reader->room)
		return 0;
	if (reader->room >= LINE_MAX_BYTES) {
		reader->end = 0;
		return 0;
	}
	grown = realloc(reader->buffer, reader->room + CHUNK);
	if (!grown)
		return error_memory(err);
	reader->buffer = grown;
	reader->room += CHUNK;
	return 0;
}

/* Reads on. 1; 0 at the end of the file; -1 with err. */
static int fill(struct event_reader *reader, struct error *err)
{
	ssize_t n;

	if (make_room(reader, err) < 0)
		return -1;
	do
		n = read(reader->file, reader->buffer + reader->end, reader->room - reader->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, errno, "read %s/%s", reader->store->run, EVENT_FILE);
	reader->end += (size_t)n;
	return n > 0;
}

/* 1: *ret_line up to its newline; 0: there is no whole line; -1 with err. */
static int next_line(struct event_reader *reader, const char **ret_line, size_t *ret_size,
		     struct error *err)
{
	for (;;) {
		char *line = reader->buffer + reader->start;
		char *end = memchr(line, '\n', reader->end - reader->start);
		int filled;

		if (end) {
			*ret_line = line;
			*ret_size = (size_t)(end - line);
			reader->start += *ret_size + 1;
			return 1;
		}
		filled = fill(reader, err);
		if (filled <= 0)
			return filled;
	}
}

/* The same across files. */
static int next_line_of_all(struct event_reader *reader, const char **ret_line, size_t *ret_size,
			    struct error *err)
{
	for (;;) {
		bool is_last;
		int file, rc;

		if (reader->file < 0)
			advance(reader);
		if (reader->file < 0)
			return 0;
		/* Asked before reading: a file that was renamed by then gets no more lines. */
		is_last = is_file(reader, EVENT_FILE);
		rc = next_line(reader, ret_line, ret_size, err);
		if (rc != 0 || is_last)
			return rc;
		file = reader->file;
		advance(reader);
		if (file == reader->file)
			return 0;
	}
}

int event_reader_next(struct event_reader *reader, struct arena *arena, struct event *ret,
		      struct error *err)
{
	const char *line = NULL;
	size_t size = 0;
	int rc;

	while ((rc = next_line_of_all(reader, &line, &size, err)) > 0) {
		struct error ignored;

		*ret = (struct event){ 0 };
		if (json_read(&event_type, line, size, ret, arena, &ignored) == 0)
			return 1;
	}
	return rc;
}

int event_reader_watch(struct event_reader *reader, struct error *err)
{
	if (reader->watch >= 0)
		return reader->watch;
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch < 0)
		return error_set(err, errno, "inotify_init1");
	if (inotify_add_watch(watch, reader->store->run, IN_CREATE | IN_MODIFY | IN_MOVED_TO) < 0)
		return error_set(err, errno, "watch %s", reader->store->run);
	reader->watch = move_fd(&watch);
	return reader->watch;
}

void event_reader_acknowledge(struct event_reader *reader)
{
	char events[4096];

	while (read(reader->watch, events, sizeof(events)) > 0) {
	}
}
