/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers ("tasks") of a supervisor and their processes: what is known
 * of them, and the calls that wait for them. The verbs are in task_create.c,
 * task_start.c and so on; which of them is allowed when, in lifecycle.h.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proto/task.pb-c.h"
#include "runtime/cgroup.h"
#include "shim/engine.h"
#include "shim/lifecycle.h"
#include "shim/oom.h"
#include "shim/publisher.h"
#include "shim/reaper.h"
#include "shim/runtime_options.h"
#include "shim/stdio.h"

struct task;

/* What a handler needs to answer, now or later: see proto/ttrpc_server.h. */
struct task_call {
	ProtobufCClosure closure;
	void *data;
};

/* A Wait or Delete call that has no answer yet. */
struct task_waiter {
	struct task_waiter *next;
	struct process *process;
	struct task_call call;
};

/* The first process of a container ("init"), or an exec. */
struct process {
	struct task *task;
	struct process *next; /* of the task's execs */
	char *exec_id;	      /* NULL: init */
	char *in, *out, *err; /* as in the request, never NULL: clients attach by these again */
	bool terminal;
	char *spec; /* of an exec: JSON, until it is started */

	enum process_state state;
	pid_t pid; /* stays after the end; 0 before the process was made */
	struct reaper_child child;
	struct stdio *stdio;
	/* While stdio is being made: who wants to know, and what came too early. */
	void (*ready)(void *data, const char *failure);
	void *ready_data;
	bool is_ready;
	bool is_input_closed; /* by CloseIO, maybe before stdio was made */
	char *ready_failure;

	bool is_reaped;	 /* exit_status and exited_at are set */
	bool exit_told;	 /* its waiters and containerd know */
	int exit_status; /* 0 to 255, as a shell's $? */
	int signal;	 /* that has ended it; 0: none */
	struct timespec exited_at;

	struct task_waiter *waits, *deletes;
};

/*
 * What init leaves behind: the kernel ends the processes of a pid namespace with
 * its init; where init had none of its own to end, its fellows are killed by us.
 */
enum task_rest { REST_NONE, REST_LIVES, REST_BEING_KILLED, REST_KILLED };

/* How far the deletion of a task has come (task_delete.c). */
enum task_deletion {
	DELETION_NONE,
	DELETION_WANTED,
	DELETION_DRAINING,
	DELETION_IN_RUNTIME,
	DELETION_STATE_IS_GONE,
	DELETION_UNMOUNTING,
};

struct task {
	struct task_service *service;
	struct task *next;
	char *id, *bundle;
	int directory;	    /* the bundle, opened and locked (bundle_lock.h) */
	int files;	    /* where pid files and consoles' sockets lie; borrowed */
	struct arena arena; /* holds the options and the cgroup */
	struct runtime_options options;
	struct cgroup cgroup;	  /* of init, once that was made */
	struct cgroup own_cgroup; /* ours, once it was looked for */
	bool has_cgroup;
	bool has_mounts; /* Create mounted something at rootfs */
	enum task_rest rest;
	enum task_deletion deletion;
	unsigned int verbs; /* of the runtime that are in flight and know the task */
	char *checkpoint;   /* the folder that Start restores from, or NULL */
	struct oom_watch *oom;
	struct process init;
	struct process *execs;
};

struct task_service {
	struct loop *loop;
	struct reaper *reaper;
	struct engine *engine;
	struct publisher *publisher;
	const char *namespace;
	/*
	 * NULL: bundles are locked (bundle_lock.h). Else the program that we are
	 * part of has a lock of its own, which our children keep as long as they
	 * mount or unmount.
	 */
	const int *lock;
	/*
	 * NULL: pid files and consoles' sockets lie in the bundle. Else in this
	 * folder, since the bundle's disk may be full.
	 */
	const int *files;
	/*
	 * Roots are mounted and unmounted by this process itself, whose loop stands
	 * still meanwhile, and not by children of it: for who has one container, of
	 * which nothing has to be written to a disk then. What is busy is left to a
	 * child all the same.
	 */
	bool mounts_itself;
	/*
	 * The runtime's state of a container that has ended is removed by this
	 * process itself where that takes no waiting, and not by a child of it: for
	 * who has one container.
	 */
	bool deletes_itself;
	/*
	 * Who takes the streams of a process within this program (exec_id NULL:
	 * of init). NULL, also as an answer: they go where the request says.
	 */
	const struct stdio_local *(*local_streams)(struct task_service *service,
						   const char *exec_id);
	struct task *tasks;
	size_t n_creates;	/* Create requests so far */
	struct loop_timer rest; /* set by task_rest() */
	/* The server's: a client asks for the end, and there are no tasks; the last task has gone.
	 */
	void (*shutdown)(struct task_service *service);
	void (*emptied)(struct task_service *service);
};

/* ---- finding ---- */

/* NULL where there is none; one that is just being created counts. */
struct task *task_find(const struct task_service *service, const char *id);

/*
 * What a request is about: the init or the exec of a task that was created.
 * NULL: the call was answered with NOT_FOUND.
 */
struct process *task_find_process(const struct task_service *service, const char *id,
				  const char *exec_id, struct task_call call);
struct process *task_find_exec(const struct task *task, const char *exec_id);

/* ---- making and ending ---- */

/* A new task in state PROCESS_CREATING, in the service's list. NULL with err. */
struct task *task_new(struct task_service *service, const char *id, const char *bundle,
		      struct error *err);
/* Takes it off the list and frees it with its execs; answers who still waits for one of them. */
void task_free(struct task *task);

/* A new exec of the task, in state PROCESS_CREATED. NULL with err. */
struct process *task_new_exec(struct task *task, const char *exec_id, struct error *err);
/* Answers who still waits for it, and frees it. */
void task_free_exec(struct process *exec);

/* Keeps the streams' names. */
int task_set_streams(struct process *process, const char *in, const char *out, const char *err_name,
		     bool terminal, struct error *err);

/* ---- waiting ---- */

int task_add_wait(struct process *process, struct task_call call, struct error *err);
/* Answers all Wait calls with how the process ended (not at all: status 0, no time). */
void task_answer_waits(struct process *process);

int task_add_delete(struct process *process, struct task_call call, struct error *err);
/* Answers all Delete calls with the same, or with the failure. */
void task_answer_deletes(struct process *process);
void task_fail_deletes(struct process *process, enum ttrpc_code code, const char *text);

/* Answers that need no more than this. */
void task_reply_empty(struct task_call call);
void task_fail(struct task_call call, enum ttrpc_code code, const struct error *err);

/* True when the operation is allowed; else the call was answered. */
bool task_allows(const struct process *process, enum operation operation, struct task_call call);

/* ---- verbs ---- */

/*
 * Runs a verb about the task, whose directory the verb finds; a deletion waits
 * until `done` has called task_verb_done(), its last act.
 */
int task_run_verb(struct task *task, struct engine_verb *verb, struct error *err);
void task_verb_done(struct task *task);

/* A process was started: usually there is nothing to do now, for long (memory.h). */
void task_rest(struct task_service *service);

/* background_run() for a task, whose bundle's lock the child keeps; `data` is for both. */
int task_run_background(struct task *task, int (*work)(void *data, struct error *err),
			void (*done)(void *data, const char *failure), void *data,
			struct error *err);

/* ---- the process behind it ---- */

/* The id that events and replies give the process. */
const char *task_process_id(const struct process *process);

/* True while a process that was made has not been reaped. */
bool task_is_alive(const struct process *process);

/*
 * Takes over what a verb of the runtime has made: reads its pid from the file
 * of that name and starts to copy its streams.
 */
int task_adopt(struct process *process, const char *pid_file, struct error *err);

/* What a verb has made, but we cannot use: it is killed, and nobody will ever see it. */
void task_kill_unseen(struct process *process);

/*
 * Watches for the end of the adopted process, which may be now: the last step
 * of a verb. The exit is told when nothing has to come before it: not before
 * its start was told, and that of init not before those of all execs.
 */
void task_watch(struct process *process);

/* Tells what was held back, after a step that it had to wait for. */
void task_settle(struct task *task);
