/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

static const int always = O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

static int refuse(const char *path, struct error *err)
{
	int code = errno;

	error_set(err, code, "open %s", path);
	return code == ENOENT ? error_hint(err, "clients make their FIFOs before the process") : -1;
}

static int make_parents(const char *path, struct error *err)
{
	const char *name = strrchr(path, '/');
	cleanup_free char *parent = strndup(path, name ? (size_t)(name - path) : 0);

	if (!parent)
		return error_memory(err);
	return *parent ? path_make_directories(parent, 0755, err) : 0;
}

int stdio_file_open_output(const struct stdio_uri *uri, struct error *err)
{
	int flags = O_WRONLY | O_APPEND;
	struct stat st;

	if (uri->scheme == STDIO_FILE) {
		if (make_parents(uri->path, err) < 0)
			return -1;
		flags |= O_CREAT;
	} else {
		if (stat(uri->path, &st) < 0)
			return refuse(uri->path, err);
		if (S_ISFIFO(st.st_mode))
			flags = O_RDWR;
	}
	int fd = open(uri->path, flags | always, 0644);
	return fd < 0 ? refuse(uri->path, err) : fd;
}

int stdio_file_meet_client(const struct stdio_uri *uri)
{
	struct stat st;

	errno = EINVAL;
	if (uri->scheme == STDIO_FILE || stat(uri->path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -1;
	/* Once it has seen a writer the client must not see it go. */
	cleanup_fd int writer = open(uri->path, O_WRONLY | always);
	return writer < 0 ? -1 : open(uri->path, O_RDWR | always);
}

int stdio_file_open_input(const char *path, int *ret_keep, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | always);
	int keep = -1;
	struct stat st;

	if (fd < 0)
		return refuse(path, err);
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at %s", path);
	if (S_ISDIR(st.st_mode))
		return error_set(err, EISDIR, "open %s", path);
	if (S_ISFIFO(st.st_mode)) {
		keep = open(path, O_WRONLY | always);
		if (keep < 0)
			return refuse(path, err);
	}
	*ret_keep = keep;
	return move_fd(&fd);
}
