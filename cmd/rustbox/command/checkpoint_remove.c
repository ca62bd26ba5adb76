/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "cmd/rustbox/command/checkpoint_words.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/store/checkpoint.h"

struct remove_options {
	const char *dir;
};

static const struct option_row rows[] = {
	CHECKPOINT_DIR_ROW(remove_options),
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct remove_options *options = call->options;
	cleanup_fd int lock = -1;
	struct record *record;
	char *path;

	/* Nobody restores from it meanwhile. */
	if (container_hold(call->store, call->args[0], call->arena, &record, &lock, err) < 0)
		return -1;
	path = checkpoint_path(call->store, record->id, options->dir, call->args[1], call->arena,
			       err);
	if (!path || checkpoint_check(call->store, record->id, options->dir, path, err) < 0 ||
	    checkpoint_remove(path, err) < 0)
		return error_wrap(err, "container %s", record->name);
	printf("%s\n", call->args[1]);
	return 0;
}

const struct command command_checkpoint_remove = {
	.about = {
		.name = "checkpoint remove",
		.summary = "remove a checkpoint of a container",
		.arguments = "CONTAINER CHECKPOINT",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct remove_options),
	.args_least = 2,
	.args_most = 2,
	.aliases = (const char *const[]){ "checkpoint rm", NULL },
	.run = run,
};
