/* SPDX-License-Identifier: Apache-2.0 */
/* A packet of any content, and the JSON that some types carry. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buffer[STREAM_PACKET_MAX];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		abort();
	cleanup_fd int from = ends[0], to = ends[1];
	if (send(from, data, size, MSG_NOSIGNAL) < 0)
		return 0;
	int type = stream_receive(to, buffer, &size);
	if (type < 0)
		return 0;
	if (size >= STREAM_PACKET_MAX || buffer[size])
		abort();
	if (type == STREAM_EXEC)
		read_json(&stream_exec_type, buffer, size);
	if (type == STREAM_CHANGE)
		read_json(&stream_change_type, buffer, size);
	return 0;
}
