/* SPDX-License-Identifier: Apache-2.0 */
/* Picking the lines of a container's processes out of what ps(1) printed. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Adds the title line, and of the others those whose column "PID" is one of
 * the pids. Output without such a column, or with a line that has no number
 * there, is an error.
 */
int ps_table_add(struct str *s, const char *output, const pid_t *pids, size_t n_pids,
		 struct error *err);

/*
 * Runs the host's ps(1), the first of $PATH, with these options (ends with
 * NULL; none: -ef), and adds of what it prints the same. Blocks until it has
 * ended. ENOENT: there is no ps.
 */
int ps_table_run(struct str *s, char *const *options, const pid_t *pids, size_t n_pids,
		 struct error *err);
