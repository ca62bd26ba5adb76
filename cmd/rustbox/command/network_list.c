/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/network_words.h"
#include "cmd/rustbox/format/format.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "quiet", 'q', NULL, "only the names", OPTION_AT(list_options, quiet) },
	{ "format", 0, "FORM", "table, json, columns (Name,Subnet) or a template ({{.Name}})",
	  OPTION_AT(list_options, format) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "NAME", "Name" },	  { "DRIVER", "Driver" }, { "SUBNET", "Subnet" },
	{ "GATEWAY", "Gateway" }, { NULL, NULL },
};

/* What is always there, and needs no configuration. */
static struct value *fixed(const struct invocation *call, const char *name, const char *driver,
			   struct error *err)
{
	struct network_info info = {
		.name = arena_strdup(call->arena, name, err),
		.driver = arena_strdup(call->arena, driver, err),
	};

	return info.name && info.driver ? network_words_value(call, &info, err) : NULL;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct list_options *options = call->options;
	cleanup_str struct str out = STR_EMPTY;
	struct network_info **infos;
	const struct value **values;
	size_t n;

	if (network_list(call->store, call->arena, &infos, &n, err) < 0)
		return -1;
	values = arena_array(call->arena, n + 2, sizeof(*values), err);
	if (!values || !(values[0] = fixed(call, "host", "host", err)) ||
	    !(values[1] = fixed(call, "none", "null", err)))
		return -1;
	for (size_t i = 0; i < n; i++) {
		values[i + 2] = network_words_value(call, infos[i], err);
		if (!values[i + 2])
			return -1;
	}
	if (format_rows(options->quiet ? "{{.Name}}" : options->format, columns, values, n + 2,
			options->quiet, &out, err) < 0)
		return -1;
	(void)fputs(out.text ? out.text : "", stdout);
	return 0;
}

static const char *const aliases[] = { "network ls", NULL };

const struct command command_network_list = {
	.about = {
		.name = "network list",
		.summary = "list networks",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct list_options),
	.aliases = aliases,
	.run = run,
};
