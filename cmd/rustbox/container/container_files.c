/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/container_files.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/container/containers.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc_client.h"
#include "shim/rootfs_mount.h"

enum { STATE_MS = 10000 };

int container_files_owner(struct store *store, const struct record *record, struct arena *arena,
			  struct ownership *ret, struct error *err)
{
	struct spec *spec;

	*ret = (struct ownership){ NULL };
	if (!record->isolate_user)
		return 0;
	if (bundle_load_spec(store, record->id, arena, &spec, err) < 0)
		return -1;
	ret->uids = spec->linux->uid_mappings;
	ret->n_uids = spec->linux->n_uid_mappings;
	ret->gids = spec->linux->gid_mappings;
	ret->n_gids = spec->linux->n_gid_mappings;
	return 0;
}

/* ---- of a running one ---- */

/* The supervisor has not reaped a process of that id yet, so it is the container's. */
static int check_pid(const struct store *store, const struct record *record, struct error *err)
{
	__attribute__((cleanup(ttrpc_client_close))) struct ttrpc_client client = { .fd = -1 };
	Containerd__Task__V2__StateRequest request = CONTAINERD__TASK__V2__STATE_REQUEST__INIT;
	ProtobufCMessage *message;
	enum ttrpc_code status;
	bool is_it;

	request.id = record->id;
	if (containers_connect(store, record, &client, err) < 0)
		return -1;
	message = ttrpc_client_call(&client, "containerd.task.v2.Task", "State", &request.base,
				    &containerd__task__v2__state_response__descriptor, STATE_MS,
				    &status, err);
	if (!message)
		return -1;
	const Containerd__Task__V2__StateResponse *answer = (const void *)message;
	is_it = answer->pid == (uint32_t)record->state->pid &&
		answer->status != CONTAINERD__TASK__V2__STATUS__STOPPED;
	protobuf_c_message_free_unpacked(message, NULL);
	return is_it ? 0 : error_set(err, ESRCH, "container %s has just ended", record->name);
}

static int open_live(const struct store *store, const struct record *record,
		     struct container_files *files, struct error *err)
{
	cleanup_fd int pidfd = process_pidfd_open(record->state->pid);
	char path[48];

	if (pidfd < 0)
		return error_set(err, errno, "find the process of container %s", record->name);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)record->state->pid);
	cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set(err, errno, "open %s", path);
	/* Now, that we have it: was that still the process, and not another of the same id? */
	if (check_pid(store, record, err) < 0)
		return -1;
	if (process_pidfd_ended(pidfd))
		return error_set(err, ESRCH, "container %s has just ended", record->name);
	files->root = move_fd(&root);
	return 0;
}

/* The supervisor's own mount of it. */
static int open_mounted(const struct store *store, const struct record *record,
			struct container_files *files, struct error *err)
{
	cleanup_free char *path = store_path(store, "bundles", record->id, "rootfs", err);

	if (!path)
		return -1;
	files->root = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return files->root < 0 ? error_set(err, errno, "open %s", path) : 0;
}

/* ---- of another one: by a child that keeps the mounts ---- */

struct keeping {
	struct store *store;
	const struct record *record;
	enum container_files_view view;
	const char *rootfs;
	struct bundle_rootfs mount;
};

static int mount_root(const struct keeping *k, struct error *err)
{
	Containerd__Types__Mount mount = CONTAINERD__TYPES__MOUNT__INIT, *list[] = { &mount };

	mount.type = k->mount.type;
	mount.source = k->mount.source;
	mount.target = k->mount.target;
	mount.options = k->mount.options;
	mount.n_options = k->mount.n_options;
	if (rootfs_mount(k->rootfs, list, 1, err) < 0)
		return -1;
	int root = open(k->rootfs, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return root < 0 ? error_set(err, errno, "open %s", k->rootfs) : root;
}

static int set_read_only(int fd, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	return mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0
		       ? error_set(err, errno, "make a mount read-only")
		       : 0;
}

static int mount_volume(int root, const struct record_mount *mount, struct error *err)
{
	struct stat st;

	if (!mount->source || str_equal(mount->type, "tmpfs"))
		return 0; /* there is none as long as it does not run */
	cleanup_fd int tree = open_tree(AT_FDCWD, mount->source,
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0 || fstat(tree, &st) < 0)
		return error_set(err, errno, "open the volume %s", mount->source);
	if (mount->read_only && set_read_only(tree, err) < 0)
		return -1;
	cleanup_fd int target = path_make_in_root(
		root, mount->destination, S_ISDIR(st.st_mode) ? PATH_DIRECTORY : PATH_FILE, err);
	if (target < 0)
		return -1;
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, errno, "mount the volume of %s", mount->destination);
	return 0;
}

static int mount_volumes(const struct keeping *k, int root, struct error *err)
{
	const struct record *record = k->record;

	if (k->view == CONTAINER_FILES_ROOT)
		return 0;
	for (size_t i = 0; i < record->n_mounts; i++)
		if (mount_volume(root, &record->mounts[i], err) < 0)
			return -1;
	return record->read_only ? set_read_only(root, err) : 0;
}

static int mount_all(const struct keeping *k, struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "make mounts private");
	cleanup_fd int root = mount_root(k, err);
	if (root < 0 || mount_volumes(k, root, err) < 0)
		return -1;
	return move_fd(&root);
}

/* Sends the root, or why there is none, and stays until nobody needs it. */
static _Noreturn void keep(const struct keeping *k, int socket)
{
	struct error err;
	int root = mount_all(k, &err);
	char byte = 0;

	if (root < 0) {
		(void)fd_send_packet(socket, err.text, strlen(err.text), NULL, 0);
		_exit(EXIT_FAILURE);
	}
	if (fd_send_packet(socket, "", 1, &root, 1) < 0)
		_exit(EXIT_FAILURE);
	while (fd_receive_packet(socket, &byte, 1, NULL, NULL) < 0 && errno == EINTR)
		;
	_exit(EXIT_SUCCESS);
}

static int receive_root(struct container_files *files, struct error *err)
{
	char text[ERROR_TEXT_SIZE];
	size_t n_fds = 1;
	ssize_t n;

	do
		n = fd_receive_packet(files->keeper, text, sizeof(text) - 1, &files->root, &n_fds);
	while (n < 0 && errno == EINTR);
	if (n > 0 && n_fds == 1)
		return 0;
	files->root = -1;
	if (n < 0)
		return error_set(err, errno, "receive the container's root");
	return error_set(err, 0, "%.*s", (int)n, n ? text : "the child that mounts it died");
}

static int open_kept(const struct keeping *k, struct container_files *files, struct error *err)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_set(err, errno, "socketpair");
	files->keeper = sockets[0];
	cleanup_fd int theirs = sockets[1];
	files->keeper_pid = process_clone(0, -1, NULL);
	if (files->keeper_pid < 0)
		return error_set(err, errno, "clone");
	if (files->keeper_pid == 0) {
		fd_close(&files->keeper);
		keep(k, theirs);
	}
	fd_close(&theirs);
	if (receive_root(files, err) < 0)
		return error_wrap(err, "mount the root of container %s", k->record->name);
	return 0;
}

static int open_dead(struct store *store, const struct record *record,
		     enum container_files_view view, struct arena *arena,
		     struct container_files *files, struct error *err)
{
	struct keeping k = { store, record, view };
	cleanup_free char *rootfs = store_path(store, "bundles", record->id, "rootfs", err);

	k.rootfs = rootfs;
	if (!rootfs)
		return -1;
	if (record->state->lost)
		return error_set(err, ENOENT, "the files of container %s were dropped",
				 record->name);
	if (bundle_rootfs_mount(store, record, arena, &k.mount, err) < 0)
		return -1;
	return open_kept(&k, files, err);
}

/* ---- both ---- */

int container_files_open(struct store *store, const struct record *record,
			 enum container_files_view view, struct arena *arena,
			 struct container_files *ret, struct error *err)
{
	struct container_files files cleanup_container_files = CONTAINER_FILES_NONE;
	int rc;

	if (container_files_owner(store, record, arena, &files.owner, err) < 0)
		return -1;
	if (record_is_live(record) && view == CONTAINER_FILES_ROOT)
		rc = open_mounted(store, record, &files, err);
	else if (record_is_live(record) && record->state->pid > 0)
		rc = open_live(store, record, &files, err);
	else if (record_is_live(record))
		return error_set(err, EAGAIN, "container %s is about to start again", record->name);
	else
		rc = open_dead(store, record, view, arena, &files, err);
	if (rc < 0)
		return -1;
	*ret = files;
	files = (struct container_files)CONTAINER_FILES_NONE;
	return 0;
}

void container_files_close(struct container_files *files)
{
	int status;

	fd_close(&files->root);
	fd_close(&files->keeper);
	if (files->keeper_pid > 0)
		(void)process_wait(files->keeper_pid, &status);
	files->keeper_pid = 0;
}
