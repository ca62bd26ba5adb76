/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/str.h"
#include "shim/rootfs_mount.h"

enum {
	BUSY_TRIES = 50,
	BUSY_WAIT_MS = 50,
	/* Each with something done or waited for; mounts may appear while we work. */
	ROUNDS_MAX = 4 * BUSY_TRIES,
	MOUNTINFO_MAX = 256 << 20,
};

/* Mount points at and below the root, the longest first. */
struct points {
	char *text; /* of mountinfo, which the paths lie in */
	const char **paths;
	size_t count, capacity;
};

static void points_done(struct points *points)
{
	free(points->text);
	free(points->paths);
}
#define cleanup_points __attribute__((cleanup(points_done)))

static int compare_points(const void *a, const void *b)
{
	size_t m = strlen(*(const char *const *)a), n = strlen(*(const char *const *)b);

	return m < n ? 1 : m > n ? -1 : 0;
}

static bool is_at_or_below(const char *path, const char *root)
{
	size_t n = strlen(root);

	return strncmp(path, root, n) == 0 && (!path[n] || path[n] == '/');
}

static int read_points(const char *root, struct points *ret, struct error *err)
{
	struct mountinfo mount;
	char *cursor;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &ret->text, NULL, err) <
	    0)
		return -1;
	cursor = ret->text;
	while (mountinfo_next(&cursor, &mount)) {
		if (!is_at_or_below(mount.point, root))
			continue;
		if (mem_grow((void **)&ret->paths, ret->count, &ret->capacity, sizeof(*ret->paths),
			     err) < 0)
			return -1;
		ret->paths[ret->count++] = mount.point;
	}
	if (ret->count)
		qsort(ret->paths, ret->count, sizeof(*ret->paths), compare_points);
	return 0;
}

/*
 * A mount below the root: its parent folder is found inside of the root, so
 * that a link that somebody has put there does not lead to the host's mounts.
 * 0, or -1 with errno.
 */
static int unmount_below(const char *root, const char *path)
{
	struct error err;
	const char *name = strrchr(path, '/') + 1;
	cleanup_fd int root_fd = open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_free char *parent =
		strndup(path + strlen(root), (size_t)(name - path) - strlen(root));
	cleanup_fd int folder = -1;
	char at[NAME_MAX + 32];

	if (root_fd < 0 || !parent)
		return -1;
	folder = path_open_in_root(root_fd, parent, O_PATH | O_DIRECTORY, &err);
	if (folder < 0) {
		errno = err.code;
		return -1;
	}
	(void)snprintf(at, sizeof(at), "/proc/self/fd/%d/%s", folder, name);
	return umount2(at, UMOUNT_NOFOLLOW);
}

struct round {
	size_t unmounted;
	int busy, other; /* errno values, and where */
	const char *busy_at, *other_at;
};

static struct round unmount_points(const char *root, const struct points *points)
{
	struct round round = { 0 };

	for (size_t i = 0; i < points->count; i++) {
		const char *path = points->paths[i];
		int result = str_equal(path, root) ? umount2(root, UMOUNT_NOFOLLOW)
						   : unmount_below(root, path);

		if (result == 0) {
			round.unmounted++;
		} else if (errno == EBUSY) {
			round.busy = errno;
			round.busy_at = round.busy_at ? round.busy_at : path;
		} else { /* hidden below another mount, it may be: then its turn comes later */
			round.other = errno;
			round.other_at = path;
		}
	}
	return round;
}

/* One look at what is mounted. 1: come again, 0: nothing is left. */
static int unmount_round(const char *root, int *busy_tries, struct error *err)
{
	struct points cleanup_points points = { 0 };

	if (read_points(root, &points, err) < 0)
		return -1;
	if (!points.count)
		return 0;
	struct round round = unmount_points(root, &points);
	if (round.unmounted)
		return 1;
	if (round.busy && ++*busy_tries < BUSY_TRIES) {
		(void)poll(NULL, 0, BUSY_WAIT_MS);
		return 1;
	}
	if (!round.busy)
		return error_set(err, round.other, "unmount %s", round.other_at);
	error_set(err, round.busy, "unmount %s", round.busy_at);
	return error_hint(err, "a process has it as its current directory, or a file of it open");
}

/*
 * The path as mountinfo has it: links are followed but for the last
 * component, which is ours to unmount. *ret is NULL where there is no such folder.
 */
static int find_canonical(const char *rootfs, char **ret, struct error *err)
{
	cleanup_free char *clean = path_clean(rootfs, err);
	cleanup_free char *parent = NULL;
	char *name;

	if (!clean)
		return -1;
	name = strrchr(clean, '/');
	if (*clean != '/' || !name[1])
		return error_set(err, EINVAL, "unmount \"%s\": not the path of a root file system",
				 rootfs);
	*name++ = '\0';
	parent = realpath(*clean ? clean : "/", NULL);
	if (!parent && errno != ENOENT && errno != ENOTDIR)
		return error_set(err, errno, "find %s", clean);
	*ret = NULL;
	if (!parent)
		return 0;
	*ret = str_format(err, "%s/%s", str_equal(parent, "/") ? "" : parent, name);
	return *ret ? 0 : -1;
}

int rootfs_unmount(const char *rootfs, struct error *err)
{
	cleanup_free char *root = NULL;
	int busy_tries = 0, more = 1;

	if (find_canonical(rootfs, &root, err) < 0)
		return -1;
	/* Mostly all there is: then mountinfo, long on a busy host, need be read only once. */
	while (root && umount2(root, UMOUNT_NOFOLLOW) == 0)
		;
	for (int i = 0; root && more > 0 && i < ROUNDS_MAX; i++)
		more = unmount_round(root, &busy_tries, err);
	if (root && more > 0)
		return error_set(err, EBUSY, "unmount %s: new mounts appear all the time", root);
	return root ? more : 0;
}

bool rootfs_unmount_at_once(const char *rootfs)
{
	while (umount2(rootfs, UMOUNT_NOFOLLOW) == 0)
		;
	return errno == EINVAL && !rootfs_is_mounted(rootfs);
}

bool rootfs_is_mounted(const char *rootfs)
{
	struct statx st;

	if (statx(AT_FDCWD, rootfs, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) < 0)
		return errno != ENOENT && errno != ENOTDIR;
	return !(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	       st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}
