/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/metrics_v1.pb-c.h"
#include "shim/metrics_message.h"

typedef Io__Containerd__Cgroups__V1__BlkIOEntry v1_blk_io_entry;
typedef Io__Containerd__Cgroups__V1__BlkIOStat v1_blk_io_stat;
typedef Io__Containerd__Cgroups__V1__CPUStat v1_cpu_stat;
typedef Io__Containerd__Cgroups__V1__CPUUsage v1_cpu_usage;
typedef Io__Containerd__Cgroups__V1__HugetlbStat v1_hugetlb_stat;
typedef Io__Containerd__Cgroups__V1__MemoryEntry v1_memory_entry;
typedef Io__Containerd__Cgroups__V1__MemoryOomControl v1_memory_oom_control;
typedef Io__Containerd__Cgroups__V1__MemoryStat v1_memory_stat;
typedef Io__Containerd__Cgroups__V1__Metrics v1_metrics;
typedef Io__Containerd__Cgroups__V1__PidsStat v1_pids_stat;
typedef Io__Containerd__Cgroups__V1__RdmaEntry v1_rdma_entry;
typedef Io__Containerd__Cgroups__V1__RdmaStat v1_rdma_stat;
typedef Io__Containerd__Cgroups__V1__Throttle v1_throttle;

static const struct metrics_key memory_keys[] = {
	{ "cache", offsetof(v1_memory_stat, cache) },
	{ "rss", offsetof(v1_memory_stat, rss) },
	{ "rss_huge", offsetof(v1_memory_stat, rss_huge) },
	{ "mapped_file", offsetof(v1_memory_stat, mapped_file) },
	{ "dirty", offsetof(v1_memory_stat, dirty) },
	{ "writeback", offsetof(v1_memory_stat, writeback) },
	{ "pgpgin", offsetof(v1_memory_stat, pg_pg_in) },
	{ "pgpgout", offsetof(v1_memory_stat, pg_pg_out) },
	{ "pgfault", offsetof(v1_memory_stat, pg_fault) },
	{ "pgmajfault", offsetof(v1_memory_stat, pg_maj_fault) },
	{ "inactive_anon", offsetof(v1_memory_stat, inactive_anon) },
	{ "active_anon", offsetof(v1_memory_stat, active_anon) },
	{ "inactive_file", offsetof(v1_memory_stat, inactive_file) },
	{ "active_file", offsetof(v1_memory_stat, active_file) },
	{ "unevictable", offsetof(v1_memory_stat, unevictable) },
	{ "hierarchical_memory_limit", offsetof(v1_memory_stat, hierarchical_memory_limit) },
	{ "hierarchical_memsw_limit", offsetof(v1_memory_stat, hierarchical_swap_limit) },
	{ "total_cache", offsetof(v1_memory_stat, total_cache) },
	{ "total_rss", offsetof(v1_memory_stat, total_rss) },
	{ "total_rss_huge", offsetof(v1_memory_stat, total_rss_huge) },
	{ "total_mapped_file", offsetof(v1_memory_stat, total_mapped_file) },
	{ "total_dirty", offsetof(v1_memory_stat, total_dirty) },
	{ "total_writeback", offsetof(v1_memory_stat, total_writeback) },
	{ "total_pgpgin", offsetof(v1_memory_stat, total_pg_pg_in) },
	{ "total_pgpgout", offsetof(v1_memory_stat, total_pg_pg_out) },
	{ "total_pgfault", offsetof(v1_memory_stat, total_pg_fault) },
	{ "total_pgmajfault", offsetof(v1_memory_stat, total_pg_maj_fault) },
	{ "total_inactive_anon", offsetof(v1_memory_stat, total_inactive_anon) },
	{ "total_active_anon", offsetof(v1_memory_stat, total_active_anon) },
	{ "total_inactive_file", offsetof(v1_memory_stat, total_inactive_file) },
	{ "total_active_file", offsetof(v1_memory_stat, total_active_file) },
	{ "total_unevictable", offsetof(v1_memory_stat, total_unevictable) },
};

/* The parts that there is one of; the lists are in the arena. */
struct form {
	v1_metrics metrics;
	v1_pids_stat pids;
	v1_cpu_stat cpu;
	v1_cpu_usage cpu_usage;
	v1_throttle throttle;
	v1_memory_stat memory;
	v1_memory_entry usage, swap, kernel, kernel_tcp;
	v1_blk_io_stat block;
	v1_rdma_stat rdma;
	v1_memory_oom_control oom;
};

#define FORM_EMPTY                                                                                 \
	{                                                                                          \
		.metrics = IO__CONTAINERD__CGROUPS__V1__METRICS__INIT,                             \
		.pids = IO__CONTAINERD__CGROUPS__V1__PIDS_STAT__INIT,                              \
		.cpu = IO__CONTAINERD__CGROUPS__V1__CPUSTAT__INIT,                                 \
		.cpu_usage = IO__CONTAINERD__CGROUPS__V1__CPUUSAGE__INIT,                          \
		.throttle = IO__CONTAINERD__CGROUPS__V1__THROTTLE__INIT,                           \
		.memory = IO__CONTAINERD__CGROUPS__V1__MEMORY_STAT__INIT,                          \
		.usage = IO__CONTAINERD__CGROUPS__V1__MEMORY_ENTRY__INIT,                          \
		.swap = IO__CONTAINERD__CGROUPS__V1__MEMORY_ENTRY__INIT,                           \
		.kernel = IO__CONTAINERD__CGROUPS__V1__MEMORY_ENTRY__INIT,                         \
		.kernel_tcp = IO__CONTAINERD__CGROUPS__V1__MEMORY_ENTRY__INIT,                     \
		.block = IO__CONTAINERD__CGROUPS__V1__BLK_IOSTAT__INIT,                            \
		.rdma = IO__CONTAINERD__CGROUPS__V1__RDMA_STAT__INIT,                              \
		.oom = IO__CONTAINERD__CGROUPS__V1__MEMORY_OOM_CONTROL__INIT,                      \
	}

/* ---- processor, processes, memory ------------------------------------------------------------ */

static void fill_cpu(struct form *form, const struct cgroup_stats *stats)
{
	form->cpu_usage.total = stats->cpu_total_ns;
	form->cpu_usage.kernel = stats->cpu_kernel_ns;
	form->cpu_usage.user = stats->cpu_user_ns;
	form->cpu_usage.per_cpu = stats->cpu_per_cpu_ns;
	form->cpu_usage.n_per_cpu = stats->n_cpu_per_cpu_ns;
	form->throttle.periods = stats->cpu_periods;
	form->throttle.throttled_periods = stats->cpu_throttled_periods;
	form->throttle.throttled_time = stats->cpu_throttled_ns;
	form->cpu.usage = &form->cpu_usage;
	form->cpu.throttling = &form->throttle;
	form->metrics.cpu = &form->cpu;
}

static void fill_pids(struct form *form, const struct cgroup_stats *stats)
{
	form->pids.current = stats->pids_current;
	form->pids.limit = stats->pids_limit;
	form->metrics.pids = &form->pids;
}

/* The kernel's number for no limit: as many bytes as whole pages fit in. */
static uint64_t no_limit(void)
{
	return (uint64_t)LONG_MAX / (uint64_t)sysconf(_SC_PAGESIZE) *
	       (uint64_t)sysconf(_SC_PAGESIZE);
}

static v1_memory_entry *fill_entry(v1_memory_entry *entry, const struct cgroup_memory_stats *part)
{
	entry->limit = part->limit == UINT64_MAX ? no_limit() : part->limit;
	entry->usage = part->usage;
	entry->max = part->max_usage;
	entry->failcnt = part->failcnt;
	return entry;
}

/* Kernels without the files give nothing but zeroes. */
static bool is_counted(const struct cgroup_memory_stats *part)
{
	return part->limit || part->usage || part->max_usage || part->failcnt;
}

static void fill_memory(struct form *form, const struct cgroup_stats *stats)
{
	v1_memory_stat *memory = &form->memory;

	metrics_fill_message(memory, memory_keys, sizeof(memory_keys) / sizeof(memory_keys[0]),
			     stats->memory_raw, stats->n_memory_raw);
	memory->usage = fill_entry(&form->usage, &stats->memory);
	if (is_counted(&stats->memory_swap))
		memory->swap = fill_entry(&form->swap, &stats->memory_swap);
	if (is_counted(&stats->memory_kernel))
		memory->kernel = fill_entry(&form->kernel, &stats->memory_kernel);
	if (is_counted(&stats->memory_kernel_tcp))
		memory->kernel_tcp = fill_entry(&form->kernel_tcp, &stats->memory_kernel_tcp);
	form->metrics.memory = memory;
	form->oom.oom_kill_disable = stats->oom_kill_disable;
	form->oom.under_oom = stats->under_oom;
	form->oom.oom_kill = stats->oom_kills;
	form->metrics.memory_oom_control = &form->oom;
}

/* ---- block devices ----------------------------------------------------------------------------
 */

/* "/dev/sda", "" for a device that is not there any more. NULL with err. */
static char *name_device(uint64_t major, uint64_t minor, struct arena *arena, struct error *err)
{
	char path[64], target[512];

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%" PRIu64 ":%" PRIu64, major, minor);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	const char *slash = strrchr(target, '/');
	if (!slash)
		return arena_strdup(arena, "", err);
	char *name = arena_format(arena, err, "/dev%s", slash);
	/* A slash in a name is an exclamation mark in sysfs. */
	for (char *at = name ? name : target; *at; at++)
		if (*at == '!')
			*at = '/';
	return name;
}

static int fill_block_list(const struct cgroup_block_entries *list, struct arena *arena,
			   v1_blk_io_entry ***ret, size_t *ret_count, struct error *err)
{
	v1_blk_io_entry **out = metrics_make_list(
		arena, &io__containerd__cgroups__v1__blk_ioentry__descriptor, list->count, err);

	if (!out)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		const struct cgroup_block_entry *from = &list->entries[i];
		out[i]->op = arena_strdup(arena, from->op, err);
		out[i]->major = from->major;
		out[i]->minor = from->minor;
		out[i]->value = from->value;
		out[i]->device =
			i > 0 && from->major == from[-1].major && from->minor == from[-1].minor
				? out[i - 1]->device
				: name_device(from->major, from->minor, arena, err);
		if (!out[i]->op || !out[i]->device)
			return -1;
	}
	*ret = out;
	*ret_count = list->count;
	return 0;
}

/* Where in the message a list and its length are. */
#define BLOCK_LIST(field) &form->block.field, &form->block.n_##field

static int fill_block(struct form *form, const struct cgroup_stats *stats, struct arena *arena,
		      struct error *err)
{
	const struct cgroup_block_entries bytes = { stats->io_service_bytes,
						    stats->n_io_service_bytes };
	const struct cgroup_block_entries operations = { stats->io_serviced, stats->n_io_serviced };
	const struct {
		const struct cgroup_block_entries *list;
		v1_blk_io_entry ***entries;
		size_t *count;
	} fields[] = {
		{ &bytes, BLOCK_LIST(io_service_bytes_recursive) },
		{ &operations, BLOCK_LIST(io_serviced_recursive) },
		{ &stats->block[CGROUP_BLOCK_QUEUED], BLOCK_LIST(io_queued_recursive) },
		{ &stats->block[CGROUP_BLOCK_SERVICE_TIME], BLOCK_LIST(io_service_time_recursive) },
		{ &stats->block[CGROUP_BLOCK_WAIT_TIME], BLOCK_LIST(io_wait_time_recursive) },
		{ &stats->block[CGROUP_BLOCK_MERGED], BLOCK_LIST(io_merged_recursive) },
		{ &stats->block[CGROUP_BLOCK_TIME], BLOCK_LIST(io_time_recursive) },
		{ &stats->block[CGROUP_BLOCK_SECTORS], BLOCK_LIST(sectors_recursive) },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fill_block_list(fields[i].list, arena, fields[i].entries, fields[i].count,
				    err) < 0)
			return -1;
	form->metrics.blkio = &form->block;
	return 0;
}

/* ---- huge pages, remote memory access ---------------------------------------------------------
 */

static int fill_hugetlb(struct form *form, const struct cgroup_stats *stats, struct arena *arena,
			struct error *err)
{
	v1_hugetlb_stat **out =
		metrics_make_list(arena, &io__containerd__cgroups__v1__hugetlb_stat__descriptor,
				  stats->n_hugetlb, err);

	if (!out)
		return -1;
	for (size_t i = 0; i < stats->n_hugetlb; i++) {
		out[i]->usage = stats->hugetlb[i].usage;
		out[i]->max = stats->hugetlb[i].max_usage;
		out[i]->failcnt = stats->hugetlb[i].failcnt;
		out[i]->pagesize = stats->hugetlb[i].page_size;
	}
	form->metrics.hugetlb = out;
	form->metrics.n_hugetlb = stats->n_hugetlb;
	return 0;
}

static int fill_rdma_list(struct cgroup_rdma_entry *entries, size_t count, struct arena *arena,
			  v1_rdma_entry ***ret, size_t *ret_count, struct error *err)
{
	v1_rdma_entry **out = metrics_make_list(
		arena, &io__containerd__cgroups__v1__rdma_entry__descriptor, count, err);

	if (!out)
		return -1;
	for (size_t i = 0; i < count; i++) {
		out[i]->device = entries[i].device;
		out[i]->hca_handles = entries[i].handles;
		out[i]->hca_objects = entries[i].objects;
	}
	*ret = out;
	*ret_count = count;
	return 0;
}

static int fill_rdma(struct form *form, const struct cgroup_stats *stats, struct arena *arena,
		     struct error *err)
{
	v1_rdma_stat *rdma = &form->rdma;

	if (stats->n_rdma_current + stats->n_rdma_limit == 0)
		return 0;
	form->metrics.rdma = rdma;
	if (fill_rdma_list(stats->rdma_current, stats->n_rdma_current, arena, &rdma->current,
			   &rdma->n_current, err) < 0)
		return -1;
	return fill_rdma_list(stats->rdma_limit, stats->n_rdma_limit, arena, &rdma->limit,
			      &rdma->n_limit, err);
}

int metrics_pack_v1(const struct cgroup_stats *stats, struct arena *arena,
		    Google__Protobuf__Any *ret, struct error *err)
{
	struct form form = FORM_EMPTY;

	/* Always there, as clients look into them without asking. */
	fill_cpu(&form, stats);
	fill_pids(&form, stats);
	fill_memory(&form, stats);
	if (fill_block(&form, stats, arena, err) < 0 ||
	    fill_hugetlb(&form, stats, arena, err) < 0 || fill_rdma(&form, stats, arena, err) < 0)
		return -1;
	return metrics_pack_message(&form.metrics.base, arena, ret, err);
}
