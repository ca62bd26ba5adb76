/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind mount.h share: one of mounts[], and the ways to mount
 * it. Nobody else includes this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/mount.h"
#include "runtime/mount_options.h"

struct mount_plan_entry {
	const struct spec_mount *mount;
	struct mount_options options;
	char *destination; /* absolute in the container, without "." and ".." */
	/*
	 * For a bind whose source lies below the container's root where an
	 * earlier mount changes what is there: that path, absolute in the
	 * container. It is opened when its turn comes.
	 */
	char *source_in_root;
	char *link;    /* of copy-symlink: what the link says; NULL: it is none */
	int tree;      /* detached: a bind's source, or the host's /sys for a sysfs that may fail */
	int read_only; /* mounted, to be made read-only at last */
	/*
	 * Of an idmapped bind with source_in_root: in init, where /proc shows other
	 * process numbers, it cannot be made any more.
	 */
	int user_namespace;
};

/* True when a container of this configuration is in another user namespace than the runtime. */
bool mount_has_user_namespace(const struct spec *spec);

/*
 * The parts of preparing that init does where the runtime may not. In a bind's
 * tree propagation, attributes and idmapping are applied.
 */
int mount_open_root(struct mount_plan *plan, struct error *err);
int mount_open_source(const struct mount_plan *plan, struct mount_plan_entry *entry,
		      struct error *err);
int mount_finish_tree(const struct mount_plan *plan, const struct mount_plan_entry *entry, int tree,
		      bool is_from_host, struct error *err);
/* A detached clone of what is at `path` in that mount namespace (a file). Waits 10 s at most. */
int mount_open_foreign(const char *namespace, const char *path, bool recursive, struct error *err);
int mount_open_null(struct mount_plan *plan, struct error *err);

/*
 * A sysfs shows a network namespace, which the container's user namespace must
 * own. Where it does not, the host's is shown, read-only.
 */
bool mount_may_need_host_sysfs(const struct mount_plan *plan, const struct mount_plan_entry *entry);
int mount_open_host_sysfs(struct mount_plan_entry *entry, struct error *err);

/*
 * A new, detached mount of a file system. `source` may be NULL. `extra` are
 * more parameters (key NULL: none), `flags` what is set on the mount.
 */
struct mount_filesystem {
	const char *type, *source;
	const struct mount_parameter *parameters;
	size_t n_parameters;
	struct mount_parameter extra[2];
	uint64_t flags; /* MOUNT_ATTR_… */
	bool read_only_superblock;
};
int mount_filesystem_open(const struct mount_filesystem *fs, struct error *err);

/*
 * The same by mount(2), for parameters longer than fsconfig(2) takes (256
 * bytes): attached at once to the directory `target`.
 */
bool mount_filesystem_needs_mount(const struct mount_filesystem *fs);
int mount_filesystem_mount(const struct mount_filesystem *fs, int target, struct error *err);

/* Changes the superblock of the mount at target: mount(8)'s remount. */
int mount_filesystem_reconfigure(const struct mount_filesystem *fs, int target, struct error *err);

/* mount_pivot_root() without pivot_root(2). */
int mount_move_root(const struct mount_plan *plan, struct error *err);

/* Attaches cgroups at target, for a mount of type cgroup or cgroup2. */
int mount_cgroup(const struct mount_plan *plan, const struct mount_plan_entry *entry, int target,
		 struct error *err);

/* Applies the mount's own propagation and r… options to an attached or detached mount. */
int mount_apply_options(const struct mount_options *options, int mount, struct error *err);
