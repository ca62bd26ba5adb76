/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"

const struct option_row global_rows[] = {
	{ "root", 0, "DIR", "where containers and images are kept, /var/lib/rustbox by default",
	  OPTION_AT(global_options, root), .path = OPTION_DIRECTORY },
	{ "log-level", 0, "LEVEL", "what goes to standard error: error, warning, info, debug",
	  OPTION_AT(global_options, log_level), .fallback = "warning" },
	{ "debug", 'D', NULL, "the same as --log-level debug", OPTION_AT(global_options, debug) },
	{ "version", 'v', NULL, "print the version", OPTION_AT(global_options, version) },
	{ "base-dir", 0, "DIR",
	  "without a command: run a shell in this root file system, ./rootfs by default",
	  OPTION_AT(global_options, base_dir) },
	{ "memory", 0, "SIZE", "without a command: memory limit of that shell",
	  OPTION_AT(global_options, memory) },
	{ "cpu-limit", 0, "N", "without a command: CPUs of that shell, such as 0.5",
	  OPTION_AT(global_options, cpu_limit) },
	{ "shell", 0, "PATH", "without a command: that shell, /bin/bash or /bin/sh by default",
	  OPTION_AT(global_options, shell) },
	{ "workdir", 0, "DIR", "without a command: where that shell begins, / by default",
	  OPTION_AT(global_options, workdir) },
	{ NULL },
};

const char *globals_one_shot(const struct global_options *global)
{
	return global->base_dir	   ? "--base-dir"
	       : global->memory	   ? "--memory"
	       : global->cpu_limit ? "--cpu-limit"
	       : global->shell	   ? "--shell"
	       : global->workdir   ? "--workdir"
				   : NULL;
}
