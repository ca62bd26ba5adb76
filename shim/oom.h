/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when the kernel's OOM killer has been in a container's cgroup. */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "runtime/cgroup.h"

struct oom_watch;

/*
 * Calls `killed` from the loop each time that the number of OOM kills has
 * grown. The cgroup is borrowed. NULL with err where there is no such thing
 * (no memory controller: err->code ENOENT).
 */
struct oom_watch *oom_watch_new(struct loop *loop, const struct cgroup *cgroup,
				void (*killed)(void *data), void *data, struct error *err);

/* Looks once more, at the end of a process: calls `killed` for what no event has told yet. */
void oom_watch_check(struct oom_watch *watch);
void oom_watch_free(struct oom_watch *watch);
