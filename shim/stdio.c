/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shim/stdio_file.h"
#include "shim/stdio_parts.h"

const char *const stdio_stream_names[STREAMS] = { "stdin", "stdout", "stderr" };

static bool is_given(const char *text)
{
	return text && *text;
}

bool stdio_is_program(const struct stdio_uri *uri)
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
		return error_wrap(err, "%s", stdio_stream_names[i]);
	if (stdio_is_program(uri) && i != OUT)
		return error_set(err, EINVAL, "%s %s: only stdout can name a logging binary",
				 stdio_stream_names[i], text);
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
	if (s->terminal || stdio_is_program(&s->streams[OUT].uri))
		return 0;
	if (s->streams[OUT].uri.scheme == STDIO_FILE)
		error_text = config->out;
	return read_uri(s, ERR, error_text, err);
}

static int make_pipe(const struct stdio_config *config, int i, int ret_ends[2], struct error *err)
{
	if (pipe2(ret_ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe for %s", stdio_stream_names[i]);
	/* So that the process can open it again by its name (/dev/stdout). */
	if ((config->uid || config->gid) && fchown(ret_ends[0], config->uid, config->gid) < 0) {
		error_set(err, errno, "give the pipe of %s to %u:%u", stdio_stream_names[i],
			  config->uid, config->gid);
		fd_close(&ret_ends[0]);
		fd_close(&ret_ends[1]);
		return -1;
	}
	return 0;
}

static bool is_wanted(const struct stdio *s, int i)
{
	if (s->is_local)
		return i == IN ? s->local.wants_input : s->local.wants_output;
	return s->streams[i].uri.path && !(i == OUT && stdio_is_program(&s->streams[i].uri));
}

static int make_pipes(struct stdio *s, const struct stdio_config *config, struct error *err)
{
	for (int i = 0; i < STREAMS; i++) {
		int ends[2], child_end = i == IN ? 0 : 1;
		if (!is_wanted(s, i))
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

static void on_logger_end(void *data)
{
	stdio_check_drained(data);
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
void stdio_look_again(struct stdio *s)
{
	s->look_ms = s->look_ms ? 2 * s->look_ms : 1;
	if (s->look_ms > LOOK_MOST_MS)
		s->look_ms = LOOK_MOST_MS;
	s->look_left_ms -= s->look_ms;
	loop_set_timer(s->loop, &s->look, s->look_ms);
}

void stdio_start_looking(struct stdio *s, void (*look)(struct loop_timer *timer), int timeout_ms)
{
	s->look.fire = look;
	s->look_ms = 0;
	s->look_left_ms = timeout_ms;
	stdio_look_again(s);
}

bool stdio_is_one_target(const struct stdio *s)
{
	const char *out = s->streams[OUT].uri.path, *err = s->streams[ERR].uri.path;

	return out && err && strcmp(out, err) == 0;
}

/* Takes the FIFOs that have a client by now. */
static bool has_met_clients(struct stdio *s)
{
	bool all = true;

	for (int i = OUT; i <= (stdio_is_one_target(s) ? OUT : ERR); i++) {
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
		stdio_look_again(s);
}

static int prepare(struct stdio *s, const struct stdio_config *config, struct error *err)
{
	if (!s->is_local && read_uris(s, config, err) < 0)
		return -1;
	if (s->terminal ? make_console(s, config->directory, err) < 0
			: make_pipes(s, config, err) < 0)
		return -1;
	return stdio_is_program(&s->streams[OUT].uri) ? start_logger(s, config, err) : 0;
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
	s->is_local = config->local != NULL;
	if (s->is_local)
		s->local = *config->local;
	if (prepare(s, config, err) < 0) {
		stdio_free(s);
		return NULL;
	}
	if (s->logger)
		return s;
	if (has_met_clients(s))
		ready(data, NULL);
	else
		stdio_start_looking(s, on_look_for_clients, MEET_MS);
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
