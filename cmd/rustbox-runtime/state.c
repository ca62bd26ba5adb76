/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox-runtime/command.h"
#include "cmd/rustbox-runtime/view.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct container_view view;
	struct state_public state;

	if (container_look(call->engine, call->args[0], call->arena, &view, err) < 0 ||
	    view_public(&view, call->arena, &state, err) < 0)
		return -1;
	cleanup_free char *text = json_write(&state_public_type, &state, true, err);
	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

const struct command command_state = {
	.about = {
		.name = "state",
		.summary = "print the state of a container as JSON",
		.arguments = "ID",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
