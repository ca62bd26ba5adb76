/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks (runtime-spec config.md, "POSIX-platform Hooks"): programs of the
 * host that get the container's state on standard input.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"
#include "oci/state.h"

/* Files that get what hooks write, appended; -1: it is kept for the message of a failing one. */
struct hook_output {
	int out, err;
};
#define HOOK_OUTPUT_NONE                                                                           \
	{                                                                                          \
		-1, -1                                                                             \
	}

/* Opens the files that the annotations name, made with mode 0600. */
int hook_output_open(const struct spec *spec, struct hook_output *ret, struct error *err);
void hook_output_done(struct hook_output *output);
#define cleanup_hook_output __attribute__((cleanup(hook_output_done)))

/*
 * The words before the index are those that documentation of hooks, and
 * people's searches, know.
 *
 * Runs them one after another until one fails: its kind, index, path, how it
 * ended, after how long, and the end of what it wrote are in the message.
 * Blocks until they end or their time-outs pass.
 */
int hook_run(const char *kind, const struct spec_hook *hooks, size_t count,
	     const struct hook_output *output, const struct state *state, const char *status,
	     pid_t pid, struct error *err);

/* Runs them all, a failing one is a warning (poststop). */
void hook_run_all(const char *kind, const struct spec_hook *hooks, size_t count,
		  const struct hook_output *output, const struct state *state, const char *status);
