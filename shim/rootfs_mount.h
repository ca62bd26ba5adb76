/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root file system that containerd describes as a list of mounts: made in
 * the caller's own mount namespace, where containerd and its clients reach
 * into it. These functions block and are run by background_run(), where
 * others than this container wait for the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "proto/mount.pb-c.h"

/*
 * Mounts the list, in its order, at `rootfs` (an absolute path, an existing
 * folder) and the targets below it (resolved inside). On failure what was
 * mounted is unmounted again. Options: runtime words as of mount(8), the
 * propagation words, loop, uidmap= and gidmap= (both: "container:host:size"
 * triples), and the rest for the file system, of any length. X-containerd.…
 * options and types such as "format/…" are refused by name.
 */
int rootfs_mount(const char *rootfs, Containerd__Types__Mount *const *mounts, size_t n_mounts,
		 struct error *err);

/*
 * Unmounts all that is mounted at and below `rootfs`, the deepest first, until
 * nothing is left; EBUSY is tried again for 2.5 s. Nothing there is no error.
 * Symbolic links are not followed.
 */
int rootfs_unmount(const char *rootfs, struct error *err);

/*
 * The same of mounts at `rootfs` itself, as far as it takes no waiting. False:
 * something is left, for rootfs_unmount(), which says why.
 */
bool rootfs_unmount_at_once(const char *rootfs);

/* False only when it is sure that nothing is mounted at this very path. Does not block. */
bool rootfs_is_mounted(const char *rootfs);
