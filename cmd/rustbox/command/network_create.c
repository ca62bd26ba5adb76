/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/rustbox/command/network_words.h"

struct network_options {
	const char *driver, *subnet, *gateway;
	struct option_strings label;
	bool internal;
};

static const struct option_row rows[] = {
	{ "driver", 'd', "NAME", "the kind of network: bridge", OPTION_AT(network_options, driver),
	  .fallback = "bridge" },
	{ "subnet", 0, "CIDR", "its addresses, 10.63.7.0/24 (chosen when left out)",
	  OPTION_AT(network_options, subnet) },
	{ "gateway", 0, "ADDRESS", "the address of the host in it, the first one by default",
	  OPTION_AT(network_options, gateway) },
	{ "internal", 0, NULL, "without a way to the outside",
	  OPTION_AT(network_options, internal) },
	{ "ipv6", 0, NULL, "", .kind = OPTION_FLAG, .hidden = true,
	  .instead = "networks have IPv4; what IPv6 needs can be in a configuration for CNI" },
	{ "label", 0, "KEY[=VALUE]", "a label; repeatable", OPTION_AT(network_options, label) },
	{ NULL },
};

static int read_labels(const struct invocation *call, const struct option_strings *texts,
		       struct network_info *info, struct error *err)
{
	info->labels = arena_array(call->arena, texts->count, sizeof(*info->labels), err);
	if (!info->labels)
		return -1;
	for (; info->n_labels < texts->count; info->n_labels++) {
		const char *text = texts->items[info->n_labels];
		size_t size = strcspn(text, "=");
		struct json_pair *label = &info->labels[info->n_labels];
		label->key = arena_strndup(call->arena, text, size, err);
		label->value = arena_strdup(call->arena, text[size] ? text + size + 1 : "", err);
		if (!label->key || !label->value)
			return -1;
	}
	return 0;
}

static int copy_text(const struct invocation *call, const char *text, char **ret, struct error *err)
{
	if (!text)
		return 0;
	*ret = arena_strdup(call->arena, text, err);
	return *ret ? 0 : -1;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct network_options *options = call->options;
	struct network_info info = { .name = call->args[0], .internal = options->internal };

	if (copy_text(call, options->driver, &info.driver, err) < 0 ||
	    copy_text(call, options->subnet, &info.subnet, err) < 0 ||
	    copy_text(call, options->gateway, &info.gateway, err) < 0 ||
	    read_labels(call, &options->label, &info, err) < 0 ||
	    network_create(call->store, &info, err) < 0)
		return -1;
	printf("%s\n", info.name);
	return 0;
}

const struct command command_network_create = {
	.about = {
		.name = "network create",
		.summary = "make a network",
		.arguments = "NAME",
		.description = "Containers that are run with --network NAME reach each other by "
			       "their names, and the outside through the host.",
		.rows = rows,
	},
	.options_size = sizeof(struct network_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
