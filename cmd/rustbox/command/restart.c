/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/containers.h"

static const struct option_row rows[] = {
	STOP_ROWS,
	{ NULL },
};

static int restart_one(const struct invocation *call, const char *name, struct error *err)
{
	struct stream_stop stop;

	if (stop_options_read(call->options, &stop, err) < 0)
		return -1;
	return containers_restart(call->store, name, stop.timeout_ms, stop.signal, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, restart_one, ret_exit_code, err);
}

const struct command command_restart = {
	.about = {
		.name = "restart",
		.summary = "start containers again, whatever their state",
		.arguments = "CONTAINER...",
		.description = "With the files as they are. One that runs is stopped first.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct stop_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
