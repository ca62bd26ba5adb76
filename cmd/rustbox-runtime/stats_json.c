/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by hand and not by a table of json.h: zeros are shown here, and the
 * numbers of a pressure line are no integers.
 */
#include "cmd/rustbox-runtime/stats_json.h"

#include <inttypes.h>

/* Names and ids have no character that JSON would want escaped: [A-Za-z0-9_+.-]. */
static void add_number(struct str *s, const char *before, const char *key, uint64_t value)
{
	str_add_format(s, "%s\"%s\":%" PRIu64, before, key, value);
}

static void add_pressure_line(struct str *s, const char *key,
			      const struct cgroup_pressure_line *line)
{
	str_add_format(s, "\"%s\":{\"avg10\":%.2f,\"avg60\":%.2f,\"avg300\":%.2f", key, line->avg10,
		       line->avg60, line->avg300);
	add_number(s, ",", "total", line->total);
	str_add(s, "}");
}

static void add_pressure(struct str *s, const struct cgroup_pressure *pressure)
{
	if (!pressure->has)
		return;
	str_add(s, ",\"psi\":{");
	add_pressure_line(s, "some", &pressure->some);
	str_add(s, ",");
	add_pressure_line(s, "full", &pressure->full);
	str_add(s, "}");
}

static void add_cpu(struct str *s, const struct cgroup_stats *stats)
{
	add_number(s, "\"cpu\":{\"usage\":{", "total", stats->cpu_total_ns);
	if (stats->n_cpu_per_cpu_ns) {
		str_add(s, ",\"percpu\":");
		for (size_t i = 0; i < stats->n_cpu_per_cpu_ns; i++)
			str_add_format(s, "%s%" PRIu64, i ? "," : "[", stats->cpu_per_cpu_ns[i]);
		str_add(s, "]");
	}
	add_number(s, ",", "kernel", stats->cpu_kernel_ns);
	add_number(s, ",", "user", stats->cpu_user_ns);
	add_number(s, "},\"throttling\":{", "periods", stats->cpu_periods);
	add_number(s, ",", "throttledPeriods", stats->cpu_throttled_periods);
	add_number(s, ",", "throttledTime", stats->cpu_throttled_ns);
	str_add(s, "}");
	add_pressure(s, &stats->cpu_pressure);
	str_add(s, "}");
}

static void add_memory_entry(struct str *s, const char *key,
			     const struct cgroup_memory_stats *entry)
{
	str_add_format(s, "\"%s\":{", key);
	add_number(s, "", "limit", entry->limit);
	add_number(s, ",", "usage", entry->usage);
	add_number(s, ",", "max", entry->max_usage);
	add_number(s, ",", "failcnt", entry->failcnt);
	str_add(s, "},");
}

static void add_memory(struct str *s, const struct cgroup_stats *stats)
{
	add_number(s, ",\"memory\":{", "cache", stats->memory_cache);
	str_add(s, ",");
	add_memory_entry(s, "usage", &stats->memory);
	add_memory_entry(s, "swap", &stats->memory_swap);
	add_memory_entry(s, "kernel", &stats->memory_kernel);
	add_memory_entry(s, "kernelTCP", &stats->memory_kernel_tcp);
	str_add(s, "\"raw\":{");
	for (size_t i = 0; i < stats->n_memory_raw; i++)
		add_number(s, i ? "," : "", stats->memory_raw[i].name, stats->memory_raw[i].value);
	str_add(s, "}");
	add_pressure(s, &stats->memory_pressure);
	str_add(s, "}");
}

static void add_block_entries(struct str *s, const char *key,
			      const struct cgroup_block_entry *entries, size_t count)
{
	str_add_format(s, "\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		add_number(s, i ? ",{" : "{", "major", entries[i].major);
		add_number(s, ",", "minor", entries[i].minor);
		str_add_format(s, ",\"op\":\"%s\"", entries[i].op);
		add_number(s, ",", "value", entries[i].value);
		str_add(s, "}");
	}
	str_add(s, "]");
}

static void add_block_io(struct str *s, const struct cgroup_stats *stats)
{
	str_add(s, ",\"blkio\":{");
	add_block_entries(s, "ioServiceBytesRecursive", stats->io_service_bytes,
			  stats->n_io_service_bytes);
	str_add(s, ",");
	add_block_entries(s, "ioServicedRecursive", stats->io_serviced, stats->n_io_serviced);
	add_pressure(s, &stats->io_pressure);
	str_add(s, "}");
}

static void add_hugetlb(struct str *s, const struct cgroup_stats *stats)
{
	str_add(s, ",\"hugetlb\":{");
	for (size_t i = 0; i < stats->n_hugetlb; i++) {
		const struct cgroup_hugetlb_stats *entry = &stats->hugetlb[i];

		str_add_format(s, "%s\"%s\":{", i ? "," : "", entry->page_size);
		add_number(s, "", "usage", entry->usage);
		add_number(s, ",", "max", entry->max_usage);
		add_number(s, ",", "failcnt", entry->failcnt);
		str_add(s, "}");
	}
	str_add(s, "}");
}

void stats_json_add_stats(struct str *s, const char *id, const struct cgroup_stats *stats)
{
	str_add_format(s, "{\"type\":\"stats\",\"id\":\"%s\",\"data\":{", id);
	add_cpu(s, stats);
	add_memory(s, stats);
	add_number(s, ",\"pids\":{", "current", stats->pids_current);
	add_number(s, ",", "limit", stats->pids_limit);
	str_add(s, "}");
	add_block_io(s, stats);
	add_hugetlb(s, stats);
	str_add(s, ",\"intel_rdt\":{},\"network_interfaces\":null}}\n");
}

void stats_json_add_oom(struct str *s, const char *id)
{
	str_add_format(s, "{\"type\":\"oom\",\"id\":\"%s\"}\n", id);
}
