/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox-runtime/command.h"
#include "cmd/rustbox-runtime/value.h"
#include "oci/spec_check.h"

struct update_options {
	const char *resources, *cpuset_cpus, *cpuset_mems;
	const char *memory, *memory_reservation, *memory_swap;
	const char *kernel_memory, *kernel_memory_tcp, *l3_cache_schema, *mem_bw_schema;
	struct option_uint blkio_weight, cpu_period, cpu_burst, cpu_rt_period, cpu_share;
	struct option_int cpu_quota, cpu_rt_runtime, cpu_idle, pids_limit;
};

#define AT(m) OPTION_AT(update_options, m)

static const struct option_row rows[] = {
	{ "resources", 'r', "FILE|-",
	  "read linux.resources from this file or from standard input; options count more",
	  AT(resources) },
	{ "memory", 0, "BYTES", "memory limit; suffixes k, m, g; -1: none", AT(memory) },
	{ "memory-reservation", 0, "BYTES", "memory that others do not take under pressure",
	  AT(memory_reservation) },
	{ "memory-swap", 0, "BYTES", "limit of memory and swap together; -1: none",
	  AT(memory_swap) },
	{ "cpu-period", 0, "USECS", "the period of --cpu-quota", AT(cpu_period) },
	{ "cpu-quota", 0, "USECS", "processor time in a period; -1: no limit", AT(cpu_quota) },
	{ "cpu-burst", 0, "USECS", "processor time that may be saved up", AT(cpu_burst) },
	{ "cpu-rt-period", 0, "USECS", "the period of --cpu-rt-runtime", AT(cpu_rt_period) },
	{ "cpu-rt-runtime", 0, "USECS", "real-time processor time in a period",
	  AT(cpu_rt_runtime) },
	{ "cpu-share", 0, "N", "weight against other containers, 2 to 262144", AT(cpu_share) },
	{ "cpu-idle", 0, "0|1", "1: run only when nobody else wants to", AT(cpu_idle), .min = 0,
	  .max = 1 },
	{ "cpuset-cpus", 0, "LIST", "the processors, as in 0-3,7", AT(cpuset_cpus) },
	{ "cpuset-mems", 0, "LIST", "the memory nodes", AT(cpuset_mems) },
	{ "blkio-weight", 0, "N", "weight of block I/O, 10 to 1000", AT(blkio_weight),
	  .max = 1000 },
	{ "pids-limit", 0, "N", "the most processes; -1: no limit", AT(pids_limit) },
	{ "l3-cache-schema", 0, "SCHEMA", "share of the L3 cache (Intel RDT), as in L3:0=ff",
	  AT(l3_cache_schema) },
	{ "mem-bw-schema", 0, "SCHEMA", "memory bandwidth (Intel RDT), as in MB:0=50",
	  AT(mem_bw_schema) },
	/* Known, and refused by name. */
	{ "kernel-memory", 0, "BYTES", "", AT(kernel_memory), .hidden = true },
	{ "kernel-memory-tcp", 0, "BYTES", "", AT(kernel_memory_tcp), .hidden = true },
	{ NULL },
};

static int refuse_gone(const struct update_options *options, struct error *err)
{
	static const char no_kmem[] =
		"kernels have no such limit any more; --memory counts it, too";
	const struct {
		const char *value, *name, *reason;
	} refused[] = {
		{ options->kernel_memory, "kernel-memory", no_kmem },
		{ options->kernel_memory_tcp, "kernel-memory-tcp", no_kmem },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].value)
			return error_set(err, 0, "--%s: %s", refused[i].name, refused[i].reason);
	return 0;
}

static int read_resources(const char *file, struct spec_resources *ret, struct arena *arena,
			  struct error *err)
{
	bool standard_input = strcmp(file, "-") == 0;
	const char *name = standard_input ? "standard input" : file;
	cleanup_free char *text = NULL;
	size_t size = 0;
	int got = standard_input ? fd_read_all(STDIN_FILENO, name, JSON_SIZE_MAX, &text, &size, err)
				 : fd_read_file(AT_FDCWD, file, JSON_SIZE_MAX, &text, &size, err);

	if (got < 0)
		return -1;
	if (json_read(&spec_resources_type, text, size, ret, arena, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

/* The parts of resources are made when the first option asks for one. */
#define PART(resources, member)                                                                    \
	((resources)->member                                                                       \
		 ? (resources)->member                                                             \
		 : ((resources)->member = arena_alloc(arena, sizeof(*(resources)->member), err)))

static int set_size(const char *name, const char *text, struct json_int *member, struct error *err)
{
	if (!text)
		return 0;
	if (!value_size(text, &member->value))
		return error_set(err, 0, "--%s: \"%s\" is not a size such as 512m or -1", name,
				 text);
	member->set = true;
	return 0;
}

static void set_uint(const struct option_uint *option, struct json_uint *member)
{
	if (option->set)
		*member = (struct json_uint){ true, option->value };
}

static void set_int(const struct option_int *option, struct json_int *member)
{
	if (option->set)
		*member = (struct json_int){ true, option->value };
}

static int set_text(const char *text, char **member, struct arena *arena, struct error *err)
{
	if (text)
		*member = arena_strdup(arena, text, err);
	return text && !*member ? -1 : 0;
}

static int update_memory(const struct update_options *options, struct spec_resources *resources,
			 struct arena *arena, struct error *err)
{
	struct spec_memory *memory;

	if (!options->memory && !options->memory_reservation && !options->memory_swap)
		return 0;
	memory = PART(resources, memory);
	if (!memory || set_size("memory", options->memory, &memory->limit, err) < 0 ||
	    set_size("memory-reservation", options->memory_reservation, &memory->reservation, err) <
		    0 ||
	    set_size("memory-swap", options->memory_swap, &memory->swap, err) < 0)
		return -1;
	return 0;
}

static int update_cpu(const struct update_options *options, struct spec_resources *resources,
		      struct arena *arena, struct error *err)
{
	struct spec_cpu *cpu;

	if (!options->cpu_period.set && !options->cpu_burst.set && !options->cpu_rt_period.set &&
	    !options->cpu_share.set && !options->cpu_quota.set && !options->cpu_rt_runtime.set &&
	    !options->cpu_idle.set && !options->cpuset_cpus && !options->cpuset_mems)
		return 0;
	cpu = PART(resources, cpu);
	if (!cpu || set_text(options->cpuset_cpus, &cpu->cpus, arena, err) < 0 ||
	    set_text(options->cpuset_mems, &cpu->mems, arena, err) < 0)
		return -1;
	set_uint(&options->cpu_period, &cpu->period);
	set_uint(&options->cpu_burst, &cpu->burst);
	set_uint(&options->cpu_rt_period, &cpu->realtime_period);
	set_uint(&options->cpu_share, &cpu->shares);
	set_int(&options->cpu_quota, &cpu->quota);
	set_int(&options->cpu_rt_runtime, &cpu->realtime_runtime);
	set_int(&options->cpu_idle, &cpu->idle);
	return 0;
}

static int update_others(const struct update_options *options, struct spec_resources *resources,
			 struct arena *arena, struct error *err)
{
	if (options->blkio_weight.set) {
		struct spec_block_io *block_io = PART(resources, block_io);
		if (!block_io)
			return -1;
		set_uint(&options->blkio_weight, &block_io->weight);
	}
	if (options->pids_limit.set) {
		struct spec_pids *pids = PART(resources, pids);
		if (!pids)
			return -1;
		pids->limit = options->pids_limit.value;
	}
	return 0;
}

static int update_rdt(const struct update_options *options, struct spec_intel_rdt *rdt,
		      struct arena *arena, struct error *err)
{
	if (spec_check_rdt_schema(options->l3_cache_schema, "--l3-cache-schema", "L3", err) < 0 ||
	    spec_check_rdt_schema(options->mem_bw_schema, "--mem-bw-schema", "MB:", err) < 0 ||
	    set_text(options->l3_cache_schema, &rdt->l3_cache_schema, arena, err) < 0)
		return -1;
	return set_text(options->mem_bw_schema, &rdt->mem_bw_schema, arena, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct update_options *options = call->options;
	struct spec_resources resources = { 0 };
	struct spec_intel_rdt rdt = { 0 };

	if (refuse_gone(options, err) < 0)
		return -1;
	if (options->resources &&
	    read_resources(options->resources, &resources, call->arena, err) < 0)
		return -1;
	if (update_memory(options, &resources, call->arena, err) < 0 ||
	    update_cpu(options, &resources, call->arena, err) < 0 ||
	    update_others(options, &resources, call->arena, err) < 0)
		return -1;
	if (spec_check_resources(&resources, "resources", err) < 0)
		return -1;
	if (update_rdt(options, &rdt, call->arena, err) < 0)
		return -1;
	return container_update(call->engine, call->args[0], &resources,
				rdt.l3_cache_schema || rdt.mem_bw_schema ? &rdt : NULL, err);
}

const struct command command_update = {
	.about = {
		.name = "update",
		.summary = "change the resource limits of a container",
		.arguments = "ID",
		.description =
			"Only the limits that are given change.\n\n"
			"   rustbox-runtime update --memory 512m --pids-limit 100 my-container",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct update_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
