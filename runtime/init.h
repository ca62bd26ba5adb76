/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init: the container's first process, from its birth to execve of the
 * payload. PID 1 where there is a new pid namespace.
 */
#pragma once

#include <stdbool.h>

#include "oci/spec.h"
#include "oci/state.h"
#include "runtime/hook.h"
#include "runtime/mount.h"
#include "runtime/seccomp.h"

/*
 * An annotation, "blocked": the payload begins with all signals blocked, for
 * one that waits for them, so that none is lost to process 1 before it does.
 */
#define INIT_ANNOTATION_SIGNALS "org.rustbox.signals"

/* All that init needs, made by the parent before any child exists. */
struct init {
	const struct spec *spec;
	const struct state *state; /* for hooks in the container's namespaces */
	struct mount_plan *mounts;
	const int *device_nodes;	      /* of device_open_host_nodes() */
	const struct seccomp_filter *seccomp; /* NULL: none */
	int procfs;			      /* the host's /proc */
	int console_socket;		      /* -1: none */
	int start_listener;		      /* start.sock */
	struct hook_output hook_output;
	unsigned int keep_fds;
	bool new_network, new_user_namespace, no_pivot, no_new_keyring;
	bool attach_listener;	     /* channel_must_attach_listener() */
	bool makes_cgroup_namespace; /* now, since it shows the cgroup that one is in when making it
				      */
	struct arena *arena;
};

/* data: struct init. */
void init_main(void *data, int channel) __attribute__((noreturn));
