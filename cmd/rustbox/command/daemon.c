/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/api/api.h"
#include "cmd/rustbox/command/command.h"

struct daemon_options {
	const char *socket;
};

static const struct option_row rows[] = {
	{ "socket", 0, "PATH",
	  "where to listen, " API_SOCKET " by default, and rustboxd.sock in the run folder "
	  "of users other than root",
	  OPTION_AT(daemon_options, socket), .path = OPTION_FILE },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct daemon_options *options = call->options;
	struct api_config config = { .socket = options->socket };

	/* An ordinary user's is beside the sockets of the supervisors. */
	if (!config.socket && call->store->is_rootless) {
		config.socket =
			arena_format(call->arena, err, "%s/rustboxd.sock", call->store->run);
		if (!config.socket)
			return -1;
	}
	return api_serve(call->store, &config, err);
}

const struct command command_daemon = {
	.about = {
		.name = "daemon",
		.summary = "serve the socket API (rustboxd)",
		.arguments = "",
		.description = "Other programs run and watch containers through this socket; "
			       "rustbox itself needs no daemon. Ends by SIGTERM or SIGINT, and "
			       "leaves all containers as they are.",
		.rows = rows,
	},
	.options_size = sizeof(struct daemon_options),
	.run = run,
};
