/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners of files on their way into a container's tree or out of it. In a
 * user namespace, id 0 of the container is, say, 100000 on the host's disk.
 */
#pragma once

#include "oci/spec.h"

/* Overlayfs' mark of a folder that hides those below it. Root of a user namespace has its own. */
const char *layer_opaque_attribute(void);

struct ownership {
	const struct spec_id_mapping *uids, *gids; /* of the container; none: no user namespace */
	size_t n_uids, n_gids;
	bool is_fixed; /* everything is to belong to uid and gid, host's ids */
	uint32_t uid, gid;
};

/* The container's ids of those on disk. What is not mapped is a lower layer's: kept. */
void ownership_from_disk(const struct ownership *owner, int64_t *uid, int64_t *gid);
/* The ids on disk of the container's. -1 with err for one that the container cannot have. */
int ownership_to_disk(const struct ownership *owner, int64_t *uid, int64_t *gid, struct error *err);
