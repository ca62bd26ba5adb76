/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/state.h"

static const struct json_field cgroup_path_fields[] = {
	/* controllers is the key */
	REQUIRED(state_cgroup_path, path, "path"),
	{ NULL },
};
static const struct json_type cgroup_path_type = { sizeof(struct state_cgroup_path),
						   cgroup_path_fields, NULL };

static const struct json_field state_fields[] = {
	REQUIRED(state, oci_version, "ociVersion"),
	REQUIRED(state, id, "id"),
	REQUIRED(state, bundle, "bundle"),
	FIELD(state, rootfs, "rootfs"),
	REQUIRED(state, phase, "phase"),
	FIELD(state, pid, "pid"),
	FIELD(state, start_time, "startTime"),
	FIELD(state, pidfd_inode, "pidfdInode"),
	FIELD(state, created, "created"),
	FIELD(state, owner, "owner"),
	FIELD(state, cgroup_manager, "cgroupManager"),
	FIELD(state, systemd_unit, "systemdUnit"),
	NAMED(state, cgroup_paths, "cgroupPaths", &cgroup_path_type),
	PAIRS(state, annotations, "annotations"),
	FIELD(state, seccomp_receiver, "seccompReceiver"),
	FIELD(state, notify_socket, "notifySocket"),
	FIELD(state, no_pivot, "noPivot"),
	FIELD(state, no_new_keyring, "noNewKeyring"),
	FIELD(state, rdt_class, "rdtClass"),
	FIELD(state, rdt_monitor, "rdtMonitor"),
	{ NULL },
};
const struct json_type state_type = { sizeof(struct state), state_fields, NULL };

static const struct json_field public_fields[] = {
	REQUIRED(state_public, oci_version, "ociVersion"),
	REQUIRED(state_public, id, "id"),
	REQUIRED(state_public, pid, "pid"),
	REQUIRED(state_public, status, "status"),
	REQUIRED(state_public, bundle, "bundle"),
	FIELD(state_public, rootfs, "rootfs"),
	FIELD(state_public, created, "created"),
	PAIRS(state_public, annotations, "annotations"),
	FIELD(state_public, owner, "owner"),
	{ NULL },
};
const struct json_type state_public_type = { sizeof(struct state_public), public_fields, NULL };

static const struct json_field hook_fields[] = {
	REQUIRED(state_public, oci_version, "ociVersion"),
	REQUIRED(state_public, id, "id"),
	REQUIRED(state_public, status, "status"),
	FIELD(state_public, pid, "pid"),
	REQUIRED(state_public, bundle, "bundle"),
	PAIRS(state_public, annotations, "annotations"),
	{ NULL },
};
const struct json_type state_hook_type = { sizeof(struct state_public), hook_fields, NULL };

static const struct json_field process_fields[] = {
	REQUIRED(state_process, oci_version, "ociVersion"),
	LIST(state_process, fds, "fds"),
	REQUIRED(state_process, pid, "pid"),
	FIELD(state_process, metadata, "metadata"),
	{ .key = "state",
	  .kind = JSON_OBJECT,
	  .required = true,
	  .offset = offsetof(struct state_process, state),
	  .type = &state_hook_type },
	{ NULL },
};
const struct json_type state_process_type = { sizeof(struct state_process), process_fields, NULL };
