/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/lifecycle.h"

#include <poll.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/channel.h"
#include "runtime/hook.h"
#include "runtime/notify.h"
#include "runtime/registry.h"
#include "runtime/resctrl.h"
#include "runtime/seccomp_listener.h"
#include "runtime/status.h"

enum { KILL_TIMEOUT_MS = 10000 };

void lifecycle_done(struct lifecycle *container)
{
	fd_close(&container->folder);
	fd_close(&container->procfs);
	fd_close(&container->init_pidfd);
	fd_close(&container->console);
	arena_free(&container->arena);
}

int lifecycle_open(const struct container_engine *engine, const char *id, bool lock,
		   struct lifecycle *container, struct error *err)
{
	container->engine = engine;
	container->folder = registry_open(engine->root, id, err);
	if (container->folder < 0 || (lock && registry_lock(container->folder, id, true, err) < 0))
		return -1;
	container->procfs = path_open_procfs(err);
	if (container->procfs < 0)
		return -1;
	container->state.id = arena_strdup(&container->arena, id, err);
	if (!container->state.id)
		return -1;
	struct state state;
	if (registry_load(container->folder, &container->arena, &state, err) < 0 ||
	    cgroup_from_state(&state, &container->arena, &container->cgroup, err) < 0) {
		/* Not read is not incomplete: `delete --force` would forget what runs. */
		if (error_is_shortage(err))
			return error_wrap(err, "container \"%s\"", id);
		container->cgroup.disabled = true; /* none is known */
		error_wrap(err, "container \"%s\" is incomplete", id);
		err->code = ENODATA;
		return error_hint(err, "`delete --force` removes it");
	}
	container->state = state;
	container->owns_cgroup =
		str_equal(state.phase, "created") || registry_has_start_socket(container->folder);
	return 0;
}

int lifecycle_load_spec(struct lifecycle *container, struct error *err)
{
	if (registry_load_config(container->folder, &container->arena, &container->spec, err) < 0)
		return -1;
	seccomp_listener_recall(&container->spec, &container->state);
	container->has_spec = true;
	return 0;
}

int lifecycle_status(struct lifecycle *container, enum container_status *ret, struct error *err)
{
	fd_close(&container->init_pidfd);
	return status_derive(container->folder, &container->state, &container->cgroup,
			     container->procfs, ret, &container->init_pidfd, err);
}

/* The dialogue from START to the end of the start connection. */
static int send_start(struct lifecycle *container, struct error *err)
{
	static const char who[] = "the container's init";
	cleanup_fd int connection = registry_connect(container->folder, err);
	int32_t remote;
	int rc, listener;

	if (connection < 0 || channel_send(connection, CHANNEL_START, 0, -1, err) < 0)
		return -1;
	const struct seccomp_listener init = {
		.root = container->engine->root,
		.channel = connection,
		.pidfd = container->init_pidfd,
		.pid = container->state.pid,
		.config = container->spec.linux->seccomp,
		.state = &container->state,
	};
	while ((rc = channel_expect_exec(connection, who, &remote, &listener, err)) > 0)
		if (seccomp_listener_serve(&init, remote, listener, err) < 0)
			return -1;
	return rc;
}

static int run_poststart(struct lifecycle *container, struct error *err)
{
	const struct spec_hooks *hooks = container->spec.hooks;

	struct hook_output cleanup_hook_output output = HOOK_OUTPUT_NONE;

	if (!hooks || !hooks->n_poststart)
		return 0;
	if (hook_output_open(&container->spec, &output, err) < 0)
		return -1;
	return hook_run("poststart", hooks->poststart, hooks->n_poststart, &output,
			&container->state, "running", container->state.pid, err);
}

/* runtime-spec, lifecycle, steps 7 and 9: stop the container, and go on with its end. */
static void destroy_after(struct lifecycle *container)
{
	struct error err;

	if (lifecycle_destroy(container, true, &err) < 0)
		log_warning("container \"%s\": clean-up: %s", container->state.id, err.text);
}

int lifecycle_start(struct lifecycle *container, struct error *err)
{
	const char *host = notify_host_socket();
	cleanup_fd int notify = -1;
	const struct spec_hooks *hooks = container->spec.hooks;

	if (container->state.notify_socket && host &&
	    (notify = notify_bind(container->folder, err)) < 0)
		return -1;
	if (send_start(container, err) < 0) {
		if (hooks && hooks->n_start_container)
			destroy_after(container);
		return -1;
	}
	log_debug("container \"%s\": the payload runs", container->state.id);
	log_phase("execute");
	if (run_poststart(container, err) < 0) {
		destroy_after(container);
		return -1;
	}
	if (notify >= 0 &&
	    notify_wait_ready(notify, host, container->state.pid, container->init_pidfd, err) < 0)
		log_warning("container \"%s\": %s", container->state.id, err->text);
	return 0;
}

/* Kills init and waits for its end; then nothing of its pid namespace is left either. */
static int kill_init(struct lifecycle *container, struct error *err)
{
	struct pollfd p = { .fd = container->init_pidfd, .events = POLLIN };
	int status, n;

	if (container->init_pidfd < 0)
		return 0;
	if (process_pidfd_signal(container->init_pidfd, SIGKILL) < 0 && errno != ESRCH)
		return error_set(err, errno, "kill process %d", container->state.pid);
	do
		n = poll(&p, 1, KILL_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		error_set(err, ETIMEDOUT, "wait for the end of process %d after SIGKILL",
			  container->state.pid);
		return error_hint(err, "see /proc/%d/wchan for what the kernel waits for",
				  container->state.pid);
	}
	if (container->child > 0) {
		(void)process_wait(container->child, &status);
		container->child = 0;
	}
	fd_close(&container->init_pidfd);
	return 0;
}

/*
 * A create that was killed between the two steps may have made the cgroups, or
 * may have been about to refuse one that is somebody else's: only empty ones go.
 */
static int remove_unused_cgroup(struct lifecycle *container, struct error *err)
{
	cleanup_free pid_t *pids = NULL;
	size_t count;

	if (cgroup_processes(&container->cgroup, &pids, &count, err) < 0)
		return -1;
	return count ? 0 : cgroup_destroy(&container->cgroup, err);
}

/* resctrl that is not mounted any more has no folders. */
static int remove_rdt(const struct lifecycle *container, struct error *err)
{
	const struct resctrl_folders folders = { container->state.rdt_class,
						 container->state.rdt_monitor };
	struct resctrl resctrl = RESCTRL_CLOSED;
	int rc;

	if (!folders.class && !folders.monitor)
		return 0;
	if (resctrl_open(&resctrl, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	rc = resctrl_remove(&resctrl, &folders, err);
	resctrl_done(&resctrl);
	return rc;
}

/* That their output cannot be kept is no reason to leave them out. */
static void run_poststop(const struct lifecycle *container)
{
	const struct spec_hooks *hooks = container->spec.hooks;
	struct hook_output cleanup_hook_output output = HOOK_OUTPUT_NONE;
	struct error err;

	if (!hooks->n_poststop)
		return;
	if (hook_output_open(&container->spec, &output, &err) < 0)
		log_warning("poststop hooks: %s", err.text);
	hook_run_all("poststop", hooks->poststop, hooks->n_poststop, &output, &container->state,
		     "stopped");
}

int lifecycle_destroy(struct lifecycle *container, bool run_hooks, struct error *err)
{
	const struct spec_hooks *hooks = container->spec.hooks;

	if (container->destroyed)
		return 0;
	if (container->owns_cgroup && cgroup_destroy_unused(&container->cgroup)) {
		/* The usual end: all its processes have ended before. */
		if (kill_init(container, err) < 0)
			return -1;
	} else if (container->owns_cgroup) {
		/* v1: a frozen process dies only when it is thawed, which this does as well. */
		if (cgroup_signal_all(&container->cgroup, SIGKILL, err) < 0 ||
		    kill_init(container, err) < 0 || cgroup_destroy(&container->cgroup, err) < 0)
			return -1;
	} else if (remove_unused_cgroup(container, err) < 0) {
		return -1;
	}
	if (remove_rdt(container, err) < 0)
		return -1;
	if (run_hooks && container->has_spec && hooks)
		run_poststop(container);
	if (registry_remove(container->engine->root, container->state.id, container->folder, err) <
	    0)
		return -1;
	container->destroyed = true;
	return 0;
}
