/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the runtime: its command line, its log, its end. */
#pragma once

#include "cmd/librustbox-runtime/rustbox-runtime.h"

/* The words of a command line. Adds without an end: call_run() tells whether there were too many.
 */
enum { CALL_WORDS = 64 };
struct call {
	const char *words[CALL_WORDS]; /* borrowed */
	size_t n;
};

void call_add(struct call *call, const char *word);

/* Nothing if the value is NULL. */
void call_add_option(struct call *call, const char *name, const char *value);

/*
 * Runs it to its end. ret_exit_code: NULL, if anything but 0 is an error;
 * otherwise one without a word in the log is what the payload ended with.
 */
int call_run(const struct rustbox_runtime *runtime, const struct call *call,
	     const struct rustbox_runtime_streams *streams, int *ret_exit_code,
	     struct rustbox_runtime_error *err);
