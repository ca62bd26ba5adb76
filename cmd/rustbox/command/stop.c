/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>

#include "base/process.h"
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/format/format.h"

static const struct option_row rows[] = {
	STOP_ROWS,
	{ NULL },
};

/* What asks it to end: of the option, else of the record. */
static int signal_of(const struct stream_stop *stop, const struct record *record)
{
	const char *name = record->policy->stop_signal;
	struct error ignored;
	int signal = SIGTERM;

	if (stop->signal)
		return stop->signal;
	if (name && format_read_signal(name, &signal, &ignored) < 0)
		return SIGTERM;
	return signal;
}

/* The kernel keeps signals without a handler from the first process of a PID namespace. */
static void explain(const struct invocation *call, const char *name, int signal)
{
	struct record *record;
	struct error ignored;

	if (store_find(call->store, name, call->arena, &record, &ignored) < 0 ||
	    record->state->signal != SIGKILL)
		return;
	(void)fprintf(stderr,
		      "rustbox: %s was killed: its first process has no handler for SIG%s, and "
		      "does not get it, therefore (with --init, run passes signals on)\n",
		      name, sigabbrev_np(signal) ? sigabbrev_np(signal) : "RT");
}

static int stop_one(const struct invocation *call, const char *name, struct error *err)
{
	struct stream_stop stop;
	struct record *record;

	if (stop_options_read(call->options, &stop, err) < 0 ||
	    store_find(call->store, name, call->arena, &record, err) < 0)
		return -1;
	int signal = signal_of(&stop, record);
	bool explains = signal != SIGKILL && record_is_live(record) && record->state->pid > 0 &&
			!process_handles_signal((pid_t)record->state->pid, signal);
	if (containers_stop(call->store, name, stop.timeout_ms, stop.signal, err) < 0)
		return -1;
	if (explains)
		explain(call, name, signal);
	return 0;
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
