/* SPDX-License-Identifier: Apache-2.0 */
/* What is made read-only or hidden in the container, when everything is mounted. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/mount_entry.h"

/* The masks: attached for the first path, cloned from there for all others. */
struct mask {
	int fd;
	struct stat st;
	bool is_used;
};
struct masks {
	struct mask file, directory;
};

/* Missing is fine, for both lists: they name what some kernels have. */
static int open_existing(int root, const char *path, struct error *err)
{
	int fd = path_open_in_root(root, path, O_PATH, err);

	return fd < 0 && (err->code == ENOENT || err->code == ENOTDIR) ? -ENOENT : fd;
}

static int make_read_only(int root, const char *path, struct error *err)
{
	const struct mount_flags read_only = { .set = MOUNT_ATTR_RDONLY };
	int opened = open_existing(root, path, err);
	cleanup_fd int target = opened;

	if (opened < 0)
		return opened == -ENOENT ? 0 : -1;
	cleanup_fd int tree = mount_api_clone(target, "", true);
	if (tree < 0)
		return error_set(err, errno, "clone %s", path);
	if (mount_api_set(tree, &read_only, false, err) < 0 ||
	    mount_api_attach(tree, target, err) < 0)
		return -1;
	return mount_api_verify(tree, root, path, err);
}

static int check_null(const struct mask *null, struct error *err)
{
	if (!S_ISCHR(null->st.st_mode) || null->st.st_rdev != makedev(1, 3))
		return error_set(err, EINVAL, "/dev/null of the host is no null device");
	return 0;
}

/* One empty, read-only file system for all directories. */
static int open_empty_directory(struct error *err)
{
	static const struct mount_parameter parameters[] = {
		{ .key = "mode", .value = "755" },
		{ .key = "nr_inodes", .value = "2" },
		{ .key = "size", .value = "4k" },
	};
	const struct mount_filesystem fs = {
		.type = "tmpfs",
		.source = "tmpfs",
		.parameters = parameters,
		.n_parameters = sizeof(parameters) / sizeof(parameters[0]),
		.flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC,
		.read_only_superblock = true,
	};

	return mount_filesystem_open(&fs, err);
}

static int stat_mask(struct mask *mask, struct error *err)
{
	return fstat(mask->fd, &mask->st) < 0 ? error_set(err, errno, "stat the mask") : 0;
}

/* A path listed twice, or reached by two names, is masked once. */
static int is_masked(int target, const struct mask *mask, const struct stat *st, bool *ret,
		     struct error *err)
{
	bool is_root = false;

	*ret = false;
	if (st->st_dev != mask->st.st_dev || st->st_ino != mask->st.st_ino)
		return 0;
	if (mount_api_is_root(target, &is_root, NULL, err) < 0)
		return -1;
	*ret = is_root;
	return 0;
}

static int attach_mask(struct mask *mask, int target, int root, const char *path, struct error *err)
{
	cleanup_fd int copy = -1;

	if (mask->is_used) {
		copy = mount_api_clone(mask->fd, "", false);
		if (copy < 0)
			return error_set(err, errno, "clone the mask");
	}
	if (mount_api_attach(mask->is_used ? copy : mask->fd, target, err) < 0)
		return -1;
	mask->is_used = true;
	return mount_api_verify(copy >= 0 ? copy : mask->fd, root, path, err);
}

static int mask_path(int root, const char *path, struct masks *masks, struct error *err)
{
	int opened = open_existing(root, path, err);
	cleanup_fd int target = opened;
	bool done = false;
	struct stat st;

	if (opened < 0)
		return opened == -ENOENT ? 0 : -1;
	if (fstat(target, &st) < 0)
		return error_set(err, errno, "stat");
	struct mask *mask = S_ISDIR(st.st_mode) ? &masks->directory : &masks->file;
	if (mask->fd < 0 &&
	    ((mask->fd = open_empty_directory(err)) < 0 || stat_mask(mask, err) < 0))
		return -1;
	if (is_masked(target, mask, &st, &done, err) < 0)
		return -1;
	return done ? 0 : attach_mask(mask, target, root, path, err);
}

static int mask_paths(const struct spec_linux *lx, int root, int null, struct error *err)
{
	struct masks masks = { .file = { .fd = null }, .directory = { .fd = -1 } };
	int result = 0;

	if (lx->n_masked_paths &&
	    (stat_mask(&masks.file, err) < 0 || check_null(&masks.file, err) < 0))
		return -1;
	for (size_t i = 0; i < lx->n_masked_paths && result == 0; i++) {
		result = mask_path(root, lx->masked_paths[i], &masks, err);
		if (result < 0)
			error_wrap(err, "linux.maskedPaths[%zu] (%s)", i, lx->masked_paths[i]);
	}
	fd_close(&masks.directory.fd);
	return result;
}

static const struct {
	const char *name;
	uint64_t type;
	bool recursive;
} propagations[] = {
	/* private was done before pivot_root, and all that the mounts' own options say stays. */
	{ "shared", MS_SHARED, false },		{ "rshared", MS_SHARED, true },
	{ "slave", MS_SLAVE, false },		{ "rslave", MS_SLAVE, true },
	{ "unbindable", MS_UNBINDABLE, false }, { "runbindable", MS_UNBINDABLE, true },
};

static int set_propagation(const char *name, int root, struct error *err)
{
	for (size_t i = 0; i < sizeof(propagations) / sizeof(propagations[0]); i++) {
		if (!str_equal(propagations[i].name, name))
			continue;
		if (mount_api_propagate(root, propagations[i].type, propagations[i].recursive,
					err) < 0)
			return error_wrap(err, "linux.rootfsPropagation %s", name);
	}
	return 0;
}

int mount_protect(const struct spec *spec, int null, struct error *err)
{
	const struct mount_flags read_only = { .set = MOUNT_ATTR_RDONLY };
	const struct spec_linux *lx = spec->linux;
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_set(err, errno, "open the root file system");
	for (size_t i = 0; i < lx->n_readonly_paths; i++) {
		if (make_read_only(root, lx->readonly_paths[i], err) < 0)
			return error_wrap(err, "linux.readonlyPaths[%zu] (%s)", i,
					  lx->readonly_paths[i]);
	}
	if (mask_paths(lx, root, null, err) < 0)
		return -1;
	if (spec->root->readonly && mount_api_set(root, &read_only, false, err) < 0)
		return error_wrap(err, "root.readonly");
	return set_propagation(lx->rootfs_propagation, root, err);
}
