/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/checkpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/store/name.h"
#include "cmd/rustbox/store/store_parts.h"
#include "cmd/rustbox/store/tree.h"

static char *folder_of(const struct store *store, const char *id, const char *dir,
		       struct arena *arena, struct error *err)
{
	cleanup_free char *own =
		dir ? path_absolute(dir, err) : store_path(store, "checkpoints", id, NULL, err);

	return own ? arena_strdup(arena, own, err) : NULL;
}

char *checkpoint_path(const struct store *store, const char *id, const char *dir, const char *name,
		      struct arena *arena, struct error *err)
{
	char *folder;

	if (!name_is_valid(name)) {
		(void)error_plain(err, EINVAL, "checkpoint name \"%s\"", name);
		(void)error_hint(
			err,
			"letters, digits, \"_\", \".\" and \"-\" make one, %d at most, the "
			"first of them a letter or a digit",
			NAME_MAX_BYTES);
		return NULL;
	}
	folder = folder_of(store, id, dir, arena, err);
	return folder ? arena_format(arena, err, "%s/%s", folder, name) : NULL;
}

/* The folder that has it, opened, and its name in there. */
static int open_parent(const char *path, const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = str_format(err, "%.*s", (int)(slash - path), path);

	if (!folder)
		return -1;
	int fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", folder);
	*ret_name = slash + 1;
	return fd;
}

/* The store's own folders are made when they are needed. */
static int make_parents(const struct store *store, const char *id, const char *path,
			struct error *err)
{
	struct store_file own = store_file("checkpoints", id, "");
	cleanup_free char *folder = store_path(store, "checkpoints", id, "", err);

	if (!folder)
		return -1;
	if (!str_starts_with(path, folder))
		return 0;
	if (mkdirat(store->root_fd, own.path, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make %s/%s", store->root, own.path);
	return 0;
}

int checkpoint_begin(const struct store *store, const char *id, const char *path,
		     struct arena *arena, char **ret_part, struct error *err)
{
	const char *name;
	struct stat st;

	if (make_parents(store, id, path, err) < 0)
		return -1;
	cleanup_fd int folder = open_parent(path, &name, err);
	if (folder < 0)
		return -1;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		(void)error_set(err, EEXIST, "checkpoint %s", name);
		return error_hint(err, "rustbox checkpoint remove takes it away");
	}
	char *part = arena_format(arena, err, "%.*s.%s.part", (int)(name - path), path, name);
	if (!part || tree_remove(folder, part + (name - path), err) < 0)
		return -1;
	if (mkdirat(folder, part + (name - path), 0700) < 0)
		return error_set(err, errno, "make %s", part);
	*ret_part = part;
	return 0;
}

int checkpoint_complete(const char *part, const char *path, struct error *err)
{
	const char *name;
	cleanup_fd int folder = open_parent(path, &name, err);

	if (folder < 0)
		return -1;
	if (renameat2(AT_FDCWD, part, folder, name, RENAME_NOREPLACE) < 0)
		return error_set(err, errno, "rename %s to %s", part, path);
	return fsync(folder) < 0 ? error_set(err, errno, "sync the folder of %s", path) : 0;
}

int checkpoint_remove(const char *path, struct error *err)
{
	const char *name;
	cleanup_fd int folder = open_parent(path, &name, err);

	return folder < 0 ? -1 : tree_remove(folder, name, err);
}

/* ---- which there are ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct checkpoint *)a)->name, ((const struct checkpoint *)b)->name);
}

/* 0 for what is no checkpoint: a file, a folder of something else. */
static int look_at(int folder, const char *name, struct arena *arena, struct checkpoint *ret,
		   struct error *err)
{
	cleanup_free char *inventory = str_format(err, "%s/inventory.img", name);
	struct stat st;

	if (!inventory)
		return -1;
	if (!name_is_valid(name) || fstatat(folder, inventory, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	*ret = (struct checkpoint){ .name = arena_strdup(arena, name, err),
				    .seconds = st.st_mtim.tv_sec };
	if (!ret->name || tree_disk_usage(folder, name, &ret->size, err) < 0)
		return -1;
	return 1;
}

int checkpoint_list(const struct store *store, const char *id, const char *dir, struct arena *arena,
		    struct checkpoint **ret, size_t *ret_n, struct error *err)
{
	const char *path = folder_of(store, id, dir, arena, err);
	cleanup_free struct checkpoint *list = NULL;
	size_t n = 0, room = 0;
	int rc = 0;

	*ret = NULL;
	*ret_n = 0;
	if (!path)
		return -1;
	DIR *stream = opendir(path);
	if (!stream)
		return errno == ENOENT && !dir ? 0 : error_set(err, errno, "open %s", path);
	for (const struct dirent *e; (rc = directory_next(stream, path, &e, err)) > 0;) {
		rc = mem_grow((void **)&list, n, &room, sizeof(*list), err);
		if (rc == 0)
			rc = look_at(dirfd(stream), e->d_name, arena, &list[n], err);
		n += rc > 0;
		if (rc < 0)
			break;
	}
	(void)closedir(stream);
	*ret = rc < 0 ? NULL : arena_array(arena, n + 1, sizeof(*list), err);
	if (!*ret)
		return -1;
	if (n) {
		qsort(list, n, sizeof(*list), compare);
		memcpy(*ret, list, n * sizeof(*list));
	}
	*ret_n = n;
	return 0;
}

int checkpoint_check(const struct store *store, const char *id, const char *dir, const char *path,
		     struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str names = STR_EMPTY;
	struct checkpoint *list;
	const char *name = strrchr(path, '/') + 1;
	size_t n;

	if (checkpoint_list(store, id, dir, &arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (str_equal(list[i].name, name))
			return 0;
		str_add_format(&names, "%s%s", i ? ", " : "", list[i].name);
	}
	(void)error_set(err, ENOENT, "checkpoint %s", name);
	return error_hint(err, n && !names.failed ? "there are: %s" : "there is none%s",
			  n && !names.failed ? names.text : "");
}
