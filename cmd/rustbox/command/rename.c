/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return containers_rename(call->store, call->args[0], call->args[1], err);
}

const struct command command_rename = {
	.about = {
		.name = "rename",
		.summary = "give a container another name",
		.arguments = "CONTAINER NAME",
		.takes_container = true,
	},
	.args_least = 2,
	.args_most = 2,
	.run = run,
};
