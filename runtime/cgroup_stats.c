/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"
#include "runtime/cgroup_stats_parse.h"

/* What the readers work on. */
struct reading {
	const struct cgroup_dir *dir;
	struct arena *arena;
	struct cgroup_stats *stats;
};
typedef int read_function(struct reading *r, struct error *err);

/* A number that stays as it is when the file is missing. */
static void read_number(const struct cgroup_dir *dir, const char *file, uint64_t *ret)
{
	uint64_t value;

	if (cgroup_read_uint(dir, file, &value) == 0)
		*ret = value;
}

/* ---- memory ------------------------------------------------------------------------------- */

static void read_memory_stat(struct reading *r, const char *cache)
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
		read_number(dir, name, files[i].value);
	}
	if (out->limit >= v1_no_limit)
		out->limit = UINT64_MAX;
}

static int read_memory_v1(struct reading *r, struct error *err)
{
	(void)err;
	read_memory_part_v1(r->dir, "", &r->stats->memory);
	read_memory_part_v1(r->dir, "memsw.", &r->stats->memory_swap);
	read_memory_part_v1(r->dir, "kmem.", &r->stats->memory_kernel);
	read_memory_part_v1(r->dir, "kmem.tcp.", &r->stats->memory_kernel_tcp);
	read_memory_stat(r, "cache");
	return 0;
}

static int read_memory_v2(struct reading *r, struct error *err)
{
	struct cgroup_memory_stats *memory = &r->stats->memory, *both = &r->stats->memory_swap;
	cleanup_free char *events = cgroup_read_text(r->dir, "memory.events");

	(void)err;
	if (!events)
		return 0;
	(void)cgroup_text_find(events, "max", &memory->failcnt);
	read_number(r->dir, "memory.current", &memory->usage);
	read_number(r->dir, "memory.max", &memory->limit);
	read_number(r->dir, "memory.peak", &memory->max_usage);
	read_number(r->dir, "memory.swap.current", &both->usage);
	read_number(r->dir, "memory.swap.max", &both->limit);
	both->usage += memory->usage;
	if (memory->limit == UINT64_MAX || both->limit > UINT64_MAX - memory->limit)
		both->limit = UINT64_MAX;
	else
		both->limit += memory->limit;
	read_memory_stat(r, "file");
	for (size_t i = 0; i < r->stats->n_memory_raw; i++)
		if (str_equal(r->stats->memory_raw[i].name, "kernel"))
			r->stats->memory_kernel.usage = r->stats->memory_raw[i].value;
	return 0;
}

/* ---- CPU ---------------------------------------------------------------------------------- */

enum { CPUS_MOST = 8192 };

static int read_per_cpu(struct reading *r, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "cpuacct.usage_percpu");
	cleanup_free uint64_t *row = calloc(CPUS_MOST, sizeof(*row));
	size_t n;

	if (!row)
		return error_memory(err);
	n = text ? cgroup_parse_row(text, row, CPUS_MOST) : 0;
	r->stats->cpu_per_cpu_ns = arena_array(r->arena, n, sizeof(*row), err);
	if (!r->stats->cpu_per_cpu_ns)
		return -1;
	memcpy(r->stats->cpu_per_cpu_ns, row, n * sizeof(*row));
	r->stats->n_cpu_per_cpu_ns = n;
	return 0;
}

static int read_cpuacct_v1(struct reading *r, struct error *err)
{
	read_number(r->dir, "cpuacct.usage", &r->stats->cpu_total_ns);
	read_number(r->dir, "cpuacct.usage_user", &r->stats->cpu_user_ns);
	read_number(r->dir, "cpuacct.usage_sys", &r->stats->cpu_kernel_ns);
	return read_per_cpu(r, err);
}

static int read_cpu_v1(struct reading *r, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "cpu.stat");

	(void)err;
	if (!text)
		return 0;
	(void)cgroup_text_find(text, "nr_periods", &r->stats->cpu_periods);
	(void)cgroup_text_find(text, "nr_throttled", &r->stats->cpu_throttled_periods);
	(void)cgroup_text_find(text, "throttled_time", &r->stats->cpu_throttled_ns);
	return 0;
}

static int read_cpu_v2(struct reading *r, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, "cpu.stat");
	struct {
		const char *key;
		uint64_t *value, scale;
	} keys[] = {
		{ "usage_usec", &r->stats->cpu_total_ns, 1000 },
		{ "user_usec", &r->stats->cpu_user_ns, 1000 },
		{ "system_usec", &r->stats->cpu_kernel_ns, 1000 },
		{ "nr_periods", &r->stats->cpu_periods, 1 },
		{ "nr_throttled", &r->stats->cpu_throttled_periods, 1 },
		{ "throttled_usec", &r->stats->cpu_throttled_ns, 1000 },
	};

	(void)err;
	/* cgroup2 has this without the controller; where v1 counts, v1 has been read already. */
	for (size_t i = 0; text && i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint64_t value;
		if (*keys[i].value == 0 && cgroup_text_find(text, keys[i].key, &value))
			*keys[i].value = value * keys[i].scale;
	}
	return 0;
}

/* ---- pressure ----------------------------------------------------------------------------- */

static int read_pressure(struct reading *r, struct error *err)
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

static int read_pids(struct reading *r, struct error *err)
{
	uint64_t limit = UINT64_MAX;

	(void)err;
	read_number(r->dir, "pids.current", &r->stats->pids_current);
	read_number(r->dir, "pids.max", &limit);
	if (limit != UINT64_MAX)
		r->stats->pids_limit = limit;
	return 0;
}

/* ---- block devices ------------------------------------------------------------------------ */

static int keep_entries(struct reading *r, const struct cgroup_block_list *list,
			struct cgroup_block_entry **ret, size_t *ret_count, struct error *err)
{
	if (list->count == 0)
		return 0;
	*ret = arena_array(r->arena, list->count, sizeof(**ret), err);
	if (!*ret)
		return -1;
	memcpy(*ret, list->entries, list->count * sizeof(**ret));
	*ret_count = list->count;
	return 0;
}

#define cleanup_block_list __attribute__((cleanup(cgroup_block_list_done)))

/* The first file that has entries, by scheduler: bfq, cfq's successor-less names, the throttle. */
static int read_block_file(struct reading *r, const char *const *files,
			   struct cgroup_block_entry **ret, size_t *ret_count, struct error *err)
{
	for (; *files; files++) {
		cleanup_block_list struct cgroup_block_list list = CGROUP_BLOCK_LIST_EMPTY;
		cleanup_free char *text = cgroup_read_text(r->dir, *files);

		if (!text)
			continue;
		if (cgroup_parse_block_v1(text, &list, err) < 0)
			return -1;
		if (list.count > 0)
			return keep_entries(r, &list, ret, ret_count, err);
	}
	return 0;
}

static int read_block_v1(struct reading *r, struct error *err)
{
	static const char *const bytes[] = { "blkio.bfq.io_service_bytes_recursive",
					     "blkio.io_service_bytes_recursive",
					     "blkio.throttle.io_service_bytes_recursive",
					     "blkio.throttle.io_service_bytes", NULL };
	static const char *const operations[] = { "blkio.bfq.io_serviced_recursive",
						  "blkio.io_serviced_recursive",
						  "blkio.throttle.io_serviced_recursive",
						  "blkio.throttle.io_serviced", NULL };
	struct cgroup_stats *s = r->stats;

	if (read_block_file(r, bytes, &s->io_service_bytes, &s->n_io_service_bytes, err) < 0)
		return -1;
	return read_block_file(r, operations, &s->io_serviced, &s->n_io_serviced, err);
}

static int read_block_v2(struct reading *r, struct error *err)
{
	cleanup_block_list struct cgroup_block_list bytes = CGROUP_BLOCK_LIST_EMPTY;
	cleanup_block_list struct cgroup_block_list operations = CGROUP_BLOCK_LIST_EMPTY;
	cleanup_free char *text = cgroup_read_text(r->dir, "io.stat");
	struct cgroup_stats *s = r->stats;

	if (!text)
		return 0;
	if (cgroup_parse_block_v2(text, &bytes, &operations, err) < 0)
		return -1;
	if (keep_entries(r, &bytes, &s->io_service_bytes, &s->n_io_service_bytes, err) < 0)
		return -1;
	return keep_entries(r, &operations, &s->io_serviced, &s->n_io_serviced, err);
}

/* ---- huge pages --------------------------------------------------------------------------- */

enum { PAGE_SIZES_MOST = 16 };

/* "2MB" of "hugetlb.2MB.current"; false for other names, the reservations among them. */
static bool page_size_of(const char *name, const char *suffix, char out[16])
{
	const char *end;

	if (!str_starts_with(name, "hugetlb.") || !str_ends_with(name, suffix))
		return false;
	name += strlen("hugetlb.");
	end = strchr(name, '.');
	if (!end || !str_equal(end, suffix) || (size_t)(end - name) >= 16)
		return false;
	memcpy(out, name, (size_t)(end - name));
	out[end - name] = '\0';
	return true;
}

static void hugetlb_number(const struct cgroup_dir *dir, const char *size, const char *what,
			   uint64_t *ret)
{
	char file[64];

	/* Limits are on reservations, so these are what is counted where they are. */
	(void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", size, what);
	if (cgroup_read_uint(dir, file, ret) == 0)
		return;
	(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", size, what);
	read_number(dir, file, ret);
}

static void read_page_size(const struct cgroup_dir *dir, struct cgroup_hugetlb_stats *out)
{
	if (dir->controllers[0]) {
		hugetlb_number(dir, out->page_size, "usage_in_bytes", &out->usage);
		hugetlb_number(dir, out->page_size, "max_usage_in_bytes", &out->max_usage);
		hugetlb_number(dir, out->page_size, "failcnt", &out->failcnt);
		return;
	}
	char file[64];
	(void)snprintf(file, sizeof(file), "hugetlb.%s.events", out->page_size);
	cleanup_free char *events = cgroup_read_text(dir, file);
	hugetlb_number(dir, out->page_size, "current", &out->usage);
	if (events)
		(void)cgroup_text_find(events, "max", &out->failcnt);
}

static int read_hugetlb(struct reading *r, struct error *err)
{
	const char *suffix = r->dir->controllers[0] ? ".usage_in_bytes" : ".current";
	cleanup_fd int fd = openat(r->dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct cgroup_hugetlb_stats *out =
		arena_array(r->arena, PAGE_SIZES_MOST, sizeof(*out), err);
	size_t n = 0;

	if (stream)
		(void)move_fd(&fd);
	for (const struct dirent *entry; out && stream && (entry = readdir(stream));)
		if (n < PAGE_SIZES_MOST && page_size_of(entry->d_name, suffix, out[n].page_size))
			read_page_size(r->dir, &out[n++]);
	if (stream)
		(void)closedir(stream);
	if (n > 0) {
		r->stats->hugetlb = out;
		r->stats->n_hugetlb = n;
	}
	return out ? 0 : -1;
}

/* ---- all ---------------------------------------------------------------------------------- */

/* v1 first: what is counted there is not in cgroup2, but for CPU time. */
static const struct reader {
	const char *controller; /* of v1; "" is cgroup2 */
	read_function *read;
} readers[] = {
	{ "memory", read_memory_v1 },
	{ "cpuacct", read_cpuacct_v1 },
	{ "cpu", read_cpu_v1 },
	{ "pids", read_pids },
	{ "blkio", read_block_v1 },
	{ "hugetlb", read_hugetlb },
	{ "", read_memory_v2 },
	{ "", read_cpu_v2 },
	{ "", read_pids },
	{ "", read_block_v2 },
	{ "", read_hugetlb },
	{ "", read_pressure },
};

static int read_with(const struct cgroup *cgroup, const struct reader *reader, struct reading *r,
		     bool *ret_any, struct error *err)
{
	const struct cgroup_directory *directory =
		*reader->controller ? cgroup_find_v1(cgroup, reader->controller)
				    : cgroup_find_v2(cgroup);
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	if (!directory)
		return 0;
	if (cgroup_dir_open(directory, &dir) < 0)
		return errno == ENOENT || cgroup->tolerant
			       ? 0
			       : error_set(err, errno, "open %s", directory->path);
	*ret_any = true;
	struct reading here = *r;
	here.dir = &dir;
	return reader->read(&here, err);
}

int cgroup_read_stats(const struct cgroup *cgroup, struct arena *arena, struct cgroup_stats *ret,
		      struct error *err)
{
	struct cgroup_stats *stats = arena_alloc(arena, sizeof(*stats), err);
	struct reading r = { NULL, arena, stats };
	bool any = cgroup->disabled || cgroup->tolerant;

	if (!stats)
		return -1;
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
