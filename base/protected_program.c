/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a clone of the folder: a read-only mount that belongs to no mount
 * namespace cannot be made writable by anybody. The detached tree is such a
 * mount once its descriptor is closed; as long as that is open, the tree has a
 * namespace of its own, and root of another one could clear the flag through
 * /proc/PID/exe. So the tree is closed before the caller executes anything, and
 * the file is opened in it before that. A clone of the file itself would leave
 * the tree's descriptor as the only way to execute it.
 */
#include "base/protected_program.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif

/* A detached read-only clone of the folder; not of the mounts below it. */
static int clone_folder(const char *folder, struct error *err)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	cleanup_fd int tree =
		(int)syscall(SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return error_set(err, errno, "open_tree %s", folder);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) <
	    0)
		return error_set(err, errno, "mount_setattr %s", folder);
	return move_fd(&tree);
}

int protected_program_open(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct statvfs fs;
	char magic[SELFMAG];

	if (!slash)
		return error_set(err, EINVAL, "\"%s\" is no path of a program", path);
	cleanup_free char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!folder)
		return error_memory(err);
	cleanup_fd int tree = clone_folder(folder, err);
	if (tree < 0)
		return -1;
	cleanup_fd int fd = openat(tree, slash + 1, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s in the clone of %s", slash + 1, folder);
	if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, ELFMAG, SELFMAG) != 0)
		return error_set(err, ENOEXEC, "%s is no ELF program", path);
	if (fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return error_set(err, EPERM, "the clone of %s is not read-only", folder);
	return move_fd(&fd); /* the tree is closed here, see above */
}
