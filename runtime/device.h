/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes and /dev of a container (runtime-spec config-linux.md, "Devices"
 * and "Default Devices"; SECURITY.md S11). Runs in init after the mounts,
 * before pivot_root, with the descriptor of the root.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* The ones every container has: null zero full random urandom tty. Also for the cgroup rules. */
struct device_default {
	const char *path;
	int major, minor;
	unsigned int mode;
};
extern const struct device_default device_defaults[];
extern const size_t device_defaults_count;

/*
 * Host-side, before any child: opens what must come from the host where nodes
 * cannot be made (user namespaces): a detached clone of each node, by the
 * order of device_defaults then linux.devices. fds: array the caller gives
 * (device_defaults_count + n_devices), -1 where not needed.
 */
int device_open_host_nodes(const struct spec *spec, int *fds, struct error *err);

/*
 * Makes the nodes (mknodat; bind of the host's where host_nodes[i] >= 0 or
 * mknod is refused), /dev/fd, stdin, stdout, stderr, core links, and /dev/ptmx
 * as a link to pts/ptmx. Existing nodes of the right number are kept.
 */
int device_setup(int root, const struct spec *spec, const int *host_nodes, struct error *err);
