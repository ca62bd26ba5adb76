/* SPDX-License-Identifier: Apache-2.0 */
/* linux.sysctl (sysctl(8), proc_sys(5)). */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/*
 * Writes the values, from within the container's namespaces. `procfs`: the
 * host's /proc, opened before any mount of the container (SECURITY.md S5, S6).
 * Where its files are covered (a runtime in a container), a procfs of our own
 * is used, which is attached nowhere.
 */
int sysctl_apply(const struct spec *spec, int procfs, struct error *err);
