/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/mount_points.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/mem.h"
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

/* IS_HIDDEN: nothing is there, and in no layer below it either. */
enum found { NOT_THERE, IS_THERE, IS_HIDDEN };

/* What one layer says of the path. */
static int look_in(int layer, const char *path, enum found *ret, struct stat *ret_st,
		   struct error *err)
{
	cleanup_fd int opened = -1;
	enum found otherwise = NOT_THERE;
	char name[NAME_MAX + 1];

	for (const char *p = path;; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n > NAME_MAX)
			break;
		memcpy(name, p, n);
		name[n] = '\0';
		int next =
			openat(opened < 0 ? layer : opened, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && pack_is_absent(errno))
			break;
		if (next < 0)
			return error_set(err, errno, "look at /%s of the layers below", path);
		fd_close(&opened);
		opened = next;
		if (fstat(opened, ret_st) < 0)
			return error_set(err, errno, "look at /%s of the layers below", path);
		p += n;
		if (!*p || pack_is_whiteout(ret_st) || !S_ISDIR(ret_st->st_mode)) {
			otherwise = *p || pack_is_whiteout(ret_st) ? IS_HIDDEN : IS_THERE;
			break;
		}
		int opaque = pack_is_opaque(opened, path, err);
		if (opaque < 0)
			return -1;
		if (opaque)
			otherwise = IS_HIDDEN;
	}
	*ret = otherwise;
	return 0;
}

/* 1, 0, -1. */
static int is_below(const struct mount_points *points, const char *path, struct stat *ret,
		    struct error *err)
{
	enum found found = NOT_THERE;

	for (size_t i = 0; found == NOT_THERE && i < points->n_lower; i++)
		if (look_in(points->lower[i], path, &found, ret, err) < 0)
			return -1;
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
static int is_same_folder(const struct mount_points *points, const char *path,
			  const struct stat *st, struct error *err)
{
	int64_t uid = st->st_uid, gid = st->st_gid;
	struct stat below;
	int rc = is_below(points, path, &below, err);

	ownership_from_disk(&points->owner, &uid, &gid);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return uid == 0 && gid == 0 && (st->st_mode & ALLPERMS) == FOLDER_MODE;
	return S_ISDIR(below.st_mode) && below.st_mode == st->st_mode && below.st_uid == uid &&
	       below.st_gid == gid;
}

static int are_alone(const struct mount_points *points, DIR *folder, const char *path,
		     struct error *err)
{
	const struct dirent *e;
	int rc;

	while ((rc = directory_next(folder, path, &e, err)) > 0) {
		cleanup_free char *child = str_format(err, "%s/%s", path, e->d_name);

		rc = child ? mount_points_alone(points, child, err) : -1;
		if (rc <= 0)
			return rc;
	}
	return rc < 0 ? -1 : 1;
}

static int has_nothing_else(const struct mount_points *points, const char *path, struct error *err)
{
	cleanup_fd int fd = pack_open_below(points->upper, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *stream;
	int rc;

	if (fd < 0)
		return pack_is_absent(errno) ? 0 : error_set(err, errno, "open /%s", path);
	rc = pack_is_opaque(fd, path, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	stream = fdopendir(fd);
	if (!stream)
		return error_set(err, errno, "read /%s", path);
	(void)move_fd(&fd);
	rc = are_alone(points, stream, path, err);
	(void)closedir(stream);
	return rc;
}

static int is_new_file(const struct mount_points *points, const char *path, const struct stat *st,
		       struct error *err)
{
	struct stat below;
	int rc;

	if (st->st_size || (st->st_mode & ALLPERMS) != FILE_MODE)
		return 0;
	rc = is_below(points, path, &below, err);
	return rc < 0 ? -1 : !rc;
}

/* Goes no deeper than the targets do. */
int mount_points_alone(const struct mount_points *points, const char *path, struct error *err)
{
	bool target = is_target(path);
	struct stat st;
	int rc;

	if (!target && !is_on_the_way(path))
		return 0;
	cleanup_fd int file = pack_open_below(points->upper, path, O_PATH, 0);
	if (file < 0 && pack_is_absent(errno))
		return 0;
	if (file < 0 || fstat(file, &st) < 0)
		return error_set(err, errno, "look at /%s", path);
	if (target && S_ISREG(st.st_mode))
		return is_new_file(points, path, &st, err);
	if (!S_ISDIR(st.st_mode))
		return 0;
	rc = is_same_folder(points, path, &st, err);
	return rc > 0 ? has_nothing_else(points, path, err) : rc;
}

int mount_points_new(const struct mount_points *points, const char *path, struct error *err)
{
	int rc = mount_points_alone(points, path, err);
	struct stat below;

	if (rc <= 0)
		return rc;
	rc = is_below(points, path, &below, err);
	return rc < 0 ? -1 : !rc;
}
