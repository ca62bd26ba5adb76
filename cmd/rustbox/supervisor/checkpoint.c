/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint on its way. Its end may come behind that of the container,
 * which it ends: until then nobody knows whether that one was stopped.
 */
#include "cmd/rustbox/store/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd/rustbox/supervisor/client.h"
#include "proto/options.pb-c.h"

static void note_end(struct client *c, const char *failure)
{
	struct supervisor *s = c->s;
	bool leaves = s->checkpoint.leaves_running;

	s->checkpoint.is_under_way = false;
	if (!failure) {
		change_tell(s, "checkpoint", "checkpoint", strrchr(s->checkpoint.path, '/') + 1);
		if (!leaves)
			stop_note_checkpoint(s);
	}
	if (failure || leaves)
		client_answer(c, failure);
	else
		c->waits = CLIENT_WAITS_END;
	if (s->end.is_known)
		loop_set_timer(&s->loop, &s->step, 0);
}

static void on_written(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	struct client *c = data;
	struct supervisor *s = c->s;
	struct error err;

	if (code == TTRPC_OK &&
	    checkpoint_complete(s->checkpoint.part, s->checkpoint.path, &err) < 0)
		note_end(c, err.text);
	else
		note_end(c, code == TTRPC_OK ? NULL : text);
	client_release(c);
}

static int call(struct client *c, struct error *err)
{
	struct supervisor *s = c->s;
	Containerd__Task__V2__CheckpointTaskRequest request =
		CONTAINERD__TASK__V2__CHECKPOINT_TASK_REQUEST__INIT;
	Containerd__Runc__V1__CheckpointOptions options =
		CONTAINERD__RUNC__V1__CHECKPOINT_OPTIONS__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	uint8_t packed[16];

	options.exit = !s->checkpoint.leaves_running;
	options.open_tcp = s->checkpoint.tcp_established;
	options.file_locks = s->checkpoint.file_locks;
	any.type_url = (char *)(uintptr_t)containerd__runc__v1__checkpoint_options__descriptor.name;
	any.value.len = containerd__runc__v1__checkpoint_options__pack(&options, packed);
	any.value.data = packed;
	request.id = (char *)(uintptr_t)s->id;
	request.path = s->checkpoint.part;
	request.options = &any;
	return run_call(s, "Checkpoint", &request.base, on_written, c, err);
}

/* -1 with err where a path is no good. */
static int read_request(struct supervisor *s, const char *json, size_t size, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct stream_checkpoint request = { NULL };
	struct checkpoint_work *work = &s->checkpoint;

	if (json_read(&stream_checkpoint_type, json, size, &request, &arena, err) < 0)
		return -1;
	if (*request.part != '/' || *request.path != '/' ||
	    strlen(request.part) >= sizeof(work->part) ||
	    strlen(request.path) >= sizeof(work->path))
		return error_set(err, EINVAL, "checkpoint to %s", request.path);
	(void)snprintf(work->part, sizeof(work->part), "%s", request.part);
	(void)snprintf(work->path, sizeof(work->path), "%s", request.path);
	work->leaves_running = request.leave_running;
	work->tcp_established = request.tcp_established;
	work->file_locks = request.file_locks;
	return 0;
}

void client_checkpoint_begin(struct client *c, const char *json, size_t size)
{
	struct supervisor *s = c->s;
	struct error err;

	if (!life_is_running(s)) {
		client_answer(c, "there is no process to checkpoint");
		return;
	}
	if (s->checkpoint.is_under_way) {
		client_answer(c, "another checkpoint is being written");
		return;
	}
	if (read_request(s, json, size, &err) < 0) {
		client_answer(c, err.text);
		return;
	}
	c->calls++;
	c->waits = CLIENT_WAITS_CALL;
	s->checkpoint.is_under_way = true;
	if (call(c, &err) == 0)
		return;
	note_end(c, err.text);
	client_release(c);
}
