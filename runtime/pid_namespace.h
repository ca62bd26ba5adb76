/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container that has no cgroups: those in the pid namespace
 * of its init, and in namespaces below that one (pid_namespaces(7)). Where init
 * shares the caller's, only init itself is known to be the container's.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* In ascending order; malloc'd. What the caller may not look at is left out. */
int pid_namespace_list(int procfs, pid_t init, pid_t **ret_pids, size_t *ret_count,
		       struct error *err);

/*
 * Signals each of them. `init_pidfd` is init's: SIGKILL to it ends all others
 * of a namespace of its own. What has ended meanwhile is no error.
 */
int pid_namespace_signal(int procfs, pid_t init, int init_pidfd, int signal, struct error *err);
