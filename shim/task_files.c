/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/task_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int task_check_id(const char *what, const char *id, struct error *err)
{
	enum { LONGEST = 200 };

	if (!*id)
		return error_set(err, EINVAL, "the %s is empty", what);
	if (strlen(id) > LONGEST)
		return error_set(err, EINVAL, "the %s '%.32s…' is longer than %d bytes", what, id,
				 LONGEST);
	if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
		return error_set(err, EINVAL, "the %s '%s' is not a name", what, id);
	for (const char *p = id; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '/' || *p == 0x7f)
			return error_set(err, EINVAL,
					 "the %s '%s' has a character that file names may not have",
					 what, id);
	return 0;
}

/* An exec may be called "init". */
const char *task_pid_file(const struct process *process, char name[TASK_PID_FILE_SIZE])
{
	(void)snprintf(name, TASK_PID_FILE_SIZE, process->exec_id ? "exec-%s.pid" : "init.pid",
		       process->exec_id);
	return name;
}
