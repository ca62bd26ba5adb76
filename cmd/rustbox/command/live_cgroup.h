/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup of a container that runs, for what is shown of it. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "runtime/cgroup.h"

/*
 * Where its configuration says, which is above whatever cgroups the container
 * has made and moved its processes to. -1 for one that does not run: err says
 * what to do.
 */
int live_cgroup_find(const struct invocation *call, const struct record *record, struct cgroup *ret,
		     struct error *err);

/* Its processes; malloc'd. */
int live_cgroup_processes(const struct invocation *call, const struct record *record,
			  pid_t **ret_pids, size_t *ret_n, struct error *err);

/* True when the record's pid is one of its processes: and not of others', who got it later. */
bool live_cgroup_has_init(const struct cgroup *cgroup, const struct record *record);
