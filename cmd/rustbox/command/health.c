/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/container_ask.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct record *record;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0)
		return -1;
	if (!record_is_live(record)) {
		(void)container_is_wrong(record, err);
		return error_hint(err, "rustbox start %s", record->name);
	}
	if (container_ask(call->store, record, STREAM_HEALTH, NULL, 0, err) < 0)
		return error_wrap(err, "container %s is not healthy", record->name);
	(void)puts(record_health_names[HEALTH_HEALTHY]);
	return 0;
}

const struct command command_health = {
	.about = {
		.name = "health",
		.summary = "run the health check of a container now",
		.arguments = "CONTAINER",
		.description = "Prints \"healthy\"; what a check that failed has said is the "
			       "error. The result counts like that of any other check.",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
