/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of limits: which member of the configuration goes to which file, on
 * v1 and on v2. A controller that sits on v1 takes the v1 side, whatever else
 * the machine has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* ---- numbers and texts -------------------------------------------------------------------- */

/* A scalar of the configuration, as it was given. */
struct scalar {
	int64_t number;
	const char *text;
};

/* Makes the text to write. False when the value means "not given". */
typedef bool scalar_format(const struct scalar *value, char *out, size_t size);

static bool format_number(const struct scalar *value, char *out, size_t size)
{
	(void)snprintf(out, size, "%lld", (long long)value->number);
	return true;
}

static bool format_positive(const struct scalar *value, char *out, size_t size)
{
	return value->number > 0 && format_number(value, out, size);
}

/* Bytes: 0 is "not given", below is "no limit". */
static bool format_bytes_v1(const struct scalar *value, char *out, size_t size)
{
	(void)snprintf(out, size, "%lld", (long long)(value->number < 0 ? -1 : value->number));
	return value->number != 0;
}

static bool format_bytes_v2(const struct scalar *value, char *out, size_t size)
{
	if (value->number >= 0)
		return format_bytes_v1(value, out, size);
	(void)snprintf(out, size, "max");
	return true;
}

/* 0 is a limit here, but one that would keep the container's first process out: 1 does the same. */
static bool format_pids(const struct scalar *value, char *out, size_t size)
{
	if (value->number < 0)
		(void)snprintf(out, size, "max");
	else
		(void)snprintf(out, size, "%lld", (long long)(value->number ? value->number : 1));
	return true;
}

static bool format_text(const struct scalar *value, char *out, size_t size)
{
	int n = snprintf(out, size, "%s", value->text);

	return n > 0 && (size_t)n < size;
}

static bool format_one(const struct scalar *value, char *out, size_t size)
{
	(void)snprintf(out, size, "1");
	return value->number != 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

enum member_kind { MEMBER_INT64, MEMBER_INT, MEMBER_UINT, MEMBER_BOOL, MEMBER_TEXT };

/* One side of a row: a scalar goes to `file`, anything else has its function. */
struct limit_side {
	const char *controller;
	const char *file;
	scalar_format *format;
	cgroup_limit_write *write;
	const char *refused; /* why it cannot be */
};

struct limit_row {
	const char *name; /* in the configuration, below linux.resources */
	bool (*given)(const struct spec_resources *resources); /* NULL: a scalar */
	enum member_kind kind;
	size_t group, member; /* offset of the pointer in spec_resources, and within that */
	struct limit_side v1, v2;
};

/* 0 is what clients send for "not given". */
static bool is_set(const struct json_int *number)
{
	return number->set && number->value != 0;
}

static bool memory_given(const struct spec_resources *r)
{
	const struct spec_memory *m = r->memory;

	return m && (is_set(&m->limit) || is_set(&m->swap) || is_set(&m->kernel) ||
		     is_set(&m->kernel_tcp));
}

static bool weight_given(const struct spec_resources *r)
{
	return r->cpu && ((r->cpu->shares.set && r->cpu->shares.value) || r->cpu->idle.set);
}

static bool quota_given(const struct spec_resources *r)
{
	return r->cpu && (is_set(&r->cpu->quota) || (r->cpu->period.set && r->cpu->period.value) ||
			  r->cpu->burst.set);
}

static bool realtime_given(const struct spec_resources *r)
{
	return r->cpu && (is_set(&r->cpu->realtime_runtime) ||
			  (r->cpu->realtime_period.set && r->cpu->realtime_period.value));
}

static bool block_given(const struct spec_resources *r)
{
	const struct spec_block_io *b = r->block_io;

	return b && ((b->weight.set && b->weight.value) ||
		     (b->leaf_weight.set && b->leaf_weight.value) || b->n_weight_device ||
		     b->n_throttle_read_bps || b->n_throttle_write_bps || b->n_throttle_read_iops ||
		     b->n_throttle_write_iops);
}

static bool hugetlb_given(const struct spec_resources *r)
{
	return r->n_hugepage_limits > 0;
}

static bool rdma_given(const struct spec_resources *r)
{
	return r->n_rdma > 0;
}

static bool priorities_given(const struct spec_resources *r)
{
	return r->network && r->network->n_priorities > 0;
}

static bool unified_given(const struct spec_resources *r)
{
	return r->n_unified > 0;
}

#define SCALAR(g, m, k)                                                                            \
	.group = offsetof(struct spec_resources, g), .member = offsetof(struct spec_##g, m),       \
	.kind = (k)

/* In the order of writing; unified last, because it overrides. */
static const struct limit_row rows[] = {
	{ .name = "memory.limit",
	  .given = memory_given,
	  .v1 = { "memory", .write = cgroup_limit_memory_v1 },
	  .v2 = { "memory", .write = cgroup_limit_memory_v2 } },
	{ .name = "memory.reservation",
	  SCALAR(memory, reservation, MEMBER_INT),
	  .v1 = { "memory", "memory.soft_limit_in_bytes", format_bytes_v1 },
	  .v2 = { "memory", "memory.low", format_bytes_v2 } },
	{ .name = "memory.swappiness",
	  SCALAR(memory, swappiness, MEMBER_UINT),
	  .v1 = { "memory", "memory.swappiness", format_number },
	  .v2 = { "memory", .refused = "swappiness of a cgroup exists only on cgroup v1" } },
	{ .name = "memory.disableOOMKiller",
	  SCALAR(memory, disable_oom_killer, MEMBER_BOOL),
	  .v1 = { "memory", "memory.oom_control", format_one },
	  .v2 = { "memory", .refused = "the OOM killer can be disabled only on cgroup v1 (on v2, "
				       "memory.high in unified slows down instead of killing)" } },
	{ .name = "cpu.shares",
	  .given = weight_given,
	  .v1 = { "cpu", .write = cgroup_limit_weight_v1 },
	  .v2 = { "cpu", .write = cgroup_limit_weight_v2 } },
	{ .name = "cpu.quota",
	  .given = quota_given,
	  .v1 = { "cpu", .write = cgroup_limit_quota_v1 },
	  .v2 = { "cpu", .write = cgroup_limit_quota_v2 } },
	{ .name = "cpu.realtimeRuntime",
	  .given = realtime_given,
	  .v1 = { "cpu", .write = cgroup_limit_realtime_v1 },
	  .v2 = { "cpu", .refused = "real-time limits do not exist on cgroup v2" } },
	{ .name = "cpu.cpus",
	  SCALAR(cpu, cpus, MEMBER_TEXT),
	  .v1 = { "cpuset", "cpuset.cpus", format_text },
	  .v2 = { "cpuset", "cpuset.cpus", format_text } },
	{ .name = "cpu.mems",
	  SCALAR(cpu, mems, MEMBER_TEXT),
	  .v1 = { "cpuset", "cpuset.mems", format_text },
	  .v2 = { "cpuset", "cpuset.mems", format_text } },
	{ .name = "pids.limit",
	  SCALAR(pids, limit, MEMBER_INT64),
	  .v1 = { "pids", "pids.max", format_pids },
	  .v2 = { "pids", "pids.max", format_pids } },
	{ .name = "blockIO",
	  .given = block_given,
	  .v1 = { "blkio", .write = cgroup_limit_block_v1 },
	  .v2 = { "io", .write = cgroup_limit_block_v2 } },
	{ .name = "hugepageLimits",
	  .given = hugetlb_given,
	  .v1 = { "hugetlb", .write = cgroup_limit_hugetlb_v1 },
	  .v2 = { "hugetlb", .write = cgroup_limit_hugetlb_v2 } },
	{ .name = "network.classID",
	  .group = offsetof(struct spec_resources, network),
	  .member = offsetof(struct spec_network_limits, class_id),
	  .kind = MEMBER_UINT,
	  .v1 = { "net_cls", "net_cls.classid", format_positive },
	  .v2 = { "net_cls", .refused = "the net_cls controller exists only on cgroup v1" } },
	{ .name = "network.priorities",
	  .given = priorities_given,
	  .v1 = { "net_prio", .write = cgroup_limit_priorities_v1 },
	  .v2 = { "net_prio", .refused = "the net_prio controller exists only on cgroup v1" } },
	{ .name = "rdma",
	  .given = rdma_given,
	  .v1 = { "rdma", .write = cgroup_limit_rdma },
	  .v2 = { "rdma", .write = cgroup_limit_rdma } },
	{ .name = "unified",
	  .given = unified_given,
	  .v1 = { NULL },
	  .v2 = { "cgroup2", .write = cgroup_limit_unified } },
};

/* ---- writing ------------------------------------------------------------------------------ */

struct writing {
	const struct cgroup *cgroup;
	const struct spec_resources *resources;
	bool is_update;
	struct cgroup_dir *dirs; /* one for each directory, opened when first needed */
};

/* The scalar of a row; false when it is absent. */
static bool read_scalar(const struct limit_row *row, const struct spec_resources *resources,
			struct scalar *ret)
{
	const char *group =
		*(const char *const *)(const void *)((const char *)resources + row->group);
	const void *member = group ? group + row->member : NULL;
	const struct json_int *number = member;
	const struct json_uint *positive = member;

	*ret = (struct scalar){ 0, NULL };
	if (!group)
		return false;
	switch (row->kind) {
	case MEMBER_INT64:
		ret->number = *(const int64_t *)member;
		return true;
	case MEMBER_INT:
		ret->number = number->value;
		return number->set;
	case MEMBER_UINT:
		ret->number = positive->value > INT64_MAX ? INT64_MAX : (int64_t)positive->value;
		return positive->set;
	case MEMBER_BOOL:
		ret->number = *(const bool *)member;
		return ret->number != 0;
	case MEMBER_TEXT:
		ret->text = *(const char *const *)member;
		return ret->text && *ret->text;
	}
	return false;
}

static bool row_is_given(const struct limit_row *row, const struct spec_resources *resources,
			 struct scalar *ret)
{
	char text[4096];

	*ret = (struct scalar){ 0, NULL };
	if (row->given)
		return row->given(resources);
	if (!read_scalar(row, resources, ret))
		return false;
	/* What means "not given" must not ask for a controller either. */
	return row->kind == MEMBER_TEXT || !row->v1.format ||
	       row->v1.format(ret, text, sizeof(text));
}

/* The opened directory; NULL with err. */
static const struct cgroup_dir *open_directory(struct writing *w,
					       const struct cgroup_directory *directory,
					       const char *controller, struct error *err)
{
	struct cgroup_dir *dir = &w->dirs[directory - w->cgroup->directories];

	if (dir->fd >= 0 || cgroup_dir_open(directory, dir) == 0)
		return dir;
	error_set(err, errno, "open %s", directory->path);
	error_hint(err, "the container could not join or create its %s cgroup", controller);
	return NULL;
}

static int write_side(struct writing *w, const struct limit_row *row, const struct limit_side *side,
		      const struct cgroup_directory *directory, const struct scalar *value,
		      struct error *err)
{
	struct cgroup_limit limit = { NULL, w->resources, w->is_update };
	char text[4096];

	if (side->refused)
		return error_set(err, ENOTSUP, "%s", side->refused);
	limit.dir = open_directory(w, directory, side->controller, err);
	if (!limit.dir)
		return -1;
	if (side->write)
		return side->write(&limit, err);
	if (!side->format(value, text, sizeof(text)))
		return row->kind == MEMBER_TEXT ? error_set(err, E2BIG, "the value is too long")
						: 0;
	return cgroup_write(limit.dir, side->file, text, err);
}

static int write_row(struct writing *w, const struct limit_row *row, struct error *err)
{
	const struct cgroup_directory *directory;
	struct scalar value;

	if (!row_is_given(row, w->resources, &value))
		return 0;
	directory = row->v1.controller ? cgroup_find_v1(w->cgroup, row->v1.controller) : NULL;
	if (directory)
		return write_side(w, row, &row->v1, directory, &value, err);
	directory = cgroup_find_v2(w->cgroup);
	if (directory)
		return write_side(w, row, &row->v2, directory, &value, err);
	if (!w->cgroup->tolerant)
		return error_set(err, ENOENT,
				 "invalid configuration: this machine has no %s controller",
				 row->v2.controller);
	error_set(err, EPERM, "an ordinary user may make no %s cgroup here", row->v2.controller);
	return error_hint(err, "limits need a delegated subtree of cgroup v2: "
			       "systemd-run --user --scope -p Delegate=yes COMMAND; or root");
}

static int write_rows(struct writing *w, struct error *err)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (write_row(w, &rows[i], err) < 0)
			return error_wrap(err, "set linux.resources.%s", rows[i].name);
	return 0;
}

int cgroup_set_limits(const struct cgroup *cgroup, const struct spec_resources *resources,
		      bool is_update, struct error *err)
{
	static const struct spec_resources nothing;
	struct writing w = { cgroup, resources ? resources : &nothing, is_update, NULL };

	if (cgroup->disabled)
		return 0;
	if (cgroup->scope && is_update && cgroup_systemd_set_limits(cgroup, w.resources, err) < 0)
		return -1;
	w.dirs = calloc(cgroup->n_directories + 1, sizeof(*w.dirs));
	if (!w.dirs)
		return error_memory(err);
	for (size_t i = 0; i < cgroup->n_directories; i++)
		w.dirs[i].fd = -1;
	int r = write_rows(&w, err);
	for (size_t i = 0; i < cgroup->n_directories; i++)
		cgroup_dir_close(&w.dirs[i]);
	free(w.dirs);
	if (r == 0 && (!is_update || w.resources->n_devices > 0))
		r = cgroup_set_devices(cgroup, w.resources->devices, w.resources->n_devices, err);
	return r;
}
