/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/log/log_reader.h"
#include "cmd/rustbox/stream/stream.h"

struct logs_options {
	bool follow, timestamps;
	const char *since, *until, *tail;
};

static const struct option_row rows[] = {
	{ "follow", 'f', NULL, "go on with what comes, until the container has ended",
	  OPTION_AT(logs_options, follow) },
	{ "tail", 'n', "N", "only the last N lines (\"all\": all of them)",
	  OPTION_AT(logs_options, tail) },
	{ "timestamps", 't', NULL, "when each line was written, in front of it",
	  OPTION_AT(logs_options, timestamps) },
	{ "since", 0, "TIME", "what was written at that time or later (2026-01-02T15:04:05, 10m)",
	  OPTION_AT(logs_options, since) },
	{ "until", 0, "TIME", "what was written before that time", OPTION_AT(logs_options, until) },
	{ NULL },
};

static const uint64_t NS = 1000000000;
enum { CHUNK_SIZE = 64 * 1024, TIME_SIZE = 48 };

struct show {
	const struct logs_options *options;
	struct log_reader *reader;
	uint64_t since_ns, until_ns;
	bool is_inside_line[LOG_STREAMS];
	uint16_t run;	/* whose line that is */
	bool is_over;	/* --until has come */
	bool is_unread; /* nobody reads our output any more */
};

/* ---- showing ---- */

static void write_out(struct show *show, enum log_stream stream, const void *data, size_t size,
		      int *ret_result, struct error *err)
{
	int fd = stream == LOG_STDERR ? STDERR_FILENO : STDOUT_FILENO;

	if (*ret_result < 0 || show->is_unread)
		return;
	*ret_result = fd_write_all(fd, stream == LOG_STDERR ? "standard error" : "standard output",
				   data, size, err);
	if (*ret_result < 0 && err->code == EPIPE) {
		show->is_unread = true;
		*ret_result = 0;
	}
}

/* RFC 3339, UTC; all of the same width. */
static size_t write_time(uint64_t time_ns, char text[TIME_SIZE])
{
	time_t seconds = (time_t)(time_ns / NS);
	struct tm tm;
	size_t size;

	(void)gmtime_r(&seconds, &tm);
	size = strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	return size +
	       (size_t)snprintf(text + size, TIME_SIZE - size, ".%09" PRIu64 "Z ", time_ns % NS);
}

static int show_lines(struct show *show, const struct log_chunk *chunk, struct error *err)
{
	const char *p = chunk->data, *end = p + chunk->size;
	char when[TIME_SIZE];
	size_t when_size = write_time(chunk->time_ns, when);
	int result = 0;

	/* A line that the end of its run has cut is none with the next run's first one. */
	for (int i = 0; i < LOG_STREAMS && chunk->run != show->run; i++) {
		if (show->is_inside_line[i])
			write_out(show, (enum log_stream)i, "\n", 1, &result, err);
		show->is_inside_line[i] = false;
	}
	show->run = chunk->run;
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *next = newline ? newline + 1 : end;
		if (!show->is_inside_line[chunk->stream])
			write_out(show, chunk->stream, when, when_size, &result, err);
		write_out(show, chunk->stream, p, (size_t)(next - p), &result, err);
		show->is_inside_line[chunk->stream] = !newline;
		p = next;
	}
	return result;
}

static int show_chunk(struct show *show, const struct log_chunk *chunk, struct error *err)
{
	int result = 0;

	if (chunk->time_ns < show->since_ns)
		return 0;
	if (chunk->time_ns >= show->until_ns) {
		show->is_over = true;
		return 0;
	}
	if (show->options->timestamps)
		return show_lines(show, chunk, err);
	write_out(show, chunk->stream, chunk->data, chunk->size, &result, err);
	return result;
}

static int show_all(struct show *show, struct error *err)
{
	struct log_chunk chunk;
	int found;

	while (!show->is_over && !show->is_unread &&
	       (found = log_reader_next(show->reader, CHUNK_SIZE, &chunk, err)) != 0)
		if (found < 0 || show_chunk(show, &chunk, err) < 0)
			return -1;
	return 0;
}

/* ---- following ---- */

/* A connection on which the supervisor tells the end; -1 where there is none. */
static int watch_end(const struct invocation *call, const struct record *record)
{
	struct error ignored;
	cleanup_free char *path = store_run_path(call->store, record->id, "stream.sock", &ignored);
	cleanup_fd int socket = path ? stream_connect(path, &ignored) : -1;

	if (socket >= 0 && stream_send(socket, STREAM_WAIT, NULL, 0) < 0)
		return -1;
	return move_fd(&socket);
}

/* Milliseconds until --until; -1: there is none, 0: it has come. */
static int time_left(const struct show *show)
{
	uint64_t now = clock_date_ns(), left = show->until_ns > now ? show->until_ns - now : 0;

	if (show->until_ns == UINT64_MAX)
		return -1;
	return left / 1000000 < INT_MAX ? (int)((left + 999999) / 1000000) : INT_MAX;
}

static int follow(const struct invocation *call, const struct record *record, struct show *show,
		  struct error *err)
{
	struct pollfd watched[] = {
		{ .fd = log_reader_watch(show->reader, err), .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
		/* Only errors: our reader has gone. */
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	cleanup_fd int end = -1;

	if (watched[0].fd < 0)
		return -1;
	end = watch_end(call, record);
	watched[1].fd = end;
	for (;;) {
		int left = time_left(show);
		bool is_last = watched[1].fd < 0 || watched[1].revents || left == 0;
		log_reader_acknowledge(show->reader);
		if (show_all(show, err) < 0)
			return -1;
		if (is_last || show->is_over || show->is_unread || watched[2].revents)
			return 0;
		if (poll(watched, 3, left) < 0 && errno != EINTR)
			return error_set(err, errno, "wait for more output");
	}
}

/* ---- where it begins ---- */

static int read_times(struct show *show, struct error *err)
{
	uint64_t now = clock_date_ns();

	show->until_ns = UINT64_MAX;
	if (show->options->since &&
	    format_read_time(show->options->since, now, &show->since_ns, err) < 0)
		return error_wrap(err, "--since");
	if (show->options->until &&
	    format_read_time(show->options->until, now, &show->until_ns, err) < 0)
		return error_wrap(err, "--until");
	return 0;
}

static int seek(const struct show *show, struct error *err)
{
	const char *tail = show->options->tail;
	uint64_t lines;

	if (!tail || strcmp(tail, "all") == 0)
		return show->since_ns ? log_reader_seek_time(show->reader, show->since_ns, err) : 0;
	if (!str_to_uint(tail, 10, UINT32_MAX, &lines))
		return error_set(err, 0, "--tail %s: a number of lines, or \"all\", is expected",
				 tail);
	return log_reader_seek_lines(show->reader, lines, err);
}

static int show_log(const struct invocation *call, const struct record *record, struct show *show,
		    struct error *err)
{
	cleanup_free char *path = store_path(call->store, "logs", record->id, NULL, err);
	cleanup_fd int directory = -1;

	if (!path)
		return -1;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_set(err, errno, "open %s", path);
	show->reader = log_reader_new(directory, err);
	if (!show->reader || seek(show, err) < 0)
		return -1;
	return show->options->follow ? follow(call, record, show, err) : show_all(show, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct show show = { .options = call->options };
	struct record *record;
	int result;

	if (read_times(&show, err) < 0 ||
	    store_find(call->store, call->args[0], call->arena, &record, err) < 0)
		return -1;
	result = show_log(call, record, &show, err);
	log_reader_free(show.reader);
	return result;
}

const struct command command_logs = {
	.about = {
		.name = "logs",
		.summary = "show the output of a container",
		.arguments = "CONTAINER",
		.description = "What the container has written to standard output and standard "
			       "error goes to ours, in the order in which it was written. With "
			       "--tty everything is standard output.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct logs_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
