/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine has: for info, which tells it, and doctor, which judges it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

bool machine_has_seccomp(void);

/*
 * A child in a user namespace of its own, in which 0 is an unprivileged id: for
 * its /proc/PID/ns/user, a descriptor of which is returned. -1 with err.
 */
int machine_make_user_namespace(struct error *err);

/* The OCI runtime that containers are run by; the arena's. *ret_version: the first line. */
int machine_find_runtime(struct arena *arena, const char **ret_path, const char **ret_version,
			 struct error *err);

/* The first program of this name on PATH (and where daemons have theirs); NULL: none. */
const char *machine_find_program(const char *name, struct arena *arena);
