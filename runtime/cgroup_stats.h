/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics and events of a container's cgroups. Numbers that a kernel or a
 * hierarchy does not give stay unset (0 or `has_…` false).
 */
#pragma once

#include "runtime/cgroup.h"

enum { CGROUP_STATS_NUMBERS = 128 };

struct cgroup_number {
	char name[40];
	uint64_t value;
};

struct cgroup_memory_stats {
	uint64_t usage, max_usage, failcnt, limit; /* bytes; UINT64_MAX: no limit */
};

struct cgroup_memory_events { /* cgroup2, of the container and all below it */
	uint64_t low, high, max, oom, oom_group_kill;
};

struct cgroup_pressure_line {
	double avg10, avg60, avg300; /* per cent */
	uint64_t total;		     /* microseconds */
};

struct cgroup_pressure {
	bool has;
	struct cgroup_pressure_line some, full;
};

struct cgroup_block_entry {
	uint64_t major, minor, value;
	char op[16]; /* "Read", "Write", …; "" where there is no such division */
};

/* What v1 counts besides bytes and operations. */
enum cgroup_block_kind {
	CGROUP_BLOCK_QUEUED,
	CGROUP_BLOCK_SERVICE_TIME,
	CGROUP_BLOCK_WAIT_TIME,
	CGROUP_BLOCK_MERGED,
	CGROUP_BLOCK_TIME,
	CGROUP_BLOCK_SECTORS,
	CGROUP_BLOCK_KINDS
};
struct cgroup_block_entries {
	struct cgroup_block_entry *entries;
	size_t count;
};

struct cgroup_hugetlb_stats {
	char page_size[16]; /* "2MB" */
	uint64_t usage, max_usage, failcnt;
	uint64_t limit; /* cgroup2; UINT64_MAX: none */
};

struct cgroup_rdma_entry {
	char device[64];
	uint32_t handles, objects; /* UINT32_MAX: no limit */
};

struct cgroup_stats {
	uint64_t cpu_total_ns, cpu_user_ns, cpu_kernel_ns;
	uint64_t *cpu_per_cpu_ns; /* v1 */
	size_t n_cpu_per_cpu_ns;
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_ns;
	uint64_t cpu_bursts, cpu_burst_ns;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
	/* memory_swap counts memory and swap together, as v1 and the specification do. */
	struct cgroup_memory_stats memory, memory_swap, memory_kernel, memory_kernel_tcp;
	struct cgroup_memory_stats swap; /* cgroup2: swap alone */
	struct cgroup_memory_events memory_events;
	uint64_t oom_kill_disable, under_oom; /* v1 */
	uint64_t memory_cache;
	struct cgroup_number memory_raw[CGROUP_STATS_NUMBERS]; /* memory.stat */
	size_t n_memory_raw;
	uint64_t pids_current, pids_limit; /* 0: no limit */
	struct cgroup_block_entry *io_service_bytes, *io_serviced;
	size_t n_io_service_bytes, n_io_serviced;
	struct cgroup_block_entries block[CGROUP_BLOCK_KINDS]; /* v1 */
	struct cgroup_hugetlb_stats *hugetlb;
	size_t n_hugetlb;
	struct cgroup_rdma_entry *rdma_current, *rdma_limit;
	size_t n_rdma_current, n_rdma_limit;
	uint64_t oom_kills;
};

/*
 * Reads all; memory from the arena. err->code is ENOENT when none of the
 * directories exists any more.
 */
int cgroup_read_stats(const struct cgroup *cgroup, struct arena *arena, struct cgroup_stats *ret,
		      struct error *err);

/*
 * A descriptor that becomes readable (poll) when a process of the container is
 * OOM-killed: an eventfd on v1 (POLLIN; read it to clear), inotify on
 * memory.events on v2 (read it to clear, then compare cgroup_oom_kills()). Both
 * also become readable for other reasons, such as the removal of the cgroup, and
 * v1's a moment before the kill is counted.
 */
int cgroup_watch_oom(const struct cgroup *cgroup, struct error *err);

/* The number of OOM kills so far, -1 with err. */
int64_t cgroup_oom_kills(const struct cgroup *cgroup, struct error *err);
