/* SPDX-License-Identifier: Apache-2.0 */
/* The verb checkpoint. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/checkpoint.h"
#include "runtime/container.h"
#include "runtime/external_mount.h"
#include "runtime/lifecycle.h"
#include "runtime/lsm.h"

/* One checkpoint: everything lives in the container's arena. */
struct dump {
	struct lifecycle *container;
	struct checkpoint_folders folders;
	struct external_mounts mounts;
	struct checkpoint_record record;
	struct criu_request request;
	const char *program;
};

static int check(const struct lifecycle *container, enum container_status status, struct error *err)
{
	const char *id = container->state.id;

	if (status != CONTAINER_RUNNING && status != CONTAINER_PAUSED)
		return error_set(err, EINVAL, "cannot checkpoint container \"%s\" in the %s state",
				 id, container_status_name(status));
	if (geteuid() != 0)
		return error_set(err, EPERM, "checkpoint \"%s\": CRIU needs root", id);
	if (container->state.notify_socket)
		return error_set(
			err, ENOTSUP,
			"checkpoint \"%s\": it was made with NOTIFY_SOCKET, and the socket "
			"that it got for that is not saved",
			id);
	if (container->state.no_pivot)
		return error_set(
			err, ENOTSUP,
			"checkpoint \"%s\": it was made with --no-pivot, which CRIU cannot "
			"restore",
			id);
	return 0;
}

/* CRIU asks for the inode: "net[4026531840]:key". */
static int add_namespace(struct dump *dump, enum spec_namespace_type type, const char *key,
			 struct error *err)
{
	const struct spec_namespace *namespace = spec_find_namespace(&dump->container->spec, type);
	const char *name = checkpoint_namespace_name(type);
	struct stat st;
	char path[64];

	if (!namespace || !namespace->path)
		return 0;
	(void)snprintf(path, sizeof(path), "%d/ns/%s", dump->container->state.pid, name);
	if (fstatat(dump->container->procfs, path, &st, 0) < 0)
		return error_set(err, errno, "stat /proc/%s", path);
	const char *text =
		arena_format(&dump->container->arena, err, "%s[%lu]:%s", name, st.st_ino, key);
	if (!text)
		return -1;
	dump->request.external[dump->request.n_external++] = text;
	return 0;
}

/* Everything of the container that lies outside of it, by name. */
static int name_externals(struct dump *dump, struct error *err)
{
	const struct checkpoint_record *record = &dump->record;
	struct criu_request *request = &dump->request;
	struct arena *arena = &dump->container->arena;

	request->external = arena_array(arena, record->n_mounts + record->n_descriptors + 2,
					sizeof(*request->external), err);
	if (!request->external ||
	    add_namespace(dump, NAMESPACE_NETWORK, CHECKPOINT_NETWORK_KEY, err) < 0 ||
	    add_namespace(dump, NAMESPACE_PID, CHECKPOINT_PID_KEY, err) < 0)
		return -1;
	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct external_mount *mount = &record->mounts[i];

		if (!mount->name)
			continue;
		request->external[request->n_external] =
			arena_format(arena, err, "mnt[%s]:%s", mount->point, mount->name);
		if (!request->external[request->n_external++])
			return -1;
	}
	for (size_t i = 0; i < record->n_descriptors; i++)
		if (str_starts_with(record->descriptors[i], "file[") ||
		    str_starts_with(record->descriptors[i], "tty["))
			request->external[request->n_external++] = record->descriptors[i];
	return 0;
}

/*
 * Where the container's cgroups begin: else CRIU takes the first process's for that,
 * which may be one further down. By all names of a hierarchy at once, as /proc/PID/cgroup.
 */
static int name_cgroups(struct dump *dump, struct error *err)
{
	const struct cgroup *cgroup = &dump->container->cgroup;
	struct criu_request *request = &dump->request;
	struct arena *arena = &dump->container->arena;

	request->cgroup_roots =
		arena_array(arena, cgroup->n_directories, sizeof(*request->cgroup_roots), err);
	if (!request->cgroup_roots)
		return -1;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup->directories[i];
		char *path =
			cgroup_path_in_hierarchy(&cgroup_machine_default, directory, arena, err);

		if (!path)
			return -1;
		request->cgroup_roots[request->n_cgroup_roots++] =
			(struct criu_pair){ .key = directory->controllers, .value = path };
	}
	return 0;
}

static int look(struct dump *dump, struct error *err)
{
	struct lifecycle *container = dump->container;
	struct checkpoint_record *record = &dump->record;
	pid_t pid = container->state.pid;

	if (chdir(container->state.bundle) < 0)
		return error_set(err, errno, "open the bundle %s", container->state.bundle);
	if (external_mounts_prepare(&container->spec, &container->cgroup, &container->arena,
				    &dump->mounts, err) < 0 ||
	    external_mounts_look(&dump->mounts, container->procfs, pid, &container->arena,
				 &record->mounts, &record->n_mounts, err) < 0 ||
	    checkpoint_record_descriptors(container->procfs, pid, &container->arena, record, err) <
		    0 ||
	    lsm_read(container->spec.process, container->procfs, pid, &container->arena,
		     &record->label, err) < 0)
		return -1;
	/* It was that process which we have looked at, if it is still there. */
	if (process_pidfd_ended(container->init_pidfd))
		return error_set(err, ESRCH, "the container has ended");
	return name_externals(dump, err) < 0 ? -1 : name_cgroups(dump, err);
}

/* What this CRIU on this kernel cannot do it says only in the middle of it. */
static int check_features(const struct dump *dump, struct error *err)
{
	const struct criu_request request = { .action = CRIU_FEATURES,
					      .options = dump->request.options };
	const int fds[CRIU_FD_FIRST] = { -1, -1, -1, -1, -1 };
	struct criu_call call = {
		.request = &request, .program = dump->program, .fds = fds, .n_fds = CRIU_FD_FIRST
	};
	bool tracks = dump->request.action == CRIU_PRE_DUMP || request.options->parent_path;

	if (!tracks && !request.options->lazy_pages)
		return 0;
	if (criu_run(&call, err) < 0)
		return -1;
	if (tracks && !call.has_mem_track)
		return error_set(err, ENOTSUP,
				 "%s: this kernel does not track changed memory "
				 "(CONFIG_MEM_SOFT_DIRTY)",
				 request.options->parent_path ? "--parent-path" : "--pre-dump");
	if (request.options->lazy_pages && !call.has_lazy_pages)
		return error_set(err, ENOTSUP,
				 "--lazy-pages: this kernel or this CRIU does not have them "
				 "(userfaultfd)");
	return 0;
}

/* CRIU only says that it could not do it. */
static int check_parent(const struct dump *dump, struct error *err)
{
	const struct criu_options *options = dump->request.options;
	struct stat st;

	if (!options->parent_path)
		return 0;
	if (fstatat(dump->folders.images, options->parent_path, &st, 0) < 0)
		return error_set(err, errno, "--parent-path %s (from %s)", options->parent_path,
				 options->image_path);
	return S_ISDIR(st.st_mode) ? 0
				   : error_set(err, ENOTDIR, "--parent-path %s (from %s)",
					       options->parent_path, options->image_path);
}

static int run_criu(struct dump *dump, struct error *err)
{
	int fds[CRIU_FD_FIRST] = { -1, -1, -1 };
	struct criu_call call = { .request = &dump->request, .fds = fds, .n_fds = CRIU_FD_FIRST };

	if (criu_find(dump->request.options->program, &dump->program, err) < 0 ||
	    check_features(dump, err) < 0 ||
	    checkpoint_folders_open(dump->request.options, true, &dump->folders, err) < 0 ||
	    check_parent(dump, err) < 0 ||
	    checkpoint_folders_admit(&dump->folders, &dump->container->spec, true, err) < 0)
		return -1;
	fds[CRIU_FD_IMAGES] = dump->folders.images;
	fds[CRIU_FD_WORK] = dump->folders.work;
	dump->record.tcp_established = dump->request.options->tcp_established;
	dump->record.file_locks = dump->request.options->file_locks;
	dump->record.shell_job = dump->request.options->shell_job;
	dump->record.ignore_cgroups = dump->request.ignore_cgroups;
	if (checkpoint_record_write(dump->folders.images, &dump->record, err) < 0)
		return -1;
	call.program = dump->program;
	return criu_run(&call, err);
}

/* CRIU leaves them frozen when it is killed. */
static void thaw(struct lifecycle *container, enum container_status before)
{
	struct error err;

	if (before == CONTAINER_RUNNING && cgroup_is_frozen(&container->cgroup, &err) > 0 &&
	    cgroup_freeze(&container->cgroup, false, &err) < 0)
		log_warning("container \"%s\": %s", container->state.id, err.text);
}

static int dump_done(struct dump *dump, int rc)
{
	external_mounts_done(&dump->mounts);
	checkpoint_folders_close(&dump->folders);
	return rc;
}

int container_checkpoint(const struct container_engine *engine, const char *id,
			 const struct criu_options *criu, bool pre_dump, struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	enum container_status status;
	struct dump dump = { .container = &container,
			     .folders = CHECKPOINT_FOLDERS_CLOSED,
			     .mounts = EXTERNAL_MOUNTS_EMPTY,
			     .request = { .action = pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP,
					  .options = criu,
					  .log_file = "dump.log" } };

	if (lifecycle_open(engine, id, true, &container, err) < 0 ||
	    lifecycle_status(&container, &status, err) < 0 || check(&container, status, err) < 0 ||
	    lifecycle_load_spec(&container, err) < 0)
		return -1;
	dump.request.pid = container.state.pid;
	dump.request.root = container.state.rootfs;
	dump.request.freeze_cgroup = cgroup_freezer_path(&container.cgroup);
	dump.request.ignore_cgroups =
		container.cgroup.disabled || criu->cgroup_mode == CRIU_CGROUPS_IGNORE;
	if (checkpoint_check_spec(&container.spec, err) < 0 ||
	    checkpoint_find_config_file(&container.spec, &dump.request.config_file, err) < 0)
		return error_wrap(err, "checkpoint \"%s\"", id);
	if (dump_done(&dump, look(&dump, err) < 0 ? -1 : run_criu(&dump, err)) < 0) {
		thaw(&container, status);
		return error_wrap(err, "checkpoint \"%s\"", id);
	}
	if (criu->leave_running || pre_dump)
		return 0;
	return lifecycle_destroy(&container, true, err);
}
