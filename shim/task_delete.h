/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of tasks and execs: output drained, the runtime's state deleted, the
 * root file system unmounted, everybody told.
 */
#pragma once

#include "shim/task.h"

/*
 * Deletes the process (init: the whole task), whose state allows it, and
 * answers all Delete calls that were added to it.
 */
void task_delete_begin(struct process *process);

/* Takes the next step of a deletion that waited for a verb, or for the end of init. */
void task_delete_go_on(struct task *task);
