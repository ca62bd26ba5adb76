/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/ownership.h"

#include "base/process.h"

static void map(const struct spec_id_mapping *maps, size_t n, int64_t *id)
{
	for (size_t i = 0; i < n; i++) {
		if (*id < maps[i].host_id || *id - maps[i].host_id >= maps[i].size)
			continue;
		*id = *id - maps[i].host_id + maps[i].container_id;
		return;
	}
}

void ownership_from_disk(const struct ownership *owner, int64_t *uid, int64_t *gid)
{
	map(owner->uids, owner->n_uids, uid);
	map(owner->gids, owner->n_gids, gid);
}

static int map_back(const struct spec_id_mapping *maps, size_t n, int64_t *id, const char *what,
		    struct error *err)
{
	/* (uint32_t)-1 would mean "leave as it is" to chown(2). */
	if (*id < 0 || *id >= UINT32_MAX)
		return error_set(err, EINVAL, "%s id %lld", what, (long long)*id);
	for (size_t i = 0; i < n; i++) {
		if (*id < maps[i].container_id || *id - maps[i].container_id >= maps[i].size)
			continue;
		*id = *id - maps[i].container_id + maps[i].host_id;
		return 0;
	}
	return n ? error_set(err, EINVAL, "%s id %lld has no id on the host", what, (long long)*id)
		 : 0;
}

int ownership_to_disk(const struct ownership *owner, int64_t *uid, int64_t *gid, struct error *err)
{
	if (owner->is_fixed) {
		*uid = owner->uid;
		*gid = owner->gid;
		return 0;
	}
	if (map_back(owner->uids, owner->n_uids, uid, "user", err) < 0)
		return -1;
	return map_back(owner->gids, owner->n_gids, gid, "group", err);
}

const char *layer_opaque_attribute(void)
{
	return process_in_user_namespace() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}
