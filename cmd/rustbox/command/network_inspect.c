/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/rustbox/command/network_words.h"
#include "cmd/rustbox/format/format.h"

struct inspect_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORM", "json, or a template ({{.Subnet}})",
	  OPTION_AT(inspect_options, format) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct inspect_options *options = call->options;
	cleanup_str struct str out = STR_EMPTY;
	const struct value **values = arena_array(call->arena, call->n_args, sizeof(*values), err);

	if (!values)
		return -1;
	for (size_t i = 0; i < call->n_args; i++) {
		const struct network_info *info = network_words_find(call, call->args[i], err);
		values[i] = info ? network_words_value(call, info, err) : NULL;
		if (!values[i])
			return -1;
	}
	if (format_documents(options->format, values, call->n_args, &out, err) < 0)
		return -1;
	(void)fputs(out.text ? out.text : "", stdout);
	return 0;
}

const struct command command_network_inspect = {
	.about = {
		.name = "network inspect",
		.summary = "show all that is known of networks",
		.arguments = "NAME...",
		.rows = rows,
	},
	.options_size = sizeof(struct inspect_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
