/* SPDX-License-Identifier: Apache-2.0 */
/* Start of a container that was created, or of one that is restored from a checkpoint. */
#include <stdlib.h>

#include "proto/events.pb-c.h"
#include "proto/ttrpc_server.h"
#include "shim/memory.h"
#include "shim/task_verbs.h"

struct start {
	struct process *init;
	struct task_call call;
};

static void publish_start(const struct process *init)
{
	Containerd__Events__TaskStart event = CONTAINERD__EVENTS__TASK_START__INIT;

	event.container_id = init->task->id;
	event.pid = (uint32_t)init->pid;
	publisher_send(init->task->service->publisher, "/tasks/start", &event.base);
}

static void fail(struct start *start, const char *failure)
{
	start->init->state = PROCESS_CREATED;
	ttrpc_fail(start->call.data, TTRPC_UNKNOWN, "OCI runtime %s failed: %s",
		   start->init->task->checkpoint ? "restore" : "start", failure);
}

static void succeed(struct start *start)
{
	Containerd__Task__V2__StartResponse response = CONTAINERD__TASK__V2__START_RESPONSE__INIT;

	start->init->state = PROCESS_RUNNING;
	publish_start(start->init);
	response.pid = (uint32_t)start->init->pid;
	start->call.closure(&response.base, start->call.data);
}

/* An end that came meanwhile is told now. */
static void end(struct start *start)
{
	struct task *task = start->init->task;

	free(start);
	task_rest(task->service);
	task_settle(task);
	task_verb_done(task);
}

static void started(void *data, const char *failure, const char *output)
{
	struct start *start = data;

	if (failure)
		fail(start, failure);
	else
		succeed(start);
	end(start);
}

static void restored(void *data, const char *failure, const char *output)
{
	struct start *start = data;
	struct process *init = start->init;
	struct error err;

	if (!failure && task_adopt(init, "init.pid", &err) < 0) {
		task_kill_unseen(init);
		failure = err.text;
	}
	if (failure) {
		fail(start, failure);
	} else {
		task_find_cgroup(init->task);
		succeed(start);
		task_watch(init);
	}
	end(start);
}

static int run_restore(struct start *start, struct error *err)
{
	const struct task *task = start->init->task;
	const char *args[14 + TASK_NEW_PROCESS_ARGS] = {
		"restore",    "--image-path", task->checkpoint, "--bundle",
		task->bundle, "--detach",     "--no-subreaper",
	};
	struct task_new_process_args texts = { 0 };
	struct engine_verb verb = { .args = args,
				    .stdio = stdio_child_fds(start->init->stdio),
				    .makes_process = true,
				    .done = restored,
				    .data = start };
	size_t n = task_add_new_process_args(start->init, &texts, args, 7);

	if (task->options.criu_work_path) {
		args[n++] = "--work-path";
		args[n++] = task->options.criu_work_path;
	}
	if (task->options.no_pivot_root)
		args[n++] = "--no-pivot";
	args[n] = task->id;
	return task_run_verb(start->init->task, &verb, err);
}

static int run_start(struct start *start, struct error *err)
{
	const char *const args[] = { "start", start->init->task->id, NULL };
	struct engine_verb verb = { .args = args, .done = started, .data = start };

	return task_run_verb(start->init->task, &verb, err);
}

void task_start(struct process *process, struct task_call call)
{
	struct start *start = malloc(sizeof(*start));
	struct error err;
	int result;

	if (!start) {
		(void)error_memory(&err);
		task_fail(call, TTRPC_INTERNAL, &err);
		return;
	}
	*start = (struct start){ .init = process, .call = call };
	process->state = PROCESS_STARTING;
	result = process->task->checkpoint ? run_restore(start, &err) : run_start(start, &err);
	if (result == 0) {
		/* What Create has read and freed goes back, while the runtime is at work. */
		memory_trim();
		return;
	}
	fail(start, err.text);
	free(start);
	task_settle(process->task);
}
