/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/format/format.h"

struct kill_options {
	const char *signal;
	bool all;
};

static const struct option_row rows[] = {
	{ "signal", 's', "SIGNAL", "name, with or without SIG, or number",
	  OPTION_AT(kill_options, signal), .fallback = "SIGKILL" },
	{ "all", 'a', NULL, "to every process of the container, not only the first",
	  OPTION_AT(kill_options, all) },
	{ NULL },
};

static int kill_one(const struct invocation *call, const char *name, struct error *err)
{
	const struct kill_options *options = call->options;
	int signal;

	if (format_read_signal(options->signal, &signal, err) < 0)
		return error_wrap(err, "--signal");
	return containers_kill(call->store, name, signal, options->all, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, kill_one, ret_exit_code, err);
}

const struct command command_kill = {
	.about = {
		.name = "kill",
		.summary = "send a signal to the first process of containers, SIGKILL by default",
		.arguments = "CONTAINER...",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct kill_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
