/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shim is called with: flags in Go's style (-x v, -x=v, --x v), before
 * an action. Flags that are not known are ignored, so that a later containerd
 * may add some.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum shim_action { SHIM_SERVE, SHIM_START, SHIM_DELETE, SHIM_INFO, SHIM_VERSION, SHIM_HELP };

struct shim_flags {
	enum shim_action action;
	const char *namespace, *id, *address, *publish_binary, *bundle; /* NULL: not given */
	bool debug;
};

/* argv as of main; texts are borrowed from it. An unknown action is an error that names it. */
int shim_flags_read(char **argv, struct shim_flags *ret, struct error *err);

/*
 * Refuses a namespace and an id that are missing, or cannot be names of files.
 * Not part of reading: `start` may get them on standard input instead.
 */
int shim_flags_check(const struct shim_flags *flags, struct error *err);
