/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/payload.h"

#include <string.h>

/* So that callers can tell a failed exec from most exit codes of the process. */
enum { EXEC_FAILED = 255 };

struct exec_options {
	struct payload_options payload;
	const char *process, *cwd, *user, *apparmor, *process_label;
	struct option_strings env, cap, cgroup;
	struct option_numbers additional_gids;
	bool tty, no_new_privs, ignore_paused;
};

static const struct option_row rows[] = {
	{ "process", 'p', "FILE", "the process, as in config.json, instead of a command",
	  OPTION_AT(exec_options, process), .path = OPTION_FILE },
	{ "tty", 't', NULL, "give it a terminal", OPTION_AT(exec_options, tty) },
	DETACH_ROW(exec_options),
	PAYLOAD_ROWS(exec_options),
	{ "cwd", 0, "DIR", "its working directory in the container", OPTION_AT(exec_options, cwd) },
	{ "env", 'e', "NAME=VALUE", "add to its environment", OPTION_AT(exec_options, env) },
	{ "user", 'u', "UID[:GID]", "run it as this user", OPTION_AT(exec_options, user) },
	{ "additional-gids", 'g', "GID", "add to its groups",
	  OPTION_AT(exec_options, additional_gids) },
	{ "cap", 'c', "CAP", "add to its capabilities", OPTION_AT(exec_options, cap) },
	{ "no-new-privs", 0, NULL, "it cannot gain privileges by execve(2)",
	  OPTION_AT(exec_options, no_new_privs) },
	{ "apparmor", 0, "PROFILE", "its AppArmor profile", OPTION_AT(exec_options, apparmor) },
	{ "process-label", 0, "LABEL", "its SELinux label",
	  OPTION_AT(exec_options, process_label) },
	{ "cgroup", 0, "[CONTROLLER:]PATH",
	  "put it in this cgroup, which exists, below the container's",
	  OPTION_AT(exec_options, cgroup) },
	{ "ignore-paused", 0, NULL, "go on although the container is paused",
	  OPTION_AT(exec_options, ignore_paused) },
	{ NULL },
};

/* Options that --process makes meaningless are mistakes of the caller, not noise. */
static int check_command(const struct exec_options *options, const struct invocation *call,
			 struct error *err)
{
	if (options->process && call->n_args > 1)
		return error_set(err, 0, "a command and --process exclude each other");
	if (!options->process && call->n_args < 2)
		return error_set(err, 0, "no command (give one behind the id, or --process)");
	if (options->cgroup.count > 1)
		return error_set(err, 0,
				 "--cgroup may be given once (several controllers: "
				 "CONTROLLER,CONTROLLER:PATH)");
	for (size_t i = 0; i < options->env.count; i++)
		if (!strchr(options->env.items[i], '=') || options->env.items[i][0] == '=')
			return error_set(err, 0, "--env: \"%s\" is not NAME=VALUE",
					 options->env.items[i]);
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct exec_options *options = call->options;
	struct container_exec_options exec = {
		.id = call->args[0],
		.process_file = options->process,
		.args = call->args + 1,
		.cwd = options->cwd,
		.env = options->env.items,
		.user = options->user,
		.additional_gids = options->additional_gids.items,
		.n_additional_gids = options->additional_gids.count,
		.capabilities = options->cap.items,
		.tty = options->tty,
		.no_new_privileges = options->no_new_privs,
		.ignore_paused = options->ignore_paused,
		.apparmor = options->apparmor,
		.process_label = options->process_label,
		.cgroup = options->cgroup.count ? options->cgroup.items[0] : NULL,
	};

	if (check_command(options, call, err) < 0 ||
	    payload_io(&options->payload, call, &exec.io, err) < 0)
		return -1;
	return container_exec(call->engine, &exec, ret_exit_code, err);
}

const struct command command_exec = {
	.about = {
		.name = "exec",
		.summary = "run a process in a running container",
		.arguments = "ID COMMAND [ARGUMENT...]",
		.description =
			"All behind the id belongs to the process, options as well. The exit code "
			"is that of the process, or 128 and the number of the signal that ended "
			"it; 255 when it could not be started.\n\n"
			"   rustbox-runtime exec --tty my-container sh -l",
		.rows = rows,
		.order = OPTIONS_FIRST,
		.takes_container = true,
	},
	.options_size = sizeof(struct exec_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.has_payload = true,
	.failure_code = EXEC_FAILED,
	.run = run,
};
