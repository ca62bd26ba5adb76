/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/lifecycle.h"

#include <stdio.h>

static const char *const state_names[PROCESS_STATES] = {
	[PROCESS_CREATING] = "creating", [PROCESS_CREATED] = "created",
	[PROCESS_STARTING] = "starting", [PROCESS_RUNNING] = "running",
	[PROCESS_PAUSING] = "pausing",	 [PROCESS_PAUSED] = "paused",
	[PROCESS_RESUMING] = "resuming", [PROCESS_STOPPED] = "stopped",
	[PROCESS_DELETING] = "deleting",
};

#define IN(state) (1U << PROCESS_##state)
#define ALIVE	  (IN(CREATED) | IN(STARTING) | IN(RUNNING) | IN(PAUSING) | IN(PAUSED) | IN(RESUMING))

/* States that allow an operation, for init and for an exec; and how users call it. */
static const struct {
	unsigned int init, exec;
	const char *verb;
} operations[OPERATIONS] = {
	[OPERATION_START] = { IN(CREATED), IN(CREATED), "start" },
	[OPERATION_DELETE] = { IN(CREATED) | IN(STOPPED), IN(CREATED) | IN(STOPPED), "delete" },
	[OPERATION_PAUSE] = { IN(RUNNING), 0, "pause" },
	[OPERATION_RESUME] = { IN(PAUSED), 0, "resume" },
	[OPERATION_KILL] = { ALIVE, IN(RUNNING), "kill" },
	[OPERATION_EXEC] = { IN(CREATED) | IN(STARTING) | IN(RUNNING) | IN(RESUMING), 0,
			     "exec in" },
	[OPERATION_START_EXEC] = { IN(CREATED) | IN(STARTING) | IN(RUNNING) | IN(RESUMING), 0,
				   "exec in" },
	[OPERATION_UPDATE] = { ALIVE, 0, "update" },
	[OPERATION_CHECKPOINT] = { IN(RUNNING) | IN(PAUSED), 0, "checkpoint" },
	[OPERATION_RESIZE] = { ~0U, IN(CREATED) | IN(STARTING) | IN(RUNNING), "resize" },
};

const char *lifecycle_state_name(enum process_state state)
{
	return state_names[state];
}

static bool has_ended(enum process_state state)
{
	return state == PROCESS_STOPPED || state == PROCESS_DELETING;
}

enum ttrpc_code lifecycle_check(enum process_state state, bool is_exec, enum operation operation,
				char *ret_text, size_t size)
{
	unsigned int allowed = is_exec ? operations[operation].exec : operations[operation].init;

	if (allowed & 1U << state)
		return TTRPC_OK;
	/* Clients take these very words, and this code, for "it is dead already". */
	if (operation == OPERATION_KILL && has_ended(state)) {
		(void)snprintf(ret_text, size, "process already finished: not found");
		return TTRPC_NOT_FOUND;
	}
	if (operation == OPERATION_KILL) {
		(void)snprintf(ret_text, size, "process not created: failed precondition");
		return TTRPC_FAILED_PRECONDITION;
	}
	(void)snprintf(ret_text, size, "cannot %s a %s %s: failed precondition",
		       operations[operation].verb, state_names[state],
		       is_exec ? "process" : "container");
	return TTRPC_FAILED_PRECONDITION;
}
