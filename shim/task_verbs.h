/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the task service's methods do. Each call is answered exactly once, now
 * or later; requests live until then.
 */
#pragma once

#include "shim/task.h"

void task_create(struct task_service *service,
		 const Containerd__Task__V2__CreateTaskRequest *request, struct task_call call);

/* process in state PROCESS_CREATED. */
void task_start(struct process *process, struct task_call call);

void task_exec(struct task *task, const Containerd__Task__V2__ExecProcessRequest *request,
	       struct task_call call);
void task_start_exec(struct process *exec, struct task_call call);

/* signal: 0 to 64; the state allows it. */
void task_kill(struct process *process, int signal, bool all, struct task_call call);
/* Kill of all, when init's end was told already. */
void task_kill_rest(const struct process *init, struct task_call call);
void task_pause(struct task *task, struct task_call call);
void task_resume(struct task *task, struct task_call call);
void task_update(struct task *task, const Google__Protobuf__Any *resources, struct task_call call);
void task_checkpoint(struct task *task, const Containerd__Task__V2__CheckpointTaskRequest *request,
		     struct task_call call);

/* Answered at once. */
void task_state(const struct process *process, struct task_call call);
void task_pids(const struct task *task, struct task_call call);
void task_stats(const struct task *task, struct task_call call);

/* Arguments that create, exec and restore share: the pid file and the console's socket. */
enum { TASK_NEW_PROCESS_ARGS = 4 };
struct task_new_process_args {
	char pid_file[320], console[320];
};
/* Appends to args (which has room for TASK_NEW_PROCESS_ARGS) at n; how many there are then. */
size_t task_add_new_process_args(const struct process *process, struct task_new_process_args *texts,
				 const char **args, size_t n);

/*
 * Makes process->stdio and calls `ready` (see stdio_new()) once that is set: from
 * the loop, or from within this call. -1 with err: it is not called.
 */
int task_make_stdio(struct process *process, void (*ready)(void *data, const char *failure),
		    void *data, struct error *err);

/* While the runtime makes it: what the next looks up otherwise, when everybody waits for it. */
void task_prepare_cgroup(struct task *task);

/* Once init's pid is known: its cgroup, and the watch for OOM kills there. */
void task_find_cgroup(struct task *task);
