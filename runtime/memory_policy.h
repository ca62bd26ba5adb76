/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.memoryPolicy (runtime-spec config-linux.md, set_mempolicy(2)): on which
 * NUMA nodes the payload's memory lies. Inherited by its children.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* For the caller, in its cgroup already; NULL: nothing is done. */
int memory_policy_set(const struct spec_memory_policy *config, struct error *err);

/* For `features`; each ends with NULL. */
extern const char *const memory_policy_mode_names[];
extern const char *const memory_policy_flag_names[];
