/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup statistics in containerd's form. */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "proto/any.pb-c.h"
#include "runtime/cgroup.h"

/*
 * Reads them and packs io.containerd.cgroups.v1.Metrics, or v2 where the
 * machine is pure cgroup v2. Texts and bytes are the arena's. What the kernel
 * does not give is left out. err->code is ENOENT when the cgroup is gone.
 * Does not block (files of the kernel).
 */
int metrics_read(const struct cgroup *cgroup, struct arena *arena, Google__Protobuf__Any *ret,
		 struct error *err);
