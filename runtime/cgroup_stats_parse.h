/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of the kernel's statistics files. Pure: text in, numbers out.
 * Lines of a shape that is not known are left out, so that a newer kernel's
 * files can be read.
 */
#pragma once

#include "runtime/cgroup_stats.h"

/* A growing list in memory of its own, copied to the arena at the end. */
struct cgroup_block_list {
	struct cgroup_block_entry *entries;
	size_t count, capacity;
};
#define CGROUP_BLOCK_LIST_EMPTY                                                                    \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}
void cgroup_block_list_done(struct cgroup_block_list *list);

/* "name value" lines, of memory.stat and the like: how many of them went to `out`. */
size_t cgroup_parse_numbers(const char *text, struct cgroup_number *out, size_t most);

/* "some avg10=0.12 avg60=… avg300=… total=…", and "full". False when there is neither. */
bool cgroup_parse_pressure(const char *text, struct cgroup_pressure *ret);

/* "17 4 0 …": how many numbers went to `out`. */
size_t cgroup_parse_row(const char *text, uint64_t *out, size_t most);

/* v1 blkio: "8:0 Read 4096", or "8:0 4096"; the sums ("Total 4096") are left out. */
int cgroup_parse_block_v1(const char *text, struct cgroup_block_list *list, struct error *err);

/* v2 io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …". */
int cgroup_parse_block_v2(const char *text, struct cgroup_block_list *bytes,
			  struct cgroup_block_list *operations, struct error *err);

/* "mlx4_0 hca_handle=2 hca_object=max": how many lines went to `out`. */
size_t cgroup_parse_rdma(const char *text, struct cgroup_rdma_entry *out, size_t most);
