/* SPDX-License-Identifier: Apache-2.0 */
/* The end: what was written gets where it belongs, then everything is closed. */
#include <stdlib.h>

#include "base/fd.h"
#include "shim/stdio_parts.h"
#include "shim/stdio_reader.h"

static void end_stream(struct stream *stream)
{
	relay_free(stream->relay);
	stream->relay = NULL;
	fd_close(&stream->ours);
	fd_close(&stream->target);
	fd_close(&stream->fifo);
	stdio_uri_done(&stream->uri);
}

static void close_all(struct stdio *s)
{
	loop_cancel_timer(s->loop, &s->patience);
	loop_cancel_timer(s->loop, &s->look);
	stdio_close_process_side(s);
	for (int i = 0; i < STREAMS; i++)
		end_stream(&s->streams[i]);
	fd_close(&s->input_writer);
	fd_close(&s->master);
	stdio_free_console(s);
	logger_free(s->logger);
	s->logger = NULL;
	if (s->local_is_open) {
		s->local_is_open = false;
		s->local.closed(s->local.data);
	}
}

/* A logger that still runs may not have read all that its pipes hold. */
static bool has_all_sent(const struct stdio *s)
{
	return !s->streams[OUT].relay && !s->streams[ERR].relay && !s->local_is_open &&
	       !(s->logger && logger_is_running(s->logger));
}

static void tell_read(struct stdio *s)
{
	void (*read)(void *data) = s->read;

	s->read = NULL;
	if (read)
		read(s->read_data);
}

static void finish(struct stdio *s)
{
	void (*drained)(void *data) = s->drained;

	s->drained = NULL;
	close_all(s);
	tell_read(s);
	drained(s->drained_data); /* may free us */
}

static bool is_read(const struct stdio *s)
{
	for (int i = OUT; i <= ERR; i++) {
		const struct stream *stream = &s->streams[i];
		if (stream->relay || (stream->fifo >= 0 && !stdio_reader_is_done(stream->fifo)))
			return false;
	}
	return true;
}

static void on_look(struct loop_timer *timer)
{
	struct stdio *s = loop_owner(timer, struct stdio, look);
	bool done = s->look_left_ms <= 0 || is_read(s);

	if (!done)
		stdio_look_again(s);
	if (done)
		tell_read(s);
	if (done && s->drained && has_all_sent(s))
		finish(s);
}

void stdio_check_drained(struct stdio *s)
{
	if (!s->drained || !has_all_sent(s))
		return;
	if (is_read(s))
		finish(s);
	else
		stdio_start_looking(s, on_look, READ_MS);
}

static void on_no_patience(struct loop_timer *timer)
{
	finish(loop_owner(timer, struct stdio, patience));
}

void stdio_process_ended(struct stdio *stdio)
{
	stdio->process_has_ended = true;
	if (stdio->local_is_open)
		stdio->local.process_ended(stdio->local.data);
	if (!stdio->terminal)
		return; /* its pipes tell */
	end_stream(&stdio->streams[IN]);
	fd_close(&stdio->input_writer);
	if (stdio->streams[OUT].relay)
		relay_finish(stdio->streams[OUT].relay);
}

/* Our own reading end has kept the FIFO's content for clients to come: none will any more. */
static void stop_reading(struct stream *stream)
{
	int writer =
		stream->relay && stream->fifo >= 0 ? stdio_reader_open_writer(stream->fifo) : -1;

	if (writer >= 0)
		relay_replace_target(stream->relay, writer);
}

void stdio_when_drained(struct stdio *stdio, int timeout_ms, void (*drained)(void *data),
			void *data)
{
	stdio->drained = drained;
	stdio->drained_data = data;
	stdio->patience.fire = on_no_patience;
	loop_set_timer(stdio->loop, &stdio->patience, timeout_ms);
	/* Where nothing was attached, a logger learns by this that nothing will come. */
	stdio_close_process_side(stdio);
	for (int i = 0; i < STREAMS; i++)
		fd_close(&stdio->streams[i].ours);
	for (int i = OUT; i <= ERR; i++)
		stop_reading(&stdio->streams[i]);
	stdio_check_drained(stdio);
}

void stdio_when_read(struct stdio *stdio, int timeout_ms, void (*read)(void *data), void *data)
{
	if (stdio->read || stdio->drained || is_read(stdio)) {
		read(data);
		return;
	}
	stdio->read = read;
	stdio->read_data = data;
	stdio_start_looking(stdio, on_look, timeout_ms);
}

void stdio_local_drained(struct stdio *stdio)
{
	stdio->local_is_open = false;
	stdio_check_drained(stdio);
}

void stdio_free(struct stdio *stdio)
{
	if (!stdio)
		return;
	close_all(stdio);
	tell_read(stdio);
	free(stdio);
}
