/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor keeps in a bundle, and which ids may be part of a file's name. */
#pragma once

#include <limits.h>

#include "shim/task.h"

enum { TASK_PID_FILE_SIZE = NAME_MAX + 1 };

/*
 * Checks an id that will be part of file names: not empty, at most 200 bytes,
 * no "/" and no control character, not "." or "..". `what` is what the message calls it.
 */
int task_check_id(const char *what, const char *id, struct error *err);

/* The name, in the bundle, of the file with the process's pid: `name`, filled. */
const char *task_pid_file(const struct process *process, char name[TASK_PID_FILE_SIZE]);
