/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/bundle.h"

static const struct option_row rows[] = { BUNDLE_ROWS, { NULL } };

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct container_create_options options;

	if (bundle_create_options(call, &options, err) < 0)
		return -1;
	return container_create(call->engine, &options, err);
}

const struct command command_create = {
	.about = {
		.name = "create",
		.summary = "make a container that waits for start",
		.arguments = "ID",
		.description =
			"Makes everything that the bundle's config.json asks for, up to the "
			"process, which waits. What can fail, fails here and not in start.",
		.rows = rows,
	},
	.options_size = sizeof(struct bundle_options),
	.args_least = 1,
	.args_most = 1,
	.has_payload = true,
	.run = run,
};
