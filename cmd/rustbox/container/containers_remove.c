/* SPDX-License-Identifier: Apache-2.0 */
/* Removing and renaming. */
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/store/event.h"

/* ---- removing ---- */

/*
 * At once, and for good: no restart policy brings it back. Without the operation
 * lock, which a stop of long patience may hold.
 */
static int end(struct store *store, const struct record *record, struct error *err)
{
	const struct stream_stop stop = { .timeout_ms = 0, .signal = SIGKILL };

	if (container_ask(store, record, STREAM_STOP, &stop, sizeof(stop), err) < 0 &&
	    !container_is_gone(err))
		return error_wrap(err, "kill container %s", record->name);
	if (store_wait_unsupervised(store, record->id, CONTAINER_END_MS, err) < 0 &&
	    err->code != ENOENT)
		return error_wrap(err, "wait for the end of container %s", record->name);
	return 0;
}

static int refuse_live(const struct record *record, struct error *err)
{
	(void)container_is_wrong(record, err);
	return error_hint(err, "rustbox stop %s first, or rustbox rm --force", record->name);
}

/* Under the operation lock, without a supervisor. */
static int remove_held(struct store *store, struct record *record, bool volumes, struct error *err)
{
	/* It may have ended a moment ago, and still be saying so to its clients. */
	if (store_wait_unsupervised(store, record->id, CONTAINER_END_MS, err) < 0 &&
	    err->code != ENOENT)
		return error_wrap(err, "wait for the end of container %s", record->name);
	if (container_sweep(store, record, err) < 0)
		return -1;
	for (size_t i = 0; i < record->n_mounts && !volumes; i++)
		record->mounts[i].anonymous = false;
	if (store_remove(store, record, err) < 0)
		return error_wrap(err, "remove container %s", record->name);
	event_of_container(store, record, "destroy", NULL, NULL);
	return 0;
}

int containers_remove(struct store *store, const char *id, bool force, bool volumes,
		      struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int lock = -1;
	struct record *record;

	if (store_find(store, id, &arena, &record, err) < 0)
		return -1;
	/* Again, when somebody starts it between the two. */
	for (;;) {
		if (record_is_live(record) && !force)
			return refuse_live(record, err);
		if (record_is_live(record) && end(store, record, err) < 0)
			return -1;
		const char *found = record->id;
		if (container_hold(store, found, &arena, &record, &lock, err) < 0)
			/* A --rm container has removed itself. */
			return force && err->code == ENOENT ? 0 : -1;
		if (!record_is_live(record))
			return remove_held(store, record, volumes, err);
		fd_close(&lock);
	}
}

/* ---- renaming ---- */

static int rename_live(const struct store *store, const struct record *record, const char *name,
		       struct error *err)
{
	struct stream_change change = { .name = (char *)(uintptr_t)name };
	cleanup_free char *text = json_write(&stream_change_type, &change, false, err);

	if (!text)
		return -1;
	return container_ask(store, record, STREAM_CHANGE, text, strlen(text), err);
}

/* 1: its supervisor was gone before it could; to be tried again. */
static int try_rename(struct store *store, const char *id, const char *name, struct arena *arena,
		      struct error *err)
{
	cleanup_fd int lock = -1;
	struct record *record;

	if (container_hold(store, id, arena, &record, &lock, err) < 0)
		return -1;
	if (strcmp(record->name, name) == 0)
		return error_set(err, 0, "container %s has this name already", name);
	if (!record_is_live(record)) {
		const char *before = record->name;
		if (store_rename(store, record, name, err) < 0)
			return error_wrap(err, "rename container %s", before);
		event_of_container(store, record, "rename", "oldName", before);
		return 0;
	}
	if (rename_live(store, record, name, err) == 0)
		return bundle_write_names(store, record, err);
	if (!container_is_gone(err))
		return error_wrap(err, "rename container %s", record->name);
	fd_close(&lock);
	return container_settle(store, record->id, arena, &record, err) < 0 ? -1 : 1;
}

int containers_rename(struct store *store, const char *id, const char *name, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	int result;

	if (store_check_name(name, err) < 0)
		return -1;
	do
		result = try_rename(store, id, name, &arena, err);
	while (result > 0);
	return result;
}
