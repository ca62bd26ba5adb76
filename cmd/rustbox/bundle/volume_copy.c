/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's folder into a new volume. The image is foreign: names are only
 * used relative to descriptors, and no link is followed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cmd/rustbox/bundle/write.h"

enum {
	DEPTH_MAX = 200, /* two descriptors each */
	LINK_MAX = 4096,
	NAMES_MAX = 65536, /* xattr(7) */
	VALUE_MAX = 65536,
	CHUNK = 1 << 24,
};

static void close_folder(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}
#define cleanup_folder __attribute__((cleanup(close_folder)))

static int copy_folder(int from, int to, int depth, struct error *err);

/* ---- what belongs to every kind ---- */

/* Overlayfs' own marks are none of the file. */
static bool is_to_be_copied(const char *name)
{
	return strncmp(name, "trusted.overlay.", strlen("trusted.overlay.")) != 0 &&
	       strncmp(name, "user.overlay.", strlen("user.overlay.")) != 0;
}

static int copy_attributes(int from, int to, struct error *err)
{
	cleanup_free char *names = malloc(NAMES_MAX), *value = malloc(VALUE_MAX);
	ssize_t size;

	if (!names || !value)
		return error_memory(err);
	size = flistxattr(from, names, NAMES_MAX);
	if (size < 0)
		return errno == ENOTSUP ? 0 : error_set(err, errno, "list attributes");
	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		ssize_t n;

		if (!is_to_be_copied(name))
			continue;
		n = fgetxattr(from, name, value, VALUE_MAX);
		if (n < 0 && errno != ENODATA && errno != ENOTSUP)
			return error_set(err, errno, "read attribute %s", name);
		/* What a file system cannot keep (labels, lists) is left to its default. */
		if (n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != ENOTSUP)
			return error_set(err, errno, "set attribute %s", name);
	}
	return 0;
}

/* Owner first: it takes setuid bits and capabilities away. */
static int copy_looks(int from, int to, const struct stat *st, struct error *err)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return error_set(err, errno, "set owner and mode");
	if (copy_attributes(from, to, err) < 0)
		return -1;
	return futimens(to, times) < 0 ? error_set(err, errno, "set times") : 0;
}

/* ---- kinds ---- */

static int copy_by_reading(int from, int to, off_t at, off_t end, struct error *err)
{
	char buffer[32768];

	while (at < end) {
		size_t most =
			end - at < (off_t)sizeof(buffer) ? (size_t)(end - at) : sizeof(buffer);
		ssize_t n = pread(from, buffer, most, at);

		if (n <= 0)
			return n < 0 ? error_set(err, errno, "read") : 0;
		n = pwrite(to, buffer, (size_t)n, at);
		if (n <= 0)
			return error_set(err, n < 0 ? errno : ENOSPC, "write");
		at += n;
	}
	return 0;
}

static int copy_range(int from, int to, off_t at, off_t end, struct error *err)
{
	off_t out = at;

	while (at < end) {
		size_t most = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = copy_file_range(from, &at, to, &out, most, 0);

		if (n < 0 &&
		    (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
			return copy_by_reading(from, to, at, end, err);
		if (n < 0)
			return error_set(err, errno, "copy");
		if (n == 0)
			break;
	}
	return 0;
}

/* Holes stay holes: one line of an image can make a file of exabytes. */
static int copy_bytes(int from, int to, off_t size, struct error *err)
{
	off_t data = 0, hole;

	while ((data = lseek(from, data, SEEK_DATA)) >= 0) {
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return error_set(err, errno, "find a hole");
		if (copy_range(from, to, data, hole, err) < 0)
			return -1;
		data = hole;
	}
	if (errno != ENXIO)
		return error_set(err, errno, "find data");
	return ftruncate(to, size) < 0 ? error_set(err, errno, "set the size") : 0;
}

static int copy_file(int parent, int target, const char *name, const struct stat *st,
		     struct error *err)
{
	cleanup_fd int from =
		openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	cleanup_fd int to =
		from < 0 ? -1
			 : openat(target, name,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (from < 0 || to < 0)
		return error_set(err, errno, "open");
	if (copy_bytes(from, to, st->st_size, err) < 0)
		return -1;
	return copy_looks(from, to, st, err);
}

static int copy_subfolder(int parent, int target, const char *name, const struct stat *st,
			  int depth, struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int from = openat(parent, name, flags);
	cleanup_fd int to = -1;

	if (from < 0 || mkdirat(target, name, 0700) < 0 || (to = openat(target, name, flags)) < 0)
		return error_set(err, errno, "make the folder");
	if (copy_folder(from, to, depth + 1, err) < 0)
		return -1;
	return copy_looks(from, to, st, err);
}

static int copy_link(int parent, int target, const char *name, struct error *err)
{
	char text[LINK_MAX + 1];
	ssize_t n = readlinkat(parent, name, text, sizeof(text) - 1);

	if (n < 0)
		return error_set(err, errno, "read the link");
	text[n] = '\0';
	return symlinkat(text, target, name) < 0 ? error_set(err, errno, "make the link") : 0;
}

static int copy_entry(int parent, int target, const char *name, int depth, struct error *err)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "stat");
	if (S_ISREG(st.st_mode))
		return copy_file(parent, target, name, &st, err);
	if (S_ISDIR(st.st_mode))
		return copy_subfolder(parent, target, name, &st, depth, err);
	if (S_ISLNK(st.st_mode) ? copy_link(parent, target, name, err) < 0
				: mknodat(target, name, st.st_mode, st.st_rdev) < 0 &&
					  error_set(err, errno, "make the node") < 0)
		return -1;
	if (fchownat(target, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "set the owner");
	/* mknod heeds the umask. */
	if (!S_ISLNK(st.st_mode) && fchmodat(target, name, st.st_mode & 07777, 0) < 0)
		return error_set(err, errno, "set the mode");
	return 0;
}

static int copy_folder(int from, int to, int depth, struct error *err)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_folder DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder) {
		error_set(err, errno, "read a folder");
		fd_close(&fd);
		return -1;
	}
	if (depth > DEPTH_MAX)
		return error_set(err, ELOOP, "more than %d folders in one another", DEPTH_MAX);
	errno = 0;
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (copy_entry(from, to, entry->d_name, depth, err) < 0)
			return error_wrap(err, "%.255s", entry->d_name);
		errno = 0;
	}
	return errno ? error_set(err, errno, "read a folder") : 0;
}

int volume_copy_up(int root, const char *path, int folder, struct error *err)
{
	cleanup_fd int from = path_open_in_root(root, path, O_RDONLY | O_DIRECTORY, err);
	struct stat st;

	if (from < 0)
		return err->code == ENOENT || err->code == ENOTDIR ? 0 : -1;
	if (fstat(from, &st) < 0)
		return error_set(err, errno, "stat");
	if (copy_folder(from, folder, 0, err) < 0)
		return -1;
	return copy_looks(from, folder, &st, err);
}
