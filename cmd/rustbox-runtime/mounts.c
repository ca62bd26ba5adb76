/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/rustbox-runtime/command.h"

struct mounts_options {
	struct option_strings option;
	const char *type;
};

static const struct option_row rows[] = {
	{ "option", 'o', "OPTION", "an option of the mount (ro, rbind, size=1m); repeatable",
	  OPTION_AT(mounts_options, option) },
	{ "type", 't', "TYPE", "bind, tmpfs, or another file system",
	  OPTION_AT(mounts_options, type), .fallback = "bind" },
	{ NULL },
};

enum { ADD_ARGS = 4, REMOVE_ARGS = 3 };

static int check_target(const char *target, struct error *err)
{
	return *target == '/' ? 0
			      : error_set(err, EINVAL, "the target \"%s\" is not absolute", target);
}

static int add(const struct invocation *call, struct error *err)
{
	const struct mounts_options *options = call->options;
	struct spec_mount mount = {
		.source = call->args[2],
		.destination = call->args[3],
		.type = arena_strdup(call->arena, options->type, err),
		.options = options->option.items,
		.n_options = options->option.count,
	};

	if (!mount.type || check_target(mount.destination, err) < 0)
		return -1;
	if (strcmp(mount.type, "bind") == 0 && *mount.source != '/')
		return error_set(err, EINVAL, "the source \"%s\" is not absolute", mount.source);
	return container_add_mount(call->engine, call->args[1], &mount, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	if (strcmp(call->args[0], "add") == 0 && call->n_args == ADD_ARGS)
		return add(call, err);
	if (strcmp(call->args[0], "remove") == 0 && call->n_args == REMOVE_ARGS)
		return check_target(call->args[2], err) < 0
			       ? -1
			       : container_remove_mount(call->engine, call->args[1], call->args[2],
							err);
	return error_set(err, 0,
			 "usage: rustbox-runtime mounts add ID SOURCE TARGET, or mounts remove "
			 "ID TARGET");
}

const struct command command_mounts = {
	.about = {
		.name = "mounts",
		.summary = "add a mount to a running container, or remove one",
		.arguments = "add|remove ID [SOURCE] TARGET",
		.description =
			"What is added is gone with the container; its config.json does not change.\n\n"
			"   rustbox-runtime mounts -o ro add my-container /srv/data /data\n\n"
			"   rustbox-runtime mounts remove my-container /data",
		.rows = rows,
	},
	.options_size = sizeof(struct mounts_options),
	.args_least = REMOVE_ARGS,
	.args_most = ADD_ARGS,
	.run = run,
};
