/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "cmd/rustbox/command/checkpoint_words.h"
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/containers.h"

struct start_options {
	bool attach, interactive, sig_proxy, boot;
	const char *detach_keys, *checkpoint, *dir;
};

static const struct option_row rows[] = {
	{ "attach", 'a', NULL, "show its output and wait for its end; its exit code is ours",
	  OPTION_AT(start_options, attach) },
	{ "interactive", 'i', NULL, "the same, with our standard input",
	  OPTION_AT(start_options, interactive) },
	DETACH_KEYS_ROW(start_options),
	SIG_PROXY_ROW(start_options),
	{ "boot", 0, NULL,
	  "start all containers that --restart wants to run; for the machine's start",
	  OPTION_AT(start_options, boot) },
	{ "checkpoint", 0, "CHECKPOINT", "restore it from there; from every state",
	  OPTION_AT(start_options, checkpoint) },
	CHECKPOINT_DIR_ROW(start_options),
	{ NULL },
};

/* ---- start ---- */

static int start(const struct invocation *call, const char *name,
		 const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	const struct start_options *options = call->options;

	if (!options->checkpoint)
		return containers_start(call->store, name, false, attach, ret_socket, err);
	return containers_restore(call->store, name, options->dir, options->checkpoint, attach,
				  ret_socket, err);
}

static int start_one(const struct invocation *call, const char *name, struct error *err)
{
	const struct stream_attach nothing = { .from = STREAM_FROM_NOW };
	cleanup_fd int socket = -1;

	return start(call, name, &nothing, &socket, err);
}

/* ---- start --attach ---- */

static int start_attached(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct start_options *options = call->options;
	cleanup_fd int socket = -1;
	struct record *record;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0)
		return -1;
	bool wants_input = options->interactive && (record->interactive || record->tty);
	const struct stream_attach attach =
		foreground_attach(record_is_live(record) ? STREAM_FROM_RECENT : STREAM_FROM_START,
				  wants_input, wants_input);
	struct session session = {
		.is_started = true,
		.tty = record->tty,
		.wants_input = wants_input,
		.sig_proxy = options->sig_proxy,
		.detach_keys = options->detach_keys,
	};
	if (options->sig_proxy && !record->tty)
		session_hold_signals();
	if (start(call, record->id, &attach, &socket, err) < 0)
		return -1;
	session.socket = socket;
	if (foreground_run(&session, record->name, ret_exit_code, err) < 0)
		return error_wrap(err, "container %s", record->name);
	return 0;
}

/* ---- start --boot ---- */

static bool is_wanted(const struct record *record)
{
	const struct record_state *state = record->state;

	if (record_is_live(record) || !state->started)
		return false;
	switch (record->policy->restart) {
	case RESTART_ALWAYS:
		return true;
	case RESTART_UNLESS_STOPPED:
		return !state->manually_stopped;
	case RESTART_ON_FAILURE:
		return !state->manually_stopped && state->exit_code != 0;
	default:
		return false;
	}
}

static int boot(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct stream_attach nothing = { .from = STREAM_FROM_NOW };
	struct record **records;
	size_t n;

	if (store_list(call->store, call->arena, &records, &n, err) < 0)
		return -1;
	/* The newest come first, and may want what older ones offer. */
	while (n-- > 0) {
		cleanup_fd int socket = -1;
		struct error problem;

		if (!is_wanted(records[n]))
			continue;
		if (containers_start(call->store, records[n]->id, true, &nothing, &socket,
				     &problem) == 0) {
			printf("%s\n", records[n]->name);
			continue;
		}
		(void)fprintf(stderr, "rustbox: %s\n", problem.text);
		*ret_exit_code = EXIT_FAILURE;
	}
	return 0;
}

/* ---- */

static int check(const struct invocation *call, struct error *err)
{
	const struct start_options *options = call->options;

	if (foreground_check(options->detach_keys, err) < 0)
		return -1;
	if (options->dir && !options->checkpoint)
		return error_set(err, 0, "--checkpoint-dir goes with --checkpoint NAME");
	if (options->checkpoint && call->n_args > 1)
		return error_set(err, 0, "one container only can be restored from a checkpoint");
	if (options->boot &&
	    (call->n_args > 0 || options->attach || options->interactive || options->checkpoint))
		return error_set(err, 0, "--boot stands alone");
	if (!options->boot && call->n_args == 0)
		return error_set(err, 0, "which container? (usage: rustbox start CONTAINER...)");
	if ((options->attach || options->interactive) && call->n_args > 1)
		return error_set(err, 0, "one container only can be attached to");
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct start_options *options = call->options;

	if (check(call, err) < 0)
		return -1;
	if (options->boot)
		return boot(call, ret_exit_code, err);
	if (options->attach || options->interactive)
		return start_attached(call, ret_exit_code, err);
	return command_each(call, true, start_one, ret_exit_code, err);
}

const struct command command_start = {
	.about = {
		.name = "start",
		.summary = "start containers that were created or stopped",
		.arguments = "CONTAINER...",
		.description =
			"With the files as they were left. A container that has ended by itself is "
			"Exited, and is for restart.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct start_options),
	.args_most = ARGS_ANY,
	.run = run,
};
