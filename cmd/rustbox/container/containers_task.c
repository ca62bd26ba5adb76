/* SPDX-License-Identifier: Apache-2.0 */
/* What the containerd task API of a supervisor does as it is. */
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "proto/empty.pb-c.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc_client.h"

static const char service[] = "containerd.task.v2.Task";

/* Freezing is bounded, in the runtime, by 10 s. */
enum { CALL_MS = 30000 };

int containers_connect(const struct store *store, const struct record *record,
		       struct ttrpc_client *ret, struct error *err)
{
	cleanup_free char *path = NULL;

	if (!record_is_live(record)) {
		(void)container_is_wrong(record, err);
		return error_hint(err, "rustbox %s %s makes it run",
				  record->state->status == RECORD_EXITED ? "restart" : "start",
				  record->name);
	}
	path = store_run_path(store, record->id, "task.sock", err);
	if (!path)
		return -1;
	int fd = ttrpc_connect(path, false, err);
	if (fd < 0)
		return error_wrap(err, "speak to the supervisor of container %s", record->name);
	*ret = (struct ttrpc_client){ .fd = fd, .next_stream = 1 };
	return 0;
}

int container_call_task(const struct store *store, const struct record *record, const char *method,
			const ProtobufCMessage *request, struct error *err)
{
	__attribute__((cleanup(ttrpc_client_close))) struct ttrpc_client client = { .fd = -1 };
	enum ttrpc_code status;

	if (containers_connect(store, record, &client, err) < 0)
		return -1;
	ProtobufCMessage *answer =
		ttrpc_client_call(&client, service, method, request,
				  &google__protobuf__empty__descriptor, CALL_MS, &status, err);
	if (!answer)
		return -1;
	protobuf_c_message_free_unpacked(answer, NULL);
	return 0;
}

int containers_pause(struct store *store, const char *id, struct error *err)
{
	Containerd__Task__V2__PauseRequest request = CONTAINERD__TASK__V2__PAUSE_REQUEST__INIT;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;

	if (store_find(store, id, &arena, &record, err) < 0)
		return -1;
	if (record->state->status == RECORD_PAUSED || record->state->status == RECORD_RESTARTING)
		return container_is_wrong(record, err);
	request.id = record->id;
	if (container_call_task(store, record, "Pause", &request.base, err) < 0)
		return error_wrap(err, "pause container %s", record->name);
	return 0;
}

int containers_unpause(struct store *store, const char *id, struct error *err)
{
	Containerd__Task__V2__ResumeRequest request = CONTAINERD__TASK__V2__RESUME_REQUEST__INIT;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;

	if (store_find(store, id, &arena, &record, err) < 0)
		return -1;
	if (record->state->status != RECORD_PAUSED) {
		(void)container_is_wrong(record, err);
		return error_hint(err, "it was not paused");
	}
	request.id = record->id;
	if (container_call_task(store, record, "Resume", &request.base, err) < 0)
		return error_wrap(err, "unpause container %s", record->name);
	return 0;
}
