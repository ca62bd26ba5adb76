/* SPDX-License-Identifier: Apache-2.0 */
/* process.oomScoreAdj, written from the host's side (proc_pid_oom_score_adj(5)). */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "oci/spec.h"

/* Writes it where it is set and differs from what the process has already. */
int oom_score_set(int procfs, pid_t pid, const struct spec_process *process, struct error *err);
