/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/cp_place.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/container/container_ask.h"

enum { LINKS_MAX = 40 };

int cp_place_read(const char *text, struct cp_place *ret, struct arena *arena, struct error *err)
{
	const char *colon = strchr(text, ':');

	ret->path = text;
	if (*text == '/' || *text == '.' || !colon)
		return *text ? 0 : error_set(err, 0, "an empty path");
	if (colon == text)
		return error_set(err, 0, "%s: a container is missing in front of the colon", text);
	ret->container = arena_strndup(arena, text, (size_t)(colon - text), err);
	ret->path = colon[1] ? colon + 1 : "/";
	return ret->container ? 0 : -1;
}

int cp_place_open(struct cp_place *place, struct store *store, struct arena *arena,
		  struct error *err)
{
	struct record *record;
	char *path;

	if (place->container) {
		/* Relative paths are relative to its root. */
		if (*place->path != '/')
			place->path = arena_format(arena, err, "/%s", place->path);
		if (!place->path ||
		    container_hold(store, place->container, arena, &record, &place->lock, err) < 0)
			return -1;
		return container_files_open(store, record, CONTAINER_FILES_ALL, arena,
					    &place->files, err);
	}
	if (cp_place_is_stream(place))
		return 0;
	path = path_absolute(place->path, err);
	if (!path)
		return -1;
	place->path = arena_strdup(arena, path, err);
	free(path);
	place->files.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place->files.root < 0)
		return error_set(err, errno, "open /");
	return place->path ? 0 : -1;
}

void cp_place_close(struct cp_place *place)
{
	container_files_close(&place->files);
	fd_close(&place->lock);
}

/* ---- names ---- */

static bool ends_in_slash(const char *path)
{
	return str_ends_with(path, "/") || str_ends_with(path, "/.") || str_equal(path, ".");
}

/* The path without slashes and "/." at its end, and its last component. */
struct split {
	char *parent, *name;
};
static int split(const char *path, struct arena *arena, struct split *ret, struct error *err)
{
	char *copy = arena_strdup(arena, path, err), *slash;
	size_t n = copy ? strlen(copy) : 0;

	if (!copy)
		return -1;
	while (n && (copy[n - 1] == '/' || (n > 1 && copy[n - 1] == '.' && copy[n - 2] == '/')))
		copy[--n] = '\0';
	slash = strrchr(copy, '/');
	ret->name = slash ? slash + 1 : copy;
	ret->parent = arena_format(arena, err, "%.*s/", slash ? (int)(slash - copy) : 0, copy);
	return ret->parent ? 0 : -1;
}

/* An error about a path of it: on which side it is, is said as the user says it. */
static int blame(const struct cp_place *place, const char *path, int code, struct error *err)
{
	return error_set(err, code, "%s%s%s", place->container ? place->container : "",
			 place->container ? ":" : "", path);
}

/* ---- what is copied ---- */

static int describe(int file, const char *path, struct cp_source *ret, struct error *err)
{
	struct stat st;

	if (fstat(file, &st) < 0)
		return error_set(err, errno, "fstat %s", path);
	ret->is_folder = S_ISDIR(st.st_mode);
	if (S_ISSOCK(st.st_mode))
		return error_set(err, 0, "%s is a socket, which cannot be copied", path);
	return 0;
}

int cp_source_open(const struct cp_place *place, bool follow, struct arena *arena,
		   struct cp_source *ret, struct error *err)
{
	bool slash = ends_in_slash(place->path);
	struct split parts;
	struct error problem;
	cleanup_fd int file = path_open_in_root(
		place->files.root, place->path,
		O_PATH | (slash ? O_DIRECTORY : 0) | (follow || slash ? 0 : O_NOFOLLOW), &problem);

	if (file < 0)
		return blame(place, place->path, problem.code, err);
	if (split(place->path, arena, &parts, err) < 0 || describe(file, place->path, ret, err) < 0)
		return -1;
	/* ".." names no file that could be called so elsewhere. */
	if (str_equal(parts.name, ".."))
		return error_set(err, 0, "%s: name the folder itself, or add /.", place->path);
	ret->name = parts.name;
	ret->content_only = ret->is_folder && (str_ends_with(place->path, "/.") || !*parts.name);
	ret->file = move_fd(&file);
	return 0;
}

/* ---- where it goes ---- */

enum found { FOUND_NOTHING, FOUND_FILE, FOUND_FOLDER, FOUND_OTHER };

/*
 * What is at the path, links followed one by one: *path becomes where the last
 * one leads to, also when there is nothing there.
 */
static int look(const struct cp_place *place, char **path, struct arena *arena, enum found *ret,
		struct error *err)
{
	char text[PATH_MAX];
	struct split parts;
	struct stat st;

	for (int links = 0; links < LINKS_MAX; links++) {
		cleanup_fd int fd =
			path_open_in_root(place->files.root, *path, O_PATH | O_NOFOLLOW, err);
		if (fd < 0) {
			*ret = FOUND_NOTHING;
			return err->code == ENOENT ? 0 : -1;
		}
		if (fstat(fd, &st) < 0)
			return error_set(err, errno, "fstat %s", *path);
		*ret = S_ISDIR(st.st_mode)   ? FOUND_FOLDER
		       : S_ISREG(st.st_mode) ? FOUND_FILE
					     : FOUND_OTHER;
		if (!S_ISLNK(st.st_mode))
			return 0;
		ssize_t n = readlinkat(fd, "", text, sizeof(text) - 1);
		if (n < 0 || split(*path, arena, &parts, err) < 0)
			return error_set(err, n < 0 ? errno : ENOMEM, "read the link %s", *path);
		text[n] = '\0';
		*path = *text == '/' ? arena_strdup(arena, text, err)
				     : arena_format(arena, err, "%s%s", parts.parent, text);
		if (!*path)
			return -1;
	}
	return error_set(err, ELOOP, "%s", *path);
}

static int find_new(const struct cp_place *place, const struct cp_source *source, char *path,
		    struct arena *arena, struct cp_target *ret, struct error *err)
{
	struct split parts;
	enum found found;

	if (!source->is_folder && ends_in_slash(place->path))
		return blame(place, place->path, ENOENT, err);
	if (split(path, arena, &parts, err) < 0 ||
	    look(place, &parts.parent, arena, &found, err) < 0)
		return -1;
	if (found != FOUND_FOLDER)
		return blame(place, parts.parent, ENOENT, err);
	*ret = (struct cp_target){ parts.parent, parts.name };
	return 0;
}

int cp_target_find(const struct cp_place *place, const struct cp_source *source,
		   struct arena *arena, struct cp_target *ret, struct error *err)
{
	char *path = arena_strdup(arena, place->path, err);
	struct split parts;
	enum found found;

	if (!path || look(place, &path, arena, &found, err) < 0)
		return -1;
	switch (found) {
	case FOUND_FOLDER:
		*ret = (struct cp_target){ path, source->content_only ? NULL : source->name };
		return 0;
	case FOUND_OTHER:
		/* The copy would take the place of /dev/null. */
		(void)blame(place, place->path, EEXIST, err);
		return error_hint(err, "it is neither a file nor a folder, and stays");
	case FOUND_FILE:
		if (source->is_folder)
			return error_set(err, ENOTDIR, "a folder cannot be copied to the file %s",
					 place->path);
		if (ends_in_slash(place->path))
			return blame(place, place->path, ENOTDIR, err);
		if (split(path, arena, &parts, err) < 0)
			return -1;
		*ret = (struct cp_target){ parts.parent, parts.name };
		return 0;
	default:
		return find_new(place, source, path, arena, ret, err);
	}
}

int cp_target_folder(const struct cp_place *place, struct arena *arena, struct cp_target *ret,
		     struct error *err)
{
	char *path = arena_strdup(arena, place->path, err);
	enum found found;

	if (!path || look(place, &path, arena, &found, err) < 0)
		return -1;
	if (found != FOUND_FOLDER)
		return error_set(err, ENOTDIR, "%s is no folder", place->path);
	*ret = (struct cp_target){ path, NULL };
	return 0;
}
