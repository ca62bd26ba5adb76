/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a container, or its files. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/store/store_parts.h"
#include "cmd/rustbox/store/tree.h"
#include "cmd/rustbox/store/volume.h"

/* A supervisor that nobody has spoken to. */
enum { READY_MS = 10000 };

int store_remove_files(struct store *store, const char *id, struct error *err)
{
	static const char *const folders[] = { "checkpoints", "logs", "overlay", "bundles" };
	char unfinished[64]; /* a record whose writer was killed */

	(void)snprintf(unfinished, sizeof(unfinished), "containers/.%s.json.new", id);
	(void)unlinkat(store->root_fd, unfinished, 0);
	if (tree_remove_late(store->run_fd, id, store->rest, err) < 0)
		return error_wrap(err, "%s", store->run);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (tree_remove_late(store->root_fd, store_file(folders[i], id, "").path,
				     store->rest, err) < 0)
			return error_wrap(err, "%s", store->root);
	return 0;
}

static int remove_record(struct store *store, const char *id, struct error *err)
{
	struct store_file lasting = store_file("containers", id, ".json");
	struct store_file passing = store_file(id, "container.json", "");

	if (unlinkat(store->root_fd, lasting.path, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove %s/%s", store->root, lasting.path);
	if (unlinkat(store->run_fd, passing.path, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove %s/%s", store->run, passing.path);
	return 0;
}

static bool has_anonymous_volumes(const struct record *record)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].anonymous && record->mounts[i].name)
			return true;
	return false;
}

/* Should we be killed between record and volumes. */
static void mark_owner(const struct store *store, const struct record *record)
{
	cleanup_fd int bundle = openat(store->root_fd, store_file("bundles", record->id, "").path,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error ignored; /* as of a full disk */

	if (bundle >= 0)
		(void)volume_mark_owner(bundle, &ignored);
}

/* Whoever mounts them by --volumes-from keeps them. A volume that stays is not the container. */
static void remove_volumes(struct store *store, const struct record *record)
{
	struct error err;

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct record_mount *mount = &record->mounts[i];

		if (!mount->anonymous || !mount->name)
			continue;
		if (volume_remove(store, mount->name, true, &err) < 0 && err.code != EBUSY)
			log_warning("%s", err.text);
	}
}

int store_remove(struct store *store, const struct record *record, struct error *err)
{
	bool owns_volumes = has_anonymous_volumes(record);

	if (store_check_writable(store, err) < 0)
		return error_wrap(err, "container %s", record->id);
	if (owns_volumes)
		mark_owner(store, record);
	if (remove_record(store, record->id, err) < 0)
		return error_wrap(err, "container %s", record->id);
	store_drop_name(store, record->name, record->id);
	if (owns_volumes)
		remove_volumes(store, record);
	if (store_remove_files(store, record->id, err) < 0)
		return error_wrap(err, "container %s", record->id);
	return 0;
}

static int drop_files(struct store *store, const char *id, struct error *err)
{
	static const char *const below[] = { "/upperdir", "/workdir" };

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		if (tree_empty(store->root_fd, store_file("overlay", id, below[i]).path, err) < 0)
			return -1;
	return tree_empty(store->root_fd, store_file("logs", id, "").path, err);
}

int store_drop_files(struct store *store, struct record *record, struct error *err)
{
	int status = record->state->status;

	if (store_check_writable(store, err) < 0)
		return -1;
	if (drop_files(store, record->id, err) < 0)
		return error_wrap(err, "container %s: drop its files in %s", record->id,
				  store->root);
	if (status == RECORD_STOPPED)
		record->state->status = RECORD_EXITED;
	record->state->lost = true;
	if (store_save(store, record, true, err) == 0)
		return 0;
	record->state->status = status;
	return -1;
}

/* The name that a half-made container has taken is known from the links only. */
static void drop_names_of(struct store *store, const char *id)
{
	cleanup_fd int folder =
		openat(store->root_fd, "names", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = folder < 0 ? NULL : fdopendir(folder);

	if (!stream)
		return;
	(void)move_fd(&folder);
	for (struct dirent *e; (e = readdir(stream));)
		store_drop_name(store, e->d_name, id);
	(void)closedir(stream);
}

/*
 * Nothing of it runs: a record is written before anything is started, and
 * removed after everything has ended, or by a reboot. A supervisor that has got
 * ready for who was killed ends by itself.
 */
void store_remove_half_made(struct store *store, const char *id)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;
	struct error err;
	cleanup_fd int lock = store_try_lock(store, id, &err);

	if (lock < 0 || store_load(store, id, &arena, &record, &err) == 0 || err.code != ENOENT)
		return;
	if (store_wait_unsupervised(store, id, READY_MS, &err) < 0) {
		log_warning("%s", err.text);
		return;
	}
	drop_names_of(store, id);
	volume_remove_owned(store, id);
	if (store_remove_files(store, id, &err) < 0)
		log_warning("remove what is left of container %s: %s", id, err.text);
}
