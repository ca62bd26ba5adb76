/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of processes, told in the order that clients rely on: no exit before
 * its start, and that of a container's init after those of all its execs.
 */
#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/process.h"
#include "proto/events.pb-c.h"
#include "shim/task_delete.h"
#include "shim/timestamp.h"

static void publish_exit(struct process *process)
{
	Google__Protobuf__Timestamp when;
	Containerd__Events__TaskExit event = CONTAINERD__EVENTS__TASK_EXIT__INIT;

	timestamp_fill(&when, &process->exited_at);
	event.container_id = process->task->id;
	event.id = (char *)(uintptr_t)task_process_id(process);
	event.pid = (uint32_t)process->pid;
	event.exit_status = (uint32_t)process->exit_status;
	event.exited_at = &when;
	publisher_send(process->task->service->publisher, "/tasks/exit", &event.base);
}

static void tell_exit(struct process *process)
{
	process->exit_told = true;
	if (process->state != PROCESS_DELETING)
		process->state = PROCESS_STOPPED;
	publish_exit(process);
	task_answer_waits(process);
}

/* A start that is under way is answered, and told, first. */
static bool is_starting(const struct process *process)
{
	return process->state == PROCESS_STARTING || process->state == PROCESS_CREATING;
}

static void rest_killed(void *data, const char *failure, const char *output)
{
	struct task *task = data;

	if (failure)
		log_warning("%s: kill what init has left: %s", task->id, failure);
	task->rest = REST_KILLED;
	task_settle(task);
	task_verb_done(task);
}

/*
 * The kernel ends the processes of a pid namespace with its init. Where init
 * had no namespace of its own to end, its fellows are ended here.
 */
static void kill_rest(struct task *task)
{
	const char *const args[] = { "kill", "--all", task->id, "KILL", NULL };
	struct engine_verb verb = { .args = args, .done = rest_killed, .data = task };
	struct error err;

	if (task_run_verb(task, &verb, &err) == 0)
		return;
	log_warning("%s: kill what init has left: %s", task->id, err.text);
	task->rest = REST_KILLED;
}

static bool execs_are_over(const struct task *task)
{
	for (const struct process *exec = task->execs; exec; exec = exec->next)
		if (is_starting(exec) || (exec->pid > 0 && !exec->exit_told))
			return false;
	return true;
}

void task_settle(struct task *task)
{
	struct process *init = &task->init;

	for (struct process *exec = task->execs; exec; exec = exec->next)
		if (exec->is_reaped && !exec->exit_told && !is_starting(exec))
			tell_exit(exec);
	if (!init->is_reaped || init->exit_told || is_starting(init))
		return;
	if (task->rest == REST_LIVES) {
		task->rest = REST_BEING_KILLED;
		kill_rest(task);
	}
	if (task->rest == REST_BEING_KILLED || !execs_are_over(task))
		return;
	if (task->oom)
		oom_watch_check(task->oom);
	tell_exit(init);
	task_delete_go_on(task);
}

static void process_ended(struct reaper_child *child, int status, const struct timespec *when)
{
	struct process *process = loop_owner(child, struct process, child);

	process->is_reaped = true;
	process->exit_status = process_exit_code(status);
	process->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	process->exited_at = *when;
	stdio_process_ended(process->stdio);
	task_settle(process->task);
}

void task_watch(struct process *process)
{
	process->child.ended = process_ended;
	reaper_watch(process->task->service->reaper, &process->child, process->pid);
}
