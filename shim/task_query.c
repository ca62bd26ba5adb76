/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about a task, which are answered at once. */
#include <stdlib.h>

#include "proto/options.pb-c.h"
#include "proto/ttrpc_server.h"
#include "shim/metrics.h"
#include "shim/task_verbs.h"
#include "shim/timestamp.h"

/* ---- State ---- */

static Containerd__Task__V2__Status status_of(enum process_state state)
{
	static const Containerd__Task__V2__Status words[PROCESS_STATES] = {
		[PROCESS_CREATED] = CONTAINERD__TASK__V2__STATUS__CREATED,
		[PROCESS_STARTING] = CONTAINERD__TASK__V2__STATUS__CREATED,
		[PROCESS_RUNNING] = CONTAINERD__TASK__V2__STATUS__RUNNING,
		[PROCESS_PAUSING] = CONTAINERD__TASK__V2__STATUS__PAUSING,
		[PROCESS_PAUSED] = CONTAINERD__TASK__V2__STATUS__PAUSED,
		[PROCESS_RESUMING] = CONTAINERD__TASK__V2__STATUS__PAUSED,
		[PROCESS_STOPPED] = CONTAINERD__TASK__V2__STATUS__STOPPED,
		[PROCESS_DELETING] = CONTAINERD__TASK__V2__STATUS__STOPPED,
	};

	return words[state];
}

/* An exec that runs is paused with its container. */
static enum process_state shown_state(const struct process *process)
{
	enum process_state container = process->task->init.state;

	if (process->state != PROCESS_RUNNING)
		return process->state;
	if (container == PROCESS_PAUSED || container == PROCESS_PAUSING)
		return container;
	return PROCESS_RUNNING;
}

void task_state(const struct process *process, struct task_call call)
{
	Google__Protobuf__Timestamp when;
	Containerd__Task__V2__StateResponse response = CONTAINERD__TASK__V2__STATE_RESPONSE__INIT;

	timestamp_fill(&when, process->exit_told ? &process->exited_at : NULL);
	response.id = (char *)(uintptr_t)task_process_id(process);
	if (process->exec_id)
		response.exec_id = process->exec_id;
	response.bundle = process->task->bundle;
	response.pid = (uint32_t)process->pid;
	response.status = status_of(shown_state(process));
	response.stdin = process->in;
	response.stdout = process->out;
	response.stderr = process->err;
	response.terminal = process->terminal;
	response.exit_status = process->exit_told ? (uint32_t)process->exit_status : 0;
	response.exited_at = &when;
	call.closure(&response.base, call.data);
}

/* ---- Pids ---- */

/* What Pids says of one process; `any` and `details` are filled only for our execs. */
struct pid_row {
	Containerd__Task__V2__ProcessInfo info;
	Google__Protobuf__Any any;
	uint8_t *details;
};

static const struct process *find_exec_of(const struct task *task, pid_t pid)
{
	for (const struct process *exec = task->execs; exec; exec = exec->next)
		if (exec->pid == pid && task_is_alive(exec))
			return exec;
	return NULL;
}

static int fill_row(struct pid_row *row, const struct task *task, pid_t pid, struct arena *arena,
		    struct error *err)
{
	const struct process *exec = find_exec_of(task, pid);
	Containerd__Runc__V1__ProcessDetails details = CONTAINERD__RUNC__V1__PROCESS_DETAILS__INIT;

	containerd__task__v2__process_info__init(&row->info);
	row->info.pid = (uint32_t)pid;
	if (!exec)
		return 0;
	details.exec_id = exec->exec_id;
	row->details = arena_alloc(
		arena, containerd__runc__v1__process_details__get_packed_size(&details), err);
	if (!row->details)
		return -1;
	google__protobuf__any__init(&row->any);
	row->any.type_url =
		(char *)(uintptr_t)containerd__runc__v1__process_details__descriptor.name;
	row->any.value.len = containerd__runc__v1__process_details__pack(&details, row->details);
	row->any.value.data = row->details;
	row->info.info = &row->any;
	return 0;
}

static int fill_pids(Containerd__Task__V2__PidsResponse *response, const struct task *task,
		     struct arena *arena, struct error *err)
{
	cleanup_free pid_t *pids = NULL;
	struct pid_row *rows;
	size_t count;

	if (!task->has_cgroup || task->init.exit_told)
		return 0;
	if (cgroup_processes(&task->cgroup, &pids, &count, err) < 0)
		return -1;
	rows = arena_array(arena, count, sizeof(*rows), err);
	response->processes = arena_array(arena, count, sizeof(*response->processes), err);
	if (!rows || !response->processes)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (fill_row(&rows[i], task, pids[i], arena, err) < 0)
			return -1;
		response->processes[i] = &rows[i].info;
	}
	response->n_processes = count;
	return 0;
}

void task_pids(const struct task *task, struct task_call call)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	Containerd__Task__V2__PidsResponse response = CONTAINERD__TASK__V2__PIDS_RESPONSE__INIT;
	struct error err;

	if (fill_pids(&response, task, &arena, &err) < 0)
		task_fail(call, TTRPC_UNKNOWN, &err);
	else
		call.closure(&response.base, call.data);
}

/* ---- Stats ---- */

void task_stats(const struct task *task, struct task_call call)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	Google__Protobuf__Any stats = GOOGLE__PROTOBUF__ANY__INIT;
	Containerd__Task__V2__StatsResponse response = CONTAINERD__TASK__V2__STATS_RESPONSE__INIT;
	struct error err = { .code = ENOENT, .text = "cgroup does not exist: not found" };

	if (!task->has_cgroup || metrics_read(&task->cgroup, &arena, &stats, &err) < 0) {
		task_fail(call, err.code == ENOENT ? TTRPC_NOT_FOUND : TTRPC_UNKNOWN, &err);
		return;
	}
	response.stats = &stats;
	call.closure(&response.base, call.data);
}
