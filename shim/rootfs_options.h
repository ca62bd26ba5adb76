/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option words of containerd's mounts. They are those of mount(8), which
 * runtime/mount_options.h reads, and a few of containerd's own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/mount_options.h"

struct rootfs_options {
	char **words; /* those that are not our own, as they came */
	size_t n_words;
	struct mount_options mount;	     /* the same, understood */
	struct spec_id_mapping *uids, *gids; /* of an idmapped mount: both or neither */
	size_t n_uids, n_gids;
	bool loop, direct_io; /* the source is a file for a loop device; past the page cache */
};

/*
 * Reads the words. Refused by name are those that have no meaning for a root
 * file system, or are for containerd itself. Memory from the arena, texts
 * borrowed from it and from the words.
 */
int rootfs_options_parse(char *const *words, size_t count, struct arena *arena,
			 struct rootfs_options *ret, struct error *err);

/* Refuses types that are steps for containerd itself ("mkfs/ext4", …), and none at all. */
int rootfs_options_check_type(const char *type, const struct rootfs_options *options,
			      struct error *err);
