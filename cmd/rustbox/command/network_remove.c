/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/network_words.h"

static int set_in_use(const char *name, const char *user, struct error *err)
{
	(void)error_set(err, 0, "network %s is used by the container %s", name, user);
	return error_hint(err, "rustbox remove %s first", user);
}

static int remove_one(const struct invocation *call, const char *name, struct error *err)
{
	const char *user;

	if (network_words_user(call, name, &user, err) < 0)
		return -1;
	if (user)
		return set_in_use(name, user, err);
	return network_remove(call->store, name, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	return command_each(call, true, remove_one, ret_exit_code, err);
}

static const char *const aliases[] = { "network rm", NULL };

const struct command command_network_remove = {
	.about = {
		.name = "network remove",
		.summary = "remove networks",
		.arguments = "NAME...",
	},
	.args_least = 1,
	.args_most = ARGS_ANY,
	.aliases = aliases,
	.run = run,
};
