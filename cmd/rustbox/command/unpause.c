/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static int unpause_one(const struct invocation *call, const char *name, struct error *err)
{
	return containers_unpause(call->store, name, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, unpause_one, ret_exit_code, err);
}

const struct command command_unpause = {
	.about = {
		.name = "unpause",
		.summary = "let paused containers go on",
		.arguments = "CONTAINER...",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
