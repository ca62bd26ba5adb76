/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities of the payload (runtime-spec config.md "Linux Process",
 * capabilities(7)). Sets are bit masks, bit n is capability number n.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "oci/spec.h"

struct capability_sets {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

/* "CAP_KILL" or "kill", any case, to its number; -1 when unknown. */
int capability_from_name(const char *name);
const char *capability_name(int number); /* "CAP_…", NULL when unknown */
int capability_count(void);		 /* known to this binary */

/*
 * Reads the configuration (NULL: all sets empty). A name that is no capability
 * is an error (it can never be granted, and hides a typing mistake); one that
 * this kernel or the caller's bounding set lacks is left out with a warning
 * (the specification: runtimes SHOULD NOT fail).
 */
int capability_resolve(const struct spec_capabilities *config, struct capability_sets *ret,
		       struct error *err);

/* The caller's permitted set. */
uint64_t capability_permitted(void);

/* PR_CAPBSET_DROP for everything outside the bounding set. Needs CAP_SETPCAP. */
int capability_drop_bounding(const struct capability_sets *sets, struct error *err);

/* capset; `also` is kept in permitted and effective besides (CAP_SYS_ADMIN until seccomp). */
int capability_set(const struct capability_sets *sets, uint64_t also, struct error *err);

/* Raises the ambient set, after capability_set(). One that cannot be raised is a warning. */
int capability_set_ambient(const struct capability_sets *sets, struct error *err);
