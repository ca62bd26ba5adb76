/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return error_set(err, 0, "not built yet");
}

const struct command command_health = {
	.about = {
		.name = "health",
		.summary = "run the health check of a container now",
		.arguments = "CONTAINER",
	},
	.args_most = ARGS_ANY,
	.run = run,
};
