/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that print texts about the program: help, completion, generate. */
#include "cmd/rustbox-runtime/command.h"

int program_print_help(const struct command *command, struct error *err)
{
	return options_print_help(&program, command ? &command->about : NULL, err);
}

static int run_help(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct command *command = NULL;

	if (call->n_args > 0) {
		command = command_find(call->args[0], err);
		if (!command)
			return -1;
	}
	return program_print_help(command, err);
}

const struct command command_help = {
	.about = {
		.name = "help",
		.summary = "explain the program or a command",
		.arguments = "[COMMAND]",
	},
	.args_most = 1,
	.is_stateless = true,
	.run = run_help,
};

static int run_generate(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return options_print_text(&program, call->args[0], err);
}

const struct command command_completion = {
	.about = {
		.name = "completion",
		.summary = "print a shell's completion script: bash, zsh or fish",
		.arguments = "SHELL",
		.description = "For bash, in ~/.bashrc:\n\n"
			       "   source <(rustbox-runtime completion bash)",
	},
	.args_least = 1,
	.args_most = 1,
	.is_stateless = true,
	.run = run_generate,
};

/* For the build: what completion prints, and "man". */
const struct command command_generate = {
	.about = {
		.name = "generate",
		.summary = "print a completion script or the man page",
		.arguments = "bash|zsh|fish|man",
		.hidden = true,
	},
	.args_least = 1,
	.args_most = 1,
	.is_stateless = true,
	.run = run_generate,
};
