/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.scheduler (sched_setattr(2)), process.ioPriority (ioprio_set(2)) and
 * process.execCPUAffinity (sched_setaffinity(2)). What they set is inherited
 * by children. Most of it needs CAP_SYS_NICE.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "oci/spec.h"

/* For the caller; NULL: nothing is done. */
int scheduler_set(const struct spec_scheduler *config, struct error *err);
int scheduler_set_io_priority(const struct spec_io_priority *config, struct error *err);

/*
 * CPUs that `pid` (0: the caller) may run on, as a list like "0-3,7". A text
 * that is no list is an error; CPUs that are not there are left out by the
 * kernel, which fails only when none remains.
 */
int scheduler_set_affinity(pid_t pid, const char *list, struct error *err);

/*
 * Core scheduling (prctl(2), PR_SCHED_CORE): the hardware threads of a core
 * run only processes of one group at a time. A new group for the caller, and
 * its children to come; or the group of a process of the container.
 */
int scheduler_isolate_cores(struct error *err);
int scheduler_join_cores(pid_t pid, struct error *err);

/*
 * All CPUs that the cgroup allows: undoes what the runtime's caller (taskset,
 * systemd's CPUAffinity=) left us. Where it may not be done it is left so.
 */
void scheduler_reset_affinity(pid_t pid);
