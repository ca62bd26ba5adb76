/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that answer what a seccomp filter asks (the annotation
 * run.oci.seccomp.plugins of crun(1)): shared objects, which a process of
 * rustbox-seccomp's loads, one for each filter. It ends with the last process
 * that the filter holds for.
 */
#pragma once

#include "base/error.h"
#include "oci/state.h"

/* Before anything is made: the helper is there, and can and may load each of them. Bounded. */
int seccomp_plugin_check(const char *plugins, struct error *err);

/*
 * Starts the process that answers for `listener` (borrowed); root is the
 * engine's. Returns when the plugins have been started. Bounded.
 */
int seccomp_plugin_serve(const char *plugins, const char *root, const struct state *state,
			 int listener, struct error *err);
