/* SPDX-License-Identifier: Apache-2.0 */
/* What clients say. */
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "cmd/rustbox/supervisor/client.h"

static char packet[STREAM_PACKET_MAX];

/* ---- requests ---- */

static void kill_done(void *data, enum ttrpc_code code, const char *text,
		      const ProtobufCMessage *response)
{
	struct client *c = data;

	/* Who waits for the end hears of it, also when it has come before the signal. */
	if (c->waits != CLIENT_WAITS_END || (code != TTRPC_OK && code != TTRPC_NOT_FOUND))
		client_answer(c, code == TTRPC_OK ? NULL : text);
	client_release(c);
}

/* What ends it for good at once is answered when that is done. */
static void on_kill(struct client *c)
{
	struct supervisor *s = c->s;
	struct stream_kill request;
	struct error err;

	memcpy(&request, packet, sizeof(request));
	c->waits = request.signal == SIGKILL ? CLIENT_WAITS_END : CLIENT_WAITS_CALL;
	if (stop_is_final(s, request.signal))
		stop_ask(s, STOP_BY_KILL, -1, request.signal);
	if (!life_is_running(s)) {
		if (c->waits != CLIENT_WAITS_END)
			client_answer(c, "there is no process to signal");
		return;
	}
	c->calls++;
	if (run_call_kill(s, "", request.signal, request.all, kill_done, c, &err) < 0) {
		client_answer(c, err.text);
		client_release(c);
		return;
	}
	change_tell(s, "kill", "signal", sigabbrev_np(request.signal));
}

void client_call_done(void *data, enum ttrpc_code code, const char *text,
		      const ProtobufCMessage *response)
{
	if (code != TTRPC_OK)
		log_debug("a client's call: %s", text);
	client_release(data);
}

static void on_stop(struct client *c, enum stop_purpose purpose)
{
	struct stream_stop request;

	memcpy(&request, packet, sizeof(request));
	/* Too late for a restart: without an answer the client looks again. */
	if (purpose == STOP_TO_RESTART && c->s->life >= LIFE_ENDING) {
		client_close(c);
		return;
	}
	c->waits = purpose == STOP_TO_RESTART ? CLIENT_WAITS_RESTART : CLIENT_WAITS_END;
	stop_ask(c->s, purpose, request.timeout_ms, request.signal);
}

static void on_change(struct client *c, size_t size)
{
	bool later = false;
	struct error err;

	/* The record is not ours any more: without an answer the client looks again. */
	if (c->s->life == LIFE_OVER)
		client_close(c);
	else if (change_apply(c, packet, size, &later, &err) < 0)
		client_answer(c, err.text);
	else if (!later)
		client_answer(c, NULL);
}

static void on_health(struct client *c)
{
	struct error err;

	if (health_check_now(c->s, &err) < 0)
		client_answer(c, err.text);
	else
		c->waits = CLIENT_WAITS_HEALTH;
}

static void on_first_packet(struct client *c, int type, size_t size)
{
	switch (type) {
	case STREAM_ATTACH:
		client_attach_begin(c, packet);
		break;
	case STREAM_EXEC:
		client_exec_begin(c, packet, size);
		break;
	case STREAM_STOP:
		on_stop(c, STOP_FOR_GOOD);
		break;
	case STREAM_RESTART:
		on_stop(c, STOP_TO_RESTART);
		break;
	case STREAM_KILL:
		on_kill(c);
		break;
	case STREAM_CHANGE:
		on_change(c, size);
		break;
	case STREAM_WAIT:
		c->waits = CLIENT_WAITS_EXIT;
		break;
	case STREAM_CHECKPOINT:
		client_checkpoint_begin(c, packet, size);
		break;
	case STREAM_HEALTH:
		on_health(c);
		break;
	default:
		client_close(c);
	}
}

/* ---- input of an attached client, or of an exec ---- */

static void on_taken(void *data)
{
	struct client *c = data;

	c->has_input = false;
	c->owes_taken = true;
	/* Not from within client_input(): the loop is next. */
	c->is_blocked = true;
	client_watch(c);
}

static struct streams *streams_of(const struct client *c)
{
	if (c->exec)
		return &c->exec->streams;
	return c->is_attached && c->attach.wants_input ? &c->s->output.streams : NULL;
}

static void on_input(struct client *c, size_t size)
{
	struct streams *streams = streams_of(c);
	struct error err;

	/* One that does not wait for its turn. */
	if (!streams || c->has_input || c->owes_taken) {
		client_close(c);
		return;
	}
	c->has_input = true;
	if (input_add(&streams->input, packet, size, on_taken, c, &err) < 0) {
		log_warning("a client's input: %s", err.text);
		client_close(c);
	} else if (c->owes_taken) {
		client_pump(c);
	}
}

static void on_input_end(struct client *c)
{
	struct streams *streams = streams_of(c);

	c->has_ended_input = true;
	if (streams && (c->exec || c->attach.ends_input))
		input_end(&streams->input);
}

static void on_resize(struct client *c)
{
	struct stream_size size;

	memcpy(&size, packet, sizeof(size));
	if (c->exec)
		streams_resize(&c->exec->streams, size);
	else if (c->is_attached)
		streams_resize(&c->s->output.streams, size);
}

static bool asks_to_end(int signal)
{
	return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM;
}

/* A first process without a handler does not get it, and would run on. */
static void stop_by_signal(struct supervisor *s, int signal)
{
	bool is_deaf = s->life == LIFE_RUNNING && !process_handles_signal(s->pid, signal);

	stop_ask(s, STOP_FOR_GOOD, is_deaf ? 0 : STREAM_TIMEOUT_OF_RECORD, signal);
}

/* Whether there is still somebody to get it shows at the end of the process. */
static void on_signal(struct client *c)
{
	struct stream_kill request;
	struct error err;

	memcpy(&request, packet, sizeof(request));
	if (c->exec) {
		exec_kill(c->exec, request.signal);
		return;
	}
	if (c->attach.ends_input == STREAM_ALL_ENDS_WITH_CLIENT && asks_to_end(request.signal)) {
		stop_by_signal(c->s, request.signal);
		return;
	}
	if (!life_is_running(c->s))
		return;
	c->calls++;
	if (run_call_kill(c->s, "", request.signal, request.all, client_call_done, c, &err) < 0)
		client_release(c);
}

static void on_later_packet(struct client *c, int type, size_t size)
{
	if (!c->is_attached && !c->exec) {
		client_close(c);
		return;
	}
	switch (type) {
	case STREAM_INPUT:
		on_input(c, size);
		break;
	case STREAM_INPUT_END:
		on_input_end(c);
		break;
	case STREAM_RESIZE:
		on_resize(c);
		break;
	case STREAM_SIGNAL:
		on_signal(c);
		break;
	default:
		client_close(c);
	}
}

/* ---- packets ---- */

void client_receive(struct client *c)
{
	struct supervisor *s = c->s;
	bool launches = c == s->launcher && !c->has_spoken;
	size_t size;
	int type = stream_receive(c->watch.fd, packet, &size);

	if (type < 0 && errno == EAGAIN)
		return;
	if (type <= 0) {
		client_close(c);
		return;
	}
	if (c->has_spoken) {
		on_later_packet(c, type, size);
		return;
	}
	c->has_spoken = true;
	on_first_packet(c, type, size);
	if (launches && s->life == LIFE_NEW && !c->is_closed)
		life_begin(s);
}
