/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/as_run.h"

#include <string.h>

void as_run_add(struct as_run *run, const struct invocation *call, const char *word,
		struct error *err)
{
	if (!run->failed && run->n + 1 >= run->capacity) {
		size_t capacity = run->capacity ? 2 * run->capacity : 32;
		char **words = arena_array(call->arena, capacity, sizeof(*words), err);
		run->failed = !words;
		if (words && run->n)
			memcpy(words, run->words, run->n * sizeof(*words));
		run->words = words;
		run->capacity = capacity;
	}
	if (run->failed)
		return;
	run->words[run->n] = arena_strdup(call->arena, word, err);
	run->failed = !run->words[run->n++];
}

void as_run_add_option(struct as_run *run, const struct invocation *call, const char *name,
		       const char *value, struct error *err)
{
	char *word = value ? arena_format(call->arena, err, "--%s=%s", name, value) : NULL;

	if (value && !word)
		run->failed = true;
	else if (value)
		as_run_add(run, call, word, err);
}

int as_run_finish(struct as_run *run, const struct invocation *call, int *ret_exit_code,
		  struct error *err)
{
	struct invocation inner = *call;
	void *options;

	if (run->failed)
		return -1;
	run->words[run->n] = NULL;
	options = arena_alloc(call->arena, command_run.options_size, err);
	if (!options || options_parse(command_run.about.rows, command_run.about.order, run->words,
				      options, call->arena, &inner.args, err) != 0)
		return -1;
	inner.options = options;
	for (inner.n_args = 0; inner.args[inner.n_args]; inner.n_args++)
		;
	return command_run.run(&inner, ret_exit_code, err);
}
