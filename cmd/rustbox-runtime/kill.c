/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/command.h"

#include <errno.h>
#include <signal.h>

#include "cmd/rustbox-runtime/matching.h"
#include "cmd/rustbox-runtime/value.h"

struct kill_options {
	bool all, regex;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "send it to every process of the container",
	  OPTION_AT(kill_options, all) },
	MATCHING_ROW(kill_options),
	{ NULL },
};

static int read_signal(const struct invocation *call, int *ret, struct error *err)
{
	if (call->n_args < 2 || value_signal(call->args[1], ret))
		return 0;
	(void)error_set(err, 0, "unknown signal %s", call->args[1]);
	return error_hint(err, "a name such as TERM or SIGRTMIN+3, or a number");
}

/* Those that have stopped, or do so now, need none. */
static int kill_one(const struct invocation *call, const struct container_view *view,
		    struct error *err)
{
	const struct kill_options *options = call->options;
	int signal = SIGTERM;

	if (read_signal(call, &signal, err) < 0)
		return -1;
	if (view->status == CONTAINER_STOPPED ||
	    container_kill(call->engine, view->state.id, signal, options->all, err) == 0)
		return 0;
	return err->code == ESRCH || err->code == ENOENT ? 0 : -1;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct kill_options *options = call->options;
	int signal = SIGTERM;

	if (read_signal(call, &signal, err) < 0)
		return -1;
	if (options->regex)
		return matching_each(call, call->args[0], kill_one, err);
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
			"   rustbox-runtime kill my-container HUP\n"
			"   rustbox-runtime kill --regex '^web-[0-9]+$'",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct kill_options),
	.args_least = 1,
	.args_most = 2,
	.run = run,
};
