/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/mount_points.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/image/pack_parts.h"

/* What is mounted below these folders lies in no layer (bundle/plan_mounts.c, write_names.c). */
static const char *const targets[] = {
	"proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf",
};

enum { FILE_MODE = 0644, FOLDER_MODE = 0755 }; /* that they are made with */

static int open_layers(const struct store *store, const struct record *record, struct arena *arena,
		       struct mount_points *points, struct error *err)
{
	cleanup_free char *upper = store_path(store, "overlay", record->id, "upperdir", err);

	if (!upper)
		return -1;
	points->upper = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (points->upper < 0)
		return error_set(err, errno, "open %s", upper);
	points->lower = arena_array(arena, record->n_lower + 1, sizeof(int), err);
	if (!points->lower)
		return -1;
	for (size_t i = 0; i < record->n_lower; i++) {
		int fd = open(record->lower[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_set(err, errno, "open %s", record->lower[i]);
		points->lower[points->n_lower++] = fd;
	}
	return 0;
}

int mount_points_open(const struct store *store, const struct record *record,
		      const struct ownership *owner, struct arena *arena, struct mount_points *ret,
		      struct error *err)
{
	struct mount_points points = { .upper = -1, .owner = *owner };

	if (open_layers(store, record, arena, &points, err) < 0) {
		mount_points_close(&points);
		return -1;
	}
	*ret = points;
	return 0;
}

void mount_points_close(struct mount_points *points)
{
	fd_close(&points->upper);
	while (points->n_lower)
		fd_close(&points->lower[--points->n_lower]);
}

/* ---- the layers below, as overlayfs merges them ---- */

enum found { NOT_THERE, GOES_ON, IS_THERE, IS_HIDDEN };

/* What one layer says of the path: IS_HIDDEN: nothing there, in no layer below it either. */
static enum found look_in(int layer, const char *path, struct stat *ret)
{
	cleanup_fd int at = fcntl(layer, F_DUPFD_CLOEXEC, 0);
	enum found otherwise = NOT_THERE;
	char name[NAME_MAX + 1];

	for (const char *p = path; at >= 0; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n > NAME_MAX)
			return NOT_THERE;
		memcpy(name, p, n);
		name[n] = '\0';
		int next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		fd_close(&at);
		at = next;
		if (at < 0 || fstat(at, ret) < 0)
			return otherwise;
		p += n;
		if (pack_is_whiteout(ret))
			return IS_HIDDEN;
		if (!*p)
			return IS_THERE;
		if (!S_ISDIR(ret->st_mode))
			return IS_HIDDEN;
		if (pack_is_opaque(at))
			otherwise = IS_HIDDEN;
	}
	return otherwise;
}

static bool is_below(const struct mount_points *points, const char *path, struct stat *ret)
{
	enum found found = NOT_THERE;

	for (size_t i = 0; found == NOT_THERE && i < points->n_lower; i++)
		found = look_in(points->lower[i], path, ret);
	return found == IS_THERE;
}

/* ---- the upper layer ---- */

static bool is_target(const char *path)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (str_equal(targets[i], path))
			return true;
	return false;
}

static bool is_on_the_way(const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (strncmp(targets[i], path, n) == 0 && targets[i][n] == '/')
			return true;
	return false;
}

/* Times change by what was made in it; all else is as it was, or as it is made. */
static bool is_same_folder(const struct mount_points *points, const char *path,
			   const struct stat *st)
{
	int64_t uid = st->st_uid, gid = st->st_gid;
	struct stat below;

	ownership_from_disk(&points->owner, &uid, &gid);
	if (!is_below(points, path, &below))
		return uid == 0 && gid == 0 && (st->st_mode & ALLPERMS) == FOLDER_MODE;
	return S_ISDIR(below.st_mode) && below.st_mode == st->st_mode && below.st_uid == uid &&
	       below.st_gid == gid;
}

static bool has_nothing_else(const struct mount_points *points, const char *path)
{
	struct error ignored;
	int folder = pack_open_below(points->upper, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *stream = folder >= 0 && !pack_is_opaque(folder) ? fdopendir(folder) : NULL;
	bool rc = stream;

	if (!stream) {
		fd_close(&folder);
		return false;
	}
	for (struct dirent *e; rc && (e = readdir(stream));) {
		cleanup_free char *child = NULL;

		if (str_equal(e->d_name, ".") || str_equal(e->d_name, ".."))
			continue;
		child = str_format(&ignored, "%s/%s", path, e->d_name);
		rc = child && mount_points_alone(points, child);
	}
	(void)closedir(stream);
	return rc;
}

/* Goes no deeper than the targets do. */
bool mount_points_alone(const struct mount_points *points, const char *path)
{
	bool target = is_target(path);
	struct stat st, below;

	if (!target && !is_on_the_way(path))
		return false;
	cleanup_fd int file = pack_open_below(points->upper, path, O_PATH, 0);
	if (file < 0 || fstat(file, &st) < 0)
		return false;
	if (target && S_ISREG(st.st_mode))
		return st.st_size == 0 && (st.st_mode & ALLPERMS) == FILE_MODE &&
		       !is_below(points, path, &below);
	return S_ISDIR(st.st_mode) && is_same_folder(points, path, &st) &&
	       has_nothing_else(points, path);
}

bool mount_points_new(const struct mount_points *points, const char *path)
{
	struct stat below;

	return mount_points_alone(points, path) && !is_below(points, path, &below);
}
