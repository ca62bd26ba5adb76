/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of mounts[].options (runtime-spec config.md, "Linux mount
 * options"), sorted by what they act on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/mount_api.h"

struct mount_propagation {
	uint64_t type; /* MS_SHARED, … */
	bool recursive;
};

/* For fsconfig(2): a parameter of the file system, or of any superblock. */
struct mount_parameter {
	const char *key, *value; /* value: NULL for a flag */
	bool is_generic;	 /* sync, dirsync, lazytime, … */
};

struct mount_options {
	struct mount_flags here, below; /* of the mount; of it and all mounts below (rro, …) */
	struct mount_propagation *propagations; /* in their order */
	struct mount_parameter *parameters;	/* in their order */
	size_t n_propagations, n_parameters;
	bool bind, recursive; /* bind or rbind; rbind */
	bool remount, copy_up;
	/* Of binds: a source that is a link is made again; not followed; nor at the destination. */
	bool copy_symlink, source_nofollow, destination_nofollow;
	bool idmap, idmap_recursive; /* idmap or ridmap; ridmap */
	const char *mappings;	     /* behind "idmap=" (mount_idmap.h); NULL: none */
	/* Of binds, behind "source-namespace=": where the source is; NULL: here. */
	const char *source_namespace;
};

/*
 * Reads the words; a later one wins over an earlier one. Unknown ones become
 * parameters of the file system: split at commas, "key=value" at the first
 * "=". Memory from the arena, texts borrowed from it.
 */
int mount_options_parse(char *const *words, size_t count, struct arena *arena,
			struct mount_options *ret, struct error *err);

/* The last parameter of this key that belongs to the file system, or NULL. */
const struct mount_parameter *mount_options_find(const struct mount_options *opts, const char *key);

/* True for a mount of type "bind", or with bind or rbind among its options. */
bool mount_options_is_bind(const struct spec_mount *mount);
