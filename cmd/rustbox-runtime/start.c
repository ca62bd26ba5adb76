/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/command.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return container_start(call->engine, call->args[0], err);
}

const struct command command_start = {
	.about = {
		.name = "start",
		.summary = "start the process of a created container",
		.arguments = "ID",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
