/* SPDX-License-Identifier: Apache-2.0 */
/* Which operation is allowed in which state of a process: one table. */
#pragma once

#include <stdbool.h>

#include "proto/ttrpc_frame.h"

enum process_state {
	PROCESS_CREATING, /* the verb that makes it is in flight */
	PROCESS_CREATED,  /* made, or an exec that was added */
	PROCESS_STARTING,
	PROCESS_RUNNING,
	PROCESS_PAUSING,
	PROCESS_PAUSED,
	PROCESS_RESUMING,
	PROCESS_STOPPED,
	PROCESS_DELETING,
	PROCESS_STATES
};

enum operation {
	OPERATION_START,
	OPERATION_DELETE,
	OPERATION_PAUSE,
	OPERATION_RESUME,
	OPERATION_KILL,
	OPERATION_EXEC,	      /* add an exec to the container */
	OPERATION_START_EXEC, /* start one: of the container's state */
	OPERATION_UPDATE,
	OPERATION_CHECKPOINT,
	OPERATION_RESIZE,
	OPERATIONS
};

/* "created"; states on the way to another one have words such as "starting". */
const char *lifecycle_state_name(enum process_state state);

/*
 * TTRPC_OK when the operation is allowed, else the code to fail with and, in
 * ret_text (of `size` bytes), words for the user. is_exec: the state is that of
 * an exec, and not of a container's first process.
 */
enum ttrpc_code lifecycle_check(enum process_state state, bool is_exec, enum operation operation,
				char *ret_text, size_t size);
