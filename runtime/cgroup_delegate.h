/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a container its cgroup (runtime-spec config-linux.md, "Cgroup
 * ownership"; the annotation run.oci.delegate-cgroup). On cgroup2 alone: on v1
 * it is not safe.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"

/*
 * What of the configuration cannot be done with these cgroups: before anything
 * is made; of a scope again when it has its directories.
 */
int cgroup_delegate_check(const struct spec *spec, const struct cgroup *cgroup, struct error *err);

/*
 * After init is in its namespaces, and in its cgroup. With a cgroup namespace
 * of its own and a writable mount of cgroups, the container's directory, and
 * in it the files that the kernel lists as safe, become those of who
 * process.user.uid is on the host. With the annotation init moves on to a
 * directory below, without limits of its own; the namespace's root stays above.
 */
int cgroup_delegate(const struct spec *spec, const struct cgroup *cgroup, int procfs, pid_t pid,
		    struct error *err);
