/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/supervisor/supervisor.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return supervisor_run(call->store, call->args[0], call->args[1], err);
}

const struct command command_supervise = {
	.about = {
		.name = "supervise",
		.summary = "watch over a container",
		.arguments = "ID [CHECKPOINT]",
		.description = "Started by rustbox itself, one process a running container.",
		.hidden = true,
	},
	.args_least = 1,
	.args_most = 2,
	.run = run,
};
