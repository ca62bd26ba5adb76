/* SPDX-License-Identifier: Apache-2.0 */
/* Running containers to disk, and back. */
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/store/checkpoint.h"

static int check(const struct record *record, const char *dir, bool leave_running,
		 struct error *err)
{
	int status = record->state->status;

	if (status != RECORD_RUNNING && status != RECORD_PAUSED) {
		(void)container_is_wrong(record, err);
		return error_hint(err, "only one that runs has something to write");
	}
	if (!record->auto_remove || dir || leave_running)
		return 0;
	(void)error_set(err, 0, "it is removed at its end (--rm), and its checkpoints with it");
	return error_hint(err, "--leave-running, or --checkpoint-dir with a folder that stays");
}

static int ask(const struct store *store, const struct record *record,
	       const struct stream_checkpoint *request, struct error *err)
{
	cleanup_free char *text = json_write(&stream_checkpoint_type, request, false, err);

	if (!text)
		return -1;
	if (container_ask(store, record, STREAM_CHECKPOINT, text, strlen(text), err) == 0)
		return 0;
	return container_is_gone(err) ? error_set(err, 0, "it has just ended") : -1;
}

int containers_checkpoint(struct store *store, const char *id, const char *dir, const char *name,
			  const struct checkpoint_wishes *wishes, struct error *err)
{
	struct stream_checkpoint request = { .leave_running = wishes->leave_running,
					     .tcp_established = wishes->tcp_established,
					     .file_locks = wishes->file_locks };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int lock = -1;
	struct record *record;
	struct error problem;

	if (container_hold(store, id, &arena, &record, &lock, err) < 0)
		return -1;
	request.path = checkpoint_path(store, record->id, dir, name, &arena, err);
	if (!request.path || check(record, dir, wishes->leave_running, err) < 0 ||
	    checkpoint_begin(store, record->id, request.path, &arena, &request.part, err) < 0)
		return error_wrap(err, "container %s", record->name);
	if (ask(store, record, &request, err) == 0)
		return 0;
	if (checkpoint_remove(request.part, &problem) < 0)
		log_warning("%s", problem.text);
	return error_wrap(err, "container %s", record->name);
}

int containers_restore(struct store *store, const char *id, const char *dir, const char *name,
		       const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int lock = -1;
	struct record *record;
	char *path;

	if (container_hold(store, id, &arena, &record, &lock, err) < 0)
		return -1;
	if (record_is_live(record)) {
		(void)container_is_wrong(record, err);
		return error_hint(err, "rustbox stop %s ends it, so that it can be restored",
				  record->name);
	}
	if (record->state->lost)
		return error_set(err, 0, "the files of container %s were dropped", record->name);
	path = checkpoint_path(store, record->id, dir, name, &arena, err);
	if (!path || checkpoint_check(store, record->id, dir, path, err) < 0)
		return error_wrap(err, "restore container %s", record->name);
	return containers_start_held(store, record, path, attach, ret_socket, err);
}
