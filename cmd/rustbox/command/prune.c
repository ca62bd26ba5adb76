/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/prune_words.h"

struct prune_options {
	bool all, force;
	struct option_strings filter;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "remove Stopped ones, too", OPTION_AT(prune_options, all) },
	{ "force", 'f', NULL, "do not ask (only a terminal is asked)",
	  OPTION_AT(prune_options, force) },
	{ "filter", 0, "KEY=VALUE",
	  "only those with this label, or created before (until=) a time or so long ago (10m)",
	  OPTION_AT(prune_options, filter) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct prune_options *options = call->options;
	uint64_t bytes = 0;

	if (prune_words_check(&options->filter, err) < 0 ||
	    prune_words_ask(options->force,
			    options->all ? "all containers that do not run"
					 : "all Created and Exited containers, and the files of "
					   "Stopped ones",
			    err) < 0 ||
	    prune_words_containers(call, options->all, &options->filter, &bytes, err) < 0)
		return -1;
	return prune_words_total(bytes);
}

const struct command command_prune = {
	.about = {
		.name = "prune",
		.summary = "remove containers that do not run",
		.arguments = "",
		.description = "Created and Exited ones are removed. Stopped ones, which `start` "
			       "could go on with, become Exited and lose what they have written "
			       "and their logs; with --all they are removed as well.",
		.rows = rows,
	},
	.options_size = sizeof(struct prune_options),
	.run = run,
};
