/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/task.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "proto/ttrpc_server.h"
#include "shim/background.h"
#include "shim/memory.h"
#include "shim/task_delete.h"
#include "shim/timestamp.h"

/* From a start to the time when a container usually just runs. */
enum { REST_MS = 100 };

/* ---- finding ---- */

struct task *task_find(const struct task_service *service, const char *id)
{
	for (struct task *task = service->tasks; task; task = task->next)
		if (strcmp(task->id, id) == 0)
			return task;
	return NULL;
}

struct process *task_find_exec(const struct task *task, const char *exec_id)
{
	for (struct process *exec = task->execs; exec; exec = exec->next)
		if (strcmp(exec->exec_id, exec_id) == 0)
			return exec;
	return NULL;
}

struct process *task_find_process(const struct task_service *service, const char *id,
				  const char *exec_id, struct task_call call)
{
	struct task *task = task_find(service, id);
	struct process *exec;

	if (!task || task->init.state == PROCESS_CREATING) {
		ttrpc_fail(call.data, TTRPC_NOT_FOUND, "container not created: not found");
		return NULL;
	}
	if (!*exec_id)
		return &task->init;
	exec = task_find_exec(task, exec_id);
	if (!exec)
		ttrpc_fail(call.data, TTRPC_NOT_FOUND, "process does not exist %s: not found",
			   exec_id);
	return exec;
}

/* ---- making and ending ---- */

static int copy_text(char **out, const char *text, struct error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return error_memory(err);
	free(*out);
	*out = copy;
	return 0;
}

struct task *task_new(struct task_service *service, const char *id, const char *bundle,
		      struct error *err)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task) {
		(void)error_memory(err);
		return NULL;
	}
	task->service = service;
	task->directory = task->files = -1;
	task->init.task = task;
	task->next = service->tasks;
	service->tasks = task;
	if (copy_text(&task->id, id, err) < 0 || copy_text(&task->bundle, bundle, err) < 0) {
		task_free(task);
		return NULL;
	}
	return task;
}

/* What a process owns. Nobody waits any longer, not even for one that was never started. */
static void process_done(struct process *process)
{
	task_answer_waits(process);
	task_answer_deletes(process);
	reaper_forget(process->task->service->reaper, &process->child);
	if (process->stdio)
		stdio_free(process->stdio);
	free(process->exec_id);
	free(process->in);
	free(process->out);
	free(process->err);
	free(process->spec);
	free(process->ready_failure);
}

void task_free_exec(struct process *exec)
{
	struct process **link = &exec->task->execs;

	while (*link != exec)
		link = &(*link)->next;
	*link = exec->next;
	process_done(exec);
	free(exec);
}

void task_free(struct task *task)
{
	struct task_service *service = task->service;
	struct task **link = &service->tasks;

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	while (task->execs)
		task_free_exec(task->execs);
	process_done(&task->init);
	if (task->oom)
		oom_watch_free(task->oom);
	fd_close(&task->directory);
	arena_free(&task->arena);
	free(task->checkpoint);
	free(task->bundle);
	free(task->id);
	free(task);
	if (!service->tasks)
		service->emptied(service);
}

struct process *task_new_exec(struct task *task, const char *exec_id, struct error *err)
{
	struct process *exec = calloc(1, sizeof(*exec));

	if (!exec || copy_text(&exec->exec_id, exec_id, err) < 0) {
		free(exec);
		(void)error_memory(err);
		return NULL;
	}
	exec->task = task;
	exec->state = PROCESS_CREATED;
	exec->next = task->execs;
	task->execs = exec;
	return exec;
}

int task_set_streams(struct process *process, const char *in, const char *out, const char *err_name,
		     bool terminal, struct error *err)
{
	process->terminal = terminal;
	if (copy_text(&process->in, in, err) < 0 || copy_text(&process->out, out, err) < 0)
		return -1;
	return copy_text(&process->err, err_name, err);
}

/* ---- waiting ---- */

static void waiter_cancelled(void *data)
{
	struct task_waiter *waiter = data;
	struct task_waiter **link = &waiter->process->waits;

	while (*link != waiter)
		link = &(*link)->next;
	*link = waiter->next;
	free(waiter);
}

static struct task_waiter *add_waiter(struct task_waiter **list, struct process *process,
				      struct task_call call, struct error *err)
{
	struct task_waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter) {
		(void)error_memory(err);
		return NULL;
	}
	*waiter = (struct task_waiter){ .next = *list, .process = process, .call = call };
	*list = waiter;
	return waiter;
}

int task_add_wait(struct process *process, struct task_call call, struct error *err)
{
	struct task_waiter *waiter = add_waiter(&process->waits, process, call, err);

	if (!waiter)
		return -1;
	ttrpc_on_cancel(call.data, waiter_cancelled, waiter);
	return 0;
}

void task_answer_waits(struct process *process)
{
	Google__Protobuf__Timestamp when;
	Containerd__Task__V2__WaitResponse response;

	timestamp_fill(&when, process->is_reaped ? &process->exited_at : NULL);
	containerd__task__v2__wait_response__init(&response);
	response.exit_status = (uint32_t)process->exit_status;
	response.exited_at = &when;
	while (process->waits) {
		struct task_waiter *waiter = process->waits;

		process->waits = waiter->next;
		waiter->call.closure(&response.base, waiter->call.data);
		free(waiter);
	}
}

/* A delete goes on without its caller: nothing is cancelled. */
int task_add_delete(struct process *process, struct task_call call, struct error *err)
{
	return add_waiter(&process->deletes, process, call, err) ? 0 : -1;
}

void task_answer_deletes(struct process *process)
{
	Google__Protobuf__Timestamp when;
	Containerd__Task__V2__DeleteResponse response;

	timestamp_fill(&when, process->is_reaped ? &process->exited_at : NULL);
	containerd__task__v2__delete_response__init(&response);
	response.pid = (uint32_t)process->pid;
	response.exit_status = (uint32_t)process->exit_status;
	response.exited_at = &when;
	while (process->deletes) {
		struct task_waiter *waiter = process->deletes;

		process->deletes = waiter->next;
		waiter->call.closure(&response.base, waiter->call.data);
		free(waiter);
	}
}

void task_fail_deletes(struct process *process, enum ttrpc_code code, const char *text)
{
	while (process->deletes) {
		struct task_waiter *waiter = process->deletes;

		process->deletes = waiter->next;
		ttrpc_fail(waiter->call.data, code, "%s", text);
		free(waiter);
	}
}

void task_reply_empty(struct task_call call)
{
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

	call.closure(&empty.base, call.data);
}

void task_fail(struct task_call call, enum ttrpc_code code, const struct error *err)
{
	ttrpc_fail(call.data, code, "%s", err->text);
}

bool task_allows(const struct process *process, enum operation operation, struct task_call call)
{
	char text[160];
	enum ttrpc_code code = lifecycle_check(process->state, process->exec_id != NULL, operation,
					       text, sizeof(text));

	if (code == TTRPC_OK)
		return true;
	ttrpc_fail(call.data, code, "%s", text);
	return false;
}

/* ---- verbs ---- */

int task_run_verb(struct task *task, struct engine_verb *verb, struct error *err)
{
	verb->options = &task->options;
	verb->directory = task->files;
	if (engine_run(task->service->engine, task->service->namespace, verb, err) < 0)
		return -1;
	task->verbs++;
	return 0;
}

void task_verb_done(struct task *task)
{
	task->verbs--;
	task_delete_go_on(task);
}

static void rest(struct loop_timer *timer)
{
	(void)memory_give_back();
}

void task_rest(struct task_service *service)
{
	service->rest.fire = rest;
	loop_set_timer(service->loop, &service->rest, REST_MS);
}

int task_run_background(struct task *task, int (*work)(void *data, struct error *err),
			void (*done)(void *data, const char *failure), void *data,
			struct error *err)
{
	const struct task_service *service = task->service;
	const int keep[] = { task->directory, service->lock ? *service->lock : -1 };

	return background_run(service->reaper, work, data, keep, sizeof(keep) / sizeof(*keep), done,
			      data, err);
}

/* ---- the process behind it ---- */

const char *task_process_id(const struct process *process)
{
	return process->exec_id ? process->exec_id : process->task->id;
}

bool task_is_alive(const struct process *process)
{
	return process->pid > 0 && !process->is_reaped;
}

void task_kill_unseen(struct process *process)
{
	if (process->pid > 0 && reaper_is_child(process->pid))
		(void)kill(process->pid, SIGKILL);
	process->pid = 0;
}

int task_adopt(struct process *process, const char *pid_file, struct error *err)
{
	if (engine_read_pid(process->task->files, pid_file, &process->pid, err) < 0)
		return -1;
	return stdio_attach(process->stdio, err);
}
