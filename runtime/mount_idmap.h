/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings within a mount option, as crun has them: idmap=uids=0-1-10#10-11-10;gids=0-100-10. */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"

/*
 * Reads what is behind "idmap=" or "ridmap=" into the mappings of *mount. Each
 * is FIRST-HOST-SIZE: ids of the file system, and what they are on the host;
 * with an "@" in front of it HOST is an id in the container's user namespace.
 * Memory from the arena.
 */
int mount_idmap_parse(const char *text, const struct spec_linux *linux, struct arena *arena,
		      struct spec_mount *mount, struct error *err);
