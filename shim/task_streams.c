/* SPDX-License-Identifier: Apache-2.0 */
/* A process's streams, and what the runtime is told of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/task_files.h"
#include "shim/task_verbs.h"

size_t task_add_new_process_args(const struct process *process, struct task_new_process_args *texts,
				 const char **args, size_t n)
{
	char name[TASK_PID_FILE_SIZE];
	const char *console = stdio_console_name(process->stdio);

	(void)snprintf(texts->pid_file, sizeof(texts->pid_file), ENGINE_PATH_DIRECTORY "/%s",
		       task_pid_file(process, name));
	args[n++] = "--pid-file";
	args[n++] = texts->pid_file;
	if (!console)
		return n;
	(void)snprintf(texts->console, sizeof(texts->console), ENGINE_PATH_DIRECTORY "/%s",
		       console);
	args[n++] = "--console-socket";
	args[n++] = texts->console;
	return n;
}

/* May come before stdio_new() has returned what it is about. */
static void streams_ready(void *data, const char *failure)
{
	struct process *process = data;

	if (process->stdio) {
		process->ready(process->ready_data, failure);
		return;
	}
	process->is_ready = true;
	free(process->ready_failure);
	process->ready_failure = failure ? strdup(failure) : NULL;
}

int task_make_stdio(struct process *process, void (*ready)(void *data, const char *failure),
		    void *data, struct error *err)
{
	const struct task *task = process->task;
	struct task_service *service = task->service;
	const struct stdio_config config = {
		.id = task_process_id(process),
		.namespace = service->namespace,
		.in = process->in,
		.out = process->out,
		.err = process->err,
		.terminal = process->terminal,
		.uid = task->options.io_uid,
		.gid = task->options.io_gid,
		.directory = task->files,
		.local = service->local_streams ? service->local_streams(service, process->exec_id)
						: NULL,
	};

	process->ready = ready;
	process->ready_data = data;
	process->is_ready = false;
	process->stdio =
		stdio_new(service->loop, service->reaper, &config, streams_ready, process, err);
	if (!process->stdio)
		return -1;
	if (process->is_input_closed)
		stdio_close_input(process->stdio);
	if (process->is_ready)
		ready(data, process->ready_failure);
	return 0;
}
