/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtime configuration (runtime-spec 1.3.0, config.md and
 * config-linux.md) as C structs. Member names are the specification's.
 * Read-only once loaded; everything lives in the arena it was loaded into.
 *
 * Optional members are NULL, unset, or of count 0 when absent. Texts are valid
 * UTF-8 without NUL. What the numbers and texts mean has been checked by
 * spec_check() before any module of runtime/ sees them.
 */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "oci/json.h"
#include "oci/spec_extensions.h"

#undef linux /* gcc's GNU modes define it as 1 */

#define OCI_VERSION "1.3.0"

struct spec_root {
	char *path;
	bool readonly;
};

struct spec_user {
	uint32_t uid, gid;
	struct json_uint umask;
	uint32_t *additional_gids;
	size_t n_additional_gids;
};

struct spec_capabilities {
	char **bounding, **effective, **inheritable, **permitted, **ambient;
	size_t n_bounding, n_effective, n_inheritable, n_permitted, n_ambient;
};

struct spec_rlimit {
	char *type; /* RLIMIT_… */
	uint64_t soft, hard;
};

struct spec_console_size {
	uint64_t height, width; /* characters */
};

struct spec_scheduler {
	char *policy; /* SCHED_… */
	int32_t nice, priority;
	char **flags; /* SCHED_FLAG_… */
	size_t n_flags;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

struct spec_io_priority {
	char *class;	  /* IOPRIO_CLASS_… */
	int32_t priority; /* 0 to 7; -1 where the class needs none */
};

struct spec_cpu_affinity {
	char *initial, *final; /* CPU lists: "0-3,7" */
};

struct spec_process {
	bool terminal, no_new_privileges;
	struct spec_console_size *console_size;
	struct spec_user *user; /* spec_load() makes it root when absent */
	char **args, **env;	/* end with NULL; env may be NULL */
	size_t n_args, n_env;
	char *cwd, *apparmor_profile, *selinux_label;
	struct spec_capabilities *capabilities;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	struct json_int oom_score_adj;
	struct spec_scheduler *scheduler;
	struct spec_io_priority *io_priority;
	struct spec_cpu_affinity *exec_cpu_affinity;
};

struct spec_id_mapping {
	uint32_t container_id, host_id, size;
};

struct spec_mount {
	char *destination, *type, *source;
	char **options;
	size_t n_options;
	struct spec_id_mapping *uid_mappings, *gid_mappings;
	size_t n_uid_mappings, n_gid_mappings;
};

struct spec_hook {
	char *path;
	char **args, **env;
	size_t n_args, n_env;
	struct json_int timeout; /* seconds, at least 1 */
};

struct spec_hooks {
	struct spec_hook *prestart, *create_runtime, *create_container, *start_container,
		*poststart, *poststop;
	size_t n_prestart, n_create_runtime, n_create_container, n_start_container, n_poststart,
		n_poststop;
};

enum spec_namespace_type {
	NAMESPACE_PID,
	NAMESPACE_NETWORK,
	NAMESPACE_MOUNT,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_USER,
	NAMESPACE_CGROUP,
	NAMESPACE_TIME,
	NAMESPACE_TYPES
};

struct spec_namespace {
	int type;   /* enum spec_namespace_type */
	char *path; /* NULL: a new one */
};

struct spec_device {
	char *type, *path;		      /* type: "c", "b", "u" or "p" */
	int64_t major, minor;		      /* -1 when absent, which only a "p" may have */
	struct json_uint file_mode, uid, gid; /* file_mode may carry the type's bits, too */
};

struct spec_device_rule {
	bool allow;
	char *type;		      /* "a", "c", "b"; NULL: all */
	struct json_int major, minor; /* unset or -1: all */
	char *access;		      /* of "rwm"; NULL: all */
};

struct spec_memory {
	struct json_int limit, reservation, swap, kernel, kernel_tcp; /* bytes; -1: unlimited */
	struct json_uint swappiness;
	bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct spec_cpu {
	struct json_uint shares, period, burst, realtime_period; /* times: microseconds */
	struct json_int quota, realtime_runtime, idle;
	char *cpus, *mems;
};

struct spec_pids {
	int64_t limit; /* -1, or absent: unlimited; 0: no further task */
};

struct spec_block_weight {
	int64_t major, minor;
	struct json_uint weight, leaf_weight;
};

struct spec_block_throttle {
	int64_t major, minor;
	uint64_t rate;
};

struct spec_block_io {
	struct json_uint weight, leaf_weight;
	struct spec_block_weight *weight_device;
	struct spec_block_throttle *throttle_read_bps, *throttle_write_bps, *throttle_read_iops,
		*throttle_write_iops;
	size_t n_weight_device, n_throttle_read_bps, n_throttle_write_bps, n_throttle_read_iops,
		n_throttle_write_iops;
};

struct spec_hugepage_limit {
	char *page_size; /* "2MB" */
	uint64_t limit;
};

struct spec_network_priority {
	char *name;
	uint32_t priority;
};

struct spec_network_limits {
	struct json_uint class_id;
	struct spec_network_priority *priorities;
	size_t n_priorities;
};

struct spec_rdma {
	char *device;
	struct json_uint hca_handles, hca_objects;
};

struct spec_resources {
	struct spec_device_rule *devices;
	struct spec_memory *memory;
	struct spec_cpu *cpu;
	struct spec_pids *pids;
	struct spec_block_io *block_io;
	struct spec_hugepage_limit *hugepage_limits;
	struct spec_network_limits *network;
	struct spec_rdma *rdma;
	struct json_pair *unified;
	size_t n_devices, n_hugepage_limits, n_rdma, n_unified;
};

struct spec_syscall_arg {
	uint32_t index;
	uint64_t value, value_two;
	char *op; /* SCMP_CMP_… */
};

struct spec_syscall {
	char **names;
	char *action;
	struct json_uint errno_ret;
	struct spec_syscall_arg *args;
	size_t n_names, n_args;
};

struct spec_seccomp {
	char *default_action;
	struct json_uint default_errno_ret;
	char **architectures, **flags;
	char *listener_path, *listener_metadata;
	char *plugins; /* instead of a path: the annotation run.oci.seccomp.plugins; or NULL */
	struct spec_syscall *syscalls;
	size_t n_architectures, n_flags, n_syscalls;
	bool fail_unknown_syscall; /* by an annotation: spec_extensions.h */
};

struct spec_personality {
	char *domain; /* LINUX or LINUX32 */
	char **flags;
	size_t n_flags;
};

struct spec_time_offset {
	char *clock; /* the key: "boottime" or "monotonic" */
	int64_t secs;
	uint32_t nanosecs;
};

struct spec_intel_rdt {
	char *clos_id, *l3_cache_schema, *mem_bw_schema;
	char **schemata;
	size_t n_schemata;
	bool enable_monitoring;
};

struct spec_memory_policy {
	char *mode, *nodes;
	char **flags;
	size_t n_flags;
};

struct spec_net_device {
	char *host_name; /* the key */
	char *name;	 /* in the container; NULL: the same */
};

struct spec_linux {
	struct spec_id_mapping *uid_mappings, *gid_mappings;
	struct spec_namespace *namespaces;
	struct spec_device *devices;
	struct spec_net_device *net_devices;
	struct json_pair *sysctl;
	struct spec_resources *resources;
	struct spec_seccomp *seccomp;
	struct spec_personality *personality;
	struct spec_time_offset *time_offsets;
	struct spec_intel_rdt *intel_rdt;
	struct spec_memory_policy *memory_policy;
	char *cgroups_path, *rootfs_propagation, *mount_label;
	char **masked_paths, **readonly_paths;
	size_t n_uid_mappings, n_gid_mappings, n_namespaces, n_devices, n_net_devices, n_sysctl,
		n_time_offsets, n_masked_paths, n_readonly_paths;
};

struct spec {
	char *oci_version, *hostname, *domainname;
	struct spec_process *process;
	struct spec_root *root;
	struct spec_mount *mounts;
	struct spec_hooks *hooks;
	struct json_pair *annotations;
	struct spec_linux *linux; /* spec_load() makes it an empty one when absent */
	size_t n_mounts, n_annotations;
	struct spec_extensions extensions; /* what annotations ask for */
};

extern const struct json_type spec_type;
extern const struct json_type spec_process_type;   /* exec --process */
extern const struct json_type spec_resources_type; /* update --resources */
extern const struct json_type spec_seccomp_type;   /* linux.seccomp */

/*
 * Reads a config.json and checks it (spec_check.h). `name` is for messages.
 * The caller has zeroed *out.
 */
int spec_load(const char *text, size_t size, const char *name, struct spec *out,
	      struct arena *arena, struct error *err);

/* The same for a process by itself (exec --process). */
int spec_load_process(const char *text, size_t size, const char *name, struct spec_process *out,
		      struct arena *arena, struct error *err);

/* The entry of a namespace type, or NULL when the configuration does not name it. */
const struct spec_namespace *spec_find_namespace(const struct spec *spec,
						 enum spec_namespace_type type);

/* "pid", "network", … as in the configuration. */
const char *spec_namespace_name(enum spec_namespace_type type);

/* The value of an annotation, or NULL. */
const char *spec_find_annotation(const struct spec *spec, const char *key);
