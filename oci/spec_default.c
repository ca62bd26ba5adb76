/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_default.h"

#include <unistd.h>

#include "oci/spec.h"

/* The structs' texts are not const; so these are arrays of their own. */
#define TEXT(s)		((char[]){ s })
#define COUNT(a)	(sizeof(a) / sizeof(*(a)))
#define LISTED(m, list) .m = (list), .n_##m = COUNT(list)
#define OPTIONS(...)                                                                               \
	.options = (char *[]){ __VA_ARGS__ }, .n_options = COUNT(((char *[]){ __VA_ARGS__ }))

static char *args[] = { TEXT("sh") };
static char *env[] = {
	TEXT("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
	TEXT("TERM=xterm"),
};

/* Not inheritable, and so not ambient: SECURITY.md S12. */
static char *capability_names[] = {
	TEXT("CAP_AUDIT_WRITE"),
	TEXT("CAP_KILL"),
	TEXT("CAP_NET_BIND_SERVICE"),
};
static struct spec_capabilities capabilities = {
	LISTED(bounding, capability_names),
	LISTED(effective, capability_names),
	LISTED(permitted, capability_names),
};

static struct spec_rlimit rlimits[] = {
	{ .type = TEXT("RLIMIT_NOFILE"), .soft = 1024, .hard = 1024 },
};
static struct spec_user user;
static struct spec_process process = {
	.terminal = true,
	.user = &user,
	LISTED(args, args),
	LISTED(env, env),
	.cwd = TEXT("/"),
	.capabilities = &capabilities,
	LISTED(rlimits, rlimits),
	.no_new_privileges = true,
};

static struct spec_root root = { .path = TEXT("rootfs"), .readonly = true };

#define MOUNT_PROC                                                                                 \
	{                                                                                          \
		.destination = TEXT("/proc"), .type = TEXT("proc"), .source = TEXT("proc")         \
	}
#define MOUNT_DEV                                                                                  \
	{                                                                                          \
		.destination = TEXT("/dev"), .type = TEXT("tmpfs"), .source = TEXT("tmpfs"),       \
		OPTIONS(TEXT("nosuid"), TEXT("strictatime"), TEXT("mode=755"),                     \
			TEXT("size=65536k")),                                                      \
	}
#define MOUNT_PTS(...)                                                                             \
	{                                                                                          \
		.destination = TEXT("/dev/pts"), .type = TEXT("devpts"), .source = TEXT("devpts"), \
		OPTIONS(TEXT("nosuid"), TEXT("noexec"), TEXT("newinstance"),                       \
			TEXT("ptmxmode=0666"), TEXT("mode=0620"), ##__VA_ARGS__),                  \
	}
#define MOUNT_SHM                                                                                  \
	{                                                                                          \
		.destination = TEXT("/dev/shm"), .type = TEXT("tmpfs"), .source = TEXT("shm"),     \
		OPTIONS(TEXT("nosuid"), TEXT("noexec"), TEXT("nodev"), TEXT("mode=1777"),          \
			TEXT("size=65536k")),                                                      \
	}
#define MOUNT_MQUEUE                                                                               \
	{                                                                                          \
		.destination = TEXT("/dev/mqueue"), .type = TEXT("mqueue"),                        \
		.source = TEXT("mqueue"), OPTIONS(TEXT("nosuid"), TEXT("noexec"), TEXT("nodev")),  \
	}
#define MOUNT_CGROUP                                                                               \
	{                                                                                          \
		.destination = TEXT("/sys/fs/cgroup"), .type = TEXT("cgroup"),                     \
		.source = TEXT("cgroup"),                                                          \
		OPTIONS(TEXT("nosuid"), TEXT("noexec"), TEXT("nodev"), TEXT("relatime"),           \
			TEXT("ro")),                                                               \
	}

static struct spec_mount mounts[] = {
	MOUNT_PROC,
	MOUNT_DEV,
	MOUNT_PTS(TEXT("gid=5")),
	MOUNT_SHM,
	MOUNT_MQUEUE,
	{ .destination = TEXT("/sys"),
	  .type = TEXT("sysfs"),
	  .source = TEXT("sysfs"),
	  OPTIONS(TEXT("nosuid"), TEXT("noexec"), TEXT("nodev"), TEXT("ro")) },
	MOUNT_CGROUP,
};

/*
 * Group 5 is not mapped, and a new sysfs needs a network namespace that the
 * user namespace owns: the host's is bound instead.
 */
static struct spec_mount rootless_mounts[] = {
	MOUNT_PROC,
	MOUNT_DEV,
	MOUNT_PTS(),
	MOUNT_SHM,
	MOUNT_MQUEUE,
	{ .destination = TEXT("/sys"),
	  .type = TEXT("none"),
	  .source = TEXT("/sys"),
	  OPTIONS(TEXT("rbind"), TEXT("nosuid"), TEXT("noexec"), TEXT("nodev"), TEXT("ro")) },
	MOUNT_CGROUP,
};

static struct spec_device_rule no_device[] = { { .allow = false, .access = TEXT("rwm") } };
static struct spec_resources resources = { LISTED(devices, no_device) };

static struct spec_namespace namespaces[] = {
	{ .type = NAMESPACE_PID }, { .type = NAMESPACE_NETWORK }, { .type = NAMESPACE_IPC },
	{ .type = NAMESPACE_UTS }, { .type = NAMESPACE_MOUNT },	  { .type = NAMESPACE_CGROUP },
};
static struct spec_namespace rootless_namespaces[] = {
	{ .type = NAMESPACE_PID },   { .type = NAMESPACE_IPC },	   { .type = NAMESPACE_UTS },
	{ .type = NAMESPACE_MOUNT }, { .type = NAMESPACE_CGROUP }, { .type = NAMESPACE_USER },
};

static char *masked_paths[] = {
	TEXT("/proc/acpi"),
	TEXT("/proc/asound"),
	TEXT("/proc/interrupts"),
	TEXT("/proc/kcore"),
	TEXT("/proc/keys"),
	TEXT("/proc/latency_stats"),
	TEXT("/proc/sched_debug"),
	TEXT("/proc/scsi"),
	TEXT("/proc/timer_list"),
	TEXT("/proc/timer_stats"),
	TEXT("/sys/devices/virtual/powercap"),
	TEXT("/sys/firmware"),
};
static char *readonly_paths[] = {
	TEXT("/proc/bus"),	     TEXT("/proc/fs"), TEXT("/proc/irq"), TEXT("/proc/sys"),
	TEXT("/proc/sysrq-trigger"),
};

static char *write_spec(const struct spec_linux *linux, struct spec_mount *list, size_t n_mounts,
			struct error *err)
{
	struct spec_linux copy = *linux;
	const struct spec spec = {
		.oci_version = TEXT(OCI_VERSION),
		.process = &process,
		.root = &root,
		.hostname = TEXT("rustbox"),
		.mounts = list,
		.n_mounts = n_mounts,
		.linux = &copy,
	};

	return json_write(&spec_type, &spec, true, err);
}

char *spec_default_json(bool rootless, struct error *err)
{
	struct spec_id_mapping uids[] = { { 0, geteuid(), 1 } };
	struct spec_id_mapping gids[] = { { 0, getegid(), 1 } };
	struct spec_linux linux = {
		LISTED(masked_paths, masked_paths),
		LISTED(readonly_paths, readonly_paths),
	};

	if (!rootless) {
		linux.resources = &resources;
		linux.namespaces = namespaces;
		linux.n_namespaces = COUNT(namespaces);
		return write_spec(&linux, mounts, COUNT(mounts), err);
	}
	linux.uid_mappings = uids;
	linux.gid_mappings = gids;
	linux.n_uid_mappings = linux.n_gid_mappings = 1;
	linux.namespaces = rootless_namespaces;
	linux.n_namespaces = COUNT(rootless_namespaces);
	return write_spec(&linux, rootless_mounts, COUNT(rootless_mounts), err);
}
