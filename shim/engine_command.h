/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of a verb: which runtime, with what arguments and environment. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"
#include "shim/engine.h"

/* The caller's runtime: beside this program's file, or else on PATH. Malloc'd, NULL with err. */
char *engine_command_find_own(struct error *err);

/*
 * Our own runtime executes itself again for a verb that makes a process, unless
 * it was executed from a protected file. -1: it has to.
 */
int engine_command_open(const char *own_runtime);

/* For --root: where the runtime's state lies; the folder is made. The arena's, NULL with err. */
const char *engine_command_root(const struct runtime_options *options, const char *namespace,
				struct arena *arena, struct error *err);

struct engine_command {
	const char *path;
	const char *root; /* for --root */
	char *const *args;
	char *const *env;
	bool is_own; /* the runtime of this project */
	int program; /* to execute instead of the path (protected_program.h); -1. The caller's */
};

/*
 * own_runtime: used unless the options name another one. opened: NULL, or that one
 * as an opened program, which is taken if it is used; or -1. Makes the folder for
 * the runtime's state. The memory is the arena's; the verb's arguments and our
 * environment are borrowed.
 */
int engine_command_make(const char *own_runtime, int *opened, const char *namespace,
			const struct engine_verb *verb, struct arena *arena,
			struct engine_command *ret, struct error *err);
