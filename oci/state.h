/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's state: as kept in the state folder (state.json), and as shown
 * to callers and hooks (runtime-spec, runtime.md, "State").
 */
#pragma once

#include "oci/json.h"

struct state_cgroup_path {
	char *controllers; /* "memory", "cpu,cpuacct", "" for cgroup2: the key */
	char *path;	   /* absolute, on the host */
};

struct state {
	char *oci_version, *id, *bundle, *rootfs;
	char *phase;	      /* "creating" or "created": what create has finished; the status
				 is derived from it and from the process */
	int32_t pid;	      /* of init, in the runtime's pid namespace; 0: not born yet */
	uint64_t start_time;  /* of init, clock ticks since boot */
	uint64_t pidfd_inode; /* of init's pidfd, 0 where the kernel has none */
	char *created;	      /* RFC 3339, nanoseconds, UTC */
	char *owner;	      /* uid of the creator, decimal */
	char *cgroup_manager; /* "cgroupfs", "systemd", "disabled", and variants of these */
	char *systemd_unit;   /* NULL: not by systemd */
	struct state_cgroup_path *cgroup_paths;
	struct json_pair *annotations;
	char *seccomp_receiver; /* who answers what its filter asks: a socket's path; or NULL */
	bool notify_socket;	/* an sd_notify proxy socket is in the state folder */
	bool no_pivot;		/* the root is a chroot of the mount namespace */
	bool no_new_keyring;
	char *rdt_class, *rdt_monitor; /* folders of resctrl that were made for it; or NULL */
	size_t n_cgroup_paths, n_annotations;
};

extern const struct json_type state_type; /* state.json */

/* What `state` prints and hooks get on standard input. */
struct state_public {
	char *oci_version, *id;
	int32_t pid; /* 0: none; hooks do not get it then, `state` shows the 0 */
	char *status, *bundle, *rootfs, *created, *owner;
	struct json_pair *annotations;
	size_t n_annotations;
};

extern const struct json_type
	state_public_type;		       /* the `state` command: rootfs, created, owner too */
extern const struct json_type state_hook_type; /* exactly the specification's members */

/* What a seccomp agent gets with the listener (config-linux.md, "The Container Process State"). */
struct state_process {
	char *oci_version;
	char **fds; /* names of the descriptors that come with it */
	size_t n_fds;
	int32_t pid;
	char *metadata;
	struct state_public *state;
};

extern const struct json_type state_process_type;
