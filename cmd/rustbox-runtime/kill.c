/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/command.h"

#include <errno.h>
#include <signal.h>

#include "cmd/rustbox-runtime/value.h"

struct kill_options {
	bool all;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "send it to every process of the container",
	  OPTION_AT(kill_options, all) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct kill_options *options = call->options;
	int signal = SIGTERM;

	if (call->n_args > 1 && !value_signal(call->args[1], &signal)) {
		(void)error_set(err, 0, "unknown signal %s", call->args[1]);
		return error_hint(err, "a name such as TERM or SIGRTMIN+3, or a number");
	}
	return container_kill(call->engine, call->args[0], signal, options->all, err);
}

const struct command command_kill = {
	.about = {
		.name = "kill",
		.summary = "send a signal to the first process of a container",
		.arguments = "ID [SIGNAL]",
		.description =
			"The signal is a name, with or without SIG and in any case, or a number; "
			"without one it is TERM.\n\n"
			"   rustbox-runtime kill my-container HUP",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct kill_options),
	.args_least = 1,
	.args_most = 2,
	.run = run,
};
