/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of the global options. */
#pragma once

#include "cmd/rustbox-runtime/command.h"

/* Opens the log that the options ask for. */
int globals_open_log(const struct global_options *options, struct error *err);

/*
 * Fills *ret from the options and the environment; memory from the arena.
 * The default root is /run/rustbox-runtime for root, and otherwise
 * $XDG_RUNTIME_DIR/rustbox-runtime, which is made.
 */
int globals_engine(const struct global_options *options, const struct command *command,
		   struct container_engine *ret, struct arena *arena, struct error *err);
