/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

int mount_api_clone(int dirfd, const char *path, bool recursive)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	cleanup_fd int fd = open_tree(dirfd, path, flags | (recursive ? AT_RECURSIVE : 0));

	if (fd >= 0 && fd <= STDERR_FILENO) /* a caller that closed its standard streams */
		return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return move_fd(&fd);
}

int mount_api_explain_clone(struct error *err)
{
	if (err->code == EINVAL)
		return error_hint(err,
				  "the kernel refuses to bind a mount that is unbindable, and a "
				  "part of one where locked mounts hide something");
	if (err->code == EPERM)
		return error_hint(err, "root, or a user namespace in config.json, is needed: see "
				       "`spec --rootless`");
	if (err->code == ENOSYS)
		return error_hint(err, "Linux 5.12 or newer is needed");
	return -1;
}

static int set_attributes(int mount, struct mount_attr *attr, bool recursive)
{
	return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), attr,
			     sizeof(*attr));
}

int mount_api_set(int mount, const struct mount_flags *flags, bool recursive, struct error *err)
{
	struct mount_attr attr = { .attr_set = flags->set, .attr_clr = flags->clear };

	if (!flags->set && !flags->clear)
		return 0;
	if (set_attributes(mount, &attr, recursive) < 0) {
		error_set(err, errno, "change the mount's attributes (mount_setattr)");
		if (errno == EPERM && flags->clear)
			return error_hint(err, "flags of a mount that belongs to a more privileged "
					       "namespace cannot be cleared");
		return -1;
	}
	return 0;
}

int mount_api_set_private(int mount, const struct mount_flags *flags, struct error *err)
{
	struct mount_attr attr = {
		.attr_set = flags->set,
		.attr_clr = flags->clear,
		.propagation = MS_PRIVATE,
	};

	if (set_attributes(mount, &attr, false) < 0)
		return error_set(err, errno,
				 "change the mount's attributes and propagation (mount_setattr)");
	return 0;
}

int mount_api_propagate(int mount, uint64_t type, bool recursive, struct error *err)
{
	struct mount_attr attr = { .propagation = type };

	if (set_attributes(mount, &attr, recursive) < 0)
		return error_set(err, errno, "change the mount's propagation (mount_setattr)");
	return 0;
}

int mount_api_attach(int mount, int target, struct error *err)
{
	struct stat from, to;

	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) ==
	    0)
		return 0;
	error_set(err, errno, "attach the mount (move_mount)");
	if (fstat(mount, &from) == 0 && fstat(target, &to) == 0 &&
	    S_ISDIR(from.st_mode) != S_ISDIR(to.st_mode))
		return error_hint(err, S_ISDIR(to.st_mode)
					       ? "a file cannot be mounted on a directory"
					       : "a directory cannot be mounted on a file");
	return -1;
}

int mount_api_look(int fd, struct mount_place *ret, struct error *err)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_TYPE | STATX_MODE, &stx) < 0)
		return error_set(err, errno, "statx");
	if (!(stx.stx_mask & STATX_MNT_ID) || !(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return error_set(err, ENOSYS, "statx does not tell mounts (Linux 5.8 is needed)");
	*ret = (struct mount_place){
		.is_root = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT,
		.id = stx.stx_mnt_id,
		.mode = stx.stx_mode,
	};
	return 0;
}

int mount_api_is_root(int fd, bool *ret_is_root, uint64_t *ret_id, struct error *err)
{
	struct mount_place place;

	if (mount_api_look(fd, &place, err) < 0)
		return -1;
	*ret_is_root = place.is_root;
	if (ret_id)
		*ret_id = place.id;
	return 0;
}

int mount_api_id(int fd, uint64_t *ret_id, struct error *err)
{
	bool is_root;

	return mount_api_is_root(fd, &is_root, ret_id, err);
}

int mount_api_verify(int mount, int root, const char *path, struct error *err)
{
	uint64_t wanted = 0, found = 0;
	cleanup_fd int fd = path_open_in_root(root, path, O_PATH, err);

	if (fd < 0 || mount_api_id(mount, &wanted, err) < 0 || mount_api_id(fd, &found, err) < 0)
		return -1;
	if (wanted != found)
		return error_set(err, EXDEV, "%s changed while it was being mounted", path);
	return 0;
}

/* MOUNT_ATTR_… and the words that fsconfig(2) takes, as mount(2) wants them. */
static const struct {
	uint64_t attribute;
	const char *parameter;
	unsigned long flag;
} old_flags[] = {
	{ MOUNT_ATTR_RDONLY, NULL, MS_RDONLY },
	{ MOUNT_ATTR_NOSUID, NULL, MS_NOSUID },
	{ MOUNT_ATTR_NODEV, NULL, MS_NODEV },
	{ MOUNT_ATTR_NOEXEC, NULL, MS_NOEXEC },
	{ MOUNT_ATTR_NOATIME, NULL, MS_NOATIME },
	{ MOUNT_ATTR_STRICTATIME, NULL, MS_STRICTATIME },
	{ MOUNT_ATTR_NODIRATIME, NULL, MS_NODIRATIME },
	{ MOUNT_ATTR_NOSYMFOLLOW, NULL, MS_NOSYMFOLLOW },
	{ 0, "sync", MS_SYNCHRONOUS },
	{ 0, "dirsync", MS_DIRSYNC },
	{ 0, "lazytime", MS_LAZYTIME },
	{ 0, "mand", MS_MANDLOCK },
};

unsigned long mount_api_old_flags(uint64_t attributes, const char *parameter)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof(old_flags) / sizeof(old_flags[0]); i++) {
		if ((old_flags[i].attribute & attributes) ||
		    (parameter && str_equal(old_flags[i].parameter, parameter)))
			flags |= old_flags[i].flag;
	}
	return flags;
}
