/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

struct remove_options {
	bool force, volumes;
};

static const struct option_row rows[] = {
	{ "force", 'f', NULL, "kill it first, if it runs; one that does not exist is no error",
	  OPTION_AT(remove_options, force) },
	{ "volumes", 'v', NULL, "with the volumes that were made for it alone",
	  OPTION_AT(remove_options, volumes) },
	{ NULL },
};

static int remove_one(const struct invocation *call, const char *name, struct error *err)
{
	const struct remove_options *options = call->options;

	struct record **records;
	size_t n;

	if (containers_remove(call->store, name, options->force, options->volumes, err) == 0)
		return 0;
	if (!options->force || err->code != ENOENT)
		return -1;
	/* What a killed removal has left has no name any more: it goes when all are looked at. */
	return store_list(call->store, call->arena, &records, &n, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, remove_one, ret_exit_code, err);
}

const struct command command_remove = {
	.about = {
		.name = "remove",
		.summary = "remove containers",
		.arguments = "CONTAINER...",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct remove_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.aliases = (const char *const[]){ "rm", NULL },
	.run = run,
};
