/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of statistics share: each reads the files of one controller
 * from one directory. Files that are missing are left out.
 */
#pragma once

#include "runtime/cgroup_backend.h"
#include "runtime/cgroup_stats.h"

struct cgroup_stats_reading {
	const struct cgroup_dir *dir;
	struct arena *arena;
	struct cgroup_stats *stats;
};
typedef int cgroup_stats_reader(struct cgroup_stats_reading *r, struct error *err);

/* A number that stays as it is when the file is missing. */
void cgroup_stats_read_number(const struct cgroup_dir *dir, const char *file, uint64_t *ret);

/* cgroup_stats_devices.c */
cgroup_stats_reader cgroup_stats_read_block_v1, cgroup_stats_read_block_v2;
cgroup_stats_reader cgroup_stats_read_hugetlb, cgroup_stats_read_rdma;
