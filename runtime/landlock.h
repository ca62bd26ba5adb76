/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (landlock(7)): what the payload and its children may still do with
 * files, TCP ports, abstract sockets and signals, whoever they are, by an
 * annotation (oci/spec_extensions.h).
 *
 * Kernels know different sets of rights. What this one does not know is left
 * out with a warning, unless disableBestEffort makes it an error.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* Of the kernel's interface; 0: it has none. */
int landlock_version(void);

/*
 * Makes the ruleset and opens the paths of its rules below `root`. Returns its
 * descriptor; -1 with err, or with err->code 0 and an empty text where there
 * is nothing to restrict on this kernel.
 */
int landlock_prepare(const struct spec_landlock *config, int version, int root, struct error *err);

/*
 * Restricts the calling process for good, by the ruleset (-1: not at all).
 * Needs no_new_privs or CAP_SYS_ADMIN. Mounts cannot be changed any more.
 */
int landlock_restrict(int ruleset, struct error *err);
