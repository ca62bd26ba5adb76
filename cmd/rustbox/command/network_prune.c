/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return error_set(err, 0, "not built yet");
}

const struct command command_network_prune = {
	.about = {
		.name = "network prune",
		.summary = "remove networks without a container",
		.arguments = "",
	},
	.args_most = ARGS_ANY,
	.run = run,
};
