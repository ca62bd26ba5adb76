/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "proto/metrics_v2.pb-c.h"
#include "shim/metrics_message.h"

typedef Io__Containerd__Cgroups__V2__CPUStat v2_cpu_stat;
typedef Io__Containerd__Cgroups__V2__HugeTlbStat v2_huge_tlb_stat;
typedef Io__Containerd__Cgroups__V2__IOEntry v2_io_entry;
typedef Io__Containerd__Cgroups__V2__IOStat v2_io_stat;
typedef Io__Containerd__Cgroups__V2__MemoryEvents v2_memory_events;
typedef Io__Containerd__Cgroups__V2__MemoryStat v2_memory_stat;
typedef Io__Containerd__Cgroups__V2__Metrics v2_metrics;
typedef Io__Containerd__Cgroups__V2__PSIData v2_psi_data;
typedef Io__Containerd__Cgroups__V2__PSIStats v2_psi_stats;
typedef Io__Containerd__Cgroups__V2__PidsStat v2_pids_stat;
typedef Io__Containerd__Cgroups__V2__RdmaEntry v2_rdma_entry;
typedef Io__Containerd__Cgroups__V2__RdmaStat v2_rdma_stat;

enum { NS_PER_USEC = 1000 };

/* Linux 5.9 divided two of them in anonymous pages and files. */
static const struct metrics_key memory_keys[] = {
	{ "anon", offsetof(v2_memory_stat, anon) },
	{ "file", offsetof(v2_memory_stat, file) },
	{ "kernel_stack", offsetof(v2_memory_stat, kernel_stack) },
	{ "slab", offsetof(v2_memory_stat, slab) },
	{ "sock", offsetof(v2_memory_stat, sock) },
	{ "shmem", offsetof(v2_memory_stat, shmem) },
	{ "file_mapped", offsetof(v2_memory_stat, file_mapped) },
	{ "file_dirty", offsetof(v2_memory_stat, file_dirty) },
	{ "file_writeback", offsetof(v2_memory_stat, file_writeback) },
	{ "anon_thp", offsetof(v2_memory_stat, anon_thp) },
	{ "inactive_anon", offsetof(v2_memory_stat, inactive_anon) },
	{ "active_anon", offsetof(v2_memory_stat, active_anon) },
	{ "inactive_file", offsetof(v2_memory_stat, inactive_file) },
	{ "active_file", offsetof(v2_memory_stat, active_file) },
	{ "unevictable", offsetof(v2_memory_stat, unevictable) },
	{ "slab_reclaimable", offsetof(v2_memory_stat, slab_reclaimable) },
	{ "slab_unreclaimable", offsetof(v2_memory_stat, slab_unreclaimable) },
	{ "pgfault", offsetof(v2_memory_stat, pgfault) },
	{ "pgmajfault", offsetof(v2_memory_stat, pgmajfault) },
	{ "workingset_refault", offsetof(v2_memory_stat, workingset_refault) },
	{ "workingset_refault_anon", offsetof(v2_memory_stat, workingset_refault) },
	{ "workingset_refault_file", offsetof(v2_memory_stat, workingset_refault) },
	{ "workingset_activate", offsetof(v2_memory_stat, workingset_activate) },
	{ "workingset_activate_anon", offsetof(v2_memory_stat, workingset_activate) },
	{ "workingset_activate_file", offsetof(v2_memory_stat, workingset_activate) },
	{ "workingset_nodereclaim", offsetof(v2_memory_stat, workingset_nodereclaim) },
	{ "pgrefill", offsetof(v2_memory_stat, pgrefill) },
	{ "pgscan", offsetof(v2_memory_stat, pgscan) },
	{ "pgsteal", offsetof(v2_memory_stat, pgsteal) },
	{ "pgactivate", offsetof(v2_memory_stat, pgactivate) },
	{ "pgdeactivate", offsetof(v2_memory_stat, pgdeactivate) },
	{ "pglazyfree", offsetof(v2_memory_stat, pglazyfree) },
	{ "pglazyfreed", offsetof(v2_memory_stat, pglazyfreed) },
	{ "thp_fault_alloc", offsetof(v2_memory_stat, thp_fault_alloc) },
	{ "thp_collapse_alloc", offsetof(v2_memory_stat, thp_collapse_alloc) },
};

struct pressure {
	v2_psi_stats stats;
	v2_psi_data some, full;
};

/* The parts that there is one of; the lists are in the arena. */
struct form {
	v2_metrics metrics;
	v2_pids_stat pids;
	v2_cpu_stat cpu;
	v2_memory_stat memory;
	v2_memory_events events;
	v2_rdma_stat rdma;
	v2_io_stat io;
	struct pressure cpu_pressure, memory_pressure, io_pressure;
};

#define FORM_EMPTY                                                                                 \
	{                                                                                          \
		.metrics = IO__CONTAINERD__CGROUPS__V2__METRICS__INIT,                             \
		.pids = IO__CONTAINERD__CGROUPS__V2__PIDS_STAT__INIT,                              \
		.cpu = IO__CONTAINERD__CGROUPS__V2__CPUSTAT__INIT,                                 \
		.memory = IO__CONTAINERD__CGROUPS__V2__MEMORY_STAT__INIT,                          \
		.events = IO__CONTAINERD__CGROUPS__V2__MEMORY_EVENTS__INIT,                        \
		.rdma = IO__CONTAINERD__CGROUPS__V2__RDMA_STAT__INIT,                              \
		.io = IO__CONTAINERD__CGROUPS__V2__IOSTAT__INIT,                                   \
	}

/* ---- what there is one of ---------------------------------------------------------------------
 */

static void fill_pressure_line(v2_psi_data *out, const struct cgroup_pressure_line *line)
{
	io__containerd__cgroups__v2__psidata__init(out);
	out->avg10 = line->avg10;
	out->avg60 = line->avg60;
	out->avg300 = line->avg300;
	out->total = line->total;
}

/* NULL where the kernel has none. */
static v2_psi_stats *fill_pressure(struct pressure *out, const struct cgroup_pressure *pressure)
{
	if (!pressure->has)
		return NULL;
	io__containerd__cgroups__v2__psistats__init(&out->stats);
	fill_pressure_line(&out->some, &pressure->some);
	fill_pressure_line(&out->full, &pressure->full);
	out->stats.some = &out->some;
	out->stats.full = &out->full;
	return &out->stats;
}

static void fill_cpu(struct form *form, const struct cgroup_stats *stats)
{
	v2_cpu_stat *cpu = &form->cpu;

	cpu->usage_usec = stats->cpu_total_ns / NS_PER_USEC;
	cpu->user_usec = stats->cpu_user_ns / NS_PER_USEC;
	cpu->system_usec = stats->cpu_kernel_ns / NS_PER_USEC;
	cpu->nr_periods = stats->cpu_periods;
	cpu->nr_throttled = stats->cpu_throttled_periods;
	cpu->throttled_usec = stats->cpu_throttled_ns / NS_PER_USEC;
	cpu->nr_bursts = stats->cpu_bursts;
	cpu->burst_usec = stats->cpu_burst_ns / NS_PER_USEC;
	cpu->psi = fill_pressure(&form->cpu_pressure, &stats->cpu_pressure);
	form->metrics.cpu = cpu;
}

static void fill_pids(struct form *form, const struct cgroup_stats *stats)
{
	form->pids.current = stats->pids_current;
	form->pids.limit = stats->pids_limit ? stats->pids_limit : UINT64_MAX;
	form->metrics.pids = &form->pids;
}

static void fill_memory(struct form *form, const struct cgroup_stats *stats)
{
	v2_memory_stat *memory = &form->memory;

	metrics_fill_message(memory, memory_keys, sizeof(memory_keys) / sizeof(memory_keys[0]),
			     stats->memory_raw, stats->n_memory_raw);
	memory->usage = stats->memory.usage;
	memory->usage_limit = stats->memory.limit;
	memory->max_usage = stats->memory.max_usage;
	memory->swap_usage = stats->swap.usage;
	memory->swap_limit = stats->swap.limit;
	memory->swap_max_usage = stats->swap.max_usage;
	memory->psi = fill_pressure(&form->memory_pressure, &stats->memory_pressure);
	form->metrics.memory = memory;
}

static void fill_events(struct form *form, const struct cgroup_stats *stats)
{
	const struct cgroup_memory_events *events = &stats->memory_events;

	form->events.low = events->low;
	form->events.high = events->high;
	form->events.max = events->max;
	form->events.oom = events->oom;
	form->events.oom_kill = stats->oom_kills;
	form->events.oom_group_kill = events->oom_group_kill;
	form->metrics.memory_events = &form->events;
}

/* ---- lists ------------------------------------------------------------------------------------
 */

static const struct operation {
	const char *name;
	size_t bytes, count;
} operations[] = {
	{ "Read", offsetof(v2_io_entry, rbytes), offsetof(v2_io_entry, rios) },
	{ "Write", offsetof(v2_io_entry, wbytes), offsetof(v2_io_entry, wios) },
};

/* The device's message, which is made when it is not there yet. */
static v2_io_entry *find_device(v2_io_stat *io, const struct cgroup_block_entry *entry)
{
	for (size_t i = io->n_usage; i-- > 0;)
		if (io->usage[i]->major == entry->major && io->usage[i]->minor == entry->minor)
			return io->usage[i];
	v2_io_entry *made = io->usage[io->n_usage++];
	made->major = entry->major;
	made->minor = entry->minor;
	return made;
}

static void add_operation(v2_io_stat *io, const struct cgroup_block_entry *entry, bool is_bytes)
{
	char *device = (char *)find_device(io, entry);

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		const struct operation *operation = &operations[i];
		void *field = device + (is_bytes ? operation->bytes : operation->count);
		if (str_equal(entry->op, operation->name))
			*(uint64_t *)field = entry->value;
	}
}

static int fill_io(struct form *form, const struct cgroup_stats *stats, struct arena *arena,
		   struct error *err)
{
	v2_io_stat *io = &form->io;

	/* More than there are devices. */
	io->usage = metrics_make_list(arena, &io__containerd__cgroups__v2__ioentry__descriptor,
				      stats->n_io_service_bytes + stats->n_io_serviced, err);
	if (!io->usage)
		return -1;
	for (size_t i = 0; i < stats->n_io_service_bytes; i++)
		add_operation(io, &stats->io_service_bytes[i], true);
	for (size_t i = 0; i < stats->n_io_serviced; i++)
		add_operation(io, &stats->io_serviced[i], false);
	io->psi = fill_pressure(&form->io_pressure, &stats->io_pressure);
	form->metrics.io = io;
	return 0;
}

static int fill_hugetlb(struct form *form, const struct cgroup_stats *stats, struct arena *arena,
			struct error *err)
{
	v2_huge_tlb_stat **out =
		metrics_make_list(arena, &io__containerd__cgroups__v2__huge_tlb_stat__descriptor,
				  stats->n_hugetlb, err);

	if (!out)
		return -1;
	for (size_t i = 0; i < stats->n_hugetlb; i++) {
		out[i]->current = stats->hugetlb[i].usage;
		out[i]->max = stats->hugetlb[i].limit;
		out[i]->failcnt = stats->hugetlb[i].failcnt;
		out[i]->pagesize = stats->hugetlb[i].page_size;
	}
	form->metrics.hugetlb = out;
	form->metrics.n_hugetlb = stats->n_hugetlb;
	return 0;
}

static int fill_rdma_list(struct cgroup_rdma_entry *entries, size_t count, struct arena *arena,
			  v2_rdma_entry ***ret, size_t *ret_count, struct error *err)
{
	v2_rdma_entry **out = metrics_make_list(
		arena, &io__containerd__cgroups__v2__rdma_entry__descriptor, count, err);

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
	v2_rdma_stat *rdma = &form->rdma;

	form->metrics.rdma = rdma;
	if (fill_rdma_list(stats->rdma_current, stats->n_rdma_current, arena, &rdma->current,
			   &rdma->n_current, err) < 0)
		return -1;
	return fill_rdma_list(stats->rdma_limit, stats->n_rdma_limit, arena, &rdma->limit,
			      &rdma->n_limit, err);
}

int metrics_pack_v2(const struct cgroup_stats *stats, struct arena *arena,
		    Google__Protobuf__Any *ret, struct error *err)
{
	struct form form = FORM_EMPTY;

	fill_cpu(&form, stats);
	fill_pids(&form, stats);
	fill_memory(&form, stats);
	fill_events(&form, stats);
	if (fill_io(&form, stats, arena, err) < 0 || fill_hugetlb(&form, stats, arena, err) < 0 ||
	    fill_rdma(&form, stats, arena, err) < 0)
		return -1;
	return metrics_pack_message(&form.metrics.base, arena, ret, err);
}
