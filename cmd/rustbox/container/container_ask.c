/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/container_ask.h"

#include <string.h>

#include "base/fd.h"

/* ---- locked records ---- */

enum { HOLD_TRIES = 2 };

/* Killed since it was found: to be put right by who finds it next. */
static bool was_lost(const struct store *store, const struct record *record)
{
	return record_is_live(record) && !store_is_supervised(store, record->id);
}

/* The name that was asked for is another's by now, or nobody's. */
static bool was_renamed(const char *name, const struct record *found, const struct record *now)
{
	return strcmp(name, found->name) == 0 && strcmp(name, now->name) != 0;
}

/* What is left of it cannot be cleaned up: store_find() has tried, and says why. */
static int set_stuck(const struct record *found, struct error *err)
{
	const char *why = found->state->error;

	return error_plain(err, EBUSY, "container %s: %s", found->name, why ? why : "it was lost");
}

int container_hold(struct store *store, const char *name, struct arena *arena, struct record **ret,
		   int *ret_lock, struct error *err)
{
	struct record *found, *record;

	for (int tries = 1;; tries++) {
		if (store_find(store, name, arena, &found, err) < 0)
			return -1;
		cleanup_fd int lock = store_lock(store, found->id, err);
		if (lock < 0 || store_load(store, found->id, arena, &record, err) < 0) {
			if (err->code != ENOENT)
				return -1;
			return error_plain(err, ENOENT, "container %s was removed meanwhile", name);
		}
		if (was_renamed(name, found, record))
			continue;
		/* Lost in this very moment, or still. */
		if (was_lost(store, record) && tries == HOLD_TRIES)
			return set_stuck(found, err);
		if (was_lost(store, record))
			continue;
		*ret = record;
		*ret_lock = move_fd(&lock);
		return 0;
	}
}

int container_settle(struct store *store, const char *id, struct arena *arena, struct record **ret,
		     struct error *err)
{
	if (store_wait_unsupervised(store, id, CONTAINER_END_MS, err) < 0 && err->code != ENOENT)
		return error_wrap(err, "wait for the end of container %s", id);
	return store_find(store, id, arena, ret, err);
}

int container_is_wrong(const struct record *record, struct error *err)
{
	return error_plain(err, EBUSY, "container %s is %s", record->name,
			   record_status_names[record->state->status]);
}

/* ---- questions ---- */

bool container_is_gone(const struct error *err)
{
	return err->code == ENOENT || err->code == ECONNREFUSED || err->code == ECONNRESET ||
	       err->code == EPIPE;
}

int container_connect_stream(const struct store *store, const struct record *record,
			     struct error *err)
{
	cleanup_free char *path = store_run_path(store, record->id, "stream.sock", err);

	return path ? stream_connect(path, err) : -1;
}

int container_read_failure(const char *payload, struct error *err)
{
	struct stream_failed failed;

	memcpy(&failed, payload, sizeof(failed));
	return error_plain(err, (int)failed.exit_code, "%s", payload + sizeof(failed));
}

static int receive_answer(int socket, struct error *err)
{
	char payload[STREAM_PACKET_MAX];
	size_t size;
	int type;

	do
		type = stream_receive(socket, payload, &size);
	while (type < 0 && errno == EINTR);
	if (type <= 0)
		return error_set(err, type == 0 ? ECONNRESET : errno, "hear from its supervisor");
	if (type == STREAM_DONE)
		return 0;
	if (type != STREAM_FAILED)
		return error_set(err, EPROTO, "hear from its supervisor");
	(void)container_read_failure(payload, err);
	/* The exit code is for those who run commands. */
	err->code = 0;
	return -1;
}

int container_ask(const struct store *store, const struct record *record, enum stream_type type,
		  const void *payload, size_t size, struct error *err)
{
	cleanup_fd int socket = container_connect_stream(store, record, err);

	if (socket < 0)
		return -1;
	if (stream_send(socket, type, payload, size) < 0)
		return error_set(err, errno, "speak to its supervisor");
	return receive_answer(socket, err);
}
