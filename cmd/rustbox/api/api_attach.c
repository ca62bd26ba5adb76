/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AttachRequest and ExecRequest: after the response, frames go both ways until
 * the process has ended or the client detaches. Memory is bounded: input is
 * read from the client only when the last one was taken by the container.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/api/api_parts.h"
#include "cmd/rustbox/api/base64.h"
#include "cmd/rustbox/api/frame.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/stream/stream.h"

struct relay {
	const struct api_call *call;
	int supervisor;
	bool takes_input;  /* and its end has not come yet */
	bool awaits_taken; /* an INPUT is under way */
	bool is_over;
	char *packet; /* STREAM_PACKET_MAX bytes */
	char *input;  /* what was not sent yet of a frame */
	size_t n_input, sent;
	bool ends_input;
};

/* ---- to the client ---- */

static int send_value(struct relay *relay, struct value *value, struct error *err)
{
	return value ? api_send(relay->call, value, err) : -1;
}

static struct value *new_frame(struct arena *arena, const char *type, struct error *err)
{
	struct value *value = value_object(arena, err);

	return value_add(value, "type", value_text(arena, type, err), arena, err) < 0 ? NULL
										      : value;
}

static int send_output(struct relay *relay, const char *stream, size_t size, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str data = STR_EMPTY;
	struct value *frame = new_frame(&arena, "AttachStdout", err);

	base64_add(&data, relay->packet, size);
	if (data.failed)
		return error_memory(err);
	if (value_add(frame, "stream", value_text(&arena, stream, err), &arena, err) < 0 ||
	    value_add(frame, "data", value_text(&arena, data.text, err), &arena, err) < 0)
		return -1;
	return send_value(relay, frame, err);
}

static int send_gap(struct relay *relay, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct value *frame = new_frame(&arena, "AttachGap", err);
	uint64_t bytes;

	memcpy(&bytes, relay->packet, sizeof(bytes));
	if (value_add(frame, "bytes", value_number(&arena, (int64_t)bytes, err), &arena, err) < 0)
		return -1;
	return send_value(relay, frame, err);
}

static int send_exited(struct relay *relay, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct value *frame = new_frame(&arena, "AttachExited", err);
	struct stream_exited exited;

	memcpy(&exited, relay->packet, sizeof(exited));
	if (value_add(frame, "exit_code", value_number(&arena, exited.exit_code, err), &arena,
		      err) < 0 ||
	    value_add(frame, "signal", value_number(&arena, exited.signal, err), &arena, err) < 0 ||
	    value_add(frame, "oom_killed", value_bool(&arena, exited.oom_killed, err), &arena,
		      err) < 0 ||
	    value_add(frame, "will_restart", value_bool(&arena, exited.will_restart, err), &arena,
		      err) < 0)
		return -1;
	relay->is_over = !exited.will_restart;
	return send_value(relay, frame, err);
}

/* ---- input ---- */

static void send_input(struct relay *relay)
{
	size_t left = relay->n_input - relay->sent;

	if (relay->awaits_taken)
		return;
	if (left > 0) {
		size_t size = left < STREAM_BYTES_MAX ? left : STREAM_BYTES_MAX;
		(void)stream_send(relay->supervisor, STREAM_INPUT, relay->input + relay->sent,
				  size);
		relay->sent += size;
		relay->awaits_taken = true;
	} else if (relay->ends_input) {
		(void)stream_send(relay->supervisor, STREAM_INPUT_END, NULL, 0);
		relay->ends_input = false;
	}
}

/* One packet of the supervisor. */
static int take_packet(struct relay *relay, struct error *err)
{
	size_t size;
	int type = stream_receive(relay->supervisor, relay->packet, &size);

	if (type < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (type <= 0)
		return error_set(err, 0,
				 "the container's supervisor has ended (rustbox "
				 "list shows what became of it)");
	switch (type) {
	case STREAM_OUT:
		return send_output(relay, "stdout", size, err);
	case STREAM_ERR:
		return send_output(relay, "stderr", size, err);
	case STREAM_GAP:
		return send_gap(relay, err);
	case STREAM_INPUT_TAKEN:
		relay->awaits_taken = false;
		send_input(relay);
		return 0;
	case STREAM_EXITED:
		return send_exited(relay, err);
	case STREAM_FAILED:
		return container_read_failure(relay->packet, err);
	default:
		return 0;
	}
}

/* ---- frames of the client ---- */

static int take_stdin(struct relay *relay, const struct api_call *frame, struct error *err)
{
	const char *data;
	size_t most;
	bool ends;

	if (api_text(frame, "data", false, &data, err) < 0 ||
	    api_bool(frame, "eof", false, &ends, err) < 0)
		return -1;
	if (!relay->takes_input)
		return api_refuse(err, "input for what was attached to without stdin, or after "
				       "its end");
	most = data ? strlen(data) / 4 * 3 : 0;
	free(relay->input);
	relay->input = malloc(most + 1);
	relay->n_input = relay->sent = 0;
	if (!relay->input)
		return error_memory(err);
	if (data && !base64_read(data, relay->input, most, &relay->n_input))
		return api_refuse(err, "the member \"data\" is no base64");
	relay->ends_input = ends;
	relay->takes_input = !ends;
	send_input(relay);
	return 0;
}

static int take_resize(struct relay *relay, const struct api_call *frame, struct error *err)
{
	int64_t columns, rows;

	if (api_number(frame, "columns", 0, &columns, err) < 0 ||
	    api_number(frame, "rows", 0, &rows, err) < 0)
		return -1;
	if (columns < 1 || columns > UINT16_MAX || rows < 1 || rows > UINT16_MAX)
		return api_refuse(err, "a terminal of %lld columns and %lld rows",
				  (long long)columns, (long long)rows);
	const struct stream_size size = { (uint16_t)columns, (uint16_t)rows };
	(void)stream_send(relay->supervisor, STREAM_RESIZE, &size, sizeof(size));
	return 0;
}

static int take_signal(struct relay *relay, const struct api_call *frame, struct error *err)
{
	struct stream_kill packet = { 0 };

	if (api_signal(frame, "signal", &packet.signal, err) < 0)
		return -1;
	if (!packet.signal)
		return api_refuse(err, "the member \"signal\" is missing");
	(void)stream_send(relay->supervisor, STREAM_SIGNAL, &packet, sizeof(packet));
	return 0;
}

static int detach(struct relay *relay, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;

	relay->is_over = true;
	return send_value(relay, new_frame(&arena, "AttachDetached", err), err);
}

static int take_detach(struct relay *relay, const struct api_call *frame, struct error *err)
{
	return detach(relay, err);
}

enum { MEMBERS_MAX = 3 };

static const struct {
	const char *type;
	int (*take)(struct relay *relay, const struct api_call *frame, struct error *err);
	const char *const known[MEMBERS_MAX];
} frames[] = {
	{ "AttachStdin", take_stdin, { "data", "eof" } },
	{ "AttachResize", take_resize, { "columns", "rows" } },
	{ "AttachSignal", take_signal, { "signal" } },
	{ "AttachDetach", take_detach, { NULL } },
};
enum { FRAMES = sizeof(frames) / sizeof(*frames) };

bool api_is_attach_frame(const char *type)
{
	size_t i = 0;

	while (i < FRAMES && strcmp(frames[i].type, type) != 0)
		i++;
	return i < FRAMES;
}

static int take_text(struct relay *relay, const char *text, size_t size, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct api_call frame = *relay->call;
	const char *type;

	frame.arena = &arena;
	frame.request = value_read_strict(text, size, &arena, err);
	if (!frame.request)
		return api_blame(err);
	if (frame.request->kind != VALUE_OBJECT)
		return api_refuse(err, "a frame that is no object");
	if (api_text(&frame, "type", true, &type, err) < 0)
		return -1;
	for (size_t i = 0; i < FRAMES; i++)
		if (strcmp(frames[i].type, type) == 0)
			return api_check_members(&frame, frames[i].known, err) < 0
				       ? -1
				       : frames[i].take(relay, &frame, err);
	return api_refuse(err, "the type \"%.200s\" is not known while attached", type);
}

static int take_frame(struct relay *relay, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int result = frame_read(relay->call->peer, &text, &size, err);

	if (result > 0)
		return take_text(relay, text, size, err);
	/* One who has nothing more to say may still listen: its input is at its end. */
	if (result == 0 && relay->takes_input && !frame_is_closed(relay->call->peer)) {
		relay->takes_input = false;
		relay->ends_input = true;
		send_input(relay);
	}
	return result;
}

/* ---- the conversation ---- */

static int converse(struct relay *relay, struct error *err)
{
	const struct frame_peer *peer = relay->call->peer;

	while (!relay->is_over) {
		/* Not read while input waits: the client is held up by what it has sent. */
		bool can_read =
			!peer->cannot_read && !relay->awaits_taken && relay->sent == relay->n_input;
		struct pollfd fds[] = {
			{ .fd = relay->supervisor, .events = POLLIN },
			{ .fd = peer->fd, .events = can_read ? POLLIN : 0 },
			{ .fd = peer->stop, .events = POLLIN },
		};
		if (poll(fds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_set(err, errno, "poll");
		}
		if (fds[2].revents)
			return detach(relay, err);
		if (fds[0].revents && take_packet(relay, err) < 0)
			return -1;
		if (relay->is_over || !fds[1].revents)
			continue;
		/* It has closed the connection. */
		if (!can_read)
			return 0;
		if (take_frame(relay, err) < 0)
			return -1;
	}
	return 0;
}

static int answer_and_converse(const struct api_call *call, int supervisor, bool takes_input,
			       struct error *err)
{
	struct relay relay = {
		.call = call,
		.supervisor = supervisor,
		.takes_input = takes_input,
	};
	int result;

	relay.packet = malloc(STREAM_PACKET_MAX);
	if (!relay.packet)
		return error_memory(err);
	*call->has_attached = true;
	result = api_send(call, call->response, err);
	if (result == 0)
		result = converse(&relay, err);
	free(relay.packet);
	free(relay.input);
	return result;
}

static int read_size(const struct api_call *call, struct stream_size *ret, struct error *err)
{
	int64_t columns, rows;

	if (api_number(call, "columns", 0, &columns, err) < 0 ||
	    api_number(call, "rows", 0, &rows, err) < 0)
		return -1;
	if (columns < 0 || columns > UINT16_MAX || rows < 0 || rows > UINT16_MAX)
		return api_refuse(err, "a terminal of %lld columns and %lld rows",
				  (long long)columns, (long long)rows);
	*ret = (struct stream_size){ (uint16_t)columns, (uint16_t)rows };
	return 0;
}

int api_attach(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", "stdin", "logs", "columns", "rows", NULL };
	struct stream_attach attach = { .wants_output = true };
	cleanup_fd int socket = -1;
	struct record *record;
	bool wants_input, wants_logs;
	const char *id;

	if (api_check_members(call, known, err) < 0 || api_text(call, "id", true, &id, err) < 0 ||
	    api_bool(call, "stdin", true, &wants_input, err) < 0 ||
	    api_bool(call, "logs", false, &wants_logs, err) < 0 ||
	    read_size(call, &attach.size, err) < 0 ||
	    store_find(call->store, id, call->arena, &record, err) < 0)
		return -1;
	attach.wants_input = wants_input;
	/* A client that is lost, or we, take nobody's input away. */
	attach.ends_input = STREAM_INPUT_ENDS_WHEN_TOLD;
	attach.from = wants_logs ? STREAM_FROM_START : STREAM_FROM_RECENT;
	if (containers_check_running(record, err) < 0 ||
	    containers_attach(call->store, record, &attach, &socket, err) < 0 ||
	    api_add_text(call, "id", record->id, err) < 0 ||
	    value_add(call->response, "tty", value_bool(call->arena, record->tty, err), call->arena,
		      err) < 0)
		return -1;
	return answer_and_converse(call, socket, wants_input, err);
}

int api_exec(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id",	"command",    "env",   "user",
					     "workdir", "tty",	      "stdin", "rows",
					     "columns", "privileged", NULL };
	struct stream_exec exec = { .kill_on_detach = true };
	const char *id, *user, *workdir;
	cleanup_fd int socket = -1;
	struct stream_size size;

	if (api_check_members(call, known, err) < 0 || api_text(call, "id", true, &id, err) < 0 ||
	    api_texts(call, "command", &exec.args, &exec.n_args, err) < 0 ||
	    api_texts(call, "env", &exec.env, &exec.n_env, err) < 0 ||
	    api_text(call, "user", false, &user, err) < 0 ||
	    api_text(call, "workdir", false, &workdir, err) < 0 ||
	    api_bool(call, "tty", false, &exec.tty, err) < 0 ||
	    api_bool(call, "stdin", false, &exec.interactive, err) < 0 ||
	    api_bool(call, "privileged", false, &exec.privileged, err) < 0 ||
	    read_size(call, &size, err) < 0)
		return -1;
	if (!exec.n_args)
		return api_refuse(err, "the member \"command\" is missing or empty");
	exec.columns = size.columns;
	exec.rows = size.rows;
	if ((user && !(exec.user = arena_strdup(call->arena, user, err))) ||
	    (workdir && !(exec.workdir = arena_strdup(call->arena, workdir, err))))
		return -1;
	if (containers_exec(call->store, id, &exec, &socket, err) < 0)
		return -1;
	return answer_and_converse(call, socket, exec.interactive, err);
}
