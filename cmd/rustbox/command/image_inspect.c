/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/inspect_words.h"

static const char *const kinds[] = { "image", NULL };

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return inspect_words_run(call, kinds, ret_exit_code, err);
}

const struct command command_image_inspect = {
	.about = {
		.name = "image inspect",
		.summary = "show all that is known of images",
		.arguments = "NAME...",
		.rows = inspect_words_rows,
	},
	.options_size = sizeof(struct inspect_words_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
