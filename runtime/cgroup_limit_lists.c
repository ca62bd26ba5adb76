/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that come in lists: block devices, huge pages, RDMA, network, and the unified map. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

static bool have_file(const struct cgroup_dir *dir, const char *file)
{
	return faccessat(dir->fd, file, F_OK, 0) == 0;
}

static bool given(const struct json_uint *number)
{
	return number->set && number->value > 0;
}

/* ---- block devices ------------------------------------------------------------------------ */

/* The four lists of throttles, and what each is called on both sides. */
static const struct throttle {
	size_t rows, count; /* offsets in spec_block_io */
	const char *v1_file, *v2_key;
} throttles[] = {
#define THROTTLE(member, file, key)                                                                \
	{                                                                                          \
		offsetof(struct spec_block_io, member),                                            \
			offsetof(struct spec_block_io, n_##member), "blkio.throttle." file, key    \
	}
	THROTTLE(throttle_read_bps, "read_bps_device", "rbps"),
	THROTTLE(throttle_write_bps, "write_bps_device", "wbps"),
	THROTTLE(throttle_read_iops, "read_iops_device", "riops"),
	THROTTLE(throttle_write_iops, "write_iops_device", "wiops"),
};

static int write_throttle(const struct cgroup_dir *dir, const struct throttle *throttle,
			  const struct spec_block_throttle *row, struct error *err)
{
	bool v2 = dir->controllers[0] == '\0';

	if (!v2)
		return cgroup_write_format(dir, throttle->v1_file, err, "%lld:%lld %llu",
					   (long long)row->major, (long long)row->minor,
					   (unsigned long long)row->rate);
	/* 0 means no limit on v1, and is refused by cgroup2. */
	if (row->rate == 0)
		return cgroup_write_format(dir, "io.max", err, "%lld:%lld %s=max",
					   (long long)row->major, (long long)row->minor,
					   throttle->v2_key);
	return cgroup_write_format(dir, "io.max", err, "%lld:%lld %s=%llu", (long long)row->major,
				   (long long)row->minor, throttle->v2_key,
				   (unsigned long long)row->rate);
}

static int write_throttles(const struct cgroup_limit *limit, struct error *err)
{
	const char *block = (const char *)limit->resources->block_io;

	for (size_t i = 0; i < sizeof(throttles) / sizeof(throttles[0]); i++) {
		const struct spec_block_throttle *rows =
			*(struct spec_block_throttle *const *)(const void *)(block +
									     throttles[i].rows);
		size_t n = *(const size_t *)(const void *)(block + throttles[i].count);

		for (size_t j = 0; j < n; j++)
			if (write_throttle(limit->dir, &throttles[i], &rows[j], err) < 0)
				return -1;
	}
	return 0;
}

static int write_device_weight(const struct cgroup_dir *dir, const char *file,
			       const struct spec_block_weight *row, uint64_t weight,
			       struct error *err)
{
	return cgroup_write_format(dir, file, err, "%lld:%lld %llu", (long long)row->major,
				   (long long)row->minor, (unsigned long long)weight);
}

static int write_weights_v1(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_block_io *block = limit->resources->block_io;
	/* The bfq scheduler has files of its own since cfq left the kernel. */
	bool cfq = have_file(limit->dir, "blkio.weight");
	const char *file = cfq ? "blkio.weight" : "blkio.bfq.weight";
	const char *device_file = cfq ? "blkio.weight_device" : "blkio.bfq.weight_device";

	if (given(&block->weight) &&
	    cgroup_write_format(limit->dir, file, err, "%llu",
				(unsigned long long)block->weight.value) < 0)
		return -1;
	if (given(&block->leaf_weight) &&
	    cgroup_write_format(limit->dir, "blkio.leaf_weight", err, "%llu",
				(unsigned long long)block->leaf_weight.value) < 0)
		return -1;
	for (size_t i = 0; i < block->n_weight_device; i++) {
		const struct spec_block_weight *row = &block->weight_device[i];
		if (given(&row->weight) &&
		    write_device_weight(limit->dir, device_file, row, row->weight.value, err) < 0)
			return -1;
		if (given(&row->leaf_weight) &&
		    write_device_weight(limit->dir, "blkio.leaf_weight_device", row,
					row->leaf_weight.value, err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_limit_block_v1(const struct cgroup_limit *limit, struct error *err)
{
	return write_weights_v1(limit, err) < 0 ? -1 : write_throttles(limit, err);
}

/* Old kernels' io.bfq.weight knows no devices: then it shows a bare number. */
static bool bfq_knows_devices(const struct cgroup_dir *dir)
{
	char text[64];

	return fd_read_short(dir->fd, "io.bfq.weight", text, sizeof(text)) >= 0 &&
	       str_starts_with(text, "default");
}

static int write_weights_v2(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_block_io *block = limit->resources->block_io;
	bool bfq = have_file(limit->dir, "io.bfq.weight");
	bool bfq_devices = bfq && block->n_weight_device > 0 && bfq_knows_devices(limit->dir);
	uint64_t weight = block->weight.value;

	if (given(&block->leaf_weight))
		return error_set(err, ENOTSUP, "leafWeight does not exist on cgroup v2");
	if (given(&block->weight) &&
	    cgroup_write_format(
		    limit->dir, bfq ? "io.bfq.weight" : "io.weight", err, "%llu",
		    (unsigned long long)(bfq ? weight : cgroup_io_weight_of_blkio(weight))) < 0)
		return -1;
	for (size_t i = 0; i < block->n_weight_device; i++) {
		const struct spec_block_weight *row = &block->weight_device[i];
		if (given(&row->leaf_weight))
			return error_set(err, ENOTSUP, "leafWeight does not exist on cgroup v2");
		if (!given(&row->weight))
			continue;
		weight = row->weight.value;
		if (write_device_weight(
			    limit->dir, bfq_devices ? "io.bfq.weight" : "io.weight", row,
			    bfq_devices ? weight : cgroup_io_weight_of_blkio(weight), err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_limit_block_v2(const struct cgroup_limit *limit, struct error *err)
{
	return write_weights_v2(limit, err) < 0 ? -1 : write_throttles(limit, err);
}

/* ---- huge pages --------------------------------------------------------------------------- */

/* Both accountings, of reservations and of faults; older kernels have only the second. */
static int write_hugetlb(const struct cgroup_limit *limit, const char *suffix, struct error *err)
{
	for (size_t i = 0; i < limit->resources->n_hugepage_limits; i++) {
		const struct spec_hugepage_limit *row = &limit->resources->hugepage_limits[i];
		const struct cgroup_dir *dir = limit->dir;
		char file[96];

		if (strchr(row->page_size, '/') || strlen(row->page_size) > 16)
			return error_set(err, EINVAL, "\"%s\" is not a page size", row->page_size);
		(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", row->page_size, suffix);
		if (cgroup_write_format(dir, file, err, "%llu", (unsigned long long)row->limit) < 0)
			return -1;
		(void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", row->page_size, suffix);
		if (cgroup_write_format(dir, file, err, "%llu", (unsigned long long)row->limit) <
			    0 &&
		    err->code != ENOENT)
			return -1;
	}
	return 0;
}

int cgroup_limit_hugetlb_v1(const struct cgroup_limit *limit, struct error *err)
{
	return write_hugetlb(limit, "limit_in_bytes", err);
}

int cgroup_limit_hugetlb_v2(const struct cgroup_limit *limit, struct error *err)
{
	return write_hugetlb(limit, "max", err);
}

/* ---- RDMA and network --------------------------------------------------------------------- */

int cgroup_limit_rdma(const struct cgroup_limit *limit, struct error *err)
{
	for (size_t i = 0; i < limit->resources->n_rdma; i++) {
		const struct spec_rdma *row = &limit->resources->rdma[i];
		cleanup_str struct str text = STR_EMPTY;

		str_add(&text, row->device);
		if (row->hca_handles.set)
			str_add_format(&text, " hca_handle=%llu",
				       (unsigned long long)row->hca_handles.value);
		if (row->hca_objects.set)
			str_add_format(&text, " hca_object=%llu",
				       (unsigned long long)row->hca_objects.value);
		cleanup_free char *line = str_take(&text, err);
		if (!line || cgroup_write(limit->dir, "rdma.max", line, err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_limit_priorities_v1(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_network_limits *network = limit->resources->network;

	for (size_t i = 0; i < network->n_priorities; i++)
		if (cgroup_write_format(limit->dir, "net_prio.ifpriomap", err, "%s %lu",
					network->priorities[i].name,
					(unsigned long)network->priorities[i].priority) < 0)
			return -1;
	return 0;
}

/* ---- the unified map ---------------------------------------------------------------------- */

static int write_lines(const struct cgroup_dir *dir, const char *file, const char *value,
		       struct error *err)
{
	cleanup_free char *copy = strdup(value);
	char *rest = copy;

	if (!copy)
		return error_memory(err);
	/* Files such as io.max take one device at a time. An empty value resets. */
	if (!*copy)
		return cgroup_write(dir, file, "\n", err);
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && cgroup_write(dir, file, line, err) < 0)
			return -1;
	return 0;
}

static int write_unified(const struct cgroup_dir *dir, const struct json_pair *pair,
			 struct error *err)
{
	char available[512];
	size_t n = strcspn(pair->key, ".");

	if (strchr(pair->key, '/') || !pair->key[n] || n == 0)
		return error_set(
			err, EINVAL,
			"\"%s\" is not the name of a file of a controller (controller.file)",
			pair->key);
	if (write_lines(dir, pair->key, pair->value, err) == 0)
		return 0;
	if (err->code == ENOENT && !str_starts_with(pair->key, "cgroup.") &&
	    fd_read_short(dir->fd, "cgroup.controllers", available, sizeof(available)) >= 0) {
		char *rest = available;
		for (char *word; (word = strsep(&rest, " "));)
			if (strlen(word) == n && strncmp(word, pair->key, n) == 0)
				return -1;
		error_set(err, ENOENT,
			  "invalid configuration: \"%s\": the controller \"%.*s\" is not available "
			  "on cgroup v2 for %s",
			  pair->key, (int)n, pair->key, dir->path);
	}
	return -1;
}

int cgroup_limit_unified(const struct cgroup_limit *limit, struct error *err)
{
	for (size_t i = 0; i < limit->resources->n_unified; i++)
		if (write_unified(limit->dir, &limit->resources->unified[i], err) < 0)
			return -1;
	return 0;
}
