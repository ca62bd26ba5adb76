/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The birth of a container's process, for create and exec alike: clones the
 * intermediate process, which joins the cgroups, serves what it asks for,
 * and receives the pidfd of the process that it leaves behind.
 */
#pragma once

#include "base/error.h"
#include "runtime/cgroup.h"
#include "runtime/intermediate.h"

struct birth {
	const struct cgroup *cgroup;
	const char *sub_controller, *sub_path; /* exec --cgroup, see cgroup_join(); or NULL */
	pid_t like; /* exec: init, whose cgroups do where the container's take no process */
	int folder; /* a descriptor that must not live on in the child (a lock), or -1 */
	struct intermediate plan; /* its channels are filled in here */
	/* Writes id maps and time offsets of `pid` when the plan needs them; or NULL. */
	int (*write_maps)(void *data, pid_t pid, struct error *err);
	void *maps_data;

	/* Results. The process waits for PROCEED on the channel, and ends when that is closed. */
	pid_t pid;
	int pidfd, channel;
};

/*
 * On success all results are set; on failure none, and no process is left but
 * one that ends by itself. The intermediate has ended either way.
 */
int birth_run(struct birth *birth, struct error *err);
