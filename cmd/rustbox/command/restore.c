/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "cmd/rustbox/command/checkpoint_words.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/stream/stream.h"

struct restore_options {
	const char *dir;
};

static const struct option_row rows[] = {
	CHECKPOINT_DIR_ROW(restore_options),
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct stream_attach nothing = { .from = STREAM_FROM_NOW };
	const struct restore_options *options = call->options;
	const char *name = call->n_args > 1 ? call->args[1] : CHECKPOINT_DEFAULT;
	cleanup_fd int socket = -1;

	if (containers_restore(call->store, call->args[0], options->dir, name, &nothing, &socket,
			       err) < 0)
		return -1;
	printf("%s\n", call->args[0]);
	return 0;
}

const struct command command_restore = {
	.about = {
		.name = "restore",
		.summary = "make a container run again from a checkpoint",
		.arguments = "CONTAINER [CHECKPOINT]",
		.description = "As it was when rustbox checkpoint wrote it, with the container's "
			       "files as they are now. The checkpoint stays. rustbox start -a "
			       "--checkpoint NAME shows its output, too.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct restore_options),
	.args_least = 1,
	.args_most = 2,
	.run = run,
};
