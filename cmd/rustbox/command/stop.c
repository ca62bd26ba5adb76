/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/container.h"

static const struct option_row rows[] = {
	STOP_ROWS,
	{ NULL },
};

static int stop_one(const struct invocation *call, const char *name, struct error *err)
{
	struct stream_stop stop;

	if (stop_options_read(call->options, &stop, err) < 0)
		return -1;
	return container_stop(call->store, name, stop.timeout_ms, stop.signal, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, stop_one, ret_exit_code, err);
}

const struct command command_stop = {
	.about = {
		.name = "stop",
		.summary = "stop containers: start goes on with them",
		.arguments = "CONTAINER...",
		.description = "Asks the first process to end by a signal, and kills all of them "
			       "when that takes too long. One that does not run is left as it is.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct stop_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
