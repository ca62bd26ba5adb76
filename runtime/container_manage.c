/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs on a container that exists: kill, delete, pause, resume, update, and looking at it. */
#include <signal.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "oci/spec_check.h"
#include "runtime/container.h"
#include "runtime/lifecycle.h"
#include "runtime/pid_namespace.h"
#include "runtime/registry.h"
#include "runtime/resctrl.h"
#include "runtime/status.h"

static int wrong_status(const char *verb, const char *id, enum container_status status,
			struct error *err)
{
	return error_plain(err, EINVAL, "cannot %s container \"%s\" in the %s state", verb, id,
			   container_status_name(status));
}

static int not_running(const char *id, enum container_status status, struct error *err)
{
	/* Callers look for these words. */
	return error_plain(err, ESRCH, "kill \"%s\": container not running (status: %s)", id,
			   container_status_name(status));
}

static int without_cgroups(const char *verb, const char *id, struct error *err)
{
	error_set(err, ENOTSUP, "%s \"%s\": it was made without cgroups", verb, id);
	return error_hint(err, "an ordinary user's container has them in a delegated subtree of "
			       "cgroup v2: systemd-run --user --scope -p Delegate=yes COMMAND");
}

/* True when the kernel does not end the other processes with init: no pid namespace of its own. */
static bool outlives_init(struct lifecycle *container)
{
	const struct spec_namespace *pid;
	struct error ignored;

	if (lifecycle_load_spec(container, &ignored) < 0)
		return false;
	pid = spec_find_namespace(&container->spec, NAMESPACE_PID);
	return !pid || pid->path;
}

/* With --all it is no error that there is nothing left. */
static int kill_all(struct lifecycle *container, int signal, enum container_status status, bool all,
		    struct error *err)
{
	cleanup_free pid_t *pids = NULL;
	size_t count = 0;

	if (container->cgroup.n_directories == 0) {
		if (container->init_pidfd < 0)
			return all ? 0 : not_running(container->state.id, status, err);
		return pid_namespace_signal(container->procfs, container->state.pid,
					    container->init_pidfd, signal, err);
	}
	if (!all && cgroup_processes(&container->cgroup, &pids, &count, err) < 0)
		return -1;
	if (!all && !count)
		return not_running(container->state.id, status, err);
	return cgroup_signal_all(&container->cgroup, signal, err);
}

int container_kill(const struct container_engine *engine, const char *id, int signal, bool all,
		   struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;

	if (lifecycle_open(engine, id, false, &container, err) < 0 ||
	    lifecycle_status(&container, &status, err) < 0)
		return -1;
	if (container.owns_cgroup && (all || (signal == SIGKILL && outlives_init(&container))))
		return kill_all(&container, signal, status, all, err);
	if (container.init_pidfd < 0)
		return not_running(id, status, err);
	if (process_pidfd_signal(container.init_pidfd, signal) < 0)
		return errno == ESRCH ? not_running(id, status, err)
				      : error_set(err, errno, "send signal %d to process %d",
						  signal, container.state.pid);
	/* On v1 a frozen process takes SIGKILL only when it is thawed. */
	if (signal == SIGKILL && status == CONTAINER_PAUSED)
		return cgroup_signal_all(&container.cgroup, SIGKILL, err);
	return 0;
}

int container_delete(const struct container_engine *engine, const char *id, bool force,
		     struct error *err)
{
	return force ? lifecycle_delete_by_force(engine, id, err)
		     : lifecycle_delete_stopped(engine, id, err);
}

static int set_frozen(const struct container_engine *engine, const char *id, bool frozen,
		      struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	const char *verb = frozen ? "pause" : "resume";
	enum container_status status;

	if (lifecycle_open(engine, id, true, &container, err) < 0 ||
	    lifecycle_status(&container, &status, err) < 0)
		return -1;
	if (frozen ? status != CONTAINER_RUNNING && status != CONTAINER_CREATED
		   : status != CONTAINER_PAUSED)
		return wrong_status(verb, id, status, err);
	if (container.cgroup.n_directories == 0)
		return without_cgroups(verb, id, err);
	if (cgroup_freeze(&container.cgroup, frozen, err) < 0)
		return error_wrap(err, "%s \"%s\"", verb, id);
	return 0;
}

int container_pause(const struct container_engine *engine, const char *id, struct error *err)
{
	return set_frozen(engine, id, true, err);
}

int container_resume(const struct container_engine *engine, const char *id, struct error *err)
{
	return set_frozen(engine, id, false, err);
}

static int update_rdt(struct lifecycle *container, const struct spec_intel_rdt *rdt,
		      struct error *err)
{
	const struct spec_intel_rdt *config;
	struct resctrl resctrl = RESCTRL_CLOSED;
	int rc;

	if (lifecycle_load_spec(container, err) < 0)
		return -1;
	config = container->spec.linux->intel_rdt;
	if (!config)
		return error_set(err, EINVAL, "it was made without linux.intelRdt");
	rc = resctrl_open(&resctrl, err);
	if (rc == 0)
		rc = resctrl_update(&resctrl, config, container->state.id, rdt->l3_cache_schema,
				    rdt->mem_bw_schema, err);
	resctrl_done(&resctrl);
	return rc;
}

int container_update(const struct container_engine *engine, const char *id,
		     const struct spec_resources *resources, const struct spec_intel_rdt *rdt,
		     struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;

	if (spec_check_resources(resources, "resources", err) < 0 ||
	    lifecycle_open(engine, id, true, &container, err) < 0 ||
	    lifecycle_status(&container, &status, err) < 0)
		return -1;
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return wrong_status("update", id, status, err);
	if (rdt && update_rdt(&container, rdt, err) < 0)
		return error_wrap(err, "update \"%s\"", id);
	if (container.cgroup.n_directories == 0)
		return without_cgroups("update", id, err);
	if (cgroup_set_limits(&container.cgroup, resources, true, err) < 0)
		return error_wrap(err, "update \"%s\"", id);
	return 0;
}

int container_look(const struct container_engine *engine, const char *id, struct arena *arena,
		   struct container_view *ret, struct error *err)
{
	cleanup_fd int folder = registry_open(engine->root, id, err);
	cleanup_fd int procfs = folder < 0 ? -1 : path_open_procfs(err);

	if (folder < 0 || procfs < 0)
		return -1;
	if (registry_load(folder, arena, &ret->state, err) < 0 ||
	    cgroup_from_state(&ret->state, arena, &ret->cgroup, err) < 0 ||
	    status_derive(folder, &ret->state, &ret->cgroup, procfs, &ret->status, NULL, err) < 0)
		return error_wrap(err, "container \"%s\"", id);
	return 0;
}

int container_processes(const struct container_view *view, pid_t **ret_pids, size_t *ret_count,
			struct error *err)
{
	cleanup_fd int procfs = -1, pidfd = -1;

	if (view->cgroup.n_directories > 0)
		return cgroup_processes(&view->cgroup, ret_pids, ret_count, err);
	procfs = path_open_procfs(err);
	if (procfs < 0 || status_open_init(&view->state, procfs, &pidfd, err) < 0)
		return -1;
	if (pidfd >= 0)
		return pid_namespace_list(procfs, view->state.pid, ret_pids, ret_count, err);
	*ret_pids = NULL;
	*ret_count = 0;
	return 0;
}

int container_list(const struct container_engine *engine, struct arena *arena,
		   struct container_view **ret, size_t *ret_count, struct error *err)
{
	struct container_view *views;
	size_t n_ids, count = 0;
	char **ids;
	struct error one;

	if (registry_list(engine->root, arena, &ids, &n_ids, err) < 0)
		return -1;
	views = arena_array(arena, n_ids, sizeof(*views), err);
	if (!views)
		return -1;
	for (size_t i = 0; i < n_ids; i++) {
		if (container_look(engine, ids[i], arena, &views[count], &one) == 0)
			count++;
		else if (error_is_shortage(&one)) {
			*err = one; /* the list would say that there are no more */
			return -1;
		} else if (one.code != ENOENT)
			log_warning("%s", one.text);
	}
	*ret = views;
	*ret_count = count;
	return 0;
}
