/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind rootfs_mount.h share: one mount of the list, and the
 * ways to mount it. Nobody else includes this.
 */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "shim/rootfs_options.h"

/* fsconfig(2) takes texts of this length, and no longer ones. */
enum { ROOTFS_PARAMETER_MAX = 255 };

struct rootfs_entry {
	const char *type, *source; /* "" for none */
	struct rootfs_options options;
	struct arena *arena;
	int user_namespace; /* with the id mappings; -1: not idmapped */
	int loop_device;    /* goes away with its last descriptor, or its mount; -1: none */
};

/* A detached mount, idmapped where that is asked for. */
int rootfs_bind_open(const struct rootfs_entry *entry, struct error *err);
int rootfs_filesystem_open(const struct rootfs_entry *entry, struct error *err);

/* Idmaps a detached mount. */
int rootfs_filesystem_idmap(int tree, int user_namespace, bool recursive, struct error *err);

/*
 * mount(2) at the directory `target`, for parameters that fsconfig(2) does not
 * take, and for file systems or kernels that do not know fsconfig(2).
 */
bool rootfs_filesystem_needs_mount(const struct rootfs_entry *entry);
int rootfs_filesystem_mount(const struct rootfs_entry *entry, int target, struct error *err);

/* True for "fuse.x" and "fuse3.x", which are mounted at the path by mount.fuse or mount.fuse3. */
bool rootfs_helper_is_for(const char *type);
int rootfs_helper_mount(const struct rootfs_entry *entry, const char *path, struct error *err);

/*
 * Layers of an overlay are the paths of lowerdir=, cut at its colons. Copies
 * the next one out of *cursor into the buffer, without the backslashes that
 * protect its colons. Returns 1, 0 at the end; -1 for one that is empty, as in
 * "/a::/data", or is too long for the buffer.
 */
int rootfs_overlay_next_layer(const char **cursor, char *buffer, size_t size);

/* True when fsconfig(2) takes the layers one by one. */
bool rootfs_overlay_takes_layers(const char *lowerdir);

/*
 * The folder that all layers have in common, and lowerdir= seen from there.
 * *ret_folder is NULL where there is none.
 */
int rootfs_overlay_shorten(const char *lowerdir, struct arena *arena, char **ret_folder,
			   char **ret_lowerdir, struct error *err);

/* Hint on ENOENT, which the kernel leaves unexplained: which folder is missing. Returns -1. */
int rootfs_overlay_explain_missing(const struct rootfs_entry *entry, struct error *err);

/*
 * The same as rootfs_filesystem_open(), for an overlay whose layers are
 * idmapped. The caller must have one thread: it goes to a mount namespace of
 * its own and back.
 */
int rootfs_overlay_open_idmapped(const struct rootfs_entry *entry, struct error *err);
