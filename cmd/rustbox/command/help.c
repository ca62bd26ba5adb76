/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that print texts about the program: help, completion, generate. */
#include <stdio.h>
#include <string.h>

#include "cmd/rustbox/command/command.h"

static int print_text(struct str *s, struct error *err)
{
	cleanup_free char *text = str_take(s, err);

	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

int program_print_help(const struct command *command, struct error *err)
{
	cleanup_str struct str s = STR_EMPTY;

	if (command)
		options_add_command_help(&s, &program, &command->about);
	else
		options_add_help(&s, &program);
	return print_text(&s, err);
}

static int run_help(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct command *command = NULL;

	if (call->n_args > 0) {
		size_t words;
		command = command_find(call->args, &words, err);
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
	.args_most = 2,
	.needs_no_store = true,
	.run = run_help,
};

static const struct text {
	const char *name;
	void (*add)(struct str *s, const struct options_program *program);
} texts[] = {
	{ "bash", options_add_bash },
	{ "zsh", options_add_zsh },
	{ "fish", options_add_fish },
	{ "man", options_add_man },
};

static int run_generate(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_str struct str s = STR_EMPTY;

		if (strcmp(texts[i].name, call->args[0]) != 0)
			continue;
		texts[i].add(&s, &program);
		return print_text(&s, err);
	}
	return error_set(err, 0, "\"%s\" is not one of bash, zsh, fish", call->args[0]);
}

const struct command command_completion = {
	.about = {
		.name = "completion",
		.summary = "print a shell's completion script: bash, zsh or fish",
		.arguments = "SHELL",
		.description = "For bash, in ~/.bashrc:\n\n"
			       "   source <(rustbox completion bash)",
	},
	.args_least = 1,
	.args_most = 1,
	.needs_no_store = true,
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
	.needs_no_store = true,
	.run = run_generate,
};
