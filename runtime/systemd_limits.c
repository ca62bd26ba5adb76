/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/systemd_limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number_list.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* The releases that brought a property or a value of it. */
enum { SINCE_PERIOD = 242, SINCE_CPUSET = 244, SINCE_IDLE = 252 };

static const uint64_t infinity = UINT64_MAX;

struct translation {
	struct systemd_properties *list;
	const struct spec_resources *resources;
	const struct systemd_limits_now *now;
	bool v2;
};

/* -1 and the like are no limit. */
static uint64_t or_infinity(int64_t value)
{
	return value < 0 ? infinity : (uint64_t)value;
}

/* 0 is what clients send for "not given". */
static bool given(const struct json_int *number)
{
	return number->set && number->value != 0;
}

static bool given_unsigned(const struct json_uint *number)
{
	return number->set && number->value != 0;
}

/* ---- memory and tasks --------------------------------------------------------------------- */

static int add_swap(const struct translation *t, const struct spec_memory *memory,
		    struct error *err)
{
	int64_t limit = given(&memory->limit) ? memory->limit.value : t->now->memory, only = 0;
	bool set = false;

	/* An unlimited memory that is not asked for says nothing about swap. */
	if (!given(&memory->swap) && !given(&memory->limit))
		return 0;
	if (cgroup_swap_of_total(memory->swap.set ? memory->swap.value : 0, limit, &set, &only,
				 err) < 0)
		return -1;
	return set ? systemd_property_number(t->list, "MemorySwapMax", or_infinity(only), err) : 0;
}

static int add_memory(const struct translation *t, struct error *err)
{
	const struct spec_memory *memory = t->resources->memory;

	if (!memory)
		return 0;
	if (given(&memory->limit) &&
	    systemd_property_number(t->list, t->v2 ? "MemoryMax" : "MemoryLimit",
				    or_infinity(memory->limit.value), err) < 0)
		return -1;
	if (!t->v2)
		return 0;
	if (given(&memory->reservation) &&
	    systemd_property_number(t->list, "MemoryLow", or_infinity(memory->reservation.value),
				    err) < 0)
		return -1;
	return add_swap(t, memory, err);
}

static int add_tasks(const struct translation *t, struct error *err)
{
	const struct spec_pids *pids = t->resources->pids;

	if (!pids)
		return 0;
	/* As in cgroup_limits.c: 0 would keep the first process out. */
	return systemd_property_number(t->list, "TasksMax",
				       pids->limit == 0 ? 1 : or_infinity(pids->limit), err);
}

/* ---- processors --------------------------------------------------------------------------- */

static int add_weight(const struct translation *t, struct error *err)
{
	const struct spec_cpu *cpu = t->resources->cpu;

	if (given_unsigned(&cpu->shares) &&
	    systemd_property_number(t->list, t->v2 ? "CPUWeight" : "CPUShares",
				    t->v2 ? cgroup_weight_of_shares(cpu->shares.value)
					  : cpu->shares.value,
				    err) < 0)
		return -1;
	if (!t->v2 || !cpu->idle.set || cpu->idle.value != 1)
		return 0;
	/* The weight that systemd calls "idle". */
	if (systemd_property_number(t->list, "CPUWeight", 0, err) < 0)
		return -1;
	systemd_property_since(t->list, SINCE_IDLE);
	return 0;
}

/* systemd counts in hundredths of a processor, and shows what is no multiple of one as none. */
static uint64_t quota_per_second(int64_t quota, uint64_t period)
{
	const uint64_t second = 1000000, percent = second / 100;
	uint64_t whole = (uint64_t)quota / period * second,
		 rest = (uint64_t)quota % period * second / period;

	return (whole + rest + percent - 1) / percent * percent;
}

static int add_quota(const struct translation *t, int64_t quota, uint64_t period, struct error *err)
{
	/* Less than a microsecond, or more than there are processors: the kernel says no. */
	if (period == 0 || period > 1000000 || quota > INT64_MAX / 1000000)
		return 0;
	if (systemd_property_number(t->list, "CPUQuotaPerSecUSec",
				    quota < 0 ? infinity : quota_per_second(quota, period),
				    err) < 0 ||
	    systemd_property_number(t->list, "CPUQuotaPeriodUSec", period, err) < 0)
		return -1;
	systemd_property_since(t->list, SINCE_PERIOD);
	return 0;
}

/* "0-3,7" as a mask, its least byte first. A text that is no list is left to the kernel. */
static int add_numbers(const struct translation *t, const char *name, const char *text,
		       struct error *err)
{
	static const struct number_list empty;
	struct number_list numbers = empty;
	char digits[NUMBER_LIST_MAX / 8][4];
	const char *values[NUMBER_LIST_MAX / 8];
	size_t n = 0;

	if (!text || !*text || !number_list_parse(text, &numbers))
		return 0;
	for (size_t i = 0; i < NUMBER_LIST_MAX / 8; i++) {
		size_t bit = i * 8;
		unsigned long word = numbers.mask[bit / NUMBER_LIST_WORD];
		(void)snprintf(digits[i], sizeof(digits[i]), "%u",
			       (unsigned int)(word >> bit % NUMBER_LIST_WORD & 0xff));
		values[i] = digits[i];
		if (!str_equal(digits[i], "0"))
			n = i + 1;
	}
	if (systemd_property_set(t->list, name, "ay", values, n, err) < 0)
		return -1;
	systemd_property_since(t->list, SINCE_CPUSET);
	return 0;
}

static int add_cpu(const struct translation *t, struct error *err)
{
	const struct spec_cpu *cpu = t->resources->cpu;

	if (!cpu)
		return 0;
	if (add_weight(t, err) < 0)
		return -1;
	if ((given(&cpu->quota) || given_unsigned(&cpu->period)) &&
	    add_quota(t, given(&cpu->quota) ? cpu->quota.value : t->now->quota,
		      given_unsigned(&cpu->period) ? cpu->period.value : t->now->period, err) < 0)
		return -1;
	if (!t->v2)
		return 0;
	return add_numbers(t, "AllowedCPUs", cpu->cpus, err) < 0
		       ? -1
		       : add_numbers(t, "AllowedMemoryNodes", cpu->mems, err);
}

/* ---- block devices ------------------------------------------------------------------------ */

/* Rows of a(st): a device, and a number each. */
struct device_numbers {
	struct arena *arena;
	const char **values;
	size_t n;
};

static int add_device_number(struct device_numbers *to, int64_t major, int64_t minor,
			     uint64_t number, struct error *err)
{
	to->values[to->n] =
		arena_format(to->arena, err, "/dev/block/%" PRId64 ":%" PRId64, major, minor);
	to->values[to->n + 1] = arena_format(to->arena, err, "%" PRIu64, number);
	if (!to->values[to->n] || !to->values[to->n + 1])
		return -1;
	to->n += 2;
	return 0;
}

static int add_throttle(const struct translation *t, const char *name,
			const struct spec_block_throttle *rows, size_t n, struct error *err)
{
	struct device_numbers numbers = { .arena = t->list->arena };

	if (n == 0)
		return 0;
	numbers.values = arena_array(t->list->arena, 2 * n, sizeof(*numbers.values), err);
	if (!numbers.values)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_device_number(&numbers, rows[i].major, rows[i].minor,
				      rows[i].rate ? rows[i].rate : infinity, err) < 0)
			return -1;
	return systemd_property_set(t->list, name, "a(st)", numbers.values, numbers.n, err);
}

static int add_device_weights(const struct translation *t, struct error *err)
{
	const struct spec_block_io *block = t->resources->block_io;
	struct device_numbers numbers = { .arena = t->list->arena };

	numbers.values = arena_array(t->list->arena, 2 * block->n_weight_device,
				     sizeof(*numbers.values), err);
	if (!numbers.values)
		return -1;
	for (size_t i = 0; i < block->n_weight_device; i++) {
		const struct spec_block_weight *row = &block->weight_device[i];
		if (given_unsigned(&row->weight) &&
		    add_device_number(&numbers, row->major, row->minor,
				      cgroup_io_weight_of_blkio(row->weight.value), err) < 0)
			return -1;
	}
	return numbers.n ? systemd_property_set(t->list, "IODeviceWeight", "a(st)", numbers.values,
						numbers.n, err)
			 : 0;
}

/* On v1 the weight alone: what is told of devices there is gone from newer systemds. */
static int add_block_io(const struct translation *t, struct error *err)
{
	const struct spec_block_io *block = t->resources->block_io;

	if (!block)
		return 0;
	if (given_unsigned(&block->weight) &&
	    systemd_property_number(t->list, t->v2 ? "IOWeight" : "BlockIOWeight",
				    t->v2 ? cgroup_io_weight_of_blkio(block->weight.value)
					  : block->weight.value,
				    err) < 0)
		return -1;
	if (!t->v2)
		return 0;
	if (add_device_weights(t, err) < 0 ||
	    add_throttle(t, "IOReadBandwidthMax", block->throttle_read_bps,
			 block->n_throttle_read_bps, err) < 0 ||
	    add_throttle(t, "IOWriteBandwidthMax", block->throttle_write_bps,
			 block->n_throttle_write_bps, err) < 0 ||
	    add_throttle(t, "IOReadIOPSMax", block->throttle_read_iops, block->n_throttle_read_iops,
			 err) < 0)
		return -1;
	return add_throttle(t, "IOWriteIOPSMax", block->throttle_write_iops,
			    block->n_throttle_write_iops, err);
}

/* ---- the unified map ---------------------------------------------------------------------- */

/* "max" or a number. False: something else, which the kernel will refuse. */
static bool parse_maximum(const char *text, uint64_t *ret)
{
	*ret = infinity;
	return str_equal(text, "max") || str_to_uint(text, 10, UINT64_MAX, ret);
}

static int add_unified_quota(const struct translation *t, const char *text, struct error *err)
{
	size_t n = strcspn(text, " ");
	cleanup_free char *quota = str_format(err, "%.*s", (int)n, text);
	uint64_t number, period = t->now->period;

	if (!quota)
		return -1;
	if (!parse_maximum(quota, &number) ||
	    (text[n] && !str_to_uint(text + n + 1, 10, UINT32_MAX, &period)) ||
	    (number != infinity && number > INT64_MAX))
		return 0;
	return add_quota(t, number == infinity ? -1 : (int64_t)number, period, err);
}

static int add_unified(const struct translation *t, const struct json_pair *pair, struct error *err)
{
	static const char *const numbers[][2] = {
		{ "cpu.weight", "CPUWeight" },	 { "io.weight", "IOWeight" },
		{ "memory.high", "MemoryHigh" }, { "memory.low", "MemoryLow" },
		{ "memory.min", "MemoryMin" },	 { "memory.max", "MemoryMax" },
		{ "pids.max", "TasksMax" },	 { "memory.swap.max", "MemorySwapMax" },
	};
	const char *text = pair->value;
	uint64_t number;

	if (str_equal(pair->key, "cpu.max"))
		return add_unified_quota(t, text, err);
	if (str_equal(pair->key, "cpuset.cpus"))
		return add_numbers(t, "AllowedCPUs", text, err);
	if (str_equal(pair->key, "cpuset.mems"))
		return add_numbers(t, "AllowedMemoryNodes", text, err);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (str_equal(pair->key, numbers[i][0]))
			return parse_maximum(str_starts_with(text, "default ") ? text + 8 : text,
					     &number)
				       ? systemd_property_number(t->list, numbers[i][1], number,
								 err)
				       : 0;
	return 0;
}

int systemd_limits_add(struct systemd_properties *list, const struct spec_resources *resources,
		       bool v2, bool with_devices, const struct systemd_limits_now *now,
		       struct error *err)
{
	static const struct spec_resources nothing;
	const struct translation t = { list, resources ? resources : &nothing, now, v2 };

	if (add_memory(&t, err) < 0 || add_tasks(&t, err) < 0 || add_cpu(&t, err) < 0 ||
	    add_block_io(&t, err) < 0)
		return error_wrap(err, "linux.resources");
	/* Last, because it overrides. */
	for (size_t i = 0; v2 && i < t.resources->n_unified; i++)
		if (add_unified(&t, &t.resources->unified[i], err) < 0)
			return -1;
	return with_devices ? systemd_devices_add(list, t.resources, err) : 0;
}
