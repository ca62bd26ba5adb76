/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the cgroup. */
#include <string.h>
#include <unistd.h>

#include "base/number_list.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"

enum {
	CPU_PERIOD = 100000, /* microseconds, the kernel's own */
	CPU_QUOTA_LEAST = 1000,
	CPU_PERIOD_LEAST = 1000,
	CPUS_MAX = 8192,
	MILLIONTHS = 1000000,
	SHARES_LEAST = 2,
};

/* ---- memory ---- */

/* cgroup v1 without swap accounting, or a kernel without swap: there is nothing to limit. */
static bool counts_swap(void)
{
	if (access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK) == 0)
		return access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) == 0;
	return access("/proc/swaps", F_OK) == 0;
}

/* As Docker: as much swap as memory, unless something else is said. */
static int set_swap(struct plan *plan, struct spec_memory *memory, struct error *err)
{
	const char *text = plan->options->memory_swap;
	int64_t swap = 0;

	if (plan_read_size("memory-swap", text, true, &swap, err) < 0)
		return -1;
	if (swap > 0 && !memory->limit.set)
		return error_set(err, 0, "--memory-swap %s needs --memory: it is both together",
				 text);
	if (swap > 0 && swap < memory->limit.value)
		return error_set(err, 0,
				 "--memory-swap %s is memory and swap together, and cannot "
				 "be less than --memory",
				 text);
	if (swap != 0)
		memory->swap = (struct json_int){ true, swap < 0 ? -1 : swap };
	else if (memory->limit.set && counts_swap())
		memory->swap = (struct json_int){ true, memory->limit.value > INT64_MAX / 2
								? -1
								: memory->limit.value * 2 };
	return 0;
}

static int set_reservation(struct plan *plan, struct spec_memory *memory, struct error *err)
{
	const char *text = plan->options->memory_reservation;
	int64_t bytes = 0;

	if (plan_read_size("memory-reservation", text, true, &bytes, err) < 0)
		return -1;
	if (bytes <= 0)
		return 0;
	if (memory->limit.set && bytes > memory->limit.value)
		return error_set(err, 0, "--memory-reservation %s is above --memory", text);
	memory->reservation = (struct json_int){ true, bytes };
	return 0;
}

static int set_memory(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct spec_memory *memory = arena_alloc(plan->arena, sizeof(*memory), err);
	int64_t bytes = 0;

	if (!memory || plan_read_size("memory", options->memory, true, &bytes, err) < 0)
		return -1;
	if (bytes > 0)
		memory->limit = (struct json_int){ true, bytes };
	if (set_swap(plan, memory, err) < 0 || set_reservation(plan, memory, err) < 0)
		return -1;
	if (options->memory_swappiness.set && options->memory_swappiness.value >= 0)
		memory->swappiness =
			(struct json_uint){ true, (uint64_t)options->memory_swappiness.value };
	memory->disable_oom_killer = options->oom_kill_disable;
	plan->spec->linux->resources->memory = memory;
	return 0;
}

/* ---- CPU ---- */

/* "1.5" to millionths; digits behind the sixth are refused, as they would not count. */
static bool read_cpus(const char *text, uint64_t *ret)
{
	char whole[8] = "", part[7] = "000000";
	size_t n = strcspn(text, "."), digits = text[n] ? strlen(text + n + 1) : 0;
	uint64_t cpus = 0, millionths = 0;

	if (n >= sizeof(whole) || digits >= sizeof(part) || (!n && !digits) ||
	    (text[n] && !digits && !n))
		return false;
	memcpy(whole, text, n);
	memcpy(part, text + n + (text[n] == '.'), digits);
	if ((n && !str_to_uint(whole, 10, CPUS_MAX, &cpus)) ||
	    !str_to_uint(part, 10, MILLIONTHS - 1, &millionths))
		return false;
	*ret = cpus * MILLIONTHS + millionths;
	return true;
}

static int set_cpus(struct plan *plan, struct spec_cpu *cpu, struct error *err)
{
	const struct create_options *options = plan->options;
	uint64_t millionths;

	if (!options->cpus)
		return 0;
	if (!read_cpus(options->cpus, &millionths))
		return error_set(err, 0, "--cpus %s: not a number of CPUs such as 0.5 or 2",
				 options->cpus);
	if (!millionths)
		return 0;
	if (options->cpu_quota.set || options->cpu_period.set)
		return error_set(err, 0, "--cpus is a quota in a period; it does not go with --%s",
				 options->cpu_quota.set ? "cpu-quota" : "cpu-period");
	uint64_t quota = millionths * CPU_PERIOD / MILLIONTHS;
	if (quota < CPU_QUOTA_LEAST)
		return error_set(err, 0, "--cpus %s: the kernel's least is 0.01", options->cpus);
	cpu->quota = (struct json_int){ true, (int64_t)quota };
	cpu->period = (struct json_uint){ true, CPU_PERIOD };
	return 0;
}

static int set_quota(struct plan *plan, struct spec_cpu *cpu, struct error *err)
{
	const struct option_int *quota = &plan->options->cpu_quota;
	const struct option_int *period = &plan->options->cpu_period;

	if (period->set && period->value > 0 && period->value < CPU_PERIOD_LEAST)
		return error_set(err, 0, "--cpu-period: the kernel's least is %d",
				 CPU_PERIOD_LEAST);
	if (quota->set && quota->value > 0 && quota->value < CPU_QUOTA_LEAST)
		return error_set(err, 0, "--cpu-quota: the kernel's least is %d", CPU_QUOTA_LEAST);
	if (quota->set && quota->value > 0)
		cpu->quota = (struct json_int){ true, quota->value };
	if (period->set && period->value > 0)
		cpu->period = (struct json_uint){ true, (uint64_t)period->value };
	return 0;
}

static int set_list(struct plan *plan, const char *option, const char *text, char **ret,
		    struct error *err)
{
	struct number_list list = { { 0 } };

	if (!text || !*text)
		return 0;
	if (!number_list_parse(text, &list))
		return error_set(err, 0, "--%s %s: not a list such as 0-3,7", option, text);
	*ret = arena_strdup(plan->arena, text, err);
	return *ret ? 0 : -1;
}

/* cgroup v1, where the kernel has groups of real-time processes. */
static void set_realtime(const struct create_options *options, struct spec_cpu *cpu)
{
	const struct option_int *period = &options->cpu_rt_period;
	const struct option_int *runtime = &options->cpu_rt_runtime;

	if (period->set)
		cpu->realtime_period = (struct json_uint){ true, (uint64_t)period->value };
	if (runtime->set)
		cpu->realtime_runtime = (struct json_int){ true, runtime->value };
}

static int set_cpu(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct spec_cpu *cpu = arena_alloc(plan->arena, sizeof(*cpu), err);

	if (!cpu || set_cpus(plan, cpu, err) < 0 || set_quota(plan, cpu, err) < 0 ||
	    set_list(plan, "cpuset-cpus", options->cpuset_cpus, &cpu->cpus, err) < 0 ||
	    set_list(plan, "cpuset-mems", options->cpuset_mems, &cpu->mems, err) < 0)
		return -1;
	if (options->cpu_shares.set && options->cpu_shares.value == 1)
		return error_set(err, 0, "--cpu-shares: the kernel's least is %d", SHARES_LEAST);
	if (options->cpu_shares.set && options->cpu_shares.value)
		cpu->shares = (struct json_uint){ true, (uint64_t)options->cpu_shares.value };
	set_realtime(options, cpu);
	plan->spec->linux->resources->cpu = cpu;
	return 0;
}

/* Of the processor's cache and memory bandwidth: a class that there is, or that is made. */
static int set_rdt_class(struct plan *plan, struct error *err)
{
	const char *name = plan->options->rdt_class;
	struct spec_intel_rdt *rdt = name ? arena_alloc(plan->arena, sizeof(*rdt), err) : NULL;

	if (!name)
		return 0;
	if (!rdt || !(rdt->clos_id = arena_strdup(plan->arena, name, err)))
		return -1;
	plan->spec->linux->intel_rdt = rdt;
	return 0;
}

/* ---- the rest ---- */

static int set_pids(struct plan *plan, struct error *err)
{
	const struct option_int *limit = &plan->options->pids_limit;
	struct spec_pids *pids;

	if (!limit->set || limit->value <= 0)
		return 0;
	pids = arena_alloc(plan->arena, sizeof(*pids), err);
	if (!pids)
		return -1;
	pids->limit = limit->value;
	plan->spec->linux->resources->pids = pids;
	return 0;
}

static int set_files(struct plan *plan, struct error *err)
{
	const struct option_strings *given = &plan->options->cgroup_conf;
	struct spec_resources *resources = plan->spec->linux->resources;

	if (plan->options->oom_group &&
	    plan_set_pair(&resources->unified, &resources->n_unified, "memory.oom.group", "1",
			  plan->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < given->count; i++) {
		const char *text = given->items[i], *equals = strchr(text, '=');
		char *key = equals ? arena_strndup(plan->arena, text, (size_t)(equals - text), err)
				   : NULL;

		if (!equals || equals == text)
			return error_set(err, 0, "--cgroup-conf %s: write FILE=VALUE", text);
		if (!key || plan_set_pair(&resources->unified, &resources->n_unified, key,
					  equals + 1, plan->arena, err) < 0)
			return -1;
	}
	return 0;
}

static int set_manager(struct plan *plan, bool *ret_systemd, struct error *err)
{
	const char *manager = plan->options->cgroup_manager;

	*ret_systemd = str_equal(manager, "systemd");
	if (!manager || str_equal(manager, "cgroupfs"))
		return 0;
	if (!*ret_systemd)
		return error_set(err, 0, "--cgroup-manager %s: not one of cgroupfs, systemd",
				 manager);
	if (plan->store->is_rootless)
		return error_set(err, 0,
				 "--cgroup-manager systemd: only root's containers can have it");
	if (access("/run/systemd/system", F_OK) < 0)
		return error_set(err, 0,
				 "--cgroup-manager systemd: systemd does not run here "
				 "(/run/systemd/system is missing)");
	return plan_annotate(plan, BUNDLE_ANNOTATION_SYSTEMD, "", err);
}

/* What is wrong with the name of a slice the runtime says. */
static int set_slice(struct plan *plan, const char *slice, struct error *err)
{
	if (!str_ends_with(slice, ".slice") || strchr(slice, ':'))
		return error_set(err, 0,
				 "--cgroup-parent %s: for systemd write the name of a slice, "
				 "as system.slice",
				 slice);
	return plan_annotate(plan, BUNDLE_ANNOTATION_CGROUP_PARENT, slice, err);
}

static int set_cgroup(struct plan *plan, struct error *err)
{
	const char *parent = plan->options->cgroup_parent;
	bool systemd;

	if (set_manager(plan, &systemd, err) < 0)
		return -1;
	if (!parent || !*parent)
		return 0;
	if (systemd)
		return set_slice(plan, parent, err);
	if (*parent != '/' || strstr(parent, ".."))
		return error_set(err, 0,
				 "--cgroup-parent %s: write an absolute path of the cgroup "
				 "file system, without \"..\"",
				 parent);
	return plan_annotate(plan, BUNDLE_ANNOTATION_CGROUP_PARENT, parent, err);
}

int plan_resources(struct plan *plan, struct error *err)
{
	if (set_memory(plan, err) < 0 || set_cpu(plan, err) < 0 || plan_block_io(plan, err) < 0 ||
	    set_pids(plan, err) < 0 || set_files(plan, err) < 0)
		return -1;
	return set_rdt_class(plan, err) < 0 ? -1 : set_cgroup(plan, err);
}
