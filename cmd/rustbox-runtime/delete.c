/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/matching.h"

struct delete_options {
	bool force, regex;
};

static const struct option_row rows[] = {
	{ "force", 'f', NULL,
	  "kill the container first if it runs; one that is not there is no error",
	  OPTION_AT(delete_options, force) },
	MATCHING_ROW(delete_options),
	{ NULL },
};

static int delete_one(const struct invocation *call, const struct container_view *view,
		      struct error *err)
{
	const struct delete_options *options = call->options;

	return container_delete(call->engine, view->state.id, options->force, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct delete_options *options = call->options;

	if (options->regex)
		return matching_each(call, call->args[0], delete_one, err);
	return container_delete(call->engine, call->args[0], options->force, err);
}

const struct command command_delete = {
	.about = {
		.name = "delete",
		.summary = "remove a container that has stopped, and all it held",
		.arguments = "ID",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct delete_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
