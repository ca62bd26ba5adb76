/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tmpcopyup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	DEPTH_MAX = 128, /* two descriptors each */
	CHUNK = 1 << 20,
};

static void close_directory(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Where ids are not mapped, or the attribute is not for us, the copy does without. */
static bool is_tolerable(int code)
{
	return code == EPERM || code == EINVAL || code == EOPNOTSUPP;
}

static int copy_attributes(int from, int to, const char *name, struct error *err)
{
	char names[XATTR_LIST_MAX];
	ssize_t size = flistxattr(from, names, sizeof(names));
	cleanup_free char *value = size > 0 ? malloc(XATTR_SIZE_MAX) : NULL;

	if (size < 0 && !is_tolerable(errno))
		return error_set(err, errno, "%s: list extended attributes", name);
	if (size > 0 && !value)
		return error_memory(err);
	for (char *p = names; p < names + size; p += strlen(p) + 1) {
		ssize_t n = fgetxattr(from, p, value, XATTR_SIZE_MAX);

		if (n < 0 && errno != ENODATA && !is_tolerable(errno))
			return error_set(err, errno, "%s: read extended attribute %s", name, p);
		if (n >= 0 && fsetxattr(to, p, value, (size_t)n, 0) < 0 && !is_tolerable(errno))
			return error_set(err, errno, "%s: extended attribute %s", name, p);
	}
	return 0;
}

/* The owner first: changing it clears the set-id bits and file capabilities. */
static int copy_metadata(int from, int to, const struct stat *st, const char *name,
			 struct error *err)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0 && !is_tolerable(errno))
		return error_set(err, errno, "%s: chown", name);
	if (fchmod(to, st->st_mode & 07777) < 0)
		return error_set(err, errno, "%s: chmod", name);
	if (copy_attributes(from, to, name, err) < 0)
		return -1;
	if (futimens(to, times) < 0)
		return error_set(err, errno, "%s: set times", name);
	return 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, struct error *err)
{
	cleanup_fd int from =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (from < 0 || fstat(from, &st) < 0)
		return error_set(err, errno, "%s: open", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s: changed while it was copied", name);
	cleanup_fd int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return error_set(err, errno, "%s: create", name);
	while ((n = sendfile(to, from, NULL, CHUNK)) > 0)
		;
	if (n < 0)
		return error_set(err, errno, "%s: copy", name);
	return copy_metadata(from, to, &st, name, err);
}

static int copy_link(int from_dir, int to_dir, const char *name, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return error_set(err, errno, "%s: read link", name);
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0)
		return error_set(err, errno, "%s: make link", name);
	return 0;
}

/* Device nodes may not be made everywhere; a copy without them is of use all the same. */
static int copy_node(int to_dir, const char *name, const struct stat *st, struct error *err)
{
	if (mknodat(to_dir, name, st->st_mode, st->st_rdev) == 0)
		return 0;
	if (errno != EPERM)
		return error_set(err, errno, "%s: mknod", name);
	log_debug("tmpcopyup: device node %s may not be made", name);
	return 1;
}

/* Of what has no descriptor to work with: links and nodes. The folder is ours alone. */
static int set_owner_and_times(int to_dir, const char *name, const struct stat *st,
			       struct error *err)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    !is_tolerable(errno))
		return error_set(err, errno, "%s: chown", name);
	if (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return error_set(err, errno, "%s: chmod", name);
	if (utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "%s: set times", name);
	return 0;
}

static int copy_tree(int take_from, int take_to, const char *name, int depth, struct error *err);

static int copy_directory(int from_dir, int to_dir, const char *name, int depth, struct error *err)
{
	cleanup_fd int from =
		openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int to = -1;

	if (from < 0)
		return error_set(err, errno, "%s: open", name);
	if (depth >= DEPTH_MAX)
		return error_set(err, ELOOP, "%s: more than %d folders deep", name, DEPTH_MAX);
	if (mkdirat(to_dir, name, 0700) < 0)
		return error_set(err, errno, "%s: mkdir", name);
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return error_set(err, errno, "%s: open the copy", name);
	return copy_tree(move_fd(&from), move_fd(&to), name, depth + 1, err);
}

static int copy_one(int from_dir, int to_dir, const char *name, int depth, struct error *err)
{
	struct stat st;
	int result;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "%s: stat", name);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_directory(from_dir, to_dir, name, depth, err);
	case S_IFREG:
		return copy_file(from_dir, to_dir, name, err);
	case S_IFLNK:
		result = copy_link(from_dir, to_dir, name, err);
		break;
	default:
		result = copy_node(to_dir, name, &st, err);
	}
	return result == 0 ? set_owner_and_times(to_dir, name, &st, err) : result;
}

/* Takes both descriptors. The metadata of the directory itself comes last: its times. */
static int copy_tree(int take_from, int take_to, const char *name, int depth, struct error *err)
{
	cleanup_fd int to = take_to;
	DIR *dir __attribute__((cleanup(close_directory))) = fdopendir(take_from);
	struct dirent *entry;
	struct stat st;

	if (!dir) {
		error_set(err, errno, "%s: open", name);
		fd_close(&take_from);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
			continue;
		if (copy_one(dirfd(dir), to, entry->d_name, depth, err) < 0)
			return depth ? error_wrap(err, "%s", name) : -1;
	}
	if (errno)
		return error_set(err, errno, "%s: read", name);
	if (fstat(dirfd(dir), &st) < 0)
		return error_set(err, errno, "%s: stat", name);
	/* The root has the mode that the tmpfs was mounted with. */
	return depth ? copy_metadata(dirfd(dir), to, &st, name, err) : 0;
}

int tmpcopyup_copy(int from, int to, struct error *err)
{
	cleanup_fd int from_dir = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int to_dir = -1;

	if (from_dir < 0)
		return error_set(err, errno, "open");
	to_dir = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to_dir < 0)
		return error_set(err, errno, "open the tmpfs");
	return copy_tree(move_fd(&from_dir), move_fd(&to_dir), ".", 0, err);
}
