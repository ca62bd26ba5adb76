/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: the host's side. One more process in a container's namespaces and
 * cgroups, by the same protocol as create (channel.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/birth.h"
#include "runtime/channel.h"
#include "runtime/container.h"
#include "runtime/exec_process.h"
#include "runtime/exec_spec.h"
#include "runtime/lsm.h"
#include "runtime/namespace.h"
#include "runtime/oom_score.h"
#include "runtime/registry.h"
#include "runtime/relay.h"
#include "runtime/report.h"
#include "runtime/resctrl.h"
#include "runtime/scheduler.h"
#include "runtime/seccomp_cache.h"
#include "runtime/seccomp_listener.h"
#include "runtime/status.h"
#include "runtime/terminal.h"

/* One exec under way. What it holds goes with exec_done(). */
struct exec {
	struct arena arena;
	struct spec spec; /* the container's */
	struct state state;
	struct cgroup cgroup;
	struct seccomp_filter seccomp;
	struct exec_process process;
	struct exec_cgroup place;
	const char *root; /* the engine's */
	uint64_t flags;	  /* namespaces to join */
	int procfs, init_pidfd, channel, pidfd;
	int console, master; /* in the foreground: where the terminal comes, and it */
	pid_t pid;
};

static void exec_done(struct exec *exec)
{
	/* A process that has not executed the program ends with its channel. */
	fd_close(&exec->channel);
	fd_close(&exec->process.console_socket);
	fd_close(&exec->process.root);
	fd_close(&exec->init_pidfd);
	fd_close(&exec->procfs);
	fd_close(&exec->pidfd);
	fd_close(&exec->console);
	fd_close(&exec->master);
	arena_free(&exec->arena);
}

/* The container must be there and able to run something. */
static int load(const struct container_engine *engine, const struct container_exec_options *options,
		struct exec *exec, struct error *err)
{
	enum container_status status;
	cleanup_fd int folder = registry_open(engine->root, options->id, err);

	if (folder < 0 || (exec->procfs = path_open_procfs(err)) < 0)
		return -1;
	if (registry_load(folder, &exec->arena, &exec->state, err) < 0 ||
	    cgroup_from_state(&exec->state, &exec->arena, &exec->cgroup, err) < 0 ||
	    status_derive(folder, &exec->state, &exec->cgroup, exec->procfs, &status,
			  &exec->init_pidfd, err) < 0 ||
	    registry_load_config(folder, &exec->arena, &exec->spec, err) < 0 ||
	    seccomp_listener_choose(&exec->spec, &exec->arena, err) < 0)
		return error_wrap(err, "container \"%s\"", options->id);
	seccomp_listener_recall(&exec->spec, &exec->state);
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return error_set(err, 0, "container \"%s\" is not running (status: %s)",
				 options->id, container_status_name(status));
	if (status == CONTAINER_PAUSED && !options->ignore_paused) {
		error_set(err, 0, "container \"%s\": cannot exec in a paused container",
			  options->id);
		return error_hint(err, "resume it first, or use --ignore-paused");
	}
	return 0;
}

/* Root of a container that was made without pivot_root. */
static int open_root(struct exec *exec, struct error *err)
{
	char path[32];

	exec->process.root = -1;
	if (!exec->state.no_pivot)
		return 0;
	(void)snprintf(path, sizeof(path), "%d/root", exec->state.pid);
	exec->process.root = openat(exec->procfs, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (exec->process.root < 0)
		return error_set(err, errno, "open /proc/%s", path);
	return 0;
}

/* The console: the caller's socket, or a pair of our own in the foreground. */
static int open_console(const struct container_exec_options *options, struct exec *exec,
			struct error *err)
{
	if (report_check_console(&options->io, exec->process.process->terminal, err) < 0)
		return -1;
	if (!exec->process.process->terminal)
		return 0;
	return report_open_console(&options->io, &exec->process.console_socket, &exec->console,
				   err);
}

static int prepare(const struct container_exec_options *options, struct exec *exec,
		   struct error *err)
{
	const struct spec_linux *l = exec->spec.linux;

	exec->process = (struct exec_process){
		.id = exec->state.id,
		.user_text = options->user,
		.personality = l->personality,
		.memory_policy = l->memory_policy,
		.procfs = exec->procfs,
		.console_socket = -1,
		.root = -1,
		.keep_fds = options->io.preserve_fds,
		.extensions = &exec->spec.extensions,
		.in_user_namespace = spec_find_namespace(&exec->spec, NAMESPACE_USER) != NULL,
		.attach_listener = channel_must_attach_listener(),
		.no_new_keyring = exec->state.no_new_keyring,
		.arena = &exec->arena,
	};
	if (exec_spec_build(&exec->spec, options, &exec->arena, &exec->process.process, err) < 0 ||
	    lsm_check(exec->process.process, err) < 0 ||
	    exec_spec_place(options->cgroup, &exec->arena, &exec->place, err) < 0)
		return -1;
	/* The container's own directory is for its groups alone, then. */
	if (!options->cgroup && exec->spec.extensions.delegate_cgroup)
		exec->place.path = exec->spec.extensions.delegate_cgroup;
	if (seccomp_prepare(&exec->spec, &exec->arena, &exec->seccomp, &exec->process.seccomp,
			    err) < 0)
		return -1;
	if (namespace_flags_for_exec(&exec->spec, exec->procfs, exec->state.pid, &exec->flags,
				     err) < 0)
		return -1;
	return open_root(exec, err);
}

static int bear_process(struct exec *exec, struct error *err)
{
	struct birth birth = {
		.cgroup = &exec->cgroup,
		.sub_controller = exec->place.controller,
		.sub_path = exec->place.path,
		.like = exec->state.pid,
		.folder = -1,
		.plan = { .target_pidfd = exec->init_pidfd,
			  .target_flags = exec->flags,
			  .last = exec_process_main,
			  .data = &exec->process },
	};

	if (birth_run(&birth, err) < 0)
		return -1;
	exec->pid = birth.pid;
	exec->pidfd = birth.pidfd;
	exec->channel = birth.channel;
	return 0;
}

/* In the foreground the terminal is ours, and gets its size before anybody writes to it. */
static int receive_terminal(struct exec *exec, struct error *err)
{
	fd_close(&exec->process.console_socket); /* the process has its own */
	if (exec->console < 0)
		return 0;
	exec->master = terminal_receive(exec->console, err);
	if (exec->master < 0)
		return -1;
	relay_adopt_terminal(exec->master);
	return 0;
}

/* From PROCEED to execve: 0 when the program runs. */
static int lead_to_exec(const struct container_exec_options *options, struct exec *exec,
			struct error *err)
{
	static const char who[] = "the exec process";
	int32_t remote;
	int rc, listener;

	log_debug("exec: process %d", exec->pid);
	log_phase("namespaces");
	if (!exec->process.process->exec_cpu_affinity)
		scheduler_reset_affinity(exec->pid);
	if (oom_score_set(exec->procfs, exec->pid, exec->process.process, err) < 0 ||
	    channel_send(exec->channel, CHANNEL_PROCEED, exec->pid, -1, err) < 0 ||
	    channel_expect(exec->channel, CHANNEL_READY, who, NULL, NULL, err) < 0 ||
	    receive_terminal(exec, err) < 0 ||
	    report_process(&options->io, exec->pid, exec->pidfd, err) < 0 ||
	    channel_send(exec->channel, CHANNEL_SAVED, 0, -1, err) < 0)
		return -1;
	const struct seccomp_listener process = {
		.root = exec->root,
		.channel = exec->channel,
		.pidfd = exec->pidfd,
		.pid = exec->pid,
		.config = exec->spec.linux->seccomp,
		.state = &exec->state,
	};
	while ((rc = channel_expect_exec(exec->channel, who, &remote, &listener, err)) > 0)
		if (seccomp_listener_serve(&process, remote, listener, err) < 0)
			return -1;
	return rc;
}

/* It is no child of init's. */
static int join_rdt(const struct exec *exec, struct error *err)
{
	const struct spec_intel_rdt *config = exec->spec.linux->intel_rdt;
	struct resctrl resctrl = RESCTRL_CLOSED;
	int rc;

	if (!config)
		return 0;
	rc = resctrl_open(&resctrl, err);
	if (rc == 0)
		rc = resctrl_add(&resctrl, config, exec->state.id, exec->pid, err);
	resctrl_done(&resctrl);
	return rc;
}

static int run(const struct container_exec_options *options, struct exec *exec, struct relay *relay,
	       int *ret_exit_code, struct error *err)
{
	const struct spec_cpu_affinity *affinity;

	if (open_console(options, exec, err) < 0)
		return -1;
	affinity = exec->process.process->exec_cpu_affinity;
	if (affinity && affinity->initial && scheduler_set_affinity(0, affinity->initial, err) < 0)
		return error_wrap(err, "process.execCPUAffinity.initial");
	/* Handed down to the process, like the affinity: it cannot name init by our numbers. */
	if (exec->spec.extensions.core_scheduling && scheduler_join_cores(exec->state.pid, err) < 0)
		return -1;
	if (bear_process(exec, err) < 0)
		return -1;
	if (join_rdt(exec, err) < 0 || lead_to_exec(options, exec, err) < 0) {
		process_kill_and_reap(exec->pid);
		return -1;
	}
	if (options->io.detach)
		return 0;
	return relay_run(relay, exec->pid, exec->pidfd, exec->master, ret_exit_code, err);
}

int container_exec(const struct container_engine *engine,
		   const struct container_exec_options *options, int *ret_exit_code,
		   struct error *err)
{
	struct relay relay;
	struct exec exec = {
		.root = engine->root,
		.procfs = -1,
		.init_pidfd = -1,
		.channel = -1,
		.pidfd = -1,
		.console = -1,
		.master = -1,
		.process = { .console_socket = -1, .root = -1 },
	};
	int rc = load(engine, options, &exec, err);

	*ret_exit_code = 0;
	if (rc == 0)
		rc = prepare(options, &exec, err);
	if (rc == 0 && (options->io.detach || (rc = relay_begin(&relay, err)) == 0)) {
		rc = run(options, &exec, &relay, ret_exit_code, err);
		if (!options->io.detach)
			relay_end(&relay);
	}
	exec_done(&exec);
	return rc;
}
