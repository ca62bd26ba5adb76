/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/registry.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/container.h"

enum { STATE_SIZE_MAX = 4 * 1024 * 1024 };

bool container_id_is_valid(const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+-.";
	size_t n = strlen(id);

	return n > 0 && n <= 255 && strspn(id, allowed) == n && !str_equal(id, ".") &&
	       !str_equal(id, "..");
}

static int check_id(const char *id, struct error *err)
{
	if (container_id_is_valid(id))
		return 0;
	error_set(err, EINVAL, "container id \"%.300s\"", id);
	return error_hint(err, "1 to 255 of the characters A-Z a-z 0-9 _ + - . are allowed");
}

static int open_root(const char *root)
{
	return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_claimed(int root_fd, const char *root, const char *id, struct error *err)
{
	cleanup_fd int folder =
		openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return error_set(err, errno, "open %s/%s", root, id);
	if (registry_lock(folder, id, true, err) < 0)
		return -1;
	return move_fd(&folder);
}

int registry_claim(const char *root, const char *id, struct error *err)
{
	if (check_id(id, err) < 0)
		return -1;
	cleanup_fd int root_fd = open_root(root);
	if (root_fd < 0 && errno == ENOENT) {
		if (path_make_directories(root, 0700, err) < 0)
			return error_wrap(err, "make the state folder %s", root);
		root_fd = open_root(root);
	}
	if (root_fd < 0)
		return error_set(err, errno, "open the state folder %s", root);
	if (mkdirat(root_fd, id, 0700) < 0) {
		if (errno != EEXIST)
			return error_set(err, errno, "mkdir %s/%s", root, id);
		return error_plain(err, EEXIST, "container with id \"%s\" already exists in %s", id,
				   root);
	}
	int folder = open_claimed(root_fd, root, id, err);
	if (folder < 0) /* nobody else would: it is still empty, and not locked */
		(void)unlinkat(root_fd, id, AT_REMOVEDIR);
	return folder;
}

int registry_open(const char *root, const char *id, struct error *err)
{
	if (check_id(id, err) < 0)
		return -1;
	cleanup_fd int root_fd = open_root(root);
	int folder = root_fd < 0
			     ? -1
			     : openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 && errno == ENOENT)
		return error_plain(err, ENOENT, "container \"%s\" does not exist in %s", id, root);
	if (folder < 0)
		return error_set(err, errno, "open %s/%s", root, id);
	return folder;
}

int registry_lock(int folder, const char *id, bool wait, struct error *err)
{
	struct stat st;

	while (flock(folder, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "lock the state of container \"%s\"", id);
	/* Whoever held it may have deleted the container meanwhile. */
	if (fstat(folder, &st) == 0 && st.st_nlink == 0)
		return error_plain(err, ENOENT, "container \"%s\" does not exist any more", id);
	return 0;
}

bool registry_is_locked(int folder)
{
	/* A new open file description: locks belong to these, not to processes. */
	cleanup_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return again >= 0 && flock(again, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int registry_save(int folder, const struct state *state, struct error *err)
{
	cleanup_free char *text = json_write(&state_type, state, false, err);

	if (!text ||
	    fd_replace_passing_file(folder, "state.json", text, strlen(text), 0600, err) < 0)
		return error_wrap(err, "save the state of container \"%s\"", state->id);
	return 0;
}

int registry_load(int folder, struct arena *arena, struct state *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t size;

	*ret = (struct state){ 0 };
	if (fd_read_file(folder, "state.json", STATE_SIZE_MAX, &text, &size, err) < 0) {
		if (err->code == EFBIG)
			err->code = ENODATA;
		return -1;
	}
	if (json_read(&state_type, text, size, ret, arena, err) == 0)
		return 0;
	if (!error_is_shortage(err))
		err->code = ENODATA;
	return error_wrap(err, "state.json");
}

int registry_save_config(int folder, const char *text, size_t size, struct error *err)
{
	return fd_replace_file(folder, "config.json", text, size, 0600, err);
}

int registry_load_config(int folder, struct arena *arena, struct spec *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t size;

	*ret = (struct spec){ 0 };
	if (fd_read_file(folder, "config.json", JSON_SIZE_MAX, &text, &size, err) < 0)
		return error_wrap(err, "the container's saved configuration");
	return spec_load(text, size, "the container's saved configuration", ret, arena, err);
}

/* /proc/self/fd keeps the address short, however long the root's path is. */
static struct sockaddr_un start_address(int folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/start.sock",
		       folder);
	return address;
}

int registry_listen(int folder, struct error *err)
{
	struct sockaddr_un address = start_address(folder);
	cleanup_fd int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (listener < 0)
		return error_set(err, errno, "make the start socket");
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "bind the start socket");
	if (listen(listener, 8) < 0)
		return error_set(err, errno, "listen on the start socket");
	return move_fd(&listener);
}

bool registry_has_start_socket(int folder)
{
	return faccessat(folder, "start.sock", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int registry_connect(int folder, struct error *err)
{
	struct sockaddr_un address = start_address(folder);
	cleanup_fd int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int rc;

	if (connection < 0)
		return error_set(err, errno, "make a socket");
	do
		rc = connect(connection, (const struct sockaddr *)&address, sizeof(address));
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return error_set(err, errno, "connect to the start socket");
	return move_fd(&connection);
}

/* Empties a directory of files, and one level of directories (notify/). */
static int empty_directory(int dir, bool descend, struct error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	int rc = 0;

	if (!stream) {
		error_set(err, errno, "read a state folder");
		fd_close(&copy);
		return -1;
	}
	for (const struct dirent *e; (rc = directory_next(stream, "of a state", &e, err)) > 0;) {
		if (unlinkat(dir, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno == EISDIR && descend) {
			cleanup_fd int below = openat(
				dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (below >= 0 && empty_directory(below, false, err) == 0 &&
			    unlinkat(dir, e->d_name, AT_REMOVEDIR) == 0)
				continue;
		}
		rc = error_set(err, errno, "remove %s from a state folder", e->d_name);
		break;
	}
	(void)closedir(stream);
	return rc;
}

/* The folder is read only where more is in it than there nearly always is. */
int registry_remove(const char *root, const char *id, int folder, struct error *err)
{
	static const char *const files[] = { "start.sock", "config.json", "state.json" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(folder, files[i], 0);
	cleanup_fd int root_fd = open_root(root);
	if (root_fd < 0)
		return error_set(err, errno, "open the state folder %s", root);
	if (unlinkat(root_fd, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTEMPTY) {
		if (empty_directory(folder, true, err) < 0)
			return error_wrap(err, "container \"%s\"", id);
		if (unlinkat(root_fd, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
	}
	return error_set(err, errno, "rmdir %s/%s", root, id);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int registry_list(const char *root, struct arena *arena, char ***ret_ids, size_t *ret_count,
		  struct error *err)
{
	cleanup_free char **ids = NULL;
	size_t count = 0, room = 0;
	DIR *stream = opendir(root);
	int rc = 0;

	*ret_ids = NULL;
	*ret_count = 0;
	if (!stream)
		return errno == ENOENT ? 0
				       : error_set(err, errno, "read the state folder %s", root);
	for (struct dirent *e; rc == 0 && (errno = 0, e = readdir(stream));) {
		if (!container_id_is_valid(e->d_name) ||
		    (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
			continue;
		rc = mem_grow((void **)&ids, count, &room, sizeof(*ids), err);
		if (rc == 0 && !(ids[count++] = arena_strdup(arena, e->d_name, err)))
			rc = -1;
	}
	if (rc == 0 && errno)
		rc = error_set(err, errno, "read the state folder %s", root);
	(void)closedir(stream);
	if (rc < 0)
		return -1;
	if (count) {
		qsort(ids, count, sizeof(*ids), compare_ids);
		*ret_ids = arena_array(arena, count, sizeof(*ids), err);
		if (!*ret_ids)
			return -1;
		memcpy(*ret_ids, ids, count * sizeof(*ids));
	}
	*ret_count = count;
	return 0;
}
