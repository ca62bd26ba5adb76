/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/task_delete.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "proto/events.pb-c.h"
#include "shim/rootfs_mount.h"
#include "shim/task_files.h"
#include "shim/timestamp.h"

/* A grandchild may keep the pipes open for ever. */
static const int drain_ms = 10000;

/* ---- execs ---- */

static void exec_drained(void *data)
{
	struct process *exec = data;
	char name[TASK_PID_FILE_SIZE];

	(void)unlinkat(exec->task->files, task_pid_file(exec, name), 0);
	task_answer_deletes(exec);
	task_free_exec(exec);
}

/* ---- init, and with it the task ---- */

static void finish(struct task *task)
{
	Google__Protobuf__Timestamp when;
	Containerd__Events__TaskDelete event = CONTAINERD__EVENTS__TASK_DELETE__INIT;

	timestamp_fill(&when, task->init.is_reaped ? &task->init.exited_at : NULL);
	event.container_id = task->id;
	event.id = task->id;
	event.pid = (uint32_t)task->init.pid;
	event.exit_status = (uint32_t)task->init.exit_status;
	event.exited_at = &when;
	publisher_send(task->service->publisher, "/tasks/delete", &event.base);
	task_answer_deletes(&task->init);
	task_free(task);
}

static void unmounted(void *data, const char *failure)
{
	struct task *task = data;

	/* Not fatal: whoever removes the bundle tries again, and says so. */
	if (failure)
		log_warning("%s: unmount the root file system: %s", task->id, failure);
	finish(task);
}

static int unmount(void *data, struct error *err)
{
	const struct task *task = data;
	cleanup_free char *rootfs = str_format(err, "%s/rootfs", task->bundle);

	return rootfs ? rootfs_unmount(rootfs, err) : -1;
}

static bool unmount_at_once(const struct task *task)
{
	struct error ignored;
	cleanup_free char *rootfs = str_format(&ignored, "%s/rootfs", task->bundle);

	return rootfs && rootfs_unmount_at_once(rootfs);
}

static void init_drained(void *data)
{
	struct task *task = data;
	struct error err;

	if (!task->has_mounts || (task->service->mounts_itself && unmount_at_once(task))) {
		finish(task);
		return;
	}
	if (task_run_background(task, unmount, unmounted, task, &err) < 0)
		unmounted(task, err.text);
}

static void fail(struct task *task, const char *text)
{
	task->deletion = DELETION_NONE;
	task->init.state = task->init.exit_told ? PROCESS_STOPPED : PROCESS_CREATED;
	task_fail_deletes(&task->init, TTRPC_UNKNOWN, text);
}

/* What the runtimes say of a container that they have forgotten already. */
static bool is_forgotten(const char *failure)
{
	return strstr(failure, "does not exist") != NULL;
}

static void state_deleted(void *data, const char *failure, const char *output)
{
	struct task *task = data;

	if (failure && !is_forgotten(failure))
		fail(task, failure);
	else
		task->deletion = DELETION_STATE_IS_GONE;
	task_verb_done(task);
}

static void delete_state(struct task *task)
{
	const char *const args[] = { "delete", "--force", task->id, NULL };
	struct engine_verb verb = { .args = args, .done = state_deleted, .data = task };
	struct error err;

	if (task->service->deletes_itself && !task_is_alive(&task->init) &&
	    engine_delete_at_once(&task->options, task->service->namespace, task->id)) {
		task->deletion = DELETION_STATE_IS_GONE;
		task_delete_go_on(task);
		return;
	}
	task->deletion = DELETION_IN_RUNTIME;
	if (task_run_verb(task, &verb, &err) < 0)
		fail(task, err.text);
}

static void output_is_out(void *data)
{
	delete_state(data);
}

/*
 * A task that has ended: its output, the runtime's state, the mounts. One that
 * was never started is killed by the runtime, and its end is told first.
 */
void task_delete_go_on(struct task *task)
{
	if (task->verbs > 0)
		return;
	switch (task->deletion) {
	case DELETION_WANTED:
		task->deletion = DELETION_DRAINING;
		if (task_is_alive(&task->init) || !task->init.stdio)
			delete_state(task);
		else
			stdio_when_drained(task->init.stdio, drain_ms, output_is_out, task);
		break;
	case DELETION_STATE_IS_GONE:
		if (task->init.pid > 0 && !task->init.exit_told)
			break; /* the reaper is going to tell */
		task->deletion = DELETION_UNMOUNTING;
		init_drained(task);
		break;
	default:
		break;
	}
}

void task_delete_begin(struct process *process)
{
	process->state = PROCESS_DELETING;
	if (!process->exec_id) {
		process->task->deletion = DELETION_WANTED;
		task_delete_go_on(process->task);
	} else if (process->stdio) {
		stdio_when_drained(process->stdio, drain_ms, exec_drained, process);
	} else {
		exec_drained(process);
	}
}
