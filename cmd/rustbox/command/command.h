/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of rustbox: one file and one row of commands.c each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/options.h"
#include "cmd/rustbox/store/store.h"

/* The options before the command. */
struct global_options {
	const char *root, *log_level;
	bool debug, version;
	/* without a command word: a shell in a fresh sandbox */
	const char *base_dir, *memory, *cpu_limit, *shell, *workdir;
};
extern const struct option_row global_rows[];
/* The first of the one-shot options that was given, with its dashes; NULL: none. */
const char *globals_one_shot(const struct global_options *global);

/* What a command gets. */
struct invocation {
	struct store *store; /* opened */
	const struct global_options *global;
	const void *options; /* the struct of the command's table */
	char **args;	     /* what is no option, ends with NULL */
	size_t n_args;
	struct arena *arena;
};

/* EXIT_ENGINE: always when an option is wrong. */
enum { EXIT_ENGINE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

struct command {
	struct options_command about;
	size_t options_size;	      /* of the struct of the table */
	size_t args_least, args_most; /* checked before run() */
	bool takes_anything;	      /* arguments and options are not looked at */
	bool needs_no_store;	      /* help, completion: nothing is opened or made */
	bool is_default;	      /* the first word of its group alone means it */
	int failure_code;	      /* exit code when run() fails with no code of its own; 0: 1 */
	const char *const *aliases;   /* "rm"; ends with NULL; or NULL */
	/*
	 * 0 or -1 with err (err->code EXIT_ENGINE to EXIT_NOT_FOUND counts as exit code).
	 * *ret_exit_code is EXIT_SUCCESS already. stdout is flushed and checked by main.
	 */
	int (*run)(const struct invocation *call, int *ret_exit_code, struct error *err);
};

enum { ARGS_ANY = 1 << 20 };

/* The table; ends with NULL. */
extern const struct command command_one_shot;
extern const struct command *const commands[];

/*
 * Runs a function for each argument, goes on after failures, prints each
 * argument that succeeded when `prints`; *ret_exit_code 1 after any failure (which was reported).
 */
int command_each(const struct invocation *call, bool prints,
		 int (*one)(const struct invocation *call, const char *arg, struct error *err),
		 int *ret_exit_code, struct error *err);

/* The command of argv's first word or two; *ret_words is how many. NULL with err: the nearest. */
const struct command *command_find(char *const *words, size_t *ret_words, struct error *err);

/* For help, the man page and the shells. */
extern const struct options_program program;
void program_print_version(void);
/* Of a command, or of the program (NULL). */
int program_print_help(const struct command *command, struct error *err);

extern const struct command command_attach, command_checkpoint_create, command_checkpoint_list,
	command_checkpoint_remove, command_commit, command_completion, command_cp, command_create,
	command_daemon, command_device_add, command_device_remove, command_diff, command_doctor,
	command_events, command_exec, command_export, command_health, command_help, command_history,
	command_image_inspect, command_image_prune, command_images, command_import, command_info,
	command_inspect, command_kill, command_list, command_load, command_logs, command_mount_add,
	command_mount_remove, command_network_create, command_network_inspect, command_network_list,
	command_network_prune, command_network_remove, command_pause, command_port, command_prune,
	command_remove, command_rename, command_restart, command_restore, command_rmi, command_run,
	command_sandbox, command_save, command_start, command_stats, command_stop,
	command_system_df, command_system_prune, command_tag, command_top, command_unpause,
	command_update, command_version, command_volume_create, command_volume_inspect,
	command_volume_list, command_volume_prune, command_volume_remove, command_wait,
	command_generate, command_supervise, command_refused_pull, command_refused_push,
	command_refused_login, command_refused_logout, command_refused_search,
	command_refused_build, command_refused_compose, command_refused_swarm,
	command_refused_buildx, command_refused_network_connect, command_refused_network_disconnect;
