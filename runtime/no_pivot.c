/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way for a root on an initramfs, which pivot_root(2) refuses. The old
 * root stays below the new one, where no path leads to it. But as long as its
 * proc and sysfs are mounted whole, a user namespace in the container may
 * mount new ones without our masks, so these are taken away first.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mountinfo.h"
#include "base/str.h"
#include "runtime/mount_entry.h"

enum { MOUNTINFO_MAX = 16 << 20 };

static int parse_mountinfo(char *text, struct mountinfo **ret, size_t *ret_count, struct error *err)
{
	cleanup_free void *mounts = NULL;
	size_t count = 0, capacity = 0;
	struct mountinfo mount;

	while (mountinfo_next(&text, &mount)) {
		if (mem_grow(&mounts, count, &capacity, sizeof(mount), err) < 0)
			return -1;
		((struct mountinfo *)mounts)[count++] = mount;
	}
	*ret = move_ptr(&mounts);
	*ret_count = count;
	return 0;
}

/* True when the mount is the container's root or below it. */
static bool is_ours(const struct mountinfo *mounts, size_t count, const struct mountinfo *mount,
		    uint64_t root)
{
	for (size_t steps = 0; steps <= count; steps++) {
		const struct mountinfo *parent = NULL;

		if (mount->id == root)
			return true;
		for (size_t i = 0; i < count && !parent; i++) {
			if (mounts[i].id == mount->parent && &mounts[i] != mount)
				parent = &mounts[i];
		}
		if (!parent)
			return false;
		mount = parent;
	}
	return false;
}

/* Where it is locked (user namespaces) it is covered, which counts as much. */
static int take_away(const char *path, struct error *err)
{
	if (umount2(path, MNT_DETACH) == 0)
		return 0;
	log_debug("no pivot: %s cannot be unmounted, covering it", path);
	if (mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") <
		    0 &&
	    errno != ENOENT && errno != EACCES)
		return error_set(err, errno, "cover the host's %s", path);
	return 0;
}

int mount_move_root(const struct mount_plan *plan, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free struct mountinfo *mounts = NULL;
	size_t count = 0;
	uint64_t root = 0;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, err) < 0 ||
	    parse_mountinfo(text, &mounts, &count, err) < 0 ||
	    mount_api_id(plan->root_tree, &root, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!str_equal(mounts[i].type, "proc") && !str_equal(mounts[i].type, "sysfs"))
			continue;
		if (!is_ours(mounts, count, &mounts[i], root) &&
		    take_away(mounts[i].point, err) < 0)
			return -1;
	}
	/*
	 * On top of "/" a chroot is no chroot to the kernel, which refuses new user
	 * namespaces in one. ELOOP: it is there already.
	 */
	if (move_mount(plan->root_tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 &&
	    errno != ELOOP)
		return error_set(err, errno, "move the root file system to /");
	if (fchdir(plan->root_tree) < 0 || chroot(".") < 0)
		return error_set(err, errno, "change to the root file system");
	return 0;
}
