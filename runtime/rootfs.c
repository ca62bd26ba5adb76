/* SPDX-License-Identifier: Apache-2.0 */
/* The container's root: attached, made the root of the namespace, protected. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/mount_entry.h"

static int open_late_entry(const struct mount_plan *plan, struct mount_plan_entry *entry,
			   struct error *err)
{
	if (mount_may_need_host_sysfs(plan, entry))
		return mount_open_host_sysfs(entry, err);
	if (entry->options.remount || !entry->options.bind || entry->source_in_root)
		return 0;
	return mount_open_source(plan, entry, err);
}

/* What mount_plan_prepare() left to us, before there is anything of the container. */
static int open_late(struct mount_plan *plan, struct error *err)
{
	if (plan->root_tree < 0 && mount_open_root(plan, err) < 0)
		return -1;
	if (plan->null < 0 && plan->spec->linux->n_masked_paths && mount_open_null(plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_entries; i++) {
		struct mount_plan_entry *entry = &plan->entries[i];

		if (entry->tree < 0 && open_late_entry(plan, entry, err) < 0)
			return error_wrap(err, "mounts[%zu]", i);
	}
	return 0;
}

/*
 * The root goes where root.path is, so that hooks find the container there as
 * long as the old root is in place: those that enter the mount namespace, as
 * hooks for libraries and devices do, and createContainer hooks. Where root of
 * a user namespace may not pass along that path it goes on top of "/", which
 * every process sees.
 */
static int attach_root(const struct mount_plan *plan, struct error *err)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;

	if (move_mount(plan->root_tree, "", AT_FDCWD, plan->root_path, flags) == 0)
		return 0;
	log_debug("the root file system is not attached at %s: %s", plan->root_path,
		  strerrordesc_np(errno));
	if (move_mount(plan->root_tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach the root file system at %s or on top of /",
				 plan->root_path);
	return 0;
}

int mount_root_attach(struct mount_plan *plan, struct error *err)
{
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_set(err, errno, "make all mounts slaves of the host's");
	if (open_late(plan, err) < 0)
		return -1;
	if (attach_root(plan, err) < 0)
		return -1;
	plan->root_is_attached = true;
	return 0;
}

int mount_make_read_only(struct mount_plan *plan, struct error *err)
{
	const struct mount_flags read_only = { .set = MOUNT_ATTR_RDONLY };

	for (size_t i = 0; i < plan->n_entries; i++) {
		struct mount_plan_entry *entry = &plan->entries[i];

		if (entry->read_only < 0)
			continue;
		if (mount_api_set(entry->read_only, &read_only, false, err) < 0)
			return error_wrap(err, "mounts[%zu] (%s)", i, entry->destination);
		fd_close(&entry->read_only);
	}
	return 0;
}

/* The old root is put on top of the new one, and taken off again. */
static int pivot(int root, struct error *err)
{
	if (fchdir(root) < 0)
		return error_set(err, errno, "change to the root file system");
	if (syscall(SYS_pivot_root, ".", ".") < 0) {
		error_set(err, errno, "pivot_root");
		if (errno == EINVAL)
			return error_hint(err, "on an initramfs, which cannot be pivoted, use "
					       "--no-pivot");
		return -1;
	}
	if (umount2(".", MNT_DETACH) < 0)
		return error_set(err, errno, "detach the old root");
	return 0;
}

int mount_pivot_root(struct mount_plan *plan, bool no_pivot, struct error *err)
{
	if ((no_pivot ? mount_move_root(plan, err) : pivot(plan->root_tree, err)) < 0)
		return -1;
	if (chdir("/") < 0)
		return error_set(err, errno, "change to the new root");
	return 0;
}
