/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that a container may make. The default profile allows what
 * Docker's does (its documentation, "Seccomp security profiles for Docker"):
 * everything that programs use, and nothing that manages the machine, unless
 * the container has the capability for it. config/seccomp.md tells it in words.
 */
#pragma once

#include <stdint.h>

#include "oci/spec.h"

/* capabilities: bit n is capability number n (capabilities(7)). In the arena. */
int seccomp_profile_default(uint64_t capabilities, struct arena *arena, struct spec_seccomp **ret,
			    struct error *err);

/*
 * Reads a profile: Docker's form (archMap, includes, excludes) or that of an
 * OCI configuration.
 */
int seccomp_profile_read(const char *path, uint64_t capabilities, struct arena *arena,
			 struct spec_seccomp **ret, struct error *err);
