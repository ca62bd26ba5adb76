/* SPDX-License-Identifier: Apache-2.0 */
/* What exec's options make of the container's configuration. */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/container.h"

/*
 * The process to run: --process FILE as it is, or the container's own process
 * with what the options change. In the arena; its `user` may be written to.
 */
int exec_spec_build(const struct spec *container, const struct container_exec_options *options,
		    struct arena *arena, struct spec_process **ret, struct error *err);

/* --cgroup "path" or "controller:path"; both NULL without it. */
struct exec_cgroup {
	const char *controller, *path;
};
int exec_spec_place(const char *text, struct arena *arena, struct exec_cgroup *ret,
		    struct error *err);
