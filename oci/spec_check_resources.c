/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "oci/spec_check_parts.h"

/* -- devices -- */

static int check_rule(const struct spec_device_rule *rule, struct error *err)
{
	if (rule->type && (strlen(rule->type) != 1 || !strchr("acb", *rule->type)))
		return error_set(err, 0, "type: \"%.64s\" is none of a, c, b", rule->type);
	if (rule->major.set && (rule->major.value < -1 || rule->major.value > UINT32_MAX))
		return error_set(err, 0, "major: %" PRId64 " is out of range", rule->major.value);
	if (rule->minor.set && (rule->minor.value < -1 || rule->minor.value > UINT32_MAX))
		return error_set(err, 0, "minor: %" PRId64 " is out of range", rule->minor.value);
	if (rule->access && rule->access[strspn(rule->access, "rwm")])
		return error_set(err, 0, "access: \"%.64s\" is not made of r, w and m",
				 rule->access);
	return 0;
}

static int check_rules(const struct spec_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->n_devices; i++)
		if (check_rule(&resources->devices[i], err) < 0)
			return spec_check_within(err, "devices[%zu]", i);
	return 0;
}

/* -- memory -- */

static int check_limit(const struct json_int *limit, const char *key, struct error *err)
{
	if (limit->set && limit->value < -1)
		return error_set(err, 0, "%s: %" PRId64 " is less than -1, which means unlimited",
				 key, limit->value);
	return 0;
}

static int check_memory(const struct spec_memory *memory, struct error *err)
{
	if (check_limit(&memory->limit, "limit", err) < 0 ||
	    check_limit(&memory->reservation, "reservation", err) < 0 ||
	    check_limit(&memory->swap, "swap", err) < 0 ||
	    check_limit(&memory->kernel, "kernel", err) < 0 ||
	    check_limit(&memory->kernel_tcp, "kernelTCP", err) < 0)
		return -1;
	/* 0 is what callers write who mean nothing by it. */
	if (memory->swap.value > 0 && memory->swap.value < memory->limit.value)
		return error_set(err, 0,
				 "swap: memory and swap together, %" PRId64
				 ", are less than limit, %" PRId64,
				 memory->swap.value, memory->limit.value);
	if (memory->swappiness.set && memory->swappiness.value > 100)
		return error_set(err, 0, "swappiness: %" PRIu64 " is more than 100",
				 memory->swappiness.value);
	return 0;
}

/* -- cpu -- */

/* cpuset(7), "List format"; the kernel tells the rest. */
static bool is_set_list(const char *s)
{
	return !s || !s[strspn(s, "0123456789,-:/ ")];
}

static int check_cpu(const struct spec_cpu *cpu, struct error *err)
{
	if (check_limit(&cpu->quota, "quota", err) < 0 ||
	    check_limit(&cpu->realtime_runtime, "realtimeRuntime", err) < 0)
		return -1;
	if (cpu->quota.value > 0 && cpu->burst.value > (uint64_t)cpu->quota.value)
		return error_set(err, 0, "burst: %" PRIu64 " is more than quota, %" PRId64,
				 cpu->burst.value, cpu->quota.value);
	if (cpu->idle.set && cpu->idle.value != 0 && cpu->idle.value != 1)
		return error_set(err, 0, "idle: %" PRId64 " is neither 0 nor 1", cpu->idle.value);
	if (!is_set_list(cpu->cpus))
		return error_set(err, 0, "cpus: \"%.64s\" is not a list such as 0-3,7", cpu->cpus);
	if (!is_set_list(cpu->mems))
		return error_set(err, 0, "mems: \"%.64s\" is not a list such as 0-3,7", cpu->mems);
	return 0;
}

/* -- blockIO -- */

/* The range of cgroup v1; 0 is what callers write who mean nothing by it. */
static int check_weight(const struct json_uint *weight, const char *key, struct error *err)
{
	if (weight->set && weight->value != 0 && (weight->value < 10 || weight->value > 1000))
		return error_set(err, 0, "%s: %" PRIu64 " is not within 10 and 1000", key,
				 weight->value);
	return 0;
}

/* makedev(3) on Linux: 12 bits and 20. */
static int check_number(int64_t major, int64_t minor, struct error *err)
{
	if (major < 0 || major > 0xfff)
		return error_set(err, 0, "major: %" PRId64 " is not within 0 and %d", major, 0xfff);
	if (minor < 0 || minor > 0xfffff)
		return error_set(err, 0, "minor: %" PRId64 " is not within 0 and %d", minor,
				 0xfffff);
	return 0;
}

static int check_weight_device(const struct spec_block_weight *device, struct error *err)
{
	if (check_number(device->major, device->minor, err) < 0)
		return -1;
	if (!device->weight.set && !device->leaf_weight.set)
		return error_set(err, 0, "weight: missing, and so is leafWeight");
	if (check_weight(&device->weight, "weight", err) < 0)
		return -1;
	return check_weight(&device->leaf_weight, "leafWeight", err);
}

static int check_throttles(const struct spec_block_throttle *throttles, size_t n, const char *key,
			   struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (check_number(throttles[i].major, throttles[i].minor, err) < 0)
			return spec_check_within(err, "%s[%zu]", key, i);
	return 0;
}

static int check_block_io(const struct spec_block_io *io, struct error *err)
{
	if (check_weight(&io->weight, "weight", err) < 0 ||
	    check_weight(&io->leaf_weight, "leafWeight", err) < 0)
		return -1;
	for (size_t i = 0; i < io->n_weight_device; i++)
		if (check_weight_device(&io->weight_device[i], err) < 0)
			return spec_check_within(err, "weightDevice[%zu]", i);
#define CHECK_THROTTLES(m, key)                                                                    \
	check_throttles(io->throttle_##m, io->n_throttle_##m, "throttle" key "Device", err)
	if (CHECK_THROTTLES(read_bps, "ReadBps") < 0 ||
	    CHECK_THROTTLES(write_bps, "WriteBps") < 0 ||
	    CHECK_THROTTLES(read_iops, "ReadIOPS") < 0 ||
	    CHECK_THROTTLES(write_iops, "WriteIOPS") < 0)
		return -1;
#undef CHECK_THROTTLES
	return 0;
}

/* -- The small ones -- */

/* It becomes part of a file's name: "2MB". */
static bool is_page_size(const char *s)
{
	size_t digits = strspn(s, "0123456789");
	const char *unit = s + digits;

	return digits > 0 && digits < 20 && *s != '0' && *unit && strchr("KMG", *unit) &&
	       strcmp(unit + 1, "B") == 0;
}

static int check_hugepages(const struct spec_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->n_hugepage_limits; i++)
		if (!is_page_size(resources->hugepage_limits[i].page_size))
			return error_set(
				err, 0,
				"hugepageLimits[%zu].pageSize: \"%.64s\" is not a size such as "
				"64KB, 2MB, 1GB",
				i, resources->hugepage_limits[i].page_size);
	return 0;
}

static int check_network(const struct spec_network_limits *network, struct error *err)
{
	for (size_t i = 0; i < network->n_priorities; i++) {
		const char *name = network->priorities[i].name;
		if (!*name || strpbrk(name, " \t\r\n"))
			return error_set(
				err, 0,
				"network.priorities[%zu].name: \"%.64s\" is not the name of "
				"an interface",
				i, name);
	}
	return 0;
}

static int check_rdma(const struct spec_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->n_rdma; i++) {
		const struct spec_rdma *rdma = &resources->rdma[i];
		if (!*rdma->device || strpbrk(rdma->device, " \t\r\n"))
			return error_set(err, 0, "rdma[\"%.64s\"]: not the name of a device",
					 rdma->device);
		if (!rdma->hca_handles.set && !rdma->hca_objects.set)
			return error_set(
				err, 0, "rdma[\"%.64s\"].hcaHandles: missing, and so is hcaObjects",
				rdma->device);
	}
	return 0;
}

/* -- unified -- */

/* Of cgroup2's own files the limits; the others move, freeze or kill processes. */
static const char *const core_files[] = { "cgroup.max.depth", "cgroup.max.descendants",
					  "cgroup.pressure", NULL };

static int check_unified(const struct spec_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->n_unified; i++) {
		const char *key = resources->unified[i].key;
		if (!*key || *key == '.' || strpbrk(key, "/\r\n"))
			return error_set(err, 0,
					 "unified[\"%.64s\"]: not the name of a cgroup file", key);
		if (str_starts_with(key, "cgroup.") && !spec_check_known(core_files, key))
			return error_set(err, 0, "unified[\"%.64s\"]: is the runtime's to write",
					 key);
	}
	return 0;
}

static int check_all(const struct spec_resources *resources, struct error *err)
{
	if (check_rules(resources, err) < 0)
		return -1;
	if (resources->memory && check_memory(resources->memory, err) < 0)
		return spec_check_within(err, "memory");
	if (resources->cpu && check_cpu(resources->cpu, err) < 0)
		return spec_check_within(err, "cpu");
	if (resources->pids && resources->pids->limit < -1)
		return error_set(err, 0,
				 "pids.limit: %" PRId64 " is less than -1, which means unlimited",
				 resources->pids->limit);
	if (resources->block_io && check_block_io(resources->block_io, err) < 0)
		return spec_check_within(err, "blockIO");
	if (check_hugepages(resources, err) < 0)
		return -1;
	if (resources->network && check_network(resources->network, err) < 0)
		return -1;
	return check_rdma(resources, err) < 0 ? -1 : check_unified(resources, err);
}

int spec_check_resources(const struct spec_resources *resources, const char *where,
			 struct error *err)
{
	return check_all(resources, err) < 0 ? spec_check_within(err, "%s", where) : 0;
}
