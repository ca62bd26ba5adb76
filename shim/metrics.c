/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/metrics.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "shim/metrics_message.h"

static bool is_pure_v2(void)
{
	struct statfs fs;

	return statfs(cgroup_machine_default.root, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int metrics_read(const struct cgroup *cgroup, struct arena *arena, Google__Protobuf__Any *ret,
		 struct error *err)
{
	/* Too much for the stack. */
	struct cgroup_stats *stats = arena_alloc(arena, sizeof(*stats), err);

	if (!stats || cgroup_read_stats(cgroup, arena, stats, err) < 0)
		return -1;
	return is_pure_v2() ? metrics_pack_v2(stats, arena, ret, err)
			    : metrics_pack_v1(stats, arena, ret, err);
}
