/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "base/fd.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/store/event.h"
#include "cmd/rustbox/supervisor/supervisor.h"

/* ---- starting ---- */

/* Gone after a reboot. */
static int make_run_folder(const struct store *store, const char *id, struct error *err)
{
	cleanup_free char *path = store_run_path(store, id, NULL, err);

	if (!path)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make %s", path);
	return 0;
}

/* The supervisor has removed a --rm container by then; or was killed before it could. */
static void remove_failed(struct store *store, const struct record *record)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *left;
	struct error ignored;

	if (store_wait_unsupervised(store, record->id, CONTAINER_END_MS, &ignored) < 0 ||
	    !record->auto_remove || store_load(store, record->id, &arena, &left, &ignored) < 0)
		return;
	if (container_sweep(store, left, &ignored) == 0)
		(void)store_remove(store, left, &ignored);
}

/* Its folders are there, and empty. */
static int forget_loss(struct store *store, struct record *record, struct error *err)
{
	if (!record->state->lost)
		return 0;
	record->state->lost = false;
	return store_save(store, record, true, err);
}

/* Its supervisor gets to work. */
static int begin(struct supervisor_start *start, const struct stream_attach *attach,
		 int *ret_socket, struct error *err)
{
	cleanup_fd int socket = supervisor_take(start);

	if (container_begin(socket, STREAM_ATTACH, attach, sizeof(*attach), err) < 0)
		return -1;
	*ret_socket = move_fd(&socket);
	return 0;
}

int containers_start_made(struct store *store, const struct record *record,
			  struct container_start *start, const struct stream_attach *attach,
			  int *ret_socket, struct error *err)
{
	if (begin(&start->supervisor, attach, ret_socket, err) == 0)
		return 0;
	remove_failed(store, record);
	return error_wrap(err, "start container %s", record->name);
}

int containers_start_held(struct store *store, struct record *record, const char *checkpoint,
			  const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	struct supervisor_start start = SUPERVISOR_START_NONE;

	/* The last one may still be giving its clients their last output. */
	if (store_wait_unsupervised(store, record->id, CONTAINER_END_MS, err) < 0 &&
	    err->code != ENOENT)
		return error_wrap(err, "wait for the end of container %s", record->name);
	if (make_run_folder(store, record->id, err) == 0 &&
	    container_sweep(store, record, err) == 0 && forget_loss(store, record, err) == 0 &&
	    supervisor_launch(store, record->id, checkpoint, &start, err) == 0 &&
	    begin(&start, attach, ret_socket, err) == 0)
		return 0;
	remove_failed(store, record);
	return error_wrap(err, "start container %s", record->name);
}

static int check_startable(const struct record *record, struct error *err)
{
	if (record->state->status != RECORD_EXITED)
		return 0;
	(void)container_is_wrong(record, err);
	return error_hint(err, "rustbox restart %s runs it again, with its files as they are",
			  record->name);
}

/*
 * 1: its supervisor has ended instead, as it does when the command that was to start
 * the container was killed; to be tried again.
 */
static int try_start(struct store *store, const char *id, bool again,
		     const struct stream_attach *attach, struct arena *arena, int *ret_socket,
		     struct error *err)
{
	cleanup_fd int lock = -1;
	struct record *record;

	if (container_hold(store, id, arena, &record, &lock, err) < 0)
		return -1;
	if (!record_is_live(record)) {
		if (!again && check_startable(record, err) < 0)
			return -1;
		return containers_start_held(store, record, NULL, attach, ret_socket, err);
	}
	/* Nothing to start, but its output can be had. */
	if (containers_attach(store, record, attach, ret_socket, err) == 0)
		return 0;
	/* Of one that is being started a failure is the last word, after which it ends. */
	if (record->state->status != RECORD_RESTARTING && !container_is_gone(err) &&
	    store_is_supervised(store, record->id))
		return -1;
	fd_close(&lock);
	return container_settle(store, record->id, arena, &record, err) < 0 ? -1 : 1;
}

int containers_start(struct store *store, const char *id, bool again,
		     const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	int result;

	do
		result = try_start(store, id, again, attach, &arena, ret_socket, err);
	while (result > 0);
	return result;
}

/* ---- restarting ---- */

static int start_alone(struct store *store, struct record *record, struct error *err)
{
	const struct stream_attach nothing = { .from = STREAM_FROM_NOW };
	cleanup_fd int socket = -1;

	return containers_start_held(store, record, NULL, &nothing, &socket, err);
}

/* 1: its supervisor was gone before it could; to be tried again. */
static int try_restart(struct store *store, const char *id, const struct stream_stop *stop,
		       struct arena *arena, struct error *err)
{
	cleanup_fd int lock = -1;
	struct record *record;

	if (container_hold(store, id, arena, &record, &lock, err) < 0)
		return -1;
	if (!record_is_live(record)) {
		if (start_alone(store, record, err) < 0)
			return -1;
		event_of_container(store, record, "restart", NULL, NULL);
		return 0;
	}
	if (container_ask(store, record, STREAM_RESTART, stop, sizeof(*stop), err) == 0)
		return 0;
	if (!container_is_gone(err))
		return error_wrap(err, "restart container %s", record->name);
	fd_close(&lock);
	return container_settle(store, record->id, arena, &record, err) < 0 ? -1 : 1;
}

int containers_restart(struct store *store, const char *id, int timeout_ms, int signal,
		       struct error *err)
{
	const struct stream_stop stop = { .timeout_ms = timeout_ms, .signal = signal };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	int result;

	do
		result = try_restart(store, id, &stop, &arena, err);
	while (result > 0);
	return result;
}
