/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/streams.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

/* More than a pipe holds, so that who writes without end does not keep us at the end. */
enum {
	FINISH_MOST = 2 << 20,
	RETRY_MS = 100, /* where the kernel has no room for a watch */
};

static bool has_output(const struct streams *s)
{
	return s->outputs[LOG_STDOUT].fd >= 0 || s->outputs[LOG_STDERR].fd >= 0;
}

static void close_output(struct streams *s, struct loop_watch *output)
{
	loop_remove(s->loop, output);
	fd_close(&output->fd);
}

static void check_ended(struct streams *s)
{
	struct stdio *stdio = s->stdio;

	if (!s->is_open || has_output(s))
		return;
	s->is_open = false;
	s->stdio = NULL;
	loop_cancel_timer(s->loop, &s->again);
	if (stdio)
		stdio_local_drained(stdio);
	s->ended(s->data);
}

/* One buffer for all: what was read has gone where it belongs before the next read. */
static char buffer[STREAMS_READ_SIZE];

static void read_output(struct streams *s, struct loop_watch *output)
{
	ssize_t n = read(output->fd, buffer, sizeof(buffer));

	if (n < 0 && (errno == EINTR || (errno == EAGAIN && !s->is_finishing)))
		return;
	if (n > 0)
		s->got(s->data, output == &s->outputs[LOG_STDOUT] ? LOG_STDOUT : LOG_STDERR, buffer,
		       (size_t)n);
	if (s->is_finishing && n > 0)
		s->left -= s->left < (size_t)n ? s->left : (size_t)n;
	/* A terminal ends with EIO. `got` may have closed all. */
	if (output->fd >= 0 && (n <= 0 || (s->is_finishing && s->left == 0)))
		close_output(s, output);
	check_ended(s);
}

static void on_stdout(struct loop_watch *watch, uint32_t events)
{
	read_output(loop_owner(watch, struct streams, outputs[LOG_STDOUT]), watch);
}

static void on_stderr(struct loop_watch *watch, uint32_t events)
{
	read_output(loop_owner(watch, struct streams, outputs[LOG_STDERR]), watch);
}

/*
 * A watch that waits for nothing would still be told of hang-ups, without end. What
 * cannot be watched just now stays in its pipe until it can.
 */
static void watch_output(struct streams *s, struct loop_watch *output)
{
	struct error err;

	if (output->fd < 0 || output->watched || loop_add(s->loop, output, &err) == 0)
		return;
	log_warning("a standard stream waits: %s", err.text);
	loop_set_timer(s->loop, &s->again, RETRY_MS);
}

/* Nothing tells that a pipe with a writer is empty. */
static void on_again(struct loop_timer *timer)
{
	struct streams *s = loop_owner(timer, struct streams, again);

	for (int i = 0; i < LOG_STREAMS && !s->is_paused; i++) {
		if (!s->is_finishing)
			watch_output(s, &s->outputs[i]);
		else if (s->outputs[i].fd >= 0)
			read_output(s, &s->outputs[i]);
	}
	if (s->is_finishing && s->is_open && !s->is_paused)
		loop_set_timer(s->loop, &s->again, 0);
}

void streams_pause(struct streams *streams)
{
	streams->is_paused = true;
	for (int i = 0; i < LOG_STREAMS; i++)
		loop_remove(streams->loop, &streams->outputs[i]);
}

void streams_go_on(struct streams *streams)
{
	streams->is_paused = false;
	for (int i = 0; i < LOG_STREAMS; i++)
		watch_output(streams, &streams->outputs[i]);
	if (streams->is_finishing && streams->is_open)
		loop_set_timer(streams->loop, &streams->again, 0);
}

void streams_finish(struct streams *streams)
{
	if (streams->is_finishing || !streams->is_open)
		return;
	streams->is_finishing = true;
	streams->left = FINISH_MOST;
	if (!streams->is_paused)
		loop_set_timer(streams->loop, &streams->again, 0);
}

void streams_resize(struct streams *streams, struct stream_size size)
{
	const struct winsize window = { .ws_col = size.columns, .ws_row = size.rows };

	if (!streams->terminal || (!size.columns && !size.rows))
		return;
	streams->size = size;
	/* What is written to and read from is the same terminal. */
	if (streams->outputs[LOG_STDOUT].fd >= 0)
		(void)ioctl(streams->outputs[LOG_STDOUT].fd, TIOCSWINSZ, &window);
}

void streams_show(struct streams *streams, struct stream_size size)
{
	struct stream_size other = size;

	if (!size.columns && !size.rows)
		return;
	/* The kernel tells of changes alone. */
	other.rows = (uint16_t)(size.rows > 1 ? size.rows - 1 : 2);
	if (size.rows == streams->size.rows && size.columns == streams->size.columns)
		streams_resize(streams, other);
	streams_resize(streams, size);
}

/* ---- what the task service calls ---- */

static void on_attached(void *data, struct stdio *stdio, int take_in, int take_out, int take_err)
{
	struct streams *s = data;

	s->stdio = stdio;
	s->is_open = true;
	s->outputs[LOG_STDOUT].fd = take_out;
	s->outputs[LOG_STDERR].fd = take_err;
	streams_resize(s, s->size);
	if (!s->is_paused)
		streams_go_on(s);
	input_open(&s->input, take_in, s->terminal);
	check_ended(s);
}

static void on_input_closed(void *data)
{
	struct streams *s = data;

	input_end(&s->input);
}

static void on_process_ended(void *data)
{
	struct streams *s = data;

	if (s->terminal)
		streams_finish(s);
}

static void on_closed(void *data)
{
	struct streams *s = data;

	s->stdio = NULL;
	for (int i = 0; i < LOG_STREAMS; i++)
		close_output(s, &s->outputs[i]);
	check_ended(s);
}

void streams_init(struct streams *streams, struct loop *loop, bool terminal, bool wants_input,
		  bool wants_output)
{
	*streams = (struct streams){
		.loop = loop,
		.terminal = terminal,
		.local = { .wants_input = wants_input,
			   .wants_output = wants_output,
			   .attached = on_attached,
			   .input_closed = on_input_closed,
			   .process_ended = on_process_ended,
			   .closed = on_closed,
			   .data = streams },
		.outputs = { { .fd = -1, .events = EPOLLIN, .ready = on_stdout },
			     { .fd = -1, .events = EPOLLIN, .ready = on_stderr } },
		.again.fire = on_again,
	};
	input_init(&streams->input, loop);
}

void streams_close(struct streams *streams)
{
	streams->is_open = streams->is_finishing = streams->is_paused = false;
	streams->stdio = NULL;
	loop_cancel_timer(streams->loop, &streams->again);
	for (int i = 0; i < LOG_STREAMS; i++)
		close_output(streams, &streams->outputs[i]);
	input_close(&streams->input);
}
