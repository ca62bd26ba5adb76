/* SPDX-License-Identifier: Apache-2.0 */
/* What each type of request does, and the requests that are one call each. */
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/api/api_parts.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/stream/stream.h"

static int read_id(const struct api_call *call, const char *const *known, const char **ret,
		   struct error *err)
{
	return api_check_members(call, known, err) < 0 ? -1 : api_text(call, "id", true, ret, err);
}

static int run_start(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", NULL };
	const struct stream_attach attach = { .from = STREAM_FROM_START };
	cleanup_fd int socket = -1;
	const char *id;

	if (read_id(call, known, &id, err) < 0)
		return -1;
	return containers_start(call->store, id, false, &attach, &socket, err);
}

static int read_stop(const struct api_call *call, const char **ret_id, int *ret_timeout_ms,
		     int *ret_signal, struct error *err)
{
	static const char *const known[] = { "id", "timeout", "signal", NULL };
	int64_t seconds;

	if (read_id(call, known, ret_id, err) < 0 ||
	    api_signal(call, "signal", ret_signal, err) < 0 ||
	    api_number(call, "timeout", INT64_MIN, &seconds, err) < 0)
		return -1;
	if (seconds != INT64_MIN && (seconds < -1 || seconds > INT32_MAX / 1000))
		return api_refuse(err, "a timeout of %lld seconds (-1: never)", (long long)seconds);
	*ret_timeout_ms = seconds == INT64_MIN ? STREAM_TIMEOUT_OF_RECORD
			  : seconds < 0	       ? -1
					       : (int)seconds * 1000;
	return 0;
}

static int run_stop(const struct api_call *call, struct error *err)
{
	int timeout_ms, signal;
	const char *id;

	if (read_stop(call, &id, &timeout_ms, &signal, err) < 0)
		return -1;
	return containers_stop(call->store, id, timeout_ms, signal, err);
}

static int run_restart(const struct api_call *call, struct error *err)
{
	int timeout_ms, signal;
	const char *id;

	if (read_stop(call, &id, &timeout_ms, &signal, err) < 0)
		return -1;
	return containers_restart(call->store, id, timeout_ms, signal, err);
}

static int run_kill(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", "signal", NULL };
	const char *id;
	int number;

	if (read_id(call, known, &id, err) < 0 || api_signal(call, "signal", &number, err) < 0)
		return -1;
	return containers_kill(call->store, id, number ? number : SIGKILL, false, err);
}

static int run_pause(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", NULL };
	const char *id;

	return read_id(call, known, &id, err) < 0 ? -1 : containers_pause(call->store, id, err);
}

static int run_unpause(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", NULL };
	const char *id;

	return read_id(call, known, &id, err) < 0 ? -1 : containers_unpause(call->store, id, err);
}

static int run_remove(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", "force", "volumes", NULL };
	bool force, volumes;
	const char *id;

	if (read_id(call, known, &id, err) < 0 || api_bool(call, "force", false, &force, err) < 0 ||
	    api_bool(call, "volumes", false, &volumes, err) < 0)
		return -1;
	return containers_remove(call->store, id, force, volumes, err);
}

/* Not for nobody: without its client, or when we are to end, it is over. */
static int run_wait(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", NULL };
	const struct pollfd others[] = {
		{ .fd = call->peer->fd }, /* for POLLHUP alone */
		{ .fd = call->peer->stop, .events = POLLIN },
	};
	const char *id;
	int exit_code;

	if (read_id(call, known, &id, err) < 0)
		return -1;
	if (containers_wait(call->store, id, others, 2, &exit_code, err) < 0) {
		if (err->code == ECANCELED)
			(void)error_set(err, 0, "rustboxd ends before container %s does", id);
		return -1;
	}
	return api_add_number(call, "exit_code", exit_code, err);
}

static int run_inspect(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", NULL };
	cleanup_free char *text = NULL;
	struct record *record;
	const char *id;

	if (read_id(call, known, &id, err) < 0 ||
	    store_find(call->store, id, call->arena, &record, err) < 0)
		return -1;
	text = containers_inspect(call->store, record, false, err);
	if (!text)
		return -1;
	return value_add(call->response, "container",
			 value_read(text, strlen(text), call->arena, err), call->arena, err);
}

/* ---- list ---- */

static struct value *list_entry(const struct record *record, struct arena *arena, struct error *err)
{
	const struct record_state *state = record->state;
	struct value *entry = value_object(arena, err);
	const struct {
		const char *key, *text;
	} texts[] = {
		{ "id", record->id },
		{ "name", record->name },
		{ "status", record_status_names[state->status] },
		{ "image", record->image },
		{ "rootfs", record->rootfs },
		{ "created", record->created },
		{ "started", state->started },
		{ "finished", state->finished },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].text &&
		    value_add(entry, texts[i].key, value_text(arena, texts[i].text, err), arena,
			      err) < 0)
			return NULL;
	if (value_add(entry, "pid", value_number(arena, state->pid, err), arena, err) < 0 ||
	    value_add(entry, "exit_code", value_number(arena, state->exit_code, err), arena, err) <
		    0 ||
	    value_add(entry, "tty", value_bool(arena, record->tty, err), arena, err) < 0)
		return NULL;
	return entry;
}

static int run_list(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "all", NULL };
	struct value *list = value_list(call->arena, err);
	struct record **records;
	size_t n;
	bool all;

	if (api_check_members(call, known, err) < 0 ||
	    api_bool(call, "all", false, &all, err) < 0 ||
	    store_list(call->store, call->arena, &records, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((all || record_is_live(records[i])) &&
		    value_append(list, list_entry(records[i], call->arena, err), call->arena, err) <
			    0)
			return -1;
	return value_add(call->response, "containers", list, call->arena, err);
}

/* ---- the table ---- */

static const struct {
	const char *request, *response;
	int (*run)(const struct api_call *call, struct error *err);
	bool answers; /* by itself */
} requests[] = {
	{ "RunRequest", "RunResponse", api_run, false },
	{ "CreateRequest", "CreateResponse", api_create, false },
	{ "StartRequest", "StartResponse", run_start, false },
	{ "StopRequest", "StopResponse", run_stop, false },
	{ "RestartRequest", "RestartResponse", run_restart, false },
	{ "KillRequest", "KillResponse", run_kill, false },
	{ "PauseRequest", "PauseResponse", run_pause, false },
	{ "UnpauseRequest", "UnpauseResponse", run_unpause, false },
	{ "ListRequest", "ListResponse", run_list, false },
	{ "InspectRequest", "InspectResponse", run_inspect, false },
	{ "RemoveRequest", "RemoveResponse", run_remove, false },
	{ "WaitRequest", "WaitResponse", run_wait, false },
	{ "LogsRequest", "LogsResponse", api_logs, false },
	{ "AttachRequest", "AttachResponse", api_attach, true },
	{ "ExecRequest", "ExecResponse", api_exec, true },
};

/* ---- one request ---- */

static int run_request(struct api_call *call, size_t i, struct error *err)
{
	call->response = value_object(call->arena, err);
	if (api_add_text(call, "type", requests[i].response, err) < 0 ||
	    requests[i].run(call, err) < 0)
		return -1;
	return requests[i].answers ? 0 : api_send(call, call->response, err);
}

int api_handle(struct api_call *call, const char *text, size_t size, struct error *err)
{
	const char *type;

	call->request = value_read_strict(text, size, call->arena, err);
	if (!call->request)
		return api_blame(err);
	if (call->request->kind != VALUE_OBJECT)
		return api_refuse(err, "a request is an object with a member \"type\"");
	if (api_text(call, "type", true, &type, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		if (strcmp(requests[i].request, type) == 0)
			return run_request(call, i, err);
	/* It was sent before its client knew that the attachment is over. */
	if (*call->has_attached && api_is_attach_frame(type))
		return 0;
	return api_refuse(err, "there is no request \"%.200s\"", type);
}

/* ---- errors ---- */

const char *api_code_of(const struct error *err)
{
	switch (err->code) {
	case ENOENT:
		return "not_found";
	case EEXIST:
	case EBUSY:
		return "conflict";
	case API_INVALID:
	case EINVAL:
	case EMSGSIZE:
		return "invalid_request";
	case 126:
		return "not_executable";
	case 127:
		return "command_not_found";
	default:
		return "failed";
	}
}
