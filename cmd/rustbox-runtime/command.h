/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of rustbox-runtime: one file and one row of commands.c each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/options.h"
#include "runtime/container.h"

/* The options before the command. */
struct global_options {
	const char *root, *log, *log_level;
	int log_format, cgroup_manager, rootless; /* indices of the choices in globals.c */
	bool debug, systemd_cgroup, version;
};
extern const struct option_row global_rows[];

/* What a command gets. */
struct invocation {
	const struct container_engine *engine;
	const void *options; /* the struct of the command's table */
	char **args;	     /* what is no option, ends with NULL */
	size_t n_args;
	unsigned int inherited_fds; /* so many descriptors from 3 on were open at our start */
	struct arena *arena;
};

struct command {
	struct options_command about;
	size_t options_size;	      /* of the struct of the table */
	size_t args_least, args_most; /* checked before run() */
	bool has_payload;	      /* create, run, exec: sealed, and gets descriptors */
	bool is_stateless;	      /* has nothing to do with containers: needs no state folder */
	int failure_code;	      /* exit code when run() fails; 0: EXIT_FAILURE */
	/*
	 * 0 or -1 with err. *ret_exit_code is EXIT_SUCCESS already. What it
	 * prints goes to stdout, which main flushes and checks.
	 */
	int (*run)(const struct invocation *call, int *ret_exit_code, struct error *err);
};

enum { ARGS_ANY = 1 << 20 };

/* The table; ends with NULL. */
extern const struct command *const commands[];
/* The command of that name; NULL with err, which names the nearest. */
const struct command *command_find(const char *name, struct error *err);

/* For help, the man page and the shells. */
extern const struct options_program program;
void program_print_version(void);
/* Of a command, or of the program (NULL). */
int program_print_help(const struct command *command, struct error *err);

extern const struct command command_checkpoint, command_completion, command_create, command_delete,
	command_events, command_exec, command_features, command_generate, command_help,
	command_info, command_kill, command_list, command_mounts, command_pause, command_ps,
	command_restore, command_resume, command_run, command_spec, command_start, command_state,
	command_update, command_version;
