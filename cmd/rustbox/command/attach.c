/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/containers.h"

struct attach_options {
	bool no_stdin, sig_proxy;
	const char *detach_keys;
};

static const struct option_row rows[] = {
	DETACH_KEYS_ROW(attach_options),
	{ "no-stdin", 0, NULL, "show output only", OPTION_AT(attach_options, no_stdin) },
	SIG_PROXY_ROW(attach_options),
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct attach_options *options = call->options;
	cleanup_fd int socket = -1;
	struct record *record;

	if (foreground_check(options->detach_keys, err) < 0 ||
	    store_find(call->store, call->args[0], call->arena, &record, err) < 0 ||
	    containers_check_running(record, err) < 0)
		return -1;
	bool wants_input = !options->no_stdin && (record->interactive || record->tty);
	/* Others may come and type after us. */
	const struct stream_attach attach =
		foreground_attach(STREAM_FROM_RECENT, wants_input, false);
	struct session session = {
		.is_started = true,
		.tty = record->tty,
		.wants_input = wants_input,
		.sig_proxy = options->sig_proxy,
		.detach_keys = options->detach_keys,
	};
	if (containers_attach(call->store, record, &attach, &socket, err) < 0)
		return -1;
	session.socket = socket;
	if (foreground_run(&session, record->name, ret_exit_code, err) < 0)
		return error_wrap(err, "container %s", record->name);
	return 0;
}

const struct command command_attach = {
	.about = {
		.name = "attach",
		.summary = "show and type into a running container",
		.arguments = "CONTAINER",
		.description =
			"With a terminal: what it shows now, and what is typed goes to it; Ctrl-P "
			"Ctrl-Q detaches. Without one: its output from now on, and input if it was "
			"made with --interactive; signals go to it. When it ends, its exit code is "
			"ours.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct attach_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
