/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/features.h"

#include "oci/json.h"
#include "oci/spec.h"

/*
 * Structs for the writer alone, so that their texts can be constants. What is
 * REQUIRED is written when it is false, too: null would mean "unknown".
 */

#define TYPE(s) static const struct json_type s##_type = { sizeof(struct s), s##_fields, NULL }

struct features_cgroup {
	bool v1, v2, systemd, systemd_user, rdma;
};
static const struct json_field features_cgroup_fields[] = {
	REQUIRED(features_cgroup, v1, "v1"),
	REQUIRED(features_cgroup, v2, "v2"),
	REQUIRED(features_cgroup, systemd, "systemd"),
	REQUIRED(features_cgroup, systemd_user, "systemdUser"),
	REQUIRED(features_cgroup, rdma, "rdma"),
	{ NULL },
};
TYPE(features_cgroup);

struct features_seccomp {
	bool enabled;
	const char *const *actions,
		*const *operators, *const *archs, *const *known_flags, *const *supported_flags;
	size_t n_actions, n_operators, n_archs, n_known_flags, n_supported_flags;
};
static const struct json_field features_seccomp_fields[] = {
	REQUIRED(features_seccomp, enabled, "enabled"),
	LIST(features_seccomp, actions, "actions"),
	LIST(features_seccomp, operators, "operators"),
	LIST(features_seccomp, archs, "archs"),
	LIST(features_seccomp, known_flags, "knownFlags"),
	LIST(features_seccomp, supported_flags, "supportedFlags"),
	{ NULL },
};
TYPE(features_seccomp);

struct features_enabled {
	bool enabled;
};
static const struct json_field features_enabled_fields[] = {
	REQUIRED(features_enabled, enabled, "enabled"),
	{ NULL },
};
TYPE(features_enabled);

struct features_mount_extensions {
	const struct features_enabled *idmap;
};
static const struct json_field features_mount_extensions_fields[] = {
	OBJECT(features_mount_extensions, idmap, "idmap", &features_enabled_type),
	{ NULL },
};
TYPE(features_mount_extensions);

struct features_memory_policy {
	const char *const *modes, *const *flags;
	size_t n_modes, n_flags;
};
static const struct json_field features_memory_policy_fields[] = {
	LIST(features_memory_policy, modes, "modes"),
	LIST(features_memory_policy, flags, "flags"),
	{ NULL },
};
TYPE(features_memory_policy);

struct features_linux {
	const char *const *namespaces, *const *capabilities;
	size_t n_namespaces, n_capabilities;
	const struct features_cgroup *cgroup;
	const struct features_seccomp *seccomp;
	const struct features_enabled *apparmor, *selinux, *intel_rdt, *net_devices;
	const struct features_memory_policy *memory_policy;
	const struct features_mount_extensions *mount_extensions;
};
static const struct json_field features_linux_fields[] = {
	LIST(features_linux, namespaces, "namespaces"),
	LIST(features_linux, capabilities, "capabilities"),
	OBJECT(features_linux, cgroup, "cgroup", &features_cgroup_type),
	OBJECT(features_linux, seccomp, "seccomp", &features_seccomp_type),
	OBJECT(features_linux, apparmor, "apparmor", &features_enabled_type),
	OBJECT(features_linux, selinux, "selinux", &features_enabled_type),
	OBJECT(features_linux, memory_policy, "memoryPolicy", &features_memory_policy_type),
	OBJECT(features_linux, intel_rdt, "intelRdt", &features_enabled_type),
	OBJECT(features_linux, mount_extensions, "mountExtensions",
	       &features_mount_extensions_type),
	OBJECT(features_linux, net_devices, "netDevices", &features_enabled_type),
	{ NULL },
};
TYPE(features_linux);

struct features_annotations {
	const char *libseccomp, *version, *commit, *checkpoint;
};
static const struct json_field features_annotations_fields[] = {
	FIELD(features_annotations, libseccomp, "io.github.seccomp.libseccomp.version"),
	FIELD(features_annotations, checkpoint, "rustbox.runtime.checkpoint.enabled"),
	FIELD(features_annotations, commit, "rustbox.runtime.commit"),
	FIELD(features_annotations, version, "rustbox.runtime.version"),
	{ NULL },
};
TYPE(features_annotations);

struct features {
	const char *min, *max;
	const char *const *hooks, *const *mount_options, *const *unsafe_annotations;
	size_t n_hooks, n_mount_options, n_unsafe_annotations;
	const struct features_linux *linux;
	const struct features_annotations *annotations;
};
static const struct json_field features_fields[] = {
	REQUIRED(features, min, "ociVersionMin"),
	REQUIRED(features, max, "ociVersionMax"),
	LIST(features, hooks, "hooks"),
	LIST(features, mount_options, "mountOptions"),
	OBJECT(features, linux, "linux", &features_linux_type),
	OBJECT(features, annotations, "annotations", &features_annotations_type),
	LIST(features, unsafe_annotations, "potentiallyUnsafeConfigAnnotations"),
	{ NULL },
};
TYPE(features);

static const char *const hooks[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	NULL
};
static const char *const namespaces[] = { "cgroup", "ipc",  "mount", "network", "pid",
					  "time",   "user", "uts",   NULL };
static const char *const none[] = { NULL };

static const struct features_cgroup cgroup = {
	.v1 = true, .v2 = true, .systemd = true, .systemd_user = true, .rdma = true
};
static const struct features_enabled on = { .enabled = true };
static const struct features_mount_extensions mount_extensions = { .idmap = &on };

static size_t length(const char *const *names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	return n;
}

/* A member of that name and its n_ companion. */
#define NAMES(m, list) .m = (list), .n_##m = length(list)

char *features_json(const struct features_lists *lists, struct error *err)
{
	const struct features_seccomp seccomp = {
		.enabled = true,
		NAMES(actions, lists->seccomp_actions),
		NAMES(operators, lists->seccomp_operators),
		NAMES(archs, lists->seccomp_archs),
		NAMES(known_flags, lists->seccomp_known_flags),
		NAMES(supported_flags, lists->seccomp_supported_flags),
	};
	const struct features_memory_policy memory_policy = {
		NAMES(modes, lists->memory_policy_modes),
		NAMES(flags, lists->memory_policy_flags),
	};
	const struct features_linux linux = {
		NAMES(namespaces, namespaces),
		NAMES(capabilities, lists->capabilities),
		.cgroup = &cgroup,
		.seccomp = &seccomp,
		.apparmor = &on,
		.selinux = &on,
		.memory_policy = lists->memory_policy_modes ? &memory_policy : NULL,
		.intel_rdt = &on,
		.net_devices = &on,
		.mount_extensions = &mount_extensions,
	};
	const struct features_annotations annotations = {
		.libseccomp = lists->libseccomp_version,
		.checkpoint = "true",
		.version = RUSTBOX_VERSION,
		.commit = *RUSTBOX_COMMIT ? RUSTBOX_COMMIT : NULL,
	};
	const struct features features = {
		.min = "1.0.0",
		.max = OCI_VERSION,
		NAMES(hooks, hooks),
		NAMES(mount_options, lists->mount_options),
		.unsafe_annotations = lists->unsafe_annotations ? lists->unsafe_annotations : none,
		.n_unsafe_annotations = length(lists->unsafe_annotations),
		.linux = &linux,
		.annotations = &annotations,
	};

	return json_write(&features_type, &features, true, err);
}
