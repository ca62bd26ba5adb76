/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static int wait_one(const struct invocation *call, const char *name, struct error *err)
{
	int exit_code;

	if (containers_wait(call->store, name, NULL, 0, &exit_code, err) < 0)
		return -1;
	printf("%d\n", exit_code);
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, false, wait_one, ret_exit_code, err);
}

const struct command command_wait = {
	.about = {
		.name = "wait",
		.summary = "wait until containers have ended, and print their exit codes",
		.arguments = "CONTAINER...",
		.description = "One that does not run has ended already. A restart by --restart is "
			       "not the end.",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
