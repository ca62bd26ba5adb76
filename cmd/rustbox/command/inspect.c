/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/rustbox/command/inspect_words.h"

static const struct option_row rows[] = {
	{ "format", 'f', "FORM", "json, or a template ({{.State.Status}})",
	  OPTION_AT(inspect_words_options, format) },
	{ "size", 's', NULL, "how much a container has written, and all that it sees",
	  OPTION_AT(inspect_words_options, size) },
	{ "type", 0, "KIND", "only container, image, network or volume",
	  OPTION_AT(inspect_words_options, type) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct inspect_words_options *options = call->options;
	const char *const one[] = { options->type, NULL };

	if (!options->type)
		return inspect_words_run(call, inspect_words_kinds, ret_exit_code, err);
	for (size_t i = 0; inspect_words_kinds[i]; i++)
		if (strcmp(inspect_words_kinds[i], options->type) == 0)
			return inspect_words_run(call, one, ret_exit_code, err);
	return error_set(err, 0, "--type %s: not one of container, image, network, volume",
			 options->type);
}

const struct command command_inspect = {
	.about = {
		.name = "inspect",
		.summary = "show all that is known of containers, images, networks and volumes",
		.arguments = "NAME...",
		.description = "A name is looked for among containers first, then images, "
			       "networks, volumes.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct inspect_words_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
