/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustbox: the command line. Reads the global options, finds the command,
 * hands it its options, and reports the one error.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/rootless.h"

struct life {
	struct global_options global;
	struct store store;
	struct invocation call;
	char *alone[2]; /* what is left of argv without a command word */
	int exit_code;
	int failure_code; /* of a failure without one of its own */
};

static int check_count(const struct command *command, size_t count, struct error *err)
{
	const char *problem = count < command->args_least ? "too few" : "too many";

	if (count >= command->args_least && count <= command->args_most)
		return 0;
	return error_set(err, 0, "%s arguments (usage: rustbox %s [options]%s%s)", problem,
			 command->about.name, *command->about.arguments ? " " : "",
			 command->about.arguments);
}

static int open_store(struct life *life, const struct command *command, struct error *err)
{
	if (command->needs_no_store)
		return 0;
	if (rootless_enter(err) < 0)
		return -1;
	if (store_open(life->global.root, &life->store, err) < 0)
		return -1;
	life->store.clean_up = containers_clean_up;
	life->call.store = &life->store;
	return 0;
}

/* argv begins with the command's last word. */
static int run_command(struct life *life, const struct command *command, char **argv,
		       struct arena *arena, struct error *err)
{
	void *options = arena_alloc(arena, command->options_size, err);
	int parsed;

	if (!options)
		return -1;
	life->failure_code = EXIT_ENGINE;
	if (command->takes_anything) {
		life->call.args = argv + 1;
	} else {
		parsed = options_parse(command->about.rows, command->about.order, argv, options,
				       arena, &life->call.args, err);
		if (parsed > 0)
			return program_print_help(command, err);
		if (parsed < 0)
			return -1;
	}
	life->failure_code = command->failure_code ? command->failure_code : EXIT_FAILURE;
	while (life->call.args[life->call.n_args])
		life->call.n_args++;
	if (check_count(command, life->call.n_args, err) < 0 || open_store(life, command, err) < 0)
		return -1;
	life->call.options = options;
	life->call.global = &life->global;
	life->call.arena = arena;
	return command->run(&life->call, &life->exit_code, err);
}

static int open_log(const struct global_options *global, struct error *err)
{
	struct log_options options = { .level = LOG_WARNING };

	if (global->log_level && !log_level_from_name(global->log_level, &options.level))
		return error_set(err, 0, "--log-level %s: not one of error, warning, info, debug",
				 global->log_level);
	if (global->debug)
		options.level = LOG_DEBUG;
	return log_open(&options, err);
}

static int dispatch(struct life *life, char **argv, struct arena *arena, struct error *err)
{
	const struct command *command;
	const char *one_shot;
	char **rest;
	size_t words = 1;
	int parsed;

	life->failure_code = EXIT_ENGINE;
	parsed = options_parse(global_rows, OPTIONS_FIRST, argv, &life->global, arena, &rest, err);
	if (parsed < 0)
		return -1;
	life->failure_code = EXIT_FAILURE;
	if (parsed == 0 && life->global.version) {
		program_print_version();
		return 0;
	}
	one_shot = parsed == 0 ? globals_one_shot(&life->global) : NULL;
	if (parsed > 0 || (!rest[0] && !one_shot))
		return program_print_help(NULL, err);
	if (rest[0] && one_shot)
		return error_set(err, 0, "%s belongs behind the command: rustbox %s %s ...",
				 one_shot, rest[0], one_shot);
	command = rest[0] ? command_find(rest, &words, err) : &command_one_shot;
	if (!command || open_log(&life->global, err) < 0)
		return -1;
	life->alone[0] = argv[0];
	if (run_command(life, command, rest[0] ? rest + words - 1 : life->alone, arena, err) == 0)
		return 0;
	/* The messages often begin with the verb already. */
	if (!str_starts_with(err->text, command->about.name))
		(void)error_wrap(err, "%s", command->about.name);
	return -1;
}

/* rustboxd is `rustbox daemon`. */
static int add_daemon(char ***argv, struct arena *arena, struct error *err)
{
	static char word[] = "daemon";
	const char *slash = strrchr(**argv, '/');
	size_t n = 0;
	char **words;

	if (strcmp(slash ? slash + 1 : **argv, "rustboxd") != 0)
		return 0;
	while ((*argv)[n])
		n++;
	words = arena_array(arena, n + 2, sizeof(*words), err);
	if (!words)
		return -1;
	words[0] = **argv;
	words[1] = word;
	memcpy(words + 2, *argv + 1, n * sizeof(*words));
	*argv = words;
	return 0;
}

static void report(const struct error *err)
{
	(void)fputs("rustbox: ", stderr);
	for (const char *p = err->text; *p; p++)
		(void)fputc((unsigned char)*p < ' ' ? ' ' : *p, stderr);
	(void)fputc('\n', stderr);
}

static int exit_code_of(const struct life *life, const struct error *err)
{
	return err->code >= EXIT_ENGINE && err->code <= EXIT_NOT_FOUND ? err->code
								       : life->failure_code;
}

int main(int argc, char **argv)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct life life = { .failure_code = EXIT_FAILURE,
			     .store = { .root_fd = -1, .run_fd = -1 } };
	struct error err;
	int result;

	(void)signal(SIGPIPE, SIG_IGN);
	result = fd_open_standard_streams(&err);
	if (result == 0)
		result = add_daemon(&argv, &arena, &err);
	if (result == 0)
		result = dispatch(&life, argv, &arena, &err);
	if (life.call.store)
		store_close(&life.store);
	/* What did not fit the buffer has been written before, or not. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0)
		result = error_set(&err, errno ? errno : EIO, "write to standard output");
	if (result == 0)
		return life.exit_code;
	report(&err);
	return exit_code_of(&life, &err);
}
