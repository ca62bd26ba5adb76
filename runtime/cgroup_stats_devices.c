/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics that come by device or by size of page: a list of entries each. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_stats_parse.h"
#include "runtime/cgroup_stats_read.h"

/* ---- block devices ------------------------------------------------------------------------ */

static int keep_entries(struct cgroup_stats_reading *r, const struct cgroup_block_list *list,
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
static int read_block_file(struct cgroup_stats_reading *r, const char *const *files,
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

static const char *const block_files[CGROUP_BLOCK_KINDS][3] = {
	[CGROUP_BLOCK_QUEUED] = { "blkio.bfq.io_queued_recursive", "blkio.io_queued_recursive",
				  NULL },
	[CGROUP_BLOCK_SERVICE_TIME] = { "blkio.bfq.io_service_time_recursive",
					"blkio.io_service_time_recursive", NULL },
	[CGROUP_BLOCK_WAIT_TIME] = { "blkio.bfq.io_wait_time_recursive",
				     "blkio.io_wait_time_recursive", NULL },
	[CGROUP_BLOCK_MERGED] = { "blkio.bfq.io_merged_recursive", "blkio.io_merged_recursive",
				  NULL },
	[CGROUP_BLOCK_TIME] = { "blkio.bfq.time_recursive", "blkio.time_recursive", NULL },
	[CGROUP_BLOCK_SECTORS] = { "blkio.bfq.sectors_recursive", "blkio.sectors_recursive", NULL },
};

int cgroup_stats_read_block_v1(struct cgroup_stats_reading *r, struct error *err)
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

	if (read_block_file(r, bytes, &s->io_service_bytes, &s->n_io_service_bytes, err) < 0 ||
	    read_block_file(r, operations, &s->io_serviced, &s->n_io_serviced, err) < 0)
		return -1;
	for (size_t i = 0; i < CGROUP_BLOCK_KINDS; i++)
		if (read_block_file(r, block_files[i], &s->block[i].entries, &s->block[i].count,
				    err) < 0)
			return -1;
	return 0;
}

int cgroup_stats_read_block_v2(struct cgroup_stats_reading *r, struct error *err)
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
	cgroup_stats_read_number(dir, file, ret);
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
	hugetlb_number(dir, out->page_size, "max", &out->limit);
	if (events)
		(void)cgroup_text_find(events, "max", &out->failcnt);
}

int cgroup_stats_read_hugetlb(struct cgroup_stats_reading *r, struct error *err)
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

/* ---- remote memory access ------------------------------------------------------------------ */

static int read_rdma_file(struct cgroup_stats_reading *r, const char *file,
			  struct cgroup_rdma_entry **ret, size_t *ret_count, struct error *err)
{
	cleanup_free char *text = cgroup_read_text(r->dir, file);
	size_t lines = 1;

	if (!text || !*text)
		return 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	*ret = arena_array(r->arena, lines, sizeof(**ret), err);
	if (!*ret)
		return -1;
	*ret_count = cgroup_parse_rdma(text, *ret, lines);
	return 0;
}

int cgroup_stats_read_rdma(struct cgroup_stats_reading *r, struct error *err)
{
	struct cgroup_stats *s = r->stats;

	if (read_rdma_file(r, "rdma.current", &s->rdma_current, &s->n_rdma_current, err) < 0)
		return -1;
	return read_rdma_file(r, "rdma.max", &s->rdma_limit, &s->n_rdma_limit, err);
}
