/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that stay: to the container's own process, and to one more. */
#include "base/fd.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"

enum { EXIT_ENGINE = 125 };

static int set_silent(int type, struct error *err)
{
	(void)error_set(err, type == 0 ? 0 : errno, "its supervisor has ended without a word");
	err->code = EXIT_ENGINE;
	return -1;
}

int container_begin(int socket, enum stream_type type, const void *payload, size_t size,
		    struct error *err)
{
	char answer[STREAM_PACKET_MAX];
	size_t answer_size;
	int answered;

	if (stream_send(socket, type, payload, size) < 0)
		return errno == EMSGSIZE ? error_set(err, errno, "ask its supervisor")
					 : set_silent(-1, err);
	answered = stream_receive(socket, answer, &answer_size);
	if (answered == STREAM_STARTED)
		return 0;
	if (answered == STREAM_FAILED)
		return container_read_failure(answer, err);
	return set_silent(answered, err);
}

int containers_check_running(const struct record *record, struct error *err)
{
	static const char *const remedies[RECORD_STATUSES] = {
		[RECORD_CREATED] = "start",   [RECORD_PAUSED] = "unpause",
		[RECORD_STOPPED] = "start",   [RECORD_EXITED] = "restart",
		[RECORD_RESTARTING] = "wait",
	};
	int status = record->state->status;

	if (status == RECORD_RUNNING)
		return 0;
	(void)container_is_wrong(record, err);
	return error_hint(err, "rustbox %s %s first", remedies[status], record->name);
}

int containers_attach(const struct store *store, const struct record *record,
		      const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	cleanup_fd int socket = -1;

	if (record->state->status == RECORD_PAUSED)
		return containers_check_running(record, err);
	socket = container_connect_stream(store, record, err);
	if (socket < 0 || container_begin(socket, STREAM_ATTACH, attach, sizeof(*attach), err) < 0)
		return error_wrap(err, "attach to container %s", record->name);
	*ret_socket = move_fd(&socket);
	return 0;
}

/* One packet carries it. */
static char *write_exec(const struct stream_exec *exec, struct error *err)
{
	cleanup_free char *text = json_write(&stream_exec_type, exec, false, err);

	if (text && strlen(text) >= STREAM_PACKET_MAX) {
		(void)error_set(err, 0, "the command and its environment are too long (%zu bytes)",
				strlen(text));
		(void)error_hint(err, "at most %d; a file, or standard input, takes more",
				 STREAM_PACKET_MAX - 1);
		return NULL;
	}
	return move_ptr(&text);
}

int containers_exec(struct store *store, const char *id, const struct stream_exec *exec,
		    int *ret_socket, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *text = NULL;
	cleanup_fd int socket = -1;
	struct record *record;

	if (store_find(store, id, &arena, &record, err) < 0 ||
	    containers_check_running(record, err) < 0)
		return -1;
	text = write_exec(exec, err);
	if (!text)
		return -1;
	socket = container_connect_stream(store, record, err);
	if (socket < 0 || container_begin(socket, STREAM_EXEC, text, strlen(text), err) < 0)
		return error_wrap(err, "container %s", record->name);
	*ret_socket = move_fd(&socket);
	return 0;
}
