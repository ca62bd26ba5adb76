/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Create, a step after the other: the bundle and its options, the root file
 * system's mounts, the streams, the runtime's create. Whatever fails, what was
 * made is undone before the call is answered.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "proto/events.pb-c.h"
#include "proto/ttrpc_server.h"
#include "shim/rootfs_mount.h"
#include "shim/task_bundle.h"
#include "shim/task_delete.h"
#include "shim/task_files.h"
#include "shim/task_verbs.h"

struct creation {
	struct task *task;
	const Containerd__Task__V2__CreateTaskRequest *request;
	struct task_call call;
	enum ttrpc_code code; /* of the failure */
	struct error err;
};

/* ---- undoing ---- */

static void give_up(struct creation *creation)
{
	struct task *task = creation->task;

	task_fail(creation->call, creation->code, &creation->err);
	/* A client that did not wait for us wanted the task deleted: it is. */
	task_fail_deletes(&task->init, TTRPC_NOT_FOUND, "container not created: not found");
	task_free(task);
	free(creation);
}

static void undone_mounts(void *data, const char *failure)
{
	struct creation *creation = data;

	if (failure)
		log_warning("%s: undo the mounts: %s", creation->task->id, failure);
	give_up(creation);
}

static int undo_mounts(void *data, struct error *err)
{
	const struct creation *creation = data;
	cleanup_free char *rootfs = str_format(err, "%s/rootfs", creation->task->bundle);

	return rootfs ? rootfs_unmount(rootfs, err) : -1;
}

static void fail(struct creation *creation, enum ttrpc_code code)
{
	struct task *task = creation->task;
	struct error err;

	creation->code = code;
	if (!task->has_mounts)
		give_up(creation);
	else if (task_run_background(task, undo_mounts, undone_mounts, creation, &err) < 0)
		undone_mounts(creation, err.text);
}

static void deleted(void *data, const char *failure, const char *output)
{
	struct creation *creation = data;

	if (failure)
		log_warning("%s: delete what was created: %s", creation->task->id, failure);
	creation->task->verbs--;
	fail(creation, TTRPC_UNKNOWN);
}

/* The runtime has made the container, but we cannot use it. */
static void fail_created(struct creation *creation)
{
	const char *const args[] = { "delete", "--force", creation->task->id, NULL };
	struct engine_verb verb = { .args = args, .done = deleted, .data = creation };
	struct error err;

	if (task_run_verb(creation->task, &verb, &err) == 0)
		return;
	task_kill_unseen(&creation->task->init);
	fail(creation, TTRPC_UNKNOWN);
}

/* ---- the last step: it is there ---- */

static void publish_create(const struct creation *creation)
{
	const Containerd__Task__V2__CreateTaskRequest *request = creation->request;
	Containerd__Events__TaskIO io = CONTAINERD__EVENTS__TASK_IO__INIT;
	Containerd__Events__TaskCreate event = CONTAINERD__EVENTS__TASK_CREATE__INIT;

	io.stdin = request->stdin;
	io.stdout = request->stdout;
	io.stderr = request->stderr;
	io.terminal = request->terminal;
	event.container_id = request->id;
	event.bundle = request->bundle;
	event.rootfs = request->rootfs;
	event.n_rootfs = request->n_rootfs;
	event.io = &io;
	event.checkpoint = request->checkpoint;
	event.pid = (uint32_t)creation->task->init.pid;
	publisher_send(creation->task->service->publisher, "/tasks/create", &event.base);
}

static void finish(struct creation *creation)
{
	struct task *task = creation->task;
	Containerd__Task__V2__CreateTaskResponse response =
		CONTAINERD__TASK__V2__CREATE_TASK_RESPONSE__INIT;

	task->init.state = PROCESS_CREATED;
	publish_create(creation);
	response.pid = (uint32_t)task->init.pid;
	creation->call.closure(&response.base, creation->call.data);
	free(creation);
	if (task->init.pid > 0)
		task_watch(&task->init);
	if (task->init.deletes)
		task_delete_begin(&task->init);
}

/* ---- the steps ---- */

static void created(void *data, const char *failure, const char *output)
{
	struct creation *creation = data;
	struct task *task = creation->task;

	task->verbs--;
	if (failure) {
		(void)error_set(&creation->err, 0, "OCI runtime create failed: %s", failure);
		fail(creation, TTRPC_UNKNOWN);
	} else if (task_adopt(&task->init, "init.pid", &creation->err) < 0) {
		fail_created(creation);
	} else {
		task_find_cgroup(task);
		finish(creation);
	}
}

static int run_create(struct creation *creation)
{
	struct task *task = creation->task;
	const struct runtime_options *options = &task->options;
	const char *args[8 + TASK_NEW_PROCESS_ARGS] = { "create", "--bundle", task->bundle };
	struct task_new_process_args texts = { 0 };
	struct engine_verb verb = { .args = args,
				    .stdio = stdio_child_fds(task->init.stdio),
				    .makes_process = true,
				    .done = created,
				    .data = creation };
	size_t n = task_add_new_process_args(&task->init, &texts, args, 3);

	if (options->no_pivot_root)
		args[n++] = "--no-pivot";
	if (options->no_new_keyring)
		args[n++] = "--no-new-keyring";
	args[n] = task->id;
	if (task_run_verb(task, &verb, &creation->err) < 0)
		return -1;
	task_prepare_cgroup(task);
	return 0;
}

static void streams_ready(void *data, const char *failure)
{
	struct creation *creation = data;

	if (failure) {
		(void)error_set(&creation->err, 0, "%s", failure);
		fail(creation, TTRPC_UNKNOWN);
		return;
	}
	if (creation->task->checkpoint)
		finish(creation);
	else if (run_create(creation) < 0)
		fail(creation, TTRPC_UNKNOWN);
}

static void make_streams(struct creation *creation)
{
	struct process *init = &creation->task->init;

	if (task_make_stdio(init, streams_ready, creation, &creation->err) < 0)
		fail(creation,
		     creation->err.code == EINVAL ? TTRPC_INVALID_ARGUMENT : TTRPC_UNKNOWN);
}

static int mount(void *data, struct error *err)
{
	const struct creation *creation = data;
	cleanup_free char *rootfs = str_format(err, "%s/rootfs", creation->task->bundle);

	if (!rootfs)
		return -1;
	return rootfs_mount(rootfs, creation->request->rootfs, creation->request->n_rootfs, err);
}

static void mounted(void *data, const char *failure)
{
	struct creation *creation = data;

	if (failure) {
		(void)error_set(&creation->err, 0, "failed to mount rootfs component: %s", failure);
		fail(creation, TTRPC_UNKNOWN);
		return;
	}
	creation->task->has_mounts = true;
	make_streams(creation);
}

static int make_mounts(struct creation *creation)
{
	struct task *task = creation->task;

	if (mkdirat(task->directory, "rootfs", 0711) < 0 && errno != EEXIST)
		return error_set(&creation->err, errno, "make %s/rootfs", task->bundle);
	if (!task->service->mounts_itself)
		return task_run_background(task, mount, mounted, creation, &creation->err);
	struct error err;
	mounted(creation, mount(creation, &err) < 0 ? err.text : NULL);
	return 0;
}

/* ---- the beginning ---- */

static int take_request(struct task *task, const Containerd__Task__V2__CreateTaskRequest *request,
			struct error *err)
{
	if (task_set_streams(&task->init, request->stdin, request->stdout, request->stderr,
			     request->terminal, err) < 0)
		return -1;
	if (*request->checkpoint) {
		task->checkpoint = strdup(request->checkpoint);
		if (!task->checkpoint)
			return error_memory(err);
	}
	return task_open_bundle(task, request->options, err);
}

static enum ttrpc_code check(const struct task_service *service,
			     const Containerd__Task__V2__CreateTaskRequest *request,
			     struct error *err)
{
	if (task_check_id("container's id", request->id, err) < 0)
		return TTRPC_INVALID_ARGUMENT;
	if (*request->id == '-') {
		(void)error_set(err, 0, "the container's id '%s' begins like an option",
				request->id);
		return TTRPC_INVALID_ARGUMENT;
	}
	if (*request->bundle != '/') {
		(void)error_set(err, 0, "the bundle '%s' is not an absolute path", request->bundle);
		return TTRPC_INVALID_ARGUMENT;
	}
	if (task_find(service, request->id)) {
		(void)error_set(err, 0, "container %s: already exists", request->id);
		return TTRPC_ALREADY_EXISTS;
	}
	return TTRPC_OK;
}

static enum ttrpc_code code_of(const struct error *err)
{
	switch (err->code) {
	case ENOENT:
	case ENOTDIR:
		return TTRPC_NOT_FOUND;
	case EINVAL:
		return TTRPC_INVALID_ARGUMENT;
	default:
		return TTRPC_UNKNOWN;
	}
}

void task_create(struct task_service *service,
		 const Containerd__Task__V2__CreateTaskRequest *request, struct task_call call)
{
	struct creation *creation;
	struct error err;
	enum ttrpc_code code = check(service, request, &err);
	struct task *task =
		code == TTRPC_OK ? task_new(service, request->id, request->bundle, &err) : NULL;

	if (!task) {
		task_fail(call, code == TTRPC_OK ? TTRPC_INTERNAL : code, &err);
		return;
	}
	creation = calloc(1, sizeof(*creation));
	if (!creation) {
		(void)error_memory(&err);
		task_fail(call, TTRPC_INTERNAL, &err);
		task_free(task);
		return;
	}
	*creation = (struct creation){ .task = task, .request = request, .call = call };
	if (take_request(task, request, &creation->err) < 0)
		fail(creation, code_of(&creation->err));
	else if (!request->n_rootfs)
		make_streams(creation);
	else if (make_mounts(creation) < 0)
		fail(creation, TTRPC_UNKNOWN);
}
