/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/image_words.h"
#include "cmd/rustbox/command/prune_words.h"

struct prune_options {
	bool all, force;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "all images without a container, those with a name, too",
	  OPTION_AT(prune_options, all) },
	{ "force", 'f', NULL, "do not ask (only a terminal is asked)",
	  OPTION_AT(prune_options, force) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct prune_options *options = call->options;
	uint64_t bytes = 0;

	if (prune_words_ask(options->force,
			    options->all ? "all images without a container"
					 : "all images without a name",
			    err) < 0 ||
	    image_words_prune(call, options->all, &bytes, err) < 0)
		return -1;
	return prune_words_total(bytes);
}

const struct command command_image_prune = {
	.about = {
		.name = "image prune",
		.summary = "remove images that are not used",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct prune_options),
	.run = run,
};
