/* SPDX-License-Identifier: Apache-2.0 */
/* Copying between the process's side and the clients'. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "shim/stdio_file.h"
#include "shim/stdio_parts.h"
#include "shim/stdio_reader.h"

void stdio_free_console(struct stdio *s)
{
	if (!s->console)
		return;
	console_done(s->console);
	free(s->console);
	s->console = NULL;
}

static void on_stream_end(void *data)
{
	struct stream *stream = data;
	struct stdio *s = stream->stdio;

	relay_free(stream->relay);
	stream->relay = NULL;
	if (stream == &s->streams[IN])
		fd_close(&s->input_writer);
	stdio_check_drained(s);
}

static int start_relay(struct stdio *s, int i, int take_from, int take_to, struct error *err)
{
	struct stream *stream = &s->streams[i];

	stream->relay = relay_new(s->loop, take_from, take_to, on_stream_end, stream, err);
	return stream->relay ? 0 : error_wrap(err, "%s", stdio_stream_names[i]);
}

static int duplicate(int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? error_set(err, errno, "duplicate descriptor %d", fd) : copy;
}

static int set_nonblocking(int fd, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return error_set(err, errno, "make descriptor %d non-blocking", fd);
	return 0;
}

static int attach_input(struct stdio *s, struct error *err)
{
	struct stream *in = &s->streams[IN];

	if (!in->uri.path)
		return 0;
	cleanup_fd int to = s->terminal ? duplicate(s->master, err) : move_fd(&in->ours);
	if (to < 0)
		return -1;
	cleanup_fd int from = stdio_file_open_input(in->uri.path, &s->input_writer, err);
	if (from < 0)
		return error_wrap(err, "stdin");
	if (s->input_is_closed)
		fd_close(&s->input_writer);
	if (start_relay(s, IN, move_fd(&from), move_fd(&to), err) < 0)
		return -1;
	/* The client is to learn that the process does not read any more. */
	relay_end_when_broken(in->relay);
	return 0;
}

/* A terminal is read even where nobody wants to see it: a full one would stop the process. */
static int open_output(struct stdio *s, int i, struct error *err)
{
	const struct stdio_uri *uri = &s->streams[i].uri;
	int fd;

	if (s->streams[i].target >= 0)
		return move_fd(&s->streams[i].target);
	if (!uri->path) {
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		return fd < 0 ? error_set(err, errno, "open /dev/null") : fd;
	}
	fd = stdio_file_open_output(uri, err);
	return fd < 0 ? error_wrap(err, "%s", stdio_stream_names[i]) : fd;
}

static int attach_pipes(struct stdio *s, struct error *err)
{
	cleanup_fd int shared = -1;

	for (int i = OUT; i <= ERR; i++) {
		struct stream *stream = &s->streams[i];
		if (stream->ours < 0)
			continue;
		cleanup_fd int to = shared >= 0 ? move_fd(&shared) : open_output(s, i, err);
		if (to < 0)
			return -1;
		stream->fifo = stdio_reader_find(to);
		if (i == OUT && stdio_is_one_target(s) && (shared = duplicate(to, err)) < 0)
			return -1;
		if (start_relay(s, i, move_fd(&stream->ours), move_fd(&to), err) < 0)
			return -1;
	}
	return 0;
}

static int receive_master(struct stdio *s, struct error *err)
{
	if (!s->console)
		return error_set(err, 0, "attach the terminal: its socket was used before");
	s->master = console_receive(s->console, err);
	stdio_free_console(s);
	if (s->master < 0)
		return -1;
	if (s->size_is_known)
		(void)ioctl(s->master, TIOCSWINSZ, &s->size);
	return 0;
}

static int attach_terminal(struct stdio *s, struct error *err)
{
	struct stream *out = &s->streams[OUT];

	if (receive_master(s, err) < 0)
		return -1;
	cleanup_fd int from = duplicate(s->master, err);
	if (from < 0)
		return -1;
	cleanup_fd int to = s->logger ? move_fd(&out->ours) : open_output(s, OUT, err);
	out->fifo = to < 0 || s->logger ? -1 : stdio_reader_find(to);
	if (to < 0 || start_relay(s, OUT, move_fd(&from), move_fd(&to), err) < 0)
		return -1;
	if (s->process_has_ended)
		relay_finish(out->relay);
	return 0;
}

static void hand_over(struct stdio *s, int take_in, int take_out, int take_err)
{
	s->local_is_open = true;
	s->local.attached(s->local.data, s, take_in, take_out, take_err);
	if (s->input_is_closed)
		s->local.input_closed(s->local.data);
	if (s->process_has_ended)
		s->local.process_ended(s->local.data);
}

static int attach_local(struct stdio *s, struct error *err)
{
	cleanup_fd int in = -1, out = -1, errors = move_fd(&s->streams[ERR].ours);

	if (!s->terminal) {
		in = move_fd(&s->streams[IN].ours);
		out = move_fd(&s->streams[OUT].ours);
	} else {
		if (receive_master(s, err) < 0 || (in = duplicate(s->master, err)) < 0 ||
		    (out = duplicate(s->master, err)) < 0)
			return -1;
	}
	if ((in >= 0 && set_nonblocking(in, err) < 0) ||
	    (out >= 0 && set_nonblocking(out, err) < 0) ||
	    (errors >= 0 && set_nonblocking(errors, err) < 0))
		return -1;
	hand_over(s, move_fd(&in), move_fd(&out), move_fd(&errors));
	return 0;
}

void stdio_close_process_side(struct stdio *s)
{
	for (int i = 0; i < STREAMS; i++)
		fd_close(&s->child[i]);
}

int stdio_attach(struct stdio *stdio, struct error *err)
{
	stdio_close_process_side(stdio);
	if (stdio->is_local)
		return attach_local(stdio, err);
	if ((stdio->terminal ? attach_terminal(stdio, err) : attach_pipes(stdio, err)) < 0 ||
	    attach_input(stdio, err) < 0)
		return -1;
	for (int i = 0; i < STREAMS; i++)
		stdio_uri_done(&stdio->streams[i].uri);
	return 0;
}

void stdio_close_input(struct stdio *stdio)
{
	stdio->input_is_closed = true;
	fd_close(&stdio->input_writer);
	if (stdio->local_is_open)
		stdio->local.input_closed(stdio->local.data);
}

int stdio_resize(struct stdio *stdio, uint32_t columns, uint32_t rows, struct error *err)
{
	if (!stdio->terminal)
		return 0;
	stdio->size = (struct winsize){
		.ws_col = columns > USHRT_MAX ? USHRT_MAX : (unsigned short)columns,
		.ws_row = rows > USHRT_MAX ? USHRT_MAX : (unsigned short)rows,
	};
	stdio->size_is_known = true;
	if (stdio->master >= 0 && ioctl(stdio->master, TIOCSWINSZ, &stdio->size) < 0)
		return error_set(err, errno, "set the terminal's size to %ux%u", columns, rows);
	return 0;
}
