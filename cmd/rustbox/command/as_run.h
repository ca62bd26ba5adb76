/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are other words for `rustbox run`. */
#pragma once

#include "cmd/rustbox/command/command.h"

/* Words of a command line being put together; starts zeroed. In the invocation's arena. */
struct as_run {
	char **words;
	size_t n, capacity;
	bool failed; /* err is set */
};

/* Adds a word, or "--name=value" (nothing when value is NULL). */
void as_run_add(struct as_run *run, const struct invocation *call, const char *word,
		struct error *err);
void as_run_add_option(struct as_run *run, const struct invocation *call, const char *name,
		       const char *value, struct error *err);

/* Runs `rustbox run WORDS…`. */
int as_run_finish(struct as_run *run, const struct invocation *call, int *ret_exit_code,
		  struct error *err);
