/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.rlimits (getrlimit(2)), in two steps: what needs CAP_SYS_RESOURCE
 * while we have it, and the rest at the very end, because a limit of three
 * open files or a few pages of memory would hit ourselves before the payload.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* Raises the hard limits that must go up; soft ones stay as they are. */
int rlimit_raise(const struct spec_process *process, struct error *err);

/* Sets every limit as configured. Needs no privilege after rlimit_raise(). */
int rlimit_apply(const struct spec_process *process, struct error *err);

/* "RLIMIT_NOFILE" to its number, -1 when unknown. */
int rlimit_from_name(const char *name);
