/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

static int run_add(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return containers_add_mount_live(call->store, call->args[0], call->args[1], err);
}

const struct command command_mount_add = {
	.about = {
		.name = "mount add",
		.summary = "mount a file or folder of the host in a container, also while it runs",
		.arguments = "CONTAINER SOURCE:TARGET[:OPTIONS]",
		.description = "At once where it runs, and for all its coming runs.\n\n"
			       "   rustbox mount add web /srv/data:/data:ro",
		.takes_container = true,
	},
	.args_least = 2,
	.args_most = 2,
	.run = run_add,
};

static int run_remove(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return containers_remove_mount_live(call->store, call->args[0], call->args[1], err);
}

static const char *const remove_aliases[] = { "mount rm", NULL };

const struct command command_mount_remove = {
	.about = {
		.name = "mount remove",
		.summary = "unmount something in a container",
		.arguments = "CONTAINER TARGET",
		.description = "At once where it runs, and for all its coming runs.",
		.takes_container = true,
	},
	.args_least = 2,
	.args_most = 2,
	.aliases = remove_aliases,
	.run = run_remove,
};
