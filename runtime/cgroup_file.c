/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_backend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

static const char root_path[] = "/sys/fs/cgroup";
static int root_fd = -1;

bool cgroup_root_hold(void)
{
	if (root_fd >= 0)
		return false;
	root_fd = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return true;
}

void cgroup_root_release(const bool *is_held)
{
	if (*is_held)
		fd_close(&root_fd);
}

/* What the path counts from, which becomes relative if that is the root. */
static int root_of(const char **path)
{
	const size_t n = sizeof(root_path) - 1;

	if (root_fd < 0 || strncmp(*path, root_path, n) != 0 || (*path)[n] != '/' ||
	    (*path)[n + 1] == '/' || (*path)[n + 1] == '\0')
		return AT_FDCWD;
	*path += n + 1;
	return root_fd;
}

int cgroup_open(const char *path, int flags)
{
	int from = root_of(&path);

	return openat(from, path, flags | O_CLOEXEC);
}

int cgroup_make(const char *path)
{
	int from = root_of(&path);

	return mkdirat(from, path, 0755);
}

int cgroup_remove(const char *path)
{
	int from = root_of(&path);

	return unlinkat(from, path, AT_REMOVEDIR);
}

bool cgroup_exists(const char *path)
{
	int from = root_of(&path);

	return faccessat(from, path, F_OK, 0) == 0;
}

void cgroup_dir_close(struct cgroup_dir *dir)
{
	fd_close(&dir->fd);
}

bool cgroup_controllers_have(const char *list, const char *controller)
{
	size_t n = strlen(controller);

	for (const char *at = list; n > 0 && at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, controller, n) == 0 && (at[n] == ',' || at[n] == '\0'))
			return true;
	}
	return false;
}

const struct cgroup_directory *cgroup_find_v1(const struct cgroup *cgroup, const char *controller)
{
	for (size_t i = 0; i < cgroup->n_directories; i++)
		if (cgroup_controllers_have(cgroup->directories[i].controllers, controller))
			return &cgroup->directories[i];
	return NULL;
}

const struct cgroup_directory *cgroup_find_v2(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->n_directories; i++)
		if (cgroup_directory_is_v2(&cgroup->directories[i]))
			return &cgroup->directories[i];
	return NULL;
}

int cgroup_dir_open(const struct cgroup_directory *directory, struct cgroup_dir *ret)
{
	int fd = cgroup_open(directory->path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return -1;
	*ret = (struct cgroup_dir){ fd, directory->path, directory->controllers };
	return 0;
}

int cgroup_dir_open_below(const struct cgroup_dir *dir, const char *sub_path, int flags,
			  struct error *err)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_DIRECTORY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	size_t n;

	while (*sub_path == '/')
		sub_path++;
	/* RESOLVE_BENEATH would let "a/.." pass; a name of a cgroup never needs it. */
	for (const char *at = sub_path; *at; at += n + (at[n] == '/')) {
		n = strcspn(at, "/");
		if (n == 2 && at[0] == '.' && at[1] == '.')
			return error_set(err, EINVAL, "sub-cgroup \"%s\": \"..\" is not allowed",
					 sub_path);
	}
	long fd = *sub_path ? syscall(SYS_openat2, dir->fd, sub_path, &how, sizeof(how))
			    : openat(dir->fd, ".", flags | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open sub-cgroup \"%s\" of %s", sub_path, dir->path);
	return (int)fd;
}

/* What the user can do about the errors that files of a cgroup give. */
static void add_hint(const struct cgroup_dir *dir, const char *file, struct error *err)
{
	switch (err->code) {
	case EACCES:
	case EPERM:
	case EROFS:
		error_hint(err, "the cgroup is not writable for us: delegate it, or use another "
				"cgroupsPath");
		break;
	case ENOENT:
		if (faccessat(dir->fd, "cgroup.procs", F_OK, 0) < 0)
			error_hint(err, "the cgroup is gone or was never made");
		else
			error_hint(err,
				   "the \"%.*s\" controller is not enabled for this cgroup, or "
				   "this kernel does not have the file",
				   (int)strcspn(file, "."), file);
		break;
	case ENODEV:
		error_hint(err, "the cgroup is gone, or there is no such device");
		break;
	case EOPNOTSUPP:
		if (strstr(file, "weight"))
			error_hint(err, "the disk's scheduler takes no weights: echo bfq "
					">/sys/block/DISK/queue/scheduler");
		else
			error_hint(err, "see cgroup.type: a threaded cgroup, or one below it, "
					"cannot do this");
		break;
	default:
		break;
	}
}

int cgroup_write(const struct cgroup_dir *dir, const char *file, const char *text,
		 struct error *err)
{
	cleanup_fd int fd = openat(dir->fd, file, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	size_t size = strlen(text);
	ssize_t n = -1;

	if (fd >= 0)
		do
			n = write(fd, text, size);
		while (n < 0 && errno == EINTR);
	if (n == (ssize_t)size)
		return 0;
	error_set(err, n < 0 ? errno : EIO, "write \"%s\" to %s/%s", text, dir->path, file);
	add_hint(dir, file, err);
	return -1;
}

int cgroup_write_format(const struct cgroup_dir *dir, const char *file, struct error *err,
			const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		return error_set(err, E2BIG, "write to %s/%s", dir->path, file);
	return cgroup_write(dir, file, text, err);
}

int cgroup_read_uint(const struct cgroup_dir *dir, const char *file, uint64_t *ret)
{
	char text[64];

	if (fd_read_short(dir->fd, file, text, sizeof(text)) < 0)
		return -1;
	if (str_equal(text, "max"))
		*ret = UINT64_MAX;
	else if (!str_to_uint(text, 10, UINT64_MAX, ret)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

char *cgroup_read_text(const struct cgroup_dir *dir, const char *file)
{
	struct error ignored = { 0 };
	char *text = NULL;

	if (fd_read_file(dir->fd, file, CGROUP_FILE_MAX, &text, NULL, &ignored) < 0) {
		errno = ignored.code;
		return NULL;
	}
	return text;
}

bool cgroup_text_find(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *line = text; line && *line;) {
		const char *end = strchrnul(line, '\n');
		char number[24];

		if ((size_t)(end - line) > n && strncmp(line, key, n) == 0 && line[n] == ' ') {
			size_t length = (size_t)(end - line) - n - 1;
			if (length >= sizeof(number))
				return false;
			memcpy(number, line + n + 1, length);
			number[length] = '\0';
			return str_to_uint(number, 10, UINT64_MAX, ret);
		}
		line = *end ? end + 1 : NULL;
	}
	return false;
}

static int walk(int fd, const char *path, int depth, bool children_first, cgroup_visit *visit,
		void *data, struct error *err);

static void close_stream(DIR **stream)
{
	if (*stream)
		(void)closedir(*stream);
}

static int walk_children(int fd, const char *path, int depth, bool children_first,
			 cgroup_visit *visit, void *data, struct error *err)
{
	struct stat st;

	/* kernfs counts directories in st_nlink: 2 means none, the usual case. */
	if (fstat(fd, &st) == 0 && st.st_nlink == 2)
		return 0;
	if (depth >= CGROUP_DEPTH_MAX)
		return error_set(err, ELOOP, "%s: cgroups nested too deeply", path);

	cleanup_fd int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream __attribute__((cleanup(close_stream))) = again < 0 ? NULL : fdopendir(again);
	if (!stream)
		return errno == ENOENT || errno == ENODEV
			       ? 0
			       : error_set(err, errno, "read the directory %s", path);
	(void)move_fd(&again);

	for (const struct dirent *entry; (entry = readdir(stream));) {
		if (entry->d_type != DT_DIR || str_equal(entry->d_name, ".") ||
		    str_equal(entry->d_name, ".."))
			continue;
		cleanup_fd int child =
			openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0)
			continue;
		cleanup_free char *child_path = str_format(err, "%s/%s", path, entry->d_name);
		if (!child_path)
			return -1;
		int r = walk(child, child_path, depth + 1, children_first, visit, data, err);
		if (r != 0)
			return r;
	}
	return 0;
}

static int walk(int fd, const char *path, int depth, bool children_first, cgroup_visit *visit,
		void *data, struct error *err)
{
	int r = children_first ? 0 : visit(fd, path, data, err);

	if (r == 0)
		r = walk_children(fd, path, depth, children_first, visit, data, err);
	if (r == 0 && children_first)
		r = visit(fd, path, data, err);
	return r;
}

int cgroup_walk(int fd, const char *path, bool children_first, cgroup_visit *visit, void *data,
		struct error *err)
{
	return walk(fd, path, 0, children_first, visit, data, err);
}

/* 1 when the events have it, 0 when not, -1 with errno. */
static int event_is(int fd, const char *key, uint64_t wanted)
{
	char text[256];
	uint64_t value = 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -1;
	text[n] = '\0';
	return cgroup_text_find(text, key, &value) && value == wanted;
}

int cgroup_wait_event(const struct cgroup_dir *dir, const char *key, uint64_t wanted,
		      int64_t deadline_ms, struct error *err)
{
	cleanup_fd int fd = openat(dir->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV
			       ? 1
			       : error_set(err, errno, "open %s/cgroup.events", dir->path);
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
		int r = event_is(fd, key, wanted);

		if (r < 0)
			return errno == ENODEV
				       ? 1
				       : error_set(err, errno, "read %s/cgroup.events", dir->path);
		if (r > 0)
			return 1;
		int left = clock_left_ms(deadline_ms);
		if (left == 0)
			return 0;
		if (poll(&poll_fd, 1, left) < 0 && errno != EINTR)
			return error_set(err, errno, "poll %s/cgroup.events", dir->path);
	}
}
