/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/live_cgroup.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "runtime/pid_namespace.h"

static int check_running(const struct invocation *call, const struct record *record,
			 struct error *err)
{
	int status = record->state->status;

	if ((status == RECORD_RUNNING || status == RECORD_PAUSED) &&
	    store_is_supervised(call->store, record->id))
		return 0;
	(void)error_set(err, 0, "container %s is %s", record->name, record_status_names[status]);
	if (status == RECORD_RESTARTING)
		return error_hint(err, "it runs again in a moment");
	return error_hint(err, "rustbox %s %s makes it run",
			  status == RECORD_EXITED ? "restart" : "start", record->name);
}

/* An ordinary user's is where the container was started, if it was given one there. */
static int find_rootless(const struct invocation *call, const struct record *record,
			 struct cgroup *ret, struct error *err)
{
	char *name = arena_format(call->arena, err, "/rustbox-%s", record->id);
	size_t n = 0;

	if (!name || cgroup_of_process(&cgroup_machine_default, record->state->pid, call->arena,
				       ret, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->n_directories; i++)
		if (str_ends_with(ret->directories[i].path, name))
			ret->directories[n++] = ret->directories[i];
	ret->n_directories = n;
	if (n > 0)
		return 0;
	(void)error_set(err, ENOTSUP, "container %s has no cgroups", record->name);
	return error_hint(err, "an ordinary user's has them in a delegated subtree of cgroup v2: "
			       "systemd-run --user --scope -p Delegate=yes rustbox run ...");
}

/* The scope that systemd has made for it, wherever that is; below it is what the container made. */
static int find_scope(const struct invocation *call, const struct record *record,
		      struct cgroup *ret, struct error *err)
{
	char *name = arena_format(call->arena, err, "/rustbox-%s.scope", record->id);
	size_t n = 0;

	if (!name || cgroup_of_process(&cgroup_machine_default, record->state->pid, call->arena,
				       ret, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->n_directories; i++) {
		struct cgroup_directory *directory = &ret->directories[i];
		const char *found = strstr(directory->path, name);

		if (!found)
			continue;
		directory->path =
			arena_strndup(call->arena, directory->path,
				      (size_t)(found - directory->path) + strlen(name), err);
		if (!directory->path)
			return -1;
		ret->directories[n++] = *directory;
	}
	ret->n_directories = n;
	return n > 0 ? 0 : error_set(err, ESRCH, "%s: its process is not there", name + 1);
}

int live_cgroup_find(const struct invocation *call, const struct record *record, struct cgroup *ret,
		     struct error *err)
{
	struct spec *spec;

	if (call->store->is_rootless)
		return check_running(call, record, err) < 0 ? -1
							    : find_rootless(call, record, ret, err);
	if (check_running(call, record, err) < 0 ||
	    bundle_load_spec(call->store, record->id, call->arena, &spec, err) < 0)
		return -1;
	if (spec->linux && spec->linux->cgroups_path && *spec->linux->cgroups_path != '/')
		return find_scope(call, record, ret, err);
	return cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS,
			     spec->linux ? spec->linux->cgroups_path : NULL, record->id, false,
			     call->arena, ret, err);
}

int live_cgroup_processes(const struct invocation *call, const struct record *record,
			  pid_t **ret_pids, size_t *ret_n, struct error *err)
{
	struct cgroup cgroup;

	if (call->store->is_rootless) { /* it may well have none */
		cleanup_fd int procfs = path_open_procfs(err);

		return procfs < 0 || check_running(call, record, err) < 0
			       ? -1
			       : pid_namespace_list(procfs, record->state->pid, ret_pids, ret_n,
						    err);
	}
	if (live_cgroup_find(call, record, &cgroup, err) < 0)
		return -1;
	return cgroup_processes(&cgroup, ret_pids, ret_n, err);
}

bool live_cgroup_has_init(const struct cgroup *cgroup, const struct record *record)
{
	cleanup_free pid_t *pids = NULL;
	struct error ignored;
	size_t n = 0;

	if (record->state->pid <= 0 || cgroup_processes(cgroup, &pids, &n, &ignored) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pids[i] == record->state->pid)
			return true;
	return false;
}
