/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static int openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd;

	/* EAGAIN: a rename or mount somewhere raced with "..", see openat2(2). */
	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

static int open_in_root(int root, const char *path, int flags)
{
	return openat2(root, *path ? path : ".", flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int path_open_in_root(int root, const char *path, int flags, struct error *err)
{
	int fd = open_in_root(root, path, flags);

	if (fd < 0 && errno == ENOSYS)
		return error_set(err, ENOSYS, "openat2 (Linux 5.6 or newer is needed)");
	if (fd < 0)
		return error_set(err, errno, "open %s in the container's root", path);
	return fd;
}

enum { PATH_LINKS_MAX = 40 }; /* as the kernel's */

/*
 * Makes dir/name, unless it is there by now (another process may have been
 * quicker), and opens it without following a link: -1 with ELOOP where it is one.
 */
static int make_component(int dir, const char *name, enum path_kind kind)
{
	struct stat st;
	int result;

	if (kind == PATH_DIRECTORY) {
		result = mkdirat(dir, name, 0755);
	} else {
		result = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY,
				0644);
		fd_close(&(int){ result });
	}
	if (result < 0 && errno != EEXIST)
		return -1;
	cleanup_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (S_ISLNK(st.st_mode) || (kind == PATH_DIRECTORY && !S_ISDIR(st.st_mode))) {
		errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
		return -1;
	}
	return move_fd(&fd);
}

/*
 * The next step of a path whose last component is `name`: opens it, or from
 * the first missing one on (*making) makes it within `dir`. -1 with errno.
 */
static int make_step(int root, int dir, const char *path, const char *name, enum path_kind kind,
		     bool *making)
{
	if (!*making) {
		int fd = open_in_root(root, path, O_PATH);

		*making = fd < 0 && errno == ENOENT;
		if (!*making)
			return fd;
	}
	if (str_equal(name, "."))
		return fcntl(dir, F_DUPFD_CLOEXEC, 0);
	if (str_equal(name, "..")) { /* its parent is one that was missing */
		errno = ENOENT;
		return -1;
	}
	return make_component(dir, name, kind);
}

/*
 * What is before `name` in `path` + what the link dir/name says + `rest`:
 * where a path goes on behind a link whose target is missing. Malloc'd, NULL
 * with err.
 */
static char *expand_link(int dir, const char *path, const char *name, const char *rest,
			 struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0) {
		error_set(err, errno, "read the link %s in the container's root", path);
		return NULL;
	}
	target[n] = '\0';
	return str_format(err, "%.*s%s/%s", *target == '/' ? 0 : (int)(name - path), path, target,
			  rest);
}

/*
 * Walks from the front. Each prefix is opened from the root anew, so that
 * links on the way are followed as inside the container; the first missing
 * component and all behind it are made one below the other. Where the missing
 * part is behind a link, *ret_path is the path without that link, and the walk
 * has to begin again with it.
 */
static int make_walk(int root, char *path, enum path_kind kind, char **ret_path, struct error *err)
{
	cleanup_fd int dir = open_in_root(root, "/", O_PATH | O_DIRECTORY);
	bool making = false;

	if (dir < 0)
		return error_set(err, errno, "open the container's root");
	for (char *name = path, *end; *(name += strspn(name, "/")); name = end) {
		end = name + strcspn(name, "/");
		bool last = !end[strspn(end, "/")];
		char kept = *end;

		*end = '\0';
		int fd = make_step(root, dir, path, name, last ? kind : PATH_DIRECTORY, &making);
		if (fd < 0 && making && errno == ELOOP) {
			*ret_path = expand_link(dir, path, name, last ? "" : end + 1, err);
			return -1;
		}
		if (fd < 0)
			return error_set(err, errno, "make %s in the container's root", path);
		*end = kept;
		fd_close(&dir);
		dir = fd;
	}
	return move_fd(&dir);
}

/*
 * The usual case, that only the last component is missing: -1 where it is
 * another, or a link, and make_missing() has to look.
 */
static int make_last(int root, const char *path, enum path_kind kind)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = (size_t)(name - path);

	if (!*name || str_equal(name, ".") || str_equal(name, "..") || n >= sizeof(parent))
		return -1;
	memcpy(parent, path, n);
	parent[n] = '\0';
	cleanup_fd int dir = open_in_root(root, parent, O_PATH | O_DIRECTORY);
	return dir < 0 ? -1 : make_component(dir, name, kind);
}

/* The slow way, for a path of which some part is missing. */
static int make_missing(int root, const char *path, enum path_kind kind, struct error *err)
{
	cleanup_free char *rest = strdup(path);

	if (!rest)
		return error_memory(err);
	for (int links = 0; links < PATH_LINKS_MAX; links++) {
		char *next = NULL;
		int fd = make_walk(root, rest, kind, &next, err);

		if (fd >= 0 || !next)
			return fd;
		free(rest);
		rest = next;
	}
	return error_set(err, ELOOP, "make %s in the container's root", path);
}

int path_make_missing_in_root(int root, const char *path, enum path_kind kind, struct error *err)
{
	int fd = make_last(root, path, kind);

	return fd >= 0 ? fd : make_missing(root, path, kind, err);
}

int path_make_in_root(int root, const char *path, enum path_kind kind, struct error *err)
{
	int fd = open_in_root(root, path, O_PATH);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return path_open_in_root(root, path, O_PATH, err);
	return path_make_missing_in_root(root, path, kind, err);
}

int path_open_parent_in_root(int root, const char *path, const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!*name || str_equal(name, ".") || str_equal(name, ".."))
		return error_set(err, EINVAL, "path \"%s\" does not end in a name", path);
	cleanup_free char *parent = strndup(path, (size_t)(name - path));
	if (!parent)
		return error_memory(err);
	int fd = path_make_in_root(root, parent, PATH_DIRECTORY, err);
	if (fd >= 0)
		*ret_name = name;
	return fd;
}

int path_make_directories(const char *path, mode_t mode, struct error *err)
{
	cleanup_free char *copy = NULL;

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return error_set(err, errno, "mkdir %s", path);
	copy = strdup(path);
	if (!copy)
		return error_memory(err);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return error_set(err, errno, "mkdir %s", copy);
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return error_set(err, errno, "mkdir %s", copy);
	return 0;
}

long path_filesystem_type(int fd, struct error *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return error_set(err, errno, "fstatfs");
	return (long)fs.f_type;
}

static int check_procfs(int fd, const char *path, struct error *err)
{
	long type = path_filesystem_type(fd, err);

	if (type < 0)
		return error_wrap(err, "%s", path);
	if (type != PROC_SUPER_MAGIC)
		return error_set(err, EXDEV, "%s is not on a proc file system", path);
	return 0;
}

int path_open_procfs(struct error *err)
{
	cleanup_fd int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "open /proc");
	if (check_procfs(fd, "/proc", err) < 0)
		return error_hint(err, "mount a proc file system on /proc first");
	return move_fd(&fd);
}

int path_open_in_procfs(int procfs, const char *path, int flags, struct error *err)
{
	cleanup_fd int fd = openat2(procfs, path, flags, 0,
				    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	if (fd < 0)
		return error_set(err, errno, "open /proc/%s", path);
	if (check_procfs(fd, path, err) < 0)
		return -1;
	return move_fd(&fd);
}

int path_write_procfs(int procfs, const char *path, const char *text, struct error *err)
{
	cleanup_fd int fd = path_open_in_procfs(procfs, path, O_WRONLY, err);
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, errno, "write \"%s\" to /proc/%s", text, path);
	return 0;
}

char *path_absolute(const char *name, struct error *err)
{
	cleanup_free char *cwd = NULL;

	if (*name == '/')
		return str_format(err, "%s", name);
	cwd = getcwd(NULL, 0);
	if (!cwd) {
		error_set(err, errno, "find the current directory");
		return NULL;
	}
	return str_format(err, "%s/%s", cwd, name);
}

/* The length of a path of that length without its last name, which begins at floor or above. */
static size_t without_last(const char *path, size_t length, size_t floor)
{
	while (length > floor && path[length - 1] != '/')
		length--;
	return length > floor ? length - 1 : length;
}

char *path_clean(const char *path, struct error *err)
{
	size_t size = strlen(path) + 2, used = 0, floor;
	char *out = malloc(size);

	if (!out) {
		error_memory(err);
		return NULL;
	}
	if (*path == '/')
		out[used++] = '/';
	floor = used;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		bool up = n == 2 && memcmp(p, "..", 2) == 0;

		if (up && used > floor) {
			used = without_last(out, used, floor);
		} else if (n && !(n == 1 && *p == '.') && !(up && *path == '/')) {
			if (used && out[used - 1] != '/')
				out[used++] = '/';
			memcpy(out + used, p, n);
			used += n;
			if (up) /* a relative path may begin with some ".." */
				floor = used;
		}
		p += n;
		p += strspn(p, "/");
	}
	if (!used)
		out[used++] = '.';
	out[used] = '\0';
	return out;
}
