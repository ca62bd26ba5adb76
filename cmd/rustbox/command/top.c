/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return error_set(err, 0, "not built yet");
}

const struct command command_top = {
	.about = {
		.name = "top",
		.summary = "show the processes of a container",
		.arguments = "CONTAINER",
	},
	.args_most = ARGS_ANY,
	.run = run,
};
