/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/image/image.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return image_tag(call->store, call->args[0], call->args[1], err);
}

static const char *const aliases[] = { "image tag", NULL };

const struct command command_tag = {
	.about = {
		.name = "tag",
		.summary = "give an image one more name",
		.arguments = "IMAGE NAME",
		.description = "A name that another image has moves to this one.",
	},
	.args_least = 2,
	.args_most = 2,
	.aliases = aliases,
	.run = run,
};
