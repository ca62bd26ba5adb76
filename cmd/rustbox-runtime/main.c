/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustbox-runtime: the OCI runtime's command line. Reads the global options,
 * finds the command, hands it its options, and reports the one error.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox-runtime/command.h"
#include "cmd/rustbox-runtime/globals.h"
#include "runtime/self_exec.h"

struct life {
	struct global_options global;
	struct container_engine engine;
	struct invocation call;
	bool log_is_file;
	int exit_code;
	int failure_code;
};

static unsigned int count_inherited(void)
{
	int fd = STDERR_FILENO + 1;

	while (fcntl(fd, F_GETFD) >= 0)
		fd++;
	return (unsigned int)(fd - STDERR_FILENO - 1);
}

static int check_count(const struct command *command, size_t count, struct error *err)
{
	const char *problem = count < command->args_least ? "too few" : "too many";

	if (count >= command->args_least && count <= command->args_most)
		return 0;
	return error_set(err, 0, "%s arguments (usage: %s %s [options]%s%s)", problem, program.name,
			 command->about.name, *command->about.arguments ? " " : "",
			 command->about.arguments);
}

/* argv begins with the command's name. */
static int run_command(struct life *life, const struct command *command, char **argv,
		       struct arena *arena, struct error *err)
{
	void *options = arena_alloc(arena, command->options_size, err);
	int parsed;

	if (!options)
		return -1;
	parsed = options_parse(command->about.rows, command->about.order, argv, options, arena,
			       &life->call.args, err);
	if (parsed > 0)
		return program_print_help(command, err);
	if (parsed < 0)
		return -1;
	while (life->call.args[life->call.n_args])
		life->call.n_args++;
	if (check_count(command, life->call.n_args, err) < 0 ||
	    globals_engine(&life->global, command, &life->engine, arena, err) < 0)
		return -1;
	/* A payload's command says itself which descriptors are for the payload. */
	if (!command->has_payload && fd_cloexec_from(STDERR_FILENO + 1, err) < 0)
		return -1;
	life->call.options = options;
	life->call.engine = &life->engine;
	life->call.arena = arena;
	if (command->failure_code)
		life->failure_code = command->failure_code;
	return command->run(&life->call, &life->exit_code, err);
}

static int dispatch(struct life *life, char **argv, struct arena *arena, struct error *err)
{
	const struct command *command;
	char **rest;
	int parsed =
		options_parse(global_rows, OPTIONS_FIRST, argv, &life->global, arena, &rest, err);

	if (parsed < 0)
		return -1;
	if (parsed == 0 && life->global.version) {
		program_print_version();
		return 0;
	}
	if (parsed > 0 || !rest[0])
		return program_print_help(NULL, err);
	command = command_find(rest[0], err);
	/* Before anything is opened that a container could get hold of. */
	if (command && command->has_payload && self_exec_seal(argv, err) < 0)
		return -1;

	struct error log_error;
	if (globals_open_log(&life->global, &log_error) < 0) {
		if (command)
			*err = log_error;
		return -1;
	}
	life->log_is_file = life->global.log != NULL;
	if (!command)
		return -1;
	if (run_command(life, command, rest, arena, err) == 0)
		return 0;
	/* The engine's messages often begin with the verb already. */
	if (!str_starts_with(err->text, command->about.name))
		(void)error_wrap(err, "%s", command->about.name);
	return -1;
}

/* Callers read the log file or standard error: the error goes to both. */
static void report(const struct life *life, const struct error *err)
{
	log_error("%s", err->text);
	if (!life->log_is_file)
		return;
	for (const char *p = err->text; *p; p++)
		(void)fputc((unsigned char)*p < ' ' ? ' ' : *p, stderr);
	(void)fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct life life = { .failure_code = EXIT_FAILURE };
	struct error err;
	int result;

	(void)signal(SIGPIPE, SIG_IGN);
	result = fd_open_standard_streams(&err);
	life.call.inherited_fds = count_inherited();
	if (result == 0)
		result = dispatch(&life, argv, &arena, &err);
	/* What did not fit the buffer has been written before, or not. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0)
		result = error_set(&err, errno ? errno : EIO, "write to standard output");
	if (result == 0)
		return life.exit_code;
	report(&life, &err);
	return life.failure_code;
}
