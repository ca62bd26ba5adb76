/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/bundle.h"

static const struct option_row rows[] = {
	BUNDLE_ROWS,
	DETACH_ROW(bundle_options),
	{ "keep", 0, NULL, "do not delete the container at its end",
	  OPTION_AT(bundle_options, keep) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct container_create_options options;

	if (bundle_create_options(call, &options, err) < 0)
		return -1;
	return container_run(call->engine, &options, ret_exit_code, err);
}

const struct command command_run = {
	.about = {
		.name = "run",
		.summary = "create and start a container, wait for it, delete it",
		.arguments = "ID",
		.description =
			"Passes signals on to the container. The exit code is that of the "
			"process, or 128 and the number of the signal that ended it.",
		.rows = rows,
	},
	.options_size = sizeof(struct bundle_options),
	.args_least = 1,
	.args_most = 1,
	.has_payload = true,
	.run = run,
};
