/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that somebody else may be changing under us (SECURITY.md calls them
 * the rootfs paths, S4, and the procfs paths, S5 and S6).
 *
 * Every path below a container's root is opened here, relative to a
 * descriptor of that root, and handed on as a descriptor. Symbolic links are
 * followed as a process inside the container would see them: absolute ones
 * and ".." end at the root. Magic links of /proc are refused. Needs openat2
 * (Linux 5.6).
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

enum path_kind { PATH_DIRECTORY, PATH_FILE };

/*
 * Opens `path` as seen from inside `root` with open(2) `flags` (O_CLOEXEC is
 * added; O_NOFOLLOW counts for the last component). Never creates. Returns a
 * descriptor; -1 with err (err->code is the errno).
 */
int path_open_in_root(int root, const char *path, int flags, struct error *err);

/*
 * Opens `path` inside `root` with O_PATH, making what is missing: parent
 * directories with mode 0755, and the last component as a directory (0755) or
 * an empty file (0644). An existing last component is taken as it is, after
 * following links. The caller's umask and ids count.
 */
int path_make_in_root(int root, const char *path, enum path_kind kind, struct error *err);

/* The same where opening it has just found it missing (ENOENT): that is not asked again. */
int path_make_missing_in_root(int root, const char *path, enum path_kind kind, struct error *err);

/*
 * Opens the parent directory of `path` inside `root` (O_PATH), making missing
 * ones with mode 0755; *ret_name points to the last component within `path`.
 * An empty name, "." or ".." as last component is EINVAL.
 */
int path_open_parent_in_root(int root, const char *path, const char **ret_name, struct error *err);

/*
 * Makes a directory and its missing parents on the host (trusted paths, such
 * as our own state folder). An existing directory is fine.
 */
int path_make_directories(const char *path, mode_t mode, struct error *err);

/*
 * Opens /proc of the caller and checks that it is a procfs (O_PATH). Do this
 * before anything of a container is mounted, and keep the descriptor.
 */
int path_open_procfs(struct error *err);

/*
 * Opens a file of that procfs: no symbolic link, no other mount on the way,
 * and the result must be on a procfs too. `path` is relative, without links
 * ("self" is one: use a number or "thread-self" is refused as well).
 * err->code is EXDEV where something is mounted over it.
 */
int path_open_in_procfs(int procfs, const char *path, int flags, struct error *err);

/* Opens and writes by one write(2), with the checks of path_open_in_procfs(). */
int path_write_procfs(int procfs, const char *path, const char *text, struct error *err);

/* The filesystem magic of a descriptor (statfs f_type), -1 with err. */
long path_filesystem_type(int fd, struct error *err);

/*
 * dir + "/" + name, absolute: a relative `name` is put behind the current
 * directory. Malloc'd, NULL with err.
 */
char *path_absolute(const char *name, struct error *err);

/* "/a/./b//../c/" to "/a/c", by text alone; a relative path stays relative. Malloc'd. */
char *path_clean(const char *path, struct error *err);
