/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static int run_add(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return containers_add_device_live(call->store, call->args[0], call->args[1], err);
}

const struct command command_device_add = {
	.about = {
		.name = "device add",
		.summary = "give a container a device of the host, also while it runs",
		.arguments = "CONTAINER PATH[:PATH][:rwm]",
		.description = "At once where it runs, and for all its coming runs.\n\n"
			       "   rustbox device add web /dev/fuse",
		.takes_container = true,
	},
	.args_least = 2,
	.args_most = 2,
	.run = run_add,
};

static int run_remove(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return containers_remove_device_live(call->store, call->args[0], call->args[1], err);
}

static const char *const remove_aliases[] = { "device rm", NULL };

const struct command command_device_remove = {
	.about = {
		.name = "device remove",
		.summary = "take a device away from a container",
		.arguments = "CONTAINER PATH",
		.description = "At once where it runs, and for all its coming runs. What it has open already stays open.",
		.takes_container = true,
	},
	.args_least = 2,
	.args_most = 2,
	.aliases = remove_aliases,
	.run = run_remove,
};
