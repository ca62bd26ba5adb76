/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec.h"

#include "base/str.h"
#include "oci/spec_check.h"

/* Declares the type of struct s, whose rows are s_fields. */
#define TYPE(s)	       static const struct json_type s##_type = { sizeof(struct s), s##_fields, NULL }
#define TYPE_GLOBAL(s) const struct json_type s##_type = { sizeof(struct s), s##_fields, NULL }
#define TYPE_INITIAL(s)                                                                            \
	static const struct json_type s##_type = { sizeof(struct s), s##_fields, &s##_initial }

/* uint32_t's greatest number is no user or group: the kernel takes it for "leave it". */
#define ID_MAX (UINT32_MAX - 1)

/* -- process -- */

static const struct json_field spec_root_fields[] = {
	REQUIRED(spec_root, path, "path"),
	FIELD(spec_root, readonly, "readonly"),
	{ NULL },
};
TYPE(spec_root);

static const struct json_field spec_user_fields[] = {
	REQUIRED(spec_user, uid, "uid"),
	FIELD(spec_user, gid, "gid"),
	FIELD(spec_user, umask, "umask"),
	NUMBERS(spec_user, additional_gids, "additionalGids"),
	{ NULL },
};
TYPE(spec_user);

static const struct json_field spec_capabilities_fields[] = {
	LIST(spec_capabilities, bounding, "bounding"),
	LIST(spec_capabilities, effective, "effective"),
	LIST(spec_capabilities, inheritable, "inheritable"),
	LIST(spec_capabilities, permitted, "permitted"),
	LIST(spec_capabilities, ambient, "ambient"),
	{ NULL },
};
TYPE(spec_capabilities);

static const struct json_field spec_rlimit_fields[] = {
	REQUIRED(spec_rlimit, type, "type"),
	REQUIRED(spec_rlimit, hard, "hard"),
	REQUIRED(spec_rlimit, soft, "soft"),
	{ NULL },
};
TYPE(spec_rlimit);

static const struct json_field spec_console_size_fields[] = {
	REQUIRED(spec_console_size, height, "height"),
	REQUIRED(spec_console_size, width, "width"),
	{ NULL },
};
TYPE(spec_console_size);

static const struct json_field spec_scheduler_fields[] = {
	REQUIRED(spec_scheduler, policy, "policy"),  FIELD(spec_scheduler, nice, "nice"),
	FIELD(spec_scheduler, priority, "priority"), LIST(spec_scheduler, flags, "flags"),
	FIELD(spec_scheduler, runtime, "runtime"),   FIELD(spec_scheduler, deadline, "deadline"),
	FIELD(spec_scheduler, period, "period"),     { NULL },
};
TYPE(spec_scheduler);

/* IOPRIO_CLASS_IDLE has no priorities, and may go without one; -1 shows that it is missing. */
static const struct spec_io_priority spec_io_priority_initial = { .priority = -1 };
static const struct json_field spec_io_priority_fields[] = {
	REQUIRED(spec_io_priority, class, "class"),
	FIELD(spec_io_priority, priority, "priority"),
	{ NULL },
};
TYPE_INITIAL(spec_io_priority);

static const struct json_field spec_cpu_affinity_fields[] = {
	FIELD(spec_cpu_affinity, initial, "initial"),
	FIELD(spec_cpu_affinity, final, "final"),
	{ NULL },
};
TYPE(spec_cpu_affinity);

static const struct json_field spec_process_fields[] = {
	FIELD(spec_process, terminal, "terminal"),
	OBJECT(spec_process, console_size, "consoleSize", &spec_console_size_type),
	OBJECT(spec_process, user, "user", &spec_user_type),
	LIST(spec_process, args, "args"),
	LIST(spec_process, env, "env"),
	REQUIRED(spec_process, cwd, "cwd"),
	OBJECT(spec_process, capabilities, "capabilities", &spec_capabilities_type),
	ARRAY(spec_process, rlimits, "rlimits", &spec_rlimit_type),
	FIELD(spec_process, no_new_privileges, "noNewPrivileges"),
	FIELD(spec_process, apparmor_profile, "apparmorProfile"),
	FIELD(spec_process, oom_score_adj, "oomScoreAdj"),
	OBJECT(spec_process, scheduler, "scheduler", &spec_scheduler_type),
	FIELD(spec_process, selinux_label, "selinuxLabel"),
	OBJECT(spec_process, io_priority, "ioPriority", &spec_io_priority_type),
	OBJECT(spec_process, exec_cpu_affinity, "execCPUAffinity", &spec_cpu_affinity_type),
	{ NULL },
};
TYPE_GLOBAL(spec_process);

/* -- mounts, hooks -- */

static const struct json_field spec_id_mapping_fields[] = {
	REQUIRED(spec_id_mapping, container_id, "containerID"),
	REQUIRED(spec_id_mapping, host_id, "hostID"),
	REQUIRED(spec_id_mapping, size, "size"),
	{ NULL },
};
TYPE(spec_id_mapping);

static const struct json_field spec_mount_fields[] = {
	REQUIRED(spec_mount, destination, "destination"),
	FIELD(spec_mount, type, "type"),
	FIELD(spec_mount, source, "source"),
	LIST(spec_mount, options, "options"),
	ARRAY(spec_mount, uid_mappings, "uidMappings", &spec_id_mapping_type),
	ARRAY(spec_mount, gid_mappings, "gidMappings", &spec_id_mapping_type),
	{ NULL },
};
TYPE(spec_mount);

static const struct json_field spec_hook_fields[] = {
	REQUIRED(spec_hook, path, "path"),
	LIST(spec_hook, args, "args"),
	LIST(spec_hook, env, "env"),
	FIELD(spec_hook, timeout, "timeout"),
	{ NULL },
};
TYPE(spec_hook);

static const struct json_field spec_hooks_fields[] = {
	ARRAY(spec_hooks, prestart, "prestart", &spec_hook_type),
	ARRAY(spec_hooks, create_runtime, "createRuntime", &spec_hook_type),
	ARRAY(spec_hooks, create_container, "createContainer", &spec_hook_type),
	ARRAY(spec_hooks, start_container, "startContainer", &spec_hook_type),
	ARRAY(spec_hooks, poststart, "poststart", &spec_hook_type),
	ARRAY(spec_hooks, poststop, "poststop", &spec_hook_type),
	{ NULL },
};
TYPE(spec_hooks);

/* -- linux.resources -- */

static const struct json_field spec_device_rule_fields[] = {
	REQUIRED(spec_device_rule, allow, "allow"), FIELD(spec_device_rule, type, "type"),
	FIELD(spec_device_rule, major, "major"),    FIELD(spec_device_rule, minor, "minor"),
	FIELD(spec_device_rule, access, "access"),  { NULL },
};
TYPE(spec_device_rule);

static const struct json_field spec_memory_fields[] = {
	FIELD(spec_memory, limit, "limit"),
	FIELD(spec_memory, reservation, "reservation"),
	FIELD(spec_memory, swap, "swap"),
	FIELD(spec_memory, kernel, "kernel"),
	FIELD(spec_memory, kernel_tcp, "kernelTCP"),
	FIELD(spec_memory, swappiness, "swappiness"),
	FIELD(spec_memory, disable_oom_killer, "disableOOMKiller"),
	FIELD(spec_memory, use_hierarchy, "useHierarchy"),
	FIELD(spec_memory, check_before_update, "checkBeforeUpdate"),
	{ NULL },
};
TYPE(spec_memory);

static const struct json_field spec_cpu_fields[] = {
	FIELD(spec_cpu, shares, "shares"),
	FIELD(spec_cpu, quota, "quota"),
	FIELD(spec_cpu, burst, "burst"),
	FIELD(spec_cpu, period, "period"),
	FIELD(spec_cpu, realtime_runtime, "realtimeRuntime"),
	FIELD(spec_cpu, realtime_period, "realtimePeriod"),
	FIELD(spec_cpu, cpus, "cpus"),
	FIELD(spec_cpu, mems, "mems"),
	FIELD(spec_cpu, idle, "idle"),
	{ NULL },
};
TYPE(spec_cpu);

/* 0 would be a limit of no task at all, so an absent one must be something else. */
static const struct spec_pids spec_pids_initial = { .limit = -1 };
static const struct json_field spec_pids_fields[] = {
	FIELD(spec_pids, limit, "limit"),
	{ NULL },
};
TYPE_INITIAL(spec_pids);

static const struct json_field spec_block_weight_fields[] = {
	REQUIRED(spec_block_weight, major, "major"),
	REQUIRED(spec_block_weight, minor, "minor"),
	FIELD(spec_block_weight, weight, "weight"),
	FIELD(spec_block_weight, leaf_weight, "leafWeight"),
	{ NULL },
};
TYPE(spec_block_weight);

static const struct json_field spec_block_throttle_fields[] = {
	REQUIRED(spec_block_throttle, major, "major"),
	REQUIRED(spec_block_throttle, minor, "minor"),
	REQUIRED(spec_block_throttle, rate, "rate"),
	{ NULL },
};
TYPE(spec_block_throttle);

#define THROTTLE(m, k)                                                                             \
	ARRAY(spec_block_io, throttle_##m, "throttle" k "Device", &spec_block_throttle_type)
static const struct json_field spec_block_io_fields[] = {
	FIELD(spec_block_io, weight, "weight"),
	FIELD(spec_block_io, leaf_weight, "leafWeight"),
	ARRAY(spec_block_io, weight_device, "weightDevice", &spec_block_weight_type),
	THROTTLE(read_bps, "ReadBps"),
	THROTTLE(write_bps, "WriteBps"),
	THROTTLE(read_iops, "ReadIOPS"),
	THROTTLE(write_iops, "WriteIOPS"),
	{ NULL },
};
TYPE(spec_block_io);

static const struct json_field spec_hugepage_limit_fields[] = {
	REQUIRED(spec_hugepage_limit, page_size, "pageSize"),
	REQUIRED(spec_hugepage_limit, limit, "limit"),
	{ NULL },
};
TYPE(spec_hugepage_limit);

static const struct json_field spec_network_priority_fields[] = {
	REQUIRED(spec_network_priority, name, "name"),
	REQUIRED(spec_network_priority, priority, "priority"),
	{ NULL },
};
TYPE(spec_network_priority);

static const struct json_field spec_network_limits_fields[] = {
	AT_MOST(spec_network_limits, class_id, "classID", UINT32_MAX),
	ARRAY(spec_network_limits, priorities, "priorities", &spec_network_priority_type),
	{ NULL },
};
TYPE(spec_network_limits);

static const struct json_field spec_rdma_fields[] = {
	/* device is the key */
	AT_MOST(spec_rdma, hca_handles, "hcaHandles", UINT32_MAX),
	AT_MOST(spec_rdma, hca_objects, "hcaObjects", UINT32_MAX),
	{ NULL },
};
TYPE(spec_rdma);

static const struct json_field spec_resources_fields[] = {
	ARRAY(spec_resources, devices, "devices", &spec_device_rule_type),
	OBJECT(spec_resources, memory, "memory", &spec_memory_type),
	OBJECT(spec_resources, cpu, "cpu", &spec_cpu_type),
	OBJECT(spec_resources, pids, "pids", &spec_pids_type),
	OBJECT(spec_resources, block_io, "blockIO", &spec_block_io_type),
	ARRAY(spec_resources, hugepage_limits, "hugepageLimits", &spec_hugepage_limit_type),
	OBJECT(spec_resources, network, "network", &spec_network_limits_type),
	NAMED(spec_resources, rdma, "rdma", &spec_rdma_type),
	PAIRS(spec_resources, unified, "unified"),
	{ NULL },
};
TYPE_GLOBAL(spec_resources);

/* -- linux -- */

static const char *const namespace_names[NAMESPACE_TYPES + 1] = {
	[NAMESPACE_PID] = "pid",       [NAMESPACE_NETWORK] = "network", [NAMESPACE_MOUNT] = "mount",
	[NAMESPACE_IPC] = "ipc",       [NAMESPACE_UTS] = "uts",		[NAMESPACE_USER] = "user",
	[NAMESPACE_CGROUP] = "cgroup", [NAMESPACE_TIME] = "time",
};

static const struct json_field spec_namespace_fields[] = {
	REQUIRED_ENUM(spec_namespace, type, "type", namespace_names),
	FIELD(spec_namespace, path, "path"),
	{ NULL },
};
TYPE(spec_namespace);

/* The numbers are required but for a FIFO; -1 shows that they are missing. */
static const struct spec_device spec_device_initial = { .major = -1, .minor = -1 };
static const struct json_field spec_device_fields[] = {
	REQUIRED(spec_device, type, "type"),
	REQUIRED(spec_device, path, "path"),
	FIELD(spec_device, major, "major"),
	FIELD(spec_device, minor, "minor"),
	AT_MOST(spec_device, file_mode, "fileMode", UINT32_MAX),
	AT_MOST(spec_device, uid, "uid", ID_MAX),
	AT_MOST(spec_device, gid, "gid", ID_MAX),
	{ NULL },
};
TYPE_INITIAL(spec_device);

static const struct json_field spec_net_device_fields[] = {
	/* host_name is the key */
	FIELD(spec_net_device, name, "name"),
	{ NULL },
};
TYPE(spec_net_device);

static const struct json_field spec_syscall_arg_fields[] = {
	REQUIRED(spec_syscall_arg, index, "index"),
	REQUIRED(spec_syscall_arg, value, "value"),
	FIELD(spec_syscall_arg, value_two, "valueTwo"),
	REQUIRED(spec_syscall_arg, op, "op"),
	{ NULL },
};
TYPE(spec_syscall_arg);

static const struct json_field spec_syscall_fields[] = {
	LIST(spec_syscall, names, "names"),
	REQUIRED(spec_syscall, action, "action"),
	AT_MOST(spec_syscall, errno_ret, "errnoRet", UINT32_MAX),
	ARRAY(spec_syscall, args, "args", &spec_syscall_arg_type),
	{ NULL },
};
TYPE(spec_syscall);

static const struct json_field spec_seccomp_fields[] = {
	REQUIRED(spec_seccomp, default_action, "defaultAction"),
	AT_MOST(spec_seccomp, default_errno_ret, "defaultErrnoRet", UINT32_MAX),
	LIST(spec_seccomp, architectures, "architectures"),
	LIST(spec_seccomp, flags, "flags"),
	FIELD(spec_seccomp, listener_path, "listenerPath"),
	FIELD(spec_seccomp, listener_metadata, "listenerMetadata"),
	ARRAY(spec_seccomp, syscalls, "syscalls", &spec_syscall_type),
	{ NULL },
};
TYPE_GLOBAL(spec_seccomp);

static const struct json_field spec_personality_fields[] = {
	REQUIRED(spec_personality, domain, "domain"),
	LIST(spec_personality, flags, "flags"),
	{ NULL },
};
TYPE(spec_personality);

static const struct json_field spec_time_offset_fields[] = {
	FIELD(spec_time_offset, secs, "secs"),
	FIELD(spec_time_offset, nanosecs, "nanosecs"),
	{ NULL },
};
TYPE(spec_time_offset);

static const struct json_field spec_intel_rdt_fields[] = {
	FIELD(spec_intel_rdt, clos_id, "closID"),
	LIST(spec_intel_rdt, schemata, "schemata"),
	FIELD(spec_intel_rdt, l3_cache_schema, "l3CacheSchema"),
	FIELD(spec_intel_rdt, mem_bw_schema, "memBwSchema"),
	FIELD(spec_intel_rdt, enable_monitoring, "enableMonitoring"),
	{ NULL },
};
TYPE(spec_intel_rdt);

static const struct json_field spec_memory_policy_fields[] = {
	FIELD(spec_memory_policy, mode, "mode"),
	FIELD(spec_memory_policy, nodes, "nodes"),
	LIST(spec_memory_policy, flags, "flags"),
	{ NULL },
};
TYPE(spec_memory_policy);

static const struct json_field spec_linux_fields[] = {
	ARRAY(spec_linux, uid_mappings, "uidMappings", &spec_id_mapping_type),
	ARRAY(spec_linux, gid_mappings, "gidMappings", &spec_id_mapping_type),
	PAIRS(spec_linux, sysctl, "sysctl"),
	OBJECT(spec_linux, resources, "resources", &spec_resources_type),
	FIELD(spec_linux, cgroups_path, "cgroupsPath"),
	ARRAY(spec_linux, namespaces, "namespaces", &spec_namespace_type),
	ARRAY(spec_linux, devices, "devices", &spec_device_type),
	NAMED(spec_linux, net_devices, "netDevices", &spec_net_device_type),
	OBJECT(spec_linux, seccomp, "seccomp", &spec_seccomp_type),
	FIELD(spec_linux, rootfs_propagation, "rootfsPropagation"),
	LIST(spec_linux, masked_paths, "maskedPaths"),
	LIST(spec_linux, readonly_paths, "readonlyPaths"),
	FIELD(spec_linux, mount_label, "mountLabel"),
	OBJECT(spec_linux, intel_rdt, "intelRdt", &spec_intel_rdt_type),
	OBJECT(spec_linux, memory_policy, "memoryPolicy", &spec_memory_policy_type),
	OBJECT(spec_linux, personality, "personality", &spec_personality_type),
	NAMED(spec_linux, time_offsets, "timeOffsets", &spec_time_offset_type),
	{ NULL },
};
TYPE(spec_linux);

static const struct json_field spec_fields[] = {
	REQUIRED(spec, oci_version, "ociVersion"),
	OBJECT(spec, process, "process", &spec_process_type),
	OBJECT(spec, root, "root", &spec_root_type),
	FIELD(spec, hostname, "hostname"),
	FIELD(spec, domainname, "domainname"),
	ARRAY(spec, mounts, "mounts", &spec_mount_type),
	OBJECT(spec, hooks, "hooks", &spec_hooks_type),
	PAIRS(spec, annotations, "annotations"),
	OBJECT(spec, linux, "linux", &spec_linux_type),
	{ NULL },
};
TYPE_GLOBAL(spec);

/* -- Loading -- */

/* An absent user is root, as the zero value of the other runtimes' structs is. */
static int complete_process(struct spec_process *process, struct arena *arena, struct error *err)
{
	if (!process->user)
		process->user = arena_alloc(arena, sizeof(*process->user), err);
	return process->user ? 0 : -1;
}

static int complete(struct spec *spec, struct arena *arena, struct error *err)
{
	if (!spec->linux)
		spec->linux = arena_alloc(arena, sizeof(*spec->linux), err);
	if (!spec->linux)
		return -1;
	if (spec->process && complete_process(spec->process, arena, err) < 0)
		return -1;
	return spec_read_extensions(spec, arena, err);
}

int spec_load(const char *text, size_t size, const char *name, struct spec *out,
	      struct arena *arena, struct error *err)
{
	if (json_read(&spec_type, text, size, out, arena, err) < 0 ||
	    complete(out, arena, err) < 0 || spec_check(out, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

int spec_load_process(const char *text, size_t size, const char *name, struct spec_process *out,
		      struct arena *arena, struct error *err)
{
	if (json_read(&spec_process_type, text, size, out, arena, err) < 0 ||
	    complete_process(out, arena, err) < 0 || spec_check_process(out, "process", err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

/* -- Looking up -- */

const struct spec_namespace *spec_find_namespace(const struct spec *spec,
						 enum spec_namespace_type type)
{
	for (size_t i = 0; i < spec->linux->n_namespaces; i++)
		if (spec->linux->namespaces[i].type == (int)type)
			return &spec->linux->namespaces[i];
	return NULL;
}

const char *spec_namespace_name(enum spec_namespace_type type)
{
	return namespace_names[type];
}

const char *spec_find_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->n_annotations; i++)
		if (str_equal(spec->annotations[i].key, key))
			return spec->annotations[i].value;
	return NULL;
}
