/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static int pause_one(const struct invocation *call, const char *name, struct error *err)
{
	return containers_pause(call->store, name, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, pause_one, ret_exit_code, err);
}

const struct command command_pause = {
	.about = {
		.name = "pause",
		.summary = "freeze all processes of containers",
		.arguments = "CONTAINER...",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
