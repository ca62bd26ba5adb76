/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU limits that depend on each other: weight and idle; quota, period and burst; real time. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "runtime/cgroup_backend.h"

static bool given(const struct json_uint *number)
{
	return number->set && number->value > 0;
}

/* ---- weight and idle ---------------------------------------------------------------------- */

/*
 * The kernel refuses a weight while idle is 1, so idle goes first when it is
 * switched off, and last when it is switched on.
 */
static int write_weight(const struct cgroup_limit *limit, const char *file, uint64_t weight,
			struct error *err)
{
	const struct json_int *idle = &limit->resources->cpu->idle;
	bool idle_on = idle->set && idle->value != 0;

	if (idle->set && !idle_on && cgroup_write(limit->dir, "cpu.idle", "0", err) < 0 &&
	    err->code != ENOENT)
		return -1;
	if (weight > 0 &&
	    cgroup_write_format(limit->dir, file, err, "%llu", (unsigned long long)weight) < 0) {
		if (err->code == EINVAL && idle_on)
			return cgroup_write_format(limit->dir, "cpu.idle", err, "%lld",
						   (long long)idle->value);
		if (err->code == EINVAL)
			error_hint(err, "it has no effect while cpu.idle is 1");
		return -1;
	}
	return idle_on ? cgroup_write_format(limit->dir, "cpu.idle", err, "%lld",
					     (long long)idle->value)
		       : 0;
}

int cgroup_limit_weight_v1(const struct cgroup_limit *limit, struct error *err)
{
	const struct json_uint *shares = &limit->resources->cpu->shares;
	uint64_t now = 0;

	if (write_weight(limit, "cpu.shares", given(shares) ? shares->value : 0, err) < 0)
		return -1;
	/* The kernel cuts silently. */
	if (given(shares) && cgroup_read_uint(limit->dir, "cpu.shares", &now) == 0 &&
	    now != shares->value)
		return error_set(err, ERANGE, "cpu.shares: the %s allowed is %llu",
				 shares->value > now ? "maximum" : "minimum",
				 (unsigned long long)now);
	return 0;
}

int cgroup_limit_weight_v2(const struct cgroup_limit *limit, struct error *err)
{
	const struct json_uint *shares = &limit->resources->cpu->shares;

	return write_weight(limit, "cpu.weight",
			    given(shares) ? cgroup_weight_of_shares(shares->value) : 0, err);
}

/* ---- pairs whose order depends on the old values ------------------------------------------ */

/* A value for one file; no file when there is nothing to write. */
struct pending {
	const char *file;
	char text[64];
};

static void pend(struct pending *pending, const char *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void pend(struct pending *pending, const char *file, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(pending->text, sizeof(pending->text), format, args);
	va_end(args);
	pending->file = file;
}

static int write_pending(const struct cgroup_dir *dir, struct pending *pending, struct error *err)
{
	if (!pending->file)
		return 0;
	if (cgroup_write(dir, pending->file, pending->text, err) < 0)
		return -1;
	pending->file = NULL;
	return 0;
}

/*
 * Writes the first ones and then the last. The kernel checks each write against
 * the old values of the others (EINVAL): a first one that it refuses is tried
 * again after the last, if there is a last.
 */
static int write_dependent(const struct cgroup_dir *dir, struct pending *first, size_t n_first,
			   struct pending *last, struct error *err)
{
	bool has_last = last->file != NULL;

	for (size_t i = 0; i < n_first; i++)
		if (write_pending(dir, &first[i], err) < 0 && !(err->code == EINVAL && has_last))
			return -1;
	if (write_pending(dir, last, err) < 0)
		return -1;
	for (size_t i = 0; i < n_first; i++)
		if (write_pending(dir, &first[i], err) < 0)
			return -1;
	return 0;
}

/* ---- quota, period, burst ----------------------------------------------------------------- */

/* 0 is the value that a kernel without burst has. */
static bool burst_given(const struct cgroup_dir *dir, const struct json_uint *burst,
			const char *file)
{
	uint64_t now;

	return burst->set && (burst->value > 0 || cgroup_read_uint(dir, file, &now) == 0);
}

int cgroup_limit_quota_v1(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_cpu *cpu = limit->resources->cpu;
	struct pending first[2] = { 0 }, quota = { 0 };

	if (given(&cpu->period))
		pend(&first[0], "cpu.cfs_period_us", "%llu", (unsigned long long)cpu->period.value);
	if (burst_given(limit->dir, &cpu->burst, "cpu.cfs_burst_us"))
		pend(&first[1], "cpu.cfs_burst_us", "%llu", (unsigned long long)cpu->burst.value);
	if (cpu->quota.set && cpu->quota.value != 0)
		pend(&quota, "cpu.cfs_quota_us", "%lld",
		     (long long)(cpu->quota.value < 0 ? -1 : cpu->quota.value));
	return write_dependent(limit->dir, first, 2, &quota, err);
}

/* cpu.max is "quota period"; quota alone keeps the period, for the other way round we read. */
static int pend_cpu_max(const struct cgroup_limit *limit, struct pending *pending,
			struct error *err)
{
	const struct spec_cpu *cpu = limit->resources->cpu;
	char quota[64];

	if (!given(&cpu->period) && (!cpu->quota.set || cpu->quota.value == 0))
		return 0;
	if (cpu->quota.set && cpu->quota.value < 0)
		(void)snprintf(quota, sizeof(quota), "max");
	else if (cpu->quota.set && cpu->quota.value > 0)
		(void)snprintf(quota, sizeof(quota), "%lld", (long long)cpu->quota.value);
	else if (fd_read_short(limit->dir->fd, "cpu.max", quota, sizeof(quota)) < 0) {
		/* Let the write name what is missing. */
		(void)snprintf(quota, sizeof(quota), "max");
	}
	quota[strcspn(quota, " ")] = '\0';
	if (given(&cpu->period))
		pend(pending, "cpu.max", "%.32s %llu", quota,
		     (unsigned long long)cpu->period.value);
	else
		pend(pending, "cpu.max", "%.32s", quota);
	(void)err;
	return 0;
}

int cgroup_limit_quota_v2(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_cpu *cpu = limit->resources->cpu;
	struct pending burst = { 0 }, max = { 0 };

	if (pend_cpu_max(limit, &max, err) < 0)
		return -1;
	if (burst_given(limit->dir, &cpu->burst, "cpu.max.burst"))
		pend(&burst, "cpu.max.burst", "%llu", (unsigned long long)cpu->burst.value);
	return write_dependent(limit->dir, &burst, 1, &max, err);
}

/* ---- real time ---------------------------------------------------------------------------- */

int cgroup_limit_realtime_v1(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_cpu *cpu = limit->resources->cpu;
	struct pending period = { 0 }, runtime = { 0 };

	if (given(&cpu->realtime_period))
		pend(&period, "cpu.rt_period_us", "%llu",
		     (unsigned long long)cpu->realtime_period.value);
	if (cpu->realtime_runtime.set && cpu->realtime_runtime.value != 0)
		pend(&runtime, "cpu.rt_runtime_us", "%lld", (long long)cpu->realtime_runtime.value);
	if (write_dependent(limit->dir, &period, 1, &runtime, err) == 0)
		return 0;
	if (err->code == EINVAL)
		error_hint(err, "the cgroup above must have as much real-time budget: see its "
				"cpu.rt_runtime_us");
	return -1;
}
