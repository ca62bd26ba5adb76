/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_stats.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "runtime/cgroup_stats_parse.h"
#include "runtime/cgroup_stats_read.h"

void cgroup_stats_read_number(const struct cgroup_dir *dir, const char *file, uint64_t *ret)
{
	uint64_t value;

	if (cgroup_read_uint(dir, file, &value) == 0)
		*ret = value;
}

/* One line "key value" of a file, times `scale`. */
struct key {
	const char *key;
	uint64_t *value, scale;
};

/* Keys that are missing leave their value as it is. */
static void find_keys(const char *text, const struct key *keys, size_t n)
{
	uint64_t value;

	for (size_t i = 0; text && i < n; i++)
		if (cgroup_text_find(text, keys[i].key, &value))
			*keys[i].value = value * keys[i].scale;
}

/* ---- memory ------------------------------------------------------------------------------- */

static void read_memory_stat(struct cgroup_stats_reading *r, const char *cache)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "memory.stat");

	if (!text)
		return;
	r->stats->n_memory_raw =
		cgroup_parse_numbers(text, r->stats->memory_raw, CGROUP_STATS_NUMBERS);
	(void)cgroup_text_find(text, cache, &r->stats->memory_cache);
}

/* v1's "no limit": the most pages that the kernel can count. */
static const uint64_t v1_no_limit = (uint64_t)(INT64_MAX / 4096) * 4096;

static void read_memory_part_v1(const struct cgroup_dir *dir, const char *part,
				struct cgroup_memory_stats *out)
{
	struct {
		const char *file;
		uint64_t *value;
	} files[] = { { "usage_in_bytes", &out->usage },
		      { "max_usage_in_bytes", &out->max_usage },
		      { "failcnt", &out->failcnt },
		      { "limit_in_bytes", &out->limit } };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "memory.%s%s", part, files[i].file);
		cgroup_stats_read_number(dir, name, files[i].value);
	}
	if (out->limit >= v1_no_limit)
		out->limit = UINT64_MAX;
}

static int read_memory_v1(struct cgroup_stats_reading *r, struct error *err)
{
	cleanup_free char *control = cgroup_read_text(r->dir, "memory.oom_control");
	const struct key keys[] = { { "oom_kill_disable", &r->stats->oom_kill_disable, 1 },
				    { "under_oom", &r->stats->under_oom, 1 } };

	(void)err;
	find_keys(control, keys, sizeof(keys) / sizeof(keys[0]));
	read_memory_part_v1(r->dir, "", &r->stats->memory);
	read_memory_part_v1(r->dir, "memsw.", &r->stats->memory_swap);
	read_memory_part_v1(r->dir, "kmem.", &r->stats->memory_kernel);
	read_memory_part_v1(r->dir, "kmem.tcp.", &r->stats->memory_kernel_tcp);
	read_memory_stat(r, "cache");
	return 0;
}

/* Memory and swap together, from the two. */
static void add_swap_v2(struct cgroup_stats *stats)
{
	const struct cgroup_memory_stats *memory = &stats->memory, *swap = &stats->swap;

	stats->memory_swap.usage = memory->usage + swap->usage;
	if (memory->limit == UINT64_MAX || swap->limit > UINT64_MAX - memory->limit)
		stats->memory_swap.limit = UINT64_MAX;
	else
		stats->memory_swap.limit = memory->limit + swap->limit;
}

static int read_memory_v2(struct cgroup_stats_reading *r, struct error *err)
{
	struct cgroup_memory_events *events = &r->stats->memory_events;
	struct cgroup_memory_stats *memory = &r->stats->memory, *swap = &r->stats->swap;
	const struct key keys[] = { { "low", &events->low, 1 },
				    { "high", &events->high, 1 },
				    { "max", &events->max, 1 },
				    { "oom", &events->oom, 1 },
				    { "oom_group_kill", &events->oom_group_kill, 1 } };
	const struct {
		const char *file;
		uint64_t *value;
	} files[] = {
		{ "memory.current", &memory->usage },  { "memory.max", &memory->limit },
		{ "memory.peak", &memory->max_usage }, { "memory.swap.current", &swap->usage },
		{ "memory.swap.max", &swap->limit },   { "memory.swap.peak", &swap->max_usage },
	};
	cleanup_free char *text = cgroup_read_text(r->dir, "memory.events");

	(void)err;
	/* Without the controller v1 may have counted. */
	if (!text)
		return 0;
	find_keys(text, keys, sizeof(keys) / sizeof(keys[0]));
	memory->failcnt = events->max;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		cgroup_stats_read_number(r->dir, files[i].file, files[i].value);
	add_swap_v2(r->stats);
	read_memory_stat(r, "file");
	for (size_t i = 0; i < r->stats->n_memory_raw; i++)
		if (str_equal(r->stats->memory_raw[i].name, "kernel"))
			r->stats->memory_kernel.usage = r->stats->memory_raw[i].value;
	return 0;
}

/* ---- CPU ---------------------------------------------------------------------------------- */

static int read_per_cpu(struct cgroup_stats_reading *r, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "cpuacct.usage_percpu");
	/* A number and what separates it take two characters at least. */
	size_t most = text ? strlen(text) / 2 + 1 : 0;
	uint64_t *row = arena_array(r->arena, most, sizeof(*row), err);

	if (!row)
		return -1;
	r->stats->cpu_per_cpu_ns = row;
	r->stats->n_cpu_per_cpu_ns = text ? cgroup_parse_row(text, row, most) : 0;
	return 0;
}

static int read_cpuacct_v1(struct cgroup_stats_reading *r, struct error *err)
{
	cgroup_stats_read_number(r->dir, "cpuacct.usage", &r->stats->cpu_total_ns);
	cgroup_stats_read_number(r->dir, "cpuacct.usage_user", &r->stats->cpu_user_ns);
	cgroup_stats_read_number(r->dir, "cpuacct.usage_sys", &r->stats->cpu_kernel_ns);
	return read_per_cpu(r, err);
}

static int read_cpu_v1(struct cgroup_stats_reading *r, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "cpu.stat");
	const struct key keys[] = { { "nr_periods", &r->stats->cpu_periods, 1 },
				    { "nr_throttled", &r->stats->cpu_throttled_periods, 1 },
				    { "throttled_time", &r->stats->cpu_throttled_ns, 1 },
				    { "nr_bursts", &r->stats->cpu_bursts, 1 },
				    { "burst_time", &r->stats->cpu_burst_ns, 1 } };

	(void)err;
	find_keys(text, keys, sizeof(keys) / sizeof(keys[0]));
	return 0;
}

static int read_cpu_v2(struct cgroup_stats_reading *r, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "cpu.stat");
	const struct key keys[] = {
		{ "usage_usec", &r->stats->cpu_total_ns, 1000 },
		{ "user_usec", &r->stats->cpu_user_ns, 1000 },
		{ "system_usec", &r->stats->cpu_kernel_ns, 1000 },
		{ "nr_periods", &r->stats->cpu_periods, 1 },
		{ "nr_throttled", &r->stats->cpu_throttled_periods, 1 },
		{ "throttled_usec", &r->stats->cpu_throttled_ns, 1000 },
		{ "nr_bursts", &r->stats->cpu_bursts, 1 },
		{ "burst_usec", &r->stats->cpu_burst_ns, 1000 },
	};

	(void)err;
	/* cgroup2 has this without the controller; where v1 counts, v1 has been read already. */
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (*keys[i].value == 0)
			find_keys(text, &keys[i], 1);
	return 0;
}

/* ---- pressure ----------------------------------------------------------------------------- */

static int read_pressure(struct cgroup_stats_reading *r, struct error *err)
{
	struct {
		const char *file;
		struct cgroup_pressure *out;
	} files[] = { { "cpu.pressure", &r->stats->cpu_pressure },
		      { "memory.pressure", &r->stats->memory_pressure },
		      { "io.pressure", &r->stats->io_pressure } };

	(void)err;
	/* Missing without CONFIG_PSI, EOPNOTSUPP when switched off: then there is none. */
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		cleanup_free char *text = cgroup_read_text(r->dir, files[i].file);
		if (text)
			(void)cgroup_parse_pressure(text, files[i].out);
	}
	return 0;
}

/* ---- pids --------------------------------------------------------------------------------- */

static int read_pids(struct cgroup_stats_reading *r, struct error *err)
{
	uint64_t limit = UINT64_MAX;

	(void)err;
	cgroup_stats_read_number(r->dir, "pids.current", &r->stats->pids_current);
	cgroup_stats_read_number(r->dir, "pids.max", &limit);
	if (limit != UINT64_MAX)
		r->stats->pids_limit = limit;
	return 0;
}

/* ---- all ---------------------------------------------------------------------------------- */

/* v1 first: what is counted there is not in cgroup2, but for CPU time. */
static const struct reader {
	const char *controller; /* of v1; "" is cgroup2 */
	cgroup_stats_reader *read;
} readers[] = {
	{ "memory", read_memory_v1 },
	{ "cpuacct", read_cpuacct_v1 },
	{ "cpu", read_cpu_v1 },
	{ "pids", read_pids },
	{ "blkio", cgroup_stats_read_block_v1 },
	{ "hugetlb", cgroup_stats_read_hugetlb },
	{ "rdma", cgroup_stats_read_rdma },
	{ "", read_memory_v2 },
	{ "", read_cpu_v2 },
	{ "", read_pids },
	{ "", cgroup_stats_read_block_v2 },
	{ "", cgroup_stats_read_hugetlb },
	{ "", cgroup_stats_read_rdma },
	{ "", read_pressure },
};

static int read_with(const struct cgroup *cgroup, const struct reader *reader,
		     struct cgroup_stats_reading *r, bool *ret_any, struct error *err)
{
	const struct cgroup_directory *directory =
		*reader->controller ? cgroup_find_v1(cgroup, reader->controller)
				    : cgroup_find_v2(cgroup);
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	if (!directory)
		return 0;
	if (cgroup_dir_open(directory, &dir) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", directory->path);
	*ret_any = true;
	struct cgroup_stats_reading here = *r;
	here.dir = &dir;
	return reader->read(&here, err);
}

int cgroup_read_stats(const struct cgroup *cgroup, struct arena *arena, struct cgroup_stats *ret,
		      struct error *err)
{
	struct cgroup_stats *stats = arena_alloc(arena, sizeof(*stats), err);
	struct cgroup_stats_reading r = { NULL, arena, stats };
	bool any = false;

	if (!stats)
		return -1;
	if (cgroup->n_directories == 0)
		return error_set(err, ENOTSUP, "there are no statistics without cgroups");
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (read_with(cgroup, &readers[i], &r, &any, err) < 0)
			return error_wrap(err, "read the statistics");
	if (!any)
		return error_set(err, ENOENT, "read the statistics: the container's cgroup");
	struct error ignored;
	int64_t kills = cgroup_oom_kills(cgroup, &ignored);
	stats->oom_kills = kills > 0 ? (uint64_t)kills : 0;
	*ret = *stats;
	return 0;
}
