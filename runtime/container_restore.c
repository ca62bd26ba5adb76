/* SPDX-License-Identifier: Apache-2.0 */
/* The verb restore. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/foreground.h"
#include "runtime/hook.h"
#include "runtime/keyring.h"
#include "runtime/lsm.h"
#include "runtime/registry.h"
#include "runtime/report.h"
#include "runtime/restore.h"

/* ---- while CRIU works ------------------------------------------------------------------------ */

/* In the child's mount namespace: CRIU mounts something in its work folder. */
static int reopen_folders(struct restore *restore, struct error *err)
{
	struct checkpoint_folders folders = CHECKPOINT_FOLDERS_CLOSED;

	if (checkpoint_folders_open(restore->request.options, false, &folders, err) < 0)
		return -1;
	restore->fds[CRIU_FD_IMAGES] = folders.images;
	restore->fds[CRIU_FD_WORK] = folders.work;
	return 0;
}

/* In the child: CRIU, and so all that it makes, is in the container's cgroups. */
static int prepare_child(void *data, struct error *err)
{
	struct restore *restore = data;
	const struct spec_process *process = restore->container->spec.process;

	/* CRIU has it in its images since 3.19. What it makes inherits it from here. */
	if (process && process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "set no_new_privs");
	/* Keyrings are not in the checkpoint: the processes have CRIU's. */
	if (!restore->options->no_new_keyring && keyring_join(restore->options->id, err) < 0)
		return -1;
	if (!restore->container->cgroup.disabled &&
	    cgroup_join_self(&restore->container->cgroup, false, NULL, NULL, err) < 0)
		return -1;
	if (external_mounts_unshare(err) < 0 || reopen_folders(restore, err) < 0)
		return -1;
	const struct external_file files[EXTERNAL_FILES] = {
		{ restore->program, RESTORE_PROGRAM }, { restore->config_file, RESTORE_CONFIG_FILE }
	};
	return external_mounts_lay_out(&restore->mounts, restore->record.mounts,
				       restore->record.n_mounts, files, err);
}

static int run_hooks(struct restore *restore, pid_t pid, struct error *err)
{
	struct hook_output cleanup_hook_output output = HOOK_OUTPUT_NONE;
	const struct spec_hooks *hooks = restore->container->spec.hooks;
	const struct state *state = &restore->container->state;

	restore->hooks_have_run = true;
	if (!hooks)
		return 0;
	if (hook_output_open(&restore->container->spec, &output, err) < 0 ||
	    hook_run("prestart", hooks->prestart, hooks->n_prestart, &output, state, "creating",
		     pid, err) < 0)
		return -1;
	return hook_run("createRuntime", hooks->create_runtime, hooks->n_create_runtime, &output,
			state, "creating", pid, err);
}

static bool takes(const struct external_mount *wanted, struct external_mount *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!found[i].point || !str_equal(found[i].point, wanted->point) ||
		    !str_equal(found[i].name, wanted->name))
			continue;
		found[i].point = NULL;
		return true;
	}
	return false;
}

/*
 * CRIU goes by paths: whatever it has found there, the mounts must be those of
 * the checkpoint, at their places, with the flags of config.json (S18). No
 * process of the container has run a step yet.
 */
static int check_mounts(struct restore *restore, pid_t pid, struct error *err)
{
	const struct checkpoint_record *record = &restore->record;
	struct external_mount *found;
	size_t count;

	if (external_mounts_look(&restore->mounts, restore->container->procfs, pid,
				 &restore->container->arena, &found, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < record->n_mounts; i++)
		if (!takes(&record->mounts[i], found, count))
			return error_set(err, EPERM,
					 "the mount %s of the checkpoint has not come to its place",
					 record->mounts[i].point);
	for (size_t i = 0; i < count; i++)
		if (found[i].point)
			return error_set(err, EPERM,
					 "there is a mount %s that the checkpoint lacks",
					 found[i].point);
	return 0;
}

/* All processes are there and wait. */
static int adopt(struct restore *restore, pid_t pid, struct error *err)
{
	struct lifecycle *container = restore->container;
	struct state *state = &container->state;

	container->init_pidfd = process_pidfd_open(pid);
	if (container->init_pidfd < 0)
		return error_set(err, errno, "open process %d", pid);
	container->child = pid;
	state->pid = pid;
	state->pidfd_inode = process_pidfd_inode(container->init_pidfd);
	if (!process_start_time(container->procfs, pid, &state->start_time, NULL))
		return error_set(err, ESRCH, "read the start time of process %d", pid);
	if (container->cgroup.scope &&
	    cgroup_limit_scope(&container->cgroup, &container->spec, err) < 0)
		return -1;
	return cgroup_set_limits(&container->cgroup, container->spec.linux->resources, false, err);
}

/*
 * A CRIU without a security module's support restores no label, and says nothing. No
 * process runs yet, and CRIU would let them run whatever we answer.
 */
static int check_label(const struct restore *restore, struct error *err)
{
	struct lifecycle *container = restore->container;
	const char *wanted = restore->record.label;
	char *label;
	int rc;

	if (!wanted || restore->criu.lsm_profile)
		return 0;
	rc = lsm_read(container->spec.process, container->procfs, container->state.pid,
		      &container->arena, &label, err);
	if (rc == 0 && label && str_equal(label, wanted))
		return 0;
	(void)process_pidfd_signal(container->init_pidfd, SIGKILL);
	if (rc < 0)
		return error_wrap(err, "the security label of the processes");
	if (!label)
		return error_set(err, EPERM,
				 "the processes had the security label \"%s\", and config.json "
				 "asks for none",
				 wanted);
	error_set(err, EPERM, "the security label of the processes is \"%s\", and not \"%s\"",
		  label, wanted);
	return error_hint(err, "CRIU has not restored it: is it built for this security module?");
}

static int hand_over_terminal(const struct restore *restore, int master, struct error *err)
{
	static const char name[] = "/dev/ptmx";

	if (restore->console < 0)
		return error_set(err, EINVAL,
				 "the checkpoint has a terminal, config.json has none");
	if (fd_send_packet(restore->console, name, sizeof(name) - 1, &master, 1) < 0)
		return error_set(err, errno, "send the terminal over the console socket");
	return 0;
}

static int notified(void *data, const struct criu_notification *n, struct error *err)
{
	struct restore *restore = data;

	if (str_equal(n->script, "setup-namespaces"))
		return run_hooks(restore, n->pid, err);
	if (str_equal(n->script, "post-restore"))
		return check_mounts(restore, n->pid, err) < 0 ? -1 : adopt(restore, n->pid, err);
	if (str_equal(n->script, "pre-resume"))
		return check_label(restore, err);
	if (str_equal(n->script, "orphan-pts-master"))
		return hand_over_terminal(restore, n->fd, err);
	return 0;
}

/* ---- the verb ------------------------------------------------------------------------------ */

/* CRIU asks for these again, though its images can be restored in no other way. */
static void add_recorded_options(struct restore *restore)
{
	const struct checkpoint_record *record = &restore->record;
	struct criu_options *criu = &restore->criu;

	if (record->tcp_established && !criu->tcp_close)
		criu->tcp_established = true;
	if (record->file_locks)
		criu->file_locks = true;
	if (record->shell_job)
		criu->shell_job = true;
}

static int open_all(struct restore *restore, struct error *err)
{
	struct lifecycle *container = restore->container;

	/* A checkpoint that is not there is told of before a program that is not. */
	if (checkpoint_find_config_file(&container->spec, &restore->config_file, err) < 0 ||
	    checkpoint_folders_open(&restore->criu, false, &restore->folders, err) < 0 ||
	    criu_find(restore->criu.program, &restore->program, err) < 0 ||
	    checkpoint_folders_admit(&restore->folders, &container->spec, false, err) < 0 ||
	    checkpoint_folders_clear(&restore->folders, err) < 0 ||
	    checkpoint_record_read(restore->folders.images, &container->arena, &restore->record,
				   err) < 0 ||
	    namespace_plan_prepare(&container->spec, &restore->namespaces, err) < 0)
		return -1;
	add_recorded_options(restore);
	if (container->spec.process && container->spec.process->terminal)
		return report_open_console(&restore->options->io, &restore->console,
					   &container->console, err);
	return 0;
}

static _Noreturn void wait_for_the_end(pid_t parent)
{
	/* The lock of the state folder among them. */
	(void)syscall(SYS_close_range, 0U, ~0U, 0U);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
		while (getppid() == parent)
			(void)pause();
	_exit(1);
}

/*
 * systemd makes a scope around a process, and CRIU is to be told what is in
 * there before it begins: until then a child of ours keeps it. Limits come
 * last, as without systemd: CRIU and its helpers are in there, too.
 */
static int make_scope(struct restore *restore, struct error *err)
{
	pid_t parent = getpid();

	restore->holder = process_clone(0, -1, NULL);
	if (restore->holder < 0)
		return error_set(err, errno, "clone3");
	if (restore->holder == 0)
		wait_for_the_end(parent);
	return lifecycle_make_scope(restore->container, restore->holder, false, err);
}

static void release_scope(struct restore *restore)
{
	process_kill_and_reap(restore->holder);
	restore->holder = 0;
}

/* CRIU would find the one that we have just made: whether it is new is ours to see. */
static void use_new_cgroups(struct restore *restore)
{
	if (restore->criu.cgroup_mode != CRIU_CGROUPS_STRICT)
		return;
	restore->container->cgroup.exclusive = true;
	restore->criu.cgroup_mode = CRIU_CGROUPS_FULL;
}

/* The cgroups are there: what they may be bound to can be opened. */
static int make_all(struct restore *restore, struct error *err)
{
	struct lifecycle *container = restore->container;

	use_new_cgroups(restore);
	if (cgroup_create(&cgroup_machine_default, &container->cgroup, err) < 0) {
		container->cgroup.n_directories = 0;
		return -1;
	}
	container->owns_cgroup = true;
	/* Nobody listens, ever: a restored container has been started long ago. */
	cleanup_fd int listener = registry_listen(container->folder, err);
	if (listener < 0 || (container->cgroup.scope && make_scope(restore, err) < 0))
		return -1;
	if (external_mounts_prepare(&container->spec, &container->cgroup, &container->arena,
				    &restore->mounts, err) < 0 ||
	    external_mounts_make_targets(&restore->mounts, err) < 0)
		return -1;
	return restore_make_request(restore, err);
}

static int run_criu(struct restore *restore, struct error *err)
{
	struct lifecycle *container = restore->container;
	struct criu_call call = { .request = &restore->request,
				  .program = RESTORE_PROGRAM,
				  .fds = restore->fds,
				  .prepare = prepare_child,
				  .notify = notified,
				  .data = restore };

	call.n_fds = restore->n_fds;
	if (criu_run(&call, err) < 0)
		return -1;
	release_scope(restore);
	if (container->child <= 0)
		return error_set(err, EPROTO, "criu has told no process before it was done");
	if (cgroup_is_frozen(&container->cgroup, err) > 0)
		return cgroup_freeze(&container->cgroup, false, err);
	return 0;
}

/*
 * Only now does anybody hear of it: a signal while CRIU still had its hands on
 * the processes would be lost.
 */
static int tell(struct restore *restore, struct error *err)
{
	static char created[] = "created";
	struct lifecycle *container = restore->container;

	container->state.phase = created;
	if (registry_save(container->folder, &container->state, err) < 0)
		return -1;
	if (report_process(&restore->options->io, container->state.pid, container->init_pidfd,
			   err) < 0)
		return -1;
	return report_receiver(&container->spec, container->init_pidfd, err);
}

static void restore_done(struct restore *restore)
{
	release_scope(restore);
	external_mounts_done(&restore->mounts);
	namespace_plan_done(&restore->namespaces);
	checkpoint_folders_close(&restore->folders);
	fd_close(&restore->console);
}

static int check(const struct container_create_options *options, const struct spec *spec,
		 struct error *err)
{
	if (geteuid() != 0)
		return error_set(err, EPERM, "restore \"%s\": CRIU needs root", options->id);
	if (options->no_pivot)
		return error_set(err, ENOTSUP,
				 "--no-pivot: CRIU makes the container's root by pivot_root alone");
	return spec->process ? report_check_console(&options->io, spec->process->terminal, err) : 0;
}

static int restore_all(const struct container_engine *engine, struct restore *restore,
		       struct error *err)
{
	struct lifecycle *container = restore->container;
	const struct container_create_options *options = restore->options;
	cleanup_free char *text = NULL;
	size_t size;
	int rc;

	container->engine = engine;
	container->procfs = path_open_procfs(err);
	if (container->procfs < 0 || lifecycle_load_bundle(options, &container->arena,
							   &container->spec, &text, &size, err) < 0)
		return -1;
	container->has_spec = true;
	if (check(options, &container->spec, err) < 0 ||
	    checkpoint_check_spec(&container->spec, err) < 0)
		return -1;
	rc = open_all(restore, err);
	if (rc == 0)
		rc = lifecycle_claim(options, &text, size, container, err);
	if (rc == 0)
		rc = make_all(restore, err);
	if (rc == 0)
		rc = run_criu(restore, err);
	if (rc == 0)
		rc = tell(restore, err);
	if (rc < 0)
		lifecycle_undo(container, restore->hooks_have_run);
	return rc;
}

int container_restore(const struct container_engine *engine,
		      const struct container_create_options *options,
		      const struct criu_options *criu, int *ret_exit_code, struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	struct restore restore = { .container = &container,
				   .options = options,
				   .folders = CHECKPOINT_FOLDERS_CLOSED,
				   .mounts = EXTERNAL_MOUNTS_EMPTY,
				   .criu = *criu,
				   .request = { .action = CRIU_RESTORE,
						.options = &restore.criu,
						.log_file = CHECKPOINT_RESTORE_LOG },
				   .console = -1 };
	struct error cleanup_error;
	int rc;

	*ret_exit_code = 0;
	/* What was ready when it was saved does not say so again. */
	(void)unsetenv("NOTIFY_SOCKET");
	if (!options->io.detach && !options->no_subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return error_set(err, errno, "become a subreaper");
	rc = restore_all(engine, &restore, err);
	restore_done(&restore);
	if (rc < 0)
		return error_wrap(err, "restore \"%s\"", options->id);
	if (options->io.detach)
		return 0;
	rc = foreground_attend(&container, false, ret_exit_code, err);
	if (rc == 0 && options->keep)
		return 0;
	if (lifecycle_destroy(&container, true, rc < 0 ? &cleanup_error : err) < 0) {
		if (rc == 0)
			return -1;
		log_warning("container \"%s\": clean-up: %s", options->id, cleanup_error.text);
	}
	return rc;
}
