/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oom_score.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

int oom_score_set(int procfs, pid_t pid, const struct spec_process *process, struct error *err)
{
	char path[64], wanted[24], present[24];

	if (!process->oom_score_adj.set)
		return 0;
	(void)snprintf(path, sizeof(path), "%d/oom_score_adj", pid);
	(void)snprintf(wanted, sizeof(wanted), "%" PRId64, process->oom_score_adj.value);
	if (fd_read_short(procfs, path, present, sizeof(present)) > 0 && str_equal(present, wanted))
		return 0;
	if (path_write_procfs(procfs, path, wanted, err) == 0)
		return 0;
	error_wrap(err, "process.oomScoreAdj");
	if (err->code == EACCES || err->code == EPERM)
		return error_hint(err, "lowering it needs CAP_SYS_RESOURCE");
	return -1;
}
