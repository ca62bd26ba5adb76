/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs on a container that is there: kill, pause, resume, update, checkpoint. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/spec.h"
#include "proto/events.pb-c.h"
#include "proto/options.pb-c.h"
#include "proto/ttrpc_server.h"
#include "proto/unpack.h"
#include "shim/task_verbs.h"

/* ---- what they have in common ---- */

struct control {
	struct task *task;
	struct task_call call;
	const char *verb;
	/* The state while the verb runs, and afterwards; nothing happens to one that changed. */
	enum process_state during, success, failure;
	void (*succeeded)(
		const struct control *control); /* tells containerd; NULL: nothing to tell */
	char *path;				/* of a checkpoint */
};

static const char already_finished[] = "process already finished: not found";

static void leave_state(const struct control *control, enum process_state state)
{
	if (control->task->init.state == control->during)
		control->task->init.state = state;
}

static void done(void *data, const char *failure, const char *output)
{
	struct control *control = data;
	struct task *task = control->task;

	leave_state(control, failure ? control->failure : control->success);
	if (!failure) {
		if (control->succeeded)
			control->succeeded(control);
		task_reply_empty(control->call);
	} else if (strcmp(control->verb, "kill") == 0 && task->init.is_reaped) {
		ttrpc_fail(control->call.data, TTRPC_NOT_FOUND, "%s", already_finished);
	} else {
		ttrpc_fail(control->call.data, TTRPC_UNKNOWN, "OCI runtime %s failed: %s",
			   control->verb, failure);
	}
	free(control->path);
	free(control);
	task_verb_done(task);
}

/* Runs `args` (the first is the verb); `template` is copied. */
static void run(const struct control *template, const char *const *args, const char *input)
{
	struct control *control = malloc(sizeof(*control));
	struct engine_verb verb = { .args = args,
				    .input = input,
				    .input_size = input ? strlen(input) : 0,
				    .done = done,
				    .data = control };
	struct error err;

	if (!control) {
		(void)error_memory(&err);
		task_fail(template->call, TTRPC_INTERNAL, &err);
		free(template->path);
		return;
	}
	*control = *template;
	control->verb = args[0];
	control->task->init.state = control->during;
	if (task_run_verb(control->task, &verb, &err) == 0)
		return;
	leave_state(control, control->failure);
	task_fail(control->call, TTRPC_UNKNOWN, &err);
	free(control->path);
	free(control);
}

/* A verb that leaves the state as it is. */
static struct control control_of(struct task *task, struct task_call call)
{
	enum process_state state = task->init.state;

	return (struct control){
		.task = task, .call = call, .during = state, .success = state, .failure = state
	};
}

/* ---- kill ---- */

/* Our own child that was not reaped: its pid is nobody else's. */
static void signal_directly(const struct process *process, int signal, struct task_call call)
{
	if (!task_is_alive(process) || (kill(process->pid, signal) < 0 && errno == ESRCH))
		ttrpc_fail(call.data, TTRPC_NOT_FOUND, "%s", already_finished);
	else
		task_reply_empty(call);
}

void task_kill(struct process *process, int signal, bool all, struct task_call call)
{
	struct control control;
	char number[16];
	const char *args[5] = { "kill" };
	size_t n = 1;

	/* A frozen process may have to be thawed to take a signal, which is the runtime's. */
	if (process->exec_id ||
	    (!all && process->state != PROCESS_PAUSED && process->state != PROCESS_PAUSING)) {
		signal_directly(process, signal, call);
		return;
	}
	control = control_of(process->task, call);
	(void)snprintf(number, sizeof(number), "%d", signal);
	if (all)
		args[n++] = "--all";
	args[n++] = process->task->id;
	args[n++] = number;
	run(&control, args, NULL);
}

static void output_was_read(void *data)
{
	struct task_call *call = data;

	task_reply_empty(*call);
	free(call);
}

/*
 * Clients kill what may be left of a container before they delete it, when
 * nothing is. Some of them close their streams then, at once: they are answered
 * when they had the time to read them.
 */
void task_kill_rest(const struct process *init, struct task_call call)
{
	enum { READ_MS = 1000 };
	struct task_call *copy = init->stdio ? malloc(sizeof(*copy)) : NULL;

	if (!copy) {
		task_reply_empty(call);
		return;
	}
	*copy = call;
	stdio_when_read(init->stdio, READ_MS, output_was_read, copy);
}

/* ---- pause, resume ---- */

/* Its end, which was told already, has come between. */
static bool is_over(const struct control *control)
{
	return control->task->init.state != control->success;
}

static void tell_paused(const struct control *control)
{
	Containerd__Events__TaskPaused event = CONTAINERD__EVENTS__TASK_PAUSED__INIT;

	if (is_over(control))
		return;
	event.container_id = control->task->id;
	publisher_send(control->task->service->publisher, "/tasks/paused", &event.base);
}

static void tell_resumed(const struct control *control)
{
	Containerd__Events__TaskResumed event = CONTAINERD__EVENTS__TASK_RESUMED__INIT;

	if (is_over(control))
		return;
	event.container_id = control->task->id;
	publisher_send(control->task->service->publisher, "/tasks/resumed", &event.base);
}

void task_pause(struct task *task, struct task_call call)
{
	const char *const args[] = { "pause", task->id, NULL };
	const struct control control = { .task = task,
					 .call = call,
					 .during = PROCESS_PAUSING,
					 .success = PROCESS_PAUSED,
					 .failure = PROCESS_RUNNING,
					 .succeeded = tell_paused };

	run(&control, args, NULL);
}

void task_resume(struct task *task, struct task_call call)
{
	const char *const args[] = { "resume", task->id, NULL };
	const struct control control = { .task = task,
					 .call = call,
					 .during = PROCESS_RESUMING,
					 .success = PROCESS_RUNNING,
					 .failure = PROCESS_PAUSED,
					 .succeeded = tell_resumed };

	run(&control, args, NULL);
}

/* ---- update ---- */

/*
 * Kubernetes sends "deny all devices" along with every update, which no runtime
 * has ever carried out: devices are left out.
 */
static char *resources_text(const Google__Protobuf__Any *resources, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct spec_resources parsed = { 0 };
	char *copy;

	if (!resources || !resources->value.len) {
		(void)error_set(err, 0, "the request has no resources");
		return NULL;
	}
	if (json_read(&spec_resources_type, (const char *)resources->value.data,
		      resources->value.len, &parsed, &arena, err) < 0)
		return NULL;
	if (parsed.n_devices) {
		parsed.devices = NULL;
		parsed.n_devices = 0;
		return json_write(&spec_resources_type, &parsed, false, err);
	}
	copy = strndup((const char *)resources->value.data, resources->value.len);
	if (!copy)
		(void)error_memory(err);
	return copy;
}

void task_update(struct task *task, const Google__Protobuf__Any *resources, struct task_call call)
{
	const char *const args[] = { "update", "--resources", ENGINE_PATH_INPUT, task->id, NULL };
	const struct control control = control_of(task, call);
	struct error err;
	cleanup_free char *text = resources_text(resources, &err);

	if (text)
		run(&control, args, text);
	else
		task_fail(call, TTRPC_INVALID_ARGUMENT, &err);
}

/* ---- checkpoint ---- */

static void tell_checkpointed(const struct control *control)
{
	Containerd__Events__TaskCheckpointed event = CONTAINERD__EVENTS__TASK_CHECKPOINTED__INIT;

	event.container_id = control->task->id;
	event.checkpoint = control->path;
	publisher_send(control->task->service->publisher, "/tasks/checkpointed", &event.base);
}

static Containerd__Runc__V1__CheckpointOptions *read_options(const Google__Protobuf__Any *any,
							     struct error *err)
{
	return (Containerd__Runc__V1__CheckpointOptions *)unpack_message(
		&containerd__runc__v1__checkpoint_options__descriptor, any ? any->value.len : 0,
		any ? any->value.data : NULL, NULL, err);
}

/* The arguments; memory from the arena. */
static const char *const *checkpoint_args(const struct task *task, const char *path,
					  const Containerd__Runc__V1__CheckpointOptions *options,
					  struct arena *arena, struct error *err)
{
	const char *work_path =
		*options->work_path ? options->work_path : task->options.criu_work_path;
	const struct {
		bool given;
		const char *name, *value;
	} rows[] = {
		{ true, "--image-path", path },
		{ work_path, "--work-path", work_path },
		{ *options->parent_path, "--parent-path", options->parent_path },
		{ *options->cgroups_mode, "--manage-cgroups-mode", options->cgroups_mode },
		{ !options->exit, "--leave-running", NULL },
		{ options->open_tcp, "--tcp-established", NULL },
		{ options->external_unix_sockets, "--ext-unix-sk", NULL },
		{ options->terminal, "--shell-job", NULL },
		{ options->file_locks, "--file-locks", NULL },
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	const char **args = arena_array(arena, 3 + 2 * (ROWS + options->n_empty_namespaces),
					sizeof(*args), err);
	size_t n = 0;

	if (!args)
		return NULL;
	args[n++] = "checkpoint";
	for (size_t i = 0; i < ROWS; i++) {
		if (!rows[i].given)
			continue;
		args[n++] = rows[i].name;
		if (rows[i].value)
			args[n++] = rows[i].value;
	}
	for (size_t i = 0; i < options->n_empty_namespaces; i++) {
		args[n++] = "--empty-ns";
		args[n++] = options->empty_namespaces[i];
	}
	args[n] = task->id;
	return args;
}

void task_checkpoint(struct task *task, const Containerd__Task__V2__CheckpointTaskRequest *request,
		     struct task_call call)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct control control = control_of(task, call);
	struct error err;
	Containerd__Runc__V1__CheckpointOptions *options = read_options(request->options, &err);
	const char *const *args = NULL;
	/* containerd makes it the request's path for runc's shim only. */
	const char *path = options && *options->image_path ? options->image_path : request->path;

	if (options && *path != '/')
		(void)error_set(&err, 0, "the path '%s' is not absolute", path);
	else if (options)
		args = checkpoint_args(task, path, options, &arena, &err);
	if (args) {
		control.succeeded = tell_checkpointed;
		control.path = strdup(path);
		run(&control, args, NULL);
	} else {
		task_fail(call, TTRPC_INVALID_ARGUMENT, &err);
	}
	if (options)
		containerd__runc__v1__checkpoint_options__free_unpacked(options, NULL);
}
