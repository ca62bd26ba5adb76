/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static const struct option_row rows[] = {
	CREATE_OPTION_ROWS,
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct record *record;

	if (containers_create(call->store, call->options, call->args, call->arena, &record, NULL,
			      err) < 0)
		return -1;
	printf("%s\n", record->id);
	return 0;
}

const struct command command_create = {
	.about = {
		.name = "create",
		.summary = "make a container without starting it",
		.arguments = "[COMMAND [ARG...]]",
		.description = "Prints its id. The options are those of run.",
		.rows = rows,
		.order = OPTIONS_FIRST,
	},
	.options_size = sizeof(struct create_options),
	.args_most = ARGS_ANY,
	.failure_code = EXIT_ENGINE,
	.run = run,
};
