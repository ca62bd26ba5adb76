/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime options that clients give: containerd.runc.v1.Options, or
 * runtimeoptions.v1.Options with a TOML file or text (SHIM contract: every
 * shim gets either).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "proto/any.pb-c.h"

#define RUNTIME_OPTIONS_ROOT "/run/containerd/rustbox"

/* Texts are NULL where not given. JSON names in options.json are the TOML keys. */
struct runtime_options {
	bool no_pivot_root, no_new_keyring, systemd_cgroup;
	uint32_t io_uid, io_gid; /* owner of the pipes of standard streams */
	char *shim_cgroup;
	char *binary_name; /* another runtime: a path, or a name on PATH */
	char *root;	   /* state folder; RUNTIME_OPTIONS_ROOT by default */
	char *criu_work_path;
	char *criu_image_path;
};

/*
 * Reads an Any (NULL or empty: the defaults). Type names may have a prefix up
 * to the last "/". A type that is not known is logged and counts as none. In
 * TOML, keys count above the first section and in [options]; others are logged.
 * Values that make no sense (a relative Root, a NUL, TOML that is none) are
 * errors. Memory from the arena.
 */
int runtime_options_read(const Google__Protobuf__Any *any, struct arena *arena,
			 struct runtime_options *ret, struct error *err);

/* True when the Any's type is one of those that runtime_options_read() knows. */
bool runtime_options_is_known(const Google__Protobuf__Any *any);

/* Keeps them in the bundle as options.json (0600), for the `delete` action; and finds them there.
 * A missing file gives the defaults.
 */
int runtime_options_save(int bundle, const struct runtime_options *options, struct error *err);
int runtime_options_load(int bundle, struct arena *arena, struct runtime_options *ret,
			 struct error *err);
