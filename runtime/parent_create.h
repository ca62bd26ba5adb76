/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of creating a container: the dialogue with the intermediate
 * process and with init, up to READY (channel.h has the messages).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "runtime/cgroup.h"
#include "runtime/init.h"
#include "runtime/namespace.h"
#include "runtime/resctrl.h"

struct parent_create {
	struct init init; /* for the child */
	struct namespace_plan namespaces;
	const struct cgroup *cgroup;
	/*
	 * Makes the cgroup around init, which has been born outside, and is alone
	 * in there from the first: limits are set at once (systemd). NULL: the
	 * processes are born into it.
	 */
	int (*make_cgroup)(void *data, pid_t pid, struct error *err);
	void *cgroup_data;
	int folder; /* the state folder: its lock must not live on in a child */
	struct state *state;
	struct resctrl resctrl; /* opened where the configuration has intelRdt */

	/* Results: a half-made child is a resource too. */
	pid_t pid;
	int pidfd, channel;
	bool hooks_have_run;
};

/*
 * Clones the processes and leads init to READY; then pid, start time and
 * pidfd inode are in *state. On failure the caller undoes what results say.
 * Blocks for runtime hooks.
 */
int parent_create_run(struct parent_create *create, struct error *err);

/* Tells init that it is on disk, and lets go of it. */
int parent_create_release(struct parent_create *create, struct error *err);
