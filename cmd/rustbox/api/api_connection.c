/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cmd/rustbox/api/api_parts.h"

static int send_error(const struct api_call *call, const struct error *why, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct value *value = value_object(&arena, err);

	if (value_add(value, "type", value_text(&arena, "ErrorResponse", err), &arena, err) < 0 ||
	    value_add(value, "code", value_text(&arena, api_code_of(why), err), &arena, err) < 0 ||
	    value_add(value, "message", value_text(&arena, why->text, err), &arena, err) < 0)
		return -1;
	return api_send(call, value, err);
}

static void serve_one(struct api_call *call)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *text = NULL;
	struct error why, ignored;
	size_t size;
	int result = frame_read(call->peer, &text, &size, &why);

	call->arena = &arena;
	if (result > 0)
		result = api_handle(call, text, size, &why);
	call->arena = NULL;
	if (result == 0)
		return;
	log_debug("%s", why.text);
	if (!call->peer->cannot_write)
		(void)send_error(call, &why, &ignored);
}

void api_connection_run(struct store *store, int fd, int stop)
{
	struct frame_peer peer = { .fd = fd, .stop = stop };
	bool has_attached = false;
	struct api_call call = { .store = store, .peer = &peer, .has_attached = &has_attached };

	while (!peer.cannot_read && !peer.cannot_write)
		serve_one(&call);
}
