/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/prune_words.h"
#include "cmd/rustbox/command/volume_words.h"

struct prune_options {
	bool all, force;
	struct option_strings filter;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "those that were given a name, too", OPTION_AT(prune_options, all) },
	{ "force", 'f', NULL, "do not ask (only a terminal is asked)",
	  OPTION_AT(prune_options, force) },
	{ "filter", 0, "KEY=VALUE", "only those with this name or label",
	  OPTION_AT(prune_options, filter) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct prune_options *options = call->options;
	uint64_t bytes = 0;

	if (filter_check(volume_words_keys, &options->filter, err) < 0 ||
	    prune_words_ask(options->force,
			    options->all ? "all volumes that no container mounts"
					 : "all volumes without a name that no container mounts",
			    err) < 0 ||
	    volume_words_prune(call, options->all, &options->filter, &bytes, err) < 0)
		return -1;
	return prune_words_total(bytes);
}

const struct command command_volume_prune = {
	.about = {
		.name = "volume prune",
		.summary = "remove volumes that no container mounts",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct prune_options),
	.run = run,
};
