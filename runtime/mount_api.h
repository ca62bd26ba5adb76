/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's descriptor interface to mounts (Linux 5.12), with the messages
 * that its users need: clone a tree, change its attributes, attach it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* MOUNT_ATTR_… to set and to clear. With an access time kind in `set`, MOUNT_ATTR__ATIME is in
 * `clear`. */
struct mount_flags {
	uint64_t set, clear;
};

/*
 * A detached clone of the mount at dirfd/path (of dirfd itself when path is
 * ""), beginning at that file or directory; with `recursive` all below it too.
 * A descriptor >= 3, or -1 with errno and no message.
 */
int mount_api_clone(int dirfd, const char *path, bool recursive);

/* Hint on an error of mount_api_clone() that the words for errno do not explain. Returns -1. */
int mount_api_explain_clone(struct error *err);

/* Changes attributes of the mount, or of it and all below. */
int mount_api_set(int mount, const struct mount_flags *flags, bool recursive, struct error *err);

/* The same together with private propagation, of this mount alone. */
int mount_api_set_private(int mount, const struct mount_flags *flags, struct error *err);

/* type: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
int mount_api_propagate(int mount, uint64_t type, bool recursive, struct error *err);

/* Attaches a detached mount to what `target` (O_PATH) refers to. */
int mount_api_attach(int mount, int target, struct error *err);

/* What identifies a mount as long as it exists. */
int mount_api_id(int fd, uint64_t *ret_id, struct error *err);

/* What one statx(2) tells of a file: is it its mount's root, that mount's id, its mode. */
struct mount_place {
	bool is_root;
	uint64_t id;
	mode_t mode;
};
int mount_api_look(int fd, struct mount_place *ret, struct error *err);

/* True when fd is the root of its mount; *ret_id may be NULL. */
int mount_api_is_root(int fd, bool *ret_is_root, uint64_t *ret_id, struct error *err);

/*
 * Opens `path` inside `root` again and checks that it is on this mount now
 * (SECURITY.md S5, S9).
 */
int mount_api_verify(int mount, int root, const char *path, struct error *err);

/*
 * The MS_… flags of mount(2) for MOUNT_ATTR_… bits, and for a word that fsconfig(2)
 * takes for any superblock ("sync"; NULL, or another word: none).
 */
unsigned long mount_api_old_flags(uint64_t attributes, const char *parameter);
