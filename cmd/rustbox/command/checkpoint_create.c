/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/checkpoint_words.h"
#include "cmd/rustbox/container/containers.h"

struct checkpoint_options {
	struct checkpoint_wishes wishes;
	const char *dir;
};

static const struct option_row rows[] = {
	CHECKPOINT_DIR_ROW(checkpoint_options),
	{ "leave-running", 'R', NULL, "the container goes on; else it is Stopped then",
	  OPTION_AT(checkpoint_options, wishes.leave_running) },
	{ "tcp-established", 0, NULL, "open TCP connections are saved, and go on",
	  OPTION_AT(checkpoint_options, wishes.tcp_established) },
	{ "file-locks", 0, NULL, "locks of files are saved, and held again",
	  OPTION_AT(checkpoint_options, wishes.file_locks) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct checkpoint_options *options = call->options;
	const char *name = call->n_args > 1 ? call->args[1] : CHECKPOINT_DEFAULT;

	if (containers_checkpoint(call->store, call->args[0], options->dir, name, &options->wishes,
				  err) < 0)
		return -1;
	printf("%s\n", name);
	return 0;
}

const struct command command_checkpoint_create = {
	.about = {
		.name = "checkpoint create",
		.summary = "write a running container to disk",
		.arguments = "CONTAINER [CHECKPOINT]",
		.description =
			"Its processes, with their memory and open files, are written by CRIU; "
			"rustbox restore makes them run again. Files of the container are not part "
			"of a checkpoint: they stay with the container. Open connections and locks "
			"of files are refused unless they are asked for; a restore knows that they "
			"were. The word create may be left out. Prints the checkpoint's "
			"name, which is " CHECKPOINT_DEFAULT " when none is given.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct checkpoint_options),
	.args_least = 1,
	.args_most = 2,
	.is_default = true,
	.run = run,
};
