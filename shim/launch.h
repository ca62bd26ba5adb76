/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a server: this program again, which outlives its starter. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "shim/flags.h"

/*
 * Executes this program as the server of the listener, with a process group of
 * its own and nothing open but the listener; moves it to the cgroup (a path
 * within each hierarchy, which exists already; NULL: it stays in ours), and
 * has the OOM killer take it a little sooner than our parent. With SCHED_CORE
 * in the environment our process group gets a core scheduling cookie first,
 * which the server inherits. On failure there is no server.
 */
int launch_server(const struct shim_flags *flags, int listener, const char *cgroup, pid_t *ret_pid,
		  struct error *err);

/*
 * Parts of it, apart for tests: writes the pid into each hierarchy of the
 * mountinfo text (which it changes) where the cgroup exists; ENOENT without any.
 */
int launch_join_cgroup(char *mountinfo, const char *cgroup, pid_t pid, struct error *err);
