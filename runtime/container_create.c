/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs create, start and run. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "oci/spec_check.h"
#include "runtime/cgroup_delegate.h"
#include "runtime/channel.h"
#include "runtime/container.h"
#include "runtime/device.h"
#include "runtime/foreground.h"
#include "runtime/lifecycle.h"
#include "runtime/lsm.h"
#include "runtime/notify.h"
#include "runtime/parent_create.h"
#include "runtime/registry.h"
#include "runtime/report.h"
#include "runtime/resctrl.h"
#include "runtime/seccomp_cache.h"
#include "runtime/seccomp_listener.h"
#include "runtime/seccomp_plugin.h"
#include "runtime/status.h"

int lifecycle_load_bundle(const struct container_create_options *options, struct arena *arena,
			  struct spec *spec, char **ret_text, size_t *ret_size, struct error *err)
{
	log_debug("container \"%s\": bundle %s", options->id, options->bundle);
	if (chdir(options->bundle) < 0)
		return error_set(err, errno, "open the bundle %s", options->bundle);
	if (fd_read_file(AT_FDCWD, options->config ? options->config : "config.json", JSON_SIZE_MAX,
			 ret_text, ret_size, err) < 0)
		return error_wrap(err, "bundle %s", options->bundle);
	if (spec_load(*ret_text, *ret_size, options->config ? options->config : "config.json", spec,
		      arena, err) < 0 ||
	    seccomp_listener_choose(spec, arena, err) < 0)
		return -1;
	return spec_check_create(spec, err);
}

/* LISTEN_FDS of our own environment is meant for the payload (sd_listen_fds(3)). */
static int add_listen_fds(const struct container_io *io, struct spec *spec, struct arena *arena,
			  struct error *err)
{
	struct spec_process *process = spec->process;

	if (!io->listen_fds || !process)
		return 0;
	char **env = arena_array(arena, process->n_env + 3, sizeof(*env), err);
	if (!env)
		return -1;
	if (process->n_env)
		memcpy(env, process->env, process->n_env * sizeof(*env));
	env[process->n_env] = arena_format(arena, err, "LISTEN_FDS=%u", io->listen_fds);
	env[process->n_env + 1] = arena_strdup(arena, "LISTEN_PID=1", err);
	if (!env[process->n_env] || !env[process->n_env + 1])
		return -1;
	process->env = env;
	process->n_env += 2;
	return 0;
}

/* The state as it is before anything has been made: enough for delete --force to clean up. */
static int first_state(const struct container_create_options *options, struct lifecycle *container,
		       struct error *err)
{
	static char version[] = OCI_VERSION, creating[] = "creating";
	struct arena *arena = &container->arena;
	struct state *state = &container->state;
	const struct spec_seccomp *seccomp = container->spec.linux->seccomp;
	cleanup_free char *rootfs = NULL, *clean = NULL;

	rootfs = path_absolute(container->spec.root->path, err);
	if (!rootfs || !(clean = path_clean(rootfs, err)))
		return -1;
	*state = (struct state){
		.oci_version = version,
		.id = arena_strdup(arena, options->id, err),
		.bundle = arena_strdup(arena, options->bundle, err),
		.rootfs = arena_strdup(arena, clean, err),
		.phase = creating,
		.created = clock_date_text(arena, err),
		.owner = arena_format(arena, err, "%u", geteuid()),
		.annotations = container->spec.annotations,
		.n_annotations = container->spec.n_annotations,
		.seccomp_receiver = seccomp ? seccomp->listener_path : NULL,
		.no_pivot = options->no_pivot,
		.no_new_keyring = options->no_new_keyring,
		.notify_socket = notify_host_socket() != NULL,
	};
	if (!state->id || !state->bundle || !state->rootfs || !state->created || !state->owner)
		return -1;
	return 0;
}

/* The text, which may be long, goes before one is made of the state, and before any child. */
static int save_config(int folder, char **take_text, size_t size, struct error *err)
{
	cleanup_free char *text = move_ptr(take_text);

	return registry_save_config(folder, text, size, err);
}

/* run.oci.systemd.force_cgroup_v1 */
static int add_systemd_v1(struct lifecycle *container, struct error *err)
{
	if (!container->spec.extensions.systemd_cgroup_v1 ||
	    cgroup_add_systemd_v1(&cgroup_machine_default, &container->cgroup, &container->arena,
				  err) == 0)
		return 0;
	return error_wrap(err, "run.oci.systemd.force_cgroup_v1");
}

/* What could not be made may have been left out; then the mount would show all groups. */
static int check_systemd_v1(const struct lifecycle *container, struct error *err)
{
	if (!container->spec.extensions.systemd_cgroup_v1 ||
	    cgroup_has_systemd_v1(&container->cgroup))
		return 0;
	return error_set(err, EACCES,
			 "run.oci.systemd.force_cgroup_v1: a directory in cgroup v1's hierarchy "
			 "name=systemd may not be made");
}

int lifecycle_claim(const struct container_create_options *options, char **take_text, size_t size,
		    struct lifecycle *container, struct error *err)
{
	const struct container_engine *engine = container->engine;
	struct arena *arena = &container->arena;

	if (first_state(options, container, err) < 0 ||
	    cgroup_locate(&cgroup_machine_default, engine->cgroup_manager,
			  container->spec.linux->cgroups_path, options->id, engine->rootless, arena,
			  &container->cgroup, err) < 0 ||
	    add_systemd_v1(container, err) < 0 ||
	    cgroup_to_state(&container->cgroup, arena, &container->state, err) < 0)
		return -1;
	container->folder = registry_claim(engine->root, options->id, err);
	if (container->folder < 0)
		return -1;
	/* From here on a failure is undone by lifecycle_destroy(). */
	if (save_config(container->folder, take_text, size, err) < 0 ||
	    registry_save(container->folder, &container->state, err) < 0)
		return -1;
	if (container->state.notify_socket) {
		char *folder = arena_format(arena, err, "%s/%s", engine->root, options->id);
		if (!folder ||
		    notify_prepare(container->folder, folder, &container->spec, arena, err) < 0)
			return -1;
	}
	return 0;
}

/* All that init needs and that can be made, and can fail, before there is any child. */
struct preparation {
	struct parent_create create;
	struct mount_plan mounts;
	struct seccomp_filter seccomp;
	int *device_nodes;
	size_t n_device_nodes;
};

static void preparation_done(struct preparation *p)
{
	namespace_plan_done(&p->create.namespaces);
	mount_plan_done(&p->mounts);
	for (size_t i = 0; i < p->n_device_nodes; i++)
		fd_close(&p->device_nodes[i]);
	fd_close(&p->create.init.console_socket);
	fd_close(&p->create.init.start_listener);
	hook_output_done(&p->create.init.hook_output);
	fd_close(&p->create.channel);
	resctrl_done(&p->create.resctrl);
}

static int prepare_devices(struct preparation *p, struct lifecycle *container, struct error *err)
{
	size_t n = device_defaults_count + container->spec.linux->n_devices;

	p->device_nodes = arena_array(&container->arena, n, sizeof(int), err);
	if (!p->device_nodes)
		return -1;
	for (size_t i = 0; i < n; i++)
		p->device_nodes[i] = -1;
	p->n_device_nodes = n;
	return device_open_host_nodes(&container->spec, p->device_nodes, err);
}

/* Of a terminal: the caller's console socket, or an end that stays with us. */
static int prepare_console(struct preparation *p, const struct container_create_options *options,
			   struct lifecycle *container, struct error *err)
{
	const struct spec_process *process = container->spec.process;

	if (!process || !process->terminal)
		return 0;
	return report_open_console(&options->io, &p->create.init.console_socket,
				   &container->console, err);
}

int lifecycle_make_scope(struct lifecycle *container, pid_t pid, bool limited, struct error *err)
{
	struct cgroup *cgroup = &container->cgroup;

	if (cgroup_start_scope(&cgroup_machine_default, cgroup, container->state.id, pid,
			       &container->spec, limited, &container->arena, err) < 0 ||
	    add_systemd_v1(container, err) < 0 ||
	    cgroup_to_state(cgroup, &container->arena, &container->state, err) < 0 ||
	    registry_save(container->folder, &container->state, err) < 0 ||
	    cgroup_delegate_check(&container->spec, cgroup, err) < 0)
		return -1;
	if (cgroup_enter_scope(&cgroup_machine_default, cgroup, pid, err) < 0 ||
	    check_systemd_v1(container, err) < 0)
		return -1;
	return cgroup_to_state(cgroup, &container->arena, &container->state, err);
}

static int make_scope(void *data, pid_t pid, struct error *err)
{
	return lifecycle_make_scope(data, pid, true, err);
}

/* What systemd changes: init is put into its cgroup, and makes the namespace of it then. */
static void prepare_scope(struct preparation *p, struct lifecycle *container)
{
	uint64_t cgroup = namespace_flag(NAMESPACE_CGROUP);

	p->create.make_cgroup = make_scope;
	p->create.cgroup_data = container;
	p->create.init.makes_cgroup_namespace = p->create.namespaces.create & cgroup;
	p->create.namespaces.create &= ~cgroup;
}

static int prepare(struct preparation *p, const struct container_create_options *options,
		   struct lifecycle *container, struct error *err)
{
	const struct spec *spec = &container->spec;
	struct init *init = &p->create.init;

	*init = (struct init){
		.spec = spec,
		.state = &container->state,
		.mounts = &p->mounts,
		.procfs = container->procfs,
		.console_socket = -1,
		.start_listener = -1,
		.hook_output = HOOK_OUTPUT_NONE,
		.keep_fds = options->io.preserve_fds,
		.no_pivot = options->no_pivot,
		.no_new_keyring = options->no_new_keyring,
		.attach_listener = channel_must_attach_listener(),
		.arena = &container->arena,
	};
	p->create.cgroup = &container->cgroup;
	p->create.folder = container->folder;
	p->create.state = &container->state;
	if (spec->process && lsm_check(spec->process, err) < 0)
		return -1;
	if (cgroup_delegate_check(spec, &container->cgroup, err) < 0)
		return -1;
	if (spec->hooks && hook_output_open(spec, &init->hook_output, err) < 0)
		return -1;
	if (namespace_plan_prepare(spec, &p->create.namespaces, err) < 0 ||
	    mount_plan_prepare(spec, &p->mounts, &container->arena, err) < 0 ||
	    prepare_devices(p, container, err) < 0 ||
	    prepare_console(p, options, container, err) < 0)
		return -1;
	if (container->cgroup.scope)
		prepare_scope(p, container);
	init->device_nodes = p->device_nodes;
	init->new_network = p->create.namespaces.create & namespace_flag(NAMESPACE_NETWORK);
	init->new_user_namespace = spec_find_namespace(spec, NAMESPACE_USER) != NULL;
	if (seccomp_prepare(spec, &container->arena, &p->seccomp, &init->seccomp, err) < 0)
		return -1;
	return init->seccomp && init->seccomp->notifies && spec->linux->seccomp->plugins
		       ? seccomp_plugin_check(spec->linux->seccomp->plugins, err)
		       : 0;
}

/* What is made is on disk first: a create that is killed leaves nothing that delete cannot find. */
static int make_rdt(struct preparation *p, struct lifecycle *container, struct error *err)
{
	const struct spec_intel_rdt *config = container->spec.linux->intel_rdt;
	struct state *state = &container->state;
	struct resctrl *resctrl = &p->create.resctrl;
	struct resctrl_folders folders;
	int rc;

	if (!config)
		return 0;
	if (resctrl_open(resctrl, err) < 0 ||
	    resctrl_plan(resctrl, config, state->id, &container->arena, &folders, err) < 0)
		return -1;
	state->rdt_class = folders.class;
	state->rdt_monitor = folders.monitor;
	if (registry_save(container->folder, state, err) < 0)
		return -1;
	rc = resctrl_create(resctrl, config, state->id, &folders, err);
	state->rdt_class = folders.class;
	state->rdt_monitor = folders.monitor;
	return rc;
}

/* From prepared to created: cgroups, processes, state, reports. */
static int bring_to_life(struct preparation *p, const struct container_create_options *options,
			 struct lifecycle *container, struct error *err)
{
	static char created[] = "created";
	int rc;

	log_phase("preparation");
	if (cgroup_create(&cgroup_machine_default, &container->cgroup, err) < 0) {
		/* What it made it has removed; the rest is somebody else's. */
		container->cgroup.n_directories = 0;
		return -1;
	}
	container->owns_cgroup = true;
	if (!container->cgroup.scope && check_systemd_v1(container, err) < 0)
		return -1;
	log_phase("cgroups");
	if (cgroup_to_state(&container->cgroup, &container->arena, &container->state, err) < 0)
		return -1;
	for (size_t i = 0; i < container->cgroup.n_directories; i++)
		log_debug("cgroup %s", container->cgroup.directories[i].path);
	/* Its presence also tells a later `delete --force` that the cgroups are ours. */
	p->create.init.start_listener = registry_listen(container->folder, err);
	if (p->create.init.start_listener < 0)
		return -1;
	if (make_rdt(p, container, err) < 0)
		return -1;
	rc = parent_create_run(&p->create, err);
	container->child = p->create.pid;
	container->init_pidfd = move_fd(&p->create.pidfd);
	if (rc < 0)
		return -1;
	container->state.phase = created;
	if (registry_save(container->folder, &container->state, err) < 0 ||
	    report_process(&options->io, container->state.pid, container->init_pidfd, err) < 0 ||
	    report_receiver(&container->spec, container->init_pidfd, err) < 0)
		return -1;
	return parent_create_release(&p->create, err);
}

/* Undoes a create that failed; its own error is what the user hears. */
void lifecycle_undo(struct lifecycle *container, bool hooks_have_run)
{
	struct error err;

	if (container->folder < 0)
		return;
	if (lifecycle_destroy(container, hooks_have_run, &err) < 0)
		log_warning("container \"%s\": undoing a failed create: %s", container->state.id,
			    err.text);
}

int lifecycle_create(const struct container_engine *engine,
		     const struct container_create_options *options, struct lifecycle *container,
		     struct error *err)
{
	cleanup_free char *text = NULL;
	struct preparation p = { .mounts = MOUNT_PLAN_EMPTY,
				 .create = { .resctrl = RESCTRL_CLOSED,
					     .pidfd = -1,
					     .channel = -1,
					     .init = { .console_socket = -1,
						       .start_listener = -1,
						       .hook_output = HOOK_OUTPUT_NONE } } };
	size_t size;
	int rc;

	container->engine = engine;
	container->procfs = path_open_procfs(err);
	if (container->procfs < 0 || lifecycle_load_bundle(options, &container->arena,
							   &container->spec, &text, &size, err) < 0)
		return -1;
	log_phase("configuration");
	container->has_spec = true;
	if (container->spec.process &&
	    report_check_console(&options->io, container->spec.process->terminal, err) < 0)
		return -1;
	rc = add_listen_fds(&options->io, &container->spec, &container->arena, err);
	if (rc == 0)
		rc = lifecycle_claim(options, &text, size, container, err);
	if (rc == 0) {
		log_phase("state");
		rc = prepare(&p, options, container, err);
	}
	if (rc == 0)
		rc = bring_to_life(&p, options, container, err);
	preparation_done(&p);
	if (rc < 0)
		lifecycle_undo(container, p.create.hooks_have_run);
	return rc;
}

int container_create(const struct container_engine *engine,
		     const struct container_create_options *options, struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	struct container_create_options detached = *options;

	detached.io.detach = true;
	return lifecycle_create(engine, &detached, &container, err);
}

int container_start(const struct container_engine *engine, const char *id, struct error *err)
{
	return lifecycle_start_created(engine, id, err);
}

int container_run(const struct container_engine *engine,
		  const struct container_create_options *options, int *ret_exit_code,
		  struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	struct error cleanup_error;
	int rc;

	*ret_exit_code = 0;
	if (!options->io.detach && !options->no_subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return error_set(err, errno, "become a subreaper");
	if (lifecycle_create(engine, options, &container, err) < 0)
		return -1;
	if (!container.spec.process)
		rc = error_set(err, EINVAL, "config.json has no process to run");
	else if (options->io.detach)
		rc = lifecycle_start(&container, err);
	else
		rc = foreground_attend(&container, true, ret_exit_code, err);
	if (rc == 0 && (options->io.detach || options->keep))
		return 0;
	/* A hook that failed has had it destroyed already; that is not done twice. */
	if (lifecycle_destroy(&container, true, rc < 0 ? &cleanup_error : err) < 0) {
		if (rc == 0)
			return -1;
		log_warning("container \"%s\": clean-up: %s", options->id, cleanup_error.text);
	}
	return rc;
}
