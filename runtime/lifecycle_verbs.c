/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that make nothing and enter nothing: start and delete. */
#include <errno.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/lifecycle.h"
#include "runtime/registry.h"
#include "runtime/status.h"

int lifecycle_start_created(const struct container_engine *engine, const char *id,
			    struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;

	if (lifecycle_open(engine, id, true, &container, err) < 0 ||
	    lifecycle_status(&container, &status, err) < 0)
		return -1;
	if (status != CONTAINER_CREATED)
		return error_set(err, 0, "cannot start container \"%s\" in the %s state", id,
				 container_status_name(status));
	if (lifecycle_load_spec(&container, err) < 0)
		return -1;
	if (!container.spec.process)
		return error_set(err, EINVAL, "container \"%s\": config.json has no process", id);
	return lifecycle_start(&container, err);
}

/*
 * Somebody else holds the lock, maybe a create or start whose hook hangs: what
 * it makes is killed, so that it fails and lets go.
 */
static void break_lock(const struct container_engine *engine, const char *id)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;
	struct error err;

	if (lifecycle_open(engine, id, false, &container, &err) < 0 ||
	    lifecycle_status(&container, &status, &err) < 0)
		return;
	if (container.init_pidfd >= 0)
		(void)process_pidfd_signal(container.init_pidfd, SIGKILL);
	if (container.owns_cgroup)
		(void)cgroup_signal_all(&container.cgroup, SIGKILL, &err);
}

int lifecycle_delete_by_force(const struct container_engine *engine, const char *id,
			      struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;
	struct error ignored;

	cleanup_fd int folder = registry_open(engine->root, id, err);
	if (folder < 0)
		return err->code == ENOENT ? 0 : -1;
	if (registry_lock(folder, id, false, &ignored) < 0) {
		if (ignored.code == ENOENT)
			return 0;
		break_lock(engine, id);
	}
	fd_close(&folder); /* and with it the lock: it is taken again, waiting */
	if (lifecycle_open(engine, id, true, &container, err) < 0 && err->code != ENODATA)
		return err->code == ENOENT ? 0 : -1;
	if (lifecycle_status(&container, &status, err) < 0)
		return -1;
	if (lifecycle_load_spec(&container, &ignored) < 0 && error_is_shortage(&ignored)) {
		*err = ignored; /* its hooks would be left out */
		return -1;
	}
	if (!container.has_spec)
		log_debug("delete \"%s\": no hooks are run: %s", id, ignored.text);
	return lifecycle_destroy(&container, str_equal(container.state.phase, "created"), err);
}

/* Nothing of it has to be killed, waited for or told. */
static bool is_only_files(struct lifecycle *container)
{
	const struct state *state = &container->state;
	enum container_status status;
	struct error ignored;

	if (!container->owns_cgroup || state->rdt_class || state->rdt_monitor ||
	    lifecycle_status(container, &status, &ignored) < 0 || status != CONTAINER_STOPPED ||
	    lifecycle_load_spec(container, &ignored) < 0)
		return false;
	return !container->spec.hooks || !container->spec.hooks->n_poststop;
}

bool lifecycle_delete_at_once(const struct container_engine *engine, const char *id)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	struct error ignored;
	/* Held until the end, while `container` has the folder open once more. */
	cleanup_fd int lock = registry_open(engine->root, id, &ignored);

	if (lock < 0 || registry_lock(lock, id, false, &ignored) < 0 ||
	    lifecycle_open(engine, id, false, &container, &ignored) < 0 ||
	    !is_only_files(&container))
		return false;
	return cgroup_destroy_unused(&container.cgroup) &&
	       registry_remove(engine->root, id, container.folder, &ignored) == 0;
}

int lifecycle_delete_stopped(const struct container_engine *engine, const char *id,
			     struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;

	if (lifecycle_open(engine, id, true, &container, err) < 0 ||
	    lifecycle_status(&container, &status, err) < 0)
		return -1;
	if (status != CONTAINER_STOPPED) {
		(void)error_plain(err, EBUSY,
				  "cannot delete container \"%s\" that is not stopped: %s", id,
				  container_status_name(status));
		return error_hint(err, "kill it first, or use --force");
	}
	if (lifecycle_load_spec(&container, err) < 0)
		return error_hint(err, "`delete --force` removes it without its hooks");
	return lifecycle_destroy(&container, str_equal(container.state.phase, "created"), err);
}
