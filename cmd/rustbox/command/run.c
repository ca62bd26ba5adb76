/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/containers.h"

struct run_options {
	struct create_options create;
	bool detach, sig_proxy, timing, end_with_client;
	const char *detach_keys;
};

static const struct option_row rows[] = {
	CREATE_OPTION_ROWS,
	{ "detach", 'd', NULL, "print the id, and let it run in the background",
	  OPTION_AT(run_options, detach) },
	DETACH_KEYS_ROW(run_options),
	{ "end-with-client", 0, NULL,
	  "stop it when this command is asked to end, kill it when this command is killed",
	  OPTION_AT(run_options, end_with_client) },
	SIG_PROXY_ROW(run_options),
	{ "timing", 0, NULL, "say at the end, on standard error, what took how long",
	  OPTION_AT(run_options, timing) },
	{ NULL },
};

/* ---- --timing ---- */

struct times {
	struct timespec begun, created, started;
};

static void note(struct timespec *ret)
{
	(void)clock_gettime(CLOCK_MONOTONIC, ret);
}

static double ms_between(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) * 1e3 +
	       (double)(to->tv_nsec - from->tv_nsec) / 1e6;
}

static void tell_times(const struct times *t, bool in_foreground)
{
	struct timespec now;

	note(&now);
	(void)fprintf(stderr, "created in %.1f ms, started in %.1f ms",
		      ms_between(&t->begun, &t->created), ms_between(&t->created, &t->started));
	if (in_foreground)
		(void)fprintf(stderr, ", ended after %.1f ms", ms_between(&t->started, &now));
	(void)fputc('\n', stderr);
}

/* ---- running ---- */

/*
 * With a terminal for the container and none for us there is nobody to show it
 * to: it runs in the background, and can be attached to.
 */
static bool runs_in_foreground(const struct run_options *options)
{
	return !options->detach && (!options->create.tty || session_has_terminal());
}

static void remove_unstarted(const struct invocation *call, const struct record *record)
{
	struct error err;

	if (record->auto_remove &&
	    containers_remove(call->store, record->id, true, true, &err) < 0 && err.code != ENOENT)
		log_warning("%s", err.text);
}

static int start(const struct invocation *call, const struct record *record,
		 struct container_start *made, bool in_foreground, int *ret_socket,
		 struct error *err)
{
	bool wants_input = record->interactive || record->tty;
	const struct run_options *options = call->options;
	struct stream_attach attach = { .from = STREAM_FROM_START };

	if (in_foreground)
		attach = foreground_attach(STREAM_FROM_START, wants_input, wants_input);
	if (options->end_with_client)
		attach.ends_input = STREAM_ALL_ENDS_WITH_CLIENT;
	if (containers_start_made(call->store, record, made, &attach, ret_socket, err) == 0)
		return 0;
	container_start_done(made);
	remove_unstarted(call, record);
	return -1;
}

/* Docker's users write an image where the command is. */
static int hint_image(const struct invocation *call, struct error *err)
{
	const struct create_options *create = &((const struct run_options *)call->options)->create;

	if (err->code == EXIT_NOT_FOUND && !create->image && !create->rootfs &&
	    !create->entrypoint && call->n_args)
		(void)error_hint(err, "%s is the command here; an image is named by --image",
				 call->args[0]);
	return -1;
}

static int converse(const struct run_options *options, const struct record *record, int socket,
		    int *ret_exit_code, struct error *err)
{
	const struct session session = {
		.socket = socket,
		.is_started = true,
		.tty = record->tty,
		.wants_input = record->interactive || record->tty,
		.sig_proxy = options->sig_proxy,
		.detach_keys = options->end_with_client ? "" : options->detach_keys,
	};

	if (foreground_run(&session, record->name, ret_exit_code, err) < 0)
		return error_wrap(err, "container %s", record->name);
	return 0;
}

static int check(const struct run_options *options, bool in_foreground, struct error *err)
{
	if (foreground_check(options->detach_keys, err) < 0)
		return -1;
	if (in_foreground || !options->end_with_client)
		return 0;
	if (options->detach)
		return error_set(err, 0, "--end-with-client does not go with --detach");
	(void)error_set(err, 0, "standard input is no terminal");
	return error_hint(err, "leave out --tty, and its output comes as it is");
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct run_options *options = call->options;
	bool in_foreground = runs_in_foreground(options);
	cleanup_container_start struct container_start made = CONTAINER_START_NONE;
	cleanup_fd int socket = -1;
	struct record *record;
	struct times times;

	if (check(options, in_foreground, err) < 0)
		return -1;
	if (in_foreground && options->sig_proxy && !options->create.tty)
		session_hold_signals();
	note(&times.begun);
	if (containers_create(call->store, &options->create, call->args, call->arena, &record,
			      &made, err) < 0)
		return -1;
	note(&times.created);
	if (start(call, record, &made, in_foreground, &socket, err) < 0)
		return hint_image(call, err);
	fd_close(&made.lock);
	note(&times.started);
	if (!in_foreground && !options->detach)
		log_warning("standard input is no terminal: %s runs in the background, as with "
			    "--detach (leave out --tty to see its output here)",
			    record->name);
	if (!in_foreground)
		printf("%s\n", record->id);
	else if (converse(options, record, socket, ret_exit_code, err) < 0)
		return -1;
	if (options->timing)
		tell_times(&times, in_foreground);
	return 0;
}

const struct command command_run = {
	.about = {
		.name = "run",
		.summary = "run a command in a new container",
		.arguments = "[COMMAND [ARG...]]",
		.description =
			"In the foreground, unless --detach is given: its output is shown, signals "
			"go to it, and its exit code is ours. 125 is for errors of rustbox, 126 for "
			"a command that cannot be executed, 127 for one that is not found, 128 + N "
			"for one that was ended by signal N.\n\n"
			"   rustbox run --rm -it sh\n\n"
			"   rustbox run -d --name web --memory 256M --image nginx\n\n"
			"With --tty and without a terminal on standard input it runs in the "
			"background, as with --detach.",
		.rows = rows,
		.order = OPTIONS_FIRST,
	},
	.options_size = sizeof(struct run_options),
	.args_most = ARGS_ANY,
	.failure_code = EXIT_ENGINE,
	.run = run,
};
