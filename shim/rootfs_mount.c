/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/rootfs_mount.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/idmap.h"
#include "shim/loop_device.h"
#include "shim/rootfs_entry.h"

/* Where the mount goes. */
struct place {
	const char *rootfs, *target;
};

/* `target` as seen inside of the root that there is by now, made where it is missing. */
static int open_place(const struct place *place, enum path_kind kind, struct error *err)
{
	cleanup_fd int root = open(place->rootfs, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (root < 0)
		return error_set(err, errno, "open %s", place->rootfs);
	if (!*place->target)
		return move_fd(&root);
	return path_make_in_root(root, place->target, kind, err);
}

static int attach_tree(const struct place *place, int tree, struct error *err)
{
	struct stat st;

	if (fstat(tree, &st) < 0)
		return error_set(err, errno, "fstat");
	cleanup_fd int target =
		open_place(place, S_ISDIR(st.st_mode) ? PATH_DIRECTORY : PATH_FILE, err);
	return target < 0 ? -1 : mount_api_attach(tree, target, err);
}

/* For mounts that were made at once at their place: -1 where nothing is mounted there. */
static int open_mounted(const struct place *place, int covered, struct error *err)
{
	cleanup_fd int mounted = open_place(place, PATH_DIRECTORY, err);
	uint64_t before = 0, now = 0;

	if (mounted < 0 || mount_api_id(covered, &before, err) < 0 ||
	    mount_api_id(mounted, &now, err) < 0)
		return -1;
	if (before == now)
		return error_set(err, EINVAL, "nothing was mounted");
	return move_fd(&mounted);
}

static int mount_directly(const struct rootfs_entry *entry, const struct place *place,
			  struct error *err)
{
	cleanup_fd int target = open_place(place, PATH_DIRECTORY, err);

	if (target < 0 || rootfs_filesystem_mount(entry, target, err) < 0)
		return -1;
	return open_mounted(place, target, err);
}

/*
 * A file system, or the kernel, may know mount(2) only. A reason that the new
 * way gave is the better one of the two.
 */
static int mount_filesystem(const struct rootfs_entry *entry, const struct place *place,
			    struct error *err)
{
	const bool is_overlay = str_equal(entry->type, "overlay");
	cleanup_fd int tree = -1;
	struct error second;

	if (is_overlay && entry->user_namespace >= 0)
		tree = rootfs_overlay_open_idmapped(entry, err);
	else if (rootfs_filesystem_needs_mount(entry) && entry->user_namespace < 0)
		return mount_directly(entry, place, err);
	else
		tree = rootfs_filesystem_open(entry, err);
	if (tree >= 0)
		return attach_tree(place, tree, err) < 0 ? -1 : move_fd(&tree);
	if (entry->user_namespace >= 0 ||
	    (err->code != EINVAL && err->code != ENOSYS && err->code != EOPNOTSUPP))
		return -1;
	tree = mount_directly(entry, place, &second);
	if (tree < 0 && err->code == ENOSYS)
		*err = second;
	return move_fd(&tree);
}

static int mount_overlay(const struct rootfs_entry *entry, const struct place *place,
			 struct error *err)
{
	int mounted = mount_filesystem(entry, place, err);

	return mounted < 0 && err->code == ENOENT ? rootfs_overlay_explain_missing(entry, err)
						  : mounted;
}

static int mount_bind(const struct rootfs_entry *entry, const struct place *place,
		      struct error *err)
{
	cleanup_fd int tree = rootfs_bind_open(entry, err);

	return tree < 0 || attach_tree(place, tree, err) < 0 ? -1 : move_fd(&tree);
}

/* A helper takes a path: that of the place, which nobody changes before the container is there. */
static int mount_by_helper(const struct rootfs_entry *entry, const struct place *place,
			   struct error *err)
{
	cleanup_fd int target = open_place(place, PATH_DIRECTORY, err);
	char name[32], path[PATH_MAX];
	ssize_t n;

	if (target < 0)
		return -1;
	if (entry->user_namespace >= 0)
		return error_set(err, EINVAL, "uidmap= and gidmap= cannot be applied");
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", target);
	n = readlink(name, path, sizeof(path) - 1);
	if (n < 0)
		return error_set(err, errno, "read the link %s", name);
	path[n] = '\0';
	if (rootfs_helper_mount(entry, path, err) < 0)
		return -1;
	return open_mounted(place, target, err);
}

static int open_devices(struct rootfs_entry *entry, char *loop_path, struct error *err)
{
	const struct rootfs_options *options = &entry->options;
	const struct loop_device_use use = {
		.read_only = options->mount.here.set & MOUNT_ATTR_RDONLY,
		.direct_io = options->direct_io,
	};

	if (options->n_uids) {
		entry->user_namespace = idmap_open(options->uids, options->n_uids, options->gids,
						   options->n_gids, err);
		if (entry->user_namespace < 0)
			return error_wrap(err, "options uidmap= and gidmap=");
	}
	if (options->loop) {
		entry->loop_device = loop_device_attach(entry->source, &use, loop_path, err);
		if (entry->loop_device < 0)
			return -1;
		entry->source = loop_path;
	}
	return 0;
}

static int mount_by_kind(const struct rootfs_entry *entry, const struct place *place,
			 struct error *err)
{
	if (entry->options.mount.bind || str_equal(entry->type, "bind"))
		return mount_bind(entry, place, err);
	if (rootfs_helper_is_for(entry->type))
		return mount_by_helper(entry, place, err);
	if (str_equal(entry->type, "overlay"))
		return mount_overlay(entry, place, err);
	return mount_filesystem(entry, place, err);
}

/* The descriptor of the new mount's root. */
static int attach_entry(struct rootfs_entry *entry, const struct place *place, struct error *err)
{
	char loop_path[LOOP_DEVICE_PATH_SIZE];
	int mounted = -1;

	if (open_devices(entry, loop_path, err) == 0)
		mounted = mount_by_kind(entry, place, err);
	fd_close(&entry->user_namespace);
	fd_close(&entry->loop_device);
	return mounted;
}

/* What can only be said of an attached mount: propagation, and what counts for all below. */
static int finish_mount(const struct mount_options *options, int mounted, struct error *err)
{
	if (mount_api_set(mounted, &options->below, true, err) < 0)
		return -1;
	for (size_t i = 0; i < options->n_propagations; i++)
		if (mount_api_propagate(mounted, options->propagations[i].type,
					options->propagations[i].recursive, err) < 0)
			return -1;
	return 0;
}

static int mount_one(const char *rootfs, const Containerd__Types__Mount *mount, int *ret_mounted,
		     struct error *err)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	const struct place place = { rootfs, mount->target };
	struct rootfs_entry entry = {
		.type = mount->type,
		.source = mount->source,
		.arena = &arena,
		.user_namespace = -1,
		.loop_device = -1,
	};

	if (rootfs_options_parse(mount->options, mount->n_options, &arena, &entry.options, err) <
		    0 ||
	    rootfs_options_check_type(mount->type, &entry.options, err) < 0)
		return -1;
	*ret_mounted = attach_entry(&entry, &place, err);
	return *ret_mounted < 0 ? -1 : finish_mount(&entry.options.mount, *ret_mounted, err);
}

/* By descriptor, so that it is this mount and no other. A busy one goes when it is left. */
static void undo(int *mounted, size_t count)
{
	char path[32];

	while (count-- > 0) {
		if (mounted[count] < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", mounted[count]);
		(void)umount2(path, MNT_DETACH);
		fd_close(&mounted[count]);
	}
}

int rootfs_mount(const char *rootfs, Containerd__Types__Mount *const *mounts, size_t n_mounts,
		 struct error *err)
{
	cleanup_free int *mounted = calloc(n_mounts ? n_mounts : 1, sizeof(*mounted));

	if (!mounted)
		return error_memory(err);
	for (size_t i = 0; i < n_mounts; i++) {
		mounted[i] = -1;
		if (mount_one(rootfs, mounts[i], &mounted[i], err) == 0)
			continue;
		undo(mounted, i + 1);
		const char *target = mounts[i]->target + strspn(mounts[i]->target, "/");
		return error_wrap(err, "mount %zu (%.64s %.200s) on %s%s%s", i + 1, mounts[i]->type,
				  mounts[i]->source, rootfs, *target ? "/" : "", target);
	}
	for (size_t i = 0; i < n_mounts; i++)
		fd_close(&mounted[i]);
	return 0;
}
