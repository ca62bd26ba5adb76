/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The features document (runtime-spec, features.md): what this binary
 * implements, whatever the host can do.
 */
#pragma once

#include "base/error.h"

/* Names that other modules know; each list ends with NULL, a NULL list is left out. */
struct features_lists {
	const char *const *mount_options;
	const char *const *capabilities;
	const char *const *seccomp_actions, *const *seccomp_operators, *const *seccomp_archs;
	const char *const *seccomp_known_flags, *const *seccomp_supported_flags;
	const char *const *memory_policy_modes, *const *memory_policy_flags;
	const char *const *unsafe_annotations; /* they change what a container can do */
	const char *libseccomp_version;	       /* "2.5.4"; NULL: left out */
};

/* The document, indented; malloc'd, NULL with err. */
char *features_json(const struct features_lists *lists, struct error *err);
