/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/socket_address.h"

#include <fcntl.h>
#include <poll.h>
#include <sha256.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

enum { BACKLOG = 4096 };

char *socket_address_path(const char *directory, const char *address, const char *namespace,
			  const char *group, struct error *err)
{
	cleanup_free char *joined = NULL, *cleaned = NULL, *path = NULL;
	char hash[SHA256_DIGEST_STRING_LENGTH];

	/* An empty part leaves nothing behind, as in Go's filepath.Join. */
	joined = str_format(err, "%s%s%s/%s", address, *address ? "/" : "", namespace, group);
	cleaned = joined ? path_clean(joined, err) : NULL;
	if (!cleaned)
		return NULL;
	(void)SHA256Data((const uint8_t *)cleaned, strlen(cleaned), hash);
	path = str_format(err, "%s/%s", directory, hash);
	if (path && strlen(path) > SOCKET_ADDRESS_MAX)
		return error_set(err, ENAMETOOLONG,
				 "the socket's path %s has more than %d bytes (the folder must "
				 "have a shorter name)",
				 path, SOCKET_ADDRESS_MAX),
		       NULL;
	return move_ptr(&path);
}

/* The folder of the path, opened. */
static int open_folder(const char *path, struct error *err)
{
	char folder[SOCKET_ADDRESS_MAX + 1];
	const char *slash = strrchr(path, '/');
	int fd;

	if (strlen(path) > SOCKET_ADDRESS_MAX || !slash || slash == path)
		return error_set(err, EINVAL, "\"%s\" is no path of a socket", path);
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open the sockets' folder %s", folder);
	return fd;
}

/* The folder, locked until the descriptor is closed. */
static int lock_folder(const char *path, struct error *err)
{
	cleanup_fd int fd = open_folder(path, err);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "lock the folder of %s", path);
	return move_fd(&fd);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

enum presence { ABSENT, STALE, ALIVE };

/*
 * Whether somebody listens. By SOCK_STREAM he gets to know of us; SOCK_DGRAM is
 * of the wrong type for him, which the kernel says only where he is.
 */
static int look(const char *path, int type, enum presence *ret, struct error *err)
{
	struct sockaddr_un address = address_of(path);
	cleanup_fd int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set(err, errno, "make a socket");
	/* EAGAIN: so many wait to be accepted that there is no room. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN ||
	    errno == EPROTOTYPE)
		*ret = ALIVE;
	else if (errno == ECONNREFUSED)
		*ret = STALE;
	else if (errno == ENOENT)
		*ret = ABSENT;
	else
		return error_set(err, errno, "connect to %s", path);
	return 0;
}

/* With the lock held. Only a socket is removed. */
static int remove_socket(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EEXIST, "%s is no socket; remove it by hand", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove the stale socket %s", path);
	return 0;
}

/* 0 with the listener, 1 when the name is taken, -1 with err. */
static int bind_and_listen(const char *path, int *ret_listener, struct error *err)
{
	struct sockaddr_un address = address_of(path);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, errno, "make a socket");
	/* The file that bind makes takes the descriptor's mode: it is never wider than this. */
	if (fchmod(fd, 0600) < 0)
		return error_set(err, errno, "set the mode of a socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EADDRINUSE ? 1 : error_set(err, errno, "bind %s", path);
	if (listen(fd, BACKLOG) < 0) {
		(void)error_set(err, errno, "listen on %s", path);
		(void)unlink(path);
		return -1;
	}
	*ret_listener = move_fd(&fd);
	return 0;
}

static int make_folder(const char *path, struct error *err)
{
	cleanup_free char *folder = str_format(err, "%s", path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!slash)
		return folder ? error_set(err, EINVAL, "\"%s\" is no path of a socket", path) : -1;
	*slash = '\0';
	return path_make_directories(folder, 0700, err);
}

int socket_address_listen(const char *path, int *ret_listener, struct error *err)
{
	enum presence presence = ABSENT;
	int bound;

	if (make_folder(path, err) < 0)
		return -1;
	cleanup_fd int lock = lock_folder(path, err);
	if (lock < 0)
		return -1;
	bound = bind_and_listen(path, ret_listener, err);
	if (bound <= 0)
		return bound;
	if (look(path, SOCK_STREAM, &presence, err) < 0)
		return -1;
	if (presence == ALIVE)
		return 1;
	if (remove_socket(path, err) < 0)
		return -1;
	bound = bind_and_listen(path, ret_listener, err);
	if (bound > 0)
		return error_set(err, EADDRINUSE, "bind %s: somebody else makes it again", path);
	return bound;
}

int socket_address_retire(int listener, struct error *err)
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address) - 1; /* leaves a NUL */
	struct pollfd waiting = { .fd = listener, .events = POLLIN };

	if (getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return error_set(err, errno, "ask for the socket's name");
	cleanup_fd int folder = open_folder(address.sun_path, err);
	if (folder < 0)
		return -1;
	if (flock(folder, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK || errno == EINTR
			       ? 0
			       : error_set(err, errno, "lock the folder of %s", address.sun_path);
	if (poll(&waiting, 1, 0) > 0)
		return 0;
	if (unlink(address.sun_path) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove the socket %s", address.sun_path);
	return 1;
}

int socket_address_remove_stale(const char *path, struct error *err)
{
	enum presence presence = ABSENT;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	cleanup_fd int lock = lock_folder(path, err);
	if (lock < 0 || look(path, SOCK_DGRAM, &presence, err) < 0)
		return -1;
	return presence == STALE ? remove_socket(path, err) : 0;
}
