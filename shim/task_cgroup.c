/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup of a container, as far as it is its own: what Pids, Stats and OOM events are about. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "proto/events.pb-c.h"
#include "runtime/cgroup_backend.h"
#include "shim/task_verbs.h"

static void oom_killed(void *data)
{
	struct task *task = data;
	Containerd__Events__TaskOOM event = CONTAINERD__EVENTS__TASK_OOM__INIT;

	event.container_id = task->id;
	publisher_send(task->service->publisher, "/tasks/oom", &event.base);
}

/* Only a root has v1's file, and only a root lacks cgroup2's. */
static bool is_root(const struct cgroup_directory *directory)
{
	const bool is_v1 = *directory->controllers;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", directory->path,
		       is_v1 ? "release_agent" : "cgroup.type");
	return cgroup_exists(path) == is_v1;
}

/* In the root of a hierarchy is the whole machine, which is not the container's. */
static void leave_roots_out(struct cgroup *cgroup)
{
	size_t n = 0;

	for (size_t i = 0; i < cgroup->n_directories; i++)
		if (!is_root(&cgroup->directories[i]))
			cgroup->directories[n++] = cgroup->directories[i];
	cgroup->n_directories = n;
}

static int find_own(struct task *task, struct error *err)
{
	return cgroup_of_process(&cgroup_machine_default, getpid(), &task->arena, &task->own_cgroup,
				 err);
}

void task_prepare_cgroup(struct task *task)
{
	struct error ignored; /* it is looked for again, then */
	cleanup_cgroup_root bool is_held = cgroup_root_hold();

	(void)find_own(task, &ignored);
}

/* Nor is what it shares with us, because it could be given none of its own. */
static int leave_ours_out(struct task *task, struct error *err)
{
	struct cgroup *cgroup = &task->cgroup;
	const struct cgroup *ours = &task->own_cgroup;
	size_t n = 0;

	if (!ours->n_directories && find_own(task, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		bool shared = false;

		for (size_t k = 0; k < ours->n_directories; k++)
			shared |= str_equal(ours->directories[k].path, cgroup->directories[i].path);
		if (!shared)
			cgroup->directories[n++] = cgroup->directories[i];
	}
	cgroup->n_directories = n;
	return 0;
}

void task_find_cgroup(struct task *task)
{
	cleanup_cgroup_root bool is_held = cgroup_root_hold();
	struct error err;

	/*
	 * Without one there are no statistics; the process may have died already. What
	 * could be ours counts as none, too.
	 */
	if (cgroup_of_process(&cgroup_machine_default, task->init.pid, &task->arena, &task->cgroup,
			      &err) < 0 ||
	    leave_ours_out(task, &err) < 0) {
		log_debug("%s: find the cgroup: %s", task->id, err.text);
		task->cgroup = (struct cgroup){ 0 };
		return;
	}
	leave_roots_out(&task->cgroup);
	task->has_cgroup = task->cgroup.n_directories > 0;
	if (task->has_cgroup)
		task->oom =
			oom_watch_new(task->service->loop, &task->cgroup, oom_killed, task, &err);
}
