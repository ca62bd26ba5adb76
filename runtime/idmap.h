/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces as the kernel wants them for idmapped mounts
 * (mount_setattr(2), MOUNT_ATTR_IDMAP): a descriptor that carries mappings.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/*
 * A user namespace with these mappings, made by a child that has ended by the
 * time this returns. Needs the right to write any mapping (host root).
 */
int idmap_open(const struct spec_id_mapping *uids, size_t n_uids,
	       const struct spec_id_mapping *gids, size_t n_gids, struct error *err);

/*
 * The one for a mount: of its own mappings, otherwise the container's, which
 * may be a namespace to be joined. An error where there is neither.
 */
int idmap_open_for_mount(const struct spec *spec, const struct spec_mount *mount,
			 struct error *err);
