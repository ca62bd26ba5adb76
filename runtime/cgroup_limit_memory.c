/* SPDX-License-Identifier: Apache-2.0 */
/* memory.limit and memory.swap, which depend on each other. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "runtime/cgroup_backend.h"

static int64_t value_of(const struct json_int *number)
{
	/* 0 is what clients send for "not given". */
	return number->set ? (number->value < 0 ? -1 : number->value) : 0;
}

static void warn_of_kernel_memory(const struct spec_memory *memory)
{
	if (value_of(&memory->kernel) > 0 || value_of(&memory->kernel_tcp) > 0)
		log_warning("linux.resources.memory.kernel and kernelTCP are ignored: Linux counts "
			    "kernel memory in memory.limit");
}

/* ---- v1 ----------------------------------------------------------------------------------- */

static const char limit_file[] = "memory.limit_in_bytes";
static const char total_file[] = "memory.memsw.limit_in_bytes";

static int write_limit_v1(const struct cgroup_dir *dir, int64_t limit, struct error *err)
{
	uint64_t usage = 0, peak = 0;

	if (limit == 0 || cgroup_write_format(dir, limit_file, err, "%lld", (long long)limit) == 0)
		return 0;
	if (err->code == EBUSY && cgroup_read_uint(dir, "memory.usage_in_bytes", &usage) == 0 &&
	    cgroup_read_uint(dir, "memory.max_usage_in_bytes", &peak) == 0)
		error_hint(err, "less than what is in use: current usage %llu, peak usage %llu",
			   (unsigned long long)usage, (unsigned long long)peak);
	if (err->code == EINVAL)
		error_hint(err, "more than memory.swap, which counts both: raise that, too");
	return -1;
}

static int write_total_v1(const struct cgroup_dir *dir, int64_t swap, struct error *err)
{
	if (swap == 0 || cgroup_write_format(dir, total_file, err, "%lld", (long long)swap) == 0)
		return 0;
	/* Without swap accounting unlimited is what there is. */
	if (err->code == ENOENT && swap < 0)
		return 0;
	if (err->code == ENOENT)
		error_hint(err, "the kernel does not count swap: boot it with swapaccount=1");
	if (err->code == EINVAL)
		error_hint(err, "memory.swap is memory and swap together, and cannot be less than "
				"memory.limit");
	return -1;
}

int cgroup_limit_memory_v1(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_memory *memory = limit->resources->memory;
	int64_t bytes = value_of(&memory->limit), swap = value_of(&memory->swap);
	uint64_t current = 0;
	bool swap_first = false;

	warn_of_kernel_memory(memory);
	if (bytes < 0 && swap == 0)
		swap = -1;
	/* The kernel wants limit <= total at every moment: what is raised goes first. */
	if (bytes != 0 && swap != 0) {
		if (cgroup_read_uint(limit->dir, limit_file, &current) < 0)
			return error_set(err, errno, "read %s/%s", limit->dir->path, limit_file);
		swap_first = swap < 0 || current < (uint64_t)swap;
	}
	if (swap_first && write_total_v1(limit->dir, swap, err) < 0)
		return -1;
	if (write_limit_v1(limit->dir, bytes, err) < 0)
		return -1;
	return swap_first ? 0 : write_total_v1(limit->dir, swap, err);
}

/* ---- v2 ----------------------------------------------------------------------------------- */

/* v1 refuses a limit below the usage, cgroup2 kills: unless asked to look before. */
static int check_usage_v2(const struct cgroup_dir *dir, int64_t bytes, int64_t swap,
			  struct error *err)
{
	uint64_t usage = 0, swapped = 0;

	if (cgroup_read_uint(dir, "memory.current", &usage) < 0)
		return error_set(err, errno, "read %s/memory.current", dir->path);
	if (cgroup_read_uint(dir, "memory.swap.current", &swapped) < 0)
		swapped = 0;
	if (swap > 0 && usage + swapped > (uint64_t)swap)
		return error_set(
			err, EBUSY,
			"rejecting memory+swap limit %lld, less than what is in use (%llu)",
			(long long)swap, (unsigned long long)(usage + swapped));
	if (bytes > 0 && usage > (uint64_t)bytes)
		return error_set(err, EBUSY,
				 "rejecting memory limit %lld, less than what is in use (%llu)",
				 (long long)bytes, (unsigned long long)usage);
	return 0;
}

static int write_bytes_v2(const struct cgroup_dir *dir, const char *file, int64_t bytes,
			  struct error *err)
{
	if (bytes < 0)
		return cgroup_write(dir, file, "max", err);
	return cgroup_write_format(dir, file, err, "%lld", (long long)bytes);
}

int cgroup_limit_memory_v2(const struct cgroup_limit *limit, struct error *err)
{
	const struct spec_memory *memory = limit->resources->memory;
	int64_t bytes = value_of(&memory->limit), swap = value_of(&memory->swap), only_swap = 0;
	int64_t base = bytes;
	bool set_swap = false;
	uint64_t current;

	warn_of_kernel_memory(memory);
	if (bytes == 0 && swap == 0)
		return 0;
	/* An update of swap alone counts from the limit that is there. */
	if (swap > 0 && bytes == 0 && limit->is_update &&
	    cgroup_read_uint(limit->dir, "memory.max", &current) == 0 && current <= INT64_MAX)
		base = (int64_t)current;
	if (cgroup_swap_of_total(swap, base, &set_swap, &only_swap, err) < 0)
		return -1;
	if (memory->check_before_update && check_usage_v2(limit->dir, bytes, swap, err) < 0)
		return -1;
	if (set_swap && write_bytes_v2(limit->dir, "memory.swap.max", only_swap, err) < 0) {
		/* Without swap in the kernel "no limit" and "none" are both already so. */
		if (err->code != ENOENT || only_swap > 0 ||
		    faccessat(limit->dir->fd, "memory.max", F_OK, 0) < 0)
			return -1;
	}
	return bytes == 0 ? 0 : write_bytes_v2(limit->dir, "memory.max", bytes, err);
}
