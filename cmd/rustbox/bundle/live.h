/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts and devices of a container that exists: its configuration is changed
 * (bundle_load_spec() before, bundle_save_spec() after), so that they are there
 * in its coming runs, too. Everything new lives in the arena.
 */
#pragma once

#include "cmd/rustbox/bundle/bundle.h"

/* "SOURCE:TARGET[:OPTIONS]" as of --volume, of a file or folder of the host. EEXIST: there is a
 * mount at the target. */
int live_add_mount(struct spec *spec, const struct record *record, const char *text,
		   struct arena *arena, struct spec_mount **ret, struct error *err);
/* The mount at the target; one that every container has (/proc) is refused. */
int live_remove_mount(struct spec *spec, const char *target, struct error *err);

/* "PATH[:PATH][:rwm]" as of --device: one device. *ret_source: its path on the host. */
int live_add_device(struct spec *spec, const char *text, struct arena *arena,
		    struct spec_device **ret, char **ret_source, struct error *err);
/* By its path in the container. Its number stays allowed if another device has it. */
int live_remove_device(struct spec *spec, const char *path, struct error *err);
