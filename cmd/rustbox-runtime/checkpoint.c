/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint and restore: known, not built. Named, so that callers see which it is. */
#include "cmd/rustbox-runtime/command.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return error_set(err, 0,
			 "this is not built yet: rustbox-runtime cannot save and restore "
			 "running containers");
}

const struct command command_checkpoint = {
	.about = {
		.name = "checkpoint",
		.summary = "save a running container (not built yet)",
		.arguments = "ID",
		.hidden = true,
	},
	.takes_anything = true,
	.run = run,
};

const struct command command_restore = {
	.about = {
		.name = "restore",
		.summary = "restore a container from a checkpoint (not built yet)",
		.arguments = "ID",
		.hidden = true,
	},
	.takes_anything = true,
	.run = run,
};
