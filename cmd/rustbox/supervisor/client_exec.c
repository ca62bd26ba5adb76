/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client with one more process. Its streams are copied straight: what the
 * client does not take is not read, and so holds up the process, not us.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/rustbox/supervisor/client.h"

static void on_started(void *data, pid_t pid)
{
	struct client *c = data;

	c->owes_started = true;
	c->pid = pid;
	client_pump(c);
}

static void on_failed(void *data, int exit_code, const char *text)
{
	struct client *c = data;

	c->exec = NULL;
	client_fail(c, exit_code, text);
}

/* Only one is held, as nothing more is read then. */
static void hold(struct client *c, enum log_stream stream, const char *bytes, size_t size)
{
	memcpy(c->held, bytes, size);
	c->n_held = size;
	c->held_stream = stream;
	streams_pause(&c->exec->streams);
}

static void on_output(void *data, enum log_stream stream, const char *bytes, size_t size)
{
	struct client *c = data;
	enum stream_type type = stream == LOG_STDERR ? STREAM_ERR : STREAM_OUT;

	if (c->is_closed)
		return;
	if (!c->owes_started && client_send(c, type, bytes, size))
		return;
	hold(c, stream, bytes, size);
	client_pump(c);
}

static void on_ended(void *data, int exit_code, int signal)
{
	struct client *c = data;

	c->exec = NULL;
	c->exited = (struct stream_exited){ .exit_code = exit_code, .signal = signal };
	c->owes_exited = true;
	client_pump(c);
}

static const struct exec_user user = {
	.started = on_started,
	.failed = on_failed,
	.got = on_output,
	.ended = on_ended,
};

void client_exec_begin(struct client *c, const char *json, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct stream_exec options = { 0 };
	struct error err;

	/* Before there is output that could be lost for want of memory. */
	c->held = malloc(STREAMS_READ_SIZE);
	if (!c->held)
		(void)error_memory(&err);
	else if (json_read(&stream_exec_type, json, size, &options, &arena, &err) == 0)
		c->exec = exec_new(c->s, &options, &user, c, &err);
	if (!c->exec)
		client_fail(c, EXIT_ENGINE, err.text);
	else
		c->exec->kills_when_left = options.kill_on_detach;
}

void client_exec_leave(struct client *c)
{
	struct exec *exec = c->exec;

	c->exec = NULL;
	c->n_held = 0;
	if (!exec)
		return;
	input_forget(&exec->streams.input, c);
	exec_leave(exec);
}

enum client_output client_exec_send(struct client *c)
{
	enum stream_type type = c->held_stream == LOG_STDERR ? STREAM_ERR : STREAM_OUT;

	if (!c->n_held)
		return CLIENT_OUTPUT_NONE;
	if (!client_send(c, type, c->held, c->n_held))
		return CLIENT_OUTPUT_BLOCKED;
	c->n_held = 0;
	if (c->exec)
		streams_go_on(&c->exec->streams);
	return CLIENT_OUTPUT_SENT;
}
