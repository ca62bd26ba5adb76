/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/volume_words.h"
#include "cmd/rustbox/store/event.h"

struct remove_options {
	bool force;
};

static const struct option_row rows[] = {
	{ "force", 'f', NULL, "one that does not exist is no error",
	  OPTION_AT(remove_options, force) },
	{ NULL },
};

static int remove_one(const struct invocation *call, const char *name, struct error *err)
{
	const struct remove_options *options = call->options;

	if (volume_remove(call->store, name, options->force, err) < 0)
		return -1;
	event_write(call->store, &(struct event){ .type = (char[]){ "volume" },
						  .action = (char[]){ "destroy" },
						  .id = arena_strdup(call->arena, name, err) });
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, remove_one, ret_exit_code, err);
}

const struct command command_volume_remove = {
	.about = {
		.name = "volume remove",
		.summary = "remove volumes and what is in them",
		.arguments = "NAME...",
		.description = "A volume that a container mounts, whether that runs or not, stays.",
		.rows = rows,
	},
	.options_size = sizeof(struct remove_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.aliases = (const char *const[]){ "volume rm", NULL },
	.run = run,
};
