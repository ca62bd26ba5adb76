/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/command/foreground.h"
#include "cmd/rustbox/container/containers.h"

struct exec_options {
	struct option_strings env, env_file;
	const char *user, *workdir, *detach_keys;
	bool detach, interactive, tty, privileged, kill_on_detach, sig_proxy;
};

static const struct option_row rows[] = {
	{ "detach", 'd', NULL, "do not wait for it; its output is dropped",
	  OPTION_AT(exec_options, detach) },
	DETACH_KEYS_ROW(exec_options),
	{ "env", 'e', "NAME[=VALUE]", "environment variable; without a value: as it is here",
	  OPTION_AT(exec_options, env) },
	{ "env-file", 0, "FILE", "environment variables, one a line",
	  OPTION_AT(exec_options, env_file) },
	{ "interactive", 'i', NULL, "with our standard input",
	  OPTION_AT(exec_options, interactive) },
	{ "kill-on-detach", 0, NULL, "kill it when this command ends before it",
	  OPTION_AT(exec_options, kill_on_detach) },
	{ "privileged", 0, NULL, "with all capabilities", OPTION_AT(exec_options, privileged) },
	SIG_PROXY_ROW(exec_options),
	{ "tty", 't', NULL, "with a terminal", OPTION_AT(exec_options, tty) },
	{ "user", 'u', "USER[:GROUP]", "name or number of user and group",
	  OPTION_AT(exec_options, user) },
	{ "workdir", 'w', "DIR", "working directory", OPTION_AT(exec_options, workdir) },
	{ NULL },
};

/* ---- its environment ---- */

struct environment {
	char **items;
	size_t n, capacity;
};

/* NAME=VALUE, or NAME for our own value, if there is one. */
static int add_variable(struct environment *env, const char *text, struct arena *arena,
			struct error *err)
{
	const char *equals = strchr(text, '=');
	const char *value = equals ? NULL : getenv(text);
	char *entry = equals ? arena_strdup(arena, text, err)
			     : arena_format(arena, err, "%s=%s", text, value ? value : "");

	if (equals == text || !*text)
		return error_set(err, 0, "\"%s\": write NAME=VALUE", text);
	if (!entry)
		return -1;
	if (!equals && !value)
		return 0;
	if (mem_grow((void **)&env->items, env->n, &env->capacity, sizeof(*env->items), err) < 0)
		return -1;
	env->items[env->n++] = entry;
	return 0;
}

static int add_file(struct environment *env, const char *path, struct arena *arena,
		    struct error *err)
{
	char **lines = NULL;
	size_t n = 0;

	if (plan_read_lines("env-file", path, arena, &lines, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_variable(env, lines[i], arena, err) < 0)
			return error_wrap(err, "--env-file %s", path);
	return 0;
}

static int read_environment(const struct exec_options *options, struct environment *env,
			    struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < options->env_file.count; i++)
		if (add_file(env, options->env_file.items[i], arena, err) < 0)
			return -1;
	for (size_t i = 0; i < options->env.count; i++)
		if (add_variable(env, options->env.items[i], arena, err) < 0)
			return error_wrap(err, "--env");
	return 0;
}

/* ---- */

static int check(const struct exec_options *options, struct error *err)
{
	if (foreground_check(options->detach_keys, err) < 0)
		return -1;
	if (options->detach && options->kill_on_detach)
		return error_set(err, 0, "--detach and --kill-on-detach exclude each other");
	if (options->tty && options->interactive && !options->detach && !session_has_terminal())
		return error_set(err, 0,
				 "standard input is no terminal (leave out --tty, and its output "
				 "comes as it is)");
	return 0;
}

static int start(const struct invocation *call, const struct environment *env, int *ret_socket,
		 struct error *err)
{
	const struct exec_options *options = call->options;
	struct stream_size size;
	struct stream_exec exec = {
		.args = call->args + 1,
		.n_args = call->n_args - 1,
		.env = env->items,
		.n_env = env->n,
		.user = (char *)(uintptr_t)options->user,
		.workdir = (char *)(uintptr_t)options->workdir,
		.tty = options->tty,
		.interactive = options->interactive && !options->detach,
		.detach = options->detach,
		.privileged = options->privileged,
		.kill_on_detach = options->kill_on_detach,
	};

	session_terminal_size(&size);
	exec.columns = size.columns;
	exec.rows = size.rows;
	return containers_exec(call->store, call->args[0], &exec, ret_socket, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct exec_options *options = call->options;
	struct session session = {
		.is_started = true,
		.tty = options->tty,
		.wants_input = options->interactive,
		.sig_proxy = options->sig_proxy,
		.detach_keys = options->detach_keys,
	};
	struct environment env = { 0 };
	cleanup_fd int socket = -1;

	if (check(options, err) < 0)
		return -1;
	if (options->sig_proxy && !options->tty && !options->detach)
		session_hold_signals();
	int result = read_environment(options, &env, call->arena, err);
	if (result == 0)
		result = start(call, &env, &socket, err);
	free(env.items);
	if (result < 0 || options->detach)
		return result;
	session.socket = socket;
	return foreground_run(&session, NULL, ret_exit_code, err);
}

const struct command command_exec = {
	.about = {
		.name = "exec",
		.summary = "run one more command in a running container",
		.arguments = "CONTAINER COMMAND [ARG...]",
		.description = "In the foreground its exit code is ours; 126 when it cannot be "
			       "executed, 127 when it is not found.\n\n"
			       "   rustbox exec -it web sh",
		.rows = rows,
		.order = OPTIONS_FIRST,
		.takes_container = true,
	},
	.options_size = sizeof(struct exec_options),
	.args_least = 2,
	.args_most = ARGS_ANY,
	.run = run,
};
