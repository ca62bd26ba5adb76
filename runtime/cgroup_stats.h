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
	char op[16]; /* "Read", "Write", … */
};

struct cgroup_hugetlb_stats {
	char page_size[16]; /* "2MB" */
	uint64_t usage, max_usage, failcnt;
};

struct cgroup_stats {
	uint64_t cpu_total_ns, cpu_user_ns, cpu_kernel_ns;
	uint64_t *cpu_per_cpu_ns; /* v1 */
	size_t n_cpu_per_cpu_ns;
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_ns;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
	/* memory_swap counts memory and swap together, as v1 and the specification do. */
	struct cgroup_memory_stats memory, memory_swap, memory_kernel, memory_kernel_tcp;
	uint64_t memory_cache;
	struct cgroup_number memory_raw[CGROUP_STATS_NUMBERS]; /* memory.stat */
	size_t n_memory_raw;
	uint64_t pids_current, pids_limit; /* 0: no limit */
	struct cgroup_block_entry *io_service_bytes, *io_serviced;
	size_t n_io_service_bytes, n_io_serviced;
	struct cgroup_hugetlb_stats *hugetlb;
	size_t n_hugetlb;
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
