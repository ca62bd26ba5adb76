/* SPDX-License-Identifier: Apache-2.0 */
/* Names: links in names/ whose text is the id. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/store/store_parts.h"

bool store_read_name(const struct store *store, const char *name, char ret_id[STORE_ID_LENGTH + 1])
{
	struct store_file link = store_file("names", name, "");
	char id[STORE_ID_LENGTH + 2];
	ssize_t n = readlinkat(store->root_fd, link.path, id, sizeof(id) - 1);

	if (n < 0)
		return false;
	id[n] = '\0';
	if (!store_is_id(id))
		return false;
	memcpy(ret_id, id, STORE_ID_LENGTH + 1);
	return true;
}

/*
 * Drops a link that a crash has left: its container has gone, is half made, or
 * has another name. Whoever has the operation lock may be about to use it.
 */
static void drop_stale_name(struct store *store, const char *name, const char *id)
{
	struct store_file link = store_file("names", name, "");
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;
	struct error err;

	store_remove_half_made(store, id);
	cleanup_fd int lock = store_try_lock(store, id, &err);
	if (lock < 0 && err.code != ENOENT)
		return;
	if (store_load(store, id, &arena, &record, &err) < 0
		    ? err.code == ENOENT
		    : lock >= 0 && !str_equal(record->name, name))
		(void)unlinkat(store->root_fd, link.path, 0);
}

void store_sweep_names(struct store *store, size_t n_containers)
{
	cleanup_fd int folder =
		openat(store->root_fd, "names", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = folder < 0 ? NULL : fdopendir(folder);
	char id[STORE_ID_LENGTH + 1];
	size_t n_names = 0;

	if (!stream)
		return;
	(void)move_fd(&folder);
	for (const struct dirent *e; (e = readdir(stream));)
		n_names += name_is_valid(e->d_name);
	/* Each container has one. */
	if (n_names > n_containers)
		rewinddir(stream);
	for (const struct dirent *e; n_names > n_containers && (e = readdir(stream));)
		if (name_is_valid(e->d_name) && store_read_name(store, e->d_name, id))
			drop_stale_name(store, e->d_name, id);
	(void)closedir(stream);
}

int store_take_name(struct store *store, const char *name, const char *id, struct error *err)
{
	char owner[STORE_ID_LENGTH + 1] = "?";
	struct store_file link;

	if (store_check_name(name, err) < 0 || store_check_writable(store, err) < 0)
		return -1;
	link = store_file("names", name, "");
	for (int tries = 0; tries < 2; tries++) {
		if (symlinkat(id, store->root_fd, link.path) == 0)
			return 0;
		if (errno != EEXIST)
			return error_set(err, errno, "make %s/%s", store->root, link.path);
		if (!store_read_name(store, name, owner))
			continue;
		if (str_equal(owner, id))
			return 0;
		drop_stale_name(store, name, owner);
	}
	(void)error_plain(err, EEXIST, "the name %s is taken by container %s", name, owner);
	return error_hint(err, "rename or remove that one, or choose another name");
}

void store_drop_name(struct store *store, const char *name, const char *id)
{
	char owner[STORE_ID_LENGTH + 1];
	struct store_file link;

	if (!name_is_valid(name))
		return;
	link = store_file("names", name, "");
	if (store_read_name(store, name, owner) && str_equal(owner, id))
		(void)unlinkat(store->root_fd, link.path, 0);
}

int store_rename(struct store *store, struct record *record, const char *name, struct error *err)
{
	char *old = record->name;

	if (str_equal(old, name))
		return error_set(err, EINVAL, "container %s has the name %s already", record->id,
				 name);
	if (store_take_name(store, name, record->id, err) < 0)
		return -1;
	record->name = (char *)(uintptr_t)name;
	if (store_save(store, record, true, err) < 0) {
		record->name = old;
		store_drop_name(store, name, record->id);
		return -1;
	}
	store_drop_name(store, old, record->id);
	return 0;
}
