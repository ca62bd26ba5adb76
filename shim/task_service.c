/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/task_service.h"

#include <signal.h>
#include <unistd.h>

#include "proto/task_v3.pb-c.h"
#include "proto/ttrpc_server.h"
#include "shim/task_delete.h"
#include "shim/task_verbs.h"

typedef Containerd__Task__V2__Task_Service service_type;

/* Both names have the same methods, in the same order, with the same messages. */
static struct {
	service_type service;
	struct task_service *tasks;
} entries[2];

static struct task_service *tasks_of(service_type *service)
{
	return service == &entries[0].service ? entries[0].tasks : entries[1].tasks;
}

/* Generated handlers differ in the type of the answer only. */
#define CALL ((struct task_call){ (ProtobufCClosure)closure, closure_data })

/* The init of a task; NULL: answered. */
static struct task *find_task(service_type *service, const char *id, struct task_call call)
{
	struct process *init = task_find_process(tasks_of(service), id, "", call);

	return init ? init->task : NULL;
}

static struct task *find_for(service_type *service, const char *id, enum operation operation,
			     struct task_call call)
{
	struct task *task = find_task(service, id, call);

	return task && task_allows(&task->init, operation, call) ? task : NULL;
}

/* ---- a container's life ---- */

static void handle_create(service_type *service,
			  const Containerd__Task__V2__CreateTaskRequest *input,
			  Containerd__Task__V2__CreateTaskResponse_Closure closure,
			  void *closure_data)
{
	tasks_of(service)->n_creates++;
	task_create(tasks_of(service), input, CALL);
}

static void handle_start(service_type *service, const Containerd__Task__V2__StartRequest *input,
			 Containerd__Task__V2__StartResponse_Closure closure, void *closure_data)
{
	struct process *process =
		task_find_process(tasks_of(service), input->id, input->exec_id, CALL);

	if (!process || !task_allows(process, OPERATION_START, CALL))
		return;
	if (!process->exec_id)
		task_start(process, CALL);
	else if (process->task->init.is_reaped)
		ttrpc_fail(closure_data, TTRPC_FAILED_PRECONDITION,
			   "container %s init process is not running: failed precondition",
			   process->task->id);
	else if (task_allows(&process->task->init, OPERATION_START_EXEC, CALL))
		task_start_exec(process, CALL);
}

/* A create that is under way is waited for. */
static bool delete_creating(struct task_service *tasks, const char *id, struct task_call call)
{
	struct task *task = task_find(tasks, id);
	struct error err;

	if (!task || task->init.state != PROCESS_CREATING)
		return false;
	if (task_add_delete(&task->init, call, &err) < 0)
		task_fail(call, TTRPC_INTERNAL, &err);
	return true;
}

static void handle_delete(service_type *service, const Containerd__Task__V2__DeleteRequest *input,
			  Containerd__Task__V2__DeleteResponse_Closure closure, void *closure_data)
{
	struct process *process;
	struct error err;

	if (!*input->exec_id && delete_creating(tasks_of(service), input->id, CALL))
		return;
	process = task_find_process(tasks_of(service), input->id, input->exec_id, CALL);
	/* One that asks again while it is being deleted gets the same answer. */
	if (!process ||
	    (process->state != PROCESS_DELETING && !task_allows(process, OPERATION_DELETE, CALL)))
		return;
	if (task_add_delete(process, CALL, &err) < 0)
		task_fail(CALL, TTRPC_INTERNAL, &err);
	else if (process->state != PROCESS_DELETING)
		task_delete_begin(process);
}

static void handle_exec(service_type *service,
			const Containerd__Task__V2__ExecProcessRequest *input,
			Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct task *task = find_for(service, input->id, OPERATION_EXEC, CALL);

	if (task)
		task_exec(task, input, CALL);
}

/* ---- control ---- */

static void handle_kill(service_type *service, const Containerd__Task__V2__KillRequest *input,
			Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct process *process =
		task_find_process(tasks_of(service), input->id, input->exec_id, CALL);

	if (!process)
		return;
	if (input->all && !process->exec_id && process->exit_told) {
		task_kill_rest(process, CALL);
		return;
	}
	if (!task_allows(process, OPERATION_KILL, CALL))
		return;
	if (input->signal >= NSIG)
		ttrpc_fail(closure_data, TTRPC_INVALID_ARGUMENT, "there is no signal %u (1 to %d)",
			   input->signal, NSIG - 1);
	else
		task_kill(process, (int)input->signal, input->all, CALL);
}

static void handle_pause(service_type *service, const Containerd__Task__V2__PauseRequest *input,
			 Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct task *task = find_for(service, input->id, OPERATION_PAUSE, CALL);

	if (task)
		task_pause(task, CALL);
}

static void handle_resume(service_type *service, const Containerd__Task__V2__ResumeRequest *input,
			  Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct task *task = find_for(service, input->id, OPERATION_RESUME, CALL);

	if (task)
		task_resume(task, CALL);
}

static void handle_checkpoint(service_type *service,
			      const Containerd__Task__V2__CheckpointTaskRequest *input,
			      Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct task *task = find_for(service, input->id, OPERATION_CHECKPOINT, CALL);

	if (task)
		task_checkpoint(task, input, CALL);
}

static void handle_update(service_type *service,
			  const Containerd__Task__V2__UpdateTaskRequest *input,
			  Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct task *task = find_for(service, input->id, OPERATION_UPDATE, CALL);

	if (task)
		task_update(task, input->resources, CALL);
}

/* ---- streams ---- */

static void handle_resize_pty(service_type *service,
			      const Containerd__Task__V2__ResizePtyRequest *input,
			      Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct process *process =
		task_find_process(tasks_of(service), input->id, input->exec_id, CALL);
	struct error err;

	if (!process || !task_allows(process, OPERATION_RESIZE, CALL))
		return;
	/* An exec's terminal is made by its start: no client knows of it before. */
	if (process->stdio && stdio_resize(process->stdio, input->width, input->height, &err) < 0)
		task_fail(CALL, TTRPC_UNKNOWN, &err);
	else
		task_reply_empty(CALL);
}

static void handle_close_io(service_type *service,
			    const Containerd__Task__V2__CloseIORequest *input,
			    Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct process *process =
		task_find_process(tasks_of(service), input->id, input->exec_id, CALL);

	if (!process)
		return;
	if (input->stdin) {
		process->is_input_closed = true;
		if (process->stdio)
			stdio_close_input(process->stdio);
	}
	task_reply_empty(CALL);
}

/* ---- questions ---- */

static void handle_state(service_type *service, const Containerd__Task__V2__StateRequest *input,
			 Containerd__Task__V2__StateResponse_Closure closure, void *closure_data)
{
	const struct process *process =
		task_find_process(tasks_of(service), input->id, input->exec_id, CALL);

	if (process)
		task_state(process, CALL);
}

static void handle_pids(service_type *service, const Containerd__Task__V2__PidsRequest *input,
			Containerd__Task__V2__PidsResponse_Closure closure, void *closure_data)
{
	const struct task *task = find_task(service, input->id, CALL);

	if (task)
		task_pids(task, CALL);
}

static void handle_stats(service_type *service, const Containerd__Task__V2__StatsRequest *input,
			 Containerd__Task__V2__StatsResponse_Closure closure, void *closure_data)
{
	const struct task *task = find_task(service, input->id, CALL);

	if (task)
		task_stats(task, CALL);
}

static void handle_wait(service_type *service, const Containerd__Task__V2__WaitRequest *input,
			Containerd__Task__V2__WaitResponse_Closure closure, void *closure_data)
{
	struct process *process =
		task_find_process(tasks_of(service), input->id, input->exec_id, CALL);
	struct error err;

	if (!process)
		return;
	if (task_add_wait(process, CALL, &err) < 0)
		task_fail(CALL, TTRPC_INTERNAL, &err);
	else if (process->exit_told)
		task_answer_waits(process);
}

/* Never an error: it is how containerd finds out that we live. */
static void handle_connect(service_type *service, const Containerd__Task__V2__ConnectRequest *input,
			   Containerd__Task__V2__ConnectResponse_Closure closure,
			   void *closure_data)
{
	const struct task *task = task_find(tasks_of(service), input->id);
	Containerd__Task__V2__ConnectResponse response =
		CONTAINERD__TASK__V2__CONNECT_RESPONSE__INIT;

	response.shim_pid = (uint32_t)getpid();
	response.task_pid = task ? (uint32_t)task->init.pid : 0;
	closure(&response, closure_data);
}

static void handle_shutdown(service_type *service,
			    const Containerd__Task__V2__ShutdownRequest *input,
			    Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct task_service *tasks = tasks_of(service);

	task_reply_empty(CALL);
	/* Other containers of the group go on. */
	if (!tasks->tasks)
		tasks->shutdown(tasks);
}

/* ---- the tables ---- */

ProtobufCService *const *task_service_list(struct task_service *tasks)
{
	static ProtobufCService *const list[] = { &entries[0].service.base,
						  &entries[1].service.base, NULL };

	entries[0].service = (service_type)CONTAINERD__TASK__V2__TASK__INIT(handle_);
	entries[1].service = entries[0].service;
	entries[1].service.base.descriptor = &containerd__task__v3__task__descriptor;
	entries[0].tasks = entries[1].tasks = tasks;
	return list;
}
