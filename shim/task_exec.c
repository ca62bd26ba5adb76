/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes of a container: added by Exec, made by Start. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/spec.h"
#include "proto/events.pb-c.h"
#include "proto/ttrpc_server.h"
#include "shim/task_files.h"
#include "shim/task_verbs.h"

/* ---- adding ---- */

/* The process as JSON; the request's `terminal` counts, whatever the text says. */
static char *read_spec(const Containerd__Task__V2__ExecProcessRequest *request, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct spec_process process = { 0 };
	const char *text;
	size_t size;

	if (!request->spec || !request->spec->value.len) {
		(void)error_set(err, 0, "the request has no process");
		return NULL;
	}
	text = (const char *)request->spec->value.data;
	size = request->spec->value.len;
	if (json_read(&spec_process_type, text, size, &process, &arena, err) < 0)
		return NULL;
	if (process.terminal != request->terminal) {
		process.terminal = request->terminal;
		return json_write(&spec_process_type, &process, false, err);
	}
	char *copy = strndup(text, size);
	if (!copy)
		(void)error_memory(err);
	return copy;
}

static int fill(struct process *exec, const Containerd__Task__V2__ExecProcessRequest *request,
		struct error *err)
{
	exec->spec = read_spec(request, err);
	if (!exec->spec)
		return error_wrap(err, "the process of exec %s", exec->exec_id);
	return task_set_streams(exec, request->stdin, request->stdout, request->stderr,
				request->terminal, err);
}

void task_exec(struct task *task, const Containerd__Task__V2__ExecProcessRequest *request,
	       struct task_call call)
{
	Containerd__Events__TaskExecAdded event = CONTAINERD__EVENTS__TASK_EXEC_ADDED__INIT;
	struct process *exec;
	struct error err;

	if (task->init.pid <= 0) {
		ttrpc_fail(call.data, TTRPC_FAILED_PRECONDITION,
			   "container %s is not restored yet: failed precondition", task->id);
		return;
	}
	if (task_check_id("exec's id", request->exec_id, &err) < 0) {
		task_fail(call, TTRPC_INVALID_ARGUMENT, &err);
		return;
	}
	if (task_find_exec(task, request->exec_id)) {
		ttrpc_fail(call.data, TTRPC_ALREADY_EXISTS, "id %s: already exists",
			   request->exec_id);
		return;
	}
	exec = task_new_exec(task, request->exec_id, &err);
	if (!exec || fill(exec, request, &err) < 0) {
		task_fail(call, exec ? TTRPC_INVALID_ARGUMENT : TTRPC_INTERNAL, &err);
		if (exec)
			task_free_exec(exec);
		return;
	}
	event.container_id = task->id;
	event.exec_id = exec->exec_id;
	publisher_send(task->service->publisher, "/tasks/exec-added", &event.base);
	task_reply_empty(call);
}

/* ---- starting ---- */

struct exec_start {
	struct process *exec;
	struct task_call call;
};

static void end(struct exec_start *start)
{
	struct task *task = start->exec->task;

	free(start);
	task_rest(task->service);
	task_settle(task);
}

/* Clients look at this error; who waits for the process gets no status of its own. */
static void fail(struct exec_start *start, enum ttrpc_code code, const char *prefix,
		 const char *text)
{
	struct process *exec = start->exec;

	exec->state = PROCESS_CREATED;
	exec->pid = 0;
	if (exec->stdio) {
		stdio_free(exec->stdio);
		exec->stdio = NULL;
	}
	ttrpc_fail(start->call.data, code, "%s%s", prefix, text);
	task_answer_waits(exec);
	end(start);
}

static void succeed(struct exec_start *start)
{
	struct process *exec = start->exec;
	Containerd__Events__TaskExecStarted event = CONTAINERD__EVENTS__TASK_EXEC_STARTED__INIT;
	Containerd__Task__V2__StartResponse response = CONTAINERD__TASK__V2__START_RESPONSE__INIT;

	exec->state = PROCESS_RUNNING;
	free(exec->spec);
	exec->spec = NULL;
	event.container_id = exec->task->id;
	event.exec_id = exec->exec_id;
	event.pid = response.pid = (uint32_t)exec->pid;
	publisher_send(exec->task->service->publisher, "/tasks/exec-started", &event.base);
	start->call.closure(&response.base, start->call.data);
	task_watch(exec);
	/* It may have joined the others after they were killed because init had ended. */
	if (exec->task->init.is_reaped && task_is_alive(exec))
		(void)kill(exec->pid, SIGKILL);
	end(start);
}

static void started(void *data, const char *failure, const char *output)
{
	struct exec_start *start = data;
	struct process *exec = start->exec;
	struct task *task = exec->task;
	char name[TASK_PID_FILE_SIZE];
	struct error err;

	if (failure) {
		fail(start, TTRPC_UNKNOWN, "OCI runtime exec failed: ", failure);
	} else if (task_adopt(exec, task_pid_file(exec, name), &err) < 0) {
		task_kill_unseen(exec);
		fail(start, TTRPC_UNKNOWN, "", err.text);
	} else {
		succeed(start);
	}
	task_verb_done(task);
}

static int run_exec(struct exec_start *start, struct error *err)
{
	struct process *exec = start->exec;
	const char *args[6 + TASK_NEW_PROCESS_ARGS] = { "exec", "--process", ENGINE_PATH_INPUT,
							"--detach" };
	struct task_new_process_args texts = { 0 };
	struct engine_verb verb = { .args = args,
				    .stdio = stdio_child_fds(exec->stdio),
				    .input = exec->spec,
				    .input_size = strlen(exec->spec),
				    .makes_process = true,
				    .done = started,
				    .data = start };

	args[task_add_new_process_args(exec, &texts, args, 4)] = exec->task->id;
	return task_run_verb(exec->task, &verb, err);
}

static void streams_ready(void *data, const char *failure)
{
	struct exec_start *start = data;
	struct error err;

	if (failure)
		fail(start, TTRPC_UNKNOWN, "", failure);
	else if (run_exec(start, &err) < 0)
		fail(start, TTRPC_UNKNOWN, "", err.text);
}

void task_start_exec(struct process *exec, struct task_call call)
{
	struct exec_start *start = malloc(sizeof(*start));
	struct error err;

	if (!start) {
		(void)error_memory(&err);
		task_fail(call, TTRPC_INTERNAL, &err);
		return;
	}
	*start = (struct exec_start){ .exec = exec, .call = call };
	exec->state = PROCESS_STARTING;
	if (task_make_stdio(exec, streams_ready, start, &err) < 0)
		fail(start, err.code == EINVAL ? TTRPC_INVALID_ARGUMENT : TTRPC_UNKNOWN, "",
		     err.text);
}
