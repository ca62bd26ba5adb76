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
