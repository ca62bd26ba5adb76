/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet of any content, and the JSON that some types carry; what is taken is
 * sent on, and must come as it was. The same bytes as a path to connect to.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_json(const struct json_type *type, const char *text, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err;
	void *out = arena_alloc(&arena, type->size, &err);

	if (out)
		(void)json_read(type, text, size, out, &arena, &err);
}

static void send_on(int from, int to, int type, const char *payload, size_t size)
{
	static char buffer[STREAM_PACKET_MAX];
	struct stream_failed failed;
	size_t got;

	if (stream_send(from, (enum stream_type)type, payload, size) < 0)
		return;
	if (stream_receive(to, buffer, &got) != type || got != size ||
	    memcmp(buffer, payload, size) != 0)
		abort();
	if (type != STREAM_FAILED)
		return;
	memcpy(&failed, payload, sizeof(failed));
	const char *text = payload + sizeof(failed);
	if (stream_send_failed(from, failed.exit_code, text) < 0)
		return;
	if (stream_receive(to, buffer, &got) != type ||
	    strncmp(buffer + sizeof(failed), text, STREAM_PACKET_MAX / 2) != 0)
		abort();
}

/* Where nobody is. */
static void connect_to(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	cleanup_free char *path =
		str_format(&err, "/nonexistent/%.*s", (int)size, (const char *)data);

	if (path && (stream_connect(path, &err) >= 0 || !*err.text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buffer[STREAM_PACKET_MAX];
	int ends[2];

	connect_to(data, size < 4096 ? size : 4096);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		abort();
	cleanup_fd int from = ends[0], to = ends[1];
	if (send(from, data, size, MSG_NOSIGNAL) < 0)
		return 0;
	int type = stream_receive(to, buffer, &size);
	if (type <= 0)
		return 0;
	if (size >= STREAM_PACKET_MAX || buffer[size])
		abort();
	if (type == STREAM_EXEC)
		read_json(&stream_exec_type, buffer, size);
	if (type == STREAM_CHANGE)
		read_json(&stream_change_type, buffer, size);
	if (type == STREAM_CHECKPOINT)
		read_json(&stream_checkpoint_type, buffer, size);
	send_on(from, to, type, buffer, size);
	return 0;
}
