/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.cgroupsPath to the names of systemd's units (systemd.unit(5),
 * "Unit names"; systemd.slice(5)).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"

struct systemd_name {
	char *slice; /* "system.slice" */
	char *unit;  /* "rustbox-ID.scope" */
};

/*
 * cgroups_path is "SLICE:PREFIX:NAME"; NULL or empty counts as ":rustbox:ID".
 * No slice is system.slice, of a user's manager user.slice; "-" is the root.
 * Slices need not exist: systemd makes a-b.slice within a.slice. The unit is
 * PREFIX-NAME.scope, NAME.scope without a prefix; what may not be in the name
 * of a unit is written as \xHH. Memory from the arena.
 */
int systemd_name_of_path(const char *cgroups_path, const char *id, bool user, struct arena *arena,
			 struct systemd_name *ret, struct error *err);
