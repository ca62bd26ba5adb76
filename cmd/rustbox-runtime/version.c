/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/command.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	program_print_version();
	return 0;
}

const struct command command_version = {
	.about = {
		.name = "version",
		.summary = "print the version",
		.arguments = "",
	},
	.is_stateless = true,
	.run = run,
};
