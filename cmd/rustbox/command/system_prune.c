/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/image_words.h"
#include "cmd/rustbox/command/network_words.h"
#include "cmd/rustbox/command/prune_words.h"
#include "cmd/rustbox/command/volume_words.h"

struct prune_options {
	bool all, force, volumes;
	struct option_strings filter;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "Stopped containers, and all images without a container, too",
	  OPTION_AT(prune_options, all) },
	{ "volumes", 0, NULL, "volumes without a name that no container mounts, too",
	  OPTION_AT(prune_options, volumes) },
	{ "force", 'f', NULL, "do not ask (only a terminal is asked)",
	  OPTION_AT(prune_options, force) },
	{ "filter", 0, "KEY=VALUE",
	  "of containers only those with this label, or created before (until=) a time",
	  OPTION_AT(prune_options, filter) },
	{ NULL },
};

static int prune_networks(const struct invocation *call, struct error *err)
{
	struct network_info **infos;
	bool is_first = true;
	size_t n;

	if (network_list(call->store, call->arena, &infos, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *user;
		if (network_words_user(call, infos[i]->name, &user, err) < 0)
			return -1;
		if (user)
			continue;
		if (network_remove(call->store, infos[i]->name, err) < 0)
			return -1;
		printf("%s%s\n", is_first ? "Deleted Networks:\n" : "", infos[i]->name);
		is_first = false;
	}
	if (!is_first)
		printf("\n");
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct prune_options *options = call->options;
	uint64_t bytes = 0;

	if (prune_words_check(&options->filter, err) < 0 ||
	    prune_words_ask(options->force,
			    options->all ? "all containers that do not run, networks and images "
					   "without a container"
					 : "Created and Exited containers, the files of Stopped "
					   "ones, networks without a container, and images "
					   "without a name",
			    err) < 0 ||
	    prune_words_containers(call, options->all, &options->filter, &bytes, err) < 0 ||
	    prune_networks(call, err) < 0 ||
	    image_words_prune(call, options->all, &bytes, err) < 0 ||
	    (options->volumes && volume_words_prune(call, false, NULL, &bytes, err) < 0))
		return -1;
	return prune_words_total(bytes);
}

const struct command command_system_prune = {
	.about = {
		.name = "system prune",
		.summary = "remove containers, networks and images that are not used",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct prune_options),
	.run = run,
};
