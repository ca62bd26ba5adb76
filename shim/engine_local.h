/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs of our own runtime that enter no container and make no process of one:
 * a forked child of ours calls the function that rustbox-runtime calls for
 * them, which takes a fraction of what executing the program does.
 */
#pragma once

#include "shim/engine.h"

bool engine_local_knows(const struct engine_verb *verb);

/*
 * Starts the child: a process group of its own that dies with the caller, with
 * /dev/null as descriptors 0 to 2, and the verb's folder open. It writes its log, in JSON, to
 * the file `log` (borrowed), and the reason of a failure is the last error
 * there. root: as of `rustbox-runtime --root`. The pid, or -1 with err.
 */
pid_t engine_local_start(const struct engine_verb *verb, const char *root, int log,
			 struct error *err);
