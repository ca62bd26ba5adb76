/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/network_words.h"

struct prune_options {
	bool force;
};

static const struct option_row rows[] = {
	{ "force", 'f', NULL, "for scripts written for Docker: nothing is asked anyway",
	  OPTION_AT(prune_options, force) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct network_info **infos;
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
		printf("%s\n", infos[i]->name);
	}
	return 0;
}

const struct command command_network_prune = {
	.about = {
		.name = "network prune",
		.summary = "remove networks without a container",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct prune_options),
	.run = run,
};
