/* SPDX-License-Identifier: Apache-2.0 */
/* Ends: stop, kill, and waiting for one. */
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"

enum { WAIT_OTHERS_MAX = 2 };

/* After its supervisor has ended: that it was removed with it is fine. */
static int settle(struct store *store, const char *id, struct arena *arena, struct error *err)
{
	struct record *record;

	if (container_settle(store, id, arena, &record, err) < 0 && err->code != ENOENT)
		return -1;
	return 0;
}

int containers_stop(struct store *store, const char *id, int timeout_ms, int signal,
		    struct error *err)
{
	const struct stream_stop stop = { .timeout_ms = timeout_ms, .signal = signal };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int lock = -1;
	struct record *record;

	if (container_hold(store, id, &arena, &record, &lock, err) < 0)
		return -1;
	if (!record_is_live(record) ||
	    container_ask(store, record, STREAM_STOP, &stop, sizeof(stop), err) == 0)
		return 0;
	if (!container_is_gone(err))
		return error_wrap(err, "stop container %s", record->name);
	fd_close(&lock);
	return settle(store, record->id, &arena, err);
}

/* Without the operation lock: a stop that takes long must not keep anybody from it. */
int containers_kill(struct store *store, const char *id, int signal, bool all, struct error *err)
{
	const struct stream_kill kill = { .signal = signal, .all = all };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;

	if (store_find(store, id, &arena, &record, err) < 0)
		return -1;
	if (record_is_live(record)) {
		if (container_ask(store, record, STREAM_KILL, &kill, sizeof(kill), err) == 0)
			return 0;
		if (!container_is_gone(err))
			return error_wrap(err, "kill container %s", record->name);
		if (container_settle(store, record->id, &arena, &record, err) < 0)
			return -1;
	}
	(void)container_is_wrong(record, err);
	return error_hint(err, "there is no process to signal");
}

/* ---- waiting ---- */

/* Until the supervisor has something to say. */
static int wait_for_word(int socket, const struct pollfd *others, size_t n_others,
			 struct error *err)
{
	struct pollfd watched[1 + WAIT_OTHERS_MAX] = { { .fd = socket, .events = POLLIN } };

	if (n_others > WAIT_OTHERS_MAX)
		return error_set(err, EINVAL, "wait for %zu things", n_others);
	if (n_others)
		memcpy(watched + 1, others, n_others * sizeof(*others));
	while (poll(watched, 1 + n_others, -1) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "poll");
	return watched[0].revents ? 0 : error_set(err, ECANCELED, "its end");
}

/* 1 with its exit code; 0: the supervisor has ended without a word. */
static int receive_exit(int socket, int *ret_exit_code, struct error *err)
{
	char payload[STREAM_PACKET_MAX];
	struct stream_exited exited;
	size_t size;
	int type;

	do
		type = stream_receive(socket, payload, &size);
	while (type < 0 && errno == EINTR);
	if (type == STREAM_FAILED)
		return container_read_failure(payload, err);
	if (type <= 0)
		return 0;
	if (type != STREAM_EXITED)
		return error_set(err, EPROTO, "hear from its supervisor");
	memcpy(&exited, payload, sizeof(exited));
	*ret_exit_code = exited.exit_code;
	return 1;
}

static int ask_exit(const struct store *store, const struct record *record,
		    const struct pollfd *others, size_t n_others, int *ret_exit_code,
		    struct error *err)
{
	cleanup_fd int socket = container_connect_stream(store, record, err);

	if (socket < 0)
		return container_is_gone(err) ? 0 : -1;
	if (stream_send(socket, STREAM_WAIT, NULL, 0) < 0)
		return 0;
	return wait_for_word(socket, others, n_others, err) < 0
		       ? -1
		       : receive_exit(socket, ret_exit_code, err);
}

int containers_wait(struct store *store, const char *id, const struct pollfd *others,
		    size_t n_others, int *ret_exit_code, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;

	if (store_find(store, id, &arena, &record, err) < 0)
		return -1;
	while (record_is_live(record)) {
		int known = ask_exit(store, record, others, n_others, ret_exit_code, err);
		if (known < 0)
			return error_wrap(err, "wait for container %s", record->name);
		if (known > 0)
			return 0;
		if (container_settle(store, record->id, &arena, &record, err) < 0)
			return -1;
	}
	*ret_exit_code = record->state->exit_code;
	return 0;
}
