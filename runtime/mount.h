/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a container, in two halves.
 *
 * mount_plan_prepare() runs in the runtime's own namespaces, before any child
 * exists: it parses the options and opens each bind source as a detached tree
 * (open_tree), with idmappings applied, so that nothing is resolved by name
 * later (SECURITY.md S7). mount_plan_apply() runs in init, in the container's
 * new namespaces, and attaches everything below the descriptor of the root.
 *
 * All of it by the descriptor API: open_tree, fsopen, fsmount, mount_setattr,
 * move_mount (Linux 5.12).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"

struct mount_plan_entry; /* one of linux.mounts, parsed, with its source descriptor */

struct mount_plan {
	const struct spec *spec;
	int root_tree;	       /* detached clone of root.path (recursive), slave or as configured */
	uint64_t root_id;      /* what identifies its mount, once that is attached */
	bool root_is_procfs;   /* known then, too */
	int null;	       /* detached clone of the host's /dev/null, for mount_protect() */
	bool root_is_attached; /* mount_root_attach() has been done */
	char *root_path;       /* root.path, absolute and without "." and ".." */
	const char *label;     /* linux.mountLabel where there is SELinux, or NULL */
	struct mount_plan_entry *entries;
	size_t n_entries;
};
#define MOUNT_PLAN_EMPTY                                                                           \
	{                                                                                          \
		.root_tree = -1, .null = -1                                                        \
	}

/*
 * Opens root.path (relative to the bundle, the current directory) and every
 * bind source. Descriptors it opens are >= 3 and close-on-exec and belong to
 * the plan. Errors name mounts[i].
 *
 * A runtime without the right to clone mounts (rootless) leaves them to
 * mount_root_attach(), which does it in the container's user namespace before
 * anything of the container is attached; the current directory must still be
 * the bundle then.
 */
int mount_plan_prepare(const struct spec *spec, struct mount_plan *plan, struct arena *arena,
		       struct error *err);

/*
 * The same for mounts[] alone, of a container that runs: root.path is not
 * opened. Who applies it gives root_tree, in the container's mount namespace.
 */
int mount_plan_prepare_mounts(const struct spec *spec, struct mount_plan *plan, struct arena *arena,
			      struct error *err);

/* Closes the descriptors (in the parent, after the clone). */
void mount_plan_done(struct mount_plan *plan);

/*
 * In init, in its new mount namespace: makes everything there a slave (nothing
 * we do may reach the host) and attaches the root at root.path, where it is
 * not yet the root of any process: plan->root_tree is a descriptor of it.
 */
int mount_root_attach(struct mount_plan *plan, struct error *err);

/*
 * Attaches all mounts in their order, targets made where missing. A mount of
 * type cgroup gives, on v2, a cgroup2 mount (a bind of our own directory
 * without a cgroup namespace), on v1 and hybrid a tmpfs with one mount a
 * hierarchy, as the specification's users expect. A tmpfs that shall be
 * read-only, and /dev, stay writable until mount_make_read_only(), so that
 * mounts, devices and the console below can be made.
 */
int mount_plan_apply(struct mount_plan *plan, struct error *err);

/*
 * Makes the attached root the root of the mount namespace and drops the old
 * one; the current directory is "/" then. With no_pivot (for a root on an
 * initramfs) the old one stays, out of reach, without its proc and sysfs.
 */
int mount_pivot_root(struct mount_plan *plan, bool no_pivot, struct error *err);

/* What mount_plan_apply() has left writable. Before or after pivot. */
int mount_make_read_only(struct mount_plan *plan, struct error *err);

/*
 * After pivot: linux.readonlyPaths, linux.maskedPaths, root.readonly, then
 * linux.rootfsPropagation. `null` is plan->null: the host's /dev/null (S9:
 * checked here to be character device 1:3), or -1 where nothing is masked.
 */
int mount_protect(const struct spec *spec, int null, struct error *err);

/* True when the option is one that we know (not passed to the filesystem); for `features`. */
const char *const *mount_option_names(void); /* NULL-terminated, sorted */
