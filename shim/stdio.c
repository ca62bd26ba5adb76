/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shim/console.h"
#include "shim/logger.h"
#include "shim/relay.h"
#include "shim/stdio_file.h"
#include "shim/stdio_reader.h"
#include "shim/stdio_uri.h"

enum { IN, OUT, ERR, STREAMS };
enum {
	LOOK_MOST_MS = 50,
	MEET_MS = 5000, /* for a client to open what it has made */
	READ_MS = 1000,	 /* for a client to read what it has got */
};

static const char *const names[STREAMS] = { "stdin", "stdout", "stderr" };

struct stream {
	struct stdio *stdio;
	struct stdio_uri uri; /* until it is attached; no path: not wanted */
	int ours;	      /* our end of its pipe, until it is attached */
	int target;	      /* a FIFO that a client has open, until it is attached */
	int fifo;	      /* of the client, for output: see stdio_reader.h */
	struct relay *relay;  /* while it copies */
};

struct stdio {
	struct loop *loop;
	struct reaper *reaper;
	struct stream streams[STREAMS];
	int child[STREAMS];
	int input_writer; /* keeps stdin's FIFO from its end: until CloseIO */
	int master;
	struct console *console; /* until the master came */
	struct logger *logger;
	void (*ready)(void *data, const char *failure);
	void *ready_data;
	void (*drained)(void *data);
	void *drained_data;
	struct loop_timer patience;
	void (*read)(void *data); /* who waits for the client to read */
	void *read_data;
	struct loop_timer look;
	int look_ms, look_left_ms;
	struct winsize size;
	bool terminal, size_is_known, input_is_closed, process_has_ended;
};

static bool is_given(const char *text)
{
	return text && *text;
}

static bool is_program(const struct stdio_uri *uri)
{
	return uri->args != NULL;
}

/* ---- the process's side ---- */

static struct stdio *allocate(struct loop *loop, struct reaper *reaper, struct error *err)
{
	struct stdio *s = calloc(1, sizeof(*s));

	if (!s) {
		error_memory(err);
		return NULL;
	}
	s->loop = loop;
	s->reaper = reaper;
	s->input_writer = s->master = -1;
	for (int i = 0; i < STREAMS; i++) {
		s->streams[i].stdio = s;
		s->streams[i].ours = s->streams[i].target = s->streams[i].fifo = s->child[i] = -1;
	}
	return s;
}

static int read_uri(struct stdio *s, int i, const char *text, struct error *err)
{
	struct stdio_uri *uri = &s->streams[i].uri;

	if (!is_given(text))
		return 0;
	if (stdio_uri_parse(text, uri, err) < 0)
		return error_wrap(err, "%s", names[i]);
	if (is_program(uri) && i != OUT)
		return error_set(err, EINVAL, "%s %s: only stdout can name a logging binary",
				 names[i], text);
	if (uri->scheme == STDIO_FILE && i == IN)
		return error_set(err, EINVAL, "stdin %s: only a FIFO can be read from", text);
	return 0;
}

/* What a URI in stdout says is about stderr as well; a terminal has no stderr of its own. */
static int read_uris(struct stdio *s, const struct stdio_config *config, struct error *err)
{
	const char *error_text = config->err;

	if (read_uri(s, IN, config->in, err) < 0 || read_uri(s, OUT, config->out, err) < 0)
		return -1;
	if (s->terminal || is_program(&s->streams[OUT].uri))
		return 0;
	if (s->streams[OUT].uri.scheme == STDIO_FILE)
		error_text = config->out;
	return read_uri(s, ERR, error_text, err);
}

static int make_pipe(const struct stdio_config *config, int i, int ret_ends[2], struct error *err)
{
	if (pipe2(ret_ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe for %s", names[i]);
	/* So that the process can open it again by its name (/dev/stdout). */
	if ((config->uid || config->gid) && fchown(ret_ends[0], config->uid, config->gid) < 0) {
		error_set(err, errno, "give the pipe of %s to %u:%u", names[i], config->uid,
			  config->gid);
		fd_close(&ret_ends[0]);
		fd_close(&ret_ends[1]);
		return -1;
	}
	return 0;
}

static int make_pipes(struct stdio *s, const struct stdio_config *config, struct error *err)
{
	for (int i = 0; i < STREAMS; i++) {
		int ends[2], child_end = i == IN ? 0 : 1;
		if (!s->streams[i].uri.path || (i == OUT && is_program(&s->streams[i].uri)))
			continue;
		if (make_pipe(config, i, ends, err) < 0)
			return -1;
		s->child[i] = ends[child_end];
		s->streams[i].ours = ends[!child_end];
	}
	return 0;
}

static int make_console(struct stdio *s, int directory, struct error *err)
{
	cleanup_free struct console *console = malloc(sizeof(*console));

	if (!console)
		return error_memory(err);
	if (console_listen(console, directory, err) < 0)
		return -1;
	s->console = move_ptr(&console);
	return 0;
}

static void on_logger_ready(void *data, const char *failure)
{
	struct stdio *s = data;

	s->ready(s->ready_data, failure);
}

static void check_drained(struct stdio *s);

static void on_logger_end(void *data)
{
	check_drained(data);
}

/* The process writes to the logger's pipes itself; what a terminal gives is copied to them. */
static int start_logger(struct stdio *s, const struct stdio_config *config, struct error *err)
{
	struct stream *out = &s->streams[OUT];
	int out_ends[2], err_ends[2];

	if (make_pipe(config, OUT, out_ends, err) < 0)
		return -1;
	cleanup_fd int out_read = out_ends[0], out_write = out_ends[1];
	if (make_pipe(config, ERR, err_ends, err) < 0)
		return -1;
	cleanup_fd int err_read = err_ends[0], err_write = err_ends[1];
	const struct logger_config logger = {
		.uri = &out->uri,
		.id = config->id,
		.namespace = config->namespace,
		.out = out_read,
		.err = err_read,
		.ready = on_logger_ready,
		.ended = on_logger_end,
		.data = s,
	};
	s->logger = logger_new(s->loop, s->reaper, &logger, err);
	if (!s->logger)
		return -1;
	if (s->terminal) {
		out->ours = move_fd(&out_write);
	} else {
		s->child[OUT] = move_fd(&out_write);
		s->child[ERR] = move_fd(&err_write);
	}
	return 0;
}

/* ---- clients ---- */

/* Nobody tells when a pipe was opened or emptied: it is looked at, after 1 ms, 2, 4, … */
static void look_again(struct stdio *s)
{
	s->look_ms = s->look_ms ? 2 * s->look_ms : 1;
	if (s->look_ms > LOOK_MOST_MS)
		s->look_ms = LOOK_MOST_MS;
	s->look_left_ms -= s->look_ms;
	loop_set_timer(s->loop, &s->look, s->look_ms);
}

static void start_looking(struct stdio *s, void (*look)(struct loop_timer *timer), int timeout_ms)
{
	s->look.fire = look;
	s->look_ms = 0;
	s->look_left_ms = timeout_ms;
	look_again(s);
}

static bool is_one_target(const struct stdio *s)
{
	const char *out = s->streams[OUT].uri.path, *err = s->streams[ERR].uri.path;

	return out && err && strcmp(out, err) == 0;
}

/* Takes the FIFOs that have a client by now. */
static bool has_met_clients(struct stdio *s)
{
	bool all = true;

	for (int i = OUT; i <= (is_one_target(s) ? OUT : ERR); i++) {
		struct stream *stream = &s->streams[i];
		if (!stream->uri.path || stream->target >= 0)
			continue;
		stream->target = stdio_file_meet_client(&stream->uri);
		if (stream->target < 0 && errno == ENXIO)
			all = false;
	}
	return all;
}

/* One who comes later still finds what the FIFO and the process's pipe hold. */
static void on_look_for_clients(struct loop_timer *timer)
{
	struct stdio *s = loop_owner(timer, struct stdio, look);

	if (s->look_left_ms <= 0 || has_met_clients(s))
		s->ready(s->ready_data, NULL);
	else
		look_again(s);
}

static int prepare(struct stdio *s, const struct stdio_config *config, struct error *err)
{
	if (read_uris(s, config, err) < 0)
		return -1;
	if (s->terminal ? make_console(s, config->directory, err) < 0
			: make_pipes(s, config, err) < 0)
		return -1;
	return is_program(&s->streams[OUT].uri) ? start_logger(s, config, err) : 0;
}

struct stdio *stdio_new(struct loop *loop, struct reaper *reaper, const struct stdio_config *config,
			void (*ready)(void *data, const char *failure), void *data,
			struct error *err)
{
	struct stdio *s = allocate(loop, reaper, err);

	if (!s)
		return NULL;
	s->terminal = config->terminal;
	s->ready = ready;
	s->ready_data = data;
	if (prepare(s, config, err) < 0) {
		stdio_free(s);
		return NULL;
	}
	if (s->logger)
		return s;
	if (has_met_clients(s))
		ready(data, NULL);
	else
		start_looking(s, on_look_for_clients, MEET_MS);
	return s;
}

const int *stdio_child_fds(const struct stdio *stdio)
{
	return stdio->child;
}

const char *stdio_console_name(const struct stdio *stdio)
{
	return stdio->console ? stdio->console->name : NULL;
}

/* ---- copying ---- */

static void free_console(struct stdio *s)
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
	check_drained(s);
}

static int start_relay(struct stdio *s, int i, int take_from, int take_to, struct error *err)
{
	struct stream *stream = &s->streams[i];

	stream->relay = relay_new(s->loop, take_from, take_to, on_stream_end, stream, err);
	return stream->relay ? 0 : error_wrap(err, "%s", names[i]);
}

static int duplicate(int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? error_set(err, errno, "duplicate descriptor %d", fd) : copy;
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
	return fd < 0 ? error_wrap(err, "%s", names[i]) : fd;
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
		if (i == OUT && is_one_target(s) && (shared = duplicate(to, err)) < 0)
			return -1;
		if (start_relay(s, i, move_fd(&stream->ours), move_fd(&to), err) < 0)
			return -1;
	}
	return 0;
}

static int attach_terminal(struct stdio *s, struct error *err)
{
	struct stream *out = &s->streams[OUT];

	if (!s->console)
		return error_set(err, 0, "attach the terminal: its socket was used before");
	s->master = console_receive(s->console, err);
	free_console(s);
	if (s->master < 0)
		return -1;
	if (s->size_is_known)
		(void)ioctl(s->master, TIOCSWINSZ, &s->size);
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

static void close_process_side(struct stdio *s)
{
	for (int i = 0; i < STREAMS; i++)
		fd_close(&s->child[i]);
}

int stdio_attach(struct stdio *stdio, struct error *err)
{
	close_process_side(stdio);
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

/* ---- the end ---- */

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
	close_process_side(s);
	for (int i = 0; i < STREAMS; i++)
		end_stream(&s->streams[i]);
	fd_close(&s->input_writer);
	fd_close(&s->master);
	free_console(s);
	logger_free(s->logger);
	s->logger = NULL;
}

/* A logger that still runs may not have read all that its pipes hold. */
static bool has_all_sent(const struct stdio *s)
{
	return !s->streams[OUT].relay && !s->streams[ERR].relay &&
	       !(s->logger && logger_is_running(s->logger));
}

static void finish(struct stdio *s)
{
	void (*drained)(void *data) = s->drained;

	s->drained = NULL;
	close_all(s);
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

static void tell_read(struct stdio *s)
{
	void (*read)(void *data) = s->read;

	s->read = NULL;
	if (read)
		read(s->read_data);
}

static void on_look(struct loop_timer *timer)
{
	struct stdio *s = loop_owner(timer, struct stdio, look);
	bool done = s->look_left_ms <= 0 || is_read(s);

	if (!done)
		look_again(s);
	if (done)
		tell_read(s);
	if (done && s->drained && has_all_sent(s))
		finish(s);
}

static void check_drained(struct stdio *s)
{
	if (!s->drained || !has_all_sent(s))
		return;
	if (is_read(s))
		finish(s);
	else
		start_looking(s, on_look, READ_MS);
}

static void on_no_patience(struct loop_timer *timer)
{
	finish(loop_owner(timer, struct stdio, patience));
}

void stdio_process_ended(struct stdio *stdio)
{
	stdio->process_has_ended = true;
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
	close_process_side(stdio);
	for (int i = 0; i < STREAMS; i++)
		fd_close(&stdio->streams[i].ours);
	for (int i = OUT; i <= ERR; i++)
		stop_reading(&stdio->streams[i]);
	check_drained(stdio);
}

void stdio_when_read(struct stdio *stdio, int timeout_ms, void (*read)(void *data), void *data)
{
	if (stdio->read || stdio->drained || is_read(stdio)) {
		read(data);
		return;
	}
	stdio->read = read;
	stdio->read_data = data;
	start_looking(stdio, on_look, timeout_ms);
}

void stdio_free(struct stdio *stdio)
{
	if (!stdio)
		return;
	close_all(stdio);
	tell_read(stdio);
	free(stdio);
}
