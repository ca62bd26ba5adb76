/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/image.h"

struct rmi_options {
	bool force, prune, all;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "with --prune: all that no container uses",
	  OPTION_AT(rmi_options, all) },
	{ "force", 'f', NULL,
	  "take all names of one, even one that containers use (its files stay as long as these); "
	  "one that does not exist is no error",
	  OPTION_AT(rmi_options, force) },
	{ "prune", 0, NULL, "remove those that have no name and that no container uses",
	  OPTION_AT(rmi_options, prune) },
	{ NULL },
};

static int remove_one(const struct invocation *call, const char *name, struct error *err)
{
	const struct rmi_options *options = call->options;
	struct image *image;
	bool removed;

	if (image_find(call->store, name, call->arena, &image, err) < 0)
		image = NULL; /* perhaps a damaged one, which can be removed all the same */
	if (image_remove(call->store, name, options->force, &removed, err) < 0)
		return options->force && err->code == ENOENT ? 0 : -1;
	if (removed)
		printf("Deleted: %s\n", image ? image->id : name);
	else
		printf("Untagged: %s\n", name);
	return 0;
}

static int prune(const struct invocation *call, struct error *err)
{
	const struct rmi_options *options = call->options;
	cleanup_str struct str size = STR_EMPTY;
	uint64_t bytes;
	size_t images;

	if (image_prune(call->store, options->all, &bytes, &images, err) < 0)
		return -1;
	format_size(&size, bytes);
	printf("Removed images: %zu\nReclaimed space: %s\n", images, size.text ? size.text : "");
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct rmi_options *options = call->options;

	if (options->prune == (call->n_args > 0))
		return error_set(err, 0, "either images or --prune");
	if (options->all && !options->prune)
		return error_set(err, 0, "--all goes with --prune");
	return options->prune ? prune(call, err)
			      : command_each(call, false, remove_one, ret_exit_code, err);
}

static const char *const aliases[] = { "image rm", "image remove", NULL };

const struct command command_rmi = {
	.about = {
		.name = "rmi",
		.summary = "remove images",
		.arguments = "IMAGE...|--prune",
		.description = "Removing one of several names takes that name away. With the last "
			       "one the image goes, and the layers that no other image has.",
		.rows = rows,
	},
	.options_size = sizeof(struct rmi_options),
	.args_most = ARGS_ANY,
	.aliases = aliases,
	.run = run,
};
